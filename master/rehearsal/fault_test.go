package rehearsal_test

import (
	"encoding/binary"
	"net/netip"
	"strings"
	"testing"
	"time"

	"bragi/gnss/timescale"
	"bragi/master"
	"bragi/master/rehearsal"
	"bragi/master/wire"
)

// bench is a trial and a master in virtual time.
type bench struct {
	t      *testing.T
	now    timescale.Mono
	trial  *rehearsal.Trial
	master *master.Master
	other  *master.Master // at the same address, of another domain
	out    master.Outbox
	second bool // the second address has been heard

	hear func(b *bench, from int, typ wire.MessageType) bool // false: lost on the way there
	say  func(b *bench, to int, typ wire.MessageType) bool   // false: lost on the way back
	// ghost: Sync goes on when its grant has ended. chatty: every Delay_Req is answered.
	ghost, chatty bool
	sync          [2][]byte
	syncAt        [2]timescale.Mono
}

var benchAddress = [2]netip.Addr{netip.MustParseAddr("10.0.0.100"), netip.MustParseAddr("10.0.0.101")}

func (b *bench) local() timescale.Local {
	return timescale.LocalFromNs(b.now.Ns() + 1_735_689_600_000_000_000)
}

func (b *bench) run() rehearsal.FaultReport {
	for end := b.now.Add(2 * time.Minute); !b.trial.Over() && b.now.Before(end); b.now = b.now.Add(250 * time.Microsecond) {
		for i, seat := range b.trial.Seats() {
			for {
				_, payload, event, ok := seat.Poll(b.now)
				if !ok {
					break
				}
				typ := wire.MessageType(payload[0] & 0x0F)
				if event {
					seat.Sent(binary.BigEndian.Uint16(payload[wire.SequenceOffset:]), b.now)
				}
				b.second = b.second || i == 1
				if b.hear != nil && !b.hear(b, i, typ) {
					continue
				}
				if b.chatty && typ == wire.TypeDelayReq {
					h, _ := wire.ParseHeader(payload)
					r := wire.DelayResp{Header: wire.Header{Flags: wire.FlagUnicast, Source: wire.PortIdentity{Clock: benchIdentity, Port: 1}, SequenceID: h.SequenceID},
						ReceiveTimestamp: wire.TimestampFromLocal(b.local()), Requesting: h.Source}
					seat.Receive(b.now, false, benchMaster, r.Append(nil), timescale.Mono{})
					continue
				}
				for _, m := range []*master.Master{b.master, b.other} {
					if m != nil {
						m.Receive(b.now, master.Datagram{Src: benchAddress[i], Dst: benchMaster, Event: event, DSCP: 47, Stamp: b.local(), HasStamp: event, Payload: payload}, &b.out)
						b.deliver()
					}
				}
			}
		}
		for _, m := range []*master.Master{b.master, b.other} {
			if m == nil {
				continue
			}
			if next, ok := m.Next(); ok && !b.now.Before(next) {
				m.Tick(b.now, &b.out)
				b.deliver()
			}
		}
		for i, payload := range b.sync {
			if b.ghost && payload != nil && b.now.Sub(b.syncAt[i]) > 100*time.Millisecond {
				b.syncAt[i] = b.now
				b.trial.Seats()[i].Receive(b.now, true, benchMaster, payload, b.now)
			}
		}
	}
	return b.trial.Report(b.now)
}

func (b *bench) deliver() {
	for i := 0; i < b.out.Len(); i++ {
		m := &b.out.Messages()[i]
		if m.Stamped() {
			m.SetEgress(b.local())
		}
		m.SetEstimate(b.local())
		typ := wire.MessageType(m.Payload[0] & 0x0F)
		for k, seat := range b.trial.Seats() {
			if m.Dst != benchAddress[k] || b.say != nil && !b.say(b, k, typ) {
				continue
			}
			if typ == wire.TypeSync {
				b.sync[k], b.syncAt[k] = append([]byte{}, m.Payload...), b.now
			}
			seat.Receive(b.now, m.Event, benchMaster, m.Payload, b.now)
		}
	}
	b.out.Reset()
}

var (
	benchMaster   = netip.MustParseAddr("10.0.0.1")
	benchIdentity = wire.ClockIdentity{0, 0x11, 0x22, 0xFF, 0xFE, 0, 0, 1}
)

