package gnss

import (
	"time"

	"bragi/gnss/timescale"
)

// NextPulse is what a receiver says of its next pulse before that comes
// (UBX-TIM-TP). The Decoder gives it out only next to trusted epochs.
type NextPulse struct {
	Received timescale.Mono // when its first byte came
	// Second is the next pulse's; what is not known of it cannot label.
	Second Maybe[timescale.TAI]
	// QErrPs: true second = stamp of that pulse + QErrPs.
	QErrPs   Maybe[int64]
	Evidence Evidence // for the second
}

// lateSecondsMost is how many seconds late a message may be while the next pulses tell
// that it is.
const lateSecondsMost = 3

// nextPulses is the Pairer's memory of them.
type nextPulses struct {
	pending    naming
	hasPending bool
	run        run
	streak     streak
	heard      timescale.Mono // the last that came clearly between two pulses
	confirmed  timescale.Mono // the last that agreed with the count

	errs [4]pulseErr
	n    int
}

// pulseErr is the sawtooth of one pulse.
type pulseErr struct {
	second int64
	qErrPs Maybe[int64]
}

// speaks tells whether the receiver names its next pulses at m, so that its
// messages need not label.
func (x *nextPulses) speaks(m timescale.Mono) bool {
	return !x.heard.IsZero() && m.Sub(x.heard) < nextPulseHolds
}

// confirms tells whether they agree with the count at m.
func (x *nextPulses) confirms(m timescale.Mono) bool {
	return !x.confirmed.IsZero() && m.Sub(x.confirmed) < nextPulseHolds
}

const nextPulseHolds = 2500 * time.Millisecond

// qErr is the sawtooth of the pulse at a TAI second.
func (x *nextPulses) qErr(second int64) Maybe[int64] {
	for i := range min(x.n, len(x.errs)) {
		if x.errs[i].second == second {
			return x.errs[i].qErrPs
		}
	}
	return Maybe[int64]{}
}

// NextPulse takes the receiver's word about its next pulse: the last pulse
// before it came was one second earlier. It is judged like an Epoch, when what
// comes after it is known.
func (p *Pairer) NextPulse(n NextPulse) {
	if !n.Second.Known {
		return
	}
	second := n.Second.Value.Ns() / nsPerSecond
	x := &p.next
	if x.n > 0 && x.errs[(x.n-1)%len(x.errs)].second == second {
		return // said twice
	}
	p.settleNext()
	p.counter.NextPulses++
	x.errs[x.n%len(x.errs)] = pulseErr{second, n.QErrPs}
	x.n++
	x.pending = naming{epoch: Epoch{Received: n.Received, TAI: n.Second, Evidence: n.Evidence}, second: second - 1, next: true}
	x.hasPending = true
}

// settleNext judges the word about the next pulse that waits.
func (p *Pairer) settleNext() {
	x := &p.next
	if !x.hasPending {
		return
	}
	x.hasPending = false
	n := x.pending
	r := n.epoch.Received
	last, ok := p.train.before(r)
	delay := r.Sub(last.at)
	if !ok || delay < p.cfg.MinDelay || delay > p.cfg.MaxDelay {
		x.run = run{} // so near to a pulse that the next one cannot be told
		return
	}
	x.heard = r
	if p.labelled {
		p.confirmNext(n, last)
		return
	}
	next := run{base: n.second - last.number, received: r, delay: delay, evidence: n.epoch.Evidence}.after(x.run)
	x.run = next
	if next.length >= agreeToLabel {
		p.label(n, last, next)
		if p.labelled {
			x.confirmed = r
		}
	}
}

// confirmNext holds it against the count.
func (p *Pairer) confirmNext(n naming, last pulse) {
	x, r := &p.next, n.epoch.Received
	off := p.base + last.number - n.second
	if off == 0 {
		x.streak, x.confirmed = streak{}, r
		p.lastConfirm, p.evidence = r, p.evidence.With(n.epoch.Evidence)
		if p.fault {
			p.recovered()
		}
		return
	}
	p.counter.Disagreed++
	p.recovering = 0
	x.streak = x.streak.next(off, n.epoch, false)
	if x.streak.length >= disagreeToFault {
		p.setFault(off)
	}
}
