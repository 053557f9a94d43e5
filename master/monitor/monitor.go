package monitor

import (
	"net/netip"
	"time"

	"bragi/gnss/timescale"
	"bragi/master"
	"bragi/master/wire"
)

const (
	// pause is between two questions, patience is how long an answer is waited for, and
	// every is how often one client is asked.
	pause    = time.Second / 4
	patience = time.Second
	every    = 10 * time.Second
	// A client that has not answered is asked half as often each time: from 10 s to ten
	// minutes.
	silences = 6
	// looks is how many clients are looked at for the next one that is due.
	looks = 64
	// kept is how many answers wait to be collected.
	kept = 64
)

// PortNumber is that of our portIdentity as the one who asks. The master's is 1.
const PortNumber = 3

// Config is whom to ask, and as who.
type Config struct {
	Identity   wire.ClockIdentity // the master's
	Domain     uint8
	MaxClients int            // of the master
	Ask        []netip.Prefix // nobody else is asked
	// Twin is another grandmaster that is a client here (package twin). It is not asked: it
	// has no clock that follows. The zero Addr: there is none.
	Twin netip.Addr
}

// Clients are those who are served (master.Master).
type Clients interface {
	ClientAt(i int) (row int, k master.Key, asked netip.Addr, ok bool)
	Serving() bool
}

// Outcome is what became of a question.
type Outcome uint8

// The outcomes.
const (
	Silent     Outcome = iota // no answer came
	Incomplete                // some of the answer came, or the request has no stamp
	Measured
)

// String is the outcome in words.
func (o Outcome) String() string {
	return [...]string{"no answer", "half an answer", "measured"}[o]
}

// Answer is what came of a question.
type Answer struct {
	At      timescale.Mono
	Client  master.Key
	Outcome Outcome
	// Of Measured. OffsetNs is the client's clock less the served clock, in ns; positive:
	// the client is ahead. DelayNs is the mean path delay.
	OffsetNs, DelayNs int64
	// UTC: the client's stamps are UTC, as those of ptp4l are where it steers the
	// system's clock. The offset is that of the TAI which it means.
	UTC  bool
	Said wire.NetSync
}

// Monitor asks. It belongs to one goroutine.
type Monitor struct {
	clients Clients
	me      wire.PortIdentity
	domain  uint8
	ask     []netip.Prefix
	twin    netip.Addr
	rows    []asked // by the master's row

	next    timescale.Mono
	at      int // which client is looked at next
	seq     uint16
	waiting bool
	x       exchange
	request []byte
	answers []Answer
}

// asked is what is known of the asking of one client.
type asked struct {
	address netip.Addr
	at      timescale.Mono // not before
	silent  uint8          // questions without an answer
}

// exchange is the question that waits for its answer. Times are in ns: t2 and t3 of
// the served clock, t1 and t4 of the client's.
type exchange struct {
	row                            int
	client                         master.Key
	seq                            uint16
	until                          timescale.Mono
	t1, t2, t3, t4                 int64
	sync, follow, response, stamps bool // what came; stamps: t3 did
	said                           wire.NetSync
	tlv                            bool // said is known
}

// New makes a monitor that asks nobody who is not in Config.Ask.
func New(clients Clients, c Config) *Monitor {
	m := &Monitor{
		clients: clients, me: wire.PortIdentity{Clock: c.Identity, Port: PortNumber}, domain: c.Domain, ask: c.Ask, twin: c.Twin,
		rows: make([]asked, c.MaxClients), answers: make([]Answer, 0, kept), request: make([]byte, 0, wire.NetSyncRequestLen),
	}
	return m
}

// Ask changes who is asked.
func (m *Monitor) Ask(prefixes []netip.Prefix) { m.ask = prefixes }

// Leave asks nobody any more. Whoever was asked keeps nothing for it.
func (m *Monitor) Leave() { m.ask, m.waiting = nil, false }

// Answers adds the answers that have come to list, and forgets them.
func (m *Monitor) Answers(list []Answer) []Answer {
	list = append(list, m.answers...)
	m.answers = m.answers[:0]
	return list
}

// Next is when Tick has something to do.
func (m *Monitor) Next() (at timescale.Mono, ok bool) {
	if m.waiting {
		return m.x.until, true
	}
	return m.next, len(m.ask) > 0
}

// Tick asks the next client that is due, if no question waits.
func (m *Monitor) Tick(now timescale.Mono, out *master.Outbox) {
	if m.waiting && !now.Before(m.x.until) {
		m.conclude(now)
	}
	if m.waiting || len(m.ask) == 0 || now.Before(m.next) {
		return
	}
	m.next = now.Add(pause)
	if !m.clients.Serving() {
		return // there is no time to hold theirs against
	}
	for range looks {
		row, key, from, ok := m.clients.ClientAt(m.at)
		if m.at++; !ok {
			m.at = 0
			return
		}
		if row < len(m.rows) && key.Address != m.twin && within(key.Address, m.ask) && m.due(now, row, key.Address) {
			m.question(now, row, key, from, out)
			return
		}
	}
	m.next = now // the others are looked at right away
}

// due tells whether a client may be asked.
func (m *Monitor) due(now timescale.Mono, row int, address netip.Addr) bool {
	r := &m.rows[row]
	if r.address != address {
		*r = asked{address: address}
	}
	return !now.Before(r.at)
}

