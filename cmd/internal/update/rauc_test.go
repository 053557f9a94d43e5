package update

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// raucThatSays puts a rauc in the path that fails with these lines.
func raucThatSays(t *testing.T, lines string) {
	t.Helper()
	dir := t.TempDir()
	script := "#!/bin/sh\nprintf '" + lines + "' >&2\nexit 1\n"
	if err := os.WriteFile(filepath.Join(dir, "rauc"), []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir)
}

func TestWhatRAUCRefusesIsToldInOneLineWithWhatToDo(t *testing.T) {
	raucThatSays(t, `rauc-Message: Reading bundle\nsignature verification failed: invalid padding\n`)
	_, inspected := inspect(t.Context(), "bundle")
	for _, err := range []error{inspected, install(t.Context(), "bundle", io.Discard)} {
		if err == nil || !strings.Contains(err.Error(), "signature verification failed: invalid padding (") ||
			!strings.Contains(err.Error(), "fix: ") || strings.Contains(err.Error(), "\n") {
			t.Errorf("%v", err)
		}
	}
}
