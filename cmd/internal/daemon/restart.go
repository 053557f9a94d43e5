package daemon

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/coreos/go-systemd/v22/activation"

	"bragi/board"
	"bragi/board/sim"
	"bragi/board/sim/live"
	"bragi/cmd/internal/config"
	"bragi/cmd/internal/pipeline"
	"bragi/cmd/internal/state"
	"bragi/cmd/internal/status"
	"bragi/gnss/timescale"
	"bragi/master"
	"bragi/master/udp"
)

// A restart that no client notices: what a process knows is written into
// control.run_dir while it serves, and the next one goes on from there.
//
//	clock.state   the clock's continuity, servo, label, latencies: with each pulse and order, and each second
//	grants.state  who was granted what: within 100 ms of a changed grant, a second of a renewal, each 5 s
//	sim.state     the board of software: with each order
//	alive         when Announces last left: four times a second, so that kill -9 hides no silence
//
// They are of this boot alone, so none waits for a disk.

var (
	clockKind  = state.Kind{Name: "clock", Version: 2}
	grantsKind = state.Kind{Name: "grants", Version: 2}
	simKind    = state.Kind{Name: "sim", Version: 1}
)

const (
	grantSoon   = 60 * time.Millisecond // after a changed grant
	renewalSoon = time.Second
	grantsEvery = 5 * time.Second
	clockSoon   = tickEvery + 20*time.Millisecond // after an order or a pulse: what a pulse makes the servo order is written with it
	clockEvery  = time.Second
	exportWait  = time.Second
)

// clockState is the content of clock.state, in JSON.
type clockState struct {
	state.Moment
	Pipeline pipeline.State `json:"pipeline"`
	Latency  udp.Latency    `json:"latency"`
	Baud     int            `json:"baud"`   // of the receiver; 0: not known
	Alarms   []string       `json:"alarms"` // the codes of those that stand
}

// simState is the content of sim.state, in JSON.
type simState struct {
	Boot  string    `json:"boot"`
	Board sim.Saved `json:"board"`
}

// keeper writes the state, and knows what became of the last process's.
type keeper struct {
	dir   string
	boot  string
	tell  func(status.Event)
	clock chan struct{} // the clock's state has changed; one waits for all

	sockets held
	left    clockState // by the last process
	leftErr error      // why there is none
	before  udp.Before // for the server
	baud    int        // guarded by the daemon's lock
	resumed Restart
	saved   master.Saved // memory of the exports
	alive   *alive       // nil: it cannot be kept
	// lastAlive is when the last process of this boot last announced; zero: not known.
	lastAlive timescale.Mono
	buffer    []byte
	failing   sync.Map   // by kind of file: its trouble, which was told
	writing   sync.Mutex // of the clock's state
}

// Restart is what became of the last process's state, for the status.
type Restart = status.Restart

func newKeeper(cfg *config.Config, tell func(status.Event)) *keeper {
	boot, err := state.BootID()
	k := &keeper{dir: cfg.Control.RunDir, boot: boot, tell: tell, sockets: takeSockets(), clock: make(chan struct{}, 1)}
	if err != nil {
		k.complain(k.dir, err)
	}
	k.leftErr = k.readClock()
	// Where it cannot be, the other files in the folder tell why.
	k.alive, k.lastAlive, _ = openAlive(filepath.Join(k.dir, "alive"), boot)
	return k
}

func (k *keeper) path(name string) string { return filepath.Join(k.dir, name+".state") }

// write replaces a file. A trouble is told once until it has gone.
func (k *keeper) write(kind state.Kind, content []byte) { k.writeAs(kind.Name, kind, content) }

// writeAs is write for one of several files of a kind.
func (k *keeper) writeAs(name string, kind state.Kind, content []byte) {
	err := state.ReplaceFile(k.path(name), kind, content)
	if err == nil {
		k.failing.Delete(name)
		return
	}
	if _, told := k.failing.Swap(name, err); !told {
		k.complain(k.path(name), err)
	}
}

