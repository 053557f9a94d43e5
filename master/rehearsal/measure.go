package rehearsal

import (
	"math"
	"slices"
	"time"

	"bragi/gnss/timescale"
	"bragi/master/unicast"
	"bragi/master/wire"
)

// clock is the client's clock: a line over CLOCK_MONOTONIC_RAW.
type clock struct {
	set  bool
	mono timescale.Mono
	ns   int64   // what it reads at mono: ns since the epoch of the master's timescale
	ppb  float64 // how much faster than CLOCK_MONOTONIC_RAW it runs
}

func (c *clock) at(m timescale.Mono) int64 {
	d := int64(m.Sub(c.mono))
	return c.ns + d + int64(math.Round(float64(d)*c.ppb*1e-9))
}

// turn goes on from m with another frequency and deltaNs more.
func (c *clock) turn(m timescale.Mono, ppb float64, deltaNs int64) {
	c.ns, c.mono, c.ppb = c.at(m)+deltaNs, m, ppb
}

// window collects what one decision of the servo is made of.
type window struct {
	from             timescale.Mono
	class            wire.ClockClass // that the master announced then
	forward, reverse []int64         // t2-t1 and t4-t3, ns
}

const (
	windowSpan = time.Second
	windowMost = 1024 // values of a window: what 2^-10 s brings
	delaysKept = 16   // windows
)

func (w *window) reset(from timescale.Mono, class wire.ClockClass) {
	w.from, w.class, w.forward, w.reverse = from, class, w.forward[:0], w.reverse[:0]
}

// keep adds a value to a list of the window.
func keep(list *[]int64, ns int64) {
	if len(*list) < windowMost {
		*list = append(*list, ns)
	}
}

// median sorts the list; that of an even number lies between the middle two.
func median(list []int64) int64 {
	slices.Sort(list)
	low, high := list[(len(list)-1)/2], list[len(list)/2]
	return low + (high-low)/2
}

// servo is the PI controller; frequencies in ppb.
type servo struct {
	windows  int     // since the last step
	integral float64 // ppb
	delay    int64   // ns, median of delays
	delays   history // of the last windows
	last     int64   // offset of the last window, ns
	inside   int     // windows in a row within the phase limit
	near     int     // windows in a row within ten times of it
}

const (
	proportional = 0.3  // per s
	integrating  = 0.03 // per s^2
	maxPPB       = 500_000
	stepLimit    = time.Millisecond // a larger offset is stepped
	longestPath  = time.Second      // a longer one is none: t1 and t4 are not of one clock

	followingKept = 60 // windows
)

func (c *Client) onAnnounce(now timescale.Mono, payload []byte) error {
	a, err := wire.ParseAnnounce(payload)
	if err != nil {
		return err
	}
	c.counts.Announce++
	c.see(unicast.Announce, now, a.SequenceID, &c.counts.AnnounceNumbers)
	if c.counts.Announce > 1 {
		if a.Grandmaster != c.announce.Grandmaster {
			c.changes.identity++
		}
		if a.ClockClass != c.announce.ClockClass {
			c.changes.class++
		}
	}
	c.announce, c.lastAnnounce = a, now
	c.announced++
	return nil
}

func (c *Client) onSync(now timescale.Mono, payload []byte, t2 timescale.Mono) error {
	s, err := wire.ParseSync(payload)
	if err != nil {
		return err
	}
	c.counts.Sync++
	arrived := t2
	if t2.IsZero() {
		arrived = now
	}
	c.see(unicast.Sync, arrived, s.SequenceID, &c.counts.SyncNumbers)
	if t2.IsZero() {
		c.counts.NoStamp++
		return nil
	}
	if !c.lastSync.IsZero() {
		c.gaps.add(int64(t2.Sub(c.lastSync)) - int64(c.every(unicast.Sync)))
	}
	c.lastSync = t2
	if s.Flags&wire.FlagTwoStep != 0 {
		c.pending, c.pendingAt = s, t2
		return nil
	}
	c.counts.OneStep++
	c.forward(now, s.OriginTimestamp, s.Correction, t2)
	return nil
}

