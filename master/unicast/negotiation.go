package unicast

import (
	"time"

	"bragi/gnss/timescale"
	"bragi/master/wire"
)

// FirstRetry is how long an answer is waited for at first. Each time without a GRANT
// doubles it, up to Habit.LastRetry.
const FirstRetry = time.Second

// afterCancel is how long a client does not ask for what was taken back from it.
const afterCancel = 16 * time.Second

// Habit is what clients ask for, and how. Many clients may share one.
type Habit struct {
	Domain       uint8
	LogIntervals [Flows]int8 // log2 of s
	Duration     uint32      // of each grant in s
	LastRetry    time.Duration
	// Renew is how long after a GRANT of the given length it is asked for again.
	Renew func(lasts time.Duration) time.Duration
}

// Subscription is one flow as the client sees it.
type Subscription struct {
	Granted     bool
	Denied      bool           // the last answer is a denial or a CANCEL
	LogInterval int8           // granted, log2 of s
	Seconds     uint32         // of the last grant
	Since       timescale.Mono // of the grants that followed one another without a gap
	Expires     timescale.Mono

	idle        bool // it is not wanted
	open        bool // the last REQUEST has no answer: what it asked for may be granted
	ack, cancel bool // to be sent
	tries       uint8
	askAt       timescale.Mono // the next REQUEST
}

// Negotiation is one client's at one master. The zero value with Me set asks for all flows
// at the first Poll.
type Negotiation struct {
	Me      wire.PortIdentity
	Master  wire.PortIdentity // who granted; zero: nobody yet
	subs    [Flows]Subscription
	signals uint16 // sequenceId of the next Signaling
	left    bool
}

// Of is a flow.
func (n *Negotiation) Of(f Flow) *Subscription { return &n.subs[f] }

// GrantedAll tells whether all flows are granted.
func (n *Negotiation) GrantedAll() bool {
	for f := range n.subs {
		if !n.subs[f].Granted {
			return false
		}
	}
	return true
}

// Sent is what a message asks or says.
type Sent uint8

// What a message asks or says.
const (
	Request Sent = iota
	Cancel
	CancelAck
)

// Poll writes the next Signaling message that is due at now over buf, until ok is false.
func (n *Negotiation) Poll(h *Habit, now timescale.Mono, buf []byte) (payload []byte, f Flow, what Sent, ok bool) {
	var tlv [16]byte
	for i := range n.subs {
		s, f := &n.subs[i], Flow(i)
		t := f.MessageType()
		switch {
		case s.cancel:
			s.cancel = false
			return n.signal(h, buf, wire.UnicastCancel{MessageType: t}.Append(tlv[:0])), f, Cancel, true
		case s.ack:
			s.ack = false
			return n.signal(h, buf, wire.UnicastCancelAck{MessageType: t}.Append(tlv[:0])), f, CancelAck, true
		case !s.idle && !now.Before(s.askAt):
			s.askAt, s.open = now.Add(min(FirstRetry<<s.tries, h.LastRetry)), true
			s.tries = min(s.tries+1, 30)
			return n.signal(h, buf, wire.UnicastRequest{MessageType: t, LogInterval: h.LogIntervals[f], Duration: h.Duration}.Append(tlv[:0])), f, Request, true
		}
	}
	return nil, 0, 0, false
}

// signal makes a Signaling message, to whatever clock has the address.
func (n *Negotiation) signal(h *Habit, buf, tlv []byte) []byte {
	tlvs, _ := wire.ParseTLVs(tlv) // our own are well formed
	s := wire.Signaling{Header: Header(n.Me, h.Domain, n.signals), Target: wire.PortIdentity{Clock: wire.AllClocks, Port: 0xFFFF}, TLVs: tlvs}
	n.signals++
	return s.Append(buf[:0])
}

// Header is that of a client's message.
func Header(me wire.PortIdentity, domain uint8, seq uint16) wire.Header {
	return wire.Header{Domain: domain, Flags: wire.FlagUnicast, Source: me, SequenceID: seq, LogInterval: wire.LogIntervalNone}
}

// Next is when Poll has something to do; polled is when it was called last, and what is
// answered if it has something now. ok is false when nothing is planned.
func (n *Negotiation) Next(polled timescale.Mono) (at timescale.Mono, ok bool) {
	for i := range n.subs {
		s := &n.subs[i]
		switch {
		case s.cancel || s.ack:
			return polled, true
		case !s.idle && (!ok || s.askAt.Before(at)):
			at, ok = s.askAt, true
		}
	}
	return at, ok
}

