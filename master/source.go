package master

import (
	"net/netip"
	"time"

	"bragi/gnss/timescale"
	"bragi/master/wire"
)

// Credit. Towards an address that is not trusted the master is bound by the
// rule that QUIC has for addresses not validated (RFC 9000, 8.1), with a factor
// that the flows of the cable network fit into (an RPD gets 3.9 times the bytes
// it sends, a cBR8 2.6): CreditStart bytes until bytes come back, then at most
// CreditFactor times what came. The grant says what was asked; the flow pauses
// when the credit is spent, and more is denied. Bytes are those of UDP payload, by
// address, kept for an hour after the last client there has gone, so that asking
// again buys nothing.
const (
	CreditFactor = 5
	CreditStart  = 8000
	creditKept   = time.Hour
)

// source is an address that has clients, or had some lately.
type source struct {
	account
	users  int32
	head   int32          // row + 1 of its latest client, see client.beside
	newest timescale.Mono // when that came

	undelivered, undeliveredFrom timescale.Mono // the last and the first word that it does not answer ARP
}

// account is what of a source outlives a restart of ours (saved.go).
type account struct {
	address        netip.Addr
	sent, received uint64
	last           timescale.Mono
}

// sources is the table of them: twice as many as clients, so that each client's
// address has a row and as many others are remembered.
type sources struct {
	rows  []source
	index index[netip.Addr]
	n     int32 // rows ever used
	hand  int32 // where the search for a free row goes on
}

func newSources(clients int) *sources {
	t := &sources{rows: make([]source, 2*clients)}
	t.index = newIndex(2*clients, func(row int32) netip.Addr { return t.rows[row].address })
	return t
}

// find is the row of an address, nil if it has none.
func (t *sources) find(a netip.Addr) *source {
	if row := t.index.find(a); row >= 0 {
		return &t.rows[row]
	}
	return nil
}

// forgets bounds how many idle rows are compared for the one that is forgotten.
const forgets = 32

// free finds a row for a new address: an unused one, or the one that has been idle
// for longest of the next few. Half of the rows are idle at least.
func (t *sources) free(now timescale.Mono) int32 {
	if int(t.n) < len(t.rows) {
		t.n++
		return t.n - 1
	}
	best := int32(-1)
	for idle := 0; idle < forgets && (best < 0 || idle < len(t.rows)/2); {
		t.hand = (t.hand + 1) % t.n
		r := &t.rows[t.hand]
		if r.users > 0 {
			continue
		}
		idle++
		if best < 0 || r.last.Before(t.rows[best].last) {
			best = t.hand
		}
		if now.Sub(t.rows[best].last) > creditKept {
			break
		}
	}
	t.index.remove(t.rows[best].address)
	return best
}

// take is the row of an address that is to have an account.
func (t *sources) take(now timescale.Mono, a netip.Addr) int32 {
	row := t.index.find(a)
	if row < 0 {
		row = t.free(now)
		t.rows[row] = source{account: account{address: a}}
		t.index.insert(a, row)
	}
	t.rows[row].last = now
	return row
}

func (m *Master) trusted(a netip.Addr) bool {
	return m.cfg.Trusted == nil || within(a, m.cfg.Trusted)
}

// spent tells whether the credit of an address is used up: what it asks for would
// only pause. One that has no account yet may begin.
func (m *Master) spent(a netip.Addr) bool {
	s := m.sources.find(a)
	return s != nil && !m.trusted(a) && !s.covers(wire.SignalingLen+2*wire.AnnounceLen)
}

// earn counts bytes that came from a client's address.
func (m *Master) earn(c *client, n int) {
	if !c.trusted {
		m.sources.rows[c.source].received += uint64(n)
	}
}

// covers tells whether n more bytes may be sent.
func (a *account) covers(n int) bool {
	return a.sent+uint64(n) <= max(CreditStart, CreditFactor*a.received)
}

// spend tells whether n bytes may be sent to the client, and counts them.
func (m *Master) spend(now timescale.Mono, c *client, n int) bool {
	if c.trusted {
		return true
	}
	r := &m.sources.rows[c.source]
	if !r.covers(n) {
		m.stats.Paused++
		c.paused++
		c.pausedAt = now
		return false
	}
	r.sent += uint64(n)
	return true
}

