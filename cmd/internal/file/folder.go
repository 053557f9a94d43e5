package file

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// OwnFolder makes the folder at path unless it is there, and tells why nothing may
// be kept in it: it is a link, it belongs to another user, others may write there or
// put another folder in its place, or the disk takes nothing. What others prepared
// is thus never followed or written over.
func OwnFolder(path string) error {
	if err := os.MkdirAll(path, 0o755); err != nil {
		return fmt.Errorf("the folder cannot be made: %w (fix: name a folder that you may make)", err)
	}
	info, err := os.Lstat(path)
	if err != nil {
		return err
	}
	switch owner := ownerOf(info); {
	case info.Mode()&fs.ModeSymlink != 0:
		return fmt.Errorf("%s is a link (fix: name the folder itself)", path)
	case owner != os.Geteuid():
		return fmt.Errorf("%s belongs to user %d, not to user %d who runs this (fix: name a folder of your own)", path, owner, os.Geteuid())
	case info.Mode()&0o022 != 0:
		return fmt.Errorf("others may write in %s (fix: chmod go-w %s, or name another folder)", path, path)
	}
	// Whoever may write in a folder above may put another in its place, but not where
	// each may remove only their own (the sticky bit of /tmp).
	real, err := filepath.EvalSymlinks(path)
	if err != nil {
		return err
	}
	for above := filepath.Dir(real); ; above = filepath.Dir(above) {
		info, err := os.Stat(above)
		if err != nil {
			return err
		}
		switch owner := ownerOf(info); {
		case owner != 0 && owner != os.Geteuid():
			return fmt.Errorf("%s, above %s, belongs to user %d (fix: name a folder below your own)", above, path, owner)
		case info.Mode()&0o002 != 0 && info.Mode()&fs.ModeSticky == 0:
			return fmt.Errorf("everybody may write in %s, above %s (fix: chmod o-w %s, or name another folder)", above, path, above)
		}
		if above == filepath.Dir(above) {
			break
		}
	}
	probe, err := os.CreateTemp(path, ".probe.*")
	switch {
	case errors.Is(err, syscall.EROFS):
		return fmt.Errorf("%s is on a disk that may only be read (fix: name a folder on another disk, or mount it to be written)", path)
	case errors.Is(err, syscall.ENOSPC):
		return fmt.Errorf("there is no room on the disk of %s (fix: make room, or name a folder on another disk)", path)
	case err != nil:
		return fmt.Errorf("nothing can be written in %s: %w (fix: name a folder that you may write)", path, err)
	}
	probe.Close()
	return os.Remove(probe.Name())
}

// ownerOf is the number of the user that a file belongs to.
func ownerOf(info fs.FileInfo) int {
	if s, ok := info.Sys().(*syscall.Stat_t); ok {
		return int(s.Uid)
	}
	return -1
}
