// Package wire is the codec of PTP messages (IEEE 1588-2019, clause 13; what
// 1588-2008 has, it has at the same place): octets in, structs out, and back.
//
//	datagram -> ParseHeader -> Header, then by Header.MessageType
//	            ParseSync, ParseDelayReq, ParseDelayResp, ParseAnnounce, ParseSignaling ...
//	            -> TLVs, iterated lazily; an unknown one is stepped over
//	struct   -> Append(buf) -> datagram
//
// Every multi-octet field is big-endian. Nothing here allocates: parsers look
// into the datagram that the caller owns, Append adds to the caller's buffer.
// A parser refuses what the standard forbids (see the Err variables) and
// ignores what it says to ignore: reserved bits, controlField, octets beyond
// messageLength, unknown TLVs.
//
// The package knows no socket, no clock and no rule of the protocol beyond the
// form of a message.
package wire
