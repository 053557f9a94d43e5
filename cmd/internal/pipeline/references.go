package pipeline

import (
	"errors"
	"fmt"
	"math"
	"time"

	"bragi/gnss"
	"bragi/gnss/timescale"
	"bragi/holdover/quality"
)

// Several references, one clock.
//
//	Bytes, Edge --> source --> gnss.Pulse --> kept with each source
//	                               \--> of the source that is followed --> holdover.Clock
//	every second: the readings of all are compared (compare.go): who is odd?
//	every tick:   who is good? --> Choose --> another source is followed
//
// A change never steps the served clock. While both are good, how far the new one is
// ahead of the old one is measured all the time. That difference is taken off the new
// one's pulses (phase build-out), and then let in again by and by, so that in the end the
// clock has the new one's time: of two that are both believed nobody knows which is
// nearer to the truth, and the bound holds the difference meanwhile.

// ReferenceKind is what a reference is.
type ReferenceKind uint8

// The kinds.
const (
	GNSS     ReferenceKind = iota // a receiver with its pulse
	PPS                           // a pulse alone
	Internal                      // the oscillator
)

// SecondFrom is how a pulse alone gets its second.
type SecondFrom uint8

// The ways.
const (
	FromGNSS    SecondFrom = iota // from the messages of the first receiver
	FromNetwork                   // from a second opinion, until the clock has locked
	FromClock                     // from a clock that has locked
)

// ReferenceConfig is a reference of the list.
type ReferenceConfig struct {
	Name     string
	Kind     ReferenceKind
	Priority int
	Lockout  bool
	// Receiver is what a receiver is told, and how late a pulse comes.
	Receiver gnss.ReferenceConfig
	Second   SecondFrom // of kind PPS
	// UncertaintyNs is what is not known of the input's delay.
	UncertaintyNs float64
}

// alone is the list of a configuration without one: a receiver, and the oscillator.
func alone(receiver gnss.ReferenceConfig) []ReferenceConfig {
	return []ReferenceConfig{{Name: "gnss", Priority: 1, Receiver: receiver}, {Name: "internal", Kind: Internal, Priority: 251}}
}

// source is a reference at work.
type source struct {
	ReferenceConfig
	receiver *gnss.Reference // nil: none that gives its second
	trouble  string          // of its devices; "": none
	pulses   [4]gnss.Pulse   // the latest, as a ring; the newest is pulses[n-1]
	n        int
	heard    bool           // it was good since the start
	since    timescale.Mono // since when it is good; zero: it is not
	placeM   float64        // how far the antenna may be from the receiver's place
	compared compared
}

// newest is the latest pulse that has a second; ok is false where none came yet.
func (s *source) newest() (p gnss.Pulse, ok bool) {
	if s.n == 0 {
		return p, false
	}
	return s.pulses[(s.n-1)%len(s.pulses)], true
}

// offsetNs is the clock at a pulse less the pulse's second, ns, as the clock runs now: one from before
// its own step is as far off as one from after it.
func (p *Pipeline) offsetNs(pulse gnss.Pulse) int64 {
	ns := pulse.Local.OffsetNs(pulse.Second)
	if !p.stepped.IsZero() && !p.stepped.Before(pulse.Mono) {
		ns += p.stepNs
	}
	return ns
}

func (s *source) keep(p gnss.Pulse) {
	s.pulses[s.n%len(s.pulses)] = p
	s.n++
}

const (
	// pulseMissing is how long a pulse may be late before its reference fails: two in a
	// row are missing then. With the hold-off that is shorter than the clock waits until
	// it goes into holdover.
	pulseMissing = 2200 * time.Millisecond
	// knownSecondNs is the bound of a clock that tells a pulse alone its second.
	knownSecondNs = 1e8
	// buildLevels is how many differences make a level that a change may rely on.
	buildLevels = 5
	// A difference that was taken over comes back in portions of letInNs a tick, and only
	// while the clock is nearer than letInBelowNs to where it should be.
	letInNs      = 10
	letInBelowNs = 40
	// buildMostNs is the most that is taken off pulses so that the clock goes on where it is.
	buildMostNs = 1e6
	opinionOld  = 5 * time.Minute
	// pulseOld is how old the last pulse of a reference may be that is called good: while a
	// hold-off runs, or its next pulse is waited for.
	pulseOld = 3 * time.Second
	// refusedAfter is how long a reference is good and its pulses are not believed until
	// they are told as refused: a clock that comes back looks at some first.
	refusedAfter = 5 * time.Second
)

