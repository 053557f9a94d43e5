package show

import (
	"math"
	"strings"
	"testing"

	"bragi/cmd/internal/status"
)

// steady is white noise of 25 ns under the masks.
func steady() status.Status {
	s := status.Status{Stability: &status.Stability{Of: "the pulse of one receiver against the clock that follows it: an error that both share does not show", Pulses: 9000, NoiseNs: value(25),
		Masks: []status.StabilityMask{{Name: "G.8272 PRTC-A", Met: new(false), Why: "TDEV 25.00 ns at 1 s, limit 3.00 ns", UpToS: 512}, {Name: "G.8272 PRTC-B"}}}}
	for tau := 1.0; tau <= 8192; tau *= 2 {
		r := status.StabilityRow{TauS: tau, Terms: 100, WindowS: 1024, PRTCATDEVNs: value(3), PRTCBTDEVNs: value(1), PRTCAMTIENs: value(100), PRTCBMTIENs: value(40)}
		if tau <= 512 {
			r.TDEVNs, r.MTIENs = value(25/math.Sqrt(tau)), value(120)
		}
		s.Stability.Rows = append(s.Stability.Rows, r)
	}
	return s
}

// Table and plots of the stability fit a terminal of 24 rows by 80 columns, or by 40,
// in ASCII, and say what was measured by what, whose noise is in it, and the verdicts.
func TestTheScreensOfTheStability(t *testing.T) {
	for _, width := range []int{80, 40} {
		for name, draw := range map[string]func() string{
			"table": func() string { return Stability(steady(), width) },
			"tdev":  func() string { return StabilityPlot(steady(), "tdev", width) },
			"mtie":  func() string { return StabilityPlot(steady(), "mtie", width) },
		} {
			text := draw()
			if fit := Fit(text, 0); fit != text {
				t.Errorf("%s: not plain ASCII, or blanks at a line's end:\n%s", name, text)
			}
			text = Fit(text, width)
			for line := range strings.Lines(text) {
				if len(line) > width+1 {
					t.Errorf("%s, %d columns: %s", name, len(line)-1, line)
				}
			}
			if rows := strings.Count(text, "\n"); rows > 24 && width == 80 || rows > 32 {
				t.Errorf("%s, %d columns: %d rows", name, width, rows)
			}
			flat := strings.Join(strings.Fields(text), " ")
			for _, want := range []string{"against the clock that follows it", "noise of 25 ns", "PRTC-A: not shown to be met: TDEV 25.00 ns at 1 s", "PRTC-B: nothing was measured yet"} {
				if !strings.Contains(flat, want) {
					t.Errorf("%s, %d columns: no %q in\n%s", name, width, want, text)
				}
			}
			if name != "table" && (!strings.Contains(text, "*") || !strings.Contains(text, "AAA") || !strings.Contains(text, "BBB") || !strings.Contains(text, "2h16m32s")) {
				t.Errorf("%s:\n%s", name, text)
			}
			t.Log("\n" + text)
		}
	}
	for _, s := range []status.Status{{}, {Stability: &status.Stability{}}} {
		for _, text := range []string{Stability(s, 80), StabilityPlot(s, "tdev", 80)} {
			if text == "" {
				t.Error("an empty status draws nothing")
			}
		}
	}
}

// Of two receivers the screen has a comparison, which is labelled as one; of one it has none.
func TestTheStabilityOfTwoReceiversIsAComparison(t *testing.T) {
	ns := func(v float64) *float64 { return &v }
	s := steady()
	if text := Stability(s, 120); strings.Contains(text, "Comparison") {
		t.Errorf("of one receiver:\n%s", text)
	}
	s.References = status.References{Followed: "internal", ComparedTo: "roof", List: []status.Reference{
		{Name: "roof"}, {Name: "yard", TDEVNs: status.Spread{S1: ns(7.12), S10: ns(2.25)}, MTIENs: status.Spread{S1: ns(31), S10: ns(33.3)}, ComparedS: 90},
		{Name: "internal", Kind: "internal", Followed: true}, // both are cut: they are compared all the same
	}}
	text := Stability(s, 120)
	for _, want := range []string{"Comparison of two receivers: pulse less pulse of roof", "yard", "7.1", "2.2", "31.0", "33.3"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	if strings.Contains(text, "internal ") {
		t.Errorf("the oscillator is compared:\n%s", text)
	}
}
