package pipeline_test

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"bragi/board/sim"
	"bragi/cmd/internal/alarms"
)

// truthWatch fails at class 6 or 7 of which the bound does not hold the truth, at class 6 while
// references differ undecided, at a step, and where an honest one is named.
func (p *pair) truthWatch(t *testing.T, honest ...string) {
	t.Helper()
	steps, began := p.Steps, p.Now
	p.Watch = func() {
		look, since, class := p.Pipe.Look(p.Now), p.Now.Sub(began), p.Said.ClockClass
		if e := p.TrueErrorNs(); p.Steps != steps || (class == 6 || class == 7) && math.Abs(e) > look.Report.BoundNs {
			t.Fatalf("after %v: %d steps, class %d, true error %.0f ns, bound %.0f ns, %v", since, p.Steps-steps, class, e, look.Report.BoundNs, look.Report.Why)
		}
		if look.Dispute != "" && class == 6 && alarmed(p.Rig, alarms.ReferencesDisagree) && since > 10*time.Second {
			t.Fatalf("after %v: class 6, %s", since, look.Dispute)
		}
		for _, name := range honest {
			if l := p.look(name); l.Odd {
				t.Fatalf("after %v: %s is named: %s", since, name, l.Why)
			}
		}
	}
}

// An order is no evidence. One of two receivers lies, is absent, or comes late; either is forced,
// before or after the lie; the order is cleared, bragid restarts: the honest one is never named,
// class 6 and 7 are never wrong, and when the lie is over the clock is back at class 6.
func TestNoOrderMakesAVerdict(t *testing.T) {
	kinds := []sim.Kind{sim.XO, sim.OCXO, sim.Rb}
	ages := []time.Duration{time.Minute, 4 * time.Minute, 6 * time.Minute, 30 * time.Minute}
	n := 0
	for _, liar := range []string{"roof", "yard"} {
		for _, comes := range []string{"absent at the start", "cut, and a restart", "present"} {
			for _, forced := range []string{"roof", "yard"} {
				for _, after := range []bool{false, true} {
					for _, age := range ages {
						kind, lie := kinds[n%len(kinds)], []float64{2000, -700}[n%2]
						n++
						t.Run(fmt.Sprintf("%s lies, %s/%s forced, after the lie %t/locked %v/%v", liar, comes, forced, after, age, kind), func(t *testing.T) {
							t.Parallel()
							p := sentencePair(t, kind)
							ordered(t, p, liar, comes, forced, after, age, lie)
						})
					}
				}
			}
		}
	}
}

func ordered(t *testing.T, p *pair, liar, comes, forced string, after bool, age time.Duration, lateNs float64) {
	lies, honest := p.Board, "yard"
	if liar == "yard" {
		lies, honest = p.yard, "roof"
	}
	restart := func() {
		t.Helper()
		watch := p.Watch
		p.Watch = nil
		if err := p.Restart(time.Second); err != nil {
			t.Fatal(err)
		}
		p.Watch = watch
	}
	force := func() {
		t.Helper()
		if err := p.Pipe.Switch(p.Now, forced, true); err != nil {
			t.Fatal(err)
		}
		p.Run(10 * time.Second)
	}
	if comes == "absent at the start" {
		lies.SetAntenna(false)
	}
	p.Until(4*time.Minute, "class 6", p.Class(6))
	p.Run(age)
	if comes == "cut, and a restart" {
		lies.SetAntenna(false)
		p.Run(10 * time.Second)
		restart()
		p.Run(20 * time.Second)
	}
	p.truthWatch(t, honest)
	if !after {
		force()
	}
	lies.Lie(sim.Lie{LateNs: lateNs})
	p.Run(time.Second)
	lies.SetAntenna(true)
	p.Run(40 * time.Second)
	if after {
		force()
	}
	p.Run(30 * time.Second)
	if other := map[string]string{"roof": "yard", "yard": "roof"}[forced]; !after {
		if err := p.Pipe.Switch(p.Now, other, true); err != nil {
			t.Fatal(err)
		}
		p.Run(30 * time.Second)
	}
	if _, _, err := p.Pipe.ClearSwitch(p.Now); err != nil {
		t.Fatal(err)
	}
	p.Run(time.Minute)
	restart()
	p.Run(3 * time.Minute)
	if l := p.look(liar); !l.Odd && p.Pipe.Look(p.Now).Dispute == "" && p.Class(6)() {
		t.Errorf("nobody is named at class 6: %+v", l)
	}
	p.Watch = nil
	lies.Lie(sim.Lie{})
	p.Until(12*time.Minute, "class 6", p.Class(6))
	p.Run(time.Minute)
	if e := math.Abs(p.TrueErrorNs()); e > p.Report.BoundNs || p.look("roof").Odd || p.look("yard").Odd || p.Pipe.Look(p.Now).Dispute != "" {
		t.Errorf("all is honest: true error %.0f ns, bound %.0f ns, roof %+v, yard %+v", e, p.Report.BoundNs, p.look("roof"), p.look("yard"))
	}
}

