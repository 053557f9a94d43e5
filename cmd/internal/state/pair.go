package state

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// Pair keeps content in two files, PATH.a and PATH.b, written in turn, so that
// one is left whatever happens to the other: power lost at any byte, a block of
// flash that fails, a file system that forgets a rename. A serial number tells
// which is the later one. It is not safe for several goroutines.
type Pair struct {
	path   string
	kind   Kind
	serial uint64 // of the copy read or written last
	into   int    // which copy is written next
}

const serialSize = 8

var copies = [2]string{".a", ".b"}

// OpenPair reads the later copy that is whole and that accept takes. refused
// tells of each copy that is there and is not used, and why. content is nil when
// there is none to use. accept may be nil.
func OpenPair(path string, kind Kind, accept func(content []byte) error) (p *Pair, content []byte, refused []error) {
	p = &Pair{path: path, kind: kind}
	found := -1
	for i := range copies {
		serial, c, err := p.read(i)
		if err == nil && accept != nil {
			if err = accept(c); err != nil {
				err = fmt.Errorf("state: %s is refused: %w", p.name(i), err)
			}
		}
		if err != nil {
			if !errors.Is(err, fs.ErrNotExist) {
				refused = append(refused, err)
			}
			continue
		}
		if found < 0 || serial > p.serial {
			found, p.serial, content = i, serial, c
		}
	}
	if found == 0 {
		p.into = 1
	}
	return p, content, refused
}

func (p *Pair) name(i int) string { return p.path + copies[i] }

func (p *Pair) read(i int) (serial uint64, content []byte, err error) {
	b, err := ReadFile(p.name(i), p.kind)
	if err != nil {
		return 0, nil, err
	}
	if len(b) < serialSize {
		return 0, nil, fmt.Errorf("state: %s is refused: %w", p.name(i), ErrTorn)
	}
	return binary.BigEndian.Uint64(b), b[serialSize:], nil
}

// Write puts content into the copy that is not the latest, and waits for the
// disk. The folder is made when it is missing.
func (p *Pair) Write(content []byte) error {
	if err := os.MkdirAll(filepath.Dir(p.path), 0o755); err != nil {
		return fmt.Errorf("state: %w", err)
	}
	b := binary.BigEndian.AppendUint64(make([]byte, 0, serialSize+len(content)), p.serial+1)
	if err := WriteFile(p.name(p.into), p.kind, append(b, content...)); err != nil {
		return err
	}
	p.serial++
	p.into = 1 - p.into
	return nil
}
