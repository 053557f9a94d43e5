package show

import (
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"bragi/cmd/internal/status"
)

func TestALineThatIsTooLongGoesOnUnderItsValue(t *testing.T) {
	const text = `Time error      -35 ns (estimate), inside +-1.42 us
MAJOR     CLOCK_HOLDOVER: the clock runs on its oscillator
          for 1m30s; fix: repair the antenna
`
	const want = `Time error      -35 ns (estimate),
                inside +-1.42 us
MAJOR     CLOCK_HOLDOVER: the clock runs
          on its oscillator
          for 1m30s; fix: repair the
          antenna
`
	if got := Fit(text, 40); got != want {
		t.Errorf("got\n%s", got)
	}
	if got := Fit(text, 0); got != text {
		t.Errorf("without a limit\n%s", got)
	}
}

// Whatever a receiver or a client calls itself, a screen holds printable ASCII in
// lines that fit, and loses no letter of it.
func TestAScreenIsPrintableASCIIThatFits(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.String().Draw(t, "text") + strings.Repeat("x", rapid.IntRange(0, 99).Draw(t, "x"))
		asked := rapid.IntRange(1, 200).Draw(t, "width")
		width := max(asked, Narrowest)
		got := Fit(text, asked)
		for line := range strings.Lines(got) {
			if line = strings.TrimSuffix(line, "\n"); len(line) > width {
				t.Fatalf("%d columns: %q", len(line), line)
			}
			if i := strings.IndexFunc(line, func(r rune) bool { return r < ' ' || r > '~' }); i >= 0 {
				t.Fatalf("not printable: %q", line)
			}
		}
		squeeze := func(s string) string { return strings.Join(strings.Fields(s), "") }
		if squeeze(got) != squeeze(plain(text)) {
			t.Fatalf("%q became %q", text, got)
		}
	})
}

// Every screen fits a terminal of 80 and one of 40 columns, with the numbers of a
// busy day; what matters most stays.
func TestEveryScreenFitsANarrowTerminal(t *testing.T) {
	s := sample()
	s.Master.Identity, s.Master.MaxClients, s.Master.EventPort, s.Master.GeneralPort = "020a18.fffe.ccf2e2-1", 1000, 319, 320
	s.Master.Sent, s.Master.Received = 123_456_789_012, 98_765_432_109
	s.Master.Counters = map[string]uint64{"sync_sent": 5, "delay_req_received": 7}
	s.Clock.State, s.Clock.Time = "PHASE_ALIGNED", "2026-11-27T05:33:19.508506355 TAI"
	s.Hardware.Device = status.Device{Name: "eth0.17", Physical: "eth0", Driver: "fec", MAC: "02:00:00:00:00:01", Carrier: true, SpeedMbs: 1000, TxModes: []string{"on"}}
	for i := range 40 {
		s.GNSS.Satellites = append(s.GNSS.Satellites, status.Sat{Constellation: "GLONASS", ID: 100 + i, CN0: some(55), Used: true})
	}
	for _, width := range []int{80, 40} {
		for name, screen := range map[string]struct{ text, must string }{
			"clock": {Clock(s), "PHASE_ALIGNED"}, "holdover": {Holdover(s), "Oscillator"}, "gnss": {GNSS(s, width), "GLONASS 139"}, "hardware": {Hardware(s), "Sync"},
			"references": {References(s, width), "internal"}, "interfaces": {Interfaces(s), "eth0.17"}, "clients": {Clients(s, width), "-5 (188s left)"},
			"alarms": {Alarms(s), "CLOCK_HOLDOVER"}, "restart": {Restart(s), "Announce gap"}, "walk": {Walk(s), "HOLDOVER"},
			"ptp clock running": {PTPClockRunning(s, width), "15.88.15.88"}, "ptp port": {PTPPort(s), "020a18.fffe.ccf2e2"},
			"network clocks": {NetworkClocks(s, width), "*Internal"}, "view": {View(&s, "", Peer{}, nil), "GRANDMASTER"},
		} {
			text := Fit(screen.text, width)
			for line := range strings.Lines(text) {
				if n := len(strings.TrimSuffix(line, "\n")); n > width {
					t.Errorf("%s at %d: %d columns: %s", name, width, n, line)
				}
			}
			whole := strings.Fields(text)
			for _, word := range strings.Fields(plain(screen.text)) {
				if len(word) <= width-under && !slices.Contains(whole, word) {
					t.Errorf("%s at %d cuts %q:\n%s", name, width, word, text)
				}
			}
			if !strings.Contains(text, screen.must) || strings.Contains(text, "%!") {
				t.Errorf("%s at %d has no %q:\n%s", name, width, screen.must, text)
			}
		}
		// A table drops columns: no row is wrapped.
		for _, table := range []string{PTPClockRunning(s, width), Clients(s, width), NetworkClocks(s, width), GNSS(s, width)} {
			if name := "15.88.15.88"; strings.Contains(table, name) && !strings.Contains(Fit(table, width), name) {
				t.Errorf("at %d a row is wrapped:\n%s", width, table)
			}
		}
		rows := strings.Split(Clients(s, width), "\n")
		if Fit(rows[0]+"\n"+rows[1]+"\n", width) != rows[0]+"\n"+rows[1]+"\n" {
			t.Errorf("the table of clients is wrapped at %d:\n%s", width, Clients(s, width))
		}
	}
	if text := Clients(s, 40); !strings.Contains(text, "(no room for IDENTITY, ") || strings.Contains(text, "020a18") {
		t.Errorf("40 columns:\n%s", text)
	}
}

// A terminal may have any size, and a live view is drawn again at each.
func TestEveryScreenEndsAtEveryWidth(t *testing.T) {
	s := sample()
	for width := range 201 {
		for name, text := range map[string]string{
			"clock": Clock(s), "holdover": Holdover(s), "gnss": GNSS(s, width), "hardware": Hardware(s), "references": References(s, width),
			"interfaces": Interfaces(s), "clients": Clients(s, width), "alarms": Alarms(s), "alarms history": AlarmHistory(make([]status.PastAlarm, 2), time.Time.String, width),
			"restart": Restart(s), "walk": Walk(s), "stability": StabilityPlot(s, "tdev", width), "plot": Plot(nil, time.Unix(0, 0), time.Hour, width),
			"ptp clock running": PTPClockRunning(s, width), "ptp port": PTPPort(s), "network clocks": NetworkClocks(s, width), "view": View(&s, "", Peer{}, nil),
			"drills": DrillList([]status.Drill{{}}, width), "drill": DrillReport(status.DrillReport{}, width),
		} {
			for line := range strings.Lines(Fit(text, width)) {
				if n := len(strings.TrimSuffix(line, "\n")); width > 0 && n > max(width, Narrowest) {
					t.Fatalf("%s at %d: %d columns: %s", name, width, n, line)
				}
			}
		}
	}
}

func TestOneIsNotMany(t *testing.T) {
	if got := Count(1, "client") + ", " + Count(0, "client") + ", " + Count(2, "client"); got != "1 client, 0 clients, 2 clients" {
		t.Error(got)
	}
	s := sample()
	s.Master.Clients = 1
	if text := View(&s, "", Peer{}, nil); !strings.Contains(text, "1 client at") {
		t.Error(text)
	}
}
