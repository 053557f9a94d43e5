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

// honestWatch fails at class 6 of a liar, at a bound that does not hold the truth at class 6, at
// a step, and where the honest one is named.
func (p *pair) honestWatch(t *testing.T, liar, honest string) {
	t.Helper()
	steps, began := p.Steps, p.Now
	p.Watch = func() {
		look, since := p.Pipe.Look(p.Now), p.Now.Sub(began)
		if e := p.TrueErrorNs(); p.Steps != steps || p.Said.ClockClass == 6 && math.Abs(e) > look.Report.BoundNs {
			t.Fatalf("after %v: %d steps, class %d, true error %.0f ns, bound %.0f ns, %v", since, p.Steps-steps, p.Said.ClockClass, e, look.Report.BoundNs, look.Report.Why)
		}
		if l := p.look(honest); l.Odd {
			t.Fatalf("after %v: %s is named: %s", since, honest, l.Why)
		}
		if p.Said.ClockClass == 6 && p.followed() == liar {
			t.Fatalf("after %v: class 6 on %s", since, liar)
		}
	}
}

// What was odd before the operator forced it stays odd for as long as it lies: however long it
// was odd, over a restart and after the order is cleared, also when nobody else is left meanwhile.
func TestAForcedReferenceThatWasOddStaysOdd(t *testing.T) {
	for _, liar := range []string{"roof", "yard"} {
		for _, odd := range []time.Duration{8 * time.Second, 25 * time.Second, 90 * time.Second} {
			for _, age := range []time.Duration{30 * time.Second, 5 * time.Minute} {
				for _, restart := range []bool{false, true} {
					for _, clear := range []string{"kept", "cleared", "cleared while alone"} {
						t.Run(fmt.Sprintf("%s/odd for %v/locked %v/restart %t/%s", liar, odd, age, restart, clear), func(t *testing.T) {
							t.Parallel()
							forcesTheOdd(t, liar, odd, age, restart, clear)
						})
					}
				}
			}
		}
	}
}

func forcesTheOdd(t *testing.T, liar string, odd, age time.Duration, restart bool, clear string) {
	p := sentencePair(t, sim.OCXO)
	p.Until(2*time.Minute, "class 6", p.Class(6))
	p.Run(age)
	lies, right, honest := p.Board, p.yard, "yard"
	if liar == "yard" {
		lies, right, honest = p.yard, p.Board, "roof"
	}
	lies.Lie(sim.Lie{LateNs: 1000})
	p.Run(odd)
	if !p.look(liar).Odd {
		t.Fatalf("%s is not odd: %+v", liar, p.look(liar))
	}
	p.honestWatch(t, liar, honest)
	if err := p.Pipe.Switch(p.Now, liar, true); err != nil {
		t.Fatal(err)
	}
	p.Run(20 * time.Second)
	if clear == "cleared while alone" {
		right.SetAntenna(false)
		p.Run(20 * time.Second)
	}
	if restart {
		if err := p.Restart(time.Second); err != nil {
			t.Fatal(err)
		}
		p.Run(20 * time.Second)
	}
	if detail := alarmDetail(p.Rig, alarms.ReferenceOdd); !strings.Contains(detail, liar+" is ") {
		t.Errorf("forced: the alarm says %q", detail)
	}
	if clear == "kept" {
		p.Run(3 * time.Minute)
		if l := p.look(liar); !l.Odd || !l.Followed || p.Class(6)() {
			t.Errorf("forced: class %d, %+v", p.Said.ClockClass, l)
		}
	}
	if _, _, err := p.Pipe.ClearSwitch(p.Now); err != nil {
		t.Fatal(err)
	}
	p.Run(40 * time.Second)
	if l := p.look(liar); !l.Odd || l.Followed {
		t.Errorf("cleared: %+v", l)
	}
	right.SetAntenna(true)
	p.Run(4 * time.Minute)
	if l := p.look(liar); !l.Odd || p.followed() != honest || !p.Class(6)() {
		t.Errorf("follows %s, class %d, bound %.0f ns, true error %.0f ns, %v, %+v", p.followed(), p.Said.ClockClass, p.Report.BoundNs, p.TrueErrorNs(), p.Report.Why, l)
	}
	p.Watch = nil
	lies.Lie(sim.Lie{})
	p.Run(time.Minute)
	if l := p.look(liar); l.Odd {
		t.Errorf("the lie is over: %+v", l)
	}
}

