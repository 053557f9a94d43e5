package udp

import (
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// Whatever kind of wait came before, a datagram that waits already, and one that
// comes, end a long wait at once.
func TestWaitKinds(t *testing.T) {
	fd, err := unix.Eventfd(0, unix.EFD_NONBLOCK|unix.EFD_CLOEXEC)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	w, err := newWaiter(fd)
	if err != nil {
		t.Fatal(err)
	}
	defer w.close()
	const long, soon = 20 * time.Second, 10 * time.Second
	ring := func() { _, _ = unix.Write(fd, []byte{1, 0, 0, 0, 0, 0, 0, 1}) }
	silence := func() {
		var b [8]byte
		_, _ = unix.Read(fd, b[:])
	}
	for _, before := range []struct {
		name string
		wait func(time.Duration) error
	}{{"nothing", func(time.Duration) error { return nil }}, {"short", w.wait}, {"nap", w.nap}, {"long", func(time.Duration) error { return w.wait(longWait) }}} {
		for _, when := range []string{"before", "between", "later"} {
			if when == "before" {
				ring()
			}
			if err := before.wait(time.Millisecond); err != nil {
				t.Fatal(err)
			}
			switch when {
			case "between":
				ring()
			case "later":
				time.AfterFunc(20*time.Millisecond, ring)
			}
			start := time.Now()
			if err := w.wait(long); err != nil {
				t.Fatal(err)
			}
			if took := time.Since(start); took > soon || w.fds[0].Revents&unix.POLLIN == 0 {
				t.Errorf("after %s, rung %s: the wait took %v, events %#x", before.name, when, took, w.fds[0].Revents)
			}
			silence()
		}
	}
}

// A nap lasts its time though a datagram waits, which the next wait tells of.
func TestNap(t *testing.T) {
	fd, err := unix.Eventfd(1, unix.EFD_NONBLOCK|unix.EFD_CLOEXEC)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	w, err := newWaiter(fd)
	if err != nil {
		t.Fatal(err)
	}
	defer w.close()
	for range 20 { // a signal of the runtime's may end one early
		start := time.Now()
		if err := w.nap(2 * time.Millisecond); err != nil {
			t.Fatal(err)
		}
		took := time.Since(start)
		if err := w.wait(0); err != nil {
			t.Fatal(err)
		}
		if w.fds[0].Revents&unix.POLLIN == 0 {
			t.Fatal("what waits is not told after the nap")
		}
		if took >= 2*time.Millisecond {
			return
		}
	}
	t.Error("no nap lasted")
}
