package pipeline_test

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"bragi/board/sim"
	"bragi/cmd/internal/alarms"
	"bragi/cmd/internal/pipeline"
)

// One of two receivers of sentences says another time. The other one and the clock, which was
// locked, say the same: whatever was ordered, however long the clock was locked, over a
// restart and after the order is cleared, the served time does not step, class 6 is never
// wrong, and the honest receiver is never named.
func TestAReceiverThatJumpsIsTheOddOneForAsLongAsItStays(t *testing.T) {
	lies := map[string]sim.Lie{"1 s ahead": {AheadS: 1}, "1 s behind": {AheadS: -1}, "2 us late": {LateNs: 2000}}
	for _, order := range []pipeline.SwitchOrder{pipeline.Automatic, pipeline.Manual, pipeline.Forced} {
		for _, liar := range []string{"roof", "yard"} {
			for said, lie := range lies {
				for _, age := range []time.Duration{96 * time.Second, 5 * time.Minute} {
					for _, restart := range []bool{false, true} {
						for _, clear := range []bool{false, true} {
							if clear && order == pipeline.Automatic {
								continue
							}
							t.Run(fmt.Sprintf("%v/%s/%s/locked %v/restart %t/clear %t", order, liar, said, age, restart, clear), func(t *testing.T) {
								t.Parallel()
								jumps(t, order, liar, lie, age, restart, clear)
							})
						}
					}
				}
			}
		}
	}
}

// sentencePair is a pair of receivers of sentences, on a plain crystal or better.
func sentencePair(t *testing.T, kind sim.Kind) *pair {
	t.Helper()
	cfg := twoReceivers()
	cfg.Servo.WaitToRestore = 6 * time.Second
	p := newPair(t, cfg, kind, 3)
	*p.Board = *newReceiver(t, p, sim.Config{Oscillator: kind, Receiver: sim.Navigation, Seed: 3, TimeToFix: 3 * time.Second})
	p.yard = newReceiver(t, p, sim.Config{Receiver: sim.Navigation, Seed: 103, TimeToFix: 4 * time.Second})
	p.Beside[0] = p.yard
	return p
}

