package netport

import (
	"errors"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"bragi/board"
	"bragi/cmd/internal/alarms"
	"bragi/master/egress"
	"bragi/master/udp"
)

// judge lets the port judge what has been seen.
func (r *rig) judge(now time.Time) {
	r.Observe(r.counters)
	r.Judge(now)
}

// A driver that accepts the wish for stamps and gives none is found out after 24
// messages in a row that the kernel gave it, and the next best mode serves, with
// an alarm. One that owes some now and then, or whose clients cannot be reached,
// is not.
func TestADriverThatLiesIsFoundOut(t *testing.T) {
	imx, _ := board.ProfileOf("imx6ul")
	for _, c := range []struct {
		what            string
		each            func(*udp.Stats) // of 100 seconds
		broken          bool
		transmit, twins bool // in use afterwards
	}{
		{"stamps all", func(n *udp.Stats) { n.Stamps.Asked += 20; n.Stamps.Stamped += 20 }, false, true, false},
		{"owes half", func(n *udp.Stats) { n.Stamps.Asked += 20; n.Stamps.Stamped += 10; n.Stamps.Withheld += 10 }, false, true, false},
		{"clients that are not there", func(n *udp.Stats) { n.Stamps.Asked += 20; n.StampsLost += 20 }, false, true, false},
		{"owes all", func(n *udp.Stats) { n.Stamps.Asked += 20; n.Stamps.Withheld += 20 }, true, false, true},
		{"stamps by another clock", func(n *udp.Stats) { n.Stamps.Asked += 20; n.Stamps.Stamped += 20; n.Stamps.Refused += 20 }, true, false, true},
		{"is 1 s off now and then", func(n *udp.Stats) { n.Stamps.Asked += 20; n.Stamps.Stamped += 20; n.Stamps.Refused += 4 }, false, true, false},
		{"stamps none of the first twins", func(n *udp.Stats) { n.Twins.Sent, n.Twins.Left = n.Twins.Sent+4, n.Twins.Left+4 }, true, false, false},
		{"stamps the first twins", func(n *udp.Stats) {
			n.Twins.Sent, n.Twins.Left, n.Twins.Stamped = n.Twins.Sent+4, n.Twins.Left+4, n.Twins.Stamped+4
		}, false, true, false},
	} {
		r := begun(t, func(c *Config, _ *rig) { c.Profile = imx })
		now := time.Now()
		for range 100 {
			c.each(&r.counters)
			r.judge(now)
		}
		alarm := r.alarm(alarms.HardwareStamps)
		if u := r.server.inUse; alarm != "" != c.broken || u.Transmit != c.transmit || u.Twins != c.twins || r.mode != PredictedOneStep {
			t.Errorf("%s: alarm %q, device's stamps in use %v, twins %v, mode %v because %s", c.what, alarm, u.Transmit, u.Twins, r.mode, r.why())
		}
		if c.broken && !strings.HasSuffix(r.why(), "; "+alarm) {
			t.Errorf("%s: the mode is because %q, the alarm says %q", c.what, r.why(), alarm)
		}
	}
}

// A broken promise is tried anew after ten minutes, or when the link comes up.
func TestBrokenPromiseIsTriedAgain(t *testing.T) {
	breaks := func() (*rig, time.Time) {
		r, now := begun(t, nil), time.Now()
		r.judge(now) // what the link has changed so far is known
		r.counters.Stamps.Withheld += withheld
		r.judge(now)
		if r.server.inUse.Transmit || r.alarm(alarms.HardwareStamps) == "" {
			t.Fatal("the promise is not broken")
		}
		return r, now
	}
	r, now := breaks()
	if r.judge(now.Add(retryAfter - time.Second)); r.server.inUse.Transmit {
		t.Error("tried again before its time")
	}
	if r.judge(now.Add(retryAfter + time.Second)); !r.server.inUse.Transmit || r.alarm(alarms.HardwareStamps) != "" {
		t.Errorf("not tried again: %+v, %q", r.server.inUse, r.alarm(alarms.HardwareStamps))
	}
	if r.judge(now.Add(retryAfter + 2*time.Second)); !r.server.inUse.Transmit {
		t.Error("broken again by what it owed before")
	}
	r, now = breaks()
	r.device.link.Changes += 2
	r.judge(now.Add(time.Second)) // sees the new link
	if r.judge(now.Add(2 * time.Second)); !r.server.inUse.Transmit || r.alarm(alarms.HardwareStamps) != "" {
		t.Errorf("not tried again on a new link: %+v, %q", r.server.inUse, r.alarm(alarms.HardwareStamps))
	}
}

// A link that comes up anew forgives: it may be another device's.
func TestNewLinkForgives(t *testing.T) {
	r, now := begun(t, nil), time.Now()
	r.link = r.seen()
	r.judge(now)
	r.counters.Stamps.Withheld += withheld
	if r.judge(now); r.alarm(alarms.HardwareStamps) == "" {
		t.Fatal("the promise is not broken")
	}
	r.device.link.Changes += 2
	if r.look(); !r.server.inUse.Transmit || r.alarm(alarms.HardwareStamps) != "" {
		t.Errorf("in use %+v, alarm %q", r.server.inUse, r.alarm(alarms.HardwareStamps))
	}
}

