package gnss

import (
	"math"
	"testing"
)

// Places whose coordinates are known, and back to 1e-9 degrees and a millimetre.
func TestKnownPlacesComeBackFromECEF(t *testing.T) {
	for _, c := range []struct {
		lat, lon, height float64
		want             ecef
	}{
		{0, 0, 0, ecef{6378137, 0, 0}},
		{90, 0, 0, ecef{0, 0, 6356752.314245}},
		{0, 90, 1000, ecef{0, 6379137, 0}},
		{-45, 180, 0, ecef{-4517590.878849, 0, -4487348.408866}},
	} {
		p := toECEF(c.lat, c.lon, c.height)
		if p.distance(c.want) > 1e-3 {
			t.Errorf("%v %v %v: %+v, want %+v", c.lat, c.lon, c.height, p, c.want)
		}
		lat, lon, height := p.geodetic()
		if math.Abs(lat-c.lat) > 1e-9 || c.lat < 90 && math.Abs(lon-c.lon) > 1e-9 || math.Abs(height-c.height) > 1e-3 {
			t.Errorf("%v %v %v came back as %v %v %v", c.lat, c.lon, c.height, lat, lon, height)
		}
		if !p.onEarth() {
			t.Errorf("%+v is not on earth", p)
		}
	}
	if (ecef{}).onEarth() {
		t.Error("the centre is on earth")
	}
}
