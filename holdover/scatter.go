package holdover

import (
	"math"
	"slices"
)

// scatter measures the noise of the pulses by themselves. Of three pulses equally
// far apart the middle one is compared with the line through its neighbours: phase and
// frequency, whatever they are, fall out, and a steady drift is a constant. So the
// noise is 1.4826 times the median distance of these differences from their median,
// divided by sqrt(1.5). A jump of the pulse or of the frequency touches two of them,
// not the median.
//
// With neighbours a second away that is the white noise. With neighbours 16 s away it
// is also what a quarter of a minute of pulses has in common (multipath, beats of a
// sawtooth). An oscillator of a plain crystal shows there too, so what is believed
// of it is limited.
type scatter struct {
	ns       float64 // standard deviation of a pulse, white
	commonNs float64 // of what they have in common
	common   float64 // mean of what the far differences have more than the near ones, ns^2
	firstNs  float64 // ns before pulses have shown it
	usualNs  float64 // over a day
	scale    float64 // how many times larger than usual it is now
	ring     [40]point
	pulses   int
	near     [64]float64 // differences
	far      [64]float64
	n, farN  int // of them since the last expect
	total    int
}

const (
	noiseFirstNs    = 30 // a navigation receiver's pulse until measured
	noiseLeastNs    = 3
	noisePrior      = 32 // differences that the first value weighs
	noiseRecent     = 11
	noiseEvery      = 4   // differences between two looks, once there are many
	noiseSpanS      = 6.5 // of three pulses, at most
	farPulses       = 16
	commonLeastNs   = 3.5
	commonMostNs    = 15   // multipath
	commonMost      = 2.0  // of the white noise
	commonChance    = 0.05 // of its variance: less is chance
	commonShows     = 0.55 // of its variance, in the difference
	commonMean      = 512  // looks
	usualAfter      = 900
	usualPulses     = 20_000 // looks, a day of them
	pulseScaleLeast = 2      // less may be chance
	pulseScaleMost  = 10
)

func newScatter() scatter {
	return scatter{ns: noiseFirstNs, commonNs: commonLeastNs, firstNs: noiseFirstNs, scale: 1}
}

// expect takes it that pulses have at least the noise ns, until they show another
// one.
func (s *scatter) expect(ns float64) {
	if ns > s.ns {
		s.firstNs, s.n = ns, 0
		s.set(ns)
	}
}

// before is the pulse k before the last one.
func (s *scatter) before(k int) point { return s.ring[(s.pulses-1-k)%len(s.ring)] }

// difference is that of the pulse k before the last one and the line through those
// k to both sides of it; ok is false when they are not all there.
func (s *scatter) difference(k int, spanS float64) (v float64, ok bool) {
	if s.pulses <= 2*k {
		return 0, false
	}
	a, b, c := s.before(2*k), s.before(k), s.before(0)
	span := c.t - a.t
	if span > spanS || !(b.t > a.t && c.t > b.t) {
		return 0, false
	}
	wa, wc := (c.t-b.t)/span, (b.t-a.t)/span
	return (b.z - wa*a.z - wc*c.z) / math.Sqrt(1+wa*wa+wc*wc), true
}

// add takes a pulse; oscillator is the variance, in ns^2, that the oscillator may make
// of the difference over farPulses. It reports by how much the variances of the slow errors of the
// pulse grew, in units of their usual ones.
func (s *scatter) add(t, z, oscillator float64) (more float64) {
	s.ring[s.pulses%len(s.ring)] = point{t: t, z: z}
	s.pulses++
	if v, ok := s.difference(farPulses, 2.5*farPulses); ok && s.pulses%noiseEvery == 0 {
		s.far[s.farN%len(s.far)] = v
		s.farN++
	}
	v, ok := s.difference(1, noiseSpanS)
	if !ok {
		return 0
	}
	s.near[s.n%len(s.near)] = v
	s.n++
	s.total++
	if s.n > 2*len(s.near) && s.n%noiseEvery != 0 {
		return 0
	}
	n := min(s.n, len(s.near))
	var list [len(s.near)]float64
	copy(list[:n], s.near[:n])
	spread := spreadOf(list[:n])
	white := square(spread)
	if n > 2*noiseRecent {
		// More noise is believed sooner than less.
		for i := range noiseRecent {
			list[i] = s.near[(s.n-1-i)%len(s.near)]
		}
		if recent := spreadOf(list[:noiseRecent]); recent > 2*s.ns {
			spread = max(spread, recent)
		}
	}
	prior := noisePrior / (noisePrior + float64(s.n))
	ns := math.Sqrt(prior*square(s.firstNs) + (1-prior)*square(max(spread, noiseLeastNs)))
	if s.farN >= len(s.far) {
		copy(list[:], s.far[:])
		s.common += (square(spreadOf(list[:])) - white - oscillator - s.common) / commonMean
	}
	s.commonNs = max(min(math.Sqrt(max(s.common-commonChance*white, 0)/commonShows), commonMost*ns, commonMostNs), commonLeastNs)
	return s.set(ns)
}

// set takes ns for the pulses' noise. A receiver whose pulse is noisier than it uses
// to be may be off slowly by as many times more.
func (s *scatter) set(ns float64) (more float64) {
	s.ns = ns
	if s.total < usualAfter {
		s.usualNs = ns
		return 0
	}
	s.usualNs += (ns - s.usualNs) / usualPulses
	scale := min(ns/s.usualNs, pulseScaleMost)
	if scale < pulseScaleLeast {
		scale = 1
	}
	if scale > 1.25*s.scale {
		more = square(scale) - square(s.scale)
		s.scale = scale
	} else if scale < 0.8*s.scale {
		s.scale = scale
	}
	return more
}

// spreadOf is the standard deviation of a list about its median, by the median of
// the distances. The list is overwritten.
func spreadOf(list []float64) float64 {
	slices.Sort(list)
	middle := list[len(list)/2]
	for i, v := range list {
		list[i] = math.Abs(v - middle)
	}
	slices.Sort(list)
	return 1.4826 * list[len(list)/2]
}
