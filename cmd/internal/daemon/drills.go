package daemon

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"bragi/cmd/internal/file"
	"bragi/cmd/internal/pipeline"
	"bragi/cmd/internal/status"
	"bragi/cmd/internal/version"
	"bragi/holdover"
)

// Holdover drills are asked for by the operator or by the schedule. Their reports are
// files in a folder that outlives a loss of power: ID.json, the latest drillsKept of them. While
// a drill runs the folder has runningFile, which is written anew every drillEvery, so that the
// next process knows of a drill that this one could not end, and for how long it ran at least.

const (
	drillsKept     = 64
	drillEvery     = 5 * time.Second // the schedule is looked at, and a drill that runs is noted
	drillLimit     = 1 << 20         // bytes of a report
	runningFile    = "running.json"
	drillIDForm    = "20060102T150405Z"
	scheduleAsked  = "schedule"
	operatorAsked  = "the operator"
	drillLastWords = "last"
)

var drillID = regexp.MustCompile(`^[0-9]{8}T[0-9]{6}Z$`)

// markedDrill is a drill that runs, for the report of a process that follows a kill: that one may be of
// another version.
type markedDrill struct {
	status.RunningDrill
	On drillPlace `json:"on"`
}

// drillPlace is on what a drill runs.
type drillPlace struct {
	Host        string `json:"host"`
	Identity    string `json:"identity"`
	Profile     string `json:"profile"`
	Version     string `json:"version"`
	Oscillator  string `json:"oscillator"` // as configured
	Thermometer string `json:"thermometer"`
}

// drillPlace is that of this process. The caller holds the lock.
func (d *Daemon) drillPlace() drillPlace {
	on := drillPlace{Profile: d.cfg.Board.Profile, Version: version.Version, Oscillator: d.cfg.Holdover.Oscillator.String(), Thermometer: d.devices.thermometer.words()}
	on.Host, _ = os.Hostname() // nothing else depends on it
	if identity, err := identityOf(d.cfg); err == nil {
		on.Identity = identity.String()
	}
	return on
}

// drillKeeper keeps the reports. All but folder and write are guarded by the daemon's lock.
type drillKeeper struct {
	folder  string
	write   chan *status.DrillReport // to be kept; nobody waits for the disk under the lock
	running *status.RunningDrill     // nil: none
	last    *status.DrillReport      // the latest that is over; nil: none
	judged  *status.DrillReport      // the latest that has a verdict; nil: none
	kept    int
	failed  error // of the last write
}

// openDrills reads the latest report, and ends the drill that the last process could
// not end.
func openDrills(folder string) (*drillKeeper, []status.Event) {
	k := &drillKeeper{folder: folder, write: make(chan *status.DrillReport, 4)}
	var events []status.Event
	var cut markedDrill
	content, err := file.Read(k.path(runningFile), drillLimit)
	if err == nil && json.Unmarshal(content, &cut) == nil && drillID.MatchString(cut.ID) {
		ended := cut.Begun.Add(time.Duration(cut.RanS * float64(time.Second))).Truncate(time.Second)
		r := &status.DrillReport{Drill: status.Drill{ID: cut.ID, Begun: cut.Begun, Ended: ended, By: cut.By, ForS: cut.ForS, RanS: cut.RanS,
			Ending: string(pipeline.DrillKilled), Why: "bragid was killed, or lost its power", JudgedBy: []string{}, Verdict: unjudged, Forecast: forecastWords[holdover.ForecastUnjudged],
			Host: cut.On.Host, Identity: cut.On.Identity, Profile: cut.On.Profile, Version: cut.On.Version, Oscillator: cut.On.Oscillator, Thermometer: cut.On.Thermometer},
			Curve: []status.DrillPoint{}, Foretold: []status.DrillForetold{}}
		events = append(events, status.DrillEnded{Drill: r.Drill})
		if err := k.keep(r); err != nil {
			events = append(events, k.complaint(err))
		}
	}
	ids, _ := k.ids()
	k.kept = len(ids)
	for _, id := range ids {
		r, err := k.read(id)
		if err != nil {
			continue
		}
		if k.last == nil {
			k.last = &r
		}
		if r.Passed != nil {
			k.judged = &r
			break
		}
	}
	return k, events
}

