package master

import (
	"errors"
	"fmt"
	"math"
	"net/netip"

	"bragi/gnss/timescale"
	"bragi/master/wire"
)

// A master's memory across a restart: who was granted what, and where in the
// schedule. Phases are of slots counted from the epoch of CLOCK_MONOTONIC_RAW,
// so that Syncs go on in step in another process of the same boot.

// Saved is what Export knows.
type Saved struct {
	At          timescale.Mono
	Identity    wire.ClockIdentity
	Domain      uint8
	StrangerSeq uint16
	Clients     []SavedClient
	Credits     []SavedCredit
}

// SavedClient is a client with at least one grant.
type SavedClient struct {
	Key              Key
	Asked            netip.Addr
	First, Last      timescale.Mono
	LastReq          timescale.Mono
	ReqInterval      int64 // ns, smoothed
	Signaling        uint64
	DelayReqs        uint64
	SignalSeq        uint16
	DSCP, Minor, Way uint8 // Way: how it puts its REQUESTs into messages
	Grants           [numFlows]SavedGrant
}

// SavedGrant is one flow.
type SavedGrant struct {
	Live    bool
	Log     int8
	Seq     uint16 // of the next message
	Phase   uint16 // slot modulo the period; nothing for Delay_Resp
	Seconds uint32
	Expires timescale.Mono
	Since   timescale.Mono
	SentAt  timescale.Mono // the last Announce
	Sent    uint64
	Renewed uint64
}

// SavedCredit is the account of an address that is not trusted.
type SavedCredit struct {
	Address        netip.Addr
	Sent, Received uint64
	Last           timescale.Mono
}

// Export copies what a restart must know into s, whose memory is used again.
func (m *Master) Export(now timescale.Mono, s *Saved) {
	for from := 0; from >= 0; {
		from = m.ExportPart(now, s, from)
	}
}

// exportClients and exportRows bound what ExportPart looks at.
const (
	exportClients = 64
	exportRows    = 4096
)

// ExportPart is Export in steps, so that packets need not wait for the whole:
// from is 0, then what the step before returned, until that is negative. A client
// that comes or goes meanwhile may be missing or still there: Changes tells.
func (m *Master) ExportPart(now timescale.Mono, s *Saved, from int) (next int) {
	if from == 0 {
		s.At, s.Identity, s.Domain, s.StrangerSeq = now, m.me.Clock, m.cfg.Domain, m.strangerSeq
		s.Clients, s.Credits = s.Clients[:0], s.Credits[:0]
		for i := range m.credits.rows[:m.credits.n] {
			if r := &m.credits.rows[i]; r.users > 0 || now.Sub(r.last) <= creditKept {
				s.Credits = append(s.Credits, SavedCredit{r.address, r.sent, r.received, r.last})
			}
		}
	}
	end := min(from+exportRows, len(m.clients.rows))
	for n := 0; from < end && n < exportClients; from++ {
		if m.clients.rows[from].live() {
			m.exportClient(int32(from), s)
			n++
		}
	}
	if from == len(m.clients.rows) {
		return -1
	}
	return from
}

func (c *client) live() bool { return c.grants[0].live || c.grants[1].live || c.grants[2].live }

func (m *Master) exportClient(row int32, s *Saved) {
	c := &m.clients.rows[row]
	s.Clients = append(s.Clients, SavedClient{
		Key: c.key, Asked: c.asked, First: c.first, Last: c.last, LastReq: c.lastReq, ReqInterval: c.reqInterval,
		Signaling: c.signaling, DelayReqs: c.delayReqs, SignalSeq: c.signalSeq, DSCP: c.dscp, Minor: c.minor, Way: uint8(c.asks),
	})
	grants := &s.Clients[len(s.Clients)-1].Grants
	for f := range c.grants {
		if g := &c.grants[f]; g.live {
			grants[f] = SavedGrant{Live: true, Log: g.log, Seq: g.seq, Phase: m.wheel.phase(flowID(row, Flow(f))), Seconds: g.seconds,
				Expires: g.expires, Since: g.since, SentAt: g.sentAt, Sent: g.sent, Renewed: g.renewed}
		}
	}
}

// Imported counts what became of a Saved.
type Imported struct {
	Clients int // that go on
	Expired int // whose grants had all ended
	Refused int // that the configuration no longer allows, or that could not be
}

// What Import refuses as a whole; errors.Is finds them.
var (
	ErrOtherIdentity = errors.New("master: the clock identity or the domain has changed")
	ErrFromFuture    = errors.New("master: it was saved after now")
	ErrNotEmpty      = errors.New("master: it serves clients already")
)

