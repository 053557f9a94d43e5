package setup

import (
	"fmt"
	"slices"
	"time"

	"bragi/gnss"
	"bragi/gnss/timescale"
	"bragi/gnss/ubx"
)

// Protocol says what the operator knows of the receiver.
type Protocol uint8

// The protocols.
const (
	Auto Protocol = iota // a u-blox is set up, any other receiver is read as it is
	NMEA                 // it speaks NMEA: nothing is asked and nothing written
	UBX                  // it is a u-blox: one that does not answer is a fault
)

// Config is what a Machine must know.
type Config struct {
	Protocol Protocol
	// Survey is how long a timing receiver averages its position at least; 0: it
	// is never surveyed nor fixed. SurveyLimitM is how good the mean must be.
	Survey       time.Duration
	SurveyLimitM float64
	// Position is where the antenna was surveyed before; zero: never.
	Position Position
}

// State is how far the set-up is.
type State uint8

// The states.
const (
	Closed   State = iota // the port is not open
	Asking                // what is it?
	Setting               // steps are done
	Foreign               // it does not answer as a u-blox: read as it is
	Watching              // all was said
)

// String is the state for people.
func (s State) String() string {
	switch s {
	case Asking:
		return "asking what the receiver is"
	case Setting:
		return "setting the receiver up"
	case Foreign:
		return "no u-blox: the receiver is read as it is"
	case Watching:
		return "set up"
	}
	return "waiting for the port"
}

const (
	// An answer takes a receiver up to a second, more behind a slow line's burst.
	answerWithin = 1500 * time.Millisecond
	askTries     = 3
	// Asked so often, a receiver that is no u-blox hears nothing more.
	versionTries = 5
	// lostAfter: other bytes come, but what was asked for does not.
	lostAfter = 6 * time.Second
	aliveIn   = 3 * time.Second
	// A set-up that failed for want of an answer, or that did not last, is done
	// again after a pause that doubles.
	redoFirst, redoLast = 15 * time.Second, time.Hour
)

// Machine sets one receiver up. It is not safe for several goroutines.
type Machine struct {
	cfg    Config
	state  State
	framer gnss.Framer
	events []Event

	version ubx.Version
	steps   []step
	results []Result
	current int
	asked   question

	binary        uint64 // frames since the port was opened
	heard, gotPVT timescale.Mono
	wantsPVT      bool
	redo          time.Duration
	redoAt        timescale.Mono // zero: not planned
	settled       timescale.Mono // since when Watching
	port          ubx.Port       // the receiver's, of generations before 9
	mode          modeMachine

	standing  []string // faults of the attempt before, while this one goes on
	baud      int      // that the host found; 0: it was told
	raising   raising
	keepBaud  bool   // it cannot be raised
	order     []byte // the words before a change of rate
	orderBaud int
}

// question is a frame that waits for its answer.
type question struct {
	name     ubx.Name
	frame    []byte
	write    bool // ACK is the answer; else the message itself
	verify   bool // the question checks what was written
	left     int  // how often it may still be sent
	deadline timescale.Mono
	sent     bool
}

// New makes a Machine.
func New(cfg Config) *Machine { return &Machine{cfg: cfg, redo: redoFirst} }

// Opened tells that the port is open and its rate known: whatever was set up
// before may be gone. baud is the rate if it may be raised, 0 to leave it.
func (m *Machine) Opened(now timescale.Mono, baud int) {
	m.keepBaud = m.keepBaud || m.raising == raised // the rate was lost over it: not again
	m.baud = baud
	m.framer = gnss.Framer{}
	m.binary, m.redo = 0, redoFirst
	m.begin(now)
	m.standing = nil
}

// Closed tells that the port is gone.
func (m *Machine) Closed() {
	m.state, m.asked, m.redoAt, m.order, m.orderBaud = Closed, question{}, timescale.Mono{}, nil, 0
}

// begin starts from the first question.
func (m *Machine) begin(now timescale.Mono) {
	m.standing = m.Problems()
	m.steps, m.results, m.current, m.redoAt, m.wantsPVT = nil, nil, 0, timescale.Mono{}, false
	m.raising, m.order, m.orderBaud = notRaised, nil, 0
	m.mode.restart()
	if m.cfg.Protocol == NMEA {
		m.state = Foreign
		return
	}
	m.state = Asking
	m.ask(now, ubx.MonVER, nil, versionTries)
}

func (m *Machine) ask(now timescale.Mono, name ubx.Name, payload []byte, left int) {
	m.asked = question{name: name, frame: ubx.AppendMessage(nil, name, payload), left: left, deadline: now}
}

func (m *Machine) tell(now timescale.Mono, name ubx.Name, payload []byte) {
	m.ask(now, name, payload, askTries)
	m.asked.write = true
}

