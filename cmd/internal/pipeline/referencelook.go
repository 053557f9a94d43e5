package pipeline

import (
	"fmt"
	"math"
	"strings"

	"bragi/cmd/internal/alarms"
	"bragi/gnss"
	"bragi/gnss/timescale"
	"bragi/holdover"
	"bragi/holdover/quality"
)

// referenceTroubles are what is wrong with the references of a list.
func (p *Pipeline) referenceTroubles(l *Look, add func(code alarms.Code, detail string)) {
	if l.Dispute != "" {
		add(alarms.ReferencesDisagree, l.Dispute)
	}
	var odd, failed []string
	for _, r := range l.References {
		if r.Order != Automatic {
			add(alarms.ReferenceOrdered, fmt.Sprintf("%s, %s", r.Name, r.Order))
		}
		switch {
		case r.Kind == Internal || r.Lockout || !p.several():
		case r.Odd && !r.Failed():
			odd = append(odd, r.Name+" is "+r.Why+followedAllTheSame(&r))
		case !r.Good:
			failed = append(failed, r.Name+": "+r.Why)
		}
	}
	if odd != nil {
		add(alarms.ReferenceOdd, strings.Join(odd, "; "))
	}
	if failed != nil {
		add(alarms.ReferenceFailed, strings.Join(failed, "; "))
	}
}

// Failed tells that nothing is heard of it, odd or not.
func (r *ReferenceLook) Failed() bool { return !r.Good && !r.Distrusted }

// followedAllTheSame tells that an odd one is followed, by force.
func followedAllTheSame(r *ReferenceLook) string {
	if r.Followed {
		return "; it is followed by force, without class 6"
	}
	return ""
}

// refusing tells that pulses of the reference that is followed come, that nothing else
// speaks against them, and that the clock believes none.
func (p *Pipeline) refusing(now timescale.Mono) bool {
	cond := p.conditions(now)
	if p.lost || p.choice.Selected != p.active || cond != (holdover.Conditions{HasTime: true}) || p.servo.Awaits(now, cond) || !p.servo.EverLocked() {
		return false
	}
	since := p.sources[p.active].since
	return !since.IsZero() && now.Sub(since) > refusedAfter && now.Sub(p.choice.Since) > refusedAfter
}

// agrees tells that the pulse of s, which is not followed, is where that of the one is that
// is, and has not moved against it.
func (p *Pipeline) agrees(now timescale.Mono, s *source) bool {
	c := &s.compared
	return s.Kind != Internal && !c.at.IsZero() && now.Sub(c.at) < pulseMissing && !c.moves() &&
		math.Abs(c.aheadNs) <= p.cfg.LimitNs+s.UncertaintyNs+p.sources[p.active].UncertaintyNs
}

// instead is the reference whose time is used in place of that of reference i; "": there is none.
func (p *Pipeline) instead(i int, state quality.State) string {
	if p.active == i || p.lost || state != quality.Locked && state != quality.Locking && state != quality.Relocking {
		return ""
	}
	return p.sources[p.active].Name
}

// ReferenceLook is a reference at one moment.
type ReferenceLook struct {
	Name     string
	Kind     ReferenceKind
	Priority int
	Lockout  bool
	Followed bool // the clock follows its pulse now; of the oscillator: none is followed
	Selected bool // by the choice: the clock may still settle
	Order    SwitchOrder
	Good     bool   // by what it says itself, as the choice sees it: after the hold-off, and never without a pulse of late
	Awaited  bool   // it is followed, its pulses miss, and the next one is waited for
	Counts   bool   // good for long enough
	Why      string // it is not good, odd, or refused; "": it is fine
	Odd      bool
	// Distrusted: it says itself that its pulses are not to be believed.
	Distrusted bool
	Refused    bool    // it is selected, and the clock does not believe its pulses
	WaitS      float64 // until it is restored
	Fails      int
	PulseAge   float64 // s; NaN: none came yet
	// How far its time is ahead of that of the one that is followed, ns; NaN: not known.
	AheadNs, LevelNs float64
	TDEVNs, MTIENs   Spread
	Seconds          int // that were compared, of the last 1000
	Receiver         *gnss.ReferenceStatus
}

// references are all of them at now; report is what the clock knows.
func (p *Pipeline) references(now timescale.Mono, state quality.State) []ReferenceLook {
	list := make([]ReferenceLook, len(p.sources))
	follows, refusing := state == quality.Locking || state == quality.Locked || state == quality.Relocking, p.refusing(now)
	for i := range p.sources {
		s := &p.sources[i]
		l := ReferenceLook{Name: s.Name, Kind: s.Kind, Priority: s.Priority, Lockout: s.Lockout, PulseAge: math.NaN(), AheadNs: math.NaN(), LevelNs: math.NaN(),
			TDEVNs: unknownSpread(), MTIENs: unknownSpread()}
		l.Why, l.Good = p.good(now, i)
		l.Odd, l.Distrusted = s.compared.odd != "", p.distrusted(now, s)
		l.Refused = refusing && l.Good && !l.Odd && (i == p.active || p.agrees(now, s))
		switch {
		case s.Lockout:
			l.Why = "locked out"
		case l.Odd && !l.Failed():
			l.Why = p.oddWords(now, i)
		case l.Odd:
			l.Why += "; it was odd before" // what it says now nobody knows
		case l.Refused:
			l.Why = "the clock does not believe its pulse, which is not where the oscillator expects it"
		}
		if i < len(p.choice.Standings) {
			standing := p.choice.Standings[i]
			l.Counts, l.Fails = standing.Counts, standing.Fails
			l.Selected = p.choice.Selected == i
			if !l.Good && (standing.Counts || l.Selected && !p.lost) {
				// Until the hold-off is over nothing has failed, but a pulse is missed before.
				pulse, any := s.newest()
				if age := now.Sub(pulse.Mono); !any || age <= pulseOld {
					if l.Good, l.Why = true, ""; l.Odd {
						l.Why = p.oddWords(now, i)
					}
				} else if l.Awaited = i == p.active && follows && !p.lost; l.Awaited {
					l.Why = "no pulse; the next one is waited for"
				}
			}
			if !standing.Counts && standing.Failed && l.Good && !l.Odd && !standing.Since.IsZero() {
				l.WaitS = max(0, (p.rules().WaitToRestore - now.Sub(standing.Since)).Seconds())
			}
		}
		if p.choice.Order != Automatic && p.choice.Ordered == i {
			l.Order = p.choice.Order
		}
		l.Followed = follows && i == p.active || !follows && s.Kind == Internal
		if pulse, any := s.newest(); any {
			l.PulseAge = now.Sub(pulse.Mono).Seconds()
		}
		if s.Kind != Internal && i != p.active {
			s.compared.show(now, &l)
		}
		if s.receiver != nil && s.Kind == GNSS && i != p.first {
			r := s.receiver.Status(now)
			l.Receiver = &r
		}
		list[i] = l
	}
	return list
}
