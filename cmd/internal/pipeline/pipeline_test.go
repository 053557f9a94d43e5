package pipeline_test

import (
	"math"
	"testing"
	"time"

	"bragi/board"
	"bragi/board/sim"
	"bragi/cmd/internal/virtual"
	"bragi/holdover"
)

// From a receiver's bytes to class 6 within 30 s, then an antenna cut: 7, 52
// at max_holdover, and back to 6 by slewing. The true error never changes by
// more than 1 us between two seconds and stays inside the bound; the clock is
// stepped once, at the very start.
func TestAntennaWalkInVirtualTime(t *testing.T) {
	for _, kind := range []sim.Kind{sim.TCXO, sim.OCXO, sim.Rb} {
		for seed := range uint64(4) {
			cfg := virtual.Demo()
			cfg.Servo.Oscillator = map[sim.Kind]holdover.Oscillator{sim.TCXO: holdover.TCXO, sim.OCXO: holdover.OCXO, sim.Rb: holdover.Rubidium}[kind]
			r := virtual.NewRig(t, cfg, sim.Config{Oscillator: kind, Seed: seed, StartOffset: 7 * time.Hour, TimeToFix: 3 * time.Second})
			if took := r.Until(30*time.Second, "class 6", r.Class(6)); took < 8*time.Second {
				t.Errorf("%v seed %d: class 6 after %v: too soon to know", kind, seed, took)
			}
			steps := r.Steps
			last, at := r.TrueErrorNs(), r.Now
			r.Watch = func() {
				if r.Now.Sub(at) >= time.Second {
					now := r.TrueErrorNs()
					if math.Abs(now-last) > 1000 {
						t.Fatalf("%v seed %d: the true error went from %.0f to %.0f ns within a second", kind, seed, last, now)
					}
					last, at = now, r.Now
				}
				if bound := r.Pipe.Look(r.Now).Report.BoundNs; math.Abs(r.TrueErrorNs()) > bound {
					t.Fatalf("%v seed %d: true error %.0f ns outside the bound %.0f ns", kind, seed, r.TrueErrorNs(), bound)
				}
			}
			r.Run(2 * time.Minute)
			r.Board.SetAntenna(false)
			r.Until(10*time.Second, "class 7", r.Class(7))
			r.Until(2*time.Minute, "class 52", r.Class(52))
			r.Board.SetAntenna(true)
			r.Until(2*time.Minute, "class 6 again", r.Class(6))
			r.Board.Glitch(time.Microsecond)
			r.Run(30 * time.Second)
			if want := []uint8{6, 7, 52, 6}; !equal(r.Walk, want) && !equal(r.Walk, append([]uint8{58}, want...)) {
				t.Errorf("%v seed %d: classes %v, want %v", kind, seed, r.Walk, want)
			}
			if r.Steps != steps {
				t.Errorf("%v seed %d: %d steps after the first lock", kind, seed, r.Steps-steps)
			}
		}
	}
}

func equal(a, b []uint8) bool { return string(a) == string(b) }

// Without an antenna the clock says 58 with the flags of a free run, never
// before free_run_after.
func TestFreeRunInVirtualTime(t *testing.T) {
	r := virtual.NewRig(t, virtual.Demo(), sim.Config{Oscillator: sim.OCXO, AntennaCut: true})
	r.Run(4 * time.Second)
	if r.Said.Serve {
		t.Fatal("serves before free_run_after")
	}
	r.Run(3 * time.Second)
	a := r.Said
	if !a.Serve || a.ClockClass != 58 || a.ClockAccuracy != 0xFE || a.PTPTimescale || a.TimeTraceable || a.FrequencyTraceable || a.CurrentUTCOffsetValid || a.TimeSource != 0xA0 {
		t.Errorf("announces %+v", a)
	}
}

// A clock whose date is surely past starts a free run from the best guess.
func TestFreeRunStartsFromAPlausibleDate(t *testing.T) {
	r := virtual.NewRig(t, virtual.Demo(), sim.Config{Oscillator: sim.OCXO, AntennaCut: true, StartOffset: -20 * 365 * 24 * time.Hour})
	if e := r.TrueErrorNs(); math.Abs(e) > 1e6 {
		t.Errorf("starts %.0f s off", e/1e9)
	}
}

// unknownGrain is a clock whose hardware cuts corrections off to whole quanta, and
// whose driver is not known: what is asked for is told as applied.
type unknownGrain struct {
	virtual.Clock
	quantumPPB float64
}

func (c unknownGrain) AdjustFrequency(ppb float64) (float64, error) {
	_, err := c.Clock.AdjustFrequency(math.Trunc(ppb/c.quantumPPB) * c.quantumPPB)
	return ppb, err
}

// A grain that nobody tells, as coarse as CPTS's or the FEC's, or ten times that,
// is borne: class 6, a true error as without, and inside the bound.
func TestUnknownGrainIsBorne(t *testing.T) {
	for _, quantum := range []float64{0.466, 1, 10} {
		for seed := range uint64(4) {
			r := virtual.NewRigWith(t, virtual.Demo(), sim.Config{Oscillator: sim.OCXO, Receiver: sim.Timing, Seed: seed}, virtual.SkyAtBegin,
				func(c virtual.Clock) board.Clock { return unknownGrain{c, quantum} })
			r.Until(2*time.Minute, "class 6", r.Class(6))
			r.Run(time.Minute)
			worst := 0.0
			for range 600 {
				r.Run(time.Second)
				e := math.Abs(r.TrueErrorNs())
				if bound := r.Pipe.Look(r.Now).Report.BoundNs; e > bound || r.Said.ClockClass != 6 {
					t.Fatalf("%v ppb, seed %d: true error %.0f ns, bound %.0f ns, class %d", quantum, seed, e, bound, r.Said.ClockClass)
				}
				worst = max(worst, e)
			}
			if t.Logf("%v ppb, seed %d: worst %.0f ns", quantum, seed, worst); worst > 80 {
				t.Errorf("%v ppb, seed %d: worst %.0f ns", quantum, seed, worst)
			}
		}
	}
}
