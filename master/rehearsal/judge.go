package rehearsal

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"bragi/gnss/timescale"
	"bragi/holdover/quality"
	"bragi/master/unicast"
	"bragi/master/wire"
)

// Finding is one thing that a client's operator should know. Severity is "error",
// "warning" or "note"; an error makes the verdict "fail".
type Finding struct {
	Code     string `json:"code"`
	Severity string `json:"severity"`
	Text     string `json:"text"`
	Action   string `json:"action"`
}

// NothingToDo is the action of a finding that is as it should be.
const NothingToDo = "Nothing to do."

const (
	anError  = "error"
	aWarning = "warning"
	aNote    = "note"
)

// The limits of a verdict.
const (
	ratesAfterS = 12.0 // a rate is of the last 5 to 10 s
	rateShort   = 0.9  // of what was granted
	rateOver    = 1.2
	lostMost    = 1e-3
	longestNs   = 800_000 // one way: the transit delay that DOCSIS allows from the headend to the farthest modem
	spacingPart = 0.5     // of the interval, for 99 of 100 Syncs
	neverAfterS = 5.0     // what has not come by then does not come
	misfitsMost = 3       // s, while a master steps its time
	utcSlackS   = 5.0     // the machine's own clock may be off by so much
	stepSlackNs = 100e6   // of a step that looks like TAI for UTC
)

// Judge fills Verdict and Findings: the gravest first.
func (r *Report) Judge() {
	r.Findings = r.Findings[:0]
	r.judgeGrants()
	if r.Counts["announce"] > 0 {
		r.judgeMaster()
		r.judgeSteps()
	}
	r.judgeMessages()
	r.judgeStamps()
	r.judgeNetwork()
	r.judgeMasters()
	r.judgeLock()
	gravestFirst(r.Findings)
	r.Verdict = "pass"
	if r.has(anError) {
		r.Verdict = "fail"
	}
}

// judgeLock looks at the 35 minutes.
func (r *Report) judgeLock() {
	late := r.LockLeftS != nil && *r.LockLeftS == 0
	switch {
	case r.State == PhaseAligned.String():
	case late:
		r.find(anError, "LOCK_TOO_LATE", "A real client waits no longer. Is the master warm and locked? Is the offset's spread larger than at another client's?",
			"The client was not in phase within 35 minutes; it is in %s.", r.State)
	case r.has(anError):
	case r.LockLeftS != nil && r.followed >= settledWindows && float64(r.followingNs) > r.phaseLimitNs:
		r.find(anError, "LOCK_OUT_OF_REACH", "The packets, or their time stamps, are too uneven: measure with less load, nearer to the master, or with hardware stamps.",
			"The client has followed the master for %d s, and its offset is still %.0f us from one second to the next; in phase is %.0f us. Also %.0f minutes more will not bring it into phase.",
			r.followed, float64(r.followingNs)/1e3, r.phaseLimitNs/1e3, math.Ceil(*r.LockLeftS/60))
	case r.LockLeftS != nil:
		r.find(anError, "NOT_ALIGNED", "Let it run longer (--for 2m). If it stays so, compare the offset and its spread above with another client's.",
			"The client was in %s at the end, not in PHASE_ALIGNED. A client may take 35 minutes; %.0f are left.", r.State, math.Floor(*r.LockLeftS/60))
	default:
		r.find(anError, "NOT_ALIGNED", "Let it run longer (--for 2m). If it stays so, compare the offset and its spread above with another client's.",
			"The client was in %s at the end, not in PHASE_ALIGNED any more.", r.State)
	}
}

// settledWindows is how long the servo takes for certain: after them its offset is the
// packets' and not its own.
const settledWindows = 120

func (r *Report) has(severity string) bool { return contains(r.Findings, severity) }

func contains(findings []Finding, severity string) bool {
	return slices.ContainsFunc(findings, func(f Finding) bool { return f.Severity == severity })
}

func gravestFirst(findings []Finding) {
	rank := []string{anError, aWarning, aNote}
	slices.SortStableFunc(findings, func(a, b Finding) int { return slices.Index(rank, a.Severity) - slices.Index(rank, b.Severity) })
}

