package daemon

import (
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"bragi/board"
	"bragi/board/sim"
	"bragi/cmd/internal/alarms"
	"bragi/cmd/internal/config"
	"bragi/cmd/internal/pipeline"
	"bragi/cmd/internal/state"
	"bragi/cmd/internal/status"
	"bragi/cmd/internal/virtual"
	"bragi/gnss/timescale"
	"bragi/holdover/quality"
)

// inFolder is a configuration whose state is kept in a folder of the test's.
func inFolder(t *testing.T, dir string) *config.Config {
	t.Helper()
	cfg, _, err := config.Parse("test", []byte("[board]\nprofile = \"sim\"\n"), []string{"control.run_dir=" + dir})
	if err != nil {
		t.Fatal(err)
	}
	return cfg
}

// readWithWidth is a clock whose reading with the kernel's took a while.
type readWithWidth struct{ virtual.Clock }

func (c readWithWidth) Cross() (board.Cross, error) {
	x, err := c.Clock.Cross()
	x.WidthNs, x.Realtime = 700, timescale.UTCFromNs(1_790_000_000e9)
	return x, err
}

// The clock that is left is told by every field of a Moment.
func TestAMomentLeavesNoReadingOut(t *testing.T) {
	r, dir := leave(t)
	m, err := newKeeper(inFolder(t, dir), func(status.Event) {}).moment(readWithWidth{virtual.Clock{Rig: r}})
	if err != nil {
		t.Fatal(err)
	}
	for v, i := reflect.ValueOf(m), 0; i < v.NumField(); i++ {
		if v.Field(i).IsZero() {
			t.Errorf("%s is zero", v.Type().Field(i).Name)
		}
	}
}

// leave is a daemon in virtual time that was at class 6 and has left its state in
// a folder.
func leave(t *testing.T) (r *virtual.Rig, dir string) {
	t.Helper()
	dir = t.TempDir()
	r = virtual.NewRig(t, virtual.Demo(), sim.Config{Oscillator: sim.OCXO, Seed: 5, TimeToFix: 3 * time.Second, StartOffset: -10 * time.Second})
	r.Until(40*time.Second, "class 6", r.Class(6))
	r.Run(15 * time.Second)
	d := &Daemon{alarms: alarms.NewSet(), pipe: r.Pipe, devices: &devices{clock: virtual.Clock{Rig: r}}, keep: newKeeper(inFolder(t, dir), func(status.Event) {})}
	d.keepClock()
	return r, dir
}

