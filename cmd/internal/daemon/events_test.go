package daemon

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"bragi/board"
	"bragi/board/sim"
	"bragi/cmd/internal/status"
	"bragi/cmd/internal/virtual"
	"bragi/gnss/timescale"
)

// meddled is a clock that somebody else may set.
type meddled struct {
	virtual.Clock
	by *board.Disturbance
}

func (c meddled) Disturbance() board.Disturbance { return *c.by }

func (c meddled) PutBack() (board.Disturbance, error) {
	d := *c.by
	*c.by = board.Disturbance{}
	c.Rig.Board.PHC().Step(c.Rig.Now, -d.Ns)
	return d, nil
}

// That others set or steer the clock is why nothing is served, for every face,
// whatever else holds, and no longer than that.
func TestMeddledClockIsWhy(t *testing.T) {
	for _, antenna := range []string{"ok", "cut"} {
		by := &board.Disturbance{}
		r := virtual.NewRigWith(t, virtual.Demo(), sim.Config{Oscillator: sim.OCXO, Seed: 1, AntennaCut: antenna == "cut"}, virtual.SkyAtBegin,
			func(c virtual.Clock) board.Clock { return meddled{c, by} })
		core, told := observer.New(zap.WarnLevel)
		d := &Daemon{log: zap.New(core)}
		r.Watch = func() { d.see(time.Time{}, r.Pipe.Look(r.Now)) }
		r.Until(30*time.Second, "served", func() bool { return r.Said.Serve })
		for range 4 {
			*by = board.Disturbance{Count: by.Count + 1, Last: r.Now, Steered: true}
			r.Run(time.Second)
		}
		wall := func(timescale.Mono) time.Time { return time.Time{} }
		const want = "board's clock is set or steered by something else"
		if why := clockStatus(r.Pipe.Look(r.Now), wall).Why; r.Said.Serve || why[0] != want || len(why) < 2 {
			t.Errorf("antenna %s: served %t; why is %q, want %q first", antenna, r.Said.Serve, why, want)
		}
		if step := d.walk[len(d.walk)-1]; step.Serving || step.Why[0] != want {
			t.Errorf("antenna %s: the walk's last step is %+v", antenna, step)
		}
		ended := told.FilterMessage("nothing is served any more").All()
		if len(ended) != 1 || ended[0].ContextMap()["why"] != want {
			t.Errorf("antenna %s: syslog says %v", antenna, ended)
		}
		r.Until(10*time.Second, "served again when left alone", func() bool { return r.Said.Serve })
		if why := clockStatus(r.Pipe.Look(r.Now), wall).Why; slices.Contains(why, want) {
			t.Errorf("antenna %s: served again, why is %q", antenna, why)
		}
	}
}

// A clock that is away has no bound, which is null for the reader.
func TestClockThatIsAwayIsToldWithoutABound(t *testing.T) {
	trouble := &board.Trouble{}
	r := virtual.NewRigWith(t, virtual.Demo(), sim.Config{Oscillator: sim.OCXO, Seed: 1}, virtual.SkyAtBegin,
		func(c virtual.Clock) board.Clock { return unplugged{c, trouble} })
	r.Until(30*time.Second, "class 6", r.Class(6))
	trouble.Err, trouble.Since = errors.New("board: /dev/ptp0 is gone"), r.Now
	r.Run(time.Second)
	if c := clockStatus(r.Pipe.Look(r.Now), func(timescale.Mono) time.Time { return time.Time{} }); c.BoundNs != nil || c.ClockClass != 52 || !strings.Contains(c.Why[0], "away") {
		t.Errorf("told as class %d with bound %v because of %v", c.ClockClass, c.BoundNs, c.Why)
	}
}

// unplugged is a clock that may be away.
type unplugged struct {
	virtual.Clock
	trouble *board.Trouble
}

func (c unplugged) Trouble() board.Trouble { return *c.trouble }

