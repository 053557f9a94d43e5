package main

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// scenario is something that happens to an appliance. The machine may be on or off at its begin and its end.
type scenario struct {
	name    string
	play    func(*bench) error
	bundles []string // what is broken in the updates that it needs; "": nothing; refused: all of it
}

// scenarios are played in this order: each begins with what the ones before left on the medium.
var scenarios = []scenario{
	{"first start: from the boot loader to the setup at the serial line, and served outside", firstStart, nil},
	{"second start: the same identity, the data partition grown; figures", secondStart, nil},
	{"classes: a client outside sees 6, 7, 52 and 6, a syslog server hears why", classes, nil},
	{"prompt: a key that stops the boot loader delays the start, and does not end it", prompt, nil},
	{"refused: updates that are forged, cut, older, too large, for another board or not there", badUpdates, []string{refused}},
	{"damaged slot: it is left after three tries, and taken once it is whole, with the same identity", damagedSlot, []string{""}},
	{"update: the new version is kept, with the same identity", goodUpdate, []string{""}},
	{"fall-back: a new version whose daemon does not start", brokenUpdate("daemon"), []string{"daemon"}},
	{"services: chronyd takes the time, snmpd answers where it was configured, the packet filter follows", services, nil},
	{"hardware: a PTP clock of the kernel, steered under the image's own unit", hardware, nil},
	{"watchdogs: a daemon that hangs is started anew, a system that hangs too", watchdogs, nil},
	{"fall-back: a new version whose kernel panics", brokenUpdate("kernel"), []string{"kernel"}},
	{"cards: a data partition that is full, one that has lost its superblock, one that is lost", cards, nil},
	{"no network: a start without an address serves nobody, says so, and serves once the address comes", noNetwork, nil},
	{"memory: a board with 2 GB starts, where a 32-bit kernel does not see all of it at first", muchMemory, nil},
	{"power cuts in an update and at random moments of a start lose nothing", powerCuts, []string{""}},
	{"power cuts in the first start: the next one ends it", powerCutsFirst, nil},
	{"small: a card on which the image just fits serves, and keeps its configuration", smallCard, nil},
	{"too small: a card that ends before the data partition serves, and says so", tooSmallCard, nil},
	{"worn: a card whose data partition cannot be read at its begin serves out of memory, and says so", wornCard, nil},
}

// atRest takes half an hour: LONG=1 alone plays it, behind the second start.
var atRest = scenario{"rest: half an hour in which nothing happens writes no more than a day may", rest, nil}

// startLimit is how long a start may take: an emulated machine on a loaded host is slow.
const startLimit = 30 * time.Minute

// kept is what the serial line says once a slot is kept.
const kept = `bragi: slot ([AB]) is kept: version (\S+) (?:serves|waits for its setup), (\S+) s after the start`

// bad is what it says of a start that goes wrong.
const bad = `Kernel panic|does not serve: version|bragi: .*: restart in 5 s|data partition cannot`

// up is a machine that is on, with its slot kept, and takes a remote login.
func (t *bench) up() error {
	if err := t.authorize(); err != nil || t.command != nil {
		return err
	}
	return t.start("[AB]")
}

// start switches the machine on and waits until its slot is kept.
func (t *bench) start(slot string) error {
	if err := t.on(); err != nil {
		return err
	}
	return t.started(slot)
}

// started waits until the slot of a machine that was switched on is kept.
func (t *bench) started(slot string) error {
	at := func() string { return time.Since(t.since).Round(time.Second).String() }
	if _, _, err := t.expect(`bragi: slot (`+slot+`), tries left`, `does not load`, 0, 5*time.Minute); err != nil {
		return err
	}
	loader := at()
	if _, _, err := t.expect(`Starting kernel`, `does not load`, 0, 10*time.Minute); err != nil {
		return err
	}
	kernel := at()
	found, _, err := t.expect(kept, bad, 0, startLimit)
	if err != nil {
		return err
	}
	t.slot, t.running = found[1], found[2]
	t.figure("from power on: boot loader %s, kernel %s, slot %s kept %s (the guest's own time: %s s)", loader, kernel, t.slot, at(), found[3])
	return nil
}

