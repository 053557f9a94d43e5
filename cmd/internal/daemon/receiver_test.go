package daemon

import (
	"errors"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"bragi/board/sim"
	"bragi/cmd/internal/config"
	"bragi/cmd/internal/virtual"
	"bragi/gnss/port"
	"bragi/gnss/setup"
	"bragi/gnss/timescale"
)

// setUp joins a set-up to the rig: five times a second, and after each chunk, it
// may write to the receiver. It returns the Machine and counts what it wrote.
func setUp(r *virtual.Rig, cfg setup.Config) (m *setup.Machine, written *int) {
	m, written = setup.New(cfg), new(int)
	m.Opened(r.Now, 0)
	speak := func() {
		text, _ := m.Next(r.Now)
		*written += len(text)
		r.Board.Receive(r.Now, 0, text)
	}
	r.Hear = func(at timescale.Mono, chunk []byte) {
		m.Feed(at, chunk)
		speak()
	}
	watch := r.Watch
	r.Watch = func() {
		speak()
		if watch != nil {
			watch()
		}
	}
	return m, written
}

// A u-blox from the factory becomes a timing receiver under a clock that locks
// meanwhile: NMEA gives way to UBX, survey-in to a fixed position, and the class
// never leaves 6 for it. The cable's delay is corrected once: neither the
// factory's 50 ns remain nor is it subtracted twice.
func TestReceiverFromFactoryToFixedPosition(t *testing.T) {
	const cable = 150 * time.Nanosecond
	for _, kind := range []sim.ReceiverKind{sim.M8T, sim.F9T} {
		for seed := range uint64(3) {
			cfg := virtual.Demo()
			cfg.Reference.AntennaDelay = cable
			r := virtual.NewRig(t, cfg, sim.Config{Oscillator: sim.OCXO, Receiver: kind, Seed: seed, StartOffset: 7 * time.Hour, TimeToFix: 3 * time.Second, AntennaDelay: cable, SurveySpeed: 20})
			m, _ := setUp(r, setup.Config{Survey: 20 * time.Minute, SurveyLimitM: 3})
			r.Until(30*time.Second, "class 6", r.Class(6))
			if s := m.Status(); s.State != setup.Watching || s.Mode.State != setup.ModeSurvey {
				t.Errorf("%v seed %d: at class 6 the receiver is %v, %v", kind, seed, s.State, s.Mode.State)
			}
			sentences := r.Pipe.Look(r.Now).Reference.Counters.Sentences
			r.Until(2*time.Minute, "a fixed position", func() bool { return m.Status().Mode.State == setup.ModeFixed })
			r.Run(2 * time.Minute)
			sum, n := 0.0, 0
			for range 60 {
				r.Run(time.Second)
				sum += r.TrueErrorNs()
				n++
				if bound := r.Pipe.Look(r.Now).Report.BoundNs; math.Abs(r.TrueErrorNs()) > bound {
					t.Fatalf("%v seed %d: true error %.0f ns outside the bound %.0f ns", kind, seed, r.TrueErrorNs(), bound)
				}
			}
			if mean := sum / float64(n); math.Abs(mean) > 30 {
				t.Errorf("%v seed %d: %.0f ns off on average: is the cable's delay corrected once?", kind, seed, mean)
			}
			if last := r.Walk[len(r.Walk)-1]; last != 6 || len(r.Walk) > 2 {
				t.Errorf("%v seed %d: classes %v", kind, seed, r.Walk)
			}
			if now := r.Pipe.Look(r.Now).Reference.Counters.Sentences; now != sentences {
				t.Errorf("%v seed %d: %d NMEA sentences after the set-up", kind, seed, now-sentences)
			}
			if p := m.Problems(); len(p) != 0 {
				t.Errorf("%v seed %d: %v", kind, seed, p)
			}
		}
	}
}

// A receiver that loses its power is back at class 6 by itself, its position
// fixed where it was; meanwhile the clock holds over.
func TestReceiverLosesItsPower(t *testing.T) {
	r := virtual.NewRig(t, virtual.Demo(), sim.Config{Oscillator: sim.OCXO, Receiver: sim.M8T, StartOffset: 7 * time.Hour, TimeToFix: 5 * time.Second, SurveySpeed: 100})
	m, _ := setUp(r, setup.Config{Survey: 20 * time.Minute, SurveyLimitM: 3})
	r.Until(time.Minute, "class 6 and a fixed position", func() bool { return r.Class(6)() && m.Status().Mode.State == setup.ModeFixed })
	r.Run(20 * time.Second) // learning
	r.Board.PowerCycle()
	r.Until(10*time.Second, "class 7", r.Class(7))
	r.Until(time.Minute, "class 6 and a fixed position again", func() bool { return r.Class(6)() && m.Status().Mode.State == setup.ModeFixed })
}

