package sim

import (
	"fmt"
	"math"
	"testing"
)

// still is air that does not change, at the crystals' reference temperature.
var still = Climate{MeanC: referenceC}

// adev is the overlapping Allan deviation of phase x (s, tau0 apart) at m tau0.
func adev(x []float64, m int, tau0 float64) float64 {
	var sum float64
	n := 0
	for i := 0; i+2*m < len(x); i++ {
		d := x[i+2*m] - 2*x[i+m] + x[i]
		sum += d * d
		n++
	}
	return math.Sqrt(sum/float64(2*n)) / (float64(m) * tau0)
}

// phase integrates an oscillator: one value a cell.
func phase(o *Oscillator, cells int) []float64 {
	x := make([]float64, cells+1)
	for i := range cells {
		x[i+1] = x[i] + o.Next()*1e-9*gridS
	}
	return x
}

func TestADEVIsTheDataSheets(t *testing.T) {
	for kind := XO; kind <= Rb; kind++ {
		t.Run(kind.String(), func(t *testing.T) {
			t.Parallel()
			x := phase(NewOscillator(kind.Spec(), &Crystal{}, still, 7), 40_000*4)
			for _, tau := range []float64{1, 100} {
				got, want := adev(x, int(tau/gridS), gridS), kind.Spec().ADEV(tau)
				if got < want/1.3 || got > want*1.3 {
					t.Errorf("ADEV(%v s) = %.2e, want %.2e within a factor of 1.3", tau, got, want)
				}
			}
		})
	}
}

// The figures of the study, apart from the formula of Spec.
func TestADEVAtOneSecondIsTheStudys(t *testing.T) {
	for kind, want := range map[Kind]float64{XO: 1.1e-9, TCXO: 1.4e-10, TCXOHi: 4.2e-11, OCXO: 1e-11, Rb: 1e-11} {
		if got := kind.Spec().ADEV(1); math.Abs(got/want-1) > 0.05 {
			t.Errorf("%v: ADEV(1 s) %.2e, want %.2e", kind, got, want)
		}
	}
}

func TestFlickerIsFlat(t *testing.T) {
	x := phase(NewOscillator(Spec{Flicker: 1e-11, LagS: 60}, &Crystal{}, still, 3), 200_000)
	for _, m := range []int{16, 64, 256, 1024} {
		if got := adev(x, m, gridS); got < 0.75e-11 || got > 1.3e-11 {
			t.Errorf("ADEV(%v s) = %.2e, want 1e-11 within 30 %%", float64(m)*gridS, got)
		}
	}
}

func TestACrystalHasItsOffsetAgeingAndTemperatureCoefficient(t *testing.T) {
	quiet := Spec{LagS: 60}
	day := int(dayS / gridS)
	tests := []struct {
		name    string
		crystal Crystal
		meanC   float64
		cells   int
		want    float64 // ppb
	}{
		{"offset", Crystal{OffsetPPB: -123}, 25, 1, -123},
		{"ageing after a day", Crystal{AgeingPPBDay: 0.5}, 25, day + 1, 0.5},
		{"5 C above at 20 ppb/C", Crystal{TempcoPPBC: 20}, 30, 1, 100},
	}
	for _, tc := range tests {
		o := NewOscillator(quiet, &tc.crystal, Climate{MeanC: tc.meanC}, 1)
		var y float64
		for range tc.cells {
			y = o.Next()
		}
		if math.Abs(y-tc.want) > 1e-6 {
			t.Errorf("%s: y = %v ppb, want %v", tc.name, y, tc.want)
		}
	}
}

// A first-order lag of time constant T lets a sine of period P through with
// 1 / sqrt(1 + (2 pi T/P)^2).
func TestCrystalTemperatureLags(t *testing.T) {
	climate := Climate{MeanC: 25, CycleC: 1, CycleS: 600}
	o := NewOscillator(Spec{LagS: 600}, &Crystal{TempcoPPBC: 1}, climate, 1)
	for range int(6000 / gridS) { // the start dies away
		o.Next()
	}
	var top float64
	for range int(600 / gridS) {
		top = max(top, o.Next())
	}
	if want := 1 / math.Sqrt(1+4*math.Pi*math.Pi); math.Abs(top-want) > 0.005 {
		t.Errorf("a cycle of 1 C at 1 ppb/C with period = lag gives %.3f ppb, want %.3f", top, want)
	}
}

