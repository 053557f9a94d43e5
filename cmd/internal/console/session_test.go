package console

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/creack/pty"

	"bragi/cmd/internal/control"
	"bragi/cmd/internal/status"
)

// A session is tested as its user has it: over a pty.

// answering is a daemon that tells a status and the events that a test sends.
type answering struct {
	control.Daemon
	mu     sync.Mutex
	status status.Status
	events chan status.Record
	kept   []status.Record
	after  []string // that readers of events went on behind
}

func (a *answering) Status() status.Status {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.status
}

func (a *answering) Kept() []status.Record { return a.kept }

func (a *answering) Config() (control.Config, error) {
	return control.Config{Text: "[board]\nprofile = \"sim\"\n[console]\ntime_zone = \"Asia/Tokyo\"\n"}, nil
}

// A restart asks whether the file would start.
func (a *answering) Admins() []string  { return nil }
func (a *answering) Tell(status.Event) {}
func (a *answering) CheckConfig(control.Check) (control.Committed, error) {
	return control.Committed{}, nil
}

func (a *answering) Follow(ctx context.Context, after string, quiet time.Duration, hear func([]status.Record) error) error {
	a.mu.Lock()
	a.after = append(a.after, after)
	a.mu.Unlock()
	if err := hear(nil); err != nil {
		return err
	}
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case r := <-a.events:
			if err := hear([]status.Record{r}); err != nil {
				return err
			}
		}
	}
}

// answers serves a status with n clients.
func answers(t *testing.T, n int) (a *answering, socket string, stop func()) {
	t.Helper()
	a = &answering{events: make(chan status.Record), status: status.Status{Version: "v1"}}
	a.status.Clock = status.Clock{State: "PHASE_ALIGNED", Serving: true, ClockClass: 6, ClockAccuracy: "0x21"}
	a.status.Master.Clients = n
	a.status.Alarms = []status.Alarm{{Code: "ANTENNA_FAULT", Severity: "major", Text: "the antenna cable is open", Fix: "check the cable"}}
	for i := range n {
		a.status.Clients = append(a.status.Clients, status.Client{Address: fmt.Sprintf("10.6.%d.%d", i/250, i%250), Kind: []string{"RPD", "cBR8"}[i%2]})
	}
	socket = filepath.Join(t.TempDir(), "control.sock")
	return a, socket, serve(t, a, socket)
}

func serve(t *testing.T, a *answering, socket string) (stop func()) {
	t.Helper()
	listener, err := control.Listen(socket)
	if err != nil {
		t.Fatal(err)
	}
	server := control.NewServer(control.Handler(a, nil))
	go server.Serve(listener) //nolint:errcheck // it ends with the test
	t.Cleanup(func() { server.Close() })
	return func() { server.Close() }
}

// person is who sits at the terminal.
type person struct {
	t    *testing.T
	tty  *os.File // the terminal's other side
	done chan error

	mu   sync.Mutex
	seen string // all that was drawn, without the orders to the terminal
	raw  string
	read int // how much of seen was expected already
}

var order = regexp.MustCompile(`\x1b\[[0-9;?]*[A-Za-z]|\x1b[78]|\r`)

// sit begins a session on a terminal of a size.
func sit(t *testing.T, cfg Config, columns, rows int) *person {
	t.Helper()
	return sitOn(t, cfg, columns, rows, (*os.File).Read)
}

