package gnss

import (
	"bragi/gnss/timescale"
	"bragi/gnss/ubx"
)

// ubxFrame takes a frame whose checksum is right. The NAV messages of one
// navigation epoch carry one iTOW; that joins them into a group.
func (d *Decoder) ubxFrame(f Frame, emit func(Epoch)) {
	m := ubx.Split(f.Bytes)
	switch m.Name() {
	case ubx.NavPVT:
		if v, ok := ubx.ParsePVT(m); d.read(ok) {
			g := d.openUBX(v.ITOW, f, emit)
			g.pvt, g.hasPVT, d.ubx.sincePVT = v, true, 0
			d.setPosition(f.Received, v.FixType, v.Latitude, v.Longitude, v.HeightMSLMm, v.HAccMm)
			d.used.set(v.NumSV, f.Received)
			d.tryUBX(emit)
		}
	case ubx.NavTIMEUTC:
		if v, ok := ubx.ParseTimeUTC(m); d.read(ok) {
			g := d.openUBX(v.ITOW, f, emit)
			g.utc, g.hasUTC, d.ubx.sinceUTC = v, true, 0
			d.tryUBX(emit)
		}
	case ubx.NavTIMEGPS:
		if v, ok := ubx.ParseTimeGPS(m); d.read(ok) {
			g := d.openUBX(v.ITOW, f, emit)
			g.gps, g.hasGPS, d.ubx.sinceGPS = v, true, 0
			if v.LeapValid {
				d.ubx.leap.set(v.LeapS, f.Received)
			}
			d.tryUBX(emit)
		}
	case ubx.NavSOL:
		if v, ok := ubx.ParseNavSol(m); d.read(ok) {
			g := d.openUBX(v.ITOW, f, emit)
			g.sol, g.hasSol = v, true
			d.used.set(v.NumSV, f.Received)
			d.setSolPosition(v, f)
			d.tryUBX(emit)
		}
	case ubx.NavSTATUS:
		if v, ok := ubx.ParseNavStatus(m); d.read(ok) {
			g := d.openUBX(v.ITOW, f, emit)
			g.status, g.hasStatus = v, true
			d.signs.spoofStatus.set(v.Spoofing, f.Received)
			d.tryUBX(emit)
		}
	case ubx.NavTIMELS:
		if v, ok := ubx.ParseTimeLS(m); d.read(ok) {
			d.openUBX(v.ITOW, f, emit)
			d.timeLS(v, f.Received)
		}
	case ubx.NavCLOCK:
		if v, ok := ubx.ParseNavClock(m); d.read(ok) {
			d.openUBX(v.ITOW, f, emit)
			d.ubx.clock.set(v, f.Received)
		}
	case ubx.NavPOSLLH:
		if v, ok := ubx.ParsePosLLH(m); d.read(ok) {
			d.openUBX(v.ITOW, f, emit)
			d.setPosition(f.Received, ubx.Fix3D, v.Latitude, v.Longitude, v.HeightMSLMm, v.HAccMm)
		}
	case ubx.NavDOP:
		if iTOW, hdop, ok := ubx.ParseDOP(m); d.read(ok) {
			d.openUBX(iTOW, f, emit)
			if hdop > 0 && hdop < 9999 {
				d.hdop.set(float64(hdop)/100, f.Received)
			}
		}
	case ubx.NavSAT, ubx.NavSVINFO:
		d.ubxSatellites(m, f, emit)
	case ubx.NavEOE:
		if iTOW, ok := ubx.ParseEOE(m); d.read(ok) && d.ubx.group.open && d.ubx.group.iTOW == iTOW {
			d.closeUBX(emit)
		}
	case ubx.TimTP:
		if v, ok := ubx.ParsePulseTime(m); d.read(ok) {
			d.timePulse(v, f.Received, emit)
		}
	case ubx.TimSVIN:
		if v, ok := ubx.ParseTimSVIN(m); d.read(ok) {
			d.ubx.survey.set(v, f.Received)
		}
	case ubx.NavSVIN:
		if v, ok := ubx.ParseNavSVIN(m); d.read(ok) {
			d.ubx.survey.set(v, f.Received)
		}
	case ubx.TimTOS:
		if v, ok := ubx.ParseTimeOfSecond(m); d.read(ok) {
			d.timeOfSecond(v, f.Received)
		}
	case ubx.MonHW:
		if v, ok := ubx.ParseHW(m); d.read(ok) {
			d.signs.block(v, f.Received, firstBlock)
		}
	case ubx.MonRF:
		place := firstBlock
		d.read(ubx.ParseRF(m, func(b ubx.RFBlock) { d.signs.block(b, f.Received, place); place = laterBlock }))
	case ubx.SecSIG:
		if v, ok := ubx.ParseSecurity(m); d.read(ok) {
			if v.JammingOn {
				d.signs.jamSig.set(v.Jamming, f.Received)
			}
			if v.SpoofingOn {
				d.signs.spoofSig.set(v.Spoofing, f.Received)
			}
		}
	case ubx.MonVER:
		if v, ok := ubx.ParseVersion(m); d.read(ok) {
			d.ubx.version = v
		}
	case ubx.InfERROR, ubx.InfWARNING, ubx.InfNOTICE, ubx.InfTEST, ubx.InfDEBUG:
		if line, ok := ubx.ParseInfo(m); ok {
			d.signs.text(line, f.Received)
		}
	}
}

