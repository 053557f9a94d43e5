package master

import (
	"net/netip"
	"testing"
	"time"

	"bragi/gnss/timescale"
	"bragi/master/wire"
)

// nobodyTrusted is the default of bragid.
func nobodyTrusted(c *Config) { c.Trusted, c.MaxClients = []netip.Prefix{}, 1000 }

// flood asks in the name of n forged clients within a time from start on, and
// returns the moment after it.
func flood(t *testing.T, m *Master, n int, within time.Duration, client func(i int) *peer) timescale.Mono {
	t.Helper()
	for i := range n {
		now := at(within * time.Duration(i) / time.Duration(n))
		run(t, m, now, now, func(timescale.Mono, answer) {})
		say(t, m, now, client(i).signaling(t, request(wire.TypeAnnounce, 0, 1000)))
	}
	return at(within)
}

// oneAddress are portIdentities of one address, as a NAT or a forger has them.
func oneAddress(i int) *peer {
	p := newPeer(1)
	p.id.Clock[1], p.id.Clock[2] = byte(i>>8), byte(i)
	return p
}

// 8,000 forged portIdentities of one address, in 1.6 s: the address gets its share
// of the table, and a newcomer elsewhere its row at once. So it does when they have
// as many addresses as a prefix has.
func TestAnAddressAndAPrefixHaveTheirShareOfTheTable(t *testing.T) {
	for _, c := range []struct {
		name   string
		client func(i int) *peer
		most   int
	}{
		{"one address", oneAddress, 1000 / 8},
		{"one prefix", func(i int) *peer { p := oneAddress(i); p.addr = newPeer(i % 256).addr; return p }, 500},
	} {
		m := newMaster(t, nobodyTrusted)
		now := flood(t, m, 8000, 1600*time.Millisecond, c.client)
		if n := m.Stats().ClientsServed; n > c.most || n < c.most/2 {
			t.Errorf("%s: the forged clients have %d rows, want %d", c.name, n, c.most)
		}
		newcomer := newPeer(0)
		newcomer.addr = netip.MustParseAddr("10.77.0.51")
		newcomer.subscribe(t, m, now, 300)
		if n := m.Stats().Requests[wire.TypeAnnounce][ShareTaken]; n == 0 {
			t.Errorf("%s: no request was denied for the share", c.name)
		}
	}
}

// Clients behind one NAT are several: each of a small site's has its flows.
func TestClientsBehindOneNATHaveEachTheirFlows(t *testing.T) {
	m := newMaster(t, nobodyTrusted)
	for i := range 60 {
		oneAddress(i).subscribe(t, m, at(time.Duration(i)*time.Second/4), 300)
	}
}

// A full table of clients who show no life: each newcomer has the row of one of
// them, and those who live keep theirs.
func TestWhoShowsNoLifeGivesWayInAFullTable(t *testing.T) {
	m := newMaster(t, func(c *Config) { c.MaxClients = 64 })
	living := func(i int) *peer { return newPeer(256 + i) }
	for i := range 64 {
		p := newPeer(i)
		if i < 32 {
			p = living(i)
		}
		p.subscribe(t, m, start, 1000)
	}
	for s := range 12 {
		for i := range 32 {
			say(t, m, at(time.Duration(s)*time.Second), living(i).delayReq(1))
		}
	}
	now := at(12 * time.Second)
	for i := range 32 {
		newPeer(1000+i).subscribe(t, m, now, 300)
	}
	for i := range 32 {
		p := living(i)
		if m.clients.index.find(Key{p.addr, p.id}) < 0 {
			t.Errorf("living client %d lost its row", i)
		}
	}
	if n := m.Stats().GaveWay; n != 32 {
		t.Errorf("%d gave way, want 32", n)
	}
	gone := 0
	for _, e := range m.TakeEvents(nil) {
		if e.Kind == EventGaveWay {
			gone++
		}
	}
	if gone == 0 {
		t.Error("nobody is told who gave way")
	}
	// All live now: a newcomer is denied.
	for i := range 32 {
		say(t, m, now, newPeer(1000+i).delayReq(1))
	}
	if got := say(t, m, at(13*time.Second), newPeer(2000).signaling(t, request(wire.TypeSync, -5, 300))); got[0].grants[0].Duration != 0 {
		t.Error("a newcomer took the row of a living client")
	}
}

