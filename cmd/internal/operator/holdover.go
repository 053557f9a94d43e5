package operator

import (
	"fmt"

	"github.com/spf13/cobra"

	"bragi/cmd/internal/cli"
	"bragi/cmd/internal/control"
	"bragi/cmd/internal/show"
)

// holdoverCommand is the holdover that the operator orders.
func holdoverCommand(o *options) *cobra.Command {
	order := func(use, short, long string, force bool, words func(control.Held) string) *cobra.Command {
		c := &cobra.Command{Use: use, Short: short, Long: long, Args: cli.NoArgs,
			RunE: func(c *cobra.Command, _ []string) error {
				var done control.Held
				if err := o.client().Post(c.Context(), "/v1/holdover", control.Holdover{Force: force}, &done); err != nil {
					return err
				}
				if o.json {
					return printJSON(c.OutOrStdout(), done)
				}
				_, err := fmt.Fprint(c.OutOrStdout(), words(done))
				return err
			}}
		c.Flags().BoolVar(&o.json, "json", false, "print JSON")
		return c
	}
	return cli.Group("holdover", "Force holdover, and release it",
		order("force", "Use no pulse until release: the clock holds over", "Force lets bragid use no pulse: the clock runs on its oscillator. It announces class 7 while the bound is inside\n"+
			"holdover.spec, then class 52. An alarm says so. Use it when you do not trust the receiver, or work at the antenna.\n"+
			"It stays until 'bragi holdover release', also over a reload and over a restart of bragid. It ends when the clock\n"+
			"begins anew: after a boot the clock has never locked, and there is nothing to hold.", true,
			func(h control.Held) string {
				class := "Its class is 52: bragi show clock tells why."
				switch {
				case h.Class7S == nil:
					class = "bragi show clock tells its class."
				case *h.Class7S > 0:
					class = fmt.Sprintf("Class 7 lasts %s, then the class is 52.", show.Seconds(h.Class7S))
				}
				return "Holdover is forced: no pulse is used. " + class + "\nbragi holdover release ends it.\n"
			}),
		order("release", "Use the pulses again, after force", "Release ends a forced holdover: bragid uses the pulses again. The clock comes back as from any holdover\n"+
			"(holdover.on_return).", false,
			func(control.Held) string {
				return "Holdover is released: the pulses are used again.\nbragi show clock tells how the clock locks.\n"
			}))
}
