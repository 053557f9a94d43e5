package daemon

import (
	"os"
	"path/filepath"
	"testing"

	"bragi/gnss/timescale"
)

// What a process that was killed has left says when it last announced, in this boot
// alone, and nothing else is believed.
func TestTheLastAnnounceOutlivesAKill(t *testing.T) {
	path := filepath.Join(t.TempDir(), "alive")
	a, last, err := openAlive(path, "boot-one")
	if err != nil || !last.IsZero() {
		t.Fatalf("of nothing: %v, %v", last, err)
	}
	a.at(timescale.MonoFromNs(111))
	a.at(timescale.MonoFromNs(222_333))
	if _, last, _ = openAlive(path, "boot-one"); last != timescale.MonoFromNs(222_333) {
		t.Errorf("left 222333, found %v", last)
	}
	if _, last, _ = openAlive(path, "boot-two"); !last.IsZero() {
		t.Errorf("of another boot: %v", last)
	}
	if err := os.WriteFile(path, []byte("\x08boot-o"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, last, err = openAlive(path, "boot-one"); err != nil || !last.IsZero() {
		t.Errorf("of a torn file: %v, %v", last, err)
	}
	link := path + "-link"
	if err := os.Symlink(path, link); err != nil {
		t.Fatal(err)
	}
	if _, _, err = openAlive(link, "boot-one"); err == nil {
		t.Error("a link is followed")
	}
	var none *alive
	none.at(timescale.MonoFromNs(1))
}
