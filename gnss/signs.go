package gnss

import (
	"strings"
	"time"

	"bragi/gnss/timescale"
	"bragi/gnss/ubx"
)

// The words for what a receiver says of its antenna and of its surroundings.
const (
	AntennaOK    = "ok"
	AntennaOpen  = "open"
	AntennaShort = "short"

	JammingOK       = "ok"
	JammingWarning  = "warning"
	JammingCritical = "critical"

	SpoofingNone      = "none"
	SpoofingIndicated = "indicated"
	SpoofingAffirmed  = "affirmed"
)

var (
	jammingWords  = [...]string{ubx.JammingOK: JammingOK, ubx.JammingWarning: JammingWarning, ubx.JammingCritical: JammingCritical}
	spoofingWords = [...]string{ubx.SpoofingNone: SpoofingNone, ubx.SpoofingIndicated: SpoofingIndicated, ubx.SpoofingAffirmed: SpoofingAffirmed}
)

// signMemory is how long a word about the antenna or of a detector holds;
// receivers send them seldom, and some only when they change.
const signMemory = 90 * time.Second

// signs are what the receiver says of antenna, jamming and spoofing.
type signs struct {
	antenna     aged[string]
	jamHW       aged[ubx.Jamming]
	jamSig      aged[ubx.Jamming]
	indicator   aged[int] // continuous wave, 0 to 255
	spoofStatus aged[ubx.Spoofing]
	spoofSig    aged[ubx.Spoofing]
}

func recent[T any](a *aged[T], now timescale.Mono) bool {
	return a.known && now.Sub(a.at) <= signMemory
}

func (s *signs) setAntenna(state string, now timescale.Mono) {
	s.antenna.set(state, now)
}

// blockPlace is where a front end stands in its message.
type blockPlace bool

const (
	firstBlock blockPlace = false
	laterBlock blockPlace = true
)

// block takes the front ends that came in one message, the worst counting.
func (s *signs) block(b ubx.RFBlock, now timescale.Mono, place blockPlace) {
	again := place == laterBlock
	state := ""
	switch b.Antenna {
	case ubx.AntennaOK:
		state = AntennaOK
	case ubx.AntennaOpen:
		state = AntennaOpen
	case ubx.AntennaShort:
		state = AntennaShort
	}
	if state != "" && (!again || state != AntennaOK || !s.antenna.known || s.antenna.at != now) {
		s.setAntenna(state, now)
	}
	if !again || b.Jamming > s.jamHW.value {
		s.jamHW.set(b.Jamming, now)
	}
	if b.HasIndicator && (!again || int(b.JamIndicator) > s.indicator.value) {
		s.indicator.set(int(b.JamIndicator), now)
	}
}

// text takes a receiver's own words: TXT and INF messages. Generations of u-blox
// write ANTSTATUS=OK, others ANTENNA OPEN.
func (s *signs) text(line string, now timescale.Mono) {
	word, found := strings.CutPrefix(line, "ANTSTATUS=")
	if !found {
		if word, found = strings.CutPrefix(line, "ANTENNA "); !found {
			return
		}
	}
	switch strings.TrimSpace(word) {
	case "OK":
		s.setAntenna(AntennaOK, now)
	case "OPEN":
		s.setAntenna(AntennaOpen, now)
	case "SHORT":
		s.setAntenna(AntennaShort, now)
	}
}

// antennaAt is the antenna's state at now. Words that are sent only when they
// change hold until the next.
func (s *signs) antennaAt() Maybe[string] {
	if !s.antenna.known {
		return Maybe[string]{}
	}
	return Some(s.antenna.value)
}

func (s *signs) jammingAt(now timescale.Mono) Maybe[string] {
	worst := ubx.JammingUnknown
	for _, a := range []*aged[ubx.Jamming]{&s.jamHW, &s.jamSig} {
		if recent(a, now) {
			worst = max(worst, a.value)
		}
	}
	if worst == ubx.JammingUnknown {
		return Maybe[string]{}
	}
	return Some(jammingWords[worst])
}

func (s *signs) spoofingAt(now timescale.Mono) Maybe[string] {
	worst := ubx.SpoofingUnknown
	for _, a := range []*aged[ubx.Spoofing]{&s.spoofStatus, &s.spoofSig} {
		if recent(a, now) {
			worst = max(worst, a.value)
		}
	}
	if worst == ubx.SpoofingUnknown {
		return Maybe[string]{}
	}
	return Some(spoofingWords[worst])
}
