package syslog

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"bragi/cmd/internal/status"
)

// limiter lets so many lines of one event through in a minute. What it leaves out is
// counted by event, and told.
type limiter struct {
	perMinute int // 0: no limit
	buckets   map[string]*bucket
}

type bucket struct {
	room    float64 // lines that may come now
	at      time.Time
	leftOut int
}

// key is what is limited: an event, and of the alarms each.
func key(r status.Record) string {
	if r.Topic == status.TopicAlarm {
		for _, f := range r.Fields {
			if f.Name == "code" {
				return r.Name + " " + fmt.Sprint(f.Value)
			}
		}
	}
	return r.Name
}

// pass tells whether a line may leave.
func (l *limiter) pass(r status.Record, now time.Time) bool {
	if l.perMinute == 0 {
		return true
	}
	if l.buckets == nil {
		l.buckets = map[string]*bucket{}
	}
	k := key(r)
	b := l.buckets[k]
	if b == nil {
		b = &bucket{room: float64(l.perMinute), at: now}
		l.buckets[k] = b
	}
	b.room = min(float64(l.perMinute), b.room+float64(l.perMinute)*max(0, now.Sub(b.at).Minutes()))
	b.at = now
	if b.room < 1 {
		b.leftOut++
		return false
	}
	b.room--
	return true
}

// leftOut are the words for what was left out, of the events that have room again.
func (l *limiter) leftOut(now time.Time) (events []status.LinesLeftOut) {
	for k, b := range l.buckets {
		if b.leftOut > 0 && b.room+float64(l.perMinute)*now.Sub(b.at).Minutes() >= 1 {
			events = append(events, status.LinesLeftOut{Of: k, Lines: b.leftOut, PerMinute: l.perMinute})
			b.leftOut = 0
		}
	}
	slices.SortFunc(events, func(a, b status.LinesLeftOut) int { return strings.Compare(a.Of, b.Of) })
	return events
}
