package operator

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/diff"
	"github.com/spf13/cobra"

	"bragi/cmd/internal/cli"
	"bragi/cmd/internal/config"
	"bragi/cmd/internal/control"
	"bragi/cmd/internal/status"
)

// The life of the daemon's configuration, from a shell. control/config.go has the
// door behind it.

// configScreen is what the file says, and what waits.
func configScreen(o *options, use string) *cobra.Command {
	return command(o, use, "The configuration: the file, and what of it waits", cli.NoArgs,
		screen[control.Config]{ask: o.publicConfig, draw: func(c control.Config, _ int) string { return configText(c) + "\n" + c.Text }, json: func(c control.Config) any { return c }})
}

// publicConfig is the configuration without its secrets.
func (o *options) publicConfig(ctx context.Context, _ []string) (control.Config, error) {
	c, err := o.client().Config(ctx)
	c.Text = config.Public(c.Text)
	for i, set := range c.Overrides {
		c.Overrides[i] = config.Public(set)
	}
	return c, err
}

// configText is what is to be known of the file beside its text.
func configText(c control.Config) string {
	var b strings.Builder
	line := func(name, text string) { fmt.Fprintf(&b, "%-12s %s\n", name, text) }
	line("File", c.File)
	if len(c.Overrides) > 0 {
		line("Overridden", "by the daemon's command line: "+strings.Join(c.Overrides, " "))
	}
	if c.Edited {
		line("Edited", "the file was changed and is not in use yet; to use it: bragi reload")
	}
	if len(c.Waiting) > 0 {
		line("Waiting", strings.Join(c.Waiting, ", ")+"; to use the new value: bragi restart")
	}
	if u := c.Unconfirmed; u != nil {
		if u.LeftS > 0 {
			line("Unconfirmed", fmt.Sprintf("it is taken back in %v, to what was confirmed last; to keep it: bragi config confirm", seconds(u.LeftS)))
		} else {
			line("Unconfirmed", "what ran before runs again, and this file is to be taken back; why it is not: bragi show alarms")
		}
	}
	line("Previous", previousWords(len(c.Previous)))
	return b.String()
}

func previousWords(n int) string {
	if n == 0 {
		return "none is kept"
	}
	return status.Count(n, "text") + " before this one: bragi config previous"
}

func seconds(s float64) time.Duration {
	return time.Duration(s * float64(time.Second)).Round(time.Second)
}

// lifeCommands are the verbs of `bragi config` that ask the daemon, and those that
// judge a file without one.
func lifeCommands(o *options) []*cobra.Command {
	return []*cobra.Command{
		checkConfigCommand(), configScreen(o, "show"), diffConfigCommand(o), previousConfigCommand(o),
		commitConfigCommand(o), confirmConfigCommand(o), rollbackConfigCommand(o), schemaCommand(), portsCommand(),
	}
}

// textOf reads a configuration's text from a file, or from standard input for "-".
func textOf(c *cobra.Command, name string) (text []byte, err error) {
	if name == "-" {
		name = "standard input"
		text, err = io.ReadAll(io.LimitReader(c.InOrStdin(), config.SizeLimit+1))
		if err == nil && len(text) > config.SizeLimit {
			err = config.TooLarge(name)
		}
	} else {
		text, err = config.ReadText(name)
	}
	if err == nil {
		err = config.CheckEncoding(name, text)
	}
	return text, err
}

// portsCommand is what the image's packet filter is made from.
func portsCommand() *cobra.Command {
	return &cobra.Command{Use: "ports FILE", Short: "The ports that a configuration opens, for a packet filter; needs no daemon", Args: cli.ExactArgs(1, fileOrStdin),
		Long: "Ports prints a line for each port that bragid would open to others: udp or tcp, and the number.",
		RunE: func(c *cobra.Command, args []string) error {
			text, err := textOf(c, args[0])
			if err != nil {
				return err
			}
			cfg, _, err := config.Parse(args[0], text, nil)
			if err != nil {
				return err
			}
			fmt.Fprintf(c.OutOrStdout(), "udp %d\nudp %d\n", cfg.Master.EventPort, cfg.Master.GeneralPort)
			host, port, err := net.SplitHostPort(cfg.Control.HTTP)
			if at, _ := netip.ParseAddr(host); err == nil && !at.IsLoopback() {
				fmt.Fprintf(c.OutOrStdout(), "tcp %s\n", port)
			}
			return nil
		}}
}

