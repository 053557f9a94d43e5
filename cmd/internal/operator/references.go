package operator

import (
	"fmt"

	"github.com/spf13/cobra"

	"bragi/cmd/internal/cli"
	"bragi/cmd/internal/control"
)

// referenceCommand is the operator's choice among the references.
func referenceCommand(o *options) *cobra.Command {
	var force bool
	answer := func(c *cobra.Command, path string, body any, words func(control.Switched) string) error {
		var done control.Switched
		if err := o.client().Post(c.Context(), path, body, &done); err != nil {
			return err
		}
		if o.json {
			return printJSON(c.OutOrStdout(), done)
		}
		_, err := fmt.Fprint(c.OutOrStdout(), words(done))
		return err
	}
	change := &cobra.Command{Use: "switch NAME", Short: "Follow this reference", Args: cobra.ArbitraryArgs,
		Long: "Switch lets the clock follow a reference of the list, as long as it is good: when it fails, the order is over and bragid\n" +
			"chooses by itself. With --force the clock follows it whatever it is worth: when it fails, the clock holds over. Where\n" +
			"two references differ and nothing tells which one is right, switch does not tell it either: 'bragi clock accept\n" +
			"receiver NAME' does. The served clock is not stepped: the difference is taken over, and let\n" +
			"in slowly. 'bragi reference clear' ends the order.",
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) != 1 {
				return cli.Usagef("say which reference (fix: bragi show references, then bragi reference switch NAME)")
			}
			return answer(c, "/v1/reference/switch", control.Switch{Name: args[0], Force: force}, func(done control.Switched) string {
				return switched(done) + "bragi reference clear ends the order.\n"
			})
		}}
	change.Flags().BoolVar(&force, "force", false, "whatever it is worth, until the order is cleared")
	end := &cobra.Command{Use: "clear", Short: "End the order: bragid chooses by itself", Args: cli.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return answer(c, "/v1/reference/clear", struct{}{}, func(done control.Switched) string {
				return fmt.Sprintf("The order (%s) has ended. bragid chooses by itself: %s.\n", done.Ended, done.Selected) + waiting(done)
			})
		}}
	group := cli.Group("reference", "Choose the reference that the clock follows", change, end)
	group.PersistentFlags().BoolVar(&o.json, "json", false, "print JSON")
	return group
}

// switched says what an order has done.
func switched(done control.Switched) string {
	if done.Waits != "" {
		return fmt.Sprintf("%s is selected (%s).\n", done.Selected, done.Order) + waiting(done)
	}
	return fmt.Sprintf("The clock follows %s (%s).\n", done.Selected, done.Order)
}

func waiting(done control.Switched) string {
	if done.Waits == "" {
		return ""
	}
	return "The clock does not follow it now: " + done.Waits + "\n"
}
