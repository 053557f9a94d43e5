package alarms

import (
	"slices"
	"strings"
	"testing"
	"time"
)

func codes(changes []Change, cleared bool) []string {
	var out []string
	for _, c := range changes {
		if c.Cleared == cleared {
			out = append(out, c.Code)
		}
	}
	return out
}

// A consequence is silent while its cause holds, and shows when only it is left.
func TestCauseHidesConsequence(t *testing.T) {
	s, t0 := NewSet(), time.Unix(1e9, 0)
	all := []Raised{{Code: ReceiverSilent, Detail: "no byte for 5s"}, {Code: NoFix}, {Code: NoPulse}}
	if early := s.Update(t0, all); len(early) != 0 {
		t.Fatalf("raised at once: %+v", early)
	}
	got := s.Update(t0.Add(5*time.Second), all)
	if want := []string{"RECEIVER_SILENT"}; !slices.Equal(codes(got, false), want) {
		t.Fatalf("raised %v, want %v", codes(got, false), want)
	}
	got = s.Update(t0.Add(10*time.Second), []Raised{{Code: NoFix}, {Code: NoPulse}})
	if !slices.Equal(codes(got, true), []string{"RECEIVER_SILENT"}) || !slices.Equal(codes(got, false), []string{"GNSS_NO_FIX"}) {
		t.Fatalf("changes %+v: want silent cleared and no fix raised", got)
	}
	if got[0].Cleared != true {
		t.Error("the cleared alarm is not told first")
	}
	if since := got[1].Since; !since.Equal(t0) {
		t.Errorf("no fix since %v, want since it began, %v", since, t0)
	}
	if got = s.Update(t0.Add(15*time.Second), nil); !slices.Equal(codes(got, true), []string{"GNSS_NO_FIX"}) || len(s.Active()) != 0 {
		t.Errorf("after all is well: changes %+v, active %v", got, s.Active())
	}
}

// An alarm that gives way to its cause is not over, and the change says so. One whose
// condition has ended is over, also while a cause of it is shown.
func TestAnAlarmThatGivesWayToItsCauseIsNotOver(t *testing.T) {
	for code, kind := range rows {
		for _, cause := range kind.CausedBy {
			t0 := time.Unix(1e9, 0)
			for _, step := range []struct {
				raised []Raised
				want   Code
			}{{[]Raised{{Code: code}, {Code: cause}}, cause}, {[]Raised{{Code: cause}}, ""}} {
				s := NewSet()
				s.Update(t0, []Raised{{Code: code}})
				s.Update(t0.Add(time.Hour), []Raised{{Code: code}})
				changes := s.Update(t0.Add(2*time.Hour), step.raised)
				changes = append(changes, s.Update(t0.Add(3*time.Hour), step.raised)...)
				i := slices.IndexFunc(changes, func(c Change) bool { return c.Cleared && c.Code == string(code) })
				if i < 0 || changes[i].Cause != step.want {
					t.Errorf("%s, then %v: %+v; want the cause %q", code, step.raised, changes, step.want)
				}
			}
		}
	}
}

// What lasts less than its patience is never shown.
func TestPatience(t *testing.T) {
	s, t0 := NewSet(), time.Unix(1e9, 0)
	for _, step := range []struct {
		at    time.Duration
		holds bool
		shown int
	}{{0, true, 0}, {2 * time.Second, true, 0}, {2500 * time.Millisecond, false, 0}, {3 * time.Second, true, 0}, {5 * time.Second, true, 0}, {6 * time.Second, true, 1}} {
		var raised []Raised
		if step.holds {
			raised = []Raised{{Code: NoPulse}}
		}
		s.Update(t0.Add(step.at), raised)
		if len(s.Active()) != step.shown {
			t.Errorf("at %v: %d alarms shown, want %d", step.at, len(s.Active()), step.shown)
		}
	}
}

