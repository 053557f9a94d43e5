package config

import (
	"math"
	"net/netip"
	"regexp"
	"strings"
	"time"

	"bragi/board/sim"
	"bragi/cmd/internal/syslog"
	"bragi/holdover"
	"bragi/holdover/quality"
)

// option is a key that may stand in the file.
type option struct {
	key  string // "section.key"
	read reader
}

const (
	forever  = time.Duration(math.MaxInt64)
	leaveOut = "leave the key out"
	// mostLatency is what a PHY or a path to the clients may add.
	mostLatency = time.Millisecond
)

var oscillators = []string{"auto", "xo", "tcxo", "tcxo-hi", "ocxo", "rb"}

// options are all keys. The table [[reference]] is read by itself.
var options = []option{
	{"board.profile", word(func(c *Config) *string { return &c.Board.Profile }, []string{"sim", "beaglebone-black", "imx6ul", "imx8mp", "generic"})},
	{"board.interface", text(func(c *Config) *string { return &c.Board.Interface }, `a network device, for example "eth0"`, isInterface)},
	{"board.phc", text(func(c *Config) *string { return &c.Board.PHC }, `"auto" or a device, for example "/dev/ptp0"`, func(s string) bool { return s == "auto" || isDevice(s) })},
	{"board.ingress_latency", duration(func(c *Config) *time.Duration { return &c.Board.IngressLatency }, -mostLatency, mostLatency, "300ns", false)},
	{"board.egress_latency", duration(func(c *Config) *time.Duration { return &c.Board.EgressLatency }, -mostLatency, mostLatency, "300ns", false)},
	{"board.asymmetry", duration(func(c *Config) *time.Duration { return &c.Board.Asymmetry }, -mostLatency, mostLatency, "0ns", false)},

	{"board.twins", word(func(c *Config) *string { return &c.Board.Twins }, []string{"ethernet", "udp"})},

	{"gnss.device", text(func(c *Config) *string { return &c.GNSS.Device }, `a serial device, for example "/dev/ttyS4"`, isDevice)},
	{"gnss.baud", baud},
	{"gnss.protocol", word(func(c *Config) *string { return &c.GNSS.Protocol }, []string{"auto", "nmea", "ubx"})},
	{"gnss.pps", text(func(c *Config) *string { return &c.GNSS.PPS }, `"auto", "extts:0" or "/dev/pps0"`, isPulse)},
	{"gnss.leap_file", text(func(c *Config) *string { return &c.GNSS.LeapFile }, `"/usr/share/zoneinfo/leap-seconds.list"`, nil)},
	{"gnss.antenna_delay", duration(func(c *Config) *time.Duration { return &c.GNSS.AntennaDelay }, 0, 10*time.Microsecond, "50ns", false)},
	{"gnss.configure", boolean(func(c *Config) *bool { return &c.GNSS.Configure })},
	{"gnss.survey", duration(func(c *Config) *time.Duration { return &c.GNSS.Survey }, 0, 7*24*time.Hour, "20m", false)},
	{"gnss.survey_accuracy", number(func(c *Config) *float64 { return &c.GNSS.SurveyAccuracy }, 0.1, 100, "m; 3")},
	{"gnss.position_file", text(func(c *Config) *string { return &c.GNSS.PositionPath }, `an absolute path, or "" for the default`, func(s string) bool { return s == "" || isPath(s) })},

	{"holdover.oscillator", parsed(func(c *Config) *holdover.Oscillator { return &c.Holdover.Oscillator }, oscillators, holdover.ParseOscillator)},
	{"holdover.spec", duration(func(c *Config) *time.Duration { return &c.Holdover.Spec }, 100*time.Nanosecond, time.Millisecond, "1.5us", false)},
	{"holdover.learning", duration(func(c *Config) *time.Duration { return &c.Holdover.Learning }, 0, 30*24*time.Hour, "1h", false)},
	{"holdover.max_holdover", duration(func(c *Config) *time.Duration { return &c.Holdover.MaxHoldover }, 0, 365*24*time.Hour, "24h", false)},
	{"holdover.settle", duration(func(c *Config) *time.Duration { return &c.Holdover.Settle }, time.Second, time.Hour, "60s", false)},
	{"holdover.warm_up", duration(func(c *Config) *time.Duration { return &c.Holdover.WarmUp }, 0, 24*time.Hour, "5m", false)},
	{"holdover.on_acquire", parsed(func(c *Config) *holdover.OnAcquire { return &c.Holdover.OnAcquire }, []string{"auto", "slew", "step"}, holdover.ParseOnAcquire)},
	{"holdover.state_file", text(func(c *Config) *string { return &c.Holdover.StateFile }, `an absolute path, or "" for the default`, func(s string) bool { return s == "" || isPath(s) })},

	{"master.address", text(func(c *Config) *string { return &c.Master.Address }, `an IPv4 address of this machine, or "" for every one`, isAddress)},
	{"master.domain", whole(func(c *Config) *uint8 { return &c.Master.Domain }, 0, 127, "0, or what the clients are set to")},
	{"master.priority1", whole(func(c *Config) *uint8 { return &c.Master.Priority1 }, 0, 255, "128 unless two grandmasters compete")},
	{"master.priority2", whole(func(c *Config) *uint8 { return &c.Master.Priority2 }, 0, 255, "128 unless two grandmasters compete")},
	{"master.profile", word(func(c *Config) *string { return &c.Master.Profile }, []string{"default", "g8275.2"})},
	{"master.class_alternative", word(func(c *Config) *string { return &c.Master.ClassAlternative }, []string{"A", "B"})},
	{"master.free_run_class", freeRunClass},
	{"master.max_clients", whole(func(c *Config) *int { return &c.Master.MaxClients }, 1, 50_000, "1000")},
	{"master.allow", prefixes(func(c *Config) *[]netip.Prefix { return &c.Master.Allow })},
	{"master.trusted", prefixes(func(c *Config) *[]netip.Prefix { return &c.Master.Trusted })},
	{"master.deny", prefixes(func(c *Config) *[]netip.Prefix { return &c.Master.Deny })},
	{"master.open", boolean(func(c *Config) *bool { return &c.Master.Open })},
	{"master.two_step_for", prefixes(func(c *Config) *[]netip.Prefix { return &c.Master.TwoStepFor })},
	{"master.event_port", whole(func(c *Config) *uint16 { return &c.Master.EventPort }, 1, 65535, "319")},
	{"master.general_port", whole(func(c *Config) *uint16 { return &c.Master.GeneralPort }, 1, 65535, "320")},
	{"master.management", word(func(c *Config) *string { return &c.Master.Management }, []string{"off", "get", "set"})},
	{"master.minor_version", whole(func(c *Config) *uint8 { return &c.Master.MinorVersion }, 0, 1, "0 (1588-2008), or 1 (2019), which some hardware refuses")},
	{"master.packet_budget", whole(func(c *Config) *int { return &c.Master.PacketBudget }, 0, 10_000_000, "packets a second promised to all clients together; 0 for no limit but max_clients")},
	{"master.pdelay", boolean(func(c *Config) *bool { return &c.Master.Pdelay })},
	{"master.squelch", squelch},
	{"master.sync_mode", word(func(c *Config) *string { return &c.Master.SyncMode }, []string{"auto", "one-step", "two-step"})},
	{"master.kernel_sync", boolean(func(c *Config) *bool { return &c.Master.KernelSync })},
	{"master.residual_limit", duration(func(c *Config) *time.Duration { return &c.Master.ResidualLimit }, 100*time.Nanosecond, time.Second, "50us", true)},
	{"master.on_residual", word(func(c *Config) *string { return &c.Master.OnResidual }, []string{"alarm", "two-step"})},
	{"master.dscp", whole(func(c *Config) *uint8 { return &c.Master.DSCP }, 0, 63, "47")},
	{"master.free_run_after", duration(func(c *Config) *time.Duration { return &c.Master.FreeRunAfter }, 0, 365*24*time.Hour, "10m", true)},

	{"control.run_dir", text(func(c *Config) *string { return &c.Control.RunDir }, `an absolute path, for example "/run/bragi"`, isPath)},
	{"control.socket", text(func(c *Config) *string { return &c.Control.Socket }, `an absolute path, or "" for control.sock in run_dir`, func(s string) bool { return s == "" || isPath(s) })},
	{"control.http", unsupported(isEmpty, leaveOut)},

	{"syslog.targets", targets},
	{"syslog.format", word(func(c *Config) *string { return &c.Syslog.Format }, []string{string(syslog.RFC5424), string(syslog.RFC3164)})},

	{"sim.oscillator", word(func(c *Config) *string { return &c.Sim.Oscillator }, oscillators[1:])},
	{"sim.receiver", word(func(c *Config) *string { return &c.Sim.Receiver }, sim.ReceiverNames())},
	{"sim.seed", whole(func(c *Config) *uint64 { return &c.Sim.Seed }, 0, math.MaxInt64, "1")},
	{"sim.start_offset", duration(func(c *Config) *time.Duration { return &c.Sim.StartOffset }, -forever, forever, "-10s", false)},
	{"sim.time_to_fix", duration(func(c *Config) *time.Duration { return &c.Sim.TimeToFix }, 0, time.Hour, "3s", false)},
	{"sim.fix_hold", duration(func(c *Config) *time.Duration { return &c.Sim.FixHold }, 0, time.Minute, "0s", false)},
	{"sim.antenna", antenna},
	{"sim.capture", text(func(c *Config) *string { return &c.Sim.Capture }, "a file with what a receiver sent", nil)},
	{"sim.survey_speed", whole(func(c *Config) *int { return &c.Sim.SurveySpeed }, 1, 10_000, "seconds of survey-in that a second counts for; 1")},
	{"sim.quantum", number(func(c *Config) *float64 { return &c.Sim.QuantumPPB }, 0, 1000, "ppb; 0 for none")},
}