// trouble is why a file cannot be written now, "" when all are.
func (k *keeper) trouble() (why string) {
	k.failing.Range(func(_, err any) bool {
		why = err.(error).Error()
		return false
	})
	return why
}

func (k *keeper) complain(file string, err error) {
	k.tell(status.Kept{File: file, What: "the state is not kept, a restart will be noticed: " + err.Error(), Bad: true})
}

// changed says that the clock's state is another. It waits for nobody.
func (k *keeper) changed() {
	select {
	case k.clock <- struct{}{}:
	default:
	}
}

// readClock reads what the last process has left of the clock. Of the same boot,
// latencies and rate are good whatever became of the clock.
func (k *keeper) readClock() error {
	content, err := state.ReadFile(k.path(clockKind.Name), clockKind)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(content, &k.left); err != nil {
		return fmt.Errorf("%s: %w", k.path(clockKind.Name), err)
	}
	if k.left.Boot == k.boot && k.boot != "" {
		k.before = udp.Before{Mono: timescale.MonoFromNs(k.left.RawNs), Realtime: timescale.UTCFromNs(k.left.RealtimeNs), Latency: k.left.Latency}
		k.baud = k.left.Baud
	}
	return nil
}

// readSim is the board of software that was left; nil when there is none to go on
// with.
func (k *keeper) readSim(name string) (*sim.Saved, error) {
	content, err := state.ReadFile(k.path(name), simKind)
	if err != nil {
		return nil, absentIsNil(err)
	}
	var s simState
	if err := json.Unmarshal(content, &s); err != nil {
		return nil, fmt.Errorf("%s: %w", k.path(name), err)
	}
	if s.Boot != k.boot {
		return nil, fmt.Errorf("%s: %w", k.path(name), state.ErrOtherBoot)
	}
	return &s.Board, nil
}

// startSim goes on with the board of software that was left, or starts a new one
// and says why.
func (k *keeper) startSim(ctx context.Context, config sim.Config) (*live.Board, error) {
	return k.goOnWithSim(simKind.Name, config, func(c live.Config) (*live.Board, error) { return live.Start(ctx, c) })
}

// startSimBeside is startSim for the receiver of reference name, beside that of b.
func (k *keeper) startSimBeside(ctx context.Context, b *live.Board, name string, config sim.Config) (*live.Board, error) {
	return k.goOnWithSim(simKind.Name+"-"+name, config, func(c live.Config) (*live.Board, error) { return b.Another(ctx, c) })
}

func (k *keeper) goOnWithSim(name string, config sim.Config, start func(live.Config) (*live.Board, error)) (*live.Board, error) {
	c := live.Config{Sim: config, Keep: func(s sim.Saved) { k.keepSim(name, s) }}
	left, err := k.readSim(name)
	if err == nil && left != nil {
		c.Saved = left
		var b *live.Board
		if b, err = start(c); err == nil {
			return b, nil
		}
		c.Saved = nil
	}
	if err != nil {
		k.tell(status.NotResumed{Why: "the board of software starts anew: " + err.Error()})
	}
	return start(c)
}

// keepSim writes a board of software down.
func (k *keeper) keepSim(name string, s sim.Saved) {
	content, err := json.Marshal(simState{k.boot, s})
	if err != nil {
		k.complain(k.path(name), err)
		return
	}
	k.writeAs(name, simKind, content)
}

