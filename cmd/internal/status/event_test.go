package status

import (
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"
)

// What every face says of each event, word for word: scripts look for it.
func TestWordsOfTheEvents(t *testing.T) {
	step := Step{State: "HOLDOVER", StateName: "holdover", ClockClass: 7, Why: []string{"no pulse", "no time"}}
	locked := Step{State: "PHASE_ALIGNED", StateName: "locked", ClockClass: 6}
	out := Step{State: "FREERUN", StateName: "holdover out of spec", ClockClass: 52}
	alarm := Alarm{Code: "CLOCK_HOLDOVER", Severity: "minor", Text: "text", Cause: "cause", Consequence: "so", Detail: "detail", Fix: "fix it"}
	grave, gravest, slight := alarm, alarm, alarm
	grave.Severity, gravest.Severity, slight.Severity, slight.Detail = "major", "critical", "warning", ""
	peer, forecast := Peer{Address: "10.0.0.2", Identity: "id"}, 4.4*3600
	told := map[string]bool{}
	for _, c := range []struct {
		event Event
		want  string
	}{
		{ClockStepped{By: -time.Second}, "%BRAGI-4-CLOCKSTEP: the clock was stepped by -1s"},
		{ClockStepped{By: time.Second}, "%BRAGI-4-CLOCKSTEP: the clock was stepped by +1s"},
		{StateChanged{Step: step, Before: "locked"}, "%BRAGI-5-CLOCKSTATE: locked -> holdover: no pulse, no time"},
		{StateChanged{Step: locked}, "%BRAGI-5-CLOCKSTATE: locked"},
		{ClassChanged{Step: step, Before: 6, ForecastS: &forecast}, "%BRAGI-4-CLOCKCLASS: 6 -> 7, holdover, forecast 4.4 h"},
		{ClassChanged{Step: locked, Before: 58, ForecastS: &forecast}, "%BRAGI-5-CLOCKCLASS: 58 -> 6, locked, forecast 4.4 h"},
		{ClassChanged{Step: out, ForecastS: &forecast}, "%BRAGI-4-CLOCKCLASS: 52, holdover out of spec"},
		{ServiceStopped{Step: step}, "%BRAGI-5-SERVICE: nothing is served yet: no pulse, no time"},
		{ServiceStopped{Step: step, Served: true}, "%BRAGI-4-SERVICE: nothing is served any more: no pulse, no time"},
		{AlarmRaised{slight}, "%BRAGI-4-ALARM: CLOCK_HOLDOVER: text; so; fix: fix it"},
		{AlarmRaised{alarm}, "%BRAGI-3-ALARM: CLOCK_HOLDOVER: text (detail); so; fix: fix it"},
		{AlarmRaised{grave}, "%BRAGI-2-ALARM: CLOCK_HOLDOVER: text (detail); so; fix: fix it"},
		{AlarmRaised{gravest}, "%BRAGI-1-ALARM: CLOCK_HOLDOVER: text (detail); so; fix: fix it"},
		{AlarmCleared{Alarm: alarm}, "%BRAGI-5-ALARM_CLEARED: CLOCK_HOLDOVER cleared: text"},
		{AlarmCleared{alarm, "CLOCK_OUT_OF_SPEC"}, "%BRAGI-5-ALARM_CLEARED: CLOCK_HOLDOVER goes on and is part of CLOCK_OUT_OF_SPEC, which is shown in its place: text"},
		{ClientChanged{Peer: peer, What: "client new"}, "%BRAGI-5-CLIENT: 10.0.0.2 is a client new, id"},
		{ClientChanged{Peer: Peer{Address: "10.0.0.2", Identity: "id", Name: "RPD node 12"}, What: "client gone"}, "%BRAGI-5-CLIENT: 10.0.0.2 (RPD node 12) is a client gone, id"},
		{ClientGranted{Peer: peer, What: "granted", Message: "Sync", Interval: -4, Seconds: 300}, "%BRAGI-6-CLIENT_GRANT: 10.0.0.2 granted: Sync, 16/s, for 300 s"},
		{ClientGranted{Peer: peer, What: "expired", Message: "Announce", Interval: 1}, "%BRAGI-6-CLIENT_GRANT: 10.0.0.2 expired: Announce, every 2 s"},
		{ClientDenied{Peer: peer, What: "denied", Message: "Sync", Why: "table full", Domain: 44}, "%BRAGI-4-CLIENT_DENIED: 10.0.0.2 denied: Sync, table full, domain 44"},
		{SettingChanged{Peer: peer}, "%BRAGI-4-MANAGEMENT_SET: 10.0.0.2 changed a setting by management"},
		{ReceiverPort{What: "opened"}, "%BRAGI-5-RECEIVER: opened"},
		{ReceiverPort{What: "no frames", Bad: true}, "%BRAGI-4-RECEIVER: no frames"},
		{ReceiverSetUp{What: "refused", Bad: true}, "%BRAGI-4-RECEIVER_SETUP: refused"},
		{Started{Version: "v1", Profile: "sim", Clock: "phc", Socket: "/run"}, "%BRAGI-5-START: bragid v1 starts: board sim, clock phc, address any"},
		{Stopped{After: time.Hour}, "%BRAGI-5-STOP: bragid stops, after 1h0m0s"},
		{ConfigDoubted{What: "what"}, "%BRAGI-4-CONFIG: what"},
		{Kept{File: "/f", What: "what", Bad: true}, "%BRAGI-4-STATE: what"},
		{ClockResumed{StateName: "locked", AwayS: 2.5, OffNs: -40}, "%BRAGI-5-RESUMED: the clock goes on where it was left: locked, away for 2 s, off by -40 ns"},
		{GrantsResumed{Clients: 3, Expired: 2, Refused: 1}, "%BRAGI-5-RESUMED: clients go on with their grants: 3, expired 2, refused 1"},
		{NotResumed{Why: "why"}, "%BRAGI-4-NOT_RESUMED: why"},
		{AnnounceLate{Gap: 1300 * time.Millisecond, Clients: 1, LookingElsewhere: "cBR8s"}, "%BRAGI-4-ANNOUNCE_GAP: Announce was late: 1.3s for 1 client; cBR8s looked for another grandmaster"},
		{ClientsUnsaid{Events: 7, From: "10.0.0.9"}, "%BRAGI-4-CLIENT_UNSAID: 7 more events of clients are not told: they come too fast, the last from 10.0.0.9"},
		{DrainChanged{On: true}, "%BRAGI-4-DRAIN: drained: every client is sent away, nothing is granted"},
		{DrainChanged{}, "%BRAGI-5-DRAIN: the drain has ended"},
		{ReferenceSelected{Name: "yard", Before: "roof", Order: "automatic", Why: "no fix"}, "%BRAGI-4-REFERENCE: the clock follows yard in the place of roof: roof: no fix"},
		{ReferenceSelected{Name: "roof", Before: "yard", Order: "manual"}, "%BRAGI-5-REFERENCE: the clock follows roof in the place of yard"},
		{SwitchOrdered{Name: "yard", Order: "manual"}, "%BRAGI-5-REFERENCE_SWITCH: the operator switches to the reference yard"},
		{SwitchOrdered{Name: "yard", Order: "forced"}, "%BRAGI-5-REFERENCE_SWITCH: the operator switches to the reference yard by force"},
		{SwitchOrdered{Name: "yard", Order: "automatic"}, "%BRAGI-5-REFERENCE_SWITCH: the operator's order to follow the reference yard has ended: bragid chooses by itself"},
		{SwitchRefused{Why: "yard is not good: no fix"}, "%BRAGI-4-REFERENCE_REFUSED: the reference is not switched: yard is not good: no fix"},
		{HoldoverForced{On: true}, "%BRAGI-4-HOLDOVER_FORCED: the operator forces holdover: no pulse is used"},
		{HoldoverForced{On: true, Still: true}, "%BRAGI-4-HOLDOVER_FORCED: holdover is still forced: no pulse is used"},
		{HoldoverForced{}, "%BRAGI-5-HOLDOVER_RELEASED: the operator releases holdover: pulses are used again"},
		{HoldoverForced{Lost: true}, "%BRAGI-4-HOLDOVER_RELEASED: forced holdover has ended: the clock begins anew, there is nothing to hold"},
		{HoldoverRefused{Force: true, Why: "why"}, "%BRAGI-4-HOLDOVER_REFUSED: holdover is not forced: why"},
		{HoldoverRefused{Why: "why"}, "%BRAGI-4-HOLDOVER_REFUSED: holdover is not released: why"},
		{ReceiverAccepted{Forgotten: []string{"a", "b"}}, "%BRAGI-4-ACCEPTED: the operator accepts the receiver as right; forgotten: a; b"},
		{ReceiverAccepted{Names: []string{"roof", "yard"}, Forgotten: []string{"a"}}, "%BRAGI-4-ACCEPTED: the operator accepts roof and yard as right; forgotten: a"},
		{AcceptRefused{Name: "yard", Why: "why"}, "%BRAGI-4-ACCEPT_REFUSED: yard is not accepted: why"},
		{AcceptRefused{Why: "why"}, "%BRAGI-4-ACCEPT_REFUSED: the receiver is not accepted: why"},
		{DrillBegun{ID: "20261127T053123Z", By: "schedule", ForS: 14_400}, "%BRAGI-5-DRILL_BEGUN: holdover drill 20261127T053123Z begins, for 4.0 h, by schedule; clients see nothing of it"},
		{DrillEnded{Drill{ID: "20261127T053123Z", Ending: "complete", Verdict: "the error stayed inside the bound", Passed: new(bool)}},
			"%BRAGI-4-DRILL_ENDED: holdover drill 20261127T053123Z is over (complete): the error stayed inside the bound"},
		{StepOrdered{ErrorNs: -1500}, "%BRAGI-4-STEP_ORDERED: the operator steps the clock to the pulse, by 1500 ns: clients see a step"},
		{StepRefused{Why: "why"}, "%BRAGI-4-STEP_REFUSED: the clock is not stepped: why"},
		{Reloaded{}, "%BRAGI-5-RELOAD: reloaded: nothing has changed"},
		{Reloaded{Applied: []string{"a", "b"}, Waiting: []string{"c"}}, "%BRAGI-5-RELOAD: reloaded: applied a b; waiting for a restart c"},
		{ReloadRefused{Why: "why"}, "%BRAGI-4-RELOAD_REFUSED: the configuration is not reloaded, the old one stays: why"},
		{ConfigCommitted{Applied: []string{"master.dscp"}, Within: time.Minute}, "%BRAGI-5-CONFIG_COMMIT: the configuration is committed, and taken back in 1m0s unless somebody confirms it: applied master.dscp"},
		{ConfigCommitted{Waiting: []string{"board.phc"}, Rollback: 2}, "%BRAGI-5-CONFIG_COMMIT: the configuration is rolled back to number 2: waiting for a restart board.phc"},
		{SchedulingDoubted{What: "what"}, "%BRAGI-4-SCHEDULING: what"},
		{ConfigLeft{Keys: []string{"master.dscp", "syslog.targets"}}, "%BRAGI-4-CONFIG_LEFT: a console was cut off before its changes were committed: master.dscp syslog.targets (fix: recover, in configure terminal)"},
		{ConfigConfirmed{}, "%BRAGI-5-CONFIG_CONFIRM: the latest commit of the configuration is confirmed"},
		{ConfigTakenBack{Waiting: []string{"board.phc"}, Restarts: true}, "%BRAGI-4-CONFIG_TAKEN_BACK: nobody confirmed the latest commit in time, the one that was confirmed last runs after a restart: waiting for a restart board.phc"},
		{ConfigTakenBack{Starts: true}, "%BRAGI-4-CONFIG_TAKEN_BACK: nobody confirmed the latest commit in time, bragid starts with the one that was confirmed last"},
		{ConfigRefused{Why: "one\n    two"}, "%BRAGI-4-CONFIG_REFUSED: the configuration is not committed: one     two"},
		{OpinionServer{Server: "ntp", What: "it answers"}, "%BRAGI-5-SECOND_OPINION: second opinion: ntp: it answers"},
		{SurveyOrdered{}, "%BRAGI-5-SURVEY_ORDERED: the operator lets the receiver survey its position anew"},
		{SurveyRefused{Why: "why"}, "%BRAGI-4-SURVEY_REFUSED: the position is not surveyed: why"},
		{SystemClockSet{By: time.Hour}, "%BRAGI-5-SYSTEM_CLOCK: the system clock was set by 1h0m0s, nobody else keeps it"},
		{SystemClockSet{Why: "why"}, "%BRAGI-4-SYSTEM_CLOCK: the system clock cannot be set: why"},
		{LeapFileRead{File: "f", Until: "2029-01-01"}, "%BRAGI-5-LEAP_FILE: the table of leap seconds was replaced and is used: complete until 2029-01-01"},
		{SyncModeChosen{Mode: "two-step", Why: "why", First: true}, "%BRAGI-5-SYNC_MODE: Sync: two-step: why"},
		{SyncModeChosen{Mode: "two-step", Why: "why"}, "%BRAGI-4-SYNC_MODE: Sync: two-step: why"},
		{NoTwins{Why: "why"}, "%BRAGI-4-SYNC_MODE: why"},
		{LinkChanged{Interface: "eth0", Up: true, Changes: 4}, "%BRAGI-4-LINK: link up: eth0, 4 changes since the interface is there"},
		{LinkChanged{Interface: "eth0", Changes: 3}, "%BRAGI-4-LINK: link down: eth0, 3 changes since the interface is there"},
		{InterfaceRenamed{Was: "eth0", Now: "eth1"}, "%BRAGI-4-LINK: the interface eth0 is now named eth1"},
		{LinkUnwatched{Why: "why"}, "%BRAGI-4-LINK: why"},
		{ChangeAsked{By: User{1000, "anna"}, What: "drain"}, "%BRAGI-5-CHANGE: anna (uid 1000) asks for: drain"},
		{ChangeRefused{By: User{UID: 1000}, What: "clock step"}, "%BRAGI-4-CHANGE_REFUSED: uid 1000 may not: clock step"},
		{LinesLost{Target: "udp://a:514", Lines: 7}, "%BRAGI-4-SYSLOG_LOST: lines before this one are lost: 7, because this server was away or slow"},
		{LinesLeftOut{Of: "CLIENT_DENIED", Lines: 7, PerMinute: 60}, "%BRAGI-4-SYSLOG_LIMIT: lines of CLIENT_DENIED were left out: 7, because syslog.rate_limit is 60 a minute"},
		{Missed{Events: 7}, "%BRAGI-4-MISSED: missing here, and kept no more: 7 events"},
		{Missed{LastLife: true}, "%BRAGI-4-MISSED: the daemon was started anew: events before its start are missing here"},
	} {
		told[reflect.TypeOf(c.event).Name()] = true
		if got := c.event.Words().Line(); got != c.want {
			t.Errorf("%q, want %q", got, c.want)
		}
	}
	for _, name := range eventTypes(t) {
		if !told[name] {
			t.Errorf("the words of %s are not tested", name)
		}
	}
}

