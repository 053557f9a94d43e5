package gnss

import (
	"time"

	"bragi/gnss/timescale"
)

// memory is the last labelled pulse, which outlives gaps.
type memory struct {
	known  bool
	at     timescale.Mono
	second int64
}

// fits tells whether second at the pulse at agrees with the remembered label,
// and by how many seconds it is ahead. Under a fault the memory never fades.
func (m memory) fits(at timescale.Mono, second int64, fault bool) (off int64, ok bool) {
	since := at.Sub(m.at)
	if !m.known || since > forgetLabel && !fault {
		return 0, true
	}
	ahead := time.Duration(second-m.second)*time.Second - since
	// A receiver that restarted may have moved its pulse by up to half a second.
	if ahead.Abs() < 750*time.Millisecond {
		return 0, true
	}
	return int64(ahead.Round(time.Second) / time.Second), false
}
