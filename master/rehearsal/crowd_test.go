package rehearsal

import (
	"math"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"bragi/gnss/timescale"
	"bragi/holdover/quality"
	"bragi/master"
	"bragi/master/wire"
)

// stage is a master and a crowd on a wire without delay, in virtual time.
type stage struct {
	t     testing.TB
	m     *master.Master
	crowd *Crowd
	out   master.Outbox
	now   timescale.Mono
	lose  func(master.Message) bool
	late  time.Duration // of every other Sync
	syncs int
	// rewrite changes what the master grants; nil: nothing.
	rewrite func(*wire.UnicastGrant)
}

func newStage(t testing.TB, c CrowdConfig) *stage {
	t.Helper()
	m, err := master.New(master.Config{Identity: gm.Clock, MaxClients: 5000})
	if err != nil {
		t.Fatal(err)
	}
	m.SetAnnouncement(inOrder)
	crowd, err := NewCrowd(c)
	if err != nil {
		t.Fatal(err)
	}
	return &stage{t: t, m: m, crowd: crowd, now: start}
}

// inOrder is what a grandmaster in order says.
var inOrder = quality.Announcement{
	Serve: true, ClockClass: 6, ClockAccuracy: 0x21, OffsetScaledLogVariance: 0x4E5D, TimeSource: 0x20, CurrentUTCOffset: 37,
	CurrentUTCOffsetValid: true, TimeTraceable: true, FrequencyTraceable: true, PTPTimescale: true,
}

// run lets time pass in steps of a quarter of a millisecond.
func (s *stage) run(d time.Duration) {
	s.t.Helper()
	for end := s.now.Add(d); s.now.Before(end); s.now = s.now.Add(time.Second >> calendarBits) {
		s.m.Tick(s.now, &s.out)
		s.deliver()
		for {
			src, payload, event, ok := s.crowd.Poll(s.now)
			if !ok {
				break
			}
			s.m.Receive(s.now, master.Datagram{Src: src, Dst: gmAddr, Event: event, Payload: payload, Stamp: timescale.LocalFromNs(s.now.Ns()), HasStamp: event}, &s.out)
		}
		s.deliver()
	}
}

func (s *stage) deliver() {
	for _, m := range s.out.Messages() {
		stamp := s.now
		if m.FillOrigin {
			if s.syncs++; s.syncs%2 == 1 {
				stamp = stamp.Add(s.late)
			}
		}
		if s.lose == nil || !s.lose(m) {
			s.crowd.Receive(s.now, m.Event, m.Dst, s.rewritten(m.Payload), stamp)
		}
	}
	s.out.Reset()
}

// rewritten is a message with what the master grants changed.
func (s *stage) rewritten(payload []byte) []byte {
	m, err := wire.ParseSignaling(payload)
	if s.rewrite == nil || err != nil {
		return payload
	}
	var b []byte
	for {
		typ, v, ok := m.TLVs.Next()
		if !ok {
			break
		}
		g, err := wire.ParseUnicastGrant(v)
		if typ != wire.TLVGrantUnicast || err != nil {
			return payload
		}
		s.rewrite(&g)
		b = g.Append(b)
	}
	m.TLVs, _ = wire.ParseTLVs(b)
	return m.Append(nil)
}

var source = netip.MustParsePrefix("10.100.0.0/16")

