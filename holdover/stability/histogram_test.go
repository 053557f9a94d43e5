package stability

import (
	"slices"
	"testing"
)

// Each error is in one bucket, the limits belong to the bucket below, and zero is
// neither early nor late.
func TestEveryErrorIsInOneBucket(t *testing.T) {
	var h Histogram
	errors := []float64{-2e6, -1e6, -999_999, -10, -0.5, 0, 0.5, 10, 10.5, 1e6, 1e6 + 1, 3e9}
	sum := 0.0
	for _, ns := range errors {
		h.Add(ns)
		sum += ns
	}
	limits, counts := h.Buckets()
	if len(counts) != len(limits)+1 || !slices.IsSorted(limits) {
		t.Fatalf("%d counts for the limits %v", len(counts), limits)
	}
	for i, limit := range limits {
		below := -1e18
		if i > 0 {
			below = limits[i-1]
		}
		want := uint64(0)
		for _, ns := range errors {
			if ns > below && ns <= limit {
				want++
			}
		}
		if counts[i] != want {
			t.Errorf("%d errors in the bucket up to %v ns, want %d", counts[i], limit, want)
		}
	}
	if last := counts[len(limits)]; last != 2 {
		t.Errorf("%d errors beyond the last limit, want 2", last)
	}
	if h.N() != uint64(len(errors)) || h.SumNs() != sum {
		t.Errorf("n %d, sum %v", h.N(), h.SumNs())
	}
}

func TestAHistogramAllocatesNothing(t *testing.T) {
	var h Histogram
	if n := testing.AllocsPerRun(100, func() { h.Add(77) }); n != 0 {
		t.Errorf("%v allocations for an error", n)
	}
}
