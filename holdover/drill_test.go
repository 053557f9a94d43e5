package holdover

import (
	"math"
	"testing"
	"time"

	"bragi/gnss/timescale"
	"bragi/holdover/quality"
	"bragi/scripts/reflecttest"
)

// A copy has every field, shares no memory, and lives a life of its own.
func TestACopyIsTheSameAndSharesNothing(t *testing.T) {
	r := newRig(t, 3, OCXO, nil)
	r.until(quality.Locked, 60)
	r.run(2000)
	m, ok := r.clock.Memory(timescale.TAIFromNs(1_800_000_000e9))
	if !ok {
		t.Fatal("nothing is remembered")
	}
	r.clock.cfg.Memory = &m
	c := r.clock.Copy()
	for _, path := range reflecttest.Differing(c, r.clock, "Clock") {
		t.Errorf("%s is not the same", path)
	}
	for _, path := range reflecttest.Shared(*c, *r.clock, "Clock") {
		t.Errorf("%s is shared, or empty here", path)
	}
	before := c.Copy()
	r.run(600)
	for _, path := range reflecttest.Differing(c, before, "Clock") {
		t.Errorf("%s of the copy followed", path)
	}
	// What the original goes through makes of the copy the same.
	again := r.clock.Copy()
	mark := Pulse{Mono: mono(float64(r.second) + 1), OffsetNs: r.whole + int64(r.xNs)}
	at := mono(float64(r.second) + 1.01)
	if a, b := r.clock.Pulse(at, mark), again.Pulse(at, mark); a != b {
		t.Errorf("orders %+v and %+v", a, b)
	}
	for _, path := range reflecttest.Differing(again, r.clock, "Clock") {
		t.Errorf("%s went another way", path)
	}
}

// drilled runs a drill for d beside a rig that stays locked; each second its copy's
// own error, by the truth, is handed to see: the served clock's plus what the copy's
// corrections would have made of it.
func drilled(t *testing.T, r *rig, d time.Duration, see func(drill *Drill, trueNs float64)) *Drill {
	t.Helper()
	at := mono(float64(r.second) + 0.99)
	drill, ok := r.clock.Drill(at, d)
	if !ok {
		t.Fatalf("no drill in state %v", r.clock.life.State)
	}
	for range int(d.Seconds()) {
		r.drill = drill
		r.run(1)
		end := mono(float64(r.second) + 0.99)
		u, _, _ := r.clock.corr.at(end)
		v, _, _ := drill.copy.corr.at(end)
		if see != nil {
			see(drill, r.trueError()+v-u)
		}
	}
	r.drill = nil
	return drill
}

// The copy in a drill does what the clock itself does when it is cut at the same
// moment: the same error by the truth, the same bound. The drill's own measure of it
// is right to the pulse's noise, and the served clock notices nothing.
func TestADrillShowsWhatARealCutWouldDo(t *testing.T) {
	for _, kind := range []Oscillator{TCXO, TCXOHi, OCXO, Rubidium} {
		const lasts = 2 * time.Hour
		ready := func() *rig {
			r := newRig(t, 5, kind, nil)
			r.until(quality.Locked, 3600)
			r.run(2 * 3600)
			return r
		}
		untouched, cut, r := ready(), ready(), ready()
		untouched.run(int(lasts.Seconds()))
		cut.pps.cut, cut.hasTime = true, false
		var worst float64
		outside := 0
		drill := drilled(t, r, lasts, func(d *Drill, trueNs float64) {
			cut.run(1)
			worst = max(worst, math.Abs(trueNs-cut.trueError()))
			if math.Abs(trueNs) > d.copy.bound(mono(float64(r.second)+0.99)) {
				outside++
			}
		})
		if r.trueError() != untouched.trueError() || r.report.BoundNs != untouched.report.BoundNs {
			t.Errorf("%v: the served clock is at %.3f ns, without a drill at %.3f ns", kind, r.trueError(), untouched.trueError())
		}
		got := drill.Result(mono(float64(r.second)+0.99), false)
		// The order of a tick is later than that of a pulse: a few ns.
		if limit := max(5, math.Abs(cut.trueError())/100); worst > limit {
			t.Errorf("%v: the copy is up to %.1f ns from a clock that was cut, limit %.1f ns; that is at %.0f ns", kind, worst, limit, cut.trueError())
		}
		if d := math.Abs(got.BoundNs - cut.report.BoundNs); d > 0.02*cut.report.BoundNs {
			t.Errorf("%v: bound %.0f ns, of a clock that was cut %.0f ns", kind, got.BoundNs, cut.report.BoundNs)
		}
		off := math.Abs(got.Score.FinalNs - cut.trueError())
		if limit := 2*r.pps.slow + 4*r.pps.white/math.Sqrt(10) + 0.01*math.Abs(cut.trueError()); off > limit {
			t.Errorf("%v: the drill says %.0f ns, the truth is %.0f ns", kind, got.Score.FinalNs, cut.trueError())
		}
		if !got.Score.Good() || outside > 0 || got.Score.JudgedS < lasts.Seconds()-40 {
			t.Errorf("%v: %+v, outside by the truth for %d s", kind, got.Score, outside)
		}
		if len(got.Points) > drillPoints || len(got.Points) < drillPoints/2 {
			t.Errorf("%v: %d points", kind, len(got.Points))
		}
		t.Logf("%v: error %.0f ns (truth %.0f), foretold sigma %.0f, bound %.0f, forecast %.0f s, bound left at %.0f s, error at %.0f s", kind,
			got.Score.FinalNs, cut.trueError(), got.Score.ForetoldNs, got.BoundNs, got.Score.ForecastS, got.Score.BoundLeftS, got.Score.ErrorLeftS)
	}
}

