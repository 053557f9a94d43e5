package rpd

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"bragi/cmd/internal/fold"
)

func sample(t testing.TB) string {
	t.Helper()
	text, err := os.ReadFile("testdata/primer.txt")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func decode(t testing.TB, text string) *Report {
	t.Helper()
	report, err := Decode(t.Context(), text)
	if err != nil {
		t.Fatal(err)
	}
	return report
}

func TestTheTrueLossesOfTheFieldScreenAre1And1107And1(t *testing.T) {
	report := decode(t, sample(t))
	for message, want := range map[string]int64{"SYNC": 1, "ANNOUNCE": 1, "DELAY RESPONSE": 1107, "SIGNALING": 0} {
		if c := report.row(message); c == nil || c.Lost == nil || *c.Lost != want {
			t.Errorf("%s: %+v, want %d lost", message, c, want)
		}
	}
}

func TestTheStoryIsInOrderAndTellsTheOutage(t *testing.T) {
	report := decode(t, sample(t))
	var told []string
	for i, e := range report.Story {
		if i > 0 && e.UptimeS < report.Story[i-1].UptimeS {
			t.Errorf("%q comes before %q", e.Text, report.Story[i-1].Text)
		}
		told = append(told, clockTime(e.UptimeS)+" "+e.Text)
	}
	story := strings.Join(told, "\n")
	for _, want := range []string{
		"0-00:06:15.160 the master's packets arrive (stream 0)",
		"0-00:06:24.766 PHASE_LOCK",
		"0-00:14:07.272 the master's packets are lost",
		"0-00:14:15.945 holdover, as far as can be inferred",
		"0-00:14:45.560 the master's packets are back",
		"0-00:14:54.347 PHASE_LOCK",
		"0-00:05:46.080 the RPD stepped its time by 406874666 ns",
	} {
		if !strings.Contains(story, want) {
			t.Errorf("the story lacks %q:\n%s", want, story)
		}
	}
	want := findings(report, "MASTER_LOST")
	if len(want) != 1 || !strings.Contains(want[0].Text, "38.288 s") {
		t.Errorf("MASTER_LOST: %+v", want)
	}
}

func findings(r *Report, code string) (list []Finding) {
	for _, f := range r.Findings {
		if f.Code == code {
			list = append(list, f)
		}
	}
	return list
}

func TestANegativePathDelayIsAWarningAndTheOffsetIsExplained(t *testing.T) {
	report := decode(t, sample(t))
	for code, severity := range map[string]string{"NEGATIVE_PATH_DELAY": "warning", "OFFSET_EXPLAINED": "note", "LARGE_OFFSET": "warning", "LOCKED_SINCE": "note"} {
		if f := findings(report, code); len(f) != 1 || f[0].Severity != severity {
			t.Errorf("%s: %+v, want one %s", code, f, severity)
		}
	}
	for _, code := range []string{"GARBLED", "TOTAL_DIFFERS", "LOST_UNKNOWN", "NOT_LOCKED"} {
		if f := findings(report, code); f != nil {
			t.Errorf("%+v", f)
		}
	}
}

func TestTheConfigScreenIsRead(t *testing.T) {
	n := func(v int64) *int64 { return &v }
	want := &Config{Domain: n(0), Mode: "OC_SLAVE", Profile: "001b19000100-000000 E2E", LocalAddress: "10.6.17.9", Masters: []string{"15.88.15.88"},
		UnicastDurationS: n(300), SyncInterval: n(-5), AnnounceInterval: n(-3), AnnounceTimeout: n(11), DelayReqInterval: n(-4), DSCP: n(47), COS: n(6)}
	if diff := cmp.Diff(want, decode(t, sample(t)).Config); diff != "" {
		t.Error(diff)
	}
}

// What a terminal does to a screen changes nothing of what is read.
func TestWhatATerminalAddsIsTakenOff(t *testing.T) {
	plain := decode(t, sample(t))
	for name, change := range map[string]func(string) string{
		"carriage returns": func(s string) string { return strings.ReplaceAll(s, "\n", "\r\n") },
		"colours":          func(s string) string { return strings.ReplaceAll(s, "\n", "\x1b[0m\n\x1b[32;1m") },
		"a pager": func(s string) string {
			return strings.Replace(s, "ClockState 5", "--More--\b\b\b\b\b\b\b\b        \b\b\b\b\b\b\b\bClockState 5", 1)
		},
		"a byte-order mark and trailing junk": func(s string) string {
			return "\ufeff" + s + "\nR-PHY#\nR-PHY#exit\nConnection to 10.6.17.9 closed.\n"
		},
		"indented lines": func(s string) string { return "   " + strings.ReplaceAll(s, "\n", "  \n\t  ") },
		"pasted twice":   func(s string) string { return s + s },
	} {
		if diff := cmp.Diff(plain, decode(t, change(sample(t)))); diff != "" {
			t.Errorf("%s:\n%s", name, diff)
		}
	}
}

// The lines of the histories and of the table may be cut at any column.
func TestAScreenCutAtAnyWidthReadsTheSame(t *testing.T) {
	_, text, _ := strings.Cut(sample(t), "R-PHY#show ptp clock 0 statistics\n")
	text, _, _ = strings.Cut(text, "\nR-PHY#")
	plain := decode(t, text)
	for width := 16; width <= 80; width++ {
		cut := folded(text, width)
		if diff := cmp.Diff(plain, decode(t, cut)); diff != "" {
			t.Fatalf("width %d:\n%s\n%s", width, diff, cut)
		}
	}
}

// folded is the text as a terminal of this width shows it.
func folded(text string, width int) string {
	var cut strings.Builder
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		for len(line) > width {
			cut.WriteString(line[:width] + "\n")
			line = line[width:]
		}
		cut.WriteString(line + "\n")
	}
	return cut.String()
}

