// Package pipeline is the way of the data as plain calls, from the receiver's
// bytes and the pulse to the clock and to what is announced of it. The daemon,
// simulations and tests in virtual time run the same Pipeline.
//
// It is a core: no goroutine, no device, no time of its own. Of the board it
// knows the clock's interface and the pulse's type.
package pipeline

import (
	"fmt"
	"math"
	"time"

	"bragi/board"
	"bragi/gnss"
	"bragi/gnss/timescale"
	"bragi/holdover"
	"bragi/holdover/quality"
	"bragi/holdover/stability"
)

// Pipeline is the way of the data from the receiver to what is announced:
//
//	Bytes, Edge --> gnss.Reference --> Pulse --> holdover.Clock --> Order --> board.Clock
//	                                                            \-> Announcement
//
// The daemon calls it from its loop, a test in virtual time from its own. It is
// not safe for several goroutines.
type Pipeline struct {
	cfg       Config
	clock     board.Clock
	sources   []source
	first     int             // the receiver of [gnss]
	active    int             // whose pulses the clock is handed
	reference *gnss.Reference // of the source that is active, or was the last that is a receiver
	servo     *holdover.Clock

	choice     Choice
	lost       bool           // the choice has no reference to follow
	holdOff    bool           // it waits with a change to one that is good
	resumed    timescale.Mono // when this process went on with another one's clock; zero: it did not
	candidates []Candidate    // memory of choose
	comparedAt timescale.Mono // the second
	dispute    dispute
	accepted   accepted
	joined     joined
	led        timescale.Mono // when a clock that an odd one has steered was last not locked undisputed; zero: it is a witness
	seasoned   bool           // the clock had been locked for newcomerLock when it was last
	buildNs    int64          // taken off the pulses of the source that is active
	handed     timescale.Mono // the latest pulse that the clock was handed,
	taken      timescale.Mono // and the latest that it believed
	network    gnss.Opinion   // the least uncertain of late

	now       timescale.Mono
	placeNs   float64        // what that is in the bound
	placed    timescale.Mono // when it was last weighed
	felt      timescale.Mono // when the thermometer was last read
	dated     bool           // the servo knows how old its memory is
	fault     clockFault
	orders    uint64         // that the clock took
	stepped   timescale.Mono // the last step,
	stepNs    int64          // and how far
	residuals stability.Histogram
	drills    drills
	steady    steadiness
	witness   witness
	vouched   timescale.UTC // when the receiver last vouched for its count of leap seconds
	forced    bool          // the operator wants holdover
	clockErr  error         // the last order that the board's clock did not take; nil: it took the last one
}

// Config is what the assembly adds to the rooms' own settings.
type Config struct {
	Servo     holdover.Config
	Reference gnss.ReferenceConfig // the receiver of [gnss]
	// References is the list to choose from; nil: that receiver, and the oscillator.
	References []ReferenceConfig
	Rules      Rules   // WaitToRestore is that of Servo
	LimitNs    float64 // by how much two references may differ; 0: defaultLimitNs
	// EgressNs bounds the error between the served clock and the wire, in ns,
	// until MeasuredEgress knows better.
	EgressNs float64
	Profile  quality.Profile
	Squelch  quality.Squelch
	// Temperature is the board's thermometer in C; nil: none. NaN: not known now.
	Temperature func() float64
}

// New joins the rooms around the board's clock.
func New(cfg Config, clock board.Clock) *Pipeline {
	info := clock.Info()
	// What is finer than the kernel counts would be ordered for nothing.
	cfg.Servo.QuantumPPB, cfg.Servo.MaxPPB = max(info.QuantumPPB, info.UnitPPB), info.MaxPPB
	if cfg.LimitNs <= 0 {
		cfg.LimitNs = defaultLimitNs
	}
	p := &Pipeline{cfg: cfg, clock: clock}
	p.sources, p.first = newSources(cfg.References, cfg.Reference)
	p.cfg.Servo.Strict = p.several()
	p.servo = holdover.New(p.cfg.Servo)
	p.active, p.reference = p.first, p.sources[p.first].receiver
	for i := range p.sources {
		if p.sources[p.active].Lockout && p.sources[i].Kind != Internal {
			p.active = i
		}
	}
	return p
}

