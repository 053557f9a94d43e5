package udp

import (
	"net"
	"net/netip"
	"testing"
	"time"

	"bragi/board/kernelclock"
	"bragi/gnss/timescale"
	"bragi/master"
	"bragi/master/egress"
	"bragi/master/udp/socket"
	"bragi/master/wire"
)

// The kernel says when the Syncs left; each stamp finds its Sync, from a bound
// address and from one among all, and the prediction learns from it.
func TestTransmitStampsTeachThePrediction(t *testing.T) {
	for _, address := range []netip.Addr{serverAddr, netip.IPv4Unspecified()} {
		s := serve(t, address, 0)
		stray, err := net.ListenUDP("udp4", net.UDPAddrFromAddrPort(netip.AddrPortFrom(clientAddr, 0)))
		if err != nil {
			t.Fatal(err)
		}
		defer stray.Close()
		p := &peer{server: serverAddr, s: s, id: wire.PortIdentity{Clock: wire.ClockIdentity{9}, Port: 1}}
		if address == serverAddr {
			// Somebody listens, or ICMP would end the grant. A server of all addresses hears its
			// own answers.
			p = newPeer(t, s, clientAddr, serverAddr)
		}
		p.request(t, stray, wire.UnicastRequest{MessageType: wire.TypeSync, LogInterval: -7, Duration: 300})
		st := status(t, s, func(st Status) bool {
			time.Sleep(20 * time.Millisecond) // the server has other things to do
			return st.Transport.Residual.N >= 30
		})
		if st.Transport.StampsStray != 0 || st.Transport.StampsLost != 0 {
			t.Errorf("at %v: %d stray and %d lost stamps", address, st.Transport.StampsStray, st.Transport.StampsLost)
		}
		if st.Transport.Event.Failed != 0 {
			t.Errorf("at %v: %d sends failed: %v", address, st.Transport.Event.Failed, st.Transport.Event.LastError)
		}
	}
}

// still is a served clock that reads CLOCK_MONOTONIC_RAW.
type still struct{}

func (still) Local(m timescale.Mono) timescale.Local { return timescale.LocalFromNs(m.Ns()) }

// bench is a loop without sockets, at 5 ms of CLOCK_MONOTONIC_RAW and 9 ms of
// CLOCK_REALTIME.
func bench(t *testing.T, device bool) *loop {
	t.Helper()
	m, err := master.New(master.Config{Identity: wire.ClockIdentity{1}, TwoStepFor: []netip.Prefix{netip.MustParsePrefix("0.0.0.0/0")}})
	if err != nil {
		t.Fatal(err)
	}
	l := &loop{s: &Server{}, m: m, clock: still{}, stamps: newStamper()}
	l.bridge.Take(kernelclock.Pair{Mono: timescale.MonoFromNs(5_000_000), Realtime: timescale.UTCFromNs(9_000_000)})
	l.stamps.use(stampKind(device))
	return l
}

// byKernel and byDevice are stamps of what has left.
func byKernel(ns int64, number uint32) socket.Departed {
	return socket.Departed{Stamps: socket.Stamps{KernelNs: ns}, Number: number}
}

func byDevice(ns int64) socket.Departed {
	return socket.Departed{Stamps: socket.Stamps{DeviceNs: ns}}
}

// asks is a Sync that says nanosecond ns, and waits for its stamps: the clock
// was read 100 ns before.
func (l *loop) asks(ns int64, seq uint16) []byte {
	b := (&wire.Sync{Header: wire.Header{SequenceID: seq}}).Append(nil)
	origin := timescale.LocalFromNs(ns)
	wire.PutTimestamp(b[wire.OriginOffset:], wire.TimestampFromLocal(origin))
	l.stamps.ask(b, asked{want: l.stamps.wants(true), sample: true, path: egress.First, read: timescale.MonoFromNs(ns - 100), origin: origin, predicted: 100})
	return append(make([]byte, 42), b...) // looped with the headers before it
}