// The forecast of a drill is that of its begin, as its curve is: where the forecast ends, the curve
// leaves the spec, however short the lock was.
func TestTheForecastOfADrillIsWhereItsCurveLeavesTheSpec(t *testing.T) {
	for _, kind := range []Oscillator{XO, TCXO, OCXO, Rubidium} {
		r := newRig(t, 27, kind, nil)
		r.until(quality.Locked, 3600)
		for _, lock := range []int{1, 34, 24, 30, 200} {
			r.run(lock)
			r.clock.Report(mono(float64(r.second) + 0.5)) // a screen is drawn now and then
			drill, ok := r.clock.Drill(mono(float64(r.second)+0.99), 7*24*time.Hour)
			if !ok {
				t.Fatalf("no drill in state %v", r.clock.life.State)
			}
			b := drill.begin
			if !(b.Report.ForecastS > 1) {
				t.Fatalf("%v, %d s more of lock: the forecast is %.0f s", kind, lock, b.Report.ForecastS)
			}
			for i := range 2 {
				s := b.Report.ForecastS * (0.9 + 0.25*float64(i))
				short, _ := r.clock.Drill(mono(float64(r.second)+0.99), time.Duration(s*1e9))
				list := short.begin.Foretold
				if end := list[len(list)-1].BoundNs; (end > ns(b.Spec)) != (i == 1) {
					t.Errorf("%v, %d s more of lock: the forecast is %.0f s, and the curve is at %.0f ns after %.0f s", kind, lock, b.Report.ForecastS, end, s)
				}
			}
		}
	}
}

// Where the oscillator is what it was told to be, no forecast is too long, and the bound,
// which one case in twenty may exceed, is seldom exceeded, and never by far.
func TestADrillFindsNoFaultWhereThereIsNone(t *testing.T) {
	exceeded := 0
	for _, kind := range []Oscillator{XO, TCXO, TCXOHi, OCXO, Rubidium} {
		for seed := range uint64(6) {
			r := newRig(t, 20+seed, kind, nil)
			r.until(quality.Locked, 3600)
			r.run(3600)
			got := drilled(t, r, time.Hour, nil).Result(mono(float64(r.second)+0.99), false)
			if f := got.Score.ForecastWas; f != ForecastHeld {
				t.Errorf("%v, seed %d: forecast %d, %+v", kind, seed, f, got.Score)
			}
			if !got.Score.BoundHeld {
				exceeded++
			}
			for _, p := range got.Points {
				if math.Abs(p.ErrorNs) > 1.5*p.BoundNs {
					t.Fatalf("%v, seed %d: %+v", kind, seed, p)
				}
			}
			if c := got.ColdestC; !(c >= 20 && got.WarmestC >= c && got.WarmestC <= 40) {
				t.Errorf("%v, seed %d: %.2f to %.2f C", kind, seed, c, got.WarmestC)
			}
		}
	}
	if t.Logf("%d of 30 exceeded the bound", exceeded); exceeded > 4 {
		t.Errorf("%d of 30 exceeded the bound", exceeded)
	}
}

