package daemon

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A commit tells of every file that it names and that nobody can use, whatever lies there, and does not wait for it.
func TestACommitTellsOfEveryFileThatCannotBeUsed(t *testing.T) {
	dir := t.TempDir()
	lies := map[string]string{"missing": filepath.Join(dir, "missing"), "folder": dir, "FIFO": filepath.Join(dir, "fifo"), "text": filepath.Join(dir, "text")}
	if err := syscall.Mkfifo(lies["FIFO"], 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(lies["text"], []byte("no\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	const http, tls = `control.http="127.0.0.1:9319"`, `syslog.targets=["tls://192.0.2.1"]`
	for _, key := range []struct {
		name   string
		beside []string
	}{
		{"gnss.leap_file", nil},
		{"control.http_certificate", []string{http, "control.http_token_file=" + lies["text"], "control.http_key=" + lies["text"]}},
		{"control.http_token_file", []string{http}},
		{"syslog.ca", []string{tls}},
		{"syslog.certificate", []string{tls, "syslog.key=" + lies["text"]}},
	} {
		for lie, path := range lies {
			t.Run(key.name+"/"+lie, func(t *testing.T) {
				start := time.Now()
				_, warnings, err := newSource("bragi.toml", append(key.beside, key.name+"="+path)).judge([]byte("[board]\nprofile = \"sim\"\n"))
				if err != nil {
					t.Fatal(err)
				}
				said := fmt.Sprint(warnings)
				if !strings.Contains(said, key.name) || !strings.Contains(said, "(fix: ") {
					t.Errorf("warnings %s; want one that names %s, with a fix", said, key.name)
				}
				if took := time.Since(start); took > 30*time.Second {
					t.Errorf("it took %v", took)
				}
			})
		}
	}
	// Without a target that is encrypted nobody reads the files.
	if _, warnings, err := newSource("bragi.toml", []string{"syslog.ca=" + lies["missing"], `syslog.targets=["udp://192.0.2.1"]`}).judge([]byte("[board]\nprofile = \"sim\"\n")); err != nil || strings.Contains(fmt.Sprint(warnings), "PEM") {
		t.Errorf("%v, warnings %v; want none of a file that nobody reads", err, warnings)
	}
}
