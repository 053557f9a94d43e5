package simulate

import (
	"context"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"

	"bragi/board/sim"
	"bragi/holdover"
	"bragi/holdover/quality"
)

// The seeds of `make test`: a hundred days.
const (
	testedSeed = 1
	testedDays = 100
)

// stillBroken are the days of the tested seeds that the clock does not keep yet, by
// what breaks. A day that is kept again leaves the list.
var stillBroken = map[uint64]string{}

// A hundred days of weather break nothing but what is known to break.
func TestAHundredDaysOfWeatherBreakNothingNew(t *testing.T) {
	r, err := Weather(context.Background(), testedDays, testedSeed, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range r.verdicts {
		what := ""
		for _, b := range v.Broken {
			what += string(b.What)
		}
		switch known := stillBroken[v.Day.Seed]; {
		case what == known:
		case what == "":
			t.Errorf("seed %d is kept now: take it off stillBroken", v.Day.Seed)
		default:
			t.Errorf("%q was known of seed %d: %s", known, v.Day.Seed, v.line())
		}
	}
}

// The first day of each kind of failure that was seen on the days of other seeds.
func TestDaysThatBrokeOnceAreKept(t *testing.T) {
	for seed, kind := range map[uint64]string{
		1000089: "a slow lie behind the noise of a GPIO: the states from before it were lost with a doubt that was none",
		1000193: "a lie before the first lock, which a crystal near the limit of its pull takes hours for",
		1000200: "a weak doubt was forgotten while the sky was still moved",
		1000313: "the warm-up had taught a wrong temperature coefficient, and that a worse level",
		1000371: "told worse than it is: a lie passed for a thermometer that misleads",
		3000110: "a crystal's tail; and class 7 in the moment in which a holdover began outside the spec",
	} {
		v, err := JudgeDay(DrawDay(seed))
		if err != nil {
			t.Fatal(err)
		}
		if len(v.Broken) > 0 {
			t.Errorf("%s: %s", kind, v.line())
		}
	}
}

// The first day of each cause that was found later, as far as it matters.
func TestTheHoursThatBrokeOnceAreKept(t *testing.T) {
	for seed, c := range map[uint64]struct {
		until time.Duration
		cause string
	}{
		1000031: {3*time.Hour + 30*time.Minute, "another kind's filter was a pulse's way off; and its room was that of a moment later"},
		1000170: {14 * time.Hour, "a sky that had moved stood still elsewhere: believed within what a room might do"},
		1000249: {100 * time.Minute, "what the model made of the pulses' own error was in no bound"},
		3000008: {9 * time.Hour, "a coarse clock slewed by half of what it may"},
		3000088: {5 * time.Hour, "noise after jamming passed for a slow error of the pulse"},
		5100068: {9 * time.Hour, "a thermometer that had stuck was relied on for 20 minutes"},
		5100071: {2*time.Hour + 20*time.Minute, "a thermometer in the die was relied on though the odds were for an oscillator that does not feel it"},
		5100102: {5*time.Hour + 10*time.Minute, "how wide a doubt was went with the forecast that had grown old"},
		5500077: {8 * time.Hour, "a minute of pulses that agreed ended a doubt"},
		5300204: {4 * time.Hour, "a kind that a warm-up had left made a lie no news"},
		5600074: {4 * time.Hour, "nothing was told, and a lie was weighed by a kind that the odds were against"},
		5500064: {6*time.Hour + 40*time.Minute, "a holdover began with a state that allowed for everything"},
		5300273: {9 * time.Hour, "a sky went back, and the clock held the rate at which it had followed it"},
		5300269: {24 * time.Hour, "pulses in doubt convicted a good thermometer"},
		5600016: {7*time.Hour + 30*time.Minute, "a doubt of four hours ended while the sky went back"},
		5700093: {7 * time.Hour, "a memory's coefficient of temperature moved the frequency that a warm board's pulses had shown"},
		5700121: {10 * time.Hour, "a doubt that ended took along the states by which the next one is seen"},
		6660054: {170 * time.Minute, "what the air did while bragid was away was in no bound"},
		1000164: {9*time.Hour + 20*time.Minute, "a pulse that ran away before a loss was seen, and forgotten with the states that had followed it"},
		3000157: {8*time.Hour + 40*time.Minute, "a doubt was lost since the states from before it were, and a lie convicted the kind"},
		6900116: {3*time.Hour + 20*time.Minute, "a hint that allowed for everything took the sky's jump along when it ended"},
		6900212: {75 * time.Minute, "a warm-up's coefficient of temperature moved a clock with the load of a processor, and it never settled"},
		5300023: {9*time.Hour + 30*time.Minute, "a thermometer that sticks, behind the noise of a GPIO: excused"},
		5800111: {3*time.Hour + 30*time.Minute, "a thermometer that sticks right before a loss: excused"},
		7770008: {11*time.Hour + 10*time.Minute, "a slow lie passed the bound before it was a doubt"},
		7100113: {6 * time.Hour, "a tcxo by the odds, and a level that had fallen to a crystal's made a lie no news"},
		7100034: {6*time.Hour + 30*time.Minute, "a doubt was followed into a lie, and right pulses were refused"},
		6900515: {45 * time.Minute, "noise hid that a crystal moved which was told to be a rubidium"},
		7300146: {10*time.Hour + 30*time.Minute, "a jump of the sky beside a doubt that allowed for far more was forgotten with that"},
		7300077: {5*time.Hour + 30*time.Minute, "a pulse that became noisy convicted a good thermometer"},
		7300196: {4*time.Hour + 45*time.Minute, "a better kind's filter began without what it knew, and states of the worse one called that a lie"},
		7300155: {14 * time.Hour, "a crystal that came back into the clock's pull before the first lock slewed for hours"},
		7400039: {7 * time.Hour, "states from within a lie convicted the pulses when a doubt had just ended"},
		7400044: {4*time.Hour + 30*time.Minute, "calm hours made a tcxo better than the odds have it"},
		7400094: {8*time.Hour + 40*time.Minute, "a doubt ended at a quarter of the lie, by a forecast that allowed for all of it"},
		7400187: {8*time.Hour + 40*time.Minute, "a tail that was believed after it had been refused moved the frequency through the loss"},
		1000362: {9 * time.Hour, "a mean was weighed with the noise of the minute after: one outlier in it threw every kind's filter off"},
	} {
		day := DrawDay(seed)
		day.Scenario.Duration = c.until
		v, err := JudgeDay(day)
		if err != nil {
			t.Fatal(err)
		}
		if len(v.Broken) > 0 {
			t.Errorf("%s: %s", c.cause, v.line())
		}
	}
}

// What a seed draws is the same on every machine, and stays.
func TestADayIsItsSeed(t *testing.T) {
	h := fnv.New64a()
	for seed := range uint64(500) {
		d := DrawDay(seed)
		if !reflect.DeepEqual(d, DrawDay(seed)) {
			t.Fatalf("seed %d draws two days", seed)
		}
		fmt.Fprintf(h, "%v\n%+v\n", strings.Join(d.Story(), "\n"), d.Options().Crystal)
	}
	if got := h.Sum64(); got != drawn {
		t.Errorf("the seeds draw other days than before: %#x, not %#x", got, uint64(drawn))
	}
}

// drawn is of the days of seeds 0 to 499: who changes what is drawn changes it.
const drawn = 0x3a9371f3fd26358f

// In a thousand days every kind of thing happens.
func TestWeatherLeavesNothingOut(t *testing.T) {
	seen := map[string]int{}
	for seed := range uint64(1000) {
		d := DrawDay(seed)
		for _, s := range []string{"real " + d.Real.String(), "told " + d.told(), "thermometer " + string(d.Thermometer), "receiver " + d.Receiver,
			fmt.Sprint("near the pull ", d.MaxPPB > 0), fmt.Sprint("warm-up ", d.WarmUp.S > 0), fmt.Sprint("quantum ", d.QuantumPPB),
			fmt.Sprint("runs away ", d.Scenario.FixHold > 0)} {
			seen[s]++
		}
		for _, e := range d.Scenario.Events {
			seen[string(e.Do)]++
		}
		if len(d.believed()) > 0 {
			seen["wrong from the start"]++
		}
		if len(d.lies()) > 0 {
			seen["lie"]++
		}
	}
	for _, want := range []string{"real xo", "real tcxo", "real tcxo-hi", "real ocxo", "real rb", "told right", "told wrong", "told auto",
		"thermometer good", "thermometer none", "thermometer stuck", "thermometer in the die", "receiver gpio", "receiver nmea", "receiver timing",
		"near the pull true", "warm-up true", "quantum 1", "quantum 0.466", "runs away true", "wrong from the start", "lie",
		string(AntennaCut), string(PulseGaps), string(PulseLost), string(PulseDoubled), string(PulseLate), string(PulseWhite), string(PulseOutliers),
		string(SkyRamp), string(Seconds), string(TemperatureRamp), string(PowerCycle), string(Restart)} {
		if seen[want] < 10 {
			t.Errorf("%s: on %d days of 1000", want, seen[want])
		}
	}
}

// A seed is a day's verdict, whatever ran beside it.
func TestWeatherOneByOneIsTheSame(t *testing.T) {
	all, err := Weather(context.Background(), 2, 7, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range all.verdicts {
		alone, err := Weather(context.Background(), 1, v.Day.Seed, nil)
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(alone.verdicts[0], v) {
			t.Errorf("seed %d alone: %+v, of two: %+v", v.Day.Seed, alone.verdicts[0], v)
		}
	}
}

// quiet is a day on which nothing happens.
func quiet(kind holdover.Oscillator, lasts time.Duration, events ...Event) *Day {
	s := Scenario{Name: "weather", Duration: lasts, Events: events}
	return &Day{Seed: 1, Real: kind, Told: kind, Thermometer: ThermometerGood, Scenario: s,
		Crystal: sim.Crystal{OffsetPPB: 50, AgeingPPBDay: 0.3, TempcoPPBC: kinds[kind].Spec().TempcoPPBC[0]}}
}

func TestAQuietDayBreaksNothing(t *testing.T) {
	v, err := JudgeDay(quiet(holdover.OCXO, 3*time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	if len(v.Broken) > 0 || v.OutsideS > 0 {
		t.Error(v.line())
	}
	if v.PeakNs < 1 || len(v.locked.bounds) < 100 {
		t.Errorf("at most %v ns off in %d looks: nothing was judged", v.PeakNs, len(v.locked.bounds))
	}
}

// The world is worse than the day says, which no grandmaster can help; the letter
// is found.
func TestTheJudgeFindsWhatBreaks(t *testing.T) {
	for _, c := range []struct {
		letter byte
		change func(*Options)
	}{
		{'a', func(o *Options) { o.Receiver = ReceiverGPIO }}, // its 7 us are not told
		{'c', func(o *Options) {
			o.Scenario = &Scenario{Duration: 2 * time.Hour, Events: []Event{{At: 90 * time.Minute, Do: AntennaCut}}}
		}},
	} {
		v, err := judgeWith(quiet(holdover.OCXO, 2*time.Hour), c.change)
		if err != nil {
			t.Fatal(err)
		}
		if len(v.Broken) != 1 || v.Broken[0].What != c.letter {
			t.Errorf("want %c, got %+v", c.letter, v.Broken)
		}
	}
}

// One second, seen by the judge.
func TestTheJudgeTellsEachLieOfASecond(t *testing.T) {
	day := quiet(holdover.OCXO, 3*time.Hour)
	look := func(change func(w *world)) *judge {
		o := day.Options()
		w := &world{o: &o}
		w.Said = quality.Announcement{Serve: true, ClockClass: 6, ClockAccuracy: 0x21}
		w.Report = holdover.Report{State: quality.Locked, BoundNs: 80, EtaS: math.NaN()}
		change(w)
		return &judge{w: w, v: &Verdict{Day: day}, specNs: 1500, served: servedLeast}
	}
	for _, c := range []struct {
		name   string
		change func(w *world)
		judge  func(j *judge)
		want   string
	}{
		{"class 7 outside the spec", func(w *world) { w.Said.ClockClass, w.Report.BoundNs, w.Said.ClockAccuracy = 7, 3000, 0x25 }, func(j *judge) { j.honest(9, 7, 1501) }, "b"},
		{"class 7 inside", func(w *world) { w.Said.ClockClass, w.Report.BoundNs, w.Said.ClockAccuracy = 7, 3000, 0x25 }, func(j *judge) { j.honest(9, 7, 1499) }, ""},
		{"ten seconds outside the bound", func(*world) {}, func(j *judge) {
			for i := range outsideMost {
				j.honest(i, 6, 81)
			}
		}, ""},
		{"eleven", func(*world) {}, func(j *judge) {
			for i := range outsideMost + 1 {
				j.honest(i, 6, 81)
			}
		}, "a"},
		{"eleven outside the accuracy, inside the bound", func(w *world) { w.Report.BoundNs = 200 }, func(j *judge) {
			for i := range outsideMost + 1 {
				j.honest(i, 6, 101)
			}
		}, "a"},
		{"11 ppb within a second", func(w *world) { w.changes.most = 11 }, func(j *judge) { j.calm(9, 6, 0) }, "d"},
		{"200 ppb in spec", func(w *world) { w.Report.FrequencyPPB = 200 }, func(j *judge) { j.calm(9, 6, 0) }, ""},
		{"220 ppb in spec", func(w *world) { w.Report.FrequencyPPB = 220 }, func(j *judge) { j.ppb = 220; j.calm(9, 6, 0) }, "d"},
		{"a crystal that runs off, followed as quickly as allowed", func(w *world) { w.Report.FrequencyPPB, w.Report.OscillatorPPB = -10, 900 }, func(j *judge) { j.calm(9, 7, 900) }, ""},
		{"210 ppb out of spec", func(w *world) { w.Report.FrequencyPPB = 210 }, func(j *judge) { j.calm(9, 52, 0) }, ""},
		{"6 ppm that the servo did not order", func(w *world) { w.Report.FrequencyPPB, w.Report.OscillatorPPB = 1000, -900 }, func(j *judge) { j.calm(9, 52, 5000) }, ""},
		{"11 ppb with the step of a free run", func(w *world) { w.changes.most, w.stepNs, w.stepped = 11, 1e9, 58 }, func(j *judge) { j.calm(9, 58, 0) }, ""},
		{"6 ppm out of spec", func(w *world) { w.Report.FrequencyPPB = 6000 }, func(j *judge) { j.calm(9, 52, 0) }, "d"},
		{"a step in spec", func(w *world) { w.stepNs, w.stepped = 1, 7 }, func(j *judge) { j.calm(9, 7, 0) }, "d"},
		{"a small step out of spec", func(w *world) { w.stepNs, w.stepped = 5e6, 52 }, func(j *judge) { j.calm(9, 52, 0) }, "d"},
		{"a small step near the limit of the pull", func(w *world) { w.o.MaxPPB, w.stepNs, w.stepped = 100_000, 5e6, 52 }, func(j *judge) { j.calm(9, 52, 99_000) }, ""},
		{"an announcement that contradicts itself", func(w *world) { w.Lies = []string{string(quality.AccuracyTooGood)} }, func(j *judge) { j.contradicts(9, 6) }, "f"},
		{"one that does not", func(*world) {}, func(j *judge) { j.contradicts(9, 6) }, ""},
		{"a step that a slew would take an hour for", func(w *world) { w.stepNs, w.stepped = -16e6, 52 }, func(j *judge) { j.calm(9, 52, 0) }, ""},
	} {
		j := look(c.change)
		c.judge(j)
		got := ""
		for _, f := range j.v.Broken {
			got += string(f.What)
		}
		if got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

// A lie is excused as far as the real oscillator could do the same, no farther.
func TestOnlyALieThatNoOscillatorCouldNoticeIsExcused(t *testing.T) {
	at := 3 * time.Hour
	lie := func(by, within time.Duration) []Event {
		return []Event{{At: at, Do: SkyRamp, By: by, For: within}, {At: at + 2*time.Hour, Do: SkyRamp, By: -by, For: within}}
	}
	for _, c := range []struct {
		name         string
		day          *Day
		least, most  float64 // of what is excused, ns
		after, never int     // excused in the one second, not in the other
	}{
		{"a step of 10 us, rubidium", quiet(holdover.Rubidium, 8*time.Hour, lie(10*time.Microsecond, time.Second)...), 0, 1, 0, 5 * 3600},
		{"10 us in 10 minutes, rubidium", quiet(holdover.Rubidium, 8*time.Hour, lie(10*time.Microsecond, 10*time.Minute)...), 10, 150, 3*3600 + 60, 7 * 3600},
		{"1 us in an hour, plain crystal", quiet(holdover.XO, 8*time.Hour, lie(time.Microsecond, time.Hour)...), 990, 1000, 5 * 3600, 8*3600 - 1},
		{"50 us in a minute, plain crystal", quiet(holdover.XO, 8*time.Hour, lie(50*time.Microsecond, time.Minute)...), 0, 50_000, 0, 3*3600 + 90},
		{"a tail of 20 s, rubidium", tailed(holdover.Rubidium), 30, 40, 3*3600 + 2, 3*3600 + 30},
		{"a tail of 20 s, plain crystal by a hat", tailed(holdover.XO), 100, 200, 3*3600 + 4, 3*3600 + 30},
		{"no lie", quiet(holdover.XO, 8*time.Hour), 0, 0, 0, 3 * 3600},
	} {
		u := c.day.Unnoticed()
		if u == nil {
			u = make([]float64, 8*3600+1)
		}
		most := 0.0
		for _, v := range u {
			most = max(most, v)
		}
		if most < c.least || most > c.most {
			t.Errorf("%s: %.0f ns are excused, want %.0f to %.0f", c.name, most, c.least, c.most)
		}
		if c.after > 0 && u[c.after] == 0 {
			t.Errorf("%s: nothing is excused at %d s", c.name, c.after)
		}
		if v := u[c.never]; v > 0 && c.most < 50_000 || v > 0.1*50_000 {
			t.Errorf("%s: %.0f ns are excused at %d s", c.name, v, c.never)
		}
	}
}

// tailed is a day whose pulse runs away for 20 s when the antenna is cut, 3 h
// after the start.
func tailed(kind holdover.Oscillator) *Day {
	d := quiet(kind, 8*time.Hour, Event{At: 3 * time.Hour, Do: AntennaCut})
	d.Scenario.FixHold = 20 * time.Second
	if kind == holdover.XO {
		d.Receiver = ReceiverNMEA
	}
	return d
}

// The fields that scripts rely on.
func TestWeatherJSONHasTheFieldsThatScriptsReadOn(t *testing.T) {
	v := &Verdict{Day: quiet(holdover.OCXO, time.Hour), OutsideS: 12, PeakNs: 300, Broken: []Fault{{'c', 9, "x"}, {'b', 8, "y"}, {'a', 7, "z"}}}
	b, err := json.Marshal(gather([]*Verdict{v, {Day: v.Day, OutsideS: 3}}, 1))
	if err != nil {
		t.Fatal(err)
	}
	var r struct {
		N      int `json:"n"`
		Broken []struct {
			Seed     uint64  `json:"seed"`
			What     string  `json:"what"`
			OutsideS int     `json:"outside_bound_s"`
			PeakNs   float64 `json:"peak_ns"`
		} `json:"broken"`
		Most  int `json:"outside_bound_s_max"`
		False int `json:"false_class7"`
		Never int `json:"never_back"`
	}
	if err := json.Unmarshal(b, &r); err != nil {
		t.Fatal(err)
	}
	if r.N != 2 || len(r.Broken) != 3 || r.Broken[0].What != "a" || r.Broken[2].What != "c" || r.Broken[0].OutsideS != 12 || r.Broken[0].PeakNs != 300 ||
		r.Most != 12 || r.False != 1 || r.Never != 1 {
		t.Errorf("%s", b)
	}
}
