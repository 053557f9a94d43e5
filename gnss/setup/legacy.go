package setup

import (
	"strings"

	"bragi/gnss/ubx"
)

// planLegacy is for generations 6 to 8, set up by one message for each thing.
func planLegacy(v ubx.Version) []step {
	timing := timingFirmware(v)
	survey := ubx.TimSVIN
	if strings.HasPrefix(v.Firmware, "HPG") {
		survey = ubx.NavSVIN
	}
	steps := []step{portStep("UBX at this port", ubx.ProtoUBX, 0)}
	for _, msg := range []struct {
		name ubx.Name
		rate byte
		need need
	}{
		{ubx.NavPVT, everySolution, optionalIf(v.Generation() < 8)}, {ubx.TimTP, everySolution, optionalIf(!timing)}, {ubx.NavTIMELS, everyFifth, optionalIf(v.Generation() < 8)},
		{ubx.NavSAT, everyTenth, optional}, {ubx.NavSTATUS, everySolution, optional}, {ubx.MonHW, everySolution, optional}, {survey, everyFifth, optional},
	} {
		steps = append(steps, messageStep(msg.name, msg.rate, msg.need))
	}
	if v.Generation() < 7 { // before NAV-PVT
		steps = append(steps, messageStep(ubx.NavTIMEUTC, everySolution, optional), messageStep(ubx.NavSOL, everySolution, optional))
	}
	return append(steps, rateStep(), modelStep(), pulseStep(), interferenceStep(), unlessNoPVT(portStep("no NMEA at this port", 0, ubx.ProtoNMEA)))
}

// portStep turns protocols of the port in use on and off.
func portStep(what string, on, off uint16) step {
	return step{what: what, name: ubx.CfgPRT, judge: func(m *Machine, msg ubx.Message) (bool, []byte, bool) {
		p, ok := ubx.ParsePort(msg)
		if !ok {
			return false, nil, false
		}
		m.port = p
		want := p
		want.Out = p.Out&^off | on
		return want.Out == p.Out, want.Payload(), true
	}}
}

func messageStep(name ubx.Name, rate byte, n need) step {
	return step{what: name.String(), name: ubx.CfgMSG, read: ubx.MsgPoll(name), need: n, bringsPVT: name == ubx.NavPVT,
		judge: func(m *Machine, msg ubx.Message) (bool, []byte, bool) {
			r, ok := ubx.ParseMsgRates(msg)
			if !ok || r.Name != name {
				return false, nil, false
			}
			return int(m.port.ID) < len(r.Rates) && r.Rates[m.port.ID] == rate, ubx.MsgRate(name, rate), true
		}}
}

func rateStep() step {
	return step{what: "one solution a second", name: ubx.CfgRATE, judge: func(_ *Machine, msg ubx.Message) (bool, []byte, bool) {
		r, ok := ubx.ParseRate(msg)
		want := ubx.Rate{MeasMs: 1000, Nav: 1, TimeRef: r.TimeRef}
		return r == want, want.Payload(), ok
	}}
}

func modelStep() step {
	return step{what: "stationary model", name: ubx.CfgNAV5, judge: func(_ *Machine, msg ubx.Message) (bool, []byte, bool) {
		model, ok := ubx.ParseModel(msg)
		return model == ubx.ModelStationary, ubx.ModelPayload(ubx.ModelStationary), ok
	}}
}

// pulseStep sets pulse 0; the cable's delay is the servo's business.
func pulseStep() step {
	return step{what: timePulse + ", cable delay 0", name: ubx.CfgTP5, read: []byte{0}, judge: func(_ *Machine, msg ubx.Message) (bool, []byte, bool) {
		p, ok := ubx.ParseTimePulse(msg)
		if !ok || p.Index != 0 {
			return false, nil, false
		}
		want := p
		want.CableDelayNs, want.UserDelayNs = 0, 0
		want.Period, want.PeriodLocked, want.Length, want.LengthLocked = pulsePeriod, pulsePeriod, 0, pulseLength
		want.Flags = p.Flags&^(ubx.PulseIsFrequency|ubx.PulseGridMask) |
			ubx.PulseActive | ubx.PulseLockGNSS | ubx.PulseLockedOther | ubx.PulseIsLength | ubx.PulseAlign | ubx.PulseRising
		return want == p, want.Payload(), true
	}}
}

func interferenceStep() step {
	return step{what: "interference monitor", name: ubx.CfgITFM, need: optional, judge: func(_ *Machine, msg ubx.Message) (bool, []byte, bool) {
		i, ok := ubx.ParseInterference(msg)
		want := i
		want.Config |= ubx.InterferenceEnabled
		return want == i, want.Payload(), ok
	}}
}
