package daemon

import (
	"testing"
	"time"

	"bragi/board/sim"
	"bragi/cmd/internal/config"
)

// A reload that lowers the operator's cap ends class 7, one that raises it does
// not bring it back, and a squelch stops the service: at the next tick, without a
// restart.
func TestAReloadReachesTheClock(t *testing.T) {
	parse := func(sets ...string) *config.Config {
		t.Helper()
		cfg, _, err := config.Parse("test", []byte("[board]\nprofile = \"sim\"\n"), append([]string{"holdover.oscillator=ocxo", "holdover.learning=10s"}, sets...))
		if err != nil {
			t.Fatal(err)
		}
		return cfg
	}
	r := newRig(t, demo(), sim.Config{Oscillator: sim.OCXO, Seed: 5, TimeToFix: 3 * time.Second, StartOffset: -10 * time.Second})
	r.until(40*time.Second, "class 6", r.class(6))
	r.run(30 * time.Second)
	r.board.SetAntenna(false)
	r.until(10*time.Second, "class 7", r.class(7))
	r.run(10 * time.Second)
	r.pipe.Reconfigure(parse("holdover.max_holdover=5s"))
	r.until(time.Second, "class 52", r.class(52))
	r.pipe.Reconfigure(parse("holdover.max_holdover=1h"))
	r.run(2 * time.Second)
	if !r.class(52)() {
		t.Errorf("class %d after the cap was raised in an outage, want 52", r.said.ClockClass)
	}
	r.pipe.Reconfigure(parse("master.squelch=52"))
	r.until(time.Second, "no service", func() bool { return !r.said.Serve })
	r.pipe.Reconfigure(parse("master.squelch=\"never\""))
	r.until(time.Second, "service", r.class(52))
}
