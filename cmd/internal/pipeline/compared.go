package pipeline

import (
	"math"

	"bragi/gnss/timescale"
	"bragi/holdover/stability"
)

// What is known of one reference beside the one that is followed.

// Spread is a measure of a difference over 1, 10 and 100 s, ns; NaN: not known yet.
type Spread [3]float64

var spreadTaus = [...]int{1, 10, 100}

// compared is what is known of a reference's time against that of the one which is
// followed.
type compared struct {
	first timescale.Mono // when it was first compared
	// newcomer: the clock had been locked for a while then, and knows better.
	newcomer bool
	close    timescale.Mono // when it last agreed well
	at       timescale.Mono

	aheadNs float64 // the latest; positive: this one's time is ahead
	meanNs  float64 // of those inside the gate
	nearNs  float64 // the mean of the last ten or so
	devNs   float64 // their mean absolute deviation from it
	n       int     // of them, at most levelMost
	outside int     // differences in a row

	series  []float64 // the last differences, ns, oldest first
	seen    int
	tdev    Spread
	mtie    Spread
	accused int    // verdicts against it, in a row
	odd     string // why it is dropped, with the difference of then; "": it is not
	oddBy   string // what the verdict rests on; "": the difference is one of seconds, and does not change
	agrees  int    // seconds in a row, since
	agreed  bool   // it was pardoned this second
	joined  bool   // when it began to agree the clock, which it steered by force, still believed its pulses: it had not moved
	// protests is how many seconds it has agreed with others that were named, too: they are more
	// than those that were not.
	protests int
	backed   bool    // in a dispute: the clock's memory agreed with it, and not with the majority
	wrongNs  float64 // how far it was from those that were believed, when last seen to differ
	// swayed: the clock has followed it by force since, and is no witness of it any more.
	swayed bool

	confirms int // seconds that it has agreed with pulses that the clock doubts
}

// level is the mean difference while both were good; known is false before enough
// seconds were compared.
func (c *compared) level() (ns float64, known bool) { return c.meanNs, c.n >= buildLevels }

// gate is how far a difference may be from the mean.
func (c *compared) gate(limitNs float64) float64 {
	return min(max(gateDeviations*c.devNs, gateLeastNs), limitNs/2)
}

// doubtNs is how far the served clock is from a reference that is believed as the one that is
// followed is, where the two differ more than two receivers of the bound receiverNs should, or
// than they did. buildNs is what is taken off the pulses that are followed. A reference that is
// gone counts with what it differed by when it was last seen, until it is back and agrees.
func (c *compared) doubtNs(receiverNs, buildNs float64) (ns float64) {
	switch {
	case c.odd != "":
		return 0
	case c.disputes():
		return math.Abs(c.aheadNs) + math.Abs(buildNs)
	case c.n < buildLevels:
		return 0
	}
	if c.outside > 0 {
		return math.Abs(c.aheadNs-c.meanNs) + gateDeviations*c.devNs + math.Abs(buildNs)
	}
	for _, off := range [...]float64{c.meanNs, c.nearNs} {
		if math.Abs(off) > differMost*receiverNs {
			ns = max(ns, math.Abs(off-buildNs), 1) // one of them has another fault, too
		}
	}
	return ns
}

// disputes tells that it was never seen to agree, and that it differs.
func (c *compared) disputes() bool { return c.n < buildLevels && c.outside >= oddAfter }

// turned is what is known of the one that is followed as seen from another one, of which c is
// known: another one is followed from now on, and this one may be gone.
func (c *compared) turned(was *compared) {
	was.meanNs, was.nearNs, was.aheadNs = -c.meanNs, -c.nearNs, -c.aheadNs
	was.devNs, was.n, was.close, was.outside = c.devNs, c.n, c.close, c.outside
	was.first, was.newcomer = c.first, c.newcomer
	if was.outside < oddAfter { // a last pulse of one that fails says nothing
		was.outside, was.nearNs, was.aheadNs = 0, was.meanNs, was.meanNs
	}
}

// rebase counts from another reference on, which was ahead by level. If the one before was
// odd, the last differences to it say nothing.
func (c *compared) rebase(level float64, odd bool) {
	c.meanNs -= level
	c.nearNs -= level
	if odd && c.odd == "" {
		c.outside, c.nearNs = 0, c.meanNs
	}
	c.series, c.aheadNs = c.series[:0], c.aheadNs-level
	c.tdev, c.mtie = unknownSpread(), unknownSpread()
}

// forget lets the clock know nothing of when this one agreed.
func (c *compared) forget() { c.n, c.close, c.newcomer = 0, timescale.Mono{}, false }

func (c *compared) pardon() {
	c.odd, c.oddBy, c.accused, c.agrees, c.protests, c.wrongNs, c.swayed = "", "", 0, 0, 0, 0, false
}

// moves tells that the difference is not what it was while both were good.
func (c *compared) moves() bool { return c.n >= buildLevels && c.outside > 0 }

func unknownSpread() Spread { return Spread{math.NaN(), math.NaN(), math.NaN()} }

// see takes a difference at m.
func (c *compared) see(m timescale.Mono, aheadNs, limitNs float64) {
	if c.first.IsZero() {
		c.first = m
		c.tdev, c.mtie = unknownSpread(), unknownSpread()
	}
	c.at, c.aheadNs = m, aheadNs
	if c.seen == 0 {
		c.nearNs = aheadNs
	}
	c.nearNs += (aheadNs - c.nearNs) / nearSeconds
	if math.Abs(c.nearNs) > limitNs && math.Abs(aheadNs) <= limitNs {
		c.nearNs = aheadNs // a fault that is over is not in the mean
	}
	switch off := math.Abs(aheadNs - c.meanNs); {
	case math.Abs(aheadNs) > limitNs:
		c.outside++
	case c.n == 0 || c.outside > anotherLevel:
		c.meanNs, c.devNs, c.n, c.outside, c.close = aheadNs, limitNs/(2*gateDeviations), 1, 0, m
	case off > c.gate(limitNs):
		c.outside++
	default:
		c.n, c.outside, c.close = min(c.n+1, levelMost), 0, m
		c.meanNs += (aheadNs - c.meanNs) / float64(c.n)
		c.devNs += (off - c.devNs) / float64(c.n)
	}
	if len(c.series) == seriesLength {
		copy(c.series, c.series[1:])
		c.series = c.series[:seriesLength-1]
	}
	c.series = append(c.series, aheadNs)
	if c.seen++; c.seen%spreadEvery == 0 {
		c.spread()
	}
}

func (c *compared) spread() {
	x := make([]float64, len(c.series))
	for i, ns := range c.series {
		x[i] = ns * 1e-9
	}
	for i, tau := range spreadTaus {
		c.tdev[i], c.mtie[i] = math.NaN(), math.NaN()
		if dev, n := stability.TDEV(x, 1, tau); n > 0 {
			c.tdev[i] = dev * 1e9
		}
		if mtie, n := stability.MTIE(x, tau); n > 0 {
			c.mtie[i] = mtie * 1e9
		}
	}
}

func (c *compared) show(now timescale.Mono, l *ReferenceLook) {
	if !c.first.IsZero() {
		l.TDEVNs, l.MTIENs, l.Seconds = c.tdev, c.mtie, len(c.series)
	}
	if !c.at.IsZero() && now.Sub(c.at) < pulseMissing {
		l.AheadNs = c.aheadNs
	}
	if level, known := c.level(); known {
		l.LevelNs = level
	}
	if !c.first.IsZero() && (c.outside >= oddAfter || c.odd != "") {
		l.LevelNs = c.nearNs // that of both when they were good is not theirs now
	}
}
