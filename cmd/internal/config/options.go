package config

import (
	"fmt"
	"math"
	"net/netip"
	"regexp"
	"strings"
	"time"
	_ "time/tzdata" // a board may have none

	"bragi/board"
	"bragi/board/sim"
	"bragi/cmd/internal/syslog"
	"bragi/holdover"
	"bragi/holdover/quality"
	"bragi/master/twin"
	"bragi/master/wire"
)

// The reference pages and the examples are made from the table below.
//
//go:generate go test . -run TestPagesAgreeWithTheTable -update

// section is a [section] of the file, or what an entry of [[name]] may hold.
type section struct {
	name    string
	options []option
	entries any    // of [[name]]: a pointer to the list of them; nil: the section stands once
	text    string // what it is about: a short sentence
}

// option is a key of the file: its row is all that one needs to know of it.
type option struct {
	key    string // within its section
	change change
	field
	text string // what it is for: a short sentence
}

// change is when a daemon that serves takes a new value.
type change struct {
	words string
	live  func(have, want *Config) bool
}

var (
	live    = change{"live", func(_, _ *Config) bool { return true }}
	restart = change{"at a restart", func(_, _ *Config) bool { return false }}
	// liveUnlessOff: the group of management's messages is joined at the start.
	liveUnlessOff = change{`live between "get" and "set", else at a restart`, func(have, want *Config) bool {
		return have.Master.Management != "off" && want.Master.Management != "off"
	}}
)

// inputsOwn are the words for what holds for a kernel device and for an input of
// the PTP clock.
func inputsOwn(gpio, extts string) string {
	return fmt.Sprintf("that of the input: %s for a kernel device, %s for an input of the PTP clock", gpio, extts)
}

const (
	leaveOut     = "leave the key out"
	latencyLimit = time.Millisecond
	year         = 365 * 24 * time.Hour
)

var oscillators = []string{"auto", "xo", "tcxo", "tcxo-hi", "ocxo", "rb"}

