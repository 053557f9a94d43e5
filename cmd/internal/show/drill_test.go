package show

import (
	"encoding/xml"
	"io"
	"strings"
	"testing"
	"time"

	"bragi/cmd/internal/status"
)

// aDrill is one of an hour whose error runs away inside its bound.
func aDrill(good bool) status.DrillReport {
	at := time.Date(2026, 11, 27, 5, 0, 0, 0, time.UTC)
	r := status.DrillReport{Drill: status.Drill{ID: "20261127T050000Z", Begun: at, Ended: at.Add(time.Hour), By: "the operator", Ending: "complete", ForS: 3600, RanS: 3600, JudgedS: 3599,
		Passed: &good, Verdict: "the error stayed inside the bound, and the forecast held", SpecNs: 1500, ErrorNs: value(-300), WorstNs: value(-310), WorstAtS: value(3500), BoundNs: value(800),
		ForetoldNs: value(250), BoundHeld: good, Forecast: "held", ForecastS: value(7000), Class7S: 3600, PulseNoiseNs: value(25), ReceiverNs: 40, Oscillator: "ocxo", Behaves: "ocxo",
		Learned: true, LockedForS: 90_000, OscillatorPPB: value(-33.7), DriftPPBDay: value(0.1), DriftSigma: value(0.02), ColdestC: value(28), WarmestC: value(31.5),
		Thermometer: "tmp102", BlindS: 60, Host: "gm1", Identity: "001122.fffe.334455", Profile: "sim", Version: "v1"}}
	for i := range 360 {
		s := float64(10 * (i + 1))
		r.Curve = append(r.Curve, status.DrillPoint{AtS: s, Pulses: 10, ErrorNs: -s / 12, LowestNs: -s/12 - 40, HighestNs: 40 - s/12, BoundNs: 100 + s*0.2})
	}
	for i := range 33 {
		s := 3600 * float64(i) / 32
		r.Foretold = append(r.Foretold, status.DrillForetold{AtS: s, BoundNs: 110 + s*0.25, SigmaNs: s / 14})
	}
	return r
}

// The report of a drill has its dates, what was measured beside what was foretold, the
// oscillator, the noise and the verdict, and says that nobody has signed it; it fits.
func TestTheReportOfADrill(t *testing.T) {
	for _, width := range []int{80, 40} {
		text := Fit(DrillReport(aDrill(true), width), width)
		for line := range strings.Lines(text) {
			if len(line) > width+1 {
				t.Errorf("%d columns: %s", len(line)-1, line)
			}
		}
		flat := strings.Join(strings.Fields(text), " ")
		for _, want := range []string{"DRILL 20261127T050000Z: PASSED", "2026-11-27 05:00:00 UTC", "2026-11-27 06:00:00 UTC", "-300 ns at the end", "noise of 25 ns", "250 ns (one sigma)", "+-800 ns",
			"told ocxo, behaves like ocxo", "28.00 to 31.50 C", "tmp102", "1h56m40s until the bound leaves the spec: held", "the bound left the spec not in this drill", "not in this drill", "no thermometer was trusted",
			"Who signed it: nobody", "001122.fffe.334455", "*", "1h0m0s"} {
			if !strings.Contains(flat, want) {
				t.Errorf("%d columns: no %q in\n%s", width, want, text)
			}
		}
		t.Log("\n" + text)
	}
	bad := aDrill(false)
	bad.OutsideS, bad.OutsideAtS, bad.BoundLeftS = 30, value(1200), value(1300)
	if text := DrillReport(bad, 80); !strings.Contains(text, "FAILED") || !strings.Contains(text, "error against bound: outside for 30s, first after 20m0s") || !strings.Contains(text, "after 21m40s") {
		t.Error(text)
	}
	short := aDrill(true)
	short.Passed, short.Forecast, short.ForecastS = nil, "none", value(0)
	if text := DrillReport(short, 80); !strings.Contains(text, "NOT JUDGED") || strings.Contains(text, "PASSED") || !strings.Contains(text, "Forecast     none") || strings.Contains(text, "held") && !strings.Contains(text, short.Verdict) {
		t.Error(text)
	}
	empty := status.DrillReport{Drill: status.Drill{ID: "x", Ending: "cut off", Verdict: "nothing was judged"}}
	if text := DrillReport(empty, 80); !strings.Contains(text, "NOT JUDGED") || strings.Contains(text, "Error") || !strings.Contains(text, "after an unknown time: cut off") {
		t.Error(text)
	}
	begun := time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC)
	killed := status.DrillReport{Drill: status.Drill{ID: "x", Ending: "cut off", Verdict: "nothing was judged", Begun: begun, Ended: begun.Add(12 * time.Second), RanS: 12.3}}
	if text := DrillReport(killed, 80); !strings.Contains(text, "12:00:12 UTC or later, after 12s or more: cut off") {
		t.Error(text)
	}
	by := aDrill(true)
	by.JudgedBy = []string{"roof", "yard"}
	if text := DrillReport(by, 80); !strings.Contains(text, "by the pulses of roof, then yard that the served clock believed") {
		t.Error(text)
	}
}

