package holdover

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"bragi/gnss/timescale"
	"bragi/holdover/quality"
)

// rig is a clock on a model oscillator, with a model receiver, in virtual time.
// What it knows of the truth the Clock never sees.
type rig struct {
	t     *testing.T
	rng   *rand.Rand
	clock *Clock
	osc   testOscillator
	pps   testPulse

	second   int     // TAI seconds since the start
	xNs      float64 // true error of the served clock, sub-nanosecond part and all but the steps
	whole    int64   // whole ns of the true error, so that years fit
	appliedP float64 // what the hardware runs with
	quantum  float64
	served   bool
	hasTime  bool
	distrust Reason
	noSteps  bool // the hardware refuses steps
	airC     float64
	warm     func(second int) float64 // what the air is warmer than by itself; nil: nothing
	thermo   func(c float64) float64  // what the thermometer shows of the air; nil: the air
	own      func(second int) float64 // the oscillator's own warm-up, ppb; nil: none
	ticks    int                      // a second, 0: one

	drill *Drill // gets what the clock gets; nil: there is none

	changes  []change
	steps    int
	maxPPBs  float64 // largest change of the correction in any one second, after the first LOCKED or while served
	maxJump  float64 // largest change of the true error between two seconds after the first LOCKED
	states   []quality.State
	at       []int // the second that each state began
	lockedAt int
	outside  int // seconds in which the bound did not hold the truth
	report   Report
	rms, max float64
	n        int
}

type change struct {
	at  float64
	ppb float64
}

// testOscillator: figures of data sheets.
type testOscillator struct {
	kind          Oscillator
	offset        float64 // ppb at the start
	white, walk   float64 // ns per sqrt(s), ppb per sqrt(s)
	ageing        float64 // ppb per day
	tempco, swing float64 // ppb / C, C of the diurnal swing
	lagS          float64 // the crystal follows the air
	crystalC      float64
	y             float64
}

func oscillatorFor(k Oscillator) testOscillator {
	switch k {
	case Rubidium:
		return testOscillator{kind: k, offset: 0.3, white: 0.012, walk: 3e-6, ageing: 0.001, tempco: 0.001, swing: 2, lagS: 600}
	case OCXO:
		return testOscillator{kind: k, offset: 80, white: 0.01, walk: 1e-4, ageing: 0.3, tempco: 0.08, swing: 2, lagS: 600}
	case TCXOHi:
		return testOscillator{kind: k, offset: -250, white: 0.03, walk: 1e-3, ageing: 1, tempco: 1.5, swing: 2, lagS: 60}
	case TCXO:
		return testOscillator{kind: k, offset: 420, white: 0.1, walk: 5e-3, ageing: 1, tempco: 18, swing: 1, lagS: 60}
	}
	return testOscillator{kind: k, offset: -18_300, white: 1, walk: 0.05, ageing: 3, tempco: 220, swing: 0.5, lagS: 60}
}

// testPulse: white noise, and the slow wander of a receiver (10 ns, 7200 s).
type testPulse struct {
	white, slow, slowS float64
	wander             float64
	cut                bool
	missing            int
	glitch             float64                  // of the next pulse, ns
	extra              func(second int) float64 // added to each
	sigma              float64                  // what the board states
}

func newRig(t *testing.T, seed uint64, k Oscillator, cfg func(*Config)) *rig {
	c := DefaultConfig()
	c.Oscillator = k
	c.Settle = 5 * time.Second
	c.Learning = 10 * time.Second
	c.Strict = true
	if cfg != nil {
		cfg(&c)
	}
	r := &rig{t: t, rng: rand.New(rand.NewPCG(seed, 7)), clock: New(c), osc: oscillatorFor(k), quantum: c.QuantumPPB,
		pps: testPulse{white: 25, slow: 10, slowS: 7200}, hasTime: true, whole: -1_770_000_000_123_456_789, lockedAt: -1}
	r.osc.y = r.osc.offset * (0.5 + r.rng.Float64())
	if r.rng.IntN(2) == 0 {
		r.osc.y = -r.osc.y
	}
	r.osc.offset = r.osc.y
	r.pps.wander = r.rng.NormFloat64() * r.pps.slow
	return r
}

