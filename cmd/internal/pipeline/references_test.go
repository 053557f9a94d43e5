package pipeline_test

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"bragi/board/sim"
	"bragi/cmd/internal/alarms"
	"bragi/cmd/internal/pipeline"
	"bragi/cmd/internal/virtual"
	"bragi/gnss/ubx"
	"bragi/holdover"
	"bragi/holdover/quality"
)

// pair is a board of software with two receivers, roof and yard, and the oscillator.
type pair struct {
	*virtual.Rig
	yard  *sim.Board
	worst float64 // ns that the true error changed by within a second, since watched
}

func twoReceivers() pipeline.Config {
	cfg := virtual.Demo()
	cfg.Servo.WaitToRestore = time.Minute
	cfg.References = []pipeline.ReferenceConfig{{Name: "roof", Priority: 1}, {Name: "yard", Priority: 2, Receiver: cfg.Reference}, {Name: "internal", Kind: pipeline.Internal, Priority: 251}}
	cfg.Rules = pipeline.Rules{HoldOff: 300 * time.Millisecond}
	cfg.LimitNs = 500
	return cfg
}

func newPair(t *testing.T, cfg pipeline.Config, kind sim.Kind, seed uint64) *pair {
	t.Helper()
	cfg.Servo.Oscillator = map[sim.Kind]holdover.Oscillator{sim.XO: holdover.XO, sim.TCXO: holdover.TCXO, sim.OCXO: holdover.OCXO, sim.Rb: holdover.Rubidium}[kind]
	r := virtual.NewRig(t, cfg, sim.Config{Oscillator: kind, Receiver: sim.Timing, Seed: seed, TimeToFix: 3 * time.Second})
	return &pair{Rig: r, yard: r.Another(sim.Config{Receiver: sim.Timing, Seed: seed + 100, TimeToFix: 4 * time.Second})}
}

// watch looks at the truth from now on: the served clock never steps, and its error is
// inside the bound.
func (p *pair) watch(t *testing.T) {
	t.Helper()
	last, at, steps := p.TrueErrorNs(), p.Now, p.Steps
	p.Watch = func() {
		e := p.TrueErrorNs()
		if p.Now.Sub(at) >= time.Second {
			p.worst = max(p.worst, math.Abs(e-last))
			last, at = e, p.Now
		}
		look := p.Pipe.Look(p.Now)
		if math.Abs(e) > look.Report.BoundNs {
			t.Fatalf("true error %.0f ns outside the bound %.0f ns, %v, %v", e, look.Report.BoundNs, look.Report.State, look.Report.Why)
		}
		if p.Steps != steps {
			t.Fatalf("stepped by %d ns", look.Report.LastStepNs)
		}
	}
}

func (p *pair) look(name string) pipeline.ReferenceLook {
	for _, l := range p.Pipe.Look(p.Now).References {
		if l.Name == name {
			return l
		}
	}
	return pipeline.ReferenceLook{}
}

func (p *pair) followed() string {
	for _, l := range p.Pipe.Look(p.Now).References {
		if l.Followed {
			return l.Name
		}
	}
	return ""
}

