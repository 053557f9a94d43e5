package pipeline

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"bragi/gnss/timescale"
	"bragi/holdover"
	"bragi/holdover/quality"
)

// References that are good are compared each second, also those that are not followed.

const (
	// sameSecond is how near to each other two pulses of one second come; a tick late
	// all of them are there.
	sameSecond = 400 * time.Millisecond
	stragglers = 100 * time.Millisecond
	// seriesLength is how many differences are kept, one a second.
	seriesLength = 1000
	// spreadEvery is how many seconds pass until TDEV and MTIE are computed anew.
	spreadEvery = 10
	levelMost   = 100 // seconds of the mean difference
	// The mean holds still while differences are outside of a gate about it, so many of
	// their usual deviations wide: that is how trouble begins. What stays there for
	// anotherLevel seconds is the mean.
	gateDeviations = 6
	gateLeastNs    = 20
	anotherLevel   = 900
	nearSeconds    = 8
	differMost     = 1.5 // times the bound of one receiver: two that are right do not differ by more
	oddAfter       = 2   // verdicts in a row
	// farLimits is how many times the limit two may differ, undecided, until the second
	// verdict: no pulse that is late once.
	farLimits = 10
	// pardonAfter is how many seconds a reference that was named must agree again; then
	// wait_to_restore begins.
	pardonAfter = 10
	// newcomerLock is how long a clock must have been locked before a reference comes, to
	// know better than it.
	newcomerLock = 5 * time.Minute
	// confirmAfter is how many seconds another receiver must agree with pulses that the clock
	// doubts, by a mean difference of so many seconds at least.
	confirmAfter = 300
	confirmLevel = 60
	// disputeKept is how long references that differ are doubted after they were last
	// seen to differ.
	disputeKept = 5 * time.Minute
	// acceptFor is how long the operator's word that one is right names those that differ
	// from it: a clock that steps to it meets them anew.
	acceptFor = time.Minute
	// joinedKept is how long what an odd one was wrong by is in the bound when another one came
	// to where it has the clock by force: as long as a doubt of pulses that jump.
	joinedKept = 4 * time.Hour
)

// attest lets each receiver that names another second than it did be held against one that
// nothing speaks against, and against the clock, which loses no second. Where these agree, it
// is the odd one, ordered or not, for as long as it stays: neither time nor a restart lets
// it in.
func (p *Pipeline) attest(now timescale.Mono) {
	if !p.several() {
		return
	}
	by := p.attestant(now)
	for i := range p.sources {
		s := &p.sources[i]
		if s.receiver == nil {
			continue
		}
		ahead, than := s.receiver.Refused(now), "the clock"
		if by >= 0 && by != i {
			pulse, _ := p.sources[by].newest()
			ahead, than = s.receiver.Witness(now, pulse.Mono, pulse.Second), p.sources[by].Name
		}
		if c := &s.compared; ahead != 0 && c.odd == "" && s.Kind == GNSS {
			c.odd, c.agrees, c.close = fmt.Sprintf("%s %s; %s", differs(float64(ahead)*1e9), than, byClock), 0, timescale.Mono{}
			c.wrongNs = math.Abs(float64(ahead) * 1e9)
		}
	}
}

// attestant is a receiver that nothing speaks against and whose second the clock has; -1: none.
func (p *Pipeline) attestant(now timescale.Mono) int {
	if r := p.servo.Report(now); !r.EverLocked || !(r.BoundNs < knownSecondNs) {
		return -1
	}
	for i := range p.sources {
		s := &p.sources[i]
		if s.Kind != GNSS || s.Lockout || s.compared.odd != "" {
			continue
		}
		if _, good := p.good(now, i); !good {
			continue
		}
		if pulse, _ := s.newest(); time.Duration(p.offsetNs(pulse)).Abs() < 2*knownSecondNs {
			return i
		}
	}
	return -1
}

