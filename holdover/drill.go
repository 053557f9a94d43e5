package holdover

import (
	"math"
	"time"

	"bragi/gnss/timescale"
	"bragi/holdover/quality"
)

// Drill is a holdover that is only tried. A copy of the clock gets no more pulses and
// coasts, while the clock itself stays locked and serves. The copy steers a clock that
// does not exist: the served clock plus what the copy's corrections would have made of
// it since. So each pulse that the served clock takes also tells how far off the copy
// is,
//
//	e = offset + (steps + U)(copy) - (steps + U)(served)
//
// with the pulse's own noise in it. It is held against the bound that the copy says,
// and against what was foretold before the pulses were cut off.
//
// The caller hands on what the served clock gets: Temperature, Tick, and Pulse for
// each pulse that the served clock believed.
type Drill struct {
	copy  *Clock
	from  timescale.Mono
	begin DrillBegin

	points  []DrillPoint // each of stride pulses, but for the last
	stride  int
	ticked  timescale.Mono
	blind   time.Duration // while no thermometer was trusted
	class7  time.Duration // while the copy was in spec
	ended7  bool
	left    float64 // when the copy's bound left the spec, s since the cut; NaN: not yet
	coldest float64 // C; NaN: not known
	warmest float64
}

// DrillBegin is what was known, and foretold, before the copy was cut off.
type DrillBegin struct {
	For         time.Duration // how long it is to coast
	Spec        time.Duration
	Oscillator  Oscillator // as it was told
	Report      Report     // of the clock
	ReceiverNs  float64    // part of each bound: what is wrong with every pulse alike
	Foretold    []Foretold // over the time of the drill, evenly
	DriftPPBDay float64    // of the oscillator, and one standard deviation of that
	DriftSigma  float64
}

// Foretold is the forecast of a holdover some time after the loss.
type Foretold struct {
	AtS     float64
	BoundNs float64
	SigmaNs float64 // one standard deviation of the error
}

// DrillPoint is some seconds of a drill, Pulses of them.
type DrillPoint struct {
	AtS       float64 // since the cut, of the last pulse
	Pulses    int
	ErrorNs   float64 // mean, positive: the copy's clock is ahead of the pulse
	LowestNs  float64 // of a single pulse
	HighestNs float64
	BoundNs   float64 // the largest that the copy has said
}

const (
	drillPoints   = 512 // most that are kept; then two and two become one
	foretoldSteps = 32
	drillSigmas   = 4               // of the pulses' noise: a mean further outside is no chance
	drillWhole    = 0.99            // of the time that a verdict needs: not every pulse is believed
	drillLeast    = 1.0             // s: pulses, one a second, cannot tell a shorter forecast from none
	drillWait     = 5 * time.Second // for the pulse that ends a drill
	drillShort    = 0.8             // of the forecast: a bound that leaves the spec so early was promised for longer
)

// The length of a drill: shorter says nothing, longer than a week nobody waits for.
const (
	DrillShortest = 10 * time.Second
	DrillLongest  = 7 * 24 * time.Hour
)

// Drill cuts a copy of c off from the pulses at now, for so long. ok is false while
// there are no pulses to judge it by: then c is not locked.
func (c *Clock) Drill(now timescale.Mono, d time.Duration) (drill *Drill, ok bool) {
	if !c.Locked() || c.held.Active || d <= 0 {
		return nil, false
	}
	c.foreseen = forecast{} // the forecast of the report and that of the curve are of this moment
	b := DrillBegin{For: d, Spec: c.cfg.Spec, Oscillator: c.cfg.Oscillator, Report: c.Report(now), ReceiverNs: c.receiver(),
		DriftPPBDay: c.est.x[sDrift] * dayS, DriftSigma: math.Sqrt(c.est.p[sDrift][sDrift]) * dayS}
	x, _ := c.error(now)
	from := c.unseen(now)
	for i := range foretoldSteps + 1 {
		s := seconds(d) * float64(i) / foretoldSteps
		sigma := c.sigmaAfter(max(s, 1))
		b.Foretold = append(b.Foretold, Foretold{s, math.Abs(x) + max(from, c.coastBound(s, sigma)), c.virtual.ratio(s) * sigma})
	}
	return &Drill{copy: c.Copy(), from: now, ticked: now, begin: b, stride: 1, left: math.NaN(), points: make([]DrillPoint, 0, drillPoints), coldest: math.NaN(), warmest: math.NaN()}, true
}

// Over tells that the copy has coasted for as long as it was to. The pulse that judges
// the end of that time is waited for, but not for long.
func (d *Drill) Over(now timescale.Mono) bool {
	ran, n := now.Sub(d.from), len(d.points)
	if ran < d.begin.For {
		return false
	}
	return n > 0 && d.points[n-1].AtS >= seconds(d.begin.For) || ran >= d.begin.For+drillWait
}

