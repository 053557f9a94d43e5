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

var drainGoesOn = GoesOn{"the drain goes on: clients are sent away, and nobody gets a grant (fix: bragi drain --end ends it)"}

// drainCommand sends every client away before a real shutdown.
func drainCommand(o *options) *cobra.Command {
	var end bool
	c := &cobra.Command{Use: "drain", Short: "Send every client away and grant nothing, before a real shutdown", Args: cli.NoArgs,
		Long: "Drain cancels the grants of every client and grants nothing more. So clients look for another grandmaster at once.\n" +
			"It ends when bragid restarts, or with 'bragi drain --end'.",
		RunE: func(c *cobra.Command, _ []string) error {
			before, err := o.status(c.Context(), nil)
			if err != nil {
				return err
			}
			var s status.Status
			if err := o.client().Post(c.Context(), "/v1/drain", control.Drain{On: !end}, &s); err != nil {
				return err
			}
			if end {
				_, err := fmt.Fprint(c.OutOrStdout(), show.DrainEnded(before.Clock.Draining, s))
				return err
			}
			return waitDrained(c.Context(), o.client(), c.OutOrStdout())
		}}
	c.Flags().BoolVar(&end, "end", false, "end the drain")
	return c
}

// waitDrained waits until no client is left. Who does not wait is told that the drain stands.
func waitDrained(asked context.Context, client *control.Client, out io.Writer) error {
	ctx, stop := context.WithTimeout(asked, drainPatience)
	defer stop()
	left := -1
	for {
		var s status.Status
		err := client.Get(ctx, "/v1/status", &s)
		switch {
		case asked.Err() != nil:
			return drainGoesOn
		case err != nil:
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
		case <-asked.Done():
			return drainGoesOn
		case <-ctx.Done():
			return fmt.Errorf("%s not acknowledged within %v (fix: wait for the grants to end, or go on)", show.Count(left, "client"), drainPatience)
		case <-time.After(200 * time.Millisecond):
		}
	}
}