// sitOn is sit with a terminal that reads in its own way.
func sitOn(t *testing.T, cfg Config, columns, rows int, reads func(tty *os.File, buffer []byte) (int, error)) *person {
	t.Helper()
	master, terminal, err := pty.Open()
	if err != nil {
		t.Skipf("SKIPPED: no pseudo terminal: %v", err)
	}
	if err := pty.Setsize(master, &pty.Winsize{Cols: uint16(columns), Rows: uint16(rows)}); err != nil {
		t.Fatal(err)
	}
	if err := syscall.SetNonblock(int(master.Fd()), true); err != nil { // so that a Close ends a Read
		t.Fatal(err)
	}
	if cfg.Host == "" {
		cfg.Host = "bragi.example.net"
	}
	p := &person{t: t, tty: master, done: make(chan error, 1)}
	go func() {
		p.done <- run(t.Context(), cfg, terminal, terminal)
		terminal.Close()
	}()
	go func() {
		buffer := make([]byte, 4096)
		for {
			n, err := reads(master, buffer)
			p.mu.Lock()
			p.raw += string(buffer[:n])
			p.seen = order.ReplaceAllString(p.raw, "")
			p.mu.Unlock()
			if err != nil {
				return
			}
		}
	}()
	t.Cleanup(func() { master.Close() })
	return p
}

// types sends keys.
func (p *person) types(keys string) {
	p.t.Helper()
	if _, err := p.tty.WriteString(keys); err != nil {
		p.t.Fatal(err)
	}
}

// patience is for what must come; the machine may be busy.
const patience = 20 * time.Second

// sees waits until a text is drawn behind what was expected before, and returns what
// came up to it.
func (p *person) sees(text string) string {
	p.t.Helper()
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		p.mu.Lock()
		if at := strings.Index(p.seen[p.read:], text); at >= 0 {
			come := p.seen[p.read : p.read+at+len(text)]
			p.read += len(come)
			p.mu.Unlock()
			return come
		}
		p.mu.Unlock()
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.t.Fatalf("no %q in what was drawn:\n%s", text, p.seen[p.read:])
	return ""
}

// ends waits for the session's end.
func (p *person) ends() error {
	p.t.Helper()
	select {
	case err := <-p.done:
		return err
	case <-time.After(patience):
		p.t.Fatalf("the session does not end; drawn:\n%s", p.seen)
		return nil
	}
}

func TestASessionGreetsWithStateAndTheMostSevereAlarm(t *testing.T) {
	_, socket, _ := answers(t, 1)
	p := sit(t, Config{Socket: socket}, 80, 24)
	p.sees("PHASE_ALIGNED, class 6")
	p.sees("1 client")
	p.sees("MAJOR ANTENNA_FAULT: the antenna cable is open")
	p.sees("bragi#")
	p.types("exit\r")
	if err := p.ends(); err != nil {
		t.Error(err)
	}
}

// A line is helped at any place, completed, cut short, filtered, and comes back from
// the past.
func TestALineIsHelpedCompletedAndFiltered(t *testing.T) {
	_, socket, _ := answers(t, 2)
	p := sit(t, Config{Socket: socket}, 80, 24)
	p.sees("bragi#")
	p.types("sh ptp ?")
	p.sees("clock  ")
	p.sees("bragi#sh ptp ") // the line is there again
	p.types("cl\t")
	p.sees("ock ")
	p.types("run\r")
	p.sees("PTP Ordinary Clock [Domain 0]")
	p.sees("bragi#")
	p.types("\x1b[A\r") // up
	p.sees("PTP Ordinary Clock [Domain 0]")
	p.sees("bragi#")
	p.types("show clients | include rpd\r")
	if come := p.sees("bragi#"); !strings.Contains(come, "10.6.0.0  ") || strings.Contains(come, "10.6.0.1") {
		t.Errorf("filtered:\n%s", come)
	}
	p.types("shout\r")
	p.sees(`% the console has no "shout"`)
	p.sees("bragi#")
	p.types("show alar\x1b[D\x1b[D?") // in the middle of a word
	p.sees("alarms ")
	p.types("\x03") // Ctrl-C takes the line away
	p.sees("bragi#")
	p.sees("bragi#")
	p.types("show history\r")
	p.sees("show clients | include rpd")
	p.sees("bragi#")
	p.types("\x04")
	if err := p.ends(); err != nil {
		t.Error(err)
	}
}

