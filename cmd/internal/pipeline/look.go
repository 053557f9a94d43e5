package pipeline

import (
	"bragi/cmd/internal/alarms"
	"bragi/gnss"
	"bragi/gnss/timescale"
	"bragi/holdover"
	"bragi/holdover/quality"
	"bragi/holdover/stability"
)

// Look is the Pipeline at one moment.
type Look struct {
	At           timescale.Mono
	Reads        timescale.TAI // the served clock's reading
	LeapTable    *timescale.LeapSeconds
	Report       holdover.Report      // less what does not hold of a clock that is, or was, away
	Announcement quality.Announcement // what Announce says
	Forced       bool                 // the operator wants holdover
	EgressNs     float64              // bound of the error between the served clock and the wire
	Troubles     []alarms.Raised      // conditions that hold
	Reference    gnss.ReferenceStatus // of the receiver of [gnss]
	References   []ReferenceLook      // all that the clock may follow
	Instead      string               // the reference that is followed in place of the receiver of [gnss]; "": that one is, or none
	ComparedTo   string               // the reference that the others are compared with: it is followed, or was last; "": there is one alone
	Dispute      string               // of references that differ, where nothing tells who is right; "": none
	Memory       *holdover.Memory     // what is known of the oscillator; nil: nothing yet
	// Residuals are the served clock less the pulse, of the pulses that were believed
	// in LOCKED since the start; positive: the clock was ahead.
	Residuals stability.Histogram
	Stability *Stability
	Drill     *holdover.DrillProgress // nil: none runs
}

// Clock is what the served clock knows of itself at now, and what Announce says.
func (p *Pipeline) Clock(now timescale.Mono) (holdover.Report, quality.Announcement) {
	r := p.report(now)
	return r, p.announce(now, r.Quality, r.BoundNs)
}

// Look is the whole Pipeline at now.
func (p *Pipeline) Look(now timescale.Mono) *Look {
	l := &Look{At: now, Reads: p.clock.Local(now).AssumeTAI(), LeapTable: p.reference.LeapTable(), Forced: p.forced, EgressNs: p.egressNs(), Reference: p.sources[p.first].receiver.Status(now), Residuals: p.residuals, Stability: p.steady.at(now)}
	l.Report, l.Announcement = p.Clock(now)
	l.References = p.references(now, l.Report.State)
	l.Instead = p.instead(p.first, l.Report.State)
	if p.several() {
		l.ComparedTo = p.sources[p.active].Name
	}
	if p.disagree(now) {
		l.Dispute = p.disputeWords(now)
	}
	l.Troubles = p.troubles(l)
	if m, ok := p.Memory(now); ok {
		l.Memory = &m
	}
	if d := p.drills.running; d != nil {
		progress := d.Progress(now)
		l.Drill = &progress
	}
	return l
}
