package operator

import (
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"bragi/cmd/internal/cli"
	"bragi/cmd/internal/control"
	"bragi/cmd/internal/show"
	"bragi/cmd/internal/status"
)

// simCommand turns the knobs of the board of software.
func simCommand(o *options) *cobra.Command {
	post := func(c *cobra.Command, path string, body any) error {
		var s status.Sim
		if err := o.client().Post(c.Context(), path, body, &s); err != nil {
			return err
		}
		return printSim(c.OutOrStdout(), o.json, s)
	}
	antenna := func(use, short string, a control.Antenna) *cobra.Command {
		return &cobra.Command{Use: use, Short: short, Args: cli.NoArgs, RunE: func(c *cobra.Command, _ []string) error {
			return post(c, "/v1/sim/antenna", a)
		}}
	}
	var by time.Duration
	glitch := &cobra.Command{Use: "glitch", Short: "Move the next pulse by --by", Args: cli.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return post(c, "/v1/sim/glitch", control.Glitch{ByNs: int64(by)})
		}}
	glitch.Flags().DurationVar(&by, "by", time.Microsecond, "how far the pulse is moved; positive: late")
	state := &cobra.Command{Use: "status", Short: "The truth: the board of software knows it, the servo does not", Args: cli.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			var s status.Sim
			if err := o.client().Get(c.Context(), "/v1/sim", &s); err != nil {
				return err
			}
			return printSim(c.OutOrStdout(), o.json, s)
		}}
	sim := cli.Group("sim", "Change the board of software",
		cli.Group("antenna", "Cut or restore the antenna",
			antenna("cut", "Cut the antenna: no fix, no pulse", control.Antenna{OK: false}), antenna("restore", "Connect the antenna again", control.Antenna{OK: true})),
		cli.Group("pps", "Disturb the pulse", glitch), state)
	sim.AddCommand(simReceiver(post)...)
	sim.PersistentFlags().BoolVar(&o.json, "json", false, "print JSON")
	return sim
}

func printSim(w io.Writer, asJSON bool, s status.Sim) error {
	if asJSON {
		return printJSON(w, s)
	}
	_, err := fmt.Fprintf(w, "antenna %s, true error %s, oscillator %s at %.2f C\n", s.Antenna, show.Ns(&s.TrueErrorNs), s.Oscillator, s.TemperatureC)
	return err
}
