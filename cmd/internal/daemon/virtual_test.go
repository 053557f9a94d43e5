package daemon

import (
	"math"
	"testing"
	"time"

	"bragi/board"
	"bragi/board/sim"
	"bragi/gnss/timescale"
	"bragi/holdover"
	"bragi/holdover/quality"
)

// rig is the whole daemon but its sockets on the board of software, in virtual
// time.
type rig struct {
	t     *testing.T
	board *sim.Board
	pipe  *Pipeline
	now   timescale.Mono
	tick  timescale.Mono
	watch func()
	hear  func(at timescale.Mono, chunk []byte) // the receiver's bytes, too
	said  quality.Announcement
	walk  []uint8 // classes announced, each once
	steps int
	begin timescale.TAI // the sky's at the start
	// speak replaces what the receiver says of the second sky by what else it
	// could say; nil: the board's own receiver speaks.
	speak  func(sky timescale.TAI) []byte
	spoken int64                      // the second that it spoke of last
	late   func(second int64) float64 // how late each pulse comes beside all else, ns; nil: no more
}

// start is when virtual time begins: sky and raw time differ by a constant.
const start = 1000 * int64(time.Second)

var skyAtStart = timescale.Builtin().ToTAI(timescale.UTCFromNs(1795392000e9)) // 2026-11-23T00:00:00Z

func (r *rig) sky(m timescale.Mono) timescale.TAI {
	return r.begin.Add(m.Sub(timescale.MonoFromNs(start)))
}

// simClock is the board of software's PHC as the daemon sees it.
type simClock struct{ r *rig }

func (c simClock) Cross() (board.Cross, error) {
	return board.Cross{Local: c.Local(c.r.now), Mono: c.r.now}, nil
}

func (c simClock) AdjustFrequency(ppb float64) (float64, error) {
	return c.r.board.PHC().AdjustFrequency(c.r.now, ppb)
}

func (c simClock) Step(deltaNs int64) error {
	c.r.steps++
	c.r.board.PHC().Step(c.r.now, deltaNs)
	return nil
}

func (c simClock) Local(m timescale.Mono) timescale.Local { return c.r.board.PHC().At(m) }
func (c simClock) Info() board.ClockInfo {
	return board.ClockInfo{Name: "sim", MaxPPB: sim.DefaultMaxPPB}
}

// demo is what configs/sim.toml sets.
func demo() PipelineConfig {
	servo := holdover.DefaultConfig()
	servo.Oscillator = holdover.OCXO
	servo.Learning, servo.Settle, servo.FreeRunAfter = 10*time.Second, 5*time.Second, 5*time.Second
	servo.MaxHoldover, servo.OnAcquire = time.Minute, holdover.AcquireStep
	return PipelineConfig{Servo: servo, Floor: timescale.UTCFromNs(1795305600e9), EgressNs: softwareEgressNs}
}

func newRig(t *testing.T, cfg PipelineConfig, simulated sim.Config) *rig {
	t.Helper()
	return newRigAt(t, cfg, simulated, skyAtStart)
}

// newRigAt begins at another time of the sky.
func newRigAt(t *testing.T, cfg PipelineConfig, simulated sim.Config, begin timescale.TAI) *rig {
	t.Helper()
	r := &rig{t: t, now: timescale.MonoFromNs(start), begin: begin}
	var err error
	if r.board, err = sim.New(simulated, r.now, r.sky(r.now)); err != nil {
		t.Fatal(err)
	}
	r.pipe = NewPipeline(cfg, simClock{r})
	if err := r.pipe.Start(r.now, r.sky(r.now)); err != nil {
		t.Fatal(err)
	}
	r.tick = r.now
	return r
}

