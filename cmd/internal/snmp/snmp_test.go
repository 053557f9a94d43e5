package snmp

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"bragi/cmd/internal/status"
)

func ptr[T any](v T) *T { return &v }

// grandmaster is a Status with two clients and an alarm.
func grandmaster() status.Status {
	s := status.Status{Version: "v1", Profile: "imx8mp", UptimeS: 12.5}
	s.Clock = status.Clock{State: "PHASE_ALIGNED", StateName: "locked", Serving: true, ClockClass: 6, ClockAccuracy: "0x21", Variance: "0x4e5d", TimeSource: "0x20",
		PTPTimescale: true, TimeTraceable: true, UTCOffset: 37, UTCOffsetValid: true, Leap61: true, TimeErrorNs: ptr(-12.6), BoundNs: ptr(61.2), ForecastS: ptr(15840.0)}
	s.Master = status.Master{Interface: "lo", Domain: 24, Identity: "001122.fffe.334455-1", Clients: 2, MaxClients: 1000, Sent: 1 << 40, Received: 9,
		Priority1: ptr(uint8(100)), Priority2: ptr(uint8(101)), PTPProfile: "default"}
	s.Hardware.SyncMode = status.SyncTwoStep
	s.Clients = []status.Client{
		{Address: "10.0.0.9", Identity: "b-1", Sent: 5, Received: 6},
		{Address: "10.0.0.10", Identity: "a-1", Sent: 7, Received: 8, Unanswered: map[string]uint64{"no receive time stamp": 2, "x": 1}},
	}
	s.Alarms = []status.Alarm{{Code: "ANTENNA_FAULT", Severity: "major", Text: "the antenna", Cause: "a cable", Consequence: "holdover", Detail: "", Fix: "- check it\n", Since: time.Date(2026, 11, 27, 1, 2, 3, 4e8, time.UTC)}}
	return s
}

// told is a tree as a walk would show it.
func told(s status.Status) map[string]string {
	var t tree
	t.ptp(&s, &numbers{})
	t.ours(&s, true)
	list := map[string]string{}
	for _, v := range t {
		list[v.oid.String()] = v.kind + " " + v.text
	}
	return list
}