// Ten thousand clients come in pages: one at a time, a line at a time, and no further
// when the reader has seen enough. What was typed ahead is done then.
func TestManyClientsComeInPages(t *testing.T) {
	_, socket, _ := answers(t, 10_000)
	p := sit(t, Config{Socket: socket}, 80, 24)
	p.sees("bragi#")
	p.types("show clients\r")
	if page := p.sees(" --More-- "); strings.Count(page, "\n") != 24 { // Enter, and 23 rows
		t.Errorf("the first page has %d lines:\n%s", strings.Count(page, "\n"), page)
	}
	p.types(" ")
	if page := p.sees(" --More-- "); strings.Count(page, "\n") != 23 || !strings.Contains(page, "10.6.0.30 ") {
		t.Errorf("the second page has %d lines:\n%s", strings.Count(page, "\n"), page)
	}
	p.types("\r")
	if line := p.sees(" --More-- "); strings.Count(line, "\n") != 1 {
		t.Errorf("a line:\n%s", line)
	}
	p.types("  \r") // three keys at once
	if pages := p.sees("10.6.0.92"); strings.Contains(pages, "bragi#") {
		t.Errorf("the keys were not the page's:\n%s", pages)
	}
	p.sees(" --More-- ")
	p.types("qshow version\r")
	p.sees("bragi#show version")
	p.sees("bragid v1")
	p.sees("bragi#")
	p.types("show clients | count rpd\rshow clock | inc State\r")
	p.sees("5000 lines")
	p.sees("PHASE_ALIGNED")
	p.sees("bragi#")
	p.types("terminal length 0\r")
	p.sees("bragi#")
	p.types("show clients sort kind filter 10.6.3.0/24\r")
	if all := p.sees("bragi#"); strings.Count(all, "\n10.6.3.") != 250 || strings.Contains(all, "--More--") {
		t.Errorf("%d clients", strings.Count(all, "\n10.6.3."))
	}
}

// What is typed while a command runs is done after it, in its order.
func TestWhatIsTypedAheadIsDone(t *testing.T) {
	folder := t.TempDir()
	fake(t, "systemctl", "while [ ! -e "+folder+"/go ]; do sleep 0.05; done\n")
	_, socket, _ := answers(t, 1)
	p := sit(t, Config{Socket: socket}, 80, 24)
	p.sees("bragi#")
	p.types("restart\r")
	p.sees("restart")
	time.Sleep(100 * time.Millisecond)
	p.types("show ver\x1b[D\x1b[D\x1b[D\x0bversion\r")
	p.types("show clock | inc State\r")
	time.Sleep(100 * time.Millisecond)
	if err := os.WriteFile(folder+"/go", nil, 0o644); err != nil {
		t.Fatal(err)
	}
	p.sees("bragid was restarted")
	p.sees("bragid v1")
	p.sees("PHASE_ALIGNED")
	p.sees("bragi#")
	p.types("restart\r")
	p.sees("bragid was restarted")
	p.types("exit\r")
	p.ends() //nolint:errcheck // tested elsewhere
}

// A live view is drawn until a key is pressed, which does nothing else.
func TestAnyKeyLeavesALiveView(t *testing.T) {
	a, socket, _ := answers(t, 1)
	p := sit(t, Config{Socket: socket}, 80, 24)
	p.sees("bragi#")
	for _, key := range []string{"x", " ", "\x1b[A", "\x1b[3~", "\r", "\x03"} {
		p.types("show clock watch | include class\r")
		p.sees("Clock class     6 (")
		a.mu.Lock()
		a.status.Clock.ClockClass = 7
		a.mu.Unlock()
		p.sees("7 (holdover within spec)")
		p.types(key)
		p.sees("bragi#")
		a.mu.Lock()
		a.status.Clock.ClockClass = 6
		a.mu.Unlock()
		p.types("show version\r")
		if come := p.sees("bragid v1"); !strings.Contains(come, "show version") || strings.Contains(come, "%") {
			t.Errorf("after %q the line is not clean:\n%s", key, come)
		}
		p.sees("bragi#")
	}
}

