package master

import "hash/maphash"

// index finds a row of a fixed table by key: open addressing with linear
// probing and backward-shift deletion, at most half full, so that a look-up is
// short and no history of inserts and deletes makes it longer. The rows' keys
// live with the rows; the index asks for them.
type index[K comparable] struct {
	seed  maphash.Seed
	slots []int32 // row + 1, 0 for empty
	key   func(row int32) K
}

func newIndex[K comparable](rows int, key func(int32) K) index[K] {
	n := 4
	for n < 2*rows {
		n *= 2
	}
	return index[K]{seed: maphash.MakeSeed(), slots: make([]int32, n), key: key}
}

func (x *index[K]) home(k K) int {
	return int(uint32(maphash.Comparable(x.seed, k))) & (len(x.slots) - 1)
}

// find returns the row of k, or -1.
func (x *index[K]) find(k K) int32 {
	for i := x.home(k); ; i = (i + 1) & (len(x.slots) - 1) {
		row := x.slots[i] - 1
		if row < 0 || x.key(row) == k {
			return row
		}
	}
}

// insert adds a row whose key is not in the index.
func (x *index[K]) insert(k K, row int32) {
	i := x.home(k)
	for x.slots[i] != 0 {
		i = (i + 1) & (len(x.slots) - 1)
	}
	x.slots[i] = row + 1
}

// remove takes k out; the keys of the other rows must still be in place.
func (x *index[K]) remove(k K) {
	mask := len(x.slots) - 1
	i := x.home(k)
	for x.slots[i] != 0 && x.key(x.slots[i]-1) != k {
		i = (i + 1) & mask
	}
	if x.slots[i] == 0 {
		return
	}
	// Move back every later entry of the run that may stand at the hole.
	for j := (i + 1) & mask; x.slots[j] != 0; j = (j + 1) & mask {
		home := x.home(x.key(x.slots[j] - 1))
		if (j-home)&mask >= (j-i)&mask {
			x.slots[i] = x.slots[j]
			i = j
		}
	}
	x.slots[i] = 0
}
