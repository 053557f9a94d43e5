package simulate

import (
	"math"
	"time"

	"bragi/board"
	"bragi/board/sim"
	"bragi/cmd/internal/pipeline"
	"bragi/cmd/internal/virtual"
	"bragi/gnss"
	"bragi/gnss/timescale"
	"bragi/holdover"
	"bragi/holdover/quality"
)

// Options say what to simulate.
type Options struct {
	Oscillator holdover.Oscillator
	// Configured is the kind that the servo is told; nil: the real one.
	Configured *holdover.Oscillator
	Receiver   string    // ReceiverNMEA, ReceiverTiming, ReceiverMultiband, ReceiverGPIO; "": a timing receiver without a sawtooth
	PPS        []float64 // recorded lateness of the pulses, ns, about zero; nil: noise is made
	Scenario   *Scenario
	Seed       uint64

	Crystal *sim.Crystal // nil: drawn by Seed
	Climate *sim.Climate // nil: indoors
	WarmUp  sim.WarmUp   // the oscillator's own
	MaxPPB  float64      // largest correction that the clock takes; 0: sim.DefaultMaxPPB
	// PulseDelay is what the configuration says of how late the pulse is stamped,
	// PulseUncertainty by how much that may be wrong.
	PulseDelay, PulseUncertainty time.Duration

	QuantumPPB    float64 // smallest change of frequency; 0: none
	NoThermometer bool
	NoMemory      bool // a power cycle forgets everything
	// Servo changes the servo's settings; nil: the defaults.
	Servo func(*holdover.Config)
	// Look is shown what the clock says each second, beside its true error in
	// ns; nil: nobody looks.
	Look func(second int, r holdover.Report, a quality.Announcement, errorNs float64)
}

const (
	stampGrainNs = 4 // am335x CPTS
	egressNs     = 100
	startOffset  = 137 * time.Millisecond
	timeToFix    = 3 * time.Second

	edgeSeen  = 250 * time.Millisecond
	epochSeen = 300 * time.Millisecond
	tickAt    = 500 * time.Millisecond
)

var (
	mono0 = virtual.Begin
	sky0  = virtual.SkyAtBegin
)

func skyAt(m timescale.Mono) timescale.TAI { return sky0.Add(m.Sub(mono0)) }

// world is the grandmaster and what is around it.
type world struct {
	virtual.Grandmaster
	o     *Options
	plant plant

	events  []Event // still to come
	ramps   []ramp
	sensor  Action
	came    bool    // a pulse, in this second
	sensorC float64 // ThermometerStuck: what it shows; ThermometerJump: too much
	off     int     // until this second there is no power, or no bragid
	kept    *holdover.Memory
	lost    int             // for so many seconds the power was off; 0: bragid was
	saved   *pipeline.State // of the bragid that went; nil: it left none
	sky     skyFaults
	die     dieHeat
	leap    *timescale.LeapSeconds

	locked  bool // LOCKED was reached since the last start
	changes rates
	stepNs  int64 // of the steps while clients were served, since stepped was last looked at
	stepped uint8 // the class that they were at, 0: there was none
	steps   int   // after the first lock of a life
	first   int   // steps before
}

type ramp struct {
	from, seconds int
	celsius       float64
}

// rates finds the largest change of frequency in any second.
type rates struct {
	recent []change
	most   float64
	last   float64
}

type change struct {
	at  timescale.Mono
	ppb float64
}

func (r *rates) note(at timescale.Mono, ppb float64, count bool) {
	d := math.Abs(ppb - r.last)
	r.last = ppb
	if !count || d == 0 {
		return
	}
	n := 0
	for n < len(r.recent) && at.Sub(r.recent[n].at) > time.Second {
		n++
	}
	r.recent = append(r.recent[:copy(r.recent, r.recent[n:])], change{at, d})
	sum := 0.0
	for _, c := range r.recent {
		sum += c.ppb
	}
	r.most = max(r.most, sum)
}