func TestSameSeedSameOscillator(t *testing.T) {
	make := func(seed uint64) *Oscillator { return NewOscillator(TCXO.Spec(), nil, DefaultClimate(), seed) }
	a, b, c := make(5), make(5), make(6)
	same := 0
	for range 1000 {
		y := a.Next()
		if y != b.Next() {
			t.Fatal("two oscillators of one seed differ")
		}
		if y == c.Next() {
			same++
		}
	}
	if same > 0 {
		t.Errorf("another seed gave the same frequency %d times of 1000", same)
	}
}

func TestCrystalsAreWithinTheDataSheet(t *testing.T) {
	for kind := XO; kind <= Rb; kind++ {
		spec, fast, slow := kind.Spec(), 0, 0
		for seed := range uint64(200) {
			c := NewOscillator(spec, nil, still, seed).Crystal()
			if math.Abs(c.OffsetPPB) > spec.OffsetPPB {
				t.Errorf("%v seed %d: %v ppb off, data sheet %v", kind, seed, c.OffsetPPB, spec.OffsetPPB)
			}
			for _, r := range []struct {
				v float64
				r [2]float64
			}{{c.TempcoPPBC, spec.TempcoPPBC}, {c.AgeingPPBDay, spec.AgeingPPBDay}} {
				if a := math.Abs(r.v); a < r.r[0] || a > r.r[1] {
					t.Errorf("%v seed %d: %v outside %v", kind, seed, r.v, r.r)
				}
			}
			if c.OffsetPPB > 0 {
				fast++
			} else {
				slow++
			}
		}
		if fast < 60 || slow < 60 {
			t.Errorf("%v: %d crystals fast, %d slow: want both", kind, fast, slow)
		}
	}
}

func TestEachKindIsParsedFromItsName(t *testing.T) {
	for kind := XO; kind <= Rb; kind++ {
		if got, err := ParseKind(kind.String()); err != nil || got != kind {
			t.Errorf("ParseKind(%q) = %v, %v", kind.String(), got, err)
		}
	}
	for _, r := range []ReceiverKind{Navigation, Timing} {
		if got, err := ParseReceiver(r.String()); err != nil || got != r {
			t.Errorf("ParseReceiver(%q) = %v, %v", r.String(), got, err)
		}
	}
	if _, err := ParseKind("quartz"); err == nil {
		t.Error("an unknown oscillator was taken")
	}
	if _, err := ParseReceiver("sbf"); err == nil {
		t.Error("an unknown receiver was taken")
	}
	if got := fmt.Sprint(Kind(99), ReceiverKind(99)); got != "Kind(99) ReceiverKind(99)" {
		t.Error(got)
	}
}

// The oscillator's own warm-up dies away exponentially, and comes back with the
// cold: after a while without power as far as it cooled meanwhile.
func TestWarmUpDiesAwayAndComesBack(t *testing.T) {
	o := NewOscillator(Spec{LagS: 60}, &Crystal{}, still, 1)
	o.setWarmUp(WarmUp{PPB: -100, S: 300})
	run := func(seconds float64) (y float64) {
		for range int(seconds / gridS) {
			y = o.Next()
		}
		return y
	}
	near := func(what string, got, want float64) {
		if math.Abs(got-want) > 0.2 {
			t.Errorf("%s: %.2f ppb, want %.2f ppb", what, got, want)
		}
	}
	near("cold", run(gridS), -100)
	near("after 5 minutes", run(300), -100/math.E)
	near("after an hour", run(3600), 0)
	o.cool(300)
	near("after 5 minutes without power", run(gridS), -100*(1-1/math.E))
	run(3600)
	o.cool(1e6)
	near("cold again", run(gridS), -100)
}

// A good thermometer stands still now and then, as one does that sticks: nobody can tell them
// apart before the longest of such stands is over.
func TestAThermometerStandsStill(t *testing.T) {
	const days, second = 60, int(1 / gridS)
	long, longest := 0, 0
	for seed := range uint64(days) {
		a := newAir(DefaultClimate(), seed)
		shown, from := 0.0, 0
		for s := range int(dayS) {
			for range second {
				a.next()
			}
			if c := sensorC(a.nowC); c != shown {
				if still := s - from; from > 0 {
					if still >= 95 {
						long++
					}
					longest = max(longest, still)
				}
				shown, from = c, s
			}
		}
	}
	if long < days/2 || long > 2*days || longest < 120 || longest > 170 {
		t.Errorf("in %d days it was still for 95 s %d times and for %d s once; SIMULATE.md says: once a day, 130 s once in three weeks, 180 s once in years", days, long, longest)
	}
}
