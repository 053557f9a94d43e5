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
// was seen. Until its expiry the given table is complete, and nothing that
// contradicts it is learned. What was learned is unlearned when the receiver takes
// it back or steadily counts as if it had not been. TAI, which the pulses count, is
// never touched by any of it.
//
// One book is shared by Decoder, Pairer and whoever announces the UTC offset.
type LeapBook struct {
	given   *timescale.LeapSeconds
	learned []LeapEvent            // since, in order
	table   *timescale.LeapSeconds // given, learned and the one on trial

	event   telling[LeapEvent] // the leap second that is announced
	none    telling[struct{}]  // the receiver knows that none is coming
	silence telling[struct{}]  // it does not tell
	count   telling[int]

	counted counted // what no other table may contradict

	trial    *LeapEvent // a 23:59:60 that was seen; nil: none
	proofs   int
	observed uint64
}

// counted is a count of leap seconds that was known at a time.
type counted struct {
	AtUTCNs int64 `json:"at_utc_ns"` // 0: none was
	LeapS   int   `json:"leap_s"`    // GPS - UTC in s
	Vouched bool  `json:"vouched"`   // by the receiver; false: by a table that was complete then
}

// telling is what the receiver tells again and again.
type telling[T comparable] struct {
	what        T
	since, last timescale.UTC
	times       int
}

// tell takes it once more: how often in a row it was told by now, and for how long.
func (t *telling[T]) tell(u timescale.UTC, what T) (times int, lasted time.Duration) {
	if t.times == 0 || t.what != what || u.Sub(t.last) > tellingGap || u.Sub(t.last) < 0 {
		*t = telling[T]{what: what, since: u}
	}
	t.times, t.last = t.times+1, u
	return t.times, u.Sub(t.since)
}

func (t *telling[T]) stop() { t.times = 0 }

const (
	toldToLearn = 3 // times in a row that the receiver must tell a leap second, or take it back
	// tellingGap ends what is told in a row.
	tellingGap = signMemory
	// leapSoon is how long before it a leap second is announced at most.
	leapSoon = 200 * 24 * time.Hour
	gpsToTAI = 19 // TAI - GPS time in s
)

// NewLeapBook begins with a table; nil is the built-in one.
func NewLeapBook(table *timescale.LeapSeconds) *LeapBook {
	if table == nil {
		table = timescale.Builtin()
	}
	return &LeapBook{given: table, table: table}
}

// Table is the table as it is known now.
func (b *LeapBook) Table() *timescale.LeapSeconds { return b.table }

// replace gives the book another table, such as a newer file. What was learned stays
// where the table does not reach.
func (b *LeapBook) replace(table *timescale.LeapSeconds) {
	b.given = table
	learned := b.learned
	b.keep(0)
	for _, e := range learned {
		if table.Expired(e.At) {
			b.learn(e)
		}
	}
}

// LeapS is GPS - UTC in s at u by the table.
func (b *LeapBook) LeapS(u timescale.UTC) int { return leapS(b.table, u) }

func leapS(table *timescale.LeapSeconds, u timescale.UTC) int { return table.OffsetAtUTC(u) - gpsToTAI }

// Plausible tells whether a receiver that counts leapS at u can be right: it
// agrees with the table, or the table has expired and there were enough ends of
// June and December since.
func (b *LeapBook) Plausible(u timescale.UTC, leapS int) bool { return plausible(b.table, u, leapS) }

func plausible(table *timescale.LeapSeconds, u timescale.UTC, count int) bool {
	off := count - leapS(table, u)
	return off == 0 || table.Expired(u) && len(halfYears(table, u)) >= max(off, -off)
}

// halfYears are the first of January and July after the table's expiry (or its
// last step) until u, at most the last eight.
func halfYears(table *timescale.LeapSeconds, u timescale.UTC) []timescale.UTC {
	c := table.Expires().Civil()
	if last := table.Last(); last.Sub(table.Expires()) > 0 {
		c = last.Civil()
	}
	var list []timescale.UTC
	for year := c.Year; year <= u.Civil().Year; year++ {
		for _, month := range []int{1, 7} {
			at, err := timescale.Date(year, month, 1, 0, 0, 0, 0)
			if err == nil && at.Sub(table.Last()) > 0 && !(at.Sub(table.Expires()) < 0) && u.Sub(at) >= 0 {
				list = append(list, at)
			}
		}
	}
	return list[max(0, len(list)-8):]
}

