package udp

import (
	"bytes"
	_ "embed"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
	"golang.org/x/sys/unix"

	"bragi/board/kernelclock"
	"bragi/gnss/timescale"
	"bragi/master"
	"bragi/master/wire"
)

//go:generate clang -target bpfel -mcpu=v3 -O2 -Wall -Wextra -Werror -c bpf/sync.c -o bpf/sync.o

// syncObject is bpf/sync.c, compiled: the same for each architecture of ours, all
// of which are little-endian.
//
//go:embed bpf/sync.o
var syncObject []byte

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
	link  link.Link // the program is there for as long as it is open, and the device is
	index int       // the device's
}

// notWritten is what messageTypeSpecific is where there is nothing to be done.
const notWritten = 0

// newOriginWriter links the program to a device's egress (tcx). The error may be
// EPERM, or ebpf.ErrNotSupported where the kernel is older than Linux 6.6.
func newOriginWriter(ifindex int, id wire.ClockIdentity, eventPort uint16) (*originWriter, error) {
	program, err := loadSyncProgram(id, eventPort)
	if err != nil {
		return nil, fmt.Errorf("udp: bpf: the program %s is refused: %w", syncProgram, err)
	}
	defer program.Close()
	l, err := link.AttachTCX(link.TCXOptions{Interface: ifindex, Program: program, Attach: ebpf.AttachTCXEgress})
	if err != nil {
		return nil, fmt.Errorf("udp: bpf: no link to device %d: %w", ifindex, err)
	}
	return &originWriter{link: l, index: ifindex}, nil
}

const (
	syncProgram = "bragi_sync"
	noCommand   = 1<<31 - 1 // of bpf(2): EINVAL
)

// loadSyncProgram gives the kernel the program for the Syncs of a clock that leave
// from a port. The error has the verifier's words.
func loadSyncProgram(id wire.ClockIdentity, eventPort uint16) (*ebpf.Program, error) {
	// Of a kernel without bpf(2) the library would say that it is too old.
	if _, _, e := unix.Syscall(unix.SYS_BPF, noCommand, 0, 0); e == unix.ENOSYS {
		return nil, e
	}
	spec, err := ebpf.LoadCollectionSpecFromReader(bytes.NewReader(syncObject))
	if err != nil {
		return nil, err
	}
	if err := errors.Join(
		spec.Variables["clock_identity"].Set(id),
		spec.Variables["event_port"].Set(binary.BigEndian.AppendUint16(nil, eventPort)),
	); err != nil {
		return nil, err
	}
	c, err := ebpf.NewCollection(spec)
	if errors.Is(err, unix.EPERM) {
		return nil, unix.EPERM // the library takes it for a limit on memory, which Linux 5.11 has done away with
	}
	if err != nil {
		return nil, err
	}
	defer c.Close()
	return c.DetachProgram(syncProgram), nil
}

func (w *originWriter) close() {
	if w != nil {
		_ = w.link.Close()
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
func monotonic() int64 {
	ns, _ := kernelclock.Read(unix.CLOCK_MONOTONIC) // the kernel does not refuse it
	return ns
}

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
	a.rawNs, a.monotonicNs, a.width = kernelclock.Sandwich(unix.CLOCK_MONOTONIC, a.narrowest+a.narrowest/4+200)
	if a.narrowest == 0 || a.width < a.narrowest {
		a.narrowest = a.width
	}
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
