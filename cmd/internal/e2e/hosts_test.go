// Package e2e runs whole programs: bragid on the board of software in one
// network namespace, clients that others wrote in another, joined by a veth
// pair. The tests make the namespaces themselves and send nothing elsewhere.
// Without root, or without the peers' programs, they skip and say so.
//
// Most of a test is waiting, so tests run beside each other (t.Parallel; -parallel
// says how many). A test that loads the machine, or judges the spacing of many
// clients' packets, is not parallel: Go runs all of those first, each alone.
package e2e

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"bragi/cmd/internal/control"
	"bragi/cmd/internal/status"
	"bragi/master/udp/netns"
)

const (
	masterAddress  = "10.99.0.1"
	serviceAddress = "15.88.15.88" // a loopback /32, as cable networks have it
	clientAddress  = "10.99.0.2"
)

// hosts are two network namespaces and what runs in them.
type hosts struct {
	t      *testing.T
	dir    string          // files of this test
	master netns.Namespace // of bragid
	client netns.Namespace // of the clients
}

// need skips the test, saying why, unless it is root and all programs are
// there.
func need(t *testing.T, programs ...string) {
	t.Helper()
	if testing.Short() {
		t.Skip("SKIPPED in short mode: needs some minutes")
	}
	if err := netns.Unavailable(); err != nil {
		t.Skipf("SKIPPED: %v", err)
	}
	for _, p := range programs {
		if _, err := exec.LookPath(p); err != nil {
			t.Skipf("SKIPPED: %s is not installed (fix: make setup as root)", p)
		}
	}
}

// newHosts makes the namespaces; they go when the test ends.
func newHosts(t *testing.T) *hosts {
	t.Helper()
	b := &hosts{t: t, dir: t.TempDir()}
	b.master, b.client = b.namespace("gm"), b.namespace("cl")
	b.join(netns.End{In: b.master, Device: "gm0", Address: masterAddress + "/24"}, netns.End{In: b.client, Device: "cl0", Address: clientAddress + "/24"})
	b.ip(b.master, "addr add "+serviceAddress+"/32 dev lo")
	b.ip(b.client, "route add "+serviceAddress+"/32 via "+masterAddress)
	return b
}

// namespace makes one more; it goes when the test ends.
func (b *hosts) namespace(label string) netns.Namespace {
	b.t.Helper()
	n, err := netns.New(label)
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(n.Close)
	return n
}

func (b *hosts) join(one, other netns.End) {
	b.t.Helper()
	if err := netns.Join(one, other); err != nil {
		b.t.Fatal(err)
	}
}

// ip runs commands of ip in a namespace.
func (b *hosts) ip(in netns.Namespace, lines ...string) {
	b.t.Helper()
	if err := in.IP(lines...); err != nil {
		b.t.Fatal(err)
	}
}

var socketNames atomic.Int64

// socketName is a path for a Unix socket of a program's, another one each time. A
// socket's path may have 107 bytes only; a test's folder may be longer.
func socketName(program string) string {
	return fmt.Sprintf("/tmp/bragi-%s-%d-%d", program, os.Getpid(), socketNames.Add(1))
}

// process is a program that runs in a namespace.
type process struct {
	name string
	cmd  *exec.Cmd
	done chan struct{}

	mu    sync.Mutex
	lines []string
}

// start runs a program in a namespace; its output lands in the process and in
// the test's log when the test fails.
func (b *hosts) start(namespace netns.Namespace, env []string, args ...string) *process {
	b.t.Helper()
	return b.startWith(namespace, env, nil, args...)
}

// startWith hands files over, as descriptors from 3 on.
func (b *hosts) startWith(namespace netns.Namespace, env []string, files []*os.File, args ...string) *process {
	b.t.Helper()
	p := &process{name: filepath.Base(args[0]), done: make(chan struct{})}
	p.cmd = namespace.Command(args...)
	p.cmd.Env = append(os.Environ(), env...)
	p.cmd.ExtraFiles = files
	// A session of its own, as a service has.
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setsid: true}
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		b.t.Fatal(err)
	}
	p.cmd.Stderr = p.cmd.Stdout
	if err := startOnOneThread(p.cmd); err != nil {
		b.t.Fatalf("%s: %v", p.name, err)
	}
	go p.read(out)
	b.t.Cleanup(func() {
		p.stop()
		if b.t.Failed() {
			b.t.Logf("the last lines of %s:\n%s", p.name, strings.Join(p.tail(60), "\n"))
		}
	})
	return p
}

// starts is the way to the thread that starts all processes: Pdeathsig kills a
// child when the thread that started it ends, and Go ends threads (netns.Namespace.Do).
var starts = sync.OnceValue(func() chan<- func() {
	c := make(chan func())
	go func() {
		runtime.LockOSThread()
		for start := range c {
			start()
		}
	}()
	return c
})

