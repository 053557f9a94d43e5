package port

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"bragi/gnss/timescale"
)

// patience is for a slow, noisy machine; nothing is expected to take it.
const patience = 20 * time.Second

// openPTY makes a pseudo terminal; the receiver writes to the master.
func openPTY(t *testing.T) (master *os.File, slave string) {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Skipf("SKIPPED: no pseudo terminals here: %v", err)
	}
	t.Cleanup(func() { master.Close() })
	fd := int(master.Fd())
	if err := unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	// A line discipline in cooked mode would change what is written before the
	// reader has opened it.
	tio, err := unix.IoctlGetTermios(fd, unix.TCGETS)
	if err != nil {
		t.Fatal(err)
	}
	tio.Iflag, tio.Oflag, tio.Lflag = 0, 0, 0
	if err := unix.IoctlSetTermios(fd, unix.TCSETS, tio); err != nil {
		t.Fatal(err)
	}
	return master, fmt.Sprintf("/dev/pts/%d", n)
}

func sentence(body string) string {
	var sum byte
	for i := range len(body) {
		sum ^= body[i]
	}
	return fmt.Sprintf("$%s*%02X\r\n", body, sum)
}

// reading is a Port that runs, and what it gave.
type reading struct {
	t      *testing.T
	events chan Event
	data   chan []byte
	got    []byte
	stamps chan timescale.Mono
	stop   func()
}

func start(t *testing.T, cfg Config) *reading {
	ctx, cancel := context.WithCancel(context.Background())
	r := &reading{t: t, events: make(chan Event, 100), data: make(chan []byte, 10_000), stamps: make(chan timescale.Mono, 10_000)}
	done := make(chan error, 1)
	go func() {
		done <- New(cfg).Run(ctx, func(at timescale.Mono, chunk []byte) {
			r.stamps <- at
			r.data <- bytes.Clone(chunk)
		}, func(e Event) { r.events <- e })
	}()
	r.stop = func() {
		cancel()
		select {
		case err := <-done:
			if err != context.Canceled {
				t.Errorf("Run returned %v, want context.Canceled", err)
			}
		case <-time.After(patience):
			t.Error("Run does not end with its context")
		}
		cancel = func() {}
		done <- context.Canceled
	}
	t.Cleanup(func() { r.stop() })
	return r
}

func (r *reading) event(want EventKind) Event {
	r.t.Helper()
	select {
	case e := <-r.events:
		if e.Kind != want {
			r.t.Fatalf("event %v (%v), want %v", e.Kind, e, want)
		}
		return e
	case <-time.After(patience):
		r.t.Fatalf("no event %v", want)
	}
	return Event{}
}

// bytesUntil collects data until it ends in want.
func (r *reading) bytesUntil(want string) {
	r.t.Helper()
	deadline := time.After(patience)
	for !bytes.HasSuffix(r.got, []byte(want)) {
		select {
		case b := <-r.data:
			r.got = append(r.got, b...)
		case <-deadline:
			r.t.Fatalf("%q did not come; got %q", want, r.got)
		}
	}
}

func write(t *testing.T, f *os.File, s string) {
	t.Helper()
	if _, err := f.WriteString(s); err != nil {
		t.Fatal(err)
	}
}

var zda = sentence("GPZDA,120000.00,01,03,2026,00,00")

// With the rate given every byte is passed on as it is, garbage too.
func TestEveryByteIsPassedOn(t *testing.T) {
	master, slave := openPTY(t)
	r := start(t, Config{Device: slave, Baud: 9600})
	if e := r.event(Opened); e.Baud != 9600 || e.Device != slave {
		t.Errorf("opened %+v", e)
	}
	all := make([]byte, 256)
	for i := range all {
		all[i] = byte(i)
	}
	before, err := rawTime()
	if err != nil {
		t.Fatal(err)
	}
	write(t, master, string(all)+zda)
	r.bytesUntil(string(all) + zda)
	after, _ := rawTime()
	if at := <-r.stamps; at.Before(before) || after.Before(at) {
		t.Errorf("received at %v, written between %v and %v", at.Ns(), before.Ns(), after.Ns())
	}
}

