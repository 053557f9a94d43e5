package simulate

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"bragi/board/sim"
	"bragi/cmd/internal/alarms"
	"bragi/cmd/internal/pipeline"
	"bragi/holdover"
	"bragi/holdover/quality"
)

// A day is judged second by second, by the truth:
//
//	a  class 6 or 7 is served while the true error is outside the bound, or
//	   outside clockAccuracy's limit, for more than 10 s in all
//	b  class 7 is served while the true error is outside the spec
//	c  class 6 is not served for ten minutes in a row when it is due
//	d  while clients are served: the frequency changes by more than 10 ppb within
//	   a second; in spec the phase is slewed by more than 200 ppb, out of spec by
//	   more than 5 ppm; a step in spec, or out of spec one that a slew would have
//	   made within an hour
//	e  another state than LOCKED for more than an hour without alarm or ETA
//	f  an announcement contradicts what is known at the time (quality.Contradictions),
//	   had nobody put another in its place
//
// Three things are excused, since no clock could know better: see Unnoticed, unseen and
// believed.
const (
	outsideMost = 10      // s
	awayMost    = 10 * 60 // s that class 6 may be left when it is due
	silentMost  = 3600    // s without alarm or ETA
	changeMost  = 10.0    // ppb within a second
	slewInSpec  = 200.0   // ppb
	slewOutside = 5000.0
	tolerance   = 0.01 // of a limit, for rounding
)

// When class 6 is due after something that excuses its loss.
const (
	dueAfterStart   = time.Hour        // power on: the oscillator's own warm-up takes up to 35 minutes of it
	dueAfterOutage  = 30 * time.Minute // the antenna's return, missing pulses, jamming, noise
	dueAfterLong    = time.Hour        // an outage of more than two hours, flapping, a lie of the sky, a wrong second
	dueAfterRoom    = 30 * time.Minute // the room moves the oscillator by more than quickRoom
	dueAfterRestart = 10 * time.Minute
	longOutage      = 2 * time.Hour
	quickRoom       = 0.5 // ppb a second: a twentieth of what the frequency may be steered by
)

// span is a time from..to in seconds.
type span struct{ from, to int }

// notDue are the times when class 6 is not due.
func (d *Day) notDue() []span {
	list := []span{{0, int(dueAfterStart.Seconds())}}
	add := func(e Event, lasts, after time.Duration) {
		list = append(list, span{int(e.At.Seconds()), int((e.At + lasts + after).Seconds())})
	}
	for i, e := range d.Scenario.Events {
		switch e.Do {
		case AntennaCut:
			lasts, after := d.cutFor(i), dueAfterOutage
			if lasts > longOutage || d.flapping(i) {
				after = dueAfterLong
			}
			add(e, lasts, after)
		case PulseWhite, PulseOutliers:
			add(e, e.For, dueAfterOutage)
		case PulseLost:
			if e.Share > lostNoExcuse {
				add(e, e.For, dueAfterOutage)
			}
		case PulseGaps:
			if e.Count > gapNoExcuse {
				add(e, e.For, dueAfterOutage)
			}
		case Seconds, SkyRamp:
			add(e, e.For, dueAfterLong)
		case TemperatureRamp:
			if math.Abs(e.Celsius*d.Crystal.TempcoPPBC)/e.For.Seconds() > quickRoom {
				add(e, e.For, dueAfterRoom)
			}
		case PowerCycle:
			add(e, e.For, dueAfterStart)
		case Restart:
			add(e, e.For, dueAfterRestart)
		}
	}
	// While the sky lies class 6 is not due.
	for _, l := range d.lies() {
		list = append(list, span{l.from, l.to + int(dueAfterLong.Seconds())})
	}
	return list
}

// So many pulses of every minute, or this share of all, may be missing: class 6 is
// due all the same.
const (
	gapNoExcuse  = 5
	lostNoExcuse = 0.3
)

// cutFor is how long the antenna stays away after event i.
func (d *Day) cutFor(i int) time.Duration {
	for _, e := range d.Scenario.Events[i:] {
		if e.Do == AntennaRestore {
			return e.At - d.Scenario.Events[i].At
		}
	}
	return d.Scenario.Duration - d.Scenario.Events[i].At
}

// flapping tells whether the antenna was cut within half an hour before event i.
func (d *Day) flapping(i int) bool {
	for _, e := range d.Scenario.Events[:i] {
		if e.Do == AntennaCut && d.Scenario.Events[i].At-e.At < 30*time.Minute {
			return true
		}
	}
	return false
}

