package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

const (
	unit    = "/sys/devices/platform/gmtest.0"
	runDir  = "/run/bragi"
	logFile = "/tmp/bragid.log"
	// taiMinusUTC is by how much a PHC on TAI is ahead of gmtest's sky, which counts UTC.
	taiMinusUTC = 37_000_000_000
)

// stage is the board, the programs on it and what was seen so far.
type stage struct {
	name           string
	started        time.Time
	every          time.Duration // between samples, a second at least
	hours          int           // of lock in `day`
	samples        []Sample
	passed, failed int

	board    scenario
	device   string // the receiver's serial port
	receiver *exec.Cmd
	client   *exec.Cmd // ptp4l, in a network of its own
	daemon   *exec.Cmd
	exited   chan error // of the daemon
	ptmx     *os.File
	shown    string // what was last printed of the state
}

// sky is the pulse's and the oscillator's physics in every scenario.
var sky = map[string]int{"noise_ns": 6, "saw_ns": 8, "wander_ppt": 20}

const config = `[board]
profile = %q
interface = %q
%s
[gnss]
device = %q
baud = 9600
pps = %q
pps_delay = "0s" # the module stamps its pulse itself: no interrupt waits
[holdover]
oscillator = "tcxo-hi"
spec = %q
learning = "60s"
settle = "10s"
warm_up = "0s"
wait_to_restore = "10s" # locks are short here
on_acquire = "step"
[master]
address = "10.9.0.1"
free_run_after = "5s"
%s
[control]
run_dir = "` + runDir + `"
`

// setUp loads the module, starts the receiver and the daemon.
func (s *stage) setUp(board scenario) (err error) {
	s.board = board
	if s.name == "rtc" {
		// A 32-bit kernel takes no date beyond 2038 from its RTC (rtc_hctosys).
		date, err := os.ReadFile("/sys/class/rtc/rtc0/since_epoch")
		if err != nil {
			return err
		}
		if err := command("/bin/gmcheck", "settime", "system", strings.TrimSpace(string(date))); err != nil {
			return err
		}
	}
	if err := commands("insmod /gmtest.ko base_ppb=4600,-2300 " + board.module); err != nil {
		return err
	}
	for name, value := range sky {
		if err := set(name, value); err != nil {
			return err
		}
	}
	if err := commands("ip link set lo up", "ip link set gmt0 up", "ip link set gmt1 up"); err != nil {
		return err
	}
	if board.vlan {
		modules, err := filepath.Glob("/modules/*")
		if err != nil {
			return err
		}
		for _, m := range modules { // in the order of their names
			if err := command("insmod", m); err != nil {
				return err
			}
		}
		if err := commands("ip link add link gmt0 name "+s.port(0)+" type vlan id 100", "ip link set "+s.port(0)+" up"); err != nil {
			return err
		}
	}
	if err := commands("ip addr add 10.9.0.1/24 dev " + s.port(0)); err != nil {
		return err
	}
	if board.client {
		if err := s.startClient(); err != nil {
			return err
		}
	}
	if s.device, err = s.startReceiver(); err != nil {
		return err
	}
	if err := s.configure("generic", "", ""); err != nil {
		return err
	}
	return s.startDaemon()
}

// configure writes bragid's configuration, with lines of [board] and [master]
// besides the usual ones.
func (s *stage) configure(profile, boardLines, masterLines string) error {
	text := fmt.Sprintf(config, profile, s.port(0), boardLines, s.device, s.board.pps, s.board.spec, masterLines)
	return os.WriteFile("/etc/bragi.toml", []byte(text), 0o644)
}

// port is the network device of a unit that PTP is spoken by: 0 bragid's, 1 the
// client's.
func (s *stage) port(unit int) string {
	name := fmt.Sprintf("gmt%d", unit)
	if s.board.vlan {
		name += ".100"
	}
	return name
}

