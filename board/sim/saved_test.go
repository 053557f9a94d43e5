package sim

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"bragi/gnss/timescale"
	"bragi/scripts/reflecttest"
)

// A board that was saved, and taken up again later, reads to the nanosecond what
// the same board reads that ran through, and its crystal goes on as that one's.
func TestASavedBoardIsTheOneThatRanThrough(t *testing.T) {
	for _, away := range []time.Duration{0, 300 * time.Millisecond, 2 * time.Second, 10 * time.Minute} {
		config := Config{Oscillator: TCXO, Receiver: Timing, Seed: 7, QuantumPPB: 0.5, WarmUp: WarmUp{PPB: 300, S: 120}}
		start, sky := timescale.MonoFromNs(5e9), timescale.TAIFromNs(1_790_000_000e9)
		whole, err := New(config, start, sky)
		if err != nil {
			t.Fatal(err)
		}
		now := func(d time.Duration) (timescale.Mono, timescale.TAI) { return start.Add(d), sky.Add(d) }
		advance := func(b *Board, d time.Duration) []Event {
			m, s := now(d)
			events := b.Advance(m, s)
			b.PHC().Extend(m.Add(2 * time.Second)) // as the live board does
			return events
		}
		for d := time.Duration(0); d < 20*time.Second; d += 250 * time.Millisecond {
			advance(whole, d)
		}
		m, _ := now(19900 * time.Millisecond)
		if _, err := whole.PHC().AdjustFrequency(m, 123); err != nil {
			t.Fatal(err)
		}
		text, err := json.Marshal(whole.Save())
		if err != nil {
			t.Fatal(err)
		}
		if len(text) > 16<<10 {
			t.Errorf("a board is saved in %d bytes", len(text))
		}
		var saved Saved
		if err := json.Unmarshal(text, &saved); err != nil {
			t.Fatal(err)
		}
		back := 20*time.Second + away
		m, s := now(back)
		resumed, err := Resume(config, saved, m, s)
		if err != nil {
			t.Fatal(err)
		}
		advance(whole, back)
		pulses := 0
		for d := back + 250*time.Millisecond; d < back+10*time.Second; d += 250 * time.Millisecond {
			a, b := advance(whole, d), advance(resumed, d)
			m, s := now(d)
			if x, y := whole.TrueErrorNs(m, s), resumed.TrueErrorNs(m, s); x != y {
				t.Fatalf("after %v away the clock is off by %v ns, and by %v ns had it run through", away, y, x)
			}
			if x, y := whole.PHC().At(m.Add(time.Second)), resumed.PHC().At(m.Add(time.Second)); x != y {
				t.Fatalf("after %v away the clock will read %v, and %v had it run through", away, y, x)
			}
			if whole.SensorC() != resumed.SensorC() {
				t.Fatalf("after %v away it is %v C, %v C had it run through", away, resumed.SensorC(), whole.SensorC())
			}
			for _, e := range b {
				if e.Kind == PulseEdge {
					pulses++
				}
			}
			_ = a
		}
		if pulses < 9 {
			t.Errorf("after %v away %d pulses in 10 s: the fix is lost", away, pulses)
		}
	}
}

// unsaved is what a Board has and does not save, and why.
var unsaved = []string{
	"Board.config.",                                             // Resume is given it
	"Board.oscillator.warmUp.", "Board.oscillator.air.climate.", // of the configuration
	"Board.ublox.refuse", "Board.ublox.counted", "Board.state.hold", "Board.state.timeToFix", // of the configuration
	"Board.queue", "Board.seen.", "Board.lineFree.", "Board.ublox.input", // on its way when the daemon went: lost, as with a real line
	"Board.hostBaud", // the host says it again
}

// Whatever is added to a board, to its crystal or its receiver must be given a value
// here, and then be saved and taken up again.
func TestNoFieldOfABoardIsLost(t *testing.T) {
	config := Config{Oscillator: TCXO, Receiver: M8T, Seed: 7, QuantumPPB: 0.5, WarmUp: WarmUp{PPB: 300, S: 120}, SurveySpeed: 10}
	start, sky := timescale.MonoFromNs(5e9), timescale.TAIFromNs(1_790_000_000e9)
	b, err := New(config, start, sky)
	if err != nil {
		t.Fatal(err)
	}
	for d := 250 * time.Millisecond; d < 20*time.Second; d += 250 * time.Millisecond {
		b.Advance(start.Add(d), sky.Add(d))
	}
	now := b.mono
	b.Heat(3)
	b.Glitch(time.Microsecond)
	b.Lie(Lie{LateNs: 100, DriftNs: 3, AheadS: 1})
	b.SetSurroundings(2, 3)
	b.ublox.survey = 70
	if _, err := b.PHC().AdjustFrequency(now, 123); err != nil {
		t.Fatal(err)
	}
	kept := func(path string) bool {
		return !slices.ContainsFunc(unsaved, func(left string) bool { return strings.HasPrefix(path, left) })
	}
	for _, path := range reflecttest.Unset(b, "Board") {
		if kept(path) {
			t.Errorf("%s is zero: fill it", path)
		}
	}
	text, err := json.Marshal(b.Save())
	if err != nil {
		t.Fatal(err)
	}
	var saved Saved
	if err := json.Unmarshal(text, &saved); err != nil {
		t.Fatal(err)
	}
	resumed, err := Resume(config, saved, now, b.sky)
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range reflecttest.Differing(b, resumed, "Board") {
		if kept(path) {
			t.Errorf("%s is not what it was", path)
		}
	}
}

func TestASavedBoardOfAnotherOrLongAgoIsRefused(t *testing.T) {
	config := Config{Oscillator: OCXO, Seed: 3}
	start, sky := timescale.MonoFromNs(5e9), timescale.TAIFromNs(1_790_000_000e9)
	b, err := New(config, start, sky)
	if err != nil {
		t.Fatal(err)
	}
	b.Advance(start.Add(time.Second), sky.Add(time.Second))
	for name, c := range map[string]struct {
		spoil func(*Saved, *Config)
		after time.Duration
		want  string
	}{
		"another crystal":  {func(_ *Saved, c *Config) { c.Seed++ }, 2 * time.Second, "another one"},
		"another kind":     {func(_ *Saved, c *Config) { c.Oscillator = XO }, 2 * time.Second, "another one"},
		"a later version":  {func(s *Saved, _ *Config) { s.Version++ }, 2 * time.Second, "version"},
		"away for a day":   {func(*Saved, *Config) {}, 24 * time.Hour, "ago"},
		"from the future":  {func(*Saved, *Config) {}, 500 * time.Millisecond, "ago"},
		"no lines":         {func(s *Saved, _ *Config) { s.Lines = nil }, 2 * time.Second, "incomplete"},
		"lines backwards":  {func(s *Saved, _ *Config) { s.Lines = append(s.Lines, s.Lines[0]) }, 2 * time.Second, "lines"},
		"noise of no kind": {func(s *Saved, _ *Config) { s.Air.Stream = []byte("x") }, 2 * time.Second, "noise"},
	} {
		s, other := b.Save(), config
		c.spoil(&s, &other)
		if _, err := Resume(other, s, start.Add(c.after), sky.Add(c.after)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want something of %q", name, err, c.want)
		}
	}
}
