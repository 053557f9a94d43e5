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
	"bragi/holdover/quality"
)

// counted is what a clock has said while references differed.
type counted struct{ disputes, classes int }

// steady watches for what never may be: class 6 or 7 of which the bound does not hold the truth, class
// 6 in a dispute, a dispute without its alarm, that alarm without a dispute, and an honest one that is named.
func (p *pair) steady(t *testing.T, honest ...string) *counted {
	t.Helper()
	c, began, class, disputed := &counted{}, p.Now, p.Said.ClockClass, false
	p.Watch = func() {
		look, since := p.Pipe.Look(p.Now), p.Now.Sub(began)
		if e := p.TrueErrorNs(); p.Said.ClockClass < 8 && math.Abs(e) > look.Report.BoundNs {
			t.Fatalf("after %v: class %d, true error %.0f ns, bound %.0f ns, %v", since, p.Said.ClockClass, e, look.Report.BoundNs, look.Report.Why)
		}
		detail := alarmDetail(p.Rig, alarms.ReferencesDisagree)
		if is := look.Dispute != ""; is != (detail != "") || is && (p.Class(6)() || detail != look.Dispute) {
			t.Fatalf("after %v: class %d, dispute %q, alarm %q", since, p.Said.ClockClass, look.Dispute, detail)
		} else if is && !disputed {
			c.disputes++
		}
		if disputed = look.Dispute != ""; p.Said.ClockClass != class {
			c.classes++
		}
		class = p.Said.ClockClass
		for _, name := range honest {
			if l := p.look(name); l.Odd {
				t.Fatalf("after %v: %s is named: %s", since, name, l.Why)
			}
		}
	}
	return c
}

func (p *pair) restartWatched(t *testing.T) {
	t.Helper()
	watch := p.Watch
	p.Watch = nil
	if err := p.Restart(time.Second); err != nil {
		t.Fatal(err)
	}
	p.Watch = watch
}

