package ubx

import (
	"encoding/binary"
	"fmt"
)

// Configuration items: how generation 9 and later are set up (interface
// descriptions of ZED-F9T, ZED-F9P and M10, "Configuration interface").
//
//	CFG-VALSET  version 0 | layers | reserved(2)  | (key, value)...
//	CFG-VALGET  version 0 | layer  | position(2)  | key...              a question
//	            version 1 | layer  | position(2)  | (key, value)...     its answer
//
// A VALSET is taken whole or not at all: one unknown key and ACK-NAK is the
// answer to all of it.

// Key names an item. Its bits 28 to 30 tell how large the value is.
type Key uint32

// The keys that are set or read here.
const (
	KeyRateMeas Key = 0x30210001 // U2, ms between measurements
	KeyRateNav  Key = 0x30210002 // U2, measurements for each solution

	KeyDynModel Key = 0x20110021 // E1, CFG-NAVSPG-DYNMODEL

	KeyTPPulseDef       Key = 0x20050023 // E1, 0 period in us, 1 frequency
	KeyTPPulseLengthDef Key = 0x20050030 // E1, 0 ratio, 1 length in us
	KeyTPCableDelay     Key = 0x30050001 // I2, ns, CFG-TP-ANT_CABLEDELAY
	KeyTPPeriod         Key = 0x40050002 // U4, us, of TP1 from here on
	KeyTPPeriodLocked   Key = 0x40050003 // U4, us
	KeyTPLength         Key = 0x40050004 // U4, us
	KeyTPLengthLocked   Key = 0x40050005 // U4, us
	KeyTPUserDelay      Key = 0x40050006 // I4, ns
	KeyTPEnable         Key = 0x10050007 // L
	KeyTPSyncGNSS       Key = 0x10050008 // L
	KeyTPUseLocked      Key = 0x10050009 // L, the locked values once in step
	KeyTPAlign          Key = 0x1005000A // L, to the top of the second
	KeyTPRising         Key = 0x1005000B // L, CFG-TP-POL_TP1
	KeyTPGrid           Key = 0x2005000C // E1, 0 UTC, 1 GPS

	KeyTmodeMode         Key = 0x20030001 // E1, 0 off, 1 survey-in, 2 fixed
	KeyTmodePosType      Key = 0x20030002 // E1, 0 ECEF
	KeyTmodeX            Key = 0x40030003 // I4, cm
	KeyTmodeY            Key = 0x40030004 // I4, cm
	KeyTmodeZ            Key = 0x40030005 // I4, cm
	KeyTmodeXHP          Key = 0x20030006 // I1, 0.1 mm
	KeyTmodeYHP          Key = 0x20030007 // I1, 0.1 mm
	KeyTmodeZHP          Key = 0x20030008 // I1, 0.1 mm
	KeyTmodeAccuracy     Key = 0x4003000F // U4, 0.1 mm, of the fixed position
	KeyTmodeSurveyMin    Key = 0x40030010 // U4, s
	KeyTmodeSurveyLimit  Key = 0x40030011 // U4, 0.1 mm
	KeyItfmEnable        Key = 0x1041000D // L, the interference monitor
	KeyUART1Baud         Key = 0x40520001 // U4
	KeyUART1OutUBX       Key = 0x10740001 // L
	KeyUART1OutNMEA      Key = 0x10740002 // L
	KeyUSBOutUBX         Key = 0x10780001 // L
	KeyUSBOutNMEA        Key = 0x10780002 // L
	KeyMsgNavPVTUART1    Key = 0x20910007 // U1, solutions for each message; USB is two more
	KeyMsgNavSATUART1    Key = 0x20910016
	KeyMsgNavSTATUSUART1 Key = 0x2091001B
	KeyMsgNavTIMELSUART1 Key = 0x20910061
	KeyMsgNavSVINUART1   Key = 0x20910089
	KeyMsgTimSVINUART1   Key = 0x20910098
	KeyMsgTimTPUART1     Key = 0x2091017E
	KeyMsgMonRFUART1     Key = 0x2091035A
	KeyMsgSecSIGUART1    Key = 0x20910635
)

