// Package twin is a quiet client of another grandmaster, the twin, so that both know
// what clients would see if they changed from one to the other:
//
//	Tick    REQUESTs for Announce, Sync and Delay_Resp, one a second each; Delay_Req
//	Take    the GRANTs; what Announce says; t1 and t2 of each Sync, t4 of each Delay_Resp
//	Report  the difference of the two served clocks, from medians of the last pairs of Sync and Delay_Resp
//	Judge   what that means for who would fail over: a pure function
//
// It steers nothing: two grandmasters that followed each other would follow nobody. It
// shares the master's ports (udp.Guest) and has the master's clockIdentity with port
// number 2, by which its Signaling is told from the master's: the twin's own REQUESTs
// name all ports, or port 1. It is sans-I/O, and after New it allocates nothing for a
// datagram.
package twin
