package e2e

import (
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"bragi/cmd/internal/status"
)

// startWithReferences is a bragid of the board of software with these references.
func startWithReferences(t *testing.T, references string, sets ...string) *local {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, "configs/sim.toml"))
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "bragi.toml")
	if err := os.WriteFile(file, append(text, references...), 0o644); err != nil {
		t.Fatal(err)
	}
	l := startLocalFrom(t, file, t.TempDir(), localPorts(t), sets...)
	t.Cleanup(func() {
		if t.Failed() {
			references, _ := l.bragi(t, 0, "show", "references") // what there is
			log, _ := l.bragi(t, 0, "show", "log")
			t.Logf("%s\n%s", references, log)
		}
	})
	return l
}

func (l *local) status(t *testing.T) (s status.Status) {
	t.Helper()
	l.client().Get(t.Context(), "/v1/status", &s) //nolint:errcheck // then it is empty: it has not begun
	return s
}

func (l *local) says(t *testing.T, words ...string) string {
	t.Helper()
	out, err := l.bragi(t, 0, words...)
	if err != nil {
		t.Fatalf("bragi %v: %v\n%s", words, err, out)
	}
	return out
}

func referenceOf(s status.Status, name string) status.Reference {
	for _, r := range s.References.List {
		if r.Name == name {
			return r
		}
	}
	return status.Reference{}
}

// Two receivers on the board of software. One after the other is 1 us off, 1 s off, under
// a false sky, and cut: the right one is followed, the wrong one is named, and the served
// time neither steps nor moves by more than the servo's slew.
func TestOfTwoReceiversTheRightOneIsFollowed(t *testing.T) {
	t.Parallel()
	l := startWithReferences(t, `
[[reference]]
name = "roof"
kind = "gnss"
priority = 1

[[reference]]
name = "yard"
kind = "gnss"
priority = 2
`, "sim.receiver=timing", "holdover.wait_to_restore=5s", "selection.limit=500ns")
	eventually(t, 90*time.Second, "class 6, and both receivers compared", func() bool {
		s := l.status(t)
		return s.Clock.ClockClass == 6 && s.References.Followed == "roof" && referenceOf(s, "yard").State == "good" && referenceOf(s, "yard").MeanNs != nil
	})
	time.Sleep(30 * time.Second) // the clock's own memory is some snapshots old
	steps := l.status(t).Clock.Steps
	last, worst := math.NaN(), 0.0
	look := func() status.Status {
		var truth status.Sim
		if err := l.client().Get(t.Context(), "/v1/sim", &truth); err != nil {
			t.Fatal(err)
		}
		if d := math.Abs(truth.TrueErrorNs - last); d > worst {
			worst = d
		}
		last = truth.TrueErrorNs
		return l.status(t)
	}
	for _, c := range []struct {
		wrong, right string
		knob         []string
		state, why   string
		heal         []string
	}{
		{"roof", "yard", []string{"sim", "lie", "--late", "1us"}, "odd", "behind yard", []string{"sim", "lie"}},
		{"yard", "roof", []string{"sim", "lie", "--ahead", "1", "--reference", "yard"}, "odd", "1s ahead of roof", []string{"sim", "lie", "--reference", "yard"}},
		{"roof", "yard", []string{"sim", "lie", "--drift", "35ns"}, "odd", "behind yard", []string{"sim", "lie"}},
		{"yard", "roof", []string{"sim", "antenna", "cut", "--reference", "yard"}, "failed", "", []string{"sim", "antenna", "restore", "--reference", "yard"}},
	} {
		l.says(t, c.knob...)
		eventually(t, 90*time.Second, c.wrong+" is "+c.state+", "+c.right+" is followed", func() bool {
			s := look()
			r := referenceOf(s, c.wrong)
			return r.State == c.state && strings.Contains(r.Why, c.why) && r.QL != "QL-PRC" && s.References.Followed == c.right && s.Clock.ClockClass == 6
		})
		if c.state == "odd" && (alarm(look(), "REFERENCE_ODD") == nil || !strings.Contains(alarm(look(), "REFERENCE_ODD").Detail, c.wrong)) {
			t.Errorf("%v: alarms %+v", c.knob, look().Alarms)
		}
		l.says(t, c.heal...)
		eventually(t, 90*time.Second, c.wrong+" counts again", func() bool { return referenceOf(look(), c.wrong).State == "good" })
	}
	s := look()
	t.Logf("true error %.0f ns, at most %.0f ns from one look to the next, %d steps", last, worst, s.Clock.Steps-steps)
	if s.Clock.Steps != steps || worst > 500 || math.Abs(last) > 500 {
		t.Errorf("%d steps, moved by %.0f ns, true error %.0f ns", s.Clock.Steps-steps, worst, last)
	}
	for _, want := range []string{"REFERENCE: the clock follows yard in the place of roof", "REFERENCE_ODD"} {
		if log := l.says(t, "show", "log"); !strings.Contains(log, want) {
			t.Errorf("the log lacks %q:\n%s", want, log)
		}
	}
	if out := l.says(t, "reference", "switch", "roof", "--force"); !strings.Contains(out, "roof (forced)") {
		t.Errorf("%s", out)
	}
	if out := l.says(t, "show", "network-clocks", "synchronization"); !strings.Contains(out, "#roof") || !strings.Contains(out, "Automatic selection process : Disable") {
		t.Errorf("%s", out)
	}
	l.says(t, "reference", "clear")
	if out, err := l.bragi(t, 0, "reference", "switch", "internal", "--force"); err == nil || !strings.Contains(out, "bragi holdover force") || strings.Count(out, "\n") != 1 {
		t.Errorf("%v: %s", err, out)
	}
}

