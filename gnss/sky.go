package gnss

import (
	"time"

	nmea "github.com/adrianmo/go-nmea"

	"bragi/gnss/timescale"
	"bragi/gnss/ubx"
)

// Constellation is a satellite system.
type Constellation uint8

// The constellations, in the order of NMEA 4.11's system id, then SBAS.
const (
	UnknownSystem Constellation = iota
	GPS
	GLONASS
	Galileo
	BeiDou
	QZSS
	NavIC
	SBAS
	constellations
)

var constellationNames = [constellations]string{"unknown", "GPS", "GLONASS", "Galileo", "BeiDou", "QZSS", "NavIC", "SBAS"}

// String is the system's name.
func (c Constellation) String() string {
	if c < constellations {
		return constellationNames[c]
	}
	return constellationNames[0]
}

// MarshalText makes a Constellation a word in JSON.
func (c Constellation) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// Satellite is one satellite as the receiver reported it last.
type Satellite struct {
	System    Constellation
	ID        int        // the number that NMEA gives it
	Elevation Maybe[int] // degrees
	Azimuth   Maybe[int] // degrees from north, eastward
	CN0       Maybe[int] // carrier to noise density, dB-Hz, the best of its signals; unknown when not tracked
	Used      bool       // in the fix
}

const (
	maxSatellites = 128
	// skyMemory is how long a satellite is shown: some receivers send GSV every
	// five seconds only.
	skyMemory = 12 * time.Second
	// usedMemory is how long a GSA holds.
	usedMemory = 2500 * time.Millisecond
	// sameBurst joins the GSV of several signals of one satellite.
	sameBurst = 500 * time.Millisecond
)

// sky is the table of satellites. It is for the operator: no error in GSV or
// GSA changes what time it is.
type sky struct {
	sats [maxSatellites]skyEntry
	n    int
	told bool // the receiver tells of satellites, be it that there are none
}

// sight is whether a receiver receives satellites, as far as it tells.
type sight uint8

const (
	sightUntold sight = iota // it never told of any
	sightNone
	sightSome
)

type skyEntry struct {
	Satellite
	seen, used timescale.Mono
	byUBX      bool // used holds until the next message says otherwise
}

// gsv takes a GSV: total, number, in view, then id, elevation, azimuth, C/N0 of
// up to four satellites.
func (k *sky) gsv(s *nmea.BaseSentence, now timescale.Mono) {
	k.told = true
	for i := 3; i+3 < len(s.Fields); i += 4 {
		id := count(s, i, 999)
		if !id.Known || id.Value == 0 {
			continue
		}
		e := k.entry(systemOf(s.Talker, 0, id.Value), id.Value, now)
		cn0 := count(s, i+3, 99)
		again := !e.seen.IsZero() && now.Sub(e.seen) < sameBurst
		if !again || cn0.Known && (!e.CN0.Known || cn0.Value > e.CN0.Value) {
			e.CN0 = cn0
		}
		if el := count(s, i+1, 90); el.Known {
			e.Elevation = el
		}
		if az := count(s, i+2, 360); az.Known {
			e.Azimuth = az
		}
		e.seen = now
	}
}

// ubx takes a satellite of NAV-SAT or NAV-SVINFO; the numbers are turned into
// those of NMEA, so that both are one row.
func (k *sky) ubx(s ubx.Sat, now timescale.Mono) {
	k.told = true
	system, id := UnknownSystem, s.ID
	switch s.System {
	case ubx.GPS:
		system = GPS
	case ubx.SBAS:
		system, id = SBAS, s.ID-87
	case ubx.Galileo:
		system = Galileo
	case ubx.BeiDou:
		system = BeiDou
	case ubx.QZSS:
		system = QZSS
	case ubx.GLONASS:
		system, id = GLONASS, s.ID+64
		if s.ID == 255 {
			return // a signal whose satellite is not known yet
		}
	case ubx.NavIC:
		system = NavIC
	}
	if id <= 0 {
		return
	}
	e := k.entry(system, id, now)
	e.CN0, e.Elevation, e.Azimuth = Maybe[int]{}, Maybe[int]{}, Maybe[int]{}
	if s.CN0 > 0 {
		e.CN0 = Some(s.CN0)
	}
	if s.Elevation >= -90 && s.Elevation <= 90 && s.Azimuth >= 0 && s.Azimuth <= 360 {
		e.Elevation, e.Azimuth = Some(s.Elevation), Some(s.Azimuth)
	}
	e.seen, e.used, e.byUBX = now, timescale.Mono{}, true
	if s.Used {
		e.used = now
	}
}