// The columns of RFC 8173, by their OIDs.
func TestPTPBaseHasTheRFCsColumns(t *testing.T) {
	got := told(grandmaster())
	const base = ".1.3.6.1.2.1.241.1."
	want := map[string]string{
		// ptpbaseSystemTable, ptpbaseSystemDomainTable, ptpbaseSystemProfile
		"1.1.1.3.24.0": "gauge 1", "1.2.1.2.1": "gauge 1", "1.3.0": "integer 1",
		// ptpbaseClockCurrentDSTable
		"2.1.1.4.24.1.0": "gauge 0", "2.1.1.5.24.1.0": "octet 00 00 00 00 00 00 00 00", "2.1.1.6.24.1.0": "octet 00 00 00 00 00 00 00 00",
		// ptpbaseClockParentDSTable
		"2.2.1.4.24.1.0": "octet 00 11 22 ff fe 33 44 55 00 00", "2.2.1.5.24.1.0": "integer 2", "2.2.1.7.24.1.0": "integer 2147483647",
		"2.2.1.8.24.1.0": "octet 00 11 22 ff fe 33 44 55", "2.2.1.9.24.1.0": "gauge 100", "2.2.1.10.24.1.0": "gauge 101",
		"2.2.1.11.24.1.0": "integer 6", "2.2.1.12.24.1.0": "integer 33", "2.2.1.13.24.1.0": "gauge 20061",
		// ptpbaseClockDefaultDSTable
		"2.3.1.4.24.1.0": "integer 1", "2.3.1.5.24.1.0": "octet 00 11 22 ff fe 33 44 55", "2.3.1.6.24.1.0": "gauge 100", "2.3.1.7.24.1.0": "gauge 101",
		"2.3.1.8.24.1.0": "integer 2", "2.3.1.9.24.1.0": "integer 6", "2.3.1.10.24.1.0": "integer 33", "2.3.1.11.24.1.0": "integer 20061",
		// ptpbaseClockRunningTable
		"2.4.1.4.24.1.0": "integer 5", "2.4.1.5.24.1.0": "counter64 1099511627776", "2.4.1.6.24.1.0": "counter64 9",
		// ptpbaseClockTimePropertiesDSTable
		"2.5.1.4.24.1.0": "integer 1", "2.5.1.5.24.1.0": "integer 37", "2.5.1.6.24.1.0": "integer 2", "2.5.1.7.24.1.0": "integer 1", "2.5.1.8.24.1.0": "integer 1",
		"2.5.1.9.24.1.0": "integer 2", "2.5.1.10.24.1.0": "integer 1", "2.5.1.11.24.1.0": "integer 32",
		// ptpbaseClockPortTable
		"2.7.1.5.24.1.0.1": "string lo", "2.7.1.6.24.1.0.1": "integer 1", "2.7.1.7.24.1.0.1": "integer 1", "2.7.1.10.24.1.0.1": "gauge 2",
		// ptpbaseClockPortDSTable
		"2.8.1.5.24.1.0.1": "string lo", "2.8.1.6.24.1.0.1": "octet 00 11 22 ff fe 33 44 55 00 01", "2.8.1.12.24.1.0.1": "integer 1", "2.8.1.15.24.1.0.1": "gauge 2",
		// ptpbaseClockPortRunningTable
		"2.9.1.5.24.1.0.1": "string lo", "2.9.1.6.24.1.0.1": "integer 6", "2.9.1.7.24.1.0.1": "integer 1", "2.9.1.8.24.1.0.1": "integer 1", "2.9.1.9.24.1.0.1": "objectid .1.3.6.1.2.1.241.1.2.12.1",
		"2.9.1.11.24.1.0.1": "integer 1", "2.9.1.12.24.1.0.1": "integer 1", "2.9.1.13.24.1.0.1": "counter64 9", "2.9.1.14.24.1.0.1": "counter64 1099511627776",
		// ptpbaseClockPortAssociateTable
		"2.11.1.6.24.1.0.1.1": "objectid .1.3.6.1.2.1.241.1.2.12.1", "2.11.1.7.24.1.0.1.1": "string 10.0.0.9", "2.11.1.8.24.1.0.1.1": "counter64 5", "2.11.1.9.24.1.0.1.1": "counter64 6",
		"2.11.1.10.24.1.0.1.1": "counter64 0",
		"2.11.1.6.24.1.0.1.2":  "objectid .1.3.6.1.2.1.241.1.2.12.1", "2.11.1.7.24.1.0.1.2": "string 10.0.0.10", "2.11.1.8.24.1.0.1.2": "counter64 7", "2.11.1.9.24.1.0.1.2": "counter64 8",
		"2.11.1.10.24.1.0.1.2": "counter64 3",
	}
	seen := map[string]string{}
	for oid, v := range got {
		if rest, found := strings.CutPrefix(oid, base); found {
			seen[rest] = v
		}
	}
	if diff := cmp.Diff(want, seen); diff != "" {
		t.Error(diff)
	}
}

func TestBragiMIBTellsClockAndAlarms(t *testing.T) {
	got := told(grandmaster())
	row := ""
	for _, c := range "ANTENNA_FAULT" {
		row += fmt.Sprintf(".%d", c)
	}
	want := map[string]string{
		"1.1.0": "integer 1", "1.2.0": "string v1", "1.3.0": "string imx8mp", "1.4.0": "timeticks 1250",
		"2.1.0": "string locked", "2.2.0": "integer 1", "2.3.0": "gauge 6", "2.4.0": "integer -13", "2.5.0": "gauge 62", "2.6.0": "gauge 15840",
		"3.1.0": "gauge 2", "3.2.0": "gauge 1000", "4.1.0": "gauge 1", "4.2.0": "integer 4",
		"4.3.1.2" + row: "string ANTENNA_FAULT", "4.3.1.3" + row: "integer 4", "4.3.1.4" + row: "string the antenna", "4.3.1.5" + row: "octet ",
		"4.3.1.6" + row: "octet 2d 20 63 68 65 63 6b 20 69 74 0a", "4.3.1.7" + row: "octet 07 ea 0b 1b 01 02 03 04 2b 00 00",
		"4.3.1.8" + row: "string a cable", "4.3.1.9" + row: "string holdover",
	}
	seen := map[string]string{}
	for oid, v := range got {
		if rest, found := strings.CutPrefix(oid, bragiMIB.String()+".1."); found {
			seen[rest] = v
		}
	}
	if diff := cmp.Diff(want, seen); diff != "" {
		t.Error(diff)
	}
}

