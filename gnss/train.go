package gnss

import (
	"time"

	"bragi/gnss/timescale"
)

// train is the pulses that come whole seconds apart.
type train struct {
	alive  bool
	last   timescale.Mono
	number int64 // of the last pulse
	recent [8]pulse
	n      int // pulses ever put into recent
}

type pulse struct {
	at     timescale.Mono
	number int64
}

// rival is a train that some glitches seem to form.
type rival struct {
	last   timescale.Mono
	length int // pulses in it
	alone  int // of them since the train's last pulse
}

// follow takes a pulse into the train; false if it is none of it.
func (p *Pairer) follow(at timescale.Mono) bool {
	if !p.train.alive {
		p.train.start(at)
		return true
	}
	gap := at.Sub(p.train.last)
	steps, off := wholeSeconds(gap)
	if steps < 1 || off.Abs() > p.tolerance(gap) {
		p.glitch(at, off)
		return false
	}
	if steps > maxStep {
		p.unlabel()
	}
	p.counter.Missed += p.train.missed(at)
	p.train.add(at, p.train.number+steps)
	p.rival.alone = 0
	return true
}

// glitch takes a pulse off the train. When such pulses form a train of their
// own and the old one is silent, the receiver's second has moved: the new train
// is followed, and learned anew.
func (p *Pairer) glitch(at timescale.Mono, off time.Duration) {
	p.counter.Glitches++
	p.glitchAt, p.glitchBy = at, off
	p.run = run{}
	gap := at.Sub(p.rival.last)
	steps, rest := wholeSeconds(gap)
	if p.rival.length > 0 && steps >= 1 && steps <= maxStep && rest.Abs() <= p.tolerance(gap) {
		p.rival.length++
		p.rival.alone++
		p.rival.last = at
	} else {
		p.rival = rival{last: at, length: 1, alone: 1}
	}
	if p.rival.alone >= pulsesToAdopt {
		p.counter.Shifts++
		p.counter.Missed += p.train.missed(at)
		p.unlabel()
		p.train.start(at)
		p.rival = rival{}
	}
}

func (p *Pairer) tolerance(gap time.Duration) time.Duration {
	return p.cfg.Tolerance + gap*rawDriftPPM/1_000_000
}

// wholeSeconds is the nearest number of whole seconds, and what is left.
func wholeSeconds(d time.Duration) (n int64, rest time.Duration) {
	whole := d.Round(time.Second)
	return int64(whole / time.Second), d - whole
}

// start begins a new train. The numbers go on, so that no pulse of the old one
// shares a number.
func (t *train) start(at timescale.Mono) {
	number := t.number + 1
	*t = train{alive: true}
	t.add(at, number)
}

func (t *train) add(at timescale.Mono, number int64) {
	t.last, t.number = at, number
	t.recent[t.n%len(t.recent)] = pulse{at, number}
	t.n++
}

// missed is how many pulses of the train did not come between its last one and now. One
// may still be half a second late.
func (t *train) missed(now timescale.Mono) uint64 {
	if !t.alive {
		return 0
	}
	return uint64(max(now.Sub(t.last)-time.Second/2, 0) / time.Second)
}

// silent tells that pulses came, and that they have stopped.
func (t *train) silent(now timescale.Mono) bool { return t.alive && now.Sub(t.last) > pulseSilence }

// before is the last pulse at or before m.
func (t *train) before(m timescale.Mono) (pulse, bool) {
	for i := t.n - 1; i >= 0 && i > t.n-1-len(t.recent); i-- {
		if q := t.recent[i%len(t.recent)]; !m.Before(q.at) {
			return q, true
		}
	}
	return pulse{}, false
}

// stampRing knows the last stamps, so that a pulse that the kernel delivers
// again, or too late, is not taken for a new one.
type stampRing struct {
	ring   [8]timescale.Edge
	n      int
	newest timescale.Mono
}

type stampKind uint8

const (
	stampNew stampKind = iota
	stampRepeated
	stampLate
)

func (s *stampRing) judge(e timescale.Edge) stampKind {
	for i := 0; i < min(s.n, len(s.ring)); i++ {
		q := s.ring[i]
		if q.Local == e.Local || e.Mono.Sub(q.Mono).Abs() < sameStampWithin {
			return stampRepeated
		}
	}
	if s.n > 0 && e.Mono.Before(s.newest) {
		return stampLate
	}
	s.ring[s.n%len(s.ring)] = e
	s.n++
	s.newest = e.Mono
	return stampNew
}

// delayRing has the last delays from pulse to message.
type delayRing struct {
	ring [15]time.Duration
	n    int
}

func (r *delayRing) add(d time.Duration) {
	r.ring[r.n%len(r.ring)] = d
	r.n++
}

// median is the usual delay; the middle of what is allowed while none is known.
func (r *delayRing) median(cfg PairerConfig) time.Duration {
	n := min(r.n, len(r.ring))
	if n == 0 {
		return (cfg.MinDelay + cfg.MaxDelay) / 2
	}
	sorted := r.ring
	for i := 1; i < n; i++ {
		for j := i; j > 0 && sorted[j] < sorted[j-1]; j-- {
			sorted[j], sorted[j-1] = sorted[j-1], sorted[j]
		}
	}
	return sorted[n/2]
}
