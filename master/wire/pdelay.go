package wire

// PdelayReq is a Pdelay_Req message (13.9). Ten reserved octets follow its
// timestamp, so that it is as long as its answer.
type PdelayReq struct {
	Header
	OriginTimestamp Timestamp
}

// ParsePdelayReq reads a Pdelay_Req.
func ParsePdelayReq(b []byte) (PdelayReq, error) {
	h, t, err := parseStamped(b, TypePdelayReq)
	return PdelayReq{h, t}, err
}

// Append adds the message to b.
func (m *PdelayReq) Append(b []byte) []byte {
	b = m.OriginTimestamp.append(m.append(b, TypePdelayReq, PdelayLen))
	return append(b, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)
}

// PdelayResp is a Pdelay_Resp message (13.10). In one step its
// RequestReceiptTimestamp is 0 and the correctionField has the turnaround.
type PdelayResp struct {
	Header
	RequestReceiptTimestamp Timestamp
	Requesting              PortIdentity
}

// ParsePdelayResp reads a Pdelay_Resp.
func ParsePdelayResp(b []byte) (PdelayResp, error) {
	h, t, p, err := parseAnswer(b, TypePdelayResp)
	return PdelayResp{h, t, p}, err
}

// Append adds the message to b.
func (m *PdelayResp) Append(b []byte) []byte {
	b = m.append(b, TypePdelayResp, PdelayLen)
	return m.Requesting.append(m.RequestReceiptTimestamp.append(b))
}

// PdelayRespFollowUp is a Pdelay_Resp_Follow_Up message (13.11).
type PdelayRespFollowUp struct {
	Header
	ResponseOriginTimestamp Timestamp
	Requesting              PortIdentity
}

// ParsePdelayRespFollowUp reads a Pdelay_Resp_Follow_Up.
func ParsePdelayRespFollowUp(b []byte) (PdelayRespFollowUp, error) {
	h, t, p, err := parseAnswer(b, TypePdelayRespFollowUp)
	return PdelayRespFollowUp{h, t, p}, err
}

// Append adds the message to b.
func (m *PdelayRespFollowUp) Append(b []byte) []byte {
	b = m.append(b, TypePdelayRespFollowUp, PdelayLen)
	return m.Requesting.append(m.ResponseOriginTimestamp.append(b))
}

// parseAnswer reads a message whose body is a timestamp and whom it answers.
func parseAnswer(b []byte, t MessageType) (Header, Timestamp, PortIdentity, error) {
	h, body, err := parse(b, t)
	if err != nil {
		return h, Timestamp{}, PortIdentity{}, err
	}
	ts, err := parseTimestamp(body)
	return h, ts, parsePortIdentity(body[TimestampLen:]), err
}
