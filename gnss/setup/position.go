package setup

import (
	"encoding/binary"
	"fmt"
	"math"

	"bragi/gnss/ubx"
)

// Position is where the antenna is: WGS 84, earth-centred, in 0.1 mm. The zero
// value is no position: it lies in the centre of the earth.
type Position struct {
	ECEF      [3]int64
	AccuracyM float64 // 1 sigma, of the survey
}

// IsZero tells a position that is not known.
func (p Position) IsZero() bool { return p.ECEF == [3]int64{} }

// perMetre is the unit of ECEF.
const perMetre = 10_000

// DistanceM is how far two positions are from each other.
func (p Position) DistanceM(q Position) float64 {
	sum := 0.0
	for i := range p.ECEF {
		d := float64(p.ECEF[i]-q.ECEF[i]) / perMetre
		sum += d * d
	}
	return math.Sqrt(sum)
}

// Plausible tells a position within 100 km of the earth's surface.
func (p Position) Plausible() bool {
	const radiusM, off = 6_371_000, 100_000
	r := p.DistanceM(Position{})
	return r > radiusM-off && r < radiusM+off && p.AccuracyM >= 0 && p.AccuracyM < off
}

// String is the position for a log.
func (p Position) String() string {
	return fmt.Sprintf("X %.2f Y %.2f Z %.2f m, good to %.2f m",
		float64(p.ECEF[0])/perMetre, float64(p.ECEF[1])/perMetre, float64(p.ECEF[2])/perMetre, p.AccuracyM)
}

// WGS 84.
const (
	equatorM   = 6_378_137.0
	flattening = 1 / 298.257223563
)

// FromGeodetic is the position at latitude and longitude in degrees, and a
// height above the ellipsoid in m.
func FromGeodetic(latitude, longitude, heightM float64) Position {
	const e2 = flattening * (2 - flattening)
	lat, lon := latitude*math.Pi/180, longitude*math.Pi/180
	n := equatorM / math.Sqrt(1-e2*math.Sin(lat)*math.Sin(lat))
	x := (n + heightM) * math.Cos(lat) * math.Cos(lon)
	y := (n + heightM) * math.Cos(lat) * math.Sin(lon)
	z := (n*(1-e2) + heightM) * math.Sin(lat)
	return Position{ECEF: [3]int64{int64(math.Round(x * perMetre)), int64(math.Round(y * perMetre)), int64(math.Round(z * perMetre))}}
}

// fix is what NAV-PVT says of the position: a 3D fix, good enough to compare.
func fix(msg ubx.Message) (p Position, ok bool) {
	const goodMm = 30_000
	b := msg.Payload
	if len(b) < 84 || b[20] != 3 || b[21]&1 == 0 || binary.LittleEndian.Uint32(b[40:]) > goodMm {
		return p, false
	}
	i4 := func(i int) float64 { return float64(int32(binary.LittleEndian.Uint32(b[i:]))) }
	return FromGeodetic(i4(28)*1e-7, i4(24)*1e-7, i4(32)/1000), true
}

// progress is a survey-in as TIM-SVIN or NAV-SVIN tells it.
type progress struct {
	durationS     uint32
	mean          Position
	valid, active bool
}

// surveyed reads TIM-SVIN (28 bytes; cm, mm squared) and NAV-SVIN (40 bytes; cm
// and 0.1 mm).
func surveyed(msg ubx.Message) (s progress, ok bool) {
	b := msg.Payload
	u4 := func(i int) uint32 { return binary.LittleEndian.Uint32(b[i:]) }
	const perCm = 100
	switch {
	case msg.Name() == ubx.TimSVIN && len(b) == 28:
		s = progress{durationS: u4(0), valid: b[24] != 0, active: b[25] != 0}
		for i := range s.mean.ECEF {
			s.mean.ECEF[i] = int64(int32(u4(4+4*i))) * perCm
		}
		s.mean.AccuracyM = math.Sqrt(float64(u4(16))) / 1000
	case msg.Name() == ubx.NavSVIN && len(b) == 40 && b[0] == 0:
		s = progress{durationS: u4(8), valid: b[36] != 0, active: b[37] != 0}
		for i := range s.mean.ECEF {
			s.mean.ECEF[i] = int64(int32(u4(12+4*i)))*perCm + int64(int8(b[24+i]))
		}
		s.mean.AccuracyM = float64(u4(28)) / perMetre
	default:
		return s, false
	}
	return s, true
}
