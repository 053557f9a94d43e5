package simulate

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"bragi/board/sim"
	"bragi/holdover"
)

// Day is a day of weather: all that one seed draws. The same seed draws the same
// day on every machine.
type Day struct {
	Seed        uint64
	Real, Told  holdover.Oscillator
	Receiver    string
	Thermometer Thermometer
	Crystal     sim.Crystal
	WarmUp      sim.WarmUp
	MaxPPB      float64 // 0: the crystal is far from the limit of its pull
	QuantumPPB  float64
	Scenario    Scenario

	begins []string // the story's beginning
}

// Thermometer says what a thermometer is worth.
type Thermometer string

// The thermometers.
const (
	ThermometerGood  Thermometer = "good"
	ThermometerNone  Thermometer = "none"
	ThermometerStill Thermometer = "stuck" // from the start, or from some time on, it shows one value
	ThermometerInDie Thermometer = "in the die"
)

// dayLasts is how long a day is.
const dayLasts = 24 * time.Hour

// What a board says of a pulse that a GPIO's interrupt stamps.
const (
	gpioDelay       = 7 * time.Microsecond
	gpioUncertainty = 2 * time.Microsecond
)

// dice draw. All comes from Float64, and products are rounded before they are
// added: else a processor of 32 bits, or one that fuses the two, draws another
// day than the next.
type dice struct{ rng *rand.Rand }

func (d dice) chance(p float64) bool { return d.rng.Float64() < p }

// below is a whole number from 0 to n-1.
func (d dice) below(n int) int { return int(d.rng.Float64() * float64(n)) }

func (d dice) between(low, high float64) float64 {
	span := float64((high - low) * d.rng.Float64())
	return low + span
}

// within is a whole number of seconds.
func (d dice) within(low, high time.Duration) time.Duration {
	return low + time.Duration(d.below(int((high-low)/time.Second)+1))*time.Second
}

func (d dice) sign() float64 {
	if d.chance(0.5) {
		return 1
	}
	return -1
}

// one is one of the values, each as likely.
func one[T any](d dice, values ...T) T { return values[d.below(len(values))] }

// DrawDay draws the day of a seed.
func DrawDay(seed uint64) *Day {
	d := dice{rand.New(rand.NewPCG(seed, 0x57454154484552))}
	day := &Day{Seed: seed}
	day.Real = one(d, holdover.XO, holdover.TCXO, holdover.TCXOHi, holdover.OCXO, holdover.Rubidium)
	day.Told = day.Real
	switch p := d.rng.Float64(); {
	case p < 0.2:
		day.Told = holdover.Auto
	case p < 0.4:
		for day.Told == day.Real {
			day.Told = one(d, holdover.XO, holdover.TCXO, holdover.TCXOHi, holdover.OCXO, holdover.Rubidium)
		}
	}
	day.Receiver = one(d, "", ReceiverTiming, ReceiverNMEA, ReceiverNMEA, ReceiverGPIO)
	if day.Real == holdover.XO && d.chance(0.3) {
		day.Receiver = ReceiverGPIO
	}
	day.Thermometer = one(d, ThermometerGood, ThermometerGood, ThermometerGood, ThermometerGood, ThermometerNone, ThermometerNone,
		ThermometerStill, ThermometerInDie)
	day.QuantumPPB = one(d, 0, 0, 0.466, 1)
	w := weather{dice: d, day: day}
	w.crystal()
	w.begin()
	for n := 1 + d.below(4); n > 0; n-- {
		w.event()
	}
	w.scenario()
	return day
}

// weather draws what happens, in order of time.
type weather struct {
	dice
	day    *Day
	at     time.Duration // the next thing happens after this
	events []Event
	power  time.Duration // since when there is power
	roomC  float64       // by how much the room is warmer than at the start
}

func (w *weather) add(at time.Duration, do Action, e Event) {
	e.At, e.Do = at, do
	w.events = append(w.events, e)
}

