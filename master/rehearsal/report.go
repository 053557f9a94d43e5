package rehearsal

import (
	"fmt"
	"math"
	"slices"
	"time"

	"bragi/gnss/timescale"
	"bragi/holdover/quality"
	"bragi/master/unicast"
	"bragi/master/wire"
)

// tally counts messages.
type tally struct {
	Announce, Sync, FollowUp, DelayReq, DelayResp, Signaling, SignalingSent uint64
	OneStep, Unmatched, NoStamp                                             uint64
	Malformed, WrongDomain, WrongPort, Strangers                            uint64
	AnnounceTimeouts, SyncTimeouts, Cancels, Steps                          uint64
	NotSent, PortClosed, NoNeighbour                                        uint64
	AnnounceNumbers, SyncNumbers                                            numbers
}

// Report is what a client has seen, for JSON and for a live view.
type Report struct {
	As          string    `json:"as"`
	State       string    `json:"state"`
	Verdict     string    `json:"verdict"` // "pass", "fail"; "" before Judge
	Findings    []Finding `json:"findings"`
	InStateS    float64   `json:"in_state_s"`
	RunS        float64   `json:"run_s"`
	TimeToLockS *float64  `json:"time_to_lock_s"` // to the first PHASE_ALIGNED; null: it has not come
	LockLeftS   *float64  `json:"lock_left_s"`    // of the 35 minutes that a client may take for it; null: it has come
	Master      Master    `json:"master"`

	Offset       Spread   `json:"offset_ns"` // of each Sync; positive: the client is ahead
	WindowOffset int64    `json:"window_offset_ns"`
	PathDelay    Spread   `json:"path_delay_ns"` // of each second: the mean of the two ways
	PathDelayNs  float64  `json:"mean_path_delay_ns"`
	Network      *Network `json:"network"`        // null: it takes ten minutes, and a verdict
	Floor        Spread   `json:"delay_floor_ns"` // of each second: the mean of its fastest packets, one each way
	FreqPPB      float64  `json:"freq_ppb"`
	Spacing      Spacing  `json:"spacing_us"`
	OneStep      bool     `json:"one_step"`
	// AheadOfUTCS is by how much the served time is ahead of the machine's own clock.
	// About utc_offset where the grandmaster serves TAI and the machine knows UTC; null:
	// nobody compared.
	AheadOfUTCS *float64 `json:"ahead_of_utc_s"`

	Grants map[string]GrantReport `json:"grants"`
	Rates  map[string]float64     `json:"rates"` // messages per second
	Lost   map[string]uint64      `json:"lost"`
	Counts map[string]uint64      `json:"counts"`
	Moves  []MoveReport           `json:"moves"`
	Steps  []StepReport           `json:"steps"` // of the served time, after the first lock

	Stamps      StampReport `json:"stamps"`
	Disciplined *Followed   `json:"disciplined,omitempty"` // a clock of hardware that was steered

	// Of a client of several masters:
	Masters  []Candidate    `json:"masters,omitempty"`
	Switches []SwitchReport `json:"switches,omitempty"`

	served       *timescale.TAI           // what the master serves as TAI at the end; nil: nothing yet
	asked        [unicast.Flows]flowAsked // what the client asked for
	heldS        [unicast.Flows]float64   // for how long a flow is granted without a gap; 0: it is not
	changes      changes
	instead      [unicast.Flows]instead
	misfits      uint64                // seconds in which the times of Delay_Resp did not fit those of Sync
	misfit       time.Duration         // of the last one: half of the sum of the two ways
	lapsed       [unicast.Flows]uint64 // grants that ran out before they were renewed
	phaseLimitNs float64               // of the client
	seconds      []floorSecond
	followed     int    // windows that the servo followed without a step
	followingNs  int64  // the size of the offset of each of the last ones: the median
	notSent      string // why the last message that was not sent was not
	// heardAfter are the counts of what did not leave or arrive, that are over: the master
	// was heard after the last of them.
	heardAfter map[string]bool

	sharedNumbers [unicast.Flows]bool // the sequence numbers count other clients' messages too
}

// flowAsked is what a client asks for.
type flowAsked struct {
	interval int8
	seconds  uint32
	patience time.Duration // how long a client of this kind waits for a message; 0: for ever
}

// Candidate is one of several masters.
type Candidate struct {
	Master
	Selected  bool `json:"selected"`
	Qualified bool `json:"qualified"` // it announces, and may be chosen

	findings []Finding
}

