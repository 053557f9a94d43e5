package wire

import (
	"encoding/binary"
	"errors"
)

// What a parser refuses. They are returned as they are, without context, since
// a hostile datagram must not cost an allocation.
var (
	ErrShort     = errors.New("wire: datagram shorter than a PTP header")
	ErrVersion   = errors.New("wire: versionPTP is not 2")
	ErrType      = errors.New("wire: messageType is reserved or not the one expected")
	ErrLength    = errors.New("wire: messageLength is shorter than its type's or longer than the datagram")
	ErrTimestamp = errors.New("wire: a timestamp has a second's worth of nanoseconds or more")
	ErrTLV       = errors.New("wire: a TLV has an odd length or runs past the message")
)

// MessageType is the messageType field (table 36).
type MessageType uint8

// The message types. The first four are event messages: they go to port 319
// and are time-stamped.
const (
	TypeSync               MessageType = 0x0
	TypeDelayReq           MessageType = 0x1
	TypePdelayReq          MessageType = 0x2
	TypePdelayResp         MessageType = 0x3
	TypeFollowUp           MessageType = 0x8
	TypeDelayResp          MessageType = 0x9
	TypePdelayRespFollowUp MessageType = 0xA
	TypeAnnounce           MessageType = 0xB
	TypeSignaling          MessageType = 0xC
	TypeManagement         MessageType = 0xD
)

// The shortest messageLength of each type: header and body, no TLV (13.5 to 13.12, 15.4.1).
const (
	HeaderLen     = 34
	SyncLen       = 44 // also Delay_Req and Follow_Up
	DelayRespLen  = 54
	PdelayLen     = 54 // all three
	AnnounceLen   = 64
	SignalingLen  = 44
	ManagementLen = 48
)

// Offsets of the fields that a prebuilt packet has patched before each send.
const (
	CorrectionOffset   = 8
	TypeSpecificOffset = 16 // messageTypeSpecific: 4 octets, a clock's own until it has left
	SourceOffset       = 20 // sourcePortIdentity: 8 octets of clockIdentity, 2 of the port's number
	SequenceOffset     = 30
	OriginOffset       = 34 // originTimestamp, receiveTimestamp: 10 octets
)

// minLength is the shortest messageLength by type, 0 for a reserved type.
var minLength = [16]uint16{
	TypeSync: SyncLen, TypeDelayReq: SyncLen, TypePdelayReq: PdelayLen, TypePdelayResp: PdelayLen,
	TypeFollowUp: SyncLen, TypeDelayResp: DelayRespLen, TypePdelayRespFollowUp: PdelayLen,
	TypeAnnounce: AnnounceLen, TypeSignaling: SignalingLen, TypeManagement: ManagementLen,
}

var typeNames = [16]string{
	TypeSync: "Sync", TypeDelayReq: "Delay_Req", TypePdelayReq: "Pdelay_Req", TypePdelayResp: "Pdelay_Resp",
	TypeFollowUp: "Follow_Up", TypeDelayResp: "Delay_Resp", TypePdelayRespFollowUp: "Pdelay_Resp_Follow_Up",
	TypeAnnounce: "Announce", TypeSignaling: "Signaling", TypeManagement: "Management",
}

// String is the standard's name of the type.
func (t MessageType) String() string {
	if int(t) < len(typeNames) && typeNames[t] != "" {
		return typeNames[t]
	}
	return "reserved"
}

// Event tells whether the type is an event message (port 319, time-stamped).
func (t MessageType) Event() bool { return t <= TypePdelayResp }

// Flags is the flagField (table 37), its first octet in the high byte.
type Flags uint16

// The bits of the flagField.
const (
	FlagAlternateMaster    Flags  = 0x0100
	FlagTwoStep            Flags  = 0x0200
	FlagUnicast            Flags  = 0x0400
	FlagProfile1           Flags  = 0x2000
	FlagProfile2           Flags  = 0x4000
	FlagLeap61             Flags  = 0x0001
	FlagLeap59             Flags  = 0x0002
	FlagUTCOffsetValid     Flags  = 0x0004
	FlagPTPTimescale       Flags  = 0x0008
	FlagTimeTraceable      Flags  = 0x0010
	FlagFrequencyTraceable Flags  = 0x0020
	FlagSyncUncertain      Flags  = 0x0040
	announceFlags          Flags  = 0x007F
	LogIntervalNone        int8   = 0x7F // logMessageInterval where there is none to state (table 42)
	versionPTP                    = 2
	allOnes                uint16 = 0xFFFF
)