func TestACrowdOfThreeHundredIsHeldEvenly(t *testing.T) {
	s := newStage(t, CrowdConfig{Kind: RPD, Clients: 300, Source: source, Seed: 1})
	s.run(2 * time.Second)
	s.crowd.Begin(s.now)
	const window = 5 * time.Second
	s.run(window)
	r := s.crowd.Report(s.now, nil)
	if r.Held != 300 || r.Granted != 300 || r.SyncShare < 0.999 || r.SyncShare > 1.001 {
		t.Errorf("held %d, granted %d of 300; %.4f of the Syncs", r.Held, r.Granted, r.SyncShare)
	}
	// The wheel keeps a client's phase: no interval is off by more than the steps of time here.
	if r.Spacing.Max > int64(time.Second>>calendarBits) {
		t.Errorf("spacing off by %d ns", r.Spacing.Max)
	}
	// An RPD sends 16 Delay_Req a second; all are answered.
	if want := 300 * 16 * window.Seconds(); math.Abs(float64(r.Counts.DelayReq)-want) > want/100 || r.Counts.Unanswered != 0 || r.Counts.Unmatched != 0 ||
		r.Counts.DelayReq-r.Counts.DelayResp > 300 {
		t.Errorf("Delay_Req %d, want %.0f; counts %+v", r.Counts.DelayReq, want, r.Counts)
	}
	if r.Counts.Announce < 300*8*5-300 || r.Counts.Asked != 0 || r.Counts.Strangers+r.Counts.Malformed+r.Counts.NoStamp+r.Counts.Denials != 0 {
		t.Errorf("counts %+v", r.Counts)
	}
}

// A grant that is lost on the way is a grant: a crowd that leaves cancels it too.
func TestACrowdCancelsWhatItHeardNoAnswerTo(t *testing.T) {
	s := newStage(t, CrowdConfig{Clients: 10, Source: source, Seed: 2})
	s.lose = func(m master.Message) bool { return !m.Event && m.Dst == netip.MustParseAddr("10.100.0.3") }
	s.run(2 * time.Second)
	if n := s.m.Stats().ClientsServed; n != 10 {
		t.Fatalf("%d clients have a grant", n)
	}
	s.crowd.Leave()
	s.run(time.Second)
	if n := s.m.Stats().ClientsServed; n != 0 {
		t.Errorf("%d clients have a grant after all have left", n)
	}
}

// What a master takes back is told of a crowd too.
func TestACrowdTellsWhatWasTakenBack(t *testing.T) {
	s := newStage(t, CrowdConfig{Clients: 10, Source: source, Seed: 2})
	s.run(2 * time.Second)
	s.crowd.Begin(s.now)
	s.m.Drain(s.now)
	s.run(3 * time.Second)
	r := s.crowd.Report(s.now, nil)
	if i := slices.IndexFunc(r.Findings, func(f Finding) bool { return f.Code == "CANCELLED" }); i < 0 || r.Findings[i].Severity != aWarning || r.Verdict != "fail" || r.Passed != 0 {
		t.Errorf("drained: %s, %+v", r.Verdict, r.Findings)
	}
}

func TestACrowdRenewsItsGrantsAndLeavesNone(t *testing.T) {
	s := newStage(t, CrowdConfig{Clients: 40, Source: source, Duration: 20, Seed: 2})
	s.run(time.Second)
	s.crowd.Begin(s.now)
	s.run(60 * time.Second)
	r := s.crowd.Report(s.now, nil)
	if r.Held != 40 || r.Counts.Grants < 3*40*2 || r.Counts.Asked != r.Counts.Grants {
		t.Errorf("after three grants' time: held %d of 40, asked %d, granted %d", r.Held, r.Counts.Asked, r.Counts.Grants)
	}
	s.crowd.Leave()
	s.run(time.Second)
	if n := s.m.Stats().ClientsServed; n != 0 {
		t.Errorf("%d clients have a grant after all have left", n)
	}
}