func absentIsNil(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// moment reads the served clock with the kernel's.
func (k *keeper) moment(clock board.Clock) (state.Moment, error) {
	x, err := clock.Cross()
	if err != nil {
		return state.Moment{}, err
	}
	// The line that the clock runs on now, over a second.
	rate := float64(clock.Local(x.Mono.Add(time.Second)).Sub(clock.Local(x.Mono)) - time.Second)
	return state.Moment{Boot: k.boot, RawNs: x.Mono.Ns(), ClockNs: x.Local.Ns(), WidthNs: x.WidthNs, RealtimeNs: x.Realtime.Ns(), RatePPB: rate}, nil
}

// rated is a clock that learns its rate over CLOCK_MONOTONIC_RAW by and by.
type rated interface{ AssumeRate(ppb float64) }

// resumeClock goes on with the clock that the last process has left; else it
// says why, and the pipeline starts anew.
func (k *keeper) resumeClock(p *pipeline.Pipeline, clock board.Clock) (why error) {
	if k.leftErr != nil {
		return k.leftErr
	}
	s := &k.left
	now, err := k.moment(clock)
	if err != nil {
		return err
	}
	if c, computed := clock.(*board.SoftwareClock); computed && s.Boot == k.boot {
		// It is nothing but a line over CLOCK_MONOTONIC_RAW, which went on.
		if err := c.Step(s.Predict(now.RawNs) - now.ClockNs); err != nil {
			return err
		}
		now.ClockNs = s.Predict(now.RawNs)
	}
	off, err := state.Continues(s.Moment, now)
	if err != nil {
		return err
	}
	if c, learns := clock.(rated); learns {
		c.AssumeRate(s.RatePPB)
	}
	if err := p.Resume(timescale.MonoFromNs(now.RawNs), s.Pipeline); err != nil {
		return err
	}
	k.resumed.Clock, k.resumed.AgeS, k.resumed.OffNs = true, float64(now.RawNs-s.RawNs)/1e9, off
	return nil
}

// clockState is the clock at now; ok is false when none may be handed on: then
// the file that is there grows old.
func (d *Daemon) clockState() (s clockState, ok bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	now, err := d.keep.moment(d.devices.clock)
	if err != nil {
		return s, false // the clock's own alarm tells it
	}
	left, ok := d.pipe.Save(timescale.MonoFromNs(now.RawNs))
	if !ok {
		return s, false
	}
	s = clockState{Moment: now, Pipeline: left, Latency: d.keep.before.Latency, Baud: d.keep.baud}
	for _, a := range d.alarms.Active() {
		s.Alarms = append(s.Alarms, a.Code)
	}
	if d.service.Snapshot != nil {
		s.Latency = d.service.Transport.Latency
	}
	return s, true
}

// keepClock writes the clock's state. The later of two is what stays.
func (d *Daemon) keepClock() {
	d.keep.writing.Lock()
	defer d.keep.writing.Unlock()
	s, ok := d.clockState()
	if !ok {
		return
	}
	content, err := json.Marshal(s)
	if err != nil {
		d.keep.complain(d.keep.path(clockKind.Name), err)
		return
	}
	d.keep.write(clockKind, content)
}

// keepClocks writes the clock's state when it changes, until ctx ends, and once
// more.
func (d *Daemon) keepClocks(ctx context.Context) {
	every := time.NewTicker(clockEvery)
	defer every.Stop()
	for ctx.Err() == nil {
		select {
		case <-ctx.Done():
		case <-every.C:
		case <-d.keep.clock:
			select {
			case <-ctx.Done():
			case <-time.After(clockSoon):
			}
		}
		d.keepClock()
		every.Reset(clockEvery)
	}
}

// importGrants lets the master go on with the last process's clients.
func (k *keeper) importGrants(m *master.Master, cfg *config.Config, now timescale.Mono) (master.Imported, error) {
	content, err := state.ReadFile(k.path(grantsKind.Name), grantsKind)
	if err != nil {
		return master.Imported{}, absentIsNil(err)
	}
	var saved master.Saved
	boot, grants, err := state.CutBoot(content)
	if err == nil {
		err = saved.UnmarshalBinary(grants)
	}
	switch {
	case err != nil:
		return master.Imported{}, fmt.Errorf("%s: %w", k.path(grantsKind.Name), err)
	case boot != k.boot || boot == "":
		return master.Imported{}, fmt.Errorf("%s: %w", k.path(grantsKind.Name), state.ErrOtherBoot)
	}
	if at := cfg.Master.Addr(); at.IsValid() {
		saved.EndOthers(at)
	}
	if !k.lastAlive.IsZero() && k.lastAlive.Before(now) {
		saved.AnnouncedUntil(k.lastAlive)
	}
	return m.Import(now, &saved)
}

// keepGrants writes the grants when they change, until ctx ends.
func (d *Daemon) keepGrants(ctx context.Context, server *udp.Server) {
	k := d.keep
	var written, renewed uint64
	due := time.NewTimer(0)
	defer due.Stop()
	next := time.Now()
	for {
		select {
		case <-ctx.Done():
			return
		case <-server.Changed():
			grants, renewals := server.Changes()
			soon := time.Now().Add(renewalSoon)
			switch {
			case grants != written:
				soon = time.Now().Add(grantSoon)
			case renewals == renewed:
				continue
			}
			if soon.Before(next) {
				next = soon
				due.Reset(time.Until(next))
			}
		case <-due.C:
			written, renewed = server.Changes()
			asking, cancel := context.WithTimeout(ctx, exportWait)
			err := server.Export(asking, &k.saved)
			cancel()
			if err == nil {
				k.saved.ForgetAnnounces()
				k.writeGrants()
			} else {
				k.saved = master.Saved{} // the old memory is the server's now
			}
			next = time.Now().Add(grantsEvery)
			due.Reset(grantsEvery)
		}
	}
}

// writeGrants writes what was exported last.
func (k *keeper) writeGrants() {
	k.buffer, _ = k.saved.AppendBinary(state.AppendBoot(k.buffer[:0], k.boot)) // it has no error
	k.write(grantsKind, k.buffer)
}

// begin goes on from what the last process has left, or starts anew and says why.
func (d *Daemon) begin(m *master.Master) error {
	now := board.Raw()
	k := d.keep
	d.alarms.Left(time.Now(), k.left.Alarms)
	switch err := k.resumeClock(d.pipe, d.devices.clock); {
	case err == nil:
		d.resumeLeapTable()
		report := d.pipe.Look(now).Report
		d.steps = report.Steps // they were told
		d.happened(status.ClockResumed{StateName: report.State.String(), AwayS: k.resumed.AgeS, OffNs: k.resumed.OffNs})
		if d.pipe.Look(now).Forced {
			d.happened(status.HoldoverForced{On: true, Still: true})
		}
	default:
		if k.left.Pipeline.Forced {
			d.happened(status.HoldoverForced{Lost: true})
		}
		if absentIsNil(err) != nil {
			k.resumed.Why = "the state of the last process is not used: " + err.Error()
			d.happened(status.NotResumed{Why: k.resumed.Why})
		}
		if err := d.pipe.Start(now, d.bestGuess()); err != nil {
			return err
		}
	}
	done, err := k.importGrants(m, d.cfg, board.Raw())
	if err != nil {
		k.resumed.GrantsWhy = "the grants of the last process are not used: " + err.Error()
		d.happened(status.NotResumed{Why: k.resumed.GrantsWhy})
	}
	if k.resumed.Clients = done.Clients; done != (master.Imported{}) {
		d.happened(status.GrantsResumed{Clients: done.Clients, Expired: done.Expired, Refused: done.Refused})
	}
	return nil
}

// serves tells whether clients hold grants.
func (d *Daemon) serves() bool {
	if d.service.Snapshot == nil {
		return d.keep.resumed.Clients > 0
	}
	return d.service.Stats.ClientsServed > 0
}

// restartStatus is what was taken over, and says beside the clock's state why it
// began anew, until it has locked.
func (d *Daemon) restartStatus(c *status.Clock, everLocked bool) Restart {
	r := d.keep.resumed
	if r.Why != "" && !everLocked {
		c.Why = append(c.Why, r.Why)
	}
	return r
}

// processBegan is as near to the start of the process as a program can tell.
var processBegan = time.Now()

// held are the sockets that the service manager handed over (sd_listen_fds(3)).
// They are never closed: what comes while no process serves waits in them, and
// the manager hands them to the next one.
type held []*os.File

func takeSockets() held { return activation.Files(true) }

// descriptors are good as long as h is.
func (h held) descriptors() (fds []int) {
	for _, f := range h {
		fds = append(fds, int(f.Fd()))
	}
	return fds
}
