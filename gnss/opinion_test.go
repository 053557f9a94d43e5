package gnss_test

import (
	"strings"
	"testing"
	"time"

	"bragi/gnss"
	"bragi/gnss/timescale"
)

// One source against the receiver makes it doubtful, as many for it as against it do
// not; what is old, vague or new says nothing, and what agreed with the same label has
// moved by itself.
func TestMoreSourcesAgainstTheReceiverThanForItMakeItDoubtful(t *testing.T) {
	claim := func(off time.Duration) gnss.Claim { return gnss.Claim{Source: "x", Offset: off, Times: 2} }
	with := func(c gnss.Claim, change func(*gnss.Claim)) gnss.Claim { change(&c); return c }
	wrong, right := claim(time.Second), claim(20*msec)
	for name, c := range map[string]struct {
		claims   []gnss.Claim
		doubtful bool
	}{
		"nobody":                       {nil, false},
		"one agrees":                   {[]gnss.Claim{right}, false},
		"one differs":                  {[]gnss.Claim{wrong}, true},
		"one differs by half a second": {[]gnss.Claim{claim(-500 * msec)}, true},
		"inside the limit":             {[]gnss.Claim{claim(290 * msec)}, false},
		"inside its uncertainty":       {[]gnss.Claim{with(claim(600*msec), func(c *gnss.Claim) { c.Uncertainty = 400 * msec })}, false},
		"one for it, one against":      {[]gnss.Claim{wrong, right}, false},
		"one for it, two against":      {[]gnss.Claim{wrong, right, wrong}, true},
		"too old":                      {[]gnss.Claim{with(wrong, func(c *gnss.Claim) { c.Age = time.Hour })}, false},
		"too vague":                    {[]gnss.Claim{with(wrong, func(c *gnss.Claim) { c.Uncertainty = 800 * msec })}, false},
		"for the first time":           {[]gnss.Claim{with(wrong, func(c *gnss.Claim) { c.Times = 1 })}, false},
		"it agreed before":             {[]gnss.Claim{with(wrong, func(c *gnss.Claim) { c.Agreed = true })}, false},
		"the operator accepted it":     {[]gnss.Claim{with(wrong, func(c *gnss.Claim) { c.Accepted = true })}, false},
	} {
		if got := gnss.Doubtful(c.claims); got != c.doubtful {
			t.Errorf("%s: doubtful %v", name, got)
		}
	}
}

// hears lets a source speak that is ahead of the truth by off.
func (r *referenceRig) hears(source string, off time.Duration) {
	utc, _ := timescale.Builtin().ToUTC(timescale.TAIFromNs(r.second * 1e9))
	r.Opinion(gnss.Opinion{Source: source, At: r.now, UTC: utc.Add(off), Uncertainty: 10 * msec})
}

func (r *referenceRig) trouble(reason gnss.Reason) string {
	for _, x := range r.Troubles(r.now) {
		if x.Reason == reason {
			return x.Detail
		}
	}
	return ""
}

// A receiver whose label is a second wrong is not believed while another source says
// so; the alarm names both; the operator may accept the receiver, until that source
// says something else.
func TestAReceiverThatIsContradictedIsDistrustedUntilTheOperatorAcceptsIt(t *testing.T) {
	r := newReferenceRig(gnss.ReferenceConfig{})
	r.tell = 1
	r.labelled(t)
	for range 3 {
		r.next()
		r.hears("the system clock", 0)
	}
	if why, distrusted := r.Distrust(r.now); !distrusted || why != gnss.ReasonSecondOpinion || !r.SecondDoubted(r.now) {
		t.Fatalf("distrust %v %v", distrusted, why)
	}
	detail := r.trouble(gnss.ReasonSecondOpinion)
	for _, word := range []string{"the system clock says 2026-", "the receiver 2026-", "1.000 s behind"} {
		if !strings.Contains(detail, word) {
			t.Errorf("%q lacks %q", detail, word)
		}
	}
	if list := r.Accept(r.now); len(list) != 1 || r.SecondDoubted(r.now) {
		t.Errorf("accepted against %q, still contradicted %v", list, r.SecondDoubted(r.now))
	}
	for range 3 {
		r.next()
		r.hears("the system clock", 0)
	}
	if r.SecondDoubted(r.now) {
		t.Error("what was accepted is doubted again")
	}
	for range 3 {
		r.next()
		r.hears("the system clock", 5*time.Second)
	}
	if !r.SecondDoubted(r.now) {
		t.Error("another difference than the accepted one is not doubted")
	}
}