// OnUSB is the key of the same message's rate at USB. The ports of a CFG-MSGOUT
// item follow each other: I2C, UART1, UART2, USB, SPI.
func (k Key) OnUSB() Key { return k + 2 }

// Size is how many bytes a value has; 0: no such size.
func (k Key) Size() int {
	switch k >> 28 & 7 {
	case 1, 2: // a bit takes a byte
		return 1
	case 3:
		return 2
	case 4:
		return 4
	case 5:
		return 8
	}
	return 0
}

var keyNames = map[Key]string{
	KeyRateMeas: "CFG-RATE-MEAS", KeyRateNav: "CFG-RATE-NAV", KeyDynModel: "CFG-NAVSPG-DYNMODEL",
	KeyTPPulseDef: "CFG-TP-PULSE_DEF", KeyTPPulseLengthDef: "CFG-TP-PULSE_LENGTH_DEF", KeyTPCableDelay: "CFG-TP-ANT_CABLEDELAY",
	KeyTPPeriod: "CFG-TP-PERIOD_TP1", KeyTPPeriodLocked: "CFG-TP-PERIOD_LOCK_TP1", KeyTPLength: "CFG-TP-LEN_TP1",
	KeyTPLengthLocked: "CFG-TP-LEN_LOCK_TP1", KeyTPUserDelay: "CFG-TP-USER_DELAY_TP1", KeyTPEnable: "CFG-TP-TP1_ENA",
	KeyTPSyncGNSS: "CFG-TP-SYNC_GNSS_TP1", KeyTPUseLocked: "CFG-TP-USE_LOCKED_TP1", KeyTPAlign: "CFG-TP-ALIGN_TO_TOW_TP1",
	KeyTPRising: "CFG-TP-POL_TP1", KeyTPGrid: "CFG-TP-TIMEGRID_TP1",
	KeyTmodeMode: "CFG-TMODE-MODE", KeyTmodePosType: "CFG-TMODE-POS_TYPE", KeyTmodeX: "CFG-TMODE-ECEF_X", KeyTmodeY: "CFG-TMODE-ECEF_Y",
	KeyTmodeZ: "CFG-TMODE-ECEF_Z", KeyTmodeXHP: "CFG-TMODE-ECEF_X_HP", KeyTmodeYHP: "CFG-TMODE-ECEF_Y_HP", KeyTmodeZHP: "CFG-TMODE-ECEF_Z_HP",
	KeyTmodeAccuracy: "CFG-TMODE-FIXED_POS_ACC", KeyTmodeSurveyMin: "CFG-TMODE-SVIN_MIN_DUR", KeyTmodeSurveyLimit: "CFG-TMODE-SVIN_ACC_LIMIT",
	KeyItfmEnable: "CFG-ITFM-ENABLE", KeyUART1Baud: "CFG-UART1-BAUDRATE",
	KeyUART1OutUBX: "CFG-UART1OUTPROT-UBX", KeyUART1OutNMEA: "CFG-UART1OUTPROT-NMEA", KeyUSBOutUBX: "CFG-USBOUTPROT-UBX", KeyUSBOutNMEA: "CFG-USBOUTPROT-NMEA",
	KeyMsgNavPVTUART1: "CFG-MSGOUT-UBX_NAV_PVT_UART1", KeyMsgNavSATUART1: "CFG-MSGOUT-UBX_NAV_SAT_UART1",
	KeyMsgNavSTATUSUART1: "CFG-MSGOUT-UBX_NAV_STATUS_UART1",
	KeyMsgNavTIMELSUART1: "CFG-MSGOUT-UBX_NAV_TIMELS_UART1", KeyMsgNavSVINUART1: "CFG-MSGOUT-UBX_NAV_SVIN_UART1",
	KeyMsgTimSVINUART1: "CFG-MSGOUT-UBX_TIM_SVIN_UART1", KeyMsgTimTPUART1: "CFG-MSGOUT-UBX_TIM_TP_UART1",
	KeyMsgMonRFUART1: "CFG-MSGOUT-UBX_MON_RF_UART1", KeyMsgSecSIGUART1: "CFG-MSGOUT-UBX_SEC_SIG_UART1",
}

