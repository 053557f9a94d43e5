package holdover

import (
	"fmt"
	"math"
	"time"
)

// Oscillator is the kind of oscillator behind the served clock.
type Oscillator uint8

// The kinds. Auto begins as XO: until the oscillator is measured, no class 7 is
// claimed that the worst one could not keep.
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

// behaviour is what the servo assumes of an oscillator.
type behaviour struct {
	reachPPB   float64       // how far temperature can bring the frequency
	rushPPBs   float64       // how fast, ppb/s: a fan that stops
	whiteNs    float64       // white FM, ns per sqrt(s) of phase
	flickerPPB float64       // the flicker floor, as an Allan deviation
	walkPPB    float64       // random walk FM, ppb per sqrt(s)
	agePPBDay  float64       // one standard deviation of the ageing
	tempcoPPB  float64       // one standard deviation of the temperature coefficient, ppb per C
	blindPPB   float64       // the walk that temperature adds where no thermometer tells of it, ppb per sqrt(s)
	phaseTime  time.Duration // how slowly a phase error is steered away in LOCKED
	adapt      time.Duration // over which its own noise shows against the pulse's
}

// behaviours are the kinds by their level, from worst to best: the middle of
// their data sheets; blindPPB where the normalized innovations of a filter without
// a thermometer are 1. Between two kinds each figure goes along a straight line of
// its logarithm: what is learned of a piece is its level, a number on this scale.
var behaviours = [...]behaviour{
	{10_000, 75, 0.5, 1, 0.01, 5, 250, 0.4, 5 * time.Second, time.Minute},
	{800, 6, 0.1, 0.1, 1e-3, 2, 20, 0.04, 8 * time.Second, 5 * time.Minute},
	{60, 0.5, 0.03, 0.03, 3e-4, 1, 1.7, 0.01, 15 * time.Second, 10 * time.Minute},
	{6, 0.01, 0.0087, 5e-3, 5e-5, 0.4, 0.1, 1e-3, 30 * time.Second, time.Hour},
	{0.1, 1e-3, 0.01, 1e-3, 1e-6, 2e-3, 1e-3, 1e-5, 60 * time.Second, 4 * time.Hour},
}

const levelMost = float64(len(behaviours) - 1)

// level is where the kind stands among behaviours.
func (o Oscillator) level() float64 {
	if o >= XO && o <= Rubidium {
		return float64(o - XO)
	}
	return 0
}

// kindAt is the kind nearest to a level.
func kindAt(level float64) Oscillator { return XO + Oscillator(math.Round(level)) }

// behaviourAt is the behaviour at a level.
func behaviourAt(level float64) behaviour {
	i := min(int(level), len(behaviours)-2)
	f := level - float64(i)
	a, b := behaviours[i], behaviours[i+1]
	if f == 0 {
		return a
	}
	mix := func(x, y float64) float64 { return x * math.Pow(y/x, f) }
	return behaviour{
		mix(a.reachPPB, b.reachPPB), mix(a.rushPPBs, b.rushPPBs), mix(a.whiteNs, b.whiteNs), mix(a.flickerPPB, b.flickerPPB),
		mix(a.walkPPB, b.walkPPB), mix(a.agePPBDay, b.agePPBDay), mix(a.tempcoPPB, b.tempcoPPB), mix(a.blindPPB, b.blindPPB),
		durationS(mix(seconds(a.phaseTime), seconds(b.phaseTime))), durationS(mix(seconds(a.adapt), seconds(b.adapt))),
	}
}

// worse is the level at which the flicker floor is ratio times that at level.
func worse(level, ratio float64) float64 {
	want := math.Log(behaviourAt(level).flickerPPB * ratio)
	for i := 1; i < len(behaviours); i++ {
		a, b := math.Log(behaviours[i-1].flickerPPB), math.Log(behaviours[i].flickerPPB)
		if want >= b || i == len(behaviours)-1 {
			return max(0, min(float64(i-1)+(want-a)/(b-a), levelMost))
		}
	}
	return level
}

// noise is the process noise. A flicker floor is a sum of Gauss-Markov
// processes whose time constants are a factor 4 apart, each of the floor's
// variance (Barnes and Allan): those below 128 s act as white FM, those of 256 and
// 1024 s are one state, 4096 and 16384 s another, and the longer ones walk.
func (b behaviour) noise() noise {
	f := square(b.flickerPPB)
	return noise{
		white: square(b.whiteNs) + 2*f*flickerWhiteS,
		walk:  square(b.walkPPB) + 2*f*flickerWalkS,
		fast:  2 * f,
		slow:  2 * f,
	}
}

// slowFlicker is the white FM, in ns^2/s, that stands for flicker which is too slow
// to show within s seconds.
func (b behaviour) slowFlicker(s float64) float64 {
	return 2 * square(b.flickerPPB) * max(flickerWhiteS-s, 0)
}

// differenceNs is the variance, in ns^2, that the oscillator makes of a phase less
// that of the line through those farPulses seconds to both sides of it, over 1.5, with
// a margin of two: ADEV^2 tau^2 / 3 for each noise.
func (b behaviour) differenceNs() float64 {
	const tau = farPulses
	adev := square(b.whiteNs)/tau + square(b.flickerPPB) + square(b.walkPPB)*tau/3 + square(b.blindPPB)*tau/3
	return 2 * adev * tau * tau / 3
}

const (
	flickerWhiteS = 1 + 4 + 16 + 64          // s, the sum of the short time constants
	flickerWalkS  = 1.0/65_536 + 1.0/262_144 // 1/s, of the long ones
)
