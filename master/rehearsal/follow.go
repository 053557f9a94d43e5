package rehearsal

import (
	"time"

	"bragi/gnss/timescale"
)

// Follower keeps a clock of hardware on the client's clock (rehearse --discipline). It
// decides once a second, from the first PHASE_ALIGNED on, also while no master is
// followed: the client's clock runs on then. It is pure.
//
//	ahead      = hardware's clock less the client's, ns
//	step       = -ahead, where that is more than a millisecond
//	correction = the client's rate less the hardware's own, less 0.3/s of ahead
//
// Both rates are against CLOCK_MONOTONIC_RAW; the hardware's is measured.
type Follower struct {
	begun bool
	next  timescale.Mono
	ahead history
	steps uint64
}

// Order is what the hardware's clock is told.
type Order struct {
	StepNs int64   // to be added to its time; 0: none
	PPB    float64 // its frequency correction, if there is no step
}

// Decide tells what to do at now; false: nothing yet. ownPPB is the rate of the
// hardware's clock without a correction.
func (f *Follower) Decide(now timescale.Mono, state State, hardwareNs, clientNs int64, ownPPB, clientPPB float64) (o Order, ok bool) {
	if f.begun = f.begun || state == PhaseAligned; !f.begun || now.Before(f.next) {
		return o, false
	}
	f.next = now.Add(time.Second)
	ahead := hardwareNs - clientNs
	if ahead > int64(stepLimit) || -ahead > int64(stepLimit) {
		f.steps++
		f.ahead = history{}
		return Order{StepNs: -ahead}, true
	}
	f.ahead.add(ahead)
	return Order{PPB: clamp(clientPPB - ownPPB - proportional*float64(ahead))}, true
}

// Followed is what became of a clock of hardware that a Follower steered.
type Followed struct {
	Device string  `json:"device"`
	Ahead  Spread  `json:"ahead_ns"` // of the client's clock, since the last step
	PPB    float64 `json:"correction_ppb"`
	Steps  uint64  `json:"steps"`
}

// Report is what became of it.
func (f *Follower) Report(device string, ppb float64) *Followed {
	return &Followed{Device: device, Ahead: f.ahead.spread(), PPB: ppb, Steps: f.steps}
}

// Clock is the client's clock at a moment: ns since the epoch of the master's timescale,
// and how much faster than CLOCK_MONOTONIC_RAW it runs. false: no master has set it.
func (c *Chooser) Clock(at timescale.Mono) (ns int64, ppb float64, ok bool) {
	k := &c.shown().clock
	return k.at(at), k.ppb, k.set
}

// StampReport is whose stamps were used: "software" are the kernel's, "hardware" those of
// the network port's clock.
type StampReport struct {
	Source   string `json:"source"`
	Why      string `json:"why,omitempty"` // software, although hardware might have been used
	Received uint64 `json:"hardware_received"`
	Sent     uint64 `json:"hardware_sent"`
}