// An event comes above the prompt, and the line that is half typed stays.
func TestEventsComeAboveThePrompt(t *testing.T) {
	a, socket, stop := answers(t, 1)
	p := sit(t, Config{Socket: socket}, 80, 24)
	p.sees("bragi#")
	p.types("terminal monitor\r")
	p.sees("bragi#")
	p.types("show clo")
	p.sees("show clo")
	a.events <- status.Record{ID: "1", At: time.Unix(0, 0), Words: status.Words{Name: "CLOCKCLASS", Severity: 4, Text: "6 -> 7, \x1b]0;holdover"}}
	p.sees("Jan  1 09:00:00 %BRAGI-4-CLOCKCLASS: 6 -> 7, ?]0;holdover") // in the time zone of the configuration
	p.sees("bragi#show clo")
	p.types("ck | include State\r")
	p.sees("PHASE_ALIGNED")
	p.sees("bragi#")
	stop()
	p.sees("% ") // the daemon is gone
	p.sees("bragi#")
	serve(t, a, socket)
	select { // it listens again within some seconds
	case a.events <- status.Record{ID: "2", Words: status.Words{Name: "START", Severity: 6, Text: "bragid starts"}}:
	case <-time.After(patience):
		t.Fatal("nobody listens to the daemon that is back")
	}
	p.sees("%BRAGI-6-START: bragid starts")
	p.types("terminal no monitor\r")
	p.sees("bragi#")
	p.types("exit\r")
	p.ends() //nolint:errcheck // tested elsewhere
}

// fake puts a program into the PATH.
func fake(t *testing.T, name, script string) {
	t.Helper()
	folder := t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, name), []byte("#!/bin/sh\n"+script), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", folder+":"+os.Getenv("PATH"))
}

// Who has seen no event yet goes on behind the latest one: a daemon that is started anew then
// tells what was missed, and what it did since.
func TestTheMonitorGoesOnBehindTheLatestEvent(t *testing.T) {
	a, socket, _ := answers(t, 1)
	a.kept = []status.Record{{ID: "x-6"}, {ID: "x-7"}}
	var m monitor
	m.start(control.NewClient(socket), func(status.Record) string { return "" })
	defer m.stop()
	for end := time.Now().Add(patience); ; time.Sleep(10 * time.Millisecond) {
		a.mu.Lock()
		after := a.after
		a.mu.Unlock()
		if len(after) > 0 {
			if after[0] != "x-7" {
				t.Errorf("behind %q", after[0])
			}
			return
		}
		if time.Now().After(end) {
			t.Fatal("nobody asks for events")
		}
	}
}

// Without a daemon the session says so, and offers the log and a restart.
func TestASessionSurvivesADeadDaemon(t *testing.T) {
	folder := t.TempDir()
	fake(t, "journalctl", "echo '2026-11-27 bragid: config: no such key'\n")
	fake(t, "systemctl", "echo \"$@\" > "+folder+"/asked\n")
	p := sit(t, Config{Socket: filepath.Join(folder, "none")}, 80, 24)
	p.sees("no daemon answers")
	p.sees("`show log` tells its last words, `restart` starts it.")
	p.sees("bragi#")
	p.types("show clock\r")
	p.sees("% no daemon answers")
	p.sees("`restart` starts it.")
	p.sees("bragi#")
	p.types("show log\r")
	p.sees("config: no such key")
	p.sees("bragi#")
	p.types("restart\r")
	p.sees("bragid was restarted")
	p.sees("bragi#")
	if asked, err := os.ReadFile(folder + "/asked"); err != nil || string(asked) != "restart bragid.service\n" {
		t.Errorf("systemctl %q, %v", asked, err)
	}
}

