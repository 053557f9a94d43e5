package master

import (
	"net/netip"
	"testing"
	"time"

	"bragi/gnss/timescale"
	"bragi/master/wire"
)

// forger plays the owner of forged identities: it sends and sees nothing.
type forger struct {
	m     *Master
	peers []*peer
}

func (f forger) each(now timescale.Mono, every int, say func(p *peer) Datagram) {
	var out Outbox
	for i, p := range f.peers {
		if i%every == 0 {
			f.m.Receive(now, say(p), &out)
			out.Reset()
		}
	}
}

// everywhere are forged identities at addresses of very many prefixes.
func everywhere(i int) *peer {
	p := oneAddress(i)
	p.addr = netip.AddrFrom4([4]byte{10, byte(100 + i>>8), byte(i), 9})
	return p
}

// onePrefix are those at the addresses of one prefix.
func onePrefix(i int) *peer {
	p := oneAddress(i)
	p.addr = newPeer(i % 256).addr
	return p
}

func (m *Master) row(p *peer) *client {
	if row := m.clients.index.find(Key{p.addr, p.id}); row >= 0 {
		return &m.clients.rows[row]
	}
	return nil
}

// 8,000 forged identities, each with a Delay_Req every ten seconds and a renewal at
// once: life for whoever looks at messages alone. They go on, and 100 new ones come
// each second. Newcomers of other prefixes are granted at their first request and
// keep their rows, as RPDs of 16 Delay_Reqs a second.
func TestForgedSignsOfLifeHoldNoTable(t *testing.T) {
	for name, forged := range map[string]func(int) *peer{"one address": oneAddress, "one prefix": onePrefix, "everywhere": everywhere} {
		m := newMaster(t, nobodyTrusted)
		f := forger{m: m}
		for i := range 8000 {
			f.peers = append(f.peers, forged(i))
		}
		ask := func(p *peer) Datagram { return p.signaling(t, request(wire.TypeDelayResp, 4, 1000)) }
		alive := func(p *peer) Datagram { return p.delayReq(1) }
		flood(t, m, 8000, 1600*time.Millisecond, forged)
		f.each(at(1700*time.Millisecond), 1, ask)
		f.each(at(1800*time.Millisecond), 1, ask)
		f.each(at(1900*time.Millisecond), 1, alive)
		var newcomers []*peer
		next := 8000
		for tenth := 20; tenth < 600; tenth++ {
			now := at(time.Duration(tenth) * time.Second / 10)
			for range 10 {
				f.peers = append(f.peers, forged(next))
				f.m.Receive(now, ask(f.peers[next]), &Outbox{})
				next++
			}
			if tenth%50 == 0 {
				f.each(now, 1, alive)
			}
			if tenth >= 100 && tenth%20 == 0 && len(newcomers) < 20 {
				p := newPeer(0)
				p.addr, p.id.Port = netip.AddrFrom4([4]byte{172, 16, byte(tenth), 1}), uint16(tenth)
				p.subscribe(t, m, now, 300)
				newcomers = append(newcomers, p)
			}
			for _, p := range newcomers {
				for i := range 2 {
					say(t, m, now.Add(time.Duration(i)*time.Second/20), p.delayReq(1))
				}
			}
			run(t, m, now, now.Add(time.Second/10), func(timescale.Mono, answer) {})
		}
		for i, p := range newcomers {
			if c := m.row(p); c == nil || c.standing(at(time.Minute)) != Busy || c.grants[FlowSync].sent < 32*9 {
				t.Errorf("%s: newcomer %d lost its row: %+v", name, i, c)
			}
		}
	}
}

