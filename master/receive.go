package master

import (
	"encoding/binary"
	"errors"

	"bragi/gnss/timescale"
	"bragi/master/wire"
)

// typeUnknown is where a datagram without a readable type is counted.
const typeUnknown = 16

// Receive takes a datagram and puts the answers, if any, into out.
func (m *Master) Receive(now timescale.Mono, d Datagram, out *Outbox) {
	h, err := wire.ParseHeader(d.Payload)
	typ := uint8(typeUnknown)
	why := reasonOf(err)
	if err == nil {
		typ = uint8(h.MessageType)
		why = m.addressed(&h, &d)
	}
	before := out.Len()
	if why == Accepted {
		switch h.MessageType {
		case wire.TypeDelayReq:
			why = m.delayReq(now, &h, &d, out)
		case wire.TypePdelayReq:
			why = m.pdelayReq(now, &h, &d, out)
		case wire.TypeSignaling:
			why = m.signaling(now, &d, out)
		case wire.TypeManagement:
			why = m.management(now, &d, out)
		default:
			why = NotForMaster
		}
	}
	if why != Accepted {
		m.suspect(now, &h, &d, why)
	}
	answered := 0
	if out.Len() > before {
		answered = 1
	}
	m.stats.Received[typ][why][answered]++
}

// reasonOf turns a refusal of the codec into a reason.
func reasonOf(err error) Reason {
	switch {
	case err == nil:
		return Accepted
	case errors.Is(err, wire.ErrShort):
		return Short
	case errors.Is(err, wire.ErrVersion):
		return BadVersion
	case errors.Is(err, wire.ErrType):
		return BadType
	case errors.Is(err, wire.ErrTimestamp):
		return BadTimestamp
	case errors.Is(err, wire.ErrTLV):
		return BadTLV
	}
	return BadLength
}

// addressed tells whether a message is one for this clock at all: right port,
// sdoId and domain, allowed sender. minorSdoId was reserved in 1588-2008, so
// only a 2019 sender (minorVersionPTP 1) means something by it.
func (m *Master) addressed(h *wire.Header, d *Datagram) Reason {
	switch {
	case d.Event != h.MessageType.Event():
		return WrongPort
	case h.MajorSdoID != 0 || h.MinorVersion > 0 && h.MinorSdoID != 0:
		return WrongSdoID
	case h.Domain != m.cfg.Domain:
		return WrongDomain
	case h.Source.Clock == m.me.Clock:
		return OwnIdentity
	case !m.allowed(d):
		return AddressDenied
	}
	return Accepted
}

func (m *Master) allowed(d *Datagram) bool {
	return !within(d.Src, m.cfg.Deny) && (m.cfg.Allow == nil || within(d.Src, m.cfg.Allow))
}

// delayReq answers a Delay_Req (11.3.2): receiveTimestamp is the stamp,
// correctionField, sequenceId and the sender's identity are the request's.
func (m *Master) delayReq(now timescale.Mono, h *wire.Header, d *Datagram, out *Outbox) Reason {
	// Its originTimestamp is the client's estimate, and nobody needs it (11.3.2):
	// whatever is there, it is a Delay_Req.
	row := m.clients.index.find(Key{d.Src, h.Source})
	if row < 0 {
		if !m.cfg.Open {
			return NoGrant
		}
		return m.openDelayReq(now, h, d, out)
	}
	c := &m.clients.rows[row]
	m.earn(c, len(d.Payload))
	c.noteRequest(now, d)
	if c.delayReqs == 1 {
		m.recount(row)
	}
	why := Accepted
	g := &c.grants[FlowDelayResp]
	log := g.log
	if !g.live {
		log = m.cfg.Limits[FlowDelayResp].MinLog
	}
	switch {
	case !m.said.Serve:
		why = NotServing
	case !m.cfg.Open && (!g.live || !now.Before(g.expires)):
		why = NoGrant
	case !c.allowance(now, log):
		why = TooFast
	case !d.HasStamp:
		why = NoStamp
	case !m.spend(now, c, len(m.delayResp)):
		why = NoCredit
	}
	if why != Accepted {
		c.unanswered[why]++
		return why
	}
	g.sent++
	m.respond(h, d, flowID(row, FlowDelayResp)+1, out)
	return Accepted
}