func newSources(list []ReferenceConfig, receiver gnss.ReferenceConfig) (sources []source, first int) {
	if len(list) == 0 {
		list = alone(receiver)
	}
	first = -1
	for i, c := range list {
		s := source{ReferenceConfig: c}
		s.Receiver.Floor, s.Receiver.Leap = receiver.Floor, receiver.Leap
		if c.Kind == PPS {
			s.Receiver.MessageDelay = receiver.MessageDelay
		}
		if c.Kind == GNSS && first < 0 {
			first, s.Receiver = i, receiver
		}
		if c.Kind == GNSS || c.Kind == PPS && c.Second == FromGNSS {
			s.receiver = gnss.NewReference(s.Receiver)
		}
		sources = append(sources, s)
	}
	return sources, max(first, 0)
}

// several tells whether there is anything to choose.
func (p *Pipeline) several() bool {
	n := 0
	for i := range p.sources {
		if p.sources[i].Kind != Internal {
			n++
		}
	}
	return n > 1
}

// BytesOf takes what the receiver of reference i sent.
func (p *Pipeline) BytesOf(i int, received timescale.Mono, b []byte) {
	s := &p.sources[i]
	s.receiver.Bytes(received, b)
	if i != p.first {
		return
	}
	for k := range p.sources {
		if o := &p.sources[k]; o.Kind == PPS && o.receiver != nil {
			o.receiver.Bytes(received, b)
		}
	}
}

// LineOf takes the rate of the serial line of reference i in bits a second; 0: it has none.
func (p *Pipeline) LineOf(i, baud int) { p.sources[i].receiver.Line(baud) }

// ExpectPulseOf takes how long the receiver of reference i was told to make its pulse; 0:
// not known.
func (p *Pipeline) ExpectPulseOf(i int, length time.Duration) {
	p.sources[i].receiver.ExpectPulse(length)
}

// InputTrouble takes what is wrong with the devices of reference i; "": nothing.
func (p *Pipeline) InputTrouble(i int, why string) { p.sources[i].trouble = why }

// EdgeOf takes a pulse of reference i; now is when it was handed over.
func (p *Pipeline) EdgeOf(i int, now timescale.Mono, e timescale.Edge) {
	p.now = now
	s := &p.sources[i]
	pulse, ok := p.labelled(now, s, i == p.active, e)
	if !ok {
		return
	}
	s.keep(pulse)
	if i == p.active {
		p.follow(now, pulse)
	}
}

// labelled gives a pulse of s its second. Only the one that is followed is held against
// the clock: the others are compared with it.
func (p *Pipeline) labelled(now timescale.Mono, s *source, followed bool, e timescale.Edge) (gnss.Pulse, bool) {
	if s.receiver != nil {
		held := math.Inf(1)
		if followed {
			held = p.heldNs(now)
		}
		if pulse, ok := s.receiver.Edge(now, e, held); ok || s.Kind == GNSS {
			return pulse, ok
		}
		// A pulse alone outlives the messages that it had its second from.
	}
	if e.Falling {
		return gnss.Pulse{}, false
	}
	second, ok := p.secondAt(now, s, e)
	if !ok {
		return gnss.Pulse{}, false
	}
	late := float64(s.Receiver.AntennaDelay + s.Receiver.PulseDelay)
	return gnss.Pulse{Mark: gnss.Mark{Edge: e, Second: second}, CorrectionNs: -late}, true
}

// secondAt is the second of a pulse alone. An edge far from one is no beginning.
func (p *Pipeline) secondAt(now timescale.Mono, s *source, e timescale.Edge) (timescale.TAI, bool) {
	report := p.servo.Report(now)
	at, ok := e.Local.AssumeTAI(), report.EverLocked && report.BoundNs < knownSecondNs
	if o := &p.network; !ok && s.Second == FromNetwork && !o.At.IsZero() && e.Mono.Sub(o.At) < opinionOld && o.Uncertainty < 300*time.Millisecond {
		at, ok = p.reference.LeapTable().ToTAI(o.UTC).Add(e.Mono.Sub(o.At)), true
	}
	if !ok {
		return timescale.TAI{}, false
	}
	second := timescale.TAIFromNs((at.Ns() + 5e8) / 1e9 * 1e9)
	if report.EverLocked && at.Sub(second).Abs() > 2*knownSecondNs {
		return timescale.TAI{}, false
	}
	return second, true
}

// follow hands the clock a pulse of the reference that it follows.
func (p *Pipeline) follow(now timescale.Mono, pulse gnss.Pulse) {
	p.dateMemory(pulse.Second)
	if pulse.Another {
		p.relabel(now, pulse)
	}
	p.hand(now, pulse)
}

