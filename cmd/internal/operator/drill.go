package operator

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"

	"bragi/cmd/internal/cli"
	"bragi/cmd/internal/control"
	"bragi/cmd/internal/show"
	"bragi/cmd/internal/status"
	"bragi/cmd/internal/terminal"
)

// drillCommand tries a holdover, and shows what it was worth.
func drillCommand(o *options) *cobra.Command {
	state := ofStatus(o, "status", "The drill that runs, the last one, and the schedule", show.Drills, func(s status.Status) any { return s.Holdover.Drills })
	return cli.Group("drill", "Try a holdover beside the served clock: clients see nothing of it",
		drillHoldoverCommand(o), state, drillReportCommand(o), drillCancelCommand(o))
}

// drillLook is how often a drill that is waited for is looked at.
const drillLook = time.Second

func drillHoldoverCommand(o *options) *cobra.Command {
	var length time.Duration
	wait := false
	c := &cobra.Command{Use: "holdover", Short: "Begin a holdover drill", Args: cli.NoArgs,
		Long: "A copy of the clock gets no more pulses and coasts, while the served clock stays locked: clients see nothing of it. The\n" +
			"pulses that the served clock takes judge the copy: its error, its bound, and what was forecast. bragi drill report shows the\n" +
			"result. A drill ends early when the pulse is lost, or when bragid stops: then its figures stay, and it has no verdict.",
		RunE: func(c *cobra.Command, _ []string) error {
			if c.Flags().Changed("for") && length <= 0 {
				return cli.Usagef("--for %v: use a time such as 4h", length)
			}
			var r status.RunningDrill
			if err := o.client().Post(c.Context(), "/v1/drill/start", control.Drill{ForNs: length.Nanoseconds()}, &r); err != nil {
				return err
			}
			if wait {
				return waitForDrill(c, o, r.ID)
			}
			if o.json {
				return printJSON(c.OutOrStdout(), r)
			}
			_, err := fmt.Fprintf(c.OutOrStdout(), "The drill %s runs for %s. Clients see nothing of it.\nbragi drill status tells how it stands.\n", r.ID, show.Seconds(&r.ForS))
			return err
		}}
	c.Flags().DurationVar(&length, "for", 0, "how long the copy coasts, 10s to 168h; default: holdover.drill_for")
	c.Flags().BoolVar(&wait, "wait", false, "wait for the end, and print the report")
	c.Flags().BoolVar(&o.json, "json", false, "print JSON")
	return c
}

// waitForDrill prints the report of a drill once that is over. On a terminal it shows
// how the drill stands meanwhile.
func waitForDrill(c *cobra.Command, o *options, id string) error {
	goesOn := GoesOn{fmt.Sprintf("the drill %s goes on (fix: bragi drill cancel ends it)", id)}
	again := time.NewTicker(drillLook)
	defer again.Stop()
	for {
		s, err := o.status(c.Context(), nil)
		switch {
		case c.Context().Err() != nil:
			return goesOn
		case err != nil:
			return err
		}
		d := s.Holdover.Drills
		if d == nil || d.Running == nil || d.Running.ID != id {
			break
		}
		if o.face.Draw != nil && !o.json {
			if err := o.face.Draw(show.Drills(s), terminal.Beginning); err != nil {
				return err
			}
		}
		select {
		case <-c.Context().Done():
			return goesOn
		case <-again.C:
		}
	}
	return printDrill(c, o, id)
}

func printDrill(c *cobra.Command, o *options, id string) error {
	r, err := o.drillReport(c.Context(), id)
	if err != nil {
		return err
	}
	return drillScreen(o).print(c.OutOrStdout(), o, r)
}

// drillReport asks for a report; id "": the latest.
func (o *options) drillReport(ctx context.Context, id string) (r status.DrillReport, err error) {
	if id == "" {
		id = "last"
	}
	return r, o.client().Get(ctx, "/v1/drill/reports/"+id, &r)
}

func drillScreen(o *options) screen[status.DrillReport] {
	return screen[status.DrillReport]{
		ask: func(ctx context.Context, args []string) (status.DrillReport, error) {
			return o.drillReport(ctx, append(args, "")[0])
		},
		draw: show.DrillReport, json: func(r status.DrillReport) any { return r }}
}

func drillReportCommand(o *options) *cobra.Command {
	var picture string
	list := false
	c := &cobra.Command{Use: "report [ID]", Short: "What a drill has shown: the last one, or that of an id", Args: cli.AtMostArg("the id of a drill"),
		RunE: func(c *cobra.Command, args []string) error {
			id := append(args, "")[0]
			switch {
			case picture != "" && o.json:
				return cli.Usagef("--svg writes a picture and --json prints the figures (fix: one of them at a time)")
			case list:
				var drills []status.Drill
				if err := o.client().Get(c.Context(), "/v1/drill/reports", &drills); err != nil {
					return err
				}
				return screen[[]status.Drill]{draw: show.DrillList, json: func(l []status.Drill) any { return l }}.print(c.OutOrStdout(), o, drills)
			case picture == "":
				return printDrill(c, o, id)
			}
			r, err := o.drillReport(c.Context(), id)
			if err != nil {
				return err
			}
			return os.WriteFile(picture, []byte(show.DrillSVG(r)), 0o644)
		}}
	c.Flags().BoolVar(&list, "list", false, "the drills whose reports are kept")
	pictureFlag(c.Flags(), &picture, "svg", "write a picture (SVG) into this file: error, bound, forecast")
	c.Flags().BoolVar(&o.json, "json", false, "print JSON, with every point of the curves")
	c.MarkFlagsMutuallyExclusive("list", "svg")
	return c
}

func drillCancelCommand(o *options) *cobra.Command {
	c := &cobra.Command{Use: "cancel", Short: "End the drill that runs; what it has shown stays", Args: cli.NoArgs, RunE: func(c *cobra.Command, _ []string) error {
		var ended status.Drill
		if err := o.client().Post(c.Context(), "/v1/drill/cancel", nil, &ended); err != nil {
			return err
		}
		if o.json {
			return printJSON(c.OutOrStdout(), ended)
		}
		_, err := fmt.Fprintf(c.OutOrStdout(), "The drill %s is over after %s: %s.\nbragi drill report tells more.\n", ended.ID, show.Seconds(&ended.RanS), ended.Verdict)
		return err
	}}
	c.Flags().BoolVar(&o.json, "json", false, "print JSON")
	return c
}
