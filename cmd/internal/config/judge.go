package config

import (
	"fmt"
	"net/netip"
	"path/filepath"
	"slices"
	"strings"

	"bragi/board"
	"bragi/cmd/internal/syslog"
	"bragi/holdover"
	"bragi/holdover/quality"
)

// socketPathLimit is sun_path less its zero.
const socketPathLimit = 107

// judge looks at keys together: contradictions are problems, what works but is
// hardly meant is a warning. Values that depend on others get their default.
func (l *loader) judge() {
	c := l.cfg
	switch {
	case !l.set("board.profile"):
		l.fail(place{file: l.file}, "board.profile is missing", `[board] profile = "sim", "beaglebone-black", "imx6ul", "imx8mp" or "generic"`)
		return
	case c.Simulated():
		for _, key := range []string{"gnss.device", "gnss.pps", "gnss.pps_delay", "gnss.pps_uncertainty", "gnss.baud", "board.phc"} {
			if l.set(key) {
				l.bad(key, fmt.Sprintf("%s has no effect with the board of software, which brings its own", key), leaveOut+`, or choose another board.profile`)
			}
		}
		if w := c.Holdover.Thermometer; w != board.AnyThermometer && w != NoThermometer {
			l.bad("holdover.thermometer", "the board of software has no other thermometer than its own", `"auto" or "none"`)
		}
		if !l.set("board.interface") {
			c.Board.Interface = "" // a laptop's loopback
		}
	default:
		if !l.set("gnss.device") {
			l.bad("board.profile", fmt.Sprintf("gnss.device is missing, and profile %q has no receiver of its own", c.Board.Profile), `[gnss] device = "/dev/ttyS4"`)
		}
		simulation, _ := l.table.section("sim")
		for _, o := range simulation.options {
			if key := join(simulation.name, o.key); l.set(key) {
				l.warn(key, key+" has no effect: the board is not simulated", leaveOut)
			}
		}
		if c.Holdover.Oscillator == holdover.Auto {
			l.warnings = append(l.warnings, Warning{What: "holdover.oscillator is \"auto\": taken for a plain crystal, which holds 1.5 us for seconds only",
				Fix: "name the oscillator of the board"})
		}
	}

	m := &c.Master
	if m.EventPort == m.GeneralPort {
		key := "master.event_port"
		if !l.set(key) {
			key = "master.general_port"
		}
		l.bad(key, fmt.Sprintf("event_port and general_port are both %d", m.EventPort), "two different ports, usually 319 and 320")
	}
	l.judgeProfile()
	l.judgeReceiver()
	l.judgeSyslog()
	allowed, denied := coverOf(m.Allow), coverOf(m.Deny)
	for _, p := range m.Trusted {
		if m.Allow != nil && !allowed.has(p) {
			l.bad("master.trusted", fmt.Sprintf("master.trusted has %v, which master.allow does not let in", p), "add it to allow, or take it out of trusted")
		}
	}
	for _, p := range m.Monitor {
		if m.Allow != nil && !allowed.has(p) {
			l.bad("master.monitor", fmt.Sprintf("master.monitor has %v, which master.allow does not let in", p), "add it to allow, or take it out of monitor")
		}
	}
	if m.Management == "set" && len(m.Trusted) == 0 {
		l.warn("master.management", "master.management = \"set\" has no effect: only trusted addresses may set, and master.trusted names none", `trusted = ["10.1.2.3/32"], or management = "get"`)
	}
	expected := map[netip.Addr]bool{}
	for _, e := range m.Expected {
		if expected[e.Address] {
			l.bad("master.expected", fmt.Sprintf("master.expected has %v twice", e.Address), "one name for each address")
		}
		expected[e.Address] = true
	}
	if len(m.Allow) > 0 && all(m.Allow, denied.has) {
		l.bad("master.deny", "master.deny covers all of master.allow: nobody could be a client", "a smaller deny")
	}
	if m.Allow != nil && len(m.Allow) == 0 {
		l.bad("master.allow", "master.allow is empty: nobody could be a client", leaveOut+" for the private ranges")
	}
	if m.Squelch != quality.SquelchNever && l.set("master.free_run_after") && m.FreeRunAfter >= 0 {
		l.warn("master.squelch", "a free run is never served with this squelch: free_run_after has no effect", `free_run_after = "never", or squelch = "never"`)
	}
	if m.Open {
		l.warn("master.open", "master.open answers Delay_Req of anybody whom allow lets in", "open = false unless a client cannot negotiate")
	}
	if path := c.SocketPath(); len(path) > socketPathLimit {
		key := "control.run_dir"
		if c.Control.Socket != "" {
			key = "control.socket"
		}
		l.bad(key, fmt.Sprintf("the path of the control socket is longer than %d bytes", socketPathLimit), "a shorter "+key)
	}
	l.judgeHTTP()
	c.Control.RunDir = filepath.Clean(c.Control.RunDir)
	if c.Holdover.Learning > c.Holdover.MaxHoldover && l.set("holdover.learning") && l.set("holdover.max_holdover") {
		l.warn("holdover.learning", "learning is longer than max_holdover", "")
	}
	if h := c.Holdover; h.DrillEvery > 0 && h.DrillEvery <= h.DrillFor {
		l.bad("holdover.drill_every", fmt.Sprintf("a drill of %v begins every %v: the next one is due before it is over", h.DrillFor, h.DrillEvery), "a longer drill_every, or a shorter drill_for")
	}
	if a := c.Twin.Addr(); a.IsValid() && a == m.Addr() {
		l.bad("twin.address", "twin.address is our own master.address", "the address of the other grandmaster")
	}
	if l.set("twin.limit") && c.Twin.Address == "" {
		l.warn("twin.limit", "twin.limit has no effect without twin.address", leaveOut)
	}
	l.judgeReferences()
}

