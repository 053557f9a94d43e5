package syslog

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"bragi/cmd/internal/status"
)

func classChange() status.Record {
	forecast, within := 4.4*3600, int64(3)
	e := status.ClassChanged{Step: status.Step{State: "HOLDOVER", StateName: "holdover", ClockClass: 7, Why: []string{"no pulse"}}, Before: 6, ForecastS: &forecast, Accuracy: "within 100 ns"}
	return status.Record{At: time.Date(2026, 11, 22, 20, 30, 1, 250e6, time.UTC), TimeQuality: status.TimeQuality{Synced: true, AccuracyUs: &within}, Words: e.Words()}
}

func TestLinesHaveTheFormOfTheirRFC(t *testing.T) {
	r := classChange()
	local := r.At.Local().Format("Jan _2 15:04:05")
	unsynced := r
	unsynced.TimeQuality, unsynced.Fields = status.TimeQuality{}, nil
	unknown := unsynced
	unknown.TimeQuality.Synced = true
	undated := unsynced
	undated.Undated = true
	for _, c := range []struct {
		record   status.Record
		form     Format
		facility int
		want     string
	}{
		{r, RFC5424, 23, `<188>1 2026-11-22T20:30:01.250000Z gm1 bragid 42 CLOCKCLASS [timeQuality tzKnown="1" isSynced="1" syncAccuracy="3"]` +
			`[bragi@32473 class="7" before="6" state="HOLDOVER" accuracy="within 100 ns" why="no pulse" forecast_s="15840"] %BRAGI-4-CLOCKCLASS: 6 -> 7, holdover, forecast 4.4 h`},
		{unsynced, RFC5424, 3, `<28>1 2026-11-22T20:30:01.250000Z gm1 bragid 42 CLOCKCLASS [timeQuality tzKnown="1" isSynced="0"] %BRAGI-4-CLOCKCLASS: 6 -> 7, holdover, forecast 4.4 h`},
		{unknown, RFC5424, 3, `<28>1 2026-11-22T20:30:01.250000Z gm1 bragid 42 CLOCKCLASS [timeQuality tzKnown="1" isSynced="1"] %BRAGI-4-CLOCKCLASS: 6 -> 7, holdover, forecast 4.4 h`},
		{undated, RFC5424, 23, `<188>1 - gm1 bragid 42 CLOCKCLASS [timeQuality tzKnown="1" isSynced="0"] %BRAGI-4-CLOCKCLASS: 6 -> 7, holdover, forecast 4.4 h (the system clock is not set yet)`},
		{r, RFC3164, 23, "<188>" + local + " gm1 bragid[42]: %BRAGI-4-CLOCKCLASS: 6 -> 7, holdover, forecast 4.4 h"},
	} {
		if got := string(appendLine(nil, c.record, c.form, c.facility, from{"gm1", "bragid", 42}, limitUDP)); got != c.want {
			t.Errorf("%s:\n got %s\nwant %s", c.form, got, c.want)
		}
	}
}

