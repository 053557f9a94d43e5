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

// Saved is what Export knows. AppendBinary and UnmarshalBinary are its form in a
// file.
type Saved struct {
	At          timescale.Mono
	Identity    wire.ClockIdentity
	Domain      uint8
	StrangerSeq uint16
	Clients     []savedClient // those with at least one grant
	Credits     []account
}

// savedClient is a client, and where its flows are in the schedule.
type savedClient struct {
	clientLife
	phases [numFlows]uint16 // slot modulo the period; nothing for Delay_Resp
}

// EndOthers ends the grants of all who speak to another address of ours than at:
// it is no longer ours.
func (s *Saved) EndOthers(at netip.Addr) {
	for i := range s.Clients {
		if c := &s.Clients[i]; c.asked != at {
			c.grants = [numFlows]grant{}
		}
	}
}

// ForgetAnnounces leaves open when the last Announces left: should this process be
// killed, nobody knows.
func (s *Saved) ForgetAnnounces() {
	for i := range s.Clients {
		s.Clients[i].grants[FlowAnnounce].sentAt = timescale.Mono{}
	}
}

// AnnouncedUntil says that the process which is gone announced until a moment: the
// last Announce of each flow of which nobody knows was the one that was due before.
func (s *Saved) AnnouncedUntil(last timescale.Mono) {
	for i := range s.Clients {
		c := &s.Clients[i]
		g := &c.grants[FlowAnnounce]
		if !g.live || !g.sentAt.IsZero() || last.Before(g.since) || g.log < minLogInterval || g.log > maxLogInterval {
			continue
		}
		period := int64(1) << levelOf(g.log)
		slot := slotAt(last)
		g.sentAt = slotStart(slot - (slot-int64(c.phases[FlowAnnounce]))&(period-1))
	}
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
		for i := range m.sources.rows[:m.sources.n] {
			if r := &m.sources.rows[i]; r.users > 0 || now.Sub(r.last) <= creditKept {
				s.Credits = append(s.Credits, r.account)
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

func (m *Master) exportClient(row int32, s *Saved) {
	c := savedClient{clientLife: m.clients.rows[row].clientLife}
	for f := range c.grants {
		if c.grants[f].live {
			c.phases[f] = m.wheel.phase(flowID(row, Flow(f)))
		} else {
			c.grants[f] = grant{}
		}
	}
	s.Clients = append(s.Clients, c)
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
func (m *Master) importClient(now timescale.Mono, age float64, s *savedClient) Reason {
	a := s.key.Address
	if !a.Is4() || !m.allowed(&Datagram{Src: a}) {
		return AddressDenied
	}
	life := s.clientLife
	for f := range life.grants {
		if !m.continues(now, Flow(f), &life.grants[f], s.phases[f]) {
			life.grants[f] = grant{}
		}
	}
	switch {
	case !life.live():
		return NoGrant
	case m.clients.full() || m.clients.index.find(s.key) >= 0:
		return TableFull
	}
	row := m.clients.add(s.key)
	c := &m.clients.rows[row]
	c.clientLife = life
	c.twoStep = m.twoStepFor(a)
	c.signalSeq += skipped(age, signalRate)
	m.enter(now, row)
	for f := range c.grants {
		g := &c.grants[f]
		if !g.live {
			continue
		}
		g.seq += skipped(age, rate(g.log))
		m.promise(m.cost(Flow(f), a, g.log))
		if Flow(f) != FlowDelayResp {
			m.wheel.put(now, flowID(row, Flow(f)), g.log, int(s.phases[f]))
		}
	}
	return Accepted
}

// continues tells whether a saved grant has not ended, is still allowed, and can
// be.
func (m *Master) continues(now timescale.Mono, f Flow, g *grant, phase uint16) bool {
	return g.live && now.Before(g.expires) && g.expires.Sub(now) <= durationOf(m.cfg.MaxDuration) &&
		g.log >= m.cfg.Limits[f].MinLog && g.log <= m.cfg.Limits[f].MaxLog && int(phase) < 1<<levelOf(g.log)
}

func (m *Master) importCredit(now timescale.Mono, s account) {
	if !s.address.Is4() || m.trusted(s.address) || now.Sub(s.last) > creditKept || m.sources.index.find(s.address) >= 0 {
		return
	}
	m.sources.rows[m.sources.take(now, s.address)].account = s
}

// Changes counts what a restart must not miss: grants that began, ended or
// changed their rate, and, apart, renewals.
func (m *Master) Changes() (grants, renewals uint64) { return m.changes, m.stats.Renewals }
