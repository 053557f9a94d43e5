package console

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"bragi/cmd/internal/operator"
)

// Whoever sits at the serial line is nobody in particular: the console reads no file that
// is not for everybody, by any command, and writes none.
func TestTheConsoleReadsAndWritesNoFileOfOthers(t *testing.T) {
	dir := t.TempDir()
	for _, folder := range []string{dir, filepath.Dir(dir)} {
		if err := os.Chmod(folder, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	secret, open, hidden, link := filepath.Join(dir, "secret"), filepath.Join(dir, "open"), filepath.Join(dir, "folder", "hidden"), filepath.Join(dir, "link")
	for name, mode := range map[string]os.FileMode{secret: 0o640, open: 0o644, hidden: 0o644} {
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte("mine"), mode); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chmod(filepath.Dir(hidden), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(secret, link); err != nil {
		t.Fatal(err)
	}
	for folder := dir; folder != "/"; folder = filepath.Dir(folder) {
		if info, err := os.Stat(folder); err != nil || info.Mode()&0o001 == 0 {
			t.Skipf("SKIPPED: not everybody may enter %s", folder)
		}
	}
	tree := (&session{}).treeOn(operator.Face{})
	files := 0
	var all func(c *cobra.Command)
	all = func(c *cobra.Command) {
		for _, child := range c.Commands() {
			all(child)
		}
		if strings.Contains(c.Use, "FILE") && c.Runnable() && c.Annotations["builtin"] == "" {
			files++
			for name, may := range map[string]bool{secret: false, hidden: false, link: false, open: true, filepath.Join(dir, "none"): true} {
				for _, words := range [][]string{{name}, {"--any=" + name}, {"--any", name}} {
					at := place{command: c, words: append([]string{c.Name()}, words...), args: 1}
					if err := at.mayUse(); (err == nil) != may {
						t.Errorf("%s %v: %v", c.CommandPath(), words, err)
					}
				}
			}
		}
		for _, f := range (place{command: c}).flags() {
			if writesFile(f) || strings.Contains(f.Usage, "write a picture") {
				t.Errorf("%s --%s writes a file", c.CommandPath(), f.Name)
			}
		}
		if f := c.Flag("plot"); f != nil && writesFile(f) {
			if err := (place{command: c, words: []string{c.Name(), "--plot", open}}).mayUse(); err == nil {
				t.Errorf("%s --plot is let through", c.CommandPath())
			}
		}
	}
	all(tree)
	if files < 6 {
		t.Errorf("%d commands take a file", files)
	}
}
