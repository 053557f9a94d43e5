package master

import (
	"net/netip"
	"time"

	"bragi/gnss/timescale"
	"bragi/master/wire"
)

// A drain sends each client a CANCEL for each of its flows (16.1.4.3), again
// after a second, three times at most; the flows run on until their client
// acknowledged, or a second after the last CANCEL. New requests are denied.
const (
	cancelTries = 3
	cancelEvery = time.Second
)

// Drain starts to send all clients away; Drained tells when they are gone.
func (m *Master) Drain(now timescale.Mono) {
	m.draining = true
	if len(m.clients.used) > 0 {
		m.sweepAt = now
	}
}

// A client whose Announce is cancelled must first find out that its grandmaster has
// gone, by 11 intervals without one at most (an RPD). One that is granted Announce
// before that goes on with the same grandmaster, and asks for Sync only when it
// looks for one: a minute later, or never.
const (
	restIntervals = 12
	leastRest     = 2 * time.Second
	longestRest   = 15 * time.Second
)

// Resume ends a drain: requests are granted again, a moment after the last CANCEL.
// Whoever got a CANCEL is sent away to the end; the others keep what they have.
func (m *Master) Resume() { m.draining = false }

// rests lets nobody be granted until a client whose flow ends now has noticed, if it
// has Sync from us beside Announce.
func (m *Master) rests(now timescale.Mono, c *client, f Flow) {
	if f != FlowAnnounce || !c.grants[FlowSync].live {
		return
	}
	until := now.Add(min(max(leastRest, restIntervals*time.Duration(intervalNs(c.grants[f].log))), longestRest))
	if m.restsUntil.Before(until) {
		m.restsUntil = until
	}
}

// leaves tells whether requests of a client are denied: of all while a drain stands,
// and for the rest after it of those who are sent away or may have been.
func (m *Master) leaves(now timescale.Mono, row int32) bool {
	return m.draining || (row < 0 || m.clients.rows[row].cancels > 0) && now.Before(m.restsUntil)
}

// Drained tells that a drain is over: no client is left.
func (m *Master) Drained() bool { return m.draining && len(m.clients.used) == 0 }

func (m *Master) drainClient(now timescale.Mono, row int32, out *Outbox) {
	c := &m.clients.rows[row]
	if c.cancels > 0 && now.Before(c.nextCancel) {
		return
	}
	for f := range c.grants {
		switch {
		case !c.grants[f].live:
		case c.cancels >= cancelTries:
			m.end(now, row, Flow(f), EventSentAway)
		default:
			m.tlv = wire.UnicastCancel{MessageType: Flow(f).Type()}.Append(m.tlv[:0])
			m.signalTo(c.key, &c.signalSeq, c.asked, out)
			m.rests(now, c, Flow(f))
		}
	}
	c.cancels++
	c.nextCancel = now.Add(cancelEvery)
}

// signalTo sends the TLV in m.tlv.
func (m *Master) signalTo(to Key, seq *uint16, from netip.Addr, out *Outbox) {
	tlvs, err := wire.ParseTLVs(m.tlv)
	if err != nil {
		return
	}
	h := m.header()
	h.SequenceID = *seq
	*seq++
	s := wire.Signaling{Header: h, Target: to.Port, TLVs: tlvs}
	m.signal = s.Append(m.signal[:0])
	wire.SetControl(m.signal)
	out.put(Message{Src: from, Dst: to.Address, Payload: m.signal})
	m.stats.Sent[wire.TypeSignaling]++
}
