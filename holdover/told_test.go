package holdover

import (
	"fmt"
	"sync"
	"testing"
)

// A day of lock tells what an oscillator is, whatever was told: the forecast is that of
// the kind told rightly, and neither bound nor class 7 lies before or after.
func TestWhatWasToldOfTheOscillatorDoesNotMatterAfterADay(t *testing.T) {
	if testing.Short() {
		t.Skip("SKIPPED in short mode: a day of each of 30")
	}
	const lockS, coastS, worst = 86400, 4 * 3600, 1.5
	for real := XO; real <= Rubidium; real++ {
		t.Run(real.String(), func(t *testing.T) {
			t.Parallel()
			run := func(told Oscillator) outcome {
				return trial{kind: real, told: &told, seed: 1, lockS: lockS, coastS: coastS}.run()
			}
			right := sync.OnceValue(func() outcome { return run(real) })
			for told := Auto; told <= Rubidium; told++ {
				t.Run(fmt.Sprintf("told %v", told), func(t *testing.T) {
					t.Parallel()
					o := right()
					if told != real {
						o = run(told)
					}
					if o.lies > 0 || o.inside < 1 || o.falseSeven {
						t.Errorf("outside the bound for %d s of the lock, inside for %.4f of the holdover, false class 7 %v", o.lies, o.inside, o.falseSeven)
					}
					if ratio := o.forecastS / right().forecastS; !(ratio > 1/worst && ratio < worst) {
						t.Errorf("the forecast is %.0f s, that of the kind told rightly %.0f s", o.forecastS, right().forecastS)
					}
					if like := o.clock.Report(mono(lockS)).BehavesLike; like != real {
						t.Errorf("it is taken for %v", like)
					}
				})
			}
		})
	}
}

// What a clock has found its oscillator to be outlives a restart and a loss of power.
func TestTheKindThatWasFoundIsKept(t *testing.T) {
	told := XO
	o := trial{kind: OCXO, told: &told, seed: 1, lockS: 4 * 3600, coastS: 1}.run()
	if o.clock.est.found != OCXO {
		t.Fatalf("after four hours it is taken for %v", o.clock.est.found)
	}
	m, ok := o.clock.Memory(tai2026)
	if !ok || m.BehavesLike != "ocxo" || m.Oscillator != "xo" || m.Check() != nil {
		t.Fatalf("memory %+v, %v", m, m.Check())
	}
	again := trial{kind: OCXO, told: &told, seed: 2, lockS: 600, coastS: 1, memory: &m}.run()
	if got := again.clock.est.found; got != OCXO {
		t.Errorf("after a loss of power it is taken for %v", got)
	}
	m.BehavesLike = "quartz"
	if m.Check() == nil {
		t.Error("a kind that there is not was believed")
	}

	s := o.clock.Save(o.clock.now)
	cfg := DefaultConfig()
	cfg.Oscillator = told
	next := New(cfg)
	if err := next.Resume(o.clock.now, s); err != nil {
		t.Fatal(err)
	}
	if next.est.found != OCXO || next.est.kind != o.clock.est.kind {
		t.Errorf("after a restart it is taken for %v", next.est.found)
	}
}
