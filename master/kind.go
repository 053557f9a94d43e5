package master

import "bragi/master/wire"

// What a client is, guessed from what it sends. The rates alone do not tell,
// for every program can be set to the cable network's; how it puts its REQUESTs
// into messages is its own, and so, mostly, is its DSCP:
//
//	RPD    one REQUEST a message; Announce -3, Sync -5, Delay_Resp -4 for 300 s; DSCP 47; 1588-2008
//	cBR8   the same with Delay_Resp -5
//	ptp4l  Announce alone, then Sync and Delay_Resp together, later all three in one message
//
// Whoever is none of these, or not yet, is "other".

// asks is a set of the ways in which a client has asked.
type asks uint8

const (
	asksAnnounce asks = 1 << iota // a message of one REQUEST, for Announce
	asksOne                       // a message of one REQUEST, for another type
	asksPair                      // Sync and Delay_Resp
	asksAll                       // Announce, Sync and Delay_Resp
	asksOther
)

// asked sorts a message by the types of its REQUESTs.
func asked(types []wire.MessageType) asks {
	const a, s, d = wire.TypeAnnounce, wire.TypeSync, wire.TypeDelayResp
	switch {
	case len(types) == 0:
		return 0
	case len(types) == 1 && types[0] == a:
		return asksAnnounce
	case len(types) == 1:
		return asksOne
	case len(types) == 2 && types[0] == s && types[1] == d:
		return asksPair
	case len(types) == 3 && types[0] == a && types[1] == s && types[2] == d:
		return asksAll
	}
	return asksOther
}

// cableDSCP is what an RPD's configuration screen shows.
const cableDSCP = 47

func (c *client) kind() string {
	a, s, d := c.grants[FlowAnnounce], c.grants[FlowSync], c.grants[FlowDelayResp]
	if c.asks&asksPair != 0 && c.asks&(asksOne|asksOther) == 0 {
		return "ptp4l"
	}
	if c.asks != asksAnnounce|asksOne || c.minor != 0 || c.dscp != cableDSCP || !a.live || !s.live || !d.live ||
		a.log != -3 || s.log != -5 || s.seconds != 300 {
		return "other"
	}
	switch d.log {
	case -5:
		return "cBR8"
	case -4:
		return "RPD"
	}
	return "other"
}
