package sim

import (
	"errors"
	"fmt"
	"math"
	"time"

	"bragi/gnss/timescale"
)

// A real PHC, its crystal and its receiver go on while a daemon restarts. The
// board of software does the same: what Save knows is enough to make it what it
// would be had it run through, since all its noise comes from streams whose place
// is saved.

// Saved is a board between two processes of one boot. Instants are ns of
// CLOCK_MONOTONIC_RAW, of the PHC, or of the sky's TAI, as their names say.
type Saved struct {
	Version    int        `json:"version"`
	Board      string     `json:"board"` // the configuration that it is of
	MonoNs     int64      `json:"mono_ns"`
	HorizonNs  int64      `json:"horizon_ns"`
	ChangedNs  int64      `json:"changed_ns"`
	PPB        float64    `json:"ppb"`
	Lines      []SavedRun `json:"lines"`
	Oscillator SavedNoise `json:"oscillator"`
	CrystalC   float64    `json:"crystal_c"`
	AirC       float64    `json:"air_c"`
	HeatC      float64    `json:"heat_c"` // added to the air
	Flicker    []float64  `json:"flicker"`
	WarmPPB    float64    `json:"warm_ppb,omitempty"` // what is left of the warm-up
	Air        SavedNoise `json:"air"`
	Pulse      SavedNoise `json:"pulse"`
	Sawtooth   float64    `json:"sawtooth"`
	GlitchNs   int64      `json:"glitch_ns"`
	LateNs     float64    `json:"late_ns,omitempty"`  // of a receiver that lies
	DriftNs    float64    `json:"drift_ns,omitempty"` // likewise, each second
	AheadS     int        `json:"ahead_s,omitempty"`  // likewise, its messages
	Coming     [2]float64 `json:"coming"`             // lateness and qErr of the next pulse, ns
	Burst      []byte     `json:"burst"`
	Antenna    bool       `json:"antenna"`
	Fixed      bool       `json:"fixed"`
	TimeKnown  bool       `json:"time_known"`
	SinceTAINs int64      `json:"since_tai_ns"`
	Played     int        `json:"played"` // bursts of a recording

	Receiver *SavedReceiver `json:"receiver,omitempty"` // nil: no u-blox
}

// SavedRun is a Line.
type SavedRun struct {
	MonoNs        int64   `json:"mono_ns"`
	LocalNs       int64   `json:"local_ns"`
	FracNs        float64 `json:"frac_ns"`
	RatePPB       float64 `json:"rate_ppb"`
	OscillatorPPB float64 `json:"oscillator_ppb"`
}

// SavedNoise is a process and the place in its stream.
type SavedNoise struct {
	Cell   int64   `json:"cell"`
	Walk   float64 `json:"walk"`
	Stream []byte  `json:"stream"`
}

const savedVersion = 2

// longestAway bounds what is made up for: each quarter of a second is a line.
const longestAway = time.Hour

// fingerprint is what makes a board another one.
func (c *Config) fingerprint() string {
	return fmt.Sprintf("%v %v seed %d quantum %v max %v grain %d", c.Oscillator, c.Receiver, c.Seed, c.QuantumPPB, c.MaxPPB, c.StampGrainNs)
}

func (g *generator) place() []byte {
	b, _ := g.source.MarshalBinary() // it does not fail
	return b
}

// Save is the board at its latest Advance.
func (b *Board) Save() Saved {
	o, p := b.oscillator, b.phc
	s := Saved{
		Version: savedVersion, Board: b.config.fingerprint(), MonoNs: b.mono.Ns(), HorizonNs: p.horizon.Ns(), ChangedNs: p.changed.Ns(), PPB: p.correction,
		Oscillator: SavedNoise{o.cell, o.walk, o.rng.place()}, CrystalC: o.crystalC, AirC: o.air.nowC, HeatC: o.air.addedC, Flicker: append([]float64(nil), o.flicker[:]...), WarmPPB: o.warm,
		Air:   SavedNoise{o.air.cell, o.air.random, o.air.rng.place()},
		Pulse: SavedNoise{0, b.noise.slow, b.noise.rng.place()}, Sawtooth: b.noise.saw, GlitchNs: int64(b.glitch), Coming: [2]float64{b.coming.lateNs, b.coming.qErrNs},
		Burst: b.talk.place(), Antenna: b.state.antenna, Fixed: b.state.fixed, TimeKnown: b.state.timeKnown, SinceTAINs: b.state.since.Ns(),
		Receiver: b.ublox.save(), LateNs: b.lie.LateNs, DriftNs: b.lie.DriftNs, AheadS: b.lie.AheadS,
	}
	for _, l := range p.lines {
		s.Lines = append(s.Lines, SavedRun{l.Mono0.Ns(), l.Local0.Ns(), l.FracNs, l.RatePPB, l.OscillatorPPB})
	}
	if b.config.Recording != nil {
		s.Played = b.config.Recording.next
	}
	return s
}

