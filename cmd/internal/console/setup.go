package console

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/pelletier/go-toml/v2"

	"bragi/cmd/internal/config"
	"bragi/cmd/internal/control"
	"bragi/cmd/internal/file"
)

// `setup` asks for what a grandmaster needs to run, and writes the configuration by the
// same checks as `configure terminal`. Where a daemon runs, it is committed there.

// networkFolder is where systemd-networkd reads the addresses of the network ports.
var networkFolder = "/etc/systemd/network"

// exampleFile is the board's example configuration, where an image brings one.
var exampleFile = "/usr/share/bragi/factory/bragi.toml"

// wizard is a setup under way.
type wizard struct {
	s       *session
	was     []byte // the text before it
	text    []byte
	base    string // of a commit; "": no daemon answers
	network string // the file of networkd; "": the address is not ours to set
	secret  bool   // a password is wanted
}

// unconfigured: the system's bragid has no configuration, and so does not start.
func (s *session) unconfigured() bool {
	if s.cfg.File == "" || s.cfg.Elsewhere {
		return false
	}
	_, err := os.Stat(s.cfg.File)
	return errors.Is(err, fs.ErrNotExist)
}

// firstRun offers the setup where nothing is configured yet.
func (s *session) firstRun() error {
	if !s.unconfigured() {
		return nil
	}
	if _, err := s.client.Config(s.ctx); !withoutDaemon(err) {
		return nil
	}
	s.say("\nThis grandmaster is not configured yet.\n")
	answer, err := s.ask(question{prompt: "Answer some questions now? [yes] ", usual: "yes", check: oneOfWords("yes", "no"),
		help: "yes: setup asks for the board, the address, the receiver and some more, and starts the grandmaster; no: `setup` does so later"})
	if err == nil && answer == "yes" {
		err = s.setup(nil)
	}
	if c, is := err.(complaint); is {
		s.sayError(c.error)
		err = nil
	}
	return err
}

// setup asks, shows what it would write, and writes it.
func (s *session) setup([]string) error {
	w := &wizard{s: s}
	now, err := s.client.Config(s.ctx)
	switch {
	case err == nil:
		w.was, w.base = []byte(now.Text), now.Hash
	case !withoutDaemon(err) || s.cfg.Elsewhere:
		return complaint{err}
	default:
		w.was, err = config.ReadText(s.cfg.File)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return complaint{err}
		}
	}
	w.text = w.was
	if len(w.text) == 0 {
		w.text = example()
	}
	from := w.text
	s.say("An Enter takes the answer in brackets. ? tells more. Ctrl-D leaves, and nothing is changed.\n")
	if err := w.ask(); err != nil {
		return err
	}
	if _, warnings, err := config.Parse(s.cfg.File, w.text, nil); err != nil {
		return complaint{fmt.Errorf("nothing is written: %w", err)}
	} else if len(warnings) > 0 {
		for _, warning := range warnings {
			s.say("% " + warning.String() + "\n")
		}
	}
	if !bytes.Equal(w.text, w.was) {
		s.say("\n" + cmp.Or(now.File, s.cfg.File) + ":\n" + difference(string(from), string(w.text)))
	}
	if plan := w.planNetwork(); plan.err != nil {
		s.say("% " + plan.err.Error() + "\n")
	} else if plan.changes {
		s.say("\n" + plan.path + ":\n" + difference(plan.was, w.network))
	}
	answer, err := s.ask(question{prompt: "Write it? [yes] ", usual: "yes", check: oneOfWords("yes", "no"), help: "yes: the configuration is written and used; no: nothing is changed"})
	if err != nil {
		return err
	}
	if answer == "no" {
		return errCancelled
	}
	return w.write()
}

// example is what a first configuration begins with: the board's example, without its address; nothing where there is none.
func example() []byte {
	text, err := file.Read(exampleFile, config.SizeLimit)
	if err == nil {
		text, err = config.Unset(text, "master.address")
	}
	if err != nil {
		return nil
	}
	return text
}

