package ubx

// Scales: times in ms and ns, lengths in mm, angles in 1e-7 degrees, as sent.

// Unknown32 is what a receiver sends for an accuracy that it does not know.
const Unknown32 = 0xFFFFFFFF

// The fix types of NAV-PVT, NAV-STATUS and NAV-SOL.
const (
	FixNone          = 0
	FixDeadReckoning = 1
	Fix2D            = 2
	Fix3D            = 3
	FixCombined      = 4 // satellites and dead reckoning
	FixTime          = 5 // at a fixed position
)

// PVT is NAV-PVT: date, time and position.
type PVT struct {
	ITOW                     uint32 // ms of the GPS week
	Year                     int
	Month, Day               int
	Hour, Minute, Second     int // Second is 60 in an inserted leap second
	DateValid, TimeValid     bool
	FullyResolved            bool // no doubt of a second
	TAccNs                   uint32
	Nano                     int32 // ns to be added to the time above; may be negative
	FixType                  int
	FixOK                    bool // inside the receiver's masks of dilution and accuracy
	NumSV                    int
	Longitude, Latitude      int32 // 1e-7 degrees
	HeightMm, HeightMSLMm    int32
	HAccMm, VAccMm           uint32
	PDOP                     uint16 // 0.01
	ConfirmedDate, Confirmed bool   // protocol version 19 on
}

// ParsePVT reads NAV-PVT, 92 bytes, 84 before protocol version 15.
func ParsePVT(m Message) (v PVT, ok bool) {
	p := m.Payload
	if m.Name() != NavPVT || len(p) != 92 && len(p) != 84 {
		return v, false
	}
	valid, flags, flags2 := p[11], p[21], p[22]
	return PVT{
		ITOW: u4(p, 0), Year: int(u2(p, 4)), Month: int(p[6]), Day: int(p[7]), Hour: int(p[8]), Minute: int(p[9]), Second: int(p[10]),
		DateValid: valid&1 != 0, TimeValid: valid&2 != 0, FullyResolved: valid&4 != 0, TAccNs: u4(p, 12), Nano: i4(p, 16),
		FixType: int(p[20]), FixOK: flags&1 != 0, NumSV: int(p[23]), Longitude: i4(p, 24), Latitude: i4(p, 28),
		HeightMm: i4(p, 32), HeightMSLMm: i4(p, 36), HAccMm: u4(p, 40), VAccMm: u4(p, 44), PDOP: u2(p, 76),
		ConfirmedDate: flags2&0x40 != 0, Confirmed: flags2&0x80 != 0,
	}, true
}

// TimeUTC is NAV-TIMEUTC.
type TimeUTC struct {
	ITOW                 uint32
	TAccNs               uint32
	Nano                 int32
	Year, Month, Day     int
	Hour, Minute, Second int
	TOWValid, WeekValid  bool
	UTCValid             bool // the leap count is known
	Standard             int  // 1 CRL, 2 NIST, 3 USNO, 4 BIPM, 5 EU, 6 SU, 7 NTSC, 15 unknown
}

// ParseTimeUTC reads NAV-TIMEUTC.
func ParseTimeUTC(m Message) (v TimeUTC, ok bool) {
	p := m.Payload
	if m.Name() != NavTIMEUTC || len(p) != 20 {
		return v, false
	}
	return TimeUTC{
		ITOW: u4(p, 0), TAccNs: u4(p, 4), Nano: i4(p, 8), Year: int(u2(p, 12)), Month: int(p[14]), Day: int(p[15]),
		Hour: int(p[16]), Minute: int(p[17]), Second: int(p[18]),
		TOWValid: p[19]&1 != 0, WeekValid: p[19]&2 != 0, UTCValid: p[19]&4 != 0, Standard: int(p[19] >> 4),
	}, true
}

// TimeGPS is NAV-TIMEGPS.
type TimeGPS struct {
	ITOW                           uint32
	FTOWNs                         int32 // to be added to ITOW
	Week                           int
	LeapS                          int // GPS - UTC
	TOWValid, WeekValid, LeapValid bool
	TAccNs                         uint32
}

// ParseTimeGPS reads NAV-TIMEGPS.
func ParseTimeGPS(m Message) (v TimeGPS, ok bool) {
	p := m.Payload
	if m.Name() != NavTIMEGPS || len(p) != 16 {
		return v, false
	}
	return TimeGPS{
		ITOW: u4(p, 0), FTOWNs: i4(p, 4), Week: int(i2(p, 8)), LeapS: int(i1(p, 10)),
		TOWValid: p[11]&1 != 0, WeekValid: p[11]&2 != 0, LeapValid: p[11]&4 != 0, TAccNs: u4(p, 12),
	}, true
}