var (
	interfacePattern = regexp.MustCompile(`^[^/\s:]{0,15}$`) // IFNAMSIZ - 1; "" for any
	externPattern    = regexp.MustCompile(`^extts:[0-9]{1,2}$`)
)

func isInterface(s string) bool { return interfacePattern.MatchString(s) && s != "." && s != ".." }
func isDevice(s string) bool    { return strings.HasPrefix(s, "/dev/") && len(s) > len("/dev/") }
func isPath(s string) bool      { return strings.HasPrefix(s, "/") }

func isPulse(s string) bool { return s == "auto" || isDevice(s) || externPattern.MatchString(s) }

func isAddress(s string) bool {
	a, err := netip.ParseAddr(s)
	return s == "" || err == nil && a.Is4() && !a.IsMulticast() && a != netip.AddrFrom4([4]byte{255, 255, 255, 255})
}

func isEmpty(v any) bool {
	list, isList := v.([]any)
	return v == "" || isList && len(list) == 0
}

// bauds are the rates that a receiver's port can have.
var bauds = map[int64]bool{0: true, 4800: true, 9600: true, 19200: true, 38400: true, 57600: true, 115200: true, 230400: true, 460800: true, 921600: true}

func baud(c *Config, v value) *flaw {
	n, ok := v.v.(int64)
	if !ok || !bauds[n] {
		return &flaw{"is no rate of a receiver", "0 to find it out, or 4800, 9600, 19200, 38400, 57600, 115200, 230400, 460800, 921600"}
	}
	c.GNSS.Baud = int(n)
	return nil
}