// run lets d pass.
func (r *rig) run(d time.Duration) {
	r.t.Helper()
	for end := r.now.Add(d); r.now.Before(end); {
		next := r.board.Next()
		if r.tick.Before(next) {
			next = r.tick
		}
		r.now = next
		for _, e := range r.board.Advance(next, r.sky(next)) {
			switch e.Kind {
			case sim.PulseEdge:
				if r.late != nil {
					e.Edge.Local = e.Edge.Local.Add(time.Duration(math.Round(r.late((r.sky(r.now).Ns() + 5e8) / 1e9))))
				}
				r.pipe.Edge(r.now, board.Edge{Local: e.Edge.Local, Mono: e.Edge.Mono, SigmaNs: e.Edge.SigmaNs, Seq: e.Edge.Seq})
			case sim.ReceiverBytes:
				if r.speak != nil {
					e.Bytes = r.says(r.sky(e.At))
				}
				r.pipe.Bytes(e.At, e.Bytes)
				if r.hear != nil {
					r.hear(e.At, e.Bytes)
				}
			}
		}
		if r.now.Before(r.tick) {
			continue
		}
		r.tick = r.tick.Add(tickEvery)
		r.pipe.Tick(r.now, r.said.Serve)
		r.said = r.pipe.Announcement(r.now)
		if class := r.said.ClockClass; r.said.Serve && (len(r.walk) == 0 || r.walk[len(r.walk)-1] != class) {
			r.walk = append(r.walk, class)
		}
		if r.watch != nil {
			r.watch()
		}
	}
}

// says is the receiver's own burst once a second, whatever pieces the board's
// comes in.
func (r *rig) says(sky timescale.TAI) []byte {
	if second := sky.Ns() / 1e9; second != r.spoken {
		r.spoken = second
		return r.speak(sky)
	}
	return nil
}

// until lets time pass until ok, and fails after limit.
func (r *rig) until(limit time.Duration, what string, ok func() bool) time.Duration {
	r.t.Helper()
	from := r.now
	for !ok() {
		if r.now.Sub(from) > limit {
			r.t.Fatalf("after %v still not: %s; the clock says %+v", limit, what, r.pipe.servo.Report(r.now))
		}
		r.run(tickEvery)
	}
	return r.now.Sub(from)
}

func (r *rig) trueErrorNs() float64 { return r.board.TrueErrorNs(r.now, r.sky(r.now)) }

func (r *rig) class(c uint8) func() bool {
	return func() bool { return r.said.Serve && r.said.ClockClass == c }
}

// From a receiver's bytes to class 6 within 30 s, then an antenna cut: 7, 52
// at max_holdover, and back to 6 by slewing. The true error never changes by
// more than 1 us between two seconds and stays inside the bound; the clock is
// stepped once, at the very start.
func TestAntennaWalkInVirtualTime(t *testing.T) {
	for _, kind := range []sim.Kind{sim.TCXO, sim.OCXO, sim.Rb} {
		for seed := range uint64(4) {
			cfg := demo()
			cfg.Servo.Oscillator = map[sim.Kind]holdover.Oscillator{sim.TCXO: holdover.TCXO, sim.OCXO: holdover.OCXO, sim.Rb: holdover.Rubidium}[kind]
			r := newRig(t, cfg, sim.Config{Oscillator: kind, Seed: seed, StartOffset: 7 * time.Hour, TimeToFix: 3 * time.Second})
			if took := r.until(30*time.Second, "class 6", r.class(6)); took < 8*time.Second {
				t.Errorf("%v seed %d: class 6 after %v: too soon to know", kind, seed, took)
			}
			steps := r.steps
			last, at := r.trueErrorNs(), r.now
			r.watch = func() {
				if r.now.Sub(at) >= time.Second {
					now := r.trueErrorNs()
					if math.Abs(now-last) > 1000 {
						t.Fatalf("%v seed %d: the true error went from %.0f to %.0f ns within a second", kind, seed, last, now)
					}
					last, at = now, r.now
				}
				if bound := r.pipe.servo.Report(r.now).BoundNs; math.Abs(r.trueErrorNs()) > bound {
					t.Fatalf("%v seed %d: true error %.0f ns outside the bound %.0f ns", kind, seed, r.trueErrorNs(), bound)
				}
			}
			r.run(2 * time.Minute)
			r.board.SetAntenna(false)
			r.until(10*time.Second, "class 7", r.class(7))
			r.until(2*time.Minute, "class 52", r.class(52))
			r.board.SetAntenna(true)
			r.until(2*time.Minute, "class 6 again", r.class(6))
			r.board.Glitch(time.Microsecond)
			r.run(30 * time.Second)
			if want := []uint8{6, 7, 52, 6}; !equal(r.walk, want) && !equal(r.walk, append([]uint8{58}, want...)) {
				t.Errorf("%v seed %d: classes %v, want %v", kind, seed, r.walk, want)
			}
			if r.steps != steps {
				t.Errorf("%v seed %d: %d steps after the first lock", kind, seed, r.steps-steps)
			}
		}
	}
}

