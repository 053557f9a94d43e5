package operator

import (
	"context"
	"fmt"
	"io"
	"net/netip"
	"time"

	"github.com/spf13/cobra"

	"bragi/cmd/internal/cli"
	"bragi/cmd/internal/control"
	"bragi/cmd/internal/show"
	"bragi/cmd/internal/status"
)

// clientCommand shows all that is known of one client, or of a refused sender.
func clientCommand(o *options) *cobra.Command {
	c := &cobra.Command{Use: "client ADDR", Short: "Everything about one client, or about a refused address", Args: cli.ExactArgs(1, "a client's address"),
		RunE: func(c *cobra.Command, args []string) error {
			address, err := netip.ParseAddr(args[0])
			if err != nil {
				return cli.Usagef("%q is not an address", args[0])
			}
			var s status.Status
			if err := o.client().Get(c.Context(), "/v1/status", &s); err != nil {
				return err
			}
			text, found := show.Client(s, address.String())
			if !found {
				return fmt.Errorf("nothing was heard from %s (fix: check the routes in both directions, and that its clock source is %s)", address, s.Master.Address)
			}
			if !o.json {
				_, err := io.WriteString(c.OutOrStdout(), text)
				return err
			}
			evidence := struct {
				Clients []status.Client `json:"clients"`
				Denied  []status.Denied `json:"denied"`
			}{[]status.Client{}, []status.Denied{}}
			for _, client := range s.Clients {
				if client.Address == address.String() {
					evidence.Clients = append(evidence.Clients, client)
				}
			}
			for _, denied := range s.Denied {
				if denied.Address == address.String() {
					evidence.Denied = append(evidence.Denied, denied)
				}
			}
			return printJSON(c.OutOrStdout(), evidence)
		}}
	c.Flags().BoolVar(&o.json, "json", false, "print JSON")
	return c
}

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
			fmt.Fprintf(out, "%d clients left\n", left)
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%d clients have not acknowledged within %v (fix: wait for their grants to end, or go on)", left, drainPatience)
		case <-time.After(200 * time.Millisecond):
		}
	}
}
