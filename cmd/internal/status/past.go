package status

import (
	"math"
	"time"
)

// ClockPoint is how the served clock was for half a minute: GET /v1/clock/history. Of
// what changed in it, the worst is kept.
type ClockPoint struct {
	At          time.Time `json:"at"`            // of CLOCK_REALTIME, when it began
	TimeErrorNs *float64  `json:"time_error_ns"` // estimate, the one that is furthest from zero
	BoundNs     *float64  `json:"bound_ns"`      // the largest; null: there was none at some time
	ClockClass  uint8     `json:"clock_class"`   // the largest number
	Serving     bool      `json:"serving"`       // all the time
}

// Worsen takes another moment into the point.
func (p *ClockPoint) Worsen(now ClockPoint) {
	if now.TimeErrorNs != nil && (p.TimeErrorNs == nil || math.Abs(*now.TimeErrorNs) > math.Abs(*p.TimeErrorNs)) {
		p.TimeErrorNs = now.TimeErrorNs
	}
	if p.BoundNs != nil && (now.BoundNs == nil || *now.BoundNs > *p.BoundNs) {
		p.BoundNs = now.BoundNs
	}
	p.ClockClass = max(p.ClockClass, now.ClockClass)
	p.Serving = p.Serving && now.Serving
}
