package rehearsal

import (
	"fmt"
	"strings"
	"time"

	"bragi/master/unicast"
	"bragi/master/wire"
)

// Kind is whose place the client takes.
type Kind uint8

// The kinds.
const (
	Generic Kind = iota
	CBR8
	RPD
)

var kindNames = [...]string{"generic", "cbr8", "rpd"}

// String is the name as `--as` takes it.
func (k Kind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return "unknown"
}

// ParseKind reads a kind's name, upper or lower case.
func ParseKind(s string) (Kind, error) {
	for i, n := range kindNames {
		if strings.EqualFold(s, n) {
			return Kind(i), nil
		}
	}
	return 0, fmt.Errorf("rehearsal: no client is called %q; it is one of %s", s, strings.Join(kindNames[:], ", "))
}

// Config is what a client asks for.
type Config struct {
	Kind     Kind
	Identity wire.PortIdentity
	Domain   uint8
	// LogIntervals by flow (Announce, Sync, Delay_Req), log2 of s; nil: those of
	// the kind, -3, -5 and -5 (-4 for an RPD).
	LogIntervals *[unicast.Flows]int8
	Duration     uint32 // of each grant in s; 0: 300
	// AnnounceTimeout in intervals; 0: 10, an RPD's 11.
	AnnounceTimeout int
	// PhaseLimit: PHASE_ALIGNED is within it. 0: 20 us, fit for software stamps.
	PhaseLimit time.Duration
	Seed       uint64 // of the spacing of Delay_Req

	renewLate time.Duration // a fault: grants are asked for again so long after their end; 0: before it
	mute      bool          // a fault: no Delay_Req
}

func (c Config) withDefaults() (Config, error) {
	if c.LogIntervals == nil {
		logs := [unicast.Flows]int8{-3, -5, -5}
		if c.Kind == RPD {
			logs[unicast.DelayResp] = -4
		}
		c.LogIntervals = &logs
	}
	for f, log := range c.LogIntervals {
		if log < -10 || log > 10 {
			return c, fmt.Errorf("rehearsal: %v interval 2^%d s is not within 2^-10..2^10", unicast.Flow(f).MessageType(), log)
		}
	}
	if c.Duration == 0 {
		c.Duration = 300
	}
	if c.AnnounceTimeout == 0 {
		c.AnnounceTimeout = 10
		if c.Kind == RPD {
			c.AnnounceTimeout = 11
		}
	}
	if c.PhaseLimit == 0 {
		c.PhaseLimit = 20 * time.Microsecond
	}
	if c.Identity.Clock == (wire.ClockIdentity{}) || c.Identity.Port == 0 {
		return c, fmt.Errorf("rehearsal: the client needs a clock identity and a port number from 1 on")
	}
	return c, nil
}
