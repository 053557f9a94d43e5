package console

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/pflag"

	"bragi/cmd/internal/operator"
)

// A console runs as root, and whoever sits at the serial line has it without a
// password. So it writes no file that a person names, and it reads such a file only
// where everybody may.

// writesFile tells the flags whose value is a file to write.
func writesFile(f *pflag.Flag) bool { return len(f.Annotations[operator.WritesFile]) > 0 }

// mayUse refuses a command that names a file which not everybody may read, or one to write.
func (p place) mayUse() error {
	for i, word := range p.words {
		name, value, isFlag := strings.Cut(strings.TrimPrefix(word, "--"), "=")
		if strings.HasPrefix(word, "--") {
			if f := p.command.Flag(name); f != nil && writesFile(f) {
				return fmt.Errorf("%s writes a file, and the console writes none (fix: the same command in a shell)", word)
			}
			if !isFlag {
				continue
			}
			word = value
		} else if i < len(p.words)-p.args && (i == 0 || !strings.HasPrefix(p.words[i-1], "--")) {
			continue // of the command's own name
		}
		if !everybodyMayRead(word) {
			return fmt.Errorf("not everybody may read %s, so the console does not (fix: chmod o+r, or the same command in a shell)", word)
		}
	}
	return nil
}

// everybodyMayRead tells whether any user may read what is at path. What is not there
// is no secret.
func everybodyMayRead(path string) bool {
	full, err := filepath.Abs(path)
	if err != nil {
		return false
	}
	if full, err = filepath.EvalSymlinks(full); err != nil {
		return true // nothing is there
	}
	if info, err := os.Stat(full); err != nil || info.Mode()&0o004 == 0 {
		return false
	}
	for folder := filepath.Dir(full); ; folder = filepath.Dir(folder) {
		if info, err := os.Stat(folder); err != nil || info.Mode()&0o001 == 0 {
			return false
		}
		if folder == "/" {
			return true
		}
	}
}