func startOnOneThread(cmd *exec.Cmd) error {
	result := make(chan error)
	starts() <- func() { result <- cmd.Start() }
	return <-result
}

func (p *process) read(out io.Reader) {
	scanner := bufio.NewScanner(out)
	for scanner.Scan() {
		p.mu.Lock()
		p.lines = append(p.lines, scanner.Text())
		p.mu.Unlock()
	}
	p.cmd.Wait() //nolint:errcheck // the exit code is asked for by those who care
	close(p.done)
}

// stop ends the process as a service manager would, and kills it when it does
// not end within ten seconds.
func (p *process) stop() {
	select {
	case <-p.done:
		return
	default:
	}
	p.cmd.Process.Signal(syscall.SIGTERM) //nolint:errcheck // it may just have ended
	select {
	case <-p.done:
	case <-time.After(10 * time.Second):
		p.cmd.Process.Kill() //nolint:errcheck // likewise
		<-p.done
	}
}

func (p *process) tail(n int) []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]string(nil), p.lines[max(0, len(p.lines)-n):]...)
}

// since returns the lines from number n on, and the next number.
func (p *process) since(n int) ([]string, int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]string(nil), p.lines[n:]...), len(p.lines)
}

// eventually polls until ok, and fails the test after limit.
func eventually(t *testing.T, limit time.Duration, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(limit); ; time.Sleep(100 * time.Millisecond) {
		if ok() {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("after %v still not: %s", limit, what)
		}
	}
}

// daemon is a bragid and its control socket.
type daemon struct {
	*process
	t       *testing.T
	control *control.Client
}

// startDaemon runs bragid on the board of software with configs/sim.toml and
// the given keys over it.
func (b *hosts) startDaemon(sets ...string) *daemon {
	b.t.Helper()
	return b.startDaemonIn(b.master, b.dir, append([]string{"master.address=" + serviceAddress, "board.interface=gm0", `master.allow=["10.99.0.0/24"]`}, sets...)...)
}

// startDaemonIn runs one in a namespace, with a run_dir of its own.
func (b *hosts) startDaemonIn(namespace netns.Namespace, dir string, sets ...string) *daemon {
	b.t.Helper()
	args := []string{filepath.Join(binaries, "bragid"), "--config", filepath.Join(root, "configs/sim.toml"),
		"--set", "control.run_dir=" + dir, "--set", "master.event_port=319", "--set", "master.general_port=320"}
	for _, set := range sets {
		args = append(args, "--set", set)
	}
	d := &daemon{b.start(namespace, nil, args...), b.t, control.NewClient(filepath.Join(dir, "control.sock"))}
	eventually(b.t, 10*time.Second, "bragid answers on its control socket", func() bool {
		var s status.Status
		return d.control.Get(context.Background(), "/v1/status", &s) == nil
	})
	return d
}

func (d *daemon) status() status.Status {
	d.t.Helper()
	var s status.Status
	if err := d.control.Get(context.Background(), "/v1/status", &s); err != nil {
		d.t.Fatalf("status: %v", err)
	}
	return s
}

func (d *daemon) sim() status.Sim {
	d.t.Helper()
	var s status.Sim
	if err := d.control.Get(context.Background(), "/v1/sim", &s); err != nil {
		d.t.Fatalf("sim status: %v", err)
	}
	return s
}

// bragi runs the operator's program against the daemon and returns its output.
func (b *hosts) bragi(args ...string) string {
	b.t.Helper()
	cmd := exec.Command(filepath.Join(binaries, "bragi"), args...)
	cmd.Env = append(os.Environ(), "BRAGI_SOCKET="+filepath.Join(b.dir, "control.sock"))
	out, err := cmd.CombinedOutput()
	if err != nil {
		b.t.Fatalf("bragi %s: %v: %s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

// truthWatch samples the true error of the served clock once a second from
// the first class 6 on, and keeps the largest change between two seconds.
type truthWatch struct {
	stop    context.CancelFunc
	done    chan struct{}
	samples int
	worstNs float64
	first   float64
	last    float64
}

func (d *daemon) watchTruth() *truthWatch {
	ctx, cancel := context.WithCancel(context.Background())
	w := &truthWatch{stop: cancel, done: make(chan struct{})}
	go func() {
		defer close(w.done)
		tick := time.NewTicker(time.Second)
		defer tick.Stop()
		for {
			var s status.Sim
			if d.control.Get(ctx, "/v1/sim", &s) == nil {
				if w.samples == 0 {
					w.first, w.last = s.TrueErrorNs, s.TrueErrorNs
				}
				w.samples++
				w.worstNs = max(w.worstNs, s.TrueErrorNs-w.last, w.last-s.TrueErrorNs)
				w.last = s.TrueErrorNs
			}
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
		}
	}()
	d.t.Cleanup(func() { cancel(); <-w.done })
	return w
}

// finish ends the watch.
func (w *truthWatch) finish() *truthWatch {
	w.stop()
	<-w.done
	return w
}
