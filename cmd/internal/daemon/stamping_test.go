package daemon

import (
	"net/netip"
	"testing"
	"time"

	"go.uber.org/zap"

	"bragi/board"
	"bragi/cmd/internal/alarms"
	"bragi/cmd/internal/config"
	"bragi/master"
	"bragi/master/egress"
	"bragi/master/udp"
)

// stamping is a daemon whose interface promises hardware stamps; its server does
// not serve, and its packet path's counters are the test's.
func stamping(t *testing.T, change func(*config.Config)) (*Daemon, *udp.Server) {
	t.Helper()
	cfg, _, err := config.Load("../../../configs/sim.toml", nil)
	if err != nil {
		t.Fatal(err)
	}
	if change != nil {
		change(cfg)
	}
	nic, err := board.OpenNIC("lo") // it has a name, and takes no setting
	if err != nil {
		t.Skipf("SKIPPED: %v", err)
	}
	t.Cleanup(func() { nic.Close() })
	clock, err := board.NewSoftwareClock()
	if err != nil {
		t.Fatal(err)
	}
	profile, _ := board.ProfileOf("imx6ul")
	h := hardware{profile: profile, nic: nic, abilities: board.Abilities{
		Driver: "fec", TxModes: 0b11, RxFilters: 0b11, HardwareTx: true, HardwareRx: true, SoftwareTx: true, SoftwareRx: true,
		Unicast: board.Yes, Multicast: board.Yes, L2: board.Yes}}
	h.mode, h.why = board.ChooseSyncMode(h.abilities, profile, board.WantAuto)
	d := &Daemon{cfg: cfg, log: zap.NewNop(), devices: &devices{hardware: h, clock: clock}, outside: map[alarms.Code]string{}}
	d.stamps.inUse = udp.Stamping{Transmit: true, Test: true}
	d.service.Snapshot = &master.Snapshot{}
	server, err := udp.Listen(udp.Config{Address: netip.MustParseAddr("127.0.0.91"), EventPort: 23190, GeneralPort: 23191})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { server.Close() })
	return d, server
}

// A driver that accepts the wish for stamps and gives none is found out after 24
// messages in a row that the kernel gave it, and the next best mode serves, with
// an alarm. One that owes some now and then, or whose clients cannot be reached,
// is not.
func TestADriverThatLies(t *testing.T) {
	for _, c := range []struct {
		what     string
		each     func(*udp.Stats) // of 100 seconds
		broken   bool
		transmit bool
	}{
		{"stamps all", func(n *udp.Stats) { n.Stamps.Asked += 20; n.Stamps.Stamped += 20 }, false, true},
		{"owes half", func(n *udp.Stats) { n.Stamps.Asked += 20; n.Stamps.Stamped += 10; n.Stamps.Withheld += 10 }, false, true},
		{"clients that are not there", func(n *udp.Stats) { n.Stamps.Asked += 20; n.StampsLost += 20 }, false, true},
		{"owes all", func(n *udp.Stats) { n.Stamps.Asked += 20; n.Stamps.Withheld += 20 }, true, false},
		{"stamps by another clock", func(n *udp.Stats) { n.Stamps.Asked += 20; n.Stamps.Stamped += 20; n.Stamps.Refused += 20 }, true, false},
		{"is 1 s off now and then", func(n *udp.Stats) { n.Stamps.Asked += 20; n.Stamps.Stamped += 20; n.Stamps.Refused += 4 }, false, true},
		{"stamps none of the first twins", func(n *udp.Stats) { n.Twins.Sent, n.Twins.Left = n.Twins.Sent+4, n.Twins.Left+4 }, true, false},
		{"stamps the first twins", func(n *udp.Stats) {
			n.Twins.Sent, n.Twins.Left, n.Twins.Stamped = n.Twins.Sent+4, n.Twins.Left+4, n.Twins.Stamped+4
		}, false, true},
	} {
		d, server := stamping(t, nil)
		for range 100 {
			c.each(&d.service.Transport)
			d.judgePromise(server, time.Now())
		}
		_, raised := d.outside[alarms.HardwareStamps]
		if h := &d.devices.hardware; raised != c.broken || d.stamps.inUse.Transmit != c.transmit || h.mode != board.PredictedOneStep {
			t.Errorf("%s: alarm %v (%s), device's stamps in use %v, mode %s because %s", c.what, raised, d.outside[alarms.HardwareStamps], d.stamps.inUse.Transmit, h.mode, h.why)
		}
		server.Close()
	}
}

