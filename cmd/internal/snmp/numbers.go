package snmp

import (
	"slices"

	"bragi/cmd/internal/status"
)

// numbers gives each client a number that it keeps while it is a client, from 1 on:
// the index of a row must not move to another client between two questions.
type numbers struct {
	given map[key]uint32
	taken map[uint32]bool
}

type key struct{ address, identity string }

// numbersMost is the highest number (ptpbaseClockPortAssociatePortIndex).
const numbersMost = 65535

func keyOf(c *status.Client) key { return key{c.Address, c.Identity} }

// assign takes all clients that there are now. Newcomers get the lowest free numbers,
// in the order of their addresses.
func (n *numbers) assign(clients []status.Client) {
	there := make(map[key]bool, len(clients))
	var fresh []key
	for i := range clients {
		k := keyOf(&clients[i])
		there[k] = true
		if _, known := n.given[k]; !known {
			fresh = append(fresh, k)
		}
	}
	for k, number := range n.given {
		if !there[k] {
			delete(n.given, k)
			delete(n.taken, number)
		}
	}
	if n.given == nil {
		n.given, n.taken = map[key]uint32{}, map[uint32]bool{}
	}
	slices.SortFunc(fresh, func(a, b key) int { return comesBefore(a.address, a.identity, b.address, b.identity) })
	next := uint32(1)
	for _, k := range fresh {
		for n.taken[next] {
			next++
		}
		if next > numbersMost {
			return
		}
		n.given[k], n.taken[next] = next, true
	}
}

func (n *numbers) of(c *status.Client) (uint32, bool) {
	number, ok := n.given[keyOf(c)]
	return number, ok
}
