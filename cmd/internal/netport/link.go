package netport

import (
	"context"
	"time"

	"bragi/board"
	"bragi/cmd/internal/status"
	"bragi/master/udp"
)

// The link: drivers begin their clock anew, and forget what they were asked to
// stamp, when the link comes up or the device is replugged. So without a carrier
// the hardware's stamps are not used, and when it is back the clock is compared
// with CLOCK_MONOTONIC_RAW, and put back, before they are again. Until then a Sync
// tells the time by the clock's line, which no driver resets.

// lookEvery is how often the link is looked at where no event tells.
const lookEvery = 250 * time.Millisecond

// linkState is what is seen of the interface; the zero value: it is not watched.
type linkState struct {
	board.Link
	gone     error // why it cannot be looked at
	name     string
	absences int // of the clock
}

func (s *linkState) up() bool { return s.gone == nil && s.Carrier }

// down is why nothing can be sent; empty: nothing is known against it.
func (s *linkState) down() string {
	switch {
	case s.gone != nil:
		return s.gone.Error()
	case s.name != "" && !s.Carrier:
		return s.name + " has no carrier"
	}
	return ""
}

// Watch looks at the link until ctx ends.
func (p *Port) Watch(ctx context.Context) {
	if p.cfg.Device == nil {
		return
	}
	events := make(chan struct{}, 1)
	go func() {
		err := p.cfg.Links(ctx, func() {
			select {
			case events <- struct{}{}:
			default:
			}
		})
		if err != nil {
			p.cfg.Tell(status.LinkUnwatched{Why: err.Error()})
		}
	}()
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	first := p.seen()
	p.mu.Lock()
	p.link = first
	p.mu.Unlock()
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
		p.look()
	}
}

// seen is the link as it is now.
func (p *Port) seen() linkState {
	s := linkState{}
	s.Link, s.gone = p.cfg.Device.Link()
	s.name = p.cfg.Device.Name() // after Link, which finds a new name
	if c, ok := p.cfg.Clock.(interface{ Trouble() board.Trouble }); ok {
		s.absences = c.Trouble().Absences
	}
	return s
}

// look acts on what has changed.
func (p *Port) look() {
	now := p.seen()
	p.mu.Lock()
	last := p.link
	p.link = now
	flapped := now.gone == nil && (now.Changes != last.Changes || last.gone != nil)
	if !now.up() && !p.disarmed {
		p.disarm()
	}
	back := now.up() && (p.disarmed || flapped || now.absences != last.absences)
	p.mu.Unlock()
	if back {
		p.cfg.Compare()
		p.armAgain()
	}
	if now.name != last.name {
		p.cfg.Tell(status.InterfaceRenamed{Was: last.name, Now: now.name})
	}
	if now.up() != last.up() || flapped {
		p.cfg.Tell(status.LinkChanged{Interface: now.name, Up: now.up(), Changes: now.Changes})
	}
}

// disarm leaves the time in a Sync to the clock's line and the kernel's stamps.
// The caller holds mu.
func (p *Port) disarm() {
	p.disarmed = true
	if a := p.abilities; !a.HardwareTx && !a.HardwareRx {
		return
	}
	if p.inUse.OneStep {
		// Else the hardware writes the time of a clock that nobody has looked at.
		_, _ = p.cfg.Device.SetStamping(board.TxStamp, board.RxPTPv2L4Event) // a device that is gone writes nothing
	}
	p.inUse = udp.Stamping{TwoStep: p.inUse.TwoStep}
	p.server.SetStamping(p.inUse)
}

// armAgain asks the device, which may be another one, for its stamps again.
func (p *Port) armAgain() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.choose()
	p.forgive()
	p.disarmed = false
	if a := p.abilities; a.HardwareTx || a.HardwareRx {
		p.rearm()
		return
	}
	p.writeOrigins()
}