// Temperature takes a reading of the board's thermometer in C, NaN: none.
func (d *Drill) Temperature(now timescale.Mono, tempC float64) {
	d.copy.Temperature(now, tempC)
	if finite(tempC) {
		// A NaN gives way to a number.
		if !(tempC >= d.coldest) {
			d.coldest = tempC
		}
		if !(tempC <= d.warmest) {
			d.warmest = tempC
		}
	}
}

// Tick lets the copy coast on.
func (d *Drill) Tick(now timescale.Mono) {
	dt := now.Sub(d.ticked)
	d.ticked = now
	o := d.copy.Tick(now, Conditions{Served: true})
	if o.SetFrequency {
		d.copy.Applied(now, o.FrequencyPPB)
	}
	if !d.copy.thermo.trusted(now) {
		d.blind += dt
	}
	if math.IsNaN(d.left) && d.copy.bound(now) >= ns(d.begin.Spec) {
		d.left = seconds(now.Sub(d.from))
	}
	switch d.copy.life.State {
	case quality.Locked, quality.HoldoverSpec:
		if !d.ended7 {
			d.class7 += dt
		}
	default:
		d.ended7 = true
	}
}

// Pulse takes a pulse that the served clock believed.
func (d *Drill) Pulse(now timescale.Mono, p Pulse, served *Clock) {
	u, steps, known := served.corr.at(p.Mono)
	v, copied, also := d.copy.corr.at(p.Mono)
	if !known || !also || !d.from.Before(p.Mono) {
		return
	}
	e := float64(p.OffsetNs) + p.CorrectionNs + float64(copied-steps) + v - u
	d.add(DrillPoint{AtS: seconds(p.Mono.Sub(d.from)), Pulses: 1, ErrorNs: e, LowestNs: e, HighestNs: e, BoundNs: d.copy.bound(now)})
}

// add keeps a point, with the last one until that is full.
func (d *Drill) add(p DrillPoint) {
	n := len(d.points)
	if n > 0 && d.points[n-1].Pulses < d.stride {
		d.points[n-1] = d.points[n-1].with(p)
		return
	}
	if n == cap(d.points) {
		for i := range n / 2 {
			d.points[i] = d.points[2*i].with(d.points[2*i+1])
		}
		d.points = d.points[:n/2]
		d.stride *= 2
	}
	d.points = append(d.points, p)
}

// with is both in one, q the later.
func (p DrillPoint) with(q DrillPoint) DrillPoint {
	n := p.Pulses + q.Pulses
	return DrillPoint{
		AtS: q.AtS, Pulses: n, ErrorNs: (p.ErrorNs*float64(p.Pulses) + q.ErrorNs*float64(q.Pulses)) / float64(n),
		LowestNs: min(p.LowestNs, q.LowestNs), HighestNs: max(p.HighestNs, q.HighestNs), BoundNs: max(p.BoundNs, q.BoundNs),
	}
}

// DrillResult is a drill at a moment, or at its end.
type DrillResult struct {
	Begin  DrillBegin
	Ran    time.Duration
	Points []DrillPoint // oldest first
	Score  DrillScore

	State   quality.State // of the copy
	BoundNs float64       // of the copy
	Class7  time.Duration // how long class 7 would have been announced
	Over7   bool          // it would have ended
	Blind   time.Duration // while no thermometer was trusted
	// ColdestC and WarmestC are what the thermometer has shown; NaN: nothing.
	ColdestC, WarmestC float64
}

// Result is how the drill stands at now. doubted tells that the pulses were lost: a
// receiver may lie before it admits that, so the last minute is judged by nothing.
func (d *Drill) Result(now timescale.Mono, doubted bool) DrillResult {
	points := append([]DrillPoint(nil), d.points...)
	ran := now.Sub(d.from)
	if doubted {
		for len(points) > 0 && points[len(points)-1].AtS > seconds(ran-backDate) {
			points = points[:len(points)-1]
		}
	}
	return DrillResult{
		Begin: d.begin, Ran: ran, Points: points, Score: scoreDrill(d.begin, points, d.left),
		State: d.copy.life.State, BoundNs: d.copy.bound(now), Class7: d.class7, Over7: d.ended7, Blind: d.blind,
		ColdestC: d.coldest, WarmestC: d.warmest,
	}
}

// DrillScore is what a drill says of bound and forecast.
type DrillScore struct {
	JudgedS float64 // how long the drill was judged by pulses; 0: not at all
	FinalNs float64 // the error at the end, mean of the last point
	WorstNs float64 // the largest mean, by magnitude
	WorstAt float64 // s since the cut
	// ForetoldNs is what was foretold for JudgedS, as one standard deviation.
	ForetoldNs float64

	OutsideS    float64 // for how long the error was outside the bound, by more than chance
	OutsideAt   float64 // when it first was, s since the cut; NaN: never
	ErrorLeftS  float64 // when the error left the spec; NaN: never
	BoundLeftS  float64 // when the bound left the spec; NaN: never
	ForecastS   float64 // when the bound was to leave the spec, as foretold
	BoundHeld   bool    // the error was inside the bound all the time
	ForecastWas Forecast
}