// A stamp that belongs to no Sync, or to none that waits, teaches nothing.
func TestStrayStamps(t *testing.T) {
	l := bench(t, false)
	s := l.stamps
	looped := l.asks(4_000_100, 7)
	stamp := byKernel(8_010_000, 0) // 1 ms before the sandwich less 10 us: read + 10 us
	other := append([]byte(nil), looped...)
	other[42+wire.SequenceOffset]++
	for name, packet := range map[string][]byte{"another Sync's": other, "cut short": looped[:20], "empty": nil} {
		was := s.stray
		l.left(packet, stamp)
		if s.stray != was+1 || s.predictor.Residual().N != 0 {
			t.Errorf("a stamp with bytes that are %s is taken", name)
		}
	}
	l.left(looped, stamp)
	if r := s.predictor.Residual(); r.N != 1 || r.P50 != 9900 {
		t.Errorf("residual %+v, want one of 10000 - 100 ns", r)
	}
	l.left(looped, stamp)
	if r := s.predictor.Residual(); r.N != 1 {
		t.Error("one Sync's second stamp is taken too")
	}
	for i := range sampling + 1 {
		l.asks(4_000_100, uint16(i))
	}
	if s.lost != 1 {
		t.Errorf("%d lost, want 1 after %d without a stamp", s.lost, sampling+1)
	}
}

// A device's stamps are the served clock's time and teach without a detour; the
// kernel's beside them says by how much the device is later. One that is wrong
// by a second, or comes again, teaches nothing.
func TestDeviceStamps(t *testing.T) {
	l := bench(t, true)
	s := l.stamps
	s.egress = 7
	looped := l.asks(4_000_100, 1)
	l.left(looped, byKernel(8_002_000, 0))
	l.left(looped, byDevice(4_003_000))
	l.left(looped, byDevice(4_003_000))
	if r := s.predictor.Residual(); r.N != 1 || r.P50 != 3007-100 {
		t.Errorf("residual %+v, want the device's 3000 ns and 7 ns of egress latency less the 100 predicted", r)
	}
	if b := s.beyond.Spread(); b.N != 1 || b.P50 != 1000 {
		t.Errorf("the device is %+v behind the kernel, want 1000 ns", b)
	}
	for i, wrong := range []int64{1e9, -1e9} {
		l.left(l.asks(4_000_200, uint16(2+i)), byDevice(4_003_000+wrong))
	}
	if s.stats.Refused != 2 || s.predictor.Residual().N != 1 || s.beyond.Spread().N != 1 {
		t.Errorf("stamps that are 1 s off: %d refused, %d learnt", s.stats.Refused, s.predictor.Residual().N-1)
	}
}

// A device that was given a Sync and gives no stamp back is told from a client
// that no Sync reaches.
func TestWithheldStamps(t *testing.T) {
	l := bench(t, true)
	s := l.stamps
	for i := range 20 {
		looped := l.asks(4_000_100+int64(i), uint16(i))
		if i < 15 { // the others' neighbour is not there
			l.left(looped, byKernel(8_002_000, 0))
		}
	}
	s.expire(timescale.MonoFromNs(4_000_200 + stampWaitNs))
	if s.stats.Asked != 20 || s.stats.Withheld != 15 || s.lost != 5 || s.stats.Stamped != 0 {
		t.Errorf("of 20: %+v, %d lost; want 15 withheld, 5 lost", s.stats, s.lost)
	}
}

// Where the kernel gives a stamp the number that it was asked by, the number
// finds the Sync, without its bytes, in whatever order they come; a number that
// nobody has asked by, or asked by before, finds none.
func TestNumberedStamps(t *testing.T) {
	l := bench(t, false)
	s := l.stamps
	s.numbered, s.next, s.first = true, ^uint32(0)-1, ^uint32(0)-1 // the numbers begin anew
	first := s.next
	for i := range 4 {
		l.asks(4_000_100, uint16(i))
	}
	for _, n := range []uint32{first + 3, first, first + 2} {
		l.left(nil, byKernel(8_010_000, n))
	}
	if r := s.predictor.Residual(); r.N != 3 || s.stray != 0 {
		t.Errorf("%d learnt, %d stray; want 3 and none", r.N, s.stray)
	}
	for _, n := range []uint32{first + 3, first + 4, first + sampling, first - 1} {
		l.left(nil, byKernel(8_010_000, n))
	}
	if r := s.predictor.Residual(); r.N != 3 || s.stray != 4 {
		t.Errorf("%d learnt, %d stray; want 3 and 4", r.N, s.stray)
	}
}