// Fair shares. The table of clients is for all; who has shown least of itself gives
// way (see standing).
//
//	address    has a share of the table: several clients behind one NAT, not all
//	prefix     (24 bits) has a share of those who are not proven, of more than the addresses that it has
//	newcomer   whose address or prefix has its share, or who finds the table full, gets the row of one who is
//	           lifeless, or else unproven for four seconds: of its own address or prefix, or of the prefix that
//	           has most. Of the unproven those go first whose Delay_Reqs come slower than one in two seconds; a
//	           steadier one gives way when there are no others, not even younger ones. A trusted one gives way
//	           only when it is lifeless.
//
// Who is busy or proven never gives way. What is looked at for one newcomer is
// bounded.
const (
	hurriedAfter     = 4 * time.Second
	addressShare     = 8         // an address has an eighth of the table
	leastShare       = 8         // at least
	prefixShare      = 2         // a prefix has half of it
	leastPrefixShare = 320       // at least
	looks            = 128       // rows that are looked at for one to give way
	mostLooks        = 8 * looks // where none but a steady one was seen
	prefixBits       = 24
)

// share is how many clients one address may have.
func (m *Master) share() int32 {
	return int32(max(leastShare, m.cfg.MaxClients/addressShare))
}

// shareOfPrefix is how many clients of one prefix may be without proof.
func (m *Master) shareOfPrefix() int32 {
	return int32(max(leastPrefixShare, m.cfg.MaxClients/prefixShare))
}

// prefixes count the clients of each prefix.
type prefixes struct {
	rows  []prefix
	index index[netip.Addr]
	free  []int32
}

type prefix struct {
	base            netip.Addr
	users, unproven int32 // see settled
}

func newPrefixes(clients int) *prefixes {
	t := &prefixes{rows: make([]prefix, clients), free: make([]int32, 0, clients)}
	t.index = newIndex(clients, func(row int32) netip.Addr { return t.rows[row].base })
	for i := clients - 1; i >= 0; i-- {
		t.free = append(t.free, int32(i))
	}
	return t
}

func baseOf(a netip.Addr) netip.Addr {
	p, err := a.Prefix(prefixBits)
	if err != nil {
		return a
	}
	return p.Addr()
}

// at is the prefix of an address; the zero prefix when it has no client.
func (t *prefixes) at(a netip.Addr) prefix {
	if row := t.index.find(baseOf(a)); row >= 0 {
		return t.rows[row]
	}
	return prefix{}
}

// take counts a client more; each prefix in use has a client, so there is room.
func (t *prefixes) take(a netip.Addr) int32 {
	base := baseOf(a)
	row := t.index.find(base)
	if row < 0 {
		row = t.free[len(t.free)-1]
		t.free = t.free[:len(t.free)-1]
		t.rows[row] = prefix{base: base}
		t.index.insert(base, row)
	}
	t.rows[row].users++
	return row
}

func (t *prefixes) release(row int32) {
	if t.rows[row].users--; t.rows[row].users == 0 {
		t.index.remove(t.rows[row].base)
		t.free = append(t.free, row)
	}
}

// enter counts a client at its address and its prefix.
func (m *Master) enter(now timescale.Mono, row int32) {
	c := &m.clients.rows[row]
	a := c.key.Address
	c.trusted = m.trusted(a)
	c.source, c.prefix = m.sources.take(now, a), m.prefixes.take(a)
	s := &m.sources.rows[c.source]
	c.beside, s.head = s.head, row+1
	s.users++
	if s.newest.Before(c.first) {
		s.newest = c.first
	}
	m.recount(row)
}

// settled tells whether a client counts no longer for the share of its prefix.
func (c *client) settled() bool { return c.proven || c.trusted && c.delayReqs > 0 }

// recount counts a client among the unproven of its prefix, or no longer.
func (m *Master) recount(row int32) {
	c := &m.clients.rows[row]
	if counts := !c.settled(); counts != c.counted {
		c.counted = counts
		n := &m.prefixes.rows[c.prefix].unproven
		if counts {
			*n++
		} else {
			*n--
		}
	}
}

// leave counts it no longer.
func (m *Master) leave(now timescale.Mono, row int32) {
	c := &m.clients.rows[row]
	s := &m.sources.rows[c.source]
	for at := &s.head; *at != 0; at = &m.clients.rows[*at-1].beside {
		if *at == row+1 {
			*at = c.beside
			break
		}
	}
	s.users--
	s.last = now
	if c.counted {
		c.counted = false
		m.prefixes.rows[c.prefix].unproven--
	}
	m.prefixes.release(c.prefix)
}

// renewed tells whether a flow that it has was renewed.
func (c *client) renewed() bool {
	for f := range c.grants {
		if c.grants[f].live && c.grants[f].renewed > 0 {
			return true
		}
	}
	return false
}

