package pipeline_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"bragi/board/sim"
)

// One of two receivers runs away, stays or comes back, and runs away again, as chance has it, with
// restarts in the middle. What the clock has learned from it is no memory from before: the honest one
// is not named, and class 6 and 7 are not wrong for longer than ten seconds. Each of these was.
func TestALiarThatComesAndGoesTeachesTheClockNothing(t *testing.T) {
	for _, seed := range []uint64{141, 159, 179, 211, 212, 309, 325, 377, 389, 532, 558, 594} {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			comesAndGoes(t, seed)
		})
	}
}

func comesAndGoes(t *testing.T, seed uint64) {
	r := rand.New(rand.NewPCG(seed, 18))
	kind := []sim.Kind{sim.OCXO, sim.TCXO, sim.XO, sim.Rb}[r.IntN(4)]
	cfg := twoReceivers()
	cfg.Servo.WaitToRestore = []time.Duration{0, 6 * time.Second, 20 * time.Second, time.Minute}[r.IntN(4)]
	cfg.Rules.Revertive = r.IntN(2) == 0
	cfg.Servo.MaxHoldover = []time.Duration{time.Minute, 24 * time.Hour}[r.IntN(2)]
	p := newPair(t, cfg, kind, seed)
	liar, honest := p.Board, "yard"
	if r.IntN(2) == 0 {
		liar, honest = p.yard, "roof"
	}
	lock := []time.Duration{3 * time.Minute, 10 * time.Minute, 20 * time.Minute, 50 * time.Minute}[r.IntN(4)]
	p.Until(7*time.Minute, "class 6", p.Class(6))
	p.Run(lock)
	began, outside, story := p.Now, 0, fmt.Sprintf("%v, locked %v, revertive %t:", kind, lock, cfg.Rules.Revertive)
	p.Watch = func() {
		since, e := p.Now.Sub(began), p.TrueErrorNs()
		if outside++; !p.Said.Serve || p.Said.ClockClass > 7 || math.Abs(e) <= p.Report.BoundNs {
			outside = 0
		}
		if outside > 40 {
			t.Fatalf("after %v: class %d, true error %.0f ns, bound %.0f ns; %s", since, p.Said.ClockClass, e, p.Report.BoundNs, story)
		}
		if l := p.look(honest); l.Odd {
			t.Fatalf("after %v: %s is named: %s; %s", since, honest, l.Why, story)
		}
	}
	run := func(lie sim.Lie, d time.Duration) {
		story += fmt.Sprintf(" %.1f ns/s for %.0f s", lie.DriftNs, d.Seconds())
		liar.Lie(lie)
		if r.IntN(4) == 0 {
			k := time.Duration(float64(d) * r.Float64()).Truncate(time.Second)
			p.Run(k)
			story += fmt.Sprintf(" (restart after %.0f s)", k.Seconds())
			p.restartWatched(t)
			d -= k
		}
		p.Run(d)
	}
	speed := func() float64 { return 0.5 * math.Pow(40, r.Float64()) }
	for range 2 + r.IntN(4) {
		drift := speed()
		if r.IntN(2) == 0 {
			drift = -drift
		}
		for_ := time.Duration(30+r.IntN(571)) * time.Second
		run(sim.Lie{LateNs: liar.Told().LateNs, DriftNs: drift}, for_)
		if r.IntN(2) == 0 {
			run(sim.Lie{LateNs: liar.Told().LateNs}, time.Duration(10+r.IntN(400))*time.Second)
		}
		switch r.IntN(4) {
		case 0, 3:
			liar.Lie(sim.Lie{})
		case 1:
			late, drift := liar.Told().LateNs, speed()
			d := min(time.Duration(math.Abs(late)/drift*1e9).Truncate(time.Second), 15*time.Minute)
			run(sim.Lie{LateNs: late, DriftNs: -math.Copysign(drift, late)}, d)
			liar.Lie(sim.Lie{})
		}
		if liar.Told().LateNs == 0 || r.IntN(2) == 0 {
			run(sim.Lie{LateNs: liar.Told().LateNs}, time.Duration(5+r.IntN(300))*time.Second)
		}
	}
	p.Run(3 * time.Minute)
}

// A liar that drifts back past the honest one is right in passing. That is no pardon: it stays odd until
// it has stood still there for a minute, or for wait_to_restore.
func TestALiarThatPassesTheRightTimeIsNotPardoned(t *testing.T) {
	for _, kind := range []sim.Kind{sim.TCXO, sim.Rb} {
		for _, drift := range []float64{2, 8} {
			for _, wait := range []time.Duration{0, 100 * time.Second} {
				t.Run(fmt.Sprintf("%v/%.0f ns each second/wait %v", kind, drift, wait), func(t *testing.T) {
					t.Parallel()
					cfg := twoReceivers()
					cfg.Servo.WaitToRestore, cfg.Rules.Revertive = wait, true
					p := newPair(t, cfg, kind, 5)
					p.Until(4*time.Minute, "class 6", p.Class(6))
					p.Run(15 * time.Minute)
					p.Board.Lie(sim.Lie{LateNs: 900})
					p.Run(30 * time.Second)
					p.honestWatch(t, "roof", "yard")
					p.Board.Lie(sim.Lie{LateNs: 900, DriftNs: -drift})
					for range int(1800 / drift) {
						p.Run(time.Second)
						if !p.look("roof").Odd {
							t.Fatalf("pardoned at %.0f ns", p.Board.Told().LateNs)
						}
					}
					p.Watch = nil
					p.Board.Lie(sim.Lie{})
					least := max(time.Minute, wait)
					took := p.Until(least+30*time.Second, "the pardon", func() bool { return !p.look("roof").Odd })
					if took < least {
						t.Errorf("pardoned after %v", took)
					}
					p.Run(2 * time.Second)
					if l := p.look("roof"); !l.Counts || !l.Selected {
						t.Errorf("it has waited already: %+v", l)
					}
				})
			}
		}
	}
}
