package operator

import (
	"bytes"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"bragi/cmd/internal/cli"
	"bragi/cmd/internal/control"
)

// A picture and JSON at once are refused in a line, and no picture is written.
func TestAPictureOrJSON(t *testing.T) {
	c := drillReportCommand(&options{})
	picture := filepath.Join(t.TempDir(), "a.svg")
	var out bytes.Buffer
	c.SetOut(&out)
	c.SetErr(&out)
	c.SilenceUsage, c.SilenceErrors = true, true
	c.SetArgs([]string{"--svg", picture, "--json"})
	err := c.Execute()
	if _, usage := err.(cli.UsageError); !usage || strings.Contains(err.Error(), "\n") || !strings.Contains(err.Error(), "(fix: ") {
		t.Errorf("%v, %s", err, out.String())
	}
}

// Each knob of the u-blox of software says whose it is.
func TestTheKnobsOfTheReceiverSayWhose(t *testing.T) {
	reference := "yard"
	var said []string
	for _, c := range simReceiver(&reference, func(_ *cobra.Command, _ string, body any) error {
		said = append(said, body.(control.Receiver).Reference)
		return nil
	}) {
		var args []string
		switch c.Name() {
		case "jam":
			args = []string{"critical"}
		case "spoof":
			args = []string{"affirmed"}
		}
		if err := c.RunE(c, args); err != nil {
			t.Error(err)
		}
	}
	if strings.Join(said, " ") != "yard yard yard" {
		t.Error(said)
	}
}
