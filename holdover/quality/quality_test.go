package quality

import (
	"math"
	"testing"

	"pgregory.net/rapid"
)

var nan = math.NaN()

// Each row of DESIGN's table, word for word.
func TestAnnounceIsTheRowOfTheState(t *testing.T) {
	const offset = 37
	in := func(s State, ever, keeps, serveFree bool) Input {
		return Input{State: s, EverLocked: ever, KeepsSpec: keeps, ServeFreeRun: serveFree,
			BoundNs: 60, SpecNs: 1500, EgressNs: 30, LogVariance: 0x4E5D, UTCOffset: offset, UTCOffsetKnown: true}
	}
	silent := Announcement{ClockClass: 58, ClockAccuracy: 0xFE, OffsetScaledLogVariance: 0xFFFF, TimeSource: 0xA0, CurrentUTCOffset: offset}
	free := silent
	free.Serve = true
	locked := Announcement{Serve: true, ClockClass: 6, ClockAccuracy: 0x21, OffsetScaledLogVariance: 0x4E5D, TimeSource: 0x20,
		CurrentUTCOffset: offset, CurrentUTCOffsetValid: true, TimeTraceable: true, FrequencyTraceable: true, PTPTimescale: true}
	seven := locked
	seven.ClockClass, seven.TimeSource = 7, 0xA0
	out := seven
	out.ClockClass, out.TimeTraceable, out.FrequencyTraceable = 52, false, false

	for _, c := range []struct {
		name string
		in   Input
		want Announcement
	}{
		{"warm-up, waiting", in(Warmup, false, false, false), silent},
		{"warm-up, serving", in(Warmup, false, false, true), free},
		{"free run, waiting", in(Freerun, false, false, false), silent},
		{"free run, serving", in(Freerun, false, false, true), free},
		{"first acquiring, waiting", in(Acquiring, false, false, false), silent},
		{"first acquiring, serving", in(Acquiring, false, false, true), free},
		{"first locking, waiting", in(Locking, false, false, false), silent},
		{"first locking, serving", in(Locking, false, false, true), free},
		{"locked", in(Locked, true, false, false), locked},
		{"holdover in spec", in(HoldoverSpec, true, true, false), seven},
		{"holdover out of spec", in(HoldoverNoSpec, true, false, false), out},
		{"relocking from 7", in(Relocking, true, true, false), seven},
		{"relocking from 52", in(Relocking, true, false, false), out},
		{"acquiring after an outage", in(Acquiring, true, false, false), out},
		{"locking after an outage in spec", in(Locking, true, true, false), seven},
		{"holdover of a clock that never locked is a free run", in(HoldoverNoSpec, false, false, true), free},
	} {
		if got := Announce(c.in); got != c.want {
			t.Errorf("%s:\n got %+v\nwant %+v", c.name, got, c.want)
		}
	}
}

func TestEachProfileHasItsClasses(t *testing.T) {
	for _, c := range []struct {
		p        Profile
		category uint8
		want     [4]uint8 // locked, in spec, out of spec, free run
	}{
		{AlternativeA, 0, [4]uint8{6, 7, 52, 58}},
		{AlternativeB, 0, [4]uint8{6, 7, 187, 193}},
		{Default248, 0, [4]uint8{6, 7, 52, 248}},
		{G82752, 1, [4]uint8{6, 7, 140, 248}},
		{G82752, 2, [4]uint8{6, 7, 150, 248}},
		{G82752, 3, [4]uint8{6, 7, 160, 248}},
		{G82752, 0, [4]uint8{6, 7, 160, 248}},
	} {
		for i, s := range []State{Locked, HoldoverSpec, HoldoverNoSpec, Freerun} {
			a := Announce(Input{State: s, EverLocked: s != Freerun, Profile: c.p, FrequencyCategory: c.category})
			if a.ClockClass != c.want[i] {
				t.Errorf("%v category %d, %v: class %d, want %d", c.p, c.category, s, a.ClockClass, c.want[i])
			}
		}
	}
}

func TestSquelchStopsServingAtItsClass(t *testing.T) {
	for _, c := range []struct {
		s                     Squelch
		locked, in, out, free bool
	}{
		{SquelchNever, true, true, true, true},
		{SquelchFreeRun, true, true, true, false},
		{SquelchOutOfSpec, true, true, false, false},
	} {
		got := [4]bool{}
		for i, s := range []State{Locked, HoldoverSpec, HoldoverNoSpec, Freerun} {
			got[i] = Announce(Input{State: s, EverLocked: s != Freerun, ServeFreeRun: true, Squelch: c.s}).Serve
		}
		if got != [4]bool{c.locked, c.in, c.out, c.free} {
			t.Errorf("squelch %d: serves locked, in spec, out of spec, free run = %v", c.s, got)
		}
	}
}