// The operator's word that what he forced is right is taken: then the other one is odd.
func TestAcceptEndsTheVerdictOnAForcedReference(t *testing.T) {
	p := sentencePair(t, sim.OCXO)
	p.Until(2*time.Minute, "class 6", p.Class(6))
	p.Run(2 * time.Minute)
	p.yard.Lie(sim.Lie{LateNs: 1000})
	p.Run(30 * time.Second)
	if err := p.Pipe.Switch(p.Now, "yard", true); err != nil {
		t.Fatal(err)
	}
	p.Run(20 * time.Second)
	if forgotten, err := p.Pipe.AcceptReceiver(p.Now); err != nil || len(forgotten) == 0 {
		t.Fatalf("%q, %v", forgotten, err)
	}
	p.Run(3 * time.Minute)
	if roof, yard := p.look("roof"), p.look("yard"); yard.Odd || !yard.Followed || !roof.Odd || !p.Class(6)() {
		t.Errorf("class %d, %v, roof %+v, yard %+v", p.Said.ClockClass, p.Report.Why, roof, yard)
	}
}

// withPulse is the two receivers and a pulse alone, of a third antenna.
func withPulse(t *testing.T) (p *pair, puls *sim.Board) {
	t.Helper()
	cfg := twoReceivers()
	cfg.Servo.WaitToRestore = 6 * time.Second
	cfg.References = append(cfg.References[:2:2], pipeline.ReferenceConfig{Name: "puls", Kind: pipeline.PPS, Second: pipeline.FromClock, Priority: 30}, cfg.References[2])
	p = newPair(t, cfg, sim.OCXO, 3)
	return p, p.Another(sim.Config{Receiver: sim.Timing, Seed: 207, TimeToFix: 4 * time.Second})
}

// Three references of which two agree: the third one is outvoted, whoever was odd before, in
// whatever order they went and came, and however long the trouble lasted.
func TestTwoOfThreeThatAgreeAgainOutvoteTheThird(t *testing.T) {
	for _, c := range []struct{ cut, lies, was string }{{"roof", "yard", "puls"}, {"yard", "roof", "puls"}, {"roof", "puls", "yard"}, {"puls", "yard", "roof"}} {
		for _, alone := range []time.Duration{17 * time.Second, 45 * time.Second, 3 * time.Minute} {
			for _, restart := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s cut, %s lies, %s was odd/%v/restart %t", c.cut, c.lies, c.was, alone, restart), func(t *testing.T) {
					t.Parallel()
					p, puls := withPulse(t)
					boards := map[string]*sim.Board{"roof": p.Board, "yard": p.yard, "puls": puls}
					p.Until(2*time.Minute, "class 6", p.Class(6))
					p.Run(2 * time.Minute)
					boards[c.was].Lie(sim.Lie{LateNs: 1000})
					p.Run(8 * time.Second)
					if !p.look(c.was).Odd {
						t.Fatalf("%+v", p.look(c.was))
					}
					boards[c.cut].SetAntenna(false)
					p.Run(6 * time.Second)
					boards[c.lies].Lie(sim.Lie{LateNs: -2000})
					p.Run(alone)
					if restart {
						if err := p.Restart(time.Second); err != nil {
							t.Fatal(err)
						}
					}
					boards[c.cut].SetAntenna(true)
					p.Run(10 * time.Second)
					boards[c.was].Lie(sim.Lie{})
					p.Run(time.Minute)
					if d := p.Pipe.Look(p.Now).Dispute; d != "" || !p.look(c.lies).Odd || p.look(c.was).Odd || p.look(c.cut).Odd {
						t.Errorf("dispute %q, %s %+v", d, c.lies, p.look(c.lies))
					}
					p.Run(2 * time.Minute)
					if e := p.TrueErrorNs(); !p.Class(6)() || math.Abs(e) > p.Report.BoundNs || p.followed() == c.lies {
						t.Errorf("follows %s, class %d, true error %.0f ns, bound %.0f ns, %v", p.followed(), p.Said.ClockClass, e, p.Report.BoundNs, p.Report.Why)
					}
				})
			}
		}
	}
}

