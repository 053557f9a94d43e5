package e2e

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"bragi/cmd/internal/control"
	"bragi/cmd/internal/status"
)

// systemd accepts the units of the image, and the script that stops bragid cancels
// grants only when the machine goes down.
func TestUnits(t *testing.T) {
	overlay := filepath.Join(root, "buildroot/overlay/usr/lib")
	t.Run("verify", func(t *testing.T) {
		if _, err := exec.LookPath("systemd-analyze"); err != nil {
			t.Skip("SKIPPED: systemd-analyze is not installed (fix: install systemd)")
		}
		dir := t.TempDir()
		var units []string
		for _, name := range []string{"bragid.service", "bragid.socket", "bragi-traps.service"} {
			text, err := os.ReadFile(filepath.Join(overlay, "systemd/system", name))
			if err != nil {
				t.Fatal(err)
			}
			unit := string(text)
			for _, program := range []string{"/usr/bin/bragid", "/usr/bin/bragi", "/usr/lib/bragi/stop"} { // it looks for them here
				unit = regexp.MustCompile(`=([-+]*)`+program+`\b`).ReplaceAllString(unit, "=$1/bin/true")
			}
			path := filepath.Join(dir, name)
			if err := os.WriteFile(path, []byte(unit), 0o644); err != nil {
				t.Fatal(err)
			}
			units = append(units, path)
		}
		out, err := exec.Command("systemd-analyze", append([]string{"verify", "--man=no"}, units...)...).CombinedOutput()
		if err != nil || len(out) > 0 {
			t.Errorf("%v: %s", err, out)
		}
	})
	for state, want := range map[string]string{"running": "", "degraded": "", "stopping": "drain\n", "": ""} {
		dir := t.TempDir()
		for name, script := range map[string]string{"systemctl": "#!/bin/sh\necho '" + state + "'\n", "bragi": "#!/bin/sh\necho \"$@\"\n"} {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(script), 0o755); err != nil {
				t.Fatal(err)
			}
		}
		cmd := exec.Command(filepath.Join(overlay, "bragi/stop"))
		cmd.Env = []string{"PATH=" + dir + ":/bin:/usr/bin"}
		if out, err := cmd.CombinedOutput(); err != nil || string(out) != want {
			t.Errorf("with the system %q, stop says %q: %v", state, out, err)
		}
	}
}

// The capabilities that bragid's unit leaves it are all that it needs: for ports
// 319 and 320, for its priority, for the kernel's program that writes the time into
// a Sync, and for the raw sockets of twins, which only hardware stamps would show.
func TestUnitsCapabilitiesAreEnough(t *testing.T) {
	t.Parallel()
	need(t, "ip", "setpriv", "prlimit")
	b := newCrowdHosts(t)
	// LimitNICE=-20 of the unit, which is 40 here, stands for the capability to set a priority; and the capability
	// for the limit, where the test may not raise that.
	confined := []string{"prlimit", "--nice=40:40", "setpriv", "--no-new-privs", "--bounding-set=" + unitsBoundingSet(t)}
	if exec.Command("prlimit", "--nice=40:40", "true").Run() != nil {
		confined = []string{"setpriv", "--no-new-privs", "--bounding-set=" + unitsBoundingSet(t) + ",+sys_nice"}
	}

	raw := b.start(b.master, []string{rawSocketAt + "=gm0"}, append(confined, os.Args[0])...)
	<-raw.done
	if !raw.cmd.ProcessState.Success() {
		t.Errorf("a twins' socket: %s", strings.Join(raw.tail(9), "\n"))
	}

	d := b.startConfined(confined)
	if r := b.crowd(2, crowdSource, time.Second, 3*time.Second).report(t); r.Granted != 2 || r.Counts.Sync < 100 || r.Counts.DelayResp < 50 {
		t.Errorf("two clients of ports 319 and 320 got %+v", r)
	}
	if nice := highestPriority(t, d.cmd.Process.Pid); nice != -20 {
		t.Errorf("the serving thread has nice %d", nice)
	}
	refusal := regexp.MustCompile(`(?i)permi(tted|ssion)|CAP_`)
	for _, a := range d.status().Alarms {
		if refusal.MatchString(a.Text + a.Detail) {
			t.Errorf("alarm %s: %s (%s)", a.Code, a.Text, a.Detail)
		}
	}
	said, _ := d.since(0)
	for _, line := range said {
		if refusal.MatchString(line) {
			t.Errorf("bragid says: %s", line)
		}
	}
	const written = "the kernel brings it up to date"
	why := b.bragi("show", "hardware", "--json")
	if strings.Contains(why, written) {
		return
	}
	d.stop()
	if b.startDaemon(); strings.Contains(b.bragi("show", "hardware", "--json"), written) {
		t.Errorf("with all capabilities the kernel writes the time into a Sync, with the unit's it does not:\n%s", why)
		return
	}
	t.Log("SKIPPED: this kernel takes no program at a device's egress (fix: Linux 6.6)")
}

