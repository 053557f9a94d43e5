package master

import (
	"math/rand/v2"
	"net/netip"
	"time"

	"bragi/gnss/timescale"
	"bragi/holdover/quality"
	"bragi/master/wire"
)

// Master is the unicast master. It belongs to one goroutine.
type Master struct {
	cfg      Config
	told     Config // cfg without what SET changed
	me       wire.PortIdentity
	said     quality.Announcement
	draining bool
	// restsUntil: after a drain, requests are denied until then.
	restsUntil timescale.Mono

	clients  *clients
	wheel    *wheel
	suspects *suspects
	sources  *sources
	prefixes *prefixes
	limiter  *limiter // of Signaling
	open     *limiter // of Delay_Req without a grant
	peers    *limiter // of Pdelay_Req
	promised float64  // messages per second of all live grants

	sync, followUp, announce, delayResp, pdelayResp []byte // prebuilt messages
	twoStep                                         bool   // for everyone
	departures                                      *departures

	signal      []byte // scratch for Signaling
	tlv         []byte // scratch for one TLV
	strangerSeq uint16 // sequenceId of Signaling to those who are no clients

	sweepAt   timescale.Mono // when the sweep goes on
	sweepAs   int            // where in clients.used
	looked    int            // where in clients.used one who gives way was looked for
	pressedAt timescale.Mono // when a newcomer last found no free row
	way       int32          // row of the one who gives way to the newcomer that is judged; -1: none

	gap     gap
	changes uint64 // see Changes
	stats   Stats
	events  events
}

// New makes a master that serves nobody until SetAnnouncement says so. Its port
// number is 1 (7.5.2.3).
func New(c Config) (*Master, error) {
	c, err := c.withDefaults()
	if err != nil {
		return nil, err
	}
	m := &Master{
		cfg:      c,
		told:     c,
		me:       wire.PortIdentity{Clock: c.Identity, Port: 1},
		clients:  newClients(c.MaxClients),
		wheel:    newWheel(c.MaxClients * numFlows),
		suspects: newSuspects(),
		sources:  newSources(c.MaxClients),
		prefixes: newPrefixes(c.MaxClients),
		limiter:  newLimiter(rand.New(rand.NewPCG(c.Seed, 1)), time.Second/8, 4*time.Second),
		events:   newEvents(nil),
		signal:   make([]byte, 0, wire.SignalingLen+16),
		tlv:      make([]byte, 0, 16),
	}
	if c.Open {
		m.open = newLimiter(rand.New(rand.NewPCG(c.Seed, 2)), time.Second/256, time.Second)
	}
	if c.Pdelay {
		m.peers = newLimiter(rand.New(rand.NewPCG(c.Seed, 3)), time.Second/256, time.Second)
	}
	if len(c.TwoStepFor) > 0 {
		m.departures = new(departures)
	}
	m.build()
	return m, nil
}

// Identity is the master's portIdentity.
func (m *Master) Identity() wire.PortIdentity { return m.me }

// SetAnnouncement sets what Announce says from now on, and whether anything is
// served. Grants outlive a time of not serving: they are silent meanwhile. A squelch
// sends clients away: they get CANCEL, as in a drain.
func (m *Master) SetAnnouncement(a quality.Announcement) {
	if a != m.said {
		m.gap.mute(a.Serve != m.said.Serve && m.said != (quality.Announcement{}))
		m.said = a
		m.build()
	}
}

// Tick sends what is due: at most one slot of the wheel, so that a caller who is
// late looks at what it received in between. It may be called at any time;
// while Next is not after now there is more to do.
func (m *Master) Tick(now timescale.Mono, out *Outbox) {
	if !m.sweepAt.IsZero() && !now.Before(m.sweepAt) {
		m.sweep(now, out)
	}
	slot, ok := m.wheel.due(now)
	if !ok {
		return
	}
	late := now.Sub(slotStart(slot))
	m.stats.Ticks++
	m.stats.LatestTick = max(m.stats.LatestTick, late)
	if late > slotDuration {
		m.stats.LateTicks++
	}
	for l := range numLevels {
		if m.wheel.count[l] == 0 {
			continue
		}
		node := 1<<l + int32(slot&(1<<l-1))
		for id := m.wheel.head[node]; id != 0; {
			flow := id - 1
			id = m.wheel.next[flow]
			m.send(now, flow/numFlows, Flow(flow%numFlows), out)
		}
	}
}

// slotDuration is a slot of the wheel.
const slotDuration = time.Second >> slotBits

