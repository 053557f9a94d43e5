package console

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"bragi/cmd/internal/cli"
	"bragi/cmd/internal/config"
	"bragi/cmd/internal/control"
	"bragi/cmd/internal/daemon"
	"bragi/cmd/internal/operator"
	"bragi/cmd/internal/status"
)

// The test's own program is bragid, too, and bragi, when it is asked to be.
func TestMain(m *testing.M) {
	if shadow := os.Getenv("BRAGI_TEST_SHADOW"); shadow != "" {
		shadowFile = shadow
	}
	switch os.Getenv("BRAGI_TEST_PLAYS") {
	case "bragid":
		os.Exit(cli.Main(daemon.Command()))
	case "bragi":
		os.Exit(cli.Main(operator.Command(operator.Shell(), Command())))
	}
	os.Exit(m.Run())
}

// grandmaster is a bragid on the board of software, on loopback.
type grandmaster struct {
	t      *testing.T
	file   string // its configuration
	folder string
	socket string
	ports  [2]int
	sets   []string // of its command line
	cmd    *exec.Cmd
	said   bytes.Buffer
}

// newGrandmaster makes one that does not run yet.
func newGrandmaster(t *testing.T) *grandmaster {
	t.Helper()
	g := &grandmaster{t: t, folder: t.TempDir()}
	g.file, g.socket = filepath.Join(g.folder, "bragi.toml"), filepath.Join(g.folder, "control.sock")
	for i := range g.ports {
		free, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
		if err != nil {
			t.Fatal(err)
		}
		g.ports[i] = free.LocalAddr().(*net.UDPAddr).Port
		free.Close()
	}
	t.Cleanup(g.stop)
	return g
}

// start starts it, as systemd would.
func (g *grandmaster) start() {
	g.t.Helper()
	self, err := os.Executable()
	if err != nil {
		g.t.Fatal(err)
	}
	args := []string{"--config", g.file}
	for _, set := range append(g.sets, "control.run_dir="+g.folder, "master.address=127.0.0.1",
		fmt.Sprintf("master.event_port=%d", g.ports[0]), fmt.Sprintf("master.general_port=%d", g.ports[1])) {
		args = append(args, "--set", set)
	}
	g.cmd = exec.Command(self, args...)
	g.cmd.Env = append(os.Environ(), "BRAGI_TEST_PLAYS=bragid")
	g.cmd.Stdout, g.cmd.Stderr = &g.said, &g.said
	g.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := g.cmd.Start(); err != nil {
		g.t.Fatal(err)
	}
	g.until("it answers", func(status.Status) bool { return true })
}

func (g *grandmaster) stop() {
	if g.cmd != nil {
		g.cmd.Process.Signal(syscall.SIGTERM) //nolint:errcheck // it may have ended
		g.cmd.Wait()                          //nolint:errcheck // likewise
		g.cmd = nil
	}
}

// until waits for a status.
func (g *grandmaster) until(what string, holds func(status.Status) bool) {
	g.t.Helper()
	client := control.NewClient(g.socket)
	for end := time.Now().Add(90 * time.Second); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		var s status.Status
		ctx, cancel := context.WithTimeout(g.t.Context(), time.Second)
		err := client.Get(ctx, "/v1/status", &s)
		cancel()
		if err == nil && holds(s) {
			return
		}
	}
	g.t.Fatalf("not in time: %s; bragid said:\n%s", what, g.said.String())
}

// example takes the example of the board of software as the configuration.
func (g *grandmaster) example() {
	g.t.Helper()
	text, err := os.ReadFile("../../../configs/sim.toml")
	if err == nil {
		err = os.WriteFile(g.file, text, 0o644)
	}
	if err != nil {
		g.t.Fatal(err)
	}
}

func (g *grandmaster) text() string {
	g.t.Helper()
	text, err := os.ReadFile(g.file)
	if err != nil {
		g.t.Fatal(err)
	}
	return string(text)
}

