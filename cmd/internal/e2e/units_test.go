package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// systemd accepts the units of the image, and the script that stops bragid cancels
// grants only when the machine goes down.
func TestUnits(t *testing.T) {
	overlay := filepath.Join(root, "buildroot/overlay/usr/lib")
	t.Run("verify", func(t *testing.T) {
		if _, err := exec.LookPath("systemd-analyze"); err != nil {
			t.Skip("SKIPPED: systemd-analyze is not installed (mend: install systemd)")
		}
		dir := t.TempDir()
		var units []string
		for _, name := range []string{"bragid.service", "bragid.socket"} {
			text, err := os.ReadFile(filepath.Join(overlay, "systemd/system", name))
			if err != nil {
				t.Fatal(err)
			}
			unit := string(text)
			for _, program := range []string{"/usr/bin/bragid", "/usr/bin/bragi", "/usr/lib/bragi/stop"} { // it looks for them here
				unit = strings.ReplaceAll(strings.ReplaceAll(unit, "="+program, "=/bin/true"), "=-"+program, "=-/bin/true")
			}
			path := filepath.Join(dir, name)
			if err := os.WriteFile(path, []byte(unit), 0o644); err != nil {
				t.Fatal(err)
			}
			units = append(units, path)
		}
		out, err := exec.Command("systemd-analyze", append([]string{"verify", "--man=no"}, units...)...).CombinedOutput()
		if err != nil || len(out) > 0 {
			t.Errorf("%v: %s", err, out)
		}
	})
	for state, want := range map[string]string{"running": "", "degraded": "", "stopping": "drain\n", "": ""} {
		dir := t.TempDir()
		for name, script := range map[string]string{"systemctl": "#!/bin/sh\necho '" + state + "'\n", "bragi": "#!/bin/sh\necho \"$@\"\n"} {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(script), 0o755); err != nil {
				t.Fatal(err)
			}
		}
		cmd := exec.Command(filepath.Join(overlay, "bragi/stop"))
		cmd.Env = []string{"PATH=" + dir + ":/bin:/usr/bin"}
		if out, err := cmd.CombinedOutput(); err != nil || string(out) != want {
			t.Errorf("with the system %q, stop says %q: %v", state, out, err)
		}
	}
}
