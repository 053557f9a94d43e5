package master

import (
	"net/netip"
	"testing"
	"time"

	"bragi/gnss/timescale"
	"bragi/master/wire"
)

// computedOf is a SLAVE_RX_SYNC_COMPUTED_DATA TLV with a record for each offset in ns.
func computedOf(offsets ...int64) wire.SyncComputedData {
	d := wire.SyncComputedData{Source: wire.PortIdentity{Clock: ourID, Port: 1}, Flags: wire.OffsetFromMasterValid | wire.MeanPathDelayValid}
	for i, ns := range offsets {
		d.Add(wire.SyncComputed{SequenceID: uint16(i), OffsetFromMaster: ns << 16, MeanPathDelay: 3000 << 16})
	}
	return d
}

func monitored(prefixes ...string) func(*Config) {
	return func(c *Config) {
		for _, p := range prefixes {
			c.Monitor = append(c.Monitor, netip.MustParsePrefix(p))
		}
	}
}

// computedNs is what a client tells of its offset; at is zero when nothing is kept.
func computedNs(m *Master, p *peer) (ns int64, at timescale.Mono) {
	for _, c := range m.Snapshot(start).Clients {
		if c.Address == p.addr && c.Identity == p.id {
			return c.Computed.Record.OffsetFromMaster >> 16, c.Computed.At
		}
	}
	return 0, timescale.Mono{}
}

// What a client computed is kept where master.monitor has its address, and only then;
// it is never answered, and is counted as one Signaling message.
func TestWhatAClientComputedIsKeptOnlyOfAMonitoredClient(t *testing.T) {
	type tlv = interface{ Append([]byte) []byte }
	cut := computedOf(1, 2).Append(nil)
	cut = cut[:len(cut)-2]
	cut[3] -= 2
	timing := wire.SyncTimingData{}
	timing.Add(wire.SyncTiming{Ingress: wire.Timestamp{Nanoseconds: 1_000_000_000}})
	events := wire.TxEventData{}
	events.Add(wire.TxEvent{SequenceID: 1})
	nine := make([]tlv, 9)
	for i := range nine {
		nine[i] = computedOf(int64(i))
	}
	for name, c := range map[string]struct {
		monitor  string
		stranger bool
		tlvs     []tlv
		want     int64 // ns; 0: nothing is kept
		why      Reason
	}{
		"one record":                        {"10.7.0.0/24", false, []tlv{computedOf(312)}, 312, Accepted},
		"many records: the last counts":     {"10.7.0.0/24", false, []tlv{computedOf(1, 2, 3, -7)}, -7, Accepted},
		"many TLVs: the last counts":        {"10.7.0.0/24", false, []tlv{computedOf(1), events, computedOf(5)}, 5, Accepted},
		"no record":                         {"10.7.0.0/24", false, []tlv{computedOf()}, 0, Accepted},
		"the other TLVs":                    {"10.7.0.0/24", false, []tlv{wire.SyncTimingData{}, events}, 0, Accepted},
		"more TLVs than have an effect":     {"10.7.0.0/24", false, nine, 7, TooManyTLVs},
		"not monitored":                     {"10.8.0.0/24", false, []tlv{computedOf(312)}, 0, Accepted},
		"cut":                               {"10.7.0.0/24", false, []tlv{computedOf(5), rawTLV(cut)}, 0, BadTLV},
		"cut, not monitored":                {"10.8.0.0/24", false, []tlv{rawTLV(cut)}, 0, Accepted},
		"no head":                           {"10.7.0.0/24", false, []tlv{rawTLV{0x80, 5, 0, 2, 0, 0}}, 0, BadTLV},
		"a stamp of 1e9 ns beside a record": {"10.7.0.0/24", false, []tlv{computedOf(5), timing}, 0, BadTLV},
		"half an event":                     {"10.7.0.0/24", false, []tlv{rawTLV{0x80, 6, 0, 2, 0, 0}}, 0, BadTLV},
		"no client":                         {"10.7.0.0/24", true, []tlv{computedOf(312)}, 0, Accepted},
	} {
		t.Run(name, func(t *testing.T) {
			m, p := newMaster(t, monitored(c.monitor)), newPeer(1)
			if !c.stranger {
				p.subscribe(t, m, start, 300)
			}
			served, before := m.Stats().ClientsServed, received(m, c.why)
			if got := say(t, m, at(time.Second), p.signaling(t, c.tlvs...)); len(got) != 0 {
				t.Errorf("it is answered: %+v", got)
			}
			ns, when := computedNs(m, p)
			if ns != c.want || (c.want != 0) != (when == at(time.Second)) {
				t.Errorf("%d ns are kept of %v, want %d", ns, when, c.want)
			}
			if n := received(m, c.why) - before; n != 1 || m.Stats().ClientsServed != served {
				t.Errorf("%v counts %d more, %d clients", c.why, n, m.Stats().ClientsServed)
			}
		})
	}
}