const defaultLimitNs = 500

// Start gives the clock a known frequency correction, zero. A clock that reads
// a date before the floor is set to start, the best guess there is: a free run
// must not tell a date that is surely past.
func (p *Pipeline) Start(now timescale.Mono, start timescale.TAI) error {
	p.now = now
	applied, err := p.clock.AdjustFrequency(0)
	if err != nil {
		return err
	}
	p.servo.Applied(now, applied)
	if reads := p.clock.Local(now).AssumeTAI(); reads.Sub(p.reference.LeapTable().ToTAI(p.cfg.Reference.Floor)) < 0 {
		return p.clock.Step(int64(start.Sub(reads)))
	}
	return nil
}

// Bytes takes what the receiver sent, which was read at received.
func (p *Pipeline) Bytes(received timescale.Mono, b []byte) {
	p.BytesOf(p.first, received, b)
}

// ExpectPulse takes how long the receiver was told to make its pulse; 0: not known.
func (p *Pipeline) ExpectPulse(length time.Duration) { p.sources[p.first].receiver.ExpectPulse(length) }

// Opinion takes what another source than the receiver says of the time.
func (p *Pipeline) Opinion(o gnss.Opinion) {
	for i := range p.sources {
		if r := p.sources[i].receiver; r != nil {
			r.Opinion(o)
		}
	}
	if n := &p.network; o.Or == (timescale.UTC{}) && (n.At.IsZero() || o.Uncertainty <= n.Uncertainty || o.At.Sub(n.At) > opinionOld/2) {
		*n = o
	}
}

// Line takes the rate of the receiver's serial line in bits a second; 0: it has none.
func (p *Pipeline) Line(baud int) { p.sources[p.first].receiver.Line(baud) }

// LeapTable is the table of leap seconds, with what was learned since.
func (p *Pipeline) LeapTable() *timescale.LeapSeconds { return p.reference.LeapTable() }

// SetLeapTable takes another table of leap seconds at now. One that contradicts what is known of
// the count is refused: see RefusesLeapTable.
func (p *Pipeline) SetLeapTable(now timescale.Mono, table *timescale.LeapSeconds) error {
	if err := p.RefusesLeapTable(table); err != nil {
		return err
	}
	for i := range p.sources {
		if r := p.sources[i].receiver; r != nil {
			r.SetLeapTable(now, table)
		}
	}
	return nil
}

// RefusesLeapTable says which reference knows another count of leap seconds than table; nil: none.
// What is odd or locked out is no witness.
func (p *Pipeline) RefusesLeapTable(table *timescale.LeapSeconds) error {
	for i := range p.sources {
		s := &p.sources[i]
		if s.receiver == nil || s.Lockout || s.compared.odd != "" {
			continue
		}
		if err := s.receiver.RefusesLeapTable(table); err != nil {
			return fmt.Errorf("%w (reference %s)", err, s.Name)
		}
	}
	return nil
}

// Epoch takes a second as a simulation, which has no bytes, names it.
func (p *Pipeline) Epoch(e gnss.Epoch) { p.sources[p.first].receiver.Epoch(e) }

// Edge takes a pulse of the receiver of [gnss]; now is when it was handed over.
func (p *Pipeline) Edge(now timescale.Mono, e timescale.Edge) { p.EdgeOf(p.first, now, e) }

// hand hands the clock a pulse.
func (p *Pipeline) hand(now timescale.Mono, pulse gnss.Pulse) {
	believed, offset := p.servo.Accepted(), pulse.Local.OffsetNs(pulse.Second)
	correction := pulse.CorrectionNs - float64(p.buildNs)
	measured := holdover.Pulse{
		Mono: pulse.Mono, OffsetNs: offset, CorrectionNs: correction,
		SigmaNs: pulse.SigmaNs, TempC: math.NaN(), // Tick hands it on
	}
	p.obey(p.servo.Pulse(now, measured))
	p.handed = pulse.Mono
	if p.servo.Accepted() != believed {
		p.witness.believed, p.taken = now, pulse.Mono
		p.drillPulse(now, measured)
	}
	if p.servo.Locked() && p.servo.Accepted() != believed {
		p.residuals.Add(float64(offset) + correction)
		p.steady.add(pulse.Second, float64(offset)+correction)
	}
}

