package daemon

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"bragi/cmd/internal/alarms"
	"bragi/cmd/internal/status"
	"bragi/gnss/timescale"
	"bragi/master"
	"bragi/master/udp"
	"bragi/master/udp/socket"
)

// What of the service an operator must know: whether what is sent leaves and
// arrives, and who takes the places of clients. All of it is read from the packet
// path's snapshot.

// loss is a service that reaches nobody: why and since when it was last seen so.
// The zero loss is none.
type loss struct {
	why string
	at  timescale.Mono
}

// lossKept is how long a loss stands after the last client has gone with it.
const lossKept = 10 * time.Minute

// next is the loss after another snapshot; missing: our address is no address of
// this machine.
func (l loss) next(s udp.Status, address string, missing bool) loss {
	if missing {
		return loss{fmt.Sprintf("EADDRNOTAVAIL: no interface has %s any more (fix: `ip address add %s/32 dev lo`, or bring its interface up)", address, address), s.At}
	}
	if len(s.Clients) == 0 {
		if l.why != "" && s.At.Sub(l.at) < lossKept && !strings.HasPrefix(l.why, "EADDRNOTAVAIL") {
			return l
		}
		return loss{}
	}
	if slices.ContainsFunc(s.Clients, machineReached) {
		return loss{}
	}
	first := &s.Clients[0]
	why := unreached(first)
	if n := len(s.Clients) - 1; n > 0 {
		why += fmt.Sprintf("; %d more likewise", n)
	}
	return loss{why, s.At}
}

// unreached says why what is sent to a client does not get there, "" while it may.
func unreached(c *master.ClientStatus) string {
	switch {
	case c.Failing:
		return sendTrouble(c.Address, c.SendError)
	case c.Refusal == master.NoNeighbour:
		return sendTrouble(c.Address, unix.EHOSTUNREACH)
	case c.Refusal == master.PortClosed:
		return sendTrouble(c.Address, unix.ECONNREFUSED)
	}
	return ""
}

// machineReached tells that what is sent to a client may get to its machine. One whose
// port is closed has answered: the client is gone, and the way to it is in order.
func machineReached(c master.ClientStatus) bool {
	if c.Failing {
		return errors.Is(c.SendError, unix.ECONNREFUSED)
	}
	return c.Refusal != master.NoNeighbour
}

// sendTrouble is an errno of a send, and what to do.
func sendTrouble(to netip.Addr, err error) string {
	var e unix.Errno
	if !errors.As(err, &e) {
		return fmt.Sprintf("%v: %v", to, err)
	}
	what, fix := err.Error(), "look at `ip route get "+to.String()+"`"
	switch e {
	case unix.EINVAL, unix.EADDRNOTAVAIL:
		what, fix = "our address is no address of this machine", "add it: `ip address add ADDRESS/32 dev lo`"
	case unix.ENETUNREACH:
		what, fix = "there is no route", "is the interface up (`ip link`)? Else look at `ip route get "+to.String()+"` and add the route"
	case unix.EHOSTUNREACH:
		what, fix = "it, or the router to it, does not answer ARP, or a route says unreachable", "look at `ip route get "+to.String()+"`, the cable, the switch, the VLAN and `ip neigh`"
	case unix.EMSGSIZE:
		what, fix = "the message is longer than the MTU", "set the interface's MTU to 1500: `ip link set INTERFACE mtu 1500`"
	case unix.ENODEV, unix.ENXIO, unix.ENETDOWN:
		what, fix = "the interface is down or gone", "bring it up: `ip link set INTERFACE up`"
	case unix.EPERM, unix.EACCES:
		what, fix = "a firewall of this machine forbids it", "look at `nft list ruleset`"
	case unix.EAGAIN, unix.ENOBUFS:
		what, fix = "the queue of the interface is full", "look at `tc -s qdisc` and the interface's speed"
	case unix.ECONNREFUSED:
		what, fix = "nobody listens at its PTP port", "start PTP at the client"
	}
	return fmt.Sprintf("%s to %v: %s (fix: %s)", unix.ErrnoName(e), to, what, fix)
}

// lastSendError is the last message that the system refused to send, in words.
func lastSendError(t udp.Stats) string {
	last := t.Event
	if last.LastAt.Before(t.General.LastAt) {
		last = t.General
	}
	if last.LastError == nil {
		return ""
	}
	return sendTrouble(last.LastFailed, last.LastError)
}

