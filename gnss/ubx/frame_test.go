package ubx

import (
	"bytes"
	"testing"
)

// Frames as real receivers send them and u-blox documents them.
func TestKnownFramesGoBothWaysAndDamagedOnesAreRefused(t *testing.T) {
	for _, c := range []struct {
		name  string
		frame []byte
		want  Message
	}{
		{"poll of MON-VER", []byte{0xB5, 0x62, 0x0A, 0x04, 0, 0, 0x0E, 0x34}, Message{ClassMON, 0x04, nil}},
		{"poll of NAV-PVT", []byte{0xB5, 0x62, 0x01, 0x07, 0, 0, 0x08, 0x19}, Message{ClassNAV, 0x07, nil}},
		{"ACK-ACK of CFG-MSG", []byte{0xB5, 0x62, 0x05, 0x01, 2, 0, 0x06, 0x01, 0x0F, 0x38}, Message{ClassACK, 0x01, []byte{6, 1}}},
	} {
		if got := AppendFrame(nil, c.want.Class, c.want.ID, c.want.Payload); !bytes.Equal(got, c.frame) {
			t.Errorf("%s: % X, want % X", c.name, got, c.frame)
		}
		m, ok := Parse(c.frame)
		if !ok || m.Class != c.want.Class || m.ID != c.want.ID || !bytes.Equal(m.Payload, c.want.Payload) {
			t.Errorf("%s: parsed %+v, %v", c.name, m, ok)
		}
		for i := range c.frame {
			broken := bytes.Clone(c.frame)
			broken[i] ^= 0x10
			if _, ok := Parse(broken); ok {
				t.Errorf("%s: accepted with byte %d damaged", c.name, i)
			}
			if _, ok := Parse(c.frame[:i]); ok {
				t.Errorf("%s: accepted %d bytes of it", c.name, i)
			}
		}
	}
}

func TestOnlyAWholeAckOrNakIsAnAck(t *testing.T) {
	for _, c := range []struct {
		m    Message
		want Ack
		ok   bool
	}{
		{Message{ClassACK, 1, []byte{0x06, 0x8A}}, Ack{CfgVALSET, true}, true},
		{Message{ClassACK, 0, []byte{0x06, 0x3D}}, Ack{CfgTMODE2, false}, true},
		{Message{ClassACK, 2, []byte{0x06, 0x3D}}, Ack{}, false},
		{Message{ClassACK, 1, []byte{0x06}}, Ack{}, false},
		{Message{ClassNAV, 1, []byte{0x06, 0x3D}}, Ack{}, false},
	} {
		if got, ok := ParseAck(c.m); got != c.want || ok != c.ok {
			t.Errorf("%+v: %+v, %v", c.m, got, ok)
		}
	}
}

func monVER(software, hardware string, extensions ...string) Message {
	p := make([]byte, verSoftware+verHardware+verExtension*len(extensions))
	copy(p, software)
	copy(p[verSoftware:], hardware)
	for i, e := range extensions {
		copy(p[verSoftware+verHardware+i*verExtension:], e)
	}
	return Message{ClassMON, 0x04, p}
}

func TestMonVERTellsGenerationFirmwareAndModule(t *testing.T) {
	for _, c := range []struct {
		m                      Message
		generation, protocol   int
		firmware, module, core string
	}{
		{monVER("EXT CORE 3.01 (111141)", "00080000", "ROM BASE 2.01 (75331)", "FWVER=TIM 1.10", "PROTVER=22.00", "MOD=LEA-M8T-0"),
			8, 2200, "TIM 1.10", "LEA-M8T-0", "EXT CORE 3.01 (111141)"},
		{monVER("ROM CORE 2.01 (75331)", "00080000", "PROTVER 15.00", "GPS;SBAS;GLO;BDS;QZSS"), 8, 1500, "", "", "ROM CORE 2.01 (75331)"},
		{monVER("EXT CORE 1.00 (107888)", "00190000", "FWVER=TIM 2.20", "PROTVER=29.20", "MOD=ZED-F9T"), 9, 2920, "TIM 2.20", "ZED-F9T", "EXT CORE 1.00 (107888)"},
		{monVER("ROM SPG 5.10 (7b202e)", "000A0000", "FWVER=SPG 5.10", "PROTVER=34.10"), 10, 3410, "SPG 5.10", "", "ROM SPG 5.10 (7b202e)"},
		{monVER("7.03 (45969)", "00040007"), 6, 0, "", "", "7.03 (45969)"},
		{monVER("something else", "12345678", "PROTVER=x"), 0, 0, "", "", "something else"},
	} {
		v, ok := ParseVersion(c.m)
		if !ok || v.Generation() != c.generation || v.Protocol != c.protocol || v.Firmware != c.firmware || v.Module != c.module || v.Software != c.core {
			t.Errorf("%q: %+v generation %d, %v", c.core, v, v.Generation(), ok)
		}
	}
	if _, ok := ParseVersion(Message{ClassMON, 0x04, make([]byte, 41)}); ok {
		t.Error("41 bytes are a MON-VER")
	}
}
