package daemon

import (
	"time"

	"bragi/gnss"
	"bragi/gnss/timescale"
	"bragi/holdover"
	"bragi/holdover/quality"
)

// Epoch takes a second as the receiver named it: what Bytes makes of bytes, and
// what a simulation, which has none, says itself.
func (p *Pipeline) Epoch(e gnss.Epoch) {
	if e.Trusted {
		p.trusted = e.Received
	}
	place, survey := p.decoder.Place()
	p.trust.Epoch(e, place, survey)
	p.pairer.Epoch(e)
}

// Look is what the clock knows of itself at now, and what Announce says.
func (p *Pipeline) Look(now timescale.Mono) (holdover.Report, quality.Announcement) {
	r := p.report(now)
	return r, p.announce(now, r.Quality)
}

// Memory is what to keep of the oscillator, dated by the served clock.
func (p *Pipeline) Memory(now timescale.Mono) (holdover.Memory, bool) {
	return p.servo.Memory(p.clock.Local(now).AssumeTAI())
}

// dateMemory tells the servo how old its memory is, once a pulse has a date.
func (p *Pipeline) dateMemory(m gnss.Mark) {
	memory := p.cfg.Servo.Memory
	if memory == nil || p.dated {
		return
	}
	p.dated = true
	made := timescale.TAIFromNs(memory.TAISeconds * int64(time.Second))
	p.servo.MemoryAge(m.Second.Sub(made))
}