func TestAccuracyIsTheSmallestThatHoldsTheBound(t *testing.T) {
	for _, c := range []struct {
		bound, egress float64
		want          uint8
	}{
		{0, 0, 0x20}, {25, 0, 0x20}, {25.1, 0, 0x21}, {20, 6, 0x21}, {100, 0, 0x21}, {100, 1, 0x22}, {250, 0, 0x22},
		{251, 0, 0x23}, {1000, 0, 0x23}, {1500, 0, 0x24}, {2501, 0, 0x25}, {25e3, 0, 0x26}, {99e3, 0, 0x27}, {250e3, 0, 0x28},
		{1e6, 0, 0x29}, {2e6, 0, 0x2A}, {1e7, 0, 0x2B}, {2.5e7, 0, 0x2C}, {1e8, 0, 0x2D}, {2.5e8, 0, 0x2E}, {1e9, 0, 0x2F},
		{1e10, 0, 0x30}, {1.1e10, 0, 0x31}, {nan, 0, 0xFE}, {60, nan, 0xFE}, {math.Inf(1), 0, 0xFE}, {-1, 0, 0xFE},
	} {
		a := Announce(Input{State: HoldoverNoSpec, EverLocked: true, BoundNs: c.bound, EgressNs: c.egress})
		if a.ClockAccuracy != c.want {
			t.Errorf("bound %g + egress %g ns: %#x, want %#x", c.bound, c.egress, a.ClockAccuracy, c.want)
		}
	}
}

func TestALeapNeedsAKnownOffset(t *testing.T) {
	for _, c := range []struct {
		state    State
		known    bool
		leap     int8
		l59, l61 bool
	}{
		{Locked, true, 1, false, true}, {Locked, true, -1, true, false}, {Locked, true, 0, false, false},
		{Locked, false, 1, false, false}, // an unknown offset announces no leap
		{HoldoverNoSpec, true, 1, false, true},
		{Freerun, true, 1, false, false}, // nor does the ARB scale
	} {
		a := Announce(Input{State: c.state, EverLocked: c.state != Freerun, UTCOffset: 37, UTCOffsetKnown: c.known, Leap: c.leap})
		if a.Leap59 != c.l59 || a.Leap61 != c.l61 || a.CurrentUTCOffsetValid != (c.known && c.state != Freerun) {
			t.Errorf("%v known %v leap %d: %+v", c.state, c.known, c.leap, a)
		}
	}
}

func TestLogVarianceIsOfTheStandardDeviation(t *testing.T) {
	for _, c := range []struct {
		sigmaNs float64
		want    uint16
	}{
		{33.8, 0x4E5D}, // G.8275.1's value for a PRTC
		{1e9, 0x8000}, {nan, 0xFFFF}, {0, 0xFFFF}, {-1, 0xFFFF}, {math.Inf(1), 0xFFFF}, {1e-30, 0}, {1e300, 0xFFFE},
	} {
		if got := LogVariance(c.sigmaNs); got != c.want {
			t.Errorf("LogVariance(%g ns) = %#x, want %#x", c.sigmaNs, got, c.want)
		}
	}
}

func TestEveryStateAndCodeHasAWord(t *testing.T) {
	want := map[State]string{Freerun: "FREERUN", Warmup: "FREERUN", Acquiring: "ACQUIRING", Locking: "FREQ_LOCKED",
		Locked: "PHASE_ALIGNED", HoldoverSpec: "HOLDOVER", HoldoverNoSpec: "FREERUN", Relocking: "FREQ_LOCKED"}
	seen := map[string]bool{}
	for _, s := range States {
		if s.Cisco() != want[s] {
			t.Errorf("%v: %s, want %s", s, s.Cisco(), want[s])
		}
		if w := s.String(); w == "unknown" || seen[w] {
			t.Errorf("state %d has no word of its own: %q", s, w)
		}
		seen[s.String()] = true
	}
	if got := ClassName(150); got != "holdover out of spec, frequency category 2" {
		t.Errorf("class 150: %q", got)
	}
	if got := AccuracyName(0x21); got != "within 100 ns" {
		t.Error(got)
	}
}

