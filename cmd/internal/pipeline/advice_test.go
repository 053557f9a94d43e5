package pipeline_test

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"bragi/board/sim"
	"bragi/cmd/internal/alarms"
	"bragi/cmd/internal/config"
	"bragi/cmd/internal/operator"
	"bragi/cmd/internal/pipeline"
	"bragi/cmd/internal/virtual"
	"bragi/gnss/timescale"
	"bragi/holdover"
)

// An alarm's advice is tried: what it says to set or to type exists, and it helps.

var (
	keyNamed   = regexp.MustCompile(`\b((?:board|gnss|holdover|master|control|syslog|sim|twin)\.[a-z_0-9]+)(?: = ("[^"]*"|[a-z0-9.]+))?`)
	verbNamed  = regexp.MustCompile(`\bbragi ([a-z]+(?: (?:[a-z-]*[a-z]|--[a-z]+))*)`)
	alarmed1st = 40 * time.Minute // until an alarm is raised
)

// verbOf is the command that the words after "bragi" begin with; "" for none.
func verbOf(words string) string {
	c, rest, err := operator.Command(operator.Shell()).Find(strings.Fields(words))
	screen := err == nil && c.Flags().Lookup("json") != nil // it may have others below it
	if err != nil || c.HasSubCommands() && !screen {
		return ""
	}
	path := strings.TrimPrefix(c.CommandPath(), "bragi ")
	for _, w := range rest {
		flag, found := strings.CutPrefix(w, "--")
		if !found {
			break
		}
		if c.Flags().Lookup(flag) == nil {
			return ""
		}
	}
	return path
}

// keyProblem says what is wrong with a key and a value of it; "" for nothing.
func keyProblem(key, value string) string {
	set := "board.twins=ethernet"
	if value != "" {
		set = key + "=" + value
	}
	const board = "[board]\nprofile = \"imx6ul\"\n[gnss]\ndevice = \"/dev/ttyS4\"\n"
	if _, _, err := config.Parse("test", []byte(board), []string{set}); err != nil {
		return err.Error()
	}
	if _, _, err := config.Parse("test", []byte(board), []string{key + "={}"}); err != nil && strings.Contains(err.Error(), "unknown") {
		return "no such key"
	}
	return ""
}