// ask asks everything.
func (w *wizard) ask() error {
	profile, err := w.key("board.profile", "Board", guessBoard())
	if err != nil {
		return err
	}
	if profile == "sim" {
		if _, err = w.key("master.address", "Address that clients ask", "127.0.0.1"); err == nil {
			_, err = w.key("sim.receiver", "Receiver", "nmea")
		}
	} else {
		if err = w.address(); err == nil {
			_, err = w.present("gnss.device", "Serial port of the receiver", receiverPorts[profile], device)
		}
		if err == nil {
			_, err = w.present("gnss.pps", "Input of the pulse", "auto", device)
		}
	}
	for _, next := range []func() error{w.cable, w.domain, w.syslog, w.zone, w.password} {
		if err == nil {
			err = next()
		}
	}
	return err
}

// key asks for a key of the configuration and sets it. usual is the answer of an Enter
// where the text has none.
func (w *wizard) key(key, prompt, usual string) (string, error) {
	name, k, _ := strings.Cut(key, ".")
	help := ""
	for _, section := range config.Sections() {
		for _, x := range section.Keys {
			if section.Name == name && x.Name == k {
				help = x.Text + "\n" + x.Allowed
			}
		}
	}
	if had := valueIn(w.text, key); had != "" {
		usual = had
	}
	return w.one(key, question{prompt: prompt, help: help, usual: usual, check: func(answer string) (string, error) {
		_, err := config.Value(key, answer)
		return answer, err
	}})
}

// present is key for what should be there now: missing says what is not, "" for nothing.
// Who knows that it will be there takes it all the same.
func (w *wizard) present(key, prompt, usual string, missing func(answer string) string) (string, error) {
	for {
		before := w.text
		answer, err := w.key(key, prompt, usual)
		if err != nil {
			return "", err
		}
		what := missing(answer)
		if what == "" {
			return answer, nil
		}
		w.s.say("% " + what + "\n")
		sure, err := w.s.ask(question{prompt: "Take it all the same? [no] ", usual: "no", check: oneOfWords("yes", "no"),
			help: "yes: it will be there when the grandmaster runs; no: another answer"})
		if err != nil {
			return "", err
		}
		if sure == "yes" {
			return answer, nil
		}
		w.text = before
	}
}

// device says that a device is not there. An input of the PTP clock has no file.
func device(answer string) string {
	if !strings.HasPrefix(answer, "/") {
		return ""
	}
	switch info, err := os.Stat(answer); {
	case err != nil:
		return answer + " is not there now" + thoseThere(filepath.Dir(answer), filepath.Base(answer))
	case info.Mode()&fs.ModeCharDevice == 0:
		return answer + " is no device"
	}
	return ""
}

// thoseThere names the devices whose names begin alike.
func thoseThere(folder, name string) string {
	kind := strings.TrimRight(name, "0123456789")
	list, _ := filepath.Glob(filepath.Join(folder, kind+"[0-9]*"))
	switch {
	case len(list) == 0:
		return ""
	case len(list) > 8:
		list = append(list[:8], "...")
	}
	return "; there are: " + strings.Join(list, " ")
}

// networkPort says that a network port is not there.
func networkPort(answer string) string {
	if _, err := net.InterfaceByName(answer); err == nil {
		return ""
	}
	var names []string
	ports, _ := net.Interfaces()
	for _, p := range ports {
		if p.Flags&net.FlagLoopback == 0 {
			names = append(names, p.Name)
		}
	}
	if len(names) == 0 {
		return answer + " is not there now"
	}
	return answer + " is not there now; there are: " + strings.Join(names, " ")
}

