package daemon

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"bragi/board/sim"
	"bragi/board/sim/live"
	"bragi/cmd/internal/alarms"
	"bragi/cmd/internal/config"
	"bragi/cmd/internal/control"
	"bragi/cmd/internal/pipeline"
	"bragi/cmd/internal/status"
	"bragi/cmd/internal/virtual"
	"bragi/holdover"
)

// drillable is a daemon whose clock is locked and has learned.
func drillable(t *testing.T) (*virtual.Rig, *Daemon) {
	t.Helper()
	r := virtual.NewRig(t, virtual.Demo(), sim.Config{Oscillator: sim.OCXO, Receiver: sim.Timing, Seed: 1, TimeToFix: 3 * time.Second})
	d := observed(t, r)
	r.Until(2*time.Minute, "class 6", r.Class(6))
	r.Run(time.Minute)
	return r, d
}

// ofName are the events of a name that the diary has.
func ofName(d *Daemon, name string) (list []status.Record) {
	for _, e := range d.Kept() {
		if e.Name == name {
			list = append(list, e)
		}
	}
	return list
}

// writeDrills lets the keeper write what waits.
func writeDrills(t *testing.T, d *Daemon) {
	t.Helper()
	for len(d.drills.write) > 0 {
		if err := d.drills.keep(<-d.drills.write); err != nil {
			t.Fatal(err)
		}
	}
}

// A drill by the operator is in the Status while it runs, its report afterwards, on the
// disk too, and the diary has its begin and its end.
func TestADrillByTheOperator(t *testing.T) {
	r, d := drillable(t)
	begun, err := d.StartDrill(30 * time.Second)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(d.drills.folder, runningFile)); err != nil {
		t.Error(err)
	}
	if s := d.latest().Holdover.Drills; s.Running == nil || s.Running.ID != begun.ID {
		t.Errorf("at once: %+v", s)
	}
	r.Run(10 * time.Second)
	s := d.latest().Holdover.Drills
	if s.Running == nil || s.Running.ID != begun.ID || s.Running.RanS < 9 || s.Running.BoundNs == nil || s.Running.ErrorNs == nil || s.Last != nil || s.Next != nil {
		t.Errorf("after 10 s: %+v, %+v", s, s.Running)
	}
	if _, err := d.DrillReport("last"); err == nil || !strings.Contains(err.Error(), "(fix: ") {
		t.Errorf("a report of a drill that runs: %v", err)
	}
	r.Run(25 * time.Second)
	writeDrills(t, d)
	s = d.latest().Holdover.Drills
	if s.Running != nil || s.Last == nil || s.Last.ID != begun.ID || s.Last.Passed == nil || !*s.Last.Passed || s.Last.Ending != "complete" || s.Last.ForS != 30 {
		t.Fatalf("at the end: %+v", s.Last)
	}
	if len(ofName(d, "DRILL_BEGUN")) != 1 || len(ofName(d, "DRILL_ENDED")) != 1 {
		t.Errorf("%+v", d.Kept())
	}
	report, err := d.DrillReport(begun.ID)
	if err != nil || len(report.Curve) < 25 || len(report.Foretold) < 10 || report.Oscillator != "ocxo" || report.Version == "" || report.Identity == "" {
		t.Errorf("%+v, %v", report.Drill, err)
	}
	again, events := openDrills(d.drills.folder)
	if len(events) > 0 || again.kept != 1 || again.last == nil || again.last.ID != begun.ID {
		t.Errorf("the next process finds %+v, %v", again, events)
	}
	if list, err := d.DrillReports(); err != nil || len(list) != 1 {
		t.Errorf("%v, %v", list, err)
	}
	for _, id := range []string{"../clock", "20261127T053123Z.json", "20001127T053123Z", ""} {
		if _, err := d.DrillReport(id); err == nil || !strings.Contains(err.Error(), "(fix: ") {
			t.Errorf("report %q: %v", id, err)
		}
	}
}

