// Package ubx is u-blox's binary protocol: frames, and the messages that a
// grandmaster reads or writes.
//
//	B5 62 | class | id | length (little-endian) | payload | 8-bit Fletcher over class to payload
//
// Parsing a message is pure: payload in, struct out, false when the length or
// the version is none that is known. Nothing is kept and nothing is allocated.
// Lengths, offsets and bits are those of u-blox's interface descriptions: the
// receiver descriptions of u-blox 5 to M8 (protocol versions 10 to 23), ZED-F9T
// and M10.
//
// The package knows no time, no trust and no other protocol.
package ubx
