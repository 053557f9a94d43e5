package pipeline_test

import (
	"fmt"
	"testing"
	"time"

	"bragi/board/sim"
	"bragi/cmd/internal/pipeline"
	"bragi/cmd/internal/virtual"
	"bragi/gnss/ubx"
)

// The followed one of two receivers fails for good, or for less than the hold-off. Another
// one is good all the time: class 6 stays, whatever the hold-off is and whatever the
// receiver is, and a failure that is shorter than the hold-off changes nothing.
func TestAHoldOffNeverCostsClass6(t *testing.T) {
	for name, kind := range map[string]sim.ReceiverKind{"nmea": sim.Navigation, "m8t": sim.M8T, "timing": sim.Timing, "f9t": sim.TimingUBX} {
		for _, holdOff := range []time.Duration{0, 300 * time.Millisecond, 2 * time.Second, 5 * time.Second, 15 * time.Second} {
			for _, fails := range []string{"antenna", "wire", "wire, shortly"} {
				t.Run(fmt.Sprintf("%s, %s, %v", name, fails, holdOff), func(t *testing.T) {
					t.Parallel()
					cfg := twoReceivers()
					cfg.Rules = pipeline.Rules{HoldOff: holdOff}
					r := virtual.NewRig(t, cfg, sim.Config{Oscillator: sim.OCXO, Receiver: kind, Seed: 3, TimeToFix: 3 * time.Second})
					p := &pair{Rig: r, yard: r.Another(sim.Config{Receiver: kind, Seed: 103, TimeToFix: 4 * time.Second})}
					p.Until(3*time.Minute, "class 6", p.Class(6))
					p.Run(3 * time.Minute)
					p.watch(t)
					p.Walk = nil
					followed := "yard"
					switch fails {
					case "antenna":
						p.Board.SetAntenna(false)
					case "wire, shortly":
						p.Mute = true
						p.Run(min(holdOff, 2*time.Second)) // after a longer one the second is learned anew
						p.Mute = false
						followed = "roof"
					default:
						p.Mute = true
					}
					p.Run(40 * time.Second)
					if p.followed() != followed || !p.Class(6)() || len(p.Walk) > 1 {
						t.Errorf("follows %s, classes %v, %v", p.followed(), p.Walk, p.look("roof"))
					}
				})
			}
		}
	}
}

// Where no other one is good the hold-off keeps nothing up: class 6 ends as with one receiver.
func TestAHoldOffWaitsForNobodyWhereNoOtherIsGood(t *testing.T) {
	cfg := twoReceivers()
	cfg.Rules = pipeline.Rules{HoldOff: 15 * time.Second}
	p := newPair(t, cfg, sim.OCXO, 3)
	p.Until(3*time.Minute, "class 6", p.Class(6))
	p.Run(3 * time.Minute)
	p.yard.SetAntenna(false)
	p.Run(30 * time.Second)
	p.Board.SetAntenna(false)
	p.Run(4 * time.Second)
	if !p.Class(7)() {
		t.Errorf("class %d", p.Said.ClockClass)
	}
}

// A sign of a false sky has no hold-off, however long that is.
func TestASignOfAFalseSkyHasNoHoldOff(t *testing.T) {
	cfg := twoReceivers()
	cfg.Rules = pipeline.Rules{HoldOff: 15 * time.Second}
	r := virtual.NewRig(t, cfg, sim.Config{Oscillator: sim.OCXO, Receiver: sim.TimingUBX, Seed: 3, TimeToFix: 3 * time.Second})
	p := &pair{Rig: r, yard: r.Another(sim.Config{Receiver: sim.TimingUBX, Seed: 103, TimeToFix: 4 * time.Second})}
	p.Board.Receive(p.Now, 0, ubx.AppendMessage(nil, ubx.CfgVALSET, ubx.ValsetPayload(ubx.SetRAM, ubx.Item{Key: ubx.KeyMsgNavSTATUSUART1, Value: 1})))
	p.Until(2*time.Minute, "class 6", p.Class(6))
	p.Run(time.Minute)
	p.Walk = nil
	p.Board.SetSurroundings(0, 3)
	p.Until(5*time.Second, "yard is followed", func() bool { return p.followed() == "yard" })
	if !p.Class(6)() || len(p.Walk) > 1 {
		t.Errorf("classes %v", p.Walk)
	}
}
