package gnss

import (
	"fmt"
	"slices"
	"time"

	"bragi/gnss/timescale"
)

// Opinion is what another source than the receiver says of the time: at At it was UTC,
// give or take Uncertainty.
type Opinion struct {
	Source      string // "the system clock", "NTP server 192.0.2.1"
	At          timescale.Mono
	UTC         timescale.UTC
	Or          timescale.UTC // what it was instead if somebody has set the source meanwhile; zero: nobody can
	Uncertainty time.Duration
	Firm        bool // the median of several: it need not be heard twice
}

// Claim is an opinion held against the receiver's label.
type Claim struct {
	Source      string
	Offset      time.Duration // positive: the source is ahead of the receiver
	Uncertainty time.Duration
	Age         time.Duration // of the opinion
	Agreed      bool          // it agreed with this very label before
	Accepted    bool          // the operator knows of this difference
	Times       int           // in a row that it differs
	Guessed     bool          // it is by Opinion.Or that it differs least
}

// Standing is what a Claim is worth.
type Standing uint8

// The standings.
const (
	Silent   Standing = iota // too old, too vague, or not sure of it yet
	Agrees                   // within the limit
	Differs                  // it speaks against the receiver
	Refuted                  // it differs, but agreed with the same label before: it has moved, not the receiver
	Accepted                 // it differs, and the operator trusts the receiver
)

// String is the standing in words.
func (s Standing) String() string {
	return [...]string{"says nothing", "agrees", "differs", "differs, but agreed before", "differs, the receiver is accepted"}[s]
}

const (
	// opinionLimit is by how much an opinion may be off beside its own uncertainty: a
	// pulse's wrong edge and a wrong second are more, a network's delay is less.
	opinionLimit = 300 * time.Millisecond
	// opinionKept is how long an opinion counts; CLOCK_MONOTONIC_RAW carries it.
	opinionKept = 5 * time.Minute
	// opinionVague is too uncertain to tell a second: such a source cannot vouch for one,
	// but it can contradict one, unless it is so far off that somebody must have set it.
	opinionVague = 500 * time.Millisecond
	opinionFar   = time.Hour
	// opinionTimes in a row differ: a leap second, or a clock that is being set, does
	// so once.
	opinionTimes = 2
)

// Standing judges the claim.
func (c Claim) Standing() Standing {
	drift := c.Age * rawDriftPPM / 1_000_000
	switch {
	case c.Age < 0 || c.Age > opinionKept:
		return Silent
	case c.Offset.Abs() <= opinionLimit+c.Uncertainty+drift:
		if c.Guessed || c.Uncertainty > opinionVague {
			return Silent
		}
		return Agrees
	case c.Offset.Abs() > opinionFar && c.Uncertainty > opinionVague:
		return Silent
	case c.Times < opinionTimes:
		return Silent
	case c.Accepted:
		return Accepted
	case c.Agreed:
		return Refuted
	}
	return Differs
}

// Doubtful tells whether the claims make the receiver's second doubtful: more of them
// differ from it than agree.
func Doubtful(claims []Claim) bool {
	balance := 0
	for _, c := range claims {
		switch c.Standing() {
		case Agrees:
			balance++
		case Differs:
			balance--
		}
	}
	return balance < 0
}

// witness is a source, with what is remembered of it.
type witness struct {
	Opinion
	agreed   bool
	differs  int // in a row
	accepted bool
	by       time.Duration // the difference that was accepted
}

// witnesses are all sources of a second opinion.
type witnesses struct {
	list []witness
	base int64 // of the label that they are held against: TAI second less raw time, in ns
	mark Mark
}

// labelKept is how far the last mark reaches.
const labelKept = time.Minute

// hear takes an opinion in the place of the source's last one.
func (w *witnesses) hear(o Opinion, table *timescale.LeapSeconds) {
	i := slices.IndexFunc(w.list, func(x witness) bool { return x.Source == o.Source })
	if i < 0 {
		i = len(w.list)
		w.list = append(w.list, witness{})
	}
	x := &w.list[i]
	x.Opinion = o
	c, known := w.claim(*x, o.At, table)
	if !known {
		return
	}
	c.Times = opinionTimes
	switch c.Standing() {
	case Agrees:
		x.agreed, x.differs, x.accepted = true, 0, false
	case Silent:
	default:
		x.differs++
	}
}

