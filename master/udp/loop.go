package udp

import (
	"context"
	"runtime"
	"time"

	"golang.org/x/sys/unix"

	"bragi/board/kernelclock"
	"bragi/gnss/timescale"
	"bragi/master"
	"bragi/master/egress"
	"bragi/master/udp/socket"
	"bragi/master/wire"
)

// loop is the state of the serving thread.
type loop struct {
	s        *Server
	m        *master.Master
	clock    Clock
	out      master.Outbox
	bridge   kernelclock.Bridge
	stamps   *stamper
	stamping Stamping
	clocks   abreast
	// departure is the way out of what is stamped.
	departure departure
	twins     *twins // nil: none
	// twinsError is why there are none; the service does without.
	twinsError error
	marks      bool // the kernel writes the time into what is marked
	guests     []Guest
	turn       Guest // whose messages are being sent; nil: the master's
	wait       *waiter
	events     []master.Event

	heard timescale.Mono // when event messages last came
	dense bool           // they are of a stream
	late  time.Duration  // the latest that one was looked at
	icmp  timescale.Mono // when ICMP was last looked at

	received, stampsMissing, stampsVoid, wakes uint64
	niceRefused                                bool
}

func newLoop(s *Server, m *master.Master, clock Clock) (*loop, error) {
	group := -1 // ppoll ignores it
	if s.group != nil {
		group = s.group.FD
	}
	w, err := newWaiter(s.event.FD, s.general.FD, s.wake, group)
	if err != nil {
		return nil, err
	}
	l := &loop{s: s, m: m, clock: clock, wait: w, bridge: s.opened, stamps: newStamper(), departure: s.event.Tx}
	l.stamps.numbered = s.numbered
	// Stamps that another process asked for, of a socket that is handed on, have
	// other numbers.
	l.stamps.next = uint32(Now().Ns())
	l.stamps.first = l.stamps.next
	l.stamps.egress = s.cfg.Latencies.egress()
	l.stamps.before = s.cfg.Before.Latency
	l.stamps.learnt()
	if m.Follows() {
		l.stamps.follow()
	}
	return l, nil
}

// longestWait bounds a wait without a deadline.
const longestWait = time.Minute

// run is the loop. It leaves its thread locked, so that the thread, whose
// priority and timer slack are not the others', ends with it.
func (l *loop) run(ctx context.Context) error {
	defer l.wait.close()
	runtime.LockOSThread()
	l.settle()
	// What waited in the sockets has stamps from before this sandwich.
	l.bridge.Look()
	for ctx.Err() == nil {
		l.tick()
		now := Now()
		l.twin(now)
		l.visit(now)
		l.hearUnreachables(now)
		if err := l.pause(); err != nil {
			return err
		}
		// Commands first: what was posted before a datagram was sent holds for it.
		if l.wait.fds[2].Revents != 0 {
			var b [8]byte
			_, _ = unix.Read(l.s.wake, b[:])
		}
		for c := l.s.takeCommands(); c != nil; {
			next := c.next
			if c.do(l.m, l) {
				l.s.push(c)
			}
			c = next
		}
		if l.wait.fds[0].Revents != 0 {
			l.receive(l.s.event)
		}
		if l.wait.fds[1].Revents != 0 {
			l.receive(l.s.general)
		}
		if l.wait.fds[3].Revents != 0 {
			l.receive(l.s.group)
		}
	}
	l.part()
	return nil
}

// unreachablesEvery is how often ICMP is looked at: no packet waits for it.
const unreachablesEvery = time.Second / 8

// hearUnreachables tells the master which addresses the network says cannot be
// reached.
func (l *loop) hearUnreachables(now timescale.Mono) {
	if l.s.unreachables == nil || now.Sub(l.icmp) < unreachablesEvery {
		return
	}
	l.icmp = now
	for range socket.Batch {
		u, ok := l.s.unreachables.Next()
		if !ok {
			return
		}
		why := master.NoNeighbour
		if u.Closed {
			why = master.PortClosed
		} else {
			l.m.Undelivered(now, u.Address, wire.MessageType(u.Type))
		}
		l.m.Unreachable(now, u.Address, why)
	}
}

// tick sends what is due.
func (l *loop) tick() {
	now := Now()
	if next, ok := l.m.Next(); ok {
		l.late = max(l.late, now.Sub(next))
	}
	l.m.Tick(now, &l.out)
	l.flush()
	l.report()
}

