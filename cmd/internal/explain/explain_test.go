package explain

import (
	"net/netip"
	"strings"
	"testing"

	"bragi/cmd/internal/alarms"
	"bragi/cmd/internal/fold"
	"bragi/cmd/internal/status"
	"bragi/master"
)

const client = "10.1.2.3"

func of[T any](v T) *T { return &v }

// healthy is a grandmaster in order with one client that it serves.
func healthy() status.Status {
	return status.Status{UptimeS: 7200,
		Clock:  status.Clock{State: "PHASE_ALIGNED", StateName: "LOCKED", Serving: true, ClockClass: 6},
		Master: status.Master{Interface: "eth0", Address: "192.0.2.7", EventPort: 319, GeneralPort: 320, Domain: 0, Clients: 1, MaxClients: 1000},
		Clients: []status.Client{{Address: client, Identity: "aa", Kind: "cbr8", SinceS: 3600, LastS: 0.02, Renewals: 12, DelayReq: 115200, DelayReqIntervalS: of(0.03125),
			DSCP: 47, Trusted: true, Unanswered: map[string]uint64{}, Grants: status.Grants{Sync: &status.Grant{Interval: -5, ExpiresS: 200},
				Announce: &status.Grant{Interval: -3, ExpiresS: 200}, DelayResp: &status.Grant{Interval: -5, ExpiresS: 200}}}},
	}
}

func refusal(reason master.Reason) func(*status.Status) {
	return func(s *status.Status) {
		s.Clients = nil
		s.Denied = []status.Denied{{Address: client, Domain: 44, Reason: reason.String(), Count: 7, AgoS: 0.5}}
	}
}