// learn puts a leap second at the table's end; false if it cannot be there.
func (b *LeapBook) learn(e LeapEvent) bool {
	extended, err := b.table.With(e.At, b.table.OffsetAtUTC(e.At.Add(-time.Second))+e.Change)
	if err != nil {
		return false
	}
	b.table, b.learned = extended, append(b.learned, e)
	return true
}

// keep forgets what was learned but for the first n.
func (b *LeapBook) keep(n int) {
	list := b.learned[:n:n]
	b.table, b.learned, b.trial = b.given, nil, nil
	for _, e := range list {
		b.learn(e)
	}
}

// passed is how many of what was learned lie before u.
func (b *LeapBook) passed(u timescale.UTC) int {
	n := 0
	for n < len(b.learned) && b.learned[n].At.Sub(u) <= 0 {
		n++
	}
	return n
}

// TellCount takes a count that the receiver vouches for. One that the expired
// table does not have yet is learned when it was told often enough; on which
// half year it came is a guess that only past times depend on. One that contradicts
// what was learned, but not the given table, is learned in its place when it was
// told for steadyFor.
func (b *LeapBook) TellCount(u timescale.UTC, count int) {
	if count == b.LeapS(u) {
		b.counted = counted{u.Ns(), count, true}
	}
	switch {
	case count == b.LeapS(u) || b.trial != nil || !plausible(b.table, u, count) && !plausible(b.given, u, count):
		b.count.stop()
		return
	}
	times, lasted := b.count.tell(u, count)
	if !plausible(b.table, u, count) {
		if lasted < steadyFor {
			return
		}
		b.keep(0)
	}
	if times < toldToLearn {
		return
	}
	b.count.stop()
	off, step := count-b.LeapS(u), 1
	if off < 0 {
		step = -1
	}
	days := halfYears(b.table, u)
	for _, at := range days[len(days)-off*step:] {
		b.learn(LeapEvent{at, step})
	}
}

// TellEvent takes what the receiver says of the next leap second at u; nil: that
// none is coming.
func (b *LeapBook) TellEvent(u timescale.UTC, e *LeapEvent) {
	b.silence.stop()
	if e == nil {
		b.event.stop()
		if times, _ := b.none.tell(u, struct{}{}); times >= toldToLearn {
			b.takeBack(u)
		}
		return
	}
	b.none.stop()
	at, change, found := b.table.Upcoming(u)
	known := found && at == e.At && change == e.Change
	if known || !b.given.Expired(e.At) || e.At.Sub(u) <= 0 || e.At.Sub(u) > leapSoon || e.Change != 1 && e.Change != -1 {
		b.event.stop()
		return
	}
	if times, _ := b.event.tell(u, *e); times < toldToLearn {
		return
	}
	b.event.stop()
	b.takeBack(u) // another one than before: the first is withdrawn
	b.learn(*e)
}

// TellNothing takes that the receiver does not say whether a leap second is coming.
// One that it has announced is taken back when it says nothing for as long as it
// takes the sky to tell.
func (b *LeapBook) TellNothing(u timescale.UTC) {
	b.event.stop()
	b.none.stop()
	if _, lasted := b.silence.tell(u, struct{}{}); lasted >= countTold {
		b.takeBack(u)
	}
}

// takeBack forgets a leap second that was announced, as long as it is to come.
func (b *LeapBook) takeBack(u timescale.UTC) {
	if n := b.passed(u.Add(time.Minute)); n < len(b.learned) && b.trial == nil {
		b.keep(n)
	}
}

// undo forgets the last leap second that was learned and is past, if without it a
// receiver is right that is off s behind the count of pulses at u.
func (b *LeapBook) undo(u timescale.UTC, off int64) bool {
	n := b.passed(u)
	if n == 0 || n != len(b.learned) || int64(b.learned[n-1].Change) != -off {
		return false
	}
	b.keep(n - 1)
	return true
}

// Forget forgets all that was learned.
func (b *LeapBook) Forget() {
	b.keep(0)
	b.counted = counted{}
}

// known is the count that was known last: the one that the receiver vouched for, else that of
// a table that is complete at u.
func (b *LeapBook) known(u timescale.UTC) counted {
	if !b.counted.Vouched && u != (timescale.UTC{}) && !b.given.Expired(u) {
		b.counted = counted{u.Ns(), b.LeapS(u), false}
	}
	return b.counted
}