// pause waits for the next slot, or for something to come; fds then tell what.
func (l *loop) pause() error {
	now, d := Now(), longestWait
	if next, ok := l.m.Next(); ok {
		d = max(0, min(d, next.Sub(now)))
	}
	if at, ok := l.twins.due(); ok {
		d = max(0, min(d, at.Sub(now)))
	}
	for _, g := range l.guests {
		if at, ok := g.Next(); ok {
			d = max(0, min(d, at.Sub(now)))
		}
	}
	l.wakes++
	l.stamps.woke = true
	if l.dense && d > 0 && d < longWait && now.Sub(l.heard) < stream {
		// What is waited for goes first: a request can wait.
		if err := l.wait.nap(min(d, moderation)); err != nil {
			return err
		}
		l.tick()
		d = 0
	}
	return l.wait.wait(d)
}

// A stream of requests: they come one right after the other, so that each waits
// for company, to the next slot at most. It costs them nothing but this: their
// stamps are the kernel's.
const (
	moderation = time.Millisecond
	stream     = 2 * moderation
)

// answersPerTick is how many datagrams are answered before the schedule is looked
// at again.
const answersPerTick = 16

// hear notes that event messages have come, and whether they are of a stream. A
// full batch has more behind it, which wait already.
func (l *loop) hear(now timescale.Mono, n int) {
	l.dense = now.Sub(l.heard) < stream && n < socket.Batch
	l.heard = now
}

// settle makes the thread punctual: no timer slack (50 us by default), and the
// priority that was asked for.
func (l *loop) settle() {
	_ = unix.Prctl(unix.PR_SET_TIMERSLACK, 1, 0, 0, 0)
	if n := l.s.cfg.Nice; n != 0 {
		favour(n)
		l.niceRefused = unix.Setpriority(unix.PRIO_PROCESS, unix.Gettid(), n) != nil
	}
}

// receive takes one batch from a socket and answers it.
func (l *loop) receive(p *port) {
	event := p == l.s.event
	n := p.Rx.Read()
	if n == 0 {
		l.clearError(p)
		if event {
			l.drain()
		}
		return
	}
	if event {
		l.bridge.Look()
	}
	now := Now()
	if event {
		l.hear(now, n)
	}
	for i := range n {
		pkt, ok := p.Rx.Packet(i)
		if !ok {
			continue
		}
		l.received++
		if p.wide && pkt.Dst != l.s.cfg.Address {
			continue // as if the socket were bound to the address
		}
		if p == l.s.group {
			if !management(pkt.Payload) {
				continue
			}
			if !l.s.cfg.Address.IsUnspecified() {
				pkt.Dst = l.s.cfg.Address
			}
		}
		d := master.Datagram{Src: pkt.Src, Port: pkt.Port, Dst: pkt.Dst, Event: event, DSCP: pkt.DSCP, Payload: pkt.Payload}
		if event {
			d.Stamp, d.HasStamp = l.arrival(&pkt)
		}
		if !l.taken(now, d) {
			l.m.Receive(now, d, &l.out)
		}
		if (i+1)%answersPerTick == 0 {
			l.flush()
			l.tick()
		}
	}
	l.flush()
	l.report()
}

// management tells a Management message from the others of the group.
func management(b []byte) bool {
	return len(b) > 0 && wire.MessageType(b[0]&0x0F) == wire.TypeManagement
}

// clearError takes a pending socket error off, or ppoll would return at once for
// ever.
func (l *loop) clearError(p *port) {
	_, _ = unix.GetsockoptInt(p.FD, unix.SOL_SOCKET, unix.SO_ERROR)
}

func (l *loop) stamp(ns int64) (timescale.Local, bool) {
	if ns == 0 {
		l.stampsMissing++
		return timescale.Local{}, false
	}
	m, ok := l.bridge.Mono(ns)
	if !ok {
		l.stampsVoid++
		return timescale.Local{}, false
	}
	return l.clock.Local(m), true
}

// flush sends the outbox: first each Sync and Pdelay_Resp right after its own
// reading of the clock, then all the others in batches.
func (l *loop) flush() {
	if l.out.Len() == 0 {
		return
	}
	asked := false
	for i := range l.out.Messages() {
		switch m := &l.out.Messages()[i]; {
		case m.FillOrigin:
			asked = l.sync(m) || asked
		case m.FillTurnaround:
			predicted := l.stamps.predictor.Predict(l.stamps.path())
			m.SetEgress(l.clock.Local(Now().Add(time.Duration(predicted))))
			if !l.departure.Send(m.Src, m.Dst, m.Payload, 0, 0) {
				l.m.NotSent(Now(), m, l.s.event.Tx.Refused)
			}
		}
	}
	tx := l.s.general.Tx
	tx.Begin()
	var read timescale.Mono // one reading for all of them
	var about timescale.Local
	for i := range l.out.Messages() {
		m := &l.out.Messages()[i]
		if m.EstimateAt > 0 {
			if about == (timescale.Local{}) {
				read = Now()
				about = l.clock.Local(read)
			}
			m.SetEstimate(about)
		}
		switch {
		case m.Stamped():
		case m.Port != 0:
			tx.PutTo(m.Src, m.Dst, m.Port, m.Payload)
		default:
			tx.Put(m.Src, m.Dst, m.Payload)
		}
	}
	tx.Flush()
	if len(tx.Unsent) > 0 {
		l.unsent(tx.Unsent)
	} else if about != (timescale.Local{}) {
		l.s.announced.Store(read.Ns())
	}
	l.out.Reset()
	if asked {
		l.drain()
	}
}

