package gnss_test

import (
	"encoding/json"
	"math"
	"strings"
	"testing"
	"time"

	"bragi/gnss"
	"bragi/gnss/timescale"
)

// referenceRig feeds a Reference with a pulse and an epoch each second.
type referenceRig struct {
	*gnss.Reference
	now    timescale.Mono
	second int64 // TAI
	tell   int64 // how many seconds the receiver is wrong by
	held   float64
}

func newReferenceRig(cfg gnss.ReferenceConfig) *referenceRig {
	floor, err := timescale.Date(2026, 1, 1, 0, 0, 0, 0)
	if err != nil {
		panic(err)
	}
	cfg.Floor = floor
	at := timescale.Builtin().ToTAI(floor).Add(1000 * time.Hour)
	return &referenceRig{gnss.NewReference(cfg), timescale.MonoFromNs(1e12), at.Ns() / 1e9, 0, math.Inf(1)}
}

// next lets a second pass. The served clock reads TAI.
func (r *referenceRig) next() (gnss.Pulse, bool) {
	r.second++
	r.now = r.now.Add(time.Second)
	tai := timescale.TAIFromNs(r.second * 1e9)
	p, ok := r.Edge(r.now, timescale.Edge{Local: timescale.LocalFromNs(tai.Ns()), Mono: r.now, SigmaNs: 1}, r.held)
	utc, _ := timescale.Builtin().ToUTC(tai.Add(time.Duration(r.tell) * time.Second))
	r.Epoch(gnss.Epoch{UTC: utc, Received: r.now.Add(300 * time.Millisecond), Fix: gnss.FixTime, Trusted: true})
	return p, ok
}

func (r *referenceRig) labelled(t *testing.T) gnss.Pulse {
	t.Helper()
	for range 12 {
		if p, ok := r.next(); ok {
			return p
		}
	}
	t.Fatalf("no pulse is labelled: %v", r.Troubles(r.now))
	return gnss.Pulse{}
}

// A pulse comes out labelled and with the delays of cable and input to be taken off; References
// beside each other know nothing of each other.
func TestReferenceLabelsItsPulses(t *testing.T) {
	list := []*referenceRig{newReferenceRig(gnss.ReferenceConfig{AntennaDelay: 50 * time.Nanosecond, PulseDelay: 100 * time.Nanosecond}), newReferenceRig(gnss.ReferenceConfig{})}
	p := list[0].labelled(t)
	if p.Second.Ns() != list[0].second*1e9 || p.CorrectionNs != -150 {
		t.Errorf("second %v, correction %v ns", p.Second, p.CorrectionNs)
	}
	if s := list[0].Status(list[0].now); s.Pairing.State != gnss.PairLabelled || !s.HasTime || s.AntennaDelay != 50*time.Nanosecond || s.PulseDelay != 100*time.Nanosecond {
		t.Errorf("%+v", s)
	}
	if s := list[1].Status(list[1].now); s.Pairing.State != gnss.PairNoPulse || s.HasTime {
		t.Errorf("the other one says %+v", s)
	}
}

// A receiver that comes with another second than a clock which knows it is not
// followed and is told of, until it comes round; a clock that knows no second
// follows it.
func TestAReceiverWithAnotherSecondThanTheHeldClocksIsNotFollowed(t *testing.T) {
	r := newReferenceRig(gnss.ReferenceConfig{})
	r.tell, r.held = 1, 1000
	for range 12 {
		if p, ok := r.next(); ok {
			t.Fatalf("a pulse is given out as %v, the clock reads %v", p.Second, p.Local)
		}
	}
	if why, distrusted := r.Distrust(r.now); !distrusted || why != gnss.ReasonTimeJump {
		t.Errorf("distrusted %t, %v", distrusted, why)
	}
	told := false
	for _, trouble := range r.Troubles(r.now) {
		told = told || trouble.Reason == gnss.ReasonTimeJump && strings.HasPrefix(trouble.Detail, "the held clock is -1s ahead of what the receiver says;")
	}
	if !told {
		t.Errorf("troubles %v", r.Troubles(r.now))
	}
	r.tell = 0
	r.labelled(t)
	if why, distrusted := r.Distrust(r.now); distrusted {
		t.Errorf("still distrusted: %v", why)
	}

	r = newReferenceRig(gnss.ReferenceConfig{})
	r.tell, r.held = 1, 2e9 // as uncertain after weeks
	r.labelled(t)
	r = newReferenceRig(gnss.ReferenceConfig{})
	r.tell = 1
	r.labelled(t)
}

// What a Reference saves lets the next one label its first pulse.
func TestASavedReferenceLabelsItsFirstPulse(t *testing.T) {
	r := newReferenceRig(gnss.ReferenceConfig{})
	if r.Save(r.now) != nil {
		t.Error("a label before the first pulse")
	}
	r.labelled(t)
	text, err := json.Marshal(r.Save(r.now))
	if err != nil {
		t.Fatal(err)
	}
	var saved *gnss.SavedReference
	if err := json.Unmarshal(text, &saved); err != nil {
		t.Fatal(err)
	}
	next := newReferenceRig(gnss.ReferenceConfig{})
	next.now, next.second = r.now, r.second
	next.Resume(next.now, saved)
	if p, ok := next.next(); !ok || p.Second.Ns() != next.second*1e9 {
		t.Errorf("the first pulse: labelled %t as %v", ok, p.Second)
	}
	blank := newReferenceRig(gnss.ReferenceConfig{})
	blank.Resume(blank.now, nil)
	if _, ok := blank.next(); ok {
		t.Error("labelled without anything to go on with")
	}
}

// A table of leap seconds that is replaced counts from then on. Seconds that sentences
// named by the old one, when that was wrong, are given up for the new one's; a label that
// rests on GPS time stays, and so does what was learned beyond the table.
func TestAReplacedTableOfLeapSecondsCounts(t *testing.T) {
	truth, err := timescale.Builtin().With(utc(t, 2026, 2, 1, 0, 0, 0), 38)
	if err != nil {
		t.Fatal(err)
	}
	for _, vouched := range []bool{false, true} {
		r := newReferenceRig(gnss.ReferenceConfig{})
		second := func() (p gnss.Pulse, ok bool) {
			r.second++
			r.now = r.now.Add(time.Second)
			tai := timescale.TAIFromNs(r.second * 1e9)
			p, ok = r.Edge(r.now, timescale.Edge{Local: timescale.LocalFromNs(tai.Ns()), Mono: r.now, SigmaNs: 1}, r.held)
			u, _ := truth.ToUTC(tai)
			e := gnss.Epoch{UTC: u, Received: r.now.Add(300 * time.Millisecond), Fix: gnss.FixTime, Trusted: true}
			if vouched {
				e.TAI = gnss.Some(tai)
			}
			r.Epoch(e)
			return p, ok
		}
		for range 120 {
			second()
		}
		r.SetLeapTable(r.now, truth)
		if got := r.LeapTable().OffsetAtUTC(utc(t, 2026, 3, 1, 0, 0, 0)); got != 38 {
			t.Errorf("the count is %d", got)
		}
		wrong, marks := 0, 0
		for range 60 {
			if p, ok := second(); ok {
				marks++
				if p.Local.OffsetNs(p.Second) != 0 {
					wrong++
				}
			}
		}
		if wrong > 0 || marks < 50 {
			t.Errorf("vouched for: %v: %d marks, %d wrong", vouched, marks, wrong)
		}
	}
}