// plant is the clock and its reference: what the servo steers, and the truth.
type plant interface {
	// pulse is the pulse of the second that begins i s after the start; false:
	// it does not come. qErrNs is a timing receiver's word of the next one.
	pulse(now timescale.Mono, i int) (e timescale.Edge, qErrNs float64, came bool)
	adjust(now timescale.Mono, ppb float64) (applied float64, err error)
	step(now timescale.Mono, deltaNs int64)
	local(m timescale.Mono) timescale.Local
	errorNs(now timescale.Mono) float64 // the clock less the truth; NaN: not known
	antenna(ok bool)
	cool(off time.Duration) // it was without power
	heat(c float64)
	thermometer() float64
}

// clock is the plant as the Pipeline sees it.
type clock struct{ w *world }

func (c clock) Cross() (board.Cross, error) {
	return board.Cross{Local: c.Local(c.w.Now), Mono: c.w.Now}, nil
}

func (c clock) AdjustFrequency(ppb float64) (float64, error) {
	applied, err := c.w.plant.adjust(c.w.Now, ppb)
	c.w.changes.note(c.w.Now, applied, c.w.locked || c.w.Said.Serve)
	return applied, err
}

func (c clock) Step(deltaNs int64) error {
	if c.w.Said.Serve {
		c.w.stepNs, c.w.stepped = c.w.stepNs+deltaNs, c.w.Said.ClockClass
	}
	if c.w.locked {
		c.w.steps++
	} else {
		c.w.first++
	}
	c.w.plant.step(c.w.Now, deltaNs)
	return nil
}

func (c clock) Local(m timescale.Mono) timescale.Local { return c.w.plant.local(m) }
func (c clock) Info() board.ClockInfo {
	most := c.w.o.MaxPPB
	if most == 0 {
		most = sim.DefaultMaxPPB
	}
	return board.ClockInfo{Name: "sim", MaxPPB: most, QuantumPPB: c.w.o.QuantumPPB}
}

func newWorld(o *Options, p plant) (*world, error) {
	w := &world{o: o, plant: p, events: o.Scenario.Events, leap: timescale.Builtin()}
	w.Grandmaster = virtual.Grandmaster{Now: mono0, Clock: clock{w}, Sky0: sky0}
	return w, w.powerOn(nil)
}

// powerOn starts a Pipeline anew, with what an earlier life remembered.
func (w *world) powerOn(m *holdover.Memory) error {
	w.locked = false
	return w.PowerOn(w.settings(m))
}

// goOn starts bragid again, with the state that it left if there is any.
func (w *world) goOn() error {
	w.Pipe = pipeline.New(w.settings(w.kept), w.Clock)
	if w.saved == nil || w.Pipe.Resume(w.Now, *w.saved) != nil {
		return w.powerOn(w.kept)
	}
	return nil
}

// settings are the Pipeline's.
func (w *world) settings(m *holdover.Memory) pipeline.Config {
	cfg := holdover.DefaultConfig()
	cfg.Oscillator, cfg.Memory = w.o.Oscillator, m
	if w.o.Configured != nil {
		cfg.Oscillator = *w.o.Configured
	}
	cfg.InputNs = float64(w.o.PulseUncertainty)
	s := w.o.Scenario
	for _, set := range []struct{ key, value *time.Duration }{
		{&cfg.Learning, &s.Learning}, {&cfg.Settle, &s.Settle}, {&cfg.MaxHoldover, &s.MaxHoldover},
	} {
		if *set.value > 0 {
			*set.key = *set.value
		}
	}
	if w.o.Servo != nil {
		w.o.Servo(&cfg)
	}
	p := pipeline.Config{Servo: cfg, Reference: gnss.ReferenceConfig{Floor: virtual.Floor, PulseDelay: w.o.PulseDelay}, EgressNs: egressNs}
	if !w.o.NoThermometer {
		p.Temperature = w.temperature
	}
	return p
}

// temperature is what the thermometer shows.
func (w *world) temperature() float64 {
	switch w.sensor {
	case ThermometerDead:
		return math.NaN()
	case ThermometerStuck:
		return w.sensorC
	case ThermometerJump:
		return w.plant.thermometer() + w.sensorC
	case ThermometerDie:
		return math.Round(10*(w.plant.thermometer()+w.die.at(w.second0()))) / 10
	}
	return w.plant.thermometer()
}