func (r *Report) find(severity, code, action, format string, values ...any) {
	r.Findings = append(r.Findings, Finding{code, severity, fmt.Sprintf(format, values...), action})
}

// counted is a number of things in words.
func counted[T int | uint64](n T, one string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %ss", n, one)
}

// times is a number of times in words.
func times(n uint64) string {
	switch n {
	case 1:
		return "once"
	case 2:
		return "twice"
	}
	return fmt.Sprintf("%d times", n)
}

// alone: no master is followed at the end.
func (r *Report) alone() bool {
	return r.State == Holdover.String() || r.State == Freerun.String()
}

// heldOverS is for how many seconds the client was in HOLDOVER in all.
func (r *Report) heldOverS() (sum float64) {
	for i, m := range r.Moves {
		until := r.RunS
		if i+1 < len(r.Moves) {
			until = r.Moves[i+1].AtS
		}
		if m.State == Holdover.String() {
			sum += until - m.AtS
		}
	}
	return sum
}

// judgeWay tells what did not leave, or did not arrive. It is an error where nothing
// came back, or the master is lost. Where the master was heard since, it is over, and
// not why the master is lost now.
func (r *Report) judgeWay(answered bool) (told bool) {
	severity := aWarning
	if !answered || r.alone() {
		severity = anError
	}
	for _, t := range []struct{ count, code, text, action string }{
		{"not_sent", "NOT_SENT", "This machine did not send messages to the master (%s): " + strings.ReplaceAll(r.notSent, "%", "%%") + ".",
			"Look at its network: is there a route to the master (ip route get), from the address of --source?"},
		{"port_closed", "PORT_CLOSED", "Nobody listens at the master's PTP ports (ICMP port unreachable, %s).",
			"Start the master there, or correct --master. A firewall may answer like this too."},
		{"no_neighbour", "NO_NEIGHBOUR", "The master, or the router to it, does not answer ARP (%s).",
			"Is the address right, the machine on, the cable in, and the VLAN the same?"},
	} {
		if n := r.Counts[t.count]; n > 0 {
			told = true
			if r.heardAfter[t.count] {
				r.find(aWarning, t.code, t.action, t.text+" It is over: the master was heard since.", times(n))
				continue
			}
			r.find(severity, t.code, t.action, t.text, times(n))
		}
	}
	return told
}

// judgeMaster judges what a master says of itself, and whether its time is what it
// says. One client and a crowd judge it by this.
func (r *Report) judgeMaster() {
	r.judgeAnnounce()
	r.judgeChanges()
	r.judgeTime()
}

func (r *Report) judgeAnnounce() {
	m := &r.Master
	traceable := traceable(m.Class)
	switch {
	case m.Class == 6:
	case m.Class == 7:
		r.find(aWarning, "HOLDOVER", "Find out why the master has no GNSS: bragi show alarms.", "Class 7: the master is in holdover, in spec.")
	case m.Class == 255:
		r.find(anError, "CLIENT_ONLY", "Ask a grandmaster.", "Class 255: this clock is no master.")
	default:
		r.find(anError, "CLASS", "Find out why the master is not locked: bragi show clock.", "Class %d: the master's time is not traceable.", m.Class)
	}
	if traceable && !(m.Flags.TimeTraceable && m.Flags.FrequencyTraceable) {
		r.find(anError, "FLAGS", "Correct the master: some clients refuse such a master, others believe it.",
			"Class %d, but the flags timeTraceable (%t) and frequencyTraceable (%t) are not both set.", m.Class, m.Flags.TimeTraceable, m.Flags.FrequencyTraceable)
	}
	if !traceable && m.Flags.TimeTraceable {
		r.find(anError, "FLAGS", "Correct the master: it contradicts itself.", "Class %d, but the flag timeTraceable is set.", m.Class)
	}
	if traceable && !m.Flags.PTPTimescale {
		r.find(anError, "TIMESCALE", "Set the master to the PTP timescale (TAI): clients take its time for TAI or drop it.",
			"Class %d with an arbitrary timescale (the flag ptpTimescale is not set).", m.Class)
	}
	if m.Flags.PTPTimescale && !m.Flags.UTCOffsetValid {
		r.find(aWarning, "UTC_OFFSET", "Does the master know of the next leap second? Its table may be old. Clients cannot tell UTC meanwhile.",
			"The UTC offset of %d s is not marked valid.", m.UTCOffset)
	}
	if m.Flags.PTPTimescale && m.Flags.UTCOffsetValid && m.UTCOffset == 0 {
		r.find(aWarning, "NO_UTC_OFFSET", "Correct the master: since 1972 the offset has been 10 s and more.", "The master says that UTC is TAI (an offset of 0 s).")
	}
	r.judgeLeap()
	r.judgeAccuracy()
	if m.Class == 6 && m.TimeSource == "0xa0" {
		r.find(aWarning, "TIME_SOURCE", "Correct the master.", "Class 6, but the time source is its own oscillator (0xa0).")
	}
	if m.Domain >= 44 && m.Domain <= 63 {
		r.find(aNote, "DOMAIN", "Use 0 to 43 unless all devices follow G.8275.2.", "Domain %d belongs to the telecom profile G.8275.2.", m.Domain)
	}
	if m.StepsRemoved >= noSteps {
		r.find(anError, "STEPS_REMOVED", "Correct the master, or the boundary clocks above it: do they announce to each other in a ring?",
			"The master says that it is %d steps away from its grandmaster. Clients drop an Announce with 255 steps or more (9.3.2.5).", m.StepsRemoved)
	}
	if m.grandmaster == (wire.ClockIdentity{}) || m.grandmaster == wire.AllClocks {
		r.find(anError, "IDENTITY", "Give the grandmaster a clock identity of its own, made of a MAC address.",
			"The grandmaster's clock identity is %s: no clock may have it.", m.Identity)
	}
}

