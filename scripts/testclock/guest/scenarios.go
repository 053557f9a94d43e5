package main

import (
	"math"
	"runtime"
	"slices"
	"strings"
	"time"
)

// Marks of the accuracy: pulse noise 6 ns, sawtooth 8 ns, oscillator +4600 ppb
// with a wander of 20 ppt per second.
const (
	usualNs   = 30 // in 99 % of the seconds
	worstNs   = 50
	ppsNs     = 2000 // by the kernel's pulse: an interrupt is in it
	moveNs    = 100  // a second may move the served time by so much; more is a step
	lockLimit = 2 * time.Minute
	// ppsLimit is longer: a pulse with microseconds of noise must be averaged.
	ppsLimit = 6 * time.Minute
	// detection is how many seconds may pass before a fault that nobody
	// announces is seen: the clock is compared with the pulse once a second.
	detection = 3
)

// lock waits for class 6; false if it does not come.
func (s *stage) lock(what string) bool { return s.lockIn(lockLimit, what) }

func (s *stage) lockIn(limit time.Duration, what string) bool {
	seen, ok := s.until(limit, class(6))
	s.verdict(what, ok, "after %d s", len(seen))
	return ok
}

// accuracy judges seconds of lock by limits.
func (s *stage) accuracy(seen []Sample, usual, worst int64) {
	m := magnitudes(seen)
	s.verdict("the PHC is true in 99 % of the locked seconds", len(m) == len(seen) && percentile(m, 99) <= usual,
		"%d s: p50 %d ns, p99 %d ns, limit %d ns", len(m), percentile(m, 50), percentile(m, 99), usual)
	s.verdict("the PHC is true in every locked second", len(m) == len(seen) && percentile(m, 100) <= worst,
		"worst %d ns, limit %d ns", percentile(m, 100), worst)
	s.verdict("it stays at class 6", count(seen, class(6)) == len(seen), "%d of %d s", count(seen, class(6)), len(seen))
	s.honest("the error stays inside the announced bound", seen, 0)
}

// honest: no longer than limit seconds at a time is the truth outside of what
// is claimed.
func (s *stage) honest(what string, seen []Sample, limit int) {
	lies := count(seen, Sample.lies)
	s.verdict(what, longestLie(seen) <= limit, "%d of %d s outside, longest %d s, limit %d s", lies, len(seen), longestLie(seen), limit)
}

// holdover cuts the antenna for a while and gives it back.
func (s *stage) holdover(cut, back time.Duration) {
	s.turn("antenna", 0)
	seen := s.watch(cut)
	s.verdict("without antenna: class 7 within 15 s", count(seen[:min(15, len(seen))], class(7)) > 0, "class %d after 15 s", seen[min(14, len(seen)-1)].Class)
	m := magnitudes(seen)
	s.verdict("class 7 lasts", count(seen[15:], class(7)) == len(seen)-15, "%d of %d s, true error at most %d ns, bound %.0f ns at the end",
		count(seen, class(7)), len(seen), percentile(m, 100), seen[len(seen)-1].BoundNs)
	s.honest("in holdover the error stays inside the announced bound", seen, 0)
	s.turn("antenna", 1)
	seen = s.watch(back)
	s.verdict("antenna back: class 6", seen[len(seen)-1].Class == 6, "class %d after %v, true error %d ns", seen[len(seen)-1].Class, back, seen[len(seen)-1].ErrNs)
	s.verdict("no step on the way back", largestMove(seen) <= moveNs, "largest move in a second %d ns, limit %d ns", largestMove(seen), moveNs)
	s.honest("relocking, the error stays inside the announced bound", seen, 0)
}

func playLock(s *stage) {
	if !s.lock("class 6 is reached") {
		return
	}
	s.watch(30 * time.Second)
	window := 10 * time.Minute
	if runtime.GOARCH == "arm" {
		window /= 2 // its emulation takes three times as long
	}
	s.accuracy(s.watch(window), usualNs, worstNs)
	s.showFaces()
	s.holdover(2*time.Minute, 3*time.Minute)
}

func (s *stage) showFaces() {
	s.show("bragi show hardware", "/bin/bragi", "show", "hardware")
	s.show("bragi show clock --json", "/bin/bragi", "show", "clock", "--json")
	s.show("bragi show gnss", "/bin/bragi", "show", "gnss")
}

// playDay is the long one: hours of lock, looked at every ten seconds, an hour
// without antenna.
func playDay(s *stage) {
	if !s.lock("class 6 is reached") {
		return
	}
	s.watch(10 * time.Minute)
	s.every = 10 * time.Second
	s.accuracy(s.watch(time.Duration(s.hours)*time.Hour), usualNs, worstNs)
	s.every = time.Second
	s.turn("antenna", 0)
	seen := s.watch(time.Hour)
	s.honest("an hour without antenna: the error stays inside the announced bound", seen, 0)
	s.turn("antenna", 1)
	// An hour of such wander is worth microseconds, and 50 ppb lead back.
	s.lockIn(10*time.Minute, "antenna back: class 6")
}

