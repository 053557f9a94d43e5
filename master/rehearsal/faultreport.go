package rehearsal

import (
	"fmt"
	"math"
	"time"

	"bragi/gnss/timescale"
	"bragi/master/unicast"
)

// FaultReport is what a master made of a client with a fault.
type FaultReport struct {
	As       string    `json:"as"`
	Fault    string    `json:"fault"`
	Verdict  string    `json:"verdict"` // "pass", "fail"
	Findings []Finding `json:"findings"`
	RunS     float64   `json:"run_s"`
	Master   Master    `json:"master"`
	// Measured are the numbers of the findings: times in s, rates in messages a second.
	Measured map[string]float64 `json:"measured"`
}

// Report judges what came.
func (t *Trial) Report(now timescale.Mono) FaultReport {
	first := t.seats[0].client.Report(now)
	first.Master.Address = t.cfg.Master.String()
	j := faultJudge{t: t, r: Report{Grants: first.Grants, Counts: first.Counts, Master: first.Master, State: first.State, notSent: first.notSent, Findings: []Finding{}}, measured: map[string]float64{}}
	switch {
	case t.fault.IsZero():
		j.r.judgeGrants()
		j.find(anError, "NOT_TRIED", "Make the master serve this client first: bragi rehearse without --fault.",
			"the client was not served for %.0f s, so the fault was not tried.", now.Sub(t.started).Seconds())
	case !t.Over():
		j.find(anError, "NOT_TRIED", "Let it run to its end.", "the trial was ended early.")
	default:
		j.judge()
		if n := t.cancels(); n > 0 {
			j.find(aWarning, "CANCELLED", "Was the master drained meanwhile? Then try again: this trial does not tell of the fault.", "the master took back %s.", counted(n, "grant"))
		}
	}
	r := FaultReport{As: first.As, Fault: t.cfg.Fault.String(), Findings: j.r.Findings, RunS: now.Sub(t.started).Seconds(), Master: first.Master, Measured: j.measured, Verdict: "pass"}
	if j.r.has(anError) {
		r.Verdict = "fail"
	}
	return r
}

// cancels is how many grants were taken back.
func (t *Trial) cancels() (n uint64) {
	for _, s := range t.seats {
		n += s.client.counts.Cancels
	}
	return n
}

type faultJudge struct {
	t        *Trial
	r        Report // for its findings
	measured map[string]float64
}

func (j *faultJudge) find(severity, code, action, format string, values ...any) {
	j.r.find(severity, code, action, "%s: %s", j.t.cfg.Fault, fmt.Sprintf(format, values...))
}

// measure keeps a number, rounded to 0.1 ms.
func (j *faultJudge) measure(name string, value float64) float64 {
	value = math.Round(value*1e4) / 1e4
	j.measured[name] = value
	return value
}

// rate is how many a second came between from and to.
func rate(times []timescale.Mono, from, to timescale.Mono) float64 {
	n := 0
	for _, at := range times {
		if !at.Before(from) && at.Before(to) {
			n++
		}
	}
	return float64(n) / max(to.Sub(from).Seconds(), 1e-3)
}

// lastBefore is the last of times before a moment, zero for none.
func lastBefore(times []timescale.Mono, end timescale.Mono) (last timescale.Mono) {
	for _, at := range times {
		if at.Before(end) {
			last = at
		}
	}
	return last
}

// firstFrom is the first of times that is not before a moment, zero for none.
func firstFrom(times []timescale.Mono, from timescale.Mono) timescale.Mono {
	for _, at := range times {
		if !at.Before(from) {
			return at
		}
	}
	return timescale.Mono{}
}

// short is a time in s in words.
func short(seconds float64) string {
	if seconds < 1 {
		return fmt.Sprintf("%.1f ms", seconds*1e3)
	}
	return fmt.Sprintf("%.1f s", seconds)
}

func (j *faultJudge) judge() {
	switch j.t.cfg.Fault {
	case RenewLate:
		j.judgeRenewal()
	case WrongDomain:
		j.judgeDomain()
	case NoDelayReq:
		j.judgeWithoutDelayReq()
	case Flood:
		j.judgeFlood()
	case Vanish:
		j.judgeSilence(NothingToDo)
	case DuplicateIdentity:
		j.judgeDuplicate()
	case MoveAddress:
		j.judgeMove()
	}
}

// wanted is the granted rate of Sync.
func (j *faultJudge) wanted() float64 {
	return math.Exp2(-float64(j.t.seats[0].client.seat.Of(unicast.Sync).LogInterval))
}

