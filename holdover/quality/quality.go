// Package quality computes what the grandmaster says of itself: one function
// from the clock's state to the fields of an Announce. It is a leaf; holdover,
// master and cmd read it.
package quality

// State is a state of the grandmaster's clock, in DESIGN's table.
type State uint8

// The states of the clock. Cisco's word for each is State.Cisco.
const (
	Freerun        State = iota // never locked, oscillator warm
	Warmup                      // never locked, oscillator warming up
	Acquiring                   // receiver gives time, pulse not labelled or not stepped yet
	Locking                     // frequency follows, phase not settled
	Locked                      // phase aligned
	HoldoverSpec                // pulse lost, bound inside the spec
	HoldoverNoSpec              // pulse lost, bound outside the spec or beyond max_holdover
	Relocking                   // pulse back after holdover, not yet inside again
)

// Announcement is the quality part of an Announce message (IEEE 1588-2019,
// 7.6.2 and 13.5) and whether to serve at all. It is comparable with ==.
type Announcement struct {
	Serve                   bool  // false: grant nothing, send nothing
	ClockClass              uint8 // table 4
	ClockAccuracy           uint8 // table 5
	OffsetScaledLogVariance uint16
	TimeSource              uint8 // table 6
	CurrentUTCOffset        int16 // TAI - UTC in s
	CurrentUTCOffsetValid   bool
	Leap59, Leap61          bool
	TimeTraceable           bool
	FrequencyTraceable      bool
	PTPTimescale            bool // false: ARB
}
