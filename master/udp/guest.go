package udp

import (
	"context"

	"bragi/gnss/timescale"
	"bragi/master"
)

// Guest shares the master's ports: it asks others as a client does. Their answers come
// to the ports where the master serves, since PTP has no others.
//
// The loop lets a guest send after the master, and shows it each datagram before the
// master. A guest takes what answers its own questions, by the sender's address, and
// nothing else; what it takes is in none of the master's counts. It may wait for
// nothing, and must not allocate for a datagram that is not its own.
type Guest interface {
	// Next is when Tick has something to do; ok is false when nothing is planned.
	Next() (at timescale.Mono, ok bool)
	// Tick puts what is due into the outbox (master.Outbox.Add).
	Tick(now timescale.Mono, out *master.Outbox)
	// Take takes a datagram; mine is false for one that is not the guest's.
	Take(now timescale.Mono, d master.Datagram) (mine bool)
	// Left tells when a message with Report left, by the served clock. A message whose
	// stamp does not come is not told.
	Left(sequenceID uint16, at timescale.Local)
	// Leave gives back what others granted, by a last Tick right after: the serving ends.
	Leave()
}

// visit lets the guests send what is due. The outbox is empty before and after.
func (l *loop) visit(now timescale.Mono) {
	for _, g := range l.guests {
		if at, ok := g.Next(); ok && !now.Before(at) {
			g.Tick(now, &l.out)
			l.turn = g
			l.flush()
			l.turn = nil
		}
	}
}

// part lets the guests leave.
func (l *loop) part() {
	for _, g := range l.guests {
		g.Leave()
	}
	l.visit(Now())
}

// taken tells whether a datagram is a guest's.
func (l *loop) taken(now timescale.Mono, d master.Datagram) bool {
	for _, g := range l.guests {
		if g.Take(now, d) {
			return true
		}
	}
	return false
}

// On lets do run on the serving thread, between two datagrams, and waits for it: the
// way to ask a guest, or to tell it something.
func (s *Server) On(ctx context.Context, do func()) error {
	_, err := ask(ctx, s, func(*master.Master, *loop) struct{} { do(); return struct{}{} })
	return err
}
