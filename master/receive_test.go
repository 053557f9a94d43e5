package master

import (
	"bytes"
	"encoding/binary"
	"net/netip"
	"testing"
	"time"

	"bragi/gnss/timescale"
	"bragi/master/wire"
)

// Delay_Resp has the stamp, and of the request: correctionField, sequenceId and
// identity; its interval is not stated in unicast.
func TestDelayRespEchoesTheRequest(t *testing.T) {
	m, p := newMaster(t, nil), newPeer(1)
	p.subscribe(t, m, start, 300)
	d := p.delayReq(1_755_361_730_123_456_789)
	binary.BigEndian.PutUint64(d.Payload[wire.CorrectionOffset:], 0xFFFFFFFFFFFE8000) // -1.5 ns
	binary.BigEndian.PutUint16(d.Payload[wire.SequenceOffset:], 0xBEEF)
	got := say(t, m, at(time.Second), d)
	if len(got) != 1 {
		t.Fatalf("%d answers", len(got))
	}
	resp, err := wire.ParseDelayResp(got[0].Payload)
	if err != nil || len(got[0].Payload) != wire.DelayRespLen {
		t.Fatal(err)
	}
	want := wire.DelayResp{
		Header:           wire.Header{MessageType: wire.TypeDelayResp, Length: 54, Flags: wire.FlagUnicast, Correction: -0x18000, Source: m.Identity(), SequenceID: 0xBEEF, LogInterval: 0x7F},
		ReceiveTimestamp: wire.Timestamp{Seconds: 1_755_361_730, Nanoseconds: 123_456_789},
		Requesting:       p.id,
	}
	if resp != want {
		t.Errorf("%+v, want %+v", resp, want)
	}
	if got[0].Event || got[0].FillOrigin || got[0].Message.Src != us || got[0].Dst != p.addr {
		t.Errorf("sent %+v", got[0].Message)
	}
}

func TestDelayReqThatGetsNoAnswer(t *testing.T) {
	ten := at(10 * time.Second)
	cases := []struct {
		name   string
		change func(m *Master, p *peer, d *Datagram)
		why    Reason
	}{
		{"no grant at all", func(_ *Master, p *peer, d *Datagram) { *d = newPeer(2).delayReq(1) }, NoGrant},
		{"no grant, with a profile's flag", func(_ *Master, p *peer, d *Datagram) { *d = newPeer(2).delayReq(1); d.Payload[6] |= 0x20 }, NoGrant},
		{"the grant is another identity's", func(_ *Master, p *peer, d *Datagram) { d.Payload[27]++ }, NoGrant},
		{"the grant is another address's", func(_ *Master, p *peer, d *Datagram) { d.Src = them }, NoGrant},
		{"cancelled", func(m *Master, p *peer, d *Datagram) {
			say(t, m, ten, p.signaling(t, wire.UnicastCancel{MessageType: wire.TypeDelayResp}))
		}, NoGrant},
		{"without a stamp", func(_ *Master, p *peer, d *Datagram) { d.HasStamp = false }, NoStamp},
		{"at the general port", func(_ *Master, p *peer, d *Datagram) { d.Event = false }, WrongPort},
		{"domain 7", func(_ *Master, p *peer, d *Datagram) { d.Payload[4] = 7 }, WrongDomain},
		{"majorSdoId 1", func(_ *Master, p *peer, d *Datagram) { d.Payload[0] |= 0x10 }, WrongSdoID},
		{"minorSdoId 1 of a 2019 sender", func(_ *Master, p *peer, d *Datagram) { d.Payload[1], d.Payload[5] = 0x12, 1 }, WrongSdoID},
		{"PTP version 1", func(_ *Master, p *peer, d *Datagram) { d.Payload[1] = 1 }, BadVersion},
		{"PTP version 3", func(_ *Master, p *peer, d *Datagram) { d.Payload[1] = 3 }, BadVersion},
		{"truncated", func(_ *Master, p *peer, d *Datagram) { d.Payload = d.Payload[:43] }, BadLength},
		{"empty", func(_ *Master, p *peer, d *Datagram) { d.Payload = nil }, Short},
		{"our own identity", func(m *Master, p *peer, d *Datagram) { copy(d.Payload[20:], ourID[:]) }, OwnIdentity},
		{"a Sync", func(m *Master, p *peer, d *Datagram) { d.Payload[0] = 0 }, NotForMaster},
		{"a Pdelay_Req", func(m *Master, p *peer, d *Datagram) {
			d.Payload = append(d.Payload, make([]byte, 10)...)
			d.Payload[0], d.Payload[3] = 2, 54
		}, NotForMaster},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			m, p := newMaster(t, nil), newPeer(1)
			p.subscribe(t, m, start, 300)
			d := p.delayReq(1)
			c.change(m, p, &d)
			if got := say(t, m, ten, d); len(got) != 0 {
				t.Fatalf("answered %+v", got)
			}
			if n := received(m, c.why); n != 1 {
				t.Errorf("%d datagrams counted as %q: %+v", n, c.why, m.Stats().Received)
			}
		})
	}
}

