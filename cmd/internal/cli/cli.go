// Package cli has what both programs' command lines share: exit codes (0 ok,
// 1 failed, 2 wrong usage), errors as one line on stderr, and --version.
package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"bragi/cmd/internal/version"
)

// UsageError is a wrong use of a command: exit code 2.
type UsageError struct{ Err error }

func (e UsageError) Error() string { return e.Err.Error() }
func (e UsageError) Unwrap() error { return e.Err }

// Usagef returns a UsageError.
func Usagef(format string, args ...any) error { return UsageError{fmt.Errorf(format, args...)} }

// endPatience is how long a program may take to end cleanly after a signal.
const endPatience = 5 * time.Second

// Main runs root until it ends or a signal asks it to, and returns the exit
// code. A program that waits for something which does not come ends too: at the
// second signal, or after endPatience.
func Main(root *cobra.Command) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	defer context.AfterFunc(ctx, func() {
		stop() // the next signal ends the process
		time.Sleep(endPatience)
		fmt.Fprintf(os.Stderr, "%s: was asked to end, and did not within %v; it ends now\n", root.Name(), endPatience)
		os.Exit(1)
	})()
	root.SilenceErrors, root.SilenceUsage = true, true
	root.Version = version.Version
	root.SetVersionTemplate(version.Line(root.Name()) + "\n")
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return UsageError{err} })
	root.CompletionOptions.HiddenDefaultCmd = true
	command, err := root.ExecuteContextC(ctx)
	if err == nil {
		return 0
	}
	text := err.Error()
	var usage UsageError
	wrong := errors.As(err, &usage)
	if wrong && !strings.Contains(text, "(fix: ") && !strings.Contains(text, "(did you mean ") {
		text += " (fix: " + command.CommandPath() + " --help)"
	}
	fmt.Fprintf(os.Stderr, "%s: %s\n", root.Name(), Harmless(text))
	if wrong {
		return 2
	}
	return 1
}

// Group is a command that only holds others: without one of them it is wrong
// usage.
func Group(use, short string, children ...*cobra.Command) *cobra.Command {
	group := &cobra.Command{Use: use, Short: short, Args: cobra.ArbitraryArgs, RunE: func(c *cobra.Command, args []string) error {
		if len(args) == 0 {
			return Usagef("%s what?", c.CommandPath())
		}
		return Usagef("%s has no %q%s", c.CommandPath(), args[0], meant(c, args[0]))
	}}
	group.AddCommand(children...)
	return group
}

// AtMostArg refuses more than one argument; what says what it may be.
func AtMostArg(what string) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		if len(args) > 1 {
			return Usagef("%s takes at most %s", c.CommandPath(), what)
		}
		return nil
	}
}

// meantDistance is how many letters a word may be off that is taken for another.
const meantDistance = 2

// meant names the commands of a group that a mistyped word may stand for.
func meant(group *cobra.Command, typed string) string {
	group.SuggestionsMinimumDistance = meantDistance
	names := group.SuggestionsFor(typed)
	if len(names) == 0 {
		return ""
	}
	slices.Sort(names)
	return " (did you mean " + strings.Join(names, " or ") + "?)"
}

// NoArgs refuses any argument, as wrong usage.
func NoArgs(c *cobra.Command, args []string) error {
	if len(args) > 0 {
		return Usagef("%s takes no %q", c.CommandPath(), args[0])
	}
	return nil
}

// ExactArgs wants n arguments, named by what.
func ExactArgs(n int, what string) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		if len(args) != n {
			return Usagef("%s needs %s", c.CommandPath(), what)
		}
		return nil
	}
}

// UnlessRoot is a fix that root needs not be told: empty for root.
func UnlessRoot(fix string) string {
	if os.Geteuid() == 0 {
		return ""
	}
	return fix
}
