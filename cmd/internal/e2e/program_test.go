package e2e

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/creack/pty"
	"golang.org/x/sys/unix"

	"bragi/cmd/internal/control"
	"bragi/cmd/internal/file"
	"bragi/cmd/internal/status"
)

// makeRun is scripts/run on a terminal, in a network of its own: its ports are those
// of every make run.
type makeRun struct {
	terminal *os.File
	cmd      *exec.Cmd
	socket   string
	ended    chan error

	mu   sync.Mutex
	said bytes.Buffer
}

func startMakeRun(t *testing.T, dir string) *makeRun {
	t.Helper()
	r := &makeRun{socket: filepath.Join(dir, "control.sock"), ended: make(chan error, 1)}
	r.cmd = exec.Command("unshare", "--net", "sh", "-c", "ip link set lo up && exec "+filepath.Join(root, "scripts/run"))
	r.cmd.Env = append(os.Environ(), "BRAGI_RUN_DIR="+dir, "BRAGI_BIN="+binaries, "TERM=xterm")
	// Whoever started this test may ignore hang-ups (nohup), and a child would inherit
	// that: a signal that is caught is an ordinary one in the child.
	caught := make(chan os.Signal, 1)
	signal.Notify(caught, syscall.SIGHUP, syscall.SIGINT)
	defer signal.Stop(caught)
	blocking, err := pty.StartWithSize(r.cmd, &pty.Winsize{Rows: 24, Cols: 80})
	if err != nil {
		t.Fatal(err)
	}
	// A file that a read waits for in the kernel is not closed before the read ends.
	descriptor, err := unix.Dup(int(blocking.Fd()))
	if err == nil {
		err = unix.SetNonblock(descriptor, true)
	}
	if err != nil {
		t.Fatal(err)
	}
	blocking.Close()
	r.terminal = os.NewFile(uintptr(descriptor), "terminal")
	go func() {
		buffer := make([]byte, 4096)
		for {
			n, err := r.terminal.Read(buffer)
			r.mu.Lock()
			r.said.Write(buffer[:n])
			r.mu.Unlock()
			if err != nil {
				break
			}
		}
		r.ended <- r.cmd.Wait()
	}()
	t.Cleanup(func() {
		syscall.Kill(-r.cmd.Process.Pid, syscall.SIGKILL) //nolint:errcheck // it may have ended
		r.terminal.Close()
	})
	return r
}

func (r *makeRun) text() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.said.String()
}

func (r *makeRun) answers(t *testing.T) bool {
	var s status.Status
	return control.NewClient(r.socket).Get(t.Context(), "/v1/status", &s) == nil
}

// make run ends all that it started, however it ends; a second one touches nothing
// of the first.
func TestMakeRunEndsWhatItStartedAndIsAlone(t *testing.T) {
	t.Parallel()
	need(t, "unshare", "ip", "flock", "setpriv")
	for name, end := range map[string]func(r *makeRun) error{
		"the terminal is closed": func(r *makeRun) error { return r.terminal.Close() },
		"Ctrl-C":                 func(r *makeRun) error { _, err := r.terminal.Write([]byte{3}); return err },
		"the script is killed":   func(r *makeRun) error { return r.cmd.Process.Kill() },
	} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "run")
			r := startMakeRun(t, dir)
			eventually(t, time.Minute, "bragid answers", func() bool { return r.answers(t) })
			log, err := os.Stat(filepath.Join(dir, "bragid.log"))
			if err != nil {
				t.Fatal(err)
			}
			second := startMakeRun(t, dir)
			select {
			case err := <-second.ended:
				if err == nil || !strings.Contains(second.text(), "another make run is there already") {
					t.Errorf("a second one: %v, %s", err, second.text())
				}
			case <-time.After(time.Minute):
				t.Error("a second one goes on")
			}
			if again, err := os.Stat(filepath.Join(dir, "bragid.log")); err != nil || !os.SameFile(log, again) || again.Size() < log.Size() || !r.answers(t) {
				t.Error("the second one touched the first")
			}
			eventually(t, time.Minute, "the client is shown", func() bool { return strings.Contains(r.text(), "simulated cbr8") })
			if err := end(r); err != nil {
				t.Fatal(err)
			}
			eventually(t, time.Minute, "bragid ends", func() bool { return !r.answers(t) })
			eventually(t, time.Minute, "and writes no more", func() bool {
				release, err := file.Lock(filepath.Join(dir, "bragid.lock"))
				if err == nil {
					release()
				}
				return err == nil
			})
			if name == "Ctrl-C" {
				eventually(t, time.Minute, "the client's verdict", func() bool { return strings.Contains(r.text(), "Verdict: ") })
			}
		})
	}
}

