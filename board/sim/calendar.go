package sim

// The receiver speaks in calendar dates; the core may not use time.Time. The
// conversion is the usual one with the year starting in March, so that the leap
// day is the last (Gregorian calendar, days since 1970-01-01).

type civil struct {
	year, month, day     int
	hour, minute, second int
	weekday              int // 0 Sunday
}

const secondsOfDay = 86_400

// civilOf is the date and time of whole seconds since 1970-01-01.
func civilOf(s int64) civil {
	days, rest := s/secondsOfDay, s%secondsOfDay
	if rest < 0 {
		days, rest = days-1, rest+secondsOfDay
	}
	z := days + 719_468 // since 0000-03-01
	era := z / 146_097
	if z < 0 {
		era = (z - 146_096) / 146_097
	}
	dayOfEra := z - era*146_097
	yearOfEra := (dayOfEra - dayOfEra/1460 + dayOfEra/36_524 - dayOfEra/146_096) / 365
	dayOfYear := dayOfEra - (365*yearOfEra + yearOfEra/4 - yearOfEra/100)
	mp := (5*dayOfYear + 2) / 153
	c := civil{
		day:    int(dayOfYear - (153*mp+2)/5 + 1),
		month:  int(mp + 3),
		year:   int(yearOfEra + era*400),
		hour:   int(rest / 3600),
		minute: int(rest / 60 % 60),
		second: int(rest % 60),
	}
	if c.month > 12 {
		c.month -= 12
		c.year++
	}
	if c.weekday = int((days + 4) % 7); c.weekday < 0 {
		c.weekday += 7
	}
	return c
}
