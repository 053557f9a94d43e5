package setup_test

import (
	"strings"
	"testing"
	"time"

	"bragi/board/sim"
	"bragi/gnss/setup"
	"bragi/gnss/timescale"
	"bragi/gnss/ubx"
)

// bench is a Machine and a receiver of software on one line, in virtual time.
type bench struct {
	t       *testing.T
	board   *sim.Board
	machine *setup.Machine
	now     timescale.Mono
	written int // bytes
	writes  int // frames that set something
	events  []setup.Event
	deaf    bool // the receiver hears nothing: our TX is not wired
	baud    int  // of the host; 0: always the receiver's
}

var skyAtStart = timescale.Builtin().ToTAI(timescale.UTCFromNs(1795392000e9))

const begin = 1000 * int64(time.Second)

func newBench(t *testing.T, cfg setup.Config, simulated sim.Config) *bench {
	t.Helper()
	b := &bench{t: t, now: timescale.MonoFromNs(begin)}
	var err error
	if b.board, err = sim.New(simulated, b.now, skyAtStart); err != nil {
		t.Fatal(err)
	}
	b.machine = setup.New(cfg)
	b.machine.Opened(b.now, 0)
	return b
}

func (b *bench) sky() timescale.TAI { return skyAtStart.Add(b.now.Sub(timescale.MonoFromNs(begin))) }

// run lets d pass, the Machine being asked five times a second and after each
// chunk, as gnss/port does.
func (b *bench) run(d time.Duration) {
	tick := b.now
	for end := b.now.Add(d); b.now.Before(end); {
		next := b.board.Next()
		if tick.Before(next) {
			next = tick
		}
		b.now = next
		for _, e := range b.board.Advance(next, b.sky()) {
			if e.Kind == sim.ReceiverBytes {
				b.machine.Feed(e.At, e.Bytes)
				b.speak()
			}
		}
		if !b.now.Before(tick) {
			b.speak()
			tick = tick.Add(200 * time.Millisecond)
		}
	}
}

func (b *bench) speak() {
	text, baud := b.machine.Next(b.now)
	b.events = append(b.events, b.machine.Events()...)
	if len(text) == 0 {
		return
	}
	b.written += len(text)
	m, ok := ubx.Parse(text)
	if !ok {
		b.t.Fatalf("% X is no frame", text)
	}
	if m.Name() == ubx.CfgVALSET || m.Class == ubx.ClassCFG && m.Name() != ubx.CfgVALGET && len(m.Payload) > 2 {
		b.writes++
	}
	if !b.deaf {
		b.board.Receive(b.now, b.baud, text)
	}
	if baud != 0 {
		b.baud = baud
		b.board.SetHostBaud(baud)
	}
}

func (b *bench) until(limit time.Duration, what string, ok func() bool) time.Duration {
	b.t.Helper()
	from := b.now
	for !ok() {
		if b.now.Sub(from) > limit {
			b.t.Fatalf("after %v still not: %s; %+v", limit, what, b.machine.Status())
		}
		b.run(200 * time.Millisecond)
	}
	return b.now.Sub(from)
}

func (b *bench) count(k setup.EventKind) (n int) {
	for _, e := range b.events {
		if e.Kind == k {
			n++
		}
	}
	return n
}

func (b *bench) mode() setup.ModeState { return b.machine.Status().Mode.State }

func timing() setup.Config { return setup.Config{Survey: 20 * time.Minute, SurveyLimitM: 3} }

var generations = map[string]sim.ReceiverKind{"M8T": sim.M8T, "F9T": sim.F9T}

