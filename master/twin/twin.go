package twin

import (
	"net/netip"
	"slices"
	"time"

	"bragi/gnss/timescale"
	"bragi/master"
	"bragi/master/unicast"
	"bragi/master/wire"
)

// PortNumber is that of our portIdentity as a client. The master's is 1.
const PortNumber = 2

const (
	duration = 300 // of a grant, in s
	// silence is how long a flow may be silent until it counts as lost; at a slow grant,
	// as many intervals as of one a second.
	silence, silentIntervals = 5 * time.Second, 5
	// A request that is not granted is repeated ever later, at last after this.
	lastRetry = 32 * time.Second
	// samples are what a median is made of; fewer than leastSamples make none. Each is a
	// Sync and a Delay_Resp of the same seconds.
	samples, leastSamples = 16, 4
	// sampleAge is how long a sample counts; at slow grants, for as many intervals.
	sampleAge, sampleIntervals = time.Minute, 8
	requests                   = 4 // Delay_Reqs that may wait for their answers
)

// Config is who the twin is, and who asks it.
type Config struct {
	Identity wire.ClockIdentity // the master's
	Domain   uint8
	Address  netip.Addr // the twin's
	From     netip.Addr // ours; the zero Addr: any
}

// Client is the client. It belongs to one goroutine.
type Client struct {
	cfg   Config
	habit unicast.Habit
	seat  unicast.Negotiation
	last  [unicast.Flows]timescale.Mono // message of the flow, or its grant
	buf   []byte

	began     timescale.Mono
	heard     timescale.Mono // any message of it
	announced wire.Announce  // the last
	domain    uint8          // of its last message in another domain
	strayed   timescale.Mono
	own       timescale.Mono // what came last from the twin's address and says that it is of our clock
	foreign   timescale.Mono // and of another clock

	came  [unicast.Flows]timescale.Mono // message of the flow
	since timescale.Mono                // when what has not come began to be waited for

	pending  stamped // two-step: a Sync that waits for its Follow_Up
	requests [requests]stamped
	delayAt  timescale.Mono
	delayID  uint16
	forward  sample // of the last Sync, until a Delay_Resp is joined with it
	pairs    window
	paired   timescale.Mono // the last one
}

// stamped is an event message that waits for its other half. Its stamp is the served
// clock's, in ns.
type stamped struct {
	waits bool
	seq   uint16
	known bool // the stamp is
	ns    int64
}

// sample is what one message measures.
type sample struct {
	waits bool
	at    timescale.Mono
	ns    int64 // of a Sync t2 - t1: the path delay less what the twin is ahead
}

// window has the latest pairs of a Sync and a Delay_Resp.
type window struct {
	offset, delay [samples]int64 // ns
	at            [samples]timescale.Mono
	n             int // ever
}

// farthest keeps sums of samples within 63 bits, whatever a message says: 73 years.
const farthest = 1 << 61

func (w *window) add(now timescale.Mono, offset, delay int64) {
	i := w.n % samples
	w.offset[i], w.delay[i], w.at[i] = offset, delay, now
	w.n++
}

// medians are those of the pairs that are no older than age; n is how many are. Each is the
// value of a pair: a mean of two would be wrong while the time steps.
func (w *window) medians(now timescale.Mono, age time.Duration) (offset, delay int64, n int) {
	var offsets, delays [samples]int64
	for i := range min(w.n, samples) {
		if now.Sub(w.at[i]) < age {
			offsets[n], delays[n] = w.offset[i], w.delay[i]
			n++
		}
	}
	if n == 0 {
		return 0, 0, 0
	}
	slices.Sort(offsets[:n])
	slices.Sort(delays[:n])
	return offsets[n/2], delays[n/2], n
}

// sync takes t2 - t1 of a Sync, in ns.
func (c *Client) sync(now timescale.Mono, ns int64) {
	if ns <= farthest && ns >= -farthest {
		c.forward = sample{true, now, ns}
	}
}