// lies are the times when the sky's time is moved.
func (d *Day) lies() []span {
	var list []span
	sum, from := time.Duration(0), 0
	for _, e := range d.Scenario.Events {
		if e.Do != SkyRamp {
			continue
		}
		if sum == 0 {
			from = int(e.At.Seconds())
		}
		if sum += e.By; sum == 0 {
			list = append(list, span{from, int((e.At + e.For).Seconds())})
		}
	}
	if sum != 0 {
		list = append(list, span{from, int(d.Scenario.Duration.Seconds())})
	}
	return list
}

// lieNs is by how much the sky's time is moved in a second.
func (d *Day) lieNs(second int) float64 {
	sum := 0.0
	for _, e := range d.Scenario.Events {
		if since := float64(second) - e.At.Seconds(); e.Do == SkyRamp && since > 0 {
			sum += float64(e.By) * min(since/e.For.Seconds(), 1)
		}
	}
	return sum
}

// witness is the best that a clock can have against the sky: its own oscillator,
// as stable as it really is, as well as it can be known by then, and the pulses' noise.
type witness struct {
	spec     sim.Spec
	tempcoNs float64 // ppb per C: of this piece, or without a thermometer the most of its kind
	blind    bool    // no thermometer tells of the room
	whiteNs  float64 // noise of a pulse
	seenS    float64 // for so long the oscillator has been watched
}

const (
	noticed     = 5.0         // deviations: what happens once in years without a lie is no sign of one
	blindCPerS  = 10.0 / 3600 // a room may become warmer so quickly, if nobody sees it
	blindC      = 10.0
	pulsesNoise = 2.0 // of the mean of two stretches of pulses, times white/sqrt(s)
)

// discernsNs is the smallest lie that has come up within s seconds which a clock
// can tell from what its oscillator, the room and the pulses do by themselves.
func (w witness) discernsNs(s float64) float64 {
	oscillator := math.Hypot(1e9*s*w.spec.ADEV(s), w.wandersNs(s)) * w.unknown(s)
	pulse := pulsesNoise * w.whiteNs / math.Sqrt(s)
	slow := slowNs * math.Sqrt(2*(1-math.Exp(-s/slowS)))
	// The frequency follows the room: phase is its integral. A thermometer is off by half its step.
	room := w.tempcoNs * sim.SensorStepC / 2 * s
	if w.blind {
		warm := min(blindCPerS*s, blindC)
		room = w.tempcoNs * warm * (s - warm/blindCPerS/2)
	}
	return noticed*math.Sqrt(oscillator*oscillator+pulse*pulse+slow*slow) + room
}

// wandersNs is what a room that nobody sees makes of the phase within s seconds by chance: its
// air walks, the crystal's temperature follows it, the frequency that, and phase is the integral.
func (w witness) wandersNs(s float64) float64 {
	if !w.blind {
		return 0
	}
	c, lag := sim.DefaultClimate(), w.spec.LagS
	squares := (math.Pow(s-lag, 3)+math.Pow(lag, 3))/3 - 2*lag*lag*s*math.Exp(-s/lag) + math.Pow(lag, 3)/2*(1-math.Exp(-2*s/lag))
	return w.tempcoNs * c.RandomC * math.Sqrt(2/c.RandomS*squares)
}

// unknown is how many times worse than it really is an oscillator may be, as far as
// anybody knows who has watched it for seenS. Of its noise over s seconds that is seenS/s
// stretches: 1 + 2 / sqrt(n) is about the upper end, in 19 cases of 20, of a deviation
// that n values show. Its kind, by data sheet, tells it within a factor of two.
func (w witness) unknown(s float64) float64 {
	return min(1+2/math.Sqrt(max(w.seenS, 1)/s), kindTells)
}

const kindTells = 2

