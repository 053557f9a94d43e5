package daemon

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"

	"bragi/cmd/internal/control"
	"bragi/cmd/internal/status"
)

// bare has no Status of its own.
type bare struct{ *Daemon }

func (bare) Status() status.Status { return status.Status{} }

// faced is a daemon that has nothing but its diary and a control socket.
func faced(t *testing.T) (*Daemon, *control.Client) {
	t.Helper()
	d := &Daemon{diary: newDiary(zap.NewNop(), nil)}
	path := filepath.Join(t.TempDir(), "control.sock")
	listener, err := control.Listen(path)
	if err != nil {
		t.Fatal(err)
	}
	server := control.NewServer(control.Handler(bare{d}, nil))
	go server.Serve(listener) //nolint:errcheck // it ends with the test
	t.Cleanup(func() { server.Close() })
	return d, control.NewClient(path)
}

// errEnough ends a reader that has heard what it wanted.
var errEnough = errors.New("enough")

// read are the next n events behind an id.
func read(t *testing.T, c *control.Client, after string, n int, topics ...status.Topic) (records []status.Record) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	err := c.Events(ctx, after, topics, func(e status.Record) error {
		if records = append(records, e); len(records) == n {
			return errEnough
		}
		return nil
	})
	if !errors.Is(err, errEnough) {
		t.Fatalf("after %q: %v, of %d events %d came: %v", after, err, n, len(records), records)
	}
	return records
}

func numbered(n int) status.Event {
	return status.OpinionServer{Server: fmt.Sprint(n), What: "answers"}
}

// A reader that comes back names the last event that it knows, and misses none.
func TestTheStreamOfEventsGoesOnBehindAnID(t *testing.T) {
	d, c := faced(t)
	for n := range 10 {
		d.happened(numbered(n))
	}
	first := read(t, c, status.FromBegin, 4)
	for n := 10; n < 13; n++ {
		d.happened(numbered(n))
	}
	rest := read(t, c, first[3].ID, 9)
	for n, e := range append(first, rest...) {
		if server := e.Fields[0]; server.Name != "server" || server.Value != fmt.Sprint(n) || e.Name != "SECOND_OPINION" || e.At.IsZero() {
			t.Errorf("event %d is %+v", n, e)
		}
	}
	if all, err := c.Log(t.Context()); err != nil || len(all) != 13 || all[12].ID != rest[8].ID {
		t.Errorf("the log has %d events, %v", len(all), err)
	}
}

// What a reader missed for ever it is told in the place of it: events that are kept
// no more, and those of an earlier life of the daemon.
func TestTheStreamTellsWhatIsMissing(t *testing.T) {
	d, c := faced(t)
	d.happened(numbered(0))
	known := read(t, c, status.FromBegin, 1)[0].ID
	for n := 1; n <= eventsKept+7; n++ {
		d.happened(numbered(n))
	}
	got := read(t, c, known, 2)
	if got[0].Topic != status.TopicMissed || got[0].Fields[0].Value != 7.0 || got[1].Fields[0].Value != "8" {
		t.Errorf("after an event that is kept no more: %+v", got)
	}
	if again := read(t, c, got[0].ID, 1); again[0].ID != got[1].ID {
		t.Errorf("after what told of the missing: %+v", again)
	}
	other := read(t, c, "kl2m3n4o-12", 2)
	if other[0].Topic != status.TopicMissed || !strings.Contains(other[0].Text, "started anew") || other[1].Fields[0].Value != "8" {
		t.Errorf("after an event of another life: %+v", other)
	}
}

// Topics are chosen by name; what is no topic and no id is refused with one line.
func TestTheStreamHasTheTopicsAskedFor(t *testing.T) {
	d, c := faced(t)
	d.happened(numbered(1))
	d.happened(status.AlarmRaised{Alarm: status.Alarm{Code: "A", Severity: "major", Text: "text", Fix: "fix"}})
	d.happened(numbered(2))
	d.happened(status.ClassChanged{Step: status.Step{ClockClass: 7, StateName: "holdover"}, Before: 6})
	got := read(t, c, status.FromBegin, 2, status.TopicAlarm, status.TopicClass)
	if got[0].Name != "ALARM" || got[1].Line() != "%BRAGI-4-CLOCKCLASS: 6 -> 7, holdover" {
		t.Errorf("alarms and class: %+v", got)
	}
	if log, err := c.Log(t.Context(), status.TopicAlarm); err != nil || len(log) != 1 {
		t.Errorf("the log of alarms: %v, %v", log, err)
	}
	for _, bad := range []struct {
		after, want string
		topic       status.Topic
	}{{"", "is no topic of events", "weather"}, {"yesterday", "is no event's id", status.TopicAlarm}, {"-", "is no event's id", status.TopicAlarm}} {
		err := c.Events(t.Context(), bad.after, []status.Topic{bad.topic}, func(status.Record) error { return nil })
		if err == nil || !strings.Contains(err.Error(), bad.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("after %q of %q: %v", bad.after, bad.topic, err)
		}
	}
}

// A reader that takes nothing holds nobody up: not the daemon, and not another one.
func TestASlowReaderOfTheStreamHarmsNobody(t *testing.T) {
	d, c := faced(t)
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	asleep := make(chan struct{})
	slow, began := make(chan error, 1), make(chan struct{})
	go func() {
		heard := 0
		slow <- c.Events(ctx, status.FromBegin, nil, func(status.Record) error {
			if heard++; heard == 1 {
				close(began)
				<-asleep
			}
			return nil
		})
	}()
	d.happened(numbered(0))
	<-began
	const events = 20 * eventsKept
	for n := 1; n <= events; n++ {
		d.happened(numbered(n))
	}
	if last := read(t, c, status.FromBegin, eventsKept); last[eventsKept-1].Fields[0].Value != fmt.Sprint(events) {
		t.Errorf("beside a slow reader another one hears %+v at last", last[eventsKept-1])
	}
	close(asleep)
	stop()
	if err := <-slow; !errors.Is(err, context.Canceled) {
		t.Errorf("the slow reader ends with %v", err)
	}
}

// A stream whose reader has gone ends.
func TestAStreamEndsWithItsReader(t *testing.T) {
	d, c := faced(t)
	d.happened(numbered(0))
	for range 2 * 64 { // more than are served at once
		read(t, c, status.FromBegin, 1)
	}
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		d.diary.mu.Lock()
		n := len(d.watchers)
		d.diary.mu.Unlock()
		if n == 0 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d streams are left", n)
		}
	}
}

// What is logged is an event: whoever watches hears it.
func TestNothingThatHappensIsOnlyLogged(t *testing.T) {
	logged := regexp.MustCompile(`log\.(Debug|Info|Warn|Error|Log)\(`)
	for _, pattern := range []string{"*.go", "../netport/*.go"} {
		files, err := filepath.Glob(pattern)
		if err != nil || files == nil {
			t.Fatal(pattern, err)
		}
		files = slices.DeleteFunc(files, func(name string) bool { return name == "watch.go" || strings.HasSuffix(name, "_test.go") })
		for _, name := range files {
			source, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			if m := logged.FindString(string(source)); m != "" {
				t.Errorf("%s: %s..) is logged, and no watcher hears it", name, m)
			}
		}
	}
}
