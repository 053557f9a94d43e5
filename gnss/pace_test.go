package gnss_test

import (
	"fmt"
	"testing"
	"time"

	"bragi/gnss"
	"bragi/gnss/timescale"
)

// fractions plays 40 s of messages that name a fraction of a second, which differs from
// second to second, and come so long after that instant. It returns the marks, of which
// none is wrong.
func fractions(s *sky, fraction func(i int) time.Duration, late time.Duration) int {
	marks := 0
	for i := range 40 {
		// What names a fraction of the second before may come after this pulse.
		f := fraction(i - 1)
		if i > 0 && f+late >= sec {
			if s.pulse(i) {
				marks++
			}
			s.epochAt(s.start.Add(time.Duration(i-1)*sec+f), s.at(i).Add(f+late-sec))
		} else if i == 0 || f+late < sec {
			if s.pulse(i) {
				marks++
			}
		}
		if f = fraction(i); f+late < sec {
			s.epochAt(s.start.Add(time.Duration(i)*sec+f), s.at(i).Add(f+late))
		}
	}
	return marks
}

// A message that names a fraction of a second belongs to the pulse before that instant.
// Where a pulse lies between the instant and the message it could name an instant to
// come: then nothing is labelled, and it is told.
func TestAFractionOfASecondIsAMessagesDelay(t *testing.T) {
	for _, f := range []time.Duration{60 * msec, 299 * msec, 500 * msec, 802 * msec, 940 * msec} {
		for _, late := range []time.Duration{40 * msec, 100 * msec, 300 * msec, 700 * msec} {
			name := fmt.Sprintf("%v, %v late", f, late)
			s := newSky(t)
			marks := fractions(s, func(int) time.Duration { return f }, late)
			clear := f+late < sec
			if clear && marks < 25 {
				t.Errorf("%s: %d marks", name, marks)
			}
			if told := s.reason(39, gnss.ReasonFraction); told == clear || !clear && marks != 0 {
				t.Errorf("%s: %d marks, told: %v", name, marks, told)
			}
			if got := s.status().Delay; clear && (got-late).Abs() > 2*msec {
				t.Errorf("%s: the status says %v after the instant named", name, got)
			}
		}
	}
}

// The fraction may wander from second to second, as long as the message follows it.
func TestAFractionThatWandersLabels(t *testing.T) {
	s := newSky(t)
	if marks := fractions(s, func(i int) time.Duration { return time.Duration((i+20)/10%3) * 300 * msec }, 100*msec); marks < 25 {
		t.Errorf("%d marks: %v", marks, s.p.Reasons(s.at(39).Add(900*msec)))
	}
}

// A message that names an instant to come neither labels nor contradicts a label.
func TestAnInstantToComeIsNoContradiction(t *testing.T) {
	s := newSky(t)
	for i := range 60 {
		s.pulse(i)
		s.epochAt(s.start.Add(time.Duration(i)*sec+time.Duration(i/20)*300*msec), s.at(i).Add(100*msec))
	}
	if n := len(s.marks); n != 57 {
		t.Errorf("%d marks, want 57", n)
	}
	s.expect(gnss.PairLabelled)
}

// Where other sources of time know how late a message is, they tell which pulse is its
// own: the one before the instant, or the last one before the message.
func TestOtherSourcesOfTimeTellThePulseOfAFraction(t *testing.T) {
	for _, ahead := range []bool{false, true} {
		r := newReferenceRig(gnss.ReferenceConfig{})
		wrong, marks := 0, 0
		for i := range 40 {
			r.second++
			r.now = r.now.Add(sec)
			if p, ok := r.Edge(r.now, timescale.Edge{Local: timescale.LocalFromNs(r.second * 1e9), Mono: r.now, SigmaNs: 1}, r.held); ok {
				marks++
				if p.Local.OffsetNs(p.Second) != 0 {
					wrong++
				}
			}
			utc, _ := timescale.Builtin().ToUTC(timescale.TAIFromNs(r.second * 1e9))
			if i%3 == 0 {
				r.Opinion(gnss.Opinion{Source: "a clock", At: r.now, UTC: utc, Uncertainty: 50 * msec})
			}
			named := utc.Add(-sec + 802*msec) // 0.3 s ago
			if ahead {
				named = utc.Add(802 * msec) // in 0.7 s
			}
			r.Epoch(gnss.Epoch{UTC: named, Received: r.now.Add(102 * msec), Fix: gnss.FixTime, Trusted: true})
		}
		if marks < 30 || wrong > 0 {
			t.Errorf("instants to come: %v: %d marks, %d wrong", ahead, marks, wrong)
		}
	}
}

// One message in two to five seconds is a pace: each pulse is labelled. Messages that
// come more seldom are named.
func TestAMessageInSeveralSecondsIsAPace(t *testing.T) {
	for every := 1; every <= 8; every++ {
		s := newSky(t)
		for i := range 100 {
			s.pulse(i)
			if i%every == 0 {
				s.message(i, 120*msec)
			}
		}
		enough := every <= 5
		if enough && len(s.marks) < 80 || !enough && len(s.marks) > 0 {
			t.Errorf("each %d s: %d marks", every, len(s.marks))
		}
		if told := s.reason(99, gnss.ReasonSeldom); told == enough {
			t.Errorf("each %d s: told as too seldom: %v: %v", every, told, s.p.Reasons(s.at(99)))
		}
	}
}

// A receiver that falls silent is noticed after two and a half of its messages.
func TestASlowReceiverThatFallsSilentEndsTheMarks(t *testing.T) {
	for every := 1; every <= 5; every++ {
		s := newSky(t)
		for i := range 200 {
			if i == 100 {
				s.marks = nil
			}
			s.pulse(i)
			if i%every == 0 && i < 100 {
				s.message(i, 120*msec)
			}
		}
		if n := len(s.marks); n > 5*every/2+1 {
			t.Errorf("each %d s: %d marks in the silence", every, n)
		}
	}
}
