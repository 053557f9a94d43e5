package config

import (
	"errors"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"bragi/board"
	"bragi/cmd/internal/status"
	"bragi/cmd/internal/syslog"
	"bragi/holdover"
	"bragi/holdover/quality"
)

const examples = "../../../configs"

// Every example loads without a warning.
func TestExamplesLoad(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(examples, "*.toml"))
	if err != nil || len(files) < 4 {
		t.Fatalf("%v, %v", files, err)
	}
	for _, f := range files {
		c, warnings, err := Load(f, nil)
		if err != nil || len(warnings) > 0 {
			t.Errorf("%s: %v, %v", f, warnings, err)
			continue
		}
		if text := c.Describe(); strings.Count(text, "\n") < 8 {
			t.Errorf("%s: %q", f, text)
		}
	}
}

// The keys that examples show commented out are keys of the table. Where a key
// has a default that is a value, it is the one that they show.
func TestCommentedKeysOfExamplesShowTheDefault(t *testing.T) {
	files, _ := filepath.Glob(filepath.Join(examples, "*.toml"))
	shown := map[string]bool{}
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		section := ""
		var lines []string
		for line := range strings.Lines(string(text)) {
			if strings.HasPrefix(line, "[") {
				section = strings.Trim(line, "[]\n")
			}
			rest, commented := strings.CutPrefix(line, "#")
			if match := commentedKey.FindStringSubmatch(rest); commented && match != nil {
				line = rest
				key := join(section, match[1])
				_, table := defaults()
				o, known := table.find(key)
				if !known {
					t.Errorf("%s: %s is no key", f, key)
					continue
				}
				shown[key] = true
				byDefault := o.write()
				if flaw := o.read(typed(match[2])); flaw != nil {
					t.Errorf("%s: %s = %s %s", f, key, match[2], flaw.must)
				} else if isValue := o.absent == "" && byDefault != `""` && byDefault != "[]"; isValue && o.write() != byDefault {
					t.Errorf("%s: %s shows %s, but the default is %s", f, key, match[2], byDefault)
				}
			}
			lines = append(lines, line)
		}
		if _, _, err := Parse(f, []byte(strings.Join(lines, "")), nil); err != nil {
			t.Errorf("%s with its comments taken off: %v", f, err)
		}
	}
	if len(shown) < 30 {
		t.Errorf("only %d commented keys are found", len(shown))
	}
}

// commentedKey is "key = value", with more behind it or not.
var commentedKey = regexp.MustCompile(`^([a-z0-9_]+) = (\[[^\]]*\]|"[^"]*"|[^\s#]+)`)

func TestSimExampleHasShortTimes(t *testing.T) {
	c, _, err := Load(filepath.Join(examples, "sim.toml"), nil)
	if err != nil {
		t.Fatal(err)
	}
	s := c.Servo()
	if s.Oscillator != holdover.OCXO || s.Learning != 10*time.Second || s.Settle != 5*time.Second || s.FreeRunAfter != 5*time.Second ||
		s.OnAcquire != holdover.AcquireStep || s.Spec != 1500*time.Nanosecond {
		t.Errorf("%+v", s)
	}
	if !c.Simulated() || c.Sim.TimeToFix != 3*time.Second || c.Sim.Oscillator != "ocxo" || c.Master.EventPort != 10319 || c.Board.Interface != "" {
		t.Errorf("%+v", c)
	}
	if got := c.SocketPath(); got != "/tmp/bragi-sim/control.sock" {
		t.Errorf("socket %s", got)
	}
}

const base = "[board]\nprofile = \"generic\"\n[gnss]\ndevice = \"/dev/ttyS4\"\n[holdover]\noscillator = \"ocxo\"\n"

func TestAKeyLeftOutHasItsDefault(t *testing.T) {
	c, warnings, err := Parse("x.toml", []byte(base), nil)
	if err != nil || len(warnings) > 0 {
		t.Fatal(warnings, err)
	}
	h, m := c.Holdover, c.Master
	if h.Spec != 1500*time.Nanosecond || h.Learning != time.Hour || h.MaxHoldover != 24*time.Hour || h.Settle != time.Minute || h.OnAcquire != holdover.AcquireAuto {
		t.Errorf("%+v", h)
	}
	if m.Priority1 != 128 || m.Priority2 != 128 || m.DSCP != 47 || m.EventPort != 319 || m.GeneralPort != 320 || m.MaxClients != 1000 ||
		m.FreeRunAfter != 10*time.Minute || m.Squelch != quality.SquelchNever || m.QualityProfile() != quality.AlternativeA || m.Addr().IsValid() {
		t.Errorf("%+v", m)
	}
	if c.SocketPath() != "/run/bragi/control.sock" || c.Board.Interface != "eth0" || c.Syslog.Format != "rfc5424" || !reflect.DeepEqual(c.Syslog.Sender(), syslog.Config{Format: syslog.RFC5424, Facility: 23, Severity: status.Info, PerMinute: 60}) {
		t.Errorf("%+v", c)
	}
	own := []netip.Prefix{netip.MustParsePrefix("198.51.100.0/24")}
	if a := m.AllowList(own); !slices.Contains(a, own[0]) || len(a) != len(PrivateRanges)+1 {
		t.Errorf("allow %v", a)
	}
	if a := m.TrustedList(); a == nil || len(a) != 0 {
		t.Errorf("trusted %v, want nobody", a)
	}
}