// crystal draws the piece: some age fast, some are near the limit of their pull.
func (w *weather) crystal() {
	d := w.day
	spec := kinds[d.Real].Spec()
	d.Crystal = sim.Crystal{
		OffsetPPB:    w.between(-spec.OffsetPPB, spec.OffsetPPB),
		AgeingPPBDay: w.sign() * w.between(spec.AgeingPPBDay[0], spec.AgeingPPBDay[1]),
		TempcoPPBC:   w.sign() * w.between(spec.TempcoPPBC[0], spec.TempcoPPBC[1]),
	}
	if w.chance(0.2) {
		d.Crystal.AgeingPPBDay *= 5
		d.begins = append(d.begins, fmt.Sprintf("it ages by %.3g ppb a day", d.Crystal.AgeingPPBDay))
	}
	if (d.Real == holdover.XO || d.Real == holdover.TCXO) && w.chance(0.1) {
		d.MaxPPB = 4 * spec.OffsetPPB
		d.Crystal.OffsetPPB = w.sign() * d.MaxPPB * w.between(0.95, 0.995)
		d.begins = append(d.begins, fmt.Sprintf("it is %.4g ppm off and the clock's pull is %.4g ppm", d.Crystal.OffsetPPB/1e3, d.MaxPPB/1e3))
	}
	type heat struct{ leastPPB, mostPPB, leastS, mostS float64 }
	h, warms := map[holdover.Oscillator]heat{
		holdover.TCXO: {5, 50, 60, 200}, holdover.TCXOHi: {1, 20, 60, 300},
		holdover.OCXO: {10, 200, 120, 420}, holdover.Rubidium: {1, 20, 60, 240},
	}[d.Real]
	if warms && w.chance(0.7) {
		d.WarmUp = sim.WarmUp{PPB: w.sign() * w.between(h.leastPPB, h.mostPPB), S: w.between(h.leastS, h.mostS)}
		d.begins = append(d.begins, fmt.Sprintf("its own warm-up is %+.0f ppb with a time constant of %.0f s", d.WarmUp.PPB, d.WarmUp.S))
	}
}

// begin draws the first hour: a cold board, a receiver that starts badly, a
// thermometer that is none.
func (w *weather) begin() {
	d := w.day
	switch d.Thermometer {
	case ThermometerStill:
		w.add(one(w.dice, 0, w.within(time.Hour, 12*time.Hour)), ThermometerStuck, Event{})
	case ThermometerInDie:
		w.add(0, ThermometerDie, Event{Celsius: w.between(3, 15)})
	}
	if w.chance(0.6) {
		w.warm(time.Second, w.between(5, 30))
	}
	switch {
	case w.chance(0.12):
		w.wrongSecond(time.Second)
	case w.chance(0.1):
		w.add(time.Second, PulseGaps, Event{Count: 4 + w.below(4), For: w.within(10*time.Minute, time.Hour)})
	case w.chance(0.05):
		w.add(time.Second, PulseWhite, Event{Factor: w.noisy(), For: w.within(10*time.Minute, time.Hour)})
	}
	w.at = w.within(100*time.Minute, 4*time.Hour)
}

// noisy is by how much pulses get noisier; those of a GPIO are noisy already.
func (w *weather) noisy() float64 {
	if w.day.Receiver == ReceiverGPIO {
		return w.between(1.5, 4)
	}
	return w.between(3, 20)
}

// warm is a board that comes to its working temperature.
func (w *weather) warm(at time.Duration, c float64) {
	w.add(at, TemperatureRamp, Event{Celsius: c, For: w.within(10*time.Minute, 30*time.Minute)})
}

// wrongSecond is a receiver that starts with an old leap count.
func (w *weather) wrongSecond(at time.Duration) {
	w.add(at, Seconds, Event{Count: one(w.dice, 2, 1, -3, -1), For: w.within(3*time.Minute, 25*time.Minute)})
}

// room changes the room's temperature; what adds up stays within 15 C.
func (w *weather) room(at time.Duration, leastC, mostC float64, lasts time.Duration) {
	c := w.sign() * w.between(leastC, mostC)
	if w.roomC+c > 15 || w.roomC+c < -15 {
		c = -c
	}
	w.roomC += c
	w.add(at, TemperatureRamp, Event{Celsius: c, For: lasts})
}

