package config

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"bragi/holdover"
	"bragi/holdover/quality"
)

// Describe says in plain words what would run.
func (c *Config) Describe() string {
	var b strings.Builder
	line := func(name, format string, args ...any) {
		fmt.Fprintf(&b, "%-11s %s\n", name, fmt.Sprintf(format, args...))
	}
	or := func(s, empty string) string {
		if s == "" {
			return empty
		}
		return s
	}
	line("file", "%s", c.File)
	if c.Simulated() {
		line("board", "of software: oscillator %s, receiver %s, seed %d, fix after %v, antenna %s", c.Sim.Oscillator, c.Sim.Receiver, c.Sim.Seed,
			c.Sim.TimeToFix, map[bool]string{true: "cut", false: "ok"}[c.Sim.AntennaCut])
		if c.Sim.Capture != "" {
			line("receiver", "the recording %s", c.Sim.Capture)
		}
	} else {
		line("board", "%s, clock %s, interface %s", c.Board.Profile, c.Board.PHC, or(c.Board.Interface, "any"))
		baud := "rate found by listening"
		if c.GNSS.Baud != 0 {
			baud = fmt.Sprintf("%d baud", c.GNSS.Baud)
		}
		line("receiver", "%s, %s, pulse %s, antenna delay %v; %s", c.GNSS.Device, baud, c.GNSS.PPS, durationText(c.GNSS.AntennaDelay), c.receiverWords())
		line("pulse", "%s", c.pulseWords())
		if c.GNSS.MessageDelay != 0 {
			line("messages", "about %s after their pulse", durationText(c.GNSS.MessageDelay))
		}
	}
	if len(c.References) > 0 {
		line("references", "%s", c.referenceWords())
	}
	line("opinions", "%s", c.opinionWords())
	h := c.Holdover
	oscillator := h.Oscillator.String()
	if h.Oscillator == holdover.Auto {
		oscillator = "unknown, taken for a plain crystal"
	}
	line("clock", "oscillator %s; locked after %v inside 100 ns; clients served by a free run when GNSS comes: %v", oscillator, durationText(h.Settle), h.OnAcquire)
	line("holdover", "class 7 inside %v, after %v of lock, for at most %v%s", durationText(h.Spec), durationText(h.Learning), durationText(h.MaxHoldover), c.neverInSpec())
	m := c.Master
	p := quality.Profiles[m.QualityProfile()]
	line("serving", "%s, ports %d and %d, domain %d, profile %s (classes %d, %d, %d, %d), %s, at most %d clients, DSCP %d",
		or(m.Address, "every address"), m.EventPort, m.GeneralPort, m.Domain, m.Profile,
		p.Locked, p.InSpec, p.OutOfSpec[h.Oscillator.Category()-1], p.FreeRun, m.steps(), m.MaxClients, m.DSCP)
	switch {
	case m.Squelch != quality.SquelchNever || m.FreeRunAfter < 0:
		line("free run", "is not served")
	default:
		line("free run", "is served after %v without GNSS", durationText(m.FreeRunAfter))
	}
	if m.Squelch == quality.SquelchOutOfSpec {
		line("out of spec", "is not served")
	}
	allow := "private ranges and our own prefixes"
	if m.Allow != nil {
		allow = joinPrefixes(m.Allow)
	}
	line("clients", "from %s; denied: %s; management: %s", allow, or(joinPrefixes(m.Deny), "nobody"), m.Management)
	line("control", "%s", c.SocketPath())
	line("syslog", "%s", or(strings.Join(c.Syslog.Targets, ", "), "no servers"))
	return b.String()
}

// referenceWords lists the references in the order of their priority.
func (c *Config) referenceWords() string {
	list := c.ReferenceList()
	slices.SortStableFunc(list, func(a, b Reference) int { return cmp.Compare(a.Priority, b.Priority) })
	var words []string
	for _, r := range list {
		text := fmt.Sprintf("%s (%s, priority %d", r.Name, r.Kind, r.Priority)
		if r.PPS != "" {
			text += ", pulse " + r.PPS
		}
		if r.Lockout {
			text += ", locked out"
		}
		words = append(words, text+")")
	}
	back := "stays until the one that is followed fails"
	if c.Selection.Revertive {
		back = "goes back to a better one"
	}
	return fmt.Sprintf("%s; %s; they may differ by %s", strings.Join(words, ", "), back, durationText(c.Selection.Limit))
}

// steps says whether Syncs are followed.
func (m Master) steps() string {
	switch {
	case m.SyncMode == "two-step":
		return "two-step"
	case len(m.TwoStepFor) > 0:
		return "one-step, two-step for " + joinPrefixes(m.TwoStepFor)
	}
	return "one-step"
}

func joinPrefixes(list []netip.Prefix) string {
	texts := make([]string, len(list))
	for i, p := range list {
		texts[i] = p.String()
	}
	return strings.Join(texts, ", ")
}

// pulseWords says how late the pulse is stamped.
func (c *Config) pulseWords() string {
	late := func(input string) string {
		d := c.PulseDelay(input)
		return fmt.Sprintf("stamped %s late, +-%s", durationText(d.Delay), durationText(d.Uncertainty))
	}
	if input := c.PulseInput(); input != "auto" {
		return fmt.Sprintf("by %s, %s", input, late(input))
	}
	return fmt.Sprintf("by an input of the PTP clock, %s; without one by /dev/pps0, %s", late("extts:0"), late("/dev/pps0"))
}

// neverInSpec says that the pulse's input leaves no bound inside the spec.
func (c *Config) neverInSpec() string {
	if input := c.PulseInput(); input == "auto" || c.PulseDelay(input).Uncertainty < c.Holdover.Spec {
		return ""
	}
	return ": never, since the pulse is not known so well (fix: measure gnss.pps_delay and set gnss.pps_uncertainty)"
}

// opinionWords says who may contradict the receiver.
func (c *Config) opinionWords() string {
	var who []string
	if c.AsksRTC() {
		who = append(who, "the board's real-time clock")
	}
	if c.AsksSystemClock() {
		who = append(who, "the system clock while NTP keeps it")
	}
	if servers := c.OpinionServers(); len(servers) > 0 {
		who = append(who, "the NTP servers "+strings.Join(servers, ", "))
	}
	if len(who) == 0 {
		return "nobody contradicts the receiver"
	}
	return strings.Join(who, ", and ")
}

// receiverWords says what is done to the receiver.
func (c *Config) receiverWords() string {
	switch {
	case !c.SetsReceiverUp():
		return "the receiver is left as it is"
	case c.GNSS.Survey == 0:
		return "a u-blox is set up, its position is not surveyed"
	}
	return "a u-blox is set up, its position surveyed once"
}
