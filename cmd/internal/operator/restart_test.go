package operator

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"bragi/cmd/internal/control"
	"bragi/cmd/internal/status"
)

// edited is a daemon whose file somebody edited.
type edited struct {
	control.Daemon
	unreadable, refused error
}

func (*edited) Status() status.Status { return status.Status{} }
func (*edited) Admins() []string      { return nil }
func (*edited) Tell(status.Event)     {}
func (e *edited) Config() (control.Config, error) {
	return control.Config{Text: "priority1 = "}, e.unreadable
}
func (e *edited) CheckConfig(control.Check) (control.Committed, error) {
	return control.Committed{}, e.refused
}

// A daemon that serves is not ended for a file that the next one would refuse.
func TestARestartWantsAFileThatStarts(t *testing.T) {
	dir := t.TempDir()
	asked := filepath.Join(dir, "asked")
	if err := os.WriteFile(filepath.Join(dir, "systemctl"), []byte("#!/bin/sh\necho \"$@\" >"+asked+"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
	daemon := &edited{}
	path := filepath.Join(dir, "control.sock")
	listener, err := control.Listen(path)
	if err != nil {
		t.Fatal(err)
	}
	server := control.NewServer(control.Handler(daemon, nil))
	go server.Serve(listener) //nolint:errcheck // it ends with the test
	t.Cleanup(func() { server.Close() })
	for _, c := range []struct {
		what                string
		socket              string
		unreadable, refused error
		args                []string
		restarts            bool
	}{
		{"a file that starts", path, nil, nil, nil, true},
		{"a file that is refused", path, nil, errors.New("x.toml:1: not TOML (fix: x)"), nil, false},
		{"a file that cannot be read", path, errors.New("x.toml is UTF-16"), nil, nil, false},
		{"a file that is refused, and somebody insists", path, nil, errors.New("not TOML"), []string{"--anyway"}, true},
		{"no daemon", filepath.Join(dir, "none"), nil, nil, nil, true},
	} {
		os.Remove(asked) //nolint:errcheck // there may be none
		daemon.unreadable, daemon.refused = c.unreadable, c.refused
		var out bytes.Buffer
		root := Command(Shell())
		root.SilenceErrors, root.SilenceUsage = true, true
		root.SetOut(&out)
		root.SetArgs(append([]string{"--socket", c.socket, "restart"}, c.args...))
		err := root.Execute()
		text, _ := os.ReadFile(asked)
		if (err == nil) != c.restarts || (len(text) > 0) != c.restarts || err != nil && !strings.HasPrefix(err.Error(), "bragid is not restarted, since it would not start: ") {
			t.Errorf("%s: %v, systemctl %q, %s", c.what, err, text, out.String())
		}
	}
}