// table is every key that the file may have, with the fields of c. Order counts:
// it is that of messages and pages.
func (c *Config) table() table {
	b, g, h, m, s := &c.Board, &c.GNSS, &c.Holdover, &c.Master, &c.Sim
	servo := holdover.DefaultConfig()
	return table{
		{name: "board", text: "The board, its clock and its network port.", options: []option{
			{"profile", restart, word(&b.Profile, "", []string{"sim", "beaglebone-black", "imx6ul", "imx8mp", "generic"}).
				otherwise("none: it must be set"),
				"The board that bragi runs on."},
			{"interface", restart, text(&b.Interface, "eth0", `a network device, for example "eth0"`, isInterface).
				otherwise(`"eth0"; with profile "sim" none`),
				"The network port that stamps packets. The clock identity is made from its MAC address."},
			{"phc", restart, text(&b.PHC, "auto", `"auto" or a device, for example "/dev/ptp0"`, isClock),
				`The PTP clock (PHC). "auto" takes the clock of the interface.`},
			{"ingress_latency", restart, duration(&b.IngressLatency, 0, -latencyLimit, latencyLimit, "300ns").
				otherwise("that of the board's profile"),
				"How long an arriving packet needs from the connector to its time stamp. Measure it once."},
			{"egress_latency", restart, duration(&b.EgressLatency, 0, -latencyLimit, latencyLimit, "300ns").
				otherwise("that of the board's profile"),
				"How long a leaving packet needs from its time stamp to the connector. Measure it once."},
			{"asymmetry", restart, duration(&b.Asymmetry, 0, -latencyLimit, latencyLimit, "0ns"),
				"Half the difference of the two ways. Positive: the way to the clients takes longer than the way back."},
			{"led", restart, text(&b.LED, AnyLED, `"auto", "none", a name in /sys/class/leds, or the path of its folder`, isLED),
				`The LED that shows the state: steady locked, fast a serious alarm, slow all else. "auto" takes the board's own.`},
			{"twins", restart, word(&b.Twins, "ethernet", []string{"ethernet", "udp"}),
				`How the messages leave that measure the way to the wire. "udp" sends them to 224.0.1.130.`},
		}},
		{name: "gnss", text: "The GNSS receiver, its pulse and its antenna.", options: []option{
			{"device", restart, text(&g.Device, "", `a serial device, for example "/dev/ttyS4"`, isDevice).
				otherwise(`none: it must be set, but not with profile "sim"`),
				"The serial port of the receiver."},
			{"baud", restart, baud(&g.Baud),
				"The rate of the serial port in bits per second. With 0, bragi listens and finds it."},
			{"protocol", restart, word(&g.Protocol, "auto", []string{"auto", "nmea", "ubx"}),
				`What the receiver speaks. "auto" sets up a u-blox; "nmea" writes nothing; with "ubx" it must be a u-blox.`},
			{"pps", restart, text(&g.PPS, "auto", `"auto", "extts:0" or "/dev/pps0"`, isPulse),
				`Where the pulse comes in: an input of the PTP clock, or a kernel device. "auto" takes the board's own.`},
			{"leap_file", restart, text(&g.LeapFile, "", `a file, for example "/usr/share/zoneinfo/leap-seconds.list"`, anything).
				otherwise("the built-in table"),
				"A table of leap seconds that is newer than the built-in one. A file that is replaced is read again by itself."},
			{"antenna_delay", restart, duration(&g.AntennaDelay, 0, 0, 10*time.Microsecond, "50ns"),
				"The delay of the antenna cable. A metre of cable is about 5 ns."},
			{"pps_delay", restart, duration(&g.PPSDelay, 0, 0, time.Millisecond, "7us").otherwise(inputsOwn("7us", "0s")),
				"How late the input stamps the pulse. It is taken off each pulse. Measure it once."},
			{"pps_uncertainty", restart, duration(&g.PPSUncertainty, 0, 0, time.Millisecond, "2us").
				otherwise(inputsOwn("2us, on a board that nobody has measured 5us,", "30ns")),
				"How much pps_delay may be wrong. It is part of the error bound."},
			{"message_delay", restart, duration(&g.MessageDelay, 0, -time.Second, 3*time.Second, "1.3s").
				otherwise("messages come within the second after their pulse"),
				"How long after its pulse a message comes, if that is more than a second. Negative: the message comes before its pulse."},
			{"second_opinion", restart, opinion(&g.SecondOpinion),
				`Who may contradict the receiver. "auto": the RTC, and the system clock while NTP keeps it. A list adds NTP servers.`},
			{"configure", restart, onByDefault(&g.Configure),
				"true: a u-blox is set up for timing. false: nothing is written to the receiver."},
			{"survey", restart, duration(&g.Survey, 20*time.Minute, 0, 7*24*time.Hour, "20m"),
				`How long the receiver averages its position at least. "0s": it does not.`},
			{"survey_accuracy", restart, number(&g.SurveyAccuracy, 3, 0.1, 100, "m; 3"),
				"How good the average must be, in metres. Then the position is held."},
			{"position_file", restart, text(&g.PositionPath, "", `an absolute path, or "" for the default`, isPathOrEmpty).
				otherwise(`"` + positionFile + `"; with profile "sim" in run_dir`),
				"The file that keeps the position while the power is off."},
		}},
		{name: "holdover", text: "The oscillator, and how good the clock must be.", options: []option{
			{"oscillator", restart, named(&h.Oscillator, servo.Oscillator, oscillators, holdover.ParseOscillator),
				`The kind of oscillator that drives the clock. "auto" begins as a plain crystal (xo) and is measured.`},
			{"spec", live, duration(&h.Spec, servo.Spec, 100*time.Nanosecond, time.Millisecond, "1.5us"),
				"Holdover is in spec (class 7) while the error bound is inside this. With several references class 6 is so, too."},
			{"learning", live, duration(&h.Learning, servo.Learning, 0, 30*24*time.Hour, "1h"),
				"How long the clock must have been locked before class 7 is claimed."},
			{"max_holdover", live, duration(&h.MaxHoldover, servo.MaxHoldover, 0, year, "24h"),
				"How long class 7 is claimed at most."},
			{"settle", live, duration(&h.Settle, servo.Settle, time.Second, time.Hour, "60s"),
				"How long the clock must be within 100 ns before it is locked."},
			{"warm_up", restart, duration(&h.WarmUp, servo.WarmUp, 0, 24*time.Hour, "5m"),
				"How long the oscillator warms up after the start. Until then the clock is in WARMUP."},
			{"on_acquire", live, named(&h.OnAcquire, servo.OnAcquire, []string{"auto", "slew", "step"}, holdover.ParseOnAcquire),
				`How a free run that has clients comes to GNSS time. "auto" steps if slewing takes over 10 minutes.`},
			{"thermometer", restart, text(&h.Thermometer, board.AnyThermometer, `"auto", "none", a chip such as "tmp102", or the path of its temp1_input`, isThermometer),
				`The thermometer near the oscillator. "auto" takes a sensor on the board, never that of a processor, PHY or network card.`},
			{"on_return", live, named(&h.OnReturn, servo.OnReturn, []string{"auto", "slew", "step"}, holdover.ParseOnReturn),
				`How a clock out of spec comes back to GNSS time. "auto" steps if slewing takes over an hour.`},
			{"max_slew", live, number(&h.MaxSlew, servo.MaxSlewPPB, 200, 5000, "5000"),
				"How far the frequency may be off, in ppb, while a clock out of spec slews back."},
			{"wait_to_restore", live, duration(&h.Restore, servo.WaitToRestore, 0, time.Hour, "5m"),
				"How long pulses must be good after a short lock before class 6, and a reference after a failure before it is chosen."},
			{"drill_every", live, duration(&h.DrillEvery, 0, 0, year, "168h"),
				`How often a holdover drill begins by itself. Clients see nothing of it. "0s": never.`},
			{"drill_for", live, duration(&h.DrillFor, 4*time.Hour, holdover.DrillShortest, holdover.DrillLongest, "4h"),
				"How long a holdover drill runs, if the operator does not say it."},
			{"state_file", restart, text(&h.StateFile, "", `an absolute path, or "" for the default`, isPathOrEmpty).
				otherwise(`"/var/lib/bragi/oscillator" if it can be written; with profile "sim" none`),
				"The file that keeps what was learned about the oscillator while the power is off."},
		}},
		{name: "master", text: "What clients get, and who may be a client.", options: []option{
			{"address", restart, text(&m.Address, "", `an IPv4 address of this machine, or "" for every one`, isAddress).
				otherwise("every address"),
				"The address that clients ask. It may be a loopback /32."},
			{"clock_identity", restart, text(&m.ClockIdentity, "", `an identity, for example "001122.fffe.334455", or "" for that of the MAC address`, isClockIdentity).
				otherwise("made from the MAC address of board.interface"),
				"The identity of the clock. A board that replaces another one takes over its clients with its identity."},
			{"domain", restart, whole(&m.Domain, 0, 0, 127, "0, or what the clients are set to").
				otherwise(`0; with profile "g8275.2" 44`),
				"The PTP domain: the same number as at the clients."},
			{"priority1", live, whole(&m.Priority1, 128, 0, 255, "128 unless two grandmasters compete"),
				"priority1 of Announce. The smaller number wins."},
			{"priority2", live, whole(&m.Priority2, 128, 0, 255, "128 unless two grandmasters compete"),
				"priority2 of Announce. The smaller number wins."},
			{"profile", live, word(&m.Profile, "default", []string{"default", "g8275.2"}),
				"The PTP profile. It says which clock classes and which domains are usual."},
			{"class_alternative", live, word(&m.ClassAlternative, "A", []string{"A", "B"}),
				`The clock classes out of spec and in a free run: "A" is 52 and 58, "B" is 187 and 193.`},
			{"free_run_class", live, choiceOf(&m.FreeRunClass, 0, "is not known", "58 or 248", 58, 248).
				otherwise("58, or what profile and class_alternative say"),
				"The clock class of a free run."},
			{"max_clients", restart, whole(&m.MaxClients, 1000, 1, 50_000, "1000"),
				"How many clients are served at most."},
			{"allow", live, prefixes(&m.Allow).otherwise("the private ranges, and the networks of our own interfaces and address"),
				"Who may be a client."},
			{"trusted", live, prefixes(&m.Trusted).otherwise("nobody"),
				"Who may get more than five times the bytes that it sends: a client that takes Sync or Announce alone."},
			{"deny", live, prefixes(&m.Deny).otherwise("nobody"),
				"Who may not be a client, even if allow has it."},
			{"expected", live, expected(&m.Expected).otherwise("nobody"),
				"Clients that must be there, as address and name. One without Sync is an alarm. Screens show the name."},
			{"monitor", live, prefixes(&m.Monitor).otherwise("nobody"),
				"Clients that are asked for their time (NetSync Monitor), and whose slave event data (IEEE 1588-2019) is read."},
			{"open", live, offByDefault(&m.Open),
				"true: a Delay_Req is answered without a grant."},
			{"two_step_for", restart, prefixes(&m.TwoStepFor).otherwise("nobody"),
				"Clients that get two-step Syncs: each Sync has a Follow_Up."},
			{"event_port", restart, whole(&m.EventPort, 319, 1, 65535, "319"),
				"The UDP port of Sync and Delay_Req, here and at the clients."},
			{"general_port", restart, whole(&m.GeneralPort, 320, 1, 65535, "320"),
				"The UDP port of all other messages, here and at the clients."},
			{"management", liveUnlessOff, word(&m.Management, "get", []string{"off", "get", "set"}),
				`What PTP management messages may do. "set" is for trusted addresses alone.`},
			{"minor_version", live, whole(&m.MinorVersion, 0, 0, 1, "0 (1588-2008), or 1 (2019), which some hardware refuses"),
				"minorVersionPTP of our messages: 0 is IEEE 1588-2008, 1 is 1588-2019. Some hardware refuses 1."},
			{"packet_budget", live, whole(&m.PacketBudget, 0, 0, 10_000_000, "packets a second promised to all clients together; 0 for no limit but max_clients"),
				"How many packets a second all clients together are promised. 0: no limit."},
			{"pdelay", live, offByDefault(&m.Pdelay),
				"true: a Pdelay_Req is answered."},
			{"squelch", live, choice(&m.Squelch, quality.SquelchNever, "is not known", `"never", 52 (serve in spec only) or 58 (serve no free run)`,
				meaning[quality.Squelch]{"never", quality.SquelchNever},
				meaning[quality.Squelch]{int64(52), quality.SquelchOutOfSpec},
				meaning[quality.Squelch]{int64(58), quality.SquelchFreeRun}),
				"Nobody is served at this clock class and at worse ones: clients get CANCEL, and no grants."},
			{"sync_mode", restart, word(&m.SyncMode, "auto", []string{"auto", "one-step", "two-step"}),
				`How the time goes into Sync. "auto" is the best one-step way; "two-step" sends a Follow_Up after each Sync.`},
			{"kernel_sync", restart, onByDefault(&m.KernelSync),
				"true: a small program in the kernel (eBPF) writes the time into Syncs that no hardware writes."},
			{"residual_limit", live, durationOrNever(&m.ResidualLimit, 50*time.Microsecond, 100*time.Nanosecond, time.Second, "50us"),
				"An alarm comes when the time in one-step Syncs may be off by more than this."},
			{"on_residual", restart, word(&m.OnResidual, "alarm", []string{"alarm", "two-step"}),
				`What else happens at that alarm. "two-step": everyone gets two-step Syncs until it is over.`},
			{"dscp", live, whole(&m.DSCP, 47, 0, 63, "47"),
				"The DSCP of our packets."},
			{"free_run_after", live, durationOrNever(&m.FreeRunAfter, servo.FreeRunAfter, 0, year, "10m"),
				"How long a clock that was never locked waits for GNSS. Then it serves as a free run."},
		}},
		{name: "control", text: "The control socket and the state for a restart.", options: []option{
			{"run_dir", restart, text(&c.Control.RunDir, "/run/bragi", `an absolute path, for example "/run/bragi"`, isPath),
				"The folder of the control socket and of the state that a restart keeps."},
			{"socket", restart, text(&c.Control.Socket, "", `an absolute path, or "" for control.sock in run_dir`, isPathOrEmpty).
				otherwise("control.sock in run_dir"),
				"The control socket, which bragi's commands ask."},
			{"admins", live, users(&c.Control.Admins).otherwise("nobody but root and the user that bragid runs as"),
				"Who may change something over the control socket. Members of the group bragi may only read."},
			{"http", restart, text(&c.Control.HTTP, "", `an address and a port, for example "10.0.0.1:9188", or "" for none`, isHTTP).otherwise("none"),
				"The TCP address where metrics and status can be read (METRICS.md). It changes nothing."},
			{"http_certificate", restart, text(&c.Control.HTTPCertificate, "", `an absolute path, or "" for none`, isPathOrEmpty).otherwise("none"),
				"The TLS certificate of http, a PEM file. Only a loopback address may do without."},
			{"http_key", restart, text(&c.Control.HTTPKey, "", `an absolute path, or "" for none`, isPathOrEmpty).otherwise("none"),
				"The key of http_certificate, a PEM file."},
			{"http_token_file", restart, text(&c.Control.HTTPTokenFile, "", `an absolute path, or "" for none`, isPathOrEmpty).otherwise("none"),
				"A file whose first line is a token: who shows it as \"Authorization: Bearer\" may ask at http."},
			{"http_client_ca", restart, text(&c.Control.HTTPClientCA, "", `an absolute path, or "" for none`, isPathOrEmpty).otherwise("none"),
				"A PEM file: who has a certificate that one of these signed may ask at http."},
		}},
		{name: "syslog", text: "Where events and alarms go.", options: []option{
			{"targets", live, targets(&c.Syslog.Targets).otherwise("none"),
				"The syslog servers: udp://, tcp:// or tls://, a name or an address. Without a port it is 514, 601 or 6514."},
			{"format", live, word(&c.Syslog.Format, string(syslog.RFC5424), []string{string(syslog.RFC5424), string(syslog.RFC3164)}),
				"The format of the messages. RFC 3164 is the older one."},
			{"facility", live, word(&c.Syslog.Facility, "local7", syslog.Facilities),
				"The facility of the messages."},
			{"severity", live, word(&c.Syslog.Severity, "info", syslog.Severities),
				"The least severity that is sent."},
			{"rate_limit", live, whole(&c.Syslog.RateLimit, 60, 0, 100_000, "60 lines a minute; 0 for no limit"),
				"How many messages of one event, and of one alarm, leave in a minute at most. 0: no limit."},
			{"ca", live, text(&c.Syslog.CA, "", `an absolute path, or "" for none`, isPathOrEmpty).otherwise("those that the system trusts"),
				"A PEM file: who may have signed the certificates of tls:// servers."},
			{"certificate", live, text(&c.Syslog.Certificate, "", `an absolute path, or "" for none`, isPathOrEmpty).otherwise("none"),
				"The certificate that bragi shows to tls:// servers, a PEM file."},
			{"key", live, text(&c.Syslog.Key, "", `an absolute path, or "" for none`, isPathOrEmpty).otherwise("none"),
				"The key of certificate, a PEM file."},
		}},
		{name: "ntp", text: "Time for the machine itself, and for those who ask by NTP.", options: []option{
			{"refclock", restart, text(&c.NTP.Refclock, "", `an absolute path, or "" for none`, isPathOrEmpty).otherwise("none"),
				"The socket of chrony's SOCK reference clock. It gets the time while the class is 6 or 7."},
			{"set_system_clock", restart, onByDefault(&c.NTP.SetSystemClock),
				"true: at class 6 or 7 the system clock is set, once in each boot, if no other program keeps it."},
		}},
		{name: "console", text: "The console, `bragi console`.", options: []option{
			{"time_zone", live, text(&c.Console.TimeZone, "UTC", `"UTC", or a place, for example "Europe/Berlin"`, isTimeZone),
				"The time zone of the times that the console shows."},
			{"idle", live, durationOrNever(&c.Console.Idle, 10*time.Minute, time.Minute, 24*time.Hour, "10m"),
				"A session at the console ends after so long without a key."},
		}},
		{name: "sim", text: `The board of software (profile = "sim"). On a real board these keys do nothing.`, options: []option{
			{"oscillator", restart, word(&s.Oscillator, "ocxo", oscillators[1:]),
				"The oscillator that is simulated."},
			{"receiver", restart, word(&s.Receiver, "nmea", sim.ReceiverNames()),
				"The receiver that is simulated."},
			{"seed", restart, whole(&s.Seed, 1, 0, math.MaxInt64, "1"),
				"The start of the random numbers. The same seed gives the same noise."},
			{"start_offset", restart, duration(&s.StartOffset, 0, -forever, forever, "-10s"),
				"How far the clock is from true time at the start. Negative: it is behind."},
			{"time_to_fix", restart, duration(&s.TimeToFix, 3*time.Second, 0, time.Hour, "3s"),
				"How long the receiver needs with a good antenna until it has the time."},
			{"fix_hold", restart, duration(&s.FixHold, 0, 0, time.Minute, "0s"),
				"How long the receiver still claims a fix after the antenna is cut. Its pulse drifts away."},
			{"antenna", restart, choice(&s.AntennaCut, false, "is not known", `"ok" or "cut"`,
				meaning[bool]{"ok", false}, meaning[bool]{"cut", true}),
				"The antenna at the start."},
			{"capture", restart, text(&s.Capture, "", "a file with what a receiver sent", anything).otherwise("none"),
				"A recording of a receiver that is played instead of the simulated one."},
			{"survey_speed", restart, whole(&s.SurveySpeed, 1, 1, 10_000, "seconds of survey-in that a second counts for; 1"),
				"How many seconds of survey one second counts for."},
			{"quantum", restart, number(&s.QuantumPPB, 0, 0, 1000, "ppb; 0 for none"),
				"The smallest step of frequency that the clock can do, in ppb. 0: any."},
		}},
		{name: "selection", text: "How the clock chooses among references, and compares them.", options: []option{
			{"hold_off", live, duration(&c.Selection.HoldOff, 300*time.Millisecond, 0, 15*time.Second, "300ms"),
				"A reference that fails for less than this stays selected, but not at a sign of a false sky."},
			{"revertive", live, offByDefault(&c.Selection.Revertive),
				"true: the clock goes back to a better reference once that is restored. false: it stays until the selected one fails."},
			{"limit", live, duration(&c.Selection.Limit, 500*time.Nanosecond, 50*time.Nanosecond, time.Second, "500ns"),
				"How far two references may differ, beside the uncertainty of their inputs. Beyond it, one of them is wrong."},
		}},
		{name: "twin", text: "Another grandmaster, to which clients may change.", options: []option{
			{"address", restart, text(&c.Twin.Address, "", `an IPv4 address, for example "10.6.0.2", or "" for none`, isTwin).otherwise("none"),
				"The address of the other grandmaster. This one is a quiet client of it. It must be let in there."},
			{"limit", live, duration(&c.Twin.Limit, twin.Limit, 100*time.Nanosecond, time.Second, "3us: two clocks in spec are never further apart"),
				"How far the two clocks may differ. Beyond it there is an alarm."},
		}},
		{name: "reference", text: "The references of the clock. Without any, it has the receiver of [gnss], then the oscillator.",
			options: new(Reference).options(), entries: &c.References},
	}
}

