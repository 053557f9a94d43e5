package master

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"bragi/gnss/timescale"
	"bragi/holdover/quality"
	"bragi/master/wire"
)

// A squelch sends every client away with CANCEL and grants nothing; a clock that only does
// not serve yet leaves the grants as they are. When the squelch is over, clients come back.
func TestASquelchSendsClientsAway(t *testing.T) {
	for _, squelched := range []bool{true, false} {
		m := newMaster(t, nil)
		served := m.said
		for i := range 8 {
			newPeer(i).subscribe(t, m, start, 300)
		}
		silent := served
		silent.Serve, silent.Squelched = false, squelched
		if squelched {
			silent = quality.Announce(quality.Input{State: quality.HoldoverNoSpec, EverLocked: true, BoundNs: 1e6, Squelch: quality.SquelchOutOfSpec})
			if silent.Serve || !silent.Squelched {
				t.Fatalf("%+v", silent)
			}
		}
		m.SetAnnouncement(silent)
		cancelled := map[netip.Addr]bool{}
		run(t, m, at(time.Second), at(20*time.Second), func(_ timescale.Mono, a answer) {
			for range a.cancel {
				cancelled[a.Dst] = true
			}
			if len(a.cancel) == 0 {
				t.Errorf("%v is sent to %v", a.Header.MessageType, a.Dst)
			}
		})
		if want := map[bool]int{true: 8, false: 0}[squelched]; len(cancelled) != want {
			t.Errorf("squelched %v: %d clients got a CANCEL, want %d", squelched, len(cancelled), want)
		}
		if n := len(m.clients.used); squelched && n != 0 {
			t.Errorf("%d clients are left", n)
		}
		sentAway := 0
		for _, e := range m.TakeEvents(nil) {
			if e.Kind == EventSentAway {
				sentAway++
			}
			if strings.Contains(e.Kind.String(), "drain") {
				t.Errorf("squelched %v: the log tells of a drain: %v", squelched, e)
			}
		}
		if (sentAway > 0) != squelched {
			t.Errorf("squelched %v: %d flows are told as sent away", squelched, sentAway)
		}
		p := newPeer(1)
		p.seq = 100
		for _, a := range say(t, m, at(21*time.Second), p.signaling(t, request(wire.TypeAnnounce, -3, 300))) {
			if len(a.grants) == 1 && a.grants[0].Duration > 0 {
				t.Error("a grant while nothing is served")
			}
		}
		m.SetAnnouncement(served)
		granted := false
		p.seq++
		for _, a := range say(t, m, at(60*time.Second), p.signaling(t, request(wire.TypeAnnounce, -3, 300))) {
			granted = granted || len(a.grants) == 1 && a.grants[0].Duration > 0
		}
		if !granted {
			t.Errorf("squelched %v: no grant when it is over", squelched)
		}
	}
}
