package gnss

import "math"

// WGS 84.
const (
	earthA = 6_378_137.0       // m, semi-major axis
	earthF = 1 / 298.257223563 // flattening
	earthE = earthF * (2 - earthF)
)

// ecef is a place in m, earth-centred, earth-fixed.
type ecef struct {
	X float64 `json:"x_m"`
	Y float64 `json:"y_m"`
	Z float64 `json:"z_m"`
}

// distance is in m.
func (p ecef) distance(q ecef) float64 {
	return math.Sqrt((p.X-q.X)*(p.X-q.X) + (p.Y-q.Y)*(p.Y-q.Y) + (p.Z-q.Z)*(p.Z-q.Z))
}

// onEarth tells whether the place is near the surface: a receiver that has no
// position sends zeros.
func (p ecef) onEarth() bool {
	r := p.distance(ecef{})
	return r > 6.3e6 && r < 6.5e6
}

// toECEF is the place of a latitude and longitude in degrees and a height above
// the ellipsoid in m.
func toECEF(latitude, longitude, height float64) ecef {
	sinLat, cosLat := math.Sincos(latitude * math.Pi / 180)
	sinLon, cosLon := math.Sincos(longitude * math.Pi / 180)
	n := earthA / math.Sqrt(1-earthE*sinLat*sinLat)
	return ecef{(n + height) * cosLat * cosLon, (n + height) * cosLat * sinLon, (n*(1-earthE) + height) * sinLat}
}

// geodetic is the inverse, by Bowring's formula: below 1 mm near the surface.
func (p ecef) geodetic() (latitude, longitude, height float64) {
	b := earthA * (1 - earthF)
	r := math.Hypot(p.X, p.Y)
	sinT, cosT := math.Sincos(math.Atan2(p.Z*earthA, r*b))
	lat := math.Atan2(p.Z+earthE/(1-earthE)*b*sinT*sinT*sinT, r-earthE*earthA*cosT*cosT*cosT)
	sinLat, cosLat := math.Sincos(lat)
	n := earthA / math.Sqrt(1-earthE*sinLat*sinLat)
	if math.Abs(cosLat) > 0.5 {
		height = r/cosLat - n
	} else {
		height = p.Z/sinLat - n*(1-earthE)
	}
	return lat * 180 / math.Pi, math.Atan2(p.Y, p.X) * 180 / math.Pi, height
}
