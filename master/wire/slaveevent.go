package wire

import "encoding/binary"

// Slave event monitoring (1588-2019, 16.11): a client tells by itself what it stamped
// and what it computed, in Signaling messages. Each TLV has a head, and then records
// of one length, the oldest first; how many is what the TLV's length says.
const (
	TLVSlaveRxSyncTimingData   TLVType = 0x8004
	TLVSlaveRxSyncComputedData TLVType = 0x8005
	TLVSlaveTxEventTimestamps  TLVType = 0x8006
)

const (
	syncTimingHead, syncTimingLen     = portIdentityLen, 34
	syncComputedHead, syncComputedLen = portIdentityLen + 2, 22
	txEventHead, txEventLen           = portIdentityLen + 2, 12
	portIdentityLen                   = 10
)

// SyncTiming is a record of SLAVE_RX_SYNC_TIMING_DATA: a Sync as a client got it.
type SyncTiming struct {
	SequenceID           uint16
	Origin               Timestamp // syncOriginTimestamp, of the Sync or its Follow_Up
	Correction           int64     // totalCorrectionField, ns times 65536
	CumulativeRateOffset int32     // scaledCumulativeRateOffset: the ratio less 1, times 2^41
	Ingress              Timestamp // syncEventIngressTimestamp, by the client's clock
}

// SyncComputed is a record of SLAVE_RX_SYNC_COMPUTED_DATA: what a client computed out
// of a Sync. SyncComputedData.Flags tell which of it is valid.
type SyncComputed struct {
	SequenceID uint16
	// OffsetFromMaster and MeanPathDelay are in ns times 65536; positive: the client is
	// ahead of its master.
	OffsetFromMaster, MeanPathDelay int64
	// NeighborRateRatio is scaledNeighborRateRatio: the rate of the neighbor's clock by
	// the client's own, less 1, times 2^41. Positive: the neighbor's is faster.
	NeighborRateRatio int32
}

// TxEvent is a record of SLAVE_TX_EVENT_TIMESTAMPS: a message that a client sent.
type TxEvent struct {
	SequenceID uint16
	Egress     Timestamp // eventEgressTimestamp, by the client's clock
}

// SyncTimingData is the value of a SLAVE_RX_SYNC_TIMING_DATA TLV.
type SyncTimingData struct {
	Source  PortIdentity // of the Syncs
	records []byte
}

// SyncComputedData is the value of a SLAVE_RX_SYNC_COMPUTED_DATA TLV.
type SyncComputedData struct {
	Source  PortIdentity // of the Syncs
	Flags   ComputedFlags
	records []byte
}

// TxEventData is the value of a SLAVE_TX_EVENT_TIMESTAMPS TLV.
type TxEventData struct {
	Source      PortIdentity // of the client
	MessageType MessageType
	records     []byte
}

// ComputedFlags tell what of a SyncComputed is valid.
type ComputedFlags uint8

// The flags.
const (
	NeighborRateRatioValid ComputedFlags = 1 << iota
	MeanPathDelayValid
	OffsetFromMasterValid
)

// ParseSyncTimingData reads the value of a SLAVE_RX_SYNC_TIMING_DATA TLV.
func ParseSyncTimingData(v []byte) (d SyncTimingData, err error) {
	if d.records, err = recordsOf(v, syncTimingHead, syncTimingLen, 2, 24); err == nil {
		d.Source = parsePortIdentity(v)
	}
	return d, err
}

// ParseSyncComputedData reads the value of a SLAVE_RX_SYNC_COMPUTED_DATA TLV.
func ParseSyncComputedData(v []byte) (d SyncComputedData, err error) {
	if d.records, err = recordsOf(v, syncComputedHead, syncComputedLen); err == nil {
		d.Source, d.Flags = parsePortIdentity(v), ComputedFlags(v[portIdentityLen])
	}
	return d, err
}

