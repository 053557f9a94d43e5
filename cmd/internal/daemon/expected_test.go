package daemon

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"bragi/cmd/internal/config"
	"bragi/cmd/internal/explain"
	"bragi/cmd/internal/show"
	"bragi/cmd/internal/status"
	"bragi/gnss/timescale"
	"bragi/master"
	"bragi/master/udp"
)

// A client of master.expected has its name on every screen. One that has no grant for
// Sync is missing, whether it is heard or not; one that is expected no longer is not.
func TestAnExpectedClientIsNamedAndMissed(t *testing.T) {
	served, silent, heard := netip.MustParseAddr("10.6.0.12"), netip.MustParseAddr("10.6.0.13"), netip.MustParseAddr("10.6.0.14")
	now := timescale.MonoFromNs(int64(time.Hour))
	snap := &master.Snapshot{At: now, Clients: []master.ClientStatus{{Address: served}, {Address: heard}, {Address: netip.MustParseAddr("10.6.0.99")}}}
	snap.Clients[0].Grants[master.FlowSync].Live = true
	snap.Clients[1].Grants[master.FlowAnnounce].Live = true
	service := udp.Status{Snapshot: snap}
	expected := []config.Expected{{Address: served, Name: "RPD node 12"}, {Address: silent, Name: "RPD node 13"}, {Address: heard, Name: "RPD node 14"}}

	if detail := absent(expected, service); detail != "RPD node 13, 10.6.0.13; 1 more" {
		t.Errorf("missing: %q", detail)
	}
	if detail := absent(expected[:1], service); detail != "" {
		t.Errorf("missing although all are there: %q", detail)
	}
	if detail := absent(expected, udp.Status{}); detail != "" {
		t.Errorf("missing before the service has said who is there: %q", detail)
	}

	var s status.Status
	masterStatus(&s, service)
	nameClients(&s, expected, nil, timescale.Mono{})
	screens := map[string]string{"show clients": show.Clients(s, 200)}
	screens["show client"], _ = show.Client(s, served.String())
	screens["explain client"] = explain.Client(s, served.String()).Text(0)
	for name, text := range screens {
		if !strings.Contains(text, "RPD node 12") {
			t.Errorf("%s has no name: %s", name, text)
		}
	}
	if text := screens["show clients"]; strings.Count(text, "Missing: ") != 2 || !strings.Contains(text, "Missing: RPD node 13, 10.6.0.13 has no Sync") {
		t.Errorf("%s", text)
	}
	if list, err := show.SelectClients(s.Clients, "node 12", ""); err != nil || len(list) != 1 || list[0].Address != served.String() {
		t.Errorf("filtered by name: %+v, %v", list, err)
	}
}

// Of an expected client that has gone every face tells since when, and how; a refusal from
// before it was served is over, and nobody is told of it as a cause.
func TestWhatIsToldOfAClientThatHasGoneIsOfItsLastGrant(t *testing.T) {
	a := netip.MustParseAddr("10.6.0.12")
	now := timescale.MonoFromNs(int64(time.Hour))
	ago := func(d time.Duration) timescale.Mono { return now.Add(-d) }
	refused := func(reason master.Reason, last, served time.Duration) udp.Status {
		s := master.Suspect{Address: a, Reason: reason, Count: 9, First: ago(last), Last: ago(last)}
		if served > 0 {
			s.Served = ago(served)
		}
		snap := &master.Snapshot{At: now, Suspects: []master.Suspect{s}}
		snap.Announcement.Serve, snap.Allow = true, []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}
		return udp.Status{Snapshot: snap}
	}
	for _, c := range []struct {
		name    string
		service udp.Status
		over    bool
	}{
		{"the clock serves since", refused(master.NotServing, 9*time.Minute, 0), true},
		{"the drain is over", refused(master.Draining, time.Minute, 0), true},
		{"served since", refused(master.IntervalTooShort, 9*time.Minute, time.Minute), true},
		{"refused since", refused(master.IntervalTooShort, time.Minute, 9*time.Minute), false},
		{"never served", refused(master.IntervalTooShort, time.Minute, 0), false},
	} {
		var s status.Status
		masterStatus(&s, c.service)
		s.Clock.Serving, s.Clock.State, s.Clock.ClockClass = true, "PHASE_ALIGNED", 6
		nameClients(&s, []config.Expected{{Address: a, Name: "RPD node 12"}}, map[netip.Addr]gone{a: {ago(90 * time.Second), "unreachable"}}, now)
		if got := s.Denied[0].Over; got != c.over {
			t.Errorf("%s: over %t, want %t", c.name, got, c.over)
		}
		why := explain.Client(s, a.String())
		if c.over != strings.Contains(why.Cause, "has gone: its last grant ended 90 s ago (unreachable)") {
			t.Errorf("%s: %s", c.name, why.Cause)
		}
		list := show.Clients(s, 200)
		if !strings.Contains(list, "Missing: RPD node 12, 10.6.0.12 has no Sync for 1m30s (unreachable)") || c.over == strings.Contains(list, "Refused: ") {
			t.Errorf("%s: %s", c.name, list)
		}
	}
}

func TestTheEndOfAGrantIsNotedOfExpectedClientsAlone(t *testing.T) {
	d := &Daemon{gone: map[netip.Addr]gone{}}
	a, b := netip.MustParseAddr("10.6.0.12"), netip.MustParseAddr("10.6.0.13")
	for kind := master.EventClientNew; kind <= master.EventRefused; kind++ {
		d.follow(master.Event{Kind: kind, Client: master.Key{Address: a}}, "RPD node 12")
		d.follow(master.Event{Kind: kind, Client: master.Key{Address: b}}, "")
	}
	if len(d.gone) != 1 || d.gone[a].why != "unreachable" {
		t.Errorf("%+v", d.gone)
	}
}
