package board

import (
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"bragi/board/kernelclock"
	"bragi/gnss/timescale"
)

// PHC is a PTP hardware clock, /dev/ptpN. A goroutine of its own reads it
// together with the kernel's clocks every refreshEvery; Local goes by the line
// through those readings (tracker) and touches no device. When the device goes
// away the line goes on, and the goroutine looks for it until it is back
// (phcwatch.go).
type PHC struct {
	info      atomic.Pointer[ClockInfo]
	line      atomic.Pointer[Timebase]
	find      func() (path string, err error)
	open      func(path string) (device ptpDevice, clockName string, err error)
	clocks    kernelClocks
	counterNs int64
	proc      string // the kernel's /proc
	watches   bool   // it is only read

	mu        sync.Mutex // guards the rest
	path      string
	caps      Capabilities
	device    ptpDevice // nil: gone
	cross     crosser
	grain     grain
	dialled   int64 // the correction that the kernel was given last, in 2^-16 ppm
	track     tracker
	widthNs   int64 // of the latest cross timestamp
	foreign   uint64
	steered   uint64
	overruled bool // another program's correction was replaced since the latest reading
	trouble   Trouble
	suspects  []string // the processes that held it open when another program last steered it
	closed    bool

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
const refreshEvery = 250 * time.Millisecond

// FindPHC opens the clock that find names, an interface's for example, now and
// whenever it has been unplugged, reads it and keeps its line fresh until Close.
// counterNs is the length of a tick of its
// counter, 0 for not known.
func FindPHC(find func() (path string, err error), counterNs int64) (*PHC, error) {
	p, err := openPHC(find, counterNs)
	if err == nil {
		p.keepFresh()
	}
	return p, err
}

// WatchPHC is FindPHC for a clock that another program may steer: it is only read, and
// its line follows what that program does. One that is gone is not looked for.
func WatchPHC(find func() (path string, err error)) (*PHC, error) {
	p, err := openPHC(find, 0)
	if err == nil {
		p.watches = true
		p.keepFresh()
	}
	return p, err
}

func openPHC(find func() (path string, err error), counterNs int64) (*PHC, error) {
	open := func(path string) (ptpDevice, string, error) {
		device, err := openPTP(path)
		return device, driverName("/sys/class/ptp", path), err
	}
	return newPHC(find, open, kernelClocks{kernelclock.ReadPair, kernelclock.Raw}, counterNs)
}

// addressName is a clock_name that tells nothing of its driver: a MAC address.
var addressName = regexp.MustCompile(`^([0-9a-f]{2}:?){6}$`)

// driverName is the kernel's clock_name of a PHC, or its driver's name where that
// is an address; empty when it tells none.
func driverName(class, path string) string {
	folder := filepath.Join(class, filepath.Base(path))
	text, err := os.ReadFile(filepath.Join(folder, "clock_name"))
	if err != nil {
		return ""
	}
	name := strings.TrimSpace(string(text))
	if addressName.MatchString(name) {
		if driver, err := os.Readlink(filepath.Join(folder, "device", "driver")); err == nil {
			return filepath.Base(driver)
		}
	}
	return name
}

func newPHC(find func() (string, error), open func(string) (ptpDevice, string, error), clocks kernelClocks, counterNs int64) (*PHC, error) {
	p := &PHC{find: find, open: open, clocks: clocks, counterNs: counterNs, proc: "/proc", stop: func() {}}
	found, err := p.probe()
	if err != nil {
		return nil, err
	}
	p.plug(found)
	p.dialled = found.units
	p.track = newTracker(float64(found.units)/freqUnitsPerPPB, clocks.raw())
	if _, err := p.Cross(); err != nil {
		return nil, errors.Join(fmt.Errorf("board: %s cannot be read: %w", p.path, err), p.device.close())
	}
	return p, nil
}

// plugged is a device that was found and asked.
type plugged struct {
	path, clockName string
	device          ptpDevice
	caps            Capabilities
	units           int64 // the correction that somebody left
}

// probe finds the clock and asks it.
func (p *PHC) probe() (found plugged, err error) {
	if found.path, err = p.find(); err != nil {
		return found, err
	}
	if found.device, found.clockName, err = p.open(found.path); err != nil {
		return found, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, found.device.close())
		}
	}()
	var caps unix.PtpClockCaps
	if err := found.device.ioctl(unix.PTP_CLOCK_GETCAPS, unsafe.Pointer(&caps)); err != nil {
		return found, fmt.Errorf("board: %s is no PTP clock: %w: name a /dev/ptpN in board.phc", found.path, os.NewSyscallError("ioctl PTP_CLOCK_GETCAPS", err))
	}
	found.caps = Capabilities{
		MaxPPB: caps.Max_adj, ExtTS: int(caps.N_ext_ts), PerOut: int(caps.N_per_out), Pins: int(caps.N_pins),
		PPS: caps.Pps != 0, CrossPrecise: caps.Cross_timestamping != 0,
	}
	var now kernelclock.Timex // no modes: reads the correction that somebody left
	if err := found.device.adjtime(&now); err != nil {
		return found, fmt.Errorf("board: %s: %w: the clock cannot be steered by this kernel", found.path, err)
	}
	found.units = now.Freq
	return found, nil
}

