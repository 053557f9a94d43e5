package daemon

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"bragi/cmd/internal/status"
	"bragi/gnss/timescale"
)

// diary is where everything that happens is told: to the log, to the syslog servers
// and to whoever watches. It keeps the latest events; whoever reads them has a place
// of its own in it, so that nobody waits for a slow reader.
type diary struct {
	log  *zap.Logger
	send func(status.Record) // to the syslog servers; it waits for nobody
	life string              // this process, in the events' ids
	utc  atomic.Pointer[utc] // nil: nothing knows UTC better than CLOCK_REALTIME

	undated atomic.Bool // the system clock is not set yet

	mu       sync.Mutex
	kept     []status.Record // a ring: event n is at n modulo its length
	next     uint64          // number of the event to come
	watchers map[*watcher]struct{}
}

// watcher is woken by each event and each tick. One of a kind waits for all.
type watcher struct{ happened, ticked chan struct{} }

// eventsKept is how many events are kept for those who come late or are slow.
const eventsKept = 1024

func newDiary(log *zap.Logger, send func(status.Record)) *diary {
	return &diary{log: log, send: send, life: strconv.FormatInt(time.Now().UnixMilli(), 36), kept: make([]status.Record, eventsKept), watchers: map[*watcher]struct{}{}}
}

// happened tells an event. It waits for nobody.
func (d *diary) happened(e status.Event) {
	r := status.Record{Words: e.Words().OneLine(), Event: e}
	r.At, r.TimeQuality = d.now()
	r.Undated = d.utc.Load() == nil && d.undated.Load()
	d.mu.Lock()
	r.ID = d.id(d.next)
	d.kept[d.next%eventsKept] = r
	d.next++
	for w := range d.watchers {
		poke(w.happened)
	}
	d.mu.Unlock()
	d.log.Log(level(r.Severity), r.Line(), told(r))
	if d.send != nil {
		d.send(r)
	}
}

// utc is how the served clock knows UTC.
type utc struct {
	read    func() timescale.TAI // it takes no lock
	leap    *timescale.LeapSeconds
	quality status.TimeQuality
}

// now is when something happens: by the served clock while it knows UTC, else by
// CLOCK_REALTIME, whose truth nobody knows.
func (d *diary) now() (time.Time, status.TimeQuality) {
	u := d.utc.Load()
	if u == nil {
		return time.Now(), status.TimeQuality{}
	}
	at, _ := u.leap.ToUTC(u.read())
	return time.Unix(0, at.Ns()), u.quality
}

// level is a severity of syslog as the log's.
func level(s status.Severity) zapcore.Level {
	switch {
	case s <= status.Error:
		return zap.ErrorLevel
	case s == status.Warning:
		return zap.WarnLevel
	}
	return zap.InfoLevel
}

// ticked wakes the watchers for a new Status.
func (d *diary) ticked() {
	d.mu.Lock()
	defer d.mu.Unlock()
	for w := range d.watchers {
		poke(w.ticked)
	}
}

func poke(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

func (d *diary) id(n uint64) string { return fmt.Sprintf("%s-%d", d.life, n) }

// place is where a reader goes on that has read the event of an id: "" is the end,
// status.FromBegin the oldest event that is kept. What it has missed for ever is
// told; an id that is none is refused.
func (d *diary) place(after string) (next uint64, missed *status.Missed, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	switch after {
	case "":
		return d.next, nil, nil
	case status.FromBegin:
		return d.oldest(), nil, nil
	}
	life, number, _ := strings.Cut(after, "-")
	n, err := strconv.ParseUint(number, 10, 64)
	switch {
	case err != nil:
		return 0, nil, fmt.Errorf("%q is no event's id (fix: an id that this daemon gave, %q, or none)", after, status.FromBegin)
	case life != d.life || n >= d.next:
		return d.oldest(), &status.Missed{Events: d.oldest(), LastLife: true}, nil
	}
	return n + 1, nil, nil
}

func (d *diary) oldest() uint64 { return max(d.next, eventsKept) - eventsKept }

// from are the events from a place on, and the place behind them. What is kept no
// more is told by the first of them.
func (d *diary) from(place uint64) (records []status.Record, next uint64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if oldest := d.oldest(); place < oldest {
		records = append(records, d.missed(status.Missed{Events: oldest - place}, oldest))
		place = oldest
	}
	for ; place < d.next; place++ {
		records = append(records, d.kept[place%eventsKept])
	}
	return records, d.next
}

// missed tells a reader of the events before a place. Its id resumes there.
func (d *diary) missed(m status.Missed, place uint64) status.Record {
	r := status.Record{At: time.Now(), Words: m.Words(), Event: m}
	if place > 0 {
		r.ID = d.id(place - 1)
	}
	return r
}

func (d *diary) add() *watcher {
	w := &watcher{make(chan struct{}, 1), make(chan struct{}, 1)}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.watchers[w] = struct{}{}
	return w
}

func (d *diary) remove(w *watcher) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.watchers, w)
}

// Kept are the events that are kept, oldest first.
func (d *diary) Kept() []status.Record {
	records, _ := d.from(0)
	if len(records) > 0 && records[0].Topic == status.TopicMissed {
		records = records[1:]
	}
	return records
}

// Follow hands the events behind that of an id (status.FromBegin: all that are kept;
// "": those to come) to hear, in the caller's goroutine, until ctx ends or hear
// fails: at once what is there, then what comes, and none when nothing has come for
// a time. A slow reader holds nobody up: it misses events, and is told how many.
func (d *diary) Follow(ctx context.Context, after string, quiet time.Duration, hear func([]status.Record) error) error {
	w := d.add()
	defer d.remove(w)
	place, missed, err := d.place(after)
	if err != nil {
		return err
	}
	var records []status.Record
	if missed != nil {
		records = append(records, d.missed(*missed, place))
	}
	silence := time.NewTicker(quiet)
	defer silence.Stop()
	for {
		var news []status.Record
		news, place = d.from(place)
		if err := hear(append(records, news...)); err != nil {
			return err
		}
		records = nil
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-w.happened:
			silence.Reset(quiet)
		case <-silence.C:
		}
	}
}

// Watch is the door for whoever shows or records what goes on. Until ctx ends it
// hands the Status, at once and after each tick, to see, and every event to hear,
// those of a tick before its Status, all in the caller's goroutine. One that is
// slow holds nobody up: it misses ticks, and, after 1024 of them, events, which it
// is told by status.Missed.
func (d *Daemon) Watch(ctx context.Context, see func(status.Status), hear func(status.Record)) {
	w := d.add()
	defer d.remove(w)
	place, _, _ := d.place("") // the end is a place
	see(d.latest())
	drain := func() {
		var records []status.Record
		records, place = d.from(place)
		for _, r := range records {
			hear(r)
		}
	}
	for {
		select {
		case <-ctx.Done():
			return
		case <-w.happened:
			drain()
		case <-w.ticked:
			drain()
			see(d.latest())
		}
	}
}
