package master

import (
	"hash/maphash"
	"math/rand/v2"
	"net/netip"
	"time"

	"bragi/gnss/timescale"
	"bragi/master/wire"
)

// EventKind is what happened.
type EventKind uint8

// The events.
const (
	EventClientNew   EventKind = iota // first grant of a client
	EventGranted                      // a flow granted, or its rate changed; a renewal is none
	EventDenied                       // a request denied; said once per reason and minute
	EventCancelled                    // a flow ended by its client
	EventExpired                      // a flow ended by time: the client did not renew
	EventSentAway                     // a flow ended by a drain or a squelch
	EventClientGone                   // its last flow ended
	EventChanged                      // a SET of management took effect
	EventGaveWay                      // a flow ended for a newcomer: its client showed no life
	EventReplaced                     // a flow ended: its client came back with another portIdentity
	EventUnreachable                  // a flow ended: the network says that its client is not there
	EventRefused                      // a datagram refused from one who is no client; said once per minute and address
)

// String is the event in words.
func (k EventKind) String() string {
	names := [...]string{"client new", "granted", "denied", "cancelled", "expired", "sent away", "client gone", "changed by management", "gave way to a newcomer", "replaced by another portIdentity", "unreachable", "refused"}
	if int(k) < len(names) {
		return names[k]
	}
	return "unknown"
}

// Event is something for the log, and for alarms by its Reason.
type Event struct {
	At          timescale.Mono
	Kind        EventKind
	Client      Key
	Type        wire.MessageType
	LogInterval int8
	Seconds     uint32            // duration granted or asked, in s
	Reason      Reason            // of EventDenied and EventRefused
	Target      wire.PortIdentity // whom it was meant for, of EventRefused for WrongTarget
	Domain      uint8             // domainNumber of the message, of EventRefused
}

// repeatRefusalAfter is how long the same refusal stays unsaid.
const repeatRefusalAfter = time.Minute

// events is a bounded queue; what does not fit is counted. What one prefix makes
// happen is told at a bounded rate, each kind for itself and all kinds together, and
// so is what all prefixes make happen: a sender that floods fills no disk. A flood
// from everywhere does not hide what happens to clients that have shown what they
// are: they are told by the rate of their prefix alone.
type events struct {
	list    []Event
	lost    uint64
	unsaid  uint64     // that were over the rate
	from    netip.Addr // the last of them
	told    *limiter   // by kind and prefix
	prefix  *limiter   // by prefix
	toldAll bucket
	all     limiter
}

const maxEvents = 1024

// The rates at which events are told: of one kind from one prefix, of one prefix, and
// of all.
const (
	eventEvery    = 2 * time.Second
	eventBurst    = 32
	prefixEvery   = time.Second
	prefixBurst   = 96
	allEventEvery = time.Second / 4
	allEventBurst = 512
)

func newEvents(r *rand.Rand) events {
	told := newLimiter(r, eventEvery, eventBurst*eventEvery)
	prefix := newLimiter(r, prefixEvery, prefixBurst*prefixEvery)
	told.leak, prefix.leak = noLeak, noLeak
	return events{told: told, prefix: prefix, all: limiter{cost: int64(allEventEvery), burst: allEventBurst * int64(allEventEvery), leak: noLeak}}
}

// whose an event is.
type whose bool

const (
	stranger whose = false
	known    whose = true // a client that has shown what it is
)

// within tells whether an event may be told now.
func (q *events) within(e *Event, of whose) bool {
	if q.told == nil {
		return true
	}
	key := struct {
		kind EventKind
		base netip.Addr
	}{e.Kind, baseOf(e.Client.Address)}
	return q.told.take(e.At, &q.told.buckets[uint32(maphash.Comparable(q.told.seed, key))%limitBuckets]) &&
		q.prefix.pass(e.At, key.base) && (of == known || q.all.take(e.At, &q.toldAll))
}

// tell adds an event of a client, or of one who is to be or was one.
func (m *Master) tell(e Event) {
	row := m.clients.index.find(e.Client)
	m.events.add(e, whose(row >= 0 && m.clients.rows[row].standing(e.At) >= Busy))
}

func (q *events) add(e Event, of whose) {
	if !q.within(&e, of) {
		q.unsaid++
		q.from = e.Client.Address
		return
	}
	if len(q.list) >= maxEvents {
		q.lost++
		return
	}
	if q.list == nil {
		q.list = make([]Event, 0, maxEvents)
	}
	q.list = append(q.list, e)
}

// PendingEvents is how many events wait.
func (m *Master) PendingEvents() int { return len(m.events.list) }

// TakeEvents adds the waiting events to buf and forgets them. At most 1,024
// wait; Stats.EventsLost counts the others.
func (m *Master) TakeEvents(buf []Event) []Event {
	buf = append(buf, m.events.list...)
	m.events.list = m.events.list[:0]
	return buf
}