// plug takes a device into use; the caller holds mu, or is alone.
func (p *PHC) plug(found plugged) {
	p.path, p.device, p.caps = found.path, found.device, found.caps
	p.cross = crosser{device: p.device, clocks: p.clocks}
	if !p.caps.CrossPrecise {
		p.cross.method = crossRaw
	}
	p.grain = grainOf(found.clockName, found.caps.MaxPPB, p.counterNs)
	p.info.Store(&ClockInfo{Name: found.path, Driver: found.clockName, QuantumPPB: p.grain.quantumPPB, UnitPPB: 1 / freqUnitsPerPPB, MaxPPB: float64(p.caps.MaxPPB)})
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
	if p.device == nil {
		return nil
	}
	return p.device.close()
}

// Info describes the clock.
func (p *PHC) Info() ClockInfo { return *p.info.Load() }

// Capabilities is what the driver offers.
func (p *PHC) Capabilities() Capabilities {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.caps
}

// Pins are the pins whose function can be chosen, with the one they have.
func (p *PHC) Pins() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	var list []string
	for i := range p.caps.Pins {
		pin := unix.PtpPinDesc{Index: uint32(i)}
		if p.device == nil || p.closed || p.device.ioctl(unix.PTP_PIN_GETFUNC, unsafe.Pointer(&pin)) != nil {
			break
		}
		function := "another function"
		switch pin.Func {
		case unix.PTP_PF_NONE:
			function = "free"
		case unix.PTP_PF_EXTTS:
			function = fmt.Sprintf("extts:%d", pin.Chan)
		case unix.PTP_PF_PEROUT:
			function = fmt.Sprintf("output %d", pin.Chan)
		}
		list = append(list, pinName(pin)+" "+function)
	}
	return list
}

