package setup_test

import (
	"testing"
	"time"

	"bragi/board/sim"
	"bragi/gnss/setup"
	"bragi/gnss/timescale"
)

// BenchmarkWatching is what a set-up receiver costs: one second of its messages.
func BenchmarkWatching(b *testing.B) {
	board, err := sim.New(sim.Config{Receiver: sim.F9T, SurveySpeed: 100}, timescale.MonoFromNs(begin), skyAtStart)
	if err != nil {
		b.Fatal(err)
	}
	m, now := setup.New(timing()), timescale.MonoFromNs(begin)
	m.Opened(now, 0)
	var seconds [10][]byte // of a receiver that is set up
	n := 0
	for i := 0; i < 600 && n < 10*10; i++ {
		now = now.Add(100 * time.Millisecond)
		for _, e := range board.Advance(now, skyAtStart.Add(now.Sub(timescale.MonoFromNs(begin)))) {
			m.Feed(now, e.Bytes)
			if m.Status().Mode.State == setup.ModeFixed {
				seconds[n/10] = append(seconds[n/10], e.Bytes...)
			}
		}
		if text, _ := m.Next(now); text != nil {
			board.Receive(now, 0, text)
		}
		if m.Status().Mode.State == setup.ModeFixed {
			n++
		}
	}
	bytes := 0
	for _, s := range seconds {
		bytes += len(s)
	}
	if bytes < 1000 {
		b.Fatalf("only %d bytes in ten seconds", bytes)
	}
	b.SetBytes(int64(bytes) / 10)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		now = now.Add(time.Second)
		m.Feed(now, seconds[i%10])
		m.Next(now)
	}
}
