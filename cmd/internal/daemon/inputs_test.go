package daemon

import (
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"

	"bragi/board/sim"
	"bragi/cmd/internal/alarms"
	"bragi/cmd/internal/config"
	"bragi/cmd/internal/status"
	"bragi/gnss/port"
	"bragi/gnss/timescale"
)

// A receiver that is not that of [gnss] is set up by the same rules: what fails is an
// alarm that names it, and what its place may be wrong by is in the bound while it is
// followed.
func TestASecondReceiversSetUpIsToldAndItsPlaceIsDoubted(t *testing.T) {
	b := newBreaker(t, sim.OCXO, 1)
	b.Run(3 * time.Minute)
	cfg := &config.Config{GNSS: config.GNSS{Configure: true, Protocol: "ubx"}}
	in := &input{Reference: config.Reference{Name: "yard"}, index: 1, receiver: newReceiver(cfg)}
	now := timescale.MonoFromNs(1e9)
	in.receiver.event(now, port.Event{Kind: port.Opened, Baud: 9600})
	for range 600 { // nobody answers
		now = now.Add(100 * time.Millisecond)
		in.receiver.machine.Next(now)
	}
	d := &Daemon{diary: newDiary(zap.NewNop(), func(status.Record) {}), pipe: b.Pipe, outside: map[alarms.Code]string{}, keep: &keeper{}, devices: &devices{receiver: newReceiver(&config.Config{}), others: []*input{in}}}
	d.tellReceiver()
	if detail := d.outside[alarms.ReceiverSetup]; !strings.HasPrefix(detail, "yard: ") {
		t.Errorf("the alarm says %q", detail)
	}
}