// An event's name is a MSGID, its fields are names of parameters of RFC 5424, and
// its topic can be asked for.
func TestNamesOfEventsFitIntoALine(t *testing.T) {
	name, field := regexp.MustCompile(`^[A-Z][A-Z_]{0,31}$`), regexp.MustCompile(`^[a-z][a-z0-9_]{0,31}$`)
	for _, e := range []Event{ClockStepped{}, StateChanged{}, ClassChanged{}, ServiceStopped{}, AlarmRaised{}, AlarmCleared{}, ClientChanged{}, ClientGranted{},
		ClientDenied{}, SettingChanged{}, ChangeAsked{}, ChangeRefused{}, Started{}, Stopped{}, Kept{}, ClockResumed{}, GrantsResumed{}, AnnounceLate{}, ClientsUnsaid{}, DrainChanged{}, ReceiverAccepted{}, Reloaded{}, SyncModeChosen{}, LinkChanged{}, Missed{}, DrillBegun{}, DrillEnded{Drill{Passed: new(bool)}}} {
		w := e.Words()
		if !name.MatchString(w.Name) || w.Topic == "" || w.Severity == 0 {
			t.Errorf("%T: %+v", e, w)
		}
		for _, f := range w.Fields {
			if !field.MatchString(f.Name) {
				t.Errorf("%T has a field %q", e, f.Name)
			}
		}
	}
}