func firstStart(t *bench) error {
	if err := t.on(); err != nil {
		return err
	}
	// At once: what is written without care comes to the medium half a minute or a minute later.
	early := make(chan error, 1)
	go func() {
		if _, err := t.probe(startLimit, "until systemctl -q is-active bragi-data; do sleep 1; done"); err != nil {
			early <- err
			return
		}
		early <- t.lasts("machine-id", "hostname")
	}()
	if err := errors.Join(t.started("A"), <-early); err != nil {
		return err
	}
	if t.running != t.version {
		return fmt.Errorf("the machine runs %s, and not %s", t.running, t.version)
	}
	if err := t.setup(); err != nil {
		return err
	}
	if err := t.console("show version", `bragid \S*`); err != nil {
		return err
	}
	if err := t.firstGrant(); err != nil {
		return err
	}
	return t.lasts("config/bragi.toml")
}

// setup answers the questions that a fresh board asks at its serial line.
func (t *bench) setup() error {
	mark, wrong := 0, "" // the banner complains that no daemon answers
	for _, step := range []struct{ asks, answer string }{
		{`Answer some questions now\? \[yes\] `, ""},
		{`Board \[sim\]: `, ""},
		{`Address that clients ask \[127.0.0.1\]: `, inside},
		{`Receiver \[nmea\]: `, ""},
		{`Antenna cable \[0m\]: `, "20m"},
		{`PTP domain, the same as at the clients \[0\]: `, ""},
		{`Syslog server \[none\]: `, outside},
		{`Time zone of this console \[UTC\]: `, ""},
		{`Write it\? \[yes\] `, ""},
		{`bragid was restarted`, ""},
	} {
		_, after, err := t.expect(step.asks, wrong, mark, 5*time.Minute)
		if err != nil {
			return fmt.Errorf("setup: %w", err)
		}
		mark, wrong = after, `\n% `
		if _, err := io.WriteString(t.keys, step.answer+"\r"); err != nil {
			return err
		}
	}
	return nil
}

// console types a verb at the serial line until its answer comes: a daemon that has just started may be late.
func (t *bench) console(verb, answer string) error {
	limit := time.Now().Add(5 * time.Minute)
	for {
		mark := t.mark()
		if _, err := io.WriteString(t.keys, "\r"+verb+"\r"); err != nil {
			return err
		}
		_, _, err := t.expect(answer, "", mark, time.Minute)
		if err == nil || time.Now().After(limit) {
			return err
		}
	}
}

func secondStart(t *bench) error {
	t.cut()
	first, err := t.read("/machine-id")
	if err != nil {
		return err
	}
	host, err := t.read("/hostname")
	if err != nil {
		return err
	}
	if err := t.authorize(); err != nil {
		return err
	}
	if err := t.on(); err != nil {
		return err
	}
	granted := make(chan error, 1)
	go func() { granted <- t.firstGrant() }()
	if err := t.started("[AB]"); err != nil {
		return err
	}
	if err := <-granted; err != nil {
		return err
	}
	if err := t.inside(); err != nil {
		return err
	}
	if out, err := t.remote(3*time.Minute, "show", "version"); err != nil {
		return err
	} else if !strings.Contains(out, t.running) {
		return fmt.Errorf("the machine runs %q, and not %s", strings.TrimSpace(out), t.running)
	}
	if err := t.lasts("ssh/authorized_keys"); err != nil { // and the board's own key, which the login made
		return err
	}
	second, err := t.identity()
	if err != nil {
		return err
	}
	if first != second {
		return fmt.Errorf("the machine was %q and is %q", first, second)
	}
	id := strings.TrimSpace(first)
	if len(id) != 32 || strings.TrimSpace(host) != "bragi-"+id[:6] {
		return fmt.Errorf("host name %q does not fit to machine %q", host, id)
	}
	environment, err := exec.Command("dd", "if="+t.disk, "bs=1k", "skip=3072", "count=528", "status=none").Output()
	if err != nil || !strings.Contains(string(environment), "machine_id="+id) {
		return fmt.Errorf("the boot loader's environment does not hold the machine's identity: %v", err)
	}
	out, err := t.probe(3*time.Minute, `df -k /data | awk 'END {print $2 * 1024}'`)
	if err != nil {
		return err
	}
	size, err := strconv.ParseInt(strings.TrimSpace(out), 10, 64)
	if err != nil {
		return err
	}
	t.figure("data partition %d MB on a card of %d MB", size>>20, mediumSize>>20)
	// The file system's own tables take some.
	if size < (mediumSize-dataOffset)*8/10 {
		return fmt.Errorf("the data partition has %d bytes: it did not grow", size)
	}
	return nil
}

