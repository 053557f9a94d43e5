// Package show draws the Status snapshot as an operator's screens. Pure: a
// status in, text out. Numbers that are not known are drawn as "-".
package show

import (
	"fmt"
	"maps"
	"math"
	"slices"
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
	fmt.Fprintf(w, "State\t%s (%s) for %s\n", c.State, c.StateName, since(s, c.StateSince))
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
	fmt.Fprintf(w, "Time error\t%s (estimate), inside %s\n", Ns(c.TimeErrorNs), plusMinus(c.BoundNs))
	fmt.Fprintf(w, "Frequency\t%+.3f ppb applied, %s held in holdover\n", c.FreqPPB, ppb(c.MeanFreqPPB))
	fmt.Fprintf(w, "Holdover lasts\t%s from now%s\n", seconds(c.ForecastS), beyond(s.Holdover))
	fmt.Fprintf(w, "Reference\t%s\n", dash(c.Reference))
	fmt.Fprintf(w, "Pulses\t%d used, %d refused\n", c.Pulses, c.PulsesRejected)
	if c.LastStepNs != nil {
		by := float64(*c.LastStepNs)
		fmt.Fprintf(w, "Steps\t%d, the last by %s\n", c.Steps, Ns(&by))
	}
	if c.EtaS != nil {
		fmt.Fprintf(w, "Next state in\t%s\n", seconds(c.EtaS))
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

// Clients is the screen of `bragi show clients`.
func Clients(s status.Status) string {
	var b strings.Builder
	if len(s.Clients) == 0 {
		fmt.Fprintf(&b, "No client has a grant on %s.\n", s.Master.Address)
	} else {
		w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
		fmt.Fprintln(w, "ADDRESS\tIDENTITY\tKIND\tSYNC\tANNOUNCE\tDELAY_RESP\tDELAY_REQ\tRENEWALS\tFOR\tLAST DENIAL")
		for _, c := range s.Clients {
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%d\t%d\t%s\t%s\n", c.Address, c.Identity, dash(c.Kind), grant(c.Grants.Sync),
				grant(c.Grants.Announce), grant(c.Grants.DelayResp), c.DelayReq, c.Renewals, seconds(&c.SinceS), dash(c.LastDenial))
		}
		w.Flush()
	}
	for _, d := range s.Denied {
		fmt.Fprintf(&b, "Refused: %s, %s (%d times, last %s ago)\n", d.Address, d.Reason, d.Count, seconds(&d.AgoS))
	}
	return b.String()
}

// Client is the screen of `bragi show client ADDR`: all that is known of who
// speaks from the address, clients and refused senders alike. found is false
// when nobody does.
func Client(s status.Status, address string) (text string, found bool) {
	var b strings.Builder
	for _, c := range s.Clients {
		if c.Address != address {
			continue
		}
		found = true
		w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
		fmt.Fprintf(w, "Client\t%s, %s, looks like: %s\n", c.Address, c.Identity, dash(c.Kind))
		fmt.Fprintf(w, "Since\t%s ago, last heard %s ago\n", seconds(&c.SinceS), seconds(&c.LastS))
		fmt.Fprintf(w, "Speaks to\t%s, with DSCP %d, version 2.%d\n", c.Asked, c.DSCP, c.MinorVersion)
		fmt.Fprintf(w, "Announce\t%s\n", grant(c.Grants.Announce))
		fmt.Fprintf(w, "Sync\t%s\n", grant(c.Grants.Sync))
		fmt.Fprintf(w, "Delay_Resp\t%s\n", grant(c.Grants.DelayResp))
		fmt.Fprintf(w, "Signaling\t%d messages, %d renewals, %d denials\n", c.Signaling, c.Renewals, c.Denials)
		fmt.Fprintf(w, "Last denial\t%s\n", dash(c.LastDenial))
		fmt.Fprintf(w, "Delay_Req\t%d, every %s s\n", c.DelayReq, number(c.DelayReqIntervalS, "%.4f"))
		for _, reason := range slices.Sorted(maps.Keys(c.Unanswered)) {
			fmt.Fprintf(w, "Unanswered\t%d: %s\n", c.Unanswered[reason], reason)
		}
		fmt.Fprintf(w, "Address\t%s\n", pick(c.Trusted, "trusted", "not trusted: it gets at most five times the bytes that it sends"))
		w.Flush()
	}
	for _, d := range s.Denied {
		if d.Address == address {
			found = true
			fmt.Fprintf(&b, "Refused: %s %s, domain %d: %s (%d times, last %s ago)\n", d.Address, d.Identity, d.Domain, d.Reason, d.Count, seconds(&d.AgoS))
		}
	}
	return b.String(), found
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
		fmt.Fprintf(&b, "\n          for %s; fix: %s\n", since(s, a.Since), a.Fix)
	}
	return b.String()
}

// PTPClockRunning is `show ptp clock running` in the words and columns of an
// ASR900.
func PTPClockRunning(s status.Status) string {
	var b strings.Builder
	fmt.Fprintf(&b, "                      PTP Ordinary Clock [Domain %d]\n", s.Master.Domain)
	row := "         %-14s %-14s %-14s %-14s %s\n"
	fmt.Fprintf(&b, row, "State", "Ports", "Pkts sent", "Pkts rcvd", "Redundancy Mode")
	fmt.Fprintf(&b, row, s.Clock.State, "1", fmt.Sprint(s.Master.Sent), fmt.Sprint(s.Master.Received), "Hot standby")
	fmt.Fprintf(&b, "                               PORT SUMMARY\n")
	fmt.Fprintf(&b, "%72s%s\n", "", "PTP Master")
	row = "%-10s %-12s %-12s %-12s %-13s %-12s %s\n"
	fmt.Fprintf(&b, row, "Name", "Tx Mode", "Role", "Transport", "State", "Sessions", "Port Addr")
	fmt.Fprintf(&b, row, "MASTER", "unicast", "master", dash(s.Master.Interface), pick(s.Clock.Serving, "Master", "Listening"), fmt.Sprint(s.Master.Clients), s.Master.Address)
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

// Ns draws nanoseconds with a unit that suits them.
func Ns(v *float64) string {
	if v == nil {
		return "-"
	}
	switch a := math.Abs(*v); {
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
