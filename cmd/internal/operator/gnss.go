package operator

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"bragi/cmd/internal/cli"
	"bragi/cmd/internal/control"
)

// gnssCommand is what the operator orders at the receiver.
func gnssCommand(o *options) *cobra.Command {
	return cli.Group("gnss", "What the operator orders at the receiver", surveyCommand(o))
}

// surveyCommand orders a new survey of the antenna's position.
func surveyCommand(o *options) *cobra.Command {
	c := &cobra.Command{Use: "survey", Short: "Survey the antenna's position anew", Args: cli.NoArgs,
		Long: "Survey lets a timing receiver average its position anew, and hold the new one. Use it when the antenna was moved: a place that is\n" +
			"wrong by a metre makes the pulse wrong by up to 3.3 ns. The clock stays locked meanwhile. gnss.survey and gnss.survey_accuracy\n" +
			"say how long it takes.",
		RunE: func(c *cobra.Command, _ []string) error {
			var done control.Surveying
			if err := o.client().Post(c.Context(), "/v1/gnss/survey", control.Survey{}, &done); err != nil {
				return err
			}
			if o.json {
				return printJSON(c.OutOrStdout(), done)
			}
			_, err := fmt.Fprintf(c.OutOrStdout(), "The receiver surveys its position for at least %v, until it is good to %.1f m.\nbragi show gnss tells how far it is.\n",
				time.Duration(done.MinS*float64(time.Second)), done.LimitM)
			return err
		}}
	c.Flags().BoolVar(&o.json, "json", false, "print JSON")
	return c
}
