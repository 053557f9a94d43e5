// Package holdover steers the served clock to the receiver's pulse, knows how
// well it does so, and coasts when the pulse is gone.
//
// The way of a pulse:
//
//	Pulse --> corrections --> estimator (what the oscillator does by itself) --> steer (ppb, step) --> Order
//	                      \-> history (mean frequency, its standard error)   \-> bound, forecast
//	          Inputs --> Next (the states, one pure function) --> Report --> quality.Announce
//
// Estimation and steering are apart. A pulse says how far the served clock is
// from TAI (positive: ahead). What was done to the clock since the first pulse
// is known: steps, and the integral U of the frequency correction u that the
// hardware took. Their difference is the phase that the oscillator would have
// by itself,
//
//	z(t) = offset(t) - steps - U(t),   dz/dt = y
//
// and only z is filtered (estimator.go): two states, phase z and frequency y,
// so that the servo's own noise never enters the frequency that is held. The
// error of the served clock is x = z + steps + U, and the correction is
//
//	u = -y - f(x)
//
// with f slow, limited to the slew limit and changed no faster than the rate
// limit (steer.go). When the pulse is lost, y becomes the mean frequency of the
// lock (mean.go), the phase is taken from before the last minute if the
// two disagree, and the same law coasts on. The bound is
//
//	|x| + error of z at the loss + t (ppb of the oscillator kind + 2 standard errors of that mean)
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
