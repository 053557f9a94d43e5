package sim

import "bragi/gnss/ubx"

// legacy is the older CFG messages: the same settings, told one by one.
func (u *ublox) legacy(m ubx.Message) (answer []byte, ok bool) {
	poll := len(m.Payload) == 0
	value := func(k ubx.Key) uint64 { return u.items[k] }
	switch m.Name() {
	case ubx.CfgPRT:
		now := ubx.NewPort(ubx.PortUART1, uint32(value(ubx.KeyUART1Baud)), 7, uint16(value(ubx.KeyUART1OutUBX)*ubx.ProtoUBX|value(ubx.KeyUART1OutNMEA)*ubx.ProtoNMEA))
		if poll {
			return now.Payload(), true
		}
		p, ok := ubx.ParsePort(m)
		return nil, ok && p.ID == ubx.PortUART1 && u.set(ubx.Item{Key: ubx.KeyUART1Baud, Value: uint64(p.Baud)},
			flag(ubx.KeyUART1OutUBX, p.Out&ubx.ProtoUBX != 0), flag(ubx.KeyUART1OutNMEA, p.Out&ubx.ProtoNMEA != 0))
	case ubx.CfgMSG:
		return u.legacyMessage(m)
	case ubx.CfgRATE:
		if poll {
			return ubx.Rate{MeasMs: uint16(value(ubx.KeyRateMeas)), Nav: uint16(value(ubx.KeyRateNav)), TimeRef: 1}.Payload(), true
		}
		r, ok := ubx.ParseRate(m)
		return nil, ok && u.set(ubx.Item{Key: ubx.KeyRateMeas, Value: uint64(r.MeasMs)}, ubx.Item{Key: ubx.KeyRateNav, Value: uint64(r.Nav)})
	case ubx.CfgNAV5:
		if poll {
			return ubx.ModelPayload(byte(value(ubx.KeyDynModel))), true
		}
		model, ok := ubx.ParseModel(m)
		return nil, ok && m.Payload[0]&1 != 0 && u.set(ubx.Item{Key: ubx.KeyDynModel, Value: uint64(model)})
	case ubx.CfgTP5:
		return u.legacyPulse(m)
	case ubx.CfgITFM:
		const prescribed, general = 0x2D62ACF3, 0x31E
		if poll {
			return ubx.Interference{Config: prescribed | uint32(value(ubx.KeyItfmEnable))<<31, Config2: general}.Payload(), true
		}
		i, ok := ubx.ParseInterference(m)
		return nil, ok && i.Config&^ubx.InterferenceEnabled == prescribed && u.set(flag(ubx.KeyItfmEnable, i.Config&ubx.InterferenceEnabled != 0))
	case ubx.CfgTMODE2:
		if poll {
			return u.mode().Payload2(), true
		}
		t, ok := ubx.ParseTimeMode2(m)
		return nil, ok && u.set(t.Items()...)
	}
	return nil, false
}

func flag(k ubx.Key, on bool) ubx.Item {
	i := ubx.Item{Key: k}
	if on {
		i.Value = 1
	}
	return i
}

// legacyMessage is CFG-MSG: two bytes ask, three set.
func (u *ublox) legacyMessage(m ubx.Message) (answer []byte, ok bool) {
	if len(m.Payload) != 2 && len(m.Payload) != 3 {
		return nil, false
	}
	name := ubx.Name(m.Payload[0])<<8 | ubx.Name(m.Payload[1])
	key, known := messageKeys[name]
	if !known {
		return nil, false
	}
	if len(m.Payload) == 3 {
		return nil, u.set(ubx.Item{Key: key, Value: uint64(m.Payload[2])})
	}
	rate, known := u.items[key]
	r := ubx.MsgRates{Name: name}
	r.Rates[ubx.PortUART1] = byte(rate)
	return r.Payload(), known
}

// legacyPulse is CFG-TP5 of pulse 0.
func (u *ublox) legacyPulse(m ubx.Message) (answer []byte, ok bool) {
	value := func(k ubx.Key) uint64 { return u.items[k] }
	if len(m.Payload) <= 1 {
		t := ubx.TimePulse{Version: 1}
		t.CableDelayNs, t.UserDelayNs = int16(value(ubx.KeyTPCableDelay)), int32(value(ubx.KeyTPUserDelay))
		t.Period, t.PeriodLocked = uint32(value(ubx.KeyTPPeriod)), uint32(value(ubx.KeyTPPeriodLocked))
		t.Length, t.LengthLocked = uint32(value(ubx.KeyTPLength)), uint32(value(ubx.KeyTPLengthLocked))
		t.Flags = uint32(value(ubx.KeyTPEnable)*ubx.PulseActive | value(ubx.KeyTPSyncGNSS)*ubx.PulseLockGNSS | value(ubx.KeyTPUseLocked)*ubx.PulseLockedOther |
			value(ubx.KeyTPPulseDef)*ubx.PulseIsFrequency | value(ubx.KeyTPPulseLengthDef)*ubx.PulseIsLength |
			value(ubx.KeyTPAlign)*ubx.PulseAlign | value(ubx.KeyTPRising)*ubx.PulseRising | value(ubx.KeyTPGrid)*ubx.PulseGridGPS)
		return t.Payload(), len(m.Payload) == 0 || m.Payload[0] == 0
	}
	t, ok := ubx.ParseTimePulse(m)
	if !ok || t.Index != 0 {
		return nil, false
	}
	has := func(bit uint32) bool { return t.Flags&bit != 0 }
	return nil, u.set(ubx.Int(ubx.KeyTPCableDelay, int64(t.CableDelayNs)), ubx.Int(ubx.KeyTPUserDelay, int64(t.UserDelayNs)),
		ubx.Int(ubx.KeyTPPeriod, int64(t.Period)), ubx.Int(ubx.KeyTPPeriodLocked, int64(t.PeriodLocked)),
		ubx.Int(ubx.KeyTPLength, int64(t.Length)), ubx.Int(ubx.KeyTPLengthLocked, int64(t.LengthLocked)),
		flag(ubx.KeyTPEnable, has(ubx.PulseActive)), flag(ubx.KeyTPSyncGNSS, has(ubx.PulseLockGNSS)), flag(ubx.KeyTPUseLocked, has(ubx.PulseLockedOther)),
		flag(ubx.KeyTPPulseDef, has(ubx.PulseIsFrequency)), flag(ubx.KeyTPPulseLengthDef, has(ubx.PulseIsLength)),
		flag(ubx.KeyTPAlign, has(ubx.PulseAlign)), flag(ubx.KeyTPRising, has(ubx.PulseRising)), flag(ubx.KeyTPGrid, has(ubx.PulseGridGPS)))
}
