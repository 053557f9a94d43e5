package gnss

import (
	"math"

	"bragi/gnss/timescale"
)

// Sawtooth watches whether the correction that the receiver tells makes the
// pulses better: true second = stamp + qErr. The variance of the pulses' first
// differences must fall with it. A correction with a wrong sign, or one that
// belongs to another pulse, makes it grow, and is not to be applied.
//
// The zero value is ready, and applies the correction until the pulses say
// otherwise.
type Sawtooth struct {
	last   timescale.TAI
	offset int64
	errNs  float64
	n      int
	raw    moments // of the differences as they are
	plus   moments // and corrected
	told   moments // of the correction's own

	wrong       bool
	before, now float64 // variances of the last window, ns^2
}

// moments are sums for a variance.
type moments struct{ sum, squares float64 }

func (m *moments) add(v float64) { m.sum += v; m.squares += v * v }

func (m *moments) variance(n int) float64 {
	mean := m.sum / float64(n)
	return max(0, m.squares/float64(n)-mean*mean)
}

const (
	sawtoothWindow = 64 // differences judged together
	// A difference is a pulse's noise and the clock's frequency; more is a step.
	sawtoothStepNs = 2000
	// sawtoothWorse is the growth of variance that chance does not explain: an
	// unrelated correction of the pulse's own noise doubles it.
	sawtoothWorse = 1.3
	// sawtoothLeastNs2: a correction that hardly changes tells nothing.
	sawtoothLeastNs2 = 4
)

// Correction takes a labelled pulse, with offsetNs as the served clock saw it
// (positive: ahead), and returns what is to be added to the offset, in ns.
func (s *Sawtooth) Correction(m Mark) float64 {
	if !m.QErrPs.Known {
		s.last = timescale.TAI{}
		return 0
	}
	errNs, offset := float64(m.QErrPs.Value)/1000, m.Local.OffsetNs(m.Second)
	step := offset - s.offset
	if m.Second.Sub(s.last) == nsPerSecond && step < sawtoothStepNs && step > -sawtoothStepNs {
		s.judge(float64(step), errNs-s.errNs)
	}
	s.last, s.offset, s.errNs = m.Second, offset, errNs
	if s.wrong {
		return 0
	}
	return errNs
}

func (s *Sawtooth) judge(step, told float64) {
	s.raw.add(step)
	s.plus.add(step + told)
	s.told.add(told)
	if s.n++; s.n < sawtoothWindow {
		return
	}
	s.before, s.now = s.raw.variance(s.n), s.plus.variance(s.n)
	if s.told.variance(s.n) >= sawtoothLeastNs2 {
		s.wrong = s.now > sawtoothWorse*s.before
	}
	s.n, s.raw, s.plus, s.told = 0, moments{}, moments{}, moments{}
}

// Wrong tells whether the correction is left out, with the standard deviations
// of the pulses' differences without and with it in ns, 0 while not known.
func (s *Sawtooth) Wrong() (wrong bool, without, with float64) {
	return s.wrong, math.Sqrt(s.before), math.Sqrt(s.now)
}
