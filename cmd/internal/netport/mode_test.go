package netport

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"bragi/board"
	"bragi/cmd/internal/status"
	"bragi/master/udp"
)

// Which mode each board gets, and why.
func TestModeOfEachBoard(t *testing.T) {
	nothing := board.Abilities{PHC: -1, Unicast: board.No, Multicast: board.No, L2: board.No}
	unasked := cpsw()
	unasked.SoftwareTx = false
	for _, tc := range []struct {
		name      string
		abilities board.Abilities
		profile   string
		twoStep   bool
		mode      Mode
		word, why string
	}{
		{"FEC", fec(), "imx6ul", false, PredictedOneStep, "predicted-one-step", "sample of the Syncs"},
		{"FEC, two-step", fec(), "imx6ul", true, TwoStep, "two-step", "hardware's transmit stamp"},
		{"AM335x", cpsw(), "beaglebone-black", false, PredictedOneStep, "predicted-one-step", "twins"},
		{"AM335x, two-step", cpsw(), "beaglebone-black", true, TwoStep, "two-step", "does not stamp unicast, so Follow_Up carries the kernel's software transmit stamp"},
		{"AM335x known by its driver", cpsw(), "generic", false, PredictedOneStep, "predicted-one-step", "twins"},
		{"twins alone, two-step", unasked, "generic", true, SoftwareTime, "software", "but nothing stamps a unicast Sync"},
		{"a PHY that writes the time", phy(), "generic", false, HardwareOneStep, "hardware-one-step", "writes the time"},
		{"the same, two-step wanted", phy(), "generic", true, TwoStep, "two-step", "hardware's"},
		{"a PHY on a board without unicast", phy(), "beaglebone-black", false, PredictedOneStep, "predicted-one-step", "twins"},
		{"veth", veth(), "generic", false, PredictedOneStep, "predicted-one-step", "no hardware transmit stamps"},
		{"veth, two-step", veth(), "generic", true, TwoStep, "two-step", "no hardware transmit stamps, so Follow_Up carries the kernel's software transmit stamp"},
		{"veth under a profile that hopes for more", veth(), "imx6ul", false, PredictedOneStep, "predicted-one-step", "no hardware transmit stamps"},
		{"no stamps at all", nothing, "generic", false, SoftwareTime, "software", "nothing stamps"},
		{"no stamps at all, two-step", nothing, "generic", true, SoftwareTime, "software", "nothing stamps"},
	} {
		p, found := board.ProfileOf(tc.profile)
		if !found {
			t.Fatalf("no profile %q", tc.profile)
		}
		a := p.Refine(tc.abilities)
		mode := Choose(a, tc.twoStep)
		if why := because(mode, a, tc.twoStep); mode != tc.mode || mode.String() != tc.word || !strings.Contains(why, tc.why) {
			t.Errorf("%s: %v because %q, want %v because of %q", tc.name, mode, why, tc.word, tc.why)
		}
	}
}

// What the driver promises is asked of it, and what it refuses is done without,
// and said.
func TestWhatIsUsedOfEachDevice(t *testing.T) {
	byHardware := udp.Stamping{Transmit: true, Receive: true, Test: true, Device: "eth0"}
	byTwins := udp.Stamping{Receive: true, Test: true, Twins: true, Device: "eth0"}
	oneStep := udp.Stamping{Transmit: true, Receive: true, OneStep: true, Test: true, Twins: true, Device: "eth0"}
	byKernel := udp.Stamping{}
	for _, tc := range []struct {
		name   string
		change func(*Config, *rig)
		mode   Mode
		inUse  udp.Stamping
		set    board.TxMode
		why    string
	}{
		{"FEC", nil, PredictedOneStep, byHardware, board.TxStamp, "sample of the Syncs"},
		{"AM335x", func(_ *Config, r *rig) { r.device.abilities = cpsw() }, PredictedOneStep, byTwins, board.TxStamp, "twins"},
		{"a PHY that writes the time", func(_ *Config, r *rig) { r.device.abilities = phy() }, HardwareOneStep, oneStep, board.TxOneStepSync, "writes the time"},
		{"one whose driver refuses to", func(_ *Config, r *rig) { r.device.abilities, r.device.noOneStep = phy(), true },
			PredictedOneStep, byHardware, board.TxStamp, "sample of the Syncs; the driver refuses one-step"},
		{"one with two-step clients", func(c *Config, r *rig) { r.device.abilities, c.TwoStepClients = phy(), true },
			PredictedOneStep, byHardware, board.TxStamp, "; hardware one-step has no stamps for the two-step clients of master.two_step_for"},
		{"another clock is served", func(_ *Config, r *rig) { r.clock.name = "/dev/ptp1" },
			PredictedOneStep, byKernel, board.TxOff, "; the interface's hardware stamps are of another clock than the one that is served"},
		{"the driver refuses stamps", func(_ *Config, r *rig) { r.device.refuses = errors.New("ptp4l has them") },
			PredictedOneStep, byKernel, board.TxOff, "software transmit stamps; ptp4l has them"},
		{"no interface", func(c *Config, _ *rig) { c.Device = nil }, PredictedOneStep, byKernel, board.TxOff, "no hardware transmit stamps"},
		{"an interface that cannot be asked", func(_ *Config, r *rig) {
			r.device.abilities = board.Abilities{PHC: -1}
			r.device.gone = errors.New("gone")
		},
			SoftwareTime, byKernel, board.TxOff, "nothing stamps"},
	} {
		r := begun(t, tc.change)
		if r.mode != tc.mode || r.server.inUse != tc.inUse || r.inUse != tc.inUse || r.device.set.Tx != tc.set {
			t.Errorf("%s: mode %v, in use %+v, the device is set to %v; want %v, %+v, %v", tc.name, r.mode, r.server.inUse, r.device.set.Tx, tc.mode, tc.inUse, tc.set)
		}
		s := r.Status()
		if s.SyncMode != tc.mode.String() || !strings.Contains(s.SyncModeWhy, tc.why) {
			t.Errorf("%s: status says %s because %q, want %v because of %q", tc.name, s.SyncMode, s.SyncModeWhy, tc.mode, tc.why)
		}
		want := []status.SyncModeChosen{{Mode: tc.mode.String(), Why: s.SyncModeWhy, First: true}}
		if told := toldOf[status.SyncModeChosen](r); !slices.Equal(told, want) {
			t.Errorf("%s: told %+v, want %+v", tc.name, told, want)
		}
	}
}