// Two receivers lie alike, at once or one after the other, and the clock's own oscillator, or a third
// one, contradicts them. Whoever is forced, before or after: the honest one is never named, no class is
// wrong, and what nobody can decide is one dispute, which lasts. It ends with the lie.
func TestTwoThatLieAlikeAreOneDisputeThatLasts(t *testing.T) {
	us, ms100, s1, drift := sim.Lie{LateNs: 1000}, sim.Lie{LateNs: 1e8}, sim.Lie{AheadS: 1}, sim.Lie{DriftNs: 20}
	for _, c := range []struct {
		kind    sim.Kind
		n       int
		order   string
		lie     sim.Lie
		apart   time.Duration
		revert  bool // and without a wait to restore
		restart bool
		dispute bool // is there one?
	}{
		{sim.OCXO, 3, "none", us, time.Minute, false, false, true},
		{sim.OCXO, 3, "none", ms100, 0, true, false, true},
		{sim.OCXO, 3, "none", ms100, time.Minute, true, false, true},
		{sim.OCXO, 3, "none", s1, time.Minute, true, false, false},
		{sim.OCXO, 3, "liar, before the lie", ms100, 0, false, true, false},
		{sim.OCXO, 3, "liar, before the lie", drift, 0, false, false, true},
		{sim.OCXO, 3, "liar, after the first lie", sim.Lie{LateNs: 700}, 0, false, false, true},
		{sim.OCXO, 3, "liar, after the first lie", us, time.Minute, false, true, true},
		{sim.OCXO, 3, "liar, after the first lie", s1, 0, false, false, false},
		{sim.OCXO, 3, "liar, after both", us, time.Minute, false, false, true},
		{sim.OCXO, 3, "honest", us, time.Minute, false, true, true},
		{sim.OCXO, 3, "manual", us, time.Minute, true, false, true},
		{sim.TCXO, 3, "none", us, 0, true, true, true},
		{sim.TCXO, 3, "liar, after the first lie", us, 0, false, false, true},
		{sim.Rb, 3, "none", ms100, 0, true, false, true},
		{sim.Rb, 3, "liar, after the first lie", us, time.Minute, false, false, true},
		{sim.XO, 3, "none", ms100, 0, true, false, true},
		{sim.XO, 3, "liar, after the first lie", us, 0, false, true, true},
		{sim.OCXO, 2, "none", ms100, 0, false, false, false},
		{sim.OCXO, 2, "liar, before the lie", sim.Lie{LateNs: 700}, time.Minute, false, false, false},
		{sim.OCXO, 2, "liar, after the first lie", us, 0, true, true, false},
		{sim.OCXO, 2, "liar, after the first lie", ms100, 0, false, false, true},
		{sim.XO, 2, "liar, after the first lie", us, time.Minute, false, false, false},
	} {
		lie := fmt.Sprintf("%.0f ns, %+d s, %.0f ns/s", c.lie.LateNs, c.lie.AheadS, c.lie.DriftNs)
		t.Run(fmt.Sprintf("%v/%d receivers/%s/%s apart %v/revertive %t/restart %t", c.kind, c.n, c.order, lie, c.apart, c.revert, c.restart), func(t *testing.T) {
			t.Parallel()
			cfg := twoReceivers()
			if c.revert {
				cfg.Servo.WaitToRestore, cfg.Rules.Revertive = 0, true
			}
			var honest []string
			if c.n == 3 {
				honest = []string{"lab"}
				cfg.References = []pipeline.ReferenceConfig{cfg.References[0], cfg.References[1], {Name: "lab", Priority: 3, Receiver: cfg.Reference}, cfg.References[2]}
			}
			p := newPair(t, cfg, c.kind, 5)
			if c.n == 3 {
				p.Another(sim.Config{Receiver: sim.Timing, Seed: 205, TimeToFix: 4 * time.Second})
			}
			p.Until(4*time.Minute, "class 6", p.Class(6))
			p.Run(10 * time.Minute)
			order := func(when, name string, force bool) {
				if c.order == when {
					_ = p.Pipe.Switch(p.Now, name, force) // one that is odd already is not taken without force
				}
			}
			order("liar, before the lie", "yard", true)
			count := p.steady(t, honest...)
			p.Run(20 * time.Second)
			p.yard.Lie(c.lie)
			p.Run(time.Second)
			if c.order == "liar, after the first lie" {
				p.Run(19 * time.Second)
				order("liar, after the first lie", "yard", true)
			}
			p.Run(c.apart)
			p.Board.Lie(c.lie)
			p.Run(30 * time.Second)
			order("liar, after both", "yard", true)
			order("honest", "lab", true)
			order("manual", "yard", false)
			if c.restart {
				p.restartWatched(t)
			}
			p.Run(5 * time.Minute)
			if is := p.Pipe.Look(p.Now).Dispute != ""; is != c.dispute && c.n == 3 {
				t.Errorf("dispute %t: class %d, %q", is, p.Said.ClockClass, p.Pipe.Look(p.Now).Dispute)
			}
			p.Run(3 * time.Minute)
			if most := map[bool]int{false: 1, true: 2}[c.restart]; count.disputes > most || count.classes > 4 {
				t.Errorf("%d disputes, %d changes of the class: %v", count.disputes, count.classes, p.Walk)
			}
			if c.n != 3 || c.order == "liar, before the lie" && c.lie == ms100 {
				return // two that lie alike, with nobody else, are believed in the end; one that is forced at 100 ms costs the clock its frequency
			}
			p.Board.Lie(sim.Lie{})
			p.yard.Lie(sim.Lie{})
			_, _, _ = p.Pipe.ClearSwitch(p.Now)
			p.Until(8*time.Minute, "class 6", p.Class(6))
			p.Run(time.Minute)
			if look := p.Pipe.Look(p.Now); look.Dispute != "" || p.look("roof").Odd || p.look("yard").Odd || !p.Class(6)() {
				t.Errorf("the lie is over: class %d, %q, roof %+v, yard %+v", p.Said.ClockClass, look.Dispute, p.look("roof"), p.look("yard"))
			}
		})
	}
}

