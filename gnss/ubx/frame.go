package ubx

import "encoding/binary"

// The bytes around a payload.
const (
	Sync1, Sync2 = 0xB5, 0x62
	Overhead     = 8 // sync, class, id, length, checksum
)

// Message is a frame's content. Payload is the frame's own memory.
type Message struct {
	Class, ID byte
	Payload   []byte
}

// Name is class and id as one number, such as 0x0107 for NAV-PVT.
type Name uint16

// Name is the message's class and id.
func (m Message) Name() Name { return Name(m.Class)<<8 | Name(m.ID) }

// Class is the message's class.
func (n Name) Class() byte { return byte(n >> 8) }

// ID is the message's number in its class.
func (n Name) ID() byte { return byte(n) }

// Parse splits a whole frame. It is false when b is not exactly one frame with
// a right checksum.
func Parse(b []byte) (Message, bool) {
	if len(b) < Overhead || b[0] != Sync1 || b[1] != Sync2 {
		return Message{}, false
	}
	n := int(binary.LittleEndian.Uint16(b[4:]))
	if len(b) != n+Overhead {
		return Message{}, false
	}
	ckA, ckB := Checksum(b[2 : n+6])
	if b[n+6] != ckA || b[n+7] != ckB {
		return Message{}, false
	}
	return Message{Class: b[2], ID: b[3], Payload: b[6 : n+6 : n+6]}, true
}

// AppendFrame appends a whole frame. The payload is at most 65,535 bytes long.
func AppendFrame(dst []byte, class, id byte, payload []byte) []byte {
	from := len(dst) + 2
	dst = append(dst, Sync1, Sync2, class, id)
	dst = binary.LittleEndian.AppendUint16(dst, uint16(len(payload)))
	dst = append(dst, payload...)
	ckA, ckB := Checksum(dst[from:])
	return append(dst, ckA, ckB)
}

// AppendMessage appends the frame of a name and a payload.
func AppendMessage(dst []byte, name Name, payload []byte) []byte {
	return AppendFrame(dst, name.Class(), name.ID(), payload)
}

// Checksum is the 8-bit Fletcher checksum of what lies between the sync bytes
// and the checksum.
func Checksum(b []byte) (ckA, ckB byte) {
	for _, c := range b {
		ckA += c
		ckB += ckA
	}
	return ckA, ckB
}

// Little-endian fields at offset i.
func u2(b []byte, i int) uint16 { return binary.LittleEndian.Uint16(b[i:]) }
func u4(b []byte, i int) uint32 { return binary.LittleEndian.Uint32(b[i:]) }
func i1(b []byte, i int) int8   { return int8(b[i]) }
func i2(b []byte, i int) int16  { return int16(u2(b, i)) }
func i4(b []byte, i int) int32  { return int32(u4(b, i)) }

// Split is Parse of a frame whose checksum is known to be right.
func Split(b []byte) Message {
	if len(b) < Overhead {
		return Message{}
	}
	return Message{Class: b[2], ID: b[3], Payload: b[6 : len(b)-2 : len(b)-2]}
}
