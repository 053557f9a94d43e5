package gnss

import (
	"strings"
	"time"

	nmea "github.com/adrianmo/go-nmea"

	"bragi/gnss/timescale"
)

// DecoderConfig is what a Decoder must know.
type DecoderConfig struct {
	// Floor is an instant that is surely past: the program's build date. No
	// earlier date is trusted, and two-digit years are read around it.
	Floor timescale.UTC
	// Book is shared with the Pairer; nil: one of its own around the built-in table.
	Book *LeapBook
	// NextPulse takes what the receiver says of its next pulse; nil: nobody asks.
	NextPulse func(NextPulse)
}

// DecoderCounters count since the Decoder was made.
type DecoderCounters struct {
	FramerCounters
	Epochs     uint64 // given out, trusted or not
	Trusted    uint64
	Unreadable uint64 // sentences with a good checksum whose time or date is none, or that could not be split
}

// Decoder reads a receiver's bytes and gives out one Epoch for each instant
// that the receiver names: as soon as date, time and fix are known, once. Where
// UBX names instants, sentences only confirm them.
//
// The sentences with one time of day are one group. RMC completes it (date,
// time, status); a receiver without RMC completes it with ZDA (date, time) and
// GGA or GNS (fix). What comes after that in the group confirms, or contradicts
// and spoils the next epochs.
type Decoder struct {
	cfg       DecoderConfig
	floorYear int
	framer    Framer
	cut       nmea.BaseSentence
	counter   DecoderCounters

	book      *LeapBook
	floorTAI  timescale.TAI
	ubx       ubxState
	signs     signs
	leapEvent Maybe[LeapEvent]
	pubxLeap  aged[pubxLeap]

	group    group
	sinceRMC int // groups since an RMC came; above groupsWithoutRMC this receiver sends none
	conflict int // groups to go before an RMC/ZDA contradiction is forgotten

	// The latest time that only damage could speak against, and how much damage
	// there had been by then.
	candidate    timescale.TAI
	hasCandidate bool
	damageBefore uint64

	mode     aged[int] // GSA: 1 none, 2 2D, 3 3D
	used     aged[int]
	hdop     aged[float64]
	position Position
	sky      sky

	lastByte, lastEpoch, lastTrusted timescale.Mono
	epoch                            Epoch
	pace                             pace
}

// aged is a value and when it came.
type aged[T any] struct {
	value T
	at    timescale.Mono
	known bool
}

func (a *aged[T]) set(v T, now timescale.Mono) { *a = aged[T]{v, now, true} }

// fresh is the value while it is of this burst or the one before.
func (a *aged[T]) fresh(now timescale.Mono) Maybe[T] {
	if !a.known || now.Sub(a.at) > usedMemory {
		return Maybe[T]{}
	}
	return Some(a.value)
}

const (
	groupsWithoutRMC = 3
	groupsOfConflict = 10
	// confirmWithin is the largest step between two times that confirm each other.
	confirmWithin = 2 * time.Second
)

// NewDecoder makes a Decoder.
func NewDecoder(cfg DecoderConfig) *Decoder {
	if cfg.Book == nil {
		cfg.Book = NewLeapBook(nil)
	}
	d := &Decoder{cfg: cfg, book: cfg.Book, floorYear: cfg.Floor.Civil().Year, sinceRMC: groupsWithoutRMC + 1}
	// What a receiver sends shows in its first group, which waits for its end.
	d.ubx.sincePVT, d.ubx.sinceUTC, d.ubx.sinceGPS = ubxMemory-1, ubxMemory-1, ubxMemory-1
	d.floorTAI = d.book.table.ToTAI(cfg.Floor)
	return d
}

// Counters returns what was counted so far.
func (d *Decoder) Counters() DecoderCounters {
	c := d.counter
	c.FramerCounters = d.framer.Counters()
	return c
}

