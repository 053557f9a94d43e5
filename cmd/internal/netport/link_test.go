package netport

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"bragi/board"
	"bragi/cmd/internal/alarms"
	"bragi/cmd/internal/status"
	"bragi/master/udp"
)

// Without a carrier no hardware stamps are used; when it is back the clock is
// compared before they are again.
func TestLinkThatGoesAndComes(t *testing.T) {
	r := begun(t, nil)
	r.link = r.seen()
	comparedInUse := udp.Stamping{}
	r.cfg.Compare = func() { r.compared++; comparedInUse = r.server.inUse }
	for i, step := range []struct {
		what     string
		change   func()
		transmit bool
		compared int
		alarm    string
		told     string
		sets     int
	}{
		{"nothing", func() {}, true, 0, "", "", 0},
		{"no carrier", func() { r.device.link.Carrier = false; r.device.link.Changes++ }, false, 0, "eth0 has no carrier", "link down", 0},
		{"still none", func() {}, false, 0, "eth0 has no carrier", "", 0},
		{"carrier", func() { r.device.link.Carrier = true; r.device.link.Changes++ }, true, 1, "", "link up", 1},
		{"between two looks", func() { r.device.link.Changes += 2 }, true, 2, "", "link up", 1},
		{"the clock was away", func() { r.clock.absences++ }, true, 3, "", "", 1},
		{"unplugged", func() { r.device.gone = errors.New("eth0 is gone") }, false, 3, "eth0 is gone", "link down", 0},
		{"replugged under another name", func() { r.device.gone, r.device.name = nil, "eth1" }, true, 4, "", "link up", 1},
	} {
		asked := r.device.asked
		r.told = nil
		step.change()
		r.look()
		if r.server.inUse.Transmit != step.transmit || r.compared != step.compared || r.alarm(alarms.LinkDown) != step.alarm || r.device.asked-asked != step.sets {
			t.Errorf("step %d, %s: in use %+v, compared %d times, alarm %q, device set %d times", i, step.what, r.server.inUse, r.compared, r.alarm(alarms.LinkDown), r.device.asked-asked)
		}
		var want []status.LinkChanged
		if step.told != "" {
			want = []status.LinkChanged{{Interface: r.device.name, Up: step.told == "link up", Changes: r.device.link.Changes}}
		}
		if told := toldOf[status.LinkChanged](r); !slices.Equal(told, want) {
			t.Errorf("step %d, %s: told %+v, want %+v", i, step.what, told, want)
		}
	}
	if comparedInUse.Transmit || comparedInUse.Receive {
		t.Errorf("while the clock was compared the hardware's stamps were in use: %+v", comparedInUse)
	}
	if told := toldOf[status.InterfaceRenamed](r); !slices.Equal(told, []status.InterfaceRenamed{{Was: "eth0", Now: "eth1"}}) {
		t.Errorf("the new name is not told: %+v", r.told)
	}
	if got := r.server.inUse.Device; got != "eth1" {
		t.Errorf("twins leave by %s", got)
	}
}

// Hardware that writes the time into a Sync must not do so by a clock that nobody
// has looked at.
func TestWithoutCarrierTheHardwareWritesNoTime(t *testing.T) {
	r := begun(t, func(_ *Config, r *rig) { r.device.abilities = phy() })
	if r.device.set.Tx != board.TxOneStepSync {
		t.Fatalf("the device is set to %v", r.device.set.Tx)
	}
	r.device.link.Carrier = false
	if r.look(); r.device.set.Tx != board.TxStamp || r.server.inUse.OneStep {
		t.Errorf("without a carrier the device is set to %v, in use %+v", r.device.set.Tx, r.server.inUse)
	}
	r.device.link.Carrier = true
	if r.look(); r.device.set.Tx != board.TxOneStepSync || !r.server.inUse.OneStep {
		t.Errorf("with a carrier the device is set to %v, in use %+v", r.device.set.Tx, r.server.inUse)
	}
}

// An event is acted on at once; where none tells, the link is looked at four
// times a second.
func TestLinkIsWatchedByEventAndByTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		event := make(chan struct{})
		r := begun(t, func(c *Config, _ *rig) {
			c.Links = func(ctx context.Context, changed func()) error {
				for {
					select {
					case <-ctx.Done():
						return nil
					case <-event:
						changed()
					}
				}
			}
		})
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() { r.Watch(ctx); close(ended) }()
		time.Sleep(lookEvery / 2)
		synctest.Wait()
		r.device.carrier(false)
		event <- struct{}{}
		if synctest.Wait(); r.alarm(alarms.LinkDown) == "" {
			t.Error("an event is not acted on")
		}
		r.device.carrier(true)
		if synctest.Wait(); r.alarm(alarms.LinkDown) == "" {
			t.Error("looked at without a cause")
		}
		time.Sleep(lookEvery)
		if synctest.Wait(); r.alarm(alarms.LinkDown) != "" {
			t.Error("not looked at without an event")
		}
		stop()
		<-ended
	})
}

// A port without a device has no link to be watched.
func TestPortWithoutDeviceHasNoLink(t *testing.T) {
	r := begun(t, func(c *Config, _ *rig) { c.Device = nil })
	r.Watch(t.Context()) // ends
	if raised := r.Troubles(); len(raised) != 0 {
		t.Errorf("%v", raised)
	}
	if d := r.Status().Device; d.Name != "" || d.Source != "software" || d.Unicast != "no" {
		t.Errorf("%+v", d)
	}
}