// options are the keys of an entry of [[reference]].
func (r *Reference) options() []option {
	return []option{
		{"name", restart, text(&r.Name, "", `one word of at most 32 letters, digits, "-", "_" and ".", the first a letter or a digit, for example "roof-east"`, namePattern.MatchString).otherwise("its kind"),
			"The name by which screens, alarms and bragi reference know it."},
		{"kind", restart, word(&r.Kind, "", []string{"gnss", "pps", "internal"}).otherwise("none: it must be set"),
			`"gnss": a receiver with its pulse; the first is that of [gnss]. "pps": a pulse alone. "internal": the oscillator.`},
		{"priority", restart, whole(&r.Priority, firstPriority, 0, 255, "the smallest is preferred").
			otherwise("100 for the first entry, 101 for the second"),
			"The reference with the smallest number is preferred."},
		{"device", restart, text(&r.Device, "", `a serial device, for example "/dev/ttyS5"`, isDevice).otherwise("none"),
			"The serial port of a second receiver."},
		{"baud", restart, baud(&r.Baud), "The rate of that port in bits per second. With 0, bragi listens and finds it."},
		{"pps", restart, text(&r.PPS, "", `"extts:1" or "/dev/pps1"`, isInput).otherwise("none"),
			"Where the pulse of a second receiver, or a pulse alone, comes in."},
		{"second", restart, word(&r.Second, SecondGNSS, []string{SecondGNSS, SecondNetwork, SecondClock}),
			`How a pulse alone gets its second: from the messages of [gnss], from a second opinion, or from the locked clock.`},
		{"antenna_delay", restart, duration(&r.AntennaDelay, 0, 0, 10*time.Microsecond, "50ns"),
			"The delay of the cable that brings it."},
		{"pps_delay", restart, duration(&r.PPSDelay, 0, 0, time.Millisecond, "7us").otherwise(inputsOwn("7us", "0s")),
			"How late the input stamps the pulse. It is taken off each pulse."},
		{"pps_uncertainty", restart, duration(&r.PPSUncertainty, 0, 0, time.Millisecond, "2us").
			otherwise(inputsOwn("2us, on a board that nobody has measured 5us,", "30ns")),
			"How much pps_delay may be wrong. It is part of the error bound."},
		{"lockout", restart, offByDefault(&r.Lockout),
			"true: this reference is never selected and never compared."},
	}
}

