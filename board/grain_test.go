package board

import (
	"math"
	"testing"

	"pgregory.net/rapid"
)

// driverPPB is the kernel's scaled_ppm_to_ppb.
func driverPPB(units int64) int64 { return (1 + units) * 125 >> 13 }

// The FEC is never given a plain 0, always gets the whole ppb that was meant,
// and what is told as applied is what the driver's arithmetic makes of it.
func TestTheFECGetsWholePPBAndNeverAPlainZero(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		counter := rapid.SampledFrom([]int64{8, 10, 20, 40}).Draw(t, "counter")
		ppb := rapid.Float64Range(-100_000, 100_000).Draw(t, "ppb")
		units, applied := grainOf("fec ptp", 250_000_000, counter).dial(ppb, 250_000_000)
		code := driverPPB(units)
		if code == 0 {
			t.Fatalf("%v ppb: a plain 0 for the FEC", ppb)
		}
		if is := fecApplied(code, counter); is != applied {
			t.Errorf("%v ppb: told %v, the driver makes %v of %d ppb", ppb, applied, is, code)
		}
		apart := max(1, applied*applied*float64(counter)/1e9)
		if off := math.Abs(applied - ppb); off > 0.75*apart+0.6 {
			t.Errorf("%v ppb: applied %v, %v off; codes are %v apart", ppb, applied, off, apart)
		}
	})
	for _, tc := range []struct {
		ppb     int64
		counter int64
		want    float64
	}{
		// By hand: period = 1e9 / (ppb * counter), cut; applied = 1e9 / (period * counter).
		{1000, 8, 1000}, {4600, 8, 1e9 / (27173 * 8)}, {-20_001, 40, -1e9 / (1249 * 40)}, {1, 40, 1},
		// Above 1e9/counter more than 1 ns is added: 2 ns every tick of 8.
		{250_000_000, 8, 250_000_000},
	} {
		if got := fecApplied(tc.ppb, tc.counter); math.Abs(got-tc.want) > 1e-6 {
			t.Errorf("%d ppb with %d ns: %v, want %v", tc.ppb, tc.counter, got, tc.want)
		}
	}
}

func TestAWholePPBArrivesAtTheDriverAsItself(t *testing.T) {
	for ppb := int64(-300_000); ppb <= 300_000; ppb += 7 {
		if got := driverPPB(wholePPB(ppb)); got != ppb {
			t.Fatalf("%d ppb arrive as %d", ppb, got)
		}
	}
}

// CPTS cuts off to multiples of 2^-31; what it is given arrives as the multiple
// that was meant.
func TestCPTSGetsTheMultipleThatWasMeant(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ppb := rapid.Float64Range(-1_000_000, 1_000_000).Draw(t, "ppb")
		units, applied := grainOf("CTPS timer", 1_000_000, 0).dial(ppb, 1_000_000)
		// adjust_by_scaled_ppm: mult times |units| over 2^16 million, cut.
		cut := math.Floor(float64(1<<31) * math.Abs(float64(units)) / (65536 * 1e6))
		if made := math.Copysign(cut*steps31, float64(units)); math.Abs(made-applied) > 1e-6 {
			t.Errorf("%v ppb: told %v, the driver makes %v", ppb, applied, made)
		}
		if math.Abs(applied-ppb) > steps31/2+1e-9 && math.Abs(ppb) < 999_999 {
			t.Errorf("%v ppb: applied %v", ppb, applied)
		}
		if math.Abs(float64(units)) > 1_000_000*freqUnitsPerPPB {
			t.Errorf("%v ppb: %d units are beyond the limit", ppb, units)
		}
	})
}

// Intel's 82576 likewise, in much coarser steps; what it makes of a correction is
// told, so that the servo is not deceived.
func TestAn82576sCoarseStepsAreToldAsApplied(t *testing.T) {
	g := grainOf("igb", i82576MaxPPB, 0)
	if math.Abs(g.quantumPPB-119.2) > 0.1 {
		t.Fatalf("a grain of %v ppb", g.quantumPPB)
	}
	for _, ppb := range []float64{0, 1, 59, 60, 119, 4600, -4600, -61} {
		units, applied := g.dial(ppb, i82576MaxPPB)
		cut := math.Floor(float64(16<<19) * math.Abs(float64(units)) / (65536 * 1e6))
		if made := math.Copysign(cut*steps23, float64(units)); math.Abs(made-applied) > 1e-6 || math.Abs(applied-ppb) > 0.51*steps23 {
			t.Errorf("%v ppb: the driver makes %v ppb, told %v", ppb, made, applied)
		}
	}
}

// A driver that is not known has no known grain, and what is told as applied is
// what the kernel was asked for. TI's newer CPTS is one, by the older's name.
func TestAnUnknownDriverHasNoKnownGrain(t *testing.T) {
	for name, maxPPB := range map[string]int32{
		"": 999_999_881, "525400090001": 999_999_881, "igb": 62_499_999 /* 82580 and later */, "gmtest0": 500_000, "gem-ptp-timer": 64_000_000,
		"CTPS timer": 488_281, // am65-cpts at 500 MHz
	} {
		m := newMachine()
		m.caps.Max_adj = maxPPB
		p := namedPHC(t, m, name, 0)
		if q := p.Info().QuantumPPB; q != 0 {
			t.Errorf("%q with at most %d ppb: a grain of %v ppb is told as known", name, maxPPB, q)
		}
		if u := p.Info().UnitPPB; u != 1/freqUnitsPerPPB {
			t.Errorf("%q: the kernel counts in %v ppb", name, u)
		}
		applied, err := p.AdjustFrequency(60)
		if asked := float64(m.lastAdjust.Freq) / freqUnitsPerPPB; err != nil || applied != asked || math.Abs(applied-60) > 0.5/freqUnitsPerPPB {
			t.Errorf("%q: 60 ppb: applied %v, the kernel was asked for %v, %v", name, applied, asked, err)
		}
	}
}
