package holdover

import (
	"math"
	"time"
)

// kinds weighs which kind of oscillator this one behaves like, whatever was told, and
// whether the thermometer tells of it.
//
// Each kind has two filters of its own: the model with the noise of that kind, one with
// the thermometer and one without. While LOCKED each foretells the mean of a minute of
// pulses, and how far it may be off. What came is more or less likely by
// each; the logarithms of that are summed up. A hypothesis that is right is overtaken by
// the odds K with a probability of 1 / K at the most, at any time and however long one
// waits (Ville's inequality). So odds decide, not a number of hours: a plain crystal is
// told from a TCXO within minutes, an OCXO from a rubidium in hours.
//
// No kind is quite as its data sheet, and a sky may lie. So what is far off counts
// for less than it does by a normal distribution, and what one block of five minutes says is limited: more before the
// oscillator is proven, when nothing better than a plain crystal is relied on anyway. No
// kind falls so far behind that it could not be the best again within hours: what has
// thrown its filter off may be over, so that one begins anew now and then.
type kinds struct {
	filters [hypotheses]model
	steps   [hypotheses]transition
	scores  [hypotheses]float64 // logarithm of the odds against the best
	block   [hypotheses]float64 // of the block that runs
	floor   [hypotheses]int     // blocks in a row that it was as far behind as can be
	blocks  int                 // that were closed
	ends    float64             // the block, s since the origin
	last    float64             // pulse; 0: none yet

	n    int // pulses of the mean that is made, and their sums
	t, z float64
	r    float64 // of the variances of their noise
	w    warmth
}

// A hypothesis is a kind with the thermometer, or that kind without it: hypothesis i is
// of the kind i % len(behaviours).
const hypotheses = 2 * len(behaviours)

const (
	kindPulses     = 64
	kindGapS       = 30.0
	kindCommon     = 0.38 // of the variance that a quarter of a minute has in common is left in such a mean
	kindTail       = 3.0
	kindBlockS     = 300.0
	kindBlockMost  = 4.5 // less than kindWorse: one block is no evidence
	kindProvenMost = 3.0
	kindBehind     = 30.0
	kindAnew       = 6    // blocks
	kindBetter     = 10.0 // odds of 22,000: a bound that is too small is a lie
	kindWorse      = 5.0  // odds of 150
	kindFar        = 0.75 // of a kind
	kindEven       = 1.0  // odds of e: nothing speaks against it
	kindWatched    = 12   // blocks
	calmFor        = 24 * time.Hour
)

// feels is what the hypothesis makes of the warmth w.
func feels(i int, w warmth) warmth {
	if i >= len(behaviours) {
		return warmth{}
	}
	return w
}

// noiseOf is the noise of the hypothesis.
func (k *kinds) noiseOf(e *estimator, i int) noise {
	n := e.noiseOf(&behaviours[i%len(behaviours)], i >= len(behaviours))
	n.common *= kindCommon
	return n
}

// observe takes a pulse that the estimator took, z ns at t with the noise sigma ns. It
// reports another kind than the estimator's when the odds are for it.
func (k *kinds) observe(e *estimator, t, z, sigma float64) (better Oscillator, ok bool) {
	switch {
	case k.last == 0:
		for i := range k.filters {
			k.filters[i] = k.opened(e, i)
		}
		k.ends = t + kindBlockS
		k.n = 0
	case t-k.last > kindGapS:
		// An outage, or a doubt: where the phase is the estimator knows better.
		for i := range k.filters {
			k.rebase(e, i)
		}
		k.n = 0
	}
	if k.n == 0 {
		k.t, k.z, k.r, k.w = 0, 0, 0, warmth{}
	}
	k.last = t
	k.n++
	k.t += t
	k.z += z
	k.r += square(max(e.pulses.ns, sigma)) // as noisy as it was when the estimator took it
	k.w = warmth{k.w.s1 + e.w.s1, k.w.s2 + e.w.s2, k.w.t1 + e.w.t1, k.w.t2 + e.w.t2}
	if k.n < kindPulses {
		return 0, false
	}
	n := float64(k.n)
	k.n = 0
	w := warmth{k.w.s1 / n, k.w.s2 / n, k.w.t1 / n, k.w.t2 / n}
	k.weigh(e, k.t/n, k.z/n, k.r/(n*n), w)
	if t < k.ends {
		return 0, false
	}
	k.ends = t + kindBlockS
	k.close(e.proven)
	for i, v := range k.scores {
		if k.floor[i]++; v > -kindBehind {
			k.floor[i] = 0
		} else if k.floor[i] >= kindAnew {
			k.filters[i], k.floor[i] = k.opened(e, i), 0
		}
	}
	return k.best(e)
}

