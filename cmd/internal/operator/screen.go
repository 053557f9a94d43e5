package operator

import (
	"context"
	"encoding/json"
	"io"
	"time"

	"github.com/spf13/cobra"

	"bragi/cmd/internal/cli"
	"bragi/cmd/internal/show"
	"bragi/cmd/internal/status"
	"bragi/cmd/internal/terminal"
)

// screen is a `show` command: where what it shows comes from, how that is drawn
// at a width, and what of it is its JSON.
type screen[T any] struct {
	ask  func(ctx context.Context, args []string) (T, error)
	draw func(v T, width int) string
	json func(v T) any
	kept terminal.End // of a screen that is longer than the terminal
}

// watchEvery is how often a screen that is watched is drawn again.
const watchEvery = time.Second

// command makes a `show` command of a screen, with --json and --watch.
func command[T any](o *options, use, short string, args cobra.PositionalArgs, s screen[T]) *cobra.Command {
	watch := false
	c := &cobra.Command{Use: use, Short: short, Args: args, RunE: func(c *cobra.Command, args []string) error {
		if watch {
			return s.watch(c, o, args)
		}
		v, err := s.ask(c.Context(), args)
		if err != nil {
			return err
		}
		return s.print(c.OutOrStdout(), o, v)
	}}
	c.Flags().BoolVar(&o.json, "json", false, "print JSON")
	c.Flags().BoolVar(&watch, "watch", false, "draw it again every second; with --json an object a line")
	return c
}

func (s screen[T]) print(w io.Writer, o *options, v T) error {
	if o.json {
		return printJSON(w, s.json(v))
	}
	return o.write(w, func(width int) string { return s.draw(v, width) })
}

// write puts out a text that was drawn at the face's width, in columns; 0: any.
func (o *options) write(w io.Writer, draw func(width int) string) error {
	width := o.face.Size().Columns
	text := draw(width)
	if o.face.Whole {
		width = 0
	}
	_, err := io.WriteString(w, show.Fit(text, width))
	return err
}

// watch shows the screen again and again until the context ends. On a terminal a
// daemon that is away for a while is waited for.
func (s screen[T]) watch(c *cobra.Command, o *options, args []string) error {
	ctx := c.Context()
	again := time.NewTicker(watchEvery)
	defer again.Stop()
	for {
		v, err := s.ask(ctx, args)
		switch {
		case ctx.Err() != nil:
			return nil
		case err != nil && (o.face.Draw == nil || o.json):
			return err
		case err != nil:
			err = o.face.Draw(err.Error()+"\n", terminal.Beginning)
		case o.json:
			err = json.NewEncoder(c.OutOrStdout()).Encode(s.json(v))
		case o.face.Draw != nil:
			err = o.face.Draw(s.draw(v, o.face.Size().Columns), s.kept)
		default:
			err = s.print(c.OutOrStdout(), o, v)
		}
		if err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case <-again.C:
		}
	}
}

// status asks the daemon for its Status.
func (o *options) status(ctx context.Context, _ []string) (s status.Status, err error) {
	err = o.client().Get(ctx, "/v1/status", &s)
	return s, err
}

// ofStatus is a screen of a part of the Status.
func ofStatus(o *options, use, short string, draw func(status.Status) string, part func(status.Status) any) *cobra.Command {
	return ofStatusAt(o, use, short, func(s status.Status, _ int) string { return draw(s) }, part)
}

// ofStatusAt is one whose shape depends on the width.
func ofStatusAt(o *options, use, short string, draw func(s status.Status, width int) string, part func(status.Status) any) *cobra.Command {
	return command(o, use, short, cli.NoArgs, screen[status.Status]{ask: o.status, draw: draw, json: part})
}
