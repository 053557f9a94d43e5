package e2e

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"bragi/cmd/internal/control"
	"bragi/cmd/internal/status"
	"bragi/master/rehearsal"
)

// local is a bragid on loopback with unprivileged ports: what `make run` starts.
type local struct {
	cmd    *exec.Cmd
	stderr *strings.Builder
	dir    string
	ports  [2]int
	exited chan error
}

func localPorts(t *testing.T) (ports [2]int) {
	t.Helper()
	for i := range ports {
		c, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4zero})
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		ports[i] = c.LocalAddr().(*net.UDPAddr).Port
	}
	return ports
}

func startLocal(t *testing.T, ports [2]int, sets ...string) *local {
	t.Helper()
	return startLocalFrom(t, filepath.Join(root, "configs/sim.toml"), t.TempDir(), ports, sets...)
}

// startLocalFrom is startLocal with a file of the test's.
func startLocalFrom(t *testing.T, file, dir string, ports [2]int, sets ...string) *local {
	t.Helper()
	return startLocalIn(t, nil, file, dir, ports, sets...)
}

// startLocalIn is startLocalFrom with more in the environment.
func startLocalIn(t *testing.T, environment []string, file, dir string, ports [2]int, sets ...string) *local {
	t.Helper()
	l := &local{dir: dir, ports: ports, stderr: &strings.Builder{}, exited: make(chan error, 1)}
	args := []string{"--config", file, "--set", "control.run_dir=" + l.dir,
		"--set", fmt.Sprint("master.event_port=", ports[0]), "--set", fmt.Sprint("master.general_port=", ports[1])}
	for _, s := range sets {
		args = append(args, "--set", s)
	}
	l.cmd = exec.Command(filepath.Join(binaries, "bragid"), args...)
	l.cmd.Env = append(os.Environ(), environment...)
	l.cmd.Stderr = l.stderr
	l.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := startOnOneThread(l.cmd); err != nil {
		t.Fatal(err)
	}
	go func() { l.exited <- l.cmd.Wait() }()
	t.Cleanup(func() { l.cmd.Process.Kill() }) //nolint:errcheck // it may have ended
	return l
}

func (l *local) client() *control.Client {
	return control.NewClient(filepath.Join(l.dir, "control.sock"))
}

// wait returns how the daemon ended, and what it said.
func (l *local) wait(t *testing.T) (said string, err error) {
	t.Helper()
	return l.waitFor(t, 10*time.Second)
}

func (l *local) waitFor(t *testing.T, limit time.Duration) (said string, err error) {
	t.Helper()
	select {
	case err := <-l.exited:
		return l.stderr.String(), err
	case <-time.After(limit):
		t.Fatalf("bragid has not ended after %v", limit)
		return "", nil
	}
}

// The programs of `make run`, without root: a rehearsing client in phase with a
// locked grandmaster, garbage on the ports meanwhile, the events at a syslog
// server, and a clean end.
func TestRunOnLoopback(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("SKIPPED in short mode: needs half a minute")
	}
	lines, server := syslogServer(t)
	l := startLocal(t, localPorts(t), fmt.Sprintf("syslog.targets=[\"udp://%s\"]", server))
	garbage(t, l.ports)
	var stdout, stderr strings.Builder
	rehearse := exec.Command(filepath.Join(binaries, "bragi"), "rehearse", "--master", "127.0.0.1", "--source", "127.0.0.2/32", "--as", "rpd",
		"--event-port", fmt.Sprint(l.ports[0]), "--general-port", fmt.Sprint(l.ports[1]), "--for", "40s", "--json")
	rehearse.Stdout, rehearse.Stderr = &stdout, &stderr
	rehearse.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := startOnOneThread(rehearse); err != nil {
		t.Fatal(err)
	}
	var s status.Status
	clients := func() []status.Client {
		s = status.Status{}
		if l.client().Get(t.Context(), "/v1/status", &s) != nil {
			return nil
		}
		return s.Clients
	}
	eventually(t, 30*time.Second, "an RPD with all its grants", func() bool {
		c := clients()
		return len(c) == 1 && c[0].Kind == "RPD" && c[0].Grants.DelayResp != nil && c[0].Grants.DelayResp.Interval == -4
	})
	ended := rehearse.Wait()
	var r rehearsal.Report
	if err := json.Unmarshal([]byte(stdout.String()), &r); err != nil {
		t.Fatalf("rehearse: %v: %v: %s%s", ended, err, stdout.String(), stderr.String())
	}
	if (ended == nil) != (r.Verdict == "pass") {
		t.Errorf("rehearse: %v at the verdict %s", ended, r.Verdict)
	}
	if !passes(t, r) || r.TimeToLockS == nil || r.AheadOfUTCS == nil || r.State != "PHASE_ALIGNED" || r.Master.Class != 6 || !r.OneStep || r.Lost["sync"] != 0 {
		t.Errorf("the rehearsal says %+v, %s", r, stderr.String())
	}
	if (r.Rates["sync"] < 30 || r.Rates["delay_resp"] < 14) && quietMachine(t) { // a busy one does not hold them
		t.Errorf("the rehearsal saw the rates %v", r.Rates)
	}
	t.Logf("rehearsal: %s, offset median %d ns, p1 %d, p99 %d, class %d", r.State, r.Offset.Median, r.Offset.P1, r.Offset.P99, r.Master.Class)
	eventually(t, 5*time.Second, "a rehearsal that has left leaves no grant behind", func() bool { return len(clients()) == 0 && s.Version != "" })
	if err := l.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if said, err := l.wait(t); err != nil {
		t.Errorf("SIGTERM: %v: %s", err, said)
	}
	if _, err := os.Stat(filepath.Join(l.dir, "control.sock")); err == nil {
		t.Error("the control socket is left behind")
	}
	assertSyslog(t, lines())
}

