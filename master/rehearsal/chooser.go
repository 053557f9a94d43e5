package rehearsal

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"bragi/gnss/timescale"
	"bragi/master"
	"bragi/master/unicast"
)

// Chooser is one client of several masters. It takes Announce from all of them, and
// Sync and Delay_Resp from the best one (1588-2019, 9.3.4). It changes to the next
// one when that one falls silent or refuses. With a single master it is that
// master's Client. It belongs to one goroutine.
type Chooser struct {
	candidates []*candidate
	active     int // index of the one that is followed; -1: none
	first      timescale.Mono
	switches   []SwitchReport
	changing   *SwitchReport // whose change of the time is not measured yet
}

// candidate is a master that may be chosen.
type candidate struct {
	address netip.Addr
	client  *Client
	barred  timescale.Mono // it is not chosen before
	refused uint64         // how often it had refused when it was looked at last
}

// aBetterMaster is why a master is left that did not fail.
const aBetterMaster = "a better master"

const (
	qualifyAfter = 2               // Announces (9.3.2.5: FOREIGN_MASTER_THRESHOLD)
	barredFor    = time.Minute     // a master that announces and does not serve
	maxSwitches  = 64              // that are kept
	noSteps      = 255             // stepsRemoved from here on: no master (9.3.2.5)
	clientOnly   = 255             // clockClass of a clock that is no master
	firstChoice  = 3 * time.Second // the first choice waits so long for the other masters
)

// NewChooser makes a client of the masters at these addresses. Its identity is the
// same at all of them.
func NewChooser(c Config, masters []netip.Addr) (*Chooser, error) {
	if len(masters) == 0 {
		return nil, errors.New("rehearsal: no master")
	}
	chooser := &Chooser{active: -1}
	for i, address := range masters {
		for _, other := range masters[:i] {
			if other == address {
				return nil, fmt.Errorf("rehearsal: the master %v is named twice", address)
			}
		}
		client, err := New(c)
		if err != nil {
			return nil, err
		}
		if len(masters) > 1 {
			client.standBy()
		}
		chooser.candidates = append(chooser.candidates, &candidate{address: address, client: client})
	}
	if len(masters) == 1 {
		chooser.active = 0
	}
	return chooser, nil
}

// Poll returns the next message to send at now and the master that it goes to, until
// ok is false. See Client.Poll.
func (c *Chooser) Poll(now timescale.Mono) (to netip.Addr, payload []byte, event, ok bool) {
	c.choose(now)
	for _, m := range c.candidates {
		if payload, event, ok = m.client.Poll(now); ok {
			return m.address, payload, event, true
		}
	}
	return netip.Addr{}, nil, false, false
}

// Next is when Poll has something to do.
func (c *Chooser) Next() timescale.Mono {
	next := c.candidates[0].client.Next()
	for _, m := range c.candidates[1:] {
		next = earlier(next, m.client.Next())
	}
	return next
}

// Sent tells when the Delay_Req with this sequenceId left. See Client.Sent.
func (c *Chooser) Sent(seq uint16, t3 timescale.Mono) {
	if c.active >= 0 {
		c.candidates[c.active].client.Sent(seq, t3)
	}
}

// Receive takes a datagram from src. See Client.Receive.
func (c *Chooser) Receive(now timescale.Mono, event bool, src netip.Addr, payload []byte, stamp timescale.Mono) {
	for _, m := range c.candidates {
		if m.address == src {
			m.client.Receive(now, event, src, payload, stamp)
		}
	}
}

// NotSent tells that the system refused to send a message to a master, and why.
func (c *Chooser) NotSent(to netip.Addr, why error) {
	for _, m := range c.candidates {
		if m.address == to {
			m.client.noteNotSent(why)
		}
	}
}

// Undelivered tells that a message did not arrive at a master, as the network says
// (ICMP): nobody listens at its port (closed), else nobody answers ARP.
func (c *Chooser) Undelivered(to netip.Addr, closed bool) {
	for _, m := range c.candidates {
		if m.address == to {
			m.client.noteUndelivered(closed)
		}
	}
}

func (c *Client) noteNotSent(why error) {
	c.counts.NotSent++
	c.failed["not_sent"] = c.polled
	c.notSent = why.Error()
}

func (c *Client) noteUndelivered(closed bool) {
	if closed {
		c.counts.PortClosed++
		c.failed["port_closed"] = c.polled
	} else {
		c.counts.NoNeighbour++
		c.failed["no_neighbour"] = c.polled
	}
}

// Leave ends the rehearsal at every master. See Client.Leave.
func (c *Chooser) Leave() {
	for _, m := range c.candidates {
		m.client.Leave()
	}
}

// Time is the time of the client's own clock. See Client.Time.
func (c *Chooser) Time(at timescale.Mono) (ns int64, ok bool) { return c.shown().Time(at) }

// State is the state now.
func (c *Chooser) State() State { return c.shown().state }

// shown is the client whose report is the chooser's.
func (c *Chooser) shown() *Client { return c.candidates[max(0, c.active)].client }