// heldNs bounds the error of a clock that was locked and runs on its oscillator;
// +Inf: it does not.
func (p *Pipeline) heldNs(now timescale.Mono) float64 {
	report := p.servo.Report(now)
	switch report.State {
	case quality.HoldoverSpec, quality.HoldoverNoSpec, quality.Relocking:
		return report.BoundNs
	}
	return math.Inf(1)
}

// Every is how often Tick is due.
const Every = 250 * time.Millisecond

// Tick tells that time has passed, and whether clients are served. It returns
// whether the clock was steered.
func (p *Pipeline) Tick(now timescale.Mono, served bool) (steered bool) {
	p.now = now
	orders := p.orders
	p.GuardClock(now)
	p.watchClock(now)
	p.feel(now)
	p.attest(now)
	p.compare(now)
	p.choose(now)
	p.weighPlace(now)
	cond := p.conditions(now)
	cond.Served, cond.Lost, cond.HoldOff = served, p.lost && p.servo.EverLocked(), p.holdOff
	p.witness.watch(now, cond.Distrust)
	p.obey(p.servo.Tick(now, cond))
	p.coast(now)
	return p.orders != orders
}

// conditions are those of the reference that is followed.
func (p *Pipeline) conditions(now timescale.Mono) holdover.Conditions {
	s := &p.sources[p.active]
	return holdover.Conditions{HasTime: p.hasTime(now), NoTime: s.Kind == GNSS && s.receiver.SaysNoTime(), Distrust: p.distrust(now), Forced: p.forced}
}

// hasTime tells whether the reference that is followed has the time.
func (p *Pipeline) hasTime(now timescale.Mono) bool {
	if s := &p.sources[p.active]; s.Kind == PPS {
		pulse, any := s.newest()
		return any && now.Sub(pulse.Mono) < pulseMissing
	}
	return p.reference.HasTime(now)
}

// UnmeasuredEgressNs bounds the error of a Sync's time until it is measured: a
// reading of the clock right before the send was 18 us off at the worst on a
// veth pair.
const UnmeasuredEgressNs = 20_000

// egressFalls is how slowly the published bound follows a measured one that got
// better, for each second, so that clockAccuracy does not flutter.
const egressFalls = 0.98

// MeasuredEgress takes the measured bound of the error between the served clock
// and the wire, in ns, once a second.
func (p *Pipeline) MeasuredEgress(boundNs float64) {
	p.cfg.EgressNs = max(boundNs, egressFalls*p.cfg.EgressNs)
}

// egressNs bounds the error between the served clock and the wire.
func (p *Pipeline) egressNs() float64 { return max(p.cfg.EgressNs, p.clock.Info().FloorNs) }

// distrust is the reason not to believe the pulses at now.
func (p *Pipeline) distrust(now timescale.Mono) holdover.Reason {
	switch s := &p.sources[p.active]; {
	case p.disagree(now), p.choice.Order != Forced && s.compared.odd != "":
		return holdover.ReasonDisagree
	case s.Kind == PPS:
		return holdover.ReasonNone // a bare pulse says nothing against itself
	}
	if why, ok := p.reference.Distrust(now); ok {
		return distrusts[why]
	}
	return holdover.ReasonNone
}

// Memory is what to keep of the oscillator, dated by the served clock.
func (p *Pipeline) Memory(now timescale.Mono) (holdover.Memory, bool) {
	return p.servo.Memory(p.clock.Local(now).AssumeTAI())
}

// dateMemory tells the servo how old its memory is, once a pulse has a date.
func (p *Pipeline) dateMemory(second timescale.TAI) {
	memory := p.cfg.Servo.Memory
	if memory == nil || p.dated {
		return
	}
	p.dated = true
	made := timescale.TAIFromNs(memory.TAISeconds * int64(time.Second))
	p.servo.MemoryAge(second.Sub(made))
}

