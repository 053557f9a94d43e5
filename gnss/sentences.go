package gnss

import nmea "github.com/adrianmo/go-nmea"

// gll: 0-3 position, 4 time, 5 status A or V, 6 mode (NMEA 2.3). It gives a
// receiver without GGA and GNS its fix.
func (d *Decoder) gll(s *nmea.BaseSentence, f Frame, emit func(Epoch)) {
	tod, ok := parseTimeOfDay(field(s, 4))
	if !ok {
		return
	}
	q := qualityUnknown
	switch field(s, 5) {
	case nmea.ValidGLL:
		q = qualityFix
		if m := field(s, 6); len(m) == 1 {
			if by := modeQuality(m[0]); by != qualityUnknown {
				q = by
			}
		}
	case nmea.InvalidGLL:
		q = qualityNone
	}
	g := d.open(tod, f, emit)
	g.quality = max(g.quality, q)
	if q == qualityFix && d.position.At != f.Received && !g.sats.Known {
		lat, lon := degrees(s, 0, 90), degrees(s, 2, 180)
		if lat.Known && lon.Known {
			d.setSentencePosition(f, lat, lon, d.position.AltitudeM)
		}
	}
	d.complete(emit)
}

// uncertainty takes the standard deviations of the position: GST has latitude's
// and longitude's in fields 5 and 6, GBS the expected errors in 1 and 2, in m.
func (d *Decoder) uncertainty(s *nmea.BaseSentence) {
	i := 5
	if s.Type == typeGBS {
		i = 1
	}
	north, east := number(s, i, 0, 1e6), number(s, i+1, 0, 1e6)
	if north.Known && east.Known {
		d.position.AccuracyM = Some(max(north.Value, east.Value))
	}
}

// setSentencePosition takes a position; msl is in m.
func (d *Decoder) setSentencePosition(f Frame, lat, lon, msl Maybe[float64]) {
	d.position = Position{At: f.Received, Latitude: lat, Longitude: lon, AltitudeM: msl, AccuracyM: d.position.AccuracyM}
}
