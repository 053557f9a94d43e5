package rehearsal

import (
	"errors"
	"math"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"bragi/gnss/timescale"
	"bragi/master/unicast"
	"bragi/master/wire"
)

// good is the announcement of a grandmaster in order.
func good(a *wire.Announce) {
	a.ClockClass, a.ClockAccuracy, a.OffsetScaledLogVariance, a.TimeSource, a.CurrentUTCOffset = 6, 0x21, 0x4E5D, 0x20, 37
	a.Flags |= wire.FlagUTCOffsetValid | wire.FlagPTPTimescale | wire.FlagTimeTraceable | wire.FlagFrequencyTraceable
}

func codes(r Report, severity string) (list []string) {
	for _, f := range r.Findings {
		if f.Severity == severity {
			list = append(list, f.Code)
		}
		if f.Text == "" {
			panic("a finding without a text")
		}
	}
	return list
}

// judged runs a world for a minute and judges what the client saw.
func judged(t *testing.T, w world, cfg Config, during func(w *world)) Report {
	t.Helper()
	l := locked(t, w, cfg)
	l.run(t, 0, 30)
	if during != nil {
		during(l)
	}
	l.run(t, 30*time.Second, 30)
	r := l.c.Report(at(60 * time.Second))
	r.Judge()
	return r
}

const (
	hourNs    = 3_600_000_000_000
	toNewYear = (1_704_067_200 + 37 - 1_700_000_000 - 1000) * 1_000_000_000 // of 2024, from a world's beginning
)

func changed(change func(*wire.Announce)) func(*wire.Announce) {
	return func(a *wire.Announce) { good(a); change(a) }
}