// obey does to the clock what the servo orders and tells it what was done. An
// order that fails is not answered: the servo gives it again.
func (p *Pipeline) obey(o holdover.Order) {
	if o.Step {
		if p.clockErr = p.clock.Step(o.StepNs); p.clockErr != nil {
			return
		}
		p.servo.Stepped(p.now, o.StepNs)
		p.stepped, p.stepNs = p.now, o.StepNs
		p.orders++
	}
	if o.SetFrequency {
		var applied float64
		if applied, p.clockErr = p.clock.AdjustFrequency(o.FrequencyPPB); p.clockErr == nil {
			p.servo.Applied(p.now, applied)
			p.orders++
		}
	}
}

func (p *Pipeline) temperature() float64 {
	if p.cfg.Temperature == nil {
		return math.NaN()
	}
	return p.cfg.Temperature()
}

// feel hands the thermometer's reading to the servo once a second: a holdover
// has no pulses that it could come with.
func (p *Pipeline) feel(now timescale.Mono) {
	if !p.felt.IsZero() && now.Sub(p.felt) < time.Second {
		return
	}
	p.felt = now
	c := p.temperature()
	p.servo.Temperature(now, c)
	if d := p.drills.running; d != nil {
		d.Temperature(now, c)
	}
}

// leapWarning is how long before it a leap second is announced (IEEE
// 1588-2019, 9.4: at most 12 h).
const leapWarning = 12 * time.Hour

// announce makes an announcement of in. Its bound is slow to fall, so that clockAccuracy
// does not flutter, but not by more than a step of that above the bound of now.
func (p *Pipeline) announce(now timescale.Mono, in quality.Input, boundNs float64) quality.Announcement {
	in.EgressNs = p.egressNs()
	if most := quality.AccuracyLimitNs(quality.AccuracyCode(boundNs+in.EgressNs)+1) - in.EgressNs; in.BoundNs > most {
		in.BoundNs = most
	}
	if p.sources[p.active].Kind == PPS {
		in.TimeSource = quality.TimeSourceOther
	}
	in.Profile, in.Squelch = p.cfg.Profile, p.cfg.Squelch
	tai, table := p.clock.Local(now).AssumeTAI(), p.reference.LeapTable()
	in.UTCOffset = int16(table.OffsetAtTAI(tai))
	utc, _ := table.ToUTC(tai)
	in.UTCOffsetKnown = p.knowsOffset(now, table, utc)
	if at, change, found := table.Upcoming(utc); found && at.Sub(utc) <= leapWarning {
		in.Leap = int8(change)
	}
	a := p.truthful(now, in, boundNs, quality.Announce(in))
	if p.meddled(now) {
		a.Serve = false
	}
	return a
}

// knowsOffset tells whether TAI - UTC is known: no leap second can have come since
// the table was complete, or since the receiver last vouched for its count.
func (p *Pipeline) knowsOffset(now timescale.Mono, table *timescale.LeapSeconds, utc timescale.UTC) bool {
	if p.reference.LeapVouched(now) {
		p.vouched = utc
		return true
	}
	complete := table.Expires()
	if p.vouched.Sub(complete) > 0 {
		complete = p.vouched
	}
	return !timescale.LeapPossible(complete, utc)
}

// Rules takes what a reload can change of the choice among references.
func (p *Pipeline) Rules(rules Rules, limitNs float64) { p.cfg.Rules, p.cfg.LimitNs = rules, limitNs }

// Reconfigure takes what a reload can change of the clock and of what is
// announced of it.
func (p *Pipeline) Reconfigure(servo holdover.Config, profile quality.Profile, squelch quality.Squelch) {
	p.servo.Reconfigure(servo)
	have := p.cfg.Servo
	servo.QuantumPPB, servo.MaxPPB, servo.Memory, servo.MemoryAge = have.QuantumPPB, have.MaxPPB, have.Memory, have.MemoryAge
	servo.InputNs, servo.Strict = have.InputNs, have.Strict
	p.cfg.Servo = servo
	p.cfg.Profile, p.cfg.Squelch = profile, squelch
}

// Inside tells what stands behind the clock's bound.
func (p *Pipeline) Inside(now timescale.Mono) holdover.Inside { return p.servo.Inside(now) }
