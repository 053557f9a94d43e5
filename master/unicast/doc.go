// Package unicast is a client's side of unicast negotiation (IEEE 1588-2019, 16.1): one
// Negotiation for one client at one master. The rehearsal, each client of a crowd, and
// the twin's client have it.
//
//	Poll     -> CANCEL of what was given up, ACKNOWLEDGE_CANCEL, REQUESTs and renewals: one TLV a message
//	Answers  -> GRANT: interval, end and renewal; denial: asked again, ever later; CANCEL: acknowledged,
//	            asked again after a while
//	Expire   -> a grant that has ended
//	GiveUp   -> CANCEL of what is held, and of what was asked for without an answer: a GRANT may be lost
//	Every    -> the interval of a flow: the one granted; DelayEvery: never faster than granted, nor than asked for
//
// It has no stamps, no clock and no sockets. It allocates nothing.
package unicast
