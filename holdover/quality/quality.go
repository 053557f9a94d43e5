// Package quality computes what the grandmaster says of itself: one function
// from the clock's state to the fields of an Announce. It is a leaf; holdover,
// master and cmd read it.
//
//	state                      class         scale  time  freq  utcOffsetValid  timeSource  accuracy
//	                                                traceable
//	WARMUP, FREERUN            - or 58       ARB    0     0     0               0xA0        0xFE
//	ACQUIRING, LOCKING         as before     as its class
//	LOCKED                     6             PTP    1     1     1               0x20        from the bound
//	HOLDOVER in spec           7             PTP    1     1     1               0xA0        from the bound
//	HOLDOVER out of spec       52            PTP    0     0     1               0xA0        from the bound
//	RELOCKING                  7 or 52       as its class
//
// "-" is silence: nothing is granted and nothing sent. "As before" is - or 58
// for a clock that never locked, 7 or 52 for one that did. The numbers 52 and
// 58 are those of alternative A; Profile has the others. utcOffsetValid falls
// to 0 where TAI-UTC is not known, whatever the row says.
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

// States lists every state, for tests and tables.
var States = []State{Freerun, Warmup, Acquiring, Locking, Locked, HoldoverSpec, HoldoverNoSpec, Relocking}

// String is bragi's own word.
func (s State) String() string {
	switch s {
	case Freerun:
		return "free run"
	case Warmup:
		return "warm-up"
	case Acquiring:
		return "acquiring"
	case Locking:
		return "locking"
	case Locked:
		return "locked"
	case HoldoverSpec:
		return "holdover in spec"
	case HoldoverNoSpec:
		return "holdover out of spec"
	case Relocking:
		return "relocking"
	}
	return "unknown"
}

// Cisco is the word that an ASR900 or a cBR8 shows for the state.
func (s State) Cisco() string {
	switch s {
	case Acquiring:
		return "ACQUIRING"
	case Locking, Relocking:
		return "FREQ_LOCKED"
	case Locked:
		return "PHASE_ALIGNED"
	case HoldoverSpec:
		return "HOLDOVER"
	}
	return "FREERUN"
}

// Announcement is the quality part of an Announce message (IEEE 1588-2019,
// 7.6.2 and 13.5) and whether to serve at all. It is comparable with ==.
type Announcement struct {
	Serve                   bool  // false: grant nothing, send nothing
	Squelched               bool  // Serve is false only because of Input.Squelch
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
