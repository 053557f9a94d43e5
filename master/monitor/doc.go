// Package monitor asks clients what time they have, and keeps nothing but what they
// answer. It speaks NetSync Monitor, an extension of linuxptp (wire/netsync.go):
//
//	Tick   the next client of the table that is due -> a Delay_Req with an empty TLV  t3: when it left
//	Take   Delay_Resp <- when the request came, by the client's clock: t4; and what the client says of itself
//	       Sync       <- t2: when it came here
//	       Follow_Up  <- when the Sync left, by the client's clock: t1
//	Answers are collected by the one who shows them
//
// The client answers as a master would, so that the sum is a master's: with the served
// clock's t2 and t3 the client is ahead by ((t4 - t3) - (t2 - t1)) / 2.
//
// It is gentle: one question at a time, four a second at most, each client every ten
// seconds at most, and ever more seldom while a client does not answer. It is
// sans-I/O, it belongs to the packets' goroutine (udp.Guest), and after New it
// allocates nothing.
package monitor
