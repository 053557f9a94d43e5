package simulate

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/pelletier/go-toml/v2"
)

// Scenario is what happens to the grandmaster.
type Scenario struct {
	Name     string
	About    string
	Duration time.Duration
	// FixHold is how long the receiver believes in a fix after the antenna was
	// cut: its pulses run away by 35 ns every second meanwhile.
	FixHold time.Duration
	// Learning, Settle and MaxHoldover are the keys of [holdover]; 0: default.
	Learning, Settle, MaxHoldover time.Duration
	Events                        []Event // by At
}

// Action is what an Event does.
type Action string

// The actions. Those with a duration end by themselves.
const (
	AntennaCut       Action = "antenna-cut"
	AntennaRestore   Action = "antenna-restore"
	PulseGlitch      Action = "pps-glitch"   // the next Count pulses are By late
	PulseOutliers    Action = "pps-outliers" // for For, Share of the pulses are By late or early
	PulseNoise       Action = "pps-noise"    // for For, the pulses' noise is Factor times as large
	PulseWhite       Action = "pps-white"    // the same of their white noise alone: the slow wander stays
	PulseOffset      Action = "pps-offset"   // for For, every pulse is By late
	PulseMissing     Action = "pps-missing"  // the next Count pulses are missing
	PulseGaps        Action = "pps-gaps"     // for For, the first Count pulses of every minute are missing
	PulseLost        Action = "pps-lost"     // for For, Share of the pulses is missing
	PulseDoubled     Action = "pps-doubled"  // for For, Share of the pulses is followed by a second edge, By later
	PulseLate        Action = "pps-late"     // for For, pulses are handed over By later than usual, with their right stamps
	SkyRamp          Action = "sky-ramp"     // the sky's time moves: within For the pulses come By later, and stay so
	Seconds          Action = "wrong-second" // for For, the receiver's messages name the second Count after the right one (a wrong leap count)
	Jamming          Action = "jamming"      // for For: the noise grows tenfold, after a minute the fix is lost
	TemperatureRamp  Action = "temperature-ramp"
	ThermometerStuck Action = "thermometer-stuck"
	ThermometerJump  Action = "thermometer-jump" // it shows Celsius too much
	ThermometerDie   Action = "thermometer-die"  // it is in the processor's die: from now on it shows what the load makes, up to Celsius more
	ThermometerDead  Action = "thermometer-dead"
	ThermometerOK    Action = "thermometer-ok"
	PowerCycle       Action = "power-cycle" // off for For; the clock starts from a wrong time, with what its memory kept
	Restart          Action = "restart"     // bragid is away for For and goes on with the state that it left; the clock runs on
)

// needs are the keys that an action must have; it may have no other.
var needs = map[Action][]string{
	AntennaCut: {}, AntennaRestore: {}, PulseGlitch: {"by", "count"}, PulseOutliers: {"by", "share", "for"},
	PulseNoise: {"factor", "for"}, PulseWhite: {"factor", "for"}, PulseOffset: {"by", "for"}, PulseMissing: {"count"}, Jamming: {"for"},
	PulseGaps: {"count", "for"}, PulseLost: {"share", "for"}, PulseDoubled: {"by", "share", "for"}, PulseLate: {"by", "for"},
	SkyRamp: {"by", "for"}, Seconds: {"count", "for"}, ThermometerDie: {"celsius"}, Restart: {"for"},
	TemperatureRamp: {"celsius", "for"}, ThermometerStuck: {}, ThermometerJump: {"celsius"}, ThermometerDead: {},
	ThermometerOK: {}, PowerCycle: {"for"},
}

// Event is one thing that happens.
type Event struct {
	At      time.Duration
	Do      Action
	By      time.Duration
	For     time.Duration
	Count   int
	Share   float64
	Factor  float64
	Celsius float64
}

// file is a scenario as TOML has it.
type file struct {
	About       string      `toml:"about"`
	Duration    string      `toml:"duration"`
	FixHold     string      `toml:"fix_hold"`
	Learning    string      `toml:"learning"`
	Settle      string      `toml:"settle"`
	MaxHoldover string      `toml:"max_holdover"`
	Event       []fileEvent `toml:"event"`
}

