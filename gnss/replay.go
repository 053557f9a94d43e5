package gnss

import (
	"io"
	"slices"
	"time"

	"bragi/gnss/timescale"
)

// course judges how the receiver's time goes on, as a Reference does.
type course struct {
	steady steadiness
	pace   pace
}

// judge takes a trusted epoch, and trusts it no longer where the receiver's time does
// not run on, or its messages come too seldom for any pulse.
func (c *course) judge(e Epoch) Epoch {
	c.steady.see(e)
	c.pace.see(e.Received)
	var why []Reason
	if c.steady.lost() {
		why = append(why, ReasonErratic)
	}
	if c.pace.seldom(e.Received) {
		why = append(why, ReasonSeldom)
	}
	if len(why) > 0 {
		e.Trusted, e.Why = false, append(append([]Reason(nil), e.Why...), why...)
	}
	return e
}

// Replayed is what a recording shows as a whole.
type Replayed struct {
	Every    int64     // s from one trusted epoch to the next; 0: there were not two
	Troubles []Trouble // what speaks against the receiver's time, each reason once
}

// Replay decodes a recording, which has no time of its own: the clock runs with
// the instants that the receiver names, and a little with the bytes between. So time
// that runs backwards or leaps is seen, and the pace of the messages as they name it;
// time that runs too fast or too slowly is not.
func Replay(r io.Reader, d *Decoder, emit func(Epoch)) (seen Replayed, err error) {
	const (
		chunk   = 64
		perByte = time.Millisecond / chunk
		longest = time.Minute // a longer step is a receiver that found its date
		// catchUp is a step that leaves a frame whose bytes it lies between whole.
		catchUp = ubxPatience / 2
	)
	now := timescale.MonoFromNs(int64(time.Second))
	due := now // when it is by the epochs
	var utc timescale.UTC
	var course course
	watch := func(e Epoch) {
		if step := e.UTC.Sub(utc); utc != (timescale.UTC{}) && step > 0 && step < longest {
			due = due.Add(step)
		}
		utc = e.UTC
		if e.Trusted {
			at := e.Received
			e.Received = due
			e = course.judge(e)
			e.Received = at
			seen.note(&course, due)
		}
		emit(e)
	}
	buf := make([]byte, 16<<10)
	for {
		n, err := r.Read(buf)
		for b := buf[:n]; len(b) > 0; {
			part := b[:min(chunk, len(b))]
			b = b[len(part):]
			d.Feed(now, part, watch)
			now = now.Add(min(max(due.Sub(now), time.Duration(len(part))*perByte), catchUp))
		}
		if err == io.EOF {
			d.Flush(watch)
			return seen, nil
		}
		if err != nil {
			return seen, err
		}
	}
}

func (s *Replayed) note(c *course, now timescale.Mono) {
	troubles := c.steady.troubles()
	if c.pace.seldom(now) {
		troubles = append(troubles, Trouble{ReasonSeldom, seconds(c.pace.rareBy) + " apart"})
	}
	for _, t := range troubles {
		if !slices.ContainsFunc(s.Troubles, func(x Trouble) bool { return x.Reason == t.Reason }) {
			s.Troubles = append(s.Troubles, t)
		}
	}
	s.Every = c.pace.every
}
