package rehearsal

import (
	"math"
	"slices"
	"time"

	"bragi/holdover/stability"
)

// The packet delay floor: what the fastest packets of a network tell of it. Slow
// packets waited in a queue. A servo leaves them out, and what remains is the floor.
// Where the floor itself moves, no servo can help.
//
//	each second: the mean of its fastest Sync and its fastest Delay_Req (the client's
//	             own clock error is in both with opposite signs, and goes out)
//	200 s:       the mean of the fastest 0.25 % of the packets (G.8271.2; G.8260, I.3.2.2)
//	             and how many packets are within 150 us of the floor (G.8261.1)
//	10 minutes:  MTIE of that mean; G.8271.2 allows 1.1 us, peak to peak
//
// Of the fastest packets of a window only the fastest of each second are known, which
// makes the mean a little later than it is, and never earlier.
type floorSecond struct {
	fastest int64  // ns: the mean of the two ways
	packets uint16 // of the way that had fewer
	near    uint16 // of them, within 150 us of the second's fastest
}

// Network is how good a network is for time, by its packet delay floor.
type Network struct {
	Seconds int `json:"seconds"` // it was watched
	// MTIENs is the maximum time interval error of the floor over 10 minutes, in ns.
	MTIENs int64 `json:"floor_mtie_ns"`
	// FloorPercent is the smallest share of packets near the floor in any 200 s.
	FloorPercent float64 `json:"floor_packets_percent"`
}

const (
	floorWindow   = 200  // s
	floorShare    = 0.25 // % of the packets
	floorSpan     = 600  // s
	floorKept     = 3600 // s: the last hour
	floorNear     = 150 * time.Microsecond
	floorMTIENs   = 1100
	floorLeastPct = 1.0
)

// floorOf is the second of a servo's window.
func floorOf(forward, reverse []int64) floorSecond {
	f, r := slices.Min(forward), slices.Min(reverse)
	s := floorSecond{fastest: (f + r) / 2}
	way, first := forward, f
	if len(reverse) < len(forward) {
		way, first = reverse, r
	}
	for _, ns := range way {
		s.packets++
		if ns-first <= int64(floorNear) {
			s.near++
		}
	}
	return s
}

// judgeFloor needs ten minutes; ok is false when there is less.
func judgeFloor(seconds []floorSecond) (n Network, ok bool) {
	n = Network{Seconds: len(seconds), FloorPercent: 100}
	if len(seconds) < floorSpan {
		return n, false
	}
	var selected []float64
	sorted := make([]int64, 0, floorWindow)
	for end := floorWindow; end <= len(seconds); end++ {
		window := seconds[end-floorWindow : end]
		sorted = sorted[:0]
		packets := 0
		for _, s := range window {
			sorted = append(sorted, s.fastest)
			packets += int(s.packets)
		}
		slices.Sort(sorted)
		fastest := sorted[:min(max(1, int(float64(packets)*floorShare/100)), len(sorted))]
		sum, near := 0.0, 0
		for _, ns := range fastest {
			sum += float64(ns)
		}
		selected = append(selected, sum/float64(len(fastest)))
		for _, s := range window {
			if s.fastest-sorted[0] <= int64(floorNear) {
				near += int(s.near)
			}
		}
		n.FloorPercent = min(n.FloorPercent, 100*float64(near)/float64(max(1, packets)))
	}
	// The first and the last of so many have 10 minutes of packets in them.
	mtie, _ := stability.MTIE(selected, floorSpan-floorWindow)
	n.MTIENs = int64(math.Round(mtie))
	n.FloorPercent = math.Round(n.FloorPercent*100) / 100
	return n, true
}
