package holdover

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"bragi/gnss/timescale"

	"pgregory.net/rapid"
)

// U is the integral of the staircase, also for a moment before the last change;
// steps stay whole nanoseconds.
func TestCorrections(t *testing.T) {
	at := func(s float64) timescale.Mono { return timescale.MonoFromNs(int64(s * 1e9)) }
	var c corrections
	check := func(s, wantU float64, wantSteps int64) {
		t.Helper()
		u, steps, ok := c.at(at(s))
		if !ok || math.Abs(u-wantU) > 1e-6 || steps != wantSteps {
			t.Errorf("at %g s: U %g, steps %d, %v; want %g, %d", s, u, steps, ok, wantU, wantSteps)
		}
	}
	check(5, 0, 0)
	c.frequency(at(10), 100)
	check(9, 0, 0)
	check(12, 200, 0)
	c.frequency(at(12), -50)
	check(11, 100, 0)
	check(14, 100, 0)
	const step = 1_770_000_000_123_456_789
	c.step(at(14), step)
	check(13.9, 105, 0)
	check(16, 0, step)
	for i := range 40 {
		c.frequency(at(20+float64(i)), float64(i))
	}
	if _, _, ok := c.at(at(15)); ok {
		t.Error("remembers what it has forgotten")
	}
	if u, steps, ok := c.at(at(59)); !ok || steps != step || math.Abs(u-(-200+39*38/2)) > 1e-6 {
		t.Errorf("after the ring went round: U %g, steps %d, %v", u, steps, ok)
	}
}

// A glitch among the first pulses does not become the first frequency.
func TestFirstFrequency(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	for _, c := range []struct {
		name     string
		at       int // which of the pulses is off
		by       float64
		noise    float64
		atMost   int // pulses until an answer
		withinPP float64
	}{
		{"clean", -1, 0, 20, 4, 60},
		{"1 us on the first", 0, 1000, 20, 5, 60},
		{"1 us on the third", 2, -1000, 20, 7, 60},
		{"200 ms on the second", 1, 200e6, 20, 6, 60},
		{"5 us of noise that nobody stated", -1, 0, 5000, 30, 2500},
	} {
		for range 50 {
			var f fit
			for i := range 31 {
				z := 24_000*float64(i) + c.noise*rng.NormFloat64()
				if i == c.at {
					z += c.by
				}
				f.add(float64(i), z, 0)
				l, ok := f.frequency()
				if !ok {
					if i+1 >= c.atMost {
						t.Errorf("%s: nothing after %d pulses", c.name, i+1)
						break
					}
					continue
				}
				if math.Abs(l.y-24_000) > c.withinPP {
					t.Errorf("%s: %.0f ppb after %d pulses, want 24000", c.name, l.y, i+1)
				}
				break
			}
		}
	}
}

// No window of one second holds more change than the limit, however the calls
// fall.
func TestRateLimit(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const limit = 10.0
		gap := rapid.Int64Range(1e6, 2e9)
		var r rateLimit
		type change struct{ at, ppb float64 }
		var done []change
		now := int64(1e12)
		for range rapid.IntRange(1, 80).Draw(t, "calls") {
			now += gap.Draw(t, "gap")
			allow := r.allow(timescale.MonoFromNs(now), limit)
			if allow < 0 || allow > limit {
				t.Fatalf("allow %g", allow)
			}
			if allow == 0 {
				continue
			}
			r.note(timescale.MonoFromNs(now), -allow)
			done = append(done, change{float64(now) / 1e9, allow})
			sum := 0.0
			for _, c := range done {
				if done[len(done)-1].at-c.at <= 1 {
					sum += c.ppb
				}
			}
			if sum > limit+1e-9 {
				t.Fatalf("%g ppb within a second", sum)
			}
		}
	})
}

// One call a second gets half the limit, so that two in a closed second keep it.
func TestRateLimitOncePerSecond(t *testing.T) {
	var r rateLimit
	total := 0.0
	for i := range 100 {
		now := timescale.MonoFromNs(int64(i+1) * 1e9)
		a := r.allow(now, 10)
		r.note(now, a)
		total += a
	}
	if total < 490 || total > 510 {
		t.Errorf("%.0f ppb in 100 s", total)
	}
}