// From the factory to survey-in to a fixed position, by the older messages and
// by configuration items. The survey takes its 1200 s and what its limit needs;
// the position held is the one that was surveyed.
func TestAFactoryReceiverIsSetUpSurveyedAndFixed(t *testing.T) {
	for name, kind := range generations {
		b := newBench(t, timing(), sim.Config{Receiver: kind, Seed: 3, TimeToFix: 30 * time.Second})
		took := b.until(20*time.Second, "set up", func() bool { return b.machine.Status().State == setup.Watching })
		t.Logf("%s: set up in %v, %d bytes", name, took, b.written)
		for _, r := range b.machine.Status().Results {
			if r.Outcome.Bad() {
				t.Errorf("%s: %v", name, r)
			}
		}
		if p := b.machine.Problems(); len(p) > 0 {
			t.Errorf("%s: problems %v", name, p)
		}
		b.until(time.Minute, "a survey", func() bool { return b.mode() == setup.ModeSurvey })
		if took := b.until(30*time.Minute, "a fixed position", func() bool { return b.mode() == setup.ModeFixed }); took < 19*time.Minute {
			t.Errorf("%s: surveyed for %v only", name, took)
		}
		if mode, _ := b.board.Survey(); mode != ubx.TimeModeFixed {
			t.Errorf("%s: the receiver is in mode %d", name, mode)
		}
		var surveyed setup.Position
		for _, e := range b.events {
			if e.Kind == setup.Surveyed {
				surveyed = e.Position
			}
		}
		stands := setup.FromGeodetic(60+23.56810/60, 5+19.34270/60, 96.2)
		if d := surveyed.DistanceM(stands); d > 0.05 || surveyed.AccuracyM > 3 || surveyed.AccuracyM < 0.5 {
			t.Errorf("%s: surveyed %v, %.3f m off", name, surveyed, d)
		}
		if b.count(setup.SurveyBegun) != 1 || b.count(setup.Surveyed) != 1 || b.count(setup.FixedMode) != 1 || b.count(setup.StepFailed) != 0 {
			t.Errorf("%s: events %+v", name, b.events)
		}
	}
}

// A receiver that is set up already is read and not written to: its pulse goes
// on undisturbed when the program starts again.
func TestSetUpReceiverIsLeftAlone(t *testing.T) {
	for name, kind := range generations {
		b := newBench(t, timing(), sim.Config{Receiver: kind, SurveySpeed: 100})
		b.until(2*time.Minute, "a fixed position", func() bool { return b.mode() == setup.ModeFixed })
		if b.writes == 0 {
			t.Fatalf("%s: nothing was written to a factory receiver", name)
		}
		held := b.machine.Status().Mode.Mean
		b.writes = 0
		b.machine = setup.New(timing())
		b.machine.Opened(b.now, 0)
		b.until(time.Minute, "a fixed position", func() bool { return b.mode() == setup.ModeFixed })
		if b.writes != 0 {
			t.Errorf("%s: %d settings written again", name, b.writes)
		}
		if d := b.machine.Status().Mode.Mean.DistanceM(held); d > 0.01 {
			t.Errorf("%s: the position read back is %.3f m off", name, d)
		}
		for _, r := range b.machine.Status().Results {
			if r.Outcome != setup.Kept && r.Outcome != setup.Absent {
				t.Errorf("%s: %v", name, r)
			}
		}
	}
}

// A receiver that lost its power is noticed by the messages that no longer come,
// set up again, and fixed where it was surveyed before, without a new survey.
func TestAReceiverThatLostItsPowerIsFixedWithoutANewSurvey(t *testing.T) {
	for name, kind := range generations {
		b := newBench(t, timing(), sim.Config{Receiver: kind, SurveySpeed: 100, TimeToFix: 5 * time.Second})
		b.until(2*time.Minute, "a fixed position", func() bool { return b.mode() == setup.ModeFixed })
		b.board.PowerCycle()
		b.until(20*time.Second, "noticed", func() bool { return b.count(setup.SettingsLost) == 1 })
		b.until(time.Minute, "a fixed position again", func() bool { return b.mode() == setup.ModeFixed })
		if b.count(setup.Surveyed) != 1 || b.count(setup.SettingsLost) != 1 {
			t.Errorf("%s: %+v", name, b.events)
		}
	}
}