// A value is checked when it is typed; a commit writes and applies; comments stay; a
// rollback goes back; what was not committed is not lost without a word.
func TestAConfigurationIsChangedWordByWord(t *testing.T) {
	g := newGrandmaster(t)
	g.example()
	g.start()
	before := g.text()
	p := sit(t, Config{Socket: g.socket}, 80, 24)
	p.sees("bragi#")
	p.types("conf t\r")
	p.sees("bragi(config)#")
	p.types("master domain 200\r")
	p.sees("% master.domain = 200 must be a whole number from 0 to 127 (fix: ")
	p.sees("bragi(config)#")
	p.types("master sync_mode ?")
	p.sees(`"auto", "one-step", "two-step"`)
	p.sees("changes at a restart")
	p.sees("two-step")
	p.sees("bragi(config)#master sync_mode ")
	p.types("\x03")
	p.sees("bragi(config)#")
	p.types("master\r")
	p.sees("bragi(config-master)#")
	p.types("priority2 7\rdscp 46\rmax_clients 17\rallow 127.0.0.0/8 192.0.2.0/24\rexit\r")
	p.sees("bragi(config)#")
	if g.text() != before {
		t.Error("the file changed before the commit")
	}
	p.types("do terminal length 0\rshow diff\r")
	p.sees(`+allow = ["127.0.0.0/8", "192.0.2.0/24"]`) // where the table has it
	p.sees("+dscp = 46")
	p.sees("Changes at once: master.priority2, master.allow, master.dscp.")
	p.sees("Waits for a restart: master.max_clients.")
	p.sees("bragi(config)#")
	p.types("commit\r")
	p.sees("Committed.")
	p.sees("Waits for `do restart`: master.max_clients.")
	p.sees("bragi(config)#")
	if now := g.text(); !strings.Contains(now, "\ndscp = 46\n") || !strings.Contains(now, "# The start of the random numbers.") {
		t.Errorf("the file:\n%s", now)
	}
	p.types("no master dscp\rshow diff\r")
	p.sees("-dscp = 46")
	p.sees("bragi(config)#")
	p.types("end\r")
	p.sees("Commit them? [yes/no/cancel]")
	p.types("perhaps\r")
	p.sees("% say yes or no or cancel")
	p.types("c\r")
	p.sees("bragi(config)#")
	p.types("discard\rshow diff\r")
	p.sees("No changes.")
	p.types("rollback 1\r")
	p.sees("Committed.")
	p.sees("bragi(config)#")
	if g.text() != before {
		t.Errorf("after the rollback:\n%s", g.text())
	}
	p.types("show previous\r")
	p.sees("  2  until ")
	p.types("do show clock | include class\r")
	p.sees("Clock class")
	p.types("end\r")
	p.sees("\nbragi#")
	p.types("exit\r")
	if err := p.ends(); err != nil {
		t.Error(err)
	}
}

// Of two consoles that commit, the second is told, loses nothing of what it typed, and
// commits it in the new text.
func TestTheSecondOfTwoConsolesIsTold(t *testing.T) {
	g := newGrandmaster(t)
	g.example()
	g.start()
	one, two := sit(t, Config{Socket: g.socket}, 80, 24), sit(t, Config{Socket: g.socket}, 80, 24)
	for _, p := range []*person{one, two} {
		p.sees("bragi#")
		p.types("configure terminal\r")
		p.sees("bragi(config)#")
	}
	one.types("master priority1 7\rcommit\r")
	one.sees("Committed.")
	two.types("master priority2 9\rcommit\r")
	two.sees("% somebody else has changed the configuration since you read it; nothing is")
	two.sees("`refresh` takes the new text")
	two.sees("bragi(config)#")
	two.types("refresh\rcommit\r")
	two.sees("Committed.")
	if now := g.text(); !strings.Contains(now, "\npriority1 = 7\n") || !strings.Contains(now, "\npriority2 = 9\n") {
		t.Errorf("the file:\n%s", now)
	}
}