// A broken promise that is tried again while there is no carrier waits for it.
func TestWithoutCarrierNoPromiseIsTriedAgain(t *testing.T) {
	r, now := begun(t, nil), time.Now()
	r.counters.Twins = udp.TwinStats{Sent: leftTwins, Left: leftTwins}
	r.judge(now)
	if r.abilities.HardwareTx {
		t.Fatal("the promise is not broken")
	}
	r.counters.Twins = udp.TwinStats{}
	r.device.link.Carrier = false
	r.look()
	asked := r.device.asked
	r.judge(now.Add(retryAfter + time.Second))
	if r.device.asked != asked || r.server.inUse.Transmit {
		t.Errorf("without a carrier the device was asked %d times for its stamps; in use %+v", r.device.asked-asked, r.server.inUse)
	}
	r.device.link.Carrier = true
	r.look()
	if !r.server.inUse.Transmit || r.compared != 1 {
		t.Errorf("with a carrier: in use %+v, the clock was compared %d times", r.server.inUse, r.compared)
	}
}

// What another program sets is set back at once, with an alarm for a minute.
func TestStampsSetByOthersAreSetBack(t *testing.T) {
	r, now := begun(t, nil), time.Now()
	r.judge(now)
	want := r.device.set
	r.device.set = board.Stamping{Tx: board.TxOff, Rx: board.RxAll}
	r.judge(now)
	if said := r.alarm(alarms.HardwareStamps); r.device.set != want || said != "something else set the time stamps of eth0 to tx off, rx all; they were set back" {
		t.Errorf("the device is set to %v; the alarm says %q", r.device.set, said)
	}
	if r.judge(now.Add(setBackShown)); r.alarm(alarms.HardwareStamps) == "" {
		t.Error("the alarm ends before its time")
	}
	if r.judge(now.Add(setBackShown + time.Second)); r.alarm(alarms.HardwareStamps) != "" {
		t.Error("the alarm does not end")
	}
}

// What a driver forgets while the link goes and comes nobody else has set.
func TestSettingIsNotJudgedWithoutCarrier(t *testing.T) {
	for what, change := range map[string]func(*rig){
		"no carrier":           func(r *rig) { r.device.link.Carrier = false },
		"it came and went":     func(r *rig) { r.device.link.Changes += 2 },
		"it is not seen yet":   func(r *rig) { r.device.link.Carrier = false; r.look(); r.device.link.Carrier = true },
		"it cannot be told":    func(r *rig) { r.device.gone = errors.New("gone") },
		"nothing is known yet": func(r *rig) { r.observed = false },
	} {
		r, now := begun(t, nil), time.Now()
		r.judge(now)
		change(r)
		asked := r.device.asked
		r.device.set = board.Stamping{}
		if r.Judge(now); r.device.asked != asked || r.alarm(alarms.HardwareStamps) != "" {
			t.Errorf("%s: the device was set %d times; alarm %q", what, r.device.asked-asked, r.alarm(alarms.HardwareStamps))
		}
	}
}

// What a Sync may say wrong is an alarm beyond its limit, and two-step service
// where the configuration wants that; both end after a calm minute.
func TestResidualBeyondItsLimit(t *testing.T) {
	for _, twoStepThen := range []bool{false, true} {
		r := begun(t, func(c *Config, _ *rig) { c.TwoStepOnResidual, c.ResidualLimit = twoStepThen, 20*time.Microsecond })
		now := time.Now()
		judge := func(p99 int64, after time.Duration) (raised, twoStep bool) {
			now = now.Add(after)
			r.counters.Residual = egress.Spread{P1: -100, P99: p99, N: 1000}
			r.judge(now)
			return r.alarm(alarms.ResidualHigh) != "", r.server.inUse.TwoStep
		}
		for i, step := range []struct {
			p99    int64
			after  time.Duration
			raised bool
		}{
			{19_000, time.Second, false}, {21_000, time.Second, true}, {19_000, time.Second, true},
			{21_000, time.Second, true}, {19_000, time.Second, true}, {19_000, residualSmallFor / 2, true}, {19_000, residualSmallFor, false},
		} {
			raised, twoStep := judge(step.p99, step.after)
			if want := step.raised && twoStepThen; raised != step.raised || twoStep != want {
				t.Errorf("two-step then %v, step %d: alarm %v, want %v; two-step %v, want %v", twoStepThen, i, raised, step.raised, twoStep, want)
			}
		}
		if raised, _ := judge(21_000, time.Second); !raised {
			t.Errorf("two-step then %v: no alarm the second time", twoStepThen)
		}
		if said := r.alarm(alarms.ResidualHigh); said != "21000 ns, limit 20000 ns" {
			t.Errorf("the alarm says %q", said)
		}
		judge(25_000, time.Second)
		judge(19_000, time.Second) // it says why it holds while the bound is within the limit
		if said := r.alarm(alarms.ResidualHigh); said != "19000 ns, limit 20000 ns; was 25000 ns, the alarm ends after 1m0s within the limit" {
			t.Errorf("the alarm says %q", said)
		}
		judge(19_000, residualSmallFor+time.Second)
		judge(22_000, time.Second)
		judge(19_000, time.Second) // the worst is of this alarm, not of the last one
		if said := r.alarm(alarms.ResidualHigh); !strings.Contains(said, "; was 22000 ns") {
			t.Errorf("the next alarm says %q", said)
		}
		r.SetResidualLimit(-1) // by a reload: never
		if raised, twoStep := judge(21_000, time.Second); raised || twoStep {
			t.Errorf("two-step then %v: without a limit: alarm %v, two-step %v", twoStepThen, raised, twoStep)
		}
	}
}