// choose follows the best master of those that announce and serve.
func (c *Chooser) choose(now timescale.Mono) {
	if len(c.candidates) == 1 || c.candidates[0].client.seat.Left() {
		return
	}
	c.measureSwitch()
	why := c.bar(now)
	best, waiting := -1, false
	for i, m := range c.candidates {
		switch {
		case now.Before(m.barred):
		case !m.client.qualified():
			waiting = true
		case best < 0 || m.better(c.candidates[best]):
			best = i
		}
	}
	if best < 0 || best == c.active {
		return
	}
	if c.active < 0 {
		if c.first.IsZero() {
			c.first = now
		}
		if waiting && now.Sub(c.first) < firstChoice {
			return
		}
		why = "the best master"
	} else if why == "" {
		why = aBetterMaster
		if !c.candidates[c.active].client.qualified() {
			why = "no Announce"
		}
	}
	c.follow(now, best, why)
}

func (m *candidate) better(than *candidate) bool {
	c := master.Compare(m.client.dataSet(), than.client.dataSet())
	return c == master.ABetter || c == master.ABetterByTopology
}

// bar takes the active master out when it announces and does not serve. why is empty
// when it serves.
func (c *Chooser) bar(now timescale.Mono) (why string) {
	if c.active < 0 {
		return ""
	}
	m := c.candidates[c.active]
	refused := m.client.refused + m.client.counts.SyncTimeouts
	if refused == m.refused {
		return ""
	}
	if why = "no Sync"; m.client.refused > 0 {
		why = "it refused"
	}
	m.refused, m.barred = refused, now.Add(barredFor)
	return why
}

func (c *Chooser) follow(now timescale.Mono, index int, why string) {
	next := c.candidates[index]
	report := SwitchReport{To: next.address.String(), Why: why}
	if c.active >= 0 {
		before := c.candidates[c.active]
		report.From = before.address.String()
		report.FromClass, report.FromFlags = uint8(before.client.announce.ClockClass), flagsOf(announcementOf(&before.client.announce))
		next.client.takeOver(now, before.client)
		before.client.stepAside(now)
	}
	next.client.seat.AskAt(unicast.Sync, now)
	next.client.seat.AskAt(unicast.DelayResp, now)
	next.refused = next.client.refused + next.client.counts.SyncTimeouts
	report.AtS, report.ToClass = now.Sub(next.client.started).Seconds(), uint8(next.client.announce.ClockClass)
	report.ToFlags = flagsOf(announcementOf(&next.client.announce))
	c.active = index
	if report.From == "" {
		return
	}
	if len(c.switches) == maxSwitches {
		c.switches = append(c.switches[:0], c.switches[1:]...)
	}
	c.switches = append(c.switches, report)
	c.changing = &c.switches[len(c.switches)-1]
}

// failed tells whether a master was followed and left because it failed.
func (c *Chooser) failed(address netip.Addr) bool {
	return slices.ContainsFunc(c.switches, func(s SwitchReport) bool { return s.From == address.String() && s.Why != aBetterMaster })
}

// measureSwitch notes what the last change of master did to the time.
func (c *Chooser) measureSwitch() {
	if c.changing == nil || c.active < 0 {
		return
	}
	if moved := c.candidates[c.active].client.moved; moved != nil {
		c.changing.MovedNs, c.changing = moved, nil
	}
}

// qualified: it announces, and it is a master.
func (c *Client) qualified() bool {
	return c.announced >= qualifyAfter && c.announce.ClockClass != clientOnly && c.announce.StepsRemoved < noSteps
}

func (c *Client) dataSet() *master.DataSet {
	a := &c.announce
	return &master.DataSet{
		Priority1: a.Priority1, Grandmaster: a.Grandmaster, ClockClass: uint8(a.ClockClass), ClockAccuracy: uint8(a.ClockAccuracy),
		OffsetScaledLogVariance: a.OffsetScaledLogVariance, Priority2: a.Priority2, StepsRemoved: a.StepsRemoved,
		Sender: c.seat.Master, Receiver: c.cfg.Identity,
	}
}

// takeOver goes on with the clock that followed another master, and with what was
// noted of it.
func (c *Client) takeOver(now timescale.Mono, from *Client) {
	c.clock, c.state, c.since, c.moves = from.clock, from.state, from.since, from.moves
	c.lockedAt, c.steps, c.started = from.lockedAt, from.steps, from.started
	c.taken, c.moved = from.clock.set, nil
	c.servo = servo{integral: from.clock.ppb}
	c.offset, c.gaps, c.path, c.floor = history{}, history{}, history{}, history{}
	c.seconds, c.following = nil, history{}
	c.seq[unicast.Sync], c.lastSync, c.nextDelay = sequence{}, timescale.Mono{}, now
	c.lose(now)
}

// stepAside keeps the Announces of a master that is not followed any more.
func (c *Client) stepAside(now timescale.Mono) {
	c.standBy()
	c.lastSync = timescale.Mono{}
	c.servo, c.clock, c.taken = servo{}, clock{}, false
	c.state, c.since, c.moves = Freerun, now, nil
}
