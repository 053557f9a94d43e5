package board

import "time"

const (
	// realtimeSlew is more than the kernel slews CLOCK_REALTIME (500 ppm).
	realtimeSlew = 600e-6
	// realtimeSlack is what reading it twice may be off beyond the widths.
	realtimeSlack = 20 * time.Microsecond
)

// jumped tells whether CLOCK_REALTIME was set between two readings: whether it
// moved otherwise than CLOCK_MONOTONIC_RAW, by more than a slew explains. What
// was stamped in REALTIME between them is then worth nothing.
func jumped(a, b Pair) bool {
	elapsed := b.Mono.Sub(a.Mono)
	wrong := b.Realtime.Sub(a.Realtime) - elapsed
	limit := realtimeSlack + time.Duration(a.WidthNs+b.WidthNs) + time.Duration(realtimeSlew*float64(elapsed.Abs()))
	return wrong > limit || wrong < -limit
}
