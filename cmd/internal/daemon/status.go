package daemon

import (
	"context"
	"fmt"
	"math"
	"net/netip"
	"strings"
	"time"

	"bragi/cmd/internal/alarms"
	"bragi/cmd/internal/pipeline"
	"bragi/cmd/internal/status"
	"bragi/cmd/internal/version"
	"bragi/gnss"
	"bragi/gnss/setup"
	"bragi/gnss/timescale"
	"bragi/gnss/ubx"
	"bragi/holdover"
	"bragi/master"
	"bragi/master/udp"
)

// The Status is put together here, from what the pipeline was at the latest tick,
// from the packet path's latest answer, and from what the devices and files say of
// themselves.

// Status is the snapshot that every face draws from, with the packet path asked
// anew.
func (d *Daemon) Status() status.Status {
	d.askService(context.Background())
	return d.latest()
}

// latest is the snapshot as it is known without asking.
func (d *Daemon) latest() status.Status {
	hardware := d.hardware() // it has a lock of its own, and may wait for the device
	d.mu.Lock()
	defer d.mu.Unlock()
	l, wall := d.look, d.lookedAt
	at := func(m timescale.Mono) time.Time { return wall.Add(m.Sub(l.At)) }
	s := status.Status{
		Schema: status.Schema, Version: version.Version, Time: wall, UptimeS: wall.Sub(d.started).Seconds(), Profile: d.cfg.Board.Profile,
		Clock: clockStatus(l, at), GNSS: gnssStatus(l), Holdover: holdoverStatus(l, d.cfg.Servo()), Hardware: hardware,
		Alarms: d.alarms.Active(), Walk: append([]status.Step{}, d.walk...),
		Master: status.Master{Interface: d.cfg.Board.Interface, Address: d.cfg.Master.Address, EventPort: int(d.cfg.Master.EventPort),
			GeneralPort: int(d.cfg.Master.GeneralPort), MaxClients: d.cfg.Master.MaxClients, PTPProfile: d.cfg.Master.Profile, Cleared: d.cleared},
	}
	d.whoIsServed(&s.Clock)
	s.Syslog = []status.SyslogTarget{}
	if d.syslog != nil {
		s.Syslog = d.syslog.Status()
	}
	s.GNSS.Device, s.GNSS.Connected, s.GNSS.Receiver = d.devices.device, d.connected, d.devices.receiver.status()
	s.Holdover.Thermometer = d.devices.thermometer.words()
	s.GNSS.PPSBoundNs = float64(d.cfg.PulseDelay(d.devices.pulse).Uncertainty)
	s.References = referencesStatus(l, d.cfg)
	for _, in := range d.devices.others {
		s.References.List[in.index].Device = in.device
	}
	if l.Memory != nil {
		s.Holdover.Known = knownStatus(*l.Memory)
	}
	s.Holdover.Memory, s.Hardware.EgressNs = d.memory.status(), known(l.EgressNs)
	s.Holdover.Drills, s.Stability = d.drillsStatus(), stabilityStatus(l)
	s.Restart = d.restartStatus(&s.Clock, l.Report.EverLocked)
	s.Config = d.configStatus()
	s.Master.Table = d.table
	masterStatus(&s, d.service)
	saysStatus(&s, d.says, d.service)
	s.Twin = d.twinStatus(l.Announcement)
	nameClients(&s, d.cfg.Master.Expected, d.gone, udp.Now())
	trafficStatus(&s.Master, d.service)
	s.Clock.PulseResiduals, s.Hardware.Residuals = distribution(l.Residuals), distribution(d.service.Transport.Residuals)
	return s
}

// whoIsServed tells whether clients can get grants, and if not, why, before all that
// is said of the clock. The caller holds the lock.
func (d *Daemon) whoIsServed(c *status.Clock) {
	_, unreachable := d.outside[alarms.AddressMissing]
	_, c.Draining = d.outside[alarms.Drained]
	c.Squelched = d.look.Announcement.Squelched
	c.Serving = c.Serving && !c.Draining && !unreachable
	var why []string
	if c.Draining {
		why = append(why, "drained: every client is sent away")
	}
	if c.Squelched {
		why = append(why, squelchWords(c.ClockClass))
	}
	if unreachable {
		why = append(why, "no interface has the address that clients ask")
	}
	c.Why = append(why, c.Why...)
}