// Two receivers, one of which is cut, spoofed, 1 us off or 1 s off: the served clock does
// not step, stays at class 6 and inside its bound, follows the right one, and the odd one
// is named where it is one.
func TestOneOfTwoReceiversGoesWrong(t *testing.T) {
	wrong := map[string]struct {
		do    func(b *sim.Board)
		named string // in why it is not followed
		odd   bool
	}{
		"cut":                          {func(b *sim.Board) { b.SetAntenna(false) }, "no fix", false},
		"1 us late":                    {func(b *sim.Board) { b.Lie(sim.Lie{LateNs: 1000}) }, "behind", true},
		"1 us early":                   {func(b *sim.Board) { b.Lie(sim.Lie{LateNs: -1000}) }, " ahead of", true},
		"1 s off":                      {func(b *sim.Board) { b.Lie(sim.Lie{AheadS: 1}) }, "1s ahead of", true},
		"spoofed: it runs away":        {func(b *sim.Board) { b.Lie(sim.Lie{DriftNs: 35}) }, "behind", true},
		"spoofed: it runs away slowly": {func(b *sim.Board) { b.Lie(sim.Lie{DriftNs: 5}) }, "behind", true},
	}
	for name, c := range wrong {
		for _, which := range []string{"roof", "yard"} {
			t.Run(name+", "+which, func(t *testing.T) {
				t.Parallel()
				p := newPair(t, twoReceivers(), sim.OCXO, 3)
				p.Until(2*time.Minute, "class 6", p.Class(6))
				if p.followed() != "roof" {
					t.Fatalf("follows %s", p.followed())
				}
				p.Run(10 * time.Minute)
				p.watch(t)
				p.Run(10 * time.Second)
				board, right := p.Board, "yard"
				if which == "yard" {
					board, right = p.yard, "roof"
				}
				c.do(board)
				p.Run(5 * time.Minute)
				l := p.look(which)
				t.Logf("follows %s; %s: %q; class %d, worst %.1f ns in a second, true error %.0f ns, walk %v", p.followed(), which, l.Why, p.Said.ClockClass, p.worst, p.TrueErrorNs(), p.Walk)
				if p.followed() != right || l.Odd != c.odd || l.Counts || l.Why == "" || !strings.Contains(l.Why, c.named) {
					t.Errorf("follows %s; %+v", p.followed(), l)
				}
				if !p.Class(6)() {
					t.Errorf("class %d, %v", p.Said.ClockClass, p.Report.Why)
				}
				if p.worst > 50 {
					t.Errorf("the served clock moved by %.0f ns within a second", p.worst)
				}
				if e := math.Abs(p.TrueErrorNs()); e > 60 {
					t.Errorf("true error %.0f ns", e)
				}
			})
		}
	}
}

// Two receivers that disagree from the start, by a second or by a microsecond, when nothing
// knows better: no class 6, and an alarm that names both. The operator's word ends it, and no order is that.
func TestReceiversThatDisagreeFromTheStart(t *testing.T) {
	for name, lie := range map[string]sim.Lie{"1 s": {AheadS: 1}, "1 us": {LateNs: 1000}} {
		t.Run(name, func(t *testing.T) {
			p := newPair(t, twoReceivers(), sim.OCXO, 5)
			p.yard.Lie(lie)
			p.Run(3 * time.Minute)
			look := p.Pipe.Look(p.Now)
			if slices.Contains(p.Walk, 6) || !strings.Contains(look.Dispute, "roof") || !strings.Contains(look.Dispute, "yard") || !alarmed(p.Rig, alarms.ReferencesDisagree) {
				t.Fatalf("classes %v, %q, %v", p.Walk, look.Dispute, look.Troubles)
			}
			if err := p.Pipe.Switch(p.Now, "roof", false); err != nil {
				t.Fatal(err)
			}
			p.Run(30 * time.Second)
			if p.look("roof").Odd || p.look("yard").Odd || p.Class(6)() || p.Pipe.Look(p.Now).Dispute == "" {
				t.Fatalf("ordered: class %d, roof %+v, yard %+v", p.Said.ClockClass, p.look("roof"), p.look("yard"))
			}
			if _, err := p.Pipe.AcceptReceiver(p.Now); err != nil {
				t.Fatal(err)
			}
			p.Until(time.Minute, "class 6", p.Class(6))
			p.Run(time.Minute)
			if l := p.look("yard"); !l.Odd || p.followed() != "roof" || !p.Class(6)() || alarmed(p.Rig, alarms.ReferencesDisagree) {
				t.Errorf("follows %s, yard %+v, class %d", p.followed(), l, p.Said.ClockClass)
			}
		})
	}
}

// A receiver that comes when the clock has been locked for a while, and is 1 us or 1 s
// off, takes nothing away: the clock knows better.
func TestANewcomerThatIsOffIsTheOddOne(t *testing.T) {
	for name, lie := range map[string]sim.Lie{"1 s": {AheadS: -1}, "1 us": {LateNs: -1000}} {
		t.Run(name, func(t *testing.T) {
			p := newPair(t, twoReceivers(), sim.OCXO, 6)
			p.yard.SetAntenna(false)
			p.Until(2*time.Minute, "class 6", p.Class(6))
			p.Run(6 * time.Minute)
			p.watch(t)
			p.yard.Lie(lie)
			p.yard.SetAntenna(true)
			p.Run(2 * time.Minute)
			if l := p.look("yard"); !l.Odd || p.followed() != "roof" || !p.Class(6)() || len(p.Walk) > 2 {
				t.Errorf("follows %s, yard %+v, classes %v", p.followed(), l, p.Walk)
			}
		})
	}
}

