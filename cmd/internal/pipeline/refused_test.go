package pipeline_test

import (
	"strings"
	"testing"
	"time"

	"bragi/board/sim"
	"bragi/cmd/internal/pipeline"
	"bragi/scripts/reflecttest"
)

// orders are the operator's, by their verbs.
var orders = map[string]func(p *pair) error{
	"clock accept receiver":   func(p *pair) error { _, err := p.Pipe.AcceptReceiver(p.Now); return err },
	"clock step":              func(p *pair) error { _, err := p.Pipe.StepClock(p.Now); return err },
	"holdover force":          func(p *pair) error { return p.Pipe.ForceHoldover(p.Now) },
	"holdover release":        func(p *pair) error { return p.Pipe.ReleaseHoldover(p.Now) },
	"drill holdover":          func(p *pair) error { return p.Pipe.StartDrill(p.Now, time.Minute) },
	"drill holdover, long":    func(p *pair) error { return p.Pipe.StartDrill(p.Now, 10000*time.Hour) },
	"reference switch":        func(p *pair) error { return p.Pipe.Switch(p.Now, "yard", false) },
	"reference switch, known": func(p *pair) error { return p.Pipe.Switch(p.Now, "cellar", true) },
	"reference switch, none":  func(p *pair) error { return p.Pipe.Switch(p.Now, "internal", true) },
	"reference clear":         func(p *pair) error { _, _, err := p.Pipe.ClearSwitch(p.Now); return err },
}

// standings are situations in which orders are refused, and which.
var standings = []struct {
	name    string
	begin   func(t *testing.T) *pair
	refused string
}{
	{"before the first time", func(t *testing.T) *pair {
		p := newPair(t, twoReceivers(), sim.OCXO, 8)
		p.Run(time.Second)
		return p
	}, "clock accept receiver, clock step, drill holdover, holdover force, holdover release, reference clear, reference switch"},
	{"locked", func(t *testing.T) *pair {
		p := newPair(t, twoReceivers(), sim.OCXO, 8)
		p.Until(2*time.Minute, "class 6", p.Class(6))
		p.Run(2 * time.Minute)
		return p
	}, "clock accept receiver, clock step, holdover release, reference clear"},
	{"without an antenna", func(t *testing.T) *pair {
		p := shortLock(t)
		p.Board.SetAntenna(false)
		p.yard.SetAntenna(false)
		p.Run(10 * time.Second)
		return p
	}, "clock accept receiver, clock step, drill holdover, holdover release, reference clear, reference switch"},
	{"back, and waiting after a short lock", shortLock,
		"clock accept receiver, clock step, drill holdover, holdover release, reference clear"},
	{"in a forced holdover", func(t *testing.T) *pair {
		p := shortLock(t)
		force(t, p.Rig)
		p.Run(10 * time.Second)
		return p
	}, "clock accept receiver, clock step, drill holdover, reference clear"},
	{"a cold receiver that has just found the time", func(t *testing.T) *pair {
		cold := &sentences{sees: true}
		r := sentenceRig(t, cold)
		r.Run(30 * time.Second)
		cold.fix = true
		r.Run(1500 * time.Millisecond)
		return &pair{Rig: r}
	}, "clock accept receiver, clock step, drill holdover, holdover force, holdover release, reference clear, reference switch"},
}

// shortLock is a clock that relocks, and waits: its last lock was short. It went out of
// spec meanwhile.
func shortLock(t *testing.T) *pair {
	cfg := twoReceivers()
	cfg.Servo.WaitToRestore, cfg.Servo.MaxHoldover = 5*time.Minute, 10*time.Second
	p := newPair(t, cfg, sim.OCXO, 8)
	antennas := func(ok bool) {
		p.Board.SetAntenna(ok)
		p.yard.SetAntenna(ok)
	}
	p.Until(2*time.Minute, "class 6", p.Class(6))
	p.Run(time.Minute)
	antennas(false)
	p.Run(20 * time.Second)
	antennas(true)
	p.Until(10*time.Minute, "class 6 again", p.Class(6))
	antennas(false)
	p.Until(time.Minute, "class 52", p.Class(52))
	antennas(true)
	p.Run(30 * time.Second)
	return p
}

// An order that is refused changes nothing: the clock is as one that was never asked,
// then and a minute later.
func TestARefusedOrderChangesNothing(t *testing.T) {
	for _, s := range standings {
		for verb, order := range orders {
			asked, other := s.begin(t), s.begin(t)
			err := order(asked)
			if err == nil {
				if strings.Contains(s.refused, verb) {
					t.Errorf("%s: %s is not refused", s.name, verb)
				}
				continue
			}
			if !strings.Contains(err.Error(), "fix: ") && !strings.Contains(err.Error(), "bragi show") && !strings.Contains(err.Error(), "locked in") {
				t.Errorf("%s: %s is refused without a word of what to do: %v", s.name, verb, err)
			}
			for _, after := range []time.Duration{0, time.Second, time.Minute} {
				asked.Run(after)
				other.Run(after)
				if d := differing(asked.Pipe, other.Pipe); len(d) > 0 {
					t.Errorf("%s: %s was refused (%v), and %v later other than unasked: %v", s.name, verb, err, after, d)
					break
				}
			}
			if asked.Said != other.Said {
				t.Errorf("%s: %s was refused, class %d, unasked %d", s.name, verb, asked.Said.ClockClass, other.Said.ClockClass)
			}
		}
	}
}

// differing are the paths of what two Pipelines do not have alike.
func differing(a, b *pipeline.Pipeline) []string { return reflecttest.Differing(a, b, "pipeline") }
