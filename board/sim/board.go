package sim

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"bragi/gnss/timescale"
	"bragi/gnss/ubx"
)

// Config says which board of software to make. The zero value is a plain
// crystal with a navigation receiver, good antenna and immediate fix.
type Config struct {
	Oscillator Kind
	Spec       *Spec    // nil: the kind's
	Crystal    *Crystal // nil: drawn from Spec by Seed
	Climate    *Climate // nil: DefaultClimate
	WarmUp     WarmUp   // the oscillator's own, from the start
	Receiver   ReceiverKind
	Seed       uint64

	StartOffset  time.Duration // PHC minus the sky's TAI at the start
	QuantumPPB   float64       // smallest change of frequency; 0: none (FEC 1, CPTS 0.466)
	MaxPPB       float64       // largest correction; 0: 1e6
	StampGrainNs int64         // pulses are stamped in multiples of it; 0: 1 (CPTS 4, FEC 8)

	AntennaCut   bool          // the antenna is cut at the start
	AntennaDelay time.Duration // of the cable, unknown to the receiver: pulses come so much late
	TimeToFix    time.Duration // from a good antenna to fix and pulses
	FixHold      time.Duration // from a cut antenna to the loss of the fix; till then pulses run away

	MessageDelay [2]time.Duration // from pulse to burst, at least and at most; 0: 60 ms, 140 ms
	Baud         int              // the burst's pace, 10 bits a byte; 0: 115,200
	TAIMinusUTC  int              // s; 0: 37
	Recording    *Recording       // plays these bytes instead of the receiver's own; one board each
	NoBytes      bool             // pulses only, for long simulations

	// Of a u-blox: what it refuses, how many seconds of survey a second counts
	// for (0: 1), and how far north its antenna was carried.
	Refuse      []ubx.Key
	SurveySpeed int
	NorthM      float64
	// Noise replaces the receiver's own pulse noise, nil: it has its own. It
	// tells how late the next pulse is without its sawtooth, and its sawtooth
	// as a timing receiver states it. Called once a second, a second ahead.
	Noise func() (lateNs, qErrNs float64)
}

// EventKind is what came out of the receiver.
type EventKind uint8

// The kinds of event.
const (
	PulseEdge EventKind = iota
	ReceiverBytes
)

// Event is something that came out of the receiver at an instant.
type Event struct {
	Kind  EventKind
	At    timescale.Mono // when it is seen, never before the last event's
	Edge  TrueEdge       // PulseEdge
	Bytes []byte         // ReceiverBytes: came in up to At
}

// TrueEdge is a pulse, and the truth of it.
type TrueEdge struct {
	// Edge is the board's to see: the exact reading of the PHC, in whole grains, and
	// the deviation of the stamp without the receiver's noise.
	timescale.Edge

	Second timescale.TAI // truth: the whole second that the edge stands for
	LateNs float64       // truth: how late the edge was
	QErrNs float64       // what a timing receiver says of it: true second = pulse + qErr
}

// Truth is what only tests and `bragi sim status` may see.
type Truth struct {
	Antenna      string  // "ok", "cut"
	TrueErrorNs  float64 // PHC minus the sky's TAI; positive: the PHC is ahead
	Oscillator   string
	TemperatureC float64 // of the air
}

// planned is an event to come; the edge's reading is taken when it is due.
type planned struct {
	event  Event
	edgeAt timescale.Mono
	fracNs float64 // the edge is so much after edgeAt
}

// Board is oscillator, PHC, sky, antenna and receiver together. It is not safe
// for several goroutines.
type Board struct {
	config     Config
	oscillator *Oscillator
	phc        *PHC
	noise      *pulseNoise
	coming     tick // of the next second
	state      fixState
	talk       *generator

	mono   timescale.Mono // the latest pair
	sky    timescale.TAI
	second int64 // the latest whole second of the sky that was handled
	glitch time.Duration
	lie    Lie
	queue  []planned // by At
	seen   timescale.Mono

	ublox    *ublox         // nil: the receiver is none
	hostBaud int            // 0: the right one
	lineFree timescale.Mono // when the last planned byte has left
}

// What Config's zero values stand for.
const (
	DefaultMaxPPB      = 1e6
	DefaultBaud        = 115_200
	DefaultTAIMinusUTC = 37 // s, since 2017-01-01
)

