package rehearsal

import (
	"math/rand/v2"
	"net/netip"
	"time"

	"bragi/gnss/timescale"
	"bragi/master/unicast"
	"bragi/master/wire"
)

// Client is one client. It belongs to one goroutine.
type Client struct {
	cfg     Config
	random  *rand.Rand
	started timescale.Mono
	habit   unicast.Habit
	seat    unicast.Negotiation // only messages of its Master count
	said    [unicast.Flows]said

	announce     wire.Announce // the last
	changes      changes
	lastAnnounce timescale.Mono
	lastSync     timescale.Mono
	nextDelay    timescale.Mono
	pending      wire.Sync // two-step: a Sync that waits for its Follow_Up
	pendingAt    timescale.Mono
	requests     [16]exchange
	delayID      uint16

	clock  clock
	win    window
	servo  servo
	state  State
	since  timescale.Mono
	moves  []Move
	offset history
	gaps   history // spacing of Sync minus its interval
	path   history // delay of each window
	floor  history // that of each window's fastest packets
	steps  []StepReport
	aside  *StepReport // where the last window was not used: a step is in it, or may be

	seconds   []floorSecond
	following history // offset of each window

	misfits uint64 // windows whose two ways contradict each other
	misfit  time.Duration

	lockedAt timescale.Mono // the first PHASE_ALIGNED

	counts, older, newer tally
	instead              [unicast.Flows]instead
	rateFrom, rateTo     timescale.Mono
	seq                  [unicast.Flows]sequence
	buf                  []byte

	heard   timescale.Mono            // what came last from the master
	failed  map[string]timescale.Mono // when a message last did not leave or arrive, by its count
	notSent string                    // why the last message that was not sent was not
	polled  timescale.Mono

	announced int    // Announces since the last silence
	refused   uint64 // grants of Sync and Delay_Resp that were denied or taken back
	taken     bool   // the clock followed another master, and no window has closed since
	moved     *int64 // by how much the change of master moves the time, ns; positive: ahead
}

// instead are messages of a flow that came and could not be taken.
type instead struct {
	malformed uint64
	foreign   uint64 // from another port than the one that granted
	from      wire.PortIdentity
	others    uint64 // Delay_Resp that answer another port than this client's
	to        wire.PortIdentity
}

// changes is how often one sender announced another grandmaster or class than before.
type changes struct{ identity, class uint64 }

// said is how often a flow was asked for, and what came of it.
type said struct {
	asked, grants, denials uint64
	lapsed                 uint64 // grants that ran out while the master still sent
}

// exchange is a Delay_Req that was sent.
type exchange struct {
	seq uint16
	t3  timescale.Mono
}

// lastRetry is how long an unanswered or denied request waits at most until the next.
const lastRetry = 16 * time.Second

// New makes a client that starts to ask at the first Poll.
func New(c Config) (*Client, error) {
	c, err := c.withDefaults()
	if err != nil {
		return nil, err
	}
	return &Client{cfg: c, habit: c.habit(), seat: unicast.Negotiation{Me: c.Identity},
		failed: map[string]timescale.Mono{}, random: rand.New(rand.NewPCG(c.Seed, 3)), buf: make([]byte, 0, 128)}, nil
}

// habit is how the client asks.
func (c Config) habit() unicast.Habit {
	return unicast.Habit{Domain: c.Domain, LogIntervals: *c.LogIntervals, Duration: c.Duration, LastRetry: lastRetry,
		Renew: func(lasts time.Duration) time.Duration {
			if c.renewLate > 0 {
				return lasts + c.renewLate
			}
			return lasts - min(lasts/10, 30*time.Second) - lasts/100
		}}
}

// Poll returns the next message to send at now, until ok is false. payload is
// valid until the next call. After an event message the caller says by Sent when
// it left.
func (c *Client) Poll(now timescale.Mono) (payload []byte, event, ok bool) {
	if c.started.IsZero() {
		c.started, c.since = now, now
	}
	c.polled = now
	if !c.seat.Left() {
		c.watch(now)
	}
	if payload, f, what, ok := c.seat.Poll(&c.habit, now, c.buf); ok {
		if what == unicast.Request {
			c.said[f].asked++
		}
		c.counts.SignalingSent++
		return payload, false, true
	}
	if c.delayDue() && !now.Before(c.nextDelay) {
		return c.delayReq(now), true, true
	}
	return nil, false, false
}

