package console

import (
	"bufio"
	"cmp"
	"context"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"bragi/cmd/internal/cli"
	"bragi/cmd/internal/control"
	"bragi/cmd/internal/operator"
)

// defaultFile is the daemon's configuration on a board.
const defaultFile = "/etc/bragi/bragi.toml"

// Command is `bragi console`.
func Command() *cobra.Command {
	cfg := Config{}
	c := &cobra.Command{Use: "console", Short: "The commands at a terminal: ? helps, TAB completes, words may be cut short", Args: cli.NoArgs,
		Long: "The console has the commands of bragi, and `configure terminal`, at a terminal: on a serial line, over SSH, or here.\n" +
			"? helps at any place, TAB completes, and each word may be cut short: sh ptp cl run. Without a terminal it does the\n" +
			"lines of its standard input.",
		RunE: func(c *cobra.Command, _ []string) error {
			cfg.Socket = c.Flags().Lookup("socket").Value.String()
			cfg.Elsewhere = cfg.Socket != control.StandardSocket && !c.Flags().Changed("config")
			host, _ := os.Hostname()
			cfg.Host = cmp.Or(host, "bragi")
			if term.IsTerminal(int(os.Stdin.Fd())) && term.IsTerminal(int(os.Stdout.Fd())) {
				return run(c.Context(), cfg, os.Stdin, os.Stdout)
			}
			return script(c.Context(), cfg, os.Stdin, c.OutOrStdout())
		}}
	c.Flags().StringVar(&cfg.File, "config", defaultFile, "the configuration file of the daemon, for setup")
	c.Flags().DurationVar(&cfg.Idle, "idle", 0, "end after so long without a key; negative: never; default: as console.idle says")
	c.Flags().BoolVar(&cfg.Stays, "stay", false, "a session in which nobody has typed yet does not end: for a serial line")
	return c
}

// script does lines without a terminal. The first that fails ends it.
func script(ctx context.Context, cfg Config, in io.Reader, out io.Writer) error {
	s := &session{cfg: cfg}
	lines := bufio.NewScanner(in)
	for lines.Scan() {
		p := parse(lines.Text())
		if len(p.words) == 0 || strings.HasPrefix(p.words[0], "!") {
			continue
		}
		filters, err := newFilters(p.filters)
		if err != nil {
			return err
		}
		tree := s.commands(operator.Shell())
		at, err := whole(tree, p.words)
		switch {
		case err != nil:
			return err
		case at.command.Annotations["builtin"] == "exit":
			return nil
		case at.command.Annotations["builtin"] != "":
			return fmt.Errorf("%s needs a terminal", at.said())
		}
		tree.SetArgs(at.words)
		w := &filterWriter{out: out, filters: filters}
		tree.SetOut(w)
		tree.SilenceErrors, tree.SilenceUsage = true, true
		if err := tree.ExecuteContext(ctx); err != nil {
			return err
		}
		if err := w.end(); err != nil {
			return err
		}
	}
	return lines.Err()
}

// filterWriter hands on the lines that filters let through.
type filterWriter struct {
	out     io.Writer
	filters []*filter
	partial string
}

func (w *filterWriter) Write(b []byte) (int, error) {
	w.partial += string(b)
	for {
		line, rest, found := strings.Cut(w.partial, "\n")
		if !found {
			return len(b), nil
		}
		w.partial = rest
		if passes(w.filters, line) {
			if _, err := io.WriteString(w.out, line+"\n"); err != nil {
				return 0, err
			}
		}
	}
}

func (w *filterWriter) end() error {
	text := ""
	if w.partial != "" && passes(w.filters, w.partial) {
		text = w.partial
	}
	_, err := io.WriteString(w.out, text+counted(w.filters))
	return err
}
