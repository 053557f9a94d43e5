package operator

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"bragi/cmd/internal/cli"
	"bragi/cmd/internal/terminal"
)

// unit is the daemon's service, as systemd knows it.
const unit = "bragid.service"

// logLines is how much of the log a screen has.
const logLines = 200

func logCommand(o *options) *cobra.Command {
	lines := logLines
	c := command(o, "log", "What happened since the start of the daemon, the newest last", cli.NoArgs, screen[[]string]{
		ask: func(ctx context.Context, _ []string) ([]string, error) {
			if lines < 1 {
				return nil, cli.Usagef("--lines %d is no line at all (fix: 1 or more)", lines)
			}
			return o.log(ctx, lines)
		},
		draw: func(log []string, _ int) string { return strings.Join(log, "\n") + "\n" },
		json: func(log []string) any { return log }, kept: terminal.Newest})
	c.Flags().IntVar(&lines, "lines", logLines, "at most so many lines")
	return c
}

// log are the latest events, as the daemon keeps them since its start. Where no daemon
// answers the journal knows why.
func (o *options) log(ctx context.Context, lines int) ([]string, error) {
	records, err := o.client().Log(ctx)
	if err != nil {
		journal, journalErr := recent(ctx, lines)
		if journalErr != nil {
			return nil, fmt.Errorf("%w; and %w", err, journalErr)
		}
		return journal, nil
	}
	log := []string{}
	for _, r := range records[max(0, len(records)-max(1, lines)):] {
		log = append(log, o.face.local(r.At)+" "+r.Line())
	}
	return log, nil
}

// logPatience is how long the journal may take.
const logPatience = 20 * time.Second

// recent are the latest lines that systemd's journal has of the daemon; it needs no
// daemon.
func recent(ctx context.Context, lines int) ([]string, error) {
	ctx, stop := context.WithTimeout(ctx, logPatience)
	defer stop()
	out, err := exec.CommandContext(ctx, "journalctl", "--unit="+unit, "--lines="+strconv.Itoa(max(1, lines)), "--no-pager", "--quiet", "--output=short-iso").Output()
	if err != nil {
		return nil, fmt.Errorf("the journal cannot be read: %w%s", told(err), cli.UnlessRoot(" (fix: run as root, or as a member of the group systemd-journal)"))
	}
	text := strings.TrimRight(string(out), "\n")
	if text == "" {
		return nil, errors.New("the journal has nothing of bragid (fix: systemctl start bragid; a bragid that runs by hand logs to its own terminal)")
	}
	return strings.Split(text, "\n"), nil
}

// told is what a program that failed said last, where it said something.
func told(err error) error {
	var failed *exec.ExitError
	if errors.As(err, &failed) {
		if text := strings.TrimSpace(string(failed.Stderr)); text != "" {
			lines := strings.Split(text, "\n")
			return errors.New(lines[len(lines)-1])
		}
	}
	return err
}
