// Package update is `bragi update`: a new version is written into the slot that does not run, started, and kept only
// once it serves. RAUC and the boot loader do the work; here is decided whether a bundle may be written, and whether a
// slot is kept.
package update

import (
	"fmt"
	"time"
)

// Bundle is what a signed bundle says of itself.
type Bundle struct {
	Compatible string
	Version    string
	Size       int64 // of the root file system, in bytes
}

// System is what runs.
type System struct {
	Compatible string
	Version    string
	SlotSize   int64 // of the slot that is written, in bytes
}

// Acceptable is nil where a bundle may be written to a system. Versions begin with the date of their commit, so that
// their order is that of their texts; older allows one that comes before the running one.
func Acceptable(b Bundle, s System, older bool) error {
	switch {
	case b.Compatible != s.Compatible:
		return fmt.Errorf("the bundle is for %s, and this is %s (fix: take the bundle of this board)", b.Compatible, s.Compatible)
	case b.Version == "":
		return fmt.Errorf("the bundle has no version (fix: build it with make image)")
	case b.Size > s.SlotSize:
		return fmt.Errorf("the bundle needs %d bytes, and a slot has %d (fix: flash the whole image)", b.Size, s.SlotSize)
	case b.Version < s.Version && !older:
		return fmt.Errorf("the bundle's version %s is older than %s, which runs (fix: --older, if that is wanted)", b.Version, s.Version)
	}
	return nil
}

// Before is what is remembered of the version that an update replaces.
type Before struct {
	Version    string `json:"version"`
	ClockClass uint8  `json:"clock_class"` // 0: it did not serve
}

// Look is what is seen of the daemon of the slot that runs.
type Look struct {
	Configured bool // a board without a configuration waits for its setup
	Answers    bool // on its control socket
	Failures   int  // how often it ended since the start of the system, and was started anew
	Serving    bool
	ClockClass uint8
}

// Verdict is what becomes of the slot that runs.
type Verdict int

// The verdicts.
const (
	Wait  Verdict = iota
	Keep          // it gets its tries again
	Leave         // the other slot is started
)

// How long a new version may take, and how often it may fail.
const (
	AnswerPatience = 3 * time.Minute  // until its daemon answers
	Failures       = 10               // of a daemon that ends again and again, and never answers
	ClassPatience  = 45 * time.Minute // until it serves at the class of before: a cold start takes up to 35
)

// Judge decides about a slot. known: this version has been kept before, so it is never left: a daemon that fails now
// fails for another reason than the update. A board that nobody has configured yet has nothing to prove. Else the
// version must serve at least at the class that was served before.
func Judge(l Look, before Before, known bool, waited time.Duration) Verdict {
	good := !l.Configured || l.Answers && (known || before.ClockClass == 0 || l.Serving && l.ClockClass <= before.ClockClass)
	switch {
	case good:
		return Keep
	case known:
		return Wait
	case !l.Answers && (waited >= AnswerPatience || l.Failures >= Failures), waited >= ClassPatience:
		return Leave
	}
	return Wait
}