// event draws one thing that happens, and when the next one may.
func (w *weather) event() {
	at, end := w.at, w.at
	if at > dayLasts-2*time.Hour {
		return
	}
	switch w.below(24) {
	case 0, 1, 2, 3, 4:
		end = w.outage(at, one(w.dice, w.within(5*time.Minute, time.Hour), w.within(time.Hour, 4*time.Hour), w.within(4*time.Hour, 8*time.Hour)))
	case 5, 6:
		end = w.flap(at)
	case 7:
		lasts := w.within(20*time.Minute, 2*time.Hour)
		w.add(at, PulseGaps, Event{Count: 1 + w.below(10), For: lasts})
		end += lasts
	case 8:
		lasts := w.within(20*time.Minute, 2*time.Hour)
		w.add(at, PulseLost, Event{Share: w.between(0.02, 0.3), For: lasts})
		end += lasts
	case 9:
		lasts := w.within(10*time.Minute, time.Hour)
		by := one(w.dice, 20*time.Microsecond, 800*time.Microsecond, 5*time.Millisecond, 100*time.Millisecond)
		w.add(at, PulseDoubled, Event{By: by, Share: w.between(0.05, 1), For: lasts})
		end += lasts
	case 10:
		lasts := w.within(10*time.Minute, time.Hour)
		w.add(at, PulseLate, Event{By: time.Duration(w.between(10, 600)) * time.Millisecond, For: lasts})
		end += lasts
	case 11, 12:
		lasts := w.within(10*time.Minute, time.Hour)
		if w.chance(0.5) {
			w.add(at, PulseWhite, Event{Factor: w.noisy(), For: lasts})
		} else {
			w.add(at, PulseOutliers, Event{By: one(w.dice, 300*time.Nanosecond, 3*time.Microsecond, time.Millisecond), Share: w.between(0.01, 0.2), For: lasts})
		}
		end += lasts
	case 13, 14, 15:
		lasts := w.within(20*time.Minute, 3*time.Hour)
		w.room(at, 2, 15, lasts)
		end += lasts
	case 16:
		lasts := w.within(time.Minute, 5*time.Minute)
		w.room(at, 3, 12, lasts)
		end += lasts
	case 17, 18:
		end = w.lie(at)
	case 19:
		w.wrongSecond(at)
		end += w.events[len(w.events)-1].For
	case 20, 21:
		end = w.powerCycle(at)
	case 22:
		lasts := one(w.dice, w.within(time.Second, 30*time.Second), w.within(30*time.Second, 5*time.Minute))
		w.add(at, Restart, Event{For: lasts})
		end += lasts
	case 23:
		lasts := w.within(2*time.Minute, time.Hour)
		w.jam(at, lasts)
		end += lasts
	}
	w.at = end + w.within(30*time.Minute, 4*time.Hour)
}

// outage cuts the antenna; the room may change meanwhile.
func (w *weather) outage(at, lasts time.Duration) time.Duration {
	w.add(at, AntennaCut, Event{})
	w.add(at+lasts, AntennaRestore, Event{})
	if w.chance(0.4) {
		if quick := w.within(2*time.Minute, max(lasts/2, 2*time.Minute)); w.day.Thermometer == ThermometerGood {
			w.room(at+w.within(0, lasts/4), 1, 10, quick)
		} else {
			w.room(at, 1, 10, time.Hour) // nobody could see more than a room does by itself
		}
	}
	return at + lasts
}

// flap lets the antenna come and go.
func (w *weather) flap(at time.Duration) time.Duration {
	period := w.within(70*time.Second, 10*time.Minute)
	down := w.within(30*time.Second, period*3/4)
	for n := 3 + w.below(30); n > 0; n-- {
		w.add(at, AntennaCut, Event{})
		w.add(at+down, AntennaRestore, Event{})
		at += period
	}
	return at
}

// jam lets the noise grow, and after a minute the fix go.
func (w *weather) jam(at, lasts time.Duration) {
	w.add(at, PulseWhite, Event{Factor: jamFactor, For: min(lasts, jamBeforeFix*time.Second)})
	if rest := lasts - jamBeforeFix*time.Second; rest > 0 {
		w.add(at+lasts-rest, PulseLost, Event{Share: 1, For: rest})
	}
}

// lie moves the sky's time by a step or a ramp, and after a while back the same
// way: a clock that could not notice the one need not notice the other.
func (w *weather) lie(at time.Duration) time.Duration {
	at = max(at, w.power+3*time.Hour)
	to := one(w.dice, 300*time.Nanosecond, time.Microsecond, 3*time.Microsecond, 10*time.Microsecond, 50*time.Microsecond)
	if w.chance(0.5) {
		to = -to
	}
	lasts := time.Second // a step
	if w.chance(0.7) {
		lasts = w.within(time.Minute, 90*time.Minute)
	}
	stays := w.within(5*time.Minute, 2*time.Hour)
	w.add(at, SkyRamp, Event{By: to, For: lasts})
	w.add(at+lasts+stays, SkyRamp, Event{By: -to, For: lasts})
	return at + 2*lasts + stays
}

// powerCycle takes the power away; the board comes back colder and warms up.
func (w *weather) powerCycle(at time.Duration) time.Duration {
	off := one(w.dice, w.within(10*time.Second, 2*time.Minute), w.within(10*time.Minute, 2*time.Hour))
	w.add(at, PowerCycle, Event{For: off})
	w.power = at + off
	cools := float64(min(off, 30*time.Minute)) / float64(30*time.Minute) * w.between(5, 20)
	w.add(at, TemperatureRamp, Event{Celsius: -cools, For: off})
	w.warm(w.power, cools)
	if w.chance(0.25) {
		w.wrongSecond(w.power)
	}
	return w.power + time.Hour
}

