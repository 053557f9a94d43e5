package rehearsal

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"time"

	"bragi/gnss/timescale"
	"bragi/master/unicast"
	"bragi/master/wire"
)

// CrowdConfig is what many clients ask for, each from an address of its own.
type CrowdConfig struct {
	Kind    Kind
	Clients int
	// Source has the addresses: the first client has the first after the
	// network's own, and so on. A /32 is one client's.
	Source   netip.Prefix
	Domain   uint8
	Duration uint32        // of each grant in s; 0: 300
	Join     time.Duration // the clients begin spread over this; 0: 1 ms each
	Seed     uint64
}

// MaxCrowd bounds the number of clients.
const MaxCrowd = 20_000

// Crowd is a load of many clients: each negotiates three flows from an address
// of its own, renews them, sends Delay_Req at its rate and counts what comes.
// None has a clock or a servo. It belongs to one goroutine and allocates
// nothing per event message.
//
//	calendar -> one entry per client, about one interval of Delay_Req after the other:
//	            Delay_Req, and the REQUESTs, acknowledgements and CANCELs that are due then
//	Receive  -> who is told by the destination address; Sync: spacing by the kernel's stamps;
//	            Delay_Resp: turn-around, from the Poll that gave out its Delay_Req to its stamp
//	Begin    -> the window that Report describes
type Crowd struct {
	cfg     CrowdConfig
	habit   unicast.Habit
	random  *rand.Rand
	base    uint32 // address of client 0
	clients []member
	started timescale.Mono
	begun   timescale.Mono

	// The calendar: slots of 2^-12 s in a ring, a list of clients in each.
	head   [calendarSlots]int32 // client + 1
	next   []int32              // by client
	cursor int64                // the slot that Poll is in
	ready  int32                // client + 1 of the list that Poll is at
	signal [signalBuffers][signalLen]byte
	gave   int

	counts              CrowdCounts
	spacing, turnaround histogram
	shortest            int64 // of the intervals between Syncs of one client, ns

	announce  wire.Announce // the last that came to any client
	announced bool
	timeouts  [unicast.Flows]time.Duration // how long a client waits for a message
	served    served
}

const (
	calendarBits  = 12 // slots per second, log2
	calendarSlots = 1 << 11
	signalBuffers = 64
	signalLen     = wire.SignalingLen + 10 // with a REQUEST
	openDelayReqs = 4
)

// member is one client.
type member struct {
	delayReq [wire.SyncLen]byte // prebuilt; sequenceId changes
	id       uint16             // of the next Delay_Req
	seat     unicast.Negotiation
	seen     bool                          // a Sync has come
	delayAt  timescale.Mono                // the next Delay_Req
	t3       [openDelayReqs]timescale.Mono // by sequenceId
	lastSync timescale.Mono

	heard  bool // something has come, ever
	denied bool // and nothing was granted since

	// In the window:
	syncs, spaced, steady uint32 // Syncs, intervals, those within 30 %
	delayReqs, unanswered uint32
	announces             uint32
	left                  bool           // no Sync came for so long that a client leaves the master
	heardSync             timescale.Mono // the last one, or the beginning of the window
}

// served is the time that the master serves: looked at once a second, in the Sync of any
// client. The path is not measured: it is right within a fraction of a second.
type served struct {
	at      timescale.Mono // of the last look
	ns      int64          // of the master's timescale then
	known   bool
	waits   int            // two-step: the client + 1 that waits for a Follow_Up
	pending timescale.Mono // when its Sync came
	seq     uint16         // and its sequenceId
}

// CrowdCounts are events of the window.
type CrowdCounts struct {
	Sync       uint64 `json:"sync"`
	FollowUp   uint64 `json:"follow_up"`
	Announce   uint64 `json:"announce"`
	DelayReq   uint64 `json:"delay_req"`
	DelayResp  uint64 `json:"delay_resp"` // to one of the last Delay_Req
	Unmatched  uint64 `json:"delay_resp_unmatched"`
	Asked      uint64 `json:"asked"`
	Grants     uint64 `json:"grants"`
	Denials    uint64 `json:"denials"`
	Cancels    uint64 `json:"cancels"`
	NoStamp    uint64 `json:"no_stamp"`
	Strangers  uint64 `json:"strangers"`
	Malformed  uint64 `json:"malformed"`
	LateSlots  uint64 `json:"late_slots"` // of the crowd's own calendar, by more than a millisecond
	Unanswered uint64 `json:"delay_req_unanswered"`
}