func TestEachFaultHasItsOwnCauseAndAction(t *testing.T) {
	for name, c := range map[string]struct {
		change        func(*status.Status)
		cause, action string
	}{
		"nothing wrong":          {func(*status.Status) {}, "sees nothing wrong", "bragi decode rpd"},
		"never heard":            {func(s *status.Status) { s.Clients = nil }, "No message of this client arrives", "192.0.2.7"},
		"wrong domain":           {refusal(master.WrongDomain), "in domain 44, this grandmaster in domain 0", "Set domain 0"},
		"not allowed":            {refusal(master.AddressDenied), "not allowed", `Add "10.1.2.3" to master.allow`},
		"table full":             {refusal(master.TableFull), "refused", "master.max_clients"},
		"another clock's target": {refusal(master.WrongTarget), "refused", "replaced another"},
		"too fast an interval":   {refusal(master.IntervalTooShort), "refused", "slower interval"},
		"draining":               {refusal(master.Draining), "refused", "drain --end"},
		"not in spec": {func(s *status.Status) {
			s.Clock.ClockClass, s.Clock.State, s.Clock.StateName = 52, "FREERUN", "HOLDOVER"
			s.Alarms = []status.Alarm{{Code: "ANTENNA_FAULT", Severity: "major", Fix: "check the antenna cable"}}
		}, "not in spec", "check the antenna cable"},
		"in holdover":    {func(s *status.Status) { s.Clock.ClockClass, s.Clock.State = 7, "HOLDOVER" }, "sees nothing wrong", ""},
		"not serving":    {func(s *status.Status) { s.Clock.Serving = false }, "does not serve", "show clock"},
		"link down":      {func(s *status.Status) { s.Alarms = []status.Alarm{{Code: "LINK_DOWN", Fix: "plug it in"}} }, "network side", "plug it in"},
		"no Sync grant":  {func(s *status.Status) { s.Clients[0].Grants.Sync = nil }, "no grant for Sync", "asks for each kind"},
		"no Delay_Req":   {func(s *status.Status) { s.Clients[0].DelayReq, s.Clients[0].DelayReqIntervalS = 0, nil }, "sends no Delay_Req", "319"},
		"Delay_Req lost": {func(s *status.Status) { s.Clients[0].DelayReqIntervalS = of(0.2) }, "less than a third", "drops"},
		"no stamps":      {func(s *status.Status) { s.Clients[0].Unanswered[master.NoStamp.String()] = 100_000 }, "without an answer", "show hardware"},
		"out of credit": {func(s *status.Status) {
			c := &s.Clients[0]
			c.Trusted, c.OutOfCredit, c.Paused, c.DelayReq, c.DelayReqIntervalS = false, true, 400, 0, nil
		}, "credit is used up: no Delay_Req of it came", "master.trusted"},
		"out of credit, without Delay_Resp": {func(s *status.Status) {
			c := &s.Clients[0]
			c.Trusted, c.OutOfCredit, c.Grants.DelayResp, c.DelayReq = false, true, nil, 3
		}, "Delay_Req are too few", "master.trusted"},
		"silent for a while": {func(s *status.Status) { s.Clients[0].LastS = 5.4 }, "is silent", "whether the client runs"},
		"silent, and its credit is used up": {func(s *status.Status) {
			c := &s.Clients[0]
			c.LastS, c.Trusted, c.OutOfCredit, c.Paused = 35, false, true, 40
		}, "is silent", "whether the client runs"},
		"not reached": {func(s *status.Status) {
			s.Clients[0].LastS, s.Clients[0].Unreachable = 5.4, "ECONNREFUSED to 10.1.2.3: nobody listens at its PTP port (fix: start PTP at the client)"
		}, "does not arrive", "whether the client runs"},
		"nobody is reached": {func(s *status.Status) {
			s.Alarms = []status.Alarm{{Code: "SERVICE_LOST", Fix: "do it"}}
			s.Clients = append(s.Clients, status.Client{Address: "10.1.2.4"})
		}, "network side", "do it"},
		"nobody is reached, with a detail": {func(s *status.Status) {
			s.Alarms = []status.Alarm{{Code: "SERVICE_LOST", Text: "reaches no client", Fix: "do what this alarm's detail says", Detail: "ENETUNREACH (fix: give eth0 a route)"}}
			s.Clients = append(s.Clients, status.Client{Address: "10.1.2.4"})
		}, "network side", "ENETUNREACH (fix: give eth0 a route)"},
		"the only client is not reached": {func(s *status.Status) {
			s.Alarms = []status.Alarm{{Code: "SERVICE_LOST", Fix: "do it"}}
			s.Clients[0].Unreachable = "EHOSTUNREACH to 10.1.2.3"
		}, "What is sent to this client does not arrive", "whether the client runs"},
		"the only client has gone": {func(s *status.Status) {
			s.Alarms = []status.Alarm{{Code: "SERVICE_LOST", Fix: "do it"}}
			goneSince(s, 95)
		}, "has gone", "whether the client runs"},
		"gone": {func(s *status.Status) {
			goneSince(s, 95)
		}, "has gone: its last grant ended 95 s ago (unreachable)", "whether the client runs"},
		"gone, refused before": {func(s *status.Status) {
			goneSince(s, 95)
			s.Denied = []status.Denied{{Address: client, Reason: master.NotServing.String(), Count: 9, AgoS: 600, Over: true}}
		}, "has gone", "whether the client runs"},
		"gone, refused since": {func(s *status.Status) {
			goneSince(s, 95)
			s.Denied = []status.Denied{{Address: client, Reason: master.IntervalTooShort.String(), Count: 9, AgoS: 20}}
		}, "refused", "slower interval"},
		"refused before it gave up": {func(s *status.Status) {
			s.Clients = nil
			s.Denied = []status.Denied{{Address: client, Reason: master.NotServing.String(), Count: 9, AgoS: 600, Over: true}}
		}, "No message of this client arrives", "192.0.2.7"},
		"the twin gives no time": {func(s *status.Status) {
			s.Twin = &status.Twin{Address: client, Answer: "no-answer", Text: "the twin denies Sync: its offset cannot be measured: do not fail over"}
		}, "the twin denies Sync: its offset cannot be measured", "bragi show twin"},
		"the twin":             {func(s *status.Status) { s.Twin = &status.Twin{Address: client} }, "this is the twin", "bragi show twin"},
		"silent":               {func(s *status.Status) { s.Clients[0].LastS, s.Clients[0].Grants.Sync.ExpiresS = 280, 20 }, "silent", "path"},
		"says nothing":         {func(s *status.Status) { s.Clients[0].Says = &status.Says{Asked: 3, Silent: true} }, "sees nothing wrong", ""},
		"follows another":      {says(-200, "SLAVE", false), "follows another clock: 00aa", "BMCA"},
		"says that it is in":   {says(-200, "SLAVE", true), "sees nothing wrong", ""},
		"says that it is off":  {says(250e3, "SLAVE", true), "its clock is +250.0 us off", "servo"},
		"tells another":        {tells(-200, 2, false), "follows another clock: 00aa", "BMCA"},
		"tells that it is in":  {tells(-200, 2, true), "sees nothing wrong", ""},
		"tells that it is off": {tells(250e3, 2, true), "says that its clock is +250.0 us off", "servo"},
		"told that long ago":   {tells(250e3, 3600, true), "sees nothing wrong", ""},
		"tells no offset":      {func(s *status.Status) { tells(0, 2, true)(s); s.Clients[0].Says.OwnOffsetNs = nil }, "sees nothing wrong", ""},
		"refused, then granted": {func(s *status.Status) {
			for _, g := range []*status.Grant{s.Clients[0].Grants.Sync, s.Clients[0].Grants.Announce, s.Clients[0].Grants.DelayResp} {
				g.GivenS = 20
			}
			s.Denied = []status.Denied{{Address: client, Reason: master.RateLimited.String(), Count: 9, AgoS: 26}}
		}, "sees nothing wrong", ""},
		"granted, then refused": {func(s *status.Status) {
			s.Clients[0].Grants.Sync.GivenS = 40
			s.Denied = []status.Denied{{Address: client, Reason: master.IntervalTooShort.String(), Count: 9, AgoS: 26}}
		}, "refused", "slower interval"},
		"would not be allowed": {welcome([]string{"10.9.0.0/16"}, nil), "not allowed", `Add "10.1.2.3" to master.allow`},
		"would be denied":      {welcome([]string{"10.0.0.0/8"}, []string{"10.1.2.0/24"}), "is denied", "Take 10.1.2.0/24 out of master.deny"},
		"would be allowed":     {welcome([]string{"10.0.0.0/8"}, nil), "No message of this client arrives", ""},
		"is allowed since": {func(s *status.Status) {
			refusal(master.AddressDenied)(s)
			s.Master.Welcome = &status.Welcome{Allow: []string{"10.0.0.0/8"}}
		}, "no grant now", ""},
		"in our domain since": {func(s *status.Status) {
			refusal(master.WrongDomain)(s)
			s.Master.Domain = 44
		}, "no grant now", ""},
		"refused earlier":       {func(s *status.Status) { refusalBefore(s) }, "sees nothing wrong", ""},
		"drained at class 52":   {outOfSpec(func(s *status.Status) { s.Clock.Draining = true }), "is drained", "drain --end"},
		"squelched at class 52": {outOfSpec(func(s *status.Status) { s.Clock.Squelched = true }), "master.squelch", "check the antenna cable; or set master.squelch"},
		"drained and squelched": {outOfSpec(func(s *status.Status) { s.Clock.Draining, s.Clock.Squelched = true, true }), "is drained, and master.squelch", "drain --end. ANTENNA"},
		"without its address at class 52": {outOfSpec(func(s *status.Status) {
			s.Alarms = append(s.Alarms, status.Alarm{Code: "ADDRESS_MISSING", Severity: "critical", Fix: "add the address"})
		}), "No interface has the address", "add the address"},
		"link down at class 52": {outOfSpec(func(s *status.Status) {
			s.Clock.Serving = true
			s.Alarms = append(s.Alarms, status.Alarm{Code: "LINK_DOWN", Severity: "major", Fix: "plug it in"})
		}), "network side", "plug it in"},
		"never locked": {outOfSpec(func(*status.Status) {}), "no time that it may tell", "check the antenna cable"},
		"denied at class 52": {outOfSpec(func(s *status.Status) {
			s.Clock.Serving = true
			welcome([]string{"10.0.0.0/8"}, []string{"10.1.2.0/24"})(s)
		}), "is denied", "master.deny"},
		"in another domain at class 52": {outOfSpec(func(s *status.Status) {
			s.Clock.Serving = true
			refusal(master.WrongDomain)(s)
		}), "in domain 44", "Set domain 0"},
		"refused at class 52": {outOfSpec(func(s *status.Status) {
			s.Clock.Serving = true
			refusal(master.TableFull)(s)
		}), "refused", "master.max_clients"},
		"drained, and denied": {func(s *status.Status) {
			s.Clock.Serving, s.Clock.Draining = false, true
			refusal(master.AddressDenied)(s)
		}, "is drained", "drain --end"},
	} {
		s := healthy()
		c.change(&s)
		e := Client(s, client)
		if !strings.Contains(e.Cause, c.cause) || !strings.Contains(e.Action, c.action) {
			t.Errorf("%s: cause %q, action %q; want %q, %q", name, e.Cause, e.Action, c.cause, c.action)
		}
		for _, width := range []int{fold.Columns, 40} {
			for line := range strings.Lines(e.Text(width)) {
				if len(line) > width+1 {
					t.Errorf("%s: %d columns: %s", name, len(line), line)
				}
			}
		}
	}
}

