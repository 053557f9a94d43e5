package e2e

import (
	"context"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"bragi/cmd/internal/control"
	"bragi/cmd/internal/status"
	"bragi/master/udp/netns"
)

// manager does for bragid what systemd does: it holds the sockets of
// bragid.socket, hands them to each process by LISTEN_FDS, and starts the next one
// when one has ended.
type manager struct {
	*daemon
	b       *hosts
	args    []string
	sockets []*os.File
}

// holdSockets binds the ports as bragid.socket does.
func (b *hosts) holdSockets(ports ...int) (files []*os.File) {
	b.t.Helper()
	err := b.master.Do(func() error {
		for _, port := range ports {
			fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
			if err != nil {
				return err
			}
			files = append(files, os.NewFile(uintptr(fd), fmt.Sprintf("port %d", port)))
			if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1); err != nil {
				return err
			}
			if err := unix.Bind(fd, &unix.SockaddrInet4{Port: port, Addr: netip.IPv4Unspecified().As4()}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() {
		for _, f := range files {
			f.Close()
		}
	})
	return files
}

func (b *hosts) manage(config string, sockets []*os.File, sets ...string) *manager {
	b.t.Helper()
	m := &manager{b: b, sockets: sockets, args: []string{"sh", "-c", `LISTEN_PID=$$; export LISTEN_PID; exec "$@"`, "sh",
		filepath.Join(binaries, "bragid"), "--config", config}}
	for _, set := range append([]string{"control.run_dir=" + b.dir, "master.address=" + serviceAddress, "master.event_port=319", "master.general_port=320",
		"board.interface=gm0", `master.allow=["10.99.0.0/24","` + crowdSource + `"]`}, sets...) {
		m.args = append(m.args, "--set", set)
	}
	m.daemon = &daemon{t: b.t, control: control.NewClient(filepath.Join(b.dir, "control.sock"))}
	m.run()
	return m
}

// run starts the next process.
func (m *manager) run() {
	m.b.t.Helper()
	env := []string{"LISTEN_FDS=0"}
	if len(m.sockets) > 0 {
		env = []string{fmt.Sprintf("LISTEN_FDS=%d", len(m.sockets))}
	}
	m.process = m.b.startWith(m.b.master, env, m.sockets, m.args...)
}

// end sends the signal and waits for the end of the process.
func (m *manager) end(signal syscall.Signal) {
	m.b.t.Helper()
	m.cmd.Process.Signal(signal) //nolint:errcheck // the wait tells
	select {
	case <-m.done:
	case <-time.After(10 * time.Second):
		m.b.t.Fatal("bragid does not end")
	}
}

// ready waits until the process answers, and returns its status.
func (m *manager) ready() (s status.Status) {
	m.b.t.Helper()
	eventually(m.b.t, 10*time.Second, "bragid answers after its start", func() bool {
		s = status.Status{}
		return m.control.Get(context.Background(), "/v1/status", &s) == nil && s.Restart.ServingMs > 0
	})
	return s
}

// addCrowdHost adds a namespace for many clients, whose ports another client's
// host cannot share.
func (b *hosts) addCrowdHost() netns.Namespace {
	b.t.Helper()
	crowd := b.namespace("cr")
	b.join(netns.End{In: b.master, Device: "gm1", Address: "10.98.0.1/24"}, netns.End{In: crowd, Device: "cr0", Address: "10.98.0.2/24"})
	b.ip(b.master, "route add "+crowdSource+" via 10.98.0.2")
	b.ip(crowd, "route add "+serviceAddress+"/32 via 10.98.0.1", "route add local "+crowdSource+" dev lo")
	return crowd
}

// Under the load of 200 clients and one that others wrote, restarts, kills and
// reloads leave no silence above a second, no other class, no step, no sequenceId
// that comes again, and a client that never leaves SLAVE.
func TestRestartsNoClientNotices(t *testing.T) {
	need(t, "ip", "ptp4l", "pmc", "gcc")
	const (
		clients  = 200
		restarts = 20
		kills    = 5
		reloads  = 20
		longest  = time.Second // of silence
		stepNs   = 1000.0
	)
	b := newHosts(t)
	crowd := b.addCrowdHost()
	base, err := os.ReadFile(filepath.Join(root, "configs/sim.toml"))
	if err != nil {
		t.Fatal(err)
	}
	config := filepath.Join(b.dir, "bragi.toml")
	write := func(domain int, more string) { // of [master]
		t.Helper()
		text := strings.Replace(string(base), "domain = 0\n", fmt.Sprintf("domain = %d\n%s\n", domain, more), 1)
		if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(0, "")
	m := b.manage(config, b.holdSockets(319, 320))
	m.ready()
	eventually(t, 40*time.Second, "clockClass 6", func() bool { return m.status().Clock.ClockClass == 6 })
	client := b.startPTP4L(serviceAddress)
	b.start(crowd, nil, filepath.Join(binaries, "bragi"), "rehearse", "--master", serviceAddress, "--clients", fmt.Sprint(clients),
		"--source", crowdSource, "--for", "10m", "--json")
	eventually(t, 30*time.Second, "all clients are served", func() bool { return m.status().Master.Clients == clients+1 })
	eventually(t, time.Minute, "ptp4l in SLAVE", client.slave)
	time.Sleep(3 * time.Second)
	_, slaveFrom := client.since(0)

	truth := m.watchTruth()
	w := b.watchWire(tap{b.client, "cl0"}, tap{crowd, "cr0"})
	eventually(t, 5*time.Second, "packets on the wire", func() bool { return w.window().packets > 0 })
	time.Sleep(2 * time.Second)
	quiet := w.window()
	t.Logf("before: %d packets, longest silence of a client: Announce %v, Sync %v", quiet.packets, quiet.announce.Round(time.Millisecond), quiet.sync.Round(time.Millisecond))
	var worst seen
	var slowest, own float64
	judge := func(what string) {
		t.Helper()
		s := w.window()
		worst.announce, worst.sync = max(worst.announce, s.announce), max(worst.sync, s.sync)
		if s.announce > longest || s.sync > longest {
			t.Errorf("%s: a client heard no Announce for %v, no Sync for %v, want at most %v", what, s.announce, s.sync, longest)
		}
		if len(s.backwards) > 0 {
			t.Errorf("%s: sequenceIds come again: %v", what, s.backwards)
		}
		if len(s.classes) != 1 || s.classes[6] == 0 {
			t.Errorf("%s: clockClasses announced (by number of messages): %v, want 6 alone", what, s.classes)
		}
		if s.cancels > 0 {
			t.Errorf("%s: %d CANCELs", what, s.cancels)
		}
	}
	again := func(n int, signal syscall.Signal) {
		for i := range n {
			what := fmt.Sprintf("%v %d", signal, i+1)
			m.end(signal)
			m.run()
			s := m.ready()
			slowest = max(slowest, s.Restart.ServingMs)
			if !s.Restart.Clock || s.Restart.Clients != clients+1 || s.Clock.ClockClass != 6 {
				t.Errorf("%s: class %d, clock resumed %v, %d clients: %s %s", what, s.Clock.ClockClass, s.Restart.Clock, s.Restart.Clients, s.Restart.Why, s.Restart.GrantsWhy)
			}
			time.Sleep(time.Duration(1000+i*83%700) * time.Millisecond) // at all moments of the second
			judge(what)
			g := m.status().Master.AnnounceGap
			if own = max(own, g.Max); g.Max < 0.12 || g.Max > longest.Seconds() || g.Long != 0 {
				t.Errorf("%s: bragid says of its Announces %+v", what, g)
			}
		}
	}
	again(restarts, syscall.SIGTERM)
	again(kills, syscall.SIGKILL)
	t.Logf("over %d restarts and %d kills: worst silence of a client: Announce %v, Sync %v; bragid's own worst %.0f ms; slowest start to service %.0f ms",
		restarts, kills, worst.announce.Round(time.Millisecond), worst.sync.Round(time.Millisecond), own*1e3, slowest)

	for i := range reloads {
		write(0, fmt.Sprintf("priority2 = %d\npacket_budget = %d", 100+i, 100_000+i))
		if out := b.bragi("reload"); !strings.Contains(out, "Applied: master.priority2, master.packet_budget.") {
			t.Errorf("reload %d: %s", i+1, out)
		}
		time.Sleep(50 * time.Millisecond)
	}
	judge("reloads")
	write(24, "priority2 = 7")
	if out := b.bragi("reload"); !strings.Contains(out, "Needs a restart") || !strings.Contains(out, "master.domain") {
		t.Errorf("a reload with another domain: %s", out)
	}
	write(0, "priority2 = 300")
	refused := exec.Command(filepath.Join(binaries, "bragi"), "reload", "--socket", filepath.Join(b.dir, "control.sock"))
	if out, err := refused.CombinedOutput(); err == nil || !strings.Contains(string(out), "priority2") {
		t.Errorf("a reload with priority2 = 300: %v: %s", err, out)
	}
	time.Sleep(time.Second)
	judge("a refused reload")

	if lines, _ := client.since(slaveFrom); strings.Contains(strings.Join(lines, "\n"), "SLAVE to ") {
		for _, line := range lines {
			if strings.Contains(line, "SLAVE to ") {
				t.Errorf("ptp4l left SLAVE: %s", line)
			}
		}
	}
	if !client.slave() {
		t.Error("ptp4l is not in SLAVE at the end")
	}
	s := m.status()
	if s.Master.Clients != clients+1 {
		t.Errorf("%d clients at the end, want %d", s.Master.Clients, clients+1)
	}
	if x := truth.finish(); x.samples < 20 || x.worstNs > stepNs {
		t.Errorf("the true error changed by %.0f ns between two samples (%d), want at most %.0f", x.worstNs, x.samples, stepNs)
	} else {
		t.Logf("true error: %d samples, first %+.0f ns, last %+.0f ns, largest change between two %.0f ns", x.samples, x.first, x.last, x.worstNs)
	}
}
