package gnss_test

import (
	"encoding/json"
	"testing"
	"time"

	"bragi/gnss"
	"bragi/gnss/timescale"
	"bragi/gnss/ubx"
)

// fuzzed are the messages that FuzzUBX makes of bytes, with their lengths.
var fuzzed = []struct {
	name ubx.Name
	size int
}{
	{ubx.NavPVT, 92}, {ubx.NavTIMEUTC, 20}, {ubx.NavTIMEGPS, 16}, {ubx.NavTIMELS, 24}, {ubx.NavCLOCK, 20}, {ubx.NavSTATUS, 16}, {ubx.NavSOL, 52},
	{ubx.NavPOSLLH, 28}, {ubx.NavDOP, 18}, {ubx.NavEOE, 4}, {ubx.NavSAT, 8 + 24}, {ubx.NavSVINFO, 8 + 24}, {ubx.NavSVIN, 40}, {ubx.TimTP, 16},
	{ubx.TimSVIN, 28}, {ubx.TimTOS, 56}, {ubx.MonVER, 40}, {ubx.MonHW, 60}, {ubx.MonRF, 4 + 24}, {ubx.SecSIG, 12}, {ubx.InfNOTICE, 20},
}

// Whatever UBX messages say, in any order and between pulses: nothing panics,
// what is trusted has a fix and a plausible date, one leap count joins its UTC
// and its TAI, and every mark is a whole second.
func FuzzUBX(f *testing.F) {
	f.Add(ubxBurst())
	f.Add([]byte{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20})
	for i, m := range fuzzed {
		f.Add(append([]byte{byte(i)}, make([]byte, m.size)...))
	}
	f.Fuzz(func(t *testing.T, stream []byte) {
		if len(stream) > 16<<10 {
			return
		}
		book := gnss.NewLeapBook(nil)
		pairer := gnss.NewPairer(gnss.PairerConfig{Book: book})
		d := gnss.NewDecoder(gnss.DecoderConfig{Floor: utc(t, 2026, 1, 1, 0, 0, 0), Book: book, NextPulse: pairer.NextPulse})
		var trust gnss.Trust
		var sawtooth gnss.Sawtooth
		now := start
		emit := func(e gnss.Epoch) {
			if e.Trusted != (len(e.Why) == 0) {
				t.Fatalf("%+v", e)
			}
			if e.Trusted && (e.Fix == gnss.FixNone || e.UTC.Sub(utc(t, 2026, 1, 1, 0, 0, 0)) < 0 || e.UTC.Civil().Year > 2076) {
				t.Fatalf("trusted: %+v", e)
			}
			if e.Trusted && e.TAI.Known && !e.Leap60 {
				if off := e.TAI.Value.Ns() - e.UTC.Ns() - int64(e.LeapS.Value+19)*1e9; off != 0 {
					t.Fatalf("UTC and TAI are %d ns from what the leap count says: %+v", off, e)
				}
			}
			if _, err := json.Marshal(e); err != nil {
				t.Fatal(err)
			}
			place, survey := d.Place()
			trust.Epoch(e, place, survey)
			trust.Reasons()
			pairer.Epoch(e)
		}
		for len(stream) > 0 {
			m := fuzzed[int(stream[0])%len(fuzzed)]
			payload := make([]byte, m.size)
			stream = stream[1:]
			stream = stream[copy(payload, stream):]
			d.Feed(now, ubx.AppendMessage(nil, m.name, payload), emit)
			now = now.Add(500 * time.Millisecond)
			edge := timescale.Edge{Local: timescale.LocalFromNs(now.Ns()), Mono: now.Add(-450 * time.Millisecond)}
			if mark, ok := pairer.Edge(edge); ok {
				if mark.Second.Ns()%1e9 != 0 {
					t.Fatalf("%+v", mark)
				}
				sawtooth.Correction(mark)
			}
		}
		d.Flush(emit)
		d.Status(now)
		d.Reasons(now)
		pairer.Status(now)
		pairer.Reasons(now)
	})
}
