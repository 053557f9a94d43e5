package master

import (
	"encoding/binary"
	"net/netip"
	"unicode/utf8"

	"bragi/gnss/timescale"
	"bragi/master/wire"
)

// Description is what the clock says of itself in CLOCK_DESCRIPTION and
// USER_DESCRIPTION (15.5.3.1).
type Description struct {
	Product  string // "manufacturer;model;serial number"
	Revision string // "hardware;firmware;software"
	User     string // name and place, the operator's
}

// management answers a GET of the data sets (15.5.3) by unicast, and a SET where
// that is on. What is not known, settable or supported is answered by an error,
// as pmc and others expect; a response or an acknowledge by nothing.
func (m *Master) management(now timescale.Mono, d *Datagram, out *Outbox) Reason {
	g, err := wire.ParseManagement(d.Payload)
	if err != nil {
		return reasonOf(err)
	}
	switch {
	case !m.cfg.Management:
		return ManagementOff
	case !g.Target.Addresses(m.me):
		return WrongTarget
	case g.Action != wire.ActionGet && g.Action != wire.ActionSet && g.Action != wire.ActionCommand:
		return NotForMaster
	case !m.limiter.pass(now, d.Src):
		return RateLimited
	}
	typ, v, ok := g.TLVs.Next()
	if !ok || typ != wire.TLVManagement {
		return BadTLV
	}
	id, value, err := wire.ParseManagementTLV(v)
	if err != nil {
		return BadTLV
	}
	data, known := m.dataSet(nil, id, d)
	var wrong wire.ManagementError
	switch {
	case !known && id.Standard():
		wrong = wire.ErrorNotSupported
	case !known:
		wrong = wire.ErrorNoSuchID
	case g.Action == wire.ActionSet && !m.trusted(d.Src):
		wrong = wire.ErrorNotSettable
	case g.Action == wire.ActionSet:
		if wrong = m.set(id, value); wrong == 0 {
			data, _ = m.dataSet(nil, id, d)
			m.tell(Event{At: now, Kind: EventChanged, Client: Key{d.Src, g.Source}, Type: wire.TypeManagement})
		}
	case g.Action == wire.ActionCommand:
		wrong = wire.ErrorNotSupported
	}
	tlv := wire.AppendManagementTLV(nil, id, data)
	if wrong != 0 {
		tlv = wire.AppendManagementErrorTLV(nil, wrong, id)
	}
	tlvs, err := wire.ParseTLVs(tlv)
	if err != nil {
		return BadTLV
	}
	h := m.header()
	h.SequenceID = g.SequenceID
	r := wire.Management{
		Header: h, Target: g.Source, Action: wire.ActionResponse, TLVs: tlvs,
		// What is left of the hops it came with is what it may go back (15.4.1.4).
		StartingHops: g.StartingHops - g.Hops, Hops: g.StartingHops - g.Hops,
	}
	if g.Action == wire.ActionCommand {
		r.Action = wire.ActionAcknowledge
	}
	answer := r.Append(nil)
	// A question may be forged: what it buys is bounded as all else is.
	if !m.trusted(d.Src) && len(answer) > CreditFactor*len(d.Payload) {
		r.TLVs, _ = wire.ParseTLVs(wire.AppendManagementErrorTLV(nil, wire.ErrorTooBig, id))
		answer = r.Append(nil)
	}
	wire.SetControl(answer)
	msg := Message{Src: d.Dst, Dst: d.Src, Port: d.Port, Payload: answer}
	if id == wire.IDTime && wrong == 0 && len(data) == timeLen {
		msg.EstimateAt = wire.ManagementLen + wire.TLVHeaderLen + 2
	}
	out.put(msg)
	m.stats.Sent[wire.TypeManagement]++
	return Accepted
}

// longestUserDescription is in octets (15.5.3.1.3: 128 symbols of UTF-8).
const longestUserDescription = 128

// set does what a SET asks, or says why not (table 109). Everything else that
// can be asked for is either measured, or part of what clients were granted: the
// domain of a master that serves cannot be changed under its clients.
func (m *Master) set(id wire.ManagementID, value []byte) wire.ManagementError {
	if !m.cfg.ManagementSet {
		return wire.ErrorNotSettable
	}
	switch id {
	case wire.IDPriority1, wire.IDPriority2:
		if len(value) != 2 { // the priority and a reserved octet
			return wire.ErrorWrongLength
		}
		if id == wire.IDPriority1 {
			m.cfg.Priority1 = value[0]
		} else {
			m.cfg.Priority2 = value[0]
		}
		m.build()
	case wire.IDUserDescription:
		text, err := wire.ParseText(value)
		if err != nil {
			return wire.ErrorWrongLength
		}
		if len(text) > longestUserDescription || !utf8.ValidString(text) {
			return wire.ErrorWrongValue
		}
		m.cfg.Description.User = text
	default:
		return wire.ErrorNotSettable
	}
	return 0
}

// header is what every message of ours begins with.
func (m *Master) header() wire.Header {
	return wire.Header{
		MinorVersion: m.cfg.MinorVersion, Domain: m.cfg.Domain, Flags: wire.FlagUnicast,
		Source: m.me, LogInterval: wire.LogIntervalNone,
	}
}

// What the data sets say that is the same for every grandmaster: no statistics
// of a parent (8.2.3), the intervals of a port that serves whatever is granted.
const (
	ordinaryClock      = 0x8000
	networkUDPv4       = 1
	portStateMaster    = 6
	portStatePassive   = 7
	delayMechanismE2E  = 1
	noParentVariance   = 0xFFFF
	noParentChangeRate = 0x7FFFFFFF
	announceReceiptIn  = 3
	defaultLogAnnounce = 1
	defaultLogSync     = 0
	defaultLogDelayReq = 0
	timeLen            = 10
)

