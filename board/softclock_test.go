package board

import (
	"math"
	"testing"
	"time"

	"bragi/gnss/timescale"
)

// Steered by computing, the clock follows frequency and steps exactly, and
// never moves when only its frequency changes.
func TestTheSoftwareClockFollowsFrequencyAndStepsExactly(t *testing.T) {
	m := newMachine()
	c, err := newSoftwareClock(m.clocks())
	if err != nil {
		t.Fatal(err)
	}
	x, err := c.Cross()
	if off := x.Local.Ns() - x.Realtime.Ns(); err != nil || off < -300 || off > 300 {
		t.Errorf("it begins %d ns from CLOCK_REALTIME, %v", off, err)
	}
	for _, tc := range []struct{ ask, want float64 }{{4600.123, 4600.123}, {-0.001, -0.001}, {5e6, 1e6}, {-5e6, -1e6}, {0, 0}} {
		m.pass(1e9)
		late := timescale.MonoFromNs(int64(m.raw))
		before := c.Local(late)
		if got, err := c.AdjustFrequency(tc.ask); err != nil || got != tc.want {
			t.Errorf("%v ppb: applied %v, %v", tc.ask, got, err)
		}
		if d := c.Local(late).Sub(before); d < -1 || d > 1 {
			t.Errorf("%v ppb moved the clock by %v", tc.ask, d)
		}
		from := c.Timebase().Mono0
		gained := c.Local(from.Add(10*time.Second)).Sub(c.Local(from)) - 10*time.Second
		if math.Abs(float64(gained)-10*tc.want) > 1 {
			t.Errorf("%v ppb: gains %v in 10 s", tc.ask, gained)
		}
	}
	at := timescale.MonoFromNs(int64(m.raw))
	before := c.Local(at)
	if err := c.Step(-1_234_567_891); err != nil || c.Local(at).Sub(before) != -1_234_567_891 {
		t.Errorf("a step moved it by %v, %v", c.Local(at).Sub(before), err)
	}
	if _, err := c.AdjustFrequency(math.NaN()); err == nil {
		t.Error("NaN was taken")
	}
	if n := testing.AllocsPerRun(100, func() { c.Local(at) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
	if f := c.Info().FloorNs; f <= 2_500 || f > 10_000 {
		t.Errorf("its own error is told as %v ns: clockAccuracy has to be 0x25 or worse", f)
	}
}