// compare compares the references by their latest pulses, once a second.
func (p *Pipeline) compare(now timescale.Mono) {
	if !p.several() {
		return
	}
	var m timescale.Mono
	for i := range p.sources {
		if pulse, any := p.sources[i].newest(); any && m.Before(pulse.Mono) {
			m = pulse.Mono
		}
	}
	if m.IsZero() || m.Sub(p.comparedAt) < sameSecond || now.Sub(m) < stragglers {
		return
	}
	p.comparedAt = m
	p.season(m)
	p.judge(now, m, p.readings(m))
	p.confirm(now, m)
}

// season keeps whether the clock had been locked for newcomerLock when it was last, so that its
// memory knows better than one that comes: whichever is followed then, and in a holdover, too.
func (p *Pipeline) season(m timescale.Mono) {
	switch report := p.servo.Report(m); {
	case !report.EverLocked:
		p.seasoned = false
	case report.State == quality.Locked:
		p.seasoned = m.Sub(report.Since) >= newcomerLock && p.sources[p.active].compared.odd == ""
	}
}

// confirm ends a doubt of the clock about the pulses that it follows, where another receiver
// has agreed with them for confirmAfter seconds meanwhile. A sky that lies to both alike is
// believed so, too: what jumps, or goes as no oscillator does, the clock has refused before.
func (p *Pipeline) confirm(now, m timescale.Mono) {
	doubts := p.servo.DoubtsPulses() && p.dispute.times == 0 && p.sources[p.active].compared.odd == ""
	for i := range p.sources {
		s := &p.sources[i]
		c := &s.compared
		_, good := p.good(now, i)
		switch {
		case !doubts || i == p.active || s.Kind != GNSS || s.Lockout || !good || c.odd != "" || c.outside >= oddAfter || c.doubtNs(p.cfg.Servo.ReceiverBoundNs+p.cfg.Servo.InputNs, 0) > 0 && c.outside == 0:
			c.confirms = 0
		case c.at == m && c.outside == 0 && c.n >= confirmLevel:
			c.confirms++
		}
		if c.confirms >= confirmAfter && p.servo.Confirm() {
			c.confirms = 0
		}
	}
}

// reading is a Reading of source i.
type reading struct {
	Reading
	i int
}

// readings are those of the second of m; the differences to the one that is followed are
// kept. NaN stands for a difference to one that is silent: then they are to the first.
func (p *Pipeline) readings(m timescale.Mono) (list []reading) {
	base, have := p.sources[p.active].newest()
	have = have && m.Sub(base.Mono) < sameSecond
	limit := p.cfg.LimitNs
	for i := range p.sources {
		s := &p.sources[i]
		pulse, any := s.newest()
		if !any || s.Lockout || m.Sub(pulse.Mono) >= sameSecond {
			continue
		}
		ref := base
		if !have {
			if len(list) == 0 {
				ref = pulse
			} else {
				ref, _ = p.sources[list[0].i].newest()
			}
		}
		// A clock that is further ahead of it has less time to be ahead of.
		ahead := float64(p.offsetNs(ref)-p.offsetNs(pulse)) + ref.CorrectionNs - pulse.CorrectionNs
		if have && i != p.active {
			if s.compared.first.IsZero() && s.compared.close.IsZero() && p.seasoned {
				s.compared.newcomer = true
			}
			s.compared.see(m, ahead, limit+s.UncertaintyNs+p.sources[p.active].UncertaintyNs)
		}
		r := reading{Reading: Reading{AheadNs: ahead, UncertaintyNs: s.UncertaintyNs, FromClockNs: math.NaN()}, i: i}
		if s.receiver != nil {
			r.Evidence = uint8(s.receiver.Evidence())
		}
		list = append(list, r)
	}
	return list
}