// A value that a narrow terminal cut is told, and never taken for a whole one.
func TestAValueThatIsCutIsNeverTakenForWhole(t *testing.T) {
	plain := decode(t, sample(t))
	for width := 10; width <= 40; width++ {
		for name, text := range map[string]string{"whole": folded(sample(t), width), "trimmed": trimmed(folded(sample(t), width))} {
			report := decode(t, text)
			for what, got := range values(report) {
				if want := values(plain)[what]; got != want {
					t.Errorf("width %d, %s: %s is read as %s, want %s or nothing", width, name, what, got, want)
				}
			}
			if len(values(report)) < len(values(plain)) && len(findings(report, "GARBLED")) == 0 {
				t.Errorf("width %d, %s: %d of %d values are read, and nothing tells of the rest", width, name, len(values(report)), len(values(plain)))
			}
		}
	}
}

// trimmed is the text as it is pasted by a terminal that drops spaces at the ends of lines.
func trimmed(text string) string {
	lines := strings.Split(text, "\n")
	for i := range lines {
		lines[i] = strings.TrimRight(lines[i], " ")
	}
	return strings.Join(lines, "\n")
}

// values are the values of all screens, by name.
func values(r *Report) map[string]string {
	all := map[string]string{}
	put := func(name string, v any) {
		switch v := v.(type) {
		case *int64:
			if v != nil {
				all[name] = fmt.Sprint(*v)
			}
		case string:
			if v != "" {
				all[name] = v
			}
		}
	}
	if s := r.State; s != nil {
		put("apr state", s.Apr)
		put("clock state", s.Clock)
		put("current tod", s.TOD)
		put("active stream", s.Active)
		for _, m := range s.Streams {
			put("master", m.Master)
			put("stream state", m.State)
			put("master offset", m.MasterOffset)
			put("path delay", m.PathDelay)
			put("forward delay", m.ForwardDelay)
			put("reverse delay", m.ReverseDelay)
			put("freq offset", m.FreqOffset)
			put("1Hz offset", m.FreqOffset1Hz)
		}
	}
	if c := r.Config; c != nil {
		put("domain", c.Domain)
		put("mode", c.Mode)
		put("profile", c.Profile)
		put("local address", c.LocalAddress)
		put("masters", strings.Join(c.Masters, " "))
		put("duration", c.UnicastDurationS)
		put("sync interval", c.SyncInterval)
		put("announce interval", c.AnnounceInterval)
		put("timeout", c.AnnounceTimeout)
		put("delay-req", c.DelayReqInterval)
		put("dscp", c.DSCP)
		put("cos", c.COS)
	}
	if s := r.Statistics; s != nil {
		for _, c := range s.Messages {
			put(c.Message, fmt.Sprint(c.Stream, c.Received, c.Processed, c.LostPrinted, c.Sent))
		}
		for _, h := range s.Histories {
			if len(h.Entries) > 0 {
				put(h.Name, fmt.Sprint(h.Entries))
			}
		}
	}
	return all
}

