package master

import (
	"encoding/binary"
	"math/rand/v2"
	"net/netip"
	"runtime"
	"testing"
	"time"

	"bragi/gnss/timescale"
	"bragi/master/wire"
)

func untrusting(c *Config) {
	c.Trusted = []netip.Prefix{netip.MustParsePrefix("192.168.0.0/16")}
	c.MaxClients = 100
}

// A blind sender asks in the name of an address that is not trusted and never
// sends a Delay_Req: what it can aim at that address is CreditStart, or five
// times its own bytes, whichever is more, however it asks.
func TestABlindSenderCanAimLittleAtAnAddress(t *testing.T) {
	cases := []struct {
		name string
		ask  func(m *Master, i int) []Datagram
	}{
		{"asks once", func(_ *Master, i int) []Datagram {
			if i > 0 {
				return nil
			}
			return []Datagram{newPeer(1).signaling(t, request(wire.TypeSync, -7, 1000), request(wire.TypeAnnounce, -3, 1000))}
		}},
		{"cancels and asks again each second", func(_ *Master, i int) []Datagram {
			p := newPeer(1)
			return []Datagram{p.signaling(t, wire.UnicastCancel{MessageType: wire.TypeSync}), p.signaling(t, request(wire.TypeSync, -7, 1000))}
		}},
		{"a hundred identities", func(_ *Master, i int) []Datagram {
			p := newPeer(1)
			p.id.Port = uint16(i)
			return []Datagram{p.signaling(t, request(wire.TypeSync, -7, 1000), request(wire.TypeAnnounce, -3, 1000))}
		}},
		{"a Signaling full of TLVs", func(_ *Master, i int) []Datagram {
			var tlvs []interface{ Append([]byte) []byte }
			for range maxTLVs {
				tlvs = append(tlvs, request(wire.TypeSync, -7, 1000))
			}
			return []Datagram{newPeer(1).signaling(t, tlvs...)}
		}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			m := newMaster(t, untrusting)
			var in, back int
			count := func(a answer) { back += len(a.Payload) }
			for i := range 100 {
				now := at(time.Duration(i) * time.Second)
				for _, d := range c.ask(m, i) {
					in += len(d.Payload)
					for _, a := range say(t, m, now, d) {
						count(a)
					}
				}
				run(t, m, now, now.Add(time.Second), func(_ timescale.Mono, a answer) { count(a) })
			}
			if limit := max(CreditStart, CreditFactor*in); back > limit+wire.SignalingLen*2 {
				t.Errorf("%d bytes in bought %d, the rule gives %d", in, back, limit)
			}
			if back < CreditStart-200 || m.Stats().Paused == 0 {
				t.Errorf("only %d bytes were sent, %d messages held back", back, m.Stats().Paused)
			}
		})
	}
}

// A cBR8 and an RPD at addresses that are not trusted never run out: they send
// enough.
func TestCableClientsNeverRunOutOfCredit(t *testing.T) {
	for _, c := range []struct {
		name     string
		delayLog int8
	}{{"cBR8", -5}, {"RPD", -4}} {
		m, p := newMaster(t, untrusting), newPeer(1)
		say(t, m, start, p.signaling(t, request(wire.TypeAnnounce, -3, 300), request(wire.TypeSync, -5, 300), request(wire.TypeDelayResp, c.delayLog, 300)))
		step := time.Duration(intervalNs(c.delayLog))
		n := 0
		for now := start; now.Sub(start) < 2*time.Minute; now = now.Add(step) {
			n += len(say(t, m, now, p.delayReq(1)))
			run(t, m, now, now.Add(step), func(timescale.Mono, answer) { n++ })
		}
		want := int(120 * (40 + 1/step.Seconds()))
		if n < want-2 || m.Stats().Paused != 0 {
			t.Errorf("%s: %d messages in 2 minutes, want %d; %d held back", c.name, n, want, m.Stats().Paused)
		}
	}
}

