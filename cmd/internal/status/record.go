package status

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

// Words are what an event is called, and what every face says of it.
type Words struct {
	Topic    Topic    `json:"topic"`
	Name     string   `json:"name"`     // stable: scripts look for it
	Severity Severity `json:"severity"` // of syslog
	Text     string   `json:"text"`     // a line for people, which needs no fields
	Fields   Fields   `json:"fields"`   // the same for programs
}

// OneLine is w with a text of one line: what others wrote into it cannot begin another
// line of the log, nor speak to a terminal.
func (w Words) OneLine() Words {
	w.Text = strings.Map(func(r rune) rune {
		if r < ' ' || r >= 0x7f && r < 0xa0 || r == '\u2028' || r == '\u2029' {
			return '?'
		}
		return r
	}, w.Text)
	return w
}

// Line is the event as people read it, with the words of a Cisco:
// "%BRAGI-4-CLOCKCLASS: 6 -> 7, holdover, forecast 4.4 h".
func (w Words) Line() string { return fmt.Sprintf("%%BRAGI-%d-%s: %s", w.Severity, w.Name, w.Text) }

// Topic sorts events, for those who want some of them.
type Topic string

// The topics.
const (
	TopicAlarm    Topic = "alarm"
	TopicClass    Topic = "class" // of the clock, and whether anything is served
	TopicState    Topic = "state" // of the clock
	TopicClock    Topic = "clock" // its steps
	TopicReceiver Topic = "receiver"
	TopicClient   Topic = "client"
	TopicNetwork  Topic = "network"
	TopicOperator Topic = "operator" // what was asked for, and by whom
	TopicProgram  Topic = "program"  // start, stop, files, the log itself
	TopicMissed   Topic = "missed"   // told to everybody
)

// Topics are those that may be asked for.
var Topics = []Topic{TopicAlarm, TopicClass, TopicState, TopicClock, TopicReceiver, TopicClient, TopicNetwork, TopicOperator, TopicProgram}

// Severity is that of syslog (RFC 5424, table 2): the smaller, the graver.
type Severity int

// The severities that are used.
const (
	Alert    Severity = 1
	Critical Severity = 2
	Error    Severity = 3
	Warning  Severity = 4
	Notice   Severity = 5
	Info     Severity = 6
)

// syslog is an alarm's severity in syslog (RFC 5674, table 1).
func (a Alarm) syslog() Severity {
	switch a.Severity {
	case "critical":
		return Alert
	case "major":
		return Critical
	case "minor":
		return Error
	}
	return Warning
}

// Record is an event as it was told.
type Record struct {
	ID string    `json:"id"` // resume after it
	At time.Time `json:"at"` // by the served clock, while it knows UTC; else by CLOCK_REALTIME
	// TimeQuality is how well At is known.
	TimeQuality TimeQuality `json:"time_quality"`
	Words
	Undated bool  `json:"undated,omitempty"` // the system clock was not set yet: At may be of any year
	Event   Event `json:"-"`                 // nil at a client of the control socket
}

// Line is the event as a line of the log.
func (r Record) Line() string {
	if r.Undated {
		return r.Words.Line() + " (the system clock is not set yet)"
	}
	return r.Words.Line()
}

// Field is a value of an event: a string, a bool or a number.
type Field struct {
	Name  string
	Value any
}

// Fields are in order; in JSON they are an object.
type Fields []Field

// MarshalJSON writes an object with the fields in order.
func (f Fields) MarshalJSON() ([]byte, error) {
	b := []byte{'{'}
	for i, x := range f {
		if i > 0 {
			b = append(b, ',')
		}
		name, err := json.Marshal(x.Name)
		if err != nil {
			return nil, err
		}
		value, err := json.Marshal(x.Value)
		if err != nil {
			return nil, err
		}
		b = append(append(append(b, name...), ':'), value...)
	}
	return append(b, '}'), nil
}

// UnmarshalJSON reads an object. Numbers become float64.
func (f *Fields) UnmarshalJSON(b []byte) error {
	*f = nil
	d := json.NewDecoder(bytes.NewReader(b))
	for first := true; ; first = false {
		name, err := d.Token()
		if err != nil {
			return err
		}
		switch name := name.(type) {
		case json.Delim:
			if first && name == '{' {
				continue
			}
			if !first && name == '}' {
				return nil
			}
		case string:
			var value any
			if err := d.Decode(&value); err != nil {
				return err
			}
			*f = append(*f, Field{name, value})
			continue
		case nil:
			return nil
		}
		return fmt.Errorf("fields are no object: %.40s", b)
	}
}

// FromBegin stands for the oldest event that is kept, where an event's id is wanted.
const FromBegin = "begin"
