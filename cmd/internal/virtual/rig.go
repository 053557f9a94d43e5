package virtual

import (
	"encoding/json"
	"math"
	"time"

	"bragi/board"
	"bragi/board/sim"
	"bragi/cmd/internal/pipeline"
	"bragi/gnss"
	"bragi/gnss/timescale"
	"bragi/holdover"
	"bragi/holdover/quality"
)

// Tester is what a Rig needs of a test.
type Tester interface {
	Helper()
	Fatal(args ...any)
	Fatalf(format string, args ...any)
}

// Rig is a Grandmaster on the board of software: the daemon's assembly but for its
// goroutines, files and sockets.
type Rig struct {
	Grandmaster
	Board  *sim.Board
	Watch  func()                                // after each tick; nil: nobody does
	Hear   func(at timescale.Mono, chunk []byte) // the receiver's bytes, too
	Speak  func(sky timescale.TAI) []byte        // what the receiver says of the sky's second, in place of the board's own; nil: the board's
	Late   func(second int64) float64            // how late each pulse comes beside all else, ns; nil: no more
	Mute   bool                                  // the input of the pulse hears nothing
	Beside []*sim.Board                          // the receivers of other references than that of [gnss], in their order
	Walk   []uint8                               // classes announced, each once
	Steps  int                                   // of the clock

	t      Tester
	cfg    pipeline.Config
	tick   timescale.Mono // the next
	spoken int64          // the second that Speak was asked for last
}

// Clock is the board of software's PHC, as a Rig's Pipeline sees it.
type Clock struct{ Rig *Rig }

// Cross reads the clock now.
func (c Clock) Cross() (board.Cross, error) {
	return board.Cross{Local: c.Local(c.Rig.Now), Mono: c.Rig.Now}, nil
}

// AdjustFrequency steers it from now on.
func (c Clock) AdjustFrequency(ppb float64) (float64, error) {
	return c.Rig.Board.PHC().AdjustFrequency(c.Rig.Now, ppb)
}

// Step counts the steps.
func (c Clock) Step(deltaNs int64) error {
	c.Rig.Steps++
	c.Rig.Board.PHC().Step(c.Rig.Now, deltaNs)
	return nil
}

// Local is what it reads at m.
func (c Clock) Local(m timescale.Mono) timescale.Local { return c.Rig.Board.PHC().At(m) }

// Info says that it is no real one.
func (c Clock) Info() board.ClockInfo {
	return board.ClockInfo{Name: "sim", MaxPPB: sim.DefaultMaxPPB}
}

// Demo is what configs/sim.toml sets.
func Demo() pipeline.Config {
	servo := holdover.DefaultConfig()
	servo.Oscillator = holdover.OCXO
	servo.Learning, servo.Settle, servo.FreeRunAfter = 10*time.Second, 5*time.Second, 5*time.Second
	servo.MaxHoldover, servo.OnAcquire = time.Minute, holdover.AcquireStep
	return pipeline.Config{Servo: servo, Reference: gnss.ReferenceConfig{Floor: Floor}, EgressNs: pipeline.UnmeasuredEgressNs}
}

// NewRig starts a Pipeline on a board of software.
func NewRig(t Tester, cfg pipeline.Config, simulated sim.Config) *Rig {
	t.Helper()
	return NewRigAt(t, cfg, simulated, SkyAtBegin)
}

// NewRigAt begins at another time of the sky.
func NewRigAt(t Tester, cfg pipeline.Config, simulated sim.Config, sky timescale.TAI) *Rig {
	t.Helper()
	return NewRigWith(t, cfg, simulated, sky, func(c Clock) board.Clock { return c })
}

// NewRigWith puts another clock around the board's.
func NewRigWith(t Tester, cfg pipeline.Config, simulated sim.Config, sky timescale.TAI, around func(Clock) board.Clock) *Rig {
	t.Helper()
	r := &Rig{t: t, cfg: cfg, Grandmaster: Grandmaster{Now: Begin, Sky0: sky}, tick: Begin}
	var err error
	if r.Board, err = sim.New(simulated, r.Now, r.Sky(r.Now)); err != nil {
		t.Fatal(err)
	}
	r.Clock = around(Clock{r})
	if err := r.PowerOn(cfg); err != nil {
		t.Fatal(err)
	}
	return r
}

// Another puts a receiver beside the board's: that of the next reference of the list.
// Its antenna, and all that it tells, are its own; its pulse is stamped by the board's clock.
func (r *Rig) Another(simulated sim.Config) *sim.Board {
	r.t.Helper()
	b, err := sim.New(simulated, r.Now, r.Sky(r.Now))
	if err != nil {
		r.t.Fatal(err)
	}
	r.Beside = append(r.Beside, b)
	return b
}