// set tells whether a key was written.
func (l *loader) set(key string) bool { _, written := l.cfg.where[key]; return written }

// bad is a problem with a key that was written.
func (l *loader) bad(key, what, fix string) { l.fail(l.cfg.where[key], what, fix) }

func (l *loader) warn(key, what, fix string) {
	l.warnings = append(l.warnings, Warning{Where: l.cfg.where[key].String(), What: what, Fix: fix})
}

// judgeSyslog wants a certificate with its key, and warns of files that nothing uses.
func (l *loader) judgeSyslog() {
	s := &l.cfg.Syslog
	switch {
	case s.Certificate != "" && s.Key == "":
		l.bad("syslog.certificate", "syslog.certificate has no syslog.key", "set both")
	case s.Key != "" && s.Certificate == "":
		l.bad("syslog.key", "syslog.key has no syslog.certificate", "set both")
	}
	for _, key := range []string{"syslog.ca", "syslog.certificate"} {
		if l.set(key) && !slices.ContainsFunc(s.Sender().Targets, syslog.Target.Encrypted) {
			l.warn(key, key+" has no effect: no target begins with tls://", leaveOut)
		}
	}
}

// judgeReceiver warns of keys that have no effect because the receiver is left
// as it is.
func (l *loader) judgeReceiver() {
	if l.cfg.SetsReceiverUp() {
		return
	}
	for _, key := range []string{"gnss.survey", "gnss.survey_accuracy", "gnss.position_file"} {
		if l.set(key) {
			l.warn(key, key+" has no effect: the receiver is left as it is", `configure = true and protocol = "auto"`)
		}
	}
}

// judgeHTTP wants to know who asks at control.http, and wants a secret neither asked
// nor told in clear text over a network.
func (l *loader) judgeHTTP() {
	c := &l.cfg.Control
	if c.HTTP == "" {
		for _, key := range []string{"control.http_certificate", "control.http_key", "control.http_token_file", "control.http_client_ca"} {
			if l.set(key) {
				l.warn(key, key+" has no effect without control.http", leaveOut+`, or set http = "10.0.0.1:9188"`)
			}
		}
		return
	}
	address, _ := httpAddress(c.HTTP)
	switch {
	case c.HTTPTokenFile == "" && c.HTTPClientCA == "":
		l.bad("control.http", "control.http would answer anybody", "set http_token_file or http_client_ca")
	case (c.HTTPCertificate == "") != (c.HTTPKey == ""):
		l.bad("control.http", "http_certificate and http_key belong together, and one is missing", "set both")
	case c.HTTPCertificate == "" && c.HTTPClientCA != "":
		l.bad("control.http_client_ca", "control.http_client_ca needs TLS, which needs a certificate of our own", "set http_certificate and http_key")
	case c.HTTPCertificate == "" && !address.Addr().IsLoopback():
		l.bad("control.http", "control.http would send status and token over the network without TLS", `set http_certificate and http_key, or a loopback address such as "127.0.0.1:9188"`)
	}
}

// judgeProfile compares domain and classes with the profile.
func (l *loader) judgeProfile() {
	const firstDomain, lastDomain = 44, 63 // ITU-T G.8275.2, 6.2.1
	m := &l.cfg.Master
	if m.Profile != "g8275.2" {
		if m.Domain >= firstDomain && m.Domain <= lastDomain {
			l.warn("master.domain", fmt.Sprintf("domain %d is of the profile G.8275.2, but the profile is %q", m.Domain, m.Profile), `profile = "g8275.2", or a domain outside 44 to 63`)
		}
		if m.ClassAlternative == "B" && m.FreeRunClass != 0 {
			l.bad("master.free_run_class", "class_alternative \"B\" has the free run's class 193 already", "leave one of the two out")
		}
		return
	}
	if !l.set("master.domain") {
		m.Domain = firstDomain
	}
	if m.Domain < firstDomain || m.Domain > lastDomain {
		l.warn("master.domain", fmt.Sprintf("domain %d is outside 44 to 63, the domains of G.8275.2", m.Domain), "domain = 44")
	}
	for _, key := range []string{"master.class_alternative", "master.free_run_class"} {
		if l.set(key) {
			l.bad(key, key+" contradicts the profile g8275.2, which fixes its classes", leaveOut)
		}
	}
}

// pulsesMost is how many references with a pulse there may be.
const pulsesMost = 4