// startReceiver lets gmcheck speak into a pty and returns the end to listen at.
func (s *stage) startReceiver() (string, error) {
	var err error
	if s.ptmx, err = os.OpenFile("/dev/ptmx", os.O_RDWR, 0); err != nil {
		return "", err
	}
	n, err := unix.IoctlGetInt(int(s.ptmx.Fd()), unix.TIOCGPTN)
	if err != nil {
		return "", os.NewSyscallError("ioctl TIOCGPTN", err)
	}
	if err := unix.IoctlSetPointerInt(int(s.ptmx.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		return "", os.NewSyscallError("ioctl TIOCSPTLCK", err)
	}
	device := fmt.Sprintf("/dev/pts/%d", n)
	if err := command("stty", "-F", device, "raw", "-echo"); err != nil {
		return "", err
	}
	s.receiver = exec.Command("/bin/gmcheck", "nmea", unit+"/sky_ns", "1000000")
	s.receiver.Stdout = s.ptmx
	return device, s.receiver.Start()
}

func (s *stage) startDaemon() error {
	log, err := os.OpenFile(logFile, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	defer log.Close()
	s.daemon = exec.Command("/bin/bragid", "--config", "/etc/bragi.toml")
	s.daemon.Stdout, s.daemon.Stderr = log, log
	if err := s.daemon.Start(); err != nil {
		return err
	}
	s.exited = make(chan error, 1)
	go func() { s.exited <- s.daemon.Wait() }()
	return nil
}

// stop ends the daemon, which must be gone within five seconds.
func (s *stage) stop() error {
	if !s.running() {
		return nil
	}
	s.daemon.Process.Signal(unix.SIGTERM) //nolint:errcheck // the wait below tells
	select {
	case err := <-s.exited:
		s.exited <- err
		return err
	case <-time.After(5 * time.Second):
		return errors.New("still there after 5 s")
	}
}

func (s *stage) restart() error {
	if err := s.stop(); err != nil {
		s.verdict("bragid stops when it is told to", false, "%v", err)
		return err
	}
	return s.startDaemon()
}

// computed is the part of a processor that a process has taken since it began.
func computed(pid int) float64 {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return math.NaN()
	}
	// Behind the name: state, and from the 14th field on user and system time; the
	// 22nd is when it began (proc(5)). All in hundredths of a second.
	f := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
	var up float64
	uptime, err := os.ReadFile("/proc/uptime")
	if err == nil {
		_, err = fmt.Sscan(string(uptime), &up)
	}
	if err != nil || len(f) < 20 {
		return math.NaN()
	}
	hundredths := func(i int) float64 { v, _ := strconv.ParseFloat(f[i], 64); return v / 100 }
	return (hundredths(11) + hundredths(12)) / (up - hundredths(19))
}

// tearDown ends the programs.
func (s *stage) tearDown() {
	s.note("of this processor bragid took %.1f %%, this program %.1f %%", 100*computed(s.daemon.Process.Pid), 100*computed(os.Getpid()))
	if s.running() {
		err := s.stop()
		s.verdict("bragid stops when it is told to", err == nil, "%v", err)
	}
	if s.client != nil {
		s.client.Process.Kill() //nolint:errcheck // likewise
		s.show("the client's log", "tail", "-n", "25", clientLog)
	}
	s.receiver.Process.Kill() //nolint:errcheck // the machine goes down next
	s.show("bragid's log", "tail", "-n", "80", logFile)
	s.show("the kernel's warnings", "sh", "-c", "dmesg | grep -iE 'warn|bug:|oops|call trace' || echo none")
}

// running tells whether the daemon is alive.
func (s *stage) running() bool {
	if s.daemon == nil {
		return false
	}
	select {
	case err := <-s.exited:
		s.exited <- err
		return false
	default:
		return true
	}
}

// verdict prints one check's result.
func (s *stage) verdict(what string, ok bool, format string, args ...any) {
	word := "PASS"
	if ok {
		s.passed++
	} else {
		word = "FAIL"
		s.failed++
	}
	fmt.Printf("%s  %s: %s  (%s)\n", word, s.name, what, fmt.Sprintf(format, args...))
}

func (s *stage) note(format string, args ...any) {
	fmt.Printf("[%6.1f] %s\n", time.Since(s.started).Seconds(), fmt.Sprintf(format, args...))
}

// show prints what a program says.
func (s *stage) show(title string, args ...string) {
	out, err := exec.Command(args[0], args[1:]...).CombinedOutput()
	fmt.Printf("---- %s\n%s", title, out)
	if err != nil {
		fmt.Printf("(%v)\n", err)
	}
	fmt.Println("----")
}

func command(args ...string) error {
	if out, err := exec.Command(args[0], args[1:]...).CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w: %s", strings.Join(args, " "), err, strings.TrimSpace(string(out)))
	}
	return nil
}

// commands runs one after the other; none has a word with a space.
func commands(lines ...string) error {
	for _, line := range lines {
		if err := command(strings.Fields(line)...); err != nil {
			return err
		}
	}
	return nil
}

// set turns a knob of gmtest.
func set(name string, value int) error {
	return os.WriteFile(filepath.Join(unit, name), []byte(strconv.Itoa(value)), 0o644)
}

// turn sets a knob in the midst of a scenario.
func (s *stage) turn(name string, value int) {
	s.note("knob %s = %d", name, value)
	if err := set(name, value); err != nil {
		s.verdict("knob "+name, false, "%v", err)
	}
}

func read(name string) (int64, error) {
	b, err := os.ReadFile(filepath.Join(unit, name))
	if err != nil {
		return 0, err
	}
	return strconv.ParseInt(strings.TrimSpace(string(b)), 10, 64)
}

// oracle is the true time error of the PHC in ns; positive: it is ahead of TAI.
func oracle() (int64, error) {
	ns, err := read("phc_minus_sky_ns")
	return ns - taiMinusUTC, err
}

var client = http.Client{
	Timeout: 3 * time.Second,
	Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", runDir+"/control.sock")
	}},
}

// claim is what bragid says of itself.
type claim struct {
	Clock struct {
		State      string   `json:"state"`
		StateName  string   `json:"state_name"`
		Serving    bool     `json:"serving"`
		ClockClass int      `json:"clock_class"`
		Accuracy   string   `json:"clock_accuracy"`
		BoundNs    *float64 `json:"bound_ns"`
		ErrorNs    *float64 `json:"time_error_ns"`
		Why        []string `json:"why"`
	} `json:"clock"`
	Hardware struct {
		SyncMode    string `json:"sync_mode"`
		SyncModeWhy string `json:"sync_mode_why"`
		Residual    struct {
			P1, P50, P99 int64
			N            int
		} `json:"residual_ns"`
	} `json:"hardware"`
	Alarms []struct {
		Code string `json:"code"`
	} `json:"alarms"`
}

func ask() (claim, error) {
	var c claim
	answer, err := client.Get("http://bragid/v1/status")
	if err != nil {
		return c, err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		return c, err
	}
	if answer.StatusCode != http.StatusOK {
		return c, errors.New(answer.Status)
	}
	return c, json.Unmarshal(body, &c)
}
