package main

import (
	"fmt"
	"math"
	"strings"
	"time"
)

// Sample is one second: the truth, and what bragid claims at that time.
type Sample struct {
	AtS      float64 // seconds since the scenario began
	ErrNs    int64   // true time error of the PHC; positive: ahead
	Oracle   bool    // ErrNs is known
	Answers  bool    // bragid told its status
	Serving  bool
	Class    int
	State    string
	Alarms   []string
	PeerNs   int64   // true time of bragid's PHC less the client's
	Client   bool    // there is a client, and PeerNs is known
	Accuracy string  // clockAccuracy
	BoundNs  float64 // claimed bound of the error; +Inf: none claimed
}

// lies tells whether the sample claims a traceable time (class 6 or 7) with a
// bound that the truth is outside of.
func (s Sample) lies() bool {
	return s.Oracle && s.Answers && s.Serving && s.Class <= 7 && math.Abs(float64(s.ErrNs)) > s.BoundNs
}

// sample waits for the middle of the sky's next second (or s.every), away from
// pulse and sentence, and takes one.
func (s *stage) sample() Sample {
	wait := time.Second
	if ns, err := read("sky_ns"); err == nil {
		wait = time.Duration((1_500_000_000 - ns%1_000_000_000) % 1_000_000_000)
		wait = max(wait, 10*time.Millisecond)
	}
	time.Sleep(wait + max(0, s.every-time.Second))
	x := Sample{AtS: time.Since(s.started).Seconds(), BoundNs: math.Inf(1)}
	c, err := ask()
	if err == nil {
		x.Answers, x.Serving, x.Class, x.State = true, c.Clock.Serving, c.Clock.ClockClass, c.Clock.StateName
		if c.Clock.BoundNs != nil {
			x.BoundNs = *c.Clock.BoundNs
		}
	}
	if ns, err := oracle(); err == nil {
		x.ErrNs, x.Oracle = ns, true
	}
	if s.client != nil {
		ns, err := read("phc_minus_peer_ns")
		x.PeerNs, x.Client = ns, err == nil
	}
	x.Accuracy = c.Clock.Accuracy
	for _, a := range c.Alarms {
		x.Alarms = append(x.Alarms, a.Code)
	}
	alarms := strings.Join(x.Alarms, " ")
	shown := x.State + alarms
	if n := len(s.samples); shown != s.shown || n%60 == 0 {
		peer := ""
		if x.Client {
			peer = fmt.Sprintf(", client %+d ns, accuracy %s", -x.PeerNs, x.Accuracy)
		}
		s.note("true %+d ns, bound %.0f ns, class %d, %s%s, alarms %s", x.ErrNs, x.BoundNs, x.Class, x.State, peer, alarms)
		s.shown = shown
	}
	s.samples = append(s.samples, x)
	return x
}

// watch samples for a time and returns what was seen.
func (s *stage) watch(d time.Duration) []Sample {
	first := len(s.samples)
	for end := time.Now().Add(d); time.Now().Before(end); {
		s.sample()
	}
	return s.samples[first:]
}

// until samples until done, at most limit.
func (s *stage) until(limit time.Duration, done func(Sample) bool) ([]Sample, bool) {
	first := len(s.samples)
	for end := time.Now().Add(limit); time.Now().Before(end); {
		if done(s.sample()) {
			return s.samples[first:], true
		}
	}
	return s.samples[first:], false
}

func class(n int) func(Sample) bool {
	return func(x Sample) bool { return x.Answers && x.Serving && x.Class == n }
}