// An oven that fails in the drill makes the oscillator another one: neither bound nor
// forecast hold, and the drill says so, while the served clock follows the pulse.
func TestADrillFindsAnOscillatorThatIsNotAsForetold(t *testing.T) {
	r := newRig(t, 5, OCXO, nil)
	r.until(quality.Locked, 600)
	r.run(2 * 3600)
	n := 0
	drill := drilled(t, r, 40*time.Minute, func(*Drill, float64) {
		if n++; n > 600 && n < 1200 {
			r.osc.y += 0.004
		}
	})
	got := drill.Result(mono(float64(r.second)+0.99), false).Score
	if got.BoundHeld || !(got.OutsideS > 60) || !(got.OutsideAt > 600) || got.ForecastWas != ForecastLong || !(got.ErrorLeftS > 600) || got.Good() {
		t.Errorf("%+v", got)
	}
	if !r.clock.Steady() || math.Abs(r.trueError()) > 100 {
		t.Errorf("the served clock is %v, %.0f ns off", r.report.State, r.trueError())
	}
}

// A thermometer that dies in a drill is held where it was: the bound is wider from then
// on, the drill goes on, and the result tells for how long.
func TestADrillGoesOnWithoutItsThermometer(t *testing.T) {
	ready := func() *rig {
		r := newRig(t, 5, TCXO, nil)
		r.until(quality.Locked, 600)
		r.run(2 * 3600)
		return r
	}
	result := func(dies bool) DrillResult {
		r := ready()
		n := 0
		return drilled(t, r, 30*time.Minute, func(*Drill, float64) {
			if n++; n > 600 && dies {
				r.thermo = func(float64) float64 { return math.NaN() }
			}
		}).Result(mono(float64(r.second)+0.99), false)
	}
	with, without := result(false), result(true)
	if with.Blind != 0 || without.Blind < 19*time.Minute || without.Blind > 20*time.Minute {
		t.Errorf("no thermometer for %v and %v", with.Blind, without.Blind)
	}
	if !(without.BoundNs > 1.2*with.BoundNs) {
		t.Errorf("bound %.0f ns with and %.0f ns without", with.BoundNs, without.BoundNs)
	}
	if !without.Score.BoundHeld || without.Score.JudgedS < 1700 {
		t.Errorf("%+v", without.Score)
	}
}

// A board with a coarse clock coasts between its codes in a drill too.
func TestADrillOfACoarseClockCoastsBetweenItsCodes(t *testing.T) {
	r := newRig(t, 5, OCXO, func(c *Config) { c.QuantumPPB = 1 })
	r.until(quality.Locked, 600)
	r.run(3600)
	got := drilled(t, r, 20*time.Minute, nil).Result(mono(float64(r.second)+0.99), false)
	if !got.Score.Good() || math.Abs(got.Score.FinalNs) > 60 {
		t.Errorf("%+v", got.Score)
	}
}

// Only a locked clock has pulses to judge a drill by.
func TestADrillNeedsALockedClock(t *testing.T) {
	r := newRig(t, 5, OCXO, nil)
	refused := func(when string) {
		t.Helper()
		if _, ok := r.clock.Drill(mono(float64(r.second)+0.99), time.Minute); ok {
			t.Errorf("a drill begins %s", when)
		}
	}
	refused("before the first pulse")
	r.until(quality.Locked, 600)
	r.run(100)
	r.pps.cut, r.hasTime = true, false
	r.run(30)
	refused("in holdover")
}

