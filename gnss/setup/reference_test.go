package setup_test

import (
	"encoding/binary"
	"testing"
	"time"

	"bragi/board/sim"
	"bragi/gnss/setup"
	"bragi/gnss/timescale"
	"bragi/gnss/ubx"
)

// reference is a NEO-M8P as far as its set-up goes: the older messages, a time
// mode told by CFG-TMODE3 and a survey by NAV-SVIN.
type reference struct {
	settings map[ubx.Name][]byte
	rates    map[ubx.Name]byte
}

func newReference() *reference {
	tp := ubx.TimePulse{Version: 1, CableDelayNs: 50, Period: 1_000_000, PeriodLocked: 1_000_000, LengthLocked: 100_000, Flags: 0xF7}
	return &reference{rates: map[ubx.Name]byte{}, settings: map[ubx.Name][]byte{
		ubx.CfgPRT: ubx.NewPort(ubx.PortUART1, 9600, 7, 3).Payload(), ubx.CfgRATE: ubx.Rate{MeasMs: 1000, Nav: 1, TimeRef: 1}.Payload(),
		ubx.CfgNAV5: ubx.ModelPayload(0), ubx.CfgTP5: tp.Payload(), ubx.CfgITFM: ubx.Interference{Config: 0x2D62ACF3, Config2: 0x31E}.Payload(),
		ubx.CfgTMODE3: ubx.TimeMode{}.Payload3(),
	}}
}

// answer is what it says to one message.
func (r *reference) answer(m ubx.Message) (out []byte) {
	if m.Name() == ubx.MonVER {
		p := make([]byte, 40+2*30)
		copy(p, "EXT CORE 3.01 (111141)")
		copy(p[30:], "00080000")
		copy(p[40:], "FWVER=HPG 1.40")
		copy(p[70:], "PROTVER=20.30")
		return ubx.AppendMessage(nil, ubx.MonVER, p)
	}
	ack := ubx.AckACK
	kept, known := r.settings[m.Name()]
	switch {
	case m.Name() == ubx.CfgMSG && len(m.Payload) == 2:
		rates := ubx.MsgRates{Name: ubx.Name(m.Payload[0])<<8 | ubx.Name(m.Payload[1])}
		rates.Rates[ubx.PortUART1] = r.rates[rates.Name]
		out = ubx.AppendMessage(nil, ubx.CfgMSG, rates.Payload())
	case m.Name() == ubx.CfgMSG:
		r.rates[ubx.Name(m.Payload[0])<<8|ubx.Name(m.Payload[1])] = m.Payload[2]
	case !known:
		ack = ubx.AckNAK
	case len(m.Payload) <= 1:
		out = ubx.AppendMessage(nil, m.Name(), kept)
	default:
		r.settings[m.Name()] = append([]byte(nil), m.Payload...)
	}
	return ubx.AppendMessage(out, ack, []byte{m.Class, m.ID})
}

// A reference receiver of generation 8 is surveyed and fixed by CFG-TMODE3, its
// position to 0.1 mm.
func TestReferenceReceiver(t *testing.T) {
	m, r := setup.New(timing()), newReference()
	now := timescale.MonoFromNs(begin)
	m.Opened(now, 0)
	step := func() {
		if text, _ := m.Next(now); text != nil {
			msg, ok := ubx.Parse(text)
			if !ok {
				t.Fatalf("% X", text)
			}
			m.Feed(now, r.answer(msg))
		}
		now = now.Add(50 * time.Millisecond)
	}
	for range 200 {
		step()
	}
	if s := m.Status(); s.Mode.State != setup.ModeSurvey || r.rates[ubx.NavSVIN] == 0 || len(m.Problems()) != 0 {
		t.Fatalf("%+v, problems %v", s, m.Problems())
	}
	want := [3]int64{31_455_558_149, -2_930_435_849, 55_223_128_051}
	svin := make([]byte, 40)
	binary.LittleEndian.PutUint32(svin[8:], 1300)
	for i, cm := range []int32{314_555_581, -29_304_358, 552_231_281} {
		binary.LittleEndian.PutUint32(svin[12+4*i:], uint32(cm))
		svin[24+i] = byte(int8(want[i] - int64(cm)*100))
	}
	binary.LittleEndian.PutUint32(svin[28:], 15_000) // 1.5 m
	binary.LittleEndian.PutUint32(svin[32:], 1300)
	svin[36] = 1 // valid
	m.Feed(now, ubx.AppendMessage(nil, ubx.NavSVIN, svin))
	for range 20 {
		step()
	}
	told, ok := ubx.ParseTimeMode3(ubx.Message{Class: ubx.ClassCFG, ID: ubx.CfgTMODE3.ID(), Payload: r.settings[ubx.CfgTMODE3]})
	if !ok || told.Mode != ubx.TimeModeFixed || told.Position != want || told.Accuracy != 15_000 || m.Status().Mode.State != setup.ModeFixed {
		t.Errorf("told %+v, want %v; %v", told, want, m.Status().Mode.State)
	}
}

// A receiver that takes everything and then sends nothing of it is a fault by
// name, not a loop.
func TestMessagesThatDoNotCome(t *testing.T) {
	b := newBench(t, timing(), sim.Config{Receiver: sim.F9T})
	b.run(400 * time.Millisecond)
	b.machine.Opened(b.now, 0)
	for b.mode() != setup.ModeSurvey { // before the next second's messages
		b.run(5 * time.Millisecond)
	}
	var err error
	if b.board, err = sim.New(sim.Config{Receiver: sim.Navigation}, b.now, b.sky()); err != nil {
		t.Fatal(err)
	}
	b.until(10*time.Second, "a fault", func() bool { return len(b.machine.Problems()) > 0 })
	if p := b.machine.Problems()[0]; p != "messages: acknowledged, but NAV-PVT does not come: is the port one of UART1 and USB?" {
		t.Errorf("%q", p)
	}
	before := b.written
	b.run(10 * time.Minute)
	if asked := (b.written - before) / 8; asked > 5*8 {
		t.Errorf("asked %d times in 10 minutes", asked)
	}
}