func TestEveryKindOfValueIsRead(t *testing.T) {
	c, warnings, err := Parse("x.toml", []byte(`
board = { profile = "imx8mp", interface = "eth1", phc = "/dev/ptp1" }
[gnss]
device = "/dev/ttymxc2"
baud = 115200
pps = "extts:1"
antenna_delay = "120ns"
configure = false
[holdover]
oscillator = "rb"
spec = "1us"
warm_up = "35m"
on_acquire = "slew"
[master]
address = "192.0.2.1"
domain = 24
squelch = 52
free_run_after = "never"
class_alternative = "B"
allow = ["10.0.0.0/8", "192.0.2.7"]
trusted = ["10.1.0.0/16"]
deny = ["10.9.0.0/16"]
management = "off"
two_step_for = ["10.2.0.0/16"]
sync_mode = "one-step"
kernel_sync = false
residual_limit = "20us"
on_residual = "two-step"
[[reference]]
name = "roof"
kind = "gnss"
priority = 1
[[reference]]
kind = "internal"
[syslog]
targets = ["udp://10.1.1.1:514", "udp://10.1.1.2"]
format = "rfc3164"
`), nil)
	if err != nil || len(warnings) > 0 {
		t.Fatal(warnings, err)
	}
	m := c.Master
	if initial, _ := defaults(); m.KernelSync || !initial.Master.KernelSync {
		t.Errorf("master.kernel_sync %v, %v without the key", m.KernelSync, initial.Master.KernelSync)
	}
	if m.Squelch != quality.SquelchOutOfSpec || m.FreeRunAfter >= 0 || m.QualityProfile() != quality.AlternativeB || m.Addr() != netip.MustParseAddr("192.0.2.1") {
		t.Errorf("%+v", m)
	}
	if want := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("192.0.2.7/32")}; !slices.Equal(m.Allow, want) || !slices.Equal(m.AllowList(nil), want) {
		t.Errorf("allow %v", m.Allow)
	}
	if c.Servo().FreeRunAfter >= 0 || c.Holdover.Oscillator != holdover.Rubidium || c.GNSS.AntennaDelay != 120 || c.GNSS.PPS != "extts:1" || c.GNSS.Baud != 115200 {
		t.Errorf("%+v", c)
	}
	if want := []Reference{{Name: "roof", Kind: "gnss", Priority: 1, Second: "gnss"}, {Name: "internal", Kind: "internal", Priority: 101, Second: "gnss"}}; !slices.Equal(c.References, want) {
		t.Errorf("references %v", c.References)
	}
	if s := c.Syslog.Sender().Targets; len(s) != 2 || s[1] != (syslog.Target{Scheme: "udp", Host: "10.1.1.2", Port: 514}) {
		t.Errorf("syslog %v", s)
	}
}

// Who may contradict the receiver: the system clock unless it is off, and servers that
// are named, in the file or on the command line.
func TestASecondOpinionIsAWordOrAListOfServers(t *testing.T) {
	for written, want := range map[string]struct {
		system  bool
		servers []string
		wrong   bool
	}{
		``:                        {system: true},
		`second_opinion = "auto"`: {system: true},
		`second_opinion = "off"`:  {},
		`second_opinion = []`:     {},
		`second_opinion = ["ntp1", "[::1]:1123"]`: {system: true, servers: []string{"ntp1", "[::1]:1123"}},
		`second_opinion = "ntp1"`:                 {wrong: true},
		`second_opinion = ["a b"]`:                {wrong: true},
		`second_opinion = ["auto", "ntp1"]`:       {wrong: true},
		`second_opinion = 3`:                      {wrong: true},
	} {
		cfg, _, err := Parse("x.toml", []byte("[board]\nprofile = \"sim\"\n[gnss]\n"+written+"\n"), nil)
		if want.wrong {
			if err == nil || !strings.Contains(err.Error(), "gnss.second_opinion") {
				t.Errorf("%s: %v", written, err)
			}
			continue
		}
		if err != nil || cfg.AsksSystemClock() != want.system || !slices.Equal(cfg.OpinionServers(), want.servers) {
			t.Errorf("%s: %v, system clock %v, servers %v", written, err, cfg.AsksSystemClock(), cfg.OpinionServers())
		}
	}
	cfg, _, err := Parse("x.toml", []byte("[board]\nprofile = \"sim\"\n"), []string{"gnss.second_opinion=ntp1,ntp2"})
	if err != nil || !slices.Equal(cfg.OpinionServers(), []string{"ntp1", "ntp2"}) {
		t.Errorf("on the command line: %v", err)
	}
}

