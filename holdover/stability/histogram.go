package stability

// histogramLimitsNs are the upper limits of a Histogram's buckets in ns, on both
// sides of zero: the limits of clockAccuracy from 25 ns to 1 ms (IEEE 1588, table
// 6), the odd ones left out, and 10 ns, which is inside what a good pulse scatters.
var histogramLimitsNs = [...]float64{
	-1e6, -1e5, -25e3, -10e3, -2500, -1000, -250, -100, -25, -10, 0,
	10, 25, 100, 250, 1000, 2500, 10e3, 25e3, 1e5, 1e6,
}

// Histogram counts time errors in ns by size since its beginning. The zero value
// is ready; Add allocates nothing.
type Histogram struct {
	counts [len(histogramLimitsNs) + 1]uint64
	sumNs  float64
}

// Add counts an error.
func (h *Histogram) Add(ns float64) {
	bucket := 0
	for bucket < len(histogramLimitsNs) && ns > histogramLimitsNs[bucket] {
		bucket++
	}
	h.counts[bucket]++
	h.sumNs += ns
}

// SumNs is the sum of all that was added.
func (h *Histogram) SumNs() float64 { return h.sumNs }

// N is how many errors were added.
func (h *Histogram) N() (n uint64) {
	for _, c := range h.counts {
		n += c
	}
	return n
}

// Buckets are the upper limits, each inside its bucket, and how many errors each
// bucket has; the last count is of those beyond the last limit.
func (h *Histogram) Buckets() (limitsNs []float64, counts []uint64) {
	return histogramLimitsNs[:], append([]uint64{}, h.counts[:]...)
}