func newReceiver(t *testing.T, p *pair, cfg sim.Config) *sim.Board {
	t.Helper()
	b, err := sim.New(cfg, p.Now, p.Sky(p.Now))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func jumps(t *testing.T, order pipeline.SwitchOrder, liar string, lie sim.Lie, age time.Duration, restart, clear bool) {
	p := sentencePair(t, sim.XO)
	p.Until(2*time.Minute, "class 6", p.Class(6))
	p.Run(age)
	board, honest := p.Board, "yard"
	if liar == "yard" {
		board, honest = p.yard, "roof"
	}
	if order != pipeline.Automatic {
		if err := p.Pipe.Switch(p.Now, liar, order == pipeline.Forced); err != nil {
			t.Fatal(err)
		}
		p.Run(time.Second)
	}
	steps, named, told, began, cleared := p.Steps, false, false, p.Now, false
	second := lie.AheadS != 0
	p.Watch = func() {
		look, since := p.Pipe.Look(p.Now), p.Now.Sub(began)
		if e := p.TrueErrorNs(); p.Steps != steps || p.Said.ClockClass == 6 && math.Abs(e) > look.Report.BoundNs {
			t.Fatalf("after %v: %d steps, class %d, true error %.0f ns, bound %.0f ns, %v", since, p.Steps-steps, p.Said.ClockClass, e, look.Report.BoundNs, look.Report.Why)
		}
		if l := p.look(honest); l.Odd {
			t.Fatalf("after %v: %s is named: %s", since, honest, l.Why)
		}
		if order == pipeline.Forced && !cleared && since > 10*time.Second && p.Said.ClockClass == 6 {
			t.Fatalf("after %v: class 6 of what is forced and odd", since)
		}
		named = named || p.look(liar).Odd
		told = told || strings.Contains(alarmDetail(p.Rig, alarms.ReferenceOdd), liar+" is ")
	}
	board.Lie(lie)
	p.Run(12 * time.Second)
	if second && (!named || !told) {
		t.Errorf("%s is not named, %v", liar, p.Pipe.Look(p.Now).Troubles)
	}
	if second && p.Said.ClockClass > 7 {
		t.Errorf("class %d, bound %.0f ns, %v", p.Said.ClockClass, p.Report.BoundNs, p.Report.Why)
	}
	p.Run(18 * time.Second)
	if restart {
		if err := p.Restart(time.Second); err != nil {
			t.Fatal(err)
		}
	}
	p.Run(20 * time.Second)
	if clear && p.look(liar).Order != pipeline.Automatic {
		cleared = true
		if _, _, err := p.Pipe.ClearSwitch(p.Now); err != nil {
			t.Fatal(err)
		}
	}
	p.Run(4 * time.Minute)
	if l := p.look(liar); second && (!l.Odd || l.Followed) {
		t.Errorf("after four minutes %+v", l)
	}
	if second && (order != pipeline.Forced || clear) && (p.followed() != honest || !p.Class(6)()) {
		t.Errorf("follows %s, class %d, %v", p.followed(), p.Said.ClockClass, p.Report.Why)
	}
	cleared = true
	board.Lie(sim.Lie{})
	p.Run(3 * time.Minute)
	if l := p.look(liar); second && (l.Odd || !p.Class(6)()) {
		t.Errorf("the lie is over: class %d, %+v", p.Said.ClockClass, l)
	}
}

// The refusal does not end when nobody is left to contradict the liar, nor by a restart then.
// The operator's word alone lets it in, and names nobody as wrong by the clock that follows it.
func TestOnlyTheOperatorLetsARefusedSecondIn(t *testing.T) {
	for _, c := range []struct{ restart, alone bool }{{false, true}, {true, true}, {false, false}, {true, false}} {
		restart, alone := c.restart, c.alone
		p := sentencePair(t, sim.OCXO)
		p.Until(2*time.Minute, "class 6", p.Class(6))
		p.Run(2 * time.Minute)
		if err := p.Pipe.Switch(p.Now, "roof", true); err != nil {
			t.Fatal(err)
		}
		p.Board.Lie(sim.Lie{AheadS: 1})
		p.Run(20 * time.Second)
		p.yard.SetAntenna(!alone)
		p.Run(20 * time.Second)
		if restart {
			if err := p.Restart(time.Second); err != nil {
				t.Fatal(err)
			}
		}
		p.Run(3 * time.Minute)
		if e := p.TrueErrorNs(); math.Abs(e) > 1e6 || p.Said.ClockClass == 6 || !p.look("roof").Odd {
			t.Fatalf("restart %t, alone %t: class %d, true error %.0f ns, %+v", restart, alone, p.Said.ClockClass, e, p.look("roof"))
		}
		if forgotten, err := p.Pipe.AcceptReceiver(p.Now); err != nil || len(forgotten) == 0 {
			t.Fatalf("restart %t, alone %t: %q, %v", restart, alone, forgotten, err)
		}
		p.yard.SetAntenna(true)
		p.Until(2*time.Minute, "the second of roof", func() bool { return p.TrueErrorNs() > 9e8 })
		p.Run(2 * time.Minute)
		if l, yard := p.look("roof"), p.look("yard"); l.Odd || strings.Contains(yard.Why, "oscillator") {
			t.Errorf("restart %t, alone %t: roof %+v, yard %q", restart, alone, l, yard.Why)
		}
	}
}

// Two receivers that both counted the leap seconds of their firmware correct themselves, one
// after the other: the first one is refused only until the second one says the same.
func TestTwoReceiversThatCorrectThemselvesAreFollowed(t *testing.T) {
	for _, first := range []string{"roof", "yard"} {
		p := sentencePair(t, sim.OCXO)
		p.Board.Lie(sim.Lie{AheadS: 2})
		p.yard.Lie(sim.Lie{AheadS: 2})
		p.Until(2*time.Minute, "class 6", p.Class(6))
		p.Run(2 * time.Minute)
		boards := []*sim.Board{p.Board, p.yard}
		if first == "yard" {
			boards = []*sim.Board{p.yard, p.Board}
		}
		boards[0].Lie(sim.Lie{})
		p.Run(90 * time.Second)
		boards[1].Lie(sim.Lie{})
		p.Run(5 * time.Minute)
		if e := p.TrueErrorNs(); math.Abs(e) > 1000 || !p.Class(6)() || p.look("roof").Odd || p.look("yard").Odd {
			t.Errorf("%s first: true error %.0f ns, class %d, roof %+v, yard %+v", first, e, p.Said.ClockClass, p.look("roof"), p.look("yard"))
		}
	}
}

// A receiver that named another second when bragid restarted, and names the right one now, counts
// again within a minute: what its pulses were counted as before is worth nothing against another
// receiver, the clock and its own messages.
func TestAReceiverThatIsHealedIsNotHeldToItsOldCount(t *testing.T) {
	for _, ahead := range []int{2, -1} {
		for _, away := range []bool{false, true} {
			p := sentencePair(t, sim.OCXO)
			p.Until(2*time.Minute, "class 6", p.Class(6))
			p.Run(5 * time.Minute)
			p.yard.Lie(sim.Lie{AheadS: ahead})
			p.Run(30 * time.Second)
			p.Board.SetAntenna(false)
			p.Run(20 * time.Second)
			if err := p.Restart(time.Second); err != nil {
				t.Fatal(err)
			}
			p.Run(40 * time.Second)
			p.Board.SetAntenna(true)
			p.Run(40 * time.Second)
			if l := p.look("yard"); !l.Odd {
				t.Fatalf("ahead %d: %+v", ahead, l)
			}
			p.truthWatch(t, "roof")
			if away {
				p.yard.SetAntenna(false)
				p.Run(20 * time.Second)
			}
			p.yard.Lie(sim.Lie{})
			p.yard.SetAntenna(true)
			p.Run(time.Minute)
			if l := p.look("yard"); l.Odd || math.Abs(l.AheadNs) > 200 || !p.Class(6)() || alarmed(p.Rig, alarms.PulseDisagrees) {
				t.Errorf("ahead %d, cut meanwhile %t: class %d, %+v", ahead, away, p.Said.ClockClass, l)
			}
		}
	}
}