// Switching between two good receivers takes the difference over, and lets it in by and
// by: the served clock does not step, and has the new one's time in the end.
func TestASwitchTakesTheDifferenceOver(t *testing.T) {
	cfg := twoReceivers()
	p := newPair(t, cfg, sim.OCXO, 7)
	p.yard.Lie(sim.Lie{LateNs: 200}) // a cable that nobody has set
	p.Until(2*time.Minute, "class 6", p.Class(6))
	p.Run(5 * time.Minute)
	p.watch(t)
	before := p.TrueErrorNs()
	if err := p.Pipe.Switch(p.Now, "yard", false); err != nil {
		t.Fatal(err)
	}
	p.Run(10 * time.Second)
	if l := p.look("yard"); p.followed() != "yard" || l.Order != pipeline.Manual || math.Abs(p.TrueErrorNs()-before) > 15 || !p.Class(6)() {
		t.Errorf("%+v, true error from %.0f to %.0f ns", l, before, p.TrueErrorNs())
	}
	p.Run(10 * time.Minute)
	t.Logf("true error from %.0f to %.0f ns, at most %.1f ns in a second", before, p.TrueErrorNs(), p.worst)
	if e := p.TrueErrorNs(); math.Abs(e+200) > 60 || p.worst > 5 || !p.Class(6)() {
		t.Errorf("true error %.0f ns, at most %.1f ns in a second, class %d", e, p.worst, p.Said.ClockClass)
	}
	// The manual switch ends when what it chose fails.
	p.yard.SetAntenna(false)
	p.Run(10 * time.Second)
	if l := p.look("yard"); p.followed() != "roof" || l.Order != pipeline.Automatic || !p.Class(6)() {
		t.Errorf("follows %s, %+v", p.followed(), l)
	}
}

// A forced reference that fails stays forced: holdover, and an alarm that tells whose order
// it is. Clearing it follows the good one.
func TestAForcedReferenceThatFails(t *testing.T) {
	p := newPair(t, twoReceivers(), sim.OCXO, 8)
	p.Until(2*time.Minute, "class 6", p.Class(6))
	p.Run(2 * time.Minute)
	if err := p.Pipe.Switch(p.Now, "yard", true); err != nil {
		t.Fatal(err)
	}
	p.Run(10 * time.Second)
	p.yard.SetAntenna(false)
	p.Run(30 * time.Second)
	if p.followed() != "internal" || !p.Class(7)() || !alarmed(p.Rig, alarms.ReferenceOrdered) || !alarmed(p.Rig, alarms.ReferenceFailed) {
		t.Errorf("follows %s, class %d, %v", p.followed(), p.Said.ClockClass, p.Pipe.Look(p.Now).Troubles)
	}
	if was, name, err := p.Pipe.ClearSwitch(p.Now); err != nil || was != pipeline.Forced || name != "yard" {
		t.Errorf("%v %s %v", was, name, err)
	}
	p.Run(30 * time.Second)
	if p.followed() != "roof" || !p.Class(6)() || alarmed(p.Rig, alarms.ReferenceOrdered) {
		t.Errorf("follows %s, class %d", p.followed(), p.Said.ClockClass)
	}
}

// The oscillator alone is followed by forcing holdover; no other verb does that.
func TestNobodySwitchesToTheOscillator(t *testing.T) {
	p := newPair(t, twoReceivers(), sim.OCXO, 8)
	p.Until(2*time.Minute, "class 6", p.Class(6))
	if err := p.Pipe.Switch(p.Now, "internal", true); err == nil || !strings.Contains(err.Error(), "bragi holdover force") {
		t.Fatal(err)
	}
	if err := p.Pipe.Switch(p.Now, "cellar", true); err == nil {
		t.Fatal("switched to what is not there")
	}
}

// A restart of bragid goes on with the reference that was followed, with the operator's
// order, with what was taken over, and with who is odd.
func TestARestartKeepsTheChoice(t *testing.T) {
	t.Run("manual", func(t *testing.T) { restartKeeps(t, false) })
	t.Run("forced", func(t *testing.T) { restartKeeps(t, true) })
}

