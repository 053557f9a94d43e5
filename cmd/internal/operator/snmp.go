package operator

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"bragi/cmd/internal/cli"
	"bragi/cmd/internal/control"
	"bragi/cmd/internal/snmp"
	"bragi/cmd/internal/status"
)

// SNMP joins bragid with net-snmp's snmpd. It is for the shell alone: it reads what
// snmpd writes.
func SNMP() *cobra.Command {
	client := func(c *cobra.Command) *control.Client { return control.NewClient(c.Flag("socket").Value.String()) }
	c := &cobra.Command{Use: "snmp", Short: "Answer net-snmp's snmpd (pass_persist); snmp traps tells alarms to the managers",
		Long: "snmpd starts this program (pass_persist in snmpd.conf) and asks it about the clock and the alarms. It is not for\n" +
			"people: it reads questions and writes answers. docs/SNMP.md shows how to set snmpd up.",
		Args: cli.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			read := func() (s status.Status, err error) { return s, client(c).Get(c.Context(), "/v1/status", &s) }
			// A signal ends a wait for snmpd, which a read of stdin would not notice.
			served := make(chan error, 1)
			go func() { served <- snmp.NewPass(read, time.Now).Serve(c.InOrStdin(), c.OutOrStdout()) }()
			select {
			case <-c.Context().Done():
				return nil
			case err := <-served:
				return err
			}
		}}
	var agentX string
	traps := &cobra.Command{Use: "traps", Short: "Tell alarms that come and go to the SNMP managers, through snmpd", Args: cli.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			t, err := snmp.NewTraps(client(c), agentX, func(text string) { fmt.Fprintln(c.ErrOrStderr(), "bragi: "+text) })
			if err != nil {
				return err
			}
			return t.Run(c.Context())
		}}
	traps.Flags().StringVar(&agentX, "agentx", "unix:/run/agentx/master", "the AgentX socket of snmpd (agentXSocket in snmpd.conf)")
	c.AddCommand(traps)
	return c
}
