// Package master is the unicast master of an ordinary clock (IEEE 1588-2019,
// 16.1): it grants, keeps a schedule and answers. In the order of a client's
// life:
//
//	Signaling  -> Receive: header checks -> admission -> each REQUEST TLV is judged
//	              before anything is kept -> a GRANT each, in a message of its own
//	wheel      -> Tick: the phase that is due -> Sync and Announce into the Outbox
//	Delay_Req  -> Receive: live grant? stamp? not too fast? -> Delay_Resp into the Outbox
//	Pdelay_Req -> Receive: stamp? not too fast? -> Pdelay_Resp, where Pdelay is on
//	renewal    -> the same grant, later expiry, same phase
//	CANCEL     -> the flow stops, ACKNOWLEDGE_CANCEL
//	expiry     -> the flow stops without a word
//	GET, SET   -> Receive: a Management message about a data set -> RESPONSE, where management is on
//
// The package is sans-I/O: datagrams and `now` (CLOCK_MONOTONIC_RAW) in,
// messages out, in an Outbox that the caller owns. It knows no socket and no
// clock: the time in a Sync is written by the transport, right before the send
// (Message.FillOrigin). What Announce says is given by SetAnnouncement; the
// master copies it and judges nothing of it.
//
// Tables are of fixed size, made once: clients, the senders that are not
// clients (Suspect), the credit of addresses that are not trusted. A client is
// (address, portIdentity). After New, the hot path (Tick; Delay_Req to
// Delay_Resp) allocates nothing. A Master belongs to one goroutine.
package master
