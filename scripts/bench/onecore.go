package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// daemonStatus is what is read of bragid's status.
type daemonStatus struct {
	Clock struct {
		Serving bool `json:"serving"`
	} `json:"clock"`
	Master struct {
		Schedule struct {
			Ticks    uint64  `json:"ticks"`
			Late     uint64  `json:"late"`
			Missed   uint64  `json:"missed"`
			LatestMs float64 `json:"latest_ms"`
		} `json:"schedule"`
	} `json:"master"`
	Hardware struct {
		Residual residual `json:"residual_ns"`
	} `json:"hardware"`
}

// get asks bragid's control socket for its status.
func (b *bench) get(ctx context.Context) (io.ReadCloser, error) {
	transport := &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", b.file("control.sock"))
	}}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://bragid/v1/status", nil)
	if err != nil {
		return nil, err
	}
	answer, err := (&http.Client{Transport: transport}).Do(request)
	if err != nil {
		return nil, err
	}
	return answer.Body, nil
}

// ask gets bragid's status and reads it.
func (b *bench) ask(ctx context.Context) (s daemonStatus, err error) {
	body, err := b.get(ctx)
	if err != nil {
		return s, err
	}
	defer body.Close() //nolint:errcheck // it was only read
	return s, json.NewDecoder(body).Decode(&s)
}

// askFor asks for the status so many times a second, whether or not the answers
// come, for a time that it waits for also when it asks never. It returns how many
// came whole.
func (b *bench) askFor(d time.Duration, asks int) int {
	ctx, stop := context.WithTimeout(b.ctx, d)
	defer stop()
	var answers atomic.Int64
	var asking sync.WaitGroup
	for asks > 0 && ctx.Err() == nil {
		asking.Go(func() {
			body, err := b.get(ctx)
			if err != nil {
				return
			}
			defer body.Close() //nolint:errcheck // it was only read
			if _, err := io.Copy(io.Discard, body); err == nil {
				answers.Add(1)
			}
		})
		time.Sleep(time.Second / time.Duration(asks))
	}
	<-ctx.Done()
	asking.Wait()
	return int(answers.Load())
}

// serving waits until bragid answers and serves.
func (b *bench) serving(p *process) error {
	for range 100 {
		if s, err := b.ask(b.ctx); err == nil && s.Clock.Serving {
			return nil
		}
		select {
		case err := <-p.done:
			p.done <- err
			return fmt.Errorf("bragid ended: %w: %s", err, p.out.String())
		case <-b.ctx.Done():
			return b.ctx.Err()
		case <-time.After(100 * time.Millisecond):
		}
	}
	return errors.New("bragid does not serve: " + p.out.String())
}

// oneCore runs bragid on one processor with a hundred clients and status asked
// twenty times a second, and prints how late its latest tick was, by what the
// serving thread's scheduling is.
func (b *bench) oneCore() error {
	const clients, asks = 100, 20
	fmt.Printf("\nOne core, %d clients, status asked %d times a second, %v:\n\n", clients, asks, b.window)
	fmt.Println("latest: how late the latest tick was; late: ticks late by more than 1 ms; skipped: slots; answers: of status")
	fmt.Println()
	fmt.Println("| serving thread | held | latest ms | late | skipped | ticks | answers | others % | stolen % |")
	fmt.Println("|---|---|---|---|---|---|---|---|---|")
	for _, class := range []string{"nice -20", "plain", "FIFO"} {
		if err := b.oneCoreLine(class, clients, asks); err != nil {
			return err
		}
	}
	return nil
}

func (b *bench) oneCoreLine(class string, clients, asks int) error {
	master, err := b.start(b.gm, "1", nil, b.bragid(clients)...)
	if err != nil {
		return err
	}
	defer master.stop()
	if err := b.serving(master); err != nil {
		return err
	}
	if err := b.schedule(master, class); err != nil {
		return err
	}
	settle := 4 * time.Second
	load, err := b.start(b.cl, "0", nil, b.file("bragi"), "rehearse", "--master", masterAddress, "--clients", strconv.Itoa(clients), "--source", crowdSource,
		"--settle", settle.String(), "--for", (settle + b.window).String(), "--json")
	if err != nil {
		return err
	}
	defer load.stop()
	time.Sleep(settle)
	began, was, wasLoad, seen := time.Now(), master.cpu(), load.cpu(), machine()
	answers := b.askFor(b.window-200*time.Millisecond, asks)
	last, err := b.ask(b.ctx)
	if err != nil {
		return err
	}
	took, used, usedLoad, end := time.Since(began).Seconds(), master.cpu()-was, load.cpu()-wasLoad, machine()
	m, err := b.loadReport(load)
	if err != nil {
		return err
	}
	s := last.Master.Schedule
	fmt.Printf("| %s | %d | %.1f | %d | %d | %d | %d | %.0f | %.1f |\n", class, m.Held, s.LatestMs, s.Late, s.Missed, s.Ticks, answers,
		100*(float64(end.busy-seen.busy)/100/took-used.Seconds()/took-usedLoad.Seconds()/took), float64(end.stolen-seen.stolen)/took)
	return nil
}

// schedule changes how the serving thread is scheduled: it is the one that has set
// itself to nice -20.
func (b *bench) schedule(p *process, class string) error {
	for _, task := range p.tasks() {
		tid, _ := strconv.Atoi(task[strings.LastIndexByte(task, '/')+1:])
		text, _ := os.ReadFile(task + "/stat")
		words := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
		const nice = 16 // field 19 of proc(5), counted behind the name
		if len(words) <= nice || words[nice] != "-20" {
			continue
		}
		switch class {
		case "plain":
			return unix.Setpriority(unix.PRIO_PROCESS, tid, 0)
		case "FIFO":
			return unix.SchedSetAttr(tid, &unix.SchedAttr{Size: unix.SizeofSchedAttr, Policy: unix.SCHED_FIFO, Priority: 50, Flags: unix.SCHED_FLAG_RESET_ON_FORK}, 0)
		}
		return nil
	}
	return errors.New("bragid has no thread at nice -20")
}