func restartKeeps(t *testing.T, force bool) {
	order := map[bool]pipeline.SwitchOrder{false: pipeline.Manual, true: pipeline.Forced}[force]
	cfg := twoReceivers()
	cfg.References = append([]pipeline.ReferenceConfig{cfg.References[0], cfg.References[1], {Name: "lab", Kind: pipeline.PPS, Priority: 3}}, cfg.References[2])
	p := newPair(t, cfg, sim.OCXO, 12)
	lab := p.Another(sim.Config{Receiver: sim.Timing, Seed: 999})
	p.yard.Lie(sim.Lie{LateNs: 200})
	p.Until(2*time.Minute, "class 6", p.Class(6))
	p.Run(2 * time.Minute)
	lab.Lie(sim.Lie{LateNs: 2000})
	p.Run(10 * time.Second)
	if err := p.Pipe.Switch(p.Now, "yard", force); err != nil {
		t.Fatal(err)
	}
	p.Run(10 * time.Second)
	p.watch(t)
	for i := range 20 {
		if err := p.Restart(time.Duration(i%7) * 200 * time.Millisecond); err != nil {
			t.Fatal(err)
		}
		p.Run(3 * time.Second)
	}
	p.Run(5 * time.Minute)
	if l := p.look("yard"); p.followed() != "yard" || l.Order != order || !p.look("lab").Odd || p.look("roof").Odd || !p.Class(6)() || len(p.Walk) > 2 || p.worst > 10 {
		t.Errorf("follows %s, yard %+v, lab %+v, classes %v, worst %.0f", p.followed(), l, p.look("lab"), p.Walk, p.worst)
	}
}

// Pulses that miss are waited for while the receiver has the time, and no longer: a cut
// antenna ends class 6 within seconds, also where pulses missed a while ago.
func TestOnlyAReceiverThatHasTheTimeIsWaitedFor(t *testing.T) {
	for name, references := range map[string]int{"one receiver": 0, "of two": 3} {
		t.Run(name, func(t *testing.T) {
			cfg := twoReceivers()
			cfg.References = cfg.References[:references]
			p := newPair(t, cfg, sim.OCXO, 9)
			if references == 0 {
				p.Beside = nil
			}
			p.Until(2*time.Minute, "class 6", p.Class(6))
			p.yard.SetAntenna(false)
			p.Run(2 * time.Minute)
			missing := func(d time.Duration) {
				p.Mute = true
				p.Run(d)
				p.Mute = false
			}
			missing(5 * time.Second)
			p.Until(2*time.Minute, "class 6", p.Class(6))
			p.Run(30 * time.Second)
			p.Walk = nil
			missing(10 * time.Second)
			if !p.Class(6)() || len(p.Walk) > 1 {
				t.Errorf("pulses missed for ten seconds: classes %v, %v", p.Walk, p.Report.Why)
			}
			p.Run(30 * time.Second)
			p.Board.SetAntenna(false)
			p.Run(4 * time.Second)
			if !p.Class(7)() || references > 0 && p.followed() != "internal" {
				t.Errorf("four seconds after the cut: class %d, follows %q", p.Said.ClockClass, p.followed())
			}
		})
	}
}

// A receiver that says itself that it is spoofed is left at once where another one is
// good: class 6 stays.
func TestASpoofedReceiverIsLeftAtClass6(t *testing.T) {
	for _, kind := range []sim.Kind{sim.XO, sim.TCXO, sim.OCXO} {
		cfg := twoReceivers()
		cfg.Servo.Oscillator = map[sim.Kind]holdover.Oscillator{sim.XO: holdover.XO, sim.TCXO: holdover.TCXO, sim.OCXO: holdover.OCXO}[kind]
		r := virtual.NewRig(t, cfg, sim.Config{Oscillator: kind, Receiver: sim.TimingUBX, Seed: 3, TimeToFix: 3 * time.Second})
		p := &pair{Rig: r, yard: r.Another(sim.Config{Receiver: sim.TimingUBX, Seed: 103, TimeToFix: 4 * time.Second})}
		p.Board.Receive(p.Now, 0, ubx.AppendMessage(nil, ubx.CfgVALSET, ubx.ValsetPayload(ubx.SetRAM, ubx.Item{Key: ubx.KeyMsgNavSTATUSUART1, Value: 1})))
		p.Until(2*time.Minute, "class 6", p.Class(6))
		p.Run(2 * time.Minute)
		p.watch(t)
		p.Walk = nil
		p.Board.SetSurroundings(0, 3)
		p.Run(time.Minute)
		if l := p.look("roof"); p.followed() != "yard" || !p.Class(6)() || len(p.Walk) > 1 || l.Good || p.worst > 50 {
			t.Errorf("%v: follows %s, classes %v, moved by %.0f ns within a second, roof %+v", kind, p.followed(), p.Walk, p.worst, l)
		}
	}
}