// What a 2008 sender has in the octet that 2019 calls minorSdoId means nothing,
// nor do octets beyond messageLength, nor the minor version, nor controlField.
func TestDelayReqWithMeaninglessOctetsIsAnswered(t *testing.T) {
	for name, change := range map[string]func(d *Datagram){
		"reserved octet of 2008": func(d *Datagram) { d.Payload[5] = 9 },
		"octets beyond":          func(d *Datagram) { d.Payload = append(d.Payload, 1, 2, 3, 4, 5) },
		"minor version 1":        func(d *Datagram) { d.Payload[1] = 0x12 },
		"controlField":           func(d *Datagram) { d.Payload[32] = 1 },
		"originTimestamp set":    func(d *Datagram) { d.Payload[39] = 1 },
		"unicastFlag clear":      func(d *Datagram) { d.Payload[6] = 0 },
		"an originTimestamp with 1e9 nanoseconds": func(d *Datagram) {
			binary.BigEndian.PutUint32(d.Payload[40:], 1_000_000_000)
		},
		"an originTimestamp of ones": func(d *Datagram) { copy(d.Payload[34:], bytes.Repeat([]byte{0xFF}, 10)) },
	} {
		m, p := newMaster(t, nil), newPeer(1)
		p.subscribe(t, m, start, 300)
		d := p.delayReq(1)
		change(&d)
		if got := say(t, m, at(time.Second), d); len(got) != 1 {
			t.Errorf("%s: %d answers", name, len(got))
		}
	}
}

func TestSignalingThatGetsNoAnswer(t *testing.T) {
	req := request(wire.TypeSync, -5, 300)
	cases := []struct {
		name   string
		change func(d *Datagram)
		why    Reason
	}{
		{"another clock's target", func(d *Datagram) { copy(d.Payload[34:], theirID.Clock[:]) }, WrongTarget},
		{"our clock, port 2", func(d *Datagram) { copy(d.Payload[34:], ourID[:]); d.Payload[42], d.Payload[43] = 0, 2 }, WrongTarget},
		{"at the event port", func(d *Datagram) { d.Event = true }, WrongPort},
		{"domain 7", func(d *Datagram) { d.Payload[4] = 7 }, WrongDomain},
		{"majorSdoId 1", func(d *Datagram) { d.Payload[0] |= 0x10 }, WrongSdoID},
		{"messageLength beyond the datagram", func(d *Datagram) { d.Payload[3]++ }, BadLength},
		{"reserved type", func(d *Datagram) { d.Payload[0] = 0x0E }, BadType},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			m, p := newMaster(t, nil), newPeer(1)
			d := p.signaling(t, req)
			c.change(&d)
			if got := say(t, m, start, d); len(got) != 0 || m.Stats().ClientsServed != 0 || received(m, c.why) != 1 {
				t.Errorf("answered %+v, %d clients, counted %+v", got, m.Stats().ClientsServed, m.Stats().Received)
			}
		})
	}
	m, p := newMaster(t, nil), newPeer(1)
	d := p.signaling(t, req)
	copy(d.Payload[34:], ourID[:])
	d.Payload[42], d.Payload[43] = 0, 1
	if got := say(t, m, start, d); len(got) != 1 {
		t.Error("a request to our own portIdentity was not answered")
	}
}

