package daemon

import (
	"strings"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"bragi/board"
	"bragi/cmd/internal/alarms"
	"bragi/cmd/internal/pipeline"
	"bragi/cmd/internal/status"
	"bragi/cmd/internal/syslog"
	"bragi/gnss/port"
	"bragi/holdover"
	"bragi/holdover/quality"
	"bragi/master"
	"bragi/master/udp"
)

// What happens is an event: the log tells it, and whoever watches hears it.

// happened tells an event to the log and to the watchers. It waits for nobody.
func (d *Daemon) happened(e status.Event) {
	level, text, fields := words(e)
	d.log.Log(level, text, append([]zap.Field{syslog.Event(e.Name())}, fields...)...)
	d.watchers.hear(e)
}

// words are an event's for the log.
func words(e status.Event) (level zapcore.Level, text string, fields []zap.Field) {
	why := func(s status.Step) zap.Field { return zap.String("why", strings.Join(s.Why, ", ")) }
	client := func(p status.Peer, more ...zap.Field) []zap.Field {
		return append([]zap.Field{zap.String("address", p.Address), zap.String("identity", p.Identity)}, more...)
	}
	unless := func(bad bool) zapcore.Level {
		if bad {
			return zap.WarnLevel
		}
		return zap.InfoLevel
	}
	switch e := e.(type) {
	case status.ClockStepped:
		return zap.WarnLevel, "the clock was stepped", []zap.Field{zap.Duration("by", e.By)}
	case status.StateChanged:
		return zap.InfoLevel, "clock state " + e.StateName, []zap.Field{zap.String("cisco", e.State), why(e.Step)}
	case status.ClassChanged:
		return unless(e.ClockClass > 6), "clockClass " + quality.ClassName(e.ClockClass),
			[]zap.Field{zap.Uint8("class", e.ClockClass), zap.String("accuracy", e.Accuracy), why(e.Step)}
	case status.ServiceStopped:
		if !e.Served {
			return zap.InfoLevel, "nothing is served yet", []zap.Field{why(e.Step)}
		}
		return zap.WarnLevel, "nothing is served any more", []zap.Field{why(e.Step)}
	case status.AlarmRaised:
		level = zap.WarnLevel
		if e.Severity == alarms.Critical.String() || e.Severity == alarms.Major.String() {
			level = zap.ErrorLevel
		}
		return level, "alarm: " + e.Text, []zap.Field{zap.String("code", e.Code), zap.String("severity", e.Severity),
			zap.String("detail", e.Detail), zap.String("fix", e.Fix)}
	case status.AlarmCleared:
		return zap.InfoLevel, "alarm cleared: " + e.Text, []zap.Field{zap.String("code", e.Code), zap.String("severity", e.Severity)}
	case status.ClientChanged:
		return zap.InfoLevel, e.What, client(e.Peer)
	case status.ClientGranted:
		return zap.InfoLevel, e.What, client(e.Peer, zap.String("message", e.Message), zap.Int8("interval", e.Interval), zap.Uint32("seconds", e.Seconds))
	case status.ClientDenied:
		return zap.WarnLevel, e.What, client(e.Peer, zap.String("message", e.Message), zap.String("why", e.Why), zap.Uint8("domain", e.Domain))
	case status.SettingChanged:
		return zap.WarnLevel, "a setting was changed by management", client(e.Peer)
	case status.ReceiverPort:
		return unless(e.Bad), "receiver: " + e.What, nil
	case status.ReceiverSetUp:
		return unless(e.Bad), "receiver: " + e.What, nil
	case status.ClockResumed:
		return zap.InfoLevel, "the clock goes on where it was left", []zap.Field{zap.String("state", e.StateName), zap.Float64("seconds", e.AwayS), zap.Int64("off_ns", e.OffNs)}
	case status.GrantsResumed:
		return zap.InfoLevel, "clients go on with their grants", []zap.Field{zap.Int("clients", e.Clients), zap.Int("expired", e.Expired), zap.Int("refused", e.Refused)}
	case status.NotResumed:
		return zap.WarnLevel, e.Why, nil
	case status.AnnounceLate:
		return zap.WarnLevel, "Announce was late", []zap.Field{zap.Duration("gap", e.Gap), zap.Uint64("clients", e.Clients), zap.String("looking_elsewhere", e.LookingElsewhere)}
	case status.DrainChanged:
		if e.On {
			return zap.WarnLevel, "drained: every client is sent away, nothing is granted", nil
		}
		return zap.InfoLevel, "the drain has ended: clients are granted again", nil
	case status.ReceiverAccepted:
		return zap.WarnLevel, "the operator accepts the receiver: the clock follows it", []zap.Field{zap.String("forgotten", strings.Join(e.Forgotten, "; "))}
	case status.AcceptRefused:
		return zap.WarnLevel, "the receiver is not accepted: " + e.Why, nil
	case status.StepOrdered:
		return zap.WarnLevel, "the operator steps the clock to the pulse: clients see a step", []zap.Field{zap.Float64("time_error_ns", e.ErrorNs)}
	case status.StepRefused:
		return zap.WarnLevel, "the clock is not stepped: " + e.Why, nil
	case status.Reloaded:
		if len(e.Applied) == 0 && len(e.Waiting) == 0 {
			return zap.InfoLevel, "reloaded: nothing has changed", nil
		}
		return zap.InfoLevel, "reloaded", []zap.Field{zap.String("applied", strings.Join(e.Applied, " ")), zap.String("needs_restart", strings.Join(e.Waiting, " "))}
	case status.ReloadRefused:
		return zap.WarnLevel, "the configuration is not reloaded, the old one stays: " + e.Why, nil
	case status.OpinionServer:
		return zap.InfoLevel, "second opinion: " + e.What, []zap.Field{zap.String("server", e.Server)}
	case status.SyncModeChosen:
		return unless(!e.First), "Sync: " + e.Mode, []zap.Field{zap.String("why", e.Why)}
	case status.NoTwins:
		return zap.WarnLevel, e.Why, nil
	case status.LinkChanged:
		word := "down"
		if e.Up {
			word = "up"
		}
		return zap.WarnLevel, "link " + word, []zap.Field{zap.String("interface", e.Interface), zap.Uint64("changes", e.Changes)}
	case status.InterfaceRenamed:
		return zap.WarnLevel, "the interface " + e.Was + " is now named " + e.Now, nil
	case status.LinkUnwatched:
		return zap.WarnLevel, e.Why, nil
	}
	return zap.InfoLevel, e.Name(), nil
}

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
		d.happened(status.StateChanged{Step: step})
	}
	switch {
	case class && said.Serve:
		d.happened(status.ClassChanged{Step: step, Accuracy: quality.AccuracyName(said.ClockAccuracy)})
	case class:
		stopped := status.ServiceStopped{Step: step, Served: before != nil}
		if stopped.Served && len(report.Why) > 0 && report.Why[0] == holdover.ReasonClockMeddled {
			stopped.Why = step.Why[:1] // whatever else holds did not end it
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
		return status.AlarmCleared{Alarm: c.Alarm}
	}
	return status.AlarmRaised{Alarm: c.Alarm}
}

// clientEvent is what happened to a client.
func clientEvent(e master.Event) status.Event {
	peer, what := status.Peer{Address: e.Client.Address.String(), Identity: e.Client.Port.String()}, e.Kind.String()
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
	lost := "no client"
	switch {
	case now.Last > rpdPatience:
		lost = "cBR8s and RPDs"
	case now.Last > cbr8Patience:
		lost = "cBR8s"
	}
	d.happened(status.AnnounceLate{Gap: now.Last.Round(time.Millisecond), Clients: now.Long - before, LookingElsewhere: lost})
}