const (
	uartChunk = 64 // bytes: a UART's FIFO

	// skyReading is what the sky, which is CLOCK_REALTIME where the board is live, may
	// be off by against CLOCK_MONOTONIC_RAW: two readings are uncertain by some microseconds.
	skyReading = 50 * time.Microsecond
)

// New makes the board; at the instant m the sky's time is sky.
func New(config Config, m timescale.Mono, sky timescale.TAI) (*Board, error) {
	if err := config.complete(); err != nil {
		return nil, err
	}
	b := &Board{config: config, mono: m, sky: sky, seen: m}
	b.oscillator = NewOscillator(*config.Spec, config.Crystal, *config.Climate, config.Seed)
	b.oscillator.setWarmUp(config.WarmUp)
	start := timescale.LocalFromNs(sky.Ns() + int64(config.StartOffset))
	b.phc = NewPHC(b.oscillator, m, start, config.QuantumPPB, config.MaxPPB)
	b.noise = newPulseNoise(config.Receiver, config.Seed)
	b.talk = stream(config.Seed, streamBurst)
	b.ublox = newUblox(config.Receiver, config.Refuse, config.SurveySpeed)
	b.coming = b.nextTick()
	b.state = fixState{timeToFix: config.TimeToFix, hold: config.FixHold, antenna: !config.AntennaCut, since: sky}
	b.second = floorSecond(sky)
	return b, nil
}

func (c *Config) complete() error {
	if c.Spec == nil {
		s := c.Oscillator.Spec()
		c.Spec = &s
	}
	if c.Climate == nil {
		d := DefaultClimate()
		c.Climate = &d
	}
	if c.MaxPPB == 0 {
		c.MaxPPB = DefaultMaxPPB
	}
	if c.StampGrainNs == 0 {
		c.StampGrainNs = 1
	}
	if c.MessageDelay == ([2]time.Duration{}) {
		c.MessageDelay = [2]time.Duration{60 * time.Millisecond, 140 * time.Millisecond}
	}
	if c.Baud == 0 {
		c.Baud = DefaultBaud
	}
	if c.TAIMinusUTC == 0 {
		c.TAIMinusUTC = DefaultTAIMinusUTC
	}
	switch {
	case c.QuantumPPB < 0 || c.MaxPPB < 0 || c.QuantumPPB > c.MaxPPB:
		return fmt.Errorf("sim: frequency quantum %v ppb and limit %v ppb contradict: use 0 <= quantum <= limit", c.QuantumPPB, c.MaxPPB)
	case c.StampGrainNs < 0:
		return fmt.Errorf("sim: a stamp grain of %d ns: use 1 or more", c.StampGrainNs)
	case c.MessageDelay[0] < 0 || c.MessageDelay[1] < c.MessageDelay[0]:
		return fmt.Errorf("sim: message delay from %v to %v: use two that rise from 0", c.MessageDelay[0], c.MessageDelay[1])
	case c.Baud < 0:
		return fmt.Errorf("sim: %d baud: use a positive rate", c.Baud)
	case c.TimeToFix < 0 || c.FixHold < 0:
		return errors.New("sim: time to fix and fix hold must not be negative")
	case c.WarmUp.S < 0:
		return errors.New("sim: a warm-up's time constant must not be negative")
	}
	return nil
}

// Next is when something happens next: an event, or a second of the sky to be
// handled. Between events there may be a Next without one.
func (b *Board) Next() timescale.Mono {
	due := b.mono.Add(time.Duration((b.second+1)*nsPerS - b.sky.Ns()))
	if len(b.queue) > 0 && b.queue[0].event.At.Before(due) {
		return b.queue[0].event.At
	}
	return due
}

// Advance brings the board to the instant to, when the sky's time is sky, and
// returns what happened since, in order. Should the sky have jumped, the
// stretch across the jump has no pulses.
func (b *Board) Advance(to timescale.Mono, sky timescale.TAI) []Event {
	elapsed := to.Sub(b.mono)
	if elapsed <= 0 {
		return nil
	}
	moved := sky.Sub(b.sky)
	if timescale.RealtimeJumped(moved, elapsed, skyReading) {
		b.second = floorSecond(sky)
		b.state.since = b.state.since.Add(moved - elapsed) // antenna and fix go by elapsed time
	} else {
		for last := floorSecond(sky); b.second < last; {
			b.second++
			share := float64(b.second*nsPerS-b.sky.Ns()) / float64(moved)
			b.planSecond(b.mono, share*float64(elapsed))
		}
	}
	b.mono, b.sky = to, sky
	b.phc.Extend(to)
	due := b.take(to)
	b.phc.Forget(to)
	return due
}

