package holdover

import (
	"math"
	"slices"
)

// doubt weighs the pulses against the oscillator itself while they are believed. The
// estimator follows what pulses do slowly, be it the oscillator or a sky that
// lies. So states of the past, from seconds to hours ago, are carried to now as
// if no pulse had come since, and compared:
//
//   - what the oscillator and the pulses can do by their noise is no news;
//   - where no thermometer tells of the room, neither is what a room does;
//   - more than that is doubted: the pulses are followed, and the bound holds what
//     the oscillator says too (anchor);
//   - and what not even a fan that stops could do to a proven oscillator is the sky:
//     the clock goes into holdover with a state from before it began.
type doubt struct {
	sober  sober
	recent snapshots // of the sober one, each few seconds
	past   snapshots // and each minute
	ns     [len(doubtLags)]float64
	near   [len(doubtLags)]float64 // what is nearly a doubt
	next   int
	young  young

	anchor anchor
}

// young is the doubt that a receiver is losing the sky: its pulses run away for a while before
// they stop. Then their frequency has changed within seconds. A filter that hurries after them
// has followed by then, and where it is not sure of the frequency its states say nothing. So
// the pulses of the last half minute are looked at by themselves, and the state from before is
// kept until they have kept their frequency for doubtTailS: what lasts is seen by the older
// states.
type young struct {
	pulses fit
	until  float64 // s since the origin; 0: there is none
	model  model
	ns     float64
	age    float64 // s
}

// sober follows the pulses as the oscillator that it is known to be would have them
// followed: where the estimator hurries after them, or begins to doubt the thermometer
// by their word alone, this one does not. So what it was before is not lost while they
// lie.
type sober struct {
	model
	step  transition
	apart bool    // it goes its own way
	since float64 // then: since when, s since the origin
}

// anchor is the other opinion: the sky lies. It is where the oscillator would be if
// what the pulses did each time that they moved as it does not were the sky's doing.
//
// While they move so, the oscillator is a state from before, carried on without pulses.
// When the pulses have its frequency again they tell of it as before, however far the
// sky is moved: what is left of the other opinion is how far, and how well that is
// known. They have it when they have not gone away from it for a third of the time since
// the doubt began. The next time adds to it. So a sky that comes back by as much takes
// the doubt away, and one that only stands still does not. What lasts for four hours is
// believed: pulses that stand still, or one other frequency. The hours count from the last
// news: a frequency of the pulses that neither the oscillator nor the room explains. A
// restart takes the anchor along.
type anchor struct {
	Moves   bool    `json:"moves"`
	Model   model   `json:"model"`    // while it moves: the oscillator by itself
	Since   float64 `json:"since_s"`  // it has not moved, or stands where it is, since the origin,
	AtNs    float64 `json:"at_ns"`    // while it was there
	LeastNs float64 `json:"least_ns"` // what was no news when the doubt began; 0: no doubt
	News    model   `json:"news"`     // the pulses when they last had another frequency than before

	OffsetNs float64 `json:"offset_ns"` // pulses less oscillator, of the times before,
	WidthNs  float64 `json:"width_ns"`  // and how far that may be off
	PeakNs   float64 `json:"peak_ns"`   // the furthest,
	Times    float64 `json:"times"`     // and in widths, the most
	Agrees   int     `json:"agrees"`    // pulses that are no further than the width
	Ns       float64 `json:"ns"`        // what the bound holds of it
	Jumped   bool    `json:"jumped"`    // the pulses stepped, or went as no oscillator goes: no other receiver's word ends it
	BeganS   float64 `json:"began_s"`   // the first of the states from before it, since the origin
	Beside   beside  `json:"beside"`    // a jump meanwhile that Model is too old to tell
}

// beside is where the oscillator was before a jump of the pulses, and what was no news then;
// 0: there was none.
type beside struct {
	Model   model   `json:"model"`
	LeastNs float64 `json:"least_ns"`
}

// doubtLags are how old the states are, in s; the first of them are looked at with
// each pulse, the others one by one.
var doubtLags = [...]float64{7, 14, 25, 45, 75, 110, 150, 220, 300, 420, 600, 850, 1200, 1700, 2400, 3500, 5000, 7000}

