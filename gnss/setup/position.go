package setup

import (
	"fmt"
	"math"

	"bragi/gnss/ubx"
)

// Position is where the antenna is: WGS 84, earth-centred, in 0.1 mm. The zero
// value is no position: it lies in the centre of the earth.
type Position struct {
	ECEF      [3]int64
	AccuracyM float64 // 1 sigma, of the survey or the fix
	DoubtM    float64 // how far the antenna may be from it, as it was last compared; 0: as good as it was surveyed
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
	return r > radiusM-off && r < radiusM+off && p.AccuracyM >= 0 && p.AccuracyM < off && p.DoubtM >= 0 && p.DoubtM < off
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
	const solved3D, goodMm = 3, 30_000
	v, ok := ubx.ParsePVT(msg)
	if !ok || v.FixType != solved3D || !v.FixOK || v.HAccMm > goodMm {
		return p, false
	}
	p = FromGeodetic(float64(v.Latitude)*1e-7, float64(v.Longitude)*1e-7, float64(v.HeightMm)/1000)
	p.AccuracyM = math.Hypot(float64(v.HAccMm), float64(v.VAccMm)) / 1000
	return p, true
}

// surveyed reads a survey-in as TIM-SVIN or NAV-SVIN tells it; mean is where the
// antenna is as far as is known.
func surveyed(msg ubx.Message) (v ubx.Survey, mean Position, ok bool) {
	if v, ok = ubx.ParseTimSVIN(msg); !ok {
		v, ok = ubx.ParseNavSVIN(msg)
	}
	for i, m := range []float64{v.X, v.Y, v.Z} {
		mean.ECEF[i] = int64(math.Round(m * perMetre))
	}
	mean.AccuracyM = v.AccuracyM
	return v, mean, ok
}