func assertSyslog(t *testing.T, lines []string) {
	t.Helper()
	all := strings.Join(lines, "\n")
	for _, want := range []string{` START [timeQuality tzKnown="1" isSynced="0"][bragi@32473 version=`, `] %BRAGI-5-START: bragid `, `] %BRAGI-5-CLOCKSTATE: locking -> locked`,
		`] %BRAGI-5-CLOCKCLASS: 58 -> 6, locked`, `] %BRAGI-5-RECEIVER: `, ` CLIENT [timeQuality tzKnown="1" isSynced="1" syncAccuracy="`,
		`[bragi@32473 address="127.0.0.2" identity="`, `] %BRAGI-5-CLIENT: 127.0.0.2 is a client new`, `] %BRAGI-5-STOP: bragid stops`} {
		if !strings.Contains(all, want) {
			t.Errorf("syslog has no line with %q; it has:\n%s", want, all)
		}
	}
	form := regexp.MustCompile(`^<(18[5-9]|190)>1 \d{4}-\d\d-\d\dT\S+Z \S+ bragid \d+ [A-Z_]+ \[timeQuality [^]]+\](\[bragi@32473 .+\])? %BRAGI-[1-6]-[A-Z_]+: .+$`)
	for _, line := range lines {
		if !form.MatchString(line) {
			t.Errorf("not a line of RFC 5424: %q", line)
		}
	}
}

// syslogServer collects what arrives at a UDP port of loopback.
func syslogServer(t *testing.T) (lines func() []string, address string) {
	t.Helper()
	c, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	var mu sync.Mutex
	var got []string
	go func() {
		buf := make([]byte, 4096)
		for {
			n, _, err := c.ReadFrom(buf)
			if err != nil {
				return
			}
			mu.Lock()
			got = append(got, string(buf[:n]))
			mu.Unlock()
		}
	}()
	return func() []string { mu.Lock(); defer mu.Unlock(); return append([]string(nil), got...) }, c.LocalAddr().String()
}

// garbage sends what is no PTP to both ports now and then, until the test ends.
func garbage(t *testing.T, ports [2]int) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	t.Cleanup(func() { cancel(); <-done })
	go func() {
		defer close(done)
		for n := 0; ; n++ {
			select {
			case <-ctx.Done():
				return
			case <-time.After(10 * time.Millisecond):
			}
			if c, err := net.Dial("udp4", fmt.Sprintf("127.0.0.1:%d", ports[n%2])); err == nil {
				junk := make([]byte, n%97)
				for i := range junk {
					junk[i] = byte(n*31 + i*i)
				}
				c.Write(junk) //nolint:errcheck // nobody need be there yet
				c.Close()
			}
		}
	}()
}