// What is wrong is told with place, excerpt and fix, word for word.
func TestWhatIsWrongIsToldWithPlaceAndFix(t *testing.T) {
	const sim = "[board]\nprofile = \"sim\"\n"
	const beaglebone = "[board]\nprofile = \"beaglebone-black\"\n[gnss]\ndevice = \"/dev/ttyS4\"\n"
	for _, c := range []struct {
		name, text string
		sets       []string
		want       string
	}{
		{"unknown key", sim + "[master]\nprioritty1 = 7\n", nil,
			"config: x.toml:4: unknown key master.prioritty1 (fix: did you mean priority1?)\n    prioritty1 = 7"},
		{"key of another section", sim + "[master]\nlearning = \"1h\"\n", nil,
			"config: x.toml:4: unknown key master.learning (fix: it belongs to [holdover])\n    learning = \"1h\""},
		{"key of nowhere", sim + "[control]\ncolour = 1\n", nil,
			"config: x.toml:4: unknown key control.colour (fix: [control] has run_dir, socket, admins, http, http_certificate, http_key, http_token_file, http_client_ca)\n    colour = 1"},
		{"unknown section", sim + "[mastr]\ndomain = 0\n", nil,
			"config: x.toml:3: unknown section [mastr] (fix: did you mean [master]?)\n    [mastr]"},
		{"key outside a section", "domain = 3\n" + sim, nil,
			"config: x.toml:1: key domain stands outside a section (fix: it belongs to [master])\n    domain = 3"},
		{"no TOML", sim + "[master\n", nil,
			"config: x.toml:3: this is not TOML: "},
		{"bare word", sim + "[master]\nprofile = default\n", nil,
			"config: x.toml:4: this is not TOML: "},
		{"key twice", sim + "[master]\ndomain = 1\ndomain = 2\n", nil,
			"config: x.toml:5: this key is set twice (fix: keep one of the two lines)\n    domain = 2"},
		{"out of range", sim + "[master]\ndomain = 128\n", nil,
			"config: x.toml:4: master.domain = 128 must be a whole number from 0 to 127 (fix: 0, or what the clients are set to)\n    domain = 128"},
		{"wrong type", sim + "[master]\ndomain = \"0\"\n", nil,
			"config: x.toml:4: master.domain = \"0\" must be a whole number from 0 to 127 (fix: 0, or what the clients are set to)\n    domain = \"0\""},
		{"number for a duration", sim + "[holdover]\nspec = 1500\n", nil,
			"config: x.toml:4: holdover.spec = 1500 must be a duration in quotes (fix: for example \"1.5us\")\n    spec = 1500"},
		{"duration without unit", sim + "[holdover]\nspec = \"1500\"\n", nil,
			"config: x.toml:4: holdover.spec = \"1500\" is no duration (fix: for example \"1.5us\"; units are ns, us, ms, s, m, h)\n    spec = \"1500\""},
		{"duration out of range", sim + "[holdover]\nspec = \"10ms\"   # far too much\n", nil,
			"config: x.toml:4: holdover.spec = \"10ms\" must be 100ns to 1ms (fix: for example \"1.5us\")\n    spec = \"10ms\"   # far too much"},
		{"unknown word", sim + "[holdover]\noscillator = \"ocxx\"\n", nil,
			"config: x.toml:4: holdover.oscillator = \"ocxx\" is not known (fix: did you mean \"ocxo\"? one of \"auto\", \"xo\", \"tcxo\", \"tcxo-hi\", \"ocxo\", \"rb\")\n    oscillator = \"ocxx\""},
		{"no prefix", sim + "[master]\nallow = [\"10.0.0.0/33\"]\n", nil,
			"config: x.toml:4: master.allow = [...] has \"10.0.0.0/33\", which is no IPv4 prefix (fix: for example [\"10.0.0.0/8\", \"192.0.2.7\"])\n    allow = [\"10.0.0.0/33\"]"},
		{"prefix with host bits", sim + "[master]\ndeny = [\"10.0.0.7/8\"]\n", nil,
			"config: x.toml:4: master.deny = [...] has \"10.0.0.7/8\", which has bits beyond its length (fix: \"10.0.0.0/8\", or \"10.0.0.7/32\")\n    deny = [\"10.0.0.7/8\"]"},
		{"an expected client without a name", sim + "[master]\nexpected = [\"10.0.0.7\"]\n", nil,
			"config: x.toml:4: master.expected = [...] has \"10.0.0.7\", which has no name of 1 to 40 printable characters behind the address (fix: for example [\"10.6.0.12 RPD node 12\"])\n    expected = [\"10.0.0.7\"]"},
		{"a name without its client", sim + "[master]\nexpected = [\"RPD node 12\"]\n", nil,
			"config: x.toml:4: master.expected = [...] has \"RPD node 12\", which does not begin with an IPv4 address (fix: for example [\"10.6.0.12 RPD node 12\"])\n    expected = [\"RPD node 12\"]"},
		{"an expected client with two names", sim + "[master]\nexpected = [\"10.0.0.7 a\", \"10.0.0.7 b\"]\n", nil,
			"config: x.toml:4: master.expected has 10.0.0.7 twice (fix: one name for each address)\n    expected = [\"10.0.0.7 a\", \"10.0.0.7 b\"]"},
		{"IPv6", sim + "[master]\naddress = \"::1\"\n", nil,
			"config: x.toml:4: master.address = \"::1\" is not possible (fix: an IPv4 address of this machine, or \"\" for every one)\n    address = \"::1\""},
		{"TCP for anybody", sim + "[control]\nhttp = \"127.0.0.1:9188\"\n", nil,
			"config: x.toml:4: control.http would answer anybody (fix: set http_token_file or http_client_ca)\n    http = \"127.0.0.1:9188\""},
		{"TCP in clear text", sim + "[control]\nhttp = \":9188\"\nhttp_token_file = \"/etc/bragi/token\"\n", nil,
			"config: x.toml:4: control.http would send status and token over the network without TLS (fix: set http_certificate and http_key, or a loopback address such as \"127.0.0.1:9188\")\n    http = \":9188\""},
		{"TLS without a key", sim + "[control]\nhttp = \":9188\"\nhttp_certificate = \"/etc/bragi/cert.pem\"\nhttp_token_file = \"/etc/bragi/token\"\n", nil,
			"config: x.toml:4: http_certificate and http_key belong together, and one is missing (fix: set both)\n    http = \":9188\""},
		{"client certificates without TLS", sim + "[control]\nhttp = \"127.0.0.1:9188\"\nhttp_client_ca = \"/etc/bragi/ca.pem\"\n", nil,
			"config: x.toml:5: control.http_client_ca needs TLS, which needs a certificate of our own (fix: set http_certificate and http_key)\n    http_client_ca = \"/etc/bragi/ca.pem\""},
		{"TCP without a port", sim + "[control]\nhttp = \"10.0.0.1\"\n", nil,
			"config: x.toml:4: control.http = \"10.0.0.1\" is not possible (fix: an address and a port, for example \"10.0.0.1:9188\", or \"\" for none)\n    http = \"10.0.0.1\""},
		{"unknown mode", sim + "[master]\nsync_mode = \"three-step\"\n", nil,
			"config: x.toml:4: master.sync_mode = \"three-step\" is not known (fix: one of \"auto\", \"one-step\", \"two-step\")\n    sync_mode = \"three-step\""},
		{"management", sim + "[master]\nmanagement = \"gett\"\n", nil,
			"config: x.toml:4: master.management = \"gett\" is not known (fix: did you mean \"get\"? one of \"off\", \"get\", \"set\")\n    management = \"gett\""},
		{"syslog target", sim + "[syslog]\ntargets = [\"10.1.1.1:514\"]\n", nil,
			"config: x.toml:4: syslog.targets = [...] has \"10.1.1.1:514\", which is no target (fix: for example [\"udp://10.1.1.1:514\", \"tls://loghost.example.net\"])\n    targets = [\"10.1.1.1:514\"]"},
		{"no profile", "[master]\ndomain = 0\n", nil,
			"config: x.toml: board.profile is missing (fix: [board] profile = \"sim\", \"beaglebone-black\", \"imx6ul\", \"imx8mp\" or \"generic\")"},
		{"no receiver", "[board]\nprofile = \"imx6ul\"\n", nil,
			"config: x.toml:2: gnss.device is missing, and profile \"imx6ul\" has no receiver of its own (fix: [gnss] device = \"/dev/ttyS4\")\n    profile = \"imx6ul\""},
		{"receiver of the sim", sim + "[gnss]\ndevice = \"/dev/ttyS1\"\n", nil,
			"config: x.toml:4: gnss.device has no effect with the board of software, which brings its own (fix: leave the key out, or choose another board.profile)\n    device = \"/dev/ttyS1\""},
		{"ports contradict", sim + "[master]\nevent_port = 320\n", nil,
			"config: x.toml:4: event_port and general_port are both 320 (fix: two different ports, usually 319 and 320)\n    event_port = 320"},
		{"a twin at our own address", sim + "[master]\naddress = \"10.0.0.1\"\n[twin]\naddress = \"10.0.0.1\"\n", nil,
			"config: x.toml:6: twin.address is our own master.address (fix: the address of the other grandmaster)\n    address = \"10.0.0.1\""},
		{"monitor is not allowed", sim + "[master]\nallow = [\"10.0.0.0/8\"]\nmonitor = [\"192.168.0.0/16\"]\n", nil,
			"config: x.toml:5: master.monitor has 192.168.0.0/16, which master.allow does not let in (fix: add it to allow, or take it out of monitor)\n    monitor = [\"192.168.0.0/16\"]"},
		{"trusted is not allowed", sim + "[master]\nallow = [\"10.0.0.0/8\"]\ntrusted = [\"192.168.0.0/16\"]\n", nil,
			"config: x.toml:5: master.trusted has 192.168.0.0/16, which master.allow does not let in (fix: add it to allow, or take it out of trusted)\n    trusted = [\"192.168.0.0/16\"]"},
		{"nobody left", sim + "[master]\nallow = [\"10.0.0.0/24\"]\ndeny = [\"10.0.0.0/8\"]\n", nil,
			"config: x.toml:5: master.deny covers all of master.allow: nobody could be a client (fix: a smaller deny)\n    deny = [\"10.0.0.0/8\"]"},
		{"profile against classes", sim + "[master]\nprofile = \"g8275.2\"\nclass_alternative = \"B\"\n", nil,
			"config: x.toml:5: master.class_alternative contradicts the profile g8275.2, which fixes its classes (fix: leave the key out)\n    class_alternative = \"B\""},
		{"reference of an unknown kind", sim + "[[reference]]\nkind = \"gnss\"\n[[reference]]\nkind = \"ptp\"\n", nil,
			"config: x.toml:6: reference.kind = \"ptp\" is not known (fix: one of \"gnss\", \"pps\", \"internal\")\n    kind = \"ptp\""},
		{"reference without a receiver", sim + "[[reference]]\nkind = \"pps\"\n", nil,
			"config: x.toml:3: no reference of kind \"gnss\": nothing else tells a grandmaster its second after a loss of power (fix: add [[reference]] kind = \"gnss\")\n    [[reference]]"},
		{"the oscillator first", sim + "[[reference]]\nkind = \"internal\"\n[[reference]]\nname = \"roof\"\nkind = \"gnss\"\n", nil,
			"config: x.toml:3: the oscillator goes before roof, which would never be followed (fix: the largest priority for the oscillator)\n    [[reference]]"},
		{"a receiver after the oscillator that is not there", sim + "[[reference]]\nname = \"roof\"\nkind = \"gnss\"\npriority = 255\n", nil,
			"config: x.toml:3: roof goes after the oscillator, whose priority is 251 where the file has none (fix: a priority below 251, or [[reference]] kind = \"internal\" with a larger one)\n    [[reference]]"},
		{"two references of one name", sim + "[[reference]]\nname = \"a\"\nkind = \"gnss\"\n[[reference]]\nname = \"a\"\nkind = \"gnss\"\n", nil,
			"config: x.toml:6: two references are named \"a\" (fix: another name)\n    [[reference]]"},
		{"the oscillator's name", sim + "[[reference]]\nname = \"internal\"\nkind = \"gnss\"\n", nil,
			"config: x.toml:3: \"internal\" names the clock's own oscillator (fix: another name)\n    [[reference]]"},
		{"a name of two words", sim + "[[reference]]\nname = \"roof east\"\nkind = \"gnss\"\n", nil,
			"config: x.toml:4: reference.name = \"roof east\" is not possible (fix: one word of at most 32 letters, digits, \"-\", \"_\" and \".\", the first a letter or a digit, for example \"roof-east\")\n    name = \"roof east\""},
		{"two references whose names differ by capitals alone", sim + "[[reference]]\nname = \"roof\"\nkind = \"gnss\"\n[[reference]]\nname = \"Roof\"\nkind = \"gnss\"\n", nil,
			"config: x.toml:6: \"Roof\" and \"roof\" differ by capital letters alone (fix: another name)\n    [[reference]]"},
		{"the first receiver's device", sim + "[[reference]]\nkind = \"gnss\"\nantenna_delay = \"50ns\"\n", nil,
			"config: x.toml:5: reference.antenna_delay has no effect: the first reference of kind \"gnss\" is the receiver of [gnss] (fix: set it in [gnss])\n    antenna_delay = \"50ns\""},
		{"a second receiver without a pulse", beaglebone + "[[reference]]\nkind = \"gnss\"\n[[reference]]\nname = \"yard\"\nkind = \"gnss\"\ndevice = \"/dev/ttyS5\"\n", nil,
			"config: x.toml:7: yard has no pulse (fix: pps = \"extts:1\" or \"/dev/pps1\")\n    [[reference]]"},
		{"two receivers on one input", beaglebone + "[[reference]]\nkind = \"gnss\"\n[[reference]]\nname = \"yard\"\nkind = \"gnss\"\ndevice = \"/dev/ttyS4\"\npps = \"/dev/pps1\"\n", nil,
			"config: x.toml:7: two references use /dev/ttyS4 (fix: an input of its own for each)\n    [[reference]]"},
		{"a pulse alone with messages", beaglebone + "[[reference]]\nkind = \"gnss\"\n[[reference]]\nkind = \"pps\"\ndevice = \"/dev/ttyS5\"\npps = \"/dev/pps1\"\n", nil,
			"config: x.toml:9: reference.device has no effect: a pulse alone has no messages (fix: leave the key out, or kind = \"gnss\")\n    device = \"/dev/ttyS5\""},
		{"reference of one bracket", sim + "[reference]\nkind = \"gnss\"\n", nil,
			"config: x.toml:3: reference must be a list of tables (fix: [[reference]], with two brackets)\n    [reference]"},
		{"reference without kind", sim + "[[reference]]\nname = \"roof\"\n", nil,
			"config: x.toml:3: this reference has no kind (fix: kind = \"gnss\", \"pps\" or \"internal\")\n    [[reference]]"},
		{"socket too long", sim + "[control]\nrun_dir = \"/" + strings.Repeat("d", 120) + "\"\n", nil,
			"config: x.toml:4: the path of the control socket is longer than 107 bytes (fix: a shorter control.run_dir)\n    run_dir = \"/" + strings.Repeat("d", 120) + "\""},
		{"set without value", sim, []string{"master.domain"},
			"config: --set master.domain: must be section.key=value (fix: for example --set master.domain=24)"},
		{"set an unknown key", sim, []string{"master.domian=1"},
			"config: --set master.domian=1: unknown key master.domian (fix: did you mean domain?)"},
		{"set an unknown section", sim, []string{"mister.domain=1"},
			"config: --set mister.domain=1: unknown section mister (fix: did you mean master?)"},
		{"set out of range", sim, []string{"master.domain=200"},
			"config: --set master.domain=200: master.domain = 200 must be a whole number from 0 to 127 (fix: 0, or what the clients are set to)"},
		{"set a reference", sim, []string{"reference.name=x"},
			"config: --set reference.name=x: [[reference]] cannot be set from the command line (fix: write it in the file)"},
		{"two problems, in order", sim + "[master]\ndscp = 64\ndomain = -1\n", nil,
			"config: x.toml:4: master.dscp = 64 must be a whole number from 0 to 63 (fix: 47)\n    dscp = 64\n" +
				"config: x.toml:5: master.domain = -1 must be a whole number from 0 to 127 (fix: 0, or what the clients are set to)\n    domain = -1"},
	} {
		_, _, err := Parse("x.toml", []byte(c.text), c.sets)
		if err == nil {
			t.Errorf("%s: accepted", c.name)
			continue
		}
		exact := !strings.HasSuffix(c.want, ": ")
		if got := err.Error(); exact && got != c.want || !strings.HasPrefix(got, c.want) {
			t.Errorf("%s:\n got %s\nwant %s", c.name, got, c.want)
		}
		if problem := new(Problem); !errors.As(err, &problem) || problem.What == "" {
			t.Errorf("%s: no Problem in %T", c.name, err)
		}
		if !exact && !strings.Contains(err.Error(), "(fix: ") {
			t.Errorf("%s: no fix: %s", c.name, err)
		}
	}
}