// The table of accounts is bounded: twice as many as clients are remembered. A
// newcomer has the place of the one who has been away for longest, so that nobody
// shuts newcomers out by asking in the name of many.
func TestTheCreditTableIsBounded(t *testing.T) {
	m := newMaster(t, func(c *Config) { untrusting(c); c.MaxClients = 2 })
	now := start
	ask := func(n int) uint32 {
		granted := say(t, m, now, newPeer(n).signaling(t, request(wire.TypeSync, -7, 10)))[0].grants[0].Duration
		run(t, m, now, now.Add(15*time.Second), func(timescale.Mono, answer) {})
		now = now.Add(15 * time.Second)
		return granted
	}
	sent := func(n int) uint64 {
		if s := m.sources.find(newPeer(n).addr); s != nil {
			return s.sent
		}
		return 0
	}
	for i := range 4 {
		if ask(i) == 0 || m.Stats().ClientsServed != 0 {
			t.Fatal("denied, or a grant of 10 s is left")
		}
	}
	if sent(0) < CreditStart/2 {
		t.Errorf("what was sent to one who has gone is forgotten: %d bytes are known", sent(0))
	}
	for i := 4; i < 100; i++ {
		if ask(i) == 0 {
			t.Fatalf("newcomer %d is denied", i)
		}
	}
	if len(m.sources.rows) != 4 || sent(99) == 0 || sent(0) != 0 {
		t.Errorf("%d accounts, of the last %d bytes, of the first %d", len(m.sources.rows), sent(99), sent(0))
	}
}

// A spoofer asks 10,000 times a second in the name of an address. The master
// answers at the limiter's rate and one in eight beyond; a client there, whose
// identity the spoofer does not know, renews as if nothing was; a newcomer there
// gets in after a few tries; at another address nobody notices.
func TestSignalingIsLimitedAndLeaks(t *testing.T) {
	m := newMaster(t, func(c *Config) { c.MaxClients = 8 })
	served, newcomer, spoof := newPeer(1), newPeer(1), newPeer(1)
	newcomer.id.Port, spoof.id.Port = 2, 99
	other := newPeer(2)
	for n := 3; m.limiter.bucket(other.addr) == m.limiter.bucket(spoof.addr); n++ {
		other = newPeer(n)
	}
	sync := request(wire.TypeSync, -5, 300)
	served.subscribe(t, m, start, 300)
	answered, tries := 0, 0
	for i := range 100_000 { // ten seconds
		now := at(time.Duration(i) * 100 * time.Microsecond)
		if len(say(t, m, now, spoof.signaling(t, request(wire.TypeSync, -20, 300)))) > 0 {
			answered++
		}
		if i%10_000 != 5000 {
			continue
		}
		served.subscribe(t, m, now, 300)
		other.subscribe(t, m, now, 300)
		for range 3 { // as a client's three requests
			if m.clients.index.find(Key{newcomer.addr, newcomer.id}) < 0 {
				tries++
				say(t, m, now, newcomer.signaling(t, sync))
			}
		}
	}
	if answered > 100_000/leakOneIn*11/10+200 || answered < 100_000/leakOneIn*9/10 {
		t.Errorf("%d of 100,000 answered", answered)
	}
	if m.clients.index.find(Key{newcomer.addr, newcomer.id}) < 0 {
		t.Errorf("a newcomer did not get in with %d tries", tries)
	}
	if received(m, RateLimited) < 80_000 {
		t.Error("not counted")
	}
}