// What cannot work ends with one line that says what, why and the fix.
func TestBadStarts(t *testing.T) {
	t.Parallel()
	taken := localPorts(t)
	c, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: taken[0]})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for _, bad := range []struct {
		name  string
		ports [2]int
		sets  []string
		want  string
	}{
		{"port taken", taken, nil, "address already in use.*another PTP program"},
		{"no such interface", localPorts(t), []string{"board.interface=nosuch0"}, `interface "nosuch0".*fix`},
		{"no PTP clock", localPorts(t), []string{"board.profile=generic", "board.interface=lo", "board.phc=/dev/nosuch", "gnss.device=/dev/ttyS9"}, `/dev/nosuch: no such file`},
		{"no capture", localPorts(t), []string{"sim.capture=/nosuch.log"}, `sim.capture: open /nosuch.log: no such file`},
	} {
		l := startLocal(t, bad.ports, bad.sets...)
		said, err := l.wait(t)
		lines := strings.Split(strings.TrimSpace(said), "\n")
		last := lines[len(lines)-1]
		var exit *exec.ExitError
		if !errors.As(err, &exit) || exit.ExitCode() != 1 || !regexp.MustCompile("^bragid: .*"+bad.want).MatchString(last) {
			t.Errorf("%s: %v, said:\n%s\nwant exit 1 and %q", bad.name, err, said, bad.want)
		}
	}
}

// A second bragid by mistake is refused before it touches the clock, the state or the log of the first,
// whatever its socket is, and without a word to syslog.
func TestASecondBragidDoesNothing(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	first := startLocalIn(t, nil, filepath.Join(root, "configs/sim.toml"), dir, localPorts(t))
	var before, after status.Status
	eventually(t, 10*time.Second, "the first one answers", func() bool { return first.client().Get(t.Context(), "/v1/status", &before) == nil })
	target, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer target.Close()
	for _, socket := range []string{"control.sock", "moved.sock"} {
		second := startLocalIn(t, nil, filepath.Join(root, "configs/sim.toml"), dir, localPorts(t), fmt.Sprintf("syslog.targets=[%q]", "udp://"+target.LocalAddr().String()),
			"control.socket="+filepath.Join(dir, socket))
		said, err := second.wait(t)
		var exit *exec.ExitError
		if !errors.As(err, &exit) || exit.ExitCode() != 1 || strings.Count(said, "\n") != 1 || !strings.Contains(said, "another bragid runs in "+dir+" (fix: ") {
			t.Errorf("the second one, socket %s: %v, said:\n%s\nwant exit 1 and one line", socket, err, said)
		}
	}
	target.SetReadDeadline(time.Now().Add(500 * time.Millisecond))
	if n, _, err := target.ReadFrom(make([]byte, 2048)); err == nil {
		t.Errorf("it sent %d octets to syslog", n)
	}
	if err := first.client().Get(t.Context(), "/v1/status", &after); err != nil || after.UptimeS < before.UptimeS {
		t.Errorf("the first one afterwards: %v", err)
	}
}

// An address that no interface has yet is waited for: an alarm, said once.
func TestAddressIsWaitedFor(t *testing.T) {
	t.Parallel()
	l := startLocal(t, localPorts(t), "master.address=192.0.2.77")
	var s status.Status
	eventually(t, 10*time.Second, "the alarm", func() bool {
		return l.client().Get(t.Context(), "/v1/status", &s) == nil && len(s.Alarms) > 0 && s.Alarms[0].Code == "ADDRESS_MISSING"
	})
	time.Sleep(2500 * time.Millisecond) // some more attempts
	if err := l.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	said, err := l.wait(t)
	if err != nil {
		t.Errorf("SIGTERM while waiting: %v", err)
	}
	if n := strings.Count(said, "ADDRESS_MISSING"); n != 1 {
		t.Errorf("said %d times, want once:\n%s", n, said)
	}
}

// systemd hears that the daemon is ready, that it lives, and that it stops.
func TestSystemdIsTold(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "notify")
	notify, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer notify.Close()
	l := startLocalIn(t, []string{"NOTIFY_SOCKET=" + path, "WATCHDOG_USEC=900000"}, filepath.Join(root, "configs/sim.toml"), t.TempDir(), localPorts(t))
	next := func() string {
		notify.SetReadDeadline(time.Now().Add(10 * time.Second))
		buf := make([]byte, 256)
		n, err := notify.Read(buf)
		if err != nil {
			t.Fatalf("systemd hears nothing: %v", err)
		}
		return string(buf[:n])
	}
	if got := next(); got != "READY=1" {
		t.Errorf("first %q, want READY=1", got)
	}
	for range 3 {
		if got := next(); got != "WATCHDOG=1" {
			t.Errorf("then %q, want WATCHDOG=1", got)
		}
	}
	l.cmd.Process.Signal(syscall.SIGTERM) //nolint:errcheck // its end is waited for
	if _, err := l.wait(t); err != nil {
		t.Errorf("SIGTERM: %v", err)
	}
	for got := next(); got != "STOPPING=1"; got = next() {
		if got != "WATCHDOG=1" {
			t.Fatalf("at the end %q, want STOPPING=1", got)
		}
	}
}
