package pipeline_test

import (
	"fmt"
	"testing"
	"time"

	"bragi/board/sim"
)

// One of two has run away slowly, so that the clock is no judge of a microsecond, and then is off by far: the
// clock knows that all the same. While the honest one is silent the clock does not go with the other one, nor
// to another second; and two that are honest again lead back to class 6 within an hour.
func TestAClockThatWasTaughtALittleKnowsWhatIsFarOff(t *testing.T) {
	for _, c := range []struct {
		kind    sim.Kind
		late    float64
		second  int
		restart bool
	}{
		{sim.XO, 1e8, 1, false},
		{sim.XO, 1e6, -1, false},
		{sim.XO, 1e8, 0, true},
		{sim.TCXO, 1e8, -1, false},
		{sim.TCXO, 1e7, 1, true},
		{sim.OCXO, 1e8, 1, true},
		{sim.OCXO, 1e6, -1, false},
		{sim.Rb, 1e8, 1, false},
		{sim.Rb, 1e6, -1, true},
	} {
		t.Run(fmt.Sprintf("%v/%.0f ns late/%d s ahead/restart %t", c.kind, c.late, c.second, c.restart), func(t *testing.T) {
			t.Parallel()
			p := newPair(t, twoReceivers(), c.kind, 27)
			p.Until(20*time.Minute, "class 6", p.Class(6))
			p.Run(20 * time.Minute)
			p.undecidedWatch(t, "roof")
			p.yard.Lie(sim.Lie{DriftNs: 2.9})
			p.Run(7 * time.Minute)
			p.yard.Lie(sim.Lie{LateNs: c.late})
			p.Run(2 * time.Minute)
			if l := p.look("yard"); !l.Odd {
				t.Errorf("yard is not named: %+v, dispute %q", l, p.Pipe.Look(p.Now).Dispute)
			}
			if c.restart {
				p.restartWatched(t)
			}
			p.Run(2 * time.Minute)
			p.Board.SetAntenna(false)
			p.Run(9 * time.Minute)
			p.Board.SetAntenna(true)
			p.Run(14 * time.Second)
			if c.second != 0 {
				p.yard.Lie(sim.Lie{AheadS: c.second})
				p.Run(10 * time.Minute)
			}
			p.yard.Lie(sim.Lie{})
			honest := p.Now
			for p.Now.Sub(honest) < 3*time.Hour && (!p.Class(6)() || p.look("yard").Odd) {
				p.Run(10 * time.Second)
			}
			if took := p.Now.Sub(honest); took > time.Hour {
				t.Errorf("class %d after %v of two that are honest, %v, bound %.0f ns, yard %+v", p.Said.ClockClass, took, p.Report.Why, p.Report.BoundNs, p.look("yard"))
			} else {
				t.Log(took)
			}
		})
	}
}
