// Package sim is the board of software: a crystal, a PTP hardware clock on it,
// a sky, an antenna and a receiver, as pure models.
//
// The flow of one second of the sky:
//
//	Climate --> crystal's temperature \
//	                                   Oscillator: fractional frequency y, one value a grid cell
//	seeded noise and ageing ----------/      |
//	                                         v
//	frequency correction, steps ----------> PHC: straight lines from Mono to Local
//	                                         |
//	sky second N, receiver's pulse noise --> Event: pulse edge (Mono, and the PHC's exact reading of it)
//	                                    \--> Event: bytes of the burst that names N, 60 to 140 ms later
//
// The true time is the sky's TAI. How it belongs to CLOCK_MONOTONIC_RAW the
// caller says, by pairs (Mono, TAI) given to Board.Advance: in virtual time the
// pairs run in step; live they are read from the kernel's clocks. Between two
// pairs everything lies on the straight line through them.
//
// All is deterministic by Config.Seed. The package knows neither the operating
// system nor the time, no PTP and no servo. What it knows of the truth
// (Board.Truth) is for tests and for `bragi sim status` alone.
package sim