// planSecond plans pulse and burst of b.second, which begins afterNs after from.
func (b *Board) planSecond(from timescale.Mono, afterNs float64) {
	second := timescale.TAIFromNs(b.second * nsPerS)
	now := b.coming
	b.coming = b.nextTick()
	b.state.second(second)
	fixed := b.state.fixed
	if b.config.Recording != nil {
		fixed = fixed && b.config.Recording.fixed()
	}
	begin := from.Add(time.Duration(afterNs))
	advanceNs := 0.0
	if u := b.ublox; u != nil {
		u.second(b.state.fixed)
		fixed = fixed && u.pulses()
		advanceNs = u.advanceNs()
	}
	if fixed {
		b.lie.LateNs += b.lie.DriftNs
		late := now.lateNs - now.qErrNs + b.state.driftNs(second) + float64(b.config.AntennaDelay) + float64(b.glitch) + b.lie.LateNs - advanceNs
		b.glitch = 0
		edge := math.Floor(afterNs + late)
		p := planned{edgeAt: from.Add(time.Duration(edge)), fracNs: afterNs + late - edge}
		p.event = Event{Kind: PulseEdge, At: p.edgeAt}
		if p.edgeAt.Before(begin) {
			p.event.At = begin // an early edge is seen at the second, with its earlier stamp
		}
		p.event.Edge = TrueEdge{Edge: timescale.Edge{SigmaNs: float64(b.config.StampGrainNs) / math.Sqrt(12)}, Second: second, LateNs: late, QErrNs: now.qErrNs}
		b.plan(p)
	}
	if !b.config.NoBytes {
		b.planBurst(begin, b.second-int64(b.config.TAIMinusUTC)+int64(b.lie.AheadS))
	}
}

func (b *Board) nextTick() tick {
	if b.config.Noise == nil {
		return b.noise.next()
	}
	late, qErr := b.config.Noise()
	return tick{lateNs: late, qErrNs: qErr}
}

func (b *Board) planBurst(begin timescale.Mono, utcS int64) {
	span := b.config.MessageDelay[1] - b.config.MessageDelay[0]
	at := begin.Add(b.config.MessageDelay[0] + time.Duration(b.talk.Float64()*float64(span)))
	var text []byte
	if r := b.config.Recording; r != nil {
		at = at.Add(r.after())
		text = r.play(nil, utcS, !b.state.fixed)
	} else {
		if u := b.ublox; u != nil {
			text = u.messages(text, &solution{utcS: utcS, state: &b.state, nextQErr: b.coming.qErrNs,
				leap: b.config.TAIMinusUTC - taiMinusGPS, northM: b.config.NorthM})
		}
		if b.ublox == nil || b.ublox.items[ubx.KeyUART1OutNMEA] == 1 {
			text = burst(text, utcS, &b.state, b.talk.Rand)
		}
	}
	b.send(at, text)
}

// taiMinusGPS is constant, s.
const taiMinusGPS = 19

// send plans bytes at the line's pace, after those that are planned already.
func (b *Board) send(at timescale.Mono, text []byte) {
	if at.Before(b.lineFree) {
		at = b.lineFree
	}
	baud := b.config.Baud
	if b.ublox != nil && b.ublox.checksRate() {
		baud = b.ublox.baud
	}
	perByte := 10 * nsPerS / int64(baud)
	for len(text) > 0 {
		n := min(uartChunk, len(text))
		at = at.Add(time.Duration(int64(n) * perByte))
		b.plan(planned{event: Event{Kind: ReceiverBytes, At: at, Bytes: text[:n:n]}})
		text = text[n:]
	}
	b.lineFree = at
}

// answerDelay is how long the receiver thinks before it answers.
const answerDelay = 10 * time.Millisecond

// plan puts p into the queue, after those of its own instant.
func (b *Board) plan(p planned) {
	i, _ := slices.BinarySearchFunc(b.queue, p.event.At.Ns(), func(q planned, at int64) int {
		if q.event.At.Ns() <= at {
			return -1
		}
		return cmp.Compare(q.event.At.Ns(), at)
	})
	b.queue = slices.Insert(b.queue, i, p)
}

