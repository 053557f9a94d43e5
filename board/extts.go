package board

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"bragi/gnss/timescale"
)

// EXTTS is one external time stamp channel of a PHC: the hardware writes down
// its own time at each rising edge of a pin, so that nothing of the processor is
// in the stamp.
//
// Both edges are asked for: which one begins the pulse shows in their distances
// (gnss). A driver that stamps one only is asked for the rising one.
//
// Known of kernels and drivers: the second version of the request is strict, and
// EOPNOTSUPP says that the driver cannot do these edges. One that stamps both
// whatever it is asked for (igb) refuses a lone rising edge, and 7.x refuses each
// second version on drivers that do not say what they can (CPTS, stmmac): the first
// version, which checks nothing, is the last resort. Until 6.7 all readers of a PHC share one
// queue, so what lies there from before is thrown away and the channel number
// checked; an edge may be delivered several times. A channel outlives the process that
// was killed while it was on, and hardware that has one stamping unit (stmmac) then
// answers EBUSY for each other channel, or, before 6.7, switches it off silently.
type EXTTS struct {
	phc     *PHC
	path    string
	pins    int
	channel uint32
	file    exttsFile
	waiter  *waiter

	mu     sync.Mutex // one reader at a time; guards the rest
	queue  []unix.PtpExttsEvent
	last   unix.PtpClockTime
	closed atomic.Bool
}

var _ Pulses = (*EXTTS)(nil)

const (
	// exttsSigmaNs is the grain of the usual stamping counters: 8 ns / sqrt(12)
	// (FEC 8 ns, CPTS 4 ns).
	exttsSigmaNs = 2.3
	// staleEdge is the age at which an edge comes from before a step, or is a
	// driver's fault.
	staleEdge = 2 * time.Second
	// earlyEdge is how far the line may be off at most.
	earlyEdge = time.Millisecond
	exttsSize = int(unsafe.Sizeof(unix.PtpExttsEvent{}))
)

// exttsFile is the open device; tests have one of software.
type exttsFile interface {
	ioctl(request uint, arg unsafe.Pointer) error
	read([]byte) (int, error)
	fd() int // for poll
	close() error
}

func (f ptpFile) read(b []byte) (int, error) { return unix.Read(int(f), b) }
func (f ptpFile) fd() int                    { return int(f) }

// OpenEXTTS turns a channel of the PHC on. Where pins can be chosen, the one
// that has the channel already is kept, else a free one is taken.
func OpenEXTTS(phc *PHC, channel int) (*EXTTS, error) {
	file, err := openPTP(phc.Path())
	if err != nil {
		return nil, err
	}
	e, err := newEXTTS(phc, channel, file)
	if err != nil {
		return nil, errors.Join(err, file.close())
	}
	return e, nil
}

func newEXTTS(phc *PHC, channel int, file exttsFile) (*EXTTS, error) {
	path, caps := phc.Path(), phc.Capabilities()
	if n := caps.ExtTS; channel < 0 || channel >= n {
		return nil, fmt.Errorf("board: %s has no EXTTS channel %d: %s", path, channel, exttsFix(n))
	}
	w, err := newWaiter()
	if err != nil {
		return nil, err
	}
	e := &EXTTS{phc: phc, path: path, pins: caps.Pins, channel: uint32(channel), file: file, waiter: w}
	if err := e.setUp(); err != nil {
		w.close()
		return nil, err
	}
	return e, nil
}

func exttsFix(n int) string {
	if n == 0 {
		return `this clock stamps no edges; use gnss.pps = "/dev/pps0"`
	}
	return fmt.Sprintf(`use gnss.pps = "extts:0" to "extts:%d"`, n-1)
}

func (e *EXTTS) setUp() error {
	if e.pins > 0 {
		if err := e.setPin(); err != nil {
			return err
		}
	}
	if err := e.drain(); err != nil {
		return err
	}
	err := e.enable()
	if errors.Is(err, unix.EBUSY) {
		e.disableAll()
		err = e.enable()
	}
	if err != nil {
		fix := "see whether another program holds the channel or its pin"
		if errors.Is(err, unix.EOPNOTSUPP) {
			fix = `this driver cannot stamp rising edges; use gnss.pps = "/dev/pps0"`
		}
		return fmt.Errorf("board: %s: EXTTS channel %d: %w: %s", e.path, e.channel, os.NewSyscallError("ioctl PTP_EXTTS_REQUEST", err), fix)
	}
	return nil
}

