package pipeline_test

import (
	"fmt"
	"math"
	"testing"
	"time"

	"bragi/board/sim"
)

// undecidedWatch fails where the honest one is named, and at a bound that does not hold the truth at
// class 6 or 7.
func (p *pair) undecidedWatch(t *testing.T, honest string) {
	t.Helper()
	began := p.Now
	p.Watch = func() {
		look, since := p.Pipe.Look(p.Now), p.Now.Sub(began)
		if e := p.TrueErrorNs(); p.Said.Serve && p.Said.ClockClass < 8 && math.Abs(e) > look.Report.BoundNs {
			t.Fatalf("after %v: class %d, true error %.0f ns, bound %.0f ns, %v", since, p.Said.ClockClass, e, look.Report.BoundNs, look.Report.Why)
		}
		if l := p.look(honest); l.Odd {
			t.Fatalf("after %v: %s is named: %s", since, honest, l.Why)
		}
	}
}

// right tells that the liar is the odd one, or that it is a dispute without class 6.
func (p *pair) right(t *testing.T, liar string) {
	t.Helper()
	if l := p.look(liar); !l.Odd && (p.Pipe.Look(p.Now).Dispute == "" || p.Class(6)()) {
		t.Errorf("follows %s, class %d, dispute %q, %+v", p.followed(), p.Said.ClockClass, p.Pipe.Look(p.Now).Dispute, l)
	}
}

// The one of two that is followed runs away, and a restart loses what the clock knew before: it does not
// take what it has learned from the liar for a memory that names the other.
func TestAClockThatHasLostItsMemoryNamesNobody(t *testing.T) {
	for _, c := range []struct {
		kind  sim.Kind
		drift float64
		after time.Duration
	}{{sim.OCXO, -4, 20 * time.Second}, {sim.OCXO, 5, time.Minute}, {sim.OCXO, -4, 90 * time.Second}, {sim.Rb, 5, 30 * time.Second}, {sim.OCXO, -4, 0}} {
		t.Run(fmt.Sprintf("%v/%.0f ns each second/restart after %v", c.kind, c.drift, c.after), func(t *testing.T) {
			t.Parallel()
			p := newPair(t, twoReceivers(), c.kind, 3)
			p.Until(4*time.Minute, "class 6", p.Class(6))
			p.Run(20 * time.Minute)
			p.undecidedWatch(t, "yard")
			p.Board.Lie(sim.Lie{DriftNs: c.drift})
			p.Run(c.after)
			if c.after > 0 {
				p.restartWatched(t)
			}
			p.Run(5 * time.Minute)
			p.right(t, "roof")
		})
	}
}

// An odd one that steered the clock by force is pardoned and lies again: the clock, which it has led
// astray, names nobody until it has been locked for a while after the order. Then it knows better again.
func TestAClockThatWasLedAstrayNamesNobodyAfterThePardon(t *testing.T) {
	for _, c := range []struct {
		kind           sim.Kind
		late           float64
		forced, honest time.Duration
		first          bool // the order is cleared before it is honest again
		restart        bool
		decided        bool
	}{
		{sim.OCXO, 1000, 30 * time.Second, 12 * time.Second, false, false, false},
		{sim.OCXO, 1000, 5 * time.Minute, 26 * time.Second, false, false, false},
		{sim.TCXO, 700, 2 * time.Minute, 26 * time.Second, false, false, false},
		{sim.OCXO, 1000, time.Minute, 90 * time.Second, false, true, false},
		{sim.OCXO, 700, time.Minute, 90 * time.Second, false, true, false},
		{sim.OCXO, 1000, 30 * time.Second, 15 * time.Minute, true, false, true},
	} {
		t.Run(fmt.Sprintf("%v/%.0f ns/forced %v/honest %v/cleared first %t/restart %t", c.kind, c.late, c.forced, c.honest, c.first, c.restart), func(t *testing.T) {
			t.Parallel()
			p := newPair(t, twoReceivers(), c.kind, 4)
			p.Until(4*time.Minute, "class 6", p.Class(6))
			p.Run(15 * time.Minute)
			p.undecidedWatch(t, "roof")
			p.yard.Lie(sim.Lie{LateNs: c.late})
			p.Run(30 * time.Second)
			if !p.look("yard").Odd {
				t.Fatalf("yard is not odd: %+v", p.look("yard"))
			}
			if err := p.Pipe.Switch(p.Now, "yard", true); err != nil {
				t.Fatal(err)
			}
			p.Run(c.forced)
			clear := func() {
				if _, _, err := p.Pipe.ClearSwitch(p.Now); err != nil {
					t.Fatal(err)
				}
				p.Run(10 * time.Second)
			}
			if c.first {
				clear()
			}
			p.yard.Lie(sim.Lie{})
			p.Run(c.honest)
			if p.look("yard").Odd {
				t.Fatalf("yard is not pardoned: %+v", p.look("yard"))
			}
			if c.restart {
				p.restartWatched(t)
				p.Run(20 * time.Second)
			}
			p.yard.Lie(sim.Lie{LateNs: c.late})
			p.Run(30 * time.Second)
			p.right(t, "yard")
			if !c.first {
				clear()
			}
			p.Run(10 * time.Minute)
			p.right(t, "yard")
			if l := p.look("yard"); c.decided && (!l.Odd || !p.Class(6)()) {
				t.Errorf("class %d, %+v", p.Said.ClockClass, l)
			}
		})
	}
}
