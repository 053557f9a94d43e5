package wire

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
)

// ClockIdentity names a clock: an EUI-64 (7.5.2.2).
type ClockIdentity [8]byte

// AllClocks addresses every clock (13.12.1).
var AllClocks = ClockIdentity{0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF}

// IdentityFromMAC makes an identity of a MAC address with FF-FE in its middle
// (1588-2008, 7.5.2.2.2), as field engineers expect to see it.
func IdentityFromMAC(mac [6]byte) ClockIdentity {
	return ClockIdentity{mac[0], mac[1], mac[2], 0xFF, 0xFE, mac[3], mac[4], mac[5]}
}

// String is the identity as linuxptp and Cisco print it: "0011aa.fffe.bb22cc".
func (c ClockIdentity) String() string {
	var b [18]byte
	hex.Encode(b[0:6], c[0:3])
	b[6] = '.'
	hex.Encode(b[7:11], c[3:5])
	b[11] = '.'
	hex.Encode(b[12:18], c[5:8])
	return string(b[:])
}

// ParseClockIdentity reads an identity of 16 hexadecimal digits, with or without the
// dots, colons or hyphens that others print between them.
func ParseClockIdentity(s string) (c ClockIdentity, err error) {
	b, err := hex.DecodeString(strings.NewReplacer(".", "", ":", "", "-", "").Replace(s))
	if err != nil || len(b) != len(c) {
		return c, fmt.Errorf("wire: %q is no clock identity: 16 hexadecimal digits", s)
	}
	return ClockIdentity(b), nil
}

// PortIdentity names a port of a clock (5.3.5).
type PortIdentity struct {
	Clock ClockIdentity
	Port  uint16
}

// String is "0011aa.fffe.bb22cc-1".
func (p PortIdentity) String() string {
	return p.Clock.String() + "-" + strconv.Itoa(int(p.Port))
}

// Addresses tells whether a message to target p is meant for port me: the same
// identity, or all ones in place of either half (13.12.1, 15.4.1.2).
func (p PortIdentity) Addresses(me PortIdentity) bool {
	return (p.Clock == me.Clock || p.Clock == AllClocks) && (p.Port == me.Port || p.Port == allOnes)
}

func parsePortIdentity(b []byte) PortIdentity {
	return PortIdentity{ClockIdentity(b[:8]), binary.BigEndian.Uint16(b[8:10])}
}

// TargetOf is the targetPortIdentity of a Signaling or Management message that was
// parsed.
func TargetOf(b []byte) PortIdentity { return parsePortIdentity(b[HeaderLen:]) }

// Append adds the ten octets of the identity to b.
func (p PortIdentity) Append(b []byte) []byte { return p.append(b) }

func (p PortIdentity) append(b []byte) []byte {
	return binary.BigEndian.AppendUint16(append(b, p.Clock[:]...), p.Port)
}