func (k *drillKeeper) path(name string) string { return filepath.Join(k.folder, name) }

func (k *drillKeeper) complaint(err error) status.Event {
	return status.Kept{File: k.folder, What: "the report of a holdover drill cannot be kept: " + err.Error(), Bad: true}
}

// ids are those of the reports, the newest first.
func (k *drillKeeper) ids() ([]string, error) {
	entries, err := os.ReadDir(k.folder)
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	ids := []string{}
	for _, e := range entries {
		if id, found := strings.CutSuffix(e.Name(), ".json"); found && drillID.MatchString(id) {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	slices.Reverse(ids)
	return ids, err
}

func (k *drillKeeper) read(id string) (r status.DrillReport, err error) {
	content, err := file.Read(k.path(id+".json"), drillLimit)
	if err != nil {
		return r, err
	}
	if err := json.Unmarshal(content, &r); err != nil {
		return r, fmt.Errorf("the report %s is damaged: %w (fix: remove this file; bragi drill report --list names the others)", k.path(id+".json"), err)
	}
	if r.Passed != nil && r.Ending != "" && r.Ending != string(pipeline.DrillComplete) { // by a version that judged these too
		r.Passed, r.Verdict, r.Forecast = nil, endedEarly(&r.Drill), forecastWords[holdover.ForecastUnjudged]
	}
	return r, nil
}

// endedEarly is the verdict of a drill that did not end by itself: none.
func endedEarly(d *status.Drill) string {
	return fmt.Sprintf("no verdict: it ended after %s of %s (%s)", status.Span(d.RanS), status.Span(d.ForS), d.Ending)
}

// spared is the latest report that has a verdict where it is among the old ones, "" if
// a newer one has: an alarm may stand on it.
func (k *drillKeeper) spared(ids []string) string {
	for i, id := range ids {
		if r, err := k.read(id); err == nil && r.Passed != nil {
			if i < drillsKept {
				return ""
			}
			return id
		}
	}
	return ""
}

// keep writes a report, and removes the oldest ones and the mark of a drill that runs.
func (k *drillKeeper) keep(r *status.DrillReport) error {
	content, err := json.MarshalIndent(r, "", " ")
	if err != nil {
		return err
	}
	if err := k.put(r.ID+".json", content, file.OnDisk); err != nil {
		return err
	}
	ids, err := k.ids()
	if len(ids) > drillsKept {
		spared := k.spared(ids)
		for _, id := range ids[drillsKept:] {
			if id != spared {
				err = errors.Join(err, os.Remove(k.path(id+".json")))
			}
		}
	}
	return errors.Join(err, k.unmark())
}

// put writes a file of the folder.
func (k *drillKeeper) put(name string, content []byte, until file.Until) error {
	if err := os.MkdirAll(k.folder, 0o755); err != nil {
		return err
	}
	return file.Replace(k.path(name), append(content, '\n'), 0o644, until)
}

// mark notes that a drill runs, and for how long it does.
func (k *drillKeeper) mark(r markedDrill, until file.Until) error {
	content, err := json.Marshal(r)
	if err != nil {
		return err
	}
	return k.put(runningFile, content, until)
}

func (k *drillKeeper) unmark() error {
	if err := os.Remove(k.path(runningFile)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// StartDrill begins a drill for the operator; 0: for as long as holdover.drill_for says.
func (d *Daemon) StartDrill(length time.Duration) (status.RunningDrill, error) {
	return d.startDrill(length, operatorAsked)
}

func (d *Daemon) startDrill(length time.Duration, by string) (status.RunningDrill, error) {
	d.mu.Lock()
	if length == 0 {
		length = d.cfg.Holdover.DrillFor
	}
	if err := d.pipe.StartDrill(d.look.At, length); err != nil {
		d.mu.Unlock()
		return status.RunningDrill{}, err
	}
	at, _ := d.now()
	at = at.UTC().Truncate(time.Second)
	r := status.RunningDrill{ID: at.Format(drillIDForm), Begun: at, By: by, ForS: length.Seconds()}
	running := r
	d.drills.running = &running
	on := d.drillPlace()
	d.mu.Unlock()
	d.happened(status.DrillBegun{ID: r.ID, By: by, ForS: r.ForS})
	if err := d.drills.mark(markedDrill{r, on}, file.OnDisk); err != nil {
		d.drillKept(err)
	}
	return r, nil
}

// CancelDrill ends the drill that runs.
func (d *Daemon) CancelDrill() (status.Drill, error) {
	if ended := d.endDrill(pipeline.DrillCancelled); ended != nil {
		return ended.Drill, nil
	}
	return status.Drill{}, errors.New("no drill runs (fix: bragi drill status)")
}

// endDrill ends the drill that runs; nil: none did.
func (d *Daemon) endDrill(ending pipeline.DrillEnding) *status.DrillReport {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.pipe.EndDrill(d.look.At, ending, "") {
		return nil
	}
	return d.drillOver()
}

// drillOver takes the drill that has ended, if one has. The caller holds the lock.
func (d *Daemon) drillOver() *status.DrillReport {
	ended, running := d.pipe.TakeEndedDrill(), d.drills.running
	if ended == nil || running == nil {
		return nil
	}
	at, _ := d.now()
	r := drillReport(ended)
	r.ID, r.Begun, r.Ended, r.By = running.ID, running.Begun, at.UTC().Truncate(time.Second), running.By
	on := d.drillPlace()
	r.Host, r.Identity, r.Profile, r.Version, r.Thermometer = on.Host, on.Identity, on.Profile, on.Version, on.Thermometer
	d.drills.running, d.drills.last = nil, r
	if r.Passed != nil {
		d.drills.judged = r
	}
	d.happened(status.DrillEnded{Drill: r.Drill})
	select {
	case d.drills.write <- r:
	default: // the disk has not taken the last ones
	}
	return r
}

// keepDrills writes reports, and begins drills as the schedule says, until ctx ends.
// Then the drill that runs ends too.
func (d *Daemon) keepDrills(ctx context.Context) {
	look := time.NewTicker(drillEvery)
	defer look.Stop()
	for {
		select {
		case r := <-d.drills.write:
			d.drillKept(d.drills.keep(r))
		case <-look.C:
			d.noteDrill()
			if d.drillDue() {
				_, _ = d.startDrill(0, scheduleAsked) // what is refused now is tried again
			}
		case <-ctx.Done():
			d.endDrill(pipeline.DrillStopped)
			for len(d.drills.write) > 0 {
				d.drillKept(d.drills.keep(<-d.drills.write))
			}
			return
		}
	}
}

// noteDrill notes how long the drill that runs has run, for a process that follows a kill. It
// waits for no disk: after a loss of power the note may be half a minute old.
func (d *Daemon) noteDrill() {
	d.mu.Lock()
	r, on := d.runningDrill(), d.drillPlace()
	d.mu.Unlock()
	if r == nil {
		return
	}
	if err := d.drills.mark(markedDrill{*r, on}, file.InMemory); err != nil {
		d.drillKept(err)
	}
}

// runningDrill is the drill that runs, as it stands; nil: none. The caller holds the lock.
func (d *Daemon) runningDrill() *status.RunningDrill {
	if d.drills.running == nil {
		return nil
	}
	r := *d.drills.running
	if now := d.look.Drill; now != nil { // at once after the begin nobody has looked yet
		r.RanS, r.ErrorNs, r.BoundNs = now.Ran.Seconds(), known(now.ErrorNs), known(now.BoundNs)
	}
	return &r
}

// drillKept notes what became of a report, and tells a failure once.
func (d *Daemon) drillKept(err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err != nil && d.drills.failed == nil {
		d.happened(d.drills.complaint(err))
	}
	d.drills.failed = err
	ids, _ := d.drills.ids()
	d.drills.kept = len(ids)
}

// drillDue tells that the schedule wants a drill now.
func (d *Daemon) drillDue() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	at, _ := d.now()
	next := nextDrill(d.cfg.Holdover.DrillEvery, d.drills.last, d.started)
	r := d.look.Report
	return next != nil && d.drills.running == nil && r.Learned && d.pipe.Locked() && !at.Before(*next)
}

// nextDrill is when the schedule wants the next drill, at the earliest: every so often
// from begin to begin, the first as soon as there is something to judge. A drill of a
// date to come was dated by a clock that was wrong. nil: never.
func nextDrill(every time.Duration, last *status.DrillReport, started time.Time) *time.Time {
	if every <= 0 {
		return nil
	}
	next := started
	if last != nil {
		next = last.Begun.Add(every)
	}
	return &next
}

// drillsStatus is what is told of the drills. The caller holds the lock.
func (d *Daemon) drillsStatus() *status.Drills {
	k, h := d.drills, d.cfg.Holdover
	s := &status.Drills{Kept: k.kept, Folder: k.folder, EveryS: h.DrillEvery.Seconds(), ForS: h.DrillFor.Seconds(), Next: nextDrill(h.DrillEvery, k.last, d.started)}
	if k.last != nil {
		last := k.last.Drill
		s.Last = &last
	}
	s.Running = d.runningDrill()
	return s
}

// DrillReports are the drills that are over, the newest first.
func (d *Daemon) DrillReports() ([]status.Drill, error) {
	ids, err := d.drills.ids()
	if err != nil {
		return nil, err
	}
	list := []status.Drill{}
	for _, id := range ids {
		if r, err := d.drills.read(id); err == nil {
			list = append(list, r.Drill)
		}
	}
	return list, nil
}

// DrillReport is the report of a drill; id "last": of the latest.
func (d *Daemon) DrillReport(id string) (r status.DrillReport, err error) {
	d.mu.Lock()
	last := d.drills.last
	d.mu.Unlock()
	switch {
	case last != nil && (id == last.ID || id == drillLastWords): // the disk may not have it yet
		return *last, nil
	case id == drillLastWords:
		return r, errors.New("no holdover drill is over yet (fix: bragi drill holdover begins one; bragi drill status)")
	}
	if !drillID.MatchString(id) {
		return r, fmt.Errorf("%q is no drill (fix: an id of bragi drill report --list)", id)
	}
	if r, err = d.drills.read(id); errors.Is(err, fs.ErrNotExist) {
		return r, fmt.Errorf("there is no drill %s (fix: an id of bragi drill report --list)", id)
	}
	return r, err
}

// drillFailed says what was wrong with the latest drill that was judged, "" for nothing.
// The caller holds the lock.
func (d *Daemon) drillFailed() string {
	if d.drills == nil || d.drills.judged == nil || *d.drills.judged.Passed {
		return ""
	}
	return d.drills.judged.ID + ": " + d.drills.judged.Verdict
}

const unjudged = "nothing was judged"

var forecastWords = map[holdover.Forecast]string{
	holdover.ForecastUnjudged: "not judged", holdover.ForecastHeld: "held", holdover.ForecastLong: "too long", holdover.ForecastShort: "too short", holdover.ForecastNone: "none",
}

// drillReport is a drill that is over, as far as the pipeline knows it.
func drillReport(e *pipeline.EndedDrill) *status.DrillReport {
	r, b, s := e.Result, e.Result.Begin, e.Result.Score
	out := &status.DrillReport{Drill: status.Drill{
		Ending: string(e.Ending), Why: e.Why, ForS: b.For.Seconds(), RanS: r.Ran.Seconds(), JudgedS: s.JudgedS, JudgedBy: append([]string{}, e.Judges...), Verdict: drillVerdict(s),
		SpecNs: float64(b.Spec), ErrorNs: known(s.FinalNs), WorstNs: known(s.WorstNs), WorstAtS: known(s.WorstAt), BoundNs: known(r.BoundNs), ForetoldNs: known(s.ForetoldNs),
		BoundHeld: s.BoundHeld, OutsideS: s.OutsideS, OutsideAtS: known(s.OutsideAt), Forecast: forecastWords[s.ForecastWas],
		ForecastS: known(s.ForecastS), BoundLeftS: known(s.BoundLeftS), ErrorLeftS: known(s.ErrorLeftS), Class7S: r.Class7.Seconds(),
		PulseNoiseNs: known(b.Report.PulseNoiseNs), ReceiverNs: b.ReceiverNs,
		Oscillator: b.Oscillator.String(), Behaves: b.Report.BehavesLike.String(), Learned: b.Report.Learned, LockedForS: b.Report.LockedFor.Seconds(),
		OscillatorPPB: known(b.Report.OscillatorPPB), DriftPPBDay: known(b.DriftPPBDay), DriftSigma: known(b.DriftSigma),
		ColdestC: known(r.ColdestC), WarmestC: known(r.WarmestC), BlindS: r.Blind.Seconds(),
	}, Curve: []status.DrillPoint{}, Foretold: []status.DrillForetold{}}
	if why := notJudged(e, &out.Drill); why != "" {
		out.Verdict, out.Forecast = why, forecastWords[holdover.ForecastUnjudged]
	} else {
		good := s.Good()
		out.Passed = &good
	}
	for _, p := range r.Points {
		out.Curve = append(out.Curve, status.DrillPoint{AtS: p.AtS, Pulses: p.Pulses, ErrorNs: p.ErrorNs, LowestNs: p.LowestNs, HighestNs: p.HighestNs, BoundNs: p.BoundNs})
	}
	for _, f := range b.Foretold {
		out.Foretold = append(out.Foretold, status.DrillForetold{AtS: f.AtS, BoundNs: f.BoundNs, SigmaNs: f.SigmaNs})
	}
	return out
}

// notJudged says why a drill has no verdict, "": it has one.
func notJudged(e *pipeline.EndedDrill, d *status.Drill) string {
	b, s := e.Result.Begin, e.Result.Score
	switch {
	case !(s.JudgedS > 0):
		return unjudged
	case e.Ending != pipeline.DrillComplete:
		return endedEarly(d)
	case s.JudgedS < b.NeedS():
		return fmt.Sprintf("no verdict: pulses judged it for %s, and a verdict needs %s", status.Span(s.JudgedS), status.Span(b.NeedS()))
	}
	return ""
}

// drillVerdict is a score in a sentence.
func drillVerdict(s holdover.DrillScore) string {
	text := "the error stayed inside the bound"
	if !s.BoundHeld {
		text = fmt.Sprintf("the error was outside the bound for %s, first after %s", status.Span(s.OutsideS), status.Span(s.OutsideAt))
	}
	switch s.ForecastWas {
	case holdover.ForecastLong:
		text += fmt.Sprintf("; it left the spec after %s, and %s were forecast", status.Span(s.ErrorLeftS), status.Span(s.ForecastS))
	case holdover.ForecastShort:
		text += fmt.Sprintf("; the bound left the spec after %s already, and %s were forecast", status.Span(s.BoundLeftS), status.Span(s.ForecastS))
	case holdover.ForecastNone:
		text += "; no time inside the spec was forecast"
	default:
		text += fmt.Sprintf("; the forecast held: %s inside the spec, and the bound %s", status.Span(s.ForecastS), boundLeft(s))
	}
	return text
}

// boundLeft says when the bound left the spec.
func boundLeft(s holdover.DrillScore) string {
	if math.IsNaN(s.BoundLeftS) {
		return "stayed inside it to the end"
	}
	return "left it after " + status.Span(s.BoundLeftS)
}

// drillFolder is where the reports are kept: beside the oscillator's memory, or, where
// that may not be written and for the board of software, in control.run_dir.
func drillFolder(runDir string, simulated bool) string {
	const lasting = "/var/lib/bragi/drills"
	if !simulated && file.OwnFolder(lasting) == nil {
		return lasting
	}
	return filepath.Join(runDir, "drills")
}