// baud is the rate of a serial port.
func baud(at *int) field {
	return choiceOf(at, 0, "is no rate of a receiver",
		"0 to find it out, or 4800, 9600, 19200, 38400, 57600, 115200, 230400, 460800, 921600",
		0, 4800, 9600, 19200, 38400, 57600, 115200, 230400, 460800, 921600)
}

// firstPriority is the first reference's without the key; later ones count on.
const firstPriority = 100

var (
	interfacePattern = regexp.MustCompile(`^[^/\s:]{0,15}$`)   // IFNAMSIZ - 1; "" for any
	chipPattern      = regexp.MustCompile(`^[A-Za-z0-9_.-]+$`) // a name of the kernel's hwmon class
	namePattern      = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_.-]{0,31}$`)
	externPattern    = regexp.MustCompile(`^extts:[0-9]{1,2}$`)
)

func anything(string) bool        { return true }
func isInterface(s string) bool   { return interfacePattern.MatchString(s) && s != "." && s != ".." }
func isDevice(s string) bool      { return strings.HasPrefix(s, "/dev/") && len(s) > len("/dev/") }
func isClock(s string) bool       { return s == "auto" || isDevice(s) }
func isInput(s string) bool       { return isDevice(s) || externPattern.MatchString(s) }
func isPulse(s string) bool       { return s == "auto" || isDevice(s) || externPattern.MatchString(s) }
func isThermometer(s string) bool { return chipPattern.MatchString(s) || isPath(s) }
func isLED(s string) bool {
	return isPath(s) || s != "" && s != "." && s != ".." && !strings.Contains(s, "/")
}
func isHTTP(s string) bool        { _, ok := httpAddress(s); return s == "" || ok }
func isPath(s string) bool        { return strings.HasPrefix(s, "/") }
func isPathOrEmpty(s string) bool { return s == "" || isPath(s) }

// isTimeZone knows the places of the time zone data that the program carries.
func isTimeZone(s string) bool {
	_, err := time.LoadLocation(s)
	return err == nil && s != "" && s != "Local"
}

func isClockIdentity(s string) bool {
	id, err := wire.ParseClockIdentity(s)
	return s == "" || err == nil && id != (wire.ClockIdentity{}) && id != wire.AllClocks
}

func isAddress(s string) bool {
	a, err := netip.ParseAddr(s)
	return s == "" || err == nil && a.Is4() && !a.IsMulticast() && a != netip.AddrFrom4([4]byte{255, 255, 255, 255})
}

// isTwin: the twin is at one address.
func isTwin(s string) bool { return isAddress(s) && s != "0.0.0.0" }

// httpAddress is an address with a port; without an address it is every one.
func httpAddress(s string) (netip.AddrPort, bool) {
	if strings.HasPrefix(s, ":") {
		s = "0.0.0.0" + s
	}
	a, err := netip.ParseAddrPort(s)
	return a, err == nil && a.Port() != 0
}

// table is all sections, in order.
type table []section

func (t table) section(name string) (section, bool) {
	for _, s := range t {
		if s.name == name {
			return s, true
		}
	}
	return section{}, false
}

// find is the option of "section.key".
func (t table) find(key string) (option, bool) {
	name, key, _ := strings.Cut(key, ".")
	s, _ := t.section(name)
	return s.find(key)
}

func (t table) names() []string {
	names := make([]string, len(t))
	for i, s := range t {
		names[i] = s.name
	}
	return names
}

func (s section) find(key string) (option, bool) {
	for _, o := range s.options {
		if o.key == key {
			return o, true
		}
	}
	return option{}, false
}

func (s section) keys() []string {
	keys := make([]string, len(s.options))
	for i, o := range s.options {
		keys[i] = o.key
	}
	return keys
}

// header is the section's line in the file.
func (s section) header() string {
	if s.entries != nil {
		return "[[" + s.name + "]]"
	}
	return "[" + s.name + "]"
}
