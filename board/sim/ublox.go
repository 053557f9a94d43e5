package sim

import (
	"maps"
	"math"
	"slices"

	"bragi/gnss/timescale"
	"bragi/gnss/ubx"
)

// A u-blox of software, at the level of its protocol. Its settings are kept as
// configuration items; a receiver of generation 8 is told the same things in the
// older CFG messages. Nothing but the volatile layer exists: without power it is
// as it left the factory.

// ublox is the receiver.
type ublox struct {
	kind    ReceiverKind
	refuse  []ubx.Key // NAK to whatever touches one of these
	items   map[ubx.Key]uint64
	baud    int    // in effect
	input   []byte // bytes that are no frame yet
	count   int64  // solutions so far
	survey  uint32 // s surveyed
	counted uint32 // seconds for each solution of the survey
	jam     byte   // 1 ok, 2 warning, 3 critical
	spoof   byte   // 1 none, 2 indicated, 3 affirmed
}

// keyMsgMonHW is no item that anybody else needs.
const keyMsgMonHW ubx.Key = 0x209101B5

// messageKeys are the rates, by message.
var messageKeys = map[ubx.Name]ubx.Key{
	ubx.NavPVT: ubx.KeyMsgNavPVTUART1, ubx.NavSAT: ubx.KeyMsgNavSATUART1, ubx.NavTIMELS: ubx.KeyMsgNavTIMELSUART1,
	ubx.TimSVIN: ubx.KeyMsgTimSVINUART1, ubx.TimTP: ubx.KeyMsgTimTPUART1, ubx.MonRF: ubx.KeyMsgMonRFUART1,
	ubx.SecSIG: ubx.KeyMsgSecSIGUART1, ubx.MonHW: keyMsgMonHW, ubx.NavSTATUS: ubx.KeyMsgNavSTATUSUART1,
}

// The factory's rates.
const (
	baudM8  = 9600
	baudF9  = 38_400
	cableNs = 50 // that the factory assumes
)

// newUblox is a receiver from the factory, or nil for one that is no u-blox.
func newUblox(kind ReceiverKind, refuse []ubx.Key, surveySpeed int) *ublox {
	if kind == Navigation {
		return nil
	}
	u := &ublox{kind: kind, refuse: refuse, counted: uint32(max(1, surveySpeed)), jam: 1, spoof: 1}
	u.reset()
	return u
}

// reset is a loss of power.
func (u *ublox) reset() {
	u.items = map[ubx.Key]uint64{
		ubx.KeyRateMeas: 1000, ubx.KeyRateNav: 1, ubx.KeyDynModel: 0,
		ubx.KeyTPPulseDef: 0, ubx.KeyTPPulseLengthDef: 1, ubx.KeyTPCableDelay: cableNs, ubx.KeyTPPeriod: 1_000_000, ubx.KeyTPPeriodLocked: 1_000_000,
		ubx.KeyTPLength: 0, ubx.KeyTPLengthLocked: 100_000, ubx.KeyTPUserDelay: 0, ubx.KeyTPEnable: 1, ubx.KeyTPSyncGNSS: 1,
		ubx.KeyTPUseLocked: 1, ubx.KeyTPAlign: 1, ubx.KeyTPRising: 1, ubx.KeyTPGrid: 1,
		ubx.KeyTmodeMode: 0, ubx.KeyTmodePosType: 0, ubx.KeyTmodeAccuracy: 0, ubx.KeyTmodeSurveyMin: 0, ubx.KeyTmodeSurveyLimit: 0,
		ubx.KeyTmodeX: 0, ubx.KeyTmodeY: 0, ubx.KeyTmodeZ: 0, ubx.KeyTmodeXHP: 0, ubx.KeyTmodeYHP: 0, ubx.KeyTmodeZHP: 0,
		ubx.KeyItfmEnable: 0, ubx.KeyUART1OutUBX: 1, ubx.KeyUART1OutNMEA: 1,
	}
	u.baud, u.survey, u.input = baudM8, 0, nil
	for name, key := range messageKeys {
		switch name {
		case ubx.MonHW: // until generation 8; MON-RF and SEC-SIG follow it
			if !u.gen9() {
				u.items[key] = 0
			}
			continue
		case ubx.MonRF, ubx.SecSIG:
			if !u.gen9() {
				continue
			}
		}
		u.items[key] = 0
		if u.gen9() {
			u.items[key.OnUSB()] = 0
		}
	}
	if u.gen9() {
		u.items[ubx.KeyUSBOutUBX], u.items[ubx.KeyUSBOutNMEA] = 1, 1
		u.baud = baudF9
	}
	switch u.kind {
	case Timing:
		u.items[ubx.KeyMsgTimTPUART1], u.items[ubx.KeyTPCableDelay], u.items[ubx.KeyTPGrid] = 1, 0, 0
		u.baud = DefaultBaud
	case TimingUBX:
		for _, k := range []ubx.Key{ubx.KeyMsgTimTPUART1, ubx.KeyMsgNavPVTUART1, ubx.KeyMsgNavTIMELSUART1} {
			u.items[k] = 1
		}
		u.items[ubx.KeyUART1OutNMEA], u.items[ubx.KeyTPCableDelay], u.items[ubx.KeyTPGrid] = 0, 0, 0
		u.baud = DefaultBaud
	}
	u.items[ubx.KeyUART1Baud] = uint64(u.baud)
}

