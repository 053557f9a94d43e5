package pipeline

import (
	"fmt"
	"math"

	"bragi/gnss"
	"bragi/gnss/timescale"
)

// SavedReferences is the choice among several references between two processes of one
// boot. They are known by their names: the list may be another one by then.
type SavedReferences struct {
	Active  string        `json:"active"` // whose pulses the clock is handed
	Order   SwitchOrder   `json:"order"`
	Ordered string        `json:"ordered"`
	BuildNs int64         `json:"build_ns"` // taken off its pulses
	List    []SavedSource `json:"list"`
	// Dispute is what nothing has decided yet; null: they agree.
	Dispute *SavedDispute `json:"dispute,omitempty"`
	// Seasoned: the clock had been locked for a while when it was last.
	Seasoned bool `json:"seasoned,omitempty"`
	// JoinedNs is what an odd one that steered by force was wrong by when another came to it, at JoinedAt.
	JoinedNs float64        `json:"joined_ns,omitempty"`
	JoinedAt timescale.Mono `json:"joined_at_ns"`
	// LedAt is when a clock that an odd one has steered by force was last not locked undisputed; zero: it is a witness.
	LedAt timescale.Mono `json:"led_at_ns"`
	// Accepted is the reference that the operator has accepted, at AcceptedAt; "": none.
	Accepted   string         `json:"accepted,omitempty"`
	AcceptedAt timescale.Mono `json:"accepted_at_ns"`
}

// disputesMost is above what verdicts in a row can be: one a second, for 30 years.
const disputesMost = 1 << 30

// SavedDispute is two references that differ.
type SavedDispute struct {
	Times int            `json:"times"`
	What  string         `json:"what"`
	At    timescale.Mono `json:"at_ns"`
	// Memory: the clock's own memory contradicted the majority.
	Memory bool `json:"memory"`
	// Blind: the clock has taken another second since.
	Blind bool `json:"blind,omitempty"`
}

// SavedSource is a reference of it.
type SavedSource struct {
	Name     string               `json:"name"`
	Standing Standing             `json:"standing"`
	Receiver *gnss.SavedReference `json:"receiver"` // null: it has learned nothing, or is that of [gnss]
	MeanNs   float64              `json:"mean_ns"`
	DevNs    float64              `json:"deviation_ns"`
	N        int                  `json:"n"`
	Odd      string               `json:"odd"`
	OddBy    string               `json:"odd_by"`
	// Swayed: the clock has followed it by force since it is odd.
	Swayed  bool    `json:"swayed,omitempty"`
	Backed  bool    `json:"backed,omitempty"`   // the clock's memory agreed with it, and not with the majority
	WrongNs float64 `json:"wrong_ns,omitempty"` // how far it was off when last seen to differ
	// Newcomer: the clock had been locked for a while when it came. First and Close are when it
	// was first compared, and when it last agreed well; zero: never.
	Newcomer bool           `json:"newcomer,omitempty"`
	First    timescale.Mono `json:"first_ns"`
	Close    timescale.Mono `json:"close_ns"`
	NearNs   float64        `json:"near_ns"`
	AheadNs  float64        `json:"ahead_ns"`
	Outside  int            `json:"outside"` // differences in a row that were not where they used to be
}