// dataSet adds the data of an id to b.
func (m *Master) dataSet(b []byte, id wire.ManagementID, d *Datagram) ([]byte, bool) {
	a := &m.said
	quality := func(b []byte) []byte {
		b = append(b, a.ClockClass, a.ClockAccuracy)
		return binary.BigEndian.AppendUint16(b, a.OffsetScaledLogVariance)
	}
	switch id {
	case wire.IDNull:
	case wire.IDClockDescription:
		b = m.describe(b, d)
	case wire.IDUserDescription:
		b = wire.AppendText(b, m.cfg.Description.User)
	case wire.IDDefaultDataSet:
		b = append(b, flag(m.followed(d.Src), 0), 0, 0, 1, m.cfg.Priority1) // may be master; one port
		b = append(quality(b), m.cfg.Priority2)
		b = append(append(b, m.me.Clock[:]...), m.cfg.Domain, 0)
	case wire.IDCurrentDataSet:
		b = append(b, make([]byte, 18)...) // stepsRemoved, offsetFromMaster, meanDelay: none
	case wire.IDParentDataSet:
		// A grandmaster's parent is itself, with port number 0 (8.2.3.2).
		b = wire.PortIdentity{Clock: m.me.Clock}.Append(b)
		b = binary.BigEndian.AppendUint16(append(b, 0, 0), noParentVariance)
		b = binary.BigEndian.AppendUint32(b, noParentChangeRate)
		b = append(quality(append(b, m.cfg.Priority1)), m.cfg.Priority2)
		b = append(b, m.me.Clock[:]...)
	case wire.IDTimePropertiesDataSet:
		b = binary.BigEndian.AppendUint16(b, uint16(a.CurrentUTCOffset))
		b = append(b, uint8(m.timeFlags()), a.TimeSource)
	case wire.IDPortDataSet:
		state := uint8(portStateMaster)
		if !a.Serve || m.draining {
			state = portStatePassive
		}
		b = append(m.me.Append(b), state, uint8(defaultLogDelayReq))
		b = append(b, make([]byte, 8)...) // peerMeanPathDelay
		b = append(b, defaultLogAnnounce, announceReceiptIn, defaultLogSync, delayMechanismE2E, 0, m.cfg.MinorVersion<<4|2)
	case wire.IDPriority1:
		b = append(b, m.cfg.Priority1, 0)
	case wire.IDPriority2:
		b = append(b, m.cfg.Priority2, 0)
	case wire.IDDomain:
		b = append(b, m.cfg.Domain, 0)
	case wire.IDVersionNumber:
		b = append(b, m.cfg.MinorVersion<<4|2, 0)
	case wire.IDClockAccuracy:
		b = append(b, a.ClockAccuracy, 0)
	case wire.IDSlaveOnly:
		b = append(b, 0, 0)
	case wire.IDMasterOnly, wire.IDUnicastNegotiation:
		b = append(b, 1, 0)
	case wire.IDLogAnnounceInterval:
		b = append(b, defaultLogAnnounce, 0)
	case wire.IDAnnounceReceiptLimit:
		b = append(b, announceReceiptIn, 0)
	case wire.IDLogSyncInterval:
		b = append(b, defaultLogSync, 0)
	case wire.IDDelayMechanism:
		b = append(b, delayMechanismE2E, 0)
	case wire.IDTime:
		if !a.Serve {
			return nil, false // there is no time that may be told
		}
		b = append(b, make([]byte, timeLen)...) // the transport fills it in
	case wire.IDUTCProperties:
		b = binary.BigEndian.AppendUint16(b, uint16(a.CurrentUTCOffset))
		b = append(b, uint8(m.timeFlags()&(wire.FlagLeap61|wire.FlagLeap59|wire.FlagUTCOffsetValid)), 0)
	case wire.IDTraceability:
		b = append(b, uint8(m.timeFlags()&(wire.FlagTimeTraceable|wire.FlagFrequencyTraceable)), 0)
	case wire.IDTimescale:
		b = append(b, uint8(m.timeFlags()&wire.FlagPTPTimescale), a.TimeSource)
	case wire.IDGrandmasterSettingsNP:
		b = binary.BigEndian.AppendUint16(quality(b), uint16(a.CurrentUTCOffset))
		b = append(b, uint8(m.timeFlags()), a.TimeSource)
	default:
		return nil, false
	}
	return b, true
}

func (m *Master) describe(b []byte, d *Datagram) []byte {
	id, asked := m.me.Clock, [4]byte{}
	if d.Dst.Is4() {
		asked = d.Dst.As4()
	}
	b = binary.BigEndian.AppendUint16(b, ordinaryClock)
	b = wire.AppendText(b, "IEEE 802.3")
	b = append(b, 0, 6, id[0], id[1], id[2], id[5], id[6], id[7])
	b = append(b, 0, networkUDPv4, 0, 4)
	b = append(b, asked[:]...)
	b = append(b, id[0], id[1], id[2], 0) // manufacturerIdentity: the OUI of the MAC address
	b = wire.AppendText(b, m.cfg.Description.Product)
	b = wire.AppendText(b, m.cfg.Description.Revision)
	b = wire.AppendText(b, m.cfg.Description.User)
	return append(b, m.cfg.Profile[:]...)
}

// followed tells whether the Syncs to an address are two-step ones.
func (m *Master) followed(a netip.Addr) bool { return m.twoStep || m.twoStepFor(a) }

// flag is a bit of an octet of flags.
func flag(on bool, bit uint) uint8 {
	if on {
		return 1 << bit
	}
	return 0
}
