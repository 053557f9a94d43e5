package rehearsal

import (
	"fmt"
	"math"
	"net/netip"
	"time"

	"bragi/gnss/timescale"
	"bragi/master/unicast"
)

// CrowdReport is what a window saw. A client was held when 99 % of its Syncs came
// and 90 % of their intervals were within 30 % of the one granted (IEEE 1588-2019,
// 7.7.2.1). A client passed when it was held, was never without Sync for so long that it
// leaves the master, had all three grants and Announce, nine of ten of its Delay_Req were
// answered, and what the master says of itself is no error for a single client.
type CrowdReport struct {
	As      string  `json:"as"`
	Clients int     `json:"clients"`
	Master  *Master `json:"master"` // what the last Announce says; null: there was none
	// AheadOfUTCS: as of a Report.
	AheadOfUTCS *float64 `json:"ahead_of_utc_s"`

	Verdict   string      `json:"verdict"` // "pass": all clients passed; "fail"
	Passed    int         `json:"passed"`
	Worst     *CrowdWorst `json:"worst"`    // of all clients, also of those that passed
	Findings  []Finding   `json:"findings"` // why clients did not pass: each client once; then the master's
	Granted   int         `json:"granted"`  // with all three grants
	Held      int         `json:"held"`
	WindowS   float64     `json:"window_s"`
	SyncShare float64     `json:"sync_share"`       // received, of those due
	Spacing   Quantiles   `json:"spacing_ns"`       // |interval between Syncs of one client - its contract|
	Shortest  int64       `json:"shortest_sync_ns"` // the shortest interval
	Turn      Quantiles   `json:"turnaround_ns"`    // Delay_Req handed to the kernel (up to 16 at once) to the stamp of its Delay_Resp
	Counts    CrowdCounts `json:"counts"`
}

// CrowdWorst is the client that got the least. Shares are of what it was due, 0 to 1.
type CrowdWorst struct {
	Address     string  `json:"address"`
	Why         string  `json:"why"` // a finding's code; "" where it passed
	SyncShare   float64 `json:"sync_share"`
	EvenShare   float64 `json:"even_share"`   // of its intervals between Syncs
	AnswerShare float64 `json:"answer_share"` // 0 where it sent no Delay_Req
	DelayReqs   uint32  `json:"delay_reqs"`
}

// The limits of one client of a crowd.
const (
	crowdSyncs   = 0.99
	crowdEven    = 0.9
	crowdAnswers = rateShort

	crowdAnnounce = 5 * time.Second // a shorter window says nothing of Announce
)

// crowdFaults is why a client does not pass, the gravest first. The text has place
// for how many, of how many, and the first one's address.
var crowdFaults = []struct{ code, text, action string }{
	{"NO_ANSWER", "%s of %d had no answer at all, %v the first.", "Check the master's address, the route back to --source, the domain, and master.allow there."},
	{"DENIED", "%s of %d were denied what they asked for, %v the first.", "Is the table full (max_clients), or the packet budget? bragi show alarms on the grandmaster tells."},
	{"NOT_GRANTED", "%s of %d were without one of the three grants at the end, %v the first.", "Did the master forget clients, or were renewals lost on the way?"},
	{"NO_ANNOUNCE", "%s of %d were granted Announce and got none, %v the first.", "Look for a filter on the way: Announce uses UDP port 320."},
	{"SYNC_TIMEOUT", "%s of %d were without Sync for so long that a real client leaves the master, %v the first.", "Was the master stopped, or the way cut?"},
	{"SYNC_SHORT", "%s of %d got less than 99 %% of their Syncs, %v the first.", "Look at the load of the master, at drops on the way, and at the line \"The load\"."},
	{"SYNC_UNEVEN", "%s of %d got Syncs at an uneven pace (more than one of ten is 30 %% off its interval), %v the first.", "Look at the load of the master and of this machine."},
	{"DELAY_RESP_SHORT", "%s of %d had no answer to one of ten Delay_Req or more, %v the first.", "Look at the load of the master, at drops on the way, and at the line \"The load\"."},
}

// look is what one client of the crowd got.
func (w *Crowd) look(i int, due int64, now timescale.Mono) CrowdWorst {
	c := &w.clients[i]
	x := CrowdWorst{Address: w.Address(i).String(), SyncShare: 1, EvenShare: 1, DelayReqs: c.delayReqs}
	if due > 0 {
		x.SyncShare = min(1, float64(c.syncs)/float64(due)) // one more than due may come
	}
	if due > 1 {
		x.EvenShare = float64(c.steady) / math.Max(1, float64(c.spaced))
	}
	if c.delayReqs > 0 {
		x.AnswerShare = 1 - float64(c.unanswered)/float64(c.delayReqs)
	}
	switch {
	case !c.heard:
		x.Why = "NO_ANSWER"
	case !c.seat.GrantedAll() && c.denied:
		x.Why = "DENIED"
	case !c.seat.GrantedAll():
		x.Why = "NOT_GRANTED"
	case c.announces == 0 && now.Sub(w.begun) > crowdAnnounce:
		x.Why = "NO_ANNOUNCE"
	case c.syncs > 0 && (c.left || w.lateSync(c, now)):
		x.Why = "SYNC_TIMEOUT"
	case x.SyncShare < crowdSyncs:
		x.Why = "SYNC_SHORT"
	case x.EvenShare < crowdEven:
		x.Why = "SYNC_UNEVEN"
	case c.delayReqs > 0 && x.AnswerShare < crowdAnswers:
		x.Why = "DELAY_RESP_SHORT"
	}
	return x
}