// A session ends cleanly when nobody types, when the cable is pulled, and when it is
// told to: at the prompt, in a page, and in a live view.
func TestASessionEndsWhenNobodyIsThere(t *testing.T) {
	_, socket, _ := answers(t, 1000)
	t.Run("nobody types", func(t *testing.T) {
		for _, line := range []string{"", "show clients\r"} {
			p := sit(t, Config{Socket: socket, Idle: 300 * time.Millisecond}, 80, 24)
			p.types(line)
			if err := p.ends(); err != nil {
				t.Error(err)
			}
			p.sees("nobody typed anything for too long")
		}
	})
	// A serial line where nobody ever is: each end would be told in the log, and wear the card.
	t.Run("nobody ever typed, at a serial line", func(t *testing.T) {
		p := sit(t, Config{Socket: socket, Idle: 300 * time.Millisecond, Stays: true}, 80, 24)
		p.sees("bragi#")
		time.Sleep(time.Second)
		p.types("show version\r")
		p.sees("bragid v1")
		if err := p.ends(); err != nil {
			t.Error(err)
		}
		p.sees("nobody typed anything for too long")
	})
	for name, line := range map[string]string{"bragi#": "", " --More-- ": "show clients\r", "Clock class": "show clock watch\r"} {
		t.Run("the cable is pulled at "+name, func(t *testing.T) {
			p := sit(t, Config{Socket: socket}, 80, 24)
			p.types(line)
			p.sees(name)
			p.tty.Close()
			if err := p.ends(); err != nil {
				t.Error(err)
			}
		})
		t.Run("a hang-up at "+name, func(t *testing.T) {
			p := sit(t, Config{Socket: socket}, 80, 24)
			p.types(line)
			p.sees(name)
			syscall.Kill(os.Getpid(), syscall.SIGHUP) //nolint:errcheck // it is this process
			if err := p.ends(); err != nil {
				t.Error(err)
			}
		})
	}
}

// What is pasted is text, whatever is in it: no title is set, nothing is erased, no
// colour comes; and each line of it is done.
func TestPastedTextIsHarmless(t *testing.T) {
	_, socket, _ := answers(t, 1)
	p := sit(t, Config{Socket: socket}, 80, 24)
	p.sees("bragi#")
	p.types("\x1b]0;owned\x07sh\x00ow\x9b clo\x1b[31mck | \x1b[2Jinc State\x1bP1$r\x1b\\\r\n! a comment\r\nshow version\r\n")
	p.sees("State           PHASE_ALIGNED")
	p.sees("bragid v1")
	p.sees("bragi#")
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, bad := range []string{"owned", "\x1b[31m", "\x1b[2J", "\x1b]", "\x07", "\x9b", "\x00"} {
		if strings.Contains(p.raw, bad) {
			t.Errorf("%q reached the terminal", bad)
		}
	}
}

// A line is done as it was typed, or not at all.
func TestNoLetterOfALineIsLostSilently(t *testing.T) {
	for lang, want := range map[string][]string{
		"C.UTF-8": {"! Zürich", "bragi#"},
		"C":       {"\a", "left out", "bragi#! Zrich"},
	} {
		t.Setenv("LC_ALL", lang)
		_, socket, _ := answers(t, 1)
		p := sit(t, Config{Socket: socket}, 80, 24)
		p.sees("bragi#")
		p.types("! Zürich\r")
		for _, text := range want {
			p.sees(text)
		}
	}
}

// A terminal on a serial line tells its size itself; the screens fit it.
func TestASerialTerminalTellsItsSize(t *testing.T) {
	_, socket, _ := answers(t, 100)
	p := sit(t, Config{Socket: socket}, 0, 0)
	for range 3 { // as terminals do
		time.Sleep(50 * time.Millisecond)
		p.types("\x1b[10;40R")
	}
	p.sees("bragi#")
	p.types("show clients\r")
	page := p.sees(" --More-- ")
	for line := range strings.Lines(page) {
		if len(line) > 41 {
			t.Errorf("%d columns: %q", len(line), line)
		}
	}
	if strings.Count(page, "\n") != 10 {
		t.Errorf("a page of %d lines", strings.Count(page, "\n"))
	}
}

