package master

import "bragi/master/wire"

const (
	correctionOffset  = wire.CorrectionOffset
	flagsOffset       = 6
	logIntervalOffset = 33
	requestingOffset  = 44 // requestingPortIdentity in Delay_Resp and Pdelay_Resp
)

// build makes the messages that are only patched before each send.
//
// logMessageInterval (table 42): in unicast Sync, Delay_Resp and Pdelay_Resp state none
// (0x7F); Announce states logAnnounceInterval, which in unicast is the granted
// one and is patched for each client.
func (m *Master) build() {
	h := m.header()
	m.followUp = (&wire.FollowUp{Header: h}).Append(m.followUp[:0])
	m.sync = (&wire.Sync{Header: h}).Append(m.sync[:0])
	wire.AddCorrectionScaled(m.sync, m.cfg.SyncCorrection)
	m.delayResp = (&wire.DelayResp{Header: h}).Append(m.delayResp[:0])
	m.pdelayResp = (&wire.PdelayResp{Header: h}).Append(m.pdelayResp[:0])

	a := m.said
	h.Flags |= m.timeFlags()
	m.announce = (&wire.Announce{
		Header:                  h,
		CurrentUTCOffset:        a.CurrentUTCOffset,
		Priority1:               m.cfg.Priority1,
		ClockClass:              wire.ClockClass(a.ClockClass),
		ClockAccuracy:           wire.ClockAccuracy(a.ClockAccuracy),
		OffsetScaledLogVariance: a.OffsetScaledLogVariance,
		Priority2:               m.cfg.Priority2,
		Grandmaster:             m.me.Clock,
		TimeSource:              wire.TimeSource(a.TimeSource),
	}).Append(m.announce[:0])
	for _, b := range [...][]byte{m.sync, m.followUp, m.announce, m.delayResp, m.pdelayResp} {
		wire.SetControl(b)
	}
}

// timeFlags are the bits of the flagField that belong to timePropertiesDS.
func (m *Master) timeFlags() (flags wire.Flags) {
	a := &m.said
	for _, f := range [...]struct {
		on   bool
		flag wire.Flags
	}{
		{a.Leap61, wire.FlagLeap61}, {a.Leap59, wire.FlagLeap59}, {a.CurrentUTCOffsetValid, wire.FlagUTCOffsetValid},
		{a.PTPTimescale, wire.FlagPTPTimescale}, {a.TimeTraceable, wire.FlagTimeTraceable},
		{a.FrequencyTraceable, wire.FlagFrequencyTraceable},
	} {
		if f.on {
			flags |= f.flag
		}
	}
	return flags
}
