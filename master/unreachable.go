package master

import (
	"net/netip"
	"time"

	"bragi/gnss/timescale"
	"bragi/master/wire"
)

// What did not leave, and what did not arrive. A message that is put into the
// Outbox counts as sent; the transport takes back those that the system refused to
// send, by NotSent, so that counters, the Announce gap and the alarms all tell of
// what left. What the network says of an address (ICMP) comes by Unreachable, and by
// Undelivered for what waited for an address that did not answer ARP.

// Refusal is why an address cannot be reached, by ICMP.
type Refusal uint8

// The refusals.
const (
	NotRefused  Refusal = iota
	PortClosed          // the machine is there, and nobody listens at the port
	NoNeighbour         // the address, or the router to it, does not answer ARP
)

// String is the refusal in words.
func (r Refusal) String() string {
	return [...]string{"", "nobody listens at its PTP port (ICMP port unreachable)", "it does not answer ARP"}[r]
}

// sendTrouble is what of a client's messages did not leave.
type sendTrouble struct {
	count     uint64
	err       error
	at        [numFlows]timescale.Mono // by flow: the last that did not leave
	announced timescale.Mono           // when the Announce before the last left, see gap
	refusal   Refusal
	refusedAt timescale.Mono
	// undelivered counts what was sent and never left, since the address does not answer
	// ARP; marks: what of each flow was sent when that was last said.
	undelivered uint64
	marks       [numFlows]uint64
}

// NotSent takes back a message of the Outbox that the system refused to send, and
// why.
func (m *Master) NotSent(now timescale.Mono, msg *Message, err error) {
	if msg.guest {
		return
	}
	typ := wire.MessageType(msg.Payload[0] & 0x0F)
	m.stats.Sent[typ&15]--
	m.stats.Unsent[typ&15]++
	if msg.flow == 0 {
		return
	}
	row, f := (msg.flow-1)/numFlows, Flow((msg.flow-1)%numFlows)
	c := &m.clients.rows[row]
	if c.key.Address != msg.Dst {
		return // the row is another's by now
	}
	c.trouble.count++
	c.trouble.err, c.trouble.at[f] = err, now
	g := &c.grants[f]
	g.sent--
	if f == FlowAnnounce {
		m.gap.takeBack(g, c.trouble.announced)
	}
}

// An address that does not answer ARP. What is sent to it waits in the kernel for some
// seconds, and then goes nowhere; the kernel's word comes for each such message, as far
// as it has kept them. From then on the kernel asks again and again, and what is sent
// between two of its words goes nowhere either.
const (
	undeliveredBurst = time.Second     // the first words come together
	undeliveredAgain = 5 * time.Second // the kernel asks for 3 s
)

// Undelivered counts a message of a type that was sent to an address which does not
// answer ARP, and those that the kernel kept no word of. Sent counts them too: a counter
// that goes back is none.
func (m *Master) Undelivered(now timescale.Mono, a netip.Addr, t wire.MessageType) {
	s := m.sources.find(a)
	if s == nil {
		return
	}
	heard := false
	for next := s.head; next != 0; next = m.clients.rows[next-1].beside {
		heard = heard || s.undelivered.Before(m.clients.rows[next-1].last)
	}
	if heard || s.undelivered.IsZero() || now.Sub(s.undelivered) > undeliveredAgain {
		s.undeliveredFrom = now
	}
	s.undelivered = now
	first := now.Sub(s.undeliveredFrom) < undeliveredBurst
	for next := s.head; next != 0; next = m.clients.rows[next-1].beside {
		c := &m.clients.rows[next-1]
		for f := range c.grants {
			g := &c.grants[f]
			switch {
			case !first:
				m.undelivered(c, Flow(f), g.sent-min(g.sent, c.trouble.marks[f]))
			case Flow(f).Type() == t && g.sent > 0 && next == s.head:
				m.undelivered(c, Flow(f), 1)
			}
			c.trouble.marks[f] = g.sent
		}
	}
}

func (m *Master) undelivered(c *client, f Flow, n uint64) {
	c.trouble.undelivered += n
	m.stats.Undelivered[f.Type()] += n
}

// failing tells whether the flows of a client do not leave now: one that did would
// have come since.
func (c *client) failing(now timescale.Mono) bool {
	for f := range c.grants {
		g, at := &c.grants[f], c.trouble.at[f]
		if g.live && !at.IsZero() && now.Sub(at) <= max(time.Second, 2*time.Duration(intervalNs(g.log))) {
			return true
		}
	}
	return false
}

// Unreachable takes the network's word that messages to an address do not arrive.
// It may be forged, so it ends the flows of those only who show no life: of one who
// has never sent a Delay_Req nor renewed a grant at once, since its address may
// never have asked; and of one whose port is closed and who has been silent for a
// while. Of others it is evidence.
func (m *Master) Unreachable(now timescale.Mono, a netip.Addr, why Refusal) {
	s := m.sources.find(a)
	if s == nil {
		return
	}
	for next := s.head; next != 0; {
		row := next - 1
		c := &m.clients.rows[row]
		next = c.beside
		c.trouble.refusal, c.trouble.refusedAt = why, now
		if c.delayReqs == 0 && !c.renewed() || why == PortClosed && now.Sub(c.last) >= lifelessAfter {
			m.stats.Refused++
			m.dismiss(now, row, EventUnreachable)
		}
	}
}

// refused is what the network says of a client that has not been heard since.
func (c *client) refused(now timescale.Mono) Refusal {
	const shown = 10 * time.Second
	if t := &c.trouble; c.last.Before(t.refusedAt) && now.Sub(t.refusedAt) < shown {
		return t.refusal
	}
	return NotRefused
}
