package gnss_test

import (
	"testing"
	"time"

	"bragi/gnss"
	"bragi/gnss/timescale"
	"pgregory.net/rapid"
)

// The kernel can deliver one event several times after a cable pull.
func TestRepeatedStampsGiveNoMark(t *testing.T) {
	s := newSky(t)
	for i := range 20 {
		s.pulse(i)
		for range 3 {
			if s.pulse(i) {
				t.Errorf("pulse %d marked again", i)
			}
		}
		s.message(i, 100*msec)
	}
	if n := len(s.marks); n != 17 {
		t.Errorf("%d marks, want 17", n)
	}
	if c := s.status().Counters; c.Duplicates != 60 || c.Glitches != 0 {
		t.Errorf("%+v, want 60 duplicates, no glitch", c)
	}
}

// The same event again, its raw time or its local time computed anew from later
// cross timestamps.
func TestARepeatedEventComputedAnewGivesNoMark(t *testing.T) {
	s := newSky(t)
	s.run(0, 10, 100*msec)
	local := s.local.Add(10 * sec)
	s.p.Edge(timescale.Edge{Local: local, Mono: s.at(10)})
	for _, e := range []timescale.Edge{
		{Local: local, Mono: s.at(10).Add(5 * msec)},
		{Local: local.Add(7), Mono: s.at(10).Add(300 * time.Microsecond)},
		{Local: local.Add(-7), Mono: s.at(10).Add(-300 * time.Microsecond)},
	} {
		if _, ok := s.p.Edge(e); ok {
			t.Errorf("%+v was marked", e)
		}
	}
	if c := s.status().Counters; c.Duplicates != 3 || c.Glitches != 0 || c.Late != 0 {
		t.Errorf("%+v, want 3 duplicates", c)
	}
}

func TestLateStampGivesNoMark(t *testing.T) {
	s := newSky(t)
	s.run(0, 10, 100*msec)
	s.pulse(11)
	if s.pulse(10) {
		t.Error("a pulse older than the last was marked")
	}
	s.message(11, 100*msec)
	if n := s.run(12, 20, 100*msec); n != 8 {
		t.Errorf("%d of 8 marked afterwards", n)
	}
	if c := s.status().Counters; c.Late != 1 {
		t.Errorf("%+v, want 1 late", c)
	}
}

func TestSecondPulseInASecondGivesNoMark(t *testing.T) {
	for _, extra := range []time.Duration{2 * msec, 200 * msec, 500 * msec, 980 * msec} {
		s := newSky(t)
		s.run(0, 10, 100*msec)
		s.pulse(10)
		if s.pulseAt(10, s.at(10).Add(extra)) {
			t.Errorf("the pulse %v after a pulse was marked", extra)
		}
		s.message(10, 100*msec)
		if n := s.run(11, 20, 100*msec); n != 9 {
			t.Errorf("%v: %d of 9 marked afterwards", extra, n)
		}
		if !s.reason(12, gnss.ReasonGlitch) {
			t.Errorf("%v: the operator is not told", extra)
		}
	}
}

// A pulse 0.2 s off instead of the right one, either way.
func TestGlitchPulseDoesNotDerail(t *testing.T) {
	for _, by := range []time.Duration{200 * msec, -200 * msec, 500 * msec} {
		s := newSky(t)
		s.run(0, 10, 100*msec)
		if s.pulseAt(10, s.at(10).Add(by)) {
			t.Errorf("the pulse %v off was marked", by)
		}
		s.message(10, 100*msec)
		if n := s.run(11, 30, 100*msec); n != 19 {
			t.Errorf("%v: %d of 19 marked afterwards", by, n)
		}
	}
}

// The very first pulse may be the bad one.
func TestAGlitchAsFirstPulseDoesNoHarm(t *testing.T) {
	s := newSky(t)
	s.pulseAt(0, s.at(0).Add(-400*msec))
	s.run(0, 20, 100*msec)
	s.expect(gnss.PairLabelled)
}