// Each fault of a master or of the network has its finding, and a master in order has
// none that is more than a note.
func TestEachFaultOfAMasterHasItsFinding(t *testing.T) {
	path := 250 * time.Microsecond
	rpd := Config{Kind: RPD, LogIntervals: &[unicast.Flows]int8{-3, -5, -5}}
	for name, c := range map[string]struct {
		world  world
		cfg    Config
		during func(*world)
		want   string // code
		grave  string // its severity
	}{
		"in order":                 {world: world{delay: path, announce: good}},
		"two-step, in order":       {world: world{delay: path, announce: good, twoStep: true}},
		"holdover":                 {world: world{delay: path, announce: changed(func(a *wire.Announce) { a.ClockClass, a.TimeSource = 7, 0xA0 })}, want: "HOLDOVER", grave: aWarning},
		"out of spec":              {world: world{delay: path, announce: func(a *wire.Announce) { good(a); a.ClockClass = 52; a.Flags &^= wire.FlagTimeTraceable }}, want: "CLASS", grave: anError},
		"52 that claims traceable": {world: world{delay: path, announce: changed(func(a *wire.Announce) { a.ClockClass = 52 })}, want: "FLAGS", grave: anError},
		"6 that is not traceable":  {world: world{delay: path, announce: changed(func(a *wire.Announce) { a.Flags &^= wire.FlagTimeTraceable })}, want: "FLAGS", grave: anError},
		"6 on an own timescale":    {world: world{delay: path, announce: changed(func(a *wire.Announce) { a.Flags &^= wire.FlagPTPTimescale })}, want: "TIMESCALE", grave: anError},
		"6 without a UTC offset":   {world: world{delay: path, announce: changed(func(a *wire.Announce) { a.Flags &^= wire.FlagUTCOffsetValid })}, want: "UTC_OFFSET", grave: aWarning},
		"an offset of 0":           {world: world{delay: path, announce: changed(func(a *wire.Announce) { a.CurrentUTCOffset = 0 })}, want: "NO_UTC_OFFSET", grave: aWarning},
		"both leap flags":          {world: world{delay: path, announce: changed(func(a *wire.Announce) { a.Flags |= wire.FlagLeap59 | wire.FlagLeap61 })}, want: "LEAP", grave: anError},
		"6 with unknown accuracy":  {world: world{delay: path, announce: changed(func(a *wire.Announce) { a.ClockAccuracy = 0xFE })}, want: "ACCURACY", grave: aWarning},
		"6 from its oscillator":    {world: world{delay: path, announce: changed(func(a *wire.Announce) { a.TimeSource = 0xA0 })}, want: "TIME_SOURCE", grave: aWarning},
		"a step from TAI to UTC":   {world: world{delay: path, announce: good}, during: func(w *world) { w.ahead = -37_000_000_000 }, want: "STEPPED", grave: anError},
		"a step of 5 ms":           {world: world{delay: path, announce: good}, during: func(w *world) { w.ahead = 5_000_000 }, want: "STEPPED", grave: anError},
		"a step in a free run": {world: world{delay: path, announce: func(a *wire.Announce) {
			if a.ClockClass = 58; a.SequenceID >= 242 {
				good(a)
			}
		}}, during: func(w *world) { w.ahead = 5_000_000 }, want: "STEPPED", grave: aWarning},
		"6 and over 10 s":            {world: world{delay: path, announce: changed(func(a *wire.Announce) { a.ClockAccuracy = 0x31 })}, want: "ACCURACY", grave: anError},
		"6 and within 2.5 ms":        {world: world{delay: path, announce: changed(func(a *wire.Announce) { a.ClockAccuracy = 0x2A })}, want: "ACCURACY", grave: anError},
		"6 and within 250 us":        {world: world{delay: path, announce: changed(func(a *wire.Announce) { a.ClockAccuracy = 0x28 })}, want: "ACCURACY", grave: aWarning},
		"6 and within 100 us":        {world: world{delay: path, announce: changed(func(a *wire.Announce) { a.ClockAccuracy = 0x27 })}},
		"a UTC offset of 36 s":       {world: world{delay: path, announce: changed(func(a *wire.Announce) { a.CurrentUTCOffset = 36 })}, want: "WRONG_UTC_OFFSET", grave: anError},
		"a UTC offset of -1 s":       {world: world{delay: path, announce: changed(func(a *wire.Announce) { a.CurrentUTCOffset = -1 })}, want: "WRONG_UTC_OFFSET", grave: anError},
		"leap 61 in November":        {world: world{delay: path, announce: changed(func(a *wire.Announce) { a.Flags |= wire.FlagLeap61 })}, want: "LEAP", grave: anError},
		"leap 59 in November":        {world: world{delay: path, announce: changed(func(a *wire.Announce) { a.Flags |= wire.FlagLeap59 })}, want: "LEAP", grave: anError},
		"leap 61, 13 h before":       {world: world{delay: path, ahead: toNewYear - 13*hourNs, announce: changed(func(a *wire.Announce) { a.Flags |= wire.FlagLeap61 })}, want: "LEAP", grave: anError},
		"leap 61, 11 h before":       {world: world{delay: path, ahead: toNewYear - 11*hourNs, announce: changed(func(a *wire.Announce) { a.Flags |= wire.FlagLeap61 })}},
		"leap 61, 1 h after":         {world: world{delay: path, ahead: toNewYear + hourNs, announce: changed(func(a *wire.Announce) { a.Flags |= wire.FlagLeap61 })}, want: "LEAP", grave: anError},
		"255 steps removed":          {world: world{delay: path, announce: changed(func(a *wire.Announce) { a.StepsRemoved = 255 })}, want: "STEPS_REMOVED", grave: anError},
		"254 steps removed":          {world: world{delay: path, announce: changed(func(a *wire.Announce) { a.StepsRemoved = 254 })}},
		"an identity of zeros":       {world: world{delay: path, announce: changed(func(a *wire.Announce) { a.Grandmaster = wire.ClockIdentity{} })}, want: "IDENTITY", grave: anError},
		"an identity of ones":        {world: world{delay: path, announce: changed(func(a *wire.Announce) { a.Grandmaster = wire.AllClocks })}, want: "IDENTITY", grave: anError},
		"a flipping identity":        {world: world{delay: path, announce: changed(func(a *wire.Announce) { a.Grandmaster[7] = byte(a.SequenceID / 2 % 2) })}, want: "IDENTITY_CHANGES", grave: anError},
		"two grandmasters once":      {world: world{delay: path, announce: changed(func(a *wire.Announce) { a.Grandmaster[7] = byte(a.SequenceID / 200 % 2) })}},
		"a flipping class":           {world: world{delay: path, announce: changed(func(a *wire.Announce) { a.ClockClass = wire.ClockClass(6 + a.SequenceID/4%2) })}, want: "CLASS_CHANGES", grave: anError},
		"grants without any message": {world: world{}, during: nil, want: "NO_SYNC", grave: anError},
		"a longer way there":         {world: world{delay: time.Microsecond, back: -90 * time.Microsecond, announce: good}, want: "NEGATIVE_PATH_DELAY", grave: aWarning},
		"a path of 2 ms":             {world: world{delay: 2 * time.Millisecond, announce: good}, cfg: rpd, want: "LONG_PATH", grave: aWarning},
		"Syncs lost":                 {world: world{delay: path, announce: good, drop: 50}, want: "LOST", grave: aWarning},
	} {
		var r Report
		if name == "grants without any message" {
			l := locked(t, c.world, c.cfg)
			r = l.c.Report(at(60 * time.Second))
			r.Judge()
		} else {
			r = judged(t, c.world, c.cfg, c.during)
		}
		if c.want == "" {
			if r.Verdict != "pass" || len(codes(r, aWarning)) > 0 {
				t.Errorf("%s: %s, %+v", name, r.Verdict, r.Findings)
			}
			continue
		}
		if !slices.Contains(codes(r, c.grave), c.want) || (r.Verdict == "fail") != (len(codes(r, anError)) > 0) || c.grave == anError && r.Verdict != "fail" {
			t.Errorf("%s: verdict %s, findings %+v; want %s %s", name, r.Verdict, r.Findings, c.grave, c.want)
		}
		if c.grave == aWarning && r.Verdict != "pass" {
			t.Errorf("%s: fails for more than its fault: %+v", name, r.Findings)
		}
	}
}

