package operator

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"bragi/cmd/internal/cli"
	"bragi/cmd/internal/control"
)

// clockCommand is what the operator decides about the clock.
func clockCommand(o *options) *cobra.Command {
	return cli.Group("clock", "What the operator decides about the clock",
		cli.Group("accept", "Take the operator's word for something", acceptReceiverCommand(o)))
}

// acceptReceiverCommand tells the daemon that the receiver is right.
func acceptReceiverCommand(o *options) *cobra.Command {
	c := &cobra.Command{Use: "receiver", Short: "The receiver is right: the clock follows it again", Args: cli.NoArgs,
		Long: "Accept receiver tells bragid that a receiver is right which it refuses: another second than the clock's, another place of the\n" +
			"antenna, another count of leap seconds. What contradicts the receiver is forgotten. The clock follows: it announces class 52,\n" +
			"is stepped when it has another second, and locks again. Check the receiver by another clock first: clients see the step.",
		RunE: func(c *cobra.Command, _ []string) error {
			var done control.Accepted
			if err := o.client().Post(c.Context(), "/v1/clock/accept", control.Accept{What: "receiver"}, &done); err != nil {
				return err
			}
			if o.json {
				return printJSON(c.OutOrStdout(), done)
			}
			_, err := fmt.Fprintf(c.OutOrStdout(), "The receiver is right. Forgotten: %s.\nbragi show clock tells how the clock follows.\n", strings.Join(done.Forgotten, "; "))
			return err
		}}
	c.Flags().BoolVar(&o.json, "json", false, "print JSON")
	return c
}