// What is wrong with the receiver of [gnss] is told as what it is: minor, with the name of
// the reference that the time comes from, while there is one.
func TestAlarmsSayThatTheTimeComesFromAnotherReference(t *testing.T) {
	p := newPair(t, twoReceivers(), sim.OCXO, 9)
	p.Until(2*time.Minute, "class 6", p.Class(6))
	p.Run(time.Minute)
	alarm := func() (of alarms.Raised) {
		for _, r := range p.Pipe.Look(p.Now).Troubles {
			if r.Code == alarms.NoFix {
				of = r
			}
		}
		return of
	}
	p.Board.SetAntenna(false)
	p.Run(20 * time.Second)
	if r := alarm(); r.Instead != "yard" || !strings.HasPrefix(r.Detail, "roof: ") {
		t.Errorf("while yard is followed: %+v", r)
	}
	p.yard.SetAntenna(false)
	p.Run(20 * time.Second)
	if r := alarm(); r.Code == "" || r.Instead != "" {
		t.Errorf("while none is followed: %+v", r)
	}
}

// None left, and one back: holdover, and the same way back as with one receiver.
func TestNoReferenceLeft(t *testing.T) {
	p := newPair(t, twoReceivers(), sim.OCXO, 9)
	p.Until(2*time.Minute, "class 6", p.Class(6))
	p.Run(5 * time.Minute)
	p.watch(t)
	p.Board.SetAntenna(false)
	p.yard.SetAntenna(false)
	p.Run(20 * time.Second)
	if p.followed() != "internal" || !p.Class(7)() {
		t.Fatalf("follows %s, class %d", p.followed(), p.Said.ClockClass)
	}
	p.yard.SetAntenna(true)
	p.Until(30*time.Second, "class 6", p.Class(6))
	if p.followed() != "yard" {
		t.Errorf("follows %s", p.followed())
	}
}

// With three the odd one out is named, whoever is followed, and although the clock does
// not know: a plain crystal.
func TestOfThreeTheOddOneOutIsNamed(t *testing.T) {
	for _, which := range []string{"roof", "yard", "lab"} {
		t.Run(which, func(t *testing.T) {
			cfg := twoReceivers()
			lab := pipeline.ReferenceConfig{Name: "lab", Kind: pipeline.PPS, Priority: 3}
			cfg.References = []pipeline.ReferenceConfig{cfg.References[0], cfg.References[1], lab, cfg.References[2]}
			p := newPair(t, cfg, sim.XO, 10)
			third := p.Another(sim.Config{Receiver: sim.Timing, Seed: 999})
			p.Until(3*time.Minute, "class 6", p.Class(6))
			p.Run(2 * time.Minute)
			board := map[string]*sim.Board{"roof": p.Board, "yard": p.yard, "lab": third}[which]
			board.Lie(sim.Lie{LateNs: 3000})
			p.Run(20 * time.Second)
			for _, name := range []string{"roof", "yard", "lab"} {
				if l := p.look(name); l.Odd != (name == which) {
					t.Errorf("%s: %+v", name, l)
				}
			}
			if want := map[string]string{"roof": "yard", "yard": "roof", "lab": "roof"}[which]; p.followed() != want {
				t.Errorf("follows %s, want %s, class %d %v", p.followed(), want, p.Said.ClockClass, p.Report.Why)
			}
		})
	}
}

// An antenna that comes and goes: one change of the reference, and the served clock stays
// at class 6.
func TestAFlappingReceiverIsLeftAlone(t *testing.T) {
	p := newPair(t, twoReceivers(), sim.OCXO, 11)
	p.Until(2*time.Minute, "class 6", p.Class(6))
	p.Run(5 * time.Minute)
	p.watch(t)
	changes, last := 0, p.followed()
	for range 10 {
		p.Board.SetAntenna(false)
		p.Run(15 * time.Second)
		p.Board.SetAntenna(true)
		p.Run(20 * time.Second)
		if f := p.followed(); f != last {
			changes, last = changes+1, f
		}
	}
	if changes != 1 || last != "yard" || !p.Class(6)() || len(p.Walk) > 2 {
		t.Errorf("%d changes, now %s, classes %v", changes, last, p.Walk)
	}
	if p.Run(2 * time.Minute); !p.look("roof").Counts {
		t.Errorf("%+v", p.look("roof"))
	}
}

