package daemon

import "bragi/cmd/internal/status"

// AlarmHistory are the latest alarms, those that stand too, oldest first.
func (d *Daemon) AlarmHistory() []status.PastAlarm {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.alarms.History()
}

// ClearAlarms forgets the alarms that stand no more.
func (d *Daemon) ClearAlarms() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.alarms.Forget()
}