// nextAfterLeaving is how far away Next is for a client that has left.
const nextAfterLeaving = time.Hour

// Next is when Poll has something to do.
func (c *Client) Next() timescale.Mono {
	if c.started.IsZero() {
		return timescale.Mono{}
	}
	next, ok := c.seat.Next(c.polled)
	if !ok {
		next = c.polled.Add(nextAfterLeaving)
	}
	if c.seat.Left() {
		return next
	}
	if c.delayDue() {
		next = earlier(next, c.nextDelay)
	}
	if !c.lastAnnounce.IsZero() {
		next = earlier(next, c.lastAnnounce.Add(c.announceTimeout()))
	}
	if !c.lastSync.IsZero() {
		next = earlier(next, c.lastSync.Add(c.syncTimeout()))
	}
	return next
}

// Leave ends the rehearsal: from now on Poll gives a CANCEL for each flow that was
// granted or asked for, then nothing more, so that the master sends to nobody who has gone.
func (c *Client) Leave() { c.seat.Leave() }

// standBy lets only Announce be asked for: another master is followed.
func (c *Client) standBy() {
	c.seat.GiveUp(unicast.Sync)
	c.seat.GiveUp(unicast.DelayResp)
}

// delayDue: Delay_Req need a grant, and a clock that a Sync has set.
func (c *Client) delayDue() bool {
	return c.seat.Of(unicast.DelayResp).Granted && c.clock.set && !c.cfg.mute
}

func (c *Client) announceTimeout() time.Duration {
	return time.Duration(c.cfg.AnnounceTimeout) * c.every(unicast.Announce)
}

func (c *Client) syncTimeout() time.Duration { return syncTimeout(c.every(unicast.Sync)) }

func (c *Client) every(f unicast.Flow) time.Duration { return c.seat.Every(&c.habit, f) }

// syncTimeout is eleven intervals, but a second at least.
func syncTimeout(every time.Duration) time.Duration { return max(time.Second, 11*every) }

// patience is how long a client waits for a message of a flow that it asked for at an
// interval, log2 of s; 0: it has no time-out for it.
func patience(f unicast.Flow, asked int8, announceTimeout int) time.Duration {
	const sync = 11 // intervals, of which the clients' shortest is that of Announce
	switch f {
	case unicast.Announce:
		return time.Duration(announceTimeout) * unicast.Interval(asked)
	case unicast.Sync:
		return sync * max(unicast.Interval(asked), 125*time.Millisecond)
	}
	return 0
}

// watch ends what has run out: grants, and the faith in a silent master.
func (c *Client) watch(now timescale.Mono) {
	for f := range c.said {
		if c.seat.Expire(unicast.Flow(f), now) && c.cfg.renewLate == 0 && !(c.lastAnnounce.IsZero() && c.lastSync.IsZero()) {
			c.said[f].lapsed++
		}
	}
	if !c.lastAnnounce.IsZero() && !now.Before(c.lastAnnounce.Add(c.announceTimeout())) {
		c.counts.AnnounceTimeouts++
		c.lastAnnounce, c.announced = timescale.Mono{}, 0
		c.lose(now)
		if c.cfg.renewLate == 0 {
			for f := range unicast.Flow(unicast.Flows) {
				if c.seat.Wants(f) {
					c.seat.AskAt(f, now)
				}
			}
		}
	}
	if !c.lastSync.IsZero() && !now.Before(c.lastSync.Add(c.syncTimeout())) {
		c.counts.SyncTimeouts++
		c.lastSync = timescale.Mono{}
		c.lose(now)
	}
	if c.rateTo.IsZero() || now.Sub(c.rateTo) >= rateSpan {
		c.older, c.newer, c.rateFrom, c.rateTo = c.newer, c.counts, c.rateTo, now
	}
}

