package board

import (
	"math"
	"testing"
	"time"
)

// A clock whose rate is told foresees half a second from its first reading on;
// one that must learn it is microseconds off.
func TestAnAssumedRateForeseesFromTheFirstReading(t *testing.T) {
	for _, told := range []bool{false, true} {
		c := newTracked(1)
		c.steer = 250
		c.track = newTracker(c.steer, c.now)
		c.observe(60)
		c.pass(5 * time.Millisecond)
		c.observe(60)
		p := &PHC{track: c.track}
		p.publish()
		if told {
			p.AssumeRate(c.base + c.steer)
		}
		c.pass(500 * time.Millisecond)
		off := math.Abs(float64(p.Local(c.now).Sub(c.local())))
		if told && off > 200 || !told && off < 2000 {
			t.Errorf("told %v: half a second on, the line is off by %.0f ns", told, off)
		}
	}
	// A rate that was measured is better.
	c := newTracked(1)
	for range 20 {
		c.pass(500 * time.Millisecond)
		c.observe(60)
	}
	p := &PHC{track: c.track}
	p.publish()
	before := p.Timebase()
	p.AssumeRate(0)
	if p.Timebase() != before {
		t.Error("a measured rate was overwritten")
	}
}