// labelled takes the latest mark. Another label is judged anew.
func (w *witnesses) labelled(m Mark) {
	base := m.Second.Ns() - m.Mono.Ns()
	if time.Duration(base-w.base).Abs() > opinionLimit {
		for i := range w.list {
			x := &w.list[i]
			x.agreed, x.differs, x.accepted = false, 0, false
		}
		w.base = base
	}
	if m.Mono.Sub(w.mark.Mono) > labelKept {
		w.base = base // raw time runs off by itself
	}
	w.mark = m
}

// claim holds a source against the last mark; known is false where there is none.
func (w *witnesses) claim(x witness, now timescale.Mono, table *timescale.LeapSeconds) (c Claim, known bool) {
	if w.mark.Mono.IsZero() || now.Sub(w.mark.Mono) > labelKept {
		return Claim{}, false
	}
	utc, _ := table.ToUTC(w.mark.Second.Add(x.At.Sub(w.mark.Mono)))
	c = Claim{Source: x.Source, Offset: x.UTC.Sub(utc), Uncertainty: x.Uncertainty, Age: now.Sub(x.At), Agreed: x.agreed, Times: x.differs}
	if x.Firm {
		c.Times = opinionTimes
	}
	if or := x.Or.Sub(utc); x.Or != (timescale.UTC{}) && or.Abs() < c.Offset.Abs() {
		c.Offset, c.Guessed = or, true
	}
	c.Accepted = x.accepted && (c.Offset-x.by).Abs() <= opinionLimit
	return c, true
}

// late is how long after the instant that it names an epoch came, where all sources that
// know it better than a second are of one mind.
func (w *witnesses) late(e Epoch) (by Maybe[time.Duration]) {
	for _, x := range w.list {
		age := e.Received.Sub(x.At)
		if age < -opinionKept || age > opinionKept || x.Uncertainty > opinionLimit {
			continue
		}
		d := x.UTC.Add(age).Sub(e.UTC)
		if by.Known && (d-by.Value).Abs() > opinionLimit {
			return Maybe[time.Duration]{}
		}
		by = Some(d)
	}
	return by
}

func (w *witnesses) claims(now timescale.Mono, table *timescale.LeapSeconds) []Claim {
	var list []Claim
	for _, x := range w.list {
		if c, known := w.claim(x, now, table); known {
			list = append(list, c)
		}
	}
	return list
}

// accept lets the receiver stand against those that differ now, and names them.
func (w *witnesses) accept(now timescale.Mono, table *timescale.LeapSeconds) (forgotten []string) {
	for i, x := range w.list {
		if c, known := w.claim(x, now, table); known && c.Standing() == Differs {
			w.list[i].accepted, w.list[i].by = true, c.Offset
			forgotten = append(forgotten, fmt.Sprintf("%s, which is %s", x.Source, offsetWords(c.Offset)))
		}
	}
	return forgotten
}

func (w *witnesses) troubles(now timescale.Mono, table *timescale.LeapSeconds) []Trouble {
	claims := w.claims(now, table)
	var against, moved []string
	for _, c := range claims {
		utc, _ := table.ToUTC(w.mark.Second.Add(now.Sub(w.mark.Mono)))
		text := fmt.Sprintf("%s says %s, the receiver %s: %s", c.Source, wholeUTC(utc.Add(c.Offset)), wholeUTC(utc), offsetWords(c.Offset))
		switch c.Standing() {
		case Differs:
			against = append(against, text)
		case Refuted:
			moved = append(moved, text)
		}
	}
	var list []Trouble
	switch doubtful := Doubtful(claims); {
	case len(against) > 0 && doubtful:
		list = append(list, Trouble{ReasonSecondOpinion, joined(against)})
	default:
		moved = append(against, moved...)
	}
	if len(moved) > 0 {
		list = append(list, Trouble{ReasonOpinionWrong, joined(moved)})
	}
	return list
}

func joined(texts []string) string {
	text := texts[0]
	for _, t := range texts[1:] {
		text += "; " + t
	}
	return text
}

// wholeUTC is a time of day for people: the tenth of a second tells an edge.
func wholeUTC(u timescale.UTC) string {
	c := u.Civil()
	return fmt.Sprintf("%04d-%02d-%02d %02d:%02d:%02d.%d", c.Year, c.Month, c.Day, c.Hour, c.Minute, c.Second, c.Ns/100_000_000)
}

func offsetWords(d time.Duration) string {
	if d < 0 {
		return fmt.Sprintf("%.3f s behind", -d.Seconds())
	}
	return fmt.Sprintf("%.3f s ahead", d.Seconds())
}
