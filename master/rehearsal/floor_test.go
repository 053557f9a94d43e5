package rehearsal

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// What a network does to its fastest packets decides, not what it does to the others.
func TestANetworkIsJudgedByTheFloorOfItsDelays(t *testing.T) {
	const us = int64(time.Microsecond)
	r := rand.New(rand.NewPCG(8, 9))
	queue := func(mean int64) int64 { return int64(r.ExpFloat64() * float64(mean)) }
	for _, c := range []struct {
		name            string
		delay           func(second int) (forward, reverse int64)
		least, most     int64 // of MTIE, ns
		leastPc, mostPc float64
	}{
		{"always the same", func(int) (int64, int64) { return 80 * us, 80 * us }, 0, 0, 100, 100},
		{"queues of 40 us", func(int) (int64, int64) { return 80*us + queue(40*us), 80*us + queue(40*us) }, 0, 1000, 80, 100},
		// A minute of heavy load each five: the fastest packets of 200 s are of the other minutes.
		{"a busy minute of five", func(s int) (int64, int64) {
			if s%300 < 60 {
				return 500*us + queue(300*us), 80 * us
			}
			return 80*us + queue(10*us), 80 * us
		}, 0, 500, 60, 95},
		// One way is 5 us longer from then on: a client is wrong by half of it.
		{"a route that changes one way", func(s int) (int64, int64) {
			if s < 400 {
				return 80*us + queue(3*us), 80 * us
			}
			return 85*us + queue(3*us), 80 * us
		}, 2300, 2700, 99, 100},
		{"a floor that creeps by 1 us in 100 s", func(s int) (int64, int64) { return 80*us + int64(s)*us/100, 80*us + int64(s)*us/100 }, 3900, 4100, 100, 100},
		// Nearly every packet waits for long: 1 of 500 passes at once.
		{"always full", func(int) (int64, int64) {
			d := 80*us + 300*us + queue(500*us)
			if r.IntN(500) == 0 {
				d = 80 * us
			}
			return d, 80 * us
		}, 0, 1 << 40, 0, 1},
	} {
		var seconds []floorSecond
		for s := range 900 {
			var forward, reverse []int64
			// The client's own clock is off, and wanders: it is in both ways.
			own := int64(s%40)*us - 20*us
			for range 32 {
				f, b := c.delay(s)
				forward, reverse = append(forward, f+own), append(reverse, b-own)
			}
			seconds = append(seconds, floorOf(forward, reverse))
		}
		n, ok := judgeFloor(seconds)
		if !ok || n.MTIENs < c.least || n.MTIENs > c.most || n.FloorPercent < c.leastPc || n.FloorPercent > c.mostPc {
			t.Errorf("%s: %+v, want MTIE %d to %d ns, %.0f to %.0f %%", c.name, n, c.least, c.most, c.leastPc, c.mostPc)
		}
		if _, ok := judgeFloor(seconds[:floorSpan-1]); ok {
			t.Errorf("%s: judged in less than ten minutes", c.name)
		}
	}
}

func TestANetworkThatIsNotGoodEnoughIsAFinding(t *testing.T) {
	for name, c := range map[string]struct {
		moves time.Duration
		want  bool
	}{"a floor that stays": {0, false}, "a floor that moves by 3 us": {3 * time.Microsecond, true}} {
		w := locked(t, world{delay: 250 * time.Microsecond, announce: good}, Config{})
		w.run(t, 0, 400)
		w.delay += c.moves
		w.run(t, 400*time.Second, 260)
		r := w.c.Report(at(660 * time.Second))
		r.Judge()
		if r.Network == nil || slices.Contains(codes(r, aWarning), "DELAY_FLOOR") != c.want || r.Verdict != "pass" {
			t.Errorf("%s: %+v, %+v", name, r.Network, r.Findings)
		}
	}
}
