package daemon

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"

	"bragi/board"
	"bragi/cmd/internal/config"
	"bragi/cmd/internal/state"
	"bragi/cmd/internal/status"
	"bragi/gnss/timescale"
	"bragi/holdover"
)

// What the grandmaster learned of its oscillator outlives a loss of power: it is
// kept in two files, written in turn every memoryEvery and at the exit. After a
// start it makes the first lock quick and the forecast honest at once. How old
// it is the first labelled pulse tells, not the board's clock, which may have
// no battery.

const memoryEvery = 10 * time.Minute

var memoryKind = state.Kind{Name: "oscillat", Version: 1}

// memoryFile is the content: what was learned, and of which board.
type memoryFile struct {
	Board  string          `json:"board"`
	Memory holdover.Memory `json:"memory"`
}

// memoryKeeper keeps the memory of one oscillator.
type memoryKeeper struct {
	pair    *state.Pair
	path    string
	board   string
	used    *holdover.Memory // what this life started with; nil: nothing
	refused []error
	written time.Time
	failed  error // of the last write
}

// errOtherBoard refuses the memory of another oscillator.
var errOtherBoard = errors.New("it is of another board's oscillator")

// openMemory reads the memory at path, of the oscillator kind of this board;
// path "" keeps none.
func openMemory(path, board, oscillator string) *memoryKeeper {
	k := &memoryKeeper{path: path, board: board}
	if path == "" {
		return k
	}
	var content []byte
	k.pair, content, k.refused = state.OpenPair(path, memoryKind, func(b []byte) error {
		f, err := parseMemory(b)
		switch {
		case err != nil:
			return err
		case f.Board != board:
			return fmt.Errorf("%w, %s", errOtherBoard, f.Board)
		case f.Memory.Oscillator != oscillator:
			return fmt.Errorf("it is of an oscillator %s, and holdover.oscillator is %s", f.Memory.Oscillator, oscillator)
		}
		return nil
	})
	if content == nil {
		return k
	}
	if f, err := parseMemory(content); err == nil {
		k.used = &f.Memory
	}
	return k
}

func parseMemory(b []byte) (f memoryFile, err error) {
	if err := json.Unmarshal(b, &f); err != nil {
		return f, fmt.Errorf("it is no memory: %w", err)
	}
	return f, f.Memory.Check()
}

// date is when the memory was made: no free run starts from an earlier date.
func (k *memoryKeeper) date() timescale.TAI {
	if k == nil || k.used == nil {
		return timescale.TAI{}
	}
	return timescale.TAIFromNs(k.used.TAISeconds * int64(time.Second))
}

// write keeps m.
func (k *memoryKeeper) write(m holdover.Memory) error {
	b, err := json.Marshal(memoryFile{k.board, m})
	if err != nil {
		return fmt.Errorf("memory: %w", err)
	}
	return k.pair.Write(b)
}

// memoryDefault is where the memory is kept when the configuration does not
// say.
const memoryDefault = "/var/lib/bragi/oscillator"

// memoryPath is where the memory is kept; "": nowhere. The board of software
// has a new oscillator at each start, and keeps a memory only when told to.
func memoryPath(cfg *config.Config) string {
	switch {
	case cfg.Holdover.StateFile != "":
		return cfg.Holdover.StateFile
	case cfg.Board.Profile == "sim":
		return ""
	}
	folder := filepath.Dir(memoryDefault)
	if os.MkdirAll(folder, 0o755) != nil || unix.Access(folder, unix.W_OK) != nil {
		return ""
	}
	return memoryDefault
}

// memoryBoard names the oscillator that a memory belongs to: a card that is put
// into another board must not bring this one's along.
func memoryBoard(cfg *config.Config) (string, error) {
	if cfg.Board.Profile == "sim" {
		return fmt.Sprintf("sim %s %d", cfg.Sim.Oscillator, cfg.Sim.Seed), nil
	}
	identity, err := clockIdentity(cfg.Board.Interface)
	return identity.String(), err
}

// recall reads the memory and tells what of it is used.
func (d *Daemon) recall() error {
	board, err := memoryBoard(d.cfg)
	if err != nil {
		return err
	}
	d.memory = openMemory(memoryPath(d.cfg), board, d.cfg.Holdover.Oscillator.String())
	for _, err := range d.memory.refused {
		d.happened(status.Kept{What: "a memory of the oscillator is left unused: " + err.Error(), Bad: true})
	}
	if m := d.memory.used; m != nil {
		d.happened(status.Kept{File: d.memory.path,
			What: fmt.Sprintf("the oscillator is known from an earlier life: %+.1f ppb, locked for %s", m.FrequencyPPB, status.Span(m.LockedForS))})
	}
	return nil
}

// remember writes the memory every memoryEvery until ctx ends, and then once
// more.
func (d *Daemon) remember(ctx context.Context) {
	if d.memory.pair == nil {
		return
	}
	tick := time.NewTicker(memoryEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			d.writeMemory()
			return
		case <-tick.C:
			d.writeMemory()
		}
	}
}

// writeMemory keeps what is known now. The disk is waited for without the lock.
func (d *Daemon) writeMemory() {
	d.mu.Lock()
	m, ok := d.pipe.Memory(board.Raw())
	d.mu.Unlock()
	if !ok {
		return
	}
	err := d.memory.write(m)
	d.mu.Lock()
	defer d.mu.Unlock()
	if err == nil {
		d.memory.written = time.Now()
	} else if d.memory.failed == nil {
		d.happened(status.Kept{File: d.memory.path, What: "what was learned of the oscillator cannot be kept: " + err.Error() + " (fix: let holdover.state_file be where bragid may write)", Bad: true})
	}
	d.memory.failed = err
}

// notKept is why something that bragid keeps cannot be written now, "" when all is.
// The caller holds the lock.
func (d *Daemon) notKept() string {
	if d.memory != nil && d.memory.failed != nil {
		return d.memory.failed.Error()
	}
	if d.drills != nil && d.drills.failed != nil {
		return d.drills.failed.Error()
	}
	return d.keep.trouble()
}

// status is the memory for the reader.
func (k *memoryKeeper) status() *status.Memory {
	s := &status.Memory{File: k.path, Refused: []string{}}
	if k.used != nil {
		s.Used, s.Of = true, k.date().String()
	}
	for _, err := range k.refused {
		s.Refused = append(s.Refused, err.Error())
	}
	if !k.written.IsZero() {
		s.Written = &k.written
	}
	if k.failed != nil {
		s.Failed = k.failed.Error()
	}
	return s
}
