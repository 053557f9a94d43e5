package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// report is what is read of `bragi rehearse --json`.
type report struct {
	Held      int       `json:"held"`
	Granted   int       `json:"granted"`
	SyncShare float64   `json:"sync_share"`
	Spacing   quantiles `json:"spacing_ns"`
	Turn      quantiles `json:"turnaround_ns"`
	OneWay    oneWay    `json:"one_way_ns"`
	Sockets   struct {
		Dropped uint64 `json:"dropped"`
	} `json:"sockets"`
	OwnCPU float64 `json:"own_cpu"`
}

type quantiles struct {
	P50 int64 `json:"p50"`
	P99 int64 `json:"p99"`
	Max int64 `json:"max"`
}

// us prints the quantiles in microseconds.
func (q quantiles) us() string {
	return fmt.Sprintf("%.0f/%.0f/%.0f", float64(q.P50)/1e3, float64(q.P99)/1e3, float64(q.Max)/1e3)
}

// ptp4lStart is how long ptp4l listens for other masters before it serves.
const ptp4lStart = 8 * time.Second

// stock is the largest N for which ptp4l is measured as Debian ships it.
const stock = 400

// program is bragid whose Syncs' time the program alone writes, measured with as
// many clients as shows the difference.
const (
	program     = "program"
	programMost = 1000
)

// legend explains the columns of head.
const legend = `
N        clients. ptp4l*: ptp4l with a receive buffer (SO_RCVBUF) of 16 MB. program: bragid with kernel_sync = false
held     how many clients got their messages at their rate
ms       CPU of the master in ms per client-second; core %: of one core
floor    this CPU to the floor's with the same N; ptp4l: to ptp4l's
spacing  by how much the spacing of Syncs is off, us: p50/p99/max
turn     from Delay_Req to Delay_Resp, us: p50/p99/max
MB       RSS of the master
load %   CPU of the load; lost: datagrams that the load's sockets dropped
others   what neither master nor load computed, % of a core; stolen: what the hypervisor gave to someone else
`

func (b *bench) head() {
	fmt.Println("\n| master | N | held | ms | core % | floor | ptp4l | spacing us | turn us | MB | load % | lost | others % | stolen % |")
	fmt.Println("|---|---|---|---|---|---|---|---|---|---|---|---|---|---|")
}

// line measures a master with n clients and prints what it was.
func (b *bench) line(name string, n int) {
	m, err := b.measure(name, n, 0)
	if err != nil {
		fmt.Printf("| %s | %d | %s |\n", name, n, strings.ReplaceAll(strings.TrimSpace(err.Error()), "\n", "; "))
		return
	}
	ratio := func(of map[int]float64) string {
		if of[n] == 0 {
			return "-"
		}
		return fmt.Sprintf("%.2f", m.perClient/of[n])
	}
	switch name {
	case "floor":
		b.floorCPU[n] = m.perClient
	case "ptp4l":
		if m.Held == n {
			b.ptp4lCPU[n] = m.perClient
		}
	}
	if m.OneWay.N > 0 {
		b.lines = append(b.lines, wireLine{name, n, m.OneWay, m.residual})
	}
	held, spacing, turn := strconv.Itoa(m.Held), m.Spacing.us(), m.Turn.us()
	if name == "floor" {
		held, spacing, turn = fmt.Sprintf("%.1f %% sent", 100*m.SyncShare), "-", "-"
	}
	if name == "ptp4l" && n > stock {
		name = "ptp4l*"
	}
	fmt.Printf("| %s | %d | %s | %.3f | %.1f | %s | %s | %s | %s | %.1f | %.0f | %d | %.0f | %.1f |\n", name, n, held, m.perClient, 100*m.core,
		ratio(b.floorCPU), ratio(b.ptp4lCPU), spacing, turn, m.rss, 100*m.OwnCPU, m.Sockets.Dropped, 100*m.others, 100*m.stolen)
}

// measurement is a report and what was seen of the master from outside.
type measurement struct {
	report
	perClient float64 // CPU ms per client-second
	core      float64 // CPU, in cores
	rss       float64 // MB
	others    float64 // cores taken by neither master nor load
	stolen    float64 // cores taken by the hypervisor
	residual  residual
	answers   int // of bragid's status
}

