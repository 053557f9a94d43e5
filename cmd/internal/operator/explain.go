package operator

import (
	"net"
	"net/netip"

	"github.com/spf13/cobra"

	"bragi/cmd/internal/cli"
	"bragi/cmd/internal/explain"
	"bragi/cmd/internal/ios"
	"bragi/cmd/internal/status"
)

func explainCommand(o *options) *cobra.Command {
	c := &cobra.Command{Use: "client ADDR", Short: "Why a client is, or is not, in phase: evidence, the most likely cause, the next action",
		Args: cli.ExactArgs(1, "a client's address"),
		Long: "Walks the questions of a field engineer with what bragid knows of this client: is the grandmaster itself in order,\n" +
			"was the client heard, is it in our domain, are its requests granted, do its Delay_Req come and are they answered.\n" +
			"It ends in the most likely cause and the next action. It exits with 0 whatever the cause is.",
		RunE: func(c *cobra.Command, args []string) error {
			address, err := netip.ParseAddr(args[0])
			if err != nil {
				return cli.Usagef("%q is not an address (fix: for example 10.0.0.5)", args[0])
			}
			if address = address.Unmap(); !ios.Unicast(address) {
				return cli.Usagef("%s is no IPv4 unicast address, and each client has one (fix: for example 10.0.0.5)", args[0])
			}
			var s status.Status
			if err := o.client().Get(c.Context(), "/v1/status", &s); err != nil {
				return err
			}
			if why := explain.NoClient(s, address, hereNow()); why != "" {
				return cli.Usagef("%v is %s, and no client has it (fix: the client's address; bragi show clients lists them)", address, why)
			}
			e := explain.Client(s, address.String())
			if o.json {
				return printJSON(c.OutOrStdout(), e)
			}
			return o.write(c.OutOrStdout(), e.Text)
		}}
	c.Flags().BoolVar(&o.json, "json", false, "print JSON")
	return cli.Group("explain", "Explain what bragid sees", c)
}

// hereNow are this machine's addresses with their prefixes; none where it does not tell them.
func hereNow() (list []netip.Prefix) {
	addresses, err := net.InterfaceAddrs()
	if err != nil {
		return nil
	}
	for _, a := range addresses {
		if p, err := netip.ParsePrefix(a.String()); err == nil {
			list = append(list, p)
		}
	}
	return list
}
