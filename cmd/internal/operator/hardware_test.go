package operator

import (
	"errors"
	"io"
	"math"
	"strings"
	"testing"
	"time"

	"bragi/board"
	"bragi/cmd/internal/cli"
	"bragi/gnss/timescale"
	"bragi/master/rehearsal"
)

// crystal is a hardware clock of software, in virtual time: own ppb fast of raw time.
type crystal struct {
	mono     timescale.Mono
	ns       float64
	own, ppb float64
	now      timescale.Mono
	fails    error
	closed   int
}

func (c *crystal) at(m timescale.Mono) float64 {
	d := float64(m.Sub(c.mono))
	return c.ns + d + d*(c.own+c.ppb)*1e-9
}

func (c *crystal) turn() { c.ns, c.mono = c.at(c.now), c.now }

func (c *crystal) AdjustFrequency(ppb float64) (float64, error) {
	if c.fails != nil {
		return c.ppb, c.fails
	}
	c.turn()
	c.ppb = math.Round(ppb) // its quantum
	return c.ppb, nil
}

func (c *crystal) Step(deltaNs int64) error {
	if c.fails == nil {
		c.turn()
		c.ns += float64(deltaNs)
	}
	return c.fails
}

func (c *crystal) Timebase() board.Timebase { return board.Timebase{RatePPB: c.own + c.ppb} }
func (c *crystal) Local(m timescale.Mono) timescale.Local {
	return timescale.LocalFromNs(int64(c.at(m)))
}
func (c *crystal) Cross() (board.Cross, error) { return board.Cross{}, nil }
func (c *crystal) Info() board.ClockInfo       { return board.ClockInfo{Name: "/dev/ptp9"} }
func (c *crystal) Close() error                { c.closed++; return nil }

// seat is a client's clock that is in phase from 10 s on, and never before.
type seat struct {
	start timescale.Mono
	now   timescale.Mono
}

func (s *seat) Clock(at timescale.Mono) (int64, float64, bool) {
	d := at.Sub(s.start)
	return 1e15 + int64(d) - int64(d)/1_000_000, -1000, d > 0
}

func (s *seat) State() rehearsal.State {
	if s.now.Sub(s.start) < 10*time.Second {
		return rehearsal.FreqLocked
	}
	return rehearsal.PhaseAligned
}

// A clock of hardware is left alone until the client is in phase, is stepped once, follows,
// and goes on at the client's rate when the rehearsal has ended.
func TestADisciplinedClockFollowsAndGoesOnAtTheEnd(t *testing.T) {
	start := timescale.MonoFromNs(1e12)
	clock, client := &crystal{mono: start, now: start, own: 12_345.6}, &seat{start: start}
	s := &steering{clock: clock}
	for i := range 1200 {
		now := start.Add(time.Duration(i) * time.Second / 10)
		clock.now, client.now = now, now
		s.steer(now, client, func() { t.Fatal("stopped") })
		if i < 100 && (clock.ppb != 0 || clock.ns != 0) {
			t.Fatalf("it is touched after %d s", i/10)
		}
	}
	s.rest(client.now, client)
	ns, ppb, _ := client.Clock(client.now)
	r := s.result()
	if off := clock.at(client.now) - float64(ns); math.Abs(off) > 20 || r.Steps != 1 || r.Device != "/dev/ptp9" || r.Ahead.N < 100 {
		t.Errorf("it is off by %.0f ns: %+v", off, r)
	}
	if rate := clock.own + clock.ppb; math.Abs(rate-ppb) > 1 || r.PPB != clock.ppb {
		t.Errorf("it goes on at %.1f ppb, the client at %.1f; told as %.1f", rate, ppb, r.PPB)
	}
}

// A clock that can no longer be set ends the rehearsal, once, with the reason.
func TestADisciplinedClockThatFailsEndsTheRehearsal(t *testing.T) {
	start := timescale.MonoFromNs(1e12)
	clock, client := &crystal{mono: start, now: start, fails: errors.New("the device is gone")}, &seat{start: start, now: start.Add(time.Minute)}
	s, stopped := &steering{clock: clock}, 0
	for range 3 {
		s.steer(client.now, client, func() { stopped++ })
	}
	if stopped != 1 || s.err == nil {
		t.Errorf("stopped %d times: %v", stopped, s.err)
	}
	var none *steering
	none.steer(client.now, client, nil)
	none.rest(client.now, client)
	if none.result() != nil {
		t.Error("no clock is told as one")
	}
}

// What cannot be meant is wrong usage, and a clock or port that is not there is an error of
// one line with what to do. Nothing of the machine is touched before.
func TestTheHardwareThatIsNotThereIsToldInOneLine(t *testing.T) {
	for args, want := range map[string]struct {
		usage bool
		text  string
	}{
		"--stamps best":                                  {true, `--stamps "best" is not one of`},
		"--discipline CLOCK_REALTIME":                    {true, "no other clock is ever steered"},
		"--discipline /dev/rtc0":                         {true, "no PTP hardware clock"},
		"--discipline /dev/ptp987":                       {false, "/dev/ptp987: no such file or directory"},
		"--stamps hardware --interface nosuch9":          {false, `no network port "nosuch9" (fix: --interface`},
		"--stamps software --interface nosuch9":          {true, "--interface is for the hardware's stamps"},
		"--interface lo --discipline /dev/ptp0":          {true, "--interface is for the hardware's stamps"},
		"--interface lo --fault vanish":                  {true, "not with --fault"},
		"--stamps hardware --source 127.0.0.2/32":        {false, "(fix: "},
		"--discipline auto --interface lo":               {false, "has no PTP hardware clock (fix: "},
		"--stamps hardware --fault vanish":               {true, "not with --fault"},
		"--stamps auto --clients 3 --source 127.0.0.0/8": {true, "not with many"},
		"--discipline auto --clients 2":                  {true, "not with many"},
	} {
		c := Command(Face{Size: Shell().Size})
		c.SetArgs(append(strings.Fields("rehearse --master 127.0.0.1 --event-port 39319 --general-port 39320 --for 1s"), strings.Fields(args)...))
		c.SetOut(io.Discard)
		c.SetErr(io.Discard)
		err := c.Execute()
		var usage cli.UsageError
		if err == nil || errors.As(err, &usage) != want.usage || !strings.Contains(err.Error(), want.text) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v", args, err)
		}
	}
}
