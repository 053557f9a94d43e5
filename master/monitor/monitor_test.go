package monitor

import (
	"net/netip"
	"testing"
	"time"

	"bragi/gnss/timescale"
	"bragi/master"
	"bragi/master/wire"
)

var (
	ours    = wire.ClockIdentity{0, 0x11, 0x22, 0xFF, 0xFE, 0x33, 0x44, 0x55}
	service = netip.MustParseAddr("10.0.0.1")
)

// table is a master's clients.
type table struct {
	keys  []master.Key
	quiet bool
}

func (t *table) ClientAt(i int) (int, master.Key, netip.Addr, bool) {
	if i >= len(t.keys) {
		return 0, master.Key{}, netip.Addr{}, false
	}
	return i, t.keys[i], service, true
}

func (t *table) Serving() bool { return !t.quiet }

func clients(addresses ...string) *table {
	t := &table{}
	for i, a := range addresses {
		t.keys = append(t.keys, master.Key{Address: netip.MustParseAddr(a), Port: wire.PortIdentity{Clock: wire.ClockIdentity{0xA0, 7: byte(i)}, Port: 1}})
	}
	return t
}

// network is a monitor with clients that answer.
type network struct {
	*Monitor
	t       *testing.T
	now     timescale.Mono
	table   *table
	aheadNs int64 // the clients' clocks
	out     master.Outbox
	asked   []netip.Addr
	oneStep bool
	// change, if set, changes a message of the answer on its way; false: it is lost.
	change func(kind wire.MessageType, b []byte) bool
}

const (
	toClient = 300 * time.Microsecond
	toUs     = 300 * time.Microsecond
	think    = time.Millisecond // between the messages of an answer
	offset   = 1_700_000_000_000_000_000
)

// reads is the served clock.
func reads(m timescale.Mono) timescale.Local { return timescale.LocalFromNs(m.Ns() + offset) }

func newNetwork(t *testing.T, c *table, prefixes ...string) *network {
	n := &network{t: t, now: timescale.MonoFromNs(int64(time.Hour)), table: c}
	n.Monitor = New(c, Config{Identity: ours, MaxClients: 100, Ask: parsed(prefixes...)})
	return n
}

func parsed(prefixes ...string) (list []netip.Prefix) {
	for _, p := range prefixes {
		list = append(list, netip.MustParsePrefix(p))
	}
	return list
}

// run lets time pass; answering clients answer.
func (n *network) run(d time.Duration, answering bool) {
	for end := n.now.Add(d); ; {
		at, ok := n.Next()
		if !ok || !at.Before(end) {
			n.now = end
			return
		}
		if n.now.Before(at) {
			n.now = at
		}
		n.Tick(n.now, &n.out)
		for _, m := range n.out.Messages() {
			n.asked = append(n.asked, m.Dst)
			if !m.Event || !m.FillOrigin || !m.Report || m.Src != service {
				n.t.Fatalf("a question as %+v", m)
			}
			n.Left(wire.SequenceID(m.Payload), reads(n.now))
			if answering {
				n.reply(m.Dst, m.Payload)
			}
		}
		n.out.Reset()
	}
}

// stamp is a client's clock.
func (n *network) stamp(at timescale.Mono) wire.Timestamp {
	return wire.TimestampFromLocal(timescale.LocalFromNs(reads(at).Ns() + n.aheadNs))
}

func (n *network) reply(from netip.Addr, request []byte) {
	q, err := wire.ParseDelayReq(request)
	if err != nil {
		n.t.Fatal(err)
	}
	var who wire.PortIdentity
	for _, k := range n.table.keys {
		if k.Address == from {
			who = k.Port
		}
	}
	h := wire.Header{Flags: wire.FlagUnicast, Source: who, SequenceID: q.SequenceID, LogInterval: wire.LogIntervalNone}
	arrives := n.now.Add(toClient)
	resp := (&wire.DelayResp{Header: h, ReceiveTimestamp: n.stamp(arrives), Requesting: q.Source}).Append(nil)
	resp = append(resp, response...)
	resp[3] = byte(len(resp))
	leaves := arrives.Add(think)
	messages := [][]byte{resp}
	if n.oneStep {
		messages = append(messages, (&wire.Sync{Header: h, OriginTimestamp: n.stamp(leaves)}).Append(nil))
	} else {
		h.Flags |= wire.FlagTwoStep
		messages = append(messages, (&wire.Sync{Header: h}).Append(nil), (&wire.FollowUp{Header: h, PreciseOriginTimestamp: n.stamp(leaves)}).Append(nil))
	}
	for _, b := range messages {
		kind := wire.MessageType(b[0] & 0xF)
		if n.change != nil && !n.change(kind, b) {
			continue
		}
		d := master.Datagram{Src: from, Dst: service, Event: kind.Event(), Payload: b}
		if d.Event {
			d.Stamp, d.HasStamp = reads(leaves.Add(toUs)), true
		}
		if !n.Take(n.now, d) {
			n.t.Errorf("%v of a client that was asked is not taken", kind)
		}
	}
}

