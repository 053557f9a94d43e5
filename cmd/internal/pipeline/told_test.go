package pipeline_test

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"bragi/board/sim"
	"bragi/cmd/internal/alarms"
	"bragi/cmd/internal/pipeline"
	"bragi/gnss/timescale"
)

// A receiver of two falls silent, in every way, before or after it was ordered: without a
// pulse for three seconds it is never good, and a forced one that is silent is not class 6.
func TestAReferenceWithoutAPulseIsNeverGood(t *testing.T) {
	for name, silence := range map[string]func(b *sim.Board){
		"power-cycled": (*sim.Board).PowerCycle,
		"cut":          func(b *sim.Board) { b.SetAntenna(false) },
	} {
		for _, order := range []pipeline.SwitchOrder{pipeline.Automatic, pipeline.Manual, pipeline.Forced} {
			for _, before := range []time.Duration{0, 2500 * time.Millisecond, 8 * time.Second} {
				t.Run(fmt.Sprintf("%s, %v, %v before", name, order, before), func(t *testing.T) {
					t.Parallel()
					p := newPair(t, twoReceivers(), sim.OCXO, 3)
					p.yard = newReceiver(t, p, sim.Config{Receiver: sim.Timing, Seed: 103, TimeToFix: 25 * time.Second})
					p.Beside[0] = p.yard
					p.Until(2*time.Minute, "class 6", p.Class(6))
					p.Run(3 * time.Minute)
					ordered := timescale.Mono{}
					p.Watch = func() {
						look := p.Pipe.Look(p.Now)
						for _, r := range look.References {
							if r.Kind != pipeline.Internal && r.Good && r.PulseAge > 3.1 {
								t.Fatalf("%s is good, %.1f s after its last pulse", r.Name, r.PulseAge)
							}
							if r.Name == "yard" && r.Order == pipeline.Forced && r.PulseAge > 3.5 && p.Now.Sub(ordered) > 500*time.Millisecond && look.Announcement.ClockClass == 6 {
								t.Fatalf("class 6, and what is forced is silent for %.1f s", r.PulseAge)
							}
						}
					}
					silence(p.yard)
					p.Run(before)
					if order != pipeline.Automatic {
						_ = p.Pipe.Switch(p.Now, "yard", order == pipeline.Forced) // what is not good is refused
						ordered = p.Now
					}
					p.Run(20 * time.Second)
				})
			}
		}
	}
}

// One of two receivers moves, and is named: how far it is off is told by one number in all
// that is read at one moment, however it moves on, and nobody is accused before it is known
// who is wrong.
func TestHowFarAReferenceIsOffIsOneNumber(t *testing.T) {
	for _, order := range []pipeline.SwitchOrder{pipeline.Automatic, pipeline.Forced} {
		for _, which := range []string{"roof", "yard"} {
			for name, lie := range map[string]sim.Lie{"it runs away": {DriftNs: 60}, "it jumps": {LateNs: 900}} {
				t.Run(fmt.Sprintf("%v, %s, %s", order, which, name), func(t *testing.T) {
					t.Parallel()
					p := newPair(t, twoReceivers(), sim.OCXO, 3)
					p.Until(2*time.Minute, "class 6", p.Class(6))
					p.Run(3 * time.Minute)
					if order == pipeline.Forced {
						if err := p.Pipe.Switch(p.Now, which, true); err != nil {
							t.Fatal(err)
						}
						p.Run(5 * time.Second)
					}
					told := 0
					p.Watch = func() {
						look := p.Pipe.Look(p.Now)
						for i, r := range look.References {
							if detail := alarmDetail(p.Rig, alarms.PulseRejected); strings.Contains(detail, "roof and yard") {
								t.Fatalf("both are accused: %s", detail)
							}
							if !r.Odd {
								continue
							}
							if detail := alarmDetail(p.Rig, alarms.PulseRejected); strings.Contains(detail, "not known") {
								t.Fatalf("%s is odd, and the alarm says %s", r.Name, detail)
							}
							ahead := r.AheadNs // of the one that is followed: what the other one is behind
							if math.IsNaN(ahead) {
								ahead = look.References[1-i].AheadNs
							}
							off, err := time.ParseDuration(strings.Fields(r.Why)[0])
							if err != nil || math.Abs(math.Abs(ahead)-float64(off)) > 50 {
								t.Fatalf("%s is %q, and %.0f ns off on the screen", r.Name, r.Why, ahead)
							}
							if told++; r.Followed && !strings.Contains(alarmDetail(p.Rig, alarms.ReferenceOdd), "it is followed by force") {
								t.Fatalf("it is followed: %s", alarmDetail(p.Rig, alarms.ReferenceOdd))
							}
						}
					}
					board := map[string]*sim.Board{"roof": p.Board, "yard": p.yard}[which]
					board.Lie(lie)
					p.Run(40 * time.Second)
					if told == 0 {
						t.Error("nobody was named")
					}
				})
			}
		}
	}
}
