package ubx

import "encoding/binary"

// The CFG messages of generations 5 to 8, and of early generation 9 ("Receiver
// Description including Protocol Specification" of u-blox 5, 6, 7, 8/M8). Each
// is read by its Parse function and made by Payload; fields that are not named
// here are kept as they came, so that reading, changing and writing back leaves
// them alone.

// MsgPoll asks for a message's rates, MsgRate sets its rate at the port that
// the frame came in by: one message for each n-th solution, 0 for none.
func MsgPoll(n Name) []byte            { return []byte{n.Class(), n.ID()} }
func MsgRate(n Name, rate byte) []byte { return []byte{n.Class(), n.ID(), rate} }

// MsgRates is the answer to MsgPoll: a rate for each port, by the port's number.
type MsgRates struct {
	Name  Name
	Rates [6]byte
}

// ParseMsgRates reads CFG-MSG of 8 bytes.
func ParseMsgRates(m Message) (r MsgRates, ok bool) {
	if m.Name() != CfgMSG || len(m.Payload) != 8 {
		return r, false
	}
	r.Name = Name(m.Payload[0])<<8 | Name(m.Payload[1])
	copy(r.Rates[:], m.Payload[2:])
	return r, true
}

// Payload is the message again.
func (r MsgRates) Payload() []byte {
	return append([]byte{r.Name.Class(), r.Name.ID()}, r.Rates[:]...)
}

// The ports' numbers.
const (
	PortI2C   = 0
	PortUART1 = 1
	PortUART2 = 2
	PortUSB   = 3
	PortSPI   = 4
)

// The protocols' bits in Port.
const (
	ProtoUBX  = 1 << 0
	ProtoNMEA = 1 << 1
)

// Port is CFG-PRT. Asked with no payload the receiver tells the port in use.
type Port struct {
	ID      byte
	Baud    uint32 // UARTs only
	In, Out uint16 // protocols, bits
	raw     [20]byte
}

// ParsePort reads CFG-PRT.
func ParsePort(m Message) (p Port, ok bool) {
	if m.Name() != CfgPRT || len(m.Payload) != len(p.raw) {
		return p, false
	}
	copy(p.raw[:], m.Payload)
	p.ID, p.Baud, p.In, p.Out = p.raw[0], u4(p.raw[:], 8), u2(p.raw[:], 12), u2(p.raw[:], 14)
	return p, true
}

// Mode8N1 is a UART's mode of 8 bits, no parity, one stop bit.
const Mode8N1 = 0x8D0

// NewPort is a UART in 8N1.
func NewPort(id byte, baud uint32, in, out uint16) Port {
	p := Port{ID: id, Baud: baud, In: in, Out: out}
	binary.LittleEndian.PutUint32(p.raw[4:], Mode8N1)
	return p
}

// Payload is the message again.
func (p Port) Payload() []byte {
	b := p.raw
	b[0] = p.ID
	binary.LittleEndian.PutUint32(b[8:], p.Baud)
	binary.LittleEndian.PutUint16(b[12:], p.In)
	binary.LittleEndian.PutUint16(b[14:], p.Out)
	return b[:]
}

// Rate is CFG-RATE.
type Rate struct {
	MeasMs  uint16
	Nav     uint16 // measurements for each solution
	TimeRef uint16 // 0 UTC, 1 GPS
}

// ParseRate reads CFG-RATE.
func ParseRate(m Message) (r Rate, ok bool) {
	if m.Name() != CfgRATE || len(m.Payload) != 6 {
		return r, false
	}
	return Rate{u2(m.Payload, 0), u2(m.Payload, 2), u2(m.Payload, 4)}, true
}

// Payload is the message.
func (r Rate) Payload() []byte {
	b := binary.LittleEndian.AppendUint16(nil, r.MeasMs)
	b = binary.LittleEndian.AppendUint16(b, r.Nav)
	return binary.LittleEndian.AppendUint16(b, r.TimeRef)
}

