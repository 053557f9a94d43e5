package gnss

import (
	"encoding/json"
	"time"

	"bragi/gnss/timescale"
)

// Fix is the kind of fix, in the words of `bragi replay gnss`.
type Fix uint8

// The kinds of fix. FixTime is a receiver at a fixed position that only solves
// for time; NMEA cannot say so.
const (
	FixNone Fix = iota
	Fix2D
	Fix3D
	FixTime
)

// String is none, 2d, 3d or time.
func (f Fix) String() string {
	switch f {
	case Fix2D:
		return "2d"
	case Fix3D:
		return "3d"
	case FixTime:
		return "time"
	}
	return "none"
}

// MarshalText makes a Fix a word in JSON.
func (f Fix) MarshalText() ([]byte, error) { return []byte(f.String()), nil }

// Scale is the time scale in which the receiver named the instant.
type Scale uint8

// The scales. An instant in GPS time was told by week and time of week; its UTC
// is computed.
const (
	ScaleUTC Scale = iota
	ScaleGPS
)

// String is utc or gps.
func (s Scale) String() string { return [...]string{"utc", "gps"}[s&1] }

// MarshalText makes a Scale a word in JSON.
func (s Scale) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// Maybe is a value that the receiver may not have given. The zero value is
// unknown; in JSON that is null.
type Maybe[T any] struct {
	Value T
	Known bool
}

// Some is a known value.
func Some[T any](v T) Maybe[T] { return Maybe[T]{Value: v, Known: true} }

// MarshalJSON is the value, or null.
func (m Maybe[T]) MarshalJSON() ([]byte, error) {
	if !m.Known {
		return []byte("null"), nil
	}
	return json.Marshal(m.Value)
}

// Epoch is one second (or fraction of one) as the receiver named it.
type Epoch struct {
	// UTC is the named instant; in 23:59:60 it is in 23:59:59 and Leap60 is true.
	// The zero value with ReasonNoTime: none was named.
	UTC    timescale.UTC
	Leap60 bool
	// Received is when the first byte came of the first sentence that named this
	// instant, as good as the chunks allow.
	Received timescale.Mono
	// Late is how long after the named instant that was, as other sources of time say.
	Late   Maybe[time.Duration]
	Talker string // the talker of the sentence that gave the date: GP, GN..., UBX
	// TAI is the instant where the receiver gave it without UTC's leap seconds, or
	// told them; where it is not known the table says what UTC is in TAI.
	TAI   Maybe[timescale.TAI]
	Scale Scale

	Fix      Fix
	SatsUsed Maybe[int]
	HDOP     Maybe[float64] // horizontal dilution of precision

	LeapS      Maybe[int] // GPS - UTC in s
	LeapSource LeapSource
	LeapEvent  Maybe[LeapEvent] // the leap second that the receiver announces
	TAccNs     Maybe[int64]     // the receiver's own estimate of its time accuracy
	QErrPs     Maybe[int64]     // quantisation error of the next pulse; true second = stamp + QErrPs
	Antenna    Maybe[string]    // ok, open, short

	Jamming  Maybe[string] // ok, warning, critical
	Spoofing Maybe[string] // none, indicated, affirmed

	// Trusted: this epoch may set a clock. Why is empty then.
	Trusted bool
	Why     []Reason

	Evidence Evidence // for the second that it names, at least what own tells
}

// MarshalJSON is one line of `bragi replay gnss`.
func (e Epoch) MarshalJSON() ([]byte, error) {
	utc := Maybe[string]{}
	if e.UTC != (timescale.UTC{}) {
		utc = Some(e.UTC.StringLeap(e.Leap60))
	}
	why := e.Why
	if why == nil {
		why = []Reason{}
	}
	return json.Marshal(struct {
		UTC      Maybe[string]  `json:"utc"`
		Scale    Scale          `json:"scale"`
		Fix      Fix            `json:"fix"`
		SatsUsed Maybe[int]     `json:"sats_used"`
		HDOP     Maybe[float64] `json:"hdop"`
		LeapS    Maybe[int]     `json:"leap_s"`
		TAccNs   Maybe[int64]   `json:"tacc_ns"`
		QErrPs   Maybe[int64]   `json:"qerr_ps"`
		Antenna  Maybe[string]  `json:"antenna"`
		Jamming  Maybe[string]  `json:"jamming"`
		Spoofing Maybe[string]  `json:"spoofing"`
		Trusted  bool           `json:"trusted"`
		Why      []Reason       `json:"why"`
	}{utc, e.Scale, e.Fix, e.SatsUsed, e.HDOP, e.LeapS, e.TAccNs, e.QErrPs, e.Antenna, e.Jamming, e.Spoofing, e.Trusted, why})
}
