package stability

import (
	"math"
	"slices"
)

// Row is all statistics at one tau. What the record is too short for is NaN.
type Row struct {
	M                             int
	Tau                           float64 // s
	ADEV, OADEV, MDEV, HDEV, TDEV float64
	MTIE                          float64
	Counts                        Counts
}

// Counts are how many terms each statistic is made from.
type Counts struct{ ADEV, OADEV, MDEV, HDEV, MTIE int }

// Table computes the statistics at the averaging factors ms.
func Table(x []float64, tau0 float64, ms []int) []Row {
	s := newSums(x)
	rows := make([]Row, 0, len(ms))
	for _, m := range ms {
		r := Row{M: m, Tau: float64(m) * tau0}
		r.ADEV, r.Counts.ADEV = ADEV(x, tau0, m)
		r.OADEV, r.Counts.OADEV = OADEV(x, tau0, m)
		r.MDEV, r.Counts.MDEV = s.mdev(tau0, m)
		r.TDEV, _ = s.tdev(tau0, m)
		r.HDEV, r.Counts.HDEV = HDEV(x, tau0, m)
		r.MTIE, r.Counts.MTIE = MTIE(x, m)
		rows = append(rows, r)
	}
	return rows
}

// Octaves are the averaging factors 1, 2, 4 ... for a record of n points, up to
// the largest with a second difference.
func Octaves(n int) []int {
	var ms []int
	for m := 1; 2*m < n; m *= 2 {
		ms = append(ms, m)
	}
	return ms
}

// Factors are the averaging factors of taus in s, in rising order, each once.
// ok is false for one that is no positive multiple of tau0.
func Factors(taus []float64, tau0 float64) (ms []int, ok bool) {
	for _, tau := range taus {
		m := math.Round(tau / tau0)
		if !(m >= 1) || m > math.MaxInt32 || math.Abs(m*tau0-tau) > 1e-6*tau {
			return nil, false
		}
		ms = append(ms, int(m))
	}
	slices.Sort(ms)
	return slices.Compact(ms), true
}

// Phase integrates fractional frequency y into phase, one point more.
func Phase(y []float64, tau0 float64) []float64 {
	x := make([]float64, len(y)+1)
	for i, v := range y {
		x[i+1] = x[i] + v*tau0
	}
	return x
}
