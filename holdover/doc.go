// Package holdover steers the served clock to the receiver's pulse, knows how
// well it does so, and coasts when the pulse is gone.
//
// The way of a pulse:
//
//	Pulse --> corrections --> estimator (what the oscillator does by itself) --> steer (ppb, step) --> Order
//	Temperature ---------------/       \-> virtual holdovers (what a forecast is worth) --> bound, forecast
//	          Inputs --> Next (the states, one pure function) --> Report --> quality.Announce
//
// Estimation and steering are apart. A pulse says how far the served clock is
// from TAI (positive: ahead). What was done to the clock since the first pulse
// is known: steps, and the integral U of the frequency correction u that the
// hardware took. Their difference is the phase that the oscillator would have
// by itself,
//
//	z(t) = offset(t) - steps - U(t)
//
// and only z is filtered (model.go: phase, frequency, its flicker, drift, two
// lags of temperature, two slow errors of the pulse), so that the servo's own
// noise never enters the frequency that is held. The error of the served clock
// is x = z + steps + U, and the correction is
//
//	u = -dz/dt - f(x)
//
// with f slow, limited to the slew limit and changed no faster than the rate
// limit, and dithered between the codes of a coarse clock (steer.go).
//
// Is it the pulse, the oscillator or the sky? That is one decision, made of three
// facts (estimator.go). What is white in the pulses is their noise R, measured by
// the pulses alone (scatter.go). What has a mean in the innovations is an
// oscillator that moves: the walk of its frequency grows until the filter
// follows. What jumps is the sky: the gate, and holdover.
//
// The estimator follows slowly whatever pulses do. So it is weighed against
// itself (doubt.go): states from seconds to hours ago, of a sober one that does not
// hurry after pulses, are carried to now without pulses. Where the pulses went further than the oscillator and the room explain,
// the bound holds both opinions: that of the pulses, and that the sky has moved by
// so much. The second is kept as an offset until the sky has come back by as much, or
// has stood still for hours. Where no oscillator of the kind could go, the clock goes
// into holdover with a state from before.
//
// The kind that was told is a beginning. Each kind has filters of its own that run beside
// the estimator and foretell the pulses; when the odds are for another kind, the clock
// goes on with that one's filter (kinds.go). So within hours it does not matter what was
// told. What the piece behaves like within its kind is a level between the kinds
// (oscillator.go), measured by virtual holdovers and by what the pulses ask for
// (virtual.go): worse at once, better by evidence.
//
// When the pulse is lost the model goes on without: from its state of a minute ago, or of
// before its pulses changed their frequency, for a receiver may lie before it admits to have
// lost the sky, and with the thermometer. The bound is
//
//	|x| + what the receiver may be off + max(4 sigma and doubt at the loss, hypot(3 r(t) sigma(t), a(t)))
//
// where sigma is the model's own deviation, r(t) what virtual holdovers have
// shown it to be worth, never less than a bit over 1 (coast.go says what that makes
// of a day), and a(t) what they may not have seen: a drift
// that was there at the loss goes on, and where no thermometer tells of the room
// it becomes 10 C warmer within an hour. Pulses that come and are not believed
// raise the bound to where they are, as far as the oscillator can have gone.
//
// A thermometer that dies, sticks, jumps or misleads is held where it was; the noise
// of the model then stands for what the air does, and the bound is wider
// (thermometer.go).
//
// Back from an outage the frequency is measured anew where it has moved (acquire.go,
// coast.go), unless the few pulses of its return say less of it than what was held. A
// lock that was short is followed by a wait, counted from the pulses' return, so that an
// antenna that comes and goes does not make the class flutter. No lock has a bound outside
// the spec: pulses are followed all the same, in RELOCKING (clock.go, wide).
//
// The first lock: a few pulses give the frequency (acquire.go), one step sets
// the phase, and both are applied at once. LOCKED waits until the oscillator has
// warmed up, 35 minutes at most. After the first LOCKED there is a step only out of
// spec, where on_return or the operator asks for it.
//
// Signs: offsets and errors are served clock minus TAI, in ns. Frequency is in
// ppb = ns/s; positive makes the served clock run faster.
//
// The package may not know the operating system or the time: `now` is an
// argument, CLOCK_MONOTONIC_RAW. It holds no lock and starts no goroutine; one
// goroutine owns a Clock.
package holdover