type fileEvent struct {
	At      string   `toml:"at"`
	Do      string   `toml:"do"`
	By      *string  `toml:"by"`
	For     *string  `toml:"for"`
	Count   *int     `toml:"count"`
	Share   *float64 `toml:"share"`
	Factor  *float64 `toml:"factor"`
	Celsius *float64 `toml:"celsius"`
}

//go:embed scenarios/*.toml
var ready embed.FS

// Names are the ready scenarios.
func Names() []string {
	files, _ := fs.Glob(ready, "scenarios/*.toml") // the pattern is well formed
	names := make([]string, len(files))
	for i, f := range files {
		names[i] = strings.TrimSuffix(path.Base(f), ".toml")
	}
	return names
}

// Load gives the scenario of a ready name, or of a file.
func Load(nameOrFile string) (*Scenario, error) {
	if slices.Contains(Names(), nameOrFile) {
		text, err := ready.ReadFile("scenarios/" + nameOrFile + ".toml")
		if err != nil {
			return nil, fmt.Errorf("simulate: %w", err)
		}
		return ParseScenario(nameOrFile, text)
	}
	text, err := os.ReadFile(nameOrFile)
	if err != nil {
		return nil, fmt.Errorf("simulate: scenario %w (fix: a file, or one of %s)", err, strings.Join(Names(), ", "))
	}
	return ParseScenario(nameOrFile, text)
}

const (
	longest    = 400 * 24 * time.Hour
	eventsMost = 10_000
	sizeMost   = 1 << 20
)

// ParseScenario reads a scenario; name is its name in errors. Unknown keys,
// values out of range and contradictions are errors with line and fix.
func ParseScenario(name string, text []byte) (*Scenario, error) {
	if len(text) > sizeMost {
		return nil, fmt.Errorf("simulate: %s is larger than 1 MiB: this is no scenario", name)
	}
	var f file
	decoder := toml.NewDecoder(bytes.NewReader(text)).DisallowUnknownFields()
	if err := decoder.Decode(&f); err != nil {
		return nil, syntax(name, err)
	}
	p := scenarioReader{name: name, lines: eventLines(text)}
	s := p.scenario(f)
	if p.err != nil {
		return nil, p.err
	}
	return s, nil
}

// syntax tells line and fix of what the TOML reader refused.
func syntax(name string, err error) error {
	var strict *toml.StrictMissingError
	if errors.As(err, &strict) && len(strict.Errors) > 0 {
		row, _ := strict.Errors[0].Position()
		return fmt.Errorf("simulate: %s:%d: unknown key %s (fix: about, duration, fix_hold, learning, settle, max_holdover; in [[event]] at, do, by, for, count, share, factor, celsius)",
			name, row, strings.Join(strict.Errors[0].Key(), "."))
	}
	var decode *toml.DecodeError
	if errors.As(err, &decode) {
		row, _ := decode.Position()
		return fmt.Errorf("simulate: %s:%d: %s (fix: durations and actions are \"quoted\", numbers are not)", name, row, strings.TrimPrefix(decode.Error(), "toml: "))
	}
	return fmt.Errorf("simulate: %s: %w", name, err)
}

// eventLines are the lines on which the [[event]] tables begin.
func eventLines(text []byte) []int {
	var lines []int
	for i, line := range bytes.Split(text, []byte("\n")) {
		if bytes.HasPrefix(bytes.ReplaceAll(line, []byte(" "), nil), []byte("[[event]]")) {
			lines = append(lines, i+1)
		}
	}
	return lines
}

// scenarioReader keeps the first thing that is wrong.
type scenarioReader struct {
	name  string
	lines []int
	event int // -1: in the head
	err   error
}

func (p *scenarioReader) wrong(format string, args ...any) {
	if p.err != nil {
		return
	}
	where := p.name
	if p.event >= 0 && p.event < len(p.lines) {
		where = fmt.Sprintf("%s:%d", p.name, p.lines[p.event])
	}
	p.err = fmt.Errorf("simulate: %s: %s", where, fmt.Sprintf(format, args...))
}

