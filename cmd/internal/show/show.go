// Package show draws the Status snapshot as an operator's screens. Pure: a
// status in, text out. Numbers that are not known are drawn as "-".
package show

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"bragi/cmd/internal/status"
	"bragi/holdover/quality"
)

// Clock is the screen of `bragi show clock`.
func Clock(s status.Status) string {
	c := s.Clock
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "State\t%s for %s\n", status.StateWords(c.State, c.StateName), since(s, c.StateSince))
	if c.Serving {
		fmt.Fprintf(w, "Clock class\t%d (%s)\n", c.ClockClass, quality.ClassName(c.ClockClass))
		fmt.Fprintf(w, "Accuracy\t%s (%s)\n", c.ClockAccuracy, accuracyWords(c.ClockAccuracy))
	} else {
		fmt.Fprintf(w, "Clock class\t- (nothing is served)\n")
	}
	fmt.Fprintf(w, "Variance\t%s\n", c.Variance)
	fmt.Fprintf(w, "Timescale\t%s\n", pick(c.PTPTimescale, "PTP (TAI)", "ARB (of no known epoch)"))
	fmt.Fprintf(w, "Traceable\ttime %s, frequency %s\n", yes(c.TimeTraceable), yes(c.FrequencyTraceable))
	fmt.Fprintf(w, "Time source\t%s\n", c.TimeSource)
	fmt.Fprintf(w, "UTC offset\t%d s (%s)%s\n", c.UTCOffset, pick(c.UTCOffsetValid, "valid", "not valid"), leap(c))
	fmt.Fprintf(w, "Clock reads\t%s\n", dash(c.Time))
	fmt.Fprintf(w, "Time error\t%s, inside %s\n", Estimate(c.TimeErrorNs, c.TimeErrorSigmaNs), plusMinus(c.BoundNs))
	fmt.Fprintf(w, "Frequency\t%+.3f ppb applied, %s held in holdover\n", c.FreqPPB, ppb(c.MeanFreqPPB))
	fmt.Fprintf(w, "Holdover lasts\t%s from now%s\n", seconds(c.ForecastS), beyond(s.Holdover))
	fmt.Fprintf(w, "Reference\t%s\n", dash(c.Reference))
	fmt.Fprintf(w, "Pulses\t%d used, %d refused\n", c.Pulses, c.PulsesRejected)
	if c.LastStepNs != nil {
		by := float64(*c.LastStepNs)
		fmt.Fprintf(w, "Steps\t%d, the last by %s\n", c.Steps, Ns(&by))
	}
	if c.EtaS != nil {
		fmt.Fprintf(w, "Next state in\t%s%s\n", seconds(c.EtaS), insideAgain(c))
	}
	for i, why := range c.Why {
		fmt.Fprintf(w, "%s\t%s\n", pick(i == 0, "Why", ""), why)
	}
	for i, a := range s.Alarms {
		fmt.Fprintf(w, "%s\t%s\n", pick(i == 0, "Alarms", ""), a.Code)
	}
	w.Flush()
	return b.String()
}

// insideAgain tells how long the bound is inside the spec again, where class 6 waits for that.
func insideAgain(c status.Clock) string {
	if c.BoundInsideS == nil {
		return ""
	}
	return fmt.Sprintf(" at the earliest (the bound is inside the spec again for %s)", seconds(c.BoundInsideS))
}

// Alarms is the screen of `bragi show alarms`.
func Alarms(s status.Status) string {
	if len(s.Alarms) == 0 {
		return "No alarm.\n"
	}
	var b strings.Builder
	for _, a := range s.Alarms {
		fmt.Fprintf(&b, "%-8s  %s: %s", strings.ToUpper(a.Severity), a.Code, a.Text)
		if a.Detail != "" {
			fmt.Fprintf(&b, " (%s)", a.Detail)
		}
		fmt.Fprintf(&b, ", for %s\n", since(s, a.Since))
		for _, part := range []struct{ label, text string }{{"cause", a.Cause}, {"so", a.Consequence}, {"fix", a.Fix}} {
			if part.text != "" {
				fmt.Fprintf(&b, "          %s: %s\n", part.label, part.text)
			}
		}
	}
	return b.String()
}

