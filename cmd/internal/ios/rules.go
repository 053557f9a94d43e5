package ios

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// rule is one kind of line. In its pattern ? stands for any word, and * for all
// further words.
type rule struct {
	pattern string
	within  string // only inside this block; "" anywhere
	opens   string // the block that this line opens
	do      func(*reader, []string)
}

func (u rule) match(words []string) (values []string, matches bool) {
	pattern := strings.Fields(u.pattern)
	for i, p := range pattern {
		switch {
		case p == "*":
			return append(values, words[i:]...), true
		case i >= len(words):
			return nil, false
		case p == "?":
			values = append(values, words[i])
		case p != words[i]:
			return nil, false
		}
	}
	return values, len(words) == len(pattern)
}

func ignored(why string) func(*reader, []string) {
	return func(r *reader, _ []string) { r.ignore(why) }
}

const (
	asked = "Each client asks for its own interval, and bragi grants it."
	own   = "bragi takes its time from the GNSS receiver and its pulse ([gnss])."
	lie   = "The ASR900 sends this quality level whatever its input does: with a failed input it still claims a primary reference. " +
		"bragi announces only what its reference, its state and its error bound allow."
)

var rules = []rule{
	{"ptp clock ordinary domain ?", "", "ptp clock", number("master.domain", 0, 127)},
	{"ptp clock ? domain ?", "", "ptp clock", func(r *reader, values []string) {
		r.error(fmt.Sprintf("bragi is no %s clock: it is an ordinary clock, a grandmaster. fix: import the configuration of the grandmaster.", values[0]))
	}},
	{"clock-port ? master *", "ptp clock", "", func(r *reader, _ []string) {
		r.role = "master"
		r.ignore("bragi has one port, and it is a master.")
	}},
	{"clock-port ? slave *", "ptp clock", "", func(r *reader, _ []string) {
		r.role = "slave"
		r.error("This is a client's configuration. fix: import the grandmaster's; for a client ask `bragi config client-snippet cbr8`.")
	}},
	{"sync interval ?", "ptp clock", "", ignored(asked)},
	{"announce interval ?", "ptp clock", "", ignored(asked)},
	{"announce timeout ?", "ptp clock", "", ignored("It is the clients' setting.")},
	{"delay-req interval ?", "ptp clock", "", ignored(asked)},
	{"sync one-step", "ptp clock", "", func(r *reader, _ []string) { r.take("master.sync_mode", `"one-step"`) }},
	{"sync two-step", "ptp clock", "", func(r *reader, _ []string) { r.take("master.sync_mode", `"two-step"`) }},
	{"priority1 ?", "ptp clock", "", number("master.priority1", 0, 255)},
	{"priority2 ?", "ptp clock", "", number("master.priority2", 0, 255)},
	{"transport ipv4 unicast interface *", "ptp clock", "", func(r *reader, values []string) {
		if at := slices.Index(values, "negotiation"); at > 0 {
			values = values[:at]
		} else {
			r.warn("The line has no `negotiation`: bragi serves only clients that negotiate. fix: set `negotiation` at the clients.")
		}
		if len(values) == 0 {
			r.error("The line names no interface. fix: name it.")
			return
		}
		if name := interfaceName(values...); r.transport != "" && r.transport != name {
			r.error(fmt.Sprintf("Line %d serves from the interface %s already: bragi has one port. fix: keep one `clock-port`, and point the clients to its address.", r.at.Line, r.transport))
			return
		}
		r.transport, r.at = interfaceName(values...), Key{Line: r.line, From: r.from}
	}},
	{"transport *", "ptp clock", "", func(r *reader, _ []string) {
		r.error("bragi serves by IPv4 unicast with negotiation only. fix: `transport ipv4 unicast interface NAME negotiation`.")
	}},
	{"output *", "ptp clock", "", ignored("bragi has no pulse output.")},
	{"input *", "ptp clock", "", ignored(own)},
	{"tod *", "ptp clock", "", ignored(own)},
	{"utc-offset *", "ptp clock", "", ignored("bragi learns the UTC offset from the receiver.")},
	{"interface *", "", "interface", func(r *reader, values []string) { r.name = interfaceName(values...) }},
	{"ip address ? ? *", "interface", "", (*reader).address},
	{"shutdown", "interface", "", func(r *reader, _ []string) {
		r.warn("The interface is shut down: if the master serves from it, it serves nobody.")
	}},
	{"network-clock source quality-level *", "", "", quality},
	{"network-clock quality-level tx *", "", "", quality},
	{"network-clock synchronization automatic", "", "", ignored("bragi selects its reference by itself.")},
	{"network-clock synchronization mode *", "", "", ignored("bragi has no quality level at an input: it judges the receiver and the pulse themselves.")},
	{"network-clock synchronization squelch-threshold ?", "", "", func(r *reader, values []string) {
		if values[0] != "ql-prc" {
			r.error("bragi can stop serving below QL-PRC only. fix: choose master.squelch = 52, 58 or \"never\" yourself.")
			return
		}
		r.take("master.squelch", "52")
	}},
	{"network-clock wait-to-restore ? global", "", "", duration("holdover.wait_to_restore", "s")},
	{"network-clock synchronization wait-to-restore ? *", "", "", duration("holdover.wait_to_restore", "s")},
	{"network-clock hold-off ? global", "", "", duration("selection.hold_off", "ms")},
	{"network-clock revertive", "", "", func(r *reader, _ []string) { r.take("selection.revertive", "true") }},
	{"network-clock synchronization *", "", "", ignored("It sets up inputs that bragi does not have.")},
	{"network-clock input-source ? *", "", "", (*reader).input},
	{"network-clock *", "", "", ignored("It sets up inputs that bragi does not have.")},
	{"esmc process", "", "", ignored("bragi sends no ESMC (synchronous Ethernet).")},
	{"end", "", "none", func(*reader, []string) {}},
	{"exit", "", "none", func(*reader, []string) {}},
}

