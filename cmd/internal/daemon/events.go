package daemon

import (
	"strings"
	"time"

	"bragi/board"
	"bragi/cmd/internal/alarms"
	"bragi/cmd/internal/pipeline"
	"bragi/cmd/internal/status"
	"bragi/gnss/port"
	"bragi/holdover"
	"bragi/holdover/quality"
	"bragi/master"
	"bragi/master/udp"
)

// What happens is an event: the diary tells it to the log, to the syslog servers and
// to whoever watches.

// see takes what the pipeline was at wall, tells what has changed since the last
// look, and keeps the change. The caller holds the lock.
func (d *Daemon) see(wall time.Time, look *pipeline.Look) {
	before := d.look
	d.look, d.lookedAt = look, wall
	report, said := look.Report, look.Announcement
	if report.Steps != d.steps {
		d.steps = report.Steps
		d.happened(status.ClockStepped{By: time.Duration(report.LastStepNs)})
	}
	if before != nil {
		d.tellSelected(before, look)
	}
	state := before == nil || report.State != before.Report.State
	class := before == nil || said.ClockClass != before.Announcement.ClockClass || said.Serve != before.Announcement.Serve
	if !state && !class {
		return
	}
	step := status.Step{At: wall, State: report.State.Cisco(), StateName: report.State.String(), ClockClass: said.ClockClass, Serving: said.Serve, Why: []string{}}
	for _, r := range report.Why {
		step.Why = append(step.Why, r.String())
	}
	if state {
		changed := status.StateChanged{Step: step}
		if before != nil {
			changed.Before = before.Report.State.String()
		}
		d.happened(changed)
	}
	switch {
	case class && said.Serve:
		changed := status.ClassChanged{Step: step, Accuracy: quality.AccuracyName(said.ClockAccuracy), ForecastS: known(report.Class7S)}
		if before != nil && before.Announcement.Serve {
			changed.Before = before.Announcement.ClockClass
		}
		d.happened(changed)
	case class:
		stopped := status.ServiceStopped{Step: step, Served: before != nil}
		if stopped.Served && len(report.Why) > 0 && report.Why[0] == holdover.ReasonClockMeddled {
			stopped.Why = step.Why[:1] // whatever else holds did not end it
		}
		if said.Squelched {
			stopped.Why = append([]string{squelchWords(said.ClockClass)}, stopped.Why...)
		}
		d.happened(stopped)
	}
	d.walk = append(d.walk, step)
	if len(d.walk) > walkLength {
		d.walk = append(d.walk[:0], d.walk[1:]...)
	}
}

// alarmEvent is the change of an alarm.
func alarmEvent(c alarms.Change) status.Event {
	if c.Cleared {
		return status.AlarmCleared{Alarm: c.Alarm, Cause: string(c.Cause)}
	}
	return status.AlarmRaised{Alarm: c.Alarm}
}

// clientEvent is what happened to a client.
func clientEvent(e master.Event, name string) status.Event {
	peer, what := status.Peer{Address: e.Client.Address.String(), Identity: e.Client.Port.String(), Name: name}, e.Kind.String()
	switch e.Kind {
	case master.EventClientNew, master.EventClientGone:
		return status.ClientChanged{Peer: peer, What: what}
	case master.EventChanged:
		return status.SettingChanged{Peer: peer}
	case master.EventDenied, master.EventRefused:
		return status.ClientDenied{Peer: peer, What: what, Message: e.Type.String(), Why: e.Reason.String(), Domain: e.Domain}
	}
	return status.ClientGranted{Peer: peer, What: what, Message: e.Type.String(), Interval: e.LogInterval, Seconds: e.Seconds}
}

// portEvent tells what happened to the receiver's serial port, once.
func (d *Daemon) portEvent(e port.Event) {
	opened := e.Kind == port.Opened
	d.mu.Lock()
	d.connected = opened
	if opened {
		d.keep.baud = e.Baud
		d.line(e.Baud)
	}
	d.mu.Unlock()
	d.devices.receiver.event(board.Raw(), e)
	switch {
	case opened:
		d.condition(alarms.ReceiverDevice, "")
		d.happened(status.ReceiverPort{What: e.String()})
	case e.Kind == port.NoFrames:
		d.condition(alarms.ReceiverDevice, "") // the decoder's own silence says it
		d.happened(status.ReceiverPort{What: e.String(), Bad: true})
	default:
		d.condition(alarms.ReceiverDevice, e.String()) // the alarm tells it
	}
}

// What clients bear without an Announce: 10 intervals of 1/8 s at a cBR8, 11 at an
// RPD.
const (
	cbr8Patience = 1250 * time.Millisecond
	rpdPatience  = 1375 * time.Millisecond
)

// tellGap tells that clients waited more than a second for an Announce, and who
// will have looked for another grandmaster. The caller holds the lock; s is newer
// than what is known.
func (d *Daemon) tellGap(s udp.Status) {
	now := s.Stats.AnnounceGap
	var before uint64
	if d.service.Snapshot != nil {
		before = d.service.Stats.AnnounceGap.Long
	}
	if now.Long <= before {
		return
	}
	d.happened(status.AnnounceLate{Gap: now.Last.Round(time.Millisecond), Clients: now.Long - before, LookingElsewhere: lookingElsewhere(s, now.Last)})
}

// lookingElsewhere names the kinds of clients that are here and bear no such gap. Of other
// kinds nobody knows what they bear.
func lookingElsewhere(s udp.Status, gap time.Duration) string {
	here := map[string]bool{}
	for i := range s.Clients {
		here[s.Clients[i].Kind] = true
	}
	var lost []string
	for _, kind := range []struct {
		name     string
		patience time.Duration
	}{{"cBR8", cbr8Patience}, {"RPD", rpdPatience}} {
		if here[kind.name] && gap > kind.patience {
			lost = append(lost, kind.name+"s")
		}
		delete(here, kind.name)
	}
	if gap > cbr8Patience && len(here) > 0 {
		lost = append(lost, "perhaps others")
	}
	if len(lost) == 0 {
		return "no client"
	}
	return strings.Join(lost, " and ")
}
