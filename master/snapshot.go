package master

import (
	"net/netip"
	"time"

	"bragi/gnss/timescale"
	"bragi/holdover/quality"
	"bragi/master/wire"
)

// Stats are counters since the start.
type Stats struct {
	// Received counts every datagram once: by messageType (16: unreadable), by
	// reason, and by whether it was answered (1) or not (0).
	Received [17][numReasons][2]uint64
	// Requests counts REQUEST TLVs by the messageType asked for and by outcome.
	Requests [16][numReasons]uint64
	Sent     [16]uint64 // messages that left, by messageType
	Unsent   [16]uint64 // and those that the system refused to send
	// Undelivered are those of Sent that never left: their address does not answer ARP.
	Undelivered [16]uint64
	Renewals    uint64
	Stamps      StampCounts
	Paused      uint64 // messages not sent for want of credit (untrusted address)
	Refused     uint64 // clients that ended because the network says that they are not there
	GaveWay     uint64 // clients that gave way to newcomers, see source.go

	Ticks         uint64        // slots of the schedule that were served
	LateTicks     uint64        // those served more than a slot (1 ms) late
	MissedSlots   uint64        // slots skipped after a stop
	LatestTick    time.Duration // the latest slot since the start
	AnnounceGap   AnnounceGap
	EventsLost    uint64
	EventsUnsaid  uint64     // events over the rate at which they are told
	UnsaidFrom    netip.Addr // whose the last of them was
	SuspectsLost  uint64     // refused senders without a row: there were too many at once
	PromisedRate  float64    // messages per second of all live grants
	ClientsServed int
}

// Snapshot is the state of the master for whoever shows it.
type Snapshot struct {
	At           timescale.Mono
	Identity     wire.PortIdentity
	Domain       uint8
	Priority1    uint8
	Priority2    uint8
	Allow, Deny  []netip.Prefix // who may be a client (Config); not to be changed
	Announcement quality.Announcement
	Draining     bool
	Clients      []ClientStatus
	Suspects     []Suspect
	Stats        Stats
}

// Unwelcome tells whether an address may not be a client. denied is the prefix of Deny
// that it is in; not valid: Allow lacks it.
func (s *Snapshot) Unwelcome(a netip.Addr) (denied netip.Prefix, unwelcome bool) {
	for _, p := range s.Deny {
		if p.Contains(a) {
			return p, true
		}
	}
	return netip.Prefix{}, s.Allow != nil && !within(a, s.Allow)
}

// ClientStatus is one client and the evidence of it.
type ClientStatus struct {
	Address     netip.Addr
	Identity    wire.PortIdentity
	Kind        string     // "cBR8", "RPD", "ptp4l" or "other": a guess, see kind.go
	Asked       netip.Addr // our address that it speaks to
	Trusted     bool
	First, Last timescale.Mono // first grant, last message
	DSCP        uint8
	Minor       uint8                 // minorVersionPTP it sends
	Grants      [numFlows]GrantStatus // by Flow
	Signaling   uint64
	DelayReq    uint64
	// DelayReqInterval is the smoothed spacing of its Delay_Req, 0 for unknown.
	DelayReqInterval time.Duration
	Unanswered       [numReasons]uint32 // Delay_Req without an answer, by Reason
	Denials          uint64
	// Paused counts the messages held back for want of credit, PausedAt is when the
	// last was.
	Paused   uint64
	PausedAt timescale.Mono
	// Standing is what it has shown of itself.
	Standing Standing
	// Unsent counts messages that the system refused to send, and SendError is why;
	// Failing: now.
	Unsent         uint64
	Undelivered    uint64 // of those that were sent: they never left, since its address does not answer ARP
	SendError      error
	Failing        bool
	Refusal        Refusal // what the network says of it since it was last heard
	LastDenial     Reason  // Accepted: none
	LastDenialType wire.MessageType
	LastDenialAt   timescale.Mono
	Computed       Computed // what a client of Config.Monitor tells of itself
}

// Computed is the last record of a client's SLAVE_RX_SYNC_COMPUTED_DATA.
type Computed struct {
	At     timescale.Mono     // when it came; zero: never
	Source wire.PortIdentity  // of the Sync that it is computed of: whom the client follows
	Valid  wire.ComputedFlags // what of Record is valid
	Record wire.SyncComputed
}

