package operator

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"bragi/gnss/timescale"
	"bragi/gnss/ubx"
)

// One line an epoch, the untrusted ones only with --all, and a summary that
// accounts for every byte.
func TestReplayPrintsALineAnEpoch(t *testing.T) {
	stream := "# a comment\r\n" +
		"$GNRMC,120000.00,V,,,,,,,010326,,,N*66\r\n" +
		"$GNRMC,120001.00,A,4807.038,N,01131.000,E,,,010326,,,A*46\r\n" +
		"$GNRMC,120002.00,A,4807.038,N,01131.000,E,,,010326,,,A*00\r\n" +
		string(ubx.AppendMessage(nil, ubx.MonVER, make([]byte, 40)))
	floor := timescale.UTCFromNs(946_684_800e9) // 2000-01-01
	for _, c := range []struct {
		all   bool
		lines int
	}{{false, 1}, {true, 2}} {
		var out strings.Builder
		if err := replayGNSS(strings.NewReader(stream), &out, floor, c.all, true); err != nil {
			t.Fatal(err)
		}
		lines := strings.Split(strings.TrimSpace(out.String()), "\n")
		if len(lines) != c.lines+1 {
			t.Fatalf("all %v: %d lines:\n%s", c.all, len(lines), out.String())
		}
		var epoch map[string]any
		if err := json.Unmarshal([]byte(lines[c.lines-1]), &epoch); err != nil {
			t.Fatal(err)
		}
		if epoch["utc"] != "2026-03-01T12:00:01.000Z" || epoch["trusted"] != true || epoch["scale"] != "utc" || epoch["leap_s"] != nil {
			t.Errorf("all %v: %v", c.all, epoch)
		}
		for _, key := range []string{"fix", "sats_used", "tacc_ns", "qerr_ps", "antenna", "why"} {
			if _, found := epoch[key]; !found {
				t.Errorf("no %q in %v", key, epoch)
			}
		}
		var last map[string]replaySummary
		if err := json.Unmarshal([]byte(lines[c.lines]), &last); err != nil {
			t.Fatal(err)
		}
		s := last["summary"]
		if s.Bytes != uint64(len(stream)) || s.Frames != 3 || s.Epochs != 2 || s.BadChecksums != 1 ||
			s.GarbageBytes != uint64(len("# a comment\r\n")+len("$GNRMC,120002.00,A,4807.038,N,01131.000,E,,,010326,,,A*00\r\n")) {
			t.Errorf("summary %v of %d bytes", s, len(stream))
		}
	}
}

// The table has the reasons in words and dashes for what is not known.
func TestTheReplayTableHasReasonsInWords(t *testing.T) {
	var out strings.Builder
	if err := replayGNSS(strings.NewReader("$GNRMC,120000.00,V,,,,,,,010326,,,N*66\r\n"), &out, timescale.UTCFromNs(946_684_800e9), true, false); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"2026-03-01T12:00:00.000Z", " -  ", "no: no fix", "1 epoch of which 0 may set a clock"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in\n%s", want, out.String())
		}
	}
}

// rmcAt is a second of a day as RMC names it.
func rmcAt(second int) string {
	body := fmt.Sprintf("GNRMC,%02d%02d%02d.00,A,4807.038,N,01131.000,E,,,010326,,,A", second/3600, second/60%60, second%60)
	sum := byte(0)
	for i := range len(body) {
		sum ^= body[i]
	}
	return fmt.Sprintf("$%s*%02X\r\n", body, sum)
}

// A recording is judged as the daemon judges its receiver: time that runs backwards or
// leaps is no time, and messages that come too seldom label no pulse. What is seen is
// in the last lines, a slow pace that is enough too.
func TestAReplayJudgesTimeAsTheDaemonDoes(t *testing.T) {
	for _, c := range []struct {
		name        string
		second      func(i int) int
		least, most int // epochs that may set a clock, of 60
		every       int
		says        string
	}{
		{"a second each second", func(i int) int { return 40_000 + i }, 59, 60, 1, ""},
		{"backwards", func(i int) int { return 40_000 - i }, 0, 5, 0, "does not run on: it went on by -1s"},
		{"two clocks in turn", func(i int) int { return 40_000 + i + 5*(i%2) }, 0, 12, -1, "does not run on"},
		{"each fifth second", func(i int) int { return 40_000 + 5*i }, 59, 60, 5, "an epoch comes each 5 s"},
		{"each tenth second", func(i int) int { return 40_000 + 10*i }, 0, 3, 0, "messages come too seldom: 10s apart"},
	} {
		stream := ""
		for i := range 60 {
			stream += rmcAt(c.second(i))
		}
		for _, asJSON := range []bool{true, false} {
			var out strings.Builder
			if err := replayGNSS(strings.NewReader(stream), &out, timescale.UTCFromNs(946_684_800e9), false, asJSON); err != nil {
				t.Fatal(err)
			}
			lines := strings.Split(strings.TrimSpace(out.String()), "\n")
			last := lines[len(lines)-1]
			if !asJSON {
				if c.says != "" && !strings.Contains(last, c.says) {
					t.Errorf("%s: the last line is %q", c.name, last)
				}
				continue
			}
			var s map[string]replaySummary
			if err := json.Unmarshal([]byte(last), &s); err != nil {
				t.Fatal(err)
			}
			sum := s["summary"]
			if n := len(lines) - 1; n < c.least || n > c.most || int(sum.Trusted) != n || c.every >= 0 && int(sum.EveryS) != c.every {
				t.Errorf("%s: %d epochs may set a clock: %+v", c.name, n, sum)
			}
		}
	}
}
