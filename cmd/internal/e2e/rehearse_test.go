package e2e

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/netip"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"bragi/board/kernelclock"
	"bragi/gnss/timescale"
	"bragi/holdover/quality"
	"bragi/master"
	"bragi/master/rehearsal"
	"bragi/master/udp"
	"bragi/master/udp/netns"
)

// rehearsing is a `bragi rehearse` that runs.
type rehearsing struct {
	*process
	b *hosts
}

// rehearse starts one from an address of its own.
func (b *hosts) rehearse(master, source string, args ...string) *rehearsing {
	b.t.Helper()
	return &rehearsing{b.start(b.client, nil, append([]string{filepath.Join(binaries, "bragi"), "rehearse", "--json", "--master", master, "--source", source + "/32"}, args...)...), b}
}

// json waits for the end, and reads what was printed into each of values.
func (r *rehearsing) json(values ...any) (text string) {
	r.b.t.Helper()
	<-r.done
	text = strings.Join(r.tail(10_000), "\n")
	text = text[:strings.LastIndexByte(text, '}')+1] // behind it stands the error's line
	for _, value := range values {
		if err := json.Unmarshal([]byte(text), value); err != nil {
			r.b.t.Fatalf("%v: %s", err, text)
		}
	}
	return text
}

// report waits for the end.
func (r *rehearsing) report() rehearsal.Report {
	r.b.t.Helper()
	var report rehearsal.Report
	var tree map[string]any
	text := r.json(&report, &tree)
	for _, f := range report.Findings {
		if f.Code == "" || f.Severity == "" || f.Text == "" || f.Action == "" {
			r.b.t.Errorf("a finding with a gap: %+v", f)
		}
	}
	for _, path := range strings.Fields(contract) {
		if !hasKey(tree, strings.Split(path, ".")) {
			r.b.t.Errorf("the report has no %s: %s", path, text)
		}
	}
	code := r.cmd.ProcessState.ExitCode()
	if (code == 0) != (report.Verdict == "pass") {
		r.b.t.Errorf("exit code %d at verdict %q", code, report.Verdict)
	}
	return report
}

// contract are the keys that scripts rely on, in every report: a master may have
// answered or not.
const contract = `as state verdict findings time_to_lock_s
master.address master.identity master.class master.accuracy master.variance master.priority1 master.priority2 master.domain
master.utc_offset master.flags.utc_offset_valid master.flags.ptp_timescale master.flags.time_traceable
master.flags.frequency_traceable master.flags.leap59 master.flags.leap61 master.time_source master.steps_removed master.two_step
grants.sync.interval grants.sync.duration_s grants.sync.denied grants.announce.interval grants.announce.duration_s
grants.announce.denied grants.delay_resp.interval grants.delay_resp.duration_s grants.delay_resp.denied
rates.sync rates.announce rates.delay_resp spacing_us.p50 spacing_us.p99 spacing_us.max
offset_ns.median offset_ns.p1 offset_ns.p99 path_delay_ns.median path_delay_ns.p1 path_delay_ns.p99
lost.sync lost.announce lost.delay_resp`

// hasKey tells whether the value has something at the path; it may be null.
func hasKey(value any, path []string) bool {
	if len(path) == 0 {
		return true
	}
	object, _ := value.(map[string]any)
	inside, ok := object[path[0]]
	return ok && hasKey(inside, path[1:])
}

func (b *hosts) sources(n int) (list []string) {
	b.t.Helper()
	for i := range n {
		list = append(list, fmt.Sprintf("10.99.0.%d", 20+i))
		b.ip(b.client, "addr add "+list[i]+"/24 dev cl0")
	}
	return list
}

func found(r rehearsal.Report, severity, code string) bool {
	return slices.ContainsFunc(r.Findings, func(f rehearsal.Finding) bool { return f.Severity == severity && f.Code == code })
}

// passes: nothing is wrong with the service, but that a machine which has much else to do does
// not hold the rates.
func passes(t *testing.T, r rehearsal.Report) bool {
	t.Helper()
	wrong := slices.ContainsFunc(r.Findings, func(f rehearsal.Finding) bool { return f.Severity == "error" && f.Code != "RATE_LOW" })
	return !wrong && (r.Verdict == "pass" || found(r, "error", "RATE_LOW") && !quietMachine(t))
}

