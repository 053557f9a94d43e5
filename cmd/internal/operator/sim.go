package operator

import (
	"fmt"
	"io"
	"net/url"
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
	var reference string
	antenna := func(use, short string, a control.Antenna) *cobra.Command {
		return &cobra.Command{Use: use, Short: short, Args: cli.NoArgs, RunE: func(c *cobra.Command, _ []string) error {
			a.Reference = reference
			return post(c, "/v1/sim/antenna", a)
		}}
	}
	var by time.Duration
	glitch := &cobra.Command{Use: "glitch", Short: "Move the next pulse by --by", Args: cli.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return post(c, "/v1/sim/glitch", control.Glitch{ByNs: int64(by), Reference: reference})
		}}
	glitch.Flags().DurationVar(&by, "by", time.Microsecond, "how far the pulse is moved; positive: late")
	var late, drift time.Duration
	var ahead int
	lie := &cobra.Command{Use: "lie", Short: "Let the receiver tell what is not so; without a flag it tells the truth again", Args: cli.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return post(c, "/v1/sim/lie", control.Lie{LateNs: float64(late), DriftNs: float64(drift), AheadS: ahead, Reference: reference})
		}}
	lie.Flags().DurationVar(&late, "late", 0, "how late each pulse is; negative: early")
	lie.Flags().DurationVar(&drift, "drift", 0, "how much later each pulse is than the one before: a false sky that pulls the clock away")
	lie.Flags().IntVar(&ahead, "ahead", 0, "by how many seconds the messages are ahead")
	state := &cobra.Command{Use: "status", Short: "The truth: the board of software knows it, the servo does not", Args: cli.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			var s status.Sim
			path := "/v1/sim"
			if reference != "" {
				path += "?reference=" + url.QueryEscape(reference)
			}
			if err := o.client().Get(c.Context(), path, &s); err != nil {
				return err
			}
			return printSim(c.OutOrStdout(), o.json, s)
		}}
	sim := cli.Group("sim", "Change the board of software",
		cli.Group("antenna", "Cut or restore the antenna",
			antenna("cut", "Cut the antenna: no fix, no pulse", control.Antenna{OK: false}), antenna("restore", "Connect the antenna again", control.Antenna{OK: true})),
		cli.Group("pps", "Disturb the pulse", glitch), lie, state)
	sim.PersistentFlags().StringVar(&reference, "reference", "", "whose receiver: the name of a reference; default: that of [gnss]")
	sim.AddCommand(simReceiver(&reference, post)...)
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
