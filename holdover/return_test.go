package holdover

import (
	"math"
	"slices"
	"testing"
	"time"

	"bragi/holdover/quality"
)

// A pulse that returns where the bound allows is believed within seconds,
// however noisy it is: a kernel's of 2 us, or one that came back noisier.
func TestReturnIsBelieved(t *testing.T) {
	for _, c := range []struct {
		name          string
		before, after float64 // noise of the pulse, ns
		awayS, limitS int     // until LOCKED
	}{
		{"quiet, a minute", 25, 25, 60, 20},
		{"quiet, an hour", 25, 25, 3600, 40},
		{"a kernel's, two minutes", 2000, 2000, 120, 30},
		{"a kernel's, ten minutes", 2000, 2000, 600, 30},
		{"came back ten times noisier", 25, 250, 600, 40},
	} {
		for seed := uint64(1); seed <= 4; seed++ {
			r := newRig(t, seed, OCXO, func(cfg *Config) {
				if c.before > 1000 { // such a pulse is in the bound, and class 6 inside the spec alone
					cfg.Spec = 3 * time.Microsecond
				}
			})
			r.pps.white = c.before
			r.until(quality.Locked, 1000)
			r.run(1800)
			r.pps.cut, r.hasTime = true, false
			r.run(c.awayS)
			r.pps.cut, r.hasTime, r.pps.white = false, true, c.after
			if n := r.until(quality.Locked, 1000); n > c.limitS {
				t.Errorf("%s, seed %d: locked again after %d s, limit %d", c.name, seed, n, c.limitS)
			}
			walked := len(r.states)
			r.run(600)
			if c.before == c.after && len(r.states) != walked {
				t.Errorf("%s, seed %d: does not stay locked: %v", c.name, seed, r.states[walked-1:])
			}
			r.invariants(1)
		}
	}
}

// The clock was set by somebody else and put back within a microsecond: the
// pulses are believed at once, and the bound says what was not known.
func TestDisturbed(t *testing.T) {
	r := newRig(t, 2, OCXO, nil)
	r.until(quality.Locked, 60)
	r.run(3600)
	r.xNs += 700
	r.clock.Disturbed(mono(float64(r.second)+0.99), 1000)
	if b := r.clock.bound(mono(float64(r.second) + 0.99)); b < 1000 {
		t.Errorf("bound %.0f ns right after", b)
	}
	from := len(r.states) - 1
	r.run(90)
	if slices.Contains(r.states[from:], quality.HoldoverSpec) || math.Abs(r.trueError()) > 100 || r.report.State != quality.Locked {
		t.Errorf("%v, true error %.0f ns, states %v", r.report.State, r.trueError(), r.states[from:])
	}
	r.invariants(1)
}

// A memory of an earlier life makes the first holdover good, and a false one
// does no harm that the bound does not tell.
func TestMemoryHelps(t *testing.T) {
	first := trial{kind: TCXOHi, seed: 5, lockS: 86400}.run()
	m, ok := first.clock.Memory(tai2026)
	if !ok {
		t.Fatal("nothing to remember after a day")
	}
	const lock, coast = 1800, 3600
	cold := trial{kind: TCXOHi, seed: 5, lockS: lock, coastS: coast}.run()
	warm := trial{kind: TCXOHi, seed: 5, lockS: lock, coastS: coast, memory: &m}.run()
	if warm.bound[3600] > 0.75*cold.bound[3600] || math.Abs(warm.at[3600]) > warm.bound[3600] {
		t.Errorf("after an hour: cold %.0f of %.0f ns, warm %.0f of %.0f ns", cold.at[3600], cold.bound[3600], warm.at[3600], warm.bound[3600])
	}
	m.FrequencyPPB += 500
	m.Tempco[0].PPBPerC, m.Tempco[0].SigmaPPB = -m.Tempco[0].PPBPerC, 5
	wrong := trial{kind: TCXOHi, seed: 5, lockS: lock, coastS: coast, memory: &m}.run()
	if math.Abs(wrong.at[3600]) > wrong.bound[3600] || wrong.steps != 1 {
		t.Errorf("with another oscillator's memory: %.0f ns, bound %.0f, %d steps", wrong.at[3600], wrong.bound[3600], wrong.steps)
	}
}

// A memory is of a temperature, and the pulses are of the one that there is when they
// come: what it tells of the coefficient moves no frequency that they have shown.
func TestAMemoryHelpsABoardThatIsWarmByTheFirstPulse(t *testing.T) {
	first := trial{kind: XO, seed: 5, lockS: 4 * 3600}.run()
	m, ok := first.clock.Memory(tai2026)
	if !ok {
		t.Fatal("nothing to remember after hours")
	}
	r := newRig(t, 5, XO, func(c *Config) { c.Memory, c.MemoryAge = &m, time.Hour })
	r.warm = heat(0, 600, 20)
	r.pps.cut = true
	r.run(900)
	r.pps.cut = false
	r.until(quality.Locked, 300)
	if r.clock.life.Rejected > 0 {
		t.Errorf("%d pulses rejected on the way to the first lock", r.clock.life.Rejected)
	}
	r.inside("a warm board with a memory", 600)
}
