package daemon

import (
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"bragi/cmd/internal/alarms"
	"bragi/gnss/timescale"
	"bragi/master"
	"bragi/master/udp"
)

// afterFlood is a service some time after n forged requests of a prefix, each of
// which was granted for 1,000 s and starves: it is sent what its credit pays for, and
// then something is held back for ever.
func afterFlood(n int, age time.Duration) udp.Status {
	now := timescale.MonoFromNs(int64(time.Hour))
	s := &master.Snapshot{At: now}
	for i := range n {
		s.Clients = append(s.Clients, master.ClientStatus{Address: netip.AddrFrom4([4]byte{10, 77, 0, byte(i)}), First: now.Add(-age), Last: now.Add(-age), PausedAt: now, Paused: 1})
	}
	s.Suspects = append(s.Suspects, master.Suspect{Address: netip.MustParseAddr("10.77.0.1"), Reason: master.NoCredit, Last: now.Add(-age)},
		master.Suspect{Address: netip.MustParseAddr("10.77.0.2"), Reason: master.ShareTaken, Last: now.Add(-age)})
	return udp.Status{Snapshot: s}
}

// What a flood leaves behind is no alarm: those that it forged are not heard again,
// though their grants go on. While it lasts, the alarms say where it comes from.
func TestTheAlarmsOfAFloodEndWithIt(t *testing.T) {
	for _, c := range []struct {
		age   time.Duration
		stand bool
	}{{time.Second, true}, {29 * time.Second, true}, {31 * time.Second, false}, {10 * time.Minute, false}} {
		s := afterFlood(100, c.age)
		raised := masterTroubles(s)
		for _, code := range []alarms.Code{alarms.ClientStarved, alarms.ClientDenied} {
			i := slices.IndexFunc(raised, func(r alarms.Raised) bool { return r.Code == code })
			if (i >= 0) != c.stand {
				t.Errorf("%v after the flood %s stands: %t", c.age, code, i >= 0)
			}
			if code == alarms.ClientStarved && i >= 0 && !strings.Contains(raised[i].Detail, "100 more; 101 of them are in 10.77.0.0/24 and may be forged") {
				t.Errorf("%s", raised[i].Detail)
			}
		}
		table := tableStatus(s, 1000)
		if short := tableShort(s, table); (short != "") != c.stand || c.stand && !strings.Contains(short, "100 of them may be forged and give way to newcomers: 100 show no life, 0 have proved nothing yet; most of these are in 10.77.0.0/24 (100)") {
			t.Errorf("%v after the flood: %q", c.age, short)
		}
	}
	// A real client of Sync alone starves as long as its grants go on, however seldom it asks.
	for _, age := range []time.Duration{5 * time.Second, 31 * time.Second, 4 * time.Minute} {
		s := afterFlood(1, age)
		if raised := clientTroubles(s); len(raised) != 1 || strings.Contains(raised[0].Detail, "forged") {
			t.Errorf("one client that starves, heard %v ago: %v", age, raised)
		}
		if c := clientStatus(s.At, s.Clients[0]); !c.OutOfCredit {
			t.Errorf("heard %v ago, it has credit", age)
		}
	}
	s := afterFlood(1, time.Second)
	s.Clients[0].PausedAt, s.Suspects = s.At.Add(-11*time.Second), nil
	if raised := clientTroubles(s); len(raised) != 0 || clientStatus(s.At, s.Clients[0]).OutOfCredit {
		t.Errorf("a client that gets all again: %v", raised)
	}
	s.Clients[0].Grants[master.FlowSync] = master.GrantStatus{Live: true, LogInterval: 4}
	if raised := clientTroubles(s); len(raised) != 1 {
		t.Errorf("a client with a message each 16 s, the last held back: %v", raised)
	}
}
