package daemon

import (
	"testing"
	"time"

	"bragi/board/sim"
	"bragi/cmd/internal/virtual"
)

// Of a locked board of software the Status has TDEV and MTIE beside the masks: the pulse's
// noise at a second, less at longer times, and only as far as was measured. In holdover
// nothing comes to it.
func TestTheStabilityOfALockedClock(t *testing.T) {
	r := virtual.NewRig(t, virtual.Demo(), sim.Config{Oscillator: sim.OCXO, Receiver: sim.Timing, Seed: 1, TimeToFix: 3 * time.Second})
	d := observed(t, r)
	if s := d.latest().Stability; s == nil || s.Pulses != 0 || s.Masks[0].Met != nil || s.Rows[0].TDEVNs != nil {
		t.Errorf("before the first pulse: %+v", s)
	}
	r.Until(2*time.Minute, "class 6", r.Class(6))
	r.Run(time.Hour)
	s := d.latest().Stability
	if s.Pulses < 3500 || s.NoiseNs == nil || s.Of == "" || len(s.Rows) != 14 || len(s.Masks) != 2 {
		t.Fatalf("%+v", s)
	}
	first, later, long := s.Rows[0], s.Rows[7], s.Rows[13]
	if *first.TDEVNs < *s.NoiseNs/3 || *first.TDEVNs > 3**s.NoiseNs || *later.TDEVNs > *first.TDEVNs/2 || *first.MTIENs < *first.TDEVNs {
		t.Errorf("%v ns of noise, TDEV %v at 1 s, %v at 128 s, MTIE %v", *s.NoiseNs, *first.TDEVNs, *later.TDEVNs, *first.MTIENs)
	}
	if long.TDEVNs != nil || long.PRTCATDEVNs == nil || *first.PRTCATDEVNs != 3 || *later.PRTCBMTIENs != 40 {
		t.Errorf("%+v, %+v", first, long)
	}
	for _, m := range s.Masks {
		if m.Met == nil || m.UpToS != 256 || *m.Met == (m.Why != "") {
			t.Errorf("%+v", m)
		}
	}
	r.Board.SetAntenna(false)
	r.Until(10*time.Second, "class 7", r.Class(7))
	before := d.latest().Stability.Pulses
	r.Run(2 * time.Minute)
	if after := d.latest().Stability.Pulses; after > before+5 {
		t.Errorf("%d pulses in holdover", after-before)
	}
}