// A rehearsing cBR8 and RPD pass against bragid. Each fault of the service has its
// finding: another domain, an address that is not allowed, nobody there, a drain, a
// master that ends.
func TestARehearsalPassesAndFindsEachFaultOfTheService(t *testing.T) {
	t.Parallel()
	need(t, "ip")
	b := newHosts(t)
	b.startDaemon(`master.deny=["10.99.0.23"]`)
	source := b.sources(9)
	eventually(t, 60*time.Second, "class 6", func() bool { return strings.Contains(b.bragi("show", "clock"), "6 (locked") })

	clients := map[string]*rehearsing{
		"cbr8":           b.rehearse(serviceAddress, source[0], "--as", "cbr8", "--for", "25s", "--stamps", "auto"),
		"rpd":            b.rehearse(serviceAddress, source[1], "--as", "rpd", "--for", "25s"),
		"another domain": b.rehearse(serviceAddress, source[2], "--as", "rpd", "--domain", "9", "--for", "12s"),
		"denied":         b.rehearse(serviceAddress, source[3], "--as", "rpd", "--for", "12s"),
		"nobody there":   b.rehearse("10.99.0.77", source[4], "--as", "rpd", "--for", "12s"),
		"nobody listens": b.rehearse(masterAddress, source[7], "--as", "rpd", "--for", "12s"),
		"no route":       b.rehearse("198.51.100.1", source[8], "--as", "rpd", "--for", "12s"),
	}
	for name, want := range map[string]string{"another domain": "NO_ANSWER", "denied": "NO_ANSWER", "nobody there": "NO_NEIGHBOUR", "nobody listens": "PORT_CLOSED", "no route": "NOT_SENT"} {
		if r := clients[name].report(); r.Verdict != "fail" || !found(r, "error", want) {
			t.Errorf("%s: %s, %+v", name, r.Verdict, r.Findings)
		}
	}
	for _, kind := range []string{"cbr8", "rpd"} {
		r := clients[kind].report()
		if !passes(t, r) || r.TimeToLockS == nil || r.Master.Class != 6 || r.Master.TwoStep || r.AheadOfUTCS == nil {
			t.Errorf("as %s: %s, %+v", kind, r.Verdict, r.Findings)
		}
		if s := r.Stamps; s.Source != "software" || strings.Contains(s.Why, "no PTP hardware clock") != (kind == "cbr8") {
			t.Errorf("as %s the stamps are %+v", kind, s) // a veth pair has no hardware
		}
		t.Logf("as %s: in phase after %.1f s, offset median %d ns, path delay %.0f ns, %+v", kind, *r.TimeToLockS, r.Offset.Median, r.PathDelayNs, r.Findings)
	}

	leaving := b.rehearse(serviceAddress, source[5], "--as", "rpd", "--for", "25s")
	time.Sleep(8 * time.Second)
	b.bragi("drain")
	refused := b.rehearse(serviceAddress, source[0], "--as", "rpd", "--for", "12s")
	if r := refused.report(); r.Verdict != "fail" || !found(r, "error", "DENIED") || r.Grants["sync"].Denials == 0 || r.Grants["sync"].Grants != 0 {
		t.Errorf("denied grants: %s, %+v, %+v", r.Verdict, r.Findings, r.Grants)
	}
	if r := leaving.report(); r.Verdict != "fail" || !found(r, "error", "CANCELLED") {
		t.Errorf("drained: %s, %+v", r.Verdict, r.Findings)
	}
	b.bragi("drain", "--end")

	left := b.rehearse(serviceAddress, source[6], "--as", "rpd", "--for", "20s")
	time.Sleep(8 * time.Second)
	b.ip(b.master, "link set gm0 down")
	if r := left.report(); r.Verdict != "fail" || !found(r, "error", "ANNOUNCE_TIMEOUT") {
		t.Errorf("a master that is gone: %s, %+v", r.Verdict, r.Findings)
	}
}

// movedClock is CLOCK_MONOTONIC_RAW and a constant that can be changed.
type movedClock struct{ aheadNs atomic.Int64 }

func (c *movedClock) Local(m timescale.Mono) timescale.Local {
	return timescale.LocalFromNs(m.Ns() + c.aheadNs.Load())
}

