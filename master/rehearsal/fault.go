package rehearsal

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"bragi/gnss/timescale"
	"bragi/master/unicast"
	"bragi/master/wire"
)

// Fault is what a client does wrong, to see what a master makes of it.
type Fault uint8

// The faults.
const (
	RenewLate         Fault = iota // it asks again some seconds after its grants have ended
	WrongDomain                    // it also asks in another domain
	NoDelayReq                     // it never sends a Delay_Req
	Flood                          // it sends far more Delay_Req than it was granted
	Vanish                         // it goes without CANCEL
	DuplicateIdentity              // a second client has its portIdentity, at another address
	MoveAddress                    // it goes on at another address, without a word from the old one
)

var faultNames = [...]string{"renew-late", "wrong-domain", "no-delay-req", "flood", "vanish", "duplicate-identity", "move-address"}

// String is the name as `--fault` takes it.
func (f Fault) String() string {
	if int(f) < len(faultNames) {
		return faultNames[f]
	}
	return "unknown"
}

// ParseFault reads a fault's name.
func ParseFault(s string) (Fault, error) {
	if i := slices.Index(faultNames[:], s); i >= 0 {
		return Fault(i), nil
	}
	return 0, fmt.Errorf("rehearsal: no fault is called %q; it is one of %s", s, strings.Join(faultNames[:], ", "))
}

// Addresses is how many addresses a client with the fault has.
func (f Fault) Addresses() int {
	if f == DuplicateIdentity || f == MoveAddress {
		return 2
	}
	return 1
}

// TrialConfig is what is tried.
type TrialConfig struct {
	Client Config // Duration 0: 30 s, so that the end of a grant is seen soon
	Fault  Fault
	// FloodRate is how many Delay_Req a second a flood has, 1 to MaxFloodRate.
	FloodRate int
	Master    netip.Addr
}

// MaxFloodRate bounds a flood, in messages a second.
const MaxFloodRate = 5000

// The times of a trial.
const (
	trialGrant   = 30 // s
	servedWithin = 20 * time.Second
	calmFor      = 4 * time.Second // of service without a fault
	renewalLate  = 3 * time.Second
	wrongFor     = 10 * time.Second
	withoutFor   = 40 * time.Second // longer than a grant: is it renewed?
	floodFor     = 10 * time.Second
	floodBehind  = 50 * time.Millisecond // a flood that is late by more does not catch up
	afterFlood   = 5 * time.Second
	duplicateFor = 15 * time.Second
	againWithin  = 6 * time.Second
	afterTheEnd  = 3 * time.Second
	// endSlack is what may still come behind the end of a grant: a duration is told in
	// whole seconds, and a master that counts in them (ptp4l) ends up to one late.
	endSlack      = 1500 * time.Millisecond
	maxTrialTimes = 1 << 17 // of each kind of message
)

// Trial is a client with a fault. First it is served without the fault, then it does
// wrong, and all that comes meanwhile is noted and judged at the end. Each address of
// the client is a Seat. It belongs to one goroutine.
//
//	calm   -> all grants, and the messages of each: 4 s
//	fault  -> until the time that the fault takes
//	over   -> Report judges what came when
type Trial struct {
	cfg     TrialConfig
	seats   []*Seat
	now     timescale.Mono
	started timescale.Mono
	served  timescale.Mono // from here on all messages came
	fault   timescale.Mono // it began
	granted timescale.Mono // until here, as the client knew when the fault began
	end     timescale.Mono
	failed  bool // it was never served
	leaving bool
}

// Seat is the client at one of its addresses. It has the methods that sockets want.
type Seat struct {
	trial  *Trial
	client *Client
	other  *Client // in the wrong domain
	open   bool    // it asks and renews
	flood  timescale.Mono

	came     [unicast.Flows][]timescale.Mono
	asked    [unicast.Flows][]timescale.Mono
	answered [unicast.Flows][]timescale.Mono // by a grant
	foreign  uint64                          // messages of the wrong domain
	refused  uint64                          // denials and CANCELs
}

// NewTrial makes a trial that begins at the first Poll.
func NewTrial(c TrialConfig) (*Trial, error) {
	if c.Fault == Flood && (c.FloodRate < 1 || c.FloodRate > MaxFloodRate) {
		return nil, fmt.Errorf("rehearsal: a flood of %d messages a second is not within 1..%d", c.FloodRate, MaxFloodRate)
	}
	if c.Client.Duration == 0 {
		c.Client.Duration = trialGrant
	}
	switch c.Fault {
	case RenewLate:
		c.Client.renewLate = renewalLate
	case NoDelayReq:
		c.Client.mute = true
	}
	t := &Trial{cfg: c}
	for i := range c.Fault.Addresses() {
		client, err := New(c.Client)
		if err != nil {
			return nil, err
		}
		t.seats = append(t.seats, &Seat{trial: t, client: client, open: i == 0})
	}
	if c.Fault == WrongDomain {
		wrong := c.Client
		wrong.Domain ^= 1
		other, err := New(wrong)
		if err != nil {
			return nil, err
		}
		t.seats[0].other = other
	}
	return t, nil
}

// Seats are the client at each of its addresses.
func (t *Trial) Seats() []*Seat { return t.seats }

// Over: there is nothing more to see.
func (t *Trial) Over() bool { return t.failed || !t.end.IsZero() && !t.now.Before(t.end) }

// Leave cancels what is still granted.
func (t *Trial) Leave() {
	t.leaving = true
	for _, s := range t.seats {
		s.client.Leave()
		if s.other != nil {
			s.other.Leave()
		}
	}
}

