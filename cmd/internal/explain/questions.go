package explain

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"net/netip"
	"slices"
	"strings"

	"bragi/cmd/internal/alarms"
	"bragi/cmd/internal/status"
	"bragi/master"
)

type question struct {
	text string
	// look answers; asked is false where the question makes no sense.
	look func(*view) (check Check, asked bool)
}

func ok(format string, values ...any) (Check, bool) {
	return Check{Verdict: Good, Evidence: fmt.Sprintf(format, values...)}, true
}

func open(format string, values ...any) (Check, bool) {
	return Check{Verdict: Open, Evidence: fmt.Sprintf(format, values...)}, true
}

func bad(cause, action, format string, values ...any) (Check, bool) {
	return Check{Verdict: Bad, Evidence: fmt.Sprintf(format, values...), cause: cause, action: action}, true
}

// withheld is what keeps all time from the client.
func withheld(cause, action, format string, values ...any) (Check, bool) {
	check, asked := bad(cause, action, format, values...)
	check.withholds = true
	return check, asked
}

// questions are in the order in which a field engineer asks them: our side first.
var questions = []question{
	{"Is this grandmaster locked to its source?", source},
	{"Does it serve?", serves},
	{"Is the way out of it in order?", wayOut},
	{"Has this client been heard?", heard},
	{"Does what is sent to it arrive?", arrives},
	{"Is it in our domain?", inDomain},
	{"May it be a client?", allowed},
	{"Are its requests granted?", granted},
	{"Does it renew its grants?", renews},
	{"Do its Delay_Req come, at their rate?", delayReqs},
	{"Are they answered?", answered},
	{"What does it say itself?", itself},
	{"Do its packets carry priority?", priority},
}

func source(v *view) (Check, bool) {
	c := v.Clock
	words := fmt.Sprintf("%s (%s), class %d", c.State, c.StateName, c.ClockClass)
	switch {
	case c.State == "PHASE_ALIGNED" && c.ClockClass == 6:
		return ok("%s", words)
	case c.ClockClass == 6 || c.ClockClass == 7:
		return ok("%s: in spec; the clients stay in phase", words)
	}
	return bad("This grandmaster is not in spec: clients follow a time that is not traceable, or refuse it.", worst(v), "%s", words)
}

// worst is what to do about the most severe alarm.
func worst(v *view) string {
	for _, a := range v.Alarms {
		if a.Severity == "critical" || a.Severity == "major" {
			return fmt.Sprintf("%s: %s", a.Code, remedy(&a))
		}
	}
	return "bragi show clock tells why."
}

func serves(v *view) (Check, bool) {
	why := "it sends no time: " + strings.Join(v.Clock.Why, "; ")
	c := v.Clock
	switch missing := alarmed(v, alarms.AddressMissing); {
	case c.Serving:
		return ok("it serves, %d of at most %d clients", v.Master.Clients, v.Master.MaxClients)
	case c.Draining && c.Squelched:
		return withheld("This grandmaster is drained, and master.squelch lets nobody be served at its class.",
			"End the drain: bragi drain --end. "+unsquelch(v), "%s", why)
	case c.Draining:
		return withheld("This grandmaster is drained: clients are sent away, and nobody gets a grant.", "End the drain: bragi drain --end.", "%s", why)
	case c.Squelched:
		return withheld("master.squelch lets nobody be served at the class of this grandmaster.", unsquelch(v), "%s", why)
	case missing != nil:
		return withheld("No interface has the address that clients ask.", remedy(missing), "%s", why)
	}
	return withheld("This grandmaster does not serve now: its clock has no time that it may tell.", worst(v), "%s", why)
}

// unsquelch is what to do about a clock that master.squelch does not serve.
func unsquelch(v *view) string {
	for _, a := range v.Alarms {
		if (a.Severity == "critical" || a.Severity == "major") && a.Code != string(alarms.Squelched) {
			return fmt.Sprintf("%s: %s; or set master.squelch = \"never\".", a.Code, remedy(&a))
		}
	}
	return "Repair the reference (bragi show clock tells why), or set master.squelch = \"never\"."
}

// alarmed is the alarm of a code that stands, nil: none.
func alarmed(v *view, code alarms.Code) *status.Alarm {
	for i := range v.Alarms {
		if v.Alarms[i].Code == string(code) {
			return &v.Alarms[i]
		}
	}
	return nil
}

