package daemon

import (
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
