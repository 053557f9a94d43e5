package wire

import (
	"encoding/hex"
	"errors"
	"testing"
)

const (
	goldenGet = "0d 02 0036 00 00 0000 0000000000000000 00000000 a0b1c2fffed3e4f5 0002 0005 00 7f" +
		"ffffffffffffffff ffff 01 01 00 00 0001 0002 2002"
	goldenError = "0d 02 003c 00 00 0400 0000000000000000 00000000 001122fffe334455 0001 0005 00 7f" +
		"a0b1c2fffed3e4f5 0002 00 00 02 00 0002 0008 0002 2fff 00000000"
)

func TestManagementMessagesGoBothWays(t *testing.T) {
	b := octets(t, goldenGet)
	m, err := ParseManagement(b)
	if err != nil || m.Action != ActionGet || m.StartingHops != 1 || m.Hops != 1 || m.Source != client || !m.Target.Addresses(master) {
		t.Fatalf("%+v: %v", m, err)
	}
	if out := m.Append(nil); hex.EncodeToString(out) != hex.EncodeToString(b) {
		t.Errorf("appended\n %x, want\n %x", out, b)
	}
	typ, v, _ := m.TLVs.Next()
	if id, data, err := ParseManagementTLV(v); typ != TLVManagement || id != IDParentDataSet || len(data) != 0 || err != nil {
		t.Errorf("%x %x %x %v", typ, id, data, err)
	}
	b = octets(t, goldenError)
	m, err = ParseManagement(b)
	if err != nil || m.Action != ActionResponse {
		t.Fatalf("%+v: %v", m, err)
	}
	typ, v, _ = m.TLVs.Next()
	e, id, err := ParseManagementErrorTLV(v)
	if typ != TLVManagementErrorStatus || e != ErrorNoSuchID || id != 0x2FFF || err != nil {
		t.Errorf("%x %x %x %v", typ, e, id, err)
	}
	if got := AppendManagementErrorTLV(nil, e, id); hex.EncodeToString(got) != hex.EncodeToString(b[ManagementLen:]) {
		t.Errorf("appended %x", got)
	}
	if got := AppendManagementTLV(nil, IDPriority1, []byte{128}); hex.EncodeToString(got) != "0001000420058000" {
		t.Errorf("odd data %x", got)
	}
	if got := AppendText([]byte{9}, "abc"); hex.EncodeToString(got) != "0903616263" {
		t.Errorf("text %x", got)
	}
	if got := AppendText(nil, string(make([]byte, 300))); len(got) != 256 || got[0] != 255 {
		t.Errorf("long text of %d octets", len(got))
	}
	for _, b := range [][]byte{nil, {1}, {3, 'a', 'b'}} {
		if s, err := ParseText(b); !errors.Is(err, ErrTLV) {
			t.Errorf("text %x: %q", b, s)
		}
	}
	_, _, e1 := ParseManagementTLV([]byte{1})
	_, _, e2 := ParseManagementErrorTLV(make([]byte, 7))
	_, e3 := ParseManagement(octets(t, goldenGet)[:47])
	if !errors.Is(e1, ErrTLV) || !errors.Is(e2, ErrTLV) || !errors.Is(e3, ErrLength) {
		t.Errorf("%v %v %v", e1, e2, e3)
	}
}
