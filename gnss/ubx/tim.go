package ubx

import "math"

// PulseTime is TIM-TP: what the receiver knows of its next pulse.
type PulseTime struct {
	TOWMs       uint32 // of the next pulse, in the base's week
	TOWSubMs    uint32 // 2^-32 ms
	QErrPs      int32  // true second = pulse + QErr
	Week        int
	BaseUTC     bool // the week and its milliseconds count UTC, else a satellite system's time
	UTC         bool // UTC is available
	QErrInvalid bool
	// NotLocked: the pulse does not follow the sky; told from protocol version 32
	// on, reserved before.
	NotLocked bool
	Reference int // of a base that is not UTC: 0 GPS, 1 GLONASS, 2 BeiDou, 3 Galileo, 4 NavIC, 15 unknown
	Standard  int // of UTC
}

// ParsePulseTime reads TIM-TP.
func ParsePulseTime(m Message) (v PulseTime, ok bool) {
	p := m.Payload
	if m.Name() != TimTP || len(p) != 16 {
		return v, false
	}
	return PulseTime{
		TOWMs: u4(p, 0), TOWSubMs: u4(p, 4), QErrPs: i4(p, 8), Week: int(u2(p, 12)),
		BaseUTC: p[14]&1 != 0, UTC: p[14]&2 != 0, QErrInvalid: p[14]&0x10 != 0, NotLocked: p[14]&0x20 != 0,
		Reference: int(p[15] & 15), Standard: int(p[15] >> 4),
	}, true
}

// ParseTimSVIN reads TIM-SVIN (timing receivers to M8).
func ParseTimSVIN(m Message) (v Survey, ok bool) {
	p := m.Payload
	if m.Name() != TimSVIN || len(p) != 28 {
		return v, false
	}
	axis := func(i int) float64 { return float64(i4(p, i)) * 1e-2 }
	v = Survey{DurationS: u4(p, 0), X: axis(4), Y: axis(8), Z: axis(12), AccuracyM: math.Sqrt(float64(u4(p, 16))) * 1e-3, // variance in mm^2
		Observations: u4(p, 20), Valid: p[24]&1 != 0, Active: p[25]&1 != 0}
	v.HasMean = v.Observations > 0
	return v, true
}

// TimeOfSecond is TIM-TOS (LEA-M8F, ZED-F9T): the pulse that went before it.
type TimeOfSecond struct {
	LeapNow, LeapSoon, LeapPositive bool
	GNSSValid, UTCValid             bool
	Locked                          bool
	Year, Month, Day                int
	Hour, Minute, Second            int
	UTCOffsetNs                     int32 // between the pulse and the second of UTC
	UTCUncertaintyNs                uint32
	Week                            int
	TOWS                            uint32
	GNSSOffsetNs                    int32
	GNSSUncertaintyNs               uint32
}

// ParseTimeOfSecond reads TIM-TOS.
func ParseTimeOfSecond(m Message) (v TimeOfSecond, ok bool) {
	p := m.Payload
	if m.Name() != TimTOS || len(p) != 56 || p[0] != 0 {
		return v, false
	}
	flags := u4(p, 4)
	return TimeOfSecond{
		LeapNow: flags&1 != 0, LeapSoon: flags&2 != 0, LeapPositive: flags&4 != 0, GNSSValid: flags&0x40 != 0, UTCValid: flags&0x80 != 0,
		Locked: flags&0x2000 != 0, Year: int(u2(p, 8)), Month: int(p[10]), Day: int(p[11]), Hour: int(p[12]), Minute: int(p[13]),
		Second: int(p[14]), UTCOffsetNs: i4(p, 16), UTCUncertaintyNs: u4(p, 20), Week: int(u4(p, 24) & 0xFFFF), TOWS: u4(p, 28),
		GNSSOffsetNs: i4(p, 32), GNSSUncertaintyNs: u4(p, 36),
	}, true
}
