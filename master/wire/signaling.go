package wire

import "encoding/binary"

// Signaling is a Signaling message (13.12).
type Signaling struct {
	Header
	Target PortIdentity
	TLVs   TLVs
}

// ParseSignaling reads a Signaling message and checks the lengths of all its
// TLVs: a message with one bad TLV is refused whole, before anything in it has
// an effect.
func ParseSignaling(b []byte) (Signaling, error) {
	h, body, err := parse(b, TypeSignaling)
	if err != nil {
		return Signaling{Header: h}, err
	}
	tlvs, err := ParseTLVs(body[10:])
	return Signaling{h, parsePortIdentity(body), tlvs}, err
}

// Append adds the message with its TLVs to b.
func (m *Signaling) Append(b []byte) []byte {
	b = m.append(b, TypeSignaling, SignalingLen+len(m.TLVs.b))
	return append(m.Target.append(b), m.TLVs.b...)
}

// UnicastRequest is REQUEST_UNICAST_TRANSMISSION (16.1.4.1).
type UnicastRequest struct {
	MessageType MessageType
	LogInterval int8   // logInterMessagePeriod: log2 of s
	Duration    uint32 // durationField: s
}

// UnicastGrant is GRANT_UNICAST_TRANSMISSION (16.1.4.2). Duration 0 denies.
type UnicastGrant struct {
	MessageType    MessageType
	LogInterval    int8
	Duration       uint32 // s
	RenewalInvited bool   // the R bit
}

// UnicastCancel is CANCEL_UNICAST_TRANSMISSION (16.1.4.3).
type UnicastCancel struct{ MessageType MessageType }

// UnicastCancelAck is ACKNOWLEDGE_CANCEL_UNICAST_TRANSMISSION (16.1.4.4).
type UnicastCancelAck struct{ MessageType MessageType }

// The flags of a CANCEL, and of its ACKNOWLEDGE (1588-2019, 16.1.4.3): what of the
// sender's goes on. They were reserved in 2008.
const (
	MaintainRequest = 1 << 0 // what it asked for, and the other one has granted
	MaintainGrant   = 1 << 1 // what it has granted
	cancelFlags     = MaintainRequest | MaintainGrant
)

// CancelFlags are those in the value of a CANCEL that was parsed.
func CancelFlags(v []byte) uint8 { return v[0] & cancelFlags }

const (
	requestLen = 6
	grantLen   = 8
	cancelLen  = 2
)

// ParseUnicastRequest reads the value of a REQUEST. Octets beyond those of the
// standard are ignored.
func ParseUnicastRequest(v []byte) (UnicastRequest, error) {
	if len(v) < requestLen {
		return UnicastRequest{}, ErrTLV
	}
	return UnicastRequest{MessageType(v[0] >> 4), int8(v[1]), binary.BigEndian.Uint32(v[2:])}, nil
}

// ParseUnicastGrant reads the value of a GRANT.
func ParseUnicastGrant(v []byte) (UnicastGrant, error) {
	if len(v) < grantLen {
		return UnicastGrant{}, ErrTLV
	}
	return UnicastGrant{MessageType(v[0] >> 4), int8(v[1]), binary.BigEndian.Uint32(v[2:]), v[7]&1 != 0}, nil
}

// ParseUnicastCancel reads the value of a CANCEL.
func ParseUnicastCancel(v []byte) (UnicastCancel, error) {
	if len(v) < cancelLen {
		return UnicastCancel{}, ErrTLV
	}
	return UnicastCancel{MessageType(v[0] >> 4)}, nil
}

// ParseUnicastCancelAck reads the value of an ACKNOWLEDGE_CANCEL.
func ParseUnicastCancelAck(v []byte) (UnicastCancelAck, error) {
	c, err := ParseUnicastCancel(v)
	return UnicastCancelAck(c), err
}

// Append adds a REQUEST to b, with its type and length.
func (r UnicastRequest) Append(b []byte) []byte {
	b = append(appendTLVHeader(b, TLVRequestUnicast, requestLen), uint8(r.MessageType)<<4, uint8(r.LogInterval))
	return binary.BigEndian.AppendUint32(b, r.Duration)
}

// Append adds a GRANT to b, with its type and length.
func (g UnicastGrant) Append(b []byte) []byte {
	b = append(appendTLVHeader(b, TLVGrantUnicast, grantLen), uint8(g.MessageType)<<4, uint8(g.LogInterval))
	b = binary.BigEndian.AppendUint32(b, g.Duration)
	var r uint8
	if g.RenewalInvited {
		r = 1
	}
	return append(b, 0, r)
}

// Append adds a CANCEL to b, with its type and length.
func (c UnicastCancel) Append(b []byte) []byte {
	return append(appendTLVHeader(b, TLVCancelUnicast, cancelLen), uint8(c.MessageType)<<4, 0)
}

// Append adds an ACKNOWLEDGE_CANCEL to b, with its type and length.
func (a UnicastCancelAck) Append(b []byte) []byte {
	return append(appendTLVHeader(b, TLVAckCancelUnicast, cancelLen), uint8(a.MessageType)<<4, 0)
}
