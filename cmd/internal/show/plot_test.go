package show

import (
	"strings"
	"testing"
	"time"

	"bragi/cmd/internal/status"
)

// An hour with a holdover in it: the error runs away inside its bound, the class goes
// 6, 7, 52, 6, and each column has the worst of its part.
func TestAPlotShowsErrorBoundAndClass(t *testing.T) {
	now := time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC)
	var points []status.ClockPoint
	for i := range 120 {
		p := status.ClockPoint{At: now.Add(-time.Duration(120-i) * 30 * time.Second), TimeErrorNs: value(5), BoundNs: value(100), ClockClass: 6, Serving: true}
		if i >= 60 && i < 110 {
			p.ClockClass, *p.TimeErrorNs, *p.BoundNs = 7, 10*float64(i-59), 20*float64(i-54)
		}
		if i >= 100 && i < 110 {
			p.ClockClass = 52
		}
		points = append(points, p)
	}
	for _, width := range []int{80, 40} {
		text := Plot(points, now, time.Hour, width)
		for line := range strings.Lines(text) {
			if len(line) > width+1 {
				t.Errorf("%d columns: %s", len(line)-1, line)
			}
		}
		rows := strings.Split(text, "\n")
		if len(rows) > 24 {
			t.Errorf("%d rows", len(rows))
		}
		class := strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(rows[plotRows+1]), "class"))
		for _, mark := range []string{"67", "7o", "o6"} {
			if !strings.Contains(class, mark) {
				t.Errorf("class %q has no %q", class, mark)
			}
		}
		for _, want := range []string{"+1.10 us", "-1.10 us", "*", ".", "of the last 1h", "now", "o: class 52"} {
			if !strings.Contains(text, want) {
				t.Errorf("no %q in\n%s", want, text)
			}
		}
		if strings.Contains(text, "f: class") || strings.Contains(text, "x: not") {
			t.Errorf("a mark that is not there is explained:\n%s", text)
		}
		t.Log("\n" + text)
	}
	if text := Plot(nil, now, time.Hour, 80); !strings.Contains(text, "Nothing is known") {
		t.Error(text)
	}
}

// What is not known is not drawn, and a moment without service is seen.
func TestAPlotDrawsNothingThatIsNotKnown(t *testing.T) {
	now := time.Unix(100_000, 0)
	text := Plot([]status.ClockPoint{{At: now.Add(-time.Minute)}, {At: now.Add(time.Hour)}}, now, time.Hour, 80)
	body := strings.Join(strings.Split(text, "\n")[1:plotRows+1], "\n")
	if strings.ContainsAny(body, "*.") || !strings.Contains(text, "x: not served") {
		t.Errorf("%s", text)
	}
}

// A plot says how long it goes back, whatever zeros the span has.
func TestAPlotNamesItsSpan(t *testing.T) {
	now := time.Unix(100_000, 0)
	for span, want := range map[time.Duration]string{
		time.Second: "1s", 10 * time.Second: "10s", 60 * time.Second: "1m", 100 * time.Second: "1m40s", 2 * time.Minute: "2m",
		10 * time.Minute: "10m", 10*time.Minute + 10*time.Second: "10m10s", 20 * time.Minute: "20m", 30 * time.Minute: "30m",
		60 * time.Minute: "1h", 90 * time.Minute: "1h30m", time.Hour + time.Second: "1h0m1s", 10 * time.Hour: "10h",
		20*time.Hour + 20*time.Minute: "20h20m", 100 * time.Hour: "100h", 1500 * time.Millisecond: "1.5s",
	} {
		text := Plot([]status.ClockPoint{{At: now.Add(-span / 2), ClockClass: 6, Serving: true}}, now, span, 80)
		if !strings.Contains(text, " of the last "+want+"\n") || !strings.Contains(text, " -"+want+" ") {
			t.Errorf("%v: no %q in\n%s", span, want, text)
		}
		if text := Plot(nil, now, span, 80); text != "Nothing is known of the last "+want+".\n" {
			t.Error(text)
		}
	}
}
