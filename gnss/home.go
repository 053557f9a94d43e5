package gnss

// home is the antenna's place as fixes tell it, on the ellipsoid: their mean, each
// weighed by its accuracy, so that good fixes make good what the first ones of a
// cold start have said. From homeStands fixes on it stands: who drags the fixes
// along slowly does not take it with them.
type home struct {
	At     ecef    `json:"at"`
	Fixes  int     `json:"fixes"`
	Weight float64 `json:"weight"` // sum of the fixes' 1/m^2
}

const (
	homeFixes  = 30   // fixes that make the place
	homeStands = 3600 // fixes after which it is never given up for another by itself
	homeAgain  = 300  // fixes in a row that make another one
	homeDoubtM = 50   // a fix that may be off by more says nothing of it
	dilutionM  = 10   // what a fix may be off by for each unit of its horizontal dilution
)

// fixAccuracyM is what a fix may be off by: the receiver's word for it, else by the
// dilution of precision. One of which nothing is told is the least that counts.
func fixAccuracyM(e Epoch, p Position) float64 {
	switch {
	case p.AccuracyM.Known:
		return max(p.AccuracyM.Value, 1)
	case e.HDOP.Known && e.Fix != FixTime:
		return max(dilutionM*e.HDOP.Value, 1)
	}
	return homeDoubtM
}

// standing is a home that a survey has made.
func standing(at ecef) home { return home{At: at, Fixes: homeStands, Weight: homeStands} }

func (h *home) add(here ecef, accuracyM float64) {
	if h.Fixes >= homeStands {
		return
	}
	w := 1 / (accuracyM * accuracyM)
	h.Fixes++
	h.Weight += w
	share := w / h.Weight
	h.At.X += share * (here.X - h.At.X)
	h.At.Y += share * (here.Y - h.At.Y)
	h.At.Z += share * (here.Z - h.At.Z)
}

// possible tells whether a home that was saved can be one.
func (h home) possible() bool { return h.At.onEarth() && h.Fixes > 0 && h.Weight > 0 }

// outweighs tells whether so many good fixes say that this is the place that the old
// one was a mistake.
func (h home) outweighs(old home) bool {
	return old.Fixes < homeStands && h.Fixes >= homeAgain && h.Weight > old.Weight
}