// Active lists the gravest first; an unchanged alarm is told once.
func TestActiveOrderAndOnce(t *testing.T) {
	s, t0 := NewSet(), time.Unix(1e9, 0)
	raised := []Raised{{Code: ClientDenied, Detail: "10.0.0.9"}, {Code: BoardClock, Detail: "EIO"}, {Code: ClockHoldover}}
	if n := len(s.Update(t0, raised)); n != 3 {
		t.Fatalf("%d changes, want 3", n)
	}
	if again := s.Update(t0.Add(time.Second), raised); len(again) != 0 {
		t.Errorf("told again: %+v", again)
	}
	active := s.Active()
	if got := []string{active[0].Code, active[1].Code, active[2].Code}; !slices.Equal(got, []string{"BOARD_CLOCK", "CLOCK_HOLDOVER", "CLIENT_DENIED"}) {
		t.Errorf("order %v", got)
	}
}

// The table itself: each code once, each cause a row, each with text and fix.
func TestTable(t *testing.T) {
	known := map[Code]bool{}
	for _, k := range Table {
		if known[k.Code] || k.Text == "" || k.Cause == "" || k.Consequence == "" || k.Fix == "" {
			t.Errorf("row %s is double or incomplete", k.Code)
		}
		known[k.Code] = true
	}
	for _, k := range Table {
		for _, cause := range k.CausedBy {
			if !known[cause] {
				t.Errorf("%s is caused by %s, which is not in the table", k.Code, cause)
			}
			if causedBy(cause, k.Code, len(Table)) {
				t.Errorf("%s and %s cause each other", k.Code, cause)
			}
		}
	}
}

// causedBy tells whether a code is a cause of another's cause, at most depth deep.
func causedBy(code, cause Code, depth int) bool {
	return depth > 0 && slices.ContainsFunc(rows[code].CausedBy, func(c Code) bool { return c == cause || causedBy(c, cause, depth-1) })
}

// An alarm that comes and goes is told once: it stays for its hold-off, with the
// time of its begin. What lasts is then told again.
func TestWhatComesAndGoesIsToldOnce(t *testing.T) {
	s, t0 := NewSet(), time.Unix(1e9, 0)
	down := []Raised{{Code: LinkDown, Detail: "eth0"}}
	changes := s.Update(t0, down)
	for n := 1; n <= 20; n++ {
		var raised []Raised
		if n%2 == 0 {
			raised = down
		}
		changes = append(changes, s.Update(t0.Add(time.Duration(n)*time.Second), raised)...)
	}
	if len(changes) != 1 || !s.Active()[0].Since.Equal(t0) {
		t.Errorf("a link that flaps each second: %+v", changes)
	}
	for n := 21; n <= 30; n++ {
		changes = append(changes, s.Update(t0.Add(time.Duration(n)*time.Second), nil)...)
	}
	if len(changes) != 2 || !changes[1].Cleared || len(s.Active()) != 0 {
		t.Errorf("when it has ended: %+v", changes)
	}
}

// A cause that comes and goes for less than its patience does not take a consequence
// away that is shown, and does not let one flap.
func TestACauseThatIsNotShownSilencesNothing(t *testing.T) {
	s, t0 := NewSet(), time.Unix(1e9, 0)
	var changes []Change
	for n := range 60 {
		raised := []Raised{{Code: NoPulse}}
		if n >= 10 && n%2 == 0 {
			raised = append(raised, Raised{Code: NoFix})
		}
		changes = append(changes, s.Update(t0.Add(time.Duration(n)*time.Second), raised)...)
	}
	if len(changes) != 1 || changes[0].Code != string(NoPulse) {
		t.Errorf("%+v", changes)
	}
	for n := 60; n < 64; n++ {
		changes = append(changes, s.Update(t0.Add(time.Duration(n)*time.Second), []Raised{{Code: NoPulse}, {Code: NoFix}})...)
	}
	if len(changes) != 3 || !changes[1].Cleared || changes[2].Code != string(NoFix) {
		t.Errorf("a cause that is shown: %+v", changes)
	}
}

// A cause that is silenced itself by what is shown silences its consequences.
func TestAChainOfCausesShowsItsBegin(t *testing.T) {
	s, t0 := NewSet(), time.Unix(1e9, 0)
	all := []Raised{{Code: NoPulse}, {Code: NoFix}, {Code: Antenna, Detail: "open"}, {Code: ReceiverSilent}, {Code: ReceiverDevice, Detail: "gone"}}
	for n := range 10 {
		s.Update(t0.Add(time.Duration(n)*time.Second), all)
	}
	if active := s.Active(); len(active) != 1 || active[0].Code != string(ReceiverDevice) {
		t.Errorf("%+v", active)
	}
}

