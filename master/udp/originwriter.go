package udp

import (
	"encoding/binary"
	"fmt"
	"time"

	"golang.org/x/sys/unix"

	"bragi/gnss/timescale"
	"bragi/master"
	"bragi/master/wire"
)

// originWriter is a program in the kernel, at the egress of the network device,
// that writes into each one-step Sync of ours when it is handed to the driver:
//
//	program: originTimestamp = clock's reading + predicted latency of the send
//	         messageTypeSpecific = when that was predicted to be (CLOCK_MONOTONIC, the lower 32 bits, ns)
//	kernel:  originTimestamp += CLOCK_MONOTONIC now - messageTypeSpecific; messageTypeSpecific = 0
//
// What is left to predict is the way from there to the wire. A Sync that the
// program does not see (another device, a program that was taken away) says what
// was predicted, and one that waited for its destination's address says when it
// left. IEEE 1588-2019, 13.3.2.10, leaves messageTypeSpecific to a clock's own parts
// for such a time stamp.
type originWriter struct {
	program, link int
	index         int // the device's
}

// notWritten is what messageTypeSpecific is where there is nothing to be done.
const notWritten = 0

// newOriginWriter links the program to a device. The errno in an error may be
// EPERM, or EINVAL where the kernel is older than Linux 6.6.
func newOriginWriter(ifindex int, id wire.ClockIdentity, eventPort uint16) (w *originWriter, err error) {
	w = &originWriter{program: -1, link: -1, index: ifindex}
	defer func() {
		if err != nil {
			w.close()
		}
	}()
	if w.program, err = loadProgram("bragi_sync", originProgram(id, eventPort)); err != nil {
		return nil, fmt.Errorf("udp: %w", err)
	}
	if w.link, err = linkEgress(w.program, ifindex); err != nil {
		return nil, fmt.Errorf("udp: %w", err)
	}
	return w, nil
}

func (w *originWriter) close() {
	if w == nil {
		return
	}
	for _, fd := range []int{w.link, w.program} {
		if fd >= 0 {
			_ = unix.Close(fd)
		}
	}
}

// mark asks the kernel to write the time into a Sync that says what the clock
// will read at a moment of CLOCK_MONOTONIC.
func mark(sync []byte, at int64) {
	m := uint32(at)
	if m == notWritten {
		m++
	}
	wire.PutTypeSpecific(sync, m)
}

// written tells whether the kernel has written the time into the Sync that a
// packet ends in, which was marked, and what it says then.
func written(packet []byte) (origin timescale.Local, ok bool) {
	if len(packet) < wire.SyncLen {
		return origin, false
	}
	sync := packet[len(packet)-wire.SyncLen:]
	if wire.TypeSpecific(sync) != notWritten {
		return origin, false
	}
	return wire.OriginOf(sync).Local(), true
}

// monotonic reads the clock that the kernel's program reads.
func monotonic() int64 { return read(unix.CLOCK_MONOTONIC) }

// abreast are CLOCK_MONOTONIC_RAW and CLOCK_MONOTONIC of one moment. The second is
// slewed by others, by half a microsecond in freshFor at most.
type abreast struct {
	rawNs, monotonicNs int64
	width, narrowest   int64 // of the sandwich, and of all before
}

const freshFor = time.Millisecond

// now reads both clocks: one if the other was read with it a moment ago. An
// interrupt between two readings would be taken for time that has passed.
func (a *abreast) now() (raw timescale.Mono, mono int64) {
	mono = monotonic()
	if age := mono - a.monotonicNs; age < 0 || age > int64(freshFor) {
		a.look()
		mono = monotonic()
	}
	return timescale.MonoFromNs(a.rawNs + mono - a.monotonicNs), mono
}

// look reads both clocks together.
func (a *abreast) look() {
	a.rawNs, a.monotonicNs, a.width = sandwich(unix.CLOCK_MONOTONIC, a.narrowest+a.narrowest/4+200)
	if a.narrowest == 0 || a.width < a.narrowest {
		a.narrowest = a.width
	}
}

// Where a Sync's fields lie in its Ethernet frame. A VLAN's tag is put in behind
// the program.
const (
	ipAt       = 14
	udpAt      = ipAt + 20
	syncAt     = udpAt + 8
	markAt     = syncAt + wire.TypeSpecificOffset
	secondsAt  = syncAt + wire.OriginOffset
	nsAt       = secondsAt + 6
	frameEnd   = syncAt + wire.SyncLen
	markToEnd  = frameEnd - markAt
	checksumAt = udpAt + 6
)

// oldest is how long ago a Sync's time may have been read: what has passed since is
// counted by an oscillator that may be 50 ppm off, 2.5 us then. An older one, of a
// process that was stopped or to a destination whose address was looked for, is
// dropped: the next one is better.
const oldest = 50 * time.Millisecond

