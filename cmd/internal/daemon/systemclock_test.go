package daemon

import (
	"errors"
	"path/filepath"
	"testing"
	"time"

	"bragi/board/kernelclock"
	"bragi/cmd/internal/config"
	"bragi/cmd/internal/state"
	"bragi/gnss/timescale"
)

// The system clock is set once, from a time that is traceable, when nobody keeps it and
// it is wrong; never otherwise.
func TestTheSystemClockIsSetOnceFromATrustedTime(t *testing.T) {
	truth := timescale.UTCFromNs(1_795_392_000e9)
	for name, c := range map[string]struct {
		off          time.Duration // the clock's error
		synchronised bool
		traceable    bool
		steps        int
		dated        bool
	}{
		"a date of long ago":        {-20 * 365 * 24 * time.Hour, false, true, 1, true},
		"a second ahead":            {time.Second, false, true, 1, true},
		"right already":             {30 * time.Millisecond, false, true, 0, true},
		"another program keeps it":  {-time.Hour, true, true, 0, true},
		"no trusted time yet":       {-time.Hour, false, false, 0, false},
		"kept, and no trusted time": {-time.Hour, true, false, 0, true},
	} {
		steps, off := 0, c.off
		s := systemClock{
			read: func() (kernelclock.SystemClock, error) {
				return kernelclock.SystemClock{Pair: kernelclock.Pair{Mono: timescale.MonoFromNs(1e12), Realtime: truth.Add(off)}, Synchronised: c.synchronised}, nil
			},
			step: func(by time.Duration) error { steps++; off += by; return nil },
		}
		utc := func(timescale.Mono) (timescale.UTC, bool) { return truth, c.traceable }
		for range 5 {
			if _, dated, err := s.settle(utc); err != nil || dated != c.dated {
				t.Errorf("%s: dated %v, %v", name, dated, err)
			}
		}
		if steps != c.steps || steps > 0 && off != 0 {
			t.Errorf("%s: %d steps, then %v off", name, steps, off)
		}
	}
}

// A kernel that refuses is told once, and the date stays in doubt.
func TestASystemClockThatCannotBeSetIsTold(t *testing.T) {
	s := systemClock{
		read: func() (kernelclock.SystemClock, error) { return kernelclock.SystemClock{}, nil },
		step: func(time.Duration) error { return errors.New("no right to") },
	}
	if _, dated, err := s.settle(func(timescale.Mono) (timescale.UTC, bool) { return timescale.UTCFromNs(1e18), true }); err == nil || dated {
		t.Errorf("dated %v, %v", dated, err)
	}
}

// The board of software follows the system clock and never sets it; a key leaves it alone
// on a real board.
func TestWhoseSystemClockIsSet(t *testing.T) {
	const real = "[board]\nprofile = \"imx6ul\"\n[gnss]\ndevice = \"/dev/ttyS4\"\n"
	for text, want := range map[string]bool{"[board]\nprofile = \"sim\"\n": false, real: true, real + "[ntp]\nset_system_clock = false\n": false} {
		cfg, _, err := config.Parse("test", []byte(text), nil)
		if err != nil {
			t.Fatal(err)
		}
		if got := setsSystemClock(cfg); got != want {
			t.Errorf("%q: %v", text, got)
		}
	}
}

// A process that follows in the same boot knows that the clock was set; one of the next
// boot does not.
func TestASystemClockIsSetOnceInEachBoot(t *testing.T) {
	dir := t.TempDir()
	boot, err := state.BootID()
	if err != nil {
		t.Skip(err)
	}
	for _, c := range []struct {
		in  string
		set bool
	}{{"", false}, {"another boot", false}, {boot, true}} {
		if c.in != "" {
			if err := state.WriteFile(filepath.Join(dir, "sysclock.state"), systemClockKind, []byte(c.in)); err != nil {
				t.Fatal(err)
			}
		}
		if got := systemClockWasSet(dir); got != c.set {
			t.Errorf("set in %q: %v", c.in, got)
		}
	}
}