// enable turns the channel on, off first: what another program asked for, or an
// earlier life, must not stay.
func (e *EXTTS) enable() error {
	const on = unix.PTP_ENABLE_FEATURE | unix.PTP_RISING_EDGE
	e.disable(e.channel)
	var err error
	for _, try := range []struct {
		version uint
		flags   uint32
	}{
		{unix.PTP_EXTTS_REQUEST2, on | unix.PTP_FALLING_EDGE},
		{unix.PTP_EXTTS_REQUEST2, on},
		{unix.PTP_EXTTS_REQUEST, on},
	} {
		err = e.file.ioctl(try.version, unsafe.Pointer(&unix.PtpExttsRequest{Index: e.channel, Flags: try.flags}))
		if err == nil || !unknownCall(err) {
			return err
		}
	}
	return err
}

// disable turns a channel off, which may have been off.
func (e *EXTTS) disable(channel uint32) {
	_ = e.file.ioctl(unix.PTP_EXTTS_REQUEST, unsafe.Pointer(&unix.PtpExttsRequest{Index: channel}))
}

// disableAll turns each channel off: one that a killed process left on.
func (e *EXTTS) disableAll() {
	for i := range e.phc.Capabilities().ExtTS {
		e.disable(uint32(i))
	}
}

// request tries the second version of an ioctl, then the first.
func (e *EXTTS) request(second, first uint, arg unsafe.Pointer) error {
	err := e.file.ioctl(second, arg)
	if err != nil && unknownCall(err) {
		err = e.file.ioctl(first, arg)
	}
	return err
}

// setPin gives the channel a pin.
func (e *EXTTS) setPin() error {
	free := -1
	var names []string
	for i := range e.pins {
		pin := unix.PtpPinDesc{Index: uint32(i)}
		if err := e.request(unix.PTP_PIN_GETFUNC2, unix.PTP_PIN_GETFUNC, unsafe.Pointer(&pin)); err != nil {
			return fmt.Errorf("board: %s: pin %d: %w", e.path, i, os.NewSyscallError("ioctl PTP_PIN_GETFUNC", err))
		}
		switch {
		case pin.Func == unix.PTP_PF_EXTTS && pin.Chan == e.channel:
			return nil
		case pin.Func == unix.PTP_PF_NONE && (free < 0 || i == int(e.channel)):
			free = i
		}
		names = append(names, pinName(pin))
	}
	if free < 0 {
		return fmt.Errorf("board: %s: no pin is free for EXTTS channel %d (%s): free one by writing \"0 0\" to its file in /sys/class/ptp/*/pins",
			e.path, e.channel, strings.Join(names, ", "))
	}
	pin := unix.PtpPinDesc{Index: uint32(free), Func: unix.PTP_PF_EXTTS, Chan: e.channel}
	if err := e.request(unix.PTP_PIN_SETFUNC2, unix.PTP_PIN_SETFUNC, unsafe.Pointer(&pin)); err != nil {
		return fmt.Errorf("board: %s: pin %s as EXTTS channel %d: %w: the pin may not be able to; choose another channel in gnss.pps",
			e.path, names[free], e.channel, os.NewSyscallError("ioctl PTP_PIN_SETFUNC", err))
	}
	return nil
}

func pinName(p unix.PtpPinDesc) string { return unix.ByteSliceToString(p.Name[:]) }

// drain throws away what waits.
func (e *EXTTS) drain() error {
	for {
		fds := []unix.PollFd{{Fd: int32(e.file.fd()), Events: unix.POLLIN}}
		n, err := unix.Poll(fds, 0)
		switch {
		case errors.Is(err, unix.EINTR):
			continue
		case err != nil:
			return fmt.Errorf("board: %s: %w", e.path, os.NewSyscallError("poll", err))
		case n == 0 || fds[0].Revents&unix.POLLIN == 0:
			return nil
		}
		if err := e.fetch(); err != nil {
			return err
		}
		e.queue = e.queue[:0]
	}
}