// addressMissing tells whether the address that we serve at is ours no longer.
func addressMissing(a netip.Addr) bool {
	return a.IsValid() && errors.Is(socket.CheckLocal(a), unix.EADDRNOTAVAIL)
}

// unsaidEvery is how often events that were not told are counted for the log.
const unsaidEvery = time.Minute

// tellUnsaid tells how many events of clients were not told since it last did. The
// caller holds the lock.
func (d *Daemon) tellUnsaid(s udp.Status) {
	n := s.Stats.EventsUnsaid - d.unsaid
	if n == 0 || !d.unsaidAt.IsZero() && s.At.Sub(d.unsaidAt) < unsaidEvery {
		return
	}
	d.unsaid, d.unsaidAt = s.Stats.EventsUnsaid, s.At
	d.happened(status.ClientsUnsaid{Events: n, From: s.Stats.UnsaidFrom.String()})
}

// seekAddress looks whether the address that we serve at is still ours.
func (d *Daemon) seekAddress() {
	d.mu.Lock()
	a := d.cfg.Master.Addr()
	d.mu.Unlock()
	missing := addressMissing(a)
	d.mu.Lock()
	d.missing = missing
	d.mu.Unlock()
}

// heardLately is how long ago whom the table has no place for, or who gets less than
// it was granted, was heard: a real one asks again. So what a flood leaves behind is
// no alarm.
const heardLately = 30 * time.Second

// refusalShown is how long a refusal is an alarm whose cause may still be there, though
// nothing more is heard of it: a client that gives up for some minutes comes again.
const refusalShown = 10 * time.Minute

// servedSince is since when each address that was refused once has all that it asked for;
// of one that was served since, and has gone, until when.
func servedSince(s udp.Status) map[netip.Addr]timescale.Mono {
	since := make(map[netip.Addr]timescale.Mono, len(s.Suspects))
	for i := range s.Suspects {
		since[s.Suspects[i].Address] = s.Suspects[i].Served
	}
	for i := range s.Clients {
		c := &s.Clients[i]
		if have, asked := since[c.Address]; asked && have.Before(c.First) {
			since[c.Address] = c.First
		}
	}
	return since
}

// refusalOver tells that a refusal is past, for the alarms and for every face: it is long
// ago, what refused it does not any more, or its client is served since (zero: it is not).
func refusalOver(s udp.Status, x master.Suspect, served timescale.Mono) bool {
	age := s.At.Sub(x.Last)
	if age > refusalShown || age > heardLately && x.Last.Before(served) {
		return true
	}
	switch x.Reason {
	case master.AddressDenied:
		_, unwelcome := s.Unwelcome(x.Address)
		return !unwelcome
	case master.WrongDomain:
		return x.Domain == s.Domain
	case master.WrongTarget:
		return x.Target.Clock == s.Identity.Clock
	case master.NotServing:
		return s.Announcement.Serve
	case master.Draining:
		return !s.Draining
	case master.TableFull, master.ShareTaken, master.OverBudget:
		return age > heardLately
	}
	return false
}

// clientTroubles are the conditions of some clients.
func clientTroubles(s udp.Status) (raised []alarms.Raised) {
	var unreachable []string
	for i := range s.Clients {
		if why := unreached(&s.Clients[i]); why != "" {
			unreachable = append(unreachable, why)
		}
	}
	if len(unreachable) > 0 && slices.ContainsFunc(s.Clients, machineReached) { // else the service is lost
		raised = append(raised, alarms.Raised{Code: alarms.ClientUnreachable, Detail: some(unreachable)})
	}
	if detail := starved(s); detail != "" {
		raised = append(raised, alarms.Raised{Code: alarms.ClientStarved, Detail: detail})
	}
	return raised
}

// outOfCredit tells that something for a client is held back now. Each message of its
// grants is tried when it is due.
func outOfCredit(at timescale.Mono, c *master.ClientStatus) bool {
	const pausedShown = 10 * time.Second
	shown := pausedShown
	for _, g := range c.Grants {
		if g.Live && g.LogInterval > 0 {
			shown = max(shown, 2*time.Second<<min(g.LogInterval, 16))
		}
	}
	return !c.PausedAt.IsZero() && at.Sub(c.PausedAt) < shown
}

