package file

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// A folder that somebody else made, may write in or may replace keeps nothing of
// ours; one of our own does, and is made.
func TestOnlyAFolderOfOurOwnKeepsFiles(t *testing.T) {
	root := os.Geteuid() == 0
	if !root {
		t.Log("SKIPPED in part: only root may give folders away (fix: run the tests as root)")
	}
	for _, c := range []struct {
		name, want string
		needsRoot  bool
		make       func(dir, path string) error
	}{
		{"nothing is there", "", false, func(_, _ string) error { return nil }},
		{"nor the folder above it", "", false, func(dir, _ string) error { return os.Remove(dir) }},
		{"it is ours", "", false, func(_, path string) error { return os.Mkdir(path, 0o700) }},
		{"a link to our own", "is a link", false, func(dir, path string) error {
			return os.Symlink(dir, path)
		}},
		{"a link to nowhere", "cannot be made", false, func(_, path string) error { return os.Symlink("/nowhere/at/all", path) }},
		{"a file", "not a directory", false, func(_, path string) error { return os.WriteFile(path, nil, 0o600) }},
		{"everybody may write there", "others may write", false, func(_, path string) error {
			return chmod(path, 0o777)
		}},
		{"the group may write there", "others may write", false, func(_, path string) error { return chmod(path, 0o775) }},
		{"everybody may write there, as in /tmp", "others may write", false, func(_, path string) error { return chmod(path, 0o777|os.ModeSticky) }},
		{"everybody may replace it", "everybody may write in", false, func(dir, path string) error {
			return os.Chmod(dir, 0o777)
		}},
		{"it is another's", "belongs to user 65534", true, func(_, path string) error {
			if err := os.Mkdir(path, 0o755); err != nil {
				return err
			}
			return os.Chown(path, 65534, 65534)
		}},
		{"it is below another's", "belongs to user 65534", true, func(dir, _ string) error { return os.Chown(dir, 65534, 65534) }},
		{"its disk may only be read", "may only be read", true, func(_, path string) error {
			if err := os.Mkdir(path, 0o755); err != nil {
				return err
			}
			if err := syscall.Mount("bragi", path, "tmpfs", syscall.MS_RDONLY, "mode=755"); err != nil {
				return err
			}
			t.Cleanup(func() { syscall.Unmount(path, syscall.MNT_DETACH) }) //nolint:errcheck // the test is over
			return nil
		}},
	} {
		if c.needsRoot && !root {
			continue
		}
		dir := filepath.Join(t.TempDir(), "above")
		path := filepath.Join(dir, "run")
		err := os.Mkdir(dir, 0o755)
		if err == nil {
			err = c.make(dir, path)
		}
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		err = OwnFolder(path)
		if (err == nil) != (c.want == "") || err != nil && (!strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "(fix: ")) {
			t.Errorf("%s: %v, want %q and a fix", c.name, err, c.want)
		}
		if left, _ := filepath.Glob(filepath.Join(path, ".*")); len(left) > 0 {
			t.Errorf("%s: %v is left", c.name, left)
		}
	}
}

func chmod(path string, mode os.FileMode) error {
	if err := os.Mkdir(path, 0o755); err != nil {
		return err
	}
	return os.Chmod(path, mode)
}
