package main

import (
	"fmt"

	"bragi/cmd/internal/simulate"
)

// relockMost is how long the way back from 1.5 us may take, in s.
const relockMost = 60

// relock prints how long the way back takes from what an hour without a
// reference has left, and what a frequency may change meanwhile.
func (b *bench) relock() error {
	s, err := simulate.Load("antenna-cut")
	if err != nil {
		return err
	}
	b.title("relock: two hours of lock, an hour without (pulses run away for 20 s first), made noise, worst of %d seeds", b.seeds)
	for _, kind := range tested {
		results := make([]*simulate.Result, b.seeds)
		err := b.each(b.seeds, func(seed uint64) error {
			r, _, err := b.run(simulate.Options{Oscillator: kind, Scenario: s, Seed: seed})
			results[seed-1] = r
			return err
		})
		if err != nil {
			return err
		}
		peak, took, small := 0.0, 0.0, 0.0
		for _, r := range results {
			peak = max(peak, float64(r.PeakNs))
			took = max(took, float64(r.RelockS))
			if float64(r.PeakNs) <= 1500 {
				small = max(small, float64(r.RelockS))
			}
		}
		fmt.Fprintf(b.out, "  %v: at most %.0f ns off, class 6 at most %.0f s after the return\n", kind, peak, took)
		b.atMost(fmt.Sprintf("%v: class 6 again from at most 1.5 us off, s", kind), small, relockMost, "%.0f")
	}
	return nil
}