// goneSince is a grandmaster whose expected client has left.
func goneSince(s *status.Status, seconds float64) {
	s.Clients = nil
	s.Master.Expected = []status.ExpectedClient{{Address: client, Name: "RPD node 12", GoneS: &seconds, GoneWhy: "unreachable"}}
}

// outOfSpec is a grandmaster whose antenna was cut and that serves nobody, and what more
// is wrong: what keeps all time from the client is told before what makes it bad.
func outOfSpec(change func(*status.Status)) func(*status.Status) {
	return func(s *status.Status) {
		s.Clock.ClockClass, s.Clock.State, s.Clock.StateName, s.Clock.Serving = 52, "FREERUN", "HOLDOVER", false
		s.Alarms = []status.Alarm{{Code: "ANTENNA_FAULT", Severity: "major", Fix: "check the antenna cable"}}
		change(s)
	}
}

// says is a client that answered a question for its time.
func says(offsetNs float64, state string, followsUs bool) func(*status.Status) {
	return func(s *status.Status) {
		s.Clients[0].Says = &status.Says{Source: status.SourceNetSync, Asked: 3, Answered: 3, AgeS: of(2.0), OffsetNs: &offsetNs, PathDelayNs: of(3000.0), OwnOffsetNs: of(-150.0), OwnPathDelayNs: of(3100.0),
			PortState: state, Parent: "00aa", FollowsUs: followsUs, Grandmaster: "00aa", ClockClass: 6}
	}
}

