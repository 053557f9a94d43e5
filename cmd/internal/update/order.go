package update

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"bragi/cmd/internal/file"
)

// patience is how long an order waits for another one that only looks.
const patience = time.Second

// alone lets one order at a time write slots and what is remembered, until it is set free.
func alone(ctx context.Context) (free func(), err error) {
	for begin := time.Now(); ; {
		free, err = hold()
		if errors.Is(err, os.ErrNotExist) {
			return func() {}, nil // no image: what follows says so
		}
		if !errors.Is(err, unix.EWOULDBLOCK) {
			return free, err
		}
		if time.Since(begin) > patience {
			return nil, errors.New("another bragi update is at work (fix: wait until it has ended; bragi update status tells the slots)")
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(patience / 10):
		}
	}
}

// hold locks the folder, which needs no file and ends with the process.
func hold() (free func(), err error) {
	f, err := os.Open(folder)
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		_ = f.Close()
		return nil, err
	}
	return func() { _ = f.Close() }, nil
}

// downloaded is where a bundle comes to.
func downloaded(dir string) string { return filepath.Join(dir, "download.raucb") }

// tidy removes what an install left that was cut off, with its login or with the power.
func tidy() {
	if free, err := hold(); err == nil {
		_ = os.Remove(downloaded(folder))
		free()
	}
}

// The restart that was ordered for a time.
const timer, service = "bragi-restart.timer", "bragi-restart.service"

// due is when the board restarts by an order, or "".
func due(ctx context.Context) string {
	text, err := exec.CommandContext(ctx, "systemctl", "show", "--timestamp=utc", "--property=NextElapseUSecRealtime", "--value", timer).Output()
	// Where there is none, systemd says nothing, n/a or infinity.
	if said := strings.TrimSpace(string(text)); err == nil && strings.Count(said, ":") == 2 {
		return said
	}
	return ""
}

// unschedule takes back a restart that was ordered; there may be none.
func unschedule(ctx context.Context) {
	_ = exec.CommandContext(ctx, "systemctl", "stop", timer).Run()
	_ = exec.CommandContext(ctx, "systemctl", "reset-failed", timer, service).Run()
}

// schedule orders a restart; it takes the place of one that was ordered before.
func schedule(ctx context.Context, at time.Time, out io.Writer) error {
	if before := due(ctx); before != "" {
		fmt.Fprintf(out, "The restart at %s, which was ordered before, does not come.\n", before)
	}
	unschedule(ctx)
	for try := 1; ; try++ {
		text, err := exec.CommandContext(ctx, "systemd-run", "--unit=bragi-restart", "--collect", "--timer-property=AccuracySec=1s",
			"--on-calendar="+at.Format("2006-01-02 15:04:05 UTC"), "systemctl", "reboot").CombinedOutput()
		if err == nil {
			return nil
		}
		// systemd forgets a timer that was stopped a moment later.
		if try < 5 && strings.Contains(string(text), "already loaded") {
			time.Sleep(patience / 5)
			continue
		}
		return fmt.Errorf("systemd-run: %w: %s (fix: restart by hand)", err, strings.TrimSpace(string(text)))
	}
}

// thisStart names the start of the system that runs.
func thisStart() string {
	text, _ := file.Read("/proc/sys/kernel/random/boot_id", 1<<10)
	return strings.TrimSpace(string(text))
}

// installedFile names the start of the system in which a version was installed last.
func installedFile() string { return filepath.Join(folder, "installed") }

// takeBack lets the slot that runs be started next again, where a version was installed since its start.
func takeBack(ctx context.Context, out io.Writer) (bool, error) {
	text, err := file.Read(installedFile(), 1<<10)
	if err != nil || thisStart() == "" || strings.TrimSpace(string(text)) != thisStart() {
		return false, nil //nolint:nilerr // nothing was installed
	}
	list, err := slots(ctx)
	if err != nil {
		return false, err
	}
	for _, s := range list {
		if s.Running && s.Next {
			return false, nil
		}
	}
	if _, err := rauc(ctx, "status", "mark-active", "booted"); err != nil {
		return false, err
	}
	fmt.Fprintln(out, "The install is taken back: the version that runs is started next. No restart is needed.")
	if before := due(ctx); before != "" {
		fmt.Fprintf(out, "The restart at %s does not come.\n", before)
	}
	unschedule(ctx)
	return true, os.Remove(installedFile())
}