// measure runs a master with n clients while its status is asked so many times a
// second.
func (b *bench) measure(name string, n, asks int) (m measurement, err error) {
	settle := 4 * time.Second // the clients join within it
	if n >= 2000 {
		settle += 2 * time.Second
	}
	master, err := b.startMaster(name, n, settle)
	if err != nil {
		return m, err
	}
	defer master.stop()
	load := []string{b.file("bragi"), "rehearse", "--master", masterAddress, "--clients", strconv.Itoa(n), "--source", crowdSource,
		"--settle", settle.String(), "--for", (settle + b.window).String(), "--json"}
	if name == "floor" {
		load = []string{b.file("floor"), "load", strconv.Itoa(n), strconv.Itoa(int((settle + b.window).Seconds())), masterAddress}
	}
	client, err := b.start(b.cl, "0", []string{"GOMAXPROCS=2"}, load...)
	if err != nil {
		return m, err
	}
	defer client.stop()
	time.Sleep(settle)
	began, was, wasLoad, seen := time.Now(), master.cpu(), client.cpu(), machine()
	m.answers = b.askFor(b.window-200*time.Millisecond, asks)
	took, used, usedLoad, end := time.Since(began), master.cpu()-was, client.cpu()-wasLoad, machine()
	m.rss = master.rss()
	if name == "floor" {
		if err := client.ended(); err != nil {
			return m, err
		}
		var sent, answered, received float64
		if _, err := fmt.Sscan(client.out.String(), &sent, &answered, &received); err != nil {
			return m, fmt.Errorf("floor: %w: %s", err, client.out.String())
		}
		// What the serving end sent, of what it should have.
		m.SyncShare = received / (72 * float64(n) * (settle + b.window).Seconds())
		m.OwnCPU = usedLoad.Seconds() / took.Seconds()
	} else if m.report, err = b.loadReport(client); err != nil {
		return m, err
	}
	if name == "bragid" || name == program {
		if s, err := b.ask(b.ctx); err == nil {
			m.residual = s.Hardware.Residual
		}
	}
	m.core = used.Seconds() / took.Seconds()
	m.perClient = 1e3 * m.core / float64(n)
	m.others = float64(end.busy-seen.busy)/100/took.Seconds() - m.core - usedLoad.Seconds()/took.Seconds()
	m.stolen = float64(end.stolen-seen.stolen) / 100 / took.Seconds()
	return m, nil
}

// ended waits for the end of a load.
func (p *process) ended() error {
	select {
	case err := <-p.done:
		p.done <- err
		return nil
	case <-time.After(10 * time.Second):
		return errors.New("the load did not end")
	}
}

// loadReport waits for the end of a load and reads its report.
func (b *bench) loadReport(p *process) (r report, err error) {
	if err := p.ended(); err != nil {
		return r, err
	}
	if err := json.Unmarshal([]byte(jsonOf(p.out.String())), &r); err != nil {
		return r, fmt.Errorf("the load's report: %w: %s", err, p.out.String())
	}
	return r, nil
}

// jsonOf is the report without the line that says that not all were held.
func jsonOf(s string) string {
	if end := strings.LastIndexByte(s, '}'); end >= 0 {
		return s[:end+1]
	}
	return s
}

func (b *bench) startMaster(name string, n int, settle time.Duration) (*process, error) {
	switch name {
	case "floor":
		return b.start(b.gm, "1", nil, b.file("floor"), "serve", strconv.Itoa(n), strconv.Itoa(int((settle+b.window).Seconds())+2), masterAddress)
	case "ptp4l":
		text, err := os.ReadFile("scripts/bench/ptp4l.cfg")
		if err != nil {
			return nil, err
		}
		config := strings.ReplaceAll(string(text), "UDS", fmt.Sprintf("/tmp/bragi-bench-ptp4l-%d", os.Getpid()))
		if err := os.WriteFile(b.file("ptp4l.cfg"), []byte(config), 0o600); err != nil {
			return nil, err
		}
		var env []string
		if n > stock {
			env = []string{"LD_PRELOAD=" + b.file("buffer.so")}
		}
		p, err := b.start(b.gm, "1", env, "ptp4l", "-f", b.file("ptp4l.cfg"))
		time.Sleep(ptp4lStart)
		return p, err
	}
	command := b.bragid(n)
	if name == program {
		command = append(command, "--set", "master.kernel_sync=false")
	}
	p, err := b.start(b.gm, "1", nil, command...)
	if err != nil {
		return nil, err
	}
	return p, b.serving(p)
}

// bragid is the command: as it ships, but that its receiver is not configured,
// which would be measured in its first seconds.
func (b *bench) bragid(n int) []string {
	return []string{b.file("bragid"), "--config", "configs/sim.toml", "--set", "control.run_dir=" + b.dir, "--set", "master.address=" + masterAddress,
		"--set", "master.event_port=319", "--set", "master.general_port=320", "--set", "board.interface=gm0", "--set", "sim.start_offset=0s",
		"--set", fmt.Sprintf("master.max_clients=%d", max(1000, n)), "--set", "gnss.configure=false", "--set", `master.allow=["10.99.0.0/24","` + crowdSource + `"]`, "--set", "master.free_run_after=0s"}
}