// saveReferences is nil where there was nothing to choose.
func (p *Pipeline) saveReferences(now timescale.Mono) *SavedReferences {
	if !p.several() && p.choice.Order == Automatic || len(p.choice.Standings) != len(p.sources) {
		return nil
	}
	s := &SavedReferences{Active: p.sources[p.active].Name, Order: p.choice.Order, Ordered: p.sources[p.choice.Ordered].Name, BuildNs: p.buildNs, Seasoned: p.seasoned, JoinedNs: p.joined.ns, JoinedAt: p.joined.at, LedAt: p.led}
	if d := p.dispute; d.times > 0 {
		s.Dispute = &SavedDispute{d.times, d.what, d.at, d.memory, d.blind}
	}
	if !p.accepted.at.IsZero() {
		s.Accepted, s.AcceptedAt = p.sources[p.accepted.i].Name, p.accepted.at
	}
	for i := range p.sources {
		o, c := &p.sources[i], &p.sources[i].compared
		saved := SavedSource{Name: o.Name, Standing: p.choice.Standings[i], MeanNs: c.meanNs, DevNs: c.devNs, N: c.n, Odd: c.odd, OddBy: c.oddBy,
			Swayed: c.swayed, Backed: c.backed, WrongNs: c.wrongNs, Newcomer: c.newcomer, First: c.first, Close: c.close, NearNs: c.nearNs, AheadNs: c.aheadNs, Outside: c.outside}
		if i != p.first && o.receiver != nil {
			saved.Receiver = o.receiver.Save(now)
		}
		s.List = append(s.List, saved)
	}
	return s
}

func (s *SavedReferences) check() error {
	if s == nil {
		return nil
	}
	if !(s.JoinedNs >= 0 && s.JoinedNs < 1e18) {
		return fmt.Errorf("it says that a reference was off by %v ns", s.JoinedNs)
	}
	if s.Order > Forced || s.BuildNs > 1e9 || s.BuildNs < -1e9 {
		return fmt.Errorf("it says order %d and a difference of %d ns between references", s.Order, s.BuildNs)
	}
	if d := s.Dispute; d != nil && (d.Times < 0 || d.Times > disputesMost) {
		return fmt.Errorf("it says that references differed %d times", d.Times)
	}
	for _, o := range s.List {
		if !(math.Abs(o.MeanNs) < 1e9 && math.Abs(o.NearNs) < 1e18 && math.Abs(o.AheadNs) < 1e18 && o.Outside >= 0 && o.WrongNs >= 0 && o.WrongNs < 1e18 && o.DevNs >= 0 && o.DevNs < 1e9) || o.N < 0 || o.N > levelMost {
			return fmt.Errorf("it says a difference of %v ns of %s", o.MeanNs, o.Name)
		}
	}
	return nil
}

// resumeReferences goes on with a choice, as far as the list is the same.
func (p *Pipeline) resumeReferences(now timescale.Mono, s *SavedReferences) {
	if s == nil {
		return
	}
	if d := s.Dispute; d != nil {
		p.dispute = dispute{times: d.Times, what: d.What, at: d.At, memory: d.Memory, blind: d.Blind}
	}
	p.seasoned, p.joined, p.led = s.Seasoned, joined{s.JoinedNs, s.JoinedAt}, s.LedAt
	p.choice = Choice{Selected: p.active, Since: now, Standings: make([]Standing, len(p.sources))}
	build := s.BuildNs
	for i := range p.sources {
		o := &p.sources[i]
		if o.Name == s.Active && o.Kind != Internal {
			p.active, p.choice.Selected, p.buildNs, build = i, i, s.BuildNs, 0
			if o.Kind == GNSS {
				p.reference = o.receiver
			}
		}
		if o.Name == s.Accepted {
			p.accepted = accepted{i, s.AcceptedAt}
		}
		if o.Name == s.Ordered {
			p.choice.Order, p.choice.Ordered = s.Order, i
		}
		for _, saved := range s.List {
			if saved.Name != o.Name {
				continue
			}
			p.choice.Standings[i] = saved.Standing
			c := &o.compared
			c.meanNs, c.devNs, c.n, c.odd, c.oddBy = saved.MeanNs, saved.DevNs, saved.N, saved.Odd, saved.OddBy
			c.swayed, c.backed, c.nearNs, c.aheadNs, c.outside = saved.Swayed, saved.Backed, saved.NearNs, saved.AheadNs, saved.Outside
			c.tdev, c.mtie = unknownSpread(), unknownSpread()
			c.wrongNs, c.newcomer, c.first, c.close = saved.WrongNs, saved.Newcomer, saved.First, saved.Close
			if i != p.first && o.receiver != nil {
				o.receiver.Resume(now, saved.Receiver)
			}
		}
	}
	p.servo.Rebase(build) // of one that is no longer there
}
