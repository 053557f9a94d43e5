package gnss

import (
	"time"

	"bragi/gnss/timescale"
)

// Mark is a labelled pulse: the served clock read Local when TAI was Second.
type Mark struct {
	timescale.Edge
	Second    timescale.TAI // a whole second
	UTCOffset int           // TAI - UTC in s at Second
	// QErrPs is the sawtooth that the receiver told for this very pulse, in ps:
	// true second = stamp + QErrPs.
	QErrPs Maybe[int64]
}

// PairerConfig has the Pairer's limits; zero fields take the defaults.
type PairerConfig struct {
	Book *LeapBook // shared with the Decoder; default: one of its own around the built-in table
	// A message comes MinDelay..MaxDelay after the pulse that it names; outside
	// it could belong to the pulse before or after. Defaults 20 ms and 950 ms.
	MinDelay, MaxDelay time.Duration
	// Told: the operator has said how late messages come, and Received is less that. A
	// fraction of a second that a message names tells nothing more then.
	Told bool
	// MaxAge ends the marks when no epoch confirmed the count for so long, at a message
	// a second. Default 2.5 s.
	MaxAge time.Duration
	// Tolerance is how far from the whole second after the last pulse a pulse may
	// be, in raw time, plus 500 ppm of the interval. Default 10 ms.
	Tolerance time.Duration
}

const (
	agreeToLabel     = 3                     // agreeing epochs before a pulse gets a label
	agreeWhenUnsure  = 10                    // the same after a message of ambiguous delay, or near to that
	unsureEarly      = 20 * time.Millisecond // so near to MinDelay jitter could hide a message a second late
	unsureLate       = 50 * time.Millisecond // so near to MaxDelay it could hide one that is early
	disagreeToFault  = 5                     // epochs of one contradiction before the count is a fault
	agreeToRecover   = 5                     // agreeing epochs that end a fault
	agreeToKeepLeap  = 3                     // epochs after 23:59:60 that make it certain
	pulsesToAdopt    = 3                     // pulses of a new train, the old one being silent
	maxStep          = 3                     // pulses 1..3 s apart are counted on; a longer gap needs three agreements anew
	spacingTolerance = 300 * time.Millisecond
	delayTolerance   = 200 * time.Millisecond
	wholeSecond      = 50 * time.Millisecond // an epoch so near a second names it; another one names a fraction
	sameStampWithin  = time.Millisecond      // stamps this near are one pulse
	rawDriftPPM      = 500                   // bound of CLOCK_MONOTONIC_RAW's rate error, wide
	forgetLabel      = 800 * time.Second     // raw drift reaches 0.4 s: the old label says nothing any more
	pulseSilence     = 2500 * time.Millisecond
	glitchShown      = 10 * time.Second
)

func (c PairerConfig) withDefaults() PairerConfig {
	if c.Book == nil {
		c.Book = NewLeapBook(nil)
	}
	for _, d := range []struct {
		field *time.Duration
		value time.Duration
	}{
		{&c.MinDelay, 20 * time.Millisecond},
		{&c.MaxDelay, 950 * time.Millisecond},
		{&c.MaxAge, 2500 * time.Millisecond},
		{&c.Tolerance, 10 * time.Millisecond},
	} {
		if *d.field <= 0 {
			*d.field = d.value
		}
	}
	return c
}

// Pairer tells which pulse was which second.
//
//	train   pulses whole seconds apart in raw time are one train and are numbered; a pulse off the train is a glitch,
//	        unless it starts a new train and the old one falls silent
//	learn   what the receiver says of its next pulse (NextPulse) names the pulse after it; where nothing says that, a
//	        message belongs to the last pulse before its first byte. TAI second minus pulse number is the base; three
//	        in a row with the same base label the train
//	fraction a message that names 12:00:00.8 comes after that instant, so 0.8 s and its delay after the pulse of
//	        12:00:00. Where a pulse lies between, it could name an instant to come too: then only other sources of
//	        time, or gnss.message_delay, tell which pulse is its own
//	count   from then on second = base + number, at once; messages only confirm
//	fault   five messages in a row that contradict the count by the same whole seconds end the marks. The base is
//	        never changed under a fault: it ends when messages agree again, or by Reset
//
// All intervals are raw time (Mono): the served clock may be stepped or slewed
// meanwhile. A label is remembered over a gap of pulses, and what is learned
// afterwards must fit it.
//
// Two limits are of nature: a message that is constantly more than one second
// late, or more than 1 s - MaxDelay early, cannot be told from one in time.
// Only the receiver's word about its next pulse can: with it, late messages are
// known to be late and are no contradiction.
type Pairer struct {
	cfg     PairerConfig
	book    *LeapBook
	counter PairerCounters

	stamps stampRing // every pulse of late, to know repeated ones
	train  train
	rival  rival

	pending    naming
	hasPending bool

	labelled bool
	base     int64    // TAI second of pulse number 0
	evidence Evidence // for the label, or for the one that is remembered
	run      run
	next     nextPulses
	need     int   // agreeing epochs needed now
	last     Label // of the last labelled pulse; Delay is in delays

	delays      delayRing
	lastConfirm timescale.Mono
	lastTrusted timescale.Mono
	pace        pace
	named       timescale.TAI  // the instant of the epoch that was used last
	fractionAt  timescale.Mono // when one last named a fraction of which the pulse cannot be told
	fractionBy  time.Duration  // the fraction
	fractionOn  time.Duration  // how long after a pulse it came

	fault      bool
	off        int64 // whole seconds by which the count is ahead of the messages in the fault
	streak     streak
	recovering int

	glitchAt    timescale.Mono
	glitchBy    time.Duration
	lateAt      timescale.Mono
	lateBy      time.Duration
	ambiguousAt timescale.Mono
	ambiguousBy time.Duration
}

