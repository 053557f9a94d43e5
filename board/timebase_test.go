package board

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"pgregory.net/rapid"

	"bragi/gnss/timescale"
)

// A tracked clock: 4.6 ppm fast, wandering, read every half second with some 60
// ns of scatter, steered now and then.
type tracked struct {
	rng   *rand.Rand
	track tracker
	now   timescale.Mono
	clock float64 // ns beyond now
	base  float64
	steer float64
}

func newTracked(seed uint64) *tracked {
	t := &tracked{rng: rand.New(rand.NewPCG(seed, 0)), now: timescale.MonoFromNs(1e12), base: 4600}
	t.track = newTracker(0, t.now)
	return t
}

func (t *tracked) pass(d time.Duration) {
	t.now = t.now.Add(d)
	t.clock += float64(d) * (t.base + t.steer) * 1e-9
}

func (t *tracked) local() timescale.Local {
	return timescale.LocalFromNs(t.now.Ns() + int64(math.Floor(t.clock)))
}

func (t *tracked) observe(scatter float64) bool {
	x := scatter * (2*t.rng.Float64() - 1)
	return t.track.observe(t.now, t.local().Add(time.Duration(x)), int64(4*scatter)+1, false)
}

func TestTheLineForeseesASecond(t *testing.T) {
	for seed := range uint64(5) {
		c := newTracked(seed)
		var worst float64
		for i := range 600 {
			c.pass(500 * time.Millisecond)
			c.base += 2 * c.rng.NormFloat64() // 2e-9 a step: a poor crystal
			if c.observe(60) {
				t.Fatalf("seed %d: reading %d taken for a foreign step", seed, i)
			}
			if i%7 == 3 {
				c.steer = 1000 * c.rng.NormFloat64()
				c.track.adjust(c.now, c.steer)
			}
			if i < trackPoints {
				continue
			}
			ahead := c.now.Add(time.Second)
			want := float64(ahead.Ns()) + c.clock + float64(time.Second)*(c.base+c.steer)*1e-9
			worst = max(worst, math.Abs(float64(c.track.line.At(ahead).Ns())-want))
		}
		if worst > 200 {
			t.Errorf("seed %d: a second ahead the line is %.0f ns off, want 200 at most", seed, worst)
		}
	}
}

func TestLineBoundsItsError(t *testing.T) {
	c := newTracked(3)
	for range 40 {
		c.pass(500 * time.Millisecond)
		c.observe(60)
		if off := math.Abs(float64(c.track.line.At(c.now).Sub(c.local()))); off > c.track.line.ErrorNs+1 {
			t.Errorf("the line is %.0f ns off and says %.0f", off, c.track.line.ErrorNs)
		}
	}
}

func TestChangeOfFrequencyIsFollowedAtOnce(t *testing.T) {
	c := newTracked(1)
	for range 20 {
		c.pass(500 * time.Millisecond)
		c.observe(0)
	}
	was := c.track.line.At(c.now)
	c.steer = -300_000
	c.track.adjust(c.now, c.steer)
	if d := c.track.line.At(c.now).Sub(was); d != 0 {
		t.Errorf("the change moved the reading by %v", d)
	}
	c.pass(time.Second)
	if d := c.track.line.At(c.now).Sub(c.local()); d < -3 || d > 3 {
		t.Errorf("a second later the line is %v off", d)
	}
	if c.observe(0) {
		t.Error("our own change of frequency taken for a foreign one")
	}
}

func TestForeignStepIsFound(t *testing.T) {
	for _, jump := range []float64{5_000, -5_000, 37e9} {
		c := newTracked(1)
		for range 20 {
			c.pass(500 * time.Millisecond)
			c.observe(60)
		}
		c.clock += jump
		c.pass(500 * time.Millisecond)
		if !c.observe(60) {
			t.Errorf("a jump of %v ns was not found", jump)
		}
		if off := c.track.line.At(c.now).Sub(c.local()); off < -200 || off > 200 {
			t.Errorf("after a jump of %v ns the line is %v off", jump, off)
		}
		for range 20 {
			c.pass(500 * time.Millisecond)
			if c.observe(60) {
				t.Errorf("a jump of %v ns was found twice", jump)
			}
		}
	}
}

// Two sandwiches within a moment give no rate: the old one is kept.
func TestTwoReadingsWithinAMomentGiveNoRate(t *testing.T) {
	c := newTracked(1)
	for range 20 {
		c.pass(500 * time.Millisecond)
		c.observe(0)
	}
	c.track.step(0)
	for range 5 {
		c.pass(time.Millisecond)
		c.observe(60)
	}
	if r := c.track.line.RatePPB; math.Abs(r-4600) > 5 {
		t.Errorf("rate %.1f ppb, want 4600", r)
	}
	if c.track.observe(c.now.Add(-time.Hour), timescale.LocalFromNs(0), 1, false) {
		t.Error("a reading of the past was taken")
	}
}

func TestMonoAtIsTheInverse(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := Timebase{
			Mono0: timescale.MonoFromNs(1e12), Local0: timescale.LocalFromNs(1_795_000_000e9),
			RatePPB: rapid.Float64Range(-1e6, 1e6).Draw(t, "rate"),
		}
		m := b.Mono0.Add(time.Duration(rapid.Int64Range(-60e9, 60e9).Draw(t, "after")))
		if d := b.MonoAt(b.At(m)).Sub(m); d < -1 || d > 1 {
			t.Errorf("%v off", d)
		}
	})
}