// response is the TLV of a client in SLAVE whose offset is 0 by itself, with TAI - UTC of 37 s.
var response = func() []byte {
	v := make([]byte, 78)
	copy(v, []byte{0x21, 0xFF, 0, 74, 9, 0, 0, 1, 0, 4, 10, 0, 0, 1})
	copy(v[14:], append(ours[:], 0, 1))
	v[14+19] = 6
	copy(v[14+50:], []byte{0, 37, byte(wire.FlagPTPTimescale)})
	return v
}()

func TestAClientsOffsetIsMeasuredToTheNanosecond(t *testing.T) {
	for _, ahead := range []int64{0, 312, -41_000, 1_500_000_000} {
		for _, oneStep := range []bool{false, true} {
			n := newNetwork(t, clients("10.6.0.2"), "10.6.0.0/24")
			n.aheadNs, n.oneStep = ahead, oneStep
			n.run(time.Second, true)
			list := n.Answers(nil)
			if len(list) != 1 || list[0].Outcome != Measured {
				t.Fatalf("answers %+v", list)
			}
			a := list[0]
			if a.OffsetNs != ahead || a.DelayNs != int64(toClient) || a.UTC {
				t.Errorf("one-step %t, client ahead by %d ns: offset %d, delay %d, UTC %t", oneStep, ahead, a.OffsetNs, a.DelayNs, a.UTC)
			}
			if a.Said.State != wire.PortSlave || a.Said.Parent.Clock != ours || a.Said.ClockClass != 6 {
				t.Errorf("it says %+v", a.Said)
			}
		}
	}
}

// ptp4l that steers the system's clock stamps in UTC, and says so by its UTC offset.
func TestAClientThatStampsInUTCIsHeldAgainstTheTAIThatItMeans(t *testing.T) {
	n := newNetwork(t, clients("10.6.0.2"), "10.6.0.0/24")
	n.aheadNs = -37*int64(time.Second) + 250
	n.run(time.Second, true)
	if a := n.Answers(nil)[0]; a.OffsetNs != 250 || !a.UTC {
		t.Errorf("offset %d ns, UTC %t; want 250 ns, true", a.OffsetNs, a.UTC)
	}
}

func TestNobodyIsAskedOutsideThePrefixesNorWithoutThem(t *testing.T) {
	c := clients("10.6.0.2", "10.7.0.2")
	n := newNetwork(t, c, "10.6.0.0/24")
	n.run(time.Minute, true)
	for _, a := range n.asked {
		if a != c.keys[0].Address {
			t.Fatalf("%v was asked", a)
		}
	}
	silent := newNetwork(t, c)
	if _, ok := silent.Next(); ok {
		t.Error("without prefixes something is planned")
	}
	away := newNetwork(t, c, "10.0.0.0/8")
	away.table.quiet = true
	if away.run(time.Minute, true); len(away.asked) > 0 {
		t.Error("clients are asked while the time is not served")
	}
}

// One question at a time, four a second at most, each client every ten seconds at most.
func TestTheRateIsGentle(t *testing.T) {
	var many []string
	for i := range 100 {
		many = append(many, netip.AddrFrom4([4]byte{10, 6, 1, byte(i)}).String())
	}
	n := newNetwork(t, clients(many...), "10.6.0.0/16")
	n.run(100*time.Second, true)
	if len(n.asked) < 380 || len(n.asked) > 400 {
		t.Errorf("%d questions in 100 s, want almost 4 a second", len(n.asked))
	}
	one := newNetwork(t, clients("10.6.0.2"), "10.6.0.0/16")
	if one.run(100*time.Second, true); len(one.asked) != 10 {
		t.Errorf("%d questions to one client in 100 s, want 10", len(one.asked))
	}
	mute := newNetwork(t, clients("10.6.0.2"), "10.6.0.0/16")
	mute.run(time.Hour, false)
	if n := len(mute.asked); n < 8 || n > 14 {
		t.Errorf("%d questions to one that never answers in an hour, want about ten", n)
	}
	for _, a := range mute.Answers(nil) {
		if a.Outcome != Silent {
			t.Errorf("%+v", a)
		}
	}
}

