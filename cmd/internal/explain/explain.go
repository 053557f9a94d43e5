// Package explain says why a client is, or is not, in phase: it walks the questions
// that a field engineer asks, in his order, with what bragid knows as evidence, and
// ends in the most likely cause and the next action.
package explain

import (
	"fmt"
	"net/netip"

	"bragi/cmd/internal/status"
)

// Verdict is the answer to one question.
type Verdict string

// The verdicts. Open is a question that bragid cannot answer from here.
const (
	Good Verdict = "ok"
	Bad  Verdict = "bad"
	Open Verdict = "open"
)

// Check is one question with its answer.
type Check struct {
	Question string  `json:"question"`
	Verdict  Verdict `json:"verdict"`
	Evidence string  `json:"evidence"`
	cause    string  // of a Bad one
	action   string
	// withholds: no time at all gets to the client. That is its cause before all that
	// only makes the time bad.
	withholds bool
}

// Explanation is what `bragi explain client` prints.
type Explanation struct {
	Client string  `json:"client"`
	Name   string  `json:"name,omitempty"` // of master.expected
	Heard  bool    `json:"heard"`          // bragid knows this address
	Served bool    `json:"served"`
	Checks []Check `json:"checks"`
	Cause  string  `json:"cause"` // the most likely one
	Action string  `json:"action"`
}

// view is what the questions look at.
type view struct {
	status.Status
	address string
	clients []status.Client        // of this address
	denied  []status.Denied        // not those that are over
	gone    *status.ExpectedClient // it had a grant, and has none now; nil: it has one, or nothing is known
}

func (v *view) heard() bool { return len(v.clients)+len(v.denied) > 0 }

// Client explains the client at an address.
func Client(s status.Status, address string) Explanation {
	v := view{Status: s, address: address}
	for _, c := range s.Clients {
		if c.Address == address {
			v.clients = append(v.clients, c)
		}
	}
	for _, d := range s.Denied {
		if d.Address == address && !d.Over {
			v.denied = append(v.denied, d)
		}
	}
	e := Explanation{Client: address}
	for i := range s.Master.Expected {
		known := &s.Master.Expected[i]
		if known.Address != address {
			continue
		}
		e.Name = known.Name
		if known.GoneS != nil {
			v.gone = known
		}
	}
	e.Heard, e.Served = v.heard(), served(&v)
	withheld := false
	for _, q := range questions {
		check, asked := q.look(&v)
		if !asked {
			continue
		}
		check.Question = q.text
		e.Checks = append(e.Checks, check)
		if check.Verdict == Bad && (e.Cause == "" || check.withholds && !withheld) {
			e.Cause, e.Action, withheld = check.cause, check.action, check.withholds
		}
	}
	switch {
	case e.Cause != "":
	case v.twin() && (v.Twin.Answer == "no-answer" || v.Twin.Answer == "differs"):
		e.Cause = "This is the twin, the other grandmaster: " + v.Twin.Text + "."
		e.Action = "bragi show twin tells more; look at bragi show clock and bragi show clients there."
	case v.gone != nil:
		e.Cause = fmt.Sprintf("The client has gone: its last grant ended %s ago (%s), and it has not come again.", seconds(*v.gone.GoneS), v.gone.GoneWhy)
		e.Action = "Look whether the client runs, and whether it has another master now. Then look at the path from it to here."
	case !e.Heard:
		e.Cause = "No message of this client arrives here now."
		e.Action = fmt.Sprintf("At the client, in this order: (1) its `clock source` is %s; (2) on a cBR8 the route to it leaves by a SUP DPIC interface, not by Gig0 "+
			"or an RPHY line card; (3) DTI is off; (4) UDP ports %d and %d pass in both directions.", ours(&v), s.Master.EventPort, s.Master.GeneralPort)
	case !e.Served:
		e.Cause = "The client was heard, but it has no grant now."
		e.Action = "Look at the client's log: it asks again when its grants end. Then ask here again."
	case v.twin():
		e.Cause = "bragid sees nothing wrong: this is the twin, the other grandmaster, as a client."
		e.Action = "bragi show twin tells how far the two are apart."
	default:
		e.Cause = "bragid sees nothing wrong: the client gets what it asked for, at its rates."
		e.Action = "Look at the client's own screens. An RPD's: bragi decode rpd. Up to 35 minutes in ACQUIRING are normal after a start."
	}
	return e
}

// NoClient says why no client can have an address that bragid has not heard as one: it is
// of this machine, whose addresses with their prefixes here are, or a broadcast address of
// its networks. "": a client may have it.
func NoClient(s status.Status, address netip.Addr, here []netip.Prefix) string {
	if v := Client(s, address.String()); v.Heard {
		return ""
	}
	if address.String() == s.Master.Address {
		return "this grandmaster's own address"
	}
	for _, p := range here {
		switch {
		case p.Addr() == address:
			return "an address of this machine"
		case p.Bits() < 31 && address == broadcast(p):
			return fmt.Sprintf("the broadcast address of %v", p.Masked())
		case p.Bits() < 31 && address == p.Masked().Addr():
			return fmt.Sprintf("the address of the network %v", p.Masked())
		}
	}
	return ""
}

// broadcast is the last address of an IPv4 prefix.
func broadcast(p netip.Prefix) netip.Addr {
	if !p.Addr().Is4() {
		return netip.Addr{}
	}
	b := p.Masked().Addr().As4()
	for bit := p.Bits(); bit < 32; bit++ {
		b[bit/8] |= 0x80 >> (bit % 8)
	}
	return netip.AddrFrom4(b)
}

// twin tells whether the address is that of twin.address.
func (v *view) twin() bool { return v.Twin != nil && v.Twin.Address == v.address }

func served(v *view) bool {
	for _, c := range v.clients {
		if c.Grants.Sync != nil && c.Grants.Announce != nil {
			return true
		}
	}
	return false
}

// ours is the address that clients ask.
func ours(v *view) string {
	if v.Master.Address == "" || v.Master.Address == "0.0.0.0" {
		return "this machine's address"
	}
	return v.Master.Address
}
