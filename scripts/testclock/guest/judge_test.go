package main

import (
	"math"
	"testing"
)

func second(err int64, class int, bound float64) Sample {
	return Sample{ErrNs: err, Oracle: true, Answers: true, Serving: true, Class: class, BoundNs: bound}
}

func TestTheJudgeCountsErrorsMovesAndLies(t *testing.T) {
	var seen []Sample
	for i := range 100 {
		seen = append(seen, second(int64(i-99), 6, 100)) // -99 to 0
	}
	m := magnitudes(seen)
	if p50, p99, worst := percentile(m, 50), percentile(m, 99), percentile(m, 100); p50 != 49 || p99 != 98 || worst != 99 {
		t.Errorf("percentiles of 0 to 99: %d, %d, %d; want 49, 98, 99", p50, p99, worst)
	}
	if got := largestMove(seen); got != 1 {
		t.Errorf("largest move %d, want 1", got)
	}
	seen[50].ErrNs = 5000
	if got := largestMove(seen); got != 5050 {
		t.Errorf("largest move at a jump %d, want 5050", got)
	}
	seen[60].Oracle = false // no truth: no move, no lie
	seen[60].ErrNs = 1e9
	if got := largestMove(seen); got != 5050 {
		t.Errorf("largest move across a gap %d, want 5050", got)
	}
	if got := longestLie(seen); got != 1 {
		t.Errorf("longest lie %d s, want 1", got)
	}
}

func TestOnlyAServedErrorBeyondItsBoundIsALie(t *testing.T) {
	for _, c := range []struct {
		what string
		s    Sample
		lies bool
	}{
		{"inside the bound", second(-99, 6, 100), false},
		{"outside, locked", second(-101, 6, 100), true},
		{"outside, in holdover", second(101, 7, 100), true},
		{"outside, but not traceable", second(101, 52, 100), false},
		{"no bound claimed", second(1e9, 6, math.Inf(1)), false},
		{"not serving", Sample{ErrNs: 500, Oracle: true, Answers: true, Class: 6, BoundNs: 1}, false},
		{"no answer", Sample{ErrNs: 500, Oracle: true, Serving: true, Class: 6, BoundNs: 1}, false},
		{"truth unknown", Sample{ErrNs: 500, Answers: true, Serving: true, Class: 6, BoundNs: 1}, false},
	} {
		if got := c.s.lies(); got != c.lies {
			t.Errorf("%s: lies %v, want %v", c.what, got, c.lies)
		}
	}
}
