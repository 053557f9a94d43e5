package operator

import (
	"github.com/spf13/cobra"

	"bragi/cmd/internal/cli"
)

// replayCommand plays recordings.
func replayCommand(o *options) *cobra.Command {
	return cli.Group("replay", "Play a recording through the daemon's own code",
		replayGNSSCommand(o), replayPhaseCommand(o))
}
