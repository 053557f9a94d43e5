package sim

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/adrianmo/go-nmea"
)

func sentences(t *testing.T, b []byte) []nmea.Sentence {
	t.Helper()
	var out []nmea.Sentence
	for s := bufio.NewScanner(bytes.NewReader(b)); s.Scan(); {
		m, err := nmea.Parse(s.Text())
		if err != nil {
			t.Errorf("%q: %v", s.Text(), err)
			continue
		}
		out = append(out, m)
	}
	return out
}

// Another's parser must read the burst, and find the pulse's second in it.
func TestBurstNamesTheSecondOfThePulseBefore(t *testing.T) {
	b := newBoard(t, Config{Seed: 6})
	events := run(b, 30*time.Second)
	var unix int64
	count := map[string]int{}
	var line []byte
	for _, e := range events {
		if e.Kind == PulseEdge {
			unix = e.Edge.Second.Ns()/1e9 - 37
			continue
		}
		line = append(line, e.Bytes...)
		i := bytes.LastIndexByte(line, '\n')
		want := time.Unix(unix, 0).UTC()
		for _, s := range sentences(t, line[:i+1]) {
			count[s.TalkerID()+s.DataType()]++
			var clock nmea.Time
			var date nmea.Date
			switch m := s.(type) {
			case nmea.RMC:
				clock, date = m.Time, m.Date
				if m.Validity != "A" || math.Abs(m.Latitude-60.3928) > 0.001 || math.Abs(m.Longitude-5.3224) > 0.001 {
					t.Errorf("RMC: %v", m)
				}
			case nmea.ZDA:
				clock, date = m.Time, nmea.Date{Valid: true, DD: int(m.Day), MM: int(m.Month), YY: int(m.Year % 100)}
			case nmea.GGA:
				clock = m.Time
				if m.FixQuality != "1" || m.NumSatellites != int64(len(satellites)) {
					t.Errorf("GGA: %v", m)
				}
			case nmea.GSA:
				if m.FixType != "3" || len(m.SV) != len(satellites) {
					t.Errorf("GSA: %v", m)
				}
				continue
			default:
				continue
			}
			if clock.Hour != want.Hour() || clock.Minute != want.Minute() || clock.Second != want.Second() {
				t.Errorf("%s names %v after the pulse of %v", s.DataType(), clock, want)
			}
			if date.Valid && (date.DD != want.Day() || date.MM != int(want.Month()) || date.YY != want.Year()%100) {
				t.Errorf("%s names %v after the pulse of %v", s.DataType(), date, want)
			}
		}
		line = append([]byte(nil), line[i+1:]...)
	}
	for kind, want := range map[string]int{"GNRMC": 30, "GNGGA": 30, "GNGSA": 30, "GPGSV": 90, "GNZDA": 30} {
		if got := count[kind]; got < want-3 || got > want {
			t.Errorf("%d %s in 30 s, want %d", got, kind, want)
		}
	}
}

func TestBurstsBeforeTheFixAreVoid(t *testing.T) {
	b := newBoard(t, Config{Seed: 6, TimeToFix: 6 * time.Second})
	voids := 0
	for _, s := range sentences(t, text(run(b, 5900*time.Millisecond))) {
		if m, ok := s.(nmea.RMC); ok && m.Validity == "V" {
			voids++
		}
	}
	if voids != 6 {
		t.Errorf("%d void RMC, want 6", voids)
	}
}

// TIM-TP tells of the next pulse: its second and its qErr.
func TestTimTPBelongsToTheNextPulse(t *testing.T) {
	b := newBoard(t, Config{Seed: 6, Receiver: Timing})
	want := map[uint32]float64{} // tow ms -> qErr
	var week uint16
	matched := 0
	for _, e := range run(b, 30*time.Second) {
		if e.Kind == PulseEdge {
			gps := e.Edge.Second.Ns()/1e9 - 37 - 315_964_800
			tow := uint32(gps % 604_800 * 1000)
			if q, ok := want[tow]; ok {
				matched++
				if math.Abs(q-e.Edge.QErrNs) > 0.001 {
					t.Errorf("TIM-TP said qErr %v ns, the pulse had %v", q, e.Edge.QErrNs)
				}
				if int64(week) != gps/604_800 {
					t.Errorf("week %d", week)
				}
			}
			continue
		}
		i := bytes.Index(e.Bytes, []byte{0xb5, 0x62, 0x0d, 0x01, 16, 0})
		if i < 0 {
			continue
		}
		m := e.Bytes[i:]
		var ca, cb byte
		for _, c := range m[2:22] {
			ca += c
			cb += ca
		}
		if ca != m[22] || cb != m[23] {
			t.Error("UBX checksum is wrong")
		}
		q := int32(binary.LittleEndian.Uint32(m[14:]))
		if q < -10_000 || q > 10_000 {
			t.Errorf("qErr %d ps is outside the sawtooth", q)
		}
		want[binary.LittleEndian.Uint32(m[6:])] = float64(q) / 1000
		week = binary.LittleEndian.Uint16(m[18:])
	}
	if matched < 28 {
		t.Errorf("%d of 29 pulses were told before", matched)
	}
}

func TestNavigationReceiverSendsTextOnly(t *testing.T) {
	b := newBoard(t, Config{Seed: 6})
	if s := text(run(b, 5*time.Second)); strings.ContainsFunc(string(s), func(r rune) bool { return r > 126 }) {
		t.Errorf("%q", s)
	}
}
