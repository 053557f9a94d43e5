package gnss

import (
	"fmt"
	"math/bits"
	"time"

	"bragi/gnss/timescale"
)

// steadiness tells whether the receiver's time runs on: from epoch to epoch by as much
// as goes by. A leap second, a corrected count or a stall of the line is one odd step.
// Time that runs backwards, stands still, or runs at another speed is nothing but odd
// steps.
type steadiness struct {
	at  timescale.Mono
	utc timescale.UTC
	odd uint8 // the latest eight steps, a bit each: it was odd
	by  time.Duration
	in  time.Duration // what the latest odd step was, and should have been
}

const (
	oddStep   = 700 * time.Millisecond // a message's delay varies by less
	oddEnough = 4                      // of eight
)

// see takes the instant that an epoch names.
func (s *steadiness) see(e Epoch) {
	by, in := e.UTC.Sub(s.utc), e.Received.Sub(s.at)
	first := s.at.IsZero()
	s.at, s.utc = e.Received, e.UTC
	if first {
		return
	}
	s.odd <<= 1
	if (by - in).Abs() > oddStep {
		s.odd, s.by, s.in = s.odd|1, by, in
	}
}

func (s *steadiness) lost() bool { return bits.OnesCount8(s.odd) >= oddEnough }

// trouble is what is wrong at now.
func (s *steadiness) troubles() []Trouble {
	if !s.lost() {
		return nil
	}
	return []Trouble{{ReasonErratic, fmt.Sprintf("it went on by %v within %v", s.by.Round(time.Second), s.in.Round(100*time.Millisecond))}}
}
