package gnss

import (
	"time"

	"bragi/gnss/timescale"
)

// LeapSource says where a leap count comes from.
type LeapSource uint8

// The sources, the best last.
const (
	LeapFromNothing  LeapSource = iota
	LeapFromTable               // the table (or file) alone, or a count of the receiver's that it does not vouch for but that agrees
	LeapFromReceiver            // the receiver says that its count is valid
)

// String is the source in words.
func (s LeapSource) String() string {
	switch s {
	case LeapFromTable:
		return "table"
	case LeapFromReceiver:
		return "receiver"
	}
	return "unknown"
}

// MarshalText makes a LeapSource a word in JSON.
func (s LeapSource) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// LeapEvent is a leap second to come: at is 00:00:00 after it, change +1 for one
// inserted, -1 for one deleted.
type LeapEvent struct {
	At     timescale.UTC
	Change int
}

// LeapBook is the table of leap seconds with what was learned since: seconds
// that the receiver announced, counts that it vouches for, and a 23:59:60 that
// was seen. Until its expiry the table is complete, and nothing that contradicts
// it is learned. TAI, which the pulses count, is never touched by any of it.
//
// One book is shared by Decoder, Pairer and whoever announces the UTC offset.
type LeapBook struct {
	table *timescale.LeapSeconds

	// The event or count that the receiver told last, and how often in a row.
	event       LeapEvent
	eventTold   int
	count       int
	countTold   int
	announced   *timescale.LeapSeconds // the table to return to if the announcement is taken back
	announcedAt timescale.UTC
	denied      int

	before   *timescale.LeapSeconds // the table to return to if 23:59:60 proves false
	proofs   int
	observed uint64
}

const (
	toldToLearn = 3 // times in a row that the receiver must tell a leap second, or take it back
	// leapSoon is how long before it a leap second is announced at most.
	leapSoon = 200 * 24 * time.Hour
	gpsToTAI = 19 // TAI - GPS time in s
)

// NewLeapBook begins with a table; nil is the built-in one.
func NewLeapBook(table *timescale.LeapSeconds) *LeapBook {
	if table == nil {
		table = timescale.Builtin()
	}
	return &LeapBook{table: table}
}

// Table is the table as it is known now.
func (b *LeapBook) Table() *timescale.LeapSeconds { return b.table }

// LeapS is GPS - UTC in s at u by the table.
func (b *LeapBook) LeapS(u timescale.UTC) int { return b.table.OffsetAtUTC(u) - gpsToTAI }

// Plausible tells whether a receiver that counts leapS at u can be right: it
// agrees with the table, or the table has expired and there were enough ends of
// June and December since.
func (b *LeapBook) Plausible(u timescale.UTC, leapS int) bool {
	off := leapS - b.LeapS(u)
	return off == 0 || b.table.Expired(u) && len(b.halfYears(u)) >= max(off, -off)
}

// halfYears are the first of January and July after the table's expiry (or its
// last step) until u, at most the last eight.
func (b *LeapBook) halfYears(u timescale.UTC) []timescale.UTC {
	c := b.table.Expires().Civil()
	if last := b.table.Last(); last.Sub(b.table.Expires()) > 0 {
		c = last.Civil()
	}
	var list []timescale.UTC
	for year := c.Year; year <= u.Civil().Year; year++ {
		for _, month := range []int{1, 7} {
			at, err := timescale.Date(year, month, 1, 0, 0, 0, 0)
			if err == nil && at.Sub(b.table.Last()) > 0 && !(at.Sub(b.table.Expires()) < 0) && u.Sub(at) >= 0 {
				list = append(list, at)
			}
		}
	}
	return list[max(0, len(list)-8):]
}

// TellCount takes a count that the receiver vouches for. One that the expired
// table does not have yet is learned when it was told often enough; on which
// half year it came is a guess that only past times depend on.
func (b *LeapBook) TellCount(u timescale.UTC, leapS int) {
	off := leapS - b.LeapS(u)
	if off == 0 || b.before != nil || !b.Plausible(u, leapS) {
		b.countTold = 0
		return
	}
	if b.countTold == 0 || b.count != leapS {
		b.count, b.countTold = leapS, 0
	}
	if b.countTold++; b.countTold < toldToLearn {
		return
	}
	b.countTold = 0
	step := 1
	if off < 0 {
		step = -1
	}
	days := b.halfYears(u)
	for _, at := range days[len(days)-off*step:] {
		extended, err := b.table.With(at, b.table.OffsetAtUTC(at)+step)
		if err != nil {
			return
		}
		b.table = extended
	}
}

// TellEvent takes what the receiver says of the next leap second at u; nil: that
// none is coming.
func (b *LeapBook) TellEvent(u timescale.UTC, e *LeapEvent) {
	if e == nil {
		b.eventTold = 0
		b.takeBack(u)
		return
	}
	b.denied = 0
	at, change, found := b.table.Upcoming(u)
	known := found && at == e.At && change == e.Change
	if known || !b.table.Expired(e.At) || e.At.Sub(u) <= 0 || e.At.Sub(u) > leapSoon || e.Change != 1 && e.Change != -1 {
		b.eventTold = 0
		return
	}
	if b.eventTold == 0 || b.event != *e {
		b.event, b.eventTold = *e, 0
	}
	if b.eventTold++; b.eventTold < toldToLearn {
		return
	}
	b.eventTold = 0
	table := b.table
	if b.announced != nil && b.announcedAt.Sub(u) > 0 {
		table = b.announced // another one than before: the first is withdrawn
	}
	extended, err := table.With(e.At, table.OffsetAtUTC(e.At.Add(-time.Second))+e.Change)
	if err != nil {
		return
	}
	b.announced, b.announcedAt, b.table = table, e.At, extended
}

// takeBack forgets an announced leap second that the receiver does not announce
// any more, as long as it is to come.
func (b *LeapBook) takeBack(u timescale.UTC) {
	if b.announced == nil || b.announcedAt.Sub(u) <= time.Minute {
		return
	}
	if b.denied++; b.denied >= toldToLearn {
		b.table, b.announced, b.denied = b.announced, nil, 0
	}
}
