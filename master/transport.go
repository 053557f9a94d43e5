package master

import (
	"net/netip"
	"time"

	"bragi/gnss/timescale"
	"bragi/master/wire"
)

// Datagram is what the transport received.
type Datagram struct {
	Src     netip.Addr // the sender; answers go to the configured ports, but for Management
	Dst     netip.Addr // the address that was asked: answers come from it
	Port    uint16     // of the sender, for answers that go where the question came from; 0: not known
	Event   bool       // arrived at the event port, 319; else at the general port, 320
	DSCP    uint8      // as it arrived, for the evidence
	Payload []byte     // only looked at during the call
	// Stamp is the served clock's reading at arrival, if HasStamp.
	Stamp    timescale.Local
	HasStamp bool
}

// Message is what the transport is to send.
type Message struct {
	Src   netip.Addr // answer from this address, the one that was asked
	Dst   netip.Addr
	Event bool // from and to the event port; else the general port
	// FillOrigin: the transport reads the served clock right before this send and
	// writes it as the originTimestamp (wire.OriginOffset).
	FillOrigin bool
	// FillTurnaround: likewise, but the time since Received goes into the
	// correctionField.
	FillTurnaround bool
	// EstimateAt: the transport writes a timestamp at this offset, of the served clock's
	// reading when it sends, roughly; 0: nowhere.
	EstimateAt uint8
	// Port: it goes to another port than the configured one; 0: it does not.
	Port     uint16
	Received timescale.Local
	// Token: this Sync is to be followed. When the transport knows the moment at
	// which it left it shows the token to Master.FollowUp; 0: one-step.
	Token uint32
	// Report: the transport tells the guest who sends it when it left. It has FillOrigin.
	Report  bool
	guest   bool   // a guest's: it is in none of the master's counts
	flow    int32  // flowID + 1 of what is granted; 0: none
	Payload []byte // valid until the Outbox is reset
}

// Stamped tells whether the message says when it leaves: the transport sends it
// alone, right after SetEgress.
func (m *Message) Stamped() bool { return m.FillOrigin || m.FillTurnaround }

// SetEgress writes into a message that is Stamped what the served clock reads
// when it leaves.
func (m *Message) SetEgress(at timescale.Local) {
	if m.FillOrigin {
		wire.PutTimestamp(m.Payload[wire.OriginOffset:], wire.TimestampFromLocal(at))
	}
	if m.FillTurnaround {
		wire.AddCorrection(m.Payload, time.Duration(at.Ns()-m.Received.Ns()))
	}
}

// SetEstimate writes the served clock's reading into a message that has a place
// for it.
func (m *Message) SetEstimate(at timescale.Local) {
	if m.EstimateAt > 0 {
		wire.PutTimestamp(m.Payload[m.EstimateAt:], wire.TimestampFromLocal(at))
	}
}

// Outbox collects messages. The caller owns it, sends what is in it in order
// and resets it; its memory is used again.
type Outbox struct {
	msgs []Message
	buf  []byte
}

// Messages are the messages to send, in order. The caller may write into their
// payloads.
func (o *Outbox) Messages() []Message { return o.msgs }

// Len is the number of messages.
func (o *Outbox) Len() int { return len(o.msgs) }

// Reset empties the outbox.
func (o *Outbox) Reset() { o.msgs, o.buf = o.msgs[:0], o.buf[:0] }

// Add adds a message of a guest, who shares the master's ports, with a copy of its
// payload.
func (o *Outbox) Add(m Message) {
	m.guest = true
	o.put(m)
}

// put adds a message with a copy of its payload, which the caller may then patch.
func (o *Outbox) put(m Message) []byte {
	n := len(o.buf)
	o.buf = append(o.buf, m.Payload...)
	m.Payload = o.buf[n:len(o.buf):len(o.buf)]
	o.msgs = append(o.msgs, m)
	return m.Payload
}