// PairerCounters count since the Pairer was made.
type PairerCounters struct {
	Duplicates    uint64 // the same stamp again
	Late          uint64 // older than one already seen
	Glitches      uint64 // off the train
	Missed        uint64 // seconds without their pulse, since the first one came
	Shifts        uint64 // a new train took over
	Disagreed     uint64 // contradicted the count
	NextPulses    uint64 // words of the receiver about its next pulse
	LateMessages  uint64 // epochs that came more than a second after their pulse, as the next pulses tell
	Faults        uint64
	LeapsObserved uint64 // leap seconds that the table did not have
}

// naming is an epoch that waits for the pulses before it.
type naming struct {
	epoch    Epoch         // Received is less the fraction
	second   int64         // TAI seconds
	fraction time.Duration // of a second that it names beside
	next     bool          // the receiver's word about its next pulse; second is the one of the pulse before it
}

// inSecond is the whole second that an epoch names, in TAI seconds, and the fraction
// after it, 0 where it is next to one.
func inSecond(table *timescale.LeapSeconds, e Epoch) (second int64, fraction time.Duration) {
	ns := tai(table, e).Ns()
	second = (ns + nsPerSecond/2) / nsPerSecond
	switch off := time.Duration(ns - second*nsPerSecond); {
	case off.Abs() <= wholeSecond:
		return second, 0
	case off < 0:
		return second - 1, time.Second + off
	default:
		return second, off
	}
}

// run is the series of epochs that agree while learning.
type run struct {
	length   int
	base     int64
	received timescale.Mono
	delay    time.Duration
	evidence Evidence
	since    timescale.Mono
}

// after is the run that r goes on with, or begins: with one base, a second between the
// messages is one between their pulses.
func (r run) after(last run) run {
	r.length, r.since = 1, r.received
	if _, ok := paced(r.received.Sub(last.received)); ok && last.length > 0 && r.base == last.base &&
		(r.delay-last.delay).Abs() <= delayTolerance {
		r.length, r.since, r.evidence = last.length+1, last.since, r.evidence.With(last.evidence)
	}
	return r
}

// streak is the series of epochs that contradict the count alike.
type streak struct {
	length   int
	off      int64
	received timescale.Mono
	since    timescale.Mono
	evidence Evidence // of the last of them
	late     bool     // one came at another time after its pulse than usual
}

// lasted is how long it goes on.
func (s streak) lasted() time.Duration { return s.received.Sub(s.since) }

// next is the streak with one more epoch, which came late or not.
func (s streak) next(off int64, e Epoch, late bool) streak {
	length, since := 1, e.Received
	if _, ok := paced(e.Received.Sub(s.received)); ok && s.off == off && s.length > 0 {
		length, since, late = s.length+1, s.since, late || s.late
	}
	return streak{length, off, e.Received, since, e.Evidence, late}
}

// NewPairer makes a Pairer.
func NewPairer(cfg PairerConfig) *Pairer {
	cfg = cfg.withDefaults()
	return &Pairer{cfg: cfg, book: cfg.Book, need: agreeToLabel}
}

// Reset forgets every label, fault and train; the counters go on. For the
// operator who knows that the receiver is right and the count is not.
func (p *Pairer) Reset(now timescale.Mono) {
	p.counter.Missed += p.train.missed(now)
	if p.book.trial != nil {
		p.book.keep(len(p.book.learned))
	}
	*p = Pairer{cfg: p.cfg, book: p.book, need: agreeToLabel, counter: p.counter, pace: p.pace}
}

