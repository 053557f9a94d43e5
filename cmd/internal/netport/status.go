package netport

import (
	"bragi/board"
	"bragi/cmd/internal/status"
	"bragi/master/udp"
)

// Status is the port's part of status.Hardware: the device, how the time gets
// into a Sync, and the measured error of what it says.
func (p *Port) Status() status.Hardware {
	p.mu.Lock()
	r, l := p.transport.Residual, p.cfg.Latencies
	s := status.Hardware{
		Interface: p.cfg.Interface, SyncMode: p.mode.String(), SyncModeWhy: p.why(),
		ResidualNs: status.Residual{P1: r.P1, P50: r.P50, P99: r.P99, N: r.N}, Stamps: stampCounts(p.transport),
		IngressLatencyNs: l.IngressNs, EgressLatencyNs: l.EgressNs, AsymmetryNs: l.AsymmetryNs,
	}
	a := p.known()
	p.mu.Unlock()
	s.Device = deviceStatus(p.cfg.Device, a)
	return s
}

// deviceStatus is what a device can stamp, and how it stands. It asks the kernel.
func deviceStatus(device Device, a board.Abilities) status.Device {
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
	if device == nil {
		return d
	}
	link, err := device.Link()
	if err != nil {
		d.Trouble = err.Error()
	}
	d.Name, d.Physical, d.MAC, d.Carrier, d.SpeedMbs = device.Name(), device.Physical(), link.MAC, link.Carrier, link.SpeedMbs
	if set, err := device.Stamping(); err == nil {
		d.TxSet, d.RxSet = set.Tx.String(), set.Rx.String()
	}
	return d
}

func stampCounts(t udp.Stats) status.StampCounts {
	n := t.Stamps
	return status.StampCounts{Asked: n.Asked, Stamped: n.Stamped, Withheld: n.Withheld, Refused: n.Refused, Lost: t.StampsLost,
		Received: n.Received, ReceivedSoftware: n.ReceivedSoftware, ReceivedRefused: n.ReceivedRefused,
		WaitedNs: n.Waited.P50, WaitedN: n.Waited.N, Written: n.Written, Unwritten: n.Unwritten,
		TwinsSent: t.Twins.Sent, TwinsStamped: t.Twins.Stamped, TwinsFailed: t.Twins.Failed}
}