const (
	doubtEach       = 3
	doubtSigmas     = 4
	doubtNear       = 0.8  // of what is no doubt
	doubtLeastS     = 25.0 // a younger state that does not fit may be the pulses' own noise
	doubtTailS      = 30.0 // no receiver's pulses run away for longer before they stop
	doubtTailFrom   = 40.0 // the state from before that
	doubtTailPulses = 10
	doubtTailSigmas = 5
	doubtYoungS     = 150.0 // an older one of an oscillator that may be warming up says nothing
	doubtCalmS      = 120.0 // pulses that stand still for so long, and
	doubtCalmLeast  = 0.33  // for this share of the time since it began
	doubtCalmMost   = 0.8   // (more where noise hides the way), move no more
	doubtStill      = 8     // meanwhile they go less than this share of their way
	doubtLearnsS    = 1800.0
	doubtNews       = 2 // times what was no news: the states of meanwhile have followed the sky
	doubtStrong     = 2 // times the width: less is no more than a hint,
	doubtHintS      = 900.0
	doubtAgrees     = 60 // and ends then when so many pulses agree with the forecast
	doubtLastsS     = 4 * 3600.0
	skySigmas       = 7
)

func (d *doubt) reset() {
	d.past.reset()
	d.sober.apart = false
	d.ns, d.near = [len(doubtLags)]float64{}, [len(doubtLags)]float64{}
	d.young = young{}
}

// forgetStates drops the states of the last minute: the clock is somewhere else.
func (c *Clock) forgetStates() {
	c.snaps.reset()
	c.doubt.recent.reset()
	c.doubt.young = young{}
}

// most is the largest doubt and its age; 0: none.
func (d *doubt) most() (ns, age float64) {
	ns, age = d.anchor.Ns, doubtLags[len(doubtLags)-1]
	for i, v := range d.ns {
		if v > ns {
			ns, age = v, doubtLags[i]
		}
	}
	if d.young.ns > ns {
		ns, age = d.young.ns, d.young.age
	}
	return ns, age
}

// nearly is the largest part of the bound that is no doubt yet, in ns.
func (d *doubt) nearly() float64 { return slices.Max(d.near[:]) }

// weigh compares after a pulse was taken. sky tells that the pulses move as no
// oscillator does; from is the state to go on with.
func (c *Clock) weigh() (from model, sky bool) {
	d := &c.doubt
	d.recent.add(&d.sober.model)
	d.past.add(&d.sober.model)
	for i := range doubtEach {
		sky = c.weighLag(i) || sky
	}
	if d.next++; d.next >= len(doubtLags) {
		d.next = doubtEach
	}
	sky = c.weighLag(max(d.next, doubtEach)) || sky
	c.weighYoung()
	// A state that was young when it began has taken some of it over.
	for i, v := range d.ns {
		if v == 0 || doubtLags[i] < doubtLeastS && !sky {
			continue // so short that it may be the pulses' own noise
		}
		m, ok := c.before(c.est.t - max(2*doubtLags[i]+10, seconds(backDate)))
		from, sky = m, sky && ok
		if !ok { // what was before it is forgotten: the oldest that there is knows more than none
			m, ok = c.oldest(c.est.t - doubtLags[i])
		}
		if ok && c.est.proven {
			c.anchorAt(&m, 0)
		}
		break
	}
	sky = sky && !c.discredited(from.t)
	c.weighAnchor()
	return from, sky
}

// weighYoung keeps the state from before the pulses changed their frequency.
func (c *Clock) weighYoung() {
	y, t := &c.doubt.young, c.est.t
	if y.turned(&c.est) && c.est.proven {
		if m, ok := c.doubt.recent.before(t - doubtTailFrom); ok && y.until == 0 {
			y.model, y.until = m, t
		}
		if y.until > 0 {
			y.until = t + doubtTailS
		}
	} else if t >= y.until {
		y.until, y.ns = 0, 0
	}
	if y.until > 0 {
		v, allowed, _ := c.compare(&y.model)
		y.ns, y.age = math.Abs(v)+allowed, t-y.model.t
	}
}

