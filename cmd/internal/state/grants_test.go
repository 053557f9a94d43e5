package state

import (
	"math/rand/v2"
	"net/netip"
	"reflect"
	"testing"

	"bragi/gnss/timescale"
	"bragi/master"
	"bragi/master/wire"
)

// crowd is a Saved of n clients with numbers of every size.
func crowd(n int) *master.Saved {
	r := rand.New(rand.NewPCG(1, 2))
	mono := func() timescale.Mono { return timescale.MonoFromNs(r.Int64()) }
	address := func() netip.Addr {
		return netip.AddrFrom4([4]byte{10, byte(r.Int()), byte(r.Int()), byte(1 + r.IntN(250))})
	}
	s := &master.Saved{At: mono(), Identity: wire.ClockIdentity{1, 2, 3, 4, 5, 6, 7, 8}, Domain: 24, StrangerSeq: 65535,
		Clients: make([]master.SavedClient, n), Credits: make([]master.SavedCredit, n/10)}
	for i := range s.Clients {
		c := &s.Clients[i]
		*c = master.SavedClient{Key: master.Key{Address: address(), Port: wire.PortIdentity{Clock: wire.ClockIdentity{0xA0, byte(i >> 8), byte(i)}, Port: uint16(r.Int())}},
			Asked: address(), First: mono(), Last: mono(), LastReq: mono(), ReqInterval: r.Int64(), Signaling: r.Uint64(), DelayReqs: r.Uint64(),
			SignalSeq: uint16(r.Int()), DSCP: uint8(r.Int()), Minor: 1, Way: uint8(r.Int())}
		if i%7 == 0 {
			c.Asked = netip.Addr{}
		}
		for f := range c.Grants {
			if i%5 == f {
				continue
			}
			c.Grants[f] = master.SavedGrant{Live: true, Log: int8(r.IntN(12) - 7), Seq: uint16(r.Int()), Phase: uint16(r.Int()), Seconds: r.Uint32(),
				Expires: mono(), Since: mono(), SentAt: mono(), Sent: r.Uint64(), Renewed: r.Uint64()}
		}
	}
	for i := range s.Credits {
		s.Credits[i] = master.SavedCredit{Address: address(), Sent: r.Uint64(), Received: r.Uint64(), Last: mono()}
	}
	return s
}

func TestGrantsComeBack(t *testing.T) {
	for _, n := range []int{0, 1, 1000} {
		in := crowd(n)
		b := AppendGrants(nil, "a boot", in)
		boot, out, err := ParseGrants(b)
		if err != nil || boot != "a boot" || !reflect.DeepEqual(in, out) {
			t.Fatalf("%d clients, %d bytes: boot %q, %v", n, len(b), boot, err)
		}
		for _, short := range []int{0, 1, len(b) / 2, len(b) - 1} {
			if _, _, err := ParseGrants(b[:short]); err == nil && short < len(b) {
				t.Errorf("%d of %d bytes are taken", short, len(b))
			}
		}
		if _, _, err := ParseGrants(append(b, 0)); err == nil {
			t.Error("a byte too many is taken")
		}
	}
}

func FuzzParseGrants(f *testing.F) {
	f.Add(AppendGrants(nil, "a boot", crowd(11)))
	f.Add([]byte{0})
	f.Fuzz(func(t *testing.T, b []byte) {
		boot, s, err := ParseGrants(b)
		if err != nil {
			return
		}
		m, err := master.New(master.Config{Identity: wire.ClockIdentity{1, 2, 3, 4, 5, 6, 7, 8}, Domain: 24, MaxClients: 10})
		if err != nil {
			t.Fatal(err)
		}
		s.Identity, s.Domain = m.Identity().Clock, 24
		if done, err := m.Import(s.At.Add(1e9), s); err == nil && done.Clients > 10 {
			t.Errorf("%d clients of 10", done.Clients)
		}
		if len(boot) > 255 {
			t.Errorf("a boot of %d bytes", len(boot))
		}
	})
}

func BenchmarkGrants1000(b *testing.B) {
	s := crowd(1000)
	var buf []byte
	for b.Loop() {
		buf = AppendGrants(buf[:0], "a boot", s)
	}
	b.ReportMetric(float64(len(buf)), "bytes")
}