func TestAMissingFileIsToldWithTheFix(t *testing.T) {
	_, _, err := Load("/nonexistent/bragi.toml", nil)
	if want := "config: open /nonexistent/bragi.toml: no such file or directory (fix: name a file that can be read; configs/ has examples)"; err == nil || err.Error() != want {
		t.Errorf("%v", err)
	}
	if _, _, err := Load(t.TempDir(), nil); err == nil {
		t.Error("a folder loads")
	}
}

// --set takes TOML values and bare strings, goes before the file and fixes what
// is wrong there; the last one counts.
func TestTheCommandLineGoesBeforeTheFile(t *testing.T) {
	text := []byte("[board]\nprofile = \"generic\"\n[gnss]\ndevice = 5\n[master]\ndomain = 3\n")
	c, _, err := Parse("x.toml", text, []string{
		"board.profile=sim", "gnss.device=/dev/ttyS9", "board.profile = imx6ul", "holdover.oscillator=ocxo", "holdover.spec=2us", `holdover.learning="2h"`,
		"master.domain=24", "master.open=false", `master.allow=["10.99.0.0/24"]`, "master.deny=10.99.0.7,10.99.0.8", "master.squelch=52",
		"master.free_run_after=0s", "board.interface=42", "control.run_dir=/tmp/x y", "master.address=10.99.0.1", "sim.quantum=0.5",
	})
	if err != nil {
		t.Fatal(err)
	}
	m := c.Master
	if c.Board.Profile != "imx6ul" || c.GNSS.Device != "/dev/ttyS9" || c.Holdover.Spec != 2*time.Microsecond || c.Holdover.Learning != 2*time.Hour ||
		m.Domain != 24 || len(m.Allow) != 1 || len(m.Deny) != 2 || m.Squelch != quality.SquelchOutOfSpec || m.FreeRunAfter != 0 ||
		c.Board.Interface != "42" || c.Control.RunDir != "/tmp/x y" || m.Address != "10.99.0.1" || c.Sim.QuantumPPB != 0.5 {
		t.Errorf("%+v", c)
	}
}

