package master

import (
	"maps"
	"math/rand/v2"
	"testing"
	"time"

	"pgregory.net/rapid"

	"bragi/gnss/timescale"
	"bragi/master/wire"
)

// Announce says what it was given and what the standard wants beside it.
func TestAnnounceSaysWhatItWasGiven(t *testing.T) {
	m, p := newMaster(t, func(c *Config) { c.Priority1, c.Priority2, c.Domain = 100, 101, 24 }), newPeer(1)
	d := p.signaling(t, request(wire.TypeAnnounce, -1, 300))
	d.Payload[4] = 24
	if got := say(t, m, start, d); len(got) != 1 || got[0].Domain != 24 {
		t.Fatalf("%+v", got)
	}
	seq := uint16(0)
	run(t, m, start, at(2*time.Second+time.Millisecond), func(_ timescale.Mono, a answer) {
		ann, err := wire.ParseAnnounce(a.Payload)
		if err != nil || len(a.Payload) != wire.AnnounceLen {
			t.Fatal(err)
		}
		want := wire.Announce{
			Header: wire.Header{
				MessageType: wire.TypeAnnounce, Length: 64, Domain: 24, Source: m.Identity(), SequenceID: seq, LogInterval: -1,
				Flags: wire.FlagUnicast | wire.FlagUTCOffsetValid | wire.FlagPTPTimescale | wire.FlagTimeTraceable | wire.FlagFrequencyTraceable,
			},
			CurrentUTCOffset: 37, Priority1: 100, ClockClass: 6, ClockAccuracy: 0x21, OffsetScaledLogVariance: 0x4E5D,
			Priority2: 101, Grandmaster: ourID, TimeSource: 0x20,
		}
		if ann != want {
			t.Errorf("%+v, want %+v", ann, want)
		}
		if a.Event || a.FillOrigin || a.Message.Src != us || a.Dst != p.addr {
			t.Errorf("sent %+v", a.Message)
		}
		seq++
	})
	if seq != 4 {
		t.Errorf("%d Announce in 2 s", seq)
	}
	if p := m.Identity(); p.Clock != ourID || p.Port != 1 {
		t.Errorf("identity %v", p)
	}
}

func TestMessagesHaveTheConfiguredMinorVersion(t *testing.T) {
	for _, minor := range []uint8{0, 1} {
		m, p := newMaster(t, func(c *Config) { c.MinorVersion = minor }), newPeer(1)
		p.subscribe(t, m, start, 300)
		run(t, m, start, at(time.Second), func(_ timescale.Mono, a answer) {
			if a.MinorVersion != minor {
				t.Fatalf("%v has minorVersionPTP %d", a.MessageType, a.MinorVersion)
			}
		})
	}
}

// Sync: one step, unicast, the interval not stated, from the event port, and
// each client has a sequence of its own without a hole.
func TestSyncIsOneStepWithASequenceOfItsOwn(t *testing.T) {
	m := newMaster(t, nil)
	peers := []*peer{newPeer(1), newPeer(2), newPeer(3)}
	for _, p := range peers {
		p.subscribe(t, m, start, 300)
	}
	seq := map[string]uint16{}
	run(t, m, start, at(10*time.Second+time.Millisecond), func(_ timescale.Mono, a answer) {
		if a.MessageType != wire.TypeSync {
			return
		}
		if !a.Event || !a.FillOrigin || a.Flags != wire.FlagUnicast || a.LogInterval != 0x7F || a.Correction != 0 || len(a.Payload) != wire.SyncLen {
			t.Fatalf("%+v", a)
		}
		if k := a.Dst.String(); a.SequenceID != seq[k] {
			t.Fatalf("sequenceId %d to %s, want %d", a.SequenceID, k, seq[k])
		} else {
			seq[k]++
		}
	})
	for _, p := range peers {
		if n := seq[p.addr.String()]; n != 320 {
			t.Errorf("%d Syncs to %v in 10 s", n, p.addr)
		}
	}
}

// A client's Syncs are an interval apart to the nanosecond of the slots, at each
// interval that can be granted; the first comes within one interval.
func TestSyncsAreAnIntervalApart(t *testing.T) {
	for log := int8(-7); log <= 4; log++ {
		m, p := newMaster(t, nil), newPeer(1)
		say(t, m, start, p.signaling(t, request(wire.TypeSync, log, 1000)))
		last, n := timescale.Mono{}, 0
		want := time.Duration(intervalNs(log))
		run(t, m, start, at(20*want+time.Millisecond), func(now timescale.Mono, _ answer) {
			gap := now.Sub(last)
			if last.IsZero() {
				if now.Sub(start) > want+time.Millisecond {
					t.Errorf("2^%d s: the first after %v", log, now.Sub(start))
				}
			} else if gap < want-time.Nanosecond || gap > want+time.Nanosecond {
				t.Errorf("2^%d s: gap of %v", log, gap)
			}
			last = now
			n++
		})
		if n != 20 {
			t.Errorf("2^%d s: %d in twenty intervals", log, n)
		}
	}
}

