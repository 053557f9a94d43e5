package gnss

import "time"

// Evidence is how much speaks for a second: how the witness knows it.
type Evidence uint8

// The kinds of evidence, the stronger later.
const (
	NoEvidence Evidence = iota
	// Unproven is UTC that the receiver does not vouch for, soon after its start: it
	// may be made with the leap count of its firmware.
	Unproven
	// Proven is the same after the receiver has had the time for provenAfter without
	// a break: the sky has told the count meanwhile.
	Proven
	// Vouched depends on no firmware: GPS time, or a leap count that the receiver
	// says is valid or that is known to be the table's.
	Vouched
)

const (
	// countTold is how long it takes a receiver that has lost all it knew to hear the
	// leap count: GPS tells it every 12.5 minutes (IS-GPS-200, 20.3.3.5.1: page 18 of
	// subframe 4), the rest is margin.
	countTold = 15 * time.Minute
	// provenAfter is how long a receiver must have had the time until what it says is
	// not given up for another word of its own: three tellings, two of which may be
	// missed, and margin.
	provenAfter = 45 * time.Minute
	// steadyFor is how long a receiver must name another second, or count other leap
	// seconds, without a break before what was known is given up for it.
	steadyFor = time.Minute
	// coldSearch is how long a receiver that has lost all it knew takes at least from
	// the first satellites to its first fix: 18 s for an ephemeris, which a warm one
	// has. Without satellites there is no search, but no antenna. A pause of the time
	// that is shorter is no loss of memory either.
	coldSearch = 20 * time.Second
)

var evidenceNames = [...]string{"nothing", "UTC whose leap seconds may be the firmware's", "UTC that was steady for 45 minutes", "GPS time or a leap count that is vouched for"}

// String is what the evidence is, in words.
func (e Evidence) String() string {
	if int(e) < len(evidenceNames) {
		return evidenceNames[e]
	}
	return evidenceNames[NoEvidence]
}

// With is the evidence for a second that two witnesses agree on.
func (e Evidence) With(other Evidence) Evidence { return max(e, other) }

// outweighs tells whether a receiver that steadily names another second than the
// believed one is to be followed: when its evidence is stronger, or when it
// corrects itself, having named the believed second in the same run and having
// had no proof of it.
func (e Evidence) outweighs(believed Evidence, corrected bool) bool {
	return e > max(believed, Unproven) || corrected && believed == Unproven
}

// own is the evidence that an epoch has by itself.
func (e *Epoch) own() Evidence {
	switch {
	case !e.Trusted:
		return NoEvidence
	case e.TAI.Known || e.LeapS.Known:
		return Vouched
	}
	return Unproven
}
