package control

import (
	"context"
	"errors"
	"net"
	"net/http/httptest"
	"os"
	"os/user"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"bragi/cmd/internal/status"
)

type fakeDaemon struct {
	drained *bool
	Configuration
}

func (f fakeDaemon) Status() status.Status { return status.Status{Version: "v1"} }
func (f fakeDaemon) Latest() status.Status { return status.Status{Version: "v1"} }
func (f fakeDaemon) Drain(on bool) error   { *f.drained = on; return nil }
func (f fakeDaemon) AcceptReceiver(name string) (Accepted, error) {
	if *f.drained {
		return Accepted{}, errors.New("nothing is refused (fix: bragi show alarms)")
	}
	return Accepted{Names: []string{name}, Forgotten: []string{"the second"}}, nil
}
func (f fakeDaemon) SurveyReceiver() (Surveying, error) {
	if *f.drained {
		return Surveying{}, errors.New("the receiver has no survey")
	}
	return Surveying{MinS: 3600, LimitM: 2}, nil
}
func (f fakeDaemon) StepClock(yes bool) (Stepped, error) {
	if *f.drained {
		return Stepped{}, errors.New("there is nothing to step")
	}
	return Stepped{Done: yes, TimeErrorNs: 5e6}, nil
}
func (f fakeDaemon) SwitchReference(name string, force bool) (Switched, error) {
	if *f.drained {
		return Switched{}, errors.New("no reference is named so")
	}
	return Switched{Selected: name, Order: map[bool]string{true: "forced", false: "manual"}[force]}, nil
}
func (f fakeDaemon) ClearReference() (Switched, error) {
	return Switched{Selected: "roof", Order: "automatic"}, nil
}
func (f fakeDaemon) Hold(force bool) (Held, error) {
	if *f.drained {
		return Held{}, errors.New("the clock has never locked")
	}
	return Held{Forced: force}, nil
}
func (f fakeDaemon) Admins() []string  { return nil }
func (f fakeDaemon) Tell(status.Event) {}
func (f fakeDaemon) AlarmHistory() []status.PastAlarm {
	if *f.drained {
		return []status.PastAlarm{}
	}
	return []status.PastAlarm{{Alarm: status.Alarm{Code: "LINK_DOWN"}}}
}
func (f fakeDaemon) ClearAlarms()                  { *f.drained = true }
func (f fakeDaemon) Kept() []status.Record         { return nil }
func (f fakeDaemon) ClearCounters() status.Cleared { return status.Cleared{Sent: 7} }
func (f fakeDaemon) ClockHistory() []status.ClockPoint {
	return []status.ClockPoint{{ClockClass: 6}}
}
func (f fakeDaemon) Follow(ctx context.Context, after string, quiet time.Duration, hear func([]status.Record) error) error {
	return errors.New("nothing is told")
}
func (f fakeDaemon) StartDrill(length time.Duration) (status.RunningDrill, error) {
	if *f.drained {
		return status.RunningDrill{}, errors.New("the clock is not locked")
	}
	return status.RunningDrill{ID: "20261127T053123Z", ForS: length.Seconds()}, nil
}
func (f fakeDaemon) CancelDrill() (status.Drill, error) {
	return status.Drill{}, errors.New("no drill runs")
}
func (f fakeDaemon) DrillReports() ([]status.Drill, error) {
	return []status.Drill{{ID: "20261127T053123Z"}}, nil
}
func (f fakeDaemon) DrillReport(id string) (status.DrillReport, error) {
	return status.DrillReport{Drill: status.Drill{ID: id}}, nil
}
func (f fakeDaemon) Reload() (Reloaded, error) {
	return Reloaded{Applied: []string{"master.dscp"}}, nil
}

type fakeSim struct {
	antenna  bool
	glitch   time.Duration
	receiver Receiver
	lie      Lie
	beside   *fakeSim
}

func (f *fakeSim) TurnReceiver(to Receiver) error { f.receiver = to; return nil }