// judgeLeap: a leap second comes at the end of June or December only, and is announced
// for the last 12 hours before it.
func (r *Report) judgeLeap() {
	const announced, late = 12 * time.Hour, time.Minute // a master may be late to take it back
	m := &r.Master
	switch {
	case m.Flags.Leap59 && m.Flags.Leap61:
		r.find(anError, "LEAP", "Correct the master.", "The flags for 59 and for 61 seconds are set together.")
	case !m.Flags.Leap59 && !m.Flags.Leap61 || r.served == nil:
	default:
		utc, _ := timescale.Builtin().ToUTC(*r.served)
		if !timescale.LeapPossible(utc.Add(-late), utc.Add(announced+late)) {
			seconds := 61
			if m.Flags.Leap59 {
				seconds = 59
			}
			r.find(anError, "LEAP", "Correct the master: clients that believe it are wrong by a second at midnight.",
				"The flag for %d seconds is set on %s UTC. A leap second comes at the end of June or December only, and is announced in the 12 hours before it.", seconds, utc.String()[:10])
		}
	}
}

// The accuracy that class 6 may announce, ns. A PRTC is within 100 ns.
const (
	accuracyWide    = 100e3
	accuracyTooWide = 1e6
)

func (r *Report) judgeAccuracy() {
	m := &r.Master
	limit := quality.AccuracyLimitNs(m.accuracy)
	switch {
	case m.Class != 6:
	case m.accuracy == quality.AccuracyUnknown:
		r.find(aWarning, "ACCURACY", "Correct the master: clients cannot choose between masters.", "Class 6, but the clock accuracy is unknown (0xfe).")
	case limit > accuracyWide:
		severity := aWarning
		if limit > accuracyTooWide {
			severity = anError
		}
		r.find(severity, "ACCURACY", "Find out why the master is not sure of its time. Class 6 is for a clock that is locked to its source.",
			"Class 6, but the clock accuracy is %s (%s).", quality.AccuracyName(m.accuracy), m.Accuracy)
	}
}

// judgeChanges looks at a sender that does not stay with what it announces. A source that
// is lost and found again is one change each.
func (r *Report) judgeChanges() {
	const few = 2
	for _, x := range []struct {
		n                  uint64
		code, what, action string
	}{
		{r.changes.identity, "IDENTITY_CHANGES", "grandmaster identity", "Do two clocks answer at this address, or does a boundary clock change between two grandmasters?"},
		{r.changes.class, "CLASS_CHANGES", "class", "Find out why the master loses its source again and again (antenna, jamming), or whether two clocks answer at this address."},
	} {
		if x.n <= few {
			continue
		}
		severity := aWarning
		if float64(x.n) > few*math.Max(1, r.RunS/60) {
			severity = anError
		}
		r.find(severity, x.code, x.action, "The announced %s changed %s in %.0f s.", x.what, times(x.n), r.RunS)
	}
}

