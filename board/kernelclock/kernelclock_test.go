package kernelclock

import (
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// Also under qemu-user: the 64-bit calls exist and agree with Go's own clock.
func TestKernelClocks(t *testing.T) {
	p, err := ReadPair()
	if err != nil {
		t.Fatal(err)
	}
	if d := time.Since(time.Unix(0, p.Realtime.Ns())); d < 0 || d > time.Minute {
		t.Errorf("CLOCK_REALTIME was %v before Go's", d)
	}
	if p.WidthNs < 0 {
		t.Errorf("a sandwich of %d ns", p.WidthNs)
	}
	if d := Raw().Sub(p.Mono); d < 0 || d > time.Minute {
		t.Errorf("CLOCK_MONOTONIC_RAW moved by %v", d)
	}
	if _, err := ReadSlow(unix.CLOCK_REALTIME); err != nil {
		t.Error(err)
	}
	if _, err := Read(12345); err == nil {
		t.Error("a clock that is none was read")
	}
}

// clock_adjtime without a mode only reads; it needs no right.
func TestAdjtimeReads(t *testing.T) {
	tx := Timex{Tick: -1, TimeSec: -1}
	if err := Adjust(unix.CLOCK_REALTIME, &tx); err != nil {
		t.Fatal(err)
	}
	if tx.Tick < 9_000 || tx.Tick > 11_000 {
		t.Errorf("a tick of %d us, want 10,000: the structure is not the kernel's", tx.Tick)
	}
	if tx.Tolerance != 32_768_000 {
		t.Errorf("tolerance %d, want 500 ppm in units of 2^-16 ppm: the structure is not the kernel's", tx.Tolerance)
	}
	if d := time.Since(time.Unix(tx.TimeSec, 0)); d < -time.Second || d > time.Minute {
		t.Errorf("the time in it is %v old", d)
	}
}

func TestReadingAllocatesNothing(t *testing.T) {
	if n := testing.AllocsPerRun(100, func() { Raw() }); n != 0 {
		t.Errorf("Raw: %v allocations", n)
	}
	if n := testing.AllocsPerRun(100, func() {
		if _, err := ReadPair(); err != nil {
			t.Error(err)
		}
	}); n != 0 {
		t.Errorf("ReadPair: %v allocations", n)
	}
	var b Bridge
	if n := testing.AllocsPerRun(100, func() { b.Look() }); n != 0 {
		t.Errorf("Look: %v allocations", n)
	}
}
