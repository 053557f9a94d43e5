package master

import (
	"errors"
	"fmt"
	"net/netip"

	"bragi/master/wire"
)

// Flow is a kind of message that a client can be granted.
type Flow uint8

// The flows, in the order of the tables.
const (
	FlowAnnounce Flow = iota
	FlowSync
	FlowDelayResp
	numFlows = 3
)

// Type is the message type that flows.
func (f Flow) Type() wire.MessageType {
	return [numFlows]wire.MessageType{wire.TypeAnnounce, wire.TypeSync, wire.TypeDelayResp}[f]
}

// String is the standard's name of the message.
func (f Flow) String() string { return f.Type().String() }

func flowOf(t wire.MessageType) (Flow, bool) {
	switch t {
	case wire.TypeAnnounce:
		return FlowAnnounce, true
	case wire.TypeSync:
		return FlowSync, true
	case wire.TypeDelayResp:
		return FlowDelayResp, true
	}
	return 0, false
}

// Limits are the logInterMessagePeriods (log2 of s) that a flow is granted at.
type Limits struct{ MinLog, MaxLog int8 }

// The limits of the implementation: the wheel's shortest and longest interval.
const (
	minLogInterval = -7
	maxLogInterval = 4
)

// Config is what a master is told once.
type Config struct {
	Identity     wire.ClockIdentity
	Domain       uint8 // 0..127
	MinorVersion uint8 // minorVersionPTP that is sent: 0 (1588-2008) or 1 (2019); some hardware refuses 1
	Priority1    uint8
	Priority2    uint8

	MaxClients int // 0: 1000
	// Limits by Flow; the zero value is Announce -3..4, Sync and Delay_Resp -7..4.
	Limits [numFlows]Limits
	// MinDuration and MaxDuration in s: a shorter request is denied, a longer one
	// is granted the cap. 0: 10 and 1000.
	MinDuration, MaxDuration uint32
	// MaxRate is the budget: messages per second promised to all clients
	// together. 0: none but MaxClients.
	MaxRate int

	// Allow lists who may be a client; nil: everyone. Deny goes before Allow.
	// Towards an address in Allow but not in Trusted the master sends at most
	// CreditFactor times the bytes that came from there; nil: all are trusted.
	Allow, Deny, Trusted []netip.Prefix
	// Monitor lists the clients whose word on themselves is kept (slave event
	// monitoring, 1588-2019, 16.11); others' is ignored.
	Monitor []netip.Prefix
	// Open: Delay_Req is answered without a grant.
	Open bool

	// TwoStepFor lists the clients whose Syncs are followed by a Follow_Up with the
	// moment at which they left; the others' say it themselves (see SetTwoStep).
	TwoStepFor []netip.Prefix
	// SyncCorrection is added to the correctionField of every Sync, and
	// DelayRespCorrection to that of every Delay_Resp, in 2^-16 ns: what the link's
	// asymmetry, and latencies below a nanosecond, want.
	SyncCorrection, DelayRespCorrection int64

	// Pdelay: Pdelay_Req by unicast is answered, for one whose network measures
	// each link. There is no grant for it.
	Pdelay bool

	// Management: GET of the data sets is answered, to allowed addresses.
	Management bool
	// ManagementSet: SET of PRIORITY1, PRIORITY2 and USER_DESCRIPTION too, by trusted
	// addresses, until the restart. Whoever can forge a trusted address can then choose the master.
	ManagementSet bool
	Description   Description
	// Profile is the profileIdentity (3.2, 20.3.3); zero: the default of 1588 with E2E.
	Profile [6]byte

	// Seed of the rate limit's leak and of the hash tables; any number, best a random one.
	Seed uint64
}

// withDefaults fills in what is zero and checks the rest.
func (c Config) withDefaults() (Config, error) {
	if c.MaxClients == 0 {
		c.MaxClients = 1000
	}
	if c.MinDuration == 0 {
		c.MinDuration = 10
	}
	if c.MaxDuration == 0 {
		c.MaxDuration = 1000
	}
	for f, def := range [numFlows]Limits{{-3, 4}, {-7, 4}, {-7, 4}} {
		if c.Limits[f] == (Limits{}) {
			c.Limits[f] = def
		}
		if l := c.Limits[f]; l.MinLog < minLogInterval || l.MaxLog > maxLogInterval || l.MinLog > l.MaxLog {
			return c, fmt.Errorf("master: %v interval limits %d..%d are not within %d..%d", Flow(f), l.MinLog, l.MaxLog, minLogInterval, maxLogInterval)
		}
	}
	if c.Profile == ([6]byte{}) {
		c.Profile = [6]byte{0x00, 0x1B, 0x19, 0x00, 0x01, 0x00}
	}
	switch {
	case c.MaxClients < 1 || c.MaxClients > maxClients:
		return c, fmt.Errorf("master: max_clients %d is not within 1..%d", c.MaxClients, maxClients)
	case c.MinDuration > c.MaxDuration:
		return c, fmt.Errorf("master: shortest grant %d s is longer than the longest, %d s", c.MinDuration, c.MaxDuration)
	case c.Domain > 127:
		return c, fmt.Errorf("master: domain %d is reserved; use 0..127", c.Domain)
	case c.MinorVersion > 1:
		return c, fmt.Errorf("master: minorVersionPTP %d is not 0 or 1", c.MinorVersion)
	case c.ManagementSet && !c.Management:
		return c, errors.New("master: SET is on and GET is off; switch management on for both")
	case c.MaxRate < 0:
		return c, fmt.Errorf("master: packet budget %d/s is negative", c.MaxRate)
	case c.Identity == wire.ClockIdentity{} || c.Identity == wire.AllClocks:
		return c, fmt.Errorf("master: clock identity %v is reserved; give one made of a MAC address", c.Identity)
	}
	return c, nil
}

// maxClients bounds the tables: some 20 MB.
const maxClients = 50_000

// within tells whether one of the prefixes has the address.
func within(a netip.Addr, list []netip.Prefix) bool {
	for _, p := range list {
		if p.Contains(a) {
			return true
		}
	}
	return false
}
