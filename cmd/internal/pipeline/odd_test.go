package pipeline_test

import (
	"fmt"
	"math"
	"testing"
	"time"

	"bragi/board/sim"
	"bragi/cmd/internal/pipeline"
	"bragi/holdover/quality"
)

// One of two or three receivers, followed or not, goes wrong and is healed: who is odd is
// decided by the clock's own memory, so the difference is not in the bound, class 6 stays,
// and clockAccuracy is that of the bound of the same second.
func TestADecidedOddOneIsNotInTheBound(t *testing.T) {
	lies := map[string]sim.Lie{
		"1 us": {LateNs: 1000}, "1 ms": {LateNs: -1e6}, "1 s behind": {AheadS: -1}, "1 s ahead": {AheadS: 1},
	}
	for n := 2; n <= 3; n++ {
		for _, which := range []string{"roof", "yard"} {
			for name, lie := range lies {
				t.Run(fmt.Sprintf("%d receivers, %s, %s", n, which, name), func(t *testing.T) {
					t.Parallel()
					cfg := twoReceivers()
					if n == 3 {
						lawn := pipeline.ReferenceConfig{Name: "lawn", Priority: 3, Receiver: cfg.Reference}
						cfg.References = []pipeline.ReferenceConfig{cfg.References[0], cfg.References[1], lawn, cfg.References[2]}
					}
					p := newPair(t, cfg, sim.OCXO, 3)
					if n == 3 {
						p.Another(sim.Config{Receiver: sim.Timing, Seed: 777, TimeToFix: 4 * time.Second})
					}
					p.Until(2*time.Minute, "class 6", p.Class(6))
					p.Run(10 * time.Minute)
					board := map[string]*sim.Board{"roof": p.Board, "yard": p.yard}[which]
					named := false
					p.Watch = func() {
						look := p.Pipe.Look(p.Now)
						a, live, off := look.Announcement, look.Report.BoundNs, math.Abs(p.TrueErrorNs())
						least := quality.AccuracyCode(live + look.EgressNs)
						named = named || p.look(which).Odd
						if off > live || off > 100 || live > 2000 || a.ClockClass != 6 || a.ClockAccuracy < least || a.ClockAccuracy > least+1 {
							t.Errorf("%v: true error %.0f ns, bound %.0f ns, class %d %v, accuracy %#x, of the bound %#x, odd: %v",
								p.Now, off, live, a.ClockClass, look.Report.Why, a.ClockAccuracy, least, named)
						}
					}
					board.Lie(lie)
					p.Run(5 * time.Minute)
					if !named {
						t.Errorf("%s was never named: %+v", which, p.look(which))
					}
					board.Lie(sim.Lie{})
					p.Run(5 * time.Minute)
					if l := p.look(which); l.Odd {
						t.Errorf("%+v", l)
					}
				})
			}
		}
	}
}
