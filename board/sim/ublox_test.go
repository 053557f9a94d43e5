package sim

import (
	"bytes"
	"math"
	"testing"
	"time"

	"bragi/gnss/ubx"
)

// frames are the UBX messages among bytes that hold sentences too.
func frames(b []byte) (list []ubx.Message) {
	for len(b) >= ubx.Overhead {
		n := ubx.Overhead + int(b[4]) + int(b[5])<<8
		if b[0] == ubx.Sync1 && b[1] == ubx.Sync2 && n <= len(b) {
			if m, ok := ubx.Parse(b[:n]); ok {
				list, b = append(list, m), b[n:]
				continue
			}
		}
		b = b[1:]
	}
	return list
}

// say writes a message to the receiver and returns what it sends within a
// second, less what it sends anyway.
func say(b *Board, baud int, name ubx.Name, payload []byte) (answers []ubx.Message) {
	b.Receive(b.mono, baud, ubx.AppendMessage(nil, name, payload))
	for _, m := range frames(text(run(b, time.Second))) {
		if m.Class == ubx.ClassACK || m.Name() == name {
			answers = append(answers, m)
		}
	}
	return answers
}

func acked(answers []ubx.Message) bool {
	a, ok := ubx.ParseAck(answers[len(answers)-1])
	return ok && a.OK
}

// From the factory: NMEA alone at the factory's rate; noise at any other, and
// what is said at any other is not heard.
func TestAFactoryReceiverSpeaksNMEAAtItsOwnRateOnly(t *testing.T) {
	for kind, baud := range map[ReceiverKind]int{M8T: 9600, F9T: 38_400} {
		b := newBoard(t, Config{Receiver: kind})
		b.SetHostBaud(baud)
		heard := text(run(b, 3*time.Second))
		if !bytes.Contains(heard, []byte("GNRMC")) || len(frames(heard)) != 0 {
			t.Errorf("%v at %d baud: %q", kind, baud, heard)
		}
		if v := say(b, baud, ubx.MonVER, nil); len(v) != 1 {
			t.Errorf("%v does not say what it is", kind)
		} else if version, ok := ubx.ParseVersion(v[0]); !ok || version.Firmware == "" || version.Generation() != map[ReceiverKind]int{M8T: 8, F9T: 9}[kind] {
			t.Errorf("%v is %+v", kind, version)
		}
		b.SetHostBaud(115_200)
		if heard := text(run(b, 3*time.Second)); len(heard) == 0 || bytes.Contains(heard, []byte("RMC")) {
			t.Errorf("%v at a wrong rate: %q", kind, heard)
		}
		if v := say(b, 115_200, ubx.MonVER, nil); len(v) != 0 {
			t.Errorf("%v understood a wrong rate", kind)
		}
	}
}

// A generation speaks its own CFG messages and refuses the other's; a VALSET
// with one unknown key changes nothing.
func TestGenerationsRefuseEachOther(t *testing.T) {
	rate := ubx.Rate{MeasMs: 200, Nav: 1}.Payload()
	items := ubx.ValsetPayload(ubx.SetRAM, ubx.Item{Key: ubx.KeyRateMeas, Value: 200})
	m8, f9 := newBoard(t, Config{Receiver: M8T}), newBoard(t, Config{Receiver: F9T})
	for what, c := range map[string]struct {
		answers []ubx.Message
		want    bool
	}{
		"CFG-RATE at an M8T":   {say(m8, 0, ubx.CfgRATE, rate), true},
		"CFG-VALSET at an M8T": {say(m8, 0, ubx.CfgVALSET, items), false},
		"CFG-RATE at an F9T":   {say(f9, 0, ubx.CfgRATE, rate), false},
		"CFG-VALSET at an F9T": {say(f9, 0, ubx.CfgVALSET, items), true},
		"an unknown key": {say(f9, 0, ubx.CfgVALSET, ubx.ValsetPayload(ubx.SetRAM,
			ubx.Item{Key: ubx.KeyRateNav, Value: 7}, ubx.Item{Key: 0x20999999, Value: 1})), false},
		"NAV-SVIN of a timing receiver": {say(f9, 0, ubx.CfgVALGET, ubx.ValgetPayload(ubx.GetRAM, ubx.KeyMsgNavSVINUART1)), false},
	} {
		if len(c.answers) == 0 || acked(c.answers) != c.want {
			t.Errorf("%s: %+v, want an ACK: %v", what, c.answers, c.want)
		}
	}
	if f9.ublox.items[ubx.KeyRateNav] != 1 {
		t.Error("half of a refused VALSET was taken")
	}
}

