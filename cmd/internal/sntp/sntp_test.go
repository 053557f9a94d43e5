package sntp

import (
	"encoding/binary"
	"errors"
	"net"
	"strings"
	"testing"
	"time"

	"bragi/board/kernelclock"
	"bragi/gnss/timescale"
)

// What a server says of its own error, in seconds/65536, and what half of the one and the whole other come to.
const (
	rootDelay      = 1 << 16 / 50  // 20 ms
	rootDispersion = 1 << 16 / 100 // 10 ms
	serverError    = (rootDelay/2 + rootDispersion) * time.Second / (1 << 16)
)

// answer makes a server's packet at a time of NTP's era 0 or 1.
func answer(cookie []byte, unix time.Time, change func([]byte)) []byte {
	b := make([]byte, size)
	b[0], b[1] = 4<<3|4, 2
	binary.BigEndian.PutUint32(b[4:], rootDelay)
	binary.BigEndian.PutUint32(b[8:], rootDispersion)
	copy(b[24:], cookie)
	for _, at := range []int{32, 40} {
		binary.BigEndian.PutUint32(b[at:], uint32(unix.Unix()+ntpToUnix))
		binary.BigEndian.PutUint32(b[at+4:], uint32(int64(unix.Nanosecond())<<32/1e9))
	}
	if change != nil {
		change(b)
	}
	return b
}

// server answers on loopback, each question with all that reply makes of it.
func serve(t *testing.T, reply func(question []byte) [][]byte) string {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	go func() {
		b := make([]byte, 512)
		for {
			n, from, err := conn.ReadFrom(b)
			if err != nil {
				return
			}
			for _, r := range reply(b[:n]) {
				conn.WriteTo(r, from) //nolint:errcheck // the client tells
			}
		}
	}()
	return conn.LocalAddr().String()
}

var floor = timescale.UTCFromNs(1_780_000_000e9)

// The answer is known by the question's random number, and says what time it was in
// the middle of the way.
func TestAskBringsTheServersTime(t *testing.T) {
	for _, ahead := range []time.Duration{0, -3 * time.Second, 20 * 365 * 24 * time.Hour} { // the last one is in NTP's second era
		address := serve(t, func(q []byte) [][]byte {
			if len(q) != size || q[0] != request {
				t.Errorf("question %x", q)
			}
			forged := answer([]byte("12345678"), time.Now().Add(time.Hour), nil)
			return [][]byte{forged, []byte("short"), answer(q[40:48], time.Now().Add(ahead), nil)}
		})
		a, err := Ask(t.Context(), address, kernelclock.Raw, floor)
		if err != nil {
			t.Fatal(err)
		}
		off := time.Duration(a.UTC.Ns()-time.Now().UnixNano()) + kernelclock.Raw().Sub(a.At) - ahead
		if off.Abs() > 50*time.Millisecond || a.Uncertainty < serverError || a.Uncertainty > 300*time.Millisecond {
			t.Errorf("%v ahead: off by %v, uncertainty %v", ahead, off, a.Uncertainty)
		}
	}
}

// A server that has no time, refuses, or says what cannot be is no witness.
func TestAServerWithoutTimeIsNoWitness(t *testing.T) {
	for name, c := range map[string]struct {
		change func([]byte)
		want   string
	}{
		"unsynchronised":          {func(b []byte) { b[0] |= 3 << 6 }, "not synchronised"},
		"stratum 16":              {func(b []byte) { b[1] = 16 }, "not synchronised"},
		"denied":                  {func(b []byte) { b[1] = 0; copy(b[12:], "DENY") }, "DENY"},
		"sent before it received": {func(b []byte) { binary.BigEndian.PutUint32(b[32:], binary.BigEndian.Uint32(b[40:])+5) }, "cannot be"},
	} {
		address := serve(t, func(q []byte) [][]byte { return [][]byte{answer(q[40:48], time.Now(), c.change)} })
		if _, err := Ask(t.Context(), address, kernelclock.Raw, floor); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	address := serve(t, func(q []byte) [][]byte {
		return [][]byte{answer(q[40:48], time.Now(), func(b []byte) { b[1] = 0; copy(b[12:], "RATE") })}
	})
	if _, err := Ask(t.Context(), address, kernelclock.Raw, floor); !errors.Is(err, ErrRate) {
		t.Errorf("RATE: %v", err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add(answer([]byte("12345678"), time.Unix(1_790_000_000, 0), nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		a, err := parse(b, [8]byte([]byte("12345678")), timescale.MonoFromNs(1e9), timescale.MonoFromNs(2e9), floor)
		if err == nil && (a.UTC.Sub(floor) < 0 || a.Uncertainty < 0) {
			t.Errorf("%+v", a)
		}
	})
}
