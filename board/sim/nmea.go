package sim

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"

	"bragi/gnss/timescale"
	"bragi/gnss/ubx"
)

// The burst of a receiver that knows GPS alone, in u-blox's order and talkers:
// RMC, GGA, GSA, GSV, ZDA; of a timing receiver UBX-TIM-TP before them. It
// names the second of the pulse that went before it.

// The receiver stands in Bergen, where bragi's god has his weather.
const (
	latitude  = "6023.56810,N"
	longitude = "00519.34270,E"
)

// satellites in view: number, elevation, azimuth at midnight, mean C/N0.
var satellites = [...]struct{ prn, elevation, azimuth, cn0 int }{
	{2, 64, 121, 45}, {5, 12, 30, 31}, {6, 38, 255, 41}, {7, 51, 203, 44}, {9, 21, 176, 36},
	{11, 9, 310, 28}, {13, 17, 75, 34}, {16, 33, 288, 40}, {20, 72, 44, 47}, {30, 45, 145, 43},
}

const secondsOfDay = 86_400

func civil(utcS int64) timescale.Civil { return timescale.UTCFromNs(utcS * nsPerS).Civil() }

// burst says of the UTC second utcS (since 1970) what the state lets it say.
func burst(buf []byte, utcS int64, f *fixState, rng *rand.Rand) []byte {
	c := civil(utcS)
	clock, date, zda := "", "", ",,,"
	if f.timeKnown {
		clock = fmt.Sprintf("%02d%02d%02d.00", c.Hour, c.Minute, c.Second)
		date = fmt.Sprintf("%02d%02d%02d", c.Day, c.Month, c.Year%100)
		zda = fmt.Sprintf(",%02d,%02d,%04d", c.Day, c.Month, c.Year)
	}
	if !f.fixed {
		buf = sentence(buf, "GNRMC,%s,V,,,,,,,%s,,,N", clock, date)
		buf = sentence(buf, "GNGGA,%s,,,,,0,00,99.99,,,,,,", clock)
		buf = sentence(buf, "GNGSA,A,1,,,,,,,,,,,,,99.99,99.99,99.99")
		buf = sentence(buf, "GPGSV,1,1,00")
		return sentence(buf, "GNZDA,%s%s,00,00", clock, zda)
	}
	buf = sentence(buf, "GNRMC,%s,A,%s,%s,%.3f,,%s,,,A", clock, latitude, longitude, 0.05*rng.Float64(), date)
	buf = sentence(buf, "GNGGA,%s,%s,%s,1,%02d,0.92,%.1f,M,44.7,M,,", clock, latitude, longitude, len(satellites), 51+rng.Float64())
	buf = append(buf, "$"...)
	from := len(buf)
	buf = append(buf, "GNGSA,A,3"...)
	for i := range 12 {
		if i < len(satellites) {
			buf = fmt.Appendf(buf, ",%02d", satellites[i].prn)
		} else {
			buf = append(buf, ',')
		}
	}
	buf = seal(append(buf, ",1.60,0.92,1.31"...), from)
	turn := int(utcS / 240 % 360) // the sky turns by 360 degrees a day
	pages := (len(satellites) + 3) / 4
	for p := range pages {
		buf = append(buf, "$"...)
		from = len(buf)
		buf = fmt.Appendf(buf, "GPGSV,%d,%d,%02d", pages, p+1, len(satellites))
		for _, s := range satellites[p*4 : min(p*4+4, len(satellites))] {
			buf = fmt.Appendf(buf, ",%02d,%02d,%03d,%02d", s.prn, s.elevation, (s.azimuth+turn)%360, s.cn0-1+rng.IntN(3))
		}
		buf = seal(buf, from)
	}
	return sentence(buf, "GNZDA,%s%s,00,00", clock, zda)
}

// sentence appends one sentence, $ and checksum added.
func sentence(buf []byte, format string, args ...any) []byte {
	buf = append(buf, '$')
	from := len(buf)
	return seal(fmt.Appendf(buf, format, args...), from)
}

// seal appends the checksum of what follows the $ at from.
func seal(buf []byte, from int) []byte {
	return fmt.Appendf(buf, "*%02X\r\n", checksum(buf[from:]))
}

// checksum is NMEA 0183's: exclusive or of what lies between $ and *.
func checksum(b []byte) byte {
	var sum byte
	for _, c := range b {
		sum ^= c
	}
	return sum
}

// timTP appends UBX-TIM-TP (0x0D 0x01) for the next pulse, the UTC second utcS.
// Its time base is the pulse's grid: UTC, or GPS, which is leap s ahead.
func timTP(buf []byte, utcS int64, qErrNs float64, gps bool, leap int) []byte {
	const utcBase, utcKnown = 0x01, 0x02
	since, flags := utcS-gpsEpochS, byte(utcBase|utcKnown)
	if gps {
		since, flags = since+int64(leap), utcKnown
	}
	p := make([]byte, 16)
	binary.LittleEndian.PutUint32(p, uint32(since%weekS*1000))
	binary.LittleEndian.PutUint32(p[8:], uint32(int32(math.Round(qErrNs*1000))))
	binary.LittleEndian.PutUint16(p[12:], uint16(since/weekS))
	p[14] = flags
	return ubx.AppendMessage(buf, ubx.TimTP, p)
}
