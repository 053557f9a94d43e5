// Package gnss turns what a receiver sends into labelled pulses.
//
//	bytes --> Framer --> Frame (NMEA sentence or UBX frame, checksum good)
//	      --> Decoder --> Epoch: which second the receiver says it is, how good that is, when its first byte came
//	      --> Pairer  --> Mark: this pulse, which the served clock read as Local, was TAI second N
//
// A time counts only from RMC or ZDA with a checksum, a fix and a date that can
// be. Everything else (satellites, position) is for the operator and can never
// make a time good or bad, except a GGA or GNS that denies the fix.
//
// A receiver sends its message after the pulse that it names, so a message
// belongs to the last pulse before its first byte. That holds while the
// message's delay is well inside one second; the Pairer refuses to label
// otherwise, and once labelled it counts pulses and lets messages only confirm.
//
// The package is sans-I/O: bytes, pulses and now are arguments. It knows no
// socket, no PTP and no servo. Nothing here is safe for concurrent use.
package gnss