// judgeTime looks for UTC in the place of TAI.
func (r *Report) judgeTime() {
	if r.AheadOfUTCS != nil && r.Master.Flags.PTPTimescale && r.Master.UTCOffset != 0 {
		ahead, want := *r.AheadOfUTCS, float64(r.Master.UTCOffset)
		switch {
		case math.Abs(ahead) < utcSlackS && want > 2*utcSlackS:
			r.find(anError, "UTC_FOR_TAI", "Correct the master: its Sync must carry TAI, UTC plus the UTC offset.",
				"The served time is UTC (%+.1f s of this machine's clock), but it is announced as TAI, %d s ahead.", ahead, r.Master.UTCOffset)
		case math.Abs(ahead-want) > utcSlackS:
			r.find(aWarning, "DATE", "One of the two is wrong: compare with a third clock.", "The served time is %.1f s ahead of this machine's clock; TAI is %d s ahead.", ahead, r.Master.UTCOffset)
			return
		}
	}
	if m := r.Master; m.Flags.PTPTimescale && m.Flags.UTCOffsetValid && m.UTCOffset != 0 {
		if want, ok := r.utcOffset(); ok && want != int(m.UTCOffset) {
			r.find(anError, "WRONG_UTC_OFFSET", "Correct the master: each client that makes UTC of its time is wrong by the difference.",
				"The master says that UTC is %d s behind TAI. By the served time it is %d s.", m.UTCOffset, want)
		}
	}
}

// utcOffset is TAI less UTC in s at the served time: by the table of leap seconds, or, where
// that is too old, by this machine's clock. It is not known at the leap second itself,
// nor where the two clocks do not have one date.
func (r *Report) utcOffset() (seconds int, ok bool) {
	if r.served == nil {
		return 0, false
	}
	table := timescale.Builtin()
	utc, _ := table.ToUTC(*r.served)
	if utc.Ns() < table.Last().Ns() {
		return 0, false // no master of today
	}
	seconds = table.OffsetAtTAI(*r.served)
	if table.Expired(utc) {
		if r.AheadOfUTCS == nil {
			return 0, false
		}
		ahead := *r.AheadOfUTCS
		return int(math.Round(ahead)), math.Abs(ahead-math.Round(ahead)) < 0.25
	}
	if r.AheadOfUTCS != nil && math.Abs(*r.AheadOfUTCS-float64(seconds)) > utcSlackS {
		return 0, false
	}
	const change = 10 * time.Second
	return seconds, table.OffsetAtTAI(r.served.Add(-change)) == table.OffsetAtTAI(r.served.Add(change))
}

// judgeSteps tells steps of one kind together: how many, the first and the largest.
func (r *Report) judgeSteps() {
	type kind struct{ severity, action string }
	var kinds []kind
	steps := map[kind][]StepReport{}
	for _, s := range r.Steps {
		severity, action := anError, "Look in the master's log what it did then: clients that follow such a step lose their modems."
		if s.Class != 6 && s.Class != 7 {
			severity, action = aWarning, "A master that finds its source may step; until then it said that its time is not traceable. Serve late (master.free_run_after) where clients should not see this."
		}
		if size := math.Abs(float64(s.Ns)); math.Abs(size-37e9) < stepSlackNs || r.Master.UTCOffset != 0 && math.Abs(size-float64(r.Master.UTCOffset)*1e9) < stepSlackNs {
			action = "This is the UTC offset: the master changed from TAI to UTC, or back."
		}
		k := kind{severity, action}
		if steps[k] == nil {
			kinds = append(kinds, k)
		}
		steps[k] = append(steps[k], s)
	}
	for _, k := range kinds {
		list := steps[k]
		n, first := uint64(len(list)), list[0]
		if all := r.Counts["steps"]; len(kinds) == 1 && all > n { // the list is full
			n = all
		}
		if n == 1 {
			r.find(k.severity, "STEPPED", k.action, "The served time stepped by %+.6f s after %.0f s, at class %d.", float64(first.Ns)/1e9, first.AtS, first.Class)
			continue
		}
		largest := slices.MaxFunc(list, func(a, b StepReport) int { return cmp.Compare(math.Abs(float64(a.Ns)), math.Abs(float64(b.Ns))) })
		r.find(k.severity, "STEPPED", k.action, "The served time stepped %s: first by %+.6f s after %.0f s, at class %d; the largest by %+.6f s after %.0f s.",
			times(n), float64(first.Ns)/1e9, first.AtS, first.Class, float64(largest.Ns)/1e9, largest.AtS)
	}
}

