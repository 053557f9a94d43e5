package e2e

import (
	"encoding/json"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// The addresses of many clients, routed through the client's namespace.
const crowdSource = "10.100.0.0/16"

// newCrowdHosts are hosts whose client side owns every address of crowdSource.
func newCrowdHosts(t *testing.T) *hosts {
	t.Helper()
	b := newHosts(t)
	b.ip("-n " + b.master + " route add " + crowdSource + " via " + clientAddress)
	b.ip("-n " + b.client + " route add local " + crowdSource + " dev lo")
	return b
}

func (b *hosts) ip(line string) {
	b.t.Helper()
	if out, err := exec.Command("ip", strings.Fields(line)...).CombinedOutput(); err != nil {
		b.t.Fatalf("ip %s: %v: %s", line, err, out)
	}
}

// crowdReport is what is read of `bragi rehearse --clients N --json`.
type crowdReport struct {
	Clients  int `json:"clients"`
	Granted  int `json:"granted"`
	Held     int `json:"held"`
	Shortest int `json:"shortest_sync_ns"`
	Spacing  struct {
		P50, P99, Max int
	} `json:"spacing_ns"`
	Turn struct {
		P50, P99, Max int
	} `json:"turnaround_ns"`
	Counts struct {
		Sync      int `json:"sync"`
		DelayReq  int `json:"delay_req"`
		DelayResp int `json:"delay_resp"`
	} `json:"counts"`
}

// crowd starts many clients; they measure after settle, for window.
func (b *hosts) crowd(clients int, source string, settle, window time.Duration) *process {
	return b.start(b.client, nil, filepath.Join(binaries, "bragi"), "rehearse", "--master", serviceAddress, "--clients", fmt.Sprint(clients),
		"--source", source, "--settle", settle.String(), "--for", (settle + window).String(), "--json")
}

// report waits for the end of a crowd.
func (p *process) report(t *testing.T) (r crowdReport) {
	t.Helper()
	select {
	case <-p.done:
	case <-time.After(2 * time.Minute):
		t.Fatal("the clients did not end")
	}
	text := strings.Join(p.tail(200), "\n")
	if end := strings.LastIndexByte(text, '}'); end >= 0 {
		text = text[:end+1]
	}
	if err := json.Unmarshal([]byte(text), &r); err != nil {
		t.Fatalf("report: %v: %s", err, text)
	}
	return r
}

func (b *hosts) startCrowdDaemon(sets ...string) *daemon {
	return b.startDaemon(append([]string{`master.allow=["10.99.0.0/24","` + crowdSource + `"]`, "master.free_run_after=0s", "sim.start_offset=0s"}, sets...)...)
}

// A grandmaster that was suspended for two seconds goes on without a burst: what
// a client missed is not made up for.
func TestSuspendedProcess(t *testing.T) {
	need(t, "ip")
	b := newCrowdHosts(t)
	d := b.startCrowdDaemon()
	const clients, settle, window = 50, 2 * time.Second, 8 * time.Second
	load := b.crowd(clients, crowdSource, settle, window)
	eventually(t, 10*time.Second, "all clients are served", func() bool { return d.status().Master.Clients == clients })
	time.Sleep(settle)
	if err := d.cmd.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	time.Sleep(2 * time.Second)
	if err := d.cmd.Process.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	r := load.report(t)
	// The wheel makes up for 16 ms at most, so that two Syncs of a client are half an interval apart at
	// least; the rest is the machine's.
	const shortest = 8 * time.Millisecond
	t.Logf("shortest interval between two Syncs of a client %v, %d Syncs in %v with a stop of 2 s", time.Duration(r.Shortest), r.Counts.Sync, window)
	if time.Duration(r.Shortest) < shortest {
		t.Errorf("two Syncs of a client were %v apart, want %v at least", time.Duration(r.Shortest), shortest)
	}
	if most := clients * 32 * int((window-2*time.Second).Seconds()+1); r.Counts.Sync > most {
		t.Errorf("%d Syncs, want at most %d: the stop was made up for", r.Counts.Sync, most)
	}
	if s := d.status().Master.Schedule; s.Missed == 0 || s.LatestMs < 1000 {
		t.Errorf("the stop of 2 s is not told: %+v", s)
	}
	if r.Granted != clients {
		t.Errorf("%d of %d clients have their grants after the stop", r.Granted, clients)
	}
}

// A network device that takes a fraction of what is sent holds up neither the
// receive side nor the schedule.
func TestSlowDevice(t *testing.T) {
	need(t, "ip", "tc")
	b := newCrowdHosts(t)
	d := b.startCrowdDaemon()
	const clients, settle, window = 100, 3 * time.Second, 6 * time.Second
	load := b.crowd(clients, crowdSource, settle, window)
	eventually(t, 10*time.Second, "all clients are served", func() bool { return d.status().Master.Clients == clients })
	// A hundred clients get 7,200 packets a second, some 5 Mbit/s; the queue takes more than the sockets may hold.
	if out, err := exec.Command("ip", "netns", "exec", b.master, "tc", "qdisc", "add", "dev", "gm0", "root", "tbf", "rate", "500kbit", "burst", "4kb", "limit", "64mb").CombinedOutput(); err != nil {
		if strings.Contains(string(out), "qdisc kind is unknown") {
			t.Skip("SKIPPED: the kernel has no tbf")
		}
		t.Fatalf("tc: %v: %s", err, out)
	}
	time.Sleep(settle)
	before := d.status()
	time.Sleep(3 * time.Second)
	after := d.status()
	r := load.report(t)
	heard := after.Master.Received - before.Master.Received
	t.Logf("in 3 s behind 500 kbit/s: %d datagrams received of some %d sent, the latest slot since the start %.1f ms late; the clients got %d Delay_Resp for %d Delay_Req",
		heard, clients*32*3, after.Master.Schedule.LatestMs, r.Counts.DelayResp, r.Counts.DelayReq)
	if want := uint64(clients * 32 * 3 * 8 / 10); heard < want {
		t.Errorf("%d Delay_Req received in 3 s behind a slow device, want %d at least", heard, want)
	}
	if r.Counts.DelayResp >= r.Counts.DelayReq {
		t.Error("the device was not slow: every Delay_Req got its answer")
	}
	if late := after.Master.Schedule.LatestMs; late > 500 {
		t.Errorf("a slot was %.0f ms late", late)
	}
}

// Fifty neighbours that have died while five hundred clients are served: the
// others notice nothing but in the figures that are logged.
func TestManyClientsAndDeadNeighbours(t *testing.T) {
	need(t, "ip")
	b := newCrowdHosts(t)
	d := b.startCrowdDaemon()
	// On-link addresses, so that each needs an ARP entry of its own.
	const dead, clients = 50, 500
	const neighbours = "10.99.0.128/25"
	b.ip("-n " + b.client + " route add local " + neighbours + " dev lo")
	dying := b.start(b.client, nil, filepath.Join(binaries, "bragi"), "rehearse", "--master", serviceAddress, "--clients", fmt.Sprint(dead),
		"--source", neighbours, "--settle", "10s", "--for", "60s")
	eventually(t, 10*time.Second, "the neighbours are served", func() bool { return d.status().Master.Clients == dead })
	dying.cmd.Process.Kill() //nolint:errcheck // they leave without a word
	<-dying.done
	b.ip("-n " + b.client + " route del local " + neighbours + " dev lo")
	b.ip("-n " + b.master + " neigh flush dev gm0")
	r := b.crowd(clients, crowdSource, 4*time.Second, 8*time.Second).report(t)
	t.Logf("%d clients beside %d dead neighbours: %d held; spacing off by p50 %v, p99 %v, worst %v; turn-around p99 %v", clients, dead, r.Held,
		time.Duration(r.Spacing.P50), time.Duration(r.Spacing.P99), time.Duration(r.Spacing.Max), time.Duration(r.Turn.P99))
	if s := d.status(); s.Master.Clients < dead {
		t.Errorf("%d clients have a grant, want the %d dead ones among them: they were not served at all", s.Master.Clients, dead)
	}
	// Dead neighbours that filled the socket would cost nearly all.
	if got, due := r.Counts.Sync, clients*32*8; got < due*95/100 {
		t.Errorf("%d Syncs came of %d", got, due)
	}
	if r.Granted != clients {
		t.Errorf("%d of %d clients are granted", r.Granted, clients)
	}
}

// On one processor, with a hundred clients and its status asked twenty times a
// second, no slot is half a second late: it stands for the 1.25 s after which a
// client gives its master up.
func TestOneProcessor(t *testing.T) {
	need(t, "ip", "taskset")
	b := newCrowdHosts(t)
	d := b.startCrowdDaemon()
	// Every thread that it has or will have: /proc/PID/task, then those begin on the same processor.
	if out, err := exec.Command("taskset", "-a", "-p", "-c", "0", fmt.Sprint(d.cmd.Process.Pid)).CombinedOutput(); err != nil {
		t.Fatalf("taskset: %v: %s", err, out)
	}
	const clients = 100
	load := b.crowd(clients, crowdSource, 2*time.Second, 10*time.Second)
	answers := 0
	for end := time.Now().Add(11 * time.Second); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		d.status()
		answers++
	}
	s := d.status().Master.Schedule
	r := load.report(t)
	t.Logf("one processor, %d clients, %d questions: latest slot %.1f ms late, %d of %d more than 1 ms, %d skipped; %d held", clients, answers, s.LatestMs,
		s.Late, s.Ticks, s.Missed, r.Held)
	if s.LatestMs >= 500 {
		t.Errorf("a slot was %.0f ms late, want none by 500 ms", s.LatestMs)
	}
	if answers < 100 || r.Counts.Sync < clients*32*9 {
		t.Errorf("%d answers and %d Syncs: this was no load", answers, r.Counts.Sync)
	}
}