// judge weighs the readings of a second.
func (p *Pipeline) judge(now, m timescale.Mono, list []reading) {
	width := p.ask(m, list)
	var weighed []reading
	for _, r := range list {
		if p.sources[r.i].compared.odd != "" {
			p.forgive(now, r, list)
		}
	}
	p.protest(list)
	for _, r := range list {
		s := &p.sources[r.i]
		if s.compared.odd != "" || s.compared.agreed {
			s.compared.agreed = false // it is weighed from the next second on
			continue
		}
		if s.Kind == GNSS {
			if _, distrusted := s.receiver.Distrust(now); distrusted {
				continue
			}
		}
		weighed = append(weighed, r)
	}
	plain := make([]Reading, len(weighed))
	for k, r := range weighed {
		plain[k] = r.Reading
	}
	v := Judge(plain, p.cfg.LimitNs, width)
	if len(v.Odd) == 0 && !v.Undecided && p.refuses(now) {
		v = p.judgeMoves(weighed, width)
	}
	if p.dispute.memory && p.disagree(now) && (v.Undecided || len(v.Odd) > 0 || !p.reconciled(weighed, width)) {
		v = Verdict{Undecided: true, By: byMemory}
	}
	if p.vouches(now) {
		v = byTheOperator(weighed, p.active, p.cfg.LimitNs)
	}
	accused := map[int]bool{}
	for _, k := range v.Odd {
		accused[weighed[k].i] = true
	}
	for k, r := range weighed {
		c := &p.sources[r.i].compared
		if !accused[r.i] {
			c.accused = 0
			continue
		}
		if c.accused++; c.accused < oddAfter && !p.refuted(now, r.Reading, v, width) {
			continue
		}
		apart := r.AheadNs - other(plain, v, k)
		c.agrees, c.wrongNs = 0, math.Abs(apart)
		c.odd, c.oddBy = fmt.Sprintf("%s %s; %s", differs(apart), p.names(weighed, v.Odd), v.By), v.By
		if r.i == p.active {
			c.close = p.closest()
		}
	}
	p.argue(now, m, v, weighed)
}

// refuted tells that the clock's own state refutes an accused reading by far, in one second:
// it is further off than the clock's bound and what its oscillator could have drifted. So
// are not those that are not accused, or the clock's memory is no witness.
func (p *Pipeline) refuted(now timescale.Mono, r Reading, v Verdict, widthNs float64) bool {
	if v.By != byMajority && v.By != byClock {
		return false
	}
	could := widthNs + p.cfg.LimitNs + r.UncertaintyNs + p.servo.OwnBoundNs(now)
	return math.Abs(r.FromClockNs) > could // false for NaN
}

// refuses tells that the clock does not believe the pulses of the reference that it
// follows, although that says nothing against itself.
func (p *Pipeline) refuses(now timescale.Mono) bool {
	state := p.servo.Report(now).State
	if state != quality.HoldoverSpec && state != quality.HoldoverNoSpec {
		return false
	}
	_, good := p.good(now, p.active)
	return good && p.distrust(now) == holdover.ReasonNone
}

// judgeMoves is the verdict about references that are inside the limit, of which one has
// moved: against the others, and against the clock, which refuses it.
func (p *Pipeline) judgeMoves(list []reading, widthNs float64) Verdict {
	gate := 0.0
	moved := make([]Reading, len(list))
	for k, r := range list {
		moved[k], moved[k].UncertaintyNs = r.Reading, 0
		if c := &p.sources[r.i].compared; r.i != p.active {
			if c.n < buildLevels {
				return Verdict{}
			}
			moved[k].AheadNs -= c.meanNs
			gate = max(gate, c.gate(p.cfg.LimitNs))
		}
	}
	v := Judge(moved, gate, widthNs)
	if v.By == byMajority && !slices.ContainsFunc(v.Odd, func(k int) bool { return list[k].i == p.active }) {
		return Verdict{} // the clock refuses one of the majority
	}
	v.Undecided = false // within the limit nobody has to decide
	return v
}

// other is the time of a reading that is not accused, beside that of k.
func other(list []Reading, v Verdict, k int) float64 {
	for _, j := range others(len(list), v.Odd) {
		if j != k {
			return list[j].AheadNs
		}
	}
	return 0
}

