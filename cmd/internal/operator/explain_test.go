package operator

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"bragi/cmd/internal/control"
	"bragi/cmd/internal/status"
)

// denying is a daemon that refused 10.1.2.3 for its domain.
type denying struct{ control.Daemon }

func (denying) Status() status.Status {
	return status.Status{Clock: status.Clock{State: "PHASE_ALIGNED", StateName: "LOCKED", ClockClass: 6, Serving: true},
		Denied: []status.Denied{{Address: "10.1.2.3", Domain: 44, Reason: "wrong domain", Count: 3}}}
}

func TestExplainClientEndsInACauseAndAnAction(t *testing.T) {
	path := filepath.Join(t.TempDir(), "control.sock")
	listener, err := control.Listen(path)
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: control.Handler(denying{}, nil)}
	go server.Serve(listener) //nolint:errcheck // it ends with the test
	t.Cleanup(func() { server.Close() })
	for args, want := range map[string]string{
		"explain client 10.1.2.3":        "Most likely: The client is in domain 44, this grandmaster in domain 0.\nWhat to do:  Set domain 0",
		"explain client 10.1.2.4":        "Most likely: No message of this client arrives here now.",
		"explain client 10.1.2.3 --json": `"verdict": "bad"`,
	} {
		var out bytes.Buffer
		c := Command(Shell())
		c.SetOut(&out)
		c.SetArgs(append([]string{"--socket", path}, strings.Fields(args)...))
		if err := c.ExecuteContext(t.Context()); err != nil || !strings.Contains(out.String(), want) {
			t.Errorf("%s: %v\n%s", args, err, out.String())
		}
	}
	for _, args := range []string{"explain client ::1", "explain client 224.0.0.1", "explain client 0.0.0.0", "explain client 255.255.255.255", "explain client 127.0.0.1", "explain client 127.255.255.255",
		"rehearse --as rpd --master 10.9.9.9 --source 10.9.9.9/32", "rehearse --as rpd --master 10.9.9.8 --master 10.9.9.9 --source 10.9.9.9/32", "explain client ten",
		"config client-snippet cbr8 --domain 0 --master 224.0.0.1", "config client-snippet rpd --domain 0 --master ::1"} {
		c := Command(Shell())
		c.SetOut(&bytes.Buffer{})
		c.SetErr(&bytes.Buffer{})
		c.SetArgs(append([]string{"--socket", path}, strings.Fields(args)...))
		if err := c.ExecuteContext(t.Context()); err == nil || !strings.Contains(err.Error(), "fix: ") {
			t.Errorf("%s: %v, want an error with a fix", args, err)
		}
	}
}

// A command that waits for pasted text ends when it is told to.
func TestWaitingForPastedTextEndsWithTheContext(t *testing.T) {
	for _, args := range []string{"decode rpd", "config import-ios -"} {
		in, never := io.Pipe()
		t.Cleanup(func() { never.Close() })
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		c := Command(Shell())
		c.SetIn(in)
		c.SetOut(io.Discard)
		c.SetErr(io.Discard)
		c.SetArgs(strings.Fields(args))
		if err := c.ExecuteContext(ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v", args, err)
		}
	}
}
