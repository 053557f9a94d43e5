package simulate

import (
	"fmt"
	"math"
	"math/rand/v2"

	"bragi/cmd/internal/phasefile"
)

// Figures of the pulses' noise, in ns and s: what a
// timing receiver leaves when its sawtooth is corrected, and a GPS hat's.
const (
	whiteNs    = 5.5
	hatWhiteNs = 25.0
	slowNs     = 10.0 // of one band: what the ionosphere leaves
	twoSlowNs  = 5.0  // of two bands
	slowS      = 7200.0
	sawtoothNs = 10.0
	jamFactor  = 10.0
	// A pulse by a GPIO's interrupt: how late it comes on the mean, by how much
	// that differs from board to board, and its scatter (board.ppsSigmaNs).
	gpioLateNs    = 7000.0
	gpioDiffersNs = 2000.0
	gpioWhiteNs   = 1700.0
	jamBeforeFix  = 60 // s from the start of jamming to the loss of the fix
)

// pulseNoise is how late the receiver's pulses come, one a second, with what
// the scenario adds.
type pulseNoise struct {
	rng    *rand.Rand
	white  float64
	slow   float64
	slowly float64 // the slow wander's deviation
	saw    float64 // periods
	sawing bool    // a timing receiver's sawtooth, which it tells
	step   float64
	late   float64 // of every pulse: an interrupt's
	record *playback

	faults []Event
	second int // of the pulse that Next makes, from the start; the first is 1
	gone   map[int]bool
	qErr   float64 // of the pulse made last, which is still to come
}

// The kinds of receiver.
const (
	ReceiverNMEA      = "nmea"      // a GPS hat: 25 ns of white noise
	ReceiverTiming    = "timing"    // 5.5 ns, and a sawtooth of which it tells
	ReceiverMultiband = "multiband" // the same with two bands: half the slow wander
	ReceiverGPIO      = "gpio"      // a GPS hat whose pulse is stamped by an interrupt: 7 us late, 1.7 us of scatter
)

func newPulseNoise(o *Options, seed uint64) *pulseNoise {
	n := &pulseNoise{rng: rand.New(rand.NewPCG(seed, 0x505053)), white: whiteNs, slowly: slowNs, gone: map[int]bool{}}
	switch o.Receiver {
	case ReceiverNMEA:
		n.white = hatWhiteNs
	case ReceiverTiming:
		n.sawing = true
	case ReceiverMultiband:
		n.sawing, n.slowly = true, twoSlowNs
	case ReceiverGPIO:
		n.white = gpioWhiteNs
	}
	n.slow = n.slowly * n.rng.NormFloat64()
	n.saw, n.step = n.rng.Float64(), 0.02+0.3*n.rng.Float64()
	if o.Receiver == ReceiverGPIO {
		n.late = gpioLateNs + gpioDiffersNs*(2*n.rng.Float64()-1)
	}
	if len(o.PPS) > 0 {
		span, _ := o.Scenario.loss()
		n.record = newPlayback(o.PPS, n.rng, int(span.Seconds()))
	}
	for _, e := range o.Scenario.Events {
		switch e.Do {
		case PulseGlitch, PulseOutliers, PulseNoise, PulseWhite, PulseOffset, PulseMissing, PulseGaps, PulseLost, SkyRamp, Jamming:
			n.faults = append(n.faults, e)
		}
	}
	return n
}

// next is sim.Config.Noise.
func (n *pulseNoise) next() (lateNs, qErrNs float64) {
	n.second++
	keep := math.Exp(-1 / slowS)
	n.slow = keep*n.slow + n.slowly*math.Sqrt(1-keep*keep)*n.rng.NormFloat64()
	late := n.whiteNow()*n.rng.NormFloat64() + n.slow + n.late
	if n.record != nil {
		late = n.record.next()
	}
	if n.sawing {
		n.saw += n.step + 0.005*n.rng.NormFloat64()
		n.saw -= math.Floor(n.saw)
		qErrNs = sawtoothNs * (2*n.saw - 1)
	}
	for _, e := range n.faults {
		late = n.fault(e, late)
	}
	n.qErr = qErrNs
	return late, qErrNs
}

