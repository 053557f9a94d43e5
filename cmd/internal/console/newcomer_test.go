package console

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"bragi/cmd/internal/status"
)

// A newcomer has the console and `?`, and no page of the documents: from a box without
// a configuration to a clock that is locked; then the antenna is cut, the alarm tells
// its cause and what to do; then a change of the configuration is taken back, because
// nobody confirmed it.
func TestANewcomerFindsTheWayByHelpAlone(t *testing.T) {
	g := newGrandmaster(t)
	// Only the times are short: the walk takes a minute and not an hour.
	g.sets = []string{"holdover.settle=2s", "holdover.learning=5s", "holdover.warm_up=0s", "holdover.wait_to_restore=0s", "holdover.on_acquire=step", "master.free_run_after=2s", "holdover.oscillator=ocxo"}
	asked := filepath.Join(g.folder, "asked")
	fake(t, "systemctl", "echo \"$@\" > "+asked+"\n")
	p := sit(t, Config{Socket: g.socket, File: g.file}, 80, 24)

	// The wizard.
	p.sees("no daemon answers")
	p.sees("This grandmaster is not configured yet.")
	p.sees("Answer some questions now? [yes] ")
	p.types("?")
	p.sees("setup asks for the board, the address, the receiver")
	p.sees("Answer some questions now? [yes] ")
	p.types("\r")
	p.sees("? tells more.")
	p.sees("Board [")
	p.types("?")
	p.sees(`"sim", "beaglebone-black"`)
	p.sees("Board [")
	p.types("beaglebone-blak\r")
	p.sees("% board.profile")
	p.sees("did you mean")
	p.types("sim\r")
	p.sees("Address that clients ask [127.0.0.1]: ")
	p.types("\r")
	p.sees("Receiver [nmea]: ")
	p.types("\r")
	p.sees("Antenna cable [0m]: ")
	p.types("?")
	p.sees("a metre counts as 5 ns")
	p.sees("Antenna cable [0m]: ")
	p.types("20m\r")
	p.sees("PTP domain, the same as at the clients [0]: ")
	p.types("300\r")
	p.sees("% master.domain = 300 must be a whole number from 0 to 127")
	p.types("24\r")
	p.sees("Syslog server [none]: ")
	p.types("127.0.0.1:9\r")
	p.sees("Time zone of this console [UTC]: ")
	p.types("Vienna\r")
	p.sees("% console.time_zone")
	p.types("\x15Europe/Berlin\r")
	p.sees("Set a password for a shell of Linux? [no] ")
	p.types("\r")
	p.sees(`+antenna_delay = "100ns"`)
	p.sees("Write it? [yes] ")
	p.types("\r")
	p.sees("Written: " + g.file)
	p.sees("bragid was restarted")
	if words, err := os.ReadFile(asked); err != nil || string(words) != "restart bragid.service\n" {
		t.Fatalf("systemctl %q, %v", words, err)
	}
	g.start()

	// The state.
	p.sees("bragi#")
	p.types("?")
	p.sees("show ")
	p.sees("bragi#")
	p.types("show ?")
	p.sees("clock ")
	p.sees("The clock: state, class, error, bound, and why")
	g.until("class 7 may be claimed", func(s status.Status) bool { return s.Clock.ClockClass == 6 && s.Holdover.Learned })
	p.types("clock\r")
	p.sees("PHASE_ALIGNED (locked)")
	p.sees("6 (locked to a primary reference)")

	// The antenna is cut.
	p.types("sim ?")
	p.sees("antenna ")
	p.sees("bragi#sim ")
	p.types("antenna ?")
	p.sees("cut ")
	p.sees("bragi#sim antenna ")
	p.types("cut\r")
	p.sees("antenna cut")
	g.until("holdover", func(s status.Status) bool { return s.Clock.State == "HOLDOVER" && len(s.Alarms) > 1 })
	p.types("show alarms\r")
	p.sees("GNSS_NO_FIX: the receiver has no fix")
	p.sees("fix: check the antenna")
	p.sees("bragi#")
	p.types("show clock | include class\r")
	p.sees("7 (holdover within spec)")

	// A change that nobody confirms.
	before := g.text()
	p.types("configure ?")
	p.sees("terminal ")
	p.sees("bragi#configure ")
	p.types("terminal\r")
	p.sees("bragi(config)#")
	p.types("?")
	p.sees("What clients get, and who may be a client.")
	p.sees("bragi(config)#")
	p.types("master ?")
	p.sees("domain ")
	p.types("q")
	p.sees("bragi(config)#master ")
	p.types("domain ?")
	p.sees("0 to 127")
	p.sees("bragi(config)#master domain ")
	p.types("\x15master priority2 50\r")
	p.sees("bragi(config)#")
	p.types("commit ?")
	p.sees("confirmed ")
	p.sees("bragi(config)#commit ")
	p.types("confirmed ?")
	p.sees("a time such as 90s or 5m")
	p.sees("bragi(config)#commit confirmed ")
	p.types("15s\r")
	p.sees("It is taken back in ")
	if !strings.Contains(g.text(), "priority2 = 50") {
		t.Errorf("the commit is not in the file:\n%s", g.text())
	}
	p.sees("%BRAGI-4-CONFIG_TAKEN_BACK: nobody confirmed") // above the prompt, without asking
	g.until("taken back", func(s status.Status) bool { return s.Config.Unconfirmed == nil })
	if g.text() != before {
		t.Errorf("after the commit was taken back:\n%s", g.text())
	}
	p.types("do show log | include config\r")
	p.sees("CONFIG_TAKEN_BACK")
	p.types("end\rexit\r")
	if err := p.ends(); err != nil {
		t.Error(err)
	}
}
