package daemon

import (
	"os"
	"path/filepath"
	"testing"

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
