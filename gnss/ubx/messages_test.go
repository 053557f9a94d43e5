package ubx

import (
	"encoding/binary"
	"math"
	"reflect"
	"testing"
)

// put writes little-endian values at offsets of a payload of n bytes.
func put(n int, at map[int]any) []byte {
	p := make([]byte, n)
	for i, v := range at {
		if _, err := binary.Encode(p[i:], binary.LittleEndian, v); err != nil {
			panic(err)
		}
	}
	return p
}

// Each message with a value in each field, at the offsets of the interface
// description.
func TestEachFieldIsReadAtItsDescribedOffset(t *testing.T) {
	check := func(name Name, got any, ok bool, want any) {
		t.Helper()
		if !ok || !reflect.DeepEqual(got, want) {
			t.Errorf("%v: %v\n got %+v\nwant %+v", name, ok, got, want)
		}
	}
	msg := func(name Name, p []byte) Message { return Message{name.Class(), name.ID(), p} }

	v, ok := ParsePVT(msg(NavPVT, put(92, map[int]any{0: uint32(312749000), 4: uint16(2023), 6: uint8(6), 7: uint8(28), 8: uint8(14), 9: uint8(52), 10: uint8(11),
		11: uint8(0x67), 12: uint32(97), 16: int32(-4206), 20: uint8(3), 21: uint8(1), 22: uint8(0xE0), 23: uint8(7), 24: int32(375979727), 28: int32(-556024871),
		32: int32(206121), 36: int32(192758), 40: uint32(28568), 44: uint32(68507), 76: uint16(250)})))
	check(NavPVT, v, ok, PVT{ITOW: 312749000, Year: 2023, Month: 6, Day: 28, Hour: 14, Minute: 52, Second: 11, DateValid: true, TimeValid: true, FullyResolved: true,
		TAccNs: 97, Nano: -4206, FixType: Fix3D, FixOK: true, NumSV: 7, Longitude: 375979727, Latitude: -556024871, HeightMm: 206121, HeightMSLMm: 192758,
		HAccMm: 28568, VAccMm: 68507, PDOP: 250, ConfirmedDate: true, Confirmed: true})

	u, ok := ParseTimeUTC(msg(NavTIMEUTC, put(20, map[int]any{0: uint32(5000), 4: uint32(12), 8: int32(-1_000_869), 12: uint16(2009), 14: uint8(1), 15: uint8(28),
		16: uint8(20), 17: uint8(35), 18: uint8(60), 19: uint8(0x37)})))
	check(NavTIMEUTC, u, ok, TimeUTC{ITOW: 5000, TAccNs: 12, Nano: -1_000_869, Year: 2009, Month: 1, Day: 28, Hour: 20, Minute: 35, Second: 60,
		TOWValid: true, WeekValid: true, UTCValid: true, Standard: 3})

	g, ok := ParseTimeGPS(msg(NavTIMEGPS, put(16, map[int]any{0: uint32(7), 4: int32(-9), 8: int16(2146), 10: int8(-18), 11: uint8(3), 12: uint32(31)})))
	check(NavTIMEGPS, g, ok, TimeGPS{ITOW: 7, FTOWNs: -9, Week: 2146, LeapS: -18, TOWValid: true, WeekValid: true, TAccNs: 31})

	l, ok := ParseTimeLS(msg(NavTIMELS, put(24, map[int]any{0: uint32(7), 8: uint8(255), 9: int8(18), 10: uint8(6), 11: int8(-1), 12: int32(-53765),
		16: uint16(2268), 18: uint16(3), 23: uint8(2)})))
	check(NavTIMELS, l, ok, TimeLS{ITOW: 7, Source: 255, LeapS: 18, EventValid: true, ChangeSource: 6, Change: -1, InS: -53765, EventWeek: 2268, EventDay: 3})

	c, ok := ParseNavClock(msg(NavCLOCK, put(20, map[int]any{0: uint32(7), 4: int32(-445746), 8: int32(-429), 12: uint32(34), 16: uint32(1783)})))
	check(NavCLOCK, c, ok, NavClock{7, -445746, -429, 34, 1783})

	s, ok := ParseNavStatus(msg(NavSTATUS, put(16, map[int]any{0: uint32(7), 4: uint8(5), 5: uint8(0x0D), 7: uint8(0x10), 12: uint32(123598)})))
	check(NavSTATUS, s, ok, NavStatus{ITOW: 7, FixType: FixTime, FixOK: true, WeekValid: true, TOWValid: true, Spoofing: SpoofingIndicated, UptimeMs: 123598})

	o, ok := ParseNavSol(msg(NavSOL, put(52, map[int]any{0: uint32(7), 4: int32(-112313), 8: int16(1977), 10: uint8(2), 11: uint8(0xDF), 12: int32(1), 16: int32(-2), 20: int32(3),
		24: uint32(400), 44: uint16(150), 47: uint8(6)})))
	check(NavSOL, o, ok, NavSol{7, -112313, 1977, 2, true, true, true, [3]int32{1, -2, 3}, 400, 150, 6})

	p, ok := ParsePosLLH(msg(NavPOSLLH, put(28, map[int]any{0: uint32(7), 4: int32(-1), 8: int32(2), 12: int32(3), 16: int32(4), 20: uint32(5), 24: uint32(6)})))
	check(NavPOSLLH, p, ok, PosLLH{7, -1, 2, 3, 4, 5, 6})

	tp, ok := ParsePulseTime(msg(TimTP, put(16, map[int]any{0: uint32(237870000), 4: uint32(9), 8: int32(-4331), 12: uint16(2146), 14: uint8(0x3B), 15: uint8(0x3F)})))
	check(TimTP, tp, ok, PulseTime{237870000, 9, -4331, 2146, true, true, true, true, 15, 3})

	sv, ok := ParseTimSVIN(msg(TimSVIN, put(28, map[int]any{0: uint32(600), 4: int32(100), 8: int32(-200), 12: int32(300), 16: uint32(4_000_000), 20: uint32(598), 24: uint8(0), 25: uint8(1)})))
	check(TimSVIN, sv, ok, Survey{DurationS: 600, Observations: 598, X: 1, Y: -2, Z: 3, AccuracyM: 2, Active: true, HasMean: true})

	nv, ok := ParseNavSVIN(msg(NavSVIN, put(40, map[int]any{8: uint32(601), 12: int32(100), 16: int32(200), 20: int32(300), 24: int8(-50), 28: uint32(12_345), 32: uint32(500), 36: uint8(1)})))
	check(NavSVIN, math.Abs(nv.X-0.995) < 1e-9 && math.Abs(nv.AccuracyM-1.2345) < 1e-9 && nv.Valid && !nv.Active && nv.Observations == 500 && nv.DurationS == 601, ok, true)

	to, ok := ParseTimeOfSecond(msg(TimTOS, put(56, map[int]any{4: uint32(0x20C2), 8: uint16(2026), 10: uint8(11), 11: uint8(23), 12: uint8(1), 13: uint8(2), 14: uint8(3),
		16: int32(-5), 20: uint32(30), 24: uint32(2446), 28: uint32(90123), 32: int32(6), 36: uint32(31)})))
	check(TimTOS, to, ok, TimeOfSecond{LeapSoon: true, GNSSValid: true, UTCValid: true, Locked: true, Year: 2026, Month: 11, Day: 23, Hour: 1, Minute: 2, Second: 3,
		UTCOffsetNs: -5, UTCUncertaintyNs: 30, Week: 2446, TOWS: 90123, GNSSOffsetNs: 6, GNSSUncertaintyNs: 31})

	for size, jam := range map[int]int{60: 45, 68: 53} {
		b, ok := ParseHW(msg(MonHW, put(size, map[int]any{16: uint16(91), 18: uint16(4000), 20: uint8(4), 21: uint8(1), 22: uint8(0x0D), jam: uint8(17)})))
		check(MonHW, b, ok, RFBlock{AntennaOpen, 1, JammingCritical, 91, 4000, 17, true})
	}
	for _, size := range []int{24, 20} {
		var blocks []RFBlock
		ok = ParseRF(msg(MonRF, put(4+2*size, map[int]any{1: uint8(2), 5: uint8(1), 6: uint8(2), 7: uint8(1), 4 + size + 1: uint8(2), 4 + size + 2: uint8(3)})), func(b RFBlock) { blocks = append(blocks, b) })
		check(MonRF, len(blocks) == 2 && blocks[0].Antenna == AntennaOK && blocks[0].Jamming == JammingOK && blocks[1].Antenna == AntennaShort &&
			blocks[1].Jamming == JammingWarning && blocks[0].HasIndicator == (size == 24), ok, true)
	}
	for _, p := range [][]byte{{1, 0, 0, 0, 0x07, 0, 0, 0, 0x05, 0, 0, 0}, {2, 0x2F, 0, 1, 0, 0, 0, 0}} {
		v, ok := ParseSecurity(msg(SecSIG, p))
		check(SecSIG, v, ok, Security{Jamming: JammingCritical, Spoofing: SpoofingIndicated, JammingOn: true, SpoofingOn: true})
	}
}

