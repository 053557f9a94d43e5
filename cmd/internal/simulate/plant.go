package simulate

import (
	"fmt"
	"math"
	"time"

	"bragi/board/sim"
	"bragi/gnss/timescale"
	"bragi/holdover"
)

// simulated is the board of software with the scenario's pulse noise. The
// truth is the sky's TAI.
type simulated struct {
	board   *sim.Board
	noise   *pulseNoise
	sigmaNs float64 // that the board states of a stamp; 0: of its grain
}

var kinds = map[holdover.Oscillator]sim.Kind{holdover.XO: sim.XO, holdover.TCXO: sim.TCXO, holdover.TCXOHi: sim.TCXOHi,
	holdover.OCXO: sim.OCXO, holdover.Rubidium: sim.Rb}

func newSimulated(o *Options) (*simulated, error) {
	kind, ok := kinds[o.Oscillator]
	if !ok {
		return nil, fmt.Errorf("simulate: an oscillator %v cannot be made (fix: xo, tcxo, tcxo-hi, ocxo or rb)", o.Oscillator)
	}
	s := &simulated{noise: newPulseNoise(o, o.Seed)}
	if o.Receiver == ReceiverGPIO {
		s.sigmaNs = gpioWhiteNs
	}
	var err error
	s.board, err = sim.New(sim.Config{
		Oscillator: kind, Seed: o.Seed, StartOffset: startOffset, QuantumPPB: o.QuantumPPB,
		Crystal: o.Crystal, Climate: o.Climate, WarmUp: o.WarmUp, MaxPPB: o.MaxPPB,
		StampGrainNs: stampGrainNs, TimeToFix: timeToFix, FixHold: o.Scenario.FixHold, NoBytes: true, Noise: s.noise.next,
	}, mono0, sky0)
	return s, err
}

func (s *simulated) pulse(now timescale.Mono, i int) (timescale.Edge, float64, bool) {
	var e timescale.Edge
	came := false
	for _, event := range s.board.Advance(now, skyAt(now)) {
		if event.Kind == sim.PulseEdge {
			e, came = event.Edge.Edge, true
			e.SigmaNs = max(e.SigmaNs, s.sigmaNs)
		}
	}
	return e, s.noise.qErr, came && !s.noise.missing(i)
}

func (s *simulated) adjust(now timescale.Mono, ppb float64) (float64, error) {
	return s.board.PHC().AdjustFrequency(now, ppb)
}

func (s *simulated) step(now timescale.Mono, deltaNs int64)   { s.board.PHC().Step(now, deltaNs) }
func (s *simulated) local(m timescale.Mono) timescale.Local   { return s.board.PHC().At(m) }
func (s *simulated) errorNs(now timescale.Mono) float64       { return s.board.TrueErrorNs(now, skyAt(now)) }
func (s *simulated) oscillatorPPB(now timescale.Mono) float64 { return s.board.OscillatorPPB(now) }
func (s *simulated) antenna(ok bool)                          { s.board.SetAntenna(ok) }
func (s *simulated) cool(off time.Duration)                   { s.board.Cool(off) }
func (s *simulated) heat(c float64)                           { s.board.Heat(c) }
func (s *simulated) thermometer() float64                     { return s.board.SensorC() }
func (s *simulated) crystalC() float64                        { return s.board.CrystalC() }

// recorded is an oscillator whose phase against a pulse was recorded, steered
// on paper. The record is both the pulse and the truth: what is wrong with the
// recorded pulse counts as the clock's error.
type recorded struct {
	x       []float64 // ns, one a second; NaN: no pulse came
	sky     bool      // the antenna is there
	quantum float64

	ppb     float64
	at      timescale.Mono // of phase
	phaseNs float64        // what the correction has added until at
	steps   int64          // ns
	last    float64        // x, over gaps
	errNs   float64        // at the latest whole second; NaN in a gap
}

func (r *recorded) pulse(_ timescale.Mono, i int) (timescale.Edge, float64, bool) {
	x := math.NaN()
	if i < len(r.x) {
		x = r.x[i]
	}
	m := mono0.Add(time.Duration(i) * time.Second)
	r.errNs = x + r.added(m) + float64(r.steps)
	if x != x {
		return timescale.Edge{}, 0, false
	}
	r.last = x
	at := r.base(m).Add(time.Duration(math.Round(x + r.added(m))))
	return timescale.Edge{Local: at, Mono: m, SigmaNs: 1}, 0, r.sky
}

// base is the clock but for oscillator and correction.
func (r *recorded) base(m timescale.Mono) timescale.Local {
	return timescale.LocalFromNs(skyAt(m).Ns() + r.steps)
}

// added is what the corrections have added until m, in ns.
func (r *recorded) added(m timescale.Mono) float64 { return r.phaseNs + r.ppb*m.Sub(r.at).Seconds() }

func (r *recorded) adjust(now timescale.Mono, ppb float64) (float64, error) {
	if r.quantum > 0 {
		ppb = r.quantum * math.Round(ppb/r.quantum)
	}
	r.phaseNs, r.at, r.ppb = r.added(now), now, ppb
	return ppb, nil
}

func (r *recorded) step(_ timescale.Mono, deltaNs int64) { r.steps += deltaNs }

func (r *recorded) local(m timescale.Mono) timescale.Local {
	return r.base(m).Add(time.Duration(math.Round(r.last + r.added(m))))
}

// errorNs is the error at the latest whole second, where the record has it.
func (r *recorded) errorNs(timescale.Mono) float64 { return r.errNs }

func (r *recorded) antenna(ok bool)      { r.sky = ok }
func (r *recorded) cool(time.Duration)   {}
func (r *recorded) heat(float64)         {}
func (r *recorded) thermometer() float64 { return math.NaN() }
