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

// reference is a receiver of generation 8 as far as its set-up goes, a NEO-M8P
// unless told otherwise: the older messages, a time mode told by CFG-TMODE3 and a
// survey by NAV-SVIN.
type reference struct {
	firmware string
	settings map[ubx.Name][]byte
	rates    map[ubx.Name]byte
	forgets  ubx.Name // acknowledged, and not kept
	mute     ubx.Name // never answered
	gone     bool     // nothing is
}

func newReference() *reference {
	tp := ubx.TimePulse{Version: 1, CableDelayNs: 50, Period: 1_000_000, PeriodLocked: 1_000_000, LengthLocked: 100_000, Flags: 0xF7}
	return &reference{firmware: "HPG 1.40", rates: map[ubx.Name]byte{}, settings: map[ubx.Name][]byte{
		ubx.CfgPRT: ubx.NewPort(ubx.PortUART1, 9600, 7, 3).Payload(), ubx.CfgRATE: ubx.Rate{MeasMs: 1000, Nav: 1, TimeRef: 1}.Payload(),
		ubx.CfgNAV5: ubx.ModelPayload(0), ubx.CfgTP5: tp.Payload(), ubx.CfgITFM: ubx.Interference{Config: 0x2D62ACF3, Config2: 0x31E}.Payload(),
		ubx.CfgTMODE3: ubx.TimeMode{}.Payload3(),
	}}
}

// answer is what it says to one message.
func (r *reference) answer(m ubx.Message) (out []byte) {
	if r.gone || m.Name() == r.mute {
		return nil
	}
	if m.Name() == ubx.MonVER {
		p := make([]byte, 40+2*30)
		copy(p, "EXT CORE 3.01 (111141)")
		copy(p[30:], "00080000")
		copy(p[40:], "FWVER="+r.firmware)
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
	case m.Name() != r.forgets:
		r.settings[m.Name()] = append([]byte(nil), m.Payload...)
	}
	return ubx.AppendMessage(out, ack, []byte{m.Class, m.ID})
}

// conversation is a Machine with a reference.
type conversation struct {
	t        *testing.T
	machine  *setup.Machine
	receiver *reference
	now      timescale.Mono
	baudWas  []int // rates that were ordered
}

func (r *reference) converse(t *testing.T, baud int) *conversation {
	c := &conversation{t: t, machine: setup.New(timing()), receiver: r, now: timescale.MonoFromNs(begin)}
	c.machine.Opened(c.now, baud)
	return c
}

func (c *conversation) run(d time.Duration) {
	c.t.Helper()
	for end := c.now.Add(d); c.now.Before(end); c.now = c.now.Add(50 * time.Millisecond) {
		text, baud := c.machine.Next(c.now)
		if baud != 0 {
			c.baudWas = append(c.baudWas, baud)
		}
		if text == nil {
			continue
		}
		msg, ok := ubx.Parse(text)
		if !ok {
			c.t.Fatalf("% X", text)
		}
		c.machine.Feed(c.now, c.receiver.answer(msg))
	}
}

// What goes wrong is told by name; a receiver that navigates and has no time mode
// is no fault, a timing receiver that has none is.
func TestWhatGoesWrongIsToldByName(t *testing.T) {
	for _, c := range []struct {
		firmware      string
		forgets, mute ubx.Name
		lacks         ubx.Name
		problem       string
		mode          setup.ModeState
	}{
		{"HPG 1.40", ubx.CfgNAV5, 0, 0, "stationary model: acknowledged, but not kept", setup.ModeSurvey},
		{"HPG 1.40", 0, ubx.CfgRATE, 0, "one solution a second: no answer", setup.ModeUnknown},
		{"HPG 1.40", ubx.CfgTMODE3, 0, 0, "survey-in: acknowledged, but not kept", setup.ModeUnknown},
		{"TIM 1.10", 0, 0, ubx.CfgTMODE2, "time mode: refused by a timing receiver", setup.ModeNavigation},
		{"TIM 1.10", 0, ubx.CfgTMODE2, 0, "time mode: no answer", setup.ModeUnknown},
		{"SPG 3.01", 0, 0, ubx.CfgTMODE2, "", setup.ModeNavigation},
		{"SPG 3.01", 0, ubx.CfgTMODE2, 0, "", setup.ModeNavigation},
	} {
		r := newReference()
		r.firmware, r.forgets, r.mute = c.firmware, c.forgets, c.mute
		delete(r.settings, c.lacks)
		talk := r.converse(t, 0)
		talk.run(12 * time.Second)
		problem := ""
		if p := talk.machine.Problems(); len(p) > 0 {
			problem = p[0]
		}
		if problem != c.problem {
			t.Errorf("%+v: problem %q", c, problem)
		}
		if mode := talk.machine.Status().Mode.State; c.mode != setup.ModeUnknown && mode != c.mode {
			t.Errorf("%+v: %v", c, mode)
		}
	}
}

// A receiver that is lost over a new rate is looked for at the old one, called
// back, and told; there is no third attempt.
func TestAReceiverLostOverANewRateIsCalledBackAtTheOldOne(t *testing.T) {
	r := newReference()
	c := r.converse(t, 9600)
	for len(c.baudWas) == 0 {
		c.run(50 * time.Millisecond)
	}
	r.gone = true
	c.run(10 * time.Second)
	if p := c.machine.Problems(); len(p) == 0 || p[0] != "38400 baud: no answer, and none at the old rate" {
		t.Errorf("%v", p)
	}
	if len(c.baudWas) != 2 || c.baudWas[0] != 38_400 || c.baudWas[1] != 9600 {
		t.Errorf("rates %v", c.baudWas)
	}
	r.gone = false
	c.run(5 * time.Minute)
	if len(c.baudWas) != 2 || len(c.machine.Problems()) != 0 {
		t.Errorf("later rates %v, problems %v", c.baudWas, c.machine.Problems())
	}
}

// A reference receiver of generation 8 is surveyed and fixed by CFG-TMODE3, its
// position to 0.1 mm.
func TestAReferenceReceiverIsFixedToATenthOfAMillimetre(t *testing.T) {
	r := newReference()
	c := r.converse(t, 0)
	m := c.machine
	c.run(10 * time.Second)
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
	m.Feed(c.now, ubx.AppendMessage(nil, ubx.NavSVIN, svin))
	c.run(time.Second)
	told, ok := ubx.ParseTimeMode3(ubx.Message{Class: ubx.ClassCFG, ID: ubx.CfgTMODE3.ID(), Payload: r.settings[ubx.CfgTMODE3]})
	if !ok || told.Mode != ubx.TimeModeFixed || told.Position != want || told.Accuracy != 15_000 || m.Status().Mode.State != setup.ModeFixed {
		t.Errorf("told %+v, want %v; %v", told, want, m.Status().Mode.State)
	}
}

// A receiver that takes everything and then sends nothing of it is a fault by
// name, not a loop.
func TestMessagesThatDoNotComeAreAFaultAndNoLoop(t *testing.T) {
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