// scenario puts the events in order.
func (w *weather) scenario() {
	s := &w.day.Scenario
	s.Name, s.Duration = "weather", dayLasts
	if w.chance(0.6) {
		s.FixHold = w.within(5*time.Second, 25*time.Second)
	}
	for _, e := range w.events {
		if e.At < dayLasts {
			s.Events = append(s.Events, e)
		}
	}
	slices.SortStableFunc(s.Events, func(a, b Event) int { return int(a.At/time.Second) - int(b.At/time.Second) })
}

// Options are how the day is simulated.
func (d *Day) Options() Options {
	o := Options{Oscillator: d.Real, Configured: &d.Told, Receiver: d.Receiver, Scenario: &d.Scenario, Seed: d.Seed,
		Crystal: &d.Crystal, WarmUp: d.WarmUp, MaxPPB: d.MaxPPB, QuantumPPB: d.QuantumPPB, NoThermometer: d.Thermometer == ThermometerNone}
	if d.Receiver == ReceiverGPIO {
		o.PulseDelay, o.PulseUncertainty = gpioDelay, gpioUncertainty
	}
	return o
}

// Story tells the day in plain words, a line each.
func (d *Day) Story() []string {
	receiver := d.Receiver
	switch receiver {
	case "":
		receiver = "a timing receiver without a sawtooth"
	case ReceiverTiming:
		receiver = "a timing receiver"
	case ReceiverNMEA:
		receiver = "a GPS hat"
	case ReceiverGPIO:
		receiver = "GPIO"
	}
	list := []string{fmt.Sprintf("real %v, told %v; thermometer %s; pulse by %s; quantum %v ppb", d.Real, d.Told, d.Thermometer, receiver, d.QuantumPPB)}
	list = append(list, d.begins...)
	cuts := 0
	for _, e := range d.Scenario.Events {
		if e.Do == AntennaCut {
			cuts++
		}
		if cuts <= flapsTold || e.Do != AntennaCut && e.Do != AntennaRestore {
			list = append(list, fmt.Sprintf("%s: %s", seconds(Number(e.At.Seconds())), e.words()))
		}
	}
	if cuts > flapsTold {
		list = append(list, fmt.Sprintf("the antenna is cut %d times more", cuts-flapsTold))
	}
	if cuts > 0 && d.Scenario.FixHold > 0 {
		list = append(list, fmt.Sprintf("the pulse runs away for %v at each cut", d.Scenario.FixHold))
	}
	return list
}

// flapsTold are told one by one.
const flapsTold = 3

// words tells an event.
func (e Event) words() string {
	percent := func(v float64) string { return fmt.Sprintf("%.0f %%", 100*v) }
	switch e.Do {
	case AntennaCut:
		return "the antenna is cut"
	case AntennaRestore:
		return "the antenna is back"
	case PulseWhite:
		return fmt.Sprintf("white noise times %.1f for %v", e.Factor, e.For)
	case PulseOutliers:
		return fmt.Sprintf("%s of the pulses are off by %v for %v", percent(e.Share), e.By, e.For)
	case PulseGaps:
		return fmt.Sprintf("%d pulses of every minute are missing for %v", e.Count, e.For)
	case PulseLost:
		return fmt.Sprintf("%s of the pulses are missing for %v", percent(e.Share), e.For)
	case PulseDoubled:
		return fmt.Sprintf("%s of the pulses have a double %v later for %v", percent(e.Share), e.By, e.For)
	case PulseLate:
		return fmt.Sprintf("pulses are handed over %v late for %v", e.By, e.For)
	case SkyRamp:
		return fmt.Sprintf("the sky moves by %v within %v", e.By, e.For)
	case Seconds:
		return fmt.Sprintf("the receiver names the second %+d for %v", e.Count, e.For)
	case TemperatureRamp:
		return fmt.Sprintf("%+.1f C within %v", e.Celsius, e.For)
	case ThermometerStuck:
		return "the thermometer sticks"
	case ThermometerDie:
		return fmt.Sprintf("the thermometer is in the die, load adds %.1f C", e.Celsius)
	case PowerCycle:
		return fmt.Sprintf("no power for %v", e.For)
	case Restart:
		return fmt.Sprintf("bragid restarts, away for %v", e.For)
	}
	return string(e.Do)
}
