package holdover

import "bragi/gnss/timescale"

// corrections is what was done to the served clock: its frequency correction
// as a staircase, with its integral U, and its steps. The last few changes are
// kept, so that a pulse is judged by what held at its edge, even when the
// clock was changed between edge and now.
type corrections struct {
	points [32]correction // ring, oldest first from head
	head   int
	n      int
}

// correction is a corner of the staircase.
type correction struct {
	At      timescale.Mono `json:"at_ns"`
	PPB     float64        `json:"ppb"`      // from At on
	UNs     float64        `json:"u_ns"`     // U at At
	StepsNs int64          `json:"steps_ns"` // sum of the steps until At, this one included
}

// uAt is U at t on the line that starts at the corner.
func (p correction) uAt(t timescale.Mono) float64 {
	return p.UNs + p.PPB*seconds(t.Sub(p.At))
}

func (c *corrections) last() correction {
	if c.n == 0 {
		return correction{}
	}
	return c.points[(c.head+c.n-1)%len(c.points)]
}

func (c *corrections) push(p correction) {
	if c.n == len(c.points) {
		c.points[c.head] = p
		c.head = (c.head + 1) % len(c.points)
		return
	}
	c.points[(c.head+c.n)%len(c.points)] = p
	c.n++
}

// frequency notes that the correction is ppb from at on.
func (c *corrections) frequency(at timescale.Mono, ppb float64) {
	p := c.last()
	if c.n > 0 && at.Before(p.At) {
		at = p.At
	}
	if c.n > 0 {
		p.UNs = p.uAt(at)
	}
	p.At, p.PPB = at, ppb
	c.push(p)
}

// step notes that ns were added to the clock at at.
func (c *corrections) step(at timescale.Mono, ns int64) {
	c.frequency(at, c.ppb())
	c.points[(c.head+c.n-1)%len(c.points)].StepsNs += ns
}

// ppb is the correction now.
func (c *corrections) ppb() float64 { return c.last().PPB }

// at is U and the sum of the steps at t. ok is false when t is older than what
// is remembered; then they are the oldest known.
func (c *corrections) at(t timescale.Mono) (u float64, stepsNs int64, ok bool) {
	if c.n == 0 {
		return 0, 0, true
	}
	for i := c.n - 1; i >= 0; i-- {
		p := c.points[(c.head+i)%len(c.points)]
		if !t.Before(p.At) {
			return p.uAt(t), p.StepsNs, true
		}
	}
	if c.n < len(c.points) {
		return 0, 0, true // before the first change of all nothing was done
	}
	return c.points[c.head].UNs, c.points[c.head].StepsNs, false
}