// Next is what to write to the receiver now, and the rate to go on with when it
// has left; nil and 0 most of the time.
func (m *Machine) Next(now timescale.Mono) (write []byte, baud int) {
	if m.state == Closed {
		return nil, 0
	}
	m.watch(now)
	if m.orderBaud != 0 {
		write, baud = m.order, m.orderBaud
		m.order, m.orderBaud = nil, 0
		return write, baud
	}
	q := &m.asked
	if q.frame == nil || now.Before(q.deadline) {
		return nil, 0
	}
	if q.left == 0 {
		*q = question{}
		m.unanswered(now)
		return m.Next(now)
	}
	q.left--
	q.sent = true
	q.deadline = now.Add(answerWithin)
	return q.frame, 0
}

// watch looks for settings that were lost and set-ups that are due again.
func (m *Machine) watch(now timescale.Mono) {
	if !m.redoAt.IsZero() && !now.Before(m.redoAt) {
		m.begin(now)
		return
	}
	if m.state != Watching || !m.wantsPVT || !m.redoAt.IsZero() || now.Sub(m.heard) > aliveIn {
		return
	}
	last := m.gotPVT
	if last.Before(m.settled) {
		last = m.settled
	}
	if now.Sub(last) < lostAfter {
		return
	}
	if m.gotPVT.Before(m.settled) { // nothing ever came of it: not at once again
		m.fail("messages", "acknowledged, but NAV-PVT does not come: is the port one of UART1 and USB?")
		m.planRedo(now)
		return
	}
	m.say(Event{Kind: SettingsLost, Text: "the receiver lost its settings; it is set up again"})
	m.begin(now)
}

// planRedo plans another attempt.
func (m *Machine) planRedo(now timescale.Mono) {
	m.redoAt = now.Add(m.redo)
	m.redo = min(2*m.redo, redoLast)
}

// unanswered is the end of a question that nobody answered.
func (m *Machine) unanswered(now timescale.Mono) {
	switch m.state {
	case Asking:
		if m.cfg.Protocol == UBX || m.binary > 0 {
			m.state = Foreign
			m.fail("MON-VER", "no answer: is our TX wired to the receiver's RX?")
			m.planRedo(now)
			return
		}
		m.state = Foreign
		m.say(Event{Kind: NotUBlox, Text: fmt.Sprintf("no answer to MON-VER, asked %d times: the receiver is read as it is", versionTries)})
	case Setting:
		if m.raising != notRaised {
			m.raiseUnanswered(now)
			return
		}
		m.finish(now, Silent)
	case Watching:
		m.mode.unanswered(m, now)
	}
}

// finish notes how the current step ended and goes on.
func (m *Machine) finish(now timescale.Mono, o Outcome) {
	s := m.steps[m.current]
	if o == Refused && s.need == optional {
		o = Absent
	}
	m.results = append(m.results, Result{Name: s.what, Outcome: o})
	if o == Kept || o == Set {
		m.wantsPVT = m.wantsPVT || s.bringsPVT
	}
	m.advance(now)
}

func (m *Machine) advance(now timescale.Mono) {
	m.asked = question{}
	for m.current++; m.current < len(m.steps); m.current++ {
		if s := &m.steps[m.current]; s.unless == nil || !s.unless(m) {
			m.ask(now, s.name, s.read, askTries)
			return
		}
	}
	if !m.raise(now) {
		m.ready(now)
	}
}

// ready tells how the steps ended and goes on to the position.
func (m *Machine) ready(now timescale.Mono) {
	m.asked, m.state, m.settled = question{}, Watching, now
	silent, failed, set := 0, 0, 0
	for _, r := range m.results {
		switch r.Outcome {
		case Silent:
			silent++
		case Refused, Ignored:
			failed++
		case Set:
			set++
		}
		if r.Outcome.Bad() {
			m.sayFailed(r.String())
		}
	}
	m.say(Event{Kind: Done, Text: fmt.Sprintf("%s: %d settings written, %d were right, %d failed", describe(m.version), set, len(m.results)-set-failed-silent, failed+silent)})
	if silent > 0 {
		m.planRedo(now)
	}
	m.mode.begin(m, now)
}

// fail adds a failure that no step has.
func (m *Machine) fail(what, why string) {
	m.results = append(m.results, Result{Name: what, Outcome: Silent, Detail: why})
	m.sayFailed(what + ": " + why)
}

// sayFailed tells a failure, once for all attempts that end so.
func (m *Machine) sayFailed(text string) {
	if !slices.Contains(m.standing, text) {
		m.say(Event{Kind: StepFailed, Text: text})
	}
}

func (m *Machine) say(e Event) { m.events = append(m.events, e) }

// Events gives what happened since the last call.
func (m *Machine) Events() []Event {
	e := m.events
	m.events = nil
	return e
}
