package simulate

import (
	"math"
	"testing"
	"time"

	"bragi/holdover"
	"bragi/holdover/quality"
)

// The board of README's first row: a plain crystal, no thermometer, the pulse by a
// GPIO. It locks while the cold board warms by 25 C, never lies, and two hours without
// an antenna cost it half an hour of class 6 at most.
func TestAPlainBoardLocksColdAndIsBackHalfAnHourAfterAnOutage(t *testing.T) {
	const cut, back, end = 4 * 3600, 6 * 3600, 7 * 3600
	at := func(s int) time.Duration { return time.Duration(s) * time.Second }
	s := &Scenario{Name: "plain board", Duration: at(end), Events: []Event{
		{At: time.Second, Do: TemperatureRamp, Celsius: 25, For: 15 * time.Minute},
		{At: at(cut), Do: AntennaCut}, {At: at(back), Do: AntennaRestore},
	}}
	for seed := range uint64(3) {
		first, outside, returned, away, lost := 0, 0, 0, 0, 0
		simulate(t, Options{Oscillator: holdover.XO, Receiver: ReceiverGPIO, NoThermometer: true, QuantumPPB: 1, Scenario: s, Seed: seed + 1,
			PulseDelay: gpioDelay, PulseUncertainty: gpioUncertainty,
			Look: func(second int, r holdover.Report, a quality.Announcement, errorNs float64) {
				six := a.Serve && a.ClockClass == 6
				if six {
					away = 0
				}
				if (six || a.ClockClass == classInSpec) && math.Abs(errorNs) > r.BoundNs {
					outside++
				}
				switch {
				case six && first == 0:
					first = second
				case !six && second > int(dueAfterStart.Seconds()) && second < cut:
					if away++; away > awayMost {
						lost = away
					}
				case six && second >= back && returned == 0:
					returned = second - back
				}
			}})
		if first == 0 || first > int(dueAfterStart.Seconds()) {
			t.Errorf("seed %d: class 6 after %d s, limit %v", seed+1, first, dueAfterStart)
		}
		if returned == 0 || returned > int(dueAfterOutage.Seconds()) {
			t.Errorf("seed %d: class 6 again %d s after the outage, limit %v", seed+1, returned, dueAfterOutage)
		}
		if outside > outsideMost || lost > 0 {
			t.Errorf("seed %d: outside the bound for %d s, without class 6 for %d s in a row while the pulse was good", seed+1, outside, lost)
		}
	}
}
