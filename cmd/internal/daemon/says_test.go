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

// What a client tells by itself is shown as far as it is valid, with its source; an
// answer, which is measured from here, goes before it while answers come.
func TestWhatAClientTellsByItselfIsShownWhereNoAnswerIs(t *testing.T) {
	us := wire.ClockIdentity{1}
	key := master.Key{Address: netip.MustParseAddr("10.6.0.2"), Port: wire.PortIdentity{Clock: wire.ClockIdentity{2}, Port: 1}}
	answer := monitor.Answer{At: timescale.MonoFromNs(10e9), Client: key, Outcome: monitor.Measured, OffsetNs: 312, Said: wire.NetSync{Parent: wire.PortIdentity{Clock: us}}}
	silence := monitor.Answer{At: timescale.MonoFromNs(12e9), Client: key, Outcome: monitor.Silent}
	told := master.Computed{At: timescale.MonoFromNs(11e9), Source: wire.PortIdentity{Clock: us, Port: 1},
		Record: wire.SyncComputed{OffsetFromMaster: -0x18000, MeanPathDelay: 3000 << 16, NeighborRateRatio: 1 << 31 / 1000}}
	says := func(valid wire.ComputedFlags, answers ...monitor.Answer) *status.Says {
		d := &Daemon{says: map[master.Key]*says{}}
		for _, a := range answers {
			d.heardSay(a)
		}
		told.Valid = valid
		s := status.Status{Clients: make([]status.Client, 1)}
		saysStatus(&s, d.says, udp.Status{Snapshot: &master.Snapshot{At: timescale.MonoFromNs(14e9), Identity: wire.PortIdentity{Clock: us, Port: 1},
			Clients: []master.ClientStatus{{Address: key.Address, Identity: key.Port, Computed: told}}}})
		return s.Clients[0].Says
	}
	all := says(wire.OffsetFromMasterValid|wire.MeanPathDelayValid|wire.NeighborRateRatioValid, silence)
	if all.Source != status.SourceSlaveEvent || *all.AgeS != 3 || *all.OwnOffsetNs != -1.5 || *all.OwnPathDelayNs != 3000 || !all.FollowsUs || all.OffsetNs != nil || all.Asked != 1 {
		t.Errorf("it tells %+v", all)
	}
	if ppb := *all.NeighborPPB; ppb < 976 || ppb > 977 { // 2^31/1000/2^41
		t.Errorf("its neighbor's rate is %v ppb, want 976.6", ppb)
	}
	if none := says(0); none.OwnOffsetNs != nil || none.OwnPathDelayNs != nil || none.NeighborPPB != nil || none.Source != status.SourceSlaveEvent {
		t.Errorf("of nothing valid it tells %+v", none)
	}
	if asked := says(wire.OffsetFromMasterValid, answer); asked.Source != status.SourceNetSync || *asked.OffsetNs != 312 {
		t.Errorf("while it answers it says %+v", asked)
	}
	if silent := says(wire.OffsetFromMasterValid, answer, silence); silent.Source != status.SourceSlaveEvent || silent.OffsetNs != nil || silent.Answered != 1 {
		t.Errorf("since it answers no more it says %+v", silent)
	}
	told.At = timescale.MonoFromNs(9e9)
	if older := says(wire.OffsetFromMasterValid, answer, silence); older.Source != status.SourceNetSync || !older.Silent {
		t.Errorf("after older data it says %+v", older)
	}
}
