package master

import (
	"net/netip"
	"testing"

	"bragi/master/wire"
)

// The parts of a snapshot have each client once who stays, whoever goes and comes
// between them, and no part is longer than it may be.
func TestSnapshotInPartsHasEveryoneWhoStaysOnce(t *testing.T) {
	const clients = 3*partClients + 7
	m := newMaster(t, func(c *Config) { c.MaxClients = 2 * partRows })
	subscribe := func(i int) {
		say(t, m, start, newPeer(i).signaling(t, request(wire.TypeSync, -5, 300)))
	}
	for i := range clients {
		subscribe(i)
	}
	list, next := make([]ClientStatus, 0, clients+8), 0
	for part := 0; part == 0 || next != 0; part++ {
		before := len(list)
		list, next = m.AppendClients(list, start, next)
		if n := len(list) - before; n > partClients {
			t.Errorf("part %d has %d clients, want %d at most", part, n, partClients)
		}
		if part == 0 { // one that was seen goes, one that was not, and another comes
			say(t, m, start, newPeer(0).signaling(t, wire.UnicastCancel{MessageType: wire.TypeSync}))
			say(t, m, start, newPeer(clients-1).signaling(t, wire.UnicastCancel{MessageType: wire.TypeSync}))
			subscribe(clients)
		}
	}
	seen := map[netip.Addr]int{}
	for _, c := range list {
		seen[c.Address]++
	}
	for i := 1; i < clients-1; i++ {
		if n := seen[newPeer(i).addr]; n != 1 {
			t.Errorf("client %d is %d times in the list", i, n)
		}
	}
	if got, _ := m.AppendClients(make([]ClientStatus, 0, 5), start, 0); len(got) != 5 {
		t.Errorf("%d clients where there is room for 5", len(got))
	}
}

func TestSnapshotPartDoesNotAllocate(t *testing.T) {
	m := newMaster(t, nil)
	say(t, m, start, newPeer(1).signaling(t, request(wire.TypeSync, -5, 300)))
	list := make([]ClientStatus, 0, 4)
	if n := testing.AllocsPerRun(100, func() { m.AppendClients(list[:0], start, 0) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
