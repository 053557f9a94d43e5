package ubx

import (
	"bytes"
	"encoding/hex"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
)

func unhex(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// Frames as they stand in public set-up scripts, or, without a checksum, put
// together from the descriptions byte by byte.
func TestConfigurationFramesAreThoseOfPublicScripts(t *testing.T) {
	pulse := TimePulse{Version: 1, CableDelayNs: 50, Period: 1_000_000, PeriodLocked: 1_000_000, LengthLocked: 100_000,
		Flags: PulseActive | PulseLockGNSS | PulseLockedOther | PulseIsLength | PulseAlign | PulseRising | PulseGridGPS}
	for _, c := range []struct {
		what    string
		name    Name
		payload []byte
		frame   string
	}{
		{"1 Hz", CfgRATE, Rate{MeasMs: 1000, Nav: 1, TimeRef: 1}.Payload(), "B562 0608 0600 E803 0100 0100 0139"},
		{"GLL off at this port", CfgMSG, MsgRate(0xF001, 0), "B562 0601 0300 F00100 FB11"},
		{"UART1 at 115,200, UBX and NMEA out", CfgPRT, NewPort(PortUART1, 115_200, 7, 3).Payload(),
			"B562 0600 1400 01000000 D0080000 00C20100 0700 0300 0000 0000 C07E"},
		{"the pulse of a factory M8", CfgTP5, pulse.Payload(),
			"B562 0631 2000 00010000 3200 0000 40420F00 40420F00 00000000 A0860100 00000000 F7000000"},
		{"stationary", CfgNAV5, ModelPayload(ModelStationary), "B562 0624 2400 0100 02" + strings.Repeat("00", 33)},
		{"poll of the port in use", CfgPRT, nil, "B562 0600 0000 0618"},
		{"baud rate by item", CfgVALSET, ValsetPayload(SetRAM, Item{KeyUART1Baud, 115_200}), "B562 068A 0C00 0001 0000 0100 5240 00C20100"},
	} {
		frame := AppendMessage(nil, c.name, c.payload)
		want := unhex(t, c.frame)
		if len(want) == len(frame)-2 {
			frame = frame[:len(want)]
		}
		if !bytes.Equal(frame, want) {
			t.Errorf("%s:\n% X, want\n% X", c.what, frame, want)
		}
	}
}

// What is parsed and made again is the same, fields without a name here too.
func TestAParsedConfigurationIsMadeAgainByteForByte(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		random := func(n int) []byte {
			b := make([]byte, n)
			for i := range b {
				b[i] = byte(rng.Uint32())
			}
			return b
		}
		again := func(name Name, p, got []byte, ok bool) {
			t.Helper()
			if !ok || !bytes.Equal(got, p) {
				t.Fatalf("%v: % X became % X, %v", name, p, got, ok)
			}
		}
		b := random(20)
		port, ok := ParsePort(Message{ClassCFG, CfgPRT.ID(), b})
		again(CfgPRT, b, port.Payload(), ok)
		b = random(32)
		b[1] &= 1
		pulse, ok := ParseTimePulse(Message{ClassCFG, CfgTP5.ID(), b})
		again(CfgTP5, b, pulse.Payload(), ok)
		b = random(6)
		rate, ok := ParseRate(Message{ClassCFG, CfgRATE.ID(), b})
		again(CfgRATE, b, rate.Payload(), ok)
		b = random(8)
		itfm, ok := ParseInterference(Message{ClassCFG, CfgITFM.ID(), b})
		again(CfgITFM, b, itfm.Payload(), ok)
		rates, ok := ParseMsgRates(Message{ClassCFG, CfgMSG.ID(), b})
		again(CfgMSG, b, rates.Payload(), ok)
	}
}

// The earth's radius in 0.1 mm and the halves of a cm, both signs, survive each
// of the three ways to set a position; CFG-TMODE2 has cm only.
func TestTimeModeIsOneInThreeForms(t *testing.T) {
	for _, p := range [][3]int64{{}, {63_781_370_000, -63_567_523_142, 49}, {50, -50, 51}, {-51, 149, -150}, {-1, 1, -99}} {
		want := TimeMode{Mode: TimeModeFixed, Position: p, Accuracy: 12_340, SurveyMinS: 1200, SurveyLimit: 30_000}
		if got, ok := ParseTimeMode3(Message{ClassCFG, CfgTMODE3.ID(), want.Payload3()}); !ok || got != want {
			t.Errorf("CFG-TMODE3: %+v, want %+v", got, want)
		}
		items := want.Items()
		_, again, ok := ParseValset(Message{ClassCFG, CfgVALSET.ID(), ValsetPayload(SetRAM, items...)})
		if !ok || len(again) != len(items) {
			t.Fatalf("items %v came back as %v", items, again)
		}
		if got, ok := TimeModeOf(again); !ok || got != want {
			t.Errorf("CFG-TMODE-*: %+v, want %+v", got, want)
		}
		got, ok := ParseTimeMode2(Message{ClassCFG, CfgTMODE2.ID(), want.Payload2()})
		for i := range got.Position {
			if d := got.Position[i] - p[i]; d < -50 || d > 50 || got.Position[i]%100 != 0 {
				t.Errorf("CFG-TMODE2: %d became %d", p[i], got.Position[i])
			}
		}
		got.Position = want.Position
		if !ok || got != want {
			t.Errorf("CFG-TMODE2: %+v, want %+v", got, want)
		}
	}
	if got := scaled(math.MaxUint32); got != math.MaxUint32 {
		t.Errorf("an accuracy of 4,294 km became %d", got)
	}
}

