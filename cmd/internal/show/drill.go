package show

import (
	"fmt"
	"math"
	"strings"
	"text/tabwriter"
	"time"

	"bragi/cmd/internal/status"
)

// Drills is the screen of `bragi drill status`.
func Drills(s status.Status) string {
	d := s.Holdover.Drills
	if d == nil {
		return "Nothing is known of holdover drills.\n"
	}
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	if r := d.Running; r != nil {
		left := max(r.ForS-r.RanS, 0)
		fmt.Fprintf(w, "Running\t%s, begun %s by %s\n", r.ID, utc(r.Begun), r.By)
		fmt.Fprintf(w, "\t%s of %s, %s left\n", seconds(&r.RanS), seconds(&r.ForS), seconds(&left))
		fmt.Fprintf(w, "Error\t%s against the pulse, inside %s\n", Ns(r.ErrorNs), plusMinus(r.BoundNs))
	} else {
		fmt.Fprintf(w, "Running\tnone\n")
	}
	fmt.Fprintf(w, "Last\t%s\n", lastDrill(d))
	fmt.Fprintf(w, "Schedule\t%s\n", drillSchedule(s.Time, d))
	fmt.Fprintf(w, "Kept\t%s in %s\n", Count(d.Kept, "report"), dash(d.Folder))
	w.Flush()
	return b.String()
}

func drillSchedule(now time.Time, d *status.Drills) string {
	if d.EveryS <= 0 || d.Next == nil {
		return "none (holdover.drill_every)"
	}
	text := fmt.Sprintf("%s each %s", seconds(&d.ForS), seconds(&d.EveryS))
	if d.Running != nil {
		return text
	}
	if !now.Before(*d.Next) {
		return text + "; the next as soon as the clock is locked and has learned"
	}
	return text + "; the next at " + utc(*d.Next)
}

// lastDrill is the latest drill that is over, in a line.
func lastDrill(d *status.Drills) string {
	if d == nil || d.Last == nil {
		return "none yet"
	}
	l := d.Last
	return fmt.Sprintf("%s: %s, %s after %s; %s", l.ID, passed(*l), l.Ending, drillRan(l), l.Verdict)
}

func passed(d status.Drill) string {
	switch {
	case d.Passed == nil:
		return "NOT JUDGED"
	case *d.Passed:
		return "PASSED"
	}
	return "FAILED"
}

// cutOff tells that bragid was killed during the drill: nobody knows exactly when it ended.
func cutOff(d *status.Drill) bool { return d.Ending == "cut off" }

// drillRan is how long a drill ran.
func drillRan(d *status.Drill) string {
	switch ran := seconds(&d.RanS); {
	case !cutOff(d):
		return ran
	case d.RanS == 0:
		return "an unknown time"
	default:
		return ran + " or more"
	}
}

// drillEnded is when a drill ended.
func drillEnded(d *status.Drill) string {
	switch {
	case cutOff(d) && d.RanS == 0:
		return "at a time that nobody knows"
	case cutOff(d):
		return utc(d.Ended) + " or later"
	}
	return utc(d.Ended)
}

// utc is a time of day that every reader takes for the same.
func utc(at time.Time) string { return at.UTC().Format("2006-01-02 15:04:05 UTC") }

// DrillList is the screen of `bragi drill report --list`.
func DrillList(list []status.Drill, width int) string {
	if len(list) == 0 {
		return "No holdover drill is over yet.\n"
	}
	t := table{columns: []column{{"ID", 0}, {"RESULT", 0}, {"ENDING", 2}, {"RAN", 1}, {"VERDICT", 3}}}
	for _, d := range list {
		t.add(d.ID, passed(d), d.Ending, drillRan(&d), d.Verdict)
	}
	return t.draw(width)
}

// DrillReport is the report of a drill, for people.
func DrillReport(r status.DrillReport, width int) string {
	var b strings.Builder
	fmt.Fprintf(&b, "HOLDOVER DRILL %s: %s\n\n", r.ID, passed(r.Drill))
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "Grandmaster\t%s, identity %s\n", dash(r.Host), dash(r.Identity))
	fmt.Fprintf(w, "\tboard %s, bragid %s\n", dash(r.Profile), dash(r.Version))
	fmt.Fprintf(w, "Begun\t%s, by %s, for %s\n", utc(r.Begun), r.By, seconds(&r.ForS))
	fmt.Fprintf(w, "Ended\t%s, after %s: %s%s\n", drillEnded(&r.Drill), drillRan(&r.Drill), r.Ending, pick(r.Why != "", " ("+r.Why+")", ""))
	by := ""
	if len(r.JudgedBy) > 0 {
		by = " of " + strings.Join(r.JudgedBy, ", then ")
	}
	fmt.Fprintf(w, "Judged\tfor %s, by the pulses%s that the served clock believed\n", seconds(&r.JudgedS), by)
	fmt.Fprintf(w, "Verdict\t%s: %s\n", passed(r.Drill), r.Verdict)
	if r.ErrorNs != nil {
		drillFigures(w, r.Drill)
	}
	w.Flush()
	if len(r.Curve) > 1 {
		b.WriteString("\n" + drillPlot(r, width))
	}
	b.WriteString("\n" + drillNotes)
	return b.String()
}

