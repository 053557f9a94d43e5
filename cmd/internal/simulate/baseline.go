package simulate

import (
	"time"
)

// Gains of ts2phc's servo at one pulse a second (linuxptp's defaults for
// hardware stamps).
const (
	piProportional = 0.7
	piIntegral     = 0.3
)

// Baseline is what a PI servo does in the daemon's place, which keeps its last
// frequency when the pulse goes: the true error each second. It is there to be
// compared with.
func Baseline(o Options) ([]float64, error) {
	p, err := newSimulated(&o)
	if err != nil {
		return nil, err
	}
	var errors []float64
	var offsets []float64 // of the first two pulses: a frequency, then a step
	drift := 0.0
	events := o.Scenario.Events
	for i := 1; i <= int(o.Scenario.Duration.Seconds()); i++ {
		for len(events) > 0 && int(events[0].At.Seconds()) <= i {
			if do := events[0].Do; do == AntennaCut || do == AntennaRestore {
				p.antenna(do == AntennaRestore)
			}
			events = events[1:]
		}
		at := mono0.Add(time.Duration(i) * time.Second)
		now := at.Add(edgeSeen)
		if e, _, came := p.pulse(now, i); came {
			offset := float64(e.Local.OffsetNs(skyAt(at)))
			ppb := 0.0
			switch len(offsets) {
			case 0:
				offsets = append(offsets, offset)
			case 1:
				offsets = append(offsets, offset)
				drift = offsets[0] - offsets[1]
				ppb = drift
				p.step(now, -int64(offset))
			default:
				drift -= piIntegral * offset
				ppb = drift - piProportional*offset
			}
			if _, err := p.adjust(now, ppb); err != nil {
				return nil, err
			}
		}
		errors = append(errors, p.errorNs(at.Add(tickAt)))
	}
	return errors, nil
}