// gsa takes a GSA's satellites in use: fields 2..13, and the system id of NMEA
// 4.11 after the three dilutions.
func (k *sky) gsa(s *nmea.BaseSentence, now timescale.Mono) {
	system := 0
	if id := count(s, 17, int(NavIC)); id.Known {
		system = id.Value
	}
	for i := 2; i < 14; i++ {
		id := count(s, i, 999)
		if !id.Known || id.Value == 0 {
			continue
		}
		k.entry(systemOf(s.Talker, system, id.Value), id.Value, now).used = now
	}
}

// entry finds or makes the row of a satellite; when the table is full the row
// that was heard of longest ago is reused.
func (k *sky) entry(system Constellation, id int, now timescale.Mono) *skyEntry {
	for i := range k.sats[:k.n] {
		if e := &k.sats[i]; e.System == system && e.ID == id {
			return e
		}
	}
	oldest := 0
	if k.n < maxSatellites {
		oldest = k.n
		k.n++
	} else {
		for i := range k.sats {
			if k.sats[i].heard().Before(k.sats[oldest].heard()) {
				oldest = i
			}
		}
	}
	k.sats[oldest] = skyEntry{Satellite: Satellite{System: system, ID: id}}
	return &k.sats[oldest]
}

func (e *skyEntry) heard() timescale.Mono {
	if e.seen.Before(e.used) {
		return e.used
	}
	return e.seen
}

// sees tells whether a satellite was received lately.
func (k *sky) sees(now timescale.Mono) sight {
	if !k.told {
		return sightUntold
	}
	for i := range k.sats[:k.n] {
		if e := &k.sats[i]; e.CN0.Known && e.CN0.Value > 0 && now.Sub(e.seen) <= skyMemory {
			return sightSome
		}
	}
	return sightNone
}

// list is the satellites heard of lately.
func (k *sky) list(now timescale.Mono) []Satellite {
	var l []Satellite
	for i := range k.sats[:k.n] {
		e := &k.sats[i]
		if now.Sub(e.heard()) > skyMemory {
			continue
		}
		s := e.Satellite
		s.Used = !e.used.IsZero() && (e.byUBX || now.Sub(e.used) <= usedMemory)
		l = append(l, s)
	}
	return l
}

// systemOf tells whose satellite a number is: by the system id if the sentence
// has one, else by the talker, else (GN) by NMEA's number ranges.
func systemOf(talker string, systemID, id int) Constellation {
	c := Constellation(systemID)
	if c == UnknownSystem {
		c = talkerSystem(talker)
	}
	switch {
	case (c == GPS || c == UnknownSystem) && (id >= 33 && id <= 64 || id >= 120 && id <= 158):
		return SBAS
	case c != UnknownSystem:
		return c
	case id <= 32:
		return GPS
	case id >= 65 && id <= 96:
		return GLONASS
	case id >= 193 && id <= 202:
		return QZSS
	case id >= 201 && id <= 263 || id >= 401 && id <= 463:
		return BeiDou
	case id >= 301 && id <= 336:
		return Galileo
	}
	return UnknownSystem
}

func talkerSystem(talker string) Constellation {
	switch talker {
	case "GP":
		return GPS
	case "GL":
		return GLONASS
	case "GA":
		return Galileo
	case "GB", "BD":
		return BeiDou
	case "GQ", "QZ":
		return QZSS
	case "GI":
		return NavIC
	}
	return UnknownSystem
}
