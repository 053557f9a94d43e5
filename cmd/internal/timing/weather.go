package main

import (
	"context"
	"fmt"
	"math"
	"runtime"
	"time"

	"bragi/cmd/internal/simulate"
)

// weatherSeeds are where the days of weather begin. Those of `make test` are in
// the first.
var weatherSeeds = []uint64{1, 1_000_000, 2_000_000}

// weather prints what the days of weather broke, with the command that repeats
// each, and how many days a minute were simulated.
func (b *bench) weather() error {
	for _, seed := range weatherSeeds {
		b.title("weather: %d days from seed %d", b.days, seed)
		begin := time.Now()
		r, err := simulate.Weather(context.Background(), b.days, seed, nil)
		if err != nil {
			return err
		}
		if err := simulate.WriteWeather(b.out, r); err != nil {
			return err
		}
		took := time.Since(begin)
		b.simulated, b.spent = b.simulated+time.Duration(b.days)*24*time.Hour, b.spent+took*time.Duration(runtime.GOMAXPROCS(0))
		fmt.Fprintf(b.out, "  %.0f days a minute\n", float64(b.days)/took.Minutes())
		b.atMost("days broken", float64(r.DaysBroken), 0, "%.0f")
		for _, w := range r.Worth {
			for _, m := range []struct {
				where string
				have  simulate.Number
				mark  float64
			}{{"locked", w.Locked, simulate.WorthLocked}, {"first 4 h of holdover", w.Holdover, simulate.WorthHoldover}} {
				if have := float64(m.have); !math.IsNaN(have) { // else too few days
					b.atMost(fmt.Sprintf("bound / error's 95th percentile, %s, %s told %s", m.where, w.Oscillator, w.Told), have, m.mark, "%.1f")
				}
			}
		}
	}
	return nil
}
