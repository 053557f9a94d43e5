package main

import (
	"math"
	"slices"
	"strconv"
	"time"
)

// clientNs is how far the client's clock may be from bragid's where hardware
// stamps both.
const clientNs = 30

// writtenNs likewise where the kernel writes the time: one interrupt between it and
// the wire, 5 us long, moves the client's servo by half a microsecond.
const writtenNs = 2000

// programNs likewise where the program alone writes it. One clock_gettime in a
// hundred takes 5.5 us longer here, with no interrupt in it: the emulator's.
const programNs = 5000

// twinsNs likewise where the hardware stamps neither Syncs nor requests.
const twinsNs = 2000

// walkBackNs is the most that a clock may move in a second that has left its
// specification and is led back: the slew's limit, and what the pulse adds.
const walkBackNs = 100

// playClient: hardware one-step, two-step, and latencies that the configuration
// knows of.
func playClient(s *stage) {
	if !s.lock("class 6 is reached") {
		return
	}
	s.watch(clientSettles)
	s.mode("hardware-one-step")
	s.follows("hardware one-step: the client follows", time.Minute, 0, clientNs)
	r := s.said(10 * time.Second)
	s.verdict("hardware one-step: each Sync is true", r.n > 100 && r.least == 0 && r.most == 0, "%d Syncs, %d to %d ns", r.n, r.least, r.most)
	s.showFaces()

	// The port's stamps and its wire now lie: 400 ns before the wire on the way out,
	// 300 ns behind it on the way in, and the way to the client takes 1 us longer.
	for knob, ns := range map[string]int{"tx_latency_ns": 400, "rx_latency_ns": 300, "wire_ns": 1500} {
		s.turn(knob, ns)
	}
	s.watch(clientSettles)
	// The client takes half the difference of the two ways for an offset: the Sync's
	// is 400 + 1500 ns long, the Delay_Req's 500 + 300 ns; it runs late by it.
	const shift = -(400 + 1500 - 500 - 300) / 2
	s.follows("latencies and asymmetry that the configuration does not know shift the client as they must", 30*time.Second, shift, clientNs)
	const cure = "egress_latency = \"400ns\"\ningress_latency = \"300ns\"\nasymmetry = \"500ns\""
	if !s.begin("latencies and asymmetry by the configuration, one-step", "generic", cure, "") {
		return
	}
	s.follows("hardware one-step: the configuration cures them", time.Minute, 0, clientNs)
	if !s.begin("the same, two-step", "generic", cure, `sync_mode = "two-step"`) {
		return
	}
	s.mode("two-step")
	s.follows("two-step: the client follows", time.Minute, 0, clientNs)
	r = s.said(10 * time.Second)
	s.verdict("two-step: each Follow_Up is true", r.n > 100 && r.least+500 == 0 && r.most+500 == 0, "%d Follow_Ups, %d to %d ns less 500 ns of asymmetry", r.n, r.least, r.most)
	s.showFaces()
}

// playStamps: a device whose transmit stamps get lost, come twice, late, out of
// order or 1 s off, and at last never.
func playStamps(s *stage) {
	if !s.lock("class 6 is reached") || !s.begin("two-step", "generic", "", `sync_mode = "two-step"`) {
		return
	}
	s.mode("two-step")
	s.follows("the client follows", 30*time.Second, 0, clientNs)
	for _, f := range []struct {
		what  string
		knobs map[string]int
	}{
		{"every third stamp is lost", map[string]int{"drop_tx_stamp_every": 3}},
		{"every second stamp comes twice", map[string]int{"dup_tx_stamp_every": 2}},
		{"every fourth stamp comes 20 ms late, out of order", map[string]int{"delay_tx_stamp_every": 4, "delay_tx_stamp_ms": 20}},
		{"every second stamp comes 300 ms late", map[string]int{"delay_tx_stamp_every": 2, "delay_tx_stamp_ms": 300}},
		{"every fifth stamp is 1 s off", map[string]int{"off_tx_stamp_every": 5}},
	} {
		s.note("fault: %s", f.what)
		for knob, v := range f.knobs {
			s.turn(knob, v)
		}
		s.watch(5 * time.Second)
		s.follows(f.what+": the client follows", 20*time.Second, 0, clientNs)
		r := s.said(5 * time.Second)
		s.verdict(f.what+": no Follow_Up is guessed", r.n > 20 && r.least == 0 && r.most == 0, "%d Follow_Ups, %d to %d ns", r.n, r.least, r.most)
		for knob := range f.knobs {
			undo := 0
			if knob == "delay_tx_stamp_every" {
				undo = 1
			}
			s.turn(knob, undo)
		}
	}
	s.note("fault: the cable is out for 5 s")
	s.turn("cable", 0)
	_, found := s.until(5*time.Second, alarm("LINK_DOWN"))
	s.verdict("the cable is out: alarm LINK_DOWN", found, "%v", found)
	s.watch(3 * time.Second)
	s.turn("cable", 1)
	s.watch(clientSettles)
	s.mode("two-step")
	s.follows("the cable is in again: the client follows", 20*time.Second, 0, clientNs)

	s.note("fault: no stamp ever comes")
	s.turn("drop_tx_stamp_every", 1)
	seen, found := s.until(30*time.Second, alarm("HARDWARE_STAMPS"))
	s.verdict("no stamp ever comes: alarm HARDWARE_STAMPS", found, "after %d s", len(seen))
	s.watch(20 * time.Second)
	s.bounded("no stamp ever comes: the client stays inside what clockAccuracy says", s.watch(30*time.Second))
	s.showFaces()
	s.show("bragi show alarms", "/bin/bragi", "show", "alarms")
}

