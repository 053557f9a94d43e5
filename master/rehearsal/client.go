package rehearsal

import (
	"math/rand/v2"
	"net/netip"
	"time"

	"bragi/gnss/timescale"
	"bragi/master/wire"
)

// Client is one client. It belongs to one goroutine.
type Client struct {
	cfg     Config
	random  *rand.Rand
	started timescale.Mono
	master  wire.PortIdentity // who granted; only its messages count

	subs  [numFlows]subscription
	acks  [numFlows]bool // CANCELs to acknowledge
	sigID uint16

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

	seconds   []floorSecond
	following history // offset of each window

	misfits uint64 // windows whose two ways contradict each other
	misfit  time.Duration

	lockedAt timescale.Mono // the first PHASE_ALIGNED

	counts, older, newer tally
	instead              [numFlows]instead
	rateFrom, rateTo     timescale.Mono
	seq                  [numFlows]sequence
	buf                  []byte

	notSent string // why the last message that was not sent was not
	leaving bool
	cancels [numFlows]bool // flows that are given up and not told yet
	polled  timescale.Mono

	standby   bool   // only Announce is wanted: another master is followed
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

// subscription is one flow as the client sees it.
type subscription struct {
	granted bool
	since   timescale.Mono // of the grants that followed one another without a gap
	open    bool           // the last REQUEST has no answer: what it asked for may be granted
	log     int8
	seconds uint32
	expires timescale.Mono
	askAt   timescale.Mono // the next REQUEST
	wait    time.Duration  // between tries
	asked   uint64
	grants  uint64
	denials uint64
	lapsed  uint64 // grants that ran out while the master still sent
}

// exchange is a Delay_Req that was sent.
type exchange struct {
	seq uint16
	t3  timescale.Mono
}

// The retry of an unanswered or denied request: a second, doubled up to sixteen.
const (
	firstRetry = time.Second
	lastRetry  = 16 * time.Second
)

// New makes a client that starts to ask at the first Poll.
func New(c Config) (*Client, error) {
	c, err := c.withDefaults()
	if err != nil {
		return nil, err
	}
	return &Client{cfg: c, random: rand.New(rand.NewPCG(c.Seed, 3)), buf: make([]byte, 0, 128)}, nil
}

// Poll returns the next message to send at now, until ok is false. payload is
// valid until the next call. After an event message the caller says by Sent when
// it left.
func (c *Client) Poll(now timescale.Mono) (payload []byte, event, ok bool) {
	if c.started.IsZero() {
		c.started, c.since = now, now
	}
	c.polled = now
	if payload, ok = c.farewell(); ok || c.leaving {
		return payload, false, ok
	}
	c.watch(now)
	for f := range c.subs {
		if c.acks[f] {
			c.acks[f] = false
			return c.signal(wire.UnicastCancelAck{MessageType: flow(f).messageType()}.Append), false, true
		}
	}
	for f := range c.subs {
		s := &c.subs[f]
		if now.Before(s.askAt) || !c.wants(flow(f)) {
			continue
		}
		if s.wait == 0 {
			s.wait = firstRetry
		} else {
			s.wait = min(2*s.wait, lastRetry)
		}
		s.askAt, s.open = now.Add(s.wait), true
		s.asked++
		r := wire.UnicastRequest{MessageType: flow(f).messageType(), LogInterval: c.cfg.LogIntervals[f], Duration: c.cfg.Duration}
		return c.signal(r.Append), false, true
	}
	if c.delayDue() && !now.Before(c.nextDelay) {
		return c.delayReq(now), true, true
	}
	return nil, false, false
}

// Next is when Poll has something to do.
func (c *Client) Next() timescale.Mono {
	if c.started.IsZero() {
		return timescale.Mono{}
	}
	if c.leaving {
		return c.leavingNext(c.polled)
	}
	next := c.subs[flowAnnounce].askAt
	for f, s := range c.subs {
		if c.wants(flow(f)) {
			next = earlier(next, s.askAt)
		}
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

// wants: of a master that is not followed only Announce is wanted.
func (c *Client) wants(f flow) bool { return f == flowAnnounce || !c.standby }

// delayDue: Delay_Req need a grant, and a clock that a Sync has set.
func (c *Client) delayDue() bool { return c.subs[flowDelay].granted && c.clock.set && !c.cfg.mute }

func (c *Client) announceTimeout() time.Duration {
	return time.Duration(c.cfg.AnnounceTimeout) * c.every(flowAnnounce)
}

// syncTimeout is eleven intervals, but a second at least.
func (c *Client) syncTimeout() time.Duration { return max(time.Second, 11*c.every(flowSync)) }

// every is the interval of a flow: the one granted, or else the one asked for.
func (c *Client) every(f flow) time.Duration {
	if s := &c.subs[f]; s.granted {
		return interval(s.log)
	}
	return interval(c.cfg.LogIntervals[f])
}

func syncTimeout(log int8) time.Duration { return max(time.Second, 11*interval(log)) }

// watch ends what has run out: grants, and the faith in a silent master.
func (c *Client) watch(now timescale.Mono) {
	for f := range c.subs {
		if s := &c.subs[f]; s.granted && !now.Before(s.expires) {
			s.granted = false
			if c.cfg.renewLate == 0 && !(c.lastAnnounce.IsZero() && c.lastSync.IsZero()) {
				s.lapsed++
			}
		}
	}
	if !c.lastAnnounce.IsZero() && !now.Before(c.lastAnnounce.Add(c.announceTimeout())) {
		c.counts.AnnounceTimeouts++
		c.lastAnnounce, c.announced = timescale.Mono{}, 0
		c.lose(now)
		if c.cfg.renewLate == 0 {
			for f := range c.subs {
				c.subs[f].wait, c.subs[f].askAt = 0, now
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

func (c *Client) header(seq *uint16) wire.Header {
	h := wire.Header{
		Domain: c.cfg.Domain, Flags: wire.FlagUnicast,
		Source: c.cfg.Identity, SequenceID: *seq, LogInterval: wire.LogIntervalNone,
	}
	*seq++
	return h
}

// signal makes a Signaling message of one TLV, to whatever clock has the address.
func (c *Client) signal(appendTLV func([]byte) []byte) []byte {
	tlvs, _ := wire.ParseTLVs(appendTLV(nil)) // our own are well formed
	s := wire.Signaling{Header: c.header(&c.sigID), Target: wire.PortIdentity{Clock: wire.AllClocks, Port: 0xFFFF}, TLVs: tlvs}
	c.counts.SignalingSent++
	c.buf = s.Append(c.buf[:0])
	return c.buf
}

func (c *Client) delayReq(now timescale.Mono) []byte {
	// The mean spacing is the interval; an eighth of it is random, so that many
	// clients do not march in step.
	d := max(interval(c.cfg.LogIntervals[flowDelay]), c.every(flowDelay)) // never faster than granted
	c.nextDelay = now.Add(d - d/16 + time.Duration(c.random.Int64N(int64(d/8)+1)))
	c.requests[c.delayID%uint16(len(c.requests))] = exchange{seq: c.delayID}
	m := wire.DelayReq{Header: c.header(&c.delayID)}
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
	case h.Source != c.master:
		c.counts.Strangers++
		if f, ok := flowOf(h.MessageType); ok {
			c.instead[f].foreign++
			c.instead[f].from = h.Source
		}
		return
	}
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
	if f, ok := flowOf(wire.MessageType(payload[0] & 0x0F)); ok {
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
	for {
		typ, v, ok := s.TLVs.Next()
		if !ok {
			return
		}
		switch typ {
		case wire.TLVGrantUnicast:
			if g, err := wire.ParseUnicastGrant(v); err == nil {
				c.onGrant(now, s.Source, g)
			}
		case wire.TLVCancelUnicast:
			if x, err := wire.ParseUnicastCancel(v); err == nil && s.Source == c.master {
				c.onCancel(now, x.MessageType)
			}
		}
	}
}

func (c *Client) onGrant(now timescale.Mono, from wire.PortIdentity, g wire.UnicastGrant) {
	f, ok := flowOf(g.MessageType)
	if !ok {
		return
	}
	s := &c.subs[f]
	s.open = false
	if g.Duration == 0 {
		s.denials++
		c.refuse(f)
		return
	}
	if from != c.master {
		c.master = from
		c.seq = [numFlows]sequence{}
	}
	if !s.granted {
		s.since = now
	}
	s.granted, s.log, s.seconds = true, g.LogInterval, g.Duration
	s.grants++
	s.wait = 0
	d := time.Duration(g.Duration) * time.Second
	s.expires, s.askAt = now.Add(d), now.Add(d-min(d/10, 30*time.Second)-d/100)
	if c.cfg.renewLate > 0 {
		s.askAt = s.expires.Add(c.cfg.renewLate)
	}
	if f == flowAnnounce && c.lastAnnounce.IsZero() {
		c.lastAnnounce = now // the time-out runs from the grant
	}
}

func (c *Client) onCancel(now timescale.Mono, t wire.MessageType) {
	f, ok := flowOf(t)
	if !ok {
		return
	}
	c.acks[f] = true
	c.counts.Cancels++
	c.refuse(f)
	s := &c.subs[f]
	s.granted = false
	s.askAt = now.Add(lastRetry)
	if f == flowAnnounce {
		c.lastAnnounce, c.announced = timescale.Mono{}, 0
	}
	c.lose(now)
}

func (c *Client) refuse(f flow) {
	if f != flowAnnounce {
		c.refused++
	}
}

func earlier(a, b timescale.Mono) timescale.Mono {
	if b.Before(a) {
		return b
	}
	return a
}