// A flood of 100,000 a second of random, cut and spoofed datagrams: 200
// clients keep grants and rates, tables stay what they are.
func TestAFloodTakesNoGrantFromClients(t *testing.T) {
	const served, seconds = 200, 2
	m := newMaster(t, func(c *Config) { c.MaxClients = served; c.Open = false })
	for i := range served {
		newPeer(i).subscribe(t, m, start, 300)
	}
	r := rand.New(rand.NewPCG(7, 7))
	good := newPeer(1).signaling(t, request(wire.TypeSync, -7, 300), request(wire.TypeAnnounce, -3, 300)).Payload
	junk := make([]byte, 128)
	var out Outbox
	syncs, events := 0, make([]Event, 0, maxEvents)
	heap := func() uint64 {
		var s runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&s)
		return s.HeapAlloc
	}
	before := heap()
	for i := range seconds * 100_000 {
		now := at(time.Duration(i) * 10 * time.Microsecond)
		for {
			next, _ := m.Next()
			if now.Before(next) {
				break
			}
			m.Tick(now, &out)
		}
		for _, msg := range out.Messages() {
			if msg.FillOrigin {
				syncs++
			}
		}
		out.Reset()
		d := Datagram{Dst: us, Event: r.IntN(2) == 0, HasStamp: true, Src: netip.AddrFrom4([4]byte{10, byte(r.IntN(256)), byte(r.IntN(256)), byte(r.IntN(256))})}
		n := copy(junk, good)
		switch r.IntN(4) {
		case 0:
			binary.NativeEndian.PutUint64(junk, r.Uint64())
		case 1:
			n = r.IntN(n)
		case 2:
			junk[r.IntN(n)] ^= byte(r.IntN(256))
		}
		d.Payload = junk[:n]
		m.Receive(now, d, &out)
		out.Reset()
		if i%10_000 == 0 {
			events = m.TakeEvents(events[:0])
		}
	}
	if after := heap(); after > before+100_000 {
		t.Errorf("the heap grew from %d to %d bytes", before, after)
	}
	if want := served * 32 * seconds; syncs < want-served || syncs > want+served {
		t.Errorf("%d Syncs, want %d", syncs, want)
	}
	s := m.Snapshot(at(seconds * time.Second))
	if len(s.Clients) != served || len(s.Suspects) > maxSuspects || s.Stats.SuspectsLost == 0 || s.Stats.MissedSlots != 0 {
		t.Errorf("%d clients, %d suspects, %+v", len(s.Clients), len(s.Suspects), s.Stats.SuspectsLost)
	}
	for _, c := range s.Clients {
		if !c.Grants[FlowSync].Live || c.Grants[FlowSync].LogInterval != -5 || c.Identity.Port != 1 {
			t.Fatalf("%+v", c)
		}
	}
	var total uint64
	for _, byReason := range s.Stats.Received {
		for _, n := range byReason {
			total += n[0] + n[1]
		}
	}
	if want := uint64(seconds*100_000 + served); total != want {
		t.Errorf("%d datagrams counted, %d came", total, want)
	}
}

// Suspects: the one not seen for longest makes room, at a bounded pace.
func TestTheOldestSuspectMakesRoom(t *testing.T) {
	m := newMaster(t, nil)
	for i := range 2 * maxSuspects {
		m.Receive(at(time.Duration(i)*time.Second), Datagram{Src: newPeer(i).addr, Dst: us, Payload: []byte{1}}, &Outbox{})
	}
	s := m.Snapshot(start).Suspects
	if len(s) != maxSuspects {
		t.Fatalf("%d rows", len(s))
	}
	for _, x := range s {
		if x.First.Before(at(maxSuspects * time.Second)) {
			t.Errorf("%v of %v is left", x.Address, x.First.Sub(start))
		}
		if m.suspects.index.find(x.Address) < 0 {
			t.Errorf("%v is not found", x.Address)
		}
	}
}

func TestDrainCancelsEveryClient(t *testing.T) {
	m := newMaster(t, nil)
	obeys, deaf := newPeer(1), newPeer(2)
	obeys.subscribe(t, m, start, 300)
	deaf.subscribe(t, m, start, 300)
	m.Drain(at(time.Second))
	if g := say(t, m, at(time.Second), newPeer(3).signaling(t, request(wire.TypeSync, -5, 300)))[0].grants[0]; g.Duration != 0 || g.RenewalInvited {
		t.Errorf("granted %+v while draining", g)
	}
	cancels := map[netip.Addr][]wire.MessageType{}
	var lastSync [2]timescale.Mono
	run(t, m, at(time.Second), at(10*time.Second), func(now timescale.Mono, a answer) {
		cancels[a.Dst] = append(cancels[a.Dst], a.cancel...)
		for _, typ := range a.cancel {
			if a.Dst == obeys.addr {
				say(t, m, now, obeys.signaling(t, wire.UnicastCancelAck{MessageType: typ}))
			}
		}
		if a.MessageType == wire.TypeSync {
			i := 0
			if a.Dst == deaf.addr {
				i = 1
			}
			lastSync[i] = now
		}
	})
	if n := len(cancels[obeys.addr]); n != 3 {
		t.Errorf("%d CANCELs to one who acknowledges: %v", n, cancels[obeys.addr])
	}
	if n := len(cancels[deaf.addr]); n != 3*cancelTries {
		t.Errorf("%d CANCELs to one who does not, want %d", n, 3*cancelTries)
	}
	if d := lastSync[0].Sub(at(time.Second)); d > sweepEvery*2 {
		t.Errorf("Sync for %v after the first CANCEL was acknowledged", d)
	}
	if d := lastSync[1].Sub(at(time.Second)); d < 2*time.Second || d > 4*time.Second {
		t.Errorf("Sync to the deaf one for %v", d)
	}
	if !m.Drained() {
		t.Error("not drained")
	}
	m.Resume()
	newPeer(3).subscribe(t, m, at(11*time.Second), 300)
}

