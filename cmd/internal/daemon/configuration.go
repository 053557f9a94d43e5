package daemon

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/user"
	"slices"
	"strconv"
	"strings"
	"time"

	"bragi/board"
	"bragi/cmd/internal/alarms"
	"bragi/cmd/internal/config"
	"bragi/cmd/internal/config/store"
	"bragi/cmd/internal/control"
	"bragi/cmd/internal/httpface"
	"bragi/cmd/internal/state"
	"bragi/cmd/internal/status"
	"bragi/cmd/internal/syslog"
)

// The configuration's life: a commit is judged, written, and then applied as a
// reload is. One that waits for its confirmation is marked beside the file, so that
// it is taken back by whichever process runs when its time is over.

// source is where the configuration comes from.
type source struct {
	file  string
	sets  []string // --set
	store *store.Store
	boot  string
}

func newSource(file string, sets []string) source {
	boot, _ := state.BootID() // without one a commit that waits is taken back at the next start
	return source{file, sets, store.Open(file), boot}
}

// read reads the file. used is its text.
func (s source) read() (cfg *config.Config, used []byte, warnings []config.Warning, err error) {
	text, err := config.ReadText(s.file)
	if err != nil {
		return nil, nil, nil, err
	}
	cfg, warnings, err = s.judge(text)
	return cfg, text, warnings, err
}

// judge reads a text as if it were the file's, and looks at what it names on this machine:
// an error is what bragid would not start with.
func (s source) judge(text []byte) (*config.Config, []config.Warning, error) {
	cfg, warnings, err := config.Parse(s.file, text, s.sets)
	if err != nil {
		return nil, nil, err
	}
	if err := control.CheckPath(cfg.SocketPath()); err != nil {
		return nil, nil, err
	}
	if cfg.Simulated() {
		if _, err := recording(cfg.Sim.Capture); err != nil {
			return nil, nil, err
		}
	}
	for _, err := range files(cfg) {
		warnings = append(warnings, config.Warning{What: err.Error()})
	}
	return cfg, append(warnings, strangers(cfg.Control.Admins)...), nil
}

// files tells of the files named by a configuration which cannot be used now. bragid serves without them.
func files(cfg *config.Config) (wrong []error) {
	if _, err := leapWords(cfg.GNSS.LeapFile); err != nil {
		wrong = append(wrong, err)
	} else if err := leapContradiction(cfg.GNSS.LeapFile); err != nil {
		wrong = append(wrong, err)
	}
	if err := httpface.Check(httpConfig(cfg.Control)); err != nil {
		wrong = append(wrong, err)
	}
	if sender := cfg.Syslog.Sender(); slices.ContainsFunc(sender.Targets, syslog.Target.Encrypted) {
		if err := sender.Files.Check(); err != nil {
			wrong = append(wrong, err)
		}
	}
	return wrong
}

// strangers warns of the names that are no user's here. A number may be a user's elsewhere.
func strangers(admins []string) (list []config.Warning) {
	for _, name := range admins {
		if _, err := strconv.ParseUint(name, 10, 32); err == nil {
			continue
		}
		if _, err := user.Lookup(name); err != nil {
			list = append(list, config.Warning{What: fmt.Sprintf("control.admins names %q, and this machine has no such user", name),
				Fix: "add the user (adduser), or write the name as it is in /etc/passwd"})
		}
	}
	return list
}

// now is the moment by which an unconfirmed commit's time is over.
func (s source) now() store.Moment { return store.Moment{Boot: s.boot, RawNs: board.Raw().Ns()} }

// Config is what the file says, what it said, and what waits.
func (d *Daemon) Config() (control.Config, error) {
	d.reloading.Lock()
	defer d.reloading.Unlock()
	return d.config()
}

// config is Config; the caller holds d.reloading.
func (d *Daemon) config() (c control.Config, err error) {
	text, err := config.ReadText(d.source.file)
	if err != nil {
		return c, err
	}
	previous, err := d.source.store.Previous()
	if err != nil {
		return c, fmt.Errorf("the previous configurations: %w", err)
	}
	hash := store.Hash(text)
	u := d.unconfirmed.Load()
	stuck := u != nil && u.Hash == hash // the commit that runs, or could not be taken back: nobody edited the file
	c = control.Config{File: d.source.file, Text: string(text), Hash: hash, Overrides: append([]string{}, d.source.sets...),
		Edited: hash != d.used && !stuck, Config: d.configStatus(), Previous: []control.Previous{}, Left: d.left}
	for _, p := range previous {
		c.Previous = append(c.Previous, previousOf(p))
	}
	return c, nil
}

