// Package store keeps the configuration's file: it replaces it whole, keeps the
// last ten, and takes back what nobody confirmed.
//
//	FILE                            what is read at the start and at a reload
//	FILE.previous/000017.toml       what it was before; the highest number is the latest
//	FILE.previous/unconfirmed.json  there while a commit waits for its confirmation
//
// A commit writes in this order: what the file was, the mark of an unconfirmed
// commit, the file. The power may go at any moment: the mark names the text that
// it belongs to, so that one whose file was never written counts for nothing.
package store

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"bragi/cmd/internal/config"
	"bragi/cmd/internal/file"
)

// keptLimit is more than any text has that is kept: those of earlier versions had a
// larger limit, and one of them must not hide the others.
const keptLimit = 1 << 20

// Kept is how many previous texts are kept.
const Kept = 10

// Why nothing is changed; errors.Is finds them.
var (
	ErrBase       = errors.New("the configuration is another since")
	ErrSame       = errors.New("nothing to commit: the file says that already")
	ErrNoPrevious = errors.New("is not kept")
)

// Store is one configuration's file. It is not safe for several goroutines.
type Store struct {
	path   string // the file itself: links are followed
	folder string
}

// Previous is a text that the file had.
type Previous struct {
	Number     int       // 1: the latest
	ReplacedAt time.Time // when another took its place
	Text       []byte
	name       string
}

// Moment is a time that a step of the calendar does not move: CLOCK_MONOTONIC_RAW
// of one boot.
type Moment struct {
	Boot  string
	RawNs int64
}

// Unconfirmed is a commit that is taken back at a time.
type Unconfirmed struct {
	Boot    string `json:"boot"`     // the boot that it was made in: it does not outlive it
	UntilNs int64  `json:"until_ns"` // CLOCK_MONOTONIC_RAW
	AfterNs int64  `json:"after_ns"` // how long was given
	Hash    string `json:"hash"`     // of the text committed
	Before  string `json:"before"`   // the name of the text to go back to
}

// Due tells whether the time to confirm is over.
func (u Unconfirmed) Due(now Moment) bool { return now.Boot != u.Boot || now.RawNs >= u.UntilNs }

// Left is how long there is to confirm.
func (u Unconfirmed) Left(now Moment) time.Duration {
	if u.Due(now) {
		return 0
	}
	return time.Duration(u.UntilNs - now.RawNs)
}

// Open returns the store of the file at path. Nothing is read or written.
func Open(path string) *Store {
	if real, err := filepath.EvalSymlinks(path); err == nil {
		path = real
	}
	return &Store{path, path + ".previous"}
}

// Hash names a text.
func Hash(text []byte) string {
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:8])
}

// Text is what the file says now.
func (s *Store) Text() ([]byte, error) { return file.Read(s.path, config.SizeLimit) }

// Previous are the texts that are kept, the latest first.
func (s *Store) Previous() ([]Previous, error) {
	names, err := s.names()
	if err != nil {
		return nil, err
	}
	list := make([]Previous, 0, len(names))
	for i, name := range names {
		p := Previous{Number: i + 1, name: name}
		info, err := os.Stat(filepath.Join(s.folder, name))
		if err == nil {
			p.ReplacedAt = info.ModTime()
			p.Text, err = file.Read(filepath.Join(s.folder, name), keptLimit)
		}
		if err != nil {
			return nil, err
		}
		list = append(list, p)
	}
	return list, nil
}

// names are the files of the previous texts, the latest first.
func (s *Store) names() ([]string, error) {
	entries, err := os.ReadDir(s.folder)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var names []string
	for _, e := range entries {
		if number(e.Name()) > 0 {
			names = append(names, e.Name())
		}
	}
	slices.SortFunc(names, func(a, b string) int { return number(b) - number(a) })
	return names, nil
}

// number is that of a previous text's name, 0 when it is none.
func number(name string) int {
	digits, is := strings.CutSuffix(name, ".toml")
	n, err := strconv.Atoi(digits)
	if !is || err != nil || n < 0 {
		return 0
	}
	return n
}

// Find is the previous text of a number, 1 being the latest.
func (s *Store) Find(n int) (Previous, error) {
	names, err := s.names()
	if err != nil {
		return Previous{}, err
	}
	if n < 1 || n > len(names) {
		return Previous{}, fmt.Errorf("previous configuration %d %w, %d are (fix: bragi config previous lists them)", n, ErrNoPrevious, len(names))
	}
	list, err := s.Previous()
	if err != nil {
		return Previous{}, err
	}
	return list[n-1], nil
}