// A client that misses Syncs, or gets them unevenly, is not held.
func TestAClientWithMissingOrUnevenSyncsIsNotHeld(t *testing.T) {
	deaf := map[netip.Addr]int{}
	for _, c := range []struct {
		name string
		late time.Duration
		lose func(m master.Message) bool
		held int
	}{
		{"nothing is wrong", 0, nil, 10},
		{"one client misses every 50th Sync", 0, func(m master.Message) bool {
			a := netip.MustParseAddr("10.100.0.3")
			if m.Dst == a && m.FillOrigin {
				deaf[a]++
			}
			return m.Dst == a && m.FillOrigin && deaf[a]%50 == 0
		}, 9},
		{"no Announce, no matter for Sync", 0, func(m master.Message) bool { return !m.Event && wire.MessageType(m.Payload[0]) == wire.TypeAnnounce }, 10},
	} {
		s := newStage(t, CrowdConfig{Clients: 10, Source: source, Seed: 3})
		s.lose, s.late = c.lose, c.late
		s.run(time.Second)
		s.crowd.Begin(s.now)
		s.run(10 * time.Second)
		if r := s.crowd.Report(s.now, nil); r.Held != c.held {
			t.Errorf("%s: held %d, want %d", c.name, r.Held, c.held)
		}
	}
	// Every second Sync 5 ms late: half of the intervals are 5 ms short of 31.25 ms (16 %), the others as much
	// long; 12 ms late is beyond 30 %.
	for _, c := range []struct {
		late time.Duration
		held int
	}{{5 * time.Millisecond, 1}, {12 * time.Millisecond, 0}} {
		s := newStage(t, CrowdConfig{Clients: 1, Source: source, Seed: 4})
		s.late = c.late
		s.run(time.Second)
		s.crowd.Begin(s.now)
		s.run(10 * time.Second)
		r := s.crowd.Report(s.now, nil)
		if r.Held != c.held || r.Spacing.P50 < int64(c.late)*99/100 || r.Spacing.P50 > int64(c.late)*110/100 {
			t.Errorf("every second Sync %v late: held %d, want %d; spacing off by %d ns", c.late, r.Held, c.held, r.Spacing.P50)
		}
	}
}

// A crowd has one verdict: how many passed, who was the worst, and why each of the
// others did not pass.
func TestACrowdHasOneVerdictWithTheWorstClientAndWhy(t *testing.T) {
	third, seventh := netip.MustParseAddr("10.100.0.3"), netip.MustParseAddr("10.100.0.7")
	is := func(m master.Message, typ wire.MessageType) bool { return wire.MessageType(m.Payload[0]&0x0F) == typ }
	lost := 0
	for _, c := range []struct {
		name   string
		lose   func(m master.Message) bool
		most   int // clients that the master takes
		passed int
		worst  string
		why    []string
	}{
		{"all is well", nil, 0, 10, "", nil},
		{"one hears nothing", func(m master.Message) bool { return m.Dst == third }, 0, 9, "10.100.0.3", []string{"NO_ANSWER"}},
		{"the table is full", nil, 8, 8, "", []string{"DENIED"}},
		{"one misses Syncs, one Delay_Resp", func(m master.Message) bool {
			lost++
			return m.Dst == third && is(m, wire.TypeSync) && lost%20 == 0 || m.Dst == seventh && is(m, wire.TypeDelayResp) && lost%2 == 0
		}, 0, 8, "10.100.0.3", []string{"SYNC_SHORT", "DELAY_RESP_SHORT"}},
		{"one is not granted Delay_Resp", func(m master.Message) bool {
			return m.Dst == seventh && is(m, wire.TypeSignaling) && m.Payload[wire.SignalingLen+4]>>4 == byte(wire.TypeDelayResp)
		}, 0, 9, "10.100.0.7", []string{"NOT_GRANTED"}},
	} {
		s := newStage(t, CrowdConfig{Clients: 10, Source: source, Seed: 3})
		if c.most > 0 {
			var err error
			if s.m, err = master.New(master.Config{Identity: gm.Clock, MaxClients: c.most}); err != nil {
				t.Fatal(err)
			}
			s.m.SetAnnouncement(inOrder)
		}
		s.lose = c.lose
		s.run(time.Second)
		s.crowd.Begin(s.now)
		s.run(10 * time.Second)
		r := s.crowd.Report(s.now, nil)
		var why []string
		for _, f := range r.Findings {
			why = append(why, f.Code)
			if strings.Contains(f.Text, "%!") || f.Action == "" {
				t.Errorf("%+v", f)
			}
		}
		if r.Passed != c.passed || (r.Verdict == "pass") != (c.passed == 10) || !slices.Equal(why, c.why) || r.Worst == nil || c.worst != "" && r.Worst.Address != c.worst {
			t.Errorf("%s: %s, %d passed, worst %+v, %+v; want %d, %s, %v", c.name, r.Verdict, r.Passed, r.Worst, r.Findings, c.passed, c.worst, c.why)
		}
	}
}