// Leap is the table of leap seconds, with those that were observed.
func (p *Pairer) Leap() *timescale.LeapSeconds { return p.book.table }

// Epoch takes what the receiver said. It is judged when a pulse or an epoch
// after it comes, so that a pulse that is read late is not missed.
func (p *Pairer) Epoch(e Epoch) {
	if !e.Trusted {
		p.pace.hear(e.Received)
		return
	}
	p.settle()
	p.lastTrusted = e.Received
	second, fraction := inSecond(p.book.table, e)
	at := tai(p.book.table, e)
	if by := at.Sub(p.named); fraction != 0 && by > 0 && by < time.Second {
		return // several in a second: one is enough
	}
	p.named = at
	p.pace.see(e.Received)
	if p.cfg.Told {
		fraction = 0
	}
	e.Received = e.Received.Add(-fraction)
	p.pending, p.hasPending = naming{epoch: e, second: second, fraction: fraction}, true
}

// maxAge is how old a confirmation of the count may be at the pace of the messages.
func (p *Pairer) maxAge() time.Duration { return p.pace.slowed(p.cfg.MaxAge) }

// Edge takes a pulse and labels it if that is possible.
func (p *Pairer) Edge(e timescale.Edge) (Mark, bool) {
	switch p.stamps.judge(e) {
	case stampRepeated:
		p.counter.Duplicates++
		return Mark{}, false
	case stampLate:
		p.counter.Late++
		return Mark{}, false
	}
	if p.hasPending && p.pending.epoch.Received.Add(p.pending.fraction).Before(e.Mono) {
		p.settle()
	}
	if p.next.hasPending && p.next.pending.epoch.Received.Before(e.Mono) {
		p.settleNext()
	}
	if !p.follow(e.Mono) || !p.labelled || p.fault {
		return Mark{}, false
	}
	second := p.base + p.train.number
	p.last.At, p.last.Second = e.Mono, second
	if e.Mono.Sub(p.lastConfirm) > p.maxAge() {
		return Mark{}, false
	}
	at := timescale.TAIFromNs(second * nsPerSecond)
	return Mark{Edge: e, Second: at, UTCOffset: p.book.table.OffsetAtTAI(at), QErrPs: p.next.qErr(second)}, true
}

// settle judges the epoch that waits.
func (p *Pairer) settle() {
	if !p.hasPending {
		return
	}
	p.hasPending = false
	if p.labelled {
		p.confirm(p.pending)
	} else {
		p.learn(p.pending)
	}
}

// learn joins an epoch with the last pulse before it, and labels the train when
// enough of them agree.
func (p *Pairer) learn(n naming) {
	if !p.resolve(&n) {
		p.run = run{}
		return
	}
	r := n.epoch.Received
	last, ok := p.train.before(r)
	delay := r.Sub(last.at)
	if !ok || delay > pulseSilence {
		p.run = run{}
		return
	}
	if delay < p.cfg.MinDelay || delay > p.cfg.MaxDelay {
		if p.next.speaks(r) {
			return
		}
		p.ambiguousAt, p.ambiguousBy = r, delay
		p.run, p.need = run{}, agreeWhenUnsure
		return
	}
	if delay < p.cfg.MinDelay+unsureEarly || delay > p.cfg.MaxDelay-unsureLate {
		p.need = agreeWhenUnsure
	}
	next := run{base: n.second - last.number, received: r, delay: delay, evidence: n.epoch.Evidence}.after(p.run)
	p.run = next
	p.delays.add(delay)
	if next.length < p.need || p.next.speaks(r) {
		return // while the receiver names its next pulses, they label
	}
	p.label(n, last, next)
}

// resolve tells of a message that names a fraction of a second which pulse is its own:
// the one before the instant that it names, if it came after that instant. Where a
// pulse lies between the instant and the message, it could as well be the last pulse
// before the message. Then the label of before or other sources of time decide, or nobody
// can: false.
func (p *Pairer) resolve(n *naming) bool {
	came := n.epoch.Received.Add(n.fraction)
	last, ok := p.train.before(came)
	if n.fraction == 0 || !ok || !n.epoch.Received.Before(last.at) {
		return true
	}
	late := n.epoch.Received.Sub(last.at) + time.Second // after the instant, if it came after it
	_, toCome := p.last.fits(last.at, n.second, false)
	_, passed := p.last.fits(last.at, n.second+1, false)
	if by := n.epoch.Late; toCome == passed && by.Known {
		toCome = (by.Value - (late - time.Second)).Abs() < (by.Value - late).Abs()
		passed = !toCome
	}
	switch {
	case toCome == passed:
		p.fractionAt, p.fractionBy, p.fractionOn = came, n.fraction, came.Sub(last.at)
		return false
	case toCome:
		n.epoch.Received = came
	}
	return true
}