const rawPPM = 17e-6 // CLOCK_MONOTONIC_RAW is a crystal too

// mono is CLOCK_MONOTONIC_RAW s seconds of TAI after the start.
func mono(s float64) timescale.Mono {
	return timescale.MonoFromNs(int64((s + 100) * 1e9 * (1 + rawPPM)))
}

// trueError of the served clock in ns.
func (r *rig) trueError() float64 { return float64(r.whole) + r.xNs }

func (r *rig) order(o Order, at float64) {
	if o.Step {
		if r.noSteps {
			return
		}
		r.whole += o.StepNs
		r.steps++
		r.clock.Stepped(mono(at), o.StepNs)
	}
	if o.SetFrequency {
		p := o.FrequencyPPB
		if r.quantum > 0 {
			p = math.Round(p/r.quantum) * r.quantum
		}
		if p != r.appliedP {
			if !o.Step && (r.lockedAt >= 0 || r.served) {
				r.changes = append(r.changes, change{at, math.Abs(p - r.appliedP)})
				sum := 0.0
				for i := len(r.changes) - 1; i >= 0 && at-r.changes[i].at <= 1; i-- {
					sum += r.changes[i].ppb
				}
				r.maxPPBs = max(r.maxPPBs, sum)
			}
			r.appliedP = p
		}
		r.clock.Applied(mono(at), p)
	}
}

// run lets n seconds pass: pulse, a bit later the order; half a second later a
// tick.
func (r *rig) run(n int) {
	r.t.Helper()
	const pulseDelay, firstTick = 0.013, 0.2
	for range n {
		r.second++
		s := float64(r.second)
		before := r.trueError()
		o := &r.osc
		o.y += o.walk*r.rng.NormFloat64() + o.ageing/86400
		r.airC = 30 + o.swing*(math.Sin(2*math.Pi*s/86400)+0.15*math.Sin(2*math.Pi*s/2700))
		if r.warm != nil {
			r.airC += r.warm(r.second)
		}
		if r.second == 1 {
			o.crystalC = r.airC
		}
		o.crystalC += (r.airC - o.crystalC) / o.lagS
		free := o.y + o.tempco*(o.crystalC-30)
		if r.own != nil {
			free += r.own(r.second)
		}
		pass := func(d float64) { r.xNs += (free + r.appliedP) * d }

		// From the last tick to the edge, the pulse, then ticks evenly spread.
		ticks := max(r.ticks, 1)
		gap := (1 - firstTick) / float64(ticks)
		pass(gap)
		r.xNs += o.white * r.rng.NormFloat64()
		if r.lockedAt >= 0 {
			r.maxJump = max(r.maxJump, math.Abs(r.trueError()-before))
		}
		edge, came := r.pulse()
		pass(pulseDelay)
		if came {
			believed := r.clock.Accepted()
			r.order(r.clock.Pulse(mono(s+pulseDelay), edge), s+pulseDelay)
			if r.drill != nil && r.clock.Accepted() != believed {
				r.drill.Pulse(mono(s+pulseDelay), edge, r.clock)
			}
		}
		pass(firstTick - pulseDelay)
		for i := range ticks {
			at := s + firstTick + float64(i)*gap
			if i > 0 {
				pass(gap)
			}
			r.clock.Temperature(mono(at), r.thermometer())
			r.order(r.clock.Tick(mono(at), Conditions{HasTime: r.hasTime, Served: r.served, Distrust: r.distrust}), at)
			if r.drill != nil {
				r.drill.Temperature(mono(at), r.thermometer())
				r.drill.Tick(mono(at))
			}
		}
		r.look(s + 1 - gap)
	}
	r.report = r.clock.Report(mono(float64(r.second) + 0.99))
}