func (c *Client) delayReq(now timescale.Mono) []byte {
	c.nextDelay = now.Add(unicast.Spread(c.seat.DelayEvery(&c.habit), c.random))
	c.requests[c.delayID%uint16(len(c.requests))] = exchange{seq: c.delayID}
	m := wire.DelayReq{Header: unicast.Header(c.cfg.Identity, c.cfg.Domain, c.delayID)}
	c.delayID++
	c.counts.DelayReq++
	c.buf = m.Append(c.buf[:0])
	return c.buf
}

// Sent tells when the Delay_Req with this sequenceId left. It may be told twice,
// first a reading of the clock before the send, then the kernel's stamp.
func (c *Client) Sent(seq uint16, t3 timescale.Mono) {
	if x := &c.requests[seq%uint16(len(c.requests))]; x.seq == seq {
		x.t3 = t3
	}
}

// Receive takes a datagram. stamp is CLOCK_MONOTONIC_RAW at its arrival, zero
// for none.
func (c *Client) Receive(now timescale.Mono, event bool, _ netip.Addr, payload []byte, stamp timescale.Mono) {
	h, err := wire.ParseHeader(payload)
	switch {
	case err != nil:
		c.noteMalformed(payload)
		return
	case h.Domain != c.cfg.Domain:
		c.counts.WrongDomain++
		return
	case event != h.MessageType.Event():
		c.counts.WrongPort++
		return
	case h.MessageType == wire.TypeSignaling:
		c.signaling(now, payload)
		return
	case h.Source != c.seat.Master:
		c.counts.Strangers++
		if f, ok := unicast.FlowOf(h.MessageType); ok {
			c.instead[f].foreign++
			c.instead[f].from = h.Source
		}
		return
	}
	c.heard = now
	switch h.MessageType {
	case wire.TypeAnnounce:
		err = c.onAnnounce(now, payload)
	case wire.TypeSync:
		err = c.onSync(now, payload, stamp)
	case wire.TypeFollowUp:
		err = c.onFollowUp(now, payload)
	case wire.TypeDelayResp:
		err = c.onDelayResp(payload)
	}
	if err != nil {
		c.noteMalformed(payload)
	}
}

// noteMalformed counts a message without the form of IEEE 1588. What it wants to be is in
// the first octet.
func (c *Client) noteMalformed(payload []byte) {
	c.counts.Malformed++
	if len(payload) == 0 {
		return
	}
	if f, ok := unicast.FlowOf(wire.MessageType(payload[0] & 0x0F)); ok {
		c.instead[f].malformed++
	}
}

func (c *Client) signaling(now timescale.Mono, payload []byte) {
	s, err := wire.ParseSignaling(payload)
	if err != nil {
		c.counts.Malformed++
		return
	}
	if !s.Target.Addresses(c.cfg.Identity) {
		c.counts.Strangers++
		return
	}
	c.counts.Signaling++
	c.heard = now
	for {
		a, ok := c.seat.Answers(&c.habit, now, &s)
		if !ok {
			return
		}
		switch a.Verdict {
		case unicast.Granted:
			c.onGrant(now, a)
		case unicast.Denied:
			c.said[a.Flow].denials++
			c.refuse(a.Flow)
		case unicast.Cancelled:
			c.onCancel(now, a.Flow)
		}
	}
}

func (c *Client) onGrant(now timescale.Mono, a unicast.Answer) {
	c.said[a.Flow].grants++
	if a.Stranger {
		c.seq = [unicast.Flows]sequence{}
	}
	if a.Flow == unicast.Announce && c.lastAnnounce.IsZero() {
		c.lastAnnounce = now // the time-out runs from the grant
	}
}

func (c *Client) onCancel(now timescale.Mono, f unicast.Flow) {
	c.counts.Cancels++
	c.refuse(f)
	if f == unicast.Announce {
		c.lastAnnounce, c.announced = timescale.Mono{}, 0
	}
	c.lose(now)
}

func (c *Client) refuse(f unicast.Flow) {
	if f != unicast.Announce {
		c.refused++
	}
}

func earlier(a, b timescale.Mono) timescale.Mono {
	if b.Before(a) {
		return b
	}
	return a
}