// TimeLS is NAV-TIMELS: leap seconds, now and to come.
type TimeLS struct {
	ITOW         uint32
	Source       int  // of LeapS: 0 firmware default, 1 GPS and GLONASS differ, 2 GPS, 3 SBAS, 4 BeiDou, 5 Galileo, 7 configured, 255 unknown
	LeapS        int  // GPS - UTC
	LeapValid    bool // LeapS
	EventValid   bool // Change and InS
	ChangeSource int
	Change       int   // 1 inserted, -1 deleted, 0 none known
	InS          int32 // s until the event; 0 or less: none, or past
	EventWeek    int
	EventDay     int // 1 Sunday to 7 Saturday, at the end of which the second is
}

// LeapFromFirmware is TimeLS.Source of a count that the sky has not told yet.
const LeapFromFirmware = 0

// ParseTimeLS reads NAV-TIMELS.
func ParseTimeLS(m Message) (v TimeLS, ok bool) {
	p := m.Payload
	if m.Name() != NavTIMELS || len(p) != 24 || p[4] != 0 {
		return v, false
	}
	return TimeLS{
		ITOW: u4(p, 0), Source: int(p[8]), LeapS: int(i1(p, 9)), ChangeSource: int(p[10]), Change: int(i1(p, 11)), InS: i4(p, 12),
		EventWeek: int(u2(p, 16)), EventDay: int(u2(p, 18)), LeapValid: p[23]&1 != 0, EventValid: p[23]&2 != 0,
	}, true
}

// NavClock is NAV-CLOCK: the receiver's own clock.
type NavClock struct {
	ITOW     uint32
	BiasNs   int32
	DriftPPB int32 // ns/s
	TAccNs   uint32
	FAccPs   uint32 // ps/s
}

// ParseNavClock reads NAV-CLOCK.
func ParseNavClock(m Message) (v NavClock, ok bool) {
	p := m.Payload
	if m.Name() != NavCLOCK || len(p) != 20 {
		return v, false
	}
	return NavClock{ITOW: u4(p, 0), BiasNs: i4(p, 4), DriftPPB: i4(p, 8), TAccNs: u4(p, 12), FAccPs: u4(p, 16)}, true
}

// NavStatus is NAV-STATUS.
type NavStatus struct {
	ITOW                uint32
	FixType             int
	FixOK               bool
	WeekValid, TOWValid bool
	Spoofing            Spoofing
	UptimeMs            uint32
}

// ParseNavStatus reads NAV-STATUS.
func ParseNavStatus(m Message) (v NavStatus, ok bool) {
	p := m.Payload
	if m.Name() != NavSTATUS || len(p) != 16 {
		return v, false
	}
	return NavStatus{
		ITOW: u4(p, 0), FixType: int(p[4]), FixOK: p[5]&1 != 0, WeekValid: p[5]&4 != 0, TOWValid: p[5]&8 != 0,
		Spoofing: Spoofing(p[7] >> 3 & 3), UptimeMs: u4(p, 12),
	}, true
}

// NavSol is NAV-SOL, of u-blox 4 to 7 and kept by 8.
type NavSol struct {
	ITOW                uint32
	FTOWNs              int32
	Week                int
	FixType             int
	FixOK               bool
	WeekValid, TOWValid bool
	ECEFCm              [3]int32
	PAccCm              uint32
	PDOP                uint16
	NumSV               int
}

// ParseNavSol reads NAV-SOL.
func ParseNavSol(m Message) (v NavSol, ok bool) {
	p := m.Payload
	if m.Name() != NavSOL || len(p) != 52 {
		return v, false
	}
	return NavSol{
		ITOW: u4(p, 0), FTOWNs: i4(p, 4), Week: int(i2(p, 8)), FixType: int(p[10]), FixOK: p[11]&1 != 0,
		WeekValid: p[11]&4 != 0, TOWValid: p[11]&8 != 0, ECEFCm: [3]int32{i4(p, 12), i4(p, 16), i4(p, 20)}, PAccCm: u4(p, 24),
		PDOP: u2(p, 44), NumSV: int(p[47]),
	}, true
}

// PosLLH is NAV-POSLLH.
type PosLLH struct {
	ITOW                  uint32
	Longitude, Latitude   int32 // 1e-7 degrees
	HeightMm, HeightMSLMm int32
	HAccMm, VAccMm        uint32
}

// ParsePosLLH reads NAV-POSLLH.
func ParsePosLLH(m Message) (v PosLLH, ok bool) {
	p := m.Payload
	if m.Name() != NavPOSLLH || len(p) != 28 {
		return v, false
	}
	return PosLLH{ITOW: u4(p, 0), Longitude: i4(p, 4), Latitude: i4(p, 8), HeightMm: i4(p, 12), HeightMSLMm: i4(p, 16),
		HAccMm: u4(p, 20), VAccMm: u4(p, 24)}, true
}