// An ACKNOWLEDGE_CANCEL that nobody asked for ends nothing.
func TestAnUnaskedAcknowledgeEndsNothing(t *testing.T) {
	m, p := newMaster(t, nil), newPeer(1)
	p.subscribe(t, m, start, 300)
	say(t, m, start, p.signaling(t, wire.UnicastCancelAck{MessageType: wire.TypeSync}))
	if !m.Snapshot(start).Clients[0].Grants[FlowSync].Live {
		t.Error("the flow ended")
	}
}

// A thousand clients come and go in any order, and the index finds each.
func TestTheIndexFindsWhoStays(t *testing.T) {
	const n = 512
	tab := newClients(n)
	r := rand.New(rand.NewPCG(3, 4))
	in := map[Key]int32{}
	keys := make([]Key, 2*n)
	for i := range keys {
		p := newPeer(i)
		keys[i] = Key{p.addr, p.id}
	}
	for range 50_000 {
		k := keys[r.IntN(len(keys))]
		row, have := in[k]
		if got := tab.index.find(k); have && got != row || !have && got >= 0 {
			t.Fatalf("row %d, want %d %v", got, row, have)
		}
		switch {
		case have:
			tab.remove(row)
			delete(in, k)
		case !tab.full():
			in[k] = tab.add(k)
		case len(in) != n:
			t.Fatalf("full with %d", len(in))
		}
	}
	if len(tab.used) != len(in) {
		t.Errorf("%d in use, %d known", len(tab.used), len(in))
	}
}

