package master

import (
	"time"

	"bragi/gnss/timescale"
)

// How long a client waited from one Announce to the next: a cBR8 gives its master
// up after 10 intervals of 1/8 s without one, an RPD after 11. Of a flow with fewer
// than four a second, only what a message was late counts. A restart's gap is in it, since Export keeps when
// the last Announce left; what a grandmaster that is not to be served keeps
// silent is not.

// AnnounceGap is the measured silence.
type AnnounceGap struct {
	Max  time.Duration // the longest since the start
	Last time.Duration // the longest of the last 10 to 20 s
	Long uint64        // how many were above LongAnnounceGap
}

// LongAnnounceGap is a gap that comes near to what clients bear, 1.25 s.
const LongAnnounceGap = time.Second

const (
	gapWindow = 10 * time.Second
	gapMaxLog = -2
)

type gap struct {
	AnnounceGap
	began   timescale.Mono // of the window
	now     time.Duration  // the longest in it
	before  time.Duration  // and in the one before
	waiting bool           // service has just begun or ended
	since   timescale.Mono // what was sent before does not count
}

// mute says that what lies before the next Announce is no gap.
func (g *gap) mute(changed bool) { g.waiting = g.waiting || changed }

// silence is what of the time d between two Announces of a flow counts as a gap.
func silence(flow *grant, d time.Duration) time.Duration {
	if flow.log > gapMaxLog {
		d -= time.Duration(intervalNs(flow.log))
	}
	return max(d, 0)
}

// takeBack says that the last Announce of a flow did not leave; before is when the
// one before it did.
func (g *gap) takeBack(flow *grant, before timescale.Mono) {
	if d := silence(flow, flow.sentAt.Sub(before)); !before.IsZero() && !before.Before(g.since) && d > LongAnnounceGap {
		g.Long--
	}
	flow.sentAt = before
}

// note takes an Announce that leaves now.
func (g *gap) note(now timescale.Mono, flow *grant) {
	if g.waiting {
		g.waiting, g.since = false, now
	}
	last := flow.sentAt
	flow.sentAt = now
	if last.IsZero() || last.Before(g.since) {
		return
	}
	d := silence(flow, now.Sub(last))
	if now.Sub(g.began) >= gapWindow {
		g.began, g.before, g.now = now, g.now, 0
	}
	g.now = max(g.now, d)
	g.Last = max(g.now, g.before)
	g.Max = max(g.Max, d)
	if d > LongAnnounceGap {
		g.Long++
	}
}
