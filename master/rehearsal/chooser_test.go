package rehearsal_test

import (
	"encoding/binary"
	"math"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"bragi/gnss/timescale"
	"bragi/holdover/quality"
	"bragi/master"
	"bragi/master/rehearsal"
	"bragi/master/wire"
)

// network is one client and its masters in virtual time.
type network struct {
	t       *testing.T
	now     timescale.Mono
	chooser *rehearsal.Chooser
	hosts   []*host
}

// host is a master.
type host struct {
	address  netip.Addr
	master   *master.Master
	out      master.Outbox
	ahead    time.Duration // of the true time
	silent   bool          // nothing comes of it
	syncLess bool          // it announces and sends no Sync
}

const way = 10 * time.Microsecond // one way

var locked = quality.Announcement{
	Serve: true, ClockClass: 6, ClockAccuracy: 0x21, OffsetScaledLogVariance: 0x4E5D, TimeSource: 0x20, CurrentUTCOffset: 37,
	CurrentUTCOffsetValid: true, TimeTraceable: true, FrequencyTraceable: true, PTPTimescale: true,
}

// freeRunning has no reference and never had one.
var freeRunning = quality.Announcement{
	Serve: true, ClockClass: 248, ClockAccuracy: 0xFE, OffsetScaledLogVariance: 0xFFFF, TimeSource: 0xA0, CurrentUTCOffset: 37, PTPTimescale: true,
}