// A client that takes Announce alone lives by its renewals.
func TestRenewalsAreLife(t *testing.T) {
	m := newMaster(t, func(c *Config) { c.MaxClients = 1 })
	p := newPeer(1)
	ask := func(now timescale.Mono, p *peer) uint32 {
		return say(t, m, now, p.signaling(t, request(wire.TypeAnnounce, -3, 300)))[0].grants[0].Duration
	}
	ask(start, p)
	ask(at(200*time.Second), p)
	if ask(at(400*time.Second), newPeer(300)) != 0 {
		t.Error("one who renews gave way")
	}
	run(t, m, at(400*time.Second), at(501*time.Second), func(timescale.Mono, answer) {})
	if ask(at(501*time.Second), newPeer(300)) == 0 {
		t.Error("no row after the grant has ended")
	}
}

// A budget that the silent have spent is a newcomer's.
func TestTheBudgetOfWhoShowsNoLifeIsANewcomers(t *testing.T) {
	m := newMaster(t, func(c *Config) { c.MaxRate = 200 })
	say(t, m, start, newPeer(1).signaling(t, request(wire.TypeSync, -7, 1000)))
	if g := say(t, m, at(time.Second), newPeer(300).signaling(t, request(wire.TypeSync, -7, 1000)))[0].grants[0]; g.Duration != 0 {
		t.Fatal("over the budget")
	}
	if g := say(t, m, at(20*time.Second), newPeer(300).signaling(t, request(wire.TypeSync, -7, 1000)))[0].grants[0]; g.Duration == 0 {
		t.Error("the budget is one's who shows no life")
	}
	if r := m.Stats().PromisedRate; r != 128 {
		t.Errorf("%v messages a second are promised", r)
	}
}

// What one forged request buys at worst, with a grant of 1,000 s at the fastest
// rates, towards a private address: CreditStart.
func TestAForgedRequestBuysNoMoreThanTheFirstCredit(t *testing.T) {
	for _, c := range []struct {
		name    string
		refusal Refusal
		most    int
	}{
		{"the address is silent", NotRefused, CreditStart},
		{"its port is closed", PortClosed, 1500},
		{"nobody has it", NoNeighbour, 1500},
	} {
		m := newMaster(t, nobodyTrusted)
		p := newPeer(1)
		d := p.signaling(t, request(wire.TypeSync, -7, 1000), request(wire.TypeAnnounce, -3, 1000), request(wire.TypeDelayResp, -7, 1000))
		bought := 0
		for _, a := range say(t, m, start, d) {
			bought += len(a.Payload)
		}
		told := c.refusal == NotRefused
		run(t, m, start, at(1000*time.Second), func(now timescale.Mono, a answer) {
			bought += len(a.Payload)
			if !told && now.Sub(start) > time.Second/8 {
				told = true
				m.Unreachable(now, p.addr, c.refusal)
			}
		})
		if bought > c.most {
			t.Errorf("%s: %d octets bought %d, want at most %d", c.name, len(d.Payload), bought, c.most)
		}
		if c.refusal != NotRefused && m.Stats().ClientsServed != 0 {
			t.Errorf("%s: the flows go on", c.name)
		}
	}
}

// Whoever has spent its credit is denied more, and told why; what it sends earns it
// more.
func TestTheDenialOfOneWithoutCreditSaysSo(t *testing.T) {
	m := newMaster(t, nobodyTrusted)
	p := newPeer(1)
	p.subscribe(t, m, start, 1000)
	run(t, m, start, at(20*time.Second), func(timescale.Mono, answer) {})
	d := p.signaling(t, request(wire.TypeSync, -5, 1000))
	say(t, m, at(20*time.Second), d)
	c := m.Snapshot(at(20 * time.Second)).Clients[0]
	if c.LastDenial != NoCredit || c.Paused == 0 {
		t.Errorf("the denial is %q after %d messages held back", c.LastDenial, c.Paused)
	}
	for i := range 60 {
		say(t, m, at(20*time.Second+time.Duration(i)*time.Second/32), p.delayReq(1))
	}
	if got := say(t, m, at(23*time.Second), p.signaling(t, request(wire.TypeSync, -5, 1000))); got[0].grants[0].Duration == 0 {
		t.Error("denied although it sends Delay_Reqs")
	}
}

