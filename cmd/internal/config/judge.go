package config

import (
	"fmt"
	"net/netip"
	"path/filepath"
	"strings"

	"bragi/board"
	"bragi/holdover"
	"bragi/holdover/quality"
)

// socketLimit is the length of a Unix socket's path (sun_path less its zero).
const socketLimit = 107

// judge looks at keys together: contradictions are problems, what works but is
// hardly meant is a warning. Values that depend on others get their default.
func (l *loader) judge() []Warning {
	c := l.cfg
	var warnings []Warning
	set := func(key string) bool { _, ok := c.where[key]; return ok }
	bad := func(key, what, fix string) { l.fail(c.where[key], what, fix) }
	warn := func(key, what, fix string) {
		warnings = append(warnings, Warning{Where: c.where[key].String(), What: what, Fix: fix})
	}

	switch {
	case !set("board.profile"):
		l.fail(place{file: l.file}, "board.profile is missing", `[board] profile = "sim", "beaglebone-black", "imx6ul", "imx8mp" or "generic"`)
		return nil
	case c.Simulated():
		for _, key := range []string{"gnss.device", "gnss.pps", "gnss.baud", "board.phc"} {
			if set(key) {
				bad(key, fmt.Sprintf("%s has no effect with the board of software, which brings its own", key), leaveOut+`, or choose another board.profile`)
			}
		}
		if !set("board.interface") {
			c.Board.Interface = "" // a laptop's loopback
		}
	default:
		if !set("gnss.device") {
			bad("board.profile", fmt.Sprintf("gnss.device is missing, and profile %q has no receiver of its own", c.Board.Profile), `[gnss] device = "/dev/ttyS4"`)
		}
		for _, key := range keys("sim") {
			if set("sim." + key) {
				warn("sim."+key, fmt.Sprintf("sim.%s has no effect: the board is not simulated", key), leaveOut)
			}
		}
		if c.Holdover.Oscillator == holdover.Auto {
			warnings = append(warnings, Warning{What: "holdover.oscillator is \"auto\": taken for a plain crystal, which holds 1.5 us for seconds only",
				Fix: "name the oscillator of the board"})
		}
	}

	if profile, found := board.ProfileOf(c.Board.Profile); found {
		if !set("board.ingress_latency") {
			c.Board.IngressLatency = profile.IngressLatency
		}
		if !set("board.egress_latency") {
			c.Board.EgressLatency = profile.EgressLatency
		}
	}

	m := &c.Master
	if m.EventPort == m.GeneralPort {
		key := "master.event_port"
		if !set(key) {
			key = "master.general_port"
		}
		bad(key, fmt.Sprintf("event_port and general_port are both %d", m.EventPort), "two different ports, usually 319 and 320")
	}
	l.judgeProfile(set, bad, warn)
	l.judgeReceiver(set, warn)
	for _, p := range m.Trusted {
		if m.Allow != nil && !coveredBy(p, m.Allow) {
			bad("master.trusted", fmt.Sprintf("master.trusted has %v, which master.allow does not let in", p), "add it to allow, or take it out of trusted")
		}
	}
	if len(m.Allow) > 0 && all(m.Allow, func(p netip.Prefix) bool { return coveredBy(p, m.Deny) }) {
		bad("master.deny", "master.deny covers all of master.allow: nobody could be a client", "a smaller deny")
	}
	if m.Allow != nil && len(m.Allow) == 0 {
		bad("master.allow", "master.allow is empty: nobody could be a client", leaveOut+" for the private ranges")
	}
	if m.Squelch != quality.SquelchNever && set("master.free_run_after") && m.FreeRunAfter >= 0 {
		warn("master.squelch", "a free run is never served with this squelch: free_run_after has no effect", `free_run_after = "never", or squelch = "never"`)
	}
	if m.Open {
		warn("master.open", "master.open answers Delay_Req of anybody whom allow lets in", "open = false unless a client cannot negotiate")
	}
	if path := c.SocketPath(); len(path) > socketLimit {
		key := "control.run_dir"
		if c.Control.Socket != "" {
			key = "control.socket"
		}
		bad(key, fmt.Sprintf("the path of the control socket is longer than %d bytes", socketLimit), "a shorter "+key)
	}
	c.Control.RunDir = filepath.Clean(c.Control.RunDir)
	if c.Holdover.Learning > c.Holdover.MaxHoldover && set("holdover.learning") && set("holdover.max_holdover") {
		warn("holdover.learning", "learning is longer than max_holdover", "")
	}
	l.judgeReferences(bad)
	return warnings
}

