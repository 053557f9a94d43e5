package update

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"bragi/cmd/internal/cli"
	"bragi/cmd/internal/status"
)

// appliance puts a rauc, a systemctl and a systemd-run into the path that keep the next slot and the ordered restart in
// files of a folder, and a folder of its own into the place of /data/rauc.
func appliance(t *testing.T) (dir string) {
	t.Helper()
	dir = t.TempDir()
	before := folder
	folder = filepath.Join(dir, "rauc")
	t.Cleanup(func() { folder = before })
	if err := os.Mkdir(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	put(t, filepath.Join(dir, "next"), "rootfs.0")
	for name, script := range map[string]string{
		"rauc": `case "$*" in
*mark-active*booted) echo rootfs.0 >next ;;
*mark-active*other) echo rootfs.1 >next ;;
*json) echo "{\"boot_primary\":\"$(cat next)\",\"slots\":[{\"rootfs.0\":{\"bootname\":\"A\",\"state\":\"booted\",\"boot_status\":\"good\"}},{\"rootfs.1\":{\"bootname\":\"B\",\"state\":\"inactive\",\"boot_status\":\"good\"}}]}" ;;
*) exit 1 ;;
esac`,
		"systemctl": `case $1 in
show) cat due 2>/dev/null || echo ;;
stop) rm -f due ;;
reboot) touch rebooted ;;
esac`,
		"systemd-run": `if [ -e due ]; then echo "Failed to start transient timer unit: Unit bragi-restart.timer was already loaded or has a fragment file." >&2; exit 1; fi
for word; do case $word in --on-calendar=*) echo "${word#*=}" >due ;; esac; done`,
	} {
		put(t, filepath.Join(dir, "bin", name), "#!/bin/sh\ncd "+dir+"\n"+script+"\n")
	}
	t.Setenv("PATH", filepath.Join(dir, "bin")+":"+os.Getenv("PATH"))
	return dir
}

func put(t *testing.T, file, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text), 0o700); err != nil {
		t.Fatal(err)
	}
}

// order runs `bragi update` with these words.
func order(t *testing.T, words ...string) (string, error) {
	t.Helper()
	c := Command(func(context.Context) (status.Status, error) { return status.Status{}, errors.New("no daemon") })
	c.SilenceUsage, c.SilenceErrors = true, true
	var out bytes.Buffer
	c.SetOut(&out)
	c.SetErr(&out)
	c.SetArgs(words)
	err := c.ExecuteContext(t.Context())
	return out.String(), err
}

func TestOneUpdateAtATime(t *testing.T) {
	appliance(t)
	free, err := alone(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	put(t, downloaded(folder), "what the first one downloads")
	for _, words := range [][]string{{"install", "http://127.0.0.1:1/x.raucb"}, {"rollback"}} {
		if _, err := order(t, words...); err == nil || !strings.Contains(err.Error(), "another bragi update is at work (fix: ") {
			t.Errorf("%q beside an install: %v", words, err)
		}
	}
	if out, err := order(t, "status"); err != nil || !strings.Contains(out, "is started next") {
		t.Errorf("status beside an install: %v: %s", err, out)
	}
	if _, err := os.Stat(downloaded(folder)); err != nil {
		t.Errorf("the first one's download: %v", err)
	}
	free()
	if _, err := order(t, "rollback"); err != nil {
		t.Errorf("after it: %v", err)
	}
}

func TestADownloadThatWasCutOffIsRemovedByTheNextVerb(t *testing.T) {
	for _, words := range [][]string{{"status"}, {"rollback"}, {"confirm"}, {"install", "http://127.0.0.1:1/x.raucb"}} {
		appliance(t)
		put(t, downloaded(folder), "a part")
		_, _ = order(t, words...) // some have not all that they need here
		if _, err := os.Stat(downloaded(folder)); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%q leaves it: %v", words, err)
		}
	}
}

