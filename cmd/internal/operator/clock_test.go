package operator

import (
	"bytes"
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"bragi/cmd/internal/cli"
	"bragi/cmd/internal/control"
	"bragi/cmd/internal/status"
)

// slewing is a daemon whose clock is 5 ms behind.
type slewing struct {
	control.Daemon
	done, refuse bool
}

func (*slewing) Status() status.Status { return status.Status{} }

func (*slewing) Admins() []string  { return nil }
func (*slewing) Tell(status.Event) {}

func (s *slewing) StepClock(yes bool) (control.Stepped, error) {
	if s.refuse {
		return control.Stepped{}, errors.New("the clock is locked")
	}
	s.done = s.done || yes
	slew := 1500.0
	return control.Stepped{Done: yes, TimeErrorNs: -5e6, SlewS: &slew}, nil
}

// Without --yes, step tells what it would do, does nothing, and ends as wrong usage; a
// refusal is a failure.
func TestClockStepWantsAYes(t *testing.T) {
	daemon := &slewing{}
	path := filepath.Join(t.TempDir(), "control.sock")
	listener, err := control.Listen(path)
	if err != nil {
		t.Fatal(err)
	}
	server := control.NewServer(control.Handler(daemon, nil))
	go server.Serve(listener) //nolint:errcheck // it ends with the test
	t.Cleanup(func() { server.Close() })
	run := func(args ...string) (string, error) {
		var out bytes.Buffer
		c := Command(Shell())
		c.SilenceErrors, c.SilenceUsage = true, true
		c.SetOut(&out)
		c.SetArgs(append([]string{"--socket", path, "clock", "step"}, args...))
		err := c.ExecuteContext(t.Context())
		return out.String(), err
	}
	var usage cli.UsageError
	out, err := run()
	if !errors.As(err, &usage) || daemon.done || !strings.Contains(out, "would step by +5.00 ms. Clients see that step.") || !strings.Contains(out, "locked in 25m0s") {
		t.Errorf("without --yes: %v, done %t\n%s", err, daemon.done, out)
	}
	out, err = run("--yes")
	if err != nil || !daemon.done || !strings.Contains(out, "steps by +5.00 ms") {
		t.Errorf("with it: %v, done %t\n%s", err, daemon.done, out)
	}
	daemon.refuse = true
	for _, args := range [][]string{nil, {"--yes"}} {
		if _, err = run(args...); err == nil || errors.As(err, &usage) || !strings.Contains(err.Error(), "the clock is locked") {
			t.Errorf("refused %v: %v", args, err)
		}
	}
}
