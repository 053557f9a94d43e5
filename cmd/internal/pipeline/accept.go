package pipeline

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"bragi/gnss"
	"bragi/gnss/timescale"
)

// accepted is the operator's word that a reference is right.
type accepted struct {
	i  int // by its place
	at timescale.Mono
}

// Accepted is what became of the operator's word.
type Accepted struct {
	Names     []string // of those that are right
	Forgotten []string // in their favour
}

// Accept takes the operator's word that the reference of that name is right. Without a name that is
// the one which he has ordered, or the one that is followed, and each other receiver that has the time
// and is not believed: if they do not differ. It returns what was forgotten in their favour; the clock
// follows with the next pulses, out of spec while it does. Where nothing is refused, the order is, and
// changes nothing: a wait after a short lock goes on.
func (p *Pipeline) Accept(now timescale.Mono, name string) (done Accepted, err error) {
	if p.forced {
		return done, errForced
	}
	i, err := p.meant(now, name)
	if err != nil {
		return done, err
	}
	var others []string
	for k := range p.sources {
		if s := &p.sources[k]; name == "" && k != i && s.Kind == GNSS && !s.Lockout && s.receiver.HasTime(now) && p.distrusted(now, s) {
			for _, what := range s.receiver.Accept(now) {
				others = append(others, s.Name+": "+what)
			}
			done.Names = append(done.Names, s.Name)
		}
	}
	s, receiver := &p.sources[i], p.reference
	if s.Kind == GNSS {
		receiver = s.receiver
	}
	hasTime, leapFault := receiver.HasTime(now), receiver.LeapFault()
	if !hasTime && !leapFault && len(others) == 0 {
		return done, errors.New("the receiver has no time that could be accepted (fix: bragi show gnss)")
	}
	done.Forgotten = append(receiver.Accept(now), p.acquit(now, i)...)
	if i == p.active && p.servo.RefusesPulses() {
		done.Forgotten = append(done.Forgotten, "where the oscillator expected the pulse")
	}
	if len(done.Forgotten) > 0 {
		done.Names = slices.Insert(done.Names, 0, s.Name)
		s.compared.pardon()
		p.settled()
		p.joined = joined{}
		p.prefer(now, i)
	}
	if done.Forgotten = append(done.Forgotten, others...); len(done.Forgotten) > 0 {
		if !p.several() {
			done.Names = nil
		}
		return done, nil
	}
	if leapFault {
		return done, errors.New("the receiver contradicts the table of leap seconds, which is not out of date (fix: another gnss.leap_file, or the receiver's firmware)")
	}
	return done, errors.New("nothing that the receiver says is refused (fix: bragi show alarms)")
}

// prefer lets the clock follow source i, which was accepted, wherever its pulses are, or one that
// agrees with it.
func (p *Pipeline) prefer(now timescale.Mono, i int) {
	if i != p.active {
		p.choice.Order = Automatic // the word for this one ends the order for another one
		p.servo.Withdraw(now, now)
	}
	p.servo.AcceptPulses()
	if i != p.active {
		p.choose(now)
	}
	if i != p.active && p.apart(now, i, p.active) {
		p.choice.Order, p.choice.Ordered = Manual, i
		p.choose(now)
	}
	p.accepted = accepted{i: p.active, at: now}
}