// Header is the common header of every message (13.3).
type Header struct {
	MessageType  MessageType
	MajorSdoID   uint8 // 4 bits; transportSpecific in 1588-2008
	MinorVersion uint8 // 4 bits; versionPTP itself is always 2
	Length       uint16
	Domain       uint8
	MinorSdoID   uint8 // reserved in 1588-2008
	Flags        Flags
	Correction   int64 // correctionField: nanoseconds times 65536
	Source       PortIdentity
	SequenceID   uint16
	LogInterval  int8 // logMessageInterval: log2 of seconds
}

// ParseHeader reads and checks the header of a datagram: version 2, a type that
// exists, a messageLength that the type needs and the datagram has. Octets
// beyond messageLength are none of the message's (13.4).
func ParseHeader(b []byte) (Header, error) {
	if len(b) < HeaderLen {
		return Header{}, ErrShort
	}
	if b[1]&0x0F != versionPTP {
		return Header{}, ErrVersion
	}
	h := Header{
		MessageType:  MessageType(b[0] & 0x0F),
		MajorSdoID:   b[0] >> 4,
		MinorVersion: b[1] >> 4,
		Length:       binary.BigEndian.Uint16(b[2:]),
		Domain:       b[4],
		MinorSdoID:   b[5],
		Flags:        Flags(binary.BigEndian.Uint16(b[6:])),
		Correction:   int64(binary.BigEndian.Uint64(b[CorrectionOffset:])),
		Source:       parsePortIdentity(b[20:]),
		SequenceID:   binary.BigEndian.Uint16(b[SequenceOffset:]),
		LogInterval:  int8(b[33]),
	}
	least := minLength[h.MessageType]
	if least == 0 {
		return h, ErrType
	}
	if h.Length < least || int(h.Length) > len(b) {
		return h, ErrLength
	}
	return h, nil
}

// append writes the header for a message of type t that is length octets long.
// controlField and messageTypeSpecific are 0 (13.3.2.13: 0 in 2019, ignored on receipt).
func (h *Header) append(b []byte, t MessageType, length int) []byte {
	b = append(b, h.MajorSdoID<<4|uint8(t)&0x0F, h.MinorVersion<<4|versionPTP)
	b = binary.BigEndian.AppendUint16(b, uint16(length))
	b = append(b, h.Domain, h.MinorSdoID)
	b = binary.BigEndian.AppendUint16(b, uint16(h.Flags))
	b = binary.BigEndian.AppendUint64(b, uint64(h.Correction))
	b = append(b, 0, 0, 0, 0)
	b = h.Source.append(b)
	b = binary.BigEndian.AppendUint16(b, h.SequenceID)
	return append(b, 0, uint8(h.LogInterval))
}

// ControlOffset is where controlField is.
const ControlOffset = 32

// SetControl writes the controlField that 1588-2008 has for the message (table 23);
// 2019 wants 0, which is there already. Some hardware of 2008 looks at it.
func SetControl(b []byte) {
	if b[1]>>4 != 0 {
		return
	}
	control := byte(5) // all others
	switch MessageType(b[0] & 0x0F) {
	case TypeSync:
		control = 0
	case TypeDelayReq:
		control = 1
	case TypeFollowUp:
		control = 2
	case TypeDelayResp:
		control = 3
	case TypeManagement:
		control = 4
	}
	b[ControlOffset] = control
}

// parse is ParseHeader for one expected type; body is what lies between the
// header and messageLength.
func parse(b []byte, t MessageType) (h Header, body []byte, err error) {
	h, err = ParseHeader(b)
	if err != nil {
		return h, nil, err
	}
	if h.MessageType != t {
		return h, nil, ErrType
	}
	return h, b[HeaderLen:h.Length], nil
}