// ModelStationary is the dynamic model of a receiver that stands.
const ModelStationary = 2

const (
	navLength  = 36
	navDynBit  = 1 << 0
	navMaskLen = 2
)

// ParseModel reads the dynamic model of CFG-NAV5.
func ParseModel(m Message) (model byte, ok bool) {
	if m.Name() != CfgNAV5 || len(m.Payload) != navLength {
		return 0, false
	}
	return m.Payload[navMaskLen], true
}

// ModelPayload is the CFG-NAV5 that sets the dynamic model and nothing else: its
// mask says so.
func ModelPayload(model byte) []byte {
	b := make([]byte, navLength)
	binary.LittleEndian.PutUint16(b, navDynBit)
	b[navMaskLen] = model
	return b
}

// The flags of TimePulse.
const (
	PulseActive      = 1 << 0
	PulseLockGNSS    = 1 << 1
	PulseLockedOther = 1 << 2 // its own values while in step with GNSS
	PulseIsFrequency = 1 << 3
	PulseIsLength    = 1 << 4
	PulseAlign       = 1 << 5 // to the top of the second
	PulseRising      = 1 << 6
	PulseGridGPS     = 1 << 7 // the grid's four bits: 0 UTC, 1 GPS, 2 GLONASS, 3 BeiDou, 4 Galileo
	PulseGridMask    = 0xF << 7
)

// TimePulse is CFG-TP5.
type TimePulse struct {
	Index        byte
	Version      byte
	CableDelayNs int16
	Period       uint32 // us
	PeriodLocked uint32
	Length       uint32 // us
	LengthLocked uint32
	UserDelayNs  int32
	Flags        uint32
	raw          [32]byte
}

// ParseTimePulse reads CFG-TP5.
func ParseTimePulse(m Message) (t TimePulse, ok bool) {
	if m.Name() != CfgTP5 || len(m.Payload) != len(t.raw) || m.Payload[1] > 1 {
		return t, false
	}
	b := m.Payload
	t = TimePulse{Index: b[0], Version: b[1], CableDelayNs: i2(b, 4), Period: u4(b, 8), PeriodLocked: u4(b, 12), Length: u4(b, 16),
		LengthLocked: u4(b, 20), UserDelayNs: i4(b, 24), Flags: u4(b, 28)}
	copy(t.raw[:], b)
	return t, true
}

// Payload is the message again.
func (t TimePulse) Payload() []byte {
	b := t.raw
	b[0], b[1] = t.Index, t.Version
	binary.LittleEndian.PutUint16(b[4:], uint16(t.CableDelayNs))
	binary.LittleEndian.PutUint32(b[8:], t.Period)
	binary.LittleEndian.PutUint32(b[12:], t.PeriodLocked)
	binary.LittleEndian.PutUint32(b[16:], t.Length)
	binary.LittleEndian.PutUint32(b[20:], t.LengthLocked)
	binary.LittleEndian.PutUint32(b[24:], uint32(t.UserDelayNs))
	binary.LittleEndian.PutUint32(b[28:], t.Flags)
	return b[:]
}

// Interference is CFG-ITFM, the interference monitor.
type Interference struct{ Config, Config2 uint32 }

// InterferenceEnabled is the bit of Config that turns the monitor on; the
// thresholds and algorithm bits beside it have one value that u-blox prescribes.
const InterferenceEnabled = 1 << 31

// ParseInterference reads CFG-ITFM.
func ParseInterference(m Message) (i Interference, ok bool) {
	if m.Name() != CfgITFM || len(m.Payload) != 8 {
		return i, false
	}
	return Interference{u4(m.Payload, 0), u4(m.Payload, 4)}, true
}

// Payload is the message.
func (i Interference) Payload() []byte {
	return binary.LittleEndian.AppendUint32(binary.LittleEndian.AppendUint32(nil, i.Config), i.Config2)
}
