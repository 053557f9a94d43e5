package rehearsal

import (
	"time"

	"bragi/gnss/timescale"
	"bragi/master/wire"
)

// Leave ends the rehearsal: from now on Poll gives a CANCEL for each flow that
// was granted, then nothing more, so that the master sends to nobody who has
// gone. A REQUEST without an answer may be granted too: the answer may be lost.
func (c *Client) Leave() {
	c.leaving = true
	for f, s := range c.subs {
		c.cancels[f] = s.granted || s.open
	}
}

// nextAfterLeaving is how far away Next is for a client that has left.
const nextAfterLeaving = time.Hour

// farewell is the next CANCEL.
func (c *Client) farewell() (payload []byte, ok bool) {
	for f := range c.cancels {
		if c.cancels[f] {
			c.cancels[f] = false
			return c.signal(wire.UnicastCancel{MessageType: flow(f).messageType()}.Append), true
		}
	}
	return nil, false
}

// leavingNext is Next of a client that leaves.
func (c *Client) leavingNext(now timescale.Mono) timescale.Mono {
	if c.cancels != ([numFlows]bool{}) {
		return now
	}
	return now.Add(nextAfterLeaving)
}
