package pipeline_test

import (
	"testing"
	"time"

	"bragi/board/sim"
	"bragi/cmd/internal/virtual"
	"bragi/gnss/timescale"
)

// The table of leap seconds has expired. Until the next end of June or December its
// offset still holds. After it currentUtcOffsetValid is clear, unless a receiver
// vouches for the count.
func TestTheUTCOffsetIsValidAsLongAsNoLeapSecondCanBeMissing(t *testing.T) {
	expiry := timescale.Builtin().ToTAI(timescale.Builtin().Expires()) // 28 June
	for _, c := range []struct {
		name     string
		begin    timescale.TAI
		receiver sim.ReceiverKind
		want     bool
	}{
		{"before the expiry", expiry.Add(-24 * time.Hour), sim.Navigation, true},
		{"two days after it", expiry.Add(2 * 24 * time.Hour), sim.Navigation, true},
		{"after the end of June", expiry.Add(4 * 24 * time.Hour), sim.Navigation, false},
		{"with a receiver that vouches", expiry.Add(4 * 24 * time.Hour), sim.TimingUBX, true},
	} {
		r := virtual.NewRigAt(t, virtual.Demo(), sim.Config{Oscillator: sim.OCXO, Receiver: c.receiver, Seed: 3, TimeToFix: 3 * time.Second}, c.begin)
		r.Until(2*time.Minute, "class 6", r.Class(6))
		if got := r.Pipe.Look(r.Now).Announcement.CurrentUTCOffsetValid; got != c.want {
			t.Errorf("%s: currentUtcOffsetValid %v", c.name, got)
		}
		// UTC is known as the receiver names it, whatever the table says.
		utc, ok := r.Pipe.UTC(r.Now)
		sky, _ := timescale.Builtin().ToUTC(r.Sky(r.Now))
		if !ok || utc.Sure != c.want || utc.At.Sub(sky).Abs() > time.Millisecond {
			t.Errorf("%s: UTC %v, known %v, sure %v, of the sky %v", c.name, utc.At, ok, utc.Sure, sky)
		}
	}
}