// ICMP may be forged: it ends nothing of a client that sends Delay_Reqs, until the
// client is silent too.
func TestALivingClientIsNotEndedByICMP(t *testing.T) {
	m := newMaster(t, nil)
	p := newPeer(1)
	p.subscribe(t, m, start, 1000)
	for i := range 100 {
		now := at(time.Duration(i) * time.Second / 10)
		say(t, m, now, p.delayReq(1))
		m.Unreachable(now, p.addr, PortClosed)
		m.Unreachable(now, p.addr, NoNeighbour)
	}
	if m.Stats().ClientsServed != 1 {
		t.Fatal("ended")
	}
	if r := m.Snapshot(at(11 * time.Second)).Clients[0].Refusal; r != NotRefused && r != NoNeighbour {
		t.Errorf("refusal %v", r)
	}
	m.Unreachable(at(25*time.Second), p.addr, NoNeighbour)
	if m.Stats().ClientsServed != 1 || m.Snapshot(at(26 * time.Second)).Clients[0].Refusal != NoNeighbour {
		t.Error("a client that lived is evidence when its router is away, and keeps its grants")
	}
	m.Unreachable(at(27*time.Second), p.addr, PortClosed)
	if m.Stats().ClientsServed != 0 {
		t.Error("its program is gone, and the flows go on")
	}
}

// A client comes back from its address with another portIdentity: its predecessor's
// flows end within seconds. Two that live behind one NAT both go on.
func TestAPredecessorsFlowsEndWhenItIsSilent(t *testing.T) {
	for _, c := range []struct {
		name         string
		asked, lives bool // the older one has sent Delay_Reqs; goes on sending them
		clients      int
	}{
		{"a supervisor's switch-over", true, false, 1},
		{"one that never sent a Delay_Req", false, false, 1},
		{"two behind one NAT", true, true, 2},
	} {
		m := newMaster(t, nil)
		old, next := newPeer(1), newPeer(1)
		next.id.Port = 2
		old.subscribe(t, m, start, 1000)
		syncs := map[uint16]int{} // to both: sequenceIds tell them apart
		for i := range 20 * 32 {
			now := at(time.Duration(i) * time.Second / 32)
			if c.asked && i < 10*32 || c.lives {
				say(t, m, now, old.delayReq(1))
			}
			if i == 10*32 {
				next.subscribe(t, m, now, 1000)
			}
			if i > 10*32 {
				say(t, m, now, next.delayReq(1))
			}
			run(t, m, now, now.Add(time.Second/32), func(_ timescale.Mono, a answer) {
				if a.MessageType == wire.TypeSync && i >= 15*32 {
					syncs[a.SequenceID]++
				}
			})
		}
		if n := m.Stats().ClientsServed; n != c.clients {
			t.Errorf("%s: %d clients at the address, want %d", c.name, n, c.clients)
		}
		if n := len(syncs); n < c.clients*155 || n > c.clients*165 {
			t.Errorf("%s: %d Syncs in five seconds, want %d", c.name, n, c.clients*160)
		}
	}
}

// The siblings behind a NAT all go on after our restart, though none was heard
// meanwhile.
func TestSiblingsGoOnAfterARestart(t *testing.T) {
	m := newMaster(t, nobodyTrusted)
	for i := range 3 {
		p := oneAddress(i)
		p.subscribe(t, m, at(time.Duration(i)*time.Second), 1000)
		say(t, m, at(5*time.Second), p.delayReq(1))
	}
	next, _ := restarted(t, m, at(5*time.Second), at(9*time.Second), nobodyTrusted)
	run(t, next, at(9*time.Second), at(30*time.Second), func(timescale.Mono, answer) {})
	if n := next.Stats().ClientsServed; n != 3 {
		t.Errorf("%d of 3 clients are left", n)
	}
}

