package master

import (
	"net/netip"

	"bragi/gnss/timescale"
	"bragi/master/wire"
)

// maxTLVs bounds how many TLVs of one message have an effect, of negotiation and of
// slave event monitoring; a client has three flows.
const maxTLVs = 8

// signaling handles the TLVs of a Signaling message. All of them are read before
// the first has an effect: a malformed message changes nothing.
func (m *Master) signaling(now timescale.Mono, d *Datagram, out *Outbox) Reason {
	s, err := wire.ParseSignaling(d.Payload)
	if err != nil {
		return reasonOf(err)
	}
	if !s.Target.Addresses(m.me) {
		return WrongTarget
	}
	monitored := within(d.Src, m.cfg.Monitor)
	negotiates, why := wellFormed(s.TLVs, monitored)
	if why != Accepted {
		return why
	}
	key := Key{d.Src, s.Source}
	row := m.clients.index.find(key)
	budget := m.limiter.bucket(d.Src)
	switch {
	case row >= 0 && monitored && !negotiates:
		budget = &m.clients.rows[row].reports // however many they are, a renewal gets through
	case row >= 0:
		budget = &m.clients.rows[row].signals
	}
	if !m.limiter.take(now, budget) {
		return RateLimited
	}
	if row >= 0 {
		c := &m.clients.rows[row]
		c.signaling++
		c.last, c.dscp, c.minor = now, d.DSCP, s.MinorVersion
		m.earn(c, len(d.Payload))
	} else if s := m.sources.find(d.Src); s != nil {
		s.received += uint64(len(d.Payload))
	}
	result, taken := Accepted, 0
	types := make([]wire.MessageType, 0, maxTLVs) // of the REQUESTs
	for taken <= maxTLVs {
		typ, v, ok := s.TLVs.Next()
		if !ok {
			break
		}
		why := Accepted
		switch typ {
		case wire.TLVRequestUnicast, wire.TLVCancelUnicast, wire.TLVAckCancelUnicast:
			if taken++; taken > maxTLVs {
				why = TooManyTLVs
				break
			}
			if typ == wire.TLVRequestUnicast {
				types = append(types, wire.MessageType(v[0]>>4))
			}
			why = m.negotiate(now, typ, v, key, d, out)
		case wire.TLVSlaveRxSyncTimingData, wire.TLVSlaveRxSyncComputedData, wire.TLVSlaveTxEventTimestamps:
			if !monitored {
				break
			}
			if taken++; taken > maxTLVs {
				why = TooManyTLVs
			} else if typ == wire.TLVSlaveRxSyncComputedData {
				m.keepComputed(now, v, key)
			}
		}
		if result == Accepted {
			result = why
		}
	}
	if row := m.clients.index.find(key); row >= 0 {
		m.clients.rows[row].asks |= asked(types)
	}
	return result
}

// wellFormed checks the values of the TLVs that negotiate, and tells whether there
// are any; with monitored those of slave event monitoring too. Every other TLV is none
// of our business (14.1).
func wellFormed(tlvs wire.TLVs, monitored bool) (negotiates bool, why Reason) {
	for {
		typ, v, ok := tlvs.Next()
		if !ok {
			return negotiates, Accepted
		}
		var err error
		switch typ {
		case wire.TLVRequestUnicast:
			negotiates = true
			_, err = wire.ParseUnicastRequest(v)
		case wire.TLVCancelUnicast, wire.TLVAckCancelUnicast:
			negotiates = true
			_, err = wire.ParseUnicastCancel(v)
		default:
			if monitored {
				err = checkSlaveEvents(typ, v)
			}
		}
		if err != nil {
			return negotiates, BadTLV
		}
	}
}

// checkSlaveEvents checks the value of a TLV of slave event monitoring; any other is
// well.
func checkSlaveEvents(typ wire.TLVType, v []byte) (err error) {
	switch typ {
	case wire.TLVSlaveRxSyncTimingData:
		_, err = wire.ParseSyncTimingData(v)
	case wire.TLVSlaveRxSyncComputedData:
		_, err = wire.ParseSyncComputedData(v)
	case wire.TLVSlaveTxEventTimestamps:
		_, err = wire.ParseTxEventData(v)
	}
	return err
}

// keepComputed keeps the last record of what a client computed; nobody else's.
func (m *Master) keepComputed(now timescale.Mono, v []byte, key Key) {
	row := m.clients.index.find(key)
	d, _ := wire.ParseSyncComputedData(v)
	if row < 0 || d.Len() == 0 {
		return
	}
	m.clients.rows[row].computed = Computed{At: now, Source: d.Source, Valid: d.Flags, Record: d.At(d.Len() - 1)}
}