// Whatever an event's words are, a line has the grammar of RFC 5424, begins no other
// line, and keeps to its limit.
func TestNothingInAnEventBreaksItsLine(t *testing.T) {
	grammar := regexp.MustCompile(`^<\d{1,3}>1 [0-9T:.Z-]+ \S+ bragid \d+ [A-Z_]+ (\[[a-zA-Z0-9@]+( [a-zA-Z_]+="([^"\\\]]|\\["\\\]])*")*\])+ [^\x00-\x1f\x7f]+$`)
	for _, text := range []string{`a "quoted" ] and \ text`, "two\nlines\r\n<13>Jan  1 00:00:00 host forged: x", "nul\x00 and \x1b[2J", "\xff\xfe", "\u2028", "ünïcödé", `\`, `]`, `"`,
		strings.Repeat("long ", 3000), strings.Repeat("é", 5000), strings.Repeat(`"]\`, 2000)} {
		for form, limits := range map[Format][]int{RFC5424: {limitUDP, limitStream}, RFC3164: {limitUDP, limitStream}} {
			for _, limit := range limits {
				e := status.AlarmRaised{Alarm: status.Alarm{Code: "CODE", Severity: "major", Text: text, Detail: text, Fix: text}}
				line := appendLine(nil, status.Record{At: time.Unix(1e9, 0), Words: e.Words()}, form, 23, from{"gm1", "bragid", 42}, limit)
				switch {
				case len(line) > limit || form == RFC3164 && len(line) > limitRFC3164:
					t.Errorf("%s of %.20q: %d bytes, the limit is %d", form, text, len(line), limit)
				case !utf8.Valid(line):
					t.Errorf("%s of %.20q is no UTF-8: %q", form, text, line[max(0, len(line)-8):])
				case form == RFC5424 && !grammar.Match(line):
					t.Errorf("%s of %.20q: %.300s", form, text, line)
				case strings.ContainsAny(string(line), "\r\n\x00\x1b"):
					t.Errorf("%s of %.20q has control characters", form, text)
				}
			}
		}
	}
}

func TestParseTargetRefusesWhatIsNoServer(t *testing.T) {
	for in, want := range map[string]string{
		"udp://10.1.1.1:1514": "udp://10.1.1.1:1514", "udp://10.1.1.1": "udp://10.1.1.1:514", "udp://[fd00::1]:514": "udp://[fd00::1]:514",
		"tcp://loghost": "tcp://loghost:601", "tls://log.example.net": "tls://log.example.net:6514", "tls://log.example.net:514/": "tls://log.example.net:514",
		"udp://host.example:514": "udp://host.example:514",
	} {
		got, err := ParseTarget(in)
		if err != nil || got.String() != want {
			t.Errorf("ParseTarget(%q) = %v, %v; want %s", in, got, err, want)
		}
	}
	for _, in := range []string{"10.1.1.1:514", "loghost", "relp://10.1.1.1:514", "udp://10.1.1.1:99999", "udp://10.1.1.1:0", "udp://10.1.1:514", "udp://", "tcp://:601", "tls://a b",
		"udp://host/path", "udp://user@host", "udp://host?x=1", "udp://host#x", "udp:host", "udp://-host", "udp://ho\nst", "udp://[fd00::1", ""} {
		if got, err := ParseTarget(in); err == nil {
			t.Errorf("ParseTarget(%q) = %v, want an error", in, got)
		} else if strings.Contains(err.Error(), "\n") || !strings.Contains(err.Error(), "(fix: ") {
			t.Errorf("ParseTarget(%q): %v", in, err)
		}
	}
}

// One event that comes all the time is cut to its rate, told how often, and takes
// nothing from the others.
func TestARateLimitIsByEvent(t *testing.T) {
	now := time.Unix(1e9, 0)
	l := limiter{perMinute: 60}
	denied := status.Record{Words: status.ClientDenied{}.Words()}
	alarm := func(code string) status.Record {
		return status.Record{Words: status.AlarmRaised{Alarm: status.Alarm{Code: code}}.Words()}
	}
	passed := 0
	for n := range 1000 {
		if l.pass(denied, now.Add(time.Duration(n)*time.Millisecond)) {
			passed++
		}
	}
	if passed != 60 {
		t.Errorf("of 1000 lines in a second %d pass", passed)
	}
	for n := range 60 {
		if !l.pass(alarm("A"), now) || !l.pass(alarm("B"), now) {
			t.Errorf("alarm %d is left out", n)
		}
	}
	if l.pass(alarm("A"), now) {
		t.Error("alarm A has no limit")
	}
	got := l.leftOut(now.Add(3 * time.Second))
	if len(got) != 2 || got[0] != (status.LinesLeftOut{Of: "ALARM A", Lines: 1, PerMinute: 60}) || got[1] != (status.LinesLeftOut{Of: "CLIENT_DENIED", Lines: 940, PerMinute: 60}) {
		t.Errorf("told: %+v", got)
	}
	if again := l.leftOut(now.Add(4 * time.Second)); len(again) != 0 {
		t.Errorf("told twice: %+v", again)
	}
	all := limiter{}
	for n := range 1000 {
		if !all.pass(denied, now) {
			t.Fatalf("without a limit line %d is left out", n)
		}
	}
}

func TestAHostIsPrintable(t *testing.T) {
	for name, want := range map[string]string{"gm1": "gm1", "": "-", "a b": "-", "gm\n": "-", "gmé": "-", strings.Repeat("x", 256): "-"} {
		if got := hostOf(name); got != want {
			t.Errorf("host %q becomes %q", name, got)
		}
	}
}

func numbered(n int) status.Record {
	return status.Record{At: time.Now(), Words: status.OpinionServer{Server: fmt.Sprint(n), What: "answers"}.Words()}
}
