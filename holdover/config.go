package holdover

import (
	"fmt"
	"time"
)

// OnAcquire says what happens to clients that are served by a free run when
// the receiver's time arrives and the phase is wrong.
type OnAcquire uint8

// The settings of holdover.on_acquire.
const (
	AcquireAuto OnAcquire = iota // slew when that takes at most autoSlew, else step
	AcquireSlew                  // slew, however long
	AcquireStep                  // step once
)

var onAcquireNames = [...]string{"auto", "slew", "step"}

// String is the word of the configuration.
func (o OnAcquire) String() string {
	if int(o) < len(onAcquireNames) {
		return onAcquireNames[o]
	}
	return "unknown"
}

// ParseOnAcquire reads the word of the configuration.
func ParseOnAcquire(s string) (OnAcquire, error) {
	for i, n := range onAcquireNames {
		if n == s {
			return OnAcquire(i), nil
		}
	}
	return 0, fmt.Errorf("holdover: unknown on_acquire %q (auto, slew, step)", s)
}

// OnReturn says what happens when the pulse returns and finds the clock out of spec.
type OnReturn uint8

// The settings of holdover.on_return.
const (
	ReturnAuto OnReturn = iota // slew when that takes at most an hour, else step
	ReturnSlew                 // slew, however long
	ReturnStep                 // step
)

// String is the word of the configuration.
func (o OnReturn) String() string { return OnAcquire(o).String() }

// ParseOnReturn reads the word of the configuration.
func ParseOnReturn(s string) (OnReturn, error) {
	o, err := ParseOnAcquire(s)
	if err != nil {
		err = fmt.Errorf("holdover: unknown on_return %q (auto, slew, step)", s)
	}
	return OnReturn(o), err
}

// Config is fixed for the life of a Clock.
type Config struct {
	Oscillator  Oscillator
	Spec        time.Duration // class 7 while the bound is inside
	Learning    time.Duration // time in LOCKED before class 7 is claimed at all
	MaxHoldover time.Duration // the operator's cap on class 7
	Settle      time.Duration // inside the lock limit this long before LOCKED
	OnAcquire   OnAcquire
	OnReturn    OnReturn // out of spec; in spec there is never a step
	// WaitToRestore is how long pulses must be good before LOCKED after a lock that
	// was short: an antenna that comes and goes.
	WaitToRestore time.Duration
	// FreeRunAfter is how long after the start a clock that never locked is
	// served all the same, at the free run's class; negative: never.
	FreeRunAfter time.Duration
	WarmUp       time.Duration // the oscillator's, from the start

	SlewPPB     float64 // most that a phase error is steered away with
	FastSlewPPB float64 // the same while the error is beyond 50 us
	MaxSlewPPB  float64 // the same out of spec, where nobody relies on the time
	RatePPB     float64 // most that the frequency changes in any second
	// ReceiverBoundNs bounds what is wrong with every pulse alike and no filter
	// sees: slow wander of the receiver, multipath, what is left of the
	// antenna delay.
	ReceiverBoundNs float64
	// InputNs bounds what is not known of the delay of the board's input, beside
	// ReceiverBoundNs, and is in the bound. Where it is not inside Spec by itself, no bound
	// ever is: such a board has no holdover in spec, and LOCKED with the bound that it has.
	InputNs float64
	// Strict: LOCKED ends when the bound leaves Spec, whatever widens it: the caller has
	// several references. Without, only what is doubted of the references ends it: a doubt of
	// the estimator's own lasts for hours, and there is nothing else to follow meanwhile.
	Strict bool

	QuantumPPB float64 // the smallest change of frequency that the hardware takes, 0: none known
	MaxPPB     float64 // the largest correction that it takes

	// Memory is what an earlier life learned of this oscillator; nil: nothing.
	// One that does not check, or is of another kind, is not used.
	Memory    *Memory
	MemoryAge time.Duration // since the memory was made; 0: not known
}

// anyBound tells that LOCKED bears a bound outside the spec.
func (c *Config) anyBound() bool { return !c.Strict || c.InputNs >= ns(c.Spec) }

// DefaultConfig has the values of an empty configuration file.
func DefaultConfig() Config {
	return Config{
		Spec:            1500 * time.Nanosecond,
		Learning:        time.Hour,
		MaxHoldover:     24 * time.Hour,
		Settle:          time.Minute,
		FreeRunAfter:    10 * time.Minute,
		WaitToRestore:   5 * time.Minute,
		SlewPPB:         50,
		FastSlewPPB:     200,
		MaxSlewPPB:      5000,
		RatePPB:         10,
		ReceiverBoundNs: 40,
		MaxPPB:          500_000,
	}
}

// withDefaults fills the numbers without which nothing would move.
func (c Config) withDefaults() Config {
	d := DefaultConfig()
	if c.Spec <= 0 {
		c.Spec = d.Spec
	}
	if c.WaitToRestore < 0 {
		c.WaitToRestore = 0
	}
	if c.Settle <= 0 {
		c.Settle = time.Second
	}
	for _, v := range []struct {
		have *float64
		def  float64
	}{
		{&c.SlewPPB, d.SlewPPB}, {&c.FastSlewPPB, d.FastSlewPPB}, {&c.MaxSlewPPB, d.MaxSlewPPB},
		{&c.RatePPB, d.RatePPB},
		{&c.ReceiverBoundNs, d.ReceiverBoundNs}, {&c.MaxPPB, d.MaxPPB},
	} {
		if !(*v.have > 0) || !finite(*v.have) {
			*v.have = v.def
		}
	}
	if !(c.InputNs >= 0) || !finite(c.InputNs) {
		c.InputNs = 0
	}
	if !(c.QuantumPPB >= 0) || !finite(c.QuantumPPB) {
		c.QuantumPPB = 0
	}
	return c
}