// SwitchReport is a change from one master to another. MovedNs is what it did to the
// time: positive: ahead; null: no second has been measured since.
type SwitchReport struct {
	AtS       float64 `json:"at_s"`
	From      string  `json:"from"`
	FromClass uint8   `json:"from_class"`
	FromFlags Flags   `json:"from_flags"`
	To        string  `json:"to"`
	ToClass   uint8   `json:"to_class"`
	ToFlags   Flags   `json:"to_flags"`
	Why       string  `json:"why"`
	MovedNs   *int64  `json:"moved_ns"`
}

// Master is whom the client follows: what granted, and what its last Announce said.
type Master struct {
	Address      string `json:"address"`        // whom the messages went to
	Port         string `json:"port,omitempty"` // portIdentity of the grantor
	Identity     string `json:"identity"`       // of the grandmaster
	Class        uint8  `json:"class"`
	Accuracy     string `json:"accuracy"`
	Variance     string `json:"variance"`
	Priority1    uint8  `json:"priority1"`
	Priority2    uint8  `json:"priority2"`
	Domain       uint8  `json:"domain"`
	StepsRemoved uint16 `json:"steps_removed"`
	TimeSource   string `json:"time_source"`
	UTCOffset    int16  `json:"utc_offset"`
	TwoStep      bool   `json:"two_step"`
	Flags        Flags  `json:"flags"`

	accuracy    uint8
	grandmaster wire.ClockIdentity
}

// Flags are those of Announce.
type Flags struct {
	UTCOffsetValid     bool `json:"utc_offset_valid"`
	PTPTimescale       bool `json:"ptp_timescale"`
	TimeTraceable      bool `json:"time_traceable"`
	FrequencyTraceable bool `json:"frequency_traceable"`
	Leap59             bool `json:"leap59"`
	Leap61             bool `json:"leap61"`
}

// Spacing is how far the spacing of Syncs is off its interval, in us.
type Spacing struct {
	P50 float64 `json:"p50"`
	P99 float64 `json:"p99"`
	Max float64 `json:"max"`
}

// StepReport is a step of the served time; positive: it went ahead. Class is what
// the master announced before.
type StepReport struct {
	AtS   float64 `json:"at_s"`
	Ns    int64   `json:"ns"`
	Class uint8   `json:"class"`
}

// Announcement is the grandmaster's word as package quality has it.
func (c *Client) Announcement() quality.Announcement {
	q := announcementOf(&c.announce)
	q.Serve = c.counts.Announce > 0
	return q
}

func announcementOf(a *wire.Announce) quality.Announcement {
	return quality.Announcement{
		ClockClass:              uint8(a.ClockClass),
		ClockAccuracy:           uint8(a.ClockAccuracy),
		OffsetScaledLogVariance: a.OffsetScaledLogVariance,
		TimeSource:              uint8(a.TimeSource),
		CurrentUTCOffset:        a.CurrentUTCOffset,
		CurrentUTCOffsetValid:   a.Flags&wire.FlagUTCOffsetValid != 0,
		Leap59:                  a.Flags&wire.FlagLeap59 != 0,
		Leap61:                  a.Flags&wire.FlagLeap61 != 0,
		TimeTraceable:           a.Flags&wire.FlagTimeTraceable != 0,
		FrequencyTraceable:      a.Flags&wire.FlagFrequencyTraceable != 0,
		PTPTimescale:            a.Flags&wire.FlagPTPTimescale != 0,
	}
}

// GrantReport is one flow.
type GrantReport struct {
	Granted  bool    `json:"granted"`
	Interval int8    `json:"interval"`
	Seconds  uint32  `json:"duration_s"`
	ExpiresS float64 `json:"expires_s"`
	Asked    uint64  `json:"asked"`
	Grants   uint64  `json:"grants"`
	Denials  uint64  `json:"denied"`
}

// MoveReport is a change of state, in s since the start.
type MoveReport struct {
	AtS   float64 `json:"at_s"`
	State string  `json:"state"`
}

// Spread describes the last up to 1,024 values.
type Spread struct {
	N      int   `json:"n"`
	Last   int64 `json:"last"`
	Min    int64 `json:"min"`
	P1     int64 `json:"p1"`
	Median int64 `json:"median"`
	P99    int64 `json:"p99"`
	Max    int64 `json:"max"`
	RMS    int64 `json:"rms"`
}

// history keeps the last values.
type history struct {
	v []int64
	n int // where the next one goes
}

const historySize = 1024

func (h *history) add(x int64) { h.addUpTo(historySize, x) }

// addUpTo keeps the last size values.
func (h *history) addUpTo(size int, x int64) {
	if len(h.v) < size {
		h.v = append(h.v, x)
	} else {
		h.v[h.n] = x
	}
	if h.n++; h.n == size {
		h.n = 0
	}
}

