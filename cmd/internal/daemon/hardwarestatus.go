package daemon

import (
	"bragi/board"
	"bragi/cmd/internal/status"
)

// hardware is the network port's part of it, and the board's. It asks the kernel:
// the caller does not hold the lock.
func (d *Daemon) hardware() status.Hardware {
	h, profile, info := d.port.Status(), d.devices.profile, d.devices.clock.Info()
	h.PHC, h.Driver, h.Counter = info.Name, info.Driver, boardClock(d.devices.clock)
	h.Profile, h.Accuracy, h.Limits, h.Pulse = profile.Name, profile.Accuracy, limits(profile, info), d.devices.pulse
	d.mu.Lock()
	defer d.mu.Unlock()
	h.LED = d.light
	return h
}

// limits are the board's, and those of a clock of software.
func limits(p board.Profile, clock board.ClockInfo) []string {
	limits := append([]string{}, p.Limits...)
	if clock.FloorNs > 0 {
		limits = append(limits, "no PTP clock: the time is kept by software, to 10 us at best; clockAccuracy says so")
	}
	return limits
}

func boardClock(clock board.Clock) status.BoardClock {
	info := clock.Info()
	c := status.BoardClock{QuantumPPB: info.QuantumPPB, MaxPPB: info.MaxPPB, Pins: []string{}, Suspects: []string{}}
	phc, ok := clock.(*board.PHC)
	if !ok {
		c.CrossMethod = "computed"
		return c
	}
	caps, health, trouble := phc.Capabilities(), phc.Health(), phc.Trouble()
	c.ExtTS, c.PerOut, c.PPS = caps.ExtTS, caps.PerOut, caps.PPS
	c.Pins = append(c.Pins, phc.Pins()...)
	c.CrossMethod, c.CrossNs, c.NoiseNs = health.CrossMethod, health.WidthNs, health.NoiseNs
	c.Foreign, c.Steered, c.Absences = health.Foreign, health.Steered, trouble.Absences
	c.Suspects = append(c.Suspects, health.Suspects...)
	if trouble.Err != nil {
		c.Trouble = trouble.Err.Error()
	}
	return c
}
