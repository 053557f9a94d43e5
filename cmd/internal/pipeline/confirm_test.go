package pipeline_test

import (
	"math"
	"testing"
	"time"

	"bragi/board"
	"bragi/board/sim"
	"bragi/cmd/internal/virtual"
	"bragi/holdover"
	"bragi/holdover/quality"
)

// jumping is a board's clock whose oscillator goes another way by itself.
type jumping struct {
	virtual.Clock
	ppb, asked *float64
}

func (j jumping) AdjustFrequency(ppb float64) (float64, error) {
	*j.asked = ppb
	applied, err := j.Clock.AdjustFrequency(ppb + *j.ppb)
	return applied - *j.ppb, err
}

// jumpingPair is a pair of receivers on an oscillator that jumps when it is told to.
func jumpingPair(t *testing.T, kind sim.Kind, seed uint64) (p *pair, jump func(ppb float64)) {
	t.Helper()
	var off, asked float64
	cfg := twoReceivers()
	cfg.Servo.Oscillator = map[sim.Kind]holdover.Oscillator{sim.XO: holdover.XO, sim.TCXO: holdover.TCXO, sim.OCXO: holdover.OCXO}[kind]
	var clock jumping
	r := virtual.NewRigWith(t, cfg, sim.Config{Oscillator: kind, Receiver: sim.Timing, Seed: seed, TimeToFix: 3 * time.Second}, virtual.SkyAtBegin, func(c virtual.Clock) board.Clock {
		clock = jumping{c, &off, &asked}
		return clock
	})
	p = &pair{Rig: r, yard: r.Another(sim.Config{Receiver: sim.Timing, Seed: seed + 100, TimeToFix: 4 * time.Second})}
	return p, func(ppb float64) {
		off += ppb
		if _, err := clock.AdjustFrequency(asked); err != nil {
			t.Fatal(err)
		}
	}
}

// The oscillator jumps, and the clock doubts the pulses that it follows: class 6 waits. A
// second receiver that agrees with them for five minutes ends the doubt. One that is cut, that
// has moved too, or that is odd, does not. Neither do two that jump alike: no oscillator jumps.
func TestASecondReceiverThatAgreesEndsADoubtWithinMinutes(t *testing.T) {
	for name, c := range map[string]struct {
		do   func(p *pair, jump func(ppb float64))
		ends bool
	}{
		"it agrees":    {func(_ *pair, jump func(float64)) { jump(40) }, true},
		"it is cut":    {func(p *pair, jump func(float64)) { p.yard.SetAntenna(false); p.Run(time.Minute); jump(40) }, false},
		"it has moved": {func(p *pair, jump func(float64)) { jump(40); p.Run(6 * time.Minute); p.yard.Lie(sim.Lie{LateNs: 300}) }, false},
		"it is odd":    {func(p *pair, jump func(float64)) { p.yard.Lie(sim.Lie{LateNs: 5000}); p.Run(time.Minute); jump(40) }, false},
		"both jump alike": {func(p *pair, _ func(float64)) {
			p.Board.Lie(sim.Lie{LateNs: 20_000})
			p.yard.Lie(sim.Lie{LateNs: 20_000})
		}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, jump := jumpingPair(t, sim.OCXO, 5)
			p.Until(4*time.Minute, "class 6", p.Class(6))
			p.Run(10 * time.Minute)
			c.do(p, jump)
			p.Until(9*time.Minute, "pulses are followed again", func() bool { return p.Report.State == quality.Relocking })
			began := p.Now
			p.Run(5 * time.Minute)
			if p.Class(6)() {
				t.Fatalf("class 6 after %v", p.Now.Sub(began))
			}
			p.Run(2 * time.Minute)
			if ends := p.Class(6)(); ends != c.ends {
				t.Errorf("class %d, bound %.0f ns, %v", p.Said.ClockClass, p.Report.BoundNs, p.Report.Why)
			}
		})
	}
}

// A bound that comes back into the spec is waited for, and the words say so: since when it is
// inside, and how long class 6 waits for that. It never says that the bound is outside.
func TestTheWaitForABoundThatIsInsideAgainIsTold(t *testing.T) {
	p, jump := jumpingPair(t, sim.XO, 5)
	p.Until(4*time.Minute, "class 6", p.Class(6))
	p.Run(5*time.Minute + 10*time.Second)
	jump(30)
	told := 0
	last := math.Inf(1)
	p.Watch = func() {
		r := p.Pipe.Look(p.Now).Report
		if r.Why[0] == holdover.ReasonWide && r.BoundNs <= 1500 && told > 0 || r.Why[0] == holdover.ReasonNarrow && r.BoundNs > 1500 {
			t.Errorf("bound %.0f ns, %v", r.BoundNs, r.Why)
		}
		if r.Why[0] == holdover.ReasonNarrow {
			if told++; r.InsideFor <= 0 && told > 4 || !(r.EtaS <= last) {
				t.Errorf("inside for %v, %.1f s to wait, before %.1f", r.InsideFor, r.EtaS, last)
			}
			last = r.EtaS
		}
	}
	p.Until(7*time.Minute, "the doubt", func() bool { return p.Report.Why[0] == holdover.ReasonWide })
	p.Until(7*time.Minute, "class 6", p.Class(6))
	if told < 30 || last > 0.5 {
		t.Errorf("told at %d ticks, %.1f s were left", told, last)
	}
}
