package store

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"bragi/cmd/internal/config"
)

func applied() error { return nil }

var boot = Moment{Boot: "a", RawNs: 1e9}

func later(d time.Duration) Moment { return Moment{boot.Boot, boot.RawNs + int64(d)} }

// begin is a store whose file says text.
func begin(t *testing.T, text string) *Store {
	t.Helper()
	path := filepath.Join(t.TempDir(), "bragi.toml")
	if err := os.WriteFile(path, []byte(text), 0o640); err != nil {
		t.Fatal(err)
	}
	return Open(path)
}

// is fails unless the file says want, and the latest previous texts are these.
func (s *Store) is(t *testing.T, want string, previous ...string) {
	t.Helper()
	text, err := s.Text()
	if err != nil || string(text) != want {
		t.Errorf("the file says %q, %v, want %q", text, err, want)
	}
	list, err := s.Previous()
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, p := range list {
		got = append(got, string(p.Text))
	}
	if previous == nil {
		previous = []string{}
	}
	if len(got) < len(previous) || strings.Join(got[:len(previous)], ",") != strings.Join(previous, ",") {
		t.Errorf("before it said %q, want %q", got, previous)
	}
}

func (s *Store) commits(t *testing.T, base, text string, now Moment, within time.Duration) {
	t.Helper()
	if err := s.Commit(Hash([]byte(base)), []byte(text), now, within, applied); err != nil {
		t.Fatal(err)
	}
}

func TestTheLastTenTextsAreKept(t *testing.T) {
	s := begin(t, "0")
	for i := range 15 {
		s.commits(t, fmt.Sprint(i), fmt.Sprint(i+1), boot, 0)
	}
	s.is(t, "15", "14", "13", "12", "11", "10", "9", "8", "7", "6", "5")
	if list, _ := s.Previous(); len(list) != Kept {
		t.Errorf("%d are kept", len(list))
	}
	if p, err := s.Find(10); err != nil || string(p.Text) != "5" || p.ReplacedAt.IsZero() {
		t.Errorf("%+v, %v", p, err)
	}
	if _, err := s.Find(11); !errors.Is(err, ErrNoPrevious) {
		t.Errorf("%v", err)
	}
	info, err := os.Stat(s.path)
	if err != nil || info.Mode().Perm() != 0o640 {
		t.Errorf("%v, %v: the mode is another", info.Mode(), err)
	}
}

// Of two who change the same text the second is told, and changes nothing.
func TestASecondCommitFromAnOldTextIsRefused(t *testing.T) {
	s := begin(t, "old")
	s.commits(t, "old", "first", boot, 0)
	if err := s.Commit(Hash([]byte("old")), []byte("second"), boot, 0, applied); !errors.Is(err, ErrBase) {
		t.Errorf("%v", err)
	}
	if err := s.Commit(Hash([]byte("first")), []byte("first"), boot, 0, applied); !errors.Is(err, ErrSame) {
		t.Errorf("%v", err)
	}
	s.is(t, "first", "old")
}

func TestAnUnconfirmedCommitIsTakenBackWhenItsTimeIsOver(t *testing.T) {
	s := begin(t, "old")
	s.commits(t, "old", "new", boot, time.Minute)
	if u := s.Unconfirmed(); u == nil || u.Left(later(20*time.Second)) != 40*time.Second {
		t.Fatalf("%+v", u)
	}
	if took, err := s.Recover(later(59 * time.Second)); took || err != nil {
		t.Errorf("taken back %t early, %v", took, err)
	}
	s.is(t, "new", "old")
	if took, err := s.Recover(later(time.Minute)); !took || err != nil {
		t.Errorf("taken back %t, %v", took, err)
	}
	s.is(t, "old", "new", "old")
	if u := s.Unconfirmed(); u != nil {
		t.Errorf("%+v waits", u)
	}
}

// A boot later nobody knows how much time has gone: what was not confirmed is
// taken back at once.
func TestAnUnconfirmedCommitDoesNotOutliveItsBoot(t *testing.T) {
	s := begin(t, "old")
	s.commits(t, "old", "new", boot, time.Hour)
	if took, err := s.Recover(Moment{"b", 5}); !took || err != nil {
		t.Errorf("taken back %t, %v", took, err)
	}
	s.is(t, "old")
}

func TestAConfirmedCommitStays(t *testing.T) {
	s := begin(t, "old")
	s.commits(t, "old", "new", boot, time.Minute)
	if err := s.Confirm(); err != nil {
		t.Fatal(err)
	}
	if took, err := s.Recover(later(time.Hour)); took || err != nil {
		t.Errorf("taken back %t, %v", took, err)
	}
	s.is(t, "new")
}

// A commit upon one that waits confirms it; one that waits too goes back to the
// latest text that was confirmed.
func TestCommitsUponAnUnconfirmedOne(t *testing.T) {
	s := begin(t, "old")
	s.commits(t, "old", "first", boot, time.Minute)
	s.commits(t, "first", "second", boot, 0)
	if took, _ := s.Recover(later(time.Hour)); took {
		t.Error("a confirmed commit was taken back")
	}
	s.is(t, "second")
	s.commits(t, "second", "third", boot, time.Minute)
	for i := range 2 * Kept {
		s.commits(t, []string{"third", "fourth"}[i%2], []string{"fourth", "third"}[i%2], boot, time.Minute)
	}
	if took, err := s.Recover(later(time.Hour)); !took || err != nil {
		t.Errorf("taken back %t, %v", took, err)
	}
	s.is(t, "second", "third")
}