// What the system refuses to send is not sent: neither counted, nor an Announce
// that ends a gap.
func TestWhatDoesNotLeaveIsNotSent(t *testing.T) {
	m := newMaster(t, nil)
	p := newPeer(1)
	p.subscribe(t, m, start, 300)
	var out Outbox
	tick := func(from, to timescale.Mono, err error) {
		for {
			next, _ := m.Next()
			if !next.Before(to) {
				return
			}
			m.Tick(next, &out)
			for i := range out.Messages() {
				if err != nil {
					m.NotSent(next, &out.Messages()[i], err)
				}
			}
			out.Reset()
		}
	}
	run(t, m, start, at(5*time.Second), func(timescale.Mono, answer) {})
	before := m.Stats()
	tick(at(5*time.Second), at(8*time.Second), errNoRoute)
	s := m.Stats()
	if s.Sent != before.Sent || s.Unsent[wire.TypeSync] < 90 || s.Unsent[wire.TypeAnnounce] < 23 {
		t.Errorf("sent %v, then %v; unsent %v", before.Sent, s.Sent, s.Unsent)
	}
	c := m.Snapshot(at(8 * time.Second)).Clients[0]
	if !c.Failing || c.SendError != errNoRoute || c.Unsent == 0 || c.Grants[FlowAnnounce].Sent > 41 {
		t.Errorf("the client's evidence: failing %v, %v, %d unsent, %d Announces", c.Failing, c.SendError, c.Unsent, c.Grants[FlowAnnounce].Sent)
	}
	tick(at(8*time.Second), at(20*time.Second), nil)
	s = m.Stats()
	if g := s.AnnounceGap; g.Max < 3*time.Second || g.Max > 3300*time.Millisecond || g.Long != 1 {
		t.Errorf("three seconds without an Announce are a gap of %+v", g)
	}
	if m.Snapshot(at(20 * time.Second)).Clients[0].Failing {
		t.Error("failing after all is well again")
	}
}

// Words of the kernel that an address does not answer ARP: the first ones count a
// message each, the later ones all that was sent since. Of a client that is heard again
// nothing more is counted.
func TestWhatIsSentToADeadAddressIsCountedAsNotDelivered(t *testing.T) {
	m := newMaster(t, nil)
	p, other := newPeer(1), newPeer(2)
	p.subscribe(t, m, start, 300)
	other.subscribe(t, m, start, 300)
	say(t, m, start, p.delayReq(1))
	pass := func(from, to time.Duration) { run(t, m, at(from), at(to), func(timescale.Mono, answer) {}) }
	undelivered := func() uint64 { return m.Snapshot(start).Clients[0].Undelivered }
	pass(0, 3*time.Second)
	for range 90 {
		m.Undelivered(at(3*time.Second), p.addr, wire.TypeSync)
	}
	if n := undelivered(); n != 90 {
		t.Errorf("%d of 90 messages that the kernel tells of are counted", n)
	}
	pass(3*time.Second, 6*time.Second)
	for range 90 { // 24 Announces and 96 Syncs
		m.Undelivered(at(6*time.Second), p.addr, wire.TypeSync)
	}
	if n := undelivered(); n != 90+120 {
		t.Errorf("after three seconds more %d are counted, want 210", n)
	}
	say(t, m, at(7*time.Second), p.delayReq(1))
	pass(6*time.Second, 8*time.Second)
	m.Undelivered(at(8*time.Second), p.addr, wire.TypeSync)
	if n := undelivered(); n != 90+120+1 {
		t.Errorf("what a client got that was heard is counted: %d", n)
	}
	m.Undelivered(at(8*time.Second), newPeer(9).addr, wire.TypeSync) // nobody's
	s := m.Stats()
	if n := s.Undelivered[wire.TypeSync] + s.Undelivered[wire.TypeAnnounce] + s.Undelivered[wire.TypeDelayResp]; n != 211 || m.Snapshot(start).Clients[1].Undelivered != 0 {
		t.Errorf("in all %d; of another client %d", n, m.Snapshot(start).Clients[1].Undelivered)
	}
}

type testError string

func (e testError) Error() string { return string(e) }

const errNoRoute = testError("no route")

// Whom the operator trusts is served whatever it sends: a client of Sync alone.
func TestATrustedClientOfSyncAloneIsServed(t *testing.T) {
	for _, trusted := range []bool{false, true} {
		m := newMaster(t, func(c *Config) {
			nobodyTrusted(c)
			if trusted {
				c.Trusted = []netip.Prefix{netip.PrefixFrom(newPeer(1).addr, 32)}
			}
		})
		say(t, m, start, newPeer(1).signaling(t, request(wire.TypeSync, -5, 300)))
		n := 0
		run(t, m, start, at(300*time.Second), func(timescale.Mono, answer) { n++ })
		if all := n > 9500; all != trusted {
			t.Errorf("trusted %v: %d Syncs of 9,600", trusted, n)
		}
	}
}
