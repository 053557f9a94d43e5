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
	nameClients(&s, expected)
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