func equal(a, b []uint8) bool { return string(a) == string(b) }

// Without an antenna the clock says 58 with the flags of a free run, never
// before free_run_after.
func TestFreeRunInVirtualTime(t *testing.T) {
	r := newRig(t, demo(), sim.Config{Oscillator: sim.OCXO, AntennaCut: true})
	r.run(4 * time.Second)
	if r.said.Serve {
		t.Fatal("serves before free_run_after")
	}
	r.run(3 * time.Second)
	a := r.said
	if !a.Serve || a.ClockClass != 58 || a.ClockAccuracy != 0xFE || a.PTPTimescale || a.TimeTraceable || a.FrequencyTraceable || a.CurrentUTCOffsetValid || a.TimeSource != 0xA0 {
		t.Errorf("announces %+v", a)
	}
}

// A clock whose date is surely past starts a free run from the best guess.
func TestFreeRunStartsFromAPlausibleDate(t *testing.T) {
	r := newRig(t, demo(), sim.Config{Oscillator: sim.OCXO, AntennaCut: true, StartOffset: -20 * 365 * 24 * time.Hour})
	if e := r.trueErrorNs(); math.Abs(e) > 1e6 {
		t.Errorf("starts %.0f s off", e/1e9)
	}
}

// unknownGrain is a clock whose hardware cuts corrections off to whole quanta, and
// whose driver is not known: what is asked for is told as applied.
type unknownGrain struct {
	simClock
	quantumPPB float64
}

func (c unknownGrain) AdjustFrequency(ppb float64) (float64, error) {
	_, err := c.simClock.AdjustFrequency(math.Trunc(ppb/c.quantumPPB) * c.quantumPPB)
	return ppb, err
}

// A grain that nobody tells, as coarse as CPTS's or the FEC's, or ten times that,
// is borne: class 6, a true error as without, and inside the bound.
func TestUnknownGrainIsBorne(t *testing.T) {
	for _, quantum := range []float64{0.466, 1, 10} {
		for seed := range uint64(4) {
			r := newRig(t, demo(), sim.Config{Oscillator: sim.OCXO, Receiver: sim.Timing, Seed: seed})
			r.pipe.clock = unknownGrain{simClock{r}, quantum}
			r.until(2*time.Minute, "class 6", r.class(6))
			r.run(time.Minute)
			worst := 0.0
			for range 600 {
				r.run(time.Second)
				e := math.Abs(r.trueErrorNs())
				if bound := r.pipe.servo.Report(r.now).BoundNs; e > bound || r.said.ClockClass != 6 {
					t.Fatalf("%v ppb, seed %d: true error %.0f ns, bound %.0f ns, class %d", quantum, seed, e, bound, r.said.ClockClass)
				}
				worst = max(worst, e)
			}
			if t.Logf("%v ppb, seed %d: worst %.0f ns", quantum, seed, worst); worst > 80 {
				t.Errorf("%v ppb, seed %d: worst %.0f ns", quantum, seed, worst)
			}
		}
	}
}
