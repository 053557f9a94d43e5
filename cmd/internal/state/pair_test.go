package state

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"
)

var memory = Kind{"memory", 2}

func openPair(t *testing.T, path string) (*Pair, string, []error) {
	t.Helper()
	p, content, refused := OpenPair(path, memory, func(b []byte) error {
		if string(b) == "poison" {
			return errors.New("it is poison")
		}
		return nil
	})
	return p, string(content), refused
}

func keep(t *testing.T, p *Pair, content string) {
	t.Helper()
	if err := p.Write([]byte(content)); err != nil {
		t.Fatal(err)
	}
}

func TestPairKeepsTheLatest(t *testing.T) {
	path := filepath.Join(t.TempDir(), "new", "folder", "m")
	p, content, refused := openPair(t, path)
	if content != "" || len(refused) != 0 {
		t.Fatalf("an empty folder holds %q, refused %v", content, refused)
	}
	for _, want := range []string{"one", "two", "three", "four"} {
		keep(t, p, want)
		if p, content, refused = openPair(t, path); content != want || len(refused) != 0 {
			t.Errorf("wrote %q, read %q, refused %v", want, content, refused)
		}
	}
}

// Power is lost while a copy is written, at any byte of it: the copy is cut
// there, or holds that much of the new and then what was there before, or a
// byte of it is wrong. The other copy is used, and the reason told; the next
// write goes over the damaged one and leaves the good one alone.
func TestPowerLostAtAnyByteLeavesTheOtherCopy(t *testing.T) {
	path := filepath.Join(t.TempDir(), "m")
	p, _, _ := openPair(t, path)
	keep(t, p, "the first memory")
	keep(t, p, "the second memory")
	keep(t, p, "a third memory, of another length")
	before, err := os.ReadFile(path + ".b")
	if err != nil {
		t.Fatal(err)
	}
	later, err := os.ReadFile(path + ".a")
	if err != nil {
		t.Fatal(err)
	}
	check := func(what string, at int, torn []byte) {
		t.Helper()
		if err := os.WriteFile(path+".a", torn, 0o600); err != nil {
			t.Fatal(err)
		}
		p, content, refused := openPair(t, path)
		if content != "the second memory" || len(refused) != 1 || !(errors.Is(refused[0], ErrTorn) || errors.Is(refused[0], ErrForeign) || errors.Is(refused[0], ErrNewer) || errors.Is(refused[0], ErrOlder)) {
			t.Fatalf("%s at byte %d: read %q, refused %v", what, at, content, refused)
		}
		if p.into != 0 {
			t.Fatalf("%s at byte %d: the next write goes over the good copy", what, at)
		}
	}
	for at := range later {
		check("cut", at, later[:at])
		if mixed := append(bytes.Clone(later[:at]), before[min(at, len(before)):]...); !bytes.Equal(mixed, before) {
			check("half written", at, mixed)
		}
		flipped := bytes.Clone(later)
		flipped[at] ^= 0x10
		check("a wrong bit", at, flipped)
	}
	p, _, _ = openPair(t, path)
	keep(t, p, "the fourth")
	if _, content, refused := openPair(t, path); content != "the fourth" || len(refused) != 0 {
		t.Errorf("after the damage %q, refused %v", content, refused)
	}
	if left, err := os.ReadFile(path + ".b"); err != nil || !bytes.Equal(left, before) {
		t.Errorf("the good copy was touched: %v", err)
	}
}

// Whole, but of a later program, or of numbers that make no sense: refused with
// the reason, and the other copy used.
func TestPairRefusesWhatItCannotUse(t *testing.T) {
	path := filepath.Join(t.TempDir(), "m")
	p, _, _ := openPair(t, path)
	keep(t, p, "good")
	keep(t, p, "poison")
	_, content, refused := openPair(t, path)
	if content != "good" || len(refused) != 1 || !bytes.Contains([]byte(refused[0].Error()), []byte("it is poison")) {
		t.Errorf("read %q, refused %v", content, refused)
	}
	if err := WriteFile(path+".b", Kind{memory.Name, memory.Version + 1}, []byte("12345678from the future")); err != nil {
		t.Fatal(err)
	}
	_, content, refused = openPair(t, path)
	if content != "good" || len(refused) != 1 || !errors.Is(refused[0], ErrNewer) {
		t.Errorf("read %q, refused %v", content, refused)
	}
	for _, c := range copies {
		if err := os.WriteFile(path+c, []byte("\x00"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if _, content, refused = openPair(t, path); content != "" || len(refused) != 2 {
		t.Errorf("two torn copies: read %q, refused %v", content, refused)
	}
}

// A serial too short to be one is no crash.
func TestAPairWithoutASerialIsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "m")
	if err := WriteFile(path+".a", memory, []byte("1234567")); err != nil {
		t.Fatal(err)
	}
	if _, content, refused := openPair(t, path); content != "" || len(refused) != 1 || !errors.Is(refused[0], ErrTorn) {
		t.Errorf("read %q, refused %v", content, refused)
	}
}