// Where the hardware writes the time nothing is predicted.
func TestHardwareOneStepHasNoResidual(t *testing.T) {
	r := begun(t, func(c *Config, r *rig) { r.device.abilities, c.ResidualLimit = phy(), time.Microsecond })
	r.counters.Residual = egress.Spread{P99: 21_000, N: 1000}
	if r.judge(time.Now()); r.alarm(alarms.ResidualHigh) != "" {
		t.Errorf("alarm %q", r.alarm(alarms.ResidualHigh))
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
		{"the kernel's lateness is known", udp.Stamping{Transmit: true, Receive: true},
			udp.StampStats{ReceivedSoftware: 50, Waited: egress.Spread{P1: 2000, P50: 2100, P99: 2600, N: knownWaits}}, 900 + 600},
	} {
		if got, ok := egressBoundNs(c.inUse, udp.Stats{Residual: spread, Stamps: c.stamps}); !ok || got != c.want {
			t.Errorf("%s: %v ns, %v; want %v", c.what, got, ok, c.want)
		}
	}
	if _, ok := egressBoundNs(udp.Stamping{Twins: true}, udp.Stats{Residual: spread}); ok {
		t.Error("a bound is known before any twin was stamped")
	}
	if _, ok := begun(t, nil).EgressBoundNs(); ok {
		t.Error("a bound is known before anything was measured")
	}
}

// A program of the kernel's that does not see the Syncs is linked anew once, and
// then that is said, until it does.
func TestSyncsThatTheKernelDoesNotWrite(t *testing.T) {
	r, now := begun(t, func(c *Config, _ *rig) { c.KernelSync = true }), time.Now()
	const writes, bypassed = "brings it up to date", "does not see the Syncs"
	second := func(written, unwritten uint64) string {
		now = now.Add(time.Second)
		n := &r.counters.Stamps
		n.Written, n.Unwritten = n.Written+written, n.Unwritten+unwritten
		r.judge(now)
		return r.Status().SyncModeWhy
	}
	if said := second(20, 2); !strings.Contains(said, writes) || r.server.linked != 1 || r.server.index != 7 {
		t.Errorf("two Syncs of many: %q; linked %d times", said, r.server.linked)
	}
	if said := second(0, 20); !strings.Contains(said, writes) || r.server.linked != 2 {
		t.Errorf("linked %d times: %q", r.server.linked, said)
	}
	if said := second(0, 20); !strings.Contains(said, bypassed) || r.server.linked != 2 {
		t.Errorf("linked anew, and not seen: %q", said)
	}
	if said := second(0, 0); !strings.Contains(said, bypassed) {
		t.Errorf("no Sync: %q", said)
	}
	if said := second(20, 0); !strings.Contains(said, writes) {
		t.Errorf("seen again: %q", said)
	}
	now = now.Add(retryAfter)
	if second(0, 20); r.server.linked != 3 {
		t.Error("not linked anew later")
	}
}

// A kernel that refuses its program is told of, and where it is a matter of
// rights, what to do.
func TestKernelThatRefusesToWrite(t *testing.T) {
	for _, c := range []struct {
		err error
		fix bool
	}{{unix.EPERM, true}, {unix.EINVAL, false}} {
		r := begun(t, func(config *Config, r *rig) { config.KernelSync, r.server.refuse = true, c.err })
		said := r.Status().SyncModeWhy
		if !strings.Contains(said, "; the kernel does not write it nearer to the wire: "+c.err.Error()) || strings.Contains(said, "(fix: ") != c.fix {
			t.Errorf("%v: %q", c.err, said)
		}
	}
	for what, change := range map[string]func(*Config, *rig){
		"it is not wanted":       nil,
		"two-step":               func(c *Config, _ *rig) { c.KernelSync, c.TwoStep = true, true },
		"no interface was named": func(c *Config, _ *rig) { c.KernelSync, c.Device = true, nil },
	} {
		if r := begun(t, change); r.server.linked != 0 || r.writing.words() != "" {
			t.Errorf("%s: linked %d times, %q", what, r.server.linked, r.writing.words())
		}
	}
}