// What a master grants is compared with what was asked for.
func TestAGrantThatIsNotWhatWasAskedForHasItsFinding(t *testing.T) {
	type grant struct {
		typ     wire.MessageType
		log     int8
		seconds uint32
	}
	all := func(log int8, seconds uint32) []grant {
		return []grant{{wire.TypeAnnounce, -3 + log, seconds}, {wire.TypeSync, -5 + log, seconds}, {wire.TypeDelayResp, -5 + log, seconds}}
	}
	for name, c := range map[string]struct {
		grants []grant
		want   []string // each finding's severity and code
	}{
		"as asked":                 {all(0, 300), nil},
		"a minute less":            {all(0, 240), nil},
		"for 60 s":                 {all(0, 60), []string{"warning GRANT_SHORT"}},
		"for 9 s":                  {all(0, 9), []string{"error GRANT_SHORT"}},
		"a quarter of the rate":    {all(2, 300), []string{"warning GRANT_SLOW"}},
		"one Delay_Resp, no other": {[]grant{{wire.TypeDelayResp, -5, 300}}, []string{"error NOT_ANSWERED", "error NOT_ANSWERED", "error UNGRANTED", "error UNGRANTED"}},
	} {
		w := &world{c: newClient(t, Config{}), delay: time.Microsecond, announce: good}
		sent(t, w.c, start)
		for second := range 20 {
			for _, g := range c.grants {
				w.c.give(at(time.Duration(second)*time.Second), g.typ, g.log, g.seconds)
			}
			w.run(t, time.Duration(second)*time.Second, 1)
		}
		r := w.c.Report(at(20 * time.Second))
		r.Judge()
		var got []string
		for _, f := range r.Findings {
			if strings.HasPrefix(f.Code, "GRANT") || strings.HasPrefix(f.Code, "NOT_A") && f.Code != "NOT_ALIGNED" || f.Code == "UNGRANTED" {
				got = append(got, f.Severity+" "+f.Code)
			}
		}
		slices.Sort(got)
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: %+v; want %v", name, r.Findings, c.want)
		}
		if most := uint64(20 / unicast.Interval(w.c.cfg.LogIntervals[unicast.DelayResp]).Seconds() / 3); name == "a quarter of the rate" && r.Counts["delay_req"] > most {
			t.Errorf("%s: %d Delay_Req in 20 s", name, r.Counts["delay_req"])
		}
	}
}