// Both edges of the pulse are stamped: which is the second cannot be told.
func TestTwoTrainsAreNeverLabelled(t *testing.T) {
	s := newSky(t)
	for i := range 100 {
		s.pulse(i)
		s.pulseAt(i, s.at(i).Add(100*msec))
		s.message(i, 300*msec)
	}
	if n := len(s.marks); n > 0 {
		t.Errorf("%d marks", n)
	}
	if !s.reason(99, gnss.ReasonPulsesPerSecond) {
		t.Error("the operator is not told")
	}
}

// A receiver that restarts may put its pulse elsewhere: three pulses, then three
// agreeing epochs, and marks are back.
func TestShiftedPulseIsLearntAnew(t *testing.T) {
	for _, shift := range []time.Duration{300 * msec, -300 * msec} {
		s := newSky(t)
		s.run(0, 20, 100*msec)
		s.shift = shift
		n := s.run(20, 40, 100*msec)
		if n < 12 || n > 15 {
			t.Errorf("shift %v: %d of 20 marked, want 12..15", shift, n)
		}
		s.expect(gnss.PairLabelled)
		if c := s.status().Counters; c.Shifts != 1 {
			t.Errorf("shift %v: %+v", shift, c)
		}
	}
}

func TestMissedPulsesAreCountedOver(t *testing.T) {
	s := newSky(t)
	s.run(0, 10, 100*msec)
	s.message(10, 100*msec)
	s.message(11, 100*msec)
	if n := s.run(12, 20, 100*msec); n != 8 {
		t.Errorf("%d of 8 marked after two missed pulses", n)
	}
	if c := s.status().Counters; c.Missed != 2 {
		t.Errorf("%+v, want 2 missed", c)
	}
}

// A pulse that is gone is counted second by second while it is gone, and so told: not
// only when it is back. The count never goes down, whatever comes next.
func TestAPulseThatIsGoneIsCountedAndToldWhileItIsGone(t *testing.T) {
	for name, back := range map[string]func(s *sky){
		"it comes back":                  func(s *sky) { s.run(100, 120, 100*msec) },
		"it comes back elsewhere":        func(s *sky) { s.shift = 300 * msec; s.run(100, 120, 100*msec) },
		"the operator forgets the label": func(s *sky) { s.p.Reset(s.at(100)); s.run(101, 120, 100*msec) },
	} {
		s := newSky(t)
		s.run(0, 20, 100*msec)
		for i := 20; i < 100; i++ {
			s.message(i, 100*msec)
			at := s.at(i).Add(700 * msec)
			st := s.p.Status(at)
			if want := uint64(i - 19); st.Counters.Missed != want {
				t.Fatalf("%s: %d missed, want %d", name, st.Counters.Missed, want)
			}
			if silent := i >= 21; silent != (st.State == gnss.PairSilent) || silent == (st.State == gnss.PairLabelled) {
				t.Fatalf("%s: %v in second %d without a pulse", name, st.State, i-19)
			}
		}
		back(s)
		if st := s.p.Status(s.now); st.State != gnss.PairLabelled || st.Counters.Missed < 80 || st.Counters.Missed > 83 {
			t.Errorf("%s: %v, %d missed, want 80 to 83", name, st.State, st.Counters.Missed)
		}
	}
}

func TestGapOfPulsesNeedsConfirmation(t *testing.T) {
	for _, gap := range []int{4, 60, 390, 600, 5000} {
		s := newSky(t)
		s.run(0, 20, 100*msec)
		first := 20 + gap
		for i := first; i < first+10; i++ {
			if got, want := s.pulse(i), i >= first+3; got != want {
				t.Errorf("gap %d s: pulse %d after it marked: %v", gap, i-first, got)
			}
			s.message(i, 100*msec)
		}
	}
}

// After the gap the receiver names other seconds than before.
func TestGapDoesNotRelabelSilently(t *testing.T) {
	for _, gap := range []int{4, 60, 700} {
		s := newSky(t)
		s.run(0, 20, 100*msec)
		s.lie = sec
		if n := s.run(20+gap, 1200+gap, 100*msec); n != 0 {
			t.Errorf("gap %d s: %d marks under a lie", gap, n)
		}
		s.expect(gnss.PairFault)
		s.lie = 0
		if n := s.run(1200+gap, 1210+gap, 100*msec); n < 5 {
			t.Errorf("gap %d s: %d of 10 marked after the lie ended", gap, n)
		}
	}
}

