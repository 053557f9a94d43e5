package wire

import (
	"encoding/binary"
	"math"
	"time"

	"bragi/gnss/timescale"
)

const nsPerSecond = 1_000_000_000

// TimestampLen is the length of a Timestamp on the wire (5.3.3).
const TimestampLen = 10

// Timestamp is a time since the epoch of the timescale: TAI since 1970-01-01
// for PTP, anything for ARB.
type Timestamp struct {
	Seconds     uint64 // 48 bits on the wire
	Nanoseconds uint32 // below 1e9
}

// TimestampFromLocal is a reading of the served clock as the wire has it. A
// reading before the epoch has no form there and becomes the epoch.
func TimestampFromLocal(l timescale.Local) Timestamp {
	ns := l.Ns()
	if ns < 0 {
		return Timestamp{}
	}
	return Timestamp{uint64(ns) / nsPerSecond, uint32(uint64(ns) % nsPerSecond)}
}

// TAI is the timestamp as an instant; ok is false beyond the year 2262, where
// nanoseconds since 1970 leave 63 bits.
func (t Timestamp) TAI() (tai timescale.TAI, ok bool) {
	if t.Seconds >= math.MaxInt64/nsPerSecond {
		return timescale.TAI{}, false
	}
	return timescale.TAIFromNs(int64(t.Seconds)*nsPerSecond + int64(t.Nanoseconds)), true
}

// PutTimestamp writes t into the first 10 octets of b.
func PutTimestamp(b []byte, t Timestamp) {
	_ = b[TimestampLen-1]
	binary.BigEndian.PutUint16(b, uint16(t.Seconds>>32))
	binary.BigEndian.PutUint32(b[2:], uint32(t.Seconds))
	binary.BigEndian.PutUint32(b[6:], t.Nanoseconds)
}

// Local is the inverse of TimestampFromLocal. What no clock of ours reads, from
// the year 2262 on, becomes its latest reading.
func (t Timestamp) Local() timescale.Local {
	if t.Seconds >= math.MaxInt64/nsPerSecond {
		return timescale.LocalFromNs(math.MaxInt64)
	}
	return timescale.LocalFromNs(int64(t.Seconds)*nsPerSecond + int64(t.Nanoseconds))
}

// OriginOf reads the originTimestamp of the Sync in b, which has SyncLen octets.
func OriginOf(b []byte) Timestamp {
	b = b[OriginOffset:SyncLen]
	return Timestamp{uint64(binary.BigEndian.Uint16(b))<<32 | uint64(binary.BigEndian.Uint32(b[2:])), binary.BigEndian.Uint32(b[6:])}
}

// PutTypeSpecific writes the messageTypeSpecific of the message in b.
func PutTypeSpecific(b []byte, v uint32) { binary.BigEndian.PutUint32(b[TypeSpecificOffset:], v) }

// TypeSpecific reads it.
func TypeSpecific(b []byte) uint32 { return binary.BigEndian.Uint32(b[TypeSpecificOffset:]) }

// PutSequenceID writes the sequenceId of the message in b.
func PutSequenceID(b []byte, seq uint16) {
	binary.BigEndian.PutUint16(b[SequenceOffset:], seq)
}

// SequenceID is the sequenceId of the message in b.
func SequenceID(b []byte) uint16 { return binary.BigEndian.Uint16(b[SequenceOffset:]) }

// AddCorrection adds d to the correctionField of the message in b. What does
// not fit becomes the field's largest value, which says so (13.3.2.9).
func AddCorrection(b []byte, d time.Duration) {
	scaled := int64(d) << 16
	if scaled>>16 != int64(d) {
		scaled = math.MaxInt64
		binary.BigEndian.PutUint64(b[CorrectionOffset:], math.MaxInt64)
	}
	AddCorrectionScaled(b, scaled)
}

// AddCorrectionScaled likewise adds units of 2^-16 ns, the field's own.
func AddCorrectionScaled(b []byte, scaled int64) {
	const largest, least = math.MaxInt64, math.MinInt64
	c := int64(binary.BigEndian.Uint64(b[CorrectionOffset:]))
	switch {
	case scaled >= 0 && c > largest-scaled:
		c = largest
	case scaled < 0 && c < least-scaled:
		c = least
	default:
		c += scaled
	}
	binary.BigEndian.PutUint64(b[CorrectionOffset:], uint64(c))
}

func (t Timestamp) append(b []byte) []byte {
	b = append(b, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)
	PutTimestamp(b[len(b)-TimestampLen:], t)
	return b
}

// parseTimestamp reads the first 10 octets of b.
func parseTimestamp(b []byte) (Timestamp, error) {
	_ = b[TimestampLen-1]
	t := Timestamp{
		Seconds:     uint64(binary.BigEndian.Uint16(b))<<32 | uint64(binary.BigEndian.Uint32(b[2:])),
		Nanoseconds: binary.BigEndian.Uint32(b[6:]),
	}
	if t.Nanoseconds >= nsPerSecond {
		return Timestamp{}, ErrTimestamp
	}
	return t, nil
}