// ParseTxEventData reads the value of a SLAVE_TX_EVENT_TIMESTAMPS TLV.
func ParseTxEventData(v []byte) (d TxEventData, err error) {
	if d.records, err = recordsOf(v, txEventHead, txEventLen, 2); err == nil {
		d.Source, d.MessageType = parsePortIdentity(v), MessageType(v[portIdentityLen]&0x0F)
	}
	return d, err
}

// recordsOf checks that whole records are behind the head, and the Timestamps that
// each has at the offsets stamps.
func recordsOf(v []byte, head, length int, stamps ...int) ([]byte, error) {
	if len(v) < head || (len(v)-head)%length != 0 {
		return nil, ErrTLV
	}
	records := v[head:]
	for r := records; len(r) > 0; r = r[length:] {
		for _, at := range stamps {
			if _, err := parseTimestamp(r[at:]); err != nil {
				return nil, err
			}
		}
	}
	return records, nil
}

// Len is how many records there are.
func (d SyncTimingData) Len() int { return len(d.records) / syncTimingLen }

// Len is how many records there are.
func (d SyncComputedData) Len() int { return len(d.records) / syncComputedLen }

// Len is how many records there are.
func (d TxEventData) Len() int { return len(d.records) / txEventLen }

// At is the i-th record, from 0 to Len less 1.
func (d SyncTimingData) At(i int) SyncTiming {
	r := d.records[i*syncTimingLen:]
	origin, _ := parseTimestamp(r[2:])
	ingress, _ := parseTimestamp(r[24:])
	return SyncTiming{binary.BigEndian.Uint16(r), origin, int64(binary.BigEndian.Uint64(r[12:])), int32(binary.BigEndian.Uint32(r[20:])), ingress}
}

// At is the i-th record, from 0 to Len less 1.
func (d SyncComputedData) At(i int) SyncComputed {
	r := d.records[i*syncComputedLen:]
	return SyncComputed{binary.BigEndian.Uint16(r), int64(binary.BigEndian.Uint64(r[2:])), int64(binary.BigEndian.Uint64(r[10:])), int32(binary.BigEndian.Uint32(r[18:]))}
}

// At is the i-th record, from 0 to Len less 1.
func (d TxEventData) At(i int) TxEvent {
	r := d.records[i*txEventLen:]
	egress, _ := parseTimestamp(r[2:])
	return TxEvent{binary.BigEndian.Uint16(r), egress}
}

// Add adds a record behind the others.
func (d *SyncTimingData) Add(r SyncTiming) {
	b := r.Origin.append(binary.BigEndian.AppendUint16(d.records, r.SequenceID))
	b = binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint64(b, uint64(r.Correction)), uint32(r.CumulativeRateOffset))
	d.records = r.Ingress.append(b)
}

// Add adds a record behind the others.
func (d *SyncComputedData) Add(r SyncComputed) {
	b := binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint16(d.records, r.SequenceID), uint64(r.OffsetFromMaster))
	d.records = binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint64(b, uint64(r.MeanPathDelay)), uint32(r.NeighborRateRatio))
}

// Add adds a record behind the others.
func (d *TxEventData) Add(r TxEvent) {
	d.records = r.Egress.append(binary.BigEndian.AppendUint16(d.records, r.SequenceID))
}

// Append adds the TLV to b, with its type and length.
func (d SyncTimingData) Append(b []byte) []byte {
	b = appendTLVHeader(b, TLVSlaveRxSyncTimingData, syncTimingHead+len(d.records))
	return append(d.Source.append(b), d.records...)
}

// Append adds the TLV to b, with its type and length.
func (d SyncComputedData) Append(b []byte) []byte {
	b = appendTLVHeader(b, TLVSlaveRxSyncComputedData, syncComputedHead+len(d.records))
	return append(append(d.Source.append(b), byte(d.Flags), 0), d.records...)
}

// Append adds the TLV to b, with its type and length.
func (d TxEventData) Append(b []byte) []byte {
	b = appendTLVHeader(b, TLVSlaveTxEventTimestamps, txEventHead+len(d.records))
	return append(append(d.Source.append(b), byte(d.MessageType), 0), d.records...)
}
