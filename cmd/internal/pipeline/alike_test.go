package pipeline_test

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"bragi/board/sim"
	"bragi/cmd/internal/pipeline"
)

// threeReceivers is a pair with a third receiver, lab.
func threeReceivers(t *testing.T, kind sim.Kind, seed uint64) (p *pair, boards map[string]*sim.Board) {
	t.Helper()
	cfg := twoReceivers()
	lab := pipeline.ReferenceConfig{Name: "lab", Priority: 3, Receiver: cfg.Reference}
	cfg.References = []pipeline.ReferenceConfig{cfg.References[0], cfg.References[1], lab, cfg.References[2]}
	p = newPair(t, cfg, kind, seed)
	return p, map[string]*sim.Board{"roof": p.Board, "yard": p.yard, "lab": p.Another(sim.Config{Receiver: sim.Timing, Seed: seed + 200, TimeToFix: 4 * time.Second})}
}

// Two of three receivers step alike. The clock's own oscillator agrees with the third one alone: that
// one is not named, and beyond selection.limit there is no class 6 and the alarm names all three, also
// when the forecast has become too old to tell, and after a restart.
// Below it the bound holds the step.
func TestTwoReceiversWithTheSameLieDoNotOutvoteTheClocksMemory(t *testing.T) {
	for _, kind := range []sim.Kind{sim.TCXO, sim.OCXO, sim.Rb} {
		for _, late := range []float64{200, 1000, 10_000, 1e6} {
			for honest, liars := range map[string][2]string{"roof": {"yard", "lab"}, "yard": {"roof", "lab"}, "lab": {"roof", "yard"}} {
				t.Run(fmt.Sprintf("%v/%.0f ns/%s is honest", kind, late, honest), func(t *testing.T) {
					t.Parallel()
					p, boards := threeReceivers(t, kind, 5)
					p.Until(4*time.Minute, "class 6", p.Class(6))
					p.Run(10 * time.Minute)
					for _, name := range liars {
						boards[name].Lie(sim.Lie{LateNs: late})
					}
					began, steps := p.Now, p.Steps
					p.Watch = func() {
						look, since := p.Pipe.Look(p.Now), p.Now.Sub(began)
						if e := p.TrueErrorNs(); p.Steps != steps || p.Said.ClockClass < 8 && math.Abs(e) > look.Report.BoundNs {
							t.Fatalf("after %v: class %d, %d steps, true error %.0f ns, bound %.0f ns", since, p.Said.ClockClass, p.Steps-steps, e, look.Report.BoundNs)
						}
						if l := p.look(honest); l.Odd {
							t.Fatalf("after %v: %s is named: %s", since, honest, l.Why)
						}
					}
					p.Run(5 * time.Second)
					for s := range 180 {
						p.Run(time.Second)
						if s == 100 && late == 1000 { // the forecast of a tcxo is too old to tell by then
							if err := p.Restart(200 * time.Millisecond); err != nil {
								t.Fatal(err)
							}
							p.Run(2 * time.Second)
						}
						if dispute := p.Pipe.Look(p.Now).Dispute; late > 500 && (p.Class(6)() || !strings.Contains(dispute, "roof") || !strings.Contains(dispute, "yard") || !strings.Contains(dispute, "lab")) {
							t.Fatalf("after %v: class %d, %q", p.Now.Sub(began), p.Said.ClockClass, dispute)
						}
					}
				})
			}
		}
	}
}

// Two receivers drift alike by 3 ns each second. A proven oven or rubidium does not go so, and
// knows it: at class 6 the bound holds the truth. (A plain crystal does go so, and believes them.)
func TestTwoReceiversThatDriftAlikeAreNotBelievedByAnOscillatorThatDoesNot(t *testing.T) {
	for _, kind := range []sim.Kind{sim.OCXO, sim.Rb} {
		t.Run(kind.String(), func(t *testing.T) {
			t.Parallel()
			p := newPair(t, twoReceivers(), kind, 5)
			p.Until(4*time.Minute, "class 6", p.Class(6))
			p.Run(time.Hour)
			p.Board.Lie(sim.Lie{DriftNs: 3})
			p.yard.Lie(sim.Lie{DriftNs: 3})
			began, outside := p.Now, 0
			p.Watch = func() {
				if e := math.Abs(p.TrueErrorNs()); p.Said.ClockClass < 8 && e > p.Pipe.Look(p.Now).Report.BoundNs {
					outside++
				}
			}
			story := ""
			for _, s := range []time.Duration{10, 30, 60, 120, 200, 300, 400, 600, 900, 1500, 2400} {
				p.Run(began.Add(s * time.Second).Sub(p.Now))
				story += fmt.Sprintf("\n%5ds class %d, true error %.0f ns, bound %.0f ns, %v", s, p.Said.ClockClass, p.TrueErrorNs(), p.Report.BoundNs, p.Report.Why)
			}
			t.Log(story)
			if outside > 0 {
				t.Errorf("%d ticks outside", outside)
			}
		})
	}
}