// one asks a question, and sets a key to the answer.
func (w *wizard) one(key string, q question) (string, error) {
	q.prompt += " [" + q.usual + "]: "
	answer, err := w.s.ask(q)
	if err != nil {
		return "", err
	}
	if w.text, err = config.Set(w.text, key, answer); err != nil {
		return "", complaint{err}
	}
	return answer, nil
}

// valueIn is what a text says of a key, "" for nothing.
func valueIn(text []byte, key string) string {
	tree := map[string]map[string]any{}
	name, k, _ := strings.Cut(key, ".")
	if toml.Unmarshal(text, &tree) != nil || tree[name][k] == nil {
		return ""
	}
	if list, is := tree[name][k].([]any); is {
		words := make([]string, len(list))
		for i, x := range list {
			words[i] = fmt.Sprint(x)
		}
		return strings.Join(words, ",")
	}
	return fmt.Sprint(tree[name][k])
}

// receiverPorts are the serial ports of the boards' expansion headers.
var receiverPorts = map[string]string{"beaglebone-black": "/dev/ttyS4", "imx6ul": "/dev/ttymxc1", "imx8mp": "/dev/ttymxc2", "generic": "/dev/ttyS0"}

// guessBoard is the profile that the device tree names.
func guessBoard() string {
	model, _ := os.ReadFile("/proc/device-tree/model")
	for _, b := range []struct{ word, profile string }{{"BeagleBone Black", "beaglebone-black"}, {"i.MX6 UL", "imx6ul"}, {"i.MX6UL", "imx6ul"}, {"i.MX8MP", "imx8mp"}, {"i.MX8M Plus", "imx8mp"}} {
		if strings.Contains(string(model), b.word) {
			return b.profile
		}
	}
	return "generic"
}

// firstPort is a network port that can be meant: the first that is no loopback.
func firstPort() string {
	ports, _ := net.Interfaces()
	for _, p := range ports {
		if p.Flags&net.FlagLoopback == 0 && len(p.HardwareAddr) == 6 {
			return p.Name
		}
	}
	return "eth0"
}

// address asks for the network port and its address.
func (w *wizard) address() error {
	port, err := w.present("board.interface", "Network port", firstPort(), networkPort)
	if err != nil {
		return err
	}
	usual := "dhcp"
	if had := valueIn(w.text, "master.address"); had != "" {
		usual = had + "/24"
	}
	address, err := w.s.ask(question{prompt: "Address of this grandmaster [" + usual + "]: ", usual: usual,
		help: "an address and the length of its network, for example 10.0.0.1/24: clients ask this one; or dhcp: the network gives one, and clients may ask any address of this machine",
		check: func(answer string) (string, error) {
			if answer == "dhcp" {
				return answer, nil
			}
			prefix, err := netip.ParsePrefix(answer)
			switch {
			case err != nil || !prefix.Addr().Is4():
				return "", fmt.Errorf("%q is no address with a length (fix: for example 10.0.0.1/24, or dhcp)", answer)
			case !ofAHost(prefix):
				return "", fmt.Errorf("%s is the address of the network, or the one for all of its hosts (fix: that of this machine, for example %s)", answer, netip.PrefixFrom(prefix.Masked().Addr().Next(), prefix.Bits()))
			}
			_, err = config.Value("master.address", prefix.Addr().String())
			return answer, err
		}})
	if err != nil {
		return err
	}
	if address == "dhcp" {
		w.network = fmt.Sprintf("[Match]\nName=%s\n\n[Network]\nDHCP=ipv4\n", port)
		w.text, err = config.Unset(w.text, "master.address")
		return err
	}
	gateway, err := w.s.ask(question{prompt: "Gateway [none]: ", usual: "none", help: "the address of the router on this network, or none", check: func(answer string) (string, error) {
		if answer == "none" {
			return answer, nil
		}
		ours := netip.MustParsePrefix(address)
		a, err := netip.ParseAddr(answer)
		switch {
		case err != nil || !a.Is4():
			return "", fmt.Errorf("%q is no address (fix: for example 10.0.0.254, or none)", answer)
		case !ours.Contains(a):
			return "", fmt.Errorf("%s is not in %s, so it cannot be reached (fix: the router's address in that network, or none)", a, ours.Masked())
		case a == ours.Addr() || !ofAHost(netip.PrefixFrom(a, ours.Bits())):
			return "", fmt.Errorf("%s is no router's address here (fix: the router's address in %s, or none)", a, ours.Masked())
		}
		return answer, nil
	}})
	if err != nil {
		return err
	}
	w.network = fmt.Sprintf("[Match]\nName=%s\n\n[Network]\nAddress=%s\n", port, address)
	if gateway != "none" {
		w.network += "Gateway=" + gateway + "\n"
	}
	w.text, err = config.Set(w.text, "master.address", netip.MustParsePrefix(address).Addr().String())
	return err
}

