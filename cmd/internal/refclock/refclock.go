// Package refclock hands the time to chrony on the same machine: chrony then serves
// NTP from it, and keeps the system clock. It writes the datagrams of chrony's SOCK
// reference clock (chrony.conf: refclock SOCK PATH).
package refclock

import (
	"encoding/binary"
	"fmt"
	"math"
	"net"

	"bragi/gnss/timescale"
)

// Sample is one comparison of the system clock with the time.
type Sample struct {
	Realtime timescale.UTC // what the system clock said
	OffsetS  float64       // the true time less Realtime, in s
	Leap     int8          // the leap second that ends this day: +1, -1, 0
}

// MostNs is the largest error bound of a time that chrony is told, in ns. A sample
// carries no bound of its own: half of `delay` in chrony's configuration is taken for
// it, so a delay of 0.0002 (s) is true.
const MostNs = 100_000

const (
	size  = 40         // of the datagram, where time_t has 64 bits
	magic = 0x534F434B // "SOCK"
)

// datagram is chrony's struct sock_sample: a timeval of 64-bit fields, the offset as
// a double, pulse, leap (0; 1: inserted; 2: deleted), padding, magic; in the byte
// order of the machine. A chrony whose time_t has 32 bits refuses its length.
func (s Sample) datagram() [size]byte {
	var d [size]byte
	order := binary.NativeEndian
	order.PutUint64(d[0:], uint64(floorDiv(s.Realtime.Ns(), 1e9)))
	order.PutUint64(d[8:], uint64((s.Realtime.Ns()-floorDiv(s.Realtime.Ns(), 1e9)*1e9)/1000))
	// The timeval drops what is below a microsecond: the offset takes it.
	lost := float64(s.Realtime.Ns()-floorDiv(s.Realtime.Ns(), 1000)*1000) * 1e-9
	order.PutUint64(d[16:], math.Float64bits(s.OffsetS+lost))
	leap := uint32(0)
	switch {
	case s.Leap > 0:
		leap = 1
	case s.Leap < 0:
		leap = 2
	}
	order.PutUint32(d[28:], leap)
	order.PutUint32(d[36:], magic)
	return d
}

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

// Feed sends samples to chrony's socket. It is opened at the first sample, and again
// when chrony was started anew.
type Feed struct {
	Path string
	conn *net.UnixConn
}

// Send hands a sample on. It never waits. After an error the next Send opens the
// socket again.
func (f *Feed) Send(s Sample) error {
	if f.conn == nil {
		conn, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: f.Path, Net: "unixgram"})
		if err != nil {
			return fmt.Errorf("%w (fix: start chronyd with `refclock SOCK %s` in its configuration)", err, f.Path)
		}
		f.conn = conn
	}
	d := s.datagram()
	if err := f.write(d[:]); err != nil {
		f.Close()
		return err
	}
	return nil
}

// Close ends the feed until the next Send.
func (f *Feed) Close() {
	if f.conn != nil {
		_ = f.conn.Close()
		f.conn = nil
	}
}