// join makes a pair of the last Sync and a Delay_Resp's t4 - t3, in ns: the path delay and
// what the twin is ahead. Both must be of the same seconds, and each Sync counts once: where
// one kind stays away, the other one alone measures nothing. After a gap the pairs begin anew.
func (c *Client) join(now timescale.Mono, reverse int64) {
	f := &c.forward
	if !f.waits || now.Sub(f.at) > c.every()+time.Second || reverse > farthest || reverse < -farthest {
		return
	}
	f.waits = false
	if now.Sub(c.paired) >= c.pairPatience() {
		c.pairs = window{}
	}
	half := (reverse - f.ns) / 2
	c.pairs.add(now, half, f.ns+half)
	c.paired = now
}

// every is the longer interval of Sync and Delay_Resp.
func (c *Client) every() time.Duration {
	return max(c.seat.Every(&c.habit, unicast.Sync), c.seat.Every(&c.habit, unicast.DelayResp))
}

// pairPatience is how long no pair may come until none is left to tell an offset from.
func (c *Client) pairPatience() time.Duration {
	return max(c.patience(unicast.Sync), c.patience(unicast.DelayResp))
}

// New makes a client that asks at its first Tick: for one message of each flow a second.
func New(c Config) *Client {
	return &Client{cfg: c, seat: unicast.Negotiation{Me: wire.PortIdentity{Clock: c.Identity, Port: PortNumber}}, buf: make([]byte, 0, 128),
		habit: unicast.Habit{Domain: c.Domain, Duration: duration, LastRetry: lastRetry, Renew: func(lasts time.Duration) time.Duration { return lasts - lasts/8 }}}
}

// Next is when Tick has something to do.
func (c *Client) Next() (at timescale.Mono, ok bool) {
	if c.began.IsZero() {
		return at, true
	}
	at, ok = c.seat.Next(c.began)
	if c.seat.Left() {
		return at, ok
	}
	for f := range unicast.Flow(unicast.Flows) {
		if lost := c.last[f].Add(c.patience(f)); c.seat.Of(f).Granted && lost.Before(at) {
			at = lost
		}
	}
	if c.seat.Of(unicast.DelayResp).Granted && c.delayAt.Before(at) {
		at = c.delayAt
	}
	return at, ok
}

// patience is how long a flow may be silent until it counts as lost.
func (c *Client) patience(f unicast.Flow) time.Duration {
	return max(silence, silentIntervals*c.seat.Every(&c.habit, f))
}

// Tick sends what is due.
func (c *Client) Tick(now timescale.Mono, out *master.Outbox) {
	if c.began.IsZero() {
		c.began, c.since = now, now
	}
	for f := range unicast.Flow(unicast.Flows) {
		silent := c.seat.Of(f).Granted && now.Sub(c.last[f]) >= c.patience(f)
		if c.seat.Expire(f, now) || silent {
			c.seat.Lose(f, now)
		}
	}
	for {
		payload, _, _, ok := c.seat.Poll(&c.habit, now, c.buf)
		if !ok {
			break
		}
		out.Add(master.Message{Src: c.cfg.From, Dst: c.cfg.Address, Payload: payload})
	}
	if c.seat.Of(unicast.DelayResp).Granted && !now.Before(c.delayAt) {
		c.delayAt = now.Add(c.seat.DelayEvery(&c.habit))
		c.delayID++
		c.requests[c.delayID%requests] = stamped{waits: true, seq: c.delayID}
		m := wire.DelayReq{Header: unicast.Header(c.seat.Me, c.cfg.Domain, c.delayID)}
		c.buf = m.Append(c.buf[:0])
		out.Add(master.Message{Src: c.cfg.From, Dst: c.cfg.Address, Event: true, FillOrigin: true, Report: true, Payload: c.buf})
	}
}

// Leave gives back, at the next Tick, what the twin granted; nothing is asked for from now on.
func (c *Client) Leave() { c.seat.Leave() }