// ofAHost says that an address is neither that of its network nor the one for all hosts of
// it. A network of two addresses, or of one, has hosts alone.
func ofAHost(p netip.Prefix) bool {
	if p.Bits() >= 31 {
		return true
	}
	first, a := p.Masked().Addr().As4(), p.Addr().As4()
	hosts := uint32(1)<<(32-p.Bits()) - 1
	n := binary.BigEndian.Uint32(a[:]) - binary.BigEndian.Uint32(first[:])
	return n != 0 && n != hosts
}

// cableNsPerM is the delay of a metre of coaxial cable of foam: 0.81 of the speed of
// light is 4.1 ns, 0.66 is 5.1 ns; the configuration's page says 5.
const cableNsPerM = 5

// cable asks for the antenna's cable, by its length or its delay.
func (w *wizard) cable() error {
	usual := "0m"
	if had := valueIn(w.text, "gnss.antenna_delay"); had != "" {
		usual = had
	}
	answer, err := w.s.ask(question{prompt: "Antenna cable [" + usual + "]: ", usual: usual,
		help: "its length, for example 20m (a metre counts as 5 ns), or its delay, for example 102ns",
		check: func(answer string) (string, error) {
			if metres, found := strings.CutSuffix(answer, "m"); found {
				m, err := strconv.ParseFloat(strings.TrimSpace(metres), 64)
				if err != nil || !(m >= 0 && m <= 1000) {
					return "", fmt.Errorf("%q is no length (fix: for example 20m)", answer)
				}
				answer = time.Duration(m * cableNsPerM).String()
			}
			if _, err := config.Value("gnss.antenna_delay", answer); err != nil {
				return "", fmt.Errorf("%q is no length and no delay (fix: for example 20m, or 102ns)", answer)
			}
			return answer, nil
		}})
	if err == nil {
		w.text, err = config.Set(w.text, "gnss.antenna_delay", answer)
	}
	return err
}

func (w *wizard) domain() error {
	_, err := w.key("master.domain", "PTP domain, the same as at the clients", "0")
	return err
}

func (w *wizard) syslog() error {
	usual := "none"
	if had := valueIn(w.text, "syslog.targets"); had != "" {
		usual = had
	}
	answer, err := w.s.ask(question{prompt: "Syslog server [" + usual + "]: ", usual: usual,
		help: "a host that events and alarms are sent to, for example 10.1.1.1, or udp://10.1.1.1:514; or none",
		check: func(answer string) (string, error) {
			if answer == "none" {
				return answer, nil
			}
			if !strings.Contains(answer, "://") {
				answer = "udp://" + answer
			}
			_, err := config.Value("syslog.targets", answer)
			return answer, err
		}})
	switch {
	case err != nil:
	case answer == "none":
		w.text, err = config.Unset(w.text, "syslog.targets")
	default:
		w.text, err = config.Set(w.text, "syslog.targets", answer)
	}
	return err
}

func (w *wizard) zone() error {
	_, err := w.key("console.time_zone", "Time zone of this console", "UTC")
	return err
}

