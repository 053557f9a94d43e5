package port

import (
	"bytes"
	"context"
	"os"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"bragi/gnss/timescale"
)

// script is a Talker that says one thing after the other.
type script struct {
	mu    sync.Mutex
	lines []said
}

type said struct {
	write string
	baud  int
}

func (s *script) Speak() ([]byte, int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.lines) == 0 {
		return nil, 0
	}
	l := s.lines[0]
	s.lines = s.lines[1:]
	return []byte(l.write), l.baud
}

// receiver is the far end of a pseudo terminal that speaks at one rate only: at
// any other, what it sends and what it hears is noise.
type receiver struct {
	master *os.File
	slave  int // for its settings
	mu     sync.Mutex
	heard  []byte
}

func newReceiver(t *testing.T) (*receiver, string) {
	t.Helper()
	master, name := openPTY(t)
	slave, err := unix.Open(name, unix.O_RDWR|unix.O_NOCTTY|unix.O_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(slave) })
	r := &receiver{master: master, slave: slave}
	go func() {
		b := make([]byte, 256)
		for {
			n, err := master.Read(b)
			if err != nil {
				return
			}
			r.mu.Lock()
			r.heard = append(r.heard, b[:n]...)
			r.mu.Unlock()
		}
	}()
	return r, name
}

// rate is the speed that the host has set, as a B constant.
func (r *receiver) rate(t *testing.T) uint32 {
	t.Helper()
	tio, err := unix.IoctlGetTermios(r.slave, unix.TCGETS)
	if err != nil {
		t.Fatal(err)
	}
	return tio.Cflag & unix.CBAUD
}

func (r *receiver) took() []byte {
	r.mu.Lock()
	defer r.mu.Unlock()
	return bytes.Clone(r.heard)
}

// until waits for what must come.
func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !ok(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not in %v: %s", patience, what)
		}
	}
}

// A Talker's words reach the receiver in order, and a change of rate takes
// effect after the words before it.
func TestTalkerWritesAndChangesTheRate(t *testing.T) {
	t.Parallel()
	r, name := newReceiver(t)
	talk := &script{lines: []said{{write: "\xb5\x62one"}, {write: "two", baud: 115200}, {}, {write: "three"}}}
	run := start(t, Config{Device: name, Baud: 9600, Talk: talk})
	run.event(Opened)
	until(t, "all words", func() bool { return string(r.took()) == "\xb5\x62onetwothree" })
	if got := r.rate(t); got != unix.B115200 {
		t.Errorf("the rate is %#x, want B115200", got)
	}
}

// Without Talk and Probe not a byte is written, whatever comes.
func TestNothingIsWrittenUnasked(t *testing.T) {
	t.Parallel()
	r, name := newReceiver(t)
	run := start(t, Config{Device: name})
	time.Sleep(listenPerRate + 2*readTimeout) // through a silent rate
	for range 8 {
		write(t, r.master, "\x00\xffgarbage"+zda)
		time.Sleep(50 * time.Millisecond)
	}
	run.event(Opened)
	run.stop()
	if got := r.took(); len(got) > 0 {
		t.Errorf("%q was written", got)
	}
}

// A receiver that says nothing unasked is found by asking it, and only in the
// first rounds.
func TestSilentReceiverIsProbed(t *testing.T) {
	t.Parallel()
	r, name := newReceiver(t)
	probe := "\xb5\x62\x0a\x04\x00\x00\x0e\x34"
	run := start(t, Config{Device: name, Probe: []byte(probe)})
	until(t, "a probe", func() bool { return len(r.took()) > 0 })
	if got := string(r.took()); got != probe {
		t.Errorf("the probe is %q, want %q", got, probe)
	}
	write(t, r.master, "\xb5\x62\x0a\x04\x00\x00\x0e\x34") // any good frame proves the rate
	run.event(Opened)

	late := &reader{port: nil, probe: []byte(probe), rounds: probeRounds + 1}
	if late.probesLeft() {
		t.Error("probed without end")
	}
}

// Every rate that is tried is found in less than 10 s, the last of the list too,
// though what comes at the others is noise.
func TestWrongRateIsLeftWithinTenSeconds(t *testing.T) {
	t.Parallel()
	if total := time.Duration(len(rates)) * listenPerRate; total >= 10*time.Second {
		t.Errorf("all rates take %v", total)
	}
	r, name := newReceiver(t)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go func() {
		noise := bytes.Repeat([]byte{0x1f, 0xe0, 0x98, 0x00, 0xf8}, 40)
		for ctx.Err() == nil {
			text := []byte(zda)
			tio, err := unix.IoctlGetTermios(r.slave, unix.TCGETS)
			if err == nil && tio.Cflag&unix.CBAUD != unix.B19200 {
				text = noise
			}
			r.master.Write(text) //nolint:errcheck // the test's end closes it
			time.Sleep(time.Second)
		}
	}()
	opened := make(chan int, 1)
	began := time.Now()
	go New(Config{Device: name}).Run(ctx, func(timescale.Mono, []byte) {}, func(e Event) { //nolint:errcheck // it ends with ctx
		if e.Kind == Opened {
			opened <- e.Baud
		}
	})
	select {
	case baud := <-opened:
		if took := time.Since(began); baud != 19200 || took > 10*time.Second {
			t.Errorf("%d baud after %v", baud, took)
		}
	case <-time.After(patience):
		t.Error("the rate was not found")
	}
}

// A receiver that changes its rate in the middle, or loses its power and with it
// the rate that was set, is sought anew after four seconds of noise.
func TestRateThatChangesIsSoughtAnew(t *testing.T) {
	t.Parallel()
	master, slave := openPTY(t)
	run := start(t, Config{Device: slave})
	write(t, master, zda)
	run.event(Opened)
	noise := string(bytes.Repeat([]byte{0x1f, 0xe0, 0x98, 0x00, 0xf8}, 20))
	began := time.Now()
	for time.Since(began) < deafTime+time.Second {
		write(t, master, noise)
		time.Sleep(200 * time.Millisecond)
	}
	write(t, master, zda)
	run.event(Opened)
}
