package snmp

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"
)

// value is one object as pass_persist tells it.
type value struct {
	oid  OID
	kind string // net-snmp's word for the type
	text string
}

// tree is what there is to ask for, in the order of its OIDs.
type tree []value

// get finds an object.
func (t tree) get(o OID) (value, bool) {
	if i, found := slices.BinarySearchFunc(t, o, compare); found {
		return t[i], true
	}
	return value{}, false
}

// next is the object behind an OID.
func (t tree) next(o OID) (value, bool) {
	i, found := slices.BinarySearchFunc(t, o, compare)
	if found {
		i++
	}
	if i == len(t) {
		return value{}, false
	}
	return t[i], true
}

func compare(v value, o OID) int { return slices.Compare(v.oid, o) }

func (t tree) sort() {
	slices.SortFunc(t, func(a, b value) int { return slices.Compare(a.oid, b.oid) })
}

// An entry is a row of a table that is being told: the OID of the table's entry, and
// the row's index. A scalar is a row with the index 0.
type entry struct {
	to    *tree
	of    OID
	index []uint32
}

func (t *tree) entry(of OID, index ...uint32) entry { return entry{t, of, index} }

func (e entry) tell(column uint32, kind, text string) {
	*e.to = append(*e.to, value{e.of.add(column).add(e.index...), kind, text})
}

// integer tells an INTEGER.
func (e entry) integer(column uint32, n int64) { e.tell(column, "integer", fmt.Sprint(n)) }

// unsigned tells an Unsigned32 or a Gauge32, which stays at its highest value where
// n is more (RFC 2578, 7.1.7).
func (e entry) unsigned(column uint32, n uint64) {
	e.tell(column, "gauge", fmt.Sprint(min(n, 1<<32-1)))
}

// counter tells a Counter64.
func (e entry) counter(column uint32, n uint64) { e.tell(column, "counter64", fmt.Sprint(n)) }

// truth tells a TruthValue: true is 1, false is 2.
func (e entry) truth(column uint32, b bool) {
	if b {
		e.integer(column, 1)
		return
	}
	e.integer(column, 2)
}

// object tells an OBJECT IDENTIFIER.
func (e entry) object(column uint32, o OID) { e.tell(column, "objectid", o.String()) }

// octets tells an OCTET STRING.
func (e entry) octets(column uint32, b []byte) {
	e.tell(column, "octet", strings.TrimSpace(fmt.Sprintf("% x", b)))
}

// words tells text of at most limit octets. A value is one line of the protocol:
// what is no letter of ASCII goes as octets.
func (e entry) words(column uint32, text string, limit int) {
	text = strings.ToValidUTF8(text[:min(len(text), limit)], "")
	if text == "" || strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r > '~' }) || strings.TrimSpace(text) != text {
		e.octets(column, []byte(text))
		return
	}
	e.tell(column, "string", text)
}

// ticks tells a TimeTicks: hundredths of a second, which begin anew at 2^32.
func (e entry) ticks(column uint32, seconds float64) {
	e.tell(column, "timeticks", fmt.Sprint(uint32(int64(seconds*100))))
}

// date tells a DateAndTime (RFC 2579) in UTC.
func (e entry) date(column uint32, at time.Time) {
	at = at.UTC()
	year := at.Year()
	e.octets(column, []byte{byte(year >> 8), byte(year), byte(at.Month()), byte(at.Day()), byte(at.Hour()), byte(at.Minute()), byte(at.Second()),
		byte(at.Nanosecond() / 1e8), '+', 0, 0})
}

// comesBefore orders clients by address, then by identity.
func comesBefore(addressA, identityA, addressB, identityB string) int {
	a, _ := netip.ParseAddr(addressA)
	b, _ := netip.ParseAddr(addressB)
	if c := a.Compare(b); c != 0 {
		return c
	}
	return strings.Compare(identityA, identityB)
}
