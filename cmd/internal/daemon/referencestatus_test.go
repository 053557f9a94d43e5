package daemon

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"bragi/board/sim"
	"bragi/cmd/internal/alarms"
	"bragi/cmd/internal/config"
	"bragi/cmd/internal/pipeline"
	"bragi/cmd/internal/status"
	"bragi/cmd/internal/virtual"
	"bragi/gnss/timescale"
	"bragi/gnss/ubx"
	"bragi/holdover"
	"bragi/holdover/quality"
)

const twoReceivers = `
[master]
address = "127.0.0.1"
[[reference]]
name = "roof"
kind = "gnss"
priority = 1
[[reference]]
name = "yard"
kind = "gnss"
priority = 2
`

// breaker is a board of software with two receivers that somebody breaks, and what an
// operator reads of it meanwhile.
type breaker struct {
	*virtual.Rig
	cfg     *config.Config
	yard    *sim.Board
	ordered bool              // the operator has chosen
	spoofed [2]timescale.Mono // since when the receiver says so; zero: it does not
	log     []string
	wrong   map[string]string
}

func newBreaker(t *testing.T, kind sim.Kind, seed uint64) *breaker {
	t.Helper()
	cfg, _, err := config.Parse("bragi.toml", []byte(twoReceivers), []string{"board.profile=sim"})
	if err != nil {
		t.Fatal(err)
	}
	pipe := virtual.Demo()
	pipe.Servo.Oscillator = map[sim.Kind]holdover.Oscillator{sim.XO: holdover.XO, sim.TCXO: holdover.TCXO, sim.OCXO: holdover.OCXO, sim.Rb: holdover.Rubidium}[kind]
	pipe.Servo.WaitToRestore = 30 * time.Second
	pipe.References, pipe.Rules, pipe.LimitNs = pipelineReferences(cfg), selectionRules(cfg), 500
	pipe.References[1].Receiver = pipe.Reference
	r := virtual.NewRig(t, pipe, sim.Config{Oscillator: kind, Receiver: sim.TimingUBX, Seed: seed, TimeToFix: 3 * time.Second})
	b := &breaker{Rig: r, cfg: cfg, wrong: map[string]string{}}
	b.yard = r.Another(sim.Config{Receiver: sim.TimingUBX, Seed: seed + 100, TimeToFix: 4 * time.Second})
	for _, one := range []*sim.Board{r.Board, b.yard} {
		b.setUp(one)
	}
	b.Watch = func() { b.read(pipe.Servo) }
	return b
}

// setUp lets a receiver tell what the daemon asks for: signs of a false sky.
func (b *breaker) setUp(one *sim.Board) {
	one.Receive(b.Now, 0, ubx.AppendMessage(nil, ubx.CfgVALSET, ubx.ValsetPayload(ubx.SetRAM, ubx.Item{Key: ubx.KeyMsgSecSIGUART1, Value: 1}, ubx.Item{Key: ubx.KeyMsgNavSTATUSUART1, Value: 1})))
}

// read holds all that an operator reads at one moment against each other.
func (b *breaker) read(servo holdover.Config) {
	look := b.Pipe.Look(b.Now)
	s, a := referencesStatus(look, b.cfg), look.Announcement
	says := func(ok bool, format string, values ...any) {
		if what := fmt.Sprintf(format, values...); !ok && b.wrong[format] == "" {
			b.wrong[format] = fmt.Sprintf("%v, class %d, %v %v, true error %.0f ns, bound %.0f ns: %s", b.Now.Sub(virtual.Begin).Round(time.Second), a.ClockClass, look.Report.State, look.Report.Why, b.TrueErrorNs(), look.Report.BoundNs, what)
			for _, r := range s.List {
				b.wrong[format] += fmt.Sprintf("; %s %s %s %q", r.Name, r.State, r.QL, r.Why)
			}
		}
	}
	locked := a.ClockClass == 6
	says(locked == (s.QL == "QL-PRC"), "the output's level is %s", s.QL)
	says(a.ClockClass > 7 || look.Report.BoundNs <= float64(servo.Spec), "class 6 or 7 with a bound outside the spec")
	says(locked == (look.Report.State == quality.Locked), "state and class")
	says(quality.AccuracyLimitNs(a.ClockAccuracy) >= look.Report.BoundNs+look.EgressNs || a.ClockAccuracy == quality.AccuracyUnknown, "the accuracy %#x does not hold the bound", a.ClockAccuracy)
	marks := map[string]int{}
	for _, r := range s.List {
		if marks[r.Mark]++; r.Kind == config.KindInternal {
			continue
		}
		says(r.Good == (r.State == "followed" || r.State == "good"), "it is %s, and good: %v", r.State, r.Good)
		says(!r.Good || r.QL != "QL-DNU" && r.QL != "QL-FAILED", "good, and %s", r.QL)
	}
	says(marks["#"] <= 1 && marks["*"] <= 1 && marks["&"] <= 1, "marks %v", marks)
	for _, r := range s.List {
		w := waits(look, r.Name)
		says(!strings.Contains(w, "the spec") || look.Report.State == quality.Relocking, "%s waits: %s", r.Name, w)
	}
	waits := waits(look, s.Followed)
	says(look.Forced || waits == "" || s.Followed == "internal" || len(look.References) == 0 || slices.ContainsFunc(s.List, func(r status.Reference) bool { return r.Followed && !r.Good }), "%s is followed, and the clock waits: %s", s.Followed, waits)
	for i, one := range []*sim.Board{b.Board, b.yard} {
		if since := b.spoofed[i]; one == nil || since.IsZero() || b.Now.Sub(since) < 5*time.Second {
			continue
		}
		says(slices.ContainsFunc(look.Troubles, func(r alarms.Raised) bool {
			return r.Code == alarms.Spoofing && strings.Contains(r.Detail, s.List[i].Name+": ")
		}), "%s is spoofed and no alarm names it", s.List[i].Name)
	}
	for _, r := range look.References {
		b.ordered = b.ordered || r.Order != pipeline.Automatic // then it may be the operator's error
	}
	says(b.ordered || math.IsNaN(look.Report.BoundNs) || !look.Report.EverLocked || math.Abs(b.TrueErrorNs()) <= look.Report.BoundNs, "the true error is outside the bound")
	for _, r := range s.List {
		if r.Kind == config.KindInternal {
			says(!locked || !r.Followed, "the oscillator is followed at class 6")
			continue
		}
		says(!r.Good || r.PulseAgeS == nil || *r.PulseAgeS <= 3.1, "good, and its last pulse is %.1f s old", value(r.PulseAgeS))
		says(!locked || !r.Followed || r.QL == "QL-PRC" && r.State == "followed" || r.State == "awaited", "class 6, and what is followed is %s", r.QL)
		says(!r.Followed || r.State == "followed" || r.State == "awaited" || r.State == "refused" || r.State == "odd" && r.Mark == "#", "it is followed and %s", r.State)
		says(r.QL != "QL-FAILED" || r.State == "failed" || r.State == "awaited", "failed by its level, and %s", r.State)
		says(r.State == "followed" || r.State == "good" || r.State == "selected" || r.State == "restoring" || r.Why != "", "it is %s, and nothing says why", r.State)
	}
	for _, raised := range look.Troubles {
		says(raised.Code != alarms.AnnounceLies, "an announcement that would have been a lie: %s", raised.Detail)
	}
	says(b.Steps <= 1, "the clock was stepped")
}

