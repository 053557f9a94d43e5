package operator

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"

	"bragi/cmd/internal/cli"
	"bragi/cmd/internal/control"
	"bragi/cmd/internal/status"
	"bragi/cmd/internal/terminal"
)

// answering is a daemon that tells a status.
type answering struct {
	control.Daemon
	status status.Status
}

func (a *answering) Status() status.Status { return a.status }

func (a *answering) AlarmHistory() []status.PastAlarm {
	return []status.PastAlarm{{Alarm: status.Alarm{Code: "LINK_DOWN", Severity: "major"}}}
}

func (a *answering) ClockHistory() []status.ClockPoint {
	bound := 150.0
	return []status.ClockPoint{{At: time.Now(), BoundNs: &bound, ClockClass: 6, Serving: true}}
}

func (a *answering) Kept() []status.Record {
	return []status.Record{{Words: status.Words{Name: "START", Severity: 6, Text: "bragid starts"}}}
}

func (a *answering) Config() (control.Config, error) {
	return control.Config{File: "/etc/bragi/bragi.toml", Text: "[control]\nsnmp_community = \"xyzzy\"\n"}, nil
}

// daemon serves a status on a socket, whose path it returns.
func daemon(t *testing.T, s status.Status) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "control.sock")
	listener, err := control.Listen(path)
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: control.Handler(&answering{status: s}, nil)}
	go server.Serve(listener) //nolint:errcheck // it ends with the test
	t.Cleanup(func() { server.Close() })
	return path
}

// many is a status with n clients.
func many(n int) status.Status {
	s := status.Status{Version: "v1"}
	for i := range n {
		s.Clients = append(s.Clients, status.Client{Address: fmt.Sprintf("10.6.%d.%d", i/250, i%250), Kind: []string{"RPD", "cBR8"}[i%2]})
	}
	return s
}

func run(ctx context.Context, face Face, args ...string) (string, error) {
	var out bytes.Buffer
	c := Command(face)
	c.SilenceErrors, c.SilenceUsage = true, true
	c.SetOut(&out)
	c.SetArgs(args)
	err := c.ExecuteContext(ctx)
	return out.String(), err
}

// leaves are the commands below one that do something.
func leaves(c *cobra.Command) []*cobra.Command {
	if !c.HasSubCommands() {
		return []*cobra.Command{c}
	}
	var out []*cobra.Command
	for _, child := range c.Commands() {
		out = append(out, leaves(child)...)
	}
	return out
}

// Every show command takes --json and --watch, and its JSON is JSON.
func TestEveryShowCommandHasJSONAndWatch(t *testing.T) {
	path := daemon(t, many(1))
	root := Command(Shell())
	showing, _, err := root.Find([]string{"show"})
	if err != nil {
		t.Fatal(err)
	}
	all := leaves(showing)
	if len(all) < 16 {
		t.Fatalf("%d commands", len(all))
	}
	for _, c := range all {
		words := strings.Fields(strings.TrimPrefix(c.CommandPath(), "bragi "))
		if c.Flags().Lookup("json") == nil || c.Flags().Lookup("watch") == nil {
			t.Errorf("%v lacks a flag", words)
		}
		if slices.Contains(words, "client") {
			words = append(words, "10.6.0.0")
		}
		text, err := run(t.Context(), Shell(), append(words, "--socket", path, "--json")...)
		if err != nil || !json.Valid([]byte(text)) {
			t.Errorf("%v: %v\n%s", words, err, text)
		}
		if strings.Contains(text, "xyzzy") {
			t.Errorf("%v tells a secret:\n%s", words, text)
		}
	}
}

