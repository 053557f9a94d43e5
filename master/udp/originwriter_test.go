package udp

import (
	"bytes"
	"encoding/binary"
	"errors"
	"net/netip"
	"testing"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"golang.org/x/sys/unix"

	"bragi/gnss/timescale"
	"bragi/master/egress"
	"bragi/master/udp/socket"
	"bragi/master/wire"
)

// Where a Sync's fields lie in its Ethernet frame.
const (
	ipAt       = 14
	udpAt      = ipAt + 20
	checksumAt = udpAt + 6
	syncAt     = udpAt + 8
	markAt     = syncAt + wire.TypeSpecificOffset
	secondsAt  = syncAt + wire.OriginOffset
	frameEnd   = syncAt + wire.SyncLen
)

// oldest is the age of a Sync's time from which on it is dropped.
const oldest = 50 * time.Millisecond

// What the program may answer (enum tcx_action_base).
const (
	tcxNext = -1 // on to the device
	tcxDrop = 2
)

// writerProgram is the kernel's program, loaded.
func writerProgram(t *testing.T) *ebpf.Program {
	t.Helper()
	p, err := loadSyncProgram(serverID, EventPort)
	switch {
	case errors.Is(err, unix.EPERM), errors.Is(err, unix.ENOSYS):
		t.Skipf("SKIPPED: no program may be given to this kernel: %v (fix: run as root)", err)
	case err != nil:
		t.Fatalf("%+v", err) // all of the verifier's words
	}
	t.Cleanup(func() { p.Close() })
	return p
}

// runProgram lets the kernel run a program on a frame (BPF_PROG_TEST_RUN).
func runProgram(t *testing.T, p *ebpf.Program, frame []byte) (out []byte, answer uint32) {
	t.Helper()
	answer, out, err := p.Test(frame)
	if err != nil {
		t.Fatal(err)
	}
	return out, answer
}

// marked is a Sync as it leaves by Ethernet, its UDP checksum right.
func marked(origin wire.Timestamp, mark uint32) []byte {
	sync := (&wire.Sync{Header: wire.Header{Flags: wire.FlagUnicast, SequenceID: 7, Source: wire.PortIdentity{Clock: serverID, Port: 1}, LogInterval: wire.LogIntervalNone}, OriginTimestamp: origin}).Append(nil)
	wire.PutTypeSpecific(sync, mark)
	f := make([]byte, syncAt, frameEnd)
	copy(f[12:], []byte{0x08, 0x00, 0x45, 0xBC, 0, 20 + 8 + wire.SyncLen, 0, 0, 0, 0, 64, unix.IPPROTO_UDP, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2})
	binary.BigEndian.PutUint16(f[udpAt:], EventPort)
	binary.BigEndian.PutUint16(f[udpAt+2:], EventPort)
	binary.BigEndian.PutUint16(f[udpAt+4:], 8+wire.SyncLen)
	f = append(f, sync...)
	binary.BigEndian.PutUint16(f[checksumAt:], ^udpSum(f))
	return f
}

// udpSum is the one's complement sum over a frame's UDP datagram and its
// pseudo-header: 0xFFFF when the checksum in it is right.
func udpSum(f []byte) uint16 {
	sum := uint32(unix.IPPROTO_UDP) + uint32(len(f)-udpAt)
	for _, part := range [][]byte{f[ipAt+12 : udpAt], f[udpAt:]} {
		for i := 0; i < len(part); i += 2 {
			sum += uint32(binary.BigEndian.Uint16(part[i:]))
		}
	}
	for sum > 0xFFFF {
		sum = sum&0xFFFF + sum>>16
	}
	return uint16(sum)
}