func (f *fakeSim) TellLie(l Lie) error { f.lie = l; return nil }
func (f *fakeSim) Of(reference string) (Sim, error) {
	if f.beside == nil || reference != "yard" {
		return nil, errors.New("the board of software has no other receiver")
	}
	return f.beside, nil
}

func (f *fakeSim) SetAntenna(ok bool)      { f.antenna = ok }
func (f *fakeSim) Glitch(by time.Duration) { f.glitch = by }
func (f *fakeSim) SimStatus() status.Sim {
	word := "cut"
	if f.antenna {
		word = "ok"
	}
	return status.Sim{Antenna: word}
}

func serve(t *testing.T, sim Sim) *Client {
	t.Helper()
	path := filepath.Join(t.TempDir(), "run", "control.sock")
	listener, err := Listen(path)
	if err != nil {
		t.Fatal(err)
	}
	server := NewServer(Handler(fakeDaemon{drained: new(bool)}, sim))
	go server.Serve(listener) //nolint:errcheck // it ends with the test
	t.Cleanup(func() { server.Close() })
	return NewClient(path)
}

func TestStatusAndKnobs(t *testing.T) {
	sim := &fakeSim{}
	c := serve(t, sim)
	var s status.Status
	if err := c.Get(t.Context(), "/v1/status", &s); err != nil || s.Version != "v1" {
		t.Errorf("status %+v, %v", s, err)
	}
	var truth status.Sim
	if err := c.Post(t.Context(), "/v1/sim/antenna", Antenna{OK: true}, &truth); err != nil || truth.Antenna != "ok" || !sim.antenna {
		t.Errorf("antenna: %+v, %v", truth, err)
	}
	if err := c.Post(t.Context(), "/v1/sim/receiver", Receiver{Jamming: "critical"}, &truth); err != nil || sim.receiver != (Receiver{Jamming: "critical"}) {
		t.Errorf("receiver: %+v, %v", sim.receiver, err)
	}
	if err := c.Post(t.Context(), "/v1/sim/glitch", Glitch{ByNs: -1000}, &truth); err != nil || sim.glitch != -time.Microsecond {
		t.Errorf("glitch: %v, %v", sim.glitch, err)
	}
}

// What is asked for wrongly is refused with one line that says why.
func TestRefusals(t *testing.T) {
	onBoard, onSim := serve(t, nil), serve(t, &fakeSim{})
	var v any
	for _, c := range []struct {
		err  error
		want string
	}{
		{onBoard.Get(t.Context(), "/v1/sim", &v), "real board"},
		{onBoard.Post(t.Context(), "/v1/sim/antenna", Antenna{}, &v), "real board"},
		{onSim.Post(t.Context(), "/v1/sim/glitch", Glitch{ByNs: int64(time.Second)}, &v), "cannot be off by 1s"},
		{onSim.Post(t.Context(), "/v1/sim/receiver", Receiver{Spoofing: "maybe"}, &v), "one of [none indicated affirmed]"},
		{onSim.Post(t.Context(), "/v1/sim/antenna", map[string]int{"ohm": 50}, &v), "unknown field"},
		{onSim.Get(t.Context(), "/v1/nothing", &v), "not known to this daemon"},
		{NewClient(filepath.Join(t.TempDir(), "none")).Get(context.Background(), "/v1/status", &v), "no daemon answers"},
	} {
		if c.err == nil || !strings.Contains(c.err.Error(), c.want) || strings.Contains(c.err.Error(), "\n") {
			t.Errorf("error %v, want one line with %q", c.err, c.want)
		}
	}
}

