package egress

import (
	"math/rand/v2"
	"testing"
)

// latency draws from a floor with a long tail, as a send has it.
func latency(rng *rand.Rand, floor float64) int64 { return int64(floor + 2000*rng.ExpFloat64()) }

// The two paths are told apart, and the residual's median is within 0.3 us.
func TestThePathsAreToldApart(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	p := New()
	for range 2000 {
		for on, floor := range [numPaths]float64{30_000, 5_000} {
			said := p.Predict(Path(on))
			p.Observe(Path(on), latency(rng, floor), said)
		}
	}
	if got := p.Predict(First); got < 30_900 || got > 32_200 {
		t.Errorf("first of a tick: %d ns, want about 31400", got)
	}
	if got := p.Predict(Later); got < 5_900 || got > 7_200 {
		t.Errorf("a later one: %d ns, want about 6400", got)
	}
	r := p.Residual()
	if r.N != spreadSamples || r.P50 < -300 || r.P50 > 300 {
		t.Errorf("residual %+v, want a median within 300 ns of zero", r)
	}
	if bound, ok := r.BoundNs(); !ok || bound < float64(r.P99) || bound < 5000 || bound > 20_000 {
		t.Errorf("bound %.0f ns, %v; p99 of the tail is about 8 us", bound, ok)
	}
}

// A change of the latency is followed within a window; what is no latency
// teaches nothing.
func TestAChangeIsFollowedAndNonsenseRefused(t *testing.T) {
	p := New()
	if p.Predict(First) != 0 {
		t.Error("predicts before it has observed")
	}
	for range medianSamples {
		p.Observe(Later, 4000, p.Predict(Later))
	}
	if got := p.Predict(First); got != 4000 {
		t.Errorf("a path never seen says %d, want the other's 4000", got)
	}
	for range medianSamples/2 + 1 {
		p.Observe(Later, 9000, p.Predict(Later))
	}
	if got := p.Predict(Later); got != 9000 {
		t.Errorf("after half a window says %d, want 9000", got)
	}
	for _, absurd := range []int64{-1, latencyMostNs + 1, -1 << 62} {
		if p.Observe(Later, absurd, 9000) {
			t.Errorf("learns from a latency of %d ns", absurd)
		}
	}
	if _, ok := (Spread{N: 3}).BoundNs(); ok {
		t.Error("three samples bound something")
	}
}

// What is left where the kernel writes the time may be less than nothing, by the
// error of the clock's reading; it is predicted from its own samples alone.
func TestWhatTheKernelWritesMayBeBelowZero(t *testing.T) {
	p := New()
	for range medianSamples {
		p.Observe(First, 30_000, 0)
	}
	if got := p.Predict(Written); got != 0 {
		t.Errorf("never seen: %d ns", got)
	}
	for i := range int64(medianSamples) {
		if !p.Observe(Written, -2000+i%3, p.Predict(Written)) {
			t.Fatal("a latency below zero is refused")
		}
	}
	if got := p.Predict(Written); got != -1999 {
		t.Errorf("%d ns, want -1999", got)
	}
	if p.Observe(Written, writtenLeastNs-1, 0) || p.Observe(First, -1, 0) || p.Predict(First) != 30_000 || p.Predict(Later) != 30_000 {
		t.Error("what cannot be is learnt, or one path from another")
	}
	before := p.Residual()
	if !p.Learn(First, 40_000) || p.Residual() != before {
		t.Error("what only teaches is a residual")
	}
}

func TestObserveDoesNotAllocate(t *testing.T) {
	p := New()
	if n := testing.AllocsPerRun(3000, func() { p.Observe(First, 7000, p.Predict(First)) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
