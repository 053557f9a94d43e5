package holdover

import (
	"math"
	"time"
)

// history is the lock's record of the oscillator's own phase z, in bins, from
// which the mean frequency is taken that holdover holds: the slope of the line
// of least squares through the bins of the window.
//
// Its standard error joins three things: the scatter of the bins about the
// line, widened by their correlation r1 as (1 + r1) / (1 - r1); and what no
// scatter shows, the slow wander of the receiver, 14 ns (two ends of 10 ns)
// over the span.
type history struct {
	bins   []bin // ring
	head   int
	n      int
	open   bin // the bin being filled
	length time.Duration
}

// bin is the mean of the pulses of a short while.
type bin struct {
	key   int64
	t, z  float64 // sums while open, then means; t in s since the origin, z in ns
	count int
}

const (
	slowWanderNs = 14
	leastPulseNs = 5 // no pulse is taken to be better, however well a few bins agree
)

// meanFrequency is the result of history.mean.
type meanFrequency struct {
	ppb     float64
	errPPB  float64 // one standard error
	spanS   float64 // time that it covers
	samples int
}

func newHistory(b behaviour) history {
	// Room for the window and for the minute that back-dating leaves out.
	return history{bins: make([]bin, int((b.mean+backDate)/b.bin)+2), length: b.bin}
}

func (h *history) reset() { h.head, h.n, h.open = 0, 0, bin{} }

// add takes the oscillator's phase z (ns) at t (s since the origin).
func (h *history) add(t, z float64) {
	key := int64(math.Floor(t / seconds(h.length)))
	if h.open.count > 0 && key != h.open.key {
		h.close()
	}
	h.open.key = key
	h.open.t += t
	h.open.z += z
	h.open.count++
}

func (h *history) close() {
	b := h.open.mean()
	if h.n == len(h.bins) {
		h.bins[h.head] = b
		h.head = (h.head + 1) % len(h.bins)
	} else {
		h.bins[(h.head+h.n)%len(h.bins)] = b
		h.n++
	}
	h.open = bin{}
}

func (b bin) mean() bin {
	b.t /= float64(b.count)
	b.z /= float64(b.count)
	return b
}

// mean is the frequency over the window that ends at until (s since the origin)
// and is length long. ok is false with fewer than three bins.
func (h *history) mean(until float64, length time.Duration) (m meanFrequency, ok bool) {
	from := until - seconds(length)
	each := func(do func(t, z, w float64)) {
		for i := range h.n {
			if b := h.bins[(h.head+i)%len(h.bins)]; b.t >= from && b.t <= until {
				do(b.t, b.z, float64(b.count))
			}
		}
		if h.open.count > 0 {
			if b := h.open.mean(); b.t >= from && b.t <= until {
				do(b.t, b.z, float64(b.count))
			}
		}
	}
	var n int
	var t0, z0, st, sz, stt, stz, weight float64
	first, last := math.Inf(1), math.Inf(-1)
	each(func(t, z, w float64) {
		if n == 0 {
			t0, z0 = t, z
		}
		n++
		weight += w
		st += w * (t - t0)
		sz += w * (z - z0)
		m.samples += int(w)
		first, last = min(first, t), max(last, t)
	})
	if n < 3 {
		return m, false
	}
	mt, mz := st/weight, sz/weight
	each(func(t, z, w float64) {
		dt := t - t0 - mt
		stt += w * dt * dt
		stz += w * dt * (z - z0 - mz)
	})
	if stt <= 0 {
		return m, false
	}
	m.ppb = stz / stt
	m.spanS = last - first
	var rr, r1, prev float64
	k := 0
	each(func(t, z, w float64) {
		r := z - z0 - mz - m.ppb*(t-t0-mt)
		rr += w * r * r
		if k > 0 {
			r1 += r * prev * w
		}
		prev = r
		k++
	})
	if rr > 0 {
		r1 = min(max(r1/rr, 0), 0.95)
	}
	pulse := max(rr/float64(max(n-2, 1)), square(leastPulseNs)) // variance of one pulse
	m.errPPB = math.Sqrt(pulse/stt*(1+r1)/(1-r1) + square(slowWanderNs/max(m.spanS, 1)))
	return m, true
}