// An edit by hand confirms nothing: it is kept, and the text before the commit comes back.
func TestAnEditByHandDoesNotEndTheWait(t *testing.T) {
	for _, edit := range []string{"by hand", "old"} {
		s := begin(t, "old")
		s.commits(t, "old", "new", boot, time.Minute)
		if err := os.WriteFile(s.path, []byte(edit), 0o640); err != nil {
			t.Fatal(err)
		}
		if u := s.Unconfirmed(); u == nil || !s.Edited(*u) {
			t.Fatalf("%q: %+v waits", edit, u)
		}
		if took, err := s.Recover(later(time.Hour)); took != (edit != "old") || err != nil {
			t.Errorf("%q: taken back %t, %v", edit, took, err)
		}
		if edit == "old" {
			s.is(t, "old", "old")
		} else {
			s.is(t, "old", edit, "old")
		}
		if u := s.Unconfirmed(); u != nil {
			t.Errorf("%q: %+v still waits", edit, u)
		}
	}
}

// Power that goes between the mark of a second commit and its file leaves the first one's
// text: it was not confirmed either.
func TestPowerLostBetweenTwoUnconfirmedCommitsKeepsTheWait(t *testing.T) {
	s := begin(t, "old")
	s.commits(t, "old", "first", boot, time.Minute)
	u := *s.Unconfirmed()
	u.Hash = Hash([]byte("second"))
	if err := s.mark(u); err != nil {
		t.Fatal(err)
	}
	if took, err := s.Recover(Moment{"b", 0}); !took || err != nil {
		t.Errorf("taken back %t, %v", took, err)
	}
	s.is(t, "old")
}

// Power may go after any step of a commit: what is left is the old text or the
// new one with its wait.
func TestPowerLostInACommitLosesNothing(t *testing.T) {
	s := begin(t, "old")
	// After the mark, before the file.
	name, err := s.keep([]byte("old"))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.mark(Unconfirmed{Boot: "a", UntilNs: 0, Hash: Hash([]byte("new")), Before: name}); err != nil {
		t.Fatal(err)
	}
	if took, err := s.Recover(boot); took || err != nil {
		t.Errorf("taken back %t, %v", took, err)
	}
	s.is(t, "old", "old")
	for _, garbage := range []string{"", "{", "{}", `{"hash":"` + Hash([]byte("old")) + `","before":"../../etc/passwd"}`} {
		if err := os.WriteFile(s.markPath(), []byte(garbage), 0o600); err != nil {
			t.Fatal(err)
		}
		if took, err := s.Recover(boot); took || err != nil {
			t.Errorf("%q: taken back %t, %v", garbage, took, err)
		}
	}
}

// What cannot be written is refused whole: the file, the texts before it and the
// wait stay as they are.
func TestADiskThatTakesNothingChangesNothing(t *testing.T) {
	for name, spoil := range map[string]func(s *Store) error{
		"the folder of the previous texts is a file": func(s *Store) error { return os.WriteFile(s.folder, nil, 0o600) },
		"the mark cannot be written":                 func(s *Store) error { return os.MkdirAll(filepath.Join(s.markPath(), "x"), 0o700) },
		"the file is too large":                      nil,
	} {
		s := begin(t, "old")
		text := []byte("new")
		if spoil == nil {
			text = make([]byte, config.SizeLimit+1)
		} else if err := spoil(s); err != nil {
			t.Fatal(err)
		}
		if err := s.Commit(Hash([]byte("old")), text, boot, time.Minute, applied); err == nil {
			t.Errorf("%s: it is committed", name)
		}
		if text, err := s.Text(); err != nil || string(text) != "old" {
			t.Errorf("%s: %q, %v", name, text, err)
		}
		if list, _ := s.names(); len(list) > 0 {
			t.Errorf("%s: %v is left", name, list)
		}
	}
}

// A kept text that is larger than one may be now does not hide the others.
func TestALargeTextThatIsKeptHidesNoOther(t *testing.T) {
	s := begin(t, "old")
	s.commits(t, "old", "new", boot, 0)
	names, err := s.names()
	if err != nil || len(names) != 1 {
		t.Fatal(names, err)
	}
	if err := os.WriteFile(filepath.Join(s.folder, names[0]), make([]byte, config.SizeLimit+1), 0o600); err != nil {
		t.Fatal(err)
	}
	s.commits(t, "new", "newer", boot, 0)
	if list, err := s.Previous(); err != nil || len(list) != 2 || string(list[0].Text) != "new" {
		t.Errorf("%d texts, %v", len(list), err)
	}
}

// A text that cannot be applied is not committed; what waited waits on.
func TestATextThatCannotBeAppliedIsNotCommitted(t *testing.T) {
	s := begin(t, "old")
	s.commits(t, "old", "first", boot, time.Minute)
	cannot := errors.New("no")
	if err := s.Commit(Hash([]byte("first")), []byte("second"), boot, time.Hour, func() error { return cannot }); !errors.Is(err, cannot) {
		t.Errorf("%v", err)
	}
	s.is(t, "first", "old")
	if u := s.Unconfirmed(); u == nil || u.Left(boot) != time.Minute {
		t.Errorf("%+v", u)
	}
}

// A link to the file stays a link.
func TestALinkIsFollowed(t *testing.T) {
	s := begin(t, "old")
	link := filepath.Join(t.TempDir(), "link.toml")
	if err := os.Symlink(s.path, link); err != nil {
		t.Fatal(err)
	}
	Open(link).commits(t, "old", "new", boot, 0)
	s.is(t, "new", "old")
}
