package twin

import (
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"bragi/gnss/timescale"
	"bragi/holdover/quality"
	"bragi/master"
	"bragi/master/wire"
)

var (
	here  = netip.MustParseAddr("10.6.0.1")
	there = netip.MustParseAddr("10.6.0.2")
)

const (
	path  = 300 * time.Microsecond
	epoch = 1_700_000_000_000_000_000
)

// reads is our served clock.
func reads(m timescale.Mono) timescale.Local { return timescale.LocalFromNs(m.Ns() + epoch) }

// pair is a client and a whole grandmaster as its twin, joined in virtual time.
type pair struct {
	t       *testing.T
	now     timescale.Mono
	c       *Client
	m       *master.Master
	out     master.Outbox
	twin    master.Outbox
	aheadNs int64
	cut     bool
	drop    wire.MessageType // of the twin's, that do not come; 0xFF: none
	deny    []wire.MessageType
	mine    int            // datagrams that the client took
	lost    int            // of the twin's, those that it did not
	sent    map[string]int // by the client
}

func newPair(t *testing.T, c master.Config) *pair {
	c.Identity = theirs
	m, err := master.New(c)
	if err != nil {
		t.Fatal(err)
	}
	m.SetAnnouncement(saying(6))
	return &pair{t: t, now: timescale.MonoFromNs(int64(time.Hour)), m: m, drop: 0xFF, c: New(Config{Identity: ours, Address: there, From: here}), sent: map[string]int{}}
}

func (p *pair) theirs(at timescale.Mono) timescale.Local {
	return timescale.LocalFromNs(reads(at).Ns() + p.aheadNs)
}

func (p *pair) run(d time.Duration) {
	for end := p.now.Add(d); p.now.Before(end); p.now = p.now.Add(time.Millisecond) {
		if at, ok := p.c.Next(); ok && !p.now.Before(at) {
			p.c.Tick(p.now, &p.out)
		}
		for _, m := range p.out.Messages() {
			typ := wire.MessageType(m.Payload[0] & 15)
			p.sent[typ.String()]++
			if m.Report {
				p.c.Left(wire.SequenceID(m.Payload), reads(p.now))
			}
			if !p.cut {
				p.m.Receive(p.now, master.Datagram{Src: here, Dst: there, Event: m.Event, Payload: m.Payload, Stamp: p.theirs(p.now.Add(path)), HasStamp: m.Event}, &p.twin)
			}
		}
		p.out.Reset()
		p.m.Tick(p.now, &p.twin)
		for i := 0; i < p.twin.Len(); i++ {
			m := &p.twin.Messages()[i]
			m.SetEgress(p.theirs(p.now))
			if typ := wire.MessageType(m.Payload[0] & 15); typ == wire.TypeSignaling {
				for _, f := range p.deny {
					p.refuse(m.Payload, f)
				}
			} else if typ == p.drop || slices.Contains(p.deny, typ) {
				continue
			}
			if !p.cut {
				p.arrive(m.Event, m.Payload)
			}
			if m.Token != 0 {
				p.m.FollowUp(p.now, m.Token, p.theirs(p.now), p.theirs(p.now), &p.twin)
			}
		}
		p.twin.Reset()
	}
}

// refuse makes a GRANT of a flow a denial.
func (p *pair) refuse(signaling []byte, f wire.MessageType) {
	const tlv, duration = 44, 50
	if len(signaling) >= duration+4 && signaling[tlv+1] == byte(wire.TLVGrantUnicast) && wire.MessageType(signaling[tlv+4]>>4) == f {
		copy(signaling[duration:], []byte{0, 0, 0, 0})
	}
}

func (p *pair) arrive(event bool, payload []byte) bool {
	took := p.c.Take(p.now, master.Datagram{Src: there, Dst: here, Event: event, Payload: payload, Stamp: reads(p.now.Add(path)), HasStamp: event})
	if p.mine++; !took {
		p.lost++
	}
	return took
}

func (p *pair) report() Report { return p.c.Report(p.now) }

func TestTheTwinsOffsetIsMeasured(t *testing.T) {
	for _, ahead := range []int64{0, 312, -41_000, -37_000_000_000} {
		for _, two := range []bool{false, true} {
			p := newPair(t, master.Config{})
			p.m.SetTwoStep(two)
			p.aheadNs = ahead
			p.run(20 * time.Second)
			r := p.report()
			if !r.Measured || r.OffsetNs != ahead || r.DelayNs != int64(path) || r.Identity.Clock != theirs || r.Announce.ClockClass != 6 || r.Denied {
				t.Errorf("two-step %t, twin ahead by %d ns: %+v", two, ahead, r)
			}
			if p.lost > 0 {
				t.Errorf("%d of its %d messages would have gone to our master", p.lost, p.mine)
			}
		}
	}
}