// What is not known is absent, and a clock that has not begun to serve has no data
// sets.
func TestWhatIsNotKnownIsAbsent(t *testing.T) {
	s := grandmaster()
	s.Clock.TimeErrorNs, s.Clock.BoundNs, s.Clock.ForecastS, s.Master.Priority1 = ptr(3e9), nil, nil, nil
	got := told(s)
	for _, oid := range []string{bragiClock.String() + ".4.0", bragiClock.String() + ".5.0", bragiClock.String() + ".6.0", defaultDS.String() + ".6.24.1.0"} {
		if v, there := got[oid]; there {
			t.Errorf("%s is %s", oid, v)
		}
	}
	s.Master.Identity = ""
	for oid := range told(s) {
		if strings.HasPrefix(oid, ptpBase.String()+".") {
			t.Errorf("%s is told of a clock that serves nothing yet", oid)
		}
	}
}

// ask speaks pass_persist with a Pass and returns its lines.
func ask(p *Pass, lines ...string) []string {
	var out strings.Builder
	if err := p.Serve(strings.NewReader(strings.Join(lines, "\n")+"\n"), &out); err != nil {
		return []string{err.Error()}
	}
	return strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n")
}

func TestPassAnswersSnmpd(t *testing.T) {
	now := time.Unix(1e9, 0)
	p := NewPass(func() (status.Status, error) { return grandmaster(), nil }, func() time.Time { return now })
	class, long := bragiClock.String()+".3.0", strings.Repeat("x", 200_000)
	for _, c := range []struct {
		ask, want []string
	}{
		{[]string{"PING"}, []string{"PONG"}},
		{[]string{"get", class}, []string{class, "gauge", "6"}},
		{[]string{"get", bragiClock.String() + ".3"}, []string{"NONE"}},
		{[]string{"getnext", bragiClock.String() + ".3"}, []string{class, "gauge", "6"}},
		{[]string{"getnext", bragiClock.String() + ".2.0"}, []string{class, "gauge", "6"}},
		{[]string{"getnext", bragiMIB.String() + ".2"}, []string{"NONE"}},
		{[]string{"getnext", ".1.3.6.1.2.1.241.1.2.4.1.4.24"}, []string{".1.3.6.1.2.1.241.1.2.4.1.4.24.1.0", "integer", "5"}},
		{[]string{"get", "nonsense"}, []string{"NONE"}},
		{[]string{"get", ".1.3.6.1.4294967296"}, []string{"NONE"}},
		{[]string{"get", strings.Repeat(".1", 200)}, []string{"NONE"}},
		{[]string{"set", class, "gauge 7", "PING"}, []string{"not-writable", "PONG"}},
		{[]string{"what", "PING"}, []string{"NONE", "PONG"}},
		{[]string{"get"}, []string{"NONE"}},
		{[]string{long, "PING"}, []string{"NONE", "PONG"}},
		{[]string{"get", long, "PING"}, []string{"NONE", "PONG"}},
		{[]string{"getnext", ".1" + strings.Repeat(".1", 100_000), "PING"}, []string{"NONE", "PONG"}},
		{[]string{"set", class, "string " + long, "PING"}, []string{"not-writable", "PONG"}},
		{[]string{strings.Repeat(" ", 200_000), "PING"}, []string{"NONE", "PONG"}},
		{[]string{"PING", long}, []string{"PONG", "NONE"}},
	} {
		if got := ask(p, c.ask...); !slices.Equal(got, c.want) {
			t.Errorf("%q: %q, want %q", c.ask, got, c.want)
		}
	}
}