// NewCrowd makes the clients; they begin to ask at the first Poll.
func NewCrowd(c CrowdConfig) (*Crowd, error) {
	base, err := c.base()
	if err != nil {
		return nil, err
	}
	one, err := Config{Kind: c.Kind, Duration: c.Duration, Identity: identityOf(0)}.withDefaults()
	if err != nil {
		return nil, err
	}
	c.Duration = one.Duration
	if c.Join == 0 {
		c.Join = time.Duration(c.Clients) * time.Millisecond
	}
	w := &Crowd{cfg: c, base: base, random: rand.New(rand.NewPCG(c.Seed, 4)), clients: make([]member, c.Clients), next: make([]int32, c.Clients)}
	w.habit = unicast.Habit{Domain: c.Domain, LogIntervals: *one.LogIntervals, Duration: c.Duration, LastRetry: lastRetry, Renew: w.renew}
	for f, log := range one.LogIntervals {
		w.timeouts[f] = patience(unicast.Flow(f), log, one.AnnounceTimeout)
	}
	for i := range w.clients {
		w.clients[i].seat.Me = identityOf(i)
		req := wire.DelayReq{Header: unicast.Header(identityOf(i), c.Domain, 0)}
		req.Append(w.clients[i].delayReq[:0])
	}
	return w, nil
}

// renew: in the last fifth of a grant, spread so that a crowd that came together does not
// ask together.
func (w *Crowd) renew(lasts time.Duration) time.Duration {
	return lasts*8/10 + time.Duration(w.random.Int64N(int64(lasts/10)))
}

func (c CrowdConfig) base() (uint32, error) {
	if !c.Source.IsValid() || !c.Source.Addr().Is4() {
		return 0, errors.New("rehearsal: the clients need an IPv4 prefix to speak from, such as 10.100.0.0/16")
	}
	if c.Clients < 1 || c.Clients > MaxCrowd {
		return 0, fmt.Errorf("rehearsal: %d clients is not within 1..%d", c.Clients, MaxCrowd)
	}
	a := c.Source.Masked().Addr().As4()
	base := binary.BigEndian.Uint32(a[:])
	room := 1
	if c.Source.Bits() < 31 {
		base++
		room = 1<<(32-c.Source.Bits()) - 2
	} else if c.Source.Bits() == 31 {
		room = 2
	}
	if c.Clients > room {
		return 0, fmt.Errorf("rehearsal: %v has %d addresses, too few for %d clients (fix: a shorter prefix)", c.Source, room, c.Clients)
	}
	return base, nil
}

// identityOf is client i's portIdentity, of a locally administered MAC address.
func identityOf(i int) wire.PortIdentity {
	return wire.PortIdentity{Clock: wire.IdentityFromMAC([6]byte{0x02, 0xB7, 0, byte(i >> 16), byte(i >> 8), byte(i)}), Port: 1}
}

// Address is client i's.
func (w *Crowd) Address(i int) netip.Addr {
	var a [4]byte
	binary.BigEndian.PutUint32(a[:], w.base+uint32(i))
	return netip.AddrFrom4(a)
}

// of is the client with the address, -1 for none.
func (w *Crowd) of(a netip.Addr) int {
	if !a.Is4() {
		return -1
	}
	b := a.As4()
	if i := int64(binary.BigEndian.Uint32(b[:])) - int64(w.base); i >= 0 && i < int64(len(w.clients)) {
		return int(i)
	}
	return -1
}

func calendarSlot(t timescale.Mono) int64 { return t.Ns() / (int64(time.Second) >> calendarBits) }

func calendarStart(slot int64) timescale.Mono {
	return timescale.MonoFromNs(slot * (int64(time.Second) >> calendarBits))
}

// start puts all clients into the calendar.
func (w *Crowd) start(now timescale.Mono) {
	w.started, w.cursor = now, calendarSlot(now)
	for i := range w.clients {
		joins := now.Add(time.Duration(int64(w.cfg.Join) * int64(i) / int64(len(w.clients))))
		for f := range unicast.Flow(unicast.Flows) {
			w.clients[i].seat.AskAt(f, joins)
		}
		w.enter(i, now.Add(time.Duration(w.random.Int64N(int64(w.visit())))))
	}
	w.Begin(now)
}