// What a single client finds of a master, its crowd finds too: an error fails them all.
func TestACrowdJudgesAMasterAsASingleClientDoes(t *testing.T) {
	utc, tai := 0.2, 37.01
	change := func(f func(*quality.Announcement)) quality.Announcement { a := inOrder; f(&a); return a }
	for name, c := range map[string]struct {
		said   quality.Announcement
		ahead  *float64
		master func(*wire.Announce)
	}{
		"in order":        {inOrder, &tai, good},
		"UTC for TAI":     {inOrder, &utc, good},
		"another date":    {inOrder, new(float64(3600)), good},
		"in holdover":     {change(func(a *quality.Announcement) { a.ClockClass = 7 }), &tai, changed(func(a *wire.Announce) { a.ClockClass = 7 })},
		"never locked":    {change(func(a *quality.Announcement) { a.ClockClass = 248 }), &tai, changed(func(a *wire.Announce) { a.ClockClass = 248 })},
		"arbitrary":       {change(func(a *quality.Announcement) { a.PTPTimescale = false }), &tai, changed(func(a *wire.Announce) { a.Flags &^= wire.FlagPTPTimescale })},
		"not traceable":   {change(func(a *quality.Announcement) { a.TimeTraceable = false }), &tai, changed(func(a *wire.Announce) { a.Flags &^= wire.FlagTimeTraceable })},
		"both leap flags": {change(func(a *quality.Announcement) { a.Leap59, a.Leap61 = true, true }), &tai, changed(func(a *wire.Announce) { a.Flags |= wire.FlagLeap59 | wire.FlagLeap61 })},
	} {
		w := locked(t, world{delay: time.Microsecond, announce: c.master}, Config{})
		w.run(t, 0, 30)
		one := w.c.Report(at(30 * time.Second))
		one.AheadOfUTCS = c.ahead
		one.Judge()

		s := newStage(t, CrowdConfig{Clients: 10, Source: source, Seed: 3})
		s.m.SetAnnouncement(c.said)
		s.run(time.Second)
		s.crowd.Begin(s.now)
		s.run(8 * time.Second)
		many := s.crowd.Report(s.now, c.ahead)
		if many.Verdict != one.Verdict || !slices.Equal(many.Findings, one.Findings) || (many.Passed == 10) != (one.Verdict == "pass") {
			t.Errorf("%s: one client: %s %+v;\na crowd: %s, %d passed, %+v", name, one.Verdict, one.Findings, many.Verdict, many.Passed, many.Findings)
		}
	}
}

// The time that a crowd is served is told, of one-step and of two-step masters.
func TestACrowdKnowsTheTimeThatItIsServed(t *testing.T) {
	served := timescale.LocalFromNs(1_735_689_600_000_000_000)
	for _, flags := range []wire.Flags{wire.FlagUnicast, wire.FlagUnicast | wire.FlagTwoStep} {
		w, err := NewCrowd(CrowdConfig{Clients: 3, Source: source})
		if err != nil {
			t.Fatal(err)
		}
		if _, ok := w.Time(start); ok {
			t.Error("a time before any Sync")
		}
		w.Poll(start)
		h := wire.Header{Flags: flags, Source: gm, SequenceID: 7, LogInterval: -5}
		sync := wire.Sync{Header: h}
		if flags&wire.FlagTwoStep == 0 {
			sync.OriginTimestamp = wire.TimestampFromLocal(served)
		}
		w.Receive(start, true, w.Address(1), sync.Append(nil), start)
		h.Flags = wire.FlagUnicast
		other := wire.FollowUp{Header: h, PreciseOriginTimestamp: wire.TimestampFromLocal(served.Add(time.Hour))}
		w.Receive(start.Add(time.Millisecond), false, w.Address(2), other.Append(nil), timescale.Mono{})
		if flags&wire.FlagTwoStep != 0 {
			f := wire.FollowUp{Header: h, PreciseOriginTimestamp: wire.TimestampFromLocal(served)}
			w.Receive(start.Add(time.Millisecond), false, w.Address(1), f.Append(nil), timescale.Mono{})
		}
		if ns, ok := w.Time(start.Add(time.Second)); !ok || ns != served.Ns()+int64(time.Second) {
			t.Errorf("flags %v: %d, %t", flags, ns-served.Ns(), ok)
		}
	}
}

