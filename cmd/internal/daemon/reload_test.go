package daemon

import (
	"testing"
	"time"

	"bragi/board/sim"
	"bragi/cmd/internal/config"
	"bragi/cmd/internal/virtual"
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
	reconfigure := func(r *virtual.Rig, c *config.Config) {
		r.Pipe.Reconfigure(c.Servo(), c.Master.QualityProfile(), c.Master.Squelch)
	}
	r := virtual.NewRig(t, virtual.Demo(), sim.Config{Oscillator: sim.OCXO, Seed: 5, TimeToFix: 3 * time.Second, StartOffset: -10 * time.Second})
	r.Until(40*time.Second, "class 6", r.Class(6))
	r.Run(30 * time.Second)
	r.Board.SetAntenna(false)
	r.Until(10*time.Second, "class 7", r.Class(7))
	r.Run(10 * time.Second)
	reconfigure(r, parse("holdover.max_holdover=5s"))
	r.Until(time.Second, "class 52", r.Class(52))
	reconfigure(r, parse("holdover.max_holdover=1h"))
	r.Run(2 * time.Second)
	if !r.Class(52)() {
		t.Errorf("class %d after the cap was raised in an outage, want 52", r.Said.ClockClass)
	}
	reconfigure(r, parse("master.squelch=52"))
	r.Until(time.Second, "no service", func() bool { return !r.Said.Serve })
	reconfigure(r, parse("master.squelch=\"never\""))
	r.Until(time.Second, "service", r.Class(52))
}