const fileOrStdin = "a configuration's file, or - for standard input"

func checkConfigCommand() *cobra.Command {
	return &cobra.Command{Use: "check FILE", Short: "Judge a configuration file; needs no daemon", Args: cli.ExactArgs(1, fileOrStdin),
		Long: "Check reads a configuration as bragid would, and tells what would run. What is wrong is told with its line and the fix.\n" +
			"Nothing changes. Devices and addresses are not looked for.",
		RunE: func(c *cobra.Command, args []string) error {
			text, err := textOf(c, args[0])
			if err != nil {
				return err
			}
			cfg, warnings, err := config.Parse(args[0], text, nil)
			if err != nil {
				return err
			}
			for _, w := range warnings {
				fmt.Fprintf(c.ErrOrStderr(), "bragi: warning: %s\n", w)
			}
			_, err = io.WriteString(c.OutOrStdout(), cfg.Describe())
			return err
		}}
}

func diffConfigCommand(o *options) *cobra.Command {
	return &cobra.Command{Use: "diff [N|FILE]", Short: "What changed since a previous configuration, or would change with a file", Args: cli.AtMostArg("the number of a previous configuration, or a file"),
		Long: "Diff compares the daemon's configuration file with a previous one: 1, or no number, is the latest. With the name of a\n" +
			"file it tells what that file would change. Lines that begin with - go, lines that begin with + come.",
		RunE: func(c *cobra.Command, args []string) error {
			now, err := o.client().Config(c.Context())
			if err != nil {
				return err
			}
			was, is := "", now.Text
			wasName, isName := "previous 1", now.File
			switch n, isNumber := number(args); {
			case isNumber:
				before, err := o.client().PreviousConfig(c.Context(), n)
				if err != nil {
					return err
				}
				was, wasName = before.Text, fmt.Sprintf("previous %d", n)
			default:
				text, err := textOf(c, args[0])
				if err != nil {
					return err
				}
				was, wasName, is, isName = now.Text, now.File, string(text), args[0]
			}
			if was == is {
				_, err = fmt.Fprintln(c.OutOrStdout(), "There is no difference.")
				return err
			}
			_, err = c.OutOrStdout().Write(Diff(wasName, was, isName, is))
			return err
		}}
}

// Diff is what changes from a text to another, in the unified form.
func Diff(wasName, was, isName, is string) []byte {
	text := diff.Diff(wasName, []byte(was), isName, []byte(is))
	// The first line is a command that nobody gave.
	if _, rest, found := strings.Cut(string(text), "\n"); found && strings.HasPrefix(string(text), "diff ") {
		return []byte(rest)
	}
	return text
}

// number is the first argument as the number of a previous configuration: 1 without
// one.
func number(args []string) (n int, isNumber bool) {
	if len(args) == 0 {
		return 1, true
	}
	n, err := strconv.Atoi(args[0])
	if err != nil {
		return 0, false
	}
	if _, err := os.Stat(args[0]); err == nil {
		return 0, false // a file of that name is meant
	}
	return n, true
}

func previousConfigCommand(o *options) *cobra.Command {
	c := &cobra.Command{Use: "previous [N]", Short: "The previous configurations: all that are kept, or the text of one", Args: cli.AtMostArg("the number of a previous configuration"),
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) == 0 {
				now, err := o.client().Config(c.Context())
				if err != nil {
					return err
				}
				if o.json {
					return printJSON(c.OutOrStdout(), now.Previous)
				}
				if len(now.Previous) == 0 {
					_, err = fmt.Fprintln(c.OutOrStdout(), "No previous configuration is kept. Each commit keeps the one before it.")
					return err
				}
				for _, p := range now.Previous {
					fmt.Fprintf(c.OutOrStdout(), "%3d  until %s  %6d bytes\n", p.Number, p.ReplacedAt.UTC().Format("2006-01-02 15:04:05 UTC"), p.Bytes)
				}
				return nil
			}
			n, err := strconv.Atoi(args[0])
			if err != nil {
				return cli.Usagef("%q is no number of a previous configuration (fix: 1 is the latest)", args[0])
			}
			text, err := o.client().PreviousConfig(c.Context(), n)
			if err != nil {
				return err
			}
			if o.json {
				return printJSON(c.OutOrStdout(), text)
			}
			_, err = io.WriteString(c.OutOrStdout(), text.Text)
			return err
		}}
	c.Flags().BoolVar(&o.json, "json", false, "print JSON")
	return c
}

