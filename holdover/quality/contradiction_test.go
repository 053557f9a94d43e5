package quality

import (
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// lockedFacts are those of a clock in order, and its announcement.
func lockedFacts() (Announcement, Facts) {
	a := Announce(Input{State: Locked, EverLocked: true, BoundNs: 60, SpecNs: 1500, EgressNs: 30, UTCOffset: 37, UTCOffsetKnown: true})
	return a, Facts{State: Locked, EverLocked: true, PulseAgeS: 0.5, BoundNs: 60, EgressNs: 30, SpecNs: 1500, UTCOffset: 37}
}

func TestEachLieIsFoundByItsName(t *testing.T) {
	for want, lie := range map[Contradiction]func(*Announcement, *Facts){
		LockedInAnotherState:  func(_ *Announcement, f *Facts) { f.State = HoldoverSpec },
		LockedWithoutPulses:   func(_ *Announcement, f *Facts) { f.PulseAgeS = 61 },
		LockedToAFalseSource:  func(_ *Announcement, f *Facts) { f.Distrusted = true },
		LockedToNoReference:   func(_ *Announcement, f *Facts) { f.NoReference = true },
		LockedToADoubtedOne:   func(_ *Announcement, f *Facts) { f.DoubtNs = 1501 },
		LockedOutsideSpec:     func(_ *Announcement, f *Facts) { f.BoundNs = 1501 },
		InSpecOutsideSpec:     func(a *Announcement, f *Facts) { a.ClockClass, a.TimeSource, f.BoundNs = 7, TimeSourceInternal, 1501 },
		InSpecNeverLocked:     func(_ *Announcement, f *Facts) { f.EverLocked = false },
		TraceableOutOfSpec:    func(a *Announcement, f *Facts) { a.ClockClass = 52 },
		NotTraceableInSpec:    func(a *Announcement, f *Facts) { a.FrequencyTraceable = false },
		AccuracyTooGood:       func(_ *Announcement, f *Facts) { f.BoundNs = 71 },
		SourceNotFollowed:     func(a *Announcement, f *Facts) { a.ClockClass, f.State = 7, HoldoverSpec },
		AnotherUTCOffset:      func(_ *Announcement, f *Facts) { f.UTCOffset = 36 },
		LeapNotDue:            func(a *Announcement, _ *Facts) { a.Leap61 = true },
		ArbitraryAndTraceable: func(a *Announcement, _ *Facts) { a.PTPTimescale = false },
		ServedWithAFault:      func(_ *Announcement, f *Facts) { f.ClockFault = true },
	} {
		a, f := lockedFacts()
		if got := Contradictions(a, f); got != nil {
			t.Fatalf("a clock in order: %v", got)
		}
		lie(&a, &f)
		if got := Contradictions(a, f); !slices.Contains(got, want) {
			t.Errorf("want %q, got %v", want, got)
		}
		a.Serve = false
		if got := Contradictions(a, f); got != nil {
			t.Errorf("%q: what is not served claims %v", want, got)
		}
	}
	if len(rules) != 16 {
		t.Errorf("%d rules, of which 16 are tried", len(rules))
	}
}

func TestABoundThatIsUnknownClaimsNothing(t *testing.T) {
	a, f := lockedFacts()
	f.BoundNs = math.NaN()
	if got := Contradictions(a, f); !slices.Contains(got, AccuracyTooGood) {
		t.Errorf("an accuracy of an unknown bound: %v", got)
	}
	a.ClockAccuracy = AccuracyUnknown
	if got := Contradictions(a, f); !slices.Equal(got, []Contradiction{LockedOutsideSpec}) {
		t.Errorf("class 6 with an unknown bound, and an unknown accuracy: %v", got)
	}
}

// What the table of states makes of facts never contradicts them.
func TestNoRowOfTheTableContradictsItsOwnFacts(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		bound := func(name string) float64 {
			return rapid.OneOf(rapid.Float64Range(0, 1e10), rapid.Just(math.NaN()), rapid.Just(math.Inf(1))).Draw(t, name)
		}
		in := Input{State: rapid.SampledFrom(States).Draw(t, "state"), EverLocked: rapid.Bool().Draw(t, "ever"), KeepsSpec: rapid.Bool().Draw(t, "keeps"),
			BoundNs: bound("bound"), SpecNs: 1500, AnyBound: rapid.Bool().Draw(t, "never"), EgressNs: bound("egress"), UTCOffset: int16(rapid.IntRange(-5, 40).Draw(t, "utc")), UTCOffsetKnown: rapid.Bool().Draw(t, "known"),
			Leap: int8(rapid.IntRange(-1, 1).Draw(t, "leap")), ServeFreeRun: rapid.Bool().Draw(t, "free run"), Squelch: Squelch(rapid.IntRange(0, 2).Draw(t, "squelch")),
			Profile: Profile(rapid.IntRange(0, 5).Draw(t, "profile")), FrequencyCategory: uint8(rapid.IntRange(0, 4).Draw(t, "category"))}
		f := Facts{Profile: in.Profile, State: in.State, EverLocked: in.EverLocked, PulseAgeS: 1, BoundNs: in.BoundNs, EgressNs: in.EgressNs, SpecNs: in.SpecNs, AnyBound: in.AnyBound,
			UTCOffset: in.UTCOffset, Leap: in.Leap}
		if in.State == Locked && !in.EverLocked {
			t.Skip("a locked clock has locked")
		}
		if got := Contradictions(Announce(in), f); got != nil {
			t.Fatalf("%+v: %v", in, got)
		}
	})
}