// One message of each kind a second, and requests no more often than grants run out.
func TestItIsAQuietClient(t *testing.T) {
	p := newPair(t, master.Config{})
	p.run(10 * time.Minute)
	if n := p.sent["Delay_Req"]; n > 601 || n < 590 {
		t.Errorf("%d Delay_Reqs in ten minutes", n)
	}
	if n := p.sent["Signaling"]; n > 12 {
		t.Errorf("%d Signaling in ten minutes, want three for each grant of 300 s", n)
	}
	if s := p.m.Stats(); s.Sent[wire.TypeSync] > 602 || s.Sent[wire.TypeAnnounce] > 602 {
		t.Errorf("the twin sent %v", s.Sent)
	}
	if p.m.Stats().Paused > 0 {
		t.Errorf("%d messages were held back for want of credit", p.m.Stats().Paused)
	}
}

// The twin need not trust us: what we send is credit enough.
func TestAClientThatIsNotTrustedIsServedToo(t *testing.T) {
	p := newPair(t, master.Config{Trusted: []netip.Prefix{}})
	p.m.SetTwoStep(true)
	p.run(time.Hour)
	if r := p.report(); !r.Measured || p.m.Stats().Paused > 0 {
		t.Errorf("%d paused, %+v", p.m.Stats().Paused, r)
	}
}

func TestASilentTwinIsNoticedAndAskedAgain(t *testing.T) {
	p := newPair(t, master.Config{})
	p.run(20 * time.Second)
	p.cut = true
	p.run(10 * time.Second)
	if r := p.report(); r.Announced || r.Measured || r.SilentNs < int64(5*time.Second) {
		t.Errorf("after 10 s of silence: %+v", r)
	}
	asked := p.sent["Signaling"]
	p.run(10 * time.Minute)
	if n := p.sent["Signaling"] - asked; n < 3*15 || n > 3*30 {
		t.Errorf("%d requests in ten minutes of silence, want each flow's every 32 s", n)
	}
	p.cut = false
	p.aheadNs = 99
	p.run(time.Minute)
	if r := p.report(); !r.Measured || r.OffsetNs != 99 {
		t.Errorf("back again: %+v", r)
	}
}

// A drain takes the grants back: that is acknowledged, and told.
func TestATwinThatSendsUsAwayIsToldSo(t *testing.T) {
	p := newPair(t, master.Config{})
	p.run(20 * time.Second)
	p.m.Drain(p.now)
	p.run(10 * time.Second)
	if n := p.m.Stats().ClientsServed; n != 0 {
		t.Errorf("%d clients after a drain", n)
	}
	if v := Judge(ours, 0, saying(6), p.report(), time.Microsecond); v.Answer != NoAnswer {
		t.Errorf("%+v", v)
	}
	p.m.Resume()
	p.run(time.Minute)
	if r := p.report(); !r.Measured || r.Denied {
		t.Errorf("after the drain: %+v", r)
	}
}

// A step of either clock is seen after a majority of the samples.
func TestAStepIsSeenSoon(t *testing.T) {
	p := newPair(t, master.Config{})
	p.run(30 * time.Second)
	p.aheadNs = 41_000
	p.run(12 * time.Second)
	if r := p.report(); r.OffsetNs != 41_000 {
		t.Errorf("12 s after a step of 41 us: %d ns", r.OffsetNs)
	}
}

