package show

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"bragi/cmd/internal/status"
)

// The screens of a Cisco ASR900, with its words and columns.

// ciscoWidth is what the columns of `show ptp clock running` need as Cisco draws
// them; a narrower terminal gets narrower columns.
const ciscoWidth = 88

// away says why clients are sent away, "" when they are not.
func away(s status.Status) string {
	why := ""
	if s.Clock.Draining {
		why = "Draining: clients are sent away, and nobody gets a grant (bragi drain --end ends it)\n"
	}
	if s.Clock.Squelched {
		why += fmt.Sprintf("Squelched: master.squelch lets nobody be served at class %d\n", s.Clock.ClockClass)
	}
	return why
}

// DrainEnded says what became of a drain that was to end: whether one stood, and whether
// clients are served now.
func DrainEnded(stood bool, s status.Status) string {
	text := pick(stood, "The drain has ended.\n", "No drain stood.\n")
	switch why := away(s); {
	case s.Clock.Serving:
		return text + "Clients can get grants.\n"
	case why != "":
		return text + why
	}
	return text + "Nobody is served now: show clock says why\n"
}

// PTPClockRunning is `show ptp clock running`.
func PTPClockRunning(s status.Status, width int) string {
	s.Master = s.Master.SinceCleared()
	title := fmt.Sprintf("PTP Ordinary Clock [Domain %d]", s.Master.Domain)
	note := ""
	if own := s.Clock.StateName; s.Clock.State == "FREERUN" && own != "" {
		// Cisco's word is one for a free run and for a holdover out of spec.
		note = fmt.Sprintf("%s here is: %s", s.Clock.State, own)
		if s.Clock.Serving {
			note += fmt.Sprintf(", class %d", s.Clock.ClockClass)
		}
		note += "\n"
	}
	if s.Holdover.Forced {
		note += "Holdover is forced: no pulse is used (bragi holdover release ends it)\n"
	}
	note += away(s)
	clock := []string{s.Clock.State, "1", itoa(s.Master.Sent), itoa(s.Master.Received), "Hot standby"}
	port := []string{"MASTER", "unicast", "master", dash(s.Master.Interface), portState(s), fmt.Sprint(s.Master.Clients), s.Master.Address}
	if width > 0 && width < ciscoWidth {
		clocks := table{columns: []column{{"State", 0}, {"Ports", 3}, {"Pkts sent", 1}, {"Pkts rcvd", 2}, {"Redundancy Mode", 4}}, rows: [][]string{clock}}
		ports := table{columns: []column{{"Name", 0}, {"Tx Mode", 3}, {"Role", 4}, {"Transport", 2}, {"State", 0}, {"Sessions", 1}, {"Port Addr", 0}}, rows: [][]string{port}}
		return title + "\n" + clocks.draw(width) + "PORT SUMMARY\n" + ports.draw(width) + note
	}
	var b strings.Builder
	line := func(row string, cells []string) {
		any := make([]any, len(cells))
		for i, c := range cells {
			any[i] = c
		}
		fmt.Fprintf(&b, row, any...)
	}
	fmt.Fprintf(&b, "                      %s\n", title)
	row := "         %-14s %-14s %-14s %-14s %s\n"
	line(row, []string{"State", "Ports", "Pkts sent", "Pkts rcvd", "Redundancy Mode"})
	line(row, clock)
	fmt.Fprintf(&b, "                               PORT SUMMARY\n")
	fmt.Fprintf(&b, "%72s%s\n", "", "PTP Master")
	row = "%-10s %-12s %-12s %-12s %-13s %-12s %s\n"
	line(row, []string{"Name", "Tx Mode", "Role", "Transport", "State", "Sessions", "Port Addr"})
	line(row, port)
	return b.String() + note
}

// portState is the state of the one port, as SNMP and PTP management have it: passive while
// nobody is served. A grandmaster listens to no other.
func portState(s status.Status) string { return pick(s.Clock.Serving, "Master", "Passive") }