func (j *faultJudge) judgeRenewal() {
	t, s := j.t, j.t.seats[0]
	asked := firstFrom(s.asked[unicast.Sync], t.granted)
	if asked.IsZero() {
		asked = t.end
	}
	if !j.judgeEnd(s, asked) {
		return
	}
	again := firstFrom(s.answered[unicast.Sync], asked)
	if again.IsZero() {
		j.find(anError, "NOT_GRANTED_AGAIN", "A client that renews late once is lost for this master: look in its log why it does not answer.",
			"Sync was asked for again %.1f s after its grant had ended, and was not granted within %.0f s.", asked.Sub(t.granted).Seconds(), t.end.Sub(asked).Seconds())
		return
	}
	sync := firstFrom(s.came[unicast.Sync], again)
	if sync.IsZero() {
		j.find(anError, "NO_SYNC_AGAIN", "Look in the master's log.", "Sync was granted again, and did not come.")
		return
	}
	seconds := j.measure("granted_s", float64(s.client.seat.Of(unicast.Sync).Seconds))
	late := j.measure("asked_after_s", asked.Sub(t.granted).Seconds())
	answer := j.measure("granted_again_after_s", again.Sub(asked).Seconds())
	first := j.measure("sync_again_after_s", sync.Sub(asked).Seconds())
	j.find(aNote, "GRANTED_AGAIN", NothingToDo, "the grant ended after %.0f s. The client asked again %.1f s later. The grant was given again after %s, and Sync came again after %s.",
		seconds, late, short(answer), short(first))
}

// judgeEnd: does Sync end with its grant, until asked? An end before it is right too.
func (j *faultJudge) judgeEnd(s *Seat, until timescale.Mono) bool {
	over := j.t.granted.Add(endSlack)
	if rate(s.came[unicast.Sync], over, until) == 0 {
		return true
	}
	last := lastBefore(s.came[unicast.Sync], until)
	j.find(anError, "SENT_AFTER_END", "The master sends to clients that have gone: its load only grows. Update it.",
		"Sync went on for %.1f s after the end of its grant.", j.measure("sent_after_end_s", last.Sub(j.t.granted).Seconds()))
	return false
}

func (j *faultJudge) judgeDomain() {
	t, s := j.t, j.t.seats[0]
	asked := s.other.counts.SignalingSent
	j.measure("asked", float64(asked))
	if s.foreign > 0 {
		j.find(anError, "DOMAIN_ANSWERED", "A master must ignore other domains (IEEE 1588, 7.1). Is there another master in that domain at this address?",
			"%d messages came in domain %d, which is not the master's.", s.foreign, s.other.cfg.Domain)
	}
	during := j.measure("sync_rate", rate(s.came[unicast.Sync], t.fault, t.end))
	if during < rateShort*j.wanted() {
		j.find(anError, "SYNC_SUFFERED", "One client with a wrong domain must not disturb another: look in the master's log.",
			"meanwhile Sync in domain %d came at %.1f/s; %.4g/s were granted.", s.client.cfg.Domain, during, j.wanted())
	}
	if !j.r.has(anError) {
		j.find(aNote, "DOMAIN_IGNORED", NothingToDo, "%d requests in domain %d had no answer, as the standard wants. Meanwhile Sync in domain %d came at %.1f/s. A client with a wrong domain hears nothing: look for the master's alarm.",
			asked, s.other.cfg.Domain, s.client.cfg.Domain, during)
	}
}

func (j *faultJudge) judgeWithoutDelayReq() {
	t, s := j.t, j.t.seats[0]
	last := lastBefore(s.came[unicast.Sync], t.end)
	served := j.measure("served_s", last.Sub(t.started).Seconds())
	j.measure("syncs", float64(len(s.came[unicast.Sync])))
	renewals := j.measure("renewals", float64(max(0, len(s.answered[unicast.Sync])-1)))
	if rate(s.came[unicast.Sync], t.served, t.end) < rateShort*j.wanted() {
		j.find(aNote, "HELD_BACK", "Nothing to do, unless such a client must be served: bragi serves all that master.trusted names.",
			"the master sent %d Syncs in %.0f s, the last one after %.1f s; %.4g/s were granted. A client that sends no Delay_Req does not show that it is there.",
			len(s.came[unicast.Sync]), t.end.Sub(t.started).Seconds(), served, j.wanted())
		return
	}
	j.find(aNote, "SERVED", "Nothing to do here. Such a client knows the frequency and not the time: look at the client.",
		"the master sent Sync all the %.0f s (%d Syncs), and renewed its grant (%.0f).", served, len(s.came[unicast.Sync]), renewals)
}

