package daemon

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"bragi/board"
	"bragi/board/sim"
	"bragi/cmd/internal/config"
	"bragi/cmd/internal/virtual"
)

// An LED that cannot be opened is told once, stands in the Status, and is taken when it
// comes: a driver may be loaded later than bragid.
func TestALightThatCannotBeOpenedIsToldAndTakenWhenItComes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := virtual.NewRig(t, virtual.Demo(), sim.Config{Oscillator: sim.OCXO, Seed: 1, TimeToFix: 3 * time.Second})
		d := observed(t, r)
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		dir := filepath.Join(t.TempDir(), "board:green:heartbeat")
		go d.shine(ctx, func() (*board.LED, error) { return board.OpenLED(dir) })
		time.Sleep(3*lookAgain + time.Second)
		told := 0
		for _, e := range d.kept[:d.next] {
			if strings.Contains(e.Text, "the LED does not show the state: no light") {
				told++
			}
		}
		if says := d.hardware().LED; told != 1 || !strings.HasPrefix(says, "none: no light") {
			t.Errorf("told %d times; the Status says %q", told, says)
		}
		if err := os.Mkdir(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		for _, file := range []string{"brightness", "trigger"} {
			if err := os.WriteFile(filepath.Join(dir, file), nil, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(lookAgain)
		synctest.Wait()
		if says := d.hardware().LED; says != dir {
			t.Errorf("with the LED there: %q", says)
		}
		if trigger, err := os.ReadFile(filepath.Join(dir, "trigger")); err != nil || string(trigger) != "none" {
			t.Errorf("the kernel's own use of it: %q, %v", trigger, err)
		}
		stop()
		synctest.Wait()
	})
}

// "auto" wants the LED of a board that has one: that it is not there is no secret.
// A board that none is known of, and "none", want none.
func TestALightIsWantedWhereOneIsKnownOrNamed(t *testing.T) {
	for _, c := range []struct {
		profile, led string
		wanted       bool
	}{
		{"beaglebone-black", config.AnyLED, true}, {"imx8mp", config.AnyLED, true}, {"imx6ul", config.AnyLED, false}, {"generic", config.AnyLED, false},
		{"generic", "no:such:led", true}, {"beaglebone-black", config.NoLED, false},
	} {
		cfg := inFolder(t, t.TempDir())
		cfg.Board.Profile, cfg.Board.LED = c.profile, c.led
		led, err := openLight(cfg)
		if led == nil && (err != nil) != c.wanted {
			t.Errorf("%s, %s: %v", c.profile, c.led, err)
		}
		if led == nil && err != nil && errors.Unwrap(err) == nil && !strings.Contains(err.Error(), "fix:") {
			t.Errorf("%s, %s: no fix in %v", c.profile, c.led, err)
		}
	}
}