// Unnoticed is how much of a lie in the pulses a clock may have taken over by each
// second, in ns, at most all of it: what was not larger, when it had come up, than
// what the real oscillator, the room and the pulses can do by themselves in the
// time since the lie began. A lie of the sky counts until an hour after its end; a
// pulse that runs away after the antenna was cut until the pulses are gone for
// tailKnown: then the clock knows. Without a lie it is nil.
func (d *Day) Unnoticed() []float64 {
	n := int(d.Scenario.Duration.Seconds())
	var taken []float64
	w := d.witness()
	lied := func(from, to int, lieNs func(s int) float64) {
		if taken == nil {
			taken = make([]float64, n+1)
		}
		most := 0.0
		for s := from + 1; s <= min(to, n); s++ {
			if lie := math.Abs(lieNs(s)); lie > most && lie <= w.discernsNs(float64(s-from)) {
				most = lie
			}
			taken[s] = max(taken[s], most)
		}
	}
	for _, l := range d.lies() {
		w.seenS = float64(l.from - d.poweredAt(l.from))
		lied(l.from, l.to+int(dueAfterLong.Seconds()), d.lieNs)
	}
	if tail := int(d.Scenario.FixHold.Seconds()); tail > 0 {
		for _, e := range d.Scenario.Events {
			if from := int(e.At.Seconds()); e.Do == AntennaCut {
				w.seenS = float64(from - d.poweredAt(from))
				lied(from, from+tail+tailKnown, func(s int) float64 { return sim.UnfixedDriftNs * float64(min(s-from, tail)) })
			}
		}
	}
	return taken
}

const tailKnown = 5 // s

// poweredAt is the second since which there is power in second s.
func (d *Day) poweredAt(s int) int {
	on := 0
	for _, e := range d.Scenario.Events {
		if back := int((e.At + e.For).Seconds()); e.Do == PowerCycle && back <= s {
			on = back
		}
	}
	return on
}

// witness is this day's. What a room does to a piece nobody can learn without a
// thermometer: it is what the worst of its kind does, or of the kind that was told when
// that is a worse one. Where no kind was told its noise tells it, give or take one.
func (d *Day) witness() witness {
	w := witness{spec: kinds[d.Real].Spec(), tempcoNs: math.Abs(d.Crystal.TempcoPPBC), blind: d.Thermometer != ThermometerGood, whiteNs: whiteNs}
	if w.blind {
		kind := min(d.Real, d.Told)
		if d.Told == holdover.Auto {
			kind = max(d.Real-1, holdover.XO)
		}
		w.tempcoNs = kinds[kind].Spec().TempcoPPBC[1]
	}
	switch d.Receiver {
	case ReceiverNMEA:
		w.whiteNs = hatWhiteNs
	case ReceiverGPIO:
		w.whiteNs = gpioWhiteNs
	}
	return w
}

// wrongSeconds are the times when the receiver names a wrong second, and the
// hour after.
func (d *Day) wrongSeconds() []span {
	var list []span
	for _, e := range d.Scenario.Events {
		if e.Do == Seconds {
			list = append(list, span{int(e.At.Seconds()), int((e.At + e.For + dueAfterLong).Seconds())})
		}
	}
	return list
}

// believed are the times when a receiver that named a wrong second from the
// start is believed: nothing contradicts it. They end a minute after it says the
// right one.
func (d *Day) believed() []span {
	var list []span
	on := time.Duration(0)
	for _, e := range d.Scenario.Events {
		switch e.Do {
		case PowerCycle:
			on = e.At + e.For
		case Seconds:
			if e.At-on <= 2*time.Second {
				list = append(list, span{int(e.At.Seconds()), int((e.At + e.For + time.Minute).Seconds())})
			}
		}
	}
	return list
}

func within(list []span, s int) bool {
	return slices.ContainsFunc(list, func(l span) bool { return s >= l.from && s < l.to })
}

// Verdict is what is wrong with a day, by letter; nil where nothing is.
type Verdict struct {
	Day      *Day
	OutsideS int    // class 6 or 7, outside the bound
	PeakNs   Number // the largest true error at class 6 or 7
	Broken   []Fault

	locked   ratio             // bound and error at class 6
	holdover [holdSamples]held // each minute of the first 4 h without a reference
}

// Fault is one thing that broke.
type Fault struct {
	What byte // 'a' to 'f'
	AtS  int  // when it broke first
	Why  string
}

// held is bound and error in a minute of holdover; seen is false where there was
// none.
type held struct {
	bound, err float64
	seen       bool
}

const holdSamples = 4 * 60

// ratio collects bound and error of a day.
type ratio struct{ bounds, errors []float64 }

// judge looks at a day.
type judge struct {
	w         *world
	v         *Verdict
	specNs    float64
	unnoticed []float64
	unseen    unseen
	believed  []span
	wrong     []span // a wrong second, and what it leaves
	notDue    []span

	pulled  int // the oscillator was last outside the clock's pull
	away    int // seconds without class 6 when it is due
	silent  int // seconds of another state than LOCKED without alarm or ETA
	state   quality.State
	alarmed bool
	served  int     // seconds in a row, until the one before
	ppb     float64 // the correction in the second before
}