func TestImpossiblePulses(t *testing.T) {
	nan, inf := math.NaN(), math.Inf(1)
	good := func(r *rig) Pulse {
		return Pulse{Mono: mono(float64(r.second + 1)), OffsetNs: r.whole + int64(r.xNs), TempC: nan}
	}
	for _, c := range []struct {
		name string
		bad  func(*Pulse)
	}{
		{"NaN sigma", func(p *Pulse) { p.SigmaNs = nan }},
		{"infinite sigma", func(p *Pulse) { p.SigmaNs = inf }},
		{"negative sigma", func(p *Pulse) { p.SigmaNs = -1 }},
		{"NaN correction", func(p *Pulse) { p.CorrectionNs = nan }},
		{"infinite correction", func(p *Pulse) { p.CorrectionNs = -inf }},
		{"correction of a second", func(p *Pulse) { p.CorrectionNs = 2e9 }},
		{"offset beyond 146 years", func(p *Pulse) { p.OffsetNs = math.MinInt64 }},
		{"no instant", func(p *Pulse) { p.Mono = timescale.Mono{} }},
		{"in the future", func(p *Pulse) { p.Mono = p.Mono.Add(time.Hour) }},
		{"long ago", func(p *Pulse) { p.Mono = p.Mono.Add(-time.Hour) }},
		{"the last one again", func(p *Pulse) { p.Mono = p.Mono.Add(-time.Second) }},
	} {
		r := newRig(t, 1, OCXO, nil)
		r.run(60)
		before := r.clock.Report(mono(60.6))
		p := good(r)
		c.bad(&p)
		o := r.clock.Pulse(mono(61.013), p)
		after := r.clock.Report(mono(61.013))
		if after.Refused != before.Refused+1 || after.Accepted != before.Accepted || o.Step {
			t.Errorf("%s: refused %d -> %d, accepted %d -> %d, %+v", c.name, before.Refused, after.Refused, before.Accepted, after.Accepted, o)
		}
		if math.Abs(after.ErrorNs-before.ErrorNs) > 1 {
			t.Errorf("%s: moved the estimate by %g ns", c.name, after.ErrorNs-before.ErrorNs)
		}
	}
	// A temperature that is no number is unknown; the pulse counts.
	r := newRig(t, 1, OCXO, nil)
	r.run(60)
	p := good(r)
	p.TempC = inf
	before := r.clock.Report(mono(60.6)).Accepted
	r.clock.Pulse(mono(61.013), p)
	if rep := r.clock.Report(mono(61.013)); rep.Accepted != before+1 || math.Abs(rep.TempC-30) > 1 {
		t.Errorf("infinite temperature: accepted %d -> %d, %g C", before, rep.Accepted, rep.TempC)
	}
}

func TestParse(t *testing.T) {
	for o := Auto; o <= Rubidium; o++ {
		if got, err := ParseOscillator(o.String()); got != o || err != nil {
			t.Errorf("%v: %v, %v", o, got, err)
		}
	}
	for o := AcquireAuto; o <= AcquireStep; o++ {
		if got, err := ParseOnAcquire(o.String()); got != o || err != nil {
			t.Errorf("%v: %v, %v", o, got, err)
		}
	}
	if _, err := ParseOscillator("quartz"); err == nil {
		t.Error("quartz")
	}
	if _, err := ParseOnAcquire("jump"); err == nil {
		t.Error("jump")
	}
	// Nonsense becomes the default, never a clock that divides by zero.
	c := New(Config{Oscillator: 99, SlewPPB: math.NaN(), RatePPB: -1, MaxPPB: math.Inf(1), QuantumPPB: math.NaN()})
	if c.cfg.SlewPPB != 50 || c.cfg.RatePPB != 10 || c.cfg.MaxPPB != 500_000 || c.cfg.QuantumPPB != 0 {
		t.Errorf("%+v", c.cfg)
	}
}

// No sequence of calls makes a panic, a number that is none in an order, or a
// step after the first lock.
func FuzzClock(f *testing.F) {
	f.Add([]byte{0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 250, 251, 252, 253})
	f.Add([]byte{9, 9, 9, 200, 9, 9, 9, 17, 33, 65, 129})
	f.Fuzz(func(t *testing.T, ops []byte) {
		c := New(Config{Oscillator: OCXO, Settle: 2 * time.Second, FreeRunAfter: time.Second, OnReturn: ReturnSlew})
		now := timescale.MonoFromNs(1e9)
		x := int64(-1_770_000_000_000_000_000)
		rng := rand.New(rand.NewPCG(uint64(len(ops)), 1))
		take := func(o Order) {
			if o.Step {
				if c.Report(now).EverLocked {
					t.Fatal("a step after the first lock")
				}
				if rng.IntN(4) > 0 {
					x += o.StepNs
					c.Stepped(now, o.StepNs)
				}
			}
			if o.SetFrequency {
				if !finite(o.FrequencyPPB) || math.Abs(o.FrequencyPPB) > c.cfg.MaxPPB {
					t.Fatalf("order %g ppb", o.FrequencyPPB)
				}
				c.Applied(now, o.FrequencyPPB)
			}
		}
		for _, op := range ops {
			now = now.Add(time.Second)
			p := Pulse{Mono: now, OffsetNs: x, TempC: math.NaN()}
			switch {
			case op < 128:
				p.OffsetNs += int64(op)
			case op < 160:
				p.OffsetNs += int64(op-128) << (op % 60)
			case op < 170:
				p.SigmaNs, p.CorrectionNs = rng.NormFloat64()*1e6, rng.NormFloat64()*1e8
			case op < 180:
				now = now.Add(-time.Duration(op) * time.Minute)
			case op < 190:
				now = now.Add(time.Duration(op-180) * 24 * time.Hour)
			case op < 200:
				c.Applied(now, math.Inf(1))
			case op < 210:
				c.Applied(now, rng.NormFloat64()*1e5)
			case op < 220:
				p.OffsetNs = math.MinInt64 + int64(op)
			}
			take(c.Pulse(now, p))
			take(c.Tick(now.Add(time.Duration(op)*time.Millisecond), Conditions{HasTime: op%2 == 0, Served: op%3 == 0, Distrust: Reason(op % 30)}))
			r := c.Report(now)
			if _, sum := r.Quality.State, r.Quality.BoundNs; sum < 0 {
				t.Fatalf("bound %g", sum)
			}
		}
	})
}