// The program adds to a marked Sync's time what has passed since its mark, over
// the ends of seconds, and keeps the checksum right.
func TestOriginProgram(t *testing.T) {
	program := writerProgram(t)
	const second = int64(time.Second)
	for _, c := range []struct {
		what  string
		said  wire.Timestamp
		since time.Duration // the mark lies so long ago
	}{
		{"40 us", wire.Timestamp{Seconds: 1_800_000_000, Nanoseconds: 5}, 40 * time.Microsecond},
		{"into the next second", wire.Timestamp{Seconds: 1_800_000_000, Nanoseconds: 999_999_999}, 30 * time.Microsecond},
		{"long, into the next second", wire.Timestamp{Seconds: 1_800_000_000, Nanoseconds: 980_000_000}, 25 * time.Millisecond},
		{"predicted too late", wire.Timestamp{Seconds: 1_800_000_000, Nanoseconds: 500_000_000}, -40 * time.Millisecond},
		{"into the second before", wire.Timestamp{Seconds: 1_800_000_000, Nanoseconds: 1000}, -40 * time.Millisecond},
		{"beyond 32 bits of seconds", wire.Timestamp{Seconds: 1<<32 - 1, Nanoseconds: 999_999_000}, time.Millisecond},
		{"and back", wire.Timestamp{Seconds: 1 << 32, Nanoseconds: 1000}, -40 * time.Millisecond},
	} {
		at := monotonic() - int64(c.since)
		frame := marked(c.said, uint32(at))
		out, answer := runProgram(t, program, frame)
		passed := monotonic() - at
		got := wire.OriginOf(out[syncAt:])
		moved := int64(got.Seconds-c.said.Seconds)*second + int64(got.Nanoseconds) - int64(c.said.Nanoseconds)
		if int32(answer) != tcxNext || len(out) != frameEnd || moved < int64(c.since) || moved > passed || int64(got.Nanoseconds) >= second {
			t.Errorf("%s: answer %d, %d octets, from %v to %v: by %d ns, want %d to %d", c.what, int32(answer), len(out), c.said, got, moved, int64(c.since), passed)
		}
		if udpSum(out) != 0xFFFF {
			t.Errorf("%s: the UDP checksum is wrong", c.what)
		}
		if wire.TypeSpecific(out[syncAt:]) != 0 {
			t.Errorf("%s: the mark is left", c.what)
		}
		// Nothing else has changed.
		for _, f := range [][]byte{frame, out} {
			copy(f[checksumAt:], []byte{0, 0})
			clear(f[markAt : markAt+4])
			clear(f[secondsAt:])
		}
		if !bytes.Equal(frame, out) {
			t.Errorf("%s: something else was written\n%x\n%x", c.what, frame, out)
		}
	}
}

// What is not a marked Sync of ours passes untouched; a Sync that is older than
// its time can be told is dropped. A checksum that is left out stays out.
func TestOriginProgramLeavesOthersAlone(t *testing.T) {
	program := writerProgram(t)
	said := wire.Timestamp{Seconds: 1_800_000_000, Nanoseconds: 1}
	now := func() uint32 { return uint32(monotonic() - 1000) }
	for what, change := range map[string]func(f []byte) []byte{
		"no mark":            func(f []byte) []byte { wire.PutTypeSpecific(f[syncAt:], 0); return f },
		"another port":       func(f []byte) []byte { f[udpAt+1]++; return f },
		"a Delay_Req":        func(f []byte) []byte { f[syncAt] = byte(wire.TypeDelayReq); return f },
		"another clock's":    func(f []byte) []byte { f[syncAt+wire.SourceOffset+7]++; return f },
		"TCP":                func(f []byte) []byte { f[ipAt+9] = unix.IPPROTO_TCP; return f },
		"IPv6":               func(f []byte) []byte { f[12], f[13] = 0x86, 0xDD; return f },
		"options of IP":      func(f []byte) []byte { f[ipAt] = 0x46; return f },
		"longer by an octet": func(f []byte) []byte { return append(f, 0) },
		"shorter":            func(f []byte) []byte { return f[:frameEnd-1] },
	} {
		frame := change(marked(said, now()))
		if out, answer := runProgram(t, program, frame); int32(answer) != tcxNext || !bytes.Equal(out, frame) {
			t.Errorf("%s: answer %d, changed: %v", what, int32(answer), !bytes.Equal(out, frame))
		}
	}
	for _, since := range []time.Duration{oldest + time.Microsecond, time.Second, 2 * time.Second, 3 * time.Second, -oldest - time.Second/10, -time.Second} {
		if _, answer := runProgram(t, program, marked(said, uint32(monotonic()-int64(since)))); answer != tcxDrop {
			t.Errorf("a Sync of %v ago: answer %d", since, int32(answer))
		}
	}
	frame := marked(said, now())
	copy(frame[checksumAt:], []byte{0, 0})
	if out, _ := runProgram(t, program, frame); out[checksumAt] != 0 || out[checksumAt+1] != 0 || bytes.Equal(out, frame) {
		t.Errorf("without a checksum: %x", out[checksumAt:checksumAt+2])
	}
}

