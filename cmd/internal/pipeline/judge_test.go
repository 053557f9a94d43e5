package pipeline

import (
	"math"
	"slices"
	"testing"
)

// Which of several is wrong, and what says so. The first reading is that of the reference
// which is followed.
func TestWhichReferenceIsTheOddOne(t *testing.T) {
	const us, s = 1e3, 1e9
	nan := math.NaN()
	for name, c := range map[string]struct {
		readings  []Reading
		width     float64
		odd       []int
		undecided bool
		by        string
	}{
		"one alone":                                             {[]Reading{{0, 0, nan, 0}}, 0, nil, false, ""},
		"two that agree":                                        {[]Reading{{0, 0, 0, 0}, {400, 0, 0, 0}}, 100, nil, false, ""},
		"the other 1 us off":                                    {[]Reading{{0, 0, 20, 0}, {us, 0, us + 20, 0}}, 100, []int{1}, false, byClock},
		"the followed one 1 us off":                             {[]Reading{{0, 0, us, 0}, {-us, 0, 0, 0}}, 100, []int{0}, false, byClock},
		"the clock does not know enough":                        {[]Reading{{0, 0, us, 0}, {-us, 0, 0, 0}}, 5 * us, nil, true, ""},
		"the clock agrees with neither":                         {[]Reading{{0, 0, 5 * us, 0}, {-us, 0, 4 * us, 0}}, 100, nil, true, ""},
		"the clock has no word":                                 {[]Reading{{0, 0, nan, 0}, {us, 0, nan, 0}}, 0, nil, true, ""},
		"a whole second, by the clock":                          {[]Reading{{0, 0, 10, 1}, {s, 0, s, 3}}, 1e6, []int{1}, false, byClock},
		"a whole second, nobody knows":                          {[]Reading{{0, 0, nan, 1}, {s, 0, nan, 1}}, 0, nil, true, ""},
		"a whole second, one vouches":                           {[]Reading{{0, 0, nan, 1}, {s, 0, nan, 3}}, 0, []int{0}, false, byEvidence},
		"evidence says nothing of 1 us":                         {[]Reading{{0, 0, nan, 1}, {us, 0, nan, 3}}, 0, nil, true, ""},
		"three, one odd":                                        {[]Reading{{0, 0, nan, 0}, {100, 0, nan, 0}, {2 * us, 0, nan, 0}}, 0, []int{2}, false, byMajority},
		"three, the followed one odd":                           {[]Reading{{0, 0, 0, 0}, {2 * us, 0, 0, 0}, {2*us + 100, 0, 0, 0}}, 100, []int{0}, false, byMajority},
		"three, the clock agrees with the minority alone":       {[]Reading{{0, 0, 0, 0}, {2 * us, 0, 2 * us, 0}, {2*us + 100, 0, 2*us + 100, 0}}, 100, nil, true, byMemory},
		"three, the clock agrees with none":                     {[]Reading{{0, 0, 9 * us, 0}, {2 * us, 0, 7 * us, 0}, {2*us + 100, 0, 7*us + 100, 0}}, 100, []int{0}, false, byMajority},
		"three, the clock's memory is too wide":                 {[]Reading{{0, 0, 0, 0}, {2 * us, 0, 2 * us, 0}, {2*us + 100, 0, 2*us + 100, 0}}, 5 * us, []int{0}, false, byMajority},
		"three, the clock agrees with one of the majority, too": {[]Reading{{0, 0, -1500, 0}, {2 * us, 0, 500, 0}, {2*us + 400, 0, 900, 0}}, 300, []int{0}, false, byMajority},
		"three that all differ, the clock knows":                {[]Reading{{0, 0, 10, 0}, {2 * us, 0, 2 * us, 0}, {-2 * us, 0, -2 * us, 0}}, 100, []int{1, 2}, false, byClock},
		"three that all differ":                                 {[]Reading{{0, 0, nan, 0}, {2 * us, 0, nan, 0}, {-2 * us, 0, nan, 0}}, 0, nil, true, ""},
		"two against two":                                       {[]Reading{{0, 0, nan, 0}, {10, 0, nan, 0}, {2 * us, 0, nan, 0}, {2*us + 9, 0, nan, 0}}, 0, nil, true, ""},
		"a coarse input may differ more":                        {[]Reading{{0, 30, 0, 0}, {4 * us, 5 * us, 4 * us, 0}}, 100, nil, false, ""},
	} {
		v := Judge(c.readings, 500, c.width)
		if !slices.Equal(v.Odd, c.odd) || v.Undecided != c.undecided || v.By != c.by {
			t.Errorf("%s: %+v", name, v)
		}
	}
}
