package daemon

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"bragi/board/sim"
	"bragi/cmd/internal/config/store"
	"bragi/cmd/internal/virtual"
)

// A file that still says what nobody confirmed, since it cannot be taken back, was edited
// by nobody: a reload would only let that run again.
func TestACommitThatIsStuckIsNoEdit(t *testing.T) {
	d := observed(t, virtual.NewRig(t, virtual.Demo(), sim.Config{Oscillator: sim.OCXO, Seed: 1}))
	file := filepath.Join(t.TempDir(), "bragi.toml")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	edited := func(want bool, when string) {
		t.Helper()
		if c, err := d.Config(); err != nil || c.Edited != want {
			t.Errorf("%s: edited %t, %v", when, c.Edited, err)
		}
	}
	before, committed := "# before\n", "# committed\n"
	write(before)
	d.source = newSource(file, nil)
	d.used = store.Hash([]byte(before))
	edited(false, "at first")
	if err := d.source.store.Commit(d.used, []byte(committed), d.source.now(), time.Minute, func() error { return nil }); err != nil {
		t.Fatal(err)
	}
	d.watchUnconfirmed()
	edited(false, "what ran before runs again, and the file is not taken back")
	write("# by hand\n")
	edited(true, "edited by hand meanwhile")
	write(before)
	if err := errors.Join(d.source.store.Confirm(), os.WriteFile(file, []byte(committed), 0o644)); err != nil {
		t.Fatal(err)
	}
	d.watchUnconfirmed()
	edited(true, "edited, and no commit waits")
}