// Each state that must not be believed is refused with its reason, and the clock
// starts as one that never locked; the whole one is taken.
func TestWhatIsLeftIsJudged(t *testing.T) {
	file := func(dir string) string { return filepath.Join(dir, "clock.state") }
	rewrite := func(change func(*clockState)) func(*testing.T, *virtual.Rig, string) {
		return func(t *testing.T, _ *virtual.Rig, dir string) {
			content, err := state.ReadFile(file(dir), clockKind)
			if err != nil {
				t.Fatal(err)
			}
			var s clockState
			if err := json.Unmarshal(content, &s); err != nil {
				t.Fatal(err)
			}
			change(&s)
			if content, err = json.Marshal(s); err == nil {
				err = state.WriteFile(file(dir), clockKind, content)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	bytesOf := func(change func([]byte) []byte) func(*testing.T, *virtual.Rig, string) {
		return func(t *testing.T, _ *virtual.Rig, dir string) {
			b, err := os.ReadFile(file(dir))
			if err == nil {
				err = os.WriteFile(file(dir), change(b), 0o600)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	kindOf := func(k state.Kind) func(*testing.T, *virtual.Rig, string) {
		return func(t *testing.T, _ *virtual.Rig, dir string) {
			if err := state.WriteFile(file(dir), k, []byte("{}")); err != nil {
				t.Fatal(err)
			}
		}
	}
	step := func(by time.Duration) func(*testing.T, *virtual.Rig, string) {
		return func(_ *testing.T, r *virtual.Rig, _ string) { r.Board.PHC().Step(r.Now, int64(by)) }
	}
	for _, c := range []struct {
		name   string
		away   time.Duration
		happen func(*testing.T, *virtual.Rig, string)
		want   string // "": it goes on
	}{
		{"as it was left", time.Second, func(*testing.T, *virtual.Rig, string) {}, ""},
		{"no file", time.Second, func(_ *testing.T, _ *virtual.Rig, dir string) { os.Remove(file(dir)) }, "no such file"}, //nolint:errcheck // the judgement tells
		{"torn", time.Second, bytesOf(func(b []byte) []byte { return b[:len(b)/2] }), "torn or damaged"},
		{"a bit that fell over", time.Second, bytesOf(func(b []byte) []byte { b[len(b)/2] ^= 4; return b }), "torn or damaged"},
		{"another file", time.Second, bytesOf(func([]byte) []byte { return []byte("# bragi.toml\n[board]\nprofile = \"sim\"\n") }), "no file of this kind"},
		{"grants", time.Second, kindOf(grantsKind), "no file of this kind"},
		{"of a later version", time.Second, kindOf(state.Kind{Name: "clock", Version: 99}), "a later version"},
		{"of an earlier version", time.Second, kindOf(state.Kind{Name: "clock", Version: 0}), "an earlier version"},
		{"empty", time.Second, kindOf(clockKind), "another boot"},
		{"another boot", time.Second, rewrite(func(s *clockState) { s.Boot = "00000000-0000-0000-0000-000000000000" }), "another boot"},
		{"of two hours ago", 2 * time.Hour, func(*testing.T, *virtual.Rig, string) {}, "too old"},
		{"from the future", time.Second, rewrite(func(s *clockState) { s.RawNs += int64(time.Hour) }), "after now"},
		{"stepped by 100 us", time.Second, step(100 * time.Microsecond), "set or steered"},
		{"stepped back by a minute", time.Second, step(-time.Minute), "set or steered"},
		{"steered by 50 ppm", 2 * time.Second, func(t *testing.T, r *virtual.Rig, _ string) {
			if _, err := r.Board.PHC().AdjustFrequency(r.Now.Add(-2*time.Second), 50_000); err != nil {
				t.Fatal(err)
			}
		}, "set or steered"},
		{"frozen", 3 * time.Second, step(-3 * time.Second), "stood still"},
		{"another oscillator", time.Second, rewrite(func(s *clockState) { s.Pipeline.Servo.Oscillator = "rb" }), "rb"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r, dir := leave(t)
			r.Now = r.Now.Add(c.away)
			r.Board.PHC().Extend(r.Now)
			c.happen(t, r, dir)
			k := newKeeper(inFolder(t, dir), func(status.Event) {})
			p := pipeline.New(virtual.Demo(), virtual.Clock{Rig: r})
			err := k.resumeClock(p, virtual.Clock{Rig: r})
			report := p.Look(r.Now).Report
			if c.want == "" {
				if err != nil || !k.resumed.Clock || report.State != quality.Locked {
					t.Errorf("%v; the clock is %v", err, report.State)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v, want something of %q", err, c.want)
			}
			if report.EverLocked || k.resumed.Clock {
				t.Errorf("the clock is %v all the same", report.State)
			}
			t.Log(err)
		})
	}
}

// A folder that cannot be written is told once, and again after it could.
func TestATroubleOfTheFolderIsToldOnce(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	var told []status.Event
	k := newKeeper(inFolder(t, dir), func(e status.Event) { told = append(told, e) })
	k.write(clockKind, nil)
	for range 2 {
		if err := os.RemoveAll(dir); err != nil {
			t.Fatal(err)
		}
		k.write(clockKind, nil)
		k.write(clockKind, nil)
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		k.write(clockKind, nil)
	}
	if n := len(told); n != 2 {
		t.Errorf("told %d times of two troubles: %v", n, told)
	}
}

// The board of software of a second reference is kept whatever the reference's name is:
// a restart goes on with it, and nobody is told of a trouble.
func TestTheSimulatedReceiverOfAnyReferenceIsKept(t *testing.T) {
	dir := t.TempDir()
	tell := func(e status.Event) { t.Errorf("told: %v", e) }
	for _, name := range []string{"yard", "pulse", "a-name-of-many-letters_0123456789"} {
		file := simKind.Name + "-" + name
		newKeeper(inFolder(t, dir), tell).keepSim(file, sim.Saved{LateNs: 1000})
		left, err := newKeeper(inFolder(t, dir), tell).readSim(file)
		if err != nil || left == nil || left.LateNs != 1000 {
			t.Errorf("%s: %+v, %v", name, left, err)
		}
	}
}
