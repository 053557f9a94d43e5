package console

import (
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/creack/pty"
)

// serial is who sits at a terminal behind a serial line: each octet takes its time, both
// ways, and what the line did not take yet waits in the kernel.
type serial struct {
	*person
	octet time.Duration
}

// sitAt begins a session on a line of a rate in bits a second: ten for an octet.
func sitAt(t *testing.T, cfg Config, rate, columns, rows int) serial {
	t.Helper()
	octet, last := 10*time.Second/time.Duration(rate), time.Now()
	return serial{sitOn(t, cfg, columns, rows, func(tty *os.File, buffer []byte) (int, error) {
		const turn = 10 * time.Millisecond // what a line brings in it is read at once
		time.Sleep(turn)
		at := time.Now()
		n := min(len(buffer), max(1, int(at.Sub(last)/octet)))
		last = at
		return tty.Read(buffer[:n])
	}), octet}
}

// types sends keys one by one.
func (s serial) types(keys string) {
	s.t.Helper()
	for i := range len(keys) {
		time.Sleep(s.octet)
		s.person.types(keys[i : i+1])
	}
}

// On a slow line and on a fast one a session greets, completes, helps and pages; Ctrl-C
// ends an answer that would take minutes, what was typed ahead is done, and a terminal
// that is resized under way is fitted.
func TestASessionGoesOverASerialLine(t *testing.T) {
	for _, rate := range []int{9600, 115200} {
		t.Run(fmt.Sprint(rate), func(t *testing.T) {
			_, socket, _ := answers(t, 2_000)
			p := sitAt(t, Config{Socket: socket}, rate, 80, 24)
			p.sees("bragi#")
			p.types("sh ptp cl\t")
			p.sees("clock ")
			p.types("?")
			p.sees("running")
			p.sees("bragi#sh ptp clock ")
			p.types("run\r")
			p.sees("PTP Ordinary Clock [Domain 0]")
			p.sees("bragi#")
			p.types("show clients\r")
			p.sees(" --More-- ")
			p.types("q")
			p.sees("bragi#")
			p.types("terminal length 0\r")
			p.sees("bragi#")
			began := time.Now()
			p.types("show clients\r")
			p.sees("10.6.0.9 ")
			p.types("\x03show version\r")
			come := p.sees("bragid v1")
			// All of it takes two minutes at 9600 baud. What was on its way may still come.
			if rows := strings.Count(come, "\n"); rows > 1000 || strings.Contains(come, "10.6.7.") {
				t.Errorf("%d rows came after Ctrl-C, in %v", rows, time.Since(began))
			}
			p.sees("bragi#")
			if err := pty.Setsize(p.tty, &pty.Winsize{Cols: 40, Rows: 12}); err != nil {
				t.Fatal(err)
			}
			syscall.SetNonblock(int(p.tty.Fd()), true)  //nolint:errcheck // as in sit
			syscall.Kill(os.Getpid(), syscall.SIGWINCH) //nolint:errcheck // the kernel would send it to the terminal's own processes
			p.types("show clients filter 10.6.0.1\r")
			// The first row is the typed one: the editor draws its prompt again when the size changes.
			if _, drawn, _ := strings.Cut(p.sees("(no room for "), "\n"); longest(drawn) > 40 {
				t.Errorf("a row of %d columns: %q", longest(drawn), drawn)
			}
			p.sees("bragi#")
			p.types("exit\r")
			if err := p.ends(); err != nil {
				t.Error(err)
			}
		})
	}
}

// longest is the length of the longest row.
func longest(text string) (n int) {
	for line := range strings.Lines(text) {
		n = max(n, len(strings.TrimRight(line, "\r\n")))
	}
	return n
}

// A line that takes nothing more, as with its cable pulled and flow control, keeps no
// session that is told to end.
func TestALineThatTakesNothingKeepsNoSession(t *testing.T) {
	_, socket, _ := answers(t, 10_000)
	stopped := make(chan struct{})
	p := sitOn(t, Config{Socket: socket}, 80, 24, func(tty *os.File, buffer []byte) (int, error) {
		select {
		case <-stopped:
			time.Sleep(time.Minute)
		default:
		}
		return tty.Read(buffer)
	})
	p.sees("bragi#")
	p.types("terminal length 0\r")
	p.sees("bragi#")
	close(stopped)
	p.types("show clients\r")
	time.Sleep(3 * time.Second)               // it draws, and waits
	syscall.Kill(os.Getpid(), syscall.SIGHUP) //nolint:errcheck // it is this process
	if err := p.ends(); err != nil {
		t.Error(err)
	}
}

// Who is cut off in `configure terminal` has lost nothing: the log tells, and the next
// session makes the changes again. This holds for a cable that is pulled, for a hang-up, and
// for a session that nobody types in.
func TestWhoIsCutOffFindsTheChangesAgain(t *testing.T) {
	g := newGrandmaster(t)
	g.example()
	g.start()
	before := g.text()
	for name, cut := range map[string]func(p serial){
		"the cable is pulled": func(p serial) { p.tty.Close() },
		"a hang-up":           func(serial) { syscall.Kill(os.Getpid(), syscall.SIGHUP) }, //nolint:errcheck // it is this process
		"nobody types":        func(serial) {},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := Config{Socket: g.socket}
			if name == "nobody types" {
				cfg.Idle = 3 * time.Second
			}
			p := sitAt(t, cfg, 9600, 80, 24)
			p.sees("bragi#")
			p.types("configure terminal\r")
			p.sees("bragi(config)#")
			p.types("master dscp 46\rno master free_run_after\r")
			p.sees("bragi(config)#")
			p.sees("bragi(config)#")
			cut(p)
			if err := p.ends(); err != nil {
				t.Error(err)
			}
			if g.text() != before {
				t.Errorf("the file changed without a commit:\n%s", g.text())
			}
			next := sit(t, Config{Socket: g.socket}, 80, 24)
			next.sees("bragi#")
			next.types("terminal length 0\rshow log | include CONFIG_LEFT\r")
			next.sees("master.dscp")
			next.sees("master.free_run_after")
			next.types("configure terminal\r")
			next.sees("% A session was cut off at ")
			next.sees("`recover`")
			next.sees("bragi(config)#")
			next.types("recover\r")
			next.sees("+dscp = 46")
			next.sees(`-free_run_after = "5s"`)
			next.sees("bragi(config)#")
			next.types("commit\r")
			next.sees("Committed.")
			next.sees("bragi(config)#")
			next.types("recover\r")
			next.sees("% no session was cut off")
			next.types("rollback 1\r")
			next.sees("Committed.")
			next.sees("bragi(config)#")
			next.types("end\rconfigure terminal\r")
			if come := next.sees("bragi(config)#"); strings.Contains(come, "cut off") {
				t.Errorf("it is told after the commit:\n%s", come)
			}
			next.types("end\rexit\r")
			if err := next.ends(); err != nil {
				t.Error(err)
			}
		})
	}
}
