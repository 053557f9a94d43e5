package gnss_test

import (
	"testing"
	"time"

	"bragi/gnss"
)

// next gives the receiver's word about the pulse of second i+1, delay after the
// pulse of second i.
func (s *sky) next(i int, delay time.Duration, lie int, qErrPs int64) {
	s.p.NextPulse(gnss.NextPulse{Received: s.at(i).Add(s.shift + delay),
		Second: gnss.Some(s.start.Add(time.Duration(i+1+lie) * sec)), QErrPs: gnss.Some(qErrPs)})
}

// Three words about the next pulse label, without any message; the sawtooth is
// joined to the pulse that it was told for.
func TestThreeNextPulsesLabelWithoutAnyMessage(t *testing.T) {
	for _, delay := range []time.Duration{30 * msec, 400 * msec, 940 * msec} {
		s := newSky(t)
		for i := range 10 {
			s.pulse(i)
			s.next(i, delay, 0, int64(i+1))
		}
		if len(s.marks) != 7 {
			t.Errorf("%v after the pulse: %d marks, want 7", delay, len(s.marks))
		}
		for _, m := range s.marks {
			if want := gnss.Some(int64(m.Second.Sub(s.start) / sec)); m.QErrPs != want {
				t.Errorf("the pulse of %v has the sawtooth %+v, want %+v", m.Second, m.QErrPs, want)
			}
		}
		if st := s.status(); !st.NextPulse || st.State != gnss.PairLabelled {
			t.Errorf("%v: %+v", delay, st)
		}
	}
}

// They have the word before messages that name a second too few: the label is
// theirs, and the messages are late, not wrong.
func TestNextPulsesHaveTheWordBeforeLateMessages(t *testing.T) {
	s := newSky(t)
	s.lie = -sec // 1.3 s after their own pulse
	for i := range 20 {
		s.pulse(i)
		s.next(i, 100*msec, 0, 0)
		s.message(i, 300*msec)
	}
	s.expect(gnss.PairLabelled)
	if c := s.status().Counters; c.LateMessages < 15 || c.Disagreed != 0 || len(s.marks) != 17 {
		t.Errorf("%d marks, %+v", len(s.marks), c)
	}
	if !s.reason(19, gnss.ReasonLateMessages) {
		t.Error("the lateness is not told")
	}
}

// Said so near to a pulse that the next one cannot be told, they label nothing,
// and messages do.
func TestNextPulsesSaidNearAPulseLabelNothing(t *testing.T) {
	for _, delay := range []time.Duration{2 * msec, 985 * msec} {
		s := newSky(t)
		for i := range 6 {
			s.pulse(i)
			if delay < 500*msec {
				s.next(i, delay, 7, 0) // wrong, to see that they are not heard
				s.message(i, 200*msec)
			} else {
				s.message(i, 200*msec)
				s.next(i, delay, 7, 0)
			}
		}
		if len(s.marks) != 3 {
			t.Errorf("%v after the pulse: %d marks, want 3", delay, len(s.marks))
		}
	}
}

// Once labelled, five that contradict are a fault, which five that agree end;
// one, or four, are nothing.
func TestFiveContradictingNextPulsesAreAFault(t *testing.T) {
	s := newSky(t)
	for i := range 6 {
		s.pulse(i)
		s.next(i, 100*msec, 0, 0)
	}
	for i := 6; i < 10; i++ {
		s.pulse(i)
		s.next(i, 100*msec, 1, 0)
	}
	s.pulse(10)
	s.expect(gnss.PairLabelled)
	s.next(10, 100*msec, 1, 0)
	s.pulse(11)
	s.expect(gnss.PairFault)
	marks := len(s.marks)
	for i := 11; i < 17; i++ {
		s.next(i, 100*msec, 0, 0)
		if s.pulse(i+1) && i < 15 {
			t.Errorf("a mark in the fault, at %d", i+1)
		}
	}
	s.expect(gnss.PairLabelled)
	if len(s.marks) <= marks {
		t.Error("no mark after the fault")
	}
}

// The same word twice, as over two ports, is one.
func TestANextPulseSaidTwiceIsOne(t *testing.T) {
	s := newSky(t)
	for i := range 10 {
		s.pulse(i)
		for range 3 {
			s.next(i, 100*msec, 0, 0)
		}
	}
	if c := s.status().Counters; len(s.marks) != 7 || c.NextPulses != 10 {
		t.Errorf("%d marks, %+v", len(s.marks), c)
	}
}