// Two that are believed and differ inside the limit: whichever is left, in a holdover, a forced
// one and after a restart, the bound holds the difference, until the other one is back and agrees.
func TestWhatBelievedReferencesDifferByIsInTheBoundAfterOneIsGone(t *testing.T) {
	for _, off := range []string{"roof", "yard"} {
		for _, first := range []string{"moved a moment ago", "moved long ago", "from the start"} {
			for _, then := range []string{"one is left", "restart", "both cut", "forced holdover", "restart in holdover"} {
				t.Run(off+" is off, "+first+"/"+then, func(t *testing.T) {
					t.Parallel()
					p := sentencePair(t, sim.OCXO)
					wrong, right := p.Board, p.yard
					if off == "yard" {
						wrong, right = p.yard, p.Board
					}
					lie := sim.Lie{LateNs: 400}
					if first == "from the start" {
						wrong.Lie(lie)
					}
					p.Until(10*time.Minute, "class 6", p.Class(6))
					p.Run(2 * time.Minute)
					if first != "from the start" {
						wrong.Lie(lie)
						p.Run(10 * time.Second)
					}
					if first == "moved long ago" {
						p.Run(17 * time.Minute)
					}
					last := math.Inf(1)
					p.Watch = func() {
						look := p.Pipe.Look(p.Now)
						if e := p.TrueErrorNs(); math.Abs(e) > look.Report.BoundNs {
							t.Fatalf("class %d, true error %.0f ns, bound %.0f ns, %v", p.Said.ClockClass, e, look.Report.BoundNs, look.Report.Why)
						}
						if !math.IsInf(last, 1) && look.Report.BoundNs < last/3 {
							t.Fatalf("the bound went from %.0f to %.0f ns", last, look.Report.BoundNs)
						}
						last = look.Report.BoundNs
					}
					right.SetAntenna(false)
					p.Run(90 * time.Second)
					restart := func() {
						if err := p.Restart(time.Second); err != nil {
							t.Fatal(err)
						}
					}
					switch then {
					case "restart":
						restart()
					case "both cut", "restart in holdover":
						wrong.SetAntenna(false)
						p.Run(20 * time.Second)
						if then != "both cut" {
							restart()
						}
					case "forced holdover":
						if err := p.Pipe.ForceHoldover(p.Now); err != nil {
							t.Fatal(err)
						}
					}
					p.Run(2 * time.Minute)
				})
			}
		}
	}
}

// What is told of an odd one is of now: its mean, who the others are, and that nothing is heard of
// it while its antenna is cut. It is still odd when it is back.
func TestWhatIsToldOfAnOddReferenceIsOfNow(t *testing.T) {
	p, puls := withPulse(t)
	p.Until(2*time.Minute, "class 6", p.Class(6))
	p.Run(2 * time.Minute)
	puls.Lie(sim.Lie{LateNs: 2000})
	p.Run(time.Minute)
	if l := p.look("puls"); !l.Odd || math.Abs(l.LevelNs-l.AheadNs) > 200 || !strings.HasSuffix(l.Why, "; the others agree") {
		t.Errorf("%+v", l)
	}
	p.yard.SetAntenna(false)
	p.Run(10 * time.Second)
	if l := p.look("puls"); !l.Odd || strings.Contains(l.Why, "the others agree;") || !strings.Contains(l.Why, "the others agreed") {
		t.Errorf("yard is cut: %+v", l)
	}
	puls.SetAntenna(false)
	p.Run(10 * time.Second)
	if l := p.look("puls"); !l.Odd || !l.Failed() || !strings.Contains(l.Why, "no pulse") || strings.Contains(alarmDetail(p.Rig, alarms.ReferenceOdd), "puls") || !strings.Contains(alarmDetail(p.Rig, alarms.ReferenceFailed), "puls: ") {
		t.Errorf("it is cut: %+v", l)
	}
	puls.SetAntenna(true)
	p.yard.SetAntenna(true)
	p.Run(30 * time.Second)
	if l := p.look("puls"); !l.Odd || l.Failed() {
		t.Errorf("it is back: %+v", l)
	}
}
