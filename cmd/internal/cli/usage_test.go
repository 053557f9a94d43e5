package cli_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// What cobra itself refuses is no UsageError: it would end with exit code 1, and name no help.
func TestNoCommandLetsCobraCountItsWords(t *testing.T) {
	counts := regexp.MustCompile(`cobra\.(ExactArgs|MaximumNArgs|MinimumNArgs|RangeArgs|NoArgs|OnlyValidArgs)\b`)
	var read int
	err := filepath.WalkDir("../..", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		text, err := os.ReadFile(path)
		read++
		if found := counts.Find(text); found != nil {
			t.Errorf("%s has %s (fix: that of package cli)", path, found)
		}
		return err
	})
	if err != nil || read < 50 {
		t.Errorf("%d files read: %v", read, err)
	}
}
