package main

import "slices"

// What the samples show, as plain figures.

// magnitudes are the sizes of the true errors, ascending.
func magnitudes(samples []Sample) []int64 {
	var m []int64
	for _, s := range samples {
		if s.Oracle {
			m = append(m, max(s.ErrNs, -s.ErrNs))
		}
	}
	slices.Sort(m)
	return m
}

// percentile is the value that p percent of an ascending list do not exceed.
func percentile(sorted []int64, p int) int64 {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[max(0, (len(sorted)*p+99)/100-1)]
}

// largestMove is the largest change of the true error from one second to the
// next: a step of the clock shows here.
func largestMove(samples []Sample) int64 {
	var largest int64
	for i := 1; i < len(samples); i++ {
		if d := samples[i].ErrNs - samples[i-1].ErrNs; samples[i].Oracle && samples[i-1].Oracle {
			largest = max(largest, d, -d)
		}
	}
	return largest
}

// longestLie is the longest run of seconds in which a traceable time was
// claimed with a bound that the truth was outside of.
func longestLie(samples []Sample) int {
	longest, run := 0, 0
	for _, s := range samples {
		run++
		if !s.lies() {
			run = 0
		}
		longest = max(longest, run)
	}
	return longest
}

// count is how many samples are so.
func count(samples []Sample, is func(Sample) bool) int {
	n := 0
	for _, s := range samples {
		if is(s) {
			n++
		}
	}
	return n
}

// median is the middle of a list, which it sorts.
func median(list []int64) int64 {
	slices.Sort(list)
	return percentile(list, 50)
}