// second0 is the second that passes, from the start.
func (w *world) second0() int { return int(w.Now.Sub(mono0) / time.Second) }

// second lets the second that begins i seconds after the start pass, until its
// tick.
func (w *world) second(i int) error {
	at := mono0.Add(time.Duration(i) * time.Second)
	if err := w.happen(i); err != nil {
		return err
	}
	w.Now = at.Add(edgeSeen)
	e, qErr, came := w.plant.pulse(w.Now, i)
	w.came = came
	if i < w.off {
		return nil
	}
	seen := edgeSeen
	if came {
		seen += w.sky.handedLate(i)
	}
	if came && seen < epochSeen {
		w.pulse(at.Add(seen), i, e)
	}
	if came {
		utc, _ := w.leap.ToUTC(skyAt(at).Add(w.sky.wrongSecond(i)))
		epoch := gnss.Epoch{UTC: utc, Talker: "GN", Fix: gnss.FixTime, Trusted: true}
		if w.o.Receiver == ReceiverTiming || w.o.Receiver == ReceiverMultiband {
			epoch.QErrPs = gnss.Some(int64(math.Round(1000 * qErr)))
		}
		w.Epoch(at.Add(epochSeen), epoch)
	}
	if came && seen >= epochSeen && seen < tickAt {
		w.pulse(at.Add(seen), i, e)
	}
	w.Tick(at.Add(tickAt))
	if came && seen >= tickAt {
		w.pulse(at.Add(seen), i, e)
	}
	return nil
}

// pulse hands a pulse over, and its double.
func (w *world) pulse(now timescale.Mono, i int, e timescale.Edge) {
	w.Edge(now, e)
	if by := w.sky.doubled(i); by > 0 {
		e.Mono, e.Local = e.Mono.Add(by), w.plant.local(e.Mono.Add(by))
		if now.Before(e.Mono) {
			now = e.Mono
		}
		w.Edge(now, e)
	}
}

// happen lets the scenario's events of second i happen.
func (w *world) happen(i int) error {
	for len(w.events) > 0 && int(w.events[0].At.Seconds()) <= i {
		e := w.events[0]
		w.events = w.events[1:]
		switch e.Do {
		case AntennaCut, AntennaRestore:
			w.plant.antenna(e.Do == AntennaRestore)
		case TemperatureRamp:
			w.ramps = append(w.ramps, ramp{i, int(e.For.Seconds()), e.Celsius})
		case ThermometerStuck:
			w.sensor, w.sensorC = e.Do, w.plant.thermometer()
		case ThermometerJump:
			w.sensor, w.sensorC = e.Do, e.Celsius
		case ThermometerDead, ThermometerOK:
			w.sensor = e.Do
		case ThermometerDie:
			w.sensor, w.die = e.Do, dieHeat{mostC: e.Celsius}
		case PulseDoubled, PulseLate, Seconds:
			w.sky.begin(e, w.o.Seed)
		case PowerCycle, Restart:
			w.off = i + int(e.For.Seconds())
			w.kept, w.saved, w.lost = nil, nil, 0
			if m, ok := w.Pipe.Memory(w.Now); ok && !w.o.NoMemory {
				w.kept = &m
			}
			if e.Do == PowerCycle {
				w.lost = w.off - i
			} else if s, ok := w.Pipe.Save(w.Now); ok {
				w.saved = &s
			}
		}
	}
	if len(w.ramps) > 0 {
		sum := 0.0
		for _, r := range w.ramps {
			sum += r.celsius * min(float64(i-r.from)/float64(r.seconds), 1)
		}
		w.plant.heat(sum)
	}
	if w.off != i || i == 0 {
		return nil
	}
	w.Now = mono0.Add(time.Duration(i) * time.Second)
	if w.lost == 0 {
		return w.goOn()
	}
	// The clock lost its time and its correction with the power.
	if _, err := w.plant.adjust(w.Now, 0); err != nil {
		return err
	}
	w.plant.step(w.Now, int64(startOffset))
	w.plant.cool(time.Duration(w.lost) * time.Second)
	return w.powerOn(w.kept)
}