// judgeProfile compares domain and classes with the profile.
func (l *loader) judgeProfile(set func(string) bool, bad, warn func(key, what, fix string)) {
	const firstG, lastG = 44, 63 // ITU-T G.8275.2, 6.2.1
	m := &l.cfg.Master
	if m.Profile != "g8275.2" {
		if m.Domain >= firstG && m.Domain <= lastG {
			warn("master.domain", fmt.Sprintf("domain %d is of the profile G.8275.2, but the profile is %q", m.Domain, m.Profile), `profile = "g8275.2", or a domain outside 44 to 63`)
		}
		if m.ClassAlternative == "B" && m.FreeRunClass != 0 {
			bad("master.free_run_class", "class_alternative \"B\" has the free run's class 193 already", "leave one of the two out")
		}
		return
	}
	if !set("master.domain") {
		m.Domain = firstG
	}
	if m.Domain < firstG || m.Domain > lastG {
		warn("master.domain", fmt.Sprintf("domain %d is outside 44 to 63, the domains of G.8275.2", m.Domain), "domain = 44")
	}
	for _, key := range []string{"master.class_alternative", "master.free_run_class"} {
		if set(key) {
			bad(key, key+" contradicts the profile g8275.2, which fixes its classes", leaveOut)
		}
	}
}

// judgeReferences accepts what this version can do: one receiver, and the
// internal oscillator behind it.
func (l *loader) judgeReferences(bad func(key, what, fix string)) {
	seen := map[string]Reference{}
	names := map[string]bool{}
	for i, r := range l.cfg.References {
		key := fmt.Sprintf("reference.%d", i)
		if _, twice := seen[r.Kind]; twice {
			bad(key, fmt.Sprintf("a second reference of kind %q is not supported by this version", r.Kind), "one of each kind")
		}
		if r.Name != "" && names[r.Name] {
			bad(key, fmt.Sprintf("two references are named %q", r.Name), "another name")
		}
		seen[r.Kind], names[r.Name] = r, true
		if in, ok := seen["internal"]; ok {
			if g, ok := seen["gnss"]; ok && in.Priority <= g.Priority {
				bad(key, "the internal oscillator before GNSS is not supported by this version", "a smaller priority for gnss")
			}
		}
	}
	if _, ok := seen["gnss"]; len(seen) > 0 && !ok {
		bad("reference.0", "no reference of kind \"gnss\": a grandmaster without one is not supported by this version", `add [[reference]] kind = "gnss"`)
	}
}

func all[T any](list []T, ok func(T) bool) bool {
	for _, x := range list {
		if !ok(x) {
			return false
		}
	}
	return true
}

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
		line("receiver", "%s, %s, pulse %s, antenna delay %v; %s", c.GNSS.Device, baud, c.GNSS.PPS, c.GNSS.AntennaDelay, c.receiverWords())
	}
	h := c.Holdover
	oscillator := h.Oscillator.String()
	if h.Oscillator == holdover.Auto {
		oscillator = "unknown, taken for a plain crystal"
	}
	line("clock", "oscillator %s; locked after %v inside 100 ns; clients served by a free run when GNSS comes: %v", oscillator, h.Settle, h.OnAcquire)
	line("holdover", "class 7 inside %v, after %v of lock, for at most %v", h.Spec, h.Learning, h.MaxHoldover)
	m := c.Master
	p := quality.Profiles[m.QualityProfile()]
	line("serving", "%s, ports %d and %d, domain %d, profile %s (classes %d, %d, %d, %d), %s, at most %d clients, DSCP %d",
		or(m.Address, "every address"), m.EventPort, m.GeneralPort, m.Domain, m.Profile,
		p.Locked, p.InSpec, p.OutOfSpec[h.Oscillator.Category()-1], p.FreeRun, m.steps(), m.MaxClients, m.DSCP)
	switch {
	case m.Squelch != quality.SquelchNever || m.FreeRunAfter < 0:
		line("free run", "is not served")
	default:
		line("free run", "is served after %v without GNSS", m.FreeRunAfter)
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
