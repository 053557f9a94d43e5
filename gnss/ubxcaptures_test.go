package gnss_test

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"testing"
	"time"

	"bragi/gnss"
	"bragi/gnss/timescale"
	"bragi/gnss/ubx"
)

func readCapture(t testing.TB, name string) []byte {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(captureDir(t), name+".log"))
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// TIM-TP names the second after the epoch beside it, in every epoch of an M8T;
// its sawtooth is that of the M8T's 48 MHz, and is joined to the epoch.
func TestTimePulseNamesTheNextSecond(t *testing.T) {
	raw := readCapture(t, "u-blox-m8t-time")
	var last gnss.NextPulse
	named, epochs, withErr, timeFix := 0, 0, 0, 0
	d := gnss.NewDecoder(gnss.DecoderConfig{Floor: floor2000(t), NextPulse: func(n gnss.NextPulse) { last = n }})
	emit := func(e gnss.Epoch) {
		epochs++
		if e.QErrPs.Known && e.QErrPs == last.QErrPs && math.Abs(float64(e.QErrPs.Value)) <= 10_420 {
			withErr++
		}
		if last.Second.Known && e.TAI.Known && last.Second.Value.Sub(e.TAI.Value) == time.Second {
			named++
		}
		if e.Fix == gnss.FixTime && e.LeapS == gnss.Some(18) && e.LeapSource == gnss.LeapFromReceiver && e.Scale == gnss.ScaleUTC {
			timeFix++
		}
	}
	now := timescale.MonoFromNs(1e9)
	for i := range raw {
		d.Feed(now.Add(time.Duration(i)*time.Millisecond/64), raw[i:i+1], emit)
	}
	d.Flush(emit)
	// The first TIM-TP comes before any epoch that could vouch for its date.
	if epochs != 151 || named != 150 || withErr != 151 || timeFix != 151 {
		t.Errorf("%d epochs, %d named by TIM-TP before, %d with its sawtooth, %d time fixes with 18 leap seconds; want 151, 150, 151, 151",
			epochs, named, withErr, timeFix)
	}
}

// What receivers say of themselves.
func TestCapturesShowTheirSigns(t *testing.T) {
	for _, c := range []struct {
		name string
		last func(gnss.DecoderStatus) bool
		what string
	}{
		{"ublox-lea-4t", func(s gnss.DecoderStatus) bool {
			return s.Epoch.Antenna == gnss.Some("ok") && s.Epoch.LeapS == gnss.Some(15) && s.Epoch.QErrPs == gnss.Some(int64(-10440))
		}, "antenna ok by INF-NOTICE, 15 leap seconds, the sawtooth of the old layout"},
		{"ublox-glo", func(s gnss.DecoderStatus) bool {
			return s.Epoch.LeapS == gnss.Some(18) && s.Epoch.TAccNs.Known
		}, "18 leap seconds"},
		{"ublox-zed-f9t-ubx_nmea_l5", func(s gnss.DecoderStatus) bool {
			return s.Epoch.Talker == "UBX" && s.Epoch.Fix == gnss.Fix3D && s.Epoch.Antenna == gnss.Some("ok")
		}, "3d by UBX, antenna ok by MON-RF"},
		{"navisys-gr701w", func(s gnss.DecoderStatus) bool {
			return s.Epoch.Antenna == gnss.Some("ok") && s.Epoch.Trusted && s.Epoch.Scale == gnss.ScaleGPS
		}, "antenna ok by the 60-byte MON-HW, time by week and time of week"},
		{"ublox8-uniqid-monhw", func(s gnss.DecoderStatus) bool {
			return s.Version.Protocol == 1800 && s.Version.Generation() == 8
		}, "MON-VER"},
	} {
		epochs, d := replay(t, readCapture(t, c.name), 64)
		if s := d.Status(epochs[len(epochs)-1].Received); !c.last(s) {
			t.Errorf("%s: want %s; got %+v %+v", c.name, c.what, s.Epoch, s.Version)
		}
	}
}

// A capture with the sentences or the frames of the other protocol taken out
// names the same seconds.
func TestEitherProtocolAloneNamesTheSameSeconds(t *testing.T) {
	raw := readCapture(t, "ublox-zed-f9t-ubx_nmea_l5")
	parts := map[gnss.FrameKind][]byte{}
	var f gnss.Framer
	f.Feed(timescale.MonoFromNs(1), raw, func(fr gnss.Frame) {
		parts[fr.Kind] = append(parts[fr.Kind], fr.Bytes...)
		if fr.Kind == gnss.FrameNMEA {
			parts[fr.Kind] = append(parts[fr.Kind], "\r\n"...)
		}
	})
	both, _ := replay(t, raw, 64)
	seconds := func(list []gnss.Epoch) map[int64]int {
		m := map[int64]int{}
		for _, e := range list {
			if e.Trusted {
				m[ms(e.UTC)]++
			}
		}
		return m
	}
	want := seconds(both)
	if len(want) < 9 {
		t.Fatalf("%d seconds in the whole", len(want))
	}
	for kind, name := range map[gnss.FrameKind]string{gnss.FrameUBX: "UBX", gnss.FrameNMEA: "NMEA"} {
		alone, _ := replay(t, parts[kind], 64)
		for at, n := range seconds(alone) {
			if want[at] == 0 || n != 1 {
				t.Errorf("%s alone: %v %d times, with both %d", name, timescale.UTCFromNs(at*1e6), n, want[at])
			}
		}
		if len(seconds(alone)) < len(want)-1 {
			t.Errorf("%s alone names %d seconds, both %d", name, len(seconds(alone)), len(want))
		}
	}
	for at, n := range want {
		if n != 1 {
			t.Errorf("%v given %d times", timescale.UTCFromNs(at*1e6), n)
		}
	}
}

// A receiver that tells its time in UBX and its fix in sentences alone is
// believed by its sentences.
func TestTimeInUBXAndFixInSentencesIsBelieved(t *testing.T) {
	raw := readCapture(t, "u-blox-m8t-time")
	var onlyTime []byte
	var f gnss.Framer
	seconds := 0
	f.Feed(timescale.MonoFromNs(1), raw, func(fr gnss.Frame) {
		if m := ubx.Split(fr.Bytes); fr.Kind == gnss.FrameUBX && m.Name() == ubx.NavTIMEGPS {
			onlyTime = append(onlyTime, fr.Bytes...)
			onlyTime = append(onlyTime, rmc(fmt.Sprintf("18%02d%02d.00", 4+(29+seconds)/60, (29+seconds)%60), "A", "230221")...)
			seconds++
		}
	})
	got, _ := replay(t, onlyTime, 64)
	trusted := 0
	for _, e := range got {
		if e.Trusted {
			trusted++
		}
	}
	if trusted != seconds || seconds != 151 {
		t.Errorf("%d of %d seconds are trusted", trusted, seconds)
	}
}
