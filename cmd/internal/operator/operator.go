// Package operator is the command tree of bragi, the operator's program. The shell
// and the console share it.
package operator

import (
	"cmp"
	"context"
	"encoding/json"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"bragi/cmd/internal/cli"
	"bragi/cmd/internal/control"
	"bragi/cmd/internal/show"
	"bragi/cmd/internal/status"
	"bragi/cmd/internal/update"
)

// GoesOn is the error of a command that was left while what it began goes on: it says so, and
// how to end that.
type GoesOn struct{ text string }

func (e GoesOn) Error() string { return e.text }

// DefaultSocket is the control socket that is asked where nobody names one.
func DefaultSocket() string { return cmp.Or(os.Getenv("BRAGI_SOCKET"), control.StandardSocket) }

// WritesFile is the annotation of a flag whose value is a file to write.
const WritesFile = "writes-file"

// pictureFlag is the flag of a picture to write.
func pictureFlag(f *pflag.FlagSet, file *string, name, usage string) {
	f.StringVar(file, name, "", usage)
	f.SetAnnotation(name, WritesFile, []string{"svg"}) //nolint:errcheck // the flag is there
}

// options are the flags that all commands share, and where they draw.
type options struct {
	socket string
	json   bool
	face   Face
}

func (o *options) client() *control.Client { return control.NewClient(o.socket) }

// Command returns the root command, which draws on face; more are commands that
// only one of shell and console has.
func Command(face Face, more ...*cobra.Command) *cobra.Command {
	o := &options{face: face}
	root := cli.Group("bragi", "The operator's program of the bragi grandmaster",
		showCommand(o), clearCommand(o), clockCommand(o), holdoverCommand(o), referenceCommand(o), drillCommand(o), gnssCommand(o), drainCommand(o), reloadCommand(o), restartCommand(o), simCommand(o), rehearseCommand(o),
		simulateCommand(o), stabilityCommand(o), replayCommand(o), explainCommand(o), decodeCommand(o), configCommand(o),
		update.Command(func(ctx context.Context) (status.Status, error) { return o.status(ctx, nil) }))
	root.AddCommand(more...)
	if face.Draw != nil && !face.Whole {
		root.SetOut(cli.HarmlessWriter(os.Stdout)) // whatever a verb prints of a foreign text
	}
	root.Long = "The operator's program of the bragi grandmaster. It asks the daemon bragid. It also plays a client of any\n" +
		"grandmaster, and works on records and models: these need no daemon."
	root.SetHelpFunc(o.help(root.HelpFunc()))
	root.PersistentFlags().StringVar(&o.socket, "socket", DefaultSocket(), "the control socket of the daemon; also $BRAGI_SOCKET")
	return root
}

// help draws the help of a command so that it fits the terminal.
func (o *options) help(draw func(*cobra.Command, []string)) func(*cobra.Command, []string) {
	return func(c *cobra.Command, args []string) {
		out := c.OutOrStdout()
		var text strings.Builder
		c.SetOut(&text)
		draw(c, args)
		c.SetOut(out)
		columns := o.face.Size().Columns
		if o.face.Whole {
			columns = 0
		}
		io.WriteString(out, show.Fit(text.String(), columns)) //nolint:errcheck // a reader that hangs up is its own affair
	}
}

func printJSON(w io.Writer, v any) error {
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	return encoder.Encode(v)
}
