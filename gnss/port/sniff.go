package port

// sniffer counts whole NMEA sentences and UBX frames with a right checksum. It
// looks for both at once and keeps no bytes: it is to tell a right rate from a
// wrong one, not to cut the stream.
type sniffer struct {
	good int

	nmea     nmeaPhase
	sum, got byte
	length   int

	ubx      int // bytes of the frame seen so far, 0: hunting
	payload  int
	ckA, ckB byte
	wrongA   bool
}

type nmeaPhase uint8

const (
	hunting nmeaPhase = iota
	inBody
	firstDigit
	secondDigit
)

const (
	minBody    = 5 // an address
	maxBody    = 256
	maxPayload = 4096
)

// feed looks at a chunk and returns how many good frames there were so far.
func (s *sniffer) feed(chunk []byte) int {
	for _, c := range chunk {
		s.feedNMEA(c)
		s.feedUBX(c)
	}
	return s.good
}

func (s *sniffer) feedNMEA(c byte) {
	switch {
	case c == '$':
		s.nmea, s.sum, s.length = inBody, 0, 0
	case s.nmea == inBody && c == '*' && s.length >= minBody:
		s.nmea = firstDigit
	case s.nmea == inBody && c >= ' ' && c <= '~' && s.length < maxBody:
		s.sum ^= c
		s.length++
	case s.nmea == firstDigit:
		v, ok := unhex(c)
		s.got, s.nmea = v<<4, secondDigit
		if !ok {
			s.nmea = hunting
		}
	case s.nmea == secondDigit:
		if v, ok := unhex(c); ok && s.got|v == s.sum {
			s.good++
		}
		s.nmea = hunting
	default:
		s.nmea = hunting
	}
}

func unhex(c byte) (byte, bool) {
	switch {
	case '0' <= c && c <= '9':
		return c - '0', true
	case 'A' <= c && c <= 'F':
		return c - 'A' + 10, true
	case 'a' <= c && c <= 'f':
		return c - 'a' + 10, true
	}
	return 0, false
}

// feedUBX: B5 62, class, id, length (2 bytes, little-endian), payload, checksum
// (2 bytes) over all but the sync.
func (s *sniffer) feedUBX(c byte) {
	at := s.ubx
	s.ubx++
	switch {
	case at == 0:
		if c != 0xB5 {
			s.ubx = 0
		}
		return
	case at == 1:
		s.ckA, s.ckB, s.payload = 0, 0, 0
		switch c {
		case 0x62:
		case 0xB5:
			s.ubx = 1
		default:
			s.ubx = 0
		}
		return
	case at == 4:
		s.payload = int(c)
	case at == 5:
		s.payload |= int(c) << 8
		if s.payload > maxPayload {
			s.ubx = 0
			return
		}
	}
	switch end := 6 + s.payload; {
	case at < 6 || at < end:
		s.ckA += c
		s.ckB += s.ckA
	case at == end:
		s.wrongA = c != s.ckA
	default:
		if !s.wrongA && c == s.ckB {
			s.good++
		}
		s.ubx = 0
	}
}