// accepted is a dispute that the operator ends, or does not.
func accepted(t *testing.T, followed bool) *virtual.Rig {
	p := newPair(t, twoReceivers(), sim.OCXO, 5)
	p.yard.Lie(sim.Lie{LateNs: 1000})
	p.Run(time.Minute)
	if followed {
		if _, err := p.Pipe.Accept(p.Now, "yard"); err != nil {
			t.Fatal(err)
		}
	}
	p.Run(time.Minute)
	return p.Rig
}

// cleared is an order that ends, or does not.
func cleared(t *testing.T, followed bool) *virtual.Rig {
	p := newPair(t, twoReceivers(), sim.OCXO, 5)
	p.Run(time.Minute)
	if err := p.Pipe.Switch(p.Now, "yard", true); err != nil {
		t.Fatal(err)
	}
	p.Run(10 * time.Second)
	if followed {
		p.Pipe.ClearSwitch(p.Now) //nolint:errcheck // nothing may be ordered
	}
	p.Run(time.Second)
	return p.Rig
}

// A pulse alone gets its second from the messages of the receiver, from the network, or
// from the clock that has locked. It keeps class 6 when the receiver is cut, and
// then timeSource says that it is no GNSS.
func TestAPulseAloneKeepsTheClockLocked(t *testing.T) {
	for name, from := range map[string]pipeline.SecondFrom{"the receiver's messages": pipeline.FromGNSS, "the network": pipeline.FromNetwork, "the clock": pipeline.FromClock} {
		t.Run(name, func(t *testing.T) {
			cfg := twoReceivers()
			cfg.References = []pipeline.ReferenceConfig{cfg.References[0], {Name: "lab", Kind: pipeline.PPS, Priority: 2, Second: from}, cfg.References[2]}
			r := virtual.NewRig(t, cfg, sim.Config{Oscillator: sim.OCXO, Receiver: sim.Timing, Seed: 4, TimeToFix: 20 * time.Second})
			p := &pair{Rig: r, yard: r.Another(sim.Config{Receiver: sim.Timing, Seed: 44})}
			if from == pipeline.FromNetwork {
				witness(r, func() time.Duration { return 20 * time.Millisecond })
			}
			if from == pipeline.FromNetwork { // it has a second before the receiver has
				p.Run(15 * time.Second)
				if p.look("lab").PulseAge > 2 || p.look("roof").Good {
					t.Fatalf("%+v", p.look("lab"))
				}
			}
			p.Until(2*time.Minute, "class 6", p.Class(6))
			p.Run(2 * time.Minute)
			p.watch(t)
			p.Board.SetAntenna(false)
			p.Run(2 * time.Minute)
			if p.followed() != "lab" || !p.Class(6)() || p.Said.TimeSource != quality.TimeSourceOther || len(p.Walk) > 2 || p.worst > 10 {
				t.Errorf("follows %s, classes %v, timeSource 0x%x, worst %.0f ns", p.followed(), p.Walk, p.Said.TimeSource, p.worst)
			}
		})
	}
}

// A false sky that pulls the followed receiver away by 1 ns a second is slower than the
// oscillator can tell. The bound grows with the difference, and beyond the limit nothing
// decides: no class 6, and both are named.
func TestAFalseSkyTooSlowForTheOscillatorIsInTheBound(t *testing.T) {
	for _, kind := range []sim.Kind{sim.TCXO, sim.OCXO} {
		p := newPair(t, twoReceivers(), kind, 21)
		p.Run(12 * time.Minute)
		p.watch(t)
		p.Board.Lie(sim.Lie{DriftNs: 1})
		p.Run(12 * time.Minute)
		if dispute := p.Pipe.Look(p.Now).Dispute; p.Class(6)() || !strings.Contains(dispute, "roof") || !strings.Contains(dispute, "yard") {
			t.Errorf("%v: class %d, %q", kind, p.Said.ClockClass, dispute)
		}
	}
}

