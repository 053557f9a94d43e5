package setup

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"time"

	"bragi/gnss/timescale"
	"bragi/gnss/ubx"
)

// ModeState is where the receiver's position stands.
type ModeState uint8

// The states of the position.
const (
	ModeUnknown    ModeState = iota // not asked yet
	ModeNavigation                  // computed each second: no timing receiver, or no survey wanted
	ModeComparing                   // is the antenna still where it was surveyed?
	ModeSurvey                      // the mean grows
	ModeFixing                      // told, not confirmed yet
	ModeFixed                       // held
)

// String is the state in words.
func (s ModeState) String() string {
	switch s {
	case ModeNavigation:
		return "position computed each second"
	case ModeComparing:
		return "waiting for a fix to compare with the surveyed position"
	case ModeSurvey:
		return "survey-in"
	case ModeFixing:
		return "fixing the position"
	case ModeFixed:
		return "fixed position"
	}
	return "unknown"
}

// ModeStatus is the position as the operator wants to see it.
type ModeStatus struct {
	State     ModeState
	DurationS uint32   // of the survey so far
	MinS      uint32   // it takes at least
	LimitM    float64  // and until it is as good as this
	Mean      Position // of the survey so far, or what is held
	// DoubtM is how far the antenna may be from the place that the receiver computes its
	// time with, in m: as long as it is compared or surveyed after it was moved, and
	// where a place was taken over after a loss of power. 0: as good as it was surveyed.
	DoubtM float64
}

// sameM is within what a position that was told to the receiver reads back.
const sameM = 0.1

// form is how a receiver is told its mode.
type form uint8

const (
	formItems form = iota // CFG-TMODE-* items
	form2                 // CFG-TMODE2
	form3                 // CFG-TMODE3
)

// modeMachine takes the receiver from no mode to survey-in to a fixed position.
// It works while its Machine is Watching.
type modeMachine struct {
	state   ModeState
	want    ubx.TimeMode // written last
	next    ModeState    // once it is confirmed
	held    Position
	last    ubx.Survey
	mean    Position
	problem string
	compare comparison // of what is held with where the receiver is
	doubtM  float64
}

// restart forgets all but the position, which outlives the receiver's power.
func (o *modeMachine) restart() { *o = modeMachine{held: o.held, doubtM: o.doubtM} }

func (m *Machine) form() form {
	switch {
	case m.version.Protocol >= firstProtocolWithItems || m.version.Generation() >= 9:
		return formItems
	case strings.HasPrefix(m.version.Firmware, "HPG"):
		return form3
	}
	return form2
}

// begin asks for the mode that the receiver is in.
func (o *modeMachine) begin(m *Machine, now timescale.Mono) {
	if o.held.IsZero() {
		o.held = m.cfg.Position
	}
	if m.cfg.Survey == 0 {
		o.state = ModeNavigation
		return
	}
	o.read(m, now)
}

func (o *modeMachine) read(m *Machine, now timescale.Mono) {
	switch m.form() {
	case formItems:
		m.ask(now, ubx.CfgVALGET, ubx.ValgetPayload(ubx.GetRAM, ubx.TimeModeKeys...), askTries)
	case form2:
		m.ask(now, ubx.CfgTMODE2, nil, askTries)
	case form3:
		m.ask(now, ubx.CfgTMODE3, nil, askTries)
	}
}

// set writes a mode; next is the state when the receiver has taken it.
func (o *modeMachine) set(m *Machine, now timescale.Mono, want ubx.TimeMode, next ModeState) {
	o.want, o.next, o.state = want, next, ModeFixing
	switch m.form() {
	case formItems:
		m.tell(now, ubx.CfgVALSET, ubx.ValsetPayload(ubx.SetRAM, want.Items()...))
	case form2:
		m.tell(now, ubx.CfgTMODE2, want.Payload2())
	case form3:
		m.tell(now, ubx.CfgTMODE3, want.Payload3())
	}
}