// judgeReferences names those that have no name, and refuses a list in which a
// reference has no input, two have the same, or the oscillator goes first.
func (l *loader) judgeReferences() {
	c := l.cfg
	if len(c.References) == 0 {
		return
	}
	names, inputs, count := map[string]string{}, map[string]bool{}, map[string]int{}
	if c.GNSS.Device != "" {
		inputs[c.GNSS.Device] = true
	}
	if pulse := c.PulseInput(); pulse != "auto" {
		inputs[pulse] = true
	}
	internal, last := -1, -1
	for i := range c.References {
		r, key := &c.References[i], fmt.Sprintf("reference.%d", i)
		count[r.Kind]++
		if r.Name == "" {
			r.Name = r.Kind
			if count[r.Kind] > 1 {
				r.Name = fmt.Sprintf("%s-%d", r.Kind, count[r.Kind])
			}
		}
		if r.Kind != KindInternal && r.Name == KindInternal {
			l.bad(key, "\"internal\" names the clock's own oscillator", "another name")
		}
		switch name := strings.ToLower(r.Name); names[name] {
		case "":
			names[name] = r.Name
		case r.Name:
			l.bad(key, fmt.Sprintf("two references are named %q", r.Name), "another name")
		default:
			l.bad(key, fmt.Sprintf("%q and %q differ by capital letters alone", r.Name, names[name]), "another name")
		}
		l.judgeInput(key, r, count[KindGNSS], inputs)
		if r.Kind == KindInternal {
			internal = i
		} else if last < 0 || r.Priority > c.References[last].Priority {
			last = i
		}
	}
	free := slices.ContainsFunc(c.References, func(r Reference) bool { return r.Kind != KindInternal && !r.Lockout })
	switch {
	case count[KindGNSS] > 0 && !free:
		l.bad("reference.0", "every reference with a pulse is locked out", "lockout = false for one of them")
	case count[KindGNSS] == 0:
		l.bad("reference.0", "no reference of kind \"gnss\": nothing else tells a grandmaster its second after a loss of power", `add [[reference]] kind = "gnss"`)
	case count[KindInternal] > 1:
		l.bad(fmt.Sprintf("reference.%d", internal), "a second reference of kind \"internal\"", "leave one out")
	case count[KindGNSS]+count[KindPPS] > pulsesMost:
		l.bad("reference.0", fmt.Sprintf("more than %d references have a pulse", pulsesMost), "leave some out")
	}
	if internal < 0 && last >= 0 && c.References[last].Priority >= internalPriority {
		l.bad(fmt.Sprintf("reference.%d", last), fmt.Sprintf("%s goes after the oscillator, whose priority is %d where the file has none", c.References[last].Name, internalPriority),
			fmt.Sprintf("a priority below %d, or [[reference]] kind = \"internal\" with a larger one", internalPriority))
	}
	if internal >= 0 && last >= 0 && c.References[internal].Priority <= c.References[last].Priority {
		l.bad(fmt.Sprintf("reference.%d", internal), fmt.Sprintf("the oscillator goes before %s, which would never be followed", c.References[last].Name), "the largest priority for the oscillator")
	}
}

// judgeInput looks at where the pulse and the messages of r come in; gnss is how many
// receivers were seen, r included.
func (l *loader) judgeInput(key string, r *Reference, gnss int, inputs map[string]bool) {
	given := func(names ...string) (list []string) {
		for _, n := range names {
			if l.set(join(key, n)) {
				list = append(list, n)
			}
		}
		return list
	}
	needless := func(names []string, why, fix string) {
		for _, n := range names {
			l.bad(join(key, n), fmt.Sprintf("reference.%s has no effect: %s", n, why), fix)
		}
	}
	own := []string{"device", "baud", "pps", "antenna_delay", "pps_delay", "pps_uncertainty"}
	if r.Kind != KindPPS {
		needless(given("second"), "only a pulse alone needs it", leaveOut)
	}
	switch {
	case r.Kind == KindInternal:
		needless(given(append(own, "lockout")...), "this reference is the oscillator", leaveOut)
		return
	case r.Kind == KindGNSS && gnss == 1:
		needless(given(own...), "the first reference of kind \"gnss\" is the receiver of [gnss]", "set it in [gnss]")
		return
	case l.cfg.Simulated():
		needless(given("device", "baud", "pps", "pps_delay", "pps_uncertainty"), "the board of software brings its own", leaveOut)
		return
	}
	if r.Kind == KindPPS {
		needless(given("device", "baud"), "a pulse alone has no messages", leaveOut+`, or kind = "gnss"`)
	} else if r.Device == "" {
		l.bad(key, fmt.Sprintf("%s has no device", r.Name), `device = "/dev/ttyS5"`)
	}
	if r.PPS == "" {
		l.bad(key, fmt.Sprintf("%s has no pulse", r.Name), `pps = "extts:1" or "/dev/pps1"`)
	}
	for _, input := range []string{r.Device, r.PPS} {
		if input != "" && inputs[input] {
			l.bad(key, fmt.Sprintf("two references use %s", input), "an input of its own for each")
		}
		inputs[input] = true
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
