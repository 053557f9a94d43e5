package daemon

import (
	"bragi/board"
	"bragi/cmd/internal/control"
	"bragi/cmd/internal/status"
)

// Hold forces holdover, or releases it. It stays over a reload and over a restart that
// goes on with the clock; a clock that begins anew has nothing to hold.
func (d *Daemon) Hold(force bool) (control.Held, error) {
	d.mu.Lock()
	act := d.pipe.ReleaseHoldover
	if force {
		act = d.pipe.ForceHoldover
	}
	err := act(board.Raw())
	d.keep.changed()
	d.mu.Unlock()
	if err != nil {
		d.happened(status.HoldoverRefused{Force: force, Why: err.Error()})
		return control.Held{}, err
	}
	d.happened(status.HoldoverForced{On: force})
	d.tick() // the state follows at once
	d.mu.Lock()
	defer d.mu.Unlock()
	return control.Held{Forced: force, Class7S: known(d.look.Report.Class7S)}, nil
}