// answered takes the mode that the receiver tells.
func (o *modeMachine) answered(m *Machine, now timescale.Mono, msg ubx.Message) {
	var t ubx.TimeMode
	var ok bool
	switch m.form() {
	case formItems:
		_, items, _ := ubx.ParseValget(msg)
		t, ok = ubx.TimeModeOf(items)
	case form2:
		t, ok = ubx.ParseTimeMode2(msg)
	case form3:
		t, ok = ubx.ParseTimeMode3(msg)
	}
	if !ok {
		return
	}
	m.asked = question{}
	if o.state == ModeFixing {
		o.confirmed(m, now, t)
		return
	}
	switch {
	case t.Mode == ubx.TimeModeFixed: // by us before our restart, or by the operator
		o.state, o.doubtM = ModeFixed, 0
		if p := (Position{ECEF: t.Position, AccuracyM: float64(t.Accuracy) / perMetre}); !t.LLA {
			if p.DistanceM(o.held) < sameM {
				o.doubtM = o.held.DoubtM
				p.DoubtM = o.doubtM
			}
			o.held = p
		}
		m.say(Event{Kind: FixedMode, Text: "the receiver holds its position already: " + o.held.String()})
	case t.Mode == ubx.TimeModeSurvey:
		o.state, o.want = ModeSurvey, t
	case o.held.IsZero():
		o.beginSurvey(m, now)
	default:
		o.state, o.compare = ModeComparing, comparison{}
	}
}

func (o *modeMachine) beginSurvey(m *Machine, now timescale.Mono) {
	o.last, o.mean = ubx.Survey{}, Position{}
	o.set(m, now, ubx.TimeMode{Mode: ubx.TimeModeSurvey, SurveyMinS: uint32(m.cfg.Survey / time.Second),
		SurveyLimit: uint32(math.Round(m.cfg.SurveyLimitM * perMetre))}, ModeSurvey)
}

func (o *modeMachine) fix(m *Machine, now timescale.Mono, p Position) {
	o.held = p
	o.set(m, now, ubx.TimeMode{Mode: ubx.TimeModeFixed, Position: p.ECEF, Accuracy: uint32(math.Round(p.AccuracyM * perMetre)),
		SurveyMinS: o.want.SurveyMinS, SurveyLimit: o.want.SurveyLimit}, ModeFixed)
}

// confirmed compares what the receiver says with what was written.
func (o *modeMachine) confirmed(m *Machine, now timescale.Mono, t ubx.TimeMode) {
	if t.Mode != o.want.Mode {
		o.failed(m, now, "acknowledged, but not kept")
		return
	}
	o.state, o.problem, m.redo = o.next, "", redoFirst
	if o.state == ModeSurvey {
		m.say(Event{Kind: SurveyBegun, Text: fmt.Sprintf("the position is surveyed for at least %v, until it is good to %.1f m", m.cfg.Survey, m.cfg.SurveyLimitM)})
		return
	}
	m.say(Event{Kind: FixedMode, Text: "the receiver holds its position: " + o.held.String()})
}

// acknowledged is the receiver's yes or no to a mode.
func (o *modeMachine) acknowledged(m *Machine, now timescale.Mono, yes bool) {
	switch {
	case !yes && o.state == ModeUnknown:
		m.asked = question{}
		o.state = ModeNavigation // it has no such mode
		if strings.HasPrefix(m.version.Firmware, "TIM") {
			o.problem = "time mode: refused by a timing receiver"
			m.sayFailed(o.problem)
		}
	case !yes:
		o.failed(m, now, "refused")
	case m.asked.write:
		o.read(m, now)
	}
}

func (o *modeMachine) unanswered(m *Machine, now timescale.Mono) {
	switch {
	case o.state == ModeFixing, o.state == ModeUnknown && timingFirmware(m.version):
		o.failed(m, now, "no answer")
	case o.state == ModeUnknown:
		o.state = ModeNavigation
	}
}

