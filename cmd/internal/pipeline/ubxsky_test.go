package pipeline_test

import (
	"encoding/binary"
	"fmt"
	"time"

	"bragi/gnss/timescale"
	"bragi/gnss/ubx"
)

// ubxSky is a u-blox that speaks UBX alone, with knobs for what it says. Each
// burst names the second of the pulse before it.
type ubxSky struct {
	leap       *timescale.LeapSeconds // what UTC really does
	leapS      int                    // the count that the receiver has; 0: the right one
	vouch      bool                   // it says that its leap count is valid
	event      *leapAhead             // what it announces
	weeksShort int                    // turns of the week counter that its firmware lost
	lateSecond int64                  // seconds by which its messages are wrong
	antenna    ubx.Antenna
	jamming    ubx.Jamming
	spoofing   ubx.Spoofing
	tAccNs     uint32
	northM     float64
	noPVT      bool // TIMEGPS, SOL as of old
	timTP      bool
	qErrPs     func(second int64) int32
}

type leapAhead struct {
	at     timescale.UTC
	change int
}

const gpsEpochTAI = 315_964_800 + 19 // 1980-01-06 in s of TAI since 1970

func le[T any](b []byte, v T) []byte {
	b, err := binary.Append(b, binary.LittleEndian, v)
	if err != nil {
		panic(err)
	}
	return b
}

func (u *ubxSky) speak(sky timescale.TAI) []byte {
	second := sky.Ns()/1e9 + u.lateSecond
	at := timescale.TAIFromNs(second * 1e9)
	utc, leap60 := u.leap.ToUTC(at)
	if u.leapS != 0 {
		utc, leap60 = timescale.UTCFromNs((second-int64(u.leapS)-19)*1e9), false
	}
	right := u.leap.OffsetAtTAI(at) - 19
	count := right
	if u.leapS != 0 {
		count = u.leapS
	}
	gps := second - gpsEpochTAI
	week, tow := gps/604_800-int64(1024*u.weeksShort), uint32(gps%604_800*1000)
	var out []byte
	if u.timTP {
		next, _ := u.leap.ToUTC(at.Add(time.Second))
		since := next.Ns()/1e9 - 315_964_800
		p := le(nil, uint32(since%604_800*1000))
		p = le(p, uint32(0))
		p = le(p, u.qErrPs(second+1))
		p = le(p, uint16(since/604_800))
		out = ubx.AppendMessage(out, ubx.TimTP, append(p, 0x0B, 0x0F))
	}
	if !u.noPVT {
		c := utc.Civil()
		if leap60 {
			c.Second = 60
		}
		p := le(nil, tow)
		p = le(p, uint16(c.Year))
		valid := byte(3)
		if u.vouch {
			valid = 7
		}
		p = append(p, byte(c.Month), byte(c.Day), byte(c.Hour), byte(c.Minute), byte(c.Second), valid)
		p = le(p, u.tAccNs)
		p = le(p, int32(-200))
		p = append(p, ubx.Fix3D, 1, 0, 12)
		p = le(p, []int32{53_000_000, int32(603_900_000 + u.northM*90)}) // 1e-7 degrees; a metre north is 90 of them
		p = le(p, []int32{60_000, 15_000})
		p = le(p, []uint32{1500, 2500})
		out = ubx.AppendMessage(out, ubx.NavPVT, append(p, make([]byte, 92-len(p))...))
	} else {
		p := le(le(le(nil, tow), int32(-200)), int16(week))
		p = append(p, ubx.Fix3D, 0x0D)
		p = append(p, make([]byte, 52-len(p))...)
		p[47] = 9
		out = ubx.AppendMessage(out, ubx.NavSOL, p)
		valid := byte(3)
		if u.vouch {
			valid = 7
		}
		p = append(le(le(le(nil, tow), int32(-200)), int16(week)), byte(count), valid)
		out = ubx.AppendMessage(out, ubx.NavTIMEGPS, le(p, u.tAccNs))
	}
	p := append(le(nil, tow), 0, 0, 0, 0, 2, byte(count), 2)
	change, in, valid := 0, int32(0), byte(0)
	if u.vouch {
		valid |= 1
	}
	if u.event != nil {
		valid |= 2
		if left := u.leap.ToTAI(u.event.at).Sub(at) / time.Second; left > 0 {
			change, in = u.event.change, int32(left)
		}
	}
	p = le(append(p, byte(int8(change))), in)
	p = append(le(p, []uint16{0, 0}), 0, 0, 0, valid)
	out = ubx.AppendMessage(out, ubx.NavTIMELS, p)
	hw := make([]byte, 60)
	hw[20], hw[21], hw[22] = byte(u.antenna), 1, byte(u.jamming)<<2
	out = ubx.AppendMessage(out, ubx.MonHW, hw)
	return ubx.AppendMessage(out, ubx.SecSIG, []byte{1, 0, 0, 0, 1 | byte(u.jamming)<<1, 0, 0, 0, 1 | byte(u.spoofing)<<1, 0, 0, 0})
}

// goodSky is a receiver in order.
func goodSky() *ubxSky {
	return &ubxSky{leap: timescale.Builtin(), vouch: true, antenna: ubx.AntennaOK, jamming: ubx.JammingOK, spoofing: ubx.SpoofingNone, tAccNs: 20}
}

func utcAt(year, month, day, hour, minute, second int) timescale.UTC {
	u, err := timescale.Date(year, month, day, hour, minute, second, 0)
	if err != nil {
		panic(fmt.Sprint(err))
	}
	return u
}
