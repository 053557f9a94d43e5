package master

import (
	"math"
	"time"

	"bragi/gnss/timescale"
)

// What a client has shown of itself. A message that comes from an address proves
// nothing: whoever forges addresses can send one, and sees none of ours. So a row of
// the table is worth what its forgery costs (Standing).
//
// A renewal proves something when it comes in the second half of the time that was
// granted, and not before: its sender knows how long its grants last. While the table
// has room that is no secret, as a client gets what it asks for. Once a newcomer has
// found no free row the table is pressed. The next renewal of a client that is not
// busy is then granted a time that is drawn: between an eighth and all of what it
// asks for, each octave alike. A client reads it in its GRANT. A forger hits the
// second half one time in three at best, and when it does not, what it proved before
// is gone. So whoever has renewed in patience before holds a row for a grant longer,
// no more.

// Standing is what a client has shown of itself, from who gives way first.
type Standing uint8

// The standings, and what it costs to forge them.
const (
	Lifeless Standing = iota // a request
	Unproven                 // a Delay_Req each ten seconds, or a row of the last ten
	Busy                     // eight Delay_Reqs a second, as cable clients send (16 and 32)
	Proven                   // it would have to see our grants
)

// String is the standing in a word.
func (s Standing) String() string {
	return [...]string{"lifeless", "unproven", "busy", "proven"}[s]
}

const (
	lifelessAfter = 10 * time.Second
	starvedFor    = 2 * time.Second // since a message was held back for want of credit
	busyInterval  = time.Second / 8 // between Delay_Reqs, smoothed
	busyRequests  = 16              // at least
	busyFor       = 2 * time.Second // since the last of them

	steadyInterval = 2 * time.Second // between Delay_Reqs, smoothed
	steadyRequests = 3               // at least
)

// standing is what a client has shown until now.
func (c *client) standing(now timescale.Mono) Standing {
	asks := c.delayReqs > 0 && now.Sub(c.lastReq) < lifelessAfter
	switch {
	case !c.pausedAt.IsZero() && now.Sub(c.pausedAt) < starvedFor:
		return Lifeless
	case c.proven:
		return Proven
	case c.busy(now):
		return Busy
	case asks || now.Sub(c.first) < lifelessAfter:
		return Unproven
	}
	return Lifeless
}

func (c *client) busy(now timescale.Mono) bool {
	return c.delayReqs >= busyRequests && time.Duration(c.reqInterval) <= busyInterval && now.Sub(c.lastReq) < busyFor
}

// steady tells whether Delay_Reqs come about as often as those of a client of the
// default profile: one a second. It decides among the unproven alone.
func (c *client) steady(now timescale.Mono) bool {
	return c.delayReqs >= steadyRequests && time.Duration(c.reqInterval) <= steadyInterval && now.Sub(c.lastReq) < 2*steadyInterval
}

// round is the time of a client's grants from one renewal to the next: of all its
// flows, since they are asked for together.
type round struct {
	began   timescale.Mono
	seconds uint32 // how long; 0: there is none
	kind    roundKind
}

type roundKind uint8

const (
	asAsked roundKind = iota // the time that was asked for
	drawn                    // a part of it by chance, the same for each flow
	blank                    // the time that was asked for; to renew it proves nothing
)

const (
	drawnFrom    = 8  // a drawn time is an eighth of what is asked at least
	drawnAtLeast = 40 // s; who asks for less has nothing to draw from
	roundSettles = 10 * time.Second
)

func (m *Master) pressed(now timescale.Mono) bool {
	return !m.pressedAt.IsZero() && now.Sub(m.pressedAt) < durationOf(m.cfg.MaxDuration)
}

// term is how many seconds a flow is granted of those that are asked for, and notes
// what a renewal proves. In the first ten seconds of a round come the requests for
// the other flows, and those whose answer was lost.
func (m *Master) term(now timescale.Mono, row int32, f Flow, asked uint32) uint32 {
	c := &m.clients.rows[row]
	r, renewal := &c.round, c.grants[f].live
	age, length := now.Sub(r.began), durationOf(r.seconds)
	if r.seconds == 0 || age >= length || renewal && age >= roundSettles {
		c.proven = renewal && r.kind != blank && age < length && age >= length/2
		*r = round{began: now, seconds: asked}
		switch {
		case !m.pressed(now):
		case !renewal || asked < drawnAtLeast || c.busy(now):
			r.kind = blank
		default:
			r.kind = drawn
			r.seconds = max(m.cfg.MinDuration, uint32(float64(asked)*math.Pow(drawnFrom, -m.limiter.random.Float64())))
		}
		m.recount(row)
		age, length = 0, durationOf(r.seconds)
	}
	if r.kind != drawn {
		return asked
	}
	left := uint32((length - age) / time.Second)
	return min(asked, max(left, m.cfg.MinDuration))
}
