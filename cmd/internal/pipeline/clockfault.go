package pipeline

import (
	"math"
	"slices"
	"strings"
	"time"

	"bragi/board"
	"bragi/gnss/timescale"
	"bragi/holdover"
	"bragi/holdover/quality"
)

// What the servo cannot see of the board's clock: somebody else sets or steers
// it, or it is not there any more.

// guarded is a clock that notices when somebody else sets it.
type guarded interface {
	Disturbance() board.Disturbance
	PutBack() (board.Disturbance, error)
}

// removable is a clock that can be unplugged or become unreadable. Its Local
// goes on by CLOCK_MONOTONIC_RAW meanwhile.
type removable interface {
	Trouble() board.Trouble
}

const (
	// clockAlone is how long a clock that others set again and again must have been
	// left alone.
	clockAlone = 3 * time.Second
	// clockUnread is how long a clock that cannot be read is still believed.
	clockUnread = 700 * time.Millisecond
	// clockPulses is how many pulses a clock that was away must have been compared
	// with before it is believed again.
	clockPulses = 10
	// A clock that comes back is set to its line to replugNs; replugPPB is what the
	// line, and the oscillator that may be another one, ran off meanwhile.
	replugNs  = 500
	replugPPB = 50
)

// clockFault is what is known of that.
type clockFault struct {
	disturbed timescale.Mono // when somebody else last set or steered the clock
	steered   bool           // by its frequency
	suspects  []string       // the programs that held it open then
	till      timescale.Mono // it was disturbed again and again: not to be served before
	away      error          // why it cannot be read; nil: it can
	since     timescale.Mono // since when
	doubted   bool           // it was away, and no pulses have confirmed it since
	absences  int
	accepted  uint64 // pulses when it was last away
}

// GuardClock puts the board's clock back when somebody else has set it. One that
// is disturbed again within seconds stands still or has another master: it is
// not served until it has been left alone for clockAlone, and put back then.
func (p *Pipeline) GuardClock(now timescale.Mono) {
	c, ok := p.clock.(guarded)
	if !ok {
		return
	}
	d := c.Disturbance()
	if d.Count == 0 {
		return
	}
	f := &p.fault
	again := !f.disturbed.IsZero() && d.Last.Sub(f.disturbed) < clockAlone
	if again {
		f.till = d.Last.Add(clockAlone)
	}
	if d.Last != f.disturbed {
		f.disturbed, f.steered = d.Last, d.Steered
		if suspects := p.suspects(); len(suspects) > 0 || !again { // what it left behind may show when it has ended
			f.suspects = suspects
		}
	}
	if p.meddled(now) {
		return
	}
	var by board.Disturbance
	if by, p.clockErr = c.PutBack(); p.clockErr == nil {
		p.servo.Disturbed(now, float64(by.WidthNs))
	}
}

// meddled: somebody else sets or steers the clock again and again. It is not served.
func (p *Pipeline) meddled(now timescale.Mono) bool { return now.Before(p.fault.till) }

// meddling says what was done to the clock and, where that can be told, by whom; in
// the present only while it goes on.
func (p *Pipeline) meddling(now timescale.Mono) string {
	f := &p.fault
	if p.meddled(now) {
		what := "something else set the clock again and again, or it stands still"
		if f.steered {
			what = "another program steers the clock"
		}
		if suspects := p.suspects(); f.steered && len(suspects) > 0 {
			what += "; it is held open by " + strings.Join(suspects, ", ")
		}
		return what + "; it is not served until it is left alone"
	}
	what := "something else set the clock "
	if f.steered {
		what = "another program steered the clock "
	}
	if ago := now.Sub(f.disturbed); ago < time.Second {
		what += "just now"
	} else {
		what += ago.Round(time.Second).String() + " ago"
	}
	if f.steered && len(f.suspects) > 0 {
		what += ", when it was held open by " + strings.Join(f.suspects, ", ")
	}
	return what + "; it was put back"
}

// suspects are the programs that may have steered the clock and hold it open now.
func (p *Pipeline) suspects() []string {
	if c, ok := p.clock.(interface{ Health() board.Health }); ok {
		return c.Health().Suspects
	}
	return nil
}

// watchClock notices that the board's clock cannot be read, and that it is back.
// Its line over CLOCK_MONOTONIC_RAW goes on, but no bound holds for it any more,
// nor for the clock that was set to it, until pulses have confirmed it.
func (p *Pipeline) watchClock(now timescale.Mono) {
	c, ok := p.clock.(removable)
	if !ok {
		return
	}
	f, t, report := &p.fault, c.Trouble(), p.servo.Report(now)
	f.away = nil
	if t.Err != nil && now.Sub(t.Since) > clockUnread {
		f.away, f.since = t.Err, t.Since
	}
	if t.Absences != f.absences {
		f.absences = t.Absences
		off := float64(replugNs)
		if !f.since.IsZero() {
			off += replugPPB * now.Sub(f.since).Seconds()
		}
		p.servo.Disturbed(now, off)
		f.since = timescale.Mono{}
		f.doubted, f.accepted = true, report.Accepted
	}
	switch {
	case f.away != nil:
		f.doubted, f.accepted = true, report.Accepted
	case f.doubted && report.State == quality.Locked && report.Accepted >= f.accepted+clockPulses:
		f.doubted = false
	}
}

// report is what the servo knows of the clock, less what does not hold because
// the clock is, or was, away, or may have another second; why leads with what befell
// the clock.
func (p *Pipeline) report(now timescale.Mono) holdover.Report {
	r := p.servo.Report(now)
	if p.fault.doubted && r.EverLocked {
		r.Why = slices.Insert(r.Why, 0, holdover.ReasonClockAway)
	}
	if (p.fault.doubted || p.reference.SecondDoubted(now)) && r.EverLocked {
		r.BoundNs, r.Quality.BoundNs = math.NaN(), math.NaN()
		r.State, r.Quality.State = quality.HoldoverNoSpec, quality.HoldoverNoSpec
		r.ForecastS, r.Class7S, r.EtaS = 0, 0, math.NaN()
	}
	if p.meddled(now) {
		r.Why = slices.Insert(r.Why, 0, holdover.ReasonClockMeddled)
	}
	return r
}