// Feed takes the next bytes, which came at received (not zero), and gives out
// the epochs that they complete. Epoch.Received may lie in an earlier chunk.
func (d *Decoder) Feed(received timescale.Mono, b []byte, emit func(Epoch)) {
	if len(b) > 0 {
		d.lastByte = received
	}
	d.framer.Feed(received, b, func(f Frame) { d.frame(f, emit) })
}

// Flush ends the stream and gives out what waits.
func (d *Decoder) Flush(emit func(Epoch)) {
	d.framer.Flush(func(f Frame) { d.frame(f, emit) })
	d.closeGroup(emit)
	d.closeUBX(emit)
}

func (d *Decoder) frame(f Frame, emit func(Epoch)) {
	switch f.Kind {
	case FrameNMEA:
	case FrameNMEAUnchecked:
		// Where there are checksums, a line without one is a damaged line.
		if d.framer.counter.Sentences > 0 {
			return
		}
	case FrameUBX:
		d.ubxFrame(f, emit)
		return
	default:
		return
	}
	if pubx(f.Bytes) {
		d.pubx(f, emit)
		return
	}
	if wanted(f.Bytes) {
		d.sentence(d.split(f.Bytes), f, emit)
	}
}

// split cuts a wanted sentence at its commas. Its fields are good until the next
// sentence; go-nmea, which reads what is in them, would allocate them anew.
func (d *Decoder) split(b []byte) *nmea.BaseSentence {
	text := string(b)
	if end := strings.IndexByte(text, '*'); end >= 0 {
		text = text[:end]
	}
	s := &d.cut
	s.Talker, s.Type, s.Fields = text[1:3], text[3:6], s.Fields[:0]
	for rest, more := text[7:], true; more; {
		var f string
		f, rest, more = strings.Cut(rest, ",")
		s.Fields = append(s.Fields, f)
	}
	return s
}

// Sentence types that go-nmea has no parser for, or another name: a receiver's own
// words, and two of its uncertainty.
const (
	typeTXT = "TXT"
	typeGST = "GST"
	typeGBS = "GBS"
)

// readTypes are the sentences that are read, of any talker.
var readTypes = []string{nmea.TypeRMC, nmea.TypeZDA, nmea.TypeGGA, nmea.TypeGNS, nmea.TypeGLL, nmea.TypeGSA, nmea.TypeGSV,
	typeGST, typeGBS, typeTXT}

// wanted tells whether the sentence is of a type that is read.
func wanted(b []byte) bool {
	if len(b) < 7 || b[6] != ',' || b[1] == nmea.ProprietarySentencePrefix {
		return false
	}
	for _, t := range readTypes {
		if string(b[3:6]) == t {
			return true
		}
	}
	return false
}

func (d *Decoder) sentence(s *nmea.BaseSentence, f Frame, emit func(Epoch)) {
	switch s.Type {
	case nmea.TypeRMC:
		d.rmc(s, f, emit)
	case nmea.TypeZDA:
		d.zda(s, f, emit)
	case nmea.TypeGGA, nmea.TypeGNS:
		d.fixData(s, f, emit)
	case nmea.TypeGLL:
		d.gll(s, f, emit)
	case typeGST, typeGBS:
		d.uncertainty(s)
	case typeTXT:
		d.signs.text(field(s, 3), f.Received)
	case nmea.TypeGSV:
		d.sky.gsv(s, f.Received)
	case nmea.TypeGSA:
		d.gsa(s, f.Received)
	}
}