// take removes what is due.
func (b *Board) take(to timescale.Mono) []Event {
	n := 0
	var due []Event
	for ; n < len(b.queue) && !to.Before(b.queue[n].event.At); n++ {
		p := b.queue[n]
		if p.event.At.Before(b.seen) {
			p.event.At = b.seen
		}
		b.seen = p.event.At
		if p.event.Kind == PulseEdge {
			local, _ := b.phc.line(p.edgeAt).at(p.edgeAt, p.fracNs)
			grain := b.config.StampGrainNs
			p.event.Edge.Local = timescale.LocalFromNs(floorDiv(local.Ns(), grain) * grain)
			p.event.Edge.Mono = p.edgeAt
		}
		if p.event.Kind == ReceiverBytes && b.garbled() {
			p.event.Bytes = noise(p.event.Bytes)
		}
		due = append(due, p.event)
	}
	b.queue = slices.Delete(b.queue, 0, n)
	return due
}

// noise is what a host hears that listens at another rate: bits taken for
// others, no byte what it was.
func noise(b []byte) []byte {
	n := make([]byte, len(b))
	for i, c := range b {
		n[i] = c<<3 ^ c>>2 | 0x80
	}
	return n
}

// PHC is the board's clock. What is written to it takes effect at an instant
// that the caller names: see PHC.AdjustFrequency and PHC.Step.
func (b *Board) PHC() *PHC { return b.phc }

// SetAntenna cuts or restores the antenna.
func (b *Board) SetAntenna(ok bool) { b.state.setAntenna(ok, b.sky) }

// Glitch lets the next pulse come d late (once). A negative d gives an early
// stamp.
func (b *Board) Glitch(d time.Duration) { b.glitch = d }

// Lie is what a receiver tells that is not so: a false sky, a wrong cable, an old count of
// leap seconds.
type Lie struct {
	LateNs  float64 // how late each pulse is
	DriftNs float64 // how much later each is than the one before
	AheadS  int     // by how many seconds its messages are ahead
}

// Lie lets the receiver tell l from now on, in place of what it told before.
func (b *Board) Lie(l Lie) { b.lie = l }

// Told is what the receiver tells now that is not so.
func (b *Board) Told() Lie { return b.lie }

// SensorC is what the board's thermometer shows, in degrees Celsius, in steps of
// SensorStepC.
func (b *Board) SensorC() float64 { return sensorC(b.oscillator.AirC()) }

// CrystalC is the crystal's temperature, which no thermometer shows.
func (b *Board) CrystalC() float64 { return b.oscillator.CrystalC() }

// Heat adds c degrees to the air from now on, in place of what was added before.
func (b *Board) Heat(c float64) { b.oscillator.air.addedC = c }

// Cool tells that the board was without power for off: its oscillator warms up
// anew, from as cold as it got.
func (b *Board) Cool(off time.Duration) { b.oscillator.cool(off.Seconds()) }

// OscillatorPPB is the truth about the oscillator: how fast it runs at the
// instant m without any correction, in ppb; positive runs fast.
func (b *Board) OscillatorPPB(m timescale.Mono) float64 { return b.phc.line(m).OscillatorPPB }

// TrueErrorNs is PHC minus TAI at the instant m, when the sky's time is sky.
// Positive: the PHC is ahead.
func (b *Board) TrueErrorNs(m timescale.Mono, sky timescale.TAI) float64 {
	local, frac := b.phc.line(m).at(m, 0)
	return float64(local.OffsetNs(sky)) + frac
}

// Truth is the truth at the instant m, when the sky's time is sky.
func (b *Board) Truth(m timescale.Mono, sky timescale.TAI) Truth {
	t := Truth{
		Antenna: "ok", TrueErrorNs: b.TrueErrorNs(m, sky),
		Oscillator: b.config.Oscillator.String(), TemperatureC: b.oscillator.AirC(),
	}
	if !b.state.antenna {
		t.Antenna = "cut"
	}
	return t
}

const nsPerS = int64(time.Second)

func floorSecond(t timescale.TAI) int64 { return floorDiv(t.Ns(), nsPerS) }

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}
