package board

import (
	"errors"
	"fmt"
	"unsafe"

	"golang.org/x/sys/unix"

	"bragi/board/kernelclock"
	"bragi/gnss/timescale"
)

// Cross timestamps, the best way first:
//
//	precise    PTP_SYS_OFFSET_PRECISE: the hardware latches both clocks at once
//	raw        PTP_SYS_OFFSET_EXTENDED with CLOCK_MONOTONIC_RAW around the PHC's
//	           low word (newer kernels; before, the field was reserved: EINVAL)
//	extended   the same around CLOCK_REALTIME
//	offset     PTP_SYS_OFFSET: REALTIME around the whole driver call
//	read       clock_gettime of RAW, PHC, RAW from here
//
// What is in REALTIME goes to RAW by a sandwich before and one after; a jump of
// REALTIME between the two voids it.

type crossMethod uint8

const (
	crossPrecise crossMethod = iota
	crossRaw
	crossExtended
	crossOffset
	crossRead
)

var crossNames = [...]string{
	"PTP_SYS_OFFSET_PRECISE", "PTP_SYS_OFFSET_EXTENDED over CLOCK_MONOTONIC_RAW", "PTP_SYS_OFFSET_EXTENDED",
	"PTP_SYS_OFFSET", "clock_gettime",
}

func (m crossMethod) String() string { return crossNames[m] }

const (
	crossSamples = 9
	crossTries   = 3 // readings void by a jump of CLOCK_REALTIME before giving up
)

var errJump = errors.New("board: CLOCK_REALTIME jumped during a cross timestamp")

// kernelClocks is how CLOCK_MONOTONIC_RAW and CLOCK_REALTIME are read; tests
// have clocks of software.
type kernelClocks struct {
	pair func() (kernelclock.Pair, error)
	raw  func() timescale.Mono
}

// crosser reads one PHC with the kernel's clocks.
type crosser struct {
	device ptpDevice
	clocks kernelClocks
	method crossMethod
}

// read tries the method, and from then on the next one where the driver or the
// kernel knows it not.
func (c *crosser) read() (Cross, error) {
	known := c.method
	for jumps := 0; ; {
		x, err := c.once()
		switch {
		case err == nil:
			return x, nil
		case errors.Is(err, errJump):
			if jumps++; jumps == crossTries {
				return Cross{}, err
			}
		case c.method < crossRead && unknownCall(err):
			c.method++
		default:
			// Nothing works, as with a FEC whose interface is down: no reason to give
			// up the method that did.
			c.method, known = known, c.method
			return Cross{}, fmt.Errorf("board: cross timestamp by %v: %w", known, err)
		}
	}
}

// unknownCall tells whether driver or kernel do not know a call or a field.
func unknownCall(err error) bool {
	return errors.Is(err, unix.EOPNOTSUPP) || errors.Is(err, unix.ENOTTY) || errors.Is(err, unix.EINVAL) || errors.Is(err, unix.ENOSYS)
}

func (c *crosser) once() (Cross, error) {
	before, err := c.clocks.pair()
	if err != nil {
		return Cross{}, err
	}
	s, err := c.sample()
	if err != nil {
		return Cross{}, err
	}
	after, err := c.clocks.pair()
	if err != nil {
		return Cross{}, err
	}
	if kernelclock.Jumped(before, after) {
		return Cross{}, errJump
	}
	x := Cross{Local: timescale.LocalFromNs(s.phc), WidthNs: s.width}
	if s.realtime {
		x.Realtime = timescale.UTCFromNs(s.sys)
		x.Mono = alongTheLine(before, after, x.Realtime)
		x.WidthNs += min(before.WidthNs, after.WidthNs)
	} else {
		x.Mono = timescale.MonoFromNs(s.sys)
		x.Realtime = before.Realtime.Add(x.Mono.Sub(before.Mono))
	}
	return x, nil
}

// alongTheLine is RAW when REALTIME was rt, on the straight line through two
// pairs, or beside the narrower of two that lie too close for a line.
func alongTheLine(a, b kernelclock.Pair, rt timescale.UTC) timescale.Mono {
	if b.WidthNs < a.WidthNs {
		return b.Mono.Add(rt.Sub(b.Realtime))
	}
	return a.Mono.Add(rt.Sub(a.Realtime))
}

// crossSample is one reading: the PHC, and the system's clock at its middle.
type crossSample struct {
	phc, sys, width int64
	realtime        bool // sys is CLOCK_REALTIME, else CLOCK_MONOTONIC_RAW
}

func (c *crosser) sample() (crossSample, error) {
	switch c.method {
	case crossPrecise:
		var p unix.PtpSysOffsetPrecise
		if err := c.device.ioctl(unix.PTP_SYS_OFFSET_PRECISE, unsafe.Pointer(&p)); err != nil {
			return crossSample{}, err
		}
		return crossSample{phc: ptpNs(p.Device), sys: ptpNs(p.Monoraw), width: 1}, nil
	case crossRaw, crossExtended:
		e := unix.PtpSysOffsetExtended{Samples: crossSamples}
		if c.method == crossRaw {
			e.Clockid = unix.CLOCK_MONOTONIC_RAW
		}
		if err := c.device.ioctl(unix.PTP_SYS_OFFSET_EXTENDED, unsafe.Pointer(&e)); err != nil {
			return crossSample{}, err
		}
		best, err := narrowest(int(e.Samples), func(i int) (before, phc, after int64) {
			return ptpNs(e.Ts[i][0]), ptpNs(e.Ts[i][1]), ptpNs(e.Ts[i][2])
		})
		best.realtime = c.method == crossExtended
		return best, err
	case crossOffset:
		o := unix.PtpSysOffset{Samples: crossSamples}
		if err := c.device.ioctl(unix.PTP_SYS_OFFSET, unsafe.Pointer(&o)); err != nil {
			return crossSample{}, err
		}
		best, err := narrowest(int(o.Samples), func(i int) (before, phc, after int64) {
			return ptpNs(o.Ts[2*i]), ptpNs(o.Ts[2*i+1]), ptpNs(o.Ts[2*i+2])
		})
		best.realtime = true
		return best, err
	}
	var best crossSample
	for i := range crossSamples {
		before := c.clocks.raw().Ns()
		phc, err := c.device.gettime()
		if err != nil {
			return best, err
		}
		if width := c.clocks.raw().Ns() - before; i == 0 || width < best.width {
			best = crossSample{phc: phc, sys: before + width/2, width: width}
		}
	}
	return best, nil
}

// narrowest picks the reading with the least time around it. Time that went
// back in all of them is a jump.
func narrowest(n int, at func(i int) (before, phc, after int64)) (crossSample, error) {
	best := crossSample{width: -1}
	for i := range min(n, crossSamples) {
		before, phc, after := at(i)
		if width := after - before; width >= 0 && (best.width < 0 || width < best.width) {
			best = crossSample{phc: phc, sys: before + width/2, width: width}
		}
	}
	if best.width < 0 {
		return best, errJump
	}
	return best, nil
}
