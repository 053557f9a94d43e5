package operator

import (
	"strings"
	"testing"

	"bragi/cmd/internal/terminal"
	"bragi/master/rehearsal"
)

// What rehearse says at the end fits a terminal of 40 columns, and each row of its table
// stays in one line. At 80 columns a finding is not broken earlier than it must be.
func TestTheReportsOfARehearsalFitTheirTerminal(t *testing.T) {
	finding := rehearsal.Finding{Code: "CANCELLED", Severity: "error", Text: strings.Repeat("The master took back 3 grants. ", 5), Action: strings.Repeat("Look in its log. ", 6)}
	moved := int64(-10_000_002_640)
	one := rehearsal.Report{As: "cbr8", State: "PHASE_ALIGNED", RunS: 2100, InStateS: 1990, Verdict: "fail", Findings: []rehearsal.Finding{finding},
		Counts: map[string]uint64{"announce": 1}, Master: rehearsal.Master{Identity: "0acf37.07b5.70dbec", Class: 248, Accuracy: "0xfe", TimeSource: "0xa0", UTCOffset: 37},
		Grants:   map[string]rehearsal.GrantReport{"announce": {Granted: true, Interval: -3, Denials: 12345}, "sync": {Granted: true, Interval: -7}, "delay_resp": {}},
		Rates:    map[string]float64{"announce": 8, "sync": 128.1, "delay_resp": 1023.9},
		Lost:     map[string]uint64{"sync": 99999},
		Masters:  []rehearsal.Candidate{{Master: rehearsal.Master{Address: "100.200.100.200", Identity: "0acf37.07b5.70dbec", Class: 6, Accuracy: "0x21", Priority1: 128, Priority2: 128}, Selected: true}},
		Switches: []rehearsal.SwitchReport{{From: "100.200.100.200", To: "100.200.100.201", Why: "no Announce", MovedNs: &moved}},
		Network:  &rehearsal.Network{Seconds: 900, MTIENs: 1234, FloorPercent: 12.5}, Offset: rehearsal.Spread{N: 1024, Median: -562, P1: -33477, P99: 29856}}
	crowd := crowdReport{CrowdReport: rehearsal.CrowdReport{As: "rpd", Clients: 1000, Verdict: "fail", Findings: one.Findings,
		Worst: &rehearsal.CrowdWorst{Address: "100.200.100.200", DelayReqs: 12}}}
	fault := rehearsal.FaultReport{As: "rpd", Fault: "duplicate-identity", Verdict: "fail", Findings: one.Findings, Master: one.Master}
	for _, width := range []int{40, 80} {
		o := &options{face: Face{Size: func() terminal.Size { return terminal.Size{Columns: width, Rows: 24} }}}
		for name, draw := range map[string]func(int) string{
			"one client":   func(w int) string { return summary(one, w) },
			"many clients": func(w int) string { return crowdSummary(crowd, w) },
			"a fault":      func(w int) string { return faultSummary(fault, w) },
		} {
			var text strings.Builder
			if err := o.write(&text, draw); err != nil {
				t.Fatal(err)
			}
			said, longest := 0, 0
			for line := range strings.Lines(text.String()) {
				if len(strings.TrimSuffix(line, "\n")) > width {
					t.Errorf("%s, %d columns: %q", name, width, line)
				}
				if strings.Contains(line, "took back") {
					said, longest = said+1, max(longest, len(line))
				}
			}
			if said == 0 || longest < width-15 {
				t.Errorf("%s, %d columns: the finding is broken too early:\n%s", name, width, text.String())
			}
			for _, row := range []string{"announce", "sync", "delay_resp"} {
				line := text.String()
				line = line[strings.Index(line, "\n"+row+" ")+1:]
				if fields := strings.Fields(line[:strings.IndexByte(line, '\n')]); name == "one client" && len(fields) != 5 {
					t.Errorf("%d columns: the row %v is broken", width, fields)
				}
			}
		}
	}
}