// What nothing has decided stays undecided over a restart: one of two liars that is cut
// afterwards does not make the other one right.
func TestARestartDecidesNoDispute(t *testing.T) {
	p := newPair(t, twoReceivers(), sim.OCXO, 14)
	p.Until(2*time.Minute, "class 6", p.Class(6))
	p.Run(2 * time.Minute)
	p.Board.Lie(sim.Lie{LateNs: 1000})
	p.yard.Lie(sim.Lie{LateNs: -1000})
	p.Until(2*time.Minute, "nothing tells who is right", func() bool { return p.Pipe.Look(p.Now).Dispute != "" })
	if err := p.Restart(200 * time.Millisecond); err != nil {
		t.Fatal(err)
	}
	p.yard.SetAntenna(false)
	for range 60 {
		p.Run(time.Second)
		if p.Class(6)() || p.Pipe.Look(p.Now).Dispute == "" {
			t.Fatalf("class %d, true error %.0f ns, dispute %q", p.Said.ClockClass, p.TrueErrorNs(), p.Pipe.Look(p.Now).Dispute)
		}
	}
}

// What a receiver says against its own sky is an alarm with its name, whichever receiver it
// is, followed, forced or neither.
func TestTheSignsOfEachReceiverAreAlarmsWithItsName(t *testing.T) {
	signs := map[alarms.Code]struct{ jamming, spoofing byte }{alarms.Spoofing: {0, 3}, alarms.Jammed: {2, 0}}
	for code, sign := range signs {
		for _, which := range []string{"roof", "yard"} {
			for _, forced := range []string{"", "roof", "yard"} {
				t.Run(fmt.Sprintf("%s at %s, forced %q", code, which, forced), func(t *testing.T) {
					t.Parallel()
					cfg := twoReceivers()
					cfg.Servo.Oscillator = holdover.OCXO
					r := virtual.NewRig(t, cfg, sim.Config{Oscillator: sim.OCXO, Receiver: sim.TimingUBX, Seed: 3, TimeToFix: 3 * time.Second})
					p := &pair{Rig: r, yard: r.Another(sim.Config{Receiver: sim.TimingUBX, Seed: 103, TimeToFix: 4 * time.Second})}
					for _, b := range []*sim.Board{p.Board, p.yard} {
						b.Receive(p.Now, 0, ubx.AppendMessage(nil, ubx.CfgVALSET, ubx.ValsetPayload(ubx.SetRAM,
							ubx.Item{Key: ubx.KeyMsgNavSTATUSUART1, Value: 1}, ubx.Item{Key: ubx.KeyMsgMonRFUART1, Value: 1}, ubx.Item{Key: ubx.KeyItfmEnable, Value: 1})))
					}
					p.Until(2*time.Minute, "class 6", p.Class(6))
					p.Run(time.Minute)
					if forced != "" {
						if err := p.Pipe.Switch(p.Now, forced, true); err != nil {
							t.Fatal(err)
						}
					}
					map[string]*sim.Board{"roof": p.Board, "yard": p.yard}[which].SetSurroundings(sign.jamming, sign.spoofing)
					p.Run(30 * time.Second)
					look := p.Pipe.Look(p.Now)
					i := slices.IndexFunc(look.Troubles, func(r alarms.Raised) bool { return r.Code == code })
					if i < 0 {
						t.Fatalf("no alarm in %+v", look.Troubles)
					}
					other := map[string]string{"roof": "yard", "yard": "roof"}[which]
					instead := ""
					if p.followed() == other {
						instead = other
					}
					if got := look.Troubles[i]; !strings.HasPrefix(got.Detail, which+": ") || strings.Contains(got.Detail, other) || got.Instead != instead {
						t.Errorf("%+v, follows %s", got, p.followed())
					}
				})
			}
		}
	}
}

