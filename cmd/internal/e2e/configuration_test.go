package e2e

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"bragi/cmd/internal/control"
	"bragi/cmd/internal/status"
)

// configured is a bragid on loopback with a configuration of its own, and a way to
// change it.
type configured struct {
	*local
	file        string
	ports       [2]int
	environment []string
}

func startConfigured(t *testing.T, environment ...string) *configured {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, "configs/sim.toml"))
	if err != nil {
		t.Fatal(err)
	}
	c := &configured{file: filepath.Join(t.TempDir(), "bragi.toml"), ports: localPorts(t), environment: environment}
	if err := os.WriteFile(c.file, text, 0o644); err != nil {
		t.Fatal(err)
	}
	c.local = startLocalIn(t, environment, c.file, t.TempDir(), c.ports)
	c.answers(t)
	return c
}

func (c *configured) answers(t *testing.T) {
	t.Helper()
	eventually(t, 20*time.Second, "the control socket answers and something is served", func() bool {
		var s status.Status
		return c.client().Get(t.Context(), "/v1/status", &s) == nil && s.Clock.Serving
	})
}

// again starts the daemon again after it was killed.
func (c *configured) again(t *testing.T) {
	t.Helper()
	c.cmd.Process.Kill() //nolint:errcheck // see below
	<-c.exited
	c.local = startLocalIn(t, c.environment, c.file, c.dir, c.ports)
	c.answers(t)
}

// now is the configuration, with the keys master.priority1 and master.dscp of the
// text set as a console would.
func (c *configured) now(t *testing.T) control.Config {
	t.Helper()
	now, err := c.client().Config(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return now
}

func with(text, line string) string {
	return strings.Replace(text, "[master]\n", "[master]\n"+line+"\n", 1)
}

func (c *configured) alarm(t *testing.T, code string) bool {
	t.Helper()
	var s status.Status
	if err := c.client().Get(t.Context(), "/v1/status", &s); err != nil {
		t.Fatal(err)
	}
	for _, a := range s.Alarms {
		if a.Code == code {
			return true
		}
	}
	return false
}

// A console commits, is told what changed and what waits, meets another console's
// change, and rolls back.
func TestCommitsAndRollbacksOverTheControlSocket(t *testing.T) {
	t.Parallel()
	c := startConfigured(t)
	client := c.client()
	begin := c.now(t)
	if begin.Edited || begin.Unconfirmed != nil || len(begin.Waiting) > 0 || len(begin.Previous) > 0 || len(begin.Overrides) != 3 {
		t.Errorf("at the start: %+v", begin)
	}
	changed := with(begin.Text, "priority1 = 17\nmax_clients = 50")
	would, err := client.CheckConfig(t.Context(), changed)
	if err != nil || len(would.Applied) != 1 || len(would.Waiting) != 1 || c.now(t).Hash != begin.Hash {
		t.Errorf("a check: %+v, %v", would, err)
	}
	did, err := client.CommitConfig(t.Context(), control.Commit{Text: changed, Base: begin.Hash})
	if err != nil || fmt.Sprint(did.Applied, did.Waiting) != "[master.priority1] [master.max_clients]" || did.Unconfirmed != nil {
		t.Fatalf("a commit: %+v, %v", did, err)
	}
	eventually(t, 5*time.Second, "an alarm tells the key that waits", func() bool { return c.alarm(t, "CONFIG_WAITS") })
	if now := c.now(t); now.Text != changed || now.Hash != did.Hash || len(now.Previous) != 1 || len(now.Waiting) != 1 {
		t.Errorf("after it: %+v", now)
	}
	// Another console began from the text before.
	if _, err := client.CommitConfig(t.Context(), control.Commit{Text: with(begin.Text, "dscp = 46"), Base: begin.Hash}); err == nil || !strings.Contains(err.Error(), "somebody else") {
		t.Errorf("a commit from an old text: %v", err)
	}
	// What is wrong is told with its line, and changes nothing.
	if _, err := client.CommitConfig(t.Context(), control.Commit{Text: with(changed, "dscp = 300"), Base: did.Hash}); err == nil || !strings.Contains(err.Error(), "must be a whole number") {
		t.Errorf("a wrong commit: %v", err)
	}
	if text, err := client.PreviousConfig(t.Context(), 1); err != nil || text.Text != begin.Text {
		t.Errorf("what was before: %+v, %v", text, err)
	}
	back, err := client.RollbackConfig(t.Context(), control.Rollback{Number: 1, Base: did.Hash})
	if err != nil || back.Hash != begin.Hash || fmt.Sprint(back.Applied, back.Waiting) != "[master.priority1] []" {
		t.Errorf("a rollback: %+v, %v", back, err)
	}
	eventually(t, 5*time.Second, "the alarm ends", func() bool { return !c.alarm(t, "CONFIG_WAITS") })
	if err := os.WriteFile(c.file, []byte(with(begin.Text, "dscp = 40")), 0o644); err != nil {
		t.Fatal(err)
	}
	if now := c.now(t); !now.Edited {
		t.Error("an edit by hand is not told")
	}
}

// A commit that nobody confirms is taken back by the daemon: while it runs, and
// when it was killed and started anew meanwhile.
func TestAnUnconfirmedCommitIsTakenBackByWhateverDaemonRuns(t *testing.T) {
	t.Parallel()
	for name, meanwhile := range map[string]string{"it runs on": "", "it is killed and starts anew": "killed", "somebody edits the file": "edited", "somebody edits the file and reloads": "reloaded"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := startConfigured(t)
			begin := c.now(t)
			commit := control.Commit{Text: with(begin.Text, "priority1 = 17"), Base: begin.Hash, ConfirmS: control.ConfirmLeast.Seconds()}
			did, err := c.client().CommitConfig(t.Context(), commit)
			if err != nil || did.Unconfirmed == nil {
				t.Fatalf("%+v, %v", did, err)
			}
			eventually(t, 3*time.Second, "an alarm tells it", func() bool { return c.alarm(t, "CONFIG_UNCONFIRMED") })
			switch meanwhile {
			case "edited", "reloaded":
				if err := os.WriteFile(c.file, []byte(commit.Text+"# by hand\n"), 0o644); err != nil {
					t.Fatal(err)
				}
				if meanwhile == "reloaded" {
					c.says(t, "reload")
				}
				if now := c.now(t); now.Unconfirmed == nil {
					t.Errorf("after the edit nothing waits: %+v", now)
				}
			case "killed":
				c.again(t)
				if now := c.now(t); now.Unconfirmed == nil || now.Hash != did.Hash {
					t.Errorf("after the restart: %+v", now)
				}
			}
			eventually(t, 20*time.Second, "the configuration before it is back", func() bool { return c.now(t).Hash == begin.Hash })
			if now := c.now(t); now.Unconfirmed != nil || now.Edited {
				t.Errorf("then: %+v", now)
			}
			eventually(t, 3*time.Second, "the alarm ends", func() bool { return !c.alarm(t, "CONFIG_UNCONFIRMED") })
			commit.Base = begin.Hash
			if _, err = c.client().CommitConfig(t.Context(), commit); err == nil {
				_, err = c.client().ConfirmConfig(t.Context())
			}
			if err != nil {
				t.Fatal(err)
			}
			time.Sleep(control.ConfirmLeast + 2*time.Second)
			if now := c.now(t); now.Hash != did.Hash {
				t.Errorf("a confirmed commit did not stay: %+v", now)
			}
		})
	}
}

