package stability

import "math"

// Sliding measures a phase that goes on for ever, one sample a second, with bounded
// memory. It keeps means, highest and lowest values of blocks: 1024 of a second each,
// 1024 of 8 s, of 64 s and of 512 s. A time tau is looked at in blocks of tau/32 to tau/8,
// so short times over the last minutes and long ones over the last days.
//
// TDEV of blocks is TDEV itself: it is made of means. Only fewer of its overlapping terms
// are taken. MTIE of blocks takes in a block more than tau, so it is never less than the
// true one, and at most that of tau * 9/8.
type Sliding struct {
	levels [slidingLevels]blocks
	next   int64 // the second to come
	begun  bool
}

const (
	slidingLevels = 4
	slidingFactor = 8
	slidingKept   = 1024
	slidingFirst  = 32 // tau up to here by single seconds, then eight times longer by each level
	slidingMost   = 8192
	// slidingPeriods is how many tau must have been looked at: that of ITU-T G.810 for TDEV.
	slidingPeriods = 12
)

// blocks is a ring of blocks of one length, and the one that is being filled.
type blocks struct {
	mean, high, low [slidingKept]float64
	n               uint64 // that were filled
	sum             float64
	highest, lowest float64
	seconds, have   int64
}

// Reset forgets all samples.
func (s *Sliding) Reset() { *s = Sliding{} }

// Add takes the sample of a second. Seconds that were left out are gaps. A second that
// was there already, or is long past, begins anew.
func (s *Sliding) Add(second int64, x float64) {
	if x != x {
		return // it is a gap, once the next one comes
	}
	gap := second - s.next
	if !s.begun || gap < 0 || gap > slidingKept*512 {
		s.Reset()
		s.begun, gap = true, 0
	}
	length := int64(1)
	for i := range s.levels {
		s.levels[i].skip(gap, length)
		s.levels[i].add(x, length)
		length *= slidingFactor
	}
	s.next = second + 1
}

// add takes a second into the block that is being filled, of length seconds.
func (b *blocks) add(x float64, length int64) {
	if b.have == 0 {
		b.sum, b.highest, b.lowest = 0, x, x
	}
	b.sum, b.have = b.sum+x, b.have+1
	b.highest, b.lowest = max(b.highest, x), min(b.lowest, x)
	b.pass(1, length)
}

// skip lets n seconds pass without a sample, whole blocks at once.
func (b *blocks) skip(n, length int64) {
	first := min(n, length-b.seconds)
	b.pass(first, length)
	n -= first
	for range min(n/length, slidingKept) {
		b.pass(length, length)
	}
	b.pass(n%length, length)
}

// pass lets n seconds of the block pass, at most the rest of it. A block of which less
// than half is there is a gap.
func (b *blocks) pass(n, length int64) {
	if b.seconds += n; b.seconds < length {
		return
	}
	at := b.n % slidingKept
	b.mean[at], b.high[at], b.low[at] = math.NaN(), math.NaN(), math.NaN()
	if 2*b.have >= length {
		b.mean[at], b.high[at], b.low[at] = b.sum/float64(b.have), b.highest, b.lowest
	}
	b.n++
	b.seconds, b.have = 0, 0
}

// list is a ring of b, oldest first.
func (b *blocks) list(ring *[slidingKept]float64) []float64 {
	kept := min(b.n, slidingKept)
	out := make([]float64, 0, kept)
	for i := b.n - kept; i < b.n; i++ {
		out = append(out, ring[i%slidingKept])
	}
	return out
}

// SlidingRow is what was measured at one tau, in s. TDEV and MTIE are in the unit of the
// samples; NaN while there are too few of them.
type SlidingRow struct {
	Tau        float64
	TDEV, MTIE float64
	Terms      int     // of TDEV
	Window     float64 // s that were looked at
}

// Rows are TDEV and MTIE at octaves from 1 s to 8192 s.
func (s *Sliding) Rows() []SlidingRow {
	rows := []SlidingRow{}
	level, length := 0, 1
	for tau := 1; tau <= slidingMost; tau *= 2 {
		for tau > slidingFirst*length && level < slidingLevels-1 {
			level, length = level+1, length*slidingFactor
		}
		b, m := &s.levels[level], tau/length
		mean, high, low := b.list(&b.mean), b.list(&b.high), b.list(&b.low)
		r := SlidingRow{Tau: float64(tau), Window: float64(len(mean) * length)}
		if r.TDEV, r.MTIE = math.NaN(), math.NaN(); r.Window >= slidingPeriods*r.Tau {
			r.TDEV, r.Terms = newSums(mean).tdev(float64(length), m)
			r.MTIE, _ = mtie(high, low, m)
		}
		rows = append(rows, r)
	}
	return rows
}

// JudgeSliding holds TDEV and MTIE against the mask and tells the first limit that they
// break. upTo is the longest tau that both were measured at; 0: none. The time error is
// not judged: what is constant in a phase shows in neither.
func (k Mask) JudgeSliding(rows []SlidingRow) (broken Failure, met bool, upTo float64) {
	var judged []Row
	for _, r := range rows {
		if r.TDEV == r.TDEV && r.MTIE == r.MTIE {
			judged = append(judged, Row{Tau: r.Tau, TDEV: r.TDEV, MTIE: r.MTIE})
			upTo = r.Tau
		}
	}
	broken, met = k.Judge(nil, judged)
	return broken, met, upTo
}
