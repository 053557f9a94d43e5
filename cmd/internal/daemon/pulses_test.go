package daemon

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"bragi/board"
	"bragi/cmd/internal/alarms"
	"bragi/cmd/internal/pipeline"
	"bragi/gnss"
	"bragi/gnss/timescale"
)

// silent is an input without a pulse.
type silent struct{}

func (silent) ReadEdge(ctx context.Context) (timescale.Edge, error) {
	<-ctx.Done()
	return timescale.Edge{}, ctx.Err()
}

func (silent) Close() error { return nil }

// However long the pulse's device was away, it is used, and missed no more, a
// second after it is back.
func TestPulseDeviceIsBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var back atomic.Bool
		d := &Daemon{outside: map[alarms.Code]string{}, devices: &devices{openPulses: func() (board.Pulses, error) {
			if !back.Load() {
				return nil, errors.New("/dev/pps0: no such file")
			}
			return silent{}, nil
		}}}
		missed := func() string {
			synctest.Wait()
			d.mu.Lock()
			defer d.mu.Unlock()
			return d.outside[alarms.PulseDevice]
		}
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() { d.pulses(ctx); close(ended) }()
		time.Sleep(time.Hour + time.Millisecond)
		if missed() == "" {
			t.Error("no alarm while it is away")
		}
		back.Store(true)
		time.Sleep(time.Second)
		if told := missed(); told != "" {
			t.Errorf("a second after it is back: %s", told)
		}
		stop()
		<-ended
	})
}

// An input that is on and stamps nothing, while the receiver has the time, is told with
// what is known of its driver; not one that has stamped, is not open, or has no receiver.
func TestAnInputThatStampsNothingIsTold(t *testing.T) {
	at := timescale.MonoFromNs(1e12)
	for name, c := range map[string]struct {
		pulse   string
		on      timescale.Mono
		stamped bool
		hasTime bool
		driver  string
		says    string // "": nothing
	}{
		"stmmac of old":      {"extts:0", at.Add(-time.Minute), false, true, "stmmac ptp", "extts:0 of stmmac ptp for 1m0s; this is stmmac on Linux 6.6.31, which turns no stamps on: it needs Linux 6.7 or later"},
		"another driver":     {"extts:1", at.Add(-time.Minute), false, true, "igb", "extts:1 of igb for 1m0s"},
		"it has stamped":     {"extts:0", at.Add(-time.Minute), true, true, "stmmac ptp", ""},
		"just opened":        {"extts:0", at.Add(-time.Second), false, true, "stmmac ptp", ""},
		"not open":           {"extts:0", timescale.Mono{}, false, true, "stmmac ptp", ""},
		"no time":            {"extts:0", at.Add(-time.Minute), false, false, "stmmac ptp", ""},
		"an interrupt's pin": {"/dev/pps0", at.Add(-time.Minute), false, true, "stmmac ptp", ""},
	} {
		d := &Daemon{devices: &devices{pulse: c.pulse}, pulseOn: c.on, stamped: c.stamped}
		look := &pipeline.Look{At: at, Reference: gnss.ReferenceStatus{HasTime: c.hasTime}}
		if got := d.unstamped(look, c.driver, "6.6.31"); got != c.says {
			t.Errorf("%s: %q", name, got)
		}
	}
}
