package show

import (
	"fmt"
	"strings"
	"text/tabwriter"
	"time"

	"bragi/cmd/internal/status"
)

// Holdover is the screen of `bragi show holdover`.
func Holdover(s status.Status) string {
	h := s.Holdover
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "Oscillator\t%s, %s\n", oscillator(h), pick(h.Learned, "learned", "still learning"))
	fmt.Fprintf(w, "Locked for\t%s in all\n", seconds(&h.LockedForS))
	if h.ForS != nil {
		fmt.Fprintf(w, "Not locked\tfor %s%s\n", seconds(h.ForS), pick(h.Forced, ", forced by an operator (bragi holdover release ends it)", ""))
	}
	fmt.Fprintf(w, "Time error\t%s, inside %s\n", Estimate(h.ErrorNs, h.SigmaNs), plusMinus(h.BoundNs))
	fmt.Fprintf(w, "Holdover lasts\t%s from now (holdover.max_holdover: at most %s)\n", seconds(h.Class7S), seconds(&h.MaxHoldoverS))
	fmt.Fprintf(w, "Bound inside\t%s for %s from now\n", plusMinus(&h.SpecNs), seconds(h.ForecastS))
	fmt.Fprintf(w, "Error inside\tfor %s in 19 cases of 20, for %s in one of two\n", seconds(h.ForecastP95S), seconds(h.ForecastP50S))
	fmt.Fprintf(w, "Frequency\t%s of the oscillator, %+.3f ppb applied\n", ppb(h.OscillatorPPB), h.FreqPPB)
	fmt.Fprintf(w, "Pulse noise\t%s\n", size(h.PulseNoiseNs))
	fmt.Fprintf(w, "Temperature\t%s\n", temperature(h))
	if k := h.Known; k != nil {
		at := ""
		if k.TemperatureC != nil {
			at = " at " + celsius(k.TemperatureC)
		}
		fmt.Fprintf(w, "Known\t%+.4f ppb%s, sigma %.4f ppb\n", k.FrequencyPPB, at, k.FrequencySigmaPPB)
		if k.DriftSigmaPPBDay > 0 {
			fmt.Fprintf(w, "\tdrift %+.4f ppb a day, sigma %.4f\n", k.DriftPPBDay, k.DriftSigmaPPBDay)
		}
		for _, c := range k.Tempco {
			fmt.Fprintf(w, "\t%+.4f ppb a degree behind a lag of %s, sigma %.4f\n", c.PPBPerC, seconds(&c.LagS), c.SigmaPPB)
		}
	}
	if d := h.Drills; d != nil && (d.Last != nil || d.Running != nil) {
		fmt.Fprintf(w, "Last drill\t%s%s\n", lastDrill(d), pick(d.Running != nil, "; one runs now", ""))
	}
	fmt.Fprintf(w, "Memory\t%s\n", memory(s.Time, h.Memory))
	if h.Memory != nil {
		for _, r := range h.Memory.Refused {
			fmt.Fprintf(w, "\t%s\n", r)
		}
	}
	for i, why := range h.Why {
		fmt.Fprintf(w, "%s\t%s\n", pick(i == 0, "Why", ""), why)
	}
	w.Flush()
	if h.Known != nil && len(h.Known.Horizons) > 0 {
		b.WriteString("Virtual holdovers:\n")
		t := tabwriter.NewWriter(&b, 0, 0, 2, ' ', tabwriter.AlignRight)
		fmt.Fprintln(t, "after\terror, rms\tover the forecast\ttries\t")
		for _, r := range h.Known.Horizons {
			fmt.Fprintf(t, "%s\t%s\t%.2f\t%.1f\t\n", seconds(&r.HorizonS), size(&r.SigmaNs), r.Ratio, r.Samples)
		}
		t.Flush()
	}
	return b.String()
}

// oscillator is the kind that bragid was told, and the one that it behaves like.
func oscillator(h status.Holdover) string {
	told := "told " + h.Oscillator
	if h.Oscillator == "auto" {
		told = "of no told kind"
	}
	return told + ", " + pick(h.Behaves != "", "behaves like "+h.Behaves, "behaviour not known yet")
}

func memory(now time.Time, m *status.Memory) string {
	if m == nil || m.File == "" {
		return "none is kept"
	}
	text := m.File + ", not written yet"
	switch {
	case m.Failed != "":
		text = m.File + ", NOT WRITTEN: " + m.Failed
	case m.Written != nil:
		text = fmt.Sprintf("%s, written %s ago", m.File, now.Sub(*m.Written).Round(time.Second))
	}
	if m.Used {
		text += "; at the start bragid used what was known at " + m.Of
	}
	return text
}

// size is a duration that has no sign.
func size(ns *float64) string { return strings.TrimPrefix(Ns(ns), "+") }

// temperature is the reading and its thermometer; without one, what that costs.
func temperature(h status.Holdover) string {
	if h.TemperatureC != nil {
		return celsius(h.TemperatureC) + pick(h.Thermometer != "", ", by "+h.Thermometer, "")
	}
	return "not known, thermometer: " + dash(h.Thermometer) + "; the oscillator's error by temperature is not corrected in holdover: bound and forecast allow for 10 C in an hour, class 7 is shorter"
}

func celsius(c *float64) string { return number(c, "%.2f C") }

// beyond is the forecast of bound and error, beside that of class 7.
func beyond(h status.Holdover) string {
	if h.ForecastS == nil || h.ForecastP50S == nil {
		return ""
	}
	return fmt.Sprintf(" (inside %s: the bound for %s, the error for %s in one case of two)", plusMinus(&h.SpecNs), seconds(h.ForecastS), seconds(h.ForecastP50S))
}