// Forecast is what became of a forecast.
type Forecast uint8

// What can become of it.
const (
	ForecastUnjudged Forecast = iota // no pulse has judged it
	ForecastHeld                     // error and bound were inside the spec for as long as foretold, or for as long as the drill ran
	ForecastLong                     // the error left the spec before
	ForecastShort                    // the bound left the spec well before: class 7 was promised for longer
	ForecastNone                     // there was none, or none longer than from a pulse to the next
)

// Good tells that neither bound nor forecast were wrong.
func (s DrillScore) Good() bool {
	return s.BoundHeld && s.ForecastWas != ForecastLong && s.ForecastWas != ForecastShort
}

// NeedS is for how long pulses must judge a drill that began so, in s, before it says
// anything: for the forecast, or for the whole drill where that is shorter.
func (b DrillBegin) NeedS() float64 {
	need := seconds(b.For)
	if b.Report.ForecastS < need {
		need = b.Report.ForecastS
	}
	return max(seconds(DrillShortest), drillWhole*need)
}

// ScoreDrill judges the points of a drill that began so. An error is outside a limit
// when the mean is outside by more than four of its deviations.
func ScoreDrill(b DrillBegin, points []DrillPoint) DrillScore {
	return scoreDrill(b, points, math.NaN())
}

// scoreDrill judges likewise; left is when the bound left the spec if that was seen
// between the pulses, NaN: not.
func scoreDrill(b DrillBegin, points []DrillPoint, left float64) DrillScore {
	nan := math.NaN()
	s := DrillScore{FinalNs: nan, WorstNs: nan, WorstAt: nan, ForetoldNs: nan, OutsideAt: nan, ErrorLeftS: nan, BoundLeftS: nan, ForecastS: b.Report.ForecastS, BoundHeld: true}
	before := 0.0
	for _, p := range points {
		least := math.Abs(p.ErrorNs) - drillSigmas*b.Report.PulseNoiseNs/math.Sqrt(float64(p.Pulses))
		if least > p.BoundNs {
			s.OutsideS += p.AtS - before
			if s.BoundHeld {
				s.BoundHeld, s.OutsideAt = false, p.AtS
			}
		}
		if math.IsNaN(s.ErrorLeftS) && least > ns(b.Spec) {
			s.ErrorLeftS = p.AtS
		}
		if math.IsNaN(s.BoundLeftS) && p.BoundNs >= ns(b.Spec) {
			s.BoundLeftS = p.AtS
		}
		if !(math.Abs(p.ErrorNs) <= math.Abs(s.WorstNs)) {
			s.WorstNs, s.WorstAt = p.ErrorNs, p.AtS
		}
		before = p.AtS
		s.JudgedS, s.FinalNs = p.AtS, p.ErrorNs
	}
	if len(points) == 0 {
		return s
	}
	s.ForetoldNs = foretoldAt(b.Foretold, s.JudgedS).SigmaNs
	if !(s.BoundLeftS <= left) && !math.IsNaN(left) {
		s.BoundLeftS = left
	}
	switch {
	case !(s.ForecastS >= drillLeast):
		s.ForecastWas = ForecastNone
	case s.ErrorLeftS < s.ForecastS:
		s.ForecastWas = ForecastLong
	case s.BoundLeftS < drillShort*s.ForecastS:
		s.ForecastWas = ForecastShort
	default:
		s.ForecastWas = ForecastHeld
	}
	return s
}

// foretoldAt is the forecast at s, on a line between two of list.
func foretoldAt(list []Foretold, s float64) Foretold {
	for i := 1; i < len(list); i++ {
		if a, b := list[i-1], list[i]; s <= b.AtS {
			f := (s - a.AtS) / (b.AtS - a.AtS)
			return Foretold{s, a.BoundNs + f*(b.BoundNs-a.BoundNs), a.SigmaNs + f*(b.SigmaNs-a.SigmaNs)}
		}
	}
	if len(list) == 0 {
		return Foretold{s, math.NaN(), math.NaN()}
	}
	return list[len(list)-1]
}

// DrillProgress is how a drill that runs stands.
type DrillProgress struct {
	For, Ran time.Duration
	ErrorNs  float64 // of the last point; NaN: none yet
	BoundNs  float64
}

// Progress is how the drill stands at now.
func (d *Drill) Progress(now timescale.Mono) DrillProgress {
	p := DrillProgress{For: d.begin.For, Ran: now.Sub(d.from), ErrorNs: math.NaN(), BoundNs: d.copy.bound(now)}
	if n := len(d.points); n > 0 {
		p.ErrorNs = d.points[n-1].ErrorNs
	}
	return p
}