// Left takes t3.
func (c *Client) Left(sequenceID uint16, at timescale.Local) {
	if r := &c.requests[sequenceID%requests]; r.waits && r.seq == sequenceID {
		r.known, r.ns = true, at.Ns()
	}
}

// Take takes what a master sends, and the Signaling to our port, from the twin's
// address. A question of its NetSync Monitor is taken and not answered: this client has
// no clock that follows. What else the twin sends as a client, of ours for one, is the
// master's.
func (c *Client) Take(now timescale.Mono, d master.Datagram) (mine bool) {
	if d.Src != c.cfg.Address || len(d.Payload) < wire.HeaderLen {
		return false
	}
	h, err := wire.ParseHeader(d.Payload)
	if err == nil && h.Source.Clock != c.cfg.Identity {
		c.foreign = now
	} else if err == nil {
		c.own = now
	}
	if err == nil && h.Source == c.seat.Me { // the master's to refuse
		return false
	}
	typ := wire.MessageType(d.Payload[0] & 0x0F)
	switch typ {
	case wire.TypeDelayReq:
		return err == nil && wire.AsksNetSync(&h, d.Payload)
	case wire.TypeSync, wire.TypeFollowUp, wire.TypeDelayResp, wire.TypeAnnounce:
	case wire.TypeSignaling:
		if len(d.Payload) < wire.SignalingLen || wire.TargetOf(d.Payload) != c.seat.Me {
			return false
		}
	default:
		return false
	}
	switch {
	case err != nil || d.Event != typ.Event():
	case h.Domain != c.cfg.Domain:
		c.domain, c.strayed = h.Domain, now
	default:
		c.heard = now
		c.message(now, &h, d)
	}
	return true
}

func (c *Client) message(now timescale.Mono, h *wire.Header, d master.Datagram) {
	if h.MessageType == wire.TypeSignaling {
		c.signaling(now, d.Payload)
		return
	}
	if h.Source != c.seat.Master {
		return // nothing was granted by it
	}
	if f, ok := unicast.FlowOf(h.MessageType); ok {
		c.come(now, f)
	}
	switch h.MessageType {
	case wire.TypeAnnounce:
		if a, err := wire.ParseAnnounce(d.Payload); err == nil {
			c.announced, c.last[unicast.Announce] = a, now
		}
	case wire.TypeSync:
		s, err := wire.ParseSync(d.Payload)
		if err != nil || !d.HasStamp {
			return
		}
		c.last[unicast.Sync] = now
		if h.Flags&wire.FlagTwoStep != 0 {
			c.pending = stamped{waits: true, seq: h.SequenceID, ns: d.Stamp.Ns() - h.Correction>>16}
			return
		}
		if origin, ok := s.OriginTimestamp.TAI(); ok {
			c.sync(now, d.Stamp.Ns()-h.Correction>>16-origin.Ns())
		}
	case wire.TypeFollowUp:
		f, err := wire.ParseFollowUp(d.Payload)
		origin, ok := f.PreciseOriginTimestamp.TAI()
		if err == nil && ok && c.pending.waits && c.pending.seq == h.SequenceID {
			c.pending.waits = false
			c.sync(now, c.pending.ns-h.Correction>>16-origin.Ns())
		}
	case wire.TypeDelayResp:
		r, err := wire.ParseDelayResp(d.Payload)
		q := &c.requests[h.SequenceID%requests]
		received, ok := r.ReceiveTimestamp.TAI()
		if err != nil || !ok || r.Requesting != c.seat.Me || !q.waits || q.seq != h.SequenceID {
			return
		}
		c.last[unicast.DelayResp] = now
		if q.waits = false; q.known {
			c.join(now, received.Ns()-h.Correction>>16-q.ns)
		}
	}
}

// come notes that a message of a flow has come. Where nothing came before, the other flows
// are waited for from now on.
func (c *Client) come(now timescale.Mono, f unicast.Flow) {
	nothing := true
	for g := range unicast.Flow(unicast.Flows) {
		nothing = nothing && c.lacks(g, now)
	}
	if nothing {
		c.since = now
	}
	c.came[f] = now
}