func TestWhatHasNoEffectIsWarnedOf(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{base + "[master]\ndomain = 44\n", "x.toml:8: domain 44 is of the profile G.8275.2, but the profile is \"default\" (fix: profile = \"g8275.2\", or a domain outside 44 to 63)"},
		{base + "[master]\nprofile = \"g8275.2\"\ndomain = 0\n", "x.toml:9: domain 0 is outside 44 to 63, the domains of G.8275.2 (fix: domain = 44)"},
		{base + "[sim]\nseed = 3\n", "x.toml:8: sim.seed has no effect: the board is not simulated (fix: leave the key out)"},
		{"[board]\nprofile = \"generic\"\n[gnss]\ndevice = \"/dev/ttyS4\"\n", "holdover.oscillator is \"auto\": taken for a plain crystal, which holds 1.5 us for seconds only (fix: name the oscillator of the board)"},
		{base + "[master]\nsquelch = 58\nfree_run_after = \"1m\"\n", "x.toml:8: a free run is never served with this squelch: free_run_after has no effect (fix: free_run_after = \"never\", or squelch = \"never\")"},
	} {
		_, warnings, err := Parse("x.toml", []byte(c.text), nil)
		if err != nil || len(warnings) != 1 || warnings[0].String() != c.want {
			t.Errorf("%v, %v\nwant %s", warnings, err, c.want)
		}
	}
	cfg, warnings, err := Parse("x.toml", []byte(base+"[master]\nprofile = \"g8275.2\"\n"), nil)
	if err != nil || len(warnings) != 0 || cfg.Master.Domain != 44 || cfg.Master.QualityProfile() != quality.G82752 {
		t.Errorf("g8275.2 without a domain: %v, %v", warnings, err)
	}
}

