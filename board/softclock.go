package board

import (
	"fmt"
	"math"
	"sync"
	"sync/atomic"

	"bragi/board/kernelclock"
	"bragi/gnss/timescale"
)

// SoftwareClock is a clock for boards whose network device has none: a straight
// line over CLOCK_MONOTONIC_RAW that is steered by computing. Its oscillator is
// the processor's.
type SoftwareClock struct {
	line  atomic.Pointer[Timebase]
	mu    sync.Mutex // one writer at a time
	clock kernelClocks
}

var _ Clock = (*SoftwareClock)(nil)

const (
	softwareMaxPPB = 1_000_000
	// softwareFloorNs: pulse and packets are stamped in interrupts, microseconds
	// late by an amount that nothing here measures.
	softwareFloorNs = 8_000
)

// NewSoftwareClock begins with what CLOCK_REALTIME says.
func NewSoftwareClock() (*SoftwareClock, error) {
	return newSoftwareClock(kernelClocks{kernelclock.ReadPair, kernelclock.Raw})
}

func newSoftwareClock(clocks kernelClocks) (*SoftwareClock, error) {
	now, err := clocks.pair()
	if err != nil {
		return nil, fmt.Errorf("board: no software clock: %w", err)
	}
	c := &SoftwareClock{clock: clocks}
	c.line.Store(&Timebase{Mono0: now.Mono, Local0: timescale.LocalFromNs(now.Realtime.Ns())})
	return c, nil
}

// Local is what the clock reads when CLOCK_MONOTONIC_RAW is m.
func (c *SoftwareClock) Local(m timescale.Mono) timescale.Local { return c.line.Load().At(m) }

// Timebase is the clock itself.
func (c *SoftwareClock) Timebase() Timebase { return *c.line.Load() }

// Cross reads the clock with the kernel's: exact, but for CLOCK_REALTIME.
func (c *SoftwareClock) Cross() (Cross, error) {
	p, err := c.clock.pair()
	if err != nil {
		return Cross{}, fmt.Errorf("board: %w", err)
	}
	return Cross{Local: c.Local(p.Mono), Mono: p.Mono, Realtime: p.Realtime, WidthNs: p.WidthNs}, nil
}

// AdjustFrequency takes any number within the limit as it is.
func (c *SoftwareClock) AdjustFrequency(ppb float64) (applied float64, err error) {
	if math.IsNaN(ppb) || math.IsInf(ppb, 0) {
		return 0, fmt.Errorf("board: software clock: a frequency correction of %v ppb is no number", ppb)
	}
	ppb = max(-softwareMaxPPB, min(softwareMaxPPB, ppb))
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.clock.raw()
	c.line.Store(&Timebase{Mono0: now, Local0: c.Local(now), RatePPB: ppb})
	return ppb, nil
}

// Step adds deltaNs to the clock at once.
func (c *SoftwareClock) Step(deltaNs int64) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	line := *c.line.Load()
	line.Local0 = timescale.LocalFromNs(line.Local0.Ns() + deltaNs)
	c.line.Store(&line)
	return nil
}

// Info describes the clock.
func (c *SoftwareClock) Info() ClockInfo {
	return ClockInfo{Name: "software", Driver: "software over CLOCK_MONOTONIC_RAW", MaxPPB: softwareMaxPPB, FloorNs: softwareFloorNs}
}
