package board

import (
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func TestStmmacBefore6_7IsToldToStampNothing(t *testing.T) {
	for _, c := range []struct {
		driver, release string
		told            bool
	}{
		{"stmmac ptp", "6.6.31", true}, {"stmmac ptp", "6.1.0-28-arm64", true}, {"stmmac ptp", "5.15.71-lf", true}, {"stmmac ptp", "4.19", true},
		{"stmmac ptp", "6.7.0", false}, {"stmmac ptp", "6.12.30", false}, {"stmmac ptp", "7.1.8", false}, {"stmmac ptp", "10.0.1", false},
		{"fec ptp", "6.1.0", false}, {"stmmac ptp", "", false}, {"stmmac ptp", "unknown", false},
	} {
		advice := SnapshotAdvice(c.driver, c.release)
		if (advice != "") != c.told || c.told && !strings.Contains(advice, "6.7") {
			t.Errorf("%s on %q: %q", c.driver, c.release, advice)
		}
	}
	if KernelRelease() == "" {
		t.Error("the running kernel has no release")
	}
}

// A channel that a killed process has left on is turned off before it is turned on, and
// so is each other one, where the hardware has one stamping unit.
func TestAChannelLeftOnIsTurnedOffFirst(t *testing.T) {
	for _, left := range []uint32{0, 1} {
		m := newMachine(exttsCalls...)
		p := fakePHC(t, m)
		f := newExttsPipe(t, m)
		f.oneUnit, f.enabled = true, []uint32{left}
		e, err := newEXTTS(p, 0, f)
		if err != nil {
			t.Fatalf("channel %d was left on: %v", left, err)
		}
		if len(f.enabled) != 1 || f.enabled[0] != 0 {
			t.Errorf("channel %d was left on: now %v", left, f.enabled)
		}
		if err := e.Close(); err != nil || len(f.enabled) != 0 {
			t.Errorf("after the end channels %v are on, %v", f.enabled, err)
		}
	}
}

// One that another unit holds is an error that says so.
func TestABusyChannelIsAnError(t *testing.T) {
	m := newMachine(exttsCalls...)
	f := newExttsPipe(t, m)
	f.busy = true
	if _, err := newEXTTS(fakePHC(t, m), 0, f); err == nil || !strings.Contains(err.Error(), unix.EBUSY.Error()) {
		t.Errorf("%v", err)
	}
}