// Satellites by the old single numbering and the new one.
func TestBothSatelliteNumberingsNameTheSameSatellites(t *testing.T) {
	var got []Sat
	add := func(s Sat) { got = append(got, s) }
	p := put(8+12*2, map[int]any{4: uint8(1), 5: uint8(2), 8: []byte{6, 9, 40, 0xFB}, 12: int16(350), 16: uint32(8), 20: []byte{2, 36, 0, 10}})
	if _, ok := ParseSat(Message{ClassNAV, NavSAT.ID(), p}, add); !ok {
		t.Fatal("NAV-SAT refused")
	}
	if want := (Sat{GLONASS, 9, 40, -5, 350, true}); got[0] != want || got[1].System != Galileo || got[1].Used {
		t.Errorf("%+v", got)
	}
	for sv, want := range map[int]Sat{1: {System: GPS, ID: 1}, 33: {System: BeiDou, ID: 6}, 64: {System: BeiDou, ID: 37}, 65: {System: GLONASS, ID: 1},
		120: {System: SBAS, ID: 120}, 159: {System: BeiDou, ID: 1}, 193: {System: QZSS, ID: 1}, 211: {System: Galileo, ID: 1}, 246: {System: Galileo, ID: 36}} {
		got = nil
		if _, ok := ParseSVInfo(Message{ClassNAV, NavSVINFO.ID(), put(20, map[int]any{4: uint8(1), 9: uint8(sv)})}, add); !ok || got[0] != want {
			t.Errorf("%d: %+v", sv, got)
		}
	}
}

