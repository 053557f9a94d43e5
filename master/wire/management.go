package wire

import "encoding/binary"

// ManagementAction is the actionField (table 59).
type ManagementAction uint8

// The actions.
const (
	ActionGet         ManagementAction = 0
	ActionSet         ManagementAction = 1
	ActionResponse    ManagementAction = 2
	ActionCommand     ManagementAction = 3
	ActionAcknowledge ManagementAction = 4
)

// ManagementID is the managementId (table 59); the last is linuxptp's own.
type ManagementID uint16

// The ids that a grandmaster answers.
const (
	IDNull                  ManagementID = 0x0000
	IDClockDescription      ManagementID = 0x0001
	IDUserDescription       ManagementID = 0x0002
	IDDefaultDataSet        ManagementID = 0x2000
	IDCurrentDataSet        ManagementID = 0x2001
	IDParentDataSet         ManagementID = 0x2002
	IDTimePropertiesDataSet ManagementID = 0x2003
	IDPortDataSet           ManagementID = 0x2004
	IDPriority1             ManagementID = 0x2005
	IDPriority2             ManagementID = 0x2006
	IDDomain                ManagementID = 0x2007
	IDSlaveOnly             ManagementID = 0x2008
	IDLogAnnounceInterval   ManagementID = 0x2009
	IDAnnounceReceiptLimit  ManagementID = 0x200A // ANNOUNCE_RECEIPT_TIMEOUT
	IDLogSyncInterval       ManagementID = 0x200B
	IDVersionNumber         ManagementID = 0x200C
	IDTime                  ManagementID = 0x200F
	IDClockAccuracy         ManagementID = 0x2010
	IDUTCProperties         ManagementID = 0x2011
	IDTraceability          ManagementID = 0x2012 // TRACEABILITY_PROPERTIES
	IDTimescale             ManagementID = 0x2013 // TIMESCALE_PROPERTIES
	IDUnicastNegotiation    ManagementID = 0x2014 // UNICAST_NEGOTIATION_ENABLE
	IDMasterOnly            ManagementID = 0x3001
	IDDelayMechanism        ManagementID = 0x6000
	IDGrandmasterSettingsNP ManagementID = 0xC001
)

// Standard tells whether IEEE 1588 (2008 or 2019, table 59) has the id.
func (id ManagementID) Standard() bool {
	for _, r := range [...]struct{ first, last ManagementID }{
		{0x0000, 0x0007}, {0x2000, 0x2021}, {0x3000, 0x3003}, {0x4000, 0x4002}, {0x6000, 0x6001},
	} {
		if r.first <= id && id <= r.last {
			return true
		}
	}
	return false
}

// ManagementError is the managementErrorId (table 109).
type ManagementError uint16

// The errors.
const (
	ErrorTooBig       ManagementError = 0x0001 // RESPONSE_TOO_BIG
	ErrorNoSuchID     ManagementError = 0x0002
	ErrorWrongLength  ManagementError = 0x0003
	ErrorNotSettable  ManagementError = 0x0004
	ErrorWrongValue   ManagementError = 0x0005
	ErrorNotSupported ManagementError = 0x0006
)

// Management is a Management message (15.4.1).
type Management struct {
	Header
	Target       PortIdentity
	StartingHops uint8 // startingBoundaryHops
	Hops         uint8 // boundaryHops
	Action       ManagementAction
	TLVs         TLVs
}

// ParseManagement reads a Management message and checks the lengths of its TLVs.
func ParseManagement(b []byte) (Management, error) {
	h, body, err := parse(b, TypeManagement)
	if err != nil {
		return Management{Header: h}, err
	}
	tlvs, err := ParseTLVs(body[14:])
	return Management{h, parsePortIdentity(body), body[10], body[11], ManagementAction(body[12] & 0x0F), tlvs}, err
}

// Append adds the message with its TLVs to b.
func (m *Management) Append(b []byte) []byte {
	b = m.Target.append(m.append(b, TypeManagement, ManagementLen+len(m.TLVs.b)))
	return append(append(b, m.StartingHops, m.Hops, uint8(m.Action)&0x0F, 0), m.TLVs.b...)
}

// ParseManagementTLV takes the value of a MANAGEMENT TLV apart.
func ParseManagementTLV(v []byte) (id ManagementID, data []byte, err error) {
	if len(v) < 2 {
		return 0, nil, ErrTLV
	}
	return ManagementID(binary.BigEndian.Uint16(v)), v[2:], nil
}

// AppendManagementTLV adds a MANAGEMENT TLV to b; data that is of an odd length
// gets a pad octet.
func AppendManagementTLV(b []byte, id ManagementID, data []byte) []byte {
	pad := len(data) % 2
	b = binary.BigEndian.AppendUint16(appendTLVHeader(b, TLVManagement, 2+len(data)+pad), uint16(id))
	b = append(b, data...)
	return append(b, make([]byte, pad)...)
}

// AppendManagementErrorTLV adds a MANAGEMENT_ERROR_STATUS TLV without a text (15.5.4).
func AppendManagementErrorTLV(b []byte, e ManagementError, id ManagementID) []byte {
	b = binary.BigEndian.AppendUint16(appendTLVHeader(b, TLVManagementErrorStatus, 8), uint16(e))
	b = binary.BigEndian.AppendUint16(b, uint16(id))
	return append(b, 0, 0, 0, 0)
}

// ParseManagementErrorTLV takes the value of a MANAGEMENT_ERROR_STATUS TLV apart.
func ParseManagementErrorTLV(v []byte) (e ManagementError, id ManagementID, err error) {
	if len(v) < 8 {
		return 0, 0, ErrTLV
	}
	return ManagementError(binary.BigEndian.Uint16(v)), ManagementID(binary.BigEndian.Uint16(v[2:])), nil
}

// ParseText reads the PTPText (5.3.9) at the start of b.
func ParseText(b []byte) (string, error) {
	if len(b) == 0 || 1+int(b[0]) > len(b) {
		return "", ErrTLV
	}
	return string(b[1 : 1+int(b[0])]), nil
}

// AppendText adds a PTPText (5.3.9): its length in one octet, then its octets,
// cut where it would be longer.
func AppendText(b []byte, s string) []byte {
	s = s[:min(len(s), 255)]
	return append(append(b, uint8(len(s))), s...)
}
