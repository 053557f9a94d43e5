package update

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"bragi/cmd/internal/cli"
	"bragi/cmd/internal/file"
	"bragi/cmd/internal/status"
)

// folder keeps what an update must remember over a restart. A test has one of its own.
var folder = "/data/rauc"

// configuration is bragid's.
const configuration = "/etc/bragi/bragi.toml"

// Ask is the daemon's status.
type Ask func(context.Context) (status.Status, error)

// Command is `bragi update`.
func Command(ask Ask) *cobra.Command {
	verbs := []*cobra.Command{installCommand(ask), statusCommand(), confirmCommand(ask), rollbackCommand()}
	for _, verb := range verbs {
		run := verb.RunE
		verb.RunE = func(c *cobra.Command, args []string) error {
			tidy()
			return run(c, args)
		}
	}
	return cli.Group("update", "A new version of the whole system: install it, keep it, go back", verbs...)
}

func installCommand(ask Ask) *cobra.Command {
	var now, older bool
	var at string
	c := &cobra.Command{Use: "install FILE|URL", Short: "Check a bundle and write it into the slot that does not run", Args: cli.ExactArgs(1, "a FILE or a URL of a bundle"),
		Long: "Install checks the bundle's signature, board, version and size before a byte is written. Then it writes the slot that\n" +
			"does not run. The next start takes the new version. It is kept once it serves at the clock class that is served\n" +
			"now. If it does not, the board goes back to the old version by itself.\n" +
			"A restart sends every client away first. It is silent for a minute or two.",
		RunE: func(c *cobra.Command, args []string) error {
			if now && at != "" {
				return cli.Usagef("--now and --at exclude each other")
			}
			when := time.Time{}
			if at != "" {
				var err error
				if when, err = next(at, time.Now()); err != nil {
					return err
				}
			}
			free, err := alone(c.Context())
			if err != nil {
				return err
			}
			defer free()
			if err := installed(c.Context(), ask, args[0], older, c.OutOrStdout()); err != nil {
				return err
			}
			return restart(c.Context(), now, when, c.OutOrStdout())
		}}
	c.Flags().BoolVar(&now, "now", false, "restart into it at once; clients are sent away first")
	c.Flags().StringVar(&at, "at", "", "restart into it at this time of the day (HH:MM, UTC), in the maintenance window")
	c.Flags().BoolVar(&older, "older", false, "take a version that is older than the one that runs, too")
	return c
}

// next is the next moment at which a clock of UTC shows HH:MM.
func next(at string, now time.Time) (time.Time, error) {
	clock, err := time.Parse("15:04", at)
	if err != nil {
		return time.Time{}, cli.Usagef("--at %q is not a time of the day (fix: HH:MM, for example 03:30)", at)
	}
	now = now.UTC()
	when := time.Date(now.Year(), now.Month(), now.Day(), clock.Hour(), clock.Minute(), 0, 0, time.UTC)
	if !when.After(now) {
		when = when.AddDate(0, 0, 1)
	}
	return when, nil
}

func installed(ctx context.Context, ask Ask, from string, older bool, out io.Writer) error {
	system, err := running(ctx)
	if err != nil {
		return err
	}
	bundle, done, err := fetch(ctx, from, folder, out)
	if err != nil {
		return err
	}
	defer done()
	b, err := inspect(ctx, bundle)
	if err != nil {
		return err
	}
	if err := Acceptable(b, system, older); err != nil {
		return err
	}
	fmt.Fprintf(out, "The bundle is signed and fits: %s, version %s. It is written beside %s.\n", b.Compatible, b.Version, system.Version)
	// All that the new version is judged by is there before the next start may take it: the power may go at any moment.
	before := Before{Version: system.Version}
	if s, err := ask(ctx); err == nil && s.Clock.Serving {
		before.ClockClass = s.Clock.ClockClass
	}
	if err := remember(before); err != nil {
		return err
	}
	// A version that was kept once, and is installed anew, must prove itself anew.
	if err := os.Remove(keptFile(b.Version)); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	if err := file.Replace(installedFile(), []byte(thisStart()), 0o644, file.OnDisk); err != nil {
		return err
	}
	if err := install(ctx, bundle, out); err != nil {
		return err
	}
	fmt.Fprintf(out, "Version %s is installed.\n", b.Version)
	return nil
}

