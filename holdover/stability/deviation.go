package stability

import "math"

// ADEV is the Allan deviation at m tau0, and how many second differences it is
// the mean of; NaN and 0 when there are none.
func ADEV(x []float64, tau0 float64, m int) (dev float64, n int) { return allan(x, tau0, m, m) }

// OADEV is the overlapping Allan deviation at m tau0.
func OADEV(x []float64, tau0 float64, m int) (dev float64, n int) { return allan(x, tau0, m, 1) }

func allan(x []float64, tau0 float64, m, stride int) (dev float64, n int) {
	if m < 1 {
		return math.NaN(), 0
	}
	sum := 0.0
	for i := 0; i+2*m < len(x); i += stride {
		if d := x[i+2*m] - 2*x[i+m] + x[i]; d == d { // not NaN: no gap
			sum += d * d
			n++
		}
	}
	return math.Sqrt(sum/float64(2*n)) / (float64(m) * tau0), n
}

// HDEV is the Hadamard deviation at m tau0, blind to a constant drift.
func HDEV(x []float64, tau0 float64, m int) (dev float64, n int) { return hadamard(x, tau0, m, m) }

// OHDEV is the overlapping Hadamard deviation at m tau0.
func OHDEV(x []float64, tau0 float64, m int) (dev float64, n int) { return hadamard(x, tau0, m, 1) }

func hadamard(x []float64, tau0 float64, m, stride int) (dev float64, n int) {
	if m < 1 {
		return math.NaN(), 0
	}
	sum := 0.0
	for i := 0; i+3*m < len(x); i += stride {
		if d := x[i+3*m] - 3*x[i+2*m] + 3*x[i+m] - x[i]; d == d {
			sum += d * d
			n++
		}
	}
	return math.Sqrt(sum/float64(6*n)) / (float64(m) * tau0), n
}

// MDEV is the modified Allan deviation at m tau0.
func MDEV(x []float64, tau0 float64, m int) (dev float64, n int) {
	return newSums(x).mdev(tau0, m)
}

// TDEV is the time deviation at m tau0, in the unit of x.
func TDEV(x []float64, tau0 float64, m int) (dev float64, n int) {
	return newSums(x).tdev(tau0, m)
}

// sums are running sums of the phase, so that a mean over any window costs two
// readings. A straight line is taken off before: it is in no second
// difference, and the sums stay small.
type sums struct {
	sum  []float64 // of x[:i]
	gaps []int     // in x[:i]
}

func newSums(x []float64) sums {
	s := sums{make([]float64, len(x)+1), make([]int, len(x)+1)}
	first, last := -1, -1
	for i, v := range x {
		if v == v {
			if first < 0 {
				first = i
			}
			last = i
		}
	}
	start, slope := 0.0, 0.0
	if last > first {
		start, slope = x[first], (x[last]-x[first])/float64(last-first)
	}
	for i, v := range x {
		s.sum[i+1], s.gaps[i+1] = s.sum[i], s.gaps[i]
		if v == v {
			s.sum[i+1] += v - start - slope*float64(i-first)
		} else {
			s.gaps[i+1]++
		}
	}
	return s
}

func (s sums) mdev(tau0 float64, m int) (dev float64, n int) {
	if m < 1 {
		return math.NaN(), 0
	}
	square := 0.0
	for i := 0; i+3*m < len(s.sum); i++ {
		if s.gaps[i+3*m] != s.gaps[i] {
			continue
		}
		d := s.sum[i+3*m] - 3*s.sum[i+2*m] + 3*s.sum[i+m] - s.sum[i]
		square += d * d
		n++
	}
	tau := float64(m) * tau0
	return math.Sqrt(square/float64(2*n)) / (float64(m) * tau), n
}

func (s sums) tdev(tau0 float64, m int) (dev float64, n int) {
	dev, n = s.mdev(tau0, m)
	return dev * float64(m) * tau0 / math.Sqrt(3), n
}