func (p *scenarioReader) duration(key, text string, least, most time.Duration) time.Duration {
	d, err := time.ParseDuration(text)
	if err != nil {
		p.wrong("%s = %q is no duration (fix: write it like \"90s\", \"24h\")", key, text)
		return 0
	}
	if d < least || d > most {
		p.wrong("%s = %q is out of range (fix: from %v to %v)", key, text, least, most)
	}
	return d
}

func (p *scenarioReader) optional(key, text string) time.Duration {
	if text == "" {
		return 0
	}
	return p.duration(key, text, 0, longest)
}

func (p *scenarioReader) scenario(f file) *Scenario {
	p.event = -1
	s := &Scenario{Name: strings.TrimSuffix(path.Base(p.name), ".toml"), About: f.About}
	if f.Duration == "" {
		p.wrong("duration is missing (fix: duration = \"48h\")")
		return s
	}
	s.Duration = p.duration("duration", f.Duration, time.Minute, longest)
	s.FixHold = p.optional("fix_hold", f.FixHold)
	s.Learning, s.Settle = p.optional("learning", f.Learning), p.optional("settle", f.Settle)
	s.MaxHoldover = p.optional("max_holdover", f.MaxHoldover)
	if len(f.Event) > eventsMost {
		p.wrong("%d events (fix: at most %d)", len(f.Event), eventsMost)
		return s
	}
	for i, e := range f.Event {
		p.event = i
		s.Events = append(s.Events, p.readEvent(e, s.Duration))
		if i > 0 && s.Events[i].At < s.Events[i-1].At {
			p.wrong("at = %q is before the event above it (fix: order the events by time)", e.At)
		}
	}
	return s
}

func (p *scenarioReader) readEvent(f fileEvent, end time.Duration) Event {
	e := Event{Do: Action(f.Do)}
	want, known := needs[e.Do]
	if !known {
		p.wrong("do = %q is unknown (fix: one of %s)", f.Do, strings.Join(actions(), ", "))
		return e
	}
	if f.At == "" {
		p.wrong("at is missing (fix: at = \"24h\", from the start)")
		return e
	}
	e.At = p.duration("at", f.At, 0, end)
	have := map[string]bool{"by": f.By != nil, "for": f.For != nil, "count": f.Count != nil, "share": f.Share != nil, "factor": f.Factor != nil, "celsius": f.Celsius != nil}
	for _, key := range []string{"by", "for", "count", "share", "factor", "celsius"} {
		switch {
		case have[key] && !slices.Contains(want, key):
			p.wrong("%s has no %s (fix: leave it out)", e.Do, key)
		case !have[key] && slices.Contains(want, key):
			p.wrong("%s wants %s (fix: add %s = ...)", e.Do, key, key)
		}
	}
	if p.err != nil {
		return e
	}
	if f.By != nil {
		e.By = p.duration("by", *f.By, -200*time.Millisecond, 200*time.Millisecond)
	}
	if f.For != nil {
		e.For = p.duration("for", *f.For, time.Second, longest)
	}
	if f.Count != nil {
		e.Count = *f.Count
		least := 1.0
		if e.Do == Seconds {
			least = -1e6
		}
		p.between("count", float64(e.Count), least, 1e6)
	}
	if f.Share != nil {
		e.Share = *f.Share
		p.between("share", e.Share, 0, 1)
	}
	if f.Factor != nil {
		e.Factor = *f.Factor
		p.between("factor", e.Factor, 0, 1000)
	}
	if f.Celsius != nil {
		e.Celsius = *f.Celsius
		p.between("celsius", e.Celsius, -100, 100)
	}
	return e
}

func (p *scenarioReader) between(key string, v, low, high float64) {
	if !(v >= low && v <= high) {
		p.wrong("%s = %v is out of range (fix: from %v to %v)", key, v, low, high)
	}
}

func actions() []string {
	names := make([]string, 0, len(needs))
	for a := range needs {
		names = append(names, string(a))
	}
	slices.Sort(names)
	return names
}

// loss is when the reference first goes: the antenna is cut, power is lost or
// the receiver jammed. ok is false when it never does.
func (s *Scenario) loss() (at time.Duration, ok bool) {
	for _, e := range s.Events {
		if e.Do == AntennaCut || e.Do == Jamming || e.Do == PowerCycle {
			return e.At, true
		}
	}
	return s.Duration, false
}
