package daemon

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"bragi/board/sim"
	"bragi/cmd/internal/alarms"
	"bragi/cmd/internal/pipeline"
	"bragi/cmd/internal/status"
	"bragi/cmd/internal/virtual"
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
		if ended := c.end(); ended.Ending != string(c.ending) || ended.JudgedS < 15 || ended.Passed == nil || ended.ForS != 3600 {
			t.Errorf("%s: %+v", c.ending, ended)
		}
		writeDrills(t, d)
	}
	begun, err := d.StartDrill(time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 { // it is told once
		next, events := openDrills(d.drills.folder)
		if next.last == nil || next.last.ID != begun.ID || next.last.Ending != "cut off" || next.last.Passed != nil || next.last.Verdict != "nothing was judged" {
			t.Fatalf("after a kill: %+v", next.last)
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
	r.Run(10 * time.Second)
	if shown() == "" {
		t.Error("the alarm is gone while the next drill runs")
	}
	r.Run(15 * time.Second)
	if detail := shown(); detail != "" {
		t.Errorf("after a drill that passed: %q", detail)
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