// A twin steps its time, and one kind of message stops at once. What is told is of before
// or of after, and never of both; then it is told what misses, and no number.
func TestAnOffsetIsOfOneTime(t *testing.T) {
	for typ, want := range map[wire.MessageType]string{wire.TypeDelayResp: "no Delay_Resp comes: its offset cannot be measured", wire.TypeSync: "no Sync comes: its offset cannot be measured"} {
		p := newPair(t, master.Config{})
		p.run(30 * time.Second)
		p.aheadNs, p.drop = 10_000_000, typ
		for second := range 90 {
			p.run(time.Second)
			r := p.report()
			if r.Measured && r.OffsetNs != 0 && r.OffsetNs != p.aheadNs {
				t.Fatalf("without %v, %d s after a step of 10 ms: %d ns, path %d ns", typ, second, r.OffsetNs, r.DelayNs)
			}
			if v := Judge(ours, 0, saying(6), r, Limit); second > 7 && (r.Measured || v.Answer != NoAnswer || !strings.Contains(v.Text, want)) {
				t.Fatalf("without %v for %d s: %s, %s", typ, second, v.Answer, v.Text)
			}
		}
		p.drop = 0xFF
		p.run(8 * time.Second)
		if r := p.report(); !r.Measured || r.OffsetNs != p.aheadNs || r.DelayNs != int64(path) {
			t.Errorf("%v comes again: %+v", typ, r)
		}
	}
}

// A twin that no client can follow is no answer, with what misses, as long as it is so.
func TestATwinThatNoClientCanFollowIsNoAnswer(t *testing.T) {
	for name, c := range map[string]struct {
		deny []wire.MessageType
		drop wire.MessageType
		two  bool
		want string
	}{
		"Sync denied":       {deny: []wire.MessageType{wire.TypeSync}, drop: 0xFF, want: "the twin denies Sync"},
		"Delay_Resp denied": {deny: []wire.MessageType{wire.TypeDelayResp}, drop: 0xFF, want: "the twin denies Delay_Resp"},
		"Announce denied":   {deny: []wire.MessageType{wire.TypeAnnounce}, drop: 0xFF, want: "the twin denies"},
		"all denied":        {deny: []wire.MessageType{wire.TypeAnnounce, wire.TypeSync, wire.TypeDelayResp}, drop: 0xFF, want: "the twin denies"},
		"no Sync":           {drop: wire.TypeSync, want: "no Sync comes"},
		"no Delay_Resp":     {drop: wire.TypeDelayResp, want: "no Delay_Resp comes"},
		"no Announce":       {drop: wire.TypeAnnounce, want: "no Announce comes"},
		"no Follow_Up":      {drop: wire.TypeFollowUp, two: true, want: "a Follow_Up or a time stamp missing"},
	} {
		p := newPair(t, master.Config{})
		p.m.SetTwoStep(c.two)
		p.deny, p.drop = c.deny, c.drop
		for second := range 300 {
			p.run(time.Second)
			if v := Judge(ours, 0, saying(6), p.report(), Limit); second >= 15 && (v.Answer != NoAnswer || !strings.Contains(v.Text, c.want)) {
				t.Fatalf("%s, after %d s: %s, %q; want %q", name, second, v.Answer, v.Text, c.want)
			}
		}
		p.deny, p.drop = nil, 0xFF
		p.run(time.Minute)
		if r := p.report(); !r.Measured || r.Unusable || r.Denied {
			t.Errorf("%s, in order again: %+v", name, r)
		}
	}
}

// A copy of us that gets an identity of its own is believed at its next message.
func TestACopyThatGetsItsOwnIdentityIsBelieved(t *testing.T) {
	p := newPair(t, master.Config{})
	good := p.m
	var err error
	if p.m, err = master.New(master.Config{Identity: ours}); err != nil {
		t.Fatal(err)
	}
	p.m.SetAnnouncement(saying(6))
	p.run(20 * time.Second)
	p.arrive(true, (&wire.DelayReq{Header: wire.Header{Source: wire.PortIdentity{Clock: ours, Port: PortNumber}}}).Append(nil))
	text := func() string { return Judge(ours, 0, saying(6), p.report(), Limit).Text }
	if !strings.Contains(text(), "our own clock identity") {
		t.Fatalf("a copy of us: %s", text())
	}
	p.m = good
	p.run(time.Second)
	p.arrive(true, (&wire.DelayReq{Header: wire.Header{Source: wire.PortIdentity{Clock: theirs, Port: PortNumber}}}).Append(nil))
	for second := range 20 {
		if strings.Contains(text(), "our own clock identity") {
			t.Fatalf("%d s after it has its own: %s", second, text())
		}
		p.run(time.Second)
	}
	if r := p.report(); !r.Measured || r.Identity.Clock != theirs {
		t.Errorf("%+v", r)
	}
}

