// Package udp carries a master.Master over UDP/IPv4 (IEEE 1588-2019, annex C).
// One goroutine on a thread of its own does all of it, in this order, for ever:
//
//	Tick       the slot that is due: each Sync by a send of its own right after its own reading of the clock,
//	           with the latency that egress predicts; all else in one sendmmsg
//	wait       until the next slot, a datagram or a command
//	commands   what other goroutines posted (announcement, snapshot, drain): a lock-free list and an eventfd
//	Receive    recvmmsg; the kernel's receive stamps (CLOCK_REALTIME) become CLOCK_MONOTONIC_RAW by one
//	           sandwich of readings per batch, and that the served clock's time; answers in one sendmmsg
//
// Nothing waits for one peer: sends do not block, a failed one is counted and
// the next goes out; of the error queue only the transmit stamps that have come
// are taken, and IP_RECVERR is never set. Nothing is allocated per packet, and no lock is taken
// that a reader of status could hold.
//
// Answers leave from the address that was asked, and from and to the configured
// ports, whatever port a request came from. What is stamped as it leaves goes
// through a departure; the sockets themselves are package socket's, and a
// rehearsing client's half is package client.
//
// The package does not know what a clock is: Clock is fulfilled by the board.
package udp