// A walk from one OID to the next meets every object once, in order.
func TestAWalkMeetsEveryObject(t *testing.T) {
	p := NewPass(func() (status.Status, error) { return grandmaster(), nil }, time.Now)
	want := len(p.tree())
	var walked []OID
	for at := mustOID("1.3"); ; {
		v, more := p.tree().next(at)
		if !more {
			break
		}
		if slices.Compare(v.oid, at) <= 0 {
			t.Fatalf("%v comes behind %v", v.oid, at)
		}
		walked, at = append(walked, v.oid), v.oid
	}
	if len(walked) != want {
		t.Errorf("%d objects of %d", len(walked), want)
	}
}

// One Status answers for some seconds; a daemon that is gone takes everything with it
// but the word that it is gone.
func TestAStatusAnswersForSomeSeconds(t *testing.T) {
	now, asked := time.Unix(1e9, 0), 0
	var err error
	p := NewPass(func() (status.Status, error) { asked++; return grandmaster(), err }, func() time.Time { return now })
	class, answers := bragiClock.String()+".3.0", bragiSystem.String()+".1.0"
	ask(p, "get", class, "get", class)
	if asked != 1 {
		t.Errorf("asked %d times for two questions", asked)
	}
	now, err = now.Add(freshFor), errors.New("gone")
	if got := ask(p, "get", class, "get", answers, "getnext", ".1.3"); !slices.Equal(got, []string{"NONE", answers, "integer", "2", answers, "integer", "2"}) {
		t.Errorf("without a daemon: %q", got)
	}
	now, err = now.Add(-time.Hour), nil
	if got := ask(p, "get", answers); !slices.Equal(got, []string{answers, "integer", "1"}) || asked != 3 {
		t.Errorf("when it is back, and the clock went back an hour: %q, asked %d times", got, asked)
	}
}

// A Status that is late is awaited in the background. Until it is there the last one
// answers, as long as it is young enough, and a walk does not wait for each object.
func TestALateStatusIsAnsweredByTheLastOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		takes, asked, class := time.Duration(0), 0, byte(6)
		var err error
		p := NewPass(func() (status.Status, error) {
			asked++
			s, failed := grandmaster(), err
			s.Clock.ClockClass = class
			time.Sleep(takes)
			return s, failed
		}, time.Now)
		get := func(want string, most time.Duration) {
			t.Helper()
			began := time.Now()
			got := ask(p, "get", bragiClock.String()+".3.0")
			if got[len(got)-1] != want || time.Since(began) > most {
				t.Errorf("%q after %v, want %s within %v", got, time.Since(began), want, most)
			}
		}
		get("6", 0)
		takes, class = 4*time.Second, 7
		for range 6 { // spaced questions, each Status late
			time.Sleep(20 * time.Second)
			before := asked
			get(fmt.Sprint(class-1), patience)
			for range 100 {
				get(fmt.Sprint(class-1), 0)
			}
			time.Sleep(2100 * time.Millisecond)
			get(fmt.Sprint(class), 0)
			if asked != before+1 {
				t.Errorf("asked %d times", asked-before)
			}
			class++
		}
		class--
		takes = 10 * time.Second
		err = errors.New("has not answered within 10s")
		time.Sleep(freshFor)
		for range 2 { // one that is hung
			get(fmt.Sprint(class), patience)
			time.Sleep(freshFor + 3*time.Second)
		}
		time.Sleep(keptFor)
		get("NONE", patience)
		takes, err = 0, nil
		time.Sleep(keptFor)
		get("NONE", patience) // the old question has failed
		time.Sleep(freshFor)
		get(fmt.Sprint(class), 0)
		time.Sleep(freshFor)
		err = errors.New("no daemon answers")
		get("NONE", 0) // one that is gone is told at once
	})
}