// told is what an alarm says, with what is wrong just now.
func told(a *status.Alarm) string {
	if a.Detail == "" {
		return a.Code + ": " + a.Text
	}
	return a.Code + ": " + a.Text + ": " + a.Detail
}

// remedy is what to do about an alarm. One that sends its reader to the alarm's detail has it.
func remedy(a *status.Alarm) string {
	if a.Detail == "" || !strings.Contains(a.Fix, "detail") {
		return a.Fix
	}
	return a.Fix + " (the detail: " + a.Detail + ")"
}

func wayOut(v *view) (Check, bool) {
	const cause = "The network side of this grandmaster is in trouble."
	for _, code := range []alarms.Code{alarms.LinkDown, alarms.AddressMissing} {
		if a := alarmed(v, code); a != nil {
			return withheld(cause, remedy(a), "%s", told(a))
		}
	}
	// It is told also where the only client is off: of that one it says nothing about us.
	if a := alarmed(v, alarms.ServiceLost); a != nil && len(v.Clients) > len(v.clients) {
		return withheld(cause, remedy(a), "%s", told(a))
	} else if a != nil {
		return open("%s, and no other client is here to tell whether it is our network or this client", told(a))
	}
	for _, code := range []alarms.Code{alarms.HardwareStamps, alarms.ResidualHigh, alarms.NoReceiveStamps} {
		if a := alarmed(v, code); a != nil {
			return bad(cause, remedy(a), "%s", told(a))
		}
	}
	return ok("%s is up, and has no alarm", cmp.Or(v.Master.Interface, "the network"))
}

func heard(v *view) (Check, bool) {
	switch {
	case len(v.clients) > 0:
		c := latest(v.clients)
		return ok("last %s ago, from %s, looks like: %s", seconds(c.LastS), c.Identity, cmp.Or(c.Kind, "unknown"))
	case len(v.denied) > 0:
		return ok("last %s ago, refused", seconds(v.denied[0].AgoS))
	}
	if v.gone != nil {
		return open("not now: its last grant ended %s ago (%s)", seconds(*v.gone.GoneS), v.gone.GoneWhy)
	}
	return open("not now: it has no grant, and nothing of it was refused lately. Of a client that has left only the log tells (bragi show log)")
}

// arrives is what the network says of this client (ICMP), or of the way to it.
func arrives(v *view) (Check, bool) {
	if len(v.clients) == 0 {
		return Check{}, false
	}
	if c := latest(v.clients); c.Unreachable != "" {
		return withheld("What is sent to this client does not arrive.", "Look whether the client runs and its network is up. Then look at the path to it.", "%s", c.Unreachable)
	}
	return ok("nothing says that it does not")
}

func latest(clients []status.Client) status.Client {
	return slices.MinFunc(clients, func(a, b status.Client) int { return cmp.Compare(a.LastS, b.LastS) })
}

// refused is the newest refusal for one of the reasons, unless all of the client's grants
// were given since: what happened before them is past.
func refused(v *view, reasons ...master.Reason) (status.Denied, bool) {
	for _, d := range v.denied {
		for _, r := range reasons {
			if d.Reason == r.String() && !(served(v) && lastGiven(latest(v.clients).Grants) < d.AgoS) {
				return d, true
			}
		}
	}
	return status.Denied{}, false
}

// lastGiven is how long ago, in s, the oldest of the grants was given.
func lastGiven(grants status.Grants) float64 {
	oldest := 0.0
	for _, g := range []*status.Grant{grants.Announce, grants.Sync, grants.DelayResp} {
		if g != nil {
			oldest = max(oldest, g.GivenS)
		}
	}
	return oldest
}

func inDomain(v *view) (Check, bool) {
	if d, found := refused(v, master.WrongDomain); found && d.Domain != v.Master.Domain {
		return withheld(fmt.Sprintf("The client is in domain %d, this grandmaster in domain %d.", d.Domain, v.Master.Domain),
			fmt.Sprintf("Set domain %d at the client (or master.domain here).", v.Master.Domain),
			"%d messages of domain %d, the last %s ago", d.Count, d.Domain, seconds(d.AgoS))
	}
	if len(v.clients) == 0 {
		return Check{}, false
	}
	return ok("domain %d", v.Master.Domain)
}