func (m *Monitor) question(now timescale.Mono, row int, k master.Key, from netip.Addr, out *master.Outbox) {
	m.seq++
	m.x = exchange{row: row, client: k, seq: m.seq, until: now.Add(patience)}
	m.waiting = true
	h := wire.Header{Domain: m.domain, Flags: wire.FlagUnicast, Source: m.me, SequenceID: m.seq, LogInterval: wire.LogIntervalNone}
	m.request = wire.AppendNetSyncRequest(m.request[:0], h)
	out.Add(master.Message{Src: from, Dst: k.Address, Event: true, FillOrigin: true, Report: true, Payload: m.request})
}

// Left takes t3.
func (m *Monitor) Left(sequenceID uint16, at timescale.Local) {
	if m.waiting && sequenceID == m.x.seq {
		m.x.t3, m.x.stamps = at.Ns(), true
	}
}

// Take takes what comes from the client that was asked last and is no client's.
func (m *Monitor) Take(now timescale.Mono, d master.Datagram) (mine bool) {
	if len(d.Payload) < wire.HeaderLen || d.Src != m.x.client.Address {
		return false
	}
	typ := wire.MessageType(d.Payload[0] & 0x0F)
	if typ != wire.TypeSync && typ != wire.TypeFollowUp && typ != wire.TypeDelayResp {
		return false
	}
	h, err := wire.ParseHeader(d.Payload)
	if !m.waiting || err != nil || d.Event != typ.Event() || h.Domain != m.domain || h.SequenceID != m.x.seq || h.Source.Clock != m.x.client.Port.Clock {
		return true
	}
	m.answer(&h, d)
	if m.complete() {
		m.conclude(now)
	}
	return true
}

// answer takes one message of the answer. A second of its kind changes nothing.
func (m *Monitor) answer(h *wire.Header, d master.Datagram) {
	x := &m.x
	switch h.MessageType {
	case wire.TypeSync:
		s, err := wire.ParseSync(d.Payload)
		origin, ok := s.OriginTimestamp.TAI()
		if x.sync || err != nil || !ok || !d.HasStamp {
			return
		}
		x.sync, x.t2 = true, d.Stamp.Ns()
		x.t1 += h.Correction >> 16
		if h.Flags&wire.FlagTwoStep == 0 {
			x.follow, x.t1 = true, x.t1+origin.Ns()
		}
	case wire.TypeFollowUp:
		f, err := wire.ParseFollowUp(d.Payload)
		origin, ok := f.PreciseOriginTimestamp.TAI()
		if x.follow || err != nil || !ok {
			return
		}
		x.follow, x.t1 = true, x.t1+origin.Ns()+h.Correction>>16
	case wire.TypeDelayResp:
		r, err := wire.ParseDelayResp(d.Payload)
		received, ok := r.ReceiveTimestamp.TAI()
		if x.response || err != nil || !ok || r.Requesting != m.me {
			return
		}
		x.response, x.t4 = true, received.Ns()-h.Correction>>16
		if tlvs, err := wire.TLVsOf(h, d.Payload); err == nil {
			x.said, x.tlv = netSync(tlvs)
		}
	}
}

func netSync(tlvs wire.TLVs) (said wire.NetSync, ok bool) {
	for {
		typ, v, more := tlvs.Next()
		if !more {
			return said, false
		}
		if typ == wire.TLVNetSyncResponse {
			said, err := wire.ParseNetSync(v)
			return said, err == nil
		}
	}
}

// complete tells whether the whole answer is there, t3 too.
func (m *Monitor) complete() bool {
	x := &m.x
	return m.waiting && x.sync && x.follow && x.response && x.stamps && x.tlv
}

// conclude ends the exchange with what is there.
func (m *Monitor) conclude(now timescale.Mono) {
	x, r := &m.x, &m.rows[m.x.row]
	a := Answer{At: now, Client: x.client, Said: x.said}
	switch {
	case m.complete():
		a.Outcome, r.silent = Measured, 0
		reverse, forward := x.t4-x.t3, x.t2-x.t1
		a.OffsetNs, a.DelayNs = (reverse-forward)/2, (reverse+forward)/2
		a.OffsetNs, a.UTC = asTAI(a.OffsetNs, x.said)
	default:
		if r.silent = min(r.silent+1, silences); x.sync || x.follow || x.response {
			a.Outcome = Incomplete
		}
	}
	r.at = now.Add(every << r.silent)
	m.waiting = false
	if len(m.answers) < kept {
		m.answers = append(m.answers, a)
	}
}

// asTAI takes a client's UTC for the TAI that it means: its clock is behind by the
// offset that it knows itself, to half a second.
func asTAI(offsetNs int64, said wire.NetSync) (ns int64, utc bool) {
	const second = int64(time.Second)
	leap := int64(said.CurrentUTCOffset) * second
	if said.Flags&wire.FlagPTPTimescale == 0 || leap <= second || offsetNs < -leap-second/2 || offsetNs > -leap+second/2 {
		return offsetNs, false
	}
	return offsetNs + leap, true
}

// within tells whether one of the prefixes has the address.
func within(a netip.Addr, list []netip.Prefix) bool {
	for _, p := range list {
		if p.Contains(a) {
			return true
		}
	}
	return false
}