func (r *Report) judgeMessages() {
	for f, name := range flowNames {
		g, got := r.Grants[name], r.Counts[name]
		want := math.Exp2(-float64(g.Interval))
		if asked := r.Rates["delay_req"]; unicast.Flow(f) == unicast.DelayResp && asked > 0 {
			want = min(want, asked)
		}
		switch {
		case g.Grants == 0:
		case got == 0 && r.RunS > neverAfterS:
			if unicast.Flow(f) != unicast.DelayResp || r.Counts["delay_req"] > 0 { // it takes a Sync until one is sent
				r.judgeMissing(unicast.Flow(f))
			}
		case r.heldS[f] < ratesAfterS: // the time before the grant is in its rate
		case r.Rates[name] < rateShort*want:
			r.find(anError, "RATE_LOW", "Look at the load of the master, and for drops on the way.", "%s comes at %.1f/s; %.4g/s were granted.", name, r.Rates[name], want)
		case r.Rates[name] > rateOver*want:
			r.find(aWarning, "RATE_HIGH", "Is there a second master, or a doubled packet on the way?", "%s comes at %.1f/s; %.4g/s were granted.", name, r.Rates[name], want)
		}
		if lost := r.Lost[name]; got > 100 && float64(lost) > lostMost*float64(got+lost) {
			r.find(aWarning, "LOST", "Look for drops on the way, and whether the packets keep their priority (DSCP).", "%d of %d messages of %s were lost.", lost, got+lost, name)
		}
		if r.sharedNumbers[f] {
			r.find(aNote, "SHARED_NUMBERS", NothingToDo+" Losses are told by the time between the messages instead.",
				"The sequence numbers of %s are shared with other messages (to other clients, or multicast): they jump, and the messages come at their rate.", name)
		}
	}
	for _, t := range []struct{ count, code, what string }{{"announce_timeouts", "ANNOUNCE_TIMEOUT", "Announce"}, {"sync_timeouts", "SYNC_TIMEOUT", "Sync"}} {
		told := r.Counts[strings.ToLower(t.what)] == 0 && r.RunS > neverAfterS // that none came at all
		if n := r.Counts[t.count]; n > 0 && !told {
			// Only a client that has changed to another master has time meanwhile.
			severity, action := anError, "Was the master stopped, or the way cut? A real client leaves the master then, and here there was no other one."
			if len(r.Switches) > 0 && !r.alone() {
				severity, action = aWarning, "Was the master stopped, or the way cut? The client changed to another master."
			}
			if r.lapsed != [unicast.Flows]uint64{} {
				action = "The client's grants had run out, as is said above."
			}
			r.find(severity, t.code, action, "The master's %s stayed away for too long (%s).", t.what, times(n))
		}
	}
	if r.misfits > misfitsMost {
		r.find(anError, "DELAY_RESP_TIME", "Correct the master: t4 in Delay_Resp is when the Delay_Req arrived, on the clock of t1 in Sync.",
			"The times in Delay_Resp (t4) are not those of the Sync: they differ by %s (for %s).", Moved(2*int64(r.misfit)), counted(r.misfits, "second"))
	}
	if n := r.Counts["malformed"]; n > 0 {
		r.find(aWarning, "MALFORMED", "Capture the packets, and look at the master's version.", "%d messages do not have the form of IEEE 1588.", n)
	}
	if n := r.Counts["delay_resp_unmatched"]; r.Counts["delay_resp"] > 100 && float64(n) > lostMost*float64(r.Counts["delay_resp"]) {
		r.find(aWarning, "UNMATCHED", "Capture the packets: is there a second master?", "%d Delay_Resp answer no Delay_Req of this client.", n)
	}
	if n := r.Counts["no_stamp"]; r.Counts["sync"] > 100 && n > r.Counts["sync"]/100 {
		r.find(aWarning, "NO_STAMPS", "It is this machine's kernel or port, not the master.", "%d of %d Syncs came without a time stamp.", n, r.Counts["sync"])
	}
}