// Receive stamps: the device's is taken when the kernel's does not contradict
// it, the kernel's less the interrupt else.
func TestArrival(t *testing.T) {
	l := bench(t, true)
	l.stamping.Receive = true
	l.s.ingress = 3
	came := func(kernelNs, deviceNs int64) socket.Packet {
		return socket.Packet{Stamps: socket.Stamps{KernelNs: kernelNs, DeviceNs: deviceNs}}
	}
	const soft, at = 8_500_000, 4_500_000 // the same moment on CLOCK_REALTIME and on the served clock
	for _, c := range []struct {
		what   string
		packet socket.Packet
		want   int64
	}{
		{"both", came(soft, at-20_000), at - 20_000 - 3},
		{"the kernel's only: less the 20 us just measured", came(soft, 0), at - 20_000 - 3},
		{"the device's is a second old", came(soft, at-1e9), at - 20_000 - 3},
		{"the device's is of the future", came(soft, at+300_000), at - 20_000 - 3},
	} {
		if got, ok := l.arrival(&c.packet); !ok || got.Ns() != c.want {
			t.Errorf("%s: %d, %v; want %d", c.what, got.Ns(), ok, c.want)
		}
	}
	if _, ok := l.arrival(&socket.Packet{}); ok {
		t.Error("a message without a stamp has an arrival")
	}
	if n := l.stamps.stats; n.Received != 1 || n.ReceivedSoftware != 3 || n.ReceivedRefused != 2 {
		t.Errorf("counted %+v", n)
	}
}

// Latencies and the asymmetry are applied to a fraction of a nanosecond: whole
// nanoseconds to the stamps, the rest to the correctionFields.
func TestLatencies(t *testing.T) {
	for _, c := range []Latencies{{}, {EgressNs: 400, IngressNs: 300}, {EgressNs: 12.25, IngressNs: 7.75, AsymmetryNs: -3.5}, {EgressNs: -0.5, IngressNs: -0.5}} {
		sync, delayResp := c.Corrections()
		// What a client takes for the time of egress and ingress: timestamp plus
		// correction, receiveTimestamp less correction.
		if got := float64(c.egress()) + float64(sync)/65536; got != c.EgressNs+c.AsymmetryNs {
			t.Errorf("%+v: Sync says %v ns later, want %v", c, got, c.EgressNs+c.AsymmetryNs)
		}
		if got := -float64(c.ingress()) - float64(delayResp)/65536; got != -c.IngressNs+c.AsymmetryNs {
			t.Errorf("%+v: Delay_Resp says %v ns, want %v", c, got, -c.IngressNs+c.AsymmetryNs)
		}
	}
}

// A link that was away changes the kind of stamp and back; no Sync in between,
// nor the first after it, says the clock's bare reading.
func TestLatencyOutlivesTheKindOfStamp(t *testing.T) {
	l := bench(t, true)
	s := l.stamps
	for i := range 20 {
		looped := l.asks(4_000_100, uint16(i))
		l.left(looped, byKernel(8_002_000, 0))
		l.left(looped, byDevice(4_003_000))
	}
	for _, device := range []bool{false, true, false} {
		s.use(stampKind(device))
		if got := s.predictor.Predict(egress.First); got != 3000 {
			t.Errorf("by the device's stamps %v: predicts %d ns, want the 3000 that were learnt", device, got)
		}
	}
	// The kernel's stamps are 1 us earlier than the device's were.
	l.left(l.asks(4_000_100, 99), byKernel(8_002_000, 0))
	if r := s.predictor.Residual(); r.N != 1 || r.P50 != 3000-100 {
		t.Errorf("%+v; want the kernel's stamp brought to the wire, 3000 ns less the 100 predicted", r)
	}
}

// A sampled Sync that is followed costs no memory: neither the asking nor the
// stamps nor the Follow_Up.
func TestStampsDoNotAllocate(t *testing.T) {
	l := bench(t, true)
	b := (&wire.Sync{}).Append(nil)
	looped := append(make([]byte, 42), b...)
	seq := uint16(0)
	step := func() {
		seq++
		origin := timescale.LocalFromNs(4_000_100)
		wire.PutSequenceID(b, seq)
		wire.PutTimestamp(b[wire.OriginOffset:], wire.TimestampFromLocal(origin))
		l.stamps.ask(b, asked{want: l.stamps.wants(true), sample: true, token: 1, path: egress.First, read: timescale.MonoFromNs(4_000_000), origin: origin, predicted: 100})
		copy(looped[42:], b)
		l.left(looped, byKernel(8_002_000, 0))
		l.left(looped, byDevice(4_003_000))
		l.out.Reset()
	}
	for range 2000 {
		step()
	}
	if n := testing.AllocsPerRun(1000, step); n != 0 {
		t.Errorf("%v allocations", n)
	}
	if l.stamps.stats.Stamped != l.stamps.stats.Asked || l.stamps.stray != 0 {
		t.Errorf("%+v, %d stray: not what was to be measured", l.stamps.stats, l.stamps.stray)
	}
}
