package holdover

import (
	"fmt"
	"math"
	"time"

	"bragi/gnss/timescale"
)

// Memory is what is worth knowing of an oscillator from one life to the next:
// it shortens the first lock and the wait for a forecast. It holds no instant
// of CLOCK_MONOTONIC_RAW, so that it may be read after a power cycle. A number
// that is not known is nil.
type Memory struct {
	Version    int    `json:"version"`
	TAISeconds int64  `json:"tai_s"` // when it was made, in s since 1970-01-01 TAI
	Oscillator string `json:"oscillator"`
	// BehavesLike is the kind that it was taken for; empty: that was not known yet.
	BehavesLike string `json:"behaves_like,omitempty"`

	FrequencyPPB      float64  `json:"frequency_ppb"` // the oscillator's own, positive: runs fast
	FrequencySigmaPPB float64  `json:"frequency_sigma_ppb"`
	TempC             *float64 `json:"temp_c"` // at which it had that frequency
	DriftPPBDay       float64  `json:"drift_ppb_day"`
	DriftSigmaPPBDay  float64  `json:"drift_sigma_ppb_day"`

	Tempco []Coefficient  `json:"tempco"`
	Sigma  []HorizonSigma `json:"sigma"`

	PulseNoiseNs float64 `json:"pulse_noise_ns"`
	ProcessScale float64 `json:"process_scale"` // of the kind's process noise as a deviation, 1: as expected
	LockedForS   float64 `json:"locked_for_s"`
}

// Coefficient is the frequency that a degree makes, by way of a crystal that
// follows the thermometer with a time constant.
type Coefficient struct {
	LagS     float64 `json:"lag_s"`
	PPBPerC  float64 `json:"ppb_per_c"`
	SigmaPPB float64 `json:"sigma_ppb_per_c"`
}

// HorizonSigma is what virtual holdovers of one length have shown: Ratio is the
// rms of their error over the deviation that the estimator had foretold.
type HorizonSigma struct {
	HorizonS float64 `json:"horizon_s"`
	SigmaNs  float64 `json:"sigma_ns"` // rms of the errors
	Ratio    float64 `json:"ratio"`
	Weight   float64 `json:"weight"` // independent samples
}

// memoryVersion changes when the fields change their meaning.
const memoryVersion = 1

const (
	memoryLeastLock = 5 * time.Minute // a shorter lock is not worth remembering
	frequencyLimit  = 1e6             // ppb; beyond, it is no oscillator of a board
)

// Check tells whether a memory can be believed. An older program refuses the
// memory of a newer one.
func (m *Memory) Check() error {
	if m.Version != memoryVersion {
		return fmt.Errorf("holdover: memory has version %d, not %d: it is left unused", m.Version, memoryVersion)
	}
	if _, err := ParseOscillator(m.Oscillator); err != nil {
		return fmt.Errorf("holdover: memory: %w", err)
	}
	if _, err := ParseOscillator(m.BehavesLike); m.BehavesLike != "" && err != nil {
		return fmt.Errorf("holdover: memory: %w", err)
	}
	numbers := []float64{m.FrequencyPPB, m.FrequencySigmaPPB, m.DriftPPBDay, m.DriftSigmaPPBDay, m.PulseNoiseNs, m.ProcessScale, m.LockedForS}
	deviations := []float64{m.FrequencySigmaPPB, m.DriftSigmaPPBDay, m.PulseNoiseNs, m.ProcessScale, m.LockedForS}
	if m.TempC != nil {
		numbers = append(numbers, *m.TempC)
		if math.Abs(*m.TempC) > 200 {
			return fmt.Errorf("holdover: memory has a temperature of %g C: it is left unused", *m.TempC)
		}
	}
	for _, c := range m.Tempco {
		numbers = append(numbers, c.PPBPerC)
		deviations = append(deviations, c.LagS, c.SigmaPPB)
	}
	for _, s := range m.Sigma {
		deviations = append(deviations, s.HorizonS, s.SigmaNs, s.Ratio, s.Weight)
	}
	for _, v := range numbers {
		if !finite(v) || math.Abs(v) > 1e12 {
			return fmt.Errorf("holdover: memory has the number %g: it is left unused", v)
		}
	}
	for _, v := range deviations {
		if !finite(v) || v < 0 {
			return fmt.Errorf("holdover: memory has the deviation %g: it is left unused", v)
		}
	}
	if math.Abs(m.FrequencyPPB) > frequencyLimit || math.Abs(m.DriftPPBDay) > frequencyLimit || len(m.Tempco) > 16 || len(m.Sigma) > 64 {
		return fmt.Errorf("holdover: memory has a frequency of %g ppb and a drift of %g ppb a day: it is left unused", m.FrequencyPPB, m.DriftPPBDay)
	}
	return nil
}

