package holdover

import (
	"math"

	"bragi/gnss/timescale"
)

// thermometer is the board's, as the estimator uses it: less its first reading,
// through two lags, with their integrals. What it shows is judged: one that
// died, stuck or jumped is held where it was, and the estimator works without
// (a wider bound, no move of the clock).
//
// A room's air changes slowly. A reading far from the last is a fault of the
// thermometer; if it stays there, the thermometer goes on from where it was,
// as if it had not jumped.
type thermometer struct {
	Known   bool           `json:"known"`
	First   timescale.Mono `json:"first_ns"`   // reading
	At      timescale.Mono `json:"at_ns"`      // of the integrals
	ReadAt  timescale.Mono `json:"read_at_ns"` // of the last reading that was a number
	Moved   timescale.Mono `json:"moved_ns"`   // when it last showed something new
	Shown   float64        `json:"shown_c"`    // the last reading
	Offset  float64        `json:"offset_c"`   // subtracted from readings: the first one, and the jumps
	Air     float64        `json:"air_c"`      // reading less offset
	Jumped  timescale.Mono `json:"jumped_ns"`  // since when it shows something far off
	Doubted timescale.Mono `json:"doubted_ns"` // the end of doubt
	Biased  timescale.Mono `json:"biased_ns"`  // when the pulses last contradicted it,
	Before  timescale.Mono `json:"before_ns"`  // and doubted before that
	Episode timescale.Mono `json:"episode_ns"` // when such contradictions began,
	Earlier timescale.Mono `json:"earlier_ns"` // and those before them
	Warmth  warmth         `json:"warmth"`
	Spread  float64        `json:"spread"`  // mean square of the air about its mean, C^2
	Mean    float64        `json:"mean_c"`  // of the air
	StillS  float64        `json:"still_s"` // longest time without a change that was seen while it worked

	// What the lags keep over keepDt, computed anew when that changes.
	keep1, keep2, keepDt float64
}

const (
	thermoDeadS    = 30.0
	thermoGapS     = 5.0    // readings come each second
	thermoStuckS   = 1200.0 // unchanged for so long, and
	thermoOdd      = 1.5
	thermoStill    = 4.0     // so many times longer than ever before
	thermoCalmS    = 21600.0 // no room is calmer
	thermoJumpC    = 0.5     // between two readings, and
	thermoMoveCS   = 0.02    // for each second between them
	thermoStaysS   = 60.0
	thermoDoubtS   = 3600.0
	thermoProvenS  = 3600.0
	thermoForgiveS = 6 * 3600.0
	thermoLimitC   = 150.0
	thermoMostC    = 2.0
	thermoSpreadS  = 43200.0
)

// read takes a reading (C, NaN: none) at now and lets time pass. It reports by
// how much the thermometer was moved back after a jump, in C; 0: nothing. After a gap of
// readings missed is what the way of the air, a straight line as far as anybody knows, adds
// to the integrals of T1 and T2, in C s.
func (m *thermometer) read(now timescale.Mono, c float64) (jump float64, missed [2]float64) {
	if !finite(c) || math.Abs(c) > thermoLimitC {
		c = math.NaN()
	}
	if !m.Known {
		if math.IsNaN(c) {
			return 0, missed
		}
		m.Known, m.First, m.At, m.ReadAt, m.Moved, m.Shown, m.Offset = true, now, now, now, now, c, c
		return 0, missed
	}
	m.pass(now)
	if math.IsNaN(c) {
		return 0, missed
	}
	since := seconds(now.Sub(m.ReadAt))
	m.ReadAt = now
	if c != m.Shown {
		if s := seconds(now.Sub(m.Moved)); s < thermoCalmS {
			m.StillS = max(m.StillS, s)
		}
		m.Shown, m.Moved = c, now
	}
	if m.misleads(now) {
		m.Offset = c - m.Air
	}
	air := c - m.Offset
	if math.Abs(air-m.Air) <= thermoJumpC+thermoMoveCS*since {
		m.Jumped = timescale.Mono{}
		if since > thermoGapS {
			missed = m.catchUp(air-m.Air, since)
		}
		m.Air = air
		return 0, missed
	}
	if m.Jumped.IsZero() {
		m.Jumped = now
	}
	if seconds(now.Sub(m.Jumped)) < thermoStaysS {
		return 0, missed
	}
	jump = air - m.Air
	m.Offset += jump
	m.Jumped = timescale.Mono{}
	m.Doubted = now.Add(durationS(thermoDoubtS))
	return jump, missed
}

