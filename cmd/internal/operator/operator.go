// Package operator is the command tree of bragi, the operator's program.
package operator

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"bragi/cmd/internal/cli"
	"bragi/cmd/internal/control"
	"bragi/cmd/internal/show"
	"bragi/cmd/internal/status"
	"bragi/cmd/internal/version"
)

const defaultSocket = "/run/bragi/control.sock"

// options are the flags that all commands share.
type options struct {
	socket string
	json   bool
}

func (o *options) client() *control.Client { return control.NewClient(o.socket) }

// Command returns the root command.
func Command() *cobra.Command {
	o := &options{}
	root := cli.Group("bragi", "The operator's program of the bragi grandmaster",
		showCommand(o), clockCommand(o), drainCommand(o), reloadCommand(o), simCommand(o), rehearseCommand(o),
		simulateCommand(o), stabilityCommand(o), replayCommand(o), decodeCommand(o), configCommand(o))
	root.Long = "The operator's program of the bragi grandmaster. It asks the daemon bragid. It also plays a client of any\n" +
		"grandmaster, and works on records and models: these need no daemon."
	root.PersistentFlags().StringVar(&o.socket, "socket", cmp.Or(os.Getenv("BRAGI_SOCKET"), defaultSocket),
		"the control socket of the daemon; also $BRAGI_SOCKET")
	return root
}

// screen is a `show` command: how it draws a status, and what of it is its JSON.
func screen(o *options, use, short string, draw func(status.Status) string, part func(status.Status) any) *cobra.Command {
	c := &cobra.Command{Use: use, Short: short, Args: cli.NoArgs, RunE: func(c *cobra.Command, _ []string) error {
		var s status.Status
		if err := o.client().Get(c.Context(), "/v1/status", &s); err != nil {
			return err
		}
		if o.json {
			return printJSON(c.OutOrStdout(), part(s))
		}
		_, err := io.WriteString(c.OutOrStdout(), draw(s))
		return err
	}}
	c.Flags().BoolVar(&o.json, "json", false, "print JSON")
	return c
}

func showCommand(o *options) *cobra.Command {
	return cli.Group("show", "Show the daemon's state",
		screen(o, "clock", "The clock: state, class, error, bound, and why", show.Clock, func(s status.Status) any { return s.Clock }),
		screen(o, "holdover", "The oscillator: what is known of it, and how long holdover lasts", show.Holdover, func(s status.Status) any { return s.Holdover }),
		screen(o, "gnss", "The receiver: fix, second, satellites, pulse, set-up", show.GNSS, func(s status.Status) any { return s.GNSS }),
		screen(o, "clients", "The clients with a grant, and the refused ones", show.Clients, func(s status.Status) any { return s.Clients }),
		clientCommand(o),
		screen(o, "hardware", "The board's clock and network port, and the measured error of the time in Sync", show.Hardware, func(s status.Status) any { return s.Hardware }),
		screen(o, "alarms", "What is wrong and what to do, the most serious first", show.Alarms, func(s status.Status) any { return s.Alarms }),
		screen(o, "restart", "What this process took over from the last one, and the longest gap between Announces", show.Restart, func(s status.Status) any { return s.Restart }),
		cli.Group("ptp", "As on a Cisco screen", cli.Group("clock", "As on a Cisco screen",
			screen(o, "running", "The PTP clock, with the words and columns of an ASR900", show.PTPClockRunning,
				func(s status.Status) any { return map[string]any{"clock": s.Clock, "master": s.Master} }))),
		&cobra.Command{Use: "version", Short: "The versions of this program and of the daemon", Args: cli.NoArgs,
			RunE: func(c *cobra.Command, _ []string) error {
				fmt.Fprintln(c.OutOrStdout(), version.Line("bragi"))
				var s status.Status
				if err := o.client().Get(c.Context(), "/v1/status", &s); err != nil {
					return err
				}
				fmt.Fprintln(c.OutOrStdout(), "bragid "+s.Version)
				return nil
			}},
	)
}

func printJSON(w io.Writer, v any) error {
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	return encoder.Encode(v)
}
