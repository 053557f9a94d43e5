package wire

import "fmt"

// ClockClass is the clockClass attribute (table 4).
type ClockClass uint8

// ClockAccuracy is the clockAccuracy attribute (table 5).
type ClockAccuracy uint8

// TimeSource is the timeSource field (table 6).
type TimeSource uint8

// String says what the class claims, after table 4; what only a profile gives a
// meaning is named by its number.
func (c ClockClass) String() string {
	switch c {
	case 6:
		return "6 (locked to a primary reference, PTP timescale)"
	case 7:
		return "7 (holdover in specification, PTP timescale)"
	case 13:
		return "13 (locked to an application's source, ARB timescale)"
	case 14:
		return "14 (holdover in specification, ARB timescale)"
	case 52:
		return "52 (degraded from 7, out of specification)"
	case 58:
		return "58 (degraded from 14, out of specification)"
	case 187:
		return "187 (degraded from 7, may be a client)"
	case 193:
		return "193 (degraded from 14, may be a client)"
	case 248:
		return "248 (default: never locked)"
	case 255:
		return "255 (client only)"
	}
	return fmt.Sprintf("%d", uint8(c))
}

var accuracyNames = [...]string{
	"1 ps", "2.5 ps", "10 ps", "25 ps", "100 ps", "250 ps", "1 ns", "2.5 ns", "10 ns",
	"25 ns", "100 ns", "250 ns", "1 us", "2.5 us", "10 us", "25 us", "100 us", "250 us",
	"1 ms", "2.5 ms", "10 ms", "25 ms", "100 ms", "250 ms", "1 s", "10 s", "more than 10 s",
}

// String is the bound that the accuracy states: "within 100 ns".
func (a ClockAccuracy) String() string {
	const first, last = 0x17, 0x31
	switch {
	case a == 0xFE:
		return "unknown"
	case a == last:
		return accuracyNames[last-first]
	case a >= first && a < last:
		return "within " + accuracyNames[a-first]
	}
	return fmt.Sprintf("0x%02x", uint8(a))
}

// String is the source's name after table 6.
func (s TimeSource) String() string {
	switch s {
	case 0x10:
		return "atomic clock"
	case 0x20:
		return "GNSS"
	case 0x30:
		return "terrestrial radio"
	case 0x39:
		return "serial time code"
	case 0x40:
		return "PTP"
	case 0x50:
		return "NTP"
	case 0x60:
		return "hand set"
	case 0x90:
		return "other"
	case 0xA0:
		return "internal oscillator"
	}
	return fmt.Sprintf("0x%02x", uint8(s))
}
