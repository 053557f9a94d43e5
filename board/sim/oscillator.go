package sim

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"time"
)

// The frequency of an oscillator of the board of software:
//
//	y(t) = offset + ageing t + tempco (T(t) - 25 C) + warm-up + white FM + flicker FM + random-walk FM
//
// with T the crystal's temperature, a first-order lag behind the air's; the
// warm-up is the oscillator's own and dies away exponentially. y is
// constant over a cell of Grid, so that phase is a chain of straight lines.
//
// White FM: one normal value a cell, deviation White1s / sqrt(Grid/1 s), gives
// ADEV = White1s / sqrt(tau).
//
// Flicker FM: a sum of Ornstein-Uhlenbeck processes of equal deviation s whose
// time constants grow by the factor r. One has the one-sided density
// 4 s^2 T / (1 + (2 pi f T)^2); summed over ln T with density 1 / ln r that is
// s^2 / (f ln r), so h(-1) = s^2 / ln r, and the flat ADEV is
// sqrt(2 ln 2 h(-1)). With r = 4 the deviation s is the floor itself.
//
// Random-walk FM: y walks by RandomWalk sqrt(Grid/1 s) a cell; ADEV is
// RandomWalk sqrt(tau / 3).

// Grid is the length of a cell of constant frequency.
const Grid = 250 * time.Millisecond

const gridS = float64(Grid) / float64(time.Second)

// Kind is a kind of oscillator.
type Kind uint8

// The kinds of oscillator, from worst to best.
const (
	XO     Kind = iota // plain crystal
	TCXO               // temperature-compensated, as GPS hats carry it
	TCXOHi             // temperature-compensated, high grade
	OCXO               // oven
	Rb                 // rubidium
)

var kindNames = [...]string{"xo", "tcxo", "tcxo-hi", "ocxo", "rb"}

// String is the kind's name in the configuration.
func (k Kind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return fmt.Sprintf("Kind(%d)", uint8(k))
}

// ParseKind reads a kind's name.
func ParseKind(s string) (Kind, error) {
	for i, n := range kindNames {
		if n == s {
			return Kind(i), nil
		}
	}
	return 0, fmt.Errorf("sim: oscillator %q is unknown: use one of %s", s, strings.Join(kindNames[:], ", "))
}

// Spec is what a data sheet says of a kind. ADEV figures are fractional
// frequency (1e-9 is a ppb). Sources: the prototype's set-up and the measured
// oscillators of the timing study; ageing and tempco are ranges of which each
// crystal has its own.
type Spec struct {
	OffsetPPB    float64 // a crystal's frequency is off by at most this, either sign
	White1s      float64 // ADEV of the white FM at 1 s
	Flicker      float64 // ADEV of the flicker floor
	RandomWalk   float64 // random-walk FM, per sqrt(s)
	AgeingPPBDay [2]float64
	TempcoPPBC   [2]float64
	LagS         float64 // the crystal's temperature follows the air's with this time constant
}

// Spec is the kind's data sheet.
func (k Kind) Spec() Spec {
	switch k {
	case XO: // +-25 ppm, 150-300 ppb/C, floor 1e-9
		return Spec{25_000, 5e-10, 1e-9, 1e-11, [2]float64{2, 5}, [2]float64{150, 300}, 60}
	case TCXO: // +-0.5 ppm, 12-24 ppb/C, floor 1e-10, ADEV(1 s) 1.4e-10
		return Spec{500, 1e-10, 1e-10, 1e-12, [2]float64{1, 3}, [2]float64{12, 24}, 60}
	case TCXOHi: // 1-2 ppb/C, 1 ppb/day, floor 3e-11, ADEV(1 s) 4.2e-11
		return Spec{250, 3e-11, 3e-11, 3e-13, [2]float64{1, 1}, [2]float64{1, 2}, 60}
	case Rb: // 1e-11 at 1 s, 5e-11 a month
		return Spec{0.5, 1e-11, 1e-12, 1e-15, [2]float64{0.0008, 0.0017}, [2]float64{0.0005, 0.001}, 600}
	default: // OCXO: ADEV(1 s) 1e-11, floor 5e-12, 0.15-0.5 ppb/day, 0.05-0.1 ppb/C, lag 600 s
		return Spec{100, 8.7e-12, 5e-12, 5e-14, [2]float64{0.15, 0.5}, [2]float64{0.05, 0.1}, 600}
	}
}

// ADEV is the Allan deviation that the noise of the data sheet adds up to at
// tau seconds; ageing and temperature are not in it.
func (s Spec) ADEV(tau float64) float64 {
	rw := s.RandomWalk * math.Sqrt(tau/3)
	return math.Sqrt(s.White1s*s.White1s/tau + s.Flicker*s.Flicker + rw*rw)
}

// Crystal is one piece: what differs between two oscillators of a kind.
type Crystal struct {
	OffsetPPB    float64 // at the start and 25 C; positive: runs fast
	AgeingPPBDay float64
	TempcoPPBC   float64
}

