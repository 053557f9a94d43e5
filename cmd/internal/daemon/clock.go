package daemon

import (
	"bragi/board"
	"bragi/cmd/internal/control"
	"bragi/cmd/internal/status"
)

// AcceptReceiver takes the operator's word that the receiver is right.
func (d *Daemon) AcceptReceiver() (control.Accepted, error) {
	d.mu.Lock()
	forgotten, err := d.pipe.AcceptReceiver(board.Raw())
	d.keep.changed()
	d.mu.Unlock()
	if err != nil {
		d.happened(status.AcceptRefused{Why: err.Error()})
		return control.Accepted{}, err
	}
	d.happened(status.ReceiverAccepted{Forgotten: forgotten})
	d.tick() // class 52 at once
	return control.Accepted{Forgotten: forgotten}, nil
}

// StepClock steps the clock to the pulse, in the place of a long slew. Without yes
// it only tells what that would do.
func (d *Daemon) StepClock(yes bool) (control.Stepped, error) {
	d.mu.Lock()
	act := d.pipe.PlanStep
	if yes {
		act = d.pipe.StepClock
	}
	plan, err := act(board.Raw())
	d.mu.Unlock()
	if err != nil {
		if yes {
			d.log.Warn("the clock is not stepped: "+err.Error(), syslog.Event("STEP_REFUSED"))
		}
		return control.Stepped{}, err
	}
	if yes {
		d.log.Warn("the operator steps the clock to the pulse: clients see a step", syslog.Event("STEP_ORDERED"), zap.Float64("time_error_ns", plan.ErrorNs))
	}
	return control.Stepped{Done: yes, TimeErrorNs: plan.ErrorNs, SlewS: known(plan.SlewS)}, nil
}
