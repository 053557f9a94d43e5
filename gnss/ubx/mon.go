package ubx

import (
	"bytes"
	"strconv"
	"strings"
)

// Ack is ACK-ACK or ACK-NAK: the receiver's answer to a CFG message.
type Ack struct {
	Name Name // the message that is answered
	OK   bool // ACK-ACK
}

// ParseAck reads ACK-ACK and ACK-NAK.
func ParseAck(m Message) (a Ack, ok bool) {
	if m.Class != ClassACK || m.ID > AckACK.ID() || len(m.Payload) < 2 {
		return a, false
	}
	return Ack{Name: Name(m.Payload[0])<<8 | Name(m.Payload[1]), OK: m.ID == AckACK.ID()}, true
}

// Version is MON-VER: what the receiver is.
type Version struct {
	Software   string // such as "EXT CORE 3.01 (111141)"
	Hardware   string // such as "00080000"
	Extensions []string
	// Of the extensions, where they say so:
	Firmware string // FWVER: "TIM 1.10", "HPG 1.32", "SPG 5.10"
	Module   string // MOD: "LEA-M8T-0", "ZED-F9T"
	Protocol int    // PROTVER in hundredths: 2220 for 22.20; 0 where it is not told
}

const (
	verSoftware  = 30
	verHardware  = 10
	verExtension = 30
)

// ParseVersion reads MON-VER: 30 bytes of software, 10 of hardware, then
// extensions of 30 bytes each. Old receivers send none.
func ParseVersion(m Message) (v Version, ok bool) {
	p := m.Payload
	if m.Name() != MonVER || len(p) < verSoftware+verHardware || (len(p)-verSoftware-verHardware)%verExtension != 0 {
		return v, false
	}
	v.Software, v.Hardware = text(p[:verSoftware]), text(p[verSoftware:verSoftware+verHardware])
	for p = p[verSoftware+verHardware:]; len(p) > 0; p = p[verExtension:] {
		e := text(p[:verExtension])
		if e == "" {
			continue
		}
		v.Extensions = append(v.Extensions, e)
		// M8 before 3.01 writes "PROTVER 15.00", later ones "PROTVER=18.00".
		key, value, found := strings.Cut(e, "=")
		if !found {
			key, value, _ = strings.Cut(e, " ")
		}
		value = strings.TrimSpace(value)
		switch key {
		case "FWVER":
			v.Firmware = value
		case "MOD":
			v.Module = value
		case "PROTVER":
			v.Protocol = hundredths(value)
		}
	}
	return v, true
}

// hundredths reads "22.20" as 2220, 0 if it is no such number.
func hundredths(s string) int {
	f, err := strconv.ParseFloat(s, 64)
	if err != nil || !(f > 0 && f < 1000) {
		return 0
	}
	return int(f*100 + 0.5)
}

// Generation is u-blox's product generation, 5 to 10; 0 where it is not known.
func (v Version) Generation() int {
	switch {
	case strings.HasPrefix(v.Hardware, "0004"):
		return 5 + bit(strings.HasPrefix(v.Hardware, "00040007")) // u-blox 6 is 00040007
	case strings.HasPrefix(v.Hardware, "0007"):
		return 7
	case strings.HasPrefix(v.Hardware, "0008"):
		return 8
	case strings.HasPrefix(v.Hardware, "0019"):
		return 9
	case strings.HasPrefix(v.Hardware, "000A"):
		return 10
	}
	return 0
}

func bit(b bool) int {
	if b {
		return 1
	}
	return 0
}

// text is a field of fixed length up to its first NUL, printable ASCII only.
func text(b []byte) string {
	if i := bytes.IndexByte(b, 0); i >= 0 {
		b = b[:i]
	}
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return -1
		}
		return r
	}, string(b)))
}

// MaxInfo is the longest text of an INF message that is read.
const MaxInfo = 256

// ParseInfo is the text of an INF message.
func ParseInfo(m Message) (string, bool) {
	if m.Class != ClassINF {
		return "", false
	}
	return text(m.Payload[:min(len(m.Payload), MaxInfo)]), true
}