// read counts a message whose checksum is right and whose content is none that
// is known.
func (d *Decoder) read(ok bool) bool {
	if !ok {
		d.counter.Unreadable++
	}
	return ok
}

func (d *Decoder) ubxSatellites(m ubx.Message, f Frame, emit func(Epoch)) {
	used := 0
	put := func(s ubx.Sat) {
		d.sky.ubx(s, f.Received)
		if s.Used {
			used++
		}
	}
	parse := ubx.ParseSat
	if m.Name() == ubx.NavSVINFO {
		if recent(&d.ubx.sats, f.Received) {
			return // NAV-SAT knows more
		}
		parse = ubx.ParseSVInfo
	} else {
		d.ubx.sats.set(true, f.Received)
	}
	if iTOW, ok := parse(m, put); d.read(ok) {
		d.openUBX(iTOW, f, emit)
		d.used.set(used, f.Received)
	}
}

// setPosition takes a position in UBX's units.
func (d *Decoder) setPosition(at timescale.Mono, fixType int, lat, lon, msl int32, accMm uint32) {
	if fixType < ubx.Fix2D || lat < -90e7 || lat > 90e7 || lon < -180e7 || lon > 180e7 {
		return
	}
	d.position = Position{At: at, Latitude: Some(float64(lat) * 1e-7), Longitude: Some(float64(lon) * 1e-7),
		AltitudeM: Some(float64(msl) / 1000)}
	if accMm != ubx.Unknown32 {
		d.position.AccuracyM = Some(float64(accMm) / 1000)
	}
}

// setSolPosition takes NAV-SOL's, where no other message has a better one.
func (d *Decoder) setSolPosition(v ubx.NavSol, f Frame) {
	place := ecef{float64(v.ECEFCm[0]) / 100, float64(v.ECEFCm[1]) / 100, float64(v.ECEFCm[2]) / 100}
	if d.ubx.sincePVT <= ubxMemory || v.FixType < ubx.Fix2D || !place.onEarth() {
		return
	}
	lat, lon, _ := place.geodetic()
	altitude := d.position.AltitudeM // of POSLLH or GGA: SOL knows no sea level
	d.position = Position{At: f.Received, Latitude: Some(lat), Longitude: Some(lon), AltitudeM: altitude}
	if v.PAccCm != ubx.Unknown32 {
		d.position.AccuracyM = Some(float64(v.PAccCm) / 100)
	}
}