// A key that needs a restart is committed, the daemon restarted with it, and nobody
// confirms: the way back needs a restart too, and under systemd bragid ends for it.
func TestTheWayBackOfAKeyThatWaitsIsARestart(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "notify")
	notify, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer notify.Close()
	c := startConfigured(t, "NOTIFY_SOCKET="+path)
	begin := c.now(t)
	commit := control.Commit{Text: with(begin.Text, "max_clients = 50"), Base: begin.Hash, ConfirmS: 20}
	if did, err := c.client().CommitConfig(t.Context(), commit); err != nil || len(did.Waiting) != 1 {
		t.Fatalf("%+v, %v", did, err)
	}
	c.again(t)
	said, err := c.waitFor(t, 40*time.Second)
	if err != nil || !strings.Contains(said, "CONFIG_TAKEN_BACK") || !strings.Contains(said, "after a restart") {
		t.Errorf("%v: %s", err, said)
	}
	if text, err := os.ReadFile(c.file); err != nil || string(text) != begin.Text {
		t.Errorf("%v: the file says\n%s", err, text)
	}
}

// A disk that is full, or may not be written, refuses a commit whole: the file and
// what runs stay as they are.
func TestACommitToADiskThatTakesNothingIsRefusedWhole(t *testing.T) {
	t.Parallel()
	if os.Getuid() != 0 {
		t.Skip("SKIPPED: only root may mount a disk to fill (fix: run the tests as root)")
	}
	for name, spoil := range map[string]func(dir string) error{
		"full": func(dir string) error {
			f, err := os.Create(filepath.Join(dir, "filler"))
			if err != nil {
				return err
			}
			defer f.Close()
			for err == nil {
				_, err = f.Write(make([]byte, 4096))
			}
			return nil
		},
		"read-only": func(dir string) error { return syscall.Mount("", dir, "", syscall.MS_REMOUNT|syscall.MS_RDONLY, "") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := startConfigured(t)
			dir := t.TempDir()
			if err := syscall.Mount("bragi", dir, "tmpfs", 0, "size=64k"); err != nil {
				t.Skipf("SKIPPED: no disk to fill can be mounted here: %v", err)
			}
			t.Cleanup(func() { syscall.Unmount(dir, syscall.MNT_DETACH) }) //nolint:errcheck // the test is over
			begin := c.now(t)
			c.file = filepath.Join(dir, "bragi.toml")
			if err := os.WriteFile(c.file, []byte(begin.Text), 0o644); err != nil {
				t.Fatal(err)
			}
			c.again(t)
			if err := spoil(dir); err != nil {
				t.Fatal(err)
			}
			commit := control.Commit{Text: with(begin.Text, "priority1 = 17\n"+strings.Repeat("# a long comment\n", 500)), Base: begin.Hash, ConfirmS: 60}
			_, err := c.client().CommitConfig(t.Context(), commit)
			if err == nil || !strings.Contains(err.Error(), "nothing has changed") || strings.Contains(err.Error(), "\n") {
				t.Errorf("a commit: %v", err)
			}
			if now := c.now(t); now.Text != begin.Text || now.Edited || now.Unconfirmed != nil || len(now.Previous) > 0 {
				t.Errorf("after it: %+v", now)
			}
			if entries, _ := os.ReadDir(dir); len(entries) > 3 {
				t.Errorf("%v is left", entries)
			}
		})
	}
}