// drillFigures are what was measured, what was foretold, and of which oscillator.
func drillFigures(w *tabwriter.Writer, d status.Drill) {
	fmt.Fprintf(w, "Error\t%s at the end, %s at the worst (after %s)\n", Ns(d.ErrorNs), Ns(d.WorstNs), seconds(d.WorstAtS))
	fmt.Fprintf(w, "\tone pulse has a noise of %s (one sigma): it is in each error\n", size(d.PulseNoiseNs))
	fmt.Fprintf(w, "Foretold\t%s (one sigma) of the error at the end\n", size(d.ForetoldNs))
	fmt.Fprintf(w, "Bound\t%s at the end; %s\n", plusMinus(d.BoundNs),
		pick(d.BoundHeld, "error against bound: inside all the time", "error against bound: outside for "+seconds(&d.OutsideS)+", first after "+seconds(d.OutsideAtS)))
	fmt.Fprintf(w, "\t%s of it is for what is wrong with every pulse alike\n", size(&d.ReceiverNs))
	fmt.Fprintf(w, "Spec\t%s\n", plusMinus(&d.SpecNs))
	if d.Forecast == "none" {
		fmt.Fprintf(w, "Forecast\tnone: the bound was not to stay inside the spec for any time that pulses can tell\n")
	} else {
		fmt.Fprintf(w, "Forecast\t%s until the bound leaves the spec: %s\n", seconds(d.ForecastS), d.Forecast)
	}
	fmt.Fprintf(w, "Actual\tthe bound left the spec %s, the error %s\n", after(d.BoundLeftS), after(d.ErrorLeftS))
	fmt.Fprintf(w, "Class 7\tfor %s of the drill\n", seconds(&d.Class7S))
	fmt.Fprintf(w, "Oscillator\ttold %s, behaves like %s, %s after %s of lock\n", d.Oscillator, dash(d.Behaves), pick(d.Learned, "learned", "still learning"), seconds(&d.LockedForS))
	fmt.Fprintf(w, "\t%s at the begin, drift %s ppb a day (sigma %s)\n", ppb(d.OscillatorPPB), number(d.DriftPPBDay, "%+.4f"), number(d.DriftSigma, "%.4f"))
	heat := "not known"
	if d.ColdestC != nil && d.WarmestC != nil {
		heat = fmt.Sprintf("%.2f to %.2f C", *d.ColdestC, *d.WarmestC)
	}
	fmt.Fprintf(w, "Temperature\t%s, thermometer: %s\n", heat, dash(d.Thermometer))
	if d.BlindS > 0 {
		fmt.Fprintf(w, "\tfor %s no thermometer was trusted: the bound is wider\n", seconds(&d.BlindS))
	}
}

// after is when something happened, or that it did not.
func after(s *float64) string {
	if s == nil {
		return "not in this drill"
	}
	return "after " + seconds(s)
}

const drillNotes = `What this is: a copy of the clock got no more pulses and coasted, while the
served clock stayed locked. The error is that of the copy against the pulses that
the served clock followed, so what is wrong with every pulse alike does not show.
Who signed it: nobody. Who can write the file can change it. An auditor
compares it with the lines DRILL_BEGUN and DRILL_ENDED at the syslog server,
and asks for the JSON, which has every point of the curves.
`

// drillPlot draws the error over bound and forecast.
func drillPlot(r status.DrillReport, width int) string {
	if width <= 0 {
		width = 80
	}
	columns := max(10, width-plotMargin)
	end := max(r.Curve[len(r.Curve)-1].AtS, 1)
	scale := 1.0
	for _, p := range r.Curve {
		scale = max(scale, math.Abs(p.ErrorNs), p.BoundNs)
	}
	for _, f := range r.Foretold {
		if f.AtS <= end {
			scale = max(scale, f.BoundNs)
		}
	}
	cells := newCanvas(columns, plotRows)
	row := func(ns float64) int { return plotRows/2 - int(math.Round(ns/scale*float64(plotRows/2))) }
	both := func(column int, ns float64, mark byte) {
		cells.put(column, row(ns), mark)
		cells.put(column, row(-ns), mark)
	}
	for i := range columns {
		cells.put(i, plotRows/2, '-')
		if f, known := foretoldAt(r.Foretold, end*float64(i)/float64(columns-1)); known {
			both(i, f, ',')
		}
	}
	column := func(s float64) int { return min(int(s/end*float64(columns)), columns-1) }
	for _, p := range r.Curve {
		both(column(p.AtS), p.BoundNs, '.')
	}
	for _, p := range r.Curve {
		cells.put(column(p.AtS), row(p.ErrorNs), '*')
	}
	var b strings.Builder
	b.WriteString("Error *, bound . and the bound as forecast ,\n")
	cells.draw(&b, errorLabel(scale))
	fmt.Fprintf(&b, "%*s 0%*s\n", plotMargin-1, "", columns-1, seconds(&end))
	return b.String()
}

// foretoldAt is the bound as forecast of a moment.
func foretoldAt(list []status.DrillForetold, s float64) (ns float64, known bool) {
	for i := 1; i < len(list); i++ {
		if a, b := list[i-1], list[i]; s >= a.AtS && s <= b.AtS && b.AtS > a.AtS {
			return a.BoundNs + (b.BoundNs-a.BoundNs)*(s-a.AtS)/(b.AtS-a.AtS), true
		}
	}
	return 0, false
}
