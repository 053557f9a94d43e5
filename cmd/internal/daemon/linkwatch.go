package daemon

import (
	"context"
	"fmt"
	"time"

	"go.uber.org/zap"

	"bragi/board"
	"bragi/cmd/internal/alarms"
	"bragi/cmd/internal/syslog"
	"bragi/master/udp"
)

// The interface: drivers begin their clock anew, and forget what they were asked
// to stamp, when the link comes up or the device is replugged. So without a
// carrier the hardware's stamps are not used, and when it is back the clock is
// compared with CLOCK_MONOTONIC_RAW, and put back, before they are again. Until
// then a Sync tells the time by the clock's line, which no driver resets.

// lookEvery is how often the link is looked at where no event tells.
const lookEvery = 250 * time.Millisecond

// linkState is what was last seen of the interface.
type linkState struct {
	link     board.Link
	gone     error // why it cannot be looked at
	name     string
	absences int  // of the clock
	disarmed bool // the hardware's stamps are not used
}

// watchLink looks at the interface until ctx ends.
func (d *Daemon) watchLink(ctx context.Context, server *udp.Server) {
	nic := d.devices.hardware.nic
	if nic == nil {
		return
	}
	events := make(chan struct{}, 1)
	go func() {
		err := board.WatchLinks(ctx, func() {
			select {
			case events <- struct{}{}:
			default:
			}
		})
		if err != nil {
			d.log.Warn(err.Error(), syslog.Event("LINK"))
		}
	}()
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	var last linkState
	last.link, last.gone = nic.Link()
	last.name, last.absences = nic.Name(), d.clockAbsences()
	for {
		select {
		case <-ctx.Done():
			return
		case <-events:
		case <-tick.C:
		}
		if ctx.Err() != nil {
			return
		}
		d.lookAtLink(server, &last)
	}
}

// lookAtLink acts on what has changed.
func (d *Daemon) lookAtLink(server *udp.Server, last *linkState) {
	nic := d.devices.hardware.nic
	link, gone := nic.Link()
	now := linkState{link: link, gone: gone, name: nic.Name(), absences: d.clockAbsences(), disarmed: last.disarmed}
	up := gone == nil && link.Carrier
	flapped := now.gone == nil && (link.Changes != last.link.Changes || last.gone != nil)
	if !up && !now.disarmed {
		d.disarm(server)
		now.disarmed = true
	}
	if up && (now.disarmed || flapped || now.absences != last.absences) {
		d.compareClock()
		d.rearmAfter(server)
		now.disarmed = false
	}
	switch {
	case gone != nil:
		d.condition(alarms.LinkDown, gone.Error())
	case !link.Carrier:
		d.condition(alarms.LinkDown, now.name+" has no carrier")
	default:
		d.condition(alarms.LinkDown, "")
	}
	if now.name != last.name {
		d.log.Warn(fmt.Sprintf("the interface %s is now named %s", last.name, now.name), syslog.Event("LINK"))
	}
	if was := last.gone == nil && last.link.Carrier; was != up || flapped {
		d.log.Warn("link "+map[bool]string{true: "up", false: "down"}[up], syslog.Event("LINK"), zap.String("interface", now.name), zap.Uint64("changes", link.Changes))
	}
	*last = now
}

// compareClock compares the clock with CLOCK_MONOTONIC_RAW, and puts it back
// when somebody, the driver for one, has set it.
func (d *Daemon) compareClock() {
	if _, err := d.devices.clock.Cross(); err != nil {
		return // the clock's own alarm tells
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.pipe.GuardClock(board.Raw())
}

// clockAbsences is how often the clock was away.
func (d *Daemon) clockAbsences() int {
	if c, ok := d.devices.clock.(interface{ Trouble() board.Trouble }); ok {
		return c.Trouble().Absences
	}
	return 0
}

// disarm leaves the time in a Sync to the clock's line and the kernel's stamps.
func (d *Daemon) disarm(server *udp.Server) {
	d.mu.Lock()
	defer d.mu.Unlock()
	h := &d.devices.hardware
	if a := h.abilities; !a.HardwareTx && !a.HardwareRx {
		return
	}
	if d.stamps.inUse.OneStep {
		// Else the hardware writes the time of a clock that nobody has looked at.
		_, _ = h.nic.SetStamping(board.TxStamp, board.RxPTPv2L4Event) // a device that is gone writes nothing
	}
	d.stamps.inUse, d.stamps.disarmed = udp.Stamping{TwoStep: d.stamps.inUse.TwoStep}, true
	server.SetStamping(d.stamps.inUse)
}

// rearmAfter asks the interface, which may be another one, for its stamps again.
func (d *Daemon) rearmAfter(server *udp.Server) {
	d.mu.Lock()
	defer d.mu.Unlock()
	h := &d.devices.hardware
	h.choose(d.cfg, d.devices.clock)
	d.stamps.broken, d.stamps.disarmed = "", false // it gets another chance
	delete(d.outside, alarms.HardwareStamps)
	if a := h.abilities; a.HardwareTx || a.HardwareRx {
		d.rearm(server)
		return
	}
	d.writeOrigins(server)
}
