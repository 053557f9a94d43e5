package gnss_test

import (
	"strings"
	"testing"
	"time"

	"bragi/gnss"
	"bragi/gnss/timescale"
)

// line is a pulse on a wire: what of its edges an input stamps.
type line struct {
	length       time.Duration // of the pulse
	rises, falls bool          // which edges are stamped
	inverted     bool
	told         bool // the input tells the direction
	firstEnds    bool // the first edge that is seen ends a pulse
	expected     time.Duration
}

// edgesOf lets a receiver pulse for a while and returns by how much the marks are off
// the second.
func (l line) edgesOf(r *referenceRig, seconds int, mark func(off time.Duration)) {
	r.ExpectPulse(l.expected)
	for range seconds {
		r.second++
		r.now = r.now.Add(time.Second)
		edge := func(at time.Duration, falling bool) {
			if l.inverted {
				falling = !falling
			}
			if falling && !l.falls || !falling && !l.rises {
				return
			}
			local := timescale.LocalFromNs(r.second*1e9 + int64(at))
			if p, ok := r.Edge(r.now.Add(at), timescale.Edge{Local: local, Mono: r.now.Add(at), SigmaNs: 1, Falling: falling && l.told}, r.held); ok {
				mark(time.Duration(p.Local.OffsetNs(p.Second)))
			}
		}
		if !l.firstEnds {
			edge(0, false)
		}
		l.firstEnds = false
		edge(l.length, true)
		utc, _ := timescale.Builtin().ToUTC(timescale.TAIFromNs(r.second * 1e9))
		r.Epoch(gnss.Epoch{UTC: utc, Received: r.now.Add(l.length + 200*time.Millisecond), Fix: gnss.FixTime, Trusted: true})
	}
}

// Where both edges of a pulse are stamped, the one that begins it is used, whichever is
// seen first and whatever its level.
func TestTheEdgeThatBeginsThePulseIsUsedWhereBothAreStamped(t *testing.T) {
	for _, length := range []time.Duration{5 * time.Millisecond, 100 * time.Millisecond, 400 * time.Millisecond} {
		for _, inverted := range []bool{false, true} {
			for _, told := range []bool{false, true} {
				for _, ends := range []bool{false, true} {
					r, marks := newReferenceRig(gnss.ReferenceConfig{}), 0
					l := line{length: length, rises: true, falls: true, inverted: inverted, told: told, firstEnds: ends}
					l.edgesOf(r, 40, func(off time.Duration) {
						if marks++; off != 0 {
							t.Fatalf("%+v: a mark is %v off the second", l, off)
						}
					})
					s := r.Status(r.now).Edge
					if marks < 25 || !s.Verified || s.Length != length || s.Falling != (inverted && told) {
						t.Errorf("%+v: %d marks, %+v", l, marks, s)
					}
				}
			}
		}
	}
}

// With one edge stamped nothing can be told, and that is said.
func TestALoneEdgeIsNotVerified(t *testing.T) {
	r, marks := newReferenceRig(gnss.ReferenceConfig{}), 0
	line{length: 100 * time.Millisecond, rises: true}.edgesOf(r, 20, func(time.Duration) { marks++ })
	if s := r.Status(r.now).Edge; marks < 15 || s.Verified || s.String() != "the pulse's edge is not verified" {
		t.Errorf("%d marks, %v", marks, s)
	}
}

// A pulse of half a second is told by the edges' directions or not at all.
func TestAPulseAsLongAsItsPauseIsUsedOnlyIfTheInputTellsTheEdges(t *testing.T) {
	for _, told := range []bool{true, false} {
		r, marks := newReferenceRig(gnss.ReferenceConfig{}), 0
		line{length: 500 * time.Millisecond, rises: true, falls: true, told: told, firstEnds: true}.edgesOf(r, 30, func(off time.Duration) {
			if marks++; off != 0 {
				t.Fatalf("told %v: a mark is %v off", told, off)
			}
		})
		troubles := ""
		if untold := r.trouble(gnss.ReasonNoPulse); untold != "" {
			t.Errorf("told %v: no pulse, %s, while edges come", told, untold)
		}
		for _, x := range r.Troubles(r.now.Add(500 * time.Millisecond)) {
			troubles += x.String() + "; "
		}
		if told != (marks > 15) || told == strings.Contains(troubles, gnss.ReasonEdgeUntold.String()) {
			t.Errorf("told %v: %d marks, %s", told, marks, troubles)
		}
	}
}

// Two edges that are not the pulse that the receiver was told to make are no evidence,
// and an alarm.
func TestEdgesOfAnotherLengthThanWasSetAreNoEvidence(t *testing.T) {
	r := newReferenceRig(gnss.ReferenceConfig{})
	line{length: 300 * time.Millisecond, rises: true, falls: true, expected: 100 * time.Millisecond}.edgesOf(r, 30, func(time.Duration) {})
	found := false
	for _, x := range r.Troubles(r.now.Add(500 * time.Millisecond)) {
		found = found || x.Reason == gnss.ReasonPulseLength
	}
	if s := r.Status(r.now).Edge; s.Verified || !found {
		t.Errorf("%v, %v", s, r.Troubles(r.now))
	}
}

// A label that was learned from the edge that ends the pulse is unlearned within some
// 70 seconds of both edges.
func TestALabelOnTheWrongEdgeIsUnlearnedWhenBothAreStamped(t *testing.T) {
	r := newReferenceRig(gnss.ReferenceConfig{})
	l := line{length: 100 * time.Millisecond, falls: true}
	var off time.Duration
	l.edgesOf(r, 30, func(by time.Duration) { off = by })
	if off != l.length {
		t.Fatalf("a lone falling edge gives %v", off)
	}
	l.rises = true
	l.edgesOf(r, 80, func(by time.Duration) { off = by })
	if off != 0 || !r.Status(r.now).Edge.Verified {
		t.Errorf("after 80 s of both edges marks are %v off: %v", off, r.Status(r.now).Edge)
	}
}