func (m *Master) negotiate(now timescale.Mono, typ wire.TLVType, v []byte, key Key, d *Datagram, out *Outbox) Reason {
	switch typ {
	case wire.TLVRequestUnicast:
		r, _ := wire.ParseUnicastRequest(v)
		return m.request(now, r, key, d, out)
	case wire.TLVCancelUnicast:
		c, _ := wire.ParseUnicastCancel(v)
		m.cancel(now, c.MessageType, wire.CancelFlags(v), key, d, out)
	case wire.TLVAckCancelUnicast:
		a, _ := wire.ParseUnicastCancelAck(v)
		m.cancelAcked(now, a.MessageType, key)
	}
	return Accepted
}

// request judges one REQUEST and answers it with a GRANT of its own. A request
// that is denied, a renewal too, changes nothing but the evidence.
func (m *Master) request(now timescale.Mono, r wire.UnicastRequest, key Key, d *Datagram, out *Outbox) Reason {
	f, known := flowOf(r.MessageType)
	why := UnknownMessage
	if known {
		why = m.judge(now, f, r, key)
	}
	m.stats.Requests[r.MessageType&15][why]++
	g := wire.UnicastGrant{MessageType: r.MessageType, LogInterval: r.LogInterval}
	if why == Accepted {
		g.Duration, g.RenewalInvited = min(r.Duration, m.cfg.MaxDuration), true
		if m.way >= 0 {
			m.giveNotice(now, m.way, out)
		}
		g.Duration = m.grant(now, f, g, key, d)
	} else {
		m.deny(now, r, key, why)
	}
	m.tlv = g.Append(m.tlv[:0])
	m.signal1(now, key, d, out)
	return why
}

// judge says whether a request can be granted, and touches nothing.
func (m *Master) judge(now timescale.Mono, f Flow, r wire.UnicastRequest, key Key) Reason {
	limits, row := m.cfg.Limits[f], m.clients.index.find(key)
	switch {
	case m.leaves(now, row):
		return Draining
	case !m.said.Serve:
		return NotServing
	case r.LogInterval < limits.MinLog:
		return IntervalTooShort
	case r.LogInterval > limits.MaxLog:
		return IntervalTooLong
	case r.Duration < m.cfg.MinDuration:
		return DurationTooShort
	}
	more := m.cost(f, key.Address, r.LogInterval)
	switch {
	case row >= 0:
		if g := &m.clients.rows[row].grants[f]; g.live {
			more -= m.cost(f, key.Address, g.log)
		}
	}
	m.way = -1
	if f != FlowDelayResp && m.spent(key.Address) {
		return NoCredit
	}
	if row < 0 {
		way, why := m.room(now, key.Address)
		if why != Accepted {
			return why
		}
		m.way = way
	}
	if m.cfg.MaxRate > 0 && more > 0 && !m.affords(now, more, row < 0, key.Address) {
		return OverBudget
	}
	return Accepted
}

// affords tells whether the budget has room for what is more: with what the one
// who gives way has, or, if there is none yet, another who shows no life.
func (m *Master) affords(now timescale.Mono, more float64, newcomer bool, a netip.Addr) bool {
	limit := float64(m.cfg.MaxRate)
	if m.promised+more <= limit {
		return true
	}
	if newcomer && m.way < 0 {
		m.way = m.giver(now, m.prefixes.at(a), anywhere)
	}
	return m.way >= 0 && m.promised-m.promisedTo(m.way)+more <= limit
}

// promisedTo is what is promised to one client, messages per second.
func (m *Master) promisedTo(row int32) (sum float64) {
	c := &m.clients.rows[row]
	for f := range c.grants {
		if c.grants[f].live {
			sum += m.cost(Flow(f), c.key.Address, c.grants[f].log)
		}
	}
	return sum
}