// failed leaves the receiver in navigation; it is set up again later.
func (o *modeMachine) failed(m *Machine, now timescale.Mono, why string) {
	m.asked = question{}
	what := "time mode"
	switch o.want.Mode {
	case ubx.TimeModeSurvey:
		what = "survey-in"
	case ubx.TimeModeFixed:
		what = "fixed position"
	}
	o.state, o.problem = ModeNavigation, what+": "+why
	m.sayFailed(o.problem)
	m.planRedo(now)
}

// pvt compares where the receiver is with where it was surveyed.
func (o *modeMachine) pvt(m *Machine, now timescale.Mono, msg ubx.Message) {
	if o.state != ModeComparing || m.state != Watching {
		return
	}
	here, ok := fix(msg)
	if !ok {
		return
	}
	c := &o.compare
	c.add(here, o.held)
	o.doubtM = c.doubtM()
	if c.fixes < compareFixes {
		return
	}
	if c.moved(o.held) {
		m.say(Event{Kind: Moved, Text: fmt.Sprintf("the antenna is %.0f m from where it was surveyed, by %d fixes good to %.0f m; it is surveyed again",
			c.distanceM(), c.fixes, c.sigmaM(o.held))})
		o.held = Position{}
		o.beginSurvey(m, now)
		return
	}
	o.held.DoubtM = o.doubtM
	m.say(Event{Kind: Compared, Text: fmt.Sprintf("the antenna is where it was surveyed, within %.0f m by %d fixes", o.doubtM, c.fixes), Position: o.held})
	o.fix(m, now, o.held)
}

// Survey surveys the position anew, whatever is held: an antenna was moved.
func (m *Machine) Survey(now timescale.Mono) error {
	switch {
	case m.cfg.Survey == 0:
		return errors.New("no survey is wanted (fix: gnss.survey)")
	case m.cfg.Protocol == NMEA:
		return errors.New("nothing is written to a receiver of gnss.protocol = \"nmea\" (fix: gnss.protocol = \"auto\", if it is a u-blox timing receiver; no other has a survey)")
	case m.state == Foreign:
		return errors.New("the receiver does not answer as a u-blox: it cannot be told (fix: a u-blox timing receiver; or connect the wire from the board's TX to the receiver's RX)")
	case m.state != Watching || m.mode.state == ModeUnknown || m.mode.state == ModeFixing:
		return fmt.Errorf("not now: %v, %v (fix: bragi show gnss, and try again)", m.state, m.mode.state)
	case m.mode.state == ModeNavigation:
		return errors.New("the receiver computes its position each second: it has no survey (fix: a timing receiver)")
	}
	m.mode.held, m.mode.doubtM = Position{}, 0
	m.mode.beginSurvey(m, now)
	return nil
}

// survey follows the mean, and fixes the position when the receiver is content.
func (o *modeMachine) survey(m *Machine, now timescale.Mono, msg ubx.Message) {
	v, mean, ok := surveyed(msg)
	if !ok || o.state != ModeSurvey || m.state != Watching {
		return
	}
	o.last, o.mean = v, mean
	if !v.Valid || v.Active {
		return
	}
	if !mean.Plausible() {
		o.failed(m, now, "its mean is no place on earth")
		return
	}
	o.doubtM = 0
	m.say(Event{Kind: Surveyed, Text: fmt.Sprintf("surveyed for %v: %v", time.Duration(v.DurationS)*time.Second, mean), Position: mean})
	o.fix(m, now, mean)
}

func (o *modeMachine) status(m *Machine) ModeStatus {
	s := ModeStatus{State: o.state, Mean: o.held, DoubtM: o.doubtM}
	if o.state == ModeSurvey {
		s.DurationS, s.Mean = o.last.DurationS, o.mean
		s.MinS, s.LimitM = o.want.SurveyMinS, float64(o.want.SurveyLimit)/perMetre
	}
	return s
}