// gen9 tells the two generations apart.
func (u *ublox) gen9() bool { return u.kind == F9T || u.kind == TimingUBX }

// checksRate tells whether the host must find the rate; the others are as
// patient as a USB port.
func (u *ublox) checksRate() bool { return u.kind == M8T || u.kind == F9T }

// version is MON-VER.
func (u *ublox) version() []byte {
	software, hardware := "EXT CORE 3.01 (111141)", "00080000"
	extensions := []string{"ROM BASE 2.01 (75331)", "FWVER=TIM 1.10", "PROTVER=22.00", "MOD=NEO-M8T-0", "FIS=0xEF4015 (100111)", "GPS;GLO;GAL;BDS"}
	if u.gen9() {
		software, hardware = "EXT CORE 1.00 (3fda8e)", "00190000"
		extensions = []string{"ROM BASE 0x118B2060", "FWVER=TIM 2.20", "PROTVER=29.20", "MOD=ZED-F9T", "GPS;GLO;GAL;BDS"}
	}
	p := make([]byte, 40+30*len(extensions))
	copy(p, software)
	copy(p[30:], hardware)
	for i, e := range extensions {
		copy(p[40+30*i:], e)
	}
	return p
}

// receive takes what the host wrote and returns the answers.
func (u *ublox) receive(b []byte) (answers []byte) {
	u.input = append(u.input, b...)
	for {
		i := slices.Index(u.input, ubx.Sync1)
		if i < 0 {
			u.input = nil
			return answers
		}
		u.input = u.input[i:]
		if len(u.input) < 6 {
			return answers
		}
		n := int(u.input[4]) | int(u.input[5])<<8
		if u.input[1] != ubx.Sync2 || n > 1024 {
			u.input = u.input[1:]
			continue
		}
		if len(u.input) < n+ubx.Overhead {
			return answers
		}
		m, ok := ubx.Parse(u.input[:n+ubx.Overhead])
		if !ok {
			u.input = u.input[1:]
			continue
		}
		u.input = u.input[n+ubx.Overhead:]
		answers = u.command(answers, m)
	}
}

// command does what a message asks.
func (u *ublox) command(answers []byte, m ubx.Message) []byte {
	if m.Name() == ubx.MonVER && len(m.Payload) == 0 {
		return ubx.AppendMessage(answers, ubx.MonVER, u.version())
	}
	if m.Class != ubx.ClassCFG {
		return answers
	}
	answer, ok := u.configure(m)
	if len(answer) > 0 {
		answers = ubx.AppendMessage(answers, m.Name(), answer)
	}
	name := ubx.AckNAK
	if ok {
		name = ubx.AckACK
	}
	return ubx.AppendMessage(answers, name, []byte{m.Class, m.ID})
}

// configure reads or sets; answer is what a question brings.
func (u *ublox) configure(m ubx.Message) (answer []byte, ok bool) {
	if u.gen9() {
		if layers, items, ok := ubx.ParseValset(m); ok {
			return nil, layers&ubx.SetRAM != 0 && u.set(items...)
		}
		if layer, keys, ok := ubx.ParseValgetQuestion(m); ok && layer == ubx.GetRAM {
			items, ok := u.get(keys)
			if !ok {
				return nil, false
			}
			return ubx.ValgetAnswer(layer, items...), true
		}
		return nil, false
	}
	return u.legacy(m)
}

// set takes all items or none.
func (u *ublox) set(items ...ubx.Item) bool {
	for _, i := range items {
		if _, known := u.items[i.Key]; !known || slices.Contains(u.refuse, i.Key) {
			return false
		}
	}
	before := u.items[ubx.KeyTmodeMode]
	for _, i := range items {
		u.items[i.Key] = i.Value
	}
	if u.items[ubx.KeyTmodeMode] != before {
		u.survey = 0
	}
	return true
}

func (u *ublox) get(keys []ubx.Key) (items []ubx.Item, ok bool) {
	for _, k := range keys {
		v, known := u.items[k]
		if !known {
			return nil, false
		}
		items = append(items, ubx.Item{Key: k, Value: v})
	}
	return items, len(items) > 0
}

// mode is the time mode that is set.
func (u *ublox) mode() ubx.TimeMode {
	items, _ := u.get(ubx.TimeModeKeys)
	t, _ := ubx.TimeModeOf(items)
	return t
}