// The sample of Cisco's primer: the external inputs have failed, the internal oscillator is
// selected, and the grandmaster still sends QL-PRC. bragi says what it follows: class 58
// before it has locked, 7 and then 52 after, and QL-PRC with class 6 alone.
func TestTheInternalOscillatorIsNeverAnnouncedAsAPrimaryReference(t *testing.T) {
	t.Parallel()
	l := startWithReferences(t, `
[[reference]]
name = "External_R0"
kind = "gnss"
priority = 1

[[reference]]
name = "Gi0_2_5"
kind = "gnss"
priority = 1

[[reference]]
kind = "internal"
priority = 251
`, "sim.receiver=timing", "sim.antenna=cut", "holdover.max_holdover=4s")
	screen := func(class string) string {
		out := l.says(t, "show", "network-clocks", "synchronization")
		if strings.Contains(out, "Output : QL-PRC") != (class == "6") || !strings.Contains(out, "class "+class) {
			t.Errorf("at class %s:\n%s", class, out)
		}
		return out
	}
	failed := func(out string) {
		t.Helper()
		for _, want := range []string{
			" External_R0  1PPS     NA/Dis   1     QL-FAILED", " Gi0_2_5      1PPS     NA/Dis   1     QL-FAILED", "*Internal     NA       NA/Dis   251   QL-SEC",
			"T0 : Internal", "Hold-off (global) : 300 ms", "Wait-to-restore (global) : 300 sec", "Revertive : No",
		} {
			if !strings.Contains(out, want) {
				t.Errorf("no %q in\n%s", want, out)
			}
		}
	}
	eventually(t, 60*time.Second, "class 58", func() bool { s := l.status(t); return s.Clock.Serving && s.Clock.ClockClass == 58 })
	failed(screen("58"))
	second := func(to string) { l.says(t, "sim", "antenna", to, "--reference", "Gi0_2_5") }
	l.says(t, "sim", "antenna", "restore")
	eventually(t, 90*time.Second, "class 6, learned", func() bool { s := l.status(t); return s.Clock.ClockClass == 6 && s.Holdover.Learned })
	second("restore") // not before: which of two of one priority comes first would be chance
	if out := screen("6"); !strings.Contains(out, "*External_R0") || !strings.Contains(out, "T0 : External_R0") {
		t.Errorf("%s", out)
	}
	l.says(t, "sim", "antenna", "cut")
	second("cut")
	eventually(t, 60*time.Second, "class 52", func() bool { return l.status(t).Clock.ClockClass == 52 })
	failed(screen("52"))
	if out := l.says(t, "show", "references"); !strings.Contains(out, "*internal") || !strings.Contains(out, "failed") {
		t.Errorf("%s", out)
	}
}
