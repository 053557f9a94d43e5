package pipeline_test

import (
	"math"
	"testing"
	"time"

	"bragi/board/sim"
	"bragi/cmd/internal/pipeline"
	"bragi/cmd/internal/virtual"
	"bragi/gnss/timescale"
)

// edgesBoth runs the rig while its input stamps both edges of a pulse of length; the
// very first edge that it sees ends one.
func edgesBoth(r *virtual.Rig, d, length time.Duration, first *bool) {
	var fall *timescale.Edge
	tick := r.Now
	for end := r.Now.Add(d); r.Now.Before(end); {
		next := r.Board.Next()
		if tick.Before(next) {
			next = tick
		}
		if fall != nil && fall.Mono.Before(next) {
			next = fall.Mono
		}
		r.Now = next
		if fall != nil && !next.Before(fall.Mono) {
			e := *fall
			fall = nil
			e.Local = r.Clock.Local(e.Mono)
			r.Edge(r.Now, e)
		}
		for _, e := range r.Board.Advance(next, r.Sky(next)) {
			switch e.Kind {
			case sim.PulseEdge:
				if !*first {
					r.Edge(r.Now, timescale.Edge{Local: e.Edge.Local, Mono: e.Edge.Mono, SigmaNs: e.Edge.SigmaNs})
				}
				*first = false
				fall = &timescale.Edge{Mono: e.Edge.Mono.Add(length), SigmaNs: e.Edge.SigmaNs}
			case sim.ReceiverBytes:
				if r.Speak == nil {
					r.Pipe.Bytes(e.At, e.Bytes)
				} else if b := r.Says(r.Sky(e.At)); b != nil {
					r.Pipe.Bytes(e.At, b)
				}
			}
		}
		if !r.Now.Before(tick) {
			tick = tick.Add(pipeline.Every)
			r.Tick(r.Now)
		}
	}
}

// An input that stamps both edges, the one that ends the pulse first: class 6 within the
// usual time, on the edge that begins it, whether the receiver names its next pulses
// or not.
func TestBothEdgesStampedLeadToTheRightClass6(t *testing.T) {
	for _, next := range []bool{false, true} {
		for _, length := range []time.Duration{50 * time.Millisecond, 100 * time.Millisecond, 300 * time.Millisecond} {
			u := goodSky()
			u.timTP, u.qErrPs = next, func(int64) int32 { return 0 }
			r := virtual.NewRig(t, virtual.Demo(), sim.Config{Oscillator: sim.OCXO, Seed: 3, StartOffset: time.Hour, TimeToFix: 3 * time.Second})
			r.Speak = u.speak
			first := true
			edgesBoth(r, 40*time.Second, length, &first)
			if e := r.TrueErrorNs(); !r.Class(6)() || math.Abs(e) > 1000 {
				t.Errorf("next pulses %v, %v long: class %d, %.0f ns off, %v", next, length, r.Said.ClockClass, e, r.Pipe.Look(r.Now).Troubles)
			}
		}
	}
}
