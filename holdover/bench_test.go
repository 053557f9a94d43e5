package holdover

import (
	"math"
	"testing"
	"time"

	"bragi/gnss/timescale"
	"bragi/holdover/quality"
)

// lockedClock is a clock after an hour of lock, and what lets a second pass.
func lockedClock(tb testing.TB) (*Clock, func()) {
	cfg := DefaultConfig()
	cfg.Oscillator = OCXO
	c := New(cfg)
	now := timescale.MonoFromNs(1e12)
	x, s := int64(5_000_000), 0
	second := func() {
		s++
		now = now.Add(time.Second)
		temp := 30 + math.Round(32*math.Sin(float64(s)/5000))/16
		noise := int64(s*7919%23) - 11
		o := c.Pulse(now, Pulse{Mono: now, OffsetNs: x + noise, TempC: temp})
		if o.Step {
			x += o.StepNs
			c.Stepped(now, o.StepNs)
		}
		if o.SetFrequency {
			c.Applied(now, o.FrequencyPPB)
		}
		x += int64(math.Round(c.corr.ppb()))
		half := now.Add(time.Second / 2)
		c.Temperature(half, temp)
		if o := c.Tick(half, Conditions{HasTime: true}); o.SetFrequency {
			c.Applied(half, o.FrequencyPPB)
		}
	}
	for range 3600 {
		second()
	}
	if c.life.State != quality.Locked {
		tb.Fatalf("%v after an hour", c.life.State)
	}
	return c, second
}

// A second of the servo allocates nothing.
func TestSecondAllocatesNothing(t *testing.T) {
	_, second := lockedClock(t)
	if n := testing.AllocsPerRun(2000, second); n != 0 {
		t.Errorf("%g allocations a second", n)
	}
}

// BenchmarkSecond is a pulse, a reading of the thermometer and a tick.
func BenchmarkSecond(b *testing.B) {
	_, second := lockedClock(b)
	b.ReportAllocs()
	for b.Loop() {
		second()
	}
}