// A grant that is so slow that the client's own time-out ends before the next message is an
// error: a real client leaves that master. A slower grant within it is a warning.
func TestAGrantSlowerThanTheTimeOutOfTheClientFails(t *testing.T) {
	for _, c := range []struct {
		kind  Kind
		flow  unicast.Flow
		log   int8
		grave string // "": no finding
	}{
		{CBR8, unicast.Announce, -3, ""}, {CBR8, unicast.Announce, 0, aWarning}, {CBR8, unicast.Announce, 1, anError},
		{RPD, unicast.Announce, 0, aWarning}, {RPD, unicast.Announce, 1, anError},
		{Generic, unicast.Announce, 0, aWarning}, {Generic, unicast.Announce, 1, anError},
		{CBR8, unicast.Sync, -5, ""}, {CBR8, unicast.Sync, 0, aWarning}, {CBR8, unicast.Sync, 1, anError},
		{RPD, unicast.Sync, 0, aWarning}, {RPD, unicast.Sync, 1, anError},
		{Generic, unicast.Sync, 0, aWarning}, {Generic, unicast.Sync, 1, anError},
		{CBR8, unicast.DelayResp, 3, aWarning},
	} {
		client := newClient(t, Config{Kind: c.kind})
		sent(t, client, start)
		for f := range client.said {
			log := client.cfg.LogIntervals[f]
			if unicast.Flow(f) == c.flow {
				log = c.log
			}
			client.give(start, unicast.Flow(f).MessageType(), log, 300)
		}
		r := client.Report(at(time.Second))
		r.Judge()
		i := slices.IndexFunc(r.Findings, func(f Finding) bool { return f.Code == "GRANT_SLOW" })
		if got := i >= 0; got != (c.grave != "") || got && r.Findings[i].Severity != c.grave {
			t.Errorf("%v at %v of 2^%d s: %+v; want %q", c.kind, c.flow.MessageType(), c.log, r.Findings, c.grave)
		}
		if c.grave == anError && !strings.Contains(r.Findings[i].Text, "leaves it between two messages") {
			t.Errorf("%v: %s", c.kind, r.Findings[i].Text)
		}
	}
	for asked, want := range map[int8]bool{-3: true, 1: false} { // what a client asks for itself it waits for
		if a := (flowAsked{interval: asked, patience: patience(unicast.Announce, asked, 10)}); a.gives(1) != want {
			t.Errorf("asked for 2^%d s, granted 2^1 s: %t", asked, a.gives(1))
		}
	}
}

// Steps are told together: how many, the first and the largest.
func TestStepsOfOneKindAreOneFinding(t *testing.T) {
	r := Report{Counts: map[string]uint64{"steps": 14}}
	for i := range 13 {
		ns := int64(5_000_000)
		if i%2 == 1 {
			ns = -5_100_000
		}
		r.Steps = append(r.Steps, StepReport{AtS: float64(3 + 2*i), Ns: ns, Class: 6})
	}
	r.judgeSteps()
	if len(r.Findings) != 1 || r.Findings[0].Text != "The served time stepped 14 times: first by +0.005000 s after 3 s, at class 6; the largest by -0.005100 s after 5 s." {
		t.Errorf("%+v", r.Findings)
	}
	r = Report{Steps: []StepReport{{3, 5_000_000, 58}, {5, 37_000_000_000, 6}, {7, 5_000_000, 6}, {9, 6_000_000, 6}}}
	r.judgeSteps()
	if !slices.Equal(codes(r, anError), []string{"STEPPED", "STEPPED"}) || !slices.Equal(codes(r, aWarning), []string{"STEPPED"}) {
		t.Errorf("steps of three kinds: %+v", r.Findings)
	}
}

// What kept the master away at first is not why it is lost at the end.
func TestACauseThatIsOverIsNotTheFirstFinding(t *testing.T) {
	for want, say := range map[string]func(*Chooser){
		"NOT_SENT":     func(c *Chooser) { c.NotSent(gmAddr, errors.New("network is unreachable")) },
		"PORT_CLOSED":  func(c *Chooser) { c.Undelivered(gmAddr, true) },
		"NO_NEIGHBOUR": func(c *Chooser) { c.Undelivered(gmAddr, false) },
	} {
		w := locked(t, world{delay: time.Microsecond, announce: good}, Config{})
		say(&Chooser{candidates: []*candidate{{address: gmAddr, client: w.c}}})
		w.run(t, 0, 13)
		for f := range unicast.Flow(unicast.Flows) {
			w.c.Receive(at(13*time.Second), false, gmAddr, signaling(wire.UnicastCancel{MessageType: f.MessageType()}), timescale.Mono{})
		}
		r := w.c.Report(at(14 * time.Second))
		r.Judge()
		if r.Findings[0].Code != "CANCELLED" || !slices.Equal(codes(r, aWarning), []string{want}) {
			t.Errorf("%s, then served, then cancelled: %+v", want, r.Findings)
		}
		w.c.Poll(at(15 * time.Second))
		say(&Chooser{candidates: []*candidate{{address: gmAddr, client: w.c}}})
		r = w.c.Report(at(16 * time.Second))
		if r.Judge(); r.Findings[0].Code != want || r.Findings[0].Severity != anError {
			t.Errorf("%s again: %+v", want, r.Findings)
		}
	}
}