// playPredicted: a device that stamps but does not write the time into Sync: the
// kernel writes it, and then the program alone.
func playPredicted(s *stage) {
	for knob, v := range map[string]int{"onestep": 0, "tx_latency_ns": 400, "tx_jitter_ns": 50} {
		s.turn(knob, v)
	}
	for _, w := range []struct {
		what, line string
		worst      int64 // of the client in 99 % of the seconds
		tail       int64 // of the Syncs in 98 % of them; 0: an interrupt may lie in the send
	}{
		{"written by the kernel", "", writtenNs, 500},
		{"written by the program", "kernel_sync = false", programNs, 0},
	} {
		if !s.begin(w.what, "imx6ul", `egress_latency = "400ns"`, w.line) {
			return
		}
		s.mode("predicted-one-step")
		s.watch(30 * time.Second)
		seen := s.watch(time.Minute)
		m := peers(seen, 0)
		s.verdict(w.what+": the client follows", len(m) == len(seen) && middle(seen) <= 200 && middle(seen) >= -200 && percentile(m, 99) <= w.worst,
			"client less grandmaster, %d s: median %d ns, limit 200 ns; p99 of its size %d ns, limit %d ns", len(m), middle(seen), percentile(m, 99), w.worst)
		r := s.said(40 * time.Second)
		s.verdict(w.what+": the Syncs are true", r.n > 300 && max(r.p50, -r.p50) <= 200 && (w.tail == 0 || r.p99 <= w.tail && -r.p1 <= w.tail),
			"%d Syncs: p1 %d, median %d, p99 %d ns; limit of the median 200 ns, of the others %d (0: none)", r.n, r.p1, r.p50, r.p99, w.tail)
		c, err := ask()
		h := c.Hardware.Residual
		s.verdict(w.what+": the published residual is the oracle's", err == nil && h.N >= 300 && near(h.P50, r.p50, 100), "published p1 %d, p50 %d, p99 %d of %d; oracle %d, %d, %d of %d; limit 100 ns at the median",
			h.P1, h.P50, h.P99, h.N, r.p1, r.p50, r.p99, r.n)
		s.bounded(w.what+": the client stays inside what clockAccuracy says", seen)
		s.showFaces()
	}
}

// playAM335x: a port that stamps no unicast, as the BeagleBone's. What its
// receive stamps are late by is measured by a neighbour's messages.
func playAM335x(s *stage) {
	for knob, v := range map[string]int{"onestep": 0, "unicast_stamps": 0, "rx_all": 0} {
		s.turn(knob, v)
	}
	if !s.begin("no stamps of unicast", "beaglebone-black", "", "") {
		return
	}
	s.mode("predicted-one-step")
	s.watch(30 * time.Second)
	seen := s.follows("the client follows", 2*time.Minute, 0, twinsNs)
	r := s.said(40 * time.Second)
	s.verdict("the twins calibrate: the Syncs are true", r.n > 300 && max(r.p50, -r.p50) <= 1000, "%d Syncs: p1 %d, median %d, p99 %d ns; limit of the median 1000 ns", r.n, r.p1, r.p50, r.p99)
	s.bounded("the client stays inside what clockAccuracy says", seen)
	s.showFaces()
}

// playVLAN is a cable hub's: PTP in a VLAN, whose clock and stamps are the port's
// below it. The hardware writes the time, and then the kernel.
func playVLAN(s *stage) {
	if !s.lock("class 6 is reached") {
		return
	}
	s.watch(clientSettles)
	s.mode("hardware-one-step")
	s.hardwareSays("VLAN", "gmt0.100 on gmt0", "/dev/ptp0")
	s.follows("hardware one-step: the client follows", 30*time.Second, 0, clientNs)
	s.turn("onestep", 0)
	if !s.begin("no one-step", "generic", "", "") {
		return
	}
	s.mode("predicted-one-step")
	s.watch(30 * time.Second)
	s.follows("written by the kernel: the client follows", time.Minute, 0, writtenNs)
	r := s.said(20 * time.Second)
	s.verdict("written by the kernel: the Syncs are true", r.n > 100 && -500 <= r.p1 && r.p99 <= 500, "%d Syncs: p1 %d, median %d, p99 %d ns, limit 500 ns", r.n, r.p1, r.p50, r.p99)
	s.showFaces()
}

