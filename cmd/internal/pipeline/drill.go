package pipeline

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"bragi/gnss/timescale"
	"bragi/holdover"
)

// A drill runs beside the served clock (holdover.Drill). It gets what the clock gets,
// and changes nothing of it.

// DrillEnding is how a drill ended.
type DrillEnding string

// The endings.
const (
	DrillComplete  DrillEnding = "complete"
	DrillLost      DrillEnding = "pulse lost"     // pulses are not followed any more: nothing judges the drill
	DrillDisturbed DrillEnding = "clock set"      // something else set the clock: the pulses say nothing of the drill
	DrillCancelled DrillEnding = "cancelled"      // by the operator
	DrillStopped   DrillEnding = "bragid stopped" // a restart does not take it along
	DrillKilled    DrillEnding = "cut off"        // bragid was killed or lost its power
)

// EndedDrill is one that is over.
type EndedDrill struct {
	Result holdover.DrillResult
	Ending DrillEnding
	Why    string   // more words, "" for none
	Judges []string // the references whose pulses judged it, in their order
}

// drills is the one that runs, and the one that has ended since somebody asked.
type drills struct {
	running   *holdover.Drill
	disturbed timescale.Mono // when something last set the clock, at the begin
	ended     *EndedDrill
	judges    []string // the references whose pulses have judged it
	rebasedNs int64    // by how much pulses are later since the begin, because of another reference (references.go)
}

// StartDrill cuts a copy of the clock off from the pulses for d.
func (p *Pipeline) StartDrill(now timescale.Mono, d time.Duration) error {
	switch {
	case d < holdover.DrillShortest || d > holdover.DrillLongest:
		return fmt.Errorf("a drill of %v is not possible (fix: %v to %v)", d, holdover.DrillShortest, holdover.DrillLongest)
	case p.drills.running != nil:
		return errors.New("a drill runs already (fix: bragi drill status; bragi drill cancel ends it)")
	}
	drill, ok := p.servo.Drill(now, d)
	if !ok {
		return fmt.Errorf("the clock is not locked, so no pulse can judge a drill: %s (fix: bragi show clock)", Why(p.report(now).Why))
	}
	p.drills.running, p.drills.disturbed, p.drills.rebasedNs, p.drills.judges = drill, p.fault.disturbed, 0, nil
	return nil
}

// Locked tells whether the clock is locked.
func (p *Pipeline) Locked() bool { return p.servo.Locked() }

// EndDrill ends the drill that runs, if one does.
func (p *Pipeline) EndDrill(now timescale.Mono, ending DrillEnding, why string) (ended bool) {
	d := p.drills.running
	if d == nil {
		return false
	}
	p.drills.running = nil
	p.drills.ended = &EndedDrill{d.Result(now, ending == DrillLost), ending, why, p.drills.judges}
	return true
}

// TakeEndedDrill is the drill that has ended, once; nil: none has.
func (p *Pipeline) TakeEndedDrill() *EndedDrill {
	ended := p.drills.ended
	p.drills.ended = nil
	return ended
}

// drillPulse judges the drill by a pulse that the clock has believed.
func (p *Pipeline) drillPulse(now timescale.Mono, pulse holdover.Pulse) {
	pulse.CorrectionNs -= float64(p.drills.rebasedNs)
	if d := p.drills.running; d != nil && p.servo.Steady() {
		d.Pulse(now, pulse, p.servo)
		if name := p.sources[p.active].Name; !slices.Contains(p.drills.judges, name) {
			p.drills.judges = append(p.drills.judges, name)
		}
	}
}

// coast lets the drill's time pass.
func (p *Pipeline) coast(now timescale.Mono) {
	d := p.drills.running
	if d == nil {
		return
	}
	switch d.Tick(now); {
	case !p.servo.Steady(): // a bound outside the spec ends no drill: the oscillator may be the reason
		p.EndDrill(now, DrillLost, Why(p.report(now).Why))
	case p.fault.disturbed != p.drills.disturbed || p.fault.away != nil:
		p.EndDrill(now, DrillDisturbed, "")
	case d.Over(now):
		p.EndDrill(now, DrillComplete, "")
	}
}