// disputed is three receivers of which two have the same lie, and the clock's memory agrees with lab alone.
func disputed(t *testing.T) (p *pair, boards map[string]*sim.Board) {
	t.Helper()
	p, boards = threeReceivers(t, sim.OCXO, 5)
	p.Until(4*time.Minute, "class 6", p.Class(6))
	p.Run(10 * time.Minute)
	boards["roof"].Lie(sim.Lie{LateNs: 1000})
	boards["yard"].Lie(sim.Lie{LateNs: 1000})
	p.Run(30 * time.Second)
	if p.Pipe.Look(p.Now).Dispute == "" {
		t.Fatal("there is no dispute")
	}
	return p, boards
}

// A dispute does not end because the honest one is gone, also over a restart: the two that lie are
// followed again when they are honest, while the clock's memory still tells that, or when the
// third one is back and agrees. If the two are gone, the third one is followed after five minutes.
func TestADisputeDoesNotEndBecauseOneSideIsGone(t *testing.T) {
	for _, heals := range []string{"the liars, soon", "the liars, when lab is back", "the liars are gone"} {
		t.Run(heals, func(t *testing.T) {
			t.Parallel()
			p, boards := disputed(t)
			p.steady(t, "lab")
			both := func(do func(b *sim.Board)) { do(boards["roof"]); do(boards["yard"]) }
			if heals == "the liars are gone" {
				both(func(b *sim.Board) { b.SetAntenna(false) })
				p.Until(8*time.Minute, "class 6", p.Class(6))
				if p.followed() != "lab" {
					t.Errorf("follows %s", p.followed())
				}
				return
			}
			boards["lab"].SetAntenna(false)
			p.Run(3 * time.Minute)
			p.restartWatched(t)
			if p.Run(time.Minute); heals == "the liars, when lab is back" {
				p.Run(15 * time.Minute)
			}
			if look := p.Pipe.Look(p.Now); !strings.Contains(look.Dispute, "roof") || !strings.Contains(look.Dispute, "lab") {
				t.Fatalf("class %d, dispute %q", p.Said.ClockClass, look.Dispute)
			}
			both(func(b *sim.Board) { b.Lie(sim.Lie{}) })
			if heals != "the liars, soon" {
				boards["lab"].SetAntenna(true)
			}
			p.Until(8*time.Minute, "class 6", p.Class(6))
		})
	}
}

// All that are heard may be odd at once: nobody is judged then, and the clock holds over.
func TestAllThatAreHeardMayBeOdd(t *testing.T) {
	p, boards := disputed(t)
	p.steady(t)
	boards["lab"].SetAntenna(false)
	p.Run(10 * time.Second)
	for _, name := range []string{"roof", "yard"} {
		boards[name].Lie(sim.Lie{AheadS: 1})
	}
	p.Run(time.Minute)
	if err := p.Pipe.Switch(p.Now, "yard", true); err != nil {
		t.Fatal(err)
	}
	p.Run(time.Minute)
	p.restartWatched(t)
	p.Run(time.Minute)
	if p.Class(6)() {
		t.Errorf("class 6, follows %s", p.followed())
	}
}

// One that is odd and alone is no disagreement of two: REFERENCE_ODD tells of it, and why the clock
// holds over.
func TestOneThatIsOddAndAloneIsNoDisagreement(t *testing.T) {
	p := newPair(t, twoReceivers(), sim.OCXO, 5)
	p.Until(4*time.Minute, "class 6", p.Class(6))
	p.Run(10 * time.Minute)
	p.steady(t, "yard")
	p.Board.Lie(sim.Lie{LateNs: 1000})
	p.Run(20 * time.Second)
	p.yard.SetAntenna(false)
	p.Run(10 * time.Minute)
	if !alarmed(p.Rig, alarms.ReferenceOdd) || p.Report.State != quality.HoldoverNoSpec {
		t.Errorf("%v, %v", p.Report.State, p.Pipe.Look(p.Now).Troubles)
	}
}

