// Bragi is the operator's program: it asks the daemon and plays a client.
package main

import (
	"os"

	"bragi/cmd/internal/cli"
	"bragi/cmd/internal/console"
	"bragi/cmd/internal/operator"
)

func main() {
	os.Exit(cli.Main(operator.Command(operator.Shell(), console.Command(), operator.SNMP())))
}