// whiteNow is the white noise of this second, in ns.
func (n *pulseNoise) whiteNow() float64 {
	white := n.white
	for _, e := range n.faults {
		if since := n.second - int(e.At.Seconds()); e.Do == PulseWhite && since >= 0 && since < int(e.For.Seconds()) {
			white = n.white * e.Factor
		}
	}
	return white
}

func (n *pulseNoise) fault(e Event, late float64) float64 {
	since := n.second - int(e.At.Seconds())
	if since < 0 {
		return late
	}
	lasts := since < int(e.For.Seconds())
	switch e.Do {
	case PulseGlitch:
		if since < e.Count {
			late += float64(e.By)
		}
	case PulseMissing:
		if since < e.Count {
			n.gone[n.second] = true
		}
	case PulseOutliers:
		if lasts && n.rng.Float64() < e.Share {
			late += math.Copysign(float64(e.By), n.rng.Float64()-0.5)
		}
	case PulseOffset:
		if lasts {
			late += float64(e.By)
		}
	case PulseNoise:
		if lasts {
			late = n.late + (late-n.late)*e.Factor
		}
	case PulseGaps:
		if lasts && since%60 < e.Count {
			n.gone[n.second] = true
		}
	case PulseLost:
		if lasts && n.rng.Float64() < e.Share {
			n.gone[n.second] = true
		}
	case SkyRamp:
		late += float64(e.By) * min(float64(since)/e.For.Seconds(), 1)
	case Jamming:
		if lasts {
			late = n.late + (late-n.late)*jamFactor
			n.gone[n.second] = since >= jamBeforeFix
		}
	}
	return late
}

// missing tells whether the pulse of a second does not come, and forgets it.
func (n *pulseNoise) missing(second int) bool {
	gone := n.gone[second]
	delete(n.gone, second)
	return gone
}

// playback plays a record of pulse noise from a random place with a random
// sign. At an end of the record it turns round, so that nothing jumps.
type playback struct {
	ns   []float64
	at   int
	step int
	sign float64
}

// newPlayback starts such that the first span seconds need no turning, if the
// record is that long.
func newPlayback(ns []float64, rng *rand.Rand, span int) *playback {
	p := &playback{ns: ns, step: 1, sign: 1}
	room := len(ns) - span
	if room < 1 {
		room = len(ns)
	}
	p.at = rng.IntN(room)
	if rng.Uint64()&1 == 0 {
		p.sign = -1
	}
	return p
}

func (p *playback) next() float64 {
	v := p.sign * p.ns[p.at]
	if p.at+p.step < 0 || p.at+p.step >= len(p.ns) {
		p.step = -p.step
	}
	if len(p.ns) > 1 {
		p.at += p.step
	}
	return v
}

// ReadNoise reads a record of pulse noise as lateness in ns about zero, one
// point a second. Its mean, which is antenna cable, is taken off; gaps are left
// out.
func ReadNoise(file string, o phasefile.Options) ([]float64, error) {
	r, err := phasefile.Read(file, o)
	if err != nil {
		return nil, err
	}
	x, err := r.EachSecond()
	if err != nil {
		return nil, err
	}
	ns, mean := make([]float64, 0, len(x)), 0.0
	for _, v := range x {
		if !math.IsNaN(v) {
			ns = append(ns, 1e9*v)
			mean += 1e9 * v
		}
	}
	if len(ns) == 0 {
		return nil, fmt.Errorf("simulate: %s has no point at a whole second", file)
	}
	mean /= float64(len(ns))
	for i := range ns {
		if ns[i] -= mean; math.Abs(ns[i]) > pulseNoiseMost {
			return nil, fmt.Errorf("simulate: %s: point %d is %.3g s from the mean: this is no pulse noise (fix: --unit, or a record of a pulse)", file, i+1, ns[i]*1e-9)
		}
	}
	return ns, nil
}

const pulseNoiseMost = 200e6 // ns: later the pulse could not be told from the next