// What bragid does with a client that does wrong is told in words, and a master that
// does harm fails. Each fault meets bragid's own master first, then one that is bad
// in one way.
func TestWhatAMasterMakesOfAClientsFaultIsTold(t *testing.T) {
	const fault = 26 * time.Second // a time that is behind the beginning of every fault
	for _, c := range []struct {
		name, fault string
		config      func(*master.Config)
		bad         func(*bench)
		verdict     string
		code        string
		text        string
	}{
		{name: "bragid, late", fault: "renew-late", verdict: "pass", code: "GRANTED_AGAIN", text: "ended after 30 s. The client asked again 3.0 s later. The grant was given again after 0.0 ms"},
		{name: "a master that never stops", fault: "renew-late", bad: func(b *bench) { b.ghost = true }, verdict: "fail", code: "SENT_AFTER_END", text: "after the end of its grant"},
		{name: "a master that forgets a late client", fault: "renew-late", verdict: "fail", code: "NOT_GRANTED_AGAIN", bad: func(b *bench) {
			from := b.now
			b.hear = func(b *bench, _ int, typ wire.MessageType) bool {
				return typ != wire.TypeSignaling || b.now.Sub(from) < fault
			}
		}},
		{name: "bragid, another domain", fault: "wrong-domain", verdict: "pass", code: "DOMAIN_IGNORED", text: "Meanwhile Sync in domain 0 came at 32.0/s"},
		{name: "a second master", fault: "wrong-domain", verdict: "fail", code: "DOMAIN_ANSWERED", bad: func(b *bench) {
			var err error
			if b.other, err = master.New(master.Config{Identity: wire.ClockIdentity{1}, Domain: 1}); err != nil {
				b.t.Fatal(err)
			}
			b.other.SetAnnouncement(locked)
		}},
		{name: "bragid, a trusted client without Delay_Req", fault: "no-delay-req", verdict: "pass", code: "SERVED", text: "renewed its grant (1)"},
		{name: "bragid, an unknown client without Delay_Req", fault: "no-delay-req", verdict: "pass", code: "HELD_BACK", text: "Syncs in 4",
			config: func(c *master.Config) {
				c.Allow, c.Trusted = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}, []netip.Prefix{netip.MustParsePrefix("192.168.0.0/16")}
			}},
		{name: "bragid, flooded", fault: "flood", verdict: "pass", code: "FLOOD_LIMITED", text: "of 1016 Delay_Req a second for 10 s the master answered"},
		{name: "a master that answers all", fault: "flood", bad: func(b *bench) { b.chatty = true }, verdict: "pass", code: "FLOOD_ANSWERED"},
		{name: "a master that a flood fills", fault: "flood", verdict: "fail", code: "SYNC_SUFFERED", bad: func(b *bench) {
			from, n := b.now, 0
			b.say = func(b *bench, _ int, typ wire.MessageType) bool {
				n++
				return typ != wire.TypeSync || b.now.Sub(from) < 5*time.Second || n%2 == 0
			}
		}},
		{name: "a master that a flood ends", fault: "flood", verdict: "fail", code: "NOT_RECOVERED", bad: func(b *bench) {
			from := b.now
			b.say = func(b *bench, _ int, typ wire.MessageType) bool {
				return typ != wire.TypeDelayResp || b.now.Sub(from) < 8*time.Second
			}
		}},
		{name: "bragid, gone", fault: "vanish", verdict: "pass", code: "SENT_TO_THE_END", text: "until the grant ended"},
		{name: "a master that sends on", fault: "vanish", bad: func(b *bench) { b.ghost = true }, verdict: "fail", code: "SENT_AFTER_END"},
		{name: "bragid, two of one identity", fault: "duplicate-identity", verdict: "pass", code: "BOTH_SERVED", text: "at 32.0 and 32.0 Syncs a second"},
		{name: "a master that knows clients by identity", fault: "duplicate-identity", verdict: "fail", code: "FIRST_LOST", bad: func(b *bench) {
			b.say = func(b *bench, to int, _ wire.MessageType) bool { return to == 1 || !b.second }
		}},
		{name: "a master that refuses a second one", fault: "duplicate-identity", verdict: "pass", code: "SECOND_REFUSED", bad: func(b *bench) {
			b.hear = func(_ *bench, from int, _ wire.MessageType) bool { return from == 0 }
		}},
		{name: "bragid, moved", fault: "move-address", verdict: "pass", code: "MOVED", text: "had Sync after"},
		{name: "a master that keeps the old address", fault: "move-address", verdict: "fail", code: "NOT_MOVED", bad: func(b *bench) {
			b.hear = func(_ *bench, from int, _ wire.MessageType) bool { return from == 0 }
		}},
		{name: "nobody there", fault: "vanish", verdict: "fail", code: "NOT_TRIED", bad: func(b *bench) {
			b.hear = func(*bench, int, wire.MessageType) bool { return false }
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			kind, err := rehearsal.ParseFault(c.fault)
			if err != nil {
				t.Fatal(err)
			}
			config := master.Config{Identity: benchIdentity, Priority1: 128, Priority2: 128}
			if c.config != nil {
				c.config(&config)
			}
			b := &bench{t: t, now: timescale.MonoFromNs(int64(1000 * time.Second))}
			if b.master, err = master.New(config); err != nil {
				t.Fatal(err)
			}
			b.master.SetAnnouncement(locked)
			b.trial, err = rehearsal.NewTrial(rehearsal.TrialConfig{Fault: kind, FloodRate: 1000, Master: benchMaster,
				Client: rehearsal.Config{Kind: rehearsal.RPD, Identity: wire.PortIdentity{Clock: wire.ClockIdentity{0xC0, 1}, Port: 1}}})
			if err != nil {
				t.Fatal(err)
			}
			if c.bad != nil {
				c.bad(b)
			}
			r := b.run()
			found := ""
			for _, f := range r.Findings {
				if f.Code == c.code {
					found = f.Text
				}
				if f.Action == "" || f.Severity == "" || strings.Contains(f.Text, "%!") {
					t.Errorf("%+v", f)
				}
			}
			if found == "" || r.Verdict != c.verdict || !strings.Contains(found, c.text) {
				t.Errorf("%s, %+v, %v; want %s, %s with %q", r.Verdict, r.Findings, r.Measured, c.verdict, c.code, c.text)
			}
			t.Log(found)
			// At the end nothing stays at the master.
			b.trial.Leave()
			for i, seat := range b.trial.Seats() {
				for {
					_, payload, event, ok := seat.Poll(b.now)
					if !ok {
						break
					}
					b.master.Receive(b.now, master.Datagram{Src: benchAddress[i], Dst: benchMaster, Event: event, Payload: payload}, &b.out)
				}
			}
			for _, client := range b.master.Snapshot(b.now).Clients {
				for _, g := range client.Grants {
					if g.Live && c.bad == nil {
						t.Errorf("a grant of %v is left: %+v", client.Address, g)
					}
				}
			}
		})
	}
}