// A position from an earlier life is used when the antenna is still there, and
// thrown away when it is not.
func TestSurveyedPositionIsComparedFirst(t *testing.T) {
	cfg := timing()
	cfg.Position = setup.FromGeodetic(60+23.56810/60, 5+19.34270/60, 96.2)
	cfg.Position.AccuracyM = 1.2
	for name, kind := range generations {
		b := newBench(t, cfg, sim.Config{Receiver: kind, TimeToFix: 10 * time.Second})
		b.until(time.Minute, "fixed at once", func() bool { return b.mode() == setup.ModeFixed })
		if b.count(setup.Surveyed) != 0 || b.count(setup.SurveyBegun) != 0 {
			t.Errorf("%s: surveyed again: %+v", name, b.events)
		}
		b = newBench(t, cfg, sim.Config{Receiver: kind, TimeToFix: 10 * time.Second, NorthM: 150})
		b.until(time.Minute, "surveyed again", func() bool { return b.mode() == setup.ModeSurvey })
		if b.count(setup.Moved) != 1 || b.count(setup.FixedMode) != 0 {
			t.Errorf("%s: carried 150 m away: %+v", name, b.events)
		}
	}
	// Without a fix nothing is compared and nothing fixed.
	b := newBench(t, cfg, sim.Config{Receiver: sim.F9T, AntennaCut: true})
	b.run(5 * time.Minute)
	if b.mode() != setup.ModeComparing {
		t.Errorf("without a fix: %v", b.mode())
	}
}

// What a receiver refuses is told by name, and the rest is set all the same.
func TestRefusalsAreToldAndTheRestIsSet(t *testing.T) {
	for name, kind := range generations {
		b := newBench(t, timing(), sim.Config{Receiver: kind, Refuse: []ubx.Key{ubx.KeyDynModel, ubx.KeyItfmEnable}})
		b.until(time.Minute, "set up", func() bool { return b.machine.Status().State == setup.Watching })
		problems := strings.Join(b.machine.Problems(), "; ")
		if problems != "stationary model: refused" || b.count(setup.StepFailed) != 1 {
			t.Errorf("%s: problems %q, events %+v", name, problems, b.events)
		}
		b.until(time.Minute, "a survey all the same", func() bool { return b.mode() == setup.ModeSurvey })

		b = newBench(t, timing(), sim.Config{Receiver: kind, Refuse: []ubx.Key{ubx.KeyTmodeMode}})
		b.until(time.Minute, "told", func() bool { return len(b.machine.Problems()) > 0 })
		if p := b.machine.Problems(); p[0] != "survey-in: refused" {
			t.Errorf("%s: %v", name, p)
		}
		// Tried again, ever more seldom: 15 s, 30 s, 1 min, ...; told once, and the
		// fault stands meanwhile.
		for range 600 {
			b.run(time.Second)
			if p := b.machine.Problems(); len(p) != 1 || p[0] != "survey-in: refused" {
				t.Fatalf("%s: %v while it is tried again", name, p)
			}
		}
		if told, tried := b.count(setup.StepFailed), b.count(setup.Done); told != 1 || tried < 4 || tried > 7 {
			t.Errorf("%s: told %d times, tried %d times in 10 minutes", name, told, tried)
		}
	}
}

// at opens the bench's line at a rate that was found by listening.
func (b *bench) at(baud int) {
	b.baud = baud
	b.board.SetHostBaud(baud)
	b.machine.Opened(b.now, baud)
}