// In a dispute the operator names whom he believes, followed or not: that one is followed, those that
// differ are odd, also where bragid restarts in the same second. Without a name nobody is guessed.
func TestAcceptNamesWhomItBelieves(t *testing.T) {
	for _, c := range []struct{ name, odd string }{{"lab", "roof yard"}, {"yard", "lab"}, {"roof", "lab"}} {
		for _, restart := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/restart %t", c.name, restart), func(t *testing.T) {
				t.Parallel()
				p, _ := disputed(t)
				if _, err := p.Pipe.Accept(p.Now, ""); err == nil || !strings.Contains(err.Error(), "roof and yard and lab differ, and none is named (fix: bragi clock accept receiver NAME)") {
					t.Fatalf("%v", err)
				}
				for name, want := range map[string]string{"cellar": "no reference is named", "internal": "the oscillator"} {
					if _, err := p.Pipe.Accept(p.Now, name); err == nil || !strings.Contains(err.Error(), want) {
						t.Errorf("%s: %v", name, err)
					}
				}
				done, err := p.Pipe.Accept(p.Now, c.name)
				if err != nil || strings.Join(done.Names, " ") != c.name || len(done.Forgotten) == 0 {
					t.Fatalf("%+v, %v", done, err)
				}
				steps := p.Steps
				if restart {
					p.restartWatched(t)
				}
				p.Until(3*time.Minute, "class 6", p.Class(6))
				p.Run(2 * time.Minute)
				odd := ""
				for _, l := range p.Pipe.Look(p.Now).References {
					if l.Odd {
						odd += " " + l.Name
					}
				}
				if right := p.followed(); strings.TrimSpace(odd) != c.odd || strings.Contains(odd, right) || p.Steps != steps || !p.Class(6)() || p.Pipe.Look(p.Now).Dispute != "" {
					t.Errorf("follows %s, odd%s, class %d, %d steps, %v", right, odd, p.Said.ClockClass, p.Steps-steps, p.Report.Why)
				}
			})
		}
	}
}

// One that names another second has no pulses to compare: it is followed by force first.
func TestAcceptOfAnotherSecondTellsTheWay(t *testing.T) {
	p := sentencePair(t, sim.OCXO)
	p.Until(2*time.Minute, "class 6", p.Class(6))
	p.Run(2 * time.Minute)
	p.yard.Lie(sim.Lie{AheadS: 1})
	p.Run(30 * time.Second)
	if done, err := p.Pipe.Accept(p.Now, "yard"); err == nil || !strings.Contains(err.Error(), "bragi reference switch yard --force, and accept it then") {
		t.Fatalf("%+v, %v", done, err)
	}
	if err := p.Pipe.Switch(p.Now, "yard", true); err != nil {
		t.Fatal(err)
	}
	if done, err := p.Pipe.Accept(p.Now, ""); err != nil || strings.Join(done.Names, " ") != "yard" {
		t.Fatalf("%+v, %v", done, err)
	}
	p.Until(2*time.Minute, "the second of yard", func() bool { return p.TrueErrorNs() > 9e8 })
}

// One that is odd while the clock follows another one is accepted by its name, too.
func TestAcceptTakesTheOddOneFromTheOneThatIsFollowed(t *testing.T) {
	p := newPair(t, twoReceivers(), sim.OCXO, 5)
	p.Until(4*time.Minute, "class 6", p.Class(6))
	p.Run(10 * time.Minute)
	p.yard.Lie(sim.Lie{LateNs: 1000})
	p.Run(time.Minute)
	if err := p.Pipe.Switch(p.Now, "roof", true); err != nil {
		t.Fatal(err)
	}
	if _, err := p.Pipe.Accept(p.Now, "yard"); err == nil || !strings.Contains(err.Error(), "roof is followed by force (fix: bragi reference clear") {
		t.Errorf("%v", err)
	}
	if _, _, err := p.Pipe.ClearSwitch(p.Now); err != nil {
		t.Fatal(err)
	}
	done, err := p.Pipe.Accept(p.Now, "yard")
	if err != nil || strings.Join(done.Forgotten, "; ") != "that yard was the odd one" {
		t.Fatalf("%+v, %v", done, err)
	}
	p.Run(time.Second)
	p.Until(3*time.Minute, "class 6", p.Class(6))
	p.Run(time.Minute)
	if roof := p.look("roof"); p.followed() != "yard" || !roof.Odd || !strings.Contains(roof.Why, "the operator accepted the other") || math.Abs(p.TrueErrorNs()+1000) > 100 {
		t.Errorf("follows %s, true error %.0f ns, roof %+v", p.followed(), p.TrueErrorNs(), roof)
	}
}
