package show

import (
	"fmt"
	"strings"
	"text/tabwriter"

	"bragi/cmd/internal/status"
)

// References is the screen of `bragi show references`: what the clock may follow,
// what it follows now, and how the others compare with that.
func References(s status.Status, width int) string {
	r := s.References
	t := table{columns: []column{{" REFERENCE", 0}, {"PRIO", 1}, {"STATE", 0}, {"QL", 2}, {"AHEAD", 0}, {"MEAN", 5}, {"TDEV 10 s", 3}, {"MTIE 100 s", 4}}}
	for _, one := range r.List {
		state := one.State
		if one.State == "restoring" {
			state += " in " + seconds(one.RestoreS)
		}
		t.add(marked(one), fmt.Sprint(one.Priority), state, one.QL, Ns(one.AheadNs), Ns(one.MeanNs), size(one.TDEVNs.S10), size(one.MTIENs.S100))
	}
	var b strings.Builder
	b.WriteString(t.draw(width))
	b.WriteString("* followed   # forced   & manually switched\n")
	for _, one := range r.List {
		switch {
		case one.Kind == "internal":
			fmt.Fprintf(&b, "%s: %s, class 7 for %s\n", one.Name, oscillator(s.Holdover), seconds(s.Holdover.Class7S))
		case one.Why != "":
			fmt.Fprintf(&b, "%s: %s\n", one.Name, one.Why)
		case one.Fix != "":
			fmt.Fprintf(&b, "%s: fix %s, pulse %s\n", one.Name, one.Fix, dash(one.Label))
		}
	}
	if r.ComparedTo != "" && r.ComparedTo != r.Followed {
		fmt.Fprintf(&b, "AHEAD and MEAN are against the pulse of %s, which was followed last\n", r.ComparedTo)
	}
	if r.Dispute != "" {
		fmt.Fprintf(&b, "No class 6: %s (bragi clock accept receiver NAME)\n", r.Dispute)
	}
	if r.Order != "automatic" && r.Order != "" {
		fmt.Fprintf(&b, "The reference is an operator's order, %s (bragi reference clear ends it)\n", r.Order)
	}
	if s.Holdover.Forced {
		b.WriteString("Holdover is forced: no pulse is used (bragi holdover release ends it)\n")
	}
	return b.String()
}

// marked is a reference's name behind its mark.
func marked(r status.Reference) string {
	if r.Mark == "" {
		return " " + r.Name
	}
	return r.Mark + r.Name
}

// Interfaces is the screen of `bragi show interfaces`.
func Interfaces(s status.Status) string {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	device(w, s.Hardware)
	m := s.Master.SinceCleared()
	fmt.Fprintf(w, "%s\t%s, UDP ports %d and %d, domain %d\n", pick(s.Clock.Serving, "Serves at", "Serves nobody"), dash(m.Address), m.EventPort, m.GeneralPort, m.Domain)
	for line := range strings.Lines(away(s)) {
		fmt.Fprintf(w, "\t%s", line)
	}
	fmt.Fprintf(w, "Packets\t%d sent, %d received\n", m.Sent, m.Received)
	w.Flush()
	return b.String()
}
