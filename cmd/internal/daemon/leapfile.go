package daemon

import (
	"context"
	"fmt"
	"os"
	"time"

	"bragi/board"
	"bragi/cmd/internal/alarms"
	"bragi/cmd/internal/config"
	"bragi/cmd/internal/file"
	"bragi/cmd/internal/status"
	"bragi/gnss/timescale"
)

// The table of leap seconds in gnss.leap_file: read at the start, at a reload, and when
// the file has another time.

const (
	// leapFileLimit is far more than such a file has.
	leapFileLimit = 1 << 20
	leapFileEvery = 30 * time.Second
)

// leapTable is the table of leap seconds in a file, or the built-in one where
// that knows more. A file that cannot be used is an error and no reason not to
// serve: the built-in table goes on.
func leapTable(path string) (*timescale.LeapSeconds, error) {
	table := timescale.Builtin()
	if path == "" {
		return table, nil
	}
	data, err := file.Read(path, leapFileLimit)
	if err != nil {
		return table, fmt.Errorf("gnss.leap_file: %w", err)
	}
	read, err := timescale.ParseLeapSeconds(data)
	if err != nil {
		return table, fmt.Errorf("gnss.leap_file: %s: %w", path, err)
	}
	if read.Expires().Sub(table.Expires()) > 0 {
		table = read
	}
	return table, nil
}

// leapWords is what a configuration's file says, for --check.
func leapWords(path string) (string, error) {
	table, err := leapTable(path)
	if err != nil {
		return "", fmt.Errorf("%w (fix: %s)", err, leapFix)
	}
	from := "built in"
	if table != timescale.Builtin() {
		from = path
	}
	return fmt.Sprintf("%s, complete until %s", from, table.Expires()), nil
}

const leapFix = "put a leap-seconds.list there, or remove the key"

// leapContradiction tells that a file has another count than the built-in table at a time that
// this is complete for: that count is known, whatever the file says.
func leapContradiction(path string) error {
	table, err := leapTable(path)
	built := timescale.Builtin()
	if err != nil || table == built {
		return nil // another one tells what is wrong with it
	}
	for _, u := range []timescale.UTC{built.Last(), built.Expires().Add(-time.Second), built.Last().Add(-time.Second)} {
		if has, known := table.OffsetAtUTC(u), built.OffsetAtUTC(u); has != known {
			return fmt.Errorf("gnss.leap_file: %s: TAI - UTC is %d s in it at %v, and it was %d s (fix: %s)", path, has, u, known, leapFix)
		}
	}
	return nil
}

// leapDoubts are what a configuration's file contradicts of the count that the references know now.
func (d *Daemon) leapDoubts(cfg *config.Config) (doubts []config.Warning) {
	table, err := leapTable(cfg.GNSS.LeapFile)
	if err != nil || cfg.GNSS.LeapFile == "" {
		return nil
	}
	d.mu.Lock()
	err = d.pipe.RefusesLeapTable(table)
	d.mu.Unlock()
	if err != nil {
		doubts = append(doubts, config.Warning{What: refusedLeapFile(cfg.GNSS.LeapFile, err).Error(), Fix: leapFix})
	}
	return doubts
}

// leapFile is the file as it was read last.
type leapFile struct {
	path  string
	at    time.Time // of its last change; zero: it is not there
	size  int64
	table *timescale.LeapSeconds // that is used
}

// refuse goes back to table, and reads the file again at the next look.
func (l *leapFile) refuse(table *timescale.LeapSeconds) {
	l.at, l.size, l.table = time.Time{}, 0, table
}

// read is the table, and whether it is to be used from now on: it is another file than
// the one read before. An error leaves the old table.
func (l *leapFile) read() (fresh bool, err error) {
	var at time.Time
	var size int64
	if info, err := os.Stat(l.path); err == nil {
		at, size = info.ModTime(), info.Size()
	}
	if at.Equal(l.at) && size == l.size && !at.IsZero() {
		return false, nil
	}
	table, err := leapTable(l.path)
	l.at, l.size = at, size
	if err != nil {
		return false, err
	}
	fresh = !table.Same(l.table)
	l.table = table
	return fresh, nil
}

// rereadLeapFile uses a table of leap seconds that was replaced.
func (d *Daemon) rereadLeapFile() (fresh bool, err error) {
	d.leapMu.Lock()
	defer d.leapMu.Unlock()
	l := &d.leap
	if l.path == "" {
		return false, nil
	}
	seen, before := l.at, l.table
	fresh, err = l.read()
	if fresh {
		d.mu.Lock()
		if err = d.pipe.SetLeapTable(board.Raw(), l.table); err != nil {
			fresh, err = false, refusedLeapFile(l.path, err)
			l.refuse(before)
		}
		d.keep.changed()
		d.mu.Unlock()
	}
	switch {
	case err != nil:
		d.condition(alarms.LeapFile, err.Error())
		return false, err
	case !l.at.Equal(seen):
		d.condition(alarms.LeapFile, "")
	}
	if fresh {
		d.happened(status.LeapFileRead{File: l.path, Until: l.table.Expires().String()})
	}
	return fresh, nil
}

// resumeLeapTable lets a file that the last process had reason to refuse be refused after its
// restart, too.
func (d *Daemon) resumeLeapTable() {
	built := timescale.Builtin()
	if d.leap.table == built {
		return
	}
	if err := d.pipe.RefusesLeapTable(d.leap.table); err != nil && d.pipe.SetLeapTable(board.Raw(), built) == nil {
		d.condition(alarms.LeapFile, refusedLeapFile(d.leap.path, err).Error())
		d.leap.refuse(built)
	}
}

func refusedLeapFile(path string, why error) error {
	return fmt.Errorf("gnss.leap_file: %s is not used: %w", path, why)
}

// watchLeapFile rereads the file when it was replaced, until ctx ends.
func (d *Daemon) watchLeapFile(ctx context.Context) {
	for pause(ctx, leapFileEvery) {
		_, _ = d.rereadLeapFile() // the alarm tells what is wrong
	}
}

// lookBehindNames reads again the files that keys only name, where they were
// replaced. reread are those that are used now; what is wrong with one is a warning,
// and what was read before stays.
func (d *Daemon) lookBehindNames() (reread []string, warnings []config.Warning) {
	switch fresh, err := d.rereadLeapFile(); {
	case err != nil:
		warnings = append(warnings, config.Warning{What: err.Error(), Fix: leapFix})
	case fresh:
		reread = append(reread, "gnss.leap_file")
	}
	if d.syslog == nil {
		return reread, warnings
	}
	switch fresh, err := d.syslog.Reread(); {
	case err != nil:
		warnings = append(warnings, config.Warning{What: err.Error(), Fix: "put PEM files that belong together there; the connections stay as they are"})
	case fresh:
		reread = append(reread, "syslog.ca, syslog.certificate")
	}
	return reread, warnings
}