// startMaster serves a clock in bragid's place, with bragid's own master and no daemon
// that could know better: it says that the clock is locked to GNSS.
func (b *hosts) startMaster(clock udp.Clock) {
	b.t.Helper()
	identity := [8]byte{0x02, 0xB7, 0, 0xFF, 0xFE, 0, 0, 1}
	m, err := master.New(master.Config{Identity: identity, Priority1: 128, Priority2: 128})
	if err != nil {
		b.t.Fatal(err)
	}
	m.SetAnnouncement(quality.Announcement{Serve: true, ClockClass: 6, ClockAccuracy: 0x21, OffsetScaledLogVariance: 0x4e5d, TimeSource: 0x20,
		CurrentUTCOffset: 37, CurrentUTCOffsetValid: true, TimeTraceable: true, FrequencyTraceable: true, PTPTimescale: true})
	var server *udp.Server
	if err := b.master.Do(func() (err error) {
		server, err = udp.Listen(udp.Config{Address: netip.MustParseAddr(serviceAddress), DSCP: 47, Identity: identity})
		return err
	}); err != nil {
		b.t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	served := make(chan error)
	go func() { served <- server.Serve(ctx, m, clock) }()
	b.t.Cleanup(func() {
		stop()
		if err := errors.Join(<-served, server.Close()); err != nil {
			b.t.Error(err)
		}
	})
}

// A master that goes over from TAI to UTC while it announces TAI is found twice: it
// stepped by the UTC offset, and what it serves is UTC.
func TestARehearsalFindsAMasterThatGoesOverFromTAIToUTC(t *testing.T) {
	t.Parallel()
	need(t, "ip")
	b := newHosts(t)
	const utcOffset = 37 * time.Second
	var clock movedClock
	utc := time.Now().UnixNano() - kernelclock.Raw().Ns()
	clock.aheadNs.Store(utc + int64(utcOffset))
	b.startMaster(&clock)
	rehearsing := b.rehearse(serviceAddress, b.sources(1)[0], "--as", "rpd", "--for", "30s")
	time.Sleep(15 * time.Second)
	clock.aheadNs.Store(utc)
	r := rehearsing.report()
	if r.Verdict != "fail" || r.TimeToLockS == nil || !found(r, "error", "STEPPED") || !found(r, "error", "UTC_FOR_TAI") {
		t.Fatalf("%s, %+v", r.Verdict, r.Findings)
	}
	for _, f := range r.Findings {
		if f.Code == "STEPPED" && !strings.Contains(f.Action, "UTC offset") {
			t.Errorf("the step by 37 s is not told as the UTC offset: %+v", f)
		}
	}
	if step := r.Steps[0]; len(r.Steps) != 1 || math.Abs(float64(step.Ns)+float64(utcOffset)) > 1e6 || step.Class != 6 {
		t.Errorf("steps %+v, want one of -37 s at class 6", r.Steps)
	}
}

// Debian's ptp4l as the master is judged too: it is two-step, it passes while it says
// that its time is what it is, and it fails when it announces as TAI the UTC that it
// serves by software stamps.
func TestARehearsalJudgesPTP4L(t *testing.T) {
	t.Parallel()
	need(t, "ip", "ptp4l", "pmc")
	b := newHosts(t)
	uds := b.startPTP4LMaster()
	settings := func(offset string) {
		local := socketName("pmc")
		defer os.Remove(local)
		set := "SET GRANDMASTER_SETTINGS_NP clockClass 6 clockAccuracy 0x27 offsetScaledLogVariance 0x4e5d currentUtcOffset " + offset +
			" leap61 0 leap59 0 currentUtcOffsetValid 1 ptpTimescale 1 timeTraceable 1 frequencyTraceable 1 timeSource 0x20"
		eventually(t, 20*time.Second, "ptp4l takes its settings", func() bool {
			out, err := pmc(b.master, local, uds, set)
			return err == nil && strings.Contains(out, "currentUtcOffset        "+offset)
		})
	}
	source := b.sources(2)
	settings("0")
	time.Sleep(8 * time.Second) // ptp4l listens for other masters before it serves
	r := b.rehearse(masterAddress, source[0], "--as", "cbr8", "--for", "30s").report()
	if !passes(t, r) || !r.Master.TwoStep || !found(r, "warning", "NO_UTC_OFFSET") {
		t.Errorf("ptp4l: %s, two-step %t, %+v", r.Verdict, r.Master.TwoStep, r.Findings)
	}
	settings("37")
	r = b.rehearse(masterAddress, source[1], "--as", "rpd", "--for", "15s").report()
	if r.Verdict != "fail" || !found(r, "error", "UTC_FOR_TAI") {
		t.Errorf("UTC announced as TAI: %s, %+v", r.Verdict, r.Findings)
	}
}

// startPTP4LMaster starts a master of ptp4l beside bragid's place. uds is its socket.
func (b *hosts) startPTP4LMaster() (uds string) {
	b.t.Helper()
	text, err := os.ReadFile("testdata/ptp4l-master.cfg")
	if err != nil {
		b.t.Fatal(err)
	}
	uds = socketName("ptp4l")
	config := filepath.Join(b.dir, "ptp4l.cfg")
	if err := os.WriteFile(config, []byte(strings.ReplaceAll(string(text), "UDS", uds)), 0o600); err != nil {
		b.t.Fatal(err)
	}
	b.start(b.master, nil, "ptp4l", "-f", config)
	return uds
}

func pmc(in netns.Namespace, local, uds, command string) (string, error) {
	out, err := in.Command("pmc", "-u", "-i", local, "-s", uds, "-b", "0", command).CombinedOutput()
	return string(out), err
}

// What a master makes of a client with a fault is told, of bragid and of Debian's ptp4l.
// bragid does no harm by any of them, and at the end nothing is granted any more: also not
// to a client that is not trusted and whose answers were held back.
func TestWhatBragidAndPTP4LMakeOfAClientsFaultIsTold(t *testing.T) {
	t.Parallel()
	need(t, "ip", "ptp4l", "pmc")
	type trial struct {
		fault, code string
		*rehearsing
	}
	for _, m := range []struct {
		name, address string
		start         func(*hosts)
		codes         [8]string
	}{
		{"bragid", serviceAddress, func(b *hosts) {
			b.startDaemon(`master.trusted=["10.99.0.0/27", "10.99.0.32/31"]`)
			eventually(b.t, 60*time.Second, "class 6", func() bool { return strings.Contains(b.bragi("show", "clock"), "6 (locked") })
		}, [8]string{"GRANTED_AGAIN", "DOMAIN_IGNORED", "SERVED", "FLOOD_LIMITED", "SENT_TO_THE_END", "BOTH_SERVED", "MOVED", "HELD_BACK"}},
		{"ptp4l", masterAddress, func(b *hosts) {
			b.startPTP4LMaster()
			time.Sleep(8 * time.Second) // ptp4l listens for other masters before it serves
		}, [8]string{"GRANTED_AGAIN", "DOMAIN_IGNORED", "SERVED", "FLOOD_ANSWERED", "SENT_TO_THE_END", "BOTH_SERVED", "MOVED", "SERVED"}},
	} {
		t.Run(m.name, func(t *testing.T) {
			b := newHosts(t)
			m.start(b)
			source := b.sources(16)
			var trials []trial
			for i, fault := range []string{"renew-late", "wrong-domain", "no-delay-req", "flood", "vanish", "duplicate-identity", "move-address", "no-delay-req"} {
				args := []string{filepath.Join(binaries, "bragi"), "rehearse", "--json", "--master", m.address, "--source", source[2*i] + "/31", "--as", "rpd", "--fault", fault}
				if fault == "flood" {
					args = append(args, "--flood-rate", "500")
				}
				trials = append(trials, trial{fault, m.codes[i], &rehearsing{b.start(b.client, nil, args...), b}})
			}
			for _, trial := range trials {
				var r rehearsal.FaultReport
				trial.json(&r)
				code := trial.cmd.ProcessState.ExitCode()
				told := slices.ContainsFunc(r.Findings, func(f rehearsal.Finding) bool { return f.Code == trial.code })
				if !told || r.Fault != trial.fault || (code == 0) != (r.Verdict == "pass") || m.name == "bragid" && r.Verdict != "pass" {
					t.Errorf("%s: %s (exit code %d), %+v; want %s", trial.fault, r.Verdict, code, r.Findings, trial.code)
				}
				for _, f := range r.Findings {
					t.Log(f.Text)
				}
			}
			if m.name == "bragid" {
				eventually(t, 10*time.Second, "no client has a grant", func() bool {
					var clients []map[string]any
					if err := json.Unmarshal([]byte(b.bragi("show", "clients", "--json")), &clients); err != nil {
						t.Fatal(err)
					}
					return !slices.ContainsFunc(clients, func(c map[string]any) bool { grants, _ := c["grants"].(map[string]any); return len(grants) > 0 })
				})
			}
		})
	}
}

// What the change to a second grandmaster does is seen before real clients try it: one
// that never had a reference serves another time, and announces that it is worse.
func TestARehearsalShowsTheStepOfAChangeToAMasterWithoutReference(t *testing.T) {
	t.Parallel()
	need(t, "ip")
	b := newHosts(t)
	first := b.startDaemon()
	other := &hosts{t: t, dir: t.TempDir(), master: b.master, client: b.client}
	// It takes Announce alone until it changes: for that it must be trusted.
	other.startDaemon("master.address="+masterAddress, "master.free_run_after=3s", `master.trusted=["10.99.0.0/24"]`)
	other.bragi("sim", "antenna", "cut")
	source := b.sources(1)
	eventually(t, 60*time.Second, "class 6", func() bool { return strings.Contains(b.bragi("show", "clock"), "6 (locked") })
	eventually(t, 30*time.Second, "the other one serves", func() bool { return !strings.Contains(other.bragi("show", "ptp", "clock", "running"), "no class") })

	rehearsing := b.rehearse(serviceAddress, source[0], "--master", masterAddress, "--as", "rpd", "--for", "45s")
	time.Sleep(20 * time.Second)
	if err := first.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	r := rehearsing.report()
	if len(r.Masters) != 2 || r.Masters[0].Class != 6 || r.Masters[1].Class == 6 || !r.Masters[1].Selected || len(r.Switches) != 1 || r.Switches[0].MovedNs == nil {
		t.Fatalf("masters %+v, changes %+v", r.Masters, r.Switches)
	}
	if r.Verdict != "fail" || !found(r, "error", "SWITCH_STEP") {
		t.Errorf("%s, %+v", r.Verdict, r.Findings)
	}
	t.Logf("the change from class %d to class %d (%s) moved the time by %d ns", r.Switches[0].FromClass, r.Switches[0].ToClass, r.Switches[0].Why, *r.Switches[0].MovedNs)
}

// A rehearsal whose terminal is closed still reports: one client, many, and one with a
// fault. Under nohup it goes on.
func TestARehearsalWhoseTerminalIsClosedReports(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("SKIPPED in short mode: needs some seconds")
	}
	// Whoever started this test may ignore hang-ups (nohup), and a child would inherit that:
	// a signal that is caught is an ordinary one in the child.
	caught := make(chan os.Signal, 1)
	signal.Notify(caught, syscall.SIGHUP)
	t.Cleanup(func() { signal.Stop(caught) })
	for name, c := range map[string]struct {
		before, args []string
		goesOn       bool
	}{
		"one client":   {args: []string{"--source", "127.0.0.2/32"}},
		"many clients": {args: []string{"--source", "127.0.1.0/28", "--clients", "3", "--settle", "100ms"}},
		"a fault":      {args: []string{"--source", "127.0.0.3/32", "--fault", "vanish"}},
		"under nohup":  {before: []string{"nohup"}, args: []string{"--source", "127.0.0.4/32", "--for", "4s"}, goesOn: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ports := localPorts(t)
			args := append(c.before, filepath.Join(binaries, "bragi"), "rehearse", "--json", "--master", "127.0.0.1",
				"--event-port", fmt.Sprint(ports[0]), "--general-port", fmt.Sprint(ports[1]))
			var out strings.Builder
			cmd := exec.Command(args[0], append(args[1:], c.args...)...)
			cmd.Stdout = &out
			cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
			if err := startOnOneThread(cmd); err != nil {
				t.Fatal(err)
			}
			begun := time.Now()
			time.Sleep(2 * time.Second)
			cmd.Process.Signal(syscall.SIGHUP) //nolint:errcheck // it tells of itself
			cmd.Wait()                         //nolint:errcheck // the exit code is looked at below
			var r struct{ Verdict string }
			if err := json.Unmarshal([]byte(out.String()), &r); err != nil || r.Verdict != "fail" || cmd.ProcessState.ExitCode() != 1 {
				t.Errorf("%v: verdict %q, exit code %d: %s", err, r.Verdict, cmd.ProcessState.ExitCode(), out.String())
			}
			if lasted := time.Since(begun); c.goesOn && lasted < 4*time.Second || lasted > 30*time.Second {
				t.Errorf("it ended after %v", lasted)
			}
		})
	}
}
