package daemon

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"bragi/board/sim"
	"bragi/cmd/internal/alarms"
	"bragi/cmd/internal/config"
	"bragi/cmd/internal/virtual"
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

// leapList has the leap seconds until 2017, and one more on 1 January of year.
func leapList(year int) string {
	text, last := "#@ 4102444800\n", 0
	for y := 1972; y < 2018; y++ {
		for _, month := range []time.Month{time.January, time.July} {
			at := time.Date(y, month, 1, 0, 0, 0, 0, time.UTC)
			if offset := timescale.Builtin().OffsetAtUTC(timescale.UTCFromNs(at.UnixNano())); offset != last {
				last, text = offset, text+fmt.Sprintf("%d %d\n", at.Unix()+2_208_988_800, offset)
			}
		}
	}
	return text + fmt.Sprintf("%d 38\n", time.Date(year, 1, 1, 0, 0, 0, 0, time.UTC).Unix()+2_208_988_800)
}

// --check, and the check of a configuration, tell of a file that contradicts a count which is known: by
// the built-in table, or by the receiver.
func TestCheckTellsOfALeapFileThatContradictsAKnownCount(t *testing.T) {
	path := filepath.Join(t.TempDir(), "leaps")
	cfg := &config.Config{GNSS: config.GNSS{LeapFile: path}}
	check := func(text string) string {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		if err := leapContradiction(path); err != nil {
			return err.Error()
		}
		return ""
	}
	if text := check("#@ 4070908800\n2272060800 10\n"); !strings.Contains(text, "is 10 s in it") || !strings.Contains(text, "it was 37 s") || !strings.Contains(text, "fix:") {
		t.Errorf("%q", text)
	}
	if text := check("#@ 2400000000\n2272060800 10\n"); text != "" { // the built-in table knows more: it is not used
		t.Errorf("an old one: %q", text)
	}
	r := virtual.NewRig(t, virtual.Demo(), sim.Config{Oscillator: sim.OCXO, Receiver: sim.Timing, Seed: 1, TimeToFix: 3 * time.Second})
	d := observed(t, r)
	r.Until(2*time.Minute, "class 6", r.Class(6))
	if text := check(leapList(2029)); text != "" {
		t.Errorf("one that is announced: %q", text)
	}
	if doubts := d.leapDoubts(cfg); len(doubts) != 0 {
		t.Errorf("an announced one: %v", doubts)
	}
	check(leapList(2026))
	if doubts := d.leapDoubts(cfg); len(doubts) != 1 || !strings.Contains(doubts[0].What, path+" is not used: TAI - UTC is 38 s") {
		t.Errorf("%v", doubts)
	}
}

// A file that contradicts what the receiver vouches for is not used: the alarm has both counts, also
// after a restart. It is tried again at each look, and used when it agrees.
func TestALeapFileThatContradictsTheReceiverIsRefused(t *testing.T) {
	r := virtual.NewRig(t, virtual.Demo(), sim.Config{Oscillator: sim.OCXO, Receiver: sim.Timing, Seed: 1, TimeToFix: 3 * time.Second})
	d := observed(t, r)
	d.outside = map[alarms.Code]string{}
	r.Until(2*time.Minute, "class 6", r.Class(6))
	list := leapList
	path := filepath.Join(t.TempDir(), "leap-seconds.list")
	write := func(text string) {
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	d.leap = leapFile{path: path, table: timescale.Builtin()}
	write(list(2026))
	for range 2 {
		if fresh, err := d.rereadLeapFile(); fresh || err == nil {
			t.Errorf("used: %v, %v", fresh, err)
		}
		if detail := d.outside[alarms.LeapFile]; !strings.Contains(detail, path) || !strings.Contains(detail, "38 s") || !strings.Contains(detail, "37 s") {
			t.Errorf("the alarm: %q", detail)
		}
	}
	write(list(2029))
	if fresh, err := d.rereadLeapFile(); !fresh || err != nil || d.outside[alarms.LeapFile] != "" {
		t.Errorf("one that agrees: %v, %v, %q", fresh, err, d.outside[alarms.LeapFile])
	}
	write(list(2026))
	if _, err := d.leap.read(); err != nil { // as a start does, before the state is read
		t.Fatal(err)
	}
	d.resumeLeapTable()
	if detail := d.outside[alarms.LeapFile]; !strings.Contains(detail, "38 s") || d.leap.table != timescale.Builtin() {
		t.Errorf("after a restart: %q, the table in use is complete until %v", detail, d.leap.table.Expires())
	}
	if fresh, err := d.rereadLeapFile(); fresh || err == nil {
		t.Errorf("used after a restart: %v, %v", fresh, err)
	}
}
