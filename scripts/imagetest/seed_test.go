package main

import "testing"

func TestThePowerGoesAtOtherMomentsInEachTestAndAtTheSameOnesByItsSeed(t *testing.T) {
	draw := func(seed uint64) (list [8]int64) {
		r := moments(seed)
		for i := range list {
			list[i] = r.Int64N(90e9)
		}
		return list
	}
	first := seedOf(0)
	if draw(first) == draw(seedOf(0)) {
		t.Error("two tests draw the same moments")
	}
	if draw(seedOf(first)) != draw(first) {
		t.Error("a seed that is named gives other moments")
	}
}