// beside lets the other receivers come to next.
func (r *Rig) beside(next timescale.Mono) {
	for i, b := range r.Beside {
		for _, e := range b.Advance(next, r.Sky(next)) {
			switch e.Kind {
			case sim.PulseEdge:
				e.Edge.Local = r.Board.PHC().At(e.Edge.Mono)
				r.Pipe.EdgeOf(i+1, r.Now, e.Edge.Edge)
			case sim.ReceiverBytes:
				if r.cfg.References[i+1].Kind == pipeline.GNSS {
					r.Pipe.BytesOf(i+1, e.At, e.Bytes)
				}
			}
		}
	}
}

// Run lets d pass.
func (r *Rig) Run(d time.Duration) {
	for end := r.Now.Add(d); r.Now.Before(end); {
		next := r.Board.Next()
		if r.tick.Before(next) {
			next = r.tick
		}
		for _, b := range r.Beside {
			if n := b.Next(); n.Before(next) {
				next = n
			}
		}
		r.Now = next
		for _, e := range r.Board.Advance(next, r.Sky(next)) {
			switch e.Kind {
			case sim.PulseEdge:
				if r.Mute {
					continue
				}
				if r.Late != nil {
					e.Edge.Local = e.Edge.Local.Add(time.Duration(math.Round(r.Late((r.Sky(r.Now).Ns() + 5e8) / 1e9))))
				}
				r.Edge(r.Now, e.Edge.Edge)
			case sim.ReceiverBytes:
				if r.Speak != nil {
					e.Bytes = r.Says(r.Sky(e.At))
				}
				r.Pipe.Bytes(e.At, e.Bytes)
				if r.Hear != nil {
					r.Hear(e.At, e.Bytes)
				}
			}
		}
		r.beside(next)
		if r.Now.Before(r.tick) {
			continue
		}
		r.tick = r.tick.Add(pipeline.Every)
		r.Tick(r.Now)
		if len(r.Lies) > 0 {
			r.t.Fatalf("after %v, in state %v, Announce would have lied: %q", r.Now.Sub(Begin), r.Report.State, r.Lies)
		}
		r.consistent()
		if a := r.Said; a.Serve && (len(r.Walk) == 0 || r.Walk[len(r.Walk)-1] != a.ClockClass) {
			r.Walk = append(r.Walk, a.ClockClass)
		}
		if r.Watch != nil {
			r.Watch()
		}
	}
}

// consistent ends the test where state, class and bound say two things.
func (r *Rig) consistent() {
	profile, q := quality.Profiles[r.cfg.Profile], r.Report.Quality
	locked, inSpec := r.Said.ClockClass == profile.Locked, r.Said.ClockClass == profile.InSpec
	if locked != (r.Report.State == quality.Locked && r.Said.PTPTimescale) || locked && !q.AnyBound && !(r.Report.BoundNs <= q.SpecNs) || inSpec && !(r.Report.BoundNs <= q.SpecNs) {
		r.t.Fatalf("after %v: class %d in state %v with a bound of %.0f ns", r.Now.Sub(Begin), r.Said.ClockClass, r.Report.State, r.Report.BoundNs)
	}
}

// Says is the receiver's own burst once a second, whatever pieces the board's
// comes in.
func (r *Rig) Says(sky timescale.TAI) []byte {
	if second := sky.Ns() / 1e9; second != r.spoken {
		r.spoken = second
		return r.Speak(sky)
	}
	return nil
}

// Until lets time pass until ok, and fails the test after limit.
func (r *Rig) Until(limit time.Duration, what string, ok func() bool) time.Duration {
	r.t.Helper()
	from := r.Now
	for !ok() {
		if r.Now.Sub(from) > limit {
			r.t.Fatalf("after %v still not: %s; the clock says %+v", limit, what, r.Report)
		}
		r.Run(pipeline.Every)
	}
	return r.Now.Sub(from)
}

// Restart lets the Pipeline go through a file into a new one, while the board runs
// on alone for away.
func (r *Rig) Restart(away time.Duration) error {
	r.t.Helper()
	left, ok := r.Pipe.Save(r.Now)
	if !ok {
		r.t.Fatal("there is nothing to go on with")
	}
	text, err := json.Marshal(left)
	if err != nil {
		r.t.Fatal(err)
	}
	var s pipeline.State
	if err := json.Unmarshal(text, &s); err != nil {
		r.t.Fatal(err)
	}
	r.Now = r.Now.Add(away)
	r.Board.Advance(r.Now, r.Sky(r.Now)) // what the receiver says meanwhile is lost
	for _, b := range r.Beside {
		b.Advance(r.Now, r.Sky(r.Now))
	}
	r.Pipe = pipeline.New(r.cfg, r.Clock)
	r.tick = r.Now
	return r.Pipe.Resume(r.Now, s)
}

// TrueErrorNs is the clock less the sky's TAI.
func (r *Rig) TrueErrorNs() float64 { return r.Board.TrueErrorNs(r.Now, r.Sky(r.Now)) }

// Class tells whether c is announced.
func (r *Rig) Class(c uint8) func() bool {
	return func() bool { return r.Said.Serve && r.Said.ClockClass == c }
}