// PTPPort is `show ptp port`: the port's data set, and its messages.
func PTPPort(s status.Status) string {
	m := s.Master.SinceCleared()
	var b strings.Builder
	identity, number := m.Identity, "1"
	if at := strings.LastIndexByte(m.Identity, '-'); at > 0 {
		identity, number = m.Identity[:at], m.Identity[at+1:]
	}
	line := func(name, format string, args ...any) {
		fmt.Fprintf(&b, "  %s: %s\n", name, fmt.Sprintf(format, args...))
	}
	fmt.Fprintf(&b, "PTP PORT DATASET: MASTER\n")
	line("Port identity: clock identity", "%s", dash(identity))
	line("Port identity: port number", "%s", number)
	line("PTP version", "2")
	line("Port state", "%s", strings.ToUpper(portState(s)))
	line("Transport", "ipv4 unicast, interface %s, negotiation", dash(m.Interface))
	line("Local address", "%s, ports %d and %d", dash(m.Address), m.EventPort, m.GeneralPort)
	line("Intervals", "each client's own, by its grants")
	line("Delay Mechanism", "End to End")
	line("Sessions", "%d of at most %d", m.Clients, m.MaxClients)
	if c := m.Cleared; c != nil {
		ago := s.Time.Sub(c.At).Seconds()
		line("Counters cleared", "%s ago", seconds(&ago))
	}
	line("Pkts sent", "%d", m.Sent)
	if n := m.Traffic.Undelivered; n > 0 {
		line("  never left", "%d since the start (no answer to ARP)", n)
	}
	line("Pkts rcvd", "%d", m.Received)
	for _, name := range slices.Sorted(maps.Keys(m.Counters)) {
		if n := m.Counters[name]; n > 0 {
			line("  "+strings.ReplaceAll(name, "_", " "), "%d", n)
		}
	}
	return b.String()
}

// NetworkClocks is `show network-clocks synchronization`. What bragi does not have (ESMC,
// an equipment clock, a delay of the Tsm) is said to be off or left out, and no line is
// made up. The last line is bragi's own: what clients are told.
func NetworkClocks(s status.Status, width int) string {
	var b strings.Builder
	r := s.References
	b.WriteString("Symbols:     En - Enable, Dis - Disable, Adis - Admin Disable\n             NA - Not Applicable\n" +
		"             *  - Synchronization source selected\n             #  - Synchronization source force selected\n" +
		"             &  - Synchronization source manually switched\n")
	automatic := (r.Order == "" || r.Order == "automatic") && !s.Holdover.Forced
	fmt.Fprintf(&b, "Automatic selection process : %s\nClock Mode : QL-Enable\nESMC : Disabled\nSSM Option : 1\n", pick(automatic, "Enable", "Disable"))
	fmt.Fprintf(&b, "T0 : %s\nHold-off (global) : %.0f ms (0 at a sign of a false sky)\nWait-to-restore (global) : %.0f sec\nRevertive : %s\nNominated Interfaces\n",
		ciscoName(r.Followed), 1e3*r.HoldOffS, r.WaitToRestoreS, pick(r.Revertive, "Yes", "No"))
	t := table{columns: []column{{" Interface", 0}, {"SigType", 2}, {"Mode/QL", 3}, {"Prio", 1}, {"QL_IN", 0}, {"ESMC Tx", 5}, {"ESMC Rx", 4}}}
	for _, one := range r.List {
		mode := "NA/Dis"
		if one.State == "locked out" {
			mode = "NA/Adis"
		}
		one.Name = ciscoName(one.Name)
		t.add(marked(one), pick(one.Kind == "internal", "NA", "1PPS"), mode, fmt.Sprint(one.Priority), one.QL, "NA", "NA")
	}
	b.WriteString(t.draw(width))
	said := "nothing is served"
	if s.Clock.Serving {
		said = fmt.Sprintf("class %d", s.Clock.ClockClass)
	}
	fmt.Fprintf(&b, "Output : %s, %s\n", dash(r.QL), said)
	return b.String()
}

// ciscoName is a reference's name; those that nobody named are written as on a Cisco.
func ciscoName(name string) string {
	switch name {
	case "gnss":
		return "GNSS"
	case "internal":
		return "Internal"
	case "pps":
		return "PPS"
	}
	return dash(name)
}