// A folder in /tmp that somebody else prepared leads make run and bragid to no
// other file.
func TestAFolderThatSomebodyPreparedIsNotUsed(t *testing.T) {
	need(t, "unshare", "ip", "flock", "setpriv")
	for name, prepare := range map[string]func(dir, victim string) error{
		"a link to a folder":    func(dir, victim string) error { return os.Symlink(filepath.Dir(victim), dir) },
		"another user's folder": func(dir, _ string) error { return anothers(dir, 0o755) },
		"everybody's folder": func(dir, victim string) error {
			if err := os.Mkdir(dir, 0o755); err != nil {
				return err
			}
			if err := os.Symlink(victim, filepath.Join(dir, "bragid.log")); err != nil {
				return err
			}
			return os.Chmod(dir, 0o777)
		},
	} {
		t.Run(name, func(t *testing.T) {
			elsewhere := t.TempDir()
			victim, dir := filepath.Join(elsewhere, "bragid.log"), filepath.Join(t.TempDir(), "run")
			if err := os.WriteFile(victim, []byte("precious"), 0o600); err != nil {
				t.Fatal(err)
			}
			if err := prepare(dir, victim); err != nil {
				t.Fatal(err)
			}
			r := startMakeRun(t, dir)
			select {
			case err := <-r.ended:
				if err == nil || !strings.Contains(r.text(), "fix:") {
					t.Errorf("make run: %v, %s", err, r.text())
				}
			case <-time.After(10 * time.Second):
				t.Error("make run goes on")
			}
			l := startLocalFrom(t, filepath.Join(root, "configs/sim.toml"), dir, localPorts(t))
			if said, err := l.wait(t); err == nil || !strings.Contains(said, "control.run_dir: ") || !strings.Contains(said, "fix:") {
				t.Errorf("bragid: %v, %s", err, said)
			}
			if text, err := os.ReadFile(victim); err != nil || string(text) != "precious" {
				t.Errorf("the file elsewhere says %q, %v", text, err)
			}
			if entries, _ := os.ReadDir(elsewhere); len(entries) != 1 {
				t.Errorf("%v are elsewhere", entries)
			}
		})
	}
}

func anothers(dir string, mode os.FileMode) error {
	if err := os.Mkdir(dir, mode); err != nil {
		return err
	}
	return os.Chown(dir, 65534, 65534)
}