// turned tells that the last pulses have another frequency than those right before, by more
// than their noise and an oscillator of the kind that flickers make of it.
func (y *young) turned(e *estimator) bool {
	p := y.pulses.points[:y.pulses.n]
	if len(p) < len(y.pulses.points) || p[len(p)-1].t-p[0].t > seconds(backDate) {
		return false
	}
	far, near := p[:len(p)-doubtTailPulses], p[len(p)-doubtTailPulses:]
	noise := math.Hypot(e.pulses.ns, e.pulses.commonNs)
	a, _ := leastSquares(far, noise)
	b, _ := leastSquares(near, noise)
	return math.Abs(b.y-a.y) > doubtTailSigmas*math.Hypot(math.Hypot(a.yErr, b.yErr), 2*e.kind.flickerPPB)
}

// watch lets the sober one follow a pulse that the estimator has taken. They go together
// again when they are of one opinion.
func (c *Clock) watch(t, z, sigma float64) {
	c.doubt.young.pulses.add(t, z, sigma)
	e, s := &c.est, &c.doubt.sober
	hurries := e.agile() || e.blind && c.felt(c.now)
	sharp := e.soberLevel() > e.level
	if !e.proven || !s.apart {
		s.model, s.apart, s.since = e.model, e.proven && (hurries || sharp), e.t
		return
	}
	if sharp && s.level < e.soberLevel() && c.doubt.anchor.LeastNs == 0 {
		s.level = e.soberLevel()
	}
	r := square(max(e.pulses.ns, sigma))
	if dt := t - s.t; dt > 0 {
		k := e.soberAs(s.level)
		s.step.set(dt, e.noiseOf(&k, e.blind && !c.felt(c.now)))
		s.predict(&s.step, e.w)
	}
	v, p := s.expect(t, z)
	most := math.Sqrt(p + r)
	s.pulse(clamp(v/most, 3)*most, r)
	if !hurries && math.Abs(s.rate()-e.rate()) < 2*math.Hypot(s.rateSigma(), e.rateSigma()) && math.Abs(s.x[sPhase]-e.x[sPhase]) < 2*math.Hypot(s.sigma(), e.sigma()) {
		s.apart, s.since = sharp, e.t
	}
}

// pulsesNow is what the pulses say now, as well as they are known: by the sober one where
// that is of a better kind than the estimator.
func (c *Clock) pulsesNow() *model {
	if s := &c.doubt.sober; s.apart && s.level > c.est.level {
		return &s.model
	}
	return &c.est.model
}

// anchorAt begins a doubt, or goes on with it: old is what the oscillator does by
// itself, away how far the pulses have jumped from where the estimator has them, in ns.
//
// One whose forecast has become too old to tell gives way to one that the pulses have left
// by far more than it allows. Nothing has refuted what it said: that stays, as wide as it was.
// A jump that is small beside that is kept for when it ends.
func (c *Clock) anchorAt(old *model, away float64) {
	a := &c.doubt.anchor
	moved, allowed, _ := c.compare(old)
	if a.Moves {
		v, own, _ := c.compare(&a.Model)
		if math.Abs(v) > own || 4*allowed > own {
			return
		}
		if 2*math.Abs(moved) < own {
			if math.Abs(away) > allowed && a.Beside.LeastNs == 0 {
				a.Beside = beside{*old, allowed}
			}
			return
		}
		a.OffsetNs, a.WidthNs = c.otherOpinion()
		a.OffsetNs -= moved
	}
	a.Moves, a.Model, a.Since, a.AtNs = true, *old, old.t, 0
	a.News = *c.pulsesNow()
	if a.LeastNs == 0 {
		a.BeganS = old.t
	}
	if a.LeastNs == 0 || allowed < a.LeastNs {
		a.LeastNs = allowed
	}
}

// expire ends a doubt that has lasted for long enough. What it was too wide to tell goes on.
func (c *Clock) expire() {
	a := &c.doubt.anchor
	b := a.Beside
	*a = anchor{}
	if b.LeastNs > 0 {
		*a = anchor{Moves: true, Model: b.Model, Since: c.est.t, LeastNs: b.LeastNs, News: *c.pulsesNow(), Jumped: true, BeganS: b.Model.t}
	}
}

// otherOpinion is how far the pulses are from where the oscillator would be if the sky
// lied, and how far that may be off, in ns.
func (c *Clock) otherOpinion() (offset, width float64) {
	a := &c.doubt.anchor
	if !a.Moves {
		return a.OffsetNs, a.WidthNs
	}
	v, allowed, _ := c.compare(&a.Model)
	return a.OffsetNs + v, math.Hypot(a.WidthNs, allowed)
}

