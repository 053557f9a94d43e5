package gnss_test

import (
	"strings"
	"testing"
	"time"

	"bragi/gnss"
	"bragi/gnss/timescale"
)

// late lets a second pass whose message comes so long after the pulse that it names.
func (r *referenceRig) late(delay time.Duration) (gnss.Pulse, bool) {
	r.second++
	r.now = r.now.Add(time.Second)
	p, ok := r.Edge(r.now, timescale.Edge{Local: timescale.LocalFromNs(r.second * 1e9), Mono: r.now, SigmaNs: 1}, r.held)
	behind := int64(delay / time.Second)
	utc, _ := timescale.Builtin().ToUTC(timescale.TAIFromNs((r.second - behind + r.tell) * 1e9))
	r.Epoch(gnss.Epoch{UTC: utc, Received: r.now.Add(delay % time.Second), Fix: gnss.Fix3D, Trusted: true})
	return p, ok
}

// Messages that queue up come at any time of a later second. They are no correction,
// however long they last; the alarm names lateness.
func TestLateMessagesAreNotFollowed(t *testing.T) {
	for _, delay := range []time.Duration{1600 * time.Millisecond, 1850 * time.Millisecond, 2750 * time.Millisecond} {
		r := newReferenceRig(gnss.ReferenceConfig{})
		for range 60 {
			r.late(300 * time.Millisecond)
		}
		for i := range 1800 {
			if p, ok := r.late(delay); ok && p.Second.Ns() != r.second*1e9 {
				t.Fatalf("%v late: after %d s a pulse is labelled %d s off", delay, i, p.Second.Ns()/1e9-r.second)
			}
		}
		told := false
		for _, trouble := range r.Troubles(r.now) {
			told = told || trouble.Reason == gnss.ReasonPulseDisagrees && strings.Contains(trouble.Detail, "it is late")
		}
		if !told {
			t.Errorf("%v late: %v", delay, r.Troubles(r.now))
		}
	}
}

// One message that agrees ends what a contradiction has lasted.
func TestAContradictionMustBeSteady(t *testing.T) {
	r := newReferenceRig(gnss.ReferenceConfig{})
	for range 60 {
		r.next()
	}
	for i := range 600 {
		if r.tell = 2; i%50 == 49 {
			r.tell = 0
		}
		if p, ok := r.next(); ok && p.Second.Ns() != r.second*1e9 {
			t.Fatalf("followed after %d s", i)
		}
	}
}

// A second that a receiver vouches for outweighs one that was merely steady.
func TestAVouchedSecondOutweighsASteadyOne(t *testing.T) {
	r := newReferenceRig(gnss.ReferenceConfig{})
	r.tell = 1
	for range 3600 {
		r.next()
	}
	right := 0
	for range 120 {
		r.second++
		r.now = r.now.Add(time.Second)
		tai := timescale.TAIFromNs(r.second * 1e9)
		if p, ok := r.Edge(r.now, timescale.Edge{Local: timescale.LocalFromNs(tai.Ns()), Mono: r.now, SigmaNs: 1}, r.held); ok && p.Second == tai {
			right++
		}
		utc, _ := timescale.Builtin().ToUTC(tai)
		r.Epoch(gnss.Epoch{UTC: utc, TAI: gnss.Some(tai), Received: r.now.Add(300 * time.Millisecond), Fix: gnss.FixTime, Trusted: true})
	}
	if right < 40 {
		t.Errorf("%d of 120 pulses have the vouched second", right)
	}
}
