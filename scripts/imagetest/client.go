package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"bragi/master/rehearsal"
)

// rehearse plays a cBR8 outside of the machine for so long.
func (t *bench) rehearse(length time.Duration) (rehearsal.Report, error) {
	t.stopPTP4L() // it has the ports
	c := t.ns.Command("bin/bragi", "rehearse", "--master", inside, "--as", "cbr8", "--source", outside+"/32", "--for", length.String(), "--json")
	out, err := c.Output()
	var report rehearsal.Report
	if jsonErr := json.Unmarshal(out, &report); jsonErr != nil {
		return report, fmt.Errorf("the client outside: %w: %w: %s", err, jsonErr, out)
	}
	return report, nil // its verdict is not asked for: an emulated machine's packets wait for the host
}

// served asks for a client outside at class 6. Whether it comes into phase is told: the packets of an emulated machine
// wait for the host.
func (t *bench) served() error {
	limit := time.Now().Add(5 * time.Minute)
	for {
		report, err := t.rehearse(20 * time.Second)
		if err != nil {
			return err
		}
		if report.Master.Class == 6 && report.Rates["sync"] > 0 {
			t.figure("a client outside: class %d, state %s, %.1f Syncs/s, offset of the packets %d ns in the median", report.Master.Class, report.State, report.Rates["sync"], report.Offset.Median)
			return nil
		}
		if time.Now().After(limit) {
			clock, _ := t.probe(time.Minute, "bragi show clock")
			return fmt.Errorf("a client outside sees class %d, state %s, %v messages/s after 5 minutes\n%s", report.Master.Class, report.State, report.Rates, clock)
		}
	}
}

// ptp4l is linuxptp's client outside. It steers nothing: a shim takes its calls of the clock.
type ptp4l struct {
	t       *bench
	command *exec.Cmd
	socket  string
	once    sync.Once
	ended   chan struct{}
	mu      sync.Mutex
	said    bytes.Buffer
}

func (p *ptp4l) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.said.Write(b)
}

// heard is all that it has said.
func (p *ptp4l) heard() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.said.String()
}

// ptp4l is the client that runs, or a new one. A ptp4l that is started while the Announces of its predecessor's grant
// still come selects its master before it has asked for a grant, and then never asks for Syncs.
func (t *bench) ptp4l() (*ptp4l, error) {
	t.mu.Lock()
	p := t.client
	t.mu.Unlock()
	if p != nil {
		select {
		case <-p.ended:
		default:
			return p, nil
		}
	}
	return t.startPTP4L()
}

func (t *bench) stopPTP4L() {
	t.mu.Lock()
	p := t.client
	t.mu.Unlock()
	if p != nil {
		p.stop()
	}
}

func (t *bench) startPTP4L() (*ptp4l, error) {
	t.stopPTP4L()
	const parts = "cmd/internal/e2e/testdata/"
	shim := filepath.Join(t.dir, "noclock.so")
	if _, err := sh("gcc", "-shared", "-fPIC", "-o", shim, parts+"noclock.c"); err != nil {
		return nil, err
	}
	template, err := os.ReadFile(parts + "ptp4l.cfg")
	if err != nil {
		return nil, err
	}
	p := &ptp4l{t: t, socket: filepath.Join(t.dir, "ptp4l"), ended: make(chan struct{})}
	text := strings.NewReplacer("UDS", p.socket, "MASTER", inside, "INTERFACE", tap).Replace(string(template))
	config := filepath.Join(t.dir, "ptp4l.cfg")
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		return nil, err
	}
	p.command = t.ns.Command("ptp4l", "-f", config)
	p.command.Env = append(os.Environ(), "LD_PRELOAD="+shim)
	p.command.Stdout, p.command.Stderr = p, p
	if err := p.command.Start(); err != nil {
		return nil, err
	}
	go func() {
		_ = p.command.Wait()
		close(p.ended)
	}()
	t.mu.Lock()
	t.client = p
	t.mu.Unlock()
	return p, nil
}

func (p *ptp4l) stop() {
	p.once.Do(func() {
		_ = p.command.Process.Kill()
		<-p.ended
		_ = os.Remove(p.socket)
	})
}

// get asks it for a field of a data set by pmc; "" while it does not answer.
func (p *ptp4l) get(dataSet, field string) string {
	local := p.socket + "-pmc"
	defer os.Remove(local)
	out, err := p.t.ns.Command("pmc", "-u", "-i", local, "-s", p.socket, "-b", "0", "GET "+dataSet).Output()
	if err != nil {
		return ""
	}
	for line := range strings.Lines(string(out)) {
		if words := strings.Fields(line); len(words) == 2 && words[0] == field {
			return words[1]
		}
	}
	return ""
}

// sees waits until the client follows a grandmaster of this class.
func (p *ptp4l) sees(class string, within time.Duration) error {
	begin := time.Now()
	for {
		state, now := p.get("PORT_DATA_SET", "portState"), p.get("PARENT_DATA_SET", "gm.ClockClass")
		if (state == "SLAVE" || state == "UNCALIBRATED") && now == class { // its offset does not fall, since it steers nothing
			p.t.figure("ptp4l outside sees class %s after %s", class, time.Since(begin).Round(time.Second))
			return nil
		}
		if time.Since(begin) > within {
			return fmt.Errorf("ptp4l outside is in state %q at class %q after %s, and not at class %s; it said last:\n%s", state, now, within, class, tail(p.heard()))
		}
		select {
		case <-p.ended:
			return fmt.Errorf("ptp4l outside has ended:\n%s", tail(p.heard()))
		case <-time.After(2 * time.Second):
		}
	}
}

var offsetLine = regexp.MustCompile(`master offset +(-?\d+) s\d freq +[-+]?\d+ path delay +(-?\d+)`)

// window is how long Syncs are looked at, and drift how far the quickest of its two halves may lie apart. An emulated
// machine's packets wait for the host, some of them long; the quickest tell where the clock is. One that runs away would
// be off by more.
const (
	window = 10 * time.Second
	drift  = 5 * time.Millisecond
)

// inPhase waits until the machine's clock stays where it is beside the host's, which knows nothing of its time, so that
// how far they are apart says nothing.
func (p *ptp4l) inPhase(within time.Duration) error {
	begin := time.Now()
	for {
		from := len(p.heard())
		time.Sleep(window / 2)
		middle := len(p.heard())
		time.Sleep(window / 2)
		said := p.heard()
		first, n := quickest(said[from:middle])
		second, m := quickest(said[middle:])
		if n >= 50 && m >= 50 && (second-first).Abs() < drift {
			p.t.figure("ptp4l outside, steered by nobody: %d Syncs in %s, the quickest of both halves %s apart", n+m, window, (second - first).Abs())
			return nil
		}
		if time.Since(begin) > within {
			return fmt.Errorf("ptp4l outside is not in phase after %s: %d and %d Syncs, their quickest %s apart in %s", within, n, m, (second - first).Abs(), window)
		}
	}
}

// quickest is how late the quickest twentieth of the Syncs came that ptp4l told of, and how many it told of.
func quickest(said string) (late time.Duration, n int) {
	var all []time.Duration
	for _, m := range offsetLine.FindAllStringSubmatch(said, -1) {
		offset, _ := strconv.ParseInt(m[1], 10, 64)
		delay, _ := strconv.ParseInt(m[2], 10, 64) // ptp4l took it off
		all = append(all, time.Duration(offset+delay))
	}
	if len(all) == 0 {
		return 0, 0
	}
	slices.Sort(all)
	return all[len(all)/20], len(all)
}