func (h *history) spread() Spread {
	n := len(h.v)
	if n == 0 {
		return Spread{}
	}
	s := slices.Clone(h.v)
	slices.Sort(s)
	sum := 0.0
	for _, x := range s {
		sum += float64(x) * float64(x)
	}
	return Spread{
		N: n, Last: h.v[(h.n+n-1)%n], Min: s[0], P1: s[n/100], Median: s[n/2], P99: s[n-1-n/100], Max: s[n-1],
		RMS: int64(math.Sqrt(sum / float64(n))),
	}
}

// Report says what was seen until now.
func (c *Client) Report(now timescale.Mono) Report {
	seconds := func(since timescale.Mono) float64 {
		if since.IsZero() {
			return 0
		}
		return now.Sub(since).Seconds()
	}
	r := Report{
		As: c.cfg.Kind.String(), State: c.state.String(), Findings: []Finding{}, InStateS: seconds(c.since), RunS: seconds(c.started),
		Offset: c.offset.spread(), WindowOffset: c.servo.last, PathDelay: c.path.spread(), PathDelayNs: float64(c.servo.delay), Floor: c.floor.spread(),
		FreqPPB: c.clock.ppb, Spacing: c.gaps.spacing(), OneStep: c.counts.OneStep > 0 && c.counts.FollowUp == 0,
		Grants: make(map[string]GrantReport, unicast.Flows),
		Moves:  make([]MoveReport, 0, len(c.moves)),
		Steps:  append([]StepReport{}, c.steps...),

		changes: c.changes, instead: c.instead, misfits: c.misfits, misfit: c.misfit,
		phaseLimitNs: float64(c.cfg.PhaseLimit), notSent: c.notSent, followed: c.servo.windows, seconds: c.seconds,
	}
	if ns, ok := c.Time(now); ok {
		served := timescale.TAIFromNs(ns)
		r.served = &served
	}
	if sizes := slices.Clone(c.following.v); len(sizes) > 0 {
		for i, ns := range sizes {
			sizes[i] = max(ns, -ns)
		}
		r.followingNs = median(sizes)
	}
	if !c.lockedAt.IsZero() {
		s := c.lockedAt.Sub(c.started).Seconds()
		r.TimeToLockS = &s
	} else {
		left := max(0, lockWithin.Seconds()-seconds(c.started))
		r.LockLeftS = &left
	}
	for f, said := range c.said {
		s := c.seat.Of(unicast.Flow(f))
		g := GrantReport{Granted: s.Granted, Interval: c.cfg.LogIntervals[f], Seconds: s.Seconds, Asked: said.asked, Grants: said.grants, Denials: said.denials}
		if s.Granted {
			g.Interval, g.ExpiresS = s.LogInterval, max(0, s.Expires.Sub(now).Seconds())
			r.heldS[f] = now.Sub(s.Since).Seconds()
		}
		r.Grants[flowNames[f]] = g
		r.lapsed[f] = said.lapsed
		r.asked[f] = flowAsked{c.cfg.LogIntervals[f], c.cfg.Duration, patience(unicast.Flow(f), c.cfg.LogIntervals[f], c.cfg.AnnounceTimeout)}
	}
	for _, m := range c.moves {
		r.Moves = append(r.Moves, MoveReport{m.At.Sub(c.started).Seconds(), m.State.String()})
	}
	r.heardAfter = map[string]bool{}
	for name, last := range c.failed {
		r.heardAfter[name] = !c.heard.IsZero() && c.heard.Sub(last).Seconds() >= neverAfterS
	}
	c.describe(&r.Master)
	r.Counts, r.Lost = c.counts.named(), c.lost()
	r.sharedNumbers = [unicast.Flows]bool{unicast.Announce: c.counts.AnnounceNumbers.shared(), unicast.Sync: c.counts.SyncNumbers.shared()}
	r.Rates = c.rates(now)
	return r
}

// Report says what was seen until now: of the master that is followed, and of the
// others what they announce.
func (c *Chooser) Report(now timescale.Mono) Report {
	c.measureSwitch()
	r := c.shown().Report(now)
	r.Master.Address = c.candidates[max(0, c.active)].address.String()
	if len(c.candidates) == 1 {
		return r
	}
	for i, m := range c.candidates {
		own := Candidate{Selected: i == c.active, Qualified: m.client.qualified() && !now.Before(m.barred)}
		m.client.describe(&own.Master)
		own.Address = m.address.String()
		if !own.Selected {
			alone := m.client.Report(now)
			alone.judgeCandidate(c.failed(m.address))
			own.findings = alone.Findings
		}
		r.Masters = append(r.Masters, own)
	}
	r.Switches = append([]SwitchReport{}, c.switches...)
	return r
}