// New clients take the emptiest phase: the second is half an interval from the
// first, and a thousand are spread evenly.
func TestNewClientsTakeTheEmptiestPhase(t *testing.T) {
	perSlot := func(m *Master, d time.Duration) map[int64]int {
		n := map[int64]int{}
		run(t, m, start, at(d+time.Millisecond/2), func(now timescale.Mono, _ answer) { n[slotAt(now)]++ })
		return n
	}
	sync, announce := request(wire.TypeSync, -5, 300), request(wire.TypeAnnounce, -3, 300)
	m := newMaster(t, nil)
	for i := range 2 {
		say(t, m, start, newPeer(i).signaling(t, sync))
	}
	slots := []int64{}
	for s := range perSlot(m, 31250*time.Microsecond) {
		slots = append(slots, s)
	}
	if len(slots) != 2 || (slots[0]-slots[1]+32)%32 != 16 {
		t.Errorf("two clients in slots %v of 32", slots)
	}
	for _, c := range []struct {
		name        string
		reqs        []interface{ Append([]byte) []byte }
		least, most int
	}{
		{"1000 Syncs in 32 slots", []interface{ Append([]byte) []byte }{sync}, 31, 32},
		{"and 1000 Announces in 128", []interface{ Append([]byte) []byte }{sync, announce}, 38, 41},
	} {
		m := newMaster(t, func(c *Config) { c.MaxClients = 1000 })
		for i := range 1000 {
			say(t, m, start, newPeer(i).signaling(t, c.reqs...))
		}
		slots := perSlot(m, 125*time.Millisecond)
		if len(slots) != 128 {
			t.Errorf("%s: %d slots in use", c.name, len(slots))
		}
		for slot, n := range slots {
			if n < c.least || n > c.most {
				t.Errorf("%s: %d messages in slot %d, want %d to %d", c.name, n, slot, c.least, c.most)
			}
		}
	}
}

// controlField by 1588-2008 (table 23), while that is the version that is sent.
func TestControlFieldIsThatOfTheVersion(t *testing.T) {
	for version, want := range map[uint8]map[wire.MessageType]byte{
		0: {wire.TypeSync: 0, wire.TypeFollowUp: 2, wire.TypeDelayResp: 3, wire.TypeAnnounce: 5, wire.TypeSignaling: 5, wire.TypeManagement: 4, wire.TypePdelayResp: 5},
		1: {wire.TypeSync: 0, wire.TypeFollowUp: 0, wire.TypeDelayResp: 0, wire.TypeAnnounce: 0, wire.TypeSignaling: 0, wire.TypeManagement: 0, wire.TypePdelayResp: 0},
	} {
		m := newMaster(t, func(c *Config) { c.MinorVersion, c.Management, c.Pdelay = version, true, true })
		m.SetTwoStep(true)
		p, seen := newPeer(1), map[wire.MessageType]byte{}
		note := func(_ timescale.Mono, a answer) { seen[a.MessageType] = a.Payload[wire.ControlOffset] }
		get := wire.Management{Header: p.header(), Target: allPort}
		get.TLVs, _ = wire.ParseTLVs(wire.AppendManagementTLV(nil, wire.IDPriority1, nil))
		for _, d := range []Datagram{
			p.signaling(t, request(wire.TypeAnnounce, -3, 300), request(wire.TypeSync, -5, 300), request(wire.TypeDelayResp, -5, 300)),
			p.delayReq(1), p.pdelayReq(1), {Src: p.addr, Dst: us, Payload: get.Append(nil)},
		} {
			for _, a := range say(t, m, start, d) {
				note(start, a)
			}
		}
		run(t, m, start, at(time.Second), func(now timescale.Mono, a answer) {
			note(now, a)
			if a.Token != 0 {
				var out Outbox
				m.FollowUp(now, a.Token, timescale.LocalFromNs(1), timescale.LocalFromNs(2), &out)
				for _, f := range answers(t, &out) {
					note(now, f)
				}
			}
		})
		if !maps.Equal(seen, want) {
			t.Errorf("minorVersionPTP %d: %v, want %v", version, seen, want)
		}
	}
}

// After a stop the master goes on without a burst, and says what it left out.
func TestNoBurstFollowsAStop(t *testing.T) {
	m := newMaster(t, func(c *Config) { c.MaxClients = 320 })
	for i := range 320 {
		say(t, m, start, newPeer(i).signaling(t, request(wire.TypeSync, -5, 300)))
	}
	run(t, m, start, at(time.Second), func(timescale.Mono, answer) {})
	before := m.Stats().Sent[wire.TypeSync]
	var out Outbox
	back := at(3 * time.Second) // two seconds later
	for range 1000 {
		if next, ok := m.Next(); !ok || back.Before(next) {
			break
		}
		m.Tick(back, &out)
	}
	if n := out.Len(); n < 10 || n > (maxCatchUp+1)*10 {
		t.Errorf("%d Syncs at once after two seconds of nothing, want at most %d", n, (maxCatchUp+1)*10)
	}
	s := m.Stats()
	if s.MissedSlots < 1990 || s.MissedSlots > 2060 || s.LatestTick < 10*time.Millisecond {
		t.Errorf("missed %d slots of about 2048, latest %v", s.MissedSlots, s.LatestTick)
	}
	out.Reset()
	run(t, m, back, back.Add(time.Second), func(timescale.Mono, answer) {})
	if n := m.Stats().Sent[wire.TypeSync] - before; n < 320*32 || n > 320*33 {
		t.Errorf("%d Syncs in the stop and the second after it", n)
	}
}

