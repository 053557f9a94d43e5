package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"bragi/master/udp/netns"
)

// process is a program in a namespace, pinned to a processor, above what else
// runs on the machine: in a session of its own, since sessions are scheduled as
// groups, whose priority is what counts against others.
type process struct {
	cmd  *exec.Cmd
	out  bytes.Buffer
	done chan error
}

func (b *bench) start(namespace netns.Namespace, cpu string, env []string, args ...string) (*process, error) {
	p := &process{done: make(chan error, 1)}
	nice := "-20"
	if args[0] == b.file("bragid") {
		nice = "-5" // as its unit says: the serving thread takes -20 itself
	}
	p.cmd = exec.CommandContext(b.ctx, "nice", append([]string{"-n", nice, "taskset", "-c", cpu}, namespace.Exec(args...)...)...)
	p.cmd.Env = append(os.Environ(), env...)
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setsid: true}
	p.cmd.Stdout, p.cmd.Stderr = &p.out, &p.out
	if err := p.cmd.Start(); err != nil {
		return nil, fmt.Errorf("%s: %w", args[0], err)
	}
	// A kernel without such groups has no such file.
	_ = os.WriteFile(fmt.Sprintf("/proc/%d/autogroup", p.cmd.Process.Pid), []byte("-20"), 0)
	go func() { p.done <- p.cmd.Wait() }()
	return p, nil
}

// stop ends the program, in the end by force.
func (p *process) stop() {
	p.cmd.Process.Signal(syscall.SIGTERM) //nolint:errcheck // it may have ended
	select {
	case <-p.done:
	case <-time.After(5 * time.Second):
		p.cmd.Process.Kill() //nolint:errcheck // likewise
		<-p.done
	}
}

func (p *process) tasks() []string {
	names, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*", p.cmd.Process.Pid))
	return names
}

// cpu is the time that all threads have computed (schedstat: ns on the
// processor, ns waiting for it, slices).
func (p *process) cpu() (sum time.Duration) {
	for _, task := range p.tasks() {
		text, _ := os.ReadFile(task + "/schedstat")
		if words := strings.Fields(string(text)); len(words) == 3 {
			ns, _ := strconv.ParseInt(words[0], 10, 64)
			sum += time.Duration(ns)
		}
	}
	return sum
}

// rss is the resident memory in MB.
func (p *process) rss() float64 {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/statm", p.cmd.Process.Pid))
	if words := strings.Fields(string(text)); len(words) > 1 {
		pages, _ := strconv.Atoi(words[1])
		return float64(pages*os.Getpagesize()) / 1e6
	}
	return 0
}

// usage is what the processors did since the machine started, in hundredths of a
// second (proc(5)).
type usage struct{ busy, stolen int }

func machine() (u usage) {
	text, _ := os.ReadFile("/proc/stat")
	first, _, _ := strings.Cut(string(text), "\n")
	for i, word := range strings.Fields(first) {
		n, _ := strconv.Atoi(word)
		switch i {
		case 1, 2, 3, 6, 7: // user, nice, system, irq, softirq
			u.busy += n
		case 8:
			u.stolen += n
		}
	}
	return u
}
