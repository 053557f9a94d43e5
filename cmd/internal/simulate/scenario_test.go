package simulate

import (
	"encoding/xml"
	"errors"
	"io"
	"math"
	"strings"
	"testing"

	"bragi/holdover"
	"bragi/holdover/stability"
)

func TestEveryReadyScenarioLoads(t *testing.T) {
	for _, name := range Names() {
		if s, err := Load(name); err != nil || s.About == "" || s.Duration == 0 || s.Name != name {
			t.Errorf("%s: %+v, %v", name, s, err)
		}
	}
	for _, name := range []string{"antenna-cut-24h", "antenna-cut", "temperature-ramp", "pps-glitches", "jamming", "power-cycle"} {
		if _, err := Load(name); err != nil {
			t.Error(err)
		}
	}
}

func TestARefusedScenarioNamesItsFault(t *testing.T) {
	const head = "duration = \"3h\"\n[[event]]\n"
	for text, want := range map[string]string{
		"":                            "duration is missing",
		"duration = 3":                "s.toml:1",
		"duration = \"tree\"":         "no duration",
		"duration = \"-3h\"":          "out of range",
		"duration = \"3h\"\nx = 1":    "s.toml:2: unknown key x",
		head + "do = \"antenna-cut\"": "s.toml:2: at is missing",
		head + "at = \"1h\"":          "unknown (fix: one of antenna-cut",
		head + "at = \"4h\"\ndo = \"antenna-cut\"":                                                    "out of range",
		head + "at = \"1h\"\ndo = \"pps-glitch\"\nby = \"1us\"":                                       "wants count",
		head + "at = \"1h\"\ndo = \"pps-glitch\"\nby = \"1s\"\ncount = 1":                             "out of range",
		head + "at = \"1h\"\ndo = \"pps-outliers\"\nby = \"1us\"\nfor = \"1m\"\nshare = nan":          "out of range",
		head + "at = \"1h\"\ndo = \"antenna-cut\"\nfor = \"1m\"":                                      "has no for",
		head + "at = \"1h\"\ndo = \"antenna-cut\"\n[[event]]\nat = \"59m\"\ndo = \"antenna-restore\"": "s.toml:5",
		"duration = \"3h": "s.toml:1",
	} {
		if _, err := ParseScenario("s.toml", []byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}

func FuzzParseScenario(f *testing.F) {
	f.Add([]byte("duration = \"3h\"\n[[event]]\nat = \"1h\"\ndo = \"jamming\"\nfor = \"1m\"\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := ParseScenario("f", b)
		if (s == nil) == (err == nil) {
			t.Errorf("%v %v", s, err)
		}
	})
}

func noiseOf(t *testing.T, o Options, n int) []float64 {
	t.Helper()
	p := newPulseNoise(&o, o.Seed)
	x := make([]float64, n)
	for i := range x {
		x[i], _ = p.next()
	}
	return x
}

// The noise that simulate makes is what it says: 5.5 ns of white noise, which
// TDEV at 1 s shows (25 ns for a hat), and 10 ns of slow wander (5 ns with two bands).
func TestPulseNoiseIsAsStated(t *testing.T) {
	s := scenario(t, "locked-24h")
	for receiver, white := range map[string]float64{"": 5.5, ReceiverTiming: 5.5, ReceiverMultiband: 5.5, ReceiverNMEA: 25} {
		wander := 10.0
		if receiver == ReceiverMultiband {
			wander = 5
		}
		sum := 0.0
		for seed := range uint64(12) {
			x := noiseOf(t, Options{Scenario: s, Seed: seed, Receiver: receiver}, 86_400)
			if tdev, _ := stability.TDEV(x, 1, 1); math.Abs(tdev/white-1) > 0.03 {
				t.Errorf("%q seed %d: TDEV(1 s) %.2f ns, want %.1f ns", receiver, seed, tdev, white)
			}
			for _, v := range x {
				sum += v * v / (12 * 86_400)
			}
		}
		if slow := math.Sqrt(sum - white*white); slow < 0.8*wander || slow > 1.2*wander {
			t.Errorf("%q: %.1f ns of slow wander, want %.0f ns", receiver, slow, wander)
		}
	}
}

// A record is played from a place and with a sign of the seed's choosing, and
// turns round at its end.
func TestRecordIsPlayed(t *testing.T) {
	record := make([]float64, 500)
	for i := range record {
		record[i] = 100 + float64(i)
	}
	starts := map[float64]bool{}
	for seed := range uint64(20) {
		x := noiseOf(t, Options{PPS: record, Scenario: scenario(t, "locked-24h"), Seed: seed}, 3000)
		for i := 1; i < len(x); i++ {
			if d := math.Abs(x[i] - x[i-1]); d > 1 {
				t.Fatalf("seed %d jumps by %v at %d", seed, d, i)
			}
		}
		if a := math.Abs(x[0]); a < 100 || a > 599 {
			t.Fatalf("seed %d starts at %v", seed, x[0])
		}
		starts[x[0]] = true
	}
	if len(starts) < 15 {
		t.Errorf("20 seeds start at %d places", len(starts))
	}
}

// Each fault shows in the pulses, for as long as it lasts and no longer.
func TestFaultsShowInThePulses(t *testing.T) {
	with := func(e string) *Scenario {
		s, err := ParseScenario("s", []byte("duration = \"1h\"\n[[event]]\nat = \"10m\"\n"+e))
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	quiet := noiseOf(t, Options{Scenario: with("do = \"antenna-cut\""), Seed: 1}, 3600)
	for _, c := range []struct {
		event       string
		first, last int // seconds that differ
	}{
		{"do = \"pps-glitch\"\nby = \"1us\"\ncount = 3", 600, 602},
		{"do = \"pps-offset\"\nby = \"300ns\"\nfor = \"250s\"", 600, 849},
		{"do = \"pps-noise\"\nfactor = 5.0\nfor = \"1m\"", 600, 659},
		{"do = \"jamming\"\nfor = \"3m\"", 600, 779},
		{"do = \"pps-white\"\nfactor = 5.0\nfor = \"1m\"", 600, 659},
		{"do = \"sky-ramp\"\nby = \"10us\"\nfor = \"1m\"", 601, 3600},
	} {
		x := noiseOf(t, Options{Scenario: with(c.event), Seed: 1}, 3600)
		for i := range x {
			second := i + 1
			if inside := second >= c.first && second <= c.last; inside != (x[i] != quiet[i]) {
				t.Errorf("%q: second %d: %v, without it %v", c.event, second, x[i], quiet[i])
				break
			}
		}
	}
}

// The sky's ramp is as large as it says and stays; pulses are missing where they
// should be.
func TestARampStaysAndAGapHasNoPulses(t *testing.T) {
	with := func(e string) *Options {
		s, err := ParseScenario("s", []byte("duration = \"1h\"\n[[event]]\nat = \"10m\"\n"+e))
		if err != nil {
			t.Fatal(err)
		}
		return &Options{Scenario: s, Seed: 1}
	}
	quiet := noiseOf(t, *with("do = \"antenna-cut\""), 3600)
	ramp := noiseOf(t, *with("do = \"sky-ramp\"\nby = \"-10us\"\nfor = \"100s\""), 3600)
	for second, want := range map[int]float64{600: 0, 650: -5000, 700: -10_000, 3600: -10_000} {
		if got := ramp[second-1] - quiet[second-1]; math.Abs(got-want) > 1e-6 {
			t.Errorf("second %d: the pulse comes %v ns later, want %v", second, got, want)
		}
	}
	for event, want := range map[string][2]int{
		"do = \"pps-gaps\"\ncount = 4\nfor = \"10m\"":    {40, 40},
		"do = \"pps-lost\"\nshare = 0.25\nfor = \"10m\"": {120, 180},
		"do = \"pps-lost\"\nshare = 1.0\nfor = \"10m\"":  {600, 600},
	} {
		o := with(event)
		p := newPulseNoise(o, 1)
		missing := 0
		for second := 1; second <= 3600; second++ {
			p.next()
			if p.missing(second) {
				missing++
			}
		}
		if missing < want[0] || missing > want[1] {
			t.Errorf("%q: %d pulses are missing, want %d to %d", event, missing, want[0], want[1])
		}
	}
}

// A restart of bragid leaves the clock as it was: no step, no new lock, class 6
// again at once.
func TestARestartGoesOn(t *testing.T) {
	s, err := ParseScenario("s", []byte("duration = \"2h\"\n[[event]]\nat = \"90m\"\ndo = \"restart\"\nfor = \"20s\""))
	if err != nil {
		t.Fatal(err)
	}
	r, trace := simulate(t, Options{Oscillator: holdover.OCXO, Scenario: s, Seed: 1})
	if r.Steps != 0 || r.FirstSteps != 1 || !(r.PeakNs < 100) {
		t.Errorf("%d steps, %d before the first lock, peak %v ns", r.Steps, r.FirstSteps, r.PeakNs)
	}
	if off := trace.Class[90*60+10]; off != 0 {
		t.Errorf("class %d while bragid is away", off)
	}
	if back := trace.Class[91*60]; back != 6 {
		t.Errorf("class %d a minute after the restart", back)
	}
}

// A wrong second that the receiver names later does not move a clock that counts.
func TestAWrongSecondDoesNotMoveTheClock(t *testing.T) {
	s, err := ParseScenario("s", []byte("duration = \"2h\"\n[[event]]\nat = \"70m\"\ndo = \"wrong-second\"\ncount = -3\nfor = \"10m\""))
	if err != nil {
		t.Fatal(err)
	}
	r, trace := simulate(t, Options{Oscillator: holdover.OCXO, Scenario: s, Seed: 1})
	if r.Steps != 0 || !(r.PeakNs < 1000) || trace.Class[75*60] == 6 || trace.Class[len(trace.Class)-1] != 6 {
		t.Errorf("%d steps, peak %v ns, class %d meanwhile, %d at the end", r.Steps, r.PeakNs, trace.Class[75*60], trace.Class[len(trace.Class)-1])
	}
}

// The picture is XML that a viewer reads, with the class strip in it.
func TestThePlotIsXMLWithTheClassStrip(t *testing.T) {
	s := scenario(t, "antenna-cut")
	r, trace := simulate(t, Options{Oscillator: holdover.TCXO, Scenario: s, Seed: 1})
	picture := Plot(s, r, trace)
	for d := xml.NewDecoder(strings.NewReader(picture)); ; {
		if _, err := d.Token(); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
	}
	for _, want := range []string{classColours[6], classColours[7], "reference lost", "spec 1.5 us", "TDEV of the true error", "MTIE of the true error", "PRTC-A"} {
		if !strings.Contains(picture, want) {
			t.Errorf("the picture has no %q", want)
		}
	}
	if strings.Contains(picture, "NaN") {
		t.Error("the picture has NaN in it")
	}
}

// A recorded oscillator without noise is held to the nanosecond: the error told
// is the steered clock against the record.
func TestACleanRecordIsHeldToTheNanosecond(t *testing.T) {
	x := make([]float64, 4*3600)
	for i := range x {
		x[i] = 5e6 + 37.5*float64(i) // 37.5 ppb fast, 5 ms ahead
	}
	s := &Scenario{Name: "replay", Duration: 4*3600e9 - 1e9, Events: []Event{{At: 2 * 3600e9, Do: AntennaCut}, {At: 3 * 3600e9, Do: AntennaRestore}}}
	r, _, err := Replay(Options{Oscillator: holdover.OCXO, Scenario: s}, x)
	if err != nil {
		t.Fatal(err)
	}
	if !(r.Lock.MaxNs < 2) || r.Steps != 0 || len(r.Holdover) != 1 || !(r.ActualS >= 3600 && r.ActualS < 3610) || !r.ActualOver {
		t.Errorf("%+v", r)
	}
	if !(r.PeakNs < 100) {
		t.Errorf("peak %v ns", r.PeakNs)
	}
}