// Nothing is armed when nobody is served, and one client needs no more wakes
// than it has messages, and eight sweeps a second.
func TestNothingIsArmedWhenNobodyIsServed(t *testing.T) {
	m, p := newMaster(t, nil), newPeer(1)
	if _, ok := m.Next(); ok {
		t.Error("a deadline without a client")
	}
	p.subscribe(t, m, start, 300)
	wakes := 0
	var out Outbox
	for {
		next, _ := m.Next()
		if !next.Before(at(10 * time.Second)) {
			break
		}
		m.Tick(next, &out)
		wakes++
	}
	if wakes > 10*(32+8+sweepParts)+1 {
		t.Errorf("%d wakes in 10 s", wakes)
	}
}

// The wheel against a list that is searched from end to end: each flow is due
// in exactly the slots of its phase, whatever was added and removed before.
func TestTheWheelAgreesWithAnExhaustiveList(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const flows = 24
		w := newWheel(flows)
		type entry struct{ period, phase int64 }
		model := map[int32]entry{}
		now := timescale.MonoFromNs(rapid.Int64Range(1, 1<<50).Draw(t, "start"))
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			flow := rapid.Int32Range(0, flows-1).Draw(t, "flow")
			if _, in := model[flow]; in {
				w.remove(flow)
				delete(model, flow)
			} else {
				log := rapid.Int8Range(minLogInterval, maxLogInterval).Draw(t, "log")
				w.add(now, flow, log)
				period := int64(1) << levelOf(log)
				model[flow] = entry{period, int64(w.node[flow]) - period}
			}
			// The next used slot, by both.
			want, any := int64(0), false
			for _, e := range model {
				s := w.cursor + (e.phase-w.cursor%e.period+e.period)%e.period
				if !any || s < want {
					want, any = s, true
				}
			}
			got, ok := w.nextUsed(w.cursor)
			if ok != any || ok && got != want {
				t.Fatalf("next slot %d %v, want %d %v", got, ok, want, any)
			}
			if !ok {
				continue
			}
			now = slotStart(got)
			slot, due := w.due(now)
			if !due || slot != got {
				t.Fatalf("due %d %v, want %d", slot, due, got)
			}
			for l := range numLevels {
				for id := w.head[int64(1)<<l+slot&(1<<l-1)]; id != 0; id = w.next[id-1] {
					e := model[id-1]
					if e.period != 1<<l || slot%e.period != e.phase {
						t.Fatalf("flow %d of %+v in slot %d", id-1, e, slot)
					}
				}
			}
		}
		for flow := range model {
			w.remove(flow)
		}
		for node, load := range w.load {
			if load != 0 || w.head[node] != 0 {
				t.Fatalf("node %d keeps load %d", node, load)
			}
		}
		if w.total != 0 {
			t.Fatalf("%d flows left", w.total)
		}
	})
}

// The phase chosen is one that no other phase has less in, counted by hand.
func TestTheChosenPhaseIsTheEmptiest(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	const flows = 300
	w := newWheel(flows)
	logs := map[int32]int8{}
	for i := range 2000 {
		flow := int32(r.IntN(flows))
		if _, in := logs[flow]; in {
			w.remove(flow)
			delete(logs, flow)
			continue
		}
		log := int8(r.IntN(6)) - 7 // -7..-2: the periods that are searched
		period := int64(1) << levelOf(log)
		// load[s]: messages in 256 slots that meet phase s.
		load := make([]int, period)
		for f, l := range logs {
			p := int64(1) << levelOf(l)
			for s := range int64(256) {
				if s%p == int64(w.node[f])-p {
					load[s%period]++
				}
			}
		}
		w.add(start, flow, log)
		logs[flow] = log
		got := load[int64(w.node[flow])-period]
		for s, n := range load {
			if n < got {
				t.Fatalf("step %d: a flow of period %d went where %d messages leave, phase %d has %d", i, period, got, s, n)
			}
		}
	}
}

func TestSlotsBeginAtTheirNanosecond(t *testing.T) {
	for _, slot := range []int64{0, 1, 2, 1023, 1024, 1 << 40, 1<<41 + 1} {
		at := slotStart(slot)
		if slotAt(at) != slot || slot > 0 && slotAt(at.Add(-1)) != slot-1 {
			t.Errorf("slot %d starts at %d, which is in slot %d", slot, at.Ns(), slotAt(at))
		}
	}
	if d := slotStart(1024).Ns(); d != int64(time.Second) {
		t.Errorf("1024 slots are %d ns", d)
	}
}