// playQuantum gives the PHC the grain of real ones, which their drivers do not
// tell.
func playQuantum(s *stage) {
	if !s.lock("class 6 is reached") {
		return
	}
	for _, q := range []struct {
		what string
		ppt  int
	}{{"AM335x CPTS, 0.466 ppb", 466}, {"i.MX FEC, 1 ppb", 1000}} {
		s.note("%s", q.what)
		s.turn("quantum_ppt", q.ppt)
		s.watch(time.Minute)
		s.accuracy(s.watch(4*time.Minute), usualNs, worstNs)
	}
}

func playPPS(s *stage) {
	if !s.lockIn(ppsLimit, "class 6 is reached by /dev/pps0") {
		return
	}
	s.watch(30 * time.Second)
	s.accuracy(s.watch(2*time.Minute), ppsNs, ppsNs)
	s.showFaces()
	s.holdover(time.Minute, 2*time.Minute)
}

func playRTC(s *stage) {
	ns, err := read("sky_ns")
	s.verdict("the sky is beyond 2038", err == nil && ns/1_000_000_000 > math.MaxInt32, "Unix second %d, %v", ns/1_000_000_000, err)
	if !s.lock("class 6 is reached beyond 2038") {
		return
	}
	s.watch(30 * time.Second)
	s.accuracy(s.watch(3*time.Minute), usualNs, worstNs)
	s.rehearse()
	s.showFaces()
	s.holdover(time.Minute, 2*time.Minute)
}

// playFaults lets the hardware misbehave. After each fault the clock must be at
// class 6 and true again.
func playFaults(s *stage) {
	if !s.lock("class 6 is reached") {
		return
	}
	s.watch(90 * time.Second) // learned enough for class 7
	faults := []struct {
		what  string
		knob  string
		value int
		undo  int
		lasts time.Duration
	}{
		{"every edge four times", "repeat", 4, 1, 30 * time.Second},
		{"one pulse 200 ms late", "glitch_ns", 200_000_000, 0, 0},
		{"one pulse 50 ms early", "glitch_ns", -50_000_000, 0, 0},
		{"one pulse 300 us late", "glitch_ns", 300_000, 0, 0},
		{"one pulse 2 us late", "glitch_ns", 2_000, 0, 0},
		{"the antenna is out for 3 s", "antenna", 0, 1, 3 * time.Second},
		{"the PHC jumps by 5 us", "jump_ns", 5_000, 0, 0},
		{"the PHC jumps by -300 ms", "jump_ns", -300_000_000, 0, 0},
		{"the PHC jumps by 700 ns", "jump_ns", 700, 0, 0},
		{"link down and up, and the driver sets the PHC to system time", "reset_on_up", 1, 0, 2 * time.Second},
		{"the PHC stands still for 20 s", "freeze", 1, 0, 20 * time.Second},
	}
	for _, f := range faults {
		s.note("fault: %s", f.what)
		before := s.samples[len(s.samples)-1].ErrNs
		s.turn(f.knob, f.value)
		first := len(s.samples)
		if f.knob == "reset_on_up" {
			for _, to := range []string{"down", "up"} {
				if err := command("ip", "link", "set", "gmt0", to); err != nil {
					s.verdict("ip link set gmt0 "+to, false, "%v", err)
				}
			}
		}
		s.watch(f.lasts)
		if f.lasts > 0 {
			s.turn(f.knob, f.undo)
		}
		s.watch(30 * time.Second)
		_, back := s.until(time.Minute, func(x Sample) bool { return class(6)(x) && x.ErrNs < worstNs && x.ErrNs > -worstNs })
		seen := s.samples[first:]
		m := magnitudes(seen)
		s.verdict(f.what+": bragid lives", s.running(), "running %v", s.running())
		s.honest(f.what+": no lie", seen, detection)
		s.verdict(f.what+": back at class 6 and true", back, "after %d s; true error %d ns before, %d ns at most, %d ns now; largest move %d ns",
			len(seen), before, percentile(m, 100), seen[len(seen)-1].ErrNs, largestMove(seen))
		if back {
			continue
		}
		if s.note("bragid is started anew, for the next fault"); s.restart() != nil || !s.lock("class 6 after a restart") {
			return
		}
		s.watch(90 * time.Second)
	}
}

// playUnplug takes the whole hardware away: PHC, pulse and port.
func playUnplug(s *stage) {
	if !s.lock("class 6 is reached") {
		return
	}
	s.watch(90 * time.Second)
	if err := command("rmmod", "gmtest"); err != nil {
		s.verdict("rmmod", false, "%v", err)
		return
	}
	s.note("rmmod gmtest: PHC, pulse, ports and the receiver are gone")
	seen := s.watch(time.Minute)
	if !s.running() {
		s.verdict("unplugged: bragid ends with an error that is told", true, "it ended")
		return
	}
	last := seen[len(seen)-1]
	claims := count(seen, class(6))
	s.verdict("unplugged: class 6 ends", claims <= 15 && last.Class != 6, "class 6 for %d s, then class %d, serving %v", claims, last.Class, last.Serving)
	for _, code := range []string{"BOARD_CLOCK", "PULSE_DEVICE", "RECEIVER_SILENT"} {
		s.verdict("unplugged: alarm "+code, slices.Contains(last.Alarms, code), "%s", strings.Join(last.Alarms, " "))
	}
	s.verdict("unplugged: no traceable time", !last.Serving || last.Class > 7, "class %d, serving %v, bound %.0f ns", last.Class, last.Serving, last.BoundNs)
	s.show("bragi show alarms", "/bin/bragi", "show", "alarms")
}