func TestDescribeSaysWhatWouldRun(t *testing.T) {
	c, _, err := Parse("x.toml", []byte(base+"[master]\naddress = \"10.0.0.1\"\nsquelch = 52\n"), nil)
	if err != nil {
		t.Fatal(err)
	}
	const want = `file        x.toml
board       generic, clock auto, interface eth0
receiver    /dev/ttyS4, rate found by listening, pulse auto, antenna delay 0s; a u-blox is set up, its position surveyed once
pulse       by an input of the PTP clock, stamped 0s late, +-30ns; without one by /dev/pps0, stamped 7us late, +-5us
opinions    the board's real-time clock, and the system clock while NTP keeps it
clock       oscillator ocxo; locked after 1m inside 100 ns; clients served by a free run when GNSS comes: auto
holdover    class 7 inside 1.5us, after 1h of lock, for at most 24h
serving     10.0.0.1, ports 319 and 320, domain 0, profile default (classes 6, 7, 52, 58), one-step, at most 1000 clients, DSCP 47
free run    is not served
out of spec is not served
clients     from private ranges and our own prefixes; denied: nobody; management: get
control     /run/bragi/control.sock
syslog      no servers
`
	if got := c.Describe(); got != want {
		t.Errorf("got\n%s", got)
	}
}

