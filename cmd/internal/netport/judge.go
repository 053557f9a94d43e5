package netport

import (
	"fmt"
	"time"

	"bragi/board"
	"bragi/cmd/internal/status"
	"bragi/master/udp"
)

// Time stamps: what the interface promised is asked of it, what it gives is
// counted, and where it does not keep its promise the next best mode serves.

const (
	// withheld is how many stamps in a row the interface may owe of messages that
	// the kernel gave it.
	withheld = 24
	// leftTwins is how many twins without a stamp show that it stamps nothing.
	leftTwins = 8
	// retryAfter is when a broken promise is tried anew.
	retryAfter = 10 * time.Minute
	// residualSmallFor is how long the residual must be within its limit before its
	// alarm, and two-step for its sake, end.
	residualSmallFor = time.Minute
	// setBackShown is how long the alarm stays after another program changed the
	// interface's stamps.
	setBackShown = time.Minute
)

// promise is whether the device stamps what its driver says.
type promise struct {
	start  udp.StampStats // as it was when the device last gave a good stamp
	broken error          // the promise that was not kept; nil: none
	retry  time.Time      // when it is tried anew
}

// setting is whether the device is still set as it was.
type setting struct {
	overruled error     // what something else set it to; nil: nothing of late
	at        time.Time // when it was put back
	changes   uint64    // of the link's carrier
}

// Judge looks at what the stamps are worth, once a second.
func (p *Port) Judge(now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.observed {
		return
	}
	if err := p.transport.Twins.Error; err != nil && !p.twinsTold {
		p.twinsTold = true
		p.cfg.Tell(status.NoTwins{Why: err.Error()})
	}
	p.judgeSetting(now)
	p.judgePromise(now)
	p.judgeResidual(now)
	p.judgeWriting(now)
}

// judgeSetting puts back what another program, or the driver when the link came
// up, has set of the interface's stamps. A new link is a new chance.
func (p *Port) judgeSetting(now time.Time) {
	w, device := &p.setting, p.cfg.Device
	if device == nil || p.granted == (board.Stamping{}) && p.promise.broken == nil {
		return
	}
	link, err := device.Link()
	if err != nil {
		return // its own alarm tells
	}
	fresh := link.Changes != w.changes
	if fresh {
		w.changes = link.Changes
		if link.Carrier && p.promise.broken != nil {
			p.promise.retry = now
		}
	}
	if p.promise.broken != nil || p.disarmed || !link.Carrier || fresh {
		return // what the link's coming and going changed, look puts right
	}
	set, err := device.Stamping()
	switch {
	case err == nil && set != p.granted:
		w.overruled = fmt.Errorf("something else set the time stamps of %s to tx %v, rx %v; they were set back", device.Physical(), set.Tx, set.Rx)
		w.at = now
		p.rearm()
	case w.overruled != nil && now.Sub(w.at) > setBackShown:
		w.overruled = nil
	}
}

// judgePromise finds a device that stamps less than its driver says.
func (p *Port) judgePromise(now time.Time) {
	w, n := &p.promise, p.transport.Stamps
	if w.broken != nil {
		if now.After(w.retry) {
			p.forgive()
			p.choose()
			p.rearm()
		}
		return
	}
	if n.Stamped-n.Refused != w.start.Stamped-w.start.Refused {
		w.start = n // a good one
	}
	owed := n.Withheld - w.start.Withheld + n.Refused - w.start.Refused
	left, broken := keeps(p.inUse, p.abilities, owed, p.transport.Twins)
	if broken == nil {
		return
	}
	w.broken, w.retry = broken, now.Add(retryAfter)
	// No stamps of the clock that was found to give none, whatever the driver says.
	p.makeDo(left, broken)
	p.rearm()
}

// forgive gives the device another chance.
func (p *Port) forgive() { p.promise.broken, p.setting.overruled = nil, nil }

// keeps tells what is left of the abilities of the device of the stamps in use, and
// which promise it does not keep. owed counts the unicast Syncs in a row that
// it was given and did not stamp, or with a time that cannot be.
func keeps(inUse udp.Stamping, a board.Abilities, owed uint64, twins udp.TwinStats) (left board.Abilities, broken error) {
	noTwin := twins.Left >= leftTwins && twins.Stamped == 0
	switch {
	case inUse.Transmit && owed >= withheld:
		broken = fmt.Errorf("%d unicast Syncs in a row were given to %s and not stamped, or with a time that cannot be", owed, inUse.Device)
		if a.Unicast = board.No; !noTwin {
			return a, broken
		}
	case inUse.Twins && twins.Failed >= leftTwins && twins.Sent == 0:
		broken = fmt.Errorf("%d twins could not be sent by %s", twins.Failed, inUse.Device)
	case (inUse.Twins || inUse.Test && a.L2 == board.Yes) && noTwin:
		broken = fmt.Errorf("%d messages were given to %s at the start and not stamped", twins.Left, inUse.Device)
	default:
		return a, nil
	}
	return a.Foreign(), broken
}

// residual is what a predicted Sync says wrong.
type residual struct {
	boundNs float64   // as it was last judged
	high    bool      // it is beyond its limit, or was less than residualSmallFor ago
	worstNs float64   // the highest bound since high
	quiet   time.Time // since when it is small again; zero: it is not
}

// judge compares the bound, if it is known, with the limit; negative: none.
func (r *residual) judge(now time.Time, boundNs float64, known bool, limitNs float64) {
	switch {
	case limitNs < 0:
		r.high = false
		return
	case !known:
		return
	case boundNs > limitNs:
		if !r.high {
			r.worstNs = 0
		}
		r.high, r.quiet, r.worstNs = true, time.Time{}, max(r.worstNs, boundNs)
	case r.high && r.quiet.IsZero():
		r.quiet = now
	case r.high && now.Sub(r.quiet) > residualSmallFor:
		r.high = false
	}
	r.boundNs = boundNs
}

// words are the alarm's detail: why it holds, also while the bound is small again.
func (r *residual) words(limitNs float64) string {
	text := fmt.Sprintf("%.0f ns, limit %.0f ns", r.boundNs, limitNs)
	if !r.quiet.IsZero() {
		text += fmt.Sprintf("; was %.0f ns, the alarm ends after %v within the limit", r.worstNs, residualSmallFor)
	}
	return text
}

// judgeResidual compares what a predicted Sync may say wrong with the limit,
// which a reload may have taken away.
func (p *Port) judgeResidual(now time.Time) {
	limit := float64(p.cfg.ResidualLimit)
	if p.inUse.OneStep {
		limit = -1 // nothing is predicted
	}
	was := p.residual.high
	bound, known := p.transport.Residual.BoundNs()
	p.residual.judge(now, bound, known, limit)
	if p.residual.high != was && p.cfg.TwoStepOnResidual {
		p.rearm()
	}
}