// fetch reads the events that wait; it blocks when there are none.
func (e *EXTTS) fetch() error {
	var b [16 * exttsSize]byte
	n, err := e.file.read(b[:])
	switch {
	case errors.Is(err, unix.EINTR), errors.Is(err, unix.EAGAIN):
		return nil
	case errors.Is(err, unix.ENODEV):
		return fmt.Errorf("board: %s: %w: the device is gone", e.path, os.NewSyscallError("read", err))
	case err != nil:
		return fmt.Errorf("board: %s: %w", e.path, os.NewSyscallError("read", err))
	}
	for b := b[:n]; len(b) >= exttsSize; b = b[exttsSize:] {
		e.queue = append(e.queue, parseExtts(b))
	}
	return nil
}

// parseExtts reads struct ptp_extts_event.
func parseExtts(b []byte) unix.PtpExttsEvent {
	o := binary.NativeEndian
	return unix.PtpExttsEvent{
		T:     unix.PtpClockTime{Sec: int64(o.Uint64(b)), Nsec: o.Uint32(b[8:])},
		Index: o.Uint32(b[16:]),
		Flags: o.Uint32(b[20:]),
	}
}

// ReadEdge waits for the next edge.
func (e *EXTTS) ReadEdge(ctx context.Context) (timescale.Edge, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for {
		for len(e.queue) > 0 {
			event := e.queue[0]
			e.queue = e.queue[1:]
			if edge, ok := e.edge(event); ok {
				return edge, nil
			}
		}
		if e.closed.Load() {
			return timescale.Edge{}, fmt.Errorf("board: %s: EXTTS channel %d: %w", e.path, e.channel, os.ErrClosed)
		}
		err := e.waiter.readable(ctx, e.file.fd())
		switch {
		case errors.Is(err, errCalled):
			continue
		case err != nil && ctx.Err() != nil:
			return timescale.Edge{}, ctx.Err()
		case err != nil:
			return timescale.Edge{}, fmt.Errorf("board: %s: EXTTS channel %d: %w: is the device still there?", e.path, e.channel, err)
		}
		if err := e.fetch(); err != nil {
			return timescale.Edge{}, err
		}
	}
}

// edge makes an Edge of an event, unless it is another channel's, repeated,
// stamped more than two seconds before it came or after (from before a step of the
// clock, or a driver's fault), or near a moment when somebody else set the clock.
func (e *EXTTS) edge(event unix.PtpExttsEvent) (timescale.Edge, bool) {
	if event.Index != e.channel {
		return timescale.Edge{}, false
	}
	if event.T == e.last {
		return timescale.Edge{}, false
	}
	e.last = event.T
	// A clock that somebody set a moment ago stamped before or after: nobody knows.
	// It is looked at now, so that the servo never sees such an edge.
	if _, err := e.phc.Cross(); err == nil && e.phc.Disturbance().Count > 0 {
		return timescale.Edge{}, false
	}
	local := timescale.LocalFromNs(ptpNs(event.T))
	mono := e.phc.Timebase().MonoAt(local)
	if age := e.phc.clocks.raw().Sub(mono); age > staleEdge || age < -earlyEdge {
		return timescale.Edge{}, false
	}
	return timescale.Edge{Local: local, Mono: mono, SigmaNs: exttsSigmaNs}, true
}

// Close turns the channel off and ends a ReadEdge that waits.
func (e *EXTTS) Close() error {
	if e.closed.Swap(true) {
		return nil
	}
	e.waiter.call()
	e.mu.Lock()
	defer e.mu.Unlock()
	request := unix.PtpExttsRequest{Index: e.channel}
	off := e.file.ioctl(unix.PTP_EXTTS_REQUEST, unsafe.Pointer(&request))
	e.waiter.close()
	if err := e.file.close(); err != nil {
		return fmt.Errorf("board: %s: %w", e.path, os.NewSyscallError("close", err))
	}
	if off != nil && !errors.Is(off, unix.ENODEV) {
		return fmt.Errorf("board: %s: EXTTS channel %d stays on: %w", e.path, e.channel, os.NewSyscallError("ioctl PTP_EXTTS_REQUEST", off))
	}
	return nil
}
