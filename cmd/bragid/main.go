// Bragid is the grandmaster's daemon.
package main

import (
	"os"

	"bragi/cmd/internal/cli"
	"bragi/cmd/internal/daemon"
)

func main() { os.Exit(cli.Main(daemon.Command())) }
