package mastertest

import (
	"net/netip"
	"testing"
	"time"

	"bragi/gnss/timescale"
	"bragi/holdover/quality"
	"bragi/master"
	"bragi/master/rehearsal"
	"bragi/master/wire"
)

var (
	ourID  = wire.ClockIdentity{0x00, 0x11, 0x22, 0xFF, 0xFE, 0x33, 0x44, 0x55}
	locked = quality.Announcement{
		Serve: true, ClockClass: 6, ClockAccuracy: 0x21, OffsetScaledLogVariance: 0x4E5D, TimeSource: 0x20,
		CurrentUTCOffset: 37, CurrentUTCOffsetValid: true, TimeTraceable: true, FrequencyTraceable: true, PTPTimescale: true,
	}
)

func newLab(t testing.TB, change func(*Config)) *Lab {
	t.Helper()
	c := Config{Master: master.Config{Identity: ourID, Priority1: 128, Priority2: 128, Seed: 1}, Announcement: locked}
	if change != nil {
		change(&c)
	}
	l, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// hub is a cable hub: RPDs and a cBR8.
func hub(t testing.TB, l *Lab, rpds int) []*Client {
	t.Helper()
	list, err := l.AddMany(rpds, rehearsal.Config{Kind: rehearsal.RPD})
	if err != nil {
		t.Fatal(err)
	}
	core, err := l.AddMany(1, rehearsal.Config{Kind: rehearsal.CBR8})
	if err != nil {
		t.Fatal(err)
	}
	return append(list, core...)
}

// A thousand clients for ten minutes: every client is in phase, hears every Sync at its
// time, and two renewals of each flow pass unnoticed.
func TestAThousandClientsAreInPhase(t *testing.T) {
	t.Parallel()
	rpds, minutes := 999, 10
	if testing.Short() || raceEnabled {
		rpds, minutes = 20, 6
	}
	l := newLab(t, nil)
	clients := hub(t, l, rpds)
	burst, most, lastAt := 0, 0, timescale.Mono{}
	l.Tap = func(now timescale.Mono, m *master.Message) {
		if typ := wire.MessageType(m.Payload[0] & 0x0F); typ != wire.TypeSync && typ != wire.TypeAnnounce {
			return
		}
		if now != lastAt {
			burst, lastAt = 0, now
		}
		burst++
		most = max(most, burst)
	}
	l.Run(time.Duration(minutes) * time.Minute)
	seconds := float64(minutes * 60)
	for _, c := range clients {
		r := c.Report(l.Now())
		if r.State != "PHASE_ALIGNED" || r.Master.Class != 6 || r.Counts["steps"] != 0 || len(r.Moves) > 3 {
			t.Fatalf("client %v: %+v", c.Address, r)
		}
		if n := float64(r.Counts["sync"]); n < 32*(seconds-2) || n > 32*seconds {
			t.Errorf("client %v: %v Syncs in %v s", c.Address, n, seconds)
		}
		if r.Counts["sync_gaps"]+r.Counts["announce_gaps"]+r.Counts["announce_timeouts"]+r.Counts["malformed"]+r.Counts["strangers"] != 0 {
			t.Errorf("client %v: %v", c.Address, r.Counts)
		}
		if lost := r.Counts["delay_req"] - r.Counts["delay_resp"]; lost > 1 {
			t.Errorf("client %v: %d Delay_Req unanswered", c.Address, lost)
		}
		if s := r.Spacing; s.Max > 1 {
			t.Errorf("client %v: Sync spacing off by %v us", c.Address, s)
		}
		if o := r.Offset; o.Min < -10 || o.Max > 10 || r.PathDelayNs != 10_000 {
			t.Errorf("client %v: offset %+v, delay %v ns", c.Address, o, r.PathDelayNs)
		}
	}
	// 40 a second to each, in 1,024 slots: the fullest has hardly more than the mean.
	if mean := (rpds+1)*40/1024 + 1; most > mean+2 {
		t.Errorf("up to %d Syncs and Announces leave together, the mean is %d", most, mean)
	}
	s := l.Master().Stats()
	if s.ClientsServed != rpds+1 || s.MissedSlots != 0 || s.PromisedRate != float64(rpds*56+72) {
		t.Errorf("%+v", s)
	}
	for _, c := range l.Master().Snapshot(l.Now()).Clients {
		want := "RPD"
		if c.Address == clients[rpds].Address {
			want = "cBR8"
		}
		if c.Kind != want || c.DelayReq == 0 || c.Grants[master.FlowSync].Renewed == 0 {
			t.Errorf("%v is taken for %q: %+v", c.Address, c.Kind, c)
		}
	}
}

// A day of a thousand clients' Signaling, one datagram of a hundred lost: every
// flow is granted all the time, the promised rate is theirs to the message, and
// nobody asks more often than the losses explain. When the cable is cut all ends
// in the time of a grant.
func TestGrantsNeverLapseInADayOfSignaling(t *testing.T) {
	t.Parallel()
	rpds, hours := 999, 24
	if testing.Short() || raceEnabled {
		rpds, hours = 99, 12
	}
	l := newLab(t, func(c *Config) {
		c.SignalingOnly = true
		c.Delay = func(client int, toMaster, event bool, n uint64) time.Duration {
			if n*0x9E3779B97F4A7C15>>33%100 == 0 {
				return -1
			}
			return 100 * time.Microsecond
		}
	})
	const never = 30 * 24 * 3600 * 8 // Announce intervals
	clients, err := l.AddMany(rpds, rehearsal.Config{Kind: rehearsal.RPD, AnnounceTimeout: never})
	if err != nil {
		t.Fatal(err)
	}
	core, err := l.AddMany(1, rehearsal.Config{Kind: rehearsal.CBR8, AnnounceTimeout: never})
	if err != nil {
		t.Fatal(err)
	}
	clients = append(clients, core...)
	var events []master.Event
	l.Run(time.Minute)
	events = l.Master().TakeEvents(events[:0])
	lost := l.Master().Stats().EventsLost // of a thousand newcomers at once
	for range hours * 6 {
		l.Run(10 * time.Minute)
		var live [3]int
		for _, c := range l.Master().Snapshot(l.Now()).Clients {
			for f := range c.Grants {
				if g := c.Grants[f]; g.Live && g.Expires > 0 {
					live[f]++
				}
			}
		}
		if all := rpds + 1; live != [3]int{all, all, all} {
			t.Fatalf("%v flows live, want %d of each", live, all)
		}
		if r := l.Master().Stats().PromisedRate; r != float64(rpds*56+72) {
			t.Fatalf("%v messages a second promised, want %d", r, rpds*56+72)
		}
		for _, e := range l.Master().TakeEvents(events[:0]) {
			t.Fatalf("%v of %v %v", e.Kind, e.Client, e.Type)
		}
	}
	s := l.Master().Stats()
	// Each flow is renewed 267 s into its 300 s; 2 % of the renewals are asked again.
	want := float64(3*(rpds+1)*hours*3600) / 267
	if n := float64(s.Renewals); n < want*0.99 || n > want*1.03 || s.EventsLost != lost {
		t.Errorf("%v renewals in %d h, want %.0f", n, hours, want)
	}
	for typ := range s.Requests {
		for why, n := range s.Requests[typ] {
			if master.Reason(why) != master.Accepted && n != 0 {
				t.Errorf("%d requests for type %d denied: %v", n, typ, master.Reason(why))
			}
		}
	}
	t.Logf("%d clients, %d h: %d renewals, %d Signaling sent", rpds+1, hours, s.Renewals, s.Sent[wire.TypeSignaling])
	for _, c := range clients {
		c.SetCut(true)
	}
	l.Run(302 * time.Second)
	if s := l.Master().Stats(); s.ClientsServed != 0 || s.PromisedRate != 0 {
		t.Errorf("%d clients, %v/s are left after the cut", s.ClientsServed, s.PromisedRate)
	}
}

// A client whose cable is cut loses its grants in time, says HOLDOVER, and
// comes back by itself.
func TestAClientComesBackAfterItsCableWasCut(t *testing.T) {
	l := newLab(t, nil)
	clients := hub(t, l, 3)
	l.Run(10 * time.Second)
	clients[0].SetCut(true)
	l.Run(1400 * time.Millisecond) // an RPD's Announce time-out is 1.375 s
	if s := clients[0].State(); s != rehearsal.Holdover {
		t.Errorf("state %v after 1.4 s of silence", s)
	}
	l.Run(400 * time.Second)
	if n := l.Master().Stats().ClientsServed; n != 3 {
		t.Errorf("%d clients served, want 3: its grants of 300 s have run out", n)
	}
	clients[0].SetCut(false)
	l.Run(30 * time.Second)
	for i, c := range clients {
		if c.State() != rehearsal.PhaseAligned {
			t.Errorf("client %d is %v", i, c.State())
		}
	}
	if r := clients[1].Report(l.Now()); r.Counts["sync_gaps"] != 0 {
		t.Error("a neighbour noticed")
	}
}

// One datagram of fifty is lost and delays vary: clients still follow.
func TestClientsFollowThroughLossAndJitter(t *testing.T) {
	l := newLab(t, func(c *Config) {
		c.Delay = func(client int, toMaster, event bool, n uint64) time.Duration {
			x := n * 0x9E3779B97F4A7C15 >> 33
			if x%50 == 0 {
				return -1
			}
			return 100*time.Microsecond + time.Duration(x%400)*time.Microsecond
		}
	})
	// The median of 32 delays that vary by 400 us is good to some 34 us, half the
	// difference of two such to 24 us, and the servo takes the mean of several.
	clients, err := l.AddMany(6, rehearsal.Config{Kind: rehearsal.CBR8, PhaseLimit: 60 * time.Microsecond})
	if err != nil {
		t.Fatal(err)
	}
	l.Run(2 * time.Minute)
	for _, c := range clients {
		r := c.Report(l.Now())
		if r.State != "PHASE_ALIGNED" || r.WindowOffset > 60_000 || r.WindowOffset < -60_000 {
			t.Errorf("%v, offset %d ns", r.State, r.WindowOffset)
		}
		if g := r.Counts["sync_gaps"]; g < 32*120/100 || g > 32*120/25 {
			t.Errorf("%d Syncs missing of %d with one lost in fifty", g, r.Counts["sync"])
		}
	}
}

// The client's clock follows a master that is 50 ppm fast, and a step of it.
func TestAClientFollowsFrequencyAndStep(t *testing.T) {
	step := int64(0)
	l := newLab(t, func(c *Config) {
		c.Clock = func(m timescale.Mono) timescale.Local {
			return timescale.LocalFromNs(labEpochNs + m.Ns() + m.Ns()/20_000 + step)
		}
	})
	c := hub(t, l, 0)[0]
	l.Run(time.Minute)
	if r := c.Report(l.Now()); r.State != "PHASE_ALIGNED" || r.FreqPPB < 49_990 || r.FreqPPB > 50_010 {
		t.Errorf("%v at %v ppb, want 50000", r.State, r.FreqPPB)
	}
	step = int64(time.Second)
	l.Run(5 * time.Second)
	if r := c.Report(l.Now()); r.Counts["steps"] < 1 || r.Counts["steps"] > 2 {
		// Two, for the window that the step fell into has packets of both sides of it.
		t.Errorf("%d steps after the master's", r.Counts["steps"])
	}
	l.Run(20 * time.Second)
	if c.State() != rehearsal.PhaseAligned {
		t.Errorf("%v after the step", c.State())
	}
}

func TestTheAnnouncementArrivesAtTheClient(t *testing.T) {
	l := newLab(t, nil)
	c := hub(t, l, 0)[0]
	l.Run(time.Second)
	holdover := locked
	holdover.ClockClass, holdover.TimeSource, holdover.Leap59 = 7, 0xA0, true
	for _, a := range []quality.Announcement{locked, holdover, {Serve: true, ClockClass: 58, ClockAccuracy: 0xFE, TimeSource: 0xA0}} {
		l.Master().SetAnnouncement(a)
		l.Run(200 * time.Millisecond) // 125 ms is the Announce interval
		if got := c.Announcement(); got != a {
			t.Errorf("received %+v, announced %+v", got, a)
		}
	}
}

func TestAnInjectedDatagramIsCounted(t *testing.T) {
	l := newLab(t, nil)
	sent := 0
	l.Tap = func(timescale.Mono, *master.Message) { sent++ }
	l.Inject(master.Datagram{Src: netip.MustParseAddr("10.9.9.9"), Payload: []byte{0x0C, 2, 3}})
	if s := l.Master().Stats(); sent != 0 || s.Received[16][master.Short][0] != 1 {
		t.Errorf("sent %d, %+v", sent, s)
	}
}

// Clients of one prefix are served in two steps and those of another in one, and
// all are in phase.
func TestOnePrefixIsServedInTwoSteps(t *testing.T) {
	t.Parallel()
	l := newLab(t, func(c *Config) { c.Master.TwoStepFor = []netip.Prefix{netip.MustParsePrefix("10.64.0.0/31")} })
	clients := hub(t, l, 3) // 10.64.0.0 to 3
	l.Run(2 * time.Minute)
	for i, c := range clients {
		r := c.Report(l.Now())
		if two := i < 2; r.OneStep == two || (r.Counts["follow_up"] != 0) != two || r.State != "PHASE_ALIGNED" {
			t.Errorf("client %v: one-step %v, %d Follow_Ups of %d Syncs, state %s", c.Address, r.OneStep, r.Counts["follow_up"], r.Counts["sync"], r.State)
		}
		if r.Offset.Median < -100 || r.Offset.Median > 100 {
			t.Errorf("client %v is off by %d ns", c.Address, r.Offset.Median)
		}
	}
	if n := l.Master().Stats().Stamps; n != (master.StampCounts{}) {
		t.Errorf("stamps that are exact: %+v", n)
	}
}