// AlarmHistory is the screen of `bragi show alarms history`; local writes a time.
func AlarmHistory(past []status.PastAlarm, local func(time.Time) string, width int) string {
	if len(past) == 0 {
		return "No alarm since the start, or since clear alarms.\n"
	}
	t := table{columns: []column{{"RAISED", 0}, {"CLEARED", 2}, {"SEVERITY", 1}, {"CODE", 0}, {"DETAIL", 3}}}
	for _, a := range past {
		cleared := "it stands"
		if a.Cleared != nil {
			cleared = local(*a.Cleared)
		}
		t.add(local(a.Since), cleared, a.Severity, a.Code, dash(a.Detail))
	}
	if t.kept(width)[1] {
		return t.draw(width)
	}
	var b strings.Builder
	for _, row := range t.rows { // there is no room for both times in a row
		fmt.Fprintf(&b, "%s %s\n", row[3], row[2])
		fmt.Fprintf(&b, "  raised   %s\n  cleared  %s\n", row[0], row[1])
		if row[4] != "-" {
			fmt.Fprintf(&b, "  detail   %s\n", row[4])
		}
	}
	return b.String()
}

// accuracyWords says what a clockAccuracy code such as "0x21" means.
func accuracyWords(code string) string {
	n, err := strconv.ParseUint(strings.TrimPrefix(code, "0x"), 16, 8)
	if err != nil {
		return "not known"
	}
	return quality.AccuracyName(uint8(n))
}

// Estimate is an estimate with its own uncertainty: a number without it reads like a
// fact.
func Estimate(v, sigma *float64) string {
	if v == nil {
		return "-"
	}
	if sigma == nil {
		return Ns(v) + " (estimate)"
	}
	return Ns(v) + " (estimate, sigma " + size(sigma) + ")"
}

// Ns draws nanoseconds with a unit that suits them.
func Ns(v *float64) string {
	if v == nil {
		return "-"
	}
	switch a := math.Abs(*v); {
	case math.Round(a) == 0:
		return "+0 ns" // not -0
	case a < 1e3:
		return fmt.Sprintf("%+.0f ns", *v)
	case a < 1e6:
		return fmt.Sprintf("%+.2f us", *v/1e3)
	case a < 1e9:
		return fmt.Sprintf("%+.2f ms", *v/1e6)
	default:
		return fmt.Sprintf("%+.2f s", *v/1e9)
	}
}

func plusMinus(v *float64) string {
	if v == nil {
		return "no known bound"
	}
	return "+-" + strings.TrimPrefix(Ns(v), "+")
}

func ppb(v *float64) string { return number(v, "%+.3f ppb") }

func number(v *float64, format string) string {
	if v == nil {
		return "-"
	}
	return fmt.Sprintf(format, *v)
}

func count(v *int) string {
	if v == nil {
		return "-"
	}
	return fmt.Sprint(*v)
}

// Seconds is a time in s, "-" when it is not known.
func Seconds(v *float64) string { return seconds(v) }

func seconds(v *float64) string {
	if v == nil {
		return "-"
	}
	if *v < 10 {
		return fmt.Sprintf("%.1fs", *v)
	}
	return time.Duration(*v * 1e9).Round(time.Second).String()
}

func since(s status.Status, t time.Time) string {
	d := s.Time.Sub(t).Seconds()
	return seconds(&d)
}

func grant(g *status.Grant) string {
	if g == nil {
		return "-"
	}
	return fmt.Sprintf("%d (%.0fs left)", g.Interval, g.ExpiresS)
}

func leap(c status.Clock) string {
	switch {
	case c.Leap59:
		return ", a second will be left out at the end of the day"
	case c.Leap61:
		return ", a second will be inserted at the end of the day"
	}
	return ""
}

func pick(b bool, yes, no string) string {
	if b {
		return yes
	}
	return no
}

func yes(b bool) string { return pick(b, "yes", "no") }

func dash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}