func allowed(v *view) (Check, bool) {
	prefix, denied, refusedNow := unwelcome(v)
	d, found := refused(v, master.AddressDenied)
	told := fmt.Sprintf("%d messages refused, the last %s ago", d.Count, seconds(d.AgoS))
	switch {
	case denied && !served(v):
		if !found {
			told = prefix + " is in master.deny"
		}
		return withheld("The client's address is denied: its requests are refused.", fmt.Sprintf("Take %s out of master.deny, then bragi reload.", prefix), "%s", told)
	case refusedNow && !served(v), v.Master.Welcome == nil && found:
		if !found {
			told = "master.allow has " + cmp.Or(strings.Join(v.Master.Welcome.Allow, ", "), "no address")
		}
		return withheld("The client's address is not allowed: its requests are refused.", fmt.Sprintf("Add %q to master.allow, then bragi reload.", v.address), "%s", told)
	case !v.heard() && v.Master.Welcome == nil:
		return Check{}, false
	case len(v.clients) > 0 && !latest(v.clients).Trusted:
		return ok("yes, but it is not trusted: it gets at most five times the octets that it sends")
	}
	return ok("yes")
}

// unwelcome tells whether the master refuses the address. denied: because of this prefix
// of master.deny.
func unwelcome(v *view) (prefix string, denied, refused bool) {
	address, err := netip.ParseAddr(v.address)
	if err != nil || v.Master.Welcome == nil {
		return "", false, false
	}
	within := func(prefixes []string) string {
		for _, text := range prefixes {
			if p, err := netip.ParsePrefix(text); err == nil && p.Contains(address) {
				return text
			}
		}
		return ""
	}
	if prefix = within(v.Master.Welcome.Deny); prefix != "" {
		return prefix, true, true
	}
	return "", false, within(v.Master.Welcome.Allow) == ""
}

// remedies are what to do about a refused message.
var remedies = map[master.Reason]string{
	master.IntervalTooShort: "Ask for a slower interval at the client.",
	master.IntervalTooLong:  "Ask for a faster interval at the client.",
	master.DurationTooShort: "Ask for 300 s at the client.",
	master.TableFull:        "Raise master.max_clients, and look in bragi show clients for rows that nobody needs.",
	master.OverBudget:       "The grandmaster sends as much as it may: ask for slower intervals at the clients.",
	master.NotServing:       "bragi show clock tells why the grandmaster does not serve.",
	master.Draining:         "End the drain: bragi drain --end.",
	master.NoCredit:         "If the address is really the client's, add it to master.trusted, then bragi reload.",
	master.RateLimited:      "The client sends Signaling far too often: look at its log.",
	master.WrongTarget:      "The client asks another clock's identity: this box replaced another one. Clear the client's master, or restart its PTP.",
	master.OwnIdentity:      "Two boxes have one clock identity: look for a copied MAC address.",
	master.NoStamp:          "The network port gives no receive stamps: bragi show hardware tells why.",
	master.TooFast:          "The client sends at more than twice its granted rate: look at its delay-req interval.",
	master.NoGrant:          "The client sends Delay_Req without a grant: look at its log; it may have missed the end of its grant.",
}

func granted(v *view) (Check, bool) {
	if d, found := refused(v, slices.Sorted(maps.Keys(remedies))...); found {
		refusal := bad
		if !served(v) {
			refusal = withheld
		}
		return refusal("The client's requests are refused: "+d.Reason+".", remedyFor(d.Reason), "%d refusals, the last %s ago: %s", d.Count, seconds(d.AgoS), d.Reason)
	}
	if len(v.clients) == 0 {
		return Check{}, false
	}
	c := latest(v.clients)
	var lacks []string
	for name, g := range map[string]*status.Grant{"Announce": c.Grants.Announce, "Sync": c.Grants.Sync, "Delay_Resp": c.Grants.DelayResp} {
		if g == nil {
			lacks = append(lacks, name)
		}
	}
	slices.Sort(lacks)
	if c.OutOfCredit && !silent(c) {
		why := "its Delay_Req are too few for what it was granted"
		if c.DelayReq == 0 {
			why = "no Delay_Req of it came"
		}
		return bad("The client's address is not trusted and its credit is used up: "+why+", and it gets at most five times the octets that it sends.",
			fmt.Sprintf("If it sends Delay_Req, let them pass to UDP port %d here. If it takes Sync or Announce alone, add it to master.trusted, then bragi reload.", v.Master.EventPort),
			"granted, but held back for want of credit: %d messages so far", c.Paused)
	}
	if len(lacks) == 0 {
		return ok("Announce %s, Sync %s, Delay_Resp %s", rate(c.Grants.Announce), rate(c.Grants.Sync), rate(c.Grants.DelayResp))
	}
	missing := strings.Join(lacks, " and ")
	return bad("The client has no grant for "+missing+".",
		"Look at the client: it asks for each kind by itself, first Announce, then Sync and Delay_Resp. With `sync one-step` in its configuration it needs no Follow_Up.",
		"no grant for %s; last denial: %s", missing, cmp.Or(c.LastDenial, "none"))
}