// good tells whether the pulses of i are to be believed by all that it says itself, and
// if not, why.
func (p *Pipeline) good(now timescale.Mono, i int) (why string, ok bool) {
	s := &p.sources[i]
	if s.Kind == Internal {
		return "", true
	}
	if s.trouble != "" {
		return s.trouble, false
	}
	if p.distrusted(now, s) {
		r, _ := s.receiver.Distrust(now)
		return r.String(), false
	}
	if pulse, any := s.newest(); !any || now.Sub(pulse.Mono) > pulseMissing {
		if s.Kind == PPS {
			return "no pulse whose second is known", false
		}
		for _, t := range s.receiver.Troubles(now) {
			return t.String(), false
		}
		return "no pulse", false
	}
	if s.Kind == GNSS && !s.receiver.HasTime(now) {
		return "the receiver has no time", false
	}
	return "", true
}

// distrusted tells that s says itself that its pulses are not to be believed. A pulse
// alone says nothing against itself.
func (p *Pipeline) distrusted(now timescale.Mono, s *source) bool {
	if s.Kind != GNSS {
		return false
	}
	_, distrusted := s.receiver.Distrust(now)
	return distrusted
}

// awaited tells whether the next pulse of s, which is followed, is still waited for: the
// clock waits, its last pulse was one of s, and nothing else is wrong. A receiver that says
// itself that it has no time is not waited for, but after a restart, when it has not spoken yet.
func (p *Pipeline) awaited(now timescale.Mono, s *source) bool {
	if pulse, any := s.newest(); any && pulse.Mono != p.handed || !any && p.unheard(now, s) == 0 {
		return false // what the clock heard last was another one
	}
	cond := p.conditions(now)
	return s.trouble == "" && (!cond.NoTime || Candidate{Unheard: p.unheard(now, s)}.unheard(unheardStands)) && p.servo.Awaits(now, cond)
}

// unheard is how long ago this process went on after a restart, where s was not good
// since; 0: it was, or there was no restart.
func (p *Pipeline) unheard(now timescale.Mono, s *source) time.Duration {
	if p.resumed.IsZero() || s.heard || s.Kind == Internal {
		return 0
	}
	return max(now.Sub(p.resumed), 1)
}

// choose lets the choice follow what the references are worth, and the clock the choice.
func (p *Pipeline) choose(now timescale.Mono) {
	if cap(p.candidates) < len(p.sources) {
		p.candidates = make([]Candidate, len(p.sources))
	}
	list := p.candidates[:len(p.sources)]
	for i := range p.sources {
		s := &p.sources[i]
		_, good := p.good(now, i)
		switch s.heard = s.heard || good; {
		case !good:
			s.since = timescale.Mono{}
		case s.since.IsZero():
			s.since = now
		}
		list[i] = Candidate{Priority: s.Priority, Internal: s.Kind == Internal, Good: good, Odd: s.compared.odd != "", Lockout: s.Lockout,
			Distrusted: p.distrusted(now, s), Awaited: i == p.active && !good && p.awaited(now, s), Unheard: p.unheard(now, s)}
	}
	young := !p.servo.EverLocked()
	p.choice = Choose(now, p.choice, list, p.rules(), young)
	p.lost = p.choice.Lost(list)
	p.holdOff = p.choice.HoldsOff(list)
	if to := p.choice.Selected; to != p.active && p.sources[to].Kind != Internal {
		p.change(now, to)
	}
	p.sway(now)
	p.astray(now)
	p.letIn(now)
}

func (p *Pipeline) rules() Rules {
	r := p.cfg.Rules
	r.WaitToRestore = p.cfg.Servo.WaitToRestore
	return r
}

// change follows reference to from now on.
func (p *Pipeline) change(now timescale.Mono, to int) {
	from, next := &p.sources[p.active], &p.sources[to]
	heard := p.handed
	// Where an odd one is forced, or was, the difference is that of now: the clock goes on where it
	// is, and knows no time of before.
	out, forced := p.buildOut(now, next)
	forced = forced && (from.compared.swayed || next.compared.odd != "")
	if from.compared.odd != "" && !forced && !from.compared.close.IsZero() {
		p.servo.Recant(now, from.compared.close)
		heard = p.taken
	}
	level, known := next.compared.level()
	if (known || next.compared.disputes()) && from.compared.odd == "" && next.compared.odd == "" {
		next.compared.turned(&from.compared)
		from.compared.meanNs, from.compared.nearNs, from.compared.aheadNs = from.compared.meanNs+level, from.compared.nearNs+level, from.compared.aheadNs+level
	}
	if !p.servo.EverLocked() {
		p.buildNs = 0
	} else if forced {
		p.buildNs = out
	} else if known {
		p.buildNs -= int64(math.Round(level))
	} else {
		p.rebase(p.buildNs)
		p.buildNs = 0
	}
	for i := range p.sources {
		p.sources[i].compared.rebase(level, from.compared.odd != "")
	}
	p.active = to
	if next.receiver != nil && next.Kind == GNSS {
		p.reference = next.receiver
	}
	// What the new one has sent since the old one was last heard is no older than a few
	// seconds: the clock need not wait for the next pulse.
	for k := max(0, next.n-len(next.pulses)); k < next.n; k++ {
		if pulse := next.pulses[k%len(next.pulses)]; pulse.Mono.Sub(heard) > 600*time.Millisecond && now.Sub(pulse.Mono) < 3500*time.Millisecond {
			p.follow(now, pulse)
		}
	}
	p.weighPlace(now)
}

