package daemon

import (
	"context"
	"time"

	"bragi/board/kernelclock"
	"bragi/cmd/internal/alarms"
	"bragi/cmd/internal/refclock"
)

// feedChrony hands the time to chrony once a second, while it is traceable, until ctx
// ends.
func (d *Daemon) feedChrony(ctx context.Context, path string) {
	feed := refclock.Feed{Path: path}
	defer feed.Close()
	for pause(ctx, time.Second) {
		sample, ok := d.sample()
		if !ok {
			continue
		}
		wrong := ""
		if err := feed.Send(sample); err != nil {
			wrong = err.Error()
		}
		d.condition(alarms.Refclock, wrong)
	}
}

// sample compares the system clock with the served one; ok is false while that one's
// time is not to be told.
func (d *Daemon) sample() (s refclock.Sample, ok bool) {
	pair, err := kernelclock.ReadPair()
	if err != nil {
		return s, false
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	utc, ok := d.pipe.UTC(pair.Mono)
	return refclock.Sample{Realtime: pair.Realtime, OffsetS: utc.At.Sub(pair.Realtime).Seconds(), Leap: utc.Leap}, ok && utc.Sure && utc.BoundNs < refclock.MostNs
}
