package egress

import "slices"

// Window keeps the last values of a difference, such as one of two stamps of the
// same message.
type Window struct {
	values  ring
	scratch []int64
	median  int64
	since   int // values since the median was found
}

// medianEvery is after how many values the median is found anew.
const medianEvery = 8

// NewWindow makes an empty Window.
func NewWindow() *Window {
	return &Window{values: ring{v: make([]int64, 0, medianSamples)}, scratch: make([]int64, 0, medianSamples)}
}

// Add takes a value in.
func (w *Window) Add(ns int64) {
	w.values.add(ns)
	if w.since++; w.since < medianEvery && len(w.values.v) > medianEvery {
		return
	}
	w.since = 0
	w.sort()
	w.median = w.scratch[len(w.scratch)/2]
}

// Median is the middle of the last values, 0 before the first.
func (w *Window) Median() int64 { return w.median }

// Spread describes the last 64 values.
func (w *Window) Spread() Spread {
	n := len(w.values.v)
	if n == 0 {
		return Spread{}
	}
	w.sort()
	return Spread{P1: w.scratch[n/100], P50: w.scratch[n/2], P99: w.scratch[n-1-n/100], N: n}
}

func (w *Window) sort() {
	w.scratch = append(w.scratch[:0], w.values.v...)
	slices.Sort(w.scratch)
}