// Path is the device, /dev/ptpN.
func (p *PHC) Path() string { return p.info.Load().Name }

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
		p.track.disturbed = Disturbance{}
		return d, nil
	}
	// What the reading after the step finds is a new one.
	p.track.disturbed = Disturbance{}
	if err := p.setBy(-d.Ns); err != nil {
		p.track.disturbed = d
		return d, err
	}
	// A driver that began anew has lost its correction and does not say so.
	if err := p.dial(p.dialled, p.track.correction); err != nil {
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

// observe is Cross; the caller holds mu. A reading that does not lie where it may
// is taken again: what an interrupt has spoilt goes, a jump stays.
func (p *PHC) observe() (Cross, error) {
	switch {
	case p.closed:
		return Cross{}, fmt.Errorf("board: %s: %w", p.path, os.ErrClosed)
	case p.device == nil:
		return Cross{}, p.trouble.Err
	}
	if err := p.overrule(); err != nil {
		return Cross{}, p.troubled(err)
	}
	x, err := p.cross.read()
	if err != nil {
		return x, p.troubled(err)
	}
	for range confirmations {
		if p.track.fits(x) {
			break
		}
		again, err := p.cross.read()
		if err != nil {
			return x, p.troubled(err)
		}
		if again.WidthNs <= x.WidthNs || p.track.fits(again) {
			x = again
		}
	}
	p.trouble.Err = nil
	p.widthNs = x.WidthNs
	if p.track.observe(x.Mono, x.Local, x.WidthNs, p.overruled) {
		p.foreign++
	}
	p.overruled = false
	p.publish()
	return x, nil
}

// confirmations is how often a reading that does not fit is taken again.
const confirmations = 3

func (p *PHC) publish() {
	line := p.track.line
	p.line.Store(&line)
}

// AdjustFrequency sets the correction as near to ppb as the hardware gets, within
// what the driver allows; applied is what it makes of it (grain).
func (p *PHC) AdjustFrequency(ppb float64) (applied float64, err error) {
	if math.IsNaN(ppb) || math.IsInf(ppb, 0) {
		return 0, fmt.Errorf("board: %s: a frequency correction of %v ppb is no number", p.Path(), ppb)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.device != nil && !p.closed {
		_ = p.overrule() // or another's correction would go unseen; what fails fails below
	}
	units, applied := p.grain.dial(ppb, float64(p.caps.MaxPPB))
	if err := p.dial(units, applied); err != nil {
		return p.track.correction, err
	}
	return applied, nil
}

// dial gives the kernel a correction; the caller holds mu.
func (p *PHC) dial(units int64, applied float64) error {
	before := p.clocks.raw()
	if err := p.adjtime(&kernelclock.Timex{Modes: kernelclock.AdjFrequency, Freq: units}); err != nil {
		return fmt.Errorf("board: %s: frequency %.3f ppb: %w", p.path, applied, err)
	}
	p.dialled = units
	p.track.adjust(before.Add(p.clocks.raw().Sub(before)/2), applied)
	p.publish()
	return nil
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
	t := stepBy(deltaNs)
	if err := p.adjtime(&t); err != nil {
		return fmt.Errorf("board: %s: step by %d ns: %w", p.path, deltaNs, err)
	}
	p.track.step(deltaNs)
	p.publish()
	return nil
}

// stepBy is a step as the kernel wants it: 0 <= ns < 1e9 also of a negative one.
func stepBy(ns int64) kernelclock.Timex {
	t := kernelclock.Timex{Modes: kernelclock.AdjSetOffset | kernelclock.AdjNano, TimeSec: ns / 1e9, TimeUsec: ns % 1e9}
	if t.TimeUsec < 0 {
		t.TimeSec, t.TimeUsec = t.TimeSec-1, t.TimeUsec+1e9
	}
	return t
}

// look reads where a step landed: the driver's is exact to a microsecond only.
func (p *PHC) look(deltaNs int64) error {
	if _, err := p.observe(); err != nil {
		return fmt.Errorf("board: %s: after a step by %d ns: %w", p.path, deltaNs, err)
	}
	return nil
}

// adjtime; the caller holds mu.
func (p *PHC) adjtime(t *kernelclock.Timex) error {
	switch {
	case p.closed:
		return os.ErrClosed
	case p.device == nil:
		return p.trouble.Err
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

// AssumeRate says how much faster than CLOCK_MONOTONIC_RAW the clock runs with
// the correction that it has, in ppb: what another process measured a moment ago.
// Without it the line would be off by the crystals' difference until this one has
// measured it.
func (p *PHC) AssumeRate(ppb float64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	t := &p.track
	if n := len(t.points); n == 0 || t.baseKnown && t.points[n-1].mono.Sub(t.points[0].mono) >= trackSpan {
		return
	}
	t.basePPB, t.baseKnown = ppb-t.correction, true
	t.fit()
	p.publish()
}
