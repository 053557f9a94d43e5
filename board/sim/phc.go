package sim

import (
	"fmt"
	"math"
	"slices"
	"time"

	"bragi/gnss/timescale"
)

// A PHC is a counter on an oscillator: while nothing is written to it and the
// oscillator's cell lasts, its reading is a straight line over
// CLOCK_MONOTONIC_RAW, with the rate (1 + y)(1 + u), y the oscillator's error
// and u the frequency correction. The lines follow each other without a gap; a
// step is a gap on purpose. Lines are made a little ahead of the time asked
// for, and those still to come are made anew when the correction changes.

// Line is a stretch on which the PHC runs straight.
type Line struct {
	Mono0  timescale.Mono
	Local0 timescale.Local
	// FracNs is the part of a nanosecond that Local0 leaves out, 0 to 1.
	FracNs float64
	// RatePPB is how much faster than CLOCK_MONOTONIC_RAW it runs.
	RatePPB float64
	// OscillatorPPB is the oscillator's own part of RatePPB.
	OscillatorPPB float64
}

// At is the reading at m, whole nanoseconds, rounded down as a counter does.
func (l Line) At(m timescale.Mono) timescale.Local {
	n, _ := l.at(m, 0)
	return n
}

// at is the reading extraNs after m, and the part of a nanosecond beyond it.
func (l Line) at(m timescale.Mono, extraNs float64) (timescale.Local, float64) {
	d := m.Sub(l.Mono0)
	rest := l.FracNs + float64(d)*l.RatePPB*1e-9 + extraNs
	whole := math.Floor(rest)
	return l.Local0.Add(d + time.Duration(whole)), rest - whole
}

// keepPast is how long a line stays readable after its end.
const keepPast = 4 * time.Second

// PHC is the model of a PTP hardware clock. It is not safe for several
// goroutines.
type PHC struct {
	oscillator *Oscillator
	lines      []Line // in time order, never empty
	horizon    timescale.Mono
	changed    timescale.Mono // latest frequency change or step
	correction float64        // ppb
	quantum    float64
	max        float64
}

// NewPHC makes a PHC that reads local at m.
func NewPHC(o *Oscillator, m timescale.Mono, local timescale.Local, quantumPPB, maxPPB float64) *PHC {
	p := &PHC{oscillator: o, quantum: quantumPPB, max: maxPPB, horizon: m, changed: m}
	y := o.Next()
	p.lines = append(p.lines, Line{Mono0: m, Local0: local, OscillatorPPB: y, RatePPB: y})
	p.horizon = m.Add(Grid)
	return p
}

// Extend makes the lines up to the instant to.
func (p *PHC) Extend(to timescale.Mono) {
	for p.horizon.Before(to) {
		last := p.lines[len(p.lines)-1]
		local, frac := last.at(p.horizon, 0)
		y := p.oscillator.Next()
		p.lines = append(p.lines, Line{p.horizon, local, frac, p.rate(y), y})
		p.horizon = p.horizon.Add(Grid)
	}
}

// Forget drops the lines that ended more than keepPast before now.
func (p *PHC) Forget(now timescale.Mono) {
	old := now.Add(-keepPast)
	n := 0
	for n+1 < len(p.lines) && p.lines[n+1].Mono0.Before(old) {
		n++
	}
	p.lines = slices.Delete(p.lines, 0, n)
}

// At is the reading at m. Before the first line kept, and beyond the last one
// made, it is that line's extension.
func (p *PHC) At(m timescale.Mono) timescale.Local { return p.line(m).At(m) }

// Lines is a copy of the lines, in time order.
func (p *PHC) Lines() []Line { return slices.Clone(p.lines) }

// RatePPB is how much faster than CLOCK_MONOTONIC_RAW the clock runs at m.
func (p *PHC) RatePPB(m timescale.Mono) float64 { return p.line(m).RatePPB }

// Correction is the frequency correction at work, in ppb.
func (p *PHC) Correction() float64 { return p.correction }

// AdjustFrequency sets the correction from the instant at on, and tells what of
// it the clock took. Positive makes it run faster.
func (p *PHC) AdjustFrequency(at timescale.Mono, ppb float64) (applied float64, err error) {
	if math.IsNaN(ppb) || math.IsInf(ppb, 0) {
		return p.correction, fmt.Errorf("sim: a frequency correction of %v ppb is no number: keep %.3f ppb", ppb, p.correction)
	}
	ppb = max(-p.max, min(p.max, ppb))
	if p.quantum > 0 {
		steps := math.Round(ppb / p.quantum)
		if math.Abs(steps*p.quantum) > p.max {
			steps -= math.Copysign(1, steps)
		}
		ppb = steps * p.quantum
	}
	p.Extend(at.Add(1)) // what lies before at follows the old correction
	p.correction = ppb
	p.rewrite(at, 0)
	return ppb, nil
}

// Step adds deltaNs to the clock at the instant at.
func (p *PHC) Step(at timescale.Mono, deltaNs int64) { p.rewrite(at, deltaNs) }

// rewrite lets the lines from the instant at on follow the present correction,
// deltaNs higher.
func (p *PHC) rewrite(at timescale.Mono, deltaNs int64) {
	if at.Before(p.changed) {
		at = p.changed
	}
	if at.Before(p.lines[0].Mono0) {
		at = p.lines[0].Mono0
	}
	p.changed = at
	p.Extend(at.Add(1))
	i := p.index(at)
	old := p.lines[i]
	local, frac := old.at(at, 0)
	line := Line{at, local.Add(time.Duration(deltaNs)), frac, p.rate(old.OscillatorPPB), old.OscillatorPPB}
	if old.Mono0 == at {
		p.lines[i] = line
	} else {
		i++
		p.lines = slices.Insert(p.lines, i, line)
	}
	for i++; i < len(p.lines); i++ {
		l := &p.lines[i]
		l.Local0, l.FracNs = p.lines[i-1].at(l.Mono0, 0)
		l.RatePPB = p.rate(l.OscillatorPPB)
	}
}

func (p *PHC) rate(y float64) float64 { return y + p.correction + y*p.correction*1e-9 }

func (p *PHC) line(m timescale.Mono) Line { return p.lines[p.index(m)] }

func (p *PHC) index(m timescale.Mono) int { return lineIndex(p.lines, m) }

// LineAt is the line of lines (in time order, at least one) that holds at m.
func LineAt(lines []Line, m timescale.Mono) Line { return lines[lineIndex(lines, m)] }

// lineIndex searches from the end: what is asked for lies near it.
func lineIndex(lines []Line, m timescale.Mono) int {
	i := len(lines) - 1
	for i > 0 && m.Before(lines[i].Mono0) {
		i--
	}
	return i
}