// ParseDOP reads the HDOP of NAV-DOP, in hundredths.
func ParseDOP(m Message) (iTOW uint32, hdop uint16, ok bool) {
	if m.Name() != NavDOP || len(m.Payload) != 18 {
		return 0, 0, false
	}
	return u4(m.Payload, 0), u2(m.Payload, 12), true
}

// ParseEOE reads NAV-EOE: the end of an epoch's messages.
func ParseEOE(m Message) (iTOW uint32, ok bool) {
	if m.Name() != NavEOE || len(m.Payload) != 4 {
		return 0, false
	}
	return u4(m.Payload, 0), true
}

// System is u-blox's gnssId.
type System uint8

// The systems.
const (
	GPS     System = 0
	SBAS    System = 1
	Galileo System = 2
	BeiDou  System = 3
	IMES    System = 4
	QZSS    System = 5
	GLONASS System = 6
	NavIC   System = 7
)

// Sat is one satellite of NAV-SAT or NAV-SVINFO.
type Sat struct {
	System    System
	ID        int // the system's own number; 255: a GLONASS satellite not yet known
	CN0       int // dB-Hz; 0: not tracked
	Elevation int // degrees
	Azimuth   int // degrees
	Used      bool
}

// ParseSat reads NAV-SAT, version 1, and gives each satellite to emit.
func ParseSat(m Message, emit func(Sat)) (iTOW uint32, ok bool) {
	p := m.Payload
	if m.Name() != NavSAT || len(p) < 8 || p[4] != 1 || len(p) != 8+12*int(p[5]) {
		return 0, false
	}
	for b := p[8:]; len(b) > 0; b = b[12:] {
		emit(Sat{System: System(b[0]), ID: int(b[1]), CN0: int(b[2]), Elevation: int(i1(b, 3)), Azimuth: int(i2(b, 4)), Used: b[8]&8 != 0})
	}
	return u4(p, 0), true
}

// ParseSVInfo reads NAV-SVINFO, the older NAV-SAT, whose numbers are of all
// systems at once.
func ParseSVInfo(m Message, emit func(Sat)) (iTOW uint32, ok bool) {
	p := m.Payload
	if m.Name() != NavSVINFO || len(p) < 8 || len(p) != 8+12*int(p[4]) {
		return 0, false
	}
	for b := p[8:]; len(b) > 0; b = b[12:] {
		system, id := ofSV(int(b[1]))
		emit(Sat{System: system, ID: id, CN0: int(b[4]), Elevation: int(i1(b, 5)), Azimuth: int(i2(b, 6)), Used: b[2]&1 != 0})
	}
	return u4(p, 0), true
}

// ofSV splits the old single numbering (u-blox M8 receiver description,
// appendix "Satellite Numbering").
func ofSV(sv int) (System, int) {
	switch {
	case sv >= 33 && sv <= 64:
		return BeiDou, sv - 27
	case sv >= 65 && sv <= 96:
		return GLONASS, sv - 64
	case sv >= 120 && sv <= 158:
		return SBAS, sv
	case sv >= 159 && sv <= 163:
		return BeiDou, sv - 158
	case sv >= 173 && sv <= 182:
		return IMES, sv - 172
	case sv >= 193 && sv <= 202:
		return QZSS, sv - 192
	case sv >= 211 && sv <= 246:
		return Galileo, sv - 210
	case sv == 255:
		return GLONASS, 255
	}
	return GPS, sv
}

// Survey is the state of a survey-in, of NAV-SVIN or TIM-SVIN.
type Survey struct {
	DurationS    uint32
	Observations uint32
	X, Y, Z      float64 // m, earth-centred, earth-fixed: the mean so far
	AccuracyM    float64 // of the mean
	Valid        bool    // the position is good enough
	Active       bool    // the survey goes on
	HasMean      bool    // X to AccuracyM are measured: there is an observation
}

// ParseNavSVIN reads NAV-SVIN (F9).
func ParseNavSVIN(m Message) (v Survey, ok bool) {
	p := m.Payload
	if m.Name() != NavSVIN || len(p) != 40 || p[0] != 0 {
		return v, false
	}
	axis := func(i, hp int) float64 { return float64(i4(p, i))*1e-2 + float64(i1(p, hp))*1e-4 }
	v = Survey{DurationS: u4(p, 8), X: axis(12, 24), Y: axis(16, 25), Z: axis(20, 26), AccuracyM: float64(u4(p, 28)) * 1e-4,
		Observations: u4(p, 32), Valid: p[36]&1 != 0, Active: p[37]&1 != 0}
	v.HasMean = v.Observations > 0
	return v, true
}