// A slow line is made faster once all else is set; a receiver that does not come
// along is told to stay, and not asked again. One that is fast enough is left.
func TestSlowLineIsRaised(t *testing.T) {
	watching := func(b *bench) func() bool {
		return func() bool { return b.machine.Status().State == setup.Watching }
	}
	b := newBench(t, timing(), sim.Config{Receiver: sim.M8T})
	b.at(9600)
	b.until(time.Minute, "set up", watching(b))
	if results := b.machine.Status().Results; b.baud != 38_400 || b.machine.Baud() != 38_400 || results[len(results)-1].String() != "38400 baud: set" {
		t.Errorf("at %d baud: %v", b.baud, results)
	}
	b.until(time.Minute, "a survey at the new rate", func() bool { return b.mode() == setup.ModeSurvey })

	b = newBench(t, timing(), sim.Config{Receiver: sim.M8T, Refuse: []ubx.Key{ubx.KeyUART1Baud}})
	b.at(9600)
	b.until(time.Minute, "set up", watching(b))
	results := b.machine.Status().Results
	if last := results[len(results)-1]; b.baud != 9600 || last.Outcome.Bad() || !strings.Contains(last.Detail, "stays at 9600") {
		t.Errorf("at %d baud: %v", b.baud, results)
	}
	b.until(time.Minute, "a survey at the old rate", func() bool { return b.mode() == setup.ModeSurvey })

	// The rate was lost over it and found again: that is not tried twice.
	b = newBench(t, timing(), sim.Config{Receiver: sim.M8T})
	b.at(9600)
	b.until(time.Minute, "raised", func() bool { return b.baud == 38_400 })
	b.board.PowerCycle()
	b.at(9600)
	b.until(time.Minute, "set up", watching(b))
	if b.baud != 9600 {
		t.Errorf("at %d baud after the rate was lost", b.baud)
	}

	b = newBench(t, timing(), sim.Config{Receiver: sim.F9T})
	b.at(38_400)
	b.until(time.Minute, "set up", watching(b))
	if b.baud != 38_400 || len(b.machine.Problems()) != 0 {
		t.Errorf("at %d baud: %v", b.baud, b.machine.Problems())
	}
}

// A receiver that is no u-blox is asked five times, and then never again.
func TestAReceiverThatIsNoUBloxIsAskedFiveTimesOnly(t *testing.T) {
	b := newBench(t, timing(), sim.Config{Receiver: sim.Navigation})
	b.until(20*time.Second, "given up", func() bool { return b.machine.Status().State == setup.Foreign })
	if b.written != 5*8 || b.count(setup.NotUBlox) != 1 || len(b.machine.Problems()) != 0 {
		t.Errorf("%d bytes written, events %+v", b.written, b.events)
	}
	b.run(time.Hour)
	if b.written != 40 {
		t.Errorf("an hour later %d bytes were written", b.written)
	}
	b.machine.Closed()
	b.run(time.Minute)
	if b.written != 40 {
		t.Error("written to a closed port")
	}
}

// One that must be a u-blox, or speaks UBX, and does not answer is a fault: our
// line to it is not wired.
func TestAUBloxThatNeverAnswersIsAFaultOfTheWiring(t *testing.T) {
	for what, c := range map[string]struct {
		protocol setup.Protocol
		kind     sim.ReceiverKind
	}{"told ubx": {setup.UBX, sim.M8T}, "heard ubx": {setup.Auto, sim.TimingUBX}} {
		cfg := timing()
		cfg.Protocol = c.protocol
		b := newBench(t, cfg, sim.Config{Receiver: c.kind})
		b.deaf = true
		b.until(20*time.Second, "told", func() bool { return len(b.machine.Problems()) > 0 })
		if p := b.machine.Problems()[0]; !strings.Contains(p, "TX") {
			t.Errorf("%s: %q", what, p)
		}
		b.deaf = false // the wire is fixed
		b.until(time.Minute, "set up without a fault", func() bool {
			return b.machine.Status().State == setup.Watching && len(b.machine.Problems()) == 0
		})
	}
}

// A receiver that was pulled out and put back, or another one in its place, is
// set up when the port is open again, and fixed where it was.
func TestAReceiverPutBackIsFixedWhereItWas(t *testing.T) {
	for name, kind := range generations {
		b := newBench(t, timing(), sim.Config{Receiver: kind, SurveySpeed: 100})
		b.until(2*time.Minute, "a fixed position", func() bool { return b.mode() == setup.ModeFixed })
		b.machine.Closed()
		if text, _ := b.machine.Next(b.now); text != nil {
			t.Errorf("%s: %q for a closed port", name, text)
		}
		b.board.PowerCycle()
		b.run(10 * time.Second)
		b.machine.Opened(b.now, 0)
		b.until(time.Minute, "a fixed position again", func() bool { return b.mode() == setup.ModeFixed })
		if b.count(setup.Found) != 2 || b.count(setup.Surveyed) != 1 || b.count(setup.SettingsLost) != 0 {
			t.Errorf("%s: %+v", name, b.events)
		}
	}
}

