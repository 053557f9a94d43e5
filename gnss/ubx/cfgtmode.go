package ubx

import "encoding/binary"

// The modes of a timing receiver.
const (
	TimeModeOff    = 0
	TimeModeSurvey = 1 // survey-in
	TimeModeFixed  = 2
)

// TimeMode is CFG-TMODE2 (LEA-6T, M8T), CFG-TMODE3 (M8P, F9P) or the items
// CFG-TMODE-* of later receivers, in one unit: 0.1 mm, WGS 84, earth-centred.
type TimeMode struct {
	Mode        byte
	LLA         bool     // the position is latitude and longitude, which is not read: Position is zero
	Position    [3]int64 // X, Y, Z in 0.1 mm
	Accuracy    uint32   // of the position, 0.1 mm
	SurveyMinS  uint32
	SurveyLimit uint32 // 0.1 mm
}

const (
	perCm = 100 // 0.1 mm
	perMm = 10
)

// ParseTimeMode2 reads CFG-TMODE2: cm and mm.
func ParseTimeMode2(m Message) (t TimeMode, ok bool) {
	b := m.Payload
	if m.Name() != CfgTMODE2 || len(b) != 28 {
		return t, false
	}
	t = TimeMode{Mode: b[0], LLA: b[2]&1 != 0, Accuracy: scaled(u4(b, 16)), SurveyMinS: u4(b, 20), SurveyLimit: scaled(u4(b, 24))}
	for i := range t.Position {
		if !t.LLA {
			t.Position[i] = int64(i4(b, 4+4*i)) * perCm
		}
	}
	return t, true
}

// scaled turns mm into 0.1 mm, at most what fits.
func scaled(mm uint32) uint32 { return uint32(min(uint64(mm)*perMm, 1<<32-1)) }

// Payload2 is CFG-TMODE2 with an earth-centred position, rounded to cm.
func (t TimeMode) Payload2() []byte {
	b := make([]byte, 28)
	b[0] = t.Mode
	for i, p := range t.Position {
		cm, _ := split(p)
		binary.LittleEndian.PutUint32(b[4+4*i:], uint32(cm))
	}
	binary.LittleEndian.PutUint32(b[16:], t.Accuracy/perMm)
	binary.LittleEndian.PutUint32(b[20:], t.SurveyMinS)
	binary.LittleEndian.PutUint32(b[24:], t.SurveyLimit/perMm)
	return b
}

// split divides 0.1 mm into the nearest cm and a rest of -50 to 50.
func split(p int64) (cm int32, rest int8) {
	c := (p + perCm/2) / perCm
	if p < -perCm/2 {
		c = -((-p + perCm/2) / perCm)
	}
	return int32(c), int8(p - c*perCm)
}

// ParseTimeMode3 reads CFG-TMODE3: cm with a high-precision part, and 0.1 mm.
func ParseTimeMode3(m Message) (t TimeMode, ok bool) {
	b := m.Payload
	if m.Name() != CfgTMODE3 || len(b) != 40 || b[0] != 0 {
		return t, false
	}
	t = TimeMode{Mode: b[2], LLA: b[3]&1 != 0, Accuracy: u4(b, 20), SurveyMinS: u4(b, 24), SurveyLimit: u4(b, 28)}
	for i := range t.Position {
		if !t.LLA {
			t.Position[i] = int64(i4(b, 4+4*i))*perCm + int64(i1(b, 16+i))
		}
	}
	return t, true
}

// Payload3 is CFG-TMODE3 with an earth-centred position.
func (t TimeMode) Payload3() []byte {
	b := make([]byte, 40)
	b[2] = t.Mode
	for i, p := range t.Position {
		cm, rest := split(p)
		binary.LittleEndian.PutUint32(b[4+4*i:], uint32(cm))
		b[16+i] = byte(rest)
	}
	binary.LittleEndian.PutUint32(b[20:], t.Accuracy)
	binary.LittleEndian.PutUint32(b[24:], t.SurveyMinS)
	binary.LittleEndian.PutUint32(b[28:], t.SurveyLimit)
	return b
}

// TimeModeKeys are the items that TimeModeOf reads.
var TimeModeKeys = []Key{KeyTmodeMode, KeyTmodePosType, KeyTmodeX, KeyTmodeY, KeyTmodeZ, KeyTmodeXHP, KeyTmodeYHP, KeyTmodeZHP,
	KeyTmodeAccuracy, KeyTmodeSurveyMin, KeyTmodeSurveyLimit}

// TimeModeOf reads items; false without the mode itself.
func TimeModeOf(items []Item) (t TimeMode, ok bool) {
	for _, i := range items {
		switch i.Key {
		case KeyTmodeMode:
			t.Mode, ok = byte(i.Value), true
		case KeyTmodePosType:
			t.LLA = i.Value != 0
		case KeyTmodeX, KeyTmodeY, KeyTmodeZ:
			t.Position[i.Key-KeyTmodeX] += i.Signed() * perCm
		case KeyTmodeXHP, KeyTmodeYHP, KeyTmodeZHP:
			t.Position[i.Key-KeyTmodeXHP] += i.Signed()
		case KeyTmodeAccuracy:
			t.Accuracy = uint32(i.Value)
		case KeyTmodeSurveyMin:
			t.SurveyMinS = uint32(i.Value)
		case KeyTmodeSurveyLimit:
			t.SurveyLimit = uint32(i.Value)
		}
	}
	if t.LLA {
		t.Position = [3]int64{}
	}
	return t, ok
}

// Items are the items of CFG-TMODE, with an earth-centred position.
func (t TimeMode) Items() []Item {
	items := []Item{{KeyTmodeMode, uint64(t.Mode)}, {KeyTmodePosType, 0}}
	for i, p := range t.Position {
		cm, rest := split(p)
		items = append(items, Int(KeyTmodeX+Key(i), int64(cm)), Int(KeyTmodeXHP+Key(i), int64(rest)))
	}
	return append(items, Item{KeyTmodeAccuracy, uint64(t.Accuracy)}, Item{KeyTmodeSurveyMin, uint64(t.SurveyMinS)},
		Item{KeyTmodeSurveyLimit, uint64(t.SurveyLimit)})
}
