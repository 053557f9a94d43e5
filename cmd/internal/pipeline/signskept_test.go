package pipeline_test

import (
	"fmt"
	"testing"
	"time"

	"bragi/board/sim"
	"bragi/cmd/internal/alarms"
	"bragi/cmd/internal/virtual"
	"bragi/gnss/ubx"
)

// Each sign that the pulses are not to be believed holds over a restart, of however long a
// stop, until the receiver itself says otherwise: no class 6 meanwhile, and the alarm stands.
func TestARestartEndsNoDistrust(t *testing.T) {
	for _, c := range signs {
		for _, away := range []time.Duration{200 * time.Millisecond, time.Second, 5 * time.Second} {
			t.Run(fmt.Sprintf("%s/%v", c.name, away), func(t *testing.T) {
				t.Parallel()
				u := goodSky()
				r := lockedRig(t, u, virtual.SkyAtBegin)
				r.Run(2 * time.Minute)
				c.do(u)
				r.Run(20 * time.Second)
				if !alarmed(r, c.code) {
					t.Fatalf("alarms %v", r.Pipe.Look(r.Now).Troubles)
				}
				began := r.Now
				r.Watch = func() {
					if r.Said.ClockClass == 6 || !alarmed(r, c.code) {
						t.Fatalf("%v after the restart: class %d, alarms %v", r.Now.Sub(began), r.Said.ClockClass, r.Pipe.Look(r.Now).Troubles)
					}
				}
				for range 3 {
					if err := r.Restart(away); err != nil {
						t.Fatal(err)
					}
					began = r.Now
					r.Run(12 * time.Second)
				}
				r.Watch = nil
				c.undo(u)
				r.Until(90*time.Second, "class 6 again", r.Class(6))
				if alarmed(r, c.code) {
					t.Error("the alarm stays")
				}
			})
		}
	}
}

// All of three receivers report spoofing, in a message that comes seldom. A restart lets none of
// them in: not for a second, and not at class 7.
func TestARestartFollowsNoSpoofedReceiver(t *testing.T) {
	for _, wait := range []time.Duration{time.Second, 5 * time.Minute} {
		cfg := twoReceivers()
		cfg.Servo.WaitToRestore = wait
		r := virtual.NewRig(t, cfg, sim.Config{Oscillator: sim.OCXO, Receiver: sim.TimingUBX, Seed: 3, TimeToFix: 3 * time.Second})
		p := &pair{Rig: r, yard: r.Another(sim.Config{Receiver: sim.TimingUBX, Seed: 103, TimeToFix: 4 * time.Second})}
		for _, b := range []*sim.Board{p.Board, p.yard} {
			b.Receive(p.Now, 0, ubx.AppendMessage(nil, ubx.CfgVALSET, ubx.ValsetPayload(ubx.SetRAM, ubx.Item{Key: ubx.KeyMsgNavSTATUSUART1, Value: 3})))
		}
		p.Until(2*time.Minute, "class 6", p.Class(6))
		p.Run(time.Minute)
		p.Board.SetSurroundings(0, 2)
		p.yard.SetSurroundings(0, 2)
		p.Run(30 * time.Second)
		if err := p.Restart(time.Second); err != nil {
			t.Fatal(err)
		}
		began := p.Now
		p.Watch = func() {
			if p.Class(6)() || p.followed() != "internal" || !alarmed(p.Rig, alarms.Spoofing) {
				t.Fatalf("%v after the restart: class %d, follows %s, roof %+v", p.Now.Sub(began), p.Said.ClockClass, p.followed(), p.look("roof"))
			}
		}
		p.Run(time.Minute)
		p.Watch = nil
		p.Board.SetSurroundings(0, 1)
		p.yard.SetSurroundings(0, 1)
		p.Until(wait+time.Minute, "class 6 again", p.Class(6))
	}
}