// Protocol NMEA: not a byte.
func TestNMEAOnlyIsNeverWrittenTo(t *testing.T) {
	cfg := timing()
	cfg.Protocol = setup.NMEA
	b := newBench(t, cfg, sim.Config{Receiver: sim.M8T})
	b.run(5 * time.Minute)
	if b.written != 0 {
		t.Errorf("%d bytes", b.written)
	}
}

// Without a survey the receiver navigates and its time mode is not touched.
func TestWithoutASurveyTheTimeModeIsNotTouched(t *testing.T) {
	for name, kind := range generations {
		b := newBench(t, setup.Config{}, sim.Config{Receiver: kind})
		b.run(time.Minute)
		if mode, _ := b.board.Survey(); b.mode() != setup.ModeNavigation || mode != 0 {
			t.Errorf("%s: %v, mode %d", name, b.mode(), mode)
		}
	}
}

// Whatever a line brings: no panic, nothing but whole frames written, and never
// more than a question each answer's time.
func FuzzMachine(f *testing.F) {
	f.Add([]byte{0xb5, 0x62, 0x0a, 0x04, 0, 0}, uint8(1))
	f.Add(ubx.AppendMessage(nil, ubx.MonVER, make([]byte, 100)), uint8(2))
	f.Add(ubx.AppendMessage(nil, ubx.AckNAK, []byte{6, 0x8b}), uint8(0))
	f.Fuzz(func(t *testing.T, noise []byte, protocol uint8) {
		cfg := timing()
		cfg.Protocol = setup.Protocol(protocol % 3)
		m := setup.New(cfg)
		now := timescale.MonoFromNs(begin)
		m.Opened(now, int(protocol)*4800)
		for len(noise) > 0 {
			n := min(len(noise), 32)
			m.Feed(now, noise[:n])
			noise = noise[n:]
			if text, _ := m.Next(now); text != nil {
				if _, ok := ubx.Parse(text); !ok {
					t.Fatalf("% X", text)
				}
				if again, _ := m.Next(now); again != nil {
					t.Fatal("two questions at once")
				}
			}
			now = now.Add(100 * time.Millisecond)
		}
		m.Status()
		m.Problems()
		m.Events()
	})
}

// An antenna that was moved with the power off is surveyed again when its fixes are
// further from the old place than the accuracies of both explain; meanwhile, and where
// they are not, how far it may be is told.
func TestAMovedAntennaIsDecidedByBothAccuracies(t *testing.T) {
	for name, kind := range generations {
		for _, c := range []struct {
			northM, accuracyM float64
			moved             bool
		}{{0, 1.2, false}, {3, 1.2, false}, {30, 1.2, true}, {60, 1.2, true}, {95, 1.2, true}, {30, 40, false}} {
			cfg := timing()
			cfg.Position = setup.FromGeodetic(60+23.56810/60, 5+19.34270/60, 96.2)
			cfg.Position.AccuracyM = c.accuracyM
			b := newBench(t, cfg, sim.Config{Receiver: kind, TimeToFix: 10 * time.Second, NorthM: c.northM})
			b.until(time.Minute, "some fixes", func() bool { return b.mode() == setup.ModeComparing && b.machine.DoubtM() > 0 })
			if d := b.machine.DoubtM(); d < c.northM {
				t.Errorf("%s carried %v m: the doubt is %.1f m", name, c.northM, d)
			}
			b.until(time.Minute, "a decision", func() bool { return b.mode() == setup.ModeSurvey || b.mode() == setup.ModeFixed })
			if moved := b.mode() == setup.ModeSurvey; moved != c.moved || b.count(setup.Moved) > 1 || moved != (b.count(setup.Moved) == 1) {
				t.Errorf("%s carried %v m, surveyed to %v m: %v, %+v", name, c.northM, c.accuracyM, b.mode(), b.events)
			}
			if d := b.machine.DoubtM(); d < c.northM || d > c.northM+20 {
				t.Errorf("%s carried %v m: afterwards the doubt is %.1f m", name, c.northM, d)
			}
		}
	}
}

