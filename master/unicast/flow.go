package unicast

import (
	"math/rand/v2"
	"time"

	"bragi/master/wire"
)

// Flow is a kind of message that is asked for.
type Flow uint8

// The flows, in the order in which they are asked for.
const (
	Announce Flow = iota
	Sync
	DelayResp
	Flows = 3
)

var messageTypes = [Flows]wire.MessageType{wire.TypeAnnounce, wire.TypeSync, wire.TypeDelayResp}

// MessageType is the flow's.
func (f Flow) MessageType() wire.MessageType { return messageTypes[f] }

// FlowOf is the flow of a type of message.
func FlowOf(t wire.MessageType) (f Flow, ok bool) {
	for i, typ := range messageTypes {
		if typ == t {
			return Flow(i), true
		}
	}
	return 0, false
}

// Interval is 2^log s, to the nanosecond below. What is no time of use counts as the
// nearest that is: 2^-20 s to 2^20 s.
func Interval(log int8) time.Duration {
	if log = max(-20, min(20, log)); log < 0 {
		return time.Second >> uint(-log)
	}
	return time.Second << uint(log)
}

// Spread is d on the whole; an eighth of it is random, so that many clients do not march
// in step.
func Spread(d time.Duration, random *rand.Rand) time.Duration {
	return d - d/16 + time.Duration(random.Int64N(int64(d/8)+1))
}
