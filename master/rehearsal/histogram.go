package rehearsal

import "math/bits"

// histogram counts times in ns in buckets of at most 1/64 of their value, so
// that millions of them can be described without being kept.
type histogram struct {
	count [58 << 6]uint64
	n     uint64
	max   int64
}

func (h *histogram) add(ns int64) {
	ns = max(0, ns)
	h.n++
	h.max = max(h.max, ns)
	h.count[bucketOf(ns)]++
}

// bucketOf is the value itself below 128, and beyond it the highest seven bits and
// how far they are shifted.
func bucketOf(ns int64) int {
	shift := max(0, bits.Len64(uint64(ns))-7)
	return shift<<6 + int(uint64(ns)>>shift)
}

// bucketTop is the largest value in a bucket.
func bucketTop(bucket int) int64 {
	shift := max(0, bucket>>6-1)
	return int64(bucket-shift<<6+1)<<shift - 1
}

// Quantiles describe a distribution of times in ns. P50 and P99 are at most 1/64
// above the true ones, Max is exact.
type Quantiles struct {
	N   uint64 `json:"n"`
	P50 int64  `json:"p50"`
	P99 int64  `json:"p99"`
	Max int64  `json:"max"`
}

func (h *histogram) quantiles() Quantiles {
	q := Quantiles{N: h.n, Max: h.max}
	if h.n == 0 {
		return q
	}
	var below uint64
	half, most := (h.n+1)/2, h.n-h.n/100
	for i, n := range h.count {
		if below < half && below+n >= half {
			q.P50 = min(bucketTop(i), h.max)
		}
		if below < most && below+n >= most {
			q.P99 = min(bucketTop(i), h.max)
		}
		below += n
	}
	return q
}
