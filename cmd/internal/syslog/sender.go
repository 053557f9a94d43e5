package syslog

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"bragi/cmd/internal/status"
)

// Config is what is sent, and where.
type Config struct {
	Targets   []Target
	Format    Format
	Facility  int             // 0 to 23
	Severity  status.Severity // what is less severe is not sent
	PerMinute int             // lines of one event at most; 0: no limit
	Files     Files
}

// ringLines is how many lines wait for a server at the most.
const ringLines = 1024

// Sender sends events to all targets. Run does the work.
type Sender struct {
	by from

	mu      sync.Mutex
	cfg     Config
	limit   limiter
	targets []*sending
	read    contents       // of the files of TLS, at the last look
	start   func(*sending) // while it runs
}

// NewSender returns a sender. Events that come before it runs wait.
func NewSender(c Config) *Sender {
	host, _ := os.Hostname() // without it, it is "-"
	s := &Sender{by: from{hostOf(host), "bragid", os.Getpid()}}
	s.Reconfigure(c)
	return s
}

// Reconfigure sends what comes from now on elsewhere, or in another form. Targets that
// stay keep their lines and connections, unless the files of TLS have other names
// (see Reread).
func (s *Sender) Reconfigure(c Config) {
	s.mu.Lock()
	defer s.mu.Unlock()
	anew := c.Files != s.cfg.Files
	s.cfg, s.read = c, c.Files.contents()
	s.limit.perMinute = c.PerMinute
	s.replace(anew)
}

// Reread takes the files of TLS that were replaced behind their names: connections
// begin anew with them. Those that cannot be used are an error, and the connections
// stay.
func (s *Sender) Reread() (fresh bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.cfg.Files.contents()
	if now == s.read || !slices.ContainsFunc(s.targets, func(t *sending) bool { return t.to.Encrypted() }) {
		return false, nil
	}
	if _, err := s.cfg.Files.config(""); err != nil {
		return false, err
	}
	s.read = now
	s.replace(true)
	return true, nil
}

// replace makes the targets those of the configuration; anew: those of TLS connect
// again. The caller holds the lock.
func (s *Sender) replace(anew bool) {
	old, c := s.targets, s.cfg
	s.targets = nil
	for _, t := range c.Targets {
		if slices.ContainsFunc(s.targets, func(have *sending) bool { return have.to == t }) {
			continue // named twice
		}
		if i := slices.IndexFunc(old, func(have *sending) bool { return have.to == t && !(anew && t.Encrypted()) }); i >= 0 {
			s.targets = append(s.targets, old[i])
			old = slices.Delete(old, i, i+1)
			continue
		}
		n := &sending{to: t, by: s, wake: make(chan struct{}, 1), sent: new(atomic.Uint64)}
		if i := slices.IndexFunc(old, func(have *sending) bool { return have.to == t }); i >= 0 {
			n.inherit(old[i])
		}
		s.targets = append(s.targets, n)
		if s.start != nil {
			s.start(n)
		}
	}
	for _, gone := range old {
		gone.end()
	}
}

// Put queues an event for every target. It waits for nobody.
func (s *Sender) Put(r status.Record) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r.Severity > s.cfg.Severity || len(s.targets) == 0 || !s.limit.pass(r, time.Now()) {
		return
	}
	for _, t := range s.targets {
		t.put(r)
	}
}

// tellLeftOut tells what the limit left out.
func (s *Sender) tellLeftOut(now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, e := range s.limit.leftOut(now) {
		for _, t := range s.targets {
			t.put(status.Record{At: now, Words: e.Words(), Event: e})
		}
	}
}

// Status is how it stands with each target.
func (s *Sender) Status() []status.SyslogTarget {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := []status.SyslogTarget{}
	for _, t := range s.targets {
		list = append(list, t.status())
	}
	return list
}

// lastWords is how long the last lines may take to leave at the end: clients wait
// for the next process.
const lastWords = 250 * time.Millisecond

