// Package board is what differs between boards: the PTP hardware clock (PHC),
// the pulse, the network device's time stamps, and the board of software
// (board/sim) that stands in for them on a laptop.
//
// It returns its own types and decides nothing: it knows neither PTP nor
// clockClass. With its kernelclock and master/udp it is the only room where unsafe is allowed.
package board

import (
	"context"

	"bragi/board/kernelclock"
	"bragi/gnss/timescale"
)

// Cross is the served clock, CLOCK_MONOTONIC_RAW and CLOCK_REALTIME read
// together.
type Cross struct {
	Local    timescale.Local
	Mono     timescale.Mono
	Realtime timescale.UTC // what CLOCK_REALTIME claims
	WidthNs  int64         // the sandwich's width: Local and Mono belong together within +- half of it
}

// Clock is a clock that can be steered and read: a PHC or the board of
// software's. Its methods may be called from several goroutines.
type Clock interface {
	// Cross reads the clock together with the kernel's clocks.
	Cross() (Cross, error)
	// AdjustFrequency sets the frequency correction, absolute, in ppb;
	// positive makes the clock run faster. applied is what the hardware took,
	// after its quantum and its limit.
	AdjustFrequency(ppb float64) (applied float64, err error)
	// Step adds deltaNs to the clock at once.
	Step(deltaNs int64) error
	// Local is what the clock read, or will read, when CLOCK_MONOTONIC_RAW is m
	// (m within a second or so of now). It never blocks and never allocates: the
	// hot path calls it for each packet. For a PHC it is a line through the
	// latest cross timestamps.
	Local(m timescale.Mono) timescale.Local
	Info() ClockInfo
}

// ClockInfo describes a clock for the operator.
type ClockInfo struct {
	Name       string  // "/dev/ptp0", "sim"
	Driver     string  // the kernel's clock_name, "software"
	QuantumPPB float64 // the smallest change of frequency it takes; 0: not known, or none
	UnitPPB    float64 // what the kernel counts corrections in: finer ones are none; 0: any
	MaxPPB     float64 // the largest correction it takes
	// FloorNs is an error between the clock and the wire that nothing measures,
	// for a clock of software; clockAccuracy is never better. 0: none.
	FloorNs float64
}

// Timebase is a straight line that turns CLOCK_MONOTONIC_RAW into the served
// clock's time, good around Mono0.
type Timebase struct {
	Mono0  timescale.Mono
	Local0 timescale.Local
	// RatePPB is how much faster than CLOCK_MONOTONIC_RAW the clock runs.
	RatePPB float64
	// ErrorNs bounds the line's error within a second of Mono0.
	ErrorNs float64
}

// At is the served clock's reading when CLOCK_MONOTONIC_RAW read m.
func (b Timebase) At(m timescale.Mono) timescale.Local {
	d := m.Sub(b.Mono0)
	return b.Local0.Add(d + roundDuration(float64(d)*b.RatePPB*1e-9))
}

// Pulses delivers the receiver's pulses. ReadEdge blocks until one came or ctx
// ended. Implemented by EXTTS, by /dev/ppsN and by the board of software.
type Pulses interface {
	ReadEdge(ctx context.Context) (timescale.Edge, error)
	Close() error
}

// Raw reads CLOCK_MONOTONIC_RAW, which all times of this package are of.
func Raw() timescale.Mono { return kernelclock.Raw() }
