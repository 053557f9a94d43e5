package operator

import (
	"encoding/json"
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
		var last map[string]map[string]int
		if err := json.Unmarshal([]byte(lines[c.lines]), &last); err != nil {
			t.Fatal(err)
		}
		s := last["summary"]
		if s["bytes"] != len(stream) || s["frames"] != 3 || s["epochs"] != 2 || s["bad_checksums"] != 1 ||
			s["garbage_bytes"] != len("# a comment\r\n")+len("$GNRMC,120002.00,A,4807.038,N,01131.000,E,,,010326,,,A*00\r\n") {
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
