// Package simulate runs the Pipeline on the board of software in
// virtual time, one pulse a second, and judges what it did by the truth that
// only the simulation knows: `bragi simulate`, and what `make bench-timing` and tests count.
//
//	s, err := simulate.Load("antenna-cut-24h")
//	result, trace, err := simulate.Run(simulate.Options{Oscillator: holdover.OCXO, Scenario: s, Seed: 1})
//
// The whole table beside its marks, or a part of it:
//
//	go run ./cmd/internal/timing -seeds 4 -many 8 -only holdover
//
// A second of it: at .00 the pulse leaves the receiver, at .25 the daemon gets
// it, at .30 the receiver names the second, at .50 time passes (Tick), the
// announcement is made and the true error is written down.
//
// The receiver's bytes are left out: Pipeline.Epoch takes what they would say.
// The oscillators are board/sim's; the estimator sees the thermometer, never
// the crystal. Everything follows from the seed.
package simulate
