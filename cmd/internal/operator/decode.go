package operator

import (
	"context"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"bragi/cmd/internal/cli"
	"bragi/cmd/internal/file"
	"bragi/cmd/internal/rpd"
)

func decodeCommand(o *options) *cobra.Command {
	c := &cobra.Command{Use: "rpd [FILE]", Short: "Read the screens of a Remote PHY device: true losses, a story, warnings",
		Args: cli.AtMostArg("a file with the pasted screens; without it, standard input"),
		Long: "Reads the screens `show ptp clock 0 state`, `show ptp clock 0 statistics` and `show ptp clock 0 config` of a Remote PHY\n" +
			"device (RPD), as they were pasted: with prompts, cut lines and other text around them. It undoes what the RPD's\n" +
			"counters of lost messages get wrong, tells the history as a story, and says what is worth a look.",
		Example: "  bragi decode rpd paste.txt\n  bragi decode rpd < paste.txt",
		RunE: func(c *cobra.Command, args []string) error {
			text, err := pasted(c.Context(), c.InOrStdin(), args, rpd.MaxBytes)
			if err != nil {
				return fmt.Errorf("decode rpd: %w", err)
			}
			report, err := rpd.Decode(c.Context(), text)
			if err != nil {
				return fmt.Errorf("decode rpd: %w", err)
			}
			if o.json {
				return printJSON(c.OutOrStdout(), report)
			}
			return o.write(c.OutOrStdout(), report.Text)
		}}
	c.Flags().BoolVar(&o.json, "json", false, "print JSON")
	return cli.Group("decode", "Read what a client's own screens say", c)
}

// pasted reads the file that args name, or in where there is none or a "-". It waits no
// longer than ctx lasts.
func pasted(ctx context.Context, in io.Reader, args []string, limit int64) (string, error) {
	if len(args) == 1 && args[0] != "-" {
		text, err := file.Read(args[0], limit)
		if err != nil {
			return "", fmt.Errorf("%w (fix: name a text file that can be read, or - for standard input)", err)
		}
		return string(text), nil
	}
	if f, is := in.(*os.File); is && term.IsTerminal(int(f.Fd())) {
		fmt.Fprintln(os.Stderr, "Paste the text here. Enter and then Ctrl-D end it.")
	}
	type result struct {
		text []byte
		err  error
	}
	read := make(chan result, 1)
	go func() {
		text, err := io.ReadAll(io.LimitReader(in, limit+1))
		read <- result{text, err}
	}()
	select {
	case r := <-read:
		return string(r.text), r.err
	case <-ctx.Done():
		return "", fmt.Errorf("stopped before the text ended (fix: end it with Enter and Ctrl-D): %w", ctx.Err())
	}
}