// weigh asks each hypothesis how likely the mean z of variance r at t is.
func (k *kinds) weigh(e *estimator, t, z, r float64, w warmth) {
	for i := range k.filters {
		f := &k.filters[i]
		if t <= f.t {
			continue
		}
		k.steps[i].set(t-f.t, k.noiseOf(e, i))
		f.predict(&k.steps[i], feels(i, w))
		v, p := f.expect(t, z)
		k.block[i] -= surprise(v/math.Sqrt(p+r)) + math.Log(p+r)/2
		f.pulse(v, r)
	}
}

// surprise is that of a value v deviations off, as a logarithm: of a normal distribution,
// and beyond three deviations of one with longer tails, so that one value says little.
func surprise(v float64) float64 {
	v = math.Abs(v)
	near := min(v, kindTail)
	return near * (v - near/2)
}

// close takes what a block has said into the scores.
func (k *kinds) close(proven bool) {
	most := kindBlockMost
	if proven {
		most = kindProvenMost
	}
	k.blocks++
	behind(&k.block, most)
	for i, v := range k.block {
		k.scores[i] += v
	}
	k.block = [hypotheses]float64{}
	behind(&k.scores, kindBehind)
}

// behind counts from the best, down to most.
func behind(list *[hypotheses]float64, most float64) {
	best := math.Inf(-1)
	for _, v := range list {
		best = max(best, v)
	}
	for i := range list {
		list[i] = max(list[i]-best, -most)
	}
}

// misled tells that the odds are for an oscillator that does not feel what the thermometer
// shows: one in the processor's die, or that stands somewhere else.
func (k *kinds) misled() bool { return k.without() >= kindWorse }

// without is the logarithm of the odds for an oscillator that does not feel what the
// thermometer shows.
func (k *kinds) without() float64 {
	with, without := math.Inf(-1), math.Inf(-1)
	for i := range behaviours {
		with, without = max(with, k.scores[i]), max(without, k.scores[i+len(behaviours)])
	}
	return without - with
}

// of is the score of a kind, by the better of its two hypotheses.
func (k *kinds) of(kind Oscillator) float64 {
	i := int(kind - XO)
	return max(k.scores[i], k.scores[i+len(behaviours)])
}

// best is what the oscillator is to be taken for. ok tells that this is another kind than
// until now, or that the level has gone far from a kind that the odds are for.
//
// The kind stays while the odds are not against it. Then it is the worst of those that
// they are not against; where the most likely one is worse, less is enough. Where no
// thermometer tells of the oscillator nothing makes it better than it was told to be: a
// calm room says nothing of what the next change of it will do.
func (k *kinds) best(e *estimator) (kind Oscillator, ok bool) {
	likely, least := XO, XO
	for i := XO; i <= Rubidium; i++ {
		if k.of(i) > k.of(likely) {
			likely = i
		}
	}
	for k.of(likely)-k.of(least) >= kindBetter {
		least++
	}
	if feels := !e.blind && k.scores[least-XO]+1 >= k.scores[int(least-XO)+len(behaviours)]; e.told != Auto && !feels {
		likely, least = min(likely, max(e.told, e.taken())), min(least, max(e.told, e.taken()))
	}
	taken := e.taken()
	switch {
	case taken == Auto:
		return least, least != kindAt(e.level)
	case likely < taken && k.of(likely)-k.of(taken) >= kindWorse:
		return likely, true
	case least != taken && k.of(likely)-k.of(taken) >= kindBetter:
		return least, true
	}
	// What made it worse than its kind is over.
	blind := 0
	if e.blind {
		blind = len(behaviours)
	}
	here := k.scores[int(taken-XO)+blind]
	return taken, e.level < taken.level()-kindFar && here-k.scores[int(kindAt(e.level)-XO)+blind] >= kindBetter
}