// firstGrant tells how long after power on a client outside gets the time. The client runs on.
func (t *bench) firstGrant() error {
	for t.mark() == 0 {
		time.Sleep(time.Second) // the port of the network outside is down until the machine is on
	}
	client, err := t.startPTP4L()
	if err != nil {
		return err
	}
	limit := time.Now().Add(startLimit)
	for !strings.Contains(client.heard(), "to UNCALIBRATED") {
		if time.Now().After(limit) {
			return fmt.Errorf("ptp4l outside got nothing within %s; it said last:\n%s", startLimit, tail(client.heard()))
		}
		select {
		case <-client.ended:
			return fmt.Errorf("ptp4l outside has ended:\n%s", tail(client.heard()))
		case <-time.After(500 * time.Millisecond):
		}
	}
	t.figure("from power on to the first grant to a client outside: %s", time.Since(t.since).Round(time.Second))
	return nil
}

// inside looks at the machine from inside: what it needs, what it opens, and whether all of it runs.
func (t *bench) inside() error {
	out, err := t.probe(3*time.Minute, `awk '/MemTotal/ {all = $2} /MemAvailable/ {free = $2} END {printf "%d of %d MB of memory in use\n", (all - free) / 1024, all / 1024}' /proc/meminfo`)
	if err != nil {
		return err
	}
	t.figure("%s", strings.TrimSpace(out))
	if out, err = t.probe(3*time.Minute, `echo "seconds of processor by unit since the start:"
grep -H usage_usec /sys/fs/cgroup/system.slice/*/cpu.stat | sed 's#.*slice/\(.*\)/cpu.stat:usage_usec#\1#' | sort -rnk2 | head -12 | awk '{printf "%.1f %s\n", $2 / 1e6, $1}'`); err != nil {
		return err
	}
	for line := range strings.Lines(out) {
		t.figure("%s", strings.TrimSpace(line))
	}
	if out, err = t.probe(3*time.Minute, `systemctl is-system-running --wait >/dev/null || true; systemd-analyze --no-pager blame | head -8`); err != nil {
		return err
	}
	for line := range strings.Lines(out) {
		t.figure("of the start: %s", strings.TrimSpace(line))
	}
	if out, err = t.probe(3*time.Minute, `systemctl --failed --no-legend --plain`); err != nil || strings.TrimSpace(out) != "" {
		return fmt.Errorf("units failed: %q: %w", out, err)
	}
	if out, err = t.probe(3*time.Minute, `systemd-analyze security bragid.service --no-pager | tail -1`); err != nil {
		return err
	}
	t.figure("%s", strings.TrimSpace(strings.TrimLeft(out, "→ ")))
	before, err := t.written()
	if err != nil {
		return err
	}
	if _, err := t.probe(time.Minute, "touch /run/rest"); err != nil {
		return err
	}
	time.Sleep(time.Minute) // the first minutes after a start tell nothing of a day: rest does
	after, err := t.written()
	if err != nil {
		return err
	}
	t.figure("%d octets written to the medium in a minute at rest", after[toMedium]-before[toMedium])
	_, err = t.sinceRest()
	return err
}

// prompt types one key while the boot loader waits for one: noise on the serial line does the same.
func prompt(t *bench) error {
	t.cut()
	if err := t.on(); err != nil {
		return err
	}
	if _, _, err := t.expect(`stop autoboot`, "", 0, 5*time.Minute); err != nil {
		return err
	}
	if _, err := io.WriteString(t.keys, "x"); err != nil {
		return err
	}
	if _, _, err := t.expect(`=> `, `tries left`, 0, time.Minute); err != nil {
		return err
	}
	stopped := time.Now()
	if _, _, err := t.expect(`bragi: slot [AB], tries left`, "", 0, 10*time.Minute); err != nil {
		return fmt.Errorf("a boot loader that one key has stopped never goes on: %w", err)
	}
	t.figure("a boot loader that one key has stopped goes on after %s", time.Since(stopped).Round(time.Second))
	return t.started("[AB]")
}