// confirmFlag is --confirm of a commit or a rollback.
func confirmFlag(c *cobra.Command) *time.Duration {
	return c.Flags().Duration("confirm", 0, fmt.Sprintf("take it back after this time unless bragi config confirm comes first; %v to %v", control.ConfirmLeast, control.ConfirmMost))
}

func commitConfigCommand(o *options) *cobra.Command {
	var within *time.Duration
	c := &cobra.Command{Use: "commit FILE", Short: "Let the daemon take a file's text as its configuration", Args: cli.ExactArgs(1, fileOrStdin),
		Long: "Commit judges a configuration, writes it in the place of the daemon's, and applies what can change live. It names the keys\n" +
			"that wait for a restart. What is wrong refuses it whole. The configuration before it is kept: bragi config rollback 1.",
		RunE: func(c *cobra.Command, args []string) error {
			text, err := textOf(c, args[0])
			if err != nil {
				return err
			}
			now, err := o.client().Config(c.Context())
			if err != nil {
				return err
			}
			done, err := o.client().CommitConfig(c.Context(), control.Commit{Text: string(text), Base: now.Hash, ConfirmS: within.Seconds()})
			return o.committed(c, done, err)
		}}
	within = confirmFlag(c)
	c.Flags().BoolVar(&o.json, "json", false, "print JSON")
	return c
}

func rollbackConfigCommand(o *options) *cobra.Command {
	var within *time.Duration
	c := &cobra.Command{Use: "rollback N", Short: "Let a previous configuration run again; 1 is the latest", Args: cli.ExactArgs(1, "the number of a previous configuration; 1 is the latest"),
		RunE: func(c *cobra.Command, args []string) error {
			n, err := strconv.Atoi(args[0])
			if err != nil {
				return cli.Usagef("%q is no number of a previous configuration (fix: bragi config previous lists them)", args[0])
			}
			now, err := o.client().Config(c.Context())
			if err != nil {
				return err
			}
			done, err := o.client().RollbackConfig(c.Context(), control.Rollback{Number: n, Base: now.Hash, ConfirmS: within.Seconds()})
			return o.committed(c, done, err)
		}}
	within = confirmFlag(c)
	c.Flags().BoolVar(&o.json, "json", false, "print JSON")
	return c
}

func confirmConfigCommand(o *options) *cobra.Command {
	return &cobra.Command{Use: "confirm", Short: "Keep a commit that waits for its confirmation", Args: cli.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if _, err := o.client().ConfirmConfig(c.Context()); err != nil {
				return err
			}
			_, err := fmt.Fprintln(c.OutOrStdout(), "The commit is confirmed.")
			return err
		}}
}

// committed tells what a commit has done.
func (o *options) committed(c *cobra.Command, done control.Committed, err error) error {
	if err != nil {
		return err
	}
	if o.json {
		return printJSON(c.OutOrStdout(), done)
	}
	text := ReloadedText(done.Reloaded)
	if u := done.Unconfirmed; u != nil {
		text += fmt.Sprintf("It is taken back in %v, to what was confirmed last, unless somebody confirms it: bragi config confirm.\n", seconds(u.LeftS))
	}
	_, err = io.WriteString(c.OutOrStdout(), text)
	return err
}

// ReloadedText is what a reload or a commit has done.
func ReloadedText(done control.Reloaded) string {
	var b strings.Builder
	list := func(what string, keys []string) {
		if len(keys) > 0 {
			fmt.Fprintf(&b, "%s: %s.\n", what, strings.Join(keys, ", "))
		}
	}
	for _, w := range done.Warnings {
		fmt.Fprintf(&b, "Warning: %s\n", w)
	}
	list("Applied", done.Applied)
	list("Read again", done.Reread)
	list("Needs a restart (bragi restart)", done.Waiting)
	if len(done.Applied)+len(done.Reread)+len(done.Waiting) == 0 {
		b.WriteString("No value has changed.\n")
	}
	return b.String()
}

func schemaCommand() *cobra.Command {
	return &cobra.Command{Use: "schema", Short: "The JSON schema of the configuration file, for editors", Args: cli.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return printJSON(c.OutOrStdout(), config.Schema()) }}
}
