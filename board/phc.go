package board

import (
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"bragi/gnss/timescale"
)

// PHC is a PTP hardware clock, /dev/ptpN. A goroutine of its own reads it
// together with the kernel's clocks every refreshEvery; Local goes by the line
// through those readings (tracker) and touches no device.
type PHC struct {
	info ClockInfo
	caps Capabilities
	path string
	line atomic.Pointer[Timebase]

	mu      sync.Mutex // guards the rest
	device  ptpDevice
	cross   crosser
	track   tracker
	foreign uint64
	closed  bool

	stop func()
}

var _ Clock = (*PHC)(nil)

// Capabilities is what a PHC's driver says of it (PTP_CLOCK_GETCAPS).
type Capabilities struct {
	MaxPPB       int32 // largest frequency correction
	ExtTS        int   // channels that stamp an external edge
	PerOut       int   // channels that make a periodic signal
	Pins         int   // pins whose function can be chosen
	PPS          bool  // it can call the kernel's PPS once a second
	CrossPrecise bool  // its hardware latches PHC and system clock together
}

// refreshEvery is how often the line is laid anew.
const refreshEvery = 500 * time.Millisecond

// OpenPHC opens /dev/ptpN, reads it and keeps its line fresh until Close.
func OpenPHC(path string) (*PHC, error) {
	device, err := openPTP(path)
	if err != nil {
		return nil, err
	}
	p, err := newPHC(path, driverName("/sys/class/ptp", path), device, kernelClocks{ReadPair, Raw})
	if err != nil {
		return nil, errors.Join(err, device.close())
	}
	p.keepFresh()
	return p, nil
}

// driverName is the kernel's clock_name of a PHC, empty when it tells none.
func driverName(class, path string) string {
	name, err := os.ReadFile(filepath.Join(class, filepath.Base(path), "clock_name"))
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(name))
}

func newPHC(path, driver string, device ptpDevice, clocks kernelClocks) (*PHC, error) {
	var caps unix.PtpClockCaps
	if err := device.ioctl(unix.PTP_CLOCK_GETCAPS, unsafe.Pointer(&caps)); err != nil {
		return nil, fmt.Errorf("board: %s is no PTP clock: %w: name a /dev/ptpN in board.phc", path, os.NewSyscallError("ioctl PTP_CLOCK_GETCAPS", err))
	}
	p := &PHC{
		path:   path,
		device: device,
		cross:  crosser{device: device, clocks: clocks},
		caps: Capabilities{
			MaxPPB: caps.Max_adj, ExtTS: int(caps.N_ext_ts), PerOut: int(caps.N_per_out), Pins: int(caps.N_pins),
			PPS: caps.Pps != 0, CrossPrecise: caps.Cross_timestamping != 0,
		},
		info: ClockInfo{Name: path, Driver: driver, QuantumPPB: 1 / freqUnitsPerPPB, MaxPPB: float64(caps.Max_adj)},
		stop: func() {},
	}
	if !p.caps.CrossPrecise {
		p.cross.method = crossRaw
	}
	var now kernelTimex // no modes: reads the correction that somebody left
	if err := device.adjtime(&now); err != nil {
		return nil, fmt.Errorf("board: %s: %w: the clock cannot be steered by this kernel", path, err)
	}
	p.track = newTracker(float64(now.Freq)/freqUnitsPerPPB, clocks.raw())
	if _, err := p.Cross(); err != nil {
		return nil, fmt.Errorf("board: %s cannot be read: %w", path, err)
	}
	return p, nil
}

// keepFresh starts the goroutine that reads the clock now and then.
func (p *PHC) keepFresh() {
	quit, gone := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(gone)
		tick := time.NewTicker(refreshEvery)
		defer tick.Stop()
		for {
			select {
			case <-quit:
				return
			case <-tick.C:
				// A reading that fails leaves the line as it is; whoever calls
				// Cross is told.
				_, _ = p.Cross()
			}
		}
	}()
	p.stop = sync.OnceFunc(func() {
		close(quit)
		<-gone
	})
}

// Close ends the goroutine and closes the device. Local goes on along the last
// line.
func (p *PHC) Close() error {
	p.stop()
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return nil
	}
	p.closed = true
	return p.device.close()
}

// Info describes the clock.
func (p *PHC) Info() ClockInfo { return p.info }

// Capabilities is what the driver offers.
func (p *PHC) Capabilities() Capabilities { return p.caps }

// CrossMethod is how cross timestamps are taken, for the operator.
func (p *PHC) CrossMethod() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.cross.method.String()
}

// Foreign counts the cross timestamps that showed that something other than
// this PHC's own methods had set or steered the clock: another program, a reset
// by the driver.
func (p *PHC) Foreign() uint64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.foreign
}

// Disturbance is what others have done to the clock since the last PutBack.
func (p *PHC) Disturbance() Disturbance {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.track.disturbed
}