// How late a pulse is stamped is known of its input and the board, and the operator
// knows it better.
func TestThePulsesDelayIsThatOfItsInput(t *testing.T) {
	const us = time.Microsecond
	for _, c := range []struct {
		profile, gnss, input string
		delay, uncertainty   time.Duration
		words                string
	}{
		{"beaglebone-black", "", "/dev/pps0", 7 * us, 2 * us, "by /dev/pps0, stamped 7us late, +-2us"},
		{"imx6ul", "", "/dev/pps0", 7 * us, 5 * us, "never, since the pulse is not known so well"},
		{"imx8mp", "", "extts:0", 0, 30, "by extts:0, stamped 0s late, +-30ns"},
		{"imx8mp", "pps = \"/dev/pps1\"\n", "/dev/pps1", 7 * us, 5 * us, "+-5us"},
		{"beaglebone-black", "pps_delay = \"8us\"\npps_uncertainty = \"300ns\"\n", "/dev/pps0", 8 * us, 300, "stamped 8us late, +-300ns"},
		{"generic", "", "auto", 7 * us, 5 * us, "without one by /dev/pps0"},
	} {
		text := "[board]\nprofile = \"" + c.profile + "\"\n[gnss]\ndevice = \"/dev/ttyS4\"\n" + c.gnss + "[holdover]\noscillator = \"ocxo\"\n"
		cfg, _, err := Parse("x.toml", []byte(text), nil)
		if err != nil {
			t.Fatal(err)
		}
		input := cfg.PulseInput()
		if d := cfg.PulseDelay(input); input != c.input || d.Delay != c.delay || d.Uncertainty != c.uncertainty || !strings.Contains(cfg.Describe(), c.words) {
			t.Errorf("%s %q: %s, %+v\n%s", c.profile, c.gnss, input, d, cfg.Describe())
		}
	}
	if cfg, _, err := Parse("x.toml", []byte("[board]\nprofile = \"sim\"\n"), nil); err != nil || cfg.PulseDelay(cfg.PulseInput()) != (board.PulseDelay{}) {
		t.Errorf("the board of software has a delay, or %v", err)
	}
}

