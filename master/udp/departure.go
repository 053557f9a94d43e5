package udp

import (
	"net/netip"

	"bragi/master/udp/socket"
)

// departure is a way out of the machine for messages whose moment of leaving
// counts: Syncs, Pdelay_Resps and twins go through one. There are two, UDP
// (socket.Sender) and Ethernet's frames (socket.Ethernet).
type departure interface {
	// Send sends a message, at once, and asks for its stamps; by a number where that
	// can be. src is the address to leave from, if there is a choice.
	Send(src, dst netip.Addr, message []byte, wish socket.Wish, number uint32) (sent bool)
	// Left takes the next stamps that have come back, and the message as it left, with
	// the headers before it; ok is false when there are none.
	Left() (message []byte, d socket.Departed, ok bool)
}

var (
	_ departure = (*socket.Sender)(nil)
	_ departure = (*socket.Ethernet)(nil)
)