// grant keeps what judge has accepted: a new flow in the emptiest phase, a
// renewal in its old one, a changed rate in a new one. It returns how many seconds
// are granted.
func (m *Master) grant(now timescale.Mono, f Flow, g wire.UnicastGrant, key Key, d *Datagram) (seconds uint32) {
	if m.way >= 0 {
		m.stats.GaveWay++
		m.dismiss(now, m.way, EventGaveWay)
	}
	row := m.clients.index.find(key)
	if row < 0 {
		row = m.admit(now, key, d)
	}
	c := &m.clients.rows[row]
	c.asked = d.Dst
	was := &c.grants[f]
	g.Duration = m.term(now, row, f, g.Duration)
	expires := now.Add(durationOf(g.Duration))
	if was.live && was.log == g.LogInterval {
		was.expires, was.seconds = expires, g.Duration
		was.renewed++
		m.stats.Renewals++
		return g.Duration
	}
	if was.live {
		m.wheel.remove(flowID(row, f))
		m.promise(-m.cost(f, key.Address, was.log))
	}
	m.changes++
	was.live, was.log, was.since = true, g.LogInterval, now
	was.expires, was.seconds, was.sentAt = expires, g.Duration, timescale.Mono{}
	m.promise(m.cost(f, key.Address, g.LogInterval))
	if f != FlowDelayResp {
		m.wheel.add(now, flowID(row, f), g.LogInterval)
	}
	m.tell(Event{At: now, Kind: EventGranted, Client: key, Type: f.Type(), LogInterval: g.LogInterval, Seconds: g.Duration})
	return g.Duration
}

func (m *Master) admit(now timescale.Mono, key Key, d *Datagram) int32 {
	row := m.clients.add(key)
	c := &m.clients.rows[row]
	c.first, c.last, c.dscp, c.signaling = now, now, d.DSCP, 1
	c.twoStep = m.twoStepFor(key.Address)
	if h, err := wire.ParseHeader(d.Payload); err == nil {
		c.minor = h.MinorVersion
	}
	counted := m.sources.find(key.Address) != nil // by signaling
	m.enter(now, row)
	if !counted {
		m.earn(c, len(d.Payload))
	}
	if m.sweepAt.IsZero() {
		m.sweepAt = now.Add(sweepEvery)
	}
	m.tell(Event{At: now, Kind: EventClientNew, Client: key})
	return row
}

// deny keeps the denial as evidence, with the client or among the suspects.
func (m *Master) deny(now timescale.Mono, r wire.UnicastRequest, key Key, why Reason) {
	e := Event{At: now, Kind: EventDenied, Client: key, Type: r.MessageType, LogInterval: r.LogInterval, Seconds: r.Duration, Reason: why, Domain: m.cfg.Domain}
	row := m.clients.index.find(key)
	if row < 0 {
		m.suspects.note(e, &m.events)
		return
	}
	d := &m.clients.rows[row].denied
	f, known := flowOf(r.MessageType)
	if !known {
		f = numFlows
	}
	if d.said[f].first(now, why) {
		m.tell(e)
	}
	d.at, d.reason, d.typ = now, why, r.MessageType
	d.count++
}

// cancel stops a flow at its client's wish (16.1.4.3). A cancel of what is not
// there is acknowledged too: the first acknowledge may have been lost. One by which
// the client keeps its request stops nothing: it cancels a grant to us, of which
// there is none.
func (m *Master) cancel(now timescale.Mono, t wire.MessageType, flags uint8, key Key, d *Datagram, out *Outbox) {
	m.tlv = wire.UnicastCancelAck{MessageType: t}.Append(m.tlv[:0])
	m.tlv[wire.TLVHeaderLen] |= flags
	m.signal1(now, key, d, out)
	if flags&wire.MaintainRequest != 0 {
		return
	}
	row := m.clients.index.find(key)
	if f, known := flowOf(t); known && row >= 0 {
		m.end(now, row, f, EventCancelled)
		m.release(now, row)
	}
}

// cancelAcked ends a flow that a drain has cancelled.
func (m *Master) cancelAcked(now timescale.Mono, t wire.MessageType, key Key) {
	row := m.clients.index.find(key)
	if f, known := flowOf(t); known && row >= 0 && m.clients.rows[row].cancels > 0 {
		m.end(now, row, f, EventSentAway)
		m.release(now, row)
	}
}

// signal1 sends the TLV in m.tlv in a Signaling message of its own, as clients expect.
func (m *Master) signal1(now timescale.Mono, key Key, d *Datagram, out *Outbox) {
	seq := &m.strangerSeq
	if row := m.clients.index.find(key); row >= 0 {
		c := &m.clients.rows[row]
		seq = &c.signalSeq
		if !m.spend(now, c, wire.SignalingLen+len(m.tlv)) {
			return
		}
	} else if s := m.sources.find(key.Address); s != nil {
		s.sent += uint64(wire.SignalingLen + len(m.tlv))
	}
	m.signalTo(key, seq, d.Dst, out)
}
