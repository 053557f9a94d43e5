package gnss_test

import (
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"bragi/gnss"
	"bragi/gnss/timescale"
)

// A receiver whose time runs backwards, stands still, or runs at another speed is named
// for that, and has no time. One odd step, or a line that stalls, is no such thing.
func TestTimeThatDoesNotRunOnIsNamed(t *testing.T) {
	for name, c := range map[string]struct {
		each    int64                            // s, how often it speaks
		names   func(second int64) time.Duration // what it names in that second of the sky
		erratic bool
	}{
		"a second each second":  {1, func(s int64) time.Duration { return time.Duration(s) * sec }, false},
		"each fifth second":     {5, func(s int64) time.Duration { return time.Duration(s) * sec }, false},
		"two seconds corrected": {1, func(s int64) time.Duration { return time.Duration(s-2*(s/40)) * sec }, false},
		"backwards":             {1, func(s int64) time.Duration { return time.Duration(3600-s) * sec }, true},
		"it stands still":       {1, func(int64) time.Duration { return 3600 * sec }, true},
		"twice as fast":         {1, func(s int64) time.Duration { return time.Duration(2*s) * sec }, true},
		"half as fast":          {1, func(s int64) time.Duration { return time.Duration(s/2) * sec }, true},
		"two clocks in turn":    {1, func(s int64) time.Duration { return time.Duration(s+5*(s%2)) * sec }, true},
	} {
		r := newReferenceRig(gnss.ReferenceConfig{})
		begin, _ := timescale.Builtin().ToUTC(timescale.TAIFromNs(r.second * 1e9))
		for s := int64(0); s < 60; s++ {
			r.now = r.now.Add(sec)
			if s%c.each != 0 {
				continue
			}
			c := begin.Add(c.names(s)).Civil()
			r.Bytes(r.now.Add(200*msec), []byte(sentence("GPRMC,"+strings.Join([]string{
				pad(c.Hour) + pad(c.Minute) + pad(c.Second) + ".00", "A", "6023.6000", "N", "00519.3000", "E", "0", "0", pad(c.Day) + pad(c.Month) + pad(c.Year%100), "", "", "A"}, ","))))
		}
		at := r.now.Add(300 * msec)
		told := slices.ContainsFunc(r.Troubles(at), func(x gnss.Trouble) bool { return x.Reason == gnss.ReasonErratic })
		if told != c.erratic || r.HasTime(at) == c.erratic {
			t.Errorf("%s: told %v, has time %v: %v", name, told, r.HasTime(at), r.Troubles(at))
		}
	}
}

func pad(n int) string { return string([]byte{byte('0' + n/10%10), byte('0' + n%10)}) }

// Of a receiver that is silent nothing is told as if it held now: each field is unknown,
// or has its age beside it.
func TestASilentReceiverHasNoFix(t *testing.T) {
	at := start
	d := gnss.NewDecoder(gnss.DecoderConfig{Floor: utc(t, 2026, 1, 1, 0, 0, 0)})
	d.Feed(at, []byte(gga("120000.00", "1")+sentence("GNGSA,A,3,02,05,,,,,,,,,,,1.2,0.9,0.8,1")+sentence("GPGSV,1,1,01,02,24,310,40")+
		sentence("GPTXT,01,01,02,ANTSTATUS=OK")+rmc("120000.00", "A", "010326")), func(gnss.Epoch) {})
	if s := d.Status(at); s.Epoch.Fix != gnss.Fix3D || !s.Epoch.Antenna.Known || len(s.Satellites) != 2 {
		t.Fatalf("%+v", s)
	}
	aged := []string{"UTC", "Leap60", "Received", "Talker", "TAI", "Scale", "Why", "LastEpoch", "Position", "Version", "Counters"}
	s := d.Status(at.Add(time.Minute))
	for _, v := range []reflect.Value{reflect.ValueOf(s), reflect.ValueOf(s.Epoch)} {
		for i := range v.NumField() {
			f := v.Type().Field(i)
			if f.Name != "Epoch" && !slices.Contains(aged, f.Name) && !v.Field(i).IsZero() {
				t.Errorf("%s is still %v", f.Name, v.Field(i))
			}
		}
	}
}