func newNetwork(t *testing.T, announcements ...quality.Announcement) *network {
	t.Helper()
	n := &network{t: t, now: timescale.MonoFromNs(int64(1000 * time.Second))}
	var addresses []netip.Addr
	for i, a := range announcements {
		m, err := master.New(master.Config{Identity: wire.ClockIdentity{0, 0x11, 0x22, 0xFF, 0xFE, 0, 0, byte(i + 1)}, Priority1: 128, Priority2: 128})
		if err != nil {
			t.Fatal(err)
		}
		m.SetAnnouncement(a)
		h := &host{address: netip.AddrFrom4([4]byte{10, 0, 0, byte(i + 1)}), master: m}
		n.hosts, addresses = append(n.hosts, h), append(addresses, h.address)
	}
	var err error
	n.chooser, err = rehearsal.NewChooser(rehearsal.Config{Kind: rehearsal.RPD, Identity: wire.PortIdentity{Clock: wire.ClockIdentity{0xC0, 1}, Port: 1}}, addresses)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func (n *network) local(h *host) timescale.Local {
	return timescale.LocalFromNs(n.now.Ns() + 1_735_689_600_000_000_000 + int64(h.ahead))
}

// run lets d pass in steps of a millisecond.
func (n *network) run(d time.Duration) rehearsal.Report {
	for end := n.now.Add(d); n.now.Before(end); n.now = n.now.Add(time.Millisecond) {
		for {
			to, payload, event, ok := n.chooser.Poll(n.now)
			if !ok {
				break
			}
			if event {
				n.chooser.Sent(binary.BigEndian.Uint16(payload[wire.SequenceOffset:]), n.now)
			}
			for _, h := range n.hosts {
				if h.address == to && !h.silent {
					stamp := timescale.LocalFromNs(n.local(h).Ns() + int64(way))
					h.master.Receive(n.now, master.Datagram{Src: netip.MustParseAddr("10.0.0.100"), Dst: h.address, Event: event, DSCP: 47, Stamp: stamp, HasStamp: event, Payload: payload}, &h.out)
					n.deliver(h)
				}
			}
		}
		for _, h := range n.hosts {
			if next, ok := h.master.Next(); ok && !n.now.Before(next) {
				h.master.Tick(n.now, &h.out)
				n.deliver(h)
			}
		}
	}
	return n.chooser.Report(n.now)
}

func (n *network) deliver(h *host) {
	for i := 0; i < h.out.Len(); i++ {
		m := &h.out.Messages()[i]
		if m.Stamped() {
			m.SetEgress(n.local(h))
		}
		m.SetEstimate(n.local(h))
		if h.silent || h.syncLess && wire.MessageType(m.Payload[0]&0x0F) == wire.TypeSync {
			continue
		}
		n.chooser.Receive(n.now, m.Event, h.address, m.Payload, n.now.Add(way))
	}
	h.out.Reset()
}

func selected(r rehearsal.Report) int {
	return slices.IndexFunc(r.Masters, func(m rehearsal.Candidate) bool { return m.Selected })
}

func has(r *rehearsal.Report, severity, code string) bool {
	return slices.ContainsFunc(r.Findings, func(f rehearsal.Finding) bool { return f.Severity == severity && f.Code == code })
}

// A client of two masters follows the better one. When that one is gone it follows
// the other, and what this does to the time is measured and judged. When the first
// one is back it returns.
func TestAClientOfTwoMastersFollowsTheBestAndMeasuresEachChange(t *testing.T) {
	for _, c := range []struct {
		name  string
		other quality.Announcement
		ahead time.Duration
		code  string
		grave string
	}{
		{"both agree", locked, 300 * time.Nanosecond, "SWITCHED", "note"},
		{"the other has no reference", freeRunning, 412 * time.Microsecond, "SWITCH_STEP", "error"},
		{"the other serves UTC", locked, -37 * time.Second, "SWITCH_STEP", "error"},
	} {
		t.Run(c.name, func(t *testing.T) {
			n := newNetwork(t, locked, c.other)
			n.hosts[1].ahead = c.ahead
			r := n.run(30 * time.Second)
			if selected(r) != 0 || r.State != "PHASE_ALIGNED" || len(r.Switches) != 0 || r.Master.Address != "10.0.0.1" {
				t.Fatalf("at first: %+v, %s, %+v", r.Masters, r.State, r.Switches)
			}
			if r.Judge(); r.Verdict != "pass" {
				t.Errorf("at first: %+v", r.Findings)
			}
			if grants := n.hosts[1].master.Snapshot(n.now).Clients[0].Grants; !grants[0].Live || grants[1].Live || grants[2].Live {
				t.Errorf("the other master granted %+v", grants)
			}

			n.hosts[0].silent = true
			r = n.run(30 * time.Second)
			if selected(r) != 1 || r.State != "PHASE_ALIGNED" || len(r.Switches) != 1 || r.Switches[0].MovedNs == nil || r.Switches[0].Why != "no Sync" {
				t.Fatalf("without the first: %+v, %s, %+v", r.Masters, r.State, r.Switches)
			}
			if moved := *r.Switches[0].MovedNs; math.Abs(float64(moved-int64(c.ahead))) > 200 {
				t.Errorf("the change moved the time by %d ns, not by %v", moved, c.ahead)
			}
			if r.Judge(); !has(&r, c.grave, c.code) {
				t.Errorf("%+v", r.Findings)
			}

			n.hosts[0].silent = false
			r = n.run(90 * time.Second)
			if selected(r) != 0 || len(r.Switches) != 2 || r.Switches[1].Why != "a better master" {
				t.Errorf("the first is back: %+v, %+v", r.Masters, r.Switches)
			}
		})
	}
}

// Two masters agree only where both may be followed, and within the limit of a twin.
func TestAChangeToAWorseMasterIsNeverAgreement(t *testing.T) {
	change := func(f func(*quality.Announcement)) quality.Announcement { a := locked; f(&a); return a }
	for name, c := range map[string]struct {
		other       quality.Announcement
		ahead       time.Duration
		code, grave string
		text        string
	}{
		"it runs free":       {change(func(a *quality.Announcement) { a.ClockClass, a.TimeTraceable = 58, false }), 0, "SWITCH_WORSE", "error", "class 58, not traceable"},
		"its own timescale":  {change(func(a *quality.Announcement) { a.PTPTimescale = false }), 0, "SWITCH_WORSE", "error", "class 6, an arbitrary timescale (ARB)"},
		"it never was":       {freeRunning, 0, "SWITCH_WORSE", "error", "class 248"},
		"not traceable":      {change(func(a *quality.Announcement) { a.TimeTraceable = false }), 0, "SWITCH_WORSE", "error", "class 6, not traceable"},
		"in holdover":        {change(func(a *quality.Announcement) { a.ClockClass = 7 }), 0, "SWITCH_WORSE", "warning", "class 7"},
		"beyond the limit":   {locked, 3400 * time.Nanosecond, "SWITCH_STEP", "warning", "do not agree"},
		"within it":          {locked, 2500 * time.Nanosecond, "SWITCHED", "note", "(class 6)"},
		"beyond it, and far": {locked, 40 * time.Microsecond, "SWITCH_STEP", "error", "class 6"},
	} {
		n := newNetwork(t, locked, c.other)
		n.hosts[1].ahead = c.ahead
		n.run(30 * time.Second)
		n.hosts[0].silent = true
		n.run(15 * time.Second)
		n.hosts[0].silent = false
		r := n.run(90 * time.Second)
		r.Judge()
		if len(r.Switches) != 2 || r.Switches[0].MovedNs == nil {
			t.Fatalf("%s: changes %+v", name, r.Switches)
		}
		found := slices.ContainsFunc(r.Findings, func(f rehearsal.Finding) bool {
			return f.Code == c.code && f.Severity == c.grave && strings.Contains(f.Text, c.text) && strings.Contains(f.Text, "to 10.0.0.2")
		})
		agree := slices.ContainsFunc(r.Findings, func(f rehearsal.Finding) bool {
			return strings.Contains(f.Action, "agree") && strings.Contains(f.Text, "to 10.0.0.2")
		})
		if !found || agree != (c.grave == "note") || (r.Verdict == "fail") != (c.grave == "error") {
			t.Errorf("%s: %s %+v", name, r.Verdict, r.Findings)
		}
	}
}

// A master that announces and serves no Sync, or takes its grants back, is left for
// the next one.
func TestAClientLeavesAMasterThatDoesNotServe(t *testing.T) {
	for name, fault := range map[string]func(n *network){
		"no Sync":    func(n *network) { n.hosts[0].syncLess = true },
		"it refused": func(n *network) { n.hosts[0].master.Drain(n.now) },
	} {
		n := newNetwork(t, locked, locked)
		n.run(20 * time.Second)
		fault(n)
		r := n.run(20 * time.Second)
		if selected(r) != 1 || len(r.Switches) != 1 || r.Switches[0].Why != name || r.State != "PHASE_ALIGNED" {
			t.Errorf("%s: %+v, %+v, %s", name, r.Masters, r.Switches, r.State)
		}
		n.hosts[0].silent = true
		r = n.run(20 * time.Second)
		if r.Judge(); has(&r, "warning", "SILENT_STANDBY") {
			t.Errorf("%s: that the master which failed is silent too is told as if trust were missing: %+v", name, r.Findings)
		}
	}
}

// A master that has stopped to announce to a client that follows another one is a
// warning: the client cannot change to it.
func TestAStandbyThatFellSilentIsTold(t *testing.T) {
	n := newNetwork(t, locked, locked)
	n.run(20 * time.Second)
	n.hosts[1].silent = true
	r := n.run(20 * time.Second)
	if r.Judge(); r.Verdict != "pass" || !has(&r, "warning", "SILENT_STANDBY") {
		t.Errorf("%s, %+v", r.Verdict, r.Findings)
	}
}

// A master that is not followed and contradicts itself is a warning.
func TestAMasterThatIsNotFollowedIsJudgedToo(t *testing.T) {
	lying := locked
	lying.TimeTraceable = false
	n := newNetwork(t, locked, lying)
	r := n.run(20 * time.Second)
	if r.Judge(); r.Verdict != "pass" || !has(&r, "warning", "FLAGS") {
		t.Errorf("%s, %+v", r.Verdict, r.Findings)
	}
}

// Two masters that were copied from one disk have one clock identity.
func TestTwoMastersWithOneIdentityAreAnError(t *testing.T) {
	n := newNetwork(t, locked, locked)
	twin, err := master.New(master.Config{Identity: wire.ClockIdentity{0, 0x11, 0x22, 0xFF, 0xFE, 0, 0, 1}, Priority1: 128, Priority2: 128})
	if err != nil {
		t.Fatal(err)
	}
	twin.SetAnnouncement(locked)
	n.hosts[1].master = twin
	r := n.run(20 * time.Second)
	if r.Judge(); r.Verdict != "fail" || !has(&r, "error", "ONE_IDENTITY") {
		t.Errorf("%s, %+v", r.Verdict, r.Findings)
	}
}

func TestAChooserWantsDifferentMasters(t *testing.T) {
	c := rehearsal.Config{Identity: wire.PortIdentity{Clock: wire.ClockIdentity{1}, Port: 1}}
	a := netip.MustParseAddr("10.0.0.1")
	for _, masters := range [][]netip.Addr{nil, {a, a}} {
		if _, err := rehearsal.NewChooser(c, masters); err == nil {
			t.Errorf("%v is taken", masters)
		}
	}
}
