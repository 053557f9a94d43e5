package daemon

import (
	"net/netip"
	"slices"

	"bragi/cmd/internal/config"
	"bragi/cmd/internal/status"
	"bragi/gnss/timescale"
	"bragi/master"
	"bragi/master/udp"
)

// nameClients gives the clients of master.expected their names, and says which of
// them are there, or since when they are not.
func nameClients(s *status.Status, expected []config.Expected, departed map[netip.Addr]gone, now timescale.Mono) {
	s.Master.Expected = make([]status.ExpectedClient, 0, len(expected))
	at, here := make(map[string]int, len(expected)), make([]bool, len(expected))
	for i, e := range expected {
		at[e.Address.String()] = i
		s.Master.Expected = append(s.Master.Expected, status.ExpectedClient{Address: e.Address.String(), Name: e.Name})
	}
	for i := range s.Clients {
		c := &s.Clients[i]
		if k, ok := at[c.Address]; ok {
			e := &s.Master.Expected[k]
			c.Name = e.Name
			e.Present = e.Present || c.Grants.Sync != nil
			here[k] = true
		}
	}
	for i, e := range expected {
		if g, left := departed[e.Address]; left && !here[i] {
			s.Master.Expected[i].GoneS, s.Master.Expected[i].GoneWhy = known(max(0, now.Sub(g.at).Seconds())), g.why
		}
	}
}

// gone is when the last grant of an expected client ended, and how.
type gone struct {
	at  timescale.Mono
	why string
}

// follow notes the end of the grants of expected clients. The caller holds the lock.
func (d *Daemon) follow(e master.Event, name string) {
	if name == "" {
		return
	}
	switch a := e.Client.Address; e.Kind {
	case master.EventCancelled, master.EventExpired, master.EventSentAway, master.EventGaveWay, master.EventReplaced, master.EventUnreachable:
		d.gone[a] = gone{e.At, e.Kind.String()}
	}
}

// absent names the expected clients without a grant for Sync, "" for none.
func absent(expected []config.Expected, service udp.Status) string {
	if len(expected) == 0 || service.Snapshot == nil {
		return ""
	}
	there := map[string]bool{}
	for i := range service.Clients {
		if c := &service.Clients[i]; c.Grants[master.FlowSync].Live {
			there[c.Address.String()] = true
		}
	}
	var names []string
	for _, e := range expected {
		if !there[e.Address.String()] {
			names = append(names, e.Name+", "+e.Address.String())
		}
	}
	slices.Sort(names)
	if len(names) == 0 {
		return ""
	}
	return some(names)
}

// nameOf is the name of an expected client at an address, "" for no such client. The
// caller holds the lock.
func (d *Daemon) nameOf(address string) string {
	for _, e := range d.cfg.Master.Expected {
		if e.Address.String() == address {
			return e.Name
		}
	}
	return ""
}
