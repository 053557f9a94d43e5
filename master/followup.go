package master

import (
	"net/netip"
	"time"

	"bragi/gnss/timescale"
	"bragi/master/wire"
)

// Two-step. A Sync that is to be followed leaves with a token (Message.Token),
// good for one Follow_Up. The transport shows it again with the stamp of the
// moment when the Sync left; a stamp that never comes, comes too late, a second
// time or cannot be, makes no Follow_Up: a client does better without than with
// a guess.

const (
	// followUps is how many Syncs may wait for their stamps: those of 1,000 clients
	// at 32 a second for an eighth of a second.
	followUps = 4096
	// maxEgress is how long after what the Sync said the stamp may say it left. A
	// driver that reads its clock's seconds and nanoseconds apart is 1 s off.
	maxEgress = 10 * time.Millisecond
	// minEgress is how much earlier: the Sync's origin is a prediction, the stamp is
	// taken before the wire by what egress_latency then puts right.
	minEgress = -maxEgress
)

// followWithinNs is how long a stamp may take even where Syncs are rare, in ns.
const followWithinNs = int64(time.Second)

// departure is a Sync whose stamp has not come.
type departure struct {
	token    uint32 // 0: none waits here
	src, dst netip.Addr
	seq      uint16
	deadline timescale.Mono // when the flow's next Sync is due, at most a second: the client has then given this one up
}

// departures are the Syncs that wait for their stamps, a ring in the order in
// which they left.
type departures struct {
	rows [followUps]departure
	last uint32 // the token given last
	old  uint32 // all tokens up to this one are done
}

// StampCounts say what became of the Syncs that were to be followed.
type StampCounts struct {
	Lost       uint64 // no stamp before the flow's next Sync: no Follow_Up
	Late       uint64 // the stamp came after it
	Repeated   uint64 // a second stamp for a Sync, or one for a Sync that was never sent
	Impossible uint64 // a stamp that says the Sync left long before or after it was sent
}

// add gives a token to a Sync.
func (q *departures) add(now timescale.Mono, d departure, lost *uint64) uint32 {
	q.expire(now, lost)
	q.last++
	if q.last == 0 { // 0 is no token
		q.last = 1
	}
	row := &q.rows[q.last%followUps]
	if row.token != 0 {
		*lost++
	}
	d.token = q.last
	*row = d
	return d.token
}

// expire forgets the Syncs whose time is over.
func (q *departures) expire(now timescale.Mono, lost *uint64) {
	if q.last-q.old > followUps {
		q.old = q.last - followUps // overwritten, and counted then
	}
	for q.old != q.last {
		row := &q.rows[(q.old+1)%followUps]
		if row.token != 0 && row.token == q.old+1 {
			if now.Before(row.deadline) {
				return
			}
			*lost++
			row.token = 0
		}
		q.old++
	}
}

// take spends a token; ok is false when it is spent, or was never given.
func (q *departures) take(token uint32) (d departure, ok bool) {
	row := &q.rows[token%followUps]
	if token == 0 || row.token != token {
		return d, false
	}
	d, row.token = *row, 0
	return d, true
}

// SetTwoStep makes every client's Sync a two-step one, or (false) only theirs
// for whom the configuration wants it.
func (m *Master) SetTwoStep(all bool) {
	if m.twoStep = all; all && m.departures == nil {
		m.departures = new(departures)
	}
}

// Follows tells whether some Syncs are to be followed.
func (m *Master) Follows() bool { return m.departures != nil }

// twoStepFor tells whether a client at this address gets two-step Syncs.
func (m *Master) twoStepFor(a netip.Addr) bool { return within(a, m.cfg.TwoStepFor) }

// await makes msg, a Sync, a two-step one.
func (m *Master) await(now timescale.Mono, c *client, g *grant, msg *Message) {
	msg.Payload[flagsOffset] |= byte(wire.FlagTwoStep >> 8)
	msg.Token = m.departures.add(now, departure{
		src: c.asked, dst: c.key.Address, seq: g.seq, deadline: now.Add(time.Duration(min(intervalNs(g.log), followWithinNs))),
	}, &m.stats.Stamps.Lost)
}

// FollowUp sends the Follow_Up of a Sync that left with this token. stamp is the
// served clock at the moment it left, origin what the Sync itself said.
func (m *Master) FollowUp(now timescale.Mono, token uint32, origin, stamp timescale.Local, out *Outbox) (sent bool) {
	if m.departures == nil {
		return false
	}
	d, ok := m.departures.take(token)
	late := stamp.Sub(origin)
	switch n := &m.stats.Stamps; {
	case !ok:
		n.Repeated++
	case late < minEgress || late > maxEgress:
		n.Impossible++
	case !now.Before(d.deadline):
		n.Late++
	case m.said.Serve:
		p := out.put(Message{Src: d.src, Dst: d.dst, Payload: m.followUp})
		wire.PutSequenceID(p, d.seq)
		wire.PutTimestamp(p[wire.OriginOffset:], wire.TimestampFromLocal(stamp))
		m.stats.Sent[wire.TypeFollowUp]++
		return true
	}
	return false
}