// Run sends until ctx ends, and then what still waits for those that take it.
func (s *Sender) Run(ctx context.Context) {
	life, stop := context.WithCancel(context.WithoutCancel(ctx))
	var running sync.WaitGroup
	start := func(t *sending) { running.Go(func() { t.run(life) }) }
	s.mu.Lock()
	s.start = start
	for _, t := range s.targets {
		start(t)
	}
	s.mu.Unlock()
	tick := time.NewTicker(10 * time.Second)
	defer tick.Stop()
	for ctx.Err() == nil {
		select {
		case <-ctx.Done():
		case now := <-tick.C:
			s.tellLeftOut(now)
		}
	}
	for deadline := time.Now().Add(lastWords); s.waits() && time.Now().Before(deadline); {
		time.Sleep(5 * time.Millisecond)
	}
	s.mu.Lock()
	s.start = nil
	s.mu.Unlock()
	stop()
	running.Wait()
}

// waits tells whether lines wait for a server that takes lines.
func (s *Sender) waits() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.ContainsFunc(s.targets, func(t *sending) bool {
		t.mu.Lock()
		defer t.mu.Unlock()
		return (len(t.ring) > 0 || t.leaving) && t.trouble == ""
	})
}

// format writes a line for a target.
func (s *Sender) format(r status.Record, t Target) []byte {
	s.mu.Lock()
	c := s.cfg
	s.mu.Unlock()
	limit := limitStream
	if t.Scheme == "udp" {
		limit = limitUDP
	}
	return appendLine(nil, r, c.Format, c.Facility, s.by, limit)
}

func (s *Sender) files() Files {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.cfg.Files
}

// sending is a target with the lines that wait for it.
type sending struct {
	to   Target
	by   *Sender
	wake chan struct{} // a line has come; one waits for all

	mu      sync.Mutex
	ring    []status.Record
	lost    uint64         // since the start
	untold  uint64         // of them, those that the target does not know of
	sent    *atomic.Uint64 // lines that arrived, as far as can be known; it never falls
	conn    *connection    // nil: none
	trouble string         // why the last attempt failed; "": none
	since   time.Time      // of the trouble
	leaving bool           // a line is being written
	doubted bool           // the last connection broke: the next one must prove itself
	ended   bool
	stop    context.CancelFunc // nil: it does not run
}

func (t *sending) inherit(from *sending) {
	from.mu.Lock()
	defer from.mu.Unlock()
	t.ring, t.lost, t.untold, t.sent = from.ring, from.lost, from.untold, from.sent
	from.ring = nil
}

func (t *sending) put(r status.Record) {
	t.mu.Lock()
	t.ring = append(t.ring, r)
	t.crop()
	t.mu.Unlock()
	select {
	case t.wake <- struct{}{}:
	default:
	}
}

// crop loses the oldest lines that the ring has no room for. The caller holds the lock.
func (t *sending) crop() {
	if n := len(t.ring) - ringLines; n > 0 {
		t.ring = append(t.ring[:0], t.ring[n:]...)
		t.lose(n)
	}
}

func (t *sending) lose(n int) {
	t.lost += uint64(n)
	t.untold += uint64(n)
}

func (t *sending) status() status.SyslogTarget {
	t.mu.Lock()
	defer t.mu.Unlock()
	s := status.SyslogTarget{Target: t.to.String(), Lost: t.lost, LostUntold: t.untold, Waiting: len(t.ring), Trouble: t.trouble}
	if t.conn != nil {
		t.conn.arrived()
		lines, losses := t.conn.flying()
		s.Unconfirmed, s.LostUntold = lines, t.untold+losses
	}
	s.Sent = t.sent.Load()
	if t.trouble != "" {
		since := t.since
		s.TroubleSince = &since
	}
	return s
}

// end stops the target for good.
func (t *sending) end() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.ended = true
	if t.stop != nil {
		t.stop()
	}
}

// run sends until ctx ends. After a failure it waits, longer each time.
func (t *sending) run(ctx context.Context) {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	t.mu.Lock()
	t.stop = stop
	if t.ended {
		stop()
	}
	t.mu.Unlock()
	const shortest, longest = time.Second, 30 * time.Second
	pause := shortest
	for ctx.Err() == nil {
		before := t.status().Sent
		err := t.serve(ctx)
		if ctx.Err() != nil {
			return
		}
		if err == nil {
			continue // the name is resolved again
		}
		t.fail(err)
		if t.status().Sent > before {
			pause = shortest
		}
		select {
		case <-ctx.Done():
		case <-time.After(pause):
		}
		pause = min(2*pause, longest)
	}
}

