package master

import (
	"net/netip"
	"slices"
	"testing"
	"time"

	"bragi/gnss/timescale"
	"bragi/holdover/quality"
	"bragi/master/wire"
)

// The fixtures of the package's tests: a locked grandmaster at 10.0.0.1 and
// clients that are only datagrams.

var (
	us     = netip.MustParseAddr("10.0.0.1")
	them   = netip.MustParseAddr("10.6.17.9")
	locked = quality.Announcement{
		Serve: true, ClockClass: 6, ClockAccuracy: 0x21, OffsetScaledLogVariance: 0x4E5D, TimeSource: 0x20,
		CurrentUTCOffset: 37, CurrentUTCOffsetValid: true, TimeTraceable: true, FrequencyTraceable: true, PTPTimescale: true,
	}
	ourID   = wire.ClockIdentity{0x00, 0x11, 0x22, 0xFF, 0xFE, 0x33, 0x44, 0x55}
	theirID = wire.PortIdentity{Clock: wire.ClockIdentity{0xA0, 0xB1, 0xC2, 0xFF, 0xFE, 0xD3, 0xE4, 0xF5}, Port: 1}
	allPort = wire.PortIdentity{Clock: wire.AllClocks, Port: 0xFFFF}
	start   = timescale.MonoFromNs(1_000_000_000_000)
)

func at(d time.Duration) timescale.Mono { return start.Add(d) }

func newMaster(t testing.TB, change func(*Config)) *Master {
	t.Helper()
	c := Config{Identity: ourID, Priority1: 128, Priority2: 128, MaxClients: 16, Seed: 1}
	if change != nil {
		change(&c)
	}
	m, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	m.SetAnnouncement(locked)
	return m
}

// peer is a client in its simplest form: an address and an identity.
type peer struct {
	addr netip.Addr
	id   wire.PortIdentity
	seq  uint16
}

func newPeer(n int) *peer {
	return &peer{
		addr: netip.AddrFrom4([4]byte{10, 7, byte(n >> 8), byte(n)}),
		id:   wire.PortIdentity{Clock: wire.ClockIdentity{0xA0, 0, 0, 0xFF, 0xFE, 0, byte(n >> 8), byte(n)}, Port: 1},
	}
}

func (p *peer) header() wire.Header {
	p.seq++
	return wire.Header{Flags: wire.FlagUnicast, Source: p.id, SequenceID: p.seq, LogInterval: wire.LogIntervalNone}
}

// signaling makes a datagram of TLVs.
func (p *peer) signaling(t testing.TB, tlvs ...interface{ Append([]byte) []byte }) Datagram {
	t.Helper()
	var raw []byte
	for _, v := range tlvs {
		raw = v.Append(raw)
	}
	list, err := wire.ParseTLVs(raw)
	if err != nil {
		t.Fatal(err)
	}
	s := wire.Signaling{Header: p.header(), Target: allPort, TLVs: list}
	return Datagram{Src: p.addr, Dst: us, Payload: s.Append(nil)}
}

func (p *peer) delayReq(stamp int64) Datagram {
	d := wire.DelayReq{Header: p.header()}
	return Datagram{Src: p.addr, Dst: us, Event: true, Payload: d.Append(nil), Stamp: timescale.LocalFromNs(stamp), HasStamp: true}
}

func request(t wire.MessageType, log int8, seconds uint32) wire.UnicastRequest {
	return wire.UnicastRequest{MessageType: t, LogInterval: log, Duration: seconds}
}

// rawTLV is a TLV as octets.
type rawTLV []byte

func (r rawTLV) Append(b []byte) []byte { return append(b, r...) }

// answer is a message of the master, taken apart.
type answer struct {
	Message
	wire.Header
	grants []wire.UnicastGrant
	acks   []wire.MessageType
	cancel []wire.MessageType
}

func answers(t testing.TB, out *Outbox) []answer {
	t.Helper()
	var list []answer
	for _, msg := range out.Messages() {
		h, err := wire.ParseHeader(msg.Payload)
		if err != nil {
			t.Fatalf("sent %x: %v", msg.Payload, err)
		}
		a := answer{Message: msg, Header: h}
		if h.MessageType == wire.TypeSignaling {
			s, err := wire.ParseSignaling(msg.Payload)
			if err != nil {
				t.Fatal(err)
			}
			for {
				typ, v, ok := s.TLVs.Next()
				if !ok {
					break
				}
				switch typ {
				case wire.TLVGrantUnicast:
					g, _ := wire.ParseUnicastGrant(v)
					a.grants = append(a.grants, g)
				case wire.TLVAckCancelUnicast:
					c, _ := wire.ParseUnicastCancelAck(v)
					a.acks = append(a.acks, c.MessageType)
				case wire.TLVCancelUnicast:
					c, _ := wire.ParseUnicastCancel(v)
					a.cancel = append(a.cancel, c.MessageType)
				default:
					t.Errorf("TLV %x sent", typ)
				}
			}
		}
		list = append(list, a)
	}
	return list
}

// say hands the master a datagram and takes the answers.
func say(t testing.TB, m *Master, now timescale.Mono, d Datagram) []answer {
	t.Helper()
	var out Outbox
	m.Receive(now, d, &out)
	return answers(t, &out)
}

// to are the answers to a peer: one who gives way may be told too.
func to(p *peer, list []answer) []answer {
	return slices.DeleteFunc(list, func(a answer) bool { return a.Dst != p.addr })
}

// subscribe asks for the cBR8's three flows.
func (p *peer) subscribe(t testing.TB, m *Master, now timescale.Mono, seconds uint32) {
	t.Helper()
	got := to(p, say(t, m, now, p.signaling(t, request(wire.TypeAnnounce, -3, seconds), request(wire.TypeSync, -5, seconds), request(wire.TypeDelayResp, -5, seconds))))
	if len(got) != 3 {
		t.Fatalf("%d answers to three requests", len(got))
	}
	for _, a := range got {
		if len(a.grants) != 1 || a.grants[0].Duration == 0 {
			t.Fatalf("not granted: %+v", a.grants)
		}
	}
}

// run ticks the master through virtual time and hands over each message with
// the time it left.
func run(t testing.TB, m *Master, from, to timescale.Mono, f func(timescale.Mono, answer)) {
	t.Helper()
	var out Outbox
	for {
		next, ok := m.Next()
		if !ok || !next.Before(to) {
			return
		}
		if next.Before(from) {
			next = from
		}
		from = next
		m.Tick(next, &out)
		for _, a := range answers(t, &out) {
			f(next, a)
		}
		out.Reset()
	}
}

// received sums the datagrams of a reason.
func received(m *Master, why Reason) (n uint64) {
	for _, byReason := range m.Stats().Received {
		n += byReason[why][0] + byReason[why][1]
	}
	return n
}
