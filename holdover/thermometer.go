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
	known   bool
	first   timescale.Mono // reading
	at      timescale.Mono // of the integrals
	readAt  timescale.Mono // of the last reading that was a number
	moved   timescale.Mono // when it last showed something new
	shown   float64        // the last reading
	offset  float64        // subtracted from readings: the first one, and the jumps
	air     float64        // reading less offset
	jumped  timescale.Mono // since when it shows something far off
	doubted timescale.Mono // the end of doubt
	biased  timescale.Mono // when the pulses last contradicted it,
	before  timescale.Mono // and doubted before that
	episode timescale.Mono // when such contradictions began,
	earlier timescale.Mono // and those before them
	w       warmth
	keep1   float64
	keep2   float64
	keepDt  float64
	spread  float64 // mean square of the air about its mean, C^2
	mean    float64
	stillS  float64 // longest time without a change that was seen while it worked
}

const (
	thermoDeadS    = 30.0
	thermoStuckS   = 1200.0  // unchanged for so long, and
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
// how much the thermometer was moved back after a jump, in C; 0: nothing.
func (m *thermometer) read(now timescale.Mono, c float64) (jump float64) {
	if !finite(c) || math.Abs(c) > thermoLimitC {
		c = math.NaN()
	}
	if !m.known {
		if math.IsNaN(c) {
			return 0
		}
		m.known, m.first, m.at, m.readAt, m.moved, m.shown, m.offset = true, now, now, now, now, c, c
		return 0
	}
	m.pass(now)
	if math.IsNaN(c) {
		return 0
	}
	since := seconds(now.Sub(m.readAt))
	m.readAt = now
	if c != m.shown {
		if s := seconds(now.Sub(m.moved)); s < thermoCalmS {
			m.stillS = max(m.stillS, s)
		}
		m.shown, m.moved = c, now
	}
	if m.misleads(now) {
		m.offset = c - m.air
	}
	air := c - m.offset
	if math.Abs(air-m.air) <= thermoJumpC+thermoMoveCS*since {
		m.jumped = timescale.Mono{}
		m.air = air
		return 0
	}
	if m.jumped.IsZero() {
		m.jumped = now
	}
	if seconds(now.Sub(m.jumped)) < thermoStaysS {
		return 0
	}
	jump = air - m.air
	m.offset += jump
	m.jumped = timescale.Mono{}
	m.doubted = now.Add(durationS(thermoDoubtS))
	return jump
}

// pass lets the lags follow the air to now.
func (m *thermometer) pass(now timescale.Mono) {
	dt := seconds(now.Sub(m.at))
	if !m.known || dt <= 0 {
		return
	}
	if dt != m.keepDt {
		m.keepDt, m.keep1, m.keep2 = dt, math.Exp(-dt/lag1S), math.Exp(-dt/lag2S)
	}
	m.w.s1 += m.air*dt + (m.w.t1-m.air)*lag1S*(1-m.keep1)
	m.w.s2 += m.air*dt + (m.w.t2-m.air)*lag2S*(1-m.keep2)
	m.w.t1 = m.air + (m.w.t1-m.air)*m.keep1
	m.w.t2 = m.air + (m.w.t2-m.air)*m.keep2
	a := min(dt/thermoSpreadS, 1)
	d := m.air - m.mean
	m.mean += a * d
	m.spread += a * (d*d - m.spread)
	m.at = now
}

// when is the warmth at t, a moment before or after now.
func (m *thermometer) when(t timescale.Mono) warmth {
	w := m.w
	if m.known {
		dt := seconds(t.Sub(m.at))
		w.s1 += w.t1 * dt
		w.s2 += w.t2 * dt
	}
	return w
}

// trusted tells that the readings may be relied on at now.
func (m *thermometer) trusted(now timescale.Mono) bool {
	return m.works(now) && !now.Before(m.doubted) && !m.misleads(now)
}

// works tells that it shows what a thermometer can show.
func (m *thermometer) works(now timescale.Mono) bool {
	still := seconds(now.Sub(m.moved))
	return m.known && m.jumped.IsZero() && seconds(now.Sub(m.readAt)) < thermoDeadS &&
		(still < thermoStuckS || still < thermoStill*m.stillS)
}

// proven tells that what it does not show did not happen: it works, has done so for
// an hour, and the pulses have not contradicted it time and again. Once may be their
// own fault.
func (m *thermometer) proven(now timescale.Mono) bool {
	return m.works(now) && seconds(now.Sub(m.first)) > thermoProvenS && !m.misleads(now)
}

// misleads tells that the pulses have contradicted it more than once in the last
// hours: it feels something else than the oscillator does.
func (m *thermometer) misleads(now timescale.Mono) bool {
	return !m.earlier.IsZero() && seconds(now.Sub(m.earlier)) < thermoForgiveS
}

// contradicted is called when the pulses are off to one side of what it makes of
// the oscillator. counts is false when the pulses are in doubt themselves.
func (m *thermometer) contradicted(now timescale.Mono, counts bool) {
	if counts && seconds(now.Sub(m.first)) > thermoProvenS && (m.episode.IsZero() || seconds(now.Sub(m.biased)) > thermoDoubtS) {
		m.earlier, m.episode = m.episode, now
	}
	m.biased, m.before = now, m.doubted
	m.doubted = now.Add(durationS(thermoDoubtS))
}

// acquit takes back what pulses after since have said against it: they were the
// last of a receiver that was losing the sky.
func (m *thermometer) acquit(since timescale.Mono) {
	if !m.biased.IsZero() && !m.biased.Before(since) {
		m.doubted, m.biased = m.before, timescale.Mono{}
	}
}

// doubt is called when pulses and thermometer contradict each other; it tells by
// how much the air moved in the last minutes, in C.
func (m *thermometer) doubt(now timescale.Mono) float64 {
	if !m.known {
		return 0
	}
	m.doubted = now.Add(durationS(thermoDoubtS))
	return min(math.Abs(m.air-m.w.t2), thermoMostC)
}