func (c *Client) describe(m *Master) {
	m.Domain = c.cfg.Domain
	if c.seat.Master != (wire.PortIdentity{}) {
		m.Port = c.seat.Master.String()
	}
	if c.counts.Announce == 0 {
		return
	}
	m.hear(&c.announce)
	m.TwoStep = c.counts.FollowUp > 0
}

// hear takes what an Announce says.
func (m *Master) hear(a *wire.Announce) {
	q := announcementOf(a)
	m.Identity, m.Class, m.Accuracy = a.Grandmaster.String(), q.ClockClass, fmt.Sprintf("0x%02x", q.ClockAccuracy)
	m.Variance, m.Priority1, m.Priority2 = fmt.Sprintf("0x%04x", q.OffsetScaledLogVariance), a.Priority1, a.Priority2
	m.StepsRemoved, m.TimeSource, m.UTCOffset = a.StepsRemoved, fmt.Sprintf("0x%02x", q.TimeSource), q.CurrentUTCOffset
	m.Flags, m.accuracy, m.grandmaster = flagsOf(q), q.ClockAccuracy, a.Grandmaster
}

func flagsOf(q quality.Announcement) Flags {
	return Flags{UTCOffsetValid: q.CurrentUTCOffsetValid, PTPTimescale: q.PTPTimescale, TimeTraceable: q.TimeTraceable,
		FrequencyTraceable: q.FrequencyTraceable, Leap59: q.Leap59, Leap61: q.Leap61}
}

// Time is the time that the master serves, as far as this client follows it, in ns
// since the epoch of the master's timescale. false: there is none.
func (c *Client) Time(at timescale.Mono) (ns int64, ok bool) { return c.clock.at(at), c.clock.set }

// lost are the messages that were granted and did not come.
func (c *Client) lost() map[string]uint64 {
	n := &c.counts
	lost := map[string]uint64{"announce": n.AnnounceNumbers.lost(), "sync": n.SyncNumbers.lost(), "delay_resp": 0}
	// The last Delay_Req may still have their answers on the way.
	if missing := int64(c.counts.DelayReq) - int64(c.counts.DelayResp) - underWay; missing > 0 {
		lost["delay_resp"] = uint64(missing)
	}
	return lost
}

const underWay = 3

func (h *history) spacing() Spacing {
	sizes := history{v: slices.Clone(h.v), n: h.n}
	for i, v := range sizes.v {
		sizes.v[i] = max(v, -v)
	}
	s := sizes.spread()
	return Spacing{P50: float64(s.Median) / 1e3, P99: float64(s.P99) / 1e3, Max: float64(s.Max) / 1e3}
}

// rates are messages per second over the last five to ten seconds.
func (c *Client) rates(now timescale.Mono) map[string]float64 {
	from, was := c.rateFrom, c.older
	if from.IsZero() {
		from, was = c.started, tally{}
	}
	span := now.Sub(from).Seconds()
	per := func(now, then uint64) float64 {
		if from.IsZero() || span < time.Second.Seconds()/2 {
			return 0 // too early to tell
		}
		return math.Round(float64(now-then)/span*10) / 10
	}
	return map[string]float64{
		"announce":   per(c.counts.Announce, was.Announce),
		"sync":       per(c.counts.Sync, was.Sync),
		"delay_req":  per(c.counts.DelayReq, was.DelayReq),
		"delay_resp": per(c.counts.DelayResp, was.DelayResp),
	}
}

func (t *tally) named() map[string]uint64 {
	return map[string]uint64{
		"announce": t.Announce, "sync": t.Sync, "follow_up": t.FollowUp, "delay_req": t.DelayReq, "delay_resp": t.DelayResp,
		"signaling": t.Signaling, "signaling_sent": t.SignalingSent, "announce_gaps": t.AnnounceNumbers.Gaps, "sync_gaps": t.SyncNumbers.Gaps,
		"delay_resp_unmatched": t.Unmatched, "no_stamp": t.NoStamp, "malformed": t.Malformed, "wrong_domain": t.WrongDomain,
		"wrong_port": t.WrongPort, "strangers": t.Strangers, "announce_timeouts": t.AnnounceTimeouts, "sync_timeouts": t.SyncTimeouts, "cancels": t.Cancels,
		"steps": t.Steps, "not_sent": t.NotSent, "port_closed": t.PortClosed, "no_neighbour": t.NoNeighbour,
	}
}
