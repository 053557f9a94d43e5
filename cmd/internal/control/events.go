package control

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"bragi/cmd/internal/status"
)

// GET /v1/events are server-sent events: each has the event's id, its topic as type,
// and a status.Record in JSON. ?topics=alarm,class names those that are wanted.
// ?after=ID, or the header Last-Event-ID, goes on behind an event, ?after=begin with
// the oldest that is kept; without either come those that happen from now on. What
// is kept no more is told by an event "missed".

const (
	// aliveEvery is how often a stream without events says that it lives.
	aliveEvery = 3 * time.Second
	// StreamPatience is how long a reader that takes nothing is waited for.
	StreamPatience = 10 * time.Second
	// streamsAtMost is how many are served at once.
	streamsAtMost = 64
)

// events serves the stream of events, and the latest of them as a list.
func events(mux *http.ServeMux, d Daemon) {
	mux.HandleFunc("GET /v1/log", func(w http.ResponseWriter, r *http.Request) {
		wanted, ok := topics(w, r)
		if ok {
			reply(w, http.StatusOK, slices.DeleteFunc(d.Kept(), func(e status.Record) bool { return !wanted(e) }))
		}
	})
	room := make(chan struct{}, streamsAtMost)
	mux.HandleFunc("GET /v1/events", func(w http.ResponseWriter, r *http.Request) {
		wanted, ok := topics(w, r)
		if !ok {
			return
		}
		select {
		case room <- struct{}{}:
			defer func() { <-room }()
		default:
			refuse(w, http.StatusServiceUnavailable, fmt.Sprintf("%d readers of events are served already (fix: close one)", streamsAtMost))
			return
		}
		out, begun := http.NewResponseController(w), false
		err := d.Follow(r.Context(), cmp.Or(r.URL.Query().Get("after"), r.Header.Get("Last-Event-ID")), aliveEvery, func(records []status.Record) error {
			if !begun {
				begun = true
				w.Header().Set("Content-Type", "text/event-stream")
				w.Header().Set("Cache-Control", "no-store")
			}
			if err := out.SetWriteDeadline(time.Now().Add(StreamPatience)); err != nil {
				return err
			}
			b := bytes.NewBufferString(": alive\n\n")
			content := json.NewEncoder(b) // which ends a line
			content.SetEscapeHTML(false)
			for _, e := range records {
				if !wanted(e) {
					continue
				}
				if e.ID != "" { // an empty one would have a reader begin anew
					fmt.Fprintf(b, "id: %s\n", e.ID)
				}
				fmt.Fprintf(b, "event: %s\ndata: ", e.Topic)
				if err := content.Encode(e); err != nil {
					return err
				}
				b.WriteString("\n")
			}
			if _, err := w.Write(b.Bytes()); err != nil {
				return err
			}
			return out.Flush()
		})
		if !begun && err != nil {
			refuse(w, http.StatusBadRequest, err.Error())
		}
	})
}

// topics reads which are wanted, and answers itself when one is not known. Missed
// events are told to everybody.
func topics(w http.ResponseWriter, r *http.Request) (wanted func(status.Record) bool, ok bool) {
	text := r.URL.Query().Get("topics")
	if text == "" {
		return func(status.Record) bool { return true }, true
	}
	list := []status.Topic{status.TopicMissed}
	for word := range strings.SplitSeq(text, ",") {
		topic := status.Topic(word)
		if !slices.Contains(status.Topics, topic) {
			refuse(w, http.StatusBadRequest, fmt.Sprintf("%q is no topic of events (fix: one of %v)", word, status.Topics))
			return nil, false
		}
		list = append(list, topic)
	}
	return func(e status.Record) bool { return slices.Contains(list, e.Topic) }, true
}

// Log are the latest events that the daemon keeps, oldest first; of some topics, or
// of all when none is named.
func (c *Client) Log(ctx context.Context, topics ...status.Topic) ([]status.Record, error) {
	var records []status.Record
	return records, c.Get(ctx, "/v1/log?"+query("", topics), &records)
}

// Events hands each event to hear until ctx ends (then its error comes back), hear
// fails, or the daemon goes away. after is the id of the last event that is known,
// status.FromBegin, or "" for those that happen from now on; after the daemon's
// restart, too, the last id goes on where it can. Without topics come all.
func (c *Client) Events(ctx context.Context, after string, topics []status.Topic, hear func(status.Record) error) error {
	streaming, cancel := context.WithCancel(ctx)
	defer cancel()
	request, err := newRequest(streaming, http.MethodGet, "/v1/events?"+query(after, topics), nil)
	if err != nil {
		return err
	}
	// A daemon that says nothing at all hangs.
	const patience = 3 * aliveEvery
	silent := time.AfterFunc(patience, cancel)
	defer silent.Stop()
	response, err := c.answer(&c.streams, request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	lines := bufio.NewScanner(response.Body)
	lines.Buffer(nil, 1<<20)
	content := ""
	for lines.Scan() {
		silent.Stop() // while hear works nobody listens
		if data, found := strings.CutPrefix(lines.Text(), "data: "); found {
			content = data
		}
		if lines.Text() != "" || content == "" {
			silent.Reset(patience)
			continue // an event ends with an empty line
		}
		var e status.Record
		if err := json.Unmarshal([]byte(content), &e); err != nil {
			return notUnderstood(err)
		}
		if err := hear(e); err != nil {
			return err
		}
		content = ""
		silent.Reset(patience)
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	return fmt.Errorf("the events of the daemon on %s broke off: it ended, or nothing was read from it for more than %v (fix: look whether bragid runs)", c.path, StreamPatience)
}

func query(after string, topics []status.Topic) string {
	q := url.Values{}
	if after != "" {
		q.Set("after", after)
	}
	if len(topics) > 0 {
		words := make([]string, len(topics))
		for i, t := range topics {
			words[i] = string(t)
		}
		q.Set("topics", strings.Join(words, ","))
	}
	return q.Encode()
}
