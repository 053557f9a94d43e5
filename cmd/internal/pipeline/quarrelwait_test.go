package pipeline_test

import (
	"strings"
	"testing"
	"time"

	"bragi/board/sim"
)

// The operator's word ends the longer wait of one that failed again and again, and the screen tells why it waits.
func TestAcceptEndsTheLongerWaitToBeRestored(t *testing.T) {
	for _, name := range []string{"roof", ""} {
		t.Run("accept "+name, func(t *testing.T) {
			t.Parallel()
			p := newPair(t, twoReceivers(), sim.OCXO, 11)
			p.Until(4*time.Minute, "class 6", p.Class(6))
			p.Run(5 * time.Minute)
			for k := range 3 {
				p.Board.SetAntenna(false)
				p.Run(15 * time.Second)
				if p.Board.SetAntenna(true); k < 2 {
					p.Until(30*time.Minute, "counts", func() bool { return p.look("roof").Counts })
					p.Run(30 * time.Second)
				}
			}
			p.Run(2 * time.Minute)
			if l := p.look("roof"); l.Counts || l.WaitS < 1000 || !strings.Contains(l.Why, "failed again soon, 2 times") {
				t.Fatalf("%+v", l)
			}
			done, err := p.Pipe.Accept(p.Now, name)
			if err != nil || len(done.Names) != 1 || done.Names[0] != "roof" {
				t.Errorf("%+v, %v", done, err)
			}
			p.Run(5 * time.Second)
			if l := p.look("roof"); !l.Counts || l.Why != "" {
				t.Errorf("it waits: %+v", l)
			}
			if p.Run(time.Minute); !p.Class(6)() {
				t.Errorf("class %d", p.Said.ClockClass)
			}
		})
	}
}

// quarrelled is two of which one has differed, undecided, again and again, and that agree again.
func quarrelled(t *testing.T) *pair {
	t.Helper()
	cfg := twoReceivers()
	cfg.Servo.WaitToRestore = 0
	p := newPair(t, cfg, sim.XO, 5)
	p.Until(10*time.Minute, "class 6", p.Class(6))
	for range 3 {
		p.yard.Lie(sim.Lie{LateNs: 700})
		p.Run(90 * time.Second)
		p.yard.Lie(sim.Lie{})
		p.Until(6*time.Minute, "the dispute ends", func() bool { return p.Pipe.Look(p.Now).Dispute == "" })
	}
	p.yard.Lie(sim.Lie{LateNs: 700})
	p.Run(90 * time.Second)
	p.yard.Lie(sim.Lie{})
	p.Run(30 * time.Second)
	return p
}

// One bad pulse now and then does not begin the wait anew in which two must agree that have differed again and
// again. A restart keeps it, and its words tell how long it lasts, and what is left.
func TestOneBadPulseDoesNotBeginTheWaitToAgreeAnew(t *testing.T) {
	p := quarrelled(t)
	if words := p.Pipe.Look(p.Now).Dispute; !strings.Contains(words, "agree again") || !strings.Contains(words, "5m0s, that is in 4m30s") {
		t.Fatal(words)
	}
	p.restartWatched(t)
	p.Run(10 * time.Second)
	if words := p.Pipe.Look(p.Now).Dispute; !strings.Contains(words, "agree again") || !strings.Contains(words, "5m0s, that is in 4m") {
		t.Errorf("after a restart: %s", words)
	}
	for began := p.Now; p.Pipe.Look(p.Now).Dispute != ""; {
		p.Run(4 * time.Minute)
		p.yard.Lie(sim.Lie{LateNs: 700})
		p.Run(time.Second)
		p.yard.Lie(sim.Lie{})
		if p.Now.Sub(began) > 10*time.Minute {
			t.Fatalf("still: %s", p.Pipe.Look(p.Now).Dispute)
		}
	}
	p.Until(10*time.Minute, "class 6", p.Class(6))
}

// Two that differ in single pulses far apart in time do not dispute: a row ends after ten seconds.
func TestTwoBadPulsesMinutesApartAreNoRow(t *testing.T) {
	p := quarrelled(t)
	p.Until(6*time.Minute, "the dispute ends", func() bool { return p.Pipe.Look(p.Now).Dispute == "" })
	for range 6 {
		p.yard.Lie(sim.Lie{LateNs: 700})
		p.Run(time.Second)
		p.yard.Lie(sim.Lie{})
		p.Run(2 * time.Minute)
		if words := p.Pipe.Look(p.Now).Dispute; words != "" {
			t.Fatal(words)
		}
	}
}