// second lets a survey go on.
func (u *ublox) second(fixed bool) {
	u.count++
	if u.items[ubx.KeyTmodeMode] == ubx.TimeModeSurvey && fixed && !u.surveyed() {
		u.survey += u.counted
	}
}

// surveyAccuracy is what the mean is good to, in 0.1 mm: 50 m after a second,
// better with the root of the time.
func (u *ublox) surveyAccuracy() float64 { return 500_000 / math.Sqrt(float64(max(1, u.survey))) }

func (u *ublox) surveyed() bool {
	t := u.mode()
	return t.Mode == ubx.TimeModeSurvey && u.survey >= t.SurveyMinS && u.surveyAccuracy() <= float64(t.SurveyLimit)
}

// pulses tells whether a receiver with a fix gives the pulse of a timing source.
func (u *ublox) pulses() bool {
	return u.items[ubx.KeyTPEnable] == 1 && u.items[ubx.KeyTPLengthLocked] > 0 && u.items[ubx.KeyTPPeriodLocked] == 1_000_000
}

// advanceNs is how much earlier the pulse comes by what was set.
func (u *ublox) advanceNs() float64 {
	cable := ubx.Item{Key: ubx.KeyTPCableDelay, Value: u.items[ubx.KeyTPCableDelay]}
	user := ubx.Item{Key: ubx.KeyTPUserDelay, Value: u.items[ubx.KeyTPUserDelay]}
	return float64(cable.Signed() - user.Signed())
}

// due tells whether a message is sent with this solution.
func (u *ublox) due(name ubx.Name) bool {
	n := u.items[messageKeys[name]]
	return n > 0 && u.count%int64(n) == 0 && u.items[ubx.KeyUART1OutUBX] == 1
}

// Receive takes what the host writes to the receiver; hostBaud is the rate that
// it writes with, 0 for the right one.
func (b *Board) Receive(m timescale.Mono, hostBaud int, text []byte) {
	b.hostBaud = hostBaud
	if b.ublox == nil || b.garbled() {
		return
	}
	answers := b.ublox.receive(text)
	if len(answers) > 0 {
		b.send(m.Add(answerDelay), answers)
	}
	// The answer to a new rate still goes out at the old one here; what follows
	// has the new one.
	b.ublox.baud = int(b.ublox.items[ubx.KeyUART1Baud])
}

// SetHostBaud tells the rate that the host listens with.
func (b *Board) SetHostBaud(baud int) { b.hostBaud = baud }

// garbled tells whether host and receiver have different rates.
func (b *Board) garbled() bool {
	return b.ublox != nil && b.ublox.checksRate() && b.hostBaud != 0 && b.hostBaud != b.ublox.baud
}

// PowerCycle takes the receiver's power away for a moment: settings and fix are
// gone.
func (b *Board) PowerCycle() {
	if b.ublox != nil {
		b.ublox.reset()
	}
	b.state.fixed, b.state.timeKnown, b.state.since = false, false, b.sky
}

// SetSurroundings says what the receiver says of its surroundings: jamming 1 ok,
// 2 warning, 3 critical; spoofing 1 none, 2 indicated, 3 affirmed; 0 as before.
// It is false for a receiver that is no u-blox.
func (b *Board) SetSurroundings(jamming, spoofing byte) bool {
	u := b.ublox
	if u == nil {
		return false
	}
	if jamming != 0 {
		u.jam = jamming
	}
	if spoofing != 0 {
		u.spoof = spoofing
	}
	return true
}

// Survey is how the receiver's position stands: its time mode (0 off, 1 survey-in,
// 2 fixed) and how many seconds it was surveyed.
func (b *Board) Survey() (mode byte, seconds uint32) {
	if b.ublox == nil {
		return 0, 0
	}
	return byte(b.ublox.items[ubx.KeyTmodeMode]), b.ublox.survey
}

// SavedReceiver is a u-blox between two processes: its power stays on.
type SavedReceiver struct {
	Items   map[ubx.Key]uint64 `json:"items"`
	Baud    int                `json:"baud"`
	SurveyS uint32             `json:"survey_s"`
	Count   int64              `json:"count"` // solutions so far
	Jam     byte               `json:"jam"`   // as SetSurroundings says
	Spoof   byte               `json:"spoof"`
}

func (u *ublox) save() *SavedReceiver {
	if u == nil {
		return nil
	}
	return &SavedReceiver{Items: maps.Clone(u.items), Baud: u.baud, SurveyS: u.survey, Count: u.count, Jam: u.jam, Spoof: u.spoof}
}

// resume takes the settings that are known here.
func (u *ublox) resume(s *SavedReceiver) {
	if u == nil || s == nil {
		return
	}
	for k, v := range s.Items {
		if _, known := u.items[k]; known {
			u.items[k] = v
		}
	}
	u.survey, u.count, u.jam, u.spoof = s.SurveyS, s.Count, s.Jam, s.Spoof
	if s.Baud > 0 {
		u.baud = s.Baud
	}
}
