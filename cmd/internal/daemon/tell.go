package daemon

import (
	"time"

	"go.uber.org/zap"

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

// tellChange logs a change of state, class or service, and a step.
func (d *Daemon) tellChange(wall time.Time, look *pipeline.Look) {
	report, said := look.Report, look.Announcement
	if report.Steps != d.steps {
		d.steps = report.Steps
		d.log.Warn("the clock was stepped", syslog.Event("CLOCK_STEP"), zap.Duration("by", time.Duration(report.LastStepNs)))
	}
	first := len(d.walk) == 0
	stateChanged := first || report.State != d.state
	classChanged := first || said.ClockClass != d.said.ClockClass || said.Serve != d.said.Serve
	if stateChanged {
		d.log.Info("clock state "+report.State.String(), syslog.Event("CLOCK_STATE"),
			zap.String("cisco", report.State.Cisco()), zap.String("why", pipeline.Why(report.Why)))
	}
	switch {
	case !classChanged:
	case !said.Serve && first:
		d.log.Info("nothing is served yet", syslog.Event("SERVICE"), zap.String("why", pipeline.Why(report.Why)))
	case !said.Serve:
		ended := report.Why
		if len(ended) > 0 && ended[0] == holdover.ReasonClockMeddled {
			ended = ended[:1] // whatever else holds did not end it
		}
		d.log.Warn("nothing is served any more", syslog.Event("SERVICE"), zap.String("why", pipeline.Why(ended)))
	default:
		log := d.log.Info
		if said.ClockClass > 6 {
			log = d.log.Warn
		}
		log("clockClass "+quality.ClassName(said.ClockClass), syslog.Event("CLOCK_CLASS"), zap.Uint8("class", said.ClockClass),
			zap.String("accuracy", quality.AccuracyName(said.ClockAccuracy)), zap.String("why", pipeline.Why(report.Why)))
	}
	d.state, d.said = report.State, said
	if !stateChanged && !classChanged {
		return
	}
	step := status.Step{At: wall, State: report.State.Cisco(), StateName: report.State.String(), ClockClass: said.ClockClass, Serving: said.Serve, Why: []string{}}
	for _, r := range report.Why {
		step.Why = append(step.Why, r.String())
	}
	d.walk = append(d.walk, step)
	if len(d.walk) > walkLength {
		d.walk = append(d.walk[:0], d.walk[1:]...)
	}
}

func (d *Daemon) tellAlarm(c alarms.Change) {
	fields := []zap.Field{zap.String("code", c.Code), zap.String("severity", c.Severity)}
	if c.Cleared {
		d.log.Info("alarm cleared: "+c.Text, append(fields, syslog.Event("ALARM_CLEARED"))...)
		return
	}
	log := d.log.Warn
	if c.Severity == alarms.Critical.String() || c.Severity == alarms.Major.String() {
		log = d.log.Error
	}
	log("alarm: "+c.Text, append(fields, syslog.Event("ALARM"), zap.String("detail", c.Detail), zap.String("fix", c.Fix))...)
}

// tellClient logs what happened to a client.
func (d *Daemon) tellClient(e master.Event) {
	fields := []zap.Field{zap.Stringer("address", e.Client.Address), zap.Stringer("identity", e.Client.Port)}
	switch e.Kind {
	case master.EventClientNew, master.EventClientGone:
		d.log.Info(e.Kind.String(), append(fields, syslog.Event("CLIENT"))...)
	case master.EventChanged:
		d.log.Warn("a setting was changed by management", append(fields, syslog.Event("MANAGEMENT_SET"))...)
	case master.EventDenied, master.EventRefused:
		d.log.Warn(e.Kind.String(), append(fields, syslog.Event("CLIENT_DENIED"), zap.Stringer("message", e.Type),
			zap.Stringer("why", e.Reason), zap.Uint8("domain", e.Domain))...)
	default:
		d.log.Info(e.Kind.String(), append(fields, syslog.Event("CLIENT_GRANT"), zap.Stringer("message", e.Type),
			zap.Int8("interval", e.LogInterval), zap.Uint32("seconds", e.Seconds))...)
	}
}

// portEvent tells what happened to the receiver's serial port, once.
func (d *Daemon) portEvent(e port.Event) {
	opened := e.Kind == port.Opened
	d.mu.Lock()
	d.connected = opened
	if opened {
		d.keep.baud = e.Baud
	}
	d.mu.Unlock()
	d.devices.receiver.event(board.Raw(), e)
	switch {
	case opened:
		d.condition(alarms.ReceiverDevice, "")
		d.log.Info("receiver: "+e.String(), syslog.Event("RECEIVER"))
	case e.Kind == port.NoFrames:
		d.condition(alarms.ReceiverDevice, "") // the decoder's own silence says it
		d.log.Warn("receiver: "+e.String(), syslog.Event("RECEIVER"))
	default:
		d.condition(alarms.ReceiverDevice, e.String()) // the alarm logs it
	}
}

// What clients bear without an Announce: 10 intervals of 1/8 s at a cBR8, 11 at an
// RPD.
const (
	cbr8Patience = 1250 * time.Millisecond
	rpdPatience  = 1375 * time.Millisecond
)

// tellGap logs that clients waited more than a second for an Announce, and who
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
	d.log.Warn("Announce was late", syslog.Event("ANNOUNCE_GAP"), zap.Duration("gap", now.Last.Round(time.Millisecond)),
		zap.Uint64("clients", now.Long-before), zap.String("looking_elsewhere", lost))
}