// The second time that the time is written the same instructions run as the first
// time, so that they are in the cache: the compiler has not unrolled the loop.
func TestBothPassesRunTheSameInstructions(t *testing.T) {
	spec, err := ebpf.LoadCollectionSpecFromReader(bytes.NewReader(syncObject))
	if err != nil {
		t.Fatal(err)
	}
	calls := map[int64]int{}
	for _, i := range spec.Programs[syncProgram].Instructions {
		if i.IsBuiltinCall() {
			calls[i.Constant]++
		}
	}
	for _, helper := range []asm.BuiltinFunc{asm.FnKtimeGetNs, asm.FnCsumDiff, asm.FnSkbStoreBytes, asm.FnL4CsumReplace} {
		if n := calls[int64(helper)]; n != 1 {
			t.Errorf("%v is called at %d places, want 1", helper, n)
		}
	}
}

// The Syncs of a server say when the kernel handed them on. Where the program is
// gone they say what was predicted, and that is counted.
func TestKernelWritesSyncs(t *testing.T) {
	inNamespace(t, []string{"link set lo up", "address add 10.9.0.1/32 dev lo", "address add 10.9.0.2/32 dev lo"}, func(t *testing.T) {
		writerProgram(t) // or skips
		server, client := netip.MustParseAddr("10.9.0.1"), netip.MustParseAddr("10.9.0.2")
		s := serve(t, server, 0)
		const loopback = 1
		if err := s.OriginWriter(1 << 20); !errors.Is(err, unix.ENODEV) && !errors.Is(err, unix.EINVAL) {
			t.Errorf("a device that is not there: %v", err)
		}
		if err := s.OriginWriter(loopback); err != nil {
			t.Fatal(err)
		}
		p := newPeer(t, s, client, server)
		p.request(t, p.general, wire.UnicastRequest{MessageType: wire.TypeAnnounce, LogInterval: -3, Duration: 60}, wire.UnicastRequest{MessageType: wire.TypeSync, LogInterval: -7, Duration: 60})
		syncs := func(n int) (marked int, worst time.Duration) {
			for range n {
				b, _ := next(t, p.event)
				late := Now().Sub(timescale.MonoFromNs(wire.OriginOf(b).Local().Ns())) // the served clock reads CLOCK_MONOTONIC_RAW
				worst = max(worst, -late)
				if wire.TypeSpecific(b) != 0 {
					marked++
				}
			}
			return marked, worst
		}
		if marked, early := syncs(256); marked != 0 || early > time.Millisecond {
			t.Errorf("%d of 256 Syncs have their mark; one was there %v before it left", marked, early)
		}
		st := status(t, s, func(st Status) bool { return st.Transport.Stamps.Written >= 30 }).Transport
		if st.Stamps.Unwritten != 0 || st.StampsStray != 0 {
			t.Errorf("%d samples without the kernel's time, %d stray stamps", st.Stamps.Unwritten, st.StampsStray)
		}
		if w := st.Latency.Saved.Written; len(w) < 20 {
			t.Errorf("%d latencies were learnt", len(w))
		}

		s.device.Lock()
		err := s.writer.link.Close()
		s.device.Unlock()
		if err != nil {
			t.Fatal(err)
		}
		syncs(64) // those on their way
		if marked, early := syncs(64); marked != 64 || early > 10*time.Millisecond {
			t.Errorf("%d of 64 Syncs have their mark; one was there %v before it left", marked, early)
		}
		status(t, s, func(st Status) bool { return st.Transport.Stamps.Unwritten > 0 })
		if err := s.OriginWriter(0); err != nil {
			t.Error(err)
		}
		syncs(64)
		if marked, _ := syncs(64); marked != 0 {
			t.Errorf("%d of 64 Syncs have a mark that nobody reads", marked)
		}
	})
}