// discredited tells that a state of t (s since the origin) is no witness against the pulses: it
// has followed pulses in doubt, and the other opinion is too wide to tell who was right.
func (c *Clock) discredited(t float64) bool {
	a := &c.doubt.anchor
	offset, width := c.otherOpinion()
	return a.LeastNs > 0 && t > a.BeganS && math.Abs(offset) <= width
}

// stop tells that the estimator goes on with what the oscillator does by itself.
func (a *anchor) stop(t float64) {
	a.Moves, a.Since = false, t
	a.Ns = math.Abs(a.OffsetNs) + a.WidthNs
}

// back tells that the pulses are where the other opinion has them, by one that says
// something: that it allows for all that they have moved says nothing.
func (a *anchor) back(offset, width float64) bool {
	most := a.LeastNs
	if width <= a.PeakNs {
		most = max(most, min(width, a.PeakNs/4))
	}
	return math.Abs(offset) <= most
}

// weighAnchor compares with the other opinion, until there is only one.
func (c *Clock) weighAnchor() {
	a := &c.doubt.anchor
	if a.LeastNs == 0 {
		return
	}
	if c.news(&a.News) {
		a.News = *c.pulsesNow()
	}
	patient := c.est.t-a.News.t > doubtLastsS
	if !a.Moves {
		if patient && c.est.t-a.Since > doubtLastsS {
			c.expire()
		}
		return
	}
	v, own, _ := c.compare(&a.Model)
	offset, width := a.OffsetNs+v, math.Hypot(a.WidthNs, own)
	a.PeakNs, a.Times = max(a.PeakNs, math.Abs(offset)), max(a.Times, math.Abs(offset)/width)
	a.Ns = math.Abs(offset) + width
	if a.Agrees++; math.Abs(offset) > width {
		a.Agrees = 0
	}
	noise := max(a.LeastNs/2, 2*c.est.sigma())
	still := max(math.Abs(v)/doubtStill, noise, own/4)
	if math.Abs(v-a.AtNs) > still {
		a.Since, a.AtNs = c.est.t, v
	}
	hint := c.hints()
	back := a.back(offset, width) || hint && math.Abs(offset) <= width
	hides := noise
	if !back {
		hides = max(noise, own/4)
	}
	// At the pace that brought it here it would have gone four times as far.
	age := c.est.t - a.Model.t
	wait := max(doubtCalmS, age*max(min(4*hides/math.Abs(v), doubtCalmMost), doubtCalmLeast))
	switch {
	case patient && age > doubtLastsS:
		c.expire()
	case hint && age > doubtHintS && a.Agrees >= doubtAgrees && !c.est.agile() && !c.turned(&a.Model):
		*a = anchor{}
	case c.est.t-a.Since < wait, c.turned(&a.Model):
	default:
		if a.PeakNs > doubtNews*a.LeastNs || !back {
			// Before that the estimator was still on its way to the frequency, and the sober
			// one is. What has begun since is seen by the estimator's own states.
			c.snaps.since(c.est.t - doubtCalmS)
			c.doubt.recent.take(&c.snaps)
			c.doubt.reset()
			c.virtual.forget()
		}
		if back {
			*a = anchor{}
			return
		}
		a.Moves, a.OffsetNs, a.WidthNs = false, offset, width
	}
}

// hints tells that the other opinion is no more than a hint: of a crystal whose kind says
// little such forecasts are off now and then.
func (c *Clock) hints() bool { return kindAt(c.est.level) == XO && c.doubt.anchor.Times < doubtStrong }

// turned tells that the frequency is another one than old foretells.
func (c *Clock) turned(old *model) bool {
	m, now := c.byItself(old), c.pulsesNow()
	return math.Abs(m.rate()-now.rate()) > doubtSigmas*math.Hypot(m.rateSigma(), now.rateSigma())
}

// news tells that the pulses have another frequency than they had at old, by more than the
// oscillator and the room explain.
func (c *Clock) news(old *model) bool {
	m, now := c.byItself(old), c.pulsesNow()
	room := 0.0
	if !c.felt(c.now) {
		k := c.est.soberAs(old.level)
		room = k.roomPPB(c.est.t - old.t)
	}
	return math.Abs(m.rate()-now.rate()) > max(doubtSigmas*math.Hypot(m.rateSigma(), now.rateSigma()), room)
}