// docs/SYSLOG.md names the events that matter most.
func TestTheEventsOfThePageExist(t *testing.T) {
	page, err := os.ReadFile("../../../docs/SYSLOG.md")
	if err != nil {
		t.Fatal(err)
	}
	source := ""
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range files {
		if text, err := os.ReadFile(name); err == nil && !strings.HasSuffix(name, "_test.go") {
			source += string(text)
		}
	}
	_, table, _ := strings.Cut(string(page), "| name | what it tells |")
	table, _, _ = strings.Cut(table, "## ")
	names := regexp.MustCompile(`\b[A-Z]{4,}[A-Z_]*\b`).FindAllString(strings.ReplaceAll(table, "ALARMS.md", ""), -1)
	if len(names) < 20 {
		t.Fatalf("only %v are found", names)
	}
	for _, name := range names {
		if !strings.Contains(source, `"`+name+`"`) {
			t.Errorf("no event is named %s", name)
		}
	}
}

// A record is the same behind JSON, its fields in order.
func TestARecordComesBackFromJSON(t *testing.T) {
	r := Record{ID: "a-1", At: time.Unix(1e9, 0).UTC(), Words: Words{TopicClass, "NAME", Warning, `a "text"`, Fields{{"z", "s"}, {"a", 1.5}, {"m", true}}}}
	b, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	var back Record
	if err := json.Unmarshal(b, &back); err != nil || !reflect.DeepEqual(back, r) {
		t.Errorf("%+v became %+v, %v, by %s", r, back, err, b)
	}
	for _, bad := range []string{`{"fields": [1]}`, `{"fields": 7}`, `{"fields": "x"}`} {
		if err := json.Unmarshal([]byte(bad), &back); err == nil {
			t.Errorf("%s is taken", bad)
		}
	}
}

// eventTypes are the types of this package that are events.
func eventTypes(t *testing.T) (names []string) {
	t.Helper()
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range files {
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range file.Decls {
			if f, isFunc := d.(*ast.FuncDecl); isFunc && f.Name.Name == "Words" && f.Recv != nil {
				names = append(names, f.Recv.List[0].Type.(*ast.Ident).Name)
			}
		}
	}
	if len(names) < 20 {
		t.Fatalf("only %d events are found", len(names))
	}
	return names
}

func TestATextOfAnotherCannotBeginALineOfTheLog(t *testing.T) {
	w := Words{Text: "a\n2026 INFO\x1b[2J\u2028b\x9bc ü"}
	if got := w.OneLine().Text; got != "a?2026 INFO?[2J?b\uFFFDc ü" {
		t.Errorf("%q", got)
	}
}