// originProgram is the program for the Syncs of a clock that leave from a port.
//
// It writes twice: the first time brings what runs and what is written into the
// caches, so that the second is quick, and equally quick each time. The mark of
// the first is when it read the clock.
func originProgram(id wire.ClockIdentity, port uint16) []instruction {
	const (
		packet, seconds, ns, kept = register(6), register(7), register(8), register(9)
		// On the stack: the frame, placed so that its long fields are aligned, below it
		// the octets from the mark to the end as they will be, and which pass it is.
		old  = -frameEnd - 4
		next = old - markToEnd - 2
		pass = next - 8

		second = int32(time.Second)
	)
	var p program
	// A Sync of ours, and marked?
	p.mov(packet, 1)
	p.load(2, word, packet, 0) // skb->len
	p.when(2, unix.BPF_JNE, frameEnd, "let it go")
	p.call(helperSkbLoadBytes, in(packet), value(0), onStack(old), value(frameEnd))
	p.when(0, unix.BPF_JNE, 0, "let it go")
	for _, f := range []struct {
		at    int
		n     size
		bits  int32
		value int32
	}{
		{12, half, 0xFFFF, unix.ETH_P_IP}, {ipAt, octet, 0xFF, 0x45}, {ipAt + 9, octet, 0xFF, unix.IPPROTO_UDP},
		{udpAt, half, 0xFFFF, int32(port)}, {syncAt, octet, 0x0F, int32(wire.TypeSync)},
	} {
		p.load(1, f.n, frame, old+f.at)
		if f.n == half {
			p.bigEndian(1, 16)
		}
		p.andK(1, f.bits)
		p.when(1, unix.BPF_JNE, f.value, "let it go")
	}
	for i := 0; i < len(id); i += 4 {
		p.load(1, word, frame, old+syncAt+wire.SourceOffset+i)
		p.whenWord(1, unix.BPF_JNE, binary.NativeEndian.Uint32(id[i:]), "let it go")
	}
	p.load(1, word, frame, old+markAt)
	p.when(1, unix.BPF_JEQ, notWritten, "let it go")
	p.set(1, 0)
	p.store(long, frame, pass, 1)

	// By how much the clock has gone on since the mark: 32 bits, two seconds either way.
	p.label("write")
	p.call(helperKtimeGetNs)
	p.mov(kept, 0)
	p.load(1, word, frame, old+markAt)
	p.bigEndian(1, 32)
	p.minus(0, 1)
	p.leftK(0, 32)
	p.signedRightK(0, 32)
	p.when(0, unix.BPF_JSGT, int32(oldest), "drop")
	p.when(0, unix.BPF_JSLT, -int32(oldest), "drop")
	// The origin, later by that.
	p.load(ns, word, frame, old+nsAt)
	p.bigEndian(ns, 32)
	p.plus(ns, 0)
	p.load(seconds, half, frame, old+secondsAt)
	p.bigEndian(seconds, 16)
	p.leftK(seconds, 32)
	p.load(1, word, frame, old+secondsAt+2)
	p.bigEndian(1, 32)
	p.or(seconds, 1)
	p.when(ns, unix.BPF_JSGE, 0, "not before")
	p.plusK(ns, second)
	p.plusK(seconds, -1)
	p.label("not before")
	p.when(ns, unix.BPF_JSLT, second, "not after")
	p.plusK(ns, -second)
	p.plusK(seconds, 1)
	p.label("not after")

	// The octets as they will be: the first time with another mark, at last with none.
	p.load(1, long, frame, pass)
	p.when(1, unix.BPF_JEQ, 0, "mark")
	p.set(kept, notWritten)
	p.label("mark")
	p.bigEndian(kept, 32)
	p.store(word, frame, next, kept)
	for at := markAt + 4; at < frameEnd; at += 4 {
		p.load(1, word, frame, old+at)
		p.store(word, frame, next+at-markAt, 1)
	}
	p.bigEndian(ns, 32)
	p.store(word, frame, next+nsAt-markAt, ns)
	p.mov(1, seconds)
	p.bigEndian(1, 32)
	p.store(word, frame, next+secondsAt+2-markAt, 1)
	p.rightK(seconds, 32)
	p.bigEndian(seconds, 16)
	p.store(half, frame, next+secondsAt-markAt, seconds)

	// Into the packet, and the difference into UDP's checksum, if the device is not to
	// make that; one of zero says that there is none, and stays.
	p.call(helperCsumDiff, onStack(old+markAt), value(markToEnd), onStack(next), value(markToEnd), value(0))
	p.mov(kept, 0)
	p.call(helperSkbStoreBytes, in(packet), value(markAt), onStack(next), value(markToEnd), value(0))
	p.when(0, unix.BPF_JNE, 0, "let it go")
	p.call(helperL4CsumReplace, in(packet), value(checksumAt), value(0), in(kept), value(unix.BPF_F_MARK_MANGLED_0))

	// Once more, from what is there now.
	p.load(1, long, frame, pass)
	p.when(1, unix.BPF_JNE, 0, "let it go")
	p.set(1, 1)
	p.store(long, frame, pass, 1)
	for at := 0; at < markToEnd; at += 4 {
		p.load(1, word, frame, next+at)
		p.store(word, frame, old+markAt+at, 1)
	}
	p.always("write")

	p.label("let it go")
	p.set(0, tcxNext)
	p.exit()
	p.label("drop")
	p.set(0, tcxDrop)
	p.exit()
	return p.resolved()
}

// OriginWriter links the kernel's program to a device, or, with index 0, takes it
// away. Until it is there, and when it cannot be, the time in a Sync is predicted
// as a whole. The error says why it cannot be.
func (s *Server) OriginWriter(ifindex int) error {
	s.device.Lock()
	defer s.device.Unlock()
	if s.writer != nil && s.writer.index == ifindex {
		return nil
	}
	old := s.writer
	s.writer = nil
	var err error
	if ifindex > 0 {
		if s.writer, err = newOriginWriter(ifindex, s.cfg.Identity, s.cfg.EventPort); err != nil {
			s.writer = nil
		}
	}
	on := s.writer != nil
	s.post(func(_ *master.Master, l *loop) { l.marks = on })
	old.close() // what is marked and on its way says what was predicted
	return err
}