// lacks tells whether nothing of a flow has come for as long as one may be silent.
func (c *Client) lacks(f unicast.Flow, now timescale.Mono) bool {
	return !c.since.IsZero() && now.Sub(later(c.came[f], c.since)) >= c.patience(f)
}

func later(a, b timescale.Mono) timescale.Mono {
	if a.Before(b) {
		return b
	}
	return a
}

func (c *Client) signaling(now timescale.Mono, payload []byte) {
	s, err := wire.ParseSignaling(payload)
	if err != nil {
		return
	}
	for {
		a, ok := c.seat.Answers(&c.habit, now, &s)
		if !ok {
			return
		}
		if a.Stranger { // another clock at its address
			c.announced, c.forward, c.pairs, c.since = wire.Announce{}, sample{}, window{}, now
			c.came = [unicast.Flows]timescale.Mono{}
		}
		if a.Anew {
			c.last[a.Flow] = now
		}
	}
}

// Report is what is known of the twin.
type Report struct {
	At       timescale.Mono
	SilentNs int64 // since its last message, in ns; since the first question where none has come
	Heard    bool  // it has ever answered
	Identity wire.PortIdentity
	// Denied: the last answer to a request, of any flow, is a denial or a CANCEL. Denies are
	// the flows, Lacks those of which no message has come for some seconds.
	Denied bool
	Denies [unicast.Flows]bool
	Lacks  [unicast.Flows]bool
	// Unusable: messages of all flows come, and measure nothing for some seconds.
	Unusable bool
	// Ourselves: what comes from its address has our own identity. The address is our
	// own and what we send to it comes back, or the twin is a copy of us.
	Ourselves bool
	// WrongDomain: what comes of it is in Domain, which is not ours.
	WrongDomain bool
	Domain      uint8
	// Announced: it announces now, this.
	Announced bool
	Announce  wire.Announce
	// OffsetNs is the twin's served clock less ours, in ns, if Measured: what a client that
	// changes to it is moved by. Half the asymmetry of the path is in it. DelayNs is the
	// mean path delay.
	Measured          bool
	OffsetNs, DelayNs int64
	Samples           int
}

// Report says what is known at now.
func (c *Client) Report(now timescale.Mono) Report {
	since := c.heard
	if since.IsZero() {
		since = c.began
	}
	r := Report{At: now, Heard: !c.heard.IsZero(), Identity: c.seat.Master, Announce: c.announced, Domain: c.domain}
	if !since.IsZero() {
		r.SilentNs = int64(now.Sub(since))
	}
	r.WrongDomain = !c.strayed.IsZero() && now.Sub(c.strayed) < silence && c.heard.Before(c.strayed)
	r.Ourselves = !c.own.IsZero() && now.Sub(c.own) < 2*lastRetry && !c.own.Before(c.foreign)
	for f := range unicast.Flow(unicast.Flows) {
		r.Denies[f], r.Lacks[f] = c.seat.Of(f).Denied, c.lacks(f, now)
		r.Denied = r.Denied || r.Denies[f]
	}
	r.Unusable = !c.since.IsZero() && now.Sub(later(c.paired, c.since)) >= c.pairPatience()
	if c.seat.Master.Clock == c.cfg.Identity && c.own.Before(c.foreign) { // it had our identity, and has its own now
		r.Identity, r.Heard = wire.PortIdentity{}, false
		return r
	}
	r.Announced = c.seat.Of(unicast.Announce).Granted && now.Sub(c.last[unicast.Announce]) < c.patience(unicast.Announce) && c.announced.Source == c.seat.Master
	offset, delay, n := c.pairs.medians(now, max(sampleAge, sampleIntervals*c.every()))
	if r.Samples = n; n >= leastSamples && r.Announced && !c.lacks(unicast.Sync, now) && !c.lacks(unicast.DelayResp, now) && !r.Unusable {
		r.Measured, r.OffsetNs, r.DelayNs = true, offset, delay
	}
	return r
}
