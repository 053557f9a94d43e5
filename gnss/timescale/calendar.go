package timescale

import "fmt"

const (
	nsPerSecond = int64(1_000_000_000)
	secPerDay   = int64(86_400)
	firstYear   = 1970
	lastYear    = 2261 // the last whole year that int64 nanoseconds since 1970 hold
)

// Civil is a date and a time of day. Second is 60 in a leap second.
type Civil struct {
	Year, Month, Day, Hour, Minute, Second, Ns int
}

// Date is the instant of a date and time of day in UTC. It refuses what no
// calendar has (31 February, 24:00:00), years outside 1970..2261, and second
// 60, which UTC cannot hold: see DateLeap.
func Date(year, month, day, hour, minute, second, ns int) (UTC, error) {
	if second == 60 {
		return UTC{}, fmt.Errorf("timescale: second 60 at %04d-%02d-%02d %02d:%02d: no value of its own in UTC",
			year, month, day, hour, minute)
	}
	u, _, err := DateLeap(year, month, day, hour, minute, second, ns)
	return u, err
}

// DateLeap is Date that also takes 23:59:60 on the last day of a month, where
// ITU-R TF.460-6 allows a leap second. It is returned as the instant one
// second earlier with leap60 true, as LeapSeconds.ToUTC does.
func DateLeap(year, month, day, hour, minute, second, ns int) (u UTC, leap60 bool, err error) {
	switch {
	case year < firstYear || year > lastYear:
		return UTC{}, false, fmt.Errorf("timescale: year %d is not in %d..%d", year, firstYear, lastYear)
	case month < 1 || month > 12:
		return UTC{}, false, fmt.Errorf("timescale: month %d is not in 1..12", month)
	case day < 1 || day > daysIn(year, month):
		return UTC{}, false, fmt.Errorf("timescale: %04d-%02d has no day %d", year, month, day)
	case hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 60:
		return UTC{}, false, fmt.Errorf("timescale: %02d:%02d:%02d is no time of day", hour, minute, second)
	case ns < 0 || int64(ns) >= nsPerSecond:
		return UTC{}, false, fmt.Errorf("timescale: %d ns is not a fraction of a second", ns)
	}
	if second == 60 {
		if hour != 23 || minute != 59 || day != daysIn(year, month) {
			return UTC{}, false, fmt.Errorf("timescale: %04d-%02d-%02d %02d:%02d:60 cannot be a leap second",
				year, month, day, hour, minute)
		}
		second, leap60 = 59, true
	}
	s := daysSince1970(year, month, day)*secPerDay + int64(hour)*3600 + int64(minute)*60 + int64(second)
	return UTC{s*nsPerSecond + int64(ns)}, leap60, nil
}

// Civil is the date and time of day of t.
func (t UTC) Civil() Civil { return civil(t.utcNs) }

// String is RFC 3339 with milliseconds, or nanoseconds where they are needed.
func (t UTC) String() string { return civil(t.utcNs).String() + "Z" }

// StringLeap is String, with 23:59:60 for the leap second that ToUTC gave as
// 23:59:59 and leap60.
func (t UTC) StringLeap(leap60 bool) string {
	c := civil(t.utcNs)
	if leap60 {
		c.Second++
	}
	return c.String() + "Z"
}

// String is the TAI date and time of day, marked as such.
func (t TAI) String() string { return civil(t.taiNs).String() + " TAI" }

// String is RFC 3339 without a zone.
func (c Civil) String() string {
	date := fmt.Sprintf("%04d-%02d-%02dT%02d:%02d:%02d", c.Year, c.Month, c.Day, c.Hour, c.Minute, c.Second)
	if c.Ns%1_000_000 == 0 {
		return fmt.Sprintf("%s.%03d", date, c.Ns/1_000_000)
	}
	return fmt.Sprintf("%s.%09d", date, c.Ns)
}

func civil(ns int64) Civil {
	sec, frac := floorDiv(ns, nsPerSecond)
	days, tod := floorDiv(sec, secPerDay)
	y, m, d := civilOfDay(days)
	return Civil{Year: y, Month: m, Day: d,
		Hour: int(tod / 3600), Minute: int(tod / 60 % 60), Second: int(tod % 60), Ns: int(frac)}
}

func floorDiv(a, b int64) (q, r int64) {
	q, r = a/b, a%b
	if r < 0 {
		q, r = q-1, r+b
	}
	return q, r
}

func daysIn(year, month int) int {
	switch month {
	case 4, 6, 9, 11:
		return 30
	case 2:
		if year%4 == 0 && (year%100 != 0 || year%400 == 0) {
			return 29
		}
		return 28
	}
	return 31
}

// The proleptic Gregorian calendar repeats after 400 years of 146,097 days.
// Years are counted from March, so that the leap day is a year's last; 719,468
// days lie between 0000-03-01 and 1970-01-01.

func daysSince1970(year, month, day int) int64 {
	y := int64(year)
	if month <= 2 {
		y--
	}
	era, yearOfEra := floorDiv(y, 400)
	monthFromMarch := int64((month + 9) % 12)
	dayOfYear := (153*monthFromMarch+2)/5 + int64(day) - 1
	return era*146_097 + yearOfEra*365 + yearOfEra/4 - yearOfEra/100 + dayOfYear - 719_468
}

func civilOfDay(days int64) (year, month, day int) {
	era, dayOfEra := floorDiv(days+719_468, 146_097)
	yearOfEra := (dayOfEra - dayOfEra/1460 + dayOfEra/36_524 - dayOfEra/146_096) / 365
	dayOfYear := dayOfEra - (365*yearOfEra + yearOfEra/4 - yearOfEra/100)
	monthFromMarch := (5*dayOfYear + 2) / 153
	day = int(dayOfYear-(153*monthFromMarch+2)/5) + 1
	month = int(monthFromMarch+2)%12 + 1
	year = int(era*400 + yearOfEra)
	if month <= 2 {
		year++
	}
	return year, month, day
}