// WarmUp is what a cold oscillator's own heating does to its frequency: PPB off
// at first, positive runs fast, dying away with the time constant S in s. No
// thermometer of the board sees it.
type WarmUp struct {
	PPB float64
	S   float64 // 0: there is none
}

func (s Spec) draw(rng *rand.Rand) Crystal {
	either := func(r [2]float64) float64 {
		v := r[0] + (r[1]-r[0])*rng.Float64()
		if rng.Uint64()&1 == 0 {
			return -v
		}
		return v
	}
	return Crystal{
		OffsetPPB:    s.OffsetPPB * (2*rng.Float64() - 1),
		AgeingPPBDay: either(s.AgeingPPBDay),
		TempcoPPBC:   either(s.TempcoPPBC),
	}
}

const (
	// referenceC is the temperature at which a crystal has its nominal offset.
	referenceC = 25.0
	dayS       = 86_400.0

	flickerParts = 11 // time constants 0.25 s ... 262,144 s
	flickerRatio = 4
)

// Oscillator makes the fractional frequency of one crystal, cell by cell.
type Oscillator struct {
	crystal  Crystal
	air      *air
	rng      *generator
	cell     int64
	white    float64 // deviation a cell
	walkStep float64
	walk     float64
	flicker  [flickerParts]float64
	keep     [flickerParts]float64 // an Ornstein-Uhlenbeck step: x = keep x + kick n
	kick     [flickerParts]float64
	crystalC float64
	warmUp   WarmUp
	warm     float64 // of warmUp, what is left, ppb
	cools    float64 // share of warm that a cell keeps
	lag      float64 // share of the way to the air's temperature that a cell goes
}

// NewOscillator makes the oscillator of a seed. crystal nil: drawn from spec.
func NewOscillator(spec Spec, crystal *Crystal, climate Climate, seed uint64) *Oscillator {
	o := &Oscillator{air: newAir(climate, seed), rng: stream(seed, streamOscillator)}
	drawn := spec.draw(o.rng.Rand)
	if crystal != nil {
		drawn = *crystal
	}
	o.crystal = drawn
	o.white = spec.White1s / math.Sqrt(gridS)
	o.walkStep = spec.RandomWalk * math.Sqrt(gridS)
	tau := gridS
	for i := range o.flicker {
		o.keep[i] = math.Exp(-gridS / tau)
		o.kick[i] = spec.Flicker * math.Sqrt(1-o.keep[i]*o.keep[i])
		o.flicker[i] = spec.Flicker * o.rng.NormFloat64()
		tau *= flickerRatio
	}
	o.crystalC = o.air.at(0)
	o.lag = 1 - math.Exp(-gridS/spec.LagS)
	return o
}

// Next is the mean frequency error over the next cell of Grid, in ppb against
// an ideal clock; positive runs fast.
func (o *Oscillator) Next() float64 {
	t := float64(o.cell) * gridS
	airC := o.air.next()
	o.crystalC += o.lag * (airC - o.crystalC)
	y := o.white * o.rng.NormFloat64()
	for i := range o.flicker {
		o.flicker[i] = o.keep[i]*o.flicker[i] + o.kick[i]*o.rng.NormFloat64()
		y += o.flicker[i]
	}
	o.walk += o.walkStep * o.rng.NormFloat64()
	o.cell++
	warm := o.warm
	o.warm *= o.cools
	return (y+o.walk)*1e9 + warm + o.crystal.OffsetPPB + o.crystal.AgeingPPBDay*t/dayS +
		o.crystal.TempcoPPBC*(o.crystalC-referenceC)
}

// setWarmUp starts the oscillator cold.
func (o *Oscillator) setWarmUp(w WarmUp) {
	if w.S > 0 {
		o.warmUp, o.warm, o.cools = w, w.PPB, math.Exp(-gridS/w.S)
	}
}

// cool lets it stand without power for so many seconds.
func (o *Oscillator) cool(offS float64) {
	if o.warmUp.S > 0 {
		o.warm += (o.warmUp.PPB - o.warm) * (1 - math.Exp(-offS/o.warmUp.S))
	}
}

// Crystal is the piece that was drawn.
func (o *Oscillator) Crystal() Crystal { return o.crystal }

// AirC is the air's temperature in the latest cell, CrystalC the crystal's.
func (o *Oscillator) AirC() float64     { return o.air.nowC }
func (o *Oscillator) CrystalC() float64 { return o.crystalC }

// Each part has a random stream of its own, so that a change in one does not
// move the others.
const (
	streamOscillator = iota + 1
	streamAir
	streamPulse
	streamBurst
)

// generator is a stream whose place can be saved.
type generator struct {
	*rand.Rand
	source *rand.PCG
}

func stream(seed, part uint64) *generator {
	source := rand.NewPCG(seed, part)
	return &generator{rand.New(source), source}
}
