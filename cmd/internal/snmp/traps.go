package snmp

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"os/exec"
	"slices"
	"strings"
	"time"

	"bragi/cmd/internal/alarms"
	"bragi/cmd/internal/status"
)

// notification is what a manager is told: one of BRAGI-MIB, and its alarm.
type notification struct {
	kind  uint32
	alarm status.Alarm
}

// standing are the alarms that the managers were told of.
type standing map[string]status.Alarm

// sync brings them to what stands now: what is new is raised, what is not there any
// more is cleared before.
func (s standing) sync(now []status.Alarm) (tell []notification) {
	for _, code := range slices.Sorted(maps.Keys(s)) {
		if !slices.ContainsFunc(now, func(a status.Alarm) bool { return a.Code == code }) {
			tell = append(tell, s.clear(code)...)
		}
	}
	for _, a := range now {
		tell = append(tell, s.raise(a)...)
	}
	return tell
}

func (s standing) raise(a status.Alarm) []notification {
	if _, known := s[a.Code]; known {
		return nil
	}
	s[a.Code] = a
	return []notification{{notifyRaised, a}}
}

func (s standing) clear(code string) []notification {
	a, known := s[code]
	if !known {
		return nil
	}
	delete(s, code)
	a.Severity = "cleared"
	return []notification{{notifyCleared, a}}
}

// hear takes an event of the topic alarm.
func (s standing) hear(r status.Record) []notification {
	a := status.Alarm{Text: r.Text}
	for _, f := range r.Fields {
		word := fmt.Sprint(f.Value)
		switch f.Name {
		case "code":
			a.Code = word
		case "severity":
			a.Severity = word
		case "detail":
			a.Detail = word
		case "fix":
			a.Fix = word
		}
	}
	if i := slices.IndexFunc(alarms.Table, func(k alarms.Kind) bool { return string(k.Code) == a.Code }); i >= 0 {
		a.Text = alarms.Table[i].Text
	}
	if a.Severity == "cleared" {
		return s.clear(a.Code)
	}
	return s.raise(a)
}

// Daemon is what Traps asks bragid.
type Daemon interface {
	Get(ctx context.Context, path string, into any) error
	Log(ctx context.Context, topics ...status.Topic) ([]status.Record, error)
	Events(ctx context.Context, after string, topics []status.Topic, hear func(status.Record) error) error
}

// Traps tells the managers of alarms that come and go, through snmpd.
type Traps struct {
	daemon Daemon
	send   func(context.Context, notification) error
	say    func(string) // what an operator should know
	told   standing
	out    chan notification
}

// NewTraps makes one that sends by net-snmp's agentxtrap to the agent at agentX.
func NewTraps(daemon Daemon, agentX string, say func(string)) (*Traps, error) {
	program, err := exec.LookPath("agentxtrap")
	if err != nil {
		return nil, errors.New("agentxtrap is not installed (fix: apt-get install snmp)")
	}
	return newTraps(daemon, say, func(ctx context.Context, n notification) error {
		ctx, cancel := context.WithTimeout(ctx, sendPatience)
		defer cancel()
		said, err := exec.CommandContext(ctx, program, arguments(agentX, n)...).CombinedOutput()
		if err != nil {
			line, _, _ := bytes.Cut(bytes.TrimSpace(said), []byte("\n"))
			return fmt.Errorf("snmpd takes no trap at %s: %w %s (fix: \"master agentx\" in snmpd.conf, and let this program into its socket)", agentX, err, line)
		}
		return nil
	}), nil
}

func newTraps(daemon Daemon, say func(string), send func(context.Context, notification) error) *Traps {
	return &Traps{daemon: daemon, send: send, say: say, told: standing{}, out: make(chan notification, waitingMost)}
}

const (
	waitingMost  = 256 // notifications for an snmpd that is away
	sendPatience = 10 * time.Second
	sendAgain    = 5 * time.Second
	askAgain     = time.Second
	// silentAfter is longer than a restart of bragid takes.
	silentAfter = 10 * time.Second
)

// Run tells until ctx ends.
func (t *Traps) Run(ctx context.Context) error {
	ended := make(chan struct{})
	go func() { defer close(ended); t.sendAll(ctx) }()
	defer func() { <-ended }()
	lost, silent := time.Now(), false
	for ctx.Err() == nil {
		err := t.follow(ctx, func() {
			if silent {
				t.say("bragid answers again")
				t.tell(notification{kind: notifyAnswers})
			}
			silent, lost = false, time.Time{}
		})
		if lost.IsZero() {
			lost = time.Now()
		}
		if ctx.Err() == nil && !silent && time.Since(lost) >= silentAfter {
			silent = true
			t.say(err.Error())
			t.tell(notification{kind: notifySilent})
		}
		pause(ctx, askAgain)
	}
	return nil
}

// follow tells what stands, then what comes and goes, until bragid is gone.
func (t *Traps) follow(ctx context.Context, answered func()) error {
	kept, err := t.daemon.Log(ctx, status.TopicAlarm)
	if err != nil {
		return err
	}
	after := status.FromBegin
	if len(kept) > 0 {
		after = kept[len(kept)-1].ID
	}
	var s status.Status
	if err := t.daemon.Get(ctx, "/v1/status", &s); err != nil {
		return err
	}
	answered()
	t.tell(t.told.sync(s.Alarms)...)
	return t.daemon.Events(ctx, after, []status.Topic{status.TopicAlarm}, func(r status.Record) error {
		if r.Topic == status.TopicMissed {
			return errMissed // begin again with what stands
		}
		t.tell(t.told.hear(r)...)
		return nil
	})
}

var errMissed = errors.New("snmp: events were missed")

// tell queues notifications; it waits for nobody.
func (t *Traps) tell(list ...notification) {
	for _, n := range list {
		select {
		case t.out <- n:
		default:
			t.say(fmt.Sprintf("a notification is lost: %d wait for snmpd already", waitingMost))
		}
	}
}

// sendAll sends what waits, in order. One that snmpd does not take is tried until it
// does.
func (t *Traps) sendAll(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case n := <-t.out:
			for told := false; ; {
				err := t.send(ctx, n)
				if err == nil || ctx.Err() != nil {
					break
				}
				if !told {
					t.say(err.Error())
				}
				told = true
				pause(ctx, sendAgain)
			}
		}
	}
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

// arguments are agentxtrap's for a notification. Text goes as octets: it may begin
// with a dash, or hold anything.
func arguments(agentX string, n notification) []string {
	list := []string{"-m", "", "-L", "n", "-x", agentX, bragiNotifications.add(n.kind).String()}
	if n.alarm.Code == "" {
		return list
	}
	index := codeIndex(n.alarm.Code)
	object := func(column uint32) string { return bragiAlarmEntry.add(column).add(index...).String() }
	words := func(column uint32, text string) {
		list = append(list, object(column), "x", hex.EncodeToString([]byte(text[:min(len(text), longestText)])))
	}
	words(alarmCode, n.alarm.Code)
	list = append(list, object(alarmSeverity), "i", fmt.Sprint(severityOf(n.alarm.Severity)))
	words(alarmText, strings.TrimSpace(n.alarm.Text))
	if n.kind == notifyRaised {
		words(alarmDetail, n.alarm.Detail)
		words(alarmFix, n.alarm.Fix)
	}
	return list
}
