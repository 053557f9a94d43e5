package cli_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"bragi/cmd/internal/cli"
	"bragi/cmd/internal/console"
	"bragi/cmd/internal/daemon"
	"bragi/cmd/internal/operator"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"bragid": func() { os.Exit(cli.Main(daemon.Command())) },
		"bragi":  func() { os.Exit(cli.Main(operator.Command(operator.Shell(), console.Command()))) },
	})
}

// The scripts in testdata run both programs as a person would, with right and
// with wrong words.
func TestBothProgramsDoWhatTheirScriptsSay(t *testing.T) {
	configs, err := filepath.Abs("../../../configs")
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{Dir: "testdata", Setup: func(env *testscript.Env) error {
		env.Setenv("CONFIGS", configs)
		env.Setenv("BRAGI_SOCKET", filepath.Join(env.WorkDir, "control.sock"))
		return nil
	}})
}
