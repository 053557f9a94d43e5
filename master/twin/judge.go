package twin

import (
	"fmt"
	"time"

	"bragi/holdover/quality"
	"bragi/master/unicast"
	"bragi/master/wire"
)

// Limit is how far two clocks in spec are apart at most, both ways of telling it
// counted: what a twin may differ by unless the configuration says another limit, and
// up to where a rehearsal says that two masters agree.
const Limit = 3 * time.Microsecond

// Answer is what a change to the twin would mean for clients, in a word.
type Answer string

// The answers.
const (
	NoAnswer  Answer = "no-answer" // the twin is silent, or answers what no client could use
	Measuring Answer = "measuring" // too few samples
	Ready     Answer = "ready"     // clients would notice nothing
	Differs   Answer = "differs"   // clients would be moved by more than the limit, or get another timescale or UTC
	Worse     Answer = "worse"     // within the limit, but the twin's clock is worse than ours
	Better    Answer = "better"    // the twin's clock is better than ours
)

// Verdict is an answer with its reason.
type Verdict struct {
	Answer Answer
	Text   string // one line, for people
}

// Judge says what a change to the twin would mean for clients now. us is our identity,
// domain our domain, said what we announce, limit how far the two may differ.
func Judge(us wire.ClockIdentity, domain uint8, said quality.Announcement, r Report, limit time.Duration) Verdict {
	a := &r.Announce
	scale := a.Flags&wire.FlagPTPTimescale != 0
	unusable := func(format string, values ...any) Verdict {
		return Verdict{NoAnswer, fmt.Sprintf(format, values...) + ": do not fail over"}
	}
	switch {
	case r.Ourselves, r.Heard && r.Identity.Clock == us:
		return unusable("the twin has our own clock identity, %v: twin.address is this grandmaster itself, or the other one is a copy of it", us)
	case r.WrongDomain:
		return unusable("the twin is in domain %d, this grandmaster in domain %d", r.Domain, domain)
	case r.Denied && !r.Announced && r.SilentNs < int64(lastRetry+silence):
		return unusable("the twin denies what a client asks for: it serves nobody now, or does not let this grandmaster in")
	case r.SilentNs >= int64(silence) && r.Heard:
		return unusable("the twin has been silent for %v", time.Duration(r.SilentNs).Round(time.Second))
	case r.SilentNs >= int64(silence):
		return unusable("the twin does not answer")
	case !r.Announced && r.Lacks[unicast.Announce]:
		return unusable("the twin answers, but no Announce comes")
	case !r.Announced:
		return Verdict{Measuring, "the twin is being asked"}
	case a.Grandmaster == us:
		return unusable("the twin follows this grandmaster: it has no time of its own")
	case r.Lacks[unicast.Sync]:
		return unusable("%s: its offset cannot be measured", r.missing(unicast.Sync, "Sync"))
	case r.Lacks[unicast.DelayResp]:
		return unusable("%s: its offset cannot be measured", r.missing(unicast.DelayResp, "Delay_Resp"))
	case !said.Serve:
		return Verdict{Better, "this grandmaster serves nobody; the twin " + standing(a.ClockClass)}
	case scale != said.PTPTimescale:
		return Verdict{Differs, fmt.Sprintf("the twin serves %s, this grandmaster %s: do not fail over", scaleName(scale), scaleName(said.PTPTimescale))}
	case r.Unusable:
		return unusable("the twin's Sync and Delay_Resp measure nothing (is a Follow_Up or a time stamp missing?): its offset cannot be measured")
	case !r.Measured:
		return Verdict{Measuring, fmt.Sprintf("the twin %s; its offset is being measured", standing(a.ClockClass))}
	case a.Flags&wire.FlagUTCOffsetValid != 0 && said.CurrentUTCOffsetValid && a.CurrentUTCOffset != said.CurrentUTCOffset:
		return Verdict{Differs, fmt.Sprintf("the twin says TAI - UTC is %d s, this grandmaster %d s: do not fail over", a.CurrentUTCOffset, said.CurrentUTCOffset)}
	}
	return judgeOffset(said.ClockClass, uint8(a.ClockClass), r.OffsetNs, int64(limit))
}

// missing is what a client misses of a flow, and who says so.
func (r *Report) missing(f unicast.Flow, name string) string {
	if r.Denies[f] {
		return "the twin denies " + name
	}
	return "the twin " + standing(r.Announce.ClockClass) + ", but no " + name + " comes"
}

// judgeOffset weighs two clocks of one timescale.
func judgeOffset(ours, theirs uint8, offsetNs, limitNs int64) Verdict {
	by := Signed(offsetNs)
	far := offsetNs > limitNs || offsetNs < -limitNs
	both := by + ", the twin " + standing(wire.ClockClass(theirs)) + ", this grandmaster " + standing(wire.ClockClass(ours))
	switch {
	case ours == theirs && ours == 6 && far:
		return Verdict{Differs, by + " although both are on GNSS: one of them is wrong, do not fail over"}
	case ours == theirs && ours == 6:
		return Verdict{Ready, by + ", both on GNSS"}
	case theirs < ours && far:
		return Verdict{Better, both + ": clients are better off at the twin, but are moved by more than the limit"}
	case theirs < ours:
		return Verdict{Better, both + ": clients are better off at the twin"}
	case far:
		return Verdict{Differs, by + ", the twin " + standing(wire.ClockClass(theirs)) + ": do not fail over"}
	case theirs > ours:
		return Verdict{Worse, by + ", the twin " + standing(wire.ClockClass(theirs)) + ": fail over only if you must"}
	}
	return Verdict{Ready, both}
}

// standing is what a clockClass says of a clock.
func standing(c wire.ClockClass) string {
	switch c {
	case 6:
		return "is on GNSS"
	case 7:
		return "is in holdover"
	case 52, 187, 140, 150, 160:
		return "is in holdover out of spec"
	case 58, 193, 248:
		return "runs free"
	}
	return fmt.Sprintf("is of class %d", uint8(c))
}

func scaleName(ptp bool) string {
	if ptp {
		return "TAI"
	}
	return "a time of no known epoch (ARB)"
}

// Signed is a difference of clocks with its sign, in a unit that reads well.
func Signed(ns int64) string {
	size := max(ns, -ns)
	switch {
	case size < 1_000:
		return fmt.Sprintf("%+d ns", ns)
	case size < 1_000_000:
		return fmt.Sprintf("%+.1f us", float64(ns)/1e3)
	case size < 1_000_000_000:
		return fmt.Sprintf("%+.1f ms", float64(ns)/1e6)
	}
	return fmt.Sprintf("%+.3f s", float64(ns)/1e9)
}