// GrantStatus is one flow of a client.
type GrantStatus struct {
	Live        bool
	LogInterval int8
	Seconds     uint32        // duration of the last grant
	Expires     time.Duration // from the snapshot's At
	Since       timescale.Mono
	Sent        uint64
	Renewed     uint64
}

// Snapshot copies the state.
func (m *Master) Snapshot(now timescale.Mono) *Snapshot {
	s := m.SnapshotHead(now)
	s.Clients = make([]ClientStatus, 0, len(m.clients.used))
	for _, row := range m.clients.used {
		s.Clients = append(s.Clients, m.clients.rows[row].status(now))
	}
	return s
}

// SnapshotHead copies the state but for the clients, which AppendClients copies
// in parts: all at once they would hold up the schedule.
func (m *Master) SnapshotHead(now timescale.Mono) *Snapshot {
	return &Snapshot{
		At: now, Identity: m.me, Domain: m.cfg.Domain, Priority1: m.cfg.Priority1, Priority2: m.cfg.Priority2,
		Allow: m.cfg.Allow, Deny: m.cfg.Deny,
		Announcement: m.said, Draining: m.draining, Stats: m.Stats(),
		Suspects: append([]Suspect(nil), m.suspects.rows[:m.suspects.n]...),
	}
}

// A part of AppendClients is over after so many clients, or rows of the table.
const (
	partClients = 128
	partRows    = 1024
)

// AppendClients adds clients to list as far as it has room, a part of them at a
// time: from is 0 at first, then what the call before returned, and 0 again
// after the last part. It allocates nothing. A client that stays is in the list
// once, whoever comes and goes between two parts.
func (m *Master) AppendClients(list []ClientStatus, now timescale.Mono, from int) (longer []ClientStatus, next int) {
	t := m.clients
	most := min(cap(list), len(list)+partClients)
	for row := from; row < len(t.rows); row++ {
		if row == from+partRows || len(list) == most {
			return list, row
		}
		if t.has(int32(row)) {
			list = append(list, t.rows[row].status(now))
		}
	}
	return list, 0
}

// Stats copies the counters.
func (m *Master) Stats() Stats {
	s := m.stats
	s.MissedSlots, s.EventsLost, s.SuspectsLost = m.wheel.missed, m.events.lost, m.suspects.missed
	s.EventsUnsaid, s.UnsaidFrom = m.events.unsaid, m.events.from
	s.AnnounceGap = m.gap.AnnounceGap
	s.PromisedRate, s.ClientsServed = m.promised, len(m.clients.used)
	return s
}

func (c *client) status(now timescale.Mono) ClientStatus {
	s := ClientStatus{
		Address: c.key.Address, Identity: c.key.Port, Kind: c.kind(), Asked: c.asked, Trusted: c.trusted,
		First: c.first, Last: c.last, DSCP: c.dscp, Minor: c.minor,
		Signaling: c.signaling, DelayReq: c.delayReqs, DelayReqInterval: time.Duration(c.reqInterval),
		Paused: c.paused, PausedAt: c.pausedAt, Standing: c.standing(now), Unsent: c.trouble.count, Undelivered: c.trouble.undelivered, SendError: c.trouble.err, Failing: c.failing(now), Refusal: c.refused(now),
		Unanswered: c.unanswered, Denials: c.denied.count, LastDenial: c.denied.reason, LastDenialType: c.denied.typ, LastDenialAt: c.denied.at,
		Computed: c.computed,
	}
	for f, g := range c.grants {
		s.Grants[f] = GrantStatus{
			Live: g.live, LogInterval: g.log, Seconds: g.seconds, Expires: max(0, g.expires.Sub(now)),
			Since: g.since, Sent: g.sent, Renewed: g.renewed,
		}
	}
	return s
}

// ClientAt is the i-th of the clients that are served now, and the row of the table
// that it keeps while it is served; ok is false from the last one on.
func (m *Master) ClientAt(i int) (row int, k Key, asked netip.Addr, ok bool) {
	if i < 0 || i >= len(m.clients.used) {
		return 0, k, asked, false
	}
	row = int(m.clients.used[i])
	c := &m.clients.rows[row]
	return row, c.key, c.asked, true
}

// Serving tells whether the served clock's time may be told to clients.
func (m *Master) Serving() bool { return m.said.Serve }
