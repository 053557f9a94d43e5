package pipeline

import (
	"errors"
	"fmt"
	"math"
	"time"

	"bragi/gnss"
	"bragi/gnss/timescale"
)

// accepted is the operator's word that a reference is right.
type accepted struct {
	i  int // by its place
	at timescale.Mono
}

// AcceptReceiver takes the operator's word that the receiver is right, and each other one
// that has the time and is not believed. It returns
// what was forgotten in its favour; the clock follows with the next pulses, out of
// spec while it does. Where nothing is refused, the order is, and changes nothing: a
// wait after a short lock goes on.
func (p *Pipeline) AcceptReceiver(now timescale.Mono) (forgotten []string, err error) {
	if p.forced {
		return nil, errForced
	}
	var others []string
	for i := range p.sources {
		if s := &p.sources[i]; i != p.active && s.Kind == GNSS && !s.Lockout && s.receiver.HasTime(now) && p.distrusted(now, s) {
			for _, what := range s.receiver.Accept(now) {
				others = append(others, s.Name+": "+what)
			}
		}
	}
	hasTime, leapFault := p.reference.HasTime(now), p.reference.LeapFault()
	if !hasTime && !leapFault && len(others) == 0 {
		return nil, errors.New("the receiver has no time that could be accepted (fix: bragi show gnss)")
	}
	forgotten = append(p.reference.Accept(now), p.acquit(now)...)
	if p.servo.RefusesPulses() {
		forgotten = append(forgotten, "where the oscillator expected the pulse")
	}
	if len(forgotten) > 0 {
		p.sources[p.active].compared.pardon()
		p.dispute, p.accepted = dispute{}, accepted{i: p.active, at: now}
		p.servo.AcceptPulses()
	}
	if forgotten = append(forgotten, others...); len(forgotten) > 0 {
		return forgotten, nil
	}
	if leapFault {
		return nil, errors.New("the receiver contradicts the table of leap seconds, which is not out of date (fix: another gnss.leap_file, or the receiver's firmware)")
	}
	return nil, errors.New("nothing that the receiver says is refused (fix: bragi show alarms)")
}

// acquit takes the operator's word that the one that is followed is right, and tells what that
// contradicts. Those that differ from it are odd then.
func (p *Pipeline) acquit(now timescale.Mono) (forgotten []string) {
	s := &p.sources[p.active]
	if s.compared.odd != "" {
		forgotten = append(forgotten, "that "+s.Name+" was the odd one")
	}
	if p.disagree(now) {
		forgotten = append(forgotten, "that "+p.disputeWords(now)+": "+s.Name+" is")
	}
	for i := range p.sources {
		o := &p.sources[i]
		ahead, fresh := p.aheadNow(now, i)
		if c := &o.compared; len(forgotten) > 0 && i != p.active && fresh && c.odd == "" && math.Abs(ahead) > p.cfg.LimitNs+o.UncertaintyNs+s.UncertaintyNs {
			c.odd, c.oddBy, c.wrongNs = fmt.Sprintf("%s %s; %s", differs(ahead), s.Name, byOperator), byOperator, math.Abs(ahead)
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
	for i := range p.sources { // the clock is no witness of the second that it had before
		p.sources[i].compared.forget()
	}
}
