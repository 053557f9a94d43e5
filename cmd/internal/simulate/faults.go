package simulate

import (
	"math"
	"math/rand/v2"
	"time"
)

// skyFaults are what goes wrong between the receiver and the Pipeline.
type skyFaults struct {
	rng  *rand.Rand
	list []Event
}

func (f *skyFaults) begin(e Event, seed uint64) {
	if f.rng == nil {
		f.rng = rand.New(rand.NewPCG(seed, 0x444f4253))
	}
	f.list = append(f.list, e)
}

// now is the latest fault of its kind that holds in second i; false: none.
func (f *skyFaults) now(do Action, i int) (Event, bool) {
	for n := len(f.list) - 1; n >= 0; n-- {
		e := f.list[n]
		if since := i - int(e.At.Seconds()); e.Do == do && since >= 0 && since < int(e.For.Seconds()) {
			return e, true
		}
	}
	return Event{}, false
}

// wrongSecond is by how much the receiver's messages are wrong in second i.
func (f *skyFaults) wrongSecond(i int) time.Duration {
	e, _ := f.now(Seconds, i)
	return time.Duration(e.Count) * time.Second
}

// handedLate is by how much later than usual the pulse of second i is handed over.
func (f *skyFaults) handedLate(i int) time.Duration {
	e, _ := f.now(PulseLate, i)
	return e.By
}

// doubled is how long after the pulse of second i its double comes; 0: it has none.
func (f *skyFaults) doubled(i int) time.Duration {
	if e, ok := f.now(PulseDoubled, i); ok && f.rng.Float64() < e.Share {
		return e.By
	}
	return 0
}

// dieHeat is what the processor's load adds to a thermometer in its die: mostC
// under load, which comes for two minutes of every ten, and for half of every
// second hour; it follows the load within 20 s.
type dieHeat struct {
	mostC, c float64
	last     int
}

func (d *dieHeat) at(second int) float64 {
	for ; d.last < second; d.last++ {
		load := 0.2
		if d.last%600 < 120 || d.last/1800%4 == 1 {
			load = 1
		}
		d.c += (d.mostC*load - d.c) * dieFollows
	}
	return d.c
}

var dieFollows = 1 - math.Exp(-1.0/20)