func rate(g *status.Grant) string {
	return fmt.Sprintf("%.4g/s", math.Exp2(-float64(g.Interval)))
}

func renews(v *view) (Check, bool) {
	if !served(v) {
		return Check{}, false
	}
	c := latest(v.clients)
	if g := c.Grants.Sync; c.LastS > 2 && g.ExpiresS < c.LastS && c.LastS > 30 {
		return bad("The client is silent: its grants run out and it does not renew them.", "Look whether the client runs, and at the path from it to here.",
			"silent for %s, its Sync grant ends in %s", seconds(c.LastS), seconds(g.ExpiresS))
	}
	return ok("%d renewals, the Sync grant ends in %s", c.Renewals, seconds(c.Grants.Sync.ExpiresS))
}

func delayReqs(v *view) (Check, bool) {
	if !served(v) || latest(v.clients).Grants.DelayResp == nil {
		return Check{}, false
	}
	c := latest(v.clients)
	want := math.Exp2(float64(c.Grants.DelayResp.Interval))
	switch {
	case c.DelayReq == 0 && c.SinceS < 5:
		return open("none yet; the client came %s ago", seconds(c.SinceS))
	case c.DelayReq == 0:
		return bad("The client gets Sync but sends no Delay_Req: it cannot measure the delay.",
			fmt.Sprintf("Look whether Sync and Announce reach the client, and whether UDP port %d passes from it to here.", v.Master.EventPort), "none in %s", seconds(c.SinceS))
	case silent(c):
		return bad("The client is silent: it sent Delay_Req, and sends none now.", "Look whether the client runs, and at the path from it to here.",
			"%d, and nothing for %s", c.DelayReq, seconds(c.LastS))
	case c.DelayReqIntervalS != nil && *c.DelayReqIntervalS > 3*want:
		return bad("Delay_Req come at less than a third of their rate: they are lost on the way here.", "Look for drops on the path from the client (queue, policer).",
			"%d, one each %.3f s in the place of %.4f s", c.DelayReq, *c.DelayReqIntervalS, want)
	}
	if c.DelayReqIntervalS == nil {
		return ok("%d", c.DelayReq)
	}
	return ok("%d, one each %.4f s", c.DelayReq, *c.DelayReqIntervalS)
}

// silent tells whether a client that sent Delay_Req sends nothing now. That its credit is
// used up then is no cause.
func silent(c status.Client) bool {
	return c.DelayReq > 0 && c.Grants.DelayResp != nil && c.LastS > math.Max(5, 8*math.Exp2(float64(c.Grants.DelayResp.Interval)))
}

func answered(v *view) (Check, bool) {
	if !served(v) {
		return Check{}, false
	}
	c := latest(v.clients)
	var reasons []string
	var sum uint64
	for _, r := range slices.Sorted(maps.Keys(c.Unanswered)) {
		sum += c.Unanswered[r]
		reasons = append(reasons, fmt.Sprintf("%d: %s", c.Unanswered[r], r))
	}
	if sum*10 > c.DelayReq {
		return bad("Many Delay_Req stay without an answer: "+strings.Join(reasons, "; ")+".", remedyOf(c.Unanswered),
			"%d of %d without an answer", sum, c.DelayReq)
	}
	if sum > 0 {
		return ok("all but %d (%s)", sum, strings.Join(reasons, "; "))
	}
	return ok("all")
}

