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

// behaviour is what the servo assumes of a kind: the middle of its data sheets,
// from which the estimator learns what this piece does.
type behaviour struct {
	boundPPB   float64       // the largest frequency error that a lock leaves
	whiteNs    float64       // white FM, ns per sqrt(s) of phase
	flickerPPB float64       // the flicker floor, as an Allan deviation
	walkPPB    float64       // random walk FM, ppb per sqrt(s)
	agePPBDay  float64       // one standard deviation of the ageing
	tempcoPPB  float64       // one standard deviation of the temperature coefficient, ppb per C
	blindPPB   float64       // the walk that temperature adds where no thermometer tells of it, ppb per sqrt(s)
	phaseTime  time.Duration // how slowly a phase error is steered away in LOCKED
	adapt      time.Duration // over which its own noise shows against the pulse's
}

// Figures: the middle of data sheets; blindPPB where the normalized innovations
// of a filter without a thermometer are 1.
var behaviours = [...]behaviour{
	Auto:     {300, 0.5, 1, 0.01, 5, 250, 0.4, 5 * time.Second, time.Minute},
	XO:       {300, 0.5, 1, 0.01, 5, 250, 0.4, 5 * time.Second, time.Minute},
	TCXO:     {30, 0.1, 0.1, 1e-3, 2, 20, 0.04, 8 * time.Second, 5 * time.Minute},
	TCXOHi:   {3, 0.03, 0.03, 3e-4, 1, 1.7, 0.01, 15 * time.Second, 10 * time.Minute},
	OCXO:     {1, 0.0087, 5e-3, 5e-5, 0.4, 0.1, 1e-3, 30 * time.Second, time.Hour},
	Rubidium: {0.05, 0.01, 1e-3, 1e-6, 2e-3, 1e-3, 1e-5, 60 * time.Second, 4 * time.Hour},
}

func (o Oscillator) behaviour() behaviour {
	if int(o) < len(behaviours) {
		return behaviours[o]
	}
	return behaviours[XO]
}

// noise is the process noise of the kind times scale^2. A flicker floor is a sum
// of Gauss-Markov processes whose time constants are a factor 4 apart, each of
// the floor's variance (Barnes and Allan): those below 128 s act as white FM,
// those of 256 and 1024 s are one state, 4096 and 16384 s another, and the
// longer ones walk.
func (b behaviour) noise(scale float64) noise {
	s := square(scale)
	f := square(b.flickerPPB)
	return noise{
		white: s * (square(b.whiteNs) + 2*f*flickerWhiteS),
		walk:  s * (square(b.walkPPB) + 2*f*flickerWalkS),
		fast:  s * 2 * f,
		slow:  s * 2 * f,
	}
}

const (
	flickerWhiteS = 1 + 4 + 16 + 64          // s, the sum of the short time constants
	flickerWalkS  = 1.0/65_536 + 1.0/262_144 // 1/s, of the long ones
)
