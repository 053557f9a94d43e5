package kernelclock

import (
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"bragi/gnss/timescale"
)

func TestJumped(t *testing.T) {
	pair := func(raw, rt time.Duration, width int64) Pair {
		return Pair{timescale.MonoFromNs(int64(raw)), timescale.UTCFromNs(int64(rt)), width}
	}
	a := pair(time.Hour, 1000*time.Hour, 300)
	for _, tc := range []struct {
		name    string
		elapsed time.Duration
		wrong   time.Duration
		width   int64
		want    bool
	}{
		{"in step", time.Second, 0, 300, false},
		{"slewed at 500 ppm", time.Second, 500 * time.Microsecond, 300, false},
		{"slewed back at 500 ppm", time.Second, -500 * time.Microsecond, 300, false},
		{"stepped by a millisecond", time.Second, time.Millisecond, 300, true},
		{"stepped back by a millisecond", time.Second, -time.Millisecond, 300, true},
		{"stepped by 100 us within 10 us", 10 * time.Microsecond, 100 * time.Microsecond, 300, true},
		{"an interrupt in the sandwich", 200 * time.Microsecond, 100 * time.Microsecond, 200_000, false},
		{"stepped by an hour", time.Minute, -time.Hour, 300, true},
	} {
		b := pair(time.Hour+tc.elapsed, 1000*time.Hour+tc.elapsed+tc.wrong, tc.width)
		if got := Jumped(a, b); got != tc.want {
			t.Errorf("%s: %v", tc.name, got)
		}
	}
}

// at is a reading of 1 us: RAW and REALTIME, in ns.
func at(raw, realtime int64) Pair {
	return Pair{timescale.MonoFromNs(raw), timescale.UTCFromNs(realtime), 1000}
}

func TestBridge(t *testing.T) {
	const ms = int64(time.Millisecond)
	const real0 = int64(1_800_000_000) * 1_000_000_000
	var b Bridge
	b.Take(at(1000*ms, real0))
	if m, ok := b.Mono(real0 - 5000); !ok || m.Ns() != 1000*ms-5000 {
		t.Errorf("%v %v", m, ok)
	}
	b.Take(at(1030*ms, real0+30*ms+15_000)) // slewed by 500 ppm for 30 ms
	if m, ok := b.Mono(real0 + 30*ms); !ok || m.Ns() != 1030*ms-15_000 {
		t.Errorf("slewed: %v %v", m, ok)
	}
	for name, jump := range map[string]int64{"a second on": 1000 * ms, "a second back": -1000 * ms, "a millisecond on": ms, "200 us back": -200_000} {
		c := b
		c.Take(at(1060*ms, real0+60*ms+15_000+jump))
		if _, ok := c.Mono(real0 + 60*ms + jump); ok || c.Jumps() != 1 {
			t.Errorf("%s: the stamp was taken", name)
		}
		c.Take(at(1090*ms, real0+90*ms+15_000+jump))
		if _, ok := c.Mono(real0 + 90*ms + jump); !ok || c.Jumps() != 1 {
			t.Errorf("%s: the stamp after it was not", name)
		}
	}
	for name, stamp := range map[string]int64{"of the future": real0 + 30*ms + 15_000 + ms, "two seconds old": real0 - 2000*ms} {
		if _, ok := b.Mono(stamp); ok {
			t.Errorf("a stamp %s was taken", name)
		}
	}
}

// Stamps are void when nobody knows what CLOCK_REALTIME did since.
func TestWhatWaitedIsNotStampedAcrossAJump(t *testing.T) {
	now, err := ReadPair()
	if err != nil {
		t.Fatal(err)
	}
	stamp := now.Realtime.Ns() - int64(200*time.Millisecond)
	before := func(raw, realtime time.Duration) Pair {
		return Pair{Mono: now.Mono.Add(raw), Realtime: now.Realtime.Add(realtime)}
	}
	for _, c := range []struct {
		name   string
		before Pair
		want   bool
	}{
		{"nothing is known", Pair{}, false},
		{"they kept their distance", before(-time.Second, -time.Second), true},
		{"it jumped by 50 ms", before(-time.Second, -time.Second+50*time.Millisecond), false},
		{"of another boot", before(time.Hour, 0), false},
	} {
		var b Bridge
		b.Resume(c.before)
		b.Look()
		if _, ok := b.Mono(stamp); ok != c.want {
			t.Errorf("%s: a stamp of 200 ms ago is taken: %v", c.name, ok)
		}
		if _, ok := b.Mono(b.last.Realtime.Ns()); !ok {
			t.Errorf("%s: a stamp of now is void", c.name)
		}
	}
}

// A stamp between two readings of both clocks is turned rightly, however slewed
// one is; one outside of them, or across a jump, is not turned.
func TestBetween(t *testing.T) {
	const s = int64(time.Second)
	real0 := 1_800_000_000 * s
	a, b := Bridge{last: at(5*s, real0), jumps: 3}, Bridge{last: at(6*s, real0+s+s/2000), jumps: 3} // 500 ppm
	for _, c := range []struct {
		stamp, want int64
		ok          bool
	}{
		{real0, 5 * s, true}, {real0 + s + s/2000, 6 * s, true}, {real0 + s/2 + s/4000, 5*s + s/2, true},
		{real0 - 1, 0, false}, {real0 + s + s/2000 + 1, 0, false},
	} {
		if m, ok := Between(&a, &b, c.stamp); ok != c.ok || ok && max(m.Ns()-c.want, c.want-m.Ns()) > 1 {
			t.Errorf("%d: %d, %v; want %d, %v", c.stamp-real0, m.Ns(), ok, c.want, c.ok)
		}
	}
	for what, a := range map[string]Bridge{"first": {}, "a jump": {last: at(5*s, real0), jumps: 2}} {
		if _, ok := Between(&a, &b, real0+s/2); ok {
			t.Errorf("%s: turned", what)
		}
	}
}

// A sandwich is of one moment: the middle of two readings of RAW.
func TestSandwich(t *testing.T) {
	before := Raw()
	raw, other, width := Sandwich(unix.CLOCK_MONOTONIC_RAW, 0)
	if width < 0 || max(raw-other, other-raw) > width/2+1 || raw < before.Ns() || raw > Raw().Ns() {
		t.Errorf("RAW is %d ns from itself, in a sandwich of %d ns", other-raw, width)
	}
}
