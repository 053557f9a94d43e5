package netport

import (
	"bragi/board"
	"bragi/cmd/internal/status"
)

// Mode is how the time gets into a Sync.
type Mode uint8

const (
	SoftwareTime     Mode = iota // the clock's reading before the send: nothing stamps
	PredictedOneStep             // the clock's reading plus the latency that transmit stamps taught
	HardwareOneStep              // the hardware writes it on the way out
	TwoStep                      // a Follow_Up brings the transmit stamp
)

// String is the word of `show hardware --json`.
func (m Mode) String() string {
	return [...]string{status.SyncSoftware, status.SyncPredictedOneStep, status.SyncHardwareOneStep, status.SyncTwoStep}[m]
}

// Choose decides how the time gets into a Sync by a device of these abilities
// (the board's profile included). Cable clients want one-step: two-step is taken
// only where twoStep asks for it.
func Choose(a board.Abilities, twoStep bool) Mode {
	source := a.TransmitStamps()
	switch {
	case twoStep && (source == board.StampHardware || a.SoftwareTx):
		return TwoStep
	case twoStep:
		return SoftwareTime
	case a.Offers(board.TxOneStepSync) && a.Unicast != board.No:
		return HardwareOneStep
	case source == board.StampNone:
		return SoftwareTime
	}
	return PredictedOneStep
}

// because says why Choose chose m.
func because(m Mode, a board.Abilities, twoStep bool) string {
	source := a.TransmitStamps()
	const predicted = "the time is the clock's reading before the send plus the latency measured by "
	switch {
	case m == TwoStep && source == board.StampHardware:
		return "two-step by configuration; Follow_Up carries the hardware's transmit stamp"
	case m == TwoStep:
		return "two-step by configuration; " + noUnicast(a) + ", so Follow_Up carries the kernel's software transmit stamp, microseconds early"
	case m == SoftwareTime && twoStep:
		return "two-step by configuration, but nothing stamps a unicast Sync on transmit: the time is the clock's reading before the send"
	case m == SoftwareTime:
		return "nothing stamps a Sync on transmit: the time is the clock's reading before the send"
	case m == HardwareOneStep:
		return "the hardware writes the time into Sync as it leaves"
	case source == board.StampHardware:
		return "the hardware cannot write the time into Sync; " + predicted + "its transmit stamps of a sample of the Syncs"
	case source == board.StampTwin:
		return "the hardware does not stamp unicast; " + predicted + "its transmit stamps of twins that it does stamp"
	}
	return noUnicast(a) + "; " + predicted + "the kernel's software transmit stamps"
}

func noUnicast(a board.Abilities) string {
	if a.Offers(board.TxStamp) {
		return "the hardware does not stamp unicast"
	}
	return "the interface has no hardware transmit stamps"
}
