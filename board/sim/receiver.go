package sim

import (
	"fmt"
	"math"
	"time"

	"bragi/gnss/timescale"
)

// ReceiverKind is a kind of receiver.
type ReceiverKind uint8

// The kinds of receiver.
const (
	// Navigation is a GPS hat's: pulse noise of 25 ns rms, NMEA.
	Navigation ReceiverKind = iota
	// Timing is an M8T: 5.5 ns white noise and a sawtooth of +-10 ns that
	// UBX-TIM-TP tells a second before (qErr). It sends NMEA and TIM-TP from the
	// start, and can be set up.
	Timing
	// TimingUBX is an F9T that was set to send UBX alone.
	TimingUBX
	// M8T and F9T come from the factory: NMEA at 9600 and 38,400 baud, nothing
	// else until they are set up.
	M8T
	F9T
)

var receiverNames = [...]string{"nmea", "timing", "timing-ubx", "m8t", "f9t"}

// ReceiverNames are the kinds' names.
func ReceiverNames() []string { return append([]string(nil), receiverNames[:]...) }

// String is the kind's name in the configuration.
func (k ReceiverKind) String() string {
	if int(k) < len(receiverNames) {
		return receiverNames[k]
	}
	return fmt.Sprintf("ReceiverKind(%d)", uint8(k))
}

// ParseReceiver reads a kind's name.
func ParseReceiver(s string) (ReceiverKind, error) {
	for i, n := range receiverNames {
		if n == s {
			return ReceiverKind(i), nil
		}
	}
	return 0, fmt.Errorf("sim: receiver %q is unknown: use one of %v", s, receiverNames)
}

const (
	navigationNoiseNs = 25.0
	timingNoiseNs     = 5.5
	sawtoothNs        = 10.0 // the sawtooth's peak: the receiver's clock has a period of 20 ns
	timingNoiseF9Ns   = 3.0
	sawtoothF9Ns      = 4.0  // 8 ns
	slowNoiseNs       = 10.0 // ionosphere, multipath: Gauss-Markov
	slowNoiseS        = 7200.0
	// UnfixedDriftNs is how far the pulse runs away in a second while the
	// receiver has lost the sky but not yet given up its fix.
	UnfixedDriftNs = 35.0
)

// pulseNoise makes the lateness of one pulse after the other.
type pulseNoise struct {
	kind       ReceiverKind
	rng        *generator
	slow       float64
	keep, kick float64
	saw        float64 // place in the receiver's clock period, 0 to 1
	sawStep    float64 // periods that it moves in a second
}

// tick is one pulse to come. Its lateness without the sawtooth is lateNs; the
// receiver knows qErr: true second = pulse + qErr.
type tick struct{ lateNs, qErrNs float64 }

func newPulseNoise(kind ReceiverKind, seed uint64) *pulseNoise {
	p := &pulseNoise{kind: kind, rng: stream(seed, streamPulse)}
	p.slow = slowNoiseNs * p.rng.NormFloat64()
	p.keep = math.Exp(-1 / slowNoiseS)
	p.kick = slowNoiseNs * math.Sqrt(1-p.keep*p.keep)
	p.saw = p.rng.Float64()
	p.sawStep = 0.02 + 0.3*p.rng.Float64()
	return p
}

func (p *pulseNoise) next() tick {
	p.slow = p.keep*p.slow + p.kick*p.rng.NormFloat64()
	if p.kind == Navigation {
		return tick{lateNs: p.slow + navigationNoiseNs*p.rng.NormFloat64()}
	}
	p.saw += p.sawStep + 0.005*p.rng.NormFloat64()
	p.saw -= math.Floor(p.saw)
	noise, peak := timingNoiseNs, sawtoothNs
	if p.kind == F9T || p.kind == TimingUBX {
		noise, peak = timingNoiseF9Ns, sawtoothF9Ns
	}
	return tick{lateNs: p.slow + noise*p.rng.NormFloat64(), qErrNs: peak * (2*p.saw - 1)}
}

// fixState is what antenna and time make of the receiver. Seconds are the
// sky's, whole.
type fixState struct {
	timeToFix, hold time.Duration
	antenna         bool
	fixed           bool
	timeKnown       bool          // it says the time, even without a fix
	since           timescale.TAI // since when the antenna is as it is
}

func (f *fixState) setAntenna(ok bool, sky timescale.TAI) {
	if ok != f.antenna {
		f.antenna, f.since = ok, sky
	}
}

// second brings the state to a whole second of the sky.
func (f *fixState) second(sky timescale.TAI) {
	age := sky.Sub(f.since)
	switch {
	case f.antenna && age >= f.timeToFix:
		f.fixed, f.timeKnown = true, true
	case f.antenna && age >= f.timeToFix/2:
		f.timeKnown = true
	case !f.antenna && age >= f.hold:
		f.fixed = false
	}
}

// driftNs is how far the pulse has run away since the antenna was cut.
func (f *fixState) driftNs(sky timescale.TAI) float64 {
	if f.antenna {
		return 0
	}
	return UnfixedDriftNs * sky.Sub(f.since).Seconds()
}
