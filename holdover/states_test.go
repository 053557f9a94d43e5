package holdover

import (
	"testing"

	"bragi/holdover/quality"
)

// Every transition of the table, each fact alone.
func TestNext(t *testing.T) {
	const (
		free, warm, acq, locking  = quality.Freerun, quality.Warmup, quality.Acquiring, quality.Locking
		locked, seven, out, relck = quality.Locked, quality.HoldoverSpec, quality.HoldoverNoSpec, quality.Relocking
	)
	good := Inputs{EverLocked: true, Warm: true, HasTime: true, Pulses: true, Aligned: true, BoundInside: true, Learned: true, UnderCap: true}
	with := func(f func(*Inputs)) Inputs { in := good; f(&in); return in }
	lost := func(f func(*Inputs)) Inputs { in := good; in.Pulses = false; f(&in); return in }
	nothing := func(*Inputs) {}

	for _, c := range []struct {
		name string
		from quality.State
		in   Inputs
		to   quality.State
		why  Reason
	}{
		{"cold, alone", warm, Inputs{}, warm, ReasonWarmingUp},
		{"warm, alone", warm, Inputs{Warm: true}, free, ReasonNoTime},
		{"fix, no pulse", free, Inputs{Warm: true, HasTime: true}, acq, ReasonNoPulse},
		{"fix while cold", warm, Inputs{HasTime: true}, acq, ReasonNoPulse},
		{"pulses, frequency unknown", acq, Inputs{Warm: true, HasTime: true, Pulses: true}, acq, ReasonMeasuring},
		{"pulses without a fix yet", free, Inputs{Warm: true, Pulses: true}, acq, ReasonMeasuring},
		{"aligned", acq, Inputs{Pulses: true, Aligned: true}, locking, ReasonSettling},
		{"never from ACQUIRING to LOCKED", acq, Inputs{Pulses: true, Aligned: true, Settled: true}, locking, ReasonSettling},
		{"settled", locking, Inputs{Pulses: true, Aligned: true, Settled: true}, locked, ReasonPhaseAligned},
		{"locking, pulse lost", locking, Inputs{Warm: true, HasTime: true, Aligned: true}, acq, ReasonNoPulse},
		{"locking, all lost", locking, Inputs{Warm: true, Aligned: true}, free, ReasonNoTime},
		{"acquiring, all lost", acq, Inputs{Warm: true}, free, ReasonNoTime},

		{"locked stays", locked, good, locked, ReasonPhaseAligned},
		{"locked, the bound leaves the spec", locked, with(func(in *Inputs) { in.Settled, in.Wide = true, true }), relck, ReasonWide},
		{"locked strays, and the bound says so", locked, with(func(in *Inputs) { in.Strayed, in.Wide = true, true }), relck, ReasonStrayed},
		{"settled, the bound outside", relck, with(func(in *Inputs) { in.Settled, in.Wide = true, true }), relck, ReasonWide},
		{"not settled, the bound outside", relck, with(func(in *Inputs) { in.Wide = true }), relck, ReasonRelocking},
		{"first settled, the bound outside", locking, Inputs{Pulses: true, Aligned: true, Settled: true, Wide: true}, locking, ReasonWide},
		{"locked strays", locked, with(func(in *Inputs) { in.Strayed = true }), relck, ReasonStrayed},
		{"loss in spec", locked, lost(nothing), seven, ReasonInSpec},
		{"loss without fix as well", locked, lost(func(in *Inputs) { in.HasTime = false }), seven, ReasonInSpec},
		{"loss, not learned", locked, lost(func(in *Inputs) { in.Learned = false }), out, ReasonNotLearned},
		{"loss, bound outside", locked, lost(func(in *Inputs) { in.BoundInside = false }), out, ReasonOutOfSpec},
		{"loss, no holdover allowed", locked, lost(func(in *Inputs) { in.UnderCap = false }), out, ReasonMaxHoldover},
		{"holdover stays", seven, lost(nothing), seven, ReasonInSpec},
		{"bound grows out", seven, lost(func(in *Inputs) { in.BoundInside = false }), out, ReasonOutOfSpec},
		{"cap reached", seven, lost(func(in *Inputs) { in.UnderCap = false }), out, ReasonMaxHoldover},
		{"out of spec never goes back in", out, lost(nothing), out, ReasonStaysOutOfSpec},
		{"pulse back, not believed yet", seven, with(func(in *Inputs) { in.Aligned = false }), seven, ReasonInSpec},
		{"pulse back in spec", seven, good, relck, ReasonRelocking},
		{"pulse back out of spec", out, good, relck, ReasonRelocking},
		{"no straight way to LOCKED", seven, with(func(in *Inputs) { in.Settled = true }), relck, ReasonRelocking},
		{"relocking stays", relck, good, relck, ReasonRelocking},
		{"relocked", relck, with(func(in *Inputs) { in.Settled = true }), locked, ReasonPhaseAligned},
		{"relocked though far from the first spec", relck, with(func(in *Inputs) { in.Settled, in.BoundInside = true, false }), locked, ReasonPhaseAligned},
		{"lost again in spec", relck, lost(nothing), seven, ReasonInSpec},
		{"lost again out of spec", relck, lost(func(in *Inputs) { in.BoundInside = false }), out, ReasonOutOfSpec},
		{"a locked clock has no first lock", acq, good, relck, ReasonRelocking},
	} {
		if got, why := Next(c.from, c.in); got != c.to || why != c.why {
			t.Errorf("%s: %v, %q; want %v, %q", c.name, got, why, c.to, c.why)
		}
	}
}

// Whatever the facts: the two lives of a clock do not mix, LOCKED is reached
// from LOCKING and RELOCKING alone and needs pulses, and 52 does not become 7.
func TestNextExhaustive(t *testing.T) {
	first := map[quality.State]bool{quality.Freerun: true, quality.Warmup: true, quality.Acquiring: true, quality.Locking: true}
	for _, s := range quality.States {
		for bits := range 1 << 11 {
			b := func(i int) bool { return bits>>i&1 == 1 }
			in := Inputs{b(0), b(1), b(2), b(3), b(4), b(5), b(6), b(7), b(8), b(9), b(10)}
			next, why := Next(s, in)
			if why == ReasonNone || why.String() == "unknown" {
				t.Fatalf("%v %+v: no reason", s, in)
			}
			if next == quality.Locked {
				from := s == quality.Locked || s == quality.Locking || s == quality.Relocking
				if !from || !in.Pulses || in.Wide || s != quality.Locked && !in.Settled {
					t.Fatalf("%v %+v: LOCKED", s, in)
				}
				continue
			}
			if first[next] == in.EverLocked {
				t.Fatalf("%v %+v: %v", s, in, next)
			}
			if inSpec, _ := in.InSpec(); next == quality.HoldoverSpec && (s == quality.HoldoverNoSpec || !inSpec) {
				t.Fatalf("%v %+v: %v", s, in, next)
			}
		}
	}
}

func TestReasonsHaveWords(t *testing.T) {
	seen := map[string]Reason{}
	for r := ReasonNone; r < reasonCount; r++ {
		if w := r.String(); w == "" || seen[w] != 0 {
			t.Errorf("reason %d: word %q", r, w)
		}
		seen[r.String()] = r
	}
	if Reason(200).String() != "unknown" || Reason(200).Fix() != "" {
		t.Error("a reason beyond the table")
	}
}