// seqMargin is how many messages more than the rates allow are skipped.
const seqMargin = 16

// signalRate bounds the Signaling to one client, messages a second: the limiter's
// rate, its burst and all three flows' answers are far below it.
const signalRate = 64

// Import goes on with the grants of s: those that have not ended, of clients that
// are still allowed. Every sequenceId jumps ahead of all that can have been sent
// since s was saved, so that none comes twice or goes back.
func (m *Master) Import(now timescale.Mono, s *Saved) (done Imported, err error) {
	switch {
	case len(m.clients.used) > 0:
		return done, ErrNotEmpty
	case s.Identity != m.me.Clock || s.Domain != m.cfg.Domain:
		return done, fmt.Errorf("%w (%v in domain %d, now %v in %d)", ErrOtherIdentity, s.Identity, s.Domain, m.me.Clock, m.cfg.Domain)
	case now.Before(s.At):
		return done, ErrFromFuture
	}
	age := now.Sub(s.At).Seconds()
	m.strangerSeq = s.StrangerSeq + skipped(age, signalRate)
	for _, r := range s.Credits {
		m.importCredit(now, r)
	}
	for i := range s.Clients {
		switch m.importClient(now, age, &s.Clients[i]) {
		case Accepted:
			done.Clients++
		case NoGrant:
			done.Expired++
		default:
			done.Refused++
		}
	}
	if done.Clients > 0 {
		m.sweepAt = now.Add(sweepEvery)
	}
	return done, nil
}

// skipped is how far a sequenceId jumps: more than was sent in age seconds.
func skipped(age, perSecond float64) uint16 {
	return uint16(uint64(math.Ceil(age*perSecond)) + seqMargin)
}

// importClient is Accepted, or says why the client does not go on; NoGrant: its
// grants have ended.
func (m *Master) importClient(now timescale.Mono, age float64, s *SavedClient) Reason {
	a := s.Key.Address
	if !a.Is4() || !m.allowed(&Datagram{Src: a}) {
		return AddressDenied
	}
	live := false
	for f := range s.Grants {
		g := &s.Grants[f]
		g.Live = g.Live && now.Before(g.Expires) && g.Expires.Sub(now) <= durationOf(m.cfg.MaxDuration) &&
			g.Log >= m.cfg.Limits[f].MinLog && g.Log <= m.cfg.Limits[f].MaxLog && int(g.Phase) < 1<<levelOf(g.Log)
		live = live || g.Live
	}
	switch {
	case !live:
		return NoGrant
	case m.clients.full() || m.clients.index.find(s.Key) >= 0:
		return TableFull
	case !m.trusted(a) && !m.credits.room(now, a):
		return NoCredit
	}
	row := m.clients.add(s.Key)
	c := &m.clients.rows[row]
	c.asked, c.first, c.last, c.lastReq, c.reqInterval = s.Asked, s.First, s.Last, s.LastReq, s.ReqInterval
	c.signaling, c.delayReqs, c.dscp, c.minor, c.asks = s.Signaling, s.DelayReqs, s.DSCP, s.Minor, asks(s.Way)
	c.twoStep = m.twoStepFor(s.Key.Address)
	c.signalSeq = s.SignalSeq + skipped(age, signalRate)
	if !m.trusted(a) {
		c.credit = m.credits.take(now, a)
	}
	for f := range s.Grants {
		g := &s.Grants[f]
		if !g.Live {
			continue
		}
		c.grants[f] = grant{live: true, log: g.Log, seq: g.Seq + skipped(age, rate(g.Log)), seconds: g.Seconds,
			expires: g.Expires, since: g.Since, sentAt: g.SentAt, sent: g.Sent, renewed: g.Renewed}
		m.promise(m.cost(Flow(f), s.Key.Address, g.Log))
		if Flow(f) != FlowDelayResp {
			m.wheel.put(now, flowID(row, Flow(f)), g.Log, int(g.Phase))
		}
	}
	return Accepted
}

func (m *Master) importCredit(now timescale.Mono, s SavedCredit) {
	if !s.Address.Is4() || m.trusted(s.Address) || now.Sub(s.Last) > creditKept || m.credits.index.find(s.Address) >= 0 {
		return
	}
	row := m.credits.take(now, s.Address)
	if row == 0 {
		return
	}
	r := &m.credits.rows[row-1]
	r.sent, r.received = s.Sent, s.Received
	m.credits.release(now, row)
	r.last = s.Last
}

// Changes counts what a restart must not miss: grants that began, ended or
// changed their rate, and, apart, renewals.
func (m *Master) Changes() (grants, renewals uint64) { return m.changes, m.stats.Renewals }
