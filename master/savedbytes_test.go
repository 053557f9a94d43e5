package master

import (
	"math/rand/v2"
	"net/netip"
	"reflect"
	"testing"
	"time"

	"bragi/gnss/timescale"
	"bragi/master/wire"
	"bragi/scripts/reflecttest"
)

// crowd is a Saved of n clients with numbers of every size.
func crowd(n int) *Saved {
	r := rand.New(rand.NewPCG(1, 2))
	mono := func() timescale.Mono { return timescale.MonoFromNs(r.Int64()) }
	address := func() netip.Addr {
		return netip.AddrFrom4([4]byte{10, byte(r.Int()), byte(r.Int()), byte(1 + r.IntN(250))})
	}
	s := &Saved{At: mono(), Identity: wire.ClockIdentity{1, 2, 3, 4, 5, 6, 7, 8}, Domain: 24, StrangerSeq: 65535,
		Clients: make([]savedClient, n), Credits: make([]account, n/10)}
	for i := range s.Clients {
		c := &s.Clients[i]
		c.key = Key{Address: address(), Port: wire.PortIdentity{Clock: wire.ClockIdentity{0xA0, byte(i >> 8), byte(i)}, Port: uint16(r.Int())}}
		c.round, c.proven = round{mono(), r.Uint32(), drawn}, i%2 == 1
		c.asked, c.first, c.last, c.lastReq, c.reqInterval, c.signaling, c.delayReqs = address(), mono(), mono(), mono(), r.Int64(), r.Uint64(), r.Uint64()
		c.signalSeq, c.dscp, c.minor, c.asks = uint16(r.Int()), uint8(r.Int()), 1, asks(r.Int())
		if i%7 == 0 {
			c.asked = netip.Addr{}
		}
		for f := range c.grants {
			if i%5 == f {
				continue
			}
			log, seq := int8(r.IntN(12)-7), uint16(r.Int())
			c.phases[f] = uint16(r.Int())
			c.grants[f] = grant{live: true, log: log, seq: seq, seconds: r.Uint32(),
				expires: mono(), since: mono(), sentAt: mono(), sent: r.Uint64(), renewed: r.Uint64()}
		}
	}
	for i := range s.Credits {
		s.Credits[i] = account{address: address(), sent: r.Uint64(), received: r.Uint64(), last: mono()}
	}
	return s
}

func bytesOf(s *Saved) []byte {
	b, _ := s.AppendBinary(nil)
	return b
}

func TestGrantsComeBackFromBytes(t *testing.T) {
	for _, n := range []int{0, 1, 1000} {
		in, out := crowd(n), new(Saved)
		b := bytesOf(in)
		if err := out.UnmarshalBinary(b); err != nil || !reflect.DeepEqual(in, out) {
			t.Fatalf("%d clients, %d bytes: %v", n, len(b), err)
		}
		for _, short := range []int{0, 1, len(b) / 2, len(b) - 1} {
			if err := out.UnmarshalBinary(b[:short]); err == nil {
				t.Errorf("%d of %d bytes are taken", short, len(b))
			}
		}
		if err := out.UnmarshalBinary(append(b, 0)); err == nil {
			t.Error("a byte too many is taken")
		}
	}
}

// Whatever is added to a client must be given a value here, and then be written
// and imported, or these tests fail.
func TestNoFieldOfSavedIsLost(t *testing.T) {
	s := crowd(100)
	s.Clients, s.Credits = s.Clients[3:4], s.Credits[:1] // its three flows are granted
	for _, path := range reflecttest.Unset(*s, "Saved") {
		t.Errorf("%s is zero: fill it", path)
	}
	m, err := New(Config{Identity: s.Identity, Domain: s.Domain, MaxClients: 10, Trusted: []netip.Prefix{}})
	if err != nil {
		t.Fatal(err)
	}
	s.At = at(time.Second)
	c := &s.Clients[0]
	for f := range c.grants {
		c.grants[f].expires, c.grants[f].log, c.phases[f] = at(100*time.Second), -2, 5
	}
	c.phases[FlowDelayResp] = 0
	s.Credits[0].address, s.Credits[0].last = c.key.Address, s.At
	if done, err := m.Import(s.At, s); err != nil || done.Clients != 1 {
		t.Fatalf("%+v, %v", done, err)
	}
	var again Saved
	m.Export(s.At, &again)
	// sequenceIds jump ahead.
	s.StrangerSeq += seqMargin
	c.signalSeq += seqMargin
	for f := range c.grants {
		c.grants[f].seq += seqMargin
	}
	if !reflect.DeepEqual(&again, s) {
		t.Errorf("imported and exported again: %+v\nwas %+v", again, *s)
	}
}

func FuzzSavedFromBytes(f *testing.F) {
	f.Add(bytesOf(crowd(11)))
	f.Add([]byte{0})
	f.Fuzz(func(t *testing.T, b []byte) {
		var s Saved
		if err := s.UnmarshalBinary(b); err != nil {
			return
		}
		m, err := New(Config{Identity: wire.ClockIdentity{1, 2, 3, 4, 5, 6, 7, 8}, Domain: 24, MaxClients: 10})
		if err != nil {
			t.Fatal(err)
		}
		s.Identity, s.Domain = m.Identity().Clock, 24
		if done, err := m.Import(s.At.Add(1e9), &s); err == nil && done.Clients > 10 {
			t.Errorf("%d clients of 10", done.Clients)
		}
	})
}

func BenchmarkSavedToBytes1000(b *testing.B) {
	s := crowd(1000)
	var buf []byte
	for b.Loop() {
		buf, _ = s.AppendBinary(buf[:0])
	}
	b.ReportMetric(float64(len(buf)), "bytes")
}
