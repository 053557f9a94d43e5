package master

import (
	"errors"
	"net/netip"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"bragi/gnss/timescale"
	"bragi/master/wire"
)

// restarted is a master that goes on at now with what m exported at saved.
func restarted(t testing.TB, m *Master, saved, now timescale.Mono, change func(*Config)) (*Master, Imported) {
	t.Helper()
	var s Saved
	m.Export(saved, &s)
	next := newMaster(t, change)
	done, err := next.Import(now, &s)
	if err != nil {
		t.Fatal(err)
	}
	return next, done
}

// sent is what one client got of one type.
type sent struct {
	at  timescale.Mono
	seq uint16
}

func collect(into map[netip.Addr]map[wire.MessageType][]sent) func(timescale.Mono, answer) {
	return func(now timescale.Mono, a answer) {
		if into[a.Dst] == nil {
			into[a.Dst] = map[wire.MessageType][]sent{}
		}
		into[a.Dst][a.MessageType] = append(into[a.Dst][a.MessageType], sent{now, a.SequenceID})
	}
}

func TestSyncsGoOnInStepAfterARestart(t *testing.T) {
	const clients = 16
	for _, c := range []struct {
		name      string
		age, dark time.Duration // of the file at the end of service; from there to the new one
	}{
		{"a clean end", 0, 300 * time.Millisecond},
		{"killed with a file of 5 s", 5 * time.Second, 300 * time.Millisecond},
		{"a long night", 0, 200 * time.Second},
	} {
		m := newMaster(t, nil)
		for i := range clients {
			newPeer(i).subscribe(t, m, at(time.Duration(i)*time.Millisecond), 300)
		}
		got := map[netip.Addr]map[wire.MessageType][]sent{}
		saved, end := at(10*time.Second), at(10*time.Second+c.age)
		run(t, m, at(20*time.Millisecond), at(100*time.Millisecond), func(timescale.Mono, answer) {}) // catches up
		run(t, m, at(100*time.Millisecond), saved, collect(got))
		var s Saved
		m.Export(saved, &s)
		run(t, m, saved, end, collect(got))
		begin := end.Add(c.dark)
		next := newMaster(t, nil)
		if done, err := next.Import(begin, &s); err != nil || done != (Imported{Clients: clients}) {
			t.Fatalf("%s: %+v, %v", c.name, done, err)
		}
		if next.promised != m.promised {
			t.Errorf("%s: %v messages a second are promised, want %v", c.name, next.promised, m.promised)
		}
		run(t, next, begin, begin.Add(5*time.Second), collect(got))
		for client, byType := range got {
			for typ, interval := range map[wire.MessageType]time.Duration{wire.TypeSync: time.Second / 32, wire.TypeAnnounce: time.Second / 8} {
				list := byType[typ]
				for i := 1; i < len(list); i++ {
					gap := list[i].at.Sub(list[i-1].at)
					if rest := (gap + interval/2) % interval; rest < interval/2-time.Millisecond || rest > interval/2+time.Millisecond {
						t.Fatalf("%s: %v to %v after %v, which is out of step with %v", c.name, typ, client, gap, interval)
					}
					if gap > c.dark+2*interval {
						t.Fatalf("%s: %v to %v is silent for %v", c.name, typ, client, gap)
					}
					if ahead := int16(list[i].seq - list[i-1].seq); ahead < 1 && c.dark < time.Minute {
						t.Fatalf("%s: sequenceId of %v to %v goes from %d to %d", c.name, typ, client, list[i-1].seq, list[i].seq)
					}
				}
				if n := len(list); n == 0 || begin.Add(4*time.Second).Sub(list[n-1].at) > 0 {
					t.Fatalf("%s: no %v to %v after the restart", c.name, typ, client)
				}
			}
		}
		if g := next.Stats().AnnounceGap; g.Max < c.dark || g.Max > c.age+c.dark+time.Second/4 {
			t.Errorf("%s: an Announce gap of %v is measured, the service was away for %v", c.name, g.Max, c.dark)
		}
	}
}

func TestARestartedClientIsWhoItWas(t *testing.T) {
	m := newMaster(t, nil)
	p := newPeer(1)
	p.subscribe(t, m, at(0), 300)
	for i := range 40 {
		say(t, m, at(time.Duration(i)*time.Second/32), p.delayReq(1e18))
	}
	before := m.Snapshot(at(2 * time.Second)).Clients
	next, _ := restarted(t, m, at(2*time.Second), at(2*time.Second), nil)
	if d := cmp.Diff(before, next.Snapshot(at(2*time.Second)).Clients, cmp.AllowUnexported(timescale.Mono{}), cmp.Comparer(func(a, b netip.Addr) bool { return a == b })); d != "" {
		t.Errorf("a client changed over the restart (-before +after):\n%s", d)
	}
	// Its Delay_Req is answered at once, its renewal is one, and its silence counts.
	if got := say(t, next, at(3*time.Second), p.delayReq(1e18)); len(got) != 1 || got[0].MessageType != wire.TypeDelayResp {
		t.Errorf("its Delay_Req is answered by %d messages", len(got))
	}
	p.subscribe(t, next, at(4*time.Second), 300)
	if s := next.Stats(); s.ClientsServed != 1 || s.Renewals != 3 {
		t.Errorf("its requests renewed %d grants of %d clients, want 3 of 1", s.Renewals, s.ClientsServed)
	}
	run(t, next, at(4*time.Second), at(400*time.Second), func(timescale.Mono, answer) {})
	if n := next.Stats().ClientsServed; n != 0 {
		t.Errorf("%d clients are left after their grants ended", n)
	}
}

