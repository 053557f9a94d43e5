package pipeline

import (
	"fmt"
	"math"

	"bragi/gnss/timescale"
	"bragi/holdover"
	"bragi/holdover/quality"
)

// stepWorthNs is the time error that is worth a step: a slew takes about a minute.
const stepWorthNs = 10_000

// StepPlan is a step that is possible now.
type StepPlan struct {
	ErrorNs float64 // that the step takes away; positive: the clock is ahead
	SlewS   float64 // how long the clock would slew instead, until it is locked
}

// PlanStep tells what a step would do at now, or why there is none to do.
func (p *Pipeline) PlanStep(now timescale.Mono) (StepPlan, error) {
	r := p.report(now)
	plan := StepPlan{r.ErrorNs, r.EtaS}
	switch {
	case p.forced:
		return plan, errForced
	case r.State == quality.Locked:
		return plan, fmt.Errorf("there is nothing to step: the clock is locked (bragi show clock)")
	case r.State != quality.Relocking && r.State != quality.Locking:
		return plan, fmt.Errorf("there is no pulse that is believed, to step to: %s (fix: bragi show alarms)", Why(r.Why))
	case r.Quality.KeepsSpec:
		return plan, fmt.Errorf("the clock is in spec (class 7): it is never stepped there, and is locked in %.0f s", r.EtaS)
	case !(math.Abs(r.ErrorNs) > stepWorthNs):
		return plan, fmt.Errorf("the clock is off by %.1f us: that is not worth a step, it is locked in %.0f s", r.ErrorNs/1000, r.EtaS)
	}
	return plan, nil
}

// StepClock steps the clock to the pulse, with the next one that is believed, in the
// place of the slew. Clients see the step.
func (p *Pipeline) StepClock(now timescale.Mono) (StepPlan, error) {
	plan, err := p.PlanStep(now)
	if err != nil {
		return plan, err
	}
	if p.servo.Report(now).EverLocked {
		p.servo.StepNow()
		return plan, nil
	}
	step := p.cfg.Servo
	step.OnAcquire = holdover.AcquireStep
	p.servo.Reconfigure(step)
	return plan, nil
}
