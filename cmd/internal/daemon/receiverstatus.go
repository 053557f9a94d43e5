package daemon

import (
	"fmt"
	"strings"

	"bragi/cmd/internal/status"
	"bragi/gnss"
	"bragi/gnss/ubx"
)

// receiverStatus fills in what the receiver says beside time and position.
func (p *Pipeline) receiverStatus(g *status.GNSS, d gnss.DecoderStatus, pair gnss.PairerStatus) {
	e := d.Epoch
	g.LeapSource, g.TAccNs, g.QErrPs, g.HDOP = e.LeapSource.String(), maybe(e.TAccNs), maybe(e.QErrPs), maybe(e.HDOP)
	g.Antenna, g.Jamming, g.JamLevel, g.Spoofing = maybe(e.Antenna), maybe(e.Jamming), maybe(d.JamIndicator), maybe(e.Spoofing)
	g.AccuracyM, g.NextPulse, g.Missed, g.Model = maybe(d.Position.AccuracyM), pair.NextPulse, pair.Counters.Missed, model(d.Version)
	g.CableNs = float64(p.cfg.AntennaDelay)
	if !d.LastEpoch.IsZero() {
		g.Protocol = strings.ToLower(d.Protocol())
	}
	if e.LeapEvent.Known {
		g.LeapEvent = fmt.Sprintf("%+d s before %v", e.LeapEvent.Value.Change, e.LeapEvent.Value.At)
	}
	if p.mark.QErrPs.Known {
		g.Sawtooth = "applied"
		if wrong, _, _ := p.sawtooth.Wrong(); wrong {
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