// unitsBoundingSet is the unit's CapabilityBoundingSet in setpriv's words.
func unitsBoundingSet(t *testing.T) string {
	t.Helper()
	unit, err := os.ReadFile(filepath.Join(root, "buildroot/overlay/usr/lib/systemd/system/bragid.service"))
	if err != nil {
		t.Fatal(err)
	}
	set := regexp.MustCompile(`(?m)^CapabilityBoundingSet=(.*)$`).FindSubmatch(unit)
	if set == nil {
		t.Fatal("bragid.service has no CapabilityBoundingSet")
	}
	words := "-all"
	for _, capability := range strings.Fields(string(set[1])) {
		words += ",+" + strings.ToLower(strings.TrimPrefix(capability, "CAP_"))
	}
	return words
}

// startConfined is startDaemon with a program before bragid that confines it. It
// serves at once.
func (b *hosts) startConfined(confined []string) *daemon {
	b.t.Helper()
	args := append(confined, filepath.Join(binaries, "bragid"), "--config", filepath.Join(root, "configs/sim.toml"))
	for _, set := range []string{"control.run_dir=" + b.dir, "master.address=" + serviceAddress, "master.event_port=319", "master.general_port=320",
		"board.interface=gm0", `master.allow=["` + crowdSource + `"]`, "master.free_run_after=0s", "sim.start_offset=0s"} {
		args = append(args, "--set", set)
	}
	d := &daemon{b.start(b.master, nil, args...), b.t, control.NewClient(filepath.Join(b.dir, "control.sock"))}
	eventually(b.t, 10*time.Second, "bragid serves", func() bool {
		var s status.Status
		return d.control.Get(context.Background(), "/v1/status", &s) == nil && s.Clock.Serving
	})
	return d
}

// highestPriority is the least nice value of a process's threads.
func highestPriority(t *testing.T, pid int) (least int) {
	t.Helper()
	threads, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/stat", pid)) // the pattern is good
	least = 20
	for _, thread := range threads {
		stat, err := os.ReadFile(thread)
		if err != nil {
			continue // it has just ended
		}
		_, fields, _ := strings.Cut(string(stat), ") ")
		nice, err := strconv.Atoi(strings.Fields(fields)[16]) // proc(5): the 19th of all
		if err != nil {
			t.Fatal(err)
		}
		least = min(least, nice)
	}
	return least
}

// rawSocketAt is the environment's word that makes the test's program open a raw
// socket at a device, as master/udp does for its twins, and end.
const rawSocketAt = "BRAGI_TEST_RAW_SOCKET"

func init() {
	name := os.Getenv(rawSocketAt)
	if name == "" {
		return
	}
	device, err := net.InterfaceByName(name)
	if err == nil {
		var fd int
		if fd, err = unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0); err == nil {
			err = unix.Bind(fd, &unix.SockaddrLinklayer{Ifindex: device.Index})
		}
	}
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	os.Exit(0)
}