// A client keeps its row while others come and go.
func TestAClientKeepsItsNumber(t *testing.T) {
	var n numbers
	client := func(address string) status.Client { return status.Client{Address: address, Identity: "x"} }
	a, b, c, d := client("10.0.0.2"), client("10.0.0.10"), client("10.0.0.11"), client("10.0.0.1")
	steps := []struct {
		clients []status.Client
		want    []uint32
	}{
		{[]status.Client{b, a}, []uint32{2, 1}},
		{[]status.Client{b, c, a}, []uint32{2, 3, 1}},
		{[]status.Client{b, c}, []uint32{2, 3}},
		{[]status.Client{d, b, c}, []uint32{1, 2, 3}},
		{[]status.Client{a, d, b, c}, []uint32{4, 1, 2, 3}},
		{nil, nil},
		{[]status.Client{c}, []uint32{1}},
	}
	for i, step := range steps {
		n.assign(step.clients)
		var got []uint32
		for j := range step.clients {
			number, _ := n.of(&step.clients[j])
			got = append(got, number)
		}
		if !slices.Equal(got, step.want) {
			t.Errorf("step %d: %v, want %v", i, got, step.want)
		}
	}
}

func alarm(code string) status.Alarm {
	return status.Alarm{Code: code, Severity: "major", Text: "text"}
}

func record(name, code string) status.Record {
	severity := "major"
	if name == "ALARM_CLEARED" {
		severity = "cleared"
	}
	return status.Record{ID: "x", Words: status.Words{Topic: status.TopicAlarm, Name: name, Text: "the text",
		Fields: status.Fields{{Name: "code", Value: code}, {Name: "severity", Value: severity}, {Name: "fix", Value: "look"}}}}
}

// Each alarm is told once when it comes and once when it goes, whatever is heard
// twice.
func TestAnAlarmIsToldOnce(t *testing.T) {
	s := standing{}
	var got []string
	tell := func(list []notification) {
		for _, n := range list {
			got = append(got, fmt.Sprint(n.kind, n.alarm.Code, n.alarm.Severity))
		}
	}
	tell(s.sync([]status.Alarm{alarm("A"), alarm("B")}))
	tell(s.hear(record("ALARM", "A")))         // known
	tell(s.hear(record("ALARM_CLEARED", "C"))) // never told
	tell(s.hear(record("ALARM", "C")))
	tell(s.hear(record("ALARM_CLEARED", "A")))
	tell(s.hear(record("ALARM_CLEARED", "A")))
	tell(s.sync([]status.Alarm{alarm("C"), alarm("D")}))
	if want := []string{"1Amajor", "1Bmajor", "1Cmajor", "2Acleared", "2Bcleared", "1Dmajor"}; !slices.Equal(got, want) {
		t.Errorf("told %q, want %q", got, want)
	}
	if n := (standing{}).hear(record("ALARM", "ANTENNA_FAULT")); n[0].alarm.Text == "the text" || n[0].alarm.Fix != "look" {
		t.Errorf("%+v", n)
	}
}

// daemonInTurns answers while it is up.
type daemonInTurns struct {
	up     bool
	alarms []status.Alarm
	events chan status.Record
	down   chan struct{}
}

func (d *daemonInTurns) Get(_ context.Context, _ string, into any) error {
	if !d.up {
		return errors.New("no daemon answers")
	}
	into.(*status.Status).Alarms = d.alarms
	return nil
}

func (d *daemonInTurns) Log(context.Context, ...status.Topic) ([]status.Record, error) {
	if !d.up {
		return nil, errors.New("no daemon answers")
	}
	return nil, nil
}

func (d *daemonInTurns) Events(ctx context.Context, _ string, _ []status.Topic, hear func(status.Record) error) error {
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-d.down:
			return errors.New("gone")
		case r := <-d.events:
			if err := hear(r); err != nil {
				return err
			}
		}
	}
}