// squelchWords say that master.squelch does not serve a class.
func squelchWords(class uint8) string {
	return fmt.Sprintf("squelched: nobody is served at class %d", class)
}

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
func clockStatus(l *pipeline.Look, wall func(timescale.Mono) time.Time) status.Clock {
	report, a := l.Report, l.Announcement
	c := status.Clock{
		State: report.State.Cisco(), StateName: report.State.String(), StateSince: wall(report.Since),
		Serving: a.Serve, ClockClass: a.ClockClass, ClockAccuracy: fmt.Sprintf("0x%02x", a.ClockAccuracy),
		Variance: fmt.Sprintf("0x%04x", a.OffsetScaledLogVariance), PTPTimescale: a.PTPTimescale,
		TimeTraceable: a.TimeTraceable, FrequencyTraceable: a.FrequencyTraceable, TimeSource: fmt.Sprintf("0x%02x", a.TimeSource),
		UTCOffset: a.CurrentUTCOffset, UTCOffsetValid: a.CurrentUTCOffsetValid, Leap59: a.Leap59, Leap61: a.Leap61,
		TimeErrorNs: known(report.ErrorNs), TimeErrorSigmaNs: known(report.SigmaNs), BoundNs: known(report.BoundNs), ForecastS: known(report.Class7S),
		FreqPPB: report.FrequencyPPB, MeanFreqPPB: known(report.MeanPPB), EtaS: known(report.EtaS),
		Why: []string{}, Time: l.Reads.String(), Pulses: report.Accepted, PulsesRejected: report.Rejected + report.Refused,
	}
	if report.InsideFor > 0 {
		c.BoundInsideS = known(report.InsideFor.Seconds())
	}
	for _, r := range l.References {
		if r.Followed {
			c.Reference = r.Name
		}
	}
	if c.Steps = report.Steps; c.Steps > 0 {
		c.LastStepNs = &report.LastStepNs
	}
	for _, r := range report.Why {
		c.Why = append(c.Why, r.String())
	}
	return c
}