// byItself is an old state carried to now, without pulses, as the oscillator was known
// then.
func (c *Clock) byItself(old *model) model {
	e := &c.est
	if e.t-old.t <= 0 {
		return *old
	}
	m, k := *old, e.soberAs(old.level)
	n := e.noiseOf(&k, e.blind && !c.felt(c.now))
	n.white -= k.slowFlicker(e.t - m.t)
	var step transition
	step.set(e.t-m.t, n)
	m.predict(&step, e.w)
	return m
}

// before is the newest state at or before t, from whichever list has it.
func (c *Clock) before(t float64) (model, bool) {
	if m, ok := c.doubt.recent.before(t); ok {
		return m, true
	}
	return c.doubt.past.before(t)
}

// oldest is the oldest state, of those at or before t.
func (c *Clock) oldest(t float64) (model, bool) {
	for _, s := range [...]*snapshots{&c.doubt.past, &c.doubt.recent} {
		if s.n > s.oldest() {
			if m := s.ring[s.oldest()%len(s.ring)]; m.t <= t {
				return m, true
			}
		}
	}
	return model{}, false
}

// compare is how far the pulses have gone from where old puts them, how far they may
// without a doubt, and how far the oscillator can have gone at all, in ns.
func (c *Clock) compare(old *model) (v, allowed, could float64) {
	e := &c.est
	lag := e.t - old.t
	room := 0.0
	if !c.felt(c.now) {
		k := e.soberAs(old.level)
		room = k.roomNs(lag)
	}
	m := c.byItself(old)
	p := m.p[sPhase][sPhase]
	v, variance := e.x[sPhase]-m.x[sPhase], max(p-e.p[sPhase][sPhase], p/10)
	if e.agile() || old.level > e.level {
		variance += square(e.sigma()) // it hurries after the pulses, or is of a worse kind, and has their noise
	}
	sigma := leastRatio * math.Sqrt(variance)
	if lag >= horizons[0]/2 {
		sigma *= c.virtual.ratio(lag) / leastRatio // nothing was learned of shorter times
	}
	away := lag
	if s := &c.doubt.sober; s.apart {
		away = max(away, e.t-s.since) // so long ago it went another way
	}
	allowed, could = max(doubtSigmas*sigma, room), skySigmas*sigma
	if old.level > e.level { // what it may be counts here
		could = skySigmas * math.Hypot(sigma, e.rateSigma()*lag)
		if room > 0 {
			room = e.kind.roomNs(lag)
		}
	}
	could += max(room, min(e.kind.rushPPBs*away/2, e.kind.reachPPB)*away)
	return v, allowed, could
}

func (c *Clock) weighLag(i int) (sky bool) {
	d := &c.doubt
	d.ns[i], d.near[i] = 0, 0
	old, ok := c.before(c.est.t - doubtLags[i])
	if !ok || !c.est.proven && doubtLags[i] > doubtYoungS || c.est.t-old.t > 1.5*doubtLags[i]+snapshotMinuteS {
		return false
	}
	v, allowed, could := c.compare(&old)
	if v = math.Abs(v); v > allowed {
		d.ns[i] = v + allowed/2
	} else if doubtLags[i] >= doubtLeastS && v > doubtNear*allowed {
		d.near[i] = 1.5 * (v - doubtNear*allowed) / (1 - doubtNear)
	}
	return v > max(allowed, could) && c.est.proven
}

// roomNs is the phase that a room makes within s seconds when it becomes 10 C warmer
// in an hour, and no thermometer tells of it.
func (b *behaviour) roomNs(s float64) float64 {
	return tempcoMost * b.tempcoPPB * roomC / roomS * ramped(s, roomS)
}

// roomPPB is the frequency that the same room makes within s seconds.
func (b *behaviour) roomPPB(s float64) float64 {
	return tempcoMost * b.tempcoPPB * roomC * min(s/roomS, 1)
}

// ramped is the integral of the integral of 1 until most, of 0 after, in s^2.
func ramped(t, most float64) float64 {
	if t <= most {
		return t * t / 2
	}
	return most * (t - most/2)
}

const (
	roomC      = 10.0
	roomS      = 3600.0
	tempcoMost = 1.2 // of the kind's middle
)