// playWalk takes the antenna away for so long that the holdover leaves its
// specification, with a client that follows: class 6, 7, 52 and back.
func playWalk(s *stage) {
	if !s.lock("class 6 is reached") {
		return
	}
	s.watch(3 * time.Minute)
	s.follows("in lock: the client follows", time.Minute, 0, clientNs)
	first := len(s.samples)
	s.turn("antenna", 0)
	_, in7 := s.until(15*time.Second, class(7))
	s.verdict("without antenna: class 7", in7, "%v", in7)
	seen, in52 := s.until(time.Hour, class(52))
	s.verdict("without antenna for long: class 52", in52, "after %d s; bound %.0f ns, true error %d ns", len(seen), s.samples[len(s.samples)-1].BoundNs, s.samples[len(s.samples)-1].ErrNs)
	s.watch(2 * time.Minute)
	s.inside("without antenna: the clock and the client stay inside what is announced", s.samples[first:])
	back := len(s.samples)
	s.turn("antenna", 1)
	_, in6 := s.until(20*time.Minute, class(6))
	seen = s.samples[back:]
	s.verdict("antenna back: class 6", in6, "after %d s", len(seen))
	s.inside("on the way back: likewise", seen)
	s.verdict("no step on the way back", largestMove(seen) <= walkBackNs, "largest move in a second %d ns, limit %d ns", largestMove(seen), walkBackNs)
	var classes []int
	for _, x := range s.samples[first:] {
		if x.Serving && (len(classes) == 0 || classes[len(classes)-1] != x.Class) {
			classes = append(classes, x.Class)
		}
	}
	s.verdict("the classes one after the other", slices.Equal(classes, []int{6, 7, 52, 6}) || slices.Equal(classes, []int{6, 7, 52, 7, 6}), "%v", classes)
	s.watch(clientSettles)
	s.follows("in lock again: the client follows", time.Minute, 0, clientNs)
}

func near(a, b, limit int64) bool { return a-b <= limit && b-a <= limit }

// middle is the median of the client's true error.
func middle(seen []Sample) int64 {
	m := make([]int64, 0, len(seen))
	for _, x := range seen {
		m = append(m, -x.PeerNs)
	}
	return median(m)
}

func alarm(code string) func(Sample) bool {
	return func(x Sample) bool {
		for _, a := range x.Alarms {
			if a == code {
				return true
			}
		}
		return false
	}
}

// inside judges what is announced in every second: the true error of the clock by
// the bound and by clockAccuracy, the client's by clockAccuracy.
func (s *stage) inside(what string, seen []Sample) {
	clock, peer, none := 0, 0, 0
	for _, x := range seen {
		limit := accuracyNs(x.Accuracy)
		own := math.Abs(float64(x.ErrNs))
		switch {
		case !x.Oracle || !x.Client || !x.Answers:
			none++
		case own > min(x.BoundNs, limit):
			clock++
		case math.Abs(float64(x.ErrNs-x.PeerNs)) > limit+clientNs:
			peer++
		}
	}
	s.verdict(what, len(seen) > 0 && clock+peer+none == 0, "%d s: the clock outside in %d, the client in %d (by more than %d ns of its own), not known in %d", len(seen), clock, peer, clientNs, none)
}

// bounded judges clockAccuracy: the client's true error against the sky is inside
// it in 99 % of the seconds.
func (s *stage) bounded(what string, seen []Sample) {
	inside, tightest := 0, math.Inf(1)
	for _, x := range seen {
		limit := accuracyNs(x.Accuracy)
		tightest = min(tightest, limit)
		if x.Client && x.Oracle && math.Abs(float64(x.ErrNs-x.PeerNs)) <= limit {
			inside++
		}
	}
	s.verdict(what, len(seen) > 0 && inside*100 >= len(seen)*99, "%d of %d s inside; the tightest said %.0f ns", inside, len(seen), tightest)
}

// accuracyNs is what a clockAccuracy says (IEEE 1588-2019, table 5), in ns.
func accuracyNs(text string) float64 {
	v, err := strconv.ParseUint(text, 0, 8)
	ns := []float64{1e-3, 2.5e-3, 10e-3, 25e-3, 100e-3, 250e-3, 1, 2.5, 10, 25, 100, 250, 1000, 2500, 10_000, 25_000, 100_000, 250_000, 1e6, 2.5e6, 10e6, 25e6, 100e6, 250e6, 1e9, 10e9}
	if first := uint64(0x17); err == nil && v >= first && v < first+uint64(len(ns)) {
		return ns[v-first]
	}
	return math.Inf(1)
}