// Resume makes the board that s is of, as it is at m, when the sky's time is sky.
func Resume(config Config, s Saved, m timescale.Mono, sky timescale.TAI) (*Board, error) {
	b, err := New(config, m, sky)
	if err != nil {
		return nil, err
	}
	if err := s.check(&b.config, m); err != nil {
		return nil, err
	}
	o, p := b.oscillator, b.phc
	for _, from := range []struct {
		into  *generator
		place []byte
	}{{o.rng, s.Oscillator.Stream}, {o.air.rng, s.Air.Stream}, {b.noise.rng, s.Pulse.Stream}, {b.talk, s.Burst}} {
		if err := from.into.source.UnmarshalBinary(from.place); err != nil {
			return nil, fmt.Errorf("sim: the saved board's noise: %w", err)
		}
	}
	o.cell, o.walk, o.crystalC = s.Oscillator.Cell, s.Oscillator.Walk, s.CrystalC
	copy(o.flicker[:], s.Flicker)
	o.warm = s.WarmPPB
	o.air.cell, o.air.random, o.air.nowC, o.air.addedC = s.Air.Cell, s.Air.Walk, s.AirC, s.HeatC
	b.noise.slow, b.noise.saw, b.coming = s.Pulse.Walk, s.Sawtooth, tick{s.Coming[0], s.Coming[1]}
	b.glitch = time.Duration(s.GlitchNs)
	b.lie = Lie{s.LateNs, s.DriftNs, s.AheadS}
	b.state.antenna, b.state.fixed, b.state.timeKnown, b.state.since = s.Antenna, s.Fixed, s.TimeKnown, timescale.TAIFromNs(s.SinceTAINs)
	b.ublox.resume(s.Receiver)
	if r := b.config.Recording; r != nil {
		r.next = s.Played
	}
	p.lines = p.lines[:0]
	for _, l := range s.Lines {
		p.lines = append(p.lines, Line{timescale.MonoFromNs(l.MonoNs), timescale.LocalFromNs(l.LocalNs), l.FracNs, l.RatePPB, l.OscillatorPPB})
	}
	p.horizon, p.changed, p.correction = timescale.MonoFromNs(s.HorizonNs), timescale.MonoFromNs(s.ChangedNs), s.PPB
	p.Extend(m)
	p.Forget(m)
	return b, nil
}

func (s *Saved) check(c *Config, m timescale.Mono) error {
	away := m.Sub(timescale.MonoFromNs(s.MonoNs))
	switch {
	case s.Version != savedVersion:
		return fmt.Errorf("sim: the saved board is of version %d", s.Version)
	case s.Board != c.fingerprint():
		return fmt.Errorf("sim: the saved board is another one (%s)", s.Board)
	case away < 0 || away > longestAway:
		return fmt.Errorf("sim: the saved board is of %v ago", away)
	case len(s.Lines) == 0 || len(s.Flicker) != flickerParts || s.Played < 0 || s.HorizonNs < s.Lines[len(s.Lines)-1].MonoNs || s.HorizonNs < s.MonoNs:
		return errors.New("sim: the saved board is incomplete")
	}
	last := int64(0)
	for _, l := range s.Lines {
		if l.MonoNs <= last || !(math.Abs(l.RatePPB) < 1e7) || !(l.FracNs >= 0 && l.FracNs < 1) {
			return errors.New("sim: the saved board's lines cannot be")
		}
		last = l.MonoNs
	}
	return nil
}
