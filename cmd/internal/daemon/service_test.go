package daemon

import (
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"bragi/cmd/internal/alarms"
	"bragi/gnss/timescale"
	"bragi/master"
	"bragi/master/udp"
	"bragi/master/wire"
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

// A refusal is an alarm as long as what refused it stands. It names what that is.
func TestARefusalIsAnAlarmOnlyAsLongAsItsCauseStands(t *testing.T) {
	now := timescale.MonoFromNs(int64(time.Hour))
	address := netip.MustParseAddr("10.1.2.3")
	prefixes := func(list ...string) (p []netip.Prefix) {
		for _, text := range list {
			p = append(p, netip.MustParsePrefix(text))
		}
		return p
	}
	served := func(s *master.Snapshot) {
		s.Clients = []master.ClientStatus{{Address: address, First: now.Add(-35 * time.Second), Last: now}}
	}
	theirs := wire.PortIdentity{Clock: wire.ClockIdentity{7}, Port: 1}
	for name, c := range map[string]struct {
		refused master.Suspect
		code    alarms.Code
		detail  string
		before  func(*master.Snapshot)
		ended   []func(*master.Snapshot)
	}{
		"denied": {master.Suspect{Reason: master.AddressDenied}, alarms.ClientDenied, `; master.deny has "10.1.2.0/24"`,
			func(s *master.Snapshot) { s.Deny = prefixes("10.9.0.0/16", "10.1.2.0/24") },
			[]func(*master.Snapshot){func(s *master.Snapshot) { s.Deny = nil }, func(s *master.Snapshot) { s.Deny = prefixes("10.1.2.0/32") }}},
		"denied, and allowed": {master.Suspect{Reason: master.AddressDenied}, alarms.ClientDenied, `; master.deny has "10.1.2.3/32"`,
			func(s *master.Snapshot) { s.Allow, s.Deny = prefixes("10.0.0.0/8"), prefixes("10.1.2.3/32") },
			[]func(*master.Snapshot){func(s *master.Snapshot) { s.Deny = nil }}},
		"not allowed": {master.Suspect{Reason: master.AddressDenied}, alarms.ClientDenied, `; master.allow lacks "10.1.2.3/32"`,
			func(s *master.Snapshot) { s.Allow, s.Deny = prefixes("10.9.0.0/16"), prefixes("10.2.0.0/16") },
			[]func(*master.Snapshot){func(s *master.Snapshot) { s.Allow = nil }, func(s *master.Snapshot) { s.Allow = prefixes("10.1.0.0/16") }}},
		"in another domain": {master.Suspect{Reason: master.WrongDomain, Domain: 44}, alarms.WrongDomain, "domain 44", func(*master.Snapshot) {},
			[]func(*master.Snapshot){served, func(s *master.Snapshot) { s.Domain = 44 }}},
		"asks for another clock": {master.Suspect{Reason: master.WrongTarget, Type: wire.TypeSignaling, Target: theirs}, alarms.ForeignTarget, "asks for", func(*master.Snapshot) {},
			[]func(*master.Snapshot){served, func(s *master.Snapshot) { s.Identity = theirs }}},
		"without a stamp": {master.Suspect{Reason: master.NoStamp}, alarms.ClientDenied, "stamp", func(*master.Snapshot) {}, []func(*master.Snapshot){served}},
	} {
		c.refused.Address, c.refused.Count, c.refused.Last = address, 3, now.Add(-40*time.Second)
		s := &master.Snapshot{At: now, Suspects: []master.Suspect{c.refused}, Clients: []master.ClientStatus{{Address: address, First: now.Add(-time.Hour)}}}
		c.before(s)
		raised := masterTroubles(udp.Status{Snapshot: s})
		if len(raised) != 1 || raised[0].Code != c.code || !strings.Contains(raised[0].Detail, c.detail) {
			t.Errorf("%s: %v, want %s with %q", name, raised, c.code, c.detail)
		}
		for i, end := range c.ended {
			after := *s
			end(&after)
			if raised := masterTroubles(udp.Status{Snapshot: &after}); len(raised) != 0 {
				t.Errorf("%s, and then not (%d): %v", name, i, raised)
			}
		}
	}
}

// A client that is gone from its machine is unreachable, and no loss of service: the
// machine answered, so the way to it is in order. What keeps everything from leaving, or
// from every machine, is one.
func TestAClientThatWentAwayIsNoLossOfService(t *testing.T) {
	now := timescale.MonoFromNs(int64(time.Hour))
	client := func(change func(*master.ClientStatus)) master.ClientStatus {
		c := master.ClientStatus{Address: netip.MustParseAddr("10.1.2.3")}
		change(&c)
		return c
	}
	reached := client(func(*master.ClientStatus) {})
	gone := client(func(c *master.ClientStatus) { c.Refusal = master.PortClosed })
	refused := client(func(c *master.ClientStatus) { c.Failing, c.SendError = true, unix.ECONNREFUSED })
	mute := client(func(c *master.ClientStatus) { c.Refusal = master.NoNeighbour })
	stuck := client(func(c *master.ClientStatus) { c.Failing, c.SendError = true, unix.ENETUNREACH })
	both := client(func(c *master.ClientStatus) { c.Failing, c.SendError, c.Refusal = true, unix.EPERM, master.PortClosed })
	for name, c := range map[string]struct {
		clients           []master.ClientStatus
		lost, unreachable bool
	}{
		"one that is served":                      {[]master.ClientStatus{reached}, false, false},
		"one whose port is closed":                {[]master.ClientStatus{gone}, false, true},
		"one whose port is closed, by the send":   {[]master.ClientStatus{refused}, false, true},
		"two whose ports are closed":              {[]master.ClientStatus{gone, gone}, false, true},
		"one that is gone, one without an answer": {[]master.ClientStatus{gone, mute}, false, true},
		"one that is gone, one that is served":    {[]master.ClientStatus{gone, reached}, false, true},
		"all without an answer to ARP":            {[]master.ClientStatus{mute}, true, false},
		"no route":                                {[]master.ClientStatus{stuck, stuck}, true, false},
		"a firewall since the port was closed":    {[]master.ClientStatus{both}, true, false},
	} {
		s := udp.Status{Snapshot: &master.Snapshot{At: now, Clients: c.clients}}
		unreachable := slices.ContainsFunc(clientTroubles(s), func(r alarms.Raised) bool { return r.Code == alarms.ClientUnreachable })
		if l := (loss{}).next(s, "10.0.0.1", false); (l.why != "") != c.lost || unreachable != c.unreachable {
			t.Errorf("%s: lost %q, CLIENT_UNREACHABLE %t", name, l.why, unreachable)
		}
	}
}
