package setup

import (
	"strings"

	"bragi/gnss/ubx"
)

// step is one setting: a question, the judgement of its answer, and what to
// write when it is not as it should be.
type step struct {
	what string
	name ubx.Name // asked with read
	read []byte
	need need
	// judge looks at an answer: whether the setting is right, else what to write.
	// ok is false when the message answers something else.
	judge     func(m *Machine, msg ubx.Message) (settled bool, write []byte, ok bool)
	valset    bool                  // written by VALSET, else by the name it is read by
	bringsPVT bool                  // done, NAV-PVT comes
	unless    func(m *Machine) bool // it is left out
}

func (s *step) writes() ubx.Name {
	if s.valset {
		return ubx.CfgVALSET
	}
	return s.name
}

// firstProtocolWithItems is the protocol version from which receivers have configuration
// items: 27.00, the first of generation 9.
const firstProtocolWithItems = 2700

// How often messages come: each n-th solution. Second, pulse, antenna and
// interference each time; what changes slowly less often, so that 9600 baud suffice.
const (
	everySolution = 1
	everyFifth    = 5
	everyTenth    = 10
)

// need tells whether a receiver must take a step.
type need bool

const (
	needed   need = false
	optional need = true // not of every model: a refusal is no fault
)

func optionalIf(yes bool) need { return need(yes) }

// plan is what to set at a receiver.
func plan(v ubx.Version) []step {
	if v.Protocol >= firstProtocolWithItems || v.Generation() >= 9 {
		return planItems(v)
	}
	return planLegacy(v)
}

// planItems is for generations 9 and later. NMEA goes last, when UBX comes.
func planItems(v ubx.Version) []step {
	message := func(what string, key ubx.Key, rate uint64, n need) step {
		s := items(what, n, ubx.Item{Key: key, Value: rate})
		s.bringsPVT = key == ubx.KeyMsgNavPVTUART1
		return s
	}
	survey, key := "TIM-SVIN", ubx.KeyMsgTimSVINUART1
	if strings.HasPrefix(v.Firmware, "HPG") {
		survey, key = "NAV-SVIN", ubx.KeyMsgNavSVINUART1
	}
	timing := timingFirmware(v)
	return []step{
		items("UBX at UART1", needed, ubx.Item{Key: ubx.KeyUART1OutUBX, Value: 1}),
		message("NAV-PVT", ubx.KeyMsgNavPVTUART1, everySolution, needed),
		message("TIM-TP", ubx.KeyMsgTimTPUART1, everySolution, optionalIf(!timing)),
		message("NAV-TIMELS", ubx.KeyMsgNavTIMELSUART1, everyFifth, needed),
		message("NAV-SAT", ubx.KeyMsgNavSATUART1, everyTenth, needed),
		message("MON-RF", ubx.KeyMsgMonRFUART1, everySolution, optional),
		message("NAV-STATUS", ubx.KeyMsgNavSTATUSUART1, everySolution, optional),
		message("SEC-SIG", ubx.KeyMsgSecSIGUART1, everySolution, optional),
		message(survey, key, everyFifth, optional),
		items("messages at USB", optional,
			ubx.Item{Key: ubx.KeyUSBOutUBX, Value: 1},
			ubx.Item{Key: ubx.KeyMsgNavPVTUART1.OnUSB(), Value: everySolution},
			ubx.Item{Key: ubx.KeyMsgNavTIMELSUART1.OnUSB(), Value: everyFifth},
			ubx.Item{Key: ubx.KeyMsgNavSATUART1.OnUSB(), Value: everyTenth},
			ubx.Item{Key: ubx.KeyMsgNavSTATUSUART1.OnUSB(), Value: everySolution},
			ubx.Item{Key: ubx.KeyMsgMonRFUART1.OnUSB(), Value: everySolution}),
		items("TIM-TP at USB", optional, ubx.Item{Key: ubx.KeyMsgTimTPUART1.OnUSB(), Value: everySolution}),
		items("SEC-SIG at USB", optional, ubx.Item{Key: ubx.KeyMsgSecSIGUART1.OnUSB(), Value: everySolution}),
		items(survey+" at USB", optional, ubx.Item{Key: key.OnUSB(), Value: everyFifth}),
		items("one solution a second", needed, ubx.Item{Key: ubx.KeyRateMeas, Value: 1000}, ubx.Item{Key: ubx.KeyRateNav, Value: 1}),
		items("stationary model", needed, ubx.Item{Key: ubx.KeyDynModel, Value: ubx.ModelStationary}),
		items(timePulse, needed, pulseItems...),
		items("cable delay 0", needed, ubx.Item{Key: ubx.KeyTPCableDelay}),
		items("interference monitor", optional, ubx.Item{Key: ubx.KeyItfmEnable, Value: 1}),
		unlessNoPVT(items("no NMEA at UART1", needed, ubx.Item{Key: ubx.KeyUART1OutNMEA})),
		unlessNoPVT(items("no NMEA at USB", optional, ubx.Item{Key: ubx.KeyUSBOutNMEA})),
	}
}