func (j *faultJudge) judgeFlood() {
	t, s := j.t, j.t.seats[0]
	over := t.fault.Add(floodFor)
	answers := j.measure("answers_rate", rate(s.came[unicast.DelayResp], t.fault, over))
	sync := j.measure("sync_rate", rate(s.came[unicast.Sync], t.fault, over))
	after := j.measure("answers_rate_after", rate(s.came[unicast.DelayResp], over.Add(time.Second), t.end))
	asked := math.Exp2(-float64(s.client.seat.Of(unicast.DelayResp).LogInterval))
	sent := j.measure("sent_rate", float64(t.cfg.FloodRate)+asked)
	if sync < rateShort*j.wanted() {
		j.find(anError, "SYNC_SUFFERED", "One bad client takes the time from all: limit Delay_Req in the network, and look at the load of the master.",
			"while %.0f Delay_Req came a second, Sync came at %.1f/s; %.4g/s were granted.", sent, sync, j.wanted())
	}
	if after < rateShort*asked {
		j.find(anError, "NOT_RECOVERED", "Look in the master's log.", "after the flood Delay_Resp came at %.1f/s; %.4g/s were granted.", after, asked)
	}
	if answers > 3*asked {
		j.find(aWarning, "FLOOD_ANSWERED", "A client can make this master work as much as it likes: limit Delay_Req in the network.",
			"%.0f of %.0f Delay_Req a second were answered; %.4g/s were granted.", answers, sent, asked)
	} else if !j.r.has(anError) {
		j.find(aNote, "FLOOD_LIMITED", NothingToDo, "of %.0f Delay_Req a second for %.0f s the master answered %.1f; %.4g/s were granted. Meanwhile Sync came at %.1f/s. After the flood Delay_Resp came at %.1f/s.",
			sent, floodFor.Seconds(), answers, asked, sync, after)
	}
}

// judgeSilence: how long does the master send to an address that has gone?
func (j *faultJudge) judgeSilence(action string) {
	t, s := j.t, j.t.seats[0]
	if !j.judgeEnd(s, t.end) {
		return
	}
	on := j.measure("sent_on_s", max(0, lastBefore(s.came[unicast.Sync], t.end).Sub(t.fault).Seconds()))
	left := j.measure("grant_left_s", t.granted.Sub(t.fault).Seconds())
	if on < left-1 {
		j.find(aNote, "STOPPED", action, "the master sent Sync for %.1f s more, and stopped before the end of the grant (%.1f s).", on, left)
		return
	}
	j.find(aNote, "SENT_TO_THE_END", action, "the master sent Sync for %.1f s more, until the grant ended, to the address that the client had left. The machine was still there: of one that is gone the network tells (ICMP), and the master may stop sooner.", on)
}

func (j *faultJudge) judgeDuplicate() {
	t, first, second := j.t, j.t.seats[0], j.t.seats[1]
	settled := t.fault.Add(2 * time.Second)
	one := j.measure("first_sync_rate", rate(first.came[unicast.Sync], settled, t.end))
	two := j.measure("second_sync_rate", rate(second.came[unicast.Sync], settled, t.end))
	switch want := j.wanted(); {
	case one < rateShort*want:
		j.find(anError, "FIRST_LOST", "Whoever copies a client's identity takes its time away: find the second client, and give it an identity of its own.",
			"with a second client of the same identity the first one's Sync came at %.1f/s; %.4g/s were granted. The second one's came at %.1f/s.", one, want, two)
	case two < rateShort*want:
		j.find(aNote, "SECOND_REFUSED", "A client that was copied from another one stays without service: give it an identity of its own.",
			"the first client kept its Sync (%.1f/s). The second one, of the same identity, got %.1f/s, after %d denials.", one, two, second.refused)
	default:
		j.find(aNote, "BOTH_SERVED", "Nothing to do here. Another master may refuse the second one: give each client an identity of its own.",
			"both clients of one identity were served, at %.1f and %.1f Syncs a second.", one, two)
	}
}

func (j *faultJudge) judgeMove() {
	t, second := j.t, j.t.seats[1]
	sync := firstFrom(second.came[unicast.Sync], t.fault)
	if sync.IsZero() {
		j.find(anError, "NOT_MOVED", "Until the old grants end, such a client has no time. Look in the master's log.",
			"the client was not served at its new address within %.0f s.", t.end.Sub(t.fault).Seconds())
		return
	}
	after := j.measure("served_again_after_s", sync.Sub(t.fault).Seconds())
	if want, got := j.wanted(), j.measure("sync_rate", rate(second.came[unicast.Sync], sync.Add(time.Second), t.end)); got < rateShort*want {
		j.find(anError, "NOT_MOVED", "Look in the master's log.", "at its new address the client got Sync at %.1f/s; %.4g/s were granted.", got, want)
		return
	}
	j.find(aNote, "MOVED", NothingToDo, "at its new address the client had Sync after %s.", short(after))
	j.judgeSilence("Nothing to do: the old grants end by themselves.")
}