// Doing is what the trial does now, in words, and how long it still takes at most.
func (t *Trial) Doing() (words string, left time.Duration) {
	switch {
	case t.fault.IsZero():
		return "in order, until it is served", max(0, servedWithin-t.now.Sub(t.started))
	default:
		return "now with the fault " + t.cfg.Fault.String(), max(0, t.end.Sub(t.now))
	}
}

// advance lets the fault begin when its time has come.
func (t *Trial) advance(now timescale.Mono) {
	t.now = now
	first := t.seats[0]
	switch {
	case t.started.IsZero():
		t.started = now
	case t.leaving || !t.fault.IsZero():
	case t.served.IsZero():
		all := true
		for f := range first.came {
			came := len(first.came[f]) > 0 || unicast.Flow(f) == unicast.DelayResp && t.cfg.Fault == NoDelayReq
			all = all && first.client.seat.Of(unicast.Flow(f)).Granted && came
		}
		if all {
			t.served = now
		} else if now.Sub(t.started) > servedWithin {
			t.failed = true
		}
	case now.Sub(t.served) >= calmFor:
		t.begin(now)
	}
}

func (t *Trial) begin(now timescale.Mono) {
	first := t.seats[0]
	t.fault, t.granted = now, first.client.seat.Of(unicast.Sync).Expires
	switch t.cfg.Fault {
	case RenewLate:
		t.end = t.granted.Add(renewalLate + againWithin)
	case WrongDomain:
		t.end = now.Add(wrongFor)
	case NoDelayReq:
		t.end = now.Add(withoutFor)
	case Flood:
		first.flood, t.end = now, now.Add(floodFor+afterFlood)
	case Vanish:
		first.open, t.end = false, t.granted.Add(afterTheEnd)
	case DuplicateIdentity:
		t.seats[1].open, t.end = true, now.Add(duplicateFor)
	case MoveAddress:
		first.open, t.seats[1].open, t.end = false, true, t.granted.Add(afterTheEnd)
	}
}

// Poll returns the next message to send at now, until ok is false. See Client.Poll.
func (s *Seat) Poll(now timescale.Mono) (to netip.Addr, payload []byte, event, ok bool) {
	t := s.trial
	t.advance(now)
	to = t.cfg.Master
	if !s.open && !t.leaving {
		return to, nil, false, false
	}
	if payload, event, ok = s.client.Poll(now); ok {
		s.noteRequest(now, payload)
		return to, payload, event, true
	}
	if s.other != nil && !t.fault.IsZero() {
		if payload, event, ok = s.other.Poll(now); ok {
			return to, payload, event, true
		}
	}
	if s.flooding(now) && !now.Before(s.flood) {
		spacing := time.Second / time.Duration(t.cfg.FloodRate)
		if s.flood = s.flood.Add(spacing); now.Sub(s.flood) > floodBehind {
			s.flood = now.Add(spacing)
		}
		next := s.client.nextDelay
		payload = s.client.delayReq(now)
		s.client.nextDelay = next
		return to, payload, true, true
	}
	return to, nil, false, false
}

func (s *Seat) flooding(now timescale.Mono) bool {
	t := s.trial
	return t.cfg.Fault == Flood && !t.fault.IsZero() && !t.leaving && now.Before(t.fault.Add(floodFor))
}

// Next is when Poll has something to do.
func (s *Seat) Next() timescale.Mono {
	t := s.trial
	if t.started.IsZero() {
		return timescale.Mono{}
	}
	next := t.now.Add(time.Second / 10) // the trial looks at the time by itself
	if !s.open && !t.leaving {
		return next
	}
	next = earlier(next, s.client.Next())
	if s.other != nil && !t.fault.IsZero() {
		next = earlier(next, s.other.Next())
	}
	if s.flooding(t.now) {
		next = earlier(next, s.flood)
	}
	return next
}

// Sent tells when the Delay_Req with this sequenceId left. See Client.Sent.
func (s *Seat) Sent(seq uint16, t3 timescale.Mono) { s.client.Sent(seq, t3) }

// NotSent tells that the system refused to send a message. See Chooser.NotSent.
func (s *Seat) NotSent(_ netip.Addr, why error) { s.client.noteNotSent(why) }

// Undelivered tells that a message did not arrive. See Chooser.Undelivered.
func (s *Seat) Undelivered(_ netip.Addr, closed bool) { s.client.noteUndelivered(closed) }

// Receive takes a datagram. See Client.Receive.
func (s *Seat) Receive(now timescale.Mono, event bool, src netip.Addr, payload []byte, stamp timescale.Mono) {
	h, err := wire.ParseHeader(payload)
	if err == nil && s.other != nil && h.Domain == s.other.cfg.Domain {
		s.foreign++
		s.other.Receive(now, event, src, payload, stamp)
		return
	}
	before := s.client.said
	s.client.Receive(now, event, src, payload, stamp)
	if err != nil {
		return
	}
	if f, ok := unicast.FlowOf(h.MessageType); ok {
		note(&s.came[f], now)
	}
	for f, was := range before {
		if s.client.said[f].grants > was.grants {
			note(&s.answered[f], now)
		}
	}
	s.refused = s.client.counts.Cancels
	for _, said := range s.client.said {
		s.refused += said.denials
	}
}

func (s *Seat) noteRequest(now timescale.Mono, payload []byte) {
	signaling, err := wire.ParseSignaling(payload)
	if err != nil {
		return
	}
	typ, v, _ := signaling.TLVs.Next()
	if typ != wire.TLVRequestUnicast {
		return
	}
	if r, err := wire.ParseUnicastRequest(v); err == nil {
		if f, ok := unicast.FlowOf(r.MessageType); ok {
			note(&s.asked[f], now)
		}
	}
}

func note(list *[]timescale.Mono, at timescale.Mono) {
	if len(*list) < maxTrialTimes {
		*list = append(*list, at)
	}
}