// A master that changes again and again is an error; one that does so now and then in a
// long measure is a warning.
func TestChangesAreJudgedByHowOftenTheyCome(t *testing.T) {
	for _, c := range []struct {
		n    uint64
		runS float64
		want string
	}{{2, 60, ""}, {3, 60, anError}, {3, 600, aWarning}, {100, 600, anError}} {
		r := Report{RunS: c.runS, changes: changes{identity: c.n, class: c.n}}
		r.judgeChanges()
		if c.want == "" && len(r.Findings) > 0 || c.want != "" && !slices.Equal(codes(r, c.want), []string{"IDENTITY_CHANGES", "CLASS_CHANGES"}) {
			t.Errorf("%d in %v s: %+v", c.n, c.runS, r.Findings)
		}
	}
}

// A client that has no other master is without time: it may be back at the end, and its
// modems were offline. A silence that a client sits out is none.
func TestAMasterThatWasAwayForLongerThanAClientWaitsIsAnError(t *testing.T) {
	for away, want := range map[time.Duration][]string{900 * time.Millisecond: nil, 10 * time.Second: {"ANNOUNCE_TIMEOUT", "SYNC_TIMEOUT"}} {
		w := locked(t, world{delay: time.Microsecond, announce: good}, Config{})
		w.run(t, 0, 30)
		for silent := time.Duration(0); silent < away; silent += time.Second / 8 {
			w.c.Poll(at(30*time.Second + silent))
		}
		r := w.c.Report(at(30*time.Second + away))
		if r.Judge(); want != nil && !slices.Contains(codes(r, anError), "ANNOUNCE_TIMEOUT") {
			t.Errorf("stopped: %s %+v", r.Verdict, r.Findings)
		}
		w.run(t, 30*time.Second+away, 30)
		r = w.c.Report(at(60*time.Second + away))
		r.Judge()
		if r.State != PhaseAligned.String() || !slices.Equal(codes(r, anError), want) || (r.Verdict == "pass") != (want == nil) {
			t.Errorf("back again after %v: %s, %s %+v", away, r.State, r.Verdict, r.Findings)
		}
	}
}

// A master that takes its grants back leaves a client without time: it fails, whether it
// is back at the end or not, and what the client saw is told. A CANCEL that costs no Sync
// is a warning.
func TestAMasterThatTakesItsGrantsBackFailsWhereTheClientLosesSync(t *testing.T) {
	for name, c := range map[string]struct {
		flows []unicast.Flow
		away  time.Duration // until they are granted again
		after int           // s, that the master serves then
		grave string
		says  string
	}{
		"drained":              {[]unicast.Flow{unicast.Announce, unicast.Sync, unicast.DelayResp}, 10 * time.Second, 0, anError, "took back 3 grants, and the client lost Sync: it was in HOLDOVER for 10 s"},
		"drained, just back":   {[]unicast.Flow{unicast.Announce, unicast.Sync, unicast.DelayResp}, 16 * time.Second, 3, anError, "in HOLDOVER for 16 s"},
		"drained, back":        {[]unicast.Flow{unicast.Announce, unicast.Sync, unicast.DelayResp}, 16 * time.Second, 30, anError, "in HOLDOVER for 16 s"},
		"Delay_Resp for 16 s":  {[]unicast.Flow{unicast.DelayResp}, 0, 30, aWarning, "took back 1 grant."},
		"Sync, back after 2 s": {[]unicast.Flow{unicast.Sync}, 2 * time.Second, 30, anError, "in HOLDOVER for 2 s"},
	} {
		w := locked(t, world{delay: time.Microsecond, announce: good}, Config{})
		w.run(t, 0, 30)
		end := 30 * time.Second
		for _, f := range c.flows {
			w.c.Receive(at(end), false, gmAddr, signaling(wire.UnicastCancel{MessageType: f.MessageType()}), timescale.Mono{})
		}
		for back := end + c.away; end < back; end += time.Second / 8 {
			w.c.Poll(at(end))
		}
		if c.after > 0 {
			for _, f := range c.flows {
				w.c.give(at(end), f.MessageType(), w.c.cfg.LogIntervals[f], 300)
			}
			w.run(t, end, c.after)
			end += time.Duration(c.after) * time.Second
		}
		r := w.c.Report(at(end))
		r.Judge()
		i := slices.IndexFunc(r.Findings, func(f Finding) bool { return f.Code == "CANCELLED" })
		if slices.ContainsFunc(r.Findings, func(f Finding) bool { return f.Code == "RATE_LOW" }) {
			t.Errorf("%s: what was not granted is missed: %+v", name, r.Findings)
		}
		if i < 0 || r.Findings[i].Severity != c.grave || !strings.Contains(r.Findings[i].Text, c.says) || (r.Verdict == "fail") != (c.grave == anError) {
			t.Errorf("%s: %s, %+v, moves %+v; want %s with %q", name, r.Verdict, r.Findings, r.Moves, c.grave, c.says)
		}
	}
}

