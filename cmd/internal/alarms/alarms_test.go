package alarms

import (
	"slices"
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
	all := []Raised{{ReceiverSilent, "no byte for 5s"}, {NoFix, ""}, {NoPulse, ""}}
	if early := s.Update(t0, all); len(early) != 0 {
		t.Fatalf("raised at once: %+v", early)
	}
	got := s.Update(t0.Add(5*time.Second), all)
	if want := []string{"RECEIVER_SILENT"}; !slices.Equal(codes(got, false), want) {
		t.Fatalf("raised %v, want %v", codes(got, false), want)
	}
	got = s.Update(t0.Add(10*time.Second), []Raised{{NoFix, ""}, {NoPulse, ""}})
	if !slices.Equal(codes(got, true), []string{"RECEIVER_SILENT"}) || !slices.Equal(codes(got, false), []string{"GNSS_NO_FIX"}) {
		t.Fatalf("changes %+v: want silent cleared and no fix raised", got)
	}
	if got[0].Cleared != true {
		t.Error("the cleared alarm is not told first")
	}
	if since := got[1].Since; !since.Equal(t0) {
		t.Errorf("no fix since %v, want since it began, %v", since, t0)
	}
	if got = s.Update(t0.Add(11*time.Second), nil); !slices.Equal(codes(got, true), []string{"GNSS_NO_FIX"}) || len(s.Active()) != 0 {
		t.Errorf("after all is well: changes %+v, active %v", got, s.Active())
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
			raised = []Raised{{NoPulse, ""}}
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
	raised := []Raised{{ClientDenied, "10.0.0.9"}, {BoardClock, "EIO"}, {ClockHoldover, ""}}
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
		if known[k.Code] || k.Text == "" || k.Fix == "" {
			t.Errorf("row %s is double or incomplete", k.Code)
		}
		known[k.Code] = true
	}
	for _, k := range Table {
		for _, cause := range k.CausedBy {
			if !known[cause] {
				t.Errorf("%s is caused by %s, which is not in the table", k.Code, cause)
			}
		}
	}
}
