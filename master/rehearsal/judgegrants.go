package rehearsal

import (
	"fmt"
	"math"
	"strings"

	"bragi/master/unicast"
)

var flowNames = [unicast.Flows]string{"announce", "sync", "delay_resp"}

func (r *Report) judgeGrants() {
	var grants, denials uint64
	for _, g := range r.Grants {
		grants, denials = grants+g.Grants, denials+g.Denials
	}
	told := r.judgeWay(grants+denials > 0)
	switch {
	case told && grants+denials == 0:
	case grants+denials == 0 && r.Counts["wrong_domain"] > 0:
		r.find(anError, "WRONG_DOMAIN", "Ask with the master's domain: --domain N.", "The master answers in another domain than %d.", r.Master.Domain)
	case grants+denials == 0:
		r.find(anError, "NO_ANSWER", "Check the address, the route back, UDP ports 319 and 320, the domain (masters are silent in another one), and that this address is allowed there.",
			"No answer to %d requests in domain %d.", r.Counts["signaling_sent"], r.Master.Domain)
	}
	for _, name := range flowNames {
		if g := r.Grants[name]; g.Denials > 0 && g.Grants == 0 {
			r.find(anError, "DENIED", "The master says why: bragi explain client, or its log. It may be full, be draining, or not allow this interval.",
				"The master denied %s (%s) and never granted it.", name, times(g.Denials))
		} else if g.Denials > 0 {
			r.find(aWarning, "DENIED_SOMETIMES", "The master says why in its log.", "The master denied %s (%s), and also granted it (%s).", name, times(g.Denials), times(g.Grants))
		}
	}
	r.judgeContracts()
	r.judgeCancels()
}

// judgeContracts compares what was granted with what was asked for.
func (r *Report) judgeContracts() {
	const least = 10.0 // s, a grant: a client that is a little late loses a shorter one
	var short, slow, unheard, lapsed []string
	shortest := math.Inf(1)
	for f, name := range flowNames {
		g, asked := r.Grants[name], r.asked[f]
		switch {
		case g.Grants == 0 && g.Denials == 0 && g.Asked > 1 && r.RunS > neverAfterS && r.Counts["signaling"] > 0:
			r.find(anError, "NOT_ANSWERED", "Look at the master's log, and capture the packets: does the grant name another message type?",
				"%s was asked for (%s), and the master never answered, although it answered others.", name, times(g.Asked))
		case g.Grants == 0:
		default:
			if isShort(g.Seconds, asked.seconds) {
				short = append(short, fmt.Sprintf("%s for %d s", name, g.Seconds))
				shortest = min(shortest, float64(g.Seconds))
			}
			if text := fmt.Sprintf("%s at %.4g/s and not %.4g/s", name, math.Exp2(-float64(g.Interval)), math.Exp2(-float64(asked.interval))); !g.Granted {
			} else if asked.gives(g.Interval) {
				unheard = append(unheard, fmt.Sprintf("%s (it waits %.4g s for the next)", text, asked.patience.Seconds()))
			} else if isSlow(g.Interval, asked.interval) {
				slow = append(slow, text)
			}
		}
		if n := r.lapsed[f]; n > 0 {
			lapsed = append(lapsed, name+" "+times(n))
		}
		if got := r.Counts[name]; g.Grants == 0 && g.Asked > 0 && got > ungrantedMost {
			r.find(anError, "UNGRANTED", "Correct the master: a client does not know of this flow, and cannot end it.",
				"%s came (%s), but was never granted.", name, counted(got, "message"))
		}
	}
	if len(lapsed) > 0 {
		severity := aWarning
		if r.alone() || r.Counts["sync_timeouts"] > 0 && len(r.Switches) == 0 {
			severity = anError
		}
		r.find(severity, "NOT_RENEWED", "Does the master answer a request from a client that it already serves? Capture the packets, and look at its log.",
			"Grants ran out, and the requests to renew them were not granted in time: %s.", strings.Join(lapsed, ", "))
	}
	if len(unheard) > 0 {
		r.find(anError, "GRANT_SLOW", unheardAction, "The master granted so little that a client of this kind leaves it between two messages: %s.", strings.Join(unheard, ", "))
	}
	if len(slow) > 0 {
		r.find(aWarning, "GRANT_SLOW", slowAction,
			"The master granted less than was asked for: %s.", strings.Join(slow, ", "))
	}
	if len(short) > 0 {
		severity := aWarning
		if shortest < least {
			severity = anError
		}
		r.find(severity, "GRANT_SHORT", shortAction,
			"The master granted far shorter than was asked for (%d s): %s.", r.asked[unicast.Sync].seconds, strings.Join(short, ", "))
	}
}

const (
	slowAction    = "Let the master grant what this kind of client asks for. A real one may refuse, or take longer to be in phase."
	unheardAction = "Let the master grant what this kind of client asks for. A real one takes the master for lost each time, asks again, or goes to another master."
	shortAction   = "Let the master grant longer: each renewal is a load, and a client that is late loses its grant."
)

// isSlow tells whether an interval, log2 of s, is longer than the one asked for.
func isSlow(granted, asked int8) bool { return granted > asked }

// gives tells whether a client gives up a master that sends at an interval, log2 of s: the
// next message comes no sooner than the client's time-out ends.
func (a flowAsked) gives(granted int8) bool {
	return a.patience > 0 && isSlow(granted, a.interval) && unicast.Interval(granted) >= a.patience
}

// isShort tells whether a grant, in s, is far shorter than the one asked for.
func isShort(granted, asked uint32) bool { return uint64(granted)*4 < uint64(asked) }

// ungrantedMost of a flow may overtake its grant.
const ungrantedMost = 8

const cancelAction = "Was the master drained, or stopped? Its log tells. Drain it only when its clients have another master."

// judgeCancels looks at what the master took back: a client with no other master is
// without Sync then, until it is granted again.
func (r *Report) judgeCancels() {
	n := r.Counts["cancels"]
	switch {
	case n == 0:
	case r.alone() || r.Counts["sync_timeouts"] > 0 && len(r.Switches) == 0:
		r.find(anError, "CANCELLED", cancelAction, "The master took back %s, and the client lost Sync: it was in HOLDOVER for %.0f s in all. Modems stay in phase only as long as the client's oscillator does.", counted(n, "grant"), r.heldOverS())
	default:
		r.find(aWarning, "CANCELLED", cancelAction, "The master took back %s.", counted(n, "grant"))
	}
}