// Commit puts text in the place of what the file says, which must still be the
// text that base names, and calls apply. With a positive within it is taken back
// unless Confirm is called before that time is over: then the latest text that was
// confirmed comes back. Without within it is confirmed, and so is what waited. A
// commit that fails, in apply too, leaves everything as it was.
func (s *Store) Commit(base string, text []byte, now Moment, within time.Duration, apply func() error) (err error) {
	old, err := s.Text()
	switch {
	case err != nil:
		return err
	case Hash(old) != base:
		return ErrBase
	case Hash(text) == base:
		return ErrSame
	case len(text) > config.SizeLimit:
		return fmt.Errorf("the text has %d bytes, more than %d: %w", len(text), config.SizeLimit, file.ErrTooLarge)
	}
	waits := s.Unconfirmed()
	name, err := s.keep(old)
	if err != nil {
		return err
	}
	defer func() {
		if err == nil {
			return
		}
		os.Remove(filepath.Join(s.folder, name)) //nolint:errcheck // one text too many is kept
		if waits != nil {
			err = errors.Join(err, s.mark(*waits))
		} else {
			s.Confirm() //nolint:errcheck // a mark that stays names a text that is not kept, and counts for nothing
		}
	}()
	if within > 0 {
		u := Unconfirmed{Boot: now.Boot, UntilNs: now.RawNs + int64(within), AfterNs: int64(within), Hash: Hash(text), Before: name}
		if waits != nil {
			u.Before = waits.Before // the latest that somebody confirmed
		}
		if err = s.mark(u); err != nil {
			return err
		}
	} else if err = s.Confirm(); err != nil {
		return err
	}
	if err = s.replace(text); err != nil {
		return err
	}
	if err = apply(); err != nil {
		return errors.Join(err, s.replace(old))
	}
	s.prune()
	return nil
}

// keep writes down what the file was, and returns its name.
func (s *Store) keep(text []byte) (string, error) {
	if err := os.MkdirAll(s.folder, 0o755); err != nil {
		return "", err
	}
	names, err := s.names()
	if err != nil {
		return "", err
	}
	n := 1
	if len(names) > 0 {
		n = number(names[0]) + 1
	}
	name := fmt.Sprintf("%06d.toml", n)
	return name, file.Replace(filepath.Join(s.folder, name), text, s.mode(), file.OnDisk)
}

func (s *Store) replace(text []byte) error { return file.Replace(s.path, text, s.mode(), file.OnDisk) }

// mode is the file's own: a text may be secret.
func (s *Store) mode() fs.FileMode {
	if info, err := os.Stat(s.path); err == nil {
		return info.Mode().Perm()
	}
	return 0o644
}

// prune forgets the oldest texts, but not the one that an unconfirmed commit goes
// back to. What cannot be removed is tried the next time.
func (s *Store) prune() {
	names, err := s.names()
	if err != nil || len(names) <= Kept {
		return
	}
	u := s.Unconfirmed()
	for _, name := range names[Kept:] {
		if u == nil || name != u.Before {
			os.Remove(filepath.Join(s.folder, name)) //nolint:errcheck // see above
		}
	}
}

func (s *Store) markPath() string { return filepath.Join(s.folder, "unconfirmed.json") }

func (s *Store) mark(u Unconfirmed) error {
	content, err := json.Marshal(u)
	if err != nil {
		return err
	}
	return file.Replace(s.markPath(), content, 0o644, file.OnDisk)
}

// Unconfirmed is the commit that waits for its confirmation; nil: none does. It
// waits also where the file was edited since: an edit confirms nothing.
func (s *Store) Unconfirmed() *Unconfirmed {
	content, err := file.Read(s.markPath(), config.SizeLimit)
	if err != nil {
		return nil
	}
	var u Unconfirmed
	if json.Unmarshal(content, &u) != nil || number(u.Before) == 0 {
		return nil
	}
	if _, err := s.Before(u); err != nil {
		return nil
	}
	return &u
}

// Edited tells whether the file was edited since an unconfirmed commit.
func (s *Store) Edited(u Unconfirmed) bool {
	text, err := s.Text()
	return err == nil && Hash(text) != u.Hash
}

// Confirm ends the wait: what was committed stays.
func (s *Store) Confirm() error {
	err := os.Remove(s.markPath())
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return file.SyncFolder(s.folder)
}

// Before is the text that an unconfirmed commit took the place of.
func (s *Store) Before(u Unconfirmed) ([]byte, error) {
	return file.Read(filepath.Join(s.folder, u.Before), keptLimit)
}

// TakeBack puts the text before an unconfirmed commit into the file again. The
// text that is taken back is kept as a previous one, where the disk has room; one
// that somebody edited since is kept in any case. It tells whether the file had
// another text: it has none where the power went before a commit wrote it.
func (s *Store) TakeBack(u Unconfirmed) (bool, error) {
	before, err := s.Before(u)
	if err != nil {
		return false, err
	}
	taken, err := s.Text()
	switch {
	case errors.Is(err, fs.ErrNotExist): // the file is away: nothing to keep
	case err != nil:
		return false, err
	case Hash(taken) == Hash(before):
		return false, s.Confirm()
	default:
		if _, err := s.keep(taken); err != nil && Hash(taken) != u.Hash {
			return false, err
		}
	}
	if err := s.replace(before); err != nil {
		return false, err
	}
	if err := s.Confirm(); err != nil {
		return false, err
	}
	s.prune()
	return true, nil
}

// Recover is what a process does before it reads the file: an unconfirmed commit
// whose time is over is taken back. It tells whether one was.
func (s *Store) Recover(now Moment) (takenBack bool, err error) {
	u := s.Unconfirmed()
	if u == nil || !u.Due(now) {
		return false, nil
	}
	if takenBack, err = s.TakeBack(*u); err != nil {
		return false, fmt.Errorf("config: a commit that nobody confirmed cannot be taken back: %w", err)
	}
	return takenBack, nil
}