// room finds out whether a newcomer can have a row: way is -1 for a free one, or
// the row of one who gives way; why is a refusal when there is none.
func (m *Master) room(now timescale.Mono, a netip.Addr) (way int32, why Reason) {
	if own := m.sources.find(a); own != nil && own.users >= m.share() {
		s := search{now: now, best: -1}
		for row := own.head; row != 0; row = m.clients.rows[row-1].beside {
			m.consider(&s, row-1)
		}
		if s.best >= 0 {
			return s.best, Accepted
		}
		return -1, ShareTaken
	}
	at := m.prefixes.at(a)
	crowded := at.unproven >= m.shareOfPrefix()
	if !crowded && !m.clients.full() {
		return -1, Accepted
	}
	among := anywhere
	if crowded {
		among = ownPrefix
	}
	way = m.giver(now, at, among)
	switch {
	case way >= 0:
		return way, Accepted
	case crowded:
		return -1, ShareTaken
	}
	return -1, TableFull
}

// reach is among whom one is looked for who gives way.
type reach bool

const (
	anywhere  reach = false
	ownPrefix reach = true
)

// giver looks for a client that gives way to a newcomer of a prefix.
func (m *Master) giver(now timescale.Mono, of prefix, among reach) int32 {
	m.pressedAt = now
	s := search{now: now, best: -1}
	for n := range min(mostLooks, len(m.clients.used)) {
		if n >= looks && !s.steady {
			break // one was found, or the table is of those who stay: a flood pays for no more
		}
		if m.looked++; m.looked >= len(m.clients.used) {
			m.looked = 0
		}
		row := m.clients.used[m.looked]
		if among == anywhere || m.prefixes.rows[m.clients.rows[row].prefix].base == of.base {
			m.consider(&s, row)
		}
	}
	if s.best >= 0 && s.steady && s.young {
		return -1
	}
	return s.best
}

// search looks for who gives way first.
type search struct {
	now      timescale.Mono
	best     int32 // row, -1 for none
	standing Standing
	steady   bool  // its Delay_Reqs come steadily
	young    bool  // one was seen that will give way when it is four seconds old
	users    int32 // of its prefix
	since    timescale.Mono
}

// consider takes a client that may give way if it does so before the best so far:
// who has shown less, is less steady, is of the fuller prefix, or is here for longer.
func (m *Master) consider(s *search, row int32) {
	c := &m.clients.rows[row]
	shown, users := c.standing(s.now), m.prefixes.rows[c.prefix].users
	if shown > Unproven || shown == Unproven && c.trusted {
		return
	}
	steady := shown == Unproven && c.steady(s.now)
	if shown == Unproven && s.now.Sub(c.first) < hurriedAfter {
		s.young = s.young || !steady
		return
	}
	before := s.best < 0 || shown < s.standing
	if !before && shown == s.standing {
		before = s.steady && !steady || s.steady == steady && (users > s.users || users == s.users && c.first.Before(s.since))
	}
	if before {
		s.best, s.standing, s.steady, s.users, s.since = row, shown, steady, users, c.first
	}
}

// An address whose client comes back with another portIdentity (a supervisor's
// switch-over, a device that was replaced) has two rows. The older one's flows end
// when it is silent: it sent Delay_Reqs, or could have, and sends none since the
// newer one came. Clocks behind one NAT go on, as they go on asking.
const (
	replacedAfter   = 2 * time.Second // without a Delay_Req, or 8 of its intervals
	neverAskedAfter = 4 * time.Second // without a first one, since Delay_Resp is granted
)

// replaced tells whether a newer client has taken the place of this one.
func (m *Master) replaced(now timescale.Mono, c *client) bool {
	s := &m.sources.rows[c.source]
	if s.users < 2 || !c.first.Before(s.newest) {
		return false
	}
	if c.delayReqs == 0 {
		g := &c.grants[FlowDelayResp]
		return g.live && now.Sub(g.since) >= neverAskedAfter && now.Sub(s.newest) >= replacedAfter
	}
	patience := max(replacedAfter, 8*time.Duration(c.reqInterval))
	return now.Sub(c.lastReq) >= patience && s.newest.Sub(c.lastReq) > -time.Second
}

// giveNotice cancels the flows of a client that gives way, so that a living one asks
// again at once and does not wait for what comes no more. It costs credit, as all that
// a forged request may buy.
func (m *Master) giveNotice(now timescale.Mono, row int32, out *Outbox) {
	c := &m.clients.rows[row]
	if c.standing(now) == Lifeless {
		return
	}
	for f := range c.grants {
		m.tlv = wire.UnicastCancel{MessageType: Flow(f).Type()}.Append(m.tlv[:0])
		if c.grants[f].live && m.spend(now, c, wire.SignalingLen+len(m.tlv)) {
			m.signalTo(c.key, &c.signalSeq, c.asked, out)
		}
	}
}

// dismiss ends all flows of a client without a word.
func (m *Master) dismiss(now timescale.Mono, row int32, why EventKind) {
	for f := range m.clients.rows[row].grants {
		m.end(now, row, Flow(f), why)
	}
	m.release(now, row)
}
