package kernelclock

import (
	"time"

	"golang.org/x/sys/unix"

	"bragi/gnss/timescale"
)

// Slack is what two readings of one moment may differ by, beyond the widths.
const Slack = 20 * time.Microsecond

// Jumped tells whether CLOCK_REALTIME was set between two readings. What was stamped
// in REALTIME between them is then worth nothing.
func Jumped(a, b Pair) bool {
	return timescale.RealtimeJumped(b.Realtime.Sub(a.Realtime), b.Mono.Sub(a.Mono), Slack+time.Duration(a.WidthNs+b.WidthNs))
}

// Bridge turns the kernel's stamps, which are of CLOCK_REALTIME, into
// CLOCK_MONOTONIC_RAW. CLOCK_REALTIME is stepped and slewed by others: a stamp
// is only good if the two clocks kept their distance from the last reading to
// this one, but for a slew. The zero Bridge has read nothing yet.
type Bridge struct {
	last       Pair // the last reading
	good       bool // no jump between the one before and the last
	jumps      uint64
	voidBefore int64 // REALTIME: what is stamped before cannot be turned
}

const (
	// sandwichWidth is how wide a sandwich may be that is taken at once. A wider one
	// is made anew.
	sandwichWidth = 1500 * time.Nanosecond
	// maxStampAge is how old a stamp may be that is turned.
	maxStampAge = time.Second
)

// Look reads both clocks together. It allocates nothing.
func (b *Bridge) Look() {
	raw, realtime, width := Sandwich(unix.CLOCK_REALTIME, int64(sandwichWidth))
	b.Take(Pair{timescale.MonoFromNs(raw), timescale.UTCFromNs(realtime), width})
}

// Take is Look with a reading that was made before.
func (b *Bridge) Take(now Pair) {
	b.good = b.last.Mono.IsZero() || !Jumped(b.last, now)
	if !b.good {
		b.jumps++
	}
	b.last = now
}

// Resume takes the first reading. Stamps from before it are good when the two
// clocks have kept their distance since before, which another process read in the
// same boot; the zero Pair is none.
func (b *Bridge) Resume(before Pair) {
	known := !before.Mono.IsZero() && before.Mono.Before(Raw())
	if known {
		b.last = before
	}
	b.Look()
	if !known || !b.good {
		b.voidBefore = b.last.Realtime.Ns()
	}
}

// Jumps counts the readings before which CLOCK_REALTIME had jumped.
func (b *Bridge) Jumps() uint64 { return b.jumps }

// Mono turns a stamp (CLOCK_REALTIME, ns) into CLOCK_MONOTONIC_RAW; ok is false
// when it lies across a jump or cannot be.
func (b *Bridge) Mono(stampNs int64) (m timescale.Mono, ok bool) {
	age := b.last.Realtime.Ns() - stampNs
	if !b.good || age < -int64(Slack) || age > int64(maxStampAge) || stampNs < b.voidBefore {
		return timescale.Mono{}, false
	}
	return b.last.Mono.Add(-time.Duration(age)), true
}

// Between turns a stamp of CLOCK_REALTIME, taken between the last readings of two
// states of one Bridge, into CLOCK_MONOTONIC_RAW: however one is slewed, if it was
// all the time.
func Between(a, b *Bridge, stampNs int64) (m timescale.Mono, ok bool) {
	from, to := a.last.Realtime.Ns(), b.last.Realtime.Ns()
	if a.last.Mono.IsZero() || a.jumps != b.jumps || stampNs < from || stampNs > to || from == to {
		return m, false
	}
	raw := float64(b.last.Mono.Sub(a.last.Mono))
	return b.last.Mono.Add(-time.Duration(float64(to-stampNs) * (raw / float64(to-from)))), true
}