// A marked Sync is known by where it goes, and teaches by what it says at the
// end; one that was not written by what was predicted.
func TestStampsOfMarkedSyncs(t *testing.T) {
	l := bench(t, false)
	s := l.stamps
	ask := func(seq uint16, host byte) []byte {
		b := (&wire.Sync{Header: wire.Header{SequenceID: seq}}).Append(nil)
		origin := timescale.LocalFromNs(4_000_100)
		wire.PutTimestamp(b[wire.OriginOffset:], wire.TimestampFromLocal(origin))
		a := asked{want: socket.KernelStamp, sample: true, path: egress.First, read: timescale.MonoFromNs(4_000_000), origin: origin, predicted: 100, marked: true, rest: 300, dst: [4]byte{10, 0, 0, host}}
		mark(b, 77)
		s.ask(b, a)
		looped := append(make([]byte, 42), b...)
		copy(looped[14+16:], a.dst[:])
		return looped
	}
	writes := func(looped []byte, at int64) {
		wire.PutTypeSpecific(looped[42:], 0)
		wire.PutTimestamp(looped[42+wire.OriginOffset:], wire.TimestampFromLocal(timescale.LocalFromNs(at)))
	}
	one, other := ask(7, 1), ask(7, 2)
	writes(one, 4_009_300) // read at 4_009_000, and 300 ns from there are expected
	writes(other, 4_020_300)
	l.left(other, byKernel(8_020_500, 0))
	l.left(one, byKernel(8_010_000, 0))
	if r := s.predictor.Residual(); r.N != 2 || r.P1 != 200 || r.P99 != 700 {
		t.Errorf("residuals %+v, want 200 and 700 ns", r)
	}
	if saved := s.predictor.Save(); len(saved.Written) != 2 || saved.Written[0] != 500 || saved.Written[1] != 1000 || len(saved.First) != 2 || saved.First[1] != 10_000 {
		t.Errorf("learnt %+v, want 500 and 1000 ns from the kernel on, 20.5 and 10 us in all", saved)
	}
	unwritten := ask(8, 1)
	l.left(unwritten, byKernel(8_015_000, 0))
	if r := s.predictor.Residual(); r.N != 3 || r.P99 != 14_900 || s.stats.Written != 2 || s.stats.Unwritten != 1 {
		t.Errorf("residuals %+v, %+v; want one of 15000 - 100 ns", r, s.stats)
	}
	if s.stray != 0 || s.lost != 0 {
		t.Errorf("%d stray, %d lost", s.stray, s.lost)
	}
}

// Every moment has a mark, and a mark is not taken for the kernel's time.
func TestMark(t *testing.T) {
	b := (&wire.Sync{}).Append(nil)
	if _, ok := written(b); !ok {
		t.Error("a Sync without a mark is taken for one with it")
	}
	for _, at := range []int64{0, 1, 1<<32 - 1, 1 << 32, 1 << 62} {
		mark(b, at)
		if _, ok := written(b); ok || wire.TypeSpecific(b)-uint32(at) > 1 {
			t.Errorf("%d: mark %d, taken for the kernel's time: %v", at, wire.TypeSpecific(b), ok)
		}
	}
	if _, ok := written(b[:wire.SyncLen-1]); ok {
		t.Error("a Sync that was cut short says a time")
	}
}

// Both clocks are of one moment, but for half of the sandwich, and the second is
// read alone while the first is fresh.
func TestClocksAbreast(t *testing.T) {
	var a abreast
	for range 1000 {
		before, was := Now(), a.rawNs
		raw, mono := a.now()
		off := time.Duration(a.width/2 + 1)
		if raw.Before(before.Add(-off)) || Now().Add(off).Before(raw) || mono > monotonic() {
			t.Fatalf("%d is not between two readings of its clock, %v off at most", raw.Ns(), off)
		}
		if fresh := mono - a.monotonicNs; fresh > int64(freshFor) && was == a.rawNs {
			t.Fatalf("a sandwich of %d ns ago is used", fresh)
		}
	}
}
