package stability

import "math"

// MTIE is the maximum time interval error over m intervals, in the unit of x,
// and how many windows were looked at. A window with a gap is left out.
//
// The largest and the smallest value of a sliding window are the heads of two
// queues that hold only what can still become one: each point goes in and out
// once, so a window of any length costs the same.
func MTIE(x []float64, m int) (float64, int) { return mtie(x, x, m) }

// mtie is MTIE of points that have a highest and a lowest value each; gaps are in both.
func mtie(highs, lows []float64, m int) (mtie float64, n int) {
	mtie = math.NaN()
	if m < 1 || m >= len(highs) {
		return mtie, 0
	}
	high, low := newQueue(m+1), newQueue(m+1)
	gap := -1 // the last gap
	for i, v := range highs {
		if v != v {
			gap = i
			high.clear()
			low.clear()
			continue
		}
		for !high.empty() && highs[high.back()] <= v {
			high.popBack()
		}
		for !low.empty() && lows[low.back()] >= lows[i] {
			low.popBack()
		}
		high.push(i)
		low.push(i)
		if high.front() < i-m {
			high.popFront()
		}
		if low.front() < i-m {
			low.popFront()
		}
		if i-gap <= m {
			continue
		}
		n++
		if d := highs[high.front()] - lows[low.front()]; !(d <= mtie) {
			mtie = d
		}
	}
	return mtie, n
}

// queue is a ring of indices.
type queue struct {
	ring       []int
	head, size int
}

func newQueue(n int) *queue     { return &queue{ring: make([]int, n+1)} }
func (q *queue) empty() bool    { return q.size == 0 }
func (q *queue) clear()         { q.size = 0 }
func (q *queue) front() int     { return q.ring[q.head] }
func (q *queue) back() int      { return q.ring[q.slot(q.size-1)] }
func (q *queue) popBack()       { q.size-- }
func (q *queue) push(i int)     { q.ring[q.slot(q.size)] = i; q.size++ }
func (q *queue) slot(i int) int { return (q.head + i) % len(q.ring) }
func (q *queue) popFront()      { q.head = q.slot(1); q.size-- }
