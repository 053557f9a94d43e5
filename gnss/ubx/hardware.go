package ubx

// Antenna is aStatus of MON-HW, antStatus of MON-RF.
type Antenna uint8

// The states of the antenna.
const (
	AntennaInit Antenna = iota
	AntennaUnknown
	AntennaOK
	AntennaShort
	AntennaOpen
)

// Jamming is the interference monitor's state.
type Jamming uint8

// The states of the interference monitor. Unknown: it is off.
const (
	JammingUnknown Jamming = iota
	JammingOK
	JammingWarning
	JammingCritical // and no fix
)

// Spoofing is the spoofing detector's state.
type Spoofing uint8

// The states of the spoofing detector.
const (
	SpoofingUnknown Spoofing = iota
	SpoofingNone
	SpoofingIndicated
	SpoofingAffirmed // several signs of it
)

// RFBlock is the front end: MON-HW, or a block of MON-RF.
type RFBlock struct {
	Antenna      Antenna
	Power        uint8 // of the antenna: 0 off, 1 on, 2 unknown
	Jamming      Jamming
	NoisePerMs   uint16
	AGC          uint16 // 0 to 8191
	JamIndicator uint8  // 0 none to 255 strong continuous wave
	HasIndicator bool
}

// ParseHW reads MON-HW: 68 bytes in u-blox 5, 6 and 7, 60 from M8 on; the
// number of pins differs. u-blox 6 of some firmware sends 60.
func ParseHW(m Message) (b RFBlock, ok bool) {
	p := m.Payload
	if m.Name() != MonHW || len(p) != 60 && len(p) != 68 {
		return b, false
	}
	jam := 45
	if len(p) == 68 {
		jam = 53
	}
	return RFBlock{Antenna: Antenna(p[20]), Power: p[21], Jamming: Jamming(p[22] >> 2 & 3), NoisePerMs: u2(p, 16), AGC: u2(p, 18),
		JamIndicator: p[jam], HasIndicator: true}, true
}

// ParseRF reads MON-RF and gives each block to emit. A block has 24 bytes; the
// F9R's firmware 1.30 sends 20, of which only the head is read.
func ParseRF(m Message, emit func(RFBlock)) bool {
	p := m.Payload
	if m.Name() != MonRF || len(p) < 4 || p[0] != 0 || p[1] == 0 {
		return false
	}
	n := int(p[1])
	size := (len(p) - 4) / n
	if size*n != len(p)-4 || size != 24 && size != 20 {
		return false
	}
	for b := p[4:]; len(b) > 0; b = b[size:] {
		block := RFBlock{Jamming: Jamming(b[1] & 3), Antenna: Antenna(b[2]), Power: b[3]}
		if size == 24 {
			block.NoisePerMs, block.AGC = u2(b, 12), u2(b, 14)
			block.JamIndicator, block.HasIndicator = b[16], true
		}
		emit(block)
	}
	return true
}

// Security is SEC-SIG.
type Security struct {
	Jamming  Jamming
	Spoofing Spoofing
	// Whether the detectors are on; what they say counts only then.
	JammingOn, SpoofingOn bool
}

// ParseSecurity reads SEC-SIG, version 1 (12 bytes) and 2 (4 bytes and 4 for
// each frequency).
func ParseSecurity(m Message) (v Security, ok bool) {
	p := m.Payload
	if m.Name() != SecSIG || len(p) < 4 {
		return v, false
	}
	switch {
	case p[0] == 1 && len(p) == 12:
		return Security{JammingOn: p[4]&1 != 0, Jamming: Jamming(p[4] >> 1 & 3),
			SpoofingOn: p[8]&1 != 0, Spoofing: Spoofing(min(p[8]>>1&7, byte(SpoofingAffirmed)))}, true
	case p[0] == 2 && len(p) == 4+4*int(p[3]):
		return Security{JammingOn: p[1]&1 != 0, Jamming: Jamming(p[1] >> 1 & 3),
			SpoofingOn: p[1]&8 != 0, Spoofing: Spoofing(min(p[1]>>4&7, byte(SpoofingAffirmed)))}, true
	}
	return v, false
}
