package console

import (
	"context"
	"fmt"
	"io"
	"sync"
	"time"

	"bragi/cmd/internal/control"
	"bragi/cmd/internal/show"
	"bragi/cmd/internal/status"
)

// monitor tells the daemon's events above the prompt. While there is no prompt, they
// wait. The zero value is ready, and off.
type monitor struct {
	mu     sync.Mutex
	editor io.Writer // nil: there is no prompt
	lines  []string  // that wait
	lost   uint64    // that had no room
	cancel context.CancelFunc
	ended  chan struct{}
}

// linesKept is how many events wait for a prompt.
const linesKept = 200

// tell draws a line above the prompt, or keeps it for the next one.
func (m *monitor) tell(line string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.editor != nil {
		io.WriteString(m.editor, line) //nolint:errcheck // a terminal that is gone ends the session
		return
	}
	if len(m.lines) == linesKept {
		m.lost++
		return
	}
	m.lines = append(m.lines, line)
}

// prompting says that there is a prompt from now on, nil that there is none.
func (m *monitor) prompting(editor io.Writer) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.editor = editor
	if editor == nil {
		return
	}
	for _, line := range m.lines {
		io.WriteString(editor, line) //nolint:errcheck // as above
	}
	if m.lost > 0 {
		fmt.Fprintf(editor, "%% %s had no room here: show log\n", show.Count(m.lost, "event"))
	}
	m.lines, m.lost = nil, 0
}

// start tells events until stop, also those of a daemon that comes back. An event
// that is drawn as "" is not told.
func (m *monitor) start(client *control.Client, draw func(status.Record) string) {
	m.stop()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	m.cancel, m.ended = cancel, ended
	go func() {
		defer close(ended)
		after, away, stuck := latest(ctx, client), false, time.Duration(0)
		for ctx.Err() == nil {
			err := client.Events(ctx, after, nil, func(r status.Record) error {
				after, away = r.ID, false
				if line := draw(r); line != "" {
					begun := time.Now()
					m.tell(line)
					stuck = max(stuck, time.Since(begun))
				}
				return nil
			})
			switch {
			case ctx.Err() != nil:
			case stuck >= control.StreamPatience:
				m.tell(fmt.Sprintf("%% This terminal read nothing for %v, so events were not told as they came; those that were missed are counted here.\n", stuck.Round(time.Second)))
			case !away:
				away = true
				m.tell(show.Fit("% "+err.Error()+"\n", 0))
			}
			stuck = 0
			select {
			case <-ctx.Done():
			case <-time.After(2 * time.Second):
			}
		}
	}()
}

// latest is the id of the latest event: what comes behind it is told, also by a daemon that was
// started anew before it had anything to tell. Where no daemon answers, the one to come is new.
func latest(ctx context.Context, client *control.Client) string {
	kept, err := client.Log(ctx)
	if err != nil || len(kept) == 0 {
		return status.FromBegin
	}
	return kept[len(kept)-1].ID
}

// on says that events are told.
func (m *monitor) on() bool { return m.cancel != nil }

// stop ends it.
func (m *monitor) stop() {
	if m.cancel != nil {
		m.cancel()
		<-m.ended
		m.cancel = nil
	}
}
