package config

import (
	"fmt"
	"slices"
	"strings"
)

// Example is an example of a configuration file: every key of its sections, with
// what it is for. A key that is set here has its value; any other is commented out,
// #key = value, and shows its default, or an example where the default is no value.
type Example struct {
	Name string // of the file in configs/, without .toml
	head string // what it is for
	// set are the keys that have a value, "section.key", as TOML.
	set map[string]string
	// shown are what keys show that are commented out, in the place of their default.
	shown map[string]string
	notes map[string]string // of keys: what is so on this board
	// without are sections, and keys of others, that say nothing on this board.
	without []string
}

// shownInstead are examples for keys whose default is no value.
var shownInstead = map[string]string{
	"gnss.device":              `"/dev/ttyS4"`,
	"gnss.leap_file":           `"/usr/share/zoneinfo/leap-seconds.list"`,
	"gnss.pps_delay":           `"7us"`,
	"gnss.pps_uncertainty":     `"2us"`,
	"gnss.message_delay":       `"1.3s"`,
	"gnss.position_file":       `"` + positionFile + `"`,
	"holdover.state_file":      `"/var/lib/bragi/oscillator"`,
	"master.address":           `"10.0.0.1"`,
	"master.free_run_class":    "58",
	"master.allow":             `["10.0.0.0/8"]`,
	"master.trusted":           `["10.0.0.0/8"]`,
	"master.expected":          `["10.6.0.12 RPD node 12"]`,
	"master.monitor":           `["10.6.0.0/24"]`,
	"master.deny":              `["10.0.0.66"]`,
	"master.two_step_for":      `["10.2.0.0/16"]`,
	"control.socket":           `"/run/bragi/control.sock"`,
	"control.admins":           `["root"]`,
	"control.http":             `"10.0.0.1:9188"`,
	"control.http_certificate": `"/etc/bragi/http.crt"`,
	"control.http_key":         `"/etc/bragi/http.key"`,
	"control.http_token_file":  `"/etc/bragi/http.token"`,
	"control.http_client_ca":   `"/etc/bragi/clients.crt"`,
	"syslog.targets":           `["udp://10.1.1.1:514"]`,
	"syslog.ca":                `"/etc/bragi/syslog-ca.crt"`,
	"syslog.certificate":       `"/etc/bragi/syslog.crt"`,
	"syslog.key":               `"/etc/bragi/syslog.key"`,
	"twin.address":             `"10.6.0.2"`,
	"sim.capture":              `"receiver.ubx"`,
}

// onABoard is what an example of a real board sets beside its own.
func onABoard(profile, device, pps, oscillator string) map[string]string {
	return map[string]string{
		"board.profile": `"` + profile + `"`, "board.interface": `"eth0"`, "gnss.device": `"` + device + `"`, "gnss.pps": `"` + pps + `"`,
		"gnss.antenna_delay": `"50ns"`, "holdover.oscillator": `"` + oscillator + `"`, "master.address": `"10.0.0.1"`, "master.domain": "0",
	}
}

const cable = "50ns are 10 m of cable. A u-blox that is left as it is takes 50 ns off by itself."

