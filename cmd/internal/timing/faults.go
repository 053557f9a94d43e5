package main

import (
	"fmt"
	"math"

	"bragi/cmd/internal/simulate"
	"bragi/holdover"
)

// faultAt is when a fault comes, after the lock began; faultSeen how long after
// it the error is looked at.
const (
	faultAt   = 6 * 3600
	faultSeen = 1200
	faultRuns = 4 // seeds
	cutHold   = 3600
)

// faultRows are the faults of the timing notes with the peaks, in ns, of the
// prototype's gated filter.
var faultRows = []struct {
	name         string
	event        string
	ocxo, tcxoHi float64
}{
	{"one pulse +1 us", "do = \"pps-glitch\"\nby = \"1us\"\ncount = 1", 30, 30},
	{"one pulse +200 ms", "do = \"pps-glitch\"\nby = \"200ms\"\ncount = 1", 30, 30},
	{"5 % of pulses +-3 us for 600 s", "do = \"pps-outliers\"\nby = \"3us\"\nshare = 0.05\nfor = \"600s\"", 30, 30},
	{"10 pulses missing", "do = \"pps-missing\"\ncount = 10", 30, 30},
	{"noise x 5 for 600 s", "do = \"pps-noise\"\nfactor = 5.0\nfor = \"600s\"", 67, 105},
	{"+300 ns for 250 s", "do = \"pps-offset\"\nby = \"300ns\"\nfor = \"250s\"", 30, 70},
	{"antenna cut, pulses run away 20 s, 1 h", "do = \"antenna-cut\"", 78, 1700},
}

// faults prints the peak of the true error in each fault, and what of it the
// fault added to the same run without it.
func (b *bench) faults() error {
	for _, n := range b.noises() {
		for _, kind := range []holdover.Oscillator{holdover.OCXO, holdover.TCXOHi} {
			b.title("faults after 6 h of lock: %v, %s, worst of %d seeds, peak of the true error, ns", kind, n.name, faultRuns)
			calm := make([]*simulate.Trace, faultRuns)
			if err := b.faultRun(kind, n, "do = \"thermometer-ok\"", calm); err != nil {
				return err
			}
			for _, row := range faultRows {
				traces := make([]*simulate.Trace, faultRuns)
				if err := b.faultRun(kind, n, row.event, traces); err != nil {
					return err
				}
				peak, added, without := 0.0, 0.0, 0.0
				end := faultAt + faultSeen
				if row.event == "do = \"antenna-cut\"" {
					end = faultAt + cutHold
				}
				for i, t := range traces {
					for s := faultAt - 1; s < end; s++ {
						peak = max(peak, math.Abs(t.ErrorNs[s]))
						without = max(without, math.Abs(calm[i].ErrorNs[s]))
						added = max(added, math.Abs(t.ErrorNs[s]-calm[i].ErrorNs[s]))
					}
				}
				limit := row.ocxo
				if kind == holdover.TCXOHi {
					limit = row.tcxoHi
				}
				b.atMost(fmt.Sprintf("%s (without it %.0f, it added %.0f)", row.name, without, added), peak, limit, "%.0f")
			}
		}
	}
	return nil
}

func (b *bench) faultRun(kind holdover.Oscillator, n noise, event string, traces []*simulate.Trace) error {
	text := fmt.Sprintf("duration = \"%ds\"\nfix_hold = \"20s\"\n[[event]]\nat = \"%ds\"\n%s\n", faultAt+cutHold, faultAt, event)
	s, err := simulate.ParseScenario("fault", []byte(text))
	if err != nil {
		return err
	}
	return b.each(len(traces), func(seed uint64) error {
		_, t, err := b.run(simulate.Options{Oscillator: kind, PPS: n.pps, Scenario: s, Seed: seed})
		traces[seed-1] = t
		return err
	})
}