// unsent tells the master which general messages did not leave.
func (l *loop) unsent(list []socket.Unsent) {
	now, general := Now(), 0
	for i := range l.out.Messages() {
		m := &l.out.Messages()[i]
		if m.Stamped() {
			continue
		}
		if list[0].Message == general {
			l.m.NotSent(now, m, list[0].Err)
			if list = list[1:]; len(list) == 0 {
				return
			}
		}
		general++
	}
}

// sync sends one Sync, or a guest's message, that says when it will have left: the clock's reading now
// and the latency that is to be expected. A device that writes the time itself
// overwrites it, and so does the kernel in what is marked.
func (l *loop) sync(m *master.Message) bool {
	on := l.stamps.path()
	path := on
	predicted := l.stamps.predictor.Predict(on)
	a := asked{token: m.Token, path: on, predicted: predicted}
	// A Follow_Up must not be made for another's Sync: marked ones need numbers for it.
	if l.marks && !m.Report && (m.Token == 0 || l.stamps.numbered) && !l.stamping.OneStep {
		var mono int64
		a.read, mono = l.clocks.now()
		a.marked, a.dst, a.rest = true, m.Dst.As4(), l.stamps.predictor.Predict(egress.Written)
		mark(m.Payload, mono+predicted-a.rest)
		path = egress.Written
	} else {
		a.read = Now()
	}
	a.origin = l.clock.Local(a.read).Add(time.Duration(predicted))
	m.SetEgress(a.origin)
	if l.stamping.OneStep && !m.Report {
		wire.AddCorrection(m.Payload, l.stamps.egress)
	}
	if m.Report {
		a.guest, a.seq = l.turn, wire.SequenceID(m.Payload)
	} else {
		a.sample = l.stamps.due(path, a.read)
	}
	asks := a.sample || m.Token != 0 || m.Report
	if asks {
		a.want = l.stamps.wants(a.sample)
	}
	switch {
	case !l.departure.Send(m.Src, m.Dst, m.Payload, a.want, l.stamps.next):
		l.m.NotSent(a.read, m, l.s.event.Tx.Refused)
	case asks:
		l.stamps.ask(m.Payload, a)
	}
	return asks
}

// report hands events on as far as there is room; the others wait in the master.
func (l *loop) report() {
	l.noteChanges()
	n := l.m.PendingEvents()
	if n == 0 || cap(l.s.events)-len(l.s.events) < n {
		return
	}
	l.events = l.m.TakeEvents(l.events[:0])
	for _, e := range l.events {
		select {
		case l.s.events <- e:
		default:
		}
	}
}

func (l *loop) stats() Stats {
	e, g := l.s.event, l.s.general
	st := Stats{
		Received: l.received, Truncated: e.Rx.Truncated + g.Rx.Truncated,
		DroppedEvent: e.Rx.Drops, DroppedGeneral: g.Rx.Drops,
		StampsMissing: l.stampsMissing, StampsVoid: l.stampsVoid, Jumps: l.bridge.Jumps(),
		Wakes: l.wakes, LatestTick: l.late, NiceRefused: l.niceRefused, Deaf: l.s.deaf,
		Event: e.Tx.Stats, General: g.Tx.Stats,
		Residual: l.stamps.predictor.Residual(), Residuals: l.stamps.residuals, Latency: Latency{l.stamps.device, l.stamps.predictor.Save()}, Stamps: l.stamps.stats, StampsLost: l.stamps.lost, StampsStray: l.stamps.stray,
	}
	if l.twins != nil {
		st.Twins = l.twins.stats
	}
	st.Twins.Error = l.twinsError
	st.Stamps.Waited = l.stamps.interrupt.Spread()
	st.Stamps.Beyond = l.stamps.beyond.Spread()
	if m := l.s.group; m != nil {
		st.Joined, st.DroppedGroup = m.joined, m.Rx.Drops
		st.Truncated += m.Rx.Truncated
	}
	return st
}