// The same for Signaling.
func TestSignalingWithMeaninglessOctetsIsAnswered(t *testing.T) {
	for name, change := range map[string]func(d *Datagram){
		"two octets beyond":      func(d *Datagram) { d.Payload = append(d.Payload, 1, 2) },
		"half a TLV beyond":      func(d *Datagram) { d.Payload = append(d.Payload, 0, 4, 0) },
		"a frame's padding":      func(d *Datagram) { d.Payload = append(d.Payload, make([]byte, 400)...) },
		"reserved octet of 2008": func(d *Datagram) { d.Payload[5] = 9 },
		"minor version 1":        func(d *Datagram) { d.Payload[1] = 0x12 },
		"controlField":           func(d *Datagram) { d.Payload[32] = 5 },
		"unicastFlag clear":      func(d *Datagram) { d.Payload[6] = 0 },
	} {
		m, p := newMaster(t, nil), newPeer(1)
		d := p.signaling(t, request(wire.TypeSync, -5, 300))
		change(&d)
		if got := say(t, m, start, d); len(got) != 1 || got[0].grants[0].Duration != 300 {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

// Up to twice the granted rate is answered, more is not.
func TestDelayReqIsAnsweredUpToTwiceItsRate(t *testing.T) {
	for _, c := range []struct {
		perSecond     int
		least, most   int
		unansweredMin int
	}{{32, 320, 320, 0}, {64, 640, 640, 0}, {640, 640, 660, 5700}} {
		m, p := newMaster(t, nil), newPeer(1)
		p.subscribe(t, m, start, 300)
		n := 0
		for i := range 10 * c.perSecond {
			n += len(say(t, m, at(time.Duration(i)*time.Second/time.Duration(c.perSecond)), p.delayReq(1)))
		}
		if n < c.least || n > c.most {
			t.Errorf("%d/s for 10 s: %d answers, want %d to %d", c.perSecond, n, c.least, c.most)
		}
		if got := int(m.Snapshot(start).Clients[0].Unanswered[TooFast]); got < c.unansweredMin {
			t.Errorf("%d/s: %d too fast", c.perSecond, got)
		}
	}
}

func TestOpenAnswersDelayReqWithoutAGrant(t *testing.T) {
	m := newMaster(t, func(c *Config) { c.Open = true })
	if got := say(t, m, start, newPeer(1).delayReq(5)); len(got) != 1 || got[0].MessageType != wire.TypeDelayResp {
		t.Errorf("answered %+v", got)
	}
	if m.Stats().ClientsServed != 0 {
		t.Error("a Delay_Req made a client")
	}
	n := 0
	for i := range 100_000 { // 100,000/s from one source
		n += len(say(t, m, at(time.Duration(i)*10*time.Microsecond), newPeer(1).delayReq(5)))
	}
	if n > 100_000/leakOneIn+1000 {
		t.Errorf("%d answers to a flood of 100,000 in a second", n)
	}
}

func TestDenyGoesBeforeAllow(t *testing.T) {
	m := newMaster(t, func(c *Config) {
		c.Allow = []netip.Prefix{netip.MustParsePrefix("10.7.0.0/16")}
		c.Deny = []netip.Prefix{netip.MustParsePrefix("10.7.0.2/32")}
	})
	newPeer(1).subscribe(t, m, start, 300)
	outside := newPeer(3)
	outside.addr = them
	for _, p := range []*peer{newPeer(2), outside} {
		if got := say(t, m, start, p.signaling(t, request(wire.TypeSync, -5, 300))); len(got) != 0 {
			t.Errorf("%v was answered", p.addr)
		}
	}
	if received(m, AddressDenied) != 2 || m.Stats().ClientsServed != 1 {
		t.Errorf("%+v", m.Stats())
	}
	found := 0
	for _, e := range m.TakeEvents(nil) {
		if e.Kind == EventRefused && e.Reason == AddressDenied {
			found++
		}
	}
	if found != 2 {
		t.Errorf("%d events name a denied address", found)
	}
}

// A wrong domain is seen with address and domain, said once a minute.
func TestWrongDomainIsEvidence(t *testing.T) {
	m, p := newMaster(t, nil), newPeer(1)
	said := 0
	for i := range 130 {
		d := p.signaling(t, request(wire.TypeSync, -5, 300))
		d.Payload[4] = 24
		say(t, m, at(time.Duration(i)*time.Second), d)
	}
	for _, e := range m.TakeEvents(nil) {
		if e.Kind != EventRefused || e.Reason != WrongDomain || e.Domain != 24 || e.Client.Address != p.addr || e.Client.Port != p.id {
			t.Errorf("%+v", e)
		}
		said++
	}
	if said != 3 {
		t.Errorf("said %d times in 130 s", said)
	}
	s := m.Snapshot(start).Suspects
	if len(s) != 1 || s[0].Domain != 24 || s[0].Count != 130 || s[0].Reason != WrongDomain {
		t.Errorf("%+v", s)
	}
}

// A request to another clock, at our address, says which: the board was replaced.
func TestAForeignTargetIsEvidence(t *testing.T) {
	m, p := newMaster(t, nil), newPeer(1)
	d := p.signaling(t, request(wire.TypeSync, -5, 300))
	copy(d.Payload[34:], theirID.Clock[:])
	say(t, m, start, d)
	s := m.Snapshot(start).Suspects
	if len(s) != 1 || s[0].Reason != WrongTarget || s[0].Target.Clock != theirID.Clock || s[0].Address != p.addr {
		t.Errorf("%+v", s)
	}
	e := m.TakeEvents(nil)
	if len(e) != 1 || e[0].Target.Clock != theirID.Clock {
		t.Errorf("%+v", e)
	}
}

// The hot path allocates nothing: a slot of Syncs, a Delay_Req to its answer.
func TestHotPathAllocatesNothing(t *testing.T) {
	m := newMaster(t, func(c *Config) {
		c.MaxClients = 64
		c.Trusted = []netip.Prefix{netip.MustParsePrefix("10.7.0.0/26")} // half of them
		c.Allow = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}
	})
	for i := range 64 {
		newPeer(i).subscribe(t, m, start, 300)
	}
	var out Outbox
	now := start
	p := newPeer(1)
	req, renew := p.delayReq(1), p.signaling(t, request(wire.TypeSync, -5, 300))
	tick := func() {
		now, _ = m.Next()
		m.Tick(now, &out)
		out.Reset()
	}
	for range 100 {
		tick()
	}
	sent := m.Stats().Sent
	if n := testing.AllocsPerRun(2000, tick); n != 0 {
		t.Errorf("%v allocations a slot", n)
	}
	if n := testing.AllocsPerRun(2000, func() {
		now = now.Add(20 * time.Millisecond)
		m.Receive(now, req, &out)
		out.Reset()
	}); n != 0 {
		t.Errorf("%v allocations a Delay_Req", n)
	}
	if n := testing.AllocsPerRun(200, func() {
		now = now.Add(200 * time.Millisecond)
		m.Receive(now, renew, &out)
		out.Reset()
	}); n != 0 {
		t.Errorf("%v allocations a renewal", n)
	}
	after := m.Stats().Sent
	if after[wire.TypeSync]-sent[wire.TypeSync] < 2000 || after[wire.TypeDelayResp] < 2000 || after[wire.TypeSignaling]-sent[wire.TypeSignaling] != 201 {
		t.Errorf("the paths did not run: %v, %v", sent, after)
	}
}

// Any datagram: no panic, no answer longer than the rule, tables bounded.
func FuzzReceive(f *testing.F) {
	p := newPeer(1)
	f.Add(p.signaling(f, request(wire.TypeSync, -5, 300), wire.UnicastCancel{MessageType: wire.TypeSync}).Payload, false)
	f.Add(p.signaling(f, wire.UnicastCancelAck{MessageType: wire.TypeSync}, rawTLV{0x80, 8, 0, 0}).Payload, false)
	f.Add(p.delayReq(1).Payload, true)
	get := wire.Management{Header: p.header(), Target: allPort}
	get.TLVs, _ = wire.ParseTLVs(wire.AppendManagementTLV(nil, wire.IDClockDescription, nil))
	f.Add(get.Append(nil), false)
	f.Fuzz(func(t *testing.T, b []byte, event bool) {
		m := newMaster(t, func(c *Config) { c.MaxClients = 4; c.Open = len(b)%2 == 0; c.Management = true })
		newPeer(1).subscribe(t, m, start, 10)
		var out Outbox
		for i := range 3 {
			now := at(time.Duration(i) * time.Second)
			m.Receive(now, Datagram{Src: p.addr, Event: event, Payload: b, Stamp: timescale.LocalFromNs(1), HasStamp: true}, &out)
			m.Tick(now, &out)
		}
		if len(answers(t, &out)) > 3*(maxTLVs+1)+8 {
			t.Fatalf("%d messages", out.Len())
		}
		run(t, m, at(3*time.Second), at(30*time.Second), func(timescale.Mono, answer) {})
		if s := m.Stats(); s.ClientsServed > 2 || s.PromisedRate < 0 {
			t.Fatalf("%+v", s)
		}
	})
}