// The history has each alarm with its begin and end, what stands too; forgetting
// leaves what stands.
func TestTheHistoryHasBeginAndEnd(t *testing.T) {
	s, t0 := NewSet(), time.Unix(1e9, 0)
	s.Update(t0, []Raised{{Code: BoardClock, Detail: "EIO"}})
	s.Update(t0.Add(time.Second), nil)
	s.Update(t0.Add(2*time.Second), []Raised{{Code: ClockHoldover, Detail: "first"}})
	s.Update(t0.Add(3*time.Second), []Raised{{Code: ClockHoldover, Detail: "second"}})
	h := s.History()
	if len(h) != 2 || h[0].Code != string(BoardClock) || h[0].Cleared == nil || !h[0].Cleared.Equal(t0.Add(time.Second)) ||
		h[1].Cleared != nil || h[1].Detail != "second" || !h[1].Since.Equal(t0.Add(2*time.Second)) {
		t.Errorf("%+v", h)
	}
	s.Forget()
	if h := s.History(); len(h) != 1 || h[0].Code != string(ClockHoldover) {
		t.Errorf("after forgetting: %+v", h)
	}
	for n := range 2 * historyLength {
		s.Update(t0.Add(time.Duration(10+n)*time.Second), []Raised{{Code: ClockHoldover, Detail: "second"}}[:n%2])
	}
	if h := s.History(); len(h) != historyLength || h[historyLength-1].Cleared != nil {
		t.Errorf("of many it keeps %d", len(h))
	}
}

// A receiver that another reference stands in for is no major alarm, and what it means is
// told as it is; when that one fails as well, the alarm that stands is major.
func TestAnAlarmOfAReceiverIsMinorWhileAnotherReferenceIsFollowed(t *testing.T) {
	s, now := NewSet(), time.Unix(0, 0)
	for _, c := range []struct{ instead, severity, consequence string }{
		{"yard", "minor", "the time comes from yard"}, {"", "major", "a clock that was locked holds over"}, {"yard", "minor", "the time comes from yard"},
	} {
		now = now.Add(10 * time.Second)
		s.Update(now, []Raised{{Code: NoFix, Instead: c.instead}, {Code: AntennaDoubted, Instead: c.instead}})
		now = now.Add(10 * time.Second)
		s.Update(now, []Raised{{Code: NoFix, Instead: c.instead}, {Code: AntennaDoubted, Instead: c.instead}})
		active := s.Active()
		if len(active) != 2 || active[0].Code != string(NoFix) || active[0].Severity != c.severity || !strings.Contains(active[0].Consequence, c.consequence) || active[1].Severity != "warning" {
			t.Errorf("%q: %+v", c.instead, active)
		}
	}
}

// What the process before had told is cleared once, when it is over; what stands still is neither
// cleared nor told as cleared by a hold-off that has not ended.
func TestAlarmsOfTheProcessBeforeAreClearedWhenTheyAreOver(t *testing.T) {
	for code, kind := range rows {
		for _, stands := range []bool{false, true} {
			s, t0 := NewSet(), time.Unix(1e9, 0)
			s.Left(t0, []string{string(code), "NO_SUCH_ALARM"})
			var raised []Raised
			if stands {
				raised = []Raised{{Code: code}}
			}
			var cleared, begun []string
			for now := t0; now.Before(t0.Add(2*kind.Patience + time.Minute)); now = now.Add(time.Second) {
				changes := s.Update(now, raised)
				if early := codes(changes, true); len(early) > 0 && now.Before(t0.Add(settle)) {
					t.Errorf("%s is cleared after %v, before anything is known", code, now.Sub(t0))
				}
				cleared, begun = append(cleared, codes(changes, true)...), append(begun, codes(changes, false)...)
			}
			want := []string{string(code)}
			if stands {
				cleared, begun = begun, cleared
			}
			if !slices.Equal(cleared, want) || len(begun) != 0 {
				t.Errorf("%s, stands %t: %v, and %v", code, stands, cleared, begun)
			}
		}
	}
}
