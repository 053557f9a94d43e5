package simulate

import (
	"fmt"
	"math"
	"strings"
	"time"
)

// Report tells the judgement in words.
func Report(s *Scenario, r *Result) string {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	line("%s, %s, seed %d: %s", r.Oscillator, r.Scenario, r.Seed, s.About)
	line("")
	line("  locked after        %s", seconds(r.TimeToLockS))
	l := r.Lock
	if l.ForS > 0 {
		line("  time error, locked  %s rms, %s at most, over %s from %s on", nanos(l.RMSNs), nanos(l.MaxNs), seconds(Number(l.ForS)), seconds(Number(l.FromS)))
		line("  MTIE                %s", taus(l.MTIENs))
		line("  TDEV                %s", taus(l.TDEVNs))
		line("  G.8272 masks        PRTC-A %s, PRTC-B %s", met(l, "G.8272 PRTC-A"), met(l, "G.8272 PRTC-B"))
	}
	if known(r.ActualS) {
		line("  forecast at loss    in spec for %s (bound), %s (19 in 20), %s (one in two); class 7 for %s", seconds(r.ForecastS), seconds(r.ForecastP95S), seconds(r.ForecastP50S), seconds(r.Class7S))
		atLeast := ""
		if r.ActualOver {
			atLeast = "at least "
		}
		line("  actual              in spec for %s%s", atLeast, seconds(r.ActualS))
	}
	for _, h := range r.Holdover {
		line("  holdover %-10s %s, bound %s", seconds(Number(h.AtS)), nanos(h.ErrorNs), nanos(h.BoundNs))
	}
	if known(r.RelockS) {
		line("  relocked            %s after the return", seconds(r.RelockS))
	}
	line("  classes             %s", classes(r.Classes))
	line("  largest error       %s served after the first lock", nanos(r.PeakNs))
	line("  limits              %d steps after the first lock, %.2f ppb at most in any second", r.Steps, r.MaxPPBPerS)
	truth := "class 7 was never said while the error was outside the spec"
	if r.FalseClass7 {
		truth = "CLASS 7 WAS SAID WHILE THE ERROR WAS OUTSIDE THE SPEC"
	}
	line("  truth               %s; error outside the bound for %s", truth, seconds(Number(r.OutsideS)))
	return b.String()
}

func known(n Number) bool { return !math.IsNaN(float64(n)) }

func seconds(n Number) string {
	if !known(n) {
		return "-"
	}
	d := time.Duration(float64(n)) * time.Second
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}

func nanos(n Number) string {
	v := float64(n)
	switch a := math.Abs(v); {
	case !known(n):
		return "-"
	case a < 1e3:
		return fmt.Sprintf("%.1f ns", v)
	case a < 1e6:
		return fmt.Sprintf("%.3g us", v/1e3)
	case a < 1e9:
		return fmt.Sprintf("%.3g ms", v/1e6)
	}
	return fmt.Sprintf("%.3g s", v/1e9)
}

func taus(m map[string]Number) string {
	var parts []string
	for _, tau := range lockTaus {
		if v, ok := m[fmt.Sprint(tau)]; ok {
			parts = append(parts, fmt.Sprintf("%d s: %.3g ns", tau, float64(v)))
		}
	}
	return strings.Join(parts, ", ")
}

func met(l Lock, mask string) string {
	if why, broken := l.MaskWhy[mask]; broken {
		return "not met (" + why + ")"
	}
	return "met"
}

func classes(list []Class) string {
	var parts []string
	for _, c := range list {
		name := fmt.Sprint(c.Class)
		if c.Class == 0 {
			name = "not served"
		}
		parts = append(parts, fmt.Sprintf("%s at %s", name, seconds(Number(c.AtS))))
	}
	const most = 12
	if n := len(parts) - most; n > 0 {
		parts = append(parts[:most], fmt.Sprintf("and %d changes more", n))
	}
	return strings.Join(parts, ", ")
}