func TestMarksStopWithoutEpochs(t *testing.T) {
	s := newSky(t)
	s.run(0, 10, 100*msec)
	marks := 0
	for i := 10; i < 20; i++ {
		if s.pulse(i) {
			marks++
		}
	}
	if marks != 2 {
		t.Errorf("%d marks after the last epoch, want 2 (2.5 s)", marks)
	}
	if !s.reason(19, gnss.ReasonNoEpoch) {
		t.Error("the operator is not told")
	}
	// The count goes on; one epoch is enough to believe it again.
	s.message(19, 100*msec)
	if !s.pulse(20) {
		t.Error("no mark after messages came back")
	}
}

func TestUntrustedEpochsNeverLabel(t *testing.T) {
	s := newSky(t)
	for i := range 20 {
		s.pulse(i)
		s.p.Epoch(gnss.Epoch{UTC: utc(t, 2026, 3, 1, 12, 0, i), Received: s.at(i).Add(100 * msec),
			Why: []gnss.Reason{gnss.ReasonNoFix}})
	}
	if len(s.marks) > 0 {
		t.Errorf("%d marks", len(s.marks))
	}
}

// The pulse is read from its device after its message was read.
func TestAPulseReadAfterItsMessageIsMarked(t *testing.T) {
	s := newSky(t)
	for i := range 20 {
		s.message(i, 50*msec)
		s.pulse(i)
	}
	if n := len(s.marks); n < 16 {
		t.Errorf("%d of 20 marked", n)
	}
}

// A stalled CPU reads five seconds of messages at once.
func TestStallIsNoFault(t *testing.T) {
	s := newSky(t)
	s.run(0, 20, 100*msec)
	for i := 20; i < 26; i++ {
		s.pulse(i)
	}
	for i := 20; i < 26; i++ {
		s.epochAt(s.start.Add(time.Duration(i)*sec), s.at(25).Add(100*msec))
	}
	if n := s.run(26, 40, 100*msec); n != 14 {
		t.Errorf("%d of 14 marked after the stall", n)
	}
	s.expect(gnss.PairLabelled)
}

// Stepping the served clock must not matter: intervals are raw time.
func TestAStepOfTheServedClockDoesNotMatter(t *testing.T) {
	s := newSky(t)
	s.run(0, 10, 100*msec)
	s.local = timescale.LocalFromNs(1_800_000_000e9)
	if n := s.run(10, 20, 100*msec); n != 10 {
		t.Errorf("%d of 10 marked after the step", n)
	}
	if got, want := s.marks[len(s.marks)-1].Local, s.local.Add(s.at(19).Sub(s.raw)); got != want {
		t.Errorf("mark's Local %v, want %v", got, want)
	}
}

// 10 Hz: only the epochs on the second count.
func TestOnlyEpochsOnTheSecondCountAtTenHertz(t *testing.T) {
	s := newSky(t)
	for i := range 20 {
		s.pulse(i)
		for tenth := range 10 {
			off := time.Duration(tenth) * 100 * msec
			s.epochAt(s.start.Add(time.Duration(i)*sec+off), s.at(i).Add(off+40*msec))
		}
	}
	if n := len(s.marks); n != 17 {
		t.Errorf("%d marks, want 17", n)
	}
}

func leapSky(t *testing.T, believes *timescale.LeapSeconds, knows *timescale.LeapSeconds, midnight timescale.UTC) *sky {
	s := newSky(t)
	s.leap = believes
	s.p = gnss.NewPairer(gnss.PairerConfig{Book: gnss.NewLeapBook(knows)})
	s.start = believes.ToTAI(midnight).Add(-30 * sec)
	return s
}

