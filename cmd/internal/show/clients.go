package show

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"text/tabwriter"

	"bragi/cmd/internal/status"
)

// ClientOrders are the words that clients can be sorted by.
var ClientOrders = []string{"address", "kind", "since", "heard", "requests", "denials"}

// SelectClients are the clients of which a filter holds, in an order of ClientOrders;
// "" is by address. A filter is a prefix (10.6.0.0/16) that has the address, or a word
// in any capitals that is in the address, the name, the identity, the kind or the last denial.
func SelectClients(list []status.Client, filter, order string) ([]status.Client, error) {
	holds := func(c status.Client) bool {
		text := strings.ToLower(c.Address + "\n" + c.Name + "\n" + c.Identity + "\n" + c.Kind + "\n" + c.LastDenial)
		return strings.Contains(text, strings.ToLower(filter))
	}
	if strings.Contains(filter, "/") {
		prefix, err := netip.ParsePrefix(filter)
		if err != nil {
			return nil, fmt.Errorf("%q is no prefix (fix: for example 10.6.0.0/16)", filter)
		}
		holds = func(c status.Client) bool {
			a, err := netip.ParseAddr(c.Address)
			return err == nil && prefix.Contains(a)
		}
	}
	out := []status.Client{}
	for _, c := range list {
		if holds(c) {
			out = append(out, c)
		}
	}
	byAddress := func(a, b status.Client) int {
		x, _ := netip.ParseAddr(a.Address)
		y, _ := netip.ParseAddr(b.Address)
		return cmp.Or(x.Compare(y), cmp.Compare(a.Identity, b.Identity))
	}
	orders := map[string]func(a, b status.Client) int{
		"":         byAddress,
		"address":  byAddress,
		"kind":     func(a, b status.Client) int { return cmp.Compare(a.Kind, b.Kind) },
		"since":    func(a, b status.Client) int { return cmp.Compare(a.SinceS, b.SinceS) },
		"heard":    func(a, b status.Client) int { return cmp.Compare(b.LastS, a.LastS) },
		"requests": func(a, b status.Client) int { return cmp.Compare(b.DelayReq, a.DelayReq) },
		"denials":  func(a, b status.Client) int { return cmp.Compare(b.Denials, a.Denials) },
	}
	first, known := orders[order]
	if !known {
		return nil, fmt.Errorf("clients cannot be sorted by %q (fix: %s)", order, strings.Join(ClientOrders, ", "))
	}
	slices.SortStableFunc(out, func(a, b status.Client) int { return cmp.Or(first(a, b), byAddress(a, b)) })
	return out, nil
}

// Clients is the screen of `bragi show clients`.
func Clients(s status.Status, width int) string {
	var b strings.Builder
	switch {
	case len(s.Clients) == 0 && s.Master.Clients > 0:
		fmt.Fprintf(&b, "None of %s matches.\n", Count(s.Master.Clients, "client"))
	case len(s.Clients) == 0:
		fmt.Fprintf(&b, "No client has a grant on %s.\n%s", s.Master.Address, away(s))
	default:
		asked := slices.ContainsFunc(s.Clients, func(c status.Client) bool { return c.Says != nil })
		named := slices.ContainsFunc(s.Clients, func(c status.Client) bool { return c.Name != "" })
		t := table{columns: []column{{"ADDRESS", 0}, {"IDENTITY", 8}, {"KIND", 1}, {"SYNC", 2}, {"ANNOUNCE", 4}, {"DELAY_RESP", 3},
			{"DELAY_REQ", 7}, {"RENEWALS", 9}, {"FOR", 5}, {"LAST DENIAL", 6}}}
		if named {
			t.columns = slices.Insert(t.columns, 1, column{"NAME", 0})
		}
		if asked {
			t.columns = append(t.columns, column{"CLIENT SAYS", 0})
		}
		refused := map[string]string{} // by address and identity: of one that is refused beside its grants
		for _, d := range s.Denied {
			if !d.Over {
				refused[d.Address+" "+d.Identity] = d.Reason
			}
		}
		for _, c := range s.Clients {
			row := []string{c.Address}
			if named {
				row = append(row, dash(c.Name))
			}
			row = append(row, c.Identity, dash(c.Kind), grant(c.Grants.Sync), grant(c.Grants.Announce), grant(c.Grants.DelayResp),
				itoa(c.DelayReq), itoa(c.Renewals), seconds(&c.SinceS), dash(cmp.Or(c.LastDenial, refused[c.Address+" "+c.Identity])))
			if asked {
				row = append(row, says(c.Says))
			}
			t.add(row...)
		}
		b.WriteString(t.draw(width))
	}
	for _, e := range s.Master.Expected {
		if !e.Present {
			since := ""
			if e.GoneS != nil {
				since = fmt.Sprintf(" for %s (%s)", seconds(e.GoneS), e.GoneWhy)
			}
			fmt.Fprintf(&b, "Missing: %s, %s has no Sync%s (fix: bragi explain client %s)\n", e.Name, e.Address, since, e.Address)
		}
	}
	for _, d := range s.Denied {
		if d.Over {
			continue // show client tells
		}
		fmt.Fprintf(&b, "Refused: %s, %s (%s, last %s ago)\n", d.Address, d.Reason, Count(d.Count, "time"), seconds(&d.AgoS))
	}
	return b.String()
}