// A master that is away for longer than a client stays fails every client, also when 99 %
// of all Syncs came. One that is away for less does not.
func TestACrowdThatWouldHaveLeftDoesNotPass(t *testing.T) {
	for away, want := range map[time.Duration][]string{900 * time.Millisecond: nil, 1500 * time.Millisecond: {"SYNC_TIMEOUT"}} {
		s := newStage(t, CrowdConfig{Clients: 4, Source: source, Seed: 3})
		s.run(time.Second)
		s.crowd.Begin(s.now)
		s.run(10 * time.Second)
		s.lose = func(master.Message) bool { return true }
		s.run(away)
		s.lose = nil
		s.run(200 * time.Second)
		r := s.crowd.Report(s.now, nil)
		var why []string
		for _, f := range r.Findings {
			why = append(why, f.Code)
		}
		if !slices.Equal(why, want) {
			t.Errorf("away for %v: %s %+v", away, r.Verdict, r.Findings)
		}
	}
}

// A client that sent no Delay_Req had none answered.
func TestNoAnswersAreToldWhereNothingWasAsked(t *testing.T) {
	s := newStage(t, CrowdConfig{Clients: 2, Source: source, Seed: 3})
	s.lose = func(master.Message) bool { return true }
	s.run(10 * time.Second)
	r := s.crowd.Report(s.now, nil)
	if x := r.Worst; x.DelayReqs != 0 || x.AnswerShare != 0 || r.Master != nil {
		t.Errorf("%+v, master %+v", x, r.Master)
	}
}

func TestACrowdThatCannotBeIsRefused(t *testing.T) {
	for _, c := range []struct {
		source  string
		clients int
		ok      bool
	}{
		{"10.100.0.0/16", MaxCrowd, true}, {"10.100.0.0/16", MaxCrowd + 1, false}, {"10.100.0.0/24", 254, true}, {"10.100.0.0/24", 255, false},
		{"10.0.0.7/32", 1, true}, {"10.0.0.7/32", 2, false}, {"10.0.0.6/31", 2, true}, {"10.0.0.0/24", 0, false}, {"fd00::/64", 3, false},
	} {
		w, err := NewCrowd(CrowdConfig{Clients: c.clients, Source: netip.MustParsePrefix(c.source)})
		if (err == nil) != c.ok {
			t.Errorf("%d clients of %s: %v", c.clients, c.source, err)
		}
		if err == nil {
			for _, i := range []int{0, c.clients - 1} {
				if a := w.Address(i); !netip.MustParsePrefix(c.source).Contains(a) || w.of(a) != i {
					t.Errorf("%s: client %d has %v, which is %d's", c.source, i, a, w.of(a))
				}
			}
		}
	}
	if _, err := NewCrowd(CrowdConfig{Clients: 1}); err == nil {
		t.Error("no source: accepted")
	}
}

// The event messages of a crowd allocate nothing: the load is not the limit.
func TestCrowdAllocatesNothing(t *testing.T) {
	s := newStage(t, CrowdConfig{Clients: 100, Source: source, Seed: 5})
	s.run(2 * time.Second)
	if n := testing.AllocsPerRun(5, func() { s.run(100 * time.Millisecond) }); n != 0 {
		t.Errorf("%.0f allocations in 100 ms of 100 clients, want none", n)
	}
}

// Each quantile of the histogram is the true one or at most 1/64 above it.
func TestQuantilesAreAtMostASixtyFourthAbove(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		values := rapid.SliceOfN(rapid.OneOf(rapid.Int64Range(0, 300), rapid.Int64Range(0, 1<<40), rapid.Just(int64(math.MaxInt64))), 1, 300).Draw(t, "values")
		var h histogram
		for _, v := range values {
			h.add(v)
		}
		slices.Sort(values)
		q, n := h.quantiles(), len(values)
		for _, c := range []struct{ got, want int64 }{{q.P50, values[(n+1)/2-1]}, {q.P99, values[n-n/100-1]}} {
			if c.got < c.want || c.got-c.want > c.want/64 {
				t.Fatalf("quantile %d, want %d and at most 1/64 more", c.got, c.want)
			}
		}
		if q.Max != values[n-1] || q.N != uint64(n) {
			t.Fatalf("max %d of %d, want %d of %d", q.Max, q.N, values[n-1], n)
		}
	})
}

