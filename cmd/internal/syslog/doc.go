// Package syslog sends the daemon's events to syslog servers: over UDP (RFC 5426),
// TCP (RFC 6587, octet counting) or TLS (RFC 5425), in the form of RFC 5424 or of
// RFC 3164.
//
//	event --> severity, rate limit --> the ring of each target --> its goroutine --> its server
//
// Nobody waits for a server. Lines wait in a ring of their target while it cannot be
// reached, from the start of the program on. When the ring is full, the oldest is
// lost: it is counted by target, and told to that target when it is back.
package syslog