// What the twin sends as a client of ours, and what others send, is our master's.
func TestOurMasterLosesNothingToTheClient(t *testing.T) {
	p := newPair(t, master.Config{})
	p.run(20 * time.Second)
	h := wire.Header{Source: wire.PortIdentity{Clock: theirs, Port: PortNumber}}
	all := wire.PortIdentity{Clock: wire.AllClocks, Port: 0xFFFF}
	tlvs, _ := wire.ParseTLVs(wire.UnicastRequest{MessageType: wire.TypeSync, Duration: 300}.Append(nil))
	for name, b := range map[string][]byte{
		"a REQUEST to all ports":    (&wire.Signaling{Header: h, Target: all, TLVs: tlvs}).Append(nil),
		"a REQUEST to our master":   (&wire.Signaling{Header: h, Target: wire.PortIdentity{Clock: ours, Port: 1}, TLVs: tlvs}).Append(nil),
		"a Delay_Req":               (&wire.DelayReq{Header: h}).Append(nil),
		"a header alone":            (&wire.Signaling{Header: h, Target: all}).Append(nil)[:wire.HeaderLen],
		"an octet":                  {0x0C},
		"a Management message":      append([]byte{0x0D, 2, 0, 48}, make([]byte, 44)...),
		"Signaling to nobody there": (&wire.Signaling{Header: h, Target: wire.PortIdentity{Clock: theirs, Port: PortNumber}}).Append(nil),
	} {
		if p.arrive(wire.MessageType(b[0]&15).Event(), b) {
			t.Errorf("%s was taken from our master", name)
		}
	}
	// Its monitor asks us as its client. Our master would refuse that, and log it each time.
	heard := p.c.heard
	if question := wire.AppendNetSyncRequest(nil, h); !p.arrive(true, question) || p.c.heard != heard {
		t.Error("a question of its NetSync Monitor is not taken, or counts as an answer")
	}
	sync := (&wire.Sync{Header: wire.Header{Source: wire.PortIdentity{Clock: theirs, Port: 1}}}).Append(nil)
	if p.c.Take(p.now, master.Datagram{Src: netip.MustParseAddr("10.6.0.3"), Event: true, Payload: sync}) {
		t.Error("another address's Sync was taken")
	}
}

// Messages of another domain, of another clock at its address, or without sense, measure
// nothing.
func TestStrangeMessagesMeasureNothing(t *testing.T) {
	p := newPair(t, master.Config{})
	p.run(20 * time.Second)
	before := p.report()
	h := wire.Header{Source: wire.PortIdentity{Clock: wire.ClockIdentity{9}, Port: 1}}
	for range 100 {
		p.arrive(true, (&wire.Sync{Header: h, OriginTimestamp: wire.Timestamp{Seconds: 1}}).Append(nil))
		p.arrive(true, (&wire.Sync{Header: wire.Header{Source: before.Identity}, OriginTimestamp: wire.Timestamp{Seconds: 1<<48 - 1}}).Append(nil))
		p.arrive(true, (&wire.Sync{Header: wire.Header{Source: before.Identity}, OriginTimestamp: wire.Timestamp{Seconds: 9_223_372_035}}).Append(nil))
		p.arrive(false, (&wire.DelayResp{Header: wire.Header{Source: before.Identity}, ReceiveTimestamp: wire.Timestamp{Seconds: 5}, Requesting: wire.PortIdentity{Clock: ours, Port: PortNumber}}).Append(nil))
	}
	if r := p.report(); r.OffsetNs != before.OffsetNs || r.DelayNs != before.DelayNs {
		t.Errorf("%+v, before %+v", r, before)
	}
	other := wire.Header{Source: before.Identity, Domain: 44}
	p.cut = true
	p.run(time.Second)
	p.arrive(false, (&wire.Announce{Header: other}).Append(nil))
	if r := p.report(); !r.WrongDomain || r.Domain != 44 {
		t.Errorf("%+v", r)
	}
}