// The contract's fields are where scripts look for them.
func TestTheJSONOfClientsIsAListThatCanBeFiltered(t *testing.T) {
	path := daemon(t, many(10_000))
	text, err := run(t.Context(), Shell(), "show", "clients", "--socket", path, "--json", "--filter", "10.6.7.0/24", "--sort", "kind")
	var list []map[string]any
	if err != nil || json.Unmarshal([]byte(text), &list) != nil || len(list) != 250 {
		t.Fatalf("%d clients, %v", len(list), err)
	}
	for _, key := range []string{"address", "identity", "kind", "grants", "delay_req", "last_denial"} {
		if _, has := list[0][key]; !has {
			t.Errorf("no %s", key)
		}
	}
	if list[0]["kind"] != "RPD" || list[249]["kind"] != "cBR8" {
		t.Errorf("not sorted: %v, %v", list[0]["kind"], list[249]["kind"])
	}
	var usage cli.UsageError
	if _, err := run(t.Context(), Shell(), "show", "clients", "--socket", path, "--sort", "colour"); !errors.As(err, &usage) {
		t.Errorf("another order: %v", err)
	}
}

// A watched screen is drawn until it is left, and survives a daemon that is away; in
// a pipe each JSON is a line.
func TestAWatchedScreenIsDrawnUntilItIsLeft(t *testing.T) {
	path := daemon(t, many(3))
	drawn := 0
	ctx, leave := context.WithCancel(t.Context())
	face := Face{Size: func() terminal.Size { return terminal.Size{Columns: 40, Rows: 10} }, Draw: func(text string, _ terminal.End) error {
		if drawn++; !strings.Contains(text, "10.6.0.2") || !strings.Contains(text, "no room for") {
			t.Errorf("screen:\n%s", text)
		}
		leave()
		return nil
	}}
	if _, err := run(ctx, face, "show", "clients", "--watch", "--socket", path); err != nil || drawn != 1 {
		t.Errorf("drawn %d times, %v", drawn, err)
	}
	ctx, leave = context.WithCancel(t.Context())
	face.Draw = func(text string, _ terminal.End) error {
		if !strings.Contains(text, "no daemon answers") {
			t.Errorf("screen:\n%s", text)
		}
		leave()
		return nil
	}
	if _, err := run(ctx, face, "show", "clock", "--watch", "--socket", filepath.Join(t.TempDir(), "none")); err != nil {
		t.Errorf("a dead daemon: %v", err)
	}
	face.Draw = nil
	if _, err := run(t.Context(), face, "show", "clock", "--watch", "--socket", filepath.Join(t.TempDir(), "none")); err == nil {
		t.Error("a dead daemon in a pipe is no error")
	}
}

// A screen whose newest line is its last one is watched at that end.
func TestAWatchedScreenShowsItsNewest(t *testing.T) {
	path := daemon(t, many(1))
	root := Command(Shell())
	watched := 0
	for _, c := range leaves(root) {
		if !strings.HasSuffix(c.Short, "the newest last") {
			continue
		}
		watched++
		ctx, leave := context.WithCancel(t.Context())
		face := Face{Size: func() terminal.Size { return terminal.Size{Columns: 80, Rows: 24} }, Draw: func(_ string, kept terminal.End) error {
			if kept != terminal.Newest {
				t.Errorf("%s keeps its oldest", c.CommandPath())
			}
			leave()
			return nil
		}}
		words := strings.Fields(strings.TrimPrefix(c.CommandPath(), "bragi "))
		if _, err := run(ctx, face, append(words, "--watch", "--socket", path)...); err != nil {
			t.Errorf("%v: %v", words, err)
		}
	}
	if watched < 2 {
		t.Errorf("%d screens", watched)
	}
}

// Whoever does not wait for a drain is told that it goes on.
func TestADrainThatIsNotWaitedForGoesOn(t *testing.T) {
	s := many(1)
	s.Master.Clients = 1
	path := daemon(t, s)
	ctx, leave := context.WithCancel(t.Context())
	time.AfterFunc(300*time.Millisecond, leave)
	err := waitDrained(ctx, control.NewClient(path), io.Discard)
	if !errors.As(err, new(GoesOn)) || !strings.Contains(err.Error(), "bragi drain --end") {
		t.Errorf("%v", err)
	}
}