// label gives the train its seconds, unless a remembered label contradicts.
func (p *Pairer) label(n naming, last pulse, next run) {
	r := n.epoch.Received
	if off, fits := p.last.fits(last.at, n.second, p.fault); !fits {
		p.setFault(-off)
		return
	}
	if !p.last.At.IsZero() && last.at.Sub(p.last.At) <= forgetLabel {
		next.evidence = next.evidence.With(p.evidence) // the same label as before
	}
	p.labelled, p.base, p.fault, p.need, p.evidence = true, next.base, false, agreeToLabel, next.evidence
	p.streak, p.recovering = streak{}, 0
	p.lastConfirm = r
}

// confirm holds an epoch against the count: it should come within a second
// after the pulse that it names, or with the usual delay, not whole seconds
// more or less.
func (p *Pairer) confirm(n naming) {
	off, delay := p.compare(n.second, n.epoch.Received)
	if ahead := delay + n.fraction; off != 0 && n.fraction != 0 && ahead >= p.cfg.MinDelay && ahead <= p.cfg.MaxDelay {
		off = 0 // it names an instant to come
	}
	if off > 0 && off <= lateSecondsMost && p.next.confirms(n.epoch.Received) {
		p.counter.LateMessages++
		p.lateAt, p.lateBy = n.epoch.Received, delay
		p.streak = streak{}
		return
	}
	if off != 0 && p.book.trial != nil {
		off = p.doubtLeap(n, off)
	}
	if off != 0 {
		off = p.silentLeap(n, off)
	}
	if off != 0 {
		p.contradict(off, delay, n.epoch)
		return
	}
	p.streak = streak{}
	p.lastConfirm, p.evidence = n.epoch.Received, p.evidence.With(n.epoch.Evidence)
	if delay > 0 && delay < time.Second {
		p.delays.add(delay)
	}
	p.proveLeap(n.epoch)
	if p.fault {
		p.recovered()
	}
}

// recovered counts what agrees under a fault; enough of it ends the fault.
func (p *Pairer) recovered() {
	if p.recovering++; p.recovering >= agreeToRecover {
		p.fault = false
	}
}

// compare is how many whole seconds the count is ahead of a message that names
// second, and how long after its pulse the message came.
func (p *Pairer) compare(second int64, received timescale.Mono) (off int64, delay time.Duration) {
	number := second - p.base
	back := p.train.number - number
	if back > 1e6 || back < -1e6 {
		return back, 0
	}
	delay = received.Sub(p.train.last) + time.Duration(back)*time.Second
	if delay >= p.cfg.MinDelay && delay <= p.cfg.MaxDelay {
		return 0, delay
	}
	return int64((delay - p.delays.median(p.cfg)).Round(time.Second) / time.Second), delay
}

// contradict takes an epoch that came so long after the pulse that it names. One that
// is off by whole seconds names another one; one that is off by a fraction beside
// is late.
func (p *Pairer) contradict(off int64, delay time.Duration, e Epoch) {
	p.counter.Disagreed++
	p.recovering = 0
	rest := delay - p.delays.median(p.cfg) - time.Duration(off)*time.Second
	p.streak = p.streak.next(off, e, delay != 0 && rest.Abs() > delayTolerance)
	if p.streak.length >= disagreeToFault {
		p.setFault(off)
	}
}

// contradiction is, under a fault, what the receiver says instead.
func (p *Pairer) contradiction() streak {
	s := p.streak
	if !p.labelled {
		r := p.run
		if x := p.next.run; x.length > r.length {
			r = x
		}
		s = streak{length: r.length, received: r.received, since: r.since, evidence: r.evidence}
	} else if x := p.next.streak; x.length > s.length {
		s = x
	}
	s.off = p.off
	return s
}

func (p *Pairer) setFault(off int64) {
	if !p.fault {
		p.counter.Faults++
	}
	p.fault, p.off, p.recovering = true, off, 0
}

// unlabel makes the label wait for agreement anew.
func (p *Pairer) unlabel() {
	p.labelled = false
	p.run, p.next.run = run{}, run{}
	p.streak, p.recovering = streak{}, 0
}

// aheadOf is by how many whole seconds the count, also under a fault, is ahead of a pulse
// of another receiver.
func (p *Pairer) aheadOf(at timescale.Mono, second timescale.TAI) int64 {
	mine, seconds := p.last.At, p.last.Second
	if p.labelled {
		mine, seconds = p.train.last, p.base+p.train.number
	}
	ahead := time.Duration(seconds*nsPerSecond-second.Ns()) - mine.Sub(at)
	return int64(ahead.Round(time.Second) / time.Second)
}