// buildOut is what to take off the pulses of next so that they are where the clock believes to be.
func (p *Pipeline) buildOut(now timescale.Mono, next *source) (ns int64, ok bool) {
	pulse, any := next.newest()
	if !any || now.Sub(pulse.Mono) > pulseMissing {
		return 0, false
	}
	off := float64(p.offsetNs(pulse)) + pulse.CorrectionNs - p.servo.Report(now).ErrorNs
	return int64(math.Round(off)), math.Abs(off) < buildMostNs // false for NaN
}

// letIn gives the clock a portion of the difference that was taken over.
func (p *Pipeline) letIn(now timescale.Mono) {
	if p.buildNs == 0 {
		return
	}
	if r := p.servo.Report(now); r.State != quality.Locked && r.State != quality.Relocking || !(math.Abs(r.ErrorNs) < letInBelowNs) {
		return
	}
	by := max(min(p.buildNs, letInNs), -letInNs)
	p.buildNs -= by
	p.rebase(by)
}

// rebase tells clock and drill that pulses are ns later from now on.
func (p *Pipeline) rebase(ns int64) {
	p.servo.Rebase(ns)
	p.drills.rebasedNs += ns
}

// doubtNs is what the references add to the bound: what was taken over of a difference,
// what is not known of the input that is followed, and by how much another one that is
// believed, too, differs more than two receivers should. The difference to one that is odd
// says nothing of the other. Where the odd one is followed by force, all of the difference to
// those that are not is doubted, and the spec at least.
func (p *Pipeline) doubtNs() float64 {
	build := float64(p.buildNs)
	input := max(0, p.sources[p.active].UncertaintyNs-p.sources[p.first].UncertaintyNs)
	ns := max(math.Abs(build)+input, p.joined.doubtNs(p.now))
	if p.sources[p.active].compared.odd != "" {
		if p.choice.Order == Forced && !p.distrusted(p.now, &p.sources[p.active]) {
			return max(ns, p.apartNs(), p.specNs()+1) // no class 6 of one that is odd
		}
		return ns
	}
	for i := range p.sources {
		if s := &p.sources[i]; i != p.active && !s.Lockout {
			ns = max(ns, s.compared.doubtNs(p.cfg.Servo.ReceiverBoundNs+p.cfg.Servo.InputNs, build)-s.UncertaintyNs+input)
		}
	}
	return ns
}

// apartNs is how far the one that is followed is from those that are not odd.
func (p *Pipeline) apartNs() (ns float64) {
	for i := range p.sources {
		if c := &p.sources[i].compared; i != p.active && c.odd == "" && !c.first.IsZero() {
			ns = max(ns, math.Abs(c.nearNs), math.Abs(c.aheadNs))
		}
	}
	return ns
}

// Switch is the operator's order to follow a reference by its name: by force whatever it
// is worth, else as long as it is good.
func (p *Pipeline) Switch(now timescale.Mono, name string, force bool) error {
	for i := range p.sources {
		s := &p.sources[i]
		if s.Name != name {
			continue
		}
		why, good := p.good(now, i)
		switch {
		case s.Kind == Internal:
			return errors.New("the oscillator is followed when no pulse is used (fix: bragi holdover force)")
		case s.Lockout:
			return fmt.Errorf("%s is locked out (fix: lockout = false in its [[reference]])", name)
		case !force && !good:
			return fmt.Errorf("%s is not good: %s (fix: bragi show references, or --force)", name, why)
		case !force && s.compared.odd != "":
			return fmt.Errorf("%s is the odd one: %s (fix: bragi show references, or --force)", name, s.compared.odd)
		}
		p.choice.Order, p.choice.Ordered = Manual, i
		if force {
			p.choice.Order = Forced
		}
		p.choose(now)
		return nil
	}
	return fmt.Errorf("no reference is named %q (fix: bragi show references)", name)
}

// ClearSwitch ends the operator's order; was tells what it was.
func (p *Pipeline) ClearSwitch(now timescale.Mono) (was SwitchOrder, name string, err error) {
	was, name = p.choice.Order, p.sources[p.choice.Ordered].Name
	if was == Automatic {
		return was, name, errors.New("no reference was ordered: bragid chooses by itself (fix: bragi show references)")
	}
	p.choice.Order = Automatic
	p.choose(now)
	return was, name, nil
}