// A dead daemon's socket is replaced, a living one's is not.
// What is no socket is somebody's: it stays.
func TestNothingButASocketIsTakenThePlaceOf(t *testing.T) {
	dir := t.TempDir()
	file, link, folder := filepath.Join(dir, "file"), filepath.Join(dir, "link"), filepath.Join(dir, "folder")
	if err := errors.Join(os.WriteFile(file, []byte("mine"), 0o600), os.Symlink(file, link), os.Mkdir(folder, 0o700)); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{file, link, folder} {
		if l, err := Listen(path); err == nil || !strings.Contains(err.Error(), "is no socket (fix: ") {
			t.Errorf("%s: %v, %v", path, l, err)
		}
		if _, err := os.Lstat(path); err != nil {
			t.Errorf("%s is gone: %v", path, err)
		}
	}
}

func TestListenTwice(t *testing.T) {
	path := filepath.Join(t.TempDir(), "control.sock")
	first, err := Listen(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Listen(path); err == nil || !strings.Contains(err.Error(), "another bragid answers") {
		t.Errorf("a second daemon: %v", err)
	}
	first.Close()
	dead, err := net.ListenUnix("unix", &net.UnixAddr{Name: path})
	if err != nil {
		t.Fatal(err)
	}
	dead.SetUnlinkOnClose(false) // what a crash leaves: a socket that nobody answers on
	dead.Close()
	second, err := Listen(path)
	if err != nil {
		t.Fatalf("after a crash: %v", err)
	}
	second.Close()
}

// The operator's word reaches the daemon, and a refusal comes back as one line.
func TestAcceptReceiver(t *testing.T) {
	c := serve(t, nil)
	var done Accepted
	if err := c.Post(t.Context(), "/v1/clock/accept", Accept{What: "receiver"}, &done); err != nil || len(done.Forgotten) != 1 {
		t.Errorf("%+v, %v", done, err)
	}
	if err := c.Post(t.Context(), "/v1/clock/accept", Accept{What: "receiver", Name: "yard"}, &done); err != nil || len(done.Names) != 1 || done.Names[0] != "yard" {
		t.Errorf("%+v, %v", done, err)
	}
	if err := c.Post(t.Context(), "/v1/clock/accept", Accept{What: "fate"}, &done); err == nil || !strings.Contains(err.Error(), `"fate" cannot be accepted`) {
		t.Errorf("accepting fate: %v", err)
	}
	var v any
	if err := c.Post(t.Context(), "/v1/drain", Drain{On: true}, &v); err != nil {
		t.Fatal(err)
	}
	if err := c.Post(t.Context(), "/v1/clock/accept", Accept{What: "receiver"}, &done); err == nil || !strings.Contains(err.Error(), "nothing is refused") {
		t.Errorf("with nothing to accept: %v", err)
	}
}

// Only a step that is confirmed is done, and a refusal comes back as one line.
func TestStepClock(t *testing.T) {
	c := serve(t, nil)
	for _, yes := range []bool{false, true} {
		var done Stepped
		if err := c.Post(t.Context(), "/v1/clock/step", Step{Yes: yes}, &done); err != nil || done.Done != yes || done.TimeErrorNs != 5e6 {
			t.Errorf("%t: %+v, %v", yes, done, err)
		}
	}
	var v any
	if err := c.Post(t.Context(), "/v1/drain", Drain{On: true}, &v); err != nil {
		t.Fatal(err)
	}
	if err := c.Post(t.Context(), "/v1/clock/step", Step{Yes: true}, &v); err == nil || !strings.Contains(err.Error(), "nothing to step") {
		t.Errorf("with nothing to step: %v", err)
	}
}

// A reference is switched to and let go, and a knob is that of one receiver.
func TestReferencesAreSwitched(t *testing.T) {
	sim := &fakeSim{beside: &fakeSim{}}
	c := serve(t, sim)
	for _, force := range []bool{true, false} {
		var done Switched
		if err := c.Post(t.Context(), "/v1/reference/switch", Switch{Name: "yard", Force: force}, &done); err != nil || done.Selected != "yard" || (done.Order == "forced") != force {
			t.Errorf("%t: %+v, %v", force, done, err)
		}
	}
	var done Switched
	if err := c.Post(t.Context(), "/v1/reference/clear", struct{}{}, &done); err != nil || done.Order != "automatic" {
		t.Errorf("%+v, %v", done, err)
	}
	var truth status.Sim
	if err := c.Post(t.Context(), "/v1/sim/antenna", Antenna{OK: true, Reference: "yard"}, &truth); err != nil || !sim.beside.antenna || sim.antenna {
		t.Errorf("%v, %v", sim.antenna, err)
	}
	if err := c.Post(t.Context(), "/v1/sim/lie", Lie{LateNs: 1000, Reference: "yard"}, &truth); err != nil || sim.beside.lie.LateNs != 1000 || sim.lie.LateNs != 0 {
		t.Errorf("%v, %v", sim.lie, err)
	}
	if err := c.Post(t.Context(), "/v1/sim/receiver", Receiver{Jamming: "critical", Reference: "yard"}, &truth); err != nil || sim.beside.receiver.Jamming != "critical" || sim.receiver != (Receiver{}) {
		t.Errorf("%v, %v", sim.receiver, err)
	}
	if err := c.Get(t.Context(), "/v1/sim?reference=yard", &truth); err != nil || truth.Antenna != "ok" {
		t.Errorf("%+v, %v", truth, err)
	}
	for _, err := range []error{c.Get(t.Context(), "/v1/sim?reference=roof", &truth), c.Post(t.Context(), "/v1/sim/receiver", Receiver{PowerCycle: true, Reference: "roof"}, &truth),
		c.Post(t.Context(), "/v1/sim/antenna", Antenna{Reference: "roof"}, &truth), c.Post(t.Context(), "/v1/sim/glitch", Glitch{ByNs: 9, Reference: "roof"}, &truth),
		c.Post(t.Context(), "/v1/sim/lie", Lie{AheadS: 1, Reference: "roof"}, &truth), c.Post(t.Context(), "/v1/sim/lie", Lie{LateNs: 1e9}, &truth)} {
		if err == nil || strings.Contains(err.Error(), "\n") {
			t.Error(err)
		}
	}
}

func TestHoldoverIsForcedAndReleased(t *testing.T) {
	c := serve(t, nil)
	for _, force := range []bool{true, false} {
		var done Held
		if err := c.Post(t.Context(), "/v1/holdover", Holdover{Force: force}, &done); err != nil || done.Forced != force {
			t.Errorf("%t: %+v, %v", force, done, err)
		}
	}
	var v any
	if err := c.Post(t.Context(), "/v1/drain", Drain{On: true}, &v); err != nil {
		t.Fatal(err)
	}
	if err := c.Post(t.Context(), "/v1/holdover", Holdover{Force: true}, &v); err == nil || !strings.Contains(err.Error(), "never locked") {
		t.Errorf("with nothing to hold: %v", err)
	}
}

// A drill is ordered, ended and read, and what the daemon cannot do comes back as one line.
func TestTheOperatorOrdersADrill(t *testing.T) {
	c := serve(t, nil)
	var running status.RunningDrill
	if err := c.Post(t.Context(), "/v1/drill/start", Drill{ForNs: 20e9}, &running); err != nil || running.ForS != 20 {
		t.Errorf("%+v, %v", running, err)
	}
	var list []status.Drill
	if err := c.Get(t.Context(), "/v1/drill/reports", &list); err != nil || len(list) != 1 {
		t.Errorf("%+v, %v", list, err)
	}
	var report status.DrillReport
	if err := c.Get(t.Context(), "/v1/drill/reports/last", &report); err != nil || report.ID != "last" {
		t.Errorf("%+v, %v", report, err)
	}
	var v any
	if err := c.Post(t.Context(), "/v1/drill/cancel", nil, &v); err == nil || !strings.Contains(err.Error(), "no drill runs") {
		t.Errorf("with nothing to cancel: %v", err)
	}
}

// A survey is ordered, and what the daemon cannot do comes back as one line.
func TestTheOperatorOrdersASurvey(t *testing.T) {
	c := serve(t, nil)
	var done Surveying
	if err := c.Post(t.Context(), "/v1/gnss/survey", Survey{}, &done); err != nil || done.MinS != 3600 || done.LimitM != 2 {
		t.Errorf("%+v, %v", done, err)
	}
	var v any
	if err := c.Post(t.Context(), "/v1/drain", Drain{On: true}, &v); err != nil {
		t.Fatal(err)
	}
	if err := c.Post(t.Context(), "/v1/gnss/survey", Survey{}, &v); err == nil || !strings.Contains(err.Error(), "no survey") {
		t.Errorf("without a survey: %v", err)
	}
}

func TestReload(t *testing.T) {
	var done Reloaded
	if err := serve(t, nil).Post(context.Background(), "/v1/reload", nil, &done); err != nil || len(done.Applied) != 1 || done.Applied[0] != "master.dscp" {
		t.Errorf("%+v, %v", done, err)
	}
}

func TestTheHistoryOfAlarmsCanBeReadAndCleared(t *testing.T) {
	c := serve(t, nil)
	var history []status.PastAlarm
	if err := c.Get(t.Context(), "/v1/alarms/history", &history); err != nil || len(history) != 1 || history[0].Code != "LINK_DOWN" {
		t.Errorf("%+v, %v", history, err)
	}
	if err := c.Post(t.Context(), "/v1/alarms/clear", nil, &history); err != nil || len(history) != 0 {
		t.Errorf("cleared: %+v, %v", history, err)
	}
}

// unasked fails when the packets' thread would be asked.
type unasked struct {
	fakeDaemon
	t *testing.T
}

func (u unasked) Status() status.Status {
	u.t.Error("a scrape asks the packets' thread")
	return status.Status{}
}

func TestAScrapeDoesNotAskThePacketsThread(t *testing.T) {
	w := httptest.NewRecorder()
	Handler(unasked{fakeDaemon{drained: new(bool)}, t}, nil).ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	if w.Code != 200 || !strings.Contains(w.Body.String(), `bragi_build_info{profile="",version="v1"} 1`) {
		t.Errorf("%d: %s", w.Code, w.Body.String())
	}
}

// streams is a daemon whose stream has what a reader missed, and an event.
type streams struct{ fakeDaemon }

func (streams) Follow(_ context.Context, _ string, _ time.Duration, hear func([]status.Record) error) error {
	return hear([]status.Record{{Words: status.Words{Topic: status.TopicMissed}}, {ID: "b-8", Words: status.Words{Topic: status.TopicClock}}})
}

// What was missed has no id of its own: a reader that comes back with an empty one would begin anew.
func TestOnlyAnEventWithAnIDSendsOne(t *testing.T) {
	w := httptest.NewRecorder()
	Handler(streams{fakeDaemon{drained: new(bool)}}, nil).ServeHTTP(deadlined{w}, httptest.NewRequest("GET", "/v1/events", nil))
	text := w.Body.String()
	if !strings.Contains(text, ": alive\n\nevent: missed\ndata: ") || !strings.Contains(text, "\n\nid: b-8\nevent: clock\ndata: ") || strings.Count(text, "id: ") != 1 {
		t.Errorf("%q", text)
	}
}

// deadlined is a recorder with a deadline, as a connection has one.
type deadlined struct{ *httptest.ResponseRecorder }

func (deadlined) SetWriteDeadline(time.Time) error { return nil }

// The group is advised with what has to come first.
func TestAGroupThatDoesNotExistIsMadeFirst(t *testing.T) {
	_, err := user.LookupGroup(Group)
	if way := wayIn(); strings.Contains(way, "groupadd") != (err != nil) || !strings.Contains(way, "usermod -aG "+Group) {
		t.Errorf("the group is there: %t; advised is %s", err == nil, way)
	}
}