func TestTakingAllocatesNothing(t *testing.T) {
	p := newPair(t, master.Config{})
	p.run(20 * time.Second)
	h := wire.Header{Source: wire.PortIdentity{Clock: theirs, Port: 1}}
	var list []master.Datagram
	for _, b := range [][]byte{(&wire.Sync{Header: h, OriginTimestamp: wire.TimestampFromLocal(reads(p.now))}).Append(nil), (&wire.Announce{Header: h}).Append(nil), (&wire.FollowUp{Header: h}).Append(nil),
		(&wire.DelayResp{Header: h}).Append(nil), (&wire.DelayReq{Header: h}).Append(nil)} {
		list = append(list, master.Datagram{Src: there, Event: wire.MessageType(b[0] & 15).Event(), Payload: b, HasStamp: true})
	}
	if n := testing.AllocsPerRun(100, func() {
		for _, d := range list {
			p.c.Take(p.now, d)
		}
		p.now = p.now.Add(time.Second)
		p.c.Tick(p.now, &p.out)
		p.out.Reset()
	}); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

func FuzzTake(f *testing.F) {
	f.Add([]byte{0, 2, 0, 44})
	f.Add((&wire.Signaling{Target: wire.PortIdentity{Clock: ours, Port: PortNumber}}).Append(nil))
	f.Add((&wire.Announce{}).Append(nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		c := New(Config{Identity: ours, Address: there})
		var out master.Outbox
		now := timescale.MonoFromNs(int64(time.Hour))
		c.Tick(now, &out)
		for range 8 {
			c.Take(now, master.Datagram{Src: there, Event: len(b) > 0 && b[0]&15 < 4, Payload: b, HasStamp: true, Stamp: reads(now)})
			now = now.Add(time.Second)
			c.Tick(now, &out)
		}
		Judge(ours, 0, quality.Announcement{Serve: true}, c.Report(now), time.Microsecond)
		if out.Len() > 8*8 {
			t.Fatalf("%d messages were sent for eight of %d octets", out.Len(), len(b))
		}
	})
}

// Where twin.address is an address of ours, what is sent to it comes back. The master
// refuses it, so nothing answers: this is told, and not that the twin is off.
func TestATwinThatIsOurselvesIsTold(t *testing.T) {
	p := newPair(t, master.Config{})
	p.cut = true
	for end := p.now.Add(time.Minute); p.now.Before(end); p.now = p.now.Add(time.Millisecond) {
		p.c.Tick(p.now, &p.out)
		for _, m := range p.out.Messages() {
			if p.c.Take(p.now, master.Datagram{Src: there, Dst: there, Event: m.Event, Payload: m.Payload}) {
				t.Fatal("it took its own request away from the master")
			}
		}
		p.out.Reset()
	}
	v := Judge(ours, 0, saying(6), p.c.Report(p.now), Limit)
	if v.Answer != NoAnswer || !strings.Contains(v.Text, "this grandmaster itself") {
		t.Errorf("%s: %s", v.Answer, v.Text)
	}
}

// A client that leaves gives back what it holds, once, and asks for nothing more.
func TestTheClientThatLeavesHoldsNothing(t *testing.T) {
	p := newPair(t, master.Config{})
	p.run(20 * time.Second)
	if n := p.m.Stats().ClientsServed; n != 1 {
		t.Fatalf("%d clients", n)
	}
	p.c.Leave()
	p.run(time.Second)
	said := p.sent["Signaling"]
	if n := p.m.Stats().ClientsServed; n != 0 {
		t.Errorf("%d clients after it has left", n)
	}
	p.run(time.Hour)
	if p.sent["Signaling"] != said {
		t.Errorf("%d messages after it has left", p.sent["Signaling"]-said)
	}
}

// A twin may grant less often than a second: it is asked no more often, and is not silent.
func TestATwinThatGrantsSlowlyIsNotLost(t *testing.T) {
	c := New(Config{Identity: ours, Address: there, From: here})
	now := timescale.MonoFromNs(int64(time.Hour))
	var out master.Outbox
	c.Tick(now, &out)
	head := wire.Header{Source: wire.PortIdentity{Clock: theirs, Port: 1}}
	for _, typ := range []wire.MessageType{wire.TypeAnnounce, wire.TypeSync, wire.TypeDelayResp} {
		tlvs, _ := wire.ParseTLVs(wire.UnicastGrant{MessageType: typ, LogInterval: 3, Duration: 300}.Append(nil))
		m := wire.Signaling{Header: head, Target: wire.PortIdentity{Clock: ours, Port: PortNumber}, TLVs: tlvs}
		c.Take(now, master.Datagram{Src: there, Payload: m.Append(nil)})
	}
	out.Reset()
	requests := 0
	for range 30 {
		now = now.Add(time.Second)
		c.Tick(now, &out)
		for _, m := range out.Messages() {
			if !m.Event {
				t.Fatalf("after %v it asks again", now)
			}
			requests++
		}
		out.Reset()
	}
	if requests < 3 || requests > 5 {
		t.Errorf("%d Delay_Reqs in 30 s of a grant of one in 8 s", requests)
	}
}