// sharp is the best kind that the oscillator may be by what an hour of pulses has shown, at
// most the one that was told: a worse one that a warm-up or a restart has left explains no
// better what came since. Where nothing was told it is the worst that the odds are not
// against. The bound stays that of the kind that it is taken for; but what the pulses do is
// news when it is news for this one.
func (k *kinds) sharp(e *estimator) Oscillator {
	if k.blocks < kindWatched {
		return Auto
	}
	likely := math.Inf(-1)
	for i := XO; i <= Rubidium; i++ {
		likely = max(likely, k.of(i))
	}
	if e.told == Auto {
		kind := XO
		for likely-k.of(kind) >= kindWorse {
			kind++
		}
		return kind
	}
	for kind := e.told; kind > e.taken(); kind-- {
		if likely-k.of(kind) < kindEven {
			return kind
		}
	}
	return Auto
}

// noBetter takes an oscillator that calm hours have made better than the middle of its kind
// for no better than that, as a holdover begins, while the odds are against the next better
// kind. A day of lock, or the memory of one, is no calm hour. It reports whether it did: then
// the frequency is known no better than the kind's floor.
func (c *Clock) noBetter() bool {
	e, k := &c.est, &c.kinds
	t := e.taken()
	if c.remembers || c.life.LockedFor >= calmFor || t == Auto || t == Rubidium || e.level <= t.level() || k.of(t)-k.of(t+1) < kindWorse {
		return false
	}
	e.setLevel(t.level())
	return true
}

// rebase gives a filter the estimator's phase and frequency, and keeps what it knows of
// ageing and temperature.
func (k *kinds) rebase(e *estimator, i int) {
	f := &k.filters[i]
	k.carry(e, i)
	f.add(sPhase, sPhase, square(f.x[sPhase]-e.x[sPhase])+square(e.sigma()))
	f.add(sFreq, sFreq, square(f.rate()-e.rate())+square(e.rateSigma()))
	f.x[sPhase] = e.x[sPhase]
	f.x[sFreq] += e.rate() - f.rate()
}

// carry brings a filter to where the estimator is.
func (k *kinds) carry(e *estimator, i int) {
	if dt := e.t - k.filters[i].t; dt > 0 {
		k.steps[i].set(dt, k.noiseOf(e, i))
		k.filters[i].predict(&k.steps[i], feels(i, e.w))
	}
}

// opened is the estimator's state as the hypothesis would have it when nothing is known
// but phase and frequency.
func (k *kinds) opened(e *estimator, i int) model {
	b, n := behaviours[i%len(behaviours)], k.noiseOf(e, i)
	m := model{t: e.t, w: feels(i, e.w)}
	m.x[sPhase], m.x[sFreq], m.x[sPulseSlow] = e.x[sPhase], e.rate(), e.x[sPulseSlow]
	tempco := square(b.tempcoPPB)
	for s, v := range [states]float64{
		sPhase: e.p[sPhase][sPhase],
		sFreq:  square(e.rateSigma()) + square(b.flickerPPB) + tempco*(square(m.w.t1)+square(m.w.t2)),
		sFast:  n.fast, sSlow: n.slow, sDrift: square(b.agePPBDay / dayS), sTempco1: tempco, sTempco2: tempco,
		sPulseSlow: square(pulseSlowNs), sPulseFast: n.common,
	} {
		m.p[s][s] = v
	}
	m.open(sTempco1, tempco, m.w.t1)
	m.open(sTempco2, tempco, m.w.t2)
	return m
}

// behaves takes the oscillator for one of another kind than before: the clock goes on
// with that kind's filter, where the estimator is, and what was learned of the old one's
// forecasts is void.
func (c *Clock) behaves(kind Oscillator) {
	e, k, i := &c.est, &c.kinds, int(kind-XO)
	if blind := i + len(behaviours); k.scores[blind] > k.scores[i] {
		e.model = k.opened(e, i)
	} else {
		k.rebase(e, i)
		e.model = k.filters[i]
	}
	if kind.level() > e.level {
		c.forgetStates() // those of a worse one have the pulses' noise
	}
	e.found = kind
	e.setLevel(kind.level())
	e.agility, e.quick, e.long = 0, 0, 0
	c.snaps.reset()
	c.doubt.reset()
	c.motion.reset()
	c.virtual = newVirtual()
}
