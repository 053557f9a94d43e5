package pipeline

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"bragi/gnss/timescale"
)

// world is a list of references in a table of the choice: roof (1), yard (2) and the
// oscillator (251).
type world struct {
	list   []Candidate
	rules  Rules
	now    timescale.Mono
	choice Choice
	young  bool
	names  []string
}

func newWorld(rules Rules) *world {
	return &world{
		list: []Candidate{{Priority: 1, Good: true}, {Priority: 2, Good: true}, {Priority: 251, Internal: true}}, names: []string{"roof", "yard", "internal"},
		rules: rules, now: timescale.MonoFromNs(1e12),
	}
}

func (w *world) tick(d time.Duration) {
	for end := w.now.Add(d); w.now.Before(end); {
		w.now = w.now.Add(100 * time.Millisecond)
		for i := range w.list {
			if c := &w.list[i]; c.Unheard > 0 {
				c.Unheard += 100 * time.Millisecond
			}
		}
		w.choice = Choose(w.now, w.choice, w.list, w.rules, w.young)
	}
}

// do is a step of a row: "roof bad", "yard good", "roof odd", "yard lockout", "force roof",
// "manual yard", "clear", or how long to wait.
func (w *world) do(t *testing.T, step string) {
	t.Helper()
	if d, err := time.ParseDuration(step); err == nil {
		w.tick(d)
		return
	}
	if step == "clear" {
		w.choice.Order = Automatic
		return
	}
	a, b, _ := strings.Cut(step, " ")
	place := func(name string) int {
		for i, n := range w.names {
			if n == name {
				return i
			}
		}
		t.Fatalf("no reference %q", name)
		return 0
	}
	switch a {
	case "force":
		w.choice.Order, w.choice.Ordered = Forced, place(b)
		return
	case "manual":
		w.choice.Order, w.choice.Ordered = Manual, place(b)
		return
	}
	c := &w.list[place(a)]
	switch b {
	case "good":
		*c = Candidate{Priority: c.Priority, Good: true}
	case "bad":
		c.Good, c.Awaited = false, false
	case "odd":
		c.Odd = true
	case "spoofed":
		c.Good, c.Distrusted = false, true
	case "late":
		c.Good, c.Awaited = false, true
	case "unheard":
		c.Good, c.Unheard = false, time.Nanosecond
	case "lockout":
		c.Lockout = true
	default:
		t.Fatalf("what is %q", step)
	}
}