// starved names those who get less than they were granted, or nothing, for want of
// credit, and the prefix that a flood of them comes from. Of a flood those that were not
// heard lately are left out: nobody is there. One alone may be a client that only listens.
func starved(s udp.Status) string {
	var names []string
	prefixes, granted := map[netip.Prefix]int{}, map[netip.Prefix]int{}
	add := func(a netip.Addr, id fmt.Stringer) {
		names = append(names, fmt.Sprintf("%v (%v)", a, id))
		prefixes[prefixOf(a)]++
	}
	for i := range s.Clients {
		if c := &s.Clients[i]; outOfCredit(s.At, c) {
			granted[prefixOf(c.Address)]++
		}
	}
	for i := range s.Clients {
		c := &s.Clients[i]
		if outOfCredit(s.At, c) && (granted[prefixOf(c.Address)] < aFlood || s.At.Sub(c.Last) < heardLately) {
			add(c.Address, c.Identity)
		}
	}
	for i := range s.Suspects {
		if x := &s.Suspects[i]; x.Reason == master.NoCredit && s.At.Sub(x.Last) < heardLately {
			add(x.Address, x.Port)
		}
	}
	if len(names) == 0 {
		return ""
	}
	detail := some(names)
	if prefix, n := most1(prefixes, comparePrefixes); n >= aFlood {
		detail += fmt.Sprintf("; %d of them are in %s and may be forged", n, prefix)
	}
	return detail
}

// aFlood is how many clients of one prefix without credit are told as a flood.
const aFlood = 8

func prefixOf(a netip.Addr) netip.Prefix {
	p, _ := a.Prefix(24)
	return p
}

func comparePrefixes(a, b netip.Prefix) int { return a.Addr().Compare(b.Addr()) }

// some names the first of a list, and how many more there are.
func some(list []string) string {
	if len(list) == 1 {
		return list[0]
	}
	return fmt.Sprintf("%s; %d more", list[0], len(list)-1)
}

// tableStatus says who has the places in the table of clients.
func tableStatus(s udp.Status, most int) status.ClientTable {
	t := status.ClientTable{Max: most, Clients: len(s.Clients), GaveWay: s.Stats.GaveWay}
	addresses, prefixes, unproven := map[netip.Addr]int{}, map[netip.Prefix]int{}, map[netip.Prefix]int{}
	for i := range s.Clients {
		c := &s.Clients[i]
		addresses[c.Address]++
		prefixes[prefixOf(c.Address)]++
		switch c.Standing {
		case master.Lifeless:
			t.Lifeless++
			unproven[prefixOf(c.Address)]++
		case master.Unproven:
			t.Unproven++
			unproven[prefixOf(c.Address)]++
		}
	}
	t.Address, t.AddressClients = most1(addresses, netip.Addr.Compare)
	t.Prefix, t.PrefixClients = most1(prefixes, comparePrefixes)
	t.UnprovenPrefix, t.UnprovenPrefixClients = most1(unproven, comparePrefixes)
	return t
}

// most1 is the key with the largest count.
func most1[K interface {
	comparable
	String() string
}](counts map[K]int, order func(a, b K) int) (name string, n int) {
	var best K
	for k, c := range counts {
		if c > n || c == n && order(k, best) < 0 {
			best, n = k, c
		}
	}
	if n == 0 {
		return "", 0
	}
	return best.String(), n
}

// tableShort says who fills the table, "" while there is room for newcomers and
// nobody was turned away for his share.
func tableShort(s udp.Status, t status.ClientTable) string {
	turned := slices.ContainsFunc(s.Suspects, func(x master.Suspect) bool {
		return (x.Reason == master.ShareTaken || x.Reason == master.TableFull) && s.At.Sub(x.Last) < heardLately
	})
	if !turned && t.Clients*10 < t.Max*9 {
		return ""
	}
	detail := fmt.Sprintf("%d of %d places are taken, most by %s (%d) and %s (%d)", t.Clients, t.Max, t.Address, t.AddressClients, t.Prefix, t.PrefixClients)
	if turned && t.Clients < t.Max {
		detail = fmt.Sprintf("newcomers were refused within the last %.0f s; now ", heardLately.Seconds()) + detail
	}
	if n := t.Lifeless + t.Unproven; n > 0 {
		detail += fmt.Sprintf("; %d of them may be forged and give way to newcomers: %d show no life, %d have proved nothing yet; most of these are in %s (%d)",
			n, t.Lifeless, t.Unproven, t.UnprovenPrefix, t.UnprovenPrefixClients)
	}
	return detail
}
