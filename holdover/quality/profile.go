package quality

// Profile picks the numbers of clockClass.
type Profile uint8

// The sets of classes. IEEE 1588-2008 table 5 has two pairs for a clock that
// fell out of spec or never locked: alternative A (52, 58) and B (187, 193);
// a clock of class 127 or less never becomes a client of another.
const (
	AlternativeA Profile = iota // 6, 7, 52, 58: the default
	AlternativeB                // 6, 7, 187, 193
	Default248                  // 6, 7, 52, 248: the default class for a free run
	G82752                      // 6, 7, 140/150/160, 248 (ITU-T G.8275.2)
)

// Classes are the numbers of a profile.
type Classes struct {
	Locked, InSpec uint8
	OutOfSpec      [3]uint8 // by frequency category 1, 2, 3
	FreeRun        uint8
}

// Profiles is the table of classes, by Profile.
var Profiles = [...]Classes{
	AlternativeA: {6, 7, [3]uint8{52, 52, 52}, 58},
	AlternativeB: {6, 7, [3]uint8{187, 187, 187}, 193},
	Default248:   {6, 7, [3]uint8{52, 52, 52}, 248},
	G82752:       {6, 7, [3]uint8{140, 150, 160}, 248},
}

// String names the profile as the configuration and the screens do.
func (p Profile) String() string {
	switch p {
	case AlternativeA:
		return "alternative A"
	case AlternativeB:
		return "alternative B"
	case Default248:
		return "alternative A, free run 248"
	case G82752:
		return "g8275.2"
	}
	return "unknown"
}

func (p Profile) class(r row, category uint8) uint8 {
	if int(p) >= len(Profiles) {
		p = AlternativeA
	}
	c := Profiles[p]
	switch r {
	case rowLocked:
		return c.Locked
	case rowInSpec:
		return c.InSpec
	case rowOutOfSpec:
		if category < 1 || category > 3 {
			category = 3
		}
		return c.OutOfSpec[category-1]
	}
	return c.FreeRun
}

// ClassName says in a few words what a clockClass means (IEEE 1588-2008 table 5,
// 1588-2019 table 4, ITU-T G.8275.1 table 2).
func ClassName(class uint8) string {
	switch class {
	case 6:
		return "locked to a primary reference"
	case 7:
		return "holdover within spec"
	case 13:
		return "locked to an application-specific source"
	case 14:
		return "holdover within spec, application-specific"
	case 52, 187:
		return "holdover out of spec"
	case 58, 193:
		return "free run"
	case 135:
		return "boundary clock, holdover within spec"
	case 140, 150, 160:
		return "holdover out of spec, frequency category " + string('1'+rune((class-140)/10))
	case 165:
		return "boundary clock, holdover out of spec"
	case 248:
		return "default, free run"
	case 255:
		return "client only"
	}
	return "reserved or of another profile"
}
