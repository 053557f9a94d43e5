package wire

import "encoding/binary"

// Sync is a Sync message (13.6). In one step its OriginTimestamp is the time.
type Sync struct {
	Header
	OriginTimestamp Timestamp
}

// ParseSync reads a Sync.
func ParseSync(b []byte) (Sync, error) {
	h, t, err := parseStamped(b, TypeSync)
	return Sync{h, t}, err
}

// Append adds the message to b.
func (m *Sync) Append(b []byte) []byte {
	return m.OriginTimestamp.append(m.append(b, TypeSync, SyncLen))
}

// DelayReq is a Delay_Req message (13.6).
type DelayReq struct {
	Header
	OriginTimestamp Timestamp
}

// ParseDelayReq reads a Delay_Req.
func ParseDelayReq(b []byte) (DelayReq, error) {
	h, t, err := parseStamped(b, TypeDelayReq)
	return DelayReq{h, t}, err
}

// Append adds the message to b.
func (m *DelayReq) Append(b []byte) []byte {
	return m.OriginTimestamp.append(m.append(b, TypeDelayReq, SyncLen))
}

// FollowUp is a Follow_Up message (13.7).
type FollowUp struct {
	Header
	PreciseOriginTimestamp Timestamp
}

// ParseFollowUp reads a Follow_Up.
func ParseFollowUp(b []byte) (FollowUp, error) {
	h, t, err := parseStamped(b, TypeFollowUp)
	return FollowUp{h, t}, err
}

// Append adds the message to b.
func (m *FollowUp) Append(b []byte) []byte {
	return m.PreciseOriginTimestamp.append(m.append(b, TypeFollowUp, SyncLen))
}

// DelayResp is a Delay_Resp message (13.8).
type DelayResp struct {
	Header
	ReceiveTimestamp Timestamp
	Requesting       PortIdentity
}

// ParseDelayResp reads a Delay_Resp.
func ParseDelayResp(b []byte) (DelayResp, error) {
	h, t, p, err := parseAnswer(b, TypeDelayResp)
	return DelayResp{h, t, p}, err
}

// Append adds the message to b.
func (m *DelayResp) Append(b []byte) []byte {
	b = m.append(b, TypeDelayResp, DelayRespLen)
	return m.Requesting.append(m.ReceiveTimestamp.append(b))
}

// Announce is an Announce message (13.5). What belongs to time properties is
// in Header.Flags (FlagLeap61 to FlagSyncUncertain).
type Announce struct {
	Header
	OriginTimestamp         Timestamp
	CurrentUTCOffset        int16 // TAI - UTC in s
	Priority1               uint8
	ClockClass              ClockClass
	ClockAccuracy           ClockAccuracy
	OffsetScaledLogVariance uint16
	Priority2               uint8
	Grandmaster             ClockIdentity
	StepsRemoved            uint16
	TimeSource              TimeSource
}

// ParseAnnounce reads an Announce.
func ParseAnnounce(b []byte) (Announce, error) {
	h, body, err := parse(b, TypeAnnounce)
	if err != nil {
		return Announce{Header: h}, err
	}
	t, err := parseTimestamp(body)
	return Announce{
		Header:                  h,
		OriginTimestamp:         t,
		CurrentUTCOffset:        int16(binary.BigEndian.Uint16(body[10:])),
		Priority1:               body[13],
		ClockClass:              ClockClass(body[14]),
		ClockAccuracy:           ClockAccuracy(body[15]),
		OffsetScaledLogVariance: binary.BigEndian.Uint16(body[16:]),
		Priority2:               body[18],
		Grandmaster:             ClockIdentity(body[19:27]),
		StepsRemoved:            binary.BigEndian.Uint16(body[27:]),
		TimeSource:              TimeSource(body[29]),
	}, err
}

// Append adds the message to b.
func (m *Announce) Append(b []byte) []byte {
	b = m.OriginTimestamp.append(m.append(b, TypeAnnounce, AnnounceLen))
	b = binary.BigEndian.AppendUint16(b, uint16(m.CurrentUTCOffset))
	b = append(b, 0, m.Priority1, uint8(m.ClockClass), uint8(m.ClockAccuracy))
	b = binary.BigEndian.AppendUint16(b, m.OffsetScaledLogVariance)
	b = append(append(b, m.Priority2), m.Grandmaster[:]...)
	b = binary.BigEndian.AppendUint16(b, m.StepsRemoved)
	return append(b, uint8(m.TimeSource))
}

// parseStamped reads a message whose body is one timestamp.
func parseStamped(b []byte, t MessageType) (Header, Timestamp, error) {
	h, body, err := parse(b, t)
	if err != nil {
		return h, Timestamp{}, err
	}
	ts, err := parseTimestamp(body)
	return h, ts, err
}
