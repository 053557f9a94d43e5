package timescale

import (
	"encoding/binary"
	"errors"
	"strconv"
)

// The instants as 8 bytes, big-endian nanoseconds, for files; Mono also as a
// number in JSON.

var errLength = errors.New("timescale: an instant is 8 bytes")

func appendNs(b []byte, ns int64) ([]byte, error) {
	return binary.BigEndian.AppendUint64(b, uint64(ns)), nil
}

func setNs(ns *int64, b []byte) error {
	if len(b) != 8 {
		return errLength
	}
	*ns = int64(binary.BigEndian.Uint64(b))
	return nil
}

// MarshalBinary implements encoding.BinaryMarshaler.
func (t TAI) MarshalBinary() ([]byte, error) { return appendNs(nil, t.taiNs) }

// UnmarshalBinary implements encoding.BinaryUnmarshaler.
func (t *TAI) UnmarshalBinary(b []byte) error { return setNs(&t.taiNs, b) }

// MarshalBinary implements encoding.BinaryMarshaler.
func (t UTC) MarshalBinary() ([]byte, error) { return appendNs(nil, t.utcNs) }

// UnmarshalBinary implements encoding.BinaryUnmarshaler.
func (t *UTC) UnmarshalBinary(b []byte) error { return setNs(&t.utcNs, b) }

// MarshalBinary implements encoding.BinaryMarshaler.
func (t Mono) MarshalBinary() ([]byte, error) { return appendNs(nil, t.rawNs) }

// UnmarshalBinary implements encoding.BinaryUnmarshaler.
func (t *Mono) UnmarshalBinary(b []byte) error { return setNs(&t.rawNs, b) }

// MarshalBinary implements encoding.BinaryMarshaler.
func (t Local) MarshalBinary() ([]byte, error) { return appendNs(nil, t.localNs) }

// UnmarshalBinary implements encoding.BinaryUnmarshaler.
func (t *Local) UnmarshalBinary(b []byte) error { return setNs(&t.localNs, b) }

// MarshalJSON writes the nanoseconds as a number.
func (t Mono) MarshalJSON() ([]byte, error) { return strconv.AppendInt(nil, t.rawNs, 10), nil }

// UnmarshalJSON reads what MarshalJSON wrote.
func (t *Mono) UnmarshalJSON(b []byte) (err error) {
	t.rawNs, err = strconv.ParseInt(string(b), 10, 64)
	return err
}