// judgeMissing looks at a flow that was granted and of which nothing could be used: did
// something else come?
func (r *Report) judgeMissing(f unicast.Flow) {
	name, code := flowNames[f], [unicast.Flows]string{"NO_ANNOUNCE", "NO_SYNC", "NO_DELAY_RESP"}[f]
	switch x := r.instead[f]; {
	case x.malformed > 0:
		r.find(anError, code, "Capture the packets, and look at the master's version.", "%s was granted. %s came, and none has the form of IEEE 1588.", name, counted(x.malformed, "message"))
	case x.foreign > 0:
		r.find(anError, code, "Correct the master: clients drop messages of another port than the one that granted them.",
			"%s was granted by %s. %s came, but from another port identity (%v).", name, r.Master.Port, counted(x.foreign, "message"), x.from)
	case x.others > 0:
		r.find(anError, code, "Correct the master: it must answer with the port identity of the Delay_Req.",
			"%s was granted. %s came, but to another port identity (%v) than this client's.", name, counted(x.others, "message"), x.to)
	default:
		r.find(anError, code, "Look for a filter on the way: Sync and Delay_Req use UDP port 319, the rest 320.", "%s was granted, but none came.", name)
	}
}

// judgeStamps looks whether the hardware's stamps came that were asked for.
func (r *Report) judgeStamps() {
	if s := r.Stamps; s.Source == "hardware" && r.Counts["sync"] > 100 && s.Received < r.Counts["sync"]*9/10 {
		r.find(aWarning, "HARDWARE_STAMPS", "Does another program set the network port's stamps? Else take --stamps software.",
			"%d of %d Syncs had a stamp of the hardware; the others have the kernel's.", s.Received, r.Counts["sync"])
	}
}

func (r *Report) judgeNetwork() {
	if g := r.Grants[flowNames[unicast.Sync]]; r.Counts["sync"] > 100 {
		if interval := math.Exp2(float64(g.Interval)) * 1e6; r.Spacing.P99 > spacingPart*interval {
			r.find(aWarning, "SPACING", "Look at the load of the master (and of this machine): a servo wants an even flow.",
				"One Sync in a hundred is more than %.0f us off its place; the interval is %.0f us.", r.Spacing.P99, interval)
		}
	}
	if r.PathDelay.N == 0 {
		return
	}
	d := r.PathDelay.Median
	if d < 0 {
		r.find(aWarning, "NEGATIVE_PATH_DELAY", "Look for a path that is longer one way than back, and for stamps that are late: at the master, at a transparent clock, or here.",
			"The path delay is %d ns. A real delay is never negative.", d)
	}
	if d > longestNs && r.As != Generic.String() {
		r.find(aWarning, "LONG_PATH", "Take a shorter path for PTP, or a boundary clock nearer to the client.", "The path delay is %.0f us. DOCSIS allows 800 us from the headend to the farthest modem.", float64(d)/1e3)
	}
	n, ok := judgeFloor(r.seconds)
	if !ok {
		return
	}
	r.Network = &n
	const action = "With software stamps this machine may be the cause: measure with hardware stamps, or with less load. Else take another way for PTP, or a boundary clock nearer to the client."
	if n.MTIENs > floorMTIENs {
		r.find(aWarning, "DELAY_FLOOR", action, "This network is not good enough for 1.5 us: the floor of its packet delays moved by %.1f us within 10 minutes. It may move by 1.1 us (G.8271.2).",
			float64(n.MTIENs)/1e3)
	}
	if n.FloorPercent < floorLeastPct {
		r.find(aWarning, "FLOOR_PACKETS", action, "This network is too full for a good clock: in some 200 s only %.2f %% of the packets were within 150 us of the fastest. It takes 1 %% (G.8261.1).", n.FloorPercent)
	}
}
