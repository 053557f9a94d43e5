package daemon

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"bragi/gnss/timescale"
)

// A file that knows more is used; one that is old, damaged or not there leaves
// the built-in table.
func TestLeapFile(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return path
	}
	const first = "2272060800 10\n"
	for _, c := range []struct {
		path  string
		built bool
		fails bool
	}{
		{"", true, false},
		{write("new", "#@ 4070908800\n"+first), false, false}, // expires 2029
		{write("old", "#@ 2400000000\n"+first), true, false},
		{write("damaged", "#@ 4070908800\n2272060800 ten\n"), true, true},
		{filepath.Join(dir, "missing"), true, true},
	} {
		table, err := leapTable(c.path)
		if (table == timescale.Builtin()) != c.built || (err != nil) != c.fails {
			t.Errorf("%s: built-in %v, error %v", filepath.Base(c.path), table == timescale.Builtin(), err)
		}
	}
}

// A file that is replaced is read when its time has changed, once; one that is damaged
// or taken away is told, and the table that was read before stays.
func TestALeapFileThatIsReplacedIsRead(t *testing.T) {
	path := filepath.Join(t.TempDir(), "leap-seconds.list")
	at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	write := func(text string) {
		t.Helper()
		at = at.Add(time.Hour)
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, at, at); err != nil {
			t.Fatal(err)
		}
	}
	l := leapFile{path: path, table: timescale.Builtin()}
	step := func(what string, fresh, fails bool, until int) {
		t.Helper()
		got, err := l.read()
		if got != fresh || (err != nil) != fails || l.table.Expires().Civil().Year != until {
			t.Errorf("%s: fresh %v, %v, complete until %v", what, got, err, l.table.Expires())
		}
	}
	built := timescale.Builtin().Expires().Civil().Year
	step("not there", false, true, built)
	write("#@ 4070908800\n2272060800 10\n")
	step("written", true, false, 2029)
	step("untouched", false, false, 2029)
	write("#@ 4070908800\n2272060800 10\n# a remark\n")
	step("the same again", false, false, 2029)
	write("#@ 4102444800\n2272060800 10\n")
	step("a newer one", true, false, 2030)
	write("damaged")
	step("damaged", false, true, 2030)
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	step("taken away", false, true, 2030)
}

// --check reads the file.
func TestCheckReadsTheLeapFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "leaps")
	if _, err := leapWords(path); err == nil || !strings.Contains(err.Error(), "fix:") {
		t.Errorf("a missing file: %v", err)
	}
	if err := os.WriteFile(path, []byte("#@ 4070908800\n2272060800 10\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if text, err := leapWords(path); err != nil || !strings.Contains(text, path+", complete until 2029-") {
		t.Errorf("%q, %v", text, err)
	}
	if text, err := leapWords(""); err != nil || !strings.HasPrefix(text, "built in") {
		t.Errorf("%q, %v", text, err)
	}
}
