package sim

import (
	"encoding/binary"
	"math"

	"bragi/gnss/ubx"
)

// What the u-blox of software sends with each solution.

// Where the antenna stands, as in latitude and longitude of the sentences; the
// height is above the ellipsoid.
const (
	standsLat     = 60 + 23.56810/60
	standsLon     = 5 + 19.34270/60
	standsHeightM = 51.5 + 44.7
	geoidM        = 44.7
	metresPerDeg  = 111_320.0 // of latitude
)

// ecef is a place in 0.1 mm, earth-centred (WGS 84).
func ecef(latDeg, lonDeg, heightM float64) [3]int64 {
	const a, f = 6_378_137.0, 1 / 298.257223563
	sinLat, cosLat := math.Sincos(latDeg * math.Pi / 180)
	sinLon, cosLon := math.Sincos(lonDeg * math.Pi / 180)
	e2 := f * (2 - f)
	n := a / math.Sqrt(1-e2*sinLat*sinLat)
	unit := func(v float64) int64 { return int64(math.Round(v * 10_000)) }
	return [3]int64{unit((n + heightM) * cosLat * cosLon), unit((n + heightM) * cosLat * sinLon), unit((n*(1-e2) + heightM) * sinLat)}
}

// solution is what is known of a second.
type solution struct {
	utcS     int64
	state    *fixState
	nextQErr float64
	leap     int     // GPS - UTC, s
	northM   float64 // the antenna was carried north by
}

func (s *solution) lat() float64 { return standsLat + s.northM/metresPerDeg }

// tow is GPS time of week in ms.
func (s *solution) tow() uint32 {
	return uint32((s.utcS - gpsEpochS + int64(s.leap)) % weekS * 1000)
}

const (
	gpsEpochS = 315_964_800 // 1980-01-06
	weekS     = 7 * secondsOfDay
)

// messages appends all messages that are due.
func (u *ublox) messages(buf []byte, s *solution) []byte {
	if s.state.fixed && u.due(ubx.TimTP) {
		buf = timTP(buf, s.utcS+1, s.nextQErr, u.items[ubx.KeyTPGrid] == 1, s.leap)
	}
	for _, m := range []struct {
		name ubx.Name
		make func(*solution) []byte
	}{
		{ubx.NavPVT, u.navPVT}, {ubx.NavSTATUS, u.navSTATUS}, {ubx.NavTIMELS, u.navTIMELS}, {ubx.NavSAT, u.navSAT},
		{ubx.MonHW, u.monHW}, {ubx.MonRF, u.monRF}, {ubx.SecSIG, u.secSIG}, {ubx.TimSVIN, u.timSVIN},
	} {
		if u.due(m.name) {
			buf = ubx.AppendMessage(buf, m.name, m.make(s))
		}
	}
	return buf
}

var le = binary.LittleEndian

func put4(b []byte, i int, v int64)           { le.PutUint32(b[i:], uint32(v)) }
func put2(b []byte, i int, v int64)           { le.PutUint16(b[i:], uint16(v)) }
func put1e7(b []byte, i int, degrees float64) { put4(b, i, int64(math.Round(degrees*1e7))) }

func (u *ublox) navPVT(s *solution) []byte {
	b := make([]byte, 92)
	c := civil(s.utcS)
	put4(b, 0, int64(s.tow()))
	if s.state.timeKnown {
		put2(b, 4, int64(c.Year))
		b[6], b[7], b[8], b[9], b[10] = byte(c.Month), byte(c.Day), byte(c.Hour), byte(c.Minute), byte(c.Second)
		b[11] = 0x03 // date and time
		put4(b, 12, 1_000_000)
	}
	if !s.state.fixed {
		return b
	}
	b[11] = 0x07 // fully resolved
	put4(b, 12, 20)
	b[20], b[21], b[22] = 3, 1, 0xE0 // 3D, gnssFixOK, date and time confirmed
	if m := u.mode(); m.Mode == ubx.TimeModeFixed || u.surveyed() {
		b[20] = 5 // time only
	}
	b[23] = byte(len(satellites))
	put1e7(b, 24, standsLon)
	put1e7(b, 28, s.lat())
	put4(b, 32, int64(standsHeightM*1000))
	put4(b, 36, int64((standsHeightM-geoidM)*1000))
	put4(b, 40, 3500)
	put4(b, 44, 5200)
	put2(b, 76, 160)
	return b
}

func (u *ublox) navSTATUS(s *solution) []byte {
	b := make([]byte, 16)
	put4(b, 0, int64(s.tow()))
	if s.state.fixed {
		b[4], b[5] = u.navPVT(s)[20], 0x0D // fix OK, week and time of week known
	}
	b[7] = u.spoof << 3
	return b
}

func (u *ublox) navTIMELS(s *solution) []byte {
	b := make([]byte, 24)
	put4(b, 0, int64(s.tow()))
	b[8], b[9], b[10] = 255, byte(int8(s.leap)), 255
	if s.state.fixed {
		b[8], b[10], b[23] = 2, 2, 1 // from GPS; no event is known
	}
	return b
}

func (u *ublox) navSAT(s *solution) []byte {
	b := make([]byte, 8)
	put4(b, 0, int64(s.tow()))
	b[4] = 1
	if !s.state.antenna {
		return b
	}
	b[5] = byte(len(satellites))
	turn := int(s.utcS / 240 % 360)
	for _, sat := range satellites {
		e := make([]byte, 12)
		e[1], e[2], e[3] = byte(sat.prn), byte(sat.cn0), byte(sat.elevation)
		put2(e, 4, int64((sat.azimuth+turn)%360))
		flags := int64(7) // code and carrier tracked
		if s.state.fixed {
			flags |= 1 << 3 // used
		}
		put4(e, 8, flags)
		b = append(b, e...)
	}
	return b
}

// antennaStatus is what the supervisor says: 2 ok, 4 open.
func antennaStatus(s *solution) byte {
	if s.state.antenna {
		return 2
	}
	return 4
}

func (u *ublox) monHW(s *solution) []byte {
	b := make([]byte, 60)
	put2(b, 16, 90)
	put2(b, 18, 4200)
	b[20], b[21] = antennaStatus(s), 1
	b[22] = 1 | u.jamState()<<2 // RTC calibrated
	b[45] = 12
	return b
}

// jamState is 0, unknown, while the monitor is off.
func (u *ublox) jamState() byte {
	if u.items[ubx.KeyItfmEnable] == 0 {
		return 0
	}
	return u.jam
}

func (u *ublox) monRF(s *solution) []byte {
	b := make([]byte, 28)
	b[1] = 1
	b[5], b[6], b[7] = u.jamState(), antennaStatus(s), 1
	put2(b, 16, 90)
	put2(b, 18, 4200)
	b[20] = 12
	return b
}

func (u *ublox) secSIG(*solution) []byte {
	b := make([]byte, 12)
	b[0] = 1
	b[4] = 1 | u.jamState()<<1
	b[8] = 1 | u.spoof<<1
	return b
}

func (u *ublox) timSVIN(s *solution) []byte {
	b := make([]byte, 28)
	m := u.mode()
	if m.Mode != ubx.TimeModeSurvey {
		return b
	}
	put4(b, 0, int64(u.survey))
	for i, p := range ecef(s.lat(), standsLon, standsHeightM) {
		put4(b, 4+4*i, p/100)
	}
	mm := u.surveyAccuracy() / 10
	put4(b, 16, int64(min(mm*mm, math.MaxUint32)))
	put4(b, 20, int64(u.survey))
	done := u.surveyed()
	if done {
		b[24] = 1
	} else {
		b[25] = 1
	}
	return b
}
