package holdover

import (
	"math"
	"slices"

	"bragi/gnss/timescale"
)

// witness is the error of the served clock as the last pulses show it, without
// any model.
type witness struct {
	seen [9]shown
	n    int
}

// shown is the served clock's error at the pulse of at, in ns.
type shown struct {
	at timescale.Mono
	ns float64
}

func (w *witness) add(at timescale.Mono, ns float64) {
	w.seen[w.n%len(w.seen)] = shown{at, ns}
	w.n++
}

func (w *witness) reset() { w.n = 0 }

// error is how far off the median of those of the last quarter of a minute is at
// least, in ns, positive, when a pulse has the noise sigma; 0 for fewer than three.
func (w *witness) error(now timescale.Mono, sigma float64) float64 {
	var list [len(w.seen)]float64
	n := 0
	for _, s := range w.seen[:min(w.n, len(w.seen))] {
		if seconds(now.Sub(s.at)) < 15 {
			list[n] = s.ns
			n++
		}
	}
	if n < 3 {
		return 0
	}
	slices.Sort(list[:n])
	return max(math.Abs(list[n/2])-boundSigmas*ofMedian*sigma/math.Sqrt(float64(n)), 0)
}

const ofMedian = 1.25 // its deviation over that of a mean

// most is error, or what the last three pulses show where that is more, and more where
// they are further off than all of them: then they run away.
func (w *witness) most(now timescale.Mono, sigma float64) float64 {
	shown := w.error(now, sigma)
	if shown == 0 {
		return 0
	}
	var list [3]float64
	for i := range list {
		list[i] = math.Abs(w.seen[(w.n-1-i)%len(w.seen)].ns)
	}
	slices.Sort(list[:])
	shown = max(shown, list[1]-boundSigmas*ofMedian*sigma/math.Sqrt(float64(len(list))))
	if runs := list[1] - shown - 2*boundSigmas*sigma; runs > 0 {
		return list[1] + runs
	}
	return shown
}