// What somebody has typed is not lost without a word: a rollback, another's commit that
// is taken back, and a warning.
func TestWhatWasTypedIsNotLostWithoutAWord(t *testing.T) {
	g := newGrandmaster(t)
	g.example()
	g.start()
	p := sit(t, Config{Socket: g.socket}, 80, 24)
	p.sees("bragi#")
	p.types("configure terminal\rmaster squelch 52\rcommit\r")
	p.sees("Warning:") // a long path stands in the next row
	p.sees("free_run_after")
	p.sees("bragi(config)#")
	p.types("master priority1 45\rrollback 1\r")
	p.sees("% your changes are not committed, and a rollback would lose them")
	p.types("show diff\r")
	p.sees("+priority1 = 45")
	p.sees("bragi(config)#")

	// Another commits the same, and takes it back.
	client := control.NewClient(g.socket)
	before, err := client.Config(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	same, err := config.Set([]byte(before.Text), "master.priority1", "45")
	if err != nil {
		t.Fatal(err)
	}
	done, err := client.CommitConfig(t.Context(), control.Commit{Text: string(same), Base: before.Hash})
	if err != nil {
		t.Fatal(err)
	}
	p.types("show diff\r")
	p.sees("% somebody else has changed the configuration since you read it")
	p.types("refresh\rshow diff\r")
	p.sees("No changes.")
	if _, err := client.RollbackConfig(t.Context(), control.Rollback{Number: 1, Base: done.Hash}); err != nil {
		t.Fatal(err)
	}
	for _, ask := range []string{"show diff\r", "commit\r"} {
		p.types(ask)
		p.sees("% somebody else has changed the configuration since you read it")
		p.sees("`refresh`")
		p.sees("bragi(config)#")
	}
	p.types("refresh\rcommit\r")
	p.sees("Committed.")
	if now := g.text(); !strings.Contains(now, "\npriority1 = 45\n") {
		t.Errorf("the file:\n%s", now)
	}
}

// Of two sessions that were cut off with other values for one key, the later one's is
// taken, and both are told.
func TestTwoValuesThatWereLeftAreTold(t *testing.T) {
	g := newGrandmaster(t)
	g.example()
	g.start()
	for _, value := range []string{"31", "32"} {
		p := sit(t, Config{Socket: g.socket}, 80, 24)
		p.sees("bragi#")
		p.types("configure terminal\rmaster priority1 " + value + "\r")
		p.sees("bragi(config)#")
		p.sees("bragi(config)#")
		p.tty.Close()
		if err := p.ends(); err != nil {
			t.Fatal(err)
		}
	}
	p := sit(t, Config{Socket: g.socket}, 80, 24)
	p.sees("bragi#")
	p.types("configure terminal\rrecover\r")
	p.sees("% master.priority1 was left with two values, 31 and then 32")
	p.sees("+priority1 = 32")
}

// What the console asks of the daemon, a daemon answers: history, plot, and counters and
// alarms that are cleared.
func TestTheDaemonAnswersTheConsole(t *testing.T) {
	g := newGrandmaster(t)
	g.example()
	g.sets = []string{"sim.antenna=cut"}
	g.start()
	g.until("an alarm by the antenna", func(s status.Status) bool { return len(s.Alarms) > 0 })
	p := sit(t, Config{Socket: g.socket}, 80, 24)
	for _, c := range [][2]string{
		{"show alarms history", "it stands"}, {"clear alarms", "The history has "}, {"clear counters", "until now."},
		{"show ptp port | include cleared", "Counters cleared: "}, {"show clock plot 1h", "Error * and bound . of the last 1h"},
		{"show clock plot 48h", "% --plot 48h0m0s: use at most 24h"},
		{"show clock plot 0s", "% --plot 0s: use at least 1m, for example 1h"}, {"show clock plot -1h", "% --plot -1h0m0s: use at least 1m"}, {"show tech-support | count ^-+ show", "lines"},
		{"show log | include START", "%BRAGI-5-START"}, {"show log | include START", "address 127.0.0.1"}, // a line, of more than a row {"show config | include profile", `profile = "sim"`}, {"show version", "bragid "},
	} {
		p.sees("bragi#")
		p.types(c[0] + "\r")
		p.sees(c[1])
	}
	p.sees("bragi#")
}