// Lost, forged or damaged parts of an answer make no measurement, and no crash.
func TestAnAnswerThatIsNotWholeIsNotMeasured(t *testing.T) {
	for name, change := range map[string]func(wire.MessageType, []byte) bool{
		"the Sync is lost":           func(k wire.MessageType, _ []byte) bool { return k != wire.TypeSync },
		"the Follow_Up is lost":      func(k wire.MessageType, _ []byte) bool { return k != wire.TypeFollowUp },
		"the Delay_Resp is lost":     func(k wire.MessageType, _ []byte) bool { return k != wire.TypeDelayResp },
		"another sequenceId":         func(_ wire.MessageType, b []byte) bool { wire.PutSequenceID(b, 4711); return true },
		"another clock's":            func(_ wire.MessageType, b []byte) bool { b[wire.SourceOffset] ^= 1; return true },
		"another domain":             func(_ wire.MessageType, b []byte) bool { b[4] = 44; return true },
		"another's request":          func(k wire.MessageType, b []byte) bool { return k != wire.TypeDelayResp || flip(&b[wire.SyncLen]) },
		"nanoseconds of 4e9":         func(_ wire.MessageType, b []byte) bool { b[wire.OriginOffset+6] = 0xFF; return true },
		"a response without the TLV": func(k wire.MessageType, b []byte) bool { b[3] = min(b[3], wire.DelayRespLen); return true },
		"a TLV that is cut":          func(k wire.MessageType, b []byte) bool { b[3] = min(b[3], 100); return true },
	} {
		n := newNetwork(t, clients("10.6.0.2"), "10.6.0.0/24")
		n.change = change
		n.run(5*time.Second, true)
		list := n.Answers(nil)
		if len(list) != 1 || list[0].Outcome == Measured {
			t.Errorf("%s: %+v", name, list)
		}
	}
}

func flip(b *byte) bool { *b ^= 1; return true }

// What is not from the client that was asked, or no answer, is the master's.
func TestTheMastersMessagesAreLeftToIt(t *testing.T) {
	n := newNetwork(t, clients("10.6.0.2"), "10.6.0.0/24")
	n.run(time.Second, false)
	h := wire.Header{Source: n.table.keys[0].Port}
	for _, d := range []master.Datagram{
		{Src: n.table.keys[0].Address, Event: true, Payload: (&wire.DelayReq{Header: h}).Append(nil)},
		{Src: n.table.keys[0].Address, Payload: (&wire.Signaling{Header: h}).Append(nil)},
		{Src: netip.MustParseAddr("10.6.0.3"), Event: true, Payload: (&wire.Sync{Header: h}).Append(nil)},
		{Src: n.table.keys[0].Address, Event: true, Payload: []byte{0}},
	} {
		if n.Take(n.now, d) {
			t.Errorf("% x of %v was taken from the master", d.Payload, d.Src)
		}
	}
}

func TestAskingAndAnswersAllocateNothing(t *testing.T) {
	n := newNetwork(t, clients("10.6.0.2"), "10.6.0.0/24")
	n.run(time.Second, true)
	key := n.table.keys[0]
	sync := (&wire.Sync{Header: wire.Header{Source: key.Port, SequenceID: 9}}).Append(nil)
	d := master.Datagram{Src: key.Address, Event: true, Payload: sync, HasStamp: true}
	if a := testing.AllocsPerRun(100, func() {
		n.now = n.now.Add(time.Hour)
		n.Tick(n.now, &n.out)
		n.out.Reset()
		n.Take(n.now, d)
		n.Tick(n.now.Add(time.Minute), &n.out)
		n.out.Reset()
	}); a > 0 {
		t.Errorf("%v allocations for a question", a)
	}
}

// Another grandmaster that is a client here follows nobody: it is not asked.
func TestTheTwinIsNotAsked(t *testing.T) {
	n := newNetwork(t, clients("10.1.0.2", "10.1.0.3"), "10.1.0.0/16")
	n.twin = netip.MustParseAddr("10.1.0.2")
	n.run(time.Minute, true)
	for _, a := range n.asked {
		if a == n.twin {
			t.Fatal("the twin was asked")
		}
	}
	if len(n.asked) < 5 {
		t.Errorf("the other one was asked %d times in a minute", len(n.asked))
	}
}