// What a Sync may say wrong is an alarm beyond its limit, and two-step service
// where the configuration wants that; both end after a calm minute.
func TestResidualLimit(t *testing.T) {
	for _, policy := range []string{"alarm", "two-step"} {
		d, server := stamping(t, func(c *config.Config) { c.Master.OnResidual, c.Master.ResidualLimit = policy, 20*time.Microsecond })
		now := time.Now()
		judge := func(p99 int64, after time.Duration) (raised, twoStep bool) {
			now = now.Add(after)
			d.service.Transport.Residual = egress.Spread{P1: -100, P99: p99, N: 1000}
			d.judgeResidual(server, now)
			_, raised = d.outside[alarms.ResidualHigh]
			return raised, d.stamps.inUse.TwoStep
		}
		for i, step := range []struct {
			p99    int64
			after  time.Duration
			raised bool
		}{
			{19_000, time.Second, false}, {21_000, time.Second, true}, {19_000, time.Second, true},
			{21_000, time.Second, true}, {19_000, time.Second, true}, {19_000, calm / 2, true}, {19_000, calm, false},
		} {
			raised, twoStep := judge(step.p99, step.after)
			if want := step.raised && policy == "two-step"; raised != step.raised || twoStep != want {
				t.Errorf("%s, step %d: alarm %v, want %v; two-step %v, want %v", policy, i, raised, step.raised, twoStep, want)
			}
		}
		if raised, _ := judge(21_000, time.Second); !raised {
			t.Errorf("%s: no alarm the second time", policy)
		}
		d.cfg.Master.ResidualLimit = -1 // by a reload: never
		if raised, twoStep := judge(21_000, time.Second); raised || twoStep {
			t.Errorf("%s: without a limit: alarm %v, two-step %v", policy, raised, twoStep)
		}
		server.Close()
	}
}

// clockAccuracy is never better than what is measured of the way to the wire and
// back.
func TestEgressBound(t *testing.T) {
	spread := egress.Spread{P1: -300, P99: 900, N: 500}
	beyond := egress.Spread{P1: 1000, P50: 1100, P99: 1400, N: 64}
	for _, c := range []struct {
		what   string
		inUse  udp.Stamping
		stamps udp.StampStats
		want   float64
	}{
		{"predicted", udp.Stamping{Transmit: true, Receive: true}, udp.StampStats{Received: 50}, 900},
		{"hardware one-step", udp.Stamping{OneStep: true, Receive: true, Twins: true}, udp.StampStats{Received: 50, Beyond: beyond}, deviceNs},
		{"two-step by the device", udp.Stamping{TwoStep: true, Transmit: true, Receive: true}, udp.StampStats{Received: 50}, deviceNs},
		{"two-step by the kernel", udp.Stamping{TwoStep: true}, udp.StampStats{}, 900},
		{"twins, requests stamped by the kernel", udp.Stamping{Twins: true, Receive: true}, udp.StampStats{ReceivedSoftware: 50, Beyond: beyond}, 900 + 400 + receiveNs},
	} {
		d := &Daemon{}
		d.service.Transport.Residual, d.service.Transport.Stamps, d.stamps.inUse = spread, c.stamps, c.inUse
		if got, ok := d.egressBoundNs(); !ok || got != c.want {
			t.Errorf("%s: %v ns, %v; want %v", c.what, got, ok, c.want)
		}
	}
	d := &Daemon{}
	d.stamps.inUse.Twins, d.service.Transport.Residual = true, spread
	if _, ok := d.egressBoundNs(); ok {
		t.Error("a bound is known before any twin was stamped")
	}
}

// A program of the kernel's that does not see the Syncs is linked anew once, and
// then that is said, until it does.
func TestSyncsThatTheKernelDoesNotWrite(t *testing.T) {
	d, server := stamping(t, nil)
	h, now := &d.devices.hardware, time.Now()
	h.writing = writtenByKernel
	second := func(written, unwritten uint64) string {
		now = now.Add(time.Second)
		n := &d.service.Transport.Stamps
		n.Written, n.Unwritten = n.Written+written, n.Unwritten+unwritten
		d.judgeWriting(server, now)
		return h.writing
	}
	if said := second(20, 2); said != writtenByKernel || !d.stamps.relinked.IsZero() {
		t.Errorf("two Syncs of many: %q", said)
	}
	if second(0, 20); d.stamps.relinked != now {
		t.Error("not linked anew")
	}
	h.writing = writtenByKernel // whether it could be linked is not the question here
	at := d.stamps.relinked
	if said := second(0, 20); said != notSeen || d.stamps.relinked != at {
		t.Errorf("linked anew, and not seen: %q", said)
	}
	if said := second(0, 0); said != notSeen {
		t.Errorf("no Sync: %q", said)
	}
	if said := second(20, 0); said != writtenByKernel {
		t.Errorf("seen again: %q", said)
	}
	now = now.Add(again)
	if second(0, 20); d.stamps.relinked != now {
		t.Error("not linked anew later")
	}
}
