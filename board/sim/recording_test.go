package sim

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/adrianmo/go-nmea"
)

func made(t testing.TB) []byte {
	t.Helper()
	b, err := os.ReadFile("testdata/made.nmea")
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func recording(t testing.TB, capture []byte) *Recording {
	t.Helper()
	r, err := NewRecording(capture)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// capture finds a real receiver's bytes, which are no part of this repository.
func capture(t *testing.T, name string) []byte {
	t.Helper()
	dirs := []string{os.Getenv("BRAGI_DATA")}
	at, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for dir := at; dir != filepath.Dir(dir); dir = filepath.Dir(dir) {
		dirs = append(dirs, filepath.Join(dir, "shared", "data"))
	}
	for _, d := range dirs {
		if b, err := os.ReadFile(filepath.Join(d, "receiver", name)); d != "" && err == nil {
			return b
		}
	}
	t.Skipf("SKIPPED: no receiver/%s: set BRAGI_DATA to the folder with the recorded data", name)
	return nil
}

// 2026-11-22 20:39:24 UTC.
const playedAt = 1_795_379_964

func TestRecordingIsCutByTheTimesNamed(t *testing.T) {
	once, looped := recording(t, made(t)).Bursts()
	// Line noise and text with the first empty burst, the second empty one, two
	// void ones; then five with a fix.
	if once != 4 || looped != 5 {
		t.Errorf("%d bursts once, %d round and round; want 4 and 5", once, looped)
	}
}

func TestARecordingPlaysWithNewTimesAndNothingElseTouched(t *testing.T) {
	capture := made(t)
	r := recording(t, capture)
	first := r.play(nil, playedAt, false)
	if !bytes.HasPrefix(first, []byte{0xff, 0x00, 0x24, 0xf0, 0x8a, 0x0a}) {
		t.Errorf("line noise is lost, or the remarks are played: %q", first)
	}
	if !bytes.Contains(first, []byte("$GPRMC,,V,,,,,,,,,,N*53\r\n$GPGGA,,,,,,0,00,99.99,,,,,,*48\r\n$GPZDA,,,,,00,00*48\r\n")) {
		t.Errorf("empty sentences were touched: %q", first)
	}
	r.play(nil, playedAt, false)
	void := r.play(nil, playedAt+2, false)
	if !bytes.Contains(void, []byte("$GPRMC,203926.00,V,,,,,,,221126,,,N*")) {
		t.Errorf("a void sentence with a time: %q", void)
	}
	r.play(nil, playedAt, false)
	var loops [][]byte
	for i := range int64(11) {
		loops = append(loops, r.play(nil, playedAt+i, false))
	}
	if !bytes.Contains(loops[1], []byte("$GPRMC,235959.00,A,0000.00000,N,00000.00000,E,0.0,,010170,,,A*00\r\n")) {
		t.Errorf("the sentence with a wrong checksum was touched: %q", loops[1])
	}
	if !bytes.Contains(loops[2], append([]byte("\xb5\x62\x0a\x04\x00\x00\x0e\x34"), "$PUBX,04,000000.00,"...)) {
		t.Errorf("a binary message was touched: %q", loops[2])
	}
	if !bytes.HasSuffix(loops[4], []byte("$GPGGA,000002.00,6023.5")) {
		t.Errorf("the cut last sentence is lost: %q", loops[4])
	}
	for i, b := range loops {
		want := time.Unix(playedAt+int64(i), 0).UTC()
		if n := checkTimes(t, b, want); i%5 != 4 && n != 4 {
			t.Errorf("burst %d: %d sentences name %v, want 4", i, n, want)
		}
	}
	if b := loops[0]; len(b) != len(loops[5]) || bytes.Equal(b, loops[5]) {
		t.Error("the second round is not the first at another time")
	}
}

// checkTimes tells how many sentences name want, and that none names another.
func checkTimes(t *testing.T, b []byte, want time.Time) (n int) {
	t.Helper()
	for _, l := range bytes.Split(b, []byte("\r\n")) {
		i := bytes.IndexByte(l, '$')
		if i < 0 {
			continue
		}
		s, err := nmea.Parse(string(l[i:]))
		if err != nil {
			continue // damage: verbatim
		}
		var clock nmea.Time
		switch m := s.(type) {
		case nmea.RMC:
			clock = m.Time
			if d := m.Date; d.Valid && (d.DD != want.Day() || d.MM != int(want.Month()) || d.YY != want.Year()%100) {
				t.Errorf("%q: want %v", l, want)
			}
		case nmea.GGA:
			clock = m.Time
		case nmea.GLL:
			clock = m.Time
		case nmea.ZDA:
			clock = m.Time
			if m.Day != int64(want.Day()) || m.Month != int64(want.Month()) || m.Year != int64(want.Year()) {
				t.Errorf("%q: want %v", l, want)
			}
		default:
			continue
		}
		if clock.Hour != want.Hour() || clock.Minute != want.Minute() || clock.Second != want.Second() {
			t.Errorf("%q: want %v", l, want)
		}
		n++
	}
	return n
}

func TestARecordingHasNoFixWithTheAntennaCut(t *testing.T) {
	r := recording(t, made(t))
	for range 4 {
		r.play(nil, playedAt, true)
	}
	b := r.play(nil, playedAt, true)
	for _, s := range sentences(t, b) {
		switch m := s.(type) {
		case nmea.RMC:
			if m.Validity != "V" {
				t.Errorf("%v", m)
			}
		case nmea.GLL:
			if m.Validity != "V" {
				t.Errorf("%v", m)
			}
		case nmea.GGA:
			if m.FixQuality != "0" {
				t.Errorf("%v", m)
			}
		}
	}
}

func TestBoardPlaysARecording(t *testing.T) {
	b := newBoard(t, quiet(Config{Seed: 1, Recording: recording(t, made(t))}))
	events := run(b, 10*time.Second)
	if n := len(pulses(events)); n != 6 {
		t.Errorf("%d pulses in 10 s, want 6: none in the 4 bursts before the fix", n)
	}
	b.SetAntenna(false)
	run(b, 500*time.Millisecond)
	events = run(b, 5*time.Second)
	if len(pulses(events)) != 0 || bytes.Contains(text(events), []byte(",A,6023")) {
		t.Errorf("pulses or a fix with the antenna cut: %q", text(events))
	}
	b.SetAntenna(true)
	if n := len(pulses(run(b, 5*time.Second))); n != 5 {
		t.Errorf("%d pulses in 5 s with the antenna restored", n)
	}
}

func TestCapturesOfRealReceiversPlay(t *testing.T) {
	for name, want := range map[string]struct{ once, looped, timed int }{
		"ublox-8.log": {1, 72, 4}, // RMC, GGA, GLL, ZDA; before it a binary start of the stream
		"mt3339.log":  {0, 30, 3}, // GGA, RMC, ZDA
	} {
		t.Run(name, func(t *testing.T) {
			r := recording(t, capture(t, name))
			once, looped := r.Bursts()
			if looped < want.looped || looped > want.looped+1 || once != want.once {
				t.Errorf("%d bursts once, %d round and round; want %d and %d", once, looped, want.once, want.looped)
			}
			for range once {
				r.play(nil, playedAt, false)
			}
			for i := range 2 * looped {
				b := r.play(nil, playedAt+int64(i), false)
				if n := checkTimes(t, b, time.Unix(playedAt+int64(i), 0).UTC()); n != want.timed && i%looped < want.looped-1 {
					t.Errorf("burst %d: %d sentences with a time, want %d: %q", i, n, want.timed, b)
				}
			}
		})
	}
}

func TestARecordingWithoutAFixIsRefused(t *testing.T) {
	for name, capture := range map[string]string{
		"empty": "", "remarks only": "# a\n# b", "void": "$GPRMC,,V,,,,,,,,,,N*53\r\n", "bad checksum": "$GPRMC,120000,A,,,,,,,010126,,*00\r\n",
	} {
		if _, err := NewRecording([]byte(capture)); err == nil {
			t.Errorf("%s: was taken", name)
		}
	}
}

// Whatever the capture holds, playing it changes the length of nothing: each
// byte goes out once a round, rewritten fields excepted.
func FuzzRecording(f *testing.F) {
	f.Add(made(f), int64(playedAt))
	f.Add([]byte("$GPRMC,120000,A,,,,,,,010126,,*21\r\n$GPGGA,1200,,,,,1*66"), int64(0))
	f.Fuzz(func(t *testing.T, capture []byte, at int64) {
		at %= 5_000_000_000
		total := 0
		for _, b := range cut(capture) {
			for _, p := range b.pieces {
				total += len(p.raw)
			}
		}
		if total != len(capture) {
			t.Fatalf("%d bytes cut of %d", total, len(capture))
		}
		r, err := NewRecording(capture)
		if err != nil {
			return
		}
		once, looped := r.Bursts()
		for range once + looped + 1 {
			for _, p := range cut(r.play(nil, at, at%2 == 0)) {
				for _, s := range p.pieces {
					if s.kind != "" && len(s.raw) < 9 {
						t.Fatalf("a played sentence is %q", s.raw)
					}
				}
			}
		}
	})
}