// A terminal that is resized gets screens of its new size.
func TestAResizedTerminalIsFitted(t *testing.T) {
	_, socket, _ := answers(t, 5)
	p := sit(t, Config{Socket: socket}, 80, 24)
	p.sees("bragi#")
	p.resize(40, 24)
	p.types("show clients\r")
	p.sees("(no room for ")
	p.sees("bragi#")
}

// A terminal may become as small as it likes; the session goes on.
func TestATerminalOfTwoColumnsHangsNoSession(t *testing.T) {
	_, socket, _ := answers(t, 5)
	p := sit(t, Config{Socket: socket}, 2, 1)
	p.sees("bragi#")
	p.types("terminal length 0\r")
	p.sees("bragi#")
	for _, columns := range []int{1, 80, 2, 3, 1, 40, 9, 80} {
		p.resize(columns, 24)
		p.types("show clock\r")
		p.sees("PHASE_")
		p.sees("bragi#")
		p.types("show alarms --watch\r")
		p.sees("M")
		p.resize(2, 30)
		p.types("\x03")
		p.sees("bragi#")
	}
	p.types("exit\r")
	if err := p.ends(); err != nil {
		t.Error(err)
	}
}

// resize gives the terminal another size.
func (p *person) resize(columns, rows int) {
	p.t.Helper()
	if err := pty.Setsize(p.tty, &pty.Winsize{Cols: uint16(columns), Rows: uint16(rows)}); err != nil {
		p.t.Fatal(err)
	}
	syscall.SetNonblock(int(p.tty.Fd()), true)  //nolint:errcheck // as in sit
	syscall.Kill(os.Getpid(), syscall.SIGWINCH) //nolint:errcheck // the kernel would send it to the terminal's own processes
}

// Where setup cannot ask for a password, as on an image, nobody is sent there for a shell.
func TestASystemWithoutLoginNamesNoWayToAShell(t *testing.T) {
	_, socket, _ := answers(t, 1)
	was := shadowFile
	t.Cleanup(func() { shadowFile = was })
	shadowFile = filepath.Join(t.TempDir(), "shadow")
	if err := os.WriteFile(shadowFile, []byte("root:!*:1::\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", t.TempDir())
	p := sit(t, Config{Socket: socket}, 80, 24)
	p.sees("bragi#")
	p.types("shell\r")
	p.sees("there is no shell: this system has no login program")
	p.sees("bragi#")
	p.types("exit\r")
	if err := p.ends(); err != nil && !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// There is a shell only behind a password, which login asks for.
func TestTheShellWantsAPassword(t *testing.T) {
	_, socket, _ := answers(t, 1)
	fake(t, "login", "stty -a | grep -o ' -\\?icanon'; echo login of $1; read answer; echo heard $answer\n")
	was := shadowFile
	t.Cleanup(func() { shadowFile = was })
	shadowFile = filepath.Join(t.TempDir(), "shadow")
	p := sit(t, Config{Socket: socket}, 80, 24)
	p.sees("bragi#")
	for _, none := range []string{"root:*:1::", "root:!:1::", "root::1::", "root:!$6$x$y:1::", "other:$6$x$y:1::"} {
		if err := os.WriteFile(shadowFile, []byte(none+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		p.types("shell\r")
		p.sees("there is no shell: no password is set")
		p.sees("bragi#")
	}
	if err := os.WriteFile(shadowFile, []byte("daemon:*:1::\nroot:$6$x$y:1::\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	p.types("shell\r")
	p.sees(" icanon") // the terminal is as it was
	p.sees("login of root")
	p.types("word\r")
	p.sees("heard word")
	p.sees("bragi#")
	p.types("show version\r") // and then ours again
	p.sees("bragid v1")
	p.types("exit\r")
	if err := p.ends(); err != nil && !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}