// pulse is the receiver's pulse of this second, as the board measures it.
func (r *rig) pulse() (Pulse, bool) {
	p := &r.pps
	p.wander += -p.wander/p.slowS + p.slow*math.Sqrt(2/p.slowS)*r.rng.NormFloat64()
	noise := p.white*r.rng.NormFloat64() + p.wander + p.glitch
	p.glitch = 0
	if p.extra != nil {
		noise += p.extra(r.second)
	}
	if p.missing > 0 {
		p.missing--
		return Pulse{}, false
	}
	return Pulse{Mono: mono(float64(r.second)), OffsetNs: r.whole + int64(math.Round(r.xNs+noise)),
		SigmaNs: p.sigma, TempC: r.thermometer()}, !p.cut
}

// thermometer shows the air in steps of 1/16 C.
func (r *rig) thermometer() float64 {
	c := math.Round(r.airC*16) / 16
	if r.thermo != nil {
		c = r.thermo(c)
	}
	return c
}

// look records the state and judges the bound against the truth.
func (r *rig) look(s float64) {
	st := r.clock.life.State
	if len(r.states) == 0 || r.states[len(r.states)-1] != st {
		r.states = append(r.states, st)
		r.at = append(r.at, r.second)
	}
	if st == quality.Locked {
		if r.lockedAt < 0 {
			r.lockedAt = r.second
		}
		r.rms += square(r.trueError())
		r.max = max(r.max, math.Abs(r.trueError()))
		r.n++
	}
	if st == quality.Locked && !r.clock.cfg.anyBound() && r.clock.bound(mono(s)) > ns(r.clock.cfg.Spec) {
		if said := r.clock.Report(mono(s)); said.State == quality.Locked || quality.Announce(said.Quality).ClockClass < 52 {
			r.t.Errorf("%v: class %d with a bound of %.0f ns", r.osc.kind, quality.Announce(said.Quality).ClockClass, said.BoundNs)
		}
	}
	if r.clock.life.EverLocked && !(math.Abs(r.trueError()) <= r.clock.bound(mono(s))) {
		r.outside++
	}
}

func (r *rig) resetStatistics() { r.rms, r.max, r.n = 0, 0, 0 }

func (r *rig) lockRMS() float64 { return math.Sqrt(r.rms / float64(r.n)) }

// until runs until the state is reached, at most n seconds, and tells how long
// it took.
func (r *rig) until(s quality.State, n int) int {
	r.t.Helper()
	for i := range n {
		if r.clock.life.State == s && i > 0 {
			return i
		}
		r.run(1)
	}
	if r.report.State == s {
		return n
	}
	r.t.Fatalf("%v: not %v within %d s but %v (%v), x %.0f ns", r.osc.kind, s, n, r.report.State, r.report.Why, r.trueError())
	return 0
}

// untilSteady runs until all of LOCKED is there but for the bound, and tells how long it
// took; then the operator's word, that the pulse is right, makes it LOCKED within seconds.
func (r *rig) untilSteady(n int) int {
	r.t.Helper()
	for i := range n {
		if r.run(1); !r.clock.Steady() {
			continue
		}
		if r.clock.life.State != quality.Locked {
			if r.report.BoundNs <= narrowShare*ns(r.clock.cfg.Spec) &&
				!slices.Contains(r.report.Why, ReasonWide) && !slices.Contains(r.report.Why, ReasonNarrow) {
				r.t.Errorf("%v with a bound of %.0f ns, %v", r.report.State, r.report.BoundNs, r.report.Why)
			}
			r.clock.AcceptPulses()
			r.until(quality.Locked, 30)
		}
		return i
	}
	r.t.Fatalf("%v: not steady within %d s but %v (%v), x %.0f ns", r.osc.kind, n, r.report.State, r.report.Why, r.trueError())
	return 0
}

// invariants that hold in every run: no step after LOCKED, the rate limit, the
// bound.
func (r *rig) invariants(wantSteps int) {
	r.t.Helper()
	if r.steps != wantSteps {
		r.t.Errorf("%v: %d steps, want %d", r.osc.kind, r.steps, wantSteps)
	}
	if r.maxPPBs > 10.001 {
		r.t.Errorf("%v: frequency changed by %.2f ppb within a second, limit 10", r.osc.kind, r.maxPPBs)
	}
	if r.outside > 0 {
		r.t.Errorf("%v: true error outside the bound for %d s", r.osc.kind, r.outside)
	}
}
