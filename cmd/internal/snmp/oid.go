package snmp

import (
	"slices"
	"strconv"
	"strings"
)

// OID is an object identifier.
type OID []uint32

// longestOID is how many numbers an OID may have (RFC 2578, 3.5).
const longestOID = 128

// ParseOID reads ".1.3.6.1" or "1.3.6.1".
func ParseOID(s string) (OID, bool) {
	words := strings.Split(strings.TrimPrefix(s, "."), ".")
	if len(words) > longestOID {
		return nil, false
	}
	o := make(OID, len(words))
	for i, word := range words {
		n, err := strconv.ParseUint(word, 10, 32)
		if err != nil {
			return nil, false
		}
		o[i] = uint32(n)
	}
	return o, true
}

// String writes ".1.3.6.1".
func (o OID) String() string {
	var b []byte
	for _, n := range o {
		b = strconv.AppendUint(append(b, '.'), uint64(n), 10)
	}
	return string(b)
}

// add is the OID below o.
func (o OID) add(n ...uint32) OID { return append(slices.Clip(o), n...) }

// mustOID is for those of this package.
func mustOID(s string) OID {
	o, ok := ParseOID(s)
	if !ok {
		panic("snmp: " + s + " is no OID")
	}
	return o
}
