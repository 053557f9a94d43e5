package gnss

import (
	"math"
	"strings"

	nmea "github.com/adrianmo/go-nmea"

	"bragi/gnss/timescale"
)

// go-nmea converts plain numbers. What it takes on trust
// is checked here: it accepts hour 24, 31 February, year -1, NaN, and refuses
// whole RMC sentences of receivers that drop a field. So the fields that matter
// are read one by one, and a field that is wrong is unknown.

const nsPerSecond = 1_000_000_000

// timeOfDay is hhmmss[.sss] as numbers; ok only if every digit is one.
// second may be 60.
type timeOfDay struct {
	hour, minute, second, ns int
}

func parseTimeOfDay(s string) (t timeOfDay, ok bool) {
	whole, frac, _ := strings.Cut(s, ".")
	if len(whole) != 6 {
		return t, false
	}
	var ok1, ok2, ok3, ok4 bool
	t.hour, ok1 = digits(whole[0:2])
	t.minute, ok2 = digits(whole[2:4])
	t.second, ok3 = digits(whole[4:6])
	t.ns, ok4 = fraction(frac)
	if !ok1 || !ok2 || !ok3 || !ok4 || t.hour > 23 || t.minute > 59 || t.second > 60 {
		return timeOfDay{}, false
	}
	return t, true
}

// fraction is the nanoseconds of the digits after the point, cut after nine.
func fraction(s string) (ns int, ok bool) {
	scale := nsPerSecond
	for i := 0; i < len(s); i++ {
		if s[i] < '0' || s[i] > '9' {
			return 0, false
		}
		scale /= 10
		ns += int(s[i]-'0') * scale
	}
	return ns, true
}

// digits is the number that s is, when it is nothing but digits.
func digits(s string) (n int, ok bool) {
	if s == "" || len(s) > 9 {
		return 0, false
	}
	for i := 0; i < len(s); i++ {
		if s[i] < '0' || s[i] > '9' {
			return 0, false
		}
		n = n*10 + int(s[i]-'0')
	}
	return n, true
}

type date struct{ year, month, day int }

// parseDDMMYY reads RMC's date. The two digits mean the year that lies in the
// hundred years around the floor, sixty back and forty on: 99 stays 1999 (a week
// rollover) and 70 stays 1970 (a receiver's default), to be caught by the floor.
func parseDDMMYY(s string, floorYear int) (d date, ok bool) {
	if len(s) != 6 {
		return d, false
	}
	dd, ok1 := digits(s[0:2])
	mm, ok2 := digits(s[2:4])
	yy, ok3 := digits(s[4:6])
	if !ok1 || !ok2 || !ok3 {
		return d, false
	}
	first := floorYear - 100 + twoDigitYears
	year := first + ((yy-first)%100+100)%100
	return date{year, mm, dd}, true
}

// plausibleYears is how far after the floor a date is still believed: the life
// of the hardware, amply.
const plausibleYears = 50

// twoDigitYears is how far after the floor a year of two digits may be.
const twoDigitYears = 40

// instant joins date and time of day; it refuses what no calendar has.
func instant(d date, t timeOfDay) (u timescale.UTC, leap60, ok bool) {
	u, leap60, err := timescale.DateLeap(d.year, d.month, d.day, t.hour, t.minute, t.second, t.ns)
	return u, leap60, err == nil
}

// field is the i-th field, empty when the sentence is shorter.
func field(s *nmea.BaseSentence, i int) string {
	if i < len(s.Fields) {
		return s.Fields[i]
	}
	return ""
}

// number is a field as a finite number between low and high.
func number(s *nmea.BaseSentence, i int, low, high float64) Maybe[float64] {
	p := nmea.NewParser(*s)
	v := p.NullFloat64(i, "number")
	if p.Err() != nil || !v.Valid || math.IsNaN(v.Value) || v.Value < low || v.Value > high {
		return Maybe[float64]{}
	}
	return Some(v.Value)
}

// count is a field of digits not above high.
func count(s *nmea.BaseSentence, i, high int) Maybe[int] {
	n, ok := digits(field(s, i))
	if !ok || n > high {
		return Maybe[int]{}
	}
	return Some(n)
}

// degrees is a latitude or longitude in degrees, north and east positive, from
// the fields i (dddmm.mmm) and i+1 (N, S, E, W).
func degrees(s *nmea.BaseSentence, i int, limit float64) Maybe[float64] {
	v, err := nmea.ParseGPS(field(s, i) + " " + field(s, i+1))
	if err != nil || math.IsNaN(v) || v < -limit || v > limit {
		return Maybe[float64]{}
	}
	return Some(v)
}