// The rate is found by listening, and the sentence that proved it is not lost.
func TestTheRateIsFoundAndItsProofIsNotLost(t *testing.T) {
	master, slave := openPTY(t)
	r := start(t, Config{Device: slave})
	write(t, master, "\x00\xffgarbage"+zda)
	r.event(Opened)
	r.bytesUntil(zda)
}

// Silence is no fault of the port: no events, and what comes after is read.
func TestSilenceIsNoFaultOfThePort(t *testing.T) {
	master, slave := openPTY(t)
	r := start(t, Config{Device: slave, Baud: 9600})
	r.event(Opened)
	select {
	case e := <-r.events:
		t.Errorf("event %v in silence", e)
	case <-time.After(3 * readTimeout):
	}
	write(t, master, zda)
	r.bytesUntil(zda)
}

// A USB receiver is pulled and comes back under another name; its by-id link
// leads there.
func TestAReceiverIsFoundUnderItsNewName(t *testing.T) {
	link := filepath.Join(t.TempDir(), "usb-u-blox")
	first, slave := openPTY(t)
	if err := os.Symlink(slave, link); err != nil {
		t.Fatal(err)
	}
	r := start(t, Config{Device: link})
	write(t, first, zda)
	r.event(Opened)
	r.bytesUntil(zda)

	os.Remove(link)
	first.Close()
	if e := r.event(Lost); !strings.Contains(e.Err.Error(), link) {
		t.Errorf("the event does not name the device: %v", e)
	}

	second, slave := openPTY(t)
	if err := os.Symlink(slave, link); err != nil {
		t.Fatal(err)
	}
	r.got = nil
	write(t, second, zda)
	r.event(Opened) // and no event in between, whatever the number of attempts
	r.bytesUntil(zda)
}

func TestMissingDeviceIsSaidOnce(t *testing.T) {
	device := filepath.Join(t.TempDir(), "ttyS4")
	r := start(t, Config{Device: device})
	e := r.event(Missing)
	for _, want := range []string{device, "gnss.device"} {
		if !strings.Contains(e.Err.Error(), want) {
			t.Errorf("%q does not name %s", e.Err, want)
		}
	}
	select {
	case e := <-r.events:
		t.Errorf("said again: %v", e)
	case <-time.After(4 * firstRetry):
	}
	r.stop()
}

func TestWhatIsNoSerialPortIsNamedInTheError(t *testing.T) {
	r := start(t, Config{Device: "/dev/null"})
	if e := r.event(Failed); !strings.Contains(e.Err.Error(), "/dev/null") {
		t.Errorf("the event does not name the device: %v", e)
	}
}

func TestOpenErrorsNameTheFix(t *testing.T) {
	for _, c := range []struct {
		err  error
		kind EventKind
		fix  string
	}{
		{unix.ENOENT, Missing, "gnss.device"},
		{unix.ENXIO, Missing, "cable"},
		{unix.EACCES, Denied, "dialout"},
		{unix.EPERM, Denied, "dialout"},
		{unix.EIO, Failed, "serial port"},
	} {
		e := openEvent("/dev/ttyS4", c.err)
		if e.Kind != c.kind || !strings.Contains(e.String(), c.fix) || !strings.Contains(e.String(), "/dev/ttyS4") ||
			strings.Contains(e.String(), "\n") {
			t.Errorf("%v: %v %q, want %v and %q", c.err, e.Kind, e, c.kind, c.fix)
		}
	}
}

// go.bug.st/serial keeps a port to itself, so a second reader is told.
func TestASecondReaderIsToldThatThePortIsBusy(t *testing.T) {
	if os.Geteuid() == 0 {
		t.Skip("SKIPPED: root may open an exclusive port")
	}
	_, slave := openPTY(t)
	first := start(t, Config{Device: slave, Baud: 9600})
	first.event(Opened)
	second := start(t, Config{Device: slave, Baud: 9600})
	second.event(Busy)
}