func (c *Client) onFollowUp(now timescale.Mono, payload []byte) error {
	f, err := wire.ParseFollowUp(payload)
	if err != nil {
		return err
	}
	c.counts.FollowUp++
	if !c.pendingAt.IsZero() && f.SequenceID == c.pending.SequenceID {
		c.forward(now, f.PreciseOriginTimestamp, f.Correction+c.pending.Correction, c.pendingAt)
	}
	c.pendingAt = timescale.Mono{}
	return nil
}

// forward takes t1 and t2 of a Sync.
func (c *Client) forward(now timescale.Mono, t1 wire.Timestamp, correction int64, t2 timescale.Mono) {
	tai, ok := t1.TAI()
	if !ok {
		c.counts.Malformed++
		return
	}
	origin := tai.Ns() + correction>>16
	if !c.clock.set {
		c.clock = clock{set: true, mono: t2, ns: origin}
		c.nextDelay = now
		c.win.reset(t2, c.announce.ClockClass)
		c.move(now, Acquiring)
	}
	if c.state == Freerun || c.state == Holdover {
		c.servo.inside, c.servo.near = 0, 0
		c.move(now, Acquiring)
		c.win.reset(t2, c.announce.ClockClass)
	}
	d := c.clock.at(t2) - origin
	keep(&c.win.forward, d)
	if c.servo.windows > 0 {
		c.offset.add(d - c.servo.delay)
	}
	if t2.Sub(c.win.from) >= windowSpan {
		c.steer(now, t2)
	}
}

func (c *Client) onDelayResp(payload []byte) error {
	r, err := wire.ParseDelayResp(payload)
	if err != nil {
		return err
	}
	if r.Requesting != c.cfg.Identity {
		c.counts.Strangers++
		c.instead[unicast.DelayResp].others++
		c.instead[unicast.DelayResp].to = r.Requesting
		return nil
	}
	c.counts.DelayResp++
	x := &c.requests[r.SequenceID%uint16(len(c.requests))]
	t4, ok := r.ReceiveTimestamp.TAI()
	if x.seq != r.SequenceID || x.t3.IsZero() || !ok {
		c.counts.Unmatched++
		return nil
	}
	d := t4.Ns() - r.Correction>>16 - c.clock.at(x.t3)
	x.t3 = timescale.Mono{}
	keep(&c.win.reverse, d)
	return nil
}

// straddles tells that the values, in the order of time, have both sides of a step.
func straddles(ns []int64) bool {
	half := len(ns) / 2
	if half == 0 {
		return false
	}
	moved := median(slices.Clone(ns[half:])) - median(slices.Clone(ns[:half]))
	return time.Duration(moved).Abs() > stepLimit/2
}