// What a receiver that was set up says of its sky and its antenna is heard: the
// clock holds over while the pulse still ticks, and 35 ns/s of a pulse that runs
// away under a fix still claimed do not reach it.
func TestSetUpReceiverWarnsOfItsSky(t *testing.T) {
	for _, kind := range []sim.ReceiverKind{sim.M8T, sim.F9T} {
		r := virtual.NewRig(t, virtual.Demo(), sim.Config{Oscillator: sim.OCXO, Receiver: kind, StartOffset: 7 * time.Hour, TimeToFix: 3 * time.Second,
			FixHold: 30 * time.Second, SurveySpeed: 100})
		m, _ := setUp(r, setup.Config{Survey: 20 * time.Minute, SurveyLimitM: 3})
		r.Until(time.Minute, "class 6 and a fixed position", func() bool { return r.Class(6)() && m.Status().Mode.State == setup.ModeFixed })
		r.Run(time.Minute)
		r.Board.SetSurroundings(0, 2)
		r.Until(5*time.Second, "class 7 when spoofing is indicated", r.Class(7))
		r.Board.SetSurroundings(0, 1)
		r.Until(2*time.Minute, "class 6 when it has ended", r.Class(6))
		r.Run(2 * time.Minute)
		r.Board.SetAntenna(false)
		r.Until(5*time.Second, "class 7 when the antenna is open, before the fix is lost", r.Class(7))
		r.Run(25 * time.Second)
		if off := math.Abs(r.TrueErrorNs()); off > 100 {
			t.Errorf("%v: %.0f ns off, half a minute after the antenna was cut", kind, off)
		}
	}
}

// A receiver that sends UBX alone, set up by its maker's program, is enough.
func TestUBXAloneWithoutSetUp(t *testing.T) {
	r := virtual.NewRig(t, virtual.Demo(), sim.Config{Oscillator: sim.OCXO, Receiver: sim.TimingUBX, Seed: 4, StartOffset: 7 * time.Hour, TimeToFix: 3 * time.Second})
	r.Until(30*time.Second, "class 6", r.Class(6))
	if n := r.Pipe.Look(r.Now).Reference.Counters.Sentences; n != 0 {
		t.Errorf("%d NMEA sentences came", n)
	}
}

// With configure = false, or protocol = "nmea", the port has nobody to write.
func TestConfigureFalseWritesNothing(t *testing.T) {
	for _, c := range []config.GNSS{{Configure: false, Protocol: "auto"}, {Configure: false, Protocol: "ubx"}, {Configure: true, Protocol: "nmea"}} {
		r := newReceiver(&config.Config{GNSS: c})
		if r.machine != nil {
			t.Errorf("%+v: there is somebody to write", c)
		}
		r.event(timescale.MonoFromNs(1e9), port.Event{Kind: port.Opened, Baud: 9600})
		r.feed(timescale.MonoFromNs(1e9), []byte("$GPTXT*00"))
		if s := r.status(); s.Setup != "left as it is" {
			t.Errorf("%+v", s)
		}
	}
}

// The surveyed position outlives the process; a file that is torn, or holds no
// place on earth, is told and not used.
func TestPositionIsKept(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lib", "position")
	if _, err := readPosition(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("without a file: %v", err)
	}
	want := setup.FromGeodetic(60.4, 5.3, 96)
	want.AccuracyM = 1.25
	if err := writePosition(path, want); err != nil {
		t.Fatal(err)
	}
	if got, err := readPosition(path); err != nil || got != want {
		t.Errorf("%v, %v", got, err)
	}
	if err := writePosition(path, setup.Position{ECEF: [3]int64{1, 2, 3}}); err != nil {
		t.Fatal(err)
	}
	if p, err := readPosition(path); err == nil || !p.IsZero() {
		t.Errorf("the earth's centre is taken: %v", p)
	}
	if err := os.WriteFile(path, []byte("bragi"), 0o600); err != nil {
		t.Fatal(err)
	}
	r := newReceiver(&config.Config{GNSS: config.GNSS{Configure: true, Protocol: "auto", PositionPath: path}})
	events, _ := r.events()
	if len(events) != 1 || !events[0].Bad() || !strings.Contains(events[0].Text, "surveyed again") {
		t.Errorf("a torn file is told as %+v", events)
	}
}