// A request beside the data is granted as ever, also where the data is a newcomer's, and
// where nobody listens to it. One that comes with damaged data to a listener is not.
func TestARequestBesideSlaveEventsIsGranted(t *testing.T) {
	bad := rawTLV{0x80, 5, 0, 2, 0, 0}
	for name, c := range map[string]struct {
		monitor string
		beside  interface{ Append([]byte) []byte }
		grants  int
		want    int64
	}{
		"monitored":              {"10.7.0.0/24", computedOf(312), 1, 312},
		"not monitored":          {"10.8.0.0/24", computedOf(312), 1, 0},
		"damaged, not monitored": {"10.8.0.0/24", bad, 1, 0},
		"damaged":                {"10.7.0.0/24", bad, 0, 0},
	} {
		m, p := newMaster(t, monitored(c.monitor)), newPeer(1)
		got := say(t, m, start, p.signaling(t, request(wire.TypeSync, -5, 300), c.beside))
		if ns, _ := computedNs(m, p); len(got) != c.grants || ns != c.want {
			t.Errorf("%s: %d grants, %d ns; want %d, %d", name, len(got), ns, c.grants, c.want)
		}
	}
}

// A client that tells 32 times a second is heard at the rate of Signaling, and its
// renewals are granted all the same.
func TestAFloodOfSlaveEventsCostsNoRenewal(t *testing.T) {
	m, p := newMaster(t, monitored("10.7.0.0/24")), newPeer(1)
	p.subscribe(t, m, start, 300)
	now := at(time.Minute)
	const n = 100 * 32
	for i := range n {
		now = now.Add(time.Second / 32)
		say(t, m, now, p.signaling(t, computedOf(int64(i+1))))
		if i%320 == 0 {
			p.subscribe(t, m, now, 300)
		}
	}
	limited := received(m, RateLimited)
	if limited < n/2 {
		t.Errorf("%d of %d messages are over the rate, want most", limited, n)
	}
	if ns, _ := computedNs(m, p); ns < n-100 {
		t.Errorf("the record %d is kept, of %d", ns, n)
	}
}

// A reload that monitors a client no more forgets what it said.
func TestAReloadForgetsWhoIsMonitoredNoMore(t *testing.T) {
	m, p, q := newMaster(t, monitored("10.7.0.0/24")), newPeer(1), newPeer(2)
	for _, x := range []*peer{p, q} {
		x.subscribe(t, m, start, 300)
		say(t, m, at(time.Second), x.signaling(t, computedOf(312)))
	}
	if _, err := reconfigure(t, m, at(2*time.Second), monitored("10.7.0.1/32")); err != nil {
		t.Fatal(err)
	}
	stays, _ := computedNs(m, p)
	if goes, _ := computedNs(m, q); stays != 312 || goes != 0 {
		t.Errorf("after the reload %d and %d ns are kept, want 312 and nothing", stays, goes)
	}
}

func TestSlaveEventsAllocateNothing(t *testing.T) {
	m, p := newMaster(t, monitored("10.7.0.0/24")), newPeer(1)
	p.subscribe(t, m, start, 300)
	d := p.signaling(t, computedOf(1, 2, 3))
	var out Outbox
	now := start
	if n := testing.AllocsPerRun(200, func() {
		now = now.Add(time.Second)
		m.Receive(now, d, &out)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
	if ns, _ := computedNs(m, p); ns != 3 {
		t.Errorf("the path did not run: %d ns", ns)
	}
}