// Examples are those of configs/.
func Examples() []Example {
	return []Example{
		{
			Name: "beaglebone-black", head: "bragi on a BeagleBone Black with a GPS hat: serial port UART4, pulse on a GPIO.",
			set:     onABoard("beaglebone-black", "/dev/ttyS4", "/dev/pps0", "xo"),
			without: []string{"sim", "reference"},
			notes: map[string]string{
				"gnss.device":         "UART4 is on the pins P9_11 and P9_13.",
				"gnss.pps":            "No pin of the Black reaches its PTP clock: the pulse comes by the kernel's pps-gpio, some 7 us late.",
				"gnss.antenna_delay":  cable,
				"holdover.oscillator": `The board has a 24 MHz crystal. Write "ocxo" only if one is fitted.`,
			},
		},
		{
			Name: "imx6ul", head: "bragi on an i.MX6UL or 6ULL with a GPS hat. Its PTP clock stamps unicast, but has no input for a pulse.",
			set:     onABoard("imx6ul", "/dev/ttymxc1", "/dev/pps0", "xo"),
			shown:   map[string]string{"gnss.pps_uncertainty": `"5us"`},
			without: []string{"sim", "reference"},
			notes: map[string]string{
				"gnss.device":        "This is UART2.",
				"gnss.pps":           "The pulse comes by the kernel's pps-gpio.",
				"gnss.antenna_delay": cable,
			},
		},
		{
			Name: "imx8mp", head: "bragi on an i.MX8M Plus. The PTP clock of its EQOS port (stmmac) has inputs for a pulse, and stamps the pulse itself.",
			set:     onABoard("imx8mp", "/dev/ttymxc2", "extts:0", "tcxo"),
			shown:   map[string]string{"gnss.pps_delay": `"0s"`, "gnss.pps_uncertainty": `"30ns"`},
			without: []string{"sim", "reference"},
			notes: map[string]string{
				"gnss.device":         "This is UART3.",
				"gnss.pps":            `Input 0 of the PTP clock. "/dev/pps0" is a pulse on a GPIO.`,
				"gnss.antenna_delay":  cable,
				"holdover.oscillator": `It drives the PTP clock. Write "xo" when in doubt.`,
			},
		},
		{
			Name: "sim", head: "bragi on a laptop: the board of software, on loopback, without root. `make run` uses this file, with a run_dir for\n" +
				"each user. `bragi sim antenna cut` cuts the antenna. Some times are short, so that the walk 6, 7, 52, 6 fits into a few\n" +
				"minutes: a real grandmaster wants those of the other examples.",
			set: map[string]string{
				"board.profile": `"sim"`, "holdover.oscillator": `"ocxo"`, "holdover.learning": `"10s"`, "holdover.settle": `"5s"`,
				"holdover.max_holdover": `"60s"`, "holdover.on_acquire": `"step"`, "master.address": `"127.0.0.1"`, "master.domain": "0",
				"master.event_port": "10319", "master.general_port": "10320", "master.free_run_after": `"5s"`, "control.run_dir": `"/tmp/bragi-sim"`,
				"sim.oscillator": `"ocxo"`, "sim.receiver": `"nmea"`, "sim.seed": "1", "sim.start_offset": `"-10s"`, "sim.time_to_fix": `"3s"`, "sim.antenna": `"ok"`,
			},
			shown: map[string]string{"board.interface": `"lo"`},
			without: []string{"reference", "gnss.device", "gnss.baud", "gnss.pps", "gnss.pps_delay", "gnss.pps_uncertainty", "board.phc", "gnss.position_file",
				"holdover.state_file", "control.http", "control.http_certificate", "control.http_key", "control.http_token_file", "control.http_client_ca"},
			notes: map[string]string{
				"holdover.max_holdover": "Then it is class 52, whatever the bound is.",
				"master.event_port":     "319 and 320 need root.",
				"control.run_dir":       "Ask it with bragi --socket /tmp/bragi-sim/control.sock show clock.",
				"sim.receiver":          `"nmea" has 25 ns rms of pulse noise. "timing" has a sawtooth and its correction. "m8t" and "f9t" are u-blox from the factory.`,
				"sim.start_offset":      "The first lock steps it away.",
			},
		},
	}
}

// exampleWidth is how long a line of prose may be.
const exampleWidth = 100

// Text is the file.
func (e Example) Text() string {
	var b strings.Builder
	prose := func(text string) {
		line := "#"
		for _, word := range strings.Fields(text) {
			if len(line)+1+len(word) > exampleWidth && line != "#" {
				b.WriteString(line + "\n")
				line = "#"
			}
			line += " " + word
		}
		b.WriteString(line + "\n")
	}
	b.WriteString("# An example, made from the table of keys: go generate ./cmd/internal/config\n#\n")
	prose(e.head)
	prose("#key = value, without a blank, is a key that is not set. It shows its default, or an example where the default is no value.")
	_, table := defaults()
	for _, s := range table {
		if slices.Contains(e.without, s.name) {
			continue
		}
		b.WriteString("\n")
		prose(s.text)
		b.WriteString(s.header() + "\n")
		for _, o := range s.options {
			key := join(s.name, o.key)
			if slices.Contains(e.without, key) {
				continue
			}
			prose(strings.TrimSpace(o.text + " " + e.notes[key]))
			if value, set := e.set[key]; set {
				fmt.Fprintf(&b, "%s = %s\n", o.key, value)
				continue
			}
			fmt.Fprintf(&b, "#%s = %s\n", o.key, e.shows(key, o))
		}
	}
	return b.String()
}

// shows is the value of a key that is not set.
func (e Example) shows(key string, o option) string {
	for _, from := range []map[string]string{e.shown, shownInstead} {
		if value, has := from[key]; has {
			return value
		}
	}
	return o.write()
}