// String is u-blox's name of the item.
func (k Key) String() string {
	if s, found := keyNames[k]; found {
		return s
	}
	return fmt.Sprintf("CFG-0x%08X", uint32(k))
}

// Item is a key with its value, of which the key's size is meant: the value's
// low bytes, two's complement where it is signed.
type Item struct {
	Key   Key
	Value uint64
}

// Int makes an Item of a signed value.
func Int(k Key, v int64) Item { return Item{k, uint64(v)}.trimmed() }

// trimmed has zeros above the value's size.
func (i Item) trimmed() Item {
	if n := i.Key.Size(); n < 8 {
		i.Value &= 1<<(8*n) - 1
	}
	return i
}

// Signed is the value as two's complement of its size.
func (i Item) Signed() int64 {
	shift := 64 - 8*i.Key.Size()
	return int64(i.Value<<shift) >> shift
}

// The layers of a VALSET, and those of a VALGET.
const (
	SetRAM   = 1 << 0
	SetBBR   = 1 << 1
	SetFlash = 1 << 2

	GetRAM     = 0
	GetDefault = 7
)

// MaxItems is how many items a VALSET or VALGET may have.
const MaxItems = 64

const valHeader = 4

// ValsetPayload is the payload that sets items in the layers.
func ValsetPayload(layers byte, items ...Item) []byte {
	p := []byte{0, layers, 0, 0}
	for _, i := range items {
		p = i.appendTo(p)
	}
	return p
}

// ValgetPayload is the question for items of a layer.
func ValgetPayload(layer byte, keys ...Key) []byte {
	p := []byte{0, layer, 0, 0}
	for _, k := range keys {
		p = binary.LittleEndian.AppendUint32(p, uint32(k))
	}
	return p
}

// ValgetAnswer is the answer to ValgetPayload.
func ValgetAnswer(layer byte, items ...Item) []byte {
	p := ValsetPayload(layer, items...)
	p[0] = 1
	return p
}

func (i Item) appendTo(p []byte) []byte {
	p = binary.LittleEndian.AppendUint32(p, uint32(i.Key))
	for n := range i.Key.Size() {
		p = append(p, byte(i.Value>>(8*n)))
	}
	return p
}

// ParseValset reads what is to be set; transactions (version 1) are not read.
func ParseValset(m Message) (layers byte, items []Item, ok bool) {
	if m.Name() != CfgVALSET || len(m.Payload) < valHeader || m.Payload[0] != 0 {
		return 0, nil, false
	}
	items, ok = parseItems(m.Payload[valHeader:])
	return m.Payload[1], items, ok
}

// ParseValget reads the answer to a question.
func ParseValget(m Message) (layer byte, items []Item, ok bool) {
	if m.Name() != CfgVALGET || len(m.Payload) < valHeader || m.Payload[0] != 1 {
		return 0, nil, false
	}
	items, ok = parseItems(m.Payload[valHeader:])
	return m.Payload[1], items, ok
}

// ParseValgetQuestion reads which items are asked for.
func ParseValgetQuestion(m Message) (layer byte, keys []Key, ok bool) {
	p := m.Payload
	if m.Name() != CfgVALGET || len(p) < valHeader || p[0] != 0 || len(p)%4 != 0 || len(p) > valHeader+4*MaxItems {
		return 0, nil, false
	}
	for i := valHeader; i < len(p); i += 4 {
		keys = append(keys, Key(u4(p, i)))
	}
	return p[1], keys, true
}

func parseItems(p []byte) (items []Item, ok bool) {
	for len(p) > 0 {
		if len(p) < 4 || len(items) == MaxItems {
			return nil, false
		}
		i := Item{Key: Key(u4(p, 0))}
		n := i.Key.Size()
		if p = p[4:]; n == 0 || len(p) < n {
			return nil, false
		}
		for b := range n {
			i.Value |= uint64(p[b]) << (8 * b)
		}
		items, p = append(items, i), p[n:]
	}
	return items, true
}
