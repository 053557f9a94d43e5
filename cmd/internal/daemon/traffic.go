package daemon

import (
	"slices"

	"bragi/cmd/internal/status"
	"bragi/holdover/stability"
	"bragi/master"
	"bragi/master/udp"
	"bragi/master/wire"
)

// Latest is the Status for who asks often: the packets' thread is not asked anew, so
// that what it counts is up to a second old.
func (d *Daemon) Latest() status.Status { return d.latest() }

// kinds are all that a client may be taken for.
var kinds = []string{"cBR8", "RPD", "ptp4l", "other"}

// trafficStatus fills in what was counted at the packets' thread.
func trafficStatus(m *status.Master, service udp.Status) {
	snap, transport := service.Snapshot, service.Transport
	m.Traffic = status.Traffic{Received: []status.ReceivedCount{}, Requests: []status.RequestCount{}, Sent: map[string]uint64{}}
	if snap == nil {
		return
	}
	m.Priority1, m.Priority2, m.PromisedRate = &snap.Priority1, &snap.Priority2, &snap.Stats.PromisedRate
	t := &m.Traffic
	t.Dropped = uint64(transport.DroppedEvent) + uint64(transport.DroppedGeneral) + uint64(transport.DroppedGroup)
	t.Busy, t.Failed = transport.Event.Busy+transport.General.Busy, transport.Event.Failed+transport.General.Failed
	t.Paused = snap.Stats.Paused
	for _, n := range snap.Stats.Undelivered {
		t.Undelivered += n
	}
	for kind, n := range snap.Stats.Sent {
		if n > 0 {
			t.Sent[messageType(kind)] += n
		}
	}
	for kind, byReason := range snap.Stats.Received {
		for reason, byAnswer := range byReason {
			for answered, n := range byAnswer {
				t.Received = counted(t.Received, status.ReceivedCount{Type: messageType(kind), Reason: master.Reason(reason).String(), Answered: answered == 1, N: n})
			}
		}
	}
	for kind, byReason := range snap.Stats.Requests {
		for reason, n := range byReason {
			if n > 0 {
				t.Requests = append(t.Requests, status.RequestCount{Message: messageType(kind), Reason: master.Reason(reason).String(), N: n})
			}
		}
	}
	m.Sessions = map[string]int{}
	for _, kind := range kinds {
		m.Sessions[kind] = 0
	}
	for _, c := range snap.Clients {
		m.Sessions[c.Kind]++
	}
}

// counted adds a count to a list. The reserved types share one name.
func counted(list []status.ReceivedCount, c status.ReceivedCount) []status.ReceivedCount {
	if c.N == 0 {
		return list
	}
	if i := slices.IndexFunc(list, func(x status.ReceivedCount) bool {
		return x.Type == c.Type && x.Reason == c.Reason && x.Answered == c.Answered
	}); i >= 0 {
		list[i].N += c.N
		return list
	}
	return append(list, c)
}

// messageType names a row of the master's counters.
func messageType(row int) string {
	if row > 15 {
		return "unreadable"
	}
	return wire.MessageType(row).String()
}

// clientTraffic fills in what a client was sent, and what came from it.
func clientTraffic(out *status.Client, c master.ClientStatus) {
	out.Received = c.Signaling + c.DelayReq
	for _, g := range c.Grants {
		out.Sent += g.Sent
	}
}

// distribution is a histogram as the faces show it.
func distribution(h stability.Histogram) status.Histogram {
	limits, counts := h.Buckets()
	return status.Histogram{UpToNs: limits, Counts: counts, SumNs: h.SumNs()}
}