// Keys tell their size; signs survive it.
func TestAnItemsKeyTellsItsSizeAndItsSignSurvives(t *testing.T) {
	for k := range keyNames {
		if k.Size() == 0 || strings.HasPrefix(k.String(), "CFG-0x") {
			t.Errorf("%#x: size %d, name %s", uint32(k), k.Size(), k)
		}
	}
	for _, c := range []struct {
		key  Key
		size int
	}{{KeyTPEnable, 1}, {KeyTmodeXHP, 1}, {KeyTPCableDelay, 2}, {KeyTmodeX, 4}, {0x5005002A, 8}, {0x00050001, 0}, {0x60050001, 0}} {
		if c.key.Size() != c.size {
			t.Errorf("%#x: %d bytes, want %d", uint32(c.key), c.key.Size(), c.size)
		}
	}
	for _, v := range []int64{0, 1, -1, 127, -128} {
		if got := Int(KeyTmodeXHP, v).Signed(); got != v {
			t.Errorf("%d became %d", v, got)
		}
	}
	if got := Int(KeyTmodeX, -637_813_700).Signed(); got != -637_813_700 {
		t.Errorf("got %d", got)
	}
	m := Message{ClassCFG, CfgVALGET.ID(), ValgetPayload(GetRAM, TimeModeKeys...)}
	if layer, keys, ok := ParseValgetQuestion(m); !ok || layer != GetRAM || len(keys) != len(TimeModeKeys) || keys[2] != KeyTmodeX {
		t.Errorf("asked for %v, %v", keys, ok)
	}
	if _, _, ok := ParseValget(m); ok {
		t.Error("a question is taken for its answer")
	}
	m.Payload = ValgetAnswer(GetRAM, Item{KeyTPCableDelay, 50})
	if _, items, ok := ParseValget(m); !ok || len(items) != 1 || items[0] != (Item{KeyTPCableDelay, 50}) {
		t.Errorf("answered %v, %v", items, ok)
	}
	if _, _, ok := ParseValset(Message{ClassCFG, CfgVALSET.ID(), append(ValsetPayload(SetRAM), 1, 0, 3)}); ok {
		t.Error("half a key is taken")
	}
}

// Whatever comes under a CFG name: no panic, and what is taken can be made again.
func FuzzCFG(f *testing.F) {
	for _, n := range []Name{CfgPRT, CfgMSG, CfgRATE, CfgNAV5, CfgTP5, CfgITFM, CfgTMODE2, CfgTMODE3, CfgVALSET, CfgVALGET} {
		f.Add(uint16(n), []byte{0, 1, 0, 0, 1, 0, 3, 0x20, 2})
	}
	f.Fuzz(func(t *testing.T, name uint16, p []byte) {
		m := Message{Name(name).Class(), Name(name).ID(), p}
		if port, ok := ParsePort(m); ok && !bytes.Equal(port.Payload(), p) {
			t.Errorf("CFG-PRT % X", p)
		}
		if tp, ok := ParseTimePulse(m); ok && !bytes.Equal(tp.Payload(), p) {
			t.Errorf("CFG-TP5 % X", p)
		}
		if tm, ok := ParseTimeMode3(m); ok && !tm.LLA {
			if again, _ := ParseTimeMode3(Message{m.Class, m.ID, tm.Payload3()}); again.Mode != tm.Mode || again.Accuracy != tm.Accuracy {
				t.Errorf("CFG-TMODE3 %+v became %+v", tm, again)
			}
		}
		if layers, items, ok := ParseValset(m); ok && !bytes.Equal(ValsetPayload(layers, items...)[valHeader:], p[valHeader:]) {
			t.Errorf("CFG-VALSET % X", p)
		}
		_, items, _ := ParseValget(m)
		TimeModeOf(items)
		ParseValgetQuestion(m)
		ParseModel(m)
		ParseTimeMode2(m)
		ParseRate(m)
		ParseInterference(m)
		ParseMsgRates(m)
	})
}
