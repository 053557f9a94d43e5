package holdover

import (
	"fmt"
	"time"
)

// Oscillator is the kind of oscillator behind the served clock.
type Oscillator uint8

// The kinds. Auto is treated as XO: until the oscillator is measured, no class
// 7 is claimed that the worst one could not keep.
const (
	Auto Oscillator = iota
	XO
	TCXO
	TCXOHi
	OCXO
	Rubidium
)

var oscillatorNames = [...]string{"auto", "xo", "tcxo", "tcxo-hi", "ocxo", "rb"}

// String is the word of the configuration.
func (o Oscillator) String() string {
	if int(o) < len(oscillatorNames) {
		return oscillatorNames[o]
	}
	return "unknown"
}

// ParseOscillator reads the word of the configuration.
func ParseOscillator(s string) (Oscillator, error) {
	for i, n := range oscillatorNames {
		if n == s {
			return Oscillator(i), nil
		}
	}
	return 0, fmt.Errorf("holdover: unknown oscillator %q (auto, xo, tcxo, tcxo-hi, ocxo, rb)", s)
}

// Category grades the oscillator as a holdover source for ITU-T G.8275.1 (1 is
// a primary reference, 2 like an SSU-A, 3 the rest).
func (o Oscillator) Category() uint8 {
	if o == Rubidium {
		return 2
	}
	return 3
}

// behaviour is what the servo and the bound assume of a kind.
type behaviour struct {
	boundPPB  float64       // the frequency error that holdover is bounded by
	walkPPB   float64       // random walk FM, ppb per sqrt(s)
	whiteNs   float64       // white FM, ns per sqrt(s) of phase
	phaseTime time.Duration // how slowly a phase error is steered away in LOCKED
	mean      time.Duration // how much of the lock the held mean covers
	bin       time.Duration // how much of the lock one point of the mean covers
}

// Figures: TIMING notes, section 3 (q_rw at NIS = 1 without a thermometer; real
// TCXO: the last minutes predict best) and the bounds that DESIGN fixes.
var behaviours = [...]behaviour{
	Auto:     {300, 0.4, 1, 5 * time.Second, time.Minute, time.Second},
	XO:       {300, 0.4, 1, 5 * time.Second, time.Minute, time.Second},
	TCXO:     {30, 0.04, 0.1, 8 * time.Second, 5 * time.Minute, 2 * time.Second},
	TCXOHi:   {3, 0.01, 0.03, 15 * time.Second, 30 * time.Minute, 10 * time.Second},
	OCXO:     {1, 1e-3, 0.012, 30 * time.Second, time.Hour, 10 * time.Second},
	Rubidium: {0.05, 3e-4, 0.03, 60 * time.Second, 4 * time.Hour, time.Minute},
}

func (o Oscillator) behaviour() behaviour {
	if int(o) < len(behaviours) {
		return behaviours[o]
	}
	return behaviours[XO]
}
