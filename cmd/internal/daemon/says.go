package daemon

import (
	"context"
	"time"

	"bragi/cmd/internal/config"
	"bragi/cmd/internal/status"
	"bragi/gnss/timescale"
	"bragi/master"
	"bragi/master/monitor"
	"bragi/master/twin"
	"bragi/master/udp"
	"bragi/master/wire"
)

// What clients say of themselves: the packets' thread asks (master/monitor), the
// service's goroutine collects the answers, and the Status shows the last ones. What
// they tell unasked is in the master's snapshot (master.Computed).

// says is what one client said. Two clocks behind one address are two clients.
type says struct {
	last     monitor.Answer // the last of Measured
	measured bool           // there is one
	silent   bool           // the last question had no whole answer
	outcomes [3]uint64      // of all questions, by monitor.Outcome
}

// newMonitor is for the clients of a master.
func newMonitor(m *master.Master, cfg *config.Config) *monitor.Monitor {
	return monitor.New(m, monitor.Config{Identity: m.Identity().Clock, Domain: cfg.Master.Domain, MaxClients: cfg.Master.MaxClients, Ask: cfg.Master.Monitor, Twin: cfg.Twin.Addr()})
}

// guestPatience is how long the packets' thread may take to answer for a guest.
const guestPatience = time.Second

// guests share the master's ports on the packets' thread.
type guests struct {
	asks *monitor.Monitor
	twin *twin.Client // nil: none
}

// list is for udp.Server.Serve. The twin's address is the twin's, whoever else is asked.
func (g guests) list() []udp.Guest {
	if g.twin == nil {
		return []udp.Guest{g.asks}
	}
	return []udp.Guest{g.twin, g.asks}
}

// guestNews is what guests tell.
type guestNews struct {
	answers []monitor.Answer
	twin    *twin.Report // nil: there is none
}

func (g guests) tell() (l guestNews) {
	l.answers = g.asks.Answers(nil)
	if g.twin != nil {
		r := g.twin.Report(udp.Now())
		l.twin = &r
	}
	return l
}

// askGuests collects what the guests have learnt.
func (d *Daemon) askGuests(ctx context.Context, server *udp.Server, g guests) {
	ctx, cancel := context.WithTimeout(ctx, guestPatience)
	defer cancel()
	told := make(chan guestNews, 1) // of this question alone: what comes too late is nobody's
	if server.On(ctx, func() { told <- g.tell() }) != nil {
		return
	}
	l := <-told
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, a := range l.answers {
		d.heardSay(a)
	}
	d.known = l.twin
	d.forgetSaid()
}

// heardSay keeps an answer. The caller holds the lock.
func (d *Daemon) heardSay(a monitor.Answer) {
	s := d.says[a.Client]
	if s == nil {
		s = new(says)
		d.says[a.Client] = s
	}
	s.outcomes[a.Outcome]++
	s.silent = a.Outcome != monitor.Measured
	if !s.silent {
		s.last, s.measured = a, true
	}
}

// forgetSaid forgets who is no client any more, and who is asked no more. The caller
// holds the lock.
func (d *Daemon) forgetSaid() {
	if len(d.says) == 0 || d.service.Snapshot == nil {
		return
	}
	served := make(map[master.Key]bool, len(d.service.Clients))
	for i := range d.service.Clients {
		c := &d.service.Clients[i]
		served[master.Key{Address: c.Address, Port: c.Identity}] = true
	}
	for k := range d.says {
		if !served[k] || !d.cfg.Master.Monitors(k.Address) {
			delete(d.says, k)
		}
	}
}

// saysStatus gives the clients, which are those of the snapshot, what they say.
func saysStatus(s *status.Status, said map[master.Key]*says, service udp.Status) {
	if service.Snapshot == nil {
		return
	}
	for i := range s.Clients {
		c := &service.Clients[i]
		x := said[master.Key{Address: c.Address, Port: c.Identity}]
		if x == nil {
			if c.Computed.At.IsZero() {
				continue
			}
			x = new(says)
		}
		s.Clients[i].Says = x.status(&c.Computed, service.At, service.Identity.Clock)
	}
}

// status is the last answer. What the client told by itself takes its place where no
// answer came since: an answer is measured from here, and is better.
func (x *says) status(told *master.Computed, now timescale.Mono, us wire.ClockIdentity) *status.Says {
	out := &status.Says{Silent: x.silent, Asked: x.outcomes[monitor.Silent] + x.outcomes[monitor.Incomplete] + x.outcomes[monitor.Measured], Answered: x.outcomes[monitor.Measured]}
	if !told.At.IsZero() && (!x.measured || x.silent && x.last.At.Before(told.At)) {
		tellComputed(out, told, now, us)
		return out
	}
	if !x.measured {
		return out
	}
	a := &x.last
	out.Source = status.SourceNetSync
	out.AgeS, out.OffsetNs, out.PathDelayNs = known(now.Sub(a.At).Seconds()), known(float64(a.OffsetNs)), known(float64(a.DelayNs))
	out.UTC = a.UTC
	out.OwnOffsetNs, out.OwnPathDelayNs = scaled(a.Said.OffsetFromMaster), scaled(a.Said.MeanPathDelay)
	out.PortState, out.Parent, out.FollowsUs = a.Said.State.String(), a.Said.Parent.String(), a.Said.Parent.Clock == us
	out.Grandmaster, out.ClockClass = a.Said.Grandmaster.String(), uint8(a.Said.ClockClass)
	return out
}

// tellComputed tells what a client computed, as far as it says that it is valid.
func tellComputed(out *status.Says, told *master.Computed, now timescale.Mono, us wire.ClockIdentity) {
	out.Source, out.AgeS = status.SourceSlaveEvent, known(now.Sub(told.At).Seconds())
	out.Parent, out.FollowsUs = told.Source.String(), told.Source.Clock == us
	if told.Valid&wire.OffsetFromMasterValid != 0 {
		out.OwnOffsetNs = scaled(told.Record.OffsetFromMaster)
	}
	if told.Valid&wire.MeanPathDelayValid != 0 {
		out.OwnPathDelayNs = scaled(told.Record.MeanPathDelay)
	}
	if told.Valid&wire.NeighborRateRatioValid != 0 {
		out.NeighborPPB = known(float64(told.Record.NeighborRateRatio) / (1 << 41) * 1e9)
	}
}

// scaled is a TimeInterval, in 2^-16 ns, in ns.
func scaled(interval int64) *float64 { return known(float64(interval) / (1 << 16)) }
