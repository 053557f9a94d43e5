package setup

import (
	"bragi/gnss"
	"bragi/gnss/timescale"
	"bragi/gnss/ubx"
)

// Feed takes what the receiver sent.
func (m *Machine) Feed(now timescale.Mono, chunk []byte) {
	if m.state == Closed || m.state == Foreign {
		return
	}
	m.framer.Feed(now, chunk, func(f gnss.Frame) {
		switch f.Kind {
		case gnss.FrameNMEA:
			m.heard = now
		case gnss.FrameUBX:
			m.binary++
			m.heard = now
			if msg, ok := ubx.Parse(f.Bytes); ok {
				m.message(now, msg)
			}
		}
	})
}

func (m *Machine) message(now timescale.Mono, msg ubx.Message) {
	switch msg.Name() {
	case ubx.NavPVT:
		m.gotPVT = now
		m.mode.pvt(m, now, msg)
	case ubx.TimSVIN, ubx.NavSVIN:
		m.mode.survey(m, now, msg)
	}
	q := &m.asked
	if q.frame == nil || !q.sent {
		return
	}
	if ack, ok := ubx.ParseAck(msg); ok {
		if ack.Name == q.name {
			m.acknowledged(now, ack.OK)
		}
		return
	}
	if msg.Name() != q.name || q.write {
		return
	}
	switch m.state {
	case Asking:
		m.known(now, msg)
	case Setting:
		if m.raising != notRaised {
			m.raiseAnswered(now)
			return
		}
		m.answered(now, msg)
	case Watching:
		m.mode.answered(m, now, msg)
	}
}

// known takes MON-VER and makes the plan.
func (m *Machine) known(now timescale.Mono, msg ubx.Message) {
	v, ok := ubx.ParseVersion(msg)
	if !ok {
		return
	}
	m.version, m.asked = v, question{}
	m.say(Event{Kind: Found, Text: describe(v)})
	m.steps = plan(v)
	m.results = make([]Result, 0, len(m.steps))
	m.state, m.current = Setting, -1
	m.advance(now)
}

// acknowledged is the receiver's yes or no. A question is answered by the
// message itself; the ACK after it says nothing more.
func (m *Machine) acknowledged(now timescale.Mono, yes bool) {
	switch {
	case m.state == Watching:
		m.mode.acknowledged(m, now, yes)
	case m.state != Setting || m.raising != notRaised:
	case !yes:
		m.asked = question{}
		m.finish(now, Refused)
	case m.asked.write:
		s := &m.steps[m.current]
		m.ask(now, s.name, s.read, askTries)
		m.asked.verify = true
	}
}

// answered looks at what a step's question brought.
func (m *Machine) answered(now timescale.Mono, msg ubx.Message) {
	s := &m.steps[m.current]
	settled, payload, ok := s.judge(m, msg)
	switch {
	case !ok: // of another kind, or another item: go on waiting
		return
	case settled && m.asked.verify:
		m.finish(now, Set)
	case settled:
		m.finish(now, Kept)
	case m.asked.verify:
		m.finish(now, Ignored)
	default:
		m.tell(now, s.writes(), payload)
	}
}
