package master

import (
	"net/netip"
	"time"

	"bragi/gnss/timescale"
	"bragi/master/wire"
)

// Suspect is the evidence of one who is no client: what came from an address
// and was refused. It answers "why does this client not get served?" for a
// wrong domain, a missing line in `allow`, a full table.
type Suspect struct {
	Address     netip.Addr
	Port        wire.PortIdentity // of its last message with a readable header
	Reason      Reason            // the last
	Type        wire.MessageType  // of its last message; of a denied request, the type asked for
	Domain      uint8             // of its last message
	Target      wire.PortIdentity // whom it asked for, where that was another clock
	Count       uint64
	First, Last timescale.Mono
	// Served is until when its address was a client that came after the refusal; zero: it
	// never was, or is one now.
	Served timescale.Mono
	said   said
}

// suspects is a table of its own, so that no flood evicts a client. New rows
// come in at a bounded pace: a flood of made-up sources shows as a few of them
// and a number.
type suspects struct {
	rows   []Suspect
	index  index[netip.Addr]
	n      int32
	tokens int64
	filled timescale.Mono
	missed uint64
}

const (
	maxSuspects  = 256
	suspectEvery = time.Second / 16 // a new row
	suspectBurst = 64
)

func newSuspects() *suspects {
	t := &suspects{rows: make([]Suspect, maxSuspects), tokens: suspectBurst * int64(suspectEvery)}
	t.index = newIndex(maxSuspects, func(row int32) netip.Addr { return t.rows[row].Address })
	return t
}

// row finds or makes the row of an address; nil when no new row is allowed now.
func (t *suspects) row(now timescale.Mono, a netip.Addr) *Suspect {
	if row := t.index.find(a); row >= 0 {
		return &t.rows[row]
	}
	if !t.filled.IsZero() {
		t.tokens = min(t.tokens+int64(now.Sub(t.filled)), suspectBurst*int64(suspectEvery))
	}
	t.filled = now
	if t.tokens < int64(suspectEvery) {
		t.missed++
		return nil
	}
	t.tokens -= int64(suspectEvery)
	row := t.n
	if int(row) < len(t.rows) {
		t.n++
	} else {
		row = 0
		for i := range t.rows {
			if t.rows[i].Last.Before(t.rows[row].Last) {
				row = int32(i)
			}
		}
		t.index.remove(t.rows[row].Address)
	}
	t.rows[row] = Suspect{Address: a, First: now}
	t.index.insert(a, row)
	return &t.rows[row]
}

// note keeps a refusal and says it, the same one once in a while.
func (t *suspects) note(e Event, out *events) {
	s := t.row(e.At, e.Client.Address)
	if s == nil {
		return
	}
	s.Count++
	s.Last, s.Reason = e.At, e.Reason
	s.Port, s.Type, s.Domain, s.Target = e.Client.Port, e.Type, e.Domain, e.Target
	if s.said.first(e.At, e.Reason) {
		out.add(e, stranger)
	}
}

// said are the reasons that were said in this minute.
type said struct {
	since   timescale.Mono
	reasons uint64
}

// first tells whether a reason is to be said now: once a minute, whatever other
// reasons come in turn.
func (s *said) first(now timescale.Mono, why Reason) bool {
	if s.since.IsZero() || now.Sub(s.since) > repeatRefusalAfter {
		*s = said{since: now}
	}
	bit := uint64(1) << why
	if s.reasons&bit != 0 {
		return false
	}
	s.reasons |= bit
	return true
}

// served notes that a client goes which came at first, and was not refused since.
func (t *suspects) served(now timescale.Mono, a netip.Addr, first timescale.Mono) {
	if row := t.index.find(a); row >= 0 && t.rows[row].Last.Before(first) {
		t.rows[row].Served = now
	}
}

// suspect keeps the refusal of a datagram as evidence, unless its sender is a
// client or the refusal is a denial: those are kept already. What has no
// readable header has no identity.
func (m *Master) suspect(now timescale.Mono, h *wire.Header, d *Datagram, why Reason) {
	if why >= NotServing && h.MessageType == wire.TypeSignaling {
		return
	}
	if h.Domain == m.cfg.Domain && m.clients.index.find(Key{d.Src, h.Source}) >= 0 {
		return
	}
	e := Event{At: now, Kind: EventRefused, Client: Key{d.Src, h.Source}, Type: h.MessageType, Reason: why, Domain: h.Domain}
	if why == WrongTarget {
		e.Target = wire.TargetOf(d.Payload)
	}
	m.suspects.note(e, &m.events)
}
