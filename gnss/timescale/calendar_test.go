package timescale

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

func mustDate(t *testing.T, y, mo, d, h, mi, s, ns int) UTC {
	t.Helper()
	u, err := Date(y, mo, d, h, mi, s, ns)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func TestDateRefusesWhatNoCalendarHas(t *testing.T) {
	for _, c := range []struct {
		name                        string
		y, mo, d, h, mi, s, ns      int
		plainRefused, leapCanBeTrue bool
	}{
		{"31 February", 2024, 2, 31, 0, 0, 0, 0, true, false},
		{"29 February 2023", 2023, 2, 29, 0, 0, 0, 0, true, false},
		{"29 February 2100", 2100, 2, 29, 0, 0, 0, 0, true, false},
		{"29 February 2024", 2024, 2, 29, 0, 0, 0, 0, false, false},
		{"29 February 2000", 2000, 2, 29, 0, 0, 0, 0, false, false},
		{"31 April", 2024, 4, 31, 0, 0, 0, 0, true, false},
		{"24:60:60", 2024, 6, 30, 24, 60, 60, 0, true, false},
		{"24:00:00", 2024, 6, 30, 24, 0, 0, 0, true, false},
		{"60 minutes", 2024, 6, 30, 23, 60, 0, 0, true, false},
		{"23:59:60 at a half-year's end", 2024, 6, 30, 23, 59, 60, 0, true, true},
		{"23:59:60 at another day", 2024, 6, 29, 23, 59, 60, 0, true, false},
		{"12:00:60", 2024, 6, 30, 12, 0, 60, 0, true, false},
		{"second 61", 2024, 6, 30, 23, 59, 61, 0, true, false},
		{"month 0", 2024, 0, 1, 0, 0, 0, 0, true, false},
		{"month 13", 2024, 13, 1, 0, 0, 0, 0, true, false},
		{"day 0", 2024, 1, 0, 0, 0, 0, 0, true, false},
		{"year 1969", 1969, 12, 31, 0, 0, 0, 0, true, false},
		{"year 2262", 2262, 1, 1, 0, 0, 0, 0, true, false},
		{"a whole second of ns", 2024, 1, 1, 0, 0, 0, 1_000_000_000, true, false},
		{"negative ns", 2024, 1, 1, 0, 0, 0, -1, true, false},
	} {
		_, err := Date(c.y, c.mo, c.d, c.h, c.mi, c.s, c.ns)
		if (err != nil) != c.plainRefused {
			t.Errorf("%s: Date refused %v, want %v (%v)", c.name, err != nil, c.plainRefused, err)
		}
		_, leap, err := DateLeap(c.y, c.mo, c.d, c.h, c.mi, c.s, c.ns)
		if leap != c.leapCanBeTrue || (err != nil) != (c.plainRefused && !c.leapCanBeTrue) {
			t.Errorf("%s: DateLeap leap60 %v, error %v", c.name, leap, err)
		}
	}
}

// The standard library's calendar is the judge for every instant that UTC
// holds, and printing is RFC 3339.
func TestCalendarAgreesWithPackageTime(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ns := rapid.Int64Range(0, time.Date(2261, 12, 31, 23, 59, 59, 999_999_999, time.UTC).UnixNano()).Draw(t, "ns")
		want := time.Unix(0, ns).UTC()
		c := UTCFromNs(ns).Civil()
		got, err := Date(c.Year, c.Month, c.Day, c.Hour, c.Minute, c.Second, c.Ns)
		if err != nil || got.Ns() != ns {
			t.Fatalf("%v to %+v and back: %v, %v", want, c, got, err)
		}
		if c.Year != want.Year() || c.Month != int(want.Month()) || c.Day != want.Day() || c.Hour != want.Hour() {
			t.Fatalf("civil %+v, package time says %v", c, want)
		}
		back, err := time.Parse(time.RFC3339Nano, UTCFromNs(ns).String())
		if err != nil || !back.Equal(want) {
			t.Fatalf("printed %v, read as %v, %v; want %v", UTCFromNs(ns), back, err, want)
		}
	})
}

func TestInstantsPrintAsRFC3339WithTheLeapSecond(t *testing.T) {
	u := mustDate(t, 2019, 4, 6, 23, 59, 42, 0)
	for _, c := range []struct{ got, want string }{
		{u.String(), "2019-04-06T23:59:42.000Z"},
		{u.Add(123456 * time.Microsecond).String(), "2019-04-06T23:59:42.123456000Z"},
		{u.Add(-42 * time.Second).Add(59 * time.Second).StringLeap(true), "2019-04-06T23:59:60.000Z"},
		{TAIFromNs(37e9).String(), "1970-01-01T00:00:37.000 TAI"},
		{UTCFromNs(-1).String(), "1969-12-31T23:59:59.999999999Z"},
	} {
		if c.got != c.want {
			t.Errorf("got %s, want %s", c.got, c.want)
		}
	}
}