func previousOf(p store.Previous) control.Previous {
	return control.Previous{Number: p.Number, ReplacedAt: p.ReplacedAt, Hash: store.Hash(p.Text), Bytes: len(p.Text)}
}

// configStatus is what of the configuration waits.
func (d *Daemon) configStatus() status.Config {
	c := status.Config{Waiting: []string{}}
	if w := d.waiting.Load(); w != nil {
		c.Waiting = append(c.Waiting, *w...)
	}
	if u := d.unconfirmed.Load(); u != nil {
		c.Unconfirmed = d.unconfirmedStatus(*u)
	}
	return c
}

func (d *Daemon) unconfirmedStatus(u store.Unconfirmed) *status.Unconfirmed {
	left := u.Left(d.source.now())
	return &status.Unconfirmed{LeftS: left.Seconds(), Until: time.Now().Add(left)}
}

// PreviousConfig is what the file said before.
func (d *Daemon) PreviousConfig(number int) (control.PreviousText, error) {
	d.reloading.Lock()
	defer d.reloading.Unlock()
	p, err := d.source.store.Find(number)
	if err != nil {
		return control.PreviousText{}, err
	}
	return control.PreviousText{Previous: previousOf(p), Text: string(p.Text)}, nil
}

// CheckConfig tells what a commit would do.
func (d *Daemon) CheckConfig(c control.Check) (done control.Committed, err error) {
	d.reloading.Lock()
	defer d.reloading.Unlock()
	next, warnings, err := d.source.judge([]byte(c.Text))
	if err != nil {
		return done, err
	}
	d.mu.Lock()
	now := d.cfg
	d.mu.Unlock()
	_, applied, waiting := now.Update(next)
	warnings = append(warnings, d.leapDoubts(next)...)
	done.Reloaded, done.Hash = reloaded(applied, nil, waiting, warnings), store.Hash([]byte(c.Text))
	return done, nil
}

// CommitConfig puts a text in the place of the file's, and applies it.
func (d *Daemon) CommitConfig(c control.Commit) (control.Committed, error) {
	d.reloading.Lock()
	defer d.reloading.Unlock()
	return d.commit([]byte(c.Text), c.Base, c.ConfirmS, 0)
}

// RollbackConfig commits a previous text.
func (d *Daemon) RollbackConfig(r control.Rollback) (control.Committed, error) {
	d.reloading.Lock()
	defer d.reloading.Unlock()
	p, err := d.source.store.Find(r.Number)
	if err != nil {
		return control.Committed{}, err
	}
	return d.commit(p.Text, r.Base, r.ConfirmS, r.Number)
}

// commit is what commits have in common; number is that of a rollback. The caller
// holds d.reloading.
func (d *Daemon) commit(text []byte, base string, confirmS float64, number int) (done control.Committed, err error) {
	defer func() {
		if err != nil {
			d.happened(status.ConfigRefused{Why: err.Error()})
		}
	}()
	within, err := control.ConfirmWithin(confirmS)
	if err != nil {
		return done, err
	}
	next, warnings, err := d.source.judge(text)
	if err != nil {
		return done, err
	}
	err = d.source.store.Commit(base, text, d.source.now(), within, func() (err error) {
		done.Reloaded, err = d.apply(next, text, warnings)
		return err
	})
	switch {
	case errors.Is(err, store.ErrBase):
		return done, errors.New("somebody else has changed the configuration since you read it; nothing is committed (fix: read it again, make your change, and commit it)")
	case errors.Is(err, store.ErrSame):
		return done, err
	case err != nil:
		return done, fmt.Errorf("the configuration is not committed, nothing has changed: %w (fix: let bragid write %s and its folder, and make room on the disk)", err, d.source.file)
	}
	d.watchUnconfirmed()
	d.left = nil
	done.Hash = store.Hash(text)
	if u := d.unconfirmed.Load(); u != nil {
		done.Unconfirmed = d.unconfirmedStatus(*u)
	}
	d.happened(status.ConfigCommitted{Applied: done.Applied, Waiting: done.Waiting, Within: within, Rollback: number})
	return done, nil
}

