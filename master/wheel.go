package master

import (
	"math/bits"

	"bragi/gnss/timescale"
)

// The wheel. Time is cut into slots of 2^-10 s, counted from the epoch of
// CLOCK_MONOTONIC_RAW. A flow with an interval of 2^k s has a period of
// 2^(k+10) slots and lives in one of that many phases: it is due in each slot
// that leaves the phase as the remainder. The phases of all periods form a
// binary tree: phase s of period P splits into s and s+P of period 2P, for the
// slots of the first are those of the other two together. Node 2^L+s is phase s
// of period 2^L; its list has the flows that are due there.
//
//	load of a node = messages in 2^14 slots of all flows in its subtree
//
// Add, remove and renew touch one list and the at most 15 nodes above. The
// emptiest phase is found by comparing all of the first 256 and, for longer
// periods, by going down to the lighter child; equal ones are taken in
// bit-reversed order, so that the second client is half an interval away from
// the first.
const (
	slotBits  = 10 // slots per second, log2
	topLevel  = slotBits + maxLogInterval
	scanLevel = 8
	numLevels = topLevel + 1
)

// maxCatchUp is how many slots late a slot may be and still be sent: after a
// longer stop the older ones are skipped and counted, so that no burst follows.
const maxCatchUp = 16

type wheel struct {
	head   []int32 // by node: first flow id + 1
	next   []int32 // by flow id: next flow id + 1 in its list
	prev   []int32 // by flow id: previous flow id + 1
	node   []int32 // by flow id: its node, 0 for none
	load   []uint32
	used   [numLevels][]uint64 // by level: which phases have flows
	count  [numLevels]int      // by level: flows
	total  int
	cursor int64  // the next slot to look at
	missed uint64 // slots in use that were skipped
}

func newWheel(flows int) *wheel {
	w := &wheel{
		head: make([]int32, 2<<topLevel),
		load: make([]uint32, 2<<topLevel),
		next: make([]int32, flows),
		prev: make([]int32, flows),
		node: make([]int32, flows),
	}
	for l := range w.used {
		w.used[l] = make([]uint64, max(1, 1<<l/64))
	}
	return w
}

// slotAt is the slot that t lies in. A slot is 1953125/2 ns long.
func slotAt(t timescale.Mono) int64 { return t.Ns() * 2 / 1953125 }

// slotStart is the first nanosecond of a slot.
func slotStart(slot int64) timescale.Mono {
	return timescale.MonoFromNs((slot*1953125 + 1) / 2)
}

func levelOf(logInterval int8) int { return int(logInterval) + slotBits }

// add puts a flow with this interval into the emptiest phase.
func (w *wheel) add(now timescale.Mono, flow int32, logInterval int8) {
	w.put(now, flow, logInterval, w.emptiest(levelOf(logInterval)))
}

// put puts a flow into the phase it is given.
func (w *wheel) put(now timescale.Mono, flow int32, logInterval int8, phase int) {
	if first, ok := w.nextUsed(w.cursor); !ok || first > slotAt(now) {
		w.cursor = slotAt(now) + 1
	}
	w.link(flow, levelOf(logInterval), phase)
}

// phase is the phase that a flow is in, 0 for one that is in none.
func (w *wheel) phase(flow int32) uint16 {
	node := w.node[flow]
	if node == 0 {
		return 0
	}
	return uint16(node - 1<<(bits.Len32(uint32(node))-1))
}

// remove takes a flow out, if it is in.
func (w *wheel) remove(flow int32) {
	node := w.node[flow]
	if node == 0 {
		return
	}
	level := bits.Len32(uint32(node)) - 1
	phase := int(node) - 1<<level
	if p := w.prev[flow]; p != 0 {
		w.next[p-1] = w.next[flow]
	} else {
		w.head[node] = w.next[flow]
	}
	if n := w.next[flow]; n != 0 {
		w.prev[n-1] = w.prev[flow]
	}
	if w.head[node] == 0 {
		w.used[level][phase/64] &^= 1 << (phase % 64)
	}
	w.node[flow] = 0
	w.weigh(level, phase, -1)
}

func (w *wheel) link(flow int32, level, phase int) {
	node := int32(1<<level + phase)
	first := w.head[node]
	w.next[flow], w.prev[flow], w.node[flow] = first, 0, node
	if first != 0 {
		w.prev[first-1] = flow + 1
	}
	w.head[node] = flow + 1
	w.used[level][phase/64] |= 1 << (phase % 64)
	w.weigh(level, phase, 1)
}

// weigh adds (1) or takes off (-1) the load of one flow, up to the root.
func (w *wheel) weigh(level, phase, sign int) {
	d := uint32(sign * (1 << (topLevel - level)))
	for l := level; l >= 0; l-- {
		w.load[1<<l+phase&(1<<l-1)] += d
	}
	w.count[level] += sign
	w.total += sign
}

// emptiest is the phase of the level in which the fewest messages leave.
func (w *wheel) emptiest(level int) int {
	scan := min(level, scanLevel)
	// above[s]: flows of shorter periods that are due in every slot of phase s.
	var above [1 << scanLevel]uint32
	for l := range scan {
		for s := 1<<l - 1; s >= 0; s-- {
			node := 1<<l + s
			own := w.load[node] - w.load[2<<l+s] - w.load[2<<l+s+1<<l]
			above[s] += own >> (topLevel - l)
			above[s+1<<l] = above[s]
		}
	}
	best, least := 0, ^uint32(0)
	for i := range 1 << scan {
		s := int(bits.Reverse16(uint16(i)) >> (16 - scan))
		if c := w.load[1<<scan+s] + above[s]<<(topLevel-scan); c < least {
			best, least = s, c
		}
	}
	for l := scan; l < level; l++ {
		if w.load[2<<l+best+1<<l] < w.load[2<<l+best] {
			best += 1 << l
		}
	}
	return best
}

// nextUsed is the first slot from `from` on that has a flow.
func (w *wheel) nextUsed(from int64) (slot int64, ok bool) {
	for l := range w.count {
		if w.count[l] == 0 {
			continue
		}
		start := int(from & (1<<l - 1))
		s := from + int64((nextBit(w.used[l], start)-start)&(1<<l-1))
		if !ok || s < slot {
			slot, ok = s, true
		}
	}
	return slot, ok
}

// nextBit is the first set bit from start on, wrapping around; one is set.
func nextBit(words []uint64, start int) int {
	i := start / 64
	if v := words[i] >> (start % 64); v != 0 {
		return start + bits.TrailingZeros64(v)
	}
	for range words {
		if i++; i == len(words) {
			i = 0
		}
		if words[i] != 0 {
			return i*64 + bits.TrailingZeros64(words[i])
		}
	}
	return start
}

// due takes the oldest slot that is due at now. What is later than maxCatchUp
// is skipped and counted.
func (w *wheel) due(now timescale.Mono) (slot int64, ok bool) {
	current := slotAt(now)
	slot, ok = w.nextUsed(w.cursor)
	if !ok || slot > current {
		return 0, false
	}
	if oldest := current - maxCatchUp; slot < oldest {
		w.missed += uint64(oldest - slot)
		w.cursor = oldest
		if slot, ok = w.nextUsed(oldest); !ok || slot > current {
			return 0, false
		}
	}
	w.cursor = slot + 1
	return slot, true
}
