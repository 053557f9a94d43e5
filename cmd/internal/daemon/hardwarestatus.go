package daemon

import (
	"bragi/board"
	"bragi/cmd/internal/status"
)

// hardware is what serves, and the measured error of what it says.
func (d *Daemon) hardware(egressNs float64) status.Hardware {
	r, h, b := d.service.Transport.Residual, d.devices.hardware, d.cfg.Board
	info := d.devices.clock.Info()
	return status.Hardware{
		PHC: info.Name, Driver: info.Driver, Interface: b.Interface, SyncMode: string(h.mode), SyncModeWhy: h.why + h.writing,
		ResidualNs: status.Residual{P1: r.P1, P50: r.P50, P99: r.P99, N: r.N},
		EgressNs:   known(egressNs),
		Profile:    h.profile.Name, Accuracy: h.profile.Accuracy, Limits: h.limits(info), Pulse: pulseInput(d.cfg, h.profile),
		Counter: boardClock(d.devices.clock), Device: h.device(), Stamps: d.stampCounts(),
		IngressLatencyNs: float64(b.IngressLatency), EgressLatencyNs: float64(b.EgressLatency), AsymmetryNs: float64(b.Asymmetry),
	}
}

// limits are the board's, and those of a clock of software.
func (h hardware) limits(clock board.ClockInfo) []string {
	limits := append([]string{}, h.profile.Limits...)
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

func (h hardware) device() status.Device {
	a := h.profile.Refine(h.abilities)
	d := status.Device{Source: string(a.TransmitStamps()), Unicast: a.Unicast.String(), Multicast: a.Multicast.String(), L2: a.L2.String(),
		Driver: a.Driver, TxModes: []string{}, RxFilters: []string{}}
	if !a.HardwareTx {
		d.Unicast, d.Multicast, d.L2 = board.No.String(), board.No.String(), board.No.String()
	}
	for _, m := range a.Modes() {
		d.TxModes = append(d.TxModes, m.String())
	}
	for _, f := range a.Filters() {
		d.RxFilters = append(d.RxFilters, f.String())
	}
	if h.nic == nil {
		return d
	}
	link, err := h.nic.Link()
	if err != nil {
		d.Trouble = err.Error()
	}
	d.Name, d.Physical, d.MAC, d.Carrier, d.SpeedMbs = h.nic.Name(), h.nic.Physical(), link.MAC, link.Carrier, link.SpeedMbs
	if set, err := h.nic.Stamping(); err == nil {
		d.TxSet, d.RxSet = set.Tx.String(), set.Rx.String()
	}
	return d
}

func (d *Daemon) stampCounts() status.StampCounts {
	t := d.service.Transport
	n := t.Stamps
	return status.StampCounts{Asked: n.Asked, Stamped: n.Stamped, Withheld: n.Withheld, Refused: n.Refused, Lost: t.StampsLost,
		Received: n.Received, ReceivedSoftware: n.ReceivedSoftware, ReceivedRefused: n.ReceivedRefused,
		WaitedNs: n.Waited.P50, WaitedN: n.Waited.N, Written: n.Written, Unwritten: n.Unwritten,
		TwinsSent: t.Twins.Sent, TwinsStamped: t.Twins.Stamped, TwinsFailed: t.Twins.Failed}
}
