package operator

import (
	"io"

	"github.com/spf13/cobra"

	"bragi/cmd/internal/cli"
	"bragi/cmd/internal/control"
)

// reloadCommand lets the daemon read its configuration again.
func reloadCommand(o *options) *cobra.Command {
	c := &cobra.Command{Use: "reload", Short: "Read the configuration again; what needs a restart is named", Args: cli.NoArgs,
		Long: "bragid reads its configuration file again. It applies what can change without a gap. It names what waits for a\n" +
			"restart, which clients do not notice either. It refuses a wrong configuration: the old one stays.",
		RunE: func(c *cobra.Command, _ []string) error {
			var done control.Reloaded
			if err := o.client().Post(c.Context(), "/v1/reload", nil, &done); err != nil {
				return err
			}
			if o.json {
				return printJSON(c.OutOrStdout(), done)
			}
			_, err := io.WriteString(c.OutOrStdout(), ReloadedText(done))
			return err
		}}
	c.Flags().BoolVar(&o.json, "json", false, "print JSON")
	return c
}