// names are those who are not accused.
func (p *Pipeline) names(list []reading, odd []int) (text string) {
	for _, k := range others(len(list), odd) {
		if text != "" {
			text += " and "
		}
		text += p.sources[list[k].i].Name
	}
	return text
}

// differs says how far a time is from another, whose name follows.
func differs(ns float64) string {
	d := time.Duration(math.Round(ns))
	switch {
	case d.Abs() >= time.Millisecond:
		d = d.Round(time.Microsecond)
	case d.Abs() >= 10*time.Microsecond:
		d = d.Round(100 * time.Nanosecond)
	}
	text, where := d.Abs().String(), " ahead of"
	if ns < 0 {
		where = " behind"
	}
	return strings.Replace(text, "µ", "u", 1) + where
}

// vouches tells that the operator has just accepted the one that is followed. No order to
// follow a reference is such a word.
func (p *Pipeline) vouches(now timescale.Mono) bool {
	return p.accepted.i == p.active && !p.accepted.at.IsZero() && now.Sub(p.accepted.at) < acceptFor
}

// byTheOperator is the verdict of the operator, who accepted one of them.
func byTheOperator(list []reading, accepted int, limitNs float64) (v Verdict) {
	for _, r := range list {
		if r.i != accepted {
			continue
		}
		for k, o := range list {
			if math.Abs(o.AheadNs-r.AheadNs) > limitNs+o.UncertaintyNs+r.UncertaintyNs {
				v.Odd = append(v.Odd, k)
			}
		}
		v.By = byOperator
	}
	return v
}

// aheadNow is how far the time of source i is ahead of that of the one that is followed, by
// the latest comparison; ok is false where that is old.
func (p *Pipeline) aheadNow(now timescale.Mono, i int) (ns float64, ok bool) {
	if i == p.active {
		return 0, true
	}
	c := &p.sources[i].compared
	return c.aheadNs, !c.at.IsZero() && now.Sub(c.at) < pulseMissing
}

// oddWords says why source i is odd, with the difference of now. Where that is not known it is
// that of when it was named.
func (p *Pipeline) oddWords(now timescale.Mono, i int) string {
	c := &p.sources[i].compared
	ahead, ok := p.aheadNow(now, i)
	if c.oddBy == "" || !ok {
		return c.odd
	}
	other := p.active // that is the difference which screens show
	for k := range p.sources {
		if o := &p.sources[k]; (other == i || p.sources[other].compared.odd != "") && k != i && o.Kind != Internal && o.compared.odd == "" {
			other = k
		}
	}
	than, ok := p.aheadNow(now, other)
	if other == i || !ok {
		return c.odd
	}
	by := c.oddBy
	if by == byMajority && !p.outvoted(now, i) {
		by = byMajorityThen
	}
	return fmt.Sprintf("%s %s; %s", differs(ahead-than), p.sources[other].Name, by)
}

// outvoted tells that two others at least are here that nobody named.
func (p *Pipeline) outvoted(now timescale.Mono, i int) bool {
	n := 0
	for k := range p.sources {
		s := &p.sources[k]
		if _, fresh := p.aheadNow(now, k); k != i && s.Kind != Internal && fresh && s.compared.odd == "" {
			if _, good := p.good(now, k); good {
				n++
			}
		}
	}
	return n > 1
}

// closest is when the others last agreed well with the one that is followed; where none has ever,
// it is when the first of them was compared with it.
func (p *Pipeline) closest() (m timescale.Mono) {
	first := timescale.Mono{}
	for i := range p.sources {
		c := &p.sources[i].compared
		if i == p.active {
			continue
		}
		if m.Before(c.close) {
			m = c.close
		}
		if first.IsZero() || !c.first.IsZero() && c.first.Before(first) {
			first = c.first
		}
	}
	if m.IsZero() {
		return first
	}
	return m
}
