package daemon

import (
	"bragi/board"
	"bragi/cmd/internal/config"
	"bragi/cmd/internal/netport"
	"bragi/master/udp"
)

// portConfig is the network port of the configuration.
func (d *Daemon) portConfig() netport.Config {
	cfg := d.cfg
	c := netport.Config{
		Profile: d.devices.profile, Clock: d.devices.clock, Tell: d.happened, Links: board.WatchLinks, Compare: d.compareClock,
		Interface: cfg.Board.Interface, TwoStep: cfg.Master.SyncMode == "two-step", TwoStepClients: len(cfg.Master.TwoStepFor) > 0,
		KernelSync: cfg.Master.KernelSync, GroupTwins: groupTwins(cfg.Board), Latencies: latencies(cfg.Board),
		ResidualLimit: cfg.Master.ResidualLimit, TwoStepOnResidual: cfg.Master.OnResidual == "two-step",
	}
	if d.devices.nic != nil {
		c.Device = d.devices.nic
	}
	return c
}

// compareClock compares the clock with CLOCK_MONOTONIC_RAW, and puts it back
// when somebody, the driver for one, has set it.
func (d *Daemon) compareClock() {
	if _, err := d.devices.clock.Cross(); err != nil {
		return // the clock's own alarm tells
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.pipe.GuardClock(board.Raw())
}

// latencies are the configured ones.
func latencies(b config.Board) udp.Latencies {
	return udp.Latencies{EgressNs: float64(b.EgressLatency), IngressNs: float64(b.IngressLatency), AsymmetryNs: float64(b.Asymmetry)}
}

func groupTwins(b config.Board) bool { return b.Twins == "udp" }