func TestImportTakesOnlyWhatStillHolds(t *testing.T) {
	m := newMaster(t, nil)
	for i := range 4 {
		newPeer(i).subscribe(t, m, at(0), 100+100*uint32(i))
	}
	for _, c := range []struct {
		name   string
		now    time.Duration
		change func(*Config)
		want   Imported
	}{
		{"all", time.Second, nil, Imported{Clients: 4}},
		{"grants that have ended", 250 * time.Second, nil, Imported{Clients: 2, Expired: 2}},
		{"all ended", time.Hour, nil, Imported{Expired: 4}},
		{"an address denied since", time.Second, func(c *Config) { c.Deny = []netip.Prefix{netip.MustParsePrefix("10.7.0.2/32")} }, Imported{Clients: 3, Refused: 1}},
		{"fewer clients allowed", time.Second, func(c *Config) { c.MaxClients = 3 }, Imported{Clients: 3, Refused: 1}},
		{"slower Sync alone allowed", time.Second, func(c *Config) { c.Limits[FlowSync] = Limits{-4, 4} }, Imported{Clients: 4}},
		{"grants longer than allowed now", time.Second, func(c *Config) { c.MaxDuration = 150 }, Imported{Clients: 1, Expired: 3}},
	} {
		_, done := restarted(t, m, at(time.Second), at(c.now), c.change)
		if done != c.want {
			t.Errorf("%s: %+v, want %+v", c.name, done, c.want)
		}
	}
}

func TestImportRefusesWhatIsNotItsOwn(t *testing.T) {
	m := newMaster(t, nil)
	newPeer(1).subscribe(t, m, at(0), 300)
	var s Saved
	m.Export(at(time.Second), &s)
	for _, c := range []struct {
		name   string
		now    time.Duration
		change func(*Config)
		want   error
	}{
		{"another identity", time.Second, func(c *Config) { c.Identity[7]++ }, ErrOtherIdentity},
		{"another domain", time.Second, func(c *Config) { c.Domain = 24 }, ErrOtherIdentity},
		{"saved after now", 0, nil, ErrFromFuture},
	} {
		next := newMaster(t, c.change)
		if _, err := next.Import(at(c.now), &s); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", c.name, err, c.want)
		}
		if n := next.Stats().ClientsServed; n != 0 {
			t.Errorf("%s: %d clients all the same", c.name, n)
		}
	}
	if _, err := m.Import(at(time.Second), &s); !errors.Is(err, ErrNotEmpty) {
		t.Errorf("into a master with clients: %v", err)
	}
	// Numbers that cannot be.
	s.Clients = append(s.Clients, s.Clients[0], s.Clients[0], s.Clients[0])
	s.Clients[0].phases[FlowSync] = 40_000
	s.Clients[0].grants[FlowAnnounce].log = 99
	s.Clients[0].grants[FlowDelayResp].log = -99
	s.Clients[1].key.Address = netip.IPv6Loopback()
	s.Clients[2].key.Address = netip.Addr{}
	next := newMaster(t, nil)
	if done, err := next.Import(at(time.Second), &s); err != nil || done != (Imported{Clients: 1, Expired: 1, Refused: 2}) {
		t.Errorf("%+v, %v: want the one client that can be", done, err)
	}
}

// An address that is not trusted does not get a new allowance by our restart.
func TestCreditOutlivesARestart(t *testing.T) {
	strangers := func(c *Config) { c.Trusted = []netip.Prefix{} }
	m := newMaster(t, strangers)
	p := newPeer(1)
	p.subscribe(t, m, at(0), 300)
	paid := 0
	count := func(_ timescale.Mono, a answer) { paid += len(a.Payload) }
	run(t, m, at(0), at(60*time.Second), count)
	next, done := restarted(t, m, at(60*time.Second), at(61*time.Second), strangers)
	if done.Clients != 1 {
		t.Fatalf("%+v", done)
	}
	run(t, next, at(61*time.Second), at(120*time.Second), count)
	if paid > CreditStart {
		t.Errorf("%d bytes went to one who sent next to nothing, want at most %d", paid, CreditStart)
	}
}