// What stands in front of each line, the same or a time, is taken off; else an error tells of it.
func TestWhatStandsInFrontOfEachLineIsTakenOffOrTold(t *testing.T) {
	plain := decode(t, sample(t))
	before := func(format string) string {
		var b strings.Builder
		for line := range strings.Lines(sample(t)) {
			b.WriteString(strings.ReplaceAll(format, "SS", fmt.Sprintf("%02d", b.Len()%60)) + line)
		}
		return b.String()
	}
	for _, format := range []string{"> ", ">> ", "> > ", "| ", "  ", "rpd7: ", "10:00:SS ", "[10:00:SS.123] ", "[2026-11-27 10:00:SS.123] ", "2026-11-27T10:00:SSZ ", "2026-11-27 10:00:SS,123 | ",
		"Nov 27 10:00:SS.120: ", "[Thu Nov 27 10:00:SS.123 2026] ", "11:00:SS PM ", "> [10:00:SS] ", "2026-11-27T10:00:SS.123456+01:00 "} {
		if diff := cmp.Diff(plain, decode(t, before(format))); diff != "" {
			t.Errorf("%q:\n%s", format, diff)
		}
	}
	for _, format := range []string{"(SS) ", "#SS\t"} {
		if _, err := Decode(t.Context(), before(format)); err == nil || !strings.Contains(err.Error(), "in front of") {
			t.Errorf("%q: %v", format, err)
		}
	}
}

func TestAValueThatCannotBeReadIsTold(t *testing.T) {
	for was, is := range map[string]string{
		"Path delay : -78442":         "Path delay : 9223372036854775808",
		"Reverse delay : -81353":      "Reverse delay : n/a",
		"Freq offset : -86206":        "Freq offset : -86206x",
		"Forward delay : -72432":      "Forward delay :",
		"master ip : 15.88.15.88":     "master ip : 15.88.15",
		"active stream : 0":           "active stream : zero",
		"Unicast Duration :300 ":      "Unicast Duration :99999999999999999999 ",
		"Domain/Mode : 0/":            "Domain/Mode : 99999999999999999999/",
		"==stream 0 :":                "==stream 99999999999999999999 :",
		"AprState 6 :":                "AprState 99999999999999999999 :",
		"427@0-02:05:11.705":          "427@9999999-02:05:11.705",
		"0 SYNC 246417":               "0 SYNC 99999999999999999999",
		"Port local Address :10.6.17": "Port local Address :10.6.x",
	} {
		if !strings.Contains(sample(t), was) {
			t.Fatalf("the screen has no %q", was)
		}
		if report := decode(t, strings.Replace(sample(t), was, is, 1)); len(findings(report, "GARBLED")) == 0 {
			t.Errorf("%q: nothing tells of it: %+v", is, report.Findings)
		}
	}
}

// Twice the text takes twice the memory, not four times.
func TestTheWorkGrowsAsTheTextDoes(t *testing.T) {
	for name, text := range large {
		taken := func(n int) float64 {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			if _, err := Decode(t.Context(), text(n)); err != nil {
				t.Fatal(name, err)
			}
			runtime.ReadMemStats(&after)
			return float64(after.TotalAlloc - before.TotalAlloc)
		}
		if once, twice := taken(4000), taken(8000); twice > 2.7*once {
			t.Errorf("%s: 4000 lines take %.0f octets, 8000 lines %.0f", name, once, twice)
		}
	}
}

var large = map[string]func(int) string{
	"entries":       func(n int) string { return "AprState 6 :\n" + strings.Repeat("2@0-00:14:54.347\n", n) },
	"cut entries":   func(n int) string { return "AprState 6 :\n" + strings.Repeat("2@0-00:14:5\n4.347\n", n/2) },
	"one long word": func(n int) string { return "AprState 6 :\n" + strings.Repeat("2222222222222\n", n) },
	"rows": func(n int) string {
		return "streamId msgType rx rxProcessed lost tx\n" + strings.Repeat("0 DELAY RESPONSE 1 1 0 0\n", n)
	},
	"unreadable values": func(n int) string {
		return "apr state : A\n==stream 0 :\n" + strings.Repeat("Path delay : x\nport id : 0\n", n/2)
	},
	"streams and masters": func(n int) string {
		var b strings.Builder
		b.WriteString("apr state : A\n")
		for i := range n / 4 {
			fmt.Fprintf(&b, "==stream %d :\nmaster ip : 10.9.%d.%d\n", i, i>>8, i&255)
		}
		b.WriteString("Domain/Mode : 0/OC\n")
		for i := range n / 2 {
			fmt.Fprintf(&b, "==Stream 0 : Port 1 Master IP: 10.0.%d.%d\n", i>>8, i&255)
		}
		return b.String()
	},
}

func BenchmarkDecode(b *testing.B) {
	for name, text := range large {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				_, _ = Decode(b.Context(), text(20_000))
			}
		})
	}
}

func TestAContextThatIsDoneEndsTheReading(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Decode(ctx, sample(t)); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}

