package wire

import "encoding/binary"

// TLVType is the tlvType field (table 52).
type TLVType uint16

// The TLVs that bragi reads, writes or meets.
const (
	TLVManagement            TLVType = 0x0001
	TLVManagementErrorStatus TLVType = 0x0002
	TLVOrganizationExtension TLVType = 0x0003
	TLVRequestUnicast        TLVType = 0x0004
	TLVGrantUnicast          TLVType = 0x0005
	TLVCancelUnicast         TLVType = 0x0006
	TLVAckCancelUnicast      TLVType = 0x0007
	TLVPathTrace             TLVType = 0x0008
	TLVPad                   TLVType = 0x8008
)

// TLVHeaderLen is how long the type and the length of a TLV are.
const TLVHeaderLen = 4

// TLVs is a run of TLVs whose lengths ParseTLVs has checked.
type TLVs struct{ b []byte }

// ParseTLVs checks that b is a whole number of TLVs of even length (14.1). The
// last one may be of length 0. What is in them is for the one who takes them.
func ParseTLVs(b []byte) (TLVs, error) {
	for rest := b; len(rest) > 0; {
		if len(rest) < TLVHeaderLen {
			return TLVs{}, ErrTLV
		}
		n := int(binary.BigEndian.Uint16(rest[2:]))
		if n%2 != 0 || TLVHeaderLen+n > len(rest) {
			return TLVs{}, ErrTLV
		}
		rest = rest[TLVHeaderLen+n:]
	}
	return TLVs{b}, nil
}

// Next takes the first TLV; ok is false when none is left.
func (t *TLVs) Next() (typ TLVType, value []byte, ok bool) {
	if len(t.b) < TLVHeaderLen {
		return 0, nil, false
	}
	typ = TLVType(binary.BigEndian.Uint16(t.b))
	n := int(binary.BigEndian.Uint16(t.b[2:]))
	value = t.b[TLVHeaderLen : TLVHeaderLen+n : TLVHeaderLen+n]
	t.b = t.b[TLVHeaderLen+n:]
	return typ, value, true
}

// Empty tells whether no TLV is left.
func (t TLVs) Empty() bool { return len(t.b) == 0 }

func appendTLVHeader(b []byte, t TLVType, n int) []byte {
	return binary.BigEndian.AppendUint16(binary.BigEndian.AppendUint16(b, uint16(t)), uint16(n))
}