// Started under a real-time policy, on one processor, bragid takes the plain policy
// for all its threads, says so, answers, and ends when it is told to.
func TestARealTimePolicyIsLeft(t *testing.T) {
	need(t, "chrt", "taskset")
	dir, ports := t.TempDir(), localPorts(t)
	cmd := exec.Command("chrt", "-f", "20", "taskset", "-c", "0", filepath.Join(binaries, "bragid"), "--config", filepath.Join(root, "configs/sim.toml"),
		"--set", "control.run_dir="+dir, "--set", fmt.Sprint("master.event_port=", ports[0]), "--set", fmt.Sprint("master.general_port=", ports[1]))
	var said strings.Builder
	cmd.Stderr = &said
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := startOnOneThread(cmd); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	t.Cleanup(func() { cmd.Process.Kill() }) //nolint:errcheck // it may have ended
	var s status.Status
	eventually(t, 20*time.Second, "bragid answers", func() bool {
		return control.NewClient(filepath.Join(dir, "control.sock")).Get(t.Context(), "/v1/status", &s) == nil
	})
	threads, err := os.ReadDir(fmt.Sprintf("/proc/%d/task", cmd.Process.Pid))
	if err != nil || len(threads) < 3 {
		t.Fatalf("%d threads, %v", len(threads), err)
	}
	for _, thread := range threads {
		var id int
		fmt.Sscan(thread.Name(), &id) //nolint:errcheck // the kernel writes numbers
		if a, err := unix.SchedGetAttr(id, 0); err == nil && a.Policy != unix.SCHED_NORMAL {
			t.Errorf("thread %d is under policy %d", id, a.Policy)
		}
	}
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	select {
	case err := <-ended:
		if err != nil || !strings.Contains(said.String(), "SCHED_FIFO on 1 processor") {
			t.Errorf("%v: %s", err, said.String())
		}
	case <-time.After(10 * time.Second):
		t.Error("it does not end")
	}
}

// A disk that is full is an alarm, until there is room again.
func TestAFullDiskIsAnAlarm(t *testing.T) {
	t.Parallel()
	need(t)
	dir := t.TempDir()
	if err := syscall.Mount("bragi", dir, "tmpfs", 0, "size=1m,mode=755"); err != nil {
		t.Skipf("SKIPPED: no disk to fill can be mounted here: %v", err)
	}
	t.Cleanup(func() { syscall.Unmount(dir, syscall.MNT_DETACH) }) //nolint:errcheck // the test is over
	l := startLocalFrom(t, filepath.Join(root, "configs/sim.toml"), dir, localPorts(t))
	alarm := func() bool {
		var s status.Status
		if l.client().Get(t.Context(), "/v1/status", &s) != nil {
			return false
		}
		for _, a := range s.Alarms {
			if a.Code == "NOT_KEPT" && strings.Contains(a.Detail, "no space left") {
				return true
			}
		}
		return false
	}
	eventually(t, 20*time.Second, "state is kept", func() bool { _, err := os.Stat(filepath.Join(dir, "clock.state")); return err == nil })
	filler := filepath.Join(dir, "filler")
	f, err := os.Create(filler)
	if err != nil {
		t.Fatal(err)
	}
	io.Copy(f, zeros{}) //nolint:errcheck // until it is full
	f.Close()
	eventually(t, 15*time.Second, "the alarm comes", alarm)
	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	eventually(t, 15*time.Second, "the alarm goes", func() bool { return !alarm() })
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { return len(p), nil }

// SIGTERM ends bragid while it looks at anything that may stand in a file's place,
// and while slow askers hold the control socket.
func TestNothingKeepsBragidFromEnding(t *testing.T) {
	dir := t.TempDir()
	fifo := filepath.Join(dir, "fifo")
	for _, name := range []string{fifo, filepath.Join(dir, "clock.state"), filepath.Join(dir, "grants.state"), filepath.Join(dir, "sim.state")} {
		if err := unix.Mkfifo(name, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if said, err := startLocalFrom(t, fifo, t.TempDir(), localPorts(t)).wait(t); err == nil || !strings.Contains(said, "is a FIFO") || strings.Count(said, "\n") != 1 {
		t.Errorf("a FIFO for a configuration: %v, %q", err, said)
	}
	l := startLocalFrom(t, filepath.Join(root, "configs/sim.toml"), dir, localPorts(t), "gnss.leap_file="+fifo)
	eventually(t, 20*time.Second, "bragid answers", func() bool {
		var s status.Status
		return l.client().Get(t.Context(), "/v1/status", &s) == nil
	})
	for range 50 {
		c, err := net.Dial("unix", filepath.Join(dir, "control.sock"))
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		fmt.Fprint(c, "POST /v1/drain HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n")
	}
	if err := l.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if said, err := l.wait(t); err != nil {
		t.Errorf("SIGTERM: %v: %s", err, said)
	}
}
