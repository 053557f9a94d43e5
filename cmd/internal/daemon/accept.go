package daemon

import (
	"strings"

	"go.uber.org/zap"

	"bragi/board"
	"bragi/cmd/internal/control"
	"bragi/cmd/internal/syslog"
)

// AcceptReceiver takes the operator's word that the receiver is right.
func (d *Daemon) AcceptReceiver() (control.Accepted, error) {
	d.mu.Lock()
	forgotten, err := d.pipe.AcceptReceiver(board.Raw())
	d.keep.changed()
	d.mu.Unlock()
	if err != nil {
		d.log.Warn("the receiver is not accepted: "+err.Error(), syslog.Event("ACCEPT_REFUSED"))
		return control.Accepted{}, err
	}
	d.log.Warn("the operator accepts the receiver: the clock follows it", syslog.Event("ACCEPTED"), zap.String("forgotten", strings.Join(forgotten, "; ")))
	d.tick() // class 52 at once
	return control.Accepted{Forgotten: forgotten}, nil
}
