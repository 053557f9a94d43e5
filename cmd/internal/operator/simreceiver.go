package operator

import (
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"bragi/cmd/internal/cli"
	"bragi/cmd/internal/control"
)

// simReceiver are the knobs of the u-blox of software.
func simReceiver(post func(c *cobra.Command, path string, body any) error) []*cobra.Command {
	word := func(use, short string, words []string, body func(string) control.Receiver) *cobra.Command {
		return &cobra.Command{Use: use + " " + strings.Join(words, "|"), Short: short, Args: cobra.ArbitraryArgs, RunE: func(c *cobra.Command, args []string) error {
			if len(args) != 1 || !slices.Contains(words, args[0]) {
				return cli.Usagef("say one of %s (fix: bragi sim %s %s)", strings.Join(words, ", "), use, words[len(words)-1])
			}
			return post(c, "/v1/sim/receiver", body(args[0]))
		}}
	}
	power := &cobra.Command{Use: "power-cycle", Short: "Take the receiver's power away for a moment: settings and fix are gone", Args: cli.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return post(c, "/v1/sim/receiver", control.Receiver{PowerCycle: true})
		}}
	return []*cobra.Command{
		word("jam", "What the receiver says of jamming", control.JammingWords, func(s string) control.Receiver { return control.Receiver{Jamming: s} }),
		word("spoof", "What the receiver says of spoofing", control.SpoofingWords, func(s string) control.Receiver { return control.Receiver{Spoofing: s} }),
		power,
	}
}