func withLeap(t *testing.T, midnight timescale.UTC, offset int) *timescale.LeapSeconds {
	t.Helper()
	l, err := timescale.Builtin().With(midnight, offset)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// TAI counts on through 23:59:60 and through a deleted 23:59:59, and UTCOffset
// changes at the right mark.
func TestTAICountsOnThroughALeapSecondOfTheTable(t *testing.T) {
	midnight := utc(t, 2035, 7, 1, 0, 0, 0)
	for _, offset := range []int{38, 36} {
		table := withLeap(t, midnight, offset)
		s := leapSky(t, table, table, midnight)
		if n := s.run(0, 60, 100*msec); n != 57 {
			t.Errorf("offset %d: %d of 60 marked, want 57", offset, n)
		}
		s.expect(gnss.PairLabelled)
		for _, m := range s.marks {
			want := 37
			if m.Second.Sub(s.start) >= 30*sec {
				want = offset
			}
			if m.UTCOffset != want {
				t.Errorf("mark %v: UTC offset %d, want %d", m.Second, m.UTCOffset, want)
			}
		}
	}
}

// The table is old: the receiver's 23:59:60 teaches it.
func TestALeapSecondThatTheTableLacksIsLearned(t *testing.T) {
	midnight := utc(t, 2035, 7, 1, 0, 0, 0)
	s := leapSky(t, withLeap(t, midnight, 38), timescale.Builtin(), midnight)
	if n := s.run(0, 200, 100*msec); n != 197 {
		t.Errorf("%d of 200 marked, want 197", n)
	}
	s.expect(gnss.PairLabelled)
	if got := s.marks[len(s.marks)-1].UTCOffset; got != 38 {
		t.Errorf("UTC offset %d after it, want 38", got)
	}
	if c := s.status().Counters; c.LeapsObserved != 1 || c.Disagreed != 0 {
		t.Errorf("%+v, want one leap observed, no disagreement", c)
	}
}

// One message says 23:59:60 where there is none: forgotten after midnight.
func TestAFalseLeapSecondIsForgotten(t *testing.T) {
	midnight := utc(t, 2035, 7, 1, 0, 0, 0)
	s := leapSky(t, timescale.Builtin(), timescale.Builtin(), midnight)
	s.run(0, 30, 100*msec)
	s.pulse(30)
	s.p.Epoch(gnss.Epoch{UTC: midnight.Add(-sec), Leap60: true, Received: s.at(30).Add(100 * msec),
		Fix: gnss.Fix3D, Trusted: true})
	if n := s.run(31, 60, 100*msec); n != 29 {
		t.Errorf("%d of 29 marked after it", n)
	}
	if got := s.marks[len(s.marks)-1].UTCOffset; got != 37 {
		t.Errorf("UTC offset %d, want 37", got)
	}
	if s.status().Counters.LeapsObserved != 0 {
		t.Error("the false leap second was kept")
	}
}

// Whatever happens to single pulses and messages, a mark names the true second.
func TestMarksAreAlwaysTrue(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		s := newSky(rt)
		delay := time.Duration(rapid.IntRange(30, 900).Draw(rt, "delay")) * msec
		for i := range 80 {
			switch rapid.IntRange(0, 15).Draw(rt, "pulse") {
			case 15: // missing
			case 14:
				s.pulseAt(i, s.at(i).Add(time.Duration(rapid.IntRange(-400, 400).Draw(rt, "off"))*msec))
			case 13:
				s.pulse(i)
				s.pulse(i)
			case 12:
				s.pulse(i)
				s.pulseAt(i, s.at(i).Add(time.Duration(rapid.IntRange(20, 900).Draw(rt, "extra"))*msec))
			default:
				s.pulse(i)
			}
			switch rapid.IntRange(0, 15).Draw(rt, "message") {
			case 15: // missing
			case 14:
				s.lie = time.Duration(rapid.IntRange(-20, 20).Draw(rt, "lie")) * sec
				s.message(i, delay)
				s.lie = 0
			case 13:
				s.message(i, time.Duration(rapid.IntRange(-500, 1500).Draw(rt, "odd delay"))*msec)
			default:
				s.message(i, delay+time.Duration(rapid.IntRange(-25, 45).Draw(rt, "jitter"))*msec)
			}
		}
	})
}