// A flood is bounded, and never faster than it was told, also after the sender slept.
func TestAFloodIsBounded(t *testing.T) {
	for _, rate := range []int{0, -1, rehearsal.MaxFloodRate + 1} {
		_, err := rehearsal.NewTrial(rehearsal.TrialConfig{Fault: rehearsal.Flood, FloodRate: rate, Client: rehearsal.Config{Identity: wire.PortIdentity{Clock: wire.ClockIdentity{1}, Port: 1}}})
		if err == nil {
			t.Errorf("a flood of %d messages a second is taken", rate)
		}
	}
	m, err := master.New(master.Config{Identity: benchIdentity})
	if err != nil {
		t.Fatal(err)
	}
	m.SetAnnouncement(locked)
	b := &bench{t: t, now: timescale.MonoFromNs(int64(1000 * time.Second)), master: m}
	sent := map[int64]int{} // by second
	b.hear = func(b *bench, _ int, typ wire.MessageType) bool {
		if typ == wire.TypeDelayReq {
			second := b.now.Ns() / int64(time.Second)
			if sent[second]++; sent[second] == 100 {
				b.now = b.now.Add(300 * time.Millisecond) // the sender slept
			}
		}
		return true
	}
	b.trial, err = rehearsal.NewTrial(rehearsal.TrialConfig{Fault: rehearsal.Flood, FloodRate: 1000, Master: benchMaster,
		Client: rehearsal.Config{Kind: rehearsal.RPD, Identity: wire.PortIdentity{Clock: wire.ClockIdentity{0xC0, 1}, Port: 1}}})
	if err != nil {
		t.Fatal(err)
	}
	b.run()
	most := 0
	for _, n := range sent {
		most = max(most, n)
	}
	if most > 1100 || most < 700 {
		t.Errorf("at most %d Delay_Req a second, want about 1,000", most)
	}
}