// password asks whether to set one, where the system can.
func (w *wizard) password() error {
	if _, err := exec.LookPath("passwd"); err != nil {
		return nil
	}
	help := "without one nobody gets a shell from this console; the system keeps the password, bragi does not"
	if shadow, err := os.ReadFile(shadowFile); err == nil && hasPassword(string(shadow), account) {
		help = account + " has a password already, which opens a shell from this console; yes sets another one"
	}
	answer, err := w.s.ask(question{prompt: "Set a password for a shell of Linux? [no] ", usual: "no", check: oneOfWords("yes", "no"), help: help})
	w.secret = answer == "yes"
	return err
}

// write writes everything, and starts what it is for.
func (w *wizard) write() error {
	s := w.s
	if !bytes.Equal(w.text, w.was) {
		if w.base != "" {
			done, err := s.client.CommitConfig(s.ctx, control.Commit{Text: string(w.text), Base: w.base})
			if err != nil {
				return complaint{err}
			}
			s.say("Committed.\n" + reloaded(done.Reloaded, "Changed at once", "Waits for `restart`"))
		} else {
			if err := os.MkdirAll(filepath.Dir(s.cfg.File), 0o755); err != nil {
				return complaint{err}
			}
			if err := file.Replace(s.cfg.File, w.text, 0o644, file.OnDisk); err != nil {
				return complaint{fmt.Errorf("nothing is written: %w (fix: run the console as root, and make room on the disk)", err)}
			}
			s.say("Written: " + s.cfg.File + "\n")
		}
	}
	s.settle()
	if err := w.writeNetwork(); err != nil {
		s.sayError(err)
	}
	if w.secret {
		if err := s.setPassword(); err != nil {
			s.sayError(err)
		}
	}
	if w.base != "" {
		return nil
	}
	return s.command([]string{"restart"}, nil)
}

// networkPlan is what becomes of the file of the address.
type networkPlan struct {
	path    string
	was     string // what it says now
	changes bool
	err     error // why it cannot be written
}

// planNetwork tells what writeNetwork would do.
func (w *wizard) planNetwork() networkPlan {
	if w.network == "" {
		return networkPlan{}
	}
	path := filepath.Join(networkFolder, "10-bragi.network")
	had, _ := os.ReadFile(path)
	if _, err := os.Stat(filepath.Dir(networkFolder)); err != nil {
		return networkPlan{err: errors.New("the address is not set: this machine has no systemd-networkd (fix: set it as this machine does)")}
	}
	return networkPlan{path: path, was: string(had), changes: string(had) != w.network}
}

// writeNetwork writes the address for systemd-networkd, and lets it read it.
func (w *wizard) writeNetwork() error {
	plan := w.planNetwork()
	if plan.err != nil || !plan.changes {
		return plan.err
	}
	path := plan.path
	err := os.MkdirAll(networkFolder, 0o755)
	if err == nil {
		err = file.Replace(path, []byte(w.network), 0o644, file.OnDisk)
	}
	if err != nil {
		return fmt.Errorf("the address is not set: %w (fix: run the console as root)", err)
	}
	w.s.say("Written: " + path + "\n")
	if out, err := exec.CommandContext(w.s.ctx, "networkctl", "reload").CombinedOutput(); err != nil {
		return fmt.Errorf("the address waits for the next start of the machine: networkctl: %w %s", err, strings.TrimSpace(string(out)))
	}
	return nil
}

// setPassword lends the terminal to passwd, which the system keeps passwords by.
func (s *session) setPassword() error {
	passwd, err := exec.LookPath("passwd")
	if err != nil {
		return errors.New("no password is set: this system has no passwd program")
	}
	err = s.tty.Run(exec.CommandContext(s.ctx, passwd, account))
	if err != nil {
		return fmt.Errorf("no password is set: %w (fix: setup asks again)", err)
	}
	return nil
}