// A counter that falls by 65536 at each wrap is undone for any true loss that is
// smaller than a wrap.
func TestALossIsFoundForAnyCountAndAnyStart(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		start := rapid.Int64Range(0, 65535).Draw(t, "start")
		lost := rapid.Int64Range(0, 65535).Draw(t, "lost")
		received := rapid.Int64Range(0, 1<<30).Draw(t, "received")
		wraps := (start + received + lost) / wrap
		printed := int64(uint32(lost - wraps*wrap))
		s := &Statistics{Messages: []Counter{{Message: "SYNC", Received: received, LostPrinted: printed}}}
		if got := trueLost(s.Messages[0], nil); wraps > 0 && (got == nil || *got != lost) {
			t.Fatalf("printed %d: got %v, want %d", printed, got, lost)
		}
	})
}

func TestALossThatFitsNoNumberOfWrapsIsNotInvented(t *testing.T) {
	for _, printed := range []int64{-1, 1 << 32, 1<<32 - 200*wrap} {
		if got := trueLost(Counter{Message: "SYNC", Received: 100, LostPrinted: printed}, nil); got != nil {
			t.Errorf("%d printed of 100 received: %d", printed, *got)
		}
	}
}

func TestGarbledRowsAreNamedAndNeverRead(t *testing.T) {
	text := strings.Replace(sample(t), "0 SYNC 246417 246417 4294770689 0", "0 SYNC 246417 24x417 4294770689 0", 1)
	report := decode(t, text)
	if report.row("SYNC") != nil || len(findings(report, "GARBLED")) == 0 && len(findings(report, "TOTAL_DIFFERS")) == 0 {
		t.Errorf("%+v", report.Findings)
	}
}

func TestATextWithoutAScreenIsAnError(t *testing.T) {
	for _, text := range []string{"", "hello", strings.Repeat("AAAA\n", 1000), "\x00\xff\xfe", "R-PHY#show version\nVersion 1"} {
		if _, err := Decode(t.Context(), text); err == nil {
			t.Errorf("%.20q: no error", text)
		}
	}
	if _, err := Decode(t.Context(), strings.Repeat("x", MaxBytes+1)); err == nil || err == ErrNoScreen {
		t.Error("a text above the limit was read")
	}
}

func TestARPDWithoutAMasterIsAnError(t *testing.T) {
	report := decode(t, "AprState 2 :\n3@0-00:14:15.945 2@0-00:06:24.766\nBstPktStrm 2 :\n4294967295@0-00:14:07.272 0@0-00:06:15.160\n")
	for _, code := range []string{"NO_MASTER", "NOT_LOCKED"} {
		if f := findings(report, code); len(f) != 1 || f[0].Severity != "error" {
			t.Errorf("%s: %+v in %+v", code, f, report.Findings)
		}
	}
}

func FuzzDecode(f *testing.F) {
	f.Add(sample(f))
	f.Fuzz(func(t *testing.T, text string) {
		if report, err := Decode(t.Context(), text); err == nil && report == nil {
			t.Fatal("neither a report nor an error")
		} else if report != nil {
			_ = fmt.Sprint(report)
		}
	})
}

func TestTheReportForPeopleFitsATerminal(t *testing.T) {
	text := decode(t, sample(t)).Text(0)
	for line := range strings.Lines(text) {
		if len(strings.TrimSuffix(line, "\n")) > fold.Columns {
			t.Errorf("%d columns: %s", len(line), line)
		}
	}
	want, err := os.ReadFile("testdata/primer.golden")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), text); diff != "" {
		t.Error(diff)
	}
}

// A history whose entries were pasted in another order is the same story: nothing lasts
// for less than no time.
func TestTheOrderOfAHistorysEntriesDoesNotChangeTheStory(t *testing.T) {
	want := decode(t, "AprState 3 :\n2@0-00:58:37.543 3@0-00:14:15.945 2@0-00:06:24.766\n").Story
	for _, entries := range []string{"2@0-00:06:24.766 3@0-00:14:15.945 2@0-00:58:37.543", "3@0-00:14:15.945 2@0-00:58:37.543 2@0-00:06:24.766"} {
		got := decode(t, "AprState 3 :\n"+entries+"\n").Story
		if len(got) != len(want) {
			t.Fatalf("%s: %+v, want %+v", entries, got, want)
		}
		for i, e := range got {
			if e.Text != want[i].Text || e.LastedS != nil && *e.LastedS < 0 || (e.LastedS == nil) != (want[i].LastedS == nil) {
				t.Errorf("%s: %+v, want %+v", entries, e, want[i])
			}
		}
	}
}
