package holdover

import (
	"math"
	"slices"
)

// fit is the last few pulses: the first measure of the frequency and, after an
// outage, the first of the phase.
type fit struct {
	points [32]point // newest last
	n      int
}

// point is a pulse: t in s since the origin, z and its standard deviation in ns.
type point struct{ t, z, sigma float64 }

// line is z at t and the frequency y, by least squares, with standard errors.
type line struct {
	t, z, y           float64
	zErr, yErr, zyCov float64
	noise             float64 // of one pulse
}

const (
	firstPulses  = 4  // enough for a first frequency when they lie on a line
	returnPulses = 3  // enough for a phase when the frequency is known
	trackPulses  = 6  // enough for both after an outage
	manyPulses   = 12 // enough to take what they scatter for their noise
)

func (f *fit) reset() { f.n = 0 }

func (f *fit) add(t, z, sigma float64) {
	if f.n == len(f.points) {
		copy(f.points[:], f.points[1:])
		f.n--
	}
	f.points[f.n] = point{t, z, sigma}
	f.n++
}

// frequency fits phase and frequency. Four pulses do when they lie on a line
// within their noise (a glitch among them does not); with twelve, what they
// scatter is taken for their noise, as long as none stands out.
func (f *fit) frequency() (line, bool) {
	if f.n >= firstPulses {
		last := f.points[f.n-firstPulses : f.n]
		sigma := max(last[len(last)-1].sigma, noiseFirstNs)
		l, residuals := leastSquares(last, sigma)
		if slices.Max(residuals[:firstPulses]) <= 4*sigma {
			return l, true
		}
	}
	if f.n >= manyPulses {
		last := f.points[f.n-manyPulses : f.n]
		_, residuals := leastSquares(last, 1)
		slices.Sort(residuals[:manyPulses])
		scatter := 1.4826 * residuals[manyPulses/2]
		if residuals[manyPulses-1] <= 5*scatter {
			l, _ := leastSquares(last, scatter)
			return l, true
		}
	}
	return line{}, false
}

// phase is the mean phase of the last three pulses with the frequency y known.
// When they disagree by more than their noise, which the servo has measured as
// noise, twelve will do that scatter about a level line: the noise has grown.
// ok is false while there are fewer, and when they run away.
func (f *fit) phase(y, noise float64) (l line, ok bool) {
	if f.n < returnPulses {
		return l, false
	}
	last := f.points[f.n-returnPulses : f.n]
	l.t, l.y = last[returnPulses-1].t, y
	low, high, sigma := math.Inf(1), math.Inf(-1), noise
	for _, p := range last {
		z := p.z + y*(l.t-p.t)
		l.z += z / returnPulses
		low, high = min(low, z), max(high, z)
		sigma = max(sigma, p.sigma)
	}
	l.zErr, l.noise = sigma/math.Sqrt(returnPulses), sigma
	if high-low <= 5*sigma && l.t-last[0].t < 2*returnPulses {
		return l, true
	}
	return f.noisyPhase(y)
}

// track is the line through the last pulses whatever its frequency, the longest
// on which none is off by more than the noise makes it: an oscillator that moved
// while nobody looked. pulses is how many they are, 0 for too few.
func (f *fit) track(noise float64) (l line, pulses int) {
	for n := f.n; n >= trackPulses; n-- {
		last := f.points[f.n-n : f.n]
		sigma := noise
		for _, p := range last {
			sigma = max(sigma, p.sigma)
		}
		if last[n-1].t-last[0].t > 2*float64(n) {
			continue
		}
		if l, r := leastSquares(last, sigma); slices.Max(r[:n]) <= gateSigmas*sigma {
			return l, n
		}
	}
	return line{}, 0
}

// runs is the line through all the pulses when they run away from the frequency y: in
// both halves of them, so that none which jumped looks as if it ran.
func (f *fit) runs(noise, y float64) (line, bool) {
	n := len(f.points)
	l, pulses := f.track(noise)
	if pulses < n {
		return l, false
	}
	for _, half := range [...][]point{f.points[:n/2], f.points[n/2:]} {
		if h, _ := leastSquares(half, noise); (h.y-y)/(l.y-y) < 0.4 {
			return l, false
		}
	}
	return l, true
}

// noisyPhase is phase from all the pulses, their scatter taken for their noise.
func (f *fit) noisyPhase(y float64) (line, bool) {
	const n = manyPulses
	if f.n < n {
		return line{}, false
	}
	last := f.points[f.n-n : f.n]
	if last[n-1].t-last[0].t > 2*n {
		return line{}, false
	}
	flat, residuals := leastSquares(last, 1)
	slices.Sort(residuals[:n])
	scatter := 1.4826 * residuals[n/2]
	slope := flat.y - y
	if residuals[n-1] > 5*scatter || math.Abs(slope) > 3*scatter*flat.yErr {
		return line{}, false
	}
	l := line{t: flat.t, y: y, noise: scatter, zErr: scatter / math.Sqrt(float64(n))}
	for _, p := range last {
		l.z += (p.z + y*(l.t-p.t)) / float64(n)
	}
	return l, true
}

// leastSquares is the line through the points, each with the noise sigma, and
// the magnitudes of its residuals.
func leastSquares(points []point, sigma float64) (l line, residuals [len(fit{}.points)]float64) {
	n := float64(len(points))
	end := points[len(points)-1]
	var mt, mz, stt, stz float64
	for _, p := range points {
		mt += (p.t - end.t) / n
		mz += (p.z - end.z) / n
	}
	for _, p := range points {
		dt := p.t - end.t - mt
		stt += dt * dt
		stz += dt * (p.z - end.z - mz)
	}
	l.t, l.y = end.t, stz/stt
	l.z = end.z + mz - l.y*mt
	l.noise = sigma
	l.yErr = sigma / math.Sqrt(stt)
	l.zErr = sigma * math.Sqrt(1/n+mt*mt/stt)
	l.zyCov = -mt * sigma * sigma / stt
	for i, p := range points {
		residuals[i] = math.Abs(p.z - l.z - l.y*(p.t-end.t))
	}
	return l, residuals
}