// tells is a client that sends slave event data.
func tells(offsetNs, ageS float64, followsUs bool) func(*status.Status) {
	return func(s *status.Status) {
		s.Clients[0].Says = &status.Says{Source: status.SourceSlaveEvent, Asked: 3, Silent: true, AgeS: &ageS, OwnOffsetNs: &offsetNs, Parent: "00aa", FollowsUs: followsUs}
	}
}

// welcome is a grandmaster that never heard the client.
func welcome(allow, deny []string) func(*status.Status) {
	return func(s *status.Status) {
		s.Clients, s.Master.Welcome = nil, &status.Welcome{Allow: allow, Deny: deny}
	}
}

// A refusal before the client was served is past.
func refusalBefore(s *status.Status) {
	s.Denied = []status.Denied{{Address: client, Reason: master.TableFull.String(), Count: 1, AgoS: 4000}}
}

// What the questions say of a reason is for one that the master really gives.
func TestEveryRefusalOfARequestHasARemedy(t *testing.T) {
	for _, r := range []master.Reason{master.NotServing, master.Draining, master.IntervalTooShort, master.IntervalTooLong, master.DurationTooShort, master.TableFull, master.OverBudget,
		master.NoCredit, master.RateLimited, master.WrongTarget, master.OwnIdentity, master.NoStamp, master.TooFast, master.NoGrant} {
		if remedyFor(r.String()) == remedyFor("") {
			t.Errorf("%s has no remedy", r)
		}
	}
}

// A client's own fault is never blamed when the grandmaster is the cause.
func TestOurOwnFaultComesFirst(t *testing.T) {
	s := healthy()
	s.Clients = nil
	s.Denied = []status.Denied{{Address: client, Reason: master.NotServing.String(), AgoS: 1}}
	s.Clock.Serving, s.Clock.ClockClass, s.Clock.State = false, 58, "FREERUN"
	if e := Client(s, client); !strings.Contains(e.Cause, "This grandmaster") {
		t.Errorf("cause %q", e.Cause)
	}
}

// An alarm that sends its reader to its detail is shown with it, whichever it is.
func TestAnAlarmThatNamesItsDetailIsShownWithIt(t *testing.T) {
	for _, code := range []alarms.Code{alarms.LinkDown, alarms.AddressMissing, alarms.ServiceLost, alarms.HardwareStamps, alarms.ResidualHigh, alarms.NoReceiveStamps} {
		s := healthy()
		s.Clients = append(s.Clients, status.Client{Address: "10.1.2.4"})
		s.Alarms = []status.Alarm{{Code: string(code), Fix: "do what this alarm's detail says", Detail: "the detail of today"}}
		if e := Client(s, client); !strings.Contains(e.Action, "the detail of today") || !strings.Contains(e.Text(0), string(code)) {
			t.Errorf("%s: %s", code, e.Text(0))
		}
	}
}

func TestAnAddressThatNoClientHasIsTold(t *testing.T) {
	here := []netip.Prefix{netip.MustParsePrefix("192.0.2.7/24"), netip.MustParsePrefix("10.1.0.1/20"), netip.MustParsePrefix("10.5.0.0/31"), netip.MustParsePrefix("fe80::1/64")}
	for address, want := range map[string]string{
		"192.0.2.7": "own address", "10.1.0.1": "an address of this machine", "10.1.15.255": "the broadcast address of 10.1.0.0/20", "192.0.2.255": "the broadcast address",
		"192.0.2.0": "the address of the network", "10.1.2.255": "", "10.1.2.9": "", "10.5.0.1": "", client: "",
	} {
		got := NoClient(healthy(), netip.MustParseAddr(address), here)
		if want == "" && got != "" || !strings.Contains(got, want) {
			t.Errorf("%s: %q, want %q", address, got, want)
		}
	}
	s := healthy() // one that was heard is a client, whatever its address is
	s.Clients[0].Address = s.Master.Address
	if got := NoClient(s, netip.MustParseAddr(s.Master.Address), here); got != "" {
		t.Errorf("a client at our own address: %q", got)
	}
}