// says is what a client says, in a few words: its offset as it is measured from here,
// and the state of its port; or its own offset, where it tells by itself.
func says(s *status.Says) string {
	switch {
	case s == nil:
		return "-"
	case s.Source == "":
		return "no answer"
	}
	text := Ns(s.OffsetNs) + ", " + s.PortState
	own := s.Source == status.SourceSlaveEvent
	if own {
		text = Ns(s.OwnOffsetNs) + " (" + s.Source + ")"
	}
	if !s.FollowsUs {
		text += ", follows another"
	}
	switch {
	case own:
		text += ", " + seconds(s.AgeS) + " ago"
	case s.Silent:
		text += ", silent now"
	}
	return text
}

// saysOf is all that a client says.
func saysOf(w io.Writer, s *status.Says) {
	if s == nil {
		return
	}
	switch s.Source {
	case "":
		fmt.Fprintf(w, "Client says\tnothing: %s (NetSync Monitor) without an answer\n", Count(s.Asked, "question"))
		return
	case status.SourceSlaveEvent:
		fmt.Fprintf(w, "Client says\tby %s, %s ago\n", s.Source, seconds(s.AgeS))
		fmt.Fprintf(w, "Its offset\t%s as it says; not measured from here\n", Ns(s.OwnOffsetNs))
		fmt.Fprintf(w, "Its path delay\t%s as it says\n", delay(s.OwnPathDelayNs))
		if s.NeighborPPB != nil {
			fmt.Fprintf(w, "Its link\tthe clock at the other end runs %+.2f ppb against its own, as it says\n", *s.NeighborPPB)
		}
		fmt.Fprintf(w, "It follows\t%s%s\n", pick(s.FollowsUs, "us, ", "another: "), s.Parent)
		return
	}
	fmt.Fprintf(w, "Client says\t%s, %s ago; %d of %s answered\n", s.PortState, seconds(s.AgeS), s.Answered, Count(s.Asked, "question"))
	fmt.Fprintf(w, "Its offset\t%s measured from here, %s as it says\n", Ns(s.OffsetNs), Ns(s.OwnOffsetNs))
	fmt.Fprintf(w, "Its path delay\t%s measured from here, %s as it says\n", delay(s.PathDelayNs), delay(s.OwnPathDelayNs))
	fmt.Fprintf(w, "It follows\t%s%s, grandmaster %s of class %d\n", pick(s.FollowsUs, "us, ", "another: "), s.Parent, s.Grandmaster, s.ClockClass)
	if s.UTC {
		fmt.Fprintf(w, "Its stamps\tare UTC; the offset is that of the TAI which it means\n")
	}
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
		if c.Name != "" {
			fmt.Fprintf(w, "Name\t%s\n", c.Name)
		}
		fmt.Fprintf(w, "Client\t%s, %s, looks like: %s\n", c.Address, c.Identity, dash(c.Kind))
		fmt.Fprintf(w, "Since\t%s ago, last heard %s ago\n", seconds(&c.SinceS), seconds(&c.LastS))
		fmt.Fprintf(w, "Speaks to\t%s, with DSCP %d, version 2.%d\n", c.Asked, c.DSCP, c.MinorVersion)
		fmt.Fprintf(w, "Announce\t%s\n", grant(c.Grants.Announce))
		fmt.Fprintf(w, "Sync\t%s\n", grant(c.Grants.Sync))
		fmt.Fprintf(w, "Delay_Resp\t%s\n", grant(c.Grants.DelayResp))
		fmt.Fprintf(w, "Signaling\t%s, %s, %s\n", Count(c.Signaling, "message"), Count(c.Renewals, "renewal"), Count(c.Denials, "denial"))
		fmt.Fprintf(w, "Last denial\t%s\n", dash(c.LastDenial))
		fmt.Fprintf(w, "Delay_Req\t%d, every %s s\n", c.DelayReq, number(c.DelayReqIntervalS, "%.4f"))
		for _, reason := range slices.Sorted(maps.Keys(c.Unanswered)) {
			fmt.Fprintf(w, "Unanswered\t%d: %s\n", c.Unanswered[reason], reason)
		}
		saysOf(w, c.Says)
		if c.OutOfCredit {
			fmt.Fprintf(w, "Credit\tUSED UP: what it was granted is held back, %s so far; %s\n", Count(c.Paused, "message"),
				pick(c.DelayReq == 0, "no Delay_Req came that would earn more", "it sends too little to earn more"))
			fmt.Fprintf(w, "\tfix: let its Delay_Req out (UDP port %d), or add the address to master.trusted\n", s.Master.EventPort)
		}
		fmt.Fprintf(w, "Address\t%s\n", pick(c.Trusted, "trusted", "not trusted: it gets at most five times the bytes that it sends"))
		w.Flush()
	}
	for _, d := range s.Denied {
		if d.Address == address {
			found = true
			fmt.Fprintf(&b, "Refused: %s %s, domain %d: %s (%s, last %s ago%s)\n", d.Address, d.Identity, d.Domain, d.Reason, Count(d.Count, "time"), seconds(&d.AgoS),
				pick(d.Over, "; that is over", ""))
		}
	}
	return b.String(), found
}