// rmc: 0 time, 1 status A or V, 2-5 position, 6 speed, 7 course, 8 date
// ddmmyy, 9-10 magnetic variation, 11 mode (NMEA 2.3). Some receivers drop
// fields after the date; then the last single letter is the mode.
func (d *Decoder) rmc(s *nmea.BaseSentence, f Frame, emit func(Epoch)) {
	d.sinceRMC = 0
	status := field(s, 1)
	tod, ok := d.timeOfDay(s)
	if !ok {
		e := Epoch{Received: f.Received, Talker: s.Talker, Why: []Reason{ReasonNoTime}}
		if status != nmea.ValidRMC {
			e.Why = []Reason{ReasonNoFix, ReasonNoTime}
		}
		d.give(e, emit)
		return
	}
	g := d.open(tod, f, emit)
	g.rmc, g.talker = true, s.Talker
	g.valid = status == nmea.ValidRMC
	g.mode = rmcMode(s)
	g.rmcDate, g.hasRMCDate = parseDDMMYY(field(s, 8), d.floorYear)
	d.compareDates(g)
	if !g.given {
		d.giveGroup(emit)
	}
}

// timeOfDay reads field 0. Empty is a receiver that has no time; anything else
// that is no time is damage that the checksum did not show.
func (d *Decoder) timeOfDay(s *nmea.BaseSentence) (timeOfDay, bool) {
	text := field(s, 0)
	tod, ok := parseTimeOfDay(text)
	if !ok && text != "" {
		d.counter.Unreadable++
	}
	return tod, ok
}

// rmcMode is the mode indicator, 0 if there is none.
func rmcMode(s *nmea.BaseSentence) byte {
	for _, i := range []int{11, 10} {
		if m := field(s, i); len(m) == 1 && (i == 11 || m != nmea.East && m != nmea.West) {
			return m[0]
		}
	}
	return 0
}

// zda: 0 time, 1 day, 2 month, 3 year, 4-5 local zone.
func (d *Decoder) zda(s *nmea.BaseSentence, f Frame, emit func(Epoch)) {
	tod, ok := d.timeOfDay(s)
	day, ok1 := digits(field(s, 1))
	month, ok2 := digits(field(s, 2))
	year, ok3 := digits(field(s, 3))
	if !ok || !ok1 || !ok2 || !ok3 || len(field(s, 3)) != 4 {
		return
	}
	g := d.open(tod, f, emit)
	g.zda, g.zdaDate = true, date{year, month, day}
	if g.talker == "" {
		g.talker = s.Talker
	}
	d.compareDates(g)
	d.complete(emit)
}

// fixData: GGA has 0 time, 1-4 position, 5 quality, 6 satellites, 7 HDOP, 8
// altitude. GNS differs in 5 alone: a mode letter for each constellation.
func (d *Decoder) fixData(s *nmea.BaseSentence, f Frame, emit func(Epoch)) {
	tod, ok := d.timeOfDay(s)
	if !ok {
		return
	}
	quality := ggaQuality(field(s, 5))
	if s.Type == nmea.TypeGNS {
		quality = gnsQuality(field(s, 5))
	}
	g := d.open(tod, f, emit)
	g.quality = max(g.quality, quality)
	if n := count(s, 6, 999); n.Known && g.counted != s.Talker {
		// GP and GL of one second each count their own satellites; GGA and GNS of
		// one talker count the same ones.
		g.counted = s.Talker
		if g.sats.Known {
			n.Value += g.sats.Value
		}
		g.sats = n
		d.used.set(n.Value, f.Received)
	}
	if h := number(s, 7, 0.01, 99); h.Known {
		d.hdop.set(h.Value, f.Received)
	}
	if quality >= qualityFix {
		lat, lon := degrees(s, 1, 90), degrees(s, 3, 180)
		if lat.Known && lon.Known {
			d.setSentencePosition(f, lat, lon, number(s, 8, -1000, 100_000))
		}
	}
	d.complete(emit)
}

// gsa: 0 selection, 1 mode (1 no fix, 2 2D, 3 3D), 2-13 satellites, 14-16 PDOP,
// HDOP, VDOP.
func (d *Decoder) gsa(s *nmea.BaseSentence, now timescale.Mono) {
	if m := count(s, 1, 3); m.Known && m.Value >= 1 {
		d.mode.set(m.Value, now)
	}
	d.sky.gsa(s, now)
}