// JudgeDay simulates a day and judges it.
func JudgeDay(d *Day) (*Verdict, error) { return judgeWith(d, func(*Options) {}) }

func judgeWith(d *Day, change func(*Options)) (*Verdict, error) {
	return judgeLooking(d, change, func(int, *judge, *simulated) error { return nil })
}

// judgeLooking judges a day and lets look see each second with power.
func judgeLooking(d *Day, change func(*Options), look func(second int, j *judge, p *simulated) error) (*Verdict, error) {
	o := d.Options()
	change(&o)
	p, err := newSimulated(&o)
	if err != nil {
		return nil, err
	}
	w, err := newWorld(&o, p)
	if err != nil {
		return nil, err
	}
	j := judge{w: w, v: &Verdict{Day: d}, specNs: float64(holdover.DefaultConfig().Spec),
		unnoticed: d.Unnoticed(), believed: d.believed(), wrong: d.wrongSeconds(), notDue: d.notDue(), pulled: -int(dueAfterOutage.Seconds())}
	for i := 1; i <= int(d.Scenario.Duration.Seconds()); i++ {
		if err := w.second(i); err != nil {
			return nil, fmt.Errorf("simulate: seed %d, second %d: %w", d.Seed, i, err)
		}
		if i >= w.off {
			if w.Report.State == quality.Locked {
				w.locked = true
			}
			j.second(i, p)
			if err := look(i, &j, p); err != nil {
				return nil, err
			}
		} else {
			j.away, j.silent, j.served = 0, 0, 0
		}
	}
	return j.v, nil
}

func (j *judge) broke(what byte, i int, format string, args ...any) {
	for _, f := range j.v.Broken {
		if f.What == what {
			return
		}
	}
	j.v.Broken = append(j.v.Broken, Fault{what, i, fmt.Sprintf(format, args...)})
}

func (j *judge) second(i int, p *simulated) {
	w, r, a := j.w, &j.w.Report, &j.w.Said
	class := uint8(0)
	if a.Serve {
		class = a.ClockClass
	}
	errorNs := math.Abs(p.errorNs(w.Now))
	j.unseen.second(i, w, p, j.v.Day)
	if class == 6 || class == 7 {
		j.honest(i, class, errorNs)
	}
	j.due(i, class, p)
	j.calm(i, class, p.oscillatorPPB(w.Now))
	j.told(i)
	j.contradicts(i, class)
	if j.served++; !a.Serve {
		j.served = 0
	}
	j.worth(i, class, errorNs, r)
}

// honest judges a and b.
func (j *judge) honest(i int, class uint8, errorNs float64) {
	v, r, a := j.v, &j.w.Report, &j.w.Said
	if within(j.believed, i) {
		return
	}
	v.PeakNs = max(v.PeakNs, Number(math.Round(errorNs)))
	errorNs -= j.excusedNs(i)
	if limit := quality.AccuracyLimitNs(a.ClockAccuracy); errorNs > r.BoundNs || errorNs > limit || math.IsNaN(r.BoundNs) {
		if v.OutsideS++; v.OutsideS > outsideMost {
			j.broke('a', i, "class %d, %s off, bound %s", class, nanos(Number(errorNs)), nanos(Number(r.BoundNs)))
		}
	}
	if class == classInSpec && errorNs > j.specNs {
		j.broke('b', i, "class 7, %s off, bound %s", nanos(Number(errorNs)), nanos(Number(r.BoundNs)))
	}
}

// contradicts judges f.
func (j *judge) contradicts(i int, class uint8) {
	if lies := j.w.Lies; len(lies) > 0 {
		j.broke('f', i, "class %d: %s", class, strings.Join(lies, ", "))
	}
}

// excusedNs is what no clock could know of the error in second i.
func (j *judge) excusedNs(i int) float64 {
	if j.unnoticed == nil {
		return j.unseen.most
	}
	return max(j.unnoticed[i], j.unseen.most)
}

// due judges c. A crystal that the clock's pull does not reach excuses.
func (j *judge) due(i int, class uint8, p *simulated) {
	most := j.w.o.MaxPPB
	if most > 0 && math.Abs(p.oscillatorPPB(j.w.Now)) > most-slewInSpec {
		j.pulled = i
	}
	if class == 6 || within(j.notDue, i) || i-j.pulled < int(dueAfterOutage.Seconds()) {
		j.away = 0
		return
	}
	if j.away++; j.away >= awayMost {
		r := &j.w.Report
		j.broke('c', i, "class %d, %v: %s; correction %.0f ppb", class, r.State, pipeline.Why(r.Why), r.FrequencyPPB)
	}
}

