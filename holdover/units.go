package holdover

import (
	"math"
	"time"
)

func finite(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }

func seconds(d time.Duration) float64 { return float64(d) / float64(time.Second) }

// ns is a duration in nanoseconds, for sums with estimates.
func ns(d time.Duration) float64 { return float64(d) }

func clamp(v, limit float64) float64 { return min(max(v, -limit), limit) }

// durationS is s seconds.
func durationS(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }

func square(v float64) float64 { return v * v }
