package board

import (
	"context"
	"errors"
	"math"
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"bragi/gnss/timescale"
)

// ppsScript is a /dev/ppsN whose edges the test writes down: each fetch that
// waits runs the next step.
type ppsScript struct {
	m     *machine
	info  unix.PPSKInfo
	steps []func(*ppsScript) error
	fail  error
}

func (s *ppsScript) capture() error { return s.fail }
func (s *ppsScript) close() error   { return nil }

func (s *ppsScript) fetch(wait time.Duration) (unix.PPSFData, error) {
	if s.fail != nil {
		return unix.PPSFData{}, s.fail
	}
	var err error
	if wait > 0 {
		err = unix.ETIMEDOUT
		if len(s.steps) > 0 {
			step := s.steps[0]
			s.steps = s.steps[1:]
			err = step(s)
		}
	}
	return unix.PPSFData{Info: s.info}, err
}

// edge is an interrupt now.
func (s *ppsScript) edge() error {
	s.info.Assert_sequence++
	at := ptpTime(s.m.raw + float64(s.m.realtime))
	s.info.Assert_tu = unix.PPSKTime{Sec: at.Sec, Nsec: int32(at.Nsec)}
	s.m.pass(40_000) // to the reader
	return nil
}

func fakePPS(t *testing.T, steps ...func(*ppsScript) error) (*PPS, *ppsScript, *PHC) {
	t.Helper()
	m := newMachine(unix.PTP_SYS_OFFSET_EXTENDED)
	phc := fakePHC(t, m)
	for range 10 {
		m.pass(500e6)
		if _, err := phc.Cross(); err != nil {
			t.Fatal(err)
		}
	}
	s := &ppsScript{m: m, steps: steps}
	s.info.Assert_sequence = 41
	p, err := newPPS("/dev/pps3", phc, s, m.pair)
	if err != nil {
		t.Fatal(err)
	}
	return p, s, phc
}

func TestPPSEdgesAreInTheClocksTime(t *testing.T) {
	var at []float64
	second := func(s *ppsScript) error {
		s.m.pass(1e9)
		at = append(at, s.m.phcNow())
		return s.edge()
	}
	timeout := func(s *ppsScript) error {
		s.m.pass(1e8)
		return unix.ETIMEDOUT
	}
	falling := func(s *ppsScript) error {
		s.info.Clear_sequence++
		return nil
	}
	between := func(s *ppsScript) error { // comes after the wait gave up
		err := timeout(s)
		at = append(at, s.m.phcNow())
		return errors.Join(s.edge(), err)
	}
	p, _, _ := fakePPS(t, second, timeout, falling, second, between)
	for i := range 3 {
		e, err := p.ReadEdge(soon(t))
		if err != nil {
			t.Fatal(err)
		}
		if off := math.Abs(float64(e.Local.Ns()) - at[i]); off > 800 {
			t.Errorf("edge %d: %.0f ns off", i, off)
		}
		if e.SigmaNs < 1700 || e.SigmaNs > 3000 {
			t.Errorf("sigma %.0f ns: an interrupt's is 1.7 us and a bit", e.SigmaNs)
		}
	}
}

// A source that captures falling edges gives both, the older one first, each with its
// direction.
func TestPPSGivesBothEdgesOfASourceThatCapturesThem(t *testing.T) {
	fall := func(s *ppsScript) {
		s.info.Clear_sequence++
		at := ptpTime(s.m.raw + float64(s.m.realtime))
		s.info.Clear_tu = unix.PPSKTime{Sec: at.Sec, Nsec: int32(at.Nsec)}
	}
	rise := func(s *ppsScript) error {
		s.m.pass(900e6)
		return s.edge()
	}
	falls := func(s *ppsScript) error {
		s.m.pass(100e6)
		fall(s)
		return nil
	}
	both := func(s *ppsScript) error { // the reader comes too late for one at a time
		err := rise(s)
		s.m.pass(100e6)
		fall(s)
		return err
	}
	p, _, _ := fakePPS(t, rise, falls, both)
	var last timescale.Edge
	for i, falling := range []bool{false, true, false, true} {
		e, err := p.ReadEdge(soon(t))
		if err != nil || e.Falling != falling {
			t.Fatalf("edge %d falls: %v, %v", i, e.Falling, err)
		}
		want := 900 * time.Millisecond
		if falling {
			want = 100 * time.Millisecond
		}
		if gap := e.Mono.Sub(last.Mono); i > 0 && (gap-want).Abs() > time.Millisecond {
			t.Errorf("edge %d comes %v after the one before, want %v", i, gap, want)
		}
		last = e
	}
}

func TestPPSSkipsMissedEdgesAndThoseAcrossAJump(t *testing.T) {
	var at []float64 // of the edges that are to come
	missed := func(s *ppsScript) error {
		s.m.pass(3e9)
		at = append(at, s.m.phcNow())
		s.info.Assert_sequence += 2
		return s.edge()
	}
	jump := func(s *ppsScript) error { // between the edge and the reading of it
		s.m.pass(1e9)
		err := s.edge()
		s.m.realtime -= 200_000_000
		return err
	}
	second := func(s *ppsScript) error {
		s.m.pass(1e9)
		at = append(at, s.m.phcNow())
		return s.edge()
	}
	p, _, _ := fakePPS(t, missed, jump, second)
	for i := range 2 {
		e, err := p.ReadEdge(soon(t))
		if err != nil || len(at) != i+1 || math.Abs(float64(e.Local.Ns())-at[i]) > 800 {
			t.Errorf("edge %d at %v, %v; want %.0f", i, e.Local.Ns(), err, at)
		}
	}
}

func TestPPSErrorsNameTheDeviceAndTheFix(t *testing.T) {
	p, s, phc := fakePPS(t)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := p.ReadEdge(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("a cancelled read: %v", err)
	}
	s.fail = unix.ENODEV
	if _, err := p.ReadEdge(soon(t)); !errors.Is(err, unix.ENODEV) || !strings.Contains(err.Error(), "/dev/pps3") {
		t.Errorf("a device that is gone: %v", err)
	}
	if _, err := newPPS("/dev/pps3", phc, s, s.m.pair); err == nil {
		t.Error("a device without edges was opened")
	}
	for range 2 {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	}
	if _, err := p.ReadEdge(soon(t)); !errors.Is(err, os.ErrClosed) {
		t.Errorf("a read after Close: %v", err)
	}
	if _, err := OpenPPS(t.TempDir()+"/pps0", phc); !errors.Is(err, os.ErrNotExist) || !strings.Contains(err.Error(), "/sys/class/pps") {
		t.Errorf("a missing device: %v", err)
	}
	if _, err := OpenPPS("/dev/null", phc); err == nil || !strings.Contains(err.Error(), "gnss.pps") {
		t.Errorf("/dev/null as a pulse: %v", err)
	}
}