// A message that is held up on the way, with those behind it, is not lost.
func TestAHeldUpMessageIsNotLostWhereNumbersAreShared(t *testing.T) {
	w := newClient(t, Config{})
	var n numbers
	for i := range 2000 {
		arrives := at(time.Duration(i) * time.Second / 32)
		if i%40 < 4 {
			arrives = at(time.Duration(i-i%40+4) * time.Second / 32)
		}
		w.see(unicast.Sync, arrives, uint16(3*i), &n)
	}
	if n.Holes != 0 || n.lost() != 0 {
		t.Errorf("%+v", n)
	}
}

// A master that counts the Syncs of all its clients in one sequence loses none. What is
// lost all the same is told by the time between them.
func TestSequenceNumbersThatClientsShareAreNoLoss(t *testing.T) {
	for _, c := range []struct{ others, drop, lost int }{{0, 4, 479}, {1, 0, 0}, {2, 0, 0}, {2, 50, 38}, {999, 0, 0}} {
		r := judged(t, world{delay: time.Microsecond, announce: good, skip: c.others, drop: c.drop}, Config{}, nil)
		if lost := int(r.Lost["sync"]); lost < c.lost-1 || lost > c.lost+1 || slices.Contains(codes(r, aWarning), "LOST") != (c.lost > 0) ||
			(r.Verdict == "pass") != (c.drop != 4) || slices.Contains(codes(r, aNote), "SHARED_NUMBERS") != (c.others == 1 || c.others == 2) {
			t.Errorf("%d others, each %d-th lost: %s, %d lost, %+v", c.others, c.drop, r.Verdict, lost, r.Findings)
		}
	}
}

// A master that multicasts with the same counter, as ptp4l does with unicast_listen, loses
// nothing by it, however seldom that is. A loss beside it is still found.
func TestMulticastThatSharesTheNumbersIsNoLoss(t *testing.T) {
	for _, c := range []struct {
		also, drop int
		lost       bool
	}{{32, 0, false}, {100, 0, false}, {300, 0, false}, {2, 0, false}, {32, 20, true}, {0, 20, true}, {0, 300, true}} {
		r := judged(t, world{delay: time.Microsecond, announce: good, also: c.also, drop: c.drop}, Config{}, nil)
		if slices.Contains(codes(r, aWarning), "LOST") != c.lost || slices.Contains(codes(r, aNote), "SHARED_NUMBERS") != (!c.lost) {
			t.Errorf("a multicast of %d, each %d-th lost: %d lost, %+v", c.also, c.drop, r.Lost["sync"], r.Findings)
		}
	}
}

