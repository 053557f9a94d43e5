package pipeline

import (
	"errors"
	"fmt"

	"bragi/gnss"
	"bragi/gnss/timescale"
	"bragi/holdover"
)

// State is a Pipeline between two processes of one boot.
type State struct {
	Servo     holdover.Saved       `json:"servo"`
	Reference *gnss.SavedReference `json:"reference"` // of the receiver of [gnss]; null: it has learned nothing
	// References is the choice among several; null: there was none.
	References *SavedReferences `json:"references,omitempty"`
	EgressNs   float64          `json:"egress_ns"`
	PlaceNs    float64          `json:"place_ns"` // for what the antenna's place may be wrong by
	Forced     bool             `json:"forced"`   // the operator wants holdover
}

// Save is the pipeline at now; ok is false while the board's clock is away, or was
// and no pulses have confirmed it since: that clock is not to be gone on with.
func (p *Pipeline) Save(now timescale.Mono) (s State, ok bool) {
	if p.fault.away != nil || p.fault.doubted {
		return s, false
	}
	return State{p.servo.Save(now), p.sources[p.first].receiver.Save(now), p.saveReferences(now), p.cfg.EgressNs, p.placeNs, p.forced}, true
}

// Resume goes on where another process has left the clock, instead of Start: the
// state stays, its bound grown by the age, and the pulses count on. That the clock
// was left alone since is the caller's to know. After an error the pipeline is as
// it was, and Start is due.
func (p *Pipeline) Resume(now timescale.Mono, s State) error {
	left, ok := s.Servo.CorrectionPPB()
	if !ok {
		return errors.New("it does not say how the clock was steered")
	}
	if !(s.EgressNs > 0 && s.EgressNs < 1e9) {
		return fmt.Errorf("it says an egress bound of %v ns", s.EgressNs)
	}
	if !(s.PlaceNs >= 0 && s.PlaceNs < 1e9) {
		return fmt.Errorf("it says a bound of %v ns for the antenna's place", s.PlaceNs)
	}
	if err := s.References.check(); err != nil {
		return err
	}
	servo := holdover.New(p.cfg.Servo)
	if err := servo.Resume(now, s.Servo); err != nil {
		return err
	}
	// The clock runs with this correction, or with one that was set a moment later.
	applied, err := p.clock.AdjustFrequency(left)
	if err != nil {
		return err
	}
	servo.Applied(now, applied)
	p.servo, p.now, p.cfg.EgressNs, p.placeNs, p.forced = servo, now, s.EgressNs, s.PlaceNs, s.Forced
	p.sources[p.first].receiver.Resume(now, s.Reference)
	p.resumeReferences(now, s.References)
	p.servo.DoubtReceiver(p.placeNs + p.doubtNs())
	p.witness = witness{believed: now} // the pulses count on
	p.resumed, p.lost = now, false
	return nil
}
