// Package rehearsal is a unicast client of a grandmaster in the place of a
// Cisco cBR8, a Remote PHY device (RPD) or any other: it asks with their rates,
// renews, listens, measures and says what it sees. It is the core of `bragi
// rehearse` and of the tests of the master; it steers a clock of its own that
// exists only as numbers, never one of the machine.
//
//	Poll     -> REQUEST for Announce, Sync, Delay_Resp (each in its message), renewals, Delay_Req
//	Receive  -> GRANT: expiry and renewal; Announce: who is the grandmaster; Sync, Follow_Up: t1, t2
//	            Delay_Resp: t4 to the t3 that Sent told
//	window   -> each second: the median t2 - t1 and the median t4 - t3 of it:
//	              offset = ((t2 - t1) - (t4 - t3)) / 2     positive: the client is ahead of the master
//	              delay  = ((t2 - t1) + (t4 - t3)) / 2     reported: the median of the last 16 windows
//	servo    -> step at first, then frequency: PI with a proportional part of 0.3/s and an integral of 0.03/s^2
//	state    -> FREERUN, ACQUIRING, FREQ_LOCKED, PHASE_ALIGNED, HOLDOVER
//
// The median and not the fastest packet: a master without hardware stamps says
// in a Sync when it is expected to leave. That is right on the whole and wrong by
// some microseconds in each, and a filter that waits for the earliest would take
// the spread of the expectation for an offset.
//
// t2 and t3 are stamps of CLOCK_MONOTONIC_RAW, which the client's clock is a
// line over. The package is sans-I/O and knows neither sockets nor the master's
// code: it meets the master on the wire alone.
package rehearsal
