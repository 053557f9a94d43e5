package daemon

import (
	"context"
	"sync"

	"bragi/cmd/internal/status"
)

// watchers are those who are told of every tick and every event. The zero value is
// ready. Nobody waits for them.
type watchers struct {
	mu   sync.Mutex
	list []*watcher
}

type watcher struct {
	ticked chan struct{} // one waits for all
	events chan status.Event
	missed int // events since it last had room; guarded by the watchers' lock
}

// eventsKept is how many events wait for a watcher that is slow.
const eventsKept = 256

func (w *watchers) add() *watcher {
	n := &watcher{ticked: make(chan struct{}, 1), events: make(chan status.Event, eventsKept)}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.list = append(w.list, n)
	return n
}

func (w *watchers) remove(gone *watcher) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for i, n := range w.list {
		if n == gone {
			w.list = append(w.list[:i:i], w.list[i+1:]...)
			return
		}
	}
}

// tellMissed hands on how many events were missed, where there is room. The caller
// holds the watchers' lock, without which nothing is sent.
func (n *watcher) tellMissed() {
	if n.missed > 0 && len(n.events) < eventsKept {
		n.events <- status.Missed{Events: n.missed}
		n.missed = 0
	}
}

// hear hands on an event. One for which there is no room is counted, and the count
// comes in its place when there is, with the next event or tick.
func (w *watchers) hear(e status.Event) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, n := range w.list {
		if len(n.events) < eventsKept-1 { // room for both
			n.tellMissed()
		}
		if n.missed > 0 {
			n.missed++
			continue
		}
		select {
		case n.events <- e:
		default:
			n.missed++
		}
	}
}

func (w *watchers) tick() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, n := range w.list {
		n.tellMissed()
		select {
		case n.ticked <- struct{}{}:
		default:
		}
	}
}

// Watch is the door for whoever shows or records what goes on. Until ctx ends it
// hands the Status, at once and after each tick, to see, and every event to hear,
// those of a tick before its Status, all in the caller's goroutine. One that is
// slow holds nobody up: it misses ticks, and, after 256 of them, events, which it
// is told by status.Missed, at the next tick that finds it awake.
func (d *Daemon) Watch(ctx context.Context, see func(status.Status), hear func(status.Event)) {
	w := d.watchers.add()
	defer d.watchers.remove(w)
	see(d.latest())
	for {
		select {
		case <-ctx.Done():
			return
		case e := <-w.events:
			hear(e)
		case <-w.ticked:
			for len(w.events) > 0 {
				hear(<-w.events)
			}
			see(d.latest())
		}
	}
}