// gnssStatus is the receiver and the pairing of its pulses.
func gnssStatus(l *pipeline.Look) status.GNSS {
	r := l.Reference
	d, pair := r.DecoderStatus, r.Pairing
	g := status.GNSS{
		Fix: d.Epoch.Fix.String(), Trusted: r.HasTime, SatsUsed: maybe(d.Epoch.SatsUsed), LeapS: maybe(d.Epoch.LeapS),
		Latitude: maybe(d.Position.Latitude), Longitude: maybe(d.Position.Longitude), AltitudeM: maybe(d.Position.AltitudeM),
		Label: pair.State.String(), Frames: d.Counters.Frames(), BadChecksum: d.Counters.BadChecksums, Garbage: d.Counters.GarbageBytes,
		Glitches: pair.Counters.Glitches, Satellites: []status.Sat{}, Why: []string{},
	}
	if !d.LastEpoch.IsZero() {
		g.AgeS = known(l.At.Sub(d.LastEpoch).Seconds())
		if d.Epoch.UTC != (timescale.UTC{}) {
			g.UTC = d.Epoch.UTC.StringLeap(d.Epoch.Leap60)
		}
	}
	if !d.Position.At.IsZero() {
		g.PositionAge = known(l.At.Sub(d.Position.At).Seconds())
	}
	if r.Evidence != gnss.NoEvidence {
		g.Evidence = r.Evidence.String()
	}
	if pair.State == gnss.PairLearning {
		g.Label = fmt.Sprintf("%s (%d of %d agree)", g.Label, pair.Agree, pair.Needed)
	}
	if pair.Delay != 0 {
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
	receiverStatus(&g, r)
	for _, t := range r.Troubles {
		g.Why = append(g.Why, t.String())
	}
	return g
}

// receiverStatus fills in what the receiver says beside time and position.
func receiverStatus(g *status.GNSS, r gnss.ReferenceStatus) {
	d, e := r.DecoderStatus, r.Epoch
	g.LeapSource, g.TAccNs, g.QErrPs, g.HDOP = e.LeapSource.String(), maybe(e.TAccNs), maybe(e.QErrPs), maybe(e.HDOP)
	g.Antenna, g.Jamming, g.JamLevel, g.Spoofing = maybe(e.Antenna), maybe(e.Jamming), maybe(d.JamIndicator), maybe(e.Spoofing)
	g.AccuracyM, g.NextPulse, g.Missed, g.Model = maybe(d.Position.AccuracyM), r.Pairing.NextPulse, r.Pairing.Counters.Missed, model(d.Version)
	g.Opinions = []status.Opinion{}
	for _, c := range r.Opinions {
		g.Opinions = append(g.Opinions, status.Opinion{Source: c.Source, OffsetS: c.Offset.Seconds(), UncertaintyS: c.Uncertainty.Seconds(),
			AgeS: c.Age.Seconds(), Standing: c.Standing().String()})
	}
	g.Edge, g.LineFill = r.Edge.String(), maybe(r.LineFill)
	g.CableNs, g.PPSNs = float64(r.AntennaDelay), float64(r.PulseDelay)
	if !d.LastEpoch.IsZero() {
		g.Protocol = strings.ToLower(d.Protocol())
	}
	if e.LeapEvent.Known {
		g.LeapEvent = fmt.Sprintf("%+d s before %v", e.LeapEvent.Value.Change, e.LeapEvent.Value.At)
	}
	if r.Sawtooth.Told {
		g.Sawtooth = "applied"
		if r.Sawtooth.LeftOut {
			g.Sawtooth = "left out"
		}
	}
	if s := d.Survey; s.Known && (s.Value.Active || s.Value.Valid) {
		g.Survey = &status.Survey{Active: s.Value.Active, Valid: s.Value.Valid, DurationS: s.Value.DurationS, Observations: s.Value.Observations}
		if s.Value.HasMean {
			g.Survey.AccuracyM = known(s.Value.AccuracyM)
		}
	}
}

// model is the receiver's name as far as it told it.
func model(v ubx.Version) string {
	name := v.Module
	if name == "" && v.Generation() > 0 {
		name = fmt.Sprintf("u-blox %d", v.Generation())
	}
	if name == "" {
		return ""
	}
	firmware := v.Firmware
	if firmware == "" {
		firmware = v.Software
	}
	name += ", " + firmware
	if v.Protocol > 0 {
		name += fmt.Sprintf(", protocol %.2f", float64(v.Protocol)/100)
	}
	return name
}

// status is the receiver for `bragi show gnss`.
func (r *receiver) status() status.Receiver {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.machine == nil {
		return status.Receiver{Setup: "left as it is", Steps: []status.SetupStep{}}
	}
	s := r.machine.Status()
	out := status.Receiver{Model: s.Model, Setup: s.State.String(), Firmware: s.Version.Firmware, Steps: []status.SetupStep{}}
	for _, step := range s.Results {
		out.Steps = append(out.Steps, status.SetupStep{Name: step.Name, Outcome: step.Words(), Failed: step.Outcome.Bad()})
	}
	if s.State != setup.Watching || s.Mode.State == setup.ModeUnknown {
		return out
	}
	out.Position = &status.ReceiverPosition{State: s.Mode.State.String()}
	if !s.Mode.Mean.IsZero() {
		out.Position.AccuracyM = known(s.Mode.Mean.AccuracyM)
	}
	if s.Mode.DoubtM > 0 {
		out.Position.DoubtM = known(s.Mode.DoubtM)
	}
	if s.Mode.State == setup.ModeSurvey {
		out.Position.SurveyedS = known(float64(s.Mode.DurationS))
		out.Position.SurveyMinS = known(float64(s.Mode.MinS))
		out.Position.LimitM = known(s.Mode.LimitM)
	}
	return out
}

// holdoverStatus is the oscillator and what holdover is worth.
func holdoverStatus(l *pipeline.Look, servo holdover.Config) status.Holdover {
	r := l.Report
	h := status.Holdover{
		Oscillator: servo.Oscillator.String(), Learned: r.Learned, LockedForS: r.LockedFor.Seconds(),
		SpecNs: float64(servo.Spec), MaxHoldoverS: servo.MaxHoldover.Seconds(),
		ErrorNs: known(r.ErrorNs), SigmaNs: known(r.SigmaNs), BoundNs: known(r.BoundNs), ForecastS: known(r.ForecastS), ForecastP50S: known(r.ForecastP50S), ForecastP95S: known(r.ForecastP95S), Class7S: known(r.Class7S),
		Forced:  l.Forced,
		FreqPPB: r.FrequencyPPB, OscillatorPPB: known(r.OscillatorPPB), PulseNoiseNs: known(r.PulseNoiseNs), TemperatureC: known(r.TempC),
		Why: []string{},
	}
	if r.EverLocked {
		h.Behaves = r.BehavesLike.String()
	}
	if r.HoldoverFor > 0 {
		h.ForS = known(r.HoldoverFor.Seconds())
	}
	for _, w := range r.Why {
		h.Why = append(h.Why, w.String())
	}
	return h
}

func knownStatus(m holdover.Memory) *status.Known {
	k := &status.Known{FrequencyPPB: m.FrequencyPPB, FrequencySigmaPPB: m.FrequencySigmaPPB, TemperatureC: m.TempC,
		DriftPPBDay: m.DriftPPBDay, DriftSigmaPPBDay: m.DriftSigmaPPBDay, Tempco: []status.Tempco{}, Horizons: []status.Horizon{}}
	for _, c := range m.Tempco {
		k.Tempco = append(k.Tempco, status.Tempco{LagS: c.LagS, PPBPerC: c.PPBPerC, SigmaPPB: c.SigmaPPB})
	}
	for _, s := range m.Sigma {
		k.Horizons = append(k.Horizons, status.Horizon{HorizonS: s.HorizonS, SigmaNs: s.SigmaNs, Ratio: s.Ratio, Samples: s.Weight})
	}
	return k
}

// masterStatus fills in what the master says of itself.
func masterStatus(s *status.Status, service udp.Status) {
	snap := service.Snapshot
	s.Clients, s.Denied, s.Master.Counters = []status.Client{}, []status.Denied{}, map[string]uint64{}
	s.Master.Sessions = map[string]int{}
	if snap == nil {
		return
	}
	s.Master.Welcome = &status.Welcome{Allow: prefixWords(snap.Allow), Deny: prefixWords(snap.Deny)}
	s.Master.Identity, s.Master.Domain, s.Master.Clients = snap.Identity.String(), snap.Domain, len(snap.Clients)
	for _, n := range snap.Stats.Sent {
		s.Master.Sent += n
	}
	s.Master.Schedule = status.Schedule{Ticks: snap.Stats.Ticks, Late: snap.Stats.LateTicks, Missed: snap.Stats.MissedSlots,
		LatestMs: float64(service.Transport.LatestTick) / 1e6}
	s.Master.AnnounceGap = status.AnnounceGap{Max: snap.Stats.AnnounceGap.Max.Seconds(), Last: snap.Stats.AnnounceGap.Last.Seconds(), Long: snap.Stats.AnnounceGap.Long}
	s.Master.SendError = lastSendError(service.Transport)
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
	served := servedSince(service)
	for _, d := range snap.Suspects {
		s.Denied = append(s.Denied, status.Denied{Over: refusalOver(service, d, served[d.Address]), Address: d.Address.String(), Identity: d.Port.String(), Domain: d.Domain, Reason: d.Reason.String(), Count: d.Count, AgoS: snap.At.Sub(d.Last).Seconds()})
	}
}

func prefixWords(prefixes []netip.Prefix) []string {
	list := make([]string, len(prefixes))
	for i, p := range prefixes {
		list[i] = p.String()
	}
	return list
}

func clientStatus(at timescale.Mono, c master.ClientStatus) status.Client {
	out := status.Client{Address: c.Address.String(), Identity: c.Identity.String(), Kind: c.Kind, DelayReq: c.DelayReq, SinceS: max(0, at.Sub(c.First).Seconds()),
		Asked: c.Asked.String(), LastS: max(0, at.Sub(c.Last).Seconds()), DSCP: c.DSCP, MinorVersion: c.Minor, Trusted: c.Trusted, Standing: c.Standing.String(),
		Signaling: c.Signaling, Denials: c.Denials, Paused: c.Paused, OutOfCredit: outOfCredit(at, &c), Unsent: c.Unsent, Undelivered: c.Undelivered, Unreachable: unreached(&c), Unanswered: map[string]uint64{}}
	if out.Unreachable != "" && c.Undelivered > 0 {
		out.Unreachable += fmt.Sprintf("; %s to it never left", status.Count(c.Undelivered, "message"))
	}
	clientTraffic(&out, c)
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
			*slot = &status.Grant{Interval: int(g.LogInterval), ExpiresS: g.Expires.Seconds(), GivenS: max(0, float64(g.Seconds)-g.Expires.Seconds())}
			out.Renewals += g.Renewed
		}
	}
	if c.LastDenial != master.Accepted {
		out.LastDenial = fmt.Sprintf("%s, %v ago: %s", c.LastDenialType, at.Sub(c.LastDenialAt).Round(time.Second), c.LastDenial)
	}
	return out
}