// The picture of a drill is SVG that a browser reads, also of a drill without a point.
func TestThePictureOfADrillIsWhole(t *testing.T) {
	for _, r := range []status.DrillReport{aDrill(true), {}} {
		r.Verdict = `a "<&>" verdict`
		picture := DrillSVG(r)
		decoder := xml.NewDecoder(strings.NewReader(picture))
		paths := 0
		for {
			token, err := decoder.Token()
			if err == io.EOF {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			if e, ok := token.(xml.StartElement); ok && e.Name.Local == "path" {
				paths++
			}
		}
		if want := "begun " + utc(r.Begun) + " by " + r.By + ", ended " + utc(r.Ended); !strings.Contains(picture, want) {
			t.Errorf("no %q", want)
		}
		if paths < 8 || strings.Contains(picture, "NaN") || strings.Contains(picture, "Inf") {
			t.Errorf("%d paths in\n%s", paths, picture)
		}
	}
}

// The screen of the drills tells what runs, what was and what comes.
func TestTheScreenOfDrills(t *testing.T) {
	now := time.Date(2026, 11, 27, 5, 0, 0, 0, time.UTC)
	s := status.Status{Time: now}
	if text := Drills(s); !strings.Contains(text, "Nothing is known") {
		t.Error(text)
	}
	next, drill := now.Add(time.Hour), aDrill(true).Drill
	s.Holdover.Drills = &status.Drills{Folder: "/var/lib/bragi/drills"}
	if text := Drills(s); !strings.Contains(text, "none yet") || !strings.Contains(text, "holdover.drill_every") {
		t.Error(text)
	}
	s.Holdover.Drills = &status.Drills{Running: &status.RunningDrill{ID: "i", Begun: now, By: "schedule", ForS: 3600, RanS: 600, ErrorNs: value(-40), BoundNs: value(200)},
		Last: &drill, Kept: 1, Folder: "/var/lib/bragi/drills", EveryS: 86_400, ForS: 3600, Next: &next}
	for _, want := range []string{"10m0s of 1h0m0s, 50m0s left", "-40 ns against the pulse, inside +-200 ns", "20261127T050000Z: PASSED, complete after 1h0m0s", "1h0m0s each 24h0m0s", "1 report in"} {
		if text := Drills(s); !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	s.Holdover.Drills.Running = nil
	if text := Drills(s); !strings.Contains(text, "the next at 2026-11-27 06:00:00 UTC") {
		t.Error(text)
	}
	if text := Holdover(s); !strings.Contains(text, "Last drill") {
		t.Error(text)
	}
	if text := DrillList([]status.Drill{drill}, 80); !strings.Contains(text, "20261127T050000Z") || !strings.Contains(text, "PASSED") {
		t.Error(text)
	}
}