// What it costs to hold the whole table in spite of all: eight Delay_Reqs a second for
// each row, from two prefixes at least. Those who were there before stay.
func TestTheWholeTableCostsEightDelayReqsASecondForEachRow(t *testing.T) {
	for _, c := range []struct {
		interval time.Duration
		held     bool
	}{{time.Second / 8, true}, {time.Second / 6, false}} {
		m := newMaster(t, func(c *Config) { nobodyTrusted(c); c.MaxClients = 64 })
		f := forger{m: m}
		for i := range 64 {
			f.peers = append(f.peers, everywhere(i))
			f.peers[i].subscribe(t, m, start, 1000)
		}
		now := start
		for ; now.Sub(start) < 20*time.Second; now = now.Add(c.interval) {
			f.each(now, 1, func(p *peer) Datagram { return p.delayReq(1) })
		}
		got := to(newPeer(1), say(t, m, now, newPeer(1).signaling(t, request(wire.TypeAnnounce, -3, 300))))
		if held := got[0].grants[0].Duration == 0; held != c.held {
			t.Errorf("a Delay_Req each %v holds a row: %v", c.interval, held)
		}
	}
}

// renews lets peers renew their grants for an hour while newcomers press, and returns
// how many have kept their rows. When they renew is a question to them, asked when
// they have been granted something.
func renews(t *testing.T, clients int, sees bool) (kept int) {
	m := newMaster(t, func(c *Config) { nobodyTrusted(c); c.MaxClients = clients })
	var peers []*peer
	renewAt := map[*peer]timescale.Mono{}
	ask := func(now timescale.Mono, p *peer) {
		granted := uint32(300)
		for _, a := range say(t, m, now, p.signaling(t, request(wire.TypeAnnounce, 0, 300), request(wire.TypeDelayResp, 0, 300))) {
			if len(a.grants) == 1 && a.grants[0].Duration > 0 && sees {
				granted = min(granted, a.grants[0].Duration)
			}
		}
		// As ptp4l does. Who sees no grants has the best guess, once they are drawn.
		wait := time.Duration(granted) * time.Second * 3 / 4
		if !sees && now.Sub(start) > 500*time.Second {
			wait = 75 * time.Second
		}
		renewAt[p] = now.Add(wait)
	}
	for i := range clients {
		peers = append(peers, everywhere(i))
		ask(start, peers[i])
	}
	for s := range 3600 {
		now := at(time.Duration(s) * time.Second)
		for _, p := range peers {
			say(t, m, now, p.delayReq(1))
			if !now.Before(renewAt[p]) {
				ask(now, p)
			}
		}
		if s > 500 {
			p := newPeer(s)
			p.addr = netip.AddrFrom4([4]byte{172, 16, byte(s), byte(s >> 8)})
			say(t, m, now, p.signaling(t, request(wire.TypeAnnounce, 0, 10)))
		}
		run(t, m, now, now.Add(time.Second), func(timescale.Mono, answer) {})
	}
	for _, p := range peers {
		if c := m.row(p); c != nil && c.standing(at(time.Hour)) == Proven {
			kept++
		}
	}
	return kept
}

// Slow clients that renew their grants at their time keep their rows for an hour in
// a table that is pressed all the time; a forger that was as patient before, and that
// cannot see for how long it is granted, loses most of them.
func TestWhoSeesItsGrantsKeepsItsRow(t *testing.T) {
	if n := renews(t, 50, true); n != 50 {
		t.Errorf("%d of 50 clients kept their rows", n)
	}
	if n := renews(t, 50, false); n > 20 {
		t.Errorf("%d of 50 forged clients kept their rows", n)
	}
}

// A cable client is granted the time that it asks for, however pressed the table is.
func TestAPressedTableGrantsCableClientsWhatTheyAskFor(t *testing.T) {
	m := newMaster(t, func(c *Config) { nobodyTrusted(c); c.MaxClients = 2 })
	p := newPeer(1)
	newPeer(300).subscribe(t, m, start, 1000)
	p.subscribe(t, m, start, 300)
	for i := range 1000 * 16 {
		now := at(time.Duration(i) * time.Second / 16)
		say(t, m, now, p.delayReq(1))
		if i%(200*16) == 0 && i > 0 {
			for _, a := range say(t, m, now, p.signaling(t, request(wire.TypeAnnounce, -3, 300), request(wire.TypeSync, -5, 300), request(wire.TypeDelayResp, -4, 300))) {
				if a.grants[0].Duration != 300 {
					t.Fatalf("granted %d s of 300", a.grants[0].Duration)
				}
			}
		}
		if i%16 == 0 {
			say(t, m, now, newPeer(1000+i).signaling(t, request(wire.TypeAnnounce, 0, 300)))
		}
	}
	if m.row(p) == nil || !m.pressed(at(1000*time.Second)) {
		t.Error("the client is gone, or nobody pressed")
	}
}

