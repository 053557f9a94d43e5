package master

import (
	"encoding/hex"
	"net/netip"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"bragi/gnss/timescale"
	"bragi/holdover/quality"
	"bragi/master/wire"
)

// ask sends a Management message and returns the answer's TLV.
func ask(t *testing.T, m *Master, p *peer, now timescale.Mono, action wire.ManagementAction, id wire.ManagementID, data ...byte) (wire.TLVType, []byte, *wire.Management) {
	t.Helper()
	tlvs, err := wire.ParseTLVs(wire.AppendManagementTLV(nil, id, data))
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
func TestManagementDataSetsAreLaidOutAsTheStandardSays(t *testing.T) {
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
		wire.IDParentDataSet:         me + "0000 00 00 ffff 7fffffff 64 06 21 4e5d 65" + me,
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
	m = newMaster(t, func(c *Config) { c.Management = true })
	m.Drain(start)
	if _, v, _ := ask(t, m, newPeer(1), start, wire.ActionGet, wire.IDPortDataSet); v[2+10] != portStatePassive {
		t.Errorf("port state %d while clients are sent away", v[12])
	}
}

func TestManagementRefusesWithAnError(t *testing.T) {
	m := newMaster(t, func(c *Config) { c.Management = true })
	for _, c := range []struct {
		action wire.ManagementAction
		id     wire.ManagementID
		want   wire.ManagementError
	}{
		{wire.ActionGet, 0x2FFF, wire.ErrorNoSuchID},
		{wire.ActionSet, wire.IDPriority1, wire.ErrorNotSettable},
		{wire.ActionSet, wire.IDGrandmasterSettingsNP, wire.ErrorNotSettable},
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
	distrust := newMaster(t, func(c *Config) { untrusting(c); c.Management, c.ManagementSet = true, true })
	if typ, v, r := ask(t, distrust, newPeer(1), start, wire.ActionSet, wire.IDPriority1, 7, 0); r == nil || typ != wire.TLVManagementErrorStatus || v[1] != byte(wire.ErrorNotSettable) {
		t.Error("an address that is not trusted may set")
	}
	n := 0
	for range 1000 {
		if _, _, r := ask(t, m, newPeer(2), start, wire.ActionGet, wire.IDPriority1); r != nil {
			n++
		}
	}
	if n > 32+1000/leakOneIn*2 {
		t.Errorf("%d of 1000 at once were answered", n)
	}
}

// Where SET is on, the priorities and the user's description can be set, and
// Announce follows; nothing else can, and no wrong value has an effect.
func TestManagementSetsPrioritiesAndNothingElse(t *testing.T) {
	m := newMaster(t, func(c *Config) { c.Management, c.ManagementSet = true, true })
	long := append([]byte{129}, make([]byte, 129)...)
	for _, c := range []struct {
		name string
		id   wire.ManagementID
		data []byte
		want wire.ManagementError // 0: done, and answered as a GET is
	}{
		{"priority1", wire.IDPriority1, []byte{7, 0}, 0},
		{"priority2", wire.IDPriority2, []byte{8, 0}, 0},
		{"description", wire.IDUserDescription, []byte("\x08head end\x00"), 0},
		{"no priority", wire.IDPriority1, nil, wire.ErrorWrongLength},
		{"two priorities", wire.IDPriority2, []byte{1, 0, 2, 0}, wire.ErrorWrongLength},
		{"text beyond the TLV", wire.IDUserDescription, []byte{9, 'a'}, wire.ErrorWrongLength},
		{"129 octets", wire.IDUserDescription, long, wire.ErrorWrongValue},
		{"no UTF-8", wire.IDUserDescription, []byte{1, 0xFF}, wire.ErrorWrongValue},
		{"domain", wire.IDDomain, []byte{4, 0}, wire.ErrorNotSettable},
		{"a data set", wire.IDDefaultDataSet, make([]byte, 20), wire.ErrorNotSettable},
		{"unknown", 0x2FFF, []byte{1, 0}, wire.ErrorNoSuchID},
	} {
		typ, v, r := ask(t, m, newPeer(int(c.id)), start, wire.ActionSet, c.id, c.data...)
		if r == nil || r.Action != wire.ActionResponse {
			t.Fatalf("%s: %+v", c.name, r)
		}
		if c.want != 0 {
			if e, _, err := wire.ParseManagementErrorTLV(v); typ != wire.TLVManagementErrorStatus || e != c.want || err != nil {
				t.Errorf("%s: TLV %04x, error %04x, want %04x", c.name, typ, e, c.want)
			}
			continue
		}
		if _, data, err := wire.ParseManagementTLV(v); typ != wire.TLVManagement || string(data) != string(c.data) || err != nil {
			t.Errorf("%s: TLV %04x, %x", c.name, typ, data)
		}
	}
	a, err := wire.ParseAnnounce(m.announce)
	if s := m.Snapshot(start); err != nil || a.Priority1 != 7 || a.Priority2 != 8 || s.Priority1 != 7 || s.Domain != 0 || m.cfg.Description.User != "head end" {
		t.Errorf("%+v", a)
	}
	changes := 0
	for _, e := range m.TakeEvents(nil) {
		if e.Kind == EventChanged {
			changes++
		}
	}
	if changes != 3 {
		t.Errorf("%d changes were told", changes)
	}
	if _, err := New(Config{Identity: ourID, ManagementSet: true}); err == nil {
		t.Error("SET without GET")
	}
}

// Each id of the standard has an answer, or is not supported; what the standard does
// not have is no id.
func TestEveryStandardIDHasAnAnswerOrIsNotSupported(t *testing.T) {
	m := newMaster(t, func(c *Config) { c.Management = true })
	answered := map[wire.ManagementID]string{
		wire.IDSlaveOnly: "0000", wire.IDLogAnnounceInterval: "0100", wire.IDAnnounceReceiptLimit: "0300", wire.IDLogSyncInterval: "0000",
		wire.IDTime: "00000000000000000000", wire.IDUTCProperties: "00250400", wire.IDTraceability: "3000", wire.IDTimescale: "0820",
		wire.IDUnicastNegotiation: "0100", wire.IDMasterOnly: "0100", wire.IDDelayMechanism: "0100",
	}
	for id := range wire.ManagementID(0xD000) {
		if id > 0x0010 && id&0x0FC0 != 0 {
			continue // the ids are at the beginnings of the ranges
		}
		typ, v, r := ask(t, m, newPeer(int(id)), start, wire.ActionGet, id)
		if r == nil {
			t.Fatalf("id %04x: no answer", id)
		}
		if typ == wire.TLVManagement {
			_, data, _ := wire.ParseManagementTLV(v)
			if want, listed := answered[id]; listed && hex.EncodeToString(data) != want {
				t.Errorf("id %04x: %x, want %s", id, data, want)
			}
			delete(answered, id)
			continue
		}
		want := wire.ErrorNoSuchID
		if id.Standard() {
			want = wire.ErrorNotSupported
		}
		if e, _, _ := wire.ParseManagementErrorTLV(v); e != want {
			t.Errorf("id %04x: error %04x, want %04x", id, e, want)
		}
	}
	if len(answered) > 0 {
		t.Errorf("no answer to %v", answered)
	}
}

// TIME is for the transport to fill in, which knows the served clock.
func TestTimeIsFilledInByTheTransport(t *testing.T) {
	m, p := newMaster(t, func(c *Config) { c.Management = true }), newPeer(1)
	q := wire.Management{Header: p.header(), Target: allPort}
	q.TLVs, _ = wire.ParseTLVs(wire.AppendManagementTLV(nil, wire.IDTime, nil))
	got := say(t, m, start, Datagram{Src: p.addr, Port: 4711, Dst: us, Payload: q.Append(nil)})
	got[0].SetEstimate(timescale.LocalFromNs(1_755_361_730_123_456_789))
	r, err := wire.ParseManagement(got[0].Payload)
	_, v, _ := r.TLVs.Next()
	_, data, _ := wire.ParseManagementTLV(v)
	if err != nil || hex.EncodeToString(data) != "0000"+"68a0b1c2"+"075bcd15" || got[0].Message.Port != 4711 {
		t.Errorf("%x to port %d: %v", data, got[0].Message.Port, err)
	}
	m.SetAnnouncement(quality.Announcement{})
	if typ, _, _ := ask(t, m, newPeer(2), start, wire.ActionGet, wire.IDTime); typ != wire.TLVManagementErrorStatus {
		t.Error("a time is told that is not served")
	}
}

// A forged question at an address buys at most five times its octets there.
func TestAnAnswerIsAtMostFiveTimesItsQuestion(t *testing.T) {
	long := func(c *Config) {
		c.Management, c.Trusted = true, []netip.Prefix{}
		c.Description = Description{Product: strings.Repeat("p", 255), Revision: strings.Repeat("r", 255), User: strings.Repeat("u", 128)}
	}
	for id := range wire.ManagementID(0x2100) {
		if id > 0x0010 && id < 0x2000 {
			continue
		}
		m, p := newMaster(t, long), newPeer(1)
		q := wire.Management{Header: p.header(), Target: allPort}
		q.TLVs, _ = wire.ParseTLVs(wire.AppendManagementTLV(nil, id, nil))
		d := Datagram{Src: p.addr, Dst: us, Payload: q.Append(nil)}
		got := say(t, m, start, d)
		if len(got) != 1 || len(got[0].Payload) > CreditFactor*len(d.Payload) {
			t.Fatalf("id %04x: %d octets for %d", id, len(got[0].Payload), len(d.Payload))
		}
		r, _ := wire.ParseManagement(got[0].Payload)
		typ, v, _ := r.TLVs.Next()
		if id == wire.IDClockDescription && (typ != wire.TLVManagementErrorStatus || v[1] != byte(wire.ErrorTooBig)) {
			t.Errorf("a long description: TLV %04x %x", typ, v)
		}
	}
}

// Whatever is configured and announced, the data sets say what Announce and Sync say
// to the one who asks.
func TestNoDataSetSaysAnotherThingThanTheWire(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		said := quality.Announcement{
			Serve: true, ClockClass: rapid.Uint8().Draw(r, "class"), ClockAccuracy: rapid.Uint8().Draw(r, "accuracy"),
			OffsetScaledLogVariance: rapid.Uint16().Draw(r, "variance"), TimeSource: rapid.Uint8().Draw(r, "source"), CurrentUTCOffset: rapid.Int16().Draw(r, "offset"),
			CurrentUTCOffsetValid: rapid.Bool().Draw(r, "valid"), Leap59: rapid.Bool().Draw(r, "59"), Leap61: rapid.Bool().Draw(r, "61"),
			TimeTraceable: rapid.Bool().Draw(r, "time"), FrequencyTraceable: rapid.Bool().Draw(r, "frequency"), PTPTimescale: rapid.Bool().Draw(r, "scale"),
		}
		p := newPeer(1)
		m := newMaster(t, func(c *Config) {
			c.Management, c.Priority1, c.Priority2, c.MinorVersion = true, rapid.Uint8().Draw(r, "1"), rapid.Uint8().Draw(r, "2"), uint8(rapid.IntRange(0, 1).Draw(r, "version"))
			if rapid.Bool().Draw(r, "two-step for it") {
				c.TwoStepFor = []netip.Prefix{netip.PrefixFrom(p.addr, 32)}
			}
		})
		m.SetTwoStep(rapid.Bool().Draw(r, "two-step"))
		m.SetAnnouncement(said)
		p.subscribe(t, m, start, 300)
		var announce wire.Announce
		var sync wire.Header
		run(t, m, start, at(time.Second), func(_ timescale.Mono, a answer) {
			switch a.MessageType {
			case wire.TypeAnnounce:
				announce, _ = wire.ParseAnnounce(a.Payload)
			case wire.TypeSync:
				sync = a.Header
			}
		})
		get := func(id wire.ManagementID) []byte {
			_, v, _ := ask(t, m, newPeer(1), at(time.Second), wire.ActionGet, id)
			_, data, _ := wire.ParseManagementTLV(v)
			return data
		}
		same := func(what string, got, want any) {
			if got != want {
				r.Fatalf("%s: the data set says %v, the wire %v", what, got, want)
			}
		}
		quality := func(b []byte) [4]byte { return [4]byte(b) }
		wired := [4]byte{byte(announce.ClockClass), byte(announce.ClockAccuracy), byte(announce.OffsetScaledLogVariance >> 8), byte(announce.OffsetScaledLogVariance)}
		d := get(wire.IDDefaultDataSet)
		same("twoStepFlag", d[0]&1 != 0, sync.Flags&wire.FlagTwoStep != 0)
		same("priority1", d[4], announce.Priority1)
		same("clockQuality", quality(d[5:]), wired)
		same("priority2", d[9], announce.Priority2)
		same("clockIdentity", wire.ClockIdentity(d[10:18]), sync.Source.Clock)
		same("domain", d[18], sync.Domain)
		parent := get(wire.IDParentDataSet)
		same("grandmasterPriority1", parent[18], announce.Priority1)
		same("grandmasterClockQuality", quality(parent[19:]), wired)
		same("grandmasterIdentity", wire.ClockIdentity(parent[24:32]), announce.Grandmaster)
		times := get(wire.IDTimePropertiesDataSet)
		flags := byte(announce.Flags)
		same("currentUtcOffset", int16(times[0])<<8|int16(times[1]), announce.CurrentUTCOffset)
		same("flags", times[2], flags)
		same("timeSource", times[3], byte(announce.TimeSource))
		same("stepsRemoved", get(wire.IDCurrentDataSet)[1], byte(announce.StepsRemoved))
		utc := get(wire.IDUTCProperties)
		same("UTC_PROPERTIES", [3]byte(utc), [3]byte{times[0], times[1], flags & 7})
		same("TRACEABILITY_PROPERTIES", get(wire.IDTraceability)[0], flags&0x30)
		same("TIMESCALE_PROPERTIES", [2]byte(get(wire.IDTimescale)), [2]byte{flags & 8, byte(announce.TimeSource)})
		same("CLOCK_ACCURACY", get(wire.IDClockAccuracy)[0], byte(announce.ClockAccuracy))
		same("PRIORITY1", get(wire.IDPriority1)[0], announce.Priority1)
		same("PRIORITY2", get(wire.IDPriority2)[0], announce.Priority2)
		same("DOMAIN", get(wire.IDDomain)[0], announce.Domain)
		same("VERSION_NUMBER", get(wire.IDVersionNumber)[0], announce.MinorVersion<<4|2)
	})
}
