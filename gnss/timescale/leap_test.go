package timescale

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestTheBuiltinTableHasEachLeapSecondSince1972(t *testing.T) {
	l := Builtin()
	for _, c := range []struct {
		y, m, d, h, mi, s int
		want              int
	}{
		{1970, 1, 1, 0, 0, 0, 10}, // clamped
		{1972, 1, 1, 0, 0, 0, 10},
		{1972, 6, 30, 23, 59, 59, 10},
		{1972, 7, 1, 0, 0, 0, 11},
		{1980, 1, 6, 0, 0, 0, 19}, // GPS epoch: TAI - GPS = 19 s
		{1999, 8, 22, 0, 0, 0, 32},
		{2005, 12, 31, 23, 59, 59, 32},
		{2006, 1, 1, 0, 0, 0, 33},
		{2016, 12, 31, 23, 59, 59, 36},
		{2017, 1, 1, 0, 0, 0, 37},
		{2027, 6, 1, 0, 0, 0, 37},
	} {
		u := mustDate(t, c.y, c.m, c.d, c.h, c.mi, c.s, 0)
		if got := l.OffsetAtUTC(u); got != c.want {
			t.Errorf("%v: TAI - UTC = %d s, want %d", u, got, c.want)
		}
	}
	if n := len(l.steps); n != 28 {
		t.Errorf("%d steps, want 28 (27 leap seconds since 1972)", n)
	}
	for i := 1; i < len(l.steps); i++ {
		if l.steps[i].offset != l.steps[i-1].offset+1 {
			t.Errorf("step %d is not one second", i)
		}
	}
}

func TestExpiryIsAFact(t *testing.T) {
	l := Builtin()
	if l.Expired(mustDate(t, 2027, 6, 27, 23, 59, 59, 0)) || !l.Expired(mustDate(t, 2027, 6, 28, 0, 0, 0, 0)) {
		t.Errorf("expires %v, want 2027-06-28", l.Expires())
	}
	// An expired table still converts.
	if got := l.OffsetAtUTC(mustDate(t, 2040, 1, 1, 0, 0, 0, 0)); got != 37 {
		t.Errorf("offset after expiry %d s, want 37", got)
	}
}

// TAI moves one second a second through the leap second of 2016-12-31, and UTC
// shows 23:59:60.
func TestTAICountsOnThroughAnInsertedLeapSecond(t *testing.T) {
	l := Builtin()
	last := mustDate(t, 2016, 12, 31, 23, 59, 59, 0)
	start := l.ToTAI(last)
	for i, want := range []string{"2016-12-31T23:59:59.000Z", "2016-12-31T23:59:60.000Z", "2017-01-01T00:00:00.000Z"} {
		tai := start.Add(time.Duration(i) * time.Second)
		u, leap := l.ToUTC(tai)
		if got := u.StringLeap(leap); got != want {
			t.Errorf("TAI +%d s: %s, want %s", i, got, want)
		}
		back := l.ToTAI(u)
		if leap {
			back = l.ToTAILeap(u)
		}
		if back != tai {
			t.Errorf("%s back to TAI: %v, want %v", want, back, tai)
		}
		if wantOffset := []int{36, 36, 37}[i]; l.OffsetAtTAI(tai) != wantOffset {
			t.Errorf("%s: currentUtcOffset %d, want %d", want, l.OffsetAtTAI(tai), wantOffset)
		}
	}
}

func TestADeletedLeapSecondSkips235959(t *testing.T) {
	midnight := mustDate(t, 2035, 7, 1, 0, 0, 0, 0)
	l, err := Builtin().With(midnight, 36)
	if err != nil {
		t.Fatal(err)
	}
	before := l.ToTAI(midnight.Add(-2 * time.Second)) // 23:59:58
	u, leap := l.ToUTC(before.Add(time.Second))
	if u != midnight || leap {
		t.Errorf("the second after 23:59:58 is %s, want %v", u.StringLeap(leap), midnight)
	}
	at, change, ok := l.Upcoming(midnight.Add(-12 * time.Hour))
	if at != midnight || change != -1 || !ok {
		t.Errorf("upcoming: %v %d %v", at, change, ok)
	}
	if _, _, ok := l.Upcoming(midnight); ok {
		t.Error("a leap second is still upcoming when it has happened")
	}
}

func TestALeapSecondThatCannotBeIsRefused(t *testing.T) {
	july := mustDate(t, 2035, 7, 1, 0, 0, 0, 0)
	for name, c := range map[string]struct {
		at     UTC
		offset int
	}{
		"two seconds":      {july, 39},
		"no change":        {july, 37},
		"mid month":        {mustDate(t, 2035, 7, 2, 0, 0, 0, 0), 38},
		"not at midnight":  {july.Add(time.Second), 38},
		"before the table": {mustDate(t, 2015, 7, 1, 0, 0, 0, 0), 38},
	} {
		if _, err := Builtin().With(c.at, c.offset); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	if Builtin().OffsetAtUTC(july) != 37 {
		t.Error("With changed the built-in table")
	}
}

// Every UTC since 1972 goes to TAI and back.
func TestEveryUTCSince1972GoesToTAIAndBack(t *testing.T) {
	l := Builtin()
	rapid.Check(t, func(t *rapid.T) {
		u := UTCFromNs(rapid.Int64Range(63072000e9, 4e18).Draw(t, "utc"))
		if back, leap := l.ToUTC(l.ToTAI(u)); back != u || leap {
			t.Fatalf("%v came back as %v, leap60 %v", u, back, leap)
		}
	})
}

// After the table's expiry the next end of June or December may bring a leap second
// that it does not have.
func TestALeapSecondIsPossibleAtTheEndOfJuneAndDecember(t *testing.T) {
	date := func(y, m, d int) UTC {
		u, err := Date(y, m, d, 0, 0, 0, 0)
		if err != nil {
			t.Fatal(err)
		}
		return u
	}
	for _, c := range []struct {
		from, to UTC
		want     bool
	}{
		{date(2027, 6, 28), date(2027, 6, 30), false},
		{date(2027, 6, 28), date(2027, 7, 1), true},
		{date(2027, 6, 28), date(2027, 7, 1).Add(-1), false},
		{date(2027, 6, 28), date(2029, 1, 1), true},
		{date(2027, 12, 28), date(2027, 12, 31), false},
		{date(2027, 12, 28), date(2028, 1, 1), true},
		{date(2027, 7, 2), date(2027, 12, 31), false},
		{date(2027, 7, 1), date(2027, 7, 1), true}, // complete up to that moment, not beyond
		{date(2027, 7, 1).Add(1), date(2027, 12, 31), false},
		{date(2028, 1, 1), date(2028, 1, 1), true},
		{date(2027, 1, 1), date(2026, 12, 31), false},
	} {
		if got := LeapPossible(c.from, c.to); got != c.want {
			t.Errorf("from %v until %v: %v", c.from, c.to, got)
		}
	}
}