// Both receivers with one trouble are one alarm that names both, as grave as the gravest.
func TestOneAlarmNamesEachReceiverThatHasTheTrouble(t *testing.T) {
	r := virtual.NewRig(t, twoReceivers(), sim.Config{Oscillator: sim.OCXO, Receiver: sim.TimingUBX, Seed: 3, TimeToFix: 3 * time.Second})
	p := &pair{Rig: r, yard: r.Another(sim.Config{Receiver: sim.TimingUBX, Seed: 103, TimeToFix: 4 * time.Second})}
	for _, b := range []*sim.Board{p.Board, p.yard} {
		b.Receive(p.Now, 0, ubx.AppendMessage(nil, ubx.CfgVALSET, ubx.ValsetPayload(ubx.SetRAM, ubx.Item{Key: ubx.KeyMsgNavSTATUSUART1, Value: 1})))
	}
	p.Until(2*time.Minute, "class 6", p.Class(6))
	p.Board.SetSurroundings(0, 3)
	p.yard.SetSurroundings(0, 3)
	p.Run(30 * time.Second)
	for _, r := range p.Pipe.Look(p.Now).Troubles {
		if r.Code == alarms.Spoofing && (!strings.Contains(r.Detail, "roof: ") || !strings.Contains(r.Detail, "yard: ") || r.Instead != "") {
			t.Errorf("%+v", r)
		}
	}
	if !alarmed(p.Rig, alarms.Spoofing) {
		t.Error("no alarm")
	}
}

// An operator's order is no witness: a pulse that is forced and 2 us late is the odd one,
// and the honest ones are not. It is followed all the same, and the difference is in the
// bound: no class 6 outside the spec.
func TestAForcedReferenceIsNoWitnessAgainstTheOthers(t *testing.T) {
	for n := 2; n <= 3; n++ {
		for _, late := range []float64{2000, -2000, 800} {
			t.Run(fmt.Sprintf("one of %d, %.0f ns late", n, late), func(t *testing.T) {
				cfg := twoReceivers()
				lab := pipeline.ReferenceConfig{Name: "lab", Kind: pipeline.PPS, Priority: 3}
				cfg.References = []pipeline.ReferenceConfig{cfg.References[0], lab, cfg.References[2]}
				if n == 3 {
					cfg.References = []pipeline.ReferenceConfig{cfg.References[0], lab, twoReceivers().References[1], cfg.References[2]}
				}
				r := virtual.NewRig(t, cfg, sim.Config{Oscillator: sim.OCXO, Receiver: sim.Timing, Seed: 10, TimeToFix: 3 * time.Second})
				p := &pair{Rig: r, yard: r.Another(sim.Config{Receiver: sim.Timing, Seed: 999})}
				if n == 3 {
					p.Another(sim.Config{Receiver: sim.Timing, Seed: 77, TimeToFix: 4 * time.Second})
				}
				p.Until(3*time.Minute, "class 6", p.Class(6))
				p.Run(5 * time.Minute)
				if err := p.Pipe.Switch(p.Now, "lab", true); err != nil {
					t.Fatal(err)
				}
				p.Run(time.Minute)
				p.watch(t)
				p.yard.Lie(sim.Lie{LateNs: late})
				for range 600 {
					p.Run(time.Second)
					if p.look("roof").Odd || p.look("yard").Odd {
						t.Fatalf("an honest one is odd: %+v", p.look("roof"))
					}
				}
				look := p.Pipe.Look(p.Now)
				if l := p.look("lab"); !l.Odd || l.Order != pipeline.Forced || !alarmed(p.Rig, alarms.ReferenceOdd) {
					t.Errorf("lab %+v, %v", l, look.Troubles)
				}
				if !p.Class(52)() {
					t.Errorf("class %d of an odd one, true error %.0f ns, bound %.0f ns", p.Said.ClockClass, p.TrueErrorNs(), p.Report.BoundNs)
				}
			})
		}
	}
}

// Both receivers are off by the same: the clock refuses both, both are called so, and the
// alarm names both.
func TestReceiversThatAreRefusedTogetherAreNamedTogether(t *testing.T) {
	p := newPair(t, twoReceivers(), sim.OCXO, 3)
	p.Until(2*time.Minute, "class 6", p.Class(6))
	p.Run(10 * time.Minute)
	p.Board.Lie(sim.Lie{LateNs: 1000})
	p.yard.Lie(sim.Lie{LateNs: 1000})
	p.Until(time.Minute, "both are refused", func() bool { return p.look("roof").Refused })
	if l := p.look("yard"); !l.Refused || l.Why == "" {
		t.Errorf("yard %+v", l)
	}
	p.Run(5 * time.Second)
	for _, r := range p.Pipe.Look(p.Now).Troubles {
		if r.Code == alarms.PulseRejected && !strings.HasPrefix(r.Detail, "roof and yard: ") {
			t.Errorf("%+v", r)
		}
	}
	if !alarmed(p.Rig, alarms.PulseRejected) {
		t.Errorf("no alarm: %v", p.Pipe.Look(p.Now).Troubles)
	}
}