// Memory is what to keep of this life at the date at. ok is false while too
// little is known.
func (c *Clock) Memory(at timescale.TAI) (m Memory, ok bool) {
	if !c.life.EverLocked || c.life.LockedFor < memoryLeastLock || !c.est.valid {
		return m, false
	}
	e := &c.est
	m = Memory{
		Version: memoryVersion, TAISeconds: at.Ns() / int64(time.Second), Oscillator: c.cfg.Oscillator.String(),
		FrequencyPPB: e.rate(), FrequencySigmaPPB: e.rateSigma(),
		DriftPPBDay: e.x[sDrift] * dayS, DriftSigmaPPBDay: math.Sqrt(e.p[sDrift][sDrift]) * dayS,
		PulseNoiseNs: e.pulses.ns, ProcessScale: e.kind.flickerPPB / behaviourAt(c.cfg.Oscillator.level()).flickerPPB, LockedForS: seconds(c.life.LockedFor),
	}
	if kind := e.taken(); kind != Auto {
		m.BehavesLike = kind.String()
	}
	if c.thermo.Known {
		m.Tempco = []Coefficient{
			{lag1S, e.x[sTempco1], math.Sqrt(e.p[sTempco1][sTempco1])},
			{lag2S, e.x[sTempco2], math.Sqrt(e.p[sTempco2][sTempco2])},
		}
	}
	for i, h := range c.virtual.table {
		if h.Weight > 0 {
			m.Sigma = append(m.Sigma, HorizonSigma{horizons[i], math.Sqrt(h.Errors / h.Weight), math.Sqrt(h.Ratios / h.Weight), h.Weight})
		}
	}
	if finite(c.tempC) {
		t := c.tempC
		m.TempC = &t
	}
	return m, true
}

// recall starts the estimator from the memory of an earlier life, where that
// agrees with the pulses.
func (c *Clock) recall() {
	m := c.cfg.Memory
	if m == nil || m.Oscillator != c.cfg.Oscillator.String() || m.Check() != nil {
		return
	}
	e := &c.est
	if kind, err := ParseOscillator(m.BehavesLike); err == nil && kind != Auto {
		e.found = kind
		e.setLevel(kind.level())
	}
	age := c.cfg.MemoryAge
	if age <= 0 {
		age = memoryUnknown
	}
	days := seconds(age) / dayS
	n := e.noise()
	ppb := m.FrequencyPPB + m.DriftPPBDay*days
	variance := square(m.FrequencySigmaPPB) + square(days*math.Hypot(m.DriftSigmaPPBDay, e.kind.agePPBDay)) +
		n.fast + n.slow + n.walk*seconds(age) + square(e.kind.agePPBDay)
	e.know(sDrift, m.DriftPPBDay/dayS, square(max(m.DriftSigmaPPBDay, e.kind.agePPBDay/4)/dayS))
	for _, k := range m.Tempco {
		state := sTempco1
		if k.LagS > math.Sqrt(lag1S*lag2S) {
			state = sTempco2
		}
		e.know(state, k.PPBPerC, square(max(k.SigmaPPB, e.kind.tempcoPPB/100)))
	}
	if m.TempC != nil && c.thermo.Known {
		warmer := c.thermo.Offset - *m.TempC
		ppb += (e.x[sTempco1] + e.x[sTempco2]) * warmer
		variance += (e.p[sTempco1][sTempco1] + e.p[sTempco2][sTempco2] + 2*e.p[sTempco1][sTempco2]) * square(warmer)
	} else {
		variance += square(e.kind.tempcoPPB * blindC)
	}
	if math.Abs(ppb-e.x[sFreq]) <= 4*math.Sqrt(variance+e.p[sFreq][sFreq]) {
		e.know(sFreq, ppb, variance)
	}
	if m.ProcessScale > 0 {
		e.setLevel(worse(c.cfg.Oscillator.level(), m.ProcessScale))
		c.remembers = true
	}
	keep := math.Exp(-days / 10)
	for _, s := range m.Sigma {
		for i, h := range horizons {
			if math.Abs(s.HorizonS-h) < 1 {
				w := keep * min(s.Weight, 100)
				c.virtual.table[i] = horizon{Weight: w, Ratios: w * square(min(s.Ratio, 100)), Errors: w * square(min(s.SigmaNs, 1e9))}
			}
		}
	}
}

const (
	memoryUnknown = 30 * 24 * time.Hour // the age of a memory whose age is not known
	blindC        = 5                   // how far the temperature may be from that of the memory
)

// MemoryAge tells how old Config.Memory is, which nobody knows before the first
// labelled pulse: a board without a battery starts with a wrong date. It is
// told before that pulse. A memory of the future is none of ours and is
// forgotten.
func (c *Clock) MemoryAge(age time.Duration) {
	if age < 0 {
		c.cfg.Memory = nil
		return
	}
	c.cfg.MemoryAge = age
}
