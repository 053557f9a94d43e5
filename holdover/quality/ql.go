package quality

// QL is a quality level of ITU-T G.781, option I.
type QL uint8

// The levels, the better first.
const (
	QLPRC    QL = iota // a primary reference
	QLSSUA             // a rubidium
	QLSSUB             // a good oven
	QLSEC              // an equipment clock: within 4.6e-6
	QLDNU              // do not use
	QLFailed           // nothing comes
)

var qls = [...]struct {
	name  string
	class uint8
}{{"QL-PRC", 84}, {"QL-SSU-A", 90}, {"QL-SSU-B", 96}, {"QL-SEC", 104}, {"QL-DNU", 110}, {"QL-FAILED", 110}}

// String is the level as a Cisco screen writes it.
func (q QL) String() string { return qls[q].name }

// Class is the clockClass that stands for it in the profile of ITU-T G.8265.1.
func (q QL) Class() uint8 { return qls[q].class }

// OutputQL is the level of what is announced: that of a primary reference in LOCKED alone,
// else that of the oscillator.
func OutputQL(a Announcement, p Profile, oscillator QL) QL {
	if int(p) >= len(Profiles) {
		p = AlternativeA
	}
	if a.ClockClass == Profiles[p].Locked {
		return QLPRC
	}
	return oscillator
}

// OscillatorQL is the level of the oscillator alone. A plain crystal may be 25 ppm off:
// until it has been steered nobody should use it. category is FrequencyCategory of
// Input.
func OscillatorQL(category uint8, plain, everLocked bool) QL {
	switch {
	case category > 0 && category <= 2:
		return QLSSUA
	case plain && !everLocked:
		return QLDNU
	}
	return QLSEC
}
