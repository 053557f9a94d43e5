package master

import (
	"testing"
	"time"

	"bragi/master/wire"
)

// One Sync or Announce of the schedule, with 1,000 clients.
func BenchmarkTick(b *testing.B) {
	m := newMaster(b, func(c *Config) { c.MaxClients = 1000 })
	for i := range 1000 {
		var out Outbox
		m.Receive(start, newPeer(i).signaling(b, request(wire.TypeAnnounce, -3, 1000), request(wire.TypeSync, -5, 1000)), &out)
	}
	var out Outbox
	b.ReportAllocs()
	for n := 0; n < b.N; {
		now, ok := m.Next()
		if !ok {
			b.Fatal("the grants ran out")
		}
		if now.Sub(start) > 900*time.Second {
			b.StopTimer()
			for i := range 1000 {
				m.Receive(now, newPeer(i).signaling(b, request(wire.TypeAnnounce, -3, 1000), request(wire.TypeSync, -5, 1000)), &out)
			}
			b.StartTimer()
		}
		m.Tick(now, &out)
		n += out.Len()
		out.Reset()
	}
}

// One Delay_Req to its Delay_Resp.
func BenchmarkDelayReq(b *testing.B) {
	m := newMaster(b, nil)
	p := newPeer(1)
	var out Outbox
	m.Receive(start, p.signaling(b, request(wire.TypeDelayResp, -7, 1000)), &out)
	d := p.delayReq(1)
	b.ReportAllocs()
	for i := range b.N {
		m.Receive(at(time.Duration(i)*time.Nanosecond), d, &out)
		out.Reset()
	}
}

// A part of a snapshot of 1,000 clients: so long a question holds up the schedule.
func BenchmarkSnapshotPart(b *testing.B) {
	m := newMaster(b, func(c *Config) { c.MaxClients = 1000 })
	var out Outbox
	for i := range 1000 {
		m.Receive(start, newPeer(i).signaling(b, request(wire.TypeAnnounce, -3, 1000), request(wire.TypeSync, -5, 1000)), &out)
	}
	list, next := make([]ClientStatus, 0, 1000), 0
	b.ReportAllocs()
	for b.Loop() {
		if next == 0 {
			list = list[:0]
		}
		list, next = m.AppendClients(list, start, next)
	}
}
