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
// limit, and dithered between the codes of a coarse clock (steer.go). When the
// pulse is lost the model goes on without: from its state of a minute ago, for a
// receiver may lie before it admits to have lost the sky, and with the
// thermometer. The bound is
//
//	|x| + what the receiver may be off + max(4 sigma at the loss, 2 r(t) sigma(t))
//
// where sigma is the model's own deviation and r(t) what virtual holdovers have
// shown it to be worth (virtual.go), never less than a bit over 1: two
// deviations that are exact would be wrong in one case of twenty.
//
// A thermometer that dies, sticks or jumps is held where it was; the noise of
// the model then stands for what the air does, and the bound is wider
// (thermometer.go).
//
// The first lock: a few pulses give the frequency (acquire.go), one step sets
// the phase, and both are applied at once. After the first LOCKED there
// is never a step.
//
// Signs: offsets and errors are served clock minus TAI, in ns. Frequency is in
// ppb = ns/s; positive makes the served clock run faster.
//
// The package may not know the operating system or the time: `now` is an
// argument, CLOCK_MONOTONIC_RAW. It holds no lock and starts no goroutine; one
// goroutine owns a Clock.
package holdover
