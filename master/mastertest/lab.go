// Package mastertest is the master's transport in memory and in virtual time: a
// master.Master, as many clients as one likes, and a network between them that
// delays, loses and is watched. Ten minutes of a hundred clients take seconds.
//
//	events (datagrams on their way, clients that want to act, the master's slots)
//	  -> by time -> the earliest -> Receive or Poll or Tick -> new events
//
// Stamps are exact: a Sync carries the served clock at the moment it leaves, a
// Delay_Req has the served clock at the moment it arrives. All is determined by
// the configuration, so that a run can be repeated.
package mastertest

import (
	"encoding/binary"
	"net/netip"
	"time"

	"bragi/gnss/timescale"
	"bragi/holdover/quality"
	"bragi/master"
	"bragi/master/rehearsal"
	"bragi/master/wire"
)

// Config is a lab.
type Config struct {
	Master       master.Config
	Announcement quality.Announcement
	Address      netip.Addr // of the master; the zero Addr: 10.0.0.1
	// Clock is the served clock; nil: exact, TAI of 2025.
	Clock func(timescale.Mono) timescale.Local
	// Delay is how long a datagram is on its way from or to a client, negative
	// for lost; nil: 10 us. n counts the datagrams.
	Delay func(client int, toMaster, event bool, n uint64) time.Duration
	DSCP  uint8 // of what the clients send; 0: 47
	// SignalingOnly carries Signaling alone and ticks the master eight times a
	// second, so that a day takes seconds: what flows is granted, not sent. A
	// client then needs an AnnounceTimeout longer than the run.
	SignalingOnly bool
}

// Client is one client of the lab.
type Client struct {
	*rehearsal.Client
	Address netip.Addr
	index   int
	wake    timescale.Mono // the earliest event for it
	cut     bool
}

// SetCut takes the client's cable out (true) or puts it back.
func (c *Client) SetCut(cut bool) { c.cut = cut }

// Lab is a master and its clients. It belongs to one goroutine.
type Lab struct {
	cfg     Config
	now     timescale.Mono
	m       *master.Master
	out     master.Outbox
	clients []*Client
	byAddr  map[netip.Addr][]*Client
	agenda  agenda
	buffers [][]byte // datagrams on their way
	unused  []int32  // buffers
	sent    uint64
	ticked  timescale.Mono // the last
	// Tap, if set, sees each message of the master as it leaves.
	Tap func(now timescale.Mono, m *master.Message)
}

// labStartNs is when a lab begins; labEpochNs is the served clock's reading at mono 0.
const (
	labStartNs = int64(1000 * time.Second)
	labEpochNs = 1_735_689_600_000_000_000
)

// New makes a lab whose master serves as the announcement says.
func New(c Config) (*Lab, error) {
	m, err := master.New(c.Master)
	if err != nil {
		return nil, err
	}
	if !c.Address.IsValid() {
		c.Address = netip.AddrFrom4([4]byte{10, 0, 0, 1})
	}
	if c.Clock == nil {
		c.Clock = func(t timescale.Mono) timescale.Local { return timescale.LocalFromNs(t.Ns() + labEpochNs) }
	}
	if c.Delay == nil {
		c.Delay = func(int, bool, bool, uint64) time.Duration { return 10 * time.Microsecond }
	}
	if c.DSCP == 0 {
		c.DSCP = 47
	}
	m.SetAnnouncement(c.Announcement)
	return &Lab{cfg: c, now: timescale.MonoFromNs(labStartNs), m: m, byAddr: make(map[netip.Addr][]*Client)}, nil
}

// Master is the master under test.
func (l *Lab) Master() *master.Master { return l.m }

// Now is the virtual time.
func (l *Lab) Now() timescale.Mono { return l.now }

// AddMany adds n clients of a kind, each with an address of 10.64.0.0/10 and an
// identity of its own, the first of which acts at once and the others spread
// over a second.
func (l *Lab) AddMany(n int, c rehearsal.Config) ([]*Client, error) {
	list := make([]*Client, 0, n)
	for range n {
		k := len(l.clients)
		c.Identity = wire.PortIdentity{Clock: wire.ClockIdentity{0xC0, 0xFF, 0xEE, 0xFF, 0xFE, byte(k >> 16), byte(k >> 8), byte(k)}, Port: 1}
		c.Seed = uint64(k)
		r, err := rehearsal.New(c)
		if err != nil {
			return nil, err
		}
		cl := &Client{Client: r, Address: netip.AddrFrom4([4]byte{10, 64 | byte(k>>16)&63, byte(k >> 8), byte(k)}), index: k}
		l.clients = append(l.clients, cl)
		l.byAddr[cl.Address] = append(l.byAddr[cl.Address], cl)
		l.schedule(cl, l.now.Add(time.Duration(len(list))*time.Second/time.Duration(n)))
		list = append(list, cl)
	}
	return list, nil
}