// Two that differ from the start, both forced in turn: nobody is named, and no class 6 comes, until
// the operator accepts the one that is followed. Then the other one is odd, also after a restart.
func TestOnlyAcceptEndsADispute(t *testing.T) {
	for _, right := range []string{"roof", "yard"} {
		p := newPair(t, twoReceivers(), sim.OCXO, 5)
		p.yard.Lie(sim.Lie{LateNs: 1000})
		p.Run(time.Minute)
		other := map[string]string{"roof": "yard", "yard": "roof"}[right]
		for _, name := range []string{other, right} {
			if err := p.Pipe.Switch(p.Now, name, true); err != nil {
				t.Fatal(err)
			}
			p.Run(2 * time.Minute)
			if look := p.Pipe.Look(p.Now); p.Class(6)() || look.Dispute == "" || p.look("roof").Odd || p.look("yard").Odd {
				t.Fatalf("%s forced: class %d, dispute %q, roof %+v, yard %+v", name, p.Said.ClockClass, look.Dispute, p.look("roof"), p.look("yard"))
			}
		}
		forgotten, err := p.Pipe.AcceptReceiver(p.Now)
		if text := strings.Join(forgotten, "; "); err != nil || !strings.Contains(text, "roof") || !strings.Contains(text, "yard") || !strings.HasSuffix(text, right+" is") {
			t.Fatalf("%q, %v", forgotten, err)
		}
		p.Until(2*time.Minute, "class 6", p.Class(6))
		if err := p.Restart(time.Second); err != nil {
			t.Fatal(err)
		}
		p.Run(2 * time.Minute)
		if l := p.look(other); !l.Odd || !strings.Contains(l.Why, "the operator accepted the other") || p.followed() != right || !p.Class(6)() {
			t.Errorf("follows %s, class %d, %+v", p.followed(), p.Said.ClockClass, l)
		}
	}
}

// One that was named is not pardoned because nobody is left to contradict it: not while it lies,
// however wide the clock's own bound grows. The clock holds over. It is pardoned when it is honest
// again while the clock would know a lie from that, or when the other one is back and agrees.
func TestAnOddOneIsNotPardonedByTheAbsenceOfTheOther(t *testing.T) {
	for _, late := range []float64{250, 300, 350, 1000} {
		for _, kind := range []sim.Kind{sim.XO, sim.OCXO} {
			t.Run(fmt.Sprintf("%.0f ns, %v", late, kind), func(t *testing.T) {
				t.Parallel()
				p := sentencePair(t, kind)
				p.Until(4*time.Minute, "class 6", p.Class(6))
				p.Run(6 * time.Minute)
				p.Board.Lie(sim.Lie{LateNs: late})
				p.Run(8 * time.Second)
				named := p.look("roof").Odd
				p.truthWatch(t, "yard")
				p.yard.SetAntenna(false)
				p.Run(40 * time.Minute)
				if l := p.look("roof"); named && (!l.Odd || l.Followed || p.Class(6)()) {
					t.Errorf("class %d, %+v", p.Said.ClockClass, l)
				}
				p.Watch = nil
				p.Board.Lie(sim.Lie{})
				p.yard.SetAntenna(true)
				p.Until(10*time.Minute, "class 6", p.Class(6))
				p.Run(time.Minute)
				if p.look("roof").Odd {
					t.Errorf("%+v", p.look("roof"))
				}
			})
		}
	}
}