func (t *sending) fail(err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.trouble == "" {
		t.since = time.Now()
	}
	t.trouble = reason(err)
}

// reason is an error without our own end of the connection, which nobody looks for.
func reason(err error) string {
	var of *net.OpError
	for errors.As(err, &of) {
		err = of.Err
	}
	return err.Error()
}

// serve connects and sends what waits and what comes, until something fails.
func (t *sending) serve(ctx context.Context) (err error) {
	c, err := dial(ctx, t.to, t.by.files())
	if err != nil {
		return err
	}
	defer c.Close()
	defer context.AfterFunc(ctx, func() { c.Close() })()
	c.landed = t.sent
	t.use(c)
	defer func() {
		t.use(nil)
		if err != nil && ctx.Err() == nil {
			t.putBack(c.undelivered(err)...)
		}
		c.ended()
	}()
	var settled <-chan time.Time // the first datagram has arrived, or nobody knows; a new stream is believed
	if c.stream != nil {
		t.mu.Lock()
		doubted := t.doubted
		t.mu.Unlock()
		if doubted {
			settled = time.After(provenAfter)
		} else {
			t.well()
		}
		defer func() {
			t.mu.Lock()
			t.doubted = t.doubted || err != nil
			t.mu.Unlock()
		}()
	}
	look := time.NewTicker(time.Second)
	defer look.Stop()
	for {
		r, waits := t.next()
		if !waits {
			select {
			case <-ctx.Done():
				return ctx.Err()
			case err := <-c.gone:
				return err
			case <-c.refresh:
				return nil
			case <-settled:
				t.well()
			case <-look.C:
				if c.deaf() {
					return errDeaf
				}
			case <-t.wake:
			}
			continue
		}
		select {
		case err := <-c.gone:
			t.putBack(r)
			return err
		case <-settled:
			t.well()
		case <-look.C:
			if c.deaf() {
				t.putBack(r)
				return errDeaf
			}
		default:
		}
		if err := c.send(r, t.by.format(r, t.to)); err != nil {
			return err
		}
		if c.stream == nil && settled == nil {
			settled = time.After(lostWithin)
		}
	}
}

func (t *sending) use(c *connection) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.conn = c
}

// next takes the line that is to leave: what tells of lost ones comes first.
func (t *sending) next() (r status.Record, waits bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.leaving = len(t.ring) > 0
	switch {
	case len(t.ring) == 0:
		return r, false
	case t.untold > 0:
		e := status.LinesLost{Target: t.to.String(), Lines: t.untold}
		r = status.Record{At: t.ring[0].At, TimeQuality: t.ring[0].TimeQuality, Words: e.Words(), Event: e}
		t.untold = 0
		return r, true
	}
	r = t.ring[0]
	t.ring[0] = status.Record{}
	t.ring = t.ring[1:]
	return r, true
}

// putBack puts lines that have not left where they were.
func (t *sending) putBack(records ...status.Record) {
	t.mu.Lock()
	defer t.mu.Unlock()
	back := make([]status.Record, 0, len(records)+len(t.ring))
	for _, r := range records {
		if e, isLoss := r.Event.(status.LinesLost); isLoss {
			t.untold += e.Lines
			continue
		}
		back = append(back, r)
	}
	t.ring = append(back, t.ring...)
	t.crop()
}

// well says that the server takes lines.
func (t *sending) well() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.trouble, t.doubted = "", false
}

// Troubles are the words for the alarms: of servers that lost lines, and do not know it
// or are not well, and of those that are away for long.
func Troubles(list []status.SyslogTarget) (lost, away []string) {
	for _, t := range list {
		switch {
		case t.Lost > 0 && t.TroubleSince != nil:
			lost = append(lost, fmt.Sprintf("%s: %d lost, %s", t.Target, t.Lost, t.Trouble))
		case t.LostUntold > 0:
			lost = append(lost, fmt.Sprintf("%s: %d lost, not told to it yet", t.Target, t.LostUntold))
		case t.TroubleSince != nil:
			away = append(away, fmt.Sprintf("%s: %s", t.Target, t.Trouble))
		}
	}
	return lost, away
}
