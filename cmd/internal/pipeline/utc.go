package pipeline

import (
	"time"

	"bragi/gnss/timescale"
)

// UTC is civil time as the served clock has it.
type UTC struct {
	At      timescale.UTC
	Leap    int8    // the leap second that ends this day and may be announced: +1, -1, 0
	BoundNs float64 // of the error
	// Sure: no leap second can be missing in it. Of one that is not sure the second may
	// be off by one, where the receiver does not name UTC itself.
	Sure bool
}

// leapQuiet is around a leap second: then a day's last second has two readings.
const leapQuiet = 2 * time.Second

// UTC is what the served clock says at m. ok is false where its time is not traceable
// (class 6 and 7 are), and around a leap second.
func (p *Pipeline) UTC(m timescale.Mono) (u UTC, ok bool) {
	report, said := p.Clock(m)
	if !said.TimeTraceable {
		return UTC{}, false
	}
	tai, table := p.clock.Local(m).AssumeTAI(), p.reference.LeapTable()
	utc, within := table.ToUTC(tai)
	if at, _, found := table.Upcoming(utc.Add(-leapQuiet)); within || found && at.Sub(utc) < leapQuiet {
		return UTC{}, false
	}
	u = UTC{At: utc, BoundNs: report.BoundNs, Sure: said.CurrentUTCOffsetValid}
	switch {
	case said.Leap61:
		u.Leap = 1
	case said.Leap59:
		u.Leap = -1
	}
	return u, true
}
