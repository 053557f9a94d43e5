package pipeline_test

import (
	"fmt"
	"math"
	"testing"
	"time"

	"bragi/board/sim"
)

// A receiver that is wrong again and again does not take the class to and fro with it: not for long, however
// short the time to restore is.
func TestAReceiverThatIsWrongAgainAndAgainChangesTheClassAFewTimesAnHour(t *testing.T) {
	for _, c := range []struct {
		kind        sim.Kind
		lie         sim.Lie
		off         time.Duration // and then it is honest as long; 0: it stays
		wait        time.Duration
		most        int
		fromAtFirst bool // before anything is known: nobody can be named
	}{
		{sim.Rb, sim.Lie{LateNs: 100}, time.Minute, 0, 8, false},
		{sim.OCXO, sim.Lie{LateNs: 100}, time.Minute, 20 * time.Second, 8, false},
		{sim.Rb, sim.Lie{LateNs: 5.5e8}, 0, 0, 8, false},
		{sim.OCXO, sim.Lie{LateNs: 5.5e8}, 0, 20 * time.Second, 8, false},
		{sim.XO, sim.Lie{LateNs: 700}, time.Minute, 0, 8, true},
		{sim.OCXO, sim.Lie{LateNs: 2000}, 90 * time.Second, 20 * time.Second, 8, true},
	} {
		t.Run(fmt.Sprintf("%v/%.0f ns for %v/wait %v", c.kind, c.lie.LateNs, c.off, c.wait), func(t *testing.T) {
			t.Parallel()
			cfg := twoReceivers()
			cfg.Servo.WaitToRestore, cfg.Rules.Revertive, cfg.Servo.MaxHoldover = c.wait, true, 24*time.Hour
			p := newPair(t, cfg, c.kind, 5)
			p.Until(10*time.Minute, "class 6", p.Class(6))
			if !c.fromAtFirst {
				p.Run(20 * time.Minute)
			}
			class, changes, story, began := p.Said.ClockClass, 0, "", p.Now
			p.Watch = func() {
				if p.Said.ClockClass != class {
					class = p.Said.ClockClass
					changes++
					story += fmt.Sprintf(" %d after %.0f s", class, p.Now.Sub(began).Seconds())
				}
				if e := math.Abs(p.TrueErrorNs()); class < 8 && e > p.Report.BoundNs {
					t.Fatalf("after %v: class %d, true error %.0f ns, bound %.0f ns", p.Now.Sub(began), class, e, p.Report.BoundNs)
				}
			}
			for p.Now.Sub(began) < time.Hour {
				p.Board.Lie(c.lie)
				if c.off == 0 {
					p.Run(time.Hour)
				}
				p.Run(c.off)
				p.Board.Lie(sim.Lie{})
				p.Run(c.off)
			}
			if changes > c.most {
				t.Errorf("%d changes:%s", changes, story)
			}
			t.Log(story)
		})
	}
}
