package rpd

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

const (
	phyLimitNs = 1500 // what a core and its RPDs may differ by, as this project serves them (docs: holdover.spec)
	lostPart   = 1e-3 // of a kind of message: above it, loss is a warning
	cycleS     = 35 * 60
)

// judge adds what the screens show, gravest first.
func (r *Report) judge() {
	if r.State != nil {
		r.judgeState()
	}
	if r.Statistics != nil {
		r.judgeMessages()
		r.judgeHistory()
	}
	if r.Config != nil {
		r.judgeConfig()
	}
	rank := map[string]int{"error": 0, "warning": 1, "note": 2}
	slices.SortStableFunc(r.Findings, func(a, b Finding) int { return rank[a.Severity] - rank[b.Severity] })
}

func (r *Report) find(severity, code, action, format string, values ...any) {
	r.Findings = append(r.Findings, Finding{Code: code, Severity: severity, Text: fmt.Sprintf(format, values...), Action: action})
}

func (r *Report) judgeState() {
	if s := r.State; s.Apr != "" && s.Apr != "PHASE_LOCK" {
		r.find("error", "NOT_LOCKED", "Read the story: it tells since when. On the grandmaster, ask `bragi explain client` for this RPD's address.",
			"The RPD is in %s, not in PHASE_LOCK.", s.Apr)
	}
	for _, s := range r.State.Streams {
		if s.State != "" && s.State != "PHASE_LOCK" {
			r.find("error", "STREAM_NOT_LOCKED", "Check that this master is reached and answers.", "Stream %d (master %s) is in %s.", s.Number, s.Master, s.State)
		}
		if s.PathDelay != nil && *s.PathDelay < 0 {
			r.find("warning", "NEGATIVE_PATH_DELAY",
				"The RPD can be locked so: look for a path that is longer one way than back, and for a master or a switch whose stamps are late.",
				"The path delay is %d ns. A real delay is never negative: one direction is measured wrong by at least %s.", *s.PathDelay, span(-*s.PathDelay))
		}
		if s.MasterOffset != nil && s.ForwardDelay != nil && s.PathDelay != nil {
			if made := *s.ForwardDelay - *s.PathDelay; made == *s.MasterOffset {
				r.find("note", "OFFSET_EXPLAINED", "", "The master offset of %d ns is the forward delay less the path delay: %d - (%d).", *s.MasterOffset, *s.ForwardDelay, *s.PathDelay)
			} else {
				r.find("warning", "OFFSET_CONTRADICTS", "Take the screen again: its values may be from different moments.",
					"The master offset is %d ns, but the forward delay less the path delay is %d ns.", *s.MasterOffset, made)
			}
		}
		if s.MasterOffset != nil && (*s.MasterOffset > phyLimitNs || *s.MasterOffset < -phyLimitNs) {
			r.find("warning", "LARGE_OFFSET", "It is one reading: compare it with the adjustments (AdjustTime), and take the screen again.",
				"The RPD measures %s between the master and itself, more than %s.", span(*s.MasterOffset), span(phyLimitNs))
		}
	}
}

func (r *Report) judgeMessages() {
	var received, processed, lost, sent int64
	for _, c := range r.Statistics.Messages {
		received, processed, lost, sent = received+c.Received, processed+c.Processed, lost+c.LostPrinted, sent+c.Sent
		r.judgeCounter(c)
	}
	if t := r.Statistics.Total; t != nil && (t.Received != received || t.Processed != processed || t.Sent != sent || t.LostPrinted != lost) {
		r.find("warning", "TOTAL_DIFFERS", "Paste the screen again: a row is missing, or a number is cut.", "The rows do not add up to the TOTAL line.")
	}
	for _, want := range []struct{ request, answer string }{{"DELAY REQUEST", "DELAY RESPONSE"}} {
		asked, answered := r.row(want.request), r.row(want.answer)
		if asked != nil && answered != nil && asked.Sent > 100 && answered.Received == 0 {
			r.find("error", "NO_ANSWERS", "The master does not answer Delay_Req: look at its grants and its denials (`bragi show client ADDR`).",
				"The RPD sent %d Delay_Req and received no Delay_Resp.", asked.Sent)
		}
	}
	if sync, announce := r.row("SYNC"), r.row("ANNOUNCE"); sync != nil && announce != nil && sync.Received == 0 && announce.Received > 0 {
		r.find("error", "NO_SYNC", "The master granted no Sync, or UDP port 319 does not pass: Announce comes by port 320.", "Announce messages arrive, but no Sync.")
	}
}

