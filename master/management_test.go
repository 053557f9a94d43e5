package master

import (
	"encoding/hex"
	"strings"
	"testing"

	"bragi/gnss/timescale"
	"bragi/holdover/quality"
	"bragi/master/wire"
)

// ask sends a Management message and returns the answer's TLV.
func ask(t *testing.T, m *Master, p *peer, now timescale.Mono, action wire.ManagementAction, id wire.ManagementID) (wire.TLVType, []byte, *wire.Management) {
	t.Helper()
	tlvs, err := wire.ParseTLVs(wire.AppendManagementTLV(nil, id, nil))
	if err != nil {
		t.Fatal(err)
	}
	q := wire.Management{Header: p.header(), Target: allPort, Action: action, StartingHops: 1, Hops: 1, TLVs: tlvs}
	got := say(t, m, now, Datagram{Src: p.addr, Dst: us, Payload: q.Append(nil)})
	if len(got) == 0 {
		return 0, nil, nil
	}
	r, err := wire.ParseManagement(got[0].Payload)
	if err != nil || len(got) != 1 || got[0].Event || got[0].Dst != p.addr || got[0].Message.Src != us {
		t.Fatalf("%+v: %v", got, err)
	}
	if r.Target != p.id || r.SequenceID != q.SequenceID || r.Source != m.Identity() || r.Hops != 0 {
		t.Errorf("answer %+v to %+v", r, q)
	}
	typ, v, ok := r.TLVs.Next()
	if !ok || !r.TLVs.Empty() {
		t.Fatal("not one TLV")
	}
	return typ, v, &r
}

// The data sets as the tables of 15.5.3 lay them out, one field a group.
func TestManagementDataSets(t *testing.T) {
	m := newMaster(t, func(c *Config) {
		c.Management, c.Priority1, c.Priority2, c.Domain = true, 100, 101, 0
		c.Description = Description{Product: "bragi;test;1", Revision: ";;1.0", User: "head end"}
	})
	const me = "001122fffe334455"
	for id, want := range map[wire.ManagementID]string{
		wire.IDNull:                  "",
		wire.IDUserDescription:       "08" + hex.EncodeToString([]byte("head end")) + "00",
		wire.IDDefaultDataSet:        "00 00 0001 64 06 21 4e5d 65" + me + "00 00",
		wire.IDCurrentDataSet:        "0000 0000000000000000 0000000000000000",
		wire.IDParentDataSet:         me + "0001 00 00 ffff 7fffffff 64 06 21 4e5d 65" + me,
		wire.IDTimePropertiesDataSet: "0025 3c 20",
		wire.IDPortDataSet:           me + "0001 06 00 0000000000000000 01 03 00 01 00 02",
		wire.IDPriority1:             "64 00",
		wire.IDPriority2:             "65 00",
		wire.IDDomain:                "00 00",
		wire.IDVersionNumber:         "02 00",
		wire.IDClockAccuracy:         "21 00",
		wire.IDGrandmasterSettingsNP: "06 21 4e5d 0025 3c 20",
		wire.IDClockDescription: "8000 0a" + hex.EncodeToString([]byte("IEEE 802.3")) + "0006 001122334455 0001 0004 0a000001 001122 00" +
			"0c" + hex.EncodeToString([]byte("bragi;test;1")) + "05" + hex.EncodeToString([]byte(";;1.0")) + "08" + hex.EncodeToString([]byte("head end")) + "001b19000100 00",
	} {
		typ, v, r := ask(t, m, newPeer(int(id)), start, wire.ActionGet, id)
		if r == nil || typ != wire.TLVManagement || r.Action != wire.ActionResponse {
			t.Fatalf("id %04x: TLV %04x, %+v", id, typ, r)
		}
		got, data, err := wire.ParseManagementTLV(v)
		want = strings.ReplaceAll(want, " ", "")
		if err != nil || got != id || hex.EncodeToString(data) != want {
			t.Errorf("id %04x:\n got %x\nwant %s", id, data, want)
		}
	}
	m.SetAnnouncement(quality.Announcement{ClockClass: 248, ClockAccuracy: 0xFE})
	if _, v, _ := ask(t, m, newPeer(1), start, wire.ActionGet, wire.IDPortDataSet); v[2+10] != portStatePassive {
		t.Errorf("port state %d while nothing is served", v[12])
	}
}

func TestManagementRefusals(t *testing.T) {
	m := newMaster(t, func(c *Config) { c.Management = true })
	for _, c := range []struct {
		action wire.ManagementAction
		id     wire.ManagementID
		want   wire.ManagementError
	}{
		{wire.ActionGet, 0x2FFF, wire.ErrorNoSuchID},
		{wire.ActionSet, wire.IDPriority1, wire.ErrorNotSettable},
		{wire.ActionSet, 0x2FFF, wire.ErrorNoSuchID},
		{wire.ActionCommand, wire.IDDefaultDataSet, wire.ErrorNotSupported},
	} {
		typ, v, r := ask(t, m, newPeer(1), start, c.action, c.id)
		if e, id, err := wire.ParseManagementErrorTLV(v); r == nil || typ != wire.TLVManagementErrorStatus || e != c.want || id != c.id || err != nil {
			t.Errorf("action %d of %04x: error %04x, %v", c.action, c.id, e, err)
		}
	}
	if m.cfg.Priority1 != 128 {
		t.Error("a SET had an effect")
	}
	if _, _, r := ask(t, m, newPeer(1), start, wire.ActionResponse, wire.IDPriority1); r != nil {
		t.Error("a RESPONSE was answered")
	}
	off := newMaster(t, nil)
	if _, _, r := ask(t, off, newPeer(1), start, wire.ActionGet, wire.IDPriority1); r != nil || received(off, ManagementOff) != 1 {
		t.Error("answered while it is off")
	}
	distrust := newMaster(t, func(c *Config) { untrusting(c); c.Management = true })
	if _, _, r := ask(t, distrust, newPeer(1), start, wire.ActionGet, wire.IDClockDescription); r != nil {
		t.Error("an address that is not trusted was answered")
	}
	n := 0
	for range 1000 {
		if _, _, r := ask(t, m, newPeer(2), start, wire.ActionGet, wire.IDPriority1); r != nil {
			n++
		}
	}
	if n > 32+1000/leak*2 {
		t.Errorf("%d of 1000 at once were answered", n)
	}
}
