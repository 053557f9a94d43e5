package daemon

import (
	"errors"
	"testing"
	"time"

	"bragi/board/kernelclock"
	"bragi/cmd/internal/sntp"
	"bragi/gnss/timescale"
)

// The system clock is a witness while some program keeps it, and never with a date from
// before the program was built.
func TestTheSystemClockIsAWitnessOnlyWhileItIsSynchronised(t *testing.T) {
	now := timescale.UTCFromNs(time.Now().UnixNano())
	c := kernelclock.SystemClock{Pair: kernelclock.Pair{Mono: kernelclock.Raw(), Realtime: now}, Synchronised: true, MaxError: 20 * time.Millisecond}
	if o, ok := systemOpinion(c, nil); !ok || o.At != c.Mono || o.UTC != now || o.Uncertainty != c.MaxError {
		t.Errorf("%+v, %v", o, ok)
	}
	if _, ok := systemOpinion(c, errors.New("no such call")); ok {
		t.Error("a clock that cannot be read has an opinion")
	}
	old, free := c, c
	old.Realtime, free.Synchronised = timescale.UTCFromNs(int64(time.Hour)), false
	for _, c := range []kernelclock.SystemClock{old, free} {
		if _, ok := systemOpinion(c, nil); ok {
			t.Errorf("%+v has an opinion", c)
		}
	}
}

// One answer of three that is far off, held up or forged, is not what the server says.
func TestAServerSaysTheMedianOfItsAnswers(t *testing.T) {
	var a answers
	at, utc := timescale.MonoFromNs(1e12), timescale.UTCFromNs(1_790_000_000e9)
	for i, off := range []time.Duration{0, 3 * time.Hour, 10 * time.Millisecond, 20 * time.Millisecond, -time.Hour} {
		elapsed := time.Duration(i) * 64 * time.Second
		m, ok := a.add(sntp.Answer{At: at.Add(elapsed), UTC: utc.Add(elapsed + off), Uncertainty: time.Millisecond})
		if ok != (i >= 2) {
			t.Fatalf("answer %d: %v", i, ok)
		}
		if by := m.UTC.Sub(utc) - m.At.Sub(at); ok && (by < 0 || by > 20*time.Millisecond || m.At != at.Add(elapsed)) {
			t.Errorf("answer %d: the median is off by %v, at %v", i, by, m.At)
		}
	}
}
