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
			d.happened(status.StepRefused{Why: err.Error()})
		}
		return control.Stepped{}, err
	}
	if yes {
		d.happened(status.StepOrdered{ErrorNs: plan.ErrorNs})
	}
	return control.Stepped{Done: yes, TimeErrorNs: plan.ErrorNs, SlewS: known(plan.SlewS)}, nil
}