// Each row walks through steps; where a step is "= NAME", that one is selected then.
func TestWhichReferenceIsSelected(t *testing.T) {
	for name, c := range map[string]struct {
		revertive bool
		steps     string
	}{
		"the smallest priority at the start":                      {false, "1s, = roof"},
		"the next one when the first fails":                       {false, "1s, roof bad, 1s, = yard"},
		"a failure shorter than the hold-off changes nothing":     {false, "1s, roof bad, 200ms, = roof, roof good, 1s, = roof, roof bad, 200ms, = roof, roof good, 10s, = roof"},
		"a failure of the hold-off's length is one":               {false, "1s, roof bad, 500ms, = yard"},
		"not revertive: it stays where it is":                     {false, "1s, roof bad, 1s, = yard, roof good, 400s, = yard"},
		"not revertive: it goes back when the second fails":       {false, "1s, roof bad, 1s, roof good, 400s, = yard, yard bad, 1s, = roof"},
		"revertive: it goes back after wait-to-restore":           {true, "1s, roof bad, 1s, = yard, roof good, 299s, = yard, 2s, = roof"},
		"a reference that flaps waits from its last failure":      {true, "1s, roof bad, 1s, roof good, 200s, roof bad, 1s, roof good, 200s, = yard, 101s, = roof"},
		"a blink while it waits starts the wait anew":             {true, "1s, roof bad, 1s, roof good, 200s, roof bad, 100ms, roof good, 299s, = yard, 2s, = roof"},
		"none left: the oscillator":                               {false, "1s, roof bad, yard bad, 1s, = internal"},
		"none left, one comes back: it is followed at once":       {false, "1s, roof bad, yard bad, 1s, = internal, yard good, 1s, = yard"},
		"two come back: the better, and it stays":                 {false, "1s, roof bad, yard bad, 1s, yard good, 1s, = yard, roof good, 200s, = yard, 200s, = yard"},
		"the one that flaps is not left for the other that waits": {false, "1s, yard bad, roof bad, 1s, roof good, 1s, = roof, yard good, 10s, = roof"},
		"never good at the start":                                 {false, "roof bad, yard bad, 10s, = internal, roof good, 1s, = roof"},
		"what is odd is dropped at once":                          {false, "1s, roof odd, 100ms, = yard"},
		"what is odd is not taken even when it is alone":          {false, "1s, roof odd, 1s, yard bad, 1s, = internal"},
		"what was odd waits to be restored":                       {true, "1s, roof odd, 1s, = yard, roof good, 299s, = yard, 2s, = roof"},
		"a false sky that it tells of has no hold-off":            {false, "1s, roof spoofed, 100ms, = yard"},
		"one whose pulses miss gives way to another":              {false, "1s, roof late, 1s, = yard"},
		"one whose pulses miss gives way to one that waits":       {false, "1s, yard bad, 1s, yard good, 1s, = roof, roof late, 1s, = yard"},
		"one whose pulses miss is better than none":               {false, "1s, yard bad, roof late, 60s, = roof, roof bad, 100ms, = internal"},
		"after a restart it stands as it stood for a while":       {false, "1s, roof unheard, 1s, = roof, roof good, 1s, = roof"},
		"after a restart it is not waited for longer":             {false, "1s, roof unheard, 2s, = yard"},
		"a manual order outlives a restart":                       {true, "1s, manual yard, 1s, yard unheard, 1s, = yard, 20s, = roof, yard good, 1s, = yard"},
		"a manual order ends a minute after a restart":            {true, "1s, manual yard, 1s, yard unheard, 61s, = roof, yard good, 400s, = roof"},
		"a lockout takes it out":                                  {false, "1s, roof lockout, 1s, = yard"},
		"a forced one is followed although a better is good":      {true, "1s, force yard, 1s, = yard, 400s, = yard"},
		"a forced one that fails stays":                           {false, "1s, force yard, 1s, yard bad, 60s, = yard, clear, 1s, = roof"},
		"a forced one that is odd stays":                          {false, "1s, force yard, yard odd, 60s, = yard"},
		"forced to the oscillator":                                {false, "1s, force internal, 400s, = internal, clear, 1s, = roof"},
		"a manual one stays also when revertive":                  {true, "1s, manual yard, 400s, = yard"},
		"a manual one that fails ends the order":                  {false, "1s, manual yard, 1s, yard bad, 1s, = roof, yard good, 400s, = roof"},
		"a manual one within the hold-off stays":                  {false, "1s, manual yard, 1s, yard bad, 200ms, = yard, yard good, 10s, = yard"},
		"a manual one that is not good is not taken":              {false, "yard bad, 1s, manual yard, 1s, = roof"},
		"manual to the oscillator":                                {false, "1s, manual internal, 400s, = internal"},
		"cleared, not revertive: it stays":                        {false, "1s, manual yard, 1s, clear, 10s, = yard"},
		"cleared, revertive: the best":                            {true, "1s, manual yard, 1s, clear, 1s, = roof"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(Rules{HoldOff: 300 * time.Millisecond, WaitToRestore: 5 * time.Minute, Revertive: c.revertive})
			for _, step := range strings.Split(c.steps, ", ") {
				if want, asks := strings.CutPrefix(step, "= "); asks {
					if got := w.names[w.choice.Selected]; got != want {
						t.Fatalf("after %v: %s, want %s (%+v)", w.now.Sub(timescale.MonoFromNs(1e12)), got, want, w.choice)
					}
					continue
				}
				w.do(t, step)
			}
		})
	}
}

// Before the first lock a better reference that comes later is taken at once.
func TestBeforeTheFirstLockTheBestIsTaken(t *testing.T) {
	w := newWorld(Rules{HoldOff: 300 * time.Millisecond, WaitToRestore: 5 * time.Minute})
	w.young = true
	for _, step := range []string{"roof bad", "5s"} {
		w.do(t, step)
	}
	if w.choice.Selected != 1 {
		t.Fatalf("selected %d", w.choice.Selected)
	}
	w.do(t, "roof good")
	w.do(t, "200ms")
	if w.choice.Selected != 0 {
		t.Errorf("selected %d", w.choice.Selected)
	}
}

// A reference that flaps every few seconds makes two changes of the selection, whatever
// the order of the list: away from it, and not back.
func TestAReferenceThatFlapsIsLeftAlone(t *testing.T) {
	for _, revertive := range []bool{false, true} {
		w := newWorld(Rules{HoldOff: 300 * time.Millisecond, WaitToRestore: 5 * time.Minute, Revertive: revertive})
		w.do(t, "1s")
		changes, last := 0, w.choice.Selected
		for i := range 600 {
			w.list[0].Good = i%7 > 2
			w.tick(time.Second)
			if w.choice.Selected != last {
				changes, last = changes+1, w.choice.Selected
			}
		}
		if changes != 1 || w.names[last] != "yard" || w.choice.Standings[0].Fails != 1 {
			t.Errorf("revertive %v: %d changes, now %s, %s", revertive, changes, w.names[last], fmt.Sprint(w.choice.Standings))
		}
	}
}

// The choice touches nothing that it is given.
func TestTheChoiceIsAValue(t *testing.T) {
	w := newWorld(Rules{HoldOff: time.Second})
	w.do(t, "1s")
	before := fmt.Sprint(w.choice)
	w.list[0].Good = false
	Choose(w.now.Add(time.Minute), w.choice, w.list, w.rules, false)
	if after := fmt.Sprint(w.choice); after != before {
		t.Errorf("%s became %s", before, after)
	}
}