// Expire ends a grant that has run out, and tells whether it did.
func (n *Negotiation) Expire(f Flow, now timescale.Mono) bool {
	s := &n.subs[f]
	ended := s.Granted && !now.Before(s.Expires)
	s.Granted = s.Granted && !ended
	return ended
}

// Verdict is what a master answers, or says unasked.
type Verdict uint8

// The verdicts.
const (
	Granted Verdict = iota
	Denied
	Cancelled
)

// Answer is one TLV of the master's.
type Answer struct {
	Flow    Flow
	Verdict Verdict
	// Anew: of Granted, there was no grant before. Stranger: another clock than before
	// grants, or the first one.
	Anew, Stranger bool
}

// Answers takes the next answer of a Signaling message to this client, until ok is false.
// A CANCEL counts only from the one who granted, or where nobody has granted yet.
func (n *Negotiation) Answers(h *Habit, now timescale.Mono, m *wire.Signaling) (a Answer, ok bool) {
	for {
		typ, v, more := m.TLVs.Next()
		if !more {
			return a, false
		}
		switch typ {
		case wire.TLVGrantUnicast:
			if g, err := wire.ParseUnicastGrant(v); err == nil {
				if a, ok = n.granted(h, now, m.Source, g); ok {
					return a, true
				}
			}
		case wire.TLVCancelUnicast:
			if x, err := wire.ParseUnicastCancel(v); err == nil && (m.Source == n.Master || n.Master == wire.PortIdentity{}) {
				if f, known := FlowOf(x.MessageType); known {
					s := &n.subs[f]
					s.ack, s.Granted, s.open, s.Denied, s.askAt = true, false, false, true, now.Add(afterCancel)
					return Answer{Flow: f, Verdict: Cancelled}, true
				}
			}
		}
	}
}

func (n *Negotiation) granted(h *Habit, now timescale.Mono, from wire.PortIdentity, g wire.UnicastGrant) (a Answer, ok bool) {
	f, ok := FlowOf(g.MessageType)
	if !ok {
		return a, false
	}
	s := &n.subs[f]
	s.open = false
	if s.Denied = g.Duration == 0; s.Denied {
		return Answer{Flow: f, Verdict: Denied}, true // it is asked again
	}
	if s.idle { // it was given up meanwhile
		s.cancel = true
		return a, false
	}
	a = Answer{Flow: f, Verdict: Granted, Anew: !s.Granted, Stranger: from != n.Master}
	n.Master = from
	if a.Anew {
		s.Since = now
	}
	lasts := time.Duration(g.Duration) * time.Second
	s.Granted, s.LogInterval, s.Seconds, s.tries = true, g.LogInterval, g.Duration, 0
	s.Expires, s.askAt = now.Add(lasts), now.Add(h.Renew(lasts))
	return a, true
}

// AskAt lets a flow be asked for at a moment, as if for the first time.
func (n *Negotiation) AskAt(f Flow, at timescale.Mono) {
	s := &n.subs[f]
	s.idle, s.tries, s.askAt = n.left, 0, at
}

// Lose forgets a grant without a word, and asks again at a moment: nothing comes of it.
func (n *Negotiation) Lose(f Flow, at timescale.Mono) {
	n.subs[f] = Subscription{idle: n.left, ack: n.subs[f].ack, askAt: at}
}

// GiveUp lets a flow be asked for no more. What is held of it, or was asked for and has no
// answer, is cancelled: the answer may be lost.
func (n *Negotiation) GiveUp(f Flow) {
	s := &n.subs[f]
	s.cancel = s.cancel || s.Granted || s.open
	s.idle, s.Granted, s.open = true, false, false
}

// Leave gives all flows up, for good.
func (n *Negotiation) Leave() {
	n.left = true
	for f := range n.subs {
		n.GiveUp(Flow(f))
	}
}

// Left tells whether the client has left.
func (n *Negotiation) Left() bool { return n.left }

// Wants tells whether a flow is asked for.
func (n *Negotiation) Wants(f Flow) bool { return !n.subs[f].idle }

// Every is the interval of a flow: the one granted, or else the one asked for.
func (n *Negotiation) Every(h *Habit, f Flow) time.Duration {
	if s := &n.subs[f]; s.Granted {
		return Interval(s.LogInterval)
	}
	return Interval(h.LogIntervals[f])
}

// DelayEvery is the interval of the client's Delay_Reqs on the whole: never faster than
// granted, nor than asked for.
func (n *Negotiation) DelayEvery(h *Habit) time.Duration {
	return max(Interval(h.LogIntervals[DelayResp]), n.Every(h, DelayResp))
}