// steer closes a window: offset and delay of its medians, then the servo. A window that
// may have both sides of a step is set aside: the next one shows it whole.
func (c *Client) steer(now, t2 timescale.Mono) {
	w := &c.win
	span := t2.Sub(w.from).Seconds()
	defer w.reset(t2, c.announce.ClockClass)
	if len(w.forward) == 0 || len(w.reverse) == 0 {
		return
	}
	halved := straddles(w.forward) || straddles(w.reverse)
	forward, reverse := median(w.forward), median(w.reverse)
	offset, delay := (forward-reverse)/2, (forward+reverse)/2
	aside := c.aside
	if c.servo.windows > 0 && !c.taken && (halved || time.Duration(offset).Abs() > stepLimit || time.Duration(delay).Abs() > longestPath) {
		if aside == nil {
			c.aside = &StepReport{AtS: now.Sub(c.started).Seconds(), Class: uint8(w.class)}
		}
	} else {
		c.aside = nil
	}
	if misfit := time.Duration(delay); misfit.Abs() > longestPath {
		c.misfits, c.misfit = c.misfits+1, misfit
		return
	}
	if c.aside != nil && aside == nil {
		return
	}
	s := &c.servo
	switch {
	case c.taken:
		// The clock ran on alone since the other master was left. A small difference is
		// slewed, as that of any window.
		c.taken, s.windows = false, 1
		moved := -offset
		c.moved = &moved
		if offset > int64(stepLimit) || -offset > int64(stepLimit) {
			c.clock.turn(t2, s.integral, -offset)
		}
	case s.windows == 0:
		c.clock.turn(t2, c.clock.ppb, -offset)
	case offset > int64(stepLimit) || -offset > int64(stepLimit):
		c.counts.Steps++
		if len(c.steps) < maxSteps {
			c.steps = append(c.steps, StepReport{aside.AtS, -offset, aside.Class})
		}
		c.clock.turn(t2, c.clock.ppb, -offset)
		*s, c.aside = servo{integral: s.integral}, nil
		c.offset, c.following = history{}, history{}
		c.move(now, Acquiring)
	case s.windows == 1:
		// An offset is that of the middle of its window. At the end of the first one
		// the clock was stepped by half a window's drift too little; what the second
		// shows is a window's drift, and half a one has come since.
		s.integral = clamp(c.clock.ppb - float64(offset)/span)
		c.clock.turn(t2, s.integral, -offset-offset/2)
	default:
		s.integral = clamp(s.integral - integrating*float64(offset)*span)
		c.clock.turn(t2, clamp(s.integral-proportional*float64(offset)), 0)
	}
	c.path.add(delay)
	second := floorOf(w.forward, w.reverse)
	c.floor.add(second.fastest)
	if c.seconds = append(c.seconds, second); len(c.seconds) > floorKept {
		c.seconds = c.seconds[1:]
	}
	c.following.addUpTo(followingKept, offset)
	s.delays.addUpTo(delaysKept, delay)
	s.delay = median(slices.Clone(s.delays.v))
	s.windows++
	s.last = offset
	c.judge(now, offset)
}

func clamp(ppb float64) float64 { return max(-maxPPB, min(maxPPB, ppb)) }

// numbers are what is missing of a flow: by its sequenceIds, and by the time between
// its messages.
type numbers struct{ Gaps, Holes uint64 }

// shared: much more is missing by number than by time. Such a master counts the messages
// to all its clients, or those of its multicast, in one sequence, as ptp4l does.
func (n numbers) shared() bool {
	const leastGaps = 3
	return n.Gaps > leastGaps && n.Gaps > 2*n.Holes
}

// lost is how many messages did not come.
func (n numbers) lost() uint64 {
	if n.shared() {
		return n.Holes
	}
	return n.Gaps
}

// behindFor is for how many messages the flow stays an interval late until one counts as
// lost: what was only held up on the way is soon made good.
const behindFor = 16

// see notes that a message has come.
func (c *Client) see(f unicast.Flow, arrived timescale.Mono, seq uint16, n *numbers) {
	s, every := &c.seq[f], c.every(f)
	if s.seen {
		s.late = max(0, s.late+arrived.Sub(s.at)-every)
	}
	if s.behind++; s.late < every*3/4 {
		s.behind = 0
	}
	if s.behind == behindFor {
		lost := (s.late + every/2) / every
		n.Holes += uint64(lost)
		s.late, s.behind = max(0, s.late-lost*every), 0
	}
	s.see(seq, &n.Gaps)
	s.at = arrived
}

// sequence finds holes in a run of sequenceIds.
type sequence struct {
	seen bool
	last uint16
	at   timescale.Mono // the last one's arrival

	late   time.Duration // of the flow, against its earliest message
	behind int           // messages since it is late by an interval
}

// see counts the messages that are missing before seq. A large jump is a
// restarted sender, not a loss; a repeated or late message is neither.
func (s *sequence) see(seq uint16, gaps *uint64) {
	const most = 1000
	if d := seq - s.last; s.seen && d > 1 && d < most {
		*gaps += uint64(d - 1)
	}
	s.seen, s.last = true, seq
}
