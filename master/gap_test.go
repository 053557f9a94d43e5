package master

import (
	"testing"
	"time"
)

// An outage of five seconds is a gap whatever interval the client asked for; what is on
// time is none.
func TestAGapIsMeasuredAtEveryInterval(t *testing.T) {
	for _, log := range []int8{-3, -2, -1, 0, 1, 2} {
		var g gap
		flow := grant{log: log}
		interval := time.Duration(intervalNs(log))
		now := start
		for range 20 {
			g.note(now, &flow)
			now = now.Add(interval)
		}
		if g.Max > 250*time.Millisecond || g.Long != 0 {
			t.Errorf("2^%d s, on time: %v at most, %d long", log, g.Max, g.Long)
		}
		now = now.Add(5 * time.Second)
		before := flow.sentAt
		g.note(now, &flow)
		if g.Max < 5*time.Second || g.Max > 5*time.Second+250*time.Millisecond || g.Long != 1 {
			t.Errorf("2^%d s, 5 s late: %v at most, %d long", log, g.Max, g.Long)
		}
		g.takeBack(&flow, before)
		if g.Long != 0 {
			t.Errorf("2^%d s: %d long gaps of an Announce that did not leave", log, g.Long)
		}
	}
}
