package e2e

import (
	"encoding/binary"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"bragi/cmd/internal/status"
)

// ntpServer is an NTP server on loopback that is ahead by so many ns.
func ntpServer(t *testing.T, ahead *atomic.Int64) (address string) {
	t.Helper()
	conn, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	go func() {
		for b := make([]byte, 512); ; {
			n, from, err := conn.ReadFrom(b)
			if err != nil {
				return
			}
			if n < 48 {
				continue
			}
			var a [48]byte
			a[0], a[1] = 4<<3|4, 2
			copy(a[24:], b[40:48])
			now := time.Now().Add(time.Duration(ahead.Load()))
			for _, at := range []int{32, 40} {
				binary.BigEndian.PutUint32(a[at:], uint32(now.Unix()+2_208_988_800))
				binary.BigEndian.PutUint32(a[at+4:], uint32(int64(now.Nanosecond())<<32/1e9))
			}
			conn.WriteTo(a[:], from) //nolint:errcheck // the client asks again
		}
	}()
	return conn.LocalAddr().String()
}

// A bragid whose NTP server says another second than its receiver is not at class 6,
// and says why; one whose server agrees is, within the usual 30 s.
func TestAnNTPServerThatContradictsTheReceiverKeepsClass6Away(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("SKIPPED in short mode: needs half a minute")
	}
	var ahead, right atomic.Int64
	ahead.Store(int64(3 * time.Second))
	doubted := startLocal(t, localPorts(t), "gnss.second_opinion="+ntpServer(t, &ahead))
	trusted := startLocal(t, localPorts(t), "gnss.second_opinion="+ntpServer(t, &right))
	status := func(l *local) (s status.Status) {
		l.client().Get(t.Context(), "/v1/status", &s) //nolint:errcheck // it is asked again
		return s
	}
	eventually(t, 30*time.Second, "class 6 with a server that agrees", func() bool {
		s := status(trusted)
		return s.Clock.ClockClass == 6 && len(s.GNSS.Opinions) > 0 && s.GNSS.Opinions[0].Standing == "agrees"
	})
	time.Sleep(5 * time.Second)
	s := status(doubted)
	found := false
	for _, a := range s.Alarms {
		found = found || a.Code == "SECOND_OPINION"
	}
	if s.Clock.ClockClass == 6 || !found {
		t.Errorf("class %d, alarms %+v, opinions %+v", s.Clock.ClockClass, s.Alarms, s.GNSS.Opinions)
	}
	for _, step := range s.Walk {
		if step.ClockClass == 6 {
			t.Errorf("it was at class 6: %+v", s.Walk)
		}
	}
}
