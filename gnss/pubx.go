package gnss

import (
	"bytes"
	"strings"

	nmea "github.com/adrianmo/go-nmea"

	"bragi/gnss/timescale"
)

// u-blox's own sentences: PUBX,00 position, PUBX,03 satellites, PUBX,04 time.
// Only the latter tells the leap count that the receiver's UTC is made with.

// pubxLeap is PUBX,04's leap count.
type pubxLeap struct {
	seconds   int
	byDefault bool // the firmware's, marked D: nothing was received yet
}

func pubx(b []byte) bool { return bytes.HasPrefix(b, []byte("$PUBX,")) }

// pubx takes one of them. Its fields are counted from the number after PUBX.
func (d *Decoder) pubx(f Frame, emit func(Epoch)) {
	if f.Kind != FrameNMEA {
		return
	}
	body, _, _ := strings.Cut(string(f.Bytes[1:]), "*")
	fields := strings.Split(body, ",")
	s := &nmea.BaseSentence{Talker: "PUBX", Fields: fields[1:]}
	switch field(s, 0) {
	case "00":
		d.pubxPosition(s, f, emit)
	case "04":
		d.pubxTime(s, f, emit)
	}
}

// pubxTime: 1 time, 2 date ddmmyy, 3 time of week, 4 week, 5 leap seconds.
func (d *Decoder) pubxTime(s *nmea.BaseSentence, f Frame, emit func(Epoch)) {
	tod, ok := parseTimeOfDay(field(s, 1))
	day, dated := parseDDMMYY(field(s, 2), d.floorYear)
	text, byDefault := strings.CutSuffix(field(s, 5), "D")
	if leap, told := digits(text); told && leap <= 255 {
		d.pubxLeap.set(pubxLeap{leap, byDefault}, f.Received)
	}
	if !ok || !dated {
		return
	}
	g := d.open(tod, f, emit)
	if !g.zda {
		g.zda, g.zdaDate = true, day
	} else if g.zdaDate != day {
		d.conflict = groupsOfConflict
	}
	if g.talker == "" {
		g.talker = s.Talker
	}
	d.compareDates(g)
	d.complete(emit)
}

// pubxPosition: 1 time, 2-5 position, 6 height above the ellipsoid, 7 kind of
// fix, 8 horizontal accuracy.
func (d *Decoder) pubxPosition(s *nmea.BaseSentence, f Frame, emit func(Epoch)) {
	tod, ok := parseTimeOfDay(field(s, 1))
	if !ok {
		return
	}
	g := d.open(tod, f, emit)
	q := qualityUnknown
	switch field(s, 7) {
	case "NF":
		q = qualityNone
	case "DR":
		q = qualityEstimated
	case "G2", "G3", "D2", "D3", "RK":
		q = qualityFix
	case "TT":
		q, g.timeOnly = qualityFix, true
	}
	g.quality = max(g.quality, q)
	if q == qualityFix {
		if a := number(s, 8, 0, 1e6); a.Known {
			d.position.AccuracyM = a
		}
	}
	d.complete(emit)
}

// sentenceLeap joins what is known of the receiver's leap count to an epoch from
// sentences: they are in UTC, and good only if the count in it is.
func (d *Decoder) sentenceLeap(e *Epoch, why []Reason) []Reason {
	if e.UTC == (timescale.UTC{}) {
		return why
	}
	if p := d.pubxLeap.held(e.Received); p.Known {
		switch {
		case p.Value.seconds == d.book.LeapS(e.UTC) && p.Value.byDefault:
			e.LeapS, e.LeapSource = Some(p.Value.seconds), LeapFromTable
		case p.Value.byDefault:
			return append(why, ReasonLeapUnknown)
		case d.book.Plausible(e.UTC, p.Value.seconds):
			return d.sentenceVouched(e, p.Value.seconds, why)
		default:
			d.book.TellCount(e.UTC, p.Value.seconds)
			return append(why, ReasonLeapFault)
		}
	}
	if l := d.ubx.leap.held(e.Received); l.Known && d.book.Plausible(e.UTC, l.Value) {
		return d.sentenceVouched(e, l.Value, why)
	}
	return why
}

func (d *Decoder) sentenceVouched(e *Epoch, leapS int, why []Reason) []Reason {
	e.LeapS, e.LeapSource = Some(leapS), LeapFromReceiver
	if len(why) == 0 && !e.Leap60 {
		e.TAI = Some(timescale.TAIFromNs(e.UTC.Ns() + int64(leapS+gpsToTAI)*nsPerSecond))
		d.book.TellCount(e.UTC, leapS)
	}
	return why
}