// servedAt6 starts a client outside, and waits until it sees class 6.
func (t *bench) servedAt6() (*ptp4l, error) {
	client, err := t.ptp4l()
	if err != nil {
		return nil, err
	}
	if err := client.sees("6", 5*time.Minute); err != nil {
		client.stop()
		return nil, err
	}
	return client, nil
}

// classes lets the antenna be cut and connected again, and looks at what a client and a syslog server hear outside.
func classes(t *bench) error {
	if err := t.up(); err != nil {
		return err
	}
	client, err := t.servedAt6()
	if err != nil {
		return err
	}
	defer client.stop()
	if err := client.inPhase(5 * time.Minute); err != nil {
		return err
	}
	if _, err := t.probe(3*time.Minute, "rm /run/bragi-firewall.nft"); err != nil {
		return err
	}
	// Class 7 is to end soon, and not before a slow host has seen it: the configuration is changed, as an operator does it at the serial line.
	for _, line := range []struct{ verb, answer string }{
		{"configure terminal", `\(config\)#`},
		{"holdover max_holdover 30s", `\(config\)#`},
		{"commit", `Changed at once: holdover.max_holdover`},
		{"end", `bragi-\w+#`},
	} {
		if err := t.console(line.verb, line.answer); err != nil {
			return err
		}
	}
	if err := t.until("the packet filter is made again after the commit", "grep -c 319 /run/bragi-firewall.nft", "1"); err != nil {
		return err
	}
	// The login's end may come late, and class 7 is short: the client is looked at meanwhile.
	cut := make(chan error, 1)
	go func() {
		_, err := t.remote(3*time.Minute, "sim", "antenna", "cut")
		cut <- err
	}()
	for _, class := range []string{"7", "52"} {
		if err := client.sees(class, 4*time.Minute); err != nil {
			return err
		}
	}
	if err := <-cut; err != nil {
		return err
	}
	if _, err := t.remote(3*time.Minute, "sim", "antenna", "restore"); err != nil {
		return err
	}
	if err := client.sees("6", 10*time.Minute); err != nil {
		return err
	}
	heard := t.logs.heard()
	for _, word := range []string{"bragi-", "CLOCK_HOLDOVER", "HOLDOVER"} {
		if !strings.Contains(heard, word) {
			return fmt.Errorf("the syslog server outside did not hear %q, but:\n%s", word, tail(heard))
		}
	}
	t.figure("the syslog server outside heard %d messages", strings.Count(heard, "\n"))
	return nil
}

// until runs a command inside until it prints what is wanted.
func (t *bench) until(what, command, wanted string) error {
	begin := time.Now()
	for {
		out, err := t.probe(time.Minute, command)
		if err == nil && strings.Contains(out, wanted) {
			t.figure("%s: after %s", what, time.Since(begin).Round(time.Second))
			return nil
		}
		if time.Since(begin) > 5*time.Minute {
			return fmt.Errorf("%s: it did not come within 5 minutes, but %q: %w", what, out, err)
		}
		time.Sleep(5 * time.Second)
	}
}

// services looks at what else runs beside bragid.
func services(t *bench) error {
	if err := t.up(); err != nil {
		return err
	}
	if err := t.until("chronyd takes the time of bragid", "chronyc -c sources", "#,*,GNSS"); err != nil {
		return err
	}
	// Nobody opened SNMP yet.
	ask := []string{"snmpget", "-v", "2c", "-c", "test", "-t", "5", "-r", "2", "-Oqvn", inside, ".1.3.6.1.4.1.8072.9999.9999.319.1.2.3.0"}
	if out, err := t.ns.Command(ask...).CombinedOutput(); err == nil {
		return fmt.Errorf("SNMP answers before anybody configured it: %s", out)
	}
	if _, err := t.probe(3*time.Minute, `printf 'agentaddress udp:161\nrocommunity test\npass_persist .1.3.6.1.4.1.8072.9999.9999.319 /usr/bin/bragi snmp\n' >/data/snmp/snmpd.conf
sync
systemctl restart bragi-firewall snmpd`); err != nil {
		return err
	}
	begin := time.Now()
	for {
		out, err := t.ns.Command(ask...).CombinedOutput()
		if err == nil && strings.TrimSpace(string(out)) == "6" {
			t.figure("snmpd tells class 6 outside")
			return nil
		}
		if time.Since(begin) > 5*time.Minute {
			return fmt.Errorf("snmpd does not answer outside: %s: %w", out, err)
		}
	}
}

