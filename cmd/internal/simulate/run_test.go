package simulate

import (
	"encoding/json"
	"testing"

	"bragi/holdover"
)

func scenario(t testing.TB, name string) *Scenario {
	t.Helper()
	s, err := Load(name)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func simulate(t testing.TB, o Options) (*Result, *Trace) {
	t.Helper()
	r, trace, err := Run(o)
	if err != nil {
		t.Fatal(err)
	}
	return r, trace
}

// The invariants that no oscillator, noise or fault may break: one step, before
// the first lock; at most 10 ppb of change in any second.
func TestTheClockNeitherStepsAfterLockNorHurries(t *testing.T) {
	for _, name := range []string{"antenna-cut", "pps-glitches", "jamming"} {
		for _, kind := range []holdover.Oscillator{holdover.XO, holdover.TCXO, holdover.TCXOHi, holdover.OCXO, holdover.Rubidium} {
			for _, quantum := range []float64{0, 1} {
				if quantum > 0 && kind != holdover.OCXO {
					continue
				}
				r, _ := simulate(t, Options{Oscillator: kind, Scenario: scenario(t, name), Seed: 3, QuantumPPB: quantum})
				if r.Steps != 0 || r.FirstSteps > 2 || r.MaxPPBPerS > 10.001 {
					t.Errorf("%s, %v, quantum %v ppb: %d steps before the first lock, %d after, %.3f ppb in a second", name, kind, quantum, r.FirstSteps, r.Steps, r.MaxPPBPerS)
				}
				if !(r.TimeToLockS < 300) {
					t.Errorf("%s, %v: locked after %v s", name, kind, r.TimeToLockS)
				}
			}
		}
	}
}

// A seed is a run: twice the same, and another seed another.
func TestASeedIsARun(t *testing.T) {
	run := func(seed uint64) string {
		r, _ := simulate(t, Options{Oscillator: holdover.TCXO, Receiver: "nmea", Scenario: scenario(t, "antenna-cut"), Seed: seed})
		r.Seed = 0
		b, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	if one, again, two := run(1), run(1), run(2); one != again || one == two {
		t.Errorf("seed 1 gives\n%s\nand then\n%s\nseed 2\n%s", one, again, two)
	}
}

// BenchmarkSimulatedDay is what a simulated day costs: real time over ns/op.
func BenchmarkSimulatedDay(b *testing.B) {
	s := scenario(b, "locked-24h")
	for b.Loop() {
		simulate(b, Options{Oscillator: holdover.OCXO, Scenario: s, Seed: 1})
	}
	b.ReportMetric(86400/(b.Elapsed().Seconds()/float64(b.N)), "x-real-time")
}
