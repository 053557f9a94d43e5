package daemon

import (
	"context"
	"path/filepath"
	"time"

	"bragi/board/kernelclock"
	"bragi/cmd/internal/config"
	"bragi/cmd/internal/state"
	"bragi/cmd/internal/status"
	"bragi/gnss/timescale"
)

// The system clock (CLOCK_REALTIME) of a board without a battery begins with a date of
// long ago, and dates every line of the log. Where no other program keeps it, bragid sets
// it once in each boot, when the served clock is traceable. Lines of the log before that
// are marked.

// systemClockKind is the file that says in which boot it was set.
var systemClockKind = state.Kind{Name: "sysclock", Version: 1}

// systemClockGood is how far off it may be: what is less is left alone.
const systemClockGood = 100 * time.Millisecond

// systemClock is CLOCK_REALTIME, and what has become of it in this boot.
type systemClock struct {
	read func() (kernelclock.SystemClock, error)
	step func(by time.Duration) error
	done bool // nothing is to be done in this boot
}

// settle sets the clock if nobody keeps it and utc knows the time at a moment. dated:
// its date can be relied on now. by is what it was set by; 0: it was not.
func (s *systemClock) settle(utc func(timescale.Mono) (timescale.UTC, bool)) (by time.Duration, dated bool, err error) {
	c, err := s.read()
	switch {
	case s.done:
		return 0, true, nil
	case err != nil:
		return 0, false, err
	case c.Synchronised:
		return 0, true, nil
	}
	now, ok := utc(c.Mono)
	if !ok {
		return 0, false, nil
	}
	s.done = true
	if by = now.Sub(c.Realtime); by.Abs() <= systemClockGood {
		return 0, true, nil
	}
	if err := s.step(by); err != nil {
		return 0, false, err
	}
	return by, true, nil
}

// setsSystemClock tells whether the clock is bragid's to set: never on the board of
// software, which follows it.
func setsSystemClock(cfg *config.Config) bool { return cfg.NTP.SetSystemClock && !cfg.Simulated() }

// systemClockWasSet tells whether an earlier process has set it in this boot.
func systemClockWasSet(runDir string) bool {
	boot, err := state.BootID()
	if err != nil {
		return false
	}
	set, err := state.ReadFile(filepath.Join(runDir, systemClockKind.Name+".state"), systemClockKind)
	return err == nil && string(set) == boot
}

// undatedAtStart tells whether the date of the log's first lines cannot be relied on.
func undatedAtStart(cfg *config.Config) bool {
	if !setsSystemClock(cfg) || systemClockWasSet(cfg.Control.RunDir) {
		return false
	}
	c, err := kernelclock.ReadSystemClock()
	return err != nil || !c.Synchronised
}

// keepSystemClock looks each second until the clock was set, or ctx ends.
func (d *Daemon) keepSystemClock(ctx context.Context) {
	s := systemClock{read: kernelclock.ReadSystemClock, step: kernelclock.StepRealtime, done: systemClockWasSet(d.keep.dir)}
	for {
		by, dated, err := s.settle(d.utcAt)
		d.undated.Store(!dated)
		switch {
		case err != nil:
			d.happened(status.SystemClockSet{Why: err.Error()})
			return
		case by != 0:
			d.keep.write(systemClockKind, []byte(d.keep.boot))
			d.happened(status.SystemClockSet{By: by})
		}
		if s.done || !pause(ctx, time.Second) {
			return
		}
	}
}

// utcAt is UTC as the served clock has it, while that is traceable. An old table of leap
// seconds does not matter: a second more or less dates a log better than a year of long
// ago, and most receivers name UTC themselves.
func (d *Daemon) utcAt(m timescale.Mono) (timescale.UTC, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	utc, ok := d.pipe.UTC(m)
	return utc.At, ok
}
