package master

import (
	"encoding/binary"
	"testing"
	"time"

	"bragi/gnss/timescale"
	"bragi/holdover/quality"
	"bragi/master/wire"
)

func (p *peer) pdelayReq(stamp int64) Datagram {
	d := wire.PdelayReq{Header: p.header()}
	return Datagram{Src: p.addr, Dst: us, Event: true, Payload: d.Append(nil), Stamp: timescale.LocalFromNs(stamp), HasStamp: true}
}

// A Pdelay_Resp in one step: no timestamp, the turnaround on top of the request's
// correctionField, sequenceId and identity of the request, from the event port.
func TestPdelayRespCarriesTheTurnaround(t *testing.T) {
	m, p := newMaster(t, func(c *Config) { c.Pdelay = true }), newPeer(1)
	d := p.pdelayReq(1_755_361_730_123_456_789)
	binary.BigEndian.PutUint64(d.Payload[wire.CorrectionOffset:], 0x18000) // 1.5 ns
	got := say(t, m, start, d)
	if len(got) != 1 || !got[0].Event || !got[0].Stamped() || got[0].FillOrigin || got[0].Dst != p.addr || got[0].Message.Src != us {
		t.Fatalf("%+v", got)
	}
	got[0].SetEgress(d.Stamp.Add(250 * time.Microsecond))
	resp, err := wire.ParsePdelayResp(got[0].Payload)
	want := wire.PdelayResp{
		Header: wire.Header{
			MessageType: wire.TypePdelayResp, Length: 54, Flags: wire.FlagUnicast, Correction: 250_000<<16 + 0x18000,
			Source: m.Identity(), SequenceID: p.seq, LogInterval: 0x7F,
		},
		Requesting: p.id,
	}
	if err != nil || resp != want || len(got[0].Payload) != len(d.Payload) {
		t.Errorf("%+v, want %+v, %v", resp, want, err)
	}
	if m.Stats().ClientsServed != 0 || m.Stats().Sent[wire.TypePdelayResp] != 1 {
		t.Errorf("%+v", m.Stats())
	}
}

func TestPdelayReqThatGetsNoAnswer(t *testing.T) {
	on := func(c *Config) { c.Pdelay = true }
	for _, c := range []struct {
		name   string
		config func(*Config)
		change func(*Master, *Datagram)
		why    Reason
	}{
		{"off, as by default", nil, func(*Master, *Datagram) {}, NotForMaster},
		{"while not serving", on, func(m *Master, _ *Datagram) { m.SetAnnouncement(quality.Announcement{}) }, NotServing},
		{"without a stamp", on, func(_ *Master, d *Datagram) { d.HasStamp = false }, NoStamp},
		{"at the general port", on, func(_ *Master, d *Datagram) { d.Event = false }, WrongPort},
		{"of Delay_Req's length", on, func(_ *Master, d *Datagram) { d.Payload = d.Payload[:wire.SyncLen]; d.Payload[3] = wire.SyncLen }, BadLength},
		{"domain 7", on, func(_ *Master, d *Datagram) { d.Payload[4] = 7 }, WrongDomain},
		{"a Pdelay_Resp", on, func(_ *Master, d *Datagram) { d.Payload[0] = byte(wire.TypePdelayResp) }, NotForMaster},
	} {
		m, d := newMaster(t, c.config), newPeer(1).pdelayReq(1)
		c.change(m, &d)
		if got := say(t, m, start, d); len(got) != 0 || received(m, c.why) != 1 {
			t.Errorf("%s: %+v, %+v", c.name, got, m.Stats().Received)
		}
	}
	m, n := newMaster(t, on), 0
	for i := range 100_000 { // a second
		n += len(say(t, m, at(time.Duration(i)*10*time.Microsecond), newPeer(1).pdelayReq(1)))
	}
	if n > 100_000/leakOneIn+1000 {
		t.Errorf("%d answers to a flood of 100,000 in a second", n)
	}
}
