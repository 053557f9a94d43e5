package gnss

import "bragi/gnss/timescale"

// SavedReference is a Reference between two processes of one boot: which pulse was
// which second, what that rests on, what was learned of leap seconds and of the
// antenna's place, and what speaks against the pulses. A restart makes no evidence stronger, and none weaker.
type SavedReference struct {
	Label                    // At zero: no pulse is labelled, or the label is disputed
	Belief    belief         `json:"belief"`
	Run       receiverRun    `json:"receiver"`
	Doubted   bool           `json:"doubted"`      // class 52 until a pulse confirms the clock's second
	Refused   bool           `json:"refused"`      // another receiver and the clock contradict it
	Following timescale.Mono `json:"following_ns"` // since when the clock is to follow; zero: it is not
	Leaps     []SavedLeap    `json:"leaps"`
	Counted   counted        `json:"counted"`
	Home      *home          `json:"home"` // null: not known
	// Signs are what speaks against the pulses; null: nothing was said.
	Signs *savedSigns `json:"signs,omitempty"`
}

// SavedLeap is a leap second that was learned.
type SavedLeap struct {
	AtUTCNs int64 `json:"at_utc_ns"`
	Change  int   `json:"change"`
}

// Save is the Reference as it stands at now; nil: it has learned nothing.
func (r *Reference) Save(now timescale.Mono) *SavedReference {
	l, ok := r.pairer.Label()
	signs := r.saveSigns()
	if !ok && r.belief == (belief{}) && r.following.IsZero() && r.trust.home.Fixes == 0 && signs == nil {
		return nil
	}
	s := &SavedReference{Label: l, Belief: r.belief, Run: r.run, Doubted: r.SecondDoubted(now), Refused: r.refused, Following: r.following, Counted: r.counted(), Signs: signs}
	for _, e := range r.book.learned {
		s.Leaps = append(s.Leaps, SavedLeap{e.At.Ns(), e.Change})
	}
	if h := r.trust.home; h.Fixes > 0 {
		s.Home = &h
	}
	return s
}

// Resume makes a Reference that has heard nothing yet count on; nil: there is
// nothing to go on with. See Pairer.Resume for what the caller vouches for.
func (r *Reference) Resume(now timescale.Mono, s *SavedReference) {
	if s == nil {
		return
	}
	for _, e := range s.Leaps {
		if u := timescale.UTCFromNs(e.AtUTCNs); r.book.given.Expired(u) {
			r.book.learn(LeapEvent{u, e.Change})
		}
	}
	r.book.counted = s.Counted
	r.firm = !s.Label.At.IsZero()
	r.pairer.Resume(now, s.Label)
	r.belief, r.doubted, r.refused, r.following, r.run = s.Belief, s.Doubted, s.Refused, s.Following, s.Run
	if s.Home != nil && s.Home.possible() {
		r.trust.home = *s.Home
	}
	r.resumeSigns(s.Signs)
}
