package board

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"bragi/board/kernelclock"
	"bragi/gnss/timescale"
)

// PPS is /dev/ppsN: the kernel writes CLOCK_REALTIME down when the pulse
// interrupts it. The way to the served clock is REALTIME -> RAW by a sandwich
// read right after, RAW -> Local by the clock's line. An edge that a jump of
// CLOCK_REALTIME may have hit is dropped.
type PPS struct {
	path   string
	clock  Clock
	device ppsDevice
	pair   func() (kernelclock.Pair, error)

	mu     sync.Mutex       // one reader at a time; guards the rest
	last   uint32           // the kernel's count of asserts
	clears uint32           // and of clears
	before kernelclock.Pair // read after the edge before, or at the opening
	closed atomic.Bool
}

var _ Pulses = (*PPS)(nil)

const (
	// ppsSigmaNs is the spread of a GPIO's interrupt latency (BeagleBone, mean
	// 6.9 us, deviation 1.7 us).
	ppsSigmaNs = 1700
	// ppsSlice is how long one wait in the kernel lasts: nothing calls it off.
	ppsSlice = 100 * time.Millisecond
)

// ppsDevice is an open /dev/ppsN; tests have one of software.
type ppsDevice interface {
	// fetch reads the latest edge; with a wait, the next one, or ETIMEDOUT.
	fetch(wait time.Duration) (unix.PPSFData, error)
	// capture lets rising edges be captured, and falling ones where the source can.
	capture() error
	close() error
}

type ppsFile int

func (f ppsFile) fetch(wait time.Duration) (unix.PPSFData, error) {
	d := unix.PPSFData{Timeout: unix.PPSKTime{Nsec: int32(wait)}}
	err := ioctl(int(f), unix.PPS_FETCH, unsafe.Pointer(&d))
	return d, err
}

func (f ppsFile) capture() error {
	var caps int32
	if err := ioctl(int(f), unix.PPS_GETCAP, unsafe.Pointer(&caps)); err != nil {
		return os.NewSyscallError("ioctl PPS_GETCAP", err)
	}
	var p unix.PPSKParams
	if err := ioctl(int(f), unix.PPS_GETPARAMS, unsafe.Pointer(&p)); err != nil {
		return os.NewSyscallError("ioctl PPS_GETPARAMS", err)
	}
	want := p.Mode | ppsCaptureAssert | caps&ppsCaptureClear
	if p.Mode == want {
		return nil
	}
	have := p.Mode
	p.Mode = want
	err := ioctl(int(f), unix.PPS_SETPARAMS, unsafe.Pointer(&p))
	if err != nil && have&ppsCaptureAssert != 0 {
		return nil // without the right to set it (CAP_SYS_TIME) rising edges come all the same
	}
	return os.NewSyscallError("ioctl PPS_SETPARAMS", err)
}

func (f ppsFile) close() error { return unix.Close(int(f)) }

// Of linux/pps.h.
const (
	ppsCaptureAssert = 0x01 // PPS_CAPTUREASSERT
	ppsCaptureClear  = 0x02 // PPS_CAPTURECLEAR
)

// OpenPPS opens a /dev/ppsN whose edges are to be told in the time of clock.
func OpenPPS(path string, clock Clock) (*PPS, error) {
	fd, err := openDevice(path)
	if err != nil {
		return nil, err
	}
	p, err := newPPS(path, clock, ppsFile(fd), kernelclock.ReadPair)
	if err != nil {
		return nil, errors.Join(err, unix.Close(fd))
	}
	return p, nil
}

func newPPS(path string, clock Clock, device ppsDevice, pair func() (kernelclock.Pair, error)) (*PPS, error) {
	if err := device.capture(); err != nil {
		return nil, fmt.Errorf("board: %s gives no rising edges: %w: name a /dev/ppsN in gnss.pps", path, err)
	}
	p := &PPS{path: path, clock: clock, device: device, pair: pair}
	now, err := device.fetch(0)
	if err != nil {
		return nil, fmt.Errorf("board: %s: %w", path, os.NewSyscallError("ioctl PPS_FETCH", err))
	}
	p.last, p.clears = now.Info.Assert_sequence, now.Info.Clear_sequence // what was before the opening does not count
	if p.before, err = pair(); err != nil {
		return nil, fmt.Errorf("board: %s: %w", path, err)
	}
	return p, nil
}

// ReadEdge waits for the next edge: a rising one, or a falling one where the source
// captures those too.
func (p *PPS) ReadEdge(ctx context.Context) (timescale.Edge, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for {
		if err := ctx.Err(); err != nil {
			return timescale.Edge{}, err
		}
		if p.closed.Load() {
			return timescale.Edge{}, fmt.Errorf("board: %s: %w", p.path, os.ErrClosed)
		}
		now, err := p.device.fetch(0) // an edge may have come between two waits
		falling, fresh := p.fresh(now.Info)
		if err == nil && !fresh {
			now, err = p.device.fetch(ppsSlice)
			falling, fresh = p.fresh(now.Info)
		}
		switch {
		case errors.Is(err, unix.ETIMEDOUT):
			if p.before, err = p.pair(); err != nil {
				return timescale.Edge{}, fmt.Errorf("board: %s: %w", p.path, err)
			}
			continue
		case err != nil:
			return timescale.Edge{}, fmt.Errorf("board: %s: %w: is the device still there?", p.path, os.NewSyscallError("ioctl PPS_FETCH", err))
		case !fresh:
			continue
		}
		edge, ok, err := p.edge(now.Info, falling)
		if err != nil {
			return timescale.Edge{}, err
		}
		if ok {
			return edge, nil
		}
	}
}

// fresh tells which edge of info was not given out yet, the older one of two.
func (p *PPS) fresh(info unix.PPSKInfo) (falling, fresh bool) {
	rose, fell := info.Assert_sequence != p.last, info.Clear_sequence != p.clears
	if rose && fell {
		return ppsNs(info.Clear_tu) < ppsNs(info.Assert_tu), true
	}
	return fell, rose || fell
}

func ppsNs(t unix.PPSKTime) int64 { return t.Sec*1e9 + int64(t.Nsec) }

// edge brings the kernel's stamp into the clock's time, unless CLOCK_REALTIME
// jumped near it.
func (p *PPS) edge(info unix.PPSKInfo, falling bool) (timescale.Edge, bool, error) {
	stamp := info.Clear_tu
	if falling {
		p.clears = info.Clear_sequence
	} else {
		p.last, stamp = info.Assert_sequence, info.Assert_tu
	}
	now, err := p.pair()
	if err != nil {
		return timescale.Edge{}, false, fmt.Errorf("board: %s: %w", p.path, err)
	}
	set := kernelclock.Jumped(p.before, now)
	p.before = now
	age := time.Duration(now.Realtime.Ns() - ppsNs(stamp))
	if set || age < 0 || age > staleEdge {
		return timescale.Edge{}, false, nil
	}
	mono := now.Mono.Add(-age)
	sigma := ppsSigmaNs + float64(now.WidthNs)/2
	return timescale.Edge{Local: p.clock.Local(mono), Mono: mono, SigmaNs: sigma, Falling: falling}, true, nil
}

// Close ends a ReadEdge that waits, within a tenth of a second.
func (p *PPS) Close() error {
	if p.closed.Swap(true) {
		return nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.device.close()
}