// Where nothing of a flow could be used, what came instead is told, and only where nothing
// came is there a filter to look for.
func TestWhatCameInThePlaceOfAFlowIsTold(t *testing.T) {
	for name, c := range map[string]struct {
		world world
		code  string
		says  []string
	}{
		"nothing":           {world{drop: 1}, "NO_SYNC", []string{"none came"}},
		"another's Syncs":   {world{send: func(s *wire.Sync) { s.Source.Port = 7 }}, "NO_SYNC", []string{"640 messages came, but from another port identity (" + gm.Clock.String() + "-7)"}},
		"broken Syncs":      {world{send: func(s *wire.Sync) { s.OriginTimestamp.Nanoseconds = 1_000_000_000 }}, "NO_SYNC", []string{"640 messages came, and none has the form"}},
		"another's answers": {world{answer: func(r *wire.DelayResp) { r.Requesting.Port = 2 }}, "NO_DELAY_RESP", []string{"messages came, but to another port identity (" + me.Clock.String() + "-2)"}},
		"broken answers":    {world{answer: func(r *wire.DelayResp) { r.ReceiveTimestamp.Nanoseconds = 1_000_000_000 }}, "NO_DELAY_RESP", []string{"and none has the form"}},
		"no Announce":       {world{announce: changed(func(a *wire.Announce) { a.Source.Port = 7 })}, "NO_ANNOUNCE", []string{"but from another port identity"}},
		"t4 = 0":            {world{answer: func(r *wire.DelayResp) { r.ReceiveTimestamp = wire.Timestamp{} }}, "DELAY_RESP_TIME", []string{"(for 20 seconds)", "(for 19 seconds)"}},
	} {
		c.world.delay = time.Millisecond
		if c.world.announce == nil {
			c.world.announce = good
		}
		w := locked(t, c.world, Config{})
		w.run(t, 0, 20)
		r := w.c.Report(at(20 * time.Second))
		r.Judge()
		var told []string
		for _, f := range r.Findings {
			if f.Severity == anError && f.Code != "NOT_ALIGNED" {
				told = append(told, f.Code+" "+f.Text)
			}
		}
		if len(told) != 1 || !strings.HasPrefix(told[0], c.code) || !slices.ContainsFunc(c.says, func(s string) bool { return strings.Contains(told[0], s) }) {
			t.Errorf("%s: %q; want %s with %q alone", name, told, c.code, c.says)
		}
	}
}

// A grant that ran out because nobody answered the requests to renew it is named, and a
// master that had fallen silent before is not told so.
func TestAGrantThatWasNotRenewedIsNamed(t *testing.T) {
	for serves, want := range map[int]string{10: "announce once, sync once, delay_resp once", 5: ""} {
		w := &world{c: newClient(t, Config{}), delay: time.Millisecond, announce: good}
		sent(t, w.c, start)
		for f, log := range w.c.cfg.LogIntervals {
			w.c.give(start, unicast.Flow(f).MessageType(), log, 10)
		}
		w.run(t, 0, serves)
		for s := serves * 8; s < 14*8; s++ {
			w.c.Poll(at(time.Duration(s) * time.Second / 8))
		}
		r := w.c.Report(at(14 * time.Second))
		r.Judge()
		i := slices.IndexFunc(r.Findings, func(f Finding) bool { return f.Code == "NOT_RENEWED" })
		if (i >= 0) != (want != "") || i >= 0 && (!strings.Contains(r.Findings[i].Text, want) || r.Findings[i].Severity != anError) {
			t.Errorf("a master that serves for %d s: %+v", serves, r.Findings)
		}
	}
}

func TestNoAnswerADenialAndAnotherDomainAreToldApart(t *testing.T) {
	for name, c := range map[string]struct {
		do   func(*Client)
		want string
	}{
		"no answer": {func(*Client) {}, "NO_ANSWER"},
		"denied":    {func(c *Client) { c.give(start, wire.TypeSync, -5, 0) }, "DENIED"},
		"another domain": {func(c *Client) {
			h := head(1, 0x7F)
			h.Domain = 5
			m := wire.Announce{Header: h}
			c.Receive(start, false, gmAddr, m.Append(nil), timescale.Mono{})
		}, "WRONG_DOMAIN"},
	} {
		client := newClient(t, Config{})
		sent(t, client, start)
		c.do(client)
		r := client.Report(at(20 * time.Second))
		r.Judge()
		if !slices.Contains(codes(r, anError), c.want) || r.Verdict != "fail" {
			t.Errorf("%s: %s %+v", name, r.Verdict, r.Findings)
		}
	}
}

