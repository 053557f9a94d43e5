package daemon

import (
	"bragi/cmd/internal/pipeline"
	"bragi/cmd/internal/status"
	"bragi/holdover/stability"
)

// stabilityOf says what the figures are, so that nobody takes them for more.
const stabilityOf = "the pulse of one receiver against the clock that follows it: an error that both share does not show"

// stabilityStatus is what was measured beside the masks.
func stabilityStatus(l *pipeline.Look) *status.Stability {
	s := &status.Stability{Of: stabilityOf, Pulses: l.Stability.Pulses, NoiseNs: known(l.Report.PulseNoiseNs), Rows: []status.StabilityRow{}, Masks: []status.StabilityMask{}}
	a, b := &stability.PRTCA, &stability.PRTCB
	for _, r := range l.Stability.Rows {
		s.Rows = append(s.Rows, status.StabilityRow{TauS: r.Tau, TDEVNs: known(r.TDEV), MTIENs: known(r.MTIE), Terms: r.Terms, WindowS: r.Window,
			PRTCATDEVNs: known(a.TDEV(r.Tau)), PRTCAMTIENs: known(a.MTIE(r.Tau)), PRTCBTDEVNs: known(b.TDEV(r.Tau)), PRTCBMTIENs: known(b.MTIE(r.Tau))})
	}
	for _, mask := range []*stability.Mask{a, b} {
		broken, met, upTo := mask.JudgeSliding(l.Stability.Rows)
		m := status.StabilityMask{Name: mask.Name, UpToS: upTo}
		if upTo > 0 {
			m.Met = &met
		}
		if !met {
			m.Why = broken.String()
		}
		s.Masks = append(s.Masks, m)
	}
	return s
}