// enter puts a client into the slot of a moment, after the present one and within
// the ring.
func (w *Crowd) enter(i int, at timescale.Mono) {
	slot := min(max(calendarSlot(at), w.cursor+1), w.cursor+calendarSlots-1) % calendarSlots
	w.next[i] = w.head[slot]
	w.head[slot] = int32(i) + 1
}

// Next is when Poll may have something to do.
func (w *Crowd) Next() timescale.Mono {
	if w.started.IsZero() || w.ready != 0 {
		return timescale.Mono{}
	}
	for slot := w.cursor + 1; slot < w.cursor+calendarSlots; slot++ {
		if w.head[slot%calendarSlots] != 0 {
			return calendarStart(slot)
		}
	}
	return calendarStart(w.cursor + calendarSlots)
}

// Poll returns the next message to send at now, until ok is false. payload stays
// as it is for 64 more calls; now is taken as the moment when a Delay_Req leaves.
func (w *Crowd) Poll(now timescale.Mono) (src netip.Addr, payload []byte, event, ok bool) {
	if w.started.IsZero() {
		w.start(now)
	}
	for current := calendarSlot(now); ; {
		for w.ready == 0 {
			if w.cursor >= current {
				return netip.Addr{}, nil, false, false
			}
			w.cursor++
			head := &w.head[w.cursor%calendarSlots]
			w.ready, *head = *head, 0
			if w.ready != 0 && now.Sub(calendarStart(w.cursor)) > time.Millisecond {
				w.counts.LateSlots++
			}
		}
		i := int(w.ready) - 1
		if payload, ok := w.signaling(now, i); ok {
			return w.Address(i), payload, false, true
		}
		w.ready = w.next[i]
		c, at := &w.clients[i], calendarStart(w.cursor)
		payload, ok := w.delayReq(now, at, i)
		if at.Before(c.delayAt) {
			w.enter(i, earlier(c.delayAt, at.Add(longestAlone)))
		} else {
			w.enter(i, at.Add(unicast.Spread(w.visit(), w.random)))
		}
		if ok {
			return w.Address(i), payload, true, true
		}
	}
}

// longestAlone is until when a client with a slow grant is looked at, so that it can
// answer, renew and leave in time.
const longestAlone = time.Second / 4

// visit is how long a client that sends no Delay_Req is left alone in the calendar.
func (w *Crowd) visit() time.Duration {
	return unicast.Interval(w.habit.LogIntervals[unicast.DelayResp])
}

// delayReq is the Delay_Req that is due from client i in the slot that begins at a moment.
func (w *Crowd) delayReq(now, slot timescale.Mono, i int) ([]byte, bool) {
	c := &w.clients[i]
	if !c.seat.Of(unicast.DelayResp).Granted || !c.seen || slot.Add(time.Second>>calendarBits).Before(c.delayAt) {
		return nil, false
	}
	if c.delayAt.Before(slot) {
		c.delayAt = slot
	}
	c.delayAt = c.delayAt.Add(unicast.Spread(c.seat.DelayEvery(&w.habit), w.random))
	x := &c.t3[c.id%openDelayReqs]
	if !x.IsZero() {
		w.counts.Unanswered++
		c.unanswered++
	}
	*x = now
	wire.PutSequenceID(c.delayReq[:], c.id)
	c.id++
	w.counts.DelayReq++
	c.delayReqs++
	return c.delayReq[:], true
}

// signaling is the next Signaling that is due from client i, in the next buffer.
func (w *Crowd) signaling(now timescale.Mono, i int) ([]byte, bool) {
	c := &w.clients[i]
	for f := range unicast.Flow(unicast.Flows) {
		c.seat.Expire(f, now)
	}
	buf := &w.signal[(w.gave+1)%signalBuffers]
	payload, _, what, ok := c.seat.Poll(&w.habit, now, buf[:0])
	if !ok {
		return nil, false
	}
	w.gave = (w.gave + 1) % signalBuffers
	if what == unicast.Request {
		w.counts.Asked++
	}
	return payload, true
}