// meant is the source that the operator's word is for.
func (p *Pipeline) meant(now timescale.Mono, name string) (i int, err error) {
	if name == "" {
		ordered := p.choice.Order != Automatic && p.choice.Ordered == p.active
		if names := p.differing(now); !ordered && len(names) > 1 {
			return 0, fmt.Errorf("%s differ, and none is named (fix: bragi clock accept receiver NAME)", strings.Join(names, " and "))
		}
		return p.active, nil
	}
	i = slices.IndexFunc(p.sources, func(s source) bool { return s.Name == name })
	switch {
	case i < 0:
		return 0, fmt.Errorf("no reference is named %q (fix: bragi show references)", name)
	case p.sources[i].Kind == Internal:
		return 0, errors.New("the oscillator says no time that could be accepted (fix: bragi show references)")
	case p.sources[i].Lockout:
		return 0, fmt.Errorf("%s is locked out (fix: lockout = false in its [[reference]])", name)
	case i == p.active:
		return i, nil
	case p.choice.Order == Forced:
		return 0, fmt.Errorf("%s is followed by force (fix: bragi reference clear, or bragi reference switch %s --force)", p.sources[p.choice.Ordered].Name, name)
	}
	if _, fresh := p.aheadNow(now, i); !fresh {
		why, good := p.good(now, i)
		if good {
			why = "its pulse is not compared yet"
		}
		return 0, fmt.Errorf("%s has no time that could be accepted: %s (fix: bragi show references, or bragi reference switch %s --force, and accept it then)", name, why, name)
	}
	return i, nil
}

// differing are the references that are heard, where two of them differ by more than they may.
func (p *Pipeline) differing(now timescale.Mono) (names []string) {
	differ := false
	var heard []int
	for i := range p.sources {
		s := &p.sources[i]
		pulse, any := s.newest()
		if _, fresh := p.aheadNow(now, i); s.Kind == Internal || s.Lockout || !fresh || !any || now.Sub(pulse.Mono) >= pulseMissing {
			continue
		}
		for _, k := range heard {
			differ = differ || p.apart(now, i, k)
		}
		heard, names = append(heard, i), append(names, s.Name)
	}
	if !differ {
		return nil
	}
	return names
}

// apart tells that two sources differ by more than they may.
func (p *Pipeline) apart(now timescale.Mono, i, k int) bool {
	a, fresh := p.aheadNow(now, i)
	b, also := p.aheadNow(now, k)
	return fresh && also && math.Abs(a-b) > p.cfg.LimitNs+p.sources[i].UncertaintyNs+p.sources[k].UncertaintyNs
}

// acquit takes the operator's word that source i is right, and tells what that contradicts. Those
// that differ from it are odd then.
func (p *Pipeline) acquit(now timescale.Mono, i int) (forgotten []string) {
	s := &p.sources[i]
	if s.compared.odd != "" {
		forgotten = append(forgotten, "that "+s.Name+" was the odd one")
	}
	if p.disagree(now) {
		forgotten = append(forgotten, "that "+p.disputeWords(now)+": "+s.Name+" is")
	}
	if p.joined.doubtNs(now) > 0 {
		forgotten = append(forgotten, "that another one came to the odd one, which was followed by force")
	}
	mine, _ := p.aheadNow(now, i)
	for k := range p.sources {
		o := &p.sources[k]
		if c := &o.compared; len(forgotten) > 0 && k != i && o.Kind != Internal && c.odd == "" && p.apart(now, i, k) {
			ahead, _ := p.aheadNow(now, k)
			c.odd, c.oddBy, c.wrongNs = fmt.Sprintf("%s %s; %s", differs(ahead-mine), s.Name, byOperator), byOperator, math.Abs(ahead-mine)
			c.agrees, c.close = 0, timescale.Mono{}
		}
	}
	return forgotten
}

// relabel tells the servo of a pulse that is another second than the clock knew.
func (p *Pipeline) relabel(now timescale.Mono, pulse gnss.Pulse) {
	report := p.servo.Report(now)
	if !report.EverLocked {
		return // it measures and steps as at the start
	}
	off := float64(pulse.Local.OffsetNs(pulse.Second)) - report.ErrorNs
	seconds := int64(math.Round(off / float64(time.Second)))
	if p.servo.Relabelled(now, seconds); seconds == 0 {
		return
	}
	p.dispute.blind = p.dispute.memory
	for i := range p.sources { // the clock is no witness of the second that it had before
		p.sources[i].compared.forget()
	}
}
