package timescale

import "time"

// realtimeSlew is more than the kernel slews CLOCK_REALTIME: 500 ppm (MAXFREQ of
// linux/timex.h).
const realtimeSlew = 600e-6

// RealtimeJumped tells whether CLOCK_REALTIME was set while elapsed of
// CLOCK_MONOTONIC_RAW went by: whether it moved otherwise, by more than a slew
// explains. Reading both may be wrong by uncertain.
func RealtimeJumped(moved, elapsed, uncertain time.Duration) bool {
	return (moved - elapsed).Abs() > uncertain+time.Duration(realtimeSlew*float64(elapsed.Abs()))
}