// farOff is how far a client's clock may be from ours before it counts as out of phase:
// software stamps differ by less.
const farOff = 100e3 // ns

// What to do about a client that follows another clock, and one that is out of phase.
const (
	followsAnother = "Look why: compare the priorities and classes of both (BMCA), and the client's list of masters."
	servoAction    = "Look at the client's servo and stamps: its log says whether it still steps or slews. Look at the path for load in one direction."
)

// itself is what the client says of itself, where it is asked.
func itself(v *view) (Check, bool) {
	for _, c := range v.clients {
		s := c.Says
		if s == nil {
			continue
		}
		switch {
		case s.Source == status.SourceSlaveEvent:
			return byItself(s)
		case s.Source == "":
			return open("nothing: it does not answer NetSync Monitor. Only linuxptp does, with net_sync_monitor 1 (before version 4.0 with hybrid_e2e 1 too)")
		case s.Silent:
			return open("nothing now; %s ago it was %s, %+.1f us off", seconds(*s.AgeS), s.PortState, *s.OffsetNs/1e3)
		case !s.FollowsUs:
			return bad("The client follows another clock: "+s.Parent+".", followsAnother,
				"%s, grandmaster %s of class %d", s.PortState, s.Grandmaster, s.ClockClass)
		case s.PortState != "SLAVE":
			return open("its port is %s: it has not chosen, or not measured, its master yet", s.PortState)
		case math.Abs(*s.OffsetNs) > farOff:
			return bad(fmt.Sprintf("The client follows this grandmaster, but its clock is %+.1f us off.", *s.OffsetNs/1e3),
				servoAction,
				"SLAVE; measured from here %+.1f us, by itself %+.1f us", *s.OffsetNs/1e3, *s.OwnOffsetNs/1e3)
		}
		return ok("SLAVE, follows us; measured from here %+.1f us off, by itself %+.1f us", *s.OffsetNs/1e3, *s.OwnOffsetNs/1e3)
	}
	return Check{}, false
}

// oldWord is when what a client told by itself counts no more.
const oldWord = 60 // s

// byItself is what a client tells unasked.
func byItself(s *status.Says) (Check, bool) {
	switch {
	case *s.AgeS > oldWord:
		return open("nothing now; its last slave event data came %s ago", seconds(*s.AgeS))
	case !s.FollowsUs:
		return bad("The client follows another clock: "+s.Parent+".", followsAnother, "its slave event data is of Syncs of %s", s.Parent)
	case s.OwnOffsetNs == nil:
		return open("it sends slave event data of our Syncs, without a valid offset: it has not measured its master yet")
	case math.Abs(*s.OwnOffsetNs) > farOff:
		return bad(fmt.Sprintf("The client follows this grandmaster, but says that its clock is %+.1f us off.", *s.OwnOffsetNs/1e3), servoAction, "by its slave event data %+.1f us", *s.OwnOffsetNs/1e3)
	}
	return ok("follows us; by its slave event data %+.1f us off", *s.OwnOffsetNs/1e3)
}

// remedyOf is what to do about the most frequent reason.
func remedyOf(unanswered map[string]uint64) string {
	most := ""
	for _, reason := range slices.Sorted(maps.Keys(unanswered)) {
		if most == "" || unanswered[reason] > unanswered[most] {
			most = reason
		}
	}
	return remedyFor(most)
}

func remedyFor(words string) string {
	for reason, remedy := range remedies {
		if reason.String() == words {
			return remedy
		}
	}
	return "bragi show client tells the reasons."
}

func priority(v *view) (Check, bool) {
	if len(v.clients) == 0 {
		return Check{}, false
	}
	if c := latest(v.clients); c.DSCP != 46 && c.DSCP != 47 {
		return open("its packets arrive with DSCP %d; 47 is usual, and a queue on the way may delay them", c.DSCP)
	}
	return ok("DSCP %d", latest(v.clients).DSCP)
}

// seconds is a time in a unit that reads well.
func seconds(s float64) string {
	s = max(s, 0)
	switch {
	case s < 10:
		return fmt.Sprintf("%.2f s", s)
	case s < 120:
		return fmt.Sprintf("%.0f s", s)
	case s < 7200:
		return fmt.Sprintf("%.0f min", s/60)
	}
	return fmt.Sprintf("%.1f h", s/3600)
}