func squelch(c *Config, v value) *flaw {
	switch v.v {
	case "never":
		c.Master.Squelch = quality.SquelchNever
	case int64(52):
		c.Master.Squelch = quality.SquelchOutOfSpec
	case int64(58):
		c.Master.Squelch = quality.SquelchFreeRun
	default:
		return &flaw{"is not known", `"never", 52 (serve in spec only) or 58 (serve no free run)`}
	}
	return nil
}

func freeRunClass(c *Config, v value) *flaw {
	if v.v != int64(58) && v.v != int64(248) {
		return &flaw{"is not known", "58 or 248"}
	}
	c.Master.FreeRunClass = int(v.v.(int64))
	return nil
}

func antenna(c *Config, v value) *flaw {
	switch s, _ := v.asText(); s {
	case "ok":
		c.Sim.AntennaCut = false
	case "cut":
		c.Sim.AntennaCut = true
	default:
		return &flaw{"is not known", `"ok" or "cut"`}
	}
	return nil
}

func targets(c *Config, v value) *flaw {
	const fix = `for example ["udp://10.1.1.1:514"]`
	list, ok := v.texts()
	if !ok {
		return &flaw{"must be a list of strings", fix}
	}
	for _, t := range list {
		if _, err := syslog.ParseTarget(t); err != nil {
			return &flaw{"has " + value{v: t}.show() + ", which is no target", fix}
		}
	}
	c.Syslog.Targets = list
	return nil
}

// sections lists the sections, and keys the keys of one, in the table's order.
func sections() []string {
	var list []string
	for _, o := range options {
		if s, _, _ := strings.Cut(o.key, "."); len(list) == 0 || list[len(list)-1] != s {
			list = append(list, s)
		}
	}
	return append(list, "reference")
}

func keys(section string) []string {
	var list []string
	for _, o := range options {
		if s, k, _ := strings.Cut(o.key, "."); s == section {
			list = append(list, k)
		}
	}
	return list
}

func find(key string) (option, bool) {
	for _, o := range options {
		if o.key == key {
			return o, true
		}
	}
	return option{}, false
}
