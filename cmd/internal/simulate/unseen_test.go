package simulate

import (
	"testing"
	"time"

	"bragi/holdover"
)

// What a room does behind a thermometer that sticks is excused for three minutes at the most,
// and as long as pulses come only what they do not show.
func TestWhatAStuckThermometerHidesIsExcused(t *testing.T) {
	at := 2 * time.Hour
	stuck := []Event{{At: at, Do: ThermometerStuck}, {At: at, Do: TemperatureRamp, Celsius: 5, For: 20 * time.Minute}}
	cut := Event{At: at + 30*time.Second, Do: AntennaCut}
	for _, c := range []struct {
		name        string
		kind        holdover.Oscillator
		events      []Event
		least, most float64 // of what is excused, ns
	}{
		{"plain crystal, no pulses", holdover.XO, append(stuck, cut), 5000, 12_000}, // 150 ppb/C: half of 0.6 ppb/s for 2.5 minutes
		{"plain crystal, pulses", holdover.XO, stuck, 300, 1500},
		{"rubidium, no pulses", holdover.Rubidium, append(stuck, cut), 0, 1},
		{"a good thermometer", holdover.XO, append(stuck[1:], cut), 0, 0},
	} {
		most, late := 0.0, 0.0
		_, err := judgeLooking(quiet(c.kind, at+10*time.Minute, c.events...), func(*Options) {}, func(i int, j *judge, _ *simulated) error {
			if most = max(most, j.excusedNs(i)); i > int(at.Seconds())+standsMost {
				late = max(late, j.excusedNs(i))
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if most < c.least || most > c.most || late > 0 {
			t.Errorf("%s: %.0f ns are excused, want %.0f to %.0f; %.0f ns after three minutes", c.name, most, c.least, c.most, late)
		}
	}
}
