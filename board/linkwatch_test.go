package board

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// alone is false where the test runs in a process with a network namespace of
// its own, which it starts, or not at all.
func alone(t *testing.T) bool {
	const already = "BRAGI_TEST_ALONE"
	if os.Getenv(already) != "" {
		return true
	}
	lo, err := OpenNIC("lo")
	if err != nil {
		t.Fatal(err)
	}
	_, err = lo.Abilities()
	lo.Close()
	switch {
	case errors.Is(err, unix.ENOSYS):
		t.Skip("SKIPPED: an emulation of Linux without ethtool (qemu-user)")
	case os.Geteuid() != 0:
		t.Skip("SKIPPED: a network namespace needs root (fix: run the tests as root)")
	}
	// A sysfs of that namespace, for /sys/class/net.
	child := exec.Command("unshare", "--net", "--mount", "sh", "-c", `mount -t sysfs sysfs /sys && exec "$@"`, "sh", os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v")
	child.Env = append(os.Environ(), already+"=1")
	out, err := child.CombinedOutput()
	if err != nil {
		t.Errorf("%v\n%s", err, out)
	} else {
		t.Logf("%s", out)
	}
	return false
}

// A device that is made, set up and taken away is told of; the watch ends with
// its context.
func TestALinkThatComesChangesOrGoesIsToldOf(t *testing.T) {
	if !alone(t) {
		return
	}
	ctx, stop := context.WithCancel(t.Context())
	told := make(chan struct{}, 100)
	ended := make(chan error, 1)
	go func() {
		ended <- WatchLinks(ctx, func() {
			select {
			case told <- struct{}{}:
			default:
			}
		})
	}()
	time.Sleep(100 * time.Millisecond) // it listens by then
	const name = "bragi-watch0"
	if out, err := exec.Command("ip", "link", "add", name, "type", "veth", "peer", "bragi-watch1").CombinedOutput(); err == nil {
		defer exec.Command("ip", "link", "del", name).Run() //nolint:errcheck // it is gone already
		wait := func(what string) {
			t.Helper()
			select {
			case <-told:
			case <-time.After(5 * time.Second):
				t.Errorf("%s: not told of", what)
			}
			time.Sleep(100 * time.Millisecond) // the rest of the same change
			for len(told) > 0 {
				<-told
			}
		}
		wait("a new device")
		n, err := OpenNIC(name)
		if err != nil {
			t.Fatal(err)
		}
		defer n.Close()
		if l, err := n.Link(); err != nil || l.Carrier {
			t.Errorf("before it is up: %+v, %v", l, err)
		}
		for _, c := range [][]string{{"set", name, "up"}, {"set", "bragi-watch1", "up"}} {
			if out, err := exec.Command("ip", append([]string{"link"}, c...)...).CombinedOutput(); err != nil {
				t.Fatalf("ip link %v: %s", c, out)
			}
			wait("up")
		}
		if l, err := n.Link(); err != nil || !l.Carrier || l.MAC == "" {
			t.Errorf("up: %+v, %v", l, err)
		}
		for _, c := range [][]string{{"set", name, "down"}, {"set", name, "name", "bragi-other"}} {
			if out, err := exec.Command("ip", append([]string{"link"}, c...)...).CombinedOutput(); err != nil {
				t.Fatalf("ip link %v: %s", c, out)
			}
			wait("changed")
		}
		if a, err := n.Abilities(); err != nil || n.Name() != "bragi-other" || a.HardwareTx {
			t.Errorf("renamed: %s, %+v, %v", n.Name(), a, err)
		}
		if out, err := exec.Command("ip", "link", "add", "link", "bragi-other", "name", "bragi-w.17", "type", "vlan", "id", "17").CombinedOutput(); err != nil {
			t.Logf("SKIPPED: no VLAN here: %s", out)
		} else {
			vlan, err := OpenNIC("bragi-w.17")
			if err != nil || vlan.Physical() != "bragi-other" {
				t.Errorf("below the VLAN: %s, %v", vlan.Physical(), err)
			}
			vlan.Close()
		}
		exec.Command("ip", "link", "del", "bragi-other").Run() //nolint:errcheck // Link tells
		wait("gone")
		if _, err := n.Link(); err == nil {
			t.Error("a device that is gone has a link")
		}
	} else {
		t.Errorf("ip link add: %s", out)
	}
	stop()
	select {
	case err := <-ended:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(5 * time.Second):
		t.Error("it outlives its context")
	}
}
