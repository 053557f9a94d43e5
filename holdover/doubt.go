package holdover

import "math"

// doubt weighs the pulses against the oscillator itself while they are believed. The
// estimator follows what pulses do slowly, be it the oscillator or a sky that
// lies. So states of the past, from seconds to an hour ago, are carried to now as
// if no pulse had come since, and compared:
//
//   - what the oscillator and the pulses can do by their noise is no news;
//   - where no thermometer tells of the room, neither is what a room does;
//   - more than that is doubted: the pulses are followed, and the bound holds the
//     forecast too, until a state from before the doubt agrees again, or could be
//     wrong by as much;
//   - and what not even a fan that stops could do to a proven oscillator is the sky:
//     the clock goes into holdover with a state from before it began.
type doubt struct {
	past snapshots // each minute
	ns   [len(doubtLags)]float64
	next int

	anchor anchor
}

// anchor is a state from before the doubt began; a restart takes it along.
type anchor struct {
	Kept  bool    `json:"kept"`
	Model model   `json:"model"`
	Ns    float64 `json:"ns"`   // by how much the pulses differ from it, and how far it may be off
	Calm  int     `json:"calm"` // pulses that agree with it
}

// doubtLags are how old the states are, in s; the first of them are looked at with
// each pulse, the others one by one.
var doubtLags = [...]float64{7, 14, 25, 45, 75, 150, 300, 600, 1200, 2400, 3500}

const (
	anchorS     = 4 * 3600.0
	anchorMostS = 3 * anchorS // while the frequency is another one
	doubtEach   = 3
	doubtSigmas = 4
	doubtCalm   = 60
	skySigmas   = 7
)

func (d *doubt) reset() {
	d.past.reset()
	d.ns = [len(doubtLags)]float64{}
}

// most is the largest doubt and its age; 0: none.
func (d *doubt) most() (ns, age float64) {
	ns, age = d.anchor.Ns, doubtLags[len(doubtLags)-1]
	for i, v := range d.ns {
		if v > ns {
			ns, age = v, doubtLags[i]
		}
	}
	return ns, age
}

// weigh compares after a pulse was taken. sky tells that the pulses move as no
// oscillator does; from is the state to go on with.
func (c *Clock) weigh() (from model, sky bool) {
	d := &c.doubt
	d.past.add(&c.est.model)
	for i := range doubtEach {
		sky = c.weighLag(i) || sky
	}
	if d.next++; d.next >= len(doubtLags) {
		d.next = doubtEach
	}
	sky = c.weighLag(max(d.next, doubtEach)) || sky
	// A state that was young when it began has taken some of it over.
	for i, v := range d.ns {
		if v == 0 {
			continue
		}
		m, ok := c.before(c.est.t - max(2*doubtLags[i]+10, seconds(backDate)))
		if ok {
			d.anchorAt(&m)
		}
		from, sky = m, sky && ok
		break
	}
	c.weighAnchor()
	return from, sky
}

// weighAnchor compares with the state before the doubt began, until it is resolved.
func (c *Clock) weighAnchor() {
	d := &c.doubt
	if !d.anchor.Kept {
		d.anchor.Ns = 0
		return
	}
	v, allowed, _ := c.compare(&d.anchor.Model)
	d.anchor.Ns = v + allowed/2
	d.anchor.Calm++
	if v <= allowed {
		d.anchor.Ns = 0
	} else {
		d.anchor.Calm = 0
	}
	age := c.est.t - d.anchor.Model.t
	if age < anchorMostS && c.turns(&d.anchor.Model) {
		d.anchor.Calm = 0
		return
	}
	if d.anchor.Calm >= doubtCalm || age > anchorS {
		d.anchor = anchor{}
	}
}

// turns tells that the frequency is another one than old foretells. Phases that meet
// by the way are then no agreement.
func (c *Clock) turns(old *model) bool {
	m := *old
	var k transition
	k.set(c.est.t-m.t, c.est.calmNoise())
	m.predict(&k, c.est.w)
	return math.Abs(m.rate()-c.est.rate()) > doubtSigmas*math.Hypot(m.rateSigma(), c.est.rateSigma())
}

// before is the newest state at or before t, from whichever list has it.
func (c *Clock) before(t float64) (model, bool) {
	if m, ok := c.snaps.before(t); ok {
		return m, true
	}
	return c.doubt.past.before(t)
}

// compare is how far the pulses have gone from where old puts them, how far they may
// without a doubt, and how far the oscillator can have gone at all, in ns.
func (c *Clock) compare(old *model) (v, allowed, could float64) {
	e := &c.est
	lag := e.t - old.t
	room, blind := 0.0, e.blind
	if c.thermo.proven(c.now) {
		e.blind = false
	} else {
		room = c.roomNs(lag)
	}
	v, variance := c.virtual.judge(e, old)
	e.blind = blind
	sigma := leastRatio * math.Sqrt(variance)
	if lag >= horizons[0]/2 {
		sigma *= c.virtual.ratio(lag) / leastRatio // nothing was learned of shorter times
	}
	could = skySigmas*sigma + max(room, min(e.kind.rushPPBs*lag/2, e.kind.reachPPB)*lag)
	return math.Abs(v), max(doubtSigmas*sigma, room), could
}

func (c *Clock) weighLag(i int) (sky bool) {
	d := &c.doubt
	d.ns[i] = 0
	old, ok := c.before(c.est.t - doubtLags[i])
	if !ok || c.est.t-old.t > 1.5*doubtLags[i]+snapshotMinuteS {
		return false
	}
	v, allowed, could := c.compare(&old)
	if v > allowed {
		d.ns[i] = v + allowed/2
	}
	return v > max(allowed, could) && c.est.proven
}

// anchorAt keeps old as what the oscillator does by itself, unless an older one is
// kept.
func (d *doubt) anchorAt(old *model) {
	if !d.anchor.Kept {
		d.anchor = anchor{Kept: true, Model: *old}
	}
}

// roomNs is the phase that a room makes within s seconds when it becomes 10 C warmer
// in an hour, and no thermometer tells of it.
func (c *Clock) roomNs(s float64) float64 {
	return tempcoMost * c.est.kind.tempcoPPB * roomC / roomS * ramped(s, roomS)
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