// watchdogs lets bragid hang, and then the first process of the system.
func watchdogs(t *bench) error {
	if err := t.up(); err != nil {
		return err
	}
	if _, err := t.probe(3*time.Minute, "kill -STOP $(pidof bragid)"); err != nil {
		return err
	}
	begin := time.Now()
	for {
		out, err := t.probe(time.Minute, "systemctl show -p NRestarts --value bragid.service")
		if err == nil && strings.TrimSpace(out) == "1" {
			break
		}
		if time.Since(begin) > 10*time.Minute {
			return fmt.Errorf("a bragid that hangs was not started anew: %q, %w", out, err)
		}
		time.Sleep(5 * time.Second)
	}
	t.figure("a bragid that hangs was ended and started anew after %s", time.Since(begin).Round(time.Second))
	if err := t.served(); err != nil {
		return err
	}
	if !t.watchdog {
		t.figure("this machine has no watchdog of its own: a system that hangs is not tried")
		return nil
	}
	mark := t.mark()
	// systemd that crashes stands still, and does not feed the watchdog any more.
	if _, err := t.probe(time.Minute, "(sleep 1; kill -SEGV 1) & "); err != nil {
		return err
	}
	begin = time.Now()
	if _, _, err := t.expect(`bragi: slot [AB], tries left`, "", mark, 5*time.Minute); err != nil {
		return fmt.Errorf("a system that hangs was not reset: %w", err)
	}
	t.figure("a system that hangs was reset by the watchdog after %s", time.Since(begin).Round(time.Second))
	_, _, err := t.expect(kept, bad, mark, startLimit)
	return err
}

// identity is the machine's, as it is kept on the data partition of a machine that is on.
func (t *bench) identity() (string, error) {
	return t.probe(3*time.Minute, "cat /data/machine-id")
}

// random decides when the power goes.
var random = moments(1)

// moments are those that a seed gives: the same ones for the same seed and scenarios.
func moments(seed uint64) *rand.Rand {
	return rand.New(rand.NewPCG(seed, 588))
}

// seedOf is the seed that somebody named, or one of the time: other moments in each test.
func seedOf(named uint64) uint64 {
	if named != 0 {
		return named
	}
	return uint64(time.Now().UnixNano())
}

// muchMemory starts the machine with as much memory as the largest of the boards has.
func muchMemory(t *bench) error {
	t.cut()
	t.memory = "2048"
	defer func() { t.memory = "" }()
	if err := t.start("[AB]"); err != nil {
		return err
	}
	out, err := t.probe(3*time.Minute, `awk '/MemTotal|LowTotal/ {printf "%s %d MB ", $1, $2 / 1024} END {print ""}' /proc/meminfo`)
	if err != nil {
		return err
	}
	t.figure("%s", strings.TrimSpace(out))
	t.cut()
	return nil
}

// noNetwork starts the machine while nobody gives it an address.
func noNetwork(t *bench) error {
	if err := t.up(); err != nil {
		return err
	}
	t.cut()
	if err := t.dhcp.Process.Signal(syscall.SIGSTOP); err != nil {
		return err
	}
	defer t.dhcp.Process.Signal(syscall.SIGCONT) //nolint:errcheck // it runs
	if err := t.start("[AB]"); err != nil {
		return err
	}
	if err := t.until("the clock is locked without a network", `bragi show clock --json | grep '"clock_class"'`, ": 6,"); err != nil {
		return err
	}
	out, err := t.probe(3*time.Minute, "bragi show alarms")
	if err != nil {
		return err
	}
	if !strings.Contains(out, "no interface has "+inside) {
		return fmt.Errorf("no alarm says that the address is missing:\n%s", out)
	}
	t.figure("the alarm says: %s", strings.TrimSpace(out[:strings.IndexByte(out, '\n')]))
	if err := t.dhcp.Process.Signal(syscall.SIGCONT); err != nil {
		return err
	}
	return t.served()
}
