// Package egress predicts how long a message takes from the reading of the
// clock that is written into it to the wire, for a one-step Sync whose device
// does not write the time itself.
//
//	origin = clock reading + Predict(path)        what the message says
//	Observe(path, stamp - reading, predicted)     when the kernel or the device tells when it left
//
// The latency is a floor with a long tail to the right: the median over the
// last samples is what half of the messages beat. It depends on the path: the
// first message after a sleep runs through cold caches and takes several times
// as long as the ones behind it, and where the kernel writes the time itself,
// close to the wire, next to nothing is left of it. The residual, stamp minus what the message
// said, is the error that clients see; its spread is the honest bound.
//
// Sans-I/O, no allocation after New, one goroutine.
package egress

import "slices"

// Path is what moves the latency.
type Path uint8

// The paths.
const (
	First   Path = iota // the first message of a tick: the thread has slept before
	Later               // one right behind another
	Written             // from where the kernel writes the time, as it hands the message to the driver
	numPaths
)

const (
	medianSamples = 64   // samples behind a median
	spreadSamples = 1024 // behind the published spread
	// latencyMostNs is the longest latency that teaches anything, in ns: beyond, the
	// thread was not running.
	latencyMostNs = 10_000_000
	// writtenLeastNs is the least of a message whose time the kernel wrote, in ns: it is
	// next to nothing, less what the reading of the clock is wrong by (half of a
	// sandwich, some microseconds on a slow bus).
	writtenLeastNs = -100_000
)

// Predictor learns the latency of each path.
type Predictor struct {
	paths    [numPaths]path
	residual ring
	scratch  []int64
}

type path struct {
	samples ring
	median  int64
}

// ring holds the last values.
type ring struct {
	v    []int64
	next int
}

func (r *ring) add(x int64) {
	if len(r.v) < cap(r.v) {
		r.v = append(r.v, x)
		return
	}
	r.v[r.next] = x
	r.next = (r.next + 1) % len(r.v)
}

// New makes a Predictor that predicts zero until it has observed.
func New() *Predictor {
	p := &Predictor{scratch: make([]int64, 0, spreadSamples)}
	for i := range p.paths {
		p.paths[i].samples.v = make([]int64, 0, medianSamples)
	}
	p.residual.v = make([]int64, 0, spreadSamples)
	return p
}

// Predict is the latency to expect, in ns from the reading of the clock. First
// and Later, if never seen, borrow from one another; Written is short and begins
// with zero.
func (p *Predictor) Predict(on Path) int64 {
	if len(p.paths[on].samples.v) == 0 && on != Written {
		return p.paths[First+Later-on].median
	}
	return p.paths[on].median
}

// Knows tells whether anything has been learnt.
func (p *Predictor) Knows() bool {
	for i := range p.paths {
		if len(p.paths[i].samples.v) > 0 {
			return true
		}
	}
	return false
}

// Observe takes a message's true latency, in ns from the reading of the clock to
// the stamp, and what was predicted for it. Negative and absurd ones are
// refused: ok is false and nothing is learnt.
func (p *Predictor) Observe(on Path, latencyNs, predictedNs int64) (ok bool) {
	if !p.Learn(on, latencyNs) {
		return false
	}
	p.residual.add(latencyNs - predictedNs)
	return true
}

// Learn takes the latency of a message that did not say what was predicted on
// this path: it teaches, and is no residual.
func (p *Predictor) Learn(on Path, latencyNs int64) (ok bool) {
	least := int64(0)
	if on == Written {
		least = writtenLeastNs
	}
	if latencyNs < least || latencyNs > latencyMostNs {
		return false
	}
	s := &p.paths[on]
	s.samples.add(latencyNs)
	p.scratch = append(p.scratch[:0], s.samples.v...)
	slices.Sort(p.scratch)
	s.median = p.scratch[len(p.scratch)/2]
	return true
}

// Spread is the distribution of the last residuals in ns: stamp minus what the
// message said; positive: it left later than it says. N is 0 when nothing is
// known.
type Spread struct {
	P1, P50, P99 int64
	N            int
}

// Residual describes the last 1,024 residuals.
func (p *Predictor) Residual() Spread {
	n := len(p.residual.v)
	if n == 0 {
		return Spread{}
	}
	p.scratch = append(p.scratch[:0], p.residual.v...)
	slices.Sort(p.scratch)
	return Spread{P1: p.scratch[n/100], P50: p.scratch[n/2], P99: p.scratch[n-1-n/100], N: n}
}

// BoundNs bounds 98 of 100 residuals, in ns; ok is false while there are too
// few to say.
func (s Spread) BoundNs() (bound float64, ok bool) {
	const enough = 100
	return float64(max(s.P99, -s.P1)), s.N >= enough
}
