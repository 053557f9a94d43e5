package show

import (
	"fmt"
	"strings"
	"text/tabwriter"

	"bragi/cmd/internal/status"
)

// References is the screen of `bragi show references`: what the clock may follow,
// and what it follows now.
func References(s status.Status, width int) string {
	gnss := s.Clock.Reference == "gnss"
	t := table{columns: []column{{"REFERENCE", 0}, {"FOLLOWED", 0}, {"STATE", 1}}}
	state := fmt.Sprintf("fix %s, %s, pulse %s", dash(s.GNSS.Fix), pick(s.GNSS.Trusted, "trusted", "not trusted"), dash(s.GNSS.Label))
	t.add("gnss", yes(gnss), state)
	t.add("internal", yes(!gnss), fmt.Sprintf("%s, in spec for %s", oscillator(s.Holdover), seconds(s.Holdover.ForecastS)))
	return t.draw(width)
}

// Interfaces is the screen of `bragi show interfaces`.
func Interfaces(s status.Status) string {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	device(w, s.Hardware)
	m := s.Master.SinceCleared()
	fmt.Fprintf(w, "Serves at\t%s, UDP ports %d and %d, domain %d\n", dash(m.Address), m.EventPort, m.GeneralPort, m.Domain)
	fmt.Fprintf(w, "Packets\t%d sent, %d received\n", m.Sent, m.Received)
	w.Flush()
	return b.String()
}