// A master may grant less often, or shorter, than was asked for: a crowd keeps to it, holds
// on, and tells it.
func TestACrowdKeepsToSlowAndShortGrants(t *testing.T) {
	const slowLog, seconds = 0, 20
	s := newStage(t, CrowdConfig{Kind: RPD, Clients: 20, Source: source, Seed: 5})
	s.rewrite = func(g *wire.UnicastGrant) {
		if g.Duration = min(g.Duration, seconds); g.MessageType == wire.TypeDelayResp && g.Duration > 0 {
			g.LogInterval = slowLog
		}
	}
	s.run(5 * time.Second)
	s.crowd.Begin(s.now)
	s.run(time.Minute)
	r := s.crowd.Report(s.now, nil)
	if n := r.Counts.DelayReq; n > 20*61 || n < 20*58 {
		t.Errorf("%d Delay_Req of 20 clients in a minute of a grant of one a second", n)
	}
	if r.Passed != 20 {
		t.Errorf("%d of 20 passed: %+v", r.Passed, r.Findings)
	}
	for _, code := range []string{"GRANT_SLOW", "GRANT_SHORT"} {
		if !slices.ContainsFunc(r.Findings, func(f Finding) bool {
			return f.Code == code && f.Severity == aWarning && strings.Contains(f.Text, "20 clients of 20")
		}) {
			t.Errorf("no %s: %+v", code, r.Findings)
		}
	}
	s.crowd.Leave()
	s.run(500 * time.Millisecond) // what a crowd that leaves is given
	if n := s.m.Stats().ClientsServed; n != 0 {
		t.Errorf("%d clients have a grant after all have left", n)
	}
}

// A Sync that is granted at another interval than was asked for is due at that one.
func TestACrowdIsDueWhatItWasGranted(t *testing.T) {
	s := newStage(t, CrowdConfig{Kind: RPD, Clients: 10, Source: source, Seed: 5})
	syncs := map[netip.Addr]int{}
	s.rewrite = func(g *wire.UnicastGrant) {
		if g.MessageType == wire.TypeSync {
			g.LogInterval = -3
		}
	}
	s.lose = func(m master.Message) bool { // each fourth comes
		if m.FillOrigin {
			syncs[m.Dst]++
		}
		return m.FillOrigin && syncs[m.Dst]%4 != 0
	}
	s.run(2 * time.Second)
	s.crowd.Begin(s.now)
	s.run(10 * time.Second)
	if r := s.crowd.Report(s.now, nil); r.Passed != 10 || r.SyncShare < 0.98 || r.SyncShare > 1.02 {
		t.Errorf("%d of 10 passed, %.2f of the Syncs: %+v", r.Passed, r.SyncShare, r.Findings)
	}
}

// A crowd does not pass where a real client leaves the master between two Announces.
func TestACrowdFailsWhereItsClientsWouldLeave(t *testing.T) {
	s := newStage(t, CrowdConfig{Kind: CBR8, Clients: 5, Source: source, Seed: 5})
	s.rewrite = func(g *wire.UnicastGrant) {
		if g.MessageType == wire.TypeAnnounce {
			g.LogInterval = 1
		}
	}
	s.run(2 * time.Second)
	s.crowd.Begin(s.now)
	s.run(20 * time.Second)
	r := s.crowd.Report(s.now, nil)
	if r.Passed != 0 || r.Verdict != "fail" || !slices.ContainsFunc(r.Findings, func(f Finding) bool {
		return f.Code == "GRANT_SLOW" && f.Severity == anError && strings.Contains(f.Text, "5 clients of 5")
	}) {
		t.Errorf("%s, %d passed: %+v", r.Verdict, r.Passed, r.Findings)
	}
}