// Alarms are told in order, through an snmpd that is away for a while; a daemon that
// is away for longer than a restart is told, and that it is back.
func TestTrapsOverADayWithTroubles(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &daemonInTurns{up: true, alarms: []status.Alarm{alarm("A")}, events: make(chan status.Record), down: make(chan struct{})}
		var got, said []string
		refuses := true
		traps := newTraps(d, func(text string) { said = append(said, text) }, func(_ context.Context, n notification) error {
			if refuses {
				return errors.New("snmpd is away")
			}
			got = append(got, strings.TrimSpace(fmt.Sprint(n.kind, " ", n.alarm.Code)))
			return nil
		})
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() { traps.Run(ctx); close(ended) }()
		d.events <- record("ALARM", "B")
		time.Sleep(time.Minute)
		refuses = false
		time.Sleep(time.Minute)
		restart := func(away time.Duration) {
			d.up = false
			d.down <- struct{}{}
			time.Sleep(away)
			d.up = true
			time.Sleep(5 * time.Second)
		}
		restart(3 * time.Second) // no word of it
		d.alarms = nil
		restart(time.Minute)
		d.events <- record("ALARM", "C")
		d.events <- status.Record{Words: status.Words{Topic: status.TopicMissed}} // C went meanwhile
		time.Sleep(5 * time.Second)
		stop()
		<-ended
		want := []string{"1 A", "1 B", "2 B", "3", "4", "2 A", "1 C", "2 C"}
		if !slices.Equal(got, want) {
			t.Errorf("told %q, want %q", got, want)
		}
		if want := []string{"snmpd is away", "no daemon answers", "bragid answers again"}; !slices.Equal(said, want) {
			t.Errorf("said %q, want %q", said, want)
		}
	})
}

// The module is one that both parsers take without a word, and its numbers are those
// that are served.
func TestTheModuleIsWhatIsServed(t *testing.T) {
	configs, err := filepath.Abs("../../../configs/snmp")
	if err != nil {
		t.Fatal(err)
	}
	base, err := filepath.Abs("testdata")
	if err != nil {
		t.Fatal(err)
	}
	run := func(env []string, name string, args ...string) string {
		t.Helper()
		if _, err := exec.LookPath(name); err != nil {
			t.Skipf("SKIPPED: %s is not installed (fix: make setup as root)", name)
		}
		c := exec.Command(name, args...)
		c.Env = append(c.Environ(), env...)
		out, err := c.CombinedOutput()
		if err != nil {
			t.Errorf("%s: %v: %s", name, err, out)
		}
		return strings.TrimSpace(string(out))
	}
	t.Setenv("SNMP_PERSISTENT_DIR", t.TempDir())
	run(nil, "snmptranslate", "-m", "", "-On", ".1.3") // the first program on a machine tells that it makes this folder's folders
	for name, oid := range map[string]OID{
		"bragiAlarmRaised": bragiNotifications.add(notifyRaised), "bragiAlarmCleared": bragiNotifications.add(notifyCleared),
		"bragiSilent": bragiNotifications.add(notifySilent), "bragiAnswersAgain": bragiNotifications.add(notifyAnswers),
		"bragiAlarmCode": bragiAlarmEntry.add(alarmCode), "bragiAlarmSeverity": bragiAlarmEntry.add(alarmSeverity), "bragiAlarmText": bragiAlarmEntry.add(alarmText),
		"bragiAlarmDetail": bragiAlarmEntry.add(alarmDetail), "bragiAlarmFix": bragiAlarmEntry.add(alarmFix), "bragiAlarmSince": bragiAlarmEntry.add(alarmSince),
		"bragiAlarmCause": bragiAlarmEntry.add(alarmCause), "bragiAlarmEffect": bragiAlarmEntry.add(alarmEffect),
		"bragiAnswers": bragiSystem.add(1), "bragiVersion": bragiSystem.add(2), "bragiBoard": bragiSystem.add(3), "bragiUptime": bragiSystem.add(4),
		"bragiClockState": bragiClock.add(1), "bragiClockServing": bragiClock.add(2), "bragiClockClass": bragiClock.add(3), "bragiTimeError": bragiClock.add(4),
		"bragiTimeErrorBound": bragiClock.add(5), "bragiForecast": bragiClock.add(6), "bragiClients": bragiService.add(1), "bragiClientsLimit": bragiService.add(2),
		"bragiAlarmCount": bragiAlarms.add(1), "bragiAlarmWorst": bragiAlarms.add(2),
	} {
		if got := run(nil, "snmptranslate", "-M", base+":"+configs, "-m", "BRAGI-MIB", "-On", "BRAGI-MIB::"+name); got != oid.String() {
			t.Errorf("%s is %s in the module, %v is served", name, got, oid)
		}
	}
	if said := run([]string{"SMIPATH=" + base + ":" + configs}, "smilint", "-s", "-l", "6", filepath.Join(configs, "BRAGI-MIB.txt")); said != "" {
		t.Errorf("smilint says:\n%s", said)
	}
}
