package gnss_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"testing"
	"time"

	"bragi/gnss"
	"bragi/gnss/timescale"
)

// findCaptures is the folder with recorded receivers, "" where there is none.
func findCaptures() string {
	if dir := os.Getenv("BRAGI_DATA"); dir != "" {
		return filepath.Join(dir, "receiver")
	}
	dir, err := os.Getwd()
	for err == nil {
		data := filepath.Join(dir, "shared", "data", "receiver")
		if _, err := os.Stat(data); err == nil {
			return data
		}
		up := filepath.Dir(dir)
		if up == dir {
			break
		}
		dir = up
	}
	return ""
}

// captureDir is findCaptures for a test that needs it.
func captureDir(t testing.TB) string {
	t.Helper()
	dir := findCaptures()
	if dir == "" {
		t.Skip("SKIPPED: no receiver captures: set BRAGI_DATA to the folder that holds receiver/")
	}
	return dir
}

func floor2000(t testing.TB) timescale.UTC {
	t.Helper()
	u, err := timescale.Date(2000, 1, 1, 0, 0, 0, 0)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// replay decodes a capture in chunks of the given size, 64 bytes taking 1 ms.
func replay(t testing.TB, raw []byte, chunk int) ([]gnss.Epoch, *gnss.Decoder) {
	d := gnss.NewDecoder(gnss.DecoderConfig{Floor: floor2000(t)})
	var got []gnss.Epoch
	emit := func(e gnss.Epoch) { got = append(got, e) }
	now := timescale.MonoFromNs(1e9)
	for len(raw) > 0 {
		n := min(chunk, len(raw))
		d.Feed(now, raw[:n], emit)
		now = now.Add(time.Duration(n) * time.Millisecond / 64)
		raw = raw[n:]
	}
	d.Flush(emit)
	return got, d
}

// gpsdTimes is the set of TPV.time with mode >= 2, in ms since 1970.
func gpsdTimes(t *testing.T, file string) map[int64]bool {
	t.Helper()
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	times := map[int64]bool{}
	lines := bufio.NewScanner(bytes.NewReader(raw))
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var tpv struct {
			Class, Time string
			Mode        int
		}
		if json.Unmarshal(lines.Bytes(), &tpv) != nil || tpv.Class != "TPV" || tpv.Mode < 2 || tpv.Time == "" {
			continue
		}
		at, err := time.Parse(time.RFC3339Nano, tpv.Time)
		if err != nil {
			t.Fatal(err)
		}
		times[at.UnixMilli()] = true
	}
	return times
}

func ms(u timescale.UTC) int64 { return u.Ns() / 1e6 }

func trustedSeconds(epochs []gnss.Epoch) map[int64]bool {
	m := map[int64]bool{}
	for _, e := range epochs {
		if e.Trusted {
			m[ms(e.UTC)] = true
		}
	}
	return m
}

// gpsdLacks are the epochs of valid RMC sentences (status A, checksum
// right, one second from a time that gpsd has) for which gpsd gives no
// TPV.time, since it waits for the end of a cycle that the capture cuts off or
// that it has not learned yet.
//
// Where the first epoch is whole in UBX, gpsd waits likewise. Its first time of
// ublox-lea-4t is not the receiver's 20:35:43.001: it took its own leap count of
// 18 before the receiver told it 15 (gpsdWrong).
var gpsdLacks = map[string]string{
	"u-blox-m8t-time":           "2021-02-23T18:04:29.000Z",
	"ublox-lea-4t":              "2009-01-28T20:35:43.001Z",
	"gp-320fw-2019-03-28":       "2019-03-28T16:45:19.990Z",
	"isync":                     "2016-02-03T13:15:30.000Z", // the last RMC of the file
	"motorola-t805":             "2007-12-18T21:26:14.879Z", // the first with a fix
	"ublox-zed-f9t-ubx_nmea_l5": "2025-07-31T19:33:34.000Z", // the first of the file
}

var gpsdWrong = map[string]string{"ublox-lea-4t": "2009-01-28T20:35:40.001Z"}

// The measure: every trusted epoch is a time that gpsd gives (or one of
// gpsdLacks), and 99 % of gpsd's times are trusted epochs. Where gpsd's own
// times are the damaged ones, or there are no checksums, nothing is trusted.
func TestTrustedEpochsOfCapturesAreGPSDsTimes(t *testing.T) {
	dir := captureDir(t)
	for _, c := range []struct {
		name string
		kind string
	}{
		{"garmin-10x", "all"},
		{"gp-320fw-2019-03-28", "all"},
		{"isync", "all"},
		{"meinberg-gps164", "all"},
		{"motorola-t805", "all"},
		{"mt3339", "all"},
		{"quectel-L70", "all"},
		{"sirfstarv-nmea", "all"},
		{"ublox-8", "all"},
		{"ublox-zed-f9t-ubx_nmea_l5", "all"},
		{"ublox8-uniqid-monhw", "all"}, // NMEA, then UBX from the middle on
		{"april6_2019", "none"},
		{"gp-320fw-2019-04-07-coldboot", "none"},
		{"nmea-fuzzy-cases", "all"},
		{"tcp-torture", "none"},
		{"hp58534a", "none"},
		// They speak UBX only.
		{"navisys-gr701w", "all"},
		{"u-blox-m8t-time", "all"},
		{"ublox-8-time", "all"},
		{"ublox-glo", "all"},
		{"ublox-lea-4t", "all"},
	} {
		t.Run(c.name, func(t *testing.T) {
			raw, err := os.ReadFile(filepath.Join(dir, c.name+".log"))
			if err != nil {
				t.Fatal(err)
			}
			want := gpsdTimes(t, filepath.Join(dir, c.name+".log.chk"))
			epochs, d := replay(t, raw, 97)
			var paced []gnss.Epoch // as `bragi replay gnss` does it
			if _, err := gnss.Replay(bytes.NewReader(raw), gnss.NewDecoder(gnss.DecoderConfig{Floor: floor2000(t)}), func(e gnss.Epoch) { paced = append(paced, e) }); err != nil {
				t.Fatal(err)
			}
			if a, b := trustedSeconds(epochs), trustedSeconds(paced); !maps.Equal(a, b) {
				t.Errorf("%d seconds are trusted by one pace, %d by another", len(a), len(b))
			}
			trusted := map[int64]bool{}
			for _, e := range epochs {
				if !e.Trusted {
					continue
				}
				trusted[ms(e.UTC)] = true
				if !want[ms(e.UTC)] && e.UTC.String() != gpsdLacks[c.name] {
					t.Errorf("trusted %v, which gpsd does not have", e.UTC)
				}
				if len(e.Why) > 0 || e.Fix == gnss.FixNone {
					t.Errorf("trusted %v with fix %v, why %v", e.UTC, e.Fix, e.Why)
				}
			}
			n := d.Counters()
			t.Logf("%d epochs, %d trusted, %d of gpsd; %+v", len(epochs), len(trusted), len(want), n)
			switch c.kind {
			case "all":
				missing := 0
				for at := range want {
					if !trusted[at] && timescale.UTCFromNs(at*1e6).String() != gpsdWrong[c.name] {
						missing++
						t.Logf("missing %v", timescale.UTCFromNs(at*1e6))
					}
				}
				if len(want) == 0 || missing*100 > len(want) {
					t.Errorf("%d of gpsd's %d times are missing", missing, len(want))
				}
			case "none":
				if len(trusted) > 0 {
					t.Errorf("%d trusted epochs", len(trusted))
				}
			}
		})
	}
}