// worse: the one with the graver fault; of two with none, who has less of something.
func (x CrowdWorst) worse(than CrowdWorst) bool {
	if a, b := gravity(x.Why), gravity(than.Why); a != b {
		return a < b
	}
	return min(x.SyncShare, x.EvenShare, x.AnswerShare) < min(than.SyncShare, than.EvenShare, than.AnswerShare)
}

func gravity(code string) int {
	for i, f := range crowdFaults {
		if f.code == code {
			return i
		}
	}
	return len(crowdFaults)
}

// Report describes the window from Begin until now. aheadOfUTCS is as of a Report.
func (w *Crowd) Report(now timescale.Mono, aheadOfUTCS *float64) CrowdReport {
	r := CrowdReport{As: w.cfg.Kind.String(), Clients: len(w.clients), WindowS: now.Sub(w.begun).Seconds(), Findings: []Finding{}, AheadOfUTCS: aheadOfUTCS,
		Spacing: w.spacing.quantiles(), Shortest: w.shortest, Turn: w.turnaround.quantiles(), Counts: w.counts}
	var allDue int64
	failed, first := make([]int, len(crowdFaults)+1), make([]netip.Addr, len(crowdFaults)+1)
	for i := range w.clients {
		c := &w.clients[i]
		due := int64(now.Sub(w.begun) / c.seat.Every(&w.habit, unicast.Sync))
		allDue += due
		if c.seat.GrantedAll() {
			r.Granted++
		}
		if int64(c.syncs)*100 >= due*99 && uint64(c.steady)*10 >= uint64(c.spaced)*9 && c.spaced > 0 {
			r.Held++
		}
		x := w.look(i, due, now)
		if r.Worst == nil || x.worse(*r.Worst) {
			r.Worst = &x
		}
		n := gravity(x.Why)
		if failed[n]++; failed[n] == 1 {
			first[n] = w.Address(i)
		}
	}
	r.Passed = failed[len(crowdFaults)]
	for i, f := range crowdFaults {
		if failed[i] > 0 {
			r.Findings = append(r.Findings, Finding{f.code, anError, fmt.Sprintf(f.text, counted(failed[i], "client"), r.Clients, first[i]), f.action})
		}
	}
	if n := w.counts.Cancels; n > 0 {
		r.Findings = append(r.Findings, Finding{"CANCELLED", aWarning, "The master took back " + counted(n, "grant") + ".", cancelAction})
	}
	r.judgeGrants(w)
	r.judgeMaster(now, w)
	r.Verdict = "pass"
	if r.Passed < r.Clients {
		r.Verdict = "fail"
	}
	if allDue > 0 {
		r.SyncShare = float64(w.counts.Sync) / float64(allDue)
	}
	return r
}

// judgeGrants compares what was granted with what was asked for.
func (r *CrowdReport) judgeGrants(w *Crowd) {
	var slow, short, unheard int
	for i := range w.clients {
		late, brief, given := false, false, false
		for f := range unicast.Flow(unicast.Flows) {
			s := w.clients[i].seat.Of(f)
			late = late || s.Granted && isSlow(s.LogInterval, w.habit.LogIntervals[f])
			asked := flowAsked{interval: w.habit.LogIntervals[f], patience: w.timeouts[f]}
			given = given || s.Granted && asked.gives(s.LogInterval)
			brief = brief || s.Granted && isShort(s.Seconds, w.habit.Duration)
		}
		switch {
		case given:
			unheard++
		case late:
			slow++
		}
		if brief {
			short++
		}
	}
	if unheard > 0 {
		r.Findings = append(r.Findings, Finding{"GRANT_SLOW", anError, fmt.Sprintf("The master granted so little that clients of this kind leave it between two messages: %s of %d.", counted(unheard, "client"), r.Clients), unheardAction})
		r.Passed = min(r.Passed, r.Clients-unheard)
	}
	if slow > 0 {
		r.Findings = append(r.Findings, Finding{"GRANT_SLOW", aWarning, fmt.Sprintf("The master granted less than was asked for to %s of %d.", counted(slow, "client"), r.Clients), slowAction})
	}
	if short > 0 {
		r.Findings = append(r.Findings, Finding{"GRANT_SHORT", aWarning, fmt.Sprintf("The master granted far shorter than was asked for (%d s) to %s of %d.", w.habit.Duration, counted(short, "client"), r.Clients), shortAction})
	}
}

// judgeMaster adds what a single client finds of the master. An error there is every
// client's: none passes.
func (r *CrowdReport) judgeMaster(now timescale.Mono, w *Crowd) {
	if !w.announced {
		return
	}
	one := Report{AheadOfUTCS: r.AheadOfUTCS, Master: Master{Domain: w.cfg.Domain}}
	one.Master.hear(&w.announce)
	if ns, ok := w.Time(now); ok {
		served := timescale.TAIFromNs(ns)
		one.served = &served
	}
	r.Master = &one.Master
	one.judgeMaster()
	gravestFirst(one.Findings)
	r.Findings = append(r.Findings, one.Findings...)
	gravestFirst(r.Findings)
	if one.has(anError) {
		r.Passed = 0
		if r.Worst.Why == "" {
			r.Worst.Why = one.Findings[0].Code
		}
	}
}
