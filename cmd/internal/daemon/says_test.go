package daemon

import (
	"net/netip"
	"testing"

	"bragi/cmd/internal/config"
	"bragi/cmd/internal/status"
	"bragi/gnss/timescale"
	"bragi/master"
	"bragi/master/monitor"
	"bragi/master/udp"
	"bragi/master/wire"
)

// What a client said is that client's alone, outlives a silence, and is forgotten with
// it, or when it is asked no more.
func TestWhatAClientSaidIsKeptWhileItIsAClient(t *testing.T) {
	us := wire.ClockIdentity{1}
	here := netip.MustParseAddr("10.6.0.2")
	one, two := wire.PortIdentity{Clock: wire.ClockIdentity{2}, Port: 1}, wire.PortIdentity{Clock: wire.ClockIdentity{3}, Port: 1}
	d := &Daemon{cfg: &config.Config{Master: config.Master{Monitor: []netip.Prefix{netip.MustParsePrefix("10.6.0.0/24")}}}, says: map[master.Key]*says{}}
	d.service = udp.Status{Snapshot: &master.Snapshot{At: timescale.MonoFromNs(12e9), Identity: wire.PortIdentity{Clock: us, Port: 1},
		Clients: []master.ClientStatus{{Address: here, Identity: one}, {Address: here, Identity: two}}}}
	said := wire.NetSync{State: wire.PortSlave, Parent: wire.PortIdentity{Clock: us, Port: 1}, ClockClass: 6, OffsetFromMaster: 100 << 16, MeanPathDelay: 2000 << 16}
	d.heardSay(monitor.Answer{At: timescale.MonoFromNs(10e9), Client: master.Key{Address: here, Port: one}, Outcome: monitor.Measured, OffsetNs: 312, DelayNs: 2100, Said: said})
	d.heardSay(monitor.Answer{At: timescale.MonoFromNs(11e9), Client: master.Key{Address: here, Port: one}, Outcome: monitor.Silent})
	d.forgetSaid()
	s := status.Status{Clients: make([]status.Client, 2)}
	saysStatus(&s, d.says, d.service)
	got := s.Clients[0].Says
	if got == nil || *got.OffsetNs != 312 || *got.OwnOffsetNs != 100 || *got.PathDelayNs != 2100 || *got.OwnPathDelayNs != 2000 || *got.AgeS != 2 || !got.FollowsUs || !got.Silent || got.Asked != 2 || got.Answered != 1 {
		t.Errorf("it says %+v", got)
	}
	if s.Clients[1].Says != nil {
		t.Errorf("another clock at its address says %+v", s.Clients[1].Says)
	}
	d.cfg.Master.Monitor = nil
	if d.forgetSaid(); len(d.says) != 0 {
		t.Error("one that is asked no more is remembered")
	}
}