// parsers are all of them; each takes any message.
var parsers = map[Name]func(Message) bool{
	NavPVT:     func(m Message) bool { _, ok := ParsePVT(m); return ok },
	NavTIMEUTC: func(m Message) bool { _, ok := ParseTimeUTC(m); return ok },
	NavTIMEGPS: func(m Message) bool { _, ok := ParseTimeGPS(m); return ok },
	NavTIMELS:  func(m Message) bool { _, ok := ParseTimeLS(m); return ok },
	NavCLOCK:   func(m Message) bool { _, ok := ParseNavClock(m); return ok },
	NavSTATUS:  func(m Message) bool { _, ok := ParseNavStatus(m); return ok },
	NavSOL:     func(m Message) bool { _, ok := ParseNavSol(m); return ok },
	NavPOSLLH:  func(m Message) bool { _, ok := ParsePosLLH(m); return ok },
	NavDOP:     func(m Message) bool { _, _, ok := ParseDOP(m); return ok },
	NavEOE:     func(m Message) bool { _, ok := ParseEOE(m); return ok },
	NavSAT:     func(m Message) bool { _, ok := ParseSat(m, func(Sat) {}); return ok },
	NavSVINFO:  func(m Message) bool { _, ok := ParseSVInfo(m, func(Sat) {}); return ok },
	NavSVIN:    func(m Message) bool { _, ok := ParseNavSVIN(m); return ok },
	TimTP:      func(m Message) bool { _, ok := ParsePulseTime(m); return ok },
	TimSVIN:    func(m Message) bool { _, ok := ParseTimSVIN(m); return ok },
	TimTOS:     func(m Message) bool { _, ok := ParseTimeOfSecond(m); return ok },
	MonVER:     func(m Message) bool { _, ok := ParseVersion(m); return ok },
	MonHW:      func(m Message) bool { _, ok := ParseHW(m); return ok },
	MonRF:      func(m Message) bool { return ParseRF(m, func(RFBlock) {}) },
	SecSIG:     func(m Message) bool { _, ok := ParseSecurity(m); return ok },
	AckACK:     func(m Message) bool { _, ok := ParseAck(m); return ok },
	InfNOTICE:  func(m Message) bool { _, ok := ParseInfo(m); return ok },
}

// A message of another name is refused, and so is every length from none to 64
// that no version of it has.
func TestMessagesOfAnotherNameOrLengthAreRefused(t *testing.T) {
	lengths := map[Name][]int{NavTIMEUTC: {20}, NavTIMEGPS: {16}, NavTIMELS: {24}, NavCLOCK: {20}, NavSTATUS: {16}, NavSOL: {52}, NavPOSLLH: {28}, NavDOP: {18},
		NavEOE: {4}, NavSAT: {}, NavSVINFO: {8}, NavSVIN: {40}, TimTP: {16}, TimSVIN: {28}, TimTOS: {56}, MonVER: {40}, MonHW: {60}, MonRF: {}, SecSIG: {}, NavPVT: {}}
	for name, parse := range parsers {
		for other := range parsers {
			if other != name && other.Class() != name.Class() && parse(Message{other.Class(), other.ID(), make([]byte, 64)}) {
				t.Errorf("%v is taken for %v", other, name)
			}
		}
		want, fixed := lengths[name]
		for n := 0; fixed && n <= 64; n++ {
			ok := false
			for _, w := range want {
				ok = ok || n == w
			}
			if parse(Message{name.Class(), name.ID(), make([]byte, n)}) != ok {
				t.Errorf("%v of %d bytes: accepted %v", name, n, !ok)
			}
		}
	}
}

// Nothing that a payload can hold makes a parser panic or allocate without
// bound.
func FuzzMessages(f *testing.F) {
	for name := range parsers {
		f.Add(uint16(name), make([]byte, 60))
	}
	f.Add(uint16(NavSAT), put(8+12, map[int]any{4: uint8(1), 5: uint8(1)}))
	f.Add(uint16(SecSIG), []byte{2, 0xFF, 0, 1, 1, 2, 3, 4})
	f.Fuzz(func(t *testing.T, name uint16, payload []byte) {
		m := Message{Name(name).Class(), Name(name).ID(), payload}
		for _, parse := range parsers {
			parse(m)
		}
		frame := AppendFrame(nil, m.Class, m.ID, payload)
		if len(payload) < 1<<16 {
			if back, ok := Parse(frame); !ok || back.Name() != m.Name() || string(back.Payload) != string(payload) {
				t.Fatalf("%v of %d bytes does not come back", m.Name(), len(payload))
			}
		}
	})
}