func restart(ctx context.Context, now bool, at time.Time, out io.Writer) error {
	switch {
	case now:
		fmt.Fprintln(out, "The board restarts: its clients are sent away, and it is silent for a minute or two.")
		return systemctl(ctx, "reboot")
	case !at.IsZero():
		if err := schedule(ctx, at, out); err != nil {
			return err
		}
		fmt.Fprintf(out, "The board restarts at %s. Its clients are sent away then, and it is silent for a minute or two.\n", at.Format("2006-01-02 15:04 UTC"))
	default:
		if due := due(ctx); due != "" {
			fmt.Fprintf(out, "It starts at %s, as was ordered before. The restart sends all clients away, and is silent for a minute or two.\n", due)
			return nil
		}
		fmt.Fprintln(out, "It starts at the next restart of the board. A restart sends all clients away, and is silent for a minute or two.")
	}
	return nil
}

func systemctl(ctx context.Context, args ...string) error {
	if text, err := exec.CommandContext(ctx, "systemctl", args...).CombinedOutput(); err != nil {
		return fmt.Errorf("systemctl %s: %w: %s%s", args[0], err, strings.TrimSpace(string(text)), cli.UnlessRoot(" (fix: run as root)"))
	}
	return nil
}

func statusCommand() *cobra.Command {
	var asJSON bool
	c := &cobra.Command{Use: "status", Short: "The two slots: which runs, which is next, which versions", Args: cli.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			list, err := slots(c.Context())
			if err != nil {
				return err
			}
			version := imageVersion()
			for i := range list {
				if list[i].Running {
					list[i].Version = version
				}
			}
			if asJSON {
				encoder := json.NewEncoder(c.OutOrStdout())
				encoder.SetIndent("", "  ")
				return encoder.Encode(list)
			}
			text := draw(list)
			if due := due(c.Context()); due != "" {
				text += "The board restarts at " + due + ".\n"
			}
			_, err = io.WriteString(c.OutOrStdout(), text)
			return err
		}}
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return c
}

// draw is the screen of `bragi update status`.
func draw(list []Slot) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%-5s%-30s%s\n", "Slot", "Version", "State")
	for _, s := range list {
		var state []string
		if s.Running {
			state = append(state, "runs")
		}
		if s.Next {
			state = append(state, "is started next")
		}
		if !s.Good {
			state = append(state, "is not kept")
		}
		version := s.Version
		if version == "" {
			version = "as flashed"
		}
		fmt.Fprintf(&b, "%-5s%-30s%s\n", s.Name, version, strings.Join(state, ", "))
	}
	return b.String()
}

func rollbackCommand() *cobra.Command {
	var now bool
	c := &cobra.Command{Use: "rollback", Short: "Go back to the other slot's version", Args: cli.NoArgs,
		Long: "Rollback lets the next start take the other slot. Between an install and the restart into it, it takes the install\n" +
			"back: the version that runs is started next, as before, and a restart that was ordered with --at does not come.",
		RunE: func(c *cobra.Command, _ []string) error {
			free, err := alone(c.Context())
			if err != nil {
				return err
			}
			defer free()
			if back, err := takeBack(c.Context(), c.OutOrStdout()); back || err != nil {
				return err
			}
			if _, err := rauc(c.Context(), "status", "mark-active", "other"); err != nil {
				return err
			}
			fmt.Fprintln(c.OutOrStdout(), "The other slot is started next.")
			return restart(c.Context(), now, time.Time{}, c.OutOrStdout())
		}}
	c.Flags().BoolVar(&now, "now", false, "restart into it at once; clients are sent away first")
	return c
}

func confirmCommand(ask Ask) *cobra.Command {
	var wait bool
	c := &cobra.Command{Use: "confirm", Short: "Keep the version that runs, whatever it serves", Args: cli.NoArgs,
		Long: "Confirm keeps the version that runs. A board does so by itself, once the new version serves at the class that the\n" +
			"old one served at. With --wait it waits for that, or goes back to the other slot (bragi-slot.service runs it so).",
		RunE: func(c *cobra.Command, _ []string) error {
			if !wait {
				return keep(c.Context(), c.OutOrStdout())
			}
			return confirmed(c.Context(), ask, c.OutOrStdout())
		}}
	c.Flags().BoolVar(&wait, "wait", false, "wait until it serves as before; go back if it does not")
	return c
}

