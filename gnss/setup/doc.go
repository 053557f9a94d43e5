// Package setup makes a timing receiver of whatever hangs at the serial port: it
// finds out what the receiver is, sets a u-blox up, lets it survey its position
// and holds it there.
//
//	Opened --> asking (MON-VER) --> setting (one Step after the other) --> time mode --> watching
//	               \--> foreign: no answer; nothing more is written         \--> survey-in --> fixed
//
// Each Step is read first and written only where it differs, so that a receiver
// which is set up already is not disturbed: its pulse goes on. What is written
// must be acknowledged and is read back. Nothing goes into the receiver's flash:
// after a loss of power it is as it was, which is noticed by the messages that
// no longer come, and set up again.
//
// The antenna cable's delay is corrected once, in the servo (gnss.antenna_delay),
// for every receiver alike; so the receiver's own correction, 50 ns from the
// factory, is set to zero.
//
// A Machine reads no time and does no I/O: bytes and the time go in, bytes to
// write come out. The settings are those of u-blox's receiver descriptions and
// interface descriptions; their names stand in gnss/ubx.
package setup
