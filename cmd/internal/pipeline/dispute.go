package pipeline

import (
	"fmt"
	"math"
	"slices"
	"time"

	"bragi/gnss/timescale"
)

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
