package show

import (
	"fmt"
	"strings"
	"text/tabwriter"

	"bragi/cmd/internal/status"
)

// delay is a time on the way, which has a sign only where it is impossible.
func delay(ns *float64) string { return strings.TrimPrefix(Ns(ns), "+") }

// Twin is the screen of `bragi show twin`.
func Twin(s status.Status) string {
	t := s.Twin
	if t == nil {
		return "No twin (fix: set twin.address to the other grandmaster).\n"
	}
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "Twin\t%s, %s\n", t.Address, dash(t.Identity))
	fmt.Fprintf(w, "A change to it\t%s\n", t.Text)
	fmt.Fprintf(w, "Offset\t%s (twin less ours; limit %s), of %s\n", Ns(t.OffsetNs), plusMinus(&t.LimitNs), Count(t.Samples, "sample"))
	fmt.Fprintf(w, "Path delay\t%s\n", delay(t.PathDelayNs))
	if t.ClockClass != nil {
		fmt.Fprintf(w, "It announces\tclass %d, accuracy %s, time source %s, priorities %d and %d\n", *t.ClockClass, t.ClockAccuracy, t.TimeSource, *t.Priority1, *t.Priority2)
		fmt.Fprintf(w, "\tgrandmaster %s, timescale %s, UTC offset %d s\n", t.Grandmaster, pick(*t.PTPTimescale, "PTP (TAI)", "ARB (of no known epoch)"), *t.UTCOffset)
	}
	fmt.Fprintf(w, "Last heard\t%s ago\n", seconds(&t.SilentS))
	w.Flush()
	return b.String()
}
