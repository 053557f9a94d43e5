package setup

import "math"

// comparison weighs whether the antenna still stands where it was surveyed: the mean of
// many fixes against the place that is held, by the accuracies of both. The errors of
// fixes within minutes are much alike, so that their mean is hardly better than one.
type comparison struct {
	fixes    int
	off      [3]float64 // m, mean from the place that is held
	accuracy float64    // m, mean of what the receiver says of its fixes
}

const (
	compareFixes  = 30
	compareSigmas = 3
	compareLeastM = 5 // an antenna that was put up again a little beside is the same
)

// add takes a fix.
func (c *comparison) add(here, held Position) {
	c.fixes++
	share := 1 / float64(c.fixes)
	for i := range c.off {
		c.off[i] += share * (float64(here.ECEF[i]-held.ECEF[i])/perMetre - c.off[i])
	}
	c.accuracy += share * (here.AccuracyM - c.accuracy)
}

func (c *comparison) distanceM() float64 {
	return math.Sqrt(c.off[0]*c.off[0] + c.off[1]*c.off[1] + c.off[2]*c.off[2])
}

// sigmaM is what the distance may be by chance.
func (c *comparison) sigmaM(held Position) float64 { return math.Hypot(c.accuracy, held.AccuracyM) }

// moved tells whether chance does not explain the distance.
func (c *comparison) moved(held Position) bool {
	return c.distanceM() > max(compareSigmas*c.sigmaM(held), compareLeastM)
}

// doubtM is how far the antenna may be from the place that is held.
func (c *comparison) doubtM() float64 { return c.distanceM() + c.accuracy }
