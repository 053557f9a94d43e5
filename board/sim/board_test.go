package sim

import (
	"bytes"
	"math"
	"testing"
	"time"

	"bragi/gnss/timescale"
)

// quietCrystal lets the PHC run as true as CLOCK_MONOTONIC_RAW.
func quiet(c Config) Config {
	c.Spec, c.Crystal, c.Climate = &Spec{LagS: 60}, &Crystal{}, &still
	return c
}

func newBoard(t *testing.T, c Config) *Board {
	t.Helper()
	b, err := New(c, m0, sky0)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// run drives b in virtual time for d and returns the events.
func run(b *Board, d time.Duration) []Event {
	var out []Event
	for end := b.mono.Add(d); ; {
		next := b.Next()
		if end.Before(next) {
			return append(out, b.Advance(end, b.sky.Add(end.Sub(b.mono)))...)
		}
		out = append(out, b.Advance(next, b.sky.Add(next.Sub(b.mono)))...)
	}
}

func pulses(events []Event) []TrueEdge {
	var out []TrueEdge
	for _, e := range events {
		if e.Kind == PulseEdge {
			out = append(out, e.Edge)
		}
	}
	return out
}

func text(events []Event) []byte {
	var out []byte
	for _, e := range events {
		out = append(out, e.Bytes...)
	}
	return out
}

func rms(x []float64) float64 {
	var mean, sum float64
	for _, v := range x {
		mean += v / float64(len(x))
	}
	for _, v := range x {
		sum += (v - mean) * (v - mean)
	}
	return math.Sqrt(sum / float64(len(x)))
}

func diff(x []float64) []float64 {
	out := make([]float64, len(x)-1)
	for i := range out {
		out[i] = x[i+1] - x[i]
	}
	return out
}

// An edge's stamp is the second it stands for, plus the PHC's error, plus the
// pulse's lateness: nothing else is in it.
func TestEdgeIsTheExactReading(t *testing.T) {
	c := Config{Oscillator: TCXO, Seed: 3, NoBytes: true, StartOffset: 5 * time.Millisecond}
	b := newBoard(t, c)
	edges := pulses(run(b, 20*time.Second))
	if len(edges) != 20 {
		t.Fatalf("%d pulses in 20 s", len(edges))
	}
	for i, e := range edges {
		if ns := e.Second.Ns(); ns%1e9 != 0 || ns/1e9 != sky0.Ns()/1e9+int64(i)+1 {
			t.Errorf("pulse %d stands for %d ns", i+1, ns)
		}
		trueMono := m0.Add(e.Second.Sub(sky0))
		if d := float64(e.Mono.Sub(trueMono)) - e.LateNs; d < -1 || d > 1 {
			t.Errorf("pulse %d: Mono is %v ns from second + lateness", i+1, d)
		}
	}
	last := edges[len(edges)-1]
	trueAt := m0.Add(last.Second.Sub(sky0))
	phcError := float64(b.phc.At(trueAt).OffsetNs(last.Second))
	if got := float64(last.Local.OffsetNs(last.Second)); math.Abs(got-phcError-last.LateNs) > 1.5 {
		t.Errorf("stamp is %.1f ns off the second; PHC error %.1f + lateness %.1f", got, phcError, last.LateNs)
	}
	if phcError < 4.9e6 || phcError > 5.1e6 {
		t.Errorf("the PHC is %v ns ahead 20 s after a start 5 ms ahead", phcError)
	}
}

func TestStampsAreWholeGrains(t *testing.T) {
	b := newBoard(t, Config{Seed: 1, StampGrainNs: 40, NoBytes: true})
	for _, e := range pulses(run(b, 10*time.Second)) {
		if e.Local.Ns()%40 != 0 || math.Abs(e.SigmaNs-40/math.Sqrt(12)) > 1e-9 {
			t.Errorf("stamp %d, sigma %v: want multiples of 40 ns, sigma 40/sqrt(12)", e.Local.Ns(), e.SigmaNs)
		}
	}
}

func TestThePulsesNoiseIsItsReceivers(t *testing.T) {
	const hours = 3
	late := func(kind ReceiverKind) (raw, corrected []float64) {
		b := newBoard(t, quiet(Config{Receiver: kind, Seed: 11, NoBytes: true}))
		for _, e := range pulses(run(b, hours*time.Hour)) {
			x := float64(e.Local.OffsetNs(e.Second))
			raw, corrected = append(raw, x), append(corrected, x+e.QErrNs)
		}
		return raw, corrected
	}
	// White noise shows in first differences, sqrt(2) times; the slow part does not.
	raw, _ := late(Navigation)
	if got := rms(diff(raw)) / math.Sqrt2; got < 24 || got > 26 {
		t.Errorf("navigation receiver: white noise %.1f ns rms, want 25", got)
	}
	if n := len(raw); n != hours*3600 {
		t.Errorf("%d pulses in %d h", n, hours)
	}
	raw, corrected := late(Timing)
	if got := rms(diff(corrected)) / math.Sqrt2; got < 5.2 || got > 5.8 {
		t.Errorf("timing receiver after qErr: %.1f ns rms, want 5.5", got)
	}
	if got := rms(raw); got < 7 || got > 20 {
		t.Errorf("timing receiver before qErr: %.1f ns rms", got)
	}
	wrong := make([]float64, len(raw))
	for i := range raw {
		wrong[i] = 2*raw[i] - corrected[i]
	}
	if plus, none, minus := rms(diff(corrected)), rms(diff(raw)), rms(diff(wrong)); plus >= none || minus <= none {
		t.Errorf("first differences: with +qErr %.1f, without %.1f, with -qErr %.1f ns: want them to rise", plus, none, minus)
	}
}

// The slow part is a Gauss-Markov process of 10 ns and 7200 s.
func TestSlowPulseNoiseIsGaussMarkov(t *testing.T) {
	p := newPulseNoise(Navigation, 5)
	var sum, lag float64
	const n = 1_500_000
	prev := make([]float64, 0, n)
	for range n {
		p.next()
		prev = append(prev, p.slow)
	}
	for i := range n - 7200 {
		sum += prev[i] * prev[i]
		lag += prev[i] * prev[i+7200]
	}
	if dev := math.Sqrt(sum / (n - 7200)); dev < 8.5 || dev > 11.5 {
		t.Errorf("deviation %.1f ns, want 10", dev)
	}
	if r := lag / sum; r < 0.25 || r > 0.5 {
		t.Errorf("correlation after 7200 s is %.2f, want 1/e", r)
	}
}

func TestGlitchIsOnce(t *testing.T) {
	for _, d := range []time.Duration{time.Microsecond, 200 * time.Millisecond, -50 * time.Millisecond, 1500 * time.Millisecond} {
		b := newBoard(t, quiet(Config{Seed: 1, NoBytes: true}))
		run(b, 3*time.Second)
		b.Glitch(d)
		edges := pulses(run(b, 5*time.Second))
		wrong := 0
		for _, e := range edges {
			off := time.Duration(e.Local.OffsetNs(e.Second))
			if off > 300 || off < -300 {
				wrong++
				if e := off - d; e > 300 || e < -300 {
					t.Errorf("glitch %v: a pulse is %v off", d, off)
				}
			}
		}
		if wrong != 1 {
			t.Errorf("glitch %v: %d pulses of %d are off, want 1", d, wrong, len(edges))
		}
	}
}

func TestAntennaDelayIsLate(t *testing.T) {
	b := newBoard(t, quiet(Config{Seed: 1, NoBytes: true, AntennaDelay: 5 * time.Microsecond}))
	for _, e := range pulses(run(b, 5*time.Second)) {
		if off := e.Local.OffsetNs(e.Second); off < 4800 || off > 5200 {
			t.Errorf("with 5 us of cable a pulse is stamped %d ns late", off)
		}
	}
}

func TestPulsesComeWithTheFixAndEndWithTheAntenna(t *testing.T) {
	b := newBoard(t, Config{Seed: 2, TimeToFix: 4 * time.Second})
	events := run(b, 4*time.Second) // from x.25 s: seconds 1 to 4, none 4 s old yet
	if n := len(pulses(events)); n != 0 {
		t.Errorf("%d pulses before the fix", n)
	}
	if !bytes.Contains(text(events), []byte("RMC,,V,,,,,,,,,,N*4D")) {
		t.Errorf("the first sentences should be void and without date:\n%s", text(events))
	}
	if bytes.Contains(text(events), []byte(",A,60")) {
		t.Error("a valid position before the fix")
	}
	events = run(b, 4*time.Second)
	if n := len(pulses(events)); n != 4 {
		t.Errorf("%d pulses in the 4 s after the fix", n)
	}
	b.SetAntenna(false)
	if tr := b.Truth(b.mono, b.sky); tr.Antenna != "cut" {
		t.Errorf("antenna is %q", tr.Antenna)
	}
	run(b, 200*time.Millisecond) // the rest of the last good burst
	events = run(b, 5*time.Second)
	if n := len(pulses(events)); n != 0 {
		t.Errorf("%d pulses after the cut", n)
	}
	if bytes.Contains(text(events), []byte("RMC,,V")) || bytes.Contains(text(events), []byte(",A,60")) {
		t.Errorf("after the cut the receiver knows the time and has no fix:\n%s", text(events))
	}
	b.SetAntenna(true)
	events = run(b, 8*time.Second)
	if n := len(pulses(events)); n != 4 && n != 5 {
		t.Errorf("%d pulses in the 8 s after the antenna came back, time to fix 4 s", n)
	}
	if tr := b.Truth(b.mono, b.sky); tr.Antenna != "ok" || !b.state.fixed {
		t.Errorf("truth is %+v, fixed %t", tr, b.state.fixed)
	}
}

// A real receiver lets the pulse run away before it gives up its fix.
func TestPulseRunsAwayWhileTheFixIsHeld(t *testing.T) {
	b := newBoard(t, quiet(Config{Receiver: Timing, Seed: 2, NoBytes: true, FixHold: 20 * time.Second}))
	run(b, 10*time.Second)
	b.SetAntenna(false)
	edges := pulses(run(b, 60*time.Second))
	if len(edges) != 19 && len(edges) != 20 {
		t.Fatalf("%d pulses after the cut, want those of 20 s", len(edges))
	}
	last := edges[len(edges)-1]
	if off := last.Local.OffsetNs(last.Second); off < 600 || off > 760 {
		t.Errorf("the last pulse is %d ns off, want about 20 s of 35 ns/s", off)
	}
}

func TestStartsWithTheAntennaCut(t *testing.T) {
	b := newBoard(t, Config{Seed: 2, AntennaCut: true})
	events := run(b, 10*time.Second)
	if n := len(pulses(events)); n != 0 {
		t.Errorf("%d pulses", n)
	}
	if n := bytes.Count(text(events), []byte("$GNRMC,,V,,,,,,,,,,N*4D\r\n")); n != 10 {
		t.Errorf("%d of 10 RMC are void and empty", n)
	}
}

func TestEventsComeInOrderAndNextFindsThem(t *testing.T) {
	b := newBoard(t, Config{Seed: 4, MessageDelay: [2]time.Duration{500 * time.Millisecond, 990 * time.Millisecond}, Baud: 9600})
	last := m0
	for range 2000 {
		next := b.Next()
		if !b.mono.Before(next) {
			t.Fatalf("Next is %v, now is %v", next, b.mono)
		}
		for _, e := range b.Advance(next, b.sky.Add(next.Sub(b.mono))) {
			if e.At.Before(last) {
				t.Fatalf("an event of %v after one of %v", e.At, last)
			}
			if e.At != next {
				t.Fatalf("an event of %v came with Next %v", e.At, next)
			}
			last = e.At
		}
	}
}

// How the caller advances must not matter.
func TestCoarseAdvanceGivesTheSameEvents(t *testing.T) {
	c := Config{Oscillator: OCXO, Receiver: Timing, Seed: 8}
	fine, coarse := newBoard(t, c), newBoard(t, c)
	a := run(fine, 10*time.Second)
	b := coarse.Advance(m0.Add(10*time.Second), sky0.Add(10*time.Second))
	if len(a) != len(b) {
		t.Fatalf("%d and %d events", len(a), len(b))
	}
	for i := range a {
		if d := a[i].At.Sub(b[i].At); d < -1 || d > 1 {
			t.Errorf("event %d: %v apart", i, d)
		}
		if d := a[i].Edge.Local.Sub(b[i].Edge.Local); d < -2 || d > 2 {
			t.Errorf("event %d: readings %v apart", i, d)
		}
		if !bytes.Equal(a[i].Bytes, b[i].Bytes) {
			t.Errorf("event %d: %q and %q", i, a[i].Bytes, b[i].Bytes)
		}
	}
}

// Live, CLOCK_REALTIME is slewed against CLOCK_MONOTONIC_RAW: pulses stay at
// the sky's whole seconds.
func TestPulsesFollowASlewedSky(t *testing.T) {
	b := newBoard(t, quiet(Config{Seed: 4, NoBytes: true, Receiver: Timing}))
	const ppm = 100
	var edges []TrueEdge
	for i := 1; i <= 700; i++ {
		e := time.Duration(i) * 29 * time.Millisecond
		edges = append(edges, pulses(b.Advance(m0.Add(e), sky0.Add(e+e*ppm/1e6)))...)
	}
	if len(edges) != 20 {
		t.Fatalf("%d pulses in 20.3 s", len(edges))
	}
	for _, e := range edges {
		want := float64(e.Second.Sub(sky0)) / (1 + ppm*1e-6) // Mono passed since the start
		if d := float64(e.Mono.Sub(m0)) - want - e.LateNs; math.Abs(d) > 2 {
			t.Errorf("pulse at %v: %.1f ns from the sky's second", e.Second, d)
		}
	}
}

func TestNoPulseComesAcrossAJumpOfTheSky(t *testing.T) {
	for _, jump := range []time.Duration{time.Hour, -time.Hour, 400 * time.Millisecond, -time.Second} {
		b := newBoard(t, quiet(Config{Seed: 4}))
		run(b, 5500*time.Millisecond)
		to := b.mono.Add(100 * time.Millisecond)
		if n := len(pulses(b.Advance(to, b.sky.Add(100*time.Millisecond+jump)))); n != 0 {
			t.Errorf("jump %v: %d pulses across it", jump, n)
		}
		edges := pulses(run(b, 10*time.Second))
		if len(edges) < 9 || len(edges) > 11 {
			t.Errorf("jump %v: %d pulses in the 10 s after", jump, len(edges))
		}
		for _, e := range edges {
			if off := time.Duration(e.Local.OffsetNs(e.Second)) + jump; off > 300 || off < -300 {
				t.Errorf("jump %v: pulse %v off the new second", jump, off)
			}
		}
	}
}

func TestAdvanceBackIsNothing(t *testing.T) {
	b := newBoard(t, Config{Seed: 1})
	run(b, time.Second)
	at, next := b.mono, b.Next()
	if e := b.Advance(at, sky0); e != nil {
		t.Error("no time passed, yet there were events")
	}
	if e := b.Advance(at.Add(-time.Hour), sky0.Add(-time.Hour)); e != nil || b.mono != at || b.Next() != next {
		t.Error("time went back")
	}
}

func TestTheThermometerShowsTheAirInSteps(t *testing.T) {
	b := newBoard(t, Config{Seed: 1, NoBytes: true})
	low, high := math.Inf(1), math.Inf(-1)
	for range 24 * 6 {
		run(b, 10*time.Minute)
		c := b.SensorC()
		if steps := c / SensorStepC; steps != math.Round(steps) {
			t.Fatalf("%v C is no multiple of %v C", c, SensorStepC)
		}
		if d := math.Abs(c - b.Truth(b.mono, b.sky).TemperatureC); d > SensorStepC/2+1e-9 {
			t.Fatalf("the thermometer is %v C off", d)
		}
		low, high = min(low, c), max(high, c)
	}
	if swing := high - low; swing < 3.5 || swing > 6.5 {
		t.Errorf("a day's swing is %.1f C, want about 4 to 5.5", swing)
	}
}

func TestTheTrueErrorIsThePHCLessTheSky(t *testing.T) {
	b := newBoard(t, quiet(Config{Seed: 1, NoBytes: true, StartOffset: -1500 * time.Nanosecond}))
	run(b, 10*time.Second)
	if _, err := b.PHC().AdjustFrequency(b.mono, 100); err != nil {
		t.Fatal(err)
	}
	run(b, 10*time.Second)
	tr, rate := b.Truth(b.mono, b.sky), b.PHC().RatePPB(b.mono)
	if math.Abs(tr.TrueErrorNs+500) > 0.01 || math.Abs(rate-100) > 1e-9 || tr.Oscillator != "xo" {
		t.Errorf("-1500 ns and 10 s at +100 ppb: %+v, rate %v ppb", tr, rate)
	}
}

func TestConfigsThatContradictAreRefused(t *testing.T) {
	for name, c := range map[string]Config{
		"negative quantum":     {QuantumPPB: -1},
		"quantum above limit":  {QuantumPPB: 5, MaxPPB: 1},
		"negative grain":       {StampGrainNs: -4},
		"delays fall":          {MessageDelay: [2]time.Duration{2, 1}},
		"negative baud":        {Baud: -9600},
		"negative time to fix": {TimeToFix: -1},
	} {
		if _, err := New(c, m0, sky0); err == nil {
			t.Errorf("%s was taken", name)
		}
	}
}

func TestBurstsComeWithinTheirDelayAndJitter(t *testing.T) {
	b := newBoard(t, quiet(Config{Seed: 6}))
	var second timescale.Mono
	spread := map[time.Duration]bool{}
	fresh := false
	for _, e := range run(b, 60*time.Second) {
		switch {
		case e.Kind == PulseEdge:
			second, fresh = e.At, true
		case fresh: // the first bytes after a pulse
			fresh = false
			after := e.At.Sub(second)
			if after < 60*time.Millisecond || after > 150*time.Millisecond {
				t.Errorf("the burst began %v after the pulse", after)
			}
			spread[after/(10*time.Millisecond)] = true
		}
	}
	if len(spread) < 5 {
		t.Errorf("the bursts' delays fall in %d boxes of 10 ms: no jitter", len(spread))
	}
}