// openDelayReq answers one who has no grant. Request and answer are of one
// size, so it amplifies nothing; the limiter keeps a flood down.
func (m *Master) openDelayReq(now timescale.Mono, h *wire.Header, d *Datagram, out *Outbox) Reason {
	switch {
	case !m.said.Serve:
		return NotServing
	case !d.HasStamp:
		return NoStamp
	case !m.open.pass(now, d.Src):
		return TooFast
	}
	m.respond(h, d, 0, out)
	return Accepted
}

func (m *Master) respond(h *wire.Header, d *Datagram, flow int32, out *Outbox) {
	p := out.put(Message{Src: d.Dst, Dst: d.Src, Payload: m.delayResp, flow: flow})
	answerTo(h, p)
	wire.PutTimestamp(p[wire.OriginOffset:], wire.TimestampFromLocal(d.Stamp))
	wire.AddCorrectionScaled(p, m.cfg.DelayRespCorrection)
	m.stats.Sent[wire.TypeDelayResp]++
}

// answerTo copies what an answer has of its request.
func answerTo(h *wire.Header, p []byte) {
	binary.BigEndian.PutUint64(p[correctionOffset:], uint64(h.Correction))
	wire.PutSequenceID(p, h.SequenceID)
	copy(p[requestingOffset:], h.Source.Clock[:])
	binary.BigEndian.PutUint16(p[requestingOffset+8:], h.Source.Port)
}

// pdelayReq answers a Pdelay_Req in one step (11.4.2): requestReceiptTimestamp is
// 0, and the transport adds the turnaround, from the stamp to the moment of
// egress, to the request's correctionField. In one step, since that moment is
// predicted as a Sync's is: a Pdelay_Resp_Follow_Up would have to wait for a
// transmit stamp and would be no better than the prediction's residual. The
// answer is as long as the question, so nothing is amplified and no grant asked.
func (m *Master) pdelayReq(now timescale.Mono, h *wire.Header, d *Datagram, out *Outbox) Reason {
	switch {
	case !m.cfg.Pdelay:
		return NotForMaster
	case !m.said.Serve:
		return NotServing
	case !d.HasStamp:
		return NoStamp
	case !m.peers.pass(now, d.Src):
		return TooFast
	}
	answerTo(h, out.put(Message{Src: d.Dst, Dst: d.Src, Event: true, Payload: m.pdelayResp}))
	msg := &out.msgs[len(out.msgs)-1]
	msg.FillTurnaround, msg.Received = true, d.Stamp
	m.stats.Sent[wire.TypePdelayResp]++
	return Accepted
}

// noteRequest keeps what a Delay_Req tells of its client.
func (c *client) noteRequest(now timescale.Mono, d *Datagram) {
	c.delayReqs++
	if gap := int64(now.Sub(c.lastReq)); !c.lastReq.IsZero() && gap >= 0 {
		if c.reqInterval == 0 {
			c.reqInterval = gap
		}
		c.reqInterval += (gap - c.reqInterval) / 16
	}
	c.lastReq, c.last, c.dscp = now, now, d.DSCP
}

// allowance is a bucket of Delay_Req: it fills at twice the granted rate and
// holds burst of them, since the standard spreads them at random (9.5.11.2).
func (c *client) allowance(now timescale.Mono, log int8) bool {
	const burst = 16
	cost := intervalNs(log) / 2
	c.tokens = min(c.tokens+int64(now.Sub(c.filled)), burst*cost)
	c.filled = now
	if c.tokens < cost {
		return false
	}
	c.tokens -= cost
	return true
}

// intervalNs is 2^log s in ns.
func intervalNs(log int8) int64 {
	const second = 1_000_000_000
	if log < 0 {
		return second >> uint(-log)
	}
	return second << uint(log)
}