// The cable delay that is set takes the pulse forward, as the factory's 50 ns do.
func TestCableDelayMovesThePulse(t *testing.T) {
	mean := func(cable int64) float64 {
		b := newBoard(t, quiet(Config{Receiver: F9T, Seed: 9, NoBytes: true}))
		b.ublox.set(ubx.Int(ubx.KeyTPCableDelay, cable))
		sum, edges := 0.0, pulses(run(b, 30*time.Second))
		for _, e := range edges {
			sum += e.LateNs / float64(len(edges))
		}
		return sum
	}
	if moved := mean(0) - mean(cableNs); math.Abs(moved-cableNs) > 0.01 {
		t.Errorf("50 ns of cable delay took the pulse forward by %.2f ns", moved)
	}
	if moved := mean(0) - mean(-20); math.Abs(moved+20) > 0.01 {
		t.Errorf("-20 ns took it forward by %.2f ns", moved)
	}
}

// Each n-th solution a message; antenna, jamming and spoofing are told.
func TestTheReceiverTellsItsSurroundingsAtTheRateSet(t *testing.T) {
	b := newBoard(t, Config{Receiver: F9T})
	b.ublox.set(ubx.Item{Key: ubx.KeyMsgNavPVTUART1, Value: 1}, ubx.Item{Key: ubx.KeyMsgMonRFUART1, Value: 5},
		ubx.Item{Key: ubx.KeyMsgSecSIGUART1, Value: 5}, ubx.Item{Key: ubx.KeyItfmEnable, Value: 1})
	b.SetAntenna(false)
	b.SetSurroundings(3, 0)
	b.SetSurroundings(0, 2)
	n := map[ubx.Name]int{}
	for _, m := range frames(text(run(b, 20*time.Second))) {
		n[m.Name()]++
		ubx.ParseRF(m, func(r ubx.RFBlock) {
			if r.Antenna != ubx.AntennaOpen || r.Jamming != ubx.JammingCritical {
				t.Errorf("MON-RF says %+v", r)
			}
		})
		if s, ok := ubx.ParseSecurity(m); ok && (s.Jamming != ubx.JammingCritical || s.Spoofing != ubx.SpoofingIndicated) {
			t.Errorf("SEC-SIG says %+v", s)
		}
	}
	if n[ubx.NavPVT] < 19 || n[ubx.MonRF] < 3 || n[ubx.MonRF] > 4 || n[ubx.SecSIG] != n[ubx.MonRF] {
		t.Errorf("messages in 20 s: %v", n)
	}
}

// A survey ends when it took long enough and its mean is good enough, not before
// both; without power all is forgotten.
func TestASurveyEndsByTimeAndAccuracyAndPowerLossForgetsIt(t *testing.T) {
	b := newBoard(t, Config{Receiver: M8T, NoBytes: true, SurveySpeed: 10})
	b.ublox.set(ubx.TimeMode{Mode: ubx.TimeModeSurvey, SurveyMinS: 100, SurveyLimit: 20_000}.Items()...) // 2 m: 625 s
	run(b, 30*time.Second)
	if b.ublox.surveyed() {
		t.Error("300 s of survey are good to 2 m")
	}
	run(b, 40*time.Second)
	if mode, s := b.Survey(); !b.ublox.surveyed() || mode != ubx.TimeModeSurvey || s < 625 {
		t.Errorf("mode %d after %d s", mode, s)
	}
	saved := b.Save()
	again, err := Resume(Config{Receiver: M8T, NoBytes: true, SurveySpeed: 10}, saved, b.mono.Add(time.Second), b.sky.Add(time.Second))
	if err != nil {
		t.Fatal(err)
	}
	if mode, _ := again.Survey(); mode != ubx.TimeModeSurvey || !again.ublox.surveyed() {
		t.Error("a restart of the program took the receiver's power")
	}
	b.PowerCycle()
	if mode, s := b.Survey(); mode != 0 || s != 0 || b.state.fixed {
		t.Error("it remembers without power")
	}
}