func (r *Report) judgeCounter(c Counter) {
	switch {
	case c.Lost == nil:
		r.find("warning", "LOST_UNKNOWN", "Clear the counters on the RPD and look again later.", "%s: the printed loss of %d fits no number of wraps.", c.Message, c.LostPrinted)
	case *c.Lost == 0:
	case float64(*c.Lost) > lostPart*float64(c.Received+*c.Lost):
		r.find("warning", "LOST", "Compare with the story: a time without the master explains losses. Else look for drops on the path.",
			"%s: %d of %d were lost (%.2g %%).", c.Message, *c.Lost, c.Received+*c.Lost, 100*float64(*c.Lost)/float64(c.Received+*c.Lost))
	default:
		r.find("note", "LOST_FEW", "", "%s: %d of %d were lost.", c.Message, *c.Lost, c.Received+*c.Lost)
	}
	if c.Lost != nil && *c.Lost != c.LostPrinted {
		r.find("note", "LOST_WRAPPED", "", "%s: the RPD prints %d lost. Its counter falls by 65536 when the sequence number wraps; the true number is %d.", c.Message, c.LostPrinted, *c.Lost)
	}
	if c.Message == "SIGNALING" && c.Sent > 0 {
		severity := "note"
		if c.Received < c.Sent {
			severity = "warning"
		}
		r.find(severity, "SIGNALING", "", "The RPD sent %d signaling messages and received %d.", c.Sent, c.Received)
	}
}

func (r *Report) row(message string) *Counter {
	for i := range r.Statistics.Messages {
		if r.Statistics.Messages[i].Message == message {
			return &r.Statistics.Messages[i]
		}
	}
	return nil
}

func (r *Report) judgeHistory() {
	if h, found := r.Statistics.history("AprState"); found && len(h.Entries) > 0 {
		switch newest := h.Entries[0]; {
		case newest.Value == phaseLock:
			r.find("note", "LOCKED_SINCE", "", "The RPD is in PHASE_LOCK since its uptime %s.", clockTime(newest.UptimeS))
		case r.State == nil:
			r.find("error", "NOT_LOCKED", "Read the story: it tells since when.", "The newest AprState is %d, not 2 (PHASE_LOCK), since uptime %s.", newest.Value, clockTime(newest.UptimeS))
		}
		if last := h.Entries[len(h.Entries)-1]; int64(len(h.Entries)) == h.Kept {
			for i := len(h.Entries) - 1; i >= 0; i-- {
				if h.Entries[i].Value == phaseLock {
					if took := h.Entries[i].UptimeS - last.UptimeS; took > cycleS {
						r.find("warning", "SLOW_LOCK", "More than 35 minutes to the first lock mean a master that drifts, or an oscillator that is still warming up.",
							"The first PHASE_LOCK came %s after the first state.", lasted(took))
					}
					break
				}
			}
		}
	}
	if h, found := r.Statistics.history("BstPktStrm"); found {
		for i, e := range h.Entries {
			switch {
			case e.Value >= 0:
			case i == 0:
				r.find("error", "NO_MASTER", "Look whether the master serves, and at the path to it.", "The RPD has had no master's packets since uptime %s.", clockTime(e.UptimeS))
			default:
				r.find("warning", "MASTER_LOST", "Ask the grandmaster's log what happened then: a restart, a link, an Announce that was missing.",
					"The RPD had no master's packets for %s, from uptime %s on.", lasted(h.Entries[i-1].UptimeS-e.UptimeS), clockTime(e.UptimeS))
			}
		}
	}
	if h, found := r.Statistics.history("StepTime"); found {
		for _, e := range h.Entries {
			r.find("note", "STEPPED", "", "The RPD stepped its time at uptime %s, by %s (the unit is inferred).", clockTime(e.UptimeS), span(e.Value))
		}
	}
	if h, found := r.Statistics.history("AdjustTime"); found && len(h.Entries) > 0 {
		values := make([]int64, len(h.Entries))
		for i, e := range h.Entries {
			values[i] = e.Value
		}
		slices.Sort(values)
		severity, action := "note", ""
		if values[0] < -phyLimitNs || values[len(values)-1] > phyLimitNs {
			severity, action = "warning", "Look at what the network does to the packets' delay (load, queues), and whether they pass a priority queue."
		}
		r.find(severity, "ADJUSTMENTS", action, "The last %d adjustments of %d lie between %d and %d ns (the unit is inferred).", len(values), h.Kept, values[0], values[len(values)-1])
	}
}

