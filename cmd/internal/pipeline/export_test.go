package pipeline

import "bragi/gnss/timescale"

// AcceptReceiver is Accept of whom the operator does not name.
func (p *Pipeline) AcceptReceiver(now timescale.Mono) (forgotten []string, err error) {
	done, err := p.Accept(now, "")
	return done.Forgotten, err
}

// DisturbedShown is for the tests outside.
const DisturbedShown = disturbedShown

// ServoAlarms is likewise.
var ServoAlarms = servoAlarms
