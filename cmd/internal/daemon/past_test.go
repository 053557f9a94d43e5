package daemon

import (
	"testing"
	"time"

	"bragi/cmd/internal/status"
)

// The past is a day, a point for half a minute with the worst in it, oldest first.
func TestTheClocksPastIsADayOfTheWorst(t *testing.T) {
	var p clockPast
	begin := time.Unix(1_000_000, 0)
	ns := func(v float64) *float64 { return &v }
	const ticks = 4 * 3600 * 26
	for i := range ticks {
		now := status.ClockPoint{At: begin.Add(time.Duration(i) * 250 * time.Millisecond), TimeErrorNs: ns(1), BoundNs: ns(50), ClockClass: 6, Serving: true}
		if i == ticks-10 {
			*now.TimeErrorNs, *now.BoundNs, now.ClockClass, now.Serving = -400, 900, 7, false
		}
		p.add(now)
	}
	all := p.all()
	if len(all) != 2880 {
		t.Fatalf("%d points", len(all))
	}
	for i := 1; i < len(all); i++ {
		if d := all[i].At.Sub(all[i-1].At); d != 30*time.Second {
			t.Fatalf("point %d is %v after the one before it", i, d)
		}
	}
	if last := all[len(all)-1]; *last.TimeErrorNs != -400 || *last.BoundNs != 900 || last.ClockClass != 7 || last.Serving {
		t.Errorf("the last point has not the worst: %+v", last)
	}
	if first := all[0]; *first.TimeErrorNs != 1 || !first.Serving {
		t.Errorf("the first: %+v", first)
	}
	p.add(status.ClockPoint{At: begin}) // the time of day was set back
	if all := p.all(); len(all) != 2880 || !all[len(all)-1].At.Equal(begin) || all[len(all)-1].BoundNs != nil {
		t.Errorf("%d points, the last %+v", len(all), all[len(all)-1])
	}
}