// advice is every key and every verb that a text says to use, less the screens that
// it says to look at. What does not exist is told.
func advice(t *testing.T, of, text string) (list []string) {
	t.Helper()
	for _, m := range keyNamed.FindAllStringSubmatch(text, -1) {
		if problem := keyProblem(m[1], m[2]); problem != "" {
			t.Errorf("%s advises %q: %s", of, m[0], problem)
		}
		list = append(list, m[1])
	}
	for _, m := range verbNamed.FindAllStringSubmatch(text, -1) {
		verb := verbOf(m[1])
		if verb == "" {
			t.Errorf("%s advises %q, which bragi does not have", of, m[0])
		}
		if !strings.HasPrefix(verb, "show ") {
			list = append(list, verb)
		}
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// scenario lets an alarm come, follows one piece of its advice or does not, and waits.
type scenario func(t *testing.T, followed bool) *virtual.Rig

// tried is who tries which advice of which alarm.
var tried = map[alarms.Code]map[string]scenario{
	alarms.ReceiverSilent:     {"gnss.baud": baudOf},
	alarms.Moved:              {"clock accept receiver": acceptMoved},
	alarms.TimeJump:           {"clock accept receiver": acceptJump},
	alarms.PulseDisagrees:     {"clock accept receiver": acceptAnotherSecond},
	alarms.LeapFault:          {"clock accept receiver": acceptLeapCount, "gnss.leap_file": leapFileAnnounces},
	alarms.LeapUnproven:       {"clock accept receiver": acceptCold},
	alarms.SecondOpinion:      {"clock accept receiver": acceptContradicted, "gnss.message_delay": messageDelay},
	alarms.MessagesUseless:    {"gnss.message_delay": fractionDelay},
	alarms.OpinionWrong:       {"gnss.second_opinion": opinionRemoved},
	alarms.HoldoverForced:     {"holdover release": releaseHoldover},
	alarms.ClockOutOfSpec:     {"holdover release": releaseLate},
	alarms.SkyDoubted:         {"clock accept receiver": acceptSky},
	alarms.ClockWide:          {"clock accept receiver": acceptDoubted},
	alarms.NoPulse:            {"gnss.pps": pulseHeard},
	alarms.ReferencesDisagree: {"clock accept receiver": accepted},
	alarms.ReferenceOrdered:   {"reference clear": cleared},
	alarms.PulseEdge:          {"gnss.pps": oneEdge},
	alarms.PulseLength:        {"gnss.pps": rightLength},
	alarms.ClockStepped:       {"holdover.on_return": noStepBack},
	alarms.ClockSlewsLong:     {"clock step": stepOrdered, "holdover.on_return": stepBack, "holdover.on_acquire": firstStep},
	alarms.ClockLearns:        {"holdover.learning": learning},
	alarms.LeapTableOld:       {"gnss.leap_file": leapFileIsNew},
}

// triedElsewhere is the advice that needs devices, files or clients, and the test that
// has them.
var triedElsewhere = map[alarms.Code]map[string]string{
	alarms.DrillFailed: {"holdover.oscillator": "pipeline/drill_test.go TestADrillShowsAnOscillatorThatIsNotWhatWasTold",
		"drill report":   "show/drill_test.go TestTheReportOfADrill",
		"drill holdover": "daemon/drills_test.go TestADrillThatPassesClearsTheAlarmOfOneThatFailed"},
	alarms.ReceiverDevice:    {"gnss.device": "daemon/receiver_test.go TestReceiverLosesItsPower"},
	alarms.ReceiverSetup:     {"gnss.configure": "daemon/receiver_test.go TestConfigureFalseWritesNothing"},
	alarms.LeapFile:          {"gnss.leap_file": "daemon/leapfile_test.go TestLeapFile"},
	alarms.PulseDevice:       {"gnss.pps": "daemon/pulses_test.go TestPulseDeviceIsBack"},
	alarms.NoThermometer:     {"holdover.thermometer": "daemon/thermometer_test.go TestAMissingThermometerIsToldUnlessTheOperatorSaysThereIsNone"},
	alarms.AddressMissing:    {"master.address": "e2e/loopback_test.go TestAddressIsWaitedFor"},
	alarms.ClientDenied:      {"master.allow": "../../master/receive_test.go TestDenyGoesBeforeAllow", "master.deny": "daemon/service_test.go TestARefusalIsAnAlarmOnlyAsLongAsItsCauseStands"},
	alarms.WrongDomain:       {"master.domain": "../../master/receive_test.go TestWrongDomainIsEvidence"},
	alarms.HardwareStamps:    {"master.sync_mode": "netport/mode_test.go TestWhatIsUsedOfEachDevice"},
	alarms.ConfigUnconfirmed: {"config confirm": "config/store/store_test.go TestAConfirmedCommitStays"},
	alarms.ConfigWaits:       {"restart": "e2e/configuration_test.go TestAnUnconfirmedCommitIsTakenBackByWhateverDaemonRuns"},
	alarms.Squelched:         {"master.squelch": "daemon/served_test.go TestServingIsNeverToldWhileClientsAreSentAway"},
	alarms.SyslogLost:        {"syslog.targets": "syslog/badserver_test.go TestAReloadKeepsWhatWaits"},
	alarms.SyslogAway:        {"syslog.targets": "syslog/badserver_test.go TestAReloadKeepsWhatWaits"},
	alarms.ResidualHigh:      {"master.on_residual": "netport/judge_test.go TestResidualBeyondItsLimit"},
	alarms.Drained:           {"drain": "../../master/limit_test.go TestADrainThatEndsAtOnceLetsWhoWasCancelledComeBackLater"},
	alarms.TwinSilent:        {"master.allow": "../../master/receive_test.go TestDenyGoesBeforeAllow", "twin.address": "e2e/twin_test.go TestTwoGrandmastersAreEachOthersTwin"},
	alarms.ClientMissing: {"explain client": "explain/explain_test.go TestEachFaultHasItsOwnCauseAndAction",
		"master.expected": "daemon/expected_test.go TestAnExpectedClientIsNamedAndMissed"},
	alarms.ClientStarved: {"master.trusted": "../../master/source_test.go TestATrustedClientOfSyncAloneIsServed"},
	alarms.ClientTable: {"master.deny": "../../master/receive_test.go TestDenyGoesBeforeAllow",
		"master.max_clients": "../../master/grant_test.go TestAFullTableDeniesNewClients"},
	alarms.ForeignTarget: {"master.clock_identity": "e2e/identity_test.go TestAReplacementTakesItsPredecessorsIdentity"},
}

// Every key and verb that an alarm names exists, takes the value that is advised, and
// somebody tries whether it helps.
func TestAdviceInAlarmsExistsAndIsTried(t *testing.T) {
	for _, kind := range alarms.Table {
		advised := advice(t, string(kind.Code), kind.Fix)
		for _, a := range advised {
			if place := triedElsewhere[kind.Code][a]; place != "" {
				file, name, _ := strings.Cut(place, " ")
				if text, err := os.ReadFile(filepath.Join("..", file)); err != nil || !strings.Contains(string(text), "func "+name+"(") {
					t.Errorf("%s: %q is tried by %s, which is not there (%v)", kind.Code, a, place, err)
				}
			} else if tried[kind.Code][a] == nil {
				t.Errorf("%s advises %q: nobody tries whether that helps", kind.Code, a)
			}
		}
		for a := range tried[kind.Code] {
			if !slices.Contains(advised, a) {
				t.Errorf("%s: %q is tried, but no longer advised", kind.Code, a)
			}
		}
		for a := range triedElsewhere[kind.Code] {
			if !slices.Contains(advised, a) {
				t.Errorf("%s: %q is tried elsewhere, but no longer advised", kind.Code, a)
			}
		}
	}
	for r := holdover.Reason(0); r.String() != "unknown"; r++ {
		advice(t, r.String(), r.Fix())
	}
}

// What a reason of the clock advises is what its alarm does.
func TestReasonsAndTheirAlarmsAdviseTheSame(t *testing.T) {
	for reason, code := range pipeline.ServoAlarms {
		says, alarm := advice(t, reason.String(), reason.Fix()), advice(t, string(code), fixOf(t, code))
		if !slices.Equal(says, alarm) {
			t.Errorf("%q advises %q, its alarm %s %q", reason, says, code, alarm)
		}
	}
}

// The alarm stands when its advice is not followed, and does not when it is.
func TestAdviceInAlarmsHelps(t *testing.T) {
	for code, list := range tried {
		for a, try := range list {
			t.Run(string(code)+" "+a, func(t *testing.T) {
				t.Parallel()
				if r := try(t, false); !alarmed(r, code) {
					t.Errorf("the alarm is not raised: %v, %v", r.Report.Why, r.Pipe.Look(r.Now).Troubles)
				}
				if r := try(t, true); alarmed(r, code) {
					t.Errorf("the alarm stays: %v, %v", r.Report.Why, r.Pipe.Look(r.Now).Troubles)
				}
			})
		}
	}
}

// accept is the operator's word, or not, and the minutes after it: the clock follows.
func accept(t *testing.T, r *virtual.Rig, followed bool) *virtual.Rig {
	t.Helper()
	if followed {
		if _, err := r.Pipe.AcceptReceiver(r.Now); err != nil {
			t.Fatal(err)
		}
		r.Until(2*time.Minute, "class 6", r.Class(6))
		r.Run(2 * time.Minute)
	}
	return r
}

func baudOf(t *testing.T, followed bool) *virtual.Rig {
	r := virtual.NewRig(t, virtual.Demo(), sim.Config{Oscillator: sim.OCXO, Seed: 3, Receiver: sim.M8T, TimeToFix: 3 * time.Second})
	r.Board.SetHostBaud(115_200)
	if followed {
		r.Board.SetHostBaud(9600)
	}
	r.Run(30 * time.Second)
	return r
}

func acceptMoved(t *testing.T, followed bool) *virtual.Rig {
	u := goodSky()
	r := lockedRig(t, u, virtual.SkyAtBegin)
	r.Run(65 * time.Minute)
	u.northM = 5000
	r.Run(5 * time.Minute)
	return accept(t, r, followed)
}

func acceptJump(t *testing.T, followed bool) *virtual.Rig {
	u := goodSky()
	r := lockedRig(t, u, virtual.SkyAtBegin)
	r.Run(time.Minute)
	r.Speak = func(timescale.TAI) []byte { return nil }
	r.Board.SetAntenna(false)
	r.Run(20 * time.Minute)
	r.Board.SetAntenna(true)
	r.Speak, u.lateSecond = u.speak, 5
	r.Run(5 * time.Minute)
	return accept(t, r, followed)
}

func acceptAnotherSecond(t *testing.T, followed bool) *virtual.Rig {
	u := goodSky()
	r := lockedRig(t, u, virtual.SkyAtBegin)
	r.Run(time.Minute)
	u.lateSecond = 1
	r.Run(5 * time.Minute)
	return accept(t, r, followed)
}

func acceptLeapCount(t *testing.T, followed bool) *virtual.Rig {
	u := goodSky()
	u.leapS = 19
	r := lockedRig(t, u, timescale.Builtin().ToTAI(timescale.Builtin().Expires()).Add(2*365*24*time.Hour))
	r.Run(time.Minute)
	u.leapS = 17
	r.Run(20 * time.Second)
	return accept(t, r, followed)
}

// A leap second came that the built-in table says there was none of.
func leapFileAnnounces(t *testing.T, followed bool) *virtual.Rig {
	cfg := virtual.Demo()
	if followed {
		table, err := timescale.Builtin().With(utcAt(2026, 7, 1, 0, 0, 0), 38)
		if err != nil {
			t.Fatal(err)
		}
		cfg.Reference.Leap = table
	}
	u := goodSky()
	u.leapS = 19
	r := virtual.NewRig(t, cfg, sim.Config{Oscillator: sim.OCXO, Seed: 3, TimeToFix: 3 * time.Second})
	r.Speak = u.speak
	r.Run(time.Minute)
	return r
}

func acceptCold(t *testing.T, followed bool) *virtual.Rig {
	s := &sentences{sees: true}
	r := sentenceRig(t, s)
	r.Run(30 * time.Second)
	s.fix = true
	r.Run(time.Minute)
	return accept(t, r, followed)
}

func acceptContradicted(t *testing.T, followed bool) *virtual.Rig {
	r := virtual.NewRig(t, virtual.Demo(), sim.Config{Oscillator: sim.OCXO, Seed: 3, TimeToFix: 3 * time.Second})
	witness(r, func() time.Duration { return -2 * time.Second })
	r.Run(time.Minute)
	return accept(t, r, followed)
}

// Messages come 1.3 s after their pulse; the system clock knows better.
// Messages that name an instant which is still to come.
func fractionDelay(t *testing.T, followed bool) *virtual.Rig {
	cfg := virtual.Demo()
	if followed {
		cfg.Reference.MessageDelay = 100 * time.Millisecond
	}
	r := virtual.NewRig(t, cfg, sim.Config{Oscillator: sim.OCXO, Seed: 3, TimeToFix: 3 * time.Second})
	r.Speak = every(always, func(int64) string { return "802" })
	r.Run(time.Minute)
	if e := r.TrueErrorNs(); followed && (!r.Class(6)() || math.Abs(e) > 1000) {
		t.Errorf("class %d, %.0f ns", r.Said.ClockClass, e)
	}
	return r
}

func messageDelay(t *testing.T, followed bool) *virtual.Rig {
	cfg := virtual.Demo()
	if followed {
		cfg.Reference.MessageDelay = 1300 * time.Millisecond
	}
	r := virtual.NewRig(t, cfg, sim.Config{Oscillator: sim.OCXO, Seed: 3, TimeToFix: 3 * time.Second,
		MessageDelay: [2]time.Duration{1280 * time.Millisecond, 1320 * time.Millisecond}})
	witness(r, func() time.Duration { return 0 })
	r.Run(2 * time.Minute)
	if followed && !r.Class(6)() {
		t.Errorf("class %d", r.Said.ClockClass)
	}
	return r
}

func opinionRemoved(t *testing.T, followed bool) *virtual.Rig {
	r := virtual.NewRig(t, virtual.Demo(), sim.Config{Oscillator: sim.OCXO, Seed: 3, TimeToFix: 3 * time.Second})
	off := time.Duration(0)
	witness(r, func() time.Duration { return off })
	r.Run(time.Minute)
	off = 5 * time.Second
	r.Run(time.Minute)
	if followed {
		if err := r.Restart(time.Second); err != nil { // the key wants one
			t.Fatal(err)
		}
		r.Watch = nil
		r.Run(time.Minute)
	}
	return r
}

// The pulse is right, whatever it did.
func acceptSky(t *testing.T, followed bool) *virtual.Rig {
	cfg := virtual.Demo()
	cfg.Servo.Oscillator, cfg.Servo.MaxHoldover = holdover.Rubidium, 24*time.Hour
	r := virtual.NewRig(t, cfg, sim.Config{Oscillator: sim.Rb, Receiver: sim.Timing, Seed: 3, TimeToFix: 3 * time.Second})
	r.Until(2*time.Minute, "class 6", r.Class(6))
	r.Run(2 * time.Hour)
	from := r.Sky(r.Now).Ns() / 1e9
	r.Late = func(second int64) float64 { return 17 * float64(min(second-from, 600)) }
	r.Until(alarmed1st, "the alarm", func() bool { return alarmed(r, alarms.SkyDoubted) })
	r.Run(10 * time.Minute)
	return accept(t, r, followed)
}

func acceptDoubted(t *testing.T, followed bool) *virtual.Rig {
	p := newPair(t, twoReceivers(), sim.OCXO, 3)
	p.Until(2*time.Minute, "class 6", p.Class(6))
	p.Run(30 * time.Minute)
	p.Board.Lie(sim.Lie{LateNs: 20_000})
	p.yard.Lie(sim.Lie{LateNs: 20_000})
	p.Until(alarmed1st, "the alarm", func() bool { return alarmed(p.Rig, alarms.ClockWide) })
	return accept(t, p.Rig, followed)
}

func pulseHeard(t *testing.T, followed bool) *virtual.Rig {
	r := virtual.NewRig(t, virtual.Demo(), sim.Config{Oscillator: sim.OCXO, Seed: 3, TimeToFix: 3 * time.Second})
	r.Mute = !followed
	r.Run(time.Minute)
	return r
}

func oneEdge(t *testing.T, followed bool) *virtual.Rig {
	r := virtual.NewRig(t, virtual.Demo(), sim.Config{Oscillator: sim.OCXO, Seed: 3, TimeToFix: 3 * time.Second})
	if followed {
		r.Run(time.Minute)
		return r
	}
	first := false
	edgesBoth(r, time.Minute, 500*time.Millisecond, &first)
	return r
}

func rightLength(t *testing.T, followed bool) *virtual.Rig {
	r := virtual.NewRig(t, virtual.Demo(), sim.Config{Oscillator: sim.OCXO, Seed: 3, TimeToFix: 3 * time.Second})
	r.Pipe.ExpectPulse(100 * time.Millisecond)
	length, first := 30*time.Millisecond, false
	if followed {
		length = 100 * time.Millisecond
	}
	edgesBoth(r, time.Minute, length, &first)
	return r
}

// freeRun is a clock that clients have followed in a free run, 5 ms off, when the
// receiver's time comes.
func freeRun(t *testing.T, acquire holdover.OnAcquire, until ...alarms.Code) *virtual.Rig {
	cfg := virtual.Demo()
	cfg.Servo.OnAcquire = acquire
	r := virtual.NewRig(t, cfg, sim.Config{Oscillator: sim.OCXO, Seed: 3, TimeToFix: 3 * time.Second, AntennaCut: true, StartOffset: 5 * time.Millisecond})
	r.Run(20 * time.Second)
	r.Board.SetAntenna(true)
	minuteOr(r, until)
	return r
}

// minuteOr is a minute, or less when an alarm comes.
func minuteOr(r *virtual.Rig, until []alarms.Code) {
	came := func(code alarms.Code) bool { return alarmed(r, code) }
	for end := r.Now.Add(time.Minute); r.Now.Before(end) && !slices.ContainsFunc(until, came); {
		r.Run(250 * time.Millisecond)
	}
}

// The step that begins a clock's life is no alarm, though a free run has clients: not
// when it is made, and not in an outage later.
func TestTheFirstStepIsNoAlarm(t *testing.T) {
	r := freeRun(t, holdover.AcquireAuto, alarms.ClockStepped)
	stepped := func() bool { return alarmed(r, alarms.ClockStepped) }
	r.Watch = func() {
		if stepped() {
			t.Fatalf("%v, %d steps: %v", r.Report.State, r.Report.Steps, r.Pipe.Look(r.Now).Troubles)
		}
	}
	r.Watch()
	r.Until(time.Minute, "class 6", r.Class(6))
	if r.Report.Steps == 0 {
		t.Fatal("it did not step")
	}
	r.Run(75 * time.Second)
	if err := r.Pipe.ForceHoldover(r.Now); err != nil {
		t.Fatal(err)
	}
	r.Run(20 * time.Second)
	if err := r.Pipe.ReleaseHoldover(r.Now); err != nil {
		t.Fatal(err)
	}
	r.Until(time.Minute, "class 6", r.Class(6))
	r.Board.SetAntenna(false)
	r.Until(10*time.Minute, "class 52", r.Class(52))
}

// A step after the first lock is an alarm for ten minutes, locked or not, and does not
// come back with a later outage.
func TestAStepIsAnAlarmForTenMinutes(t *testing.T) {
	for _, outages := range []bool{false, true} {
		r := outage(t, holdover.ReturnStep, alarms.ClockStepped)
		stepped := func() bool { return alarmed(r, alarms.ClockStepped) }
		if !stepped() {
			t.Fatal("the step is no alarm")
		}
		began := r.Now
		for r.Now.Sub(began) < 20*time.Minute {
			if age := r.Now.Sub(began); stepped() != (age < 10*time.Minute) && (age-10*time.Minute).Abs() > 2*time.Second {
				t.Fatalf("%v after the step, in %v: alarm %v", age, r.Report.State, stepped())
			}
			if outages {
				r.Board.SetAntenna(int(r.Now.Sub(began)/time.Minute)%3 != 1)
			}
			r.Run(time.Second)
		}
	}
}

// outage is a clock that was locked and is 5 ms off when the pulse returns and is
// believed.
func outage(t *testing.T, back holdover.OnReturn, until ...alarms.Code) *virtual.Rig {
	cfg := virtual.Demo()
	cfg.Servo.OnReturn = back
	r := virtual.NewRig(t, cfg, sim.Config{Oscillator: sim.OCXO, Seed: 3, TimeToFix: 3 * time.Second})
	r.Until(time.Minute, "class 6", r.Class(6))
	r.Run(time.Minute)
	r.Board.SetAntenna(false)
	r.Until(3*time.Minute, "class 52", r.Class(52))
	r.Board.PHC().Step(r.Now, int64(5*time.Millisecond)) // that it went there counts
	r.Board.SetAntenna(true)
	r.Run(20 * time.Second)
	if _, err := r.Pipe.AcceptReceiver(r.Now); err != nil {
		t.Fatal(err)
	}
	minuteOr(r, until)
	return r
}

// reconfigured is what a reload does.
func reconfigured(r *virtual.Rig, change func(*holdover.Config)) {
	cfg := virtual.Demo()
	change(&cfg.Servo)
	r.Pipe.Reconfigure(cfg.Servo, cfg.Profile, cfg.Squelch)
	r.Run(time.Minute)
}

func noStepBack(t *testing.T, followed bool) *virtual.Rig {
	if followed {
		return outage(t, holdover.ReturnSlew)
	}
	return outage(t, holdover.ReturnStep, alarms.ClockStepped)
}

func firstStep(t *testing.T, followed bool) *virtual.Rig {
	r := freeRun(t, holdover.AcquireSlew)
	if followed {
		reconfigured(r, func(c *holdover.Config) { c.OnAcquire = holdover.AcquireStep })
	}
	return r
}

func stepBack(t *testing.T, followed bool) *virtual.Rig {
	r := outage(t, holdover.ReturnAuto)
	if followed {
		reconfigured(r, func(c *holdover.Config) { c.OnReturn = holdover.ReturnStep })
		r.Until(time.Minute, "class 6", r.Class(6))
	}
	return r
}

func stepOrdered(t *testing.T, followed bool) *virtual.Rig {
	r := outage(t, holdover.ReturnSlew)
	r.Run(5 * time.Minute) // the slew is at 3 ppm
	if followed {
		if _, err := r.Pipe.StepClock(r.Now); err != nil {
			t.Fatal(err)
		}
		r.Until(time.Minute, "class 6", r.Class(6))
		if e := math.Abs(r.TrueErrorNs()); e > 1000 {
			t.Errorf("%.0f ns off", e)
		}
	}
	return r
}

func learning(t *testing.T, followed bool) *virtual.Rig {
	cfg := virtual.Demo()
	cfg.Servo.Learning = 10 * time.Minute
	r := virtual.NewRig(t, cfg, sim.Config{Oscillator: sim.OCXO, Seed: 3, TimeToFix: 3 * time.Second, AntennaCut: true})
	r.Run(25 * time.Minute)
	r.Board.SetAntenna(true)
	r.Until(time.Minute, "class 6", r.Class(6))
	r.Run(time.Minute)
	if followed {
		reconfigured(r, func(c *holdover.Config) { c.Learning = 30 * time.Second })
	}
	return r
}

// The built-in table has run out, and nothing vouches for the count.
func leapFileIsNew(t *testing.T, followed bool) *virtual.Rig {
	cfg := virtual.Demo()
	begin := timescale.Builtin().ToTAI(timescale.Builtin().Expires()).Add(30 * 24 * time.Hour)
	if followed {
		table, err := timescale.ParseLeapSeconds(newTable(begin))
		if err != nil {
			t.Fatal(err)
		}
		cfg.Reference.Leap = table
	}
	r := virtual.NewRigAt(t, cfg, sim.Config{Oscillator: sim.OCXO, Seed: 3, TimeToFix: 3 * time.Second}, begin)
	r.Until(time.Minute, "class 6", r.Class(6))
	r.Run(time.Minute)
	return r
}

// newTable is a leap-seconds.list of what is known now that is good for years after at.
func newTable(at timescale.TAI) []byte {
	const ntp = 2_208_988_800 // 1900 to 1970, s
	text := fmt.Appendf(nil, "#@ %d\n", at.Ns()/1e9+ntp+3*365*86_400)
	known, last := timescale.Builtin(), 0
	for year := 1972; year < 2030; year++ {
		for _, month := range []int{1, 7} {
			from := utcAt(year, month, 1, 0, 0, 0)
			if offset := known.OffsetAtUTC(from); offset != last {
				last = offset
				text = fmt.Appendf(text, "%d %d\n", from.Ns()/1e9+ntp, offset)
			}
		}
	}
	return text
}
