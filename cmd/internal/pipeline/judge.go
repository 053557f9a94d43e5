package pipeline

import (
	"math"
	"slices"
)

// Which of several references that differ is wrong is one pure function, Judge.

// Reading is one reference at one moment.
type Reading struct {
	// AheadNs is how far its time is ahead of that of the reference which is followed.
	AheadNs float64
	// UncertaintyNs is what is not known of its input.
	UncertaintyNs float64
	// FromClockNs is how far its time is ahead of where the clock's own memory expects it;
	// NaN: the clock has no word.
	FromClockNs float64
	// Evidence is what its second rests on: more is stronger.
	Evidence uint8
}

// Verdict says who is wrong.
type Verdict struct {
	Odd       []int // by their places among the readings
	Undecided bool  // they differ, and nothing tells who is right
	By        string
	Against   []int // those whom the clock's own memory contradicts, where that alone leaves it undecided
}

// What a verdict rests on.
const (
	byMajority = "the others agree"
	// byMajorityThen is byMajority in the words of when the others are not all there any more.
	byMajorityThen = "the others agreed when it was named"
	byClock        = "the clock's own oscillator agrees with the other"
	// byMemory is no verdict: the majority is contradicted.
	byMemory   = "the clock's own oscillator agrees with the minority alone"
	byEvidence = "the second of the other rests on more"
	byOperator = "the operator accepted the other"
)

// anotherSecondNs is a difference that is another second, and no delay.
const anotherSecondNs = 5e8

// Judge compares readings that may differ by limitNs, beside the uncertainties of their
// inputs. In this order: with three or more the majority decides, but not against the clock's
// own memory, good to clockWidthNs, where that agrees with the minority alone: then nothing
// decides. Then that memory, when it agrees with one and not with the other; then, where they
// differ by whole seconds, what their seconds rest on.
func Judge(readings []Reading, limitNs, clockWidthNs float64) Verdict {
	n := len(readings)
	agree := func(i, j int) bool {
		a, b := readings[i], readings[j]
		return math.Abs(a.AheadNs-b.AheadNs) <= limitNs+a.UncertaintyNs+b.UncertaintyNs
	}
	friends := func(i int) (list []int) {
		for j := range n {
			if agree(i, j) {
				list = append(list, j)
			}
		}
		return list
	}
	var most []int
	differ := false
	for i := range n {
		f := friends(i)
		differ = differ || len(f) < n
		if len(f) > len(most) {
			most = f
		}
	}
	if !differ {
		return Verdict{}
	}
	var near, far []int
	for i, r := range readings {
		switch off := math.Abs(r.FromClockNs); {
		case math.IsNaN(off):
		case off <= clockWidthNs+limitNs/2+r.UncertaintyNs:
			near = append(near, i)
		default:
			far = append(far, i)
		}
	}
	if 2*len(most) > n && n > 2 {
		if odd := others(n, most); len(near) > 0 && contains(odd, near) && contains(far, most) {
			return Verdict{Undecided: true, By: byMemory, Against: most}
		} else if len(odd) > 0 {
			return Verdict{Odd: odd, By: byMajority}
		}
	}
	if len(near) > 0 && len(far) > 0 {
		return Verdict{Odd: far, By: byClock}
	}
	if odd := weaker(readings); len(odd) > 0 {
		return Verdict{Odd: odd, By: byEvidence}
	}
	return Verdict{Undecided: true}
}

// weaker are the readings of another second than that of the strongest evidence, if
// nothing as strong contradicts that.
func weaker(readings []Reading) (odd []int) {
	best := 0
	for i, r := range readings {
		if r.Evidence > readings[best].Evidence {
			best = i
		}
	}
	for i, r := range readings {
		if math.Abs(r.AheadNs-readings[best].AheadNs) < anotherSecondNs {
			continue
		}
		if r.Evidence == readings[best].Evidence {
			return nil
		}
		odd = append(odd, i)
	}
	return odd
}

// contains tells whether all of some are in list.
func contains(list, some []int) bool {
	return !slices.ContainsFunc(some, func(i int) bool { return !slices.Contains(list, i) })
}

func others(n int, list []int) (rest []int) {
	for i := range n {
		if !slices.Contains(list, i) {
			rest = append(rest, i)
		}
	}
	return rest
}