func TestAnnounceGapCountsServiceAlone(t *testing.T) {
	m := newMaster(t, nil)
	newPeer(1).subscribe(t, m, at(0), 300)
	nothing := func(timescale.Mono, answer) {}
	run(t, m, at(0), at(5*time.Second), nothing)
	if g := m.Stats().AnnounceGap; g.Max > 126*time.Millisecond || g.Max < 124*time.Millisecond || g.Long != 0 {
		t.Errorf("in peace the gap is %+v, want 125 ms", g)
	}
	silent := locked
	silent.Serve = false
	m.SetAnnouncement(silent)
	run(t, m, at(5*time.Second), at(10*time.Second), nothing)
	m.SetAnnouncement(locked)
	run(t, m, at(10*time.Second), at(15*time.Second), nothing)
	if g := m.Stats().AnnounceGap; g.Max > 126*time.Millisecond {
		t.Errorf("a silence that was ordered counts as a gap of %v", g.Max)
	}
	run(t, m, at(16500*time.Millisecond), at(40*time.Second), nothing) // a stall of 1.5 s
	if g := m.Stats().AnnounceGap; g.Max < 1500*time.Millisecond || g.Max > 1750*time.Millisecond || g.Long != 1 || g.Last > 126*time.Millisecond {
		t.Errorf("after a stall of 1.5 s, 20 s ago, the gap is %+v", g)
	}
}

func TestExportAllocatesNothingOnceItHasRoom(t *testing.T) {
	m := newMaster(t, func(c *Config) { c.MaxClients = 100 })
	for i := range 100 {
		newPeer(i).subscribe(t, m, at(0), 300)
	}
	var s Saved
	m.Export(at(time.Second), &s)
	if n := testing.AllocsPerRun(100, func() { m.Export(at(time.Second), &s) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// Exported part by part, while clients come and go, everyone who stays is there.
func TestExportInPartsHasEveryoneWhoStays(t *testing.T) {
	m := newMaster(t, func(c *Config) { c.MaxClients = 300 })
	for i := range 200 {
		newPeer(i).subscribe(t, m, at(0), 300)
	}
	var s Saved
	var out Outbox
	for from, n := 0, 0; from >= 0; n++ {
		from = m.ExportPart(at(time.Second+time.Duration(n)*time.Millisecond), &s, from)
		p := newPeer(3 * n)
		m.Receive(at(time.Second), p.signaling(t, wire.UnicastCancel{MessageType: wire.TypeAnnounce}, wire.UnicastCancel{MessageType: wire.TypeSync}, wire.UnicastCancel{MessageType: wire.TypeDelayResp}), &out)
		newPeer(1000+n).subscribe(t, m, at(time.Second), 300)
	}
	if s.At != at(time.Second) {
		t.Errorf("it is of %v, want the first part's time", s.At)
	}
	have := map[Key]int{}
	for _, c := range s.Clients {
		have[c.key]++
	}
	for i := 1; i < 200; i++ {
		p := newPeer(i)
		if n := have[Key{p.addr, p.id}]; i%3 != 0 && n != 1 {
			t.Fatalf("client %d is there %d times", i, n)
		}
	}
}

// The part is what holds the serving thread up.
func BenchmarkExportPart(b *testing.B) {
	m := newMaster(b, func(c *Config) { c.MaxClients = 1000 })
	for i := range 1000 {
		newPeer(i).subscribe(b, m, at(0), 300)
	}
	var s Saved
	from := 0
	for b.Loop() {
		from = max(0, m.ExportPart(at(time.Second), &s, from))
	}
}

func BenchmarkExport1000(b *testing.B) {
	m := newMaster(b, func(c *Config) { c.MaxClients = 1000 })
	for i := range 1000 {
		newPeer(i).subscribe(b, m, at(0), 300)
	}
	var s Saved
	for b.Loop() {
		m.Export(at(time.Second), &s)
	}
}

// Killed without a word: what is known is when it last announced, and the gap is
// measured from the Announce that was due before that.
func TestTheGapOfAKilledProcessIsMeasured(t *testing.T) {
	m := newMaster(t, nil)
	for i := range 4 {
		newPeer(i).subscribe(t, m, at(0), 300)
	}
	nothing := func(timescale.Mono, answer) {}
	run(t, m, at(0), at(10*time.Second), nothing)
	var s Saved
	m.Export(at(7*time.Second), &s)
	s.ForgetAnnounces()
	s.AnnouncedUntil(at(9900 * time.Millisecond))
	next := newMaster(t, nil)
	if _, err := next.Import(at(13*time.Second), &s); err != nil {
		t.Fatal(err)
	}
	run(t, next, at(13*time.Second), at(15*time.Second), nothing)
	if g := next.Stats().AnnounceGap; g.Max < 3100*time.Millisecond || g.Max > 3400*time.Millisecond || g.Long != 4 {
		t.Errorf("a silence of three seconds is a gap of %+v", g)
	}
}