// A drill that the operator ends, and one that bragid's own end ends, keep what they
// have shown; one whose process was killed is told by the next process.
func TestADrillThatIsEndedKeepsWhatItHasShown(t *testing.T) {
	r, d := drillable(t)
	if _, err := d.CancelDrill(); err == nil || !strings.Contains(err.Error(), "no drill runs") {
		t.Errorf("with none: %v", err)
	}
	for _, c := range []struct {
		ending pipeline.DrillEnding
		end    func() status.Drill
	}{
		{pipeline.DrillCancelled, func() status.Drill { ended, _ := d.CancelDrill(); return ended }},
		{pipeline.DrillStopped, func() status.Drill { return d.endDrill(pipeline.DrillStopped).Drill }},
	} {
		if _, err := d.StartDrill(time.Hour); err != nil {
			t.Fatal(err)
		}
		r.Run(20 * time.Second)
		if ended := c.end(); ended.Ending != string(c.ending) || ended.JudgedS < 15 || ended.Passed != nil || ended.Forecast != "not judged" || ended.ErrorNs == nil || ended.ForS != 3600 || !strings.Contains(ended.Verdict, string(c.ending)) {
			t.Errorf("%s: %+v", c.ending, ended)
		}
		writeDrills(t, d)
	}
	begun, err := d.StartDrill(time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	r.Run(12 * time.Second)
	d.noteDrill()
	for range 2 { // it is told once
		next, events := openDrills(d.drills.folder)
		if next.last == nil || next.last.ID != begun.ID || next.last.Ending != "cut off" || next.last.Passed != nil || next.last.Verdict != "nothing was judged" {
			t.Fatalf("after a kill: %+v", next.last)
		}
		if on := d.drillPlace(); on.Identity == "" || on.Version == "" || next.last.Identity != on.Identity || next.last.Version != on.Version || next.last.Profile != on.Profile ||
			next.last.Host != on.Host || next.last.Oscillator != on.Oscillator || next.last.Thermometer != on.Thermometer {
			t.Errorf("the report is of %+v, the drill ran on %+v", next.last.Drill, on)
		}
		if ran := next.last.RanS; ran < 11 || ran > 12.5 || next.last.Ended.Sub(begun.Begun) != time.Duration(ran)*time.Second {
			t.Errorf("killed after 12 s: it ran for %.2f s and ended at %v, begun %v", ran, next.last.Ended, begun.Begun)
		}
		if want := map[bool]int{true: 1, false: 0}[d.drills.kept == 0]; len(events) != want {
			t.Errorf("%d events, want %d", len(events), want)
		}
		d.drills.kept = 1
	}
}

// A drill that failed is an alarm, after a restart too; the advice, another drill that
// passes, clears it. One that judged nothing does neither.
func TestADrillThatPassesClearsTheAlarmOfOneThatFailed(t *testing.T) {
	r, d := drillable(t)
	failed := status.DrillReport{Drill: status.Drill{ID: "20260101T000000Z", Passed: new(bool), Verdict: "the error was outside the bound for 30 s"}}
	if err := d.drills.keep(&failed); err != nil {
		t.Fatal(err)
	}
	d.drills, _ = openDrills(d.drills.folder)
	shown := func() string {
		for _, a := range d.latest().Alarms {
			if a.Code == string(alarms.DrillFailed) {
				return a.Detail
			}
		}
		return ""
	}
	r.Run(time.Second)
	if detail := shown(); !strings.Contains(detail, "20260101T000000Z: the error was outside") {
		t.Errorf("after a drill that failed: %q", detail)
	}
	if _, err := d.StartDrill(20 * time.Second); err != nil {
		t.Fatal(err)
	}
	r.Run(time.Second)
	if ended, err := d.CancelDrill(); err != nil || ended.Passed != nil {
		t.Errorf("%+v, %v", ended, err)
	}
	writeDrills(t, d)
	r.Run(time.Second)
	if shown() == "" {
		t.Error("a drill that was cancelled has cleared the alarm")
	}
	if again, _ := openDrills(d.drills.folder); again.judged == nil || again.judged.ID != failed.ID || again.last.ID == failed.ID {
		t.Errorf("the next process: %+v", again.judged)
	}
	if _, err := d.StartDrill(20 * time.Second); err != nil {
		t.Fatal(err)
	}
	r.Run(10 * time.Second)
	if shown() == "" {
		t.Error("the alarm is gone while the next drill runs")
	}
	r.Run(17 * time.Second)
	if detail := shown(); detail != "" {
		t.Errorf("after a drill that passed: %q", detail)
	}
}

// A drill has a verdict if it was complete, and judged for as long as was forecast or
// asked, and for ten seconds; no forecast is none that held.
func TestWhatGivesADrillAVerdict(t *testing.T) {
	for name, c := range map[string]struct {
		ending                   pipeline.DrillEnding
		length, judged, foretold float64
		verdict                  bool
		forecast                 string
	}{
		"whole":                  {pipeline.DrillComplete, 3600, 3600, 7200, true, "held"},
		"beyond the forecast":    {pipeline.DrillComplete, 3600, 3600, 60, true, "held"},
		"to the forecast":        {pipeline.DrillComplete, 3600, 61, 60, true, "held"},
		"shorter than both":      {pipeline.DrillComplete, 3600, 100, 200, false, "not judged"},
		"cancelled":              {pipeline.DrillCancelled, 3600, 0.4, 26, false, "not judged"},
		"cancelled late":         {pipeline.DrillCancelled, 3600, 3000, 26, false, "not judged"},
		"the pulse was lost":     {pipeline.DrillLost, 3600, 3000, 26, false, "not judged"},
		"nothing foretold":       {pipeline.DrillComplete, 20, 20, 0, true, "none"},
		"foretold is not known":  {pipeline.DrillComplete, 20, 20, math.NaN(), true, "none"},
		"foretold short, judged": {pipeline.DrillComplete, 20, 9, 5, false, "not judged"},
		"no pulse":               {pipeline.DrillComplete, 20, 0, 5, false, "not judged"},
	} {
		b := holdover.DrillBegin{For: time.Duration(c.length * 1e9), Spec: 1500, Report: holdover.Report{PulseNoiseNs: 25, ForecastS: c.foretold}}
		var points []holdover.DrillPoint
		if c.judged > 0 {
			points = []holdover.DrillPoint{{AtS: c.judged, Pulses: 1, ErrorNs: 10, BoundNs: 100}}
		}
		r := drillReport(&pipeline.EndedDrill{Ending: c.ending, Result: holdover.DrillResult{Begin: b, Points: points, Score: holdover.ScoreDrill(b, points)}})
		if (r.Passed != nil) != c.verdict || r.Forecast != c.forecast || strings.Contains(r.Verdict, "held") != (c.forecast == "held") {
			t.Errorf("%s: %v, %s, %q", name, r.Passed, r.Forecast, r.Verdict)
		}
	}
}

// A damaged report is named, with what to do, and the latest verdict is never the one
// that gives way.
func TestADamagedReportIsNamedAndAVerdictStays(t *testing.T) {
	k, _ := openDrills(filepath.Join(t.TempDir(), "drills"))
	failed := status.DrillReport{Drill: status.Drill{ID: "20250101T000000Z", Passed: new(bool)}}
	begin := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	if err := k.keep(&failed); err != nil {
		t.Fatal(err)
	}
	for i := range drillsKept + 3 {
		if err := k.keep(&status.DrillReport{Drill: status.Drill{ID: begin.AddDate(0, 0, i).Format(drillIDForm)}}); err != nil {
			t.Fatal(err)
		}
	}
	if next, _ := openDrills(k.folder); next.judged == nil || next.judged.ID != failed.ID || next.kept != drillsKept+1 {
		t.Errorf("%d kept, %+v", next.kept, next.judged)
	}
	if err := os.WriteFile(k.path("20990101T000000Z.json"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	d := &Daemon{drills: k}
	if _, err := d.DrillReport("20990101T000000Z"); err == nil || !strings.Contains(err.Error(), k.path("20990101T000000Z.json")) || !strings.Contains(err.Error(), "(fix: ") {
		t.Error(err)
	}
}

// A report of a version that judged a cancelled drill has no verdict either.
func TestAnOldReportOfACancelledDrillHasNoVerdict(t *testing.T) {
	k, _ := openDrills(filepath.Join(t.TempDir(), "drills"))
	passed := true
	for id, ending := range map[string]pipeline.DrillEnding{"20260101T000000Z": pipeline.DrillComplete, "20260102T000000Z": pipeline.DrillCancelled, "20260103T000000Z": pipeline.DrillKilled} {
		if err := k.keep(&status.DrillReport{Drill: status.Drill{ID: id, Ending: string(ending), Passed: &passed, Verdict: "the error stayed inside the bound"}}); err != nil {
			t.Fatal(err)
		}
		r, err := k.read(id)
		if err != nil || (r.Passed != nil) != (ending == pipeline.DrillComplete) || (r.Passed == nil) != strings.HasPrefix(r.Verdict, "no verdict") {
			t.Errorf("%s: %v %q, %v", ending, r.Passed, r.Verdict, err)
		}
	}
	if next, _ := openDrills(k.folder); next.judged == nil || next.judged.ID != "20260101T000000Z" {
		t.Errorf("the verdict that stands: %+v", next.judged)
	}
}

// Each receiver of software answers to its name, the first one too; no other name does.
func TestAKnobIsThatOfTheNamedReceiver(t *testing.T) {
	first, yard := &live.Board{}, &live.Board{}
	cfg := &config.Config{References: []config.Reference{{Name: "roof", Kind: config.KindGNSS}, {Name: "yard", Kind: config.KindGNSS}, {Name: "lab", Kind: config.KindPPS}}}
	k := knobsOf(cfg, first, []*input{{Reference: cfg.References[1], sim: yard}, {Reference: cfg.References[2], sim: &live.Board{}}})
	for name, want := range map[string]*live.Board{"roof": first, "yard": yard} {
		if of, err := k.Of(name); err != nil || of.(simKnobs).Board != want {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, name := range []string{"internal", "gnss", "cellar"} {
		if _, err := k.Of(name); err == nil || !strings.Contains(err.Error(), "(fix: one of lab, roof, yard)") {
			t.Errorf("%s: %v", name, err)
		}
	}
	lab, err := k.Of("lab")
	if err != nil {
		t.Fatal(err)
	}
	for _, err := range []error{lab.TurnReceiver(control.Receiver{PowerCycle: true}), lab.TellLie(control.Lie{AheadS: 1})} {
		if err == nil || !strings.Contains(err.Error(), "(fix: ") {
			t.Error(err)
		}
	}
	if _, err := knobsOf(&config.Config{}, first, nil).Of("gnss"); err != nil {
		t.Error(err)
	}
}

// The reports are bounded: the oldest give way.
func TestTheOldestReportsGiveWay(t *testing.T) {
	k, _ := openDrills(filepath.Join(t.TempDir(), "drills"))
	begin := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for i := range drillsKept + 5 {
		if err := k.keep(&status.DrillReport{Drill: status.Drill{ID: begin.AddDate(0, 0, i).Format(drillIDForm)}}); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(k.path("20990101T000000Z.json"), []byte("{"), 0o644); err != nil {
		t.Fatal(err)
	}
	ids, err := k.ids()
	if err != nil || len(ids) != drillsKept+1 || ids[len(ids)-1] != "20260106T000000Z" {
		t.Errorf("%d kept, the oldest %s, %v", len(ids), ids[len(ids)-1], err)
	}
	if next, _ := openDrills(k.folder); next.last == nil || next.last.ID != begin.AddDate(0, 0, drillsKept+4).Format(drillIDForm) {
		t.Errorf("a damaged file is taken, or hides the others: %+v", next.last)
	}
}

// The schedule counts from begin to begin, and begins nothing that cannot be judged.
func TestTheScheduleOfDrills(t *testing.T) {
	started := time.Date(2026, 11, 27, 5, 0, 0, 0, time.UTC)
	last := &status.DrillReport{Drill: status.Drill{Begun: started.Add(-time.Hour)}}
	for name, c := range map[string]struct {
		every time.Duration
		last  *status.DrillReport
		want  *time.Time
	}{
		"no schedule":   {0, last, nil},
		"the first":     {time.Hour, nil, &started},
		"the next":      {3 * time.Hour, last, new(started.Add(2 * time.Hour))},
		"long overdue":  {time.Minute, last, new(started.Add(-59 * time.Minute))},
		"none, no last": {0, nil, nil},
	} {
		got := nextDrill(c.every, c.last, started)
		if (got == nil) != (c.want == nil) || got != nil && !got.Equal(*c.want) {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}

	r, d := drillable(t)
	if d.drillDue() {
		t.Error("due without a schedule")
	}
	d.cfg.Holdover.DrillEvery, d.cfg.Holdover.DrillFor = time.Hour, 10*time.Second
	d.started = time.Unix(0, 0)
	if !d.drillDue() {
		t.Error("not due, although there has never been one")
	}
	if _, err := d.startDrill(0, scheduleAsked); err != nil {
		t.Fatal(err)
	}
	if d.drillDue() {
		t.Error("due while one runs")
	}
	r.Run(15 * time.Second)
	if s := d.latest().Holdover.Drills; s.Last == nil || s.Last.By != "schedule" || s.Last.ForS != 10 || s.Next == nil || d.drillDue() {
		t.Errorf("after one: %+v", s)
	}
	d.drills.last = nil
	r.Board.SetAntenna(false)
	r.Until(10*time.Second, "class 7", r.Class(7))
	if d.drillDue() {
		t.Error("due in holdover")
	}
}

// What is kept is the JSON that the control socket answers with.
func TestAReportIsKeptAsItIsTold(t *testing.T) {
	k, _ := openDrills(filepath.Join(t.TempDir(), "drills"))
	r := status.DrillReport{Drill: status.Drill{ID: "20261127T053123Z", Verdict: "v"}, Curve: []status.DrillPoint{{AtS: 1, Pulses: 1, ErrorNs: -2, BoundNs: 3}}, Foretold: []status.DrillForetold{}}
	if err := k.keep(&r); err != nil {
		t.Fatal(err)
	}
	back, err := k.read(r.ID)
	want, _ := json.Marshal(r)
	if have, _ := json.Marshal(back); err != nil || string(have) != string(want) {
		t.Errorf("%s, want %s, %v", have, want, err)
	}
}