// PutBack steps the clock back by what others have done to it, on the line that
// it ran on before by CLOCK_MONOTONIC_RAW: the servo, which knows nothing of
// either step, goes on. A clock that is disturbed again and again stands still
// or has another master; then it is better not served.
func (p *PHC) PutBack() (Disturbance, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	d := p.track.disturbed
	if d.Ns == 0 {
		return d, nil
	}
	// What the reading after the step finds is a new one.
	p.track.disturbed = Disturbance{}
	if err := p.setBy(-d.Ns); err != nil {
		p.track.disturbed = d
		return d, err
	}
	return d, p.look(-d.Ns)
}

// Local is what the clock reads when CLOCK_MONOTONIC_RAW is m.
func (p *PHC) Local(m timescale.Mono) timescale.Local { return p.line.Load().At(m) }

// Timebase is the line that Local goes by, with the bound of its error.
func (p *PHC) Timebase() Timebase { return *p.line.Load() }

// Cross reads the clock together with the kernel's clocks, and refreshes the
// line.
func (p *PHC) Cross() (Cross, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.observe()
}

// observe is Cross; the caller holds mu.
func (p *PHC) observe() (Cross, error) {
	if p.closed {
		return Cross{}, fmt.Errorf("board: %s: %w", p.path, os.ErrClosed)
	}
	x, err := p.cross.read()
	if err != nil {
		return x, err
	}
	if p.track.observe(x.Mono, x.Local, x.WidthNs) {
		p.foreign++
	}
	p.publish()
	return x, nil
}

func (p *PHC) publish() {
	line := p.track.line
	p.line.Store(&line)
}

// AdjustFrequency sets the correction, in steps of 2^-16 ppm, within what the
// driver allows. The hardware's own grain may be coarser and is not told.
func (p *PHC) AdjustFrequency(ppb float64) (applied float64, err error) {
	if math.IsNaN(ppb) || math.IsInf(ppb, 0) {
		return 0, fmt.Errorf("board: %s: a frequency correction of %v ppb is no number", p.path, ppb)
	}
	limit := p.info.MaxPPB
	units := math.Round(max(-limit, min(limit, ppb)) * freqUnitsPerPPB)
	if math.Abs(units) > limit*freqUnitsPerPPB {
		units -= math.Copysign(1, units)
	}
	applied = units / freqUnitsPerPPB
	p.mu.Lock()
	defer p.mu.Unlock()
	before := p.cross.clocks.raw()
	if err := p.adjtime(&kernelTimex{Modes: adjFrequency, Freq: int64(units)}); err != nil {
		return p.track.correction, fmt.Errorf("board: %s: frequency %.3f ppb: %w", p.path, applied, err)
	}
	p.track.adjust(before.Add(p.cross.clocks.raw().Sub(before)/2), applied)
	p.publish()
	return applied, nil
}

// Step adds deltaNs to the clock at once.
func (p *PHC) Step(deltaNs int64) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := p.setBy(deltaNs); err != nil {
		return err
	}
	return p.look(deltaNs)
}

// setBy is Step without the look; the caller holds mu.
func (p *PHC) setBy(deltaNs int64) error {
	t := kernelTimex{Modes: adjSetOffset | adjNano, TimeSec: deltaNs / 1e9, TimeUsec: deltaNs % 1e9}
	if t.TimeUsec < 0 { // the kernel wants 0 <= ns < 1e9 also of a negative step
		t.TimeSec, t.TimeUsec = t.TimeSec-1, t.TimeUsec+1e9
	}
	if err := p.adjtime(&t); err != nil {
		return fmt.Errorf("board: %s: step by %d ns: %w", p.path, deltaNs, err)
	}
	p.track.step(deltaNs)
	p.publish()
	return nil
}

// look reads where a step landed: the driver's is exact to a microsecond only.
func (p *PHC) look(deltaNs int64) error {
	if _, err := p.observe(); err != nil {
		return fmt.Errorf("board: %s: after a step by %d ns: %w", p.path, deltaNs, err)
	}
	return nil
}

// adjtime; the caller holds mu.
func (p *PHC) adjtime(t *kernelTimex) error {
	if p.closed {
		return os.ErrClosed
	}
	err := p.device.adjtime(t)
	switch {
	case errors.Is(err, unix.EPERM), errors.Is(err, unix.EACCES):
		return fmt.Errorf("%w: run as root, or give the program CAP_SYS_TIME", err)
	case errors.Is(err, unix.EOPNOTSUPP):
		return fmt.Errorf("%w: this driver cannot do it; choose another clock in board.phc", err)
	case errors.Is(err, unix.ENODEV):
		return fmt.Errorf("%w: the device is gone", err)
	case errors.Is(err, unix.EBUSY):
		return fmt.Errorf("%w: virtual clocks run on it; write 0 to n_vclocks in /sys/class/ptp/%s", err, filepath.Base(p.path))
	}
	return err
}
