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

// dispute is what nothing decides.
type dispute struct {
	times int    // verdicts in a row
	what  string // who differs, and by how much then
	high  int    // who, by their places; the same: not known any more
	low   int
	ns    float64 // by how much then
	at    timescale.Mono
	// memory: the clock's memory contradicted the majority. Its forecast grows old and ends no doubt:
	// all that are heard must agree, and one that the memory agreed with or the memory itself with them.
	memory bool
	// blind: the clock has taken another second from them since, and its memory ends nothing.
	blind bool
}

// joined is by how much an odd one that steered the clock by force was wrong when it was pardoned,
// although it had not moved: another one had come to it. Two that lie alike do so, too.
type joined struct {
	ns float64
	at timescale.Mono
}

// doubtNs is what that adds to the bound at now.
func (j joined) doubtNs(now timescale.Mono) float64 {
	if j.at.IsZero() || now.Sub(j.at) > joinedKept {
		return 0
	}
	return j.ns
}

// disagree tells that references differ, and that nothing tells who is right.
func (p *Pipeline) disagree(now timescale.Mono) bool {
	d := &p.dispute
	return d.times >= oddAfter && (d.memory || now.Sub(d.at) < disputeKept)
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

// argue keeps what nothing decides.
func (p *Pipeline) argue(now, m timescale.Mono, v Verdict, list []reading) {
	d := &p.dispute
	switch {
	case v.Undecided && len(list) > 0:
		low, high := list[0], list[0]
		for _, r := range list {
			if r.AheadNs < low.AheadNs {
				low = r
			}
			if r.AheadNs > high.AheadNs {
				high = r
			}
		}
		was := d.times
		if d.times, d.at = was+1, m; high.AheadNs-low.AheadNs > farLimits*p.cfg.LimitNs {
			d.times = max(d.times, oddAfter)
		}
		if was < oddAfter && d.times >= oddAfter {
			p.withdraw(now)
		}
		if v.By == byMemory && !d.memory {
			d.memory = true
			for k, r := range list {
				p.sources[r.i].compared.backed = !slices.Contains(v.Against, k)
			}
		}
		if high.AheadNs-low.AheadNs > p.cfg.LimitNs || d.what == "" { // else one side is gone
			d.high, d.low, d.ns = high.i, low.i, high.AheadNs-low.AheadNs
			d.what = p.disputed(d.high, d.low, d.ns, false)
		}
	case d.memory && p.disagree(now) && m.Sub(d.at) <= p.memoryKept(list):
	case len(list) > 1 && m.Sub(d.at) > pardonAfter*time.Second || d.memory && len(list) > 0:
		p.settled() // they agree again, or it is known who is wrong
	case len(v.Odd) > 0:
		p.settled()
	}
}

// settled ends what nothing decided.
func (p *Pipeline) settled() {
	p.dispute = dispute{}
	for i := range p.sources {
		p.sources[i].compared.backed = false
	}
}

// memoryKept is how long the references of list, which agree, are doubted after the clock's memory
// contradicted the majority: those alone that it agreed with say nothing of the others.
func (p *Pipeline) memoryKept(list []reading) time.Duration {
	for _, r := range list {
		if !p.sources[r.i].compared.backed {
			return pardonAfter * time.Second
		}
	}
	return disputeKept
}

// reconciled tells that those which are heard, and agree, are no majority alone: one that the clock's
// memory agreed with is among them, or the memory itself agrees with all, and would tell if not.
func (p *Pipeline) reconciled(list []reading, widthNs float64) bool {
	near, backed := widthNs > 0 && widthNs <= p.cfg.LimitNs && !p.dispute.blind, false
	for _, r := range list {
		near = near && math.Abs(r.FromClockNs) <= widthNs+p.cfg.LimitNs/2+r.UncertaintyNs // false for NaN
		backed = backed || p.sources[r.i].compared.backed
	}
	for i := range p.sources { // nobody is waited for that the operator has taken out
		if c := &p.sources[i].compared; c.backed && p.sources[i].Lockout {
			c.backed = false
		} else if c.backed {
			return near || backed
		}
	}
	return true
}

// protest begins a dispute where references that were named by the clock's own oscillator agree, and
// are more than those that are not: they do not outvote these, nor the memory that named them, and
// nobody knows better. They are odd no more, so that both sides are weighed.
func (p *Pipeline) protest(list []reading) {
	byMemory := false
	var risen []int
	for _, r := range list {
		if c := &p.sources[r.i].compared; c.odd != "" && c.protests >= pardonAfter {
			risen = append(risen, r.i)
			byMemory = byMemory || c.oddBy == byClock
		}
	}
	if len(risen) < 2 {
		return
	}
	for _, i := range risen {
		p.sources[i].compared.pardon()
	}
	if !byMemory {
		return // the majority names the others
	}
	for _, r := range list {
		c := &p.sources[r.i].compared
		c.backed = !slices.Contains(risen, r.i) && c.odd == ""
	}
	p.dispute = dispute{times: oddAfter, at: p.comparedAt, memory: true}
	p.withdraw(p.now)
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

// disputeWords says who differs, and by how much now, or when both were last seen.
func (p *Pipeline) disputeWords(now timescale.Mono) string {
	d := &p.dispute
	if d.high == d.low {
		return d.what
	}
	high, ok := p.aheadNow(now, d.high)
	low, also := p.aheadNow(now, d.low)
	if !ok || !also {
		return p.disputed(d.high, d.low, d.ns, true)
	}
	return p.disputed(d.high, d.low, high-low, false)
}

// disputed names both sides: the two that differ most, each with those that agree with it; past: one
// of them is not heard now.
func (p *Pipeline) disputed(high, low int, ns float64, past bool) string {
	above, n := p.side(high, low)
	below, m := p.side(low, high)
	is, which := "is", "which one is"
	switch {
	case past:
		is = "was"
	case n > 1:
		is = "are"
	}
	if n+m > 2 {
		which = "which side is"
	}
	return fmt.Sprintf("%s %s %s %s, and nothing tells %s right", above, is, differs(ns), below, which)
}

// side are the names of source i and of those that agree with it now, and not with the other
// side, and how many they are.
func (p *Pipeline) side(i, other int) (names string, n int) {
	names, n = p.sources[i].Name, 1
	mine, fresh := p.aheadNow(p.now, i)
	theirs, also := p.aheadNow(p.now, other)
	for k := range p.sources {
		s := &p.sources[k]
		ahead, ok := p.aheadNow(p.now, k)
		if k == i || k == other || !ok || !fresh || !also || s.Kind == Internal || s.Lockout || s.compared.odd != "" {
			continue
		}
		if limit := p.cfg.LimitNs + s.UncertaintyNs; math.Abs(ahead-mine) <= limit+p.sources[i].UncertaintyNs && math.Abs(ahead-theirs) > limit+p.sources[other].UncertaintyNs {
			names, n = names+" and "+s.Name, n+1
		}
	}
	return names, n
}

// withdraw lets the clock hold over with what it knew before references began to differ.
func (p *Pipeline) withdraw(now timescale.Mono) {
	if close := p.closest(); !close.IsZero() {
		p.servo.Withdraw(now, close)
	}
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

// ask fills in how far each reading is from where the clock's own memory expects it, and
// returns how well that is known. One that an odd reference steers by force, or has steered, is no witness.
func (p *Pipeline) ask(m timescale.Mono, list []reading) (widthNs float64) {
	if p.swayed() || !p.led.IsZero() {
		return 0
	}
	x, width, ok := p.foretold(m)
	if !ok {
		if x, width, ok = p.remembersSecond(m, list); !ok {
			return 0
		}
	}
	for k := range list {
		s := &p.sources[list[k].i]
		pulse, _ := s.newest()
		level, _ := s.compared.level()
		if list[k].i == p.active {
			level = 0
		}
		offset := float64(p.offsetNs(pulse)) + pulse.CorrectionNs + level - float64(p.buildNs)
		list[k].FromClockNs = x - offset
	}
	return width
}

// foretold is the clock's error at m by its memory from before the trouble: from when the
// references last agreed. Of a reference that has never agreed the clock knows only if it had
// been locked for a while when that came.
func (p *Pipeline) foretold(m timescale.Mono) (errorNs, widthNs float64, ok bool) {
	since := timescale.Mono{}
	for i := range p.sources {
		c := &p.sources[i].compared
		if i == p.active || c.at != m || c.odd != "" || c.outside == 0 {
			continue
		}
		from := c.close
		if from.IsZero() {
			if !c.newcomer {
				return 0, 0, false
			}
			from = c.first
		}
		if since.IsZero() || from.Before(since) {
			since = from
		}
	}
	if since.IsZero() {
		since = m
	}
	return p.servo.Foretold(m, since)
}

// remembersSecond is the clock's error where a reference that agreed before has another second
// now: the clock knows its own second after any lock, until it follows another one.
func (p *Pipeline) remembersSecond(m timescale.Mono, list []reading) (errorNs, widthNs float64, ok bool) {
	report := p.servo.Report(m)
	if !report.EverLocked || !(report.BoundNs < knownSecondNs) {
		return 0, 0, false
	}
	for _, r := range list {
		if c := &p.sources[r.i].compared; r.i != p.active && math.Abs(r.AheadNs) > anotherSecondNs {
			if c.n < buildLevels {
				return 0, 0, false
			}
			ok = true
		}
	}
	return report.ErrorNs, report.BoundNs, ok
}

// forgive counts how long a reference that was named has agreed again: with all that are not
// named, or with so many that they outvote the others, or with the clock where it is alone.
func (p *Pipeline) forgive(now timescale.Mono, r reading, list []reading) {
	c := &p.sources[r.i].compared
	protests := false
	limit := p.cfg.LimitNs/2 + r.UncertaintyNs
	agrees, compared, friends, believed, forced, apart := true, false, 1, false, c.swayed, 0.0
	for _, o := range list {
		if o.i == r.i {
			continue
		}
		near := math.Abs(o.AheadNs-r.AheadNs) <= limit+o.UncertaintyNs
		if near {
			friends++
			forced = forced || p.sources[o.i].compared.swayed
		}
		if p.sources[o.i].compared.odd == "" {
			compared = true
			agrees = agrees && near
			believed = believed || near
			apart = max(apart, math.Abs(o.AheadNs-r.AheadNs))
		}
	}
	switch {
	case !compared:
		agrees = !p.swayed() && p.led.IsZero() && p.clockAgrees(now, r, limit, c.wrongNs/2)
	case len(list) <= 2 || 2*friends <= len(list) || forced: // who is followed by force though odd has no vote
	case believed:
		agrees = true // a dispute of the others does not outvote them
	case c.oddBy != "" && c.oddBy != byOperator && !p.distrusted(now, &p.sources[r.i]):
		protests = true
	}
	if c.protests++; !protests {
		c.protests = 0
	}
	if c.agrees++; c.agrees == 1 {
		c.joined = c.swayed && r.i == p.active && p.taken == p.handed
	}
	if !agrees {
		if c.agrees = 0; compared {
			c.wrongNs = apart
		}
	}
	if c.agrees >= pardonAfter {
		if c.joined && c.swayed && c.wrongNs > p.joined.ns {
			p.joined = joined{ns: c.wrongNs, at: now}
		}
		c.pardon()
		c.agreed = true
	}
}

// clockAgrees tells that the served clock says no other time than r, which may differ by limitNs,
// and that it would tell one that is off by more than mostNs. A clock that does not know agrees
// with nobody.
func (p *Pipeline) clockAgrees(now timescale.Mono, r reading, limitNs, mostNs float64) bool {
	report := p.servo.Report(now)
	pulse, _ := p.sources[r.i].newest()
	off := float64(p.offsetNs(pulse)) + pulse.CorrectionNs - float64(p.buildNs) - report.ErrorNs
	return math.Abs(off) <= min(limitNs+report.BoundNs, mostNs) && report.BoundNs <= mostNs
}

// swayed tells that an odd reference steers the clock by force, or has, and that it has not locked to
// another one since.
func (p *Pipeline) swayed() bool {
	for i := range p.sources {
		if p.sources[i].compared.swayed {
			return true
		}
	}
	return false
}

// sway keeps that the clock follows an odd one by force: it is no witness of that one until it
// has locked to another one again.
func (p *Pipeline) sway(now timescale.Mono) {
	c := &p.sources[p.active].compared
	switch {
	case c.odd != "" && p.choice.Order == Forced && !p.taken.IsZero() && p.taken == p.handed:
		c.swayed = true
	case c.odd == "" && p.servo.Locked():
		for i := range p.sources {
			p.sources[i].compared.swayed = false
		}
	}
}

// astray keeps that an odd one has steered the clock by force: pardoned or not, the clock is a witness
// again only when it has been locked for newcomerLock since, with no order, no dispute and one that is
// not odd.
func (p *Pipeline) astray(now timescale.Mono) {
	switch {
	case p.swayed():
		p.led = now
	case p.led.IsZero():
	case !p.servo.Locked(), p.choice.Order != Automatic, p.sources[p.active].compared.odd != "", p.dispute.times > 0:
		p.led = now
	case now.Sub(p.led) >= newcomerLock:
		p.led = timescale.Mono{}
	}
}
