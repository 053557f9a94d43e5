package sim

import (
	"math"
	"testing"
	"time"

	"pgregory.net/rapid"

	"bragi/gnss/timescale"
)

var (
	m0   = timescale.MonoFromNs(1_000_000_000_000)
	sky0 = timescale.TAIFromNs(1_795_380_000_250_000_000)
)

// perfect has no error of its own.
func perfect(quantum, max float64) *PHC {
	o := NewOscillator(Spec{LagS: 60}, &Crystal{}, still, 1)
	return NewPHC(o, m0, timescale.LocalFromNs(0), quantum, max)
}

func TestAFrequencyCorrectionIsQuantizedClampedAndApplied(t *testing.T) {
	tests := []struct {
		name               string
		quantum, max, ask  float64
		applied            float64
		wantNsAfter10s     int64
		oscillatorOffsetPB float64
	}{
		{name: "positive runs faster", max: 1e6, ask: 1000, applied: 1000, wantNsAfter10s: 10_000},
		{name: "negative runs slower", max: 1e6, ask: -2.5, applied: -2.5, wantNsAfter10s: -25},
		{name: "whole ppb of the FEC", quantum: 1, max: 1e6, ask: 7.4, applied: 7, wantNsAfter10s: 70},
		{name: "clamped", max: 1e6, ask: 3e6, applied: 1e6, wantNsAfter10s: 10_000_000},
		{name: "clamped to a whole quantum", quantum: 3, max: 10, ask: -99, applied: -9, wantNsAfter10s: -90},
		{name: "undoes the oscillator", max: 1e6, ask: -5000, applied: -5000, oscillatorOffsetPB: 5000.025},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			o := NewOscillator(Spec{LagS: 60}, &Crystal{OffsetPPB: tc.oscillatorOffsetPB}, still, 1)
			p := NewPHC(o, m0, timescale.LocalFromNs(0), tc.quantum, tc.max)
			applied, err := p.AdjustFrequency(m0, tc.ask)
			if err != nil || math.Abs(applied-tc.applied) > 1e-9 {
				t.Fatalf("applied %v ppb, %v; want %v", applied, err, tc.applied)
			}
			end := m0.Add(10 * time.Second)
			p.Extend(end)
			if got := p.At(end).Ns() - 10e9; got < tc.wantNsAfter10s-1 || got > tc.wantNsAfter10s {
				t.Errorf("after 10 s %+d ns, want %+d", got, tc.wantNsAfter10s)
			}
		})
	}
}

func TestNoNumberIsRefused(t *testing.T) {
	p := perfect(0, 1e6)
	if _, err := p.AdjustFrequency(m0, 12); err != nil {
		t.Fatal(err)
	}
	for _, ppb := range []float64{math.NaN(), math.Inf(1), math.Inf(-1)} {
		if applied, err := p.AdjustFrequency(m0, ppb); err == nil || applied != 12 || p.Correction() != 12 {
			t.Errorf("%v ppb: applied %v, %v; want a refusal that keeps 12", ppb, applied, err)
		}
	}
}

func TestChangesLeaveThePastAlone(t *testing.T) {
	o := NewOscillator(TCXO.Spec(), nil, DefaultClimate(), 9)
	p := NewPHC(o, m0, timescale.LocalFromNs(5), 0, 1e6)
	p.Extend(m0.Add(3 * time.Second))
	var before []timescale.Local
	for i := range 100 {
		before = append(before, p.At(m0.Add(time.Duration(i)*10*time.Millisecond)))
	}
	at := m0.Add(1005 * time.Millisecond)
	reading := p.At(at)
	if _, err := p.AdjustFrequency(at, 40_000); err != nil {
		t.Fatal(err)
	}
	p.Step(at, -1_000_000_000)
	for i, want := range before {
		if got := p.At(m0.Add(time.Duration(i) * 10 * time.Millisecond)); got != want {
			t.Fatalf("the reading at %d ms changed from %v to %v", i*10, want, got)
		}
	}
	if got := p.At(at).Sub(reading); got != -time.Second {
		t.Errorf("the step of -1 s moved the reading by %v", got)
	}
	if got := p.At(at.Add(time.Second)).Sub(p.At(at)) - time.Second; got < 39_000 || got > 41_000 {
		t.Errorf("40 ppm faster gained %v in a second", got)
	}
}

// Without a step the reading is continuous and rises, whatever the corrections;
// two that extend at other times agree.
func TestReadingsAreContinuous(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		seed := rapid.Uint64().Draw(t, "seed")
		fresh := func() *PHC {
			return NewPHC(NewOscillator(XO.Spec(), nil, DefaultClimate(), seed), m0, timescale.LocalFromNs(0), 0, 1e6)
		}
		lazy, eager := fresh(), fresh()
		now := m0
		for range rapid.IntRange(1, 40).Draw(t, "changes") {
			now = now.Add(time.Duration(rapid.Int64Range(0, 700_000_000).Draw(t, "pause")))
			ppb := rapid.Float64Range(-1e6, 1e6).Draw(t, "ppb")
			eager.Extend(now.Add(2 * time.Second))
			was := eager.At(now)
			for _, p := range []*PHC{lazy, eager} {
				if _, err := p.AdjustFrequency(now, ppb); err != nil {
					t.Fatal(err)
				}
			}
			if d := eager.At(now).Sub(was); d < -1 || d > 1 {
				t.Fatalf("a change of frequency moved the reading by %v", d)
			}
			// Floating point rounds the part of a nanosecond otherwise.
			if d := lazy.At(now).Sub(eager.At(now)); d < -1 || d > 1 {
				t.Fatalf("made late and made ahead differ by %v", d)
			}
			eager.Forget(now)
			past := now.Add(-keepPast / 2)
			if past.Before(m0) {
				past = m0
			}
			last := eager.At(past)
			for m := past.Add(time.Millisecond); m.Before(now); m = m.Add(37 * time.Millisecond) {
				if at := eager.At(m); at.Sub(last) <= 0 {
					t.Fatalf("the reading fell from %v to %v", last, at)
				} else {
					last = at
				}
			}
		}
	})
}

func TestForgetKeepsSomePast(t *testing.T) {
	p := perfect(0, 1e6)
	end := m0.Add(time.Hour)
	p.Extend(end)
	p.Forget(end)
	if n := len(p.Lines()); n > int(keepPast/Grid)+2 {
		t.Errorf("%d lines kept", n)
	}
	past := end.Add(-keepPast)
	if got := p.At(past).Ns(); got != past.Sub(m0).Nanoseconds() {
		t.Errorf("%v before the end the clock reads %d", keepPast, got)
	}
	// A change dated before the past that is kept comes into force at its edge.
	if _, err := p.AdjustFrequency(m0, 1000); err != nil {
		t.Fatal(err)
	}
	if gain := p.At(end).Ns() - time.Hour.Nanoseconds(); gain < 3900 || gain > 4300 {
		t.Errorf("gained %d ns, want some 4 s at 1000 ppb", gain)
	}
}

func TestLineAtAllocatesNothing(t *testing.T) {
	p := perfect(0, 1e6)
	p.Extend(m0.Add(3 * time.Second))
	lines := p.Lines()
	if n := testing.AllocsPerRun(100, func() { LineAt(lines, m0.Add(time.Second)).At(m0.Add(time.Second)) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
