package daemon

import (
	"bragi/board"
	"bragi/cmd/internal/control"
	"bragi/cmd/internal/status"
)

// AcceptReceiver takes the operator's word that the reference of that name is right; "": the one that
// he has ordered, or that is followed.
func (d *Daemon) AcceptReceiver(name string) (control.Accepted, error) {
	d.mu.Lock()
	accepted, err := d.pipe.Accept(board.Raw(), name)
	d.mu.Unlock()
	if err != nil {
		d.happened(status.AcceptRefused{Name: name, Why: err.Error()})
		return control.Accepted{}, err
	}
	d.happened(status.ReceiverAccepted{Names: accepted.Names, Forgotten: accepted.Forgotten})
	d.tick()      // class 52 at once
	d.keepClock() // the word is given once: no restart forgets it
	return control.Accepted{Names: accepted.Names, Forgotten: accepted.Forgotten}, nil
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
