package gnss_test

import (
	"math/rand/v2"
	"testing"
	"time"

	"bragi/gnss"
	"bragi/gnss/timescale"
)

const (
	msec = time.Millisecond
	sec  = time.Second
)

// tester is what *testing.T and *rapid.T share.
type tester interface {
	Helper()
	Error(...any)
	Errorf(string, ...any)
	Fatal(...any)
}

// sky is a receiver and its pulse in raw time. Second i is start+i in TAI.
type sky struct {
	t     tester
	p     *gnss.Pairer
	leap  *timescale.LeapSeconds // what the receiver believes
	start timescale.TAI
	raw   timescale.Mono // raw time of second 0
	local timescale.Local
	shift time.Duration // the pulse's phase
	lie   time.Duration // added to the seconds that messages name
	marks []gnss.Mark
	now   timescale.Mono // of the latest pulse or message
}

func (s *sky) status() gnss.PairerStatus { return s.p.Status(s.now) }

func utc(t tester, y, mo, d, h, mi, s int) timescale.UTC {
	t.Helper()
	u, err := timescale.Date(y, mo, d, h, mi, s, 0)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func newSky(t tester) *sky {
	return &sky{t: t, p: gnss.NewPairer(gnss.PairerConfig{}), leap: timescale.Builtin(),
		start: timescale.Builtin().ToTAI(utc(t, 2026, 3, 1, 12, 0, 0)),
		raw:   timescale.MonoFromNs(1e12), local: timescale.LocalFromNs(5e9)}
}

// at is raw time of the true second i, the raw clock being 40 ppm fast.
func (s *sky) at(i int) timescale.Mono {
	return s.raw.Add(time.Duration(i)*sec + time.Duration(i)*40*time.Microsecond)
}

// pulse gives second i's pulse; a mark that names another second fails the test.
func (s *sky) pulse(i int) bool { return s.pulseAt(i, s.at(i).Add(s.shift)) }

func (s *sky) pulseAt(i int, m timescale.Mono) bool {
	s.t.Helper()
	s.now = m
	mark, ok := s.p.Edge(timescale.Edge{Local: s.local.Add(m.Sub(s.raw)), Mono: m, SigmaNs: 10})
	if !ok {
		return false
	}
	s.marks = append(s.marks, mark)
	if want := s.start.Add(time.Duration(i) * sec); mark.Second != want {
		s.t.Errorf("pulse of second %d (%v) was labelled %v", i, want, mark.Second)
	}
	return true
}

// message gives the epoch of second i, its first byte delay after the pulse.
func (s *sky) message(i int, delay time.Duration) {
	s.epochAt(s.start.Add(time.Duration(i)*sec+s.lie), s.at(i).Add(s.shift+delay))
}

func (s *sky) epochAt(tai timescale.TAI, received timescale.Mono) {
	u, leap60 := s.leap.ToUTC(tai)
	s.now = received
	s.p.Epoch(gnss.Epoch{UTC: u, Leap60: leap60, Received: received, Fix: gnss.Fix3D, Trusted: true})
}

// run gives seconds from..to-1, and returns how many were marked.
func (s *sky) run(from, to int, delay time.Duration) (marks int) {
	s.t.Helper()
	for i := from; i < to; i++ {
		if s.pulse(i) {
			marks++
		}
		s.message(i, delay)
	}
	return marks
}

// reason tells whether r is given shortly after second i.
func (s *sky) reason(i int, r gnss.Reason) bool {
	for _, trouble := range s.p.Reasons(s.at(i).Add(300 * msec)) {
		if trouble.Reason == r {
			return true
		}
	}
	return false
}

func (s *sky) expect(state gnss.PairState) {
	s.t.Helper()
	if st := s.status(); st.State != state {
		s.t.Errorf("state %v, want %v: %+v", st.State, state, st)
	}
}

func TestNoMarkBeforeThreeAgreeingEpochs(t *testing.T) {
	s := newSky(t)
	for i := range 10 {
		if got, want := s.pulse(i), i >= 3; got != want {
			t.Errorf("pulse %d marked: %v, want %v", i, got, want)
		}
		s.message(i, 120*msec)
	}
	if got := s.status().Delay; (got - 120*msec).Abs() > msec {
		t.Errorf("measured delay %v, want 120 ms", got)
	}
	if m := s.marks[0]; m.UTCOffset != 37 || m.SigmaNs != 10 {
		t.Errorf("mark %+v: want UTC offset 37 s and the edge's sigma", m)
	}
	if r := s.p.Reasons(s.at(9).Add(300 * msec)); len(r) > 0 {
		t.Errorf("troubles in a clean run: %v", r)
	}
}

func TestDelaysFrom20To950msLabel(t *testing.T) {
	for _, c := range []struct {
		delay time.Duration
		marks int
	}{
		{45 * msec, 17}, {500 * msec, 17}, {890 * msec, 17},
		{25 * msec, 10}, {940 * msec, 10}, // near the ends ten epochs must agree
	} {
		s := newSky(t)
		if n := s.run(0, 20, c.delay); n != c.marks {
			t.Errorf("delay %v: %d of 20 pulses marked, want %d", c.delay, n, c.marks)
		}
	}
}

// A message 990 ms late belongs to its pulse by 10 ms only.
func TestMessage990msLateNeverLabels(t *testing.T) {
	s := newSky(t)
	if n := s.run(0, 100, 990*msec); n != 0 {
		t.Errorf("%d marks", n)
	}
	if !s.reason(99, gnss.ReasonAmbiguous) {
		t.Error("the operator is not told")
	}
}

// Jitter carries it over the next pulse now and then, and there the message
// would seem to come 5..40 ms after the wrong pulse.
func TestMessage990msLateWithJitterNeverLabelsWrong(t *testing.T) {
	for seed := range uint64(50) {
		s := newSky(t)
		r := rand.New(rand.NewPCG(seed, 1))
		for i := range 300 {
			s.pulse(i) // fails the test if labelled wrong
			s.message(i, 990*msec+time.Duration(r.Int64N(int64(100*msec)))-50*msec)
		}
	}
}

func TestMessageBeforeItsPulseNeverLabels(t *testing.T) {
	for _, early := range []time.Duration{5 * msec, 20 * msec, 45 * msec} {
		s := newSky(t)
		if n := s.run(0, 100, -early); n != 0 {
			t.Errorf("%v early: %d marks", early, n)
		}
	}
}

func TestOneEarlyOrLateMessageChangesNothing(t *testing.T) {
	for _, delay := range []time.Duration{-300 * msec, -10 * msec, 990 * msec, 1700 * msec} {
		s := newSky(t)
		s.run(0, 10, 100*msec)
		s.pulse(10)
		s.message(10, delay)
		if n := s.run(11, 30, 100*msec); n != 19 {
			t.Errorf("delay %v once: %d of 19 pulses marked after it", delay, n)
		}
	}
}

// More sentences before the one that names the second: no disagreement.
func TestLastingChangeOfDelayIsNoFault(t *testing.T) {
	s := newSky(t)
	s.run(0, 20, 100*msec)
	if n := s.run(20, 60, 750*msec) + s.run(60, 100, 60*msec); n != 80 {
		t.Errorf("%d of 80 marked", n)
	}
}

func TestOneWrongSecondChangesNothing(t *testing.T) {
	s := newSky(t)
	s.run(0, 10, 100*msec)
	s.pulse(10)
	s.lie = 3600 * sec
	s.message(10, 100*msec)
	s.lie = 0
	if n := s.run(11, 30, 100*msec); n != 19 {
		t.Errorf("%d of 19 pulses marked after one wrong message", n)
	}
}

// A receiver that changes its mind by a whole second is a fault, and no mark
// ever follows it.
func TestWholeSecondDisagreementIsAFaultAndNeverRelabels(t *testing.T) {
	for _, lie := range []time.Duration{sec, -sec, 18 * sec, -1024 * 7 * 86400 * sec} {
		s := newSky(t)
		s.run(0, 60, 100*msec)
		s.lie = lie
		n := s.run(60, 2000, 100*msec)
		if n > 3 {
			t.Errorf("lie %v: %d marks after it began, want at most 3", lie, n)
		}
		s.expect(gnss.PairFault)
		if got := s.status().OffBySeconds; got != -int64(lie/sec) {
			t.Errorf("lie %v: count is %+d s from the messages", lie, got)
		}
		if !s.reason(1999, gnss.ReasonPulseDisagrees) {
			t.Errorf("lie %v: the operator is not told", lie)
		}
		s.lie = 0
		if n := s.run(2000, 2020, 100*msec); n != 15 {
			t.Errorf("lie %v: %d of 20 pulses marked after the receiver came to its senses, want all but 5", lie, n)
		}
	}
}

// A receiver that started with an old leap count corrects itself by 18 s: that
// takes the operator's word.
func TestResetTakesTheReceiversWord(t *testing.T) {
	s := newSky(t)
	truth := s.start
	s.start = truth.Add(-18 * sec)
	s.run(0, 20, 100*msec)
	s.start = truth
	for i := 20; i < 30; i++ {
		s.p.Edge(timescale.Edge{Local: s.local.Add(time.Duration(i) * sec), Mono: s.at(i)})
		s.message(i, 100*msec)
	}
	s.expect(gnss.PairFault)
	s.p.Reset(s.now)
	if n := s.run(30, 40, 100*msec); n != 7 {
		t.Errorf("%d of 10 pulses marked after Reset, want 7", n)
	}
}
