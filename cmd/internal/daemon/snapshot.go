package daemon

import (
	"fmt"
	"math"
	"time"

	"bragi/cmd/internal/status"
	"bragi/gnss"
	"bragi/gnss/timescale"
	"bragi/holdover/quality"
	"bragi/master"
	"bragi/master/udp"
)

// known is a pointer to v for JSON, nil when v is not known.
func known(v float64) *float64 {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return nil
	}
	return &v
}

func maybe[T any](m gnss.Maybe[T]) *T {
	if !m.Known {
		return nil
	}
	return &m.Value
}

// clockStatus is the clock and what is announced of it. wall turns a raw time
// into the reader's.
func (p *Pipeline) clockStatus(now timescale.Mono, wall func(timescale.Mono) time.Time) status.Clock {
	report, a := p.report(now), p.Announcement(now)
	reads := p.clock.Local(now).AssumeTAI()
	c := status.Clock{
		State: report.State.Cisco(), StateName: report.State.String(), StateSince: wall(report.Since),
		Serving: a.Serve, ClockClass: a.ClockClass, ClockAccuracy: fmt.Sprintf("0x%02x", a.ClockAccuracy),
		Variance: fmt.Sprintf("0x%04x", a.OffsetScaledLogVariance), PTPTimescale: a.PTPTimescale,
		TimeTraceable: a.TimeTraceable, FrequencyTraceable: a.FrequencyTraceable, TimeSource: fmt.Sprintf("0x%02x", a.TimeSource),
		UTCOffset: a.CurrentUTCOffset, UTCOffsetValid: a.CurrentUTCOffsetValid, Leap59: a.Leap59, Leap61: a.Leap61,
		TimeErrorNs: known(report.ErrorNs), BoundNs: known(report.BoundNs), ForecastS: known(report.Class7S),
		FreqPPB: report.FrequencyPPB, MeanFreqPPB: known(report.MeanPPB), EtaS: known(report.EtaS),
		Reference: "internal", Why: []string{}, Time: reads.String(), Pulses: report.Accepted, PulsesRejected: report.Rejected + report.Refused,
	}
	switch report.State {
	case quality.Locking, quality.Locked, quality.Relocking:
		c.Reference = "gnss"
	}
	for _, r := range report.Why {
		c.Why = append(c.Why, r.String())
	}
	return c
}

// gnssStatus is the receiver and the pairing of its pulses.
func (p *Pipeline) gnssStatus(now timescale.Mono) status.GNSS {
	d, pair := p.decoder.Status(), p.pairer.Status()
	g := status.GNSS{
		Fix: d.Epoch.Fix.String(), Trusted: p.hasTime(now), SatsUsed: maybe(d.Epoch.SatsUsed), LeapS: maybe(d.Epoch.LeapS),
		Latitude: maybe(d.Position.Latitude), Longitude: maybe(d.Position.Longitude), AltitudeM: maybe(d.Position.AltitudeM),
		Label: pair.State.String(), Frames: d.Counters.Frames(), BadChecksum: d.Counters.BadChecksums, Garbage: d.Counters.GarbageBytes,
		Glitches: pair.Counters.Glitches, Satellites: []status.Sat{}, Why: []string{},
	}
	if !d.LastEpoch.IsZero() {
		g.AgeS = known(now.Sub(d.LastEpoch).Seconds())
		if d.Epoch.UTC != (timescale.UTC{}) {
			g.UTC = d.Epoch.UTC.StringLeap(d.Epoch.Leap60)
		}
	}
	if pair.State == gnss.PairLearning {
		g.Label = fmt.Sprintf("%s (%d of %d agree)", g.Label, pair.Agree, pair.Needed)
	}
	if pair.Delay > 0 {
		g.MessageMs = known(float64(pair.Delay) / 1e6)
	}
	seen := len(d.Satellites)
	if seen > 0 {
		g.SatsSeen = &seen
	}
	for _, s := range d.Satellites {
		g.Satellites = append(g.Satellites, status.Sat{Constellation: s.System.String(), ID: s.ID, CN0: maybe(s.CN0),
			Elevation: maybe(s.Elevation), Azimuth: maybe(s.Azimuth), Used: s.Used})
	}
	p.receiverStatus(&g, d, pair)
	for _, t := range p.gnssTroubles(now) {
		g.Why = append(g.Why, t.String())
	}
	return g
}

// masterStatus fills in what the master says of itself.
func masterStatus(s *status.Status, service udp.Status) {
	snap := service.Snapshot
	s.Clients, s.Denied = []status.Client{}, []status.Denied{}
	if snap == nil {
		return
	}
	s.Master.Identity, s.Master.Domain, s.Master.Clients = snap.Identity.String(), snap.Domain, len(snap.Clients)
	s.Master.Counters = map[string]uint64{}
	for _, n := range snap.Stats.Sent {
		s.Master.Sent += n
	}
	s.Master.Schedule = status.Schedule{Ticks: snap.Stats.Ticks, Late: snap.Stats.LateTicks, Missed: snap.Stats.MissedSlots,
		LatestMs: float64(service.Transport.LatestTick) / 1e6}
	s.Master.AnnounceGap = status.AnnounceGap{Max: snap.Stats.AnnounceGap.Max.Seconds(), Last: snap.Stats.AnnounceGap.Last.Seconds(), Long: snap.Stats.AnnounceGap.Long}
	for _, byReason := range snap.Stats.Received {
		for reason, byAnswer := range byReason {
			n := byAnswer[0] + byAnswer[1]
			s.Master.Received += n
			if n > 0 {
				s.Master.Counters[master.Reason(reason).String()] += n
			}
		}
	}
	for _, c := range snap.Clients {
		s.Clients = append(s.Clients, clientStatus(snap.At, c))
	}
	for _, d := range snap.Suspects {
		s.Denied = append(s.Denied, status.Denied{Address: d.Address.String(), Identity: d.Port.String(), Domain: d.Domain, Reason: d.Reason.String(), Count: d.Count, AgoS: snap.At.Sub(d.Last).Seconds()})
	}
}

func clientStatus(at timescale.Mono, c master.ClientStatus) status.Client {
	out := status.Client{Address: c.Address.String(), Identity: c.Identity.String(), Kind: c.Kind, DelayReq: c.DelayReq, SinceS: at.Sub(c.First).Seconds(),
		Asked: c.Asked.String(), LastS: at.Sub(c.Last).Seconds(), DSCP: c.DSCP, MinorVersion: c.Minor, Trusted: c.Trusted,
		Signaling: c.Signaling, Denials: c.Denials, Unanswered: map[string]uint64{}}
	if c.DelayReqInterval > 0 {
		out.DelayReqIntervalS = known(c.DelayReqInterval.Seconds())
	}
	for reason, n := range c.Unanswered {
		if n > 0 {
			out.Unanswered[master.Reason(reason).String()] = uint64(n)
		}
	}
	for flow, slot := range map[master.Flow]**status.Grant{
		master.FlowSync: &out.Grants.Sync, master.FlowAnnounce: &out.Grants.Announce, master.FlowDelayResp: &out.Grants.DelayResp,
	} {
		if g := c.Grants[flow]; g.Live {
			*slot = &status.Grant{Interval: int(g.LogInterval), ExpiresS: g.Expires.Seconds()}
			out.Renewals += g.Renewed
		}
	}
	if c.LastDenial != master.Accepted {
		out.LastDenial = fmt.Sprintf("%s, %v ago: %s", c.LastDenialType, at.Sub(c.LastDenialAt).Round(time.Second), c.LastDenial)
	}
	return out
}
