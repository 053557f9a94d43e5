package pipeline_test

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"bragi/board/sim"
	"bragi/cmd/internal/virtual"
)

// A pulse by pps-gpio is 7 us late, give or take 2 us that no filter sees: the delay
// is taken off, and at class 6 the true error is inside the bound.
func TestThePulsesDelayIsTakenOffAndItsUncertaintyIsInTheBound(t *testing.T) {
	for _, late := range []float64{5200, 6900, 8800} {
		cfg := virtual.Demo()
		cfg.Reference.PulseDelay = 7 * time.Microsecond
		cfg.Servo.InputNs = 2000
		r := virtual.NewRig(t, cfg, sim.Config{Oscillator: sim.OCXO, Seed: 5, StartOffset: time.Hour, TimeToFix: 3 * time.Second})
		random := rand.New(rand.NewPCG(1, 2))
		r.Late = func(int64) float64 { return late + 1700*random.NormFloat64() }
		worst, seconds := 0.0, 0
		r.Watch = func() {
			if !r.Class(6)() {
				return
			}
			seconds++
			off := math.Abs(r.TrueErrorNs())
			worst = max(worst, off)
			if bound := r.Report.BoundNs; off > bound {
				t.Fatalf("%.0f ns late: true error %.0f ns outside the bound %.0f ns", late, off, bound)
			}
		}
		r.Run(time.Hour)
		if seconds < 1000 || worst > 5000 {
			t.Errorf("%.0f ns late: %d ticks at class 6, at most %.0f ns off", late, seconds, worst)
		}
	}
}
