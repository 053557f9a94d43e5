package daemon

import (
	"context"
	"fmt"
	"strings"
	"time"

	"bragi/board"
	"bragi/cmd/internal/alarms"
	"bragi/cmd/internal/pipeline"
	"bragi/gnss/timescale"
)

// pulses hands on the receiver's pulses until ctx ends. A device that fails is
// opened again and again, which costs next to nothing; an alarm says so.
func (d *Daemon) pulses(ctx context.Context) {
	for ctx.Err() == nil {
		err := d.readPulses(ctx, func() {
			d.condition(alarms.PulseDevice, "")
			d.pulseIs(board.Raw())
		})
		d.pulseIs(timescale.Mono{})
		if ctx.Err() != nil {
			return
		}
		d.condition(alarms.PulseDevice, err.Error())
		select {
		case <-ctx.Done():
		case <-time.After(pulsePause):
		}
	}
}

// pulseIs notes that the pulse's device is open since then; zero: it is not.
func (d *Daemon) pulseIs(open timescale.Mono) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.pulseOn, d.stamped = open, false
}

// unstampedFor is how long an input that is on, of a receiver that has the time, may
// stamp nothing.
const unstampedFor = 10 * time.Second

// unstamped says that the input of a PTP clock stamps nothing, and why that may be; ""
// where it does, or where nothing can be told. The caller holds the lock.
func (d *Daemon) unstamped(look *pipeline.Look, driver, release string) string {
	on := look.At.Sub(d.pulseOn)
	if !strings.HasPrefix(d.devices.pulse, "extts:") || d.pulseOn.IsZero() || d.stamped || on < unstampedFor || !look.Reference.HasTime {
		return ""
	}
	text := fmt.Sprintf("%s of %s for %v", d.devices.pulse, driver, on.Round(time.Second))
	if advice := board.SnapshotAdvice(driver, release); advice != "" {
		text += "; " + advice
	}
	return text
}

// pulsePause is how long a pulse's device that failed is left alone.
const pulsePause = time.Second

func (d *Daemon) readPulses(ctx context.Context, opened func()) error {
	source, err := d.devices.openPulses()
	if err != nil {
		return err
	}
	defer source.Close()
	opened()
	for {
		edge, err := source.ReadEdge(ctx)
		if err != nil {
			return err
		}
		d.mu.Lock()
		d.stamped = true
		d.pipe.Edge(board.Raw(), edge)
		d.keep.changed()
		d.mu.Unlock()
	}
}
