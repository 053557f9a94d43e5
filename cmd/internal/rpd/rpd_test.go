package rpd

import (
	"fmt"
	"os"
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
	report, err := Decode(text)
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
	for width := 30; width <= 80; width++ {
		var cut strings.Builder
		for line := range strings.Lines(text) {
			line = strings.TrimSuffix(line, "\n")
			for len(line) > width {
				cut.WriteString(line[:width] + "\n")
				line = line[width:]
			}
			cut.WriteString(line + "\n")
		}
		if diff := cmp.Diff(plain, decode(t, cut.String())); diff != "" {
			t.Fatalf("width %d:\n%s\n%s", width, diff, cut.String())
		}
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
		if got := s.trueLost(s.Messages[0]); wraps > 0 && (got == nil || *got != lost) {
			t.Fatalf("printed %d: got %v, want %d", printed, got, lost)
		}
	})
}

func TestALossThatFitsNoNumberOfWrapsIsNotInvented(t *testing.T) {
	s := &Statistics{}
	for _, printed := range []int64{-1, 1 << 32, 1<<32 - 200*wrap} {
		if got := s.trueLost(Counter{Message: "SYNC", Received: 100, LostPrinted: printed}); got != nil {
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
		if _, err := Decode(text); err == nil {
			t.Errorf("%.20q: no error", text)
		}
	}
	if _, err := Decode(strings.Repeat("x", MaxBytes+1)); err == nil || err == ErrNoScreen {
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
		if report, err := Decode(text); err == nil && report == nil {
			t.Fatal("neither a report nor an error")
		} else if report != nil {
			_ = fmt.Sprint(report)
		}
	})
}

func TestTheReportForPeopleFitsATerminal(t *testing.T) {
	text := decode(t, sample(t)).Text()
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