// No announcement contradicts the table, whatever the input.
func TestNoAnnouncementContradictsTheTable(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ns := rapid.OneOf(rapid.Float64(), rapid.Float64Range(0, 1e4), rapid.Just(nan), rapid.Just(math.Inf(1)))
		in := Input{
			State:      State(rapid.IntRange(0, 9).Draw(t, "state")),
			EverLocked: rapid.Bool().Draw(t, "ever"), KeepsSpec: rapid.Bool().Draw(t, "keeps"),
			BoundNs: ns.Draw(t, "bound"), SpecNs: 1500, AnyBound: rapid.Bool().Draw(t, "never"), EgressNs: ns.Draw(t, "egress"),
			LogVariance: rapid.Uint16().Draw(t, "variance"),
			UTCOffset:   rapid.Int16().Draw(t, "utc"), UTCOffsetKnown: rapid.Bool().Draw(t, "known"),
			Leap:         int8(rapid.IntRange(-1, 1).Draw(t, "leap")),
			ServeFreeRun: rapid.Bool().Draw(t, "free"), Squelch: Squelch(rapid.IntRange(0, 2).Draw(t, "squelch")),
			Profile:           Profile(rapid.IntRange(0, 4).Draw(t, "profile")),
			FrequencyCategory: uint8(rapid.IntRange(0, 4).Draw(t, "category")),
		}
		a := Announce(in)
		locked, seven := a.ClockClass == 6, a.ClockClass == 7
		out, free := false, false
		switch a.ClockClass {
		case 52, 187, 140, 150, 160:
			out = true
		case 58, 193, 248:
			free = true
		}
		must := func(ok bool, what string) {
			if !ok {
				t.Fatalf("%s: %+v from %+v", what, a, in)
			}
		}
		must(locked || seven || out || free, "a class of the table")
		must(locked == (in.State == Locked && (in.AnyBound || in.BoundNs <= in.SpecNs)), "6 is LOCKED inside the spec, and nothing else")
		must(!seven || in.BoundNs <= in.SpecNs, "no 7 with a bound outside the spec")
		must(!seven && !out || in.EverLocked, "7 and 52 only after a lock")
		must(!seven || in.State == HoldoverSpec || in.KeepsSpec, "7 only inside the spec")
		must(in.State != HoldoverNoSpec || !seven, "no 7 out of spec")
		must(a.PTPTimescale == !free, "ARB is the free run's")
		must(a.TimeTraceable == (locked || seven), "traceable is 6 and 7")
		must(a.FrequencyTraceable == (a.TimeTraceable && (locked || in.Profile != G82752)), "so is the frequency, but for the telecom profile's holdover")
		must(!a.CurrentUTCOffsetValid || a.PTPTimescale && in.UTCOffsetKnown, "no valid UTC offset without PTP scale and knowledge")
		must(a.TimeSource == 0x20 && locked || a.TimeSource == 0xA0 && !locked, "timeSource")
		must(!free || a.ClockAccuracy == 0xFE, "a free run knows no accuracy")
		must(!(a.Leap59 && a.Leap61) && (!(a.Leap59 || a.Leap61) || a.CurrentUTCOffsetValid), "one leap at a time, with an offset")
		must(!free || !a.Serve || in.ServeFreeRun, "no free run before its time")
		limit := AccuracyLimitNs(a.ClockAccuracy)
		must(math.IsNaN(limit) || limit >= in.BoundNs+in.EgressNs, "accuracy covers bound and egress")
		must(a.CurrentUTCOffset == in.UTCOffset, "the offset is copied")
	})
}

// The telecom profile has values of its own (ITU-T G.8275.2, the T-GM's Announce):
// accuracy and variance of a PRTC while locked, unknown in holdover, and there no
// traceable frequency.
func TestTheTelecomProfileAnnouncesItsTablesValues(t *testing.T) {
	for _, c := range []struct {
		name               string
		state              State
		boundNs            float64
		variance           uint16
		class, accuracy    uint8
		wantVariance       uint16
		time, frequency    bool
		scale, offsetValid bool
	}{
		{"locked", Locked, 60, 0x4000, 6, 0x21, 0x4E5D, true, true, true, true},
		{"locked, better than a PRTC", Locked, 10, 0x4000, 6, 0x21, 0x4E5D, true, true, true, true},
		{"locked, no PRTC", Locked, 700, 0x6000, 6, 0x23, 0x6000, true, true, true, true},
		{"holdover in spec", HoldoverSpec, 60, 0x4000, 7, 0xFE, 0xFFFF, true, false, true, true},
		{"holdover out of spec", HoldoverNoSpec, 60, 0x4000, 160, 0xFE, 0xFFFF, false, false, true, true},
		{"free run", Freerun, 60, 0x4000, 248, 0xFE, 0xFFFF, false, false, false, false},
	} {
		a := Announce(Input{State: c.state, EverLocked: c.state != Freerun, BoundNs: c.boundNs, SpecNs: 1500, LogVariance: c.variance, UTCOffset: 37, UTCOffsetKnown: true, Profile: G82752})
		if a.ClockClass != c.class || a.ClockAccuracy != c.accuracy || a.OffsetScaledLogVariance != c.wantVariance || a.TimeTraceable != c.time ||
			a.FrequencyTraceable != c.frequency || a.PTPTimescale != c.scale || a.CurrentUTCOffsetValid != c.offsetValid {
			t.Errorf("%s: %+v", c.name, a)
		}
	}
}