func value(v *float64) float64 {
	if v == nil {
		return math.NaN()
	}
	return *v
}

func (b *breaker) do(t *testing.T, random *rand.Rand) {
	t.Helper()
	board, name := b.Board, "roof"
	if random.IntN(2) == 0 {
		board, name = b.yard, "yard"
	}
	what := ""
	switch random.IntN(16) {
	case 14, 15:
		what = "power-cycled"
		board.PowerCycle()
		b.setUp(board) // as the daemon does
	case 0, 1:
		what = "cut"
		board.SetAntenna(false)
	case 2, 3, 4:
		what = "heal"
		b.spoofed[map[string]int{"roof": 0, "yard": 1}[name]] = timescale.Mono{}
		board.SetAntenna(true)
		board.Lie(sim.Lie{})
		board.SetSurroundings(1, 1)
	case 5:
		late := []float64{1000, -1000, 3300, 400, -1e6}[random.IntN(5)]
		what = fmt.Sprintf("late %g", late)
		board.Lie(sim.Lie{LateNs: late})
	case 6: // alone it would be followed in the end
		b.Pipe.ClearSwitch(b.Now) //nolint:errcheck // nothing may be ordered
		b.spoofed = [2]timescale.Mono{}
		for _, one := range []*sim.Board{b.Board, b.yard} {
			one.SetAntenna(true)
			one.Lie(sim.Lie{})
			one.SetSurroundings(1, 1)
		}
		b.Run(time.Duration(15+random.IntN(30)) * time.Second)
		what = "1 s ahead"
		board.Lie(sim.Lie{AheadS: 1})
		b.Run(time.Duration(1+random.IntN(30)) * time.Second)
		board.Lie(sim.Lie{})
	case 7:
		what = "spoofed"
		board.SetSurroundings(0, 3)
		if spoofed := &b.spoofed[map[string]int{"roof": 0, "yard": 1}[name]]; spoofed.IsZero() {
			*spoofed = b.Now
		}
	case 8:
		what = "manual"
		if err := b.Pipe.Switch(b.Now, name, false); err != nil {
			what += " refused"
		}
	case 9:
		what = "forced"
		if err := b.Pipe.Switch(b.Now, name, true); err != nil {
			t.Fatal(err)
		}
	case 10:
		what = "cleared"
		b.Pipe.ClearSwitch(b.Now) //nolint:errcheck // nothing may be ordered
	case 12:
		what = "holdover forced"
		b.Pipe.ForceHoldover(b.Now) //nolint:errcheck // it has locked, or there is nothing to hold
	case 13:
		what = "holdover released"
		b.Pipe.ReleaseHoldover(b.Now) //nolint:errcheck // likewise
	case 11:
		what = "restart"
		b.spoofed = [2]timescale.Mono{}
		if err := b.Restart(time.Duration(random.IntN(1800)) * time.Millisecond); err != nil {
			t.Fatal(err)
		}
	}
	b.log = append(b.log, fmt.Sprintf("%v %s %s", b.Now.Sub(virtual.Begin).Round(time.Second), name, what))
	b.Run(time.Duration(1+random.IntN(40)) * time.Second)
}

// Whatever befalls two receivers, nothing that an operator reads at one moment
// contradicts anything else: the class, the output's level, what is selected, how each
// reference is called, and the bound.
func TestWhatIsReadOfTwoReceiversNeverContradictsItself(t *testing.T) {
	for _, kind := range []sim.Kind{sim.XO, sim.TCXO, sim.OCXO} {
		for seed := range uint64(8) {
			t.Run(fmt.Sprintf("%v %d", kind, seed), func(t *testing.T) {
				t.Parallel()
				b := newBreaker(t, kind, seed+1)
				b.Run(3 * time.Minute)
				random := rand.New(rand.NewPCG(seed, 18))
				for range 24 {
					b.do(t, random)
				}
				for _, what := range b.wrong {
					t.Errorf("%s\nafter %v", what, b.log)
				}
			})
		}
	}
}