// What the network and this machine say is told, and stands in the place of "no
// answer". Once the master serves it is a warning.
func TestWhyNothingArrivesIsTold(t *testing.T) {
	for want, say := range map[string]func(*Chooser){
		"NOT_SENT":     func(c *Chooser) { c.NotSent(gmAddr, errors.New("network is unreachable (100% sure)")) },
		"PORT_CLOSED":  func(c *Chooser) { c.Undelivered(gmAddr, true) },
		"NO_NEIGHBOUR": func(c *Chooser) { c.Undelivered(gmAddr, false) },
	} {
		w := locked(t, world{delay: time.Microsecond, announce: good}, Config{})
		fresh := &Chooser{candidates: []*candidate{{address: gmAddr, client: newClient(t, Config{})}}}
		sent(t, fresh.candidates[0].client, start)
		fresh.NotSent(netip.MustParseAddr("10.0.0.9"), errors.New("another's"))
		fresh.Undelivered(netip.MustParseAddr("10.0.0.9"), true)
		say(fresh)
		r := fresh.Report(at(20 * time.Second))
		if r.Judge(); r.Verdict != "fail" || !slices.Equal(codes(r, anError), []string{want}) || strings.Contains(r.Findings[0].Text, "%!") {
			t.Errorf("%+v; want %s alone", r.Findings, want)
		}
		w.run(t, 0, 30)
		serving := &Chooser{candidates: []*candidate{{address: gmAddr, client: w.c}}}
		say(serving)
		r = serving.Report(at(30 * time.Second))
		if r.Judge(); r.Verdict != "pass" || !slices.Equal(codes(r, aWarning), []string{want}) {
			t.Errorf("once, at a master that serves: %+v", r.Findings)
		}
	}
}

func TestUTCInThePlaceOfTAIIsAnErrorAndTAIIsNot(t *testing.T) {
	for ahead, want := range map[float64]string{0.2: "UTC_FOR_TAI", -1.5: "UTC_FOR_TAI", 37.01: "", 3600: "DATE"} {
		w := locked(t, world{delay: time.Microsecond, announce: good}, Config{})
		w.run(t, 0, 30)
		r := w.c.Report(at(30 * time.Second))
		r.AheadOfUTCS = &ahead
		r.Judge()
		all := append(codes(r, anError), codes(r, aWarning)...)
		if want == "" && len(all) > 0 || want != "" && !slices.Contains(all, want) {
			t.Errorf("%v s ahead of UTC: %+v", ahead, r.Findings)
		}
	}
}

// A client may take 35 minutes. What is left of them is told while it waits, and it is
// an error when they cannot be enough, or are over.
func TestTheThirtyFiveMinutesOfAClientAreCounted(t *testing.T) {
	noise := rand.New(rand.NewPCG(3, 4))
	for _, c := range []struct {
		name    string
		seconds int
		uneven  bool
		left    float64 // s; -1: in phase
		want    string
	}{
		{"in phase", 30, false, -1, ""},
		{"just begun", 2, false, 2098, "NOT_ALIGNED"},
		{"one minute of an uneven way", 60, true, 2040, "NOT_ALIGNED"},
		{"three minutes of an uneven way", 180, true, 1920, "LOCK_OUT_OF_REACH"},
		{"35 minutes of it", 2101, true, 0, "LOCK_TOO_LATE"},
	} {
		w := world{delay: time.Millisecond, announce: good}
		if c.uneven {
			n, off := 0, time.Duration(0)
			w.egress = func() time.Duration {
				if n++; n%32 == 1 {
					off = time.Duration(noise.IntN(1_400_000) - 700_000)
				}
				return off
			}
		}
		l := locked(t, w, Config{LogIntervals: &[unicast.Flows]int8{-3, -5, -5}})
		for f := range l.c.said {
			l.c.give(start, unicast.Flow(f).MessageType(), l.c.cfg.LogIntervals[f], 10_000)
		}
		l.run(t, 0, c.seconds)
		r := l.c.Report(at(time.Duration(c.seconds) * time.Second))
		r.Judge()
		errors := codes(r, anError)
		if c.want == "" && (r.LockLeftS != nil || len(errors) > 0) {
			t.Errorf("%s: %v left, %v", c.name, *r.LockLeftS, errors)
		}
		if c.want != "" && (r.LockLeftS == nil || math.Abs(*r.LockLeftS-c.left) > 1 || !slices.Equal(errors, []string{c.want})) {
			t.Errorf("%s: %s, %v left, %+v; want %v, %s", c.name, r.State, r.LockLeftS, r.Findings, c.left, c.want)
		}
	}
}