// Inject lets a datagram arrive at the master now.
func (l *Lab) Inject(d master.Datagram) {
	if !d.Dst.IsValid() {
		d.Dst = l.cfg.Address
	}
	l.m.Receive(l.now, d, &l.out)
	l.leave()
}

// Run lets d of virtual time pass.
func (l *Lab) Run(d time.Duration) {
	end := l.now.Add(d)
	for {
		at, mastersTurn := l.next()
		if at.IsZero() || !at.Before(end) {
			break
		}
		if l.now.Before(at) {
			l.now = at
		}
		if mastersTurn {
			l.m.Tick(l.now, &l.out)
			l.ticked = l.now
			l.leave()
			continue
		}
		l.happen(l.agenda.take())
	}
	l.now = end
}

// next is the earliest of the events and the master's deadline.
func (l *Lab) next() (at timescale.Mono, master bool) {
	if ns, ok := l.agenda.next(); ok {
		at = timescale.MonoFromNs(ns)
	}
	t, ok := l.m.Next()
	if l.cfg.SignalingOnly && t.Before(l.ticked.Add(time.Second/8)) {
		t = l.ticked.Add(time.Second / 8)
	}
	if ok && (at.IsZero() || t.Before(at)) {
		return t, true
	}
	return at, false
}

func (l *Lab) happen(e event) {
	c := l.clients[e.client]
	switch e.kind {
	case clientActs:
		if timescale.MonoFromNs(e.at) != c.wake {
			return // a later event that an earlier one replaced
		}
		l.act(c)
		return
	case toMaster:
		payload := l.buffers[e.buffer]
		d := master.Datagram{Src: c.Address, Dst: l.cfg.Address, Event: e.event, DSCP: l.cfg.DSCP, Payload: payload}
		if e.event {
			d.Stamp, d.HasStamp = l.cfg.Clock(l.now), true
		}
		l.m.Receive(l.now, d, &l.out)
		l.leave()
	case toClient:
		var stamp timescale.Mono
		if e.event {
			stamp = l.now
		}
		c.Receive(l.now, e.event, l.cfg.Address, l.buffers[e.buffer], stamp)
		if next := c.Next(); next.Before(c.wake) {
			l.schedule(c, next)
		}
	}
	l.unused = append(l.unused, e.buffer)
}

// act lets a client send what it wants to.
func (l *Lab) act(c *Client) {
	for {
		payload, event, ok := c.Poll(l.now)
		if !ok {
			break
		}
		if event {
			c.Sent(binary.BigEndian.Uint16(payload[wire.SequenceOffset:]), l.now)
		}
		l.carry(c, toMaster, event, payload)
	}
	l.schedule(c, c.Next())
}

// leave takes the master's outbox.
func (l *Lab) leave() {
	for i := 0; i < l.out.Len(); i++ { // Follow_Ups join
		m := &l.out.Messages()[i]
		if m.Stamped() {
			m.SetEgress(l.cfg.Clock(l.now))
		}
		m.SetEstimate(l.cfg.Clock(l.now))
		if l.Tap != nil {
			l.Tap(l.now, m)
		}
		if m.Token != 0 { // its stamp is exact, and at hand
			l.m.FollowUp(l.now, m.Token, l.cfg.Clock(l.now), l.cfg.Clock(l.now), &l.out)
		}
		if l.cfg.SignalingOnly && wire.MessageType(m.Payload[0]&0x0F) != wire.TypeSignaling {
			continue
		}
		for _, c := range l.byAddr[m.Dst] {
			l.carry(c, toClient, m.Event, m.Payload)
		}
	}
	l.out.Reset()
}

func (l *Lab) carry(c *Client, kind eventKind, isEvent bool, payload []byte) {
	l.sent++
	d := l.cfg.Delay(c.index, kind == toMaster, isEvent, l.sent)
	if d < 0 || c.cut {
		return
	}
	var b int32
	if n := len(l.unused); n > 0 {
		b, l.unused = l.unused[n-1], l.unused[:n-1]
	} else {
		b = int32(len(l.buffers))
		l.buffers = append(l.buffers, nil)
	}
	l.buffers[b] = append(l.buffers[b][:0], payload...)
	l.agenda.add(event{at: l.now.Add(d).Ns(), kind: kind, client: int32(c.index), event: isEvent, buffer: b})
}

func (l *Lab) schedule(c *Client, at timescale.Mono) {
	if at.Before(l.now) {
		at = l.now
	}
	c.wake = at
	l.agenda.add(event{at: at.Ns(), kind: clientActs, client: int32(c.index)})
}
