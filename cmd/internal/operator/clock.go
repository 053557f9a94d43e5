package operator

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"bragi/cmd/internal/cli"
	"bragi/cmd/internal/control"
	"bragi/cmd/internal/show"
)

// clockCommand is what the operator decides about the clock.
func clockCommand(o *options) *cobra.Command {
	return cli.Group("clock", "What the operator decides about the clock",
		cli.Group("accept", "Take the operator's word for something", acceptReceiverCommand(o)),
		stepCommand(o))
}

// stepCommand orders a step in the place of a slew.
func stepCommand(o *options) *cobra.Command {
	var yes bool
	c := &cobra.Command{Use: "step", Short: "Step the clock to the pulse, in the place of a long slew", Args: cli.NoArgs,
		Long: "Step sets the clock to the pulse at once, while it slews there out of spec. Clients see the step: those that do not bear one lose\n" +
			"their lock. Without --yes, step tells what it would do and does nothing. It is refused while there is nothing to step to, and in\n" +
			"spec. holdover.on_return says what the clock does without an order.",
		RunE: func(c *cobra.Command, _ []string) error {
			var done control.Stepped
			if err := o.client().Post(c.Context(), "/v1/clock/step", control.Step{Yes: yes}, &done); err != nil {
				return err
			}
			var err error
			by := -done.TimeErrorNs
			switch {
			case o.json:
				err = printJSON(c.OutOrStdout(), done)
			case yes:
				_, err = fmt.Fprintf(c.OutOrStdout(), "The clock steps by %s with the next pulse.\nbragi show clock tells how it locks.\n", show.Ns(&by))
			default:
				_, err = fmt.Fprintf(c.OutOrStdout(), "The clock would step by %s. Clients see that step.\nWithout it the clock slews, and is locked in %s.\n",
					show.Ns(&by), show.Seconds(done.SlewS))
			}
			if err == nil && !yes {
				err = cli.Usagef("nothing is done without --yes (fix: bragi clock step --yes)")
			}
			return err
		}}
	c.Flags().BoolVar(&yes, "yes", false, "do it: clients see the step")
	c.Flags().BoolVar(&o.json, "json", false, "print JSON")
	return c
}

// acceptReceiverCommand tells the daemon that the receiver is right.
func acceptReceiverCommand(o *options) *cobra.Command {
	c := &cobra.Command{Use: "receiver [NAME]", Short: "The receiver is right: the clock follows it again", Args: cli.AtMostArg("the name of a receiver"),
		Long: "Accept receiver tells bragid that a receiver is right which it refuses: another second than the clock's, another place of the\n" +
			"antenna, another count of leap seconds. Where references disagree, NAME is right, and those that differ from it are odd; one that\n" +
			"was ordered (bragi reference switch NAME) needs no name. What contradicts the receiver is forgotten. The clock follows: it\n" +
			"announces class 52, is stepped when it has another second, and locks again. Check the receiver by another clock first: clients\n" +
			"see the step.",
		RunE: func(c *cobra.Command, args []string) error {
			var done control.Accepted
			if err := o.client().Post(c.Context(), "/v1/clock/accept", control.Accept{What: "receiver", Name: strings.Join(args, "")}, &done); err != nil {
				return err
			}
			if o.json {
				return printJSON(c.OutOrStdout(), done)
			}
			who, is := "The receiver", "is"
			if len(done.Names) > 0 {
				who = strings.Join(done.Names, " and ")
			}
			if len(done.Names) > 1 {
				is = "are"
			}
			_, err := fmt.Fprintf(c.OutOrStdout(), "%s %s right. Forgotten: %s.\nbragi show clock tells how the clock follows.\n", who, is, strings.Join(done.Forgotten, "; "))
			return err
		}}
	c.Flags().BoolVar(&o.json, "json", false, "print JSON")
	return c
}
