package pipeline

import (
	"math"
	"time"

	"bragi/gnss/timescale"
)

// calm is when the difference between two references was last one that stands still. A mean that
// follows a slow drift knows no beginning of it; and of a time right after a trouble the clock's
// memory knows what it has learned meanwhile, from either. So after any move of the difference the
// time of before counts, until it has stood still for calmFor again.
type calm struct {
	FirstNs float64        `json:"first_ns"` // where it began to stand still,
	MeanNs  float64        `json:"mean_ns"`  // its mean since,
	N       int            `json:"n"`        // and for how many seconds, at most calmMost
	Moved   bool           `json:"moved"`    // it did not before, and that is not so long ago
	From    timescale.Mono `json:"from_ns"`  // since when it has stood still for long; zero: it never moved
	At      timescale.Mono `json:"at_ns"`    // when it last did; zero: never
	LevelNs float64        `json:"level_ns"` // the difference then
}

const (
	calmFor  = 300 // seconds
	calmMost = 600
	// It moves when it is so many of its usual deviations from where it was, but no less than
	// calmLeastNs and no more than calmMostNs.
	calmDeviations = 3
	calmLeastNs    = 25
	calmMostNs     = 60
)

// calmBand is how far a difference that usually deviates by devNs may go and stand still.
func calmBand(devNs float64) float64 {
	return min(max(calmDeviations*devNs, calmLeastNs), calmMostNs)
}

// see takes the difference of m, nearNs by the mean of some seconds. It has moved where that has left
// bandNs.
func (k *calm) see(m timescale.Mono, nearNs, bandNs float64) (moved bool) {
	if moved = k.N > 0 && (math.Abs(nearNs-k.FirstNs) > bandNs || math.Abs(nearNs-k.MeanNs) > bandNs); moved {
		k.move()
	}
	if k.N == 0 {
		k.FirstNs, k.MeanNs = nearNs, nearNs
	}
	k.N = min(k.N+1, calmMost)
	k.MeanNs += (nearNs - k.MeanNs) / float64(k.N)
	switch {
	case k.N <= nearSeconds:
		k.FirstNs = k.MeanNs
	case k.N > calmFor:
		k.FirstNs += (nearNs - k.FirstNs) / calmMost
	}
	if k.Moved && k.N >= calmFor {
		k.Moved, k.From = false, m
	}
	if !k.Moved {
		k.At, k.LevelNs = m, k.MeanNs
	}
	return moved
}

// move tells that it does not stand still.
func (k *calm) move() {
	k.Moved, k.N = k.Moved || k.N > 0, 0
}

// before is a time before it began to move, at m: what goes slowly was seen late. known is false where
// it did not stand still for long before.
func (k *calm) before(m timescale.Mono) (since timescale.Mono, known bool) {
	if k.At.IsZero() {
		return k.At, false
	}
	since = k.At.Add(-min(m.Sub(k.At), calmFor*time.Second))
	return since, !since.Before(k.From)
}

// turned is the same seen from the other one.
func (k calm) turned() calm {
	k.FirstNs, k.MeanNs, k.LevelNs = -k.FirstNs, -k.MeanNs, -k.LevelNs
	return k
}

// rebase counts from another one on, which was ahead by ns.
func (k *calm) rebase(ns float64) {
	k.FirstNs, k.MeanNs, k.LevelNs = k.FirstNs-ns, k.MeanNs-ns, k.LevelNs-ns
}

// possible tells that it may be so.
func (k *calm) possible() bool {
	return k.N >= 0 && k.N <= calmMost && math.Abs(k.FirstNs)+math.Abs(k.MeanNs)+math.Abs(k.LevelNs) < 1e10
}
