package netns

import (
	"net"
	"os"
	"sync"
	"testing"
	"time"
)

// What is sent in one namespace arrives in the other and nowhere else; when they
// are closed nothing is left of them.
func TestNamespacesAreJoinedAndGo(t *testing.T) {
	if err := Unavailable(); err != nil {
		t.Skipf("SKIPPED: %v", err)
	}
	one, err := New("test")
	if err != nil {
		t.Skipf("SKIPPED: no network namespace: %v", err)
	}
	defer one.Close()
	other, err := New("test")
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	if one == other {
		t.Fatalf("two namespaces have one name, %s", one)
	}
	if err := Join(End{one, "nst0", "10.97.0.1/24"}, End{other, "nst1", "10.97.0.2/24"}); err != nil {
		t.Fatal(err)
	}
	if _, err := net.InterfaceByName("nst0"); err == nil {
		t.Error("the device is here too")
	}
	var there net.PacketConn
	if err := other.Do(func() (err error) {
		there, err = net.ListenPacket("udp4", "10.97.0.2:4711")
		return err
	}); err != nil {
		t.Fatal(err)
	}
	defer there.Close()
	if err := one.Do(func() error {
		c, err := net.Dial("udp4", "10.97.0.2:4711")
		if err != nil {
			return err
		}
		defer c.Close()
		_, err = c.Write([]byte("hello"))
		return err
	}); err != nil {
		t.Fatal(err)
	}
	b := make([]byte, 16)
	if err := there.SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if n, from, err := there.ReadFrom(b); err != nil || string(b[:n]) != "hello" || from.(*net.UDPAddr).IP.String() != "10.97.0.1" {
		t.Errorf("%q from %v: %v", b[:n], from, err)
	}
	if out, err := other.Command("ip", "-o", "addr", "show", "nst1").Output(); err != nil || len(out) == 0 {
		t.Errorf("a command in the namespace: %q, %v", out, err)
	}
	if err := one.IP("link set nowhere up"); err == nil {
		t.Error("a command that failed is no error")
	}
	one.Close()
	other.Close()
	for _, n := range []Namespace{one, other} {
		if _, err := os.Stat("/var/run/netns/" + string(n)); err == nil {
			t.Errorf("%s is left", n)
		}
	}
}

// started is the namespace that the process began in.
var started, _ = os.Readlink("/proc/self/ns/net")

// Whatever enters a namespace, the process as a whole stays where it was: /proc/net
// tells of its first thread.
func TestTheProcessStaysWhereItWas(t *testing.T) {
	if err := Unavailable(); err != nil {
		t.Skipf("SKIPPED: %v", err)
	}
	there, err := New("test")
	if err != nil {
		t.Skipf("SKIPPED: no network namespace: %v", err)
	}
	defer there.Close()
	var inside sync.WaitGroup
	inside.Add(32) // all at once, so that each thread of the process is asked
	var done sync.WaitGroup
	for range 32 {
		done.Go(func() {
			if err := there.Do(func() error { inside.Done(); inside.Wait(); return nil }); err != nil {
				t.Error(err)
				inside.Done()
			}
		})
	}
	done.Wait()
	if after, err := os.Readlink("/proc/self/ns/net"); err != nil || after != started {
		t.Errorf("the process was in %s and is in %s, %v", started, after, err)
	}
}