func keep(ctx context.Context, out io.Writer) error {
	if _, err := rauc(ctx, "status", "mark-good"); err != nil {
		return err
	}
	version := imageVersion()
	if !kept(version) {
		// A data partition that is full leaves the slot kept all the same: the version proves itself again next time.
		if err := file.Replace(keptFile(version), nil, 0o644, file.OnDisk); err != nil {
			fmt.Fprintf(out, "bragi: that version %s was kept is not remembered: %v\n", version, err)
		}
	}
	does := "serves"
	if !configured() {
		does = "waits for its setup"
	}
	fmt.Fprintf(out, "bragi: slot %s is kept: version %s %s, %.0f s after the start\n", bootedSlot(), version, does, uptime().Seconds())
	return nil
}

// configured says whether anybody has configured this board.
func configured() bool {
	_, err := os.Stat(configuration)
	return err == nil
}

// confirmed waits until the slot that runs is kept, or leaves it.
func confirmed(ctx context.Context, ask Ask, out io.Writer) error {
	begin := time.Now()
	version := imageVersion()
	before := remembered()
	known := kept(version)
	for {
		l := Look{Configured: configured()}
		short, stop := context.WithTimeout(ctx, 5*time.Second)
		s, err := ask(short)
		stop()
		if err == nil {
			l.Answers, l.Serving, l.ClockClass = true, s.Clock.Serving, s.Clock.ClockClass
		} else {
			l.Failures = failures(ctx)
		}
		switch Judge(l, before, known, time.Since(begin)) {
		case Keep:
			return keep(ctx, out)
		case Leave:
			fmt.Fprintf(out, "bragi: slot %s does not serve: version %s (class %d, before %d)\n", bootedSlot(), version, l.ClockClass, before.ClockClass)
			if _, err := rauc(ctx, "status", "mark-bad"); err != nil {
				return err
			}
			return systemctl(ctx, "reboot")
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(time.Second):
		}
	}
}

// failures is how often systemd started bragid anew because it ended; 0 where systemd does not tell.
func failures(ctx context.Context) int {
	text, err := exec.CommandContext(ctx, "systemctl", "show", "--property=NRestarts", "--value", "bragid.service").Output()
	if err != nil {
		return 0
	}
	n, _ := strconv.Atoi(strings.TrimSpace(string(text)))
	return n
}

func keptFile(version string) string {
	return filepath.Join(folder, "kept-"+strings.ReplaceAll(version, "/", "_"))
}

// kept says whether a version was kept before.
func kept(version string) bool {
	_, err := os.Stat(keptFile(version))
	return err == nil
}

func remember(b Before) error {
	text, err := json.Marshal(b)
	if err != nil {
		return err
	}
	return file.Replace(filepath.Join(folder, "before.json"), text, 0o644, file.OnDisk)
}

// remembered is what was served before an update; nothing on a card that was never updated.
func remembered() (b Before) {
	if text, err := file.Read(filepath.Join(folder, "before.json"), 1<<12); err == nil {
		_ = json.Unmarshal(text, &b)
	}
	return b
}

// running is the system that runs, and the size of the slot that does not.
func running(ctx context.Context) (s System, err error) {
	text, err := file.Read("/etc/rauc/system.conf", 1<<16)
	if err != nil {
		return s, errors.New("this is not an image of bragi, which has /etc/rauc/system.conf (fix: update the programs by hand)")
	}
	s.Compatible, s.Version = value(string(text), "compatible"), imageVersion()
	list, err := slots(ctx)
	if err != nil {
		return s, err
	}
	for _, slot := range list {
		if slot.Running {
			continue
		}
		f, err := os.Open("/dev/bragi/slot-" + slot.Name)
		if err != nil {
			return s, err
		}
		s.SlotSize, err = f.Seek(0, io.SeekEnd)
		_ = f.Close()
		if err != nil {
			return s, err
		}
	}
	return s, nil
}

// value is that of a line name=value.
func value(text, name string) string {
	for line := range strings.Lines(text) {
		if v, ok := strings.CutPrefix(strings.TrimSpace(line), name+"="); ok {
			return strings.Trim(v, `"`)
		}
	}
	return ""
}

func imageVersion() string {
	text, err := file.Read("/usr/lib/os-release", 1<<16)
	if err != nil {
		return ""
	}
	return value(string(text), "IMAGE_VERSION")
}

func bootedSlot() string {
	text, err := file.Read("/proc/cmdline", 1<<16)
	if err != nil {
		return "?"
	}
	for word := range strings.FieldsSeq(string(text)) {
		if v, ok := strings.CutPrefix(word, "rauc.slot="); ok {
			return v
		}
	}
	return "?"
}

func uptime() time.Duration {
	var t unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &t); err != nil {
		return 0
	}
	return time.Duration(t.Nano())
}
