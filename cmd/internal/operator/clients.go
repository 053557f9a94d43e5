package operator

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"bragi/cmd/internal/cli"
	"bragi/cmd/internal/control"
	"bragi/cmd/internal/show"
	"bragi/cmd/internal/status"
)

// drainPatience is how long a drain waits for the clients' acknowledgements.
const drainPatience = 15 * time.Second

// drainCommand sends every client away before a real shutdown.
func drainCommand(o *options) *cobra.Command {
	var end bool
	c := &cobra.Command{Use: "drain", Short: "Send every client away and grant nothing, before a real shutdown", Args: cli.NoArgs,
		Long: "Drain cancels the grants of every client and grants nothing more. So clients look for another grandmaster at once.\n" +
			"It ends when bragid restarts, or with 'bragi drain --end'.",
		RunE: func(c *cobra.Command, _ []string) error {
			var s status.Status
			if err := o.client().Post(c.Context(), "/v1/drain", control.Drain{On: !end}, &s); err != nil {
				return err
			}
			if end {
				fmt.Fprintln(c.OutOrStdout(), "The drain has ended: clients can get grants again.")
				return nil
			}
			return waitDrained(c.Context(), o.client(), c.OutOrStdout())
		}}
	c.Flags().BoolVar(&end, "end", false, "end the drain: clients can get grants again")
	return c
}

func waitDrained(ctx context.Context, client *control.Client, out io.Writer) error {
	ctx, stop := context.WithTimeout(ctx, drainPatience)
	defer stop()
	left := -1
	for {
		var s status.Status
		if err := client.Get(ctx, "/v1/status", &s); err != nil {
			return err
		}
		if s.Master.Clients == 0 {
			fmt.Fprintln(out, "Drained: no client has a grant.")
			return nil
		}
		if s.Master.Clients != left {
			left = s.Master.Clients
			fmt.Fprintf(out, "%s left\n", show.Count(left, "client"))
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%s not acknowledged within %v (fix: wait for the grants to end, or go on)", show.Count(left, "client"), drainPatience)
		case <-time.After(200 * time.Millisecond):
		}
	}
}