// What syslog says of each event, word for word: scripts look for it.
func TestWordsOfTheEvents(t *testing.T) {
	step := status.Step{State: "HOLDOVER", StateName: "HOLDOVER_SPEC", ClockClass: 7, Why: []string{"no pulse", "no time"}}
	served := step
	served.Serving = true
	alarm := status.Alarm{Code: "CLOCK_HOLDOVER", Severity: "minor", Text: "text", Detail: "detail", Fix: "fix it"}
	grave := alarm
	grave.Severity = "major"
	peer := status.Peer{Address: "10.0.0.2", Identity: "id"}
	for _, c := range []struct {
		event status.Event
		level zapcore.Level
		want  string
	}{
		{status.ClockStepped{By: -time.Second}, zap.WarnLevel, "CLOCK_STEP the clock was stepped by=-1s"},
		{status.StateChanged{Step: step}, zap.InfoLevel, "CLOCK_STATE clock state HOLDOVER_SPEC cisco=HOLDOVER why=no pulse, no time"},
		{status.ClassChanged{Step: served, Accuracy: "100 ns"}, zap.WarnLevel, "CLOCK_CLASS clockClass holdover within spec class=7 accuracy=100 ns why=no pulse, no time"},
		{status.ServiceStopped{Step: step}, zap.InfoLevel, "SERVICE nothing is served yet why=no pulse, no time"},
		{status.ServiceStopped{Step: step, Served: true}, zap.WarnLevel, "SERVICE nothing is served any more why=no pulse, no time"},
		{status.AlarmRaised{Alarm: alarm}, zap.WarnLevel, "ALARM alarm: text code=CLOCK_HOLDOVER severity=minor detail=detail fix=fix it"},
		{status.AlarmRaised{Alarm: grave}, zap.ErrorLevel, "ALARM alarm: text code=CLOCK_HOLDOVER severity=major detail=detail fix=fix it"},
		{status.AlarmCleared{Alarm: alarm}, zap.InfoLevel, "ALARM_CLEARED alarm cleared: text code=CLOCK_HOLDOVER severity=minor"},
		{status.ClientChanged{Peer: peer, What: "client new"}, zap.InfoLevel, "CLIENT client new address=10.0.0.2 identity=id"},
		{status.ClientGranted{Peer: peer, What: "granted", Message: "Sync", Interval: -4, Seconds: 300}, zap.InfoLevel,
			"CLIENT_GRANT granted address=10.0.0.2 identity=id message=Sync interval=-4 seconds=300"},
		{status.ClientDenied{Peer: peer, What: "denied", Message: "Sync", Why: "table full", Domain: 44}, zap.WarnLevel,
			"CLIENT_DENIED denied address=10.0.0.2 identity=id message=Sync why=table full domain=44"},
		{status.SettingChanged{Peer: peer}, zap.WarnLevel, "MANAGEMENT_SET a setting was changed by management address=10.0.0.2 identity=id"},
		{status.ReceiverPort{What: "opened"}, zap.InfoLevel, "RECEIVER receiver: opened"},
		{status.ReceiverPort{What: "no frames", Bad: true}, zap.WarnLevel, "RECEIVER receiver: no frames"},
		{status.ReceiverSetUp{What: "refused", Bad: true}, zap.WarnLevel, "RECEIVER_SETUP receiver: refused"},
		{status.ClockResumed{StateName: "LOCKED", AwayS: 2.5, OffNs: -40}, zap.InfoLevel, "RESUMED the clock goes on where it was left state=LOCKED seconds=2.5 off_ns=-40"},
		{status.GrantsResumed{Clients: 3, Expired: 2, Refused: 1}, zap.InfoLevel, "RESUMED clients go on with their grants clients=3 expired=2 refused=1"},
		{status.NotResumed{Why: "why"}, zap.WarnLevel, "NOT_RESUMED why"},
		{status.AnnounceLate{Gap: 1300 * time.Millisecond, Clients: 2, LookingElsewhere: "cBR8s"}, zap.WarnLevel,
			"ANNOUNCE_GAP Announce was late gap=1.3s clients=2 looking_elsewhere=cBR8s"},
		{status.DrainChanged{On: true}, zap.WarnLevel, "DRAIN drained: every client is sent away, nothing is granted"},
		{status.DrainChanged{}, zap.InfoLevel, "DRAIN the drain has ended: clients are granted again"},
		{status.ReceiverAccepted{Forgotten: []string{"a", "b"}}, zap.WarnLevel, "ACCEPTED the operator accepts the receiver: the clock follows it forgotten=a; b"},
		{status.AcceptRefused{Why: "why"}, zap.WarnLevel, "ACCEPT_REFUSED the receiver is not accepted: why"},
		{status.StepOrdered{ErrorNs: -1500}, zap.WarnLevel, "STEP_ORDERED the operator steps the clock to the pulse: clients see a step time_error_ns=-1500"},
		{status.StepRefused{Why: "why"}, zap.WarnLevel, "STEP_REFUSED the clock is not stepped: why"},
		{status.Reloaded{}, zap.InfoLevel, "RELOAD reloaded: nothing has changed"},
		{status.Reloaded{Applied: []string{"a", "b"}, Waiting: []string{"c"}}, zap.InfoLevel, "RELOAD reloaded applied=a b needs_restart=c"},
		{status.ReloadRefused{Why: "why"}, zap.WarnLevel, "RELOAD_REFUSED the configuration is not reloaded, the old one stays: why"},
		{status.OpinionServer{Server: "ntp", What: "it answers"}, zap.InfoLevel, "SECOND_OPINION second opinion: it answers server=ntp"},
		{status.SyncModeChosen{Mode: "two-step", Why: "why", First: true}, zap.InfoLevel, "SYNC_MODE Sync: two-step why=why"},
		{status.SyncModeChosen{Mode: "two-step", Why: "why"}, zap.WarnLevel, "SYNC_MODE Sync: two-step why=why"},
		{status.NoTwins{Why: "why"}, zap.WarnLevel, "SYNC_MODE why"},
		{status.LinkChanged{Interface: "eth0", Up: true, Changes: 4}, zap.WarnLevel, "LINK link up interface=eth0 changes=4"},
		{status.LinkChanged{Interface: "eth0", Changes: 3}, zap.WarnLevel, "LINK link down interface=eth0 changes=3"},
		{status.InterfaceRenamed{Was: "eth0", Now: "eth1"}, zap.WarnLevel, "LINK the interface eth0 is now named eth1"},
		{status.LinkUnwatched{Why: "why"}, zap.WarnLevel, "LINK why"},
	} {
		core, told := observer.New(zap.InfoLevel)
		(&Daemon{log: zap.New(core)}).happened(c.event)
		line := told.All()[0]
		event, rest := "", ""
		for _, f := range line.Context {
			if f.Key == "event" {
				event = f.String
				continue
			}
			rest += fmt.Sprintf(" %s=%v", f.Key, zapValue(f))
		}
		if got := event + " " + line.Message + rest; got != c.want || line.Level != c.level {
			t.Errorf("%v %q, want %v %q", line.Level, got, c.level, c.want)
		}
	}
}

func zapValue(f zap.Field) any {
	enc := zapcore.NewMapObjectEncoder()
	f.AddTo(enc)
	return enc.Fields[f.Key]
}