// Every key of the design is known, and stands once.
func TestKeysOfTheDesignAreKnown(t *testing.T) {
	_, table := defaults()
	for _, k := range strings.Fields(`board.profile board.interface board.phc
		board.ingress_latency board.egress_latency board.asymmetry gnss.device gnss.baud gnss.protocol gnss.pps gnss.antenna_delay gnss.configure
		holdover.oscillator holdover.spec holdover.learning holdover.max_holdover holdover.settle holdover.on_acquire holdover.state_file
		master.address master.domain master.priority1 master.priority2 master.profile master.max_clients master.allow master.trusted master.deny master.open
		master.two_step_for master.event_port master.general_port master.management master.squelch master.sync_mode master.dscp master.free_run_after
		control.run_dir control.socket control.admins control.http syslog.targets syslog.format
		sim.oscillator sim.receiver sim.seed sim.start_offset sim.time_to_fix sim.antenna`) {
		if _, known := table.find(k); !known {
			t.Errorf("no key %s", k)
		}
	}
	seen := map[string]bool{}
	for _, s := range table {
		for _, o := range s.options {
			key := join(s.name, o.key)
			if seen[key] || strings.Count(key, ".") != 1 {
				t.Errorf("key %s", key)
			}
			seen[key] = true
		}
	}
}

// A default that is written down is read as what it was, and changes nothing.
func TestEveryDefaultCanBeWritten(t *testing.T) {
	_, table := defaults()
	for _, s := range table {
		for _, o := range s.options {
			written := o.write()
			if o.absent != "" && o.absent != written {
				continue // the default is not a value
			}
			if flaw := o.read(typed(written)); flaw != nil || o.write() != written {
				t.Errorf("%s.%s = %s: %v, then %s", s.name, o.key, written, flaw, o.write())
			}
		}
	}
}

// What is not set is what the servo does by itself.
func TestDefaultsAreTheServos(t *testing.T) {
	initial, _ := defaults()
	if got, want := initial.Servo(), holdover.DefaultConfig(); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
}

func FuzzParse(f *testing.F) {
	files, _ := filepath.Glob(filepath.Join(examples, "*.toml"))
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text, "master.domain=1")
	}
	f.Add([]byte("[[reference]]\nkind='gnss'\n[board]\nprofile='sim'\nx={a={b=1}}"), "board.profile=sim")
	f.Add([]byte("a.b.c=1\n[a]\n\"\\n\"=2"), "a.b=")
	f.Fuzz(func(t *testing.T, text []byte, set string) {
		c, warnings, err := Parse("x.toml", text, []string{set})
		if err != nil {
			if c != nil || !strings.HasPrefix(err.Error(), "config: ") {
				t.Fatalf("%v, %v", c, err)
			}
			return
		}
		for _, w := range warnings {
			if w.String() == "" {
				t.Fatal("an empty warning")
			}
		}
		if c.Describe() == "" || c.Servo().Spec <= 0 || c.Master.EventPort == c.Master.GeneralPort {
			t.Fatalf("%+v", c)
		}
	})
}

// What is said of the receiver is what is done to it.
func TestReceiverIsSetUpOrLeftAlone(t *testing.T) {
	for _, c := range []struct {
		gnss     string
		sets     bool
		words    string
		warnings int
	}{
		{``, true, "its position surveyed once", 0},
		{`survey = "0s"`, true, "its position is not surveyed", 0},
		{`configure = false`, false, "left as it is", 0},
		{`protocol = "nmea"`, false, "left as it is", 0},
		{`protocol = "ubx"`, true, "surveyed once", 0},
		{"configure = false\nsurvey = \"1h\"\nposition_file = \"/p\"", false, "left as it is", 2},
	} {
		cfg, warnings, err := Parse("x.toml", []byte(strings.Replace(base, "[gnss]\n", "[gnss]\n"+c.gnss+"\n", 1)), nil)
		if err != nil {
			t.Fatal(err)
		}
		if cfg.SetsReceiverUp() != c.sets || !strings.Contains(cfg.Describe(), c.words) || len(warnings) != c.warnings {
			t.Errorf("%q: sets up %v, %d warnings %v\n%s", c.gnss, cfg.SetsReceiverUp(), len(warnings), warnings, cfg.Describe())
		}
	}
}
