package udp

import (
	"testing"

	"golang.org/x/sys/unix"

	"bragi/master"
)

// A reload changes DSCP and keeps the VLAN's priority, which the kernel would
// derive from it; one that is refused changes neither.
func TestReconfigureSetsTheDSCP(t *testing.T) {
	s := serve(t, serverAddr, 0)
	check := func(when string, dscp int) {
		t.Helper()
		for _, p := range []*port{s.event, s.general} {
			tos, err := unix.GetsockoptInt(p.FD, unix.IPPROTO_IP, unix.IP_TOS)
			priority, second := unix.GetsockoptInt(p.FD, unix.SOL_SOCKET, unix.SO_PRIORITY)
			if err != nil || second != nil || tos>>2 != dscp || priority != 6 {
				t.Errorf("%s: DSCP %d, priority %d, want %d and 6: %v %v", when, tos>>2, priority, dscp, err, second)
			}
		}
	}
	check("at the start", 47)
	c := master.Config{Identity: serverID, Priority1: 128, Priority2: 1}
	if err := s.Reconfigure(t.Context(), c, 34); err != nil {
		t.Fatal(err)
	}
	check("after a reload", 34)
	c.Domain = 24
	if err := s.Reconfigure(t.Context(), c, 0); err == nil {
		t.Error("another domain was taken")
	}
	check("after a refused reload", 34)
}