func TestAConfigThatCannotBeIsRefused(t *testing.T) {
	good := Config{Identity: ourID}
	for name, change := range map[string]func(*Config){
		"no identity":        func(c *Config) { c.Identity = wire.ClockIdentity{} },
		"all ones":           func(c *Config) { c.Identity = wire.AllClocks },
		"domain 128":         func(c *Config) { c.Domain = 128 },
		"minor version 2":    func(c *Config) { c.MinorVersion = 2 },
		"too many clients":   func(c *Config) { c.MaxClients = maxClients + 1 },
		"minus one client":   func(c *Config) { c.MaxClients = -1 },
		"min above max":      func(c *Config) { c.MinDuration, c.MaxDuration = 100, 50 },
		"interval 2^-8":      func(c *Config) { c.Limits[FlowSync] = Limits{-8, 0} },
		"interval 2^5":       func(c *Config) { c.Limits[FlowSync] = Limits{0, 5} },
		"limits upside down": func(c *Config) { c.Limits[FlowAnnounce] = Limits{2, 1} },
		"negative budget":    func(c *Config) { c.MaxRate = -1 },
	} {
		c := good
		change(&c)
		if _, err := New(c); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
	if _, err := New(good); err != nil {
		t.Error(err)
	}
}

// `drain`, and its end at once, as a hand slips. Whoever got a CANCEL is sent away to
// the end and granted nothing until it must have noticed; the others are left alone.
func TestADrainThatEndsAtOnceLetsWhoWasCancelledComeBackLater(t *testing.T) {
	m := newMaster(t, func(c *Config) { c.MaxClients = 64 })
	for i := range 64 {
		newPeer(i).subscribe(t, m, start, 300)
	}
	m.Drain(at(time.Second))
	cancelled := map[netip.Addr]bool{}
	var out Outbox
	m.Tick(at(time.Second), &out)
	for _, a := range answers(t, &out) {
		if len(a.cancel) > 0 {
			cancelled[a.Dst] = true
		}
	}
	out.Reset()
	m.Resume()
	if n := len(cancelled); n == 0 || n == 64 {
		t.Fatalf("%d of 64 got a CANCEL", n)
	}
	granted := map[netip.Addr]timescale.Mono{}
	for s := range 80 { // each acknowledges and asks again, each tenth of a second
		now := at(time.Second + time.Duration(s)*time.Second/10)
		for i := range 64 {
			p := newPeer(i)
			p.seq = uint16(s)
			if !cancelled[p.addr] || !granted[p.addr].IsZero() {
				continue
			}
			if s == 1 {
				say(t, m, now, p.signaling(t, wire.UnicastCancelAck{MessageType: wire.TypeAnnounce}, wire.UnicastCancelAck{MessageType: wire.TypeSync},
					wire.UnicastCancelAck{MessageType: wire.TypeDelayResp}))
			}
			for _, a := range say(t, m, now, p.signaling(t, request(wire.TypeAnnounce, -3, 300))) {
				if len(a.grants) == 1 && a.grants[0].Duration > 0 {
					granted[a.Dst] = now
				}
			}
		}
		run(t, m, now, now.Add(time.Second/10), func(_ timescale.Mono, a answer) {
			for range a.cancel {
				cancelled[a.Dst] = true
			}
		})
	}
	for a := range cancelled {
		if granted[a].IsZero() || granted[a].Sub(at(time.Second)) < 1500*time.Millisecond {
			t.Errorf("%v is granted Announce %v after its CANCEL", a, granted[a].Sub(at(time.Second)))
		}
	}
	if n := m.Stats().ClientsServed; n != 64 {
		t.Errorf("%d of 64 clients are served in the end", n)
	}
	for i := range 64 {
		p := newPeer(i)
		if c := m.clients.rows[m.clients.index.find(Key{p.addr, p.id})]; !cancelled[p.addr] && !c.grants[FlowSync].live {
			t.Errorf("%v got no CANCEL and lost its Sync", p.addr)
		}
	}
}

// 4,000 pairs of REQUEST and CANCEL a second, forged from one address, from one
// prefix, or from everywhere: what is told of them is bounded, and what is not told is
// counted. Refusals that come in turn are told once a minute each.
func TestWhatASenderMakesHappenIsToldAtABoundedRate(t *testing.T) {
	for _, c := range []struct {
		name  string
		src   func(i int) netip.Addr
		turns bool
		most  int
	}{
		{"one address", func(int) netip.Addr { return newPeer(1).addr }, false, prefixBurst + 10},
		{"one prefix", func(i int) netip.Addr { return newPeer(i % 256).addr }, false, prefixBurst + 10},
		{"everywhere", func(i int) netip.Addr { return netip.AddrFrom4([4]byte{10, byte(i >> 8), byte(i), 9}) }, false, allEventBurst + 100},
		{"two refusals in turn", func(int) netip.Addr { return newPeer(1).addr }, true, 4},
	} {
		m := newMaster(t, func(c *Config) { c.MaxClients = 1000 })
		told, lost := 0, uint64(0)
		for i := range 8000 {
			p := newPeer(1)
			p.addr = c.src(i)
			now := at(time.Duration(i) * time.Second / 4000)
			d := p.signaling(t, request(wire.TypeAnnounce, 0, 1000), wire.UnicastCancel{MessageType: wire.TypeAnnounce})
			if c.turns {
				d = p.signaling(t, request(wire.TypeAnnounce, 0, 1000))
				d.Payload[4] = byte(1 - i%2) // the domain, or else the target is wrong
				d.Payload[34] = 9
			}
			say(t, m, now, d)
			told += len(m.TakeEvents(nil))
		}
		s := m.Stats()
		if lost = s.EventsUnsaid; told > c.most || told == 0 || !c.turns && lost == 0 {
			t.Errorf("%s: %d events are told, at most %d are wanted; %d are counted", c.name, told, c.most, lost)
		}
	}
}

// A flood from everywhere spends the rate of all, and what happens to a client that
// has shown what it is is told all the same.
func TestAFloodDoesNotHideWhatHappensToClients(t *testing.T) {
	m := newMaster(t, func(c *Config) { nobodyTrusted(c) })
	p := newPeer(1)
	p.addr = netip.MustParseAddr("172.16.0.1")
	p.subscribe(t, m, start, 300)
	m.TakeEvents(nil)
	for i := range 8000 {
		now := at(time.Duration(i) * time.Second / 1000)
		say(t, m, now, everywhere(i).signaling(t, request(wire.TypeAnnounce, 0, 1000)))
		if i%60 == 0 {
			say(t, m, now, p.delayReq(1))
		}
		if i == 7000 {
			say(t, m, now, p.signaling(t, wire.UnicastCancel{MessageType: wire.TypeSync}))
		}
	}
	told := 0
	for _, e := range m.TakeEvents(nil) {
		if e.Kind == EventCancelled && e.Client.Address == p.addr {
			told++
		}
	}
	if told != 1 || m.Stats().EventsUnsaid == 0 {
		t.Errorf("told %d times; %d events of the flood are counted", told, m.Stats().EventsUnsaid)
	}
}