// catchUp takes it that the air went by deltaC along a line in the last s seconds, in which
// it was held. It reports what that adds to the integrals of T1 and T2, in C s: a ramp
// through a lag of L is late by L (1 - exp(-s/L)).
func (m *thermometer) catchUp(deltaC, s float64) (added [2]float64) {
	for i, w := range [...]struct {
		lag    float64
		t, sum *float64
	}{{lag1S, &m.Warmth.t1, &m.Warmth.s1}, {lag2S, &m.Warmth.t2, &m.Warmth.s2}} {
		late := w.lag * (1 - math.Exp(-s/w.lag))
		added[i] = deltaC * (s/2 - w.lag + w.lag*late/s)
		*w.t += deltaC * (1 - late/s)
		*w.sum += added[i]
	}
	return added
}

// pass lets the lags follow the air to now.
func (m *thermometer) pass(now timescale.Mono) {
	dt := seconds(now.Sub(m.At))
	if !m.Known || dt <= 0 {
		return
	}
	if dt != m.keepDt {
		m.keepDt, m.keep1, m.keep2 = dt, math.Exp(-dt/lag1S), math.Exp(-dt/lag2S)
	}
	m.Warmth.s1 += m.Air*dt + (m.Warmth.t1-m.Air)*lag1S*(1-m.keep1)
	m.Warmth.s2 += m.Air*dt + (m.Warmth.t2-m.Air)*lag2S*(1-m.keep2)
	m.Warmth.t1 = m.Air + (m.Warmth.t1-m.Air)*m.keep1
	m.Warmth.t2 = m.Air + (m.Warmth.t2-m.Air)*m.keep2
	a := min(dt/thermoSpreadS, 1)
	d := m.Air - m.Mean
	m.Mean += a * d
	m.Spread += a * (d*d - m.Spread)
	m.At = now
}

// when is the warmth at t, a moment before or after now.
func (m *thermometer) when(t timescale.Mono) warmth {
	w := m.Warmth
	if m.Known {
		dt := seconds(t.Sub(m.At))
		w.s1 += w.t1 * dt
		w.s2 += w.t2 * dt
	}
	return w
}

// trusted tells that the readings may be relied on at now.
func (m *thermometer) trusted(now timescale.Mono) bool {
	return m.works(now) && !now.Before(m.Doubted) && !m.misleads(now)
}

// works tells that it shows what a thermometer can show.
func (m *thermometer) works(now timescale.Mono) bool {
	still := seconds(now.Sub(m.Moved))
	return m.Known && m.Jumped.IsZero() && seconds(now.Sub(m.ReadAt)) < thermoDeadS &&
		(still < thermoStuckS || still < thermoStill*m.StillS)
}

// oddlyStill is for how long it has been still, in s, when that is far longer than ever
// before; else 0. Of n times between two changes, made by chance, the longest is about log n
// times the mean, and one of n^1.5 is so much longer.
func (m *thermometer) oddlyStill(now timescale.Mono) float64 {
	if still := seconds(now.Sub(m.Moved)); m.Known && still > max(thermoOdd*m.StillS, thermoGapS) {
		return still
	}
	return 0
}

// proven tells that what it does not show did not happen: it works, has done so for
// an hour, and the pulses have not contradicted it time and again. Once may be their
// own fault.
func (m *thermometer) proven(now timescale.Mono) bool {
	return m.works(now) && seconds(now.Sub(m.First)) > thermoProvenS && !m.misleads(now)
}

// misleads tells that the pulses have contradicted it more than once in the last
// hours: it feels something else than the oscillator does.
func (m *thermometer) misleads(now timescale.Mono) bool {
	return !m.Earlier.IsZero() && seconds(now.Sub(m.Earlier)) < thermoForgiveS
}

// contradicted is called when the pulses are off to one side of what it makes of
// the oscillator. counts is false when the pulses are in doubt themselves.
func (m *thermometer) contradicted(now timescale.Mono, counts bool) {
	if counts && seconds(now.Sub(m.First)) > thermoProvenS && (m.Episode.IsZero() || seconds(now.Sub(m.Biased)) > thermoDoubtS) {
		m.Earlier, m.Episode = m.Episode, now
	}
	m.Biased, m.Before = now, m.Doubted
	m.Doubted = now.Add(durationS(thermoDoubtS))
}

// acquit takes back what pulses after since have said against it: they were the
// last of a receiver that was losing the sky, or it was their noise that grew.
func (m *thermometer) acquit(since timescale.Mono) {
	if !m.Biased.IsZero() && !m.Biased.Before(since) {
		m.Doubted, m.Biased = m.Before, timescale.Mono{}
	}
}

// doubt is called when pulses and thermometer contradict each other; it tells by
// how much the air moved in the last minutes, in C.
func (m *thermometer) doubt(now timescale.Mono) float64 {
	if !m.Known {
		return 0
	}
	m.Biased, m.Before = now, m.Doubted
	m.Doubted = now.Add(durationS(thermoDoubtS))
	return min(math.Abs(m.Air-m.Warmth.t2), thermoMostC)
}
