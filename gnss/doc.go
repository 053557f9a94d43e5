// Package gnss turns what a receiver sends into labelled pulses.
//
//	bytes --> Framer --> Frame (NMEA sentence or UBX frame, checksum good)
//	      --> Decoder --> Epoch: which second the receiver says it is, how good that is, when its first byte came
//	      --> Pairer  --> Mark: this pulse, which the served clock read as Local, was TAI second N
//
// Reference is all of it for one receiver and its pulse.
//
// A time counts only with a checksum, a fix and a date that can be. From
// sentences: RMC, ZDA or PUBX,04. From UBX: NAV-PVT, NAV-TIMEUTC, or GPS week and
// time of week (NAV-TIMEGPS, NAV-SOL), whose week number is unwrapped with the
// floor; a date never is. Where UBX names the instants, sentences only confirm.
// Everything else (satellites, position) is for the operator and can never make a
// time good or bad, except a GGA, GNS or GLL that denies the fix.
//
// The leap count in the receiver's UTC must be one that it vouches for, or the
// table's; else GPS time counts, with the table's, or nothing (leapbook.go).
//
// Each second has a strength (evidence.go): what was learned from weak evidence is
// unlearned by stronger, steady evidence (belief.go).
//
// Antenna, jamming, spoofing and position are weighed apart (trust.go): they do
// not make a time wrong, but a pulse not to be believed.
//
// A receiver sends its message after the pulse that it names, so a message
// belongs to the last pulse before its first byte. That holds while the
// message's delay is well inside one second; the Pairer refuses to label
// otherwise, and once labelled it counts pulses and lets messages only confirm.
//
// The package is sans-I/O: bytes, pulses and now are arguments. It knows no
// socket, no PTP and no servo. Nothing here is safe for concurrent use.
package gnss
