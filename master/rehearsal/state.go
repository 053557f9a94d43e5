package rehearsal

import (
	"time"

	"bragi/gnss/timescale"
)

// State is the client's state in the words of the cBR8's screens.
type State uint8

// The states.
const (
	Freerun      State = iota // no master
	Acquiring                 // Sync comes; offset and delay are being measured
	FreqLocked                // the frequency follows
	PhaseAligned              // the offset stays within the phase limit
	Holdover                  // the master was lost; the clock runs on alone
)

var stateWords = [...]string{"FREERUN", "ACQUIRING", "FREQ_LOCKED", "PHASE_ALIGNED", "HOLDOVER"}

// String is Cisco's word.
func (s State) String() string {
	if int(s) < len(stateWords) {
		return stateWords[s]
	}
	return "unknown"
}

// Move is a change of state.
type Move struct {
	At    timescale.Mono
	State State
}

// lockWithin is how long a client may take from its start to PHASE_ALIGNED: up to 35
// minutes are normal, more means a bad master or a bad way.
const lockWithin = 35 * time.Minute

const (
	maxMoves = 64
	maxSteps = 64
)

func (c *Client) move(now timescale.Mono, to State) {
	if to == c.state {
		return
	}
	c.state, c.since = to, now
	if to == PhaseAligned && c.lockedAt.IsZero() {
		c.lockedAt = now
	}
	if len(c.moves) == maxMoves {
		c.moves = append(c.moves[:0], c.moves[1:]...)
	}
	c.moves = append(c.moves, Move{now, to})
}

// lose is the end of a master: HOLDOVER if there was a frequency to hold.
func (c *Client) lose(now timescale.Mono) {
	if c.state == FreqLocked || c.state == PhaseAligned || c.state == Holdover {
		c.move(now, Holdover)
		return
	}
	c.move(now, Freerun)
}

// judge moves up after three windows inside a limit, and down when the offset
// leaves three times of it.
func (c *Client) judge(now timescale.Mono, offset int64) {
	const enough = 3
	phase := int64(c.cfg.PhaseLimit)
	size := max(offset, -offset)
	s := &c.servo
	count := func(n *int, limit int64) {
		if *n++; size > limit {
			*n = 0
		}
	}
	count(&s.inside, phase)
	count(&s.near, 10*phase)
	switch {
	case s.windows < enough:
	case c.state == PhaseAligned && size <= 3*phase:
	case s.inside >= enough:
		c.move(now, PhaseAligned)
	case s.near >= enough || c.state == PhaseAligned && size <= 10*phase:
		c.move(now, FreqLocked)
	case size > 10*phase:
		c.move(now, Acquiring)
	}
}

// State is the state now.
func (c *Client) State() State { return c.state }

// rateSpan is what message rates are taken over, once to twice.
const rateSpan = 5 * time.Second
