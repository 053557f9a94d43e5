package operator

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"bragi/cmd/internal/cli"
)

// restartPatience is how long systemd may take to restart the daemon: more than its own limits, 20 s to stop it and 90 s
// to start it, so that it is systemd who tells why it failed.
const restartPatience = 3 * time.Minute

// restartCommand starts the daemon anew. It asks systemd, so that it also helps
// where no daemon answers.
func restartCommand(o *options) *cobra.Command {
	anyway := false
	c := &cobra.Command{Use: "restart", Short: "Start the daemon anew; clients keep their grants", Args: cli.NoArgs,
		Long: "Restart lets systemd start bragid anew, or start it when it does not run. Clients keep their grants and go on.\n" +
			"bragi show restart tells how long they waited. A configuration file that bragid would refuse is told before: nothing is restarted.",
		RunE: func(c *cobra.Command, _ []string) error {
			ctx, stop := context.WithTimeout(c.Context(), restartPatience)
			defer stop()
			if !anyway {
				if err := o.startable(ctx); err != nil {
					return err
				}
			}
			_, err := exec.CommandContext(ctx, "systemctl", "restart", unit).Output()
			switch {
			case c.Context().Err() != nil:
				return GoesOn{"systemd goes on with the restart (fix: bragi show clock tells when bragid answers again)"}
			case err != nil:
				return fmt.Errorf("bragid is not restarted: %w (fix: %sbragi show log tells why a start failed)", told(err), cli.UnlessRoot("run as root; "))
			}
			_, err = fmt.Fprintln(c.OutOrStdout(), "bragid was restarted. bragi show clock tells how it goes on.")
			return err
		}}
	c.Flags().BoolVar(&anyway, "anyway", false, "also when the configuration file would be refused")
	return c
}

// startable asks the daemon that runs whether the next one would take the configuration
// file. One that does not answer is restarted in any case.
func (o *options) startable(ctx context.Context) error {
	c, err := o.client().Config(ctx)
	if err == nil {
		_, err = o.client().CheckConfig(ctx, c.Text)
	}
	var dead syscall.Errno // nobody answers
	if err != nil && !errors.As(err, &dead) && !errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("bragid is not restarted, since it would not start: %w", err)
	}
	return nil
}
