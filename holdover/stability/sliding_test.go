package stability

import (
	"math"
	"math/rand/v2"
	"reflect"
	"testing"
)

// A Sliding says of a record what TDEV and MTIE say of the part of it that it looks at:
// TDEV where it takes every term, and MTIE at least, and never more than that of a
// time an eighth longer.
func TestASlidingAgreesWithTheWholeRecord(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	walk := 0.0
	var x []float64
	var s Sliding
	for i := range 200_000 {
		walk += rng.NormFloat64()
		v := walk + 20*rng.NormFloat64()
		x = append(x, v)
		s.Add(1_000_000+int64(i), v)
	}
	rows := s.Rows()
	if len(rows) != 14 || rows[13].Tau != 8192 {
		t.Fatalf("%d rows, %+v", len(rows), rows[len(rows)-1])
	}
	for _, r := range rows {
		from := len(x) - int(r.Window)
		seen := x[from-from%512:] // at least what was looked at
		m := int(r.Tau)
		tdev, _ := TDEV(seen, 1, m)
		least, _ := MTIE(x[from:len(x)-len(x)%512], m)
		most, _ := MTIE(seen, m*9/8+1)
		if math.Abs(r.TDEV/tdev-1) > 0.12 {
			t.Errorf("tau %v: TDEV %.2f, of the record %.2f", r.Tau, r.TDEV, tdev)
		}
		if r.MTIE < least || r.MTIE > most {
			t.Errorf("tau %v: MTIE %.2f, of the record %.2f, of a longer time %.2f", r.Tau, r.MTIE, least, most)
		}
		if m <= slidingFirst && (r.TDEV != tdevOf(x[from:], m) || r.MTIE != mtieOf(x[from:], m)) {
			t.Errorf("tau %v: %.6f and %.6f, exactly %.6f and %.6f", r.Tau, r.TDEV, r.MTIE, tdevOf(x[from:], m), mtieOf(x[from:], m))
		}
		if r.Terms < 20 || r.Window < 12*r.Tau {
			t.Errorf("tau %v: %d terms over %v s", r.Tau, r.Terms, r.Window)
		}
	}
}

func tdevOf(x []float64, m int) float64 { v, _ := TDEV(x, 1, m); return v }
func mtieOf(x []float64, m int) float64 { v, _ := MTIE(x, m); return v }

// Phases of which TDEV and MTIE are known: white noise falls by the root of tau, a
// constant has none, a ramp has no TDEV and an MTIE of its slope, a triangle has an MTIE
// of its height.
func TestASlidingOfAKnownPhase(t *testing.T) {
	measure := func(phase func(i int) float64) []SlidingRow {
		var s Sliding
		for i := range 100_000 {
			s.Add(int64(i), phase(i))
		}
		return s.Rows()
	}
	rng := rand.New(rand.NewPCG(3, 4))
	const white = 25.0
	for _, r := range measure(func(int) float64 { return white * rng.NormFloat64() }) {
		if want := white / math.Sqrt(r.Tau); math.Abs(r.TDEV/want-1) > 0.3 || r.MTIE < white || r.MTIE > 12*white {
			t.Errorf("white noise: tau %v: TDEV %.3f, want %.3f; MTIE %.1f", r.Tau, r.TDEV, want, r.MTIE)
		}
	}
	for _, r := range measure(func(int) float64 { return 77 }) {
		if r.TDEV > 1e-9 || r.MTIE > 1e-9 {
			t.Errorf("a constant: %+v", r)
		}
	}
	for _, r := range measure(func(i int) float64 { return 0.01 * float64(i) }) {
		if r.TDEV > 1e-6 || r.MTIE < 0.01*r.Tau-1e-9 || r.MTIE > 0.01*r.Tau*9/8+1e-9 {
			t.Errorf("a ramp: %+v", r)
		}
	}
	triangle := func(i int) float64 { return math.Abs(float64(i%4000) - 2000) }
	for _, r := range measure(triangle) {
		if want := min(r.Tau, 2000); r.Window > 8000 && (r.MTIE < want-1 || r.MTIE > min(want*9/8+1, 2000)) {
			t.Errorf("a triangle: %+v, want %v", r, want)
		}
	}
}

// A gap is left out, a day of gaps too; a second that comes again, or an old one, begins
// anew, and so does one that is years ahead.
func TestASlidingAndSecondsThatAreMissing(t *testing.T) {
	var s Sliding
	fill := func(from, n int64) {
		for i := range n {
			s.Add(from+i, 5)
		}
	}
	fill(0, 3000)
	fill(3010, 3000)
	for _, r := range s.Rows() {
		if r.Tau <= 256 && !(r.TDEV <= 1e-9 && r.MTIE == 0) {
			t.Errorf("after a gap: %+v", r)
		}
	}
	s.Add(6010+86_400, 9)
	if r := s.Rows()[0]; r.Terms != 0 || !math.IsNaN(r.TDEV) || !math.IsNaN(r.MTIE) {
		t.Errorf("a second after a day: %+v", r)
	}
	fill(100_000, 100)
	for _, second := range []int64{100_099, 7, 1 << 60} {
		s.Add(second, 1)
		if r := s.Rows()[0]; r.Window != 1 {
			t.Errorf("second %d: %+v", second, r)
		}
		fill(second+1, 100)
	}
}

// Adding allocates nothing, and the memory is bounded.
func TestASlidingAllocatesNothingAndStaysSmall(t *testing.T) {
	var s Sliding
	second := int64(0)
	if n := testing.AllocsPerRun(1000, func() { s.Add(second, float64(second%7)); second++ }); n != 0 {
		t.Errorf("%v allocations", n)
	}
	if size := reflect.TypeFor[Sliding]().Size(); size > 128<<10 {
		t.Errorf("%d bytes", size)
	}
}

// The masks judge what was measured, and tell how far that goes.
func TestAMaskJudgesASliding(t *testing.T) {
	var quiet, noisy, empty Sliding
	rng := rand.New(rand.NewPCG(5, 6))
	for i := range int64(4000) {
		quiet.Add(i, 0.3*rng.NormFloat64())
		noisy.Add(i, 25*rng.NormFloat64())
	}
	if broken, met, upTo := PRTCB.JudgeSliding(quiet.Rows()); !met || upTo != 256 {
		t.Errorf("quiet: %v, %v, up to %v", broken, met, upTo)
	}
	if broken, met, _ := PRTCA.JudgeSliding(noisy.Rows()); met || broken.Statistic != "MTIE" || broken.Tau != 1 {
		t.Errorf("noisy: %v, %v", broken, met)
	}
	if _, met, upTo := PRTCA.JudgeSliding(empty.Rows()); !met || upTo != 0 {
		t.Errorf("empty: %v, up to %v", met, upTo)
	}
}