// ConfirmConfig lets an unconfirmed commit stay.
func (d *Daemon) ConfirmConfig() (c control.Config, err error) {
	d.reloading.Lock()
	defer d.reloading.Unlock()
	if d.source.store.Unconfirmed() == nil {
		return c, errors.New("no commit waits for its confirmation")
	}
	if err := d.source.store.Confirm(); err != nil {
		return c, fmt.Errorf("the commit is not confirmed: %w", err)
	}
	d.watchUnconfirmed()
	d.happened(status.ConfigConfirmed{})
	return d.config()
}

// leaveMost is how many changes a console may leave.
const leaveMost = 200

// LeaveConfig keeps what a console that was cut off had not committed.
func (d *Daemon) LeaveConfig(l control.Leave) (c control.Config, err error) {
	if len(l.Changes) == 0 || len(l.Changes) > leaveMost {
		return c, fmt.Errorf("%d changes cannot be left (fix: 1 to %d)", len(l.Changes), leaveMost)
	}
	for _, change := range l.Changes {
		if err := config.Known(change.Key); err != nil {
			return c, err
		}
		if change.Unset {
			continue
		}
		if _, err := config.Value(change.Key, change.Value); err != nil {
			return c, err
		}
	}
	d.reloading.Lock()
	defer d.reloading.Unlock()
	d.happened(status.ConfigLeft{Keys: l.Keys()})
	if d.left != nil {
		l.Changes = both(d.left.Changes, l.Changes)
	}
	d.left = &control.Left{At: time.Now(), Leave: l}
	return d.config()
}

// both are the changes of two consoles that were cut off, in the order of the cuts; the
// latest where there are too many.
func both(first, second []control.Change) []control.Change {
	all := slices.Concat(first, second)
	return all[max(0, len(all)-leaveMost):]
}

// watchUnconfirmed looks for a commit that waits. The caller holds d.reloading, or
// is alone.
func (d *Daemon) watchUnconfirmed() { d.unconfirmed.Store(d.source.store.Unconfirmed()) }

// confirmEvery is how often the time of an unconfirmed commit is looked at.
const confirmEvery = time.Second

// takeBackUnconfirmed takes back, until ctx ends, what nobody confirmed.
func (d *Daemon) takeBackUnconfirmed(ctx context.Context) {
	look := time.NewTicker(confirmEvery)
	defer look.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-look.C:
			if u := d.unconfirmed.Load(); u != nil && u.Due(d.source.now()) {
				d.takeBack()
			}
		}
	}
}

// takeBack lets the configuration before an unconfirmed commit run again, and
// writes it: in this order, since the disk may be full. It is called again until
// the file is written.
func (d *Daemon) takeBack() {
	d.reloading.Lock()
	defer d.reloading.Unlock()
	u := d.source.store.Unconfirmed()
	if u == nil { // it was confirmed
		d.unconfirmed.Store(nil)
		return
	}
	var next *config.Config
	text, err := d.source.store.Before(*u)
	if err == nil {
		next, _, err = d.source.judge(text)
	}
	var done control.Reloaded
	if err == nil {
		done, err = d.apply(next, text, nil)
	}
	edited := d.source.store.Edited(*u)
	if err == nil {
		_, err = d.source.store.TakeBack(*u)
	}
	if err != nil {
		d.condition(alarms.ConfigStuck, err.Error())
		return
	}
	d.condition(alarms.ConfigStuck, "")
	d.watchUnconfirmed()
	restarts := len(done.Waiting) > 0 && supervised()
	d.happened(status.ConfigTakenBack{Applied: done.Applied, Waiting: done.Waiting, Edited: edited, Restarts: restarts})
	if restarts {
		d.end()
	}
}

// supervised tells whether somebody starts a daemon that ends anew.
func supervised() bool { return os.Getenv("NOTIFY_SOCKET") != "" }

// configTroubles are the conditions of the configuration.
func (d *Daemon) configTroubles() (raised []alarms.Raised) {
	c := d.configStatus()
	if len(c.Waiting) > 0 {
		raised = append(raised, alarms.Raised{Code: alarms.ConfigWaits, Detail: strings.Join(c.Waiting, ", ")})
	}
	if u := c.Unconfirmed; u != nil {
		raised = append(raised, alarms.Raised{Code: alarms.ConfigUnconfirmed, Detail: fmt.Sprintf("%v left", time.Duration(u.LeftS*float64(time.Second)).Round(time.Second))})
	}
	return raised
}
