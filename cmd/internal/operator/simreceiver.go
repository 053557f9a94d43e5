package operator

import (
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"bragi/cmd/internal/cli"
	"bragi/cmd/internal/control"
)

// simReceiver are the knobs of the u-blox of software.
func simReceiver(reference *string, post func(c *cobra.Command, path string, body any) error) []*cobra.Command {
	word := func(use, short string, words []string, body func(string) control.Receiver) *cobra.Command {
		return &cobra.Command{Use: use + " " + strings.Join(words, "|"), Short: short, Args: cobra.ArbitraryArgs, RunE: func(c *cobra.Command, args []string) error {
			if len(args) != 1 || !slices.Contains(words, args[0]) {
				return cli.Usagef("say one of %s (fix: bragi sim %s %s)", strings.Join(words, ", "), use, words[len(words)-1])
			}
			to := body(args[0])
			to.Reference = *reference
			return post(c, "/v1/sim/receiver", to)
		}}
	}
	power := &cobra.Command{Use: "power-cycle", Short: "Switch the receiver off for a moment: it loses its settings and its fix", Args: cli.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return post(c, "/v1/sim/receiver", control.Receiver{PowerCycle: true, Reference: *reference})
		}}
	return []*cobra.Command{
		word("jam", "Set what the receiver says about jamming", control.JammingWords, func(s string) control.Receiver { return control.Receiver{Jamming: s} }),
		word("spoof", "Set what the receiver says about spoofing", control.SpoofingWords, func(s string) control.Receiver { return control.Receiver{Spoofing: s} }),
		power,
	}
}
