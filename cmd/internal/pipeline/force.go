package pipeline

import (
	"errors"
	"fmt"

	"bragi/gnss/timescale"
	"bragi/holdover/quality"
)

// ForceHoldover lets no pulse be used until ReleaseHoldover. The class is that of any
// holdover: 7 while the bound is inside the spec, then 52. It may be asked for again.
func (p *Pipeline) ForceHoldover(now timescale.Mono) error {
	if !p.servo.Report(now).EverLocked {
		return errors.New("the clock has never locked: there is nothing to hold (fix: wait for LOCKED: bragi show clock)")
	}
	p.forced = true
	return nil
}

// ReleaseHoldover lets pulses be used again: the clock comes back as from any holdover.
func (p *Pipeline) ReleaseHoldover(now timescale.Mono) error {
	if p.forced {
		p.forced = false
		return nil
	}
	switch r := p.report(now); r.State {
	case quality.HoldoverSpec, quality.HoldoverNoSpec:
		return fmt.Errorf("nobody forced this holdover: %s (fix: bragi show alarms)", Why(r.Why))
	}
	return errors.New("holdover is not forced (fix: bragi show clock)")
}

// errForced refuses what needs pulses.
var errForced = errors.New("holdover is forced, no pulse is used (fix: bragi holdover release)")