// The edge that ends a pulse of half a second, alone: nothing at the input tells, the
// second opinion does.
func TestALoneEdgeHalfASecondLateIsSeenByASecondOpinion(t *testing.T) {
	r := newReferenceRig(gnss.ReferenceConfig{})
	l, marks := line{length: 500 * msec, falls: true}, 0
	for range 10 {
		l.edgesOf(r, 1, func(time.Duration) { marks++ })
		r.hears("the system clock", 0)
	}
	if why, distrusted := r.Distrust(r.now); marks == 0 || !distrusted || why != gnss.ReasonSecondOpinion || !strings.Contains(r.trouble(why), "0.500 s ahead") {
		t.Errorf("%d marks, distrust %v %v: %v", marks, distrusted, why, r.Troubles(r.now))
	}
}

// A firm opinion that was heard before the first pulse counts as soon as there is one.
func TestAFirmOpinionCountsAtOnce(t *testing.T) {
	r := newReferenceRig(gnss.ReferenceConfig{})
	utc, _ := timescale.Builtin().ToUTC(timescale.TAIFromNs(r.second * 1e9))
	r.Opinion(gnss.Opinion{Source: "NTP server 192.0.2.1", At: r.now, UTC: utc.Add(3 * time.Second), Uncertainty: 10 * msec, Firm: true})
	r.labelled(t)
	if !r.SecondDoubted(r.now) {
		t.Errorf("%v", r.Troubles(r.now))
	}
}

// A source that agreed with the receiver and goes wrong later takes nothing from it.
func TestASourceThatGoesWrongDoesNotTakeTheClockDown(t *testing.T) {
	r := newReferenceRig(gnss.ReferenceConfig{})
	r.labelled(t)
	for i := range 20 {
		r.next()
		off := time.Duration(0)
		if i >= 10 {
			off = -7 * time.Second
		}
		r.hears("NTP server 192.0.2.1", off)
	}
	if r.SecondDoubted(r.now) || !strings.Contains(r.trouble(gnss.ReasonOpinionWrong), "7.000 s behind") {
		t.Errorf("contradicted %v, %v", r.SecondDoubted(r.now), r.Troubles(r.now))
	}
}

// A source that is too vague to tell a second cannot vouch for one. It contradicts one
// that is further off than it can be itself, but not one that it would agree with had
// somebody set it meanwhile, and none that is hours off.
func TestAVagueSourceContradictsButNeverVouches(t *testing.T) {
	for _, c := range []struct {
		offset, uncertain time.Duration
		guessed           bool
		want              gnss.Standing
	}{
		{100 * msec, 100 * msec, false, gnss.Agrees},
		{100 * msec, 100 * msec, true, gnss.Silent},
		{100 * msec, 700 * msec, false, gnss.Silent},
		{-2 * sec, 700 * msec, false, gnss.Differs},
		{2 * sec, 700 * msec, true, gnss.Differs},
		{2 * sec, 3 * sec, false, gnss.Silent},
		{5 * time.Hour, 700 * msec, false, gnss.Silent},
		{5 * time.Hour, 10 * msec, false, gnss.Differs},
	} {
		claim := gnss.Claim{Offset: c.offset, Uncertainty: c.uncertain, Guessed: c.guessed, Times: 2}
		if got := claim.Standing(); got != c.want {
			t.Errorf("%v off, +-%v, guessed %v: %v, want %v", c.offset, c.uncertain, c.guessed, got, c.want)
		}
	}
}