// What a drill's points say, each by itself: noise is no fault, and a short forecast is
// no long one.
func TestTheScoreOfADrill(t *testing.T) {
	begin := DrillBegin{For: time.Hour, Spec: 1500 * time.Nanosecond, Report: Report{PulseNoiseNs: 25, ForecastS: 1000},
		Foretold: []Foretold{{0, 100, 0}, {3600, 3700, 1800}}}
	// Every ten seconds a mean of ten pulses; error and bound go along lines.
	points := func(n int, errorNs, boundNs func(s float64) float64) (list []DrillPoint) {
		for i := range n {
			s := float64(10 * (i + 1))
			list = append(list, DrillPoint{AtS: s, Pulses: 10, ErrorNs: errorNs(s), BoundNs: boundNs(s)})
		}
		return list
	}
	line := func(at0, slope float64) func(float64) float64 {
		return func(s float64) float64 { return at0 + slope*s }
	}
	for name, c := range map[string]struct {
		points   []DrillPoint
		held     bool
		forecast Forecast
		left     float64 // when the error left the spec
		bound    float64 // when the bound did
	}{
		"nothing":                     {nil, true, ForecastUnjudged, -1, -1},
		"all well":                    {points(60, line(0, -0.2), line(100, 1)), true, ForecastHeld, -1, -1},
		"outside by noise":            {points(60, line(0, 0), func(s float64) float64 { return 1 }), true, ForecastHeld, -1, -1},
		"outside the bound":           {points(60, line(0, -2), line(100, 1)), false, ForecastHeld, -1, -1},
		"error leaves in time":        {points(200, line(0, 1.2), line(100, 1.4)), true, ForecastHeld, 1280, 1000},
		"error leaves early":          {points(200, line(0, 2), line(100, 3)), true, ForecastLong, 770, 470},
		"bound leaves early":          {points(200, line(0, 0.1), line(100, 3)), true, ForecastShort, -1, 470},
		"bound leaves a little early": {points(200, line(0, 0.1), line(100, 1.7)), true, ForecastHeld, -1, 830},
	} {
		s := ScoreDrill(begin, c.points)
		same := func(got, want float64) bool { return got == want || want < 0 && math.IsNaN(got) }
		if s.BoundHeld != c.held || s.ForecastWas != c.forecast || !same(s.ErrorLeftS, c.left) || !same(s.BoundLeftS, c.bound) {
			t.Errorf("%s: %+v", name, s)
		}
		if good := c.held && (c.forecast == ForecastHeld || c.forecast == ForecastUnjudged); s.Good() != good {
			t.Errorf("%s: good is %v", name, s.Good())
		}
	}
	s := ScoreDrill(begin, points(60, line(0, -0.2), line(100, 1)))
	if s.JudgedS != 600 || s.FinalNs != -120 || s.WorstNs != -120 || s.WorstAt != 600 || s.ForetoldNs != 300 {
		t.Errorf("%+v", s)
	}
}

// After the loss of the pulse the last minute is judged by nothing, and a short drill by
// nothing at all.
func TestTheLastMinuteBeforeALossJudgesNothing(t *testing.T) {
	r := newRig(t, 5, OCXO, nil)
	r.until(quality.Locked, 600)
	r.run(600)
	drill := drilled(t, r, 5*time.Minute, nil)
	at := mono(float64(r.second) + 0.99)
	if s := drill.Result(at, true).Score; s.JudgedS < 230 || s.JudgedS > 241 {
		t.Errorf("judged for %v s of 300", s.JudgedS)
	}
	if s := drilled(t, r, 40*time.Second, nil).Result(mono(float64(r.second)+0.99), true).Score; s.JudgedS != 0 || s.ForecastWas != ForecastUnjudged {
		t.Errorf("%+v", s)
	}
}

// However long a drill is, its points stay few, and lose no pulse.
func TestThePointsOfADrillStayFew(t *testing.T) {
	d := Drill{stride: 1, points: make([]DrillPoint, 0, drillPoints)}
	const n = 100_000
	for i := range n {
		e := float64(i)
		d.add(DrillPoint{AtS: float64(i + 1), Pulses: 1, ErrorNs: e, LowestNs: e, HighestNs: e, BoundNs: e})
	}
	pulses, sum := 0, 0.0
	for _, p := range d.points {
		pulses += p.Pulses
		sum += p.ErrorNs * float64(p.Pulses)
	}
	last := d.points[len(d.points)-1]
	if len(d.points) > drillPoints || pulses != n || math.Abs(sum/n-(n-1)/2.0) > 1e-6 || last.AtS != n || last.HighestNs != n-1 || last.BoundNs != n-1 || d.points[0].LowestNs != 0 {
		t.Errorf("%d points of %d pulses, mean %v, the last %+v", len(d.points), pulses, sum/n, last)
	}
}