func TestALaterRestartTakesThePlaceOfAnEarlierOne(t *testing.T) {
	dir := appliance(t)
	for _, at := range []string{"03:30", "04:45"} {
		when, err := next(at, time.Date(2026, 11, 28, 1, 0, 0, 0, time.UTC))
		if err != nil {
			t.Fatal(err)
		}
		var out bytes.Buffer
		if err := restart(t.Context(), false, when, &out); err != nil {
			t.Fatalf("%s: %v", at, err)
		}
		if text, _ := os.ReadFile(filepath.Join(dir, "due")); !strings.Contains(string(text), at) {
			t.Errorf("%s was ordered, and it is %s", at, text)
		}
		if at == "04:45" && !strings.Contains(out.String(), "03:30:00 UTC, which was ordered before, does not come") {
			t.Errorf("nothing tells of the first one: %s", out.String())
		}
	}
	if out, err := order(t, "status"); err != nil || !strings.Contains(out, "The board restarts at 2026-11-28 04:45:00 UTC.") {
		t.Errorf("status: %v: %s", err, out)
	}
}

func TestARollbackBeforeTheRestartTakesTheInstallBack(t *testing.T) {
	dir := appliance(t)
	put(t, filepath.Join(dir, "next"), "rootfs.1")
	put(t, filepath.Join(dir, "due"), "2026-11-28 03:30:00 UTC")
	put(t, installedFile(), thisStart())
	out, err := order(t, "rollback", "--now")
	if err != nil || !strings.Contains(out, "taken back") || !strings.Contains(out, "03:30:00 UTC does not come") || strings.Contains(out, "other slot") {
		t.Errorf("%v: %s", err, out)
	}
	for _, name := range []string{"due", "rebooted"} {
		if _, err := os.Stat(filepath.Join(dir, name)); err == nil {
			t.Errorf("%s is there", name)
		}
	}
	out, err = order(t, "status")
	if err != nil || !strings.Contains(out, "runs, is started next") || strings.Contains(out, "restarts at") {
		t.Errorf("%v: %s", err, out)
	}
	// With nothing installed since the start, the other slot is meant; also when that is said twice, or was installed
	// in an earlier start.
	put(t, installedFile(), "another start")
	for range 2 {
		if out, err := order(t, "rollback"); err != nil || !strings.Contains(out, "The other slot is started next") {
			t.Errorf("%v: %s", err, out)
		}
	}
	if out, err := order(t, "status"); err != nil || strings.Contains(out, "runs, is started next") {
		t.Errorf("%v: %s", err, out)
	}
}

func TestWrongUsageOfUpdateIsSaidToBeThat(t *testing.T) {
	appliance(t)
	for _, words := range [][]string{
		{}, {"typo"}, {"install"}, {"install", "a", "b"}, {"install", "a", "--now", "--at", "03:30"}, {"install", "a", "--at", "25:00"},
		{"status", "a"}, {"confirm", "a"}, {"rollback", "a"},
	} {
		var usage cli.UsageError
		if _, err := order(t, words...); !errors.As(err, &usage) {
			t.Errorf("%q: %v", words, err)
		}
	}
}

func TestAPathThatIsNoBundleIsToldWhatAURLBeginsWith(t *testing.T) {
	for _, from := range []string{"10.77.0.1:8000/x.raucb", "typo.raucb", "/dev/null/x", "ftp://a/b", "HTTP//a/b"} {
		_, _, err := fetch(t.Context(), from, t.TempDir(), &bytes.Buffer{})
		if err == nil || !strings.Contains(err.Error(), "http") || !strings.Contains(err.Error(), "fix: ") || strings.Contains(err.Error(), "stat "+from) {
			t.Errorf("%s: %v", from, err)
		}
	}
	if _, _, err := fetch(t.Context(), t.TempDir(), t.TempDir(), &bytes.Buffer{}); err == nil || !strings.Contains(err.Error(), "is no file (fix: ") {
		t.Errorf("a folder: %v", err)
	}
}

func TestNoRestartIsDueWhereSystemdNamesNoTime(t *testing.T) {
	dir := appliance(t)
	for said, want := range map[string]string{"": "", "n/a": "", "infinity": "", "Sat 2026-11-28 03:30:00 UTC": "Sat 2026-11-28 03:30:00 UTC"} {
		put(t, filepath.Join(dir, "due"), said)
		if got := due(t.Context()); got != want {
			t.Errorf("%q is taken for %q", said, got)
		}
	}
}