// slewWithinHourNs is the largest error that a slew out of spec brings back
// within an hour: the frequency moves by 10 ppb/s to 5 ppm and back, or to the
// limit of the clock's pull where that is nearer. pullPPB 0 is none.
func slewWithinHourNs(pullPPB, oscillatorPPB float64) float64 {
	most := slewOutside
	if pullPPB > 0 {
		most = min(most, max(pullPPB-math.Abs(oscillatorPPB), 0))
	}
	return most * (time.Hour.Seconds() - most/changeMost)
}

// servedLeast is when the servo knows that it serves: here its Tick comes once a second.
const servedLeast = 2

// calm judges d. Before anybody is served, and with the one step of a free run
// that finds the time, the frequency may be set at once.
func (j *judge) calm(i int, class uint8, oscillatorPPB float64) {
	w, r := j.w, &j.w.Report
	step, at := math.Abs(float64(w.stepNs)), w.stepped
	w.stepNs, w.stepped = 0, 0
	changed, moved := w.changes.most, r.FrequencyPPB-j.ppb
	w.changes.most, j.ppb = 0, r.FrequencyPPB
	if j.served < servedLeast || at == 58 {
		w.changes.recent = w.changes.recent[:0]
		return
	}
	if changed > (changeMost+w.o.QuantumPPB)*(1+tolerance) {
		j.broke('d', i, "frequency changed by %.2f ppb within a second", changed)
	}
	if at == 6 || at == 7 || at == 52 && step < slewWithinHourNs(w.o.MaxPPB, oscillatorPPB) {
		j.broke('d', i, "stepped by %s at class %d", nanos(Number(step)), at)
	}
	most := slewOutside
	switch class {
	case 6, 7:
		most = slewInSpec
	case 52:
	default:
		return
	}
	// What the servo did not know is no slew, nor what it thought and was not, nor
	// what it takes away as quickly as it may. It is a second old.
	slew := r.FrequencyPPB + oscillatorPPB
	follows := moved*slew < 0 && math.Abs(moved) > 0.9*changeMost
	if size := min(math.Abs(slew), math.Abs(r.FrequencyPPB+r.OscillatorPPB)); size > most+changeMost+w.o.QuantumPPB && !follows {
		j.broke('d', i, "class %d slews by %.1f ppb", class, size)
	}
}

// alarmEvery is how often the alarms are looked at, in s.
const alarmEvery = 60

// told judges e.
func (j *judge) told(i int) {
	r := &j.w.Report
	if r.State != j.state {
		j.state, j.silent, j.alarmed = r.State, 0, false
	}
	if r.State == quality.Locked || !math.IsNaN(r.EtaS) {
		j.silent = 0
		return
	}
	if i%alarmEvery == 0 {
		j.alarmed = j.alarm()
	}
	if j.alarmed {
		j.silent = 0
		return
	}
	if j.silent++; j.silent > silentMost {
		j.broke('e', i, "%v: %s", r.State, pipeline.Why(r.Why))
	}
}

// alarm tells whether any stands. The receiver's bytes are left out here, so
// that a decoder without any says nothing.
func (j *judge) alarm() bool {
	for _, raised := range j.w.Pipe.Look(j.w.Now).Troubles {
		if raised.Code != alarms.ReceiverSilent {
			return true
		}
	}
	return false
}

// worth collects what the bound is worth.
func (j *judge) worth(i int, class uint8, errorNs float64, r *holdover.Report) {
	if i%worthEvery != 0 || j.excusedNs(i) > 0 || within(j.wrong, i) || !j.w.Said.Serve || math.IsNaN(r.BoundNs) {
		return
	}
	v := j.v
	switch {
	case class == 6:
		v.locked.bounds, v.locked.errors = append(v.locked.bounds, r.BoundNs), append(v.locked.errors, errorNs)
	case r.State == quality.HoldoverSpec || r.State == quality.HoldoverNoSpec:
		if minute := int(r.HoldoverFor / time.Minute); minute < holdSamples && !v.holdover[minute].seen {
			v.holdover[minute] = held{r.BoundNs, errorNs, true}
		}
	}
}

const worthEvery = 20 // s