// timingFirmware tells a timing or reference receiver, whose pulse must be
// described by TIM-TP.
func timingFirmware(v ubx.Version) bool {
	return strings.HasPrefix(v.Firmware, "TIM") || strings.HasPrefix(v.Firmware, "HPG")
}

// unlessNoPVT keeps NMEA where the receiver would have nothing else to say.
func unlessNoPVT(s step) step {
	s.unless = func(m *Machine) bool { return !m.wantsPVT }
	return s
}

// The pulse: each second of UTC, 100 ms long, its rising edge at the top of the
// second; none while the receiver is out of step with GNSS.
const (
	pulsePeriod = 1_000_000 // us
	pulseLength = 100_000   // us
)

// timePulse is what the step is called that sets the pulse.
const timePulse = "time pulse"

var pulseItems = []ubx.Item{
	{Key: ubx.KeyTPPulseDef, Value: 0}, {Key: ubx.KeyTPPulseLengthDef, Value: 1},
	{Key: ubx.KeyTPPeriod, Value: pulsePeriod}, {Key: ubx.KeyTPPeriodLocked, Value: pulsePeriod},
	{Key: ubx.KeyTPLength, Value: 0}, {Key: ubx.KeyTPLengthLocked, Value: pulseLength},
	{Key: ubx.KeyTPUserDelay, Value: 0}, {Key: ubx.KeyTPEnable, Value: 1}, {Key: ubx.KeyTPSyncGNSS, Value: 1},
	{Key: ubx.KeyTPUseLocked, Value: 1}, {Key: ubx.KeyTPAlign, Value: 1}, {Key: ubx.KeyTPRising, Value: 1}, {Key: ubx.KeyTPGrid, Value: 0},
}

// items is a step of configuration items in RAM.
func items(what string, n need, want ...ubx.Item) step {
	keys := make([]ubx.Key, len(want))
	for i, w := range want {
		keys[i] = w.Key
	}
	return step{what: what, name: ubx.CfgVALGET, read: ubx.ValgetPayload(ubx.GetRAM, keys...), need: n, valset: true,
		judge: func(_ *Machine, msg ubx.Message) (bool, []byte, bool) {
			layer, got, ok := ubx.ParseValget(msg)
			if !ok || layer != ubx.GetRAM || len(got) == 0 || got[0].Key != keys[0] {
				return false, nil, false
			}
			return holds(got, want), ubx.ValsetPayload(ubx.SetRAM, want...), true
		}}
}

// holds tells whether all that is wanted is there.
func holds(got, want []ubx.Item) bool {
	for _, w := range want {
		found := false
		for _, g := range got {
			found = found || g == w
		}
		if !found {
			return false
		}
	}
	return true
}
