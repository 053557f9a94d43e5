package daemon

import (
	"time"

	"bragi/cmd/internal/status"
)

// ClearCounters remembers what the counters are now: screens show what comes from here on.
func (d *Daemon) ClearCounters() status.Cleared {
	m := d.Status().Master
	cleared := &status.Cleared{At: time.Now(), Sent: m.Sent, Received: m.Received, Counters: m.Counters}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.cleared = cleared
	return *cleared
}
