package show

import (
	"fmt"
	"strings"
	"text/tabwriter"
	"time"

	"bragi/cmd/internal/status"
)

// Restart is the screen of `bragi show restart`.
func Restart(s status.Status) string {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	r, g := s.Restart, s.Master.AnnounceGap
	fmt.Fprintf(w, "Running for\t%v\n", time.Duration(s.UptimeS*float64(time.Second)).Round(time.Second))
	fmt.Fprintf(w, "In service\t%.0f ms after the start of the process\n", r.ServingMs)
	switch {
	case r.Clock:
		fmt.Fprintf(w, "Clock\twent on after %.1f s, %s from where it was expected\n", r.AgeS, time.Duration(r.OffNs))
	case r.Why != "":
		fmt.Fprintf(w, "Clock\tstarted anew: %s\n", r.Why)
	default:
		fmt.Fprintf(w, "Clock\tstarted anew: no state was left\n")
	}
	fmt.Fprintf(w, "Clients\t%s with grants of the last process\n", Count(r.Clients, "client"))
	if r.GrantsWhy != "" {
		fmt.Fprintf(w, "\t%s\n", r.GrantsWhy)
	}
	fmt.Fprintf(w, "Announce gap\t%.3f s at most, %.3f s lately; %d of more than 1 s (a cBR8 waits for 1.25 s, an RPD for 1.375 s)\n", g.Max, g.Last, g.Long)
	w.Flush()
	return b.String()
}