// duration takes a whole number of unit.
func duration(key, unit string) func(*reader, []string) {
	return func(r *reader, values []string) {
		if n, err := strconv.Atoi(values[0]); err != nil || n < 0 {
			r.error("It is no time of whole " + unit + ". fix: correct it.")
			return
		}
		r.take(key, fmt.Sprintf("%q", values[0]+unit))
	}
}

// input is a line of the list that the ASR900 chooses from. A receiver with its pulse is a
// reference; what gives a frequency alone is none.
func (r *reader) input(values []string) {
	priority, what := values[0], strings.Join(values[1:], " ")
	if n, err := strconv.Atoi(priority); err != nil || n < 0 || n > 250 || what == "" {
		r.error("bragi reads `network-clock input-source PRIORITY INPUT`, with a priority of 0 to 250. fix: correct it.")
		return
	}
	const add = " fix: for a second receiver add [[reference]] with its device and pulse."
	switch values[1] {
	case "gnss":
		table := fmt.Sprintf("reference.%d.", r.references)
		if r.references++; r.references > 1 {
			r.warn("bragi knows no device and no pulse of this receiver. fix: set device and pps in its [[reference]].")
		}
		r.take(table+"name", fmt.Sprintf("%q", strings.NewReplacer("/", "_", " ", "_").Replace(what)))
		r.take(table+"kind", `"gnss"`)
		r.take(table+"priority", priority)
	case "external":
		r.warn("This input gives a frequency (10 MHz or BITS), and no second: bragi has no such input. It follows a receiver's pulse." + add)
	case "interface":
		r.warn("This input is synchronous Ethernet, which gives a frequency and no second: bragi has no such input." + add)
	case "ptp":
		r.warn("bragi is a grandmaster and follows no other one: it has no input of kind PTP." + add)
	default:
		r.warn(own + " It has no input of " + what + "." + add)
	}
}

func quality(r *reader, values []string) {
	for _, v := range values {
		if v == "ql-prc" || v == "ql-prs" {
			r.warn(lie)
			return
		}
	}
	r.ignore("bragi's quality level follows from its clockClass.")
}

func number(key string, low, high int) func(*reader, []string) {
	return func(r *reader, values []string) {
		n, err := strconv.Atoi(values[0])
		if err != nil || n < low || n > high {
			r.error(fmt.Sprintf("%s wants a number from %d to %d. fix: correct it.", key, low, high))
			return
		}
		r.take(key, strconv.Itoa(n))
	}
}

// opens tells whether a word begins a command of IOS that has nothing to do with a
// clock. Its lines, and those set in below it, are counted only.
func opens(word string) bool {
	return slices.Contains([]string{
		"aaa", "access-list", "alias", "archive", "banner", "boot", "boot-end-marker", "boot-start-marker", "bridge-domain", "building", "buffers", "card", "cdp",
		"class-map", "control-plane", "controller", "crypto", "current", "diagnostic", "enable", "ethernet", "event", "facility-alarm", "hostname", "hw-module",
		"ip", "ipv6", "key", "l2", "l2vpn", "license", "line", "lldp", "logging", "login", "mac", "mac-address-table", "memory", "mls", "monitor", "mpls", "multilink",
		"no", "ntp", "object-group", "platform", "policy-map", "power", "privilege", "qos", "redundancy", "route-map", "router", "sdm", "service", "snmp-server",
		"spanning-tree", "subscriber", "tacacs", "tacacs-server", "transceiver", "udld", "username", "version", "vlan", "vrf", "vtp", "last", "clock", "radius", "radius-server",
		"scheduler", "dial-peer", "exception", "errdisable", "standby", "flow", "table-map", "template", "nat", "mac-list", "ssh", "call-home", "netconf-yang", "restconf",
	}, word)
}