// Next is when Tick has something to do; ok is false when nothing is planned.
func (m *Master) Next() (at timescale.Mono, ok bool) {
	at, ok = m.sweepAt, !m.sweepAt.IsZero()
	if slot, used := m.wheel.nextUsed(m.wheel.cursor); used {
		if t := slotStart(slot); !ok || t.Before(at) {
			at, ok = t, true
		}
	}
	return at, ok
}

// send puts one Sync or Announce into the outbox, or ends its flow.
func (m *Master) send(now timescale.Mono, row int32, f Flow, out *Outbox) {
	c := &m.clients.rows[row]
	g := &c.grants[f]
	if !now.Before(g.expires) {
		m.end(now, row, f, EventExpired)
		m.release(now, row)
		return
	}
	if !m.said.Serve {
		return
	}
	packet, event, estimate := m.sync, true, uint8(0)
	if f == FlowAnnounce {
		packet, event, estimate = m.announce, false, wire.OriginOffset
	}
	followed := f == FlowSync && (m.twoStep || c.twoStep)
	cost := len(packet)
	if followed {
		cost += len(m.followUp)
	}
	if !m.spend(now, c, cost) {
		g.sentAt = timescale.Mono{}
		return
	}
	p := out.put(Message{Src: c.asked, Dst: c.key.Address, Event: event, FillOrigin: event, EstimateAt: estimate, Payload: packet, flow: flowID(row, f) + 1})
	wire.PutSequenceID(p, g.seq)
	if f == FlowAnnounce {
		p[logIntervalOffset] = uint8(g.log)
		c.trouble.announced = g.sentAt
		m.gap.note(now, g)
	}
	if followed {
		m.await(now, c, g, &out.msgs[len(out.msgs)-1])
	}
	g.seq++
	g.sent++
	m.stats.Sent[f.Type()]++
}

// end stops a flow; the row stays for the caller to release.
func (m *Master) end(now timescale.Mono, row int32, f Flow, why EventKind) {
	c := &m.clients.rows[row]
	g := &c.grants[f]
	if !g.live {
		return
	}
	m.tell(Event{At: now, Kind: why, Client: c.key, Type: f.Type(), LogInterval: g.log})
	m.changes++
	g.live = false
	if why == EventSentAway {
		m.rests(now, c, f)
	}
	m.wheel.remove(flowID(row, f))
	m.promise(-m.cost(f, c.key.Address, g.log))
}

// release gives the row back when it has no live flow left.
func (m *Master) release(now timescale.Mono, row int32) {
	c := &m.clients.rows[row]
	for f := range c.grants {
		if c.grants[f].live {
			return
		}
	}
	m.tell(Event{At: now, Kind: EventClientGone, Client: c.key})
	m.suspects.served(now, c.key.Address, c.first)
	m.leave(now, row)
	m.clients.remove(row)
	if len(m.clients.used) == 0 {
		m.sweepAt = timescale.Mono{}
	}
}

// The sweep ends grants that nothing else touches: a Delay_Resp flow whose
// client went silent. A whole round takes a second.
const (
	sweepParts = 8
	sweepEvery = time.Second / sweepParts
)

func (m *Master) sweep(now timescale.Mono, out *Outbox) {
	m.sweepAt = now.Add(sweepEvery)
	for n := (len(m.clients.used) + sweepParts - 1) / sweepParts; n > 0 && len(m.clients.used) > 0; n-- {
		// Downwards: a row that leaves is replaced by the last one, seen already.
		if m.sweepAs--; m.sweepAs < 0 || m.sweepAs >= len(m.clients.used) {
			m.sweepAs = len(m.clients.used) - 1
		}
		row := m.clients.used[m.sweepAs]
		if m.draining || m.said.Squelched || m.clients.rows[row].cancels > 0 {
			m.drainClient(now, row, out)
		}
		if c := &m.clients.rows[row]; m.replaced(now, c) {
			m.dismiss(now, row, EventReplaced)
			continue
		}
		for f, g := range m.clients.rows[row].grants {
			if g.live && !now.Before(g.expires) {
				m.end(now, row, Flow(f), EventExpired)
			}
		}
		m.release(now, row)
	}
}

// rate is messages per second at a log interval.
func rate(log int8) float64 {
	if log < 0 {
		return float64(uint32(1) << uint(-log))
	}
	return 1 / float64(uint32(1)<<uint(log))
}

// cost is rate, with the Follow_Ups of a client whose prefix gets them.
func (m *Master) cost(f Flow, a netip.Addr, log int8) float64 {
	r := rate(log)
	if f == FlowSync && m.twoStepFor(a) {
		r *= 2
	}
	return r
}

// promise adds to what is promised; the sum of powers of two is exact.
func (m *Master) promise(r float64) { m.promised += r }
