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
