package daemon

import (
	"encoding/binary"
	"fmt"
	"os"

	"golang.org/x/sys/unix"

	"bragi/cmd/internal/state"
	"bragi/gnss/timescale"
)

// alive is a small file that says when Announces last left: the boot's name, and
// CLOCK_MONOTONIC_RAW in ns. It is overwritten in place, so that it costs a system
// call and no rename.
type alive struct {
	file *os.File
	head []byte
	last timescale.Mono
}

// openAlive opens or makes the file. last is what the process before this one left
// there, zero for nothing of this boot.
func openAlive(path, boot string) (a *alive, last timescale.Mono, err error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0o644)
	if err != nil {
		return nil, last, err
	}
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
		f.Close()
		return nil, last, fmt.Errorf("%s is no regular file", path)
	}
	b := make([]byte, 512)
	n, _ := f.ReadAt(b, 0) // what is short is not of this boot
	if was, rest, err := state.CutBoot(b[:n]); err == nil && was == boot && boot != "" && len(rest) == 8 {
		last = timescale.MonoFromNs(int64(binary.BigEndian.Uint64(rest)))
	}
	return &alive{file: f, head: state.AppendBoot(nil, boot)}, last, nil
}

// at notes that Announces left at a moment.
func (a *alive) at(last timescale.Mono) {
	if a == nil || last.IsZero() || last == a.last {
		return
	}
	a.last = last
	_, _ = a.file.WriteAt(binary.BigEndian.AppendUint64(a.head, uint64(last.Ns())), 0) // the other files tell of a disk that is full
}

// keepAlive writes down when Announces last left.
func (d *Daemon) keepAlive() {
	d.mu.Lock()
	server := d.server
	d.mu.Unlock()
	if server != nil {
		d.keep.alive.at(server.Announced())
	}
}
