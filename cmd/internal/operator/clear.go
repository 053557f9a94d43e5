package operator

import (
	"fmt"

	"github.com/spf13/cobra"

	"bragi/cmd/internal/cli"
	"bragi/cmd/internal/show"
	"bragi/cmd/internal/status"
)

// clearCommand forgets what is over.
func clearCommand(o *options) *cobra.Command {
	return cli.Group("clear", "Forget what is over",
		&cobra.Command{Use: "counters", Short: "Count packets from now on, on the screens; metrics and SNMP count on", Args: cli.NoArgs, RunE: func(c *cobra.Command, _ []string) error {
			var was status.Cleared
			if err := o.client().Post(c.Context(), "/v1/counters/clear", nil, &was); err != nil {
				return err
			}
			_, err := fmt.Fprintf(c.OutOrStdout(), "Cleared: %s sent, %d received until now.\n", show.Count(was.Sent, "packet"), was.Received)
			return err
		}},
		&cobra.Command{Use: "alarms", Short: "Forget the alarms that are over; those that stand stay", Args: cli.NoArgs, RunE: func(c *cobra.Command, _ []string) error {
			var left []status.PastAlarm
			if err := o.client().Post(c.Context(), "/v1/alarms/clear", nil, &left); err != nil {
				return err
			}
			_, err := fmt.Fprintf(c.OutOrStdout(), "The history has %s left.\n", show.Count(len(left), "alarm"))
			return err
		}})
}