// A client of the default profile, with one Delay_Req a second and grants of 300 s,
// keeps its row while forgers of a third more identities than the table has rows ask
// anew every nine seconds and send a Delay_Req every five. So does one that comes in
// the middle of it.
func TestForgersThatAreSlowerTakeNoRowOfAClientOfOneDelayReqASecond(t *testing.T) {
	for name, forged := range map[string]func(int) *peer{
		"fifty prefixes": func(i int) *peer {
			p := oneAddress(i)
			p.addr = netip.AddrFrom4([4]byte{10, 103, byte(i % 50), byte(1 + i/50)})
			return p
		},
		"everywhere": everywhere,
	} {
		m := newMaster(t, nobodyTrusted)
		var forgers, clients []*peer
		for i := range 1300 {
			forgers = append(forgers, forged(i))
		}
		for ms := 0; ms < 60_000; ms += 10 {
			now := at(time.Duration(ms) * time.Millisecond)
			if ms == 0 || ms == 30_000 {
				p := newPeer(0)
				p.addr, p.id.Port = netip.AddrFrom4([4]byte{172, 16, byte(len(clients)), 1}), uint16(7+len(clients))
				say(t, m, now, p.signaling(t, request(wire.TypeAnnounce, 1, 300), request(wire.TypeSync, 0, 300), request(wire.TypeDelayResp, 0, 300)))
				clients = append(clients, p)
			}
			for _, p := range clients {
				if ms%1000 == 500 {
					say(t, m, now, p.delayReq(1))
				}
			}
			if ms == 5990 { // all at once: none of them is old enough to give way
				for _, p := range forgers {
					m.Receive(now, p.signaling(t, request(wire.TypeAnnounce, 0, 1000), request(wire.TypeDelayResp, 0, 1000)), &Outbox{})
				}
			}
			if ms >= 6000 {
				for i, p := range forgers {
					if (ms/10+i)%900 == 0 {
						m.Receive(now, p.signaling(t, request(wire.TypeAnnounce, 0, 1000), request(wire.TypeDelayResp, 0, 1000)), &Outbox{})
					}
					if (ms/10+7*i)%500 == 0 {
						m.Receive(now, p.delayReq(1), &Outbox{})
					}
				}
			}
			run(t, m, now, now.Add(10*time.Millisecond), func(timescale.Mono, answer) {})
			for i, p := range clients {
				if m.row(p) == nil {
					t.Fatalf("%s: client %d has lost its row after %d ms", name, i, ms)
				}
			}
		}
	}
}

// A client that lives and has to give way is told by CANCEL, so that it asks again;
// one that shows no life is not.
func TestALivingClientThatGivesWayIsCancelled(t *testing.T) {
	for _, lives := range []bool{true, false} {
		m := newMaster(t, func(c *Config) { nobodyTrusted(c); c.MaxClients = 1 })
		p, newcomer := newPeer(1), newPeer(300)
		say(t, m, start, p.signaling(t, request(wire.TypeAnnounce, 1, 300), request(wire.TypeSync, 0, 300), request(wire.TypeDelayResp, 0, 300)))
		for s := range 30 {
			if lives {
				say(t, m, at(time.Duration(s)*time.Second), p.delayReq(1))
			}
			run(t, m, at(time.Duration(s)*time.Second), at(time.Duration(s+1)*time.Second), func(timescale.Mono, answer) {})
		}
		cancels := 0
		for _, a := range say(t, m, at(30*time.Second), newcomer.signaling(t, request(wire.TypeAnnounce, 0, 300))) {
			if a.Dst == p.addr {
				cancels++
			}
		}
		if m.row(newcomer) == nil || m.row(p) != nil || (cancels == 3) != lives || !lives && cancels > 0 {
			t.Errorf("lives %t: %d CANCELs, the newcomer has a row: %t", lives, cancels, m.row(newcomer) != nil)
		}
	}
}