// A survey that is done ends the doubt, and a later start goes on without any; one that
// took a place over keeps it.
func TestASurveyEndsTheDoubt(t *testing.T) {
	cfg := timing()
	cfg.Position = setup.FromGeodetic(60+23.56810/60, 5+19.34270/60, 96.2)
	cfg.Position.AccuracyM = 1.2
	b := newBench(t, cfg, sim.Config{Receiver: sim.F9T, TimeToFix: 5 * time.Second, NorthM: 60, SurveySpeed: 100})
	b.until(5*time.Minute, "a fixed position", func() bool { return b.mode() == setup.ModeFixed })
	if d := b.machine.DoubtM(); d != 0 {
		t.Errorf("after a survey the doubt is %.1f m", d)
	}
	b = newBench(t, cfg, sim.Config{Receiver: sim.F9T, TimeToFix: 5 * time.Second, NorthM: 3})
	b.until(2*time.Minute, "a fixed position", func() bool { return b.mode() == setup.ModeFixed })
	var kept setup.Position
	for _, e := range b.events {
		if e.Kind == setup.Compared {
			kept = e.Position
		}
	}
	doubt := b.machine.DoubtM()
	cfg.Position = kept
	b.machine = setup.New(cfg)
	b.machine.Opened(b.now, 0)
	b.until(time.Minute, "a fixed position", func() bool { return b.mode() == setup.ModeFixed })
	if d := b.machine.DoubtM(); doubt == 0 || d != doubt {
		t.Errorf("after a restart the doubt of %.1f m is %.1f m", doubt, d)
	}
}

// The operator orders a survey: whatever was held is given up.
func TestTheOperatorOrdersASurvey(t *testing.T) {
	b := newBench(t, timing(), sim.Config{Receiver: sim.F9T, TimeToFix: 5 * time.Second, SurveySpeed: 100})
	if err := b.machine.Survey(b.now); err == nil {
		t.Error("a survey before the receiver is known")
	}
	b.until(5*time.Minute, "a fixed position", func() bool { return b.mode() == setup.ModeFixed })
	if err := b.machine.Survey(b.now); err != nil {
		t.Fatal(err)
	}
	b.until(time.Minute, "a survey", func() bool { return b.mode() == setup.ModeSurvey })
	b.until(5*time.Minute, "a fixed position", func() bool { return b.mode() == setup.ModeFixed })
	if n := b.count(setup.Surveyed); n != 2 {
		t.Errorf("%d surveys", n)
	}
	cfg := timing()
	cfg.Survey = 0
	b = newBench(t, cfg, sim.Config{Receiver: sim.F9T, TimeToFix: 5 * time.Second})
	b.run(time.Minute)
	if err := b.machine.Survey(b.now); err == nil || !strings.Contains(err.Error(), "fix:") {
		t.Errorf("without gnss.survey: %v", err)
	}
	// Where it can never be, nobody is told to try again.
	for name, protocol := range map[string]setup.Protocol{"gnss.protocol": setup.NMEA, "does not answer as a u-blox": setup.Auto} {
		cfg := timing()
		cfg.Protocol = protocol
		b = newBench(t, cfg, sim.Config{TimeToFix: 5 * time.Second})
		b.run(time.Minute)
		if err := b.machine.Survey(b.now); err == nil || !strings.Contains(err.Error(), name) || !strings.Contains(err.Error(), "fix: ") || strings.Contains(err.Error(), "again") {
			t.Errorf("a receiver of NMEA (%v): %v", protocol, err)
		}
	}
}
