package operator

import (
	"errors"
	"fmt"
	"io"
	"net/netip"
	"strings"

	"github.com/spf13/cobra"

	"bragi/cmd/internal/cli"
	"bragi/cmd/internal/ios"
	"bragi/cmd/internal/status"
)

func configCommand(o *options) *cobra.Command {
	return cli.Group("config", "Read, judge and change configurations", append(lifeCommands(o), importIOSCommand(o), snippetCommand(o))...)
}

func importIOSCommand(o *options) *cobra.Command {
	c := &cobra.Command{Use: "import-ios FILE", Short: "Turn an ASR900's configuration into bragi's",
		Args: cli.ExactArgs(1, "a file with the configuration, or - for standard input"),
		Long: "Reads the configuration of an ASR900 that is a grandmaster, and prints what it means as a part of bragi's\n" +
			"configuration. What means nothing to bragi is listed with the reason. A line that bragi does not know is an error.",
		RunE: func(c *cobra.Command, args []string) error {
			text, err := pasted(c.Context(), c.InOrStdin(), args, ios.MaxBytes)
			if err != nil {
				return fmt.Errorf("config import-ios: %w", err)
			}
			result, err := ios.Read(text)
			if err != nil {
				return fmt.Errorf("config import-ios: %w", err)
			}
			if !result.Speaks() {
				return errors.New("config import-ios: no line of it is about a clock (fix: give the whole running configuration of the ASR900)")
			}
			if o.json {
				err = printJSON(c.OutOrStdout(), result)
			} else {
				_, err = io.WriteString(c.OutOrStdout(), imported(result))
			}
			if err == nil && len(result.Errors) > 0 {
				first := result.Errors[0]
				err = fmt.Errorf("config import-ios: %s not taken, the first is line %d (%s): %s", lines(len(result.Errors)), first.Line, first.From, first.Text)
			}
			return err
		}}
	c.Flags().BoolVar(&o.json, "json", false, "print JSON")
	return c
}

func lines(n int) string {
	if n == 1 {
		return "1 line was"
	}
	return fmt.Sprintf("%d lines were", n)
}

const mostLines = 20

// imported is the import as TOML: what was not taken is a comment.
func imported(i *ios.Import) string {
	var b strings.Builder
	b.WriteString(i.TOML())
	for _, part := range []struct {
		title string
		lines []ios.Line
	}{{"Errors: these lines were not taken", i.Errors}, {"Warnings", i.Warnings}, {"These lines mean nothing to bragi", i.Ignored}} {
		if len(part.lines) > 0 {
			fmt.Fprintf(&b, "\n# %s:\n", part.title)
		}
		for n, l := range part.lines {
			if n == mostLines {
				fmt.Fprintf(&b, "#   and %d more; --json has them all\n", len(part.lines)-n)
				break
			}
			fmt.Fprintf(&b, "#   line %d: %s\n#     %s\n", l.Line, l.From, l.Text)
		}
	}
	if i.Others > 0 {
		fmt.Fprintf(&b, "\n# Lines that have nothing to do with a clock: %d.\n", i.Others)
	}
	return b.String()
}

func snippetCommand(o *options) *cobra.Command {
	master, domain := "", -1
	c := &cobra.Command{Use: "client-snippet cbr8|rpd", Short: "Print the lines to paste at a client",
		Args: cli.ExactArgs(1, "cbr8 or rpd"), ValidArgs: []string{"cbr8", "rpd"},
		Long: "Prints the lines that a cBR8 needs to follow this grandmaster, or the lines for its Remote PHY devices, which are\n" +
			"entered at the cBR8 too. Address and domain are the daemon's, unless --master and --domain say them.",
		RunE: func(c *cobra.Command, args []string) error {
			if master == "" || domain < 0 {
				var s status.Status
				if err := o.client().Get(c.Context(), "/v1/status", &s); err != nil {
					return fmt.Errorf("%w; without a daemon, say --master ADDR and --domain N", err)
				}
				if master == "" {
					master = s.Master.Address
				}
				if domain < 0 {
					domain = int(s.Master.Domain)
				}
			}
			address, err := netip.ParseAddr(master)
			if err != nil || address.IsUnspecified() {
				return fmt.Errorf("config client-snippet: %q is no address that a client can ask (fix: set master.address, or say --master ADDR)", master)
			}
			if domain > 127 {
				return cli.Usagef("config client-snippet: --domain %d: a domain is 0 to 127", domain)
			}
			text, err := ios.Snippet(args[0], address.Unmap(), domain)
			if err != nil {
				return cli.Usagef("config client-snippet: %v", err)
			}
			_, err = io.WriteString(c.OutOrStdout(), text)
			return err
		}}
	c.Flags().StringVar(&master, "master", "", "this grandmaster's address; default: the daemon's")
	c.Flags().IntVar(&domain, "domain", -1, "its PTP domain; default: the daemon's")
	return c
}