func (r *Report) judgeConfig() {
	c := r.Config
	if len(c.Masters) > 0 {
		r.find("note", "MASTERS", "", "The RPD asks %s. Its domain and the master's must be equal.", names(c.Masters))
	}
	if c.Domain != nil && *c.Domain >= 44 && *c.Domain <= 63 {
		r.find("warning", "DOMAIN", "Use domain 0 to 43 at both ends.", "Domain %d belongs to the telecom profile G.8275.2.", *c.Domain)
	}
	if c.UnicastDurationS != nil && (*c.UnicastDurationS < 10 || *c.UnicastDurationS > 1000) {
		r.find("warning", "DURATION", "Set the unicast duration to 300.", "The RPD asks for grants of %d s. The standard's range is 10 to 1000.", *c.UnicastDurationS)
	}
	if c.AnnounceInterval != nil && c.AnnounceTimeout != nil {
		timeout := time.Duration(float64(*c.AnnounceTimeout) * pow2(*c.AnnounceInterval) * float64(time.Second))
		r.find("note", "ANNOUNCE_TIMEOUT", "", "The RPD drops its master after %s without an Announce.", timeout)
	}
	if r.State != nil && len(c.Masters) > 0 {
		known := map[string]bool{}
		for _, m := range c.Masters {
			known[m] = true
		}
		for _, s := range r.State.Streams {
			if s.Master != "" && !known[s.Master] {
				r.find("error", "OTHER_MASTER", "Correct `clock source ip` in the core's `ptp r-dti`.", "The RPD follows %s, but its configuration names %s.", s.Master, names(c.Masters))
			}
		}
	}
}

// names lists the first masters: an RPD has few.
func names(masters []string) string {
	const most = 8
	if len(masters) > most {
		return fmt.Sprintf("%s and %d more", strings.Join(masters[:most], ", "), len(masters)-most)
	}
	return strings.Join(masters, ", ")
}

func pow2(n int64) float64 {
	if n = min(max(n, -30), 30); n >= 0 {
		return float64(int64(1) << n)
	}
	return 1 / float64(int64(1)<<-n)
}

// span tells ns in a unit that reads well.
func span(ns int64) string {
	switch size := max(ns, -ns); {
	case size < 1000:
		return fmt.Sprintf("%d ns", ns)
	case size < 1e6:
		return fmt.Sprintf("%.3g us", float64(ns)/1e3)
	case size < 1e9:
		return fmt.Sprintf("%.3g ms", float64(ns)/1e6)
	}
	return fmt.Sprintf("%.4g s", float64(ns)/1e9)
}

// lasted tells s in units that read well.
func lasted(s float64) string {
	if s < 60 {
		return fmt.Sprintf("%.3f s", s)
	}
	return (time.Duration(s*1e3) * time.Millisecond).String()
}

// clockTime is an uptime as the RPD writes it.
func clockTime(s float64) string {
	ms := int64(s*1000 + 0.5)
	return fmt.Sprintf("%d-%02d:%02d:%02d.%03d", ms/86400000, ms/3600000%24, ms/60000%60, ms/1000%60, ms%1000)
}
